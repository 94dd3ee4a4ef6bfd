//! Damage to what was acknowledged: found and refused, or without effect. Never a record that is silently gone or different.

use exec_journal::{Damage, Disk, Durability, Log, LogOptions, OpenError, Record, RecordRef, SimDisk, read, verify};

use crate::model::{append, check_record, options, snapshot_bytes};

fn small() -> LogOptions {
    LogOptions { segment_bytes: 2048, ..LogOptions::new("account") }
}

/// A log over two lives, three segments and a snapshot; the last group is acknowledged, and nothing was closed.
fn acknowledged() -> (SimDisk, u64) {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), &small()).unwrap();
    append(&mut log, 3).unwrap();
    append(&mut log, 1).unwrap();
    log.close().unwrap();
    let (mut log, _) = Log::open(disk.clone(), &small()).unwrap();
    while log.last_seq() < 25 {
        append(&mut log, 2).unwrap();
    }
    log.sync().unwrap();
    log.snapshot(&snapshot_bytes(9), 9).unwrap();
    append(&mut log, 2).unwrap();
    log.sync().unwrap();
    let last = log.last_seq();
    disk.kill();
    (disk, last)
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.clone().list().unwrap()
}

fn all(disk: &SimDisk) -> Result<Vec<Record>, OpenError> {
    read(&mut disk.clone(), 1)?.collect()
}

#[test]
fn promise_p13_every_bit_flip_is_refused_or_leaves_equal_content() {
    let (disk, last) = acknowledged();
    let whole = all(&disk).unwrap();
    assert_eq!(whole.len() as u64, last);
    whole.iter().for_each(|r| check_record(r).unwrap());
    let (mut refused, mut equal) = (0, 0);
    for name in names(&disk) {
        let len = disk.get(&name).unwrap().len();
        for bit in 0..len * 8 {
            assert!(disk.flip(&name, bit / 8, 1 << (bit % 8)));
            match all(&disk) {
                Ok(records) => {
                    assert_eq!(records, whole, "{name}, bit {bit}");
                    equal += 1;
                }
                Err(_) => refused += 1,
            }
            disk.flip(&name, bit / 8, 1 << (bit % 8));
        }
    }
    assert!(refused > 8 * 1000 && equal > 8 * 100, "{refused} {equal}");
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_named() {
    let (disk, last) = acknowledged();
    let name = names(&disk).into_iter().find(|n| n.ends_with(".snap")).unwrap();
    disk.flip(&name, 150, 1);
    let report = verify(&mut disk.clone()).unwrap();
    assert_eq!(report.damaged_snapshots, [name]);
    assert_eq!((report.snapshot, report.last_seq), (None, last));
}

#[test]
fn refusals_say_file_place_and_what_to_do() {
    let (disk, _) = acknowledged();
    disk.flip("0000000001.seg", 300, 4);
    let refused = Log::open(disk.clone(), &small()).unwrap_err();
    assert!(matches!(&refused, OpenError::Corrupt { file, what: Damage::Group, .. } if file == "0000000001.seg"));
    let text = refused.to_string();
    assert!(text.contains("0000000001.seg is damaged at byte ") && text.contains("copy the directory"), "{text}");
}

#[test]
fn a_refused_journal_is_left_as_it_was() {
    let (disk, _) = acknowledged();
    disk.flip("0000000001.seg", 300, 4);
    let before: Vec<_> = names(&disk).iter().map(|n| disk.get(n)).collect();
    assert!(Log::open(disk.clone(), &small()).is_err());
    let after: Vec<_> = names(&disk).iter().map(|n| disk.get(n)).collect();
    assert_eq!(before, after);
    disk.flip("0000000001.seg", 300, 4);
    assert!(Log::open(disk, &small()).is_ok(), "the lock was given back");
}

fn refusal(change: impl FnOnce(&SimDisk)) -> OpenError {
    let (disk, _) = acknowledged();
    change(&disk);
    Log::open(disk, &small()).unwrap_err()
}

fn last_segment(disk: &SimDisk) -> String {
    let mut segments = names(disk).into_iter().filter(|n| n.ends_with(".seg"));
    segments.next_back().unwrap()
}

#[test]
fn missing_segments_are_refused() {
    let first = refusal(|disk| {
        disk.delete("0000000001.seg");
        let name = names(disk).into_iter().find(|n| n.ends_with(".snap"));
        disk.delete(&name.unwrap());
    });
    assert!(matches!(first, OpenError::Corrupt { what: Damage::Missing, .. }), "{first}");
    let middle = refusal(|disk| {
        disk.delete("0000000002.seg");
    });
    assert!(matches!(middle, OpenError::Corrupt { what: Damage::Missing, .. }), "{middle}");
}

#[test]
fn a_log_behind_its_snapshot_is_refused() {
    let refused = refusal(|disk| {
        for name in names(disk).iter().filter(|n| n.ends_with(".seg")) {
            disk.delete(name);
        }
    });
    assert!(matches!(refused, OpenError::Corrupt { what: Damage::SnapshotAhead, .. }), "{refused}");
}

#[test]
fn empty_short_and_foreign_files_are_refused() {
    let refused = refusal(|disk| disk.put(&last_segment(disk), &[]));
    assert!(matches!(refused, OpenError::NotAJournal { what: Damage::Empty, .. }), "{refused}");
    let refused = refusal(|disk| disk.put(&last_segment(disk), b"#!/bin/sh\n"));
    assert!(matches!(refused, OpenError::NotAJournal { what: Damage::Magic, .. }), "{refused}");
    let refused = refusal(|disk| disk.put("notes.seg", b"x"));
    assert!(matches!(refused, OpenError::NotAJournal { what: Damage::Name, .. }), "{refused}");
    for cut in [10, 100, 144, 300, 1000, 2047] {
        let refused = refusal(|disk| {
            let name = last_segment(disk);
            disk.put(&name, &disk.get(&name).unwrap()[..cut]);
        });
        assert!(matches!(refused, OpenError::Corrupt { .. }), "{cut}: {refused}");
    }
}

#[test]
fn promise_p21_a_newer_format_is_refused_by_name() {
    let refused = refusal(|disk| {
        disk.flip(&last_segment(disk), 8, 3);
    });
    assert!(matches!(refused, OpenError::NewerFormat { found: 2, known: 1, .. }), "{refused}");
}

#[test]
fn another_accounts_journal_is_refused() {
    let (disk, _) = acknowledged();
    let refused = Log::open(disk, &LogOptions::new("somebody else")).unwrap_err();
    assert!(matches!(refused, OpenError::OtherAccount { .. }));
    assert!(refused.to_string().contains("another account"), "{refused}");
}

#[test]
fn a_segment_put_in_place_of_another_is_refused() {
    let refused = refusal(|disk| disk.put("0000000002.seg", &disk.get("0000000001.seg").unwrap()));
    assert!(matches!(refused, OpenError::Corrupt { what: Damage::Number, .. }), "{refused}");
    // The same segment of a journal with another history.
    let refused = refusal(|disk| {
        let other = SimDisk::new();
        let (mut log, _) = Log::open(other.clone(), &small()).unwrap();
        append(&mut log, 2).unwrap();
        append(&mut log, 2).unwrap();
        log.close().unwrap();
        drop(Log::open(other.clone(), &small()).unwrap());
        disk.put("0000000001.seg", &other.get("0000000001.seg").unwrap());
    });
    assert!(matches!(refused, OpenError::Corrupt { what: Damage::Digest | Damage::Group, .. }), "{refused}");
}

#[test]
fn a_misdirected_acknowledged_write_is_refused() {
    for distance in [16, 512, 1024] {
        let disk = SimDisk::new();
        let (mut log, _) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
        append(&mut log, 2).unwrap();
        log.sync().unwrap();
        disk.faults(|f| f.misdirect_write = Some(distance));
        append(&mut log, 2).unwrap();
        log.sync().unwrap();
        disk.kill();
        let refused = Log::open(disk, &options(Durability::Sync)).unwrap_err();
        assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused}");
    }
}

