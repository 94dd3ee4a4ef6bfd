//! Adds up what the rounds came to, and prints it.

use super::{blow::Blow, round::Round};
use crate::screen;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Fewer rounds say nothing about how often a deposed node tries.
const ROUNDS_THAT_TELL: u64 = 24;

pub(super) struct Count {
    begun: Instant,
    rounds: u64,
    again: u64,
    tried: u64,
    by: BTreeMap<Blow, Line>,
}

#[derive(Default)]
struct Line {
    rounds: u64,
    hit: u64,
    tried: u64,
    held_back: u64,
    unsigned: u64,
    late: u64,
    first: usize,
    second: usize,
    take_over: Vec<Duration>,
}

impl Count {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), rounds: 0, again: 0, tried: 0, by: BTreeMap::new() }
    }

    /// Adds a round in which nothing was wrong, and how often it was played before that.
    pub(super) fn add(&mut self, blow: Blow, round: &Round, again: u64) {
        self.rounds += 1;
        self.again += again;
        self.tried += u64::from(round.tried());
        let line = self.by.entry(blow).or_default();
        line.rounds += 1;
        line.hit += u64::from(round.hit);
        line.tried += u64::from(round.tried());
        line.held_back += round.held_back;
        line.unsigned += round.unsigned;
        line.late += round.late;
        line.first += round.took_effect.0;
        line.second += round.took_effect.1;
        line.take_over.push(round.take_over);
    }

    /// Prints everything. Returns what was too little.
    pub(super) fn tell(&mut self, violated: bool) -> Option<String> {
        let heads = [
            "what parted it from its lease",
            "rounds",
            "as aimed",
            "tried",
            "held back",
            "not signed",
            "refused late",
            "done",
            "successor's",
            "take-over",
        ];
        let rows: Vec<[String; 10]> = self.by.iter_mut().map(|(blow, line)| line.row(*blow)).collect();
        screen::table(heads, &rows, "no round came to its end");
        screen::say(format!(
            "in {} s; played again because the machine held this program up: {}",
            self.begun.elapsed().as_secs(),
            self.again
        ));
        if !violated {
            screen::say(format!("{} rounds: 0 violations, the deposed node tried to send in {}", self.rounds, self.tried));
        }
        (self.rounds >= ROUNDS_THAT_TELL && self.tried * 3 < self.rounds)
            .then(|| "it tried to send in less than a third of the rounds".to_owned())
    }
}

impl Line {
    fn row(&mut self, blow: Blow) -> [String; 10] {
        self.take_over.sort();
        let median = self.take_over.get(self.take_over.len() / 2).copied().unwrap_or_default();
        [
            blow.word().to_owned(),
            self.rounds.to_string(),
            self.hit.to_string(),
            self.tried.to_string(),
            self.held_back.to_string(),
            self.unsigned.to_string(),
            self.late.to_string(),
            self.first.to_string(),
            self.second.to_string(),
            format!("{} s", screen::seconds(median.as_millis())),
        ]
    }
}
