//! What the shell adds to the engine: from a price to the venue's transport, and one event of the private stream through the loop.
//! The venue answers at once and the journal is in memory, so what is left is ours.

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exec_core::{
    ids::{InstrumentId, OrderId, Seq},
    instrument::Instrument,
    journal::{DurableWatch, Journal, JournalError, Written},
    order::intent::Handling,
    record::Record,
    report::{MassStatus, OrderReport, PositionReport, PriceReport, Quote, Report, ReportBody, VenueStatus},
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{
        Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, Lookup, MarketNews, OrderRef, PriceFeed,
        PriceSource, QueryError, Replace, ReportFeed, Restriction, Trades, TradesFrom, Unrecognised, VenueProfile,
    },
};
use exec_runtime::{Account, AccountHandle, Latencies, Node};
use exec_testkit::fixtures::{config, instrument, instrument_id, price, profile, qty, strategy_id};
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
};

/// A venue that has nothing to do.
#[derive(Clone)]
struct Idle {
    profile: VenueProfile,
    submits: Arc<watch::Sender<u64>>,
    reports: Arc<Mutex<Option<mpsc::Sender<Report>>>>,
    prices: Arc<Mutex<Option<mpsc::Sender<PriceReport>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn never<T>() -> Result<T, QueryError> {
    Err(QueryError::Unavailable(String::from("nothing asks for this here")))
}

#[async_trait]
impl ExecutionVenue for Idle {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }
    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        Ok(vec![instrument("BTCUSDT")])
    }
    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError> {
        let (sender, receiver) = mpsc::channel(1024);
        *lock(&self.reports) = Some(sender);
        Ok(Box::new(Reports(receiver)))
    }
    async fn submit(&self, attempt: Attempt) -> CommandResult {
        self.submits.send_modify(|n| *n += 1);
        let order = u64::from(attempt.cl_ord_id.as_str().len() as u8) << 32 | *self.submits.borrow();
        Ok(Box::new(OrderReport {
            cl_ord_id: Some(attempt.cl_ord_id),
            order_id: Some(OrderId::from_number(order)),
            algo_id: None,
            instrument: attempt.terms.instrument.clone(),
            side: attempt.terms.side,
            leg: Some(attempt.terms.leg),
            status: VenueStatus::Canceled,
            kind: Some(attempt.terms.kind),
            qty: attempt.terms.qty,
            reduce_only: true,
            close_all: false,
            cum_qty: None,
            avg_px: None,
            updated: attempt.timestamp,
            created: Some(attempt.timestamp),
            fill: None,
            replaced_by: None,
            text: None,
            made_by: None,
            activated: false,
        }))
    }
    async fn batch(&self, _: Batch) -> Vec<CommandResult> {
        Vec::new()
    }
    async fn positions(&self, _: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        Ok(Vec::new())
    }
    fn unrecognised(&self) -> Vec<Unrecognised> {
        Vec::new()
    }
    async fn replace(&self, _: Replace) -> CommandResult {
        Err(CommandError::NotSent(String::new()))
    }
    async fn cancel(&self, _: Cancel) -> CommandResult {
        Err(CommandError::NotSent(String::new()))
    }
    async fn cancel_all(&self, _: CancelAll) -> Result<(), CommandError> {
        Ok(())
    }
    async fn order_status(&self, _: OrderRef) -> Result<Lookup, QueryError> {
        never()
    }
    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        Ok(MassStatus {
            asked: VenueTime(0),
            mode: PositionMode::Netting,
            open_orders: Vec::new(),
            positions: Vec::new(),
            balances: Vec::new(),
            high_water: instruments.iter().map(|i| (i.clone(), None)).collect(),
        })
    }
    async fn restrictions(&self, _: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        Ok(Vec::new())
    }
    async fn trades_since(&self, _: &InstrumentId, _: TradesFrom) -> Result<Trades, QueryError> {
        Ok(Trades { trades: Vec::new(), complete: true })
    }
}

