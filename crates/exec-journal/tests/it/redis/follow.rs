//! What is durable when, who may write, how far behind the copy is.

use std::time::{Duration, Instant};

use exec_core::ids::Seq;
use exec_core::journal::{Journal, JournalError};
use exec_journal::Ack;
use exec_testkit::redis_server::RedisServer;

use super::relay::Relay;
use super::{Node, open_with, options, records, stream_length, until};
use crate::port::{group, wait_for};

#[test]
fn a_shared_record_is_durable_when_redis_has_it() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, Ack::Shared);
    for _ in 0..20 {
        node.write(5);
        node.wait_durable();
        assert_eq!(stream_length(&server), node.last);
    }
}

#[test]
fn a_shared_record_is_not_durable_while_redis_is_stopped_and_is_when_it_goes_on() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, Ack::Shared);
    node.write(3);
    node.wait_durable();
    server.pause();
    node.write(3);
    // What closes a position waits for the local write alone.
    wait_for(node.journal.written(Seq(6)));
    until("the lag is told", || node.journal.copy().unwrap().too_far);
    let lag = node.journal.copy().unwrap();
    assert!(lag.records == 3 && lag.age_ms >= 300, "{lag:?}");
    server.resume();
    node.wait_durable();
    node.follow();
    assert!(!node.journal.copy().unwrap().too_far);
    assert_eq!(stream_length(&server), 6);
}

#[test]
fn a_local_record_is_durable_without_redis_and_the_lag_is_a_figure() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, Ack::Local);
    node.write(10);
    node.wait_durable();
    node.follow();
    server.kill();
    let begun = Instant::now();
    node.write(40);
    node.wait_durable();
    assert!(begun.elapsed() < Duration::from_secs(2), "waited for redis");
    assert_eq!(node.journal.copy().unwrap().records, 40);
    until("its age closes the gate", || node.journal.copy().unwrap().too_far);
    server.restart();
    node.follow();
    assert!(!node.journal.copy().unwrap().too_far);
    assert_eq!(stream_length(&server), 50);
}

#[test]
fn so_many_records_behind_close_the_gate_at_once() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut redis = options(&server.url(), Ack::Local);
    (redis.lag_max, redis.lag_max_records) = (Duration::from_secs(3600), 30);
    let mut node = Node::of(open_with(&dir.path().join("main"), redis).unwrap());
    server.kill();
    node.write(30);
    node.wait_durable();
    assert!(!node.journal.copy().unwrap().too_far);
    node.write(1);
    node.wait_durable();
    assert!(node.journal.copy().unwrap().too_far);
}

#[test]
fn what_does_not_fit_into_memory_is_read_back_from_the_local_log() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = dir.path().join("main");
    let mut redis = options(&server.url(), Ack::Local);
    redis.waiting_bytes_max = 4096;
    let mut node = Node::of(open_with(&path, redis).unwrap());
    server.kill();
    // Many times what waits in memory, over many segments.
    while node.last < 3_000 {
        node.write(300);
        node.wait_durable();
    }
    server.restart();
    node.follow();
    assert_eq!(stream_length(&server), 3_000);
    // And from memory again.
    node.write(10);
    node.wait_durable();
    node.follow();
    drop(node);
    let mut rebuilt = Node::start(&dir.path().join("other"), &server, Ack::Local);
    assert_eq!(rebuilt.last, 3_010);
    rebuilt.write(1);
    rebuilt.wait_durable();
}

#[test]
fn an_answer_that_is_lost_after_the_append_was_done_writes_nothing_twice() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let relay = Relay::before(server.port());
    let redis = options(&relay.url(), Ack::Shared);
    let mut node = Node::of(open_with(&dir.path().join("main"), redis).unwrap());
    for round in 1..=20 {
        relay.lose_next_answer();
        node.write(7);
        node.wait_durable();
        assert_eq!(relay.lost(), round);
        assert_eq!(stream_length(&server), node.last);
    }
    drop(node);
    let mut rebuilt = super::open(&dir.path().join("other"), &server, Ack::Shared);
    assert_eq!(records(&mut rebuilt), group(1, 140));
}

#[test]
fn promise_p11_a_writer_that_was_taken_over_from_can_append_nothing() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    for ack in [Ack::Local, Ack::Shared] {
        let mut deposed = Node::start(&dir.path().join(format!("a{ack:?}")), &server, ack);
        deposed.write(4);
        deposed.wait_durable();
        deposed.follow();
        let mut next = Node::start(&dir.path().join(format!("b{ack:?}")), &server, ack);
        assert!(next.journal.epoch() > deposed.journal.epoch());
        let had = stream_length(&server);
        // It may still queue one; what it is told is the end.
        let _ = deposed.journal.append(&group(deposed.last + 1, 1));
        let why = deposed.failure();
        assert!(why.contains("another node has taken this account over"), "{why}");
        let refused = deposed.journal.append(&group(deposed.last + 2, 1)).unwrap_err();
        assert!(matches!(refused, JournalError::Failed(_)));
        assert_eq!(stream_length(&server), had, "a deposed writer has written");
        next.write(3);
        next.wait_durable();
        next.follow();
        assert_eq!(stream_length(&server), had + 3);
        drop((deposed, next));
        server.command(&["FLUSHALL"]);
    }
}

#[test]
fn a_take_over_is_noticed_without_an_order() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut deposed = Node::start(&dir.path().join("a"), &server, Ack::Local);
    deposed.write(1);
    deposed.wait_durable();
    let next = Node::start(&dir.path().join("b"), &server, Ack::Local);
    assert!(deposed.failure().contains("taken this account over"));
    drop(next);
}

#[test]
fn the_end_of_a_journal_brings_what_it_has_to_redis() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    for round in 1..=5 {
        let mut node = Node::start(&dir.path().join("main"), &server, Ack::Local);
        node.write(100);
        drop(node);
        assert_eq!(stream_length(&server), round * 100);
    }
}

#[test]
fn a_second_start_on_the_same_machine_leaves_the_node_that_runs_alone() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = dir.path().join("main");
    let mut node = Node::start(&path, &server, Ack::Shared);
    let second = open_with(&path, options(&server.url(), Ack::Shared)).map(drop);
    assert!(matches!(second, Err(exec_journal::CopyError::Local(exec_journal::OpenError::Locked { .. }))));
    node.write(5);
    node.wait_durable();
    assert_eq!(stream_length(&server), 5);
}

#[test]
fn promise_p11_a_writer_that_was_taken_over_from_does_not_take_the_account_back_when_it_connects_again() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut deposed = Node::start(&dir.path().join("a"), &server, Ack::Local);
    deposed.write(4);
    deposed.wait_durable();
    deposed.follow();
    server.command(&["HSET", "{ex:main}:lease", "epoch", "99", "writer", "another life"]);
    server.kill();
    server.restart();
    assert!(deposed.failure().contains("taken this account over (its epoch is 99"));
    assert_eq!(server.command(&["HMGET", "{ex:main}:lease", "epoch", "writer"]), "99\nanother life");
}
