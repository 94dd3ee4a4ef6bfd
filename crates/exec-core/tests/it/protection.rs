//! Each way to lose a stop ends flat or protected, once, and the loss is told.

use crate::{
    scene::{btc, closing, unknown},
    stage::{Stage, long_stop, sell_stop, with_limit},
};
use exec_core::{
    command::{Command, NewOrder},
    conversation::StrategyEvent,
    engine::config::ProtectionPolicy,
    ids::{IntentId, ListId},
    order::{
        intent::{Handling, ListPlace, ListRole},
        status::OrdStatus,
    },
    report::{ExpiryReason, VenueStatus},
    terms::{Intention, OrderKind, Terms},
    units::{PositionSide, Side},
    venue::{Lookup, QueryError, RejectClass},
};
use exec_testkit::fixtures::{limit, price, qty};

/// What a stop can die of, as the venue says it. Each is given a stop that was sent, and one that stands where that is needed.
type Lose = fn(&mut Stage, IntentId);

const LOSSES: [(&str, Lose); 9] = [
    ("would trigger at once", |s, _| s.refuse(RejectClass::WouldTrigger, -2021)),
    ("too many conditional orders", |s, _| s.refuse(RejectClass::Count, -4045)),
    ("nothing to close", |s, _| s.refuse(RejectClass::Invalid, -2022)),
    ("rejected at its trigger", |s, stop| {
        s.accept_algo(stop);
        s.algo(stop, VenueStatus::Triggering);
        s.algo(stop, VenueStatus::Rejected);
    }),
    ("expired", |s, stop| {
        s.accept_algo(stop);
        s.algo(stop, VenueStatus::Expired(ExpiryReason::Unstated));
    }),
    ("cancelled by hand", |s, stop| {
        s.accept_algo(stop);
        s.algo(stop, VenueStatus::Canceled);
    }),
    ("its child expired", |s, stop| {
        s.accept_algo(stop);
        s.algo(stop, VenueStatus::Triggered);
        s.child(stop, VenueStatus::Expired(ExpiryReason::NotFillable), "0");
    }),
    ("lost on the way", |s, _| {
        s.rig.outcome(Err(unknown()));
        for _ in 0..40 {
            s.rig.wait(1_000);
            s.rig.answer_orders(&Ok(Lookup::Absent));
        }
    }),
    ("throttled", |s, _| {
        for _ in 0..4 {
            s.refuse(RejectClass::Throttled, -1015);
            s.rig.wait(2_000);
        }
    }),
];

#[test]
fn each_way_to_lose_a_stop_ends_flat() {
    for hedging in [false, true] {
        for (name, lose) in LOSSES {
            let mut stage = if hedging { Stage::on_leg("2") } else { Stage::holding("2") };
            let stop = stage.submit(if hedging { long_stop("2", "95") } else { sell_stop("2", "95") });
            lose(&mut stage, stop);
            assert!(stage.rig.alerted("protection_lost"), "{name}");
            assert!(
                stage.rig.told.iter().any(|(_, e)| matches!(e, StrategyEvent::ProtectionLost(l) if l.intent == stop)),
                "{name}"
            );
            assert_eq!(stage.leg_holds("2"), 1, "{name}: the leg is read before anything is done");
            let exit = stage.rig.attempts_sent().last().map(|a| a.terms.clone()).expect("an exit");
            assert_eq!((exit.kind, exit.intention, exit.qty), (OrderKind::Market, Intention::Reduce, Some(qty("2"))), "{name}");
            let exits = stage
                .rig
                .attempts_sent()
                .iter()
                .filter(|a| a.terms.kind == OrderKind::Market && a.terms.side == Side::Sell)
                .count();
            assert_eq!(exits, 1, "{name}");
        }
    }
}

#[test]
fn a_stop_that_ends_because_the_leg_is_flat_is_no_loss() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Expired(ExpiryReason::NothingToClose));
    let sent = stage.rig.attempts_sent().len();
    assert_eq!(stage.leg_holds("0"), 1);
    assert_eq!(stage.rig.attempts_sent().len(), sent, "the venue says that nothing is held");
    assert_eq!(stage.rig.engine.books().open_count(), 0);
}

#[test]
fn what_another_stop_covers_is_not_closed() {
    let mut stage = Stage::holding("2");
    let first = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(first);
    let second = stage.submit(sell_stop("2", "94"));
    stage.refuse(RejectClass::Count, -4045);
    let sent = stage.rig.attempts_sent().len();
    stage.leg_holds("2");
    assert_eq!((stage.rig.attempts_sent().len(), stage.rig.status(second)), (sent, OrdStatus::Rejected));
    assert!(stage.uncovered().is_zero());
}

