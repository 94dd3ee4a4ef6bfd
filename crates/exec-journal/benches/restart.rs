//! What a restart costs: a million records that leave ten thousand orders open, read from the log alone and from a snapshot, with the
//! orders that have ended kept and let go. Each reading is done by a process of its own, so that its memory is its own. Set
//! `JOURNAL_BENCH_DIR` to choose the disk.

#![expect(
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "what it measures are figures to print, and none of them is money"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use exec_core::engine::Engine;
use exec_core::ids::{Epoch, IntentId, OrderId, Seq, TradeId};
use exec_core::journal::Journal;
use exec_core::order::event::{AttemptHeader, OrderEvent};
use exec_core::record::{Record, TradeCursor};
use exec_core::report::{Fill, Source};
use exec_core::time::{Timestamp, VenueTime};
use exec_core::units::{PositionMode, Side};
use exec_journal::{Durability, EngineJournal, LogOptions, OsDisk, OsDiskOptions};
use exec_testkit::fixtures::{cl_ord_id, config, instrument_id, intent, limit, price, profile, qty, strategy_id};

const RECORDS: u64 = 1_000_000;
const OPEN: u64 = 10_000;
/// Asked for, fixed, accepted, three trades, and every so often what a strategy has seen.
const RECORDS_EACH: u64 = 7;
const DISK: OsDiskOptions = OsDiskOptions { allow_volatile: true };

fn main() {
    let args: Vec<String> = env::args().collect();
    if let [_, verb, dir] = &args[..]
        && verb == "read"
    {
        return read(Path::new(dir));
    }
    // `cargo bench` hands its filter on; this is one measurement.
    let at = env::var_os("JOURNAL_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    for (name, lets_go) in [("ended orders kept", false), ("ended orders let go", true)] {
        let dir = tempfile::tempdir_in(&at).expect("a directory to measure in");
        let path = dir.path().join("journal");
        write(&path, lets_go);
        println!("{name}");
        measure("  from the log alone", &path);
        snapshot(&path);
        measure("  from the snapshot", &path);
    }
}

fn engine() -> Engine {
    Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), profile())
}

fn open(path: &Path) -> EngineJournal<OsDisk> {
    let account = engine().config().account.clone();
    let options = LogOptions { durability: Durability::Os, segments_kept: usize::MAX, ..LogOptions::new(account.as_str()) };
    EngineJournal::open_with(path, &options, DISK).expect("the journal opens").0
}

/// A journal of orders that were filled in three trades each, but for the last ones, which stand at the venue.
fn write(path: &Path, lets_go: bool) {
    let mut journal = open(path);
    let (mut seq, mut group) = (0, Vec::new());
    let mut ended = Vec::new();
    let instrument = instrument_id("BTCUSDT");
    let orders = (RECORDS - OPEN * 3) / RECORDS_EACH + OPEN;
    for n in 1..=orders {
        let stays_open = n > orders - OPEN;
        for record in order(n, seq, stays_open) {
            seq += 1;
            group.push((Seq(seq), record));
        }
        if !stays_open {
            ended.push(IntentId(u128::from(n)));
        }
        if ended.len() == 500 && lets_go {
            let cursor = TradeCursor { instrument: instrument.clone(), after: Some(trade(n, 2)), at: VenueTime(n as i64) };
            for record in
                [Record::TradeCursor(cursor), Record::LetGo { orders: std::mem::take(&mut ended), before: VenueTime(n as i64) }]
            {
                seq += 1;
                group.push((Seq(seq), record));
            }
        }
        if group.len() > 500 || n == orders {
            journal.append(&group).expect("an append");
            group.clear();
            // The queue is for a node, not for a million at once.
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }
}

fn trade(order: u64, nth: u64) -> TradeId {
    TradeId::from_number(order * 3 + nth)
}

fn order(n: u64, seq: u64, stays_open: bool) -> Vec<Record> {
    let id = cl_ord_id(&format!("x-{n:020}"));
    let fact = |event| Record::Order { intent: IntentId(n.into()), at: Timestamp(n), source: Source::Stream, event };
    let header = AttemptHeader {
        number: 0,
        timestamp: VenueTime(n as i64),
        recv_window_ms: 2_000,
        epoch: Epoch(1_000_000),
        qty: Some(qty("3")),
        replaces: None,
    };
    let mut records = vec![
        Record::Intent(intent(n.into(), limit(Side::Buy, qty("3"), price("99.5")))),
        fact(OrderEvent::Attempted { cl_ord_id: id, header }),
        fact(OrderEvent::Accepted { cl_ord_id: id, order_id: Some(OrderId::from_number(n)), algo_id: None }),
    ];
    if !stays_open {
        records.extend((0..3).map(|nth| {
            let fill = Fill {
                trade_id: trade(n, nth),
                price: price("99.5"),
                qty: qty("1"),
                side: Side::Buy,
                maker: true,
                leg: None,
                fee: None,
                realized: None,
                at: VenueTime(n as i64),
            };
            fact(OrderEvent::Executed { cl_ord_id: id, fill })
        }));
        records.push(Record::Cursor { strategy: strategy_id(), seen: Seq(seq + 6), state: None });
    }
    records
}

/// Reads the journal as a start does, and gives it a snapshot.
fn snapshot(path: &Path) {
    let mut journal = open(path);
    let engine = start(&mut journal);
    let begun = Instant::now();
    let snapshot = engine.snapshot();
    let taken = begun.elapsed();
    let begun = Instant::now();
    let bytes = snapshot.encode().len();
    println!(
        "  a snapshot: taken in {taken:.1?} by the engine's thread, encoded in {:.1?} by another, {bytes} bytes",
        begun.elapsed()
    );
    journal.keep(snapshot);
}

fn start(journal: &mut EngineJournal<OsDisk>) -> Engine {
    let mut engine = engine();
    if let Some(snapshot) = journal.newest_snapshot().expect("it is sound") {
        engine.restore(snapshot).expect("it is of this account");
    }
    journal.replay(&mut |seq, record| engine.replay(seq, &record).expect("it fits")).expect("it is sound");
    engine
}

fn measure(name: &str, path: &Path) {
    let this = env::current_exe().expect("this program");
    let told = Command::new(this).arg("read").arg(path).output().expect("it runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    println!("{name}: {}", String::from_utf8_lossy(&told.stdout).trim());
}

/// What a start does before it asks the venue anything.
fn read(path: &Path) {
    let begun = Instant::now();
    let mut journal = open(path);
    let opened = begun.elapsed();
    let engine = start(&mut journal);
    let all = begun.elapsed();
    let books = engine.books();
    println!(
        "core ready in {all:.2?}, {:.2} s of processor time (of it opening and checking the log {opened:.2?}); {} records, {} orders, {} open; \
         memory {} MiB, at its highest {} MiB",
        processor(),
        books.seq(),
        books.orders().count(),
        books.open_count(),
        memory("VmRSS"),
        memory("VmHWM"),
    );
}

/// Seconds that this process was on a processor: on a busy machine the figure to compare.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time, in hundredths.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A figure of this process, as Linux tells it.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib / 1024)
}
