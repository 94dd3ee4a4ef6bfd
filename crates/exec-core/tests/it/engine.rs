//! The engine's promises: what leaves when, and what is settled by what.

use crate::scene::{buy, by_hand, closing, netting, position, refused, unknown, working};
use exec_core::{
    command::Command,
    conversation::{Effect, Input, Phase, Query, Request},
    ids::SessionId,
    order::{
        event::{NotSent, OrderEvent, RequestState},
        intent::{Handling, Owner},
        status::OrdStatus,
    },
    pretrade::Denial,
    record::{LatchCause, Record},
    report::{PositionReport, VenueStatus},
    terms::{OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Side},
    venue::{Lookup, QueryError, RejectClass},
};
use exec_testkit::{
    fixtures::{self, config, instrument_id, limit, price, qty},
    rig::Rig,
};

#[test]
fn promise_p03_an_opening_order_leaves_only_when_its_attempt_is_durable() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    assert_eq!(rig.status(intent), OrdStatus::PendingNew);
    assert!(rig.attempts_sent().is_empty(), "nothing may leave before the disk has it");
    let written = rig.journal.iter().position(|(_, r)| matches!(r, Record::Order { event: OrderEvent::Attempted { .. }, .. }));
    assert!(written.is_some());
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 1);
    assert_eq!(rig.attempts_sent()[0].cl_ord_id, rig.cl_ord_id(intent));
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 1, "an attempt is sent once");
}

#[test]
fn an_exit_and_a_cancel_wait_for_nothing() {
    let mut rig = netting();
    let open = working(&mut rig);
    rig.give(Input::JournalFailed("the disk is gone".into()));
    rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    // The journal's end cancels what can add risk by itself.
    assert_eq!(rig.cancels_sent(), 1);
    assert_eq!(rig.status(open), OrdStatus::PendingCancel);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert_eq!(rig.attempts_sent().last().map(|a| a.cl_ord_id), Some(rig.cl_ord_id(exit)));
    let refused = rig.submit(buy());
    assert!(matches!(rig.order(refused).denial(), Some(Denial::GateClosed(_))));
}

#[test]
fn promise_p07_new_risk_is_refused_before_the_first_comparison() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    assert_eq!(rig.engine.phase(), Phase::Reconciling);
    let intent = rig.submit(buy());
    assert!(matches!(rig.order(intent).denial(), Some(Denial::GateClosed(_))));
    rig.answer_recovery(rig.flat());
    assert_eq!(rig.engine.phase(), Phase::Live);
}

#[test]
fn an_order_too_old_for_its_market_is_not_sent() {
    let mut rig = netting();
    let intent = rig.submit_with(buy(), Handling { max_age_ms: 50, ..Handling::default() });
    rig.wait(51);
    rig.durable();
    assert!(rig.attempts_sent().is_empty());
    assert_eq!(rig.status(intent), OrdStatus::NotSent);
    assert!(rig.was_told(|e| matches!(e, OrderEvent::NotSent { why: NotSent::TooOld, .. })));
}

#[test]
fn a_cancel_before_the_wire_withdraws_the_order() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.command(Command::Cancel(intent));
    rig.durable();
    assert!(rig.sent.is_empty());
    assert_eq!(rig.status(intent), OrdStatus::NotSent);
}

#[test]
fn cancel_overtakes_its_order() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.command(Command::Cancel(intent));
    rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
    assert_eq!(rig.status(intent), OrdStatus::PendingNew, "-2011 settles nothing");
    assert_eq!(rig.answer_orders(&Ok(Lookup::Absent)), 1);
    assert!(!rig.status(intent).is_ended());
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    assert_eq!(rig.cancels_sent(), 2, "the wish stands and is sent at the first sight of the order");
    let report = rig.venue_report(intent, VenueStatus::Canceled, "0");
    rig.outcome(Ok(Box::new(report)));
    assert_eq!(rig.status(intent), OrdStatus::Canceled);
}

#[test]
fn promise_p01_an_unknown_outcome_is_closed_by_the_fence_and_never_sent_again() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(unknown()));
    assert!(rig.order(intent).is_in_doubt());
    assert_eq!(rig.cancels_sent(), 1, "a limit in doubt is cancelled by its id at once");
    let other = rig.submit(buy());
    assert!(matches!(rig.order(other).denial(), Some(Denial::InDoubt { .. })));
    let mut rounds = 0;
    while !rig.status(intent).is_ended() {
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(250);
        rounds += 1;
        assert!(rounds < 60, "doubt must end");
        if rig.ms < 5_000 {
            assert!(!rig.status(intent).is_ended(), "absence proves nothing before the fence");
        }
    }
    assert_eq!(rig.status(intent), OrdStatus::Presumed);
    assert_eq!(rig.attempts_sent().len(), 1);
    assert_eq!(rig.engine.in_doubt(), 0);
}

