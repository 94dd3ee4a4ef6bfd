//! Counts what became of orders, and of doubts. It decides nothing about whether that is good.

use exec_core::{
    books::Books,
    ids::ClOrdId,
    order::{attempt::AttemptFacts, event::OrderEvent, status::OrdStatus},
    record::Record,
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Endings that the demonstration brings about, each with the words for it.
pub(crate) const ENDINGS: [(OrdStatus, &str, &str); 7] = [
    (OrdStatus::Filled, "Filled", "filled"),
    (OrdStatus::Canceled, "Canceled", "cancelled"),
    (OrdStatus::Expired, "Expired", "expired"),
    (OrdStatus::Rejected, "Rejected", "rejected"),
    (OrdStatus::Denied, "Denied", "denied"),
    (OrdStatus::NotSent, "NotSent", "not sent"),
    (OrdStatus::Presumed, "Presumed", "never arrived"),
];

/// How many orders stand where.
#[derive(Debug, Default)]
pub(crate) struct Statuses(BTreeMap<String, usize>);

impl Statuses {
    /// From the answer of a running node.
    pub(crate) fn of_json(orders: &serde_json::Value) -> Self {
        let mut counts = BTreeMap::new();
        for order in orders.as_array().into_iter().flatten() {
            let word = order["status"].as_str().unwrap_or("?").to_owned();
            *counts.entry(word).or_default() += 1;
        }
        Self(counts)
    }
    pub(crate) fn of_books(books: &Books) -> Self {
        let mut counts = BTreeMap::new();
        for order in books.orders() {
            *counts.entry(format!("{:?}", order.status())).or_default() += 1;
        }
        Self(counts)
    }
    pub(crate) fn add(&mut self, other: &Self) {
        for (word, count) in &other.0 {
            *self.0.entry(word.clone()).or_default() += count;
        }
    }
    pub(crate) fn of(&self, word: &str) -> usize {
        self.0.get(word).copied().unwrap_or(0)
    }
    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }
    pub(crate) fn open(&self) -> usize {
        let ended = ENDINGS.iter().map(|(_, word, _)| self.of(word)).sum::<usize>() + self.of("Vanished");
        self.total() - ended
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} orders:", self.total())?;
        let mut comma = "";
        for (_, word, text) in ENDINGS.iter().filter(|(_, word, _)| self.of(word) > 0) {
            write!(f, "{comma} {} {text}", self.of(word))?;
            comma = ",";
        }
        if self.open() > 0 {
            write!(f, "{comma} {} open", self.open())?;
        }
        Ok(())
    }
}

/// What became of attempts whose outcome was unknown for a while.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// The exchange had them.
    pub(crate) arrived: usize,
    /// The exchange had refused them.
    pub(crate) refused: usize,
    /// They can never arrive any more.
    pub(crate) never: usize,
    /// Nobody knows yet.
    pub(crate) open: usize,
    /// How long the longest doubt lasted.
    pub(crate) longest_ms: u64,
}

impl Doubts {
    pub(crate) const fn total(&self) -> usize {
        self.arrived + self.refused + self.never + self.open
    }
    pub(crate) fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.refused += other.refused;
        self.never += other.never;
        self.open += other.open;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
    }
}

/// Watches the records of a journal for doubts.
#[derive(Debug, Default)]
pub(crate) struct DoubtWatch {
    since: BTreeMap<ClOrdId, Timestamp>,
    all: BTreeSet<ClOrdId>,
    longest_ms: u64,
}

impl DoubtWatch {
    pub(crate) fn see(&mut self, record: &Record) {
        let Record::Order { at, event, .. } = record else { return };
        let Some(id) = event.cl_ord_id().copied() else { return };
        match event {
            OrderEvent::Doubted { .. } => {
                self.all.insert(id);
                self.since.entry(id).or_insert(*at);
            }
            OrderEvent::Accepted { .. }
            | OrderEvent::Rejected { .. }
            | OrderEvent::NotSent { .. }
            | OrderEvent::Dead { .. }
            | OrderEvent::Executed { .. }
            | OrderEvent::CumQty { .. }
            | OrderEvent::Canceled { .. }
            | OrderEvent::Expired { .. } => {
                if let Some(since) = self.since.remove(&id) {
                    self.longest_ms = self.longest_ms.max(at.ms_since(since));
                }
            }
            _ => (),
        }
    }

    /// How every doubt ended, by what the books say in the end.
    pub(crate) fn close(self, books: &Books) -> Doubts {
        let mut doubts = Doubts { longest_ms: self.longest_ms, ..Doubts::default() };
        for id in self.all {
            let order = books.by_cl_ord_id(&id).and_then(|intent| books.order(intent));
            let attempt = order.and_then(|order| order.attempts().get(&id));
            match attempt {
                Some(a) if AttemptFacts::seen_at_venue(a) => doubts.arrived += 1,
                Some(a) if a.rejection().is_some() => doubts.refused += 1,
                Some(a) if a.death_proof().is_some() => doubts.never += 1,
                _ => doubts.open += 1,
            }
        }
        doubts
    }
}
