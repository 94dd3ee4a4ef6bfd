//! Exits always pass, by the adapter's own bytes and against the exchange's own counters: in every phase after the replay, with the
//! stream cut, the disk full, the instrument in reduce, the kill switch thrown and the budget of the address spent.

use crate::wired::{KEY, Wired, Wiring};
use exchange_sim::{row::OrderRow, types};
use exec_core::{
    conversation::{Phase, Urgency},
    ids::IntentId,
    kill::KillLevel,
    order::status::OrdStatus,
    strategy::Context,
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
    venue::{ExecutionVenue as _, QueryError},
};
use exec_runtime::control::{Ask, Reply, SubmitOrder};
use exec_testkit::fixtures::{decimal, instrument_id, price, qty};
use rust_decimal::Decimal;
use std::{collections::BTreeSet, time::Duration};

const BTC: &str = "BTCUSDT";
const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];
/// From the call to the exchange's book.
const AT_MOST: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trouble {
    InstrumentInReduce,
    StreamCut,
    DiskFull,
    KillReduce,
    KillHalt,
    BudgetSpent,
    /// A 429 for weight holds.
    Paused,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::InstrumentInReduce,
    Trouble::BudgetSpent,
    Trouble::Paused,
    Trouble::StreamCut,
    Trouble::DiskFull,
    Trouble::KillReduce,
    Trouble::KillHalt,
];

const fn leg(mode: PositionMode) -> PositionSide {
    match mode {
        PositionMode::Netting => PositionSide::Net,
        PositionMode::Hedging => PositionSide::Long,
    }
}

fn terms(ctx: &Context<'_>, side: Side, intention: Intention, amount: &str, kind: OrderKind) -> Terms {
    Terms { instrument: instrument_id(BTC), side, leg: leg(ctx.mode()), intention, qty: Some(qty(amount)), kind, stp: None }
}

fn limit(at: &str) -> OrderKind {
    OrderKind::Limit { price: LimitPrice::At(price(at)), tif: TimeInForce::Gtc }
}

fn stop(at: &str) -> OrderKind {
    OrderKind::StopMarket { trigger: Trigger { price: price(at), by: TriggerBy::Mark, price_protect: false } }
}

