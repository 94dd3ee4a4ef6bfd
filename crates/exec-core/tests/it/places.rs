//! Every place where a position can stand: the net one of NETTING, both legs of HEDGING. Words for tests that hold in each. No test.

use crate::scene::btc;
use exec_core::{
    conversation::{Answer, Input, Query},
    ids::{ClOrdId, InstrumentId, OrderId, SessionId, StrategyId, TradeId},
    report::{Fill, MassStatus, OrderReport, PositionReport, Report, ReportBody, TradeReport},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side, SignedQty},
    venue::{Lookup, QueryError, Trades},
};
use exec_testkit::{
    fixtures::{config, instrument_id, price, profile, qty},
    rig::Rig,
};

/// One place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) mode: PositionMode,
    pub(crate) leg: PositionSide,
}

pub(crate) const PLACES: [Place; 3] = [
    Place { mode: PositionMode::Netting, leg: PositionSide::Net },
    Place { mode: PositionMode::Hedging, leg: PositionSide::Long },
    Place { mode: PositionMode::Hedging, leg: PositionSide::Short },
];

impl Place {
    /// A live engine on an empty account.
    pub(crate) fn live(self) -> Rig {
        Rig::live(config(self.mode, &["BTCUSDT"]))
    }
    /// One that has not begun.
    pub(crate) fn down(self) -> Rig {
        Rig::new(config(self.mode, &["BTCUSDT"]), profile())
    }
    /// The side that makes the position larger.
    pub(crate) fn in_side(self) -> Side {
        if self.leg == PositionSide::Short { Side::Sell } else { Side::Buy }
    }
    /// A resting order that makes the position larger.
    pub(crate) fn entry(self, amount: &str) -> Terms {
        let at = if self.leg == PositionSide::Short { "101" } else { "99" };
        Terms {
            instrument: btc(),
            side: self.in_side(),
            leg: self.leg,
            intention: Intention::Open,
            qty: Some(qty(amount)),
            kind: OrderKind::Limit { price: price(at).into(), tif: TimeInForce::Gtc },
            stp: None,
        }
    }
    /// The same at market.
    pub(crate) fn market(self, amount: &str) -> Terms {
        Terms { kind: OrderKind::Market, ..self.entry(amount) }
    }
    /// An order at market that makes it smaller.
    pub(crate) fn exit(self, amount: &str) -> Terms {
        Terms { side: self.in_side().opposite(), intention: Intention::Reduce, ..self.market(amount) }
    }
    /// A stop that makes it smaller.
    pub(crate) fn stop(self, amount: &str) -> Terms {
        let at = if self.leg == PositionSide::Short { "105" } else { "95" };
        let trigger = Trigger { price: price(at), by: TriggerBy::Last, price_protect: false };
        Terms { kind: OrderKind::StopMarket { trigger }, ..self.exit(amount) }
    }
    /// A live engine that holds so much, by a trade of this number.
    pub(crate) fn holding(self, amount: &str, trade: u64) -> Rig {
        let mut rig = self.live();
        let intent = rig.submit(self.entry(amount));
        rig.durable();
        rig.accept(intent);
        rig.fill(intent, trade, amount, "99", amount);
        rig.durable();
        rig
    }
    /// What the books hold, by its size.
    pub(crate) fn held(self, rig: &Rig) -> String {
        rig.engine.books().position_qty(&btc(), self.leg).magnitude().get().normalize().to_string()
    }
    /// How the venue shows a position of this size.
    pub(crate) fn row(self, amount: &str) -> PositionReport {
        self.row_of("BTCUSDT", amount)
    }
    pub(crate) fn row_of(self, symbol: &str, amount: &str) -> PositionReport {
        let sign = if self.leg == PositionSide::Short { "-" } else { "" };
        PositionReport {
            qty: format!("{sign}{amount}").parse::<SignedQty>().expect("a number"),
            ..crate::scene::position_of(symbol, self.leg, amount)
        }
    }
    /// An account that holds so much here and has traded up to this number.
    pub(crate) fn status(self, rig: &Rig, amount: &str, newest: Option<u64>) -> MassStatus {
        let rows = if amount == "0" { Vec::new() } else { vec![self.row(amount)] };
        let high_water = vec![(btc(), newest.map(TradeId::from_number))];
        MassStatus { positions: rows, high_water, ..rig.flat() }
    }
    /// A trade of somebody's order.
    pub(crate) fn trade(self, rig: &Rig, order: u64, id: u64, side: Side, amount: &str) -> TradeReport {
        let fill = Fill {
            trade_id: TradeId::from_number(id),
            price: price("100"),
            qty: qty(amount),
            side,
            maker: false,
            leg: Some(self.leg),
            fee: None,
            realized: None,
            at: rig.venue_time(),
        };
        TradeReport { instrument: btc(), cl_ord_id: None, order_id: OrderId::from_number(order), fill }
    }
    /// The same of an order of ours.
    pub(crate) fn trade_of(self, rig: &Rig, id: ClOrdId, order: OrderId, trade: u64, amount: &str) -> TradeReport {
        let report = self.trade(rig, 1, trade, self.in_side(), amount);
        TradeReport { cl_ord_id: Some(id), order_id: order, ..report }
    }
}

