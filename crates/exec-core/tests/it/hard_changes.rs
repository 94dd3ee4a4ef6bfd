//! Changes and cancels in sequences in which they went wrong once.

use crate::hard_words::*;

use crate::{
    scene::{fill_of, refused, unknown},
    stage::{Stage, sell_stop, stop_limit_to_open, stop_to_open, with_limit},
};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Input, Outcome, Request},
    ids::SessionId,
    order::status::OrdStatus,
    report::VenueStatus,
    terms::{OrderKind, Terms, TriggerBy},
    units::Side,
    venue::{Lookup, RejectClass},
};
use exec_testkit::fixtures::{decimal, price, qty};

/// the change of a triggered child is sent to the attempt that speaks for the order.
#[test]
fn change_goes_to_the_wrong_attempt() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(with_limit(sell_stop("2", "95"), "94"));
    let old = stage.moved(stop, "97");
    stage.accept_algo(stop);
    let new = stage.rig.cl_ord_id(stop);
    stage.refuse(RejectClass::Throttled, -1003); // the old one could not be cancelled yet
    stage.algo_of(stop, new, VenueStatus::Triggered);
    stage.child_of(stop, new, VenueStatus::New, "0");
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: None, price: Some(price("93")), trigger: None }));
    let replaced = stage.rig.sent.iter().rev().find_map(|r| if let Request::Replace(r) = r { r.order.cl_ord_id } else { None });
    assert_eq!(replaced, Some(new), "old is {old}");
}

/// a trailing stop's changed activation is forgotten by the next change.
#[test]
fn trailing_activation_reverts() {
    let mut stage = Stage::holding("2");
    let kind =
        OrderKind::TrailingStopMarket { activation: Some(price("105")), callback_percent: decimal("1"), by: TriggerBy::Last };
    let stop = stage.standing(Terms { kind, ..sell_stop("2", "95") });
    let old = stage.moved(stop, "110");
    stage.accept_algo(stop);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: Some(qty("1")), price: None, trigger: None }));
    let last = stage.rig.attempts_sent().last().map(|a| a.terms.kind).expect("sent");
    assert_eq!(
        last,
        OrderKind::TrailingStopMarket { activation: Some(price("110")), callback_percent: decimal("1"), by: TriggerBy::Last }
    );
}

/// the algo service's last word carries the quantity of the placement, and is newer than the change of the child.
#[test]
fn finished_reopens_a_filled_order() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_limit_to_open("2", "105", "106"));
    stage.algo(entry, VenueStatus::Triggered);
    stage.child(entry, VenueStatus::New, "0");
    stage.rig.command(Command::Replace(ChangeOrder { intent: entry, qty: Some(qty("1")), price: None, trigger: None }));
    stage.rig.durable();
    let request = stage.rig.last_request();
    stage.rig.wait(10);
    let mut report = stage.child_report(entry, VenueStatus::New, "0");
    (report.qty, report.replaced_by) = (Some(qty("1")), Some(request));
    stage.rig.stream(report);
    assert_eq!(stage.rig.order(entry).qty(), Some(qty("1")));
    stage.rig.wait(10);
    let mut report = stage.child_report(entry, VenueStatus::Filled, "1");
    report.qty = Some(qty("1"));
    report.fill = Some(fill_of(&stage.rig, 8, Side::Buy, "1", report.leg));
    stage.rig.stream(report.clone());
    assert_eq!(stage.rig.status(entry), OrdStatus::Filled);
    stage.rig.wait(10);
    stage.algo(entry, VenueStatus::Finished);
    stage.rig.wait(2_000);
    stage.rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    assert_eq!((stage.rig.status(entry), stage.rig.order(entry).leaves_qty()), (OrdStatus::Filled, qty("0")));
}

/// an absence of one attempt is held against another.
#[test]
fn absence_of_one_attempt_ends_another() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.give(Input::LinkDown { session: SessionId(1), why: "quiet".into() });
    stage.rig.ms += 4 * 24 * 3_600 * 1_000;
    stage.rig.command(trigger(stop, "97"));
    let new = stage.rig.cl_ord_id(stop);
    answer(&mut stage.rig, new, Err(unknown()));
    stage.rig.command(Command::Cancel(stop));
    // Both are asked for: the new one never arrived, the old one stands, and its answer is late.
    for _ in 0..6 {
        let cancels: Vec<_> = stage
            .rig
            .sent
            .iter()
            .filter_map(|r| if let Request::Cancel(c) = r { Some((c.request, c.order.cl_ord_id)) } else { None })
            .collect();
        for (request, of) in cancels {
            if of == Some(old) {
                stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::Throttled, -1003))) });
            }
            if of == Some(new) {
                stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
            }
        }
        let open: Vec<_> = stage
            .rig
            .asked
            .iter()
            .filter(|(_, q)| matches!(q, exec_core::conversation::Query::Order(r) if r.cl_ord_id == Some(new)))
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            stage.rig.asked.remove(&id);
            let answer = exec_core::conversation::Answer::Order(Ok(Lookup::Absent));
            stage.rig.give(Input::Answer { query: id, answer });
        }
        stage.rig.wait(3_000);
    }
    assert_eq!(stage.rig.order(stop).attempts()[&old].ending(), None, "only the other attempt was absent");
}

/// a change to open that is under way when the operator cancels everything, and the cancel of the old one answers late.
#[test]
fn wish_during_an_opening_change() {
    let mut stage = Stage::holding("0");
    let entry = stage.standing(stop_to_open("1", "105"));
    let old = stage.moved(entry, "106");
    stage.rig.command(Command::Cancel(entry));
    stage.algo_of(entry, old, VenueStatus::Canceled);
    stage.rig.durable();
    assert_eq!((stage.rig.status(entry), stage.rig.attempts_sent().len()), (OrdStatus::Canceled, 1));
}
