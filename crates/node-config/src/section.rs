//! Reads one table of a config file, key by key, and tells what is wrong with each. Knows types and bounds, no meanings.

use crate::mistake::Findings;
use exec_core::nearest::nearest;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::{fmt::Display, ops::RangeInclusive};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value and the byte of the text at which it stands.
#[derive(Clone, Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) at: usize,
}

/// One table of the file. Every key that may stand in it is asked for; what is left at the end is a mistake.
pub(crate) struct Section<'a> {
    findings: &'a Findings<'a>,
    path: String,
    pattern: String,
    at: usize,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(crate) const fn root(findings: &'a Findings<'a>, table: &'a DeTable<'a>) -> Self {
        Self { findings, path: String::new(), pattern: String::new(), at: 0, table: Some(table), known: Vec::new() }
    }

    /// The full name of a key in this table.
    pub(crate) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }
    /// Where the value of a key stands, or else the table it is missing from.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.table.and_then(|table| table.get(key)).map_or(self.at, |value| value.span().start)
    }
    /// Where a key of a table in this table stands, or else the nearest table around it.
    pub(crate) fn place_in(&self, table: &str, key: &str) -> usize {
        let Some(value) = self.table.and_then(|all| all.get(table)) else { return self.at };
        let inner = value.get_ref().as_table().and_then(|t| t.get(key));
        inner.map_or(value.span().start, |value| value.span().start)
    }
    /// Whether the file says anything under this key.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }
    /// Adds a mistake about a key of this table.
    pub(crate) fn wrong(&self, key: &str, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.add(self.at(key), &self.key(key), what, advice);
    }
    /// Adds a mistake about a value inside this key.
    pub(crate) fn wrong_at(&self, at: usize, key: &str, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.add(at, &self.key(key), what, advice);
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.findings.know(join(&self.pattern, key));
        self.table?.get(key)
    }

    fn mistyped(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let what = format!("is {} where {} belongs", article(value.get_ref().type_str()), wanted);
        self.findings.add(value.span().start, &self.key(key), what, example(key, wanted));
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<Found<String>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Found { value: text.to_string(), at: value.span().start }),
            _ => {
                self.mistyped(key, value, TEXT);
                None
            }
        }
    }

    /// Reads a text that must be something else, too; `read` says what is wrong with it.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        advice: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Found<T>> {
        let found = self.text(key)?;
        match read(&found.value) {
            Ok(value) => Some(Found { value, at: found.at }),
            Err(error) => {
                self.wrong(key, error.to_string(), advice);
                None
            }
        }
    }

    /// Reads one word out of a few.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<Found<T>> {
        let found = self.text(key)?;
        let Some((_, value)) = words.iter().find(|(word, _)| *word == found.value) else {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let near = nearest(&found.value, words.iter().map(|(word, _)| *word));
            let advice = match near {
                Some(word) => format!("did you mean \"{word}\"? Known: {}", all.join(", ")),
                None => format!("write one of {}", all.join(", ")),
            };
            self.wrong(key, format!("`{}` is not known", shown(&found.value)), advice);
            return None;
        };
        Some(Found { value: *value, at: found.at })
    }

    pub(crate) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistyped(key, value, FLAG);
            default
        })
    }

    /// Reads a whole number within bounds.
    pub(crate) fn whole(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(key)?;
        let (least, most) = (*range.start(), *range.end());
        let bounds = format!("write a whole number from {least} to {most}");
        let DeValue::Integer(number) = value.get_ref() else {
            self.mistyped(key, value, WHOLE);
            return None;
        };
        match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) if (i128::from(least)..=i128::from(most)).contains(&n) => u64::try_from(n).ok(),
            Ok(n) => {
                self.wrong(key, format!("{n} is out of bounds"), bounds);
                None
            }
            Err(_) => {
                self.wrong(key, format!("{} is out of bounds", shown(number.as_str())), bounds);
                None
            }
        }
    }

    /// Reads an exact decimal, written as a number or as a text.
    pub(crate) fn decimal(&mut self, key: &'static str, range: RangeInclusive<Decimal>) -> Option<Decimal> {
        let value = self.take(key)?;
        let text = match value.get_ref() {
            DeValue::Integer(n) if n.radix() == 10 => n.as_str(),
            DeValue::Float(n) => n.as_str(),
            DeValue::String(text) => text,
            _ => {
                self.mistyped(key, value, DECIMAL);
                return None;
            }
        };
        let bounds = format!("write a plain decimal number from {} to {}", range.start(), range.end());
        match exec_core::units::parse_decimal(text.strip_prefix('+').unwrap_or(text)) {
            Ok(number) if range.contains(&number) => Some(number.normalize()),
            Ok(number) => {
                self.wrong(key, format!("{number} is out of bounds"), bounds);
                None
            }
            Err(error) => {
                self.wrong(key, error.to_string(), bounds);
                None
            }
        }
    }

    /// Reads seconds, with a fraction if need be, as milliseconds.
    pub(crate) fn seconds(&mut self, key: &'static str, most_secs: u32) -> Option<u64> {
        let secs = self.decimal(key, Decimal::ZERO..=Decimal::from(most_secs))?;
        let ms = secs * Decimal::from(1000);
        if !ms.fract().is_zero() {
            self.wrong(key, format!("{secs} s is finer than a millisecond"), "write at most three decimals");
            return None;
        }
        ms.to_u64()
    }

    /// Reads a list of texts; what is no text is told and left out.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<Found<String>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, value, TEXTS);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Found { value: text.to_string(), at: item.span().start }),
                _ => self.mistyped(key, item, TEXT),
            }
        }
        texts
    }

    /// The table under a key; an absent one is an empty one, so that its missing keys are told.
    pub(crate) fn section(&mut self, key: &'static str) -> Section<'a> {
        let (path, pattern) = (self.key(key), join(&self.pattern, key));
        let Some(value) = self.take(key) else { return self.child(path, pattern, self.at, None) };
        match value.get_ref() {
            DeValue::Table(table) => self.child(path, pattern, value.span().start, Some(table)),
            _ => {
                self.mistyped(key, value, TABLE);
                self.child(path, pattern, value.span().start, None)
            }
        }
    }

    /// The table that says where a secret stands. A text in its place may be the secret itself, so it is not repeated.
    pub(crate) fn secret_place(&mut self, key: &'static str) -> Option<Section<'a>> {
        if let Some(DeValue::String(_)) = self.table.and_then(|table| table.get(key)).map(Spanned::get_ref) {
            self.known.push(key);
            self.wrong(
                key,
                "is a text, and a key or secret does not belong into this file",
                format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"path\" }}; if it was a real one, replace it at the venue"),
            );
            return None;
        }
        Some(self.section(key))
    }

    /// The tables under a key that the file names itself: `[accounts.main]`.
    pub(crate) fn named_sections(&mut self, key: &'static str) -> Vec<(Found<String>, Section<'a>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.mistyped(key, value, TABLE);
            return Vec::new();
        };
        let mut named = Vec::new();
        for (name, value) in table.iter() {
            let path = join(&self.key(key), name.get_ref());
            let pattern = format!("{}.*", join(&self.pattern, key));
            let found = Found { value: name.get_ref().to_string(), at: name.span().start };
            match value.get_ref() {
                DeValue::Table(table) => {
                    let section = self.child(path, pattern, name.span().start, Some(table));
                    named.push((found, section));
                }
                _ => self.mistyped(&format!("{key}.{}", name.get_ref()), value, TABLE),
            }
        }
        named
    }

    /// Every table in this table, under names that the file chooses.
    pub(crate) fn all_named(self) -> Vec<(Found<String>, Section<'a>)> {
        let Some(table) = self.table else {
            self.findings.know(join(&self.pattern, "*"));
            return Vec::new();
        };
        let mut named = Vec::new();
        for (name, value) in table.iter() {
            let (path, pattern) = (self.key(name.get_ref()), join(&self.pattern, "*"));
            let found = Found { value: name.get_ref().to_string(), at: name.span().start };
            match value.get_ref() {
                DeValue::Table(table) => named.push((found, self.child(path, pattern, name.span().start, Some(table)))),
                _ => self.mistyped(name.get_ref(), value, TABLE),
            }
        }
        named
    }

    /// The tables of a list: `[[strategies]]`.
    pub(crate) fn section_list(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.mistyped(key, value, TABLES);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let path = self.key(&format!("{key}[{number}]"));
            let pattern = format!("{}[]", join(&self.pattern, key));
            match item.get_ref() {
                DeValue::Table(table) => sections.push(self.child(path, pattern, item.span().start, Some(table))),
                _ => self.mistyped(key, item, TABLE),
            }
        }
        sections
    }

    /// Whatever stands under names that the file chooses: `{ "BTCUSDT-PERP.BINANCE" = 5 }`.
    pub(crate) fn entries(&mut self, key: &'static str) -> Vec<(Found<String>, &'a Spanned<DeValue<'a>>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.mistyped(key, value, TABLE);
            return Vec::new();
        };
        let found = |name: &Spanned<toml::de::DeString<'_>>| Found { value: name.get_ref().to_string(), at: name.span().start };
        table.iter().map(|(name, value)| (found(name), value)).collect()
    }

    /// Tells the keys that nobody asked for.
    pub(crate) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, _) in table.iter() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let advice = match nearest(name, self.known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("delete it; known here: {}", self.known.join(", ")),
            };
            self.findings.add(key.span().start, &self.key(&shown(name)), "is not a known key", advice);
        }
    }

    const fn child(&self, path: String, pattern: String, at: usize, table: Option<&'a DeTable<'a>>) -> Section<'a> {
        Section { findings: self.findings, path, pattern, at, table, known: Vec::new() }
    }
}

const TEXT: &str = "a text";
const FLAG: &str = "true or false";
const WHOLE: &str = "a whole number";
const DECIMAL: &str = "a decimal number";
const TEXTS: &str = "a list of texts";
const TABLE: &str = "a table";
const TABLES: &str = "a list of tables";

fn example(key: &str, wanted: &str) -> String {
    match wanted {
        TEXT => format!("write {key} = \"...\", in quotes"),
        FLAG => format!("write {key} = true or {key} = false, without quotes"),
        WHOLE => format!("write {key} = 5, without quotes or point"),
        DECIMAL => format!("write {key} = 1.5 or {key} = \"1.5\""),
        TEXTS => format!("write {key} = [\"...\"]"),
        TABLES => format!("write [[{key}]] above each of its entries"),
        _ => format!("write [{key}] above its keys, or {key} = {{ ... }}"),
    }
}

fn article(kind: &str) -> String {
    match kind {
        "integer" | "array" | "inline table" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A text of the file as it can stand in a message: short, and on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(48).flat_map(char::escape_debug).collect();
    if text.chars().nth(48).is_some() {
        short.push('…');
    }
    short
}
