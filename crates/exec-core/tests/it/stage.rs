//! A position with conditional orders around it, and the venue's words about them. No test.

use crate::scene::{btc, closing, fill_of};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Input, Outcome, Request},
    engine::config::ProtectionPolicy,
    ids::{AlgoId, ClOrdId, IntentId, OrderId},
    report::{Fill, OrderReport, PositionReport, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Qty, Side},
    venue::{Lookup, OrderRef, RejectClass},
};
use exec_testkit::{
    fixtures::{config, price, qty},
    rig::Rig,
};

pub(crate) struct Stage {
    pub(crate) rig: Rig,
    pub(crate) leg: PositionSide,
    pub(crate) intents: u128,
}

fn trigger(at: &str) -> Trigger {
    Trigger { price: price(at), by: TriggerBy::Last, price_protect: false }
}

pub(crate) fn sell_stop(amount: &str, at: &str) -> Terms {
    Terms { kind: OrderKind::StopMarket { trigger: trigger(at) }, ..closing(Side::Sell, PositionSide::Net, amount) }
}

pub(crate) fn long_stop(amount: &str, at: &str) -> Terms {
    Terms { leg: PositionSide::Long, ..sell_stop(amount, at) }
}

pub(crate) fn take_profit(amount: &str, at: &str) -> Terms {
    Terms { kind: OrderKind::TakeProfitMarket { trigger: trigger(at) }, ..closing(Side::Sell, PositionSide::Net, amount) }
}

pub(crate) fn stop_to_open(amount: &str, at: &str) -> Terms {
    Terms { side: Side::Buy, intention: Intention::Open, ..sell_stop(amount, at) }
}

/// A stop that becomes a limit order at this price when it triggers.
pub(crate) fn with_limit(stop: Terms, limit: &str) -> Terms {
    let OrderKind::StopMarket { trigger } = stop.kind else { panic!("not a stop: {stop:?}") };
    Terms { kind: OrderKind::StopLimit { trigger, price: price(limit).into(), tif: TimeInForce::Gtc }, ..stop }
}

pub(crate) fn stop_limit_to_open(amount: &str, at: &str, limit: &str) -> Terms {
    with_limit(stop_to_open(amount, at), limit)
}

impl Stage {
    /// NETTING, with a long of this size that the books began with.
    pub(crate) fn holding(amount: &str) -> Self {
        Self::new(PositionMode::Netting, PositionSide::Net, amount, ProtectionPolicy::Exit)
    }
    pub(crate) fn with_policy(amount: &str, policy: ProtectionPolicy) -> Self {
        Self::new(PositionMode::Netting, PositionSide::Net, amount, policy)
    }
    /// HEDGING, with a long leg of this size.
    pub(crate) fn on_leg(amount: &str) -> Self {
        Self::new(PositionMode::Hedging, PositionSide::Long, amount, ProtectionPolicy::Exit)
    }

    fn new(mode: PositionMode, leg: PositionSide, amount: &str, policy: ProtectionPolicy) -> Self {
        let mut config = config(mode, &["BTCUSDT"]);
        config.strategies[0].protection = policy;
        let mut stage = Self { rig: Rig::live(config), leg, intents: 1_000 };
        if !qty(amount).is_zero() {
            stage.enter(amount, 1);
            assert_eq!(stage.held(), qty(amount));
        }
        stage
    }

    /// After a crash that kept everything: connected again, and everything as the venue had it is still there.
    pub(crate) fn restarted(self) -> Self {
        let kept = self.rig.journal.len();
        let (leg, intents) = (self.leg, self.intents);
        let mut rig = self.rig.restarted(kept);
        rig.connect();
        Self { rig, leg, intents: intents + 100 }
    }

