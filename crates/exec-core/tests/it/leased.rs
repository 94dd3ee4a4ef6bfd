//! An engine under a lease: what leaves, what does not, and what a node that is deposed still does.

use crate::scene::foreign;
use exec_core::{
    cl_ord_id::OwnId,
    command::OperatorCommand,
    conversation::{Input, Outcome, Phase, Request},
    engine::config::{EngineConfig, Staleness},
    ids::{Epoch, NodeId},
    lease::{Acquired, Answer, Holder, Lease, LeaseError, LeaseTerms, Lost, Predecessor, Question, Renewed},
    order::status::OrdStatus,
    start_report::Shut,
    time::Timestamp,
    units::{PositionMode, Side},
};
use exec_testkit::{
    fixtures::{self, config, limit, price, qty},
    rig::{MIDNIGHT_MS, Rig},
};

const TERMS: LeaseTerms = LeaseTerms { ttl_ms: 10_000, recv_window_ms: 2_000, clock_error_ms: 300, engine_margin_ms: 10_000 };
const EPOCH: Epoch = Epoch(9_000_000);

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}
fn settings() -> EngineConfig {
    let staleness = Staleness { quote_max_age_ms: 0 };
    EngineConfig { order_recv_window_ms: 2_000, staleness, ..config(PositionMode::Netting, &["BTCUSDT"]) }
}
/// A lease that was granted at this moment after a predecessor that is long gone.
fn granted(at: Timestamp) -> Lease {
    let mut lease = Lease::new(TERMS, node("a"), Epoch(EPOCH.0 - 1));
    assert!(matches!(lease.ask(at), Some(Question::Acquire(_))));
    let predecessor = Predecessor::Ended { ago_ms: 600_000 };
    lease.answered(at, Answer::Acquired(Ok(Acquired::Granted { epoch: EPOCH, predecessor })));
    lease
}
/// A live engine that holds its lease since midnight.
fn holder() -> Rig {
    let mut rig = Rig::new(settings(), fixtures::profile());
    let lease = granted(rig.now());
    rig.engine.hold(lease);
    rig.connect();
    let flat = rig.flat();
    rig.answer_recovery(flat);
    assert_eq!(rig.engine.phase(), Phase::Live, "{}", rig.engine.report());
    rig
}
fn renewed(rig: &mut Rig, answer: Result<Renewed, LeaseError>) {
    rig.give(Input::LeaseAnswered(Answer::Renewed(answer)));
}
fn shut(rig: &Rig) -> bool {
    rig.engine.report().shut.iter().any(|why| matches!(why, Shut::Lease(_)))
}

#[test]
fn an_engine_without_a_lease_asks_for_none() {
    let mut rig = Rig::live(settings());
    rig.wait(60_000);
    assert_eq!((rig.leased.len(), rig.fenced.len(), rig.engine.windows_end_before(rig.now()).is_some()), (0, 0, true));
}

#[test]
fn promise_p11_a_start_writes_under_the_epoch_of_its_lease() {
    let rig = holder();
    assert_eq!(rig.engine.books().epoch(), EPOCH);
    assert_eq!(rig.engine.windows_end_before(rig.now()).map(|end| end.0), Some((MIDNIGHT_MS + 9_400) as i64));
}

#[test]
fn a_holder_renews_every_quarter_of_the_lease() {
    let mut rig = holder();
    rig.wait(2_500);
    assert_eq!(rig.leased.len(), 1, "{:?}", rig.leased);
    rig.wait(2_000);
    assert_eq!(rig.leased.len(), 1, "one question at a time");
    renewed(&mut rig, Ok(Renewed::Renewed));
    rig.wait(500);
    assert_eq!(rig.leased.len(), 2);
}

