//! Tests of the two threads that speak to Redis, with a local log that can be read back a little later than it was said to be durable, as
//! one can be beside its writer: they wait for it, and keep their connections. What needs no such log is in `tests/it/redis`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use exec_core::books::BooksError;
use exec_core::feed::{EventId, Teller, Told as Event};
use exec_core::ids::Seq;
use exec_core::journal::Journal;
use exec_core::record::{RECORD_VERSION, Record};
use exec_core::snapshot::Snapshot as Books;
use exec_core::time::Timestamp;
use exec_testkit::redis_server::RedisServer;

use super::follower::Follower;
use super::options::RedisOptions;
use super::outlet::Outlet;
use super::pending::{Pending, Waiting};
use super::publisher::Publisher;
use super::source::Source;
use super::store::Writer;
use crate::error::OpenError;
use crate::file_journal::{Notice, QueueLimits};
use crate::log::{Log, LogOptions, RecordRef};
use crate::port::{EngineJournal, Told};
use crate::sim_disk::SimDisk;
use crate::snapshot::Snapshot;

const RECORDS: u64 = 3;

/// A log of a few records, none of which is seen in the first readings.
struct Late {
    readings: u32,
}

impl Source for Late {
    fn span(&mut self) -> Result<(u64, u64), OpenError> {
        Ok((1, RECORDS))
    }
    fn read(&mut self, from: u64, visit: &mut dyn FnMut(u64, &RecordRef<'_>, bool) -> bool) -> Result<(), OpenError> {
        self.readings += 1;
        if self.readings < 6 {
            return Ok(());
        }
        for seq in from..=RECORDS {
            let record = Record::Raw { why: String::from("late"), raw: seq.to_string(), at: Timestamp(seq) };
            let payload = record.encode(Vec::new());
            if !visit(seq, &RecordRef { kind: record.kind(), version: RECORD_VERSION, payload: &payload }, true) {
                break;
            }
        }
        Ok(())
    }
    fn snapshots(&mut self) -> Result<Vec<u64>, OpenError> {
        Ok(Vec::new())
    }
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, OpenError> {
        Ok(None)
    }
    fn snapshot(&mut self, seq: u64) -> Result<Snapshot, OpenError> {
        Err(OpenError::Dropped { asked: seq, first: 1 })
    }
}

struct Each;

impl Teller for Each {
    fn begin(&mut self, _: Option<Books>) {}
    fn read(&mut self, seq: Seq, _: &Record, tell: &mut dyn FnMut(Event)) -> Result<(), BooksError> {
        tell(Event { id: EventId { seq: seq.0, n: 1 }, kind: "note", json: String::from("{}") });
        Ok(())
    }
    fn gap(&self, _: Seq, _: Seq) -> Event {
        panic!("nothing is missing")
    }
}

/// How many connections the server has taken, this one included.
fn connections(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    line.and_then(|n| n.trim().parse().ok()).unwrap()
}

fn wait(what: &str, is_true: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn consumers_are_told_over_one_connection_of_a_record_that_the_log_shows_late() {
    let server = RedisServer::start();
    let outlet = Arc::new(Outlet::new(RECORDS, RECORDS, 1 << 20));
    let options = RedisOptions::new(server.url(), "main");
    let publisher = Publisher::new(&options, 100, Box::new(Late { readings: 0 }), Arc::clone(&outlet), Box::new(Each));
    let before = connections(&server);
    let runs = thread::spawn(move || publisher.run());
    wait("all is told", || outlet.lag().records == 0);
    assert_eq!(connections(&server) - before, 2, "that of the publisher, and this one");
    outlet.close(Instant::now());
    runs.join().unwrap();
    assert_eq!(server.command(&["XLEN", "{ex:main}:events"]), format!(":{RECORDS}"));
}

#[test]
fn the_copy_is_followed_over_one_connection_by_a_record_that_the_log_shows_late() {
    let server = RedisServer::start();
    let pending = Arc::new(Pending::new(0, 1 << 20));
    let follower = Follower {
        options: RedisOptions::new(server.url(), "main"),
        writer: Writer { epoch: 1, word: String::from("this life") },
        source: Box::new(Late { readings: 0 }),
        pending: Arc::clone(&pending),
        told: Arc::new(Told::from(0)),
        store: None,
        head: None,
        waiting: Waiting::default(),
        troubled: false,
    };
    let before = connections(&server);
    pending.durable(RECORDS);
    let runs = thread::spawn(move || follower.run());
    wait("all is followed", || pending.lag(u64::MAX, Duration::MAX).records == 0);
    assert_eq!(connections(&server) - before, 2, "that of the follower, and this one");
    pending.close(Instant::now());
    runs.join().unwrap();
    assert_eq!(server.command(&["XLEN", "{ex:main}:j"]), format!(":{RECORDS}"));
}

#[test]
fn whoever_hears_that_a_record_is_durable_finds_it_in_memory() {
    let (log, _) = Log::open(SimDisk::new(), &LogOptions::new("main")).unwrap();
    let mut journal = EngineJournal::new(log, QueueLimits::default());
    let durable = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&durable);
    journal.listen(Box::new(move |notice| {
        if let Notice::Durable(seq) = notice {
            heard.store(*seq, Ordering::SeqCst);
        }
    }));
    journal.replay(&mut |_, _| ()).unwrap();
    for seq in 1..=3 {
        let record = Record::Raw { why: String::from("early"), raw: String::new(), at: Timestamp(seq) };
        let mut seen = 0;
        let appended = journal.append_and(&[(Seq(seq), record)], &mut |first, records| {
            // Its thread has all the time it could want.
            thread::sleep(Duration::from_millis(20));
            assert!(durable.load(Ordering::SeqCst) < first.0, "it is durable before it is in memory");
            seen += records.len();
        });
        appended.unwrap();
        assert_eq!(seen, 1);
        wait("it is durable", || durable.load(Ordering::SeqCst) == seq);
    }
}
