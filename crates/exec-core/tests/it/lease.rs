//! The lease of an account: when it covers a request, how long a successor waits, and how it is lost for good.

use exec_core::{
    ids::{Epoch, NodeId},
    lease::{Acquired, Answer, Holder, Lease, LeaseError, LeaseTerms, Lost, Predecessor, Question, Renewed, Standing},
    time::{ClockReading, Timestamp, VenueTime},
};

const TERMS: LeaseTerms = LeaseTerms { ttl_ms: 10_000, recv_window_ms: 2_000, clock_error_ms: 300, engine_margin_ms: 10_000 };
const SHARP: Option<ClockReading> = Some(ClockReading { offset_ms: 0, error_ms: 0 });

const fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(1_000_000 + ms)
}
const fn venue(ms: i64) -> VenueTime {
    VenueTime(1_000_000 + ms)
}
fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}
fn candidate(above: u32) -> Lease {
    Lease::new(TERMS, node("a"), Epoch(above))
}
fn granted(epoch: u32, predecessor: Predecessor) -> Answer {
    Answer::Acquired(Ok(Acquired::Granted { epoch: Epoch(epoch), predecessor }))
}
fn other(epoch: u32, expires_in_ms: u64) -> Holder {
    Holder { by: node("b"), epoch: Epoch(epoch), expires_in_ms }
}
/// Asks, and hears the answer so much later.
fn exchange(lease: &mut Lease, ms: u64, took_ms: u64, answer: Answer) -> Question {
    let question = lease.ask(at(ms)).expect("there is something to ask");
    lease.answered(at(ms + took_ms), answer);
    question
}
/// A holder that was granted the lease long after the one before it, asked for at 0.
fn holder() -> Lease {
    let mut lease = candidate(7);
    exchange(&mut lease, 0, 100, granted(8, Predecessor::Ended { ago_ms: 60_000 }));
    lease
}
fn covers(lease: &Lease, ms: u64) -> bool {
    lease.covers(at(ms), SHARP, venue(i64::try_from(ms).unwrap()), TERMS.recv_window_ms)
}

#[test]
fn promise_p11_a_window_that_ends_with_the_lease_is_not_signed() {
    let lease = holder();
    // Counted from before the question: until 10,000, not 10,100. 2,000 of window and twice 300 of error before that.
    assert!(covers(&lease, 7_399));
    assert!(!covers(&lease, 7_400));
    assert!(lease.covers(at(9_000), SHARP, venue(7_000), 2_000), "what was dated earlier may still be signed");
    assert!(!lease.covers(at(10_000), SHARP, venue(7_000), 2_000), "but not when the lease is over");
}

#[test]
fn promise_p11_nothing_is_signed_by_a_clock_that_is_not_known_well_enough() {
    let lease = holder();
    let covers = |clock| lease.covers(at(100), clock, venue(100), 2_000);
    assert!(covers(Some(ClockReading { offset_ms: 0, error_ms: 300 })));
    assert!(!covers(Some(ClockReading { offset_ms: 0, error_ms: 301 })));
    assert!(!covers(None));
}

#[test]
fn the_end_of_a_lease_is_told_in_the_venues_time() {
    let lease = holder();
    let ahead = Some(ClockReading { offset_ms: 5_000, error_ms: 0 });
    assert_eq!(lease.windows_end_before(at(200), ahead), Some(venue(10_000 + 5_000 - 600)));
}

#[test]
fn promise_p11_a_successor_waits_for_what_its_predecessor_has_signed() {
    let mut lease = candidate(7);
    exchange(&mut lease, 0, 100, granted(8, Predecessor::Ended { ago_ms: 200 }));
    // Ended 200 before the answer at 100; 10,000 of engine margin and twice 300 of error.
    assert_eq!(*lease.standing(), Standing::Held { epoch: Epoch(8), from: at(10_500), until: at(10_000) });
    for ms in [2_500, 5_000, 7_500] {
        assert!(!covers(&lease, ms));
        exchange(&mut lease, ms, 10, Answer::Renewed(Ok(Renewed::Renewed)));
    }
    assert!(!lease.is_ready(at(10_499)));
    assert!(lease.is_ready(at(10_500)));
    assert!(covers(&lease, 10_500));
}

#[test]
fn promise_p11_a_store_that_has_forgotten_may_have_granted_it_a_moment_ago() {
    let mut lease = candidate(7);
    exchange(&mut lease, 0, 100, granted(8, Predecessor::Unknown));
    assert_eq!(*lease.standing(), Standing::Held { epoch: Epoch(8), from: at(100 + 10_000 + 10_600), until: at(10_000) });
}

