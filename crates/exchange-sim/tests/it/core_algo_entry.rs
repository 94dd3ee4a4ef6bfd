//! What conditional orders are refused for when they are placed, code by code, and how many an account may have.

use exchange_sim::request::{AlgoRef, NewAlgoOrder};
use exchange_sim::types::{OrderType, PositionSide, PriceMatch, Side, TimeInForce};

use crate::core_algo::{closing, put, refused, stop, stop_limit, trailing};
use crate::core_bench::{BTC, Bench, ETH, d, gtc};

/// Measured by clients: a flat leg refuses it (production, 2026-08-23), a second one of its kind beside it too (testnet, 2026-09-12).
#[test]
fn what_closes_the_whole_leg_needs_the_leg_and_stands_alone_in_its_kind() {
    for leg in [PositionSide::Both, PositionSide::Long] {
        let hedge = leg == PositionSide::Long;
        let mut bench = Bench::still(hedge);
        let (a, c) = (bench.a, bench.c);
        let whole = |order_type, trigger| NewAlgoOrder::closing(BTC, Side::Sell, order_type, d(trigger)).on_leg(leg);
        let stop = || whole(OrderType::StopMarket, "59900");
        assert_eq!(refused(&mut bench, a, &stop()), -4509, "nothing to close");
        put(&mut bench, a, &self::stop(Side::Sell, "0.010", "59900").on_leg(leg));
        bench.ok(c, &gtc(Side::Sell, "0.010", "60000"));
        bench.ok(a, &gtc(Side::Buy, "0.010", "60000").on_leg(leg));
        let first = put(&mut bench, a, &stop());
        assert_eq!((first.time_in_force, first.reduce_only, first.quantity), (TimeInForce::GteGtc, !hedge, d("0")));
        assert_eq!(refused(&mut bench, a, &whole(OrderType::StopMarket, "59800")), -4130);
        put(&mut bench, a, &whole(OrderType::TakeProfitMarket, "61000"));
        assert_eq!(refused(&mut bench, a, &whole(OrderType::TakeProfitMarket, "62000")), -4130);
        if hedge {
            bench.ok(c, &gtc(Side::Buy, "0.010", "60000"));
            bench.ok(a, &gtc(Side::Sell, "0.010", "60000").on_leg(PositionSide::Short));
            let other = NewAlgoOrder::closing(BTC, Side::Buy, OrderType::StopMarket, d("60100")).on_leg(PositionSide::Short);
            put(&mut bench, a, &other);
        } else {
            let other = NewAlgoOrder::closing(BTC, Side::Buy, OrderType::StopMarket, d("60100"));
            assert_eq!(refused(&mut bench, a, &other), -4509, "the other direction closes nothing");
        }
        bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(first.algo_id)).unwrap();
        put(&mut bench, a, &whole(OrderType::StopMarket, "59800"));
        put(&mut bench, a, &self::stop(Side::Sell, "0.010", "59700").on_leg(leg));
    }
}

