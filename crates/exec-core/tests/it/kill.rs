//! The kill switch: what it stops, what it never stops, and that it holds. How legs are closed against an exchange: `exec-world`.

use crate::{
    scene::{btc, buy, by_hand, closing, netting, position, refused, unknown, working},
    stage::{Stage, sell_stop, stop_to_open},
};
use exec_core::{
    command::{ChangeOrder, Command, OperatorCommand},
    conversation::{Answer, Input, Query, Request, StrategyEvent},
    ids::{IntentId, StrategyId},
    kill::{KillLevel, KillScope},
    order::status::OrdStatus,
    pretrade::Denial,
    record::LatchCause,
    report::VenueStatus,
    terms::{OrderKind, Terms},
    units::{PositionMode, PositionSide, Side},
    venue::{QueryError, RejectClass},
};
use exec_testkit::{
    fixtures::{self, config, decimal, price, qty},
    rig::Rig,
};

fn kill(rig: &mut Rig, level: KillLevel, scope: KillScope) {
    rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Kill { level, scope } });
}

fn level(rig: &Rig) -> Vec<KillLevel> {
    rig.engine.kills().map(|(level, ..)| level).collect()
}

fn strategy() -> KillScope {
    KillScope::Strategy(fixtures::strategy_id())
}

/// Answers the newest question for legs.
fn read(rig: &mut Rig, answer: Result<&str, QueryError>) -> bool {
    let asked = rig.asked.iter().rev().find(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id);
    let Some(id) = asked else { return false };
    rig.asked.remove(&id);
    let rows = answer.map(|amount| if amount == "0" { Vec::new() } else { vec![position(amount)] });
    rig.give(Input::Answer { query: id, answer: Answer::Positions(rows) });
    true
}

/// The newest order that left, if it closes at once.
fn last_clip(rig: &Rig) -> Option<(IntentId, Terms)> {
    let attempt = rig.attempts_sent().last().map(|a| (a.cl_ord_id, a.terms.clone()))?;
    let intent = rig.engine.books().by_cl_ord_id(&attempt.0)?;
    (intent.0 >> 72 == 0x0046_4C41_5454_454E).then_some((intent, attempt.1))
}

#[test]
fn promise_p12_the_kill_switch_takes_entries_off_in_the_input_that_throws_it() {
    for level in [KillLevel::Reduce, KillLevel::Halt, KillLevel::Flatten] {
        for scope in [KillScope::Account, KillScope::Instrument(btc()), strategy()] {
            let mut stage = Stage::holding("1");
            let entry = working(&mut stage.rig);
            let waits = stage.standing(stop_to_open("1", "120"));
            let stop = stage.standing(sell_stop("1", "90"));
            let parked = stage.rig.submit(buy());
            let before = stage.rig.sent.len();
            kill(&mut stage.rig, level, scope.clone());
            let what = format!("{level:?} {scope}");
            let cancelled: Vec<_> = stage.rig.sent[before..]
                .iter()
                .filter_map(|r| if let Request::Cancel(c) = r { c.order.cl_ord_id } else { None })
                .collect();
            assert_eq!(cancelled, [stage.rig.cl_ord_id(entry), stage.rig.cl_ord_id(waits)], "{what}");
            assert_eq!(stage.rig.status(stop), OrdStatus::New, "{what}: stops stay");
            assert!(stage.rig.status(parked).is_ended(), "{what}: it never leaves");
            let denied = stage.rig.submit(buy());
            assert_eq!(stage.rig.status(denied), OrdStatus::Denied, "{what}");
            let exit = stage.submit(closing(Side::Sell, PositionSide::Net, "0.1"));
            assert_eq!(stage.rig.order(exit).denial(), None, "{what}: exits pass");
        }
    }
}

