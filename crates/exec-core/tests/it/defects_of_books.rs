//! Defects that other stacks have shipped, about what is held: what a start, a gap, a window or a wrong clock makes of it.

use crate::{
    places::{PLACES, Place, answer_all, eth, fail_questions, hear, list_trades, restarted},
    scene::{btc, foreign, refused, unknown},
};
use exec_core::{
    command::{ChangeOrder, Command, OperatorCommand},
    conversation::{Input, Phase, Query, Request},
    ids::{AlgoId, OrderId, SessionId, TradeId},
    order::{
        event::OrderEvent,
        intent::{Handling, InDoubt, Owner, Provenance},
        status::OrdStatus,
    },
    record::Record,
    report::{MassStatus, OrderReport, ReportBody, TradeReport, VenueStatus},
    terms::{Intention, OrderKind, Terms},
    time::{ClockReading, VenueTime},
    units::{PositionMode, PositionSide},
    venue::{Lookup, RejectClass, TradesFrom},
};
use exec_testkit::{
    fixtures::{config, price, profile, qty, strategy_id},
    rig::Rig,
};

fn executions(rig: &Rig) -> usize {
    let executed = |record: &Record| matches!(record, Record::Order { event: OrderEvent::Executed { .. }, .. });
    rig.journal.iter().filter(|(_, r)| executed(r)).count()
}

#[test]
fn defect_warm_restart_inserts_an_opposite_fill() {
    for place in PLACES {
        // The venue tells the position as it is, or not at all: its list may be behind, or lack the row.
        for told in ["1", "0"] {
            let mut rig = restarted(place.holding("1", 5));
            let before = executions(&rig);
            let again = place.trade(&rig, 1_001, 5, place.in_side(), "1");
            for round in 0..3 {
                let status = place.status(&rig, if round < 2 { told } else { "1" }, Some(5));
                rig.answer_recovery(status);
                list_trades(&mut rig, std::slice::from_ref(&again));
                assert_eq!(place.held(&rig), "1", "{place:?}: no trade has closed it");
                assert_eq!(executions(&rig), before, "{place:?}: and none is made up");
                assert_eq!(rig.engine.differences().is_empty(), told == "1" || round == 2, "{place:?}: it is raised");
                let exit = rig.submit(place.exit("1"));
                assert!(rig.order(exit).denial().is_none(), "{place:?}: it can be closed");
                rig.outcome(Err(refused(RejectClass::State, -1)));
                rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
            }
            assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}");
            let entry = rig.submit(place.entry("1"));
            assert!(rig.order(entry).denial().is_none(), "{place:?}: explained, it trades on");
        }
    }
}

#[test]
fn defect_long_held_position_nets_wrong_from_a_truncated_window() {
    for place in PLACES {
        // Ten were bought half a year ago, five of them sold last week; the venue lists the sale and nothing older.
        let mut rig = place.down();
        rig.connect();
        let mut sold = place.trade(&rig, 800, 900, place.in_side().opposite(), "5");
        sold.fill.at = VenueTime(rig.venue_time().0 - 3 * 24 * 3_600_000);
        for _ in 0..2 {
            let status = place.status(&rig, "5", Some(900));
            rig.answer_recovery(status);
            list_trades(&mut rig, std::slice::from_ref(&sold));
            rig.answer_orders(&Ok(Lookup::Absent));
            assert_eq!(place.held(&rig), "5", "{place:?}: the window is no ledger");
            assert!(rig.engine.differences().is_empty(), "{place:?}: {:?}", rig.engine.differences());
            rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Reconcile });
        }
        assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}");
        // Held for months more, with the node down; then trades are asked for from the last known one on.
        rig.durable();
        rig.ms += 180 * 24 * 3_600_000;
        let mut rig = restarted(rig);
        let status = place.status(&rig, "4", Some(901));
        rig.answer_recovery(status);
        let from: Vec<_> = rig.asked.values().filter(|q| matches!(q, Query::Trades { .. })).cloned().collect();
        let after = TradesFrom::After(TradeId::from_number(900));
        assert_eq!(from, [Query::Trades { instrument: btc(), from: after }], "{place:?}: however long ago that was");
        let closed = place.trade(&rig, 801, 901, place.in_side().opposite(), "1");
        list_trades(&mut rig, &[closed]);
        // Whose it was is forgotten too.
        for _ in 0..5 {
            rig.wait(1_000);
            rig.answer_orders(&Ok(Lookup::Absent));
        }
        assert_eq!(place.held(&rig), "4", "{place:?}");
        assert!(rig.engine.differences().is_empty(), "{place:?}: {:?}", rig.engine.differences());
    }
}

