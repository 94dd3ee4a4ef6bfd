//! Servers that fail in every way they can: killed, filled up, emptied, cut back, made a replica, loading.

use std::time::{Duration, Instant};

use exec_core::journal::Journal;
use exec_journal::{Ack, RedisOptions};
use exec_testkit::redis_server::RedisServer;

use super::{Node, open, open_with, options, records, stream_length, until};
use crate::port::group;

fn stream_length_or_error(server: &RedisServer) -> String {
    server.command(&["XLEN", "{ex:main}:j"])
}

/// A node with some records, in Redis and durable.
fn begun(ack: Ack) -> (RedisServer, tempfile::TempDir, Node) {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, ack);
    node.write(50);
    node.wait_durable();
    node.follow();
    (server, dir, node)
}

/// Goes on, and shows that the copy is whole: another machine builds its journal from it.
fn is_whole(server: &RedisServer, dir: &tempfile::TempDir, mut node: Node) {
    node.write(10);
    node.wait_durable();
    node.follow();
    let last = node.last;
    drop(node);
    let mut rebuilt = open(&dir.path().join("rebuilt"), server, Ack::Local);
    assert_eq!(records(&mut rebuilt), group(1, last));
}

#[test]
fn killed_again_and_again_it_loses_nothing_that_was_shared() {
    let (mut server, dir, mut node) = begun(Ack::Shared);
    for _ in 0..8 {
        node.write(20);
        // At any moment, also in the middle of a batch.
        std::thread::sleep(Duration::from_millis(node.last % 7));
        server.kill();
        node.write(20);
        server.restart();
        node.wait_durable();
        assert_eq!(stream_length(&server), node.last);
    }
    is_whole(&server, &dir, node);
}

#[test]
fn a_restarted_server_has_forgotten_the_scripts_and_is_given_them_again() {
    let (server, dir, node) = begun(Ack::Shared);
    for _ in 0..3 {
        server.command(&["SCRIPT", "FLUSH"]);
    }
    is_whole(&server, &dir, node);
}

#[test]
fn a_full_server_takes_nothing_and_goes_on_when_there_is_room() {
    let (server, dir, mut node) = begun(Ack::Shared);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    node.write(10);
    until("the lag is told", || node.journal.copy().unwrap().too_far);
    assert_eq!(stream_length(&server), 50);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    node.wait_durable();
    assert_eq!(stream_length(&server), 60);
    is_whole(&server, &dir, node);
}

#[test]
fn a_server_that_became_a_replica_takes_nothing_until_it_is_the_primary_again() {
    let (server, dir, mut node) = begun(Ack::Shared);
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    node.write(10);
    until("the lag is told", || node.journal.copy().unwrap().too_far);
    server.command(&["REPLICAOF", "NO", "ONE"]);
    node.wait_durable();
    is_whole(&server, &dir, node);
}

#[test]
fn a_server_that_is_not_fit_any_more_takes_nothing_from_the_next_connection_on_until_it_is() {
    for (setting, unfit, fit) in [("appendfsync", "everysec", "always"), ("maxmemory-policy", "allkeys-lru", "noeviction")] {
        let (server, dir, mut node) = begun(Ack::Shared);
        server.command(&["CONFIG", "SET", setting, unfit]);
        server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        node.write(10);
        until("the lag is told", || node.journal.copy().unwrap().too_far);
        assert_eq!(stream_length(&server), 50, "{setting}");
        server.command(&["CONFIG", "SET", setting, fit]);
        node.wait_durable();
        is_whole(&server, &dir, node);
    }
}

#[test]
fn a_server_that_restarts_with_less_is_brought_up_to_date_from_the_local_log() {
    let (mut server, dir, mut node) = begun(Ack::Local);
    server.kill();
    let log = server.append_log();
    let whole = std::fs::read(&log).unwrap();
    // In the middle of a transaction: the server throws it away as a whole.
    std::fs::write(&log, &whole[..whole.len() * 2 / 3]).unwrap();
    server.restart();
    node.write(1);
    node.wait_durable();
    node.follow();
    assert_eq!(stream_length(&server), 51);
    is_whole(&server, &dir, node);
}

#[test]
fn a_server_that_lost_everything_is_given_it_again() {
    let (mut server, dir, mut node) = begun(Ack::Shared);
    server.kill();
    server.lose_disk();
    server.restart();
    node.write(1);
    node.wait_durable();
    assert_eq!(stream_length(&server), 51);
    assert_eq!(server.command(&["HGET", "{ex:main}:lease", "epoch"]), node.journal.epoch().to_string());
    is_whole(&server, &dir, node);
}

