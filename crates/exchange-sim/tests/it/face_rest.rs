//! The REST dialect over loopback: who is heard, what is answered, and with which fields, codes and headers.

use exchange_sim::face::Limits;

use crate::face_bench::{Answer, Bench, HEDGER, KEY, SECRET, exchange, quiet, signed_query, start, wall_ms};

const RESTING: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.010&price=55000.00";

async fn order(bench: &Bench, params: &str) -> Answer {
    bench.signed("POST", "/fapi/v1/order", params).await
}

#[tokio::test]
async fn open_endpoints_answer_anybody_and_count_weight() {
    let bench = start(quiet()).await;
    assert_eq!(bench.get("/fapi/v1/ping").await.text, "{}");
    let time = bench.get("/fapi/v1/time").await;
    assert!((time.json()["serverTime"].as_i64().unwrap() - wall_ms()).abs() < 1_000);
    assert_eq!(time.header("X-MBX-USED-WEIGHT-1M"), Some("2"));
    for path in [
        "/fapi/v1/exchangeInfo",
        "/fapi/v1/depth?symbol=BTCUSDT&limit=5",
        "/fapi/v1/trades?symbol=BTCUSDT",
        "/fapi/v1/aggTrades?symbol=BTCUSDT",
        "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=2",
        "/fapi/v1/ticker/24hr",
        "/fapi/v1/ticker/price?symbol=BTCUSDT",
        "/fapi/v2/ticker/price",
        "/fapi/v1/ticker/bookTicker?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT",
        "/fapi/v1/premiumIndex",
        "/fapi/v1/fundingRate",
        "/fapi/v1/fundingInfo",
        "/fapi/v1/openInterest?symbol=BTCUSDT",
    ] {
        let answer = bench.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.header("x-mbx-used-weight-1m").is_some(), "{path}");
    }
    assert_eq!(bench.get("/fapi/v1/nothing").await.status, 404);
    assert_eq!(bench.send("PATCH", "/fapi/v1/order", None, "").await.unwrap().status, 405);
    assert_eq!(bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=7").await.refusal(), (400, -4021));
    assert_eq!(bench.get("/fapi/v1/depth?symbol=NOPE").await.refusal(), (400, -1121));
    assert_eq!(bench.get("/fapi/v1/klines?symbol=BTCUSDT&interval=2m").await.refusal(), (400, -1120));
}

#[tokio::test]
async fn exchange_info_describes_what_is_enforced() {
    let bench = start(quiet()).await;
    let info = bench.get("/fapi/v1/exchangeInfo").await.json();
    let symbols: Vec<&str> = info["symbols"].as_array().unwrap().iter().map(|s| s["symbol"].as_str().unwrap()).collect();
    assert_eq!(symbols, ["BTCUSDT", "ETHUSDT", "SOLUSDT", "币安人生USDT"]);
    let btc = &info["symbols"][0];
    let filters: Vec<&str> = btc["filters"].as_array().unwrap().iter().map(|f| f["filterType"].as_str().unwrap()).collect();
    assert_eq!(
        filters,
        [
            "PRICE_FILTER",
            "LOT_SIZE",
            "MARKET_LOT_SIZE",
            "MAX_NUM_ORDERS",
            "MIN_NOTIONAL",
            "PERCENT_PRICE",
            "POSITION_RISK_CONTROL"
        ]
    );
    assert_eq!(btc["filters"][0]["tickSize"], "0.10");
    assert_eq!(info["rateLimits"][2]["limit"], 300);
}

#[tokio::test]
async fn a_request_is_heard_only_with_key_time_and_signature() {
    let bench = start(quiet()).await;
    let path = "/fapi/v2/balance";
    let ask = async |query: String, key: Option<&str>| bench.send("GET", &format!("{path}?{query}"), key, "").await.unwrap();
    let good = signed_query("", wall_ms());
    assert_eq!(ask(good.clone(), None).await.refusal(), (401, -2014));
    assert_eq!(ask(good.clone(), Some("bad key!")).await.refusal(), (401, -2014));
    assert_eq!(ask(good.clone(), Some("unknown")).await.refusal(), (401, -2015));
    assert_eq!(ask("signature=00".into(), Some(KEY)).await.refusal(), (400, -1102));
    assert_eq!(ask(format!("timestamp={}", wall_ms()), Some(KEY)).await.refusal(), (400, -1102));
    let late = ask(signed_query("recvWindow=100", wall_ms() - 200), Some(KEY)).await;
    assert_eq!(late.json()["msg"], "Timestamp for this request is outside of the recvWindow.");
    let early = ask(signed_query("", wall_ms() + 5_000), Some(KEY)).await;
    assert_eq!(early.json()["msg"], "Timestamp for this request was 1000ms ahead of the server's time.");
    assert_eq!((late.refusal(), early.refusal()), ((400, -1021), (400, -1021)));
    let forged = ask(format!("{good}0"), Some(KEY)).await;
    assert_eq!(forged.refusal(), (400, -1022));
    assert_eq!(forged.json()["msg"], "Signature for this request is not valid.");
    assert_eq!(ask(good, Some(KEY)).await.status, 200);
}

