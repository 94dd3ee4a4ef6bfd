//! The venue's words about conditional orders, for a rig: taken in, triggered, the ordinary order that comes of it, the end. One line each.

use crate::{fixtures, rig::Rig};
use exec_core::{
    conversation::{Input, Outcome, Request},
    ids::{AlgoId, ClOrdId, IntentId, OrderId, TradeId},
    report::{Fill, OrderReport, VenueStatus},
    terms::{Intention, OrderKind, TimeInForce},
};

impl Rig {
    /// What the service of conditional orders would say about the newest attempt of an order.
    pub fn conditional_report(&mut self, intent: IntentId, status: VenueStatus) -> OrderReport {
        let attempt = self.cl_ord_id(intent);
        let terms = {
            let order = self.order(intent);
            order.attempts().get(&attempt).map_or_else(|| order.intent().terms.clone(), |a| order.terms_of(a))
        };
        let mut report = self.venue_report(intent, status, "0");
        (report.order_id, report.algo_id) = (None, Some(AlgoId::from_number(number_of(&attempt))));
        (report.kind, report.qty, report.cum_qty) = (Some(terms.kind), terms.qty, None);
        report.close_all = terms.intention == Intention::CloseAll;
        report
    }

    /// The service says this about the newest attempt of an order.
    pub fn conditional_says(&mut self, intent: IntentId, status: VenueStatus) {
        let report = self.conditional_report(intent, status);
        self.stream(report);
    }

    /// The service takes the newest attempt in: reply and stream.
    ///
    /// # Panics
    /// If the attempt was not sent.
    pub fn accept_conditional(&mut self, intent: IntentId) {
        let (attempt, report) = (self.cl_ord_id(intent), self.conditional_report(intent, VenueStatus::New));
        let sent = self.sent.iter().rev().find_map(|r| match r {
            Request::Submit { id, attempt: sent } if sent.cl_ord_id == attempt => Some(*id),
            _ => None,
        });
        let request = sent.unwrap_or_else(|| panic!("attempt {attempt} of order {intent} was not sent"));
        self.give(Input::Outcome { request, outcome: Outcome::Order(Ok(Box::new(report.clone()))) });
        self.stream(report);
    }

    /// Its condition is met.
    pub fn trigger(&mut self, intent: IntentId) {
        self.conditional_says(intent, VenueStatus::Triggered);
    }
    /// The service is done with it: its ordinary order has ended, filled or not.
    pub fn finish(&mut self, intent: IntentId) {
        self.conditional_says(intent, VenueStatus::Finished);
    }
    /// It is refused at its trigger; no ordinary order comes of it.
    pub fn die_at_trigger(&mut self, intent: IntentId) {
        let mut report = self.conditional_report(intent, VenueStatus::Rejected);
        report.text = Some("Margin is insufficient.".to_owned());
        self.stream(report);
    }

    /// What the ordinary book would say about the order that a conditional one has become: the same client order id.
    pub fn child_report(&mut self, intent: IntentId, status: VenueStatus, cum: &str) -> OrderReport {
        let mut report = self.conditional_report(intent, status);
        let number = number_of(&self.cl_ord_id(intent));
        let limit = report.kind.and_then(|k| k.limit_price());
        (report.order_id, report.algo_id) = (Some(OrderId::from_number(number + 5)), None);
        report.kind = Some(limit.map_or(OrderKind::Market, |price| OrderKind::Limit { price, tif: TimeInForce::Gtc }));
        report.cum_qty = Some(fixtures::qty(cum));
        report
    }
    /// The ordinary order that a conditional one has become says this.
    pub fn child(&mut self, intent: IntentId, status: VenueStatus, cum: &str) {
        let report = self.child_report(intent, status, cum);
        self.stream(report);
    }
    /// The ordinary order that a conditional one has become trades; `cum` is what is executed with it.
    pub fn child_fill(&mut self, intent: IntentId, trade: u64, qty: &str, price: &str, cum: &str) {
        let full = self.order(intent).qty().is_none_or(|q| q == fixtures::qty(cum));
        let mut report = self.child_report(intent, if full { VenueStatus::Filled } else { VenueStatus::PartiallyFilled }, cum);
        report.fill = Some(Fill {
            trade_id: TradeId::from_number(trade),
            price: fixtures::price(price),
            qty: fixtures::qty(qty),
            side: report.side,
            maker: false,
            leg: report.leg,
            fee: None,
            realized: None,
            at: self.venue_time(),
        });
        self.stream(report);
    }
}