#[test]
fn promise_p02_a_question_without_an_answer_concludes_nothing() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(unknown()));
    for _ in 0..240 {
        rig.answer_orders(&Err(QueryError::Unavailable("no route".into())));
        rig.wait(250);
    }
    assert!(rig.order(intent).is_in_doubt());
}

#[test]
fn promise_p01_a_ghost_after_the_fence_is_adopted_and_latches() {
    let mut rig = netting();
    let intent = rig.submit(Terms { kind: OrderKind::Market, ..buy() });
    rig.durable();
    rig.outcome(Err(unknown()));
    for _ in 0..40 {
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(250);
    }
    assert_eq!(rig.status(intent), OrdStatus::Presumed);
    rig.fill(intent, 7, "1", "100", "1");
    assert_eq!(rig.status(intent), OrdStatus::Filled, "a fact overrides a presumption");
    assert!(rig.engine.books().latches().contains_key(&LatchCause::AssumptionBroken));
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    assert_eq!(rig.engine.books().position_qty(&instrument_id("BTCUSDT"), PositionSide::Net).to_string(), "1");
}

#[test]
fn a_lost_reply_is_settled_by_the_stream() {
    let mut rig = netting();
    let intent = rig.submit_with(buy(), Handling { in_doubt: exec_core::order::intent::InDoubt::Keep, ..Handling::default() });
    rig.durable();
    rig.outcome(Err(unknown()));
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    assert_eq!(rig.status(intent), OrdStatus::New);
    assert_eq!(rig.engine.in_doubt(), 0);
}

#[test]
fn a_proven_failure_is_tried_again_under_a_new_id() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Failed, -1001)));
    assert_eq!(rig.status(intent), OrdStatus::PendingNew);
    rig.wait(150);
    rig.durable();
    let ids: Vec<_> = rig.attempts_sent().iter().map(|a| a.cl_ord_id).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    rig.accept(intent);
    assert_eq!(rig.status(intent), OrdStatus::New);
}

#[test]
fn retries_end_and_a_market_order_that_opens_has_none() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    for _ in 0..8 {
        rig.durable();
        if rig.status(intent).is_ended() {
            break;
        }
        rig.outcome(Err(refused(RejectClass::Failed, -1001)));
        rig.wait(200);
    }
    assert_eq!(rig.status(intent), OrdStatus::Rejected);
    assert!(rig.attempts_sent().len() <= 4, "one and three more");
    let market = rig.submit(Terms { kind: OrderKind::Market, ..buy() });
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Failed, -1001)));
    assert_eq!(rig.status(market), OrdStatus::Rejected);
}

#[test]
fn insufficient_funds_are_told_and_skipped() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Funds, -2019)));
    assert_eq!(rig.status(intent), OrdStatus::Rejected);
    assert!(rig.alerted("insufficient_funds"));
    assert_eq!(rig.engine.phase(), Phase::Live);
}

#[test]
fn promise_p07_a_wrong_clock_shuts_the_gate_until_it_is_read_again() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Clock, -1021)));
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    rig.give(Input::Clock(exec_core::time::ClockReading { offset_ms: 40, error_ms: 5 }));
    assert_eq!(rig.engine.phase(), Phase::Live);
    rig.wait(150);
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 2);
    assert!(!rig.status(intent).is_ended());
}

#[test]
fn an_invalid_symbol_fails_fast_with_its_nearest_names() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].instruments.push(instrument_id("BTCUSDX"));
    let mut rig = Rig::new(config, fixtures::profile());
    rig.connect();
    rig.give(Input::Instruments(vec![fixtures::instrument("BTCUSDT")]));
    rig.answer_recovery(rig.flat());
    let intent = rig.submit(Terms { instrument: instrument_id("BTCUSDX"), ..buy() });
    let text = rig.order(intent).denial().map(ToString::to_string).unwrap_or_default();
    assert!(text.contains("BTCUSDX") && text.contains("BTCUSDT-PERP.BINANCE"), "{text}");
}

