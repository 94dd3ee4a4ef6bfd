//! One world: everything that can happen, in order of time, on one thread, from one seed. What happens stands here; how the network
//! treats it in `network`, what is right in `oracle`.

use crate::{
    network::{self, Stream},
    node::{Node, NotUp},
    oracle::Oracle,
    plan::Plan,
    rng::Rng,
    tally::Tally,
    trace::{Trace, Wanted},
};
use exchange_sim::{
    AccountSpec, Exchange, ExchangeConfig, FenceGuarantees, FlowConfig, IdSpace, request::NewOrder, types, venue::Desk,
};
use exec_core::{
    command::OperatorCommand,
    conversation::{AlertLevel, Effect, Input, Outcome, Phase, Query, Request, Timer},
    host,
    ids::{QueryId, RequestId, Seq, SessionId},
    time::{ClockReading, Timestamp},
};
use exec_journal::SimDisk;
use exec_testkit::fixtures::decimal;
use rust_decimal::Decimal;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// 2026-11-22 00:00 UTC, by the venue.
const BEGINNING_MS: u64 = 1_795_305_600_000;
const TICK_MS: u64 = 100;
/// How long strategies, flow and outside hands rest before books are compared.
const QUIET_MS: u64 = 9_000;
/// How long after the faults everything must be equal.
const HEAL_MS: u64 = 60_000;
const CRASHES_MAX: u32 = 12;

/// How far a request has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reached {
    /// The venue's door, where its time is checked.
    Gateway,
    /// The matching engine.
    Engine,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    ToNode { life: u32, input: Input },
    Reply { life: u32, id: RequestId, outcome: Outcome },
    AtVenue { life: u32, request: Request, reached: Reached },
    Asked { life: u32, query: QueryId, what: Query },
    OpenStream { life: u32, session: SessionId },
    Fire { life: u32, timer: Timer },
    Synced { life: u32 },
    MeasureClock { life: u32 },
    Start,
    Tick,
}

#[derive(Debug)]
struct Scheduled {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// How a world ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) tally: Tally,
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    /// At which step, and what.
    pub(crate) violation: Option<(u64, String)>,
}

/// One world. Times are milliseconds since its beginning.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    pub(crate) desk: Desk,
    pub(crate) node: Option<Node>,
    pub(crate) stream: Option<Stream>,
    pub(crate) open_requests: BTreeSet<(u32, RequestId)>,
    pub(crate) oracle: Oracle,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    heap: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    steps: u64,
    disk: SimDisk,
    life: u32,
    crashes: u32,
    active: Arc<AtomicBool>,
    violation: Option<(u64, String)>,
    healing: bool,
    outside_orders: u64,
}

impl World {
    pub(crate) fn new(plan: Plan, wanted: Wanted) -> Result<Self, String> {
        let mut symbols = exchange_sim::symbol::default_symbols();
        symbols.truncate(plan.symbols);
        let config = ExchangeConfig {
            seed: plan.seed,
            start_ms: i64::try_from(BEGINNING_MS).unwrap_or(0),
            symbols,
            guarantees: FenceGuarantees { engine_margin_ms: 500, visibility_ms: 300 },
            query_lag_ms: i64::try_from(plan.seed % 4 * 100).unwrap_or(0),
            flow: FlowConfig { interval_ms: 400, levels: 4, touch_notional: decimal("3000"), ..FlowConfig::default() },
            ids: if plan.seed.is_multiple_of(2) { IdSpace::Colliding } else { IdSpace::Spread },
            ..ExchangeConfig::default()
        };
        let mut exchange = Exchange::new(config).map_err(|e| e.to_string())?;
        let wallets = vec![("USDT".to_owned(), decimal("1000000"))];
        let account = exchange.create_account(AccountSpec { wallets, hedge: plan.hedging, leverage: 20 });
        let rng = Rng::new(plan.seed, 2);
        let oracle = Oracle::new(plan.manual > 0);
        let mut world = Self {
            rng,
            now: 0,
            desk: Desk::new(exchange, account),
            node: None,
            stream: None,
            open_requests: BTreeSet::new(),
            oracle,
            tally: Tally { worlds: 1, ..Tally::default() },
            trace: Trace::new(wanted),
            heap: BinaryHeap::new(),
            scheduled: 0,
            steps: 0,
            disk: SimDisk::new(),
            life: 0,
            crashes: 0,
            active: Arc::new(AtomicBool::new(true)),
            violation: None,
            healing: false,
            outside_orders: 0,
            plan,
        };
        world.at(0, Event::Start);
        world.at(TICK_MS, Event::Tick);
        Ok(world)
    }

