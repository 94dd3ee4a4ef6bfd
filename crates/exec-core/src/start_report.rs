//! What opened the gate, or keeps it shut: typed, printable, per account and instrument.

use crate::{
    conversation::{InDoubt, Phase},
    ids::{AccountId, Epoch, InstrumentId, StrategyId},
    instrument::TradingStatus,
    kill::{KillLevel, KillScope},
    pretrade::Figure,
    reconcile::Difference,
    record::LatchCause,
    time::VenueTime,
    units::{PositionMode, PositionSide, SignedQty},
    venue::KeyRights,
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use serde::Serialize;

/// The state of an account's gate and what it rests on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StartReport {
    /// Whose.
    pub account: AccountId,
    /// Which start.
    pub epoch: Epoch,
    /// Where the engine stands.
    pub phase: Phase,
    /// How the account keeps positions.
    pub mode: PositionMode,
    /// What keeps the gate shut; empty when it is open.
    pub shut: Vec<Shut>,
    /// Orders restored from the journal that are still open.
    pub open_orders: usize,
    /// Orders found at the venue and adopted.
    pub adopted: usize,
    /// Attempts of unknown outcome.
    pub in_doubt: usize,
    /// Everything of which nobody knows what became of it, attempts and changes.
    pub doubts: Vec<InDoubt>,
    /// Instruments that take no new risk while the account would, and why.
    pub instruments: Vec<InstrumentState>,
    /// Positions per leg.
    pub positions: Vec<PositionLine>,
    /// Differences that stand.
    pub differences: Vec<Difference>,
    /// Strategies that may only close while the account takes new risk, and why.
    pub strategies: Vec<StrategyState>,
    /// What the key may do, where the venue has told it.
    pub key: Option<KeyRights>,
}

/// One thing that keeps the gate shut.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum Shut {
    /// A drain was asked for.
    #[error("the node is coming to an end")]
    Draining,
    /// There is no session of the private stream.
    #[error("the private stream is not open")]
    NoStream,
    /// The venue has not told its instruments.
    #[error("the venue's instruments are not known")]
    NoInstruments,
    /// No comparison has come to its end since the stream was opened.
    #[error("books and venue have not been compared since the stream was opened")]
    NotReconciled,
    /// The delay after the first comparison runs.
    #[error("the delay after the first comparison is not over")]
    Delay,
    /// Doubt from before this start.
    #[error("attempts of an earlier start are in doubt")]
    EarlierDoubt,
    /// The venue's clock was not measured, or the venue said that it is wrong.
    #[error("the venue's clock is not known")]
    NoClock,
    /// The clock is measured too coarsely.
    #[error("the venue's clock is known only to {0} ms")]
    CoarseClock(u64),
    /// The record of this start is not on disk yet.
    #[error("the record of this start is not durable")]
    StartNotDurable,
    /// Somebody has changed how the account keeps positions.
    #[error("the account keeps positions in {found:?} mode, and the config says {wanted:?}")]
    PositionMode {
        /// As the venue says.
        found: PositionMode,
        /// As the config says.
        wanted: PositionMode,
    },
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Journal(String),
    /// A latch that somebody must release, and what it says.
    #[error("latched: {cause}: {text}", cause = .0.words(), text = .1)]
    Latched(LatchCause, String),
    /// The private stream is late, by so many milliseconds when that was noticed.
    #[error("events of the private stream are {0} ms late")]
    StreamLate(u64),
    /// The session of the private stream is open and says nothing of what happens.
    #[error("the private stream cannot be believed: {0}")]
    StreamDead(String),
    /// Nothing was surely seen for so long that orders which can add risk are being cancelled.
    #[error("nothing was surely seen for long; orders that can add risk are cancelled")]
    Blind,
    /// The venue restricts the account.
    #[error("the venue restricts the account: {0}")]
    Restricted(String),
    /// The account is too near to its liquidation.
    #[error("{}", margin_text(.ratio.as_ref(), .max))]
    Margin {
        /// Maintenance margin over margin balance, if it is known.
        ratio: Option<Figure>,
        /// The most that it may be.
        max: Figure,
    },
    /// The venue says that the key may not trade here.
    #[error("the key may not trade here")]
    KeyMayNotTrade,
    /// Somebody has changed a setting of the account.
    #[error("{0}")]
    Setting(String),
    /// The venue does not count down for this node, or has counted to the end.
    #[error("the dead-man's switch is not armed on every instrument")]
    NotArmed,
    /// Opening orders of an earlier start wait for a trigger, and were not meant to outlive it.
    #[error("orders of an earlier start that may open a position are still being taken off the book")]
    Orphans,
    /// The lease of the account covers nothing that could be sent now. Exits do not pass either.
    #[error("no lease covers what would be sent: {0}")]
    Lease(String),
    /// The copy of the journal lacks more than may be lost with this machine; figures of when that was noticed.
    #[error("the copy of the journal lacks {records} records, the oldest for {age_ms} ms")]
    CopyBehind {
        /// Records that it lacks.
        records: u64,
        /// For how long it has lacked the oldest.
        age_ms: u64,
    },
}