#[test]
fn a_level_is_raised_and_never_lowered_until_it_is_released() {
    let mut rig = netting();
    for (said, stands) in [
        (KillLevel::Reduce, KillLevel::Reduce),
        (KillLevel::Halt, KillLevel::Halt),
        (KillLevel::Reduce, KillLevel::Halt),
        (KillLevel::Flatten, KillLevel::Flatten),
        (KillLevel::Halt, KillLevel::Flatten),
    ] {
        kill(&mut rig, said, KillScope::Account);
        assert_eq!(level(&rig), [stands], "after {said:?}");
    }
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    assert_eq!(level(&rig), [KillLevel::Flatten], "over a restart");
    rig.connect();
    rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Release });
    assert_eq!(level(&rig), []);
}

#[test]
fn scopes_stand_beside_each_other() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT", "ETHUSDT"]));
    kill(&mut rig, KillLevel::Reduce, KillScope::Instrument(btc()));
    kill(&mut rig, KillLevel::Halt, KillScope::Strategy(StrategyId::new("other").unwrap()));
    assert!(rig.engine.gate_shut().is_empty(), "the account trades on");
    let here = rig.submit(buy());
    assert_eq!(rig.status(here), OrdStatus::Denied);
    let there = rig.submit(Terms { instrument: fixtures::instrument_id("ETHUSDT"), ..buy() });
    assert_eq!(rig.order(there).denial(), None);
    assert_eq!(level(&rig).len(), 2);
    let named: Vec<_> = rig.engine.report().instruments.into_iter().map(|i| i.instrument).collect();
    assert_eq!(named, [btc()]);
}

#[test]
fn a_halted_strategy_cancels_and_closes_and_changes_nothing() {
    for (level, changes) in [(KillLevel::Reduce, true), (KillLevel::Halt, false)] {
        let mut stage = Stage::holding("1");
        let kind = OrderKind::Limit { price: price("110").into(), tif: exec_core::terms::TimeInForce::Gtc };
        let profit = stage.submit(Terms { kind, ..closing(Side::Sell, PositionSide::Net, "1") });
        stage.rig.accept(profit);
        kill(&mut stage.rig, level, KillScope::Account);
        let change = ChangeOrder { intent: profit, qty: None, price: Some(price("111")), trigger: None };
        stage.rig.command(Command::Replace(change));
        let denied = stage.rig.told.iter().any(|(_, e)| matches!(e, StrategyEvent::ChangeDenied { .. }));
        assert_eq!(!denied, changes, "{level:?}");
        let cancels = stage.rig.cancels_sent();
        if !changes {
            stage.rig.command(Command::Cancel(profit));
            assert_eq!(stage.rig.cancels_sent(), cancels + 1);
        }
    }
}

#[test]
fn an_order_in_flight_is_cancelled_at_its_first_sight_and_at_its_fence() {
    let mut rig = netting();
    let entry = rig.submit(buy());
    rig.durable();
    kill(&mut rig, KillLevel::Reduce, KillScope::Account);
    assert_eq!(rig.cancels_sent(), 1);
    // The cancel has overtaken it, and its own answer is lost.
    let submit = rig.sent.iter().find(|r| matches!(r, Request::Submit { .. })).map(Request::id).unwrap();
    rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
    rig.give(Input::Outcome { request: submit, outcome: exec_core::conversation::Outcome::Order(Err(unknown())) });
    let before = rig.cancels_sent();
    for _ in 0..6 {
        rig.wait(1_000);
        rig.answer_orders(&Err(QueryError::Unavailable("busy".into())));
    }
    assert!(rig.cancels_sent() > before, "not cancelled at the fence");
    let cancels: Vec<_> = rig.sent.iter().filter(|r| matches!(r, Request::Cancel(_))).map(Request::id).collect();
    for request in cancels {
        let result = Err(refused(RejectClass::NotOnBook, -2011));
        rig.give(Input::Outcome { request, outcome: exec_core::conversation::Outcome::Order(result) });
    }
    let before = rig.cancels_sent();
    let report = rig.venue_report(entry, VenueStatus::New, "0");
    rig.stream(report);
    assert!(rig.cancels_sent() > before, "not cancelled at first sight");
}

