//! What bytes from outside may do to us: one entry point for each kind of input. A fuzzer runs them without end, the tests of this
//! crate with a few hundred mutations of valid payloads each. No fuzzer, and no mutations: those are `fuzz/` and `tests/it`.
//!
//! An entry point takes any bytes and comes back. It panics where a promise is broken: something was dropped without a word, a
//! refusal was made up, what was written reads back as something else, or what is kept grows without bound.
//!
//! ```
//! for target in exec_fuzz::TARGETS {
//!     (target.run)(b"not what it expects");
//! }
//! ```

mod config;
mod exchange;
mod frames;
mod journal;
mod names;
mod orders;
mod questions;
mod refusals;
mod untyped;

/// One kind of input.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: the folder of its seeds, and its file in `fuzz/`.
    pub name: &'static str,
    /// Where such bytes come from.
    pub what: &'static str,
    /// Takes any bytes.
    ///
    /// # Panics
    /// A promise is broken.
    pub run: fn(&[u8]),
}

/// Every kind of input.
pub const TARGETS: &[Target] = &[
    Target { name: "user_frame", what: "a frame of the private stream", run: frames::user },
    Target { name: "market_frame", what: "a frame of the price streams", run: frames::market },
    Target { name: "order_reply", what: "the answer to a command or to a question for one order", run: orders::reply },
    Target { name: "question_reply", what: "the answer to a question about the account", run: questions::reply },
    Target { name: "refusal", what: "the body of an answer that is no success", run: refusals::judged },
    Target {
        name: "document",
        what: "what `exec-node decode` reads, replies of the WebSocket API among it",
        run: frames::document,
    },
    Target { name: "segment", what: "a file of the journal", run: journal::segment },
    Target { name: "record", what: "records of the journal", run: journal::records },
    Target { name: "snapshot", what: "a snapshot of the books", run: journal::snapshot },
    Target { name: "config", what: "a config file", run: config::file },
    Target { name: "name", what: "symbols and ids", run: names::name },
    Target { name: "decimal", what: "numbers", run: names::decimal },
];

/// Gives bytes to the target of this name; one without a name takes none.
///
/// # Panics
/// A promise is broken.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = target(name) {
        (target.run)(bytes);
    }
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
