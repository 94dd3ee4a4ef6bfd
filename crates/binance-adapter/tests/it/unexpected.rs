//! What this build does not know, in the answer of every endpoint and in every event: nothing fails, and it is counted where it
//! stood.

use exchange_sim::face::RequestFault;
use exec_core::{
    report::{ReportBody, VenueStatus},
    terms::{OrderKind, TimeInForce},
    units::Side,
    venue::{AccountSetup, ExecutionVenue, VenueClock},
};

use binance_adapter::translate::{Symbols, Tally, report};

use crate::{
    conditional::{part, stop_at},
    world::{World, answer, btc, conditional_reference, limit, reference, terms},
};

fn paths(world: &World) -> Vec<(String, u64)> {
    world.venue.unrecognised().into_iter().map(|seen| (seen.path, seen.count)).collect()
}

fn counted(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn new_fields_and_words_in_the_reply_to_an_order_change_nothing() {
    let world = World::netting().await;
    let reply = |id: &str| {
        format!(
            r#"{{"orderId":7,"symbol":"BTCUSDT","status":"PARKED","clientOrderId":"{id}","price":"1","origQty":"0.010","executedQty":"0","type":"LIMIT","timeInForce":"SOON","side":"BUY","updateTime":1,"novelty":{{"deep":[1]}}}}"#
        )
    };
    world.fault("POST", "/fapi/v1/order", RequestFault::ErrorAfter(answer(200, &reply("T-1"))));
    world.fault("DELETE", "/fapi/v1/order", RequestFault::ErrorAfter(answer(200, &reply("T-1"))));
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit("58000", TimeInForce::Gtc))).await.unwrap();
    assert_eq!((placed.status, placed.kind), (VenueStatus::Unrecognised, None));
    world.cancel(reference(&placed)).await.unwrap();
    assert_eq!(paths(&world), counted(&[("order.novelty", 2), ("order.status=PARKED", 2), ("order.timeInForce=SOON", 2)]));
}

#[tokio::test(start_paused = true)]
async fn new_fields_and_words_of_the_algo_service_change_nothing() {
    let world = World::netting().await;
    let reply = r#"{"algoId":9,"clientAlgoId":"T-1","algoType":"ICEBERG","orderType":"STOP_LADDER","symbol":"BTCUSDT","side":"SELL","algoStatus":"PONDERING","quantity":"1","steps":3}"#;
    world.fault("POST", "/fapi/v1/algoOrder", RequestFault::ErrorAfter(answer(200, reply)));
    let stop = terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    let placed = world.submit(stop).await.unwrap();
    assert_eq!((placed.status, placed.kind), (VenueStatus::Unrecognised, None));
    let acknowledged = r#"{"algoId":9,"clientAlgoId":"T-1","code":"200","msg":"success","ticket":"x"}"#;
    world.fault("DELETE", "/fapi/v1/algoOrder", RequestFault::ErrorAfter(answer(200, acknowledged)));
    world.fault("GET", "/fapi/v1/algoOrder", RequestFault::ErrorBefore(answer(200, reply)));
    assert_eq!(world.cancel(conditional_reference(&placed)).await.unwrap().status, VenueStatus::Unrecognised);
    let expected = [
        ("algoOrder.algoStatus=PONDERING", 2),
        ("algoOrder.algoType=ICEBERG", 2),
        ("algoOrder.orderType=STOP_LADDER", 2),
        ("algoOrder.steps", 2),
        ("algoOrder.ticket", 1),
    ];
    assert_eq!(paths(&world), counted(&expected));
}

