//! What a start keeps from the journal, finds at the venue and takes over.

use crate::scene::{buy, by_hand, closing, netting, position, working};
use exec_core::{
    command::Command,
    conversation::{Input, Phase, Query},
    ids::{Seq, SessionId},
    order::{
        event::OrderEvent,
        intent::{Owner, Provenance},
        status::OrdStatus,
    },
    pretrade::Denial,
    record::{LatchCause, Record},
    report::VenueStatus,
    terms::{OrderKind, Terms},
    time::ClockReading,
    units::{PositionMode, PositionSide, Side},
    venue::Lookup,
};
use exec_testkit::{
    fixtures::{self, config, instrument_id, qty},
    rig::Rig,
};

#[test]
fn an_attempt_without_an_answer_is_in_doubt_after_a_restart_and_is_found() {
    let mut rig = netting();
    let intent = rig.submit(Terms { kind: OrderKind::Market, ..buy() });
    rig.durable();
    let report = rig.venue_report(intent, VenueStatus::Filled, "1");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    assert!(rig.order(intent).is_in_doubt());
    assert_eq!(rig.engine.in_doubt(), 1);
    rig.answer_recovery(rig.flat());
    rig.no_trades();
    assert_ne!(rig.engine.phase(), Phase::Live, "doubt of an earlier start keeps the gate shut");
    while rig.answer_orders(&Ok(Lookup::Found(Box::new(report.clone())))) == 0 {
        rig.wait(250);
        assert!(rig.ms < 60_000);
    }
    assert_eq!(rig.status(intent), OrdStatus::Filled);
    assert!(rig.attempts_sent().is_empty(), "a restart sends nothing again");
}

#[test]
fn an_intent_that_was_never_attempted_is_given_up_after_a_restart() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    let kept = rig.journal.iter().position(|(_, r)| matches!(r, Record::Intent(_))).expect("an intent") + 1;
    let mut rig = rig.restarted(kept);
    rig.connect();
    assert_eq!(rig.status(intent), OrdStatus::NotSent);
}

#[test]
fn an_event_comes_again_until_the_cursor_has_passed_it() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.fill(intent, 5, "1", "99", "1");
    let (last, _) = rig
        .journal
        .iter()
        .rfind(|(_, r)| matches!(r, Record::Order { event: OrderEvent::Executed { .. }, .. }))
        .cloned()
        .expect("a fill");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    rig.answer_recovery({
        let mut status = rig.flat();
        status.positions = vec![position("1")];
        status.high_water = vec![(instrument_id("BTCUSDT"), Some(exec_core::ids::TradeId::from_number(5)))];
        status
    });
    rig.no_trades();
    let again: Vec<Seq> = rig.told.iter().filter_map(|(seq, _)| *seq).collect();
    assert!(again.contains(&last), "told after the start, with its number");
    rig.give(Input::Commands { strategy: fixtures::strategy_id(), seen: Some(last), commands: vec![], state: Some(vec![1]) });
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    let mut status = rig.flat();
    status.positions = vec![position("1")];
    status.high_water = vec![(instrument_id("BTCUSDT"), Some(exec_core::ids::TradeId::from_number(5)))];
    rig.answer_recovery(status);
    rig.no_trades();
    assert!(rig.told.iter().all(|(seq, _)| seq.is_none_or(|s| s > last)));
    assert_eq!(rig.engine.books().strategy(&fixtures::strategy_id()).and_then(|b| b.state.clone()), Some(vec![1]));
}

#[test]
fn replay_gives_the_same_books() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.fill(intent, 5, "0.4", "99", "0.4");
    rig.command(Command::Cancel(intent));
    let books = rig.engine.books().clone();
    let kept = rig.journal.len();
    assert_eq!(rig.restarted(kept).engine.books(), &books);
}

#[test]
fn books_begin_with_the_venues_position_and_old_trades_do_not_move_it() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let mut status = rig.flat();
    status.positions = vec![position("3")];
    status.high_water = vec![(instrument_id("BTCUSDT"), Some(exec_core::ids::TradeId::from_number(50)))];
    status.open_orders = vec![by_hand("11", "4", "1")];
    rig.answer_recovery(status);
    let leg = |rig: &Rig| rig.engine.books().position_qty(&instrument_id("BTCUSDT"), PositionSide::Net).to_string();
    assert_eq!(leg(&rig), "3", "what an adopted order had executed is in the baseline");
    assert_eq!(rig.engine.phase(), Phase::Live);
    let adopted = rig.engine.books().open_orders().next().expect("the manual order").intent().id;
    assert_eq!(rig.order(adopted).intent().owner, Owner::External);
    assert_eq!(rig.order(adopted).intent().provenance, Provenance::Foreign);
    rig.fill(adopted, 49, "1", "99", "1");
    assert_eq!(leg(&rig), "3", "a trade from before the cut is history");
    rig.fill(adopted, 51, "2", "99", "3");
    assert_eq!(leg(&rig), "5");
}

#[test]
fn a_foreign_client_id_used_again_is_another_order() {
    let mut rig = netting();
    rig.stream(by_hand("11", "4", "0"));
    let mut ended = by_hand("11", "4", "0");
    ended.status = VenueStatus::Canceled;
    rig.stream(ended);
    rig.stream(by_hand("12", "2", "0"));
    let open: Vec<_> = rig.engine.books().open_orders().map(|o| o.qty()).collect();
    assert_eq!(open, [Some(qty("2"))]);
    assert_eq!(rig.engine.books().orders().count(), 2);
}

