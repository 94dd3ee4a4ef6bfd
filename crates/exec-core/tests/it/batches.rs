//! What is asked for together leaves together, and each has its own outcome.

use crate::scene::{buy, refused};
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Input, Outcome, Request},
    ids::{IntentId, RequestId},
    order::{intent::Handling, status::OrdStatus},
    report::VenueStatus,
    terms::Terms,
    units::PositionMode,
    venue::{Batch, RejectClass},
};
use exec_testkit::{
    fixtures::{self, config, qty},
    rig::Rig,
};

fn rig(batch_max: usize) -> Rig {
    let mut profile = fixtures::profile();
    profile.batch_max = batch_max;
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), profile);
    rig.connect();
    rig.answer_recovery(rig.flat());
    rig
}

fn submit_many(rig: &mut Rig, count: u128) -> Vec<IntentId> {
    let ids: Vec<IntentId> = (1..=count).map(|n| IntentId(500 + n)).collect();
    let order = |intent: &IntentId| {
        Command::Submit(NewOrder { intent: *intent, terms: buy(), handling: Handling::default(), list: None })
    };
    rig.command(Command::Batch(ids.iter().map(order).collect()));
    ids
}

fn batches(rig: &Rig) -> Vec<(Vec<RequestId>, Batch)> {
    let batch = |r: &Request| if let Request::Batch { ids, batch } = r { Some((ids.clone(), batch.clone())) } else { None };
    rig.sent.iter().filter_map(batch).collect()
}

#[test]
fn new_orders_wait_for_the_disk_and_leave_in_batches_of_the_venues_size() {
    let mut rig = rig(5);
    let ids = submit_many(&mut rig, 7);
    assert!(rig.sent.is_empty(), "they can add risk");
    rig.durable();
    let sent = batches(&rig);
    assert_eq!(sent.iter().map(|(ids, _)| ids.len()).collect::<Vec<_>>(), [5, 2]);
    let cl_ord_ids: Vec<_> = sent
        .iter()
        .flat_map(|(_, batch)| if let Batch::Submit(all) = batch { all.clone() } else { Vec::new() })
        .map(|a| a.cl_ord_id)
        .collect();
    assert_eq!(cl_ord_ids, ids.iter().map(|id| rig.cl_ord_id(*id)).collect::<Vec<_>>());
}

#[test]
fn each_order_of_a_batch_has_its_own_outcome() {
    let mut rig = rig(5);
    let ids = submit_many(&mut rig, 3);
    rig.durable();
    let (requests, _) = batches(&rig).remove(0);
    let outcomes = [
        Ok(Box::new(rig.venue_report(ids[0], VenueStatus::New, "0"))),
        Err(refused(RejectClass::Funds, -2019)),
        Err(crate::scene::unknown()),
    ];
    for (request, result) in requests.into_iter().zip(outcomes) {
        rig.give(Input::Outcome { request, outcome: Outcome::Order(result) });
    }
    assert_eq!(rig.status(ids[0]), OrdStatus::New);
    assert_eq!(rig.status(ids[1]), OrdStatus::Rejected);
    assert!(rig.order(ids[2]).is_in_doubt());
}

#[test]
fn cancels_of_a_batch_leave_at_once_and_before_new_orders() {
    let mut rig = rig(5);
    let ids = submit_many(&mut rig, 2);
    rig.durable();
    for id in &ids {
        let report = rig.venue_report(*id, VenueStatus::New, "0");
        rig.stream(report);
    }
    rig.sent.clear();
    let exit = Terms {
        qty: Some(qty("1")),
        ..crate::scene::closing(exec_core::units::Side::Sell, exec_core::units::PositionSide::Net, "1")
    };
    let exit = NewOrder { intent: IntentId(900), terms: exit, handling: Handling::default(), list: None };
    let all = vec![Command::Submit(exit), Command::Cancel(ids[0]), Command::Cancel(ids[1])];
    rig.command(Command::Batch(all));
    assert!(matches!(&rig.sent[0], Request::Batch { ids, batch: Batch::Cancel(c) } if ids.len() == 2 && c.len() == 2));
    assert!(matches!(&rig.sent[1], Request::Submit { .. }), "one alone is no batch");
}

#[test]
fn a_venue_without_batches_gets_single_requests() {
    let mut rig = rig(0);
    submit_many(&mut rig, 3);
    rig.durable();
    assert_eq!((batches(&rig).len(), rig.attempts_sent().len()), (0, 3));
}

#[test]
fn what_was_withdrawn_while_the_disk_was_slow_does_not_leave_with_its_batch() {
    let mut rig = rig(5);
    let ids = submit_many(&mut rig, 3);
    rig.command(Command::Cancel(ids[1]));
    rig.durable();
    let (requests, _) = batches(&rig).remove(0);
    assert_eq!((requests.len(), rig.status(ids[1])), (2, OrdStatus::NotSent));
}
