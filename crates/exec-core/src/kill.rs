//! The kill switch as data: how much it stops, and for whom. What it does stands in the engine.

use crate::{
    ids::{InstrumentId, StrategyId},
    order::{Order, intent::Owner},
};
use alloc::format;
use core::fmt;
use serde::{Deserialize, Serialize};

/// How much is stopped. Each level does what those before it do, and more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillLevel {
    /// No new risk, and every resting order that can add risk is taken off both books. What closes stays.
    Reduce,
    /// And strategies may only close: they change no order any more.
    Halt,
    /// And every leg is closed at market, then its stops are taken away. What is left then is [`KillLevel::Halt`].
    Flatten,
}

/// For whom.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillScope {
    /// Everything of the account, whoever it belongs to.
    Account,
    /// Everything on one instrument, whoever it belongs to.
    Instrument(InstrumentId),
    /// The orders of one strategy, and its share of each position.
    Strategy(StrategyId),
}

impl KillLevel {
    /// Its name on a command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reduce => "reduce",
            Self::Halt => "halt",
            Self::Flatten => "flatten",
        }
    }
}

impl KillScope {
    /// Whether it is about what an owner does on an instrument.
    pub fn covers(&self, owner: &Owner, instrument: &InstrumentId) -> bool {
        match self {
            Self::Account => true,
            Self::Instrument(only) => only == instrument,
            Self::Strategy(only) => owner.strategy() == Some(only),
        }
    }
    /// Whether it is about an order.
    pub fn covers_order(&self, order: &Order) -> bool {
        self.covers(&order.intent().owner, &order.intent().terms.instrument)
    }
}

impl fmt::Display for KillScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("the account"),
            Self::Instrument(instrument) => f.write_str(&format!("{instrument}")),
            Self::Strategy(strategy) => f.write_str(&format!("strategy {strategy}")),
        }
    }
}
