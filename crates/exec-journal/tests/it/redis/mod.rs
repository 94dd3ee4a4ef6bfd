//! The journal with a copy on Redis, against real servers that are killed, paused, filled up and emptied.

mod conformance;
mod events;
mod follow;
mod lease;
mod relay;
mod sentinel;
mod servers;
mod starts;
mod tls;

use std::path::Path;
use std::time::{Duration, Instant};

use exec_core::ids::Seq;
use exec_core::journal::{DurableWatch, Journal};
use exec_core::record::Record;
use exec_journal::{Ack, CopyError, LogOptions, OsDisk, OsDiskOptions, RedisOptions, SharedJournal};
use exec_testkit::redis_server::RedisServer;

use crate::port::{group, read, wait_for};

pub(crate) fn options(url: &str, ack: Ack) -> RedisOptions {
    RedisOptions {
        ack,
        environment: "simulated".into(),
        timeout: Duration::from_millis(400),
        patience: Duration::from_millis(800),
        lag_max: Duration::from_millis(300),
        lag_max_records: 1_000,
        ..RedisOptions::new(url, "main")
    }
}

pub(crate) fn open_with(path: &Path, redis: RedisOptions) -> Result<SharedJournal<OsDisk>, CopyError> {
    let log = LogOptions { segment_bytes: 16 * 1024, ..LogOptions::new("main") };
    SharedJournal::open(path, &log, OsDiskOptions { allow_volatile: true }, redis).map(|(journal, _)| journal)
}

pub(crate) fn open(path: &Path, server: &RedisServer, ack: Ack) -> SharedJournal<OsDisk> {
    open_with(path, options(&server.url(), ack)).unwrap()
}

/// A journal that was read back, and its watch.
pub(crate) struct Node {
    pub(crate) journal: SharedJournal<OsDisk>,
    watch: Box<dyn DurableWatch>,
    last: u64,
}

impl Node {
    pub(crate) fn start(path: &Path, server: &RedisServer, ack: Ack) -> Self {
        Self::of(open(path, server, ack))
    }

    pub(crate) fn of(mut journal: SharedJournal<OsDisk>) -> Self {
        let (last, records) = read(&mut journal);
        assert!(
            records.iter().all(|(seq, record)| (*seq, record.clone()) == group(seq.0, 1)[0]),
            "other records than were written"
        );
        Self { watch: journal.watch(), journal, last: last.0 }
    }

    /// Appends so many records, in groups of up to three.
    pub(crate) fn write(&mut self, count: u64) {
        let until = self.last + count;
        while self.last < until {
            let count = (1 + self.last % 3).min(until - self.last);
            self.journal.append(&group(self.last + 1, count)).unwrap();
            self.last += count;
        }
    }

    pub(crate) fn wait_durable(&mut self) {
        let last = self.last;
        while wait_for(self.watch.next()).unwrap() < Seq(last) {}
    }

    /// What the watch says next, and nothing else.
    pub(crate) fn failure(&mut self) -> String {
        loop {
            if let Err(error) = wait_for(self.watch.next()) {
                return error.to_string();
            }
        }
    }

    pub(crate) fn follow(&self) {
        until("redis has what the local journal has", || self.journal.copy().unwrap().records == 0);
    }
}

pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The records that a journal gives back.
pub(crate) fn records(journal: &mut impl Journal) -> Vec<(Seq, Record)> {
    read(journal).1
}

pub(crate) fn stream_length(server: &RedisServer) -> u64 {
    server.command(&["XLEN", "{ex:main}:j"]).trim_start_matches(':').parse().unwrap()
}
