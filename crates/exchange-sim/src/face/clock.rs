//! The venue's clock: the wall's time at the start, carried on by tokio's clock, with a skew that can be set.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::types::Ms;

/// Gives the venue's time. Under a paused runtime it stands still with the runtime.
#[derive(Debug)]
pub(super) struct Clock {
    began_ms: Ms,
    began: Instant,
    skew_ms: Ms,
}

impl Clock {
    pub(super) fn new(skew_ms: Ms) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_millis()).unwrap_or_default();
        Self { began_ms: Ms::try_from(wall).unwrap_or(Ms::MAX), began: Instant::now(), skew_ms }
    }

    pub(super) fn now(&self) -> Ms {
        let passed = Ms::try_from(self.began.elapsed().as_millis()).unwrap_or(Ms::MAX);
        self.began_ms.saturating_add(passed).saturating_add(self.skew_ms)
    }

    pub(super) fn set_skew(&mut self, skew_ms: Ms) {
        self.skew_ms = skew_ms;
    }
}