#[test]
fn flushed_by_an_operator_it_is_given_all_of_it_again() {
    let (server, dir, mut node) = begun(Ack::Shared);
    server.command(&["FLUSHALL"]);
    node.write(1);
    node.wait_durable();
    assert_eq!(stream_length(&server), 51);
    is_whole(&server, &dir, node);
}

#[test]
fn keys_that_have_become_another_environments_are_left_alone() {
    let (server, dir, mut node) = begun(Ack::Shared);
    server.command(&["FLUSHALL"]);
    server.command(&["HSET", "{ex:main}:meta", "format", "1", "account", "main", "env", "live"]);
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    node.write(10);
    until("the lag is told", || node.journal.copy().unwrap().too_far);
    assert_eq!(server.command(&["DBSIZE"]), ":1", "it has written to keys that are not its own");
    server.command(&["FLUSHALL"]);
    node.wait_durable();
    is_whole(&server, &dir, node);
}

#[test]
fn a_stream_that_somebody_has_trimmed_is_written_again() {
    let (mut server, dir, mut node) = begun(Ack::Local);
    server.command(&["XTRIM", "{ex:main}:j", "MAXLEN", "10"]);
    // Seen at the next connection.
    server.restart();
    node.write(1);
    node.wait_durable();
    until("it is whole", || stream_length(&server) == 51);
    is_whole(&server, &dir, node);
}

#[test]
fn a_server_that_loads_is_waited_for() {
    // A hundred microseconds for each key.
    let slow = ["enable-debug-command", "yes", "key-load-delay", "100", "loading-process-events-interval-bytes", "1024"];
    let (mut server, dir) = (RedisServer::with(&slow), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, Ack::Shared);
    node.write(50);
    node.wait_durable();
    server.command(&["DEBUG", "POPULATE", "10000"]);
    server.command(&["BGREWRITEAOF"]);
    until("it is rewritten", || {
        server.command(&["INFO", "persistence"]).contains("aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0")
    });
    node.write(10);
    server.restart_unready();
    until("it loads", || server.try_command(&["PING"]).is_ok_and(|answer| answer.starts_with("-LOADING")));
    assert!(stream_length_or_error(&server).starts_with("-LOADING"));
    node.wait_durable();
    is_whole(&server, &dir, node);
}

#[test]
fn records_that_this_journal_never_wrote_end_it() {
    let (mut server, _dir, mut node) = begun(Ack::Local);
    let chain = "x".repeat(32);
    server.command(&["XADD", "{ex:main}:j", "51-1", "e", "9", "r", "0000", "c", &chain]);
    server.command(&["HSET", "{ex:main}:h", "seq", "51", "chain", &chain]);
    server.restart();
    let why = node.failure();
    assert!(why.contains("51") && why.contains("50"), "{why}");
}

#[test]
fn a_journal_ends_soon_though_its_server_is_away() {
    for kill in [true, false] {
        let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let redis = RedisOptions { timeout: Duration::from_secs(2), ..options(&server.url(), Ack::Shared) };
        let mut node = Node::of(open_with(&dir.path().join("main"), redis).unwrap());
        node.write(10);
        node.wait_durable();
        if kill {
            server.kill()
        } else {
            server.pause()
        }
        node.write(10);
        // So long that it has asked in vain.
        std::thread::sleep(Duration::from_millis(2_200));
        let begun = Instant::now();
        drop(node);
        assert!(begun.elapsed() < Duration::from_millis(1_500), "killed: {kill}: {:?}", begun.elapsed());
        if !kill {
            server.resume();
        }
    }
}

#[test]
fn a_journal_that_ends_waits_for_a_server_that_is_slow() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let redis = RedisOptions { timeout: Duration::from_secs(4), ..options(&server.url(), Ack::Local) };
    let mut node = Node::of(open_with(&dir.path().join("main"), redis).unwrap());
    node.write(10);
    node.wait_durable();
    node.follow();
    server.pause();
    node.write(10);
    let ends = std::thread::spawn(move || drop(node));
    std::thread::sleep(Duration::from_millis(700));
    server.resume();
    ends.join().unwrap();
    assert_eq!(stream_length(&server), 20);
}