#[test]
fn orders_of_other_hands_go_when_the_switch_is_thrown_and_not_those_that_come_later() {
    let mut rig = netting();
    let first = by_hand("77", "1", "0");
    rig.stream(first.clone());
    kill(&mut rig, KillLevel::Reduce, KillScope::Account);
    assert_eq!(rig.cancels_sent(), 1, "{:?}", rig.sent);
    let mut later = by_hand("78", "1", "0");
    later.cl_ord_id = Some(fixtures::cl_ord_id("web_later"));
    rig.stream(later);
    rig.wait(10_000);
    let of_later = rig
        .sent
        .iter()
        .filter(|r| matches!(r, Request::Cancel(c) if c.order.cl_ord_id == Some(fixtures::cl_ord_id("web_later"))));
    assert_eq!(of_later.count(), 0);
}

#[test]
fn a_leg_is_closed_in_clips_and_read_before_each() {
    let mut stage = Stage::holding("2.5");
    let stop = stage.standing(sell_stop("2.5", "90"));
    let mut instrument = fixtures::instrument("BTCUSDT");
    instrument.market_lot.max = decimal("1");
    stage.rig.give(Input::Instruments(vec![instrument]));
    kill(&mut stage.rig, KillLevel::Flatten, KillScope::Account);
    let mut left = decimal("2.5");
    for (trade, clip_qty) in [(11, "1"), (12, "1"), (13, "0.5")] {
        assert!(read(&mut stage.rig, Ok(&left.to_string())), "the leg is not read");
        let (clip, terms) = last_clip(&stage.rig).expect("a clip");
        assert_eq!((terms.qty, terms.side), (Some(qty(clip_qty)), Side::Sell));
        assert!(!read(&mut stage.rig, Ok(&left.to_string())), "one clip at a time");
        stage.rig.accept(clip);
        stage.rig.fill(clip, trade, clip_qty, "100", clip_qty);
        assert_eq!(stage.rig.status(stop), OrdStatus::New, "the stop stays");
        left -= decimal(clip_qty);
        stage.rig.wait(300);
    }
    assert!(read(&mut stage.rig, Ok("0")));
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "read empty once");
    let open_orders = vec![stage.algo_report(stop, VenueStatus::New)];
    stage.rig.answer_recovery(exec_core::report::MassStatus { open_orders, ..stage.rig.flat() });
    stage.rig.no_trades();
    stage.rig.wait(300);
    assert!(read(&mut stage.rig, Ok("0")));
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel, "read empty twice");
    assert_eq!(level(&stage.rig), [KillLevel::Flatten], "not done before the stop is gone");
    stage.algo(stop, VenueStatus::Canceled);
    stage.rig.wait(1_100);
    assert!(read(&mut stage.rig, Ok("0")));
    assert_eq!(level(&stage.rig), [KillLevel::Halt], "{:?}", stage.rig.engine.report());
    // The shares of the strategy went with the position.
    assert!(stage.rig.engine.books().shares().all(|(_, qty)| qty.is_zero()));
}

