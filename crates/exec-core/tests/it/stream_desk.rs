//! A venue that answers truly beside a private stream that says what a test lets it say. No test.

use crate::scene::{btc, buy, closing, fill_of, foreign};
use exec_core::{
    conversation::{Answer, Input, Outcome, Query, Request},
    engine::config::{EngineConfig, StreamCare},
    ids::{AlgoId, IntentId},
    order::{intent::ExchangeMade, status::OrdStatus},
    report::{Fill, OrderReport, PositionReport, Report, ReportBody, TradeReport, VenueStatus},
    start_report::Shut,
    terms::{OrderKind, Terms, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side, SignedQty},
    venue::{Lookup, QueryError, Trades, TradesFrom},
};
use exec_testkit::{
    fixtures::{cl_ord_id, config, price},
    rig::Rig,
};

/// A venue that answers every question truly, and a stream that says what a test lets it say.
pub(crate) struct Desk {
    pub(crate) rig: Rig,
    pub(crate) mode: PositionMode,
    pub(crate) leg: PositionSide,
    pub(crate) held: SignedQty,
    pub(crate) orders: Vec<OrderReport>,
    pub(crate) trades: Vec<TradeReport>,
    /// Whether a session that is wanted opens.
    pub(crate) opens: bool,
    /// Every so many questions one is answered; the others fail.
    pub(crate) answers_one_in: usize,
    pub(crate) questions: usize,
    /// How many of the requests have had their effect.
    pub(crate) served: usize,
}

impl Desk {
    pub(crate) fn new(mode: PositionMode, leg: PositionSide) -> Self {
        Self::with(mode, leg, StreamCare::default())
    }

    pub(crate) fn with(mode: PositionMode, leg: PositionSide, stream: StreamCare) -> Self {
        let mut config = EngineConfig { stream, ..config(mode, &["BTCUSDT"]) };
        config.strategies[0].external_order_claims = vec![btc()];
        let rig = Rig::live(config);
        let (orders, trades) = (Vec::new(), Vec::new());
        Self { rig, mode, leg, held: SignedQty::ZERO, orders, trades, opens: true, answers_one_in: 1, questions: 0, served: 0 }
    }

    /// Holds 1, with an entry and a stop that rest.
    pub(crate) fn holding(mode: PositionMode, leg: PositionSide) -> (Self, IntentId, IntentId) {
        let mut desk = Self::new(mode, leg);
        let first = desk.place(Terms { leg, ..buy() });
        desk.fill(first, 1, true);
        desk.answer();
        let entry = desk.place(Terms { leg, ..buy() });
        let trigger = Trigger { price: price("90"), by: TriggerBy::Last, price_protect: false };
        let stop = desk.place(Terms { kind: OrderKind::StopMarket { trigger }, ..closing(Side::Sell, leg, "1") });
        desk.run(500);
        assert_eq!((desk.status(entry), desk.status(stop)), (OrdStatus::New, OrdStatus::New));
        (desk, entry, stop)
    }

    /// Placed, acknowledged and told.
    pub(crate) fn place(&mut self, terms: Terms) -> IntentId {
        let intent = self.rig.submit(terms);
        self.rig.durable();
        let report = self.acknowledge(intent);
        self.tell(ReportBody::Order(report));
        intent
    }
    pub(crate) fn acknowledge(&mut self, intent: IntentId) -> OrderReport {
        let mut report = self.rig.venue_report(intent, VenueStatus::New, "0");
        if self.rig.order(intent).intent().terms.kind.is_conditional() {
            (report.order_id, report.algo_id, report.cum_qty) = (None, Some(AlgoId::from_number(77)), None);
        }
        self.rig.outcome(Ok(Box::new(report.clone())));
        self.orders.push(report.clone());
        report
    }
    pub(crate) fn tell(&mut self, body: ReportBody) {
        let (session, sent) = (self.rig.session(), Some(self.rig.venue_time()));
        self.rig.give(Input::Report { session, report: Report { sent, body } });
    }
    pub(crate) fn status(&self, intent: IntentId) -> OrdStatus {
        self.rig.status(intent)
    }
    pub(crate) fn books(&self) -> SignedQty {
        self.rig.engine.books().position_qty(&btc(), self.leg)
    }

