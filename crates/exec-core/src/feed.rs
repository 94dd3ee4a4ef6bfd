//! The port of whoever tells programs outside what an account's records say. What an event looks like is the teller's; where it goes, and
//! that it gets there, is its caller's.

use crate::{books::BooksError, ids::Seq, record::Record, snapshot::Snapshot};
use alloc::string::String;
use core::fmt;

/// Names an event of an account for ever: the record that tells it, and which of that record's events it is, from 1. 0 stands for what
/// is missing up to and including that record.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct EventId {
    /// The record.
    pub seq: u64,
    /// Which of its events.
    pub n: u64,
}

impl EventId {
    /// Reads what [`EventId`] is written as: `412-1`.
    pub fn read(text: &str) -> Option<Self> {
        let (seq, n) = text.split_once('-')?;
        Some(Self { seq: seq.parse().ok()?, n: n.parse().ok()? })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq, self.n)
    }
}

/// One event, written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// Its name.
    pub id: EventId,
    /// Its kind, in one word.
    pub kind: &'static str,
    /// All of it, as one object of JSON.
    pub json: String,
}

/// Turns records into events. The same records give the same events under the same names, whoever reads them and how often.
pub trait Teller: Send {
    /// Begins anew: with the state behind a snapshot's last record, or with nothing.
    fn begin(&mut self, snapshot: Option<Snapshot>);

    /// Reads the record behind the one that was read last, and gives the events that it tells, in order.
    ///
    /// # Errors
    /// [`BooksError`]: the records do not add up. Nothing more can be told.
    fn read(&mut self, seq: Seq, record: &Record, tell: &mut dyn FnMut(Told)) -> Result<(), BooksError>;

    /// The event that says that those of the records behind `after`, up to and including `until`, are missing.
    fn gap(&self, after: Seq, until: Seq) -> Told;
}
