//! Reads a journal's segments from first to last and checks all of it: checksums, numbers, chain, digests, tail. Changes nothing.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::disk::{Disk, read_file, read_start};
use crate::error::{Context, Damage, OpenError, ShortHash};
use crate::format::{FORMAT, GroupFields, HeaderFault, SEGMENT_HEADER, SegmentHeader, decode_group};
use crate::tail::{Tail, judge};

pub(crate) const SEGMENT_SUFFIX: &str = ".seg";
/// The largest number that a sound header has: no journal lives so long, and whoever counts on from here never runs over.
const NUMBER_MAX: u64 = 1 << 62;

/// Name of the segment with a number.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:010}{SEGMENT_SUFFIX}")
}

/// The number in a file name such as `0000000001.seg`; `None` for other files.
pub(crate) fn number_in(name: &str, suffix: &str) -> Result<Option<u64>, OpenError> {
    let Some(stem) = name.strip_suffix(suffix) else {
        return Ok(None);
    };
    match stem.parse::<u64>() {
        Ok(n) if n > 0 && stem.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(n)),
        _ => Err(OpenError::NotAJournal { file: name.to_owned(), what: Damage::Name }),
    }
}

/// Where a sequence of groups stands: what the next group must continue.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub next_seq: u64,
    pub next_group: u64,
    pub crc: u32,
    /// Offset in the segment.
    pub offset: usize,
    /// Running digest of the segment up to `offset`.
    pub digest: Sha256,
    pub epoch: u64,
    pub state: Option<(u64, u64)>,
}

/// A checked segment.
#[derive(Debug)]
pub(crate) struct SegmentScan {
    pub name: String,
    pub header: SegmentHeader,
    /// After the last valid group.
    pub end: Position,
    /// Before the last valid group, if that group is not proven durable.
    pub unproven: Option<Unproven>,
    pub tail: Tail,
    pub file_len: usize,
}

/// The last group of a segment that nothing behind it proves.
#[derive(Debug)]
pub(crate) struct Unproven {
    pub before: Position,
    pub fields: GroupFields,
    pub body: Vec<u8>,
}

impl SegmentScan {
    /// Was it closed on purpose?
    pub(crate) fn closed_clean(&self) -> bool {
        self.unproven.as_ref().is_some_and(|u| u.fields.count == 0)
    }
}

fn corrupt(file: &str, offset: usize, what: Damage) -> OpenError {
    OpenError::Corrupt { file: file.to_owned(), offset: offset as u64, what }
}

/// Reads and checks the headers of all segments, in order.
pub(crate) fn read_headers<D: Disk>(
    disk: &mut D,
    names: &[String],
    account: Option<&[u8; 32]>,
) -> Result<Vec<(String, SegmentHeader)>, OpenError> {
    let mut numbered = BTreeMap::new();
    for name in names {
        if let Some(number) = number_in(name, SEGMENT_SUFFIX)? {
            numbered.insert(number, name.clone());
        }
    }
    let mut headers: Vec<(String, SegmentHeader)> = Vec::new();
    for (number, name) in numbered {
        let file = disk.open(&name).on("open", &name)?;
        let bytes = read_start(disk, &file, SEGMENT_HEADER).on("read", &name)?;
        let header = read_header(&name, &bytes)?.0;
        if header.number != number {
            return Err(corrupt(&name, 16, Damage::Number));
        }
        check_account(&name, &header.account, account)?;
        if let Some((_, before)) = headers.last() {
            check_account(&name, &header.account, Some(&before.account))?;
            if before.number.checked_add(1) != Some(number) {
                return Err(corrupt(&name, 16, Damage::Missing));
            }
            if header.epoch < before.epoch || header.first_seq < before.first_seq || header.first_group < before.first_group {
                return Err(corrupt(&name, 24, Damage::Chain));
            }
        }
        headers.push((name, header));
    }
    Ok(headers)
}