    pub(crate) fn submit(&mut self, terms: Terms) -> IntentId {
        self.rig.submit(terms)
    }
    /// A conditional order that the venue has taken in.
    pub(crate) fn standing(&mut self, terms: Terms) -> IntentId {
        let opens = terms.can_add_risk();
        let intent = self.submit(terms);
        if opens {
            self.rig.durable();
        }
        self.accept_algo(intent);
        intent
    }
    /// A conditional order that the venue refuses for good: it has too many of them.
    pub(crate) fn refused(&mut self, terms: Terms) -> IntentId {
        let intent = self.submit(terms);
        self.refuse(RejectClass::Count, -4045);
        intent
    }
    /// Buys at market, at 100, in one trade.
    pub(crate) fn enter(&mut self, amount: &str, trade: u64) {
        let open = Terms { intention: Intention::Open, ..closing(Side::Buy, self.leg, amount) };
        let entry = self.submit(open);
        self.rig.durable();
        self.rig.accept(entry);
        self.rig.fill(entry, trade, amount, "100", amount);
    }
    /// Asks for another trigger; the answer is the attempt that stood before.
    pub(crate) fn moved(&mut self, intent: IntentId, to: &str) -> ClOrdId {
        let old = self.rig.cl_ord_id(intent);
        let change = ChangeOrder { intent, qty: None, price: None, trigger: Some(price(to)) };
        self.rig.command(Command::Replace(change));
        old
    }
    pub(crate) fn name(&mut self) -> IntentId {
        self.intents += 1;
        IntentId(self.intents)
    }
    pub(crate) fn held(&self) -> Qty {
        self.rig.engine.books().position_qty(&btc(), self.leg).magnitude()
    }
    pub(crate) fn net(&self) -> String {
        self.rig.engine.books().position_qty(&btc(), self.leg).to_string()
    }
    pub(crate) fn uncovered(&self) -> Qty {
        self.rig.engine.protection(&btc(), self.leg).uncovered
    }
    pub(crate) fn last_cancel(&self) -> OrderRef {
        let cancels =
            self.rig.sent.iter().rev().find_map(|r| if let Request::Cancel(c) = r { Some(c.order.clone()) } else { None });
        cancels.expect("no cancel was sent")
    }

    fn last_of(&self, intent: IntentId) -> ClOrdId {
        self.rig.cl_ord_id(intent)
    }

    fn report(&mut self, intent: IntentId, attempt: ClOrdId, status: VenueStatus) -> OrderReport {
        let terms = {
            let order = self.rig.order(intent);
            order.attempts().get(&attempt).map(|a| order.terms_of(a)).expect("an attempt")
        };
        let number: u64 =
            attempt.as_str().bytes().fold(7, |h: u64, b| h.wrapping_mul(31).wrapping_add(u64::from(b))) % 1_000_000_007;
        let mut report = self.rig.venue_report(intent, status, "0");
        report.cl_ord_id = Some(attempt);
        report.order_id = None;
        report.algo_id = Some(AlgoId::from_number(number));
        report.kind = Some(terms.kind);
        report.qty = terms.qty;
        report.cum_qty = None;
        report.close_all = terms.intention == Intention::CloseAll;
        report
    }

    /// How a list of the algo service shows the last attempt.
    pub(crate) fn algo_report(&mut self, intent: IntentId, status: VenueStatus) -> OrderReport {
        let attempt = self.last_of(intent);
        self.report(intent, attempt, status)
    }
    /// The algo service says this about the last attempt.
    pub(crate) fn algo(&mut self, intent: IntentId, status: VenueStatus) {
        let attempt = self.last_of(intent);
        self.algo_of(intent, attempt, status);
    }
    pub(crate) fn algo_of(&mut self, intent: IntentId, attempt: ClOrdId, status: VenueStatus) {
        let report = self.report(intent, attempt, status);
        self.rig.stream(report);
    }
    /// The venue takes the last attempt in.
    pub(crate) fn accept_algo(&mut self, intent: IntentId) {
        let attempt = self.last_of(intent);
        let report = self.report(intent, attempt, VenueStatus::New);
        let request = self.rig.sent.iter().rev().find_map(|r| match r {
            Request::Submit { id, attempt: sent } if sent.cl_ord_id == attempt => Some(*id),
            _ => None,
        });
        let request = request.expect("the attempt was not sent");
        self.rig.give(Input::Outcome { request, outcome: Outcome::Order(Ok(Box::new(report.clone()))) });
        self.rig.stream(report);
    }
    pub(crate) fn refuse(&mut self, class: RejectClass, code: i64) {
        self.rig.outcome(Err(crate::scene::refused(class, code)));
    }

