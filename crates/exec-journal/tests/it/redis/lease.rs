//! The lease of an account on a real server: by its clock, one step each, and how far the server vouches for what was before.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use exec_core::ids::{Epoch, NodeId};
use exec_core::journal::{Journal, JournalError};
use exec_core::lease::{Acquired, Ask, Holder, LeaseError, LeaseStore, Predecessor, Renewed};
use exec_journal::{Ack, LogOptions, OsDiskOptions, RedisLease, RedisOptions, SharedJournal};
use exec_testkit::redis_server::RedisServer;

use super::{Node, open_with, options, until};
use crate::port::{group, wait_for};

const VOLATILE: OsDiskOptions = OsDiskOptions { allow_volatile: true };

fn lease(server: &RedisServer) -> RedisLease {
    RedisLease::new(options(&server.url(), Ack::Local)).unwrap()
}

fn ask(owner: &str, epoch: u32, ttl_ms: u64) -> Ask {
    Ask { owner: NodeId::new(owner).unwrap(), epoch: Epoch(epoch), ttl_ms }
}

fn acquire(lease: &RedisLease, owner: &str, epoch: u32, ttl_ms: u64) -> Acquired {
    wait_for(lease.acquire(ask(owner, epoch, ttl_ms))).unwrap()
}

fn granted(epoch: u32, predecessor: Predecessor) -> Acquired {
    Acquired::Granted { epoch: Epoch(epoch), predecessor }
}

/// What a journal is opened with that is written under this node's lease.
fn under(server: &RedisServer, owner: &str) -> RedisOptions {
    RedisOptions { owner: NodeId::new(owner).ok(), ..options(&server.url(), Ack::Shared) }
}

#[test]
fn one_holds_it_until_it_is_over_and_epochs_only_rise() {
    let server = RedisServer::start();
    let (a, b) = (lease(&server), lease(&server));
    assert_eq!(wait_for(a.look()), Ok(None));
    assert_eq!(acquire(&a, "a", 4, 300), granted(5, Predecessor::Unknown));
    let held = acquire(&b, "b", 0, 300);
    assert!(matches!(&held, Acquired::Held(Holder { by, epoch: Epoch(5), expires_in_ms: 1..=300 }) if by.as_str() == "a"));
    assert_eq!(wait_for(a.renew(ask("a", 5, 300))), Ok(Renewed::Renewed));
    let mut taken = None;
    until("it is over", || match acquire(&b, "b", 0, 60_000) {
        Acquired::Held(_) => false,
        other => {
            taken = Some(other);
            true
        }
    });
    let Some(Acquired::Granted { epoch: Epoch(6), predecessor: Predecessor::Ended { ago_ms } }) = taken else {
        panic!("{taken:?}")
    };
    assert!(ago_ms < 200, "{ago_ms}");
    let renewed = wait_for(a.renew(ask("a", 5, 300)));
    assert!(matches!(renewed, Ok(Renewed::Taken(Holder { epoch: Epoch(6), .. }))), "{renewed:?}");
    // What the deposed one still asks for does nothing.
    wait_for(a.release(ask("a", 5, 0))).unwrap();
    assert!(matches!(acquire(&a, "a", 5, 300), Acquired::Held(_)));
}

#[test]
fn an_asker_whose_answer_was_lost_is_granted_its_own_again() {
    let server = RedisServer::start();
    let a = lease(&server);
    assert_eq!(acquire(&a, "a", 0, 60_000), granted(1, Predecessor::Unknown));
    assert_eq!(acquire(&a, "a", 0, 60_000), granted(1, Predecessor::Unknown));
    // Its epoch was too low.
    assert_eq!(acquire(&a, "a", 9, 60_000), granted(10, Predecessor::Unknown));
}

#[test]
fn a_lease_that_is_over_and_that_nobody_took_is_renewed() {
    let server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 1);
    until("it is over", || wait_for(a.look()).unwrap().unwrap().expires_in_ms == 0);
    assert_eq!(wait_for(a.renew(ask("a", 1, 500))), Ok(Renewed::Renewed));
    assert!(wait_for(a.look()).unwrap().unwrap().expires_in_ms > 300);
}

#[test]
fn a_release_only_shortens() {
    let server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 60_000);
    wait_for(a.release(ask("a", 1, 90_000))).unwrap();
    assert!((50_000..=60_000).contains(&wait_for(a.look()).unwrap().unwrap().expires_in_ms));
    wait_for(a.release(ask("a", 1, 100))).unwrap();
    assert!(wait_for(a.look()).unwrap().unwrap().expires_in_ms <= 100);
    assert_eq!(wait_for(a.look()).unwrap().unwrap().epoch, Epoch(1), "the record stays");
}

#[test]
fn a_server_that_restarted_vouches_for_nothing_and_one_that_forgot_says_so() {
    let mut server = RedisServer::start();
    let (a, b) = (lease(&server), lease(&server));
    acquire(&a, "a", 0, 1);
    server.restart();
    // The connection of before is gone.
    until("it is asked again", || wait_for(b.look()).is_ok());
    assert_eq!(acquire(&b, "b", 0, 1), granted(2, Predecessor::Unknown));
    server.command(&["FLUSHALL"]);
    assert_eq!(wait_for(b.renew(ask("b", 2, 500))), Ok(Renewed::Forgotten));
    assert_eq!(acquire(&b, "b", 2, 1), granted(3, Predecessor::Unknown));
}

