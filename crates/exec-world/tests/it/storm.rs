//! The storm: four strategies on twenty symbols ask for more than the venue takes, for ten minutes against its own counters. Orders use
//! what there is, cancels do not wait, doubt and a lost stream are settled at full load, and the venue never has to say no.

use crate::wired::{KEY, START_MS, Wired, Wiring};
use exchange_sim::face::{Fault, FaultKind, RequestFault, RequestFilter};
use exec_core::{
    conversation::{DoubtEnded, InDoubt, OrderUpdate, Phase},
    ids::{InstrumentId, IntentId},
    order::{event::OrderEvent, intent::Handling, status::OrdStatus},
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::Timestamp,
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

const SYMBOLS: usize = 20;
const STRATEGIES: usize = 4;
const MINUTES: u64 = 10;
/// How often each strategy asks for something.
const TURN_MS: u64 = 300;
/// How long an order rests before it is cancelled.
const RESTS_MS: u64 = 3_000;

/// What the venue takes of one account.
const ORDERS_10S: u64 = 300;
const ORDERS_1M: u64 = 1_200;

/// What the strategies have seen.
#[derive(Default)]
struct Told {
    /// How long cancels took, from the strategy's call to the order's end.
    waits: Vec<u64>,
    /// Orders in doubt, and how long each was.
    doubts: BTreeMap<IntentId, Option<u64>>,
}

impl Told {
    fn judge(&self, what: &str) {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let p99 = waits[waits.len() * 99 / 100];
        assert!(waits.len() > 3_000 && p99 < 50, "{what}: p99 of {} cancels is {p99} ms", waits.len());
        assert!(!self.doubts.is_empty(), "{what}: an answer was lost, and nobody doubted");
        assert!(self.doubts.values().all(Option::is_some), "{what}: in doubt to the end: {:?}", self.doubts);
        let longest = self.doubts.values().flatten().max().copied().unwrap_or_default();
        assert!(longest < 10_000, "{what}: a doubt lasted {longest} ms");
    }
}

struct Storm {
    instruments: Vec<InstrumentId>,
    turn: usize,
    cancelled: BTreeMap<IntentId, Timestamp>,
    told: Arc<Mutex<Told>>,
}

impl Storm {
    fn order(&self, ctx: &mut Context<'_>, instrument: &InstrumentId, intention: Intention) {
        let Some(reference) = ctx.quote(instrument).reference() else { return };
        let Some(grid) = ctx.instrument(instrument) else { return };
        let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
        let opens = intention == Intention::Open;
        let on = |value: Decimal, step: Decimal| (value / step).ceil() * step;
        let factor = Decimal::new(if opens { 96 } else { 104 }, 2);
        let price = on(reference * factor, grid.price.step);
        let qty =
            on(Decimal::from(30) / price, grid.lot.step).max(grid.lot.min).max(on(grid.notional_min / price, grid.lot.step));
        let kind = OrderKind::Limit { price: Price::new(price).unwrap().into(), tif: TimeInForce::Gtc };
        let side = if opens { Side::Buy } else { Side::Sell };
        let terms = Terms { instrument: instrument.clone(), side, leg, intention, qty: Qty::new(qty).ok(), kind, stp: None };
        ctx.submit_with(terms, Handling { retry: false, ..Handling::default() });
    }
}

impl Strategy for Storm {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(0, 1_000);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        let now = ctx.now();
        let old = |o: &&exec_core::order::Order| o.status() == OrdStatus::New && now.ms_since(o.intent().asked) >= RESTS_MS;
        let old: Vec<IntentId> = ctx.open_orders().filter(old).map(|o| o.intent().id).collect();
        for intent in old {
            self.cancelled.insert(intent, now);
            ctx.cancel(intent);
        }
        for more in 0..3 {
            let instrument = self.instruments[(self.turn * 3 + more) % self.instruments.len()].clone();
            let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
            if ctx.share(&instrument, leg).is_zero() {
                // What is to be closed must be held.
                if self.turn < 40 {
                    let Some(reference) = ctx.quote(&instrument).reference() else { continue };
                    let step = ctx.instrument(&instrument).map_or(Decimal::ONE, |grid| grid.lot.step);
                    let qty = (Decimal::from(2_000) / reference / step).ceil() * step;
                    ctx.market(&instrument, Side::Buy, leg, Qty::new(qty).unwrap());
                }
                continue;
            }
            self.order(ctx, &instrument, if more == 0 { Intention::Open } else { Intention::Reduce });
        }
        self.turn += 1;
        ctx.set_timer(0, TURN_MS);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        if !matches!(update.event, OrderEvent::Canceled { .. }) {
            return;
        }
        if let Some(asked) = self.cancelled.remove(&update.intent) {
            self.told.lock().unwrap().waits.push(ctx.now().ms_since(asked));
        }
    }

    fn on_in_doubt(&mut self, _ctx: &mut Context<'_>, doubt: &InDoubt) {
        self.told.lock().unwrap().doubts.insert(doubt.intent, None);
    }

    fn on_doubt_ended(&mut self, ctx: &mut Context<'_>, ended: &DoubtEnded) {
        let lasted = ended.since.map_or(0, |since| ctx.now().ms_since(since));
        self.told.lock().unwrap().doubts.insert(ended.intent, Some(lasted));
    }
}

