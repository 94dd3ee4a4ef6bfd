//! What is wished off the book is cancelled until it is gone: over lost answers, refusals and restarts.

use crate::scene::{buy, foreign, netting, refused, unknown, working};
use exec_core::{
    command::Command,
    conversation::{Input, Request},
    order::status::OrdStatus,
    report::VenueStatus,
    venue::{Lookup, RejectClass},
};

#[test]
fn a_cancel_wish_survives_a_restart() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Cancel(intent));
    assert_eq!(rig.cancels_sent(), 1);
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    let mut status = rig.flat();
    status.open_orders = vec![report];
    rig.answer_recovery(status);
    rig.no_trades();
    rig.wait(10_000);
    assert!(rig.cancels_sent() >= 1, "status {:?}", rig.status(intent));
}

#[test]
fn a_limit_in_doubt_from_before_a_restart_is_cancelled_as_soon_as_there_is_a_stream() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 1);
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.give(Input::Begin);
    assert_eq!(rig.cancels_sent(), 0, "nobody can be asked yet");
    rig.connect();
    assert_eq!(rig.cancels_sent(), 1);
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    assert!(rig.order(intent).cancel_wished());
}

#[test]
fn a_refused_cancel_wish_survives_a_restart() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Cancel(intent));
    rig.outcome(Err(refused(RejectClass::Throttled, -1003)));
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    let mut status = rig.flat();
    status.open_orders = vec![report];
    rig.answer_recovery(status);
    rig.no_trades();
    rig.wait(10_000);
    assert!(rig.cancels_sent() >= 1, "status {:?}", rig.status(intent));
}

#[test]
fn a_cancel_is_repeated_after_a_lost_one_and_a_not_on_book() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Cancel(intent));
    rig.outcome(Err(unknown()));
    rig.wait(1_000);
    assert_eq!(rig.cancels_sent(), 2);
    rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    rig.wait(10_000);
    assert!(rig.cancels_sent() >= 3);
}

#[test]
fn a_ghost_with_a_lost_cancel_is_cancelled_again() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    rig.outcome(Err(unknown()));
    // every cancel is lost as well
    for _ in 0..40 {
        if matches!(rig.sent.last(), Some(Request::Cancel(_))) {
            let request = rig.last_request();
            rig.give(Input::Outcome { request, outcome: exec_core::conversation::Outcome::Order(Err(unknown())) });
        }
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(250);
    }
    rig.wait(10_000);
    assert_eq!(rig.status(intent), OrdStatus::Presumed);
    let before = rig.cancels_sent();
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    rig.wait(10_000);
    assert!(rig.cancels_sent() > before, "the ghost rests");
}

#[test]
fn a_dead_disk_does_not_touch_foreign_orders() {
    let mut rig = netting();
    rig.stream(foreign("11", "4", "0"));
    let ours = working(&mut rig);
    rig.give(Input::JournalFailed("gone".into()));
    assert_eq!(rig.status(ours), OrdStatus::PendingCancel);
    assert_eq!(rig.cancels_sent(), 1);
}
