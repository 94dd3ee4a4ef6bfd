//! The log itself: appends groups, syncs, rolls segments, keeps snapshots. Synchronous and deterministic: no clock, no thread, no chance.
//! Opening stands in `opening.rs`.

use std::io;

use exec_core::plant::{Plant, planted};
use sha2::{Digest, Sha256};

use crate::boundary::boundary;
use crate::disk::Disk;
use crate::error::{Context, Failure, JournalError, OpenError};
use crate::format::{Durability, GroupFields, SEGMENT_HEADER, SegmentHeader, encode_group, encode_record, group_len};
use crate::reader::{Records, Span};
use crate::scan::segment_name;
use crate::segment::{Spare, remove_if_there};
use crate::snapshot::{KEEP, SNAPSHOT_TEMP, Snapshot, encode, read_snapshot, snapshot_name, write_temp};

/// What a journal is opened with.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Name of the account; its SHA-256 stands in every file, and a journal of another account is refused.
    pub account: String,
    /// The new epoch is at least this, and always above the highest in the journal.
    pub epoch_floor: u64,
    /// When a group counts as safe.
    pub durability: Durability,
    /// Size of a segment file, kept between 1 KiB and 1 GiB. The first of a life is at most 4 MiB, each later one twice as large.
    pub segment_bytes: u32,
    /// Closed segments that stay although snapshots cover them, the newest ones: for whoever asks what happened.
    pub segments_kept: usize,
}

impl LogOptions {
    /// 64 MiB segments, every group synced, and no segment kept that snapshots cover.
    #[must_use]
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            epoch_floor: 0,
            durability: Durability::Sync,
            segment_bytes: 64 * 1024 * 1024,
            segments_kept: 0,
        }
    }
}

/// A record to be appended. The bytes mean nothing to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// The writer's kind.
    pub kind: u16,
    /// The writer's version of that kind.
    pub version: u8,
    /// The writer's bytes.
    pub payload: &'a [u8],
}

/// The numbers that the records of one group got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Number of the first record.
    pub first: u64,
    /// Number of the last record; the group is safe when this one is.
    pub last: u64,
}

/// Where the next group goes.
#[derive(Debug)]
pub(crate) struct Head {
    pub next_seq: u64,
    pub next_group: u64,
    pub crc: u32,
    pub offset: usize,
    pub digest: Sha256,
}

/// The open segment.
#[derive(Debug)]
pub(crate) struct Active<F> {
    pub file: F,
    pub name: String,
    pub number: u64,
    pub seed: u32,
    pub len: usize,
}

