//! `demo`: a node trades on the built-in exchange over the wire, is killed, comes back, and its books are compared with the
//! exchange's own ledger. In this process: the exchange and the comparison. The node is a process of its own.

mod act;
mod guard;
mod strategy;

use crate::{
    args::Demo,
    failure::Failure,
    play::{
        child::Role,
        compare::{Line, compare},
        forgetful::Forgetful,
        stage::{Exchange, Owner, Tempo, Way},
        tally::{DoubtWatch, Doubts, ENDINGS, Statuses},
        wire::WireWatch,
    },
    screen,
};
use exec_core::{books::Books, cl_ord_id::Tag, ids::AccountId, order::event::RequestState};
use guard::Guards;
use node_config::NodeFactory;
use std::path::{Path, PathBuf};
use strategy::DemoStrategy;
use tokio::time::Instant;

const TEMPO: Tempo =
    Tempo { order_recv_window_ms: 1_000, engine_margin_ms: 200, visibility_ms: 100, flow_ms: 100, pace_ms: 90, weight_1m: 2_400 };

/// So many orders each account makes.
const STEPS: u32 = 62;
/// Fewer of one kind of ending would prove little.
const ENDINGS_LEAST: usize = 5;
const ORDERS_LEAST: usize = 40;
const MISSED_LEAST: usize = 3;

const NETTING: Owner = Owner { key: "demo-netting-key", secret: "demoNettingQ7v2Lx9sTz4KcW8mHj3RbYp6NfDg5UaEe1", hedge: false };
const HEDGING: Owner = Owner { key: "demo-hedging-key", secret: "demoHedgingB5t8Vn3kXw6PzJ9cLq2MrYs7GhFd4TaUe0", hedge: true };

/// Adds the demonstration's strategy to a factory, under the name that its config says.
pub(crate) fn register(factory: NodeFactory) -> NodeFactory {
    factory.strategy("demo", |entry| Ok(Box::new(DemoStrategy::new(entry)?)))
}

pub(crate) async fn run(args: &Demo) -> Result<(), Failure> {
    let interrupted = node_config::signals().map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    tokio::select! {
        biased;
        // Dropped in the middle, the demonstration takes its node and its folder with it.
        signal = interrupted => Err(Failure::Refused(format!("\n{signal}: the demonstration is over before its end"))),
        played = perform(args) => played,
    }
}

