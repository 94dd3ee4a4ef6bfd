//! The durable append log under an execution node: groups of opaque records, checksummed and chained, recovered after any crash, refused
//! after any damage. Only `port.rs` knows what a record is; nothing here knows a runtime.
//!
//! - [`Log`] is the log over a [`Disk`]: synchronous and deterministic.
//! - [`FileJournal`] runs a log on a thread of its own and syncs queued groups together.
//! - [`EngineJournal`] is that behind the journal port of `exec-core`.
//! - [`OsDisk`] is a directory of the machine, [`SimDisk`] a disk that loses, tears and lies on command.
//! - `SharedJournal` (feature `redis`) is a log with a copy on Redis, off this machine.
//! - [`verify`] and [`read`] are for tools: they need no lock and change nothing.
//!
//! The format, the rules of recovery, and what is promised stand in `docs/journal-format.md`.

mod boundary;
mod disk;
mod error;
mod file_journal;
mod format;
mod log;
mod opening;
mod os_disk;
mod port;
mod queue;
mod reader;
mod recovery;
#[cfg(feature = "redis")]
mod redis;
mod scan;
mod segment;
mod sim_disk;
mod sim_media;
mod snapshot;
mod tail;

pub use disk::{Disk, Lock};
pub use error::{Damage, Failure, JournalError, OpenError, ShortHash, Unfit};
pub use file_journal::{FileJournal, Notice, QueueLimits};
pub use format::{Durability, FORMAT};
pub use log::{Log, LogOptions, RecordRef, Ticket};
pub use os_disk::{OsDisk, OsDiskOptions};
pub use port::{EngineJournal, SEGMENTS_KEPT};
pub use reader::{Record, Records, read, read_kept};
pub use recovery::{Cut, Recovery, verify};
#[cfg(feature = "redis")]
pub use redis::{
    Ack, CopyError, EventStream, Missed, RedisLease, RedisOptions, SharedJournal, StreamError, StreamedEvent, UrlError,
};
pub use sim_disk::{Faults, SimDisk, WriteFault};
pub use snapshot::Snapshot;
