//! Each type, with each flag, in each mode: taken in, cancelled, changed, triggered, filled, and with a restart while it rests and
//! between its trigger and its fill. Orders and legs agree with the exchange at the end of each.

use crate::pair::{Pair, btc};
use exchange_sim::config::{AlgoConfig, TriggeredTold};
use exec_core::{
    command::{ChangeOrder, Command},
    ids::IntentId,
    order::status::OrdStatus,
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{decimal, qty};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

/// A pause between trigger and child, so that a restart fits between them.
fn slow() -> AlgoConfig {
    AlgoConfig { child_delay_ms: 400, told_delay_ms: 100, finish_delay_ms: 200, ..AlgoConfig::default() }
}

fn terms(side: Side, leg: PositionSide, intention: Intention, kind: OrderKind) -> Terms {
    let quantity = (intention != Intention::CloseAll).then(|| qty("0.020"));
    Terms { instrument: btc(), side, leg, intention, qty: quantity, kind, stp: None }
}

/// What a long of 0.020 is opened with.
fn open(pair: &mut Pair, leg: PositionSide) {
    let entry = pair.submit(terms(Side::Buy, leg, Intention::Open, OrderKind::Market));
    pair.wait(100);
    assert_eq!(pair.status(entry), OrdStatus::Filled);
}

fn trigger(pair: &Pair, per_mille: i64, by: TriggerBy, price_protect: bool) -> Trigger {
    Trigger { price: pair.price(per_mille), by, price_protect }
}

/// The conditional types on both sides of the market: the name, the order, and where the market must go to trigger it.
/// All sell what a long holds, or buy to open one.
fn conditional(pair: &Pair, opens: bool, by: TriggerBy, price_protect: bool) -> Vec<(&'static str, OrderKind, Vec<i64>)> {
    let at = |per_mille| trigger(pair, per_mille, by, price_protect);
    // A stop follows the market on its way, a take-profit meets it on its way back.
    let (stop, profit) = if opens { (1_020, 980) } else { (980, 1_020) };
    let through = |per_mille: i64| LimitPrice::At(pair.price(if opens { per_mille + 30 } else { per_mille - 30 }));
    let trail = decimal("1");
    let trailing = OrderKind::TrailingStopMarket { activation: None, callback_percent: trail, by };
    // With an activation price it follows only once the market was there: a buy below, a sell above.
    let activation = Some(pair.price(profit));
    let activated = OrderKind::TrailingStopMarket { activation, callback_percent: trail, by };
    let moves = if opens { vec![970, 1_000] } else { vec![1_030, 1_000] };
    vec![
        ("STOP_MARKET", OrderKind::StopMarket { trigger: at(stop) }, vec![if opens { 1_025 } else { 975 }]),
        (
            "STOP_LIMIT",
            OrderKind::StopLimit { trigger: at(stop), price: through(stop), tif: TimeInForce::Gtc },
            vec![if opens { 1_025 } else { 975 }],
        ),
        (
            "STOP_LIMIT IOC",
            OrderKind::StopLimit { trigger: at(stop), price: through(stop), tif: TimeInForce::Ioc },
            vec![if opens { 1_025 } else { 975 }],
        ),
        (
            "STOP_LIMIT priceMatch",
            OrderKind::StopLimit { trigger: at(stop), price: LimitPrice::Match(PriceMatch::Opponent5), tif: TimeInForce::Gtc },
            vec![if opens { 1_025 } else { 975 }],
        ),
        ("TAKE_PROFIT_MARKET", OrderKind::TakeProfitMarket { trigger: at(profit) }, vec![if opens { 975 } else { 1_025 }]),
        (
            "TAKE_PROFIT",
            OrderKind::TakeProfit { trigger: at(profit), price: through(profit), tif: TimeInForce::Gtc },
            vec![if opens { 975 } else { 1_025 }],
        ),
        ("TRAILING_STOP_MARKET", trailing, if opens { vec![1_030] } else { vec![970] }),
        ("TRAILING_STOP_MARKET activated", activated, moves),
    ]
}

/// Every conditional order that the account's mode allows, each with a world of its own.
fn each(algo: AlgoConfig, mut life: impl FnMut(&mut Pair, &str, Terms, &[i64])) -> usize {
    let mut lives = 0;
    for (mode, leg) in MODES {
        for by in [TriggerBy::Last, TriggerBy::Mark] {
            for price_protect in [false, true] {
                for opens in [true, false] {
                    let kinds = conditional(&Pair::new(mode, algo), opens, by, price_protect).len();
                    for at in 0..kinds {
                        let mut pair = Pair::new(mode, algo);
                        if !opens {
                            open(&mut pair, leg);
                        }
                        let (name, kind, moves) = conditional(&pair, opens, by, price_protect).swap_remove(at);
                        let (side, intention) =
                            if opens { (Side::Buy, Intention::Open) } else { (Side::Sell, Intention::Reduce) };
                        let what = format!("{name} {mode:?} {by:?} protect={price_protect} opens={opens}");
                        let mut asked = terms(side, leg, intention, kind);
                        asked.stp =
                            [None, Some(SelfTrade::ExpireTaker), Some(SelfTrade::ExpireMaker), Some(SelfTrade::ExpireBoth)]
                                [at % 4];
                        life(&mut pair, &what, asked, &moves);
                        pair.wait(25_000);
                        pair.agree(&what);
                        lives += 1;
                        let may_close_all = matches!(kind, OrderKind::StopMarket { .. } | OrderKind::TakeProfitMarket { .. });
                        if !opens && may_close_all {
                            let mut pair = Pair::new(mode, algo);
                            open(&mut pair, leg);
                            let what = format!("{what} closePosition");
                            life(&mut pair, &what, terms(side, leg, Intention::CloseAll, kind), &moves);
                            pair.wait(25_000);
                            pair.agree(&what);
                            lives += 1;
                        }
                    }
                }
            }
        }
    }
    lives
}

fn placed(pair: &mut Pair, what: &str, asked: Terms) -> IntentId {
    let intent = pair.submit(asked);
    pair.wait(100);
    assert_eq!(pair.status(intent), OrdStatus::New, "{what}: {:?}", pair.order(intent));
    intent
}

fn go(pair: &mut Pair, moves: &[i64]) {
    for (at, to) in moves.iter().enumerate() {
        if at > 0 {
            // The last price follows the market with the next trades.
            pair.wait(1_500);
        }
        pair.move_to(*to);
    }
    pair.wait(60);
}

fn leg_after(asked: &Terms) -> &'static str {
    if asked.is_closing() { "0" } else { "0.02" }
}

