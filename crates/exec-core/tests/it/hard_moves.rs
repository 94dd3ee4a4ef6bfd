//! Conditional orders that are moved, cancelled or found, in sequences in which they went wrong once.

use crate::hard_words::*;

use crate::{
    scene::{btc, foreign, netting, refused, unknown, working},
    stage::{Stage, sell_stop, stop_to_open, with_limit},
};
use exec_core::{
    command::Command,
    conversation::{Input, Outcome, Query, Request},
    engine::config::ProtectionPolicy,
    ids::{ClOrdId, IntentId},
    order::{event::RequestState, status::OrdStatus},
    report::{ExpiryReason, VenueStatus},
    terms::{Intention, Terms},
    units::{PositionSide, Side},
    venue::{CommandError, Lookup, QueryError, RejectClass},
};
use exec_testkit::{
    fixtures::{decimal, price},
    rig::Rig,
};
use std::collections::BTreeSet;

/// a venue that finds an order here and not there is asked at the speed of the network.
#[test]
fn cancel_loop() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Cancel(intent));
    for _ in 0..40 {
        if matches!(rig.sent.last(), Some(Request::Cancel(_))) {
            let request = rig.last_request();
            rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
        }
        let report = rig.venue_report(intent, VenueStatus::New, "0");
        rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    }
    assert!(rig.cancels_sent() <= 4, "{} cancels in one instant", rig.cancels_sent());
}

/// a stop that was moved is re-armed where it stood first.
#[test]
fn rearmed_at_the_old_trigger() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    stage.accept_algo(stop);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    stage.algo(stop, VenueStatus::Expired(ExpiryReason::Unstated));
    stage.leg_holds("2");
    let last = stage.rig.attempts_sent().last().map(|a| a.terms.kind.trigger_price()).expect("sent");
    assert_eq!(last, Some(price("97")));
}

/// the old stop has triggered while the new one was refused for standing beside it.
#[test]
fn overlap_cancels_a_triggered_stop() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    let new = stage.rig.cl_ord_id(stop);
    stage.algo_of(stop, old, VenueStatus::Triggered);
    stage.child_of(stop, old, VenueStatus::New, "0");
    answer(&mut stage.rig, new, Err(refused(RejectClass::Overlap, -4130)));
    assert_eq!(stage.rig.cancels_sent(), 0, "the child of the stop that executes now is cancelled");
}

/// No cancel that is on its way leaves.
fn no_cancel_leaves(stage: &mut Stage, order: IntentId) {
    let cancels = stage.rig.order(order).cancels();
    let open: Vec<_> = cancels.iter().filter(|(_, c)| c.state == RequestState::Open).map(|(id, _)| *id).collect();
    for request in open {
        let result = Err(CommandError::NotSent("budget".into()));
        stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(result) });
    }
}

/// A closing order that was moved twice while no cancel left, so that three attempts stand, and the last has triggered.
fn three_of_one(terms: Terms) -> (Stage, IntentId, [ClOrdId; 3]) {
    let mut stage = Stage::holding("2");
    let order = stage.standing(terms);
    let mut old = Vec::new();
    for to in ["96", "97"] {
        old.push(stage.moved(order, to));
        stage.accept_algo(order);
        no_cancel_leaves(&mut stage, order);
    }
    let last = stage.rig.cl_ord_id(order);
    stage.algo_of(order, last, VenueStatus::Triggered);
    no_cancel_leaves(&mut stage, order);
    (stage, order, [old[0], old[1], last])
}

/// The attempts that are asked to go within a minute.
fn asked_to_go(stage: &mut Stage, order: IntentId) -> BTreeSet<ClOrdId> {
    no_cancel_leaves(stage, order);
    let before = stage.rig.sent.len();
    stage.rig.wait(60_000);
    let cancels = stage.rig.sent[before..].iter();
    cancels.filter_map(|r| if let Request::Cancel(c) = r { c.order.cl_ord_id } else { None }).collect()
}