#[async_trait]
impl PriceSource for Idle {
    async fn open_prices(&self, _: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError> {
        let (sender, receiver) = mpsc::channel(1024);
        *lock(&self.prices) = Some(sender);
        Ok(Box::new(Prices(receiver)))
    }
}

struct Reports(mpsc::Receiver<Report>);
struct Prices(mpsc::Receiver<PriceReport>);

#[async_trait]
impl ReportFeed for Reports {
    async fn next(&mut self) -> Result<Report, QueryError> {
        self.0.recv().await.map_or_else(never, Ok)
    }
}

#[async_trait]
impl PriceFeed for Prices {
    async fn next(&mut self) -> Result<MarketNews, QueryError> {
        self.0.recv().await.map(MarketNews::Price).map_or_else(never, Ok)
    }
}

/// A journal that keeps nothing and says so at once.
struct Void(watch::Sender<Seq>);
struct VoidWatch(watch::Receiver<Seq>);

impl Journal for Void {
    fn replay(&mut self, _: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError> {
        Ok(Seq(0))
    }
    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError> {
        if let Some((last, _)) = group.last() {
            self.0.send_replace(*last);
        }
        Ok(())
    }
    fn written(&mut self, _: Seq) -> Written {
        Box::pin(std::future::ready(()))
    }
    fn watch(&mut self) -> Box<dyn DurableWatch> {
        Box::new(VoidWatch(self.0.subscribe()))
    }
}

#[async_trait]
impl DurableWatch for VoidWatch {
    async fn next(&mut self) -> Result<Seq, JournalError> {
        self.0.changed().await.map_err(|_| JournalError::Failed(String::from("gone")))?;
        Ok(*self.0.borrow_and_update())
    }
}

/// Answers each price with an order.
struct Answering {
    opens: bool,
}

impl Strategy for Answering {
    fn on_price(&mut self, ctx: &mut Context<'_>, instrument: &InstrumentId) {
        let (side, intention) = if self.opens { (Side::Buy, Intention::Open) } else { (Side::Sell, Intention::Reduce) };
        let terms = Terms {
            instrument: instrument.clone(),
            side,
            leg: PositionSide::Net,
            intention,
            qty: Some(qty("0.1")),
            kind: OrderKind::Market,
            stp: None,
        };
        // A busy machine may stall for long; the figures say so, and the benchmark goes on.
        ctx.submit_with(terms, Handling { max_age_ms: 60_000, ..Handling::default() });
    }
}

fn node(opens: bool) -> (Runtime, Idle, AccountHandle) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let venue =
        Idle { profile: profile(), submits: Arc::new(watch::Sender::new(0)), reports: Arc::default(), prices: Arc::default() };
    let account = Account::new(
        config(PositionMode::Netting, &["BTCUSDT"]),
        Arc::new(venue.clone()),
        Box::new(Void(watch::Sender::default())),
    )
    .prices(Arc::new(venue.clone()))
    .strategy(strategy_id(), Box::new(Answering { opens }));
    let node = Node::builder().account(account).build().unwrap();
    let handle = node.handle().accounts()[0].clone();
    runtime.spawn(node.run(std::future::pending::<()>()));
    assert!(runtime.block_on(handle.live()));
    while lock(&venue.prices).is_none() {
        runtime.block_on(tokio::task::yield_now());
    }
    (runtime, venue, handle)
}

async fn orders(venue: &Idle, count: u64) -> Duration {
    let prices = lock(&venue.prices).clone().unwrap();
    let mut submits = venue.submits.subscribe();
    let begin = Instant::now();
    for _ in 0..count {
        let before = *submits.borrow_and_update();
        let quote = Quote { bid: Some(price("100")), ask: None, mark: Some(price("100")) };
        prices.send(PriceReport { instrument: instrument_id("BTCUSDT"), quote }).await.unwrap();
        submits.wait_for(|n| *n > before).await.unwrap();
    }
    begin.elapsed()
}

async fn events(venue: &Idle, handle: &AccountHandle, count: u64) -> Duration {
    let reports = lock(&venue.reports).clone().unwrap();
    let begin = Instant::now();
    for _ in 0..count {
        let body = ReportBody::Irrelevant { name: String::new() };
        reports.send(Report { sent: None, body }).await.unwrap();
    }
    // The operator is served between the events; he comes last when all are through.
    let done = handle.control().ask("bench", exec_runtime::control::Ask::Balances {}).await;
    assert!(done.is_ok());
    while reports.capacity() < reports.max_capacity() {
        tokio::task::yield_now().await;
    }
    begin.elapsed()
}

#[expect(clippy::print_stdout, reason = "criterion cannot report the percentiles that the node itself measures")]
fn report(name: &str, figures: &Latencies) {
    println!("{name}: command to wire {:?}, ack {:?}", figures.command_to_wire, figures.ack);
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("shell");
    group.throughput(Throughput::Elements(1));
    for (name, opens) in [("price_to_exit_at_the_venue", false), ("price_to_entry_at_the_venue", true)] {
        let (runtime, venue, handle) = node(opens);
        group.bench_function(name, |b| b.iter_custom(|count| runtime.block_on(orders(&venue, count))));
        let figures = handle.latencies();
        report(name, &figures);
    }
    let (runtime, venue, handle) = node(false);
    group.bench_function("event_through_the_loop", |b| b.iter_custom(|count| runtime.block_on(events(&venue, &handle, count))));
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
