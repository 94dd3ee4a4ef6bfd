//! Orders that ended long ago leave the books: what they did stays, what comes late about them changes nothing twice.

use exec_core::{
    command::{Command, NewOrder, OperatorCommand},
    conversation::{Answer, Input, Query},
    engine::{Engine, config::Memory},
    ids::{IntentId, TradeId},
    order::{event::OrderEvent, intent::Handling},
    record::{LatchCause, Record},
    report::{MassStatus, OrderReport, TradeReport, VenueStatus},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{Lookup, Trades},
};
use exec_testkit::{
    fixtures::{config, limit, price, profile, qty, strategy_id},
    rig::Rig,
};

use crate::scene::{btc, buy, closing, position_of};

const KEPT_MS: u64 = 60_000;

fn live() -> Rig {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.memory = Memory { ended_orders_ms: KEPT_MS };
    // Only when a test says so.
    config.sweep_interval_ms = 0;
    Rig::live(config)
}

/// The strategy has handled all that it was told.
fn all_seen(rig: &mut Rig) {
    let seen = rig.told.iter().filter_map(|(seq, _)| *seq).max();
    rig.give(Input::Commands { strategy: strategy_id(), seen, commands: Vec::new(), state: None });
}

/// Buys, has a part of it executed in one trade, and cancels the rest.
fn bought(rig: &mut Rig, trade: u64, amount: &str) -> IntentId {
    let intent = rig.submit(buy());
    rig.durable();
    rig.accept(intent);
    rig.fill(intent, trade, amount, "99", amount);
    let canceled = rig.venue_report(intent, VenueStatus::Canceled, amount);
    rig.stream(canceled);
    all_seen(rig);
    intent
}

/// Everything is compared: the venue holds what the books hold, and its list of trades ends with `newest`.
fn compared(rig: &mut Rig, newest: u64) {
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    let held = rig.engine.books().position_qty(&btc(), PositionSide::Net).to_string();
    let status = MassStatus {
        positions: vec![position_of("BTCUSDT", PositionSide::Net, &held)],
        high_water: vec![(btc(), Some(TradeId::from_number(newest)))],
        ..rig.flat()
    };
    rig.answer_recovery(status);
    let fills: Vec<_> = rig.engine.books().orders().flat_map(|o| o.fills().map(move |(id, f)| (*id, f.clone(), o))).collect();
    let trades: Vec<TradeReport> = fills
        .into_iter()
        .filter(|(_, fill, _)| fill.trade_id == TradeId::from_number(newest))
        .map(|(id, fill, order)| TradeReport {
            instrument: btc(),
            cl_ord_id: Some(id),
            order_id: order.attempts()[&id].order_id().expect("it is at the venue"),
            fill,
        })
        .collect();
    let open: Vec<_> = rig.asked.iter().filter(|(_, q)| matches!(q, Query::Trades { .. })).map(|(id, _)| *id).collect();
    for id in open {
        rig.asked.remove(&id);
        let trades = Trades { trades: trades.clone(), complete: true };
        rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(trades)) });
    }
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
}

/// An account on which the first of three orders was let go; with what the venue said of it at its end.
fn first_let_go() -> (Rig, IntentId, OrderReport) {
    let mut rig = live();
    let first = bought(&mut rig, 1, "0.4");
    let report = rig.venue_report(first, VenueStatus::Canceled, "0.4");
    compared(&mut rig, 1);
    rig.wait(KEPT_MS + 1_000);
    bought(&mut rig, 2, "0.3");
    compared(&mut rig, 2);
    bought(&mut rig, 3, "0.2");
    compared(&mut rig, 3);
    assert!(rig.engine.books().order(first).is_none(), "{:?}", rig.engine.books().order(first));
    (rig, first, report)
}

fn held(rig: &Rig) -> String {
    rig.engine.books().position_qty(&btc(), PositionSide::Net).to_string()
}

#[test]
fn promise_p18_an_order_that_ended_long_ago_leaves_and_its_position_stays() {
    let (rig, first, report) = first_let_go();
    let books = rig.engine.books();
    assert_eq!((held(&rig), books.orders().count()), ("0.9".to_owned(), 2));
    assert_eq!(books.find(&btc(), report.cl_ord_id.as_ref(), report.order_id.as_ref(), None), None);
    let gone = |r: &&Record| matches!(r, Record::LetGo { orders, .. } if *orders == [first]);
    assert_eq!(rig.journal.iter().map(|(_, r)| r).filter(gone).count(), 1);
}

#[test]
fn a_replay_lets_go_of_the_same() {
    let (rig, ..) = first_let_go();
    let mut engine = Engine::new(rig.engine.config().clone(), profile());
    for (seq, record) in &rig.journal {
        engine.replay(*seq, record).expect("it fits");
    }
    assert_eq!(engine.books(), rig.engine.books());
    assert!(engine.snapshot() == rig.engine.snapshot());
}