pub(crate) fn hear(rig: &mut Rig, session: u32, body: ReportBody) {
    rig.give(Input::Report { session: SessionId(session), report: Report { sent: None, body } });
}

/// Every question for trades gets these of its instrument, as one complete list.
pub(crate) fn list_trades(rig: &mut Rig, all: &[TradeReport]) -> usize {
    let asked: Vec<_> = rig
        .asked
        .iter()
        .filter_map(|(id, q)| if let Query::Trades { instrument, .. } = q { Some((*id, instrument.clone())) } else { None })
        .collect();
    for (query, instrument) in &asked {
        rig.asked.remove(query);
        let trades = all.iter().filter(|t| t.instrument == *instrument).cloned().collect();
        rig.give(Input::Answer { query: *query, answer: Answer::Trades(Ok(Trades { trades, complete: true })) });
    }
    asked.len()
}

/// Every question is answered, as a venue would that holds this.
pub(crate) fn answer_all(rig: &mut Rig, status: &MassStatus, trade: &TradeReport, order: &OrderReport) {
    let asked: Vec<_> = std::mem::take(&mut rig.asked).into_iter().collect();
    for (query, what) in asked {
        let answer = match what {
            Query::Order(_) => Answer::Order(Ok(Lookup::Found(Box::new(order.clone())))),
            Query::Mass(_) => Answer::Mass(Ok(Box::new(status.clone()))),
            Query::Positions(_) => Answer::Positions(Ok(status.positions.clone())),
            Query::Trades { .. } => Answer::Trades(Ok(Trades { trades: vec![trade.clone()], complete: true })),
            Query::Restrictions(_) => Answer::Restrictions(Ok(Vec::new())),
        };
        rig.give(Input::Answer { query, answer });
    }
}

/// Nothing can be asked: every question fails. Says how many there were.
pub(crate) fn fail_questions(rig: &mut Rig) -> usize {
    let error = || QueryError::Unavailable("no route to host".into());
    let asked: Vec<_> = std::mem::take(&mut rig.asked).into_iter().collect();
    for (query, what) in &asked {
        let answer = match what {
            Query::Order(_) => Answer::Order(Err(error())),
            Query::Mass(_) => Answer::Mass(Err(error())),
            Query::Positions(_) => Answer::Positions(Err(error())),
            Query::Trades { .. } => Answer::Trades(Err(error())),
            Query::Restrictions(_) => Answer::Restrictions(Err(error())),
        };
        rig.give(Input::Answer { query: *query, answer });
    }
    asked.len()
}

/// The engine after a crash that kept everything: begun, with a stream, and asking.
pub(crate) fn restarted(rig: Rig) -> Rig {
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    rig
}

pub(crate) fn eth() -> InstrumentId {
    instrument_id("ETHUSDT")
}

pub(crate) fn other_strategy() -> StrategyId {
    StrategyId::new("taker").expect("a name")
}
