//! A whole node over the adapter's own bytes, pipes in memory and the built-in exchange with its limits, on a paused clock. No faults
//! of its own, no test: what goes wrong is armed at the exchange.

use async_trait::async_trait;
use binance_adapter::{
    BinanceUsdm, Credentials, Settings,
    dialer::{BoxedStream, Dialer},
    environment::Environment,
    rate::{Hold, HoldStore},
};
use exchange_sim::{
    AccountSpec,
    face::{Answer, Face, FaceConfig, Fault, FaultKind, RequestFault, RequestFilter},
    ledger::Ledger,
};
use exec_core::{
    conversation::{InDoubt, OrderUpdate},
    engine::config::{EngineConfig, StrategyConfig},
    ids::{IntentId, Seq, StrategyId},
    journal::{DurableWatch, Journal, JournalError, Written},
    kill::KillLevel,
    order::{event::OrderEvent, status::OrdStatus},
    record::Record,
    strategy::{Context, Strategy},
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce},
    time::{Timestamp, VenueTime},
    units::{PositionMode, PositionSide, Side},
};
use exec_runtime::{
    Account, AccountHandle, Clock, ExitSummary, Node, NodeError, RuntimeConfig,
    control::{Ask, Reply},
};
use exec_testkit::fixtures::{config, instrument_id, price, qty, strategy_id};
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

pub(crate) const KEY: &str = "wiredkey";
const SECRET: &str = "wiredsecret";
/// 2027-01-15 08:00:00 UTC: the beginning of a minute.
pub(crate) const START_MS: u64 = 1_800_000_000_000;
/// How often the test's own strategy does what it is told.
const TURN_MS: u64 = 10;

/// Dials the exchange in memory, as long as the process lives that dials.
struct Pipes {
    face: Face,
}

#[async_trait]
impl Dialer for Pipes {
    async fn dial(&self, _host: &str, _port: u16) -> io::Result<BoxedStream> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let face = self.face.clone();
        tokio::spawn(async move { face.serve_connection(theirs).await });
        Ok(Box::new(ours))
    }
}

/// A journal that outlives the node and nothing else; the disk takes a millisecond.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<(Seq, Record)>>>, Option<Arc<watch::Sender<u64>>>, Arc<AtomicBool>);

impl Paper {
    /// From here on nothing can be written.
    pub(crate) fn fill_up(&self) {
        self.2.store(true, Ordering::SeqCst);
    }

    /// Everything that was written.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap().iter().map(|(_, record)| record.clone()).collect()
    }
}

impl Journal for Paper {
    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError> {
        let records = self.0.lock().unwrap();
        records.iter().for_each(|(seq, record)| visit(*seq, record.clone()));
        Ok(records.last().map_or(Seq(0), |(seq, _)| *seq))
    }
    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError> {
        if self.2.load(Ordering::SeqCst) {
            return Err(JournalError::Failed("no space left on device".into()));
        }
        self.0.lock().unwrap().extend_from_slice(group);
        let last = group.last().map_or(0, |(seq, _)| seq.0);
        if let Some(told) = &self.1 {
            told.send_if_modified(|told| std::mem::replace(told, last.max(*told)) < last);
        }
        Ok(())
    }
    fn written(&mut self, _seq: Seq) -> Written {
        Box::pin(async {})
    }
    fn watch(&mut self) -> Box<dyn DurableWatch> {
        let sender = watch::Sender::new(0);
        let news = sender.subscribe();
        self.1 = Some(Arc::new(sender));
        Box::new(Disk(news))
    }
}

struct Disk(watch::Receiver<u64>);

#[async_trait]
impl DurableWatch for Disk {
    async fn next(&mut self) -> Result<Seq, JournalError> {
        self.0.changed().await.map_err(|_| JournalError::Failed("the journal is gone".into()))?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Seq(*self.0.borrow_and_update()))
    }
}

/// What the venue has told the address to wait for; it outlives the node.
#[derive(Default)]
pub(crate) struct Holds(pub(crate) Mutex<Vec<(Hold, VenueTime)>>);

impl HoldStore for Holds {
    fn kept(&self) -> Vec<(Hold, VenueTime)> {
        self.0.lock().unwrap().clone()
    }
    fn keep(&self, hold: Hold, until: VenueTime) {
        self.0.lock().unwrap().push((hold, until));
    }
}

type Job = Box<dyn FnOnce(&mut Context<'_>) + Send>;

/// What the test's strategy was told.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) doubts: Vec<InDoubt>,
    pub(crate) events: BTreeMap<IntentId, Vec<OrderEvent>>,
}

