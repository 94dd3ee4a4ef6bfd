//! How anything becomes true: a record passes the books, then the journal, then whoever it concerns. It decides nothing.

use super::{Engine, flatten::is_clip};
use crate::{
    books::BooksError,
    conversation::{AlertLevel, Effect, StrategyEvent},
    ids::{IntentId, Seq},
    order::{Contradiction, event::OrderEvent},
    record::{LatchCause, Record},
    report::Source,
};
use alloc::{format, string::String, vec::Vec};

impl Engine {
    /// Adds a record that is always news.
    pub(super) fn record(&mut self, record: Record, out: &mut Vec<Effect>) {
        let seq = Seq(self.books.seq().0 + 1);
        if let Record::Cursor { strategy, seen, .. } = &record {
            self.forget_seen(strategy, *seen);
        }
        let moves = matches!(record, Record::Baseline(_) | Record::Adjustment(_));
        let result = if moves && self.is_priced() { self.day_result() } else { None };
        match self.books.apply(seq, &record) {
            Ok(_) => {
                out.push(Effect::Journal(seq, record));
                self.keep_day(result, out);
            }
            Err(error) => self.alert(out, AlertLevel::Critical, "books_refused", format!("{error}")),
        }
    }

    /// Adds a fact about an order if it is news, journals it and tells whom it concerns.
    pub(super) fn learn(&mut self, intent: IntentId, source: Source, event: OrderEvent, out: &mut Vec<Effect>) -> Option<Seq> {
        let (seq, transition) = match self.books.learn_if_news(intent, self.now, &event) {
            Ok(Some(news)) => news,
            Ok(None) => return None,
            Err(error) => {
                // The first fact stands; this one is kept as it came, and somebody must look.
                self.keep_raw(format!("{error}"), format!("{intent} {source:?} {event:?}"), out);
                if matches!(&error, BooksError::Contradiction { contradiction: Contradiction::OrderId { .. }, .. })
                    && self.made_by_us(intent, &event)
                {
                    // Our ids are used once, so something below us sent it twice.
                    self.latch(LatchCause::AssumptionBroken, format!("{error}: one of our ids names two orders"), out);
                }
                return None;
            }
        };
        if matches!(event, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. })
            && (self.books.has_lists() || self.is_guarding())
        {
            let key = self.books.order(intent).map(|o| (o.intent().terms.instrument.clone(), o.leg()));
            self.moved.extend(key);
        }
        let owner = self.books.order(intent).and_then(|o| o.intent().owner.strategy().cloned());
        out.push(Effect::Journal(seq, Record::Order { intent, at: self.now, source, event: event.clone() }));
        if transition.overfilled {
            self.overfilled(intent, out);
        }
        if transition.late {
            self.alert(out, AlertLevel::Warning, "late_fill", format!("order {intent} was filled after its end"));
        }
        if let Some(strategy) = owner {
            let opens = self.books.order(intent).is_some_and(|o| o.intent().terms.can_add_risk());
            // What the kill switch asks for in its name is not its doing.
            if !self.books.order(intent).is_some_and(is_clip) {
                self.watch_fact(&strategy, opens, &event);
            }
            let update = self.order_update(intent, event, &transition, self.now);
            self.notify(strategy, Some(seq), StrategyEvent::Order(update), out);
        }
        if transition.presumption_broken {
            let text = format!("order {intent} could not be at the venue any more, and is");
            self.latch(LatchCause::AssumptionBroken, text, out);
        }
        Some(seq)
    }

    fn made_by_us(&self, intent: IntentId, event: &OrderEvent) -> bool {
        let attempt = event.cl_ord_id().and_then(|id| self.books.order(intent)?.attempts().get(id));
        attempt.is_some_and(|a| a.header().is_some())
    }

    /// Keeps something that does not fit as it came, counts it and raises.
    pub(super) fn keep_raw(&mut self, why: String, raw: String, out: &mut Vec<Effect>) {
        self.alert(out, AlertLevel::Critical, "kept_raw", why.clone());
        self.record(Record::Raw { why, raw, at: self.now }, out);
    }

    pub(super) fn latch(&mut self, cause: LatchCause, text: String, out: &mut Vec<Effect>) {
        if self.books.latches().contains_key(&cause) {
            return;
        }
        self.alert(out, AlertLevel::Critical, "latched", text.clone());
        self.record(Record::Latched { cause, text, at: self.now }, out);
    }
}
