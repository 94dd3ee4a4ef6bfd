//! The shell around the engine of a world: it does what the effects say, in their order, and may die before any of them.

use crate::{
    agenda::Event,
    broken::Broken,
    fault::Fault,
    node::{Node, NotUp, instrument_ids},
    oracle::{exits_fit, must_not_be_said},
    promises,
    strategies::Panicked,
    words,
    world::{CRASHES_MAX, World},
};
use exec_core::{
    conversation::{AlertLevel, Effect, Input, Phase, Request},
    host,
    ids::{Seq, SessionId},
    record::Record,
    time::ClockReading,
};
use exec_journal::JournalError;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

impl World {
    pub(crate) fn start(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.life += 1;
        let life = self.life;
        if !self.healing && self.fault(Fault::PowerInOpen, self.plan.crash_recovering) {
            let after = self.fate().below(12);
            self.disk.faults(|f| f.power_loss_after = Some(after));
        }
        // A disk that fails while the journal opens is a process that does not come up; it is the power that fails there.
        self.disk.faults(|f| (f.sync_fails_after, f.writes) = (None, None));
        self.set_clock();
        let started = Node::start(&self.plan, self.desk.profile().clone(), &self.disk, life, &self.active);
        self.disk.faults(|f| f.power_loss_after = None);
        match started {
            Ok((node, last_seq)) => {
                self.tally.count("starts");
                self.trace.line(self.now, || format!("life {life} starts behind record {last_seq}"));
                let judged = self.oracle.recovered(last_seq);
                self.judge(judged);
                self.node = Some(node);
                if self.fault(Fault::SyncFails, self.plan.sync_fails) {
                    let after = self.fate().between(5, 60);
                    self.disk.faults(|f| f.sync_fails_after = Some(after));
                }
                self.feed(life, Input::Begin);
                let wait = self.rng.between(1, 50);
                self.later(wait, Event::ToNode { life, input: Input::Instruments(self.desk.instruments()) });
                let settings = self.desk.settings(&instrument_ids(self.plan.symbols));
                self.later(wait, Event::ToNode { life, input: Input::Settings(settings) });
                let wait = self.rng.between(1, 60);
                self.later(wait, Event::OpenStream { life, session: SessionId(life * 1_000) });
            }
            Err(NotUp::PowerLost) => {
                self.trace.line(self.now, || "the power fails while the journal opens".to_owned());
                let seed = self.rng.next();
                self.disk.crash(seed);
                self.later(100, Event::Start);
            }
            Err(NotUp::Defect(why)) => self.violate(why),
        }
    }

    /// Ends the process, with or without the machine. What is on its way to the venue goes on.
    pub(crate) fn crash(&mut self, when: &'static str, may_lose_power: bool) {
        let power = may_lose_power && self.rng.chance(self.plan.power_loss);
        let recovering = self.node.as_ref().is_some_and(|n| n.engine.phase() != Phase::Live);
        // A restart that somebody wants is no fault.
        let struck = self.healing
            || (!recovering || self.struck(Fault::CrashRecovering))
                && self.struck(if power { Fault::PowerLoss } else { Fault::Kill });
        if struck {
            self.end(when, power);
        }
    }

    pub(crate) fn end(&mut self, when: &'static str, power: bool) {
        let live = self.node.as_ref().is_some_and(|n| n.engine.phase() == Phase::Live);
        self.tally.count(if live { "crashes while live" } else { "crashes while recovering" });
        self.trace.line(self.now, || format!("! crash ({}) {when}", if power { "power" } else { "kill" }));
        self.crashes += 1;
        self.suspended_until = 0;
        self.node = None;
        self.streams.clear();
        if power {
            let seed = self.rng.next();
            self.disk.crash(seed);
        } else {
            self.disk.kill();
        }
        let mut down = self.rng.between(10, 3_000);
        if self.plan.venue_forgets_ms > 0 && !self.healing && self.fault(Fault::LongOutage, 400) {
            self.later(100, Event::Swept);
            down += self.plan.venue_forgets_ms + self.fate().between(500, 4_000);
        }
        self.later(down, Event::Start);
    }

