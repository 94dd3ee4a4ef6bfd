//! What names one world: layer, seed, length, kind, and what was taken out of it. In words it is the command that lives it again.

use crate::{layer::Layer, plan::Profile};
use std::collections::BTreeSet;

/// One world, not lived yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Case {
    pub(crate) layer: Layer,
    pub(crate) seed: u64,
    /// Events before the faults stop.
    pub(crate) steps: u64,
    pub(crate) profile: Profile,
    /// Kinds of faults and habits that it is without.
    pub(crate) without: BTreeSet<String>,
    /// Strikes of faults that do not happen, counted from 1.
    pub(crate) skip: BTreeSet<u64>,
}

impl Case {
    /// The same under another seed.
    pub(crate) fn seeded(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    /// As it is asked for on a command line.
    pub(crate) fn words(&self) -> String {
        let (seed, behind) = (self.seed, self.seed.saturating_add(1));
        let mut text = format!("--layer {} --seeds {seed}..{behind} --steps {}", self.layer.name(), self.steps);
        text.push_str(&format!(" --profile {}", self.profile.name()));
        if !self.without.is_empty() {
            text.push_str(&format!(" --without {}", self.without.iter().map(String::as_str).collect::<Vec<_>>().join(",")));
        }
        if !self.skip.is_empty() {
            text.push_str(&format!(" --skip {}", spans(&self.skip)));
        }
        text
    }
}

/// Numbers that follow each other as one span: `3,7-9`.
fn spans(all: &BTreeSet<u64>) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for n in all {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *n => *last = *n,
            _ => spans.push((*n, *n)),
        }
    }
    let text = spans.iter().map(|(from, to)| if from == to { format!("{from}") } else { format!("{from}-{to}") });
    text.collect::<Vec<_>>().join(",")
}
