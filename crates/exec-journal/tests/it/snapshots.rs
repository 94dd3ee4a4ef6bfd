//! Snapshots and retention: two are kept, segments go only behind both, and a journal without its beginning is readable only from one.

use exec_journal::{Disk, Durability, JournalError, Log, LogOptions, OpenError, SimDisk};

use crate::model::{append, check_content, options, snapshot_bytes};

fn grown(disk: &SimDisk, to: u64) -> Log<SimDisk> {
    let (mut log, _) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
    while log.last_seq() < to {
        append(&mut log, 1).unwrap();
    }
    log.sync().unwrap();
    log
}

fn files(disk: &SimDisk, suffix: &str) -> Vec<String> {
    let names = disk.clone().list().unwrap();
    names.into_iter().filter(|n| n.ends_with(suffix)).collect()
}

#[test]
fn the_newest_two_snapshots_are_kept_and_the_newest_is_given_back() {
    let disk = SimDisk::new();
    let mut log = grown(&disk, 30);
    for seq in [5, 10, 30] {
        log.snapshot(&snapshot_bytes(seq), seq).unwrap();
    }
    assert_eq!(files(&disk, ".snap").len(), 2);
    let epoch = log.epoch();
    log.close().unwrap();
    let (_, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    let snapshot = recovery.snapshot.unwrap();
    assert_eq!((snapshot.seq, snapshot.epoch, snapshot.bytes), (30, epoch, snapshot_bytes(30)));
}

#[test]
fn a_snapshot_ahead_of_the_durable_log_is_refused() {
    let disk = SimDisk::new();
    let mut log = grown(&disk, 5);
    append(&mut log, 1).unwrap();
    assert!(matches!(log.snapshot(b"x", 6), Err(JournalError::NotDurable { asked: 6, durable: 5 })));
    log.sync().unwrap();
    log.snapshot(b"x", 6).unwrap();
}

#[test]
fn segments_go_only_behind_both_snapshots() {
    let disk = SimDisk::new();
    let mut log = grown(&disk, 400);
    let segments = files(&disk, ".seg").len();
    assert!(segments > 4);
    assert_eq!(log.truncate_before(400).unwrap(), 0, "no snapshot yet");
    log.snapshot(&snapshot_bytes(200), 200).unwrap();
    log.snapshot(&snapshot_bytes(399), 399).unwrap();
    let dropped = log.truncate_before(400).unwrap();
    assert!(dropped > 0);
    assert_eq!(files(&disk, ".seg").len() as u64, segments as u64 - dropped);
    assert!(matches!(log.read_from(1), Err(OpenError::Dropped { asked: 1, .. })));
    assert_eq!(log.read_from(201).unwrap().next().unwrap().unwrap().seq, 201);
    log.close().unwrap();
    // The newest snapshot is damaged: the older one and the log behind it are still enough.
    let newest = files(&disk, ".snap").pop().unwrap();
    disk.flip(&newest, 120, 8);
    let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(recovery.damaged_snapshots, [newest]);
    assert_eq!(recovery.snapshot.as_ref().unwrap().seq, 200);
    assert!(recovery.first_seq <= 201);
    assert_eq!(check_content(&mut log, &recovery), Ok(400));
}

#[test]
fn without_any_sound_snapshot_a_shortened_log_is_refused() {
    let disk = SimDisk::new();
    let mut log = grown(&disk, 400);
    log.snapshot(&snapshot_bytes(399), 399).unwrap();
    assert!(log.truncate_before(400).unwrap() > 0);
    log.close().unwrap();
    for name in files(&disk, ".snap") {
        disk.flip(&name, 120, 8);
    }
    let refused = Log::open(disk, &options(Durability::Sync)).unwrap_err();
    assert!(matches!(&refused, OpenError::Corrupt { file, .. } if file.ends_with(".snap")), "{refused}");
}

#[test]
fn leftovers_of_a_crash_are_cleared_away() {
    let disk = SimDisk::new();
    drop(grown(&disk, 3));
    disk.put("next.tmp", &[1; 3000]);
    disk.put("snapshot.tmp", &[2; 3000]);
    disk.put("control.sock", b"not ours");
    let (mut log, recovery) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
    assert_eq!(check_content(&mut log, &recovery), Ok(3));
    assert_eq!(files(&disk, ".tmp"), Vec::<String>::new());
    assert_eq!(files(&disk, ".sock").len(), 1);
}

#[test]
fn restarts_without_records_do_not_pile_up_segments() {
    let disk = SimDisk::new();
    drop(grown(&disk, 40));
    for _ in 0..20 {
        let log = grown(&disk, 0);
        log.close().unwrap();
        disk.kill();
    }
    assert!(files(&disk, ".seg").len() <= 3);
}

#[test]
fn a_prepared_segment_is_used_by_the_roll() {
    let disk = SimDisk::new();
    let large = LogOptions { segment_bytes: 1 << 20, ..LogOptions::new("account") };
    let (mut log, _) = Log::open(disk.clone(), &large).unwrap();
    assert!(!log.prepare_next().unwrap(), "not before half is used");
    let payload = vec![3; 60_000];
    let record = exec_journal::RecordRef { kind: 1, version: 1, payload: &payload };
    for _ in 0..10 {
        log.append(&[record], None).unwrap();
    }
    log.sync().unwrap();
    let mut steps = 0;
    while log.prepare_next().unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 4, "one to begin, three of four that leave more to do");
    disk.faults(|f| f.space_left = Some(0));
    for _ in 0..10 {
        log.append(&[record], None).unwrap();
    }
    log.sync().unwrap();
    assert_eq!(files(&disk, ".seg").len(), 2);
}

