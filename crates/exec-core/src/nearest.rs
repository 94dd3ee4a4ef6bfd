//! Finds the known word that a mistyped one was meant to be. Not a spell checker: only near misses count.

use alloc::{format, string::String, vec, vec::Vec};

/// The word of `known` that is nearest to `word`, if one is near enough to be meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| -> String { text.to_lowercase().replace('-', "_") };
    let word = plain(word);
    let best = known.into_iter().map(|k| (distance(&word, &plain(k)), k)).min()?;
    // A third of the word may be wrong: `leverage` is not meant by `limits`.
    let limit = (word.chars().count().max(best.1.chars().count()) / 3).max(1);
    (best.0 <= limit).then_some(best.1)
}

/// Words out of `known` that look most like `wanted`, as a hint for a person: at most three.
pub fn did_you_mean<'k>(wanted: &str, known: impl Iterator<Item = &'k str>) -> String {
    let mut scored: Vec<(usize, &str)> = known.map(|word| (distance(wanted, word), word)).collect();
    scored.sort();
    let close: Vec<&str> = scored.into_iter().filter(|(d, _)| *d <= 4).take(3).map(|(_, word)| word).collect();
    if close.is_empty() { String::new() } else { format!("; did you mean {}?", close.join(", ")) }
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["recv_window_ms", "order_recv_window_ms", "max_retries", "limits"];

    #[test]
    fn near_misses_find_their_word() {
        for (typed, meant) in [
            ("recv_windw_ms", "recv_window_ms"),
            ("max-retries", "max_retries"),
            ("MAX_RETRIES", "max_retries"),
            ("mxa_retries", "max_retries"),
            ("limit", "limits"),
        ] {
            assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_word_that_is_like_none_finds_none() {
        for typed in ["colour", "x", "leverage"] {
            assert_eq!(nearest(typed, KNOWN), None, "{typed}");
        }
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn the_nearest_names_come_first() {
        let known = ["BTCUSDT", "ETHUSDT", "BCHUSDT"];
        assert_eq!(did_you_mean("BTCUSD", known.into_iter()), "; did you mean BTCUSDT, BCHUSDT, ETHUSDT?");
        assert_eq!(did_you_mean("SOMETHINGELSE", known.into_iter()), "");
    }
}