#[test]
fn a_claim_gives_a_foreign_order_to_its_strategy() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![instrument_id("BTCUSDT")];
    let mut rig = Rig::live(config);
    rig.stream(by_hand("11", "4", "0"));
    let order = rig.engine.books().open_orders().next().expect("the order");
    assert_eq!(order.intent().owner, Owner::Strategy(fixtures::strategy_id()));
    let intent = order.intent().id;
    rig.command(Command::Cancel(intent));
    assert_eq!(rig.cancels_sent(), 1, "and it can manage it");
}

#[test]
fn an_id_of_ours_that_we_did_not_make_is_a_second_engine() {
    let mut rig = netting();
    let theirs = exec_core::cl_ord_id::OwnId {
        account: 1,
        strategy: 1,
        epoch: exec_core::ids::Epoch(rig.engine.books().epoch().0 + 1),
        intent: 1,
        attempt: 0,
    };
    let mut report = by_hand("11", "4", "0");
    report.cl_ord_id = theirs.encode(&rig.engine.config().tag);
    rig.stream(report);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::SecondEngine));
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    rig.give(Input::Operator { who: "test".into(), command: exec_core::command::OperatorCommand::Release });
    assert_eq!(rig.engine.phase(), Phase::Live);
}

#[test]
fn an_order_missing_from_the_open_list_is_asked_for_before_anything_is_concluded() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
    assert_eq!(rig.engine.phase(), Phase::Degraded);
    rig.give(Input::LinkUp(SessionId(2)));
    rig.answer_recovery(rig.flat());
    rig.no_trades();
    assert_eq!(rig.status(intent), OrdStatus::New, "absence from a list proves nothing");
    assert!(rig.asked.values().any(|q| matches!(q, Query::Order(_))));
    let report = rig.venue_report(intent, VenueStatus::Filled, "1");
    rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    assert_eq!(rig.status(intent), OrdStatus::Filled);
    assert_eq!(rig.engine.books().position_qty(&instrument_id("BTCUSDT"), PositionSide::Net).to_string(), "1");
}

#[test]
fn nothing_is_sent_before_the_start_itself_is_durable() {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.give(Input::Begin);
    assert_eq!(rig.engine.phase(), Phase::Replaying);
    let early = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert!(rig.sent.is_empty(), "its id would be made again by the next start if this one were forgotten");
    assert!(matches!(rig.order(early).denial(), Some(Denial::GateClosed(_))));
    rig.durable();
    read_clock(&mut rig, 0);
    rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert_eq!(rig.attempts_sent().len(), 1);
}

fn read_clock(rig: &mut Rig, offset_ms: i64) {
    rig.give(Input::Clock(ClockReading { offset_ms, error_ms: 5 }));
}

/// A start whose record is durable, and whose venue's clock was not read yet.
fn unread() -> Rig {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), fixtures::profile());
    rig.give(Input::Begin);
    rig.durable();
    rig
}

#[test]
fn an_exit_waits_for_the_first_reading_of_the_clock_and_is_dated_by_it() {
    let mut rig = unread();
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert!(rig.sent.is_empty() && rig.order(exit).attempts().is_empty(), "our clock may be wrong");
    assert_eq!(rig.engine.pending(), 1);
    rig.wait(100);
    read_clock(&mut rig, -58_000);
    let sent = rig.attempts_sent();
    assert_eq!(sent.len(), 1);
    let ours = i64::try_from(rig.now().as_ms()).unwrap();
    assert!(sent[0].timestamp.0 <= ours - 57_000, "dated by the venue's clock: {:?} at {ours}", sent[0].timestamp);
    assert_eq!(rig.engine.pending(), 1, "in flight, and nothing waits");
}

#[test]
fn without_a_reading_an_exit_leaves_a_second_after_the_start() {
    let mut rig = unread();
    rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    rig.wait(990);
    assert!(rig.sent.is_empty());
    rig.wait(20);
    assert_eq!(rig.attempts_sent().len(), 1);
    rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert_eq!(rig.attempts_sent().len(), 2, "from then on nothing waits");
}

#[test]
fn an_exit_that_is_cancelled_while_it_waits_for_the_clock_never_leaves() {
    let mut rig = unread();
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    rig.command(Command::Cancel(exit));
    read_clock(&mut rig, 0);
    rig.wait(2_000);
    assert!(rig.sent.is_empty() && rig.order(exit).status().is_ended(), "{:?}", rig.status(exit));
    assert_eq!(rig.engine.pending(), 0);
}

#[test]
fn the_open_list_of_a_start_teaches_what_it_shows() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    let shown = rig.venue_report(intent, VenueStatus::PartiallyFilled, "0.4");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    let mut status = rig.flat();
    status.open_orders = vec![shown];
    status.positions = vec![position("0.4")];
    rig.answer_recovery(status);
    assert_eq!(rig.engine.in_doubt(), 0, "it is in the list");
    assert_eq!(rig.order(intent).cum_qty(), qty("0.4"));
}
