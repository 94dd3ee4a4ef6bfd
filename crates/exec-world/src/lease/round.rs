//! One round: what happens when, in the order of the venue's time. A step of a process that stands still waits for it to go on, and
//! then comes in any order.

use super::{
    FAULTS, TERMS,
    node::{BEGIN_MS, Node, venue_time},
    oracle::{Kind, Oracle},
    plan::{Blow, FailOver, Plan},
    store::Store,
};
use crate::{
    case::Case,
    rng::Rng,
    size::Size,
    tally::Tally,
    trace::{Trace, Wanted},
    world::Ended,
};
use exec_core::{
    ids::Epoch,
    lease::{Answer, Ask, LeaseError, Lost, Question, Standing},
    time::{Timestamp, VenueTime},
};
use std::collections::{BTreeMap, BTreeSet};

/// A request on its way.
#[derive(Clone, Copy, Debug)]
struct Sent {
    kind: Kind,
    epoch: Epoch,
    writer: (usize, u32),
    timestamp: VenueTime,
}

/// What a process does next.
#[derive(Clone, Debug)]
enum Step {
    /// Looks at its lease.
    Turn,
    /// Hears from the store, or gives up on it.
    Hear { question: u64, answer: Answer },
    /// Wants to send something.
    Want,
    /// Signs it; what is dated now has no date yet.
    Sign { kind: Kind, dated: Option<VenueTime> },
    /// Hands its bytes to the kernel.
    Write { kind: Kind, timestamp: VenueTime },
    /// Hears that something took effect.
    Shown(Epoch),
}

#[derive(Clone, Debug)]
enum Event {
    Of { node: usize, life: u32, step: Step },
    AtStore { node: usize, life: u32, number: u64, question: Question },
    Arrives(Sent),
    InEngine(Sent),
    Effect(Sent),
    Starts { node: usize, above: Epoch },
    Blow,
    FailOver(FailOver),
    ClockStep(u64),
}

pub(super) struct Round<'a> {
    case: &'a Case,
    plan: Plan,
    rng: Rng,
    now: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    order: u64,
    nodes: [Node; 2],
    lives: [u32; 2],
    store: Store,
    /// The highest epoch in the journal that outlives a machine, if there is one.
    journal: Option<Epoch>,
    oracle: Oracle,
    tally: Tally,
    trace: Trace,
    faults: BTreeSet<&'static str>,
    tried: bool,
    size: Size,
}

impl<'a> Round<'a> {
    pub(super) fn new(case: &'a Case, wanted: Wanted) -> Self {
        let plan = Plan::of(case);
        let floor = Epoch::floor(Timestamp::from_ms(BEGIN_MS));
        let nodes = [0, 1].map(|name| Node::new(&plan, name, 0, floor));
        let mut round = Self {
            case,
            rng: Rng::new(case.seed, 0x2_0DE5),
            now: 0,
            agenda: BTreeMap::new(),
            order: 0,
            nodes,
            lives: [0, 0],
            store: Store::default(),
            journal: None,
            oracle: Oracle::default(),
            tally: Tally { worlds: 1, ..Tally::default() },
            trace: Trace::new(wanted),
            faults: BTreeSet::new(),
            tried: false,
            size: Size::default(),
            plan,
        };
        for node in [0, 1] {
            let above = Epoch(floor.0 + if node == 0 { round.plan.restarts } else { 0 });
            round.at(round.plan.starts[node], Event::Starts { node, above });
        }
        round.at(round.plan.blow.0, Event::Blow);
        if let Some((at, how)) = round.plan.fail_over {
            round.at(at, Event::FailOver(how));
        }
        if let Some((at, by_ms)) = round.plan.clock_step {
            round.at(at, Event::ClockStep(by_ms));
        }
        round
    }

    /// Plays it to its end.
    pub(super) fn run(mut self) -> Ended {
        let mut violation = None;
        while violation.is_none() && self.tally.steps < self.case.steps {
            let Some(((at, _), event)) = self.agenda.pop_first() else { break };
            if at > self.plan.ends {
                break;
            }
            self.now = at;
            self.tally.steps += 1;
            if let Err(why) = self.happens(event) {
                self.trace.line(at, || format!("VIOLATED {why}"));
                violation = Some((self.tally.steps, why));
            }
        }
        self.tally.virtual_ms = self.now;
        if self.tried {
            self.tally.count("rounds in which a deposed node tried to send");
        }
        if self.oracle.writers() > 1 {
            self.tally.count("rounds in which the account changed hands");
        }
        self.tally.add("requests that took effect", self.oracle.effects);
        let kinds = u64::try_from(self.faults.len()).unwrap_or(0);
        let size = Size { steps: self.tally.steps, fault_kinds: kinds, virtual_ms: self.now, ..self.size };
        Ended { size, hash: self.trace.hash(), tally: self.tally, lines: self.trace.lines(), strikes: 0, violation }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.agenda.insert((at, self.order), event);
    }