async fn storm(mode: PositionMode) {
    let mut wiring = Wiring::new(mode, &[]);
    wiring.face = wiring.face.with_symbols(SYMBOLS);
    wiring.face.exchange.flow.interval_ms = 5_000;
    let names: Vec<String> = wiring.face.exchange.symbols.iter().map(|spec| spec.symbol.to_string()).collect();
    let all: Vec<InstrumentId> =
        names.iter().map(|symbol| InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).unwrap()).collect();
    wiring.engine.strategies[0].instruments = vec![all[0].clone()];
    wiring.engine.limits.open_orders_max = 5_000;
    wiring.engine.sharing.instruments = all.clone();
    wiring.engine.stream = exec_core::engine::config::StreamCare::default();
    let told = Arc::<Mutex<Told>>::default();
    let mut strategies: Vec<(_, Box<dyn Strategy>)> = Vec::new();
    for (at, instruments) in all.chunks(SYMBOLS / STRATEGIES).enumerate() {
        let id = wiring.strategy(&format!("storm{at}"));
        wiring.engine.strategies.last_mut().unwrap().instruments = instruments.to_vec();
        let (instruments, told) = (instruments.to_vec(), Arc::clone(&told));
        strategies.push((id, Box::new(Storm { instruments, turn: 0, cancelled: BTreeMap::new(), told })));
    }
    let wired = Wired::live_with(wiring, strategies).await;
    // An answer takes its time, so that orders wait for each other.
    let orders = || RequestFilter { method: Some("POST".into()), path: Some("/fapi/v1/order".into()), key: None };
    let slow = FaultKind::Request(orders(), RequestFault::DelayResponse(25));
    wired.face.arm(Fault { kind: slow, nth: 1, times: u64::MAX });
    let what = format!("{mode:?}");
    // The rest of the minute that it began in is no full window.
    until_window(&wired, 60_000).await;
    let (mut full, mut recovered) = (0, None);
    for window in 0..MINUTES * 6 {
        if window == 14 {
            // One that arrives and whose answer does not, and one that does not arrive: of that one no stream can tell.
            for (nth, fault) in [(5, RequestFault::DropResponse), (9, RequestFault::DropRequest)] {
                wired.face.arm(Fault { kind: FaultKind::Request(orders(), fault), nth, times: 1 });
            }
        }
        if window == 26 {
            recovered = Some(recovers(&wired, &what).await);
        }
        // Shortly before its end all of a window's orders are counted.
        let into = into(&wired, 10_000);
        tokio::time::sleep(Duration::from_millis(9_950 - into.min(9_950))).await;
        let now = counters(&wired);
        // The minute has room for four full windows of ten seconds: after these its own limit is the one that is used.
        let most = (now.orders_10s * 100 / ORDERS_10S).max(now.orders_1m * 100 / ORDERS_1M);
        assert!(most >= 85, "{what}: window {window}: {most} % of the nearer limit; {now:?}");
        full += u64::from(now.orders_10s * 100 >= ORDERS_10S * 85);
        if window % 6 == 5 {
            assert!(now.orders_1m * 100 >= ORDERS_1M * 85, "{what}: minute {}: {now:?}", window / 6);
            assert!(now.weight <= 2_160, "{what}: minute {}: {now:?}", window / 6);
        }
        until_window(&wired, 10_000).await;
    }
    assert!(full >= 4 * MINUTES - 2, "{what}: {full} windows of ten seconds were full");
    let after = counters(&wired);
    assert_eq!((after.refused, after.orders_refused), (0, 0), "{what}: the venue had to say no");
    assert_eq!(wired.holds.0.lock().unwrap().as_slice(), [], "{what}: no ban, no 429");
    told.lock().unwrap().judge(&what);
    let recovered = recovered.expect("a recovery");
    assert!(recovered < Duration::from_secs(5), "{what}: the recovery took {recovered:?}");
    wired.with(|ctx| assert!(ctx.shut().is_empty(), "{:?}", ctx.shut())).await;
}

/// What the exchange has counted.
#[derive(Debug)]
struct Counters {
    orders_10s: u64,
    orders_1m: u64,
    orders_refused: u64,
    weight: u64,
    refused: u64,
}

fn counters(wired: &Wired) -> Counters {
    let (status, text) = wired.face.operate("GET", "limits", "", "");
    assert_eq!(status, 200, "{text}");
    let of = |text: &str, name: &str| -> u64 {
        let (_, rest) = text.split_once(&format!(r#""{name}":"#)).expect("a counter");
        rest.split([',', '}']).next().and_then(|n| n.parse().ok()).expect("a number")
    };
    let (address, account) = text.split_once(r#""accounts""#).expect("accounts");
    Counters {
        orders_10s: of(account, "orders10s"),
        orders_1m: of(account, "orders1m"),
        orders_refused: of(account, "refused"),
        weight: of(address, "weight1m"),
        refused: of(address, "refused"),
    }
}

/// How far it is into a window of the UTC clock.
fn into(wired: &Wired, length_ms: u64) -> u64 {
    (START_MS + u64::try_from(wired.elapsed().as_millis()).unwrap()) % length_ms
}

async fn until_window(wired: &Wired, length_ms: u64) {
    tokio::time::sleep(Duration::from_millis(length_ms - into(wired, length_ms))).await;
}

/// The private stream is cut; says how long it took until another one was compared with everything and the gate was open again.
async fn recovers(wired: &Wired, what: &str) -> Duration {
    let (from, before) = (wired.elapsed(), wired.handle.phases().len());
    wired.door("cut", &format!(r#"{{"key":"{KEY}"}}"#));
    loop {
        let moved: Vec<Phase> = wired.handle.phases().iter().skip(before).map(|moved| moved.change.to).collect();
        if moved.first().is_some_and(|phase| *phase != Phase::Live) && moved.last() == Some(&Phase::Live) {
            return wired.elapsed() - from;
        }
        assert!(wired.elapsed() - from < Duration::from_secs(9), "{what}: not recovered; {moved:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_uses_what_the_venue_takes_and_no_more_netting() {
    storm(PositionMode::Netting).await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_uses_what_the_venue_takes_and_no_more_hedging() {
    storm(PositionMode::Hedging).await;
}