#[test]
fn a_server_that_does_not_answer_or_refuses_is_told_apart() {
    let mut server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 60_000);
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(matches!(wait_for(a.renew(ask("a", 1, 500))), Err(LeaseError::Refused(_))));
    server.command(&["REPLICAOF", "NO", "ONE"]);
    server.pause();
    let begun = Instant::now();
    assert!(matches!(wait_for(a.renew(ask("a", 1, 500))), Err(LeaseError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_secs(3));
    server.resume();
    assert_eq!(wait_for(a.renew(ask("a", 1, 500))), Ok(Renewed::Renewed));
    server.kill();
    assert!(matches!(wait_for(a.renew(ask("a", 1, 500))), Err(LeaseError::Unavailable(_))));
}

#[test]
fn whoever_takes_the_lease_ends_the_journal_of_who_had_it() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (a, b) = (lease(&server), lease(&server));
    acquire(&a, "a", 0, 60_000);
    let redis = under(&server, "a");
    let mut deposed = Node::of(open_with(&dir.path().join("a"), redis.clone()).unwrap());
    deposed.write(5);
    deposed.wait_durable();
    wait_for(a.release(ask("a", 1, 0))).unwrap();
    assert!(matches!(acquire(&b, "b", 1, 60_000), Acquired::Granted { epoch: Epoch(2), .. }));
    // Before the next one has written anything.
    let _ = deposed.journal.append(&group(6, 1));
    assert!(deposed.failure().contains("taken this account over"));
    assert!(matches!(open_with(&dir.path().join("a2"), redis.clone()).map(drop), Err(exec_journal::CopyError::Held { .. })));
    let next = Node::of(open_with(&dir.path().join("b"), under(&server, "b")).unwrap());
    assert_eq!((next.last, next.journal.epoch()), (5, 2));
}

#[test]
fn a_question_that_nobody_waits_for_any_more_is_not_asked() {
    let server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 1);
    until("it is over", || wait_for(a.look()).unwrap().unwrap().expires_in_ms == 0);
    server.pause();
    let mut context = Context::from_waker(Waker::noop());
    // The first of them is on its way and holds the thread up.
    let mut first = a.look();
    assert!(first.as_mut().poll(&mut context).is_pending());
    std::thread::sleep(Duration::from_millis(50));
    let mut second = a.acquire(ask("b", 0, 60_000));
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop((first, second));
    server.resume();
    // Asked behind them, and perhaps over a connection that is given up first.
    until("it answers", || wait_for(a.look()).is_ok());
    assert_eq!(wait_for(a.look()).unwrap().unwrap().by.as_str(), "a", "it was asked for when nobody counted with it");
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_one_to_the_next_question() {
    let server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 60_000);
    server.pause();
    assert!(matches!(wait_for(a.renew(ask("a", 1, 60_000))), Err(LeaseError::Unavailable(_))));
    server.resume();
    assert_eq!(wait_for(a.look()).unwrap().unwrap().by.as_str(), "a");
}

#[test]
fn a_server_that_comes_back_is_asked_over_another_connection() {
    let mut server = RedisServer::start();
    let a = lease(&server);
    acquire(&a, "a", 0, 60_000);
    server.restart();
    until("it answers", || wait_for(a.renew(ask("a", 1, 60_000))) == Ok(Renewed::Renewed));
}

#[test]
fn a_journal_is_not_opened_under_a_lease_that_is_not_there() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (a, b) = (lease(&server), lease(&server));
    let opened = || open_with(&dir.path().join("a"), under(&server, "a")).map(drop);
    let not_held = |what: &str| {
        let refused = opened();
        assert!(matches!(refused, Err(exec_journal::CopyError::NotHeld)), "{what}: {refused:?}");
    };
    not_held("nobody ever had it");
    acquire(&b, "b", 0, 1);
    until("it is over", || wait_for(b.look()).unwrap().unwrap().expires_in_ms == 0);
    not_held("another had it");
    acquire(&a, "a", 1, 60_000);
    opened().unwrap();
    server.command(&["DEL", "{ex:main}:lease"]);
    not_held("the store has forgotten it");
}

#[test]
fn a_journal_that_stands_by_is_opened_when_it_is_read_and_has_the_last_record_of_the_node_before() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (a, b) = (lease(&server), lease(&server));
    acquire(&a, "a", 0, 60_000);
    let log = LogOptions::new("main");
    let mut first = Node::of(open_with(&dir.path().join("a"), under(&server, "a")).unwrap());
    let standby = || SharedJournal::standby(dir.path().join("b"), log.clone(), VOLATILE, under(&server, "b"));
    let mut early = standby();
    assert!(matches!(early.newest_snapshot(), Err(JournalError::Locked(_))), "read without the lease");
    let waits = standby();
    first.write(9);
    first.wait_durable();
    wait_for(a.release(ask("a", 1, 0))).unwrap();
    acquire(&b, "b", 1, 60_000);
    let mut next = Node::of(waits);
    assert_eq!((next.last, next.journal.epoch()), (9, 2));
    next.write(1);
    next.wait_durable();
    assert!(first.failure().contains("taken this account over"));
}

#[test]
fn a_journal_follows_its_own_lease_to_a_higher_epoch() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let a = lease(&server);
    acquire(&a, "a", 0, 60_000);
    let mut node = Node::of(open_with(&dir.path().join("a"), under(&server, "a")).unwrap());
    node.write(3);
    node.wait_durable();
    // Its owner has seen a higher epoch at the venue.
    assert_eq!(acquire(&a, "a", 40, 60_000), granted(41, Predecessor::Unknown));
    node.write(3);
    node.wait_durable();
    assert_eq!(server.command(&["XRANGE", "{ex:main}:j", "6-1", "6-1"]).lines().nth(2), Some("41"));
}
