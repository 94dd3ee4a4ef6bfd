//! The bytes: segment header, group, record. Pure; the only place that knows offsets. `docs/journal-format.md` says the same in prose.

use crate::error::Damage;

/// The format this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"EXECJRNL";
pub(crate) const SEGMENT_HEADER: usize = 144;
pub(crate) const GROUP_HEADER: usize = 64;
pub(crate) const GROUP_TRAILER: usize = 8;
pub(crate) const RECORD_HEADER: usize = 8;
/// Groups begin at multiples of this, so that the first 16 bytes of a group always lie in one sector.
pub(crate) const GROUP_ALIGN: usize = 16;
/// The unit a disk writes as a whole.
pub(crate) const SECTOR: usize = 512;

const GROUP_MAGIC: [u8; 4] = *b"EJG1";
const GROUP_END: [u8; 4] = *b"1GJE";
const FLAG_STATE: u32 = 1;
const SEGMENT_FLAG_OS: u32 = 1;

/// When a group counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When the disk has it: survives a power cut.
    #[default]
    Sync,
    /// When the operating system has it: survives a killed process, not a power cut.
    Os,
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(b.try_into().ok()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let b = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(b.try_into().ok()?))
}

pub(crate) fn hash_at(bytes: &[u8], at: usize) -> Option<[u8; 32]> {
    bytes.get(at..at.checked_add(32)?)?.try_into().ok()
}

/// What stands at the start of a segment. Written before the file gets its name, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub durability: Durability,
    pub number: u64,
    pub first_seq: u64,
    pub first_group: u64,
    pub epoch: u64,
    /// Length the file was made with.
    pub made_len: u64,
    /// Everything before this offset was durable before the file got its name.
    pub sealed_len: u64,
    pub account: [u8; 32],
    /// SHA-256 over the segment before this one, up to `first_group`.
    pub prev_digest: [u8; 32],
    /// Checksum of the group before `first_group`.
    pub prev_crc: u32,
}

pub(crate) enum HeaderFault {
    Damaged(Damage),
    Newer(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER] {
        let mut out = Vec::with_capacity(SEGMENT_HEADER);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        let flags = match self.durability {
            Durability::Sync => 0,
            Durability::Os => SEGMENT_FLAG_OS,
        };
        out.extend_from_slice(&flags.to_le_bytes());
        for n in [self.number, self.first_seq, self.first_group, self.epoch, self.made_len, self.sealed_len] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&self.account);
        out.extend_from_slice(&self.prev_digest);
        out.extend_from_slice(&self.prev_crc.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        let mut header = [0; SEGMENT_HEADER];
        header.copy_from_slice(&out);
        header
    }

    /// Reads a header and its checksum, which seeds the checksums of the segment's groups.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u32), HeaderFault> {
        if bytes.is_empty() {
            return Err(HeaderFault::Damaged(Damage::Empty));
        }
        if !bytes.starts_with(&SEGMENT_MAGIC) {
            return Err(HeaderFault::Damaged(Damage::Magic));
        }
        // The format number comes before the checksum: a newer format may keep its checksum elsewhere.
        let format = u32_at(bytes, 8).ok_or(HeaderFault::Damaged(Damage::Short))?;
        if format > FORMAT {
            return Err(HeaderFault::Newer(format));
        }
        Self::decode_fields(bytes).ok_or(HeaderFault::Damaged(Damage::Header))
    }

    fn decode_fields(bytes: &[u8]) -> Option<(Self, u32)> {
        let crc = u32_at(bytes, 140)?;
        let reserved = u64_at(bytes, 132)?;
        if crc32c::crc32c(bytes.get(..140)?) != crc || reserved != 0 || u32_at(bytes, 8)? != FORMAT {
            return None;
        }
        let durability = match u32_at(bytes, 12)? {
            0 => Durability::Sync,
            SEGMENT_FLAG_OS => Durability::Os,
            _ => return None,
        };
        let header = Self {
            durability,
            number: u64_at(bytes, 16)?,
            first_seq: u64_at(bytes, 24)?,
            first_group: u64_at(bytes, 32)?,
            epoch: u64_at(bytes, 40)?,
            made_len: u64_at(bytes, 48)?,
            sealed_len: u64_at(bytes, 56)?,
            account: hash_at(bytes, 64)?,
            prev_digest: hash_at(bytes, 96)?,
            prev_crc: u32_at(bytes, 128)?,
        };
        Some((header, crc))
    }
}

/// The fields of a group's header that its writer chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupFields {
    pub epoch: u64,
    pub group_seq: u64,
    pub first_seq: u64,
    pub count: u32,
    pub state_hash: Option<u64>,
    pub prev_crc: u32,
}

/// Length of a group whose encoded records take `body` bytes.
pub(crate) fn group_len(body: usize) -> usize {
    (GROUP_HEADER + body + GROUP_TRAILER).next_multiple_of(GROUP_ALIGN)
}

