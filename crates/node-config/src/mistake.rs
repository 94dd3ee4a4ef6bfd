//! What is wrong with a config file: every mistake, each with its place and what to do. Not how they are found.

use std::{cell::RefCell, collections::BTreeSet, fmt};

/// One mistake in a config file.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, in characters, from 1.
    pub column: usize,
    /// The key, with the tables it stands in: `accounts.main.max_retries`.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.advice)
    }
}

/// All mistakes of a config file, in the order of their places. Never empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(crate) fn one(what: &str, advice: &str) -> Self {
        let mistake = Mistake { line: 1, column: 1, key: String::new(), what: what.to_owned(), advice: advice.to_owned() };
        Self(vec![mistake])
    }
    /// The mistakes, from the top of the file to its end.
    pub fn all(&self) -> &[Mistake] {
        &self.0
    }
    /// The mistakes, one a line, each behind the file's name.
    pub fn in_file(&self, file: &str) -> String {
        let lines: Vec<String> = self.0.iter().map(|m| format!("{file}:{m}")).collect();
        lines.join("\n")
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// Where mistakes are put while a file is read, and which keys were asked for.
pub(crate) struct Findings<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<Mistake>>,
    known: RefCell<BTreeSet<String>>,
}

impl<'t> Findings<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { text, mistakes: RefCell::new(Vec::new()), known: RefCell::new(BTreeSet::new()) }
    }

    /// Adds a mistake at a byte of the text.
    pub(crate) fn add(&self, at: usize, key: &str, what: impl Into<String>, advice: impl Into<String>) {
        let (line, column) = place(self.text, at);
        let mistake = Mistake { line, column, key: key.to_owned(), what: what.into(), advice: advice.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    pub(crate) fn know(&self, key: String) {
        self.known.borrow_mut().insert(key);
    }

    pub(crate) fn known(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    pub(crate) fn close(self) -> Result<(), Mistakes> {
        let mut all = self.mistakes.into_inner();
        all.sort();
        all.dedup();
        if all.is_empty() { Ok(()) } else { Err(Mistakes(all)) }
    }
}

fn place(text: &str, at: usize) -> (usize, usize) {
    // A byte inside a character, or behind the end, belongs to the character before it.
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let text = "a = 1\n币 = 2 # x\n";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 4), (1, 5));
        assert_eq!(place(text, 6), (2, 1));
        assert_eq!(place(text, 8), (2, 1), "inside a character");
        assert_eq!(place(text, 12), (2, 5));
        assert_eq!(place(text, 10_000), (3, 1));
    }

    #[test]
    fn mistakes_come_in_the_order_of_the_file_and_once() {
        let findings = Findings::new("a\nb\n");
        findings.add(2, "b", "is wrong", "mend it");
        findings.add(0, "a", "is wrong", "mend it");
        findings.add(0, "a", "is wrong", "mend it");
        let mistakes = findings.close().unwrap_err();
        assert_eq!(mistakes.to_string(), "1:1: a: is wrong; mend it\n2:1: b: is wrong; mend it");
        assert_eq!(mistakes.in_file("n.toml").lines().next(), Some("n.toml:1:1: a: is wrong; mend it"));
    }
}
