//! Where a world with sockets is judged: books made of nothing but the records that the node wrote, the oracles, counts and trace.
//! What runs in the node's own tasks reports here; nothing here speaks to the node.

use crate::{
    case::Case,
    fault::Fault,
    node::Node,
    oracle::{Oracle, exits_fit},
    plan::Plan,
    promises,
    rng::Rng,
    rows::Rows,
    size::Size,
    standing::{Standing, Truth},
    tally::Tally,
    trace::{Trace, Wanted},
    words,
    world::{BEGINNING_MS, CRASHES_MAX},
};
use exchange_sim::{face::Face, types::AccountId};
use exec_core::{
    conversation::{Outcome, Phase, Request},
    ids::Seq,
    record::Record,
    time::Timestamp,
    venue::CommandError,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// How long a step of such a world is.
pub(crate) const TICK_MS: u64 = 100;

/// The seat.
pub(crate) struct Seat {
    inner: Mutex<Inner>,
    /// Told when the process has died.
    pub(crate) died: Notify,
    /// Told when there is something for the disk.
    pub(crate) disk_wanted: Notify,
}

/// What it knows.
pub(crate) struct Inner {
    began: Instant,
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    /// The journal of the life that goes on, and an engine that has read every record of it and nothing else.
    pub(crate) node: Option<Node>,
    pub(crate) life: u32,
    /// Whether its process runs. What it does after its death changes nothing.
    pub(crate) alive: bool,
    /// Why it died, and whether its machine lost power with it.
    pub(crate) death: Option<(&'static str, bool)>,
    pub(crate) phase: Phase,
    pub(crate) oracle: Oracle,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    pub(crate) crashes: u32,
    pub(crate) healing: bool,
    /// Whether bytes were spoilt that nobody could read.
    pub(crate) spoilt: bool,
    pub(crate) struck: Struck,
    pub(crate) rows: Rows,
    requests: u64,
    pub(crate) violation: Option<(u64, String)>,
}

/// What has struck so far, and what may not: a shorter story of the same world does without some.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// How many turns came, with those that were left out.
    pub(crate) number: u64,
    without: BTreeSet<String>,
    skip: BTreeSet<u64>,
}

impl Struck {
    fn new(without: &BTreeSet<String>, skip: &BTreeSet<u64>) -> Self {
        Self { without: without.clone(), skip: skip.clone(), ..Self::default() }
    }

    /// A fault's turn has come: whether it strikes. What is only armed is counted when it has fired.
    pub(crate) fn turn(&mut self, what: &str) -> bool {
        self.number += 1;
        !self.skip.contains(&self.number) && !self.without.contains(&what.replace(' ', "-"))
    }

    fn strikes(&mut self, what: &'static str) -> bool {
        let strikes = self.turn(what);
        if strikes {
            *self.kinds.entry(what).or_default() += 1;
        }
        strikes
    }
}

impl Seat {
    pub(crate) fn new(case: &Case, plan: &Plan, wanted: Wanted) -> Self {
        let outside = plan.manual > 0 || plan.forced > 0 || plan.settles;
        let inner = Inner {
            began: Instant::now(),
            plan: plan.clone(),
            rng: Rng::new(plan.seed, 22),
            node: None,
            life: 0,
            alive: false,
            death: None,
            phase: Phase::Replaying,
            oracle: Oracle::new(outside, false),
            tally: Tally { worlds: 1, ..Tally::default() },
            trace: Trace::new(wanted),
            crashes: 0,
            healing: false,
            spoilt: false,
            struck: Struck::new(&case.without, &case.skip),
            rows: Rows::default(),
            requests: 0,
            violation: None,
        };
        Self { inner: Mutex::new(inner), died: Notify::new(), disk_wanted: Notify::new() }
    }

    /// One thread runs a world, so nobody ever waits here.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault whose turn has come strikes; counted.
    pub(crate) fn strikes(&self, what: &'static str) -> bool {
        self.lock().strikes(what)
    }

    pub(crate) fn spoilt(&self) {
        self.lock().spoilt = true;
    }

    /// A group of records comes to the journal. Says whether it is taken: the process may be dead, or die now.
    pub(crate) fn recorded(&self, life: u32, group: &[(Seq, Record)]) -> bool {
        let mut inner = self.lock();
        if !inner.lives(life) {
            return false;
        }
        if inner.dies("before a record") {
            self.died.notify_one();
            return false;
        }
        inner.read(group);
        true
    }

    /// A request is about to leave. Says whether it does.
    pub(crate) fn leaves(&self, life: u32, request: &Request) -> bool {
        let mut inner = self.lock();
        if !inner.lives(life) {
            return false;
        }
        if inner.dies("before a request") {
            self.died.notify_one();
            return false;
        }
        inner.judge_leaving(request);
        true
    }

    /// A request has its outcome. Says whether the node hears of it.
    pub(crate) fn answered(&self, life: u32, request: &Request, outcome: &Outcome, face: &Face, account: AccountId) -> bool {
        let mut inner = self.lock();
        if !inner.lives(life) {
            return false;
        }
        inner.judge_outcome(request, outcome, face, account);
        if inner.dies("before an outcome") {
            self.died.notify_one();
            return false;
        }
        true
    }
}

impl Inner {
    /// Milliseconds since the world began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
    pub(crate) fn node_time(&self) -> Timestamp {
        let ms = i64::try_from(BEGINNING_MS + self.now()).unwrap_or(i64::MAX) + self.plan.clock_ahead_ms;
        Timestamp::from_ms(u64::try_from(ms).unwrap_or(0))
    }

    pub(crate) fn line(&mut self, make: impl FnOnce() -> String) {
        let now = self.now();
        self.trace.line(now, make);
    }

    pub(crate) fn judge(&mut self, judged: Result<(), String>) {
        if let Err(text) = judged {
            self.violate(text);
        }
    }

    pub(crate) fn violate(&mut self, text: String) {
        self.line(|| format!("VIOLATION {text}"));
        let step = self.now() / TICK_MS;
        self.violation.get_or_insert((step, text));
    }

    fn lives(&self, life: u32) -> bool {
        self.alive && self.life == life
    }

    /// Whether a fault strikes now; counted.
    pub(crate) fn fault(&mut self, what: &'static str, permille: u32) -> bool {
        !self.healing && self.rng.chance(permille) && self.strikes(what)
    }

    pub(crate) fn strikes(&mut self, what: &'static str) -> bool {
        let strikes = self.struck.strikes(what);
        if strikes {
            let number = self.struck.number;
            self.line(|| format!("! {what} (strike {number})"));
        }
        strikes
    }

    /// Before anything that the process does to the outside it may die.
    fn dies(&mut self, when: &'static str) -> bool {
        let chance = if self.phase == Phase::Live { self.plan.crash_live } else { self.plan.crash_recovering };
        let dies = !self.healing && self.crashes < CRASHES_MAX && self.rng.chance(chance) && self.rng.chance(200);
        dies && self.die(when)
    }

    /// Ends the process, with or without the machine. What has left it goes on.
    /// `false` where this strike was taken out of the story.
    pub(crate) fn die(&mut self, when: &'static str) -> bool {
        let power = self.rng.chance(self.plan.power_loss);
        if !self.strikes(if power { Fault::PowerLoss.name() } else { Fault::Kill.name() }) {
            return false;
        }
        self.alive = false;
        self.death = Some((when, power));
        self.crashes += 1;
        if self.phase != Phase::Live {
            let _counted = self.strikes(Fault::CrashRecovering.name());
        }
        self.line(|| format!("! crash {when}"));
        true
    }

    /// Reads a group of records as a restart would, and judges them.
    fn read(&mut self, group: &[(Seq, Record)]) {
        self.tally.add("records", group.len() as u64);
        for (seq, record) in group {
            self.line(|| format!("  {seq} {}", words::short_record(record)));
            let read = self.node.as_mut().map_or(Ok(()), |node| node.engine.replay(*seq, record));
            if let Err(error) = read {
                self.violate(format!("record {seq} cannot be replayed: {error}"));
            }
        }
        let Some(node) = self.node.as_ref() else { return };
        let books = node.engine.books();
        let mut judged = Ok(());
        let asks = group.iter().find_map(|(_, r)| if let Record::Cursor { strategy, .. } = r { Some(strategy) } else { None });
        for (seq, record) in group {
            self.oracle.recorded(books, *seq, record);
            self.rows.seen(books, record);
            let moved = self.oracle.moved_by_trades(*seq, record);
            judged = judged.and_then(|()| self.oracle.exit_passes(books, record)).and(moved);
            if let Some(strategy) = asks {
                judged = judged.and_then(|()| promises::cancels_its_own(books, strategy, record));
            }
            if let Record::Cursor { strategy, seen, .. } = record {
                self.oracle.promises.told(strategy, Some(*seen));
            }
        }
        self.judge(judged);
    }

    fn judge_leaving(&mut self, request: &Request) {
        self.tally.count("requests");
        self.requests += 1;
        self.line(|| format!("  send {}", words::short_request(request)));
        let now = self.node_time();
        let Some(node) = self.node.as_ref() else { return };
        if node.journal_failed {
            let judged = self.oracle.leaves_unrecorded(request);
            return self.judge(judged);
        }
        let (books, durable) = (node.engine.books(), node.log.durable_seq());
        if let Request::Submit { attempt, .. } = request
            && !exits_fit(books, attempt)
        {
            self.tally.count("exits beyond their leg");
        }
        let judged = self.oracle.leaves(books, request, durable);
        let judged = judged.and_then(|()| self.oracle.leaves_in_time(books, request, now));
        self.judge(judged);
    }

    fn judge_outcome(&mut self, request: &Request, outcome: &Outcome, face: &Face, account: AccountId) {
        self.line(|| format!("outcome {} -> {}", words::short_request(request), words::short_outcome(outcome)));
        let what = match outcome {
            Outcome::Order(Ok(_)) | Outcome::All(Ok(())) => "outcomes: done",
            Outcome::Order(Err(e)) | Outcome::All(Err(e)) => match e {
                CommandError::Rejected(_) => "outcomes: refused",
                CommandError::NotSent(_) => "outcomes: not sent",
                CommandError::Unknown { .. } => "outcomes: unknown",
            },
        };
        self.tally.count(what);
        let oracle = &mut self.oracle;
        let judged = face.with_exchange(|exchange, _| oracle.answered_late(&Truth { exchange, account }, request, outcome));
        self.judge(judged);
    }

    pub(crate) fn size(&self) -> Size {
        Size {
            steps: self.now() / TICK_MS,
            orders: self.oracle.orders_sent.len() as u64,
            instruments: self.oracle.traded.len() as u64,
            requests: self.requests,
            faults: self.struck.kinds.values().sum(),
            fault_kinds: self.struck.kinds.len() as u64,
            crashes: u64::from(self.crashes),
            virtual_ms: self.now(),
        }
    }

    pub(crate) fn standing(&self) -> Option<Standing<'_>> {
        self.node.as_ref().filter(|node| !node.journal_failed).map(|node| Standing::of(&node.engine, self.phase))
    }
}
