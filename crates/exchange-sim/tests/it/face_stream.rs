//! Streams over loopback: every form of the private URL, the order and the keys of events, market routes, the life of keys.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use crate::face_bench::{Bench, KEY, PATIENCE, Socket, keys, label, quiet, start};

const BUY: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010";

async fn buy(bench: &Bench) {
    let answer = bench.signed("POST", "/fapi/v1/order", BUY).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Nothing has come up to a reply that is asked for now.
async fn silent_so_far(socket: &mut Socket) -> bool {
    socket.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":"end"}"#).await;
    socket.json().await["id"] == "end"
}

#[tokio::test]
async fn every_form_of_the_private_stream_carries_the_events_in_the_venues_order() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    assert_eq!(bench.listen_key().await, key);
    let subscribe = format!(r#"{{"method":"SUBSCRIBE","params":["{key}"],"id":1}}"#);
    let forms = [
        (format!("/private/ws?listenKey={key}"), false, false),
        (format!("/private/ws/{key}"), false, false),
        (format!("/private/stream?listenKey={key}"), true, false),
        ("/private/stream".to_owned(), true, true),
        ("/private/stream?streams=".to_owned(), true, true),
        (format!("/ws/{key}"), false, false),
        ("/ws".to_owned(), false, true),
        (format!("/stream?streams={key}"), true, false),
    ];
    for (form, wrapped, late) in forms {
        let mut socket = bench.socket(&form).await;
        if late {
            socket.say(&subscribe).await;
            assert_eq!(socket.text().await.unwrap(), r#"{"result":null,"id":1}"#);
        }
        buy(&bench).await;
        let first = socket.json().await;
        assert_eq!(first.get("stream").is_some(), wrapped, "{form}");
        let mut labels = vec![label(&first)];
        labels.extend(socket.names_until("ORDER_TRADE_UPDATE:TRADE").await);
        assert_eq!(labels, ["TRADE_LITE", "ORDER_TRADE_UPDATE:NEW", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE:TRADE"], "{form}");
    }
}

#[tokio::test]
async fn events_carry_exactly_the_venues_keys() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={key}")).await;
    buy(&bench).await;
    let order_keys = [
        "s", "c", "S", "o", "f", "q", "p", "ap", "sp", "x", "X", "i", "l", "z", "L", "n", "N", "T", "t", "b", "a", "m", "R",
        "wt", "ot", "ps", "cp", "rp", "pP", "si", "ss", "V", "pm", "gtd", "er",
    ];
    let inner = |text: &str, name: &str| keys(text.split_once(&format!("\"{name}\":")).unwrap().1);
    let lite = socket.text().await.unwrap();
    assert_eq!(keys(&lite), ["e", "E", "T", "s", "q", "p", "m", "c", "S", "L", "l", "t", "i"]);
    let new = socket.text().await.unwrap();
    assert_eq!(keys(&new), ["e", "T", "E", "o"]);
    assert_eq!(inner(&new, "o"), order_keys);
    let account = socket.text().await.unwrap();
    assert_eq!(inner(&account, "a"), ["B", "P", "m"]);
    assert!(account.contains(r#""P":[{"s":"BTCUSDT","pa":"0.01","ep":""#), "{account}");
    let trade = socket.text().await.unwrap();
    assert_eq!(inner(&trade, "o"), order_keys);
    let (lite, new, trade): (serde_json::Value, serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&lite).unwrap(), serde_json::from_str(&new).unwrap(), serde_json::from_str(&trade).unwrap());
    assert_eq!((new["o"]["n"].as_str(), new["o"]["N"].as_str()), (Some("0"), Some("USDT")));
    assert_eq!(lite["t"], trade["o"]["t"]);
    assert_eq!((&lite["E"], &lite["T"]), (&trade["E"], &new["T"]));
    assert_eq!(trade["o"]["X"], "FILLED");

    bench
        .signed(
            "POST",
            "/fapi/v1/order",
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=55000&newClientOrderId=m1",
        )
        .await;
    assert_eq!(label(&socket.json().await), "ORDER_TRADE_UPDATE:NEW");
    bench
        .signed("PUT", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&origClientOrderId=m1&quantity=0.020&price=55000&modifyId=77")
        .await;
    let amended = socket.text().await.unwrap();
    assert!(amended.contains(r#""x":"AMENDMENT","X":"NEW""#) && amended.contains(r#""er":"0","M":"77"}"#), "{amended}");
    bench.signed("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=9").await;
    let config = socket.text().await.unwrap();
    assert_eq!(keys(&config), ["e", "E", "T", "ac"]);
    assert!(config.ends_with(r#""ac":{"s":"BTCUSDT","l":9}}"#), "{config}");
}

#[tokio::test]
async fn events_can_be_chosen_by_name() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={key}&events=ACCOUNT_UPDATE/TRADE_LITE")).await;
    buy(&bench).await;
    assert_eq!(socket.names_until("ACCOUNT_UPDATE").await, ["TRADE_LITE", "ACCOUNT_UPDATE"]);
    buy(&bench).await;
    assert_eq!(socket.names_until("ACCOUNT_UPDATE").await, ["TRADE_LITE", "ACCOUNT_UPDATE"]);
}

#[tokio::test]
async fn a_listen_key_ends_with_an_event_and_then_silence() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    let mut socket = bench.socket(&format!("/private/ws?listenKey={key}")).await;
    let put = async |query: &str| bench.send("PUT", &format!("/fapi/v1/listenKey{query}"), Some(KEY), "").await.unwrap();
    assert_eq!(put("").await.json()["listenKey"], key.as_str());
    assert_eq!(put(&format!("?listenKey={key}")).await.status, 200);
    assert_eq!(put("?listenKey=other").await.refusal(), (400, -1125));
    bench.door("listenkey/expire", &format!(r#"{{"key":"{KEY}"}}"#)).await;
    let expired = socket.text().await.unwrap();
    assert_eq!(keys(&expired), ["e", "E", "listenKey"]);
    assert!(expired.contains(&key));
    assert_eq!(put("").await.refusal(), (400, -1125));
    let other = bench.listen_key().await;
    assert_ne!(other, key);
    buy(&bench).await;
    assert!(silent_so_far(&mut socket).await);
    let mut socket = bench.socket(&format!("/private/ws?listenKey={other}")).await;
    bench.send("DELETE", "/fapi/v1/listenKey", Some(KEY), "").await.unwrap();
    buy(&bench).await;
    assert!(silent_so_far(&mut socket).await);
}

#[tokio::test]
async fn private_data_stays_off_the_wrong_routes() {
    let bench = start(quiet()).await;
    let key = bench.listen_key().await;
    bench.door("legacy", r#"{"on":false}"#).await;
    for form in [format!("/market/ws/{key}"), format!("/public/stream?streams={key}"), format!("/ws/{key}")] {
        let mut socket = bench.socket(&form).await;
        buy(&bench).await;
        assert!(silent_so_far(&mut socket).await, "{form}");
    }
}

#[tokio::test]
async fn market_streams_flow_on_their_routes() {
    let mut config = quiet();
    config.exchange.flow.interval_ms = 50;
    let bench = start(config).await;
    for (form, event, all) in [
        ("/public/ws/btcusdt@bookTicker", "bookTicker", vec!["e", "u", "s", "b", "B", "a", "A", "T", "E"]),
        ("/public/ws/btcusdt@depth@100ms", "depthUpdate", vec!["e", "E", "T", "s", "U", "u", "pu", "b", "a"]),
        ("/public/ws/btcusdt@depth5", "depthUpdate", vec!["e", "E", "T", "s", "U", "u", "pu", "b", "a"]),
        ("/market/ws/btcusdt@markPrice@1s", "markPriceUpdate", vec!["e", "E", "s", "p", "ap", "P", "i", "r", "T"]),
        ("/market/ws/btcusdt@aggTrade", "aggTrade", vec!["e", "E", "a", "s", "p", "q", "nq", "f", "l", "T", "m"]),
        ("/market/ws/btcusdt@kline_1m", "kline", vec!["e", "E", "s", "k"]),
        ("/market/ws/btcusdt@miniTicker", "24hrMiniTicker", vec!["e", "E", "s", "c", "o", "h", "l", "v", "q"]),
    ] {
        let mut socket = bench.socket(form).await;
        let text = socket.text().await.unwrap();
        assert_eq!(keys(&text), all, "{form}: {text}");
        assert!(text.contains(event), "{form}");
    }
    let mut combined = bench.socket("/stream?streams=币安人生usdt@bookTicker").await;
    assert_eq!(combined.json().await["stream"], "币安人生usdt@bookTicker");
    let mut wrong = bench.socket("/market/ws/btcusdt@bookTicker").await;
    buy(&bench).await;
    assert!(silent_so_far(&mut wrong).await);
    for form in ["/public/ws/btcusdt@depth", "/public/ws/btcusdt@depth10"] {
        let mut diffs = bench.socket(form).await;
        let mut last = diffs.json().await["u"].clone();
        for _ in 0..3 {
            let next = diffs.json().await;
            assert_eq!(next["pu"], last, "{form}");
            last = next["u"].clone();
        }
    }
}

#[tokio::test]
async fn changes_of_symbols_are_announced_to_whoever_asked() {
    let bench = start(quiet()).await;
    let mut contracts = bench.socket("/market/stream?streams=!contractInfo").await;
    let mut late = bench.socket("/market/ws").await;
    late.say(r#"{"method":"SUBSCRIBE","params":["!contractInfo"],"id":1}"#).await;
    assert_eq!(late.text().await.unwrap(), r#"{"result":null,"id":1}"#);
    let mut others = bench.socket("/market/ws/btcusdt@aggTrade").await;
    let mut wrong = bench.socket("/public/ws/!contractInfo").await;
    let all = ["e", "E", "s", "ct", "dt", "ot", "cs", "st"];
    for (door, body, status) in [
        ("symbol", r#"{"symbol":"ETHUSDT","status":"TRADING_HALT"}"#, "TRADING_HALT"),
        ("symbol", r#"{"symbol":"ETHUSDT","tick_size":"0.1"}"#, "TRADING_HALT"),
        ("symbol", r#"{"symbol":"ETHUSDT","delivery_date":1900000000000}"#, "TRADING_HALT"),
        ("settle", r#"{"symbol":"ETHUSDT"}"#, "SETTLING"),
    ] {
        assert_eq!(bench.door(door, body).await.status, 200);
        let event = contracts.json().await;
        assert_eq!(event["stream"], "!contractInfo");
        let plain = late.text().await.unwrap();
        assert_eq!(
            (keys(&plain), serde_json::from_str::<serde_json::Value>(&plain).unwrap()),
            (all.map(str::to_owned).to_vec(), event["data"].clone())
        );
        assert_eq!(
            (&event["data"]["s"], &event["data"]["cs"], &event["data"]["st"]),
            (&"ETHUSDT".into(), &status.into(), &1.into())
        );
    }
    // What is as it was, and what is not announced, is not told.
    for body in [r#"{"symbol":"BTCUSDT","status":"TRADING"}"#, r#"{"symbol":"BTCUSDT","tick_size":"0.5","announced":false}"#] {
        assert_eq!(bench.door("symbol", body).await.status, 200);
    }
    for socket in [&mut contracts, &mut late, &mut others, &mut wrong] {
        assert!(silent_so_far(socket).await);
    }
}

#[tokio::test]
async fn the_server_pings_and_drops_who_does_not_answer() {
    let mut config = quiet();
    (config.ping_every_ms, config.pong_within_ms) = (20, 100);
    let bench = start(config).await;
    let mut socket = bench.socket("/public/ws").await;
    let first = tokio::time::timeout(PATIENCE, socket.socket.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(first, Message::Ping(_)));
    // Not read from, the client's side answers no ping.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let end = async { while let Some(Ok(_)) = socket.socket.next().await {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the socket ends");
}

#[tokio::test]
async fn a_socket_has_its_day() {
    let mut config = quiet();
    config.socket_life_ms = 50;
    let bench = start(config).await;
    let mut socket = bench.socket("/public/ws").await;
    let end = tokio::time::timeout(PATIENCE, socket.socket.next()).await.expect("the socket ends").unwrap().unwrap();
    assert!(matches!(end, Message::Close(_)));
}

#[tokio::test]
async fn a_path_that_is_no_stream_is_not_found() {
    let bench = start(quiet()).await;
    let url = format!("{}/nowhere", bench.server.ws_url());
    let refused = tokio_tungstenite::client_async(url, bench.stream().await).await;
    assert!(refused.unwrap_err().to_string().contains("404"));
}
