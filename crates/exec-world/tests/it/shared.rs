//! Strategies with shares of one NETTING position: each gets flat, also against the account's net, and no stop dies for want of one.

use crate::pair::{Pair, btc, engine_config};
use exchange_sim::config::AlgoConfig;
use exec_core::{
    command::OperatorCommand,
    conversation::Input,
    engine::config::Sharing,
    ids::{IntentId, StrategyId},
    order::{intent::Owner, status::OrdStatus},
    pretrade::Denial,
    terms::{Intention, OrderKind, Terms, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{decimal, qty, strategy_id};
use rust_decimal::Decimal;

const NET: PositionSide = PositionSide::Net;

fn other() -> StrategyId {
    StrategyId::new("other").expect("an id")
}

fn terms(side: Side, intention: Intention, amount: &str, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side, leg: NET, intention, qty: Some(qty(amount)), kind, stp: None }
}

fn stop(pair: &Pair, per_mille: i64) -> OrderKind {
    OrderKind::StopMarket { trigger: Trigger { price: pair.price(per_mille), by: TriggerBy::Mark, price_protect: false } }
}

fn share(pair: &Pair, strategy: &StrategyId) -> Decimal {
    pair.engine.books().share(&Owner::Strategy(strategy.clone()), &btc(), NET).get()
}

/// One is long 0.050, the other short 0.030: the account is long 0.020.
fn opposite() -> Pair {
    let mut config = engine_config(PositionMode::Netting);
    let mut second = config.strategies[0].clone();
    second.id = other();
    config.strategies.push(second);
    config.sharing = Sharing { instruments: vec![btc()] };
    let mut pair = Pair::with(config, AlgoConfig::default());
    pair.submit(terms(Side::Buy, Intention::Open, "0.050", OrderKind::Market));
    pair.wait(200);
    pair.submit_of(other(), terms(Side::Sell, Intention::Open, "0.030", OrderKind::Market));
    pair.wait(200);
    assert_eq!((share(&pair, &strategy_id()), share(&pair, &other())), (decimal("0.050"), decimal("-0.030")));
    pair
}

fn reduce(pair: &mut Pair, strategy: StrategyId, side: Side, amount: &str) -> IntentId {
    let intent = pair.submit_of(strategy, terms(side, Intention::Reduce, amount, OrderKind::Market));
    pair.wait(500);
    intent
}

#[test]
fn two_strategies_with_opposite_shares_each_get_flat() {
    for first in [strategy_id(), other()] {
        let mut pair = opposite();
        let (mine, amount, side) =
            if first == other() { (decimal("0.050"), "0.030", Side::Buy) } else { (decimal("-0.030"), "0.050", Side::Sell) };
        // Asks for more than its share: what others hold is not its to close.
        reduce(&mut pair, first.clone(), side, "0.100");
        assert!(share(&pair, &first).is_zero(), "{first}: {}", share(&pair, &first));
        assert_eq!(pair.held(NET).get(), mine, "{first}: closed {amount}");
        let second = if first == other() { strategy_id() } else { other() };
        let (side, amount) = if second == other() { (Side::Buy, "0.030") } else { (Side::Sell, "0.050") };
        let last = reduce(&mut pair, second.clone(), side, amount);
        assert_eq!(pair.status(last), OrdStatus::Filled);
        assert!(share(&pair, &second).is_zero() && pair.held(NET).is_zero(), "{first}");
        let nothing = reduce(&mut pair, second, side, amount);
        assert_eq!(pair.order(nothing).denial(), Some(&Denial::NothingToClose));
        pair.wait(15_000);
        pair.agree("each flat");
    }
}

/// What goes beyond the net is new risk: behind a shut gate it stays, and what reduces passes.
#[test]
fn behind_a_shut_gate_a_share_is_closed_up_to_the_net() {
    let mut pair = opposite();
    pair.give(Input::Operator { who: "test".into(), command: OperatorCommand::Latch });
    reduce(&mut pair, strategy_id(), Side::Sell, "0.050");
    assert_eq!((share(&pair, &strategy_id()), pair.held(NET).get()), (decimal("0.030"), Decimal::ZERO));
    reduce(&mut pair, other(), Side::Buy, "0.030");
    assert_eq!((share(&pair, &other()), pair.held(NET).get()), (decimal("-0.030"), Decimal::ZERO));
    pair.wait(15_000);
    pair.agree("up to the net");
}

#[test]
fn no_stop_of_a_share_dies_for_want_of_a_net_position() {
    for up_first in [true, false] {
        let mut pair = opposite();
        let (down, up) = (stop(&pair, 960), stop(&pair, 1_040));
        let long_stop = pair.submit(terms(Side::Sell, Intention::Reduce, "0.050", down));
        let short_stop = pair.submit_of(other(), terms(Side::Buy, Intention::Reduce, "0.030", up));
        pair.wait(300);
        assert_eq!((pair.status(long_stop), pair.status(short_stop)), (OrdStatus::New, OrdStatus::New));
        let (moves, first, second) =
            if up_first { ([1_045, 955], other(), strategy_id()) } else { ([955, 1_045], strategy_id(), other()) };
        pair.move_to(moves[0]);
        pair.wait(3_000);
        assert!(share(&pair, &first).is_zero(), "up first {up_first}: {first} holds {}", share(&pair, &first));
        assert!(!share(&pair, &second).is_zero());
        pair.move_to(moves[1]);
        pair.wait(3_000);
        assert!(share(&pair, &second).is_zero() && pair.held(NET).is_zero(), "up first {up_first}");
        pair.wait(15_000);
        pair.agree("stops of shares");
    }
}

#[test]
fn a_shared_instrument_is_never_closed_as_a_whole() {
    let mut pair = opposite();
    let kind = stop(&pair, 960);
    let all = pair.submit(Terms { qty: None, ..terms(Side::Sell, Intention::CloseAll, "1", kind) });
    assert!(matches!(pair.order(all).denial(), Some(Denial::Unsupported(_))), "{:?}", pair.order(all).denial());
}
