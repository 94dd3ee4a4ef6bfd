//! Each fault by position, and what it leaves at the exchange.

use serde_json::Value;

use crate::face_bench::{Bench, KEY, PATIENCE, label, quiet, signed_query, start, wall_ms};

const REST: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=55000";
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010";

async fn arm(bench: &Bench, fault: &str) {
    let answer = bench.door("fault", fault).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Client order ids of all orders the exchange has.
fn orders(bench: &Bench) -> Vec<String> {
    let ledger = bench.server.face().ledger(KEY).unwrap();
    ledger.orders.into_iter().map(|order| order.client_order_id).collect()
}

async fn place(bench: &Bench, id: &str) -> Option<(u16, Value)> {
    let params = format!("{REST}&newClientOrderId={id}");
    bench.try_signed("POST", "/fapi/v1/order", &params).await.map(|answer| (answer.status, answer.json()))
}

#[tokio::test]
async fn a_request_is_lost_before_or_after_its_effect() {
    let bench = start(quiet()).await;
    arm(&bench, r#"{"kind":"drop_request","method":"POST","path":"/fapi/v1/order","nth":2}"#).await;
    arm(&bench, r#"{"kind":"drop_response","path":"/fapi/v1/order","nth":3}"#).await;
    assert!(place(&bench, "a").await.is_some());
    assert!(place(&bench, "b").await.is_none());
    assert!(place(&bench, "c").await.is_none());
    assert!(place(&bench, "d").await.is_some());
    assert_eq!(orders(&bench), ["a", "c", "d"]);
}

#[tokio::test]
async fn an_error_comes_before_or_after_the_effect() {
    let bench = start(quiet()).await;
    arm(&bench, r#"{"kind":"error_before","path":"/fapi/v1/order","status":503,"body":"Service Unavailable."}"#).await;
    let text = "Unknown error, please check your request or try again later.";
    arm(&bench, &format!(r#"{{"kind":"error_after","path":"/fapi/v1/order","nth":2,"code":-1000,"msg":"{text}"}}"#)).await;
    assert_eq!(place(&bench, "a").await, Some((503, Value::Null)));
    let (status, body) = place(&bench, "b").await.unwrap();
    assert_eq!((status, body["code"].as_i64(), body["msg"].as_str()), (503, Some(-1000), Some(text)));
    assert_eq!(orders(&bench), ["b"]);
}

#[tokio::test]
async fn a_late_request_is_refused_at_receipt_or_by_the_engine() {
    let bench = start(quiet()).await;
    arm(&bench, r#"{"kind":"delay_request","path":"/fapi/v1/order","ms":60}"#).await;
    arm(&bench, r#"{"kind":"delay_engine","path":"/fapi/v1/order","ms":60,"nth":2}"#).await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        let params = signed_query(&format!("{REST}&recvWindow=40"), wall_ms());
        let answer = bench.send("POST", &format!("/fapi/v1/order?{params}"), Some(KEY), "").await.unwrap();
        codes.push(answer.refusal());
    }
    assert_eq!(codes, [(400, -1021), (400, -5028)]);
    assert!(orders(&bench).is_empty());
}

#[tokio::test]
async fn what_has_arrived_takes_effect_although_the_client_hangs_up() {
    let bench = start(quiet()).await;
    arm(&bench, r#"{"kind":"delay_engine","path":"/fapi/v1/order","ms":50}"#).await;
    arm(&bench, r#"{"kind":"delay_response","path":"/fapi/v1/order","ms":60000}"#).await;
    let listen = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    {
        let mut stream = bench.stream().await;
        let params = signed_query(&format!("{REST}&newClientOrderId=gone"), wall_ms());
        let target = format!("/fapi/v1/order?{params}");
        let ask = crate::face_bench::exchange(&mut stream, "POST", &target, Some(KEY), "");
        assert!(tokio::time::timeout(PATIENCE / 250, ask).await.is_err());
    }
    assert_eq!(label(&socket.json().await), "ORDER_TRADE_UPDATE:NEW");
    assert_eq!(orders(&bench), ["gone"]);
}

#[tokio::test]
async fn events_are_dropped_doubled_and_delayed() {
    let bench = start(quiet()).await;
    let listen = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    arm(&bench, &format!(r#"{{"kind":"drop_event","event":"TRADE_LITE","key":"{KEY}"}}"#)).await;
    arm(&bench, r#"{"kind":"duplicate_event","event":"ACCOUNT_UPDATE"}"#).await;
    arm(&bench, r#"{"kind":"delay_event","event":"ORDER_TRADE_UPDATE","ms":30,"nth":1}"#).await;
    bench.signed("POST", "/fapi/v1/order", BUY).await;
    assert_eq!(
        socket.names_until("ORDER_TRADE_UPDATE:NEW").await,
        ["ACCOUNT_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE:TRADE", "ORDER_TRADE_UPDATE:NEW"]
    );
}

#[tokio::test]
async fn a_stream_is_cut_or_falls_silent_at_an_event() {
    let bench = start(quiet()).await;
    let listen = bench.listen_key().await;
    arm(&bench, r#"{"kind":"cut_stream","event":"ACCOUNT_UPDATE"}"#).await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    bench.signed("POST", "/fapi/v1/order", BUY).await;
    assert_eq!(socket.names_until("ORDER_TRADE_UPDATE:NEW").await, ["TRADE_LITE", "ORDER_TRADE_UPDATE:NEW"]);
    assert_eq!(socket.text().await, None);

    arm(&bench, r#"{"kind":"silence_stream","event":"ORDER_TRADE_UPDATE","nth":2}"#).await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    bench.signed("POST", "/fapi/v1/order", BUY).await;
    socket.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":5}"#).await;
    let mut seen = Vec::new();
    loop {
        let message = socket.json().await;
        if message["id"] == 5 {
            break;
        }
        seen.push(label(&message));
    }
    assert_eq!(seen, ["TRADE_LITE", "ORDER_TRADE_UPDATE:NEW", "ACCOUNT_UPDATE"]);
}

#[tokio::test]
async fn sockets_are_cut_and_silenced_by_hand() {
    let bench = start(quiet()).await;
    let listen = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    assert_eq!(bench.door("silence", "{}").await.json()["sockets"], 1);
    bench.signed("POST", "/fapi/v1/order", BUY).await;
    bench.door("silence", r#"{"on":false}"#).await;
    bench.signed("POST", "/fapi/v1/order", REST).await;
    assert_eq!(label(&socket.json().await), "ORDER_TRADE_UPDATE:NEW");
    let mut market = bench.socket("/public/ws").await;
    assert_eq!(bench.door("cut", &format!(r#"{{"key":"{KEY}"}}"#)).await.json()["sockets"], 1);
    assert_eq!(socket.text().await, None);
    assert_eq!(bench.door("cut", r#"{"all":true}"#).await.json()["sockets"], 1);
    assert_eq!(market.text().await, None);
}

#[tokio::test]
async fn faults_are_listed_and_cleared() {
    let bench = start(quiet()).await;
    arm(&bench, r#"{"kind":"drop_request","times":1000}"#).await;
    assert!(place(&bench, "a").await.is_none());
    let listed = bench.get("/sim/faults").await.json();
    assert_eq!((listed[0]["seen"].as_i64(), listed[0]["fired"].as_i64()), (Some(1), Some(1)));
    bench.door("fault/clear", r#"{"id":1}"#).await;
    assert_eq!(bench.get("/sim/faults").await.text, "[]");
    assert!(place(&bench, "b").await.is_some());
    assert_eq!(bench.door("fault", r#"{"kind":"odd"}"#).await.status, 400);
    assert_eq!(bench.door("fault", r#"{"kind":"delay_request"}"#).await.status, 400);
    assert_eq!(bench.door("fault", r#"{"kind":"drop_request","nht":1}"#).await.status, 400);
}
