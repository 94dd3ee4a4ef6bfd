//! Defects that worlds have found, told as short stories, so that they are found at once if they come back.

use exec_core::{
    command::{ChangeOrder, Command, OperatorCommand},
    conversation::{Answer, Input, Query},
    ids::{InstrumentId, OrderId, SessionId, TradeId},
    order::status::OrdStatus,
    record::Record,
    report::{Fill, OrderReport, PositionReport, Report, ReportBody, TradeReport, VenueStatus},
    units::{PositionMode, PositionSide, Side, SignedQty},
    venue::{Lookup, Trades},
};
use exec_testkit::{
    fixtures::{self, instrument_id, price, qty},
    rig::Rig,
};

fn rig() -> Rig {
    Rig::live(fixtures::config(PositionMode::Netting, &["BTCUSDT"]))
}

fn btc() -> InstrumentId {
    instrument_id("BTCUSDT")
}

fn trade(rig: &Rig, order: &str, id: u64, amount: &str) -> TradeReport {
    TradeReport {
        instrument: btc(),
        cl_ord_id: None,
        order_id: OrderId::new(order).expect("an id"),
        fill: Fill {
            trade_id: TradeId::from_number(id),
            price: price("100"),
            qty: qty(amount),
            side: Side::Buy,
            maker: false,
            leg: None,
            fee: None,
            realized: None,
            at: rig.venue_time(),
        },
    }
}

/// Right after its effect an order may be traded and not yet be visible to queries.
#[test]
fn a_trade_whose_order_is_not_visible_yet_is_not_somebody_elses() {
    let mut rig = rig();
    let intent = rig.submit(fixtures::limit(Side::Buy, qty("1"), price("100")));
    rig.durable();
    let mut shown = rig.venue_report(intent, VenueStatus::Filled, "1");
    shown.order_id = OrderId::new("77").ok();
    let body = ReportBody::Trade(trade(&rig, "77", 5, "1"));
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body } });
    rig.wait(1_000);
    assert_eq!(rig.answer_orders(&Ok(Lookup::Absent)), 1);
    assert_eq!(rig.engine.books().orders().count(), 1, "an absence this young means nothing");
    rig.wait(1_000);
    assert_eq!(rig.answer_orders(&Ok(Lookup::Found(Box::new(shown)))), 1, "so it is asked again");
    assert_eq!(rig.status(intent), OrdStatus::Filled);
    assert_eq!(rig.order(intent).fills().count(), 1);
    assert_eq!(rig.engine.books().orders().count(), 1);
}

/// A crash must find every trade again that was not placed before it.
#[test]
fn the_cursor_stays_before_a_trade_that_waits_for_its_order() {
    let mut rig = rig();
    rig.give(Input::Operator { who: "test".to_owned(), command: OperatorCommand::Reconcile });
    let mut status = rig.flat();
    status.high_water = vec![(btc(), Some(TradeId::from_number(9)))];
    rig.answer_recovery(status);
    let (id, _) = rig.asked.iter().find(|(_, q)| matches!(q, Query::Trades { .. })).expect("trades are asked for");
    let (id, trades) = (*id, Trades { trades: vec![trade(&rig, "77", 9, "1")], complete: true });
    rig.asked.remove(&id);
    rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(trades)) });
    let moved = |rig: &Rig| {
        rig.journal.iter().any(|(_, r)| matches!(r, Record::TradeCursor(c) if c.after == Some(TradeId::from_number(9))))
    };
    assert!(!moved(&rig), "the trade is only in memory");
    assert!(rig.asked.values().any(|q| matches!(q, Query::Order(_))), "its order is asked for");
}

/// What a foreign order executed before the baseline is in the baseline.
#[test]
fn an_order_that_ended_before_the_books_began_stays_outside() {
    let mut rig = Rig::new(fixtures::config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let placed = OrderReport {
        cl_ord_id: Some(fixtures::cl_ord_id("hand1")),
        order_id: OrderId::new("8").ok(),
        algo_id: None,
        instrument: btc(),
        side: Side::Sell,
        leg: Some(PositionSide::Net),
        status: VenueStatus::New,
        kind: Some(exec_core::terms::OrderKind::Market),
        qty: Some(qty("5")),
        reduce_only: false,
        close_all: false,
        cum_qty: Some(qty("0")),
        avg_px: None,
        updated: rig.venue_time(),
        created: None,
        fill: None,
        replaced_by: None,
        text: None,
        made_by: None,
        activated: false,
    };
    rig.stream(placed.clone());
    rig.wait(100);
    let mut status = rig.flat();
    status.high_water = vec![(btc(), Some(TradeId::from_number(3)))];
    status.positions = vec![PositionReport {
        instrument: btc(),
        leg: PositionSide::Net,
        qty: "-5".parse::<SignedQty>().expect("a quantity"),
        entry_px: None,
        mark_px: None,
        liquidation_px: None,
        unrealized: None,
        leverage: None,
        isolated: None,
        margin: exec_core::report::LegMargin::default(),
    }];
    rig.answer_recovery(status);
    let held = |rig: &Rig| rig.engine.books().position_qty(&btc(), PositionSide::Net).to_string();
    assert_eq!((rig.engine.books().orders().count(), held(&rig)), (0, "-5".to_owned()));
    // Its end is told late, without the trade.
    rig.stream(OrderReport { status: VenueStatus::Filled, cum_qty: Some(qty("5")), ..placed });
    assert_eq!((rig.engine.books().orders().count(), held(&rig)), (0, "-5".to_owned()));
}

/// A change and the end of its order may be told in one report.
#[test]
fn an_ended_order_tells_the_terms_it_ended_with() {
    let mut rig = rig();
    let intent = rig.submit(fixtures::limit(Side::Buy, qty("10"), price("100")));
    rig.durable();
    rig.accept(intent);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("12")), price: Some(price("100")), trigger: None }));
    rig.durable();
    rig.wait(10);
    let mut ended = rig.venue_report(intent, VenueStatus::Canceled, "11");
    ended.qty = Some(qty("12"));
    rig.outcome(Ok(Box::new(ended)));
    assert_eq!((rig.order(intent).qty(), rig.status(intent)), (Some(qty("12")), OrdStatus::Canceled));
    assert!(!rig.alerted("overfill"));
}