/// The strategy of a test: it does, within a turn, what it is told from outside.
#[derive(Clone, Default)]
pub(crate) struct Hand {
    jobs: Arc<Mutex<VecDeque<Job>>>,
    pub(crate) heard: Arc<Mutex<Heard>>,
}

impl Strategy for Hand {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.on_timer(ctx, 0);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap());
        jobs.into_iter().for_each(|job| job(ctx));
        ctx.set_timer(0, TURN_MS);
    }
    fn on_order(&mut self, _ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.heard.lock().unwrap().events.entry(update.intent).or_default().push(update.event.clone());
    }
    fn on_in_doubt(&mut self, _ctx: &mut Context<'_>, doubt: &InDoubt) {
        self.heard.lock().unwrap().doubts.push(doubt.clone());
    }
}

/// What a wired node is made with.
pub(crate) struct Wiring {
    pub(crate) engine: EngineConfig,
    pub(crate) face: FaceConfig,
    pub(crate) runtime: RuntimeConfig,
}

impl Wiring {
    pub(crate) fn new(mode: PositionMode, symbols: &[&str]) -> Self {
        let spec = AccountSpec { hedge: mode == PositionMode::Hedging, ..AccountSpec::default() };
        let mut face = FaceConfig::new(7).with_account(KEY, SECRET, spec);
        face.start_ms = Some(START_MS as i64);
        // The others trade seldom: minutes of it are long.
        face.exchange.flow.interval_ms = 1_000;
        let runtime = RuntimeConfig { jitter_seed: Some(1), ..RuntimeConfig::default() };
        Self { engine: config(mode, symbols), face, runtime }
    }

    /// Adds a strategy beside the test's own.
    pub(crate) fn strategy(&mut self, name: &str) -> StrategyId {
        let id = StrategyId::new(name).unwrap();
        let first = self.engine.strategies[0].clone();
        self.engine.strategies.push(StrategyConfig { id: id.clone(), ..first });
        id
    }
}

