//! The port of a journal: ordered appends in groups, durability told apart from order. What stands in it is `record`.

use crate::{
    ids::Seq,
    record::{Record, RecordError},
    snapshot::{Snapshot, SnapshotError},
};
use alloc::{boxed::Box, string::String};
use async_trait::async_trait;
use core::pin::Pin;

/// Why a journal cannot go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JournalError {
    /// A write or a sync failed. Nothing more will become durable in this run; do not retry.
    #[error("journal failed: {0}")]
    Failed(String),
    /// Somebody else holds it.
    #[error("journal is held by another process: {0}")]
    Locked(String),
    /// It is damaged, foreign, or newer than this build. Do not start on it.
    #[error("journal cannot be used: {0}")]
    Unusable(String),
    /// An entry of it cannot be read by this build.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Its snapshot cannot be read by this build, and older records are gone.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// See [`Journal::written`].
pub type Written = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How far the copy of a journal, off this machine, is behind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct CopyLag {
    /// Records that the journal has made durable and the copy does not have.
    pub records: u64,
    /// For how long it has lacked the oldest of them.
    pub age_ms: u64,
    /// Whether that is more than may be lost with this machine: new risk waits for it.
    pub too_far: bool,
}

/// Durable, ordered storage of records. One writer.
pub trait Journal: Send {
    /// The newest sound snapshot, before [`Journal::replay`]. A journal that keeps none gives all its records.
    ///
    /// # Errors
    /// [`JournalError`]: do not start.
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, JournalError> {
        Ok(None)
    }

    /// Reads back in order, once, before the first append: everything, or what follows the snapshot that was given. Returns the
    /// last sequence number, 0 if there is none.
    ///
    /// # Errors
    /// [`JournalError`]: do not start.
    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError>;

    /// Puts a group of records behind all that was appended before, together or not at all. Returns at once; the group is
    /// ordered, not yet durable. The numbers follow on without gaps.
    ///
    /// # Errors
    /// [`JournalError::Failed`]: latched; every later call answers the same.
    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError>;

    /// Waits until a record that was appended would outlive this process, though perhaps not the machine, or until it never will.
    /// Soon, where the disk does not hang; the caller has a deadline.
    fn written(&mut self, seq: Seq) -> Written;

    /// Takes the state behind the last record that was appended. Returns at once: it is written in the journal's own time, only
    /// when that record is durable, and a failure of it is none of the journal's. Records that no restart needs any more may go
    /// then. One that comes while another is being written may be passed over.
    fn keep(&mut self, _snapshot: Snapshot) {}

    /// How far its copy is behind, for a journal that has one. Answers at once; it is asked again and again.
    fn copy(&self) -> Option<CopyLag> {
        None
    }

    /// How far the telling of consumers is behind, for a journal that tells any. Answers at once.
    fn events(&self) -> Option<CopyLag> {
        None
    }

    /// A reader of what has become durable. One per journal.
    fn watch(&mut self) -> Box<dyn DurableWatch>;
}

/// Tells how far a journal is durable.
#[async_trait]
pub trait DurableWatch: Send {
    /// Waits until more is durable than was told before, and tells up to where.
    ///
    /// # Errors
    /// [`JournalError::Failed`]: nothing more will become durable in this run.
    async fn next(&mut self) -> Result<Seq, JournalError>;
}
