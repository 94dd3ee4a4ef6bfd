//! Reads a journal for tools, without its lock and without changing it: what stands in it, whether it is sound, the books it adds up to.

use exec_core::{
    books::{Books, BooksError},
    cl_ord_id::Tag,
    ids::{AccountId, Seq},
    record::{Record, RecordError},
};
use exec_journal::{OpenError, OsDisk, OsDiskOptions, Recovery};
use std::path::{Path, PathBuf};

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such directory.
    #[error("no journal at {}", .0.display())]
    Missing(PathBuf),
    /// It is damaged, not ours, or the disk fails.
    #[error("journal at {}: {error}", path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        error: OpenError,
    },
    /// A record that this build does not know.
    #[error("record {seq}: {error}")]
    Record {
        /// Which.
        seq: Seq,
        /// Why.
        error: RecordError,
    },
    /// The records do not add up.
    #[error(transparent)]
    Books(#[from] BooksError),
}

/// Checks every byte of a journal.
///
/// # Errors
/// [`ViewError`]: it is damaged, or cannot be read.
pub fn verify_journal(directory: &Path) -> Result<Recovery, ViewError> {
    let mut disk = open(directory)?;
    exec_journal::verify(&mut disk).map_err(|error| ViewError::Open { path: directory.to_owned(), error })
}

/// Visits the records of a journal in order.
///
/// # Errors
/// [`ViewError`]: it is damaged, or newer than this build.
pub fn visit_journal(directory: &Path, mut visit: impl FnMut(Seq, Record) -> Result<(), BooksError>) -> Result<(), ViewError> {
    let broken = |error| ViewError::Open { path: directory.to_owned(), error };
    let mut disk = open(directory)?;
    for raw in exec_journal::read(&mut disk, 1).map_err(broken)? {
        let raw = raw.map_err(broken)?;
        let seq = Seq(raw.seq);
        let record = Record::decode(raw.kind, raw.version, &raw.payload).map_err(|error| ViewError::Record { seq, error })?;
        visit(seq, record)?;
    }
    Ok(())
}

/// The books of an account as its journal tells them, by the same replay that a node does at its start.
///
/// # Errors
/// [`ViewError`]: it cannot be read, or its records do not add up.
pub fn replay_books(directory: &Path, account: &AccountId, tag: Tag) -> Result<Books, ViewError> {
    let mut books = Books::new(account.clone(), tag);
    visit_journal(directory, |seq, record| books.apply(seq, &record).map(|_| ()))?;
    Ok(books)
}

fn open(directory: &Path) -> Result<OsDisk, ViewError> {
    // Opening makes a directory that is not there, which a tool that only looks must not do.
    if !directory.is_dir() {
        return Err(ViewError::Missing(directory.to_owned()));
    }
    let options = OsDiskOptions { allow_volatile: true };
    OsDisk::open(directory, options).map_err(|error| ViewError::Open { path: directory.to_owned(), error })
}
