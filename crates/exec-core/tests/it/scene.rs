//! Ready scenes and words for the tests of the engine. No test.

use exec_core::{
    command::OperatorCommand,
    conversation::{Answer, Input, Query},
    ids::{InstrumentId, IntentId, OrderId, TradeId},
    report::{Fill, MassStatus, OrderReport, PositionReport, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side, SignedQty},
    venue::{CommandError, RejectClass, Rejection},
};
use exec_testkit::{
    fixtures::{self, config, instrument_id, limit, price, qty},
    rig::{MIDNIGHT_MS, Rig},
};

pub(crate) fn netting() -> Rig {
    Rig::live(config(PositionMode::Netting, &["BTCUSDT"]))
}

pub(crate) fn buy() -> Terms {
    limit(Side::Buy, qty("1"), price("99"))
}

pub(crate) fn btc() -> InstrumentId {
    instrument_id("BTCUSDT")
}

pub(crate) fn closing(side: Side, leg: PositionSide, amount: &str) -> Terms {
    Terms {
        instrument: btc(),
        side,
        leg,
        intention: Intention::Reduce,
        qty: Some(qty(amount)),
        kind: OrderKind::Market,
        stp: None,
    }
}

pub(crate) fn unknown() -> CommandError {
    CommandError::Unknown { why: "no answer".into(), live: false }
}

pub(crate) fn refused(class: RejectClass, code: i64) -> CommandError {
    CommandError::Rejected(Rejection { class, code, text: "no".into() })
}

pub(crate) fn working(rig: &mut Rig) -> IntentId {
    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    intent
}

pub(crate) fn position_of(symbol: &str, leg: PositionSide, amount: &str) -> PositionReport {
    PositionReport {
        instrument: instrument_id(symbol),
        leg,
        qty: amount.parse::<SignedQty>().expect("a number"),
        entry_px: Some(price("99")),
        mark_px: None,
        liquidation_px: None,
        unrealized: None,
        leverage: None,
        isolated: None,
        margin: exec_core::report::LegMargin::default(),
    }
}

pub(crate) fn position(amount: &str) -> PositionReport {
    position_of("BTCUSDT", PositionSide::Net, amount)
}

pub(crate) fn high(symbol: &str, id: u64) -> (InstrumentId, Option<TradeId>) {
    (instrument_id(symbol), Some(TradeId::from_number(id)))
}

pub(crate) fn foreign(order_id: &str, amount: &str, cum: &str) -> OrderReport {
    OrderReport {
        cl_ord_id: Some(fixtures::cl_ord_id("web_abc")),
        order_id: Some(OrderId::new(order_id).expect("an id")),
        algo_id: None,
        instrument: btc(),
        side: Side::Buy,
        leg: Some(PositionSide::Net),
        status: VenueStatus::New,
        kind: Some(OrderKind::Limit { price: price("99").into(), tif: TimeInForce::Gtc }),
        qty: Some(qty(amount)),
        reduce_only: false,
        close_all: false,
        cum_qty: Some(qty(cum)),
        avg_px: None,
        updated: VenueTime(1),
        created: None,
        fill: None,
        replaced_by: None,
        text: None,
        made_by: None,
        activated: false,
    }
}

/// An order that somebody placed by hand an hour ago.
pub(crate) fn by_hand(order_id: &str, amount: &str, cum: &str) -> OrderReport {
    OrderReport { updated: VenueTime(MIDNIGHT_MS as i64 + 3_600_000), ..foreign(order_id, amount, cum) }
}

pub(crate) fn fill_of(rig: &Rig, id: u64, side: Side, amount: &str, leg: Option<PositionSide>) -> Fill {
    Fill {
        trade_id: TradeId::from_number(id),
        price: price("99"),
        qty: qty(amount),
        side,
        maker: true,
        leg,
        fee: None,
        realized: None,
        at: rig.venue_time(),
    }
}

pub(crate) fn reconcile(rig: &mut Rig, status: MassStatus) {
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    rig.answer_recovery(status);
    rig.no_trades();
}

pub(crate) fn cl_of(rig: &Rig, leg: PositionSide) -> String {
    rig.engine.books().position_qty(&btc(), leg).to_string()
}

/// What is asked again about a difference is answered: no trade, these legs, and still no trade.
pub(crate) fn asked_again(rig: &mut Rig, rows: &[PositionReport]) {
    rig.no_trades();
    let open: Vec<_> = rig.asked.iter().filter(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).collect();
    assert!(!open.is_empty(), "nothing was asked again: {:?}", rig.asked);
    for id in open {
        rig.asked.remove(&id);
        rig.give(Input::Answer { query: id, answer: Answer::Positions(Ok(rows.to_vec())) });
    }
    rig.no_trades();
}