    pub(crate) fn child_report(&mut self, intent: IntentId, status: VenueStatus, cum: &str) -> OrderReport {
        let attempt = self.last_of(intent);
        self.child_report_of(intent, attempt, status, cum)
    }
    fn child_report_of(&mut self, intent: IntentId, attempt: ClOrdId, status: VenueStatus, cum: &str) -> OrderReport {
        let mut report = self.report(intent, attempt, status);
        let number = report.algo_id.map(|id| id.as_str().parse::<u64>().expect("a number")).unwrap_or_default();
        let limit = report.kind.and_then(|k| k.limit_price());
        (report.order_id, report.algo_id) = (Some(OrderId::from_number(number + 5)), None);
        report.kind = Some(limit.map_or(OrderKind::Market, |price| OrderKind::Limit { price, tif: TimeInForce::Gtc }));
        report.cum_qty = Some(qty(cum));
        report
    }
    /// The ordinary order says this.
    pub(crate) fn child(&mut self, intent: IntentId, status: VenueStatus, cum: &str) {
        let attempt = self.last_of(intent);
        self.child_of(intent, attempt, status, cum);
    }
    pub(crate) fn child_of(&mut self, intent: IntentId, attempt: ClOrdId, status: VenueStatus, cum: &str) {
        let report = self.child_report_of(intent, attempt, status, cum);
        self.rig.stream(report);
    }
    pub(crate) fn child_fill(&mut self, intent: IntentId, trade: u64, amount: &str, at: &str, cum: &str) {
        let attempt = self.last_of(intent);
        self.child_fill_of(intent, attempt, trade, amount, at, cum);
    }
    pub(crate) fn child_fill_of(&mut self, intent: IntentId, attempt: ClOrdId, trade: u64, amount: &str, at: &str, cum: &str) {
        let full = self.rig.order(intent).attempts()[&attempt].header().and_then(|h| h.qty) == Some(qty(cum));
        let status = if full { VenueStatus::Filled } else { VenueStatus::PartiallyFilled };
        let mut report = self.child_report_of(intent, attempt, status, cum);
        let fill = fill_of(&self.rig, trade, report.side, amount, report.leg);
        report.fill = Some(Fill { price: price(at), maker: false, ..fill });
        self.rig.stream(report);
    }
    /// Every question for an order finds its child.
    pub(crate) fn find_child(&mut self, intent: IntentId, status: VenueStatus, cum: &str) {
        let report = self.child_report(intent, status, cum);
        assert!(self.rig.answer_orders(&Ok(Lookup::Found(Box::new(report)))) >= 1, "nothing was asked");
    }

    /// The venue says what the leg holds to whoever asked.
    pub(crate) fn leg_holds(&mut self, amount: &str) -> usize {
        let row = PositionReport { leg: self.leg, ..crate::scene::position(amount) };
        let rows = if amount == "0" { Vec::new() } else { vec![row] };
        self.answer_legs(&Ok(rows))
    }
    pub(crate) fn answer_legs(&mut self, answer: &Result<Vec<PositionReport>, exec_core::venue::QueryError>) -> usize {
        use exec_core::conversation::{Answer, Query};
        let open: Vec<_> = self.rig.asked.iter().filter(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).collect();
        for id in &open {
            self.rig.asked.remove(id);
            self.rig.give(Input::Answer { query: *id, answer: Answer::Positions(answer.clone()) });
        }
        open.len()
    }
}
