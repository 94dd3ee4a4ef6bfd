//! How a run comes to its end: no new risk, the node's orders as the config wants it, what is open settled, the journal flushed.

use super::AccountLoop;
use crate::{
    boundary::boundary,
    config::OnExit,
    exit::{AccountExit, ExitReason},
    observe::AccountStatus,
};
use exec_core::{
    command::OperatorCommand,
    conversation::{Alert, AlertLevel, Input, Phase},
    lease::Lost,
    order::{Order, intent::Provenance},
};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an end waits for what is still to be told of trades. The next start would ask for it.
const TRADES_WITHIN: Duration = Duration::from_secs(1);
/// How long a run that lost its lease waits for the journal at most: a shared one may be away, which is why the lease is lost, and its
/// successor reads what the venue says.
const FENCED_FLUSH_WITHIN: Duration = Duration::from_secs(1);

impl AccountLoop {
    /// Begins the end: no new risk, and the node's orders as the config wants it.
    pub(super) async fn drain(&mut self) {
        tracing::info!(account = %self.account, "coming to an end");
        self.drain_until = Some(Instant::now() + self.runtime.drain_deadline);
        self.trades_until = Some(Instant::now() + TRADES_WITHIN);
        self.take(Input::Drain).await;
        boundary!("drain");
        let unwanted: Vec<_> = self.unwanted_orders().map(|o| o.intent().id).collect();
        for intent in unwanted {
            let command = OperatorCommand::Cancel(intent);
            self.take(Input::Operator { who: String::from("node exit"), command }).await;
            boundary!("drain");
        }
    }

    /// Orders of this node that should not outlive it.
    pub(super) fn unwanted_orders(&self) -> impl Iterator<Item = &Order> {
        let on_exit = self.runtime.on_exit;
        self.engine.books().open_orders().filter(move |order| {
            let intent = order.intent();
            intent.provenance != Provenance::Foreign
                && match on_exit {
                    OnExit::Leave => false,
                    OnExit::CancelEntries => intent.terms.can_add_risk(),
                    OnExit::CancelAll => true,
                }
        })
    }

    /// Whether nothing is open that a little more time could settle.
    pub(super) fn is_settled(&self) -> bool {
        self.engine.pending() == 0
            && self.calls.requests_open() == 0
            && self.engine.in_doubt() == 0
            && self.hosted.is_idle()
            && self.unwanted_orders().next().is_none()
            && (self.trades_until.is_none() || self.engine.books().orders().all(is_fully_told))
    }

    /// Waits, not for long, until all that was appended is durable.
    pub(super) async fn flush(&mut self) {
        self.flush_within(self.runtime.flush_deadline).await;
    }

    /// The same for a run that lost its lease.
    pub(super) async fn flush_fenced(&mut self) {
        self.flush_within(self.runtime.flush_deadline.min(FENCED_FLUSH_WITHIN)).await;
    }

    async fn flush_within(&mut self, deadline: Duration) {
        let journal = &mut self.journal;
        let flushed = timeout(deadline, async {
            while !journal.is_flushed() && journal.failure().is_none() {
                let _ = journal.next().await;
            }
        });
        if flushed.await.is_err() {
            let text = format!("journal is durable to {} only", self.journal.durable());
            self.raise(Alert { level: AlertLevel::Critical, kind: "journal_not_flushed", text });
        }
    }

    /// Says, where the loss itself does not, who holds the account now, and what did not leave because of it.
    pub(super) async fn say_who_holds_it(&mut self, lost: &Lost) {
        let Some(keeper) = &mut self.lease else { return };
        let now = match lost {
            Lost::Taken(holder) => holder.to_string(),
            Lost::Lapsed(_) | Lost::Forgotten | Lost::Seen(_) => keeper.look().await,
        };
        let (held_back, unsigned) = (self.engine.held_back(), keeper.unsigned());
        tracing::error!(account = %self.account, holder = %now, held_back, unsigned, "the lease is lost: nothing is sent any more");
    }

    /// Nothing is signed any more, and what was signed is over soon.
    pub(super) async fn give_back_lease(&mut self) {
        if let (Some(keeper), Some(lease)) = (self.lease.take(), self.engine.lease().cloned()) {
            keeper.give_back(lease).await;
        }
    }

    pub(super) fn publish_end(&self) {
        let report = self.engine.report();
        self.shared.status.send_replace(AccountStatus { phase: Phase::Halted, report: Some(report) });
    }

    pub(super) fn summary(&self, reason: ExitReason) -> AccountExit {
        let books = self.engine.books();
        AccountExit {
            account: self.account.clone(),
            epoch: books.epoch(),
            reason,
            requests_open: self.calls.requests_open(),
            open_orders: books.open_count() as usize,
            in_doubt: self.engine.in_doubt(),
            armed: self.engine.armed().cloned().collect(),
            last: books.seq(),
            durable: self.journal.durable(),
            dropped: self.journal.dropped(),
            journal_failure: self.journal.failure().map(String::from),
        }
    }
}

/// Whether every trade of an order is known, with its fee: the private stream tells a trade in parts.
fn is_fully_told(order: &Order) -> bool {
    order.unattributed_qty().is_zero() && order.fills().all(|(_, fill)| fill.fee.is_some())
}
