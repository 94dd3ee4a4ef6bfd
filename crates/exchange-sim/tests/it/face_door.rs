//! The operator's door: prices, money, orders by hand, and the exchange's own books.

use crate::face_bench::{KEY, PATIENCE, label, quiet, start};

#[tokio::test]
async fn the_price_moves_and_fills_what_lies_between() {
    let bench = start(quiet()).await;
    let params = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=58000&newClientOrderId=low";
    assert_eq!(bench.signed("POST", "/fapi/v1/order", params).await.status, 200);
    let moved = bench.door("price", r#"{"symbol":"BTCUSDT","price":"57000"}"#).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let order = bench.signed("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=low").await.json();
    assert_eq!(order["status"], "FILLED");
    let mark = bench.get("/fapi/v1/premiumIndex?symbol=BTCUSDT").await.json();
    assert_eq!(mark["markPrice"], "57000.00000000");
    assert_eq!(bench.door("price", r#"{"symbol":"NOPE","price":"1"}"#).await.status, 400);
}

#[tokio::test]
async fn money_comes_and_goes_and_is_told() {
    let bench = start(quiet()).await;
    let listen = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws/{listen}")).await;
    bench.door("funds", &format!(r#"{{"key":"{KEY}","asset":"USDT","amount":"1234.5"}}"#)).await;
    let event = socket.json().await;
    assert_eq!((label(&event).as_str(), event["a"]["m"].as_str()), ("ACCOUNT_UPDATE", Some("DEPOSIT")));
    assert_eq!(event["a"]["B"][0]["bc"], "1234.5");
    let balance = bench.signed("GET", "/fapi/v2/balance", "").await.json();
    assert_eq!(balance[0]["balance"], "101234.50000000");
    assert_eq!(bench.door("funds", r#"{"key":"none","asset":"USDT","amount":"1"}"#).await.status, 400);
}

#[tokio::test]
async fn the_owner_acts_by_hand() {
    let bench = start(quiet()).await;
    let act = |method: &str, path: &str, params: &str| {
        format!(r#"{{"key":"{KEY}","method":"{method}","path":"{path}","params":{params}}}"#)
    };
    let order = r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":0.01,"price":"55000","newClientOrderId":"web_1"}"#;
    let placed = bench.door("as", &act("POST", "/fapi/v1/order", order)).await;
    assert_eq!(placed.json()["clientOrderId"], "web_1", "{}", placed.text);
    let cancel = r#"{"symbol":"BTCUSDT","origClientOrderId":"web_1"}"#;
    let cancelled = bench.door("as", &act("DELETE", "/fapi/v1/order", cancel)).await;
    assert_eq!(cancelled.json()["status"], "CANCELED");
    assert_eq!(bench.door("as", &act("DELETE", "/fapi/v1/order", cancel)).await.refusal(), (400, -2011));
    let leverage = bench.door("as", &act("POST", "/fapi/v1/leverage", r#"{"symbol":"BTCUSDT","leverage":3}"#)).await;
    assert_eq!(leverage.json()["leverage"], 3);
    let mode = bench.door("as", &act("POST", "/fapi/v1/positionSide/dual", r#"{"dualSidePosition":true}"#)).await;
    assert_eq!(mode.json()["code"], 200);
    assert_eq!(bench.signed("GET", "/fapi/v1/positionSide/dual", "").await.json()["dualSidePosition"], true);
    assert_eq!(bench.door("as", &act("POST", "/nowhere", "{}")).await.status, 400);
}

#[tokio::test]
async fn the_exchange_closes_what_it_is_told_to() {
    let bench = start(quiet()).await;
    bench.signed("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010").await;
    let adl = |quantity: &str| format!(r#"{{"key":"{KEY}","symbol":"BTCUSDT","quantity":"{quantity}"}}"#);
    assert_eq!(bench.door("adl", &adl("0.004")).await.status, 200);
    assert_eq!(bench.door("adl", &adl("0.4")).await.status, 400, "the leg holds less");
    let forced = bench.signed("GET", "/fapi/v1/forceOrders", "").await.json();
    assert!(forced[0]["clientOrderId"].as_str().unwrap().starts_with("adl_autoclose-"));
    assert_eq!(bench.door("settle", r#"{"symbol":"BTCUSDT"}"#).await.status, 200);
    let risk = bench.signed("GET", "/fapi/v2/positionRisk", "symbol=BTCUSDT").await.json();
    assert_eq!(risk[0]["positionAmt"], "0.000");
    assert_eq!(bench.door("settle", r#"{"symbol":"NOPE"}"#).await.status, 400);
}

#[tokio::test]
async fn an_account_is_liquidated_at_a_word_in_the_style_asked_for() {
    let bench = start(quiet()).await;
    bench.signed("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010").await;
    let listen = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={listen}&events=ORDER_TRADE_UPDATE")).await;
    assert_eq!(bench.door("forced", r#"{"style":"legacy","backstop":"deleverage"}"#).await.status, 200);
    assert_eq!(bench.door("forced", r#"{"style":"loud"}"#).await.status, 400);
    assert_eq!(bench.door("forced", r#"{"backstop":"nobody"}"#).await.status, 400);
    let done = bench.door("liquidate", &format!(r#"{{"key":"{KEY}"}}"#)).await;
    assert_eq!(done.text, r#"{"legs":1}"#);
    let first = socket.json().await["o"].clone();
    assert!(first["c"].as_str().unwrap().starts_with("autoclose-"));
    assert_eq!((first["x"].as_str(), first["X"].as_str(), first["l"].as_str()), (Some("CALCULATED"), Some("NEW"), Some("0")));
    assert_eq!((first["o"].as_str(), first["f"].as_str()), (Some("LIQUIDATION"), Some("IOC")));
    assert_eq!(bench.door("liquidate", &format!(r#"{{"key":"{KEY}","symbol":"BTCUSDT"}}"#)).await.status, 400, "nothing is left");
    let forced = bench.signed("GET", "/fapi/v1/forceOrders", "autoCloseType=LIQUIDATION").await.json();
    assert_eq!((forced[0]["status"].as_str(), forced[0]["type"].as_str()), (Some("FILLED"), Some("LIMIT")));
    assert_eq!(bench.get("/sim/state").await.json()["invariants"], "ok");
    assert_eq!(bench.door("settle", r#"{"symbol":"ETHUSDT","delivery":true}"#).await.status, 200);
}

#[tokio::test]
async fn the_books_and_the_state_are_told() {
    let bench = start(quiet()).await;
    bench.signed("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&newClientOrderId=x").await;
    let ledger = bench.get(&format!("/sim/ledger?key={KEY}")).await.json();
    assert_eq!(ledger["orders"][0]["clientOrderId"], "x");
    assert_eq!(ledger["orders"][0]["status"], "FILLED");
    assert_eq!(ledger["trades"][0]["clientOrderId"], "x");
    assert!(ledger["wallets"].as_array().unwrap().iter().any(|wallet| wallet["asset"] == "USDT"));
    assert_eq!(ledger["positions"][0]["amount"].as_str().unwrap().trim_end_matches('0'), "0.01");
    let own = serde_json::to_value(bench.server.face().ledger(KEY).unwrap()).unwrap();
    assert_eq!(own["trades"], ledger["trades"]);
    let state = bench.get("/sim/state").await.json();
    assert_eq!(state["invariants"], "ok");
    assert_eq!(state["symbols"].as_array().unwrap().len(), 4);
    assert_eq!(bench.get("/sim/ledger?key=none").await.status, 400);
    assert_eq!(bench.get("/sim/nowhere").await.status, 404);
}

#[tokio::test]
async fn the_clock_and_the_status_of_a_symbol_can_be_set() {
    let bench = start(quiet()).await;
    bench.door("clock", r#"{"skew_ms":60000}"#).await;
    assert_eq!(bench.signed("GET", "/fapi/v2/balance", "").await.refusal(), (400, -1021));
    bench.door("clock", r#"{"skew_ms":60000}"#).await;
    let answer = bench.door("symbol", r#"{"symbol":"ETHUSDT","status":"TRADING_HALT"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let info = bench.get("/fapi/v1/exchangeInfo").await.json();
    assert_eq!(info["symbols"][1]["status"], "TRADING_HALT");
}

#[tokio::test]
async fn a_server_ends_at_once_and_late_and_takes_its_sockets_along() {
    // At once: none of its tasks has run yet.
    let bench = start(quiet()).await;
    tokio::time::timeout(PATIENCE, bench.server.shutdown()).await.expect("an end in time");
    let bench = start(quiet()).await;
    let mut socket = bench.socket("/public/ws").await;
    let addr = bench.server.addr();
    tokio::time::timeout(PATIENCE, bench.server.shutdown()).await.expect("an end in time");
    assert_eq!(socket.text().await, None);
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