#[test]
fn promise_p08_limits_hold_with_everything_open_counted_as_executed() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.position_notional_max = fixtures::decimal("250");
    let mut rig = Rig::live(config);
    working(&mut rig);
    working(&mut rig);
    let third = rig.submit(buy());
    assert!(matches!(rig.order(third).denial(), Some(Denial::Limit { .. })), "{:?}", rig.order(third).denial());
    let sell = rig.submit(limit(Side::Sell, qty("1"), price("101")));
    assert!(rig.order(sell).denial().is_none(), "the other side has its own end of the interval");
}

#[test]
fn a_change_is_one_at_a_time_durable_first_and_proven_by_the_venue() {
    let mut rig = netting();
    let intent = working(&mut rig);
    let change = exec_core::command::ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None };
    rig.command(Command::Replace(change));
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace);
    assert_eq!(rig.sent.len(), 1, "the change can add risk and waits for the disk");
    rig.durable();
    assert!(matches!(rig.sent.last(), Some(Request::Replace(_))));
    rig.command(Command::Replace(change));
    assert_eq!(rig.sent.len(), 2, "a second change waits for the first");
    rig.outcome(Err(unknown()));
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace);
    rig.wait(1_000);
    let mut report = rig.venue_report(intent, VenueStatus::New, "0");
    (report.qty, report.kind) = (Some(qty("2")), Some(OrderKind::Limit { price: price("98").into(), tif: TimeInForce::Gtc }));
    assert_eq!(rig.answer_orders(&Ok(Lookup::Found(Box::new(report)))), 1);
    assert_eq!(rig.status(intent), OrdStatus::New);
    assert_eq!(rig.order(intent).qty(), Some(qty("2")));
    assert!(rig.order(intent).replaces().values().all(|r| r.state == RequestState::Accepted));
}

#[test]
fn a_change_that_never_came_is_disproven_only_past_its_fence() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(exec_core::command::ChangeOrder {
        intent,
        qty: Some(qty("2")),
        price: Some(price("98")),
        trigger: None,
    }));
    rig.durable();
    rig.outcome(Err(unknown()));
    let asked_at = rig.ms;
    while rig.status(intent) == OrdStatus::PendingReplace {
        rig.wait(500);
        let report = rig.venue_report(intent, VenueStatus::New, "0");
        rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
        assert!(rig.ms < 60_000);
    }
    assert!(rig.ms - asked_at >= 5_000, "the old terms prove nothing before the fence");
    assert_eq!(rig.order(intent).qty(), Some(qty("1")));
}

#[test]
fn cancel_all_of_one_strategy_leaves_the_others_orders() {
    let mut rig = netting();
    let ours = working(&mut rig);
    let flying = rig.submit(buy());
    rig.durable();
    rig.stream(by_hand("11", "4", "0"));
    rig.command(Command::CancelAll(None));
    assert_eq!(rig.cancels_sent(), 2);
    assert_eq!((rig.status(ours), rig.status(flying)), (OrdStatus::PendingCancel, OrdStatus::PendingCancel));
    let theirs = rig.engine.books().open_orders().find(|o| o.intent().owner == Owner::External).expect("it stands");
    assert_eq!(theirs.status(), OrdStatus::New);
}

#[test]
fn hedging_closes_one_leg_at_most_what_it_holds() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    for (side, leg, trade) in [(Side::Buy, PositionSide::Long, 1), (Side::Sell, PositionSide::Short, 2)] {
        let open = rig.submit(Terms { leg, side, ..buy() });
        rig.durable();
        rig.accept(open);
        rig.fill(open, trade, "1", "99", "1");
    }
    let leg = |rig: &Rig, leg| rig.engine.books().position_qty(&instrument_id("BTCUSDT"), leg).to_string();
    assert_eq!((leg(&rig, PositionSide::Long), leg(&rig, PositionSide::Short)), ("1".into(), "-1".into()));
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "5"));
    let attempt = rig.attempts_sent().last().map(|a| a.terms.qty).expect("it left at once");
    assert_eq!(attempt, Some(qty("1")));
    rig.fill(exit, 3, "1", "99", "1");
    assert_eq!((leg(&rig, PositionSide::Long), leg(&rig, PositionSide::Short)), ("0".into(), "-1".into()));
    let nothing = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    assert_eq!(rig.order(nothing).denial(), Some(&Denial::NothingToClose));
    let wrong = rig.submit(Terms { leg: PositionSide::Net, ..buy() });
    assert!(matches!(rig.order(wrong).denial(), Some(Denial::Leg { .. })));
}

