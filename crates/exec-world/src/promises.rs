//! What a node owes its strategies, and the start before it: every fact told at least once, every wish to cancel carried out, no gate
//! that opens over the doubt of an earlier life. It judges by records and facts, not by what the engine concludes from them.

use exec_core::{
    books::Books,
    conversation::StrategyEvent,
    ids::{IntentId, Seq, StrategyId},
    order::event::OrderEvent,
    pretrade::Denial,
    record::Record,
};
use std::collections::BTreeMap;

/// Facts that a strategy has still to hear of, by the record that tells them.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    untold: BTreeMap<u64, StrategyId>,
}

impl Promises {
    /// A fact was recorded: if it is about a strategy's order, the strategy must hear of it.
    pub(crate) fn recorded(&mut self, books: &Books, seq: Seq, record: &Record) {
        if let Record::Order { intent, .. } = record
            && let Some(owner) = books.order(*intent).and_then(|o| o.intent().owner.strategy())
        {
            self.untold.insert(seq.0, owner.clone());
        }
    }

    /// What stood behind this record was lost, and its numbers are used again.
    pub(crate) fn recovered(&mut self, last_seq: u64) {
        self.untold.split_off(&(last_seq + 1));
    }

    /// A strategy was called with an event.
    pub(crate) fn told(&mut self, strategy: &StrategyId, seq: Option<Seq>) {
        if let Some(seq) = seq.filter(|seq| self.untold.get(&seq.0) == Some(strategy)) {
            self.untold.remove(&seq.0);
        }
    }

    /// What is still owed once everything has come to rest.
    pub(crate) fn in_the_end(&self, books: &Books, wrong: &mut Vec<String>) {
        if let Some((seq, strategy)) = self.untold.first_key_value() {
            wrong.push(format!("{} facts were never told, the first is record {seq} to {strategy}", self.untold.len()));
        }
        for order in books.open_orders().filter(|o| o.cancels().values().any(|c| c.only.is_none())) {
            wrong.push(format!("order {} was to be cancelled, and is open", order.intent().id));
        }
    }
}

/// The order that a record wishes off the book.
pub(crate) fn wished_off(record: &Record) -> Option<IntentId> {
    match record {
        Record::Order { intent, event: OrderEvent::CancelRequested { only: None, .. }, .. } => Some(*intent),
        _ => None,
    }
}

/// What a strategy asks for takes nobody else's orders off the book.
pub(crate) fn cancels_its_own(books: &Books, strategy: &StrategyId, record: &Record) -> Result<(), String> {
    let Record::Order { intent, event: OrderEvent::CancelRequested { only: None, .. }, .. } = record else { return Ok(()) };
    let owner = books.order(*intent).map(|o| &o.intent().owner);
    if owner.is_none_or(|owner| owner.strategy() == Some(strategy)) {
        return Ok(());
    }
    Err(format!("{strategy} cancels order {intent}, which is {owner:?}'s"))
}

/// A strategy is not told that its own order does not exist.
pub(crate) fn knows_its_own(books: &Books, strategy: &StrategyId, event: &StrategyEvent) -> Result<(), String> {
    let StrategyEvent::ChangeDenied { intent, denial: Denial::NoSuchOrder } = event else { return Ok(()) };
    let owner = books.order(*intent).and_then(|o| o.intent().owner.strategy());
    if owner == Some(strategy) {
        Err(format!("{strategy} is told that there is no order {intent}, which is its own"))
    } else {
        Ok(())
    }
}

/// When the gate opens, nothing that an earlier life sent is of unknown outcome.
pub(crate) fn nothing_in_doubt_from_before(books: &Books) -> Result<(), String> {
    for order in books.orders() {
        let earlier = |epoch| epoch < books.epoch();
        let unknown = order.attempts().iter().find(|(_, a)| a.header().is_some_and(|h| earlier(h.epoch)) && !a.is_settled());
        if let Some((id, _)) = unknown {
            return Err(format!("the gate opens, and nobody knows what became of {id} of an earlier start"));
        }
    }
    Ok(())
}
