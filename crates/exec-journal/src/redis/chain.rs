//! The digest chain of records: equal chains at a record prove equal records before it, so a fork is seen. Also a record's form in a stream.

use sha2::{Digest, Sha256};

use crate::log::RecordRef;

/// The digest of a record and of all before it.
pub(super) type Chain = [u8; 32];

/// Kind, version and whether a group ends here, in front of the payload.
const HEAD: usize = 4;
const GROUP_ENDS: u8 = 1;

/// What a copy begins with: nothing, or a snapshot.
pub(super) fn beginning(account: &str, seq: u64, snapshot: &[u8]) -> Chain {
    let snapshot = Sha256::digest(snapshot);
    Sha256::new()
        .chain_update(b"exec-journal copy 1\0")
        .chain_update(Sha256::digest(account.as_bytes()))
        .chain_update(seq.to_le_bytes())
        .chain_update(snapshot)
        .finalize()
        .into()
}

/// The chain behind one more record.
pub(super) fn next(before: &Chain, seq: u64, record: &RecordRef<'_>) -> Chain {
    Sha256::new()
        .chain_update(before)
        .chain_update(seq.to_le_bytes())
        .chain_update(record.kind.to_le_bytes())
        .chain_update([record.version])
        .chain_update(record.payload)
        .finalize()
        .into()
}

/// A record as it stands in the stream.
pub(super) fn encode(record: &RecordRef<'_>, group_ends: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + record.payload.len());
    let [low, high] = record.kind.to_le_bytes();
    bytes.extend_from_slice(&[low, high, record.version, if group_ends { GROUP_ENDS } else { 0 }]);
    bytes.extend_from_slice(record.payload);
    bytes
}

/// A record of the stream, and whether a group ends with it; `None` if it is none.
pub(super) fn decode(bytes: &[u8]) -> Option<(RecordRef<'_>, bool)> {
    let (head, payload) = bytes.split_at_checked(HEAD)?;
    let [low, high, version, flags] = *head else { return None };
    (flags & !GROUP_ENDS == 0)
        .then(|| (RecordRef { kind: u16::from_le_bytes([low, high]), version, payload }, flags & GROUP_ENDS != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_tells_every_difference_and_no_grouping() {
        let record = RecordRef { kind: 7, version: 2, payload: b"abc" };
        let from = beginning("main", 0, b"");
        let one = next(&from, 1, &record);
        for other in [
            next(&from, 2, &record),
            next(&from, 1, &RecordRef { kind: 8, ..record }),
            next(&from, 1, &RecordRef { version: 3, ..record }),
            next(&from, 1, &RecordRef { payload: b"abd", ..record }),
            next(&beginning("main", 0, b"x"), 1, &record),
            next(&beginning("main", 1, b""), 1, &record),
            next(&beginning("other", 0, b""), 1, &record),
        ] {
            assert_ne!(one, other);
        }
        for ends in [true, false] {
            let bytes = encode(&record, ends);
            assert_eq!(decode(&bytes), Some((record, ends)));
            assert_eq!(next(&from, 1, &decode(&bytes).unwrap().0), one);
        }
        assert_eq!(decode(b"abc"), None);
        assert_eq!(decode(&[0, 0, 0, 9]), None);
    }
}
