//! How large worlds were, one by one: what decides whether a world counts, and the medians of many.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// One world in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Size {
    pub(crate) steps: u64,
    /// Orders that its strategies asked for and that were sent, and on how many instruments.
    pub(crate) orders: u64,
    pub(crate) instruments: u64,
    pub(crate) requests: u64,
    /// Strikes of faults, and of how many kinds they were.
    pub(crate) faults: u64,
    pub(crate) fault_kinds: u64,
    pub(crate) crashes: u64,
    pub(crate) virtual_ms: u64,
}

/// How many worlds had which value.
type Spread = BTreeMap<u64, u64>;

/// Many worlds in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    counted: u64,
    /// What the others had too little of.
    lacked: BTreeMap<&'static str, u64>,
    spreads: [Spread; 6],
}

const NAMES: [&str; 6] = ["steps", "orders", "requests", "faults", "crashes", "virtual ms"];

impl Sizes {
    /// Adds a world, and what it had too little of to count.
    pub(crate) fn add(&mut self, size: &Size, lacks: Option<&'static str>) {
        match lacks {
            None => self.counted += 1,
            Some(what) => *self.lacked.entry(what).or_default() += 1,
        }
        let values = [size.steps, size.orders, size.requests, size.faults, size.crashes, size.virtual_ms];
        for (spread, value) in self.spreads.iter_mut().zip(values) {
            *spread.entry(value).or_default() += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.counted += other.counted;
        for (what, n) in other.lacked {
            *self.lacked.entry(what).or_default() += n;
        }
        for (spread, theirs) in self.spreads.iter_mut().zip(other.spreads) {
            for (value, n) in theirs {
                *spread.entry(value).or_default() += n;
            }
        }
    }

    /// How many worlds counted, and the medians of all.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{:<46}{:>12}", "worlds that count", self.counted)?;
        for (what, n) in &self.lacked {
            writeln!(out, "{:<46}{n:>12}", format!("  too few {what}"))?;
        }
        for (name, spread) in NAMES.iter().zip(&self.spreads) {
            writeln!(out, "{:<46}{:>12}", format!("median {name}"), median(spread))?;
        }
        Ok(())
    }
}

fn median(spread: &Spread) -> u64 {
    let all: u64 = spread.values().sum();
    let mut seen = 0;
    for (value, n) in spread {
        seen += n;
        if seen * 2 >= all {
            return *value;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_all() {
        let mut sizes = Sizes::default();
        for steps in [9, 1, 5, 5, 7] {
            sizes.add(&Size { steps, ..Size::default() }, (steps < 4).then_some("steps"));
        }
        assert_eq!(sizes.spreads.first().map(median), Some(5));
        assert_eq!(sizes.counted, 4);
    }
}
