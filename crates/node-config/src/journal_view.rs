//! Reads a journal for tools, without its lock and without changing it: what stands in it, whether it is sound, the books it adds up to.

use exec_core::{
    books::{Books, BooksError},
    cl_ord_id::Tag,
    ids::{AccountId, Seq},
    record::{Record, RecordError},
    snapshot::{Snapshot, SnapshotError},
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
    /// A snapshot that this build does not know.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
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
    exec_journal::verify(&mut disk).map_err(|error| broken(directory, error))
}

/// Visits the records of a journal in order, as far back as they are kept.
///
/// # Errors
/// [`ViewError`]: it is damaged, or newer than this build.
pub fn visit_journal(directory: &Path, visit: impl FnMut(Seq, Record) -> Result<(), BooksError>) -> Result<(), ViewError> {
    let mut disk = open(directory)?;
    let (_, records) = exec_journal::read_kept(&mut disk).map_err(|error| broken(directory, error))?;
    each(directory, records, visit)
}

/// Whose journal it is, as its snapshot or its first start says; `None` if it was never used.
///
/// # Errors
/// [`ViewError`]: it is damaged, or newer than this build.
pub fn journal_account(directory: &Path) -> Result<Option<AccountId>, ViewError> {
    if let Some(stored) = verify_journal(directory)?.snapshot {
        return Ok(Some(Snapshot::decode(&stored.bytes)?.account().clone()));
    }
    let mut account = None;
    visit_journal(directory, |_, record| {
        if let Record::Started { account: id, .. } = record {
            account.get_or_insert(id);
        }
        Ok(())
    })?;
    Ok(account)
}

/// The books of an account as its journal tells them, as a node reads it at its start: the newest snapshot, and what follows it.
///
/// # Errors
/// [`ViewError`]: it cannot be read, or its records do not add up.
pub fn replay_books(directory: &Path, account: &AccountId, tag: Tag) -> Result<Books, ViewError> {
    let mut books = Books::new(account.clone(), tag);
    let (found, mut disk) = (verify_journal(directory)?, open(directory)?);
    if let Some(stored) = &found.snapshot {
        let snapshot = Snapshot::decode(&stored.bytes)?;
        if snapshot.account() != account {
            return Err(BooksError::Account { found: snapshot.account().clone(), expected: account.clone() }.into());
        }
        books = snapshot.into_books(tag);
    }
    let from = books.seq().0 + 1;
    let records = exec_journal::read(&mut disk, from).map_err(|error| broken(directory, error))?;
    each(directory, records, |seq, record| books.apply(seq, &record).map(|_| ()))?;
    Ok(books)
}

fn each(
    directory: &Path,
    records: exec_journal::Records<'_, OsDisk>,
    mut visit: impl FnMut(Seq, Record) -> Result<(), BooksError>,
) -> Result<(), ViewError> {
    for raw in records {
        let raw = raw.map_err(|error| broken(directory, error))?;
        let seq = Seq(raw.seq);
        let record = Record::decode(raw.kind, raw.version, &raw.payload).map_err(|error| ViewError::Record { seq, error })?;
        visit(seq, record)?;
    }
    Ok(())
}

fn broken(directory: &Path, error: OpenError) -> ViewError {
    ViewError::Open { path: directory.to_owned(), error }
}

fn open(directory: &Path) -> Result<OsDisk, ViewError> {
    // Opening makes a directory that is not there, which a tool that only looks must not do.
    if !directory.is_dir() {
        return Err(ViewError::Missing(directory.to_owned()));
    }
    let options = OsDiskOptions { allow_volatile: true };
    OsDisk::open(directory, options).map_err(|error| broken(directory, error))
}
