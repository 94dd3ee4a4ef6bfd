//! The engine's timers as data, and one sleep for the earliest of them.

use crate::clock::Clock;
use exec_core::{conversation::Timer, time::Timestamp};
use std::{collections::BTreeMap, pin::Pin};
use tokio::time::{Sleep, sleep_until};

/// Timers in the order in which they fire; of two at the same moment, the one set first.
pub(crate) struct Timers {
    clock: Clock,
    set: BTreeMap<(Timestamp, u64), Timer>,
    count: u64,
    sleep: Pin<Box<Sleep>>,
}

impl Timers {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, set: BTreeMap::new(), count: 0, sleep: Box::pin(sleep_until(clock.instant(Timestamp(0)))) }
    }
    /// Sets a timer. One that is set again is another one.
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.count += 1;
        self.set.insert((at, self.count), timer);
    }
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }
    /// Waits for the earliest timer. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Timer {
        loop {
            let Some((key, _)) = self.set.first_key_value() else { return std::future::pending().await };
            let key = *key;
            if key.0 <= self.clock.now()
                && let Some(timer) = self.set.remove(&key)
            {
                return timer;
            }
            let due = self.clock.instant(key.0);
            if self.sleep.deadline() != due {
                self.sleep.as_mut().reset(due);
            }
            self.sleep.as_mut().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timers_fire_in_order_and_not_before_their_time() {
        let clock = Clock::anchored(Timestamp::from_ms(10));
        let mut timers = Timers::new(clock);
        let at = |ms| Timestamp::from_ms(ms);
        timers.set(Timer::Sweep, at(500));
        timers.set(Timer::Watch, at(20));
        timers.set(Timer::GateDelay, at(20));
        timers.set(Timer::RecoverAgain, at(1));
        assert_eq!(timers.next().await, Timer::RecoverAgain);
        assert_eq!(clock.now(), at(10));
        assert_eq!(timers.next().await, Timer::Watch);
        assert_eq!(clock.now(), at(20));
        assert_eq!(timers.next().await, Timer::GateDelay);
        assert_eq!(timers.next().await, Timer::Sweep);
        assert!(clock.now() >= at(500));
        assert_eq!(timers.len(), 0);
    }
}
