//! The storm: four strategies on twenty symbols ask for more than the venue takes, for ten minutes against its own counters. Orders use
//! what there is, cancels do not wait, doubt and a lost stream are settled at full load, and the venue never has to say no.

use crate::wired::{KEY, Wired, Wiring};
use exchange_sim::face::{Fault, FaultKind, RequestFault, RequestFilter};
use exec_core::{
    conversation::OrderUpdate,
    ids::{InstrumentId, IntentId},
    order::{event::OrderEvent, intent::Handling, status::OrdStatus},
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::Timestamp,
    units::{PositionMode, PositionSide, Price, Qty, Side},
    venue::ExecutionVenue as _,
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
const TURN_MS: u64 = 400;
/// How long an order rests before it is cancelled.
const RESTS_MS: u64 = 3_000;

/// How long cancels took, from the strategy's call to the order's end.
type Waits = Arc<Mutex<Vec<u64>>>;

struct Storm {
    instruments: Vec<InstrumentId>,
    turn: usize,
    cancelled: BTreeMap<IntentId, Timestamp>,
    waits: Waits,
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
            self.order(ctx, &instrument, if more == 0 { Intention::Reduce } else { Intention::Open });
        }
        self.turn += 1;
        ctx.set_timer(0, TURN_MS);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        if !matches!(update.event, OrderEvent::Canceled { .. }) {
            return;
        }
        if let Some(asked) = self.cancelled.remove(&update.intent) {
            self.waits.lock().unwrap().push(ctx.now().ms_since(asked));
        }
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
    let waits = Waits::default();
    let mut strategies: Vec<(_, Box<dyn Strategy>)> = Vec::new();
    for (at, instruments) in all.chunks(SYMBOLS / STRATEGIES).enumerate() {
        let id = wiring.strategy(&format!("storm{at}"));
        wiring.engine.strategies.last_mut().unwrap().instruments = instruments.to_vec();
        let (instruments, waits) = (instruments.to_vec(), Arc::clone(&waits));
        strategies.push((id, Box::new(Storm { instruments, turn: 0, cancelled: BTreeMap::new(), waits })));
    }
    let wired = Wired::live_with(wiring, strategies).await;
    // An answer takes its time, so that orders wait for each other.
    let orders = || RequestFilter { method: Some("POST".into()), path: Some("/fapi/v1/order".into()), key: None };
    let slow = FaultKind::Request(orders(), RequestFault::DelayResponse(25));
    wired.face.arm(Fault { kind: slow, nth: 1, times: u64::MAX });
    let mut used = Vec::new();
    for minute in 0..=MINUTES {
        if minute == 3 {
            wired.face.arm(Fault { kind: FaultKind::Request(orders(), RequestFault::DropResponse), nth: 5, times: 1 });
        }
        if minute == 5 {
            wired.door("cut", &format!(r#"{{"key":"{KEY}"}}"#));
        }
        // Shortly before its end all of a minute's orders are counted.
        let into = u64::try_from(wired.elapsed().as_millis()).unwrap() % 60_000;
        tokio::time::sleep(Duration::from_millis(59_900 - into.min(59_900))).await;
        let now = wired.adapter.limits_used();
        used.push((now[2].used, now[2].limit, now[0].used));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(wired.holds.0.lock().unwrap().as_slice(), [], "{mode:?}: the venue had to say no");
    for (minute, (orders, limit, weight)) in used.iter().enumerate().skip(1) {
        assert!(orders * 100 >= limit * 85, "{mode:?}: minute {minute}: {orders} of {limit}; {used:?}");
        assert!(*weight <= 2_160, "{mode:?}: minute {minute}: {weight}");
    }
    let mut waits = waits.lock().unwrap().clone();
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    assert!(waits.len() > 3_000 && p99 < 50, "{mode:?}: p99 of {} cancels is {p99} ms", waits.len());
    let (doubts, began) = {
        let alerts = wired.handle.alerts();
        (wired.alerted("in_doubt"), alerts.1)
    };
    assert!(doubts >= 1 || began > 256, "{mode:?}: an answer was lost, and nobody doubted");
    wired.with(|ctx| assert!(ctx.shut().is_empty(), "{:?}", ctx.shut())).await;
    assert_eq!(
        wired
            .with(|ctx| ctx
                .books()
                .open_orders()
                .filter(|o| o.attempts().values().any(|a| a.in_doubt().is_some() && !a.is_settled()))
                .count())
            .await,
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_storm_uses_what_the_venue_takes_and_no_more_netting() {
    storm(PositionMode::Netting).await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_uses_what_the_venue_takes_and_no_more_hedging() {
    storm(PositionMode::Hedging).await;
}
