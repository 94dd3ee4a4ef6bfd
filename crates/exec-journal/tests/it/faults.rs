//! Disks that fail: the first failure is the last word of a log. Nothing is written or synced again, and the next life goes on from what
//! was acknowledged.

use exec_journal::{Disk, Durability, Faults, JournalError, Log, LogOptions, OpenError, RecordRef, SimDisk, WriteFault};

use crate::model::{append, check_content, options};

fn opened(disk: &SimDisk) -> Log<SimDisk> {
    Log::open(disk.clone(), &options(Durability::Sync)).unwrap().0
}

/// All calls fail, and nothing reaches the disk.
fn assert_latched(log: &mut Log<SimDisk>, disk: &SimDisk) {
    disk.faults(|f| *f = Faults::default());
    let before = (disk.get("0000000001.seg"), disk.syncs());
    for _ in 0..3 {
        assert!(matches!(append(log, 1), Err(JournalError::Failed(_))));
        assert!(matches!(log.sync(), Err(JournalError::Failed(_))));
        assert!(matches!(log.snapshot(b"x", 0), Err(JournalError::Failed(_))));
        assert!(matches!(log.prepare_next(), Err(JournalError::Failed(_))));
    }
    assert_eq!(before, (disk.get("0000000001.seg"), disk.syncs()));
    assert!(log.failure().is_some());
}

#[test]
fn promise_p13_after_a_failed_sync_nothing_succeeds_again() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    append(&mut log, 2).unwrap();
    log.sync().unwrap();
    append(&mut log, 2).unwrap();
    disk.faults(|f| f.sync_fails_after = Some(0));
    let failed = log.sync().unwrap_err();
    assert_eq!(
        failed.to_string(),
        "the journal takes nothing more: sync of 0000000001.seg failed: Input/output error (os error 5)"
    );
    assert_eq!(log.durable_seq(), 2);
    assert_latched(&mut log, &disk);
}

#[test]
fn pages_that_a_failed_sync_lost_are_written_again_by_the_next_life() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    append(&mut log, 2).unwrap();
    log.sync().unwrap();
    append(&mut log, 2).unwrap();
    disk.faults(|f| f.sync_fails_after = Some(0));
    log.sync().unwrap_err();
    disk.kill();
    // The group is still in memory, though never on the disk: the new life sees it, so it must bring it there.
    let (mut log, recovery) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
    assert_eq!(recovery.last_seq, 4);
    append(&mut log, 1).unwrap();
    log.sync().unwrap();
    disk.crash(7);
    let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(check_content(&mut log, &recovery), Ok(5));
}

#[test]
fn every_kind_of_failed_write_latches_and_loses_nothing_acknowledged() {
    for fault in [WriteFault::Io, WriteFault::ReadOnly, WriteFault::NoSpace] {
        let disk = SimDisk::new();
        let mut log = opened(&disk);
        append(&mut log, 2).unwrap();
        log.sync().unwrap();
        disk.faults(|f| f.writes = Some(fault));
        assert!(matches!(append(&mut log, 1), Err(JournalError::Failed(_))));
        assert_latched(&mut log, &disk);
        disk.crash(1);
        let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
        assert_eq!(check_content(&mut log, &recovery), Ok(2), "{fault:?}");
    }
}

#[test]
fn a_short_write_latches_and_is_cut_by_the_next_life() {
    for seed in 0..50 {
        let disk = SimDisk::new();
        let mut log = opened(&disk);
        append(&mut log, 2).unwrap();
        log.sync().unwrap();
        disk.faults(|f| f.short_write = true);
        assert!(matches!(append(&mut log, 3), Err(JournalError::Failed(_))));
        assert_latched(&mut log, &disk);
        disk.crash(seed);
        let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
        assert_eq!(check_content(&mut log, &recovery), Ok(2), "seed {seed}");
    }
}

#[test]
fn a_full_disk_stops_the_roll_not_the_segment_that_was_prepared() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    disk.faults(|f| f.space_left = Some(0));
    // The whole first segment was paid for before.
    let mut acked = 0;
    let failed = loop {
        match append(&mut log, 1).and_then(|last| log.sync().map(|()| last)) {
            Ok(last) => acked = last,
            Err(e) => break e,
        }
    };
    assert!(acked > 20, "{acked}");
    assert!(matches!(&failed, JournalError::Failed(f) if f.kind() == std::io::ErrorKind::StorageFull));
    assert_latched(&mut log, &disk);
    disk.crash(3);
    let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(check_content(&mut log, &recovery), Ok(acked));
}

#[test]
fn a_full_disk_at_the_start_is_a_failure_and_no_half_made_journal() {
    for space in [0, 100, 5000] {
        let disk = SimDisk::new();
        disk.faults(|f| f.space_left = Some(space));
        let refused = Log::open(disk.clone(), &options(Durability::Sync)).unwrap_err();
        assert!(matches!(refused, OpenError::Disk(_)));
        disk.faults(|f| f.space_left = None);
        assert_eq!(opened(&disk).last_seq(), 0);
    }
}

