//! Reads and checks a whole journal without touching it, and reports what was found.

use crate::disk::Disk;
use crate::error::{Context, OpenError};
use crate::reader::Span;
use crate::scan::{SegmentScan, read_headers, scan_segment};
use crate::snapshot::{Shelf, Snapshot, check_fit, read_shelf};
use crate::tail::Tail;

/// An interrupted write at the end of the log that was, or would be, discarded. It was never acknowledged as durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// File name.
    pub file: String,
    /// Byte offset from where on.
    pub offset: u64,
    /// Bytes up to the last one that is not zero.
    pub bytes: u64,
    /// Whole groups among them: only after a power cut under [`Durability::Os`](crate::Durability::Os).
    pub groups: u64,
}

/// What a journal holds, and in what state it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Epoch of the life that now begins (for a mere reading: of the last one).
    pub epoch: u64,
    /// Highest epoch found; `None` for a new journal.
    pub last_epoch: Option<u64>,
    /// Number of the first record that is still there.
    pub first_seq: u64,
    /// Number of the last record; 0 if there is none.
    pub last_seq: u64,
    /// Segment files read.
    pub segments: u64,
    /// Was the journal closed on purpose, or is it new?
    pub closed_clean: bool,
    /// The interrupted write at the end, if there was one.
    pub cut: Option<Cut>,
    /// The newest state hash and the record it stands behind.
    pub state_hash: Option<(u64, u64)>,
    /// The newest sound snapshot.
    pub snapshot: Option<Snapshot>,
    /// Snapshots that are damaged and were passed over.
    pub damaged_snapshots: Vec<String>,
}

/// Everything that reading found, for the writer to go on from.
pub(crate) struct Found {
    pub segments: Vec<SegmentScan>,
    pub shelf: Shelf,
    pub names: Vec<String>,
}

impl Found {
    pub(crate) fn read<D: Disk>(disk: &mut D, account: Option<&[u8; 32]>) -> Result<Self, OpenError> {
        let names = disk.list().on("list", "the directory")?;
        let headers = read_headers(disk, &names, account)?;
        let shelf = read_shelf(disk, &names, account)?;
        let mut segments: Vec<SegmentScan> = Vec::with_capacity(headers.len());
        for (n, (name, _)) in headers.iter().enumerate() {
            let next = headers.get(n + 1).map(|(_, header)| header);
            let before = segments.last().map(|s| &s.end);
            let scan = scan_segment(disk, name, before, next)?;
            segments.push(scan);
        }
        let found = Self { segments, shelf, names };
        let first = found.segments.first().map(|s| (s.name.as_str(), s.header.number, s.header.first_seq));
        check_fit(&found.shelf, first, found.last_seq())?;
        Ok(found)
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.segments.iter().map(|s| Span { name: s.name.clone(), first_seq: s.header.first_seq, end: s.end.offset }).collect()
    }

    fn last_seq(&self) -> u64 {
        self.segments.last().map_or(0, |s| s.end.next_seq - 1)
    }

    pub(crate) fn report(&self) -> Recovery {
        let last = self.segments.last();
        let last_epoch = last.map(|s| s.header.epoch.max(s.end.epoch));
        let cut = last.and_then(|s| match s.tail {
            Tail::Torn { bytes, groups } => {
                Some(Cut { file: s.name.clone(), offset: s.end.offset as u64, bytes: bytes as u64, groups })
            }
            Tail::Clean | Tail::Damaged { .. } => None,
        });
        Recovery {
            epoch: last_epoch.unwrap_or(0),
            last_epoch,
            first_seq: self.segments.first().map_or(1, |s| s.header.first_seq),
            last_seq: self.last_seq(),
            segments: self.segments.len() as u64,
            closed_clean: last.is_none_or(SegmentScan::closed_clean),
            cut,
            state_hash: self.segments.iter().rev().find_map(|s| s.end.state),
            snapshot: self.shelf.latest.clone(),
            damaged_snapshots: self.shelf.damaged.clone(),
        }
    }
}

/// Reads and checks a whole journal, without a lock and without changing anything; also beside a running writer, whose last group may then
/// show as a cut.
///
/// # Errors
/// What [`Log::open`](crate::Log::open) would refuse.
pub fn verify<D: Disk>(disk: &mut D) -> Result<Recovery, OpenError> {
    Ok(Found::read(disk, None)?.report())
}