#[test]
fn promise_p11_nothing_leaves_whose_window_outlasts_the_lease() {
    let mut rig = holder();
    let order = rig.submit(limit(Side::Buy, qty("1"), price("99")));
    rig.durable();
    rig.accept(order);
    let before = rig.sent.len();
    // The store does not answer: at 7,400 a window of 2,000 and twice the clock's error would end with the lease.
    rig.wait(7_400);
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::Cancel(order) });
    assert!(shut(&rig));
    assert_eq!(rig.sent.len(), before, "not even a cancel");
    assert_eq!(rig.status(order), OrdStatus::New, "it is told that the cancel did not leave");
    renewed(&mut rig, Ok(Renewed::Renewed));
    rig.wait(1_000);
    assert!(!shut(&rig));
    let tried_again = rig.sent.iter().skip(before).any(|r| matches!(r, Request::Cancel(_)));
    assert!(tried_again, "a cancel is repeated when the lease stands again");
}

#[test]
fn promise_p11_an_order_that_waited_for_the_disk_leaves_under_the_lease_or_not_at_all() {
    let mut rig = holder();
    rig.wait(7_390);
    let order = rig.submit(limit(Side::Buy, qty("1"), price("99")));
    let before = rig.sent.len();
    rig.wait(20);
    rig.durable();
    assert_eq!(rig.sent.len(), before);
    assert!(rig.status(order).is_ended(), "{:?}", rig.status(order));
}

#[test]
fn promise_p11_a_deposed_engine_sends_nothing_more_and_says_who_has_it() {
    let holder_b = Holder { by: node("b"), epoch: Epoch(EPOCH.0 + 1), expires_in_ms: 9_000 };
    let mut rig = holder();
    let order = rig.submit(limit(Side::Buy, qty("1"), price("99")));
    rig.durable();
    rig.accept(order);
    rig.wait(2_500);
    renewed(&mut rig, Ok(Renewed::Taken(holder_b.clone())));
    assert_eq!(rig.fenced, [Lost::Taken(holder_b)]);
    assert!(rig.alerts.iter().any(|a| a.kind == "fenced" && a.text.contains('b')));
    let before = rig.sent.len();
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::CancelAll(None) });
    rig.give(Input::Drain);
    rig.give(Input::Disarm);
    rig.wait(60_000);
    assert_eq!((rig.sent.len(), rig.fenced.len()), (before, 1));
    assert_eq!(rig.engine.windows_end_before(rig.now()), None);
}

#[test]
fn promise_p11_an_engine_that_stood_still_is_out_with_the_first_input_it_hears() {
    let mut rig = holder();
    rig.ms += 30_000;
    rig.give(Input::Operator { who: "test".into(), command: OperatorCommand::CancelAll(None) });
    assert!(rig.sent.is_empty(), "{:?}", rig.sent);
    assert!(matches!(rig.fenced[..], [Lost::Lapsed(_)]), "{:?}", rig.fenced);
}

#[test]
fn promise_p11_the_first_sight_of_a_higher_epoch_ends_it_in_the_same_step() {
    let mut rig = holder();
    rig.wait(1_000);
    let config = rig.engine.config();
    let own = OwnId { account: config.account_number, strategy: 5, epoch: Epoch(EPOCH.0 + 1), intent: 7, attempt: 0 };
    let mut report = foreign("11", "1", "0");
    report.cl_ord_id = own.encode(&config.tag);
    (report.updated, report.created) = (rig.venue_time(), Some(rig.venue_time()));
    rig.stream(report);
    assert_eq!(rig.fenced, [Lost::Seen(Epoch(EPOCH.0 + 1))]);
    assert!(rig.engine.books().latches().is_empty(), "no later start has to be released for it");
}

#[test]
fn a_request_that_was_on_its_way_is_still_answered() {
    let mut rig = holder();
    let order = rig.submit(limit(Side::Buy, qty("1"), price("99")));
    rig.durable();
    let Some(Request::Submit { id, .. }) = rig.sent.last().cloned() else { panic!("it has left") };
    rig.wait(2_500);
    renewed(&mut rig, Ok(Renewed::Forgotten));
    let unknown = exec_core::venue::CommandError::Unknown { why: "cut".into(), live: false };
    rig.give(Input::Outcome { request: id, outcome: Outcome::Order(Err(unknown)) });
    assert_eq!(rig.status(order), OrdStatus::PendingNew);
}