#[test]
fn an_unreadable_segment_is_a_disk_failure_not_an_empty_log() {
    let (disk, last) = acknowledged();
    disk.faults(|f| f.unreadable = Some("0000000002.seg".to_owned()));
    let refused = Log::open(disk.clone(), &small()).unwrap_err();
    assert!(matches!(refused, OpenError::Disk(_)), "{refused}");
    disk.faults(|f| f.unreadable = None);
    assert_eq!(Log::open(disk, &small()).unwrap().1.last_seq, last);
}

#[test]
fn a_group_of_another_history_is_refused_although_its_numbers_fit() {
    // Two journals with equal headers, whose first groups differ.
    let histories = [b"one ", b"two "].map(|first| {
        let disk = SimDisk::new();
        let (mut log, _) = Log::open(disk.clone(), &small()).unwrap();
        for payload in [first, b"same"] {
            let record = RecordRef { kind: 1, version: 1, payload };
            log.append(&[record], None).unwrap();
        }
        log.close().unwrap();
        disk
    });
    let name = "0000000001.seg";
    let [mut one, two] = histories.each_ref().map(|d| d.get(name).unwrap());
    let second_group = 144 + 96;
    assert_eq!(one[..144], two[..144]);
    one[second_group..].copy_from_slice(&two[second_group..]);
    histories[0].put(name, &one);
    let refused = all(&histories[0]).unwrap_err();
    assert!(
        matches!(refused, OpenError::Corrupt { offset, what: Damage::Misplaced, .. } if offset == second_group as u64),
        "{refused}"
    );
}

#[test]
fn a_last_group_that_was_carried_on_cannot_vanish() {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), &small()).unwrap();
    append(&mut log, 1).unwrap();
    append(&mut log, 1).unwrap();
    log.sync().unwrap();
    disk.kill();
    drop(Log::open(disk.clone(), &small()).unwrap());
    assert_eq!(all(&disk).unwrap().len(), 2);
    let name = last_segment(&disk);
    let mut bytes = disk.get(&name).unwrap();
    bytes[144..].fill(0);
    disk.put(&name, &bytes);
    let refused = all(&disk).unwrap_err();
    assert!(matches!(refused, OpenError::Corrupt { offset: 144, what: Damage::Group, .. }), "{refused}");
}
