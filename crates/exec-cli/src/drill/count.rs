//! Adds up what the cycles of a kill test came to, and prints it.

use super::{
    boundary::{OTHERS, WIRE, all},
    cycle::Cycle,
    shared::Lost,
};
use crate::{play::tally::Doubts, screen};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// After so many cycles each boundary has had its turn three times over, whatever missed.
const ENOUGH: u64 = 9 * (if OTHERS.len() > 2 * WIRE.len() { OTHERS.len() } else { 2 * WIRE.len() }) as u64 / 2;
/// The median cycle must be shorter.
const MEDIAN_MAX: Duration = Duration::from_secs(3);
/// At most one cycle in so many may have to be played again.
const AGAIN_ONE_IN: u64 = 20;
const TELL_EVERY: u64 = 50;

pub(crate) struct Count {
    begun: Instant,
    from: u64,
    wanted: u64,
    jobs: u16,
    cycles: u64,
    again: u64,
    ended_untold: u64,
    kills: BTreeMap<&'static str, u64>,
    missed: u64,
    accepted: usize,
    fills: usize,
    fills_while_dead: usize,
    doubts: Doubts,
    unprotected_ms: i64,
    longest_unprotected_ms: i64,
    never_protected: BTreeMap<String, usize>,
    ahead_of_the_journal: usize,
    lost: Lost,
    took: Vec<Duration>,
    returned: Vec<Duration>,
}

impl Count {
    pub(crate) fn begin(from: u64, wanted: u64, jobs: u16) -> Self {
        Self {
            begun: Instant::now(),
            from,
            wanted,
            jobs,
            cycles: 0,
            again: 0,
            ended_untold: 0,
            kills: BTreeMap::new(),
            missed: 0,
            accepted: 0,
            fills: 0,
            fills_while_dead: 0,
            doubts: Doubts::default(),
            unprotected_ms: 0,
            longest_unprotected_ms: 0,
            never_protected: BTreeMap::new(),
            ahead_of_the_journal: 0,
            lost: Lost::default(),
            took: Vec::new(),
            returned: Vec::new(),
        }
    }

    /// Adds a cycle in which nothing was wrong, and how often it was played before that.
    pub(crate) fn add(&mut self, number: u64, cycle: Cycle, again: u64) {
        self.cycles += 1;
        self.again += again;
        self.ended_untold += u64::from(cycle.ended_untold);
        self.missed += u64::from(!cycle.hit);
        for name in cycle.kills {
            *self.kills.entry(name).or_default() += 1;
        }
        for audit in &cycle.audits {
            self.doubts.add(&audit.doubts);
            self.unprotected_ms += audit.unprotected_ms;
            self.longest_unprotected_ms = self.longest_unprotected_ms.max(audit.longest_unprotected_ms);
            for (word, count) in &audit.never_protected {
                *self.never_protected.entry(word.clone()).or_default() += count;
            }
            self.ahead_of_the_journal += audit.ahead_of_the_journal;
        }
        self.accepted += cycle.accepted;
        self.fills += cycle.fills;
        self.fills_while_dead += cycle.fills_while_dead;
        self.lost.add(&cycle.lost);
        self.took.push(cycle.took);
        self.returned.push(cycle.returned);
        if self.cycles.is_multiple_of(TELL_EVERY) {
            let seconds = self.begun.elapsed().as_secs();
            screen::say(format!("cycle {number}: {} of {} done in {seconds} s", self.cycles, self.wanted));
        }
    }

    /// Prints everything. Returns what was too little.
    pub(crate) fn tell(&mut self, violated: bool) -> Vec<String> {
        self.took.sort();
        self.returned.sort();
        let seconds = |d: Duration| screen::seconds(d.as_millis());
        let kills: u64 = self.kills.values().sum();
        let wire: u64 = WIRE.iter().map(|b| self.of(b.name)).sum();
        screen::say(format!(
            "\n{} cycles from {} in {} s, {} side by side, {kills} kills",
            self.cycles,
            self.from,
            self.begun.elapsed().as_secs(),
            self.jobs
        ));
        for boundary in all() {
            let mark = if boundary.on_the_wire { "  on the wire" } else { "" };
            screen::say(format!("  {:>6}  {}{mark}", self.of(boundary.name), boundary.name));
        }
        screen::say(format!(
            "with a request on the wire: {wire} of {kills}; boundaries not passed often enough in their cycle: {}",
            self.missed
        ));
        if self.lost.restarts > 0 {
            let Lost { restarts, disks, servers } = self.lost;
            screen::say(format!(
                "shared journals: of {restarts} restarts {disks} without the local log; the server killed {servers} times"
            ));
        }
        screen::say(format!(
            "orders accepted {}, fills {}, of them while no node ran {}",
            self.accepted, self.fills, self.fills_while_dead
        ));
        let d = &self.doubts;
        screen::say(format!(
            "in doubt for a while: {}; of these {} had arrived, {} were refused, {} proven never to have arrived; the longest {} s",
            d.total(),
            d.arrived,
            d.refused,
            d.never,
            screen::seconds(u128::from(d.longest_ms))
        ));
        screen::say(format!(
            "brackets without their stop, deaths included: {} s in all, the longest {} s; stops that never came: {:?}",
            screen::seconds(u128::try_from(self.unprotected_ms).unwrap_or(0)),
            screen::seconds(u128::try_from(self.longest_unprotected_ms).unwrap_or(0)),
            self.never_protected
        ));
        screen::say(format!("closing orders of which the journal had not heard at the kill: {}", self.ahead_of_the_journal));
        screen::say(format!(
            "a cycle: median {} s, longest {} s; from start to trading again: median {} s, longest {} s",
            seconds(median(&self.took)),
            seconds(self.took.last().copied().unwrap_or_default()),
            seconds(median(&self.returned)),
            seconds(self.returned.last().copied().unwrap_or_default())
        ));
        screen::say(format!("played again because the machine held this program up: {}", self.again));
        screen::say(format!("ended before all trades were told, and told by one more start: {}", self.ended_untold));
        if !violated {
            screen::say(format!("{} cycles: 0 lost, 0 doubled", self.cycles));
        }
        self.short(kills, wire)
    }

    fn of(&self, name: &str) -> u64 {
        self.kills.get(name).copied().unwrap_or(0)
    }

    fn short(&self, kills: u64, wire: u64) -> Vec<String> {
        let mut short = Vec::new();
        if self.cycles >= ENOUGH {
            let never = all().filter(|b| self.of(b.name) == 0).map(|b| format!("no kill at {}", b.name));
            short.extend(never);
            if wire * 3 < kills {
                short.push(format!("{wire} of {kills} kills with a request on the wire, a third is wanted"));
            }
        }
        if self.again > 2 + self.cycles / AGAIN_ONE_IN {
            short.push(format!("{} cycles had to be played again: the machine is too busy for this", self.again));
        }
        if self.cycles >= ENOUGH && median(&self.took) > MEDIAN_MAX {
            short.push(format!("the median cycle takes more than {} s", MEDIAN_MAX.as_secs()));
        }
        short
    }
}

fn median(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
