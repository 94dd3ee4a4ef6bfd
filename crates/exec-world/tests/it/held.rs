//! Held back by the venue: 429 and 418 are states of the address with an end, also over a restart, and exits go as far as the venue lets
//! them.

use crate::wired::{START_MS, Wired, Wiring};
use binance_adapter::rate::Hold;
use exchange_sim::face::RequestFilter;
use exec_core::{
    ids::IntentId,
    order::status::OrdStatus,
    terms::Intention,
    units::{PositionMode, Side},
    venue::ExecutionVenue as _,
};
use exec_runtime::control::{Ask, SubmitOrder};
use std::time::Duration;

const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];

/// A node that holds something and has an entry that rests.
async fn holding(mode: PositionMode) -> (Wired, IntentId) {
    let wired = Wired::live(Wiring::new(mode, &["BTCUSDT"])).await;
    let held = wired.place("BTCUSDT", (Side::Buy, Intention::Open), None).await;
    assert_eq!(wired.until(held, OrdStatus::Filled, 5_000).await, Some(OrdStatus::Filled));
    let resting = wired.place("BTCUSDT", (Side::Buy, Intention::Open), Some("50000")).await;
    assert_eq!(wired.until(resting, OrdStatus::New, 5_000).await, Some(OrdStatus::New));
    (wired, resting)
}

/// Waits until the venue's answer is taken for a state.
async fn held_back(wired: &Wired) {
    let from = wired.elapsed();
    while wired.holds.0.lock().unwrap().is_empty() {
        assert!(wired.elapsed() - from < Duration::from_secs(120), "the answer was taken for nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_429_for_weight_exits_leave_and_entries_do_not_until_the_next_minute() {
    for mode in MODES {
        let (wired, resting) = holding(mode).await;
        let body = r#"{"code":-1003,"msg":"Too many requests; current limit is 2400 requests per minute."}"#;
        wired.answers("GET", "/fapi/v3/positionRisk", false, 429, body, 1);
        held_back(&wired).await;
        let entry = wired.place("BTCUSDT", (Side::Buy, Intention::Open), Some("50000")).await;
        assert_eq!(wired.until(entry, OrdStatus::NotSent, 3_000).await, Some(OrdStatus::NotSent));
        let exit = wired.place("BTCUSDT", (Side::Sell, Intention::Reduce), None).await;
        assert_eq!(wired.until(exit, OrdStatus::Filled, 500).await, Some(OrdStatus::Filled), "{mode:?}");
        wired.with(move |ctx| ctx.cancel(resting)).await;
        assert_eq!(wired.until(resting, OrdStatus::Canceled, 500).await, Some(OrdStatus::Canceled), "{mode:?}");
        let (hold, until) = wired.holds.0.lock().unwrap()[0];
        assert_eq!((hold, until.0 % 60_000), (Hold::Paused, 0));
    }
}

/// A node that starts while a 429 holds knows clock and instruments all the same, because no exit can be made without them.
#[tokio::test(start_paused = true)]
async fn a_429_holds_over_a_restart_and_exits_leave_before_its_end() {
    for mode in MODES {
        let (wired, _) = holding(mode).await;
        let into = u64::try_from(wired.elapsed().as_millis()).unwrap() % 60_000;
        tokio::time::sleep(Duration::from_millis(61_000 - into)).await;
        let body = r#"{"code":-1003,"msg":"Too many requests; current limit is 2400 requests per minute."}"#;
        wired.answers("GET", "/fapi/v3/positionRisk", false, 429, body, 1);
        let _refused = wired.adapter.positions(&[]).await;
        assert_eq!(wired.holds.0.lock().unwrap().len(), 1);
        let asks = RequestFilter { path: Some("/fapi/v1/openOrders".into()), ..RequestFilter::default() };
        let asked = wired.watch_requests(asks);
        let wired = wired.restarted().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let leg = (mode == PositionMode::Hedging).then(|| "LONG".to_owned());
        let exit = SubmitOrder {
            instrument: "BTCUSDT-PERP.BINANCE".into(),
            side: "SELL".into(),
            kind: "MARKET".into(),
            qty: Some("0.010".into()),
            intention: Some("REDUCE".into()),
            leg,
            ..SubmitOrder::default()
        };
        let said = wired.handle.control().ask("test", Ask::Submit(exit)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let held: Vec<_> = wired.ledger().positions.into_iter().filter(|leg| !leg.amount.is_zero()).collect();
        assert!(held.is_empty(), "{mode:?}: {said:?}, {held:?}");
        let said = wired.handle.control().ask("test", Ask::CancelAll { instrument: None }).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(wired.ledger().orders.iter().all(|row| row.status.is_final()), "{mode:?}: {said:?}");
        assert_eq!((asked(), wired.elapsed().as_millis() % 60_000 < 20_000), (0, true), "{mode:?}: questions wait");
        assert!(wired.handle.live().await, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn promise_p14_a_ban_holds_over_a_restart_and_exits_go_when_the_venue_takes_them_again() {
    for mode in MODES {
        let (wired, resting) = holding(mode).await;
        // Farther away than a ban whose end nobody could read would be taken to last.
        let end = START_MS + 300_000;
        let body = format!(r#"{{"code":-1003,"msg":"Way too many requests; IP banned until {end}. Please use the websocket."}}"#);
        wired.answers("GET", "/fapi/v3/positionRisk", false, 418, &body, 1);
        held_back(&wired).await;
        let reached = wired.watch_requests(RequestFilter::default());
        wired.with(move |ctx| ctx.cancel(resting)).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(reached(), 0, "nothing leaves, not even the cancel");
        let wired = wired.restarted().await;
        let now = || START_MS + u64::try_from(wired.elapsed().as_millis()).unwrap();
        while now() < end - 1_000 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(reached(), 0, "{} ms before the end", end - now());
        }
        assert!(wired.handle.live().await);
        assert!(now() < end + 60_000, "{} ms after the end", now() - end);
        assert_eq!(wired.until(resting, OrdStatus::Canceled, 5_000).await, Some(OrdStatus::Canceled), "the wish has stayed");
        let exit = wired.place("BTCUSDT", (Side::Sell, Intention::Reduce), None).await;
        assert_eq!(wired.until(exit, OrdStatus::Filled, 5_000).await, Some(OrdStatus::Filled));
    }
}
