//! Books and venue come together again, and what is no difference is not called one.

use crate::places::list_trades;
use crate::scene::{btc, buy, cl_of, closing, fill_of, foreign, high, netting, position, position_of, reconcile, working};
use exec_core::{
    command::OperatorCommand,
    conversation::{Answer, Input, Phase, Query},
    ids::{InstrumentId, OrderId, QueryId, SessionId, TradeId},
    order::status::OrdStatus,
    report::{ExpiryReason, MassStatus, Report, ReportBody, TradeReport, VenueStatus},
    terms::{OrderKind, Terms},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{Lookup, QueryError, RejectClass, Rejection, Trades, TradesFrom},
};
use exec_testkit::{
    fixtures::{self, config, instrument_id, qty},
    rig::Rig,
};

const DAY: u64 = 24 * 3_600 * 1_000;

fn absent_once(rig: &mut Rig) {
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    rig.answer_recovery(rig.flat());
    rig.answer_orders(&Ok(Lookup::Absent));
    rig.no_trades();
}

fn trades_questions(rig: &Rig) -> Vec<(QueryId, InstrumentId)> {
    rig.asked
        .iter()
        .filter_map(|(id, q)| if let Query::Trades { instrument, .. } = q { Some((*id, instrument.clone())) } else { None })
        .collect()
}

#[test]
fn a_position_held_for_longer_than_the_venue_lists_trades_is_no_difference() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.fill(intent, 5, "1", "99", "1");
    rig.ms += 10 * DAY;
    let mut status = rig.flat();
    status.positions = vec![position("1")];
    // the high water's windows reach back a week only
    reconcile(&mut rig, status);
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
}

#[test]
fn a_flat_instrument_that_nobody_asked_about_is_no_difference() {
    let mut rig = netting();
    let mut status = rig.flat();
    status.positions = vec![position_of("ETHUSDT", PositionSide::Net, "2")];
    status.high_water.push(high("ETHUSDT", 50));
    reconcile(&mut rig, status);
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
    // closed by hand
    let mut report = foreign("77", "2", "2");
    report.instrument = instrument_id("ETHUSDT");
    report.side = Side::Sell;
    report.status = VenueStatus::Filled;
    report.fill = Some(fill_of(&rig, 51, Side::Sell, "2", Some(PositionSide::Net)));
    rig.stream(report);
    assert_eq!(rig.engine.books().position_qty(&instrument_id("ETHUSDT"), PositionSide::Net).to_string(), "0");
    let status = rig.flat();
    reconcile(&mut rig, status);
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
}

#[test]
fn an_early_absence_does_not_keep_an_order_alive_for_ever() {
    let mut rig = netting();
    let intent = working(&mut rig);
    absent_once(&mut rig);
    rig.ms += 4 * DAY;
    absent_once(&mut rig);
    rig.ms += 60_000;
    absent_once(&mut rig);
    assert_eq!(rig.status(intent), OrdStatus::Vanished);
}

#[test]
fn two_absences_with_a_sight_between_them_prove_nothing() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.ms += 4 * DAY;
    absent_once(&mut rig);
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    let mut status = rig.flat();
    status.open_orders = vec![report];
    rig.ms += DAY;
    reconcile(&mut rig, status);
    rig.ms += DAY;
    absent_once(&mut rig);
    assert_eq!(rig.status(intent), OrdStatus::New);
}

#[test]
fn an_adopted_order_can_vanish() {
    let mut rig = netting();
    rig.stream(foreign("11", "4", "0"));
    rig.ms += 4 * DAY;
    absent_once(&mut rig);
    rig.ms += 60_000;
    absent_once(&mut rig);
    assert_eq!(rig.engine.books().open_count(), 0);
}

#[test]
fn an_acknowledged_order_that_was_not_found_once_is_asked_for_again_soon() {
    let mut rig = netting();
    let order = working(&mut rig);
    absent_once(&mut rig);
    assert!(rig.alerted("acknowledged_but_absent"));
    rig.wait(6_000);
    let over = rig.venue_report(order, VenueStatus::Expired(ExpiryReason::SelfTrade), "0");
    assert_eq!(rig.answer_orders(&Ok(Lookup::Found(Box::new(over)))), 1, "it may only not have been shown yet");
    assert_eq!(rig.status(order), OrdStatus::Expired);
}

