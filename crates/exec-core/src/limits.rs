//! Limits toward ourselves beside those of an order and a leg: per account, per strategy, per instrument. Data and words; whether
//! an order is within them is decided by the engine.

use crate::ids::{InstrumentId, StrategyId};
use alloc::collections::BTreeMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Whom a limit holds.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum Scope {
    /// Everything on the account.
    Account,
    /// One strategy.
    Strategy(StrategyId),
    /// One instrument, whoever trades it.
    Instrument(InstrumentId),
}

impl core::fmt::Display for Scope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Account => f.write_str("the account"),
            Self::Strategy(id) => write!(f, "strategy {id}"),
            Self::Instrument(id) => write!(f, "{id}"),
        }
    }
}

/// How many orders and changes may be asked for in a fixed window of time. What closes counts and is never held back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pace {
    /// In each second.
    pub per_second: Option<u32>,
    /// In each minute.
    pub per_minute: Option<u32>,
}

/// Limits of a strategy or of an instrument. What is `None` is held by the account's limits only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Bound {
    /// Largest price times quantity of one opening order, in quote units.
    pub order_notional_max: Option<Decimal>,
    /// Largest quantity of one opening order, in units of the instrument.
    pub order_qty_max: Option<Decimal>,
    /// Largest worst-case notional of one leg, in quote units; of a strategy, what its own share and orders can make of it.
    pub position_notional_max: Option<Decimal>,
    /// Most open orders.
    pub open_orders_max: Option<u32>,
    /// How far an opening order may pay from the reference price, as a fraction; the smaller one holds.
    pub collar: Option<Decimal>,
    /// How many orders and changes in a window.
    pub pace: Pace,
}

/// What an account may lose in a day, and how near it may come to its liquidation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Solvency {
    /// The most that it may lose from 00:00 UTC on, in quote units.
    pub daily_loss_max: Option<Decimal>,
    /// Whether all legs are closed at one and a half times that.
    pub flatten_on_loss: bool,
    /// No new risk while the maintenance margin is more than this part of the margin balance.
    pub margin_ratio_max: Option<Decimal>,
    /// Told when the mark is nearer than this fraction to where a leg would be liquidated; 0 never.
    pub liquidation_distance_min: Decimal,
}

/// Limits beside those of [`crate::exposure::Limits`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bounds {
    /// How many orders and changes the account may ask for in a window.
    pub pace: Pace,
    /// Largest worst-case notional of all legs together, in quote units.
    pub gross_notional_max: Option<Decimal>,
    /// Most that all legs together may be worth, as a multiple of what the account is worth.
    pub leverage_max: Option<Decimal>,
    /// By strategy.
    pub strategies: BTreeMap<StrategyId, Bound>,
    /// By instrument.
    pub instruments: BTreeMap<InstrumentId, Bound>,
}