#[test]
fn the_last_state_hash_is_given_back() {
    let disk = SimDisk::new();
    let log = grown(&disk, 7);
    log.close().unwrap();
    let (_, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(recovery.state_hash, Some((7, 8)));
    assert!(recovery.closed_clean);
    assert_eq!(recovery.cut, None);
}

#[test]
fn closed_segments_stay_for_whoever_asks_what_happened() {
    let disk = SimDisk::new();
    let keeping = LogOptions { segments_kept: 3, ..options(Durability::Sync) };
    let (mut log, _) = Log::open(disk.clone(), &keeping).unwrap();
    while log.last_seq() < 400 {
        append(&mut log, 1).unwrap();
    }
    log.sync().unwrap();
    log.snapshot(&snapshot_bytes(399), 399).unwrap();
    log.snapshot(&snapshot_bytes(400), 400).unwrap();
    assert!(log.truncate_before(401).unwrap() > 0);
    assert_eq!(files(&disk, ".seg").len(), 4, "three closed ones and the one that is written");
    assert_eq!(log.newest_snapshot().unwrap().unwrap().seq, 400);
}

#[test]
fn a_crash_at_any_point_of_a_snapshot_or_of_dropping_segments_loses_nothing() {
    let grown = {
        let disk = SimDisk::new();
        let mut log = grown(&disk, 400);
        log.snapshot(&snapshot_bytes(150), 150).unwrap();
        log.snapshot(&snapshot_bytes(300), 300).unwrap();
        log.close().unwrap();
        disk
    };
    let (mut points, mut newest) = (0, Vec::new());
    for fuse in 0.. {
        for seed in 0..4 {
            let disk = grown.fork();
            let (mut log, _) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
            disk.faults(|f| f.power_loss_after = Some(fuse));
            let done = log.snapshot(&snapshot_bytes(400), 400).and_then(|()| log.truncate_before(401));
            let whole = !disk.is_dead();
            assert!(done.is_ok() || !whole, "{done:?}");
            disk.crash(seed);
            drop(log);
            let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
            assert_eq!(check_content(&mut log, &recovery), Ok(400), "power lost after {fuse} writes");
            let snapshot = log.newest_snapshot().unwrap().unwrap();
            assert_eq!(snapshot.bytes, snapshot_bytes(snapshot.seq));
            assert!(log.read_from(snapshot.seq + 1).is_ok());
            newest.push(snapshot.seq);
            if whole {
                assert!(points > 8 && newest.contains(&300) && snapshot.seq == 400, "{points} points, {newest:?}");
                return;
            }
        }
        points += 1;
    }
}
