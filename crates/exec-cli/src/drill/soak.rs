//! The soak: one node trades for a long time while everything around it fails, and once a minute, with the load at rest, its books
//! must equal the exchange's. Nothing is killed here.

use super::{
    audit::{TAG, audit, names, replay},
    boundary::mix,
    cycle::ACCOUNTS,
    memory::Memory,
    stage::FAULTS,
    strategy::PAUSE,
};
use crate::{
    failure::Failure,
    play::{
        child::{Child, Role, Setting, write_config},
        forgetful::Forgetful,
        stage::{Exchange, Tempo},
    },
    screen,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Below the limits of the exchange, so that none of them holds the load up. Two accounts on one address that lose their streams
/// several times a minute compare everything as often: the real one gives no weight for that, and has no such minutes.
const TEMPO: Tempo =
    Tempo { order_recv_window_ms: 500, engine_margin_ms: 100, visibility_ms: 50, flow_ms: 100, pace_ms: 250, weight_1m: 6_000 };
/// How long the books may take to be equal once everything rests and nothing fails any more.
const EQUAL_WITHIN: Duration = Duration::from_secs(60);
/// The longest time without an order accepted.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// What the node's memory may grow by in an hour.
const GROWTH_MAX_KIB: i128 = 1024;
const MINUTE: Duration = Duration::from_secs(60);
/// With one arena for all threads the memory of a process is what its program holds; with several, glibc's allocator takes more for
/// half an hour. Other allocators do not read it.
const ONE_ARENA: (&str, &str) = ("MALLOC_ARENA_MAX", "1");
/// From so many minutes on memory has a limit.
const LONG: u64 = 30;
/// Such a soak begins so much earlier: its books keep an ended order for ten minutes, and hold more and more until then.
const WARM_UP: u64 = 10;
/// Load between two cuts; with the cut it is about a minute.
const WORK: Duration = Duration::from_secs(45);
const LOOK: Duration = Duration::from_millis(500);

pub(crate) struct Soak {
    exchange: Exchange,
    folder: PathBuf,
    node: Child,
    seed: u64,
    forget: Option<usize>,
    began: Instant,
    memory: Memory,
    faults: BTreeMap<&'static str, u64>,
    strikes: u64,
    /// Orders accepted of each account, and since when there are no more.
    accepted: Vec<(usize, Instant)>,
    idle: Duration,
    /// Since when the load is at rest, or was last.
    rests: Option<Instant>,
    cuts: u32,
    slowest_cut: Duration,
}

/// Runs a soak, and prints what it came to.
pub(crate) async fn run(minutes: u64, seed: u64, folder: &Path, forget: Option<usize>) -> Result<(), Failure> {
    let owners = ACCOUNTS.map(|(_, owner)| owner);
    let exchange = Exchange::open(seed, TEMPO, &owners).await?;
    let roles = ACCOUNTS.map(|(account, owner)| Role { account, owner, seed, steps: u32::MAX });
    let setting = Setting { tag: TAG, strategy: "drill", sweep_interval_secs: 10, shared: None, lease: None };
    let config = write_config(folder, &exchange, &setting, &roles)?;
    let pause = folder.join("pause");
    let mut node = Child::start(&config, &[(PAUSE, &pause.to_string_lossy()), ONE_ARENA])?;
    for (account, _) in ACCOUNTS {
        node.live(account).await?;
    }
    let began = Instant::now();
    let memory = Memory::of(node.id());
    let mut soak = Soak {
        exchange,
        folder: folder.to_owned(),
        node,
        seed,
        forget,
        began,
        memory,
        faults: BTreeMap::new(),
        strikes: 0,
        accepted: vec![(0, began); ACCOUNTS.len()],
        idle: Duration::ZERO,
        rests: None,
        cuts: 0,
        slowest_cut: Duration::ZERO,
    };
    let warm_up = if minutes >= LONG { WARM_UP } else { 0 };
    screen::say(format!(
        "soak of {minutes} min after {warm_up} to begin with, seed {seed}: a node with two accounts, faults every few seconds"
    ));
    for minute in 1.. {
        if began.elapsed() >= MINUTE * u32::try_from(warm_up + minutes).unwrap_or(u32::MAX) {
            break;
        }
        soak.work().await?;
        soak.rest(minute, &pause).await?;
    }
    soak.finish(warm_up, minutes).await
}

impl Soak {
    /// A minute of load and faults.
    async fn work(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + WORK;
        let now = Instant::now();
        // Nobody could trade while the load was at rest: that time is left out, and what was before it counts.
        let rested = self.rests.map_or(Duration::ZERO, |since| now - since);
        self.accepted.iter_mut().for_each(|(_, since)| *since += rested);
        let mut next = now;
        while Instant::now() < until {
            if Instant::now() >= next {
                self.strikes += 1;
                let draw = mix(self.seed ^ self.strikes << 8);
                let fault = FAULTS[usize::try_from(draw % FAULTS.len() as u64).unwrap_or(0)];
                let (_, owner) = ACCOUNTS[usize::from(draw >> 32 & 1 == 1)];
                self.exchange.strike(owner, fault, draw >> 8);
                *self.faults.entry(fault).or_default() += 1;
                next += Duration::from_millis(2_000 + (draw >> 16) % 4_000);
            }
            sleep(LOOK).await;
            self.look()?;
        }
        Ok(())
    }

    /// Looks whether the node lives, trades, and stays small.
    fn look(&mut self) -> Result<(), Failure> {
        if let Some(status) = self.node.process.try_wait().map_err(|e| Failure::Refused(e.to_string()))? {
            return Err(self.node.died(status));
        }
        self.memory.sample(self.began.elapsed());
        let now = Instant::now();
        for ((account, owner), (had, since)) in ACCOUNTS.iter().zip(&mut self.accepted) {
            let accepted = self.exchange.accepted(*owner)?;
            if accepted > *had {
                (*had, *since) = (accepted, now);
            }
            self.idle = self.idle.max(now - *since);
            if now - *since > IDLE_MAX {
                return Err(Failure::Refused(format!("{account}: no order was accepted for {} s", IDLE_MAX.as_secs())));
            }
        }
        Ok(())
    }

    /// The consistent cut: nothing fails, nothing moves, and soon nothing differs.
    async fn rest(&mut self, minute: u64, pause: &Path) -> Result<(), Failure> {
        let broken = |error: std::io::Error| Failure::Refused(format!("{}: {error}", pause.display()));
        self.rests = Some(Instant::now());
        self.exchange.heal();
        self.exchange.walk(false);
        std::fs::write(pause, "").map_err(broken)?;
        let began = Instant::now();
        let mut wrong = vec!["never compared".to_owned()];
        while !wrong.is_empty() && began.elapsed() < EQUAL_WITHIN {
            sleep(Duration::from_secs(1)).await;
            wrong = compare(&self.exchange, &self.folder, self.forget)?;
        }
        if !wrong.is_empty() {
            return Err(Failure::Refused(format!(
                "cut {minute}: the books differ {} s after the last fault:\n  {}",
                EQUAL_WITHIN.as_secs(),
                wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n  ")
            )));
        }
        self.cuts += 1;
        self.slowest_cut = self.slowest_cut.max(began.elapsed());
        let accepted: usize = self.accepted.iter().map(|(count, _)| count).sum();
        screen::say(format!(
            "cut {minute:>3}: equal after {} s; {accepted} orders accepted, {} faults, memory {} KiB",
            screen::seconds(began.elapsed().as_millis()),
            self.strikes,
            self.memory.newest()
        ));
        std::fs::remove_file(pause).map_err(broken)?;
        self.exchange.walk(true);
        Ok(())
    }

    /// Ends the node as an operator does, compares once more, and prints what the soak came to.
    async fn finish(self, warm_up: u64, minutes: u64) -> Result<(), Failure> {
        let mut fills = 0;
        for (_, owner) in ACCOUNTS {
            fills += self.exchange.trades(owner)?;
        }
        for (fault, count) in &self.faults {
            screen::say(format!("  {count:>5}  {fault}"));
        }
        let accepted: usize = self.accepted.iter().map(|(count, _)| count).sum();
        let late = self.memory.growth_per_hour(Duration::from_secs(warm_up * 60 + minutes * 60 / 2));
        let growth = self.memory.growth_per_hour(Duration::from_secs(warm_up * 60 + minutes * 60 / 3));
        screen::say(format!(
            "{} cuts equal, the slowest after {} s; {accepted} orders accepted, {fills} fills; at most {} s without an order accepted",
            self.cuts,
            screen::seconds(self.slowest_cut.as_millis()),
            screen::seconds(self.idle.as_millis())
        ));
        screen::say(format!(
            "memory of the node {} KiB; over the last two thirds it grew by {growth} KiB an hour, over the last half by {late}",
            self.memory.newest()
        ));
        let Self { exchange, folder, mut node, forget, .. } = self;
        // A hand-over that had to back off may still be on its way, and a node without a stream cannot end in order.
        let until = Instant::now() + EQUAL_WITHIN;
        for (account, _) in ACCOUNTS {
            while let Err(failure) = node.live(account).await {
                if Instant::now() >= until {
                    return Err(failure);
                }
            }
        }
        node.end().await?;
        let wrong = compare(&exchange, &folder, forget)?;
        if !wrong.is_empty() {
            return Err(Failure::Refused(wrong.join("\n")));
        }
        if minutes >= LONG && growth > GROWTH_MAX_KIB {
            return Err(Failure::Refused(format!("memory grows by {growth} KiB an hour, {GROWTH_MAX_KIB} may be")));
        }
        Ok(())
    }
}

/// What differs of both accounts.
fn compare(exchange: &Exchange, folder: &Path, forget: Option<usize>) -> Result<Vec<String>, Failure> {
    let (mut wrong, mut forgetful) = (Vec::new(), Forgetful::of(forget));
    for (account, owner) in ACCOUNTS {
        let journal = folder.join("journal").join(account);
        wrong.extend(audit(exchange, owner, account, replay(&journal, account, &mut forgetful)?)?.wrong);
    }
    wrong.extend(exchange.violation());
    Ok(wrong)
}

impl Exchange {
    /// How many orders of an owner were accepted, of both books.
    fn accepted(&self, owner: crate::play::stage::Owner) -> Result<usize, Failure> {
        Ok(names(&self.ledger(owner)?).len())
    }
}
