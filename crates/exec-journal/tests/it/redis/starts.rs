//! What a start refuses and by which words, and how a machine that lacks records, or all of them, gets them from Redis.

use std::path::Path;
use std::time::{Duration, Instant};

use exec_core::engine::Engine;
use exec_core::ids::{Epoch, NodeId, Seq};
use exec_core::journal::Journal;
use exec_core::lease::{Ask, LeaseStore};
use exec_core::record::Record;
use exec_core::time::Timestamp;
use exec_core::units::PositionMode;
use exec_journal::{
    Ack, CopyError, EngineJournal, EventStream, Log, LogOptions, OsDisk, OsDiskOptions, QueueLimits, RedisLease, RedisOptions,
    SharedJournal,
};
use exec_testkit::fixtures::{config, profile};
use exec_testkit::redis_server::RedisServer;

use super::{Node, open_with, options, records, stream_length, until};
use crate::port::{group, wait_for};

fn refused(path: &Path, redis: RedisOptions) -> CopyError {
    match open_with(path, redis) {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

fn unfit(settings: &[&str], ack: Ack) -> String {
    let (server, dir) = (RedisServer::with(settings), tempfile::tempdir().unwrap());
    match refused(&dir.path().join("main"), options(&server.url(), ack)) {
        CopyError::Unfit { what, advice } => format!("{what}; {advice}"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_server_that_evicts_is_refused() {
    assert!(unfit(&["maxmemory-policy", "allkeys-lru"], Ack::Local).contains("set `maxmemory-policy noeviction`"));
}

#[test]
fn shared_wants_every_write_on_the_disk() {
    assert!(unfit(&["appendonly", "no"], Ack::Shared).contains("set `appendonly yes`"));
    assert!(unfit(&["appendfsync", "everysec"], Ack::Shared).contains("set `appendfsync always`"));
    assert!(unfit(&["no-appendfsync-on-rewrite", "yes"], Ack::Shared).contains("no-appendfsync-on-rewrite no"));
}

#[test]
fn shared_with_replicas_wants_what_this_version_lacks() {
    let (primary, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let replica = RedisServer::start();
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    until("the replica is there", || primary.command(&["INFO", "replication"]).contains("connected_slaves:1"));
    let version = primary.command(&["INFO", "server"]);
    let refused = refused(&dir.path().join("main"), options(&primary.url(), Ack::Shared));
    let CopyError::Unfit { what, .. } = &refused else { panic!("{refused}") };
    let knows_waitaof = !version.contains("redis_version:7.0");
    assert!(what.contains(if knows_waitaof { "`replicas` is 0" } else { "without WAITAOF" }), "{what}");
    // A replica takes no journal, whatever is asked of it.
    let refused = self::refused(&dir.path().join("main"), options(&replica.url(), Ack::Local));
    assert!(refused.to_string().contains("it is a replica of 127.0.0.1"), "{refused}");
    // What a fail-over may lose is accepted where the local log alone is waited for.
    Node::start(&dir.path().join("main"), &primary, Ack::Local);
}

#[test]
fn keys_of_another_account_or_environment_are_refused() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("main"), &server, Ack::Local);
    node.write(3);
    drop(node);
    let redis = options(&server.url(), Ack::Local);
    let live = RedisOptions { environment: "live".into(), ..redis.clone() };
    let told = refused(&dir.path().join("b"), live).to_string();
    assert!(told.contains("account main, environment `simulated`") && told.contains("key_prefix"), "{told}");
    server.command(&["DEL", "{ex:main}:meta"]);
    assert!(matches!(refused(&dir.path().join("b"), redis.clone()), CopyError::Foreign(_)));
    server.command(&["FLUSHALL"]);
    server.command(&["SET", "{ex:main}:h", "something else"]);
    assert!(open_with(&dir.path().join("b"), redis).is_err());
}

#[test]
fn a_lease_that_another_holds_is_refused_with_who_holds_it() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let until = server.command(&["TIME"]).lines().next().unwrap().parse::<u64>().unwrap() * 1000 + 60_000;
    let lease = ["epoch", "7", "owner", "node-b", "expires_ms"];
    server.command(&[&["HSET", "{ex:main}:lease"], &lease[..], &[&until.to_string()]].concat());
    let refused = refused(&dir.path().join("main"), options(&server.url(), Ack::Local));
    assert!(matches!(&refused, CopyError::Held { owner, left_ms } if owner == "node-b" && *left_ms > 50_000), "{refused}");
    // Whoever has that lease may.
    let ours = RedisOptions { owner: NodeId::new("node-b").ok(), ..options(&server.url(), Ack::Local) };
    assert_eq!(open_with(&dir.path().join("main"), ours).unwrap().epoch(), 7);
}

#[test]
fn a_server_that_is_not_there_is_waited_for_and_then_told() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let redis = options(&server.url(), Ack::Local);
    for paused in [true, false] {
        if paused {
            server.pause()
        } else {
            server.kill()
        }
        let begun = Instant::now();
        let refused = refused(&dir.path().join("main"), redis.clone());
        assert!(matches!(refused, CopyError::Away(_)), "{refused}");
        assert!((800..4_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        if paused {
            server.resume();
        }
    }
    let waits = std::thread::spawn({
        let (path, redis) = (dir.path().join("main"), RedisOptions { patience: Duration::from_secs(20), ..redis });
        move || open_with(&path, redis).is_ok()
    });
    std::thread::sleep(Duration::from_millis(150));
    server.restart();
    assert!(waits.join().unwrap());
}

#[test]
fn passwords_are_said_and_wrong_ones_told() {
    let server = RedisServer::start();
    let dir = tempfile::tempdir().unwrap();
    server.command(&["ACL", "SETUSER", "node", "on", ">sesame", "~{ex:*", "+@all"]);
    server.command(&["ACL", "SETUSER", "default", "off"]);
    let redis = options(&server.url(), Ack::Local);
    let with = |user: &str, password: &str| RedisOptions {
        user: Some(user.into()),
        password: Some(password.to_owned().into()),
        ..redis.clone()
    };
    for wrong in [redis.clone(), with("node", "guess"), with("nobody", "sesame")] {
        let refused = refused(&dir.path().join("main"), wrong);
        assert!(matches!(refused, CopyError::Unfit { .. }), "{refused}");
        assert!(!refused.to_string().contains("guess"));
    }
    assert!(open_with(&dir.path().join("main"), with("node", "sesame")).is_ok());
    let elsewhere = RedisOptions { key_prefix: "other".into(), ..with("node", "sesame") };
    assert!(matches!(refused(&dir.path().join("main"), elsewhere), CopyError::Unfit { .. }));
}

#[test]
fn a_user_with_the_rights_of_the_manual_may_do_all_that_a_node_and_a_consumer_do() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let rights = ["+@all", "-@dangerous", "+info", "+config|get"];
    server.command(&[&["ACL", "SETUSER", "node", "on", ">sesame", "~{ex:*"], &rights[..]].concat());
    let redis = RedisOptions {
        user: Some("node".into()),
        password: Some("sesame".to_owned().into()),
        ..options(&server.url(), Ack::Shared)
    };
    let lease = RedisLease::new(redis.clone()).unwrap();
    let owner = NodeId::new("a").unwrap();
    let ask = |epoch| Ask { owner: owner.clone(), epoch: Epoch(epoch), ttl_ms: 60_000 };
    wait_for(lease.acquire(ask(0))).unwrap();
    wait_for(lease.renew(ask(1))).unwrap();
    let owned = RedisOptions { owner: Some(owner.clone()), ..redis.clone() };
    let path = dir.path().join("main");
    let mut node = Node::of(open_with(&path, owned).unwrap());
    let view = move || OsDisk::open(&path, OsDiskOptions { allow_volatile: true });
    node.journal.publish(view, Box::new(super::events::Notes::default()), 100).unwrap();
    node.write(20);
    node.wait_durable();
    until("all is told", || node.journal.events().unwrap().records == 0);
    let mut stream = EventStream::open(&redis).unwrap();
    stream.make_group("risk").unwrap();
    let (_, events) = stream.read_as_member("risk", "a", Duration::from_millis(50)).unwrap();
    stream.acknowledge("risk", &[events[0].id]).unwrap();
    wait_for(lease.look()).unwrap();
    wait_for(lease.release(ask(1))).unwrap();
    // And nothing else.
    let denied = server.command(&["ACL", "LOG"]);
    assert!(denied.is_empty(), "{denied}");
}

#[test]
fn a_journal_that_was_a_file_alone_is_copied_whole_and_may_be_one_again() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = dir.path().join("main");
    let alone = |from: u64| {
        let disk = OsDisk::open(&path, OsDiskOptions { allow_volatile: true }).unwrap();
        let (log, _) = Log::open(disk, &LogOptions { segment_bytes: 16 * 1024, ..LogOptions::new("main") }).unwrap();
        let mut journal = EngineJournal::new(log, QueueLimits::default());
        assert_eq!(records(&mut journal), group(1, from));
        let mut watch = journal.watch();
        (1..=300).for_each(|n| journal.append(&group(from + n, 1)).unwrap());
        while wait_for(watch.next()).unwrap() < Seq(from + 300) {}
    };
    alone(0);
    let mut node = Node::start(&path, &server, Ack::Shared);
    assert_eq!(node.last, 300);
    node.write(5);
    node.wait_durable();
    assert_eq!(stream_length(&server), 305);
    drop(node);
    alone(305);
    let mut node = Node::start(&path, &server, Ack::Shared);
    node.write(1);
    node.wait_durable();
    assert_eq!(stream_length(&server), 606);
    drop(node);
    assert_eq!(Node::start(&dir.path().join("other"), &server, Ack::Local).last, 606);
}

#[test]
fn a_machine_that_lacks_the_newest_records_gets_them() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut last = 0;
    for round in 0..6 {
        let mut node = Node::start(if round % 2 == 0 { &one } else { &two }, &server, Ack::Shared);
        assert_eq!(node.last, last);
        node.write(700);
        node.wait_durable();
        last = node.last;
    }
    assert_eq!(stream_length(&server), last);
}

#[test]
fn two_that_have_parted_are_refused_and_mended_by_moving_one_aside() {
    let (mut server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut node = Node::start(&one, &server, Ack::Local);
    node.write(100);
    node.wait_durable();
    node.follow();
    // Its machine dies with records that redis never had.
    server.kill();
    let odd = |n| (Seq(n), Record::Raw { why: "odd".into(), raw: String::new(), at: Timestamp(n) });
    node.journal.append(&[odd(101), odd(102)]).unwrap();
    node.last = 102;
    node.wait_durable();
    drop(node);
    server.restart();
    let mut other = Node::start(&two, &server, Ack::Local);
    other.write(50);
    other.wait_durable();
    drop(other);
    let refused = refused(&one, options(&server.url(), Ack::Local));
    assert!(matches!(refused, CopyError::Fork { agree: 100 }), "{refused}");
    assert!(refused.to_string().contains("move the account's journal directory aside"));
    std::fs::rename(&one, dir.path().join("aside")).unwrap();
    assert_eq!(Node::start(&one, &server, Ack::Local).last, 150);
}

#[test]
fn records_that_are_missing_in_redis_are_told_by_whoever_needs_them() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("one"), &server, Ack::Local);
    node.write(30);
    drop(node);
    server.command(&["XDEL", "{ex:main}:j", "17-1"]);
    let refused = refused(&dir.path().join("two"), options(&server.url(), Ack::Local));
    assert!(matches!(refused, CopyError::Missing { missing: 17, last: 30 }), "{refused}");
}

