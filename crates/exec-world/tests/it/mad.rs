//! A strategy that has gone mad beside one that is sane: what the exchange's own ledger holds never passes a limit, the mad one may
//! soon only close, and the sane one trades on.

use crate::pair::{Pair, START_MS, engine_config};
use exchange_sim::config::AlgoConfig;
use exec_core::{
    command::{Command, NewOrder},
    conversation::Input,
    engine::{
        breaker::Breakers,
        config::{EngineConfig, StrategyConfig},
    },
    ids::{InstrumentId, IntentId, StrategyId},
    limits::{Bound, Bounds, Pace},
    order::{intent::Handling, status::OrdStatus},
    record::LatchCause,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use exec_testkit::fixtures::{decimal, instrument_id, strategy_id};
use rust_decimal::Decimal;

const PER_STEP: usize = 100;
const STEP_MS: i64 = 10;

fn mad() -> StrategyId {
    StrategyId::new("mad").expect("a name")
}

fn limits(mut config: EngineConfig) -> EngineConfig {
    config.limits.order_notional_max = decimal("5000");
    config.limits.position_notional_max = decimal("20000");
    config.limits.open_orders_max = 30;
    config
}

fn with(mode: PositionMode, breakers: Breakers) -> Pair {
    let base = exec_testkit::fixtures::config(mode, &["BTCUSDT", "ETHUSDT"]);
    let sane = StrategyConfig { instruments: vec![instrument_id("BTCUSDT")], ..base.strategies[0].clone() };
    let wild = StrategyConfig { id: mad(), instruments: vec![instrument_id("ETHUSDT")], ..base.strategies[0].clone() };
    let own = Bound { open_orders_max: Some(10), pace: Pace { per_second: Some(50), per_minute: None }, ..Bound::default() };
    let bounds = Bounds {
        pace: Pace { per_second: Some(100), per_minute: None },
        strategies: [(mad(), own), (strategy_id(), own)].into(),
        ..Bounds::default()
    };
    let config = EngineConfig { strategies: vec![sane, wild], breakers, bounds, ..engine_config(mode) };
    Pair::with(limits(config), AlgoConfig::default())
}

/// Numbers without a pattern that a limit could be tuned to.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What a mad strategy asks for next: the wrong sign, the price wrong by a hundred, the quantity by a thousand, and flips.
fn madness(dice: &mut Dice, pair: &Pair, instrument: &InstrumentId) -> Option<Terms> {
    let mode = pair.engine.mode();
    let side = if dice.below(2) == 0 { Side::Buy } else { Side::Sell };
    let leg = match (mode, dice.below(2)) {
        (PositionMode::Netting, _) => PositionSide::Net,
        (PositionMode::Hedging, 0) => PositionSide::Long,
        (PositionMode::Hedging, _) => PositionSide::Short,
    };
    let info = pair.engine.instrument(instrument)?;
    let mark = pair.engine.quote(instrument).reference()?;
    let times = [Decimal::ONE, decimal("100"), decimal("0.01"), decimal("0.99"), decimal("1.01")][dice.below(5) as usize];
    let price = (mark * times / info.price.step).floor() * info.price.step;
    let qty = decimal("0.01") * [Decimal::ONE, Decimal::ONE_THOUSAND, Decimal::TEN, decimal("-1").abs()][dice.below(4) as usize];
    let closes = matches!((leg, side), (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy));
    let intention = if closes || (leg == PositionSide::Net && dice.below(5) == 0) { Intention::Reduce } else { Intention::Open };
    let kind = match dice.below(3) {
        0 => OrderKind::Market,
        1 => OrderKind::Limit { price: Price::new(price).ok()?.into(), tif: TimeInForce::Ioc },
        _ => OrderKind::Limit { price: Price::new(price).ok()?.into(), tif: TimeInForce::Gtc },
    };
    Some(Terms { instrument: instrument.clone(), side, leg, intention, qty: Qty::new(qty).ok(), kind, stp: None })
}

/// What the exchange's own ledger says that could become of each leg, and how many orders rest.
fn held_to_limits(pair: &mut Pair, what: &str) {
    let now = pair.now_ms;
    let instruments = [instrument_id("BTCUSDT"), instrument_id("ETHUSDT")];
    let status = pair.desk.mass_status(now, &instruments).expect("a status");
    let limits = pair.engine.config().limits;
    let closes = |o: &&exec_core::report::OrderReport| {
        let against = matches!((o.leg, o.side), (Some(PositionSide::Long), Side::Sell) | (Some(PositionSide::Short), Side::Buy));
        o.reduce_only || o.close_all || against
    };
    let opens = status.open_orders.iter().filter(|o| !closes(o)).count();
    assert!(opens <= limits.open_orders_max as usize, "{what}: {opens} orders that open rest");
    // The mark moves on after an order was checked; it does not move by a twentieth within this test.
    let most = limits.position_notional_max * decimal("1.05");
    for instrument in instruments {
        let mark = pair.engine.quote(&instrument).reference().unwrap_or_default();
        for leg in [PositionSide::Net, PositionSide::Long, PositionSide::Short] {
            let row = status.positions.iter().find(|p| p.instrument == instrument && p.leg == leg);
            let position = row.map(|p| p.qty.get()).unwrap_or_default();
            let resting = |side: Side| {
                let of_leg =
                    status.open_orders.iter().filter(|o| o.instrument == instrument && o.leg == Some(leg) && o.side == side);
                let opens = of_leg.filter(|o| !o.reduce_only && !o.close_all);
                let leaves = opens.map(|o| o.qty.unwrap_or_default().saturating_sub(o.cum_qty.unwrap_or_default()).get());
                leaves.fold(Decimal::ZERO, |sum, qty| sum + qty)
            };
            let (buys, sells) = match leg {
                PositionSide::Net => (resting(Side::Buy), resting(Side::Sell)),
                PositionSide::Long => (resting(Side::Buy), Decimal::ZERO),
                PositionSide::Short => (Decimal::ZERO, resting(Side::Sell)),
            };
            let worst = (position + buys).abs().max((position - sells).abs()) * mark;
            assert!(worst <= most, "{what}: {instrument} {leg:?} may become worth {worst}, of {position} and {buys} / {sells}");
        }
    }
    for trade in pair.engine.books().orders().filter(|o| o.intent().terms.can_add_risk()) {
        let worth = trade.cum_qty().get() * trade.avg_px().unwrap_or_default();
        assert!(worth <= limits.order_notional_max * decimal("1.05"), "{what}: one order of {worth}");
    }
}

/// One second of ten thousand orders, and what the sane one asked for beside them: how many, and why some were refused.
fn second(pair: &mut Pair, dice: &mut Dice, number: u128, what: &str) -> (usize, Vec<String>) {
    let (btc, eth) = (instrument_id("BTCUSDT"), instrument_id("ETHUSDT"));
    let (mut asked, mut standing) = (Vec::new(), None::<IntentId>);
    for step in 0..(1_000 / STEP_MS) as usize {
        let mut commands = Vec::new();
        for n in 0..PER_STEP {
            let intent = IntentId((1 << 90) + number * 1_000_000 + (step * PER_STEP + n) as u128);
            let terms = madness(dice, pair, &eth);
            let new = |terms| Command::Submit(NewOrder { intent, terms, handling: Handling::default(), list: None });
            commands.extend(terms.map(new));
        }
        pair.give(Input::Commands { strategy: mad(), seen: None, commands, state: None });
        if step % 10 == 0 {
            if let Some(last) = standing.take() {
                pair.command(Command::Cancel(last));
            }
            let leg = if pair.engine.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
            let kind = OrderKind::Limit { price: pair.price(990).into(), tif: TimeInForce::Gtx };
            let qty = Qty::new(decimal("0.01")).ok();
            let terms = Terms { instrument: btc.clone(), side: Side::Buy, leg, intention: Intention::Open, qty, kind, stp: None };
            let intent = pair.submit(terms);
            asked.push(intent);
            standing = Some(intent);
        }
        pair.wait(STEP_MS);
        if step % 5 == 0 {
            held_to_limits(pair, what);
        }
    }
    if let Some(last) = standing {
        pair.command(Command::Cancel(last));
    }
    let refused =
        |intent: &&IntentId| matches!(pair.status(**intent), OrdStatus::Denied | OrdStatus::Rejected | OrdStatus::NotSent);
    let no: Vec<&IntentId> = asked.iter().filter(refused).collect();
    let why = |intent: &&IntentId| pair.order(**intent).denial().map_or_else(|| "refused".to_owned(), ToString::to_string);
    (asked.len(), no.iter().map(why).collect())
}

#[test]
fn promise_p08_a_mad_strategy_passes_no_limit_is_latched_in_a_second_and_starves_nobody() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?}");
        let mut pair = with(mode, Breakers::default());
        let mut dice = Dice(7);
        let (mut asked, mut refused) = (0, Vec::new());
        for number in 0..3 {
            let (more, why) = second(&mut pair, &mut dice, number, &what);
            asked += more;
            refused.extend(why);
            let latched = pair.engine.books().latches().contains_key(&LatchCause::Breaker(mad()));
            assert!(latched, "{what}: latched within its first second");
        }
        assert!(!pair.engine.books().latches().contains_key(&LatchCause::Breaker(strategy_id())), "{what}: the sane one is not");
        assert!(asked >= 30 && refused.len() * 10 <= asked, "{what}: of {asked} of the sane one {refused:?}");
        pair.wait(2_000);
        held_to_limits(&mut pair, &what);
        let opens = pair.engine.books().open_orders().map(|o| o.intent());
        let left = opens.filter(|i| i.owner.strategy() == Some(&mad()) && i.terms.can_add_risk()).count();
        assert_eq!(left, 0, "{what}: its entries are gone");
    }
}

#[test]
fn promise_p08_limits_alone_hold_a_mad_strategy_that_nothing_latches() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?} without breakers");
        let mut pair = with(mode, Breakers::OFF);
        let mut dice = Dice(11);
        second(&mut pair, &mut dice, 1, &what);
        let traded =
            pair.engine.books().orders().filter(|o| o.intent().owner.strategy() == Some(&mad()) && !o.cum_qty().is_zero());
        assert!(traded.count() > 3, "{what}: it trades, so the limits were near");
        assert!(pair.now_ms > START_MS);
    }
}
