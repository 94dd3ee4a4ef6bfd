//! A mad strategy beside a sane one, by the adapter's own bytes and against the exchange's own counters: ten thousand orders a second,
//! and what the exchange holds never passes a limit.

use crate::wired::{KEY, Wired, Wiring};
use exchange_sim::{ledger::Ledger, row::OrderRow, types};
use exec_core::{
    engine::breaker::Breakers,
    ids::{InstrumentId, IntentId, StrategyId},
    limits::{Bound, Bounds, Pace},
    order::status::OrdStatus,
    record::LatchCause,
    strategy::{Context, Strategy},
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use exec_testkit::fixtures::{decimal, instrument_id, strategy_id};
use rust_decimal::Decimal;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const MODES: [PositionMode; 2] = [PositionMode::Netting, PositionMode::Hedging];
/// In each millisecond.
const ORDERS: usize = 10;
const OPEN_ORDERS_MAX: usize = 30;

fn mad() -> StrategyId {
    StrategyId::new("mad").expect("a name")
}

fn sane() -> StrategyId {
    StrategyId::new("sane").expect("a name")
}

/// Numbers without a pattern that a limit could be tuned to.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The wrong sign, the price wrong by a hundred, the quantity by a thousand, and flips.
struct Mad(Dice, InstrumentId);

impl Mad {
    fn next(&mut self, ctx: &Context<'_>) -> Option<Terms> {
        let dice = &mut self.0;
        let side = if dice.below(2) == 0 { Side::Buy } else { Side::Sell };
        let leg = match (ctx.mode(), dice.below(2)) {
            (PositionMode::Netting, _) => PositionSide::Net,
            (PositionMode::Hedging, 0) => PositionSide::Long,
            (PositionMode::Hedging, _) => PositionSide::Short,
        };
        let step = ctx.instrument(&self.1)?.price.step;
        let mark = ctx.quote(&self.1).reference()?;
        let times = [Decimal::ONE, decimal("100"), decimal("0.01"), decimal("0.99"), decimal("1.01")][dice.below(5) as usize];
        let price = LimitPrice::At(Price::new((mark * times / step).floor() * step).ok()?);
        let qty = decimal("0.01") * [Decimal::ONE, Decimal::ONE_THOUSAND, Decimal::TEN][dice.below(3) as usize];
        let against = matches!((leg, side), (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy));
        let closes = against || (leg == PositionSide::Net && dice.below(5) == 0);
        let intention = if closes { Intention::Reduce } else { Intention::Open };
        let kind = match dice.below(3) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit { price, tif: TimeInForce::Ioc },
            _ => OrderKind::Limit { price, tif: TimeInForce::Gtc },
        };
        Some(Terms { instrument: self.1.clone(), side, leg, intention, qty: Qty::new(qty).ok(), kind, stp: None })
    }
}

impl Strategy for Mad {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(0, 1);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        for _ in 0..ORDERS {
            if let Some(terms) = self.next(ctx) {
                ctx.submit(terms);
            }
        }
        ctx.set_timer(0, 1);
    }
}

/// One post-only order at a time, another one every tenth of a second.
struct Sane(InstrumentId, Arc<Mutex<Vec<IntentId>>>);

impl Strategy for Sane {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(0, 100);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        ctx.set_timer(0, 100);
        let (Some(mark), Some(grid)) = (ctx.quote(&self.0).reference(), ctx.instrument(&self.0)) else { return };
        let mut asked = self.1.lock().unwrap();
        if let Some(last) = asked.last() {
            ctx.cancel(*last);
        }
        let price = (mark * decimal("0.99") / grid.price.step).floor() * grid.price.step;
        let kind = OrderKind::Limit { price: LimitPrice::At(Price::new(price).unwrap()), tif: TimeInForce::Gtx };
        let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
        let (instrument, qty) = (self.0.clone(), Qty::new(decimal("0.01")).ok());
        let terms = Terms { instrument, side: Side::Buy, leg, intention: Intention::Open, qty, kind, stp: None };
        asked.push(ctx.submit(terms));
    }
}

async fn start(mode: PositionMode, breakers: Breakers) -> (Wired, Arc<Mutex<Vec<IntentId>>>) {
    let mut wiring = Wiring::new(mode, &["BTCUSDT", "ETHUSDT", "SOLUSDT"]);
    wiring.engine.strategies[0].instruments = vec![instrument_id("SOLUSDT")];
    for (id, symbol) in [(sane(), "BTCUSDT"), (mad(), "ETHUSDT")] {
        let added = wiring.strategy(id.as_str());
        assert_eq!(added, id);
        wiring.engine.strategies.last_mut().unwrap().instruments = vec![instrument_id(symbol)];
    }
    wiring.engine.breakers = breakers;
    wiring.engine.limits.order_notional_max = decimal("5000");
    wiring.engine.limits.position_notional_max = decimal("20000");
    wiring.engine.limits.open_orders_max = OPEN_ORDERS_MAX as u32;
    let own = Bound { open_orders_max: Some(10), pace: Pace { per_second: Some(50), per_minute: None }, ..Bound::default() };
    wiring.engine.bounds = Bounds {
        pace: Pace { per_second: Some(100), per_minute: None },
        strategies: [(mad(), own), (sane(), own)].into(),
        ..Bounds::default()
    };
    let asked = Arc::<Mutex<Vec<IntentId>>>::default();
    let strategies: Vec<(StrategyId, Box<dyn Strategy>)> = vec![
        (sane(), Box::new(Sane(instrument_id("BTCUSDT"), Arc::clone(&asked)))),
        (mad(), Box::new(Mad(Dice(7), instrument_id("ETHUSDT")))),
    ];
    (Wired::live_with(wiring, strategies).await, asked)
}

