//! What is unknown is asked for, cancelled if it may rest, and ended by evidence; what was wished is repeated until it is done.

use crate::scene::{btc, buy, closing, position_of, refused, unknown};
use exec_core::{
    command::{ChangeOrder, Command, OperatorCommand},
    conversation::{Answer, Input, Outcome, Query, Request},
    ids::{AlgoId, IntentId},
    order::{
        event::{OrderEvent, RequestState},
        intent::{Handling, InDoubt},
        status::OrdStatus,
    },
    pretrade::Denial,
    record::LatchCause,
    report::{PositionReport, VenueStatus},
    terms::{OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::ClockReading,
    units::{PositionMode, PositionSide, Side},
    venue::{CommandError, Fence, Lookup, QueryError, RejectClass, VenueProfile},
};
use exec_testkit::{
    fixtures::{self, config, price, qty},
    rig::Rig,
};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn live(mode: PositionMode) -> Rig {
    Rig::live(config(mode, &["BTCUSDT", "ETHUSDT"]))
}

fn orders_asked(rig: &Rig) -> usize {
    rig.asked.values().filter(|q| matches!(q, Query::Order(_))).count()
}

fn found(rig: &mut Rig, intent: IntentId) {
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    assert!(rig.answer_orders(&Ok(Lookup::Found(Box::new(report)))) > 0, "nothing was asked");
}

#[test]
fn a_duplicate_id_is_asked_for_and_adopted_and_then_the_account_latches() {
    for (mode, leg) in MODES {
        let mut rig = live(mode);
        let intent = rig.submit(Terms { leg, ..buy() });
        rig.durable();
        rig.outcome(Err(CommandError::Unknown { why: "-4116".into(), live: true }));
        let latched = |rig: &Rig| rig.engine.books().latches().contains_key(&LatchCause::AssumptionBroken);
        assert!(!latched(&rig) && orders_asked(&rig) == 1, "{mode:?}: asked for at once, and first");
        let other = rig.submit(Terms { leg, instrument: fixtures::instrument_id("ETHUSDT"), ..buy() });
        assert!(matches!(rig.order(other).denial(), Some(Denial::GateClosed(_))), "{mode:?}: {:?}", rig.order(other).denial());
        found(&mut rig, intent);
        assert!(rig.order(intent).attempts().values().all(|a| a.seen_at_venue()), "{mode:?}: adopted");
        assert!(latched(&rig), "{mode:?}");
    }
}

#[test]
fn a_duplicate_id_that_is_nowhere_latches_all_the_same() {
    let mut rig = live(PositionMode::Netting);
    let intent = rig.submit(Terms { kind: OrderKind::Market, ..buy() });
    rig.durable();
    rig.outcome(Err(CommandError::Unknown { why: "-4116".into(), live: true }));
    for _ in 0..20 {
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(1_000);
    }
    assert_eq!(rig.status(intent), OrdStatus::Presumed);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::AssumptionBroken));
}

#[test]
fn doubt_is_asked_for_at_1_2_4_8_and_16_seconds_at_the_fence_and_once_after() {
    for (mode, leg) in MODES {
        let fence = Some(Fence { engine_margin_ms: 27_000, visibility_ms: 1_000 });
        let profile = VenueProfile { fence, ..fixtures::profile() };
        let mut rig = Rig::new(config(mode, &["BTCUSDT"]), profile);
        rig.connect();
        rig.answer_recovery(rig.flat());
        let intent = rig.submit(Terms { kind: OrderKind::Market, leg, ..buy() });
        rig.durable();
        rig.outcome(Err(unknown()));
        let (from, mut asked) = (rig.ms, Vec::new());
        for _ in 0..500 {
            rig.wait(100);
            if rig.answer_orders(&Ok(Lookup::Absent)) > 0 {
                asked.push((rig.ms - from) / 1_000);
            }
        }
        assert_eq!(asked, [1, 2, 4, 8, 16, 30, 31], "{mode:?}");
        assert_eq!(rig.status(intent), OrdStatus::Presumed);
        assert_eq!(rig.attempts_sent().len(), 1, "{mode:?}: it is never sent again");
    }
}

