//! One world with sockets: what passes while time does. How the node lives and dies stands in `life`, its end in `heal`.

use super::{
    life::Life,
    pipes::Net,
    rough::Rough,
    seat::{Inner, Seat, TICK_MS},
    weather::Weather,
};
use crate::{
    case::Case,
    fault::Strikes,
    market,
    oracle::must_not_be_said,
    outside::Outside,
    plan::Plan,
    promises,
    rng::Rng,
    standing::Truth,
    throws::throw,
    trace::Wanted,
    world::{CRASHES_MAX, Ended},
};
use exchange_sim::{
    face::{Face, FaceConfig, Limits},
    types::AccountId,
};
use exec_core::{
    conversation::{AlertLevel, Phase},
    engine::config::ProtectionPolicy,
    kill::KillScope,
};
use exec_journal::SimDisk;
use exec_runtime::control::Ask;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU8},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// When the symbol ends that is settled.
const SETTLES_AT_MS: u64 = 15_000;
/// How long a private stream may be dead before it is given up: its own patience, and some of the loop's.
const DEAD_MS: u64 = 9_000 + 4_000;
/// How much slower than in a world without sockets strategies act; and how much slower those of quiet accounts, two of three.
const SLOWER: u64 = 3;
const QUIET_SLOWER: u64 = 12;
/// The account's key; nothing depends on what it is.
pub(crate) const KEY: &str = "worldkey";
pub(crate) const SECRET: &str = "worldsecret";

/// One world.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) rough: Rough,
    pub(crate) began: Instant,
    pub(crate) seat: Arc<Seat>,
    pub(crate) net: Arc<Net>,
    pub(crate) face: Face,
    pub(crate) account: AccountId,
    pub(crate) rng: Rng,
    pub(crate) disk: SimDisk,
    pub(crate) active: Arc<AtomicU8>,
    pub(crate) weather: Weather,
    pub(crate) life: Option<Life>,
    /// When the next one begins.
    pub(crate) starts_at: u64,
    pub(crate) lives: u32,
    outside_orders: u64,
    hands: Strikes,
    settles: bool,
    next_tick: u64,
    rough_ms: u64,
    pub(crate) healing: bool,
}

impl World {
    /// Must be called on the runtime whose clock it is to use.
    pub(crate) fn new(case: &Case, wanted: Wanted) -> Result<Self, String> {
        // A request costs a hundred times what it costs in a world without sockets.
        let slower = if case.seed.is_multiple_of(3) { SLOWER } else { QUIET_SLOWER };
        let plan = Plan { slower, ..Plan::of(case) };
        let rough = Rough::new(&plan);
        let face = Face::new(face_config(&plan, &rough)).map_err(|e| e.to_string())?;
        let account = face.account(KEY).ok_or("the exchange has no account")?;
        let seat = Arc::new(Seat::new(case, &plan, wanted));
        let net = Net::new(face.clone(), Arc::clone(&seat), rough.clone(), plan.seed);
        let clock = face.clone();
        tokio::spawn(async move { clock.run_clock().await });
        let mut world = Self {
            rng: Rng::new(plan.seed, 23),
            began: Instant::now(),
            seat,
            net,
            face,
            account,
            disk: SimDisk::new(),
            active: Arc::new(AtomicU8::new(crate::strategies::ACTS)),
            weather: Weather::default(),
            life: None,
            starts_at: if plan.manual > 0 { 300 } else { 0 },
            lives: 0,
            outside_orders: 0,
            hands: Strikes::new(&case.without, &BTreeSet::new()),
            rough_ms: case.steps * TICK_MS,
            settles: plan.settles,
            next_tick: TICK_MS,
            healing: false,
            rough,
            plan,
        };
        if world.plan.manual > 0 {
            // What the owner did before there was a node.
            for _ in 0..7 {
                world.outside(|outside| outside.hand());
            }
        }
        Ok(world)
    }