fn closes(row: &OrderRow) -> bool {
    match row.position_side {
        types::PositionSide::Both => row.reduce_only || row.close_position,
        types::PositionSide::Long => row.side == types::Side::Sell,
        types::PositionSide::Short => row.side == types::Side::Buy,
    }
}

/// What the exchange's ledger says that could become of each leg, and how many orders rest.
fn held_to_limits(ledger: &Ledger, marks: &[(&str, Decimal)], what: &str) {
    let opens: Vec<&OrderRow> = ledger.orders.iter().filter(|row| !row.status.is_final() && !closes(row)).collect();
    assert!(opens.len() <= OPEN_ORDERS_MAX, "{what}: {} orders that open rest", opens.len());
    // The mark moves on after an order was checked; it does not move by a twentieth within this test.
    let most = decimal("20000") * decimal("1.05");
    for (symbol, mark) in marks {
        for leg in [types::PositionSide::Both, types::PositionSide::Long, types::PositionSide::Short] {
            let of_leg = |row: &&&OrderRow| *row.symbol == **symbol && row.position_side == leg;
            let resting = |side: types::Side| -> Decimal {
                opens.iter().filter(of_leg).filter(|row| row.side == side).map(|row| row.orig_qty - row.executed_qty).sum()
            };
            let legs = ledger.positions.iter().filter(|row| *row.symbol == **symbol && row.position_side == leg);
            let position: Decimal = legs.map(|row| row.amount).sum();
            let worst = (position + resting(types::Side::Buy)).abs().max((position - resting(types::Side::Sell)).abs()) * mark;
            assert!(worst <= most, "{what}: {symbol} {leg:?} may become worth {worst}, of {position}");
        }
    }
    for row in ledger.orders.iter().filter(|row| !closes(row)) {
        let worth = row.executed_qty * row.avg_price;
        assert!(worth <= decimal("5000") * decimal("1.05"), "{what}: one order of {worth}");
    }
}

async fn watch(wired: &Wired, for_ms: u64, what: &str) {
    for _ in 0..for_ms / 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let marks = [("BTCUSDT", decimal("60000")), ("ETHUSDT", decimal("2500"))];
        held_to_limits(&wired.face.ledger(KEY).unwrap(), &marks, what);
    }
}

async fn latched(wired: &Wired, strategy: StrategyId) -> bool {
    wired.with(move |ctx| ctx.books().latches().contains_key(&LatchCause::Breaker(strategy))).await
}

#[tokio::test(start_paused = true)]
async fn a_mad_strategy_over_the_wire_is_latched_in_a_second_passes_no_limit_and_starves_nobody() {
    for mode in MODES {
        let what = format!("{mode:?}");
        let (wired, asked) = start(mode, Breakers::default()).await;
        watch(&wired, 1_000, &what).await;
        assert!(latched(&wired, mad()).await, "{what}: latched within its first second");
        watch(&wired, 4_000, &what).await;
        assert!(!latched(&wired, sane()).await && !latched(&wired, strategy_id()).await, "{what}: nobody else is");
        let asked = asked.lock().unwrap().clone();
        let mut refused = 0;
        for intent in &asked {
            let status = wired.status(*intent).await;
            refused += usize::from(matches!(status, Some(OrdStatus::Denied | OrdStatus::Rejected | OrdStatus::NotSent) | None));
        }
        assert!(asked.len() >= 40 && refused * 10 <= asked.len(), "{what}: {refused} of {} of the sane one", asked.len());
        let ledger = wired.ledger();
        let left = ledger.orders.iter().filter(|row| &*row.symbol == "ETHUSDT" && !row.status.is_final() && !closes(row)).count();
        assert_eq!(left, 0, "{what}: its entries are gone");
        assert_eq!(wired.holds.0.lock().unwrap().as_slice(), [], "{what}: the venue had to say no");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_alone_hold_a_mad_strategy_over_the_wire() {
    for mode in MODES {
        let what = format!("{mode:?} without breakers");
        let (wired, _) = start(mode, Breakers::OFF).await;
        watch(&wired, 2_000, &what).await;
        let traded = wired.ledger().orders.iter().filter(|row| &*row.symbol == "ETHUSDT" && !row.executed_qty.is_zero()).count();
        assert!(traded > 3, "{what}: it trades, so the limits were near: {traded}");
        assert_eq!(wired.holds.0.lock().unwrap().as_slice(), [], "{what}: the venue had to say no");
    }
}
