//! Makes the story of a violated world shorter: fewer steps, without kinds of faults and habits, without single strikes, as long as the
//! same goes wrong. It knows nothing of what goes wrong.

use crate::{case::Case, layer::live, trace::Wanted, world::Ended};
use std::time::{Duration, Instant};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Strikes at a time that are tried to do without.
const AT_ONCE: [u64; 4] = [64, 16, 4, 1];

/// A shorter case in which the same goes wrong, and how it ended.
pub(crate) fn shorter(case: &Case, step: u64, text: &str) -> (Case, Ended) {
    let mut search = Search { best: case.clone(), ended: live(case, Wanted::Nothing), shape: shape(text), begun: Instant::now() };
    search.fewer_steps(step);
    for kind in case.layer.kinds() {
        let mut without = search.best.clone();
        without.without.insert(kind);
        search.take(without);
    }
    search.fewer_strikes();
    search.fewer_steps(search.ended.violation.as_ref().map_or(step, |(at, _)| *at));
    let ended = live(&search.best, Wanted::Lines);
    (search.best, ended)
}

struct Search {
    best: Case,
    ended: Ended,
    shape: String,
    begun: Instant,
}

impl Search {
    /// Takes a case for the best one if the same goes wrong in it.
    fn take(&mut self, case: Case) -> bool {
        if self.begun.elapsed() > PATIENCE {
            return false;
        }
        let ended = live(&case, Wanted::Nothing);
        let same = ended.violation.as_ref().is_some_and(|(_, text)| shape(text) == self.shape);
        if same {
            (self.best, self.ended) = (case, ended);
        }
        same
    }

    fn fewer_steps(&mut self, step: u64) {
        let mut most = self.best.steps.min(step.max(1));
        self.take(Case { steps: most, ..self.best.clone() });
        let mut least = 0;
        while least + 1 < most {
            let middle = least.midpoint(most);
            if self.take(Case { steps: middle, ..self.best.clone() }) {
                most = middle;
            } else {
                least = middle;
            }
        }
    }

    fn fewer_strikes(&mut self) {
        for size in AT_ONCE {
            let mut from = 1;
            while from <= self.ended.strikes {
                let mut without = self.best.clone();
                without.skip.extend(from..(from + size).min(self.ended.strikes + 1));
                if without.skip != self.best.skip {
                    self.take(without);
                }
                from += size;
            }
        }
        // What comes behind the last strike needs no name.
        let last = self.ended.strikes;
        self.best.skip.retain(|strike| *strike <= last);
    }
}

/// What a violation is about, without what differs from world to world.
fn shape(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let words = first.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    let plain = words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) || word.len() <= 3);
    plain.filter(|word| !word.chars().all(|c| c.is_ascii_digit() || c == '-')).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn the_same_in_another_world_has_the_same_shape() {
        let one = "P6: BTCUSDT.BINANCE Net is 0.012 at the venue, -0.4 in the books";
        let other = "P6: ETHUSDT.BINANCE Net is 1.1 at the venue, 0 in the books\n    and more";
        assert_eq!(shape(one), shape(other));
        assert_ne!(shape(one), shape("P4: trade is not in the books"));
    }
}