#[test]
fn a_record_that_was_changed_in_redis_is_told_and_is_not_taken_into_the_local_log() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut node = Node::start(&dir.path().join("one"), &server, Ack::Local);
    node.write(30);
    drop(node);
    let change = "local all = redis.call('XRANGE', KEYS[1], '-', '+')
        redis.call('DEL', KEYS[1])
        for _, one in ipairs(all) do
          if one[1] == '17-1' then one[2][4] = one[2][4] .. 'x' end
          redis.call('XADD', KEYS[1], one[1], unpack(one[2]))
        end";
    server.command(&["EVAL", change, "1", "{ex:main}:j"]);
    let two = dir.path().join("two");
    let refused = refused(&two, options(&server.url(), Ack::Local));
    assert!(matches!(refused, CopyError::Missing { missing: 17, last: 30 }), "{refused}");
    let (log, _) =
        Log::open(OsDisk::open(&two, OsDiskOptions { allow_volatile: true }).unwrap(), &LogOptions::new("main")).unwrap();
    assert!(log.last_seq() < 17, "{}", log.last_seq());
}

fn engine() -> Engine {
    Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), profile())
}

fn open_engine(path: &Path, server: &RedisServer) -> (SharedJournal<OsDisk>, Engine, u64) {
    let account = engine().config().account.clone();
    let log = LogOptions { segment_bytes: 4096, ..LogOptions::new(account.as_str()) };
    let redis = RedisOptions { account: account.as_str().into(), ..options(&server.url(), Ack::Local) };
    let (mut journal, _) = SharedJournal::open(path, &log, OsDiskOptions { allow_volatile: true }, redis).unwrap();
    let (mut engine, mut read) = (engine(), 0);
    if let Some(snapshot) = journal.newest_snapshot().unwrap() {
        engine.restore(snapshot).unwrap();
    }
    let replayed = journal.replay(&mut |seq, record| {
        read += 1;
        engine.replay(seq, &record).unwrap();
    });
    assert_eq!(replayed.unwrap(), engine.books().seq());
    (journal, engine, read)
}

