//! The log behind the engine's port: what goes in comes back, durability is told, a failure is told once and for all.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use exec_core::ids::{AccountId, Seq};
use exec_core::journal::{Journal, JournalError};
use exec_core::record::Record;
use exec_core::time::Timestamp;
use exec_journal::{Durability, EngineJournal, Faults, Log, LogOptions, OsDiskOptions, QueueLimits, SimDisk};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What is waited for comes within this time, or never.
const COMES_WITHIN: Duration = Duration::from_secs(20);

pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    let until = Instant::now() + COMES_WITHIN;
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park_timeout(until.saturating_duration_since(Instant::now())),
        }
        assert!(Instant::now() < until, "it does not come");
    }
}

pub(crate) fn note(seq: u64) -> (Seq, Record) {
    let record = Record::Raw { why: format!("note {seq}"), raw: "币安人生USDT".repeat(seq as usize % 5), at: Timestamp(seq) };
    (Seq(seq), record)
}

pub(crate) fn group(from: u64, count: u64) -> Vec<(Seq, Record)> {
    (from..from + count).map(note).collect()
}

fn open(disk: &SimDisk) -> EngineJournal<SimDisk> {
    let (log, _) = Log::open(disk.clone(), &LogOptions::new("main")).unwrap();
    EngineJournal::new(log, QueueLimits::default())
}

pub(crate) fn read(journal: &mut impl Journal) -> (Seq, Vec<(Seq, Record)>) {
    let mut read = Vec::new();
    let last = journal.replay(&mut |seq, record| read.push((seq, record))).unwrap();
    (last, read)
}

#[test]
fn records_come_back_after_the_end_and_after_a_crash() {
    let disk = SimDisk::new();
    let mut journal = open(&disk);
    assert_eq!(read(&mut journal), (Seq(0), Vec::new()));
    let mut watch = journal.watch();
    journal.append(&group(1, 3)).unwrap();
    journal.append(&group(4, 1)).unwrap();
    while wait_for(watch.next()).unwrap() < Seq(4) {}
    drop(journal);
    let mut journal = open(&disk);
    assert_eq!(read(&mut journal), (Seq(4), group(1, 4)));
    let mut watch = journal.watch();
    journal.append(&group(5, 2)).unwrap();
    assert_eq!(wait_for(watch.next()), Ok(Seq(6)));
    disk.kill();
    drop(journal);
    assert_eq!(read(&mut open(&disk)), (Seq(6), group(1, 6)));
}

#[test]
fn a_failed_sync_is_told_to_the_watch_and_to_every_append() {
    let disk = SimDisk::new();
    let mut journal = open(&disk);
    read(&mut journal);
    let mut watch = journal.watch();
    journal.append(&group(1, 1)).unwrap();
    assert_eq!(wait_for(watch.next()), Ok(Seq(1)));
    disk.faults(|faults: &mut Faults| faults.sync_fails_after = Some(0));
    // Queued, and never durable.
    let _ = journal.append(&group(2, 1));
    assert!(matches!(wait_for(watch.next()), Err(JournalError::Failed(_))));
    let first = journal.append(&group(3, 1)).unwrap_err();
    disk.faults(|faults: &mut Faults| *faults = Faults::default());
    assert_eq!(journal.append(&group(3, 1)).unwrap_err(), first);
    drop(journal);
    let (last, _) = read(&mut open(&disk));
    assert!(last >= Seq(1));
}

#[test]
fn numbers_must_follow() {
    let disk = SimDisk::new();
    let mut journal = open(&disk);
    read(&mut journal);
    journal.append(&group(1, 2)).unwrap();
    assert!(journal.append(&group(4, 1)).is_err());
    assert!(journal.append(&group(3, 1)).is_err(), "a defect is latched");
    drop(journal);
    assert_eq!(read(&mut open(&disk)).0, Seq(2));
}

#[test]
fn a_second_writer_and_another_account_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let (main, other) = (AccountId::new("main").unwrap(), AccountId::new("other").unwrap());
    let volatile = OsDiskOptions { allow_volatile: true };
    let open = |account| EngineJournal::open(&path, account, Durability::Sync, volatile).map_err(JournalError::from);
    let (mut journal, _) = open(&main).unwrap();
    read(&mut journal);
    journal.append(&group(1, 1)).unwrap();
    assert!(matches!(open(&main).err(), Some(JournalError::Locked(_))));
    drop(journal);
    assert!(matches!(open(&other).err(), Some(JournalError::Unusable(_))));
    let (mut journal, recovery) = open(&main).unwrap();
    assert!(recovery.closed_clean);
    assert_eq!(read(&mut journal), (Seq(1), group(1, 1)));
}