/// An exit waits for no disk. If the start's own record is lost with it, the next start must not make the same id again.
#[test]
fn a_further_attempt_of_a_start_that_left_no_trace_has_an_id_of_its_own() {
    use crate::stage::{Stage, sell_stop};
    use exec_core::command::ChangeOrder;
    // Two starts over one journal, the first of which loses all it wrote: what each sends for one order is not the same id.
    let sent = |later_ms: u64| {
        let mut stage = Stage::holding("2");
        let stop = stage.submit(sell_stop("2", "95"));
        stage.accept_algo(stop);
        let change = ChangeOrder { intent: stop, qty: None, price: None, trigger: Some(exec_testkit::fixtures::price("96")) };
        stage.rig.command(exec_core::command::Command::Replace(change));
        stage.refuse(exec_core::venue::RejectClass::Overlap, -4130);
        let old =
            stage.rig.order(stop).attempts().iter().find(|(_, a)| a.seen_at_venue()).map(|(id, _)| *id).expect("the old one");
        let kept = stage.rig.journal.len();
        let mut rig = stage.rig.restarted(kept);
        rig.wait(later_ms);
        rig.connect();
        let mut stage = Stage { rig, ..stage };
        stage.algo_of(stop, old, exec_core::report::VenueStatus::Canceled);
        stage.rig.attempts_sent().last().map(|a| a.cl_ord_id).expect("the change goes on")
    };
    assert_ne!(sent(0), sent(40));
}

#[test]
fn a_start_that_left_no_trace_does_not_lend_its_ids_to_the_next() {
    let mut config = fixtures::config(PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    let exit = |rig: &mut Rig| {
        let mut terms = fixtures::limit(Side::Sell, qty("1"), price("100"));
        terms.intention = exec_core::terms::Intention::Reduce;
        let intent = rig.submit(terms);
        rig.cl_ord_id(intent)
    };
    let mut first = Rig::new(config, fixtures::profile());
    first.connect();
    let id = exit(&mut first);
    assert_eq!(first.attempts_sent().len(), 1, "it left before anything was durable");
    let mut second = first.restarted(0);
    second.connect();
    assert_ne!(exit(&mut second), id);
}

/// An exit passes whatever the limits say, also one that is sent when an order on its side is already on the book.
#[test]
fn an_exit_that_comes_later_does_not_carry_an_order_beyond_the_limit() {
    let mut config = fixtures::config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.position_notional_max = fixtures::decimal("1000");
    let mut rig = Rig::live(config);
    let long = rig.submit(fixtures::limit(Side::Buy, qty("6"), price("100")));
    rig.durable();
    rig.accept(long);
    rig.fill(long, 5, "6", "100", "6");
    let turn = rig.submit(fixtures::limit(Side::Sell, qty("15"), price("101")));
    assert_eq!(rig.status(turn), OrdStatus::Denied, "9 short now, and 15 once an exit has closed the 6");
    let turn = rig.submit(fixtures::limit(Side::Sell, qty("9"), price("101")));
    assert_eq!(rig.order(turn).denial(), None);
}

#[test]
fn what_a_start_sent_that_lost_its_record_is_not_a_second_engines() {
    use crate::scene::{foreign, netting};
    use exec_core::{cl_ord_id::OwnId, record::LatchCause, time::VenueTime};
    let mut rig = netting();
    rig.wait(60_000);
    let (books, config) = (rig.engine.books(), rig.engine.config());
    let own = OwnId { account: config.account_number, strategy: 1, epoch: books.epoch(), intent: 7, attempt: 0 };
    let id = own.encode(&config.tag).expect("an id");
    let mut report = foreign("11", "1", "0");
    report.cl_ord_id = Some(id);
    report.updated = rig.venue_time();
    // It was taken in a minute before this start began; the start before took the same epoch and lost its record.
    report.created = Some(VenueTime(rig.venue_time().0 - 120_000));
    rig.stream(report.clone());
    assert!(!rig.engine.books().latches().contains_key(&LatchCause::SecondEngine));
    assert_eq!(rig.engine.books().open_count(), 1);
    let other = OwnId { intent: 8, ..own }.encode(&rig.engine.config().tag);
    (report.cl_ord_id, report.order_id) = (other, OrderId::new("12").ok());
    report.created = Some(rig.venue_time());
    rig.stream(report);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::SecondEngine), "this one was made while we were here");
}