fn grow(journal: &mut impl Journal, engine: &mut Engine, to: u64) {
    while engine.books().seq().0 < to {
        let (seq, record) = group(engine.books().seq().0 + 1, 1).remove(0);
        engine.replay(seq, &record).unwrap();
        journal.append(&[(seq, record)]).unwrap();
    }
}

#[test]
fn snapshots_are_copied_records_behind_them_go_and_a_new_machine_starts_from_the_newest() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (mut journal, mut live, _) = open_engine(&dir.path().join("one"), &server);
    let account = live.config().account.clone();
    let key = |of: &str| format!("{{ex:{account}}}:{of}");
    let newest = || server.command(&["HGET", &key("h"), "snap"]);
    for to in [300, 600, 900] {
        grow(&mut journal, &mut live, to);
        journal.keep(live.snapshot());
        until("it is copied", || newest() == to.to_string());
    }
    grow(&mut journal, &mut live, 950);
    until("all is followed", || journal.copy().unwrap().records == 0);
    // Two are kept, and the records behind the older one.
    assert_eq!(server.command(&["EXISTS", &key("snap:300"), &key("snap:600"), &key("snap:900")]), ":2");
    assert_eq!(server.command(&["XRANGE", &key("j"), "-", "+", "COUNT", "1"]).lines().next(), Some("600-1"));
    drop(journal);
    let (mut journal, mut restored, read) = open_engine(&dir.path().join("two"), &server);
    assert_eq!((restored.books(), read), (live.books(), 50));
    // And it goes on from there, on this machine and on a third.
    grow(&mut journal, &mut restored, 1_000);
    drop(journal);
    let (journal, again, _) = open_engine(&dir.path().join("two"), &server);
    assert_eq!(again.books(), restored.books());
    drop(journal);
    let (_, third, read) = open_engine(&dir.path().join("three"), &server);
    assert_eq!((third.books(), read), (restored.books(), 100));
}

