//! One round: a node trades, is parted from its lease, and goes on; another takes over meanwhile. Then everything is judged.

use super::{
    blow::Blow,
    judge::{self, Deposed},
    pair::{PATIENCE, POLL, Pair},
    scale::{ACCOUNT, FIRST, SECOND, Scale},
};
use crate::{
    drill::{
        audit::{audit, replay},
        boundary::mix,
    },
    failure::Failure,
    play::{child::Child, forgetful::Forgetful},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{path::Path, process::ExitStatus, time::Duration};
use tokio::time::{Instant, sleep};

/// Orders that a node has had accepted before it counts as trading.
const TRADES: usize = 8;
/// How long a boundary is waited for before the node is stopped anyway.
const STOPS_WITHIN: Duration = Duration::from_secs(4);
/// How long a node that has lost its lease may take to end, its lease's end included: where Redis is away, it does not wait for it.
const ENDS_WITHIN: Duration = Duration::from_secs(8);
/// The exit code of a node that has lost its lease.
const FENCED: i32 = 8;

/// What a round came to.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) wrong: Vec<String>,
    /// Whether the node stopped in the boundary that was aimed at.
    pub(super) hit: bool,
    /// Requests of the deposed node: held back by its engine, not signed, refused by the exchange for their time.
    pub(super) held_back: u64,
    pub(super) unsigned: u64,
    pub(super) late: u64,
    /// Writes that took effect: of the first node, and of the second.
    pub(super) took_effect: (usize, usize),
    /// From the blow to the first order of the second node.
    pub(super) take_over: Duration,
}

impl Round {
    /// Whether the deposed node tried to send.
    pub(super) const fn tried(&self) -> bool {
        self.held_back + self.unsigned + self.late > 0
    }
}

/// Plays a round in a folder of its own. A failure of the play itself is an error; what must not be stands in the answer.
pub(super) async fn play(number: u64, folder: &Path) -> Result<Round, Failure> {
    let (blow, mut round) = (Blow::of(number), Round::default());
    let mut pair = Pair::open(number, folder, Scale::TENTH, false).await?;
    let word = blow.boundary().map(|(name, most)| format!("{name}:{}:1:stop", 1 + mix(number) % most));
    let mut first = pair.start_first(Some(word.as_deref().unwrap_or("never:1:1")))?;
    // One that stops itself may do so before.
    let id = first.id();
    let trades = || pair.accepted(FIRST.key) >= TRADES || stands_still(id);
    pair.until("the first node trades", pair.take_over_within(), &mut first, trades).await?;
    let second = pair.start_second()?;

    let (asked_at, begun, hit) = strike(&mut pair, blow, number, &mut first).await?;
    round.hit = hit;
    let deposed =
        Deposed { from: asked_at, by: pair.exchange.now().0 + i64::try_from(pair.scale.ttl().as_millis()).unwrap_or(0) };

    let went = parted(&mut pair, (blow, number, begun), first, second, &mut round).await;
    // Before anything else: what was done to the other node may be why that did not come to its end.
    let verdict = judge::requests(&pair.requests(), deposed);
    round.wrong.splice(0..0, verdict.wrong);
    round.late = verdict.late as u64;
    round.took_effect = verdict.took_effect;
    match went {
        Ok(()) => books(&pair, &mut round)?,
        Err(failure) if round.wrong.is_empty() => return Err(failure),
        Err(failure) => round.wrong.extend(failure.text()),
    }
    Ok(round)
}