#[test]
fn a_stop_that_its_strategy_cancelled_is_no_loss() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    stage.rig.command(Command::Cancel(stop));
    stage.algo(stop, VenueStatus::Canceled);
    assert!(!stage.rig.alerted("protection_lost"));
    assert_eq!(stage.uncovered(), qty("2"));
}

#[test]
fn a_stop_is_armed_once_more_and_then_the_leg_is_closed() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    let again = stage.rig.attempts_sent().last().map(|a| a.terms.kind).expect("a stop");
    assert_eq!(again.trigger_price(), Some(price("95")));
    stage.refuse(RejectClass::Count, -4045);
    stage.rig.wait(1_500);
    stage.leg_holds("2");
    assert_eq!(stage.rig.attempts_sent().last().map(|a| a.terms.kind), Some(OrderKind::Market));
    assert_eq!(stage.rig.status(stop), OrdStatus::Rejected);
}

#[test]
fn an_alert_only_tells() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Alert);
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    assert!(stage.rig.alerted("protection_lost"));
    assert_eq!(stage.leg_holds("2"), 0, "nothing is asked, and nothing is done");
}

#[test]
fn a_leg_that_cannot_be_read_is_closed_by_our_own_books() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    let sent = stage.rig.attempts_sent().len();
    for _ in 0..3 {
        assert_eq!(stage.answer_legs(&Err(QueryError::Unavailable("no answer".into()))), 1);
        stage.rig.wait(600);
    }
    assert_eq!(stage.rig.attempts_sent().len(), sent + 1);
}

#[test]
fn an_exit_that_a_crash_held_back_leaves_after_it_once() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    let mut stage = stage.restarted();
    assert_eq!(stage.leg_holds("2"), 1, "the leg is asked for again");
    assert_eq!(stage.rig.attempts_sent().len(), 1);
    let stage = stage.restarted();
    assert!(stage.rig.attempts_sent().is_empty(), "it was sent: now it is in doubt, not sent again");
}

#[test]
fn an_exit_that_a_crash_held_back_is_settled_wherever_the_crash_was() {
    let lived = || {
        let mut stage = Stage::holding("2");
        stage.refused(sell_stop("2", "95"));
        // Its strategy closes the leg itself while the leg is being read.
        let own = stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
        stage.rig.accept(own);
        stage.rig.fill(own, 5, "2", "94", "2");
        stage
    };
    for kept in 0..=lived().rig.journal.len() {
        let mut rig = lived().rig.restarted(kept);
        rig.connect();
        let mut stage = Stage { rig, ..lived() };
        for _ in 0..3 {
            stage.rig.answer_orders(&Ok(Lookup::Absent));
            let held = stage.net();
            stage.leg_holds(&held);
            stage.rig.wait(1_100);
        }
        let waits = |o: &&exec_core::order::Order| {
            o.intent().list.is_some_and(|p| p.role == ListRole::Exit) && o.attempts().is_empty() && !o.status().is_ended()
        };
        let waiting: Vec<_> = stage.rig.engine.books().orders().filter(waits).collect();
        assert!(waiting.is_empty(), "cut after {kept}: {waiting:?} waits for ever");
    }
}

#[test]
fn an_exit_that_fails_is_followed_by_another_and_not_at_once() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    let sent = stage.rig.attempts_sent().len();
    stage.refuse(RejectClass::State, -4131);
    assert_eq!(stage.leg_holds("2"), 0, "not at the speed of the network");
    stage.rig.wait(1_100);
    assert_eq!(stage.leg_holds("2"), 1);
    assert_eq!(stage.rig.attempts_sent().len(), sent + 1);
}

#[test]
fn a_bracket_whose_stop_is_not_acknowledged_in_time_is_closed() {
    let (mut stage, entry_id, stop_id) = bracketed("0", "2");
    stage.rig.fill(entry_id, 1, "2", "99", "2");
    stage.rig.wait(1_900);
    assert!(!stage.rig.alerted("protection_lost"));
    stage.rig.wait(200);
    assert!(stage.rig.alerted("protection_lost"), "2 s after the first fill");
    stage.leg_holds("2");
    let last = stage.rig.attempts_sent().last().map(|a| a.terms.kind);
    assert_eq!(last, Some(OrderKind::Market));
    // The stop comes late after all; it closes nothing that is not there, and goes with the position.
    stage.accept_algo(stop_id);
    let exit = stage.rig.engine.books().open_orders().find(|o| o.intent().terms.kind == OrderKind::Market).map(|o| o.intent().id);
    let exit = exit.expect("the exit");
    stage.rig.fill(exit, 2, "2", "98", "2");
    assert_eq!((stage.net(), stage.rig.status(stop_id)), ("0".into(), OrdStatus::PendingCancel));
}