#[test]
fn taken_in_and_cancelled() {
    let lives = each(AlgoConfig::default(), |pair, what, asked, _| {
        let intent = placed(pair, what, asked);
        pair.command(Command::Cancel(intent));
        pair.wait(100);
        assert_eq!(pair.status(intent), OrdStatus::Canceled, "{what}");
    });
    assert_eq!(lives, 2 * 2 * 2 * (8 + 8 + 2));
}

#[test]
fn changed_and_cancelled() {
    each(AlgoConfig::default(), |pair, what, asked, _| {
        let intent = placed(pair, what, asked.clone());
        // A little farther from the market; a trailing stop without an activation price has nothing but its quantity.
        let farther = asked.kind.trigger_price().or(match asked.kind {
            OrderKind::TrailingStopMarket { activation, .. } => activation,
            _ => None,
        });
        let step = if asked.kind.is_stop() == (asked.side == Side::Buy) { decimal("1.001") } else { decimal("0.999") };
        let trigger = farther.and_then(|p| pair.engine.instrument(&btc()).and_then(|i| i.price_floor(p.get() * step)));
        let smaller = asked.qty.map(|_| qty("0.010"));
        pair.command(Command::Replace(ChangeOrder { intent, qty: smaller, price: None, trigger }));
        pair.wait(1_000);
        assert_eq!(pair.status(intent), OrdStatus::New, "{what}: {:?}", pair.order(intent).replaces());
        assert!(
            pair.order(intent).replaces().values().all(|r| r.state == exec_core::order::event::RequestState::Accepted),
            "{what}"
        );
        if let (Some(new), true) = (trigger, asked.kind.trigger_price().is_some()) {
            assert_eq!(pair.order(intent).trigger_price(), Some(new), "{what}");
        }
        assert_eq!(pair.order(intent).qty(), smaller, "{what}");
        assert_eq!(pair.desk.mass_status(pair.now_ms, &[]).map(|s| s.open_orders.len()), Ok(1), "{what}: one of the two");
        assert!(!pair.alerted("protection_lost"), "{what}");
        pair.command(Command::Cancel(intent));
        pair.wait(100);
        assert_eq!(pair.status(intent), OrdStatus::Canceled, "{what}");
    });
}

