//! An answer that cannot be right is not believed, and an assumption that broke stops new risk.

use crate::scene::{buy, netting, refused, working};
use exec_core::{
    ids::OrderId, order::intent::Handling, order::status::OrdStatus, record::LatchCause, report::VenueStatus, venue::RejectClass,
};
use exec_testkit::fixtures::{self};

#[test]
fn an_order_that_was_refused_and_is_at_the_venue_latches() {
    let mut rig = netting();
    let intent = rig.submit_with(buy(), Handling { retry: false, ..Handling::default() });
    rig.durable();
    rig.outcome(Err(refused(RejectClass::Failed, -1001)));
    assert_eq!(rig.status(intent), OrdStatus::Rejected);
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::AssumptionBroken), "an assumption about the venue broke");
}

#[test]
fn two_venue_ids_under_one_of_our_ids_latch() {
    let mut rig = netting();
    let intent = working(&mut rig);
    let mut report = rig.venue_report(intent, VenueStatus::New, "0");
    report.order_id = Some(OrderId::from_number(987_654));
    rig.stream(report);
    assert!(rig.engine.books().latches().contains_key(&LatchCause::AssumptionBroken));
}

#[test]
fn a_reply_that_does_not_name_the_order_leaves_doubt() {
    let mut rig = netting();
    let intent = rig.submit(buy());
    rig.durable();
    let mut report = rig.venue_report(intent, VenueStatus::New, "0");
    (report.cl_ord_id, report.order_id) = (Some(fixtures::cl_ord_id("other")), Some(OrderId::from_number(5)));
    rig.outcome(Ok(Box::new(report)));
    assert!(rig.order(intent).is_in_doubt());
}