/// The exchange, and the node that trades there.
pub(crate) struct Wired {
    pub(crate) face: Face,
    pub(crate) handle: AccountHandle,
    pub(crate) hand: Hand,
    pub(crate) adapter: Arc<BinanceUsdm>,
    pub(crate) journal: Paper,
    pub(crate) holds: Arc<Holds>,
    wiring: Wiring,
    origin: Instant,
    task: JoinHandle<Result<ExitSummary, NodeError>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Wired {
    pub(crate) async fn live(wiring: Wiring) -> Self {
        Self::live_with(wiring, Vec::new()).await
    }

    /// A node whose gate is open and whose instruments have prices.
    pub(crate) async fn live_with(wiring: Wiring, more: Vec<(StrategyId, Box<dyn Strategy>)>) -> Self {
        let face = Face::new(wiring.face.clone()).unwrap();
        let clock = face.clone();
        tokio::spawn(async move { clock.run_clock().await });
        let wired = Self::start(wiring, face, Instant::now(), (Paper::default(), Arc::default()), more);
        assert!(wired.handle.live().await, "{:?}", wired.handle.status());
        for _ in 0..2_000 {
            let instruments = wired.wiring.engine.instruments();
            if wired.with(move |ctx| instruments.iter().all(|i| ctx.quote(i).reference().is_some())).await {
                return wired;
            }
        }
        panic!("no prices");
    }

    fn start(
        wiring: Wiring,
        face: Face,
        origin: Instant,
        (journal, holds): (Paper, Arc<Holds>),
        more: Vec<(StrategyId, Box<dyn Strategy>)>,
    ) -> Self {
        let ms = START_MS + u64::try_from(origin.elapsed().as_millis()).unwrap();
        let clock = Clock::anchored(Timestamp::from_ms(ms));
        let environment = Environment::routed("http://127.0.0.1:1", "ws://127.0.0.1:1").unwrap();
        let credentials = Credentials { key: KEY.into(), secret: SECRET.into() };
        let mut settings = Settings::new(environment, credentials, Arc::new(move || clock.now()));
        settings.dialer = Some(Arc::new(Pipes { face: face.clone() }));
        settings.holds = Some(Arc::<Holds>::clone(&holds));
        let adapter = Arc::new(BinanceUsdm::new(settings).unwrap());
        let hand = Hand::default();
        let mut account = Account::new(wiring.engine.clone(), adapter.clone(), Box::new(journal.clone()))
            .prices(adapter.clone())
            .venue_clock(adapter.clone())
            .runtime(wiring.runtime.clone())
            .clock(clock)
            .strategy(strategy_id(), Box::new(hand.clone()));
        for (id, strategy) in more {
            account = account.strategy(id, strategy);
        }
        let node = Node::builder().account(account).build().unwrap();
        let handle = node.handle().accounts()[0].clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(node.run(stopped));
        Self { face, handle, hand, adapter, journal, holds, wiring, origin, task, stop: Some(stop) }
    }

    /// Kills the node and starts another one on the same journal. Says nothing of whether its gate opens.
    pub(crate) async fn restarted(self) -> Self {
        let Self { face, journal, holds, wiring, origin, task, .. } = self;
        task.abort();
        let _gone = task.await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        Self::start(wiring, face, origin, (Paper(journal.0, None, Arc::default()), holds), Vec::new())
    }

    /// Asks the node to come to its end.
    pub(crate) fn drain(&mut self) {
        drop(self.stop.take());
    }

    /// Time since the exchange opened.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Does something in the test's strategy and waits for what comes of it.
    pub(crate) async fn with<R: Send + 'static>(&self, job: impl FnOnce(&mut Context<'_>) -> R + Send + 'static) -> R {
        let (tell, told) = oneshot::channel();
        let job = move |ctx: &mut Context<'_>| {
            let _nobody_waits = tell.send(job(ctx));
        };
        self.hand.jobs.lock().unwrap().push_back(Box::new(job));
        told.await.expect("the strategy runs")
    }

    /// Has the strategy place an order for 0.010 on its net position or its long leg: a limit order that rests, or at the market.
    pub(crate) async fn place(
        &self,
        symbol: &'static str,
        (side, intention): (Side, Intention),
        at: Option<&'static str>,
    ) -> IntentId {
        self.with(move |ctx| {
            let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
            let kind =
                at.map_or(OrderKind::Market, |at| OrderKind::Limit { price: LimitPrice::At(price(at)), tif: TimeInForce::Gtc });
            let (instrument, qty) = (instrument_id(symbol), Some(qty("0.010")));
            ctx.submit(Terms { instrument, side, leg, intention, qty, kind, stp: None })
        })
        .await
    }

    pub(crate) async fn status(&self, intent: IntentId) -> Option<OrdStatus> {
        self.with(move |ctx| ctx.order(intent).map(exec_core::order::Order::status)).await
    }

    /// Waits until an order has this status, at most so long.
    pub(crate) async fn until(&self, intent: IntentId, wanted: OrdStatus, ms: u64) -> Option<OrdStatus> {
        let end = Instant::now() + Duration::from_millis(ms);
        loop {
            let status = self.status(intent).await;
            if status == Some(wanted) || Instant::now() >= end {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Answers so many requests of a path with this, before anything happens or after it.
    pub(crate) fn answers(&self, method: &str, path: &str, happens: bool, status: u16, body: &str, times: u64) -> u64 {
        let filter = RequestFilter { method: Some(method.into()), path: Some(path.into()), key: None };
        let answer = Answer { status, body: body.into() };
        let fault = if happens { RequestFault::ErrorAfter(answer) } else { RequestFault::ErrorBefore(answer) };
        self.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth: 1, times })
    }

    /// Counts requests that reach the exchange from here on, whatever they ask.
    pub(crate) fn watch_requests(&self, filter: RequestFilter) -> impl Fn() -> u64 + use<> {
        let id = self.face.arm(Fault { kind: FaultKind::Request(filter, RequestFault::DropRequest), nth: u64::MAX, times: 1 });
        let face = self.face.clone();
        move || {
            let (_, text) = face.operate("GET", "faults", "", "");
            let row = text.split_once(&format!(r#""id":{id},"#)).unwrap().1;
            row.split_once(r#""seen":"#).unwrap().1.split(',').next().unwrap().parse().unwrap()
        }
    }

    pub(crate) fn door(&self, name: &str, body: &str) {
        let (status, text) = self.face.operate("POST", name, "", body);
        assert_eq!(status, 200, "{text}");
    }

    /// What the exchange itself holds of the account.
    pub(crate) fn ledger(&self) -> Ledger {
        self.face.ledger(KEY).expect("an account")
    }

    /// Throws the kill switch as an operator does, for the whole account.
    pub(crate) async fn kill(&self, level: KillLevel) {
        let ask = Ask::Kill { level, instrument: None, strategy: None };
        let said = self.handle.control().ask("test", ask).await;
        assert!(matches!(said, Ok(Reply::Ok(_))), "{said:?}");
    }

    pub(crate) fn alerted(&self, kind: &str) -> usize {
        self.handle.alerts().0.iter().filter(|raised| raised.alert.kind == kind).count()
    }
}
