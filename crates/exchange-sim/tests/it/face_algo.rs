//! Conditional orders over loopback: parameters, replies with their exact keys, events with their exact keys, counts and codes.

use exchange_sim::symbol::SymbolSpec;
use serde_json::Value;

use crate::core_bench::d;
use crate::face_bench::{Answer, Bench, KEY, Socket, keys, quiet, start};

const STOP: &str =
    "algoType=CONDITIONAL&symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.01&triggerPrice=63000&workingType=MARK_PRICE";

const PLACED: [&str; 23] = [
    "algoId",
    "clientAlgoId",
    "algoType",
    "orderType",
    "symbol",
    "side",
    "positionSide",
    "timeInForce",
    "quantity",
    "algoStatus",
    "triggerPrice",
    "price",
    "icebergQuantity",
    "selfTradePreventionMode",
    "workingType",
    "priceMatch",
    "closePosition",
    "priceProtect",
    "reduceOnly",
    "createTime",
    "updateTime",
    "triggerTime",
    "goodTillDate",
];

async fn place(bench: &Bench, params: &str) -> Answer {
    let answer = bench.signed("POST", "/fapi/v1/algoOrder", params).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn inner(text: &str) -> Vec<String> {
    keys(text.split_once("\"o\":{").map(|(_, rest)| format!("{{{rest}")).unwrap().as_str())
}

/// Reads events up to the named state of the conditional order; gives the texts of ALGO_UPDATE.
async fn updates_until(socket: &mut Socket, last: &str) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let text = socket.text().await.unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        if event["e"] == "ALGO_UPDATE" {
            texts.push(text);
            if event["o"]["X"] == last {
                return texts;
            }
        }
    }
}

