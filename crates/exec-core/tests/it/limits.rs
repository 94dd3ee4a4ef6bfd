//! Limits hold whatever an order, a change or a number looks like.

use crate::scene::{btc, buy, closing, fill_of, foreign, netting, working};
use exec_core::{
    command::{ChangeOrder, Command},
    order::status::OrdStatus,
    pretrade::Denial,
    report::Fill,
    terms::{OrderKind, Terms, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{self, config, limit, price, qty},
    rig::Rig,
};

#[test]
fn a_change_is_held_to_the_limit_of_one_order() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.order_notional_max = fixtures::decimal("150");
    let mut rig = Rig::live(config);
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("99")), trigger: None }));
    assert_ne!(rig.status(intent), OrdStatus::PendingReplace, "198 is above 150");
}

#[test]
fn a_sell_far_below_the_market_is_worth_the_market() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.order_notional_max = fixtures::decimal("150");
    let mut rig = Rig::live(config);
    let intent = rig.submit(limit(Side::Sell, qty("10"), price("1")));
    assert!(matches!(rig.order(intent).denial(), Some(Denial::Limit { .. })));
}

#[test]
fn a_stop_far_above_the_market_is_worth_its_trigger() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.order_notional_max = fixtures::decimal("150");
    let mut rig = Rig::live(config);
    let kind = OrderKind::StopMarket { trigger: Trigger { price: price("1000"), by: TriggerBy::Last, price_protect: false } };
    let intent = rig.submit(Terms { kind, ..buy() });
    assert!(matches!(rig.order(intent).denial(), Some(Denial::Limit { .. })));
}

#[test]
fn extreme_numbers_do_not_panic() {
    let mut rig = netting();
    let mut report = foreign("11", "100000000000000", "0");
    report.fill =
        Some(Fill { price: price("1000000000000"), ..fill_of(&rig, 1, Side::Buy, "100000000000000", Some(PositionSide::Net)) });
    rig.stream(report);
    let mut report = foreign("12", "100000000000000", "0");
    report.side = Side::Sell;
    report.cl_ord_id = Some(fixtures::cl_ord_id("web_2"));
    report.fill =
        Some(Fill { price: price("1000000000000"), ..fill_of(&rig, 2, Side::Sell, "50000000000000", Some(PositionSide::Net)) });
    rig.stream(report);
    let _ = rig.submit(buy());
}

#[test]
fn a_full_book_does_not_forbid_to_change_an_order() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.open_orders_max = 1;
    let mut rig = Rig::live(config);
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("1")), price: Some(price("98")), trigger: None }));
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace);
}

#[test]
fn an_exit_on_its_way_may_execute_before_the_order_that_turns() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.position_notional_max = fixtures::decimal("250");
    let mut rig = Rig::live(config);
    let short = rig.submit(limit(Side::Sell, qty("2"), price("101")));
    rig.durable();
    rig.accept(short);
    rig.fill(short, 5, "2", "101", "2");
    rig.submit(closing(Side::Buy, PositionSide::Net, "2"));
    let turn = rig.submit(limit(Side::Buy, qty("4"), price("99")));
    assert!(matches!(rig.order(turn).denial(), Some(Denial::Limit { .. })), "flat, and then 4 long");
    let turn = rig.submit(limit(Side::Buy, qty("2"), price("99")));
    assert_eq!(rig.order(turn).denial(), None);
}

#[test]
fn what_is_open_counts_as_executed_on_each_side_and_leg() {
    let legs = [
        (PositionMode::Netting, PositionSide::Net, Side::Buy, ("0", "2")),
        (PositionMode::Netting, PositionSide::Net, Side::Sell, ("-2", "0")),
        (PositionMode::Hedging, PositionSide::Long, Side::Buy, ("0", "2")),
        (PositionMode::Hedging, PositionSide::Short, Side::Sell, ("-2", "0")),
    ];
    for (mode, leg, side, (low, high)) in legs {
        let mut config = config(mode, &["BTCUSDT"]);
        config.limits.position_notional_max = fixtures::decimal("250");
        let mut rig = Rig::live(config);
        let mut open = || rig.submit(Terms { leg, ..limit(side, qty("1"), price("100")) });
        let (first, second, third) = (open(), open(), open());
        assert_eq!((rig.order(first).denial(), rig.order(second).denial()), (None, None), "{leg:?} {side:?}");
        assert!(matches!(rig.order(third).denial(), Some(Denial::Limit { .. })), "{leg:?} {side:?}: 300 is above 250");
        let held = exec_core::exposure::interval(rig.engine.books(), &btc(), leg);
        assert_eq!((held.low, held.high), (fixtures::decimal(low), fixtures::decimal(high)), "{leg:?} {side:?}");
    }
}

#[test]
fn a_limit_may_be_reached_and_not_passed() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.order_notional_max = fixtures::decimal("100");
    config.limits.position_notional_max = fixtures::decimal("200");
    let mut rig = Rig::live(config);
    let mut denied = |amount: &str| {
        let intent = rig.submit(limit(Side::Buy, qty(amount), price("100")));
        matches!(rig.order(intent).denial(), Some(Denial::Limit { .. }))
    };
    assert!(denied("1.01"), "101 is above 100 in one order");
    assert!(!denied("1") && !denied("1"), "100 in one order, 200 on the leg");
    assert!(denied("0.1"), "210 is above 200 on the leg");
}

#[test]
fn a_book_is_full_with_its_last_order() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.open_orders_max = 2;
    let mut rig = Rig::live(config);
    let (first, second, third) = (rig.submit(buy()), rig.submit(buy()), rig.submit(buy()));
    assert_eq!((rig.order(first).denial(), rig.order(second).denial()), (None, None));
    assert!(matches!(rig.order(third).denial(), Some(Denial::OpenOrders { count: 2, max: 2 })));
}