#[test]
fn defect_hedge_legs_collapse_or_vanish_when_equal() {
    let [long, short] = [PositionSide::Long, PositionSide::Short].map(|leg| Place { mode: PositionMode::Hedging, leg });
    let legs = |rig: &Rig| (long.held(rig), short.held(rig));
    let both = ("2".to_owned(), "2".to_owned());
    let mut rig = long.holding("2", 5);
    let intent = rig.submit(short.entry("2"));
    rig.durable();
    rig.accept(intent);
    rig.fill(intent, 6, "2", "101", "2");
    assert_eq!(legs(&rig), both, "equal and opposite is not flat");
    let mut rig = restarted(rig);
    let mut status = rig.flat();
    status.positions = vec![long.row("2"), short.row("2")];
    status.high_water = vec![(btc(), Some(TradeId::from_number(6)))];
    rig.answer_recovery(status.clone());
    rig.no_trades();
    assert_eq!(legs(&rig), both);
    assert!(rig.engine.differences().is_empty(), "{:?}", rig.engine.differences());
    for place in [long, short] {
        let exit = rig.submit(place.exit("2"));
        let left = rig.attempts_sent().last().map(|a| (a.terms.leg, a.terms.side, a.terms.qty));
        assert_eq!(left, Some((place.leg, place.in_side().opposite(), Some(qty("2")))));
        rig.accept(exit);
        rig.fill(exit, if place.leg == PositionSide::Long { 7 } else { 8 }, "2", "100", "2");
    }
    assert_eq!(legs(&rig), ("0".to_owned(), "0".to_owned()));
    // Found at a first start they are two legs as well.
    let mut rig = long.down();
    rig.connect();
    rig.answer_recovery(status);
    assert_eq!(legs(&rig), both);
    assert_eq!(rig.engine.report().positions.len(), 2, "{}", rig.engine.report());
}

#[test]
fn defect_failed_position_query_is_taken_for_flat() {
    for place in PLACES {
        let mut rig = place.holding("2", 5);
        rig.submit(place.stop("2"));
        rig.outcome(Err(refused(RejectClass::Count, -4045)));
        let sent = rig.attempts_sent().len();
        // The stop is lost, and the leg is read before it is closed; but nobody answers.
        for _ in 0..10 {
            fail_questions(&mut rig);
            rig.wait(500);
        }
        assert_eq!(rig.attempts_sent().len(), sent + 1, "{place:?}: what is held is closed, although it cannot be read");
        assert_eq!(rig.attempts_sent()[sent].terms.qty, Some(qty("2")), "{place:?}");
        // A start that cannot read the account knows what its journal says, and takes no new risk.
        let mut rig = restarted(place.holding("2", 5));
        for _ in 0..60 {
            assert_eq!(place.held(&rig), "2", "{place:?}");
            assert_eq!(rig.engine.phase(), Phase::Reconciling, "{place:?}: a failed question is no answer");
            fail_questions(&mut rig);
            rig.wait(1_000);
        }
        let entry = rig.submit(place.entry("1"));
        assert!(rig.order(entry).denial().is_some(), "{place:?}");
        let exit = rig.submit(place.exit("2"));
        assert_eq!(rig.attempts_sent().len(), 1, "{place:?}: an exit passes: {:?}", rig.order(exit).denial());
    }
}