#[test]
fn a_copy_that_was_lost_begins_anew_behind_the_newest_snapshot() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = dir.path().join("one");
    let (mut journal, mut live, _) = open_engine(&path, &server);
    for to in [400, 800, 1_200] {
        grow(&mut journal, &mut live, to);
        journal.keep(live.snapshot());
        until("it is stored", || path.join(format!("{:020}.snap", to + 1)).exists());
    }
    grow(&mut journal, &mut live, 1_250);
    server.command(&["FLUSHALL"]);
    until("it is there again", || server.command(&["HGET", &format!("{{ex:{}}}:h", live.config().account), "seq"]) == "1250");
    drop(journal);
    let (_, restored, read) = open_engine(&dir.path().join("two"), &server);
    assert_eq!((restored.books(), read), (live.books(), 50));
}

#[test]
fn a_log_that_has_parted_at_the_very_first_record_that_is_left_in_redis_is_refused() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (mut journal, mut live, _) = open_engine(&dir.path().join("one"), &server);
    let account = live.config().account.clone();
    grow(&mut journal, &mut live, 10);
    let stream = format!("{{ex:{account}}}:j");
    until("the copy has begun", || server.command(&["XLEN", &stream]) == ":10");
    for to in [30, 60] {
        grow(&mut journal, &mut live, to);
        journal.keep(live.snapshot());
        until("it is copied", || server.command(&["HGET", &format!("{{ex:{account}}}:h"), "snap"]) == to.to_string());
    }
    drop(journal);
    assert_eq!(server.command(&["XRANGE", &stream, "-", "+", "COUNT", "1"]).lines().next(), Some("30-1"));
    // All of it is here from the first record on; the last one is the same, or another; a snapshot of just before it says nothing about the copy,
    // which began elsewhere.
    let (same, other) = (group(30, 1).remove(0).1, group(29, 1).remove(0).1);
    for (name, last, snapshot) in [("same", &same, false), ("same, with a snapshot", &same, true), ("parted", &other, false)] {
        let path = dir.path().join(name);
        let disk = OsDisk::open(&path, OsDiskOptions { allow_volatile: true }).unwrap();
        let (log, _) = Log::open(disk, &LogOptions::new(account.as_str())).unwrap();
        let mut alone = EngineJournal::new(log, QueueLimits::default());
        assert!(records(&mut alone).is_empty());
        let (mut watch, mut books) = (alone.watch(), engine());
        grow(&mut alone, &mut books, 29);
        if snapshot {
            alone.keep(books.snapshot());
            until("it is stored", || {
                std::fs::read_dir(&path).unwrap().any(|file| file.unwrap().path().ends_with("00000000000000000030.snap"))
            });
        }
        alone.append(&[(Seq(30), last.clone())]).unwrap();
        while wait_for(watch.next()).unwrap() < Seq(30) {}
        drop((alone, watch));
        let redis = RedisOptions { account: account.as_str().into(), ..options(&server.url(), Ack::Local) };
        let log = LogOptions::new(account.as_str());
        match SharedJournal::open(&path, &log, OsDiskOptions { allow_volatile: true }, redis).map(drop) {
            Ok(()) => assert_ne!(name, "parted", "it goes on with another record than redis has"),
            Err(error) => assert!(name == "parted" && matches!(error, CopyError::Fork { agree: 29 }), "{name}: {error}"),
        }
    }
}

#[test]
fn a_rebuilding_that_was_interrupted_begins_again() {
    let (server, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let (mut journal, mut live, _) = open_engine(&dir.path().join("one"), &server);
    grow(&mut journal, &mut live, 200);
    journal.keep(live.snapshot());
    until("it is copied", || server.command(&["HGET", &format!("{{ex:{}}}:h", live.config().account), "snap"]) == "200");
    drop(journal);
    let half = dir.path().join("two.rebuild");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("00000000000000000201.snap"), b"half").unwrap();
    let (mut journal, restored, _) = open_engine(&dir.path().join("two"), &server);
    assert_eq!(restored.books(), live.books());
    assert!(!half.exists() && records(&mut journal).is_empty());
}
