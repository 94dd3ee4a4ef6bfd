//! What a copy on Redis costs: append to durable with `ack = "shared"` and `"local"`, against a raw `XADD` to the same server in turn, which
//! syncs every write; and how long after its append an event is in a consumer's hands. Starts its own server; set `JOURNAL_BENCH_DIR` to choose the disk of the log.

#![expect(
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "what it measures are figures to print, and none of them is money"
)]

use std::env;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use exec_core::books::BooksError;
use exec_core::feed::{EventId, Teller, Told};
use exec_core::ids::Seq;
use exec_core::journal::{DurableWatch, Journal};
use exec_core::record::Record;
use exec_core::snapshot::Snapshot;
use exec_core::time::Timestamp;
use exec_journal::{Ack, EventStream, LogOptions, OsDisk, OsDiskOptions, RedisOptions, SharedJournal};
use exec_testkit::redis_server::RedisServer;

const ROUNDS: u64 = 3_000;
const CONSUMED: u64 = 2_000;
/// With its head a record of some 300 bytes.
const TEXT: usize = 280;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A journal and how far it is.
struct Node {
    journal: SharedJournal<exec_journal::OsDisk>,
    watch: Box<dyn DurableWatch>,
    last: u64,
}

impl Node {
    fn start(path: &std::path::Path, server: &RedisServer, ack: Ack, account: &str) -> Self {
        let redis = RedisOptions { ack, ..RedisOptions::new(server.url(), account) };
        let opened = SharedJournal::open(path, &LogOptions::new(account), OsDiskOptions { allow_volatile: true }, redis);
        let (mut journal, _) = opened.expect("a journal to measure");
        journal.replay(&mut |_, _| ()).expect("an empty journal");
        Self { watch: journal.watch(), journal, last: 0 }
    }

    fn append(&mut self, text: &str) -> Duration {
        let begun = Instant::now();
        self.last += 1;
        let record = Record::Raw { why: String::from("bench"), raw: text.to_owned(), at: Timestamp(self.last) };
        self.journal.append(&[(Seq(self.last), record)]).expect("an append");
        while wait_for(self.watch.next()).expect("a durable record") < Seq(self.last) {}
        begun.elapsed()
    }
}

/// Tells of each record once, in so many bytes.
struct Each;

impl Teller for Each {
    fn begin(&mut self, _: Option<Snapshot>) {}
    fn read(&mut self, seq: Seq, record: &Record, tell: &mut dyn FnMut(Told)) -> Result<(), BooksError> {
        let json = if let Record::Raw { raw, .. } = record { raw.clone() } else { String::new() };
        tell(Told { id: EventId { seq: seq.0, n: 1 }, kind: "bench", json });
        Ok(())
    }
    fn gap(&self, _: Seq, until: Seq) -> Told {
        Told { id: EventId { seq: until.0, n: 0 }, kind: "gap", json: String::new() }
    }
}

/// From each append to the moment at which a consumer that follows has its event, at one record in this time.
fn consumer(path: &std::path::Path, server: &RedisServer, text: &str, pace: Duration) -> Vec<Duration> {
    let mut node = Node::start(path, server, Ack::Local, "told");
    let disk = OsDiskOptions { allow_volatile: true };
    let at = path.to_owned();
    node.journal.publish(move || OsDisk::open(&at, disk), Box::new(Each), u64::MAX).expect("a thread that tells");
    let mut stream = EventStream::open(&RedisOptions::new(server.url(), "told")).expect("a consumer");
    let reader = std::thread::spawn(move || {
        let (mut came, mut after) = (Vec::new(), EventId::default());
        while after.seq < CONSUMED {
            for event in stream.read(after, Duration::from_secs(1)).expect("events") {
                came.push(Instant::now());
                after = event.id;
            }
        }
        came
    });
    let begun = Instant::now();
    let mut appended = Vec::new();
    for n in 1..=CONSUMED {
        let due = begun + pace * u32::try_from(n).unwrap_or(u32::MAX);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        appended.push(Instant::now());
        node.append(text);
    }
    let came = reader.join().expect("a consumer that reads to the end");
    appended.iter().zip(came).map(|(appended, came)| came.duration_since(*appended)).collect()
}

fn main() {
    let at = env::var_os("JOURNAL_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(&at).expect("a directory to measure in");
    let server = RedisServer::start();
    let mut shared = Node::start(&dir.path().join("shared"), &server, Ack::Shared, "shared");
    let mut local = Node::start(&dir.path().join("local"), &server, Ack::Local, "local");
    let client = redis::Client::open(server.url()).expect("an address");
    let mut raw = client.get_connection().expect("a connection");
    let text = "x".repeat(TEXT);
    let mut figures = [("raw XADD", Vec::new()), ("ack = \"shared\"", Vec::new()), ("ack = \"local\"", Vec::new())];
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        redis::cmd("XADD").arg("raw").arg("*").arg("r").arg(&text).exec(&mut raw).expect("an XADD");
        let took = [begun.elapsed(), shared.append(&text), local.append(&text)];
        for ((_, all), took) in figures.iter_mut().zip(took) {
            all.push(took);
        }
    }
    println!("append to durable, {ROUNDS} records in turn");
    for (name, all) in &mut figures {
        all.sort();
        let at = |part: usize| all.get(all.len() * part / 100).map_or(0.0, |took| took.as_secs_f64() * 1e6);
        println!("  {name:<16} p50 {:>8.0} µs, p99 {:>8.0} µs", at(50), at(99));
    }
    let mut lags = consumer(&dir.path().join("told"), &server, &text, Duration::from_millis(10));
    lags.sort();
    let at = |part: usize| lags.get(lags.len() * part / 100).map_or(0.0, |lag| lag.as_secs_f64() * 1e6);
    println!("append to a consumer's hands, {CONSUMED} records at 100 a second");
    println!("  {:<16} p50 {:>8.0} µs, p99 {:>8.0} µs", "an event", at(50), at(99));
}