async fn perform(args: &Demo) -> Result<(), Failure> {
    let began = Instant::now();
    let kept = Folder::open(args.keep.as_deref())?;
    let exchange = Exchange::open(args.seed, TEMPO, &[NETTING, HEDGING]).await?;
    let (url, symbols) = (exchange.rest_url(), exchange.symbols.join(", "));
    screen::say(format!("The built-in exchange listens at {url}, seed {}: {symbols}", args.seed));
    screen::say("The node is a process of its own; it speaks Binance's REST and WebSocket to it.");

    let mut results = Vec::new();
    for (account, owner, way, title) in [
        ("netting", NETTING, Way::There(500), "NETTING: one position per instrument"),
        ("hedging", HEDGING, Way::Back, "HEDGING: a long and a short leg per instrument, both open"),
    ] {
        screen::say(format!("\n{title}"));
        let role = Role { account, owner, seed: args.seed, steps: STEPS };
        let played = act::play(&exchange, &kept.path.join(account), &role, way).await?;
        results.push((account, owner, played));
    }

    screen::say("\nThe journals, replayed, against the exchange's own ledger");
    let (mut all_equal, mut statuses, mut doubts) = (true, Statuses::default(), Doubts::default());
    let (mut changed, mut in_parts, mut guards) = (0, 0, Guards::default());
    let mut forgetful = Forgetful::of(args.skip_fill);
    for (account, owner, played) in &results {
        let read = replay(&played.journal, account, &mut forgetful)?;
        for line in compare(&read.books, &exchange.ledger(*owner)?, &Exchange::deposits()) {
            all_equal &= line.is_equal();
            show(account, &line);
        }
        for line in &read.wire {
            screen::say(format!("  {account}           {line}"));
        }
        if read.wire.is_empty() {
            screen::say(format!(
                "  {account}           on the wire at the kill: an answer only; the private stream had told of its order before"
            ));
        }
        changed += read.books.orders().filter(|o| o.replaces().values().any(|r| r.state == RequestState::Accepted)).count();
        in_parts += read.books.orders().filter(|o| o.fills().count() > 1).count();
        guards.add(&Guards::of_books(&read.books));
        statuses.add(&Statuses::of_books(&read.books));
        doubts.add(&read.doubts);
    }
    if let Some(violation) = exchange.violation() {
        all_equal = false;
        screen::say(format!("  DIFFERS the exchange's own sums: {violation}"));
    }
    screen::say(format!("\n{statuses}"));
    screen::say(format!("changed while working: {changed}; filled in several trades: {in_parts}"));
    screen::say(guards.to_string());
    let mut short = summary(&statuses, &doubts, results.iter().flat_map(|(_, _, played)| &played.last_words));
    short.extend(guards.too_little());
    for (account, _, played) in &results {
        if played.missed < MISSED_LEAST {
            short.push(format!("{account}: {} fills while the node was dead, at least {MISSED_LEAST} are wanted", played.missed));
        }
        if played.found < played.missed {
            short.push(format!("{account}: the gate opened with {} of {} missed fills found", played.found, played.missed));
        }
    }
    if let Some(folder) = &args.keep {
        screen::say(format!("Journals and logs are in {}", folder.display()));
    }
    for reason in &short {
        screen::say(format!("TOO LITTLE: {reason}"));
    }
    screen::say(format!(
        "\n{} after {:.0} s",
        if all_equal && short.is_empty() { "EQUAL" } else { "NOT EQUAL" },
        began.elapsed().as_secs_f32()
    ));
    if all_equal && short.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn show(account: &str, line: &Line) {
    screen::say(format!("  {account}  {line}"));
    for difference in line.differences.iter().take(8) {
        screen::say(format!("             {difference}"));
    }
    if line.differences.len() > 8 {
        screen::say(format!("             and {} more", line.differences.len() - 8));
    }
}

/// Prints what happened in figures. Returns what was too little to prove anything.
fn summary<'w>(statuses: &Statuses, doubts: &Doubts, last_words: impl Iterator<Item = &'w serde_json::Value>) -> Vec<String> {
    let mut short = Vec::new();
    for (_, word, text) in ENDINGS {
        let count = statuses.of(word);
        if count < ENDINGS_LEAST {
            short.push(format!("{count} orders {text}, at least {ENDINGS_LEAST} are wanted"));
        }
    }
    if statuses.total() < ORDERS_LEAST {
        short.push(format!("{} orders, at least {ORDERS_LEAST} are wanted", statuses.total()));
    }
    screen::say(format!(
        "in doubt for a while: {}; of these {} had arrived, {} were refused, {} proven never to have arrived; the longest {} s",
        doubts.total(),
        doubts.arrived,
        doubts.refused,
        doubts.never,
        screen::seconds(u128::from(doubts.longest_ms))
    ));
    if doubts.open > 0 {
        short.push(format!("{} orders are still in doubt", doubts.open));
    }
    let words: Vec<&serde_json::Value> = last_words.collect();
    for (name, what) in [("command_to_wire", "strategy's call to wire, journal synced"), ("ack", "wire to the exchange's answer")]
    {
        let figures = words.iter().map(|status| &status["latencies"][name]);
        let worst = |field: &str| figures.clone().filter_map(|f| f[field].as_u64()).max().unwrap_or(0) / 1000;
        let count: u64 = figures.clone().filter_map(|f| f["count"].as_u64()).sum();
        screen::say(format!(
            "{what}: median {} µs, p99 {} µs ({count} orders, the slowest of the node's four lives)",
            worst("p50_ns"),
            worst("p99_ns")
        ));
    }
    short
}

/// A journal, read back.
struct Read {
    books: Books,
    doubts: Doubts,
    /// What became of the orders that were on the wire at the kill.
    wire: Vec<String>,
}

/// Replays a journal into books, as a node does at its start. `forgetful` may forget a fill, counted over all journals.
fn replay(journal: &Path, account: &str, forgetful: &mut Forgetful) -> Result<Read, Failure> {
    let account = AccountId::new(account).map_err(|error| Failure::Refused(error.to_string()))?;
    let tag = Tag::new("DEMO").map_err(|error| Failure::Refused(error.to_string()))?;
    let (mut books, mut watch, mut wire) = (Books::new(account, tag), DoubtWatch::default(), WireWatch::default());
    node_config::visit_journal(journal, |seq, mut record| {
        forgetful.pass(&mut record);
        watch.see(&record);
        wire.see(&record);
        books.apply(seq, &record).map(|_| ())
    })?;
    let (doubts, wire) = (watch.close(&books), wire.close(&books));
    Ok(Read { books, doubts, wire })
}

/// Where journals and logs go: a folder that is kept, or one that goes with the demonstration.
struct Folder {
    path: PathBuf,
    /// Deletes the folder when it is dropped.
    _goes: Option<tempfile::TempDir>,
}

impl Folder {
    fn open(keep: Option<&Path>) -> Result<Self, Failure> {
        let broken = |error: std::io::Error| Failure::Refused(format!("no folder for the journals: {error}"));
        match keep {
            Some(path) if path.join("netting").exists() => {
                Err(Failure::Usage(format!("{} has a demonstration in it already; name an empty folder", path.display())))
            }
            Some(path) => {
                std::fs::create_dir_all(path).map_err(broken)?;
                Ok(Self { path: path.canonicalize().map_err(broken)?, _goes: None })
            }
            None => {
                let folder = tempfile::Builder::new().prefix("exec-node-demo-").tempdir().map_err(broken)?;
                Ok(Self { path: folder.path().to_owned(), _goes: Some(folder) })
            }
        }
    }
}
