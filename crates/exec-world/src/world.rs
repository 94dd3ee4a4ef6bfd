//! One world: everything that can happen, in order of time, on one thread, from one seed. What happens stands here; how the network
//! treats it in `network`, what is right in `oracle`.

use crate::{
    agenda::{Agenda, Event},
    broken::Broken,
    fault::{Fault, Strikes},
    market,
    node::{Node, NotUp},
    oracle::Oracle,
    plan::Plan,
    rng::Rng,
    rows::Rows,
    size::Size,
    standing::{Truth, left_open},
    strategies::{ACTS, GETS_FLAT, RESTS},
    streams::Stream,
    tally::Tally,
    trace::{Trace, Wanted},
};
use exchange_sim::{Exchange, venue::Desk};
use exec_core::{
    command::OperatorCommand,
    conversation::Input,
    engine::config::ProtectionPolicy,
    ids::{IntentId, RequestId},
    order::event::OrderEvent,
    reconcile,
    time::Timestamp,
};
use exec_journal::SimDisk;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

/// 2026-11-22 00:00 UTC, by the venue.
pub(crate) const BEGINNING_MS: u64 = 1_795_305_600_000;
const TICK_MS: u64 = 100;
/// How long strategies, flow and outside hands rest before books are compared.
const QUIET_MS: u64 = 9_000;
/// How long after the faults everything must be equal.
const HEAL_MS: u64 = 60_000;
/// How long after the quiet the operator looks once more: a node that was down or stood still has not heard the first word.
const LOOK_AGAIN_MS: u64 = 20_000;
/// How long strategies that share instruments have to close their shares.
const FLAT_MS: u64 = 12_000;
/// How late a request may be that is late beyond all promises.
const GHOST_MS: u64 = 16_000;
/// When the symbol ends that is settled.
const SETTLES_AT_MS: u64 = 5_000;
pub(crate) const CRASHES_MAX: u32 = 12;

/// How a world ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) tally: Tally,
    pub(crate) size: Size,
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    /// How many strikes of faults there were, with those that were left out.
    pub(crate) strikes: u64,
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
    pub(crate) streams: Vec<Stream>,
    pub(crate) requests: u64,
    /// When the last event that is under way on any session arrives, those of closed ones included.
    pub(crate) last_words: u64,
    pub(crate) open_requests: BTreeSet<(u32, RequestId)>,
    pub(crate) oracle: Oracle,
    pub(crate) tally: Tally,
    pub(crate) strikes: Strikes,
    pub(crate) rows: Rows,
    pub(crate) trace: Trace,
    agenda: Agenda,
    steps: u64,
    pub(crate) disk: SimDisk,
    pub(crate) life: u32,
    pub(crate) crashes: u32,
    pub(crate) active: Arc<AtomicU8>,
    violation: Option<(u64, String)>,
    pub(crate) healing: bool,
    /// Until when the process stands still, and questions for positions fail.
    pub(crate) suspended_until: u64,
    pub(crate) positions_down_until: u64,
    /// Orders that another node of the same name has placed.
    pub(crate) twins: u32,
    pub(crate) outside_orders: u64,
    /// Whether the venue breaks its word in this world.
    pub(crate) ghosts: bool,
    /// How often the node has noticed that.
    pub(crate) noticed: u32,
}

