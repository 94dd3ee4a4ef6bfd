//! A conditional order is one order from its placement to the last fill of what it becomes, over both books of the venue.

use crate::stage::{Stage, sell_stop, stop_to_open};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::Request,
    order::status::OrdStatus,
    report::{ExpiryReason, VenueStatus},
    units::PositionMode,
    venue::RejectClass,
};
use exec_testkit::fixtures::{price, qty};

fn trigger(intent: exec_core::ids::IntentId, to: &str) -> Command {
    Command::Replace(ChangeOrder { intent, qty: None, price: None, trigger: Some(price(to)) })
}

#[test]
fn a_stop_is_one_order_until_its_last_fill() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    assert!(matches!(stage.rig.sent.last(), Some(Request::Submit { .. })), "a stop that closes waits for nothing");
    stage.accept_algo(stop);
    assert_eq!(stage.rig.status(stop), OrdStatus::New);
    stage.algo(stop, VenueStatus::Triggering);
    stage.algo(stop, VenueStatus::Triggered);
    assert_eq!(stage.rig.status(stop), OrdStatus::Triggered);
    stage.child(stop, VenueStatus::New, "0");
    stage.child_fill(stop, 7, "2", "94.9", "2");
    assert_eq!((stage.rig.status(stop), stage.net()), (OrdStatus::Filled, "0".into()));
    stage.algo(stop, VenueStatus::Finished);
    assert_eq!((stage.rig.status(stop), stage.rig.order(stop).attempts().len()), (OrdStatus::Filled, 1));
    assert_eq!(stage.rig.engine.books().open_count(), 0);
}

/// The venue orders only events of one kind: those of the child may come before, between or after those of the algo.
#[test]
fn the_events_of_a_trigger_end_the_same_in_any_order() {
    for order in permutations(5) {
        let mut stage = Stage::holding("2");
        let stop = stage.submit(sell_stop("2", "95"));
        stage.accept_algo(stop);
        for step in order.iter().chain(&order) {
            match step {
                0 => stage.algo(stop, VenueStatus::Triggering),
                1 => stage.algo(stop, VenueStatus::Triggered),
                2 => stage.child(stop, VenueStatus::New, "0"),
                3 => stage.child_fill(stop, 7, "2", "94.9", "2"),
                _ => stage.algo(stop, VenueStatus::Finished),
            }
        }
        assert_eq!((stage.rig.status(stop), stage.net()), (OrdStatus::Filled, "0".into()), "{order:?}");
        assert_eq!(stage.rig.engine.books().open_count(), 0, "{order:?}");
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    shorter.iter().flat_map(|p| (0..n).map(move |at| [&p[..at], &[n - 1], &p[at..]].concat())).collect()
}

#[test]
fn a_cancel_goes_to_the_book_on_which_the_order_stands() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    stage.rig.command(Command::Cancel(stop));
    let cancel = stage.last_cancel();
    assert!(cancel.conditional && !cancel.triggered && cancel.algo_id.is_some());
    // It has triggered meanwhile: the algo book does not know it any more, and the child must go.
    stage.refuse(RejectClass::NotOnBook, -2011);
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "a refused cancel ends nothing");
    stage.find_child(stop, VenueStatus::New, "0");
    let cancel = stage.last_cancel();
    assert!(cancel.triggered, "{cancel:?}");
    stage.child(stop, VenueStatus::Canceled, "0");
    assert_eq!(stage.rig.status(stop), OrdStatus::Canceled);
}

#[test]
fn a_stop_that_closes_is_changed_without_a_gap() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    assert_eq!((stage.rig.status(stop), stage.rig.cancels_sent()), (OrdStatus::PendingReplace, 0), "the new one first");
    let new = stage.rig.cl_ord_id(stop);
    assert_ne!(old, new);
    assert_eq!(stage.rig.attempts_sent().last().map(|a| a.terms.kind.trigger_price()), Some(Some(price("97"))));
    assert!(stage.uncovered().is_zero());
    stage.accept_algo(stop);
    assert_eq!(stage.last_cancel().cl_ord_id, Some(old), "the old one once the new one stands");
    assert!(stage.uncovered().is_zero());
    stage.algo_of(stop, old, VenueStatus::Canceled);
    assert_eq!(stage.rig.status(stop), OrdStatus::New);
    assert_eq!(stage.rig.order(stop).trigger_price(), Some(price("97")));
    assert!(stage.uncovered().is_zero());
    assert!(!stage.rig.alerted("protection_lost"));
}