/// One more field, at the beginning of the first object of an answer.
fn with_news(body: &str) -> String {
    body.replacen('{', r#"{"news":[{"a":1}],"#, 1)
}

#[tokio::test(start_paused = true)]
async fn every_question_counts_what_it_does_not_know() {
    let world = World::netting().await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    world.submit(terms(&btc(), Side::Buy, "0.010", limit("58000", TimeInForce::Gtc))).await.unwrap();
    world.submit(terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)))).await.unwrap();
    world.venue.instruments().await.unwrap();
    let of = |path: &str, query: &str| {
        let params: serde_json::Map<String, serde_json::Value> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let ask = serde_json::json!({"key": crate::world::KEY, "method": "GET", "path": path, "params": params});
        let (status, text) = world.face.operate("POST", "as", "", &ask.to_string());
        assert_eq!(status, 200, "{path}: {text}");
        text
    };
    let mut expected = Vec::new();
    for (path, query) in [
        ("/fapi/v1/accountConfig", ""),
        ("/fapi/v1/openAlgoOrders", ""),
        ("/fapi/v1/openOrders", ""),
        ("/fapi/v1/userTrades", "symbol=BTCUSDT"),
        ("/fapi/v3/balance", ""),
        ("/fapi/v3/positionRisk", ""),
    ] {
        world.fault("GET", path, RequestFault::ErrorBefore(answer(200, &with_news(&of(path, query)))));
        expected.push((format!("{}.news", path.rsplit('/').next().unwrap()), 1));
    }
    world.venue.mass_status(&[btc()]).await.unwrap();
    expected.sort();
    assert_eq!(paths(&world), expected);
    let config = "/fapi/v1/symbolConfig";
    world.fault("GET", config, RequestFault::ErrorBefore(answer(200, &with_news(&of(config, "")))));
    let settings = world.venue.instrument_settings(&[btc()]).await.unwrap();
    assert!(settings[0].notional_max.is_some_and(|max| max > rust_decimal::Decimal::ZERO), "{settings:?}");
    assert!(paths(&world).contains(&("symbolConfig.news".into(), 1)));
    world.venue.read_clock().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leverage_bounds_the_notional_of_a_position() {
    let world = World::netting().await;
    let bound = async || world.venue.instrument_settings(&[btc()]).await.unwrap()[0].notional_max;
    world.venue.set_leverage(&btc(), 5).await.unwrap();
    let slow = bound().await.unwrap();
    world.venue.set_leverage(&btc(), 100).await.unwrap();
    assert!(bound().await.unwrap() < slow);
    let row = r#"[{"symbol":"BTCUSDT","marginType":"CROSSED","isAutoAddMargin":false,"leverage":5,"maxNotionalValue":"INF"}]"#;
    world.fault("GET", "/fapi/v1/symbolConfig", RequestFault::ErrorBefore(answer(200, row)));
    assert_eq!(bound().await, None, "no bound is no figure");
}

#[test]
fn events_are_counted_by_their_name_and_the_unknown_ones_are_kept() {
    let (symbols, tally) = (Symbols::default(), Tally::default());
    let read = |text: &str| report(&symbols, &tally, text).body;
    let order = r#"{"e":"ORDER_TRADE_UPDATE","T":1,"E":1,"o":{"s":"BTCUSDT","c":"a","S":"BUY","o":"LIMIT","f":"GTC","q":"1","p":"1","ap":"0","x":"REBORN","X":"PARKED","i":7,"l":"0","z":"0","L":"0","T":1,"t":0,"m":false,"ps":"BOTH","zz":1}}"#;
    assert!(matches!(read(order), ReportBody::Order(o) if o.status == VenueStatus::Unrecognised));
    let algo = r#"{"e":"ALGO_UPDATE","T":1,"E":1,"o":{"caid":"a","aid":1,"o":"STOP","s":"BTCUSDT","S":"BUY","ps":"BOTH","X":"PONDERING","wt":"INDEX_PRICE","nn":null}}"#;
    assert!(matches!(read(algo), ReportBody::Order(o) if o.status == VenueStatus::Unrecognised && o.kind.is_none()));
    let account = r#"{"e":"ACCOUNT_UPDATE","T":1,"E":1,"a":{"m":"MOON","B":[],"P":[]}}"#;
    assert!(matches!(read(account), ReportBody::Account(a) if a.reason == "MOON"));
    let unheard = r#"{"e":"uniMMRDrop","E":1}"#;
    assert!(matches!(read(unheard), ReportBody::Unrecognised { name, raw } if name == "uniMMRDrop" && raw == unheard));
    assert!(matches!(read("{"), ReportBody::Unreadable { .. }));
    assert!(matches!(read(&order.replace("BUY", "LEFT")), ReportBody::Unreadable { .. }));
    let counts: Vec<(String, u64)> = tally.counts().into_iter().collect();
    let expected = [
        ("(an event that cannot be read)", 1),
        ("ACCOUNT_UPDATE.a.m=MOON", 1),
        ("ALGO_UPDATE.o.X=PONDERING", 1),
        ("ALGO_UPDATE.o.nn", 1),
        ("ALGO_UPDATE.o.wt=INDEX_PRICE", 1),
        ("ORDER_TRADE_UPDATE (cannot be said)", 1),
        ("ORDER_TRADE_UPDATE.o.S=LEFT", 1),
        ("ORDER_TRADE_UPDATE.o.X=PARKED", 2),
        ("ORDER_TRADE_UPDATE.o.x=REBORN", 2),
        ("ORDER_TRADE_UPDATE.o.zz", 2),
        ("e=uniMMRDrop", 1),
    ];
    assert_eq!(counts, counted(&expected));
}
