//! What an engine is told about its account, its strategies and its patience. Data, checked by whoever reads the config file.

use crate::{
    cl_ord_id::Tag,
    engine::breaker::Breakers,
    exposure::Limits,
    ids::{AccountId, InstrumentId, StrategyId},
    limits::{Bounds, Solvency},
    unequal::DifferenceRules,
    units::PositionMode,
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A strategy as the engine knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StrategyConfig {
    /// Its name.
    pub id: StrategyId,
    /// Instruments that it may trade.
    pub instruments: Vec<InstrumentId>,
    /// Instruments whose foreign orders and positions it takes as its own.
    pub external_order_claims: Vec<InstrumentId>,
    /// What is done when one of its protective orders does not protect.
    pub protection: ProtectionPolicy,
    /// How long after its first fill a bracket's stop may take to be acknowledged.
    pub time_to_protect_max_ms: u64,
}

/// What is done when a protective order does not protect.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum ProtectionPolicy {
    /// Closes at market what no stop covers.
    #[default]
    Exit,
    /// Places the protective order once more, then closes.
    Rearm,
    /// Only tells.
    Alert,
}

/// How long the books keep what is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Memory {
    /// An order that has ended is kept so long after the last fact about it; 0 for ever.
    pub ended_orders_ms: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { ended_orders_ms: 24 * 3_600 * 1_000 }
    }
}

/// Everything an engine is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EngineConfig {
    /// Whose engine it is.
    pub account: AccountId,
    /// The account's number in the fleet, in client order ids.
    pub account_number: u16,
    /// In front of every client order id; one per fleet.
    pub tag: Tag,
    /// How the account must keep positions.
    pub mode: PositionMode,
    /// Its strategies.
    pub strategies: Vec<StrategyConfig>,
    /// Money limits.
    pub limits: Limits,
    /// Window of new orders, changes and conditional orders.
    pub order_recv_window_ms: u64,
    /// Further attempts after a proven non-execution.
    pub max_retries: u8,
    /// Delay before the first further attempt.
    pub retry_delay_initial_ms: u64,
    /// Longest delay between attempts.
    pub retry_delay_max_ms: u64,
    /// Opening GTC and GTX limits may be tried again while they are younger than this.
    pub retry_age_ms: u64,
    /// Attempts in doubt that an instrument may have and still take new risk.
    pub in_doubt_max: u32,
    /// Largest error of the venue clock's estimate with an open gate.
    pub clock_error_max_ms: u64,
    /// How long the gate stays shut after the first complete reconciliation.
    pub startup_delay_ms: u64,
    /// How often everything is compared with the venue; 0 never.
    pub sweep_interval_ms: u64,
    /// Whether reconciliation is done at all.
    pub reconciliation: bool,
    /// How old what an opening order rests on may be.
    pub staleness: Staleness,
    /// What is done about legs that books and venue see differently.
    pub differences: DifferenceRules,
    /// Which positions several strategies hold shares of.
    pub sharing: Sharing,
    /// How long the books keep what is over.
    pub memory: Memory,
    /// What is asked of the private stream, and what is done when it says too little.
    pub stream: StreamCare,
    /// When a strategy may only close any more.
    pub breakers: Breakers,
    /// Limits beside those of an order and a leg.
    pub bounds: Bounds,
    /// What the account may lose, and how near it may come to its liquidation.
    pub solvency: Solvency,
    /// What the venue does when the node is dead.
    pub dead_man: DeadMan,
}

/// What the venue does when the node is dead: it takes the ordinary orders of these instruments off the book. Off by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeadMan {
    /// Instruments that the venue counts down for; none for no switch.
    pub instruments: Vec<InstrumentId>,
    /// How long the venue waits for a sign of life.
    pub countdown_ms: u64,
    /// How often one is given.
    pub refresh_ms: u64,
    /// Strategies whose opening orders may wait for a trigger on these instruments: the venue does not take those away.
    pub outlive: Vec<StrategyId>,
    /// Whether an operator's may.
    pub operators_outlive: bool,
}

/// What is asked of the private stream, and what is done when it says too little. Milliseconds; 0 switches off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamCare {
    /// No new risk while events are later than this by the venue's clock.
    pub lag_max_ms: u64,
    /// How often the legs are looked at.
    pub look_every_ms: u64,
    /// After so long without a stream that can be believed, orders that can add risk are cancelled.
    pub blind_cancel_ms: u64,
}

impl StreamCare {
    /// Nothing is asked of it.
    pub const OFF: Self = Self { lag_max_ms: 0, look_every_ms: 0, blind_cancel_ms: 0 };
}

impl Default for StreamCare {
    fn default() -> Self {
        Self { lag_max_ms: 3_000, look_every_ms: 10_000, blind_cancel_ms: 10_000 }
    }
}

/// Which positions several strategies hold shares of. In HEDGING a leg is never shared this way.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sharing {
    /// Instruments that more than one strategy may trade in NETTING.
    pub instruments: Vec<InstrumentId>,
}

/// How old what an opening order rests on may be. How old the order itself may be stands in its handling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Staleness {
    /// New risk is not valued with prices older than this, in milliseconds; 0 for prices of any age.
    pub quote_max_age_ms: u64,
}

impl Default for Staleness {
    fn default() -> Self {
        Self { quote_max_age_ms: 5_000 }
    }
}

impl EngineConfig {
    /// The strategy that takes what others do on an instrument as its own.
    pub fn claimant(&self, instrument: &InstrumentId) -> Option<&StrategyId> {
        self.strategies.iter().find(|s| s.external_order_claims.contains(instrument)).map(|s| &s.id)
    }
    /// Every instrument that some strategy trades or claims, once each.
    pub fn instruments(&self) -> Vec<InstrumentId> {
        let mut all: Vec<InstrumentId> =
            self.strategies.iter().flat_map(|s| s.instruments.iter().chain(&s.external_order_claims)).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}
