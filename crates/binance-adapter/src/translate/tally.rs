//! Counts what the payloads had in them that this build does not know: fields and values, by their path. The first of each is
//! told, the rest is counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::wire::Unknowns;

/// Most names that are kept apart; a stream of ever new names must not grow without bound.
const NAMES_MAX: usize = 500;
/// Where the names beyond the bound are counted.
const REST: &str = "(others)";

/// The counters.
#[derive(Debug, Default)]
pub struct Tally {
    seen: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// Counts what is unknown in a payload of this name.
    pub fn count(&self, name: &str, payload: &impl Unknowns) {
        if payload.unknown_count() == 0 {
            return;
        }
        let mut names = Vec::new();
        payload.unknown_names(name, &mut names);
        for unknown in names {
            self.note(unknown);
        }
    }

    /// Counts one thing that this build did not expect.
    pub fn note(&self, unknown: String) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = seen.get_mut(&unknown) {
            *count += 1;
        } else if seen.len() < NAMES_MAX {
            tracing::warn!(%unknown, "the venue sends something that this build does not know");
            seen.insert(unknown, 1);
        } else {
            *seen.entry(REST.to_owned()).or_default() += 1;
        }
    }

    /// The counts by path.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UserEvent;

    #[test]
    fn fields_and_values_are_counted_by_path() {
        let tally = Tally::default();
        let text =
            r#"{"e":"ACCOUNT_UPDATE","T":1,"E":2,"zz":1,"a":{"m":"MOON","P":[{"s":"X","pa":"1","ep":"1","ps":"BOTH","new":1}]}}"#;
        for _ in 0..3 {
            tally.count("event", &UserEvent::read(text).unwrap());
        }
        let counts: Vec<_> = tally.counts().into_iter().collect();
        assert_eq!(counts, [("event.a.P.new".into(), 3), ("event.a.m=MOON".into(), 3), ("event.zz".into(), 3)]);
    }

    #[test]
    fn ever_new_names_do_not_grow_without_bound() {
        let tally = Tally::default();
        for n in 0..2 * NAMES_MAX {
            tally.count("event", &UserEvent::read(&format!(r#"{{"e":"THING_{n}"}}"#)).unwrap());
        }
        assert_eq!(tally.counts().len(), NAMES_MAX + 1);
        assert_eq!(tally.counts()[REST], NAMES_MAX as u64);
    }
}