/// A number that an id of ours always has: the venue's numbers are its own, but a test wants the same ones each time.
fn number_of(id: &ClOrdId) -> u64 {
    id.as_str().bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))) % 1_000_000_007
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::{
        command::Command,
        order::status::OrdStatus,
        units::{PositionMode, PositionSide, Side},
    };

    /// A bracket whose entry is filled and whose closing orders stand at the venue: rig, stop, take-profit.
    fn bracket() -> (Rig, IntentId, IntentId) {
        let mut rig = Rig::live(fixtures::config(PositionMode::Netting, &["BTCUSDT"]));
        let entry = fixtures::limit(Side::Buy, fixtures::qty("2"), fixtures::price("100"));
        let orders = fixtures::bracket(900, entry, fixtures::price("95"), fixtures::price("110"));
        let [entry, stop, profit] = [orders[0].intent, orders[1].intent, orders[2].intent];
        rig.command(Command::SubmitList(orders));
        rig.durable();
        rig.accept(entry);
        assert_eq!(rig.attempts_sent().len(), 1, "nothing closes before something is open");
        rig.fill(entry, 1, "2", "100", "2");
        rig.durable();
        rig.accept_conditional(stop);
        rig.accept_conditional(profit);
        (rig, stop, profit)
    }
    fn held(rig: &Rig) -> String {
        rig.engine.books().position_qty(&fixtures::instrument_id("BTCUSDT"), PositionSide::Net).get().normalize().to_string()
    }

    #[test]
    fn a_bracket_lives_from_entry_to_stop() {
        let (mut rig, stop, profit) = bracket();
        assert_eq!((rig.status(stop), held(&rig)), (OrdStatus::New, "2".to_owned()));
        rig.trigger(stop);
        assert_eq!(rig.status(stop), OrdStatus::Triggered);
        rig.child(stop, VenueStatus::New, "0");
        rig.child_fill(stop, 2, "0.5", "94.9", "0.5");
        assert_eq!((rig.status(stop), held(&rig)), (OrdStatus::PartiallyFilled, "1.5".to_owned()));
        rig.child_fill(stop, 3, "1.5", "94.8", "2");
        rig.finish(stop);
        assert_eq!((rig.status(stop), held(&rig)), (OrdStatus::Filled, "0".to_owned()));
        assert!(rig.order(profit).cancel_wished(), "nothing is left to take a profit on");
    }

    #[test]
    fn a_stop_that_dies_at_its_trigger_is_told() {
        let (mut rig, stop, _) = bracket();
        rig.die_at_trigger(stop);
        assert_eq!(rig.status(stop), OrdStatus::Rejected);
        let lost = |e: &exec_core::conversation::StrategyEvent| matches!(e, exec_core::conversation::StrategyEvent::ProtectionLost(lost) if lost.intent == stop);
        assert!(rig.told.iter().any(|(_, event)| lost(event)), "{:?}", rig.told);
    }

    #[test]
    fn a_fill_may_come_before_the_trigger_is_told() {
        let (mut rig, stop, _) = bracket();
        rig.child_fill(stop, 2, "2", "94.9", "2");
        rig.trigger(stop);
        rig.trigger(stop);
        rig.finish(stop);
        assert_eq!((rig.status(stop), held(&rig)), (OrdStatus::Filled, "0".to_owned()));
    }
}