#[test]
fn an_instrument_whose_trades_the_venue_refuses_shuts_only_itself() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT", "ETHUSDT"]));
    rig.give(Input::LinkUp(SessionId(2)));
    rig.answer_recovery(rig.flat());
    for _ in 0..10 {
        for (id, instrument) in trades_questions(&rig) {
            rig.asked.remove(&id);
            let answer = if instrument == btc() {
                Ok(Trades { trades: vec![], complete: true })
            } else {
                Err(QueryError::Refused(Rejection { class: RejectClass::Invalid, code: -1121, text: "Invalid symbol.".into() }))
            };
            rig.give(Input::Answer { query: id, answer: Answer::Trades(answer) });
        }
        rig.wait(1_000);
    }
    assert_eq!(rig.engine.phase(), Phase::Live);
    let open = rig.submit(buy());
    assert_eq!(rig.order(open).denial(), None);
    let shut = rig.submit(Terms { instrument: instrument_id("ETHUSDT"), ..buy() });
    assert!(rig.order(shut).denial().is_some());
}

#[test]
fn a_list_that_is_not_complete_is_read_on() {
    let mut rig = netting();
    rig.give(Input::LinkUp(SessionId(2)));
    let mut status = rig.flat();
    status.high_water = vec![high("BTCUSDT", 9)];
    status.positions = vec![position("2")];
    rig.answer_recovery(status);
    let row = |rig: &Rig, id| TradeReport {
        instrument: btc(),
        cl_ord_id: None,
        order_id: OrderId::from_number(11),
        fill: fill_of(rig, id, Side::Buy, "1", Some(PositionSide::Net)),
    };
    let (id, _) = trades_questions(&rig)[0].clone();
    rig.asked.remove(&id);
    let page = Trades { trades: vec![row(&rig, 8)], complete: false };
    rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(page)) });
    let next = rig.asked.iter().find_map(|(id, q)| match q {
        Query::Trades { from, .. } => Some((*id, from.clone())),
        _ => None,
    });
    let Some((id, from)) = next else { panic!("the next page is not asked for") };
    assert_eq!(from, exec_core::venue::TradesFrom::After(TradeId::from_number(8)));
    rig.asked.remove(&id);
    let page = Trades { trades: vec![row(&rig, 9)], complete: true };
    rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(page)) });
    rig.wait(3_000);
    rig.answer_orders(&Ok(Lookup::Found(Box::new(foreign("11", "4", "2")))));
    assert!(rig.engine.differences().is_empty());
    assert_eq!(cl_of(&rig, PositionSide::Net), "2");
}

#[test]
fn a_storm_of_unreadable_events_does_not_flood_the_venue() {
    let mut rig = netting();
    for _ in 0..1_000 {
        let body = ReportBody::Unreadable { why: "x".into(), raw: "y".into() };
        rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body } });
    }
    let masses = rig.asked.values().filter(|q| matches!(q, Query::Mass(_))).count();
    assert!(masses <= 2, "{masses} questions for everything are out");
    for _ in 0..5 {
        if rig.asked.values().any(|q| matches!(q, Query::Mass(_))) {
            rig.answer_recovery(rig.flat());
            rig.no_trades();
        }
        rig.wait(1_000);
    }
    assert!(rig.asked.is_empty(), "{:?}", rig.asked);
}

#[test]
fn a_fill_between_the_open_list_and_the_positions_is_history() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    // Open list: 1 of 4 executed. Then trade 49 of 2 more. Then the positions: 3, newest trade 49.
    let mut update = foreign("11", "4", "3");
    update.status = VenueStatus::PartiallyFilled;
    update.updated = VenueTime(i64::MAX / 2);
    update.fill = Some(fill_of(&rig, 49, Side::Buy, "2", Some(PositionSide::Net)));
    rig.stream(update);
    let mut status = rig.flat();
    status.positions = vec![position("3")];
    status.high_water = vec![high("BTCUSDT", 49)];
    status.open_orders = vec![foreign("11", "4", "1")];
    rig.answer_recovery(status);
    rig.no_trades();
    assert_eq!(cl_of(&rig, PositionSide::Net), "3");
}

