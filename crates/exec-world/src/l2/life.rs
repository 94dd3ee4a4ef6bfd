//! The lives of a node in a world with sockets: it starts on what the disk has kept, with a new adapter and new connections, and ends
//! as processes end.

use super::{
    disk::Kept,
    pipes::Wire,
    watched::Watched,
    world::{KEY, SECRET, World},
};
use crate::{
    fault::Fault,
    node::{Node, NotUp, config},
    world::BEGINNING_MS,
};
use binance_adapter::{BinanceUsdm, Credentials, Settings, environment::Environment, session::SessionTimes};
use exec_core::{conversation::Phase, time::Timestamp, venue::ExecutionVenue};
use exec_runtime::{
    Account, AccountHandle, AccountSettings, Clock, ExitSummary, NodeError, OnDifference, RuntimeConfig, control::Ask,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// A snapshot is taken after so many records.
const SNAPSHOT_EVERY: u64 = 300;

/// One life.
pub(crate) struct Life {
    pub(crate) task: JoinHandle<Result<ExitSummary, NodeError>>,
    pub(crate) handle: AccountHandle,
    pub(crate) adapter: Arc<BinanceUsdm>,
    pub(crate) alerts_seen: u64,
    /// Asks for a clean end.
    pub(crate) stop: oneshot::Sender<()>,
    alive: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn start(&mut self) {
        self.lives += 1;
        let life = self.lives;
        // A disk that fails while the journal opens is a process that does not come up; it is the power that fails there.
        let fails = {
            let mut inner = self.seat.lock();
            inner.fault(Fault::PowerInOpen.name(), self.plan.crash_recovering).then(|| inner.rng.below(12))
        };
        self.disk.faults(|f| (f.sync_fails_after, f.power_loss_after) = (None, fails));
        let clock = self.clock();
        let alive = Arc::new(AtomicBool::new(true));
        let adapter = match self.adapter(clock, Arc::clone(&alive)) {
            Ok(adapter) => Arc::new(adapter),
            Err(why) => return self.violate(why),
        };
        let started = Node::start(&self.plan, adapter.profile().clone(), &self.disk, life, &self.active);
        self.disk.faults(|f| f.power_loss_after = None);
        match started {
            Ok((node, last)) => self.run_node(life, node, last, adapter, clock, alive),
            Err(NotUp::PowerLost) => {
                let mut inner = self.seat.lock();
                inner.line(|| "the power fails while the journal opens".to_owned());
                self.disk.crash(inner.rng.next());
                self.starts_at = inner.now() + 100;
            }
            Err(NotUp::Defect(why)) => self.violate(why),
        }
    }

    fn clock(&self) -> Clock {
        let ms = i64::try_from(BEGINNING_MS + self.now()).unwrap_or(i64::MAX) + self.plan.clock_ahead_ms;
        Clock::anchored(Timestamp::from_ms(u64::try_from(ms).unwrap_or(0)))
    }

    fn adapter(&self, clock: Clock, alive: Arc<AtomicBool>) -> Result<BinanceUsdm, String> {
        let environment = Environment::routed("http://127.0.0.1:1", "ws://127.0.0.1:1").map_err(|e| e.to_string())?;
        let credentials = Credentials { key: KEY.into(), secret: SECRET.into() };
        let mut settings = Settings::new(environment, credentials, Arc::new(move || clock.now()));
        settings.dialer = Some(Arc::new(Wire { net: Arc::clone(&self.net), alive }));
        // Small pages cost weight, and are full in a small world.
        settings.page_rows = match (self.rough.limits_real, self.plan.seed % 4) {
            (true, _) => 1_000,
            (false, 1) => 6,
            (false, _) => 50,
        };
        settings.answer_within = Duration::from_millis(2_500);
        settings.session =
            SessionTimes { ping_every_ms: 3_000, silent_max_ms: 9_000, keyless_max_ms: 10_000, ..SessionTimes::default() };
        if self.rough.socket_life_ms < 86_400_000 {
            settings.session.announce_age_ms = self.rough.socket_life_ms - 4_000;
        }
        BinanceUsdm::new(settings).map_err(|e| e.to_string())
    }

    fn run_node(
        &mut self,
        life: u32,
        mut node: Node,
        last: u64,
        adapter: Arc<BinanceUsdm>,
        clock: Clock,
        alive: Arc<AtomicBool>,
    ) {
        let strategies = std::mem::take(&mut node.strategies);
        {
            let mut inner = self.seat.lock();
            inner.tally.count("starts");
            inner.line(|| format!("life {life} starts behind record {last}"));
            let judged = inner.oracle.recovered(last);
            inner.judge(judged);
            node.snapshot_every = SNAPSHOT_EVERY;
            (inner.node, inner.life, inner.alive, inner.death) = (Some(node), life, true, None);
            inner.phase = Phase::Replaying;
            if inner.fault(Fault::SyncFails.name(), self.plan.sync_fails) {
                let after = inner.rng.between(5, 60);
                self.disk.faults(|f| f.sync_fails_after = Some(after));
            }
        }
        let watched = Watched {
            adapter: Arc::clone(&adapter),
            seat: Arc::clone(&self.seat),
            face: self.face.clone(),
            account: self.account,
            life,
        };
        let journal = Kept::new(Arc::clone(&self.seat), life, self.disk.clone(), last);
        let settings = AccountSettings { on_difference: OnDifference::Warn, ..AccountSettings::default() };
        let mut account = Account::new(config(&self.plan), Arc::new(watched), Box::new(journal))
            .prices(adapter.clone())
            .setup(adapter.clone(), settings)
            .venue_clock(adapter.clone())
            .runtime(patience(self.plan.seed.wrapping_add(u64::from(life))))
            .clock(clock);
        for (id, strategy) in strategies {
            account = account.strategy(id, strategy);
        }
        let node = match exec_runtime::Node::builder().account(account).build() {
            Ok(node) => node,
            Err(error) => return self.violate(format!("the node cannot be built: {error}")),
        };
        let Some(handle) = node.handle().accounts().first().cloned() else { return };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(node.run(stopped));
        self.life = Some(Life { task, handle, adapter, alerts_seen: 0, stop, alive });
    }

    /// The process is gone, and with it its memory and its end of every connection; what it had sent goes on.
    pub(crate) fn bury(&mut self) {
        let Some(life) = self.life.take() else { return };
        life.alive.store(false, Ordering::Relaxed);
        life.task.abort();
        let mut inner = self.seat.lock();
        inner.alive = false;
        inner.node = None;
        let (_, power) = inner.death.take().unwrap_or(("its end", false));
        let seed = inner.rng.next();
        if power {
            self.disk.crash(seed);
        } else {
            self.disk.kill();
        }
        self.starts_at = inner.now() + inner.rng.between(10, 3_000);
    }

    /// Speaks at the control socket; whoever asks does not wait for the answer.
    pub(crate) fn ask(&self, ask: Ask) {
        let Some(life) = &self.life else { return };
        self.seat.lock().line(|| format!("> operator {ask:?}"));
        let control = life.handle.control().clone();
        tokio::spawn(async move {
            let _gone = control.ask("operator", ask).await;
        });
    }
}

/// Deadlines that fit a world of a minute.
fn patience(jitter: u64) -> RuntimeConfig {
    let s = Duration::from_secs;
    RuntimeConfig {
        command_deadline: s(6),
        query_deadline: s(8),
        open_deadline: s(4),
        healthy_after: s(5),
        steady_after: s(5),
        clock_interval: s(5),
        instruments_interval: s(20),
        settings_interval: s(20),
        drain_deadline: s(20),
        jitter_seed: Some(jitter),
        alerts_max: 64,
        snapshot_every: SNAPSHOT_EVERY,
        ..RuntimeConfig::default()
    }
}
