//! Instruments that change under a node that trades them: another tick, a halt and its end, an end that is announced and comes; told by
//! the venue, or found by reading its list.

use crate::wired::{KEY, START_MS, Wired, Wiring};
use exchange_sim::face::RequestFilter;
use exec_core::{
    ids::IntentId,
    order::status::OrdStatus,
    record::Record,
    start_report::InstrumentShut,
    strategy::{Bracket, Context},
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{instrument_id, price, qty, stop_market};
use rust_decimal::Decimal;
use std::time::Duration;

const BTC: &str = "BTCUSDT";
const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];
/// How often the list of symbols is read here; five minutes elsewhere.
const LISTED_EVERY: Duration = Duration::from_secs(20);
const A_LIST_LATER: Duration = Duration::from_secs(23);

async fn live(mode: PositionMode) -> Wired {
    let mut wiring = Wiring::new(mode, &[BTC]);
    wiring.runtime.instruments_interval = LISTED_EVERY;
    Wired::live(wiring).await
}

fn terms(ctx: &Context<'_>, side: Side, intention: Intention, kind: OrderKind) -> Terms {
    let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
    Terms { instrument: instrument_id(BTC), side, leg, intention, qty: Some(qty("0.010")), kind, stp: None }
}

fn limit(at: &str) -> OrderKind {
    OrderKind::Limit { price: LimitPrice::At(price(at)), tif: TimeInForce::Gtc }
}

async fn buys(wired: &Wired, kind: OrderKind) -> IntentId {
    wired.with(move |ctx| ctx.submit(terms(ctx, Side::Buy, Intention::Open, kind))).await
}

async fn closes(wired: &Wired) -> IntentId {
    wired.with(|ctx| ctx.submit(terms(ctx, Side::Sell, Intention::Reduce, OrderKind::Market))).await
}

/// A market order with a stop far below.
async fn bracket(wired: &Wired) -> Bracket {
    let placed = wired
        .with(|ctx| {
            let stop = stop_market(Side::Sell, qty("0.010"), price("45000")).kind;
            let (entry, stop) = (OrderKind::Market, terms(ctx, Side::Sell, Intention::Reduce, stop));
            ctx.bracket(terms(ctx, Side::Buy, Intention::Open, entry), stop, None)
        })
        .await;
    ends(wired, placed.entry, OrdStatus::Filled).await;
    ends(wired, placed.stop_loss, OrdStatus::New).await;
    placed
}

async fn ends(wired: &Wired, intent: IntentId, status: OrdStatus) {
    assert_eq!(wired.until(intent, status, 5_000).await, Some(status));
}

async fn may_open(wired: &Wired) -> bool {
    wired.with(|ctx| ctx.shut().is_empty() && ctx.may_open(&instrument_id(BTC)).is_ok()).await
}

/// What the journal says of changed instruments.
fn changes(wired: &Wired) -> Vec<String> {
    let records = wired.journal.records();
    let told = records.into_iter().filter_map(|record| match record {
        Record::InstrumentChanged { instrument, what, .. } => Some(format!("{instrument}: {what}")),
        _ => None,
    });
    told.collect()
}

