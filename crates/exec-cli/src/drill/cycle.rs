//! One cycle of the kill test: a node trades, dies at a boundary, its orders fill meanwhile, it comes back, trades on, ends, and its
//! books are compared with the exchange's.

use super::{
    audit::{Audit, TAG, audit, names, replay},
    boundary::{ANY_MOMENT, Aim, HELD_ANSWER, HELD_REQUEST, When, mix},
    killer::VARIABLE,
    shared::{Lost, Shared},
};
use crate::{
    failure::Failure,
    play::{
        child::{Child, Role, Setting, write_config},
        forgetful::Forgetful,
        stage::{Exchange, Owner, Tempo, Way},
    },
};
use node_config::control::Ask;
use std::{os::unix::process::ExitStatusExt, path::Path, time::Duration};
use tokio::time::{Instant, sleep};

/// Doubt is short here: its fence is a twentieth of what it is on the real exchange. Three starts in a minute are more than the real
/// one gives weight for.
pub(crate) const TEMPO: Tempo =
    Tempo { order_recv_window_ms: 500, engine_margin_ms: 100, visibility_ms: 50, flow_ms: 40, pace_ms: 15, weight_1m: 24_000 };
/// From an attempt's timestamp to the end of its fence.
const FENCE: Duration = Duration::from_millis(650);

/// Both accounts of every node: one in each mode.
pub(crate) const ACCOUNTS: [(&str, Owner); 2] = [
    ("netting", Owner { key: "drill-netting-key", secret: "drill-netting-secret", hedge: false }),
    ("hedging", Owner { key: "drill-hedging-key", secret: "drill-hedging-secret", hedge: true }),
];

/// What each account must have done in a cycle that counts.
const ACCEPTED_LEAST: usize = 20;
const FILLS_LEAST: usize = 10;
/// Orders that each account must have had accepted after its node came back.
const AFTER_LEAST: usize = 3;
/// How long a node may take until it trades again, its fence aside.
const RETURN_WITHIN: Duration = Duration::from_secs(30);
/// How long a boundary is waited for before the node is killed anyway.
const PATIENCE: Duration = Duration::from_millis(4_000);
const LOAD_PATIENCE: Duration = Duration::from_secs(20);
/// How long a load is waited for at most, while orders are accepted and filled all the time: on a busy machine it is only slow.
const LOAD_AT_MOST: Duration = Duration::from_secs(120);
/// So many lives a cycle has at most before its last one.
const LIVES_MOST: usize = 5;
/// So many orders of an account rest before its node is killed from outside, so that some fill while it is dead.
const RESTING_LEAST: usize = 3;
/// How long a request is held up on its way to the exchange.
const HELD_MS: u64 = 200;
const POLL: Duration = Duration::from_millis(4);

/// What a cycle came to.
#[derive(Debug, Default)]
pub(crate) struct Cycle {
    /// Boundaries in which the node died, in order.
    pub(crate) kills: Vec<&'static str>,
    /// Whether the boundary aimed at was passed often enough.
    pub(crate) hit: bool,
    pub(crate) audits: Vec<Audit>,
    pub(crate) accepted: usize,
    pub(crate) fills: usize,
    pub(crate) fills_while_dead: usize,
    /// Whether the last node had ended before a trade that it knew of was told.
    pub(crate) ended_untold: bool,
    /// From the last start to both accounts trading again.
    pub(crate) returned: Duration,
    pub(crate) took: Duration,
    /// What else was lost with its nodes.
    pub(crate) lost: Lost,
    /// What is wrong, each in words; empty is well.
    pub(crate) wrong: Vec<String>,
    /// What was too little to count, each in words.
    pub(crate) short: Vec<String>,
}

