//! The same face on an in-memory pipe under a paused clock: no socket, no wall, the same answers on every run.

use std::time::Duration;

use exchange_sim::face::{Face, FaceConfig, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const START_MS: i64 = 1_790_000_000_000;

async fn ask(pipe: &mut DuplexStream, method: &str, target: &str) -> String {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: sim\r\nX-MBX-APIKEY: key\r\nContent-Length: 0\r\n\r\n");
    pipe.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = pipe.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                // The head's date is the machine's, not the venue's.
                return body.to_owned();
            }
        }
    }
}

async fn signed(pipe: &mut DuplexStream, method: &str, path: &str, params: &str, now: i64) -> String {
    let query = format!("{params}&timestamp={now}");
    let signature = sign("secret", query.as_bytes());
    ask(pipe, method, &format!("{path}?{query}&signature={signature}")).await
}

/// An hour of a face: an order at the start, the flow, an order at the end, the books.
async fn hour() -> Vec<String> {
    let mut config = FaceConfig::new(11).with_key("key", "secret");
    config.start_ms = Some(START_MS);
    let face = Face::new(config).unwrap();
    let (mut pipe, far) = duplex(64 << 10);
    tokio::spawn({
        let face = face.clone();
        async move { face.serve_connection(far).await }
    });
    let mut heard = Vec::new();
    let buy = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&newClientOrderId=a&newOrderRespType=RESULT";
    heard.push(signed(&mut pipe, "POST", "/fapi/v1/order", buy, START_MS).await);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let late = START_MS + 3_600_000;
    heard.push(ask(&mut pipe, "GET", "/fapi/v1/time").await);
    heard.push(ask(&mut pipe, "GET", "/fapi/v1/ticker/24hr?symbol=BTCUSDT").await);
    let sell = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.010&newClientOrderId=b&newOrderRespType=RESULT";
    heard.push(signed(&mut pipe, "POST", "/fapi/v1/order", sell, late).await);
    heard.push(serde_json::to_string(&face.ledger("key").unwrap()).unwrap());
    heard
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_on_the_same_clock_answers_the_same() {
    let first = hour().await;
    assert!(first[0].contains("\"FILLED\"") && first[3].contains("\"FILLED\""), "{first:?}");
    assert_eq!(first[1], format!("{{\"serverTime\":{}}}", START_MS + 3_600_000));
    assert_eq!(hour().await, first);
}