fn read_header(name: &str, bytes: &[u8]) -> Result<(SegmentHeader, u32), OpenError> {
    let read = SegmentHeader::decode(bytes).map_err(|fault| match fault {
        HeaderFault::Newer(found) => OpenError::NewerFormat { file: name.to_owned(), found, known: FORMAT },
        HeaderFault::Damaged(what @ (Damage::Empty | Damage::Magic)) => OpenError::NotAJournal { file: name.to_owned(), what },
        HeaderFault::Damaged(what) => corrupt(name, 0, what),
    })?;
    let header = &read.0;
    let counts = [header.number, header.first_seq, header.first_group];
    if header.epoch <= NUMBER_MAX && counts.iter().all(|count| (1..=NUMBER_MAX).contains(count)) {
        Ok(read)
    } else {
        Err(corrupt(name, 16, Damage::Header))
    }
}

pub(crate) fn check_account(file: &str, found: &[u8; 32], expected: Option<&[u8; 32]>) -> Result<(), OpenError> {
    match expected {
        Some(expected) if expected != found => {
            Err(OpenError::OtherAccount { file: file.to_owned(), found: ShortHash::of(found), expected: ShortHash::of(expected) })
        }
        _ => Ok(()),
    }
}

/// Reads one segment. `next` is the header of its successor: it says where the content ends and what its digest is.
pub(crate) fn scan_segment<D: Disk>(
    disk: &mut D,
    name: &str,
    before: Option<&Position>,
    next: Option<&SegmentHeader>,
) -> Result<SegmentScan, OpenError> {
    let bytes = read_file(disk, name).on("read", name)?;
    let (header, seed) = read_header(name, &bytes)?;
    let content = bytes.get(SEGMENT_HEADER..).unwrap_or(&[]);
    let mut at = start_of(&header, &bytes);
    check_continues(name, &header, before)?;
    if header.sealed_len < SEGMENT_HEADER as u64 {
        return Err(corrupt(name, 56, Damage::Header));
    }
    let mut unproven = None;
    let mut rest = content;
    while next.is_none_or(|n| at.next_group < n.first_group) {
        let Some(group) = decode_group(rest, seed) else {
            break;
        };
        let fields = group.fields;
        let sealed = (at.offset as u64) < header.sealed_len;
        let epoch_fits = if sealed { fields.epoch <= header.epoch } else { fields.epoch == header.epoch };
        if fields.group_seq != at.next_group || fields.first_seq != at.next_seq || fields.prev_crc != at.crc || !epoch_fits {
            return Err(corrupt(name, at.offset, Damage::Misplaced));
        }
        let (whole, after) = rest.split_at(group.len);
        let following = step(&at, &fields, group.crc, whole);
        unproven = (!sealed).then_some((at, fields, group.body));
        at = following;
        rest = after;
    }
    let (tail, unproven) = match next {
        Some(next) => {
            check_successor(name, &at, next)?;
            (Tail::Clean, None)
        }
        None => {
            let last_is_close = unproven.as_ref().is_some_and(|(_, f, _)| f.count == 0);
            let tail = check_end(name, &header, &bytes, seed, &at, last_is_close)?;
            let unproven = unproven.map(|(before, fields, body)| Unproven { before, fields, body: body.to_vec() });
            (tail, unproven)
        }
    };
    Ok(SegmentScan { name: name.to_owned(), header, end: at, unproven, tail, file_len: bytes.len() })
}

fn start_of(header: &SegmentHeader, bytes: &[u8]) -> Position {
    let mut digest = Sha256::new();
    digest.update(bytes.get(..SEGMENT_HEADER).unwrap_or(&[]));
    Position {
        next_seq: header.first_seq,
        next_group: header.first_group,
        crc: header.prev_crc,
        offset: SEGMENT_HEADER,
        digest,
        epoch: header.epoch,
        state: None,
    }
}

fn step(at: &Position, fields: &GroupFields, crc: u32, whole: &[u8]) -> Position {
    let next_seq = at.next_seq + u64::from(fields.count);
    let mut digest = at.digest.clone();
    digest.update(whole);
    Position {
        next_seq,
        next_group: at.next_group + 1,
        crc,
        offset: at.offset + whole.len(),
        digest,
        epoch: fields.epoch,
        state: fields.state_hash.map(|h| (next_seq - 1, h)).or(at.state),
    }
}

fn check_continues(name: &str, header: &SegmentHeader, before: Option<&Position>) -> Result<(), OpenError> {
    let fits = match before {
        Some(before) => header.first_seq == before.next_seq && header.prev_crc == before.crc,
        // The first of all begins at 1; what a later first one continues was dropped behind a snapshot.
        None if header.number == 1 => {
            header.first_seq == 1 && header.first_group == 1 && header.prev_crc == 0 && header.prev_digest == [0; 32]
        }
        None => true,
    };
    if fits { Ok(()) } else { Err(corrupt(name, 24, Damage::Chain)) }
}

