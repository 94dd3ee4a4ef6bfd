//! An engine and an exchange that answers it at once. Time passes only when a test lets it. No faults, no test.

use exchange_sim::{
    config::{AccountSpec, AlgoConfig, ExchangeConfig},
    exchange::Exchange,
    venue::{Desk, Pushed},
};
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Alert, Answer, Effect, Input, Outcome, Phase, Query, Request, Timer},
    engine::{Engine, config::EngineConfig},
    ids::{InstrumentId, IntentId, RequestId, Seq, SessionId, StrategyId},
    order::{Order, intent::Handling, status::OrdStatus},
    record::Record,
    report::VenueStatus,
    terms::Terms,
    time::{ClockReading, Timestamp},
    units::{PositionMode, PositionSide, SignedQty},
};
use exec_testkit::fixtures::{config, decimal, instrument_id, strategy_id};
use rust_decimal::Decimal;
use std::collections::VecDeque;

pub(crate) const START_MS: i64 = 1_795_305_600_000;

pub(crate) struct Pair {
    pub(crate) engine: Engine,
    pub(crate) desk: Desk,
    pub(crate) now_ms: i64,
    pub(crate) alerts: Vec<Alert>,
    /// Requests on their way, while the network holds them back.
    pub(crate) on_the_way: Option<VecDeque<Request>>,
    /// The node dies before it does one more thing than this.
    pub(crate) dies_after: Option<usize>,
    /// Events of the private stream that are not delivered: the node is down.
    down: bool,
    /// The private stream is gone; requests and questions still pass.
    cut: bool,
    /// Nothing is written any more.
    disk_dead: bool,
    journal: Vec<(Seq, Record)>,
    /// Up to here the engine was told that its journal is durable.
    durable: Seq,
    timers: Vec<(Timestamp, Timer)>,
    waiting: VecDeque<Input>,
    session: u32,
    intents: u128,
}

pub(crate) fn btc() -> InstrumentId {
    instrument_id("BTCUSDT")
}

impl Pair {
    pub(crate) fn new(mode: PositionMode, algo: AlgoConfig) -> Self {
        Self::with(engine_config(mode), algo)
    }

    pub(crate) fn with(config: EngineConfig, algo: AlgoConfig) -> Self {
        Self::on(config, ExchangeConfig { algo, ..ExchangeConfig::default() })
    }

    /// On an exchange of one's own.
    pub(crate) fn on(config: EngineConfig, exchange: ExchangeConfig) -> Self {
        let mode = config.mode;
        let exchange = ExchangeConfig { start_ms: START_MS, ..exchange };
        let mut exchange = Exchange::new(exchange).expect("an exchange");
        let wallets = vec![("USDT".to_owned(), decimal("1000000"))];
        let account = exchange.create_account(AccountSpec { wallets, hedge: mode == PositionMode::Hedging, leverage: 20 });
        let desk = Desk::new(exchange, account);
        let engine = Engine::new(config, desk.profile().clone());
        let mut pair = Self {
            engine,
            desk,
            now_ms: START_MS,
            alerts: Vec::new(),
            on_the_way: None,
            dies_after: None,
            down: true,
            cut: false,
            disk_dead: false,
            journal: Vec::new(),
            durable: Seq(0),
            timers: Vec::new(),
            waiting: VecDeque::new(),
            session: 0,
            intents: 0,
        };
        pair.start();
        pair.until_live();
        pair
    }