#[test]
fn what_the_venue_repeats_about_it_changes_nothing_and_is_no_second_engines() {
    let (mut rig, first, mut report) = first_let_go();
    let records = rig.journal.len();
    rig.stream(report.clone());
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    report.fill = Some(exec_core::report::Fill {
        trade_id: TradeId::from_number(1),
        price: price("99"),
        qty: qty("0.4"),
        side: Side::Buy,
        maker: true,
        leg: report.leg,
        fee: None,
        realized: None,
        at: report.updated,
    });
    rig.stream(report.clone());
    assert_eq!((held(&rig), rig.journal.len()), ("0.9".to_owned(), records));
    assert!(rig.engine.books().order(first).is_none() && rig.engine.books().latches().is_empty());
    assert!(rig.alerted("late_report"));
}

#[test]
fn a_trade_of_it_that_is_news_counts_once_and_what_it_had_executed_does_not_count_again() {
    let (mut rig, _, mut report) = first_let_go();
    (report.status, report.cum_qty, report.updated) = (VenueStatus::PartiallyFilled, Some(qty("0.5")), rig.venue_time());
    let mut told = report.clone();
    told.fill = Some(exec_core::report::Fill {
        trade_id: TradeId::from_number(9),
        price: price("99"),
        qty: qty("0.1"),
        side: Side::Buy,
        maker: true,
        leg: report.leg,
        fee: None,
        realized: None,
        at: report.updated,
    });
    rig.stream(told.clone());
    assert_eq!(held(&rig), "0.9", "first the venue says how old the order is");
    rig.wait(1_500);
    report.created = Some(VenueTime(rig.venue_time().0 - 2 * KEPT_MS as i64));
    assert_eq!(rig.answer_orders(&Ok(Lookup::Found(Box::new(report)))), 1);
    rig.stream(told);
    assert_eq!(held(&rig), "1.0");
    assert!(!rig.engine.books().latches().contains_key(&LatchCause::SecondEngine), "{:?}", rig.engine.books().latches());
}

#[test]
fn what_its_strategy_has_not_handled_or_no_complete_list_has_passed_stays() {
    let mut rig = live();
    let first = bought(&mut rig, 1, "0.4");
    let unheard = rig.submit(buy());
    rig.durable();
    rig.accept(unheard);
    let canceled = rig.venue_report(unheard, VenueStatus::Canceled, "0");
    rig.stream(canceled);
    compared(&mut rig, 1);
    rig.wait(KEPT_MS + 1_000);
    compared(&mut rig, 1);
    assert!(rig.engine.books().order(first).is_some(), "the list may still be asked for from its trade on");
    assert!(rig.engine.books().order(unheard).is_some(), "its strategy has not handled its end");
    all_seen(&mut rig);
    compared(&mut rig, 1);
    assert!(rig.engine.books().order(unheard).is_none());
}

#[test]
fn what_is_open_stays_however_old_it_is() {
    let mut rig = live();
    let open = rig.submit(limit(Side::Buy, qty("1"), price("98")));
    rig.durable();
    rig.accept(open);
    all_seen(&mut rig);
    rig.wait(10 * KEPT_MS);
    compared(&mut rig, 1);
    assert!(rig.engine.books().order(open).is_some_and(|o| !o.status().is_ended()));
}

#[test]
fn an_operators_name_is_not_used_twice() {
    let mut rig = live();
    let named = NewOrder { intent: IntentId(77), terms: buy(), handling: Handling::default(), list: None };
    let submit = |new: &NewOrder| Input::Operator { who: "ada".into(), command: OperatorCommand::Submit(new.clone()) };
    rig.give(submit(&named));
    rig.durable();
    rig.accept(named.intent);
    let canceled = rig.venue_report(named.intent, VenueStatus::Canceled, "0");
    rig.stream(canceled);
    rig.wait(KEPT_MS + 1_000);
    compared(&mut rig, 1);
    assert!(rig.engine.books().order(named.intent).is_none());
    let sent = rig.sent.len();
    rig.give(submit(&named));
    rig.durable();
    assert_eq!(rig.sent.len(), sent);
    assert!(rig.alerted("intent_reused"));
}

#[test]
fn denied_orders_go_too() {
    let mut rig = live();
    let mut denied = closing(Side::Sell, PositionSide::Net, "5");
    denied.qty = Some(qty("0.0000001"));
    rig.command(Command::Submit(NewOrder { intent: IntentId(5), terms: denied, handling: Handling::default(), list: None }));
    assert!(rig.order(IntentId(5)).denial().is_some());
    assert!(rig.journal.iter().any(|(_, r)| matches!(r, Record::Order { event: OrderEvent::Denied(_), .. })));
    all_seen(&mut rig);
    rig.wait(KEPT_MS + 1_000);
    compared(&mut rig, 1);
    assert!(rig.engine.books().order(IntentId(5)).is_none());
}
