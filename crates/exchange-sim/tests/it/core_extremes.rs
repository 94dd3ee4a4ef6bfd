//! Requests with absurd values are refused or answered; nothing panics and no invariant breaks.

use exchange_sim::request::{
    AllOrdersQuery, AmendmentsQuery, ForceOrdersQuery, IncomeQuery, KlinesQuery, MarginHistoryQuery, MarginMove, ModifyOrder,
    NewOrder, OrderRef, Signed, UserTradesQuery,
};
use exchange_sim::types::{Interval, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::core_bench::{BTC, Bench};

/// Decimals of every size and scale, the likely ones often.
fn decimal() -> impl Strategy<Value = Decimal> {
    let any_parts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0..=28_u32);
    prop_oneof![
        any_parts.prop_map(|(lo, mid, hi, negative, scale)| Decimal::from_parts(lo, mid, hi, negative, scale)),
        (-10..2_000_i64, 0..4_u32).prop_map(|(value, scale)| Decimal::new(value, scale)),
        (590_000..610_000_i64).prop_map(|value| Decimal::new(value, 1)),
        Just(Decimal::MAX),
        Just(Decimal::MIN),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), 1_789_000_000_000..1_791_000_000_000_i64]
}

fn order() -> impl Strategy<Value = NewOrder> {
    let form = (
        prop::sample::select(Side::ALL),
        prop::sample::select(OrderType::ALL),
        prop::option::of(prop::sample::select(PositionSide::ALL)),
        prop::option::of(prop::sample::select(TimeInForce::ALL)),
        prop::option::of(prop::sample::select(PriceMatch::ALL)),
        prop::option::of(prop::sample::select(StpMode::ALL)),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
    );
    let values = (
        prop::option::of(decimal()),
        prop::option::of(decimal()),
        prop::option::of(time()),
        prop::option::of((time(), time())),
        ".{0,40}",
    );
    (form, values).prop_map(|(form, values)| {
        let (side, order_type, position_side, time_in_force, price_match, stp_mode, reduce_only, close_position) = form;
        let (quantity, price, good_till_date, signed, id) = values;
        NewOrder {
            symbol: BTC.to_owned(),
            side,
            order_type,
            position_side,
            time_in_force,
            quantity,
            price,
            reduce_only,
            close_position,
            new_client_order_id: (!id.is_empty()).then_some(id),
            price_match,
            stp_mode,
            good_till_date,
            signed: signed.map(|(timestamp, recv_window)| Signed { timestamp, recv_window }),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn absurd_orders_and_changes_do_not_break_anything(
        orders in prop::collection::vec(order(), 1..12),
        price in decimal(),
        quantity in decimal(),
        amount in decimal(),
        countdown in time(),
    ) {
        let mut bench = Bench::flowing(1, false);
        let (a, now) = (bench.a, bench.now);
        bench.exchange.set_margin_type(now, a, BTC, exchange_sim::types::MarginType::Isolated).unwrap();
        let resting = bench.ok(a, &crate::core_bench::gtc(Side::Buy, "0.010", "59000"));
        bench.ok(a, &crate::core_bench::market(Side::Sell, "0.010"));
        for order in &orders {
            let _ = bench.place(a, order);
            let _ = bench.exchange.test_order(now, a, order);
        }
        let change = ModifyOrder {
            symbol: BTC.to_owned(),
            order: OrderRef::id(resting.order_id),
            side: Side::Buy,
            quantity: Some(quantity),
            price: Some(price),
            price_match: None,
            modify_id: None,
            reduce_only: None,
            signed: None,
        };
        let _ = bench.exchange.modify(now, a, &change);
        let _ = bench.exchange.move_price(now, BTC, price);
        let _ = bench.exchange.add_funds(now, a, "USDT", amount);
        let _ = bench.exchange.adjust_position_margin(now, a, BTC, PositionSide::Both, amount, MarginMove::Add);
        let _ = bench.exchange.adjust_position_margin(now, a, BTC, PositionSide::Both, amount, MarginMove::Reduce);
        let _ = bench.exchange.deleverage(now, a, BTC, PositionSide::Both, quantity);
        let _ = bench.exchange.countdown_cancel_all(now, a, BTC, countdown);
        bench.exchange.advance(now + 3_000);
        prop_assert_eq!(bench.exchange.check_invariants(), Ok(()));
    }

    #[test]
    fn absurd_windows_are_answered(start_time in prop::option::of(time()), end_time in prop::option::of(time()), id in prop::option::of(time()), limit in prop::option::of(any::<usize>())) {
        let mut bench = Bench::flowing(1, false);
        let a = bench.a;
        bench.ok(a, &crate::core_bench::market(Side::Sell, "0.010"));
        let exchange = &bench.exchange;
        let symbol = || BTC.to_owned();
        let order = OrderRef { order_id: id, client_order_id: None };
        let _ = exchange.all_orders(a, &AllOrdersQuery { symbol: None, order_id: id, start_time, end_time, limit });
        let _ = exchange.user_trades(a, &UserTradesQuery { symbol: symbol(), order_id: None, start_time, end_time, from_id: id, limit });
        let _ = exchange.amendments(a, &AmendmentsQuery { symbol: symbol(), order: order.clone(), start_time, end_time, limit });
        let _ = exchange.income(a, &IncomeQuery { start_time, end_time, page: limit, limit, ..Default::default() });
        let _ = exchange.force_orders(a, &ForceOrdersQuery { start_time, end_time, limit, ..Default::default() });
        let _ = exchange.margin_history(a, &MarginHistoryQuery { symbol: symbol(), start_time, end_time, limit, ..Default::default() });
        let _ = exchange.order(a, BTC, &order);
        let limit_or_less = limit.map(|limit| limit.min(1_500));
        for interval in Interval::ALL {
            let rows = exchange.klines(&KlinesQuery { symbol: symbol(), interval: *interval, start_time, end_time, limit: limit_or_less }).unwrap();
            prop_assert!(rows.len() <= 1_500);
        }
    }
}
