//! The kill switch that closes everything, by the adapter's own bytes and against the exchange's own counters: many legs, little
//! liquidity, refusals, a lost reply and an entry that arrives late. At every moment each leg has its stop, and no fill goes beyond one.

use crate::wired::{Wired, Wiring};
use exchange_sim::{
    face::{Answer, Fault, FaultKind, RequestFault, RequestFilter},
    ledger::Ledger,
    row::{AlgoRow, OrderRow},
    symbol::{SymbolSpec, generated_symbols},
    types::{self, AlgoStatus, OrderType},
};
use exec_core::{
    ids::IntentId,
    kill::KillLevel,
    order::status::OrdStatus,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use exec_testkit::fixtures::{decimal, instrument_id};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const ORDER: &str = "/fapi/v1/order";
const OVERLOADED: &str = r#"{"code":-1008,"msg":"Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}"#;
const OUT_OF_BAND: &str = r#"{"code":-4131,"msg":"The counterparty's best price does not meet the PERCENT_PRICE filter limit."}"#;
const NOTHING_TO_CLOSE: &str = r#"{"code":-2022,"msg":"ReduceOnly Order is rejected."}"#;

type Key = (String, types::PositionSide);

struct Scene {
    wired: Wired,
    specs: Vec<SymbolSpec>,
    mode: PositionMode,
    /// What each leg held when it was looked at last.
    held: BTreeMap<Key, Decimal>,
    /// Trades of the account that were judged.
    judged: BTreeSet<(String, types::TradeId)>,
}

/// A leg by our words and by the venue's.
fn leg_of(mode: PositionMode, side: Side) -> (PositionSide, types::PositionSide) {
    match (mode, side) {
        (PositionMode::Netting, _) => (PositionSide::Net, types::PositionSide::Both),
        (PositionMode::Hedging, Side::Buy) => (PositionSide::Long, types::PositionSide::Long),
        (PositionMode::Hedging, Side::Sell) => (PositionSide::Short, types::PositionSide::Short),
    }
}

fn quantity(spec: &SymbolSpec, worth: u32) -> Qty {
    let raw = Decimal::from(worth) / spec.start_price;
    Qty::new((raw - raw % spec.step_size).max(spec.step_size).normalize()).expect("a quantity")
}

fn closes(side: types::Side, leg: types::PositionSide, reduces: bool) -> bool {
    match leg {
        types::PositionSide::Both => reduces,
        types::PositionSide::Long => side == types::Side::Sell,
        types::PositionSide::Short => side == types::Side::Buy,
    }
}

fn open_orders(ledger: &Ledger) -> Vec<&OrderRow> {
    ledger.orders.iter().filter(|row| !row.status.is_final()).collect()
}

fn waiting(ledger: &Ledger) -> Vec<&AlgoRow> {
    let alive = |row: &&AlgoRow| matches!(row.status, AlgoStatus::New | AlgoStatus::Triggering);
    ledger.algo_orders.iter().filter(alive).collect()
}

fn at_venue(ledger: &Ledger) -> BTreeMap<Key, Decimal> {
    let legs = ledger.positions.iter().filter(|leg| !leg.amount.is_zero());
    legs.map(|leg| ((leg.symbol.to_string(), leg.position_side), leg.amount)).collect()
}

impl Scene {
    /// Legs of alternating direction, each with a stop, a take-profit that rests, one that waits for its trigger, and an entry on
    /// each book.
    async fn new(mode: PositionMode, legs: usize) -> Self {
        let count = if mode == PositionMode::Hedging { legs.div_ceil(2) } else { legs };
        let mut specs = generated_symbols(count);
        for spec in &mut specs {
            // A leg is worth some 3000, one market order at most 700 of it.
            spec.market_max_qty = quantity(spec, 700).get();
        }
        let names: Vec<&str> = specs.iter().map(|spec| &*spec.symbol).collect();
        let mut wiring = Wiring::new(mode, &names);
        wiring.engine.limits.open_orders_max = 10_000;
        wiring.engine.stream = exec_core::engine::config::StreamCare::default();
        wiring.face.exchange.symbols.clone_from(&specs);
        let flow = &mut wiring.face.exchange.flow;
        (flow.touch_notional, flow.levels, flow.interval_ms) = (decimal("60"), 3, 250);
        let wired = Wired::live(wiring).await;
        let mut scene = Self { wired, specs, mode, held: BTreeMap::new(), judged: BTreeSet::new() };
        let sides = |number: usize| if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let spec_of = |number: usize| if mode == PositionMode::Hedging { number / 2 } else { number };
        // One leg of a symbol after the other: they would trade with each other.
        let rounds = if mode == PositionMode::Hedging { vec![0, 1] } else { vec![0] };
        for round in rounds.clone() {
            let mut entries = Vec::new();
            for number in (round..legs).step_by(rounds.len()) {
                let spec = scene.specs[spec_of(number)].clone();
                let whole = quantity(&spec, 3_000);
                entries.push(scene.limit(&spec, sides(number), sides(number), Intention::Open, whole, 40).await);
            }
            for entry in entries {
                assert_eq!(scene.wired.until(entry, OrdStatus::Filled, 60_000).await, Some(OrdStatus::Filled));
            }
        }
        let mut all = Vec::new();
        for number in 0..legs {
            let spec = scene.specs[spec_of(number)].clone();
            all.extend(scene.surround(&spec, sides(number)).await);
        }
        for intent in all {
            assert_eq!(scene.wired.until(intent, OrdStatus::New, 10_000).await, Some(OrdStatus::New));
        }
        scene.judged = scene.wired.ledger().trades.iter().map(|trade| (trade.symbol.to_string(), trade.id)).collect();
        scene.held = at_venue(&scene.wired.ledger());
        assert_eq!(scene.held.len(), legs);
        scene
    }

    /// A price so many thousandths from the market, away from it for the good of this side of a leg.
    fn price(spec: &SymbolSpec, mark: Decimal, side: Side, per_mille: i64) -> Price {
        let per_mille = if side == Side::Buy { 1_000 + per_mille } else { 1_000 - per_mille };
        Price::new(spec.floor_to_tick(mark * Decimal::from(per_mille) / Decimal::from(1_000))).expect("a price")
    }

    async fn submit(&self, spec: &SymbolSpec, make: impl FnOnce(Decimal) -> Terms + Send + 'static) -> IntentId {
        let instrument = instrument_id(&spec.symbol);
        self.wired
            .with(move |ctx| {
                let mark = ctx.quote(&instrument).reference().expect("a price");
                ctx.submit(make(mark))
            })
            .await
    }

    async fn limit(&self, spec: &SymbolSpec, of: Side, side: Side, intention: Intention, qty: Qty, at: i64) -> IntentId {
        let (mode, own) = (self.mode, spec.clone());
        self.submit(spec, move |mark| {
            let price = Self::price(&own, mark, of, at).into();
            let kind = OrderKind::Limit { price, tif: TimeInForce::Gtc };
            let instrument = instrument_id(&own.symbol);
            Terms { instrument, side, leg: leg_of(mode, of).0, intention, qty: Some(qty), kind, stp: None }
        })
        .await
    }

    async fn conditional(
        &self,
        spec: &SymbolSpec,
        of: Side,
        (side, intention, qty): (Side, Intention, Option<Qty>),
        (at, limit): (i64, Option<i64>),
        profit: bool,
    ) -> IntentId {
        let (mode, own) = (self.mode, spec.clone());
        self.submit(spec, move |mark| {
            let trigger = Trigger { price: Self::price(&own, mark, of, at), by: TriggerBy::Mark, price_protect: false };
            let kind = match limit {
                Some(at) => {
                    OrderKind::StopLimit { trigger, price: Self::price(&own, mark, of, at).into(), tif: TimeInForce::Gtc }
                }
                None if profit => OrderKind::TakeProfitMarket { trigger },
                None => OrderKind::StopMarket { trigger },
            };
            Terms { instrument: instrument_id(&own.symbol), side, leg: leg_of(mode, of).0, intention, qty, kind, stp: None }
        })
        .await
    }

    async fn surround(&self, spec: &SymbolSpec, of: Side) -> [IntentId; 5] {
        let (back, whole, small) = (of.opposite(), quantity(spec, 3_000), quantity(spec, 300));
        let (stop, limit) = if of == Side::Buy {
            ((back, Intention::CloseAll, None), None)
        } else {
            ((back, Intention::Reduce, Some(whole)), Some(-220))
        };
        [
            self.conditional(spec, of, stop, (-200, limit), false).await,
            self.limit(spec, of, back, Intention::Reduce, whole, 45).await,
            self.conditional(spec, of, (back, Intention::Reduce, Some(small)), (200, None), true).await,
            self.limit(spec, of, of, Intention::Open, small, -45).await,
            self.conditional(spec, of, (of, Intention::Open, Some(small)), (250, None), false).await,
        ]
    }

    fn fails(&self, nth: u64, times: u64, fault: RequestFault) -> u64 {
        let filter = RequestFilter { method: Some("POST".into()), path: Some(ORDER.into()), key: None };
        self.wired.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth, times })
    }

    /// No fill has gone beyond its leg since the last look, and each leg that holds something has a stop.
    fn judge(&mut self, what: &str) {
        let ledger = self.wired.ledger();
        for trade in &ledger.trades {
            if !self.judged.insert((trade.symbol.to_string(), trade.id)) {
                continue;
            }
            let key = (trade.symbol.to_string(), trade.position_side);
            let before = self.held.get(&key).copied().unwrap_or_default();
            let after = if trade.side == types::Side::Buy { before + trade.qty } else { before - trade.qty };
            assert!(!(before * after).is_sign_negative() || after.is_zero(), "{what}: {key:?} went from {before} to {after}");
            self.held.insert(key, after);
        }
        let stops = waiting(&ledger).into_iter().filter(|row| {
            let stop = matches!(row.order_type, OrderType::Stop | OrderType::StopMarket | OrderType::TrailingStopMarket);
            stop && closes(row.side, row.position_side, row.reduce_only || row.close_position)
        });
        let stops: BTreeSet<Key> = stops.map(|row| (row.symbol.to_string(), row.position_side)).collect();
        for (key, held) in at_venue(&ledger) {
            assert!(stops.contains(&key), "{what}: {key:?} holds {held} without a stop");
        }
    }

    /// Until everything is closed; says how long it took.
    async fn until_flat(&mut self, what: &str) -> Duration {
        let from = self.wired.elapsed();
        while self.wired.alerted("flattened") == 0 {
            self.judge(what);
            let took = self.wired.elapsed() - from;
            assert!(took < Duration::from_secs(180), "{what}: still at it; {:?}", at_venue(&self.wired.ledger()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.judge(what);
        let ledger = self.wired.ledger();
        assert_eq!(at_venue(&ledger), BTreeMap::new(), "{what}");
        assert_eq!((open_orders(&ledger), waiting(&ledger)), (Vec::new(), Vec::new()), "{what}: orders of ours are left");
        for spec in &self.specs {
            let too_large = |row: &&OrderRow| {
                row.symbol == spec.symbol && row.orig_type == OrderType::Market && row.orig_qty > spec.market_max_qty
            };
            assert!(!ledger.orders.iter().any(|row| too_large(&row)), "{what}: a clip of {} is too large", spec.symbol);
        }
        self.wired.elapsed() - from
    }

    fn clips(&self) -> usize {
        let market = |row: &&OrderRow| row.orig_type == OrderType::Market;
        self.wired.ledger().orders.iter().filter(market).count()
    }

    fn closing_limits(&self) -> usize {
        let limit = |row: &&OrderRow| row.orig_type == OrderType::Limit && closes(row.side, row.position_side, row.reduce_only);
        self.wired.ledger().orders.iter().filter(limit).count()
    }
}

fn refuses(status: u16, body: &str) -> RequestFault {
    RequestFault::ErrorBefore(Answer { status, body: body.into() })
}

async fn flatten_twenty(mode: PositionMode) {
    let what = format!("{mode:?}");
    let mut scene = Scene::new(mode, 20).await;
    // An entry that is on its way when the switch is thrown, and arrives while legs are being closed.
    let late = scene.fails(1, 1, RequestFault::DelayRequest(1_500));
    let spec = scene.specs[0].clone();
    let entry = scene.limit(&spec, Side::Buy, Side::Buy, Intention::Open, quantity(&spec, 300), 20).await;
    let faults = [
        scene.fails(4, 3, refuses(503, OVERLOADED)),
        scene.fails(12, 2, refuses(400, OUT_OF_BAND)),
        scene.fails(18, 1, refuses(400, NOTHING_TO_CLOSE)),
        scene.fails(24, 1, RequestFault::DropResponse),
        scene.fails(30, 1, refuses(400, OUT_OF_BAND)),
    ];
    let limits = scene.closing_limits();
    scene.wired.kill(KillLevel::Flatten).await;
    let took = scene.until_flat(&what).await;
    assert!(scene.closing_limits() > limits, "{what}: where market orders were refused no limit stood at the bound");
    for id in faults.into_iter().chain([late]) {
        assert!(scene.wired.face.fired(id) > 0, "{what}: fault {id} hit nothing");
    }
    assert!(scene.wired.status(entry).await.is_some_and(OrdStatus::is_ended), "{what}: the late entry");
    assert!(scene.clips() > 60, "{what}: {} clips", scene.clips());
    assert!(took < Duration::from_secs(60), "{what}: {took:?}");
    assert_eq!(scene.wired.holds.0.lock().unwrap().as_slice(), [], "{what}: the venue had to say no");
}

#[tokio::test(start_paused = true)]
async fn flatten_closes_twenty_legs_over_the_wire_netting() {
    flatten_twenty(PositionMode::Netting).await;
}

#[tokio::test(start_paused = true)]
async fn flatten_closes_twenty_legs_over_the_wire_hedging() {
    flatten_twenty(PositionMode::Hedging).await;
}

/// A 429 for weight rests the pool until the next minute, flatten apart: legs are read, orders are cancelled, everything is closed.
#[tokio::test(start_paused = true)]
async fn flatten_does_not_wait_for_the_minute_that_a_429_has_spent() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?} after a 429");
        let mut scene = Scene::new(mode, 4).await;
        let into = u64::try_from(scene.wired.elapsed().as_millis()).unwrap() % 60_000;
        tokio::time::sleep(Duration::from_millis(61_000 - into)).await;
        let body = r#"{"code":-1003,"msg":"Too many requests; current limit is 2400 requests per minute."}"#;
        scene.wired.answers("GET", "/fapi/v3/positionRisk", false, 429, body, 1);
        let from = scene.wired.elapsed();
        while scene.wired.holds.0.lock().unwrap().is_empty() {
            assert!(scene.wired.elapsed() - from < Duration::from_secs(120), "{what}: the answer was taken for nothing");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        scene.wired.kill(KillLevel::Flatten).await;
        scene.until_flat(&what).await;
        let into = scene.wired.elapsed().as_millis() % 60_000;
        assert!(into < 40_000, "{what}: flat {into} ms into the minute");
        assert_eq!(scene.wired.alerted("flatten_blind"), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn flatten_works_over_the_wire_with_a_full_disk_and_no_stream() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?} with a full disk and no stream");
        let mut scene = Scene::new(mode, 4).await;
        scene.wired.answers("POST", "/fapi/v1/listenKey", false, 503, "Service Unavailable.", u64::MAX);
        scene.wired.door("cut", &format!(r#"{{"key":"{}"}}"#, crate::wired::KEY));
        scene.wired.journal.fill_up();
        tokio::time::sleep(Duration::from_millis(500)).await;
        scene.wired.kill(KillLevel::Flatten).await;
        let from = scene.wired.elapsed();
        while !at_venue(&scene.wired.ledger()).is_empty() {
            scene.judge(&what);
            assert!(scene.wired.elapsed() - from < Duration::from_secs(60), "{what}: {:?}", at_venue(&scene.wired.ledger()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
        let ledger = scene.wired.ledger();
        assert_eq!(at_venue(&ledger), BTreeMap::new(), "{what}");
        assert_eq!((open_orders(&ledger), waiting(&ledger)), (Vec::new(), Vec::new()), "{what}");
    }
}