    /// Before any effect the process may die.
    fn dies(&mut self) -> bool {
        let Some(node) = &self.node else { return true };
        let chance = if node.engine.phase() == Phase::Live { self.plan.crash_live } else { self.plan.crash_recovering };
        if chance > 0 && self.crashes < CRASHES_MAX && self.rng.below(5_000) < u64::from(chance) {
            self.crash("before an effect", true);
        }
        self.node.is_none()
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
                    self.oracle.promises.told(&id, seq);
                    let calls = &mut node.calls;
                    let call = || host::call(&node.engine, now, &id, strategy.as_mut(), seq, &event, calls);
                    match catch_unwind(AssertUnwindSafe(call)) {
                        Ok(Some(input)) => input,
                        Ok(None) => continue,
                        Err(panic) if panic.is::<Panicked>() => {
                            self.strategy_panicked();
                            return;
                        }
                        Err(panic) => resume_unwind(panic),
                    }
                }
            };
            self.trace.line(self.now, || format!("> {}", words::short_input(&input)));
            let asks = if let Input::Commands { strategy, .. } = &input { Some(strategy.clone()) } else { None };
            let wishes = matches!(&input, Input::Commands { .. } | Input::Operator { .. });
            let mut effects = Vec::new();
            node.engine.handle(now, input, &mut effects);
            let mut records = effects.iter().filter_map(|e| if let Effect::Journal(_, record) = e { Some(record) } else { None });
            if wishes {
                self.oracle.brackets.wished.get_or_insert_default().extend(records.clone().filter_map(promises::wished_off));
            }
            let judged: Result<(), String> = match &asks {
                Some(asks) => records.try_for_each(|r| promises::cancels_its_own(node.engine.books(), asks, r)),
                None => Ok(()),
            };
            self.judge(judged);
            if !self.act(life, effects) {
                return;
            }
        }
    }

    /// The process does not survive it.
    fn strategy_panicked(&mut self) {
        if self.struck(Fault::StrategyPanics) {
            self.end("a strategy panicked", false);
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
                        self.rows.seen(node.engine.books(), &record);
                        self.oracle.recorded(node.engine.books(), seq, &record);
                        let judged = self.oracle.exit_passes(node.engine.books(), &record);
                        self.judge(judged);
                        let judged = self.oracle.moved_by_trades(seq, &record);
                        self.judge(judged);
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

    fn journal(&mut self, life: u32, group: Vec<(Seq, Record)>) {
        self.tally.add("records", group.len() as u64);
        for (seq, record) in &group {
            self.trace.line(self.now, || format!("  {seq} {}", words::short_record(record)));
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
                let slow = if self.fault(Fault::SyncSlow, self.plan.sync_slow) { self.fate().between(5, 1_500) } else { 0 };
                let ms = self.rng.below(3) + slow;
                self.later(ms, Event::Synced { life });
            }
            Ok(false) => (),
            Err(why) => self.journal_failed(life, why),
        }
    }

    pub(crate) fn synced(&mut self, life: u32) {
        let Some(node) = self.node.as_mut().filter(|n| n.life == life) else { return };
        node.writing = false;
        match node.log.sync() {
            Ok(()) => {
                let durable = node.log.durable_seq();
                self.oracle.durable(durable);
                if !self.snapshot(life) {
                    return;
                }
                self.write(life);
                self.feed(life, Input::Durable(Seq(durable)));
            }
            Err(error) => self.journal_failed(life, error.to_string()),
        }
    }

    /// Writes a snapshot that is due and lets go of what it covers; the power may fail in the middle. Says whether the node lives.
    fn snapshot(&mut self, life: u32) -> bool {
        let Some(snapshot) = self.node.as_mut().and_then(Node::due_snapshot) else { return true };
        let fails = !self.healing && self.crashes < CRASHES_MAX && self.fault(Fault::PowerInSnapshot, self.plan.crash_recovering);
        if fails {
            let after = self.fate().below(10);
            self.disk.faults(|f| f.power_loss_after = Some(after));
        }
        let Some(node) = &mut self.node else { return false };
        let (seq, log) = (snapshot.seq().0, &mut node.log);
        let done = log.snapshot(&snapshot.encode(), seq).and_then(|()| log.truncate_before(seq + 1));
        self.disk.faults(|f| f.power_loss_after = None);
        if self.disk.is_dead() {
            self.end("in a snapshot", true);
            return false;
        }
        match done {
            Ok(dropped) => {
                self.tally.count("snapshots");
                self.tally.add("segments dropped", dropped);
            }
            // The log is sound; the next one is tried in its time.
            Err(JournalError::Upkeep(_)) => self.tally.count("snapshots that failed"),
            Err(error) => self.journal_failed(life, error.to_string()),
        }
        true
    }

    pub(crate) fn journal_failed(&mut self, life: u32, why: String) {
        let Some(node) = self.node.as_mut().filter(|n| n.life == life && !n.journal_failed) else { return };
        node.journal_failed = true;
        self.tally.count("journal failed");
        self.later(0, Event::ToNode { life, input: Input::JournalFailed(why) });
    }

    fn perform(&mut self, life: u32, effect: Effect) {
        match effect {
            Effect::Journal(..) => (),
            Effect::Send(request) => {
                self.trace.line(self.now, || format!("  send {}", words::short_request(&request)));
                let durable = self.node.as_ref().map_or(0, |n| n.log.durable_seq());
                if let Some(node) = &self.node {
                    if let Request::Submit { attempt, .. } = &request
                        && !exits_fit(node.engine.books(), attempt)
                    {
                        // The venue refuses what is too much; each of these costs a request and a refusal.
                        self.tally.count("exits beyond their leg");
                    }
                    let books = node.engine.books();
                    let judged = self.oracle.leaves(books, &request, durable);
                    let judged = judged.and_then(|()| self.oracle.leaves_in_time(books, &request, self.node_time()));
                    self.judge(judged);
                }
                self.send(life, request);
            }
            Effect::Ask(query, what) => self.ask(life, query, what),
            Effect::SetTimer(timer, at) => {
                let at = self.world_time(at);
                self.at(at, Event::Fire { life, timer });
            }
            Effect::Notify(strategy, seq, event) => {
                if let Some(node) = &mut self.node {
                    let judged = promises::knows_its_own(node.engine.books(), &strategy, &event);
                    node.told.push_back((strategy, seq, event));
                    self.judge(judged);
                }
            }
            Effect::Reopen(session, why) => {
                self.trace.line(self.now, || format!("  reopen {session}: {why}"));
                self.replace_stream(life, session);
            }
            Effect::Close(session) => self.close_streams(session),
            // These worlds have one node; the lease has worlds of its own.
            Effect::AskLease(_) | Effect::Fenced(_) => (),
            Effect::Phase(change) => {
                self.trace.line(self.now, || format!("  phase {:?} {:?}", change.to, change.shut));
                if change.to == Phase::Live
                    && !matches!(change.from, Phase::Live | Phase::Degraded)
                    && let Some(node) = &self.node
                {
                    let judged = promises::nothing_in_doubt_from_before(node.engine.books());
                    self.judge(judged);
                }
                if change.to == Phase::Live && change.from != Phase::Live {
                    self.tally.count("gate opened");
                }
            }
            Effect::ReadClock => self.later(1, Event::MeasureClock { life }),
            Effect::Report(_) => (),
            Effect::Alert(alert) => {
                self.trace.line(self.now, || format!("  alert {} {}", alert.kind, alert.text));
                if alert.kind == "latched" && self.ghosts {
                    self.noticed += 1;
                    self.tally.count("broken promises noticed");
                }
                if alert.kind == "no_cl_ord_id" {
                    self.tally.count("orders out of ids");
                }
                let books = self.node.as_ref().map(|n| n.engine.books());
                if books.is_some_and(|books| must_not_be_said(&alert, books, self.ghosts)) {
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

    pub(crate) fn measure_clock(&mut self, life: u32) {
        if self.node.as_ref().is_none_or(|n| n.life != life) {
            return;
        }
        let lies = self.plan.breaks == Some(Broken::Clock) && self.fault(Fault::ClockLies, 150);
        let lie = if lies { i64::try_from(self.fate().between(0, 16_000)).unwrap_or(0) - 8_000 } else { 0 };
        let bad = self.fault(Fault::ClockBad, self.plan.clock_bad);
        let error_ms = if bad { self.rng.between(200, 900) } else { self.rng.between(1, 40) };
        let off = i64::try_from(self.rng.below(error_ms * 2 + 1)).unwrap_or(0) - i64::try_from(error_ms).unwrap_or(0);
        let reading = ClockReading { offset_ms: off + lie - self.plan.clock_ahead_ms, error_ms };
        let wait = self.rng.between(1, 2 * error_ms);
        self.later(wait, Event::ToNode { life, input: Input::Clock(reading) });
        self.later(wait + 2_000, Event::MeasureClock { life });
    }
}
