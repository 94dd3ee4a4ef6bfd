//! Opening a log: lock, read, check, then go on in a new segment. A segment is only ever written by the life that made it, so what an
//! earlier life left behind (a torn write, pages that a failed sync never brought to the disk) is never built upon.

use sha2::{Digest, Sha256};

use crate::disk::{Disk, Lock};
use crate::error::{Context, OpenError};
use crate::format::{SECTOR, SEGMENT_HEADER, SegmentHeader, encode_group, group_len};
use crate::log::{Active, Head, Log, LogOptions, seed_of};
use crate::reader::Span;
use crate::recovery::{Found, Recovery};
use crate::scan::{SegmentScan, Unproven, segment_name};
use crate::segment::{NEXT_TEMP, Spare, remove_if_there};
use crate::snapshot::SNAPSHOT_TEMP;
#[cfg(feature = "redis")]
use crate::snapshot::{encode, snapshot_name, write_temp};

const FIRST_SEGMENT_MOST: usize = 4 * 1024 * 1024;
const SEGMENT_LEAST: usize = 1024;
const SEGMENT_MOST: usize = 1024 * 1024 * 1024;

impl<D: Disk> Log<D> {
    /// Opens the journal of an account, or begins one in an empty directory.
    ///
    /// Reads and checks everything, discards an interrupted last write (see [`Recovery::cut`]), and begins a new epoch in a new segment.
    /// The last group of the life before, which nothing proves durable, is written again there.
    ///
    /// # Errors
    /// [`OpenError::Locked`] at once if another writer holds it; [`OpenError::Corrupt`] and its like refuse a journal whose acknowledged
    /// part is not whole; [`OpenError::Disk`] is what the disk says. A refused journal is left as it was found.
    pub fn open(mut disk: D, options: &LogOptions) -> Result<(Self, Recovery), OpenError> {
        match disk.lock().on("lock", "the directory")? {
            Lock::Held { pid } => return Err(OpenError::Locked { pid }),
            Lock::Taken => {}
        }
        match prepare(&mut disk, options) {
            Ok((parts, recovery)) => Ok((parts.into_log(disk, options), recovery)),
            Err(error) => {
                disk.unlock();
                Err(error)
            }
        }
    }
}

#[cfg(feature = "redis")]
impl<D: Disk> Log<D> {
    /// Begins a journal on an empty disk behind a snapshot that was taken elsewhere. A crash on the way leaves a journal that is
    /// refused: the caller builds it where nobody looks for one, and moves it when it is whole.
    pub(crate) fn begin_behind(mut disk: D, options: &LogOptions, seq: u64, snapshot: &[u8]) -> Result<Self, OpenError> {
        match disk.lock().on("lock", "the directory")? {
            Lock::Held { pid } => return Err(OpenError::Locked { pid }),
            Lock::Taken => {}
        }
        let account: [u8; 32] = Sha256::digest(options.account.as_bytes()).into();
        let epoch = options.epoch_floor.max(1);
        write_temp(&mut disk, &encode(&account, seq, epoch, snapshot))?;
        let name = snapshot_name(seq);
        disk.rename(SNAPSHOT_TEMP, &name).on("rename", &name)?;
        disk.sync_dir().on("sync", "the directory")?;
        // Not the first segment: what came before it was dropped behind the snapshot, though on another machine.
        let next = Continuation { number: 2, first_seq: seq + 1, first_group: 2, ..Continuation::of(None) };
        let (start, header, head) = start_of(&next, None, account, epoch, options);
        let (name, len) = (segment_name(next.number), usize::try_from(header.made_len).unwrap_or(SEGMENT_MOST));
        let file = Spare::begin(&mut disk, len)?.name_it(&mut disk, &start, &name)?;
        let seed = seed_of(&header.encode());
        let active = Active { file, name, number: next.number, seed, len };
        let (closed, snapshots, active_first_seq) = (Vec::new(), vec![seq], next.first_seq);
        Ok(Parts { account, epoch, closed, active, active_first_seq, head, snapshots }.into_log(disk, options))
    }
}

/// What a log is made of, once the disk is ready.
struct Parts<F> {
    account: [u8; 32],
    epoch: u64,
    closed: Vec<Span>,
    active: Active<F>,
    active_first_seq: u64,
    head: Head,
    snapshots: Vec<u64>,
}

impl<F: Send> Parts<F> {
    fn into_log<D: Disk<File = F>>(self, disk: D, options: &LogOptions) -> Log<D> {
        let durable_seq = self.head.next_seq - 1;
        Log {
            disk,
            account: self.account,
            epoch: self.epoch,
            durability: options.durability,
            segment_max: segment_max(options),
            segments_kept: options.segments_kept,
            closed: self.closed,
            active_first_seq: self.active_first_seq,
            active: self.active,
            head: self.head,
            durable_seq,
            unsynced: false,
            spare: None,
            snapshots: self.snapshots,
            failed: None,
            encoded: Vec::new(),
            body: Vec::new(),
        }
    }
}

fn segment_max(options: &LogOptions) -> usize {
    usize::try_from(options.segment_bytes).unwrap_or(SEGMENT_MOST).clamp(SEGMENT_LEAST, SEGMENT_MOST).next_multiple_of(SECTOR)
}