#[test]
fn defect_equal_trade_ids_on_two_symbols_collide() {
    for place in PLACES {
        let mut rig = Rig::live(config(place.mode, &["BTCUSDT", "ETHUSDT"]));
        // The venue numbers orders and trades per symbol: both get the same numbers.
        let order = OrderId::from_number(500);
        for instrument in [btc(), eth()] {
            let intent = rig.submit(Terms { instrument: instrument.clone(), ..place.entry("1") });
            rig.durable();
            let mut report = rig.venue_report(intent, VenueStatus::New, "0");
            report.order_id = Some(order);
            rig.outcome(Ok(Box::new(report.clone())));
            rig.stream(report);
        }
        let held = |rig: &Rig| [btc(), eth()].map(|i| rig.engine.books().position_qty(&i, place.leg).magnitude().to_string());
        let trade = place.trade(&rig, 500, 7, place.in_side(), "1");
        for instrument in [btc(), eth()] {
            hear(&mut rig, 1, ReportBody::Trade(TradeReport { instrument, ..trade.clone() }));
        }
        assert_eq!(held(&rig), ["1", "1"], "{place:?}: two trades");
        assert_eq!(rig.engine.books().orders().filter(|o| o.status() == OrdStatus::Filled).count(), 2, "{place:?}");
        // Nor does the beginning of one instrument's books make history of another's trades.
        let later = TradeReport { instrument: eth(), ..place.trade(&rig, 501, 8, place.in_side(), "2") };
        let mut rig = restarted(rig);
        let mut status = rig.flat();
        status.positions = vec![place.row("1"), place.row_of("ETHUSDT", "3")];
        status.high_water = vec![(btc(), Some(TradeId::from_number(7))), (eth(), Some(TradeId::from_number(8)))];
        rig.answer_recovery(status);
        list_trades(&mut rig, &[trade, later]);
        rig.wait(2_000);
        rig.answer_orders(&Ok(Lookup::Absent));
        assert_eq!(held(&rig), ["1", "3"], "{place:?}");
        assert!(rig.engine.differences().is_empty(), "{place:?}: {:?}", rig.engine.differences());
    }
}

#[test]
fn defect_local_clock_behind_the_venues() {
    const BEHIND_MS: i64 = 90_000;
    for place in PLACES {
        let mut rig = place.down();
        rig.connect();
        rig.give(Input::Clock(ClockReading { offset_ms: BEHIND_MS, error_ms: 5 }));
        let ahead = |rig: &Rig| VenueTime(rig.venue_time().0 + BEHIND_MS);
        let status = MassStatus { asked: ahead(&rig), ..rig.flat() };
        rig.answer_recovery(status);
        assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}: an error is a reason to wait, an offset is not");
        let intent = rig.submit_with(place.entry("1"), Handling { in_doubt: InDoubt::Keep, ..Handling::default() });
        rig.durable();
        let sent = rig.attempts_sent()[0].clone();
        assert_eq!(sent.timestamp, ahead(&rig), "{place:?}: the venue judges a request by its own clock");
        // What comes back is from our future, and counts at once.
        let mut report = rig.venue_report(intent, VenueStatus::PartiallyFilled, "0.4");
        let order = report.order_id.expect("an id");
        report.updated = ahead(&rig);
        report.fill = Some(place.trade_of(&rig, sent.cl_ord_id, order, 7, "0.4").fill);
        let traded = ahead(&rig);
        report.fill.iter_mut().for_each(|f| f.at = traded);
        rig.stream(report);
        assert_eq!(place.held(&rig), "0.4", "{place:?}");
        // An order in doubt ends by the venue's clock: neither before its fence nor long after it.
        let lost = rig.submit_with(place.market("1"), Handling::default());
        rig.durable();
        rig.outcome(Err(unknown()));
        let begun = rig.ms;
        while !rig.status(lost).is_ended() && rig.ms < begun + 60_000 {
            rig.answer_orders(&Ok(Lookup::Absent));
            rig.wait(250);
        }
        assert_eq!(rig.status(lost), OrdStatus::Presumed, "{place:?}");
        // Window 2 s, margin 2 s, seen a second later.
        assert!((5_000..12_000).contains(&(rig.ms - begun)), "{place:?}: after {} ms", rig.ms - begun);
    }
}