fn margin_text(ratio: Option<&Figure>, max: &Figure) -> String {
    match ratio {
        Some(ratio) => alloc::format!("the maintenance margin is {ratio} of the margin balance, more than {max}"),
        None => String::from("the venue warns that margin runs short"),
    }
}

/// How a state ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndsBy {
    /// By itself, when what it waits for comes.
    Itself,
    /// By a person who looks at it and acts.
    Person,
}

impl Shut {
    /// Its name, for machines: lower case with underscores. The list is closed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::NoStream => "no_stream",
            Self::NoInstruments => "no_instruments",
            Self::NotReconciled => "not_reconciled",
            Self::Delay => "delay",
            Self::EarlierDoubt => "earlier_doubt",
            Self::NoClock => "no_clock",
            Self::CoarseClock(_) => "coarse_clock",
            Self::StartNotDurable => "start_not_durable",
            Self::PositionMode { .. } => "position_mode",
            Self::Journal(_) => "journal",
            Self::Latched(..) => "latched",
            Self::StreamLate(_) => "stream_late",
            Self::StreamDead(_) => "stream_dead",
            Self::Blind => "blind",
            Self::Restricted(_) => "restricted",
            Self::Margin { .. } => "margin",
            Self::KeyMayNotTrade => "key_may_not_trade",
            Self::Setting(_) => "setting",
            Self::NotArmed => "not_armed",
            Self::Orphans => "orphans",
            Self::Lease(_) => "lease",
            Self::CopyBehind { .. } => "copy_behind",
        }
    }
    /// How it ends.
    pub const fn ends_by(&self) -> EndsBy {
        match self {
            Self::Journal(_) | Self::Latched(..) | Self::PositionMode { .. } | Self::KeyMayNotTrade | Self::Setting(_) => {
                EndsBy::Person
            }
            Self::Draining
            | Self::NoStream
            | Self::NoInstruments
            | Self::NotReconciled
            | Self::Delay
            | Self::EarlierDoubt
            | Self::NoClock
            | Self::CoarseClock(_)
            | Self::StartNotDurable
            | Self::StreamLate(_)
            | Self::StreamDead(_)
            | Self::Blind
            | Self::Restricted(_)
            | Self::Margin { .. }
            | Self::NotArmed
            | Self::Orphans
            | Self::Lease(_)
            | Self::CopyBehind { .. } => EndsBy::Itself,
        }
    }
    /// What happens next, or what a person has to do.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Draining => "nothing to do; start it again to trade",
            Self::NoStream => "the node opens it again; the alerts say what the venue answers",
            Self::NoInstruments => "the node goes on asking the venue",
            Self::NotReconciled => "the node compares; the alerts say which question fails",
            Self::Delay => "it ends by itself",
            Self::EarlierDoubt => "the node goes on asking; `explain ORDER` shows how far it is",
            Self::NoClock => "the node measures it again; check that the venue can be reached",
            Self::CoarseClock(_) => "the node measures it again; a slow network is the usual cause",
            Self::StartNotDurable => "the disk is slow; it ends by itself",
            Self::PositionMode { .. } => {
                "change it back at the venue, which takes a flat account without open orders; it is read again every 60 s"
            }
            Self::KeyMayNotTrade => "give the key its right back at the venue; it is asked again every hour and at a start",
            Self::Setting(_) => "set it back at the venue, or change the config and start the node again",
            Self::StreamLate(_) => "it ends with the first event that is in time; a busy venue is the usual cause",
            Self::StreamDead(_) => "the node opens another session; the alerts say what the venue answers",
            Self::NotArmed => "the node asks the venue again every second; the alerts say what it answers",
            Self::Orphans => "it ends when they are gone; `orders` shows them",
            Self::Lease(_) => "the node asks the lease store again; it ends itself if it does not get the lease back in time",
            Self::CopyBehind { .. } => "it ends when redis has the records; look at the server that keeps the copy",
            Self::Blind => "it ends when everything was compared on a stream that can be believed",
            Self::Restricted(_) => {
                "the node asks the venue every 30 s and opens by itself; look at the account at the venue meanwhile"
            }
            Self::Margin { .. } => "close something, or add margin; it ends when the ratio is clearly below the limit",
            Self::Journal(_) => "free or mend the disk, then start the node again; exits and cancels pass meanwhile",
            Self::Latched(cause, _) => cause.advice(),
        }
    }
    /// Whether it is the same reason, whatever its figures are.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::CoarseClock(_), Self::CoarseClock(_))
            | (Self::Margin { .. }, Self::Margin { .. })
            | (Self::Lease(_), Self::Lease(_))
            | (Self::CopyBehind { .. }, Self::CopyBehind { .. }) => true,
            (one, other) => one == other,
        }
    }
}