impl World {
    pub(crate) fn new(plan: Plan, wanted: Wanted) -> Result<Self, String> {
        let forgets = i64::try_from(plan.venue_forgets_ms).unwrap_or(0);
        let mut config = market::exchange(&plan);
        if forgets > 0 {
            config.unfilled_kept_ms = forgets;
        }
        let mut exchange = Exchange::new(config).map_err(|e| e.to_string())?;
        let account = exchange.create_account(market::owner(&plan));
        let rng = Rng::new(plan.seed, 2);
        // Lists that are late are no promise broken, as long as they come: nothing else is forgiven there.
        let breaks_word = plan.ghosts > 0 || plan.breaks.is_some_and(|what| what != Broken::Lists);
        let outside_hands = plan.manual > 0 || plan.forced > 0 || plan.settles;
        let mut oracle = Oracle::new(outside_hands, breaks_word);
        oracle.brackets.wished = Some(BTreeSet::new());
        let mut world = Self {
            rng,
            now: 0,
            desk: Desk::new(exchange, account),
            node: None,
            streams: Vec::new(),
            requests: 0,
            last_words: 0,
            open_requests: BTreeSet::new(),
            oracle,
            tally: Tally { worlds: 1, ..Tally::default() },
            rows: Rows::default(),
            strikes: Strikes::new(&plan.without, &plan.skip),
            trace: Trace::new(wanted),
            agenda: Agenda::default(),
            steps: 0,
            disk: SimDisk::new(),
            life: 0,
            crashes: 0,
            active: Arc::new(AtomicU8::new(ACTS)),
            violation: None,
            healing: false,
            suspended_until: 0,
            positions_down_until: 0,
            twins: 0,
            outside_orders: 0,
            ghosts: breaks_word,
            noticed: 0,
            plan,
        };
        world.past();
        let first = if world.plan.manual > 0 { 300 } else { 0 };
        world.at(first, Event::Start);
        world.at(TICK_MS, Event::Tick);
        Ok(world)
    }

    /// Lives it through.
    pub(crate) fn run(mut self) -> Ended {
        while self.steps < self.plan.steps && self.violation.is_none() {
            if self.plan.sure_crash.is_some_and(|step| step <= self.steps) && self.node.is_some() {
                self.plan.sure_crash = None;
                self.crash("as planned", true);
            }
            self.step();
        }
        if self.violation.is_none() {
            self.heal();
        }
        self.tally.steps = self.steps;
        self.tally.virtual_ms = self.now;
        let size = self.size();
        for (what, n) in self.strikes.counted().chain(self.rows.counted()) {
            self.tally.add(what, n);
        }
        let strikes = self.strikes.number();
        Ended { tally: self.tally, size, strikes, hash: self.trace.hash(), lines: self.trace.lines(), violation: self.violation }
    }

    fn size(&self) -> Size {
        let crashes = self.strikes.of(Fault::Kill) + self.strikes.of(Fault::PowerLoss);
        Size {
            steps: self.steps,
            orders: self.oracle.orders_sent.len() as u64,
            instruments: self.oracle.traded.len() as u64,
            requests: self.requests,
            faults: self.strikes.counted().map(|(_, n)| n).sum(),
            fault_kinds: self.strikes.counted().count() as u64,
            crashes,
            virtual_ms: self.now,
        }
    }

    /// Everything bad stops. Within a bound the node must be as the venue is.
    fn heal(&mut self) {
        self.plan = self.plan.healed();
        self.healing = true;
        self.positions_down_until = 0;
        self.disk.faults(|f| *f = exec_journal::Faults::default());
        self.trace.line(self.now, || "the faults stop".to_owned());
        self.active.store(if self.gets_flat() { GETS_FLAT } else { RESTS }, Ordering::Relaxed);
        if self.node.as_ref().is_some_and(|n| n.journal_failed) {
            self.crash("restarted for its journal", false);
        }
        let begun = self.now.max(self.suspended_until);
        // Requests that are late beyond all promises are waited for; then somebody looks, and lets the node go on.
        let quiet = if self.ghosts { GHOST_MS + QUIET_MS } else { QUIET_MS };
        // Where brackets are watched nobody takes their stops away.
        if !self.plan.only_brackets && self.rng.chance(300) {
            let command = OperatorCommand::CancelAll(None);
            let life = self.life;
            self.later(1_000, Event::ToNode { life, input: Input::Operator { who: "tester".to_owned(), command } });
        }
        let mut compare_after = 0;
        self.run_until(begun + quiet - QUIET_MS / 2);
        // What a stream was late with arrives late after the faults, too, and latches then.
        self.run_until(self.last_words.max(self.now) + 1);
        let release = Input::Operator { who: "operator".to_owned(), command: OperatorCommand::Release };
        self.feed(self.life, release);
        if self.gets_flat() {
            // Prices and somebody to trade with, until every share is closed.
            self.run_until(self.now + FLAT_MS);
            self.active.store(RESTS, Ordering::Relaxed);
            compare_after = FLAT_MS;
        }
        let venue = self.venue_ms();
        self.desk.exchange_mut().set_flow(venue, false);
        let mut compare_at = self.now.max(begun + quiet + compare_after);
        loop {
            self.run_until(compare_at);
            if self.violation.is_some() {
                return;
            }
            let wrong = self.wrong_in_the_end();
            if wrong.is_empty() {
                self.tally.heal_ms_max = self.now - begun;
                self.nothing_to_reconcile();
                self.broken_promises_were_noticed();
                self.silence_is_noticed();
                self.replayed_equal();
                return;
            }
            if self.now > begun + HEAL_MS {
                self.violate(wrong.join("\n    "));
                return;
            }
            compare_at = self.now + 1_000;
            if compare_at.abs_diff(begun + quiet + LOOK_AGAIN_MS) <= 500 {
                let release = Input::Operator { who: "operator".to_owned(), command: OperatorCommand::Release };
                self.feed(self.life, release);
            }
        }
    }

