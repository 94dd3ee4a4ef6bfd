//! What can go wrong, split by what the caller can do about it. Nothing here is retried by the journal.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Why a journal was not opened or could not be read. Nothing was changed on the disk that a second attempt would need.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes this journal. The caller stops; it does not wait.
    #[error("the journal is locked by {}; one writer per account, stop the other node first", Holder(*pid))]
    Locked {
        /// Process id found in the lock file.
        pid: Option<u32>,
    },
    /// The directory is not fit to hold a journal. The operator changes it, or says that it is meant.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A file belongs to another account. The operator corrects the directory in the configuration.
    #[error(
        "{file} belongs to another account (found {found}, this one is {expected}); check the journal directory in the configuration"
    )]
    OtherAccount {
        /// File name.
        file: String,
        /// Start of the account hash in the file.
        found: ShortHash,
        /// Start of the account hash of the caller.
        expected: ShortHash,
    },
    /// A newer program wrote this file. The operator runs that program.
    #[error("{file} has format {found}, this program knows formats up to {known}; use the program version that wrote it")]
    NewerFormat {
        /// File name.
        file: String,
        /// Format in the file.
        found: u32,
        /// Newest format this program reads.
        known: u32,
    },
    /// A file with a journal's name is none.
    #[error(
        "{file} is not a journal file ({what}); move it out of the directory if it does not belong there, restore it from a copy if it does"
    )]
    NotAJournal {
        /// File name.
        file: String,
        /// What was found instead.
        what: Damage,
    },
    /// What was acknowledged is damaged. The journal is refused, because going on would lose records silently.
    #[error(
        "{file} is damaged at byte {offset}: {what}; copy the directory before anything else, restore this file from a copy, or start with an empty journal and let the venue tell what is true"
    )]
    Corrupt {
        /// File name.
        file: String,
        /// Byte offset in the file.
        offset: u64,
        /// What was found.
        what: Damage,
    },
    /// The records asked for were dropped behind a snapshot. The caller starts from the snapshot.
    #[error("records before {first} were dropped behind a snapshot, {asked} was asked for")]
    Dropped {
        /// Number of the record asked for.
        asked: u64,
        /// Number of the first record that is still there.
        first: u64,
    },
    /// The disk failed while reading or preparing.
    #[error(transparent)]
    Disk(#[from] Failure),
}

struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "pid {pid}"),
            None => f.write_str("another process"),
        }
    }
}

/// Kinds of damage, for the operator and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// A file without bytes.
    #[error("the file is empty")]
    Empty,
    /// No magic number at the start.
    #[error("it does not begin like one")]
    Magic,
    /// A file name that does not follow the pattern.
    #[error("its name has no number")]
    Name,
    /// The header's checksum is wrong.
    #[error("the header's checksum is wrong")]
    Header,
    /// The header's number is not the one in the name.
    #[error("the number in the header is not the one in the name")]
    Number,
    /// Segments before this one are gone and no snapshot covers them.
    #[error("earlier segments are missing and no snapshot covers them")]
    Missing,
    /// A segment does not follow the one before it.
    #[error("it does not continue the segment before it")]
    Chain,
    /// The digest of a closed segment is wrong.
    #[error("the content is not what its successor says it was")]
    Digest,
    /// An acknowledged group fails its checksum.
    #[error("an acknowledged group is damaged")]
    Group,
    /// A valid group at a place where it cannot stand.
    #[error("a group stands where it was not written")]
    Misplaced,
    /// A damaged or missing group lies before a valid one.
    #[error("a group before a valid later one is damaged or missing")]
    Hole,
    /// The last group was written completely, yet its checksum is wrong.
    #[error("the last group is complete but damaged")]
    LastGroup,
    /// Bytes where there should be none.
    #[error("bytes behind the last group that no interrupted write explains")]
    Garbage,
    /// The file is shorter than it was made.
    #[error("the file is shorter than it was made")]
    Short,
    /// The snapshot is newer than the last record.
    #[error("the snapshot is newer than the last record: acknowledged records are missing")]
    SnapshotAhead,
    /// The snapshot's digest is wrong.
    #[error("the snapshot's digest is wrong")]
    Snapshot,
}

/// Why a directory is not fit to hold a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The path is not a directory.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// Path.
        path: String,
    },
    /// Others may read or write it.
    #[error("{path} has mode {mode:04o}, others may reach it; chmod {want:04o}")]
    Mode {
        /// Path.
        path: String,
        /// Mode found.
        mode: u32,
        /// Mode wanted.
        want: u32,
    },
    /// It belongs to another user.
    #[error("{path} belongs to user {owner}, this process runs as user {user}")]
    Owner {
        /// Path.
        path: String,
        /// User id found.
        owner: u32,
        /// User id of this process.
        user: u32,
    },
    /// The file system forgets, or cannot promise locks and syncs.
    #[error("{path} lies on {kind}, which does not keep what is synced to it; choose a local disk, or say that it is meant")]
    FileSystem {
        /// Path.
        path: String,
        /// Kind of file system.
        kind: &'static str,
    },
}

/// A disk operation that failed, with its cause. Cloneable, because it is told to every later caller.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} of {file} failed: {cause}")]
pub struct Failure {
    operation: &'static str,
    file: String,
    #[source]
    cause: Arc<io::Error>,
}

impl Failure {
    pub(crate) fn new(operation: &'static str, file: &str, cause: io::Error) -> Self {
        Self { operation, file: file.to_owned(), cause: Arc::new(cause) }
    }

    /// What was tried, such as `sync`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The file it was tried on.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The disk's answer.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

/// Adds operation and file to an I/O error.
pub(crate) trait Context<T> {
    fn on(self, operation: &'static str, file: &str) -> Result<T, Failure>;
}

impl<T> Context<T> for io::Result<T> {
    fn on(self, operation: &'static str, file: &str) -> Result<T, Failure> {
        self.map_err(|e| Failure::new(operation, file, e))
    }
}

/// Why something was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// A write or sync failed, now or earlier. Latched: this journal takes nothing more until the process starts again. The caller goes
    /// on without it: no new risk, exits pass.
    #[error("the journal takes nothing more: {0}")]
    Failed(#[from] Failure),
    /// The queue to the disk is full. Nothing was queued; the caller may try again later, and sends nothing that needed it.
    #[error("the journal's queue is full ({queued} bytes waiting)")]
    Full {
        /// Bytes waiting.
        queued: usize,
    },
    /// The group is larger than a segment. The caller splits it.
    #[error("a group of {bytes} bytes does not fit, {max} is the most")]
    TooLarge {
        /// Bytes of the encoded group.
        bytes: usize,
        /// Most that fits.
        max: usize,
    },
    /// A group without records.
    #[error("a group has at least one record")]
    EmptyGroup,
    /// A snapshot of records that are not durable yet. The caller waits for them.
    #[error("a snapshot up to record {asked} is ahead of the durable log, which ends at {durable}")]
    NotDurable {
        /// Last record in the snapshot.
        asked: u64,
        /// Last durable record.
        durable: u64,
    },
    /// A snapshot was not written or an old file not removed; the log itself is sound. The caller tries again later.
    #[error("upkeep of the journal failed, the log itself is sound: {0}")]
    Upkeep(Failure),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// The first bytes of a SHA-256, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortHash(pub(crate) [u8; 4]);

impl ShortHash {
    pub(crate) fn of(hash: &[u8; 32]) -> Self {
        let [a, b, c, d, ..] = *hash;
        Self([a, b, c, d])
    }
}

impl fmt::Display for ShortHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}