    fn start(&mut self) {
        (self.down, self.cut, self.disk_dead) = (false, false, false);
        self.give(Input::Begin);
        self.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 }));
        self.give(Input::Instruments(self.desk.instruments()));
        self.session += 1;
        self.give(Input::LinkUp(SessionId(self.session)));
    }

    pub(crate) fn until_live(&mut self) {
        for _ in 0..200 {
            if matches!(self.engine.phase(), Phase::Live | Phase::Degraded) && self.engine.quote(&btc()).reference().is_some() {
                return;
            }
            self.wait(100);
        }
        panic!("not live after 20 s: {}", self.engine.report());
    }

    /// The private stream ends, and none comes back.
    pub(crate) fn cut_stream(&mut self) {
        self.cut = true;
        self.give(Input::LinkDown { session: SessionId(self.session), why: "cut".into() });
    }

    /// The disk is full: what is written from here on is lost.
    pub(crate) fn fail_disk(&mut self) {
        self.disk_dead = true;
        self.give(Input::JournalFailed("no space left on device".into()));
    }

    /// What is written from here on never gets to the disk, and nobody is told.
    pub(crate) fn lose_records(&mut self) {
        self.disk_dead = true;
    }

    /// Kills the node.
    pub(crate) fn die(&mut self) {
        self.down = true;
        (self.timers, self.waiting) = (Vec::new(), VecDeque::new());
    }

    pub(crate) fn journal(&self) -> &[(Seq, Record)] {
        &self.journal
    }

    pub(crate) const fn is_down(&self) -> bool {
        self.down
    }

    /// The disk forgets what it never promised to keep.
    pub(crate) fn lose_power(&mut self) {
        self.die();
        let durable = self.durable;
        self.journal.retain(|(seq, _)| *seq <= durable);
    }

    /// Kills the node, lets the venue go on for a while, and starts a new one over the same journal.
    pub(crate) fn restart_after(&mut self, ms: i64) {
        self.restart(ms, None);
        self.until_live();
    }

    /// The same without waiting until it is live. It may be that the new one dies before it has done more than this.
    pub(crate) fn restart(&mut self, after_ms: i64, dies_after: Option<usize>) {
        self.die();
        self.wait(after_ms);
        self.dies_after = dies_after;
        let mut engine = Engine::new(self.engine.config().clone(), self.desk.profile().clone());
        for (seq, record) in &self.journal {
            engine.replay(*seq, record).unwrap_or_else(|error| panic!("{error}"));
        }
        self.engine = engine;
        self.start();
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms as u64)
    }

    pub(crate) fn give(&mut self, input: Input) {
        if !self.down {
            self.waiting.push_back(input);
            self.work();
        }
    }

    fn work(&mut self) {
        while let Some(input) = self.waiting.pop_front() {
            if let Input::Durable(seq) = input {
                self.durable = seq;
            }
            let mut effects = Vec::new();
            self.engine.handle(self.now(), input, &mut effects);
            let (records, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(|e| matches!(e, Effect::Journal(..)));
            // The records of one input are one group: all of them, or none.
            if !records.is_empty() && self.dies() {
                return;
            }
            records.into_iter().for_each(|record| self.perform(record));
            for effect in others {
                if self.dies() {
                    return;
                }
                self.perform(effect);
            }
            if let Some((seq, _)) = self.journal.last().filter(|(seq, _)| *seq > self.engine.durable()) {
                self.waiting.push_back(Input::Durable(*seq));
            }
            self.listen();
        }
    }

    fn dies(&mut self) -> bool {
        if self.dies_after == Some(0) {
            self.die();
        }
        self.dies_after = self.dies_after.map(|left| left.saturating_sub(1));
        self.down
    }

    fn perform(&mut self, effect: Effect) {
        let now = self.now_ms;
        match effect {
            Effect::Journal(..) if self.disk_dead => (),
            Effect::Journal(seq, record) => self.journal.push((seq, record)),
            Effect::Send(request) => match &mut self.on_the_way {
                Some(waiting) => waiting.push_back(request),
                None => self.send(&request),
            },
            Effect::Ask(query, what) => {
                let answer = match &what {
                    Query::Order(order) => Answer::Order(self.desk.order_status(now, order)),
                    Query::Mass(all) => Answer::Mass(self.desk.mass_status(now, all).map(Box::new)),
                    Query::Positions(all) => Answer::Positions(self.desk.positions(now, all)),
                    Query::Trades { instrument, from } => Answer::Trades(self.desk.trades_since(now, instrument, from)),
                    Query::Restrictions(_) => Answer::Restrictions(Ok(self.desk.restrictions())),
                };
                self.waiting.push_back(Input::Answer { query, answer });
            }
            Effect::SetTimer(timer, at) => self.timers.push((at, timer)),
            Effect::Alert(alert) => self.alerts.push(alert),
            Effect::ReadClock => self.waiting.push_back(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 })),
            Effect::Notify(..)
            | Effect::Reopen(..)
            | Effect::Close(_)
            | Effect::Phase(_)
            | Effect::Report(_)
            | Effect::AskLease(_)
            | Effect::Fenced(_) => (),
        }
    }

    fn send(&mut self, request: &Request) {
        let outcomes = self.arrive(request);
        self.waiting.extend(outcomes.into_iter().map(|(request, outcome)| Input::Outcome { request, outcome }));
    }

    /// A request reaches the exchange. What it answers may or may not reach anybody.
    pub(crate) fn arrive(&mut self, request: &Request) -> Vec<(RequestId, Outcome)> {
        let now = self.now_ms;
        let outcome = match request {
            Request::Submit { attempt, .. } => Outcome::Order(self.desk.submit(now, attempt)),
            Request::Replace(replace) => Outcome::Order(self.desk.replace(now, replace)),
            Request::Cancel(cancel) => Outcome::Order(self.desk.cancel(now, cancel)),
            Request::CancelAll(scope) => Outcome::All(self.desk.cancel_all(now, scope)),
            Request::Countdown(countdown) => Outcome::All(self.desk.count_down(now, countdown)),
            Request::Batch { ids, batch } => {
                let results = self.desk.batch(now, batch).into_iter().map(Outcome::Order);
                return ids.iter().copied().zip(results).collect();
            }
        };
        vec![(request.id(), outcome)]
    }

    /// From here on the network holds requests back.
    pub(crate) fn hold(&mut self) {
        self.on_the_way = Some(VecDeque::new());
    }

    /// The oldest request that is held back, or the oldest that fits, arrives. Says whether there was one.
    pub(crate) fn let_through(&mut self, fits: impl Fn(&Request) -> bool) -> bool {
        let Some(waiting) = &mut self.on_the_way else { return false };
        let Some(at) = waiting.iter().position(fits) else { return false };
        let Some(request) = waiting.remove(at) else { return false };
        self.send(&request);
        self.work();
        true
    }

    /// Everything that is held back arrives, and nothing more is held back.
    pub(crate) fn let_all_through(&mut self) {
        while self.let_through(|_| true) {}
        self.on_the_way = None;
    }

    fn listen(&mut self) {
        for pushed in self.desk.take_pushed() {
            match pushed {
                Pushed::Private(report) if !self.down && !self.cut => {
                    self.waiting.push_back(Input::Report { session: SessionId(self.session), report });
                }
                Pushed::Price(price) if !self.down => self.waiting.push_back(Input::Price(price)),
                Pushed::Private(_) | Pushed::Price(_) => (),
            }
        }
    }

    /// Lets time pass in small steps.
    pub(crate) fn wait(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            // Nothing much happens late in a long wait.
            let step = if end - self.now_ms > 3_000 { 250 } else { 20 };
            self.now_ms = (self.now_ms + step).min(end);
            self.desk.exchange_mut().advance(self.now_ms);
            self.listen();
            let due: Vec<Timer> = self.timers.iter().filter(|(at, _)| *at <= self.now()).map(|(_, t)| t.clone()).collect();
            self.timers.retain(|(at, _)| *at > Timestamp::from_ms(self.now_ms as u64));
            if self.down {
                continue;
            }
            self.waiting.extend(due.into_iter().map(Input::Timer));
            self.work();
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.command_of(strategy_id(), command);
    }

    pub(crate) fn command_of(&mut self, strategy: StrategyId, command: Command) {
        self.give(Input::Commands { strategy, seen: None, commands: vec![command], state: None });
    }

    pub(crate) fn submit(&mut self, terms: Terms) -> IntentId {
        self.submit_of(strategy_id(), terms)
    }

    pub(crate) fn submit_of(&mut self, strategy: StrategyId, terms: Terms) -> IntentId {
        self.intents += 1;
        let intent = IntentId(self.intents);
        self.command_of(strategy, Command::Submit(NewOrder { intent, terms, handling: Handling::default(), list: None }));
        intent
    }

    /// The market goes to this many per mille of where it began.
    pub(crate) fn move_to(&mut self, per_mille: i64) {
        let exchange = self.desk.exchange_mut();
        let spec = exchange.symbol("BTCUSDT").expect("a symbol");
        let price = spec.floor_to_tick(spec.start_price * Decimal::from(per_mille) / Decimal::from(1_000));
        exchange.move_price(self.now_ms, "BTCUSDT", price).expect("a price");
        self.wait(20);
    }

    pub(crate) fn price(&self, per_mille: i64) -> exec_core::units::Price {
        let spec = self.desk.exchange().symbol("BTCUSDT").expect("a symbol");
        let price = spec.floor_to_tick(spec.start_price * Decimal::from(per_mille) / Decimal::from(1_000));
        exec_core::units::Price::new(price).expect("a price")
    }

    pub(crate) fn order(&self, intent: IntentId) -> &Order {
        self.engine.books().order(intent).expect("an order")
    }
    pub(crate) fn status(&self, intent: IntentId) -> OrdStatus {
        self.order(intent).status()
    }
    pub(crate) fn held(&self, leg: PositionSide) -> SignedQty {
        self.engine.books().position_qty(&btc(), leg)
    }

    /// Books and venue hold the same legs and the same open orders, and nothing is unexplained.
    pub(crate) fn agree(&mut self, what: &str) {
        let now = self.now_ms;
        let status = self.desk.mass_status(now, &[btc()]).expect("a status");
        for leg in [PositionSide::Net, PositionSide::Long, PositionSide::Short] {
            let venue =
                status.positions.iter().find(|p| p.instrument == btc() && p.leg == leg).map(|p| p.qty).unwrap_or_default();
            assert_eq!(self.held(leg), venue, "{what}: {leg:?}");
        }
        let open =
            status.open_orders.iter().filter(|o| matches!(o.status, VenueStatus::New | VenueStatus::PartiallyFilled)).count();
        assert_eq!(self.engine.books().open_count() as usize, open, "{what}: open orders");
        assert_eq!(self.engine.books().raw_kept(), 0, "{what}: something did not fit");
        let unattributed: Vec<_> = self.engine.books().orders().filter(|o| !o.unattributed_qty().is_zero()).collect();
        assert!(unattributed.is_empty(), "{what}: executed without a trade");
        assert!(self.engine.differences().is_empty(), "{what}");
    }

    pub(crate) fn alerted(&self, kind: &str) -> bool {
        self.alerts.iter().any(|a| a.kind == kind)
    }
}

pub(crate) fn engine_config(mode: PositionMode) -> EngineConfig {
    let mut config = config(mode, &["BTCUSDT"]);
    config.limits.order_notional_max = decimal("10000000");
    config.limits.position_notional_max = decimal("100000000");
    config.sweep_interval_ms = 10_000;
    config
}
