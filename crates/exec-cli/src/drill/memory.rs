//! How much memory a process holds, over time, as the system says it. Linux only; elsewhere it says nothing.

use std::{collections::BTreeMap, time::Duration};

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

    /// The slope of the samples from a moment on, in KiB an hour: the median of the slopes between every two minutes, each minute by
    /// its smallest sample. What is taken for a moment does not count, nor one step at some time other than the middle, as an allocator makes them.
    pub(crate) fn growth_per_hour(&self, from: Duration) -> i128 {
        let mut minutes: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (at, kib) in self.samples.iter().filter(|(at, _)| *at >= from.as_secs()) {
            let least = minutes.entry(at / 60).or_insert((*at, *kib));
            if *kib < least.1 {
                *least = (*at, *kib);
            }
        }
        let points: Vec<(i128, i128)> = minutes.values().map(|(at, kib)| (i128::from(*at), i128::from(*kib))).collect();
        let mut slopes = Vec::new();
        for (n, (x, y)) in points.iter().enumerate() {
            slopes.extend(points[..n].iter().filter(|(before, _)| before < x).map(|(w, v)| (y - v) * 3_600 / (x - w)));
        }
        slopes.sort_unstable();
        slopes.get(slopes.len() / 2).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_late_samples() {
        let early = (0..6_000).map(|at| (at, at * 50));
        let late = (6_000..12_000).map(|at| (at, 300_000 + at));
        let memory = Memory { process: 0, samples: early.chain(late).collect() };
        assert_eq!(memory.growth_per_hour(Duration::from_secs(6_000)), 3_600);
        assert!(memory.growth_per_hour(Duration::ZERO) > 3_600);
        assert_eq!(Memory::of(0).growth_per_hour(Duration::ZERO), 0);
    }

    #[test]
    fn one_step_and_what_is_taken_for_a_moment_are_no_growth_and_a_slow_leak_is() {
        let step = |at: u64| if at < 300 { 70_000 } else { 71_500 };
        let moment = |at: u64| if at % 60 < 20 { 9_000 } else { 0 };
        let memory = Memory { process: 0, samples: (0..1_200).map(|at| (at, step(at) + moment(at))).collect() };
        assert_eq!(memory.growth_per_hour(Duration::ZERO), 0);
        // 2 MiB an hour.
        let leak = |at: u64| at * 2_048 / 3_600;
        let memory = Memory { process: 0, samples: (0..1_200).map(|at| (at, 70_000 + leak(at) + moment(at))).collect() };
        assert!((1_900..2_200).contains(&memory.growth_per_hour(Duration::ZERO)));
    }

    #[test]
    fn a_process_that_is_gone_has_no_samples() {
        let mut memory = Memory::of(u32::MAX);
        memory.sample(Duration::ZERO);
        assert_eq!(memory.newest(), 0);
    }
}