#[test]
fn a_limit_in_doubt_is_cancelled_at_once_also_without_a_stream_unless_it_is_kept() {
    for (mode, leg) in MODES {
        for in_doubt in [InDoubt::Cancel, InDoubt::Keep] {
            let mut rig = live(mode);
            rig.submit_with(Terms { leg, ..buy() }, Handling { in_doubt, ..Handling::default() });
            rig.durable();
            rig.give(Input::LinkDown { session: exec_core::ids::SessionId(1), why: "cut".into() });
            rig.outcome(Err(unknown()));
            assert_eq!(rig.cancels_sent(), usize::from(in_doubt == InDoubt::Cancel), "{mode:?} {in_doubt:?}");
        }
    }
}

#[test]
fn a_limit_in_doubt_of_an_earlier_start_is_cancelled_when_it_is_found_before_its_fence() {
    for (mode, leg) in MODES {
        for in_doubt in [InDoubt::Cancel, InDoubt::Keep] {
            let mut rig = live(mode);
            let intent = rig.submit_with(Terms { leg, ..buy() }, Handling { in_doubt, ..Handling::default() });
            rig.durable();
            let kept = rig.journal.len();
            let mut rig = rig.restarted(kept);
            rig.give(Input::Begin);
            rig.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 5 }));
            rig.durable();
            assert_eq!(rig.cancels_sent(), 0);
            // There is no stream yet, and a question finds it.
            rig.wait(1_000);
            found(&mut rig, intent);
            assert_eq!(rig.cancels_sent(), usize::from(in_doubt == InDoubt::Cancel), "{mode:?} {in_doubt:?}");
        }
    }
}

fn sweeps(rig: &Rig) -> usize {
    rig.sent.iter().filter(|r| matches!(r, Request::CancelAll(_))).count()
}

fn sweep_ends(rig: &mut Rig, result: Result<(), CommandError>) {
    let last = rig.sent.iter().rev().find(|r| matches!(r, Request::CancelAll(_))).map(Request::id).expect("a sweep");
    rig.give(Input::Outcome { request: last, outcome: Outcome::All(result) });
}

#[test]
fn a_cancel_all_that_failed_is_repeated_until_it_is_done() {
    for (mode, _) in MODES {
        for error in [unknown(), refused(RejectClass::Throttled, -1003), CommandError::NotSent("no connection".into())] {
            let mut rig = live(mode);
            rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::CancelAll(Some(btc())) });
            assert_eq!(sweeps(&rig), 1);
            for done in 1..4 {
                sweep_ends(&mut rig, Err(error.clone()));
                assert!(rig.alerted("cancel_all_failed"));
                rig.wait(2_000);
                assert_eq!(sweeps(&rig), done + 1, "{mode:?} {error}");
            }
            sweep_ends(&mut rig, Ok(()));
            rig.wait(60_000);
            assert_eq!(sweeps(&rig), 4, "{mode:?} {error}: it is done");
        }
    }
}

#[test]
fn a_cancel_all_is_not_repeated_for_ever() {
    let mut rig = live(PositionMode::Netting);
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::CancelAll(Some(btc())) });
    for _ in 0..20 {
        sweep_ends(&mut rig, Err(unknown()));
        rig.wait(6_000);
    }
    assert!(sweeps(&rig) <= 12 && rig.alerted("cancel_all_given_up"), "{}", sweeps(&rig));
}

fn legs(rig: &mut Rig, answer: &Result<Vec<PositionReport>, QueryError>) -> usize {
    let open: Vec<_> = rig.asked.iter().filter(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).collect();
    for id in &open {
        rig.asked.remove(id);
        rig.give(Input::Answer { query: *id, answer: Answer::Positions(answer.clone()) });
    }
    open.len()
}

fn leg_of(amount: &str) -> Result<Vec<PositionReport>, QueryError> {
    Ok(vec![position_of("BTCUSDT", PositionSide::Long, amount)])
}

fn exits(rig: &Rig) -> Vec<String> {
    let closes = rig.attempts_sent().into_iter().filter(|a| a.terms.side == Side::Sell && a.terms.kind == OrderKind::Market);
    closes.map(|a| a.terms.qty.unwrap_or_default().to_string()).collect()
}

