//! The journal on its thread: order, grouping, telling, failing, closing.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use exec_journal::{Durability, FileJournal, JournalError, Log, Notice, OpenError, QueueLimits, RecordRef, SimDisk, read};

use crate::model::{Rng, options};

fn start(disk: &SimDisk, limits: QueueLimits) -> (FileJournal, Receiver<Notice>) {
    start_with(disk, limits, Durability::Sync)
}

fn start_with(disk: &SimDisk, limits: QueueLimits, durability: Durability) -> (FileJournal, Receiver<Notice>) {
    let (log, _) = Log::open(disk.clone(), &options(durability)).unwrap();
    let (tell, told) = channel();
    let journal = FileJournal::start(log, limits, move |notice| {
        // A test that has seen enough no longer listens.
        let _ = tell.send(notice);
    })
    .unwrap();
    (journal, told)
}

/// A journal whose thread stops after the first record is durable: told by the receiver, let go by the sender, or in the end by itself.
fn start_gated(disk: &SimDisk, limits: QueueLimits) -> (FileJournal, Receiver<()>, Sender<()>) {
    let (log, _) = Log::open(disk.clone(), &options(Durability::Sync)).unwrap();
    let (arrive, arrived) = channel();
    let (go, gone) = channel();
    let journal = FileJournal::start(log, limits, move |notice| {
        if matches!(notice, Notice::Durable(1)) {
            let _ = arrive.send(());
            let _ = gone.recv_timeout(Duration::from_secs(10));
        }
    })
    .unwrap();
    (journal, arrived, go)
}

fn record(payload: &[u8]) -> RecordRef<'_> {
    RecordRef { kind: 7, version: 1, payload }
}

/// What is told next, but for what was written and is not durable.
fn next(told: &Receiver<Notice>) -> Notice {
    loop {
        match told.recv_timeout(Duration::from_secs(20)).unwrap() {
            Notice::Written(_) => (),
            notice => return notice,
        }
    }
}

#[test]
fn groups_keep_their_order_and_are_durable_when_told() {
    let disk = SimDisk::new();
    let (journal, told) = start(&disk, QueueLimits::default());
    let mut last = 0;
    for n in 0u32..500 {
        let bytes = n.to_le_bytes();
        let ticket = journal.append(&[record(&bytes), record(b"second")], None).unwrap();
        assert_eq!(ticket.first, last + 1);
        last = ticket.last;
    }
    let mut durable = 0;
    while durable < last {
        match next(&told) {
            Notice::Durable(seq) => {
                assert!(seq > durable && journal.durable_seq() >= seq);
                assert_eq!(seq % 2, 0, "a group was split");
                durable = seq;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(journal);
    let records: Vec<_> = read(&mut disk.clone(), 1).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(records.len() as u64, last);
    for (n, pair) in records.chunks(2).enumerate() {
        assert_eq!(pair[0].payload, (n as u32).to_le_bytes());
        assert_eq!(pair[1].payload, b"second");
    }
}

#[test]
fn what_waits_is_synced_together() {
    let disk = SimDisk::new();
    let (journal, arrived, go) = start_gated(&disk, QueueLimits::default());
    journal.append(&[record(b"first")], None).unwrap();
    arrived.recv().unwrap();
    let before = disk.syncs();
    let mut last = None;
    for _ in 0..40 {
        last = Some(journal.append(&[record(b"crowd")], None).unwrap());
    }
    go.send(()).unwrap();
    journal.wait_durable(last.unwrap()).unwrap();
    assert_eq!(disk.syncs() - before, 1);
}

#[test]
fn many_threads_may_append() {
    let disk = SimDisk::new();
    let (journal, _told) = start(&disk, QueueLimits::default());
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..100u8 {
                    let ticket = journal.append(&[record(&[thread, n])], None).unwrap();
                    if n % 10 == 0 {
                        journal.wait_durable(ticket).unwrap();
                        assert!(journal.durable_seq() >= ticket.last);
                    }
                }
            });
        }
    });
    journal.close().unwrap();
    let records: Vec<_> = read(&mut disk.clone(), 1).unwrap().collect::<Result<_, _>>().unwrap();
    for thread in 0..4u8 {
        let of_one: Vec<u8> = records.iter().filter(|r| r.payload[0] == thread).map(|r| r.payload[1]).collect();
        assert_eq!(of_one, (0..100).collect::<Vec<u8>>());
    }
}