impl LatchCause {
    /// Its name, for machines: lower case with underscores. The list is closed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SecondEngine => "second_engine",
            Self::AssumptionBroken => "assumption_broken",
            Self::Auth => "auth",
            Self::Operator => "operator",
            Self::Liquidation => "liquidation",
            Self::Exchange(_) => "exchange",
            Self::Difference(_) => "difference",
            Self::Breaker(_) => "breaker",
            Self::DailyLoss => "daily_loss",
            Self::Kill { .. } => "kill",
            Self::CrashLoop => "crash_loop",
        }
    }
    /// Whether it is about the whole account, and not about an instrument or a strategy of it.
    pub const fn is_of_account(&self) -> bool {
        match self {
            Self::SecondEngine
            | Self::AssumptionBroken
            | Self::Auth
            | Self::Operator
            | Self::Liquidation
            | Self::Difference(_)
            | Self::DailyLoss
            | Self::CrashLoop => true,
            Self::Exchange(_) | Self::Breaker(_) => false,
            Self::Kill { scope, .. } => matches!(scope, KillScope::Account),
        }
    }
    /// In words.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::SecondEngine => "a second engine trades this account",
            Self::AssumptionBroken => "the venue did what it cannot do by what this program assumes of it",
            Self::Auth => "the venue refuses the key, its signature or its rights",
            Self::Operator => "an operator said so",
            Self::Liquidation => "the exchange liquidates the account",
            Self::Exchange(_) => "the exchange has closed a position here by itself",
            Self::Difference(_) => "books and venue differ on an instrument whose policy is to halt",
            Self::Breaker(_) => "a strategy did what a working one does not do, and may only close",
            Self::DailyLoss => "the account has lost more today than it may",
            Self::Kill { level: KillLevel::Reduce, .. } => "the kill switch says reduce",
            Self::Kill { level: KillLevel::Halt, .. } => "the kill switch says halt",
            Self::Kill { level: KillLevel::Flatten, .. } => "the kill switch says flatten",
            Self::CrashLoop => "the node has died again and again, and its strategies are not called",
        }
    }
    /// What a person has to do before releasing it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::SecondEngine => "find and end the other engine, compare with `reconcile`, then `release`",
            Self::AssumptionBroken => "read `explain` of the order it names, compare with `reconcile`, then `release`",
            Self::Auth => {
                "check the key and its secret, its rights (futures trading) and its list of addresses at the venue, then `release`"
            }
            Self::Operator => "`release` when you want new risk again",
            Self::Liquidation => "look at margin and positions first, then `release`",
            Self::Exchange(_) => "look at what that position hedged, then `release`",
            Self::Difference(_) => "read `reconcile --explain`, settle it there, then `release`",
            Self::Breaker(_) => "find out why the strategy did it and mend that, then `release`",
            Self::CrashLoop => "read the end of the logs, mend or take out the strategy that it names, then `release`",
            Self::DailyLoss => "it ends at 00:00 UTC; find out what lost the money before you `release` it",
            Self::Kill { level: KillLevel::Flatten, .. } => {
                "wait until `positions` is empty; `release` ends the closing where it is"
            }
            Self::Kill { .. } => "look why it was thrown, then `release`",
        }
    }
}