/// From the blow to the end of both.
async fn parted(
    pair: &mut Pair,
    (blow, number, begun): (Blow, u64, Instant),
    mut first: Child,
    mut second: Child,
    round: &mut Round,
) -> Result<(), Failure> {
    let ended = match blow {
        Blow::RedisStops | Blow::RedisKilled => {
            // Nobody holds the account while the server is away.
            let status = ended(&mut first).await?;
            match blow {
                Blow::RedisStops => pair.redis.resume(),
                _ => pair.redis.restart(),
            }
            Some(status)
        }
        Blow::StopAndRedisKilled => {
            pair.redis.kill();
            sleep(Duration::from_millis(200 + mix(number) % 600)).await;
            pair.redis.restart();
            None
        }
        _ => None,
    };
    let took_over = || pair.accepted(SECOND.key) > 0;
    pair.until("the second node takes over", pair.take_over_within(), &mut second, took_over).await?;
    round.take_over = begun.elapsed();

    let status = match ended {
        Some(status) => status,
        None => {
            if blow.stops() {
                // Some go on as soon as the other writes, some later.
                sleep(Duration::from_millis(mix(number) % 300)).await;
                signal(&first, Signal::CONT)?;
            }
            let status = self::ended(&mut first).await?;
            pair.way.stop_up(false);
            status
        }
    };
    let said = pair.log("a");
    if status.code() != Some(FENCED) {
        round.wrong.push(format!("the deposed node ended with {status}, not with code {FENCED}"));
    }
    match said.lines().find(|line| line.contains("the lease is lost: nothing is sent any more")) {
        None => round.wrong.push("the deposed node has not said that its lease is lost".to_owned()),
        Some(line) => {
            (round.held_back, round.unsigned) = (figure(line, "held_back="), figure(line, "unsigned="));
            // Who cannot ask Redis knows of nobody.
            if blow.stops() && !line.contains(&format!("/{}/", second.id())) {
                round.wrong.push(format!("the deposed node does not name who holds the account: {line}"));
            }
        }
    }
    let had = pair.accepted(SECOND.key);
    let trades_on = || pair.accepted(SECOND.key) >= had + TRADES;
    pair.until("the second node trades on", PATIENCE, &mut second, trades_on).await?;
    second.end().await
}

/// What the second node holds for true is what the exchange has, whoever asked for it.
fn books(pair: &Pair, round: &mut Round) -> Result<(), Failure> {
    round.wrong.extend(judge::epochs(&pair.exchange.ledger(FIRST)?));
    let read = replay(&pair.journal("b"), ACCOUNT, &mut Forgetful::of(None))?;
    round.wrong.extend(audit(&pair.exchange, FIRST, ACCOUNT, read)?.wrong);
    round.wrong.extend(pair.exchange.violation().map(|v| format!("the exchange's own sums: {v}")));
    Ok(())
}

/// Lets the blow fall. Returns the exchange's time before it and ours, and whether it fell where it was aimed at.
async fn strike(pair: &mut Pair, blow: Blow, number: u64, first: &mut Child) -> Result<(i64, Instant, bool), Failure> {
    if blow.boundary().is_some() {
        let until = Instant::now() + STOPS_WITHIN;
        let mut before = pair.exchange.now().0;
        while Instant::now() < until {
            if stands_still(first.id()) {
                return Ok((before, Instant::now(), true));
            }
            before = pair.exchange.now().0;
            if let Some(status) = first.process.try_wait().map_err(|error| Failure::Refused(error.to_string()))? {
                return Err(first.died(status));
            }
            sleep(POLL).await;
        }
    } else {
        // Long enough for the second to stand by, and no round like the one before.
        sleep(Duration::from_millis(150 + mix(number) % 400)).await;
    }
    let at = (pair.exchange.now().0, Instant::now(), blow.boundary().is_none());
    match blow {
        Blow::WayStopped => pair.way.stop_up(true),
        Blow::RedisStops => pair.redis.pause(),
        Blow::RedisKilled => pair.redis.kill(),
        _ => signal(first, Signal::STOP)?,
    }
    Ok(at)
}

async fn ended(node: &mut Child) -> Result<ExitStatus, Failure> {
    let until = Instant::now() + ENDS_WITHIN;
    loop {
        if let Some(status) = node.process.try_wait().map_err(|error| Failure::Refused(error.to_string()))? {
            return Ok(status);
        }
        if Instant::now() > until {
            return Err(Failure::NoAnswer(format!("the deposed node did not end within {} s", ENDS_WITHIN.as_secs())));
        }
        sleep(POLL).await;
    }
}

fn signal(node: &Child, signal: Signal) -> Result<(), Failure> {
    let pid = i32::try_from(node.id()).ok().and_then(Pid::from_raw);
    match pid.map(|pid| kill_process(pid, signal)) {
        Some(Ok(())) => Ok(()),
        other => Err(Failure::Refused(format!("no signal {signal:?} to the node: {other:?}"))),
    }
}

/// Whether a process is stopped, as the system says it.
fn stands_still(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

pub(super) fn figure(line: &str, name: &str) -> u64 {
    let rest = line.split_once(name).map_or("", |(_, rest)| rest);
    rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