#[test]
fn a_stop_limit_that_triggers_and_rests_is_followed_by_an_exit() {
    let mut stage = Stage::on_leg("2");
    let stop = stage.submit(with_limit(long_stop("2", "95"), "94"));
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggered);
    stage.child(stop, VenueStatus::New, "0");
    stage.rig.wait(1_900);
    assert!(stage.uncovered().is_zero() && !stage.rig.alerted("protection_lost"), "for two seconds it counts");
    stage.rig.wait(200);
    assert!(stage.rig.alerted("protection_lost"));
    stage.leg_holds("2");
    assert_eq!(stage.rig.attempts_sent().last().map(|a| a.terms.kind), Some(OrderKind::Market));
    // The venue refuses what the resting child has taken of the leg: it makes way, and the exit comes again.
    stage.refuse(RejectClass::NothingToClose, -2022);
    assert!(stage.last_cancel().triggered);
    stage.child(stop, VenueStatus::Canceled, "0");
    let sent = stage.rig.attempts_sent().len();
    stage.rig.wait(1_000);
    assert_eq!(stage.leg_holds("2"), 1, "the leg is read first");
    assert_eq!(stage.rig.attempts_sent().len(), sent + 1);
}

#[test]
fn a_stop_that_is_taken_away_on_purpose_does_not_bring_an_old_loss_back() {
    let mut stage = Stage::holding("2");
    let first = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(first);
    stage.submit(sell_stop("2", "94"));
    stage.refuse(RejectClass::Count, -4045);
    let sent = stage.rig.attempts_sent().len();
    // The other stop covers the leg, so nothing is done; an hour later its strategy cancels that one, to place another.
    stage.rig.wait(3_600_000);
    stage.rig.command(Command::Cancel(first));
    stage.algo_of(first, stage.rig.cl_ord_id(first), VenueStatus::Canceled);
    stage.rig.wait(5_000);
    assert_eq!((stage.leg_holds("2"), stage.rig.attempts_sent().len()), (0, sent));
}

#[test]
fn what_a_stop_left_open_of_its_bracket_is_closed() {
    let (mut stage, entry_id, stop_id) = bracketed("0", "3");
    stage.rig.fill(entry_id, 1, "2", "99", "2");
    stage.accept_algo(stop_id);
    let old = stage.rig.cl_ord_id(stop_id);
    // The fill that makes the bracket larger comes with the price that triggers its stop: the larger stop is refused.
    stage.rig.fill(entry_id, 2, "1", "99", "3");
    stage.refuse(RejectClass::WouldTrigger, -2021);
    stage.algo_of(stop_id, old, VenueStatus::Triggered);
    stage.child_fill_of(stop_id, old, 3, "2", "94.9", "2");
    assert_eq!((stage.rig.status(stop_id), stage.net()), (OrdStatus::Filled, "1".into()));
    assert!(stage.rig.alerted("protection_lost"));
    stage.leg_holds("1");
    let exit = stage.rig.attempts_sent().last().map(|a| (a.terms.kind, a.terms.qty));
    assert_eq!(exit, Some((OrderKind::Market, Some(qty("1")))));
}

/// A bracket of this much at 99 with its stop, on a leg that holds `before`; the entry stands.
fn bracketed(before: &str, amount: &str) -> (Stage, IntentId, IntentId) {
    let mut stage = Stage::holding(before);
    let mut order = |role, terms: Terms| NewOrder {
        intent: stage.name(),
        terms,
        handling: Handling::default(),
        list: Some(ListPlace { list: ListId(8), role }),
    };
    let entry = order(ListRole::Entry, limit(Side::Buy, qty(amount), price("99")));
    let stop = order(ListRole::StopLoss, sell_stop(amount, "95"));
    let (entry_id, stop_id) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.rig.accept(entry_id);
    (stage, entry_id, stop_id)
}