    /// Whether strategies close their shares in the end: nothing but each other's shares can keep them from it.
    fn gets_flat(&self) -> bool {
        let plan = &self.plan;
        plan.shared && !self.ghosts && !plan.greedy && self.oracle.is_alone()
    }

    /// Two strategies with opposite shares: each can get flat.
    fn shares_left(&self, node: &Node, wrong: &mut Vec<String>) {
        if !self.gets_flat() {
            return;
        }
        for ((owner, instrument, leg), share) in node.engine.books().shares() {
            if owner.strategy().is_some() && !share.is_zero() {
                wrong.push(format!("{owner:?} wanted its share of {instrument} {leg:?} closed, and holds {share}"));
            }
        }
    }

    fn wrong_in_the_end(&self) -> Vec<String> {
        let Some(node) = &self.node else { return vec!["the node is down".to_owned()] };
        let (standing, truth) = (node.standing(), Truth::of(&self.desk));
        let mut wrong = left_open(&node.engine);
        wrong.extend(self.oracle.in_the_end(&standing, &truth));
        // An entry that executes after its proven death leaves no stop behind; the account is latched for that.
        if self.plan.protection != ProtectionPolicy::Alert && !self.ghosts {
            self.oracle.brackets.uncovered_in_the_end(&standing, &truth, &mut wrong);
        }
        self.shares_left(node, &mut wrong);
        wrong
    }

    /// An attempt that was presumed dead and lives must have been raised, not only corrected.
    fn broken_promises_were_noticed(&mut self) {
        let Some(node) = &self.node else { return };
        let attempts = node.engine.books().orders().flat_map(|o| o.attempts().values());
        let risen = attempts.filter(|a| a.death_proof().is_some() && a.seen_at_venue()).count();
        if self.twins > 0 && self.noticed == 0 {
            self.violate(format!("another node placed {} orders under ids like ours, and nobody was told", self.twins));
        } else if risen > 0 && self.noticed == 0 {
            self.violate(format!("{risen} attempts were presumed dead and live, and nobody was told"));
        }
    }

