//! Journals of every released format, byte for byte: what is written today equals them, and they read back. A change of these files is a
//! change of the format and needs a new number.

use std::collections::BTreeMap;
use std::fmt::Write;

use exec_journal::{Disk, Durability, FORMAT, Log, LogOptions, RecordRef, SimDisk, read, verify};

const V1: &str = include_str!("../golden/v1.hex");

/// Two lives: the first ends in a crash with one group unproven, the second closes. With a snapshot, a state hash and an empty payload.
fn write_today() -> SimDisk {
    let disk = SimDisk::new();
    let options = LogOptions {
        segment_bytes: 1024,
        epoch_floor: 7,
        durability: Durability::Sync,
        account: "golden".to_owned(),
        segments_kept: 0,
    };
    let record = |kind, version, payload| RecordRef { kind, version, payload };
    let (mut log, _) = Log::open(disk.clone(), &options).unwrap();
    log.append(&[record(1, 1, b"intent"), record(2, 1, b"attempt 1")], None).unwrap();
    log.append(&[record(3, 2, b"")], Some(0x0123_4567_89AB_CDEF)).unwrap();
    log.sync().unwrap();
    log.snapshot(b"state after 2", 2).unwrap();
    disk.kill();
    let (mut log, _) = Log::open(disk.clone(), &options).unwrap();
    log.append(&[record(0xFFFF, 255, b"the last one")], None).unwrap();
    log.close().unwrap();
    disk
}

fn to_hex(disk: &SimDisk) -> String {
    let mut out = String::new();
    for name in disk.clone().list().unwrap() {
        writeln!(out, "{name}").unwrap();
        for line in disk.get(&name).unwrap().chunks(16) {
            let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
            writeln!(out, "  {}", hex.join(" ")).unwrap();
        }
    }
    out
}

fn from_hex(text: &str) -> SimDisk {
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        match line.strip_prefix("  ") {
            None => name = line,
            Some(hex) => {
                let bytes = hex.split(' ').map(|b| u8::from_str_radix(b, 16).unwrap());
                files.entry(name).or_default().extend(bytes);
            }
        }
    }
    let disk = SimDisk::new();
    for (name, bytes) in files {
        disk.put(name, &bytes);
    }
    disk
}

#[test]
fn what_is_written_today_equals_the_golden_journal() {
    assert_eq!(FORMAT, 1, "a new format gets a golden journal of its own");
    let today = to_hex(&write_today());
    assert!(today == V1, "the format has changed:\n{today}");
}

#[test]
fn promise_p21_the_golden_journal_of_format_1_reads_back() {
    let disk = from_hex(V1);
    let report = verify(&mut disk.clone()).unwrap();
    assert_eq!((report.first_seq, report.last_seq), (1, 4));
    assert_eq!((report.last_epoch, report.closed_clean), (Some(8), true));
    assert_eq!(report.state_hash, Some((3, 0x0123_4567_89AB_CDEF)));
    let snapshot = report.snapshot.unwrap();
    assert_eq!((snapshot.seq, snapshot.epoch, &snapshot.bytes[..]), (2, 7, &b"state after 2"[..]));
    let records: Vec<_> =
        read(&mut disk.clone(), 1).unwrap().map(|r| r.unwrap()).map(|r| (r.seq, r.epoch, r.kind, r.version, r.payload)).collect();
    assert_eq!(
        records,
        [
            (1, 7, 1, 1, b"intent".to_vec()),
            (2, 7, 2, 1, b"attempt 1".to_vec()),
            (3, 7, 3, 2, Vec::new()),
            (4, 8, 0xFFFF, 255, b"the last one".to_vec()),
        ]
    );
}