/// Plays one cycle in a folder of its own. A failure of the play itself is an error; what differs stands in the answer.
pub(crate) async fn play(
    number: u64,
    aim: Aim,
    folder: &Path,
    (forget, shares): (Option<usize>, bool),
) -> Result<Cycle, Failure> {
    let begun = Instant::now();
    let owners = ACCOUNTS.map(|(_, owner)| owner);
    let exchange = Exchange::open(number, TEMPO, &owners).await?;
    let roles = ACCOUNTS.map(|(account, owner)| Role { account, owner, seed: number, steps: u32::MAX });
    let shared = shares.then(|| Shared::start(number));
    let setting =
        Setting { tag: TAG, strategy: "drill", sweep_interval_secs: 5, shared: shared.as_ref().map(Shared::url), lease: None };
    let config = write_config(folder, &exchange, &setting, &roles)?;
    for owner in owners {
        exchange.lose_a_few(owner);
    }
    let mut stage = Stage { exchange, config, folder: folder.to_owned(), number, cycle: Cycle::default(), shared };

    let first = match aim.boundary.when {
        When::Start | When::End => Aim { boundary: held(number), passing: 1 },
        When::Load | When::Drain | When::Outside => aim,
    };
    stage.live_and_die(first).await?;
    stage.move_market(first).await?;
    if aim.boundary.when == When::Start {
        stage.die_at_start(aim).await?;
        stage.move_market(aim).await?;
    } else if aim.boundary.when == When::End {
        stage.die_at_end(aim).await?;
    }
    stage.die_until_filled().await?;
    stage.come_back().await?;
    if left_untold(folder)? {
        stage.come_back_once_more().await?;
    }
    let Stage { exchange, mut cycle, shared, .. } = stage;
    cycle.lost = shared.map(|shared| shared.lost).unwrap_or_default();

    let mut forgetful = Forgetful::of(forget);
    for (account, owner) in ACCOUNTS {
        let truth = serde_json::to_string(&exchange.ledger(owner)?).unwrap_or_default();
        std::fs::write(folder.join(format!("{account}-exchange.json")), truth).map_err(|e| Failure::Refused(e.to_string()))?;
        let journal = folder.join("journal").join(account);
        let audited = audit(&exchange, owner, account, replay(&journal, account, &mut forgetful)?)?;
        cycle.wrong.extend(audited.wrong.iter().cloned());
        cycle.audits.push(audited);
        let ledger = exchange.ledger(owner)?;
        let (accepted, fills) = (names(&ledger).len(), ledger.trades.len());
        if accepted < ACCEPTED_LEAST || fills < FILLS_LEAST {
            cycle.short.push(format!("{account}: below the floor: {accepted} orders accepted, {fills} fills"));
        }
        cycle.accepted += accepted;
        cycle.fills += fills;
    }
    if cycle.fills_while_dead == 0 {
        cycle.short.push("below the floor: no fill while the node was dead".to_owned());
    }
    cycle.wrong.extend(exchange.violation().map(|v| format!("the exchange's own sums: {v}")));
    cycle.took = begun.elapsed();
    Ok(cycle)
}

/// Whether a node has ended, after its short wait for them, with trades that it knows of and that were not told.
fn left_untold(folder: &Path) -> Result<bool, Failure> {
    let mut untold = false;
    for (account, _) in ACCOUNTS {
        let read = replay(&folder.join("journal").join(account), account, &mut Forgetful::of(None))?;
        untold |= read.books.orders().any(|order| !order.unattributed_qty().is_zero());
    }
    Ok(untold)
}

/// The boundary of the first kill where the second is the one that is aimed at.
fn held(number: u64) -> &'static super::boundary::Boundary {
    super::boundary::named(if number & 1 == 0 { HELD_REQUEST } else { HELD_ANSWER })
}

/// How the wait for a load ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Load {
    Rests,
    /// The node has died at its boundary.
    Died,
}

impl Load {
    fn alive(self) -> Result<(), Failure> {
        match self {
            Self::Rests => Ok(()),
            Self::Died => Err(Failure::Refused("the node was killed before its time".to_owned())),
        }
    }
}

/// Waits as long as something goes on at the exchange: a machine that is only slow is waited for, one that stands still is not.
struct Patience {
    begun: Instant,
    moved: Instant,
    seen: (usize, usize),
}

impl Patience {
    fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, moved: now, seen: (0, 0) }
    }

    fn lasts(&mut self, stage: &Stage) -> Result<bool, Failure> {
        let mut seen = (0, stage.trades()?);
        for (_, owner) in ACCOUNTS {
            seen.0 += names(&stage.exchange.ledger(owner)?).len();
        }
        if seen != self.seen {
            (self.seen, self.moved) = (seen, Instant::now());
        }
        Ok(self.moved.elapsed() < LOAD_PATIENCE && self.begun.elapsed() < LOAD_AT_MOST)
    }
}