#[tokio::test]
async fn replies_carry_exactly_the_venues_keys() {
    let bench = start(quiet()).await;
    let placed = place(&bench, &format!("{STOP}&clientAlgoId=k1")).await;
    assert_eq!(placed.keys(), PLACED);
    assert_eq!((placed.header("x-mbx-order-count-10s"), placed.header("x-mbx-order-count-1m")), (Some("1"), Some("1")));
    let row = placed.json();
    assert_eq!((row["triggerPrice"].as_str(), row["price"].as_str()), (Some("63000.00"), Some("0.00")));
    assert_eq!((row["quantity"].as_str(), row["algoStatus"].as_str()), (Some("0.010"), Some("NEW")));
    assert!(row["algoId"].is_i64() && row["icebergQuantity"].is_null());
    let trailing = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=1.0&activatePrice=63000";
    let row = place(&bench, trailing).await;
    let mut with_trail = PLACED.to_vec();
    with_trail.splice(19..19, ["activatePrice", "callbackRate"]);
    assert_eq!(row.keys(), with_trail);
    assert_eq!((row.json()["activatePrice"].as_str(), row.json()["callbackRate"].as_str()), (Some("63000"), Some("1")));

    let open = bench.signed("GET", "/fapi/v1/openAlgoOrders", "symbol=BTCUSDT").await;
    let first = open.text.trim_matches(['[', ']']).split_once("},{").map(|(one, _)| format!("{one}}}")).unwrap();
    let mut in_list = PLACED.to_vec();
    in_list.splice(10..10, ["actualOrderId", "actualQty"]);
    in_list.push("isActivated");
    assert_eq!(keys(&first), in_list);
    assert!(first.contains(r#""actualOrderId":"","actualQty":"0.0","triggerPrice":"63000.0","price":"0.0","#), "{first}");

    let cancelled = bench.signed("DELETE", "/fapi/v1/algoOrder", "clientAlgoId=k1").await;
    assert_eq!(cancelled.keys(), ["algoId", "clientAlgoId", "code", "msg"]);
    assert!(cancelled.text.ends_with(r#""clientAlgoId":"k1","code":"200","msg":"success"}"#), "{}", cancelled.text);
    assert_eq!(bench.signed("DELETE", "/fapi/v1/algoOrder", "clientAlgoId=k1").await.refusal(), (400, -2011));
    let one = bench.signed("GET", "/fapi/v1/algoOrder", "clientAlgoId=k1").await;
    let mut in_history = PLACED.to_vec();
    in_history.insert(13, "tpOrderType");
    in_history.splice(10..10, ["actualOrderId", "actualPrice"]);
    in_history.push("isActivated");
    assert_eq!(one.keys(), in_history, "no quantity and type of a child that never was");
    assert!(one.text.contains(r#""algoStatus":"CANCELED","actualOrderId":"","actualPrice":"0.000","#), "{}", one.text);
    let all = bench.signed("DELETE", "/fapi/v1/algoOpenOrders", "symbol=BTCUSDT").await;
    assert_eq!(all.text, r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#);
    assert_eq!(bench.signed("GET", "/fapi/v1/openAlgoOrders", "").await.text, "[]");
}

#[tokio::test]
async fn events_carry_what_is_known_and_nothing_else() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={key}")).await;
    let before = [
        "caid", "aid", "at", "o", "s", "S", "ps", "f", "q", "X", "ai", "tp", "p", "V", "wt", "pm", "cp", "pP", "R", "tt", "gtd",
        "ia",
    ];
    place(&bench, &format!("{STOP}&clientAlgoId=e1")).await;
    let new = socket.text().await.unwrap();
    assert_eq!(keys(&new), ["e", "T", "E", "o"]);
    assert_eq!(inner(&new), before);
    assert!(new.contains(r#""q":"0.01","X":"NEW","ai":"","tp":"63000","p":"0","V":"EXPIRE_MAKER""#), "{new}");
    bench.door("price", r#"{"symbol":"BTCUSDT","price":"63100"}"#).await;
    let told = updates_until(&mut socket, "FINISHED").await;
    let mut after = before.to_vec();
    after.splice(11..11, ["ap", "aq", "act"]);
    assert_eq!(told.len(), 3);
    assert_eq!(inner(&told[0]), before, "TRIGGERING knows no child");
    assert_eq!(
        (inner(&told[1]), inner(&told[2])),
        (after.iter().map(|k| (*k).to_owned()).collect(), after.iter().map(|k| (*k).to_owned()).collect())
    );
    let finished: Value = serde_json::from_str(&told[2]).unwrap();
    assert_eq!((finished["o"]["aq"].as_str(), finished["o"]["act"].as_str()), (Some("0.01"), Some("MARKET")));
    let child = bench.signed("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=e1").await.json();
    assert_eq!(finished["o"]["ai"].as_str(), Some(child["orderId"].to_string().as_str()), "the number as text");
    assert_eq!((child["type"].as_str(), child["origType"].as_str()), (Some("MARKET"), Some("MARKET")));
    let past = bench.signed("GET", "/fapi/v1/allAlgoOrders", "symbol=BTCUSDT").await.json();
    assert_eq!((past[0]["actualType"].as_str(), past[0]["actualQty"].as_str()), (Some("MARKET"), Some("0.010")));
    assert_eq!(past[0]["isActivated"], false);

    // A reduce-only stop that would open is refused by the engine: only the service says so, with a reason.
    place(&bench, "algoType=CONDITIONAL&symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.01&triggerPrice=64000&workingType=MARK_PRICE&reduceOnly=true").await;
    bench.door("price", r#"{"symbol":"BTCUSDT","price":"64100"}"#).await;
    let told = updates_until(&mut socket, "REJECTED").await;
    let mut failed = before.to_vec();
    failed.insert(21, "rm");
    assert_eq!(inner(told.last().unwrap()), failed);
    assert!(told.last().unwrap().contains(r#""rm":"Reduce Only reject","ia":false"#));
}

#[tokio::test]
async fn refusals_and_the_lie_of_the_single_query() {
    let bench = start(quiet()).await;
    let ask = |params: &str| {
        let params = params.to_owned();
        let bench = &bench;
        async move { bench.signed("POST", "/fapi/v1/algoOrder", &params).await.refusal() }
    };
    assert_eq!(ask(&STOP.replace("CONDITIONAL", "VP")).await, (400, -1130));
    assert_eq!(ask(&STOP.replace("algoType=CONDITIONAL&", "")).await, (400, -1102));
    assert_eq!(ask(&STOP.replace("STOP_MARKET", "ODD")).await, (400, -1116));
    assert_eq!(ask(&STOP.replace("MARK_PRICE", "INDEX")).await, (400, -1130));
    assert_eq!(ask(&STOP.replace("63000", "50000")).await, (400, -2021));
    assert_eq!(ask(&format!("{STOP}&closePosition=true")).await, (400, -4137));
    let ordinary = "symbol=BTCUSDT&side=BUY&type=STOP_MARKET&quantity=0.01&stopPrice=63000";
    assert_eq!(bench.signed("POST", "/fapi/v1/order", ordinary).await.refusal(), (400, -4120));
    assert_eq!(bench.signed("DELETE", "/fapi/v1/algoOrder", "").await.refusal(), (400, -1102));
    assert_eq!(bench.signed("GET", "/fapi/v1/allAlgoOrders", "").await.refusal(), (400, -1102));
    assert_eq!(bench.signed("DELETE", "/fapi/v1/algoOpenOrders", "").await.refusal(), (400, -1102));

    let id = place(&bench, STOP).await.json()["algoId"].to_string();
    let by_id = format!("algoId={id}");
    assert_eq!(bench.signed("GET", "/fapi/v1/algoOrder", &by_id).await.refusal(), (400, -2013));
    assert_eq!(bench.door("algo", r#"{"query_denies_live":false,"child_delay_ms":60000}"#).await.status, 200);
    assert_eq!(bench.signed("GET", "/fapi/v1/algoOrder", &by_id).await.json()["algoStatus"], "NEW");
    bench.door("price", r#"{"symbol":"BTCUSDT","price":"63100"}"#).await;
    assert_eq!(bench.signed("GET", "/fapi/v1/algoOrder", &by_id).await.json()["algoStatus"], "TRIGGERING");
    assert_eq!(bench.signed("DELETE", "/fapi/v1/algoOrder", &by_id).await.refusal(), (400, -4117));
    assert_eq!(bench.door("algo", r#"{"told_delay_ms":"x"}"#).await.status, 400);
    assert_eq!(bench.door("algo", r#"{"told":"never"}"#).await.status, 400);
    let odd = r#"{"told":"last","finish_delay_ms":5,"told_twice":true,"varied":true,"list_lag_ms":500,"child_delay_ms":0}"#;
    assert_eq!(bench.door("algo", odd).await.status, 200);
    let later = place(&bench, &STOP.replace("63000", "65000")).await.json()["algoId"].to_string();
    let open = bench.signed("GET", "/fapi/v1/openAlgoOrders", "symbol=BTCUSDT").await;
    assert!(!open.text.contains(&later), "the list lags: {}", open.text);
    bench.door("algo", r#"{"list_lag_ms":0}"#).await;
    assert!(bench.signed("GET", "/fapi/v1/openAlgoOrders", "").await.text.contains(&later));
    let books = bench.get(&format!("/sim/ledger?key={KEY}")).await.json();
    assert_eq!(books["algoOrders"][0]["algoStatus"], "TRIGGERING");
}

#[tokio::test]
async fn the_open_list_prints_small_and_large_figures_with_exponents() {
    let mut config = quiet();
    config.exchange.symbols.push(SymbolSpec::new("PENNY", 7, d("0.0000001"), 0, d("0.0005")));
    let bench = start(config).await;
    let stop = "algoType=CONDITIONAL&symbol=PENNYUSDT&side=BUY&type=STOP&quantity=20000000&triggerPrice=0.0007&price=0.00069&clientAlgoId=p1";
    let placed = place(&bench, stop).await;
    assert!(
        placed.text.contains(r#""quantity":"20000000","#) && placed.text.contains(r#""triggerPrice":"0.0007000","#),
        "{}",
        placed.text
    );
    let open = bench.signed("GET", "/fapi/v1/openAlgoOrders", "symbol=PENNYUSDT").await;
    assert!(open.text.contains(r#""quantity":"2.0E7","#), "{}", open.text);
    assert!(open.text.contains(r#""triggerPrice":"7.0E-4","price":"6.9E-4","#), "{}", open.text);
    let past = bench.signed("GET", "/fapi/v1/allAlgoOrders", "symbol=PENNYUSDT").await;
    assert!(past.text.contains(r#""triggerPrice":"0.0007000","#), "only the open list: {}", past.text);
}