#[test]
fn a_failed_sync_is_told_once_and_to_every_later_caller() {
    let disk = SimDisk::new();
    let (journal, told) = start(&disk, QueueLimits::default());
    let good = journal.append(&[record(b"good")], None).unwrap();
    journal.wait_durable(good).unwrap();
    assert!(matches!(next(&told), Notice::Durable(1)));
    disk.faults(|f| f.sync_fails_after = Some(0));
    let bad = journal.append(&[record(b"bad")], None).unwrap();
    assert!(matches!(journal.wait_durable(bad), Err(JournalError::Failed(_))));
    assert!(matches!(next(&told), Notice::Failed(f) if f.operation() == "sync"));
    for _ in 0..3 {
        assert!(matches!(journal.append(&[record(b"later")], None), Err(JournalError::Failed(_))));
    }
    assert_eq!(journal.durable_seq(), good.last);
    assert!(journal.failure().is_some());
    assert!(matches!(journal.close(), Err(JournalError::Failed(_))));
    assert!(told.recv().is_err(), "told twice");
    disk.crash(1);
    let (_, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert!(recovery.last_seq >= good.last);
}

#[test]
fn promise_p18_a_full_queue_refuses_and_takes_again_when_it_has_drained() {
    let disk = SimDisk::new();
    let limits = QueueLimits { bytes_max: 1000, ..QueueLimits::default() };
    let (journal, arrived, go) = start_gated(&disk, limits);
    let payload = [1; 392];
    journal.append(&[record(&payload)], None).unwrap();
    arrived.recv().unwrap();
    journal.append(&[record(&payload)], None).unwrap();
    let second = journal.append(&[record(&payload)], None).unwrap();
    assert!(matches!(journal.append(&[record(&payload)], None), Err(JournalError::Full { queued: 800 })));
    go.send(()).unwrap();
    journal.wait_durable(second).unwrap();
    let third = journal.append(&[record(&payload)], None).unwrap();
    assert_eq!(third.first, second.last + 1, "a refused group took no number");
}

#[test]
fn closing_flushes_and_marks_and_unlocks() {
    let disk = SimDisk::new();
    let (journal, _told) = start(&disk, QueueLimits::default());
    let mut rng = Rng(1);
    let mut last = 0;
    for _ in 0..300 {
        let payload = vec![1; rng.below(300) as usize];
        last = journal.append(&[record(&payload)], None).unwrap().last;
    }
    assert!(matches!(Log::open(disk.clone(), &options(Durability::Sync)), Err(OpenError::Locked { .. })));
    journal.close().unwrap();
    disk.crash(9);
    let (_, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!((recovery.last_seq, recovery.closed_clean), (last, true));
}

#[test]
fn without_syncs_durable_means_that_the_system_has_it() {
    let disk = SimDisk::new();
    let (journal, _told) = start_with(&disk, QueueLimits::default(), Durability::Os);
    let before = disk.syncs();
    let ticket = journal.append(&[record(b"x")], None).unwrap();
    journal.wait_durable(ticket).unwrap();
    assert_eq!(disk.syncs(), before);
    disk.kill();
    let (_, recovery) = Log::open(disk, &options(Durability::Os)).unwrap();
    assert_eq!(recovery.last_seq, 1);
    // Its own life is over; it can only say so.
    drop(journal);
}

#[test]
fn snapshots_and_truncation_run_on_the_thread() {
    let disk = SimDisk::new();
    let (journal, told) = start(&disk, QueueLimits::default());
    let mut last = 0;
    for _ in 0..200 {
        let ticket = journal.append(&[record(&[5; 200])], None).unwrap();
        journal.wait_durable(ticket).unwrap();
        last = ticket.last;
    }
    journal.snapshot(b"state".to_vec(), last).unwrap();
    journal.truncate_before(last).unwrap();
    let mut stored = false;
    loop {
        match next(&told) {
            Notice::Durable(_) => {}
            Notice::SnapshotStored(seq) => {
                assert_eq!(seq, last);
                stored = true;
            }
            Notice::SegmentsDropped(n) => {
                assert!(stored && n > 0);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    journal.close().unwrap();
    let (_, recovery) = Log::open(disk, &options(Durability::Sync)).unwrap();
    assert_eq!(recovery.snapshot.unwrap().bytes, b"state");
    assert!(recovery.first_seq > 1);
}

#[test]
fn a_wait_for_what_was_never_appended_ends() {
    let disk = SimDisk::new();
    let (journal, _told) = start(&disk, QueueLimits::default());
    let ticket = journal.append(&[record(b"x")], None).unwrap();
    let never = exec_journal::Ticket { first: ticket.last + 1, last: ticket.last + 1 };
    assert!(matches!(journal.wait_durable(never), Err(JournalError::NotDurable { .. })));
}