/// cancels that found no room left old attempts of a stop behind, beside the one that has triggered: all of them stayed.
#[test]
fn of_all_that_wait_beside_a_stop_that_triggers_the_newest_stays_until_it_is_done() {
    let (mut stage, order, [first, second, last]) = three_of_one(sell_stop("1", "95"));
    assert_eq!(asked_to_go(&mut stage, order), BTreeSet::from([first]), "{second} protects, should {last} die of its trigger");
    stage.child_of(order, last, VenueStatus::Filled, "1");
    assert_eq!(asked_to_go(&mut stage, order), BTreeSet::from([first, second]));
}

/// a stop that rests on the book as a limit once it has triggered: the terms that it was moved away from stood beside it for as long.
#[test]
fn what_waits_beside_a_limit_that_rests_on_the_book_is_cancelled() {
    let (mut stage, order, [first, second, last]) = three_of_one(with_limit(sell_stop("1", "95"), "94"));
    stage.child_of(order, last, VenueStatus::New, "0");
    assert_eq!(asked_to_go(&mut stage, order), BTreeSet::from([first, second]));
}

/// Every cancel on its way misses. What is asked for of these attempts.
fn cancels_miss(stage: &mut Stage, order: IntentId, attempts: &[ClOrdId]) -> usize {
    let cancels = stage.rig.order(order).cancels();
    let open: Vec<_> = cancels.iter().filter(|(_, c)| c.state == RequestState::Open).map(|(id, _)| *id).collect();
    assert_eq!(open.len(), attempts.len(), "each is cancelled");
    for request in open {
        stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
    }
    asked_for(stage, attempts)
}

fn asked_for(stage: &Stage, attempts: &[ClOrdId]) -> usize {
    let of = |q: &Query| if let Query::Order(r) = q { r.cl_ord_id } else { None };
    stage.rig.asked.values().filter_map(of).filter(|id| attempts.contains(id)).count()
}

/// every cancel that missed an old attempt asked for all of them, and every answer sent the cancels again: a minute's weight in two
/// seconds.
#[test]
fn old_attempts_that_cancels_miss_are_asked_for_once_and_cancelled_once() {
    let (mut stage, order, [first, second, last]) = three_of_one(sell_stop("1", "95"));
    stage.rig.wait(5_000);
    stage.child_of(order, last, VenueStatus::Filled, "1");
    stage.rig.wait(5_000);
    assert_eq!(cancels_miss(&mut stage, order, &[first, second]), 2, "each once");
    let sent = stage.rig.cancels_sent();
    stage.algo_of(order, first, VenueStatus::Canceled);
    assert_eq!((stage.rig.cancels_sent(), asked_for(&stage, &[first, second])), (sent, 2), "news of one is none of the other");
    stage.rig.answer_orders(&Err(QueryError::Unavailable("slow".into())));
    stage.rig.wait(1_000);
    assert_eq!(stage.rig.cancels_sent(), sent + 1, "no answer: the other is cancelled again");
}

/// the same where the order was wished off the book.
#[test]
fn attempts_of_an_order_wished_off_the_book_are_asked_for_once_and_cancelled_once() {
    let (mut stage, order, attempts) = three_of_one(sell_stop("1", "95"));
    stage.rig.command(Command::Cancel(order));
    assert_eq!(cancels_miss(&mut stage, order, &attempts), 3, "each once");
    let sent = stage.rig.cancels_sent();
    stage.algo_of(order, attempts[0], VenueStatus::Canceled);
    assert_eq!((stage.rig.cancels_sent(), asked_for(&stage, &attempts)), (sent, 3), "news of one is none of the others");
    stage.rig.answer_orders(&Err(QueryError::Unavailable("slow".into())));
    stage.rig.wait(5_000);
    assert_eq!(stage.rig.cancels_sent(), sent + 2, "no answer: the others are cancelled again");
}

