//! Mutations of valid inputs: what networks, disks and people do to bytes. Those that keep the form of JSON are in `json`.

use crate::json;

/// The seed after some mutations, each chosen by a number.
pub(crate) fn mutated(seed: &[u8], choices: &[u64]) -> Vec<u8> {
    choices.iter().fold(seed.to_vec(), |bytes, choice| once(bytes, Choice(*choice)))
}

/// A number that decides several things, one after another.
#[derive(Clone, Copy)]
pub(crate) struct Choice(pub(crate) u64);

impl Choice {
    /// A number below `bound`, or zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if bound == 0 { 0 } else { (self.0 >> 33) as usize % bound }
    }
}

fn once(mut bytes: Vec<u8>, mut choice: Choice) -> Vec<u8> {
    let (at, other) = (choice.below(bytes.len()), choice.below(bytes.len()));
    match choice.below(16) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(..at)),
        2 => bytes.splice(0..0, *b"\xEF\xBB\xBF").for_each(drop),
        3 => bytes.insert(at, 0xFF),
        4 => bytes.insert(at, b"\"{}[],:09-.eE\\\0\n=+_ "[choice.below(20)]),
        5 if !bytes.is_empty() => bytes[at] ^= 1 << choice.below(8),
        6 if !bytes.is_empty() => drop(bytes.remove(at)),
        7 => {
            let part = bytes[at.min(other)..at.max(other)].to_vec();
            bytes.splice(at..at, part).for_each(drop);
        }
        8 => bytes = lines(&bytes, &mut choice),
        9 => bytes.splice(at..at, [0xFF; 9]).for_each(drop),
        10 if bytes.len() >= 2 => bytes[choice.below(2)] = choice.below(256) as u8,
        _ => bytes = json::mutated(&bytes, &mut choice),
    }
    bytes
}

/// A line doubled, taken away, or with another value: what a hand does to a config file.
fn lines(bytes: &[u8], choice: &mut Choice) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    if lines.is_empty() {
        return bytes.to_vec();
    }
    let at = choice.below(lines.len());
    let key = lines[at].split('=').next().unwrap_or_default().to_owned();
    let values =
        ["1e400", "-1", "\"\"", "\"\\u0000\"", "[]", "{}", "true", "99999999999999999999", "nan", "1979-05-27", "'币'", ""];
    match choice.below(4) {
        0 => lines.insert(at, lines[at].clone()),
        1 => drop(lines.remove(at)),
        2 => lines.insert(at, format!("[{}]", key.trim())),
        _ => lines[at] = format!("{key}= {}", values[choice.below(values.len())]),
    }
    lines.join("\n").into_bytes()
}