/// Appends one encoded record.
pub(crate) fn encode_record(out: &mut Vec<u8>, len: u32, kind: u16, version: u8, payload: &[u8]) {
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[version, 0]);
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(8), 0);
}

/// Encodes a group into `out` (cleared first) for a place in a segment; returns its checksum.
pub(crate) fn encode_group(out: &mut Vec<u8>, offset: usize, seed: u32, fields: &GroupFields, body: &[u8]) -> u32 {
    let len = group_len(body.len());
    out.clear();
    out.resize(GROUP_ALIGN, 0);
    for n in [fields.epoch, fields.group_seq, fields.first_seq, fields.state_hash.unwrap_or(0)] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    let flags = if fields.state_hash.is_some() { FLAG_STATE } else { 0 };
    for n in [fields.count, flags, fields.prev_crc, 0] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(body);
    out.resize(len - GROUP_TRAILER, 0);
    // The head and the trailer are never all zero, so they count before their bytes are known.
    let live = live_sectors_with_ends(out, offset, len);
    let mut head = [0; GROUP_ALIGN];
    let (magic, rest) = head.split_at_mut(4);
    magic.copy_from_slice(&GROUP_MAGIC);
    let (a, rest) = rest.split_at_mut(4);
    a.copy_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    let (b, c) = rest.split_at_mut(4);
    b.copy_from_slice(&live.to_le_bytes());
    let head_crc = head_crc(seed, &GROUP_MAGIC, a, b);
    c.copy_from_slice(&head_crc.to_le_bytes());
    if let Some(start) = out.get_mut(..GROUP_ALIGN) {
        start.copy_from_slice(&head);
    }
    let crc = crc32c::crc32c_append(seed, out);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&GROUP_END);
    crc
}

fn head_crc(seed: u32, magic: &[u8], len: &[u8], live: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(seed, magic);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, len), live)
}

/// Number of sectors in which these bytes, standing at `offset`, are not all zero.
pub(crate) fn live_sectors(bytes: &[u8], offset: usize) -> u32 {
    portions(bytes, offset).filter(|p| p.iter().any(|b| *b != 0)).map(|_| 1).sum()
}

fn live_sectors_with_ends(unfinished: &[u8], offset: usize, len: usize) -> u32 {
    // Groups begin and end at multiples of 16, so neither the head nor the trailer crosses a sector border.
    let first_end = (offset / SECTOR + 1) * SECTOR - offset;
    let last_start = ((offset + len - 1) / SECTOR * SECTOR).saturating_sub(offset);
    if last_start == 0 {
        return 1;
    }
    let middle = unfinished.get(first_end..last_start).unwrap_or(&[]);
    2 + live_sectors(middle, offset + first_end)
}

fn portions(bytes: &[u8], offset: usize) -> impl Iterator<Item = &[u8]> {
    let first = (SECTOR - offset % SECTOR).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    std::iter::once(head).chain(rest.chunks(SECTOR))
}

/// The first 16 bytes of a group: enough to know how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHead {
    pub len: usize,
    pub live: u32,
}

impl GroupHead {
    pub(crate) fn decode(bytes: &[u8], seed: u32) -> Option<Self> {
        let head = bytes.get(..GROUP_ALIGN)?;
        let (magic, rest) = head.split_at(4);
        if magic != GROUP_MAGIC {
            return None;
        }
        let (len, rest) = rest.split_at(4);
        let (live, crc) = rest.split_at(4);
        if head_crc(seed, magic, len, live).to_le_bytes() != crc {
            return None;
        }
        let len = usize::try_from(u32_at(head, 4)?).ok()?;
        if len < group_len(0) || !len.is_multiple_of(GROUP_ALIGN) {
            return None;
        }
        Some(Self { len, live: u32_at(head, 8)? })
    }
}

/// A group whose checksum and structure are right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    pub fields: GroupFields,
    pub len: usize,
    pub crc: u32,
    pub body: &'a [u8],
}

/// Reads the group at the start of `bytes`; `None` if there is no whole, sound group.
pub(crate) fn decode_group(bytes: &[u8], seed: u32) -> Option<Group<'_>> {
    let head = GroupHead::decode(bytes, seed)?;
    let group = bytes.get(..head.len)?;
    let (summed, trailer) = group.split_at(head.len - GROUP_TRAILER);
    let crc = u32_at(trailer, 0)?;
    if crc32c::crc32c_append(seed, summed) != crc || trailer.get(4..)? != GROUP_END {
        return None;
    }
    let flags = u32_at(group, 52)?;
    if flags & !FLAG_STATE != 0 || u32_at(group, 60)? != 0 {
        return None;
    }
    let fields = GroupFields {
        epoch: u64_at(group, 16)?,
        group_seq: u64_at(group, 24)?,
        first_seq: u64_at(group, 32)?,
        state_hash: if flags & FLAG_STATE == 0 { None } else { u64_at(group, 40) },
        count: u32_at(group, 48)?,
        prev_crc: u32_at(group, 56)?,
    };
    let body = summed.get(GROUP_HEADER..)?;
    let mut end = 0;
    for _ in 0..fields.count {
        end = record_at(body, end)?.next;
    }
    // Less than one alignment step of filling may follow the records.
    if body.len() - end >= GROUP_ALIGN {
        return None;
    }
    Some(Group { fields, len: head.len, crc, body: body.get(..end)? })
}

