//! The WebSocket API over loopback: envelopes, signatures over sorted parameters, the same endpoints, faults and limits.

use exchange_sim::face::sign;
use serde_json::{Value, json};

use crate::face_bench::{KEY, SECRET, Socket, keys, quiet, start, wall_ms};

/// Signs parameters as the API asks: all of them, sorted by name, raw.
fn signed(params: Value) -> Value {
    let Value::Object(mut fields) = params else { panic!("an object") };
    fields.insert("apiKey".into(), KEY.into());
    fields.insert("timestamp".into(), wall_ms().into());
    let mut pairs: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    pairs.sort();
    let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.insert("signature".into(), sign(SECRET, text.join("&").as_bytes()).into());
    Value::Object(fields)
}

async fn ask(socket: &mut Socket, method: &str, params: Value) -> Value {
    socket.say(&json!({"id": "q", "method": method, "params": params}).to_string()).await;
    let reply = socket.json().await;
    assert_eq!(reply["id"], "q");
    reply
}

fn code(reply: &Value) -> (i64, i64) {
    (reply["status"].as_i64().unwrap(), reply["error"]["code"].as_i64().unwrap())
}

#[tokio::test]
async fn an_order_lives_over_the_socket() {
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/ws-fapi/v1").await;
    let order = json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": "55000", "newClientOrderId": "w1"});
    socket.say(&json!({"id": 7, "method": "order.place", "params": signed(order)}).to_string()).await;
    let text = socket.text().await.unwrap();
    assert_eq!(keys(&text), ["id", "status", "result", "rateLimits"]);
    let placed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((placed["id"].as_i64(), placed["result"]["status"].as_str()), (Some(7), Some("NEW")));
    assert!(placed["result"].get("avgPrice").is_none());
    assert_eq!(
        (placed["rateLimits"][0]["rateLimitType"].as_str(), placed["rateLimits"][0]["count"].as_i64()),
        (Some("ORDERS"), Some(1))
    );
    let change = json!({"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "w1", "quantity": "0.02", "price": "55000"});
    assert_eq!(ask(&mut socket, "order.modify", signed(change)).await["result"]["origQty"], "0.020");
    let name = json!({"symbol": "BTCUSDT", "origClientOrderId": "w1", "returnRateLimits": false});
    let seen = ask(&mut socket, "order.status", signed(name.clone())).await;
    assert_eq!((seen["result"]["status"].as_str(), seen.get("rateLimits")), (Some("NEW"), None));
    assert_eq!(ask(&mut socket, "order.cancel", signed(name.clone())).await["result"]["status"], "CANCELED");
    assert_eq!(code(&ask(&mut socket, "order.cancel", signed(name)).await), (400, -2011));

    let stop = json!({"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "quantity": "0.01", "triggerPrice": "63000", "clientAlgoId": "s1"});
    assert_eq!(ask(&mut socket, "algoOrder.place", signed(stop.clone())).await["result"]["algoStatus"], "NEW");
    let mut wrong = stop;
    wrong["type"] = "STOP".into();
    assert_eq!(code(&ask(&mut socket, "algoOrder.place", signed(wrong)).await), (400, -1102));
    let cancelled = ask(&mut socket, "algoOrder.cancel", signed(json!({"clientAlgoId": "s1"}))).await;
    assert_eq!(cancelled["result"]["code"], "200", "text, as on REST");
}

#[tokio::test]
async fn accounts_streams_and_market_data_answer() {
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/ws-fapi/v1?returnRateLimits=false").await;
    for method in [
        "account.status",
        "v2/account.status",
        "account.balance",
        "v2/account.balance",
        "account.position",
        "v2/account.position",
    ] {
        let reply = ask(&mut socket, method, signed(json!({}))).await;
        assert_eq!((reply["status"].as_i64(), reply.get("rateLimits")), (Some(200), None), "{method}: {reply}");
    }
    let started = ask(&mut socket, "userDataStream.start", json!({"apiKey": KEY})).await;
    let listen_key = started["result"]["listenKey"].as_str().unwrap().to_owned();
    assert_eq!(listen_key, bench.listen_key().await, "the stream of REST");
    assert_eq!(ask(&mut socket, "userDataStream.ping", json!({"apiKey": KEY})).await["status"], 200);
    assert_eq!(ask(&mut socket, "userDataStream.stop", json!({"apiKey": KEY})).await["result"], json!({}));
    assert_eq!(code(&ask(&mut socket, "userDataStream.ping", json!({"apiKey": KEY})).await), (400, -1125));
    assert_eq!(ask(&mut socket, "ticker.price", json!({"symbol": "BTCUSDT"})).await["result"]["symbol"], "BTCUSDT");
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_id() {
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/ws-fapi/v1").await;
    let name = || json!({"symbol": "BTCUSDT", "origClientOrderId": "w1"});
    assert_eq!(code(&ask(&mut socket, "order.status", name()).await), (400, -1102));
    let mut forged = signed(name());
    forged["symbol"] = "ETHUSDT".into();
    assert_eq!(code(&ask(&mut socket, "order.status", forged).await), (400, -1022));
    let mut unknown = signed(name());
    unknown["apiKey"] = "nobody".into();
    assert_eq!(code(&ask(&mut socket, "order.status", unknown).await), (401, -2015));
    let logon = ask(&mut socket, "session.logon", signed(json!({}))).await;
    assert_eq!(code(&logon), (400, -4056), "only Ed25519 keys log on");
    assert_eq!(code(&ask(&mut socket, "order.invent", json!({})).await), (400, -1020));
    socket.say("not json").await;
    let reply = socket.json().await;
    assert!(reply["id"].is_null() && reply["status"] == 400);
    assert_eq!(ask(&mut socket, "order.status", signed(name())).await["rateLimits"][0]["rateLimitType"], "REQUEST_WEIGHT");
}

#[tokio::test]
async fn a_swallowed_answer_has_its_effect() {
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/ws-fapi/v1").await;
    bench.door("fault", r#"{"kind":"drop_response","method":"WS","path":"order.place"}"#).await;
    let order = json!({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newClientOrderId": "lost"});
    socket.say(&json!({"id": 1, "method": "order.place", "params": signed(order)}).to_string()).await;
    let name = json!({"symbol": "BTCUSDT", "origClientOrderId": "lost"});
    let seen = ask(&mut socket, "order.status", signed(name)).await;
    assert_eq!(seen["result"]["status"], "FILLED", "the next answer is to the next request");
}
