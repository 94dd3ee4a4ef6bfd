//! The figures of a lease and of the exchange that two nodes are played with: the real ones, and all of them by ten.

use crate::play::{
    child::Lease,
    stage::{Owner, Tempo},
};
use std::time::Duration;

/// The account, by the key of the first node and by that of the second: the exchange tells by it who asked.
pub(super) const FIRST: Owner = Owner { key: "drill-first-key", secret: "drill-first-secret", hedge: false };
pub(super) const SECOND: Owner = Owner { key: "drill-second-key", secret: "drill-second-secret", hedge: false };
/// Its name.
pub(super) const ACCOUNT: &str = "shared";

/// One set of figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// What the real figures are divided by.
    divisor: u64,
}

impl Scale {
    pub(super) const TENTH: Self = Self { divisor: 10 };
    pub(super) const FULL: Self = Self { divisor: 1 };

    const fn of(self, ms: u64) -> u64 {
        ms / self.divisor
    }

    /// A time of the real exchange, in these figures.
    pub(super) const fn scaled(self, ms: u64) -> Duration {
        Duration::from_millis(self.of(ms))
    }

    pub(super) const fn ttl(self) -> Duration {
        self.scaled(10_000)
    }

    pub(super) const fn tempo(self) -> Tempo {
        Tempo {
            order_recv_window_ms: self.of(2_000),
            engine_margin_ms: (10_000 / self.divisor) as u32,
            visibility_ms: (1_000 / self.divisor) as u32,
            flow_ms: 40,
            pace_ms: 15,
            weight_1m: 48_000,
        }
    }

    /// Without a delay before the gate opens, or with the shortest that production takes.
    pub(super) const fn lease(self, node: u8, delayed: bool) -> Lease {
        let startup_delay_ms = if delayed { self.of(10_000) } else { 0 };
        Lease { node, ttl_ms: self.of(10_000), clock_error_max_ms: self.of(300), startup_delay_ms }
    }
}
