//! Clocks that jump under a node that trades, by the adapter's own bytes: the node's own clock follows no wall clock, so that a machine
//! that slept, or a venue that was set, shows as a venue's clock that is elsewhere at once. Nothing is sent twice, nothing latches, and the
//! first refusal for it measures anew.

use crate::wired::{START_MS, Wired, Wiring};
use exec_core::{
    ids::IntentId,
    order::{event::OrderEvent, status::OrdStatus},
    terms::Intention,
    units::{PositionMode, Side},
};
use std::time::Duration;

const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];
const LATE: &str = r#"{"code":-5028,"msg":"Timestamp for this request is outside of the ME recvWindow."}"#;
const OFF: &str = r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#;

async fn attempts(wired: &Wired, intent: IntentId) -> usize {
    wired.with(move |ctx| ctx.order(intent).map_or(0, |order| order.attempts().len())).await
}

/// How many orders of an intent the exchange has ever taken.
async fn taken(wired: &Wired, intent: IntentId) -> usize {
    let ids: Vec<String> = wired
        .with(move |ctx| {
            ctx.order(intent).map(|o| o.attempts().keys().map(|id| id.as_str().to_owned()).collect()).unwrap_or_default()
        })
        .await;
    wired.ledger().orders.iter().filter(|row| ids.contains(&row.client_order_id)).count()
}

/// An entry that is refused for its time once, and one behind it that is not.
async fn costs_one_attempt(wired: &Wired, what: &str) {
    let entry = wired.place("BTCUSDT", (Side::Buy, Intention::Open), Some("50000")).await;
    let status = wired.until(entry, OrdStatus::New, 5_000).await;
    assert_eq!(status, Some(OrdStatus::New), "{what}: {:?}", wired.hand.heard.lock().unwrap().events.get(&entry));
    assert_eq!((attempts(wired, entry).await, taken(wired, entry).await), (2, 1), "{what}: one new attempt");
    let next = wired.place("BTCUSDT", (Side::Buy, Intention::Open), Some("50001")).await;
    assert_eq!(wired.until(next, OrdStatus::New, 5_000).await, Some(OrdStatus::New), "{what}");
    assert_eq!(attempts(wired, next).await, 1, "{what}: it was measured anew");
    wired.with(move |ctx| [entry, next].map(|intent| ctx.cancel(intent))).await;
    for intent in [entry, next] {
        assert_eq!(wired.until(intent, OrdStatus::Canceled, 5_000).await, Some(OrdStatus::Canceled), "{what}");
    }
}

async fn holding(mode: PositionMode) -> Wired {
    let mut wiring = Wiring::new(mode, &["BTCUSDT"]);
    wiring.face.exchange.flow.interval_ms = 10_000;
    let wired = Wired::live(wiring).await;
    let held = wired.place("BTCUSDT", (Side::Buy, Intention::Open), None).await;
    assert_eq!(wired.until(held, OrdStatus::Filled, 5_000).await, Some(OrdStatus::Filled));
    wired
}

async fn closes(wired: &Wired, what: &str) {
    let exit = wired.place("BTCUSDT", (Side::Sell, Intention::Reduce), None).await;
    assert_eq!(wired.until(exit, OrdStatus::Filled, 5_000).await, Some(OrdStatus::Filled), "{what}");
}

/// Nothing is left of it: the gate is open, nothing latches, the venue held nothing back, and no leg is open.
async fn is_harmless(wired: &Wired, what: &str) {
    tokio::time::sleep(Duration::from_secs(61)).await;
    let (shut, latches) = wired.with(|ctx| (ctx.shut().len(), ctx.books().latches().len())).await;
    assert_eq!((shut, latches), (0, 0), "{what}: {:?}", wired.handle.status());
    assert_eq!(wired.holds.0.lock().unwrap().as_slice(), [], "{what}");
    assert!(wired.ledger().positions.iter().all(|leg| leg.amount.is_zero()), "{what}");
}

/// Our clock is behind at once: the machine slept.
#[tokio::test(start_paused = true)]
async fn promise_p23_a_clock_that_falls_behind_costs_one_new_attempt_and_nothing_else() {
    for mode in MODES {
        for jump_ms in [3_000, 600_000] {
            let what = format!("{mode:?}, {jump_ms} ms");
            let wired = holding(mode).await;
            for times in [1, 2] {
                wired.door("clock", &format!(r#"{{"skew_ms":{}}}"#, times * jump_ms));
                costs_one_attempt(&wired, &what).await;
            }
            // An exit is dated by the last reading, which is false by now: it passes all the same.
            wired.door("clock", &format!(r#"{{"skew_ms":{}}}"#, 3 * jump_ms));
            closes(&wired, &what).await;
            is_harmless(&wired, &what).await;
        }
    }
}

/// Our clock is ahead at once: the venue's was read falsely.
#[tokio::test(start_paused = true)]
async fn promise_p23_a_clock_that_runs_ahead_costs_one_new_attempt_and_nothing_else() {
    for mode in MODES {
        for (ahead_ms, exits_first) in [(3_000, false), (3_600_000, true), (3_600_000, false)] {
            let what = format!("{mode:?}, {ahead_ms} ms ahead");
            let wired = holding(mode).await;
            let false_time = START_MS + 65_000 + ahead_ms;
            let id = wired.answers("GET", "/fapi/v1/time", false, 200, &format!(r#"{{"serverTime":{false_time}}}"#), 5);
            while wired.face.fired(id) < 5 {
                assert!(wired.elapsed() < Duration::from_secs(130), "{what}: never measured");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if !exits_first {
                costs_one_attempt(&wired, &what).await;
            }
            closes(&wired, &what).await;
            is_harmless(&wired, &what).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_time_is_tried_once_more_and_not_twice() {
    for mode in MODES {
        for body in [LATE, OFF] {
            for (times, ends, tried) in [(1, OrdStatus::New, 2), (9, OrdStatus::Rejected, 2)] {
                let what = format!("{mode:?} {body} {times} times");
                let wired = Wired::live(Wiring::new(mode, &["BTCUSDT"])).await;
                wired.answers("POST", "/fapi/v1/order", false, 400, body, times);
                let entry = wired.place("BTCUSDT", (Side::Buy, Intention::Open), Some("50000")).await;
                assert_eq!(wired.until(entry, ends, 5_000).await, Some(ends), "{what}");
                assert_eq!(attempts(&wired, entry).await, tried, "{what}");
                let doubts = wired.hand.heard.lock().unwrap().doubts.len();
                assert_eq!(doubts, 0, "{what}: a refusal for the time has not happened");
                let heard = wired.hand.heard.lock().unwrap().events.remove(&entry).unwrap_or_default();
                let refused = heard.iter().filter(|event| matches!(event, OrderEvent::Rejected { .. })).count();
                assert!(refused <= 2, "{what}: {heard:?}");
            }
        }
    }
}
