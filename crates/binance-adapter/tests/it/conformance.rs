//! What every transport promises, held against both: one request, at most once, to this host only, and an honest word about
//! what became of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use binance_adapter::{
    dialer::{BoxedStream, Connector, Dialer, Origin, TcpDialer},
    entry::EntryTransport,
    inquiry::InquiryTransport,
    transport::{Incomplete, NeverBegun, REPLY_BYTES_MAX, Request, Transport, TransportError},
};
use http::{HeaderValue, Method};

use crate::server::{Deed, Server, reply};

fn key() -> HeaderValue {
    let mut key = HeaderValue::from_static("CANARYKEY");
    key.set_sensitive(true);
    key
}

fn transports(url: &str) -> Vec<(&'static str, Arc<dyn Transport>)> {
    let connector = Connector::new(Arc::new(TcpDialer)).unwrap();
    let origin = Origin::parse(url).unwrap();
    vec![
        ("entry", Arc::new(EntryTransport::new(connector.clone(), origin.clone(), key(), 2).unwrap())),
        ("inquiry", Arc::new(InquiryTransport::new(&connector, &origin, key()).unwrap())),
    ]
}

fn post() -> Request {
    Request {
        method: Method::POST,
        target: "/fapi/v1/order".into(),
        body: "symbol=%E5%B8%81USDT&signature=CANARYSIG".into(),
        keyed: true,
        begin_within: Duration::from_secs(2),
        answer_within: Duration::from_millis(300),
    }
}

/// Runs a case against a fresh server for each transport.
async fn each<F>(deeds: Vec<Deed>, check: impl Fn(&'static str, Arc<dyn Transport>, Server) -> F)
where
    F: Future<Output = ()>,
{
    for at in 0..2 {
        let server = Server::new(deeds.clone()).await;
        let (name, transport) = transports(&format!("http://{}", server.addr)).remove(at);
        check(name, transport, server).await;
    }
}

#[tokio::test]
async fn the_bytes_are_sent_as_they_are_and_the_reply_is_whole() {
    let deed = Deed::Write(reply(
        "200 OK",
        "X-MBX-USED-WEIGHT-1M: 17\r\nX-MBX-ORDER-COUNT-10S: 3\r\nRetry-After: 9\r\n",
        "{\"a\":\"币\"}",
    ));
    each(vec![deed], async |name, transport, server| {
        let answer = transport.send(post()).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "{\"a\":\"币\"}"), "{name}");
        assert_eq!((answer.usage.weight_1m, answer.usage.orders_10s, answer.usage.retry_after_s), (Some(17), Some(3), Some(9)));
        let seen = server.seen().remove(0);
        assert!(seen.starts_with("POST /fapi/v1/order HTTP/1.1\r\n"), "{name} {seen}");
        assert!(seen.ends_with("\r\n\r\nsymbol=%E5%B8%81USDT&signature=CANARYSIG"), "{name} {seen}");
        let head = seen.to_lowercase();
        assert!(head.contains("x-mbx-apikey: canarykey"), "{name} {seen}");
        assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{name}");
        assert!(!head.contains("accept-encoding"), "{name}: a compressed reply would need a bound of its own");
    })
    .await;
}

#[tokio::test]
async fn a_key_goes_only_where_it_is_asked_for() {
    each(vec![Deed::Write(reply("200 OK", "", "{}"))], async |name, transport, server| {
        transport.send(Request { keyed: false, ..post() }).await.unwrap();
        assert!(!server.seen()[0].to_lowercase().contains("apikey"), "{name}");
    })
    .await;
}

#[tokio::test]
async fn redirects_are_replies_and_not_followed() {
    let other = Server::new(vec![Deed::Write(reply("200 OK", "", "{}"))]).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let deed = Deed::Write(reply(status, &format!("Location: http://{}/elsewhere\r\n", other.addr), ""));
        each(vec![deed], async |name, transport, server| {
            let answer = transport.send(post()).await.unwrap();
            assert!((300..400).contains(&answer.status), "{name}");
            assert_eq!(server.seen().len(), 1);
        })
        .await;
    }
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_refused_dial_is_never_begun() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    for (name, transport) in transports(&format!("http://{addr}")) {
        let error = transport.send(post()).await.unwrap_err();
        assert!(matches!(error, TransportError::NeverBegun(NeverBegun::Dial(_))), "{name} {error:?}");
    }
}

