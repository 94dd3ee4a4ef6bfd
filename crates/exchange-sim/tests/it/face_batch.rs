//! Batches over loopback: outcomes item by item with errors in the middle, their limits and their costs, and changes with their tags.

use serde_json::{Value, json};

use crate::face_bench::{Answer, Bench, Socket, quiet, start};

const PATH: &str = "/fapi/v1/batchOrders";

/// Sends items as `batchOrders`, percent-encoded as far as a query needs it.
async fn send(bench: &Bench, method: &str, items: &Value) -> Answer {
    let text: String = items
        .to_string()
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    bench.signed(method, PATH, &format!("batchOrders={text}")).await
}

fn limit(id: &str, price: &str) -> Value {
    json!({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": price, "newClientOrderId": id})
}

fn with(mut item: Value, fields: &[(&str, Value)]) -> Value {
    for (name, value) in fields {
        item[*name] = value.clone();
    }
    item
}

/// What became of each item: a status or a code.
fn outcomes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json();
    let outcome = |item: &Value| item["status"].as_str().map_or_else(|| item["code"].to_string(), str::to_owned);
    items.as_array().unwrap().iter().map(outcome).collect()
}

async fn order_events(socket: &mut Socket, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < count {
        let event = socket.json().await;
        if event["e"] == "ORDER_TRADE_UPDATE" {
            events.push(event["o"].clone());
        }
    }
    events
}

#[tokio::test]
async fn an_item_that_fails_stands_between_those_that_do_not() {
    let bench = start(quiet()).await;
    let stop = with(limit("s", "55000"), &[("type", "STOP_MARKET".into()), ("stopPrice", "63000".into())]);
    let till = with(limit("g", "55000"), &[("timeInForce", "GTD".into()), ("goodTillDate", 1.into())]);
    let answer = send(&bench, "POST", &json!([limit("a", "55000"), stop, limit("a", "54000"), till, limit("b", "54000")])).await;
    assert_eq!(outcomes(&answer), ["NEW", "-4120", "-4116", "-5040", "NEW"]);
    assert_eq!(answer.json()[1].as_object().unwrap().len(), 2, "an error is code and msg");
    assert!(answer.json()[0].get("avgPrice").is_none() && answer.json()[0].get("cumQuote").is_none());
    assert_eq!(answer.json()[0]["selfTradePreventionMode"], "EXPIRE_MAKER");
    assert_eq!((answer.header("x-mbx-order-count-10s"), answer.header("x-mbx-order-count-1m")), (Some("5"), Some("1")));
    assert_eq!(answer.header("x-mbx-used-weight-1m"), Some("5"));
    let open = bench.signed("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT").await.json();
    assert_eq!(open.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn each_kind_of_batch_has_its_limit() {
    let bench = start(quiet()).await;
    let six: Vec<Value> = (0..6).map(|number| limit(&format!("n{number}"), "55000")).collect();
    assert_eq!(send(&bench, "POST", &six.into()).await.refusal(), (400, -4082));
    assert_eq!(send(&bench, "POST", &json!([])).await.refusal(), (400, -4082));
    let change =
        |id: &str| json!({"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": id, "quantity": "0.020", "price": "55000"});
    let six: Vec<Value> = (0..6).map(|_| change("n0")).collect();
    assert_eq!(send(&bench, "PUT", &six.into()).await.refusal(), (400, -4082));
    let ids = |count: usize| format!("symbol=BTCUSDT&orderIdList=%5B{}%5D", vec!["1"; count].join("%2C"));
    assert_eq!(bench.signed("DELETE", PATH, &ids(11)).await.refusal(), (400, -4032));
    assert_eq!(outcomes(&bench.signed("DELETE", PATH, &ids(10)).await), vec!["-2011"; 10]);
    assert_eq!(bench.signed("DELETE", PATH, "symbol=BTCUSDT").await.refusal(), (400, -1102));
    assert!(bench.signed("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT").await.json().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn lists_of_ids_are_read_in_both_spellings() {
    let bench = start(quiet()).await;
    outcomes(&send(&bench, "POST", &json!([limit("a", "55000"), limit("b", "54000")])).await);
    let cancel = |list: &'static str| bench.signed("DELETE", PATH, list);
    assert_eq!(outcomes(&cancel("symbol=BTCUSDT&origclientorderidlist=%5B%22a%22%5D").await), ["CANCELED"]);
    assert_eq!(outcomes(&cancel("symbol=BTCUSDT&origClientOrderIdList=%5B%22b%22%5D").await), ["CANCELED"]);
    assert_eq!(outcomes(&cancel("symbol=BTCUSDT&orderidlist=%5B1%2C2%5D").await), ["-2011", "-2011"]);
}

#[tokio::test]
async fn changes_come_back_with_their_tags() {
    let bench = start(quiet()).await;
    outcomes(&send(&bench, "POST", &json!([limit("a", "55000"), limit("b", "54000"), limit("c", "53000")])).await);
    let key = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={key}")).await;
    let change = |id: &str, quantity: &str, tag: Option<i64>| {
        let item = json!({"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": id, "quantity": quantity, "price": "55000"});
        tag.map_or_else(|| item.clone(), |tag| with(item.clone(), &[("modifyId", tag.into())]))
    };
    let unpriced = {
        let mut item = change("c", "0.010", None);
        item.as_object_mut().unwrap().remove("price");
        item
    };
    let items = json!([
        change("a", "0.020", Some(41)),
        change("a", "0.020", Some(42)),
        change("none", "0.020", None),
        unpriced,
        change("b", "0.020", None)
    ]);
    let answer = send(&bench, "PUT", &items).await;
    assert_eq!(outcomes(&answer), ["NEW", "-5027", "-2013", "-1102", "NEW"]);
    let rows = answer.json();
    assert_eq!((rows[0]["modifyId"].as_i64(), rows[4].get("modifyId")), (Some(41), None));
    assert_eq!(rows[0]["selfTradePreventionMode"], "NONE", "a change takes it away");
    assert_eq!((answer.header("x-mbx-order-count-10s"), answer.header("x-mbx-order-count-1m")), (Some("10"), Some("2")));
    let events = order_events(&mut socket, 2).await;
    assert!(events.iter().all(|event| event["x"] == "AMENDMENT" && event["X"] == "NEW"));
    assert_eq!((events[0]["M"].as_str(), events[1].get("M")), (Some("41"), None), "text, and only if one was sent");

    let history = bench.signed("GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT&origClientOrderId=a").await.json();
    assert_eq!(history.as_array().unwrap().len(), 1);
    let amendment = &history[0]["amendment"];
    assert_eq!((amendment["modifyId"].as_i64(), amendment["count"].as_i64()), (Some(41), Some(1)));
    assert_eq!((amendment["origQty"]["before"].as_str(), amendment["origQty"]["after"].as_str()), (Some("0.01"), Some("0.02")));
    let both = bench.signed("GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT").await.json();
    assert_eq!(both[0]["clientOrderId"], "b", "newest first");
    let month = "symbol=BTCUSDT&startTime=1700000000000&endTime=1703000000000";
    assert_eq!(bench.signed("GET", "/fapi/v1/orderAmendment", month).await.refusal(), (400, -4165));

    let cancelled =
        bench.signed("DELETE", PATH, "symbol=BTCUSDT&origClientOrderIdList=%5B%22a%22%2C%22none%22%2C%22b%22%5D").await;
    assert_eq!(outcomes(&cancelled), ["CANCELED", "-2011", "CANCELED"]);
    assert_eq!(cancelled.header("x-mbx-order-count-10s"), None, "cancels take nothing from the order counts");
}
