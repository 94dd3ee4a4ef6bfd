//! Requests that overtake each other, and triggers between any two of them.

use crate::pair::{Pair, btc, engine_config};
use exchange_sim::{
    config::AlgoConfig,
    request::{NewAlgoOrder, NewOrder},
    types,
};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::Request,
    ids::{IntentId, StrategyId},
    order::status::OrdStatus,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{decimal, qty};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn order(side: Side, leg: PositionSide, intention: Intention, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side, leg, intention, qty: Some(qty("0.020")), kind, stp: None }
}

fn at(pair: &Pair, per_mille: i64) -> Trigger {
    Trigger { price: pair.price(per_mille), by: TriggerBy::Mark, price_protect: false }
}

fn limit(pair: &Pair, leg: PositionSide) -> Terms {
    let kind = OrderKind::Limit { price: pair.price(970).into(), tif: TimeInForce::Gtc };
    order(Side::Buy, leg, Intention::Open, kind)
}

fn stop_entry(pair: &Pair, leg: PositionSide) -> Terms {
    order(Side::Buy, leg, Intention::Open, OrderKind::StopMarket { trigger: at(pair, 1_040) })
}

/// A strategy's own cancel-all, with orders of three others on both books and two of its own on the way.
#[test]
fn cancel_all_takes_what_is_ours_on_both_books_and_what_is_on_its_way() {
    for (mode, leg) in MODES {
        let mut config = engine_config(mode);
        let other = StrategyId::new("other").expect("an id");
        let mut second = config.strategies[0].clone();
        second.id = other.clone();
        config.strategies.push(second);
        config.in_doubt_max = 10;
        let mut pair = Pair::with(config, AlgoConfig::default());
        let venue_leg = if mode == PositionMode::Netting { types::PositionSide::Both } else { types::PositionSide::Long };
        let (now, account) = (pair.now_ms, pair.desk.account());
        let (low, high) = (pair.price(960).get(), pair.price(1_050).get());
        let by_hand = NewOrder::limit("BTCUSDT", types::Side::Buy, decimal("0.010"), low, types::TimeInForce::Gtc)
            .with_client_id("by_hand");
        let stop_by_hand =
            NewAlgoOrder::market("BTCUSDT", types::Side::Buy, types::OrderType::StopMarket, decimal("0.010"), high)
                .with_client_id("stop_by_hand");
        let exchange = pair.desk.exchange_mut();
        exchange.place(now, account, &by_hand.on_leg(venue_leg)).expect("placed");
        exchange.place_algo(now, account, &stop_by_hand.on_leg(venue_leg)).expect("placed");
        let theirs = [limit(&pair, leg), stop_entry(&pair, leg)].map(|terms| pair.submit_of(other.clone(), terms));
        let ours = [limit(&pair, leg), stop_entry(&pair, leg)].map(|terms| pair.submit(terms));
        pair.wait(300);
        pair.hold();
        let on_their_way = [limit(&pair, leg), stop_entry(&pair, leg)].map(|terms| pair.submit(terms));
        pair.command(Command::CancelAll(None));
        // The cancels overtake the orders that they are for.
        while pair.let_through(|r| matches!(r, Request::Cancel(_))) {}
        pair.let_all_through();
        pair.wait(30_000);
        let what = format!("{mode:?}");
        for id in ours.iter().chain(&on_their_way) {
            assert!(pair.status(*id).is_ended(), "{what}: {:?}", pair.order(*id));
        }
        for id in theirs {
            assert_eq!(pair.status(id), OrdStatus::New, "{what}");
        }
        let open = pair.desk.mass_status(pair.now_ms, &[]).expect("a status").open_orders;
        assert_eq!(open.len(), 4, "{what}: two by hand and two of the other strategy's: {open:?}");
        pair.agree(&what);
    }
}

/// Where the price triggers the old order while it is changed: before request number `before` arrives.
fn changed_while_it_triggers(mode: PositionMode, leg: PositionSide, opens: bool, before: usize) -> (Pair, IntentId) {
    let mut pair = Pair::new(mode, AlgoConfig::default());
    let intent = if opens {
        let entry = stop_entry(&pair, leg);
        pair.submit(entry)
    } else {
        pair.submit(order(Side::Buy, leg, Intention::Open, OrderKind::Market));
        pair.wait(200);
        let stop = OrderKind::StopMarket { trigger: at(&pair, 960) };
        pair.submit(order(Side::Sell, leg, Intention::Reduce, stop))
    };
    pair.wait(200);
    assert_eq!(pair.status(intent), OrdStatus::New);
    pair.hold();
    // Farther away. The price triggers only the old one of a stop that closes, and both of an order that opens, were both alive.
    let trigger = Some(pair.price(if opens { 1_060 } else { 940 }));
    pair.command(Command::Replace(ChangeOrder { intent, qty: None, price: None, trigger }));
    for number in 0.. {
        if number == before {
            pair.move_to(if opens { 1_065 } else { 955 });
        }
        pair.wait(100);
        if !pair.let_through(|_| true) && number >= before {
            break;
        }
        assert!(number < 20, "it never ends");
    }
    pair.let_all_through();
    pair.wait(15_000);
    (pair, intent)
}

#[test]
fn a_trigger_between_any_two_requests_of_a_change_executes_an_opening_order_at_most_once() {
    for (mode, leg) in MODES {
        for before in 0..4 {
            let (mut pair, intent) = changed_while_it_triggers(mode, leg, true, before);
            let what = format!("{mode:?} before request {before}");
            let held = pair.held(leg).get();
            assert!(held == decimal("0.020") || held.is_zero(), "{what}: {held}");
            assert_eq!(pair.order(intent).cum_qty().get(), held, "{what}");
            assert!(!pair.alerted("overfill") && !pair.alerted("closed_twice"), "{what}");
            pair.agree(&what);
        }
    }
}

#[test]
fn a_trigger_between_any_two_requests_of_a_change_leaves_no_second_unprotected() {
    for (mode, leg) in MODES {
        for before in 0..4 {
            let (mut pair, intent) = changed_while_it_triggers(mode, leg, false, before);
            let what = format!("{mode:?} before request {before}");
            let protection = pair.engine.protection(&btc(), leg);
            assert!(protection.uncovered.is_zero(), "{what}: {protection:?}");
            assert!(!pair.alerted("protection_lost") && !pair.alerted("unprotected_gap"), "{what}");
            let flat = pair.held(leg).is_zero();
            assert_eq!(pair.status(intent), if flat { OrdStatus::Filled } else { OrdStatus::New }, "{what}");
            pair.agree(&what);
        }
    }
}