#[test]
fn a_bracket_without_its_stop_is_looked_at_whenever_its_leg_moves() {
    // A short of 5 that was bought back at the venue and is still in our books when the bracket's long has lost its stop.
    let (mut stage, entry, stop) = bracketed("0", "2");
    let short = stage.submit(Terms { intention: Intention::Open, ..crate::scene::closing(Side::Sell, PositionSide::Net, "5") });
    stage.rig.durable();
    stage.rig.accept(short);
    stage.rig.fill(short, 10, "5", "100", "5");
    stage.rig.fill(entry, 11, "2", "99", "2");
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggering);
    stage.algo(stop, VenueStatus::Rejected);
    assert!(!stage.rig.alerted("protection_lost"), "our books hold a short: there was nothing to protect");
    let back = stage.submit(Terms { intention: Intention::Open, ..crate::scene::closing(Side::Buy, PositionSide::Net, "5") });
    stage.rig.durable();
    stage.rig.accept(back);
    stage.rig.fill(back, 12, "5", "100", "5");
    assert!(stage.rig.alerted("protection_lost"));
    assert!(stage.leg_holds("2") >= 1);
    assert_eq!(stage.rig.attempts_sent().last().map(|a| (a.terms.kind, a.terms.qty)), Some((OrderKind::Market, Some(qty("2")))));
}

#[test]
fn a_bracket_that_an_earlier_start_left_without_its_stop_is_found() {
    let (mut stage, entry, stop) = bracketed("0", "2");
    stage.rig.fill(entry, 11, "2", "99", "2");
    stage.accept_algo(stop);
    let cover = stage.submit(sell_stop("2", "94"));
    stage.accept_algo(cover);
    // The bracket's own stop is taken away by hand; another one covers the leg, so nothing is done.
    stage.algo_of(stop, stage.rig.cl_ord_id(stop), VenueStatus::Canceled);
    assert_eq!(stage.leg_holds("2"), 0);
    let mut stage = stage.restarted();
    let mut status = stage.rig.flat();
    status.positions = vec![crate::scene::position("2")];
    status.high_water = vec![crate::scene::high("BTCUSDT", 11)];
    status.open_orders = vec![stage.algo_report(cover, VenueStatus::New)];
    stage.rig.answer_recovery(status);
    stage.rig.no_trades();
    assert_eq!(stage.leg_holds("2"), 0, "it is covered still");
    stage.rig.command(Command::Cancel(cover));
    stage.algo(cover, VenueStatus::Canceled);
    assert_eq!(stage.leg_holds("2"), 1);
    assert_eq!(stage.rig.attempts_sent().last().map(|a| (a.terms.kind, a.terms.qty)), Some((OrderKind::Market, Some(qty("2")))));
}

#[test]
fn a_stop_can_be_moved_a_hundred_times() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "90"));
    stage.accept_algo(stop);
    for n in 0..100 {
        let old = stage.rig.cl_ord_id(stop);
        let to = exec_core::units::Price::new(exec_testkit::fixtures::decimal("90") + rust_decimal::Decimal::new(n % 50, 1));
        let change = exec_core::command::ChangeOrder { intent: stop, qty: None, price: None, trigger: to.ok() };
        stage.rig.command(Command::Replace(change));
        stage.accept_algo(stop);
        stage.algo_of(stop, old, VenueStatus::Canceled);
        assert_eq!(stage.rig.status(stop), OrdStatus::New, "move {n}");
    }
    assert_eq!(stage.rig.order(stop).attempts().len(), 101);
    assert!(!stage.rig.alerted("no_cl_ord_id"));
}

#[test]
fn take_profits_and_stops_behind_the_liquidation_price_do_not_count() {
    let mut stage = Stage::holding("2");
    let profit = stage.submit(crate::stage::take_profit("2", "105"));
    stage.accept_algo(profit);
    assert_eq!(stage.uncovered(), qty("2"));
    let stop = stage.submit(sell_stop("2", "50"));
    stage.accept_algo(stop);
    assert!(stage.uncovered().is_zero(), "no liquidation price is known");
    let mut status = stage.rig.flat();
    status.positions =
        vec![exec_core::report::PositionReport { liquidation_px: Some(price("60")), ..crate::scene::position("2") }];
    crate::scene::reconcile(&mut stage.rig, status);
    assert_eq!(stage.uncovered(), qty("2"), "it would be liquidated first");
}

#[test]
fn the_seconds_without_a_stop_are_counted() {
    let mut stage = Stage::holding("2");
    stage.rig.wait(3_000);
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    stage.rig.wait(5_000);
    let found = stage.rig.engine.protection(&btc(), PositionSide::Net);
    assert_eq!((found.unprotected_ms, found.unprotected_since, found.stops), (3_000, None, 1));
}