fn symbol(wired: &Wired, change: &str) {
    wired.door("symbol", &format!(r#"{{"symbol":"{BTC}",{change}}}"#));
}

/// Whatever was announced has come to the engine by then, and what that causes to the venue.
const ANNOUNCED: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn an_announced_halt_takes_entries_off_within_two_seconds_and_no_order_is_refused_by_the_venue() {
    for (mode, status) in MODES.into_iter().flat_map(|mode| [(mode, "TRADING_HALT"), (mode, "TRADING_CANCEL_ONLY")]) {
        // Its list is read every five minutes, as everywhere else.
        let wired = Wired::live(Wiring::new(mode, &[BTC, "ETHUSDT"])).await;
        let held = bracket(&wired).await;
        let resting = buys(&wired, limit("50000")).await;
        ends(&wired, resting, OrdStatus::New).await;
        let of_orders =
            |method: &str| RequestFilter { method: Some(method.into()), path: Some("/fapi/v1/order".into()), key: None };
        let placed = wired.watch_requests(of_orders("POST"));
        symbol(&wired, &format!(r#""status":"{status}""#));
        tokio::time::sleep(ANNOUNCED).await;
        assert_eq!(changes(&wired), ["BTCUSDT-PERP.BINANCE: status Trading -> Halted"]);
        assert_eq!(wired.status(resting).await, Some(OrdStatus::Canceled), "{mode:?} {status}");
        assert_eq!(wired.status(held.stop_loss).await, Some(OrdStatus::New), "the stop stays");
        let denied = buys(&wired, limit("50000")).await;
        ends(&wired, denied, OrdStatus::Denied).await;
        assert_eq!(placed(), 0, "nothing was sent that the venue would refuse");
        // It ends as it began.
        symbol(&wired, r#""status":"TRADING""#);
        tokio::time::sleep(ANNOUNCED).await;
        let taken = buys(&wired, limit("50000")).await;
        ends(&wired, taken, OrdStatus::New).await;
        assert_eq!(placed(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_end_is_known_within_two_seconds_and_one_of_another_symbol_costs_nothing() {
    let wired = Wired::live(Wiring::new(PositionMode::Netting, &[BTC])).await;
    let resting = buys(&wired, limit("50000")).await;
    ends(&wired, resting, OrdStatus::New).await;
    wired.door("symbol", r#"{"symbol":"SOLUSDT","status":"PRE_SETTLE"}"#);
    wired.door("settle", r#"{"symbol":"ETHUSDT"}"#);
    tokio::time::sleep(ANNOUNCED).await;
    assert_eq!((changes(&wired).len(), wired.status(resting).await), (0, Some(OrdStatus::New)));
    symbol(&wired, &format!(r#""delivery_date":{}"#, START_MS + 6 * 24 * 60 * 60 * 1_000));
    tokio::time::sleep(ANNOUNCED).await;
    assert_eq!(wired.status(resting).await, Some(OrdStatus::Canceled));
    assert!(!may_open(&wired).await);
}

/// What books and exchange hold of each leg, and how many orders are open in each.
async fn both(wired: &Wired) -> [(Vec<Decimal>, usize); 2] {
    let ours = wired
        .with(|ctx| {
            let legs = ctx.books().positions().map(|(.., position)| position.qty().get()).filter(|qty| !qty.is_zero());
            (legs.collect::<Vec<_>>(), ctx.books().open_orders().count())
        })
        .await;
    let ledger = wired.face.ledger(KEY).unwrap();
    let legs = ledger.positions.iter().map(|leg| leg.amount).filter(|amount| !amount.is_zero()).collect();
    let plain = ledger.orders.iter().filter(|row| !row.status.is_final()).count();
    let conditional = ledger.algo_orders.iter().filter(|row| row.status == exchange_sim::types::AlgoStatus::New).count();
    [ours, (legs, plain + conditional)]
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_changes_under_a_resting_order_and_a_bracket_leaves_both_and_binds_what_comes() {
    for mode in MODES {
        let wired = live(mode).await;
        let held = bracket(&wired).await;
        let resting = buys(&wired, limit("50000.1")).await;
        ends(&wired, resting, OrdStatus::New).await;
        // The venue promises to announce a status, and nothing of a tick.
        symbol(&wired, r#""tick_size":"0.5","announced":false"#);
        tokio::time::sleep(A_LIST_LATER).await;
        assert_eq!(changes(&wired).len(), 1, "{:?}", changes(&wired));
        assert!(changes(&wired)[0].contains("prices") && changes(&wired)[0].contains("by 0.5"), "{:?}", changes(&wired));
        assert_eq!(
            (wired.status(resting).await, wired.status(held.stop_loss).await),
            (Some(OrdStatus::New), Some(OrdStatus::New))
        );
        // Off the new grid: refused here, and not by the venue.
        let off = buys(&wired, limit("50000.1")).await;
        ends(&wired, off, OrdStatus::Denied).await;
        let on = buys(&wired, limit("50000.5")).await;
        ends(&wired, on, OrdStatus::New).await;
        wired.with(move |ctx| ctx.cancel(resting)).await;
        ends(&wired, resting, OrdStatus::Canceled).await;
        let exit = closes(&wired).await;
        ends(&wired, exit, OrdStatus::Filled).await;
        wired.with(move |ctx| ctx.cancel(on)).await;
        ends(&wired, on, OrdStatus::Canceled).await;
        tokio::time::sleep(Duration::from_secs(70)).await;
        let [ours, theirs] = both(&wired).await;
        assert_eq!(ours, theirs, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_halt_takes_entries_off_keeps_stops_and_ends_by_itself() {
    for mode in MODES {
        let wired = live(mode).await;
        let held = bracket(&wired).await;
        let resting = buys(&wired, limit("50000")).await;
        ends(&wired, resting, OrdStatus::New).await;
        symbol(&wired, r#""status":"TRADING_CANCEL_ONLY""#);
        tokio::time::sleep(A_LIST_LATER).await;
        assert!(changes(&wired)[0].contains("status Trading -> Halted"), "{:?}", changes(&wired));
        ends(&wired, resting, OrdStatus::Canceled).await;
        assert_eq!(wired.status(held.stop_loss).await, Some(OrdStatus::New));
        let denied = buys(&wired, limit("50000")).await;
        ends(&wired, denied, OrdStatus::Denied).await;
        symbol(&wired, r#""status":"TRADING""#);
        tokio::time::sleep(A_LIST_LATER).await;
        assert_eq!(changes(&wired).len(), 2);
        let taken = buys(&wired, limit("50000")).await;
        ends(&wired, taken, OrdStatus::New).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_announced_end_takes_no_new_risk_and_its_settlement_leaves_equal_books() {
    for mode in MODES {
        let wired = live(mode).await;
        let held = bracket(&wired).await;
        let resting = buys(&wired, limit("50000")).await;
        ends(&wired, resting, OrdStatus::New).await;
        let day = 24 * 60 * 60 * 1_000;
        symbol(&wired, &format!(r#""delivery_date":{}"#, START_MS + 8 * day));
        tokio::time::sleep(A_LIST_LATER).await;
        assert!(may_open(&wired).await, "eight days are enough");
        symbol(&wired, &format!(r#""delivery_date":{}"#, START_MS + 6 * day));
        tokio::time::sleep(A_LIST_LATER).await;
        assert!(!may_open(&wired).await);
        ends(&wired, resting, OrdStatus::Canceled).await;
        assert_eq!(wired.status(held.stop_loss).await, Some(OrdStatus::New), "the stop stays");
        let report = wired.handle.status().report.unwrap();
        let soon = |why: &InstrumentShut| why.kind() == "ends_soon";
        assert!(report.instruments.iter().any(|state| state.shut.iter().any(soon)), "{report}");

        wired.door("settle", &format!(r#"{{"symbol":"{BTC}"}}"#));
        tokio::time::sleep(Duration::from_secs(90)).await;
        let [ours, theirs] = both(&wired).await;
        assert_eq!((ours, theirs), ((Vec::new(), 0), (Vec::new(), 0)), "{mode:?}");
        let latches = wired.with(|ctx| ctx.books().latches().keys().map(|cause| cause.kind()).collect::<Vec<_>>()).await;
        assert_eq!(latches, ["exchange"], "whatever it hedged stands alone");
    }
}
