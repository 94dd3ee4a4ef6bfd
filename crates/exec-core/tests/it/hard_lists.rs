//! Brackets and pairs in sequences in which they went wrong once.

use crate::hard_words::*;

use crate::{
    scene::{closing, fill_of, foreign, refused, unknown},
    stage::{Stage, long_stop, sell_stop, stop_to_open, take_profit, with_limit},
};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Input, Outcome, Request},
    order::{intent::ListRole, status::OrdStatus},
    report::VenueStatus,
    terms::{Intention, Terms},
    units::{PositionSide, Side},
    venue::{Lookup, RejectClass},
};
use exec_testkit::fixtures::{limit, price, qty};

/// a resize of a bracket's stop that is refused comes again at the speed of the network, until no id is left.
#[test]
fn refused_resize_loops() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.rig.fill(entry, 2, "2", "99", "3");
    let before = stage.rig.attempts_sent().len();
    for _ in 0..40 {
        let last = stage.rig.cl_ord_id(stop);
        let order = stage.rig.order(stop);
        let open = order.attempts()[&last].rejection().is_none();
        if !open {
            break;
        }
        if order.attempts()[&last].seen_at_venue() {
            break;
        }
        refuse_last_of(&mut stage, stop, RejectClass::Failed, -1008);
    }
    let burnt = stage.rig.attempts_sent().len() - before;
    assert!(burnt <= 3, "{burnt} attempts in one instant");
}

/// after a refused resize the rest of the position has no stop and no remedy.
#[test]
fn refused_resize_leaves_uncovered() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.rig.fill(entry, 2, "2", "99", "3");
    for _ in 0..60 {
        for _ in 0..40 {
            let last = stage.rig.cl_ord_id(stop);
            let a = &stage.rig.order(stop).attempts()[&last];
            if a.rejection().is_some() || a.seen_at_venue() {
                break;
            }
            refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
        }
        stage.rig.wait(1_000);
        stage.leg_holds("3");
    }
    assert!(
        stage.rig.alerted("protection_lost") || stage.uncovered().is_zero(),
        "uncovered {}, a minute later",
        stage.uncovered()
    );
}

/// a remedy that was not needed once stands in the way of one that is needed later.
#[test]
fn remedy_not_needed_then_needed() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    stage.rig.wait(2_100); // not acknowledged in time: a remedy, and the leg is asked for
    assert!(stage.rig.alerted("protection_lost"));
    stage.accept_algo(stop); // it comes after all
    stage.leg_holds("3"); // nothing is uncovered, the remedy is dropped
    assert!(sent_market(&stage).is_empty());
    stage.algo(stop, VenueStatus::Triggering);
    stage.algo(stop, VenueStatus::Rejected); // now it really dies
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    stage.rig.wait(5_000);
    assert_eq!(stage.uncovered(), qty("3"));
    assert_eq!(sent_market(&stage), ["3"], "no remedy for a dead stop");
}

/// a bracket's entry whose further try is not made leaves its held-back orders for ever.
#[test]
fn entry_given_up_in_retry_leaves_the_list() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    let (e, s) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.give(Input::Operator { who: "op".into(), command: exec_core::command::OperatorCommand::Latch });
    stage.rig.wait(120_000);
    assert_eq!(stage.rig.status(e), OrdStatus::Rejected);
    assert_eq!((stage.rig.status(s), stage.rig.engine.books().open_count()), (OrdStatus::NotSent, 0));
}

/// the same where the entry is cancelled between two tries.
#[test]
fn entry_cancelled_between_tries_leaves_the_list() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    let (e, s) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.command(Command::Cancel(e));
    stage.rig.wait(120_000);
    assert_eq!((stage.rig.status(s), stage.rig.engine.books().open_count()), (OrdStatus::NotSent, 0));
}

/// cancel-all takes the held-back stop at once, and the entry fills before its cancel arrives.
#[test]
fn cancel_all_then_the_entry_fills() {
    let mut stage = Stage::holding("0");
    let (entry, _stop, _) = bracket(&mut stage, 7);
    stage.rig.command(Command::CancelAll(None));
    stage.rig.fill(entry, 1, "3", "99", "3"); // it was faster
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    stage.rig.wait(5_000);
    let stops = stage.rig.attempts_sent().iter().filter(|a| a.terms.is_protective()).count();
    assert!(stops > 0 || !sent_market(&stage).is_empty(), "held {}, uncovered {}, nothing done", stage.held(), stage.uncovered());
}

/// the bracket's stop is executed, and the entry fills once more before its cancel arrives.
#[test]
fn entry_fills_after_the_stop_is_done() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggered);
    stage.child_fill(stop, 2, "1", "95", "1");
    assert_eq!(stage.rig.status(stop), OrdStatus::Filled);
    stage.rig.fill(entry, 3, "2", "99", "3"); // faster than the cancel
    stage.rig.wait(5_000);
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    covered_or_closed(&stage);
}

