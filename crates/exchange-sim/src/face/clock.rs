//! The venue's clock: a time at the start, by default the wall's, carried on by tokio's clock, with a skew that can be set.

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
    pub(super) fn new(start_ms: Option<Ms>, skew_ms: Ms) -> Self {
        Self { began_ms: start_ms.unwrap_or_else(wall), began: Instant::now(), skew_ms }
    }

    pub(super) fn now(&self) -> Ms {
        let passed = Ms::try_from(self.began.elapsed().as_millis()).unwrap_or(Ms::MAX);
        self.began_ms.saturating_add(passed).saturating_add(self.skew_ms)
    }

    pub(super) fn set_skew(&mut self, skew_ms: Ms) {
        self.skew_ms = skew_ms;
    }
}

fn wall() -> Ms {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_millis()).unwrap_or_default();
    Ms::try_from(since).unwrap_or(Ms::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_follows_the_runtime_and_the_skew() {
        let mut clock = Clock::new(Some(1_000), 5);
        assert_eq!(clock.now(), 1_005);
        advance(Duration::from_millis(250)).await;
        assert_eq!(clock.now(), 1_255);
        clock.set_skew(-100);
        assert_eq!(clock.now(), 1_150);
    }
}
