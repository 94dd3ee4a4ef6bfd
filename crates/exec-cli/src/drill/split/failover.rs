//! Fail-over: a node is killed and its disk is gone; another takes the account over from Redis. Measured from the kill to its first order.

use super::{
    pair::Pair,
    scale::{ACCOUNT, FIRST, SECOND, Scale},
};
use crate::{
    drill::audit::{audit, replay},
    failure::Failure,
    play::forgetful::Forgetful,
    screen,
};
use std::{path::Path, time::Duration};
use tokio::time::Instant;

/// Orders that the first node has had accepted when it is killed, and the second before it ends.
const TRADES: usize = 40;

/// The parts of a fail-over, in their order: what the log of the second node says when each is over.
const PARTS: [(&str, &str); 4] = [
    ("lease runs out", "the account's lease is granted"),
    ("restore, replay", "journal is replayed"),
    ("wait for the venue", "start report"),
    ("compare, delay", "phase=Live"),
];

/// One fail-over.
#[derive(Debug)]
pub(super) struct Took {
    /// From the kill to the end of each part.
    parts: [Duration; 4],
    /// From the kill to the first order that was accepted.
    pub(super) order: Duration,
    records: u64,
    pub(super) wrong: Vec<String>,
}

/// Plays one in a folder of its own. The second node stands by from the start, or is started at the kill.
pub(super) async fn play(number: u64, folder: &Path, scale: Scale) -> Result<Took, Failure> {
    let pair = Pair::open(number, folder, scale, true).await?;
    let mut first = pair.start_first(None)?;
    let within = pair.take_over_within();
    pair.until("the first node trades", within, &mut first, || pair.accepted(FIRST.key) >= TRADES / 2).await?;
    let stands_by = number.is_multiple_of(2);
    let early = if stands_by { Some(pair.start_second()?) } else { None };
    pair.until("the first node trades", within, &mut first, || pair.accepted(FIRST.key) >= TRADES).await?;
    first.kill()?;
    let killed = Instant::now();
    let journal = pair.journal("a");
    std::fs::remove_dir_all(&journal).map_err(|error| Failure::Refused(format!("{}: {error}", journal.display())))?;
    let mut second = match early {
        Some(node) => node,
        None => pair.start_second()?,
    };
    let (mut parts, mut at) = ([Duration::ZERO; 4], 0);
    let mut seen = || {
        let log = pair.log("b");
        while PARTS.get(at).is_some_and(|(_, line)| log.contains(line)) {
            parts[at] = killed.elapsed();
            at += 1;
        }
        pair.accepted(SECOND.key) > 0
    };
    pair.until("the second node takes over", within, &mut second, &mut seen).await?;
    let order = killed.elapsed();
    seen();
    pair.until("the second node trades", within, &mut second, || pair.accepted(SECOND.key) >= TRADES).await?;
    second.end().await?;
    let log = pair.log("b");
    let records = log.lines().find(|line| line.contains(PARTS[1].1)).map_or(0, |line| super::round::figure(line, "records="));
    let mut wrong = audit(&pair.exchange, FIRST, ACCOUNT, replay(&pair.journal("b"), ACCOUNT, &mut Forgetful::of(None))?)?.wrong;
    wrong.extend(super::judge::epochs(&pair.exchange.ledger(FIRST)?));
    Ok(Took { parts, order, records, wrong })
}

/// Prints median and maximum of each part and of all.
pub(super) fn tell(all: &[Took]) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut row = |name: &str, mut times: Vec<Duration>| {
        times.sort();
        let shown = |d: Option<&Duration>| format!("{} s", screen::seconds(d.copied().unwrap_or_default().as_millis()));
        rows.push([name.to_owned(), shown(times.get(times.len() / 2)), shown(times.last())]);
    };
    for (at, (name, _)) in PARTS.iter().enumerate() {
        let since = |took: &Took| if at == 0 { Duration::ZERO } else { took.parts[at - 1] };
        row(name, all.iter().map(|took| took.parts[at].saturating_sub(since(took))).collect());
    }
    row("first order", all.iter().map(|took| took.order.saturating_sub(took.parts[3])).collect());
    row("from the kill to the first order accepted", all.iter().map(|took| took.order).collect());
    screen::table(["part", "median", "longest"], &rows, "no fail-over came to its end");
    let most = all.iter().map(|took| took.records).max().unwrap_or(0);
    screen::say(format!("{} fail-overs, at most {most} records restored from Redis and replayed: 0 lost, 0 doubled", all.len()));
}