    /// Lives it through.
    pub(crate) async fn run(mut self) -> Ended {
        self.pass_until(self.rough_ms).await;
        if self.violation().is_none() {
            self.heal().await;
        }
        let now = self.now();
        self.bury();
        self.face.stop();
        let mut inner = self.seat.lock();
        let violation = inner.violation.clone();
        let (steps, strikes) = (now / TICK_MS, inner.struck.number);
        (inner.tally.steps, inner.tally.virtual_ms) = (steps, now);
        for (what, n) in self.hands.counted() {
            *inner.struck.kinds.entry(what).or_default() += n;
        }
        let size = inner.size();
        let Inner { tally, struck, rows, .. } = &mut *inner;
        for (what, n) in struck.kinds.iter().map(|(what, n)| (*what, *n)).chain(rows.counted()) {
            tally.add(what, n);
        }
        let trace = std::mem::replace(&mut inner.trace, crate::trace::Trace::new(Wanted::Nothing));
        Ended { tally: std::mem::take(&mut inner.tally), size, strikes, hash: trace.hash(), lines: trace.lines(), violation }
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
    pub(crate) fn violation(&self) -> Option<(u64, String)> {
        self.seat.lock().violation.clone()
    }
    pub(crate) fn violate(&self, text: String) {
        self.seat.lock().violate(text);
    }

    /// Lets time pass, and everything happen that is due.
    pub(crate) async fn pass_until(&mut self, until: u64) {
        while self.now() < until && self.violation().is_none() {
            if self.life.is_none() && self.now() >= self.starts_at {
                self.start();
                continue;
            }
            let starts = if self.life.is_none() { self.starts_at } else { u64::MAX };
            let wake = self.began + Duration::from_millis(self.next_tick.min(starts).min(until));
            let seat = Arc::clone(&self.seat);
            tokio::select! {
                biased;
                () = seat.died.notified() => self.bury(),
                () = sleep_until(wake) => (),
            }
            if self.now() >= self.next_tick {
                self.next_tick += TICK_MS;
                self.tick();
            }
        }
    }

    fn tick(&mut self) {
        if !self.healing {
            self.trouble();
        }
        self.look_at_node();
        let crash = self.plan.crash_live;
        let dies = {
            let mut inner = self.seat.lock();
            let dies = inner.alive && !inner.healing && inner.crashes < CRASHES_MAX && inner.rng.chance(crash);
            dies && inner.die("out of the blue")
        };
        if dies {
            self.bury();
        }
        self.judge();
    }

    /// Those outside do what they do, and the exchange's faults are armed.
    fn trouble(&mut self) {
        if self.rng.chance(self.plan.price_jump) {
            self.outside(|outside| outside.jump());
        }
        if self.rng.chance(self.plan.manual) {
            self.outside(|outside| outside.hand());
        }
        if self.rng.chance(self.plan.forced) {
            self.outside(|outside| outside.force());
        }
        if self.settles && self.now() > SETTLES_AT_MS {
            self.settles = false;
            self.outside(|outside| {
                outside.settle();
            });
        }
        if self.rng.chance(self.plan.operator) {
            self.operator();
        }
        self.weather.pass(&self.face, KEY, &self.rough, &mut self.rng, &self.seat);
    }

    fn outside(&mut self, act: impl FnOnce(&mut Outside<'_>)) {
        let (now, account, hedging) = (self.now(), self.account, self.plan.hedging);
        let Self { seat, face, rng, outside_orders, hands, .. } = self;
        let mut inner = seat.lock();
        let inner = &mut *inner;
        face.with_exchange(|exchange, venue| {
            let trace = &mut inner.trace;
            act(&mut Outside { exchange, account, venue, now, hedging, rng, strikes: hands, trace, orders: outside_orders });
        });
    }

    /// Somebody at the control socket asks for something.
    fn operator(&mut self) {
        let (orders, config): (Vec<_>, _) = {
            let inner = self.seat.lock();
            let Some(node) = &inner.node else { return };
            (node.engine.books().open_orders().map(|o| o.intent().id).collect(), node.engine.config().clone())
        };
        // A gate that stays shut shows little.
        let ask = match self.rng.below(9) {
            _ if self.plan.kills > 0 && self.rng.chance(self.plan.kills) => {
                let (level, scope) = throw(&mut self.rng, &config);
                let (instrument, strategy) = match scope {
                    KillScope::Account => (None, None),
                    KillScope::Instrument(instrument) => (Some(instrument), None),
                    KillScope::Strategy(strategy) => (None, Some(strategy)),
                };
                self.seat.lock().tally.count("kill switch thrown");
                Ask::Kill { level, instrument, strategy }
            }
            0 => Ask::Latch {},
            1 | 6..=8 => Ask::Release {},
            2 => Ask::Reconcile {},
            3 => Ask::CancelAll { instrument: crate::node::instrument_ids(self.plan.symbols).into_iter().next() },
            4 => Ask::CancelAll { instrument: None },
            _ => match self.rng.pick(&orders) {
                Some(intent) => Ask::Cancel { intent: *intent },
                None => Ask::Reconcile {},
            },
        };
        self.seat.lock().tally.count("operator's commands");
        self.ask(ask);
    }

    /// Whether the node has ended by itself, what it raised, and where it stands.
    fn look_at_node(&mut self) {
        let Some(life) = &mut self.life else { return };
        if life.task.is_finished() {
            self.violate("the node has ended, and nobody asked it to".to_owned());
            return;
        }
        let ghosts = self.plan.ghosts > 0;
        let mut inner = self.seat.lock();
        let (kept, total) = life.handle.alerts();
        let new = usize::try_from(total - life.alerts_seen).unwrap_or(usize::MAX);
        life.alerts_seen = total;
        for raised in kept.iter().skip(kept.len().saturating_sub(new)) {
            let alert = &raised.alert;
            inner.line(|| format!("  alert {} {}", alert.kind, alert.text));
            inner.tally.count(match alert.level {
                AlertLevel::Info => "alerts: info",
                AlertLevel::Warning => "alerts: warning",
                AlertLevel::Critical => "alerts: critical",
            });
            // What nobody can read is kept as it came.
            let spoilt = alert.kind == "kept_raw" && inner.spoilt;
            let wrong = inner.node.as_ref().is_some_and(|n| must_not_be_said(alert, n.engine.books(), ghosts));
            if wrong && !spoilt {
                inner.violate(format!("alert {}: {}", alert.kind, alert.text));
            }
        }
        let (before, phase) = (inner.phase, life.handle.status().phase);
        inner.phase = phase;
        if before != phase {
            inner.line(|| format!("  phase {phase:?}"));
        }
        if phase == Phase::Live && before != Phase::Live {
            inner.tally.count("gate opened");
            if before != Phase::Degraded {
                let judged = inner.node.as_ref().map_or(Ok(()), |n| promises::nothing_in_doubt_from_before(n.engine.books()));
                inner.judge(judged);
            }
        }
    }

    /// What holds at any moment.
    fn judge(&mut self) {
        let (now, plan) = (self.now(), &self.plan);
        let watched = plan.brackets > 0 || plan.only_brackets;
        let strict = plan.is_undisturbed() && !self.healing && plan.protection != ProtectionPolicy::Alert;
        let account = self.account;
        let mut inner = self.seat.lock();
        let Inner { oracle, node, phase, .. } = &mut *inner;
        // Of a node whose journal has failed nobody knows what it knows.
        let Some(node) = node.as_ref().filter(|node| !node.journal_failed) else { return };
        let standing = crate::standing::Standing::of(&node.engine, *phase);
        let judged = self.face.with_exchange(|exchange, _| {
            let truth = Truth { exchange, account };
            oracle.always(&standing, &truth, plan.symbols)?;
            if watched { oracle.brackets.watch(now, (strict, 0), &standing, &truth) } else { Ok(()) }
        });
        inner.judge(judged);
        drop(inner);
        if let Err(text) = self.net.dead_are_given_up(now, DEAD_MS) {
            self.violate(text);
        }
    }
}

fn face_config(plan: &Plan, rough: &Rough) -> FaceConfig {
    let mut config = FaceConfig::new(plan.seed).with_account(KEY, SECRET, market::owner(plan));
    config.exchange = market::exchange(plan);
    config.exchange.algo.query_denies_live = plan.seed.is_multiple_of(3);
    config.start_ms = Some(config.exchange.start_ms);
    config.socket_life_ms = rough.socket_life_ms;
    config.limits = if rough.limits_real {
        Limits { ban_ms: 5_000, ..Limits::default() }
    } else {
        Limits { weight_1m: 100_000, orders_10s: 10_000, orders_1m: 100_000, ..Limits::default() }
    };
    config
}