/// a cancel came before the attempt that it was for, which stood from then on beside one that had executed everything.
#[test]
fn what_stands_beside_an_order_that_is_done_goes_although_a_cancel_missed_it() {
    let mut stage = Stage::holding("2");
    let order = stage.standing(sell_stop("1", "95"));
    let old = stage.moved(order, "96");
    stage.rig.command(Command::Cancel(order));
    let cancels: Vec<_> = stage.rig.order(order).cancels().keys().copied().collect();
    let [of_old, of_new] = cancels[..] else { panic!("both are cancelled: {cancels:?}") };
    let missed = |rig: &mut Rig, request| {
        rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
    };
    missed(&mut stage.rig, of_new);
    stage.rig.answer_orders(&Ok(Lookup::Absent));
    stage.algo_of(order, old, VenueStatus::Triggered);
    stage.child_fill_of(order, old, 3, "1", "94.9", "1");
    stage.accept_algo(order);
    assert_eq!(stage.rig.status(order), OrdStatus::Filled);
    missed(&mut stage.rig, of_old);
    let sent = stage.rig.cancels_sent();
    let shown = stage.algo_report(order, VenueStatus::New);
    assert!(stage.rig.answer_orders(&Ok(Lookup::Found(Box::new(shown)))) >= 1, "it is asked for");
    stage.rig.wait(10_000);
    assert!(stage.rig.cancels_sent() > sent, "and goes");
}

/// an opening order that has no further id: its change cancels the old one and cannot place the new one.
#[test]
fn change_of_an_adopted_opening_order_loses_it() {
    let mut config = exec_testkit::fixtures::config(exec_core::units::PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    let mut rig = Rig::live(config);
    let mut report = foreign("11", "1", "0");
    report.order_id = None;
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(stop_to_open("1", "105").kind);
    rig.wait(10);
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    let intent = rig.engine.books().open_orders().next().expect("adopted").intent().id;
    rig.command(trigger(intent, "106"));
    report.status = VenueStatus::Canceled;
    if rig.cancels_sent() > 0 {
        rig.stream(report);
        rig.durable();
    }
    assert!(
        !(rig.cancels_sent() > 0 && rig.attempts_sent().is_empty()),
        "cancelled, and nothing in its place: {:?}",
        rig.status(intent)
    );
}

/// the 32nd change of a stop of ours.
#[test]
fn a_stop_cannot_be_moved_more_than_31_times() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "50"));
    for n in 1..=40 {
        let old = stage.moved(stop, &format!("{}", 50 + n));
        if stage.rig.cl_ord_id(stop) == old {
            panic!(
                "change {n} was not made; told: {:?}, stop at {:?}",
                stage.rig.told.last(),
                stage.rig.order(stop).trigger_price()
            );
        }
        stage.accept_algo(stop);
        stage.algo_of(stop, old, VenueStatus::Canceled);
    }
}

/// a foreign client id is used again for another conditional order.
#[test]
fn foreign_algo_id_reused() {
    let mut rig = netting();
    let mut report = foreign("11", "1", "0");
    report.order_id = None;
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(stop_to_open("1", "105").kind);
    rig.wait(10);
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    report.status = VenueStatus::Canceled;
    rig.stream(report.clone());
    assert_eq!(rig.engine.books().open_count(), 0);
    (report.status, report.algo_id) = (VenueStatus::New, Some(exec_core::ids::AlgoId::from_number(45)));
    rig.stream(report);
    assert_eq!((rig.engine.books().open_count(), rig.alerted("kept_raw")), (1, false));
}

/// the new stop dies while the old one still stands: the old one is cancelled.
#[test]
fn new_stop_dies_and_the_old_one_is_cancelled() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    let new = stage.rig.cl_ord_id(stop);
    // The stream tells the new one's acceptance and its end before our cancel of the old one is answered.
    stage.algo_of(stop, new, VenueStatus::New);
    stage.refuse(RejectClass::Throttled, -1003);
    let before = stage.rig.cancels_sent();
    stage.algo_of(stop, new, VenueStatus::Canceled);
    stage.rig.wait(3_000);
    assert_eq!(stage.rig.order(stop).attempts()[&old].ending(), None);
    assert_eq!(stage.rig.cancels_sent(), before, "the only stop that stands is cancelled; uncovered {}", stage.uncovered());
}