struct Stage {
    exchange: Exchange,
    config: std::path::PathBuf,
    folder: std::path::PathBuf,
    number: u64,
    cycle: Cycle,
    shared: Option<Shared>,
}

impl Stage {
    /// Starts a node that dies at a boundary, or is killed from outside.
    fn start(&self, aim: Aim, signals: usize) -> Result<Child, Failure> {
        let text = format!("{}:{}:{signals}", aim.boundary.name, aim.passing);
        Child::start(&self.config, &[(VARIABLE, &text)])
    }

    /// The first life: trades until its boundary.
    async fn live_and_die(&mut self, aim: Aim) -> Result<(), Failure> {
        let mut node = self.start(aim, if aim.boundary.when == When::Drain { 0 } else { ACCOUNTS.len() })?;
        let dead = match aim.boundary.when {
            // Where the boundary did not come, the moment is chosen from outside: one in which enough rests.
            When::Load | When::Start | When::End => {
                died_within(&mut node, LOAD_PATIENCE).await? || self.load(&mut node).await? == Load::Died
            }
            When::Drain => {
                self.load(&mut node).await?.alive()?;
                self.shared.iter_mut().for_each(Shared::ended);
                node.ask_to_end()?;
                died_within(&mut node, PATIENCE).await?
            }
            When::Outside => {
                self.load(&mut node).await?.alive()?;
                self.hold(aim, &mut node).await?
            }
        };
        self.dead(aim, node, dead)
    }

    /// Waits until enough rests at the exchange for some of it to fill later, or the node has died at its boundary.
    async fn load(&self, node: &mut Child) -> Result<Load, Failure> {
        let mut patience = Patience::begin();
        while patience.lasts(self)? {
            if died(node)? {
                return Ok(Load::Died);
            }
            let mut rests = true;
            for (_, owner) in ACCOUNTS {
                rests &= self.exchange.resting(owner)?.len() >= RESTING_LEAST;
            }
            if rests {
                return Ok(Load::Rests);
            }
            sleep(POLL).await;
        }
        Err(Failure::NoAnswer("no load came about".to_owned()))
    }

