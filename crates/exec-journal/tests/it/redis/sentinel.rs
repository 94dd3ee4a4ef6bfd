//! A primary that dies under a node, and a Sentinel that makes its replica the primary: what the replica never got is written again.

use exec_journal::Ack;
use exec_testkit::redis_server::RedisServer;

use super::relay::Relay;
use super::{Node, open, open_with, options, records, stream_length, until};
use crate::port::group;

/// A fail-over to a replica that heard nothing since before the node started, or since a part of its records.
fn fails_over(hears: bool) {
    let (mut primary, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut replica = RedisServer::with(&["replicaof", &format!("127.0.0.1 {}", primary.port())]);
    until("the replica follows", || replica.command(&["INFO", "replication"]).contains("master_link_status:up"));
    // Its append log begins anew with the primary's, and until that is written a kill leaves it with nothing at all.
    let is_written =
        |info: &str| ["rewrite_in_progress:0", "rewrite_scheduled:0"].iter().all(|no| info.contains(&format!("aof_{no}")));
    until("the replica's log has begun", || is_written(&replica.command(&["INFO", "persistence"])));
    let sentinel = RedisServer::sentinel(&primary);
    until("sentinel knows the replica", || sentinel.command(&["INFO", "sentinel"]).contains("slaves=1"));
    let way = Relay::before(primary.port());
    if !hears {
        replica.kill();
    }
    let mut node = Node::of(open_with(&dir.path().join("main"), options(&way.url(), Ack::Local)).unwrap());
    node.write(50);
    node.wait_durable();
    node.follow();
    if hears {
        until("the replica has them", || stream_length(&replica) == 50);
        replica.kill();
    }
    node.write(30);
    node.wait_durable();
    node.follow();
    assert_eq!(stream_length(&primary), 80);
    primary.kill();
    replica.restart();
    let now = || sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"]);
    until("sentinel has failed over", || now().ends_with(&replica.port().to_string()));
    until("the replica is the primary", || replica.command(&["ROLE"]).starts_with("master"));
    assert_eq!(stream_length(&replica), if hears { 50 } else { 0 }, "it has lost nothing, so this shows nothing");
    way.lead_to(replica.port());
    node.write(5);
    node.wait_durable();
    node.follow();
    assert_eq!(stream_length(&replica), 85);
    assert_eq!(replica.command(&["HGET", "{ex:main}:lease", "epoch"]), node.journal.epoch().to_string());
    drop(node);
    let mut rebuilt = open(&dir.path().join("rebuilt"), &replica, Ack::Local);
    assert_eq!(records(&mut rebuilt), group(1, 85));
}

#[test]
fn what_a_fail_over_lost_is_written_again_by_the_node_that_runs() {
    fails_over(true);
}

#[test]
fn a_fail_over_that_forgot_the_account_altogether_is_given_all_of_it() {
    fails_over(false);
}