/// An append log in one directory of a disk.
///
/// Order of calls: [`Log::open`], read back with [`Log::read_from`], then any number of [`Log::append`] and [`Log::sync`], at the end
/// [`Log::close`]. A group is atomic: after a crash all of its records are there or none. A group is acknowledged when `sync` has
/// returned. Under [`Durability::Sync`] at most one group is ever unsynced: `append` syncs the one before.
///
/// After the first failed write or sync the log is *latched*: every later call fails with the same cause, the segment is never written
/// again, no sync is repeated. Only a new [`Log::open`] goes on, in a new segment.
///
/// ```
/// use exec_journal::{Log, LogOptions, RecordRef, SimDisk};
///
/// let (mut log, recovery) = Log::open(SimDisk::new(), &LogOptions::new("demo"))?;
/// assert_eq!(recovery.last_seq, 0);
/// log.append(&[RecordRef { kind: 1, version: 1, payload: b"intent" }], None)?;
/// log.sync()?;
/// let back: Vec<_> = log.read_from(1)?.collect::<Result<_, _>>()?;
/// assert_eq!(back[0].payload, b"intent");
/// log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Log<D: Disk> {
    pub(crate) disk: D,
    pub(crate) account: [u8; 32],
    pub(crate) epoch: u64,
    pub(crate) durability: Durability,
    pub(crate) segment_max: usize,
    pub(crate) segments_kept: usize,
    /// Closed segments, oldest first.
    pub(crate) closed: Vec<Span>,
    pub(crate) active_first_seq: u64,
    pub(crate) active: Active<D::File>,
    pub(crate) head: Head,
    pub(crate) durable_seq: u64,
    pub(crate) unsynced: bool,
    pub(crate) spare: Option<Spare<D::File>>,
    /// Record numbers of sound snapshots, ascending.
    pub(crate) snapshots: Vec<u64>,
    pub(crate) failed: Option<Failure>,
    pub(crate) encoded: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl<D: Disk> Log<D> {
    /// Appends one atomic group and returns the numbers of its records. Not durable before [`Log::sync`].
    ///
    /// `state_hash` is the writer's hash of its state after the last record; it is stored and given back by recovery, so that a replay
    /// can be compared.
    ///
    /// # Errors
    /// [`JournalError::EmptyGroup`] and [`JournalError::TooLarge`] change nothing; [`JournalError::Failed`] is latched.
    pub fn append(&mut self, records: &[RecordRef<'_>], state_hash: Option<u64>) -> Result<Ticket, JournalError> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        let mut encoded = Ok(0);
        for record in records {
            let added = self.encode(&mut body, record);
            encoded = encoded.and_then(|n| added.map(|()| n + 1));
        }
        let done = encoded.and_then(|count| self.append_encoded(&body, count, state_hash));
        self.body = body;
        done
    }

    pub(crate) fn encode(&self, body: &mut Vec<u8>, record: &RecordRef<'_>) -> Result<(), JournalError> {
        let bytes = body.len().saturating_add(record.payload.len()).saturating_add(crate::format::RECORD_HEADER);
        let max = self.group_max();
        match u32::try_from(record.payload.len()) {
            Ok(len) if bytes <= max => {
                encode_record(body, len, record.kind, record.version, record.payload);
                Ok(())
            }
            _ => Err(JournalError::TooLarge { bytes, max }),
        }
    }

    /// Most bytes that the encoded records of a group may take: a segment holds at least this group and a closing one.
    pub(crate) fn group_max(&self) -> usize {
        self.segment_max - SEGMENT_HEADER - group_len(0) * 2
    }

    pub(crate) fn append_encoded(&mut self, body: &[u8], count: u32, state_hash: Option<u64>) -> Result<Ticket, JournalError> {
        self.check()?;
        if count == 0 {
            return Err(JournalError::EmptyGroup);
        }
        if body.len() > self.group_max() {
            return Err(JournalError::TooLarge { bytes: body.len(), max: self.group_max() });
        }
        if self.durability == Durability::Sync {
            self.sync()?;
        }
        // The closing group always finds room.
        let needed = group_len(body.len()) + group_len(0);
        if self.head.offset + needed > self.active.len {
            self.roll(needed)?;
        }
        let ticket = Ticket { first: self.head.next_seq, last: self.head.next_seq + u64::from(count) - 1 };
        self.write_group(body, count, state_hash)?;
        Ok(ticket)
    }

    fn write_group(&mut self, body: &[u8], count: u32, state_hash: Option<u64>) -> Result<(), JournalError> {
        let fields = GroupFields {
            epoch: self.epoch,
            group_seq: self.head.next_group,
            first_seq: self.head.next_seq,
            count,
            state_hash,
            prev_crc: self.head.crc,
        };
        let at = self.head.offset;
        let crc = encode_group(&mut self.encoded, at, self.active.seed, &fields, body);
        let written = write_once(&mut self.disk, &self.active.file, at as u64, &self.encoded).on("write", &self.active.name);
        self.latch(written)?;
        self.unsynced = true;
        self.head.digest.update(&self.encoded);
        self.head.offset += self.encoded.len();
        self.head.crc = crc;
        self.head.next_group += 1;
        self.head.next_seq += u64::from(count);
        Ok(())
    }

    /// Makes everything appended durable. Does nothing if it already is.
    ///
    /// # Errors
    /// [`JournalError::Failed`], latched: what was not synced may or may not survive.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.check()?;
        if self.unsynced {
            boundary!("sync.before");
            if !planted(Plant::AckBeforeFsync) {
                let synced = self.disk.sync_data(&self.active.file).on("sync", &self.active.name);
                self.latch(synced)?;
            }
            boundary!("sync.after");
            self.unsynced = false;
            self.durable_seq = self.last_seq();
        }
        Ok(())
    }

    /// Closes the active segment and goes on in the next one, which holds at least `needed` bytes of groups.
    fn roll(&mut self, needed: usize) -> Result<(), JournalError> {
        self.sync()?;
        let least = (SEGMENT_HEADER + needed).next_multiple_of(crate::format::SECTOR);
        let spare = match self.spare.take().filter(|s| s.len() >= least) {
            Some(spare) => spare,
            None => {
                let len = self.next_len().max(least);
                let begun = Spare::begin(&mut self.disk, len);
                self.latch(begun)?
            }
        };
        boundary!("segment.begun");
        let header = SegmentHeader {
            durability: self.durability,
            number: self.active.number + 1,
            first_seq: self.head.next_seq,
            first_group: self.head.next_group,
            epoch: self.epoch,
            made_len: spare.len() as u64,
            sealed_len: SEGMENT_HEADER as u64,
            account: self.account,
            prev_digest: self.head.digest.clone().finalize().into(),
            prev_crc: self.head.crc,
        };
        let start = header.encode();
        let name = segment_name(header.number);
        let len = spare.len();
        let named = spare.name_it(&mut self.disk, &start, &name);
        let file = self.latch(named)?;
        boundary!("segment.named");
        self.closed.push(Span {
            name: std::mem::take(&mut self.active.name),
            first_seq: self.active_first_seq,
            end: self.head.offset,
        });
        self.active = Active { file, name, number: header.number, seed: seed_of(&start), len };
        self.active_first_seq = header.first_seq;
        self.head.offset = SEGMENT_HEADER;
        self.head.digest = Sha256::new().chain_update(start);
        Ok(())
    }

    fn next_len(&self) -> usize {
        self.active.len.saturating_mul(2).min(self.segment_max)
    }

    /// Prepares the next segment ahead, one small step a call, so that a roll does not have to wait for it. Returns whether there is more
    /// to do soon; nothing is done before half of the active segment is used.
    ///
    /// # Errors
    /// [`JournalError::Upkeep`]: the preparation failed and is tried again by the roll, which then latches.
    pub fn prepare_next(&mut self) -> Result<bool, JournalError> {
        self.check()?;
        if self.head.offset < self.active.len / 2 {
            return Ok(false);
        }
        let len = self.next_len();
        let Some(spare) = self.spare.as_mut() else {
            let begun = Spare::begin(&mut self.disk, len).map_err(JournalError::Upkeep)?;
            self.spare = Some(begun);
            return Ok(true);
        };
        if spare.is_ready() {
            return Ok(false);
        }
        match spare.step(&mut self.disk) {
            Ok(()) => Ok(!spare.is_ready()),
            Err(failure) => {
                // A file whose sync failed is not used any more.
                self.spare = None;
                Err(JournalError::Upkeep(failure))
            }
        }
    }

    /// Reads records back from a number on.
    ///
    /// # Errors
    /// [`OpenError::Dropped`] if older records were dropped behind a snapshot; the iterator yields errors of reading.
    pub fn read_from(&mut self, seq: u64) -> Result<Records<'_, D>, OpenError> {
        let mut spans = self.closed.clone();
        spans.push(Span { name: self.active.name.clone(), first_seq: self.active_first_seq, end: self.head.offset });
        Records::new(&mut self.disk, &spans, seq)
    }

    /// Stores the caller's state after record `seq`, durably, and keeps the newest two.
    ///
    /// # Errors
    /// [`JournalError::NotDurable`] and [`JournalError::Upkeep`] leave the log sound; [`JournalError::Failed`] is latched.
    pub fn snapshot(&mut self, bytes: &[u8], seq: u64) -> Result<(), JournalError> {
        self.check()?;
        if seq > self.durable_seq {
            return Err(JournalError::NotDurable { asked: seq, durable: self.durable_seq });
        }
        let encoded = encode(&self.account, seq, self.epoch, bytes);
        let name = snapshot_name(seq);
        write_temp(&mut self.disk, &encoded)
            .and_then(|()| {
                boundary!("snapshot.written");
                self.disk.rename(SNAPSHOT_TEMP, &name).on("rename", &name)
            })
            .map_err(JournalError::Upkeep)?;
        boundary!("snapshot.renamed");
        let named = self.disk.sync_dir().on("sync", "the directory");
        self.latch(named)?;
        if let Err(at) = self.snapshots.binary_search(&seq) {
            self.snapshots.insert(at, seq);
        }
        while self.snapshots.len() > KEEP {
            let old = self.snapshots.remove(0);
            remove_if_there(&mut self.disk, &snapshot_name(old)).map_err(JournalError::Upkeep)?;
        }
        Ok(())
    }

    /// The newest sound snapshot.
    ///
    /// # Errors
    /// [`OpenError`]: it was sound when the log was opened and is not any more, or the disk fails.
    pub fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, OpenError> {
        match self.snapshots.last() {
            Some(seq) => read_snapshot(&mut self.disk, *seq, &self.account).map(Some),
            None => Ok(None),
        }
    }

    /// Drops whole segments that hold only records before `seq` and that every kept snapshot covers, but for the newest
    /// [`LogOptions::segments_kept`] closed ones. Returns how many went.
    ///
    /// # Errors
    /// [`JournalError::Upkeep`] leaves the log sound; [`JournalError::Failed`] is latched.
    pub fn truncate_before(&mut self, seq: u64) -> Result<u64, JournalError> {
        self.check()?;
        let Some(oldest) = self.snapshots.first() else {
            return Ok(0);
        };
        let keep_from = seq.min(oldest + 1);
        let mut dropped = 0;
        while self.closed.len() > self.segments_kept && self.second_first_seq().is_some_and(|s| s <= keep_from) {
            let span = self.closed.remove(0);
            remove_if_there(&mut self.disk, &span.name).map_err(JournalError::Upkeep)?;
            // One by one, so that after a crash no segment is missing between two others.
            let synced = self.disk.sync_dir().on("sync", "the directory");
            self.latch(synced)?;
            dropped += 1;
        }
        Ok(dropped)
    }

    /// First record behind the oldest closed segment.
    fn second_first_seq(&self) -> Option<u64> {
        match self.closed.len() {
            0 => None,
            1 => Some(self.active_first_seq),
            _ => self.closed.get(1).map(|s| s.first_seq),
        }
    }

    /// Makes everything durable and marks the log as closed on purpose.
    ///
    /// # Errors
    /// [`JournalError::Failed`].
    pub fn close(mut self) -> Result<(), JournalError> {
        self.sync()?;
        self.write_group(&[], 0, None)?;
        self.sync()?;
        // Only to save room: the zeros behind the closing group are worth nothing.
        let cut = self.disk.set_len(&self.active.name, self.head.offset as u64);
        if let Err(error) = cut {
            tracing::debug!(%error, file = self.active.name, "a closed segment keeps its length");
        }
        Ok(())
    }

    /// Epoch of this life.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Number of the last appended record; 0 if there is none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.head.next_seq - 1
    }

    /// Number of the last record known to be on the disk; 0 if there is none.
    #[must_use]
    pub fn durable_seq(&self) -> u64 {
        self.durable_seq
    }

    /// The failure that latched the log, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failed.as_ref()
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    pub(crate) fn segment_number(&self) -> u64 {
        self.active.number
    }

    /// Is it time to prepare the next segment even under load?
    pub(crate) fn room_is_short(&self) -> bool {
        self.head.offset > self.active.len / 4 * 3
    }

    fn check(&self) -> Result<(), JournalError> {
        match &self.failed {
            Some(failure) => Err(JournalError::Failed(failure.clone())),
            None => Ok(()),
        }
    }

    fn latch<T>(&mut self, result: Result<T, Failure>) -> Result<T, JournalError> {
        result.map_err(|failure| {
            self.failed = Some(failure.clone());
            JournalError::Failed(failure)
        })
    }
}

impl<D: Disk> Drop for Log<D> {
    fn drop(&mut self) {
        self.disk.unlock();
    }
}

/// The checksum at the end of an encoded header, which seeds the checksums of its groups.
pub(crate) fn seed_of(header: &[u8; SEGMENT_HEADER]) -> u32 {
    crate::format::u32_at(header, SEGMENT_HEADER - 4).unwrap_or(0)
}

/// Writes a group in one call. A short write is a failure: going on would let a crash leave a sector that is neither old nor new, which
/// recovery could not tell from damage. On a local file it only happens where the next write would fail anyway.
fn write_once<D: Disk>(disk: &mut D, file: &D::File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    #[cfg(feature = "drill")]
    if disk.write_at(file, offset, bytes.get(..bytes.len() / 2).unwrap_or_default()).is_ok() {
        // The whole of it is written over this half.
        boundary!("write.half");
    }
    loop {
        match disk.write_at(file, offset, bytes) {
            Ok(n) if n == bytes.len() => return Ok(()),
            Ok(_) => return Err(io::ErrorKind::WriteZero.into()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