/// the stop is refused at the first fill; the entry goes on filling.
#[test]
fn entry_fills_on_after_its_stop_was_refused() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    stage.leg_holds("1"); // read: 1, so an exit for 1 leaves
    assert_eq!(sent_market(&stage), ["1"]);
    stage.rig.fill(entry, 2, "2", "99", "3");
    let exit = market_intent(&stage);
    stands(&mut stage, exit);
    stage.rig.fill(exit, 3, "1", "98", "1");
    stage.rig.wait(10_000);
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    assert!(
        sent_market(&stage).len() > 1 || stage.uncovered().is_zero(),
        "held {} uncovered {}",
        stage.held(),
        stage.uncovered()
    );
}

/// a pair is taken in as a whole or not at all.
#[test]
fn half_a_pair() {
    let mut stage = Stage::holding("0");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, limit(Side::Buy, qty("1"), price("95")));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, stop_to_open("1", "105.05"));
    let ids = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.rig.durable();
    assert_eq!(stage.rig.status(ids.1), OrdStatus::Denied);
    assert_eq!(stage.rig.attempts_sent().len(), 0, "{:?}", stage.rig.status(ids.0));
}

/// the take-profit of a closing pair is cancelled by somebody else (a dead-man's switch, a hand): the stop must stay.
#[test]
fn profit_cancelled_by_hand_takes_the_stop() {
    let mut stage = Stage::holding("3");
    let (profit, stop) = closing_pair(&mut stage, tp_limit("3"), sell_stop("3", "95"));
    shown(&mut stage, profit, VenueStatus::New);
    shown(&mut stage, profit, VenueStatus::Canceled);
    assert_eq!((stage.rig.status(stop), stage.rig.cancels_sent()), (OrdStatus::New, 0), "the leg holds {}", stage.held());
}

/// HEDGING, an exit of a part makes way for itself and takes the pair's stop too.
#[test]
fn make_way_takes_the_stop_of_a_pair() {
    let mut stage = Stage::on_leg("3");
    let long = |t: Terms| Terms { leg: PositionSide::Long, ..t };
    let (profit, stop) = closing_pair(&mut stage, long(tp_limit("3")), long_stop("3", "95"));
    shown(&mut stage, profit, VenueStatus::New);
    let exit = stage.submit(closing(Side::Sell, PositionSide::Long, "1"));
    refuse_last_of(&mut stage, exit, RejectClass::NothingToClose, -2022);
    shown(&mut stage, profit, VenueStatus::Canceled);
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "2 of the leg stay, and their stop goes");
}

/// a bracket whose entry fills in many parts.
#[test]
fn a_bracket_in_forty_parts() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("40"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("40", "95"));
    let (entry, stop, list) = (entry.intent, stop.intent, vec![entry, stop]);
    stage.rig.command(Command::SubmitList(list));
    stage.rig.durable();
    stage.rig.accept(entry);
    for n in 1..=40_u64 {
        let old = stage.rig.order(stop).last().map(|(id, _)| *id);
        stage.rig.fill(entry, n, "1", "99", &n.to_string());
        if stage.rig.order(stop).last().map(|(id, _)| *id) != old {
            stage.accept_algo(stop);
            if let Some(old) = old {
                stage.algo_of(stop, old, VenueStatus::Canceled);
            }
        }
        stage.rig.wait(100);
    }
    stage.rig.wait(10_000);
    stage.leg_holds("40");
    covered_or_closed(&stage);
}

/// a closing pair whose quantities were changed.
#[test]
fn a_changed_pair_shrinks_to_the_first_quantity() {
    let mut stage = Stage::holding("5");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, take_profit("3", "105"));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, sell_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(profit);
    stage.accept_algo(stop);
    for id in [profit, stop] {
        let old = stage.rig.cl_ord_id(id);
        stage.rig.command(Command::Replace(ChangeOrder { intent: id, qty: Some(qty("5")), price: None, trigger: None }));
        stage.accept_algo(id);
        stage.algo_of(id, old, VenueStatus::Canceled);
    }
    assert!(stage.uncovered().is_zero());
    stage.algo(profit, VenueStatus::Triggered);
    stage.child_fill(profit, 8, "1", "105", "1");
    stage.accept_algo(stop);
    assert_eq!(stage.rig.order(stop).qty(), Some(qty("4")), "4 are left");
}

