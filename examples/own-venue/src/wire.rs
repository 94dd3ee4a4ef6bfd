//! The paper exchange's wire format: lines of a word and named values, `NEW;id=a;side=B;qty=10`. Nothing here knows what they mean.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    word: String,
    values: BTreeMap<String, String>,
}

impl Line {
    pub(crate) fn new(word: &str) -> Self {
        Self { word: word.to_owned(), values: BTreeMap::new() }
    }
    /// The line with one more value.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.values.insert(name.to_owned(), value.to_string());
        self
    }
    /// Reads a line; `None` if it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_end().split(';');
        let word = parts.next().filter(|word| !word.is_empty())?;
        let values = parts.map(|part| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        Some(Self { word: word.to_owned(), values: values.collect::<Option<_>>()? })
    }
    pub(crate) fn word(&self) -> &str {
        &self.word
    }
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
    /// A value that must be read as something; `None` if it is not there or is something else.
    pub(crate) fn read<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)?;
        self.values.iter().try_for_each(|(name, value)| write!(f, ";{name}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let line = Line::new("NEW").with("qty", 10).with("id", "a-1");
        assert_eq!(line.to_string(), "NEW;id=a-1;qty=10");
        assert_eq!(Line::parse("NEW;id=a-1;qty=10\n"), Some(line));
        for bad in ["", ";a=b", "NEW;id"] {
            assert_eq!(Line::parse(bad), None, "{bad}");
        }
    }
}