#[test]
fn defect_stream_is_dead_after_a_reconnect_while_connected() {
    for place in PLACES {
        let mut rig = place.live();
        rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
        rig.give(Input::LinkUp(SessionId(2)));
        // That it is open says nothing: first everything is compared.
        assert_ne!(rig.engine.phase(), Phase::Live, "{place:?}");
        let early = rig.submit(place.entry("1"));
        assert!(rig.order(early).denial().is_some(), "{place:?}");
        let status = rig.flat();
        rig.answer_recovery(status);
        rig.no_trades();
        assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}");
        // From here on not one event comes, and nothing closes the connection: an order rests, and is filled.
        let intent = rig.submit(place.entry("1"));
        rig.durable();
        let resting = rig.venue_report(intent, VenueStatus::New, "0");
        let (id, order) = (rig.cl_ord_id(intent), resting.order_id.expect("an id"));
        rig.outcome(Ok(Box::new(resting.clone())));
        let filled = OrderReport { status: VenueStatus::Filled, cum_qty: Some(qty("1")), ..resting };
        let mut seconds = 0;
        while place.held(&rig) != "1" && seconds < 120 {
            rig.wait(1_000);
            seconds += 1;
            let status = place.status(&rig, "1", Some(5));
            let trade = place.trade_of(&rig, id, order, 5, "1");
            answer_all(&mut rig, &status, &trade, &filled);
        }
        // What was acknowledged owes an event within 3 s, and one question shows that it never came.
        assert!(seconds <= 5, "{place:?}: heard of after {seconds} s");
        assert!(rig.was_told(|e| matches!(e, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. })), "{place:?}");
        assert_eq!(rig.status(intent), OrdStatus::Filled, "{place:?}");
    }
}

#[test]
fn defect_events_are_lost_between_snapshot_and_new_socket() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = rig.submit(place.entry("3"));
        rig.durable();
        rig.accept(intent);
        let snapshot = place.status(&rig, "0", None);
        let mut resting = rig.venue_report(intent, VenueStatus::New, "0");
        rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
        assert_ne!(rig.engine.phase(), Phase::Live, "{place:?}: nobody listens");
        let order = resting.order_id.expect("an id");
        // One is filled while nobody listens, one on the new stream before the snapshot that does not know it yet, one after.
        let missed = place.trade_of(&rig, rig.cl_ord_id(intent), order, 11, "1");
        rig.give(Input::LinkUp(SessionId(2)));
        assert!(rig.asked.values().any(|q| matches!(q, Query::Mass(_))), "{place:?}: stream first, then the questions");
        let early = place.trade_of(&rig, rig.cl_ord_id(intent), order, 12, "1");
        hear(&mut rig, 2, ReportBody::Trade(early));
        assert_eq!(place.held(&rig), "1", "{place:?}: what the new stream says counts at once");
        resting.updated = snapshot.asked;
        rig.answer_recovery(MassStatus { open_orders: vec![resting], ..snapshot });
        assert_eq!(list_trades(&mut rig, std::slice::from_ref(&missed)), 1, "{place:?}");
        assert_eq!(place.held(&rig), "2", "{place:?}: and what nobody heard is found in the list");
        let late = place.trade_of(&rig, rig.cl_ord_id(intent), order, 13, "1");
        hear(&mut rig, 2, ReportBody::Trade(late.clone()));
        hear(&mut rig, 2, ReportBody::Trade(late));
        assert_eq!((place.held(&rig).as_str(), rig.status(intent)), ("3", OrdStatus::Filled), "{place:?}");
        assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}");
    }
}

