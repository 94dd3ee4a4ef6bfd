//! The end of a log whose writer died: is it clean, was a write interrupted, or is something acknowledged damaged? Pure; decides nothing
//! else.
//!
//! A disk writes a sector of 512 bytes as a whole or not at all, and the space behind the last group was durably zero before. So an
//! interrupted write shows as whole sectors (or an end) that are still zero. Damage shows as bytes that are neither.

use crate::error::Damage;
use crate::format::{Durability, GROUP_ALIGN, GroupHead, SECTOR, decode_group, end_is_unwritten, live_sectors};

/// What lies behind the last valid group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeros only.
    Clean,
    /// An interrupted write: not acknowledged, to be cut.
    Torn {
        /// Bytes up to the last one that is not zero.
        bytes: usize,
        /// Valid groups among them (only where the writer did not sync each group).
        groups: u64,
    },
    /// Not explained by an interrupted write.
    Damaged { offset: usize, what: Damage },
}

/// Judges the bytes of a segment from `at`, where no valid group stands.
pub(crate) fn judge(bytes: &[u8], at: usize, seed: u32, durability: Durability) -> Tail {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let Some(last) = rest.iter().rposition(|b| *b != 0) else {
        return Tail::Clean;
    };
    let used_end = at + last + 1;
    let groups = groups_after(bytes, at + GROUP_ALIGN, used_end, seed);
    let torn = Tail::Torn { bytes: used_end - at, groups };
    let damaged = |offset, what| Tail::Damaged { offset, what };
    let synced = durability == Durability::Sync;
    // One group in flight: a valid later group proves that this place was durable.
    if synced && groups > 0 {
        return damaged(at, Damage::Hole);
    }
    let head = rest.get(..GROUP_ALIGN.min(rest.len())).unwrap_or(&[]);
    if head.iter().all(|b| *b == 0) {
        // The sector with the head was not written, so nothing of this group can stand in it.
        let sector_end = ((at / SECTOR + 1) * SECTOR).min(bytes.len());
        let portion = bytes.get(at..sector_end).unwrap_or(&[]);
        return match portion.iter().position(|b| *b != 0) {
            Some(n) => damaged(at + n, Damage::Garbage),
            None => torn,
        };
    }
    let Some(head) = GroupHead::decode(rest, seed) else {
        return damaged(at, Damage::Group);
    };
    let Some(group) = rest.get(..head.len) else {
        return damaged(at, Damage::Short);
    };
    if synced && used_end > at + head.len {
        return damaged(at + head.len, Damage::Garbage);
    }
    if live_sectors(group, at) < head.live || end_is_unwritten(group) { torn } else { damaged(at, Damage::LastGroup) }
}

fn groups_after(bytes: &[u8], from: usize, to: usize, seed: u32) -> u64 {
    let mut found = 0;
    let mut at = from;
    while at < to {
        match bytes.get(at..).and_then(|rest| decode_group(rest, seed)) {
            Some(group) => {
                found += 1;
                at += group.len;
            }
            None => at += GROUP_ALIGN,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{GroupFields, encode_group, encode_record};

    const AT: usize = 144;

    fn group(group_seq: u64, len: usize, at: usize) -> Vec<u8> {
        let mut body = Vec::new();
        encode_record(&mut body, len as u32, 1, 1, &vec![0xAB; len]);
        let fields = GroupFields { epoch: 1, group_seq, first_seq: 1, count: 1, state_hash: None, prev_crc: 0 };
        let mut out = Vec::new();
        encode_group(&mut out, at, 5, &fields, &body);
        out
    }

    fn segment(group: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 8192];
        bytes[AT..AT + group.len()].copy_from_slice(group);
        bytes
    }

    fn judged(bytes: &[u8]) -> Tail {
        judge(bytes, AT, 5, Durability::Sync)
    }

    #[test]
    fn zeros_are_a_clean_end() {
        assert_eq!(judged(&[0; 8192]), Tail::Clean);
    }

    #[test]
    fn any_missing_sector_of_the_last_group_is_a_torn_write() {
        let group = group(1, 1500, AT);
        for lost in 0..4 {
            let mut bytes = segment(&group);
            bytes[(lost * SECTOR).max(AT)..(lost + 1) * SECTOR].fill(0);
            assert!(matches!(judged(&bytes), Tail::Torn { groups: 0, .. }), "{lost}");
        }
    }

    #[test]
    fn a_complete_last_group_with_any_bit_flipped_is_damage() {
        let group = group(1, 700, AT);
        for bit in 0..group.len() * 8 {
            let mut bytes = segment(&group);
            bytes[AT + bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(judged(&bytes), Tail::Damaged { .. }), "bit {bit}: {:?}", judged(&bytes));
        }
    }

    #[test]
    fn a_hole_before_a_valid_group_is_damage_unless_the_writer_did_not_sync() {
        let first = group(1, 1000, AT);
        let next = AT + first.len();
        let second = group(2, 100, next);
        let mut bytes = segment(&first);
        bytes[next..next + second.len()].copy_from_slice(&second);
        bytes[SECTOR..2 * SECTOR].fill(0);
        assert_eq!(judged(&bytes), Tail::Damaged { offset: AT, what: Damage::Hole });
        assert!(matches!(judge(&bytes, AT, 5, Durability::Os), Tail::Torn { groups: 1, .. }));
    }

    #[test]
    fn bytes_that_no_write_explains_are_damage() {
        // Behind the end of a torn group.
        let torn = group(1, 1500, AT);
        let mut bytes = segment(&torn);
        bytes[2 * SECTOR..3 * SECTOR].fill(0);
        assert!(matches!(judged(&bytes), Tail::Torn { .. }));
        bytes[AT + torn.len() + 5] = 1;
        let what = Damage::Garbage;
        let offset = AT + torn.len();
        assert_eq!(judged(&bytes), Tail::Damaged { offset, what });
        // In the sector of a head that was not written.
        let mut bytes = vec![0; 8192];
        bytes[AT + 40] = 1;
        let offset = AT + 40;
        assert_eq!(judged(&bytes), Tail::Damaged { offset, what });
        bytes[AT + 40] = 0;
        bytes[SECTOR] = 1;
        assert!(matches!(judged(&bytes), Tail::Torn { .. }));
    }
}