async fn no_stream(wired: &Wired) {
    wired.answers("POST", "/fapi/v1/listenKey", false, 503, "Service Unavailable.", u64::MAX);
    wired.door("cut", &format!(r#"{{"key":"{KEY}"}}"#));
    tokio::time::sleep(Duration::from_millis(200)).await;
}

impl Trouble {
    async fn happens(self, wired: &Wired, mode: PositionMode) {
        match self {
            Self::InstrumentInReduce => {
                let side = if mode == PositionMode::Netting { "BOTH" } else { "LONG" };
                let body = format!(r#"{{"key":"{KEY}","symbol":"{BTC}","position_side":"{side}","quantity":"0.010"}}"#);
                wired.door("adl", &body);
                tokio::time::sleep(Duration::from_millis(200)).await;
                assert!(wired.with(|ctx| ctx.may_open(&instrument_id(BTC)).is_err()).await);
            }
            Self::StreamCut => no_stream(wired).await,
            Self::DiskFull => {
                wired.journal.fill_up();
                // Found out with the first record.
                wired.with(|ctx| ctx.submit(terms(ctx, Side::Buy, Intention::Open, "0.010", limit("50000")))).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Self::KillReduce => wired.kill(KillLevel::Reduce).await,
            Self::KillHalt => wired.kill(KillLevel::Halt).await,
            Self::BudgetSpent => {
                let venue = wired.adapter.asking(Urgency::Now);
                while !matches!(venue.positions(&[]).await, Err(QueryError::Unavailable(why)) if why.contains("Weight")) {}
            }
            Self::Paused => {
                let body = r#"{"code":-1003,"msg":"Too many requests; current limit is 2400 requests per minute."}"#;
                wired.answers("GET", "/fapi/v3/positionRisk", false, 429, body, 1);
                let _refused = wired.adapter.asking(Urgency::Exit).positions(&[]).await;
                assert!(!wired.holds.0.lock().unwrap().is_empty());
            }
        }
    }
}

fn held(wired: &Wired) -> Decimal {
    wired.ledger().positions.iter().map(|leg| leg.amount).sum()
}

/// Client ids of orders that stand on either book.
fn standing(wired: &Wired) -> BTreeSet<String> {
    let ledger = wired.ledger();
    let plain = ledger.orders.iter().filter(|row| !row.status.is_final()).map(|row| row.client_order_id.clone());
    let waits = ledger.algo_orders.iter().filter(|row| row.status == types::AlgoStatus::New);
    plain.chain(waits.map(|row| row.client_algo_id.clone())).collect()
}

/// Every id that the exchange has ever seen of orders that open.
fn opened(wired: &Wired) -> usize {
    let ledger = wired.ledger();
    let opens = |row: &&OrderRow| row.side == types::Side::Buy;
    ledger.orders.iter().filter(opens).count() + ledger.algo_orders.iter().filter(|row| row.side == types::Side::Buy).count()
}

async fn ids(wired: &Wired, intent: IntentId) -> Vec<String> {
    let of = move |ctx: &mut Context<'_>| {
        ctx.order(intent).map(|o| o.attempts().keys().map(|id| id.as_str().to_owned()).collect()).unwrap_or_default()
    };
    wired.with(of).await
}

async fn soon(wired: &Wired, what: &str, mut is_so: impl FnMut(&Wired) -> bool) {
    let from = wired.elapsed();
    while !is_so(wired) {
        assert!(wired.elapsed() - from <= AT_MOST, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A node that holds 0.1 and has an entry, a take-profit that rests and a stop.
async fn holding(mode: PositionMode) -> (Wired, IntentId, IntentId) {
    let mut wiring = Wiring::new(mode, &[BTC]);
    wiring.engine.stream = exec_core::engine::config::StreamCare::default();
    let wired = Wired::live(wiring).await;
    let bought = wired.with(|ctx| ctx.submit(terms(ctx, Side::Buy, Intention::Open, "0.100", OrderKind::Market))).await;
    assert_eq!(wired.until(bought, OrdStatus::Filled, 5_000).await, Some(OrdStatus::Filled));
    let placed = wired
        .with(|ctx| {
            [
                ctx.submit(terms(ctx, Side::Buy, Intention::Open, "0.020", limit("55000"))),
                ctx.submit(terms(ctx, Side::Sell, Intention::Reduce, "0.020", limit("63000"))),
                ctx.submit(terms(ctx, Side::Sell, Intention::Reduce, "0.050", stop("52000"))),
            ]
        })
        .await;
    for intent in placed {
        assert_eq!(wired.until(intent, OrdStatus::New, 5_000).await, Some(OrdStatus::New));
    }
    (wired, placed[0], placed[1])
}

async fn exits_pass(mode: PositionMode, troubles: &[Trouble]) {
    let what = format!("{mode:?} with {troubles:?}");
    let (wired, entry, profit) = holding(mode).await;
    let (entry, profits) = (ids(&wired, entry).await, ids(&wired, profit).await);
    let into = u64::try_from(wired.elapsed().as_millis()).unwrap() % 60_000;
    // Early in a minute, so that what a 429 or a spent budget holds back is held back all the time.
    tokio::time::sleep(Duration::from_millis(61_000 - into)).await;
    for trouble in troubles {
        trouble.happens(&wired, mode).await;
    }
    let (before, opened_before) = (held(&wired), opened(&wired));

    let stops = wired.with(|ctx| ctx.submit(terms(ctx, Side::Sell, Intention::Reduce, "0.040", stop("53000")))).await;
    let stops = ids(&wired, stops).await;
    soon(&wired, &format!("{what}: the closing stop"), |wired| stops.iter().any(|id| standing(wired).contains(id))).await;
    wired.with(move |ctx| ctx.cancel(profit)).await;
    soon(&wired, &format!("{what}: the cancel"), |wired| !profits.iter().any(|id| standing(wired).contains(id))).await;
    wired.with(|ctx| ctx.submit(terms(ctx, Side::Sell, Intention::Reduce, "0.030", OrderKind::Market))).await;
    soon(&wired, &format!("{what}: the closing order"), |wired| held(wired) == before - decimal("0.030")).await;

    let opens = wired
        .with(|ctx| {
            [OrderKind::Market, limit("56000"), stop("64000")]
                .map(|kind| ctx.submit(terms(ctx, Side::Buy, Intention::Open, "0.050", kind)))
        })
        .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(opened(&wired), opened_before, "{what}: an opening order reached the venue");
    for intent in opens {
        assert!(wired.status(intent).await.is_some_and(OrdStatus::is_ended), "{what}");
    }
    if troubles.iter().any(|trouble| matches!(trouble, Trouble::DiskFull | Trouble::KillReduce | Trouble::KillHalt)) {
        assert!(!entry.iter().any(|id| standing(&wired).contains(id)), "{what}: what adds risk is cancelled");
    }
    assert_eq!(held(&wired), before - decimal("0.030"), "{what}: once");
}

#[tokio::test(start_paused = true)]
async fn exits_pass_over_the_wire_whatever_stops_entries() {
    for mode in MODES {
        for alone in TROUBLES {
            // A spent budget and a 429 stop no new order by themselves: it costs no weight.
            let all = if alone == Trouble::BudgetSpent { vec![alone, Trouble::KillReduce] } else { vec![alone] };
            exits_pass(mode, &all).await;
        }
        exits_pass(mode, &TROUBLES).await;
    }
}

async fn operator(wired: &Wired, mode: PositionMode, order: SubmitOrder) -> Result<Reply, exec_runtime::control::NotRunning> {
    let leg = (mode == PositionMode::Hedging).then(|| "LONG".to_owned());
    wired.handle.control().ask("test", Ask::Submit(SubmitOrder { leg, ..order })).await
}

fn order(side: &str, intention: &str, kind: &str, amount: &str, trigger: Option<&str>) -> SubmitOrder {
    SubmitOrder {
        instrument: format!("{BTC}-PERP.BINANCE"),
        side: side.into(),
        kind: kind.into(),
        qty: Some(amount.into()),
        trigger: trigger.map(Into::into),
        intention: Some(intention.into()),
        ..SubmitOrder::default()
    }
}

/// In each phase by an operator's word: the strategies of a node that has just started may not have been called.
#[tokio::test(start_paused = true)]
async fn exits_pass_over_the_wire_in_every_phase() {
    for mode in MODES {
        for phase in [Phase::Connecting, Phase::Reconciling, Phase::Degraded, Phase::Draining] {
            let what = format!("{mode:?} in {phase:?}");
            let (mut wired, ..) = holding(mode).await;
            match phase {
                Phase::Connecting => {
                    no_stream(&wired).await;
                    wired = wired.restarted().await;
                }
                Phase::Reconciling => {
                    wired.answers("GET", "/fapi/v1/openOrders", false, 503, "Service Unavailable.", u64::MAX);
                    wired = wired.restarted().await;
                }
                Phase::Degraded => no_stream(&wired).await,
                _ => {
                    // A doubt that is waited for.
                    wired.answers(
                        "POST",
                        "/fapi/v1/order",
                        false,
                        503,
                        "Unknown error, please check your request or try again later.",
                        1,
                    );
                    wired.with(|ctx| ctx.submit(terms(ctx, Side::Buy, Intention::Open, "0.010", limit("50000")))).await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    wired.drain();
                }
            }
            tokio::time::sleep(Duration::from_millis(1_000)).await;
            let is = wired.handle.status().phase;
            assert_eq!(is, phase, "{what}: {:?}", wired.handle.status());
            let (before, opened_before, count) = (held(&wired), opened(&wired), standing(&wired).len());
            let said = operator(&wired, mode, order("SELL", "REDUCE", "STOP_MARKET", "0.040", Some("53000"))).await;
            assert!(matches!(said, Ok(Reply::Ok(_))), "{what}: {said:?}");
            soon(&wired, &format!("{what}: the closing stop"), |wired| standing(wired).len() == count + 1).await;
            let said = operator(&wired, mode, order("SELL", "REDUCE", "MARKET", "0.030", None)).await;
            assert!(matches!(said, Ok(Reply::Ok(_))), "{what}: {said:?}");
            soon(&wired, &format!("{what}: the closing order"), |wired| held(wired) == before - decimal("0.030")).await;
            let said = operator(&wired, mode, order("BUY", "OPEN", "MARKET", "0.030", None)).await;
            assert!(
                !matches!(&said, Ok(Reply::Ok(text)) if !format!("{text:?}").contains("DENIED") && !format!("{text:?}").contains("enied")),
                "{what}: {said:?}"
            );
            let said = wired.handle.control().ask("test", Ask::CancelAll { instrument: None }).await;
            assert!(matches!(said, Ok(Reply::Ok(_))), "{what}: {said:?}");
            soon(&wired, &format!("{what}: the cancels"), |wired| standing(wired).is_empty()).await;
            assert_eq!(opened(&wired), opened_before, "{what}: an opening order reached the venue");
        }
    }
}