/// A strategy that may only close while the account takes new risk.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StrategyState {
    /// Which.
    pub strategy: StrategyId,
    /// The latch that somebody must release.
    pub cause: LatchCause,
    /// What it says.
    pub why: String,
}

/// An instrument that takes no new risk while the account would.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct InstrumentState {
    /// Which.
    pub instrument: InstrumentId,
    /// Why.
    pub shut: Vec<InstrumentShut>,
}

/// One thing that keeps an instrument from new risk. Its exits pass.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentShut {
    /// Books and venue differ on one of its legs.
    #[error("books and venue differ: {0}")]
    Difference(Difference),
    /// Something else that the venue or a comparison said of it.
    #[error("{0}")]
    Restricted(String),
    /// The exchange has acted here by itself, and somebody must release it.
    #[error("latched: {0}")]
    Latched(String),
    /// As many orders of unknown fate as it may have.
    #[error("{count} orders in doubt, {max} may be")]
    InDoubt {
        /// How many it has.
        count: u32,
        /// How many it may have.
        max: u32,
    },
    /// The venue does not trade it now.
    #[error("the venue says that it is {0:?}")]
    NotTrading(TradingStatus),
    /// The venue does not list it.
    #[error("the venue does not list it")]
    NotListed,
    /// It is delivered or taken off the list soon.
    #[error("it ends at {0}, and takes no new risk in the seven days before")]
    EndsSoon(VenueTime),
}

impl InstrumentShut {
    /// Its name, for machines: lower case with underscores. The list is closed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Difference(_) => "difference",
            Self::Restricted(_) => "restricted",
            Self::Latched(_) => "latched",
            Self::InDoubt { .. } => "in_doubt",
            Self::NotTrading(_) => "not_trading",
            Self::NotListed => "not_listed",
            Self::EndsSoon(_) => "ends_soon",
        }
    }
    /// How it ends.
    pub const fn ends_by(&self) -> EndsBy {
        match self {
            Self::Latched(_) | Self::NotListed | Self::EndsSoon(_) => EndsBy::Person,
            Self::Difference(_) | Self::Restricted(_) | Self::InDoubt { .. } | Self::NotTrading(_) => EndsBy::Itself,
        }
    }
}

/// One leg in the report.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PositionLine {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// Our books.
    pub ours: SignedQty,
    /// The venue, at the cut of the comparison.
    pub venue: Option<SignedQty>,
    /// Quantity that no trade explains.
    pub from_baseline: SignedQty,
}

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gate = if self.shut.is_empty() { "open" } else { "shut" };
        writeln!(
            f,
            "account {} epoch {} {:?} {:?}: gate {gate}; {} open orders, {} adopted, {} in doubt",
            self.account, self.epoch, self.mode, self.phase, self.open_orders, self.adopted, self.in_doubt
        )?;
        for line in &self.positions {
            let venue = line.venue.map_or_else(|| String::from("?"), |q| alloc::format!("{q}"));
            writeln!(
                f,
                "  {} {:?}: ours {}, venue {venue}, of it baseline {}",
                line.instrument, line.leg, line.ours, line.from_baseline
            )?;
        }
        if let Some(key) = &self.key {
            writeln!(f, "  key: {key}")?;
        }
        for difference in &self.differences {
            writeln!(f, "  difference: {difference}")?;
        }
        for reason in &self.shut {
            writeln!(f, "  shut: {reason}")?;
        }
        for state in &self.instruments {
            for reason in &state.shut {
                writeln!(f, "  no new risk on {}: {reason}", state.instrument)?;
            }
        }
        for state in &self.strategies {
            writeln!(f, "  {}", state.why)?;
        }
        for doubt in &self.doubts {
            writeln!(f, "  in doubt: order {} on {}", doubt.intent, doubt.instrument)?;
        }
        Ok(())
    }
}