/// Is the end of this group unwritten? True when a write stopped before the trailer.
pub(crate) fn end_is_unwritten(group: &[u8]) -> bool {
    let Some(at) = group.len().checked_sub(GROUP_END.len()) else {
        return true;
    };
    let end = group.get(at..).unwrap_or(&[]);
    // A write cut off inside the last word leaves its first bytes and zeros.
    (0..GROUP_END.len()).any(|n| {
        let (written, rest) = end.split_at(n);
        GROUP_END.starts_with(written) && rest.iter().all(|b| *b == 0)
    })
}

/// One record inside a group's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawRecord<'a> {
    pub kind: u16,
    pub version: u8,
    pub payload: &'a [u8],
    /// Offset of the next record in the body.
    pub next: usize,
}

/// Reads the record at an offset of a group's body.
pub(crate) fn record_at(body: &[u8], at: usize) -> Option<RawRecord<'_>> {
    let len = usize::try_from(u32_at(body, at)?).ok()?;
    let start = at.checked_add(RECORD_HEADER)?;
    let end = start.checked_add(len)?;
    let next = end.checked_next_multiple_of(8)?;
    let payload = body.get(start..end)?;
    let kind = body.get(at + 4..at + 6)?;
    if next > body.len() || *body.get(at + 7)? != 0 {
        return None;
    }
    Some(RawRecord { kind: u16::from_le_bytes(kind.try_into().ok()?), version: *body.get(at + 6)?, payload, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(count: u32) -> GroupFields {
        GroupFields { epoch: 3, group_seq: 4, first_seq: 5, count, state_hash: Some(6), prev_crc: 7 }
    }

    fn group(offset: usize, payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        for p in payloads {
            encode_record(&mut body, p.len() as u32, 9, 1, p);
        }
        let mut out = Vec::new();
        encode_group(&mut out, offset, 11, &fields(payloads.len() as u32), &body);
        out
    }

    #[test]
    fn a_group_reads_back_as_written() {
        let payloads = [vec![1; 5], vec![], vec![2; 300]];
        let bytes = group(144, &payloads);
        let read = decode_group(&bytes, 11).unwrap();
        assert_eq!(read.fields, fields(3));
        assert_eq!(read.len, bytes.len());
        assert_eq!(bytes.len() % GROUP_ALIGN, 0);
        let mut at = 0;
        for p in &payloads {
            let record = record_at(read.body, at).unwrap();
            assert_eq!((record.kind, record.version, record.payload), (9, 1, &p[..]));
            at = record.next;
        }
    }

    #[test]
    fn a_group_of_another_segment_is_none() {
        let bytes = group(144, &[vec![1; 5]]);
        assert!(decode_group(&bytes, 12).is_none());
    }

    #[test]
    fn the_live_count_in_the_head_is_what_a_reader_counts() {
        for offset in (0..2048).step_by(16) {
            for len in [0usize, 1, 100, 380, 400, 420, 440, 500, 1000, 3000] {
                for fill in [0u8, 1] {
                    let bytes = group(offset, &[vec![fill; len]]);
                    let head = GroupHead::decode(&bytes, 11).unwrap();
                    assert_eq!(head.live, live_sectors(&bytes, offset), "{offset} {len} {fill}");
                }
            }
        }
    }

    #[test]
    fn a_group_cut_anywhere_before_its_last_byte_has_an_unwritten_end() {
        let bytes = group(144, &[vec![7; 40]]);
        for written in 0..bytes.len() {
            let mut cut = bytes.clone();
            cut[written..].fill(0);
            assert!(end_is_unwritten(&cut), "{written}");
        }
        assert!(!end_is_unwritten(&bytes));
    }

    #[test]
    fn no_bit_of_a_header_can_change_unseen() {
        let header = SegmentHeader {
            durability: Durability::Os,
            number: 1,
            first_seq: 2,
            first_group: 3,
            epoch: 4,
            made_len: 5,
            sealed_len: 6,
            account: [7; 32],
            prev_digest: [8; 32],
            prev_crc: 9,
        };
        let bytes = header.encode();
        let (read, _) = SegmentHeader::decode(&bytes).ok().unwrap();
        assert_eq!(read, header);
        for bit in 0..SEGMENT_HEADER * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
