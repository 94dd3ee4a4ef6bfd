//! What happened in worlds, counted: steps, faults by kind, crashes, recoveries. Counts of many worlds add up.

use std::collections::BTreeMap;

/// Counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) worlds: u64,
    pub(crate) steps: u64,
    pub(crate) virtual_ms: u64,
    pub(crate) heal_ms_max: u64,
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
    pub(crate) fn add(&mut self, what: &'static str, n: u64) {
        *self.counts.entry(what).or_default() += n;
    }
    pub(crate) fn merge(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.steps += other.steps;
        self.virtual_ms += other.virtual_ms;
        self.heal_ms_max = self.heal_ms_max.max(other.heal_ms_max);
        for (what, n) in &other.counts {
            self.add(what, *n);
        }
    }
}