#[tokio::test]
async fn promise_p01_a_connection_lost_after_the_request_is_incomplete_and_nothing_is_sent_again() {
    each(vec![Deed::WriteAndClose(Vec::new())], async |name, transport, server| {
        let error = transport.send(post()).await.unwrap_err();
        assert!(matches!(error, TransportError::Incomplete(Incomplete::Cut)), "{name} {error:?}");
        assert_eq!(server.seen().len(), 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn every_truncation_of_a_reply_is_incomplete() {
    let whole = reply("200 OK", "", "{\"orderId\":1}");
    for cut in [1, 20, whole.len() - 10, whole.len() - 1] {
        each(vec![Deed::WriteAndClose(whole[..cut].to_vec())], async |name, transport, server| {
            let error = transport.send(post()).await.unwrap_err();
            assert!(matches!(error, TransportError::Incomplete(Incomplete::Cut)), "{name} {cut} {error:?}");
            assert_eq!(server.seen().len(), 1, "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_reply_that_does_not_come_or_does_not_end_is_incomplete_at_its_deadline() {
    let slow = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":".to_vec();
    for deed in [Deed::Stall, Deed::Write(slow)] {
        each(vec![deed], async |name, transport, server| {
            let request = Request { begin_within: Duration::from_millis(100), ..post() };
            let error = transport.send(request).await.unwrap_err();
            assert!(matches!(error, TransportError::Incomplete(Incomplete::Deadline)), "{name} {error:?}");
            assert_eq!(server.seen().len(), 1, "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn promise_p18_a_reply_beyond_the_bound_is_incomplete() {
    let mut large = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", REPLY_BYTES_MAX + 1).into_bytes();
    large.resize(large.len() + REPLY_BYTES_MAX + 1, b' ');
    each(vec![Deed::Write(large)], async |name, transport, _server| {
        let request = Request { answer_within: Duration::from_secs(20), ..post() };
        let error = transport.send(request).await.unwrap_err();
        assert!(matches!(error, TransportError::Incomplete(Incomplete::TooLarge)), "{name} {error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_request() {
    // Each reply is followed by a close: the next request finds its connection dead.
    each(vec![Deed::WriteAndClose(reply("200 OK", "", "{}"))], async |name, transport, server| {
        let mut answered = 0;
        for _ in 0..20 {
            match transport.send(post()).await {
                Ok(_) => answered += 1,
                Err(TransportError::NeverBegun(_)) => {}
                Err(error) => panic!("{name} {error:?}"),
            }
        }
        assert_eq!(server.seen().len(), answered, "{name}: one request on the wire for each answer");
        assert!(answered > 10, "{name} {answered}");
    })
    .await;
}

/// Hands out these and then nothing.
struct Pipes(Mutex<VecDeque<tokio::io::DuplexStream>>);

#[async_trait::async_trait]
impl Dialer for Pipes {
    async fn dial(&self, _host: &str, _port: u16) -> std::io::Result<BoxedStream> {
        match self.0.lock().unwrap().pop_front() {
            Some(near) => Ok(Box::new(near)),
            None => Err(std::io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

async fn serves(far: &mut tokio::io::DuplexStream) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = [0; 4096];
    let read = far.read(&mut buffer).await.unwrap();
    assert!(read > 0);
    far.write_all(&reply("200 OK", "", "{}")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_dying_connection_hands_back_untouched_begins_on_a_fresh_one_or_is_never_begun() {
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let (fresh, mut far_of_fresh) = tokio::io::duplex(64 * 1024);
    let dialer = Pipes(Mutex::new(VecDeque::from([near, fresh])));
    let origin = Origin::parse("http://127.0.0.1:1").unwrap();
    let entry = EntryTransport::new(Connector::new(Arc::new(dialer)).unwrap(), origin, key(), 1).unwrap();
    let (first, ()) = tokio::join!(entry.send(post()), serves(&mut far));
    assert_eq!(first.unwrap().status, 200);
    // The connection's task has had no chance to see this when the next request is put on it.
    drop(far);
    let (second, ()) = tokio::join!(entry.send(post()), serves(&mut far_of_fresh));
    assert_eq!(second.unwrap().status, 200, "no byte of it had been written");
    drop(far_of_fresh);
    let error = entry.send(post()).await.unwrap_err();
    assert!(matches!(error, TransportError::NeverBegun(NeverBegun::Dial(_))), "{error:?}");
}

#[tokio::test]
async fn errors_hold_neither_url_nor_key_nor_signature() {
    each(vec![Deed::WriteAndClose(Vec::new())], async |name, transport, _server| {
        let request = Request { method: Method::GET, target: "/fapi/v1/order?signature=CANARYSIG".into(), ..post() };
        let error = transport.send(request).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("CANARY") && !text.contains("fapi"), "{name} {text}");
    })
    .await;
}

#[tokio::test]
async fn an_order_that_cannot_begin_in_time_is_never_begun() {
    let server = Server::new(vec![Deed::Stall]).await;
    let (_, entry) = transports(&format!("http://{}", server.addr)).remove(0);
    let long = || Request { answer_within: Duration::from_millis(800), ..post() };
    let late = Request { begin_within: Duration::from_millis(50), ..post() };
    // Two connections, both busy: the third request must not start later than it may.
    let (first, second, third) = tokio::join!(entry.send(long()), entry.send(long()), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        entry.send(late).await
    });
    assert!(matches!(third, Err(TransportError::NeverBegun(NeverBegun::Late))), "{third:?}");
    assert!(matches!(first, Err(TransportError::Incomplete(_))) && matches!(second, Err(TransportError::Incomplete(_))));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    // The environment of this process cannot be changed safely, so one of the tests above runs in a child with proxies set.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "conformance::the_bytes_are_sent_as_they_are_and_the_reply_is_whole"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, "http://127.0.0.1:1");
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