    fn step_at(&mut self, at: u64, node: usize, step: Step) {
        let life = self.lives[node];
        self.at(at, Event::Of { node, life, step });
    }

    /// Whether a fault strikes here; it is counted if it does.
    fn strikes(&mut self, permille: u32, what: &'static str) -> bool {
        debug_assert!(FAULTS.contains(&what), "{what}");
        if !self.rng.chance(permille) || self.case.without.contains(&what.replace(' ', "-")) {
            return false;
        }
        self.tally.count(what);
        self.faults.insert(what);
        self.size.faults += 1;
        true
    }

    fn happens(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Of { node, life, step } => self.step(node, life, step),
            Event::AtStore { node, life, number, question } => self.at_store(node, life, number, &question),
            Event::Arrives(sent) => self.arrives(sent, false)?,
            Event::InEngine(sent) => self.arrives(sent, true)?,
            Event::Effect(sent) => {
                self.trace.line(self.now, || format!("effect {sent:?}"));
                self.oracle.effect(sent.epoch, sent.kind, sent.writer)?;
                let seen = self.now + 5 + self.rng.below(300);
                self.step_at(seen, 1 - sent.writer.0, Step::Shown(sent.epoch));
            }
            Event::Starts { node, above } => self.starts(node, above),
            Event::Blow => self.blow(),
            Event::FailOver(how) => {
                let what = match how {
                    FailOver::Empty => "fail-over that forgets",
                    FailOver::Behind { .. } => "fail-over to an older record",
                };
                if self.strikes(1_000, what) {
                    self.store.fail_over(self.now, how);
                    if how == FailOver::Empty {
                        self.journal = None;
                    }
                    self.trace.line(self.now, || format!("{what}: {:?}", self.store));
                }
            }
            Event::ClockStep(by_ms) => {
                if self.strikes(1_000, "store's clock steps") {
                    self.store.ahead_ms += by_ms;
                }
            }
        }
        Ok(())
    }

    fn starts(&mut self, node: usize, above: Epoch) {
        self.lives[node] += 1;
        let (life, cut_until) = (self.lives[node], self.nodes[node].cut_until);
        self.nodes[node] = Node::new(&self.plan, node, life, above);
        self.nodes[node].cut_until = cut_until;
        self.trace.line(self.now, || format!("node {node} starts, life {life}, above {above}"));
        self.step_at(self.now, node, Step::Turn);
        self.step_at(self.now, node, Step::Want);
    }

    fn blow(&mut self) {
        let holder = usize::from(self.nodes[1].lease.epoch().is_some());
        let (blow, what) = match self.plan.blow.1 {
            Blow::Nothing => return,
            blow @ Blow::Stop { .. } => (blow, "process stands still"),
            blow @ Blow::Cut { .. } => (blow, "store cut off from a node"),
            blow @ Blow::Death => (blow, "node dies with its disk"),
        };
        if !self.strikes(1_000, what) {
            return;
        }
        self.trace.line(self.now, || format!("node {holder}: {blow:?}"));
        match blow {
            Blow::Stop { for_ms } => self.nodes[holder].still_until = self.now + for_ms,
            Blow::Cut { for_ms } => self.nodes[holder].cut_until = self.now + for_ms,
            Blow::Death => {
                self.lives[holder] += 1;
                let (again, floor) = (self.now + 20_000, Epoch::floor(Timestamp::from_ms(BEGIN_MS + self.now)));
                self.at(again, Event::Starts { node: holder, above: floor });
            }
            Blow::Nothing => (),
        }
    }

    fn step(&mut self, node: usize, life: u32, step: Step) {
        if self.lives[node] != life {
            return;
        }
        let still_until = self.nodes[node].still_until;
        if still_until > self.now {
            // Whatever waits for the process to go on comes in any order then.
            let order = self.rng.next() >> 16 << 16 | self.order;
            self.order += 1;
            self.agenda.insert((still_until, order), Event::Of { node, life, step });
            return;
        }
        if self.strikes(self.plan.stops, "process stands still") {
            let for_ms = if self.rng.chance(200) { self.rng.below(30_000) } else { self.rng.below(3_000) };
            self.nodes[node].still_until = self.now + for_ms.max(1);
            return self.step(node, life, step);
        }
        match step {
            Step::Turn => self.turn(node),
            Step::Hear { question, answer } => {
                if self.nodes[node].out == Some(question) {
                    self.trace.line(self.now, || format!("node {node} hears {answer:?}"));
                    self.nodes[node].answered(self.now, answer);
                }
            }
            Step::Want => self.wants(node),
            Step::Sign { kind, dated } => self.signs(node, kind, dated),
            Step::Write { kind, timestamp } => self.writes(node, kind, timestamp),
            Step::Shown(epoch) => {
                let at = self.nodes[node].now(self.now);
                self.nodes[node].lease.saw(at, epoch);
            }
        }
    }

    /// A look at the lease, and what follows from how it stands.
    fn turn(&mut self, node: usize) {
        let question = self.nodes[node].turn(self.now);
        if let Some(question) = question {
            self.asks(node, question);
        }
        let of = &mut self.nodes[node];
        if of.is_lost() {
            return self.ends(node);
        }
        let at = of.now(self.now);
        if let (Standing::Held { epoch, .. }, Some(journal)) = (of.lease.standing(), self.journal.filter(|_| !of.looked))
            && *epoch <= journal
        {
            of.lease.raise(journal);
        }
        if of.lease.is_ready(at) && !of.looked {
            of.looked = true;
            self.journal = self.journal.max(of.lease.epoch().filter(|_| self.plan.shared_journal));
            if let Some(shown) = self.oracle.shown() {
                of.lease.saw(at, shown);
            }
            self.trace.line(self.now, || format!("node {node} is ready: {:?}", self.nodes[node].lease.standing()));
        }
        let of = &self.nodes[node];
        let from = match of.lease.standing() {
            Standing::Held { from, .. } if !of.looked => Some(*from),
            Standing::Held { .. } | Standing::Waiting(_) | Standing::Lost(_) => None,
        };
        let next = [of.lease.next(), from].into_iter().flatten().map(|at| of.when(at)).min();
        let next = next.unwrap_or(u64::MAX).clamp(self.now + 1, self.now + 1_000);
        self.step_at(next, node, Step::Turn);
    }

    /// A process whose lease is lost ends, and another start of it takes part again.
    fn ends(&mut self, node: usize) {
        let of = &self.nodes[node];
        self.trace.line(self.now, || format!("node {node} is out: {:?}", of.lease.standing()));
        // A deposed node's strategy still wants to send; its process is gone in a moment.
        let again = self.now + 1_000 + self.rng.below(3_000);
        if let Standing::Lost(Lost::Seen(seen)) = of.lease.standing()
            && of.cut_until <= self.now
        {
            // What it has seen is left with the store.
            let ask = Ask { owner: of.lease.owner().clone(), epoch: *seen, ttl_ms: TERMS.linger_ms() };
            self.store.answer(self.now, &Question::Acquire(ask));
        }
        let floor = Epoch::floor(Timestamp::from_ms(BEGIN_MS + again));
        let above = of.epoch.map_or(floor, |own| own.max(floor));
        self.at(again, Event::Starts { node, above });
    }

    fn asks(&mut self, node: usize, question: Question) {
        let of = &mut self.nodes[node];
        of.asked += 1;
        (of.out, self.size.requests) = (Some(of.asked), self.size.requests + 1);
        let (number, life, cut) = (of.asked, of.life, of.cut_until > self.now);
        let unavailable = LeaseError::Unavailable("no answer".to_owned());
        let none = match &question {
            Question::Acquire(_) => Answer::Acquired(Err(unavailable)),
            Question::Renew(_) => Answer::Renewed(Err(unavailable)),
        };
        self.step_at(self.now + TERMS.renew_every_ms(), node, Step::Hear { question: number, answer: none });
        if !cut {
            let at = self.now + self.way_to_store();
            self.at(at, Event::AtStore { node, life, number, question });
        }
    }

    fn way_to_store(&mut self) -> u64 {
        1 + if self.strikes(self.plan.slow, "store slow") { self.rng.below(2_600) } else { self.rng.below(20) }
    }

    fn at_store(&mut self, node: usize, life: u32, number: u64, question: &Question) {
        let answer = self.store.answer(self.now, question);
        self.trace.line(self.now, || format!("store: {question:?} -> {answer:?}"));
        if let (true, Some(epoch)) = (is_granted(&answer), self.store.epoch()) {
            self.oracle.granted(epoch, self.now, TERMS.ttl_ms);
        }
        if self.strikes(self.plan.lost, "answer of the store lost") {
            return;
        }
        let at = self.now + self.way_to_store();
        self.at(at, Event::Of { node, life, step: Step::Hear { question: number, answer } });
    }

    /// Somebody wants something sent, and the engine dates it.
    fn wants(&mut self, node: usize) {
        // Soon again, so that the end of a lease is met from both sides.
        let next = self.now + if self.rng.chance(300) { self.rng.below(100) } else { 100 + self.rng.below(1_200) };
        self.step_at(next.max(self.now + 1), node, Step::Want);
        let of = &self.nodes[node];
        let Some(epoch) = of.epoch else { return };
        self.deposed(node, epoch);
        let kind = if self.rng.chance(600) { Kind::Order } else { Kind::Other };
        let timestamp = self.nodes[node].venue_now(self.now);
        if !self.nodes[node].looked || !self.nodes[node].covers(self.now, timestamp) {
            self.tally.count("not sent: no lease covers it");
            return;
        }
        // An order waits for its record to be on the disk.
        let waits = if self.rng.chance(100) { self.rng.below(400) } else { self.rng.below(3) };
        let dated = (kind == Kind::Order).then_some(timestamp);
        self.step_at(self.now + waits, node, Step::Sign { kind, dated });
    }

    fn signs(&mut self, node: usize, kind: Kind, dated: Option<VenueTime>) {
        let of = &self.nodes[node];
        let timestamp = dated.unwrap_or_else(|| of.venue_now(self.now));
        let covered = of.guard.covers(timestamp, TERMS.recv_window_ms);
        if let Some(epoch) = of.epoch {
            self.deposed(node, epoch);
        }
        if covered {
            self.step_at(self.now + self.order % 2, node, Step::Write { kind, timestamp });
        } else {
            self.tally.count("not signed: no lease covers it");
        }
    }

    fn writes(&mut self, node: usize, kind: Kind, timestamp: VenueTime) {
        let of = &self.nodes[node];
        let Some(epoch) = of.epoch else { return };
        let sent = Sent { kind, epoch, writer: (node, of.life), timestamp };
        if self.now >= self.oracle.end(epoch) {
            self.tally.count("written by a deposed node");
        }
        self.tally.count("requests written");
        let way = match self.rng.below(20) {
            0 => self.rng.below(8_000),
            1 | 2 => self.rng.below(2_500),
            _ => 1 + self.rng.below(20),
        };
        self.at(self.now + way, Event::Arrives(sent));
    }

    /// A node whose lease is over tries to send.
    fn deposed(&mut self, node: usize, epoch: Epoch) {
        if self.now < self.oracle.end(epoch) {
            return;
        }
        self.tried = true;
        self.tally.count("tries of a deposed node to send");
        if !self.nodes[node].is_lost() {
            self.tally.count("tries of a deposed node that did not know it yet");
        }
    }

    /// The venue looks at a request's window: when it arrives, and once more in the engine where that looks, too.
    fn arrives(&mut self, sent: Sent, in_engine: bool) -> Result<(), String> {
        let venue = venue_time(self.now);
        let late = venue > sent.timestamp.plus_ms(TERMS.recv_window_ms);
        if late || sent.timestamp > venue.plus_ms(1_000) {
            self.tally.count("refused by the venue for its window");
            return Ok(());
        }
        if sent.kind == Kind::Order && !in_engine && self.rng.chance(500) {
            let on = self.now + self.rng.below(3_000);
            self.at(on, Event::InEngine(sent));
            return Ok(());
        }
        self.oracle.taken_in(sent.epoch, sent.kind, self.now)?;
        let margin = TERMS.engine_margin_ms;
        let done = if self.strikes(self.plan.late, "request late in the engine") {
            if self.rng.chance(300) { margin - self.rng.below(300) } else { self.rng.below(margin + 1) }
        } else {
            1 + self.rng.below(30)
        };
        self.at(self.now + done, Event::Effect(sent));
        Ok(())
    }
}

fn is_granted(answer: &Answer) -> bool {
    use exec_core::lease::{Acquired, Renewed};
    matches!(answer, Answer::Acquired(Ok(Acquired::Granted { .. })) | Answer::Renewed(Ok(Renewed::Renewed)))
}
