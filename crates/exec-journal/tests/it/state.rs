//! Snapshots of the books through the engine's port: a start reads the newest and what follows it; a failure costs a snapshot, never a record.

use std::time::{Duration, Instant};

use exec_core::engine::Engine;
use exec_core::ids::{AccountId, Seq};
use exec_core::journal::{Journal, JournalError};
use exec_core::record::Record;
use exec_core::snapshot::SnapshotError;
use exec_core::time::Timestamp;
use exec_core::units::PositionMode;
use exec_journal::{Disk, EngineJournal, Faults, Log, LogOptions, QueueLimits, SimDisk};
use exec_testkit::fixtures::{config, profile};

fn engine() -> Engine {
    Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), profile())
}

fn account() -> AccountId {
    engine().config().account.clone()
}

fn open(disk: &SimDisk) -> EngineJournal<SimDisk> {
    let options = LogOptions { segment_bytes: 4096, ..LogOptions::new(account().as_str()) };
    EngineJournal::new(Log::open(disk.clone(), &options).unwrap().0, QueueLimits::default())
}

/// Appends records until the books stand at `to`, and gives the books a snapshot each time that `every` more are in.
fn grow(journal: &mut impl Journal, engine: &mut Engine, to: u64, every: u64) {
    while engine.books().seq().0 < to {
        let seq = Seq(engine.books().seq().0 + 1);
        let record = Record::Raw { why: format!("note {seq}"), raw: "币安人生USDT".repeat(9), at: Timestamp(seq.0) };
        engine.replay(seq, &record).unwrap();
        journal.append(&[(seq, record)]).unwrap();
        if seq.0.is_multiple_of(every) {
            journal.keep(engine.snapshot());
        }
    }
}

/// A start: the newest snapshot, if there is one, and the records behind it. Says how many were read.
fn start(journal: &mut impl Journal) -> (Engine, u64) {
    let (mut engine, mut read) = (engine(), 0);
    if let Some(snapshot) = journal.newest_snapshot().unwrap() {
        engine.restore(snapshot).unwrap();
    }
    let last = journal
        .replay(&mut |seq, record| {
            read += 1;
            engine.replay(seq, &record).unwrap();
        })
        .unwrap();
    assert_eq!(last, engine.books().seq());
    (engine, read)
}

fn files(disk: &SimDisk, suffix: &str) -> Vec<String> {
    disk.clone().list().unwrap().into_iter().filter(|n| n.ends_with(suffix)).collect()
}

fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn promise_p24_a_start_reads_the_newest_snapshot_and_what_follows_it() {
    let disk = SimDisk::new();
    let (mut journal, mut live) = (open(&disk), engine());
    assert!(journal.newest_snapshot().unwrap().is_none());
    grow(&mut journal, &mut live, 100, 100);
    until("a snapshot is stored", || !files(&disk, ".snap").is_empty());
    grow(&mut journal, &mut live, 130, 1_000);
    drop(journal);
    let (restored, read) = start(&mut open(&disk));
    assert_eq!((restored.books(), read), (live.books(), 30));
}

#[test]
fn a_clean_end_waits_for_the_snapshot_that_it_was_given() {
    let disk = SimDisk::new();
    let (mut journal, mut live) = (open(&disk), engine());
    grow(&mut journal, &mut live, 50, 50);
    drop(journal);
    let (restored, read) = start(&mut open(&disk));
    assert_eq!((restored.books(), read), (live.books(), 0));
}

#[test]
fn old_records_go_and_the_books_stay() {
    let disk = SimDisk::new();
    let mut live = engine();
    for life in 1..=6 {
        let mut journal = open(&disk);
        let (restored, _) = start(&mut journal);
        assert_eq!(restored.books(), live.books());
        grow(&mut journal, &mut live, life * 60, 60);
    }
    assert!(!files(&disk, ".seg").iter().any(|name| name == "0000000001.seg"), "{:?}", files(&disk, ".seg"));
    assert_eq!(files(&disk, ".snap").len(), 2);
    // The older snapshot, and the longer log behind it, stand in for the newest.
    let newest = files(&disk, ".snap").pop().unwrap();
    assert!(disk.flip(&newest, 120, 4));
    let (restored, read) = start(&mut open(&disk));
    assert_eq!((restored.books(), read), (live.books(), 60));
}

#[test]
fn a_disk_without_room_for_a_snapshot_costs_no_record() {
    let disk = SimDisk::new();
    let (mut journal, mut live) = (open(&disk), engine());
    grow(&mut journal, &mut live, 10, 1_000);
    disk.faults(|faults: &mut Faults| faults.space_left = Some(100));
    journal.keep(live.snapshot());
    grow(&mut journal, &mut live, 12, 1_000);
    drop(journal);
    disk.faults(|faults: &mut Faults| *faults = Faults::default());
    assert_eq!(files(&disk, ".snap"), Vec::<String>::new());
    let (restored, read) = start(&mut open(&disk));
    assert_eq!((restored.books(), read), (live.books(), 12));
}

#[test]
fn a_snapshot_that_is_not_of_the_last_record_is_not_kept() {
    let disk = SimDisk::new();
    let (mut journal, mut live) = (open(&disk), engine());
    grow(&mut journal, &mut live, 10, 1_000);
    let old = live.snapshot();
    grow(&mut journal, &mut live, 11, 1_000);
    journal.keep(old);
    drop(journal);
    assert_eq!(files(&disk, ".snap"), Vec::<String>::new());
}

#[test]
fn a_snapshot_of_a_newer_build_stops_the_start_by_name() {
    let disk = SimDisk::new();
    let mut live = engine();
    grow(&mut open(&disk), &mut live, 20, 1_000);
    let mut bytes = live.snapshot().encode();
    bytes[8] = 77;
    let (mut log, _) = Log::open(disk.clone(), &LogOptions::new(account().as_str())).unwrap();
    log.snapshot(&bytes, 20).unwrap();
    drop(log);
    let error = open(&disk).newest_snapshot().unwrap_err();
    assert_eq!(error, JournalError::Snapshot(SnapshotError::Version { found: 77 }));
    assert!(error.to_string().contains("version 77"), "{error}");
}
