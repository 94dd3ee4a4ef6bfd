//! Where a conditional order is, while it moves: the answer is never "absent" for an order that is there, at whatever moment it
//! triggers and whatever single queries claim.

use std::time::Duration;

use exchange_sim::face::{Fault, FaultKind, RequestFault, RequestFilter};
use exec_core::{
    ids::ClOrdId,
    report::VenueStatus,
    terms::{OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::Side,
    venue::{Attempt, CommandError, ExecutionVenue, Lookup, OrderRef, QueryError},
};

use crate::{
    conditional::{part, stop_at},
    world::{KEY, World, answer, btc, conditional_reference, terms},
};

const ALGO: &str = "/fapi/v1/algoOrder";
/// The places that an order is looked for in, in their order.
const PLACES: [&str; 4] = ["/fapi/v1/openAlgoOrders", "/fapi/v1/order", "/fapi/v1/openOrders", "/fapi/v1/allAlgoOrders"];

fn reference(attempt: &Attempt) -> OrderRef {
    OrderRef {
        instrument: btc(),
        cl_ord_id: Some(attempt.cl_ord_id),
        order_id: None,
        algo_id: None,
        conditional: true,
        triggered: false,
        since: attempt.timestamp,
    }
}

fn sell_stop(world: &World) -> Terms {
    terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 98)))
}

/// An order that is at the exchange, and of which we know nothing but that we sent it.
async fn unknown_order(world: &World) -> OrderRef {
    let attempt = world.attempt(sell_stop(world)).await;
    world.fault("POST", ALGO, RequestFault::DropResponse);
    let result = world.venue.submit(attempt.clone()).await;
    assert!(matches!(result, Err(CommandError::Unknown { live: false, .. })), "{result:?}");
    reference(&attempt)
}

#[tokio::test(start_paused = true)]
async fn an_unknown_conditional_order_triggers_between_two_questions() {
    let quick = r#"{"query_denies_live":true}"#;
    let slow = r#"{"query_denies_live":true,"child_delay_ms":250,"told_delay_ms":120,"finish_delay_ms":80}"#;
    let mut found = Vec::new();
    // The open list may also lag behind, as if the order were too young for it.
    for (pace, lags) in [(quick, false), (quick, true), (slow, false), (slow, true)] {
        for moment in (0..600).step_by(40) {
            let world = World::netting().await;
            world.algo(pace);
            let order = unknown_order(&world).await;
            // Each question takes a while to get there, so that the trigger falls before, between and after them.
            for place in PLACES.into_iter().skip(usize::from(lags)) {
                world.faults("GET", place, RequestFault::DelayRequest(100), 4);
            }
            if lags {
                hide(&world, PLACES[0]);
            }
            let lower = part(world.last_price("BTCUSDT"), 97).to_string();
            let (answer, ()) = tokio::join!(world.venue.order_status(order), async {
                tokio::time::sleep(Duration::from_millis(moment)).await;
                world.move_price("BTCUSDT", &lower);
            });
            let Ok(Lookup::Found(report)) = answer else { panic!("{pace} {lags} {moment}: {answer:?}") };
            assert!(report.algo_id.is_some(), "{pace} {lags} {moment}: {report:?}");
            found.push((lags, report.status));
        }
    }
    for seen in [VenueStatus::New, VenueStatus::Triggering, VenueStatus::Filled].map(|s| [(false, s), (true, s)]).concat() {
        assert!(found.contains(&seen), "the moments did not reach {seen:?}: {found:?}");
    }
}

