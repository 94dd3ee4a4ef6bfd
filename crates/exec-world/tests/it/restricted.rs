//! What the venue restricts is a state with an end, not a row of refusals: told once, held without asking by orders, and over by itself.

use crate::wired::{KEY, Wired, Wiring};
use exchange_sim::face::RequestFilter;
use exec_core::{
    ids::IntentId,
    order::status::OrdStatus,
    terms::Intention,
    units::{PositionMode, Side},
};
use exec_testkit::fixtures::instrument_id;
use std::time::Duration;

const ORDER: &str = "/fapi/v1/order";
const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];

/// A limit order that rests some way from the market.
async fn opens(wired: &Wired, symbol: &'static str) -> IntentId {
    let at = if symbol == "BTCUSDT" { "50000" } else { "2000" };
    wired.place(symbol, (Side::Buy, Intention::Open), Some(at)).await
}

async fn ends(wired: &Wired, intent: IntentId, status: OrdStatus) {
    assert_eq!(wired.until(intent, status, 5_000).await, Some(status));
}

async fn may_open(wired: &Wired, symbol: &'static str) -> bool {
    wired.with(move |ctx| ctx.shut().is_empty() && ctx.may_open(&instrument_id(symbol)).is_ok()).await
}

async fn waits_until_open(wired: &Wired, symbol: &'static str) -> Duration {
    let began = tokio::time::Instant::now();
    while !may_open(wired, symbol).await {
        assert!(began.elapsed() < Duration::from_secs(3_600), "it never ends: {:?}", wired.handle.status());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    began.elapsed()
}

fn restrict(wired: &Wired, symbol: Option<&str>, code: Option<i32>, more: &str) {
    let symbol = symbol.map_or_else(String::new, |symbol| format!(r#","symbol":"{symbol}""#));
    let code = code.map_or_else(String::new, |code| format!(r#","code":{code}"#));
    wired.door("restrict", &format!(r#"{{"key":"{KEY}"{symbol}{code}{more}}}"#));
}

#[tokio::test(start_paused = true)]
async fn a_symbol_that_the_venue_locks_takes_no_new_risk_until_the_venue_says_so_and_no_order_asks() {
    for mode in MODES {
        let wired = Wired::live(Wiring::new(mode, &["BTCUSDT", "ETHUSDT"])).await;
        let held = wired.place("BTCUSDT", (Side::Buy, Intention::Open), None).await;
        ends(&wired, held, OrdStatus::Filled).await;
        let resting = opens(&wired, "BTCUSDT").await;
        ends(&wired, resting, OrdStatus::New).await;
        restrict(&wired, Some("BTCUSDT"), Some(-4400), r#","lasts_ms":95000"#);
        let refused = opens(&wired, "BTCUSDT").await;
        ends(&wired, refused, OrdStatus::Rejected).await;
        ends(&wired, resting, OrdStatus::Canceled).await;
        let orders = RequestFilter { method: Some("POST".into()), path: Some(ORDER.into()), key: None };
        let reached = wired.watch_requests(orders);
        for _ in 0..20 {
            let denied = opens(&wired, "BTCUSDT").await;
            ends(&wired, denied, OrdStatus::Denied).await;
        }
        assert_eq!(reached(), 0, "an order asked");
        assert_eq!(wired.alerted("venue_restricts"), 1, "told once");
        let elsewhere = opens(&wired, "ETHUSDT").await;
        ends(&wired, elsewhere, OrdStatus::New).await;
        let exit = wired.place("BTCUSDT", (Side::Sell, Intention::Reduce), None).await;
        ends(&wired, exit, OrdStatus::Filled).await;
        let lasted = waits_until_open(&wired, "BTCUSDT").await;
        assert!((60..=130).contains(&lasted.as_secs()), "{lasted:?}: the venue locks for 95 s, and is asked every 30 s");
        assert_eq!(wired.alerted("venue_restricts_no_more"), 1);
        let taken = opens(&wired, "BTCUSDT").await;
        ends(&wired, taken, OrdStatus::New).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_only_reduce_says_so_and_reopens_by_itself() {
    for mode in MODES {
        let wired = Wired::live(Wiring::new(mode, &["BTCUSDT", "ETHUSDT"])).await;
        let elsewhere = opens(&wired, "ETHUSDT").await;
        ends(&wired, elsewhere, OrdStatus::New).await;
        restrict(&wired, None, Some(-4087), r#","lasts_ms":60000"#);
        let refused = opens(&wired, "BTCUSDT").await;
        ends(&wired, refused, OrdStatus::Rejected).await;
        ends(&wired, elsewhere, OrdStatus::Canceled).await;
        let kinds = wired.with(|ctx| ctx.shut().iter().map(|why| why.kind()).collect::<Vec<_>>()).await;
        assert_eq!(kinds, ["restricted"]);
        let lasted = waits_until_open(&wired, "ETHUSDT").await;
        assert!(lasted.as_secs() <= 95, "{lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_symbol_whose_risk_is_controlled_is_asked_for_in_the_symbol_list() {
    let wired = Wired::live(Wiring::new(PositionMode::Netting, &["BTCUSDT"])).await;
    restrict(&wired, Some("BTCUSDT"), Some(-4106), r#","hidden":true,"lasts_ms":400000"#);
    let refused = opens(&wired, "BTCUSDT").await;
    ends(&wired, refused, OrdStatus::Rejected).await;
    let lasted = waits_until_open(&wired, "BTCUSDT").await;
    assert!((370..=435).contains(&lasted.as_secs()), "{lasted:?}: as long as the list shows it");
}