/// two brackets with stops that close all on one leg.
#[test]
fn two_close_all_brackets() {
    let mut stage = Stage::holding("0");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("1", "95") };
    let make = |stage: &mut Stage, list: u64| {
        let entry = placed(stage, list, ListRole::Entry, limit(Side::Buy, qty("1"), price("99")));
        let stop = placed(stage, list, ListRole::StopLoss, all.clone());
        let profit = placed(stage, list, ListRole::TakeProfit, tp_limit("1"));
        let ids = (entry.intent, stop.intent, profit.intent);
        stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
        stage.rig.durable();
        stage.rig.accept(ids.0);
        ids
    };
    let a = make(&mut stage, 1);
    stage.rig.fill(a.0, 1, "1", "99", "1");
    stage.accept_algo(a.1);
    let b = make(&mut stage, 2);
    stage.rig.fill(b.0, 2, "1", "99", "1");
    refuse_last_of(&mut stage, b.1, RejectClass::Overlap, -4130);
    stage.leg_holds("2");
    // A takes its profit: its stop goes, and B has none.
    let report = stage.rig.venue_report(a.2, VenueStatus::New, "0");
    stage.rig.stream(report);
    stage.rig.fill(a.2, 3, "1", "105", "1");
    stage.algo(a.1, VenueStatus::Canceled);
    stage.rig.wait(5_000);
    stage.leg_holds("1");
    stage.rig.wait(5_000);
    covered_or_closed(&stage);
}

/// a resting profit limit is not resized after a refusal until something else happens.
#[test]
fn profit_is_not_resized_after_a_refusal() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stands(&mut stage, profit);
    stage.rig.fill(entry, 2, "2", "99", "3");
    let request = stage.rig.sent.iter().rev().find_map(|r| if let Request::Replace(r) = r { Some(r.request) } else { None });
    stage.rig.give(Input::Outcome {
        request: request.expect("a change"),
        outcome: Outcome::Order(Err(refused(RejectClass::Failed, -1008))),
    });
    stage.accept_algo(stop);
    let last = stage.rig.sent.len();
    stage.rig.wait(10_000);
    let replaced = stage.rig.sent[last - 1..].iter().filter(|r| matches!(r, Request::Replace(_))).count();
    assert!(replaced > 0 || stage.rig.order(profit).qty() == Some(qty("3")), "{:?}", stage.rig.order(profit).qty());
}

/// a list that names an order which is known already.
#[test]
fn list_with_a_known_name() {
    let mut stage = Stage::holding("0");
    let mut entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    stage.rig.command(Command::SubmitList(vec![entry.clone(), stop.clone()]));
    stage.rig.durable();
    stage.rig.command(Command::Cancel(entry.intent));
    let report = stage.rig.venue_report(entry.intent, VenueStatus::Canceled, "0");
    stage.rig.stream(report);
    assert_eq!(stage.rig.engine.books().open_count(), 0);
    entry.intent = stage.name(); // a new entry, the old stop's name
    stage.rig.command(Command::SubmitList(vec![entry.clone(), stop]));
    stage.rig.durable();
    let sent = stage.rig.attempts_sent().len();
    assert_eq!(sent, 1, "an entry without its stop has left");
}

/// HEDGING, a bracket's stop triggers while the profit limit holds the leg.
#[test]
fn profit_limit_blocks_the_stop_of_a_leg() {
    let mut stage = Stage::on_leg("0");
    let long = |t: Terms| Terms { leg: PositionSide::Long, ..t };
    let entry = placed(&mut stage, 7, ListRole::Entry, long(limit(Side::Buy, qty("3"), price("99"))));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, long_stop("3", "95"));
    let profit = placed(&mut stage, 7, ListRole::TakeProfit, long(tp_limit("3")));
    let (e, s, p) = (entry.intent, stop.intent, profit.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
    stage.rig.durable();
    stage.rig.accept(e);
    stage.rig.fill(e, 1, "3", "99", "3");
    shown(&mut stage, p, VenueStatus::New);
    stage.accept_algo(s);
    stage.algo(s, VenueStatus::Triggering);
    assert_eq!(stage.rig.status(p), OrdStatus::PendingCancel, "the profit holds the leg: the child of the stop is refused");
}

/// the second exit of a stop whose first one was executed in full while the leg went on growing.
#[test]
fn entry_lives_on_after_protection_is_lost() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    refuse_last_of(&mut stage, stop, RejectClass::WouldTrigger, -2021);
    assert_eq!(stage.rig.status(entry), OrdStatus::PendingCancel, "an entry without a stop goes on buying");
}

/// two orders of a pair trigger at once: reply and stream of one come late.
#[test]
fn closing_pair_profit_cancelled_by_its_strategy() {
    let mut stage = Stage::holding("3");
    let (profit, stop) = closing_pair(&mut stage, tp_limit("3"), sell_stop("3", "95"));
    shown(&mut stage, profit, VenueStatus::New);
    stage.rig.give(Input::JournalFailed("gone".into()));
    assert_eq!(stage.rig.status(stop), OrdStatus::New);
    stage.rig.give(Input::Drain);
    assert_eq!((stage.rig.status(stop), stage.rig.status(profit)), (OrdStatus::New, OrdStatus::New));
}