/// both attempts of an opening change execute (the venue's cancel was not true): nothing is hidden.
#[test]
fn both_attempts_of_an_opening_change_live() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    let old = stage.moved(entry, "106");
    stage.algo_of(entry, old, VenueStatus::Canceled);
    stage.rig.durable();
    stage.accept_algo(entry);
    let new = stage.rig.cl_ord_id(entry);
    stage.child_fill_of(entry, old, 5, "1", "105", "1"); // late: it had triggered
    let interval = exec_core::exposure::interval(stage.rig.engine.books(), &btc(), PositionSide::Net);
    assert_eq!(stage.last_cancel().cl_ord_id, Some(new));
    assert_eq!(interval.high, decimal("2"), "the new one may still execute");
}

/// a stop whose renewal is in doubt with the old one gone (closes all): how long without a stop.
#[test]
fn gap_change_in_doubt() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.standing(all);
    let old = stage.moved(stop, "97");
    stage.refuse(RejectClass::Overlap, -4130);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    let new = stage.rig.cl_ord_id(stop);
    answer(&mut stage.rig, new, Err(unknown()));
    let seconds = seconds_until_closed(&mut stage);
    assert!(seconds <= 5, "{seconds} s without a stop, {:?}", stage.rig.status(stop));
}

/// the gap change of a stop that closes all, cut by a crash after the old one went.
#[test]
fn gap_change_cut_by_a_crash() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.standing(all);
    let old = stage.moved(stop, "97");
    stage.refuse(RejectClass::Overlap, -4130); // the old one is being cancelled
    let mut stage = stage.restarted();
    stage.algo_of(stop, old, VenueStatus::Canceled); // while we were down
    stage.rig.wait(2_000);
    stage.leg_holds("2");
    assert!(!stage.rig.attempts_sent().is_empty(), "{:?} uncovered {}", stage.rig.status(stop), stage.uncovered());
}

/// a stop that closes all, changed twice: only the first change may make a gap.
#[test]
fn second_gap_change() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.standing(all);
    for to in ["96", "97", "98"] {
        let old = stage.moved(stop, to);
        refuse_last_of(&mut stage, stop, RejectClass::Overlap, -4130);
        stage.algo_of(stop, old, VenueStatus::Canceled);
        stage.accept_algo(stop);
        assert_eq!(stage.rig.order(stop).trigger_price(), Some(price(to)));
        assert!(stage.uncovered().is_zero());
    }
}

/// a stop that is not ours (adopted) dies, and the operator's.
#[test]
fn change_of_a_recovered_stop() {
    let mut config = exec_testkit::fixtures::config(exec_core::units::PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    let mut rig = Rig::live(config);
    rig.wait(10);
    let mut report = foreign("11", "1", "0");
    (report.order_id, report.side, report.reduce_only) = (None, Side::Sell, true);
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(sell_stop("1", "95").kind);
    report.updated = rig.venue_time();
    rig.stream(report);
    let intent = rig.engine.books().open_orders().next().expect("adopted").intent().id;
    rig.command(trigger(intent, "96"));
    assert_eq!(rig.attempts_sent().len(), 1, "{:?} {:?}", rig.status(intent), rig.alerts.last());
}

/// the venue confirms each cancel without saying that the order has ended (the algo service's reply has no status).
#[test]
fn confirmed_cancels_loop() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    stage.rig.command(Command::Cancel(stop));
    for _ in 0..40 {
        let mut report = stage.rig.venue_report(stop, VenueStatus::Unrecognised, "0");
        (report.order_id, report.cum_qty) = (None, None);
        stage.rig.outcome(Ok(Box::new(report)));
    }
    assert!(stage.rig.cancels_sent() <= 2, "{} cancels in one instant", stage.rig.cancels_sent());
}

/// the 32nd change of an order to open.
#[test]
fn an_order_to_open_is_lost_by_its_32nd_change() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    for n in 1..=40 {
        let old = stage.moved(entry, &format!("{}", 105 + n));
        if stage.rig.status(entry) != OrdStatus::PendingReplace {
            return; // refused before anything was cancelled: right
        }
        stage.algo_of(entry, old, VenueStatus::Canceled);
        stage.rig.durable();
        assert!(
            !stage.rig.status(entry).is_ended(),
            "change {n}: {:?}, the old one was cancelled, no new one",
            stage.rig.status(entry)
        );
        stage.accept_algo(entry);
    }
}
