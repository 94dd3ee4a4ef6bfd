//! The local log as the copy reads it back, beside its writer: records, snapshots. Nothing is changed and no lock is taken.

use sha2::{Digest, Sha256};

use crate::disk::Disk;
use crate::error::OpenError;
use crate::log::RecordRef;
use crate::reader::Records;
use crate::recovery::Found;
use crate::snapshot::{Snapshot, read_snapshot};

/// Reads the local log of one account.
pub(super) trait Source: Send {
    /// The numbers of the first record that is still there and of the last.
    fn span(&mut self) -> Result<(u64, u64), OpenError>;

    /// Gives records in order, each with its number and whether a group ends with it, until there is none or `visit` says no.
    fn read(&mut self, from: u64, visit: &mut dyn FnMut(u64, &RecordRef<'_>, bool) -> bool) -> Result<(), OpenError>;

    /// The last records of the sound snapshots, ascending.
    fn snapshots(&mut self) -> Result<Vec<u64>, OpenError>;

    /// The newest sound snapshot.
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, OpenError>;

    /// The snapshot behind this record; an error also where it is gone.
    fn snapshot(&mut self, seq: u64) -> Result<Snapshot, OpenError>;
}

/// The log on a disk of which this is another view.
pub(super) struct LogSource<D> {
    disk: D,
    account: [u8; 32],
}

impl<D: Disk> LogSource<D> {
    pub(super) fn new(disk: D, account: &str) -> Self {
        Self { disk, account: Sha256::digest(account.as_bytes()).into() }
    }
}

impl<D: Disk + Send> Source for LogSource<D> {
    fn span(&mut self) -> Result<(u64, u64), OpenError> {
        let found = Found::read(&mut self.disk, Some(&self.account))?.report();
        Ok((found.first_seq, found.last_seq))
    }

    fn read(&mut self, from: u64, visit: &mut dyn FnMut(u64, &RecordRef<'_>, bool) -> bool) -> Result<(), OpenError> {
        let spans = Found::read(&mut self.disk, Some(&self.account))?.spans();
        let mut records = Records::new(&mut self.disk, &spans, from)?;
        while let Some(record) = records.next().transpose()? {
            let bytes = RecordRef { kind: record.kind, version: record.version, payload: &record.payload };
            if !visit(record.seq, &bytes, records.at_group_end()) {
                break;
            }
        }
        Ok(())
    }

    fn snapshots(&mut self) -> Result<Vec<u64>, OpenError> {
        Ok(Found::read(&mut self.disk, Some(&self.account))?.shelf.sound)
    }

    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, OpenError> {
        Ok(Found::read(&mut self.disk, Some(&self.account))?.report().snapshot)
    }

    fn snapshot(&mut self, seq: u64) -> Result<Snapshot, OpenError> {
        read_snapshot(&mut self.disk, seq, &self.account)
    }
}

/// Stands in for the log while that is being read.
pub(super) struct Nothing;

impl Source for Nothing {
    fn span(&mut self) -> Result<(u64, u64), OpenError> {
        Ok((1, 0))
    }
    fn read(&mut self, _from: u64, _visit: &mut dyn FnMut(u64, &RecordRef<'_>, bool) -> bool) -> Result<(), OpenError> {
        Ok(())
    }
    fn snapshots(&mut self) -> Result<Vec<u64>, OpenError> {
        Ok(Vec::new())
    }
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, OpenError> {
        Ok(None)
    }
    fn snapshot(&mut self, seq: u64) -> Result<Snapshot, OpenError> {
        Err(OpenError::Dropped { asked: seq, first: seq + 1 })
    }
}
