//! Runs a node against the fakes, and strategies that write down what they are told.

use crate::{
    disk::Disk,
    fake::{Fake, btc, engine_config, price, qty, strategy_id},
};
use exec_core::{
    conversation::{OrderUpdate, Phase, PhaseChange},
    ids::{ClOrdId, InstrumentId, IntentId},
    order::{event::OrderEvent, status::OrdStatus},
    strategy::{Context, Strategy},
    terms::TimeInForce,
    time::Timestamp,
    units::{PositionSide, Side},
};
use exec_runtime::{Account, AccountHandle, Clock, ExitSummary, Node, NodeError, RuntimeConfig};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// What a strategy was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Start,
    Phase(Phase),
    Status(IntentId, OrdStatus),
    Filled(IntentId),
    Price(InstrumentId),
    Timer(u64),
}

/// What a strategy was told and which intents it answered with. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Diary {
    pub(crate) told: Arc<Mutex<Vec<Told>>>,
    pub(crate) asked: Arc<Mutex<Vec<IntentId>>>,
}

impl Diary {
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
    pub(crate) fn has(&self, wanted: &Told) -> bool {
        self.told.lock().unwrap().contains(wanted)
    }
    pub(crate) fn asked(&self) -> Vec<IntentId> {
        self.asked.lock().unwrap().clone()
    }
    fn write(&self, told: Told) {
        self.told.lock().unwrap().push(told);
    }
    fn ask(&self, intent: IntentId) {
        self.asked.lock().unwrap().push(intent);
    }
}

/// Buys once at its start if it is told to, and sells what was bought after each fill if it is told to.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) diary: Diary,
    pub(crate) buys_at_start: bool,
    pub(crate) hedges_fills: bool,
    pub(crate) timer_at_start: Option<u64>,
}

impl Strategy for Scripted {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.diary.write(Told::Start);
        if self.buys_at_start && ctx.books().orders().next().is_none() {
            let intent = ctx.limit(&btc(), Side::Buy, PositionSide::Net, qty("0.1"), price("100"), TimeInForce::Gtc);
            self.diary.ask(intent);
        }
        if let Some(after) = self.timer_at_start {
            ctx.set_timer(7, after);
        }
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.diary.write(Told::Status(update.intent, update.to));
        if let OrderEvent::Executed { fill, .. } = &update.event {
            self.diary.write(Told::Filled(update.intent));
            if self.hedges_fills && fill.side == Side::Buy {
                let intent = ctx.limit(&btc(), Side::Sell, PositionSide::Net, fill.qty, price("120"), TimeInForce::Gtc);
                self.diary.ask(intent);
            }
        }
    }
    fn on_price(&mut self, _ctx: &mut Context<'_>, instrument: &InstrumentId) {
        self.diary.write(Told::Price(instrument.clone()));
    }
    fn on_timer(&mut self, _ctx: &mut Context<'_>, tag: u64) {
        self.diary.write(Told::Timer(tag));
    }
    fn on_phase(&mut self, _ctx: &mut Context<'_>, change: &PhaseChange) {
        self.diary.write(Told::Phase(change.to));
    }
}

/// A node that runs in the background of a test.
pub(crate) struct Running {
    pub(crate) handle: AccountHandle,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<Result<ExitSummary, NodeError>>,
}

impl Running {
    pub(crate) async fn live(self) -> Self {
        assert!(self.handle.live().await, "gate never opened: {:?}", self.handle.status());
        self
    }
    pub(crate) async fn stop(mut self) -> Result<ExitSummary, NodeError> {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap()
    }
    /// A crash: nothing of the node runs any more, and nothing was flushed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
        // Tasks of tasks end when the runtime comes to them.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    /// The operator's request, which must succeed.
    pub(crate) async fn ask(&self, ask: exec_runtime::control::Ask) -> serde_json::Value {
        match self.handle.control().ask("test", ask).await.unwrap() {
            exec_runtime::control::Reply::Ok(value) => value,
            exec_runtime::control::Reply::Err(error) => panic!("refused: {error}"),
        }
    }
}

pub(crate) fn account(venue: &Fake, disk: &Disk, strategy: &Scripted) -> Account {
    named("main", venue, disk, strategy)
}

pub(crate) fn named(name: &str, venue: &Fake, disk: &Disk, strategy: &Scripted) -> Account {
    Account::new(engine_config(name), Arc::new(venue.clone()), Box::new(disk.clone()))
        .strategy(strategy_id(), Box::new(strategy.clone()))
        .clock(Clock::anchored(Timestamp::from_ms(1_763_000_000_000)))
        .runtime(config())
}

pub(crate) fn config() -> RuntimeConfig {
    RuntimeConfig { jitter_seed: Some(1), instruments_interval: Duration::ZERO, ..RuntimeConfig::default() }
}

pub(crate) fn start(account: Account) -> Running {
    let node = Node::builder().account(account).build().unwrap();
    let handle = node.handle().accounts()[0].clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(node.run(async {
        // A test that drops its end does not stop the node.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    Running { handle, stop: Some(stop), task }
}

/// Waits, in simulated time, until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..120_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came: {what}");
}

/// Gives everything that can happen now the time to happen.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// A submit for the control socket.
pub(crate) fn submit(side: &str, quantity: &str, intention: &str) -> exec_runtime::control::Ask {
    exec_runtime::control::Ask::Submit(exec_runtime::control::SubmitOrder {
        instrument: btc().to_string(),
        side: side.into(),
        kind: "LIMIT".into(),
        qty: Some(quantity.into()),
        price: Some("100".into()),
        intention: Some(intention.into()),
        ..Default::default()
    })
}

/// The client order id that the node used last.
pub(crate) fn last_id(venue: &Fake) -> ClOrdId {
    venue.submits().last().unwrap().0
}

/// Sells in an exit at its start, and notes what the venue had heard when it is told of it first.
pub(crate) struct Leaver {
    pub(crate) venue: Fake,
    pub(crate) heard: Arc<Mutex<Vec<usize>>>,
}

impl Strategy for Leaver {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        for _ in 0..3 {
            ctx.close(&btc(), Side::Sell, PositionSide::Net, qty("0.1"));
        }
    }
    fn on_order(&mut self, _ctx: &mut Context<'_>, _update: &OrderUpdate) {
        self.heard.lock().unwrap().push(self.venue.submits().len());
    }
}

/// A strategy that asks for a denied order whenever it is told of one: the kind that must not hang a node.
pub(crate) struct Mad {
    pub(crate) calls: Arc<Mutex<u64>>,
}

impl Strategy for Mad {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.flood(ctx);
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, _update: &OrderUpdate) {
        self.flood(ctx);
    }
}

impl Mad {
    fn flood(&self, ctx: &mut Context<'_>) {
        *self.calls.lock().unwrap() += 1;
        for _ in 0..4 {
            // Off the price grid: denied, and the denial is told.
            ctx.limit(&btc(), Side::Buy, PositionSide::Net, qty("0.1"), price("100.01"), TimeInForce::Gtc);
        }
    }
}