#[test]
fn triggered_and_filled() {
    for (told, told_twice) in [(TriggeredTold::First, false), (TriggeredTold::Between, true), (TriggeredTold::Last, true)] {
        let algo = AlgoConfig { told, told_twice, ..AlgoConfig::default() };
        each(algo, |pair, what, asked, moves| {
            let intent = placed(pair, what, asked.clone());
            go(pair, moves);
            pair.wait(1_000);
            assert_eq!(pair.status(intent), OrdStatus::Filled, "{what} {told:?}: {:?}", pair.order(intent));
            assert_eq!(pair.held(asked.leg).get().normalize().to_string(), leg_after(&asked), "{what}");
            assert_eq!(pair.order(intent).attempts().len(), 1, "{what}");
        });
    }
}

#[test]
fn a_trailing_stop_is_told_to_follow_once_its_price_was_reached() {
    for (mode, leg) in MODES {
        let mut pair = Pair::new(mode, AlgoConfig::default());
        open(&mut pair, leg);
        let activation = Some(pair.price(1_020));
        let kind = OrderKind::TrailingStopMarket { activation, callback_percent: decimal("5"), by: TriggerBy::Mark };
        let intent = placed(&mut pair, "a trailing stop", terms(Side::Sell, leg, Intention::Reduce, kind));
        let follows = |pair: &Pair| pair.order(intent).attempts().values().any(|a| a.is_activated());
        assert!(!follows(&pair));
        pair.move_to(1_030);
        pair.wait(300);
        assert!(follows(&pair) && pair.status(intent) == OrdStatus::New, "{mode:?}");
    }
}

#[test]
fn restarted_while_it_rests() {
    each(AlgoConfig::default(), |pair, what, asked, moves| {
        let intent = placed(pair, what, asked.clone());
        pair.restart_after(2_000);
        assert_eq!(pair.status(intent), OrdStatus::New, "{what}");
        go(pair, moves);
        pair.wait(1_000);
        assert_eq!(pair.status(intent), OrdStatus::Filled, "{what}: {:?}", pair.order(intent));
        assert_eq!(pair.held(asked.leg).get().normalize().to_string(), leg_after(&asked), "{what}");
    });
}

#[test]
fn restarted_between_trigger_and_fill() {
    each(slow(), |pair, what, asked, moves| {
        let intent = placed(pair, what, asked.clone());
        go(pair, moves);
        assert_ne!(pair.status(intent), OrdStatus::Filled, "{what}: the child is on its way");
        pair.restart_after(3_000);
        pair.wait(12_000);
        assert_eq!(pair.status(intent), OrdStatus::Filled, "{what}: {:?}", pair.order(intent));
        assert_eq!(pair.held(asked.leg).get().normalize().to_string(), leg_after(&asked), "{what}");
    });
}

#[test]
fn triggered_while_the_node_is_down() {
    each(AlgoConfig::default(), |pair, what, asked, moves| {
        let intent = placed(pair, what, asked.clone());
        let moves = moves.to_vec();
        pair.die();
        go(pair, &moves);
        pair.restart_after(1_000);
        pair.wait(12_000);
        assert_eq!(pair.status(intent), OrdStatus::Filled, "{what}: {:?}", pair.order(intent));
        assert_eq!(pair.held(asked.leg).get().normalize().to_string(), leg_after(&asked), "{what}");
    });
}