    /// Lives it through.
    pub(crate) fn run(mut self) -> Ended {
        while self.steps < self.plan.steps && self.violation.is_none() {
            self.step();
        }
        if self.violation.is_none() {
            self.heal();
        }
        self.tally.steps = self.steps;
        self.tally.virtual_ms = self.now;
        Ended { tally: self.tally, hash: self.trace.hash(), lines: self.trace.lines(), violation: self.violation }
    }

    /// Everything bad stops. Within a bound the node must be as the venue is.
    fn heal(&mut self) {
        self.plan = self.plan.healed();
        self.healing = true;
        self.disk.faults(|f| *f = exec_journal::Faults::default());
        self.trace.line(self.now, || "the faults stop".to_owned());
        self.active.store(false, Ordering::Relaxed);
        if self.node.as_ref().is_some_and(|n| n.journal_failed) {
            self.crash("restarted for its journal", false);
        }
        let begun = self.now;
        if self.rng.chance(300) {
            let command = OperatorCommand::CancelAll(None);
            let life = self.life;
            self.later(1_000, Event::ToNode { life, input: Input::Operator { who: "tester".to_owned(), command } });
        }
        self.run_until(begun + QUIET_MS / 2);
        let venue = self.venue_ms();
        self.desk.exchange_mut().set_flow(venue, false);
        let mut compare_at = begun + QUIET_MS;
        loop {
            self.run_until(compare_at);
            if self.violation.is_some() {
                return;
            }
            let wrong = self.wrong_in_the_end();
            if wrong.is_empty() {
                self.tally.heal_ms_max = self.now - begun;
                self.replayed_equal();
                return;
            }
            if self.now > begun + HEAL_MS {
                self.violate(wrong.join("\n    "));
                return;
            }
            compare_at = self.now + 1_000;
        }
    }

    fn wrong_in_the_end(&self) -> Vec<String> {
        match &self.node {
            Some(node) => self.oracle.in_the_end(node, &self.desk),
            None => vec!["the node is down".to_owned()],
        }
    }

    /// P15: what the journal holds, replayed, is what the engine has.
    fn replayed_equal(&mut self) {
        self.run_until(self.now + 50);
        let Some(node) = &self.node else { return };
        let books = node.engine.books().clone();
        match Node::start(&self.plan, self.desk.profile().clone(), &self.disk.fork(), 0, &self.active) {
            Ok((again, _)) if *again.engine.books() == books => (),
            Ok((again, last)) => {
                let text = format!("P15: the journal ends at {last}, the books at {}; replayed they differ", books.seq());
                self.trace.line(self.now, || format!("{:#?}\n{:#?}", again.engine.books(), books));
                self.violate(text);
            }
            Err(NotUp::Defect(why)) => self.violate(why),
            Err(NotUp::PowerLost) => self.violate("the copy of the disk is dead".to_owned()),
        }
    }

