//! Bytes of the journal, as a disk may give them back: read as they were written, or refused; never something else.

use exec_core::{
    books::Books,
    cl_ord_id::Tag,
    ids::{AccountId, Seq},
    record::{RECORD_VERSION, Record},
    snapshot::Snapshot,
};
use exec_journal::{Log, LogOptions, SimDisk, read_kept, verify};

/// Length of a segment's header, and where its checksum stands.
const HEADER: usize = 144;
const HEADER_SUM: usize = 140;
/// Where it says its number, which is its file's name, too.
const NUMBER: usize = 16;

/// The only segment of a journal.
pub(crate) fn segment(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    // With a checksum that fits, what is behind it is looked at.
    if bytes.len() >= HEADER {
        let sum = crc32c::crc32c(&bytes[..HEADER_SUM]).to_le_bytes();
        bytes[HEADER_SUM..HEADER].copy_from_slice(&sum);
    }
    let number = bytes.get(NUMBER..).and_then(<[u8]>::first_chunk).map_or(1, |number| u64::from_le_bytes(*number));
    let disk = SimDisk::new();
    disk.put(&format!("{number:010}.seg"), &bytes);
    let verified = verify(&mut disk.clone());
    let mut readable = disk.clone();
    match (&verified, read_kept(&mut readable)) {
        (Ok(found), Ok((again, records))) => {
            assert_eq!(found.last_seq, again.last_seq);
            let records: Vec<_> = records.collect::<Result<_, _>>().expect("a journal that is sound is read to its end");
            let kept = (found.last_seq + 1).saturating_sub(found.first_seq);
            assert_eq!(records.len() as u64, kept, "records are dropped");
            let size: usize = records.iter().map(|record| record.payload.len()).sum();
            assert!(size <= bytes.len(), "more is read than there is");
        }
        (Err(_), Err(_)) => (),
        (verified, _) => panic!("verified and read differ: {verified:?}"),
    }
    // Whoever opens it writes on; what was sound must still be there then.
    let options = LogOptions { segment_bytes: 4_096, ..LogOptions::new("golden") };
    if let Ok((log, _)) = Log::open(disk, &options)
        && let Ok(found) = verified
    {
        assert!(log.last_seq() <= found.last_seq, "records out of nothing");
    }
}

/// Records one after another, each with its kind and its length in front, as the log hands them up.
pub(crate) fn records(bytes: &[u8]) {
    let account = AccountId::new("main").expect("an account");
    let mut books = Books::new(account, tag());
    let mut rest = bytes;
    while let Some((&[kind, length], behind)) = rest.split_first_chunk::<2>() {
        let (payload, behind) = behind.split_at(behind.len().min(usize::from(length)));
        rest = behind;
        let Ok(record) = Record::decode(u16::from(kind), RECORD_VERSION, payload) else { continue };
        let written = record.encode(Vec::new());
        assert_eq!(Record::decode(record.kind(), RECORD_VERSION, &written).as_ref(), Ok(&record), "written and read differ");
        let before = books.clone();
        if books.apply(Seq(before.seq().0 + 1), &record).is_err() {
            assert_eq!(books, before, "a record that was refused has changed the books: {record:?}");
        }
    }
}

/// A snapshot with a sum that fits.
pub(crate) fn snapshot(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if let Some((body, sum)) = bytes.split_last_chunk_mut::<8>() {
        *sum = fnv(body).to_le_bytes();
    }
    let Ok(snapshot) = Snapshot::decode(&bytes) else { return };
    let written = snapshot.encode();
    assert_eq!(Snapshot::decode(&written).as_ref(), Ok(&snapshot), "written and read differ");
    let books = snapshot.into_books(tag());
    let _ = (books.open_count(), books.orders().count(), books.positions().count());
}

fn tag() -> Tag {
    Tag::new("EXEC").expect("a tag")
}

/// FNV-1a, 64 bit, as a snapshot is summed.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
