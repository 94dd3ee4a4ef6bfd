//! What is known while one document is told: the document, the symbols, and what in it this build does not know.

use serde::Deserialize;
use serde_json::json;

use super::{DecodeError, Facts, place};
use crate::{
    translate::{Symbols, Tally, TranslateError},
    wire::{self, Unknowns},
};

/// The telling of one document.
pub(crate) struct Told<'d> {
    pub(crate) document: &'d str,
    pub(crate) symbols: &'d Symbols,
    tally: &'d Tally,
    name: String,
    unknown: Vec<String>,
}

impl<'d> Told<'d> {
    pub(crate) fn new(document: &'d str, symbols: &'d Symbols, tally: &'d Tally) -> Self {
        Self { document, symbols, tally, name: String::new(), unknown: Vec::new() }
    }

    /// Names the document, by event or endpoint; what is unknown from here on is counted under this name.
    pub(crate) fn name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Reads a part of the document and notes what is unknown in it.
    pub(crate) fn read<'a, T: Deserialize<'a> + Unknowns>(&mut self, text: &'a str) -> Result<T, DecodeError> {
        let payload = self.peek(text)?;
        self.note(&payload);
        Ok(payload)
    }

    /// Reads a part of the document that is noted elsewhere, or holds nothing of its own.
    pub(crate) fn peek<'a, T: Deserialize<'a>>(&self, text: &'a str) -> Result<T, DecodeError> {
        wire::read(text).map_err(|error| self.complaint(text, &error))
    }

    /// Notes what is unknown in a payload.
    pub(crate) fn note(&mut self, payload: &impl Unknowns) {
        payload.unknown_names("", &mut self.unknown);
        self.tally.count(&self.name, payload);
    }

    /// The parser's complaint about a part, by its place in the document.
    pub(crate) fn complaint(&self, part: &str, error: &serde_json::Error) -> DecodeError {
        place::complaint(self.document, part, error)
    }

    /// The id of the instrument of this symbol.
    pub(crate) fn instrument(&self, symbol: &str) -> Result<String, DecodeError> {
        let id = self.symbols.instrument(symbol).map_err(TranslateError::from)?;
        Ok(id.as_str().to_owned())
    }

    /// The facts with what was unknown.
    pub(crate) fn finish(self, mut facts: Facts) -> Facts {
        facts.insert("unknown".into(), json!(self.unknown));
        facts
    }
}