    /// Books that equal the venue's have nothing to learn from it, however often they are compared.
    fn nothing_to_reconcile(&mut self) {
        let (Some(node), now) = (&self.node, self.venue_ms()) else { return };
        let instruments = node.engine.config().instruments();
        let Ok(status) = self.desk.mass_status(now, &instruments) else { return };
        let plan = reconcile::plan(node.engine.books(), &status, &instruments);
        let differences = reconcile::differences(node.engine.books(), &status);
        // What was placed a moment ago need not stand in the venue's list yet.
        let list_lag = self.desk.exchange().config().algo.list_lag_ms;
        // The same terms under the number of the change that brought them are no news of the order.
        let books = node.engine.books();
        let is_known = |intent: &IntentId, event: &OrderEvent| match event {
            OrderEvent::Terms { terms, .. } => {
                books.order(*intent).is_some_and(|o| (o.qty(), o.price()) == (Some(terms.qty), terms.price))
            }
            _ => false,
        };
        if !(plan.learn.iter().all(|(intent, event)| is_known(intent, event))
            && plan.adopt.is_empty()
            && plan.ask.iter().all(|order| now - order.since.0 <= list_lag)
            && plan.begin.is_empty()
            && differences.is_empty())
        {
            self.violate(format!("reconciled books still have to learn: {plan:?} {differences:?}"));
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
        while self.violation.is_none() && self.agenda.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    // --- time ---

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.agenda.plan(at.max(self.now), event);
    }
    pub(crate) fn later(&mut self, ms: u64, event: Event) {
        self.at(self.now + ms, event);
    }
    pub(crate) fn venue_ms(&self) -> i64 {
        i64::try_from(BEGINNING_MS + self.now).unwrap_or(i64::MAX)
    }
    pub(crate) fn node_time(&self) -> Timestamp {
        let ms = i64::try_from(BEGINNING_MS + self.now).unwrap_or(i64::MAX) + self.plan.clock_ahead_ms;
        Timestamp::from_ms(u64::try_from(ms).unwrap_or(0))
    }
    pub(crate) fn world_time(&self, node_time: Timestamp) -> u64 {
        let ms = i64::try_from(node_time.as_ms()).unwrap_or(i64::MAX) - self.plan.clock_ahead_ms;
        u64::try_from(ms).unwrap_or(0).saturating_sub(BEGINNING_MS)
    }

    // --- what happens ---

    pub(crate) fn judge(&mut self, judged: Result<(), String>) {
        if let Err(text) = judged {
            self.violate(text);
        }
    }

    pub(crate) fn violate(&mut self, text: String) {
        self.trace.line(self.now, || format!("VIOLATION {text}"));
        self.violation.get_or_insert((self.steps, text));
    }

    fn step(&mut self) {
        let Some((at, event)) = self.agenda.next() else { return };
        self.now = self.now.max(at);
        if self.now < self.suspended_until && event.is_the_nodes() {
            self.at(self.suspended_until, event);
            return;
        }
        self.steps += 1;
        match event {
            Event::ToNode { life, input } => self.feed(life, input),
            Event::Reply { life, id, outcome } => {
                // The first answer counts; what comes after the deadline meets nobody.
                if self.open_requests.remove(&(life, id)) {
                    self.feed(life, Input::Outcome { request: id, outcome });
                }
            }
            Event::AtVenue { life, request, reached } => self.at_venue(life, request, reached),
            Event::Asked { life, query, what } => self.asked(life, query, &what),
            Event::OpenStream { life, session } => self.open_stream(life, session),
            Event::CutStream { life, session } => self.cut_stream(life, session),
            Event::Fire { life, timer } => self.feed(life, Input::Timer(timer)),
            Event::Synced { life } => self.synced(life),
            Event::MeasureClock { life } => self.measure_clock(life),
            Event::Repair { life } => self.repair(life),
            Event::Swept => {
                self.outside().sweep();
                self.deliver_pushed();
            }
            Event::Start => self.start(),
            Event::ByHand => {
                let venue = self.venue_ms();
                self.desk.exchange_mut().advance(venue);
                self.outside().hand();
                self.deliver_pushed();
            }
            Event::Tick => self.tick(),
        }
    }

    fn tick(&mut self) {
        let venue = self.venue_ms();
        self.desk.exchange_mut().advance(venue);
        if self.rng.chance(self.plan.price_jump) {
            self.tally.count("price jumps");
            self.outside().jump();
        }
        if self.rng.chance(self.plan.manual) {
            self.outside().hand();
        }
        if self.rng.chance(self.plan.forced) {
            self.outside().force();
        }
        if self.plan.settles && self.now > SETTLES_AT_MS {
            self.plan.settles = false;
            self.settle();
        }
        if self.rng.chance(self.plan.operator) {
            self.operator();
        }
        self.deliver_pushed();
        self.trouble_streams();
        self.trouble_machine();
        if self.plan.breaks == Some(Broken::Alone) && self.rng.chance(10) {
            self.twin();
        }
        if self.rng.chance(self.plan.crash_live) && self.crashes < CRASHES_MAX && self.node.is_some() {
            self.crash("out of the blue", true);
        }
        if let Some(node) = &self.node {
            let judged = self.oracle.always(&node.standing(), &Truth::of(&self.desk), self.plan.symbols);
            self.judge(judged);
        }
        self.watch_brackets();
        self.later(TICK_MS, Event::Tick);
    }
}