#[test]
fn every_combination_that_makes_no_sense_has_its_code() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let base = || stop(Side::Buy, "0.010", "60100");
    let cases: Vec<(i32, NewAlgoOrder)> = vec![
        (-1121, NewAlgoOrder { symbol: "NOPE".to_owned(), ..base() }),
        (-1116, NewAlgoOrder { order_type: OrderType::Limit, ..base() }),
        (-1116, NewAlgoOrder { order_type: OrderType::Market, ..base() }),
        (-4061, base().on_leg(PositionSide::Long)),
        (-1102, NewAlgoOrder { quantity: None, ..base() }),
        (-1102, NewAlgoOrder { trigger_price: None, ..base() }),
        (-1106, NewAlgoOrder { price: Some(d("60000")), ..base() }),
        (-1102, NewAlgoOrder { order_type: OrderType::Stop, ..base() }),
        (-5038, NewAlgoOrder { price_match: Some(PriceMatch::Queue), ..base() }),
        (-5037, NewAlgoOrder { order_type: OrderType::Stop, price_match: Some(PriceMatch::Opponent10), ..base() }),
        (-1106, NewAlgoOrder { time_in_force: Some(TimeInForce::Ioc), ..base() }),
        (-1106, NewAlgoOrder { callback_rate: Some(d("1")), ..base() }),
        (-1106, NewAlgoOrder { activate_price: Some(d("60000")), ..base() }),
        (-1106, NewAlgoOrder { good_till_date: Some(1), ..base() }),
        (-4137, NewAlgoOrder { close_position: Some(true), ..base() }),
        (-1106, NewAlgoOrder { reduce_only: Some(true), ..closing(Side::Sell, "59900") }),
        (
            -1106,
            NewAlgoOrder {
                close_position: Some(true),
                quantity: None,
                price: Some(d("1")),
                order_type: OrderType::Stop,
                ..base()
            },
        ),
        (-4006, NewAlgoOrder { trigger_price: Some(d("0")), ..base() }),
        (-4007, NewAlgoOrder { trigger_price: Some(d("99999999")), ..base() }),
        (-4014, NewAlgoOrder { trigger_price: Some(d("60100.15")), ..base() }),
        (-1111, NewAlgoOrder { trigger_price: Some(d("60100.155")), ..base() }),
        (-4014, stop_limit(Side::Buy, "0.010", "60100", "60000.05", TimeInForce::Gtc)),
        (-1111, NewAlgoOrder { quantity: Some(d("0.0001")), ..base() }),
        (-4005, NewAlgoOrder { quantity: Some(d("1000")), ..base() }),
        (-4003, NewAlgoOrder { quantity: Some(d("0")), ..base() }),
        (-4015, base().with_client_id("with space")),
        (-1102, NewAlgoOrder { callback_rate: None, ..trailing(Side::Buy, "0.010", "1") }),
        (-1130, trailing(Side::Buy, "0.010", "0.05")),
        (-1130, trailing(Side::Buy, "0.010", "20.1")),
        (-4183, stop_limit(Side::Buy, "0.010", "60100", "63105.1", TimeInForce::Gtc)),
        (-4184, stop_limit(Side::Sell, "0.010", "59900", "56904.9", TimeInForce::Gtc)),
        (-1106, NewAlgoOrder { trigger_price: Some(d("60100")), ..trailing(Side::Buy, "0.010", "1") }),
        (-1106, NewAlgoOrder { price: Some(d("60100")), ..trailing(Side::Buy, "0.010", "1") }),
        (-4135, NewAlgoOrder { activate_price: Some(d("0")), ..trailing(Side::Buy, "0.010", "1") }),
        (-2021, NewAlgoOrder { activate_price: Some(d("60000")), ..trailing(Side::Buy, "0.010", "1") }),
        (-2021, NewAlgoOrder { activate_price: Some(d("60000")), ..trailing(Side::Sell, "0.010", "1") }),
        (-5040, NewAlgoOrder { good_till_date: Some(1), ..stop_limit(Side::Buy, "0.010", "60100", "60000", TimeInForce::Gtd) }),
        (-1102, stop_limit(Side::Buy, "0.010", "60100", "60000", TimeInForce::Gtd)),
        (-4164, NewAlgoOrder::market(ETH, Side::Buy, OrderType::StopMarket, d("0.001"), d("4000"))),
    ];
    for (code, order) in cases {
        assert_eq!(refused(&mut bench, a, &order), code, "{order:?}");
    }
    assert!(bench.told(a).is_empty(), "a refusal pushes nothing");
    assert!(bench.exchange.ledger(a).unwrap().algo_orders.is_empty());
    for rate in ["0.1", "0.25", "20"] {
        put(&mut bench, a, &trailing(Side::Buy, "0.010", rate));
    }
}

#[test]
fn the_service_holds_two_hundred_over_all_symbols_and_ids_are_unique_while_open() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    let first = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("one"));
    assert_eq!(refused(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("one")), -4116);
    put(&mut bench, b, &stop(Side::Buy, "0.010", "60100").with_client_id("one"));
    for number in 1..200 {
        let symbol = if number % 2 == 0 { BTC } else { ETH };
        let order = NewAlgoOrder::market(symbol, Side::Buy, OrderType::StopMarket, d("0.010"), d("60100"));
        bench.exchange.place_algo(bench.now, a, &order).unwrap();
    }
    assert_eq!(refused(&mut bench, a, &stop(Side::Buy, "0.010", "60100")), -4045);
    bench.exchange.cancel_algo(bench.now, a, &AlgoRef::client("one")).unwrap();
    let again = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("one"));
    assert!(again.algo_id > first.algo_id);
    assert_eq!(bench.exchange.set_position_mode(bench.now, a, true).unwrap_err().code, -4067);
    assert_eq!(bench.exchange.cancel_all_algos(bench.now, a, ETH).unwrap(), 100);
    assert_eq!(bench.exchange.cancel_all_algos(bench.now, a, BTC).unwrap(), 100);
    assert_eq!(bench.exchange.cancel_all_algos(bench.now, a, BTC).unwrap(), 0);
    bench.exchange.check_invariants().unwrap();
    bench.exchange.set_position_mode(bench.now, a, true).unwrap();
    assert_eq!(bench.exchange.open_algo_orders(b, None, None).unwrap().len(), 1);
}
