//! How long to wait before something is tried again: 1, 2, 5, 15, 30 s with jitter. Not whether.

use std::time::Duration;

const STEPS_MS: [u64; 5] = [1_000, 2_000, 5_000, 15_000, 30_000];

/// Delays that grow with each failure in a row and are spread by a quarter to both sides, so that nodes that lost the
/// venue together do not come back together. The spread comes from a seed: the same seed, the same delays.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    step: usize,
    state: u64,
}

impl Backoff {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { step: 0, state: seed }
    }
    /// The delay before the next try.
    pub(crate) fn delay(&mut self) -> Duration {
        let base = STEPS_MS[self.step.min(STEPS_MS.len() - 1)];
        self.step += 1;
        let spread = base / 2;
        Duration::from_millis(base - spread / 2 + self.random() % spread)
    }
    /// What was tried has worked for a healthy time.
    pub(crate) const fn reset(&mut self) {
        self.step = 0;
    }

    // SplitMix64: enough for spreading, and the same on every machine.
    const fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_half_a_minute_within_a_quarter() {
        let mut backoff = Backoff::new(7);
        for base in STEPS_MS.into_iter().chain([30_000, 30_000]) {
            let delay = u64::try_from(backoff.delay().as_millis()).unwrap();
            assert!((base * 3 / 4..base * 5 / 4).contains(&delay), "{delay} for {base}");
        }
        backoff.reset();
        assert!(backoff.delay() < Duration::from_millis(1_250));
    }

    #[test]
    fn the_seed_decides() {
        let delays = |seed| {
            let mut backoff = Backoff::new(seed);
            [backoff.delay(), backoff.delay(), backoff.delay()]
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }
}