#[test]
fn after_minus_4131_a_limit_stands_at_the_bound_and_moves_with_it() {
    let mut stage = Stage::holding("1");
    let mut instrument = fixtures::instrument("BTCUSDT");
    instrument.percent_price = Some(exec_core::instrument::PercentPrice { up: decimal("1.05"), down: decimal("0.9501") });
    stage.rig.give(Input::Instruments(vec![instrument]));
    kill(&mut stage.rig, KillLevel::Flatten, KillScope::Account);
    read(&mut stage.rig, Ok("1"));
    stage.refuse(RejectClass::OutOfBand, -4131);
    stage.rig.wait(10);
    read(&mut stage.rig, Ok("1"));
    let (clip, terms) = last_clip(&stage.rig).expect("a clip");
    assert_eq!(terms.kind.price(), Some(price("95.1")), "at the bound, rounded to inside");
    stage.rig.accept(clip);
    // It is booked to the strategy whose position it closes, and is not the strategy's to take back.
    stage.rig.command(Command::Cancel(clip));
    stage.rig.command(Command::Replace(ChangeOrder { intent: clip, qty: None, price: Some(price("110")), trigger: None }));
    let denied = |e: &StrategyEvent| matches!(e, StrategyEvent::ChangeDenied { denial: Denial::Flattens, .. });
    assert_eq!(stage.rig.told.iter().filter(|(_, e)| denied(e)).count(), 1);
    assert_eq!(stage.rig.status(clip), OrdStatus::New);
    let moves = |rig: &mut Rig, mark: &str| {
        let quote = exec_core::report::Quote { mark: Some(price(mark)), ..Default::default() };
        rig.give(Input::Price(exec_core::report::PriceReport { instrument: btc(), quote }));
        rig.wait(1_200);
        read(rig, Ok("1"));
    };
    moves(&mut stage.rig, "100.01");
    assert_eq!(stage.rig.status(clip), OrdStatus::New, "not for a tick");
    moves(&mut stage.rig, "90");
    assert_eq!(stage.rig.status(clip), OrdStatus::PendingCancel);
    let gone = stage.rig.venue_report(clip, VenueStatus::Canceled, "0");
    stage.rig.stream(gone);
    stage.rig.wait(300);
    read(&mut stage.rig, Ok("1"));
    let (next, terms) = last_clip(&stage.rig).expect("a clip");
    assert!(next != clip);
    assert_eq!(terms.kind.price(), Some(price("85.6")));
}

#[test]
fn a_leg_that_cannot_be_read_is_closed_by_what_is_known_and_never_called_empty() {
    let mut stage = Stage::holding("1");
    let stop = stage.standing(sell_stop("1", "90"));
    kill(&mut stage.rig, KillLevel::Flatten, KillScope::Account);
    let failed = || Err(QueryError::Unavailable("no room in the budget".into()));
    for _ in 0..3 {
        assert!(read(&mut stage.rig, failed()));
        stage.rig.wait(300);
    }
    let (clip, terms) = last_clip(&stage.rig).expect("a clip");
    assert_eq!(terms.qty, Some(qty("1")));
    stage.rig.accept(clip);
    stage.rig.fill(clip, 21, "1", "100", "1");
    for _ in 0..5 {
        stage.rig.wait(1_100);
        read(&mut stage.rig, failed());
    }
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "nobody has said that the leg is empty");
    assert!(stage.rig.alerted("flatten_blind"));
}

#[test]
fn stops_stay_while_an_entry_may_still_open_the_leg() {
    let mut stage = Stage::holding("1");
    let stop = stage.standing(sell_stop("1", "90"));
    let entry = stage.rig.submit(buy());
    stage.rig.durable();
    stage.rig.outcome(Err(unknown()));
    kill(&mut stage.rig, KillLevel::Flatten, KillScope::Account);
    for _ in 0..3 {
        read(&mut stage.rig, Ok("0"));
        stage.rig.wait(300);
    }
    assert!(!stage.rig.status(entry).is_ended());
    assert_eq!(stage.rig.status(stop), OrdStatus::New);
}

#[test]
fn a_release_ends_a_flattening_where_it_is() {
    let mut stage = Stage::holding("1");
    kill(&mut stage.rig, KillLevel::Flatten, KillScope::Account);
    stage.rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Release });
    let sent = stage.rig.attempts_sent().len();
    read(&mut stage.rig, Ok("1"));
    stage.rig.wait(5_000);
    read(&mut stage.rig, Ok("1"));
    assert_eq!(stage.rig.attempts_sent().len(), sent);
    assert!(!stage.rig.engine.books().latches().keys().any(|c| matches!(c, LatchCause::Kill { .. })));
}
