//! Lets go of orders that ended long ago, and judges what comes late about one of them: it moves no position twice, and is no second
//! engine's. Which orders can go is the books' to say.

use super::Engine;
use crate::{
    cl_ord_id::OwnId,
    conversation::{AlertLevel, Effect, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, TradeId},
    record::Record,
    report::{OrderReport, Source, TradeReport},
    time::{Timestamp, VenueTime},
    units::Qty,
};
use alloc::{collections::BTreeMap, format, vec::Vec};

/// Most orders that are let go at once, so that nobody waits for it.
const AT_ONCE: usize = 500;
/// How soon the next ones are let go.
const NEXT_MS: u64 = 500;

impl Engine {
    /// Lets go of the oldest orders that can go.
    pub(super) fn let_go(&mut self, out: &mut Vec<Effect>) {
        let keep_ms = self.config.memory.ended_orders_ms;
        let Some(before) = self.now.as_ms().checked_sub(keep_ms).filter(|_| keep_ms > 0) else { return };
        let hosts = |strategy: &_| self.config.strategies.iter().any(|s| s.id == *strategy);
        let orders = self.books.to_let_go(Timestamp::from_ms(before), AT_ONCE, hosts);
        // A stop that was lost is looked after until its position is settled.
        let orders: Vec<IntentId> = orders.into_iter().filter(|id| !self.watch.guards(*id)).collect();
        if orders.is_empty() {
            return;
        }
        for intent in &orders {
            self.forget_volatile(*intent);
        }
        let more = orders.len() >= AT_ONCE;
        // What ended before this by our clock ended before this by the venue's, but for the difference of the clocks.
        let before = self.venue_time().0.saturating_sub(keep_ms as i64);
        self.record(Record::LetGo { orders, before: VenueTime(before) }, out);
        if more {
            self.set_timer(Timer::LetGo, NEXT_MS, out);
        }
    }

    /// Whether a trade of an order that we do not know is in the books already: complete lists have gone beyond it, so its order was
    /// known and was let go.
    pub(super) fn is_counted(&self, instrument: &InstrumentId, trade: &TradeId) -> bool {
        let after = self.books.trade_cursor(instrument).and_then(|cursor| cursor.after);
        self.books.let_go_before().is_some() && after.is_some_and(|after| *trade <= after)
    }

    /// Whether a report of an order that we do not know tells late of one that was let go, and teaches nothing. A trade in it that
    /// is news waits until the venue has said how old its order is.
    pub(super) fn is_late(&mut self, report: &OrderReport, source: Source, out: &mut Vec<Effect>) -> bool {
        let Some(before) = self.books.let_go_before() else { return false };
        if let Some(fill) = &report.fill
            && self.is_counted(&report.instrument, &fill.trade_id)
        {
            return true;
        }
        if source != Source::Stream {
            return false;
        }
        if report.fill.is_none() && report.updated <= before {
            return true;
        }
        let ours = report.cl_ord_id.is_some_and(|id| self.made_earlier(&id));
        if !ours || report.created.is_some() {
            return false;
        }
        if let (Some(fill), Some(order_id)) = (&report.fill, report.order_id) {
            let trade =
                TradeReport { instrument: report.instrument.clone(), cl_ord_id: report.cl_ord_id, order_id, fill: fill.clone() };
            self.wait_for_order(&trade, out);
        }
        let id = report.cl_ord_id.map_or_else(Default::default, |id| format!("{id}"));
        let text = format!("{id} on {} is told of and is not in the books; the venue's lists decide", report.instrument);
        self.alert(out, AlertLevel::Warning, "late_report", text);
        true
    }

    /// Of what an order that we do not know has executed, the part that is in the books already.
    pub(super) fn counted_before(&self, report: &OrderReport) -> Qty {
        let Some(before) = self.books.let_go_before() else { return Qty::ZERO };
        let old =
            report.created.is_some_and(|created| created <= before) || report.cl_ord_id.is_some_and(|id| self.made_now(&id));
        if !old {
            return Qty::ZERO;
        }
        let waiting = report.order_id.and_then(|id| self.unplaced.get(&(report.instrument.clone(), id)));
        let new = waiting.into_iter().flatten().filter(|t| !self.is_counted(&t.instrument, &t.fill.trade_id));
        let mut new: BTreeMap<TradeId, Qty> = new.map(|t| (t.fill.trade_id, t.fill.qty)).collect();
        new.extend(report.fill.as_ref().map(|fill| (fill.trade_id, fill.qty)));
        let new = new.values().fold(Qty::ZERO, |sum, qty| sum.plus(*qty));
        report.cum_qty.unwrap_or_default().saturating_sub(new)
    }

    fn own(&self, id: &ClOrdId) -> Option<OwnId> {
        OwnId::decode(&self.config.tag, id).filter(|id| id.account == self.config.account_number)
    }

    /// Whether this start has made an id: where orders are let go, not being in the books does not say that another has.
    pub(super) fn made_now(&self, id: &ClOrdId) -> bool {
        let made =
            |own: OwnId| own.epoch == self.books.epoch() && own.intent > self.intents_from && own.intent <= self.intents_made;
        self.books.let_go_before().is_some() && self.own(id).is_some_and(made)
    }

    fn made_earlier(&self, id: &ClOrdId) -> bool {
        self.made_now(id) || self.own(id).is_some_and(|own| own.epoch < self.books.epoch())
    }

    /// What is remembered of an order besides the books.
    fn forget_volatile(&mut self, intent: IntentId) {
        let Some(order) = self.books.order(intent) else { return };
        if let Some(place) = order.intent().list {
            self.leg_answers.remove(&place.list);
            self.unstopped.remove(&place.list);
        }
        let attempts: Vec<ClOrdId> = order.attempts().keys().copied().collect();
        for cl_ord_id in &attempts {
            self.absences.remove(cl_ord_id);
        }
        self.watch.forget(intent, &attempts);
    }
}