/// A long leg of 1, a resting close of 0.5 on it, and an exit of 1 that the venue refused for it.
fn refused_exit() -> (Rig, IntentId, IntentId) {
    let mut rig = live(PositionMode::Hedging);
    let open = rig.submit(Terms { leg: PositionSide::Long, ..buy() });
    rig.durable();
    rig.accept(open);
    rig.fill(open, 1, "1", "99", "1");
    let kind = OrderKind::Limit { price: price("120").into(), tif: TimeInForce::Gtc };
    let profit = rig.submit(Terms { kind, ..closing(Side::Sell, PositionSide::Long, "0.5") });
    rig.accept(profit);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    rig.outcome(Err(refused(RejectClass::NothingToClose, -2022)));
    assert_eq!((rig.status(profit), exits(&rig).len()), (OrdStatus::PendingCancel, 1));
    (rig, profit, exit)
}

#[test]
fn a_refused_close_waits_for_what_makes_way_reads_the_leg_and_sends_what_it_holds() {
    let (mut rig, profit, exit) = refused_exit();
    rig.wait(500);
    assert_eq!((exits(&rig).len(), legs(&mut rig, &leg_of("1"))), (1, 0), "it would be refused again");
    let report = rig.venue_report(profit, VenueStatus::Canceled, "0");
    rig.stream(report);
    rig.wait(150);
    // Somebody has closed some of it, and nobody has told us.
    assert_eq!(legs(&mut rig, &leg_of("0.6")), 1);
    assert_eq!(exits(&rig), ["1", "0.6"]);
    rig.accept(exit);
    rig.fill(exit, 2, "0.6", "99", "0.6");
    assert_eq!(rig.status(exit), OrdStatus::Filled);
}

#[test]
fn a_refused_close_of_an_empty_leg_ends() {
    let (mut rig, profit, exit) = refused_exit();
    let report = rig.venue_report(profit, VenueStatus::Canceled, "0");
    rig.stream(report);
    rig.wait(500);
    assert_eq!(legs(&mut rig, &Ok(Vec::new())), 1);
    assert_eq!((rig.status(exit), exits(&rig).len()), (OrdStatus::Rejected, 1));
}

#[test]
fn a_leg_that_cannot_be_read_does_not_block_an_exit_and_neither_does_what_never_makes_way() {
    let (mut rig, _, _) = refused_exit();
    for _ in 0..8 {
        rig.wait(700);
        legs(&mut rig, &Err(QueryError::Unavailable("busy".into())));
    }
    assert_eq!(exits(&rig), ["1", "1"], "our own books must do");
    assert!(rig.alerted("leg_not_read"));
    assert_eq!(qty("1"), rig.engine.books().position_qty(&btc(), PositionSide::Long).magnitude());
}

/// The old order of an opening change is neither cancelled nor found. Nobody knows whether it will execute, so the new one never
/// leaves, and the change ends; the order does not.
#[test]
fn a_change_whose_old_order_is_nowhere_is_given_up_and_its_new_one_never_sent() {
    for (mode, leg) in MODES {
        let mut rig = live(mode);
        let kind = OrderKind::StopMarket { trigger: Trigger { price: price("110"), by: TriggerBy::Last, price_protect: false } };
        let intent = rig.submit(Terms { leg, kind, ..buy() });
        rig.durable();
        let mut report = rig.venue_report(intent, VenueStatus::New, "0");
        (report.algo_id, report.order_id, report.cum_qty) = (Some(AlgoId::from_number(77)), None, None);
        rig.outcome(Ok(Box::new(report)));
        let change = ChangeOrder { intent, qty: None, price: None, trigger: Some(price("112")) };
        rig.command(Command::Replace(change));
        assert_eq!((rig.status(intent), rig.cancels_sent()), (OrdStatus::PendingReplace, 1));
        rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
        for _ in 0..4 {
            rig.answer_orders(&Ok(Lookup::Absent));
            rig.wait(5_000);
        }
        assert_eq!(rig.status(intent), OrdStatus::New, "{mode:?}: nothing has ended it");
        assert_eq!(rig.attempts_sent().len(), 1, "{mode:?}");
        assert!(rig.alerted("change_abandoned") && rig.alerted("acknowledged_but_absent"), "{mode:?}");
        assert!(rig.was_told(|e| matches!(e, OrderEvent::ReplaceAnswered { state: RequestState::NotSent, .. })), "{mode:?}");
        // The venue says at last what became of it.
        let mut report = rig.venue_report(intent, VenueStatus::Canceled, "0");
        (report.algo_id, report.order_id, report.cum_qty) = (Some(AlgoId::from_number(77)), None, None);
        rig.stream(report);
        assert_eq!((rig.status(intent), rig.attempts_sent().len()), (OrdStatus::Canceled, 1), "{mode:?}");
    }
}