#[tokio::test]
async fn parameters_come_in_query_body_or_both() {
    let bench = start(quiet()).await;
    let post =
        async |query: &str, body: &str| bench.send("POST", &format!("/fapi/v1/leverage?{query}"), Some(KEY), body).await.unwrap();
    let in_body = signed_query("symbol=BTCUSDT&leverage=11", wall_ms());
    assert_eq!(post("", &in_body).await.json()["leverage"], 11);
    let in_query = signed_query("symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&leverage=12&unknown=1", wall_ms());
    assert_eq!(post(&in_query, "").await.json()["symbol"], "币安人生USDT");
    // The signature covers query and body without a separator; the query wins.
    let (query, body) = ("symbol=ETHUSDT&leverage=13", format!("leverage=99&timestamp={}", wall_ms()));
    let signature = exchange_sim::face::sign(SECRET, format!("{query}{body}").as_bytes()).to_uppercase();
    let both = post(query, &format!("{body}&signature={signature}")).await;
    assert_eq!((both.json()["symbol"].as_str(), both.json()["leverage"].as_i64()), (Some("ETHUSDT"), Some(13)));
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let bench = start(quiet()).await;
    let mut stream = bench.stream().await;
    for _ in 0..3 {
        let answer = exchange(&mut stream, "GET", "/fapi/v1/ping", None, "").await.unwrap();
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn replies_to_orders_have_the_venues_fields_and_no_prices() {
    let bench = start(quiet()).await;
    let reply = [
        "orderId",
        "symbol",
        "status",
        "clientOrderId",
        "price",
        "origQty",
        "executedQty",
        "cumQty",
        "timeInForce",
        "type",
        "reduceOnly",
        "closePosition",
        "side",
        "positionSide",
        "stopPrice",
        "workingType",
        "priceProtect",
        "origType",
        "priceMatch",
        "selfTradePreventionMode",
        "goodTillDate",
        "updateTime",
    ];
    let placed = order(&bench, &format!("{RESTING}&newClientOrderId=a1")).await;
    assert_eq!(placed.keys(), reply, "{}", placed.text);
    assert_eq!(placed.json()["price"], "55000.00");
    assert_eq!(placed.json()["origQty"], "0.010");
    assert_eq!(placed.header("X-MBX-ORDER-COUNT-10S"), Some("1"));
    assert_eq!(placed.header("X-MBX-ORDER-COUNT-1M"), Some("1"));

    let modified = bench
        .signed("PUT", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&origClientOrderId=a1&quantity=0.020&price=55000.10&modifyId=9")
        .await;
    let mut with_pair: Vec<&str> = reply.to_vec();
    with_pair.splice(2..4, ["pair", "status", "clientOrderId", "modifyId"]);
    assert_eq!(modified.keys(), with_pair, "{}", modified.text);
    assert_eq!(modified.json()["modifyId"], 9);

    let query = bench.signed("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a1").await;
    assert_eq!(query.json()["avgPrice"], "0.000");
    assert_eq!(query.json()["origQty"], "0.020");
    assert!(query.keys().contains(&"cumQuote".to_owned()) && query.keys().contains(&"time".to_owned()));
    let open = bench.signed("GET", "/fapi/v1/openOrders", "").await;
    assert_eq!(open.json()[0], query.json());
    assert_eq!(bench.signed("GET", "/fapi/v1/openOrder", "symbol=BTCUSDT&origClientOrderId=a1").await.json(), query.json());
    let amendments = bench.signed("GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT").await.json();
    assert_eq!(amendments[0]["amendment"]["price"]["after"], "55000.1");

    let cancelled = bench.signed("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a1").await;
    assert_eq!(cancelled.keys(), reply);
    assert_eq!(cancelled.json()["status"], "CANCELED");
    assert_eq!(cancelled.header("X-MBX-ORDER-COUNT-10S"), None);
    let history = bench.signed("GET", "/fapi/v1/allOrders", "symbol=BTCUSDT").await.json();
    assert_eq!(history[0]["stopPrice"], "0");
    assert_eq!(history[0]["cumBase"], "0");
}

#[tokio::test]
async fn a_market_order_shows_its_end_only_on_request_and_its_trades() {
    let bench = start(quiet()).await;
    let ack = order(&bench, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010").await;
    assert_eq!(ack.json()["status"], "NEW", "{}", ack.text);
    let result = order(&bench, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&newOrderRespType=RESULT").await;
    assert_eq!(result.json()["status"], "FILLED", "{}", result.text);
    assert!(!result.text.contains("avgPrice") && !result.text.contains("cumQuote"));
    let trades = bench.signed("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT").await;
    let keys = crate::face_bench::keys(trades.text.trim_start_matches('[').split("},").next().unwrap());
    assert_eq!(
        keys,
        [
            "symbol",
            "id",
            "orderId",
            "pair",
            "side",
            "price",
            "qty",
            "realizedPnl",
            "quoteQty",
            "commission",
            "commissionAsset",
            "time",
            "buyer",
            "maker",
            "positionSide",
            "baseQty",
            "marginAsset",
        ]
    );
    let risk = bench.signed("GET", "/fapi/v3/positionRisk", "").await.json();
    assert_eq!(risk[0]["positionAmt"], "0.020");
    assert_eq!(risk.as_array().unwrap().len(), 1);
    assert_eq!(bench.signed("GET", "/fapi/v2/positionRisk", "").await.json().as_array().unwrap().len(), 4);
    let income = bench.signed("GET", "/fapi/v1/income", "incomeType=COMMISSION").await.json();
    assert!(income[0]["income"].as_str().unwrap().starts_with('-'));
}

#[tokio::test]
async fn every_reading_endpoint_answers() {
    let bench = start(quiet()).await;
    for (path, params) in [
        ("/fapi/v2/account", ""),
        ("/fapi/v3/account", ""),
        ("/fapi/v2/balance", ""),
        ("/fapi/v3/balance", ""),
        ("/fapi/v1/accountConfig", ""),
        ("/fapi/v1/symbolConfig", "symbol=BTCUSDT"),
        ("/fapi/v1/positionSide/dual", ""),
        ("/fapi/v1/multiAssetsMargin", ""),
        ("/fapi/v1/leverageBracket", ""),
        ("/fapi/v1/commissionRate", "symbol=BTCUSDT"),
        ("/fapi/v1/rateLimit/order", ""),
        ("/fapi/v1/apiTradingStatus", ""),
        ("/fapi/v1/adlQuantile", ""),
        ("/fapi/v1/feeBurn", ""),
        ("/fapi/v1/forceOrders", ""),
        ("/fapi/v1/income", ""),
        ("/fapi/v1/positionMargin/history", "symbol=BTCUSDT"),
        ("/fapi/v1/openAlgoOrders", ""),
        ("/fapi/v1/allAlgoOrders", "symbol=BTCUSDT"),
        ("/sapi/v1/capital/config/getall", ""),
        ("/sapi/v1/margin/allPairs", ""),
        ("/sapi/v1/account/apiRestrictions", ""),
    ] {
        let answer = bench.signed("GET", path, params).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    assert_eq!(bench.signed("POST", "/fapi/v1/algoOrder", "").await.refusal(), (400, -1102));
}

#[tokio::test]
async fn refusals_carry_the_venues_codes() {
    let bench = start(quiet()).await;
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
    order(&bench, &format!("{RESTING}&newClientOrderId=twice")).await;
    for (params, code) in [
        ("side=BUY&type=MARKET&quantity=1".to_owned(), -1102),
        ("symbol=NOPE&side=BUY&type=MARKET&quantity=1".to_owned(), -1121),
        ("symbol=BTCUSDT&side=UP&type=MARKET&quantity=1".to_owned(), -1117),
        ("symbol=BTCUSDT&side=BUY&type=ODD&quantity=1".to_owned(), -1116),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=XXX&quantity=1&price=1".to_owned(), -1115),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1e3".to_owned(), -1100),
        ("symbol=BTCUSDT&side=BUY&type=MARKET".to_owned(), -1102),
        ("symbol=BTCUSDT&side=BUY&type=STOP_MARKET&stopPrice=1&quantity=1".to_owned(), -4120),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&positionSide=LONG".to_owned(), -4061),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&positionSide=ODD".to_owned(), -4060),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newOrderRespType=ODD".to_owned(), -1136),
        (format!("{limit}&quantity=0.01&price=55000.123"), -1111),
        (format!("{limit}&quantity=0.01&price=55000.05"), -4014),
        (format!("{limit}&quantity=0.0001&price=55000"), -1111),
        (format!("{limit}&quantity=0.001&price=40000.0"), -4164),
        (format!("{limit}&quantity=10&price=80000.0"), -4016),
        (format!("{limit}&quantity=900&price=55000.0"), -2019),
        ("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.01&price=61000.0".to_owned(), -5022),
        (format!("{RESTING}&newClientOrderId=twice"), -4116),
        (format!("{RESTING}&newClientOrderId=%20"), -4015),
    ] {
        let answer = order(&bench, &params).await;
        assert_eq!(answer.refusal(), (400, code), "{params}: {}", answer.text);
    }
    let missing = "symbol=BTCUSDT&origClientOrderId=none";
    assert_eq!(bench.signed("DELETE", "/fapi/v1/order", missing).await.refusal(), (400, -2011));
    assert_eq!(bench.signed("GET", "/fapi/v1/order", missing).await.refusal(), (400, -2013));
    assert_eq!(bench.signed("GET", "/fapi/v1/order", "symbol=BTCUSDT").await.refusal(), (400, -1102));
    assert_eq!(bench.signed("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false").await.refusal(), (400, -4059));
    assert_eq!(bench.signed("POST", "/fapi/v1/marginType", "symbol=ETHUSDT&marginType=CROSSED").await.refusal(), (400, -4046));
}

#[tokio::test]
async fn batches_answer_item_by_item() {
    let bench = start(quiet()).await;
    let orders = r#"batchOrders=[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.010","price":"55000","newClientOrderId":"b1"},{"symbol":"NOPE","side":"BUY","type":"MARKET","quantity":"1"}]"#;
    let raw = signed_query(orders, wall_ms());
    let placed = bench.send("POST", "/fapi/v1/batchOrders", Some(KEY), &raw).await.unwrap();
    assert_eq!(placed.status, 200, "{}", placed.text);
    assert_eq!(placed.json()[0]["clientOrderId"], "b1");
    assert_eq!(placed.json()[1]["code"], -1121);
    assert_eq!(placed.header("x-mbx-order-count-10s"), Some("5"));
    assert_eq!(placed.header("x-mbx-order-count-1m"), Some("1"));
    let changes = "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22origClientOrderId%22%3A%22b1%22%2C%22quantity%22%3A%220.020%22%2C%22price%22%3A%2255000%22%7D%5D";
    let changed = bench.signed("PUT", "/fapi/v1/batchOrders", changes).await;
    assert_eq!(changed.json()[0]["origQty"], "0.020", "{}", changed.text);
    let ids = "symbol=BTCUSDT&origClientOrderIdList=%5B%22b1%22%2C%22none%22%5D";
    let cancelled = bench.signed("DELETE", "/fapi/v1/batchOrders", ids).await;
    assert_eq!(cancelled.json()[0]["status"], "CANCELED", "{}", cancelled.text);
    assert_eq!(cancelled.json()[1]["code"], -2011);
    let all = bench.signed("DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT").await;
    assert_eq!(all.text, r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#);
    let countdown = bench.signed("POST", "/fapi/v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=0").await;
    assert_eq!(countdown.text, r#"{"symbol":"BTCUSDT","countdownTime":"0"}"#);
}

#[tokio::test]
async fn both_legs_stand_open_in_hedge_mode() {
    let bench = start(quiet()).await;
    for (side, leg) in [("BUY", "LONG"), ("SELL", "SHORT")] {
        let params = format!("symbol=BTCUSDT&side={side}&positionSide={leg}&type=MARKET&quantity=0.010&reduceOnly=False");
        let answer = bench.hedged("POST", "/fapi/v1/order", &params).await;
        assert_eq!(answer.json()["positionSide"], leg, "{}", answer.text);
    }
    let risk = bench.hedged("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT").await.json();
    let legs: Vec<(&str, &str)> = risk
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["positionSide"].as_str().unwrap(), row["positionAmt"].as_str().unwrap()))
        .collect();
    assert_eq!(legs, [("LONG", "0.010"), ("SHORT", "-0.010")]);
    let without_leg = bench.hedged("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01").await;
    assert_eq!(without_leg.refusal(), (400, -4061));
    let quantile = bench.hedged("GET", "/fapi/v1/adlQuantile", "").await.json();
    assert!(quantile[0]["adlQuantile"]["LONG"].is_number() && quantile[0]["adlQuantile"]["HEDGE"].is_number());
    assert!(bench.server.face().ledger(HEDGER).unwrap().positions.len() >= 2);
}

#[tokio::test]
async fn too_much_is_refused_and_then_banned() {
    let mut config = quiet();
    config.limits = Limits { weight_1m: 60, breaches_before_ban: 1, ban_ms: 60_000, orders_10s: 2, orders_1m: 1_200 };
    let bench = start(config).await;
    let mut codes = Vec::new();
    // Windows are aligned to the clock: at their edge three orders may fall into two windows.
    for _ in 0..6 {
        codes.push(order(&bench, RESTING).await.refusal());
    }
    assert!(codes.contains(&(429, -1015)), "{codes:?}");
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(bench.signed("GET", "/fapi/v1/positionSide/dual", "").await);
    }
    let codes: Vec<(u16, i64)> = seen.iter().map(Answer::refusal).collect();
    assert!(codes.contains(&(429, -1003)) && codes.contains(&(418, -1003)), "{codes:?}");
    assert!(seen.last().unwrap().text.contains("IP banned until"));
}