/// an entry's change in doubt is settled by an answer that teaches nothing else: the list is not looked at.
#[test]
fn settled_change_is_news_too() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.command(Command::Replace(ChangeOrder {
        intent: entry,
        qty: Some(qty("5")),
        price: Some(price("99")),
        trigger: None,
    }));
    stage.rig.durable();
    stage.rig.outcome(Err(unknown()));
    let mut report = stage.rig.venue_report(entry, VenueStatus::Filled, "3");
    report.fill = Some(fill_of(&stage.rig, 1, Side::Buy, "3", report.leg));
    let mut partial = report.clone();
    partial.status = VenueStatus::PartiallyFilled; // an event that does not say that it is the last
    stage.rig.stream(partial);
    stage.accept_algo(stop);
    stands(&mut stage, profit);
    stage.rig.fill(profit, 2, "3", "105", "3");
    assert_eq!(stage.net(), "0");
    report.fill = None;
    for _ in 0..5 {
        stage.rig.wait(1_000);
        stage.rig.answer_orders(&Ok(Lookup::Found(Box::new(report.clone()))));
    }
    assert_eq!(stage.rig.status(entry), OrdStatus::Filled);
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel, "the stop of a closed bracket stays at the venue");
}

/// flat and re-entered: the guard of a bracket's lost stop and the next bracket on the leg.
#[test]
fn the_guard_of_one_bracket_leaves_the_next_alone() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "3"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "3", "98", "3");
    stage.leg_holds("0");
    stage.rig.wait(2_000);
    stage.leg_holds("0");
    let (entry, stop, _) = bracket(&mut stage, 8);
    stage.rig.fill(entry, 6, "3", "99", "3");
    stage.leg_holds("3");
    stage.accept_algo(stop);
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    assert_eq!(sent_market(&stage), ["3"], "only the strategy's own exit");
}

/// the same over a restart, with the new bracket's stop standing.
#[test]
fn an_old_bracket_is_not_guarded_again_at_a_restart() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    shown(&mut stage, profit, VenueStatus::Canceled);
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    stage.leg_holds("3");
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "3")); // faster than the remedy
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "3", "98", "3");
    let exit = market_intent(&stage);
    refuse_last_of(&mut stage, exit, RejectClass::NothingToClose, -2022);
    stage.rig.wait(5_000);
    stage.leg_holds("0");
    // Tomorrow: a position without a stop, on purpose.
    stage.rig.wait(24 * 3_600_000);
    stage.enter("1", 6);
    stage.rig.wait(60_000);
    stage.leg_holds("1");
    stage.rig.wait(60_000);
    stage.leg_holds("1");
    assert_eq!(sent_market(&stage).len(), 2, "live: {:?}", sent_market(&stage));
    let mut stage = stage.restarted();
    for _ in 0..5 {
        stage.leg_holds("1");
        stage.rig.wait(2_000);
    }
    assert!(sent_market(&stage).is_empty(), "restart: {:?}", sent_market(&stage));
}

/// the exit of a bracket whose stop rests makes the books flat, and only then a trade by hand is heard that had kept the leg open.
#[test]
fn what_a_resting_stop_leaves_of_its_bracket_is_closed_however_late_it_is_heard() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, with_limit(sell_stop("3", "95"), "94"));
    let (entry_id, stop_id) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.rig.accept(entry_id);
    stage.rig.fill(entry_id, 1, "3", "99", "3");
    stage.accept_algo(stop_id);
    by_hand(&mut stage, "11", Side::Sell, 3);
    stage.algo(stop_id, VenueStatus::Triggered);
    stage.child(stop_id, VenueStatus::New, "0");
    stage.rig.wait(2_100);
    stage.leg_holds("3");
    assert_eq!((sent_market(&stage), stage.net()), (vec!["2".to_owned()], "2".to_owned()));
    let exit = market_intent(&stage);
    stage.rig.accept(exit);
    stage.rig.fill(exit, 4, "2", "93", "2");
    assert_eq!(stage.net(), "0", "of what the books know nothing is left");
    by_hand(&mut stage, "12", Side::Buy, 2);
    for _ in 0..3 {
        stage.leg_holds("1");
        stage.rig.wait(1_000);
    }
    assert_eq!(sent_market(&stage), ["2", "1"]);
}

/// A market order of somebody else for 1 was executed at once.
fn by_hand(stage: &mut Stage, id: &str, side: Side, trade: u64) {
    stage.rig.wait(10);
    let mut report = foreign(id, "1", "1");
    (report.side, report.status) = (side, VenueStatus::Filled);
    report.fill = Some(fill_of(&stage.rig, trade, side, "1", report.leg));
    report.updated = stage.rig.venue_time();
    stage.rig.stream(report);
}