fn check_successor(name: &str, at: &Position, next: &SegmentHeader) -> Result<(), OpenError> {
    if at.next_group != next.first_group {
        return Err(corrupt(name, at.offset, Damage::Group));
    }
    let digest: [u8; 32] = at.digest.clone().finalize().into();
    if digest != next.prev_digest {
        return Err(corrupt(name, 0, Damage::Digest));
    }
    Ok(())
}

fn check_end(
    name: &str,
    header: &SegmentHeader,
    bytes: &[u8],
    seed: u32,
    at: &Position,
    last_is_close: bool,
) -> Result<Tail, OpenError> {
    if (at.offset as u64) < header.sealed_len {
        return Err(corrupt(name, at.offset, Damage::Group));
    }
    // Closing cuts the file behind the closing group, and nothing else does.
    let cut_by_closing = last_is_close && bytes.len() == at.offset;
    if (bytes.len() as u64) < header.made_len && !cut_by_closing {
        return Err(corrupt(name, bytes.len(), Damage::Short));
    }
    match judge(bytes, at.offset, seed, header.durability) {
        Tail::Damaged { offset, what } => Err(corrupt(name, offset, what)),
        tail => Ok(tail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Durability, encode_group, encode_record};
    use crate::sim_disk::SimDisk;

    const HEADER: SegmentHeader = SegmentHeader {
        durability: Durability::Sync,
        number: 1,
        first_seq: 1,
        first_group: 1,
        epoch: 5,
        made_len: 1024,
        sealed_len: SEGMENT_HEADER as u64,
        account: [1; 32],
        prev_digest: [0; 32],
        prev_crc: 0,
    };

    #[test]
    fn a_header_whose_numbers_cannot_be_counted_on_is_damaged() {
        assert!(read_header("a", &HEADER.encode()).is_ok());
        for header in [
            SegmentHeader { number: 0, ..HEADER },
            SegmentHeader { number: u64::MAX, ..HEADER },
            SegmentHeader { first_seq: 0, ..HEADER },
            SegmentHeader { first_seq: u64::MAX, ..HEADER },
            SegmentHeader { first_group: 0, ..HEADER },
            SegmentHeader { first_group: u64::MAX, ..HEADER },
            SegmentHeader { epoch: u64::MAX, ..HEADER },
        ] {
            let refused = read_header("a", &header.encode()).unwrap_err();
            assert!(matches!(refused, OpenError::Corrupt { what: Damage::Header, .. }), "{refused}");
        }
    }

    /// A segment of epoch 5 with one group that is valid by itself and was given some fields.
    fn segment(change: impl FnOnce(&mut GroupFields)) -> Result<SegmentScan, OpenError> {
        let header = HEADER;
        let mut bytes = header.encode().to_vec();
        let seed = crate::log::seed_of(&header.encode());
        let mut fields = GroupFields { epoch: 5, group_seq: 1, first_seq: 1, count: 1, state_hash: None, prev_crc: 0 };
        change(&mut fields);
        let (mut body, mut group) = (Vec::new(), Vec::new());
        encode_record(&mut body, 3, 1, 1, b"abc");
        encode_group(&mut group, SEGMENT_HEADER, seed, &fields, &body);
        bytes.extend_from_slice(&group);
        bytes.resize(1024, 0);
        let disk = SimDisk::new();
        disk.put("0000000001.seg", &bytes);
        scan_segment(&mut disk.clone(), "0000000001.seg", None, None)
    }

    #[test]
    fn a_valid_group_that_does_not_continue_the_log_is_misplaced() {
        assert_eq!(segment(|_| {}).unwrap().end.next_seq, 2);
        let changes: [fn(&mut GroupFields); 5] =
            [|f| f.epoch = 4, |f| f.epoch = 6, |f| f.group_seq = 2, |f| f.first_seq = 2, |f| f.prev_crc = 1];
        for change in changes {
            let refused = segment(change).unwrap_err();
            assert!(matches!(refused, OpenError::Corrupt { offset: 144, what: Damage::Misplaced, .. }), "{refused}");
        }
    }
}