/// How the new segment continues the last one.
struct Continuation {
    number: u64,
    first_seq: u64,
    first_group: u64,
    prev_digest: [u8; 32],
    prev_crc: u32,
    /// The unproven last group, to be written again.
    carried: Option<Unproven>,
    /// Content of the last segment ends here; `None` if the new one takes its place.
    last_ends: Option<usize>,
}

impl Continuation {
    fn of(last: Option<&mut SegmentScan>) -> Self {
        let Some(last) = last else {
            return Self {
                number: 1,
                first_seq: 1,
                first_group: 1,
                prev_digest: [0; 32],
                prev_crc: 0,
                carried: None,
                last_ends: None,
            };
        };
        let unproven = last.unproven.take();
        let proven = unproven.as_ref().map_or(&last.end, |u| &u.before).clone();
        // A closing group has done its work and is not carried on.
        let carried = unproven.filter(|u| u.fields.count > 0);
        let header = &last.header;
        if proven.offset == SEGMENT_HEADER {
            return Self {
                number: header.number,
                first_seq: header.first_seq,
                first_group: header.first_group,
                prev_digest: header.prev_digest,
                prev_crc: header.prev_crc,
                carried,
                last_ends: None,
            };
        }
        Self {
            number: header.number + 1,
            first_seq: proven.next_seq,
            first_group: proven.next_group,
            prev_digest: proven.digest.finalize().into(),
            prev_crc: proven.crc,
            carried,
            last_ends: Some(proven.offset),
        }
    }
}

fn prepare<D: Disk>(disk: &mut D, options: &LogOptions) -> Result<(Parts<D::File>, Recovery), OpenError> {
    let account: [u8; 32] = Sha256::digest(options.account.as_bytes()).into();
    let mut found = Found::read(disk, Some(&account))?;
    let mut recovery = found.report();
    let above = recovery.last_epoch.map_or(1, |last| last.saturating_add(1));
    let epoch = above.max(options.epoch_floor);
    recovery.epoch = epoch;
    for temp in [NEXT_TEMP, SNAPSHOT_TEMP] {
        if found.names.iter().any(|n| n == temp) {
            remove_if_there(disk, temp)?;
        }
    }
    if let Some(last) = found.segments.last() {
        // What a killed life had not synced yet becomes durable here, or the journal is refused.
        let file = disk.open(&last.name).on("open", &last.name)?;
        disk.sync_data(&file).on("sync", &last.name)?;
    }
    let mut next = Continuation::of(found.segments.last_mut());
    let carried = next.carried.take();
    let (start, header, head) = start_of(&next, carried.as_ref(), account, epoch, options);
    let name = segment_name(next.number);
    let len = usize::try_from(header.made_len).unwrap_or(SEGMENT_MOST);
    let file = Spare::begin(disk, len)?.name_it(disk, &start, &name)?;
    let mut closed = found.spans();
    match (next.last_ends, closed.last_mut()) {
        (Some(end), Some(last)) => {
            last.end = end;
            cut_to_content(disk, last, found.segments.last());
        }
        _ => {
            closed.pop();
        }
    }
    let mut seed = [0; SEGMENT_HEADER];
    seed.copy_from_slice(&header.encode());
    let parts = Parts {
        account,
        epoch,
        closed,
        active: Active { file, name, number: next.number, seed: seed_of(&seed), len },
        active_first_seq: next.first_seq,
        head,
        snapshots: found.shelf.sound,
    };
    Ok((parts, recovery))
}

/// Header and carried group of the new segment, and where the log stands behind them.
fn start_of(
    next: &Continuation,
    carried: Option<&Unproven>,
    account: [u8; 32],
    epoch: u64,
    options: &LogOptions,
) -> (Vec<u8>, SegmentHeader, Head) {
    let carried_len = carried.map_or(0, |u| group_len(u.body.len()));
    let least = (SEGMENT_HEADER + carried_len + group_len(0)).next_multiple_of(SECTOR);
    let made_len = segment_max(options).min(FIRST_SEGMENT_MOST).max(least);
    let header = SegmentHeader {
        durability: options.durability,
        number: next.number,
        first_seq: next.first_seq,
        first_group: next.first_group,
        epoch,
        made_len: made_len as u64,
        sealed_len: (SEGMENT_HEADER + carried_len) as u64,
        account,
        prev_digest: next.prev_digest,
        prev_crc: next.prev_crc,
    };
    let encoded = header.encode();
    let mut start = encoded.to_vec();
    let mut head = Head {
        next_seq: next.first_seq,
        next_group: next.first_group,
        crc: next.prev_crc,
        offset: SEGMENT_HEADER,
        digest: Sha256::new(),
    };
    if let Some(carried) = carried {
        let mut group = Vec::new();
        let seed = seed_of(&encoded);
        head.crc = encode_group(&mut group, SEGMENT_HEADER, seed, &carried.fields, &carried.body);
        head.next_seq += u64::from(carried.fields.count);
        head.next_group += 1;
        start.extend_from_slice(&group);
    }
    head.offset = start.len();
    head.digest.update(&start);
    (start, header, head)
}

/// Frees what lies behind the content of the segment before. It is superseded, so nothing depends on this.
fn cut_to_content<D: Disk>(disk: &mut D, span: &Span, scan: Option<&SegmentScan>) {
    if scan.is_some_and(|s| s.file_len > span.end)
        && let Err(error) = disk.set_len(&span.name, span.end as u64)
    {
        tracing::debug!(%error, file = span.name, "a superseded segment keeps its length");
    }
}