    /// Holds a request or an answer up, or only waits a little. Returns whether that moment came.
    async fn hold(&self, aim: Aim, node: &mut Child) -> Result<bool, Failure> {
        let way = match aim.boundary.name {
            HELD_REQUEST => Way::There(HELD_MS),
            HELD_ANSWER => Way::Back,
            _ => {
                sleep(Duration::from_millis(mix(self.number) % 300)).await;
                return Ok(true);
            }
        };
        let (_, owner) = ACCOUNTS[usize::from(self.number & 2 != 0)];
        let fault = self.exchange.hold_next(owner, way);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.exchange.has_hit(fault) {
                return Ok(true);
            }
            if died(node)? {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(false)
    }

    /// Makes sure that a node is dead, and keeps where it died.
    fn dead(&mut self, aim: Aim, node: Child, there: bool) -> Result<(), Failure> {
        node.kill()?;
        self.cycle.hit = there;
        self.cycle.kills.push(if there { aim.boundary.name } else { ANY_MOMENT });
        self.shared.as_mut().map_or(Ok(()), |shared| shared.after_a_kill(&self.folder))
    }

    /// While nobody of ours is there to see it: what was on its way arrives, orders fill, a stop triggers.
    async fn move_market(&mut self, aim: Aim) -> Result<(), Failure> {
        if aim.boundary.name == HELD_REQUEST {
            sleep(Duration::from_millis(HELD_MS + 30)).await;
        }
        let before = self.trades()?;
        for (at, (_, owner)) in ACCOUNTS.into_iter().enumerate() {
            self.exchange.sweep(owner)?;
            if self.number.is_multiple_of(2) {
                self.exchange.trigger_one(owner, at)?;
            }
        }
        // The exchange takes its time from a trigger to the trade.
        sleep(Duration::from_millis(20)).await;
        self.cycle.fills_while_dead += self.trades()? - before;
        Ok(())
    }

    fn trades(&self) -> Result<usize, Failure> {
        ACCOUNTS.iter().try_fold(0, |sum, (_, owner)| Ok(sum + self.exchange.trades(*owner)?))
    }

    /// A second life that ends in its start.
    async fn die_at_start(&mut self, aim: Aim) -> Result<(), Failure> {
        let mut node = self.start(aim, 0)?;
        let dead = died_within(&mut node, PATIENCE).await?;
        self.dead(aim, node, dead)
    }

    /// A second life that trades, is asked to end, and dies in its last moments, unless it passed its boundary before.
    async fn die_at_end(&mut self, aim: Aim) -> Result<(), Failure> {
        let mut node = self.start(aim, 0)?;
        let mut dead = self.load(&mut node).await? == Load::Died;
        if !dead {
            self.shared.iter_mut().for_each(Shared::ended);
            node.ask_to_end()?;
            dead = died_within(&mut node, LOAD_PATIENCE).await?;
        }
        self.dead(aim, node, dead)
    }

    /// Further lives, killed at any moment in which enough rests, as long as nothing was filled while a node was dead: at its
    /// boundary everything may have been filled or cancelled already.
    async fn die_until_filled(&mut self) -> Result<(), Failure> {
        let aim = Aim { boundary: super::boundary::named(ANY_MOMENT), passing: 1 };
        while self.cycle.fills_while_dead == 0 && self.cycle.kills.len() < LIVES_MOST {
            let (hit, mut node) = (self.cycle.hit, self.start(aim, 0)?);
            self.load(&mut node).await?.alive()?;
            self.dead(aim, node, true)?;
            self.cycle.hit = hit;
            self.move_market(aim).await?;
        }
        Ok(())
    }

    /// The last life: trades again soon, does what is still missing, and ends when asked to.
    async fn come_back(&mut self) -> Result<(), Failure> {
        let mut had = Vec::new();
        for (_, owner) in ACCOUNTS {
            had.push(names(&self.exchange.ledger(owner)?).len());
        }
        let begun = Instant::now();
        let mut node = Child::start(&self.config, &[])?;
        let within = RETURN_WITHIN + FENCE;
        loop {
            let mut trades = true;
            for ((account, owner), had) in ACCOUNTS.iter().zip(&had) {
                trades &= names(&self.exchange.ledger(*owner)?).len() > *had;
                let status = node.ask(account, Ask::Status {}).await?;
                trades &= status.is_some_and(|status| status["gate_open"] == true);
            }
            if trades {
                break;
            }
            if begun.elapsed() > within {
                return Err(Failure::NoAnswer(format!("not trading again within {} s", within.as_secs())));
            }
            sleep(POLL).await;
        }
        self.cycle.returned = begun.elapsed();
        if let Some(shared) = self.shared.as_mut().filter(|_| self.number.is_multiple_of(2)) {
            shared.away().await;
        }
        let mut patience = Patience::begin();
        while patience.lasts(self)? {
            let mut enough = true;
            for ((_, owner), had) in ACCOUNTS.iter().zip(&had) {
                let ledger = self.exchange.ledger(*owner)?;
                let accepted = names(&ledger).len();
                enough &= accepted >= ACCEPTED_LEAST.max(had + AFTER_LEAST) && ledger.trades.len() >= FILLS_LEAST;
            }
            if enough {
                break;
            }
            sleep(POLL).await;
        }
        node.end().await
    }
}

impl Stage {
    /// One more life, on a machine that was too slow for the last one's end: the next start asks for the trades.
    async fn come_back_once_more(&mut self) -> Result<(), Failure> {
        self.cycle.ended_untold = true;
        let mut node = Child::start(&self.config, &[])?;
        for (account, _) in ACCOUNTS {
            node.live(account).await?;
        }
        node.end().await
    }
}

/// Whether a node is dead by SIGKILL; any other end is a failure.
fn died(node: &mut Child) -> Result<bool, Failure> {
    match node.process.try_wait() {
        Ok(None) => Ok(false),
        Ok(Some(status)) if status.signal() == Some(rustix::process::Signal::KILL.as_raw()) => Ok(true),
        Ok(Some(status)) => Err(node.died(status)),
        Err(error) => Err(Failure::Refused(error.to_string())),
    }
}

async fn died_within(node: &mut Child, patience: Duration) -> Result<bool, Failure> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if died(node)? {
            return Ok(true);
        }
        sleep(POLL).await;
    }
    Ok(false)
}
