//! A reader of journals that forgets one fill on purpose, to see that a comparison finds it.

use exec_core::{
    ids::{IntentId, TradeId},
    order::event::OrderEvent,
    record::Record,
};
use std::collections::BTreeSet;

/// Forgets one fill, to see that the comparison finds it. One fill may stand in several records: the fast event and the full one.
#[derive(Debug, Default)]
pub(crate) struct Forgetful {
    nth: Option<usize>,
    seen: BTreeSet<(IntentId, TradeId)>,
    forgotten: Option<(IntentId, TradeId)>,
}

impl Forgetful {
    /// Forgets the fill with this number, from 0; none if there is no number.
    pub(crate) fn of(nth: Option<usize>) -> Self {
        Self { nth, ..Self::default() }
    }

    pub(crate) fn pass(&mut self, record: &mut Record) {
        let Record::Order { intent, at, event: OrderEvent::Executed { fill, .. }, .. } = record else { return };
        let key = (*intent, fill.trade_id);
        if self.seen.insert(key) && self.nth == Some(self.seen.len() - 1) {
            self.forgotten = Some(key);
        }
        if self.forgotten == Some(key) {
            *record = Record::Raw { why: "forgotten on purpose".to_owned(), raw: String::new(), at: *at };
        }
    }
}