#[test]
fn a_change_of_a_stop_that_is_refused_leaves_the_old_one() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    stage.rig.command(trigger(stop, "97"));
    stage.refuse(RejectClass::WouldTrigger, -2021);
    assert_eq!((stage.rig.status(stop), stage.rig.cancels_sent()), (OrdStatus::New, 0));
    assert_eq!(stage.rig.order(stop).trigger_price(), Some(price("95")));
    assert!(stage.uncovered().is_zero() && !stage.rig.alerted("protection_lost"));
}

#[test]
fn where_the_venue_takes_only_one_the_old_stop_goes_first_and_the_gap_is_counted() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    stage.refuse(RejectClass::Overlap, -4130);
    assert_eq!(stage.last_cancel().cl_ord_id, Some(old));
    assert!(stage.rig.alerted("unprotected_gap"));
    let sent = stage.rig.attempts_sent().len();
    stage.algo_of(stop, old, VenueStatus::Canceled);
    assert_eq!(stage.rig.attempts_sent().len(), sent + 1, "the new one follows at once");
    stage.accept_algo(stop);
    assert_eq!((stage.rig.status(stop), stage.rig.order(stop).trigger_price()), (OrdStatus::New, Some(price("97"))));
}

#[test]
fn an_order_that_opens_is_never_alive_twice_while_it_is_changed() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    let old = stage.moved(entry, "106");
    assert_eq!(stage.last_cancel().cl_ord_id, Some(old), "the old one first");
    assert_eq!(stage.rig.attempts_sent().len(), 1);
    stage.algo_of(entry, old, VenueStatus::Canceled);
    assert_eq!(stage.rig.status(entry), OrdStatus::PendingReplace);
    assert_eq!(stage.rig.attempts_sent().len(), 1, "it can add risk, so it waits for the disk");
    stage.rig.durable();
    assert_eq!(stage.rig.attempts_sent().len(), 2);
    stage.accept_algo(entry);
    assert_eq!((stage.rig.status(entry), stage.rig.order(entry).trigger_price()), (OrdStatus::New, Some(price("106"))));
}

#[test]
fn an_order_that_triggers_while_it_is_changed_is_the_one_that_counts() {
    // Before the cancel of the old one takes effect, for an order that opens.
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    stage.rig.command(trigger(entry, "106"));
    stage.algo(entry, VenueStatus::Triggering);
    stage.refuse(RejectClass::NotOnBook, -2011);
    stage.child(entry, VenueStatus::New, "0");
    stage.child_fill(entry, 9, "1", "105.1", "1");
    stage.rig.durable();
    assert_eq!((stage.rig.status(entry), stage.rig.attempts_sent().len()), (OrdStatus::Filled, 1), "no second order");

    // Between the two requests, for one that closes: what was placed for it must go again.
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    stage.algo_of(stop, old, VenueStatus::Triggering);
    stage.accept_algo(stop);
    let new = stage.rig.cl_ord_id(stop);
    stage.child_of(stop, old, VenueStatus::New, "0");
    assert_eq!(stage.rig.cancels_sent(), 0, "the old one may still die at its trigger: until it executes, the new one protects");
    stage.child_fill_of(stop, old, 9, "2", "94.8", "2");
    assert_eq!(stage.rig.status(stop), OrdStatus::Filled);
    assert_eq!(stage.last_cancel().cl_ord_id, Some(new), "the child of the old one is what counts");
    assert_eq!(stage.rig.engine.books().open_count(), 1, "what is left at the venue is not forgotten");
    stage.algo_of(stop, new, VenueStatus::Canceled);
    assert_eq!((stage.rig.engine.books().open_count(), stage.net()), (0, "0".into()));
}

#[test]
fn of_two_attempts_that_triggered_the_one_that_executes_ends_the_order() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: Some(qty("1")), price: None, trigger: None }));
    stage.accept_algo(stop);
    let new = stage.rig.cl_ord_id(stop);
    stage.algo_of(stop, old, VenueStatus::Triggering);
    stage.algo_of(stop, new, VenueStatus::Triggered);
    stage.algo_of(stop, old, VenueStatus::Rejected);
    stage.child_fill_of(stop, new, 9, "1", "94.8", "1");
    assert_eq!((stage.rig.status(stop), stage.net()), (OrdStatus::Filled, "1".into()));
    assert_eq!(stage.rig.engine.books().open_count(), 0);
}