#[test]
fn what_was_heard_of_anothers_lease_outlives_the_stores_memory() {
    let mut lease = candidate(7);
    exchange(&mut lease, 0, 0, Answer::Acquired(Ok(Acquired::Held(other(9, 4_000)))));
    assert_eq!(*lease.standing(), Standing::Waiting(Some(other(9, 4_000))));
    let Question::Acquire(ask) = exchange(&mut lease, 2_500, 0, granted(10, Predecessor::Ended { ago_ms: 60_000 })) else {
        panic!("a candidate acquires")
    };
    assert_eq!(ask.epoch, Epoch(9), "the epoch is above every one that was heard of");
    assert!(!lease.is_ready(at(4_000 + 10_599)));
    let Standing::Held { from, .. } = lease.standing() else { panic!("granted") };
    assert_eq!(*from, at(4_000 + 10_600));
}

#[test]
fn promise_p11_a_holder_that_stood_still_is_out_before_it_signs() {
    let mut lease = holder();
    assert!(!covers(&lease, 30_000));
    let renewal = lease.ask(at(30_000));
    assert_eq!(renewal, None, "what is over is not renewed");
    assert!(matches!(lease.standing(), Standing::Lost(Lost::Lapsed(_))));
    assert_eq!(lease.next(), None);
}

#[test]
fn promise_p11_a_renewal_that_comes_too_late_revives_nothing() {
    let mut lease = holder();
    exchange(&mut lease, 2_500, 8_000, Answer::Renewed(Ok(Renewed::Renewed)));
    assert!(matches!(lease.standing(), Standing::Lost(Lost::Lapsed(_))));
}

#[test]
fn promise_p11_an_epoch_of_another_that_is_not_below_ends_it_in_the_same_step() {
    let mut lease = holder();
    lease.saw(at(500), Epoch(7));
    assert!(covers(&lease, 500), "what earlier starts have sent is no news");
    for epoch in [Epoch(8), Epoch(9)] {
        let mut lease = holder();
        lease.saw(at(500), epoch);
        assert_eq!(*lease.standing(), Standing::Lost(Lost::Seen(epoch)));
        assert!(!covers(&lease, 500));
    }
}

#[test]
fn promise_p11_a_holder_whom_the_store_does_not_know_is_out_for_good() {
    for (answer, lost) in [(Renewed::Taken(other(9, 5_000)), Lost::Taken(other(9, 5_000))), (Renewed::Forgotten, Lost::Forgotten)]
    {
        let mut lease = holder();
        exchange(&mut lease, 2_500, 10, Answer::Renewed(Ok(answer)));
        assert_eq!(*lease.standing(), Standing::Lost(lost.clone()));
        assert_eq!((covers(&lease, 2_600), lease.ask(at(20_000))), (false, None));
        lease.raise(Epoch(100));
        assert_eq!(*lease.standing(), Standing::Lost(lost));
    }
}

#[test]
fn a_renewal_without_an_answer_is_asked_again_soon() {
    let mut lease = holder();
    let unavailable = Answer::Renewed(Err(LeaseError::Unavailable("gone".into())));
    exchange(&mut lease, 2_500, 2_500, unavailable);
    assert_eq!(lease.next(), Some(at(5_500)));
    exchange(&mut lease, 5_500, 10, Answer::Renewed(Ok(Renewed::Renewed)));
    assert!(covers(&lease, 12_800));
}

#[test]
fn a_journal_with_a_higher_epoch_asks_for_one_above_it() {
    let mut lease = holder();
    lease.raise(Epoch(20));
    assert!(!lease.is_ready(at(200)), "nothing is sent under an epoch that was used");
    let Question::Acquire(ask) = exchange(&mut lease, 200, 10, granted(21, Predecessor::Unknown)) else { panic!("raises it") };
    assert_eq!(ask.epoch, Epoch(20));
    assert!(lease.is_ready(at(300)), "it was waited for before");
    assert_eq!(lease.epoch(), Some(Epoch(21)));
}

#[test]
fn who_has_sent_nothing_yet_waits_again() {
    let mut lease = candidate(7);
    exchange(&mut lease, 0, 0, granted(8, Predecessor::Unknown));
    assert_eq!(lease.ask(at(12_000)).map(|q| matches!(q, Question::Acquire(_))), Some(true), "its lease has lapsed unused");
    lease.answered(at(12_010), Answer::Acquired(Ok(Acquired::Held(other(9, 10_000)))));
    assert_eq!(*lease.standing(), Standing::Waiting(Some(other(9, 10_000))));
}
