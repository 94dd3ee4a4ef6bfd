//! What opened the gate, or keeps it shut: typed, printable, per account and instrument.

use crate::{
    conversation::Phase,
    ids::{AccountId, Epoch, InstrumentId},
    reconcile::Difference,
    units::{PositionMode, PositionSide, SignedQty},
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
    /// Positions per leg.
    pub positions: Vec<PositionLine>,
    /// Differences that stand.
    pub differences: Vec<Difference>,
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
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Journal(String),
    /// A latch that somebody must release.
    #[error("latched: {0}")]
    Latched(String),
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
        for difference in &self.differences {
            writeln!(f, "  difference: {difference}")?;
        }
        for reason in &self.shut {
            writeln!(f, "  shut: {reason}")?;
        }
        Ok(())
    }
}