    /// An order of ours is executed at the venue, in full.
    pub(crate) fn fill(&mut self, intent: IntentId, trade: u64, told: bool) {
        let amount = self.rig.order(intent).qty().unwrap().to_string();
        let report = self.rig.venue_report(intent, VenueStatus::Filled, &amount);
        self.execute(report, trade, told);
    }
    /// Somebody else's order, executed at the venue in full.
    pub(crate) fn closed(&mut self, made_by: Option<ExchangeMade>, name: &str, trade: u64) {
        let mut report = foreign("4711", "1", "1");
        (report.cl_ord_id, report.side, report.leg) = (Some(cl_ord_id(name)), Side::Sell, Some(self.leg));
        (report.status, report.kind, report.made_by) = (VenueStatus::Filled, Some(OrderKind::Market), made_by);
        report.updated = self.rig.venue_time();
        report.created = Some(self.rig.venue_time());
        self.execute(report, trade, false);
    }
    pub(crate) fn execute(&mut self, mut report: OrderReport, trade: u64, told: bool) {
        let amount = report.qty.unwrap();
        let fill = Fill { at: self.rig.venue_time(), ..fill_of(&self.rig, trade, report.side, &amount.to_string(), report.leg) };
        self.held = self.held.plus(amount.get() * report.side.sign());
        let order_id = report.order_id.unwrap();
        self.trades.push(TradeReport { instrument: btc(), cl_ord_id: report.cl_ord_id, order_id, fill: fill.clone() });
        self.orders.retain(|o| o.order_id != Some(order_id));
        self.orders.push(report.clone());
        report.fill = Some(fill);
        if told {
            self.tell(ReportBody::Order(report));
        }
    }

    pub(crate) fn row(&self) -> PositionReport {
        PositionReport { leg: self.leg, qty: self.held, ..crate::scene::position("0") }
    }
    pub(crate) fn mass(&self) -> exec_core::report::MassStatus {
        let mut status = self.rig.flat();
        status.mode = self.mode;
        status.open_orders = self.orders.iter().filter(|o| !o.status.is_final()).cloned().collect();
        status.positions = vec![self.row()];
        status.high_water = vec![(btc(), self.trades.last().map(|t| t.fill.trade_id))];
        status
    }

    /// Answers everything that was asked.
    pub(crate) fn answer(&mut self) {
        while let Some((id, query)) = self.rig.asked.pop_first() {
            self.questions += 1;
            let fails = !self.questions.is_multiple_of(self.answers_one_in);
            let lost = || QueryError::Unavailable("429".into());
            let answer = match query {
                Query::Restrictions(_) => Answer::Restrictions(if fails { Err(lost()) } else { Ok(Vec::new()) }),
                Query::Mass(_) => Answer::Mass(if fails { Err(lost()) } else { Ok(Box::new(self.mass())) }),
                Query::Positions(_) => Answer::Positions(if fails { Err(lost()) } else { Ok(vec![self.row()]) }),
                Query::Trades { from, .. } => Answer::Trades(if fails {
                    Err(lost())
                } else {
                    let after = |t: &&TradeReport| !matches!(from, TradesFrom::After(id) if t.fill.trade_id <= id);
                    Ok(Trades { trades: self.trades.iter().filter(after).cloned().collect(), complete: true })
                }),
                Query::Order(of) => Answer::Order(if fails {
                    Err(lost())
                } else {
                    let is =
                        |o: &&OrderReport| o.cl_ord_id == of.cl_ord_id || (of.order_id.is_some() && o.order_id == of.order_id);
                    let found = self.orders.iter().find(is);
                    Ok(found.map_or(Lookup::Absent, |o| Lookup::Found(Box::new(o.clone()))))
                }),
            };
            self.rig.give(Input::Answer { query: id, answer });
            self.rig.durable();
        }
    }

    /// Lets time pass. Questions are answered, cancels take effect, sessions open; the stream says nothing by itself.
    pub(crate) fn run(&mut self, ms: u64) {
        let end = self.rig.ms + ms;
        let mut wanted = self.rig.reopened.len();
        while self.rig.ms < end {
            self.rig.wait(100);
            self.rig.durable();
            self.answer();
            while let Some(request) = self.rig.sent.get(self.served).cloned() {
                self.served += 1;
                if let Request::Cancel(cancel) = request {
                    let order = self.orders.iter_mut().find(|o| o.cl_ord_id == cancel.order.cl_ord_id).unwrap();
                    order.status = VenueStatus::Canceled;
                    let outcome = Outcome::Order(Ok(Box::new(order.clone())));
                    self.rig.give(Input::Outcome { request: cancel.request, outcome });
                }
            }
            if self.opens && self.rig.reopened.len() > wanted {
                wanted = self.rig.reopened.len();
                self.rig.link_up();
            }
        }
    }
    /// Runs until something holds; how long that took.
    pub(crate) fn until(&mut self, most_ms: u64, holds: impl Fn(&Self) -> bool) -> u64 {
        let begun = self.rig.ms;
        while !holds(self) {
            assert!(self.rig.ms - begun < most_ms, "not within {most_ms} ms");
            self.run(100);
        }
        self.rig.ms - begun
    }
    pub(crate) fn shut(&self) -> Vec<Shut> {
        self.rig.engine.gate_shut()
    }
}
