//! The WebSocket API over loopback: envelopes, signatures over sorted parameters, the same endpoints, faults and limits.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use exchange_sim::face::{Limits, sign};
use serde_json::{Value, json};

use crate::face_bench::{Bench, HEDGER, KEY, SECRET, Socket, keys, quiet, start, wall_ms};

/// Signs parameters as the API asks: all of them, sorted by name, raw.
fn signed(params: Value) -> Value {
    signed_by(KEY, params, |payload| sign(SECRET, payload))
}

fn signed_by(key: &str, params: Value, sign: impl Fn(&[u8]) -> String) -> Value {
    let Value::Object(mut fields) = params else { panic!("an object") };
    fields.insert("apiKey".into(), key.into());
    fields.insert("timestamp".into(), wall_ms().into());
    let mut pairs: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    pairs.sort();
    let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.insert("signature".into(), sign(text.join("&").as_bytes()).into());
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

const ED: &str = "an-ed25519-key";

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let word = (0..3).fold(0_usize, |word, at| word << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        (0..4)
            .map(|at| if at <= chunk.len() { char::from(ALPHABET[word >> (18 - 6 * at) & 63]) } else { '=' })
            .collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

/// A key pair, its public half as PEM.
fn pair() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(pair.public_key().as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&der));
    (pair, pem)
}

/// A server where an Ed25519 key speaks for the account of [`KEY`] too.
async fn with_ed25519() -> (Bench, Ed25519KeyPair) {
    let (pair, pem) = pair();
    let bench = start(quiet()).await;
    let ask = json!({"key": ED, "public_key": pem, "account_of": KEY}).to_string();
    assert_eq!(bench.door("key", &ask).await.status, 200);
    (bench, pair)
}

#[tokio::test]
async fn a_session_speaks_for_its_requests_until_it_logs_out() {
    let (bench, pair) = with_ed25519().await;
    let by_pair = |params| signed_by(ED, params, |payload| base64(pair.sign(payload).as_ref()));
    let mut socket = bench.socket("/ws-fapi/v1").await;
    let status = ask(&mut socket, "session.status", json!({})).await;
    assert!(status["result"]["apiKey"].is_null() && status["result"]["authorizedSince"].is_null());
    let timed = || json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "55000", "timestamp": wall_ms()});
    assert_eq!(code(&ask(&mut socket, "order.place", timed()).await), (400, -1102), "nobody has logged on");

    let mut forged = by_pair(json!({}));
    forged["recvWindow"] = 6_000.into();
    assert_eq!(code(&ask(&mut socket, "session.logon", forged).await), (400, -1022));
    let text = {
        socket.say(&json!({"id": "l", "method": "session.logon", "params": by_pair(json!({}))}).to_string()).await;
        socket.text().await.unwrap()
    };
    let logon: Value = serde_json::from_str(&text).unwrap();
    let inner = text.split_once("\"result\":").unwrap().1;
    assert_eq!(keys(inner)[..5], ["apiKey", "authorizedSince", "connectedSince", "returnRateLimits", "serverTime"]);
    assert_eq!((logon["result"]["apiKey"].as_str(), logon["result"]["returnRateLimits"].as_bool()), (Some(ED), Some(true)));
    assert!(logon["result"]["authorizedSince"].as_i64() >= logon["result"]["connectedSince"].as_i64());

    let placed = ask(&mut socket, "order.place", timed()).await;
    assert_eq!(placed["result"]["status"], "NEW", "{placed}");
    assert_eq!(bench.server.face().ledger(KEY).unwrap().orders.len(), 1, "of the account it was added to");
    let mut untimed = timed();
    untimed.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(code(&ask(&mut socket, "order.place", untimed).await), (400, -1102), "the time is still asked for");
    assert_eq!(ask(&mut socket, "userDataStream.start", json!({})).await["status"], 200);
    let other = signed_by(HEDGER, json!({}), |payload| sign(SECRET, payload));
    let positions = ask(&mut socket, "account.position", other).await;
    assert!(positions["result"].as_array().unwrap().iter().any(|row| row["positionSide"] == "LONG"), "a key of its own wins");

    let out = ask(&mut socket, "session.logout", json!({})).await;
    assert!(out["result"]["apiKey"].is_null());
    assert_eq!(code(&ask(&mut socket, "order.place", timed()).await), (400, -1102));
    assert_eq!(code(&ask(&mut socket, "session.invent", json!({})).await), (400, -1020));
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_its_session() {
    let (bench, pair) = with_ed25519().await;
    let by_pair = |params| signed_by(ED, params, |payload| base64(pair.sign(payload).as_ref()));
    let mut socket = bench.socket("/ws-fapi/v1").await;
    assert_eq!(ask(&mut socket, "session.logon", by_pair(json!({}))).await["status"], 200);
    assert_eq!(bench.door("key/revoke", &json!({"key": ED}).to_string()).await.status, 200);
    socket.say(&json!({"id": "q", "method": "account.balance", "params": {"timestamp": wall_ms()}}).to_string()).await;
    let reply = socket.json().await;
    assert!(reply["id"].is_null());
    assert_eq!(code(&reply), (401, -2015));
    assert!(ask(&mut socket, "session.status", json!({})).await["result"]["apiKey"].is_null());
    assert_eq!(bench.door("key/revoke", &json!({"key": ED}).to_string()).await.status, 400);
    let odd = json!({"key": ED, "public_key": "no key", "account_of": KEY}).to_string();
    assert_eq!(bench.door("key", &odd).await.status, 400);
}

