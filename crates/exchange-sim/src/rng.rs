//! A small seeded generator for the flow and for generated ids. Not for secrets.

/// SplitMix64: one word of state, equal on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Starts a stream; different `lane`s of one seed are independent.
    pub(crate) fn new(seed: u64, lane: u64) -> Self {
        let mut rng = Self(seed ^ lane.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        rng.next_u64();
        rng
    }

    /// Gives the next word.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Gives a number in `0..bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// Gives a number in `-reach..=reach`.
    pub(crate) fn spread(&mut self, reach: i64) -> i64 {
        let width = reach.unsigned_abs().saturating_mul(2).saturating_add(1);
        i64::try_from(self.below(width)).unwrap_or(0) - reach.abs()
    }

    /// Says yes with a chance in percent.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_differ_and_repeat() {
        let draw = |lane| (0..4).map(|_| Rng::new(7, lane).next_u64()).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn spread_stays_inside() {
        let mut rng = Rng::new(1, 1);
        assert!((0..1000).all(|_| (-3..=3).contains(&rng.spread(3))));
        assert_eq!(rng.spread(0), 0);
    }
}