#[test]
fn a_resting_take_profit_never_blocks_an_exit() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    let open = rig.submit(Terms { leg: PositionSide::Long, ..buy() });
    rig.durable();
    rig.accept(open);
    rig.fill(open, 1, "1", "99", "1");
    let kind = OrderKind::Limit { price: price("120").into(), tif: TimeInForce::Gtc };
    let profit = rig.submit(Terms { kind, ..closing(Side::Sell, PositionSide::Long, "1") });
    rig.accept(profit);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    rig.outcome(Err(refused(RejectClass::NothingToClose, -2022)));
    assert_eq!(rig.status(profit), OrdStatus::PendingCancel, "it makes way");
    let report = rig.venue_report(profit, VenueStatus::Canceled, "0");
    rig.outcome(Ok(Box::new(report)));
    rig.wait(150);
    let asked = rig.asked.iter().find(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).expect("the leg is read");
    let leg = PositionReport { leg: PositionSide::Long, ..position("1") };
    rig.give(Input::Answer { query: asked, answer: exec_core::conversation::Answer::Positions(Ok(vec![leg])) });
    assert_eq!(rig.attempts_sent().iter().filter(|a| a.terms.kind == OrderKind::Market).count(), 2, "the exit comes again");
    rig.fill(exit, 2, "1", "99", "1");
    assert_eq!(rig.status(exit), OrdStatus::Filled);
}

#[test]
fn a_difference_keeps_its_instrument_shut_and_reopens_when_explained() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT", "ETHUSDT"]));
    rig.give(Input::Operator { who: "test".into(), command: exec_core::command::OperatorCommand::Reconcile });
    let mut status = rig.flat();
    status.positions = vec![position("2")];
    rig.answer_recovery(status);
    rig.no_trades();
    assert_eq!(rig.engine.differences().len(), 1);
    let shut = rig.submit(buy());
    assert!(matches!(rig.order(shut).denial(), Some(Denial::GateClosed(_))));
    let other = rig.submit(Terms { instrument: instrument_id("ETHUSDT"), ..buy() });
    assert!(rig.order(other).denial().is_none(), "the other instrument trades on");
    rig.wait(5_000);
    crate::scene::asked_again(&mut rig, &[]);
    assert!(rig.engine.differences().is_empty());
    let open = rig.submit(buy());
    assert!(rig.order(open).denial().is_none());
}

#[test]
fn promise_p07_a_mode_that_differs_from_the_config_keeps_the_gate_shut() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let mut status = rig.flat();
    status.mode = PositionMode::Hedging;
    rig.answer_recovery(status);
    assert!(rig.alerted("position_mode"));
    assert_eq!(rig.engine.phase(), Phase::Reconciling);
}

#[test]
fn a_timer_that_was_set_again_fires_once() {
    let mut rig = netting();
    rig.command(Command::SetTimer { tag: 7, after_ms: 100 });
    rig.command(Command::SetTimer { tag: 7, after_ms: 300 });
    let fired = |rig: &Rig| rig.told.iter().filter(|(_, e)| *e == exec_core::conversation::StrategyEvent::Timer(7)).count();
    rig.wait(200);
    assert_eq!(fired(&rig), 0);
    rig.wait(200);
    assert_eq!(fired(&rig), 1);
}

#[test]
fn promise_p03_every_send_is_preceded_by_its_record() {
    let mut engine = exec_core::engine::Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    let mut out = Vec::new();
    let now = exec_core::time::Timestamp::from_ms(exec_testkit::rig::MIDNIGHT_MS);
    engine.handle(now, Input::Begin, &mut out);
    engine.handle(now, Input::Durable(engine.books().seq()), &mut out);
    engine.handle(now, Input::Clock(exec_core::time::ClockReading { offset_ms: 0, error_ms: 5 }), &mut out);
    let terms = closing(Side::Sell, PositionSide::Net, "1");
    let new =
        exec_core::command::NewOrder { intent: exec_core::ids::IntentId(1), terms, handling: Handling::default(), list: None };
    let commands = vec![Command::Submit(new)];
    engine.handle(now, Input::Commands { strategy: fixtures::strategy_id(), seen: None, commands, state: None }, &mut out);
    let written =
        out.iter().position(|e| matches!(e, Effect::Journal(_, Record::Order { event: OrderEvent::Attempted { .. }, .. })));
    let sent = out.iter().position(|e| matches!(e, Effect::Send(_)));
    assert!(matches!((written, sent), (Some(w), Some(s)) if w < s), "{out:?}");
}
