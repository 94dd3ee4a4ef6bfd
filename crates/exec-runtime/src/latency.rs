//! Latencies as counts in buckets: what a percentile was, to an eighth of its value. Not a metrics system.

use serde::Serialize;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Buckets per doubling.
const PARTS: u64 = 8;
const BUCKETS: usize = 8 * 62;

/// Counts durations by size; never loses one, never allocates.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BUCKETS],
    max_ns: AtomicU64,
}

/// What a histogram says, in nanoseconds; each figure is the upper bound of its bucket.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Figures {
    /// How many there were.
    pub count: u64,
    /// The median.
    pub p50_ns: u64,
    /// One in a hundred took longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], max_ns: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one.
    pub(crate) fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns).min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        self.max_ns.fetch_max(ns, Ordering::Relaxed);
    }
    /// Reads the figures.
    pub(crate) fn figures(&self) -> Figures {
        let counts: Vec<u64> = self.counts.iter().map(|c| c.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let max_ns = self.max_ns.load(Ordering::Relaxed);
        let at = |percent: u64| {
            let wanted = (count * percent).div_ceil(100).max(1);
            let mut sum = 0;
            let found = counts.iter().position(|c| {
                sum += c;
                sum >= wanted
            });
            found.map_or(0, |bucket| upper(bucket).min(max_ns))
        };
        Figures { count, p50_ns: at(50), p99_ns: at(99), max_ns }
    }
}

fn bucket(ns: u64) -> usize {
    if ns < PARTS {
        return ns as usize;
    }
    let doubling = 63 - u64::from(ns.leading_zeros());
    // The three bits below the leading one.
    let part = (ns >> (doubling - 3)) & (PARTS - 1);
    ((doubling - 2) * PARTS + part) as usize
}

fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let (doubling, part) = (bucket / PARTS + 2, bucket % PARTS);
    ((PARTS + part + 1) << (doubling - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket() {
        let mut last = 0;
        for ns in (0..20_000).chain([1 << 40, u64::MAX >> 2]) {
            let bucket = bucket(ns);
            assert!(bucket >= last && bucket < BUCKETS, "{ns}");
            assert!(upper(bucket) >= ns && upper(bucket) - ns <= ns / 8 + 1, "{ns} {}", upper(bucket));
            last = bucket;
        }
    }

    #[test]
    fn figures_are_percentiles() {
        let histogram = Histogram::default();
        assert_eq!(histogram.figures(), Figures::default());
        for us in 1..=100 {
            histogram.record(Duration::from_micros(us));
        }
        let figures = histogram.figures();
        assert_eq!((figures.count, figures.max_ns), (100, 100_000));
        assert!((50_000..57_000).contains(&figures.p50_ns), "{figures:?}");
        assert!((99_000..=100_000).contains(&figures.p99_ns), "{figures:?}");
    }
}