/// An exit waits for no comparison. What it executed is in the position that the books begin with; its trade is read all the same, also
/// by the next start, where this one ends before the answer.
#[test]
fn what_an_exit_executed_before_the_books_began_is_history_also_after_a_crash() {
    for crashes in [false, true] {
        let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
        rig.connect();
        let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
        let filled = rig.venue_report(exit, VenueStatus::Filled, "1");
        let trade = TradeReport {
            instrument: btc(),
            cl_ord_id: Some(rig.cl_ord_id(exit)),
            order_id: filled.order_id.expect("the venue has numbered it"),
            fill: fill_of(&rig, 7, Side::Sell, "1", Some(PositionSide::Net)),
        };
        let sent = rig.venue_time();
        rig.outcome(Ok(Box::new(filled)));
        let status = |rig: &Rig| MassStatus { high_water: vec![high("BTCUSDT", 7)], ..rig.flat() };
        rig.answer_recovery(status(&rig));
        if crashes {
            let kept = rig.journal.len();
            rig = rig.restarted(kept);
            rig.connect();
            rig.answer_recovery(status(&rig));
        }
        let from = rig.asked.values().find_map(|q| if let Query::Trades { from, .. } = q { Some(from.clone()) } else { None });
        assert!(matches!(from, Some(TradesFrom::Time(at)) if at <= sent), "{from:?}");
        list_trades(&mut rig, &[trade]);
        assert_eq!((cl_of(&rig, PositionSide::Net).as_str(), rig.engine.differences()), ("0", &[][..]), "crashes: {crashes}");
        assert_eq!(rig.engine.phase(), Phase::Live, "{}", rig.engine.report());
    }
}

#[test]
fn in_hedging_the_trade_list_completes_a_fast_trade_event() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    let mut trade = TradeReport {
        instrument: btc(),
        cl_ord_id: None,
        order_id: OrderId::from_number(11),
        fill: fill_of(&rig, 8, Side::Buy, "1", None),
    };
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Trade(trade.clone()) } });
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    let mut status = rig.flat();
    status.positions = vec![position_of("BTCUSDT", PositionSide::Long, "1")];
    status.high_water = vec![high("BTCUSDT", 8)];
    rig.answer_recovery(status);
    trade.fill.leg = Some(PositionSide::Long);
    let (id, _) = trades_questions(&rig)[0].clone();
    rig.asked.remove(&id);
    let page = Trades { trades: vec![trade], complete: true };
    rig.give(Input::Answer { query: id, answer: Answer::Trades(Ok(page)) });
    for _ in 0..20 {
        rig.wait(1_000);
        rig.answer_orders(&Ok(Lookup::Absent));
    }
    assert_eq!(cl_of(&rig, PositionSide::Long), "1");
}

#[test]
fn a_foreign_order_seen_half_way_on_an_instrument_of_nobody() {
    let mut rig = netting();
    // ETH: the account holds 2 by an order of 4, and the third arrives as the first sign of it.
    let mut report = foreign("77", "4", "3");
    report.instrument = instrument_id("ETHUSDT");
    report.status = VenueStatus::PartiallyFilled;
    report.updated = rig.venue_time();
    report.fill = Some(fill_of(&rig, 51, Side::Buy, "1", Some(PositionSide::Net)));
    rig.stream(report.clone());
    let mut status = rig.flat();
    status.positions = vec![position_of("ETHUSDT", PositionSide::Net, "3")];
    status.high_water.push(high("ETHUSDT", 51));
    report.fill = None;
    status.open_orders = vec![report];
    if rig.asked.values().any(|q| matches!(q, Query::Mass(_))) {
        rig.answer_recovery(status.clone());
        rig.no_trades();
    }
    reconcile(&mut rig, status);
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
    assert_eq!(rig.engine.books().position_qty(&instrument_id("ETHUSDT"), PositionSide::Net).to_string(), "3");
}

#[test]
fn what_only_a_reply_has_told_is_no_difference_until_it_stays() {
    let mut rig = netting();
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
    let cut = rig.flat();
    let market = rig.submit(Terms { kind: OrderKind::Market, ..buy() });
    rig.durable();
    let report = rig.venue_report(market, VenueStatus::Filled, "1");
    rig.outcome(Ok(Box::new(report)));
    rig.answer_recovery(cut.clone());
    rig.no_trades();
    assert!(rig.engine.differences().is_empty(), "the cut is older than the reply: {:?}", rig.engine.differences());
    rig.wait(1_000);
    rig.answer_recovery(cut);
    rig.no_trades();
    assert_eq!(rig.engine.differences().len(), 1, "a second later it is one");
}

