//! What a long run must have come to at least once: every row of the order lifecycle table, and every fault of its layer. What it need
//! not stands in a file, with the reason.

use crate::{layer::Layer, rows::ROWS, tally::Tally};

/// Worlds of the mixture from which on nothing may be missing.
pub(crate) const FROM_WORLDS: u64 = 5_000;

/// And of so many steps, where worlds have more by themselves.
pub(crate) const FROM_STEPS: u64 = 400;

const EXCEPTIONS: &str = include_str!("../coverage-exceptions.txt");

/// What never happened and should have.
pub(crate) fn missing(layer: Layer, tally: &Tally) -> Vec<String> {
    let rows: &[&'static str] = if layer == Layer::Lease { &[] } else { &ROWS };
    let rows = rows.iter().copied().map(|row| (row, format!("no order came to the row `{row}`")));
    let faults = layer.faults().into_iter().map(|fault| (fault, format!("no fault `{fault}`")));
    let absent = rows.chain(faults).filter(|(what, _)| !tally.counts.contains_key(what) && !is_excepted(layer, what));
    absent.map(|(_, text)| text).collect()
}

/// A line is: layer | what | why not.
fn is_excepted(layer: Layer, what: &str) -> bool {
    exceptions().any(|(of, name, _)| of == layer.name() && name == what)
}

fn exceptions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| {
        let (layer, rest) = line.split_once('|')?;
        let (what, why) = rest.split_once('|')?;
        Some((layer.trim(), what.trim(), why.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_is_of_something_that_exists_and_has_a_reason() {
        let lines = EXCEPTIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(exceptions().count(), lines, "a line is not `layer | what | why`");
        for (layer, what, why) in exceptions() {
            let layer = Layer::named(layer).unwrap();
            assert!(layer.faults().contains(&what) || ROWS.contains(&what), "{what}");
            assert!(why.len() > 20, "{what}");
        }
    }

    #[test]
    fn what_never_happened_is_missed() {
        let mut tally = Tally::default();
        let all = missing(Layer::L1, &tally);
        tally.count("executed in full");
        assert_eq!(missing(Layer::L1, &tally).len() + 1, all.len());
    }
}
