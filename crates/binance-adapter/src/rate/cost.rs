//! What requests cost, who is served first, and what is kept from whom. Data and arithmetic; it counts nothing.

/// What a request takes from the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Weight on the IP.
    pub weight: u32,
    /// Orders on the account's count of 10 seconds.
    pub orders_10s: u32,
    /// Orders on the account's count of a minute; a batch of five counts as one there.
    pub orders_1m: u32,
}

impl Cost {
    /// Whether it takes from the order counts.
    #[must_use]
    pub const fn has_orders(self) -> bool {
        self.orders_10s > 0 || self.orders_1m > 0
    }
}

/// Who is served first, and who may use the reserve: the last before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The user's questions, orders that can add risk.
    Ordinary,
    /// Looks and comparisons at intervals, and whatever else is asked without a reason to doubt.
    Sweep,
    /// Doubt, recovery, set-up, listen key, signs of life, clock.
    Recovery,
    /// Cancels, orders that close, and what must be read to close a leg.
    Exit,
}

/// The limits, as the venue states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Weight per minute and IP.
    pub weight_1m: u32,
    /// Orders per 10 seconds and account.
    pub orders_10s: u32,
    /// Orders per minute and account.
    pub orders_1m: u32,
}

impl Default for Limits {
    /// What live states since 2026-06-30 for USDⓈ-M and COIN-M together.
    fn default() -> Self {
        Self { weight_1m: 2400, orders_10s: 300, orders_1m: 1200 }
    }
}

/// Percent of the weight that sweeps and ordinary requests leave to exits, doubt and recovery.
const WEIGHT_RESERVE_PERCENT: u32 = 30;
/// Percent that ordinary requests leave to these and to sweeps.
const WEIGHT_SWEEP_PERCENT: u32 = 40;
/// Percent of the weight that only exits may use: a recovery asks much, and orders must be cancelled and legs be read meanwhile.
const WEIGHT_EXIT_PERCENT: u32 = 10;
/// Percent of the order count that only closing orders may use.
pub(super) const ORDERS_RESERVE_PERCENT: u32 = 20;
/// Percent of a limit that is never used: requests of others on the same address arrive unseen.
const HEADROOM_PERCENT: u32 = 10;
/// Attempts to open a stream in five minutes and from one address, by the older pages and those of spot; the USDⓈ-M page of 2026-05
/// states none. Beyond it the address is banned.
pub(super) const CONNECTIONS_5M: u32 = 300;
/// Percent of these that streams of prices leave to the private ones.
pub(super) const CONNECTIONS_RESERVE_PERCENT: u32 = 20;

/// What is kept from a request of this priority, in percent of the weight.
pub(super) const fn weight_reserve(priority: Priority) -> u32 {
    match priority {
        Priority::Ordinary => WEIGHT_SWEEP_PERCENT,
        Priority::Sweep => WEIGHT_RESERVE_PERCENT,
        Priority::Recovery => WEIGHT_EXIT_PERCENT,
        Priority::Exit => 0,
    }
}

/// What of a limit is there for those who leave so much of it.
pub(super) const fn cap(limit: u32, reserve_percent: u32) -> u32 {
    limit.saturating_mul(100 - HEADROOM_PERCENT).saturating_mul(100 - reserve_percent) / 10_000
}