/// One answer of a place that shows nothing, as a venue whose services lag behind each other gives it.
fn hide(world: &World, place: &str) {
    let nothing = if place == "/fapi/v1/order" {
        answer(400, r#"{"code":-2013,"msg":"Order does not exist."}"#)
    } else {
        answer(200, "[]")
    };
    world.fault("GET", place, RequestFault::ErrorBefore(nothing));
}

#[tokio::test(start_paused = true)]
async fn any_one_place_is_enough() {
    let world = World::netting().await;
    let order = unknown_order(&world).await;
    let status = async || match world.venue.order_status(order.clone()).await.unwrap() {
        Lookup::Found(report) => Some((report.status, report.algo_id.is_some())),
        Lookup::Absent => None,
    };
    assert_eq!(status().await, Some((VenueStatus::New, true)));
    hide(&world, PLACES[0]);
    assert_eq!(status().await, Some((VenueStatus::New, true)), "the history has it");
    world.move_price("BTCUSDT", &part(world.last_price("BTCUSDT"), 97).to_string());
    assert_eq!(status().await, Some((VenueStatus::Filled, true)), "the child has it");
    for place in &PLACES[1..3] {
        hide(&world, place);
    }
    assert_eq!(status().await, Some((VenueStatus::Filled, true)), "the history has its child's number");
    hide(&world, PLACES[3]);
    assert_eq!(status().await, Some((VenueStatus::Filled, false)), "without its row the child is still the order");
    for place in PLACES {
        hide(&world, place);
    }
    assert_eq!(status().await, None, "every place has answered, and none has it");
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_child_cannot_be_read_is_no_answer() {
    let world = World::netting().await;
    let order = unknown_order(&world).await;
    world.move_price("BTCUSDT", &part(world.last_price("BTCUSDT"), 97).to_string());
    for place in &PLACES[0..3] {
        hide(&world, place);
    }
    // The second question to the book is the one for the child by its number.
    let filter = RequestFilter { method: Some("GET".into()), path: Some(PLACES[1].into()), key: None };
    world.face.arm(Fault { kind: FaultKind::Request(filter, RequestFault::ErrorBefore(answer(500, ""))), nth: 2, times: 1 });
    let result = world.venue.order_status(order.clone()).await;
    assert!(matches!(result, Err(QueryError::Unavailable(_))), "{result:?}");
    assert!(matches!(world.venue.order_status(order).await, Ok(Lookup::Found(_))));
}

#[tokio::test(start_paused = true)]
async fn absent_needs_a_complete_answer_of_every_place() {
    for place in PLACES {
        for fault in [
            RequestFault::ErrorBefore(answer(500, "")),
            RequestFault::ErrorBefore(answer(200, "{}")),
            RequestFault::ErrorBefore(answer(200, "<html>")),
            RequestFault::DropRequest,
        ] {
            let world = World::netting().await;
            let never_sent = reference(&world.attempt(sell_stop(&world)).await);
            assert_eq!(world.venue.order_status(never_sent.clone()).await.unwrap(), Lookup::Absent);
            world.fault("GET", place, fault.clone());
            let result = world.venue.order_status(never_sent).await;
            assert!(result.is_err(), "{place} {fault:?}: {result:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_single_query_of_the_service_is_never_asked() {
    let world = World::netting().await;
    world.fault("GET", ALGO, RequestFault::DropRequest);
    let order = unknown_order(&world).await;
    assert!(matches!(world.venue.order_status(order).await.unwrap(), Lookup::Found(_)));
    let never_sent = reference(&world.attempt(sell_stop(&world)).await);
    assert_eq!(world.venue.order_status(never_sent).await.unwrap(), Lookup::Absent);
    let (_, faults) = world.face.operate("GET", "faults", "", "");
    assert!(faults.contains(ALGO), "the fault has hit nothing: {faults}");
}

/// A conditional order placed and cancelled past the adapter.
fn place_and_cancel(world: &World, id: &str) {
    let place = format!(
        r#"{{"key":"{KEY}","method":"POST","path":"{ALGO}","params":{{"algoType":"CONDITIONAL","symbol":"BTCUSDT","side":"SELL","type":"STOP_MARKET","quantity":"0.010","triggerPrice":"50000","clientAlgoId":"{id}"}}}}"#
    );
    world.door("as", &place);
    world.door("as", &format!(r#"{{"key":"{KEY}","method":"DELETE","path":"{ALGO}","params":{{"clientAlgoId":"{id}"}}}}"#));
}

#[tokio::test(start_paused = true)]
async fn a_full_page_of_the_history_is_never_the_end() {
    let world = World::netting().await;
    world.flow(false);
    let of = |id: &str, since: VenueTime| OrderRef {
        cl_ord_id: Some(ClOrdId::new(id).unwrap()),
        instrument: btc(),
        order_id: None,
        algo_id: None,
        conditional: true,
        triggered: false,
        since,
    };
    let begin = world.attempt(sell_stop(&world)).await.timestamp;
    for n in 0..1_100 {
        place_and_cancel(&world, &format!("h{n}"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for n in [0, 600, 1_099] {
        let Lookup::Found(found) = world.venue.order_status(of(&format!("h{n}"), begin)).await.unwrap() else {
            panic!("h{n} is not found")
        };
        assert_eq!((found.status, found.cl_ord_id.unwrap().to_string()), (VenueStatus::Canceled, format!("h{n}")));
    }
    assert_eq!(world.venue.order_status(of("never", begin)).await.unwrap(), Lookup::Absent);
    // Weeks before are asked for as well.
    let long_ago = VenueTime(begin.0 - 40 * 24 * 60 * 60 * 1000);
    assert!(matches!(world.venue.order_status(of("h0", long_ago)).await.unwrap(), Lookup::Found(_)));
}

#[tokio::test(start_paused = true)]
async fn more_than_a_page_in_one_millisecond_is_no_answer() {
    let world = World::netting().await;
    world.flow(false);
    let since = world.attempt(sell_stop(&world)).await.timestamp;
    for n in 0..1_000 {
        place_and_cancel(&world, &format!("h{n}"));
    }
    let never =
        OrderRef { cl_ord_id: Some(ClOrdId::new("never").unwrap()), ..reference(&world.attempt(sell_stop(&world)).await) };
    let result = world.venue.order_status(OrderRef { since, ..never }).await;
    assert!(matches!(result, Err(QueryError::Unavailable(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_id_that_was_taken_again_does_not_name_the_older_order() {
    let world = World::netting().await;
    let first = world.attempt(sell_stop(&world)).await;
    world.venue.submit(first.clone()).await.unwrap();
    let base = world.last_price("BTCUSDT");
    world.move_price("BTCUSDT", &part(base, 97).to_string());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let now = world.attempt(sell_stop(&world)).await;
    let again = Attempt { cl_ord_id: first.cl_ord_id, ..now };
    let placed = world.venue.submit(again.clone()).await.unwrap();
    world.cancel(conditional_reference(&placed)).await.unwrap();
    let Lookup::Found(found) = world.venue.order_status(reference(&again)).await.unwrap() else { panic!("gone") };
    assert_eq!((found.status, found.algo_id), (VenueStatus::Canceled, placed.algo_id));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_was_only_found_is_found_again_by_its_number() {
    for (percent, status) in [(97, VenueStatus::Filled), (100, VenueStatus::Canceled)] {
        let world = World::netting().await;
        let base = world.last_price("BTCUSDT");
        let placed = world.submit(sell_stop(&world)).await.unwrap();
        world.move_price("BTCUSDT", &part(base, percent).to_string());
        if status == VenueStatus::Canceled {
            world.cancel(conditional_reference(&placed)).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        // Whoever found it on the open list does not know since when it stood there, and says "now".
        let since = world.attempt(sell_stop(&world)).await.timestamp;
        let order = OrderRef { since, ..conditional_reference(&placed) };
        let Lookup::Found(found) = world.venue.order_status(order).await.unwrap() else { panic!("{status:?}: gone") };
        assert_eq!((found.status, found.algo_id), (status, placed.algo_id));
        assert_eq!(found.order_id.is_some(), status == VenueStatus::Filled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_died_at_its_trigger_is_found_with_its_reason() {
    let world = World::netting().await;
    let now = world.last_price("BTCUSDT");
    let trigger = Trigger { price: part(now, 98), by: TriggerBy::Mark, price_protect: false };
    let kind = OrderKind::StopLimit { trigger, price: part(now, 94).into(), tif: TimeInForce::Gtx };
    let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
    world.move_price("BTCUSDT", &part(now, 97).to_string());
    let Lookup::Found(found) = world.venue.order_status(conditional_reference(&placed)).await.unwrap() else { panic!("gone") };
    assert_eq!((found.status, found.algo_id, found.order_id), (VenueStatus::Rejected, placed.algo_id, None), "{found:?}");
}
