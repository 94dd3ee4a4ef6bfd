//! What a copy on Redis costs: append to durable with `ack = "shared"` and `"local"`, against a raw `XADD` to the same server in turn, which
//! syncs every write; how long after its append an event is in a consumer's hands; and what the order path's thread waits for while the server
//! stands still, against a journal without a copy in turn. Starts its own server; set `JOURNAL_BENCH_DIR` to choose the disk of the log.

#![expect(
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "what it measures are figures to print, and none of them is money"
)]

use std::env;
use std::future::Future;
use std::path::{Path, PathBuf};
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
use exec_journal::{
    Ack, EngineJournal, EventStream, Log, LogOptions, OsDisk, OsDiskOptions, QueueLimits, RedisOptions, SharedJournal,
};
use exec_testkit::redis_server::RedisServer;

const ROUNDS: u64 = 3_000;
const CONSUMED: u64 = 2_000;
/// Each part of the comparison has figures of its own, and the parts show how far they can be trusted.
const PARTS: usize = 9;
const PART: usize = 1_500;
const DISK: OsDiskOptions = OsDiskOptions { allow_volatile: true };
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
struct Node<J> {
    journal: J,
    watch: Box<dyn DurableWatch>,
    last: u64,
}

impl Node<SharedJournal<OsDisk>> {
    fn start(path: &Path, server: &RedisServer, ack: Ack, account: &str) -> Self {
        let redis = RedisOptions { ack, ..RedisOptions::new(server.url(), account) };
        let opened = SharedJournal::open(path, &LogOptions::new(account), DISK, redis);
        Self::of(opened.expect("a journal to measure").0)
    }

    fn publish(&mut self, path: &Path) {
        let at = path.to_owned();
        self.journal.publish(move || OsDisk::open(&at, DISK), Box::new(Each), u64::MAX).expect("a thread that tells");
    }
}

impl<J: Journal> Node<J> {
    fn of(mut journal: J) -> Self {
        journal.replay(&mut |_, _| ()).expect("an empty journal");
        Self { watch: journal.watch(), journal, last: 0 }
    }

    fn append(&mut self, text: &str) -> Duration {
        self.append_both(text).1
    }

    /// From the append until it is written, which an exit waits for, and until it is durable, which an entry does.
    fn append_both(&mut self, text: &str) -> (Duration, Duration) {
        self.last += 1;
        let record = Record::Raw { why: String::from("bench"), raw: text.to_owned(), at: Timestamp(self.last) };
        let begun = Instant::now();
        self.journal.append(&[(Seq(self.last), record)]).expect("an append");
        wait_for(self.journal.written(Seq(self.last)));
        let written = begun.elapsed();
        while wait_for(self.watch.next()).expect("a durable record") < Seq(self.last) {}
        (written, begun.elapsed())
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
fn consumer(path: &Path, server: &RedisServer, text: &str, pace: Duration) -> Vec<Duration> {
    let mut node = Node::start(path, server, Ack::Local, "told");
    node.publish(path);
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

/// Two journals without a copy and one whose server stands still, in turn. The second of the two shows how much chance there is.
fn order_path(dir: &Path, text: &str) {
    let (server, stopped) = (RedisServer::start(), dir.join("stopped"));
    let mut copied = Node::start(&stopped, &server, Ack::Local, "stopped");
    copied.publish(&stopped);
    let alone = |name: &str| {
        let disk = OsDisk::open(dir.join(name), DISK).expect("a directory to measure in");
        let (log, _) = Log::open(disk, &LogOptions::new(name)).expect("a log to measure");
        Node::of(EngineJournal::new(log, QueueLimits::default()))
    };
    let (mut file, mut other) = (alone("file"), alone("other"));
    copied.append(text);
    server.pause();
    let (mut written, mut durable) = (Vec::new(), Vec::new());
    for _ in 0..PARTS {
        let mut took = [const { (Vec::new(), Vec::new()) }; 3];
        for round in 0..PART {
            for turn in 0..3 {
                let which = (round + turn) % 3;
                let (w, d) = match which {
                    0 => file.append_both(text),
                    1 => other.append_both(text),
                    _ => copied.append_both(text),
                };
                took[which].0.push(w);
                took[which].1.push(d);
            }
        }
        written.push([0, 1, 2].map(|which: usize| p99(&mut took[which].0)));
        durable.push([0, 1, 2].map(|which: usize| p99(&mut took[which].1)));
    }
    server.resume();
    println!("the order path while the copy's server stands still: p99 of {PART} records, {PARTS} times, against a file alone");
    for (what, parts) in [("append to written", written), ("append to durable", durable)] {
        for (name, at) in [("another file", 1), ("stopped server", 2)] {
            let mut ratios: Vec<f64> = parts.iter().map(|part| part[at] / part[0]).collect();
            ratios.sort_by(f64::total_cmp);
            let mut alone: Vec<f64> = parts.iter().map(|part| part[0]).collect();
            alone.sort_by(f64::total_cmp);
            println!(
                "  {what}, {name:<15} {:.3} of {:.0} µs (median; from {:.3} to {:.3})",
                ratios[PARTS / 2],
                alone[PARTS / 2],
                ratios[0],
                ratios[PARTS - 1]
            );
        }
    }
}

fn p99(took: &mut [Duration]) -> f64 {
    took.sort();
    took.get(took.len() * 99 / 100).map_or(0.0, |took| took.as_secs_f64() * 1e6)
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
    order_path(dir.path(), &text);
}
