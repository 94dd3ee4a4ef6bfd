//! What is unknown, what was never sent, and what was refused: the three bad ends of a command, each with what the exchange
//! then really holds.

use std::time::Duration;

use exchange_sim::face::RequestFault;
use exec_core::{
    ids::{InstrumentId, RequestId},
    terms::{OrderKind, TimeInForce},
    time::VenueTime,
    units::Side,
    venue::{Attempt, Batch, Cancel, CommandError, ExecutionVenue, Lookup, OrderRef, QueryError, RejectClass, VenueClock},
};

use crate::world::{World, answer, btc, limit, terms};

const ORDER: &str = "/fapi/v1/order";

fn order(world: &World, id: exec_core::ids::ClOrdId) -> OrderRef {
    let _ = world;
    OrderRef {
        instrument: btc(),
        cl_ord_id: Some(id),
        order_id: None,
        algo_id: None,
        conditional: false,
        since: VenueTime(0),
        triggered: false,
    }
}

fn is_unknown(result: &Result<Box<exec_core::report::OrderReport>, CommandError>) -> bool {
    matches!(result, Err(CommandError::Unknown { live: false, .. }))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_unknown_and_the_order_is_found() {
    let world = World::netting().await;
    world.fault("POST", ORDER, RequestFault::DropResponse);
    let attempt = world.attempt(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    let result = world.venue.submit(attempt.clone()).await;
    assert!(is_unknown(&result), "{result:?}");
    assert_eq!(world.accepted(), 1, "sent once and no more");
    let found = world.venue.order_status(order(&world, attempt.cl_ord_id)).await.unwrap();
    assert!(matches!(found, Lookup::Found(_)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_lost_is_unknown_and_nothing_is_there() {
    let world = World::netting().await;
    world.fault("POST", ORDER, RequestFault::DropRequest);
    let attempt = world.attempt(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    assert!(is_unknown(&world.venue.submit(attempt.clone()).await));
    assert_eq!(world.accepted(), 0);
    assert_eq!(world.venue.order_status(order(&world, attempt.cl_ord_id)).await.unwrap(), Lookup::Absent);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_unknown_after_its_deadline() {
    let world = World::netting().await;
    world.fault("POST", ORDER, RequestFault::DelayResponse(60_000));
    let began = (world.now)();
    assert!(is_unknown(&world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await));
    let waited = (world.now)().ms_since(began);
    assert!((10_000..11_000).contains(&waited), "{waited}");
    assert_eq!(world.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn errors_after_the_effect_are_unknown_whatever_they_look_like() {
    for (status, body) in [
        (503, r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#),
        (500, r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#),
        (502, "<html><h1>Bad Gateway</h1></html>"),
        (408, r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#),
        (200, "<html>captive portal</html>"),
        (
            200,
            r#"{"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"somebody-else","price":"0","origQty":"1","executedQty":"0","type":"MARKET","side":"BUY","updateTime":1}"#,
        ),
        (302, ""),
        (403, "<html>WAF</html>"),
    ] {
        let world = World::netting().await;
        world.fault("POST", ORDER, RequestFault::ErrorAfter(answer(status, body)));
        let result = world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
        assert!(is_unknown(&result), "{status} {body} {result:?}");
        assert_eq!(world.accepted(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_documented_failures_are_refusals() {
    for (status, code, text, class) in [
        (503, -1001, "Service Unavailable.", RejectClass::Failed),
        (503, -1001, "Internal error; unable to process your request. Please try again.", RejectClass::Failed),
        (429, -1015, "Too many new orders; current limit is 300 orders per TEN_SECONDS.", RejectClass::Throttled),
        (400, -5028, "Timestamp for this request is outside of the ME recvWindow.", RejectClass::Clock),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", RejectClass::Auth),
    ] {
        let world = World::netting().await;
        world.fault("POST", ORDER, RequestFault::ErrorBefore(answer(status, &format!(r#"{{"code":{code},"msg":"{text}"}}"#))));
        let result = world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
        assert!(matches!(result, Err(CommandError::Rejected(ref r)) if r.class == class && r.code == code), "{result:?}");
        assert_eq!(world.accepted(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_id_proves_that_the_order_is_live() {
    let world = World::netting().await;
    world.fault("POST", ORDER, RequestFault::ErrorBefore(answer(400, r#"{"code":-4116,"msg":"ClientOrderId is duplicated."}"#)));
    let result = world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    assert!(matches!(result, Err(CommandError::Unknown { live: true, .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn promise_p23_an_attempt_whose_window_has_passed_is_not_sent() {
    let world = World::netting().await;
    let attempt = world.attempt(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    tokio::time::sleep(Duration::from_millis(2_001)).await;
    let result = world.venue.submit(attempt).await;
    assert!(matches!(result, Err(CommandError::NotSent(_))), "{result:?}");
    assert_eq!(world.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_opening_order_that_is_too_old_for_its_market_is_not_sent_inside_its_window() {
    let world = World::netting().await;
    let mut aged = Vec::new();
    for _ in 0..2 {
        let attempt = world.attempt(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
        aged.push(Attempt { begin_by: attempt.timestamp.plus_ms(200), ..attempt });
    }
    tokio::time::sleep(Duration::from_millis(201)).await;
    let single = world.venue.submit(aged[0].clone()).await;
    assert!(matches!(single, Err(CommandError::NotSent(_))), "{single:?}");
    let together = world.venue.batch(Batch::Submit(aged)).await;
    assert!(together.iter().all(|result| matches!(result, Err(CommandError::NotSent(_)))), "{together:?}");
    assert_eq!(world.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_engine_refuses_what_its_window_missed_and_the_adapter_signs_exactly_that_window() {
    let world = World::netting().await;
    world.fault("POST", ORDER, RequestFault::DelayEngine(2_500));
    let result = world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    assert!(matches!(result, Err(CommandError::Rejected(ref r)) if r.code == -5028), "{result:?}");
    let mut early = world.attempt(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await;
    early.timestamp = early.timestamp.plus_ms(2_000);
    let result = world.venue.submit(early).await;
    assert!(matches!(result, Err(CommandError::Rejected(ref r)) if r.code == -1021), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn one_false_reading_of_the_clock_does_not_outlive_the_first_refusal_for_it() {
    let world = World::netting().await;
    // The older readings have become coarse by then, so the false one counts.
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    world.fault("GET", "/fapi/v1/time", RequestFault::ErrorBefore(answer(200, r#"{"serverTime":1790000000000}"#)));
    world.venue.read_clock().await.unwrap();
    let ask = || world.venue.order_status(order(&world, world.id()));
    let refused = ask().await;
    assert!(matches!(refused, Err(QueryError::Refused(ref r)) if r.class == RejectClass::Clock), "{refused:?}");
    let asked_again = ask().await;
    assert!(matches!(asked_again, Ok(Lookup::Absent)), "the clock is read again before anything is signed: {asked_again:?}");
}

#[tokio::test(start_paused = true)]
async fn cancels_do_not_wait_behind_orders() {
    let world = World::netting().await;
    let mark = "50000";
    let placed = world.submit(terms(&btc(), Side::Buy, "0.010", limit(mark, TimeInForce::Gtc))).await.unwrap();
    // Both connections for orders are busy.
    world.faults("POST", ORDER, RequestFault::DelayRequest(5_000), 2);
    let slow = terms(&btc(), Side::Buy, "0.010", limit(mark, TimeInForce::Gtc));
    let (first, second) = (world.attempt(slow.clone()).await, world.attempt(slow).await);
    let began = (world.now)();
    let orders = async { tokio::join!(world.venue.submit(first), world.venue.submit(second)) };
    let cancel = async {
        let request = Cancel { request: RequestId(9), order: order(&world, placed.cl_ord_id.unwrap()) };
        world.venue.cancel(request).await.unwrap();
        (world.now)().ms_since(began)
    };
    let (_, waited) = tokio::join!(orders, cancel);
    assert!(waited < 50, "{waited} ms");
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_never_an_empty_answer() {
    for (status, body) in [(500, ""), (200, "<html>"), (200, "{}"), (429, r#"{"code":-1003,"msg":"Too many requests"}"#)] {
        for path in
            ["/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders", "/fapi/v1/userTrades", "/fapi/v3/balance"]
        {
            let world = World::netting().await;
            world.fault("GET", path, RequestFault::ErrorBefore(answer(status, body)));
            let result = world.venue.mass_status(&[btc()]).await;
            assert!(result.is_err(), "{path} {status} {body}: {result:?}");
        }
    }
    let world = World::netting().await;
    world.fault("GET", ORDER, RequestFault::ErrorBefore(answer(503, "")));
    let result = world.venue.order_status(order(&world, world.id())).await;
    assert!(matches!(result, Err(QueryError::Unavailable(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn promise_p14_a_ban_stops_everything_before_it_leaves() {
    let world = World::netting().await;
    let until = world.venue.read_clock().await.unwrap().venue_time((world.now)()).plus_ms(120_000);
    let body =
        format!(r#"{{"code":-1003,"msg":"Way too many requests; IP banned until {}. Please use the websocket."}}"#, until.0);
    world.fault("GET", "/fapi/v1/accountConfig", RequestFault::ErrorBefore(answer(418, &body)));
    assert!(world.venue.mass_status(&[]).await.is_err());
    let result = world.venue.instruments().await;
    assert!(matches!(result, Err(QueryError::Unavailable(ref why)) if why.contains("Banned")), "{result:?}");
    tokio::time::sleep(Duration::from_secs(121)).await;
    assert!(world.venue.instruments().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn promise_p17_no_error_holds_a_key_a_secret_or_a_signature() {
    let world = World::netting().await;
    let mut texts = Vec::new();
    for fault in [
        RequestFault::DropRequest,
        RequestFault::DropResponse,
        RequestFault::ErrorAfter(answer(502, "<html>")),
        RequestFault::ErrorBefore(answer(400, r#"{"code":-1022,"msg":"Signature for this request is not valid."}"#)),
    ] {
        world.fault("POST", ORDER, fault.clone());
        world.fault("GET", ORDER, fault.clone());
        world.fault("POST", "/fapi/v1/listenKey", fault);
        texts.push(format!("{:?}", world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await));
        texts.push(format!("{:?}", world.venue.order_status(order(&world, world.id())).await));
        texts.push(format!("{:?}", world.venue.open_feed().await.err()));
    }
    let elsewhere = InstrumentId::new("NOSUCH-PERP.BINANCE").unwrap();
    texts.push(format!("{:?}", world.submit(terms(&elsewhere, Side::Buy, "1", OrderKind::Market)).await));
    for text in texts {
        assert!(!text.contains("CANARY") && !text.contains("signature="), "{text}");
    }
}