type Kind = fn(&Pair) -> (LimitPrice, TimeInForce);

/// Ordinary orders, with each time in force, each level of the book and each self-trade rule.
#[test]
fn ordinary_orders_of_every_kind() {
    for (mode, leg) in MODES {
        let at = |pair: &Pair, per_mille| LimitPrice::At(pair.price(per_mille));
        let cases: Vec<(&str, Kind, OrdStatus)> = vec![
            ("GTC", |p| (LimitPrice::At(p.price(980)), TimeInForce::Gtc), OrdStatus::New),
            ("GTX", |p| (LimitPrice::At(p.price(980)), TimeInForce::Gtx), OrdStatus::New),
            ("GTX that takes", |p| (LimitPrice::At(p.price(1_010)), TimeInForce::Gtx), OrdStatus::Rejected),
            ("IOC", |p| (LimitPrice::At(p.price(1_010)), TimeInForce::Ioc), OrdStatus::Filled),
            ("IOC that finds nothing", |p| (LimitPrice::At(p.price(980)), TimeInForce::Ioc), OrdStatus::Expired),
            ("FOK", |p| (LimitPrice::At(p.price(1_010)), TimeInForce::Fok), OrdStatus::Filled),
            ("FOK that finds nothing", |p| (LimitPrice::At(p.price(980)), TimeInForce::Fok), OrdStatus::Rejected),
            (
                "GTD",
                |p| (LimitPrice::At(p.price(980)), TimeInForce::Gtd(exec_core::time::VenueTime(p.now_ms + 3_600_000))),
                OrdStatus::New,
            ),
            ("QUEUE_5", |_| (LimitPrice::Match(PriceMatch::Queue5), TimeInForce::Gtc), OrdStatus::New),
            ("OPPONENT_5", |_| (LimitPrice::Match(PriceMatch::Opponent5), TimeInForce::Gtc), OrdStatus::Filled),
        ];
        for (name, kind, end) in cases {
            for stp in [None, Some(SelfTrade::ExpireTaker), Some(SelfTrade::ExpireMaker), Some(SelfTrade::ExpireBoth)] {
                let mut pair = Pair::new(mode, AlgoConfig::default());
                let (price, tif) = kind(&pair);
                let asked = Terms { stp, ..terms(Side::Buy, leg, Intention::Open, OrderKind::Limit { price, tif }) };
                let what = format!("LIMIT {name} {mode:?} {stp:?}");
                let intent = pair.submit(asked);
                pair.wait(200);
                assert_eq!(pair.status(intent), end, "{what}: {:?}", pair.order(intent));
                if end == OrdStatus::New {
                    assert!(pair.order(intent).price().is_some(), "{what}: the venue says at which price");
                    pair.restart_after(1_000);
                    assert_eq!(pair.status(intent), OrdStatus::New, "{what}");
                    pair.command(Command::Cancel(intent));
                    pair.wait(100);
                    assert_eq!(pair.status(intent), OrdStatus::Canceled, "{what}");
                }
                pair.agree(&what);
            }
        }
        let mut pair = Pair::new(mode, AlgoConfig::default());
        let resting = OrderKind::Limit { price: at(&pair, 980), tif: TimeInForce::Gtc };
        let intent = pair.submit(terms(Side::Buy, leg, Intention::Open, resting));
        pair.wait(100);
        let (new, more) = (pair.price(985), qty("0.030"));
        pair.command(Command::Replace(ChangeOrder { intent, qty: Some(more), price: Some(new), trigger: None }));
        pair.wait(200);
        assert_eq!(
            (pair.status(intent), pair.order(intent).price(), pair.order(intent).qty()),
            (OrdStatus::New, Some(new), Some(more))
        );
        pair.move_to(980);
        pair.wait(500);
        assert_eq!((pair.status(intent), pair.held(leg).get().normalize().to_string()), (OrdStatus::Filled, "0.03".into()));
        pair.agree("a changed limit");
    }
}