#[test]
fn defect_external_stop_order_cannot_be_materialised() {
    for place in PLACES {
        for claimed in [false, true] {
            let mut config = config(place.mode, &["BTCUSDT"]);
            if claimed {
                config.strategies[0].external_order_claims = vec![btc()];
            }
            let mut rig = Rig::new(config, profile());
            rig.connect();
            // A stop placed by hand: it stands in the other book, has no order id, and its price is its trigger.
            let terms = place.stop("2");
            let mut stop = foreign("1", "2", "0");
            (stop.order_id, stop.algo_id) = (None, Some(AlgoId::from_number(44)));
            (stop.side, stop.leg, stop.kind) = (terms.side, Some(place.leg), Some(terms.kind));
            stop.reduce_only = true;
            let mut status = place.status(&rig, "2", Some(3));
            status.open_orders = vec![stop.clone()];
            rig.answer_recovery(status);
            let intent = rig.engine.books().find(&btc(), None, None, stop.algo_id.as_ref());
            let intent = intent.unwrap_or_else(|| panic!("{place:?}: the stop is not in the books"));
            let found = rig.order(intent).intent().clone();
            let owner = if claimed { Owner::Strategy(strategy_id()) } else { Owner::External };
            assert_eq!((&found.owner, found.provenance), (&owner, Provenance::Foreign), "{place:?}");
            assert_eq!(found.terms.kind, terms.kind, "{place:?}: its trigger is known");
            assert_eq!(found.terms.intention, Intention::Reduce, "{place:?}");
            assert!(rig.engine.protection(&btc(), place.leg).uncovered.is_zero(), "{place:?}: it protects what is held");
            if claimed {
                let moved = ChangeOrder { intent, qty: None, price: None, trigger: Some(price("100")) };
                rig.command(Command::Replace(moved));
                assert!(rig.attempts_sent().iter().any(|a| a.terms.kind.trigger_price() == Some(price("100"))), "{place:?}");
                rig.command(Command::Cancel(intent));
                assert!(rig.sent.iter().any(|r| matches!(r, Request::Cancel(c) if c.order.algo_id == stop.algo_id)), "{place:?}");
                continue;
            }
            // It triggers, and the order that it becomes closes the position under the same client id.
            let order = OrderId::from_number(71);
            let (mut child, side) = (stop.clone(), terms.side);
            (child.order_id, child.algo_id, child.kind) = (Some(order), None, Some(OrderKind::Market));
            (child.status, child.cum_qty) = (VenueStatus::Filled, Some(qty("2")));
            child.updated = VenueTime(rig.venue_time().0 + 10);
            child.fill = Some(place.trade(&rig, 71, 9, side, "2").fill);
            rig.stream(child);
            assert_eq!((rig.status(intent), place.held(&rig).as_str()), (OrdStatus::Filled, "0"), "{place:?}: it is one order");
            assert_eq!(rig.engine.books().open_count(), 0, "{place:?}");
        }
    }
}

#[test]
fn defect_decode_failure_eats_a_fill() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = rig.submit(place.entry("1"));
        rig.durable();
        rig.accept(intent);
        let resting = rig.venue_report(intent, VenueStatus::New, "0");
        let raw = r#"{"e":"ORDER_TRADE_UPDATE","o":{"l":"0.4","t":"eleven"}}"#;
        hear(&mut rig, 1, ReportBody::Unreadable { why: "t is not a number".into(), raw: raw.into() });
        let kept = rig.journal.iter().any(|(_, r)| matches!(r, Record::Raw { raw: kept, .. } if kept == raw));
        assert!(kept, "{place:?}: what cannot be read is kept as it came");
        assert!(rig.alerted("kept_raw"), "{place:?}: and somebody is told");
        assert!(rig.asked.values().any(|q| matches!(q, Query::Mass(_))), "{place:?}: the venue is asked what it was");
        let mut status = place.status(&rig, "0.4", Some(11));
        let order = resting.order_id.expect("an id");
        status.open_orders = vec![resting];
        status.open_orders[0].status = VenueStatus::PartiallyFilled;
        status.open_orders[0].cum_qty = Some(qty("0.4"));
        rig.answer_recovery(status);
        let lost = place.trade_of(&rig, rig.cl_ord_id(intent), order, 11, "0.4");
        assert_eq!(list_trades(&mut rig, &[lost]), 1, "{place:?}");
        assert_eq!(place.held(&rig), "0.4", "{place:?}");
        assert_eq!(rig.order(intent).fills().count(), 1, "{place:?}: with its price and its number");
        assert!(rig.was_told(|e| matches!(e, OrderEvent::Executed { .. })), "{place:?}");
        assert!(rig.engine.differences().is_empty(), "{place:?}: {:?}", rig.engine.differences());
    }
}