    fn run_until(&mut self, until: u64) {
        while self.violation.is_none() && self.heap.peek().is_some_and(|Reverse(next)| next.at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    // --- time ---

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.heap.push(Reverse(Scheduled { at: at.max(self.now), order: self.scheduled, event }));
    }
    pub(crate) fn later(&mut self, ms: u64, event: Event) {
        self.at(self.now + ms, event);
    }
    pub(crate) fn venue_ms(&self) -> i64 {
        i64::try_from(BEGINNING_MS + self.now).unwrap_or(i64::MAX)
    }
    fn node_time(&self) -> Timestamp {
        let ms = i64::try_from(BEGINNING_MS + self.now).unwrap_or(i64::MAX) + self.plan.clock_ahead_ms;
        Timestamp::from_ms(u64::try_from(ms).unwrap_or(0))
    }
    fn world_time(&self, node_time: Timestamp) -> u64 {
        let ms = i64::try_from(node_time.as_ms()).unwrap_or(i64::MAX) - self.plan.clock_ahead_ms;
        u64::try_from(ms).unwrap_or(0).saturating_sub(BEGINNING_MS)
    }

    // --- what happens ---

    /// Whether a fault strikes now; counted.
    pub(crate) fn fault(&mut self, what: &'static str, permille: u32) -> bool {
        let strikes = self.rng.chance(permille);
        if strikes {
            self.tally.count(what);
            self.trace.line(self.now, || format!("! {what}"));
        }
        strikes
    }

    pub(crate) fn judge(&mut self, judged: Result<(), String>) {
        if let Err(text) = judged {
            self.violate(text);
        }
    }

    fn violate(&mut self, text: String) {
        self.trace.line(self.now, || format!("VIOLATION {text}"));
        self.violation.get_or_insert((self.steps, text));
    }

    fn step(&mut self) {
        let Some(Reverse(next)) = self.heap.pop() else { return };
        self.now = self.now.max(next.at);
        self.steps += 1;
        match next.event {
            Event::ToNode { life, input } => self.feed(life, input),
            Event::Reply { life, id, outcome } => {
                // The first answer counts; what comes after the deadline meets nobody.
                if self.open_requests.remove(&(life, id)) {
                    self.feed(life, Input::Outcome { request: id, outcome });
                }
            }
            Event::AtVenue { life, request, reached } => self.at_venue(life, request, reached),
            Event::Asked { life, query, what } => self.asked(life, query, &what),
            Event::OpenStream { life, session } => {
                if let Some(node) = self.node.as_mut().filter(|n| n.life == life) {
                    node.session = Some(session);
                    self.open_stream(life, session);
                }
            }
            Event::Fire { life, timer } => self.feed(life, Input::Timer(timer)),
            Event::Synced { life } => self.synced(life),
            Event::MeasureClock { life } => self.measure_clock(life),
            Event::Start => self.start(),
            Event::Tick => self.tick(),
        }
    }

    fn tick(&mut self) {
        let venue = self.venue_ms();
        self.desk.exchange_mut().advance(venue);
        if self.fault("price jump", self.plan.price_jump) {
            self.jump();
        }
        if self.rng.chance(self.plan.manual) {
            self.outside_hand();
        }
        self.deliver_pushed();
        if self.rng.chance(self.plan.stream_cut) && self.fault("stream cut", 1_000) {
            let notice = self.rng.between(0, 2_000);
            self.cut_stream(notice);
        }
        if self.rng.chance(self.plan.crash_live) && self.crashes < CRASHES_MAX && self.node.is_some() {
            self.crash("out of the blue", true);
        }
        if let Some(node) = &self.node {
            let judged = self.oracle.always(node, &self.desk, self.plan.symbols);
            self.judge(judged);
        }
        self.later(TICK_MS, Event::Tick);
    }

    fn jump(&mut self) {
        let venue = self.venue_ms();
        let symbols: Vec<_> = self.desk.exchange().symbols().into_iter().map(|s| (s.symbol.clone(), s.start_price)).collect();
        let Some((symbol, start)) = self.rng.pick(&symbols).cloned() else { return };
        let price = start * Decimal::from(970 + self.rng.below(60)) / Decimal::from(1_000);
        let price = self.desk.exchange().symbol(&symbol).map_or(price, |s| s.floor_to_tick(price));
        // A price outside of what the symbol allows is refused; then there is no jump.
        let _refused = self.desk.exchange_mut().move_price(venue, &symbol, price);
    }

    /// The account's owner trades by hand, or takes an order off the book.
    fn outside_hand(&mut self) {
        let (venue, account) = (self.venue_ms(), self.desk.account());
        let exchange = self.desk.exchange();
        let symbols: Vec<_> =
            exchange.symbols().into_iter().map(|s| (s.symbol.to_string(), s.start_price, s.step_size)).collect();
        let Some((symbol, price, step)) = self.rng.pick(&symbols).cloned() else { return };
        if self.rng.chance(300) {
            let open = exchange.open_orders(account, Some(&symbol)).unwrap_or_default();
            if let Some(row) = self.rng.pick(&open) {
                let (order, id) = (exchange_sim::request::OrderRef::id(row.order_id), row.order_id);
                let done = self.desk.exchange_mut().cancel(venue, account, &symbol, &order).is_ok();
                self.tally.count("order cancelled by hand");
                self.trace.line(self.now, || format!("! by hand: cancel {id}: {done}"));
            }
            return;
        }
        let buy = self.rng.chance(500);
        let side = if buy { types::Side::Buy } else { types::Side::Sell };
        let notional = Decimal::from(self.rng.between(1, 20) * 100);
        let qty = (notional / price / step).floor() * step;
        let mut order = if self.rng.chance(500) {
            NewOrder::market(&symbol, side, qty)
        } else {
            let away = if buy { decimal("0.999") } else { decimal("1.001") };
            let limit = self.desk.exchange().symbol(&symbol).map_or(price, |s| s.floor_to_tick(price * away));
            NewOrder::limit(&symbol, side, qty, limit, types::TimeInForce::Gtc)
        };
        if self.plan.hedging {
            order = order.on_leg(if buy { types::PositionSide::Long } else { types::PositionSide::Short });
        }
        self.outside_orders += 1;
        order.new_client_order_id = Some(format!("hand{}", self.outside_orders));
        let placed = self.desk.exchange_mut().place(venue, account, &order).is_ok();
        self.tally.count("order by hand");
        self.trace.line(self.now, || format!("! by hand: {order:?}: {placed}"));
    }

    // --- the node's shell ---

    fn start(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.life += 1;
        let life = self.life;
        if !self.healing && self.rng.chance(self.plan.crash_recovering) {
            let after = self.rng.below(12);
            self.disk.faults(|f| f.power_loss_after = Some(after));
        }
        let started = Node::start(&self.plan, self.desk.profile().clone(), &self.disk, life, &self.active);
        self.disk.faults(|f| f.power_loss_after = None);
        match started {
            Ok((node, last_seq)) => {
                self.tally.count("starts");
                self.trace.line(self.now, || format!("life {life} starts behind record {last_seq}"));
                let judged = self.oracle.recovered(last_seq);
                self.judge(judged);
                self.node = Some(node);
                if self.rng.chance(self.plan.sync_fails) {
                    let after = self.rng.between(5, 60);
                    self.disk.faults(|f| f.sync_fails_after = Some(after));
                }
                self.feed(life, Input::Begin);
                let wait = self.rng.between(1, 50);
                self.later(wait, Event::ToNode { life, input: Input::Instruments(self.desk.instruments()) });
                let wait = self.rng.between(1, 60);
                self.later(wait, Event::OpenStream { life, session: SessionId(life * 1_000) });
            }
            Err(NotUp::PowerLost) => {
                self.tally.count("crash while the journal opens");
                self.trace.line(self.now, || "the power fails while the journal opens".to_owned());
                let seed = self.rng.next();
                self.disk.crash(seed);
                self.later(100, Event::Start);
            }
            Err(NotUp::Defect(why)) => self.violate(why),
        }
    }

    /// Ends the process, with or without the machine. What is on its way to the venue goes on.
    fn crash(&mut self, when: &'static str, may_lose_power: bool) {
        let power = may_lose_power && self.rng.chance(self.plan.power_loss);
        let live = self.node.as_ref().is_some_and(|n| n.engine.phase() == Phase::Live);
        self.tally.count(if power { "power losses" } else { "kills" });
        self.tally.count(if live { "crashes while live" } else { "crashes while recovering" });
        self.trace.line(self.now, || format!("! crash ({}) {when}", if power { "power" } else { "kill" }));
        self.crashes += 1;
        self.node = None;
        self.stream = None;
        if power {
            let seed = self.rng.next();
            self.disk.crash(seed);
        } else {
            self.disk.kill();
        }
        let down = self.rng.between(10, 3_000);
        self.later(down, Event::Start);
    }

    /// Before any effect the process may die.
    fn dies(&mut self) -> bool {
        let Some(node) = &self.node else { return true };
        let chance = if node.engine.phase() == Phase::Live { self.plan.crash_live } else { self.plan.crash_recovering };
        if self.crashes < CRASHES_MAX && self.rng.chance(chance) && self.rng.chance(200) {
            self.crash("before an effect", true);
            return true;
        }
        false
    }

    /// Gives the node an input, and then whatever its strategies answer, until nobody has anything to say.
    pub(crate) fn feed(&mut self, life: u32, input: Input) {
        let mut next = Some(input);
        loop {
            let now = self.node_time();
            let Some(node) = self.node.as_mut().filter(|n| n.life == life) else { return };
            let input = match next.take() {
                Some(input) => input,
                None => {
                    let Some((id, seq, event)) = node.told.pop_front() else { return };
                    let Some(strategy) = node.strategies.get_mut(&id) else { continue };
                    let calls = &mut node.calls;
                    match host::call(&node.engine, now, &id, strategy.as_mut(), seq, &event, calls) {
                        Some(input) => input,
                        None => continue,
                    }
                }
            };
            self.trace.line(self.now, || format!("> {}", short_input(&input)));
            if let Input::LinkDown { session, .. } = &input
                && node.session == Some(*session)
            {
                node.session = None;
            }
            let mut effects = Vec::new();
            node.engine.handle(now, input, &mut effects);
            if !self.act(life, effects) {
                return;
            }
        }
    }

    /// Does what the engine says, in its order: the records first, as one group. `false` if the process died on the way.
    fn act(&mut self, life: u32, effects: Vec<Effect>) -> bool {
        let mut group = Vec::new();
        let mut others = VecDeque::new();
        for effect in effects {
            match effect {
                Effect::Journal(seq, record) => {
                    if let Some(node) = &self.node {
                        self.oracle.recorded(node.engine.books(), seq, &record);
                    }
                    group.push((seq, record));
                }
                other => others.push_back(other),
            }
        }
        if !group.is_empty() {
            if self.dies() {
                return false;
            }
            self.journal(life, group);
        }
        for effect in others {
            if self.dies() {
                return false;
            }
            self.perform(life, effect);
        }
        true
    }

    fn journal(&mut self, life: u32, group: Vec<(Seq, exec_core::record::Record)>) {
        self.tally.add("records", group.len() as u64);
        for (seq, record) in &group {
            self.trace.line(self.now, || format!("  {seq} {}", short_record(record)));
        }
        let wants = self.node.as_mut().is_some_and(|n| n.queue(group));
        if wants {
            self.write(life);
        }
    }

    fn write(&mut self, life: u32) {
        let Some(node) = &mut self.node else { return };
        match node.write() {
            Ok(true) => {
                let slow = if self.fault("sync slow", self.plan.sync_slow) { self.rng.between(5, 1_500) } else { 0 };
                let ms = self.rng.below(3) + slow;
                self.later(ms, Event::Synced { life });
            }
            Ok(false) => (),
            Err(why) => self.journal_failed(life, why),
        }
    }

    fn synced(&mut self, life: u32) {
        let Some(node) = self.node.as_mut().filter(|n| n.life == life) else { return };
        node.writing = false;
        match node.log.sync() {
            Ok(()) => {
                let durable = node.log.durable_seq();
                self.oracle.durable(durable);
                self.write(life);
                self.feed(life, Input::Durable(Seq(durable)));
            }
            Err(error) => self.journal_failed(life, error.to_string()),
        }
    }

    fn journal_failed(&mut self, life: u32, why: String) {
        let Some(node) = self.node.as_mut().filter(|n| n.life == life && !n.journal_failed) else { return };
        node.journal_failed = true;
        self.tally.count("journal failed");
        self.later(0, Event::ToNode { life, input: Input::JournalFailed(why) });
    }

    fn perform(&mut self, life: u32, effect: Effect) {
        match effect {
            Effect::Journal(..) => (),
            Effect::Send(request) => {
                self.trace.line(self.now, || format!("  send {}", network::short_request(&request)));
                let durable = self.node.as_ref().map_or(0, |n| n.log.durable_seq());
                let judged = self.oracle.leaves(&request, durable);
                self.judge(judged);
                self.send(life, request);
            }
            Effect::Ask(query, what) => self.ask(life, query, what),
            Effect::SetTimer(timer, at) => {
                let at = self.world_time(at);
                self.at(at, Event::Fire { life, timer });
            }
            Effect::Notify(strategy, seq, event) => {
                if let Some(node) = &mut self.node {
                    node.told.push_back((strategy, seq, event));
                }
            }
            Effect::Reopen(session, _) => {
                if self.stream.as_ref().is_some_and(|s| s.session == session) {
                    self.cut_stream(0);
                }
            }
            Effect::Phase(phase) => {
                self.trace.line(self.now, || format!("  phase {phase:?}"));
                if phase == Phase::Live {
                    self.tally.count("gate opened");
                }
            }
            Effect::ReadClock => self.later(1, Event::MeasureClock { life }),
            Effect::Report(_) => (),
            Effect::Alert(alert) => {
                self.trace.line(self.now, || format!("  alert {} {}", alert.kind, alert.text));
                // What a correct engine never has to say in a world that keeps its promises.
                if matches!(alert.kind, "books_refused" | "latched" | "intent_reused" | "overfill" | "no_cl_ord_id" | "kept_raw")
                {
                    self.violate(format!("alert {}: {}", alert.kind, alert.text));
                }
                self.tally.count(match alert.level {
                    AlertLevel::Info => "alerts: info",
                    AlertLevel::Warning => "alerts: warning",
                    AlertLevel::Critical => "alerts: critical",
                });
            }
        }
    }

    fn measure_clock(&mut self, life: u32) {
        if self.node.as_ref().is_none_or(|n| n.life != life) {
            return;
        }
        let bad = self.fault("clock known badly", self.plan.clock_bad);
        let error_ms = if bad { self.rng.between(200, 900) } else { self.rng.between(1, 40) };
        let off = i64::try_from(self.rng.below(error_ms * 2 + 1)).unwrap_or(0) - i64::try_from(error_ms).unwrap_or(0);
        let reading = ClockReading { offset_ms: off - self.plan.clock_ahead_ms, error_ms };
        let wait = self.rng.between(1, 2 * error_ms);
        self.later(wait, Event::ToNode { life, input: Input::Clock(reading) });
        self.later(wait + 2_000, Event::MeasureClock { life });
    }
}

fn short_record(record: &exec_core::record::Record) -> String {
    match record {
        exec_core::record::Record::Order { intent, source, event, .. } => {
            let id = format!("{intent}");
            format!("{} {source:?} {event:?}", id.get(26..).unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

fn short_input(input: &Input) -> String {
    match input {
        Input::Instruments(all) => format!("instruments {}", all.len()),
        Input::Price(price) => format!("price {} {:?}", price.instrument, price.quote.bid),
        Input::Outcome { request, outcome } => format!("outcome {request}: {}", network::short_outcome(outcome)),
        Input::Answer { query, answer } => format!("answer {query}: {}", network::short_answer(answer)),
        Input::Report { session, report } => match &report.body {
            exec_core::report::ReportBody::Order(o) => format!(
                "{session} order {:?} {:?} {:?} cum {:?} fill {:?}",
                o.cl_ord_id,
                o.order_id,
                o.status,
                o.cum_qty,
                o.fill.as_ref().map(|f| (f.trade_id, f.qty))
            ),
            exec_core::report::ReportBody::Trade(t) => {
                format!("{session} trade {:?} {} {} {}", t.cl_ord_id, t.order_id, t.fill.trade_id, t.fill.qty)
            }
            exec_core::report::ReportBody::Account(a) => {
                let positions: Vec<String> = a.positions.iter().map(|p| format!("{:?} {}", p.leg, p.qty)).collect();
                format!("{session} account {} {positions:?}", a.reason)
            }
            other => format!("{session} {other:?}"),
        },
        Input::Begin
        | Input::Clock(_)
        | Input::LinkUp(_)
        | Input::LinkDown { .. }
        | Input::Commands { .. }
        | Input::Operator { .. }
        | Input::Timer(_)
        | Input::Durable(_)
        | Input::JournalFailed(_)
        | Input::Drain => format!("{input:?}"),
    }
}
