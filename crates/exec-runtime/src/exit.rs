//! How a run of an account ended: the summary that is returned and printed.

use exec_core::ids::{AccountId, Epoch, InstrumentId, Seq};
use serde::Serialize;
use std::fmt;

/// Why an account's run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    /// It was asked to, and everything was settled.
    Clean,
    /// It was asked to, and the deadline came first.
    Deadline,
    /// It was asked to twice.
    Hurried,
}

/// What an account's run left behind.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AccountExit {
    /// Which account.
    pub account: AccountId,
    /// Which start.
    pub epoch: Epoch,
    /// Why it ended.
    pub reason: ExitReason,
    /// Requests that had no outcome.
    pub requests_open: usize,
    /// Orders that are still open.
    pub open_orders: usize,
    /// Orders whose fate is unknown; the next start settles them.
    pub in_doubt: usize,
    /// Instruments on which the venue takes ordinary orders off the book when its countdown ends, because the end was none.
    pub armed: Vec<InstrumentId>,
    /// The last record.
    pub last: Seq,
    /// Up to here the journal is durable.
    pub durable: Seq,
    /// Records that a failed journal did not take.
    pub dropped: u64,
    /// What failed, if the journal did.
    pub journal_failure: Option<String>,
}

impl AccountExit {
    /// Of an account that was told to end before it began.
    pub(crate) const fn before_it_began(account: AccountId) -> Self {
        Self {
            account,
            epoch: Epoch(0),
            reason: ExitReason::Clean,
            requests_open: 0,
            open_orders: 0,
            in_doubt: 0,
            armed: Vec::new(),
            last: Seq(0),
            durable: Seq(0),
            dropped: 0,
            journal_failure: None,
        }
    }

    /// Whether nothing is left that the next start would have to settle by evidence.
    pub fn is_clean(&self) -> bool {
        self.reason == ExitReason::Clean && self.in_doubt == 0 && self.dropped == 0 && self.durable == self.last
    }
}

impl fmt::Display for AccountExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, epoch, open_orders, in_doubt, requests_open, last, durable, dropped, .. } = self;
        let how = match self.reason {
            ExitReason::Clean => "ended",
            ExitReason::Deadline => "ended by its deadline",
            ExitReason::Hurried => "ended at once, as it was asked to twice",
        };
        write!(f, "account {account} epoch {epoch}: {how}; {open_orders} open orders, {in_doubt} in doubt")?;
        if *requests_open > 0 {
            write!(f, ", {requests_open} requests unanswered")?;
        }
        if !self.armed.is_empty() {
            let names: Vec<&str> = self.armed.iter().map(InstrumentId::as_str).collect();
            write!(f, ", dead-man's switch still counts on {}", names.join(", "))?;
        }
        write!(f, "; journal at {last}, durable to {durable}")?;
        if let Some(failure) = &self.journal_failure {
            write!(f, "; journal failed, {dropped} records not kept: {failure}")?;
        }
        Ok(())
    }
}

/// What a node's run left behind, account by account.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ExitSummary {
    /// In the order in which the accounts were given.
    pub accounts: Vec<AccountExit>,
}

impl ExitSummary {
    /// Whether every account ended clean.
    pub fn is_clean(&self) -> bool {
        self.accounts.iter().all(AccountExit::is_clean)
    }
}

impl fmt::Display for ExitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.accounts.iter().try_for_each(|account| writeln!(f, "{account}"))
    }
}
