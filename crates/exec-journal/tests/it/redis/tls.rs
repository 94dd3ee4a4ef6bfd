//! Redis over TLS: journal, lease and events by `rediss://`, and no word to a server that cannot show who it is.

use std::net::TcpListener;

use exec_core::ids::{Epoch, NodeId};
use exec_core::lease::{Acquired, Ask, LeaseStore, Predecessor};
use exec_journal::{Ack, CopyError, EventStream, RedisLease, RedisOptions};
use exec_testkit::redis_server::RedisServer;

use super::{Node, open_with, options, stream_length};
use crate::port::wait_for;

/// Whoever signed the server's certificate, which is for 127.0.0.1. Made for these tests and known to everybody, and so worth nothing.
const CA: &[u8] = include_bytes!("tls/ca.pem");

struct Stage {
    server: RedisServer,
    dir: tempfile::TempDir,
    port: u16,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let certificate = file("server.pem", include_bytes!("tls/server.pem"));
        let key = file("server.key", include_bytes!("tls/server.key"));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let tls = ["tls-port", &port.to_string(), "tls-cert-file", &certificate, "tls-key-file", &key, "tls-auth-clients", "no"];
        Self { server: RedisServer::with(&tls), dir, port }
    }
    fn with(&self, ca: Option<&[u8]>) -> RedisOptions {
        RedisOptions { ca_pem: ca.map(<[u8]>::to_vec), ..options(&format!("rediss://127.0.0.1:{}", self.port), Ack::Shared) }
    }
    fn refused(&self, redis: RedisOptions) -> String {
        let error = open_with(&self.dir.path().join("refused"), redis).map(drop).unwrap_err();
        assert!(matches!(error, CopyError::Away(_)), "{error}");
        error.to_string()
    }
}

#[test]
fn journal_lease_and_events_go_over_tls() {
    let stage = Stage::new();
    let redis = stage.with(Some(CA));
    let lease = RedisLease::new(redis.clone()).unwrap();
    let owner = NodeId::new("a").unwrap();
    let ask = Ask { owner: owner.clone(), epoch: Epoch(0), ttl_ms: 60_000 };
    let granted = wait_for(lease.acquire(ask)).unwrap();
    assert_eq!(granted, Acquired::Granted { epoch: Epoch(1), predecessor: Predecessor::Unknown });
    let owned = RedisOptions { owner: Some(owner), ..redis.clone() };
    let mut node = Node::of(open_with(&stage.dir.path().join("main"), owned).unwrap());
    node.write(20);
    node.wait_durable();
    assert_eq!(stream_length(&stage.server), 20);
    assert_eq!(EventStream::open(&redis).unwrap().last().unwrap(), None);
    assert!(stage.server.command(&["CLIENT", "LIST"]).contains(&format!("laddr=127.0.0.1:{}", stage.port)));
}

#[test]
fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let stage = Stage::new();
    // The usual authorities have not signed it, and it is not for another name.
    let told = stage.refused(RedisOptions { password: Some("sesame".to_owned().into()), ..stage.with(None) });
    assert!(told.contains("certificate") && !told.contains("sesame"), "{told}");
    let elsewhere = RedisOptions { url: format!("rediss://localhost:{}", stage.port), ..stage.with(Some(CA)) };
    let told = stage.refused(elsewhere);
    assert!(told.contains("certificate"), "{told}");
    // Without TLS there is no answer that makes sense.
    stage.refused(options(&format!("redis://127.0.0.1:{}", stage.port), Ack::Shared));
    assert_eq!(stage.server.command(&["DBSIZE"]), ":0");
}