#[tokio::test]
async fn ed25519_signs_rest_requests_too() {
    let (bench, pair) = with_ed25519().await;
    let query = format!("timestamp={}", wall_ms());
    let signature = base64(pair.sign(query.as_bytes()).as_ref()).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let target = format!("/fapi/v2/balance?{query}&signature={signature}");
    assert_eq!(bench.send("GET", &target, Some(ED), "").await.unwrap().status, 200);
    assert_eq!(bench.send("GET", &target.replace("timestamp=1", "timestamp=2"), Some(ED), "").await.unwrap().status, 400);
}

#[tokio::test]
async fn limits_are_told_with_orders_first_also_on_refusals() {
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/ws-fapi/v1").await;
    let kinds = |reply: &Value| {
        let limits = reply["rateLimits"].as_array().unwrap().iter();
        limits
            .map(|limit| (limit["rateLimitType"].as_str().unwrap().to_owned(), limit["count"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    let of = |orders: i64, weight: i64| {
        vec![("ORDERS".to_owned(), orders), ("ORDERS".to_owned(), orders), ("REQUEST_WEIGHT".to_owned(), weight)]
    };
    let order = |quantity: &str| json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity, "price": "55000", "newClientOrderId": "l1"});
    // The handshake weighs 5.
    assert_eq!(kinds(&ask(&mut socket, "order.place", signed(order("0.01"))).await), of(1, 5));
    let mut halved = order("0.01");
    halved.as_object_mut().unwrap().remove("quantity");
    let refused = ask(&mut socket, "order.place", signed(halved)).await;
    assert_eq!((code(&refused), kinds(&refused)), ((400, -1102), of(2, 5)));
    let mut stop = order("0.01");
    stop["type"] = "STOP_MARKET".into();
    assert_eq!(code(&ask(&mut socket, "order.place", signed(stop)).await), (400, -4120));
    let change = json!({"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "l1", "quantity": "0.02", "price": "55000", "modifyId": 9});
    let changed = ask(&mut socket, "order.modify", signed(change)).await;
    assert_eq!(
        (changed["result"]["modifyId"].as_i64(), changed["result"].get("pair")),
        (Some(9), None),
        "REST alone names the pair"
    );
    // Orders of REST weigh here too, but its queries do not.
    bench.signed("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=l1").await;
    bench.signed("GET", "/fapi/v1/openOrders", "").await;
    let name = json!({"symbol": "BTCUSDT", "origClientOrderId": "l1"});
    assert_eq!(kinds(&ask(&mut socket, "order.status", signed(name)).await), [("REQUEST_WEIGHT".to_owned(), 7)]);
}

#[tokio::test]
async fn a_limit_that_is_hit_says_when_it_is_free_again() {
    let mut config = quiet();
    config.limits = Limits { orders_10s: 1, ..Limits::default() };
    let bench = start(config).await;
    let mut socket = bench.socket("/ws-fapi/v1").await;
    let order = || {
        signed(
            json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "55000"}),
        )
    };
    // At the edge of a window two orders may fall into two.
    let mut refused = Value::Null;
    for _ in 0..3 {
        let reply = ask(&mut socket, "order.place", order()).await;
        if reply["status"] == 429 {
            refused = reply;
        }
    }
    assert_eq!(code(&refused), (429, -1015));
    let data = &refused["error"]["data"];
    let (now, again) = (data["serverTime"].as_i64().unwrap(), data["retryAfter"].as_i64().unwrap());
    assert_eq!((again % 10_000, again - now <= 10_000, again > now), (0, true, true), "an instant, the end of the ten seconds");
}
