//! The node's one clock: the wall clock read once, and monotonic from there. It never goes back; it is not the venue's clock.

use exec_core::time::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Time of a node: the wall clock at the start plus what has passed since by the runtime's own timer.
///
/// A wall clock that is set back, or forward, while the node runs changes nothing here. Whoever measures the venue's clock
/// must measure it against this one, so hand a copy to the adapter that needs one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Timestamp,
    started: Instant,
}

impl Clock {
    /// Reads the wall clock, once.
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::anchored(Timestamp(nanos(since)))
    }
    /// Takes `at` for the present moment; for simulated time.
    pub fn anchored(at: Timestamp) -> Self {
        Self { anchor: at, started: Instant::now() }
    }
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.anchor.0.saturating_add(nanos(self.started.elapsed())))
    }
    /// The runtime's instant at which this clock shows `at`; for what is past, the start.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.started + Duration::from_nanos(at.0.saturating_sub(self.anchor.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_timer_of_the_runtime() {
        let clock = Clock::anchored(Timestamp::from_ms(1_000));
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(clock.now(), Timestamp::from_ms(1_250));
        assert_eq!(clock.instant(Timestamp::from_ms(1_250)), Instant::now());
        assert_eq!(clock.instant(Timestamp::from_ms(1)), Instant::now() - Duration::from_millis(250));
    }
}