#[test]
fn a_failed_preparation_or_snapshot_leaves_the_log_sound() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    for _ in 0..30 {
        append(&mut log, 1).unwrap();
    }
    log.sync().unwrap();
    disk.faults(|f| f.space_left = Some(0));
    while let Ok(more) = log.prepare_next() {
        assert!(more, "the disk has no room to prepare anything");
    }
    assert!(matches!(log.snapshot(&[1; 100], 30), Err(JournalError::Upkeep(_))));
    append(&mut log, 1).unwrap();
    log.sync().unwrap();
    disk.crash(5);
    let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(recovery.snapshot, None);
    assert_eq!(check_content(&mut log, &recovery), Ok(31));
}

#[test]
fn a_roll_whose_sync_fails_acknowledges_nothing_and_loses_nothing() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    let segments = |disk: &SimDisk| {
        let names = disk.clone().list().unwrap();
        names.iter().filter(|n| n.ends_with(".seg")).count()
    };
    // How many groups fit before the first roll?
    let mut fit = 0;
    while segments(&disk) == 1 {
        append(&mut log, 1).unwrap();
        fit += 1;
    }
    // The syncs of a roll: the last group, the new file, its name.
    for nth in 0..3 {
        for seed in 0..20 {
            let disk = SimDisk::new();
            let mut log = opened(&disk);
            for _ in 1..fit {
                append(&mut log, 1).unwrap();
            }
            disk.faults(|f| f.sync_fails_after = Some(nth));
            let failed = append(&mut log, 1).unwrap_err();
            assert!(matches!(&failed, JournalError::Failed(f) if f.operation() == "sync"));
            let acked = log.durable_seq();
            assert_eq!(acked, if nth == 0 { fit - 2 } else { fit - 1 });
            assert!(matches!(append(&mut log, 1), Err(JournalError::Failed(_))));
            if seed % 2 == 0 {
                disk.kill();
                opened(&disk);
            }
            disk.crash(seed);
            let (mut log, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
            assert!(recovery.last_seq >= acked, "nth {nth}, seed {seed}");
            check_content(&mut log, &recovery).unwrap();
        }
    }
}

#[test]
fn promise_p11_a_second_writer_is_refused_at_once_and_admitted_after_the_first() {
    let disk = SimDisk::new();
    let log = opened(&disk);
    assert!(matches!(Log::open(disk.clone(), &options(Durability::Sync)), Err(OpenError::Locked { .. })));
    drop(log);
    opened(&disk);
}

#[test]
fn a_killed_writer_changes_nothing_any_more() {
    let disk = SimDisk::new();
    let mut zombie = opened(&disk);
    append(&mut zombie, 1).unwrap();
    disk.kill();
    let mut log = opened(&disk);
    assert!(append(&mut zombie, 1).and_then(|_| zombie.sync()).is_err());
    drop(zombie);
    append(&mut log, 1).unwrap();
    log.sync().unwrap();
    assert!(matches!(Log::open(disk, &options(Durability::Sync)), Err(OpenError::Locked { .. })));
}

#[test]
fn a_group_that_cannot_fit_or_is_empty_changes_nothing() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    let payload = vec![1; 8192];
    let record = RecordRef { kind: 1, version: 1, payload: &payload };
    assert!(matches!(log.append(&[record], None), Err(JournalError::TooLarge { max: 7888, .. })));
    assert!(matches!(log.append(&[], None), Err(JournalError::EmptyGroup)));
    assert_eq!(append(&mut log, 1).unwrap(), 1);
}

#[test]
fn the_largest_group_fits_into_any_segment() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    append(&mut log, 1).unwrap();
    let payload = vec![1; 7888 - 8];
    let record = RecordRef { kind: 1, version: 1, payload: &payload };
    let ticket = log.append(&[record], None).unwrap();
    log.close().unwrap();
    let (mut log, _) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
    let back = log.read_from(ticket.last).unwrap().next().unwrap().unwrap();
    assert_eq!(back.payload, payload);
    // Carried on into the first segment of a life whose segments are smaller.
    disk.kill();
    let smaller = LogOptions { segment_bytes: 1024, ..LogOptions::new("account") };
    let (mut log, recovery) = Log::open(disk, &smaller).unwrap();
    assert_eq!(recovery.last_seq, ticket.last);
    assert_eq!(append(&mut log, 1).unwrap(), ticket.last + 1);
}

#[test]
fn a_slow_disk_is_counted_not_waited_for() {
    let disk = SimDisk::new();
    let mut log = opened(&disk);
    disk.faults(|f| f.sync_ticks = 30_000);
    let before = disk.ticks();
    append(&mut log, 1).unwrap();
    log.sync().unwrap();
    assert_eq!(disk.ticks() - before, 30_000);
}

#[test]
fn epochs_rise_above_the_journal_and_the_floor() {
    let disk = SimDisk::new();
    let epoch = |floor| {
        let with_floor = LogOptions { epoch_floor: floor, ..options(Durability::Sync) };
        let (log, recovery) = Log::open(disk.clone(), &with_floor).unwrap();
        assert_eq!(log.epoch(), recovery.epoch);
        recovery.epoch
    };
    assert_eq!([epoch(0), epoch(0), epoch(900), epoch(5)], [1, 2, 900, 901]);
}
