//! A list of what was asked by which key and what came of it, for who judges a play. Nothing reads it while the exchange works.

use crate::types::Ms;

/// A request that came over HTTP to an endpoint there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The key it came with; empty without.
    pub key: String,
    /// HTTP method.
    pub method: String,
    /// Path of the endpoint.
    pub path: String,
    /// When it was taken in or refused at receipt.
    pub arrived: Ms,
    /// When it was carried out, or refused in the engine; not told of one refused at receipt.
    pub done: Option<Ms>,
    /// 0, or the code that it was refused with.
    pub code: i32,
}

impl RequestRow {
    /// Whether it may change something of an account's: neither a question nor a word about a listen key.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("/listenKey")
    }

    /// Whether it was carried out.
    #[must_use]
    pub fn took_effect(&self) -> bool {
        self.done.is_some() && self.code == 0
    }
}

/// The list, if one is kept.
#[derive(Debug, Default)]
pub(super) struct Requests(pub(super) Option<Vec<RequestRow>>);

impl Requests {
    pub(super) fn keep(&mut self, row: impl FnOnce() -> RequestRow) {
        if let Some(rows) = &mut self.0 {
            rows.push(row());
        }
    }
}