#[test]
fn an_attempt_that_did_all_it_was_asked_does_not_keep_its_order_alive() {
    let mut stage = Stage::holding("3");
    let stop = stage.standing(sell_stop("3", "95"));
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: Some(qty("2")), price: None, trigger: None }));
    stage.accept_algo(stop);
    let new = stage.rig.cl_ord_id(stop);
    stage.algo_of(stop, old, VenueStatus::Triggered);
    stage.algo_of(stop, new, VenueStatus::Triggered);
    stage.child_fill_of(stop, new, 9, "2", "94.8", "2");
    stage.child_fill_of(stop, old, 10, "1", "94.8", "1");
    stage.child_of(stop, old, VenueStatus::Expired(ExpiryReason::NothingToClose), "1");
    assert!(stage.rig.status(stop).is_ended(), "{:?}", stage.rig.status(stop));
    assert_eq!((stage.net(), stage.rig.engine.books().open_count()), ("0".into(), 0));
}

#[test]
fn an_attempt_in_doubt_of_an_order_that_is_done_is_asked_for_after_a_restart() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    stage.rig.outcome(Err(crate::scene::unknown()));
    stage.algo_of(stop, old, VenueStatus::Triggered);
    stage.child_fill_of(stop, old, 9, "2", "94.8", "2");
    assert_eq!(stage.rig.status(stop), OrdStatus::Filled);
    let stage = stage.restarted();
    assert_eq!(stage.rig.engine.in_doubt(), 1, "it may have come to stand at the venue");
}

#[test]
fn a_change_that_a_crash_cut_short_is_taken_up_from_the_facts() {
    // The new stop stands, the old one was not cancelled yet.
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.moved(stop, "97");
    stage.accept_algo(stop);
    let stage = stage.restarted();
    let cancels: Vec<_> =
        stage.rig.sent.iter().filter_map(|r| if let Request::Cancel(c) = r { c.order.cl_ord_id } else { None }).collect();
    assert_eq!(cancels, [old]);

    // The old order that opens was being cancelled: the change is not taken up, the market has moved on.
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    let old = stage.moved(entry, "106");
    let mut stage = stage.restarted();
    stage.algo_of(entry, old, VenueStatus::Canceled);
    stage.rig.durable();
    assert_eq!((stage.rig.status(entry), stage.rig.attempts_sent().len()), (OrdStatus::Canceled, 0));
}

#[test]
fn a_triggered_limit_is_changed_on_the_ordinary_book() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(crate::stage::stop_limit_to_open("1", "105", "106"));
    stage.algo(entry, VenueStatus::Triggered);
    stage.child(entry, VenueStatus::New, "0");
    stage.rig.command(Command::Replace(ChangeOrder { intent: entry, qty: Some(qty("2")), price: None, trigger: None }));
    stage.rig.durable();
    assert!(matches!(stage.rig.sent.last(), Some(Request::Replace(_))));
}

#[test]
fn a_finished_order_whose_end_was_not_heard_is_asked_for() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    stage.algo(stop, VenueStatus::Triggered);
    stage.algo(stop, VenueStatus::Finished);
    stage.rig.wait(2_000);
    let end = stage.child_report(stop, VenueStatus::Expired(ExpiryReason::NothingToClose), "0");
    assert!(stage.rig.answer_orders(&Ok(exec_core::venue::Lookup::Found(Box::new(end)))) >= 1);
    assert_eq!(stage.rig.status(stop), OrdStatus::Expired);
}

#[test]
fn stops_work_on_legs() {
    let mut stage = Stage::on_leg("2");
    assert_eq!(stage.rig.engine.mode(), PositionMode::Hedging);
    let stop = stage.standing(crate::stage::long_stop("2", "95"));
    assert!(stage.uncovered().is_zero());
    stage.rig.command(trigger(stop, "96"));
    stage.accept_algo(stop);
    assert!(stage.uncovered().is_zero());
    assert_eq!(stage.rig.cancels_sent(), 1);
}