#[test]
fn the_last_words_of_a_session_before_the_baseline_are_not_counted_on_top_of_it() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), exec_testkit::fixtures::profile());
    rig.connect();
    rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
    rig.asked.clear();
    // Somebody's order, heard of after the end of the session and before any baseline.
    let mut report = foreign("11", "2", "0");
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    assert_eq!(rig.engine.books().open_count(), 0);
    rig.give(Input::LinkUp(SessionId(2)));
    let mut status = rig.flat();
    status.positions = vec![position("2")];
    status.high_water = vec![high("BTCUSDT", 7)];
    rig.answer_recovery(status);
    (report.status, report.cum_qty) = (VenueStatus::Filled, Some(qty("2")));
    rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    assert_eq!(rig.engine.books().position_qty(&btc(), PositionSide::Net).to_string(), "2");
}

/// A change that grew an order left, and its record went with the disk.
#[test]
fn an_order_is_not_called_overfilled_before_its_terms_were_asked_for() {
    for (grown, told) in [("2", false), ("1", true)] {
        let mut rig = netting();
        let intent = working(&mut rig);
        let (id, kept) = (rig.cl_ord_id(intent), rig.journal.len());
        let mut found = rig.venue_report(intent, VenueStatus::PartiallyFilled, "1.5");
        found.qty = Some(qty(grown));
        let trade = TradeReport {
            instrument: btc(),
            cl_ord_id: Some(id),
            order_id: found.order_id.expect("an id"),
            fill: fill_of(&rig, 5, Side::Buy, "1.5", Some(PositionSide::Net)),
        };
        let mut rig = rig.restarted(kept);
        rig.connect();
        let mut status = rig.flat();
        status.positions = vec![position("1.5")];
        status.high_water = vec![high("BTCUSDT", 5)];
        rig.answer_recovery(status);
        list_trades(&mut rig, &[trade]);
        assert!(!rig.alerted("overfill"), "grown to {grown}: its order has not been asked for");
        rig.answer_orders(&Ok(Lookup::Found(Box::new(found))));
        assert_eq!(rig.alerted("overfill"), told, "grown to {grown}");
        assert_eq!(rig.order(intent).cum_qty(), qty("1.5"));
    }
}

/// No list of the venue shows it any more but that of its trades.
#[test]
fn symbol_traded_and_closed_while_down() {
    for (mode, leg) in [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)] {
        let eth = instrument_id("ETHUSDT");
        let mut rig = Rig::new(config(mode, &["BTCUSDT"]), fixtures::profile());
        rig.connect();
        let mut status = rig.flat();
        status.high_water.push(high("ETHUSDT", 5));
        rig.answer_recovery(status);
        rig.no_trades();
        let trade = |rig: &Rig, id, side| TradeReport {
            instrument: eth.clone(),
            cl_ord_id: None,
            order_id: OrderId::from_number(900 + id),
            fill: fill_of(rig, id, side, "2", Some(leg)),
        };
        let trades = [trade(&rig, 6, Side::Buy), trade(&rig, 7, Side::Sell)];
        rig.ms += 60_000;
        let mut rig = {
            let kept = rig.journal.len();
            rig.restarted(kept)
        };
        rig.connect();
        let mut status = rig.flat();
        status.high_water.push(high("ETHUSDT", 7));
        rig.answer_recovery(status);
        assert!(trades_questions(&rig).iter().any(|(_, instrument)| *instrument == eth), "{mode:?}: its trades are asked for");
        list_trades(&mut rig, &trades);
        rig.answer_orders(&Ok(Lookup::Absent));
        let fills: Vec<_> =
            rig.engine.books().orders().filter(|o| o.intent().terms.instrument == eth).flat_map(|o| o.fills()).collect();
        assert_eq!(fills.len(), 2, "{mode:?}: both trades are in the ledger");
        assert!(rig.engine.books().position_qty(&eth, leg).is_zero(), "{mode:?}");
        assert!(rig.engine.differences().is_empty() && rig.engine.phase() == Phase::Live, "{mode:?}: {}", rig.engine.report());
    }
}
