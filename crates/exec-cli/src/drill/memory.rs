//! How much memory a process holds, over time, as the system says it. Linux only; elsewhere it says nothing.

use std::time::Duration;

/// Samples of one process.
pub(crate) struct Memory {
    process: u32,
    /// Seconds since the beginning, and KiB.
    samples: Vec<(u64, u64)>,
}

impl Memory {
    pub(crate) const fn of(process: u32) -> Self {
        Self { process, samples: Vec::new() }
    }

    /// Takes a sample, at most one a second.
    pub(crate) fn sample(&mut self, since_begin: Duration) {
        let at = since_begin.as_secs();
        if self.samples.last().is_some_and(|(last, _)| *last == at) {
            return;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        if let Some(kib) = resident.and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok()) {
            self.samples.push((at, kib));
        }
    }

    /// The newest figure, in KiB.
    pub(crate) fn newest(&self) -> u64 {
        self.samples.last().map_or(0, |(_, kib)| *kib)
    }

    /// The slope of the straight line through the samples from a moment on, in KiB an hour.
    pub(crate) fn growth_per_hour(&self, from: Duration) -> i128 {
        let late = || self.samples.iter().filter(|(at, _)| *at >= from.as_secs()).map(|(x, y)| (i128::from(*x), i128::from(*y)));
        let (mut n, mut x, mut y, mut xy, mut xx) = (0, 0, 0, 0, 0);
        for (at, kib) in late() {
            (n, x, y, xy, xx) = (n + 1, x + at, y + kib, xy + at * kib, xx + at * at);
        }
        let below: i128 = n * xx - x * x;
        if below == 0 { 0 } else { (n * xy - x * y) * 3_600 / below }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_late_samples() {
        let early = (0..100).map(|at| (at, at * 50));
        let late = (100..200).map(|at| (at, 5_000 + at));
        let memory = Memory { process: 0, samples: early.chain(late).collect() };
        assert_eq!(memory.growth_per_hour(Duration::from_secs(100)), 3_600);
        assert!(memory.growth_per_hour(Duration::ZERO) > 3_600);
        assert_eq!(Memory::of(0).growth_per_hour(Duration::ZERO), 0);
    }

    #[test]
    fn a_process_that_is_gone_has_no_samples() {
        let mut memory = Memory::of(u32::MAX);
        memory.sample(Duration::ZERO);
        assert_eq!(memory.newest(), 0);
    }
}
