//! Orders in the core: matching, times in force, ids, self-trades, modify, cancel.

use exchange_sim::UserEvent;
use exchange_sim::request::{ModifyOrder, NewOrder, OrderRef, Signed};
use exchange_sim::types::{ExecType, ExpiryReason, OrderStatus, OrderType, PriceMatch, Side, StpMode, TimeInForce};

use crate::core_bench::{BTC, Bench, ETH, d, gtc, limit, market};

#[test]
fn price_then_time_and_the_maker_sets_the_price() {
    let mut bench = Bench::still(false);
    let (a, b, c) = (bench.a, bench.b, bench.c);
    let late = bench.ok(a, &gtc(Side::Sell, "0.010", "60010"));
    let first = bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
    let second = bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    let taker = bench.ok(c, &gtc(Side::Buy, "0.015", "60020"));
    assert_eq!((taker.status, taker.avg_price, taker.cum_quote), (OrderStatus::Filled, d("60000"), d("900")));
    assert_eq!(bench.status(a, &first), OrderStatus::Filled);
    assert_eq!(bench.see(b, &second).executed_qty, d("0.005"));
    assert_eq!(bench.status(a, &late), OrderStatus::New);
    let trades = bench.trades(c);
    assert_eq!(trades.iter().map(|trade| trade.qty).collect::<Vec<_>>(), [d("0.010"), d("0.005")]);
    assert!(trades.iter().all(|trade| !trade.maker && trade.commission == trade.quote_qty * d("0.0005")));
    assert!(bench.trades(a).iter().all(|trade| trade.maker && trade.commission == trade.quote_qty * d("0.0002")));
}

#[test]
fn times_in_force_end_as_the_venue_ends_them() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    bench.told(a);
    assert_eq!(bench.refused(a, &limit(Side::Buy, "0.020", "60000", TimeInForce::Fok)), -5021);
    assert_eq!(bench.refused(a, &limit(Side::Buy, "0.010", "60000", TimeInForce::Gtx)), -5022);
    assert!(bench.told(a).is_empty(), "a refusal pushes nothing");
    let ioc = bench.ok(a, &limit(Side::Buy, "0.015", "60000", TimeInForce::Ioc));
    assert_eq!((ioc.status, ioc.executed_qty), (OrderStatus::Expired, d("0.010")));
    assert_eq!(bench.order_news(a).last().unwrap().2, ExpiryReason::IocRemainder);
    bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    assert_eq!(bench.ok(a, &limit(Side::Buy, "0.010", "60000", TimeInForce::Fok)).status, OrderStatus::Filled);
    assert_eq!(bench.ok(a, &limit(Side::Buy, "0.010", "59999", TimeInForce::Gtx)).status, OrderStatus::New);
}

#[test]
fn a_market_order_walks_the_book_and_its_remainder_expires() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    assert_eq!(bench.refused(a, &market(Side::Buy, "0.010")), -2020);
    bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    bench.ok(b, &gtc(Side::Sell, "0.010", "60100"));
    let placed = bench.place(a, &market(Side::Buy, "0.030")).unwrap();
    assert_eq!((placed.accepted.status, placed.accepted.executed_qty), (OrderStatus::New, d("0")));
    assert_eq!((placed.settled.status, placed.settled.executed_qty), (OrderStatus::Expired, d("0.020")));
    assert_eq!(placed.settled.avg_price, d("60050"));
    assert_eq!(bench.order_news(a).last().unwrap().2, ExpiryReason::MarketRemainder);
    bench.ok(b, &gtc(Side::Sell, "0.010", "64000"));
    assert_eq!(bench.refused(a, &market(Side::Buy, "0.010")), -4131, "the best ask is beyond the band");
}

#[test]
fn gtd_needs_ten_minutes_and_expires_on_the_second() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let gtd = |date| NewOrder { good_till_date: date, ..limit(Side::Buy, "0.010", "59000", TimeInForce::Gtd) };
    let (now, soon) = (bench.now, bench.now + 600_000);
    assert_eq!(bench.refused(a, &gtd(None)), -1102);
    assert_eq!(bench.refused(a, &gtd(Some(soon))), -5040);
    assert_eq!(bench.refused(a, &gtd(Some(253_402_300_799_000))), -5040);
    let order = bench.ok(a, &gtd(Some(soon + 1_999)));
    assert_eq!(order.good_till_date, soon + 1_000, "whole seconds are kept");
    bench.exchange.advance(soon + 999);
    assert_eq!(bench.status(a, &order), OrderStatus::New);
    assert_eq!(bench.exchange.next_wakeup(), Some(soon + 1_000));
    bench.exchange.advance(now + 700_000);
    let ended = bench.see(a, &order);
    assert_eq!((ended.status, ended.update_time), (OrderStatus::Expired, soon + 1_000));
}

#[test]
fn events_of_a_market_order_come_as_seen_on_the_wire() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    bench.told(b);
    bench.ok(a, &market(Side::Buy, "0.010"));
    let events = bench.exchange.take_events();
    let kinds: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            exchange_sim::Event::User { account, time, event } if *account == a => Some((*time, name(event))),
            _ => None,
        })
        .collect();
    let now = bench.now;
    assert_eq!(kinds, [(now, "LITE"), (now, "NEW"), (now, "ACCOUNT"), (now, "TRADE")]);
}

fn name(event: &UserEvent) -> &'static str {
    match event {
        UserEvent::TradeLite(_) => "LITE",
        UserEvent::Account(_) => "ACCOUNT",
        UserEvent::Order(update) => update.exec_type.as_str(),
        UserEvent::Leverage { .. } | UserEvent::MultiAssets { .. } | UserEvent::MarginCall(_) | UserEvent::Algo(_) => "OTHER",
    }
}

#[test]
fn a_client_id_is_unique_among_open_orders_only() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    let order = gtc(Side::Buy, "0.010", "59000").with_client_id("same");
    let first = bench.ok(a, &order);
    assert_eq!(bench.refused(a, &order), -4116);
    assert_eq!(
        bench.refused(a, &NewOrder::limit(ETH, Side::Buy, d("0.1"), d("2000"), TimeInForce::Gtc).with_client_id("same")),
        -4116
    );
    bench.ok(b, &order);
    bench.cancel(a, &first).unwrap();
    let second = bench.ok(a, &order);
    let seen = bench.exchange.order(a, BTC, &OrderRef::client("same")).unwrap();
    assert_eq!(seen.order_id, second.order_id, "the newest of several");
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000").with_client_id("bad id")), -4015);
}

#[test]
fn what_the_endpoint_does_not_take_is_refused_by_its_code() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let stop = NewOrder { order_type: OrderType::StopMarket, ..market(Side::Sell, "0.010") };
    assert_eq!(bench.refused(a, &stop), -4120);
    assert_eq!(bench.refused(a, &NewOrder { symbol: "NOPEUSDT".to_owned(), ..market(Side::Buy, "1") }), -1121);
    assert_eq!(bench.refused(a, &NewOrder { time_in_force: None, ..gtc(Side::Buy, "0.010", "59000") }), -1102);
    assert_eq!(bench.refused(a, &NewOrder { time_in_force: Some(TimeInForce::Gtc), ..market(Side::Buy, "0.010") }), -1106);
    assert_eq!(bench.refused(a, &NewOrder { quantity: None, ..market(Side::Buy, "0.010") }), -1102);
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000.05")), -4014);
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.0105", "59000")), -1111);
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.001", "100")), -4164);
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "63000.1")), -4016);
    assert_eq!(bench.refused(a, &gtc(Side::Sell, "0.010", "56999.9")), -4024);
}

#[test]
fn the_engine_refuses_a_request_that_comes_too_late() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let signed =
        |timestamp| NewOrder { signed: Some(Signed { timestamp, recv_window: 2_000 }), ..gtc(Side::Buy, "0.010", "59000") };
    let now = bench.now;
    assert_eq!(bench.refused(a, &signed(now - 2_001)), -5028);
    bench.ok(a, &signed(now - 2_000));
}

#[test]
fn a_symbol_takes_two_hundred_open_orders() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    for _ in 0..200 {
        bench.exchange.place(bench.now, a, &gtc(Side::Buy, "0.001", "59000")).unwrap();
    }
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.001", "59000")), -2025);
}

#[test]
fn self_trades_are_prevented_by_the_takers_mode() {
    for (mode, maker_ends, taker_ends) in [
        (None, OrderStatus::ExpiredInMatch, OrderStatus::New),
        (Some(StpMode::ExpireMaker), OrderStatus::ExpiredInMatch, OrderStatus::New),
        (Some(StpMode::ExpireTaker), OrderStatus::New, OrderStatus::ExpiredInMatch),
        (Some(StpMode::ExpireBoth), OrderStatus::ExpiredInMatch, OrderStatus::ExpiredInMatch),
    ] {
        let mut bench = Bench::still(false);
        let a = bench.a;
        let maker = bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
        let taker = bench.ok(a, &NewOrder { stp_mode: mode, ..gtc(Side::Buy, "0.010", "60000") });
        assert_eq!((bench.status(a, &maker), taker.status), (maker_ends, taker_ends), "{mode:?}");
        assert!(bench.trades(a).is_empty());
    }
}

#[test]
fn fok_is_exempt_so_one_trade_is_on_two_orders_of_one_account() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let maker = bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
    let taker = bench.ok(a, &limit(Side::Buy, "0.010", "60000", TimeInForce::Fok));
    let trades = bench.trades(a);
    assert_eq!((trades.len(), trades[0].id), (2, trades[1].id));
    assert_eq!(bench.status(a, &maker), OrderStatus::Filled);
    assert_eq!(taker.status, OrderStatus::Filled);
}

#[test]
fn modify_keeps_the_number_loses_the_place_and_tells_its_tag() {
    let mut bench = Bench::still(false);
    let (a, b, c) = (bench.a, bench.b, bench.c);
    let first = bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
    let second = bench.ok(b, &gtc(Side::Sell, "0.010", "60000"));
    assert_eq!(bench.modify(a, &first, "60000", "0.010").unwrap_err().code, -5027);
    bench.told(a);
    let changed = bench.modify(a, &first, "60000", "0.012").unwrap();
    assert_eq!((changed.order_id, changed.orig_qty, changed.stp_mode), (first.order_id, d("0.012"), StpMode::None));
    let UserEvent::Order(update) = bench.told(a).swap_remove(0) else { panic!("an order update") };
    assert_eq!((update.exec_type, update.modify_id), (ExecType::Amendment, Some(77)));
    bench.ok(c, &gtc(Side::Buy, "0.010", "60000"));
    assert_eq!(bench.status(b, &second), OrderStatus::Filled, "the other one is first now");
    let history =
        bench.exchange.amendments(a, &exchange_sim::request::AmendmentsQuery { symbol: BTC.to_owned(), ..Default::default() });
    assert_eq!(history.unwrap()[0].modify_id, Some(77));
}

#[test]
fn modify_at_or_below_the_executed_quantity_cancels() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    let order = bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
    bench.ok(c, &gtc(Side::Buy, "0.004", "60000"));
    bench.told(a);
    let ended = bench.modify(a, &order, "60000", "0.004").unwrap();
    assert_eq!((ended.status, ended.executed_qty, ended.modify_id), (OrderStatus::Canceled, d("0.004"), Some(77)));
    let UserEvent::Order(update) = bench.told(a).swap_remove(0) else { panic!("an order update") };
    assert_eq!((update.exec_type, update.modify_id), (ExecType::Canceled, None), "only an AMENDMENT carries the tag");
    assert_eq!(bench.modify(a, &order, "60000", "0.02").unwrap_err().code, -2013);
}

#[test]
fn modify_into_the_book_cancels_gtx_and_fills_gtc() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.ok(c, &gtc(Side::Sell, "0.010", "60000"));
    let post_only = bench.ok(a, &limit(Side::Buy, "0.010", "59000", TimeInForce::Gtx));
    assert_eq!(bench.modify(a, &post_only, "60000", "0.010").unwrap().status, OrderStatus::Canceled);
    let plain = bench.ok(a, &gtc(Side::Buy, "0.020", "59000"));
    let taken = bench.modify(a, &plain, "60000", "0.020").unwrap();
    assert_eq!((taken.status, taken.executed_qty), (OrderStatus::PartiallyFilled, d("0.010")));
}

#[test]
fn a_cancel_of_a_final_order_is_unknown_and_cancel_all_is_never_refused() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    assert_eq!(bench.cancel(a, &order).unwrap().status, OrderStatus::Canceled);
    assert_eq!(bench.cancel(a, &order).unwrap_err().code, -2011);
    assert_eq!(bench.exchange.cancel_all(bench.now, a, BTC), Ok(0));
    bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    bench.ok(a, &gtc(Side::Buy, "0.010", "58000"));
    assert_eq!(bench.exchange.cancel_all(bench.now, a, BTC), Ok(2));
    assert_eq!(bench.order_news(a).iter().filter(|(_, kind, _)| *kind == ExecType::Canceled).count(), 3);
}

#[test]
fn the_countdown_cancels_one_symbol_unless_renewed() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let other = bench.ok(a, &NewOrder::limit(ETH, Side::Buy, d("0.1"), d("2000"), TimeInForce::Gtc));
    bench.exchange.countdown_cancel_all(bench.now, a, BTC, 1_000).unwrap();
    bench.exchange.countdown_cancel_all(bench.now + 900, a, BTC, 1_000).unwrap();
    bench.exchange.advance(bench.now + 1_899);
    assert_eq!(bench.status(a, &order), OrderStatus::New);
    bench.exchange.advance(bench.now + 1_900);
    assert_eq!(bench.status(a, &order), OrderStatus::Canceled);
    assert_eq!(bench.status(a, &other), OrderStatus::New);
}

#[test]
fn a_matched_price_comes_from_the_book() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Buy, "0.010", "59000"));
    let queue = |mode| NewOrder { price: None, price_match: Some(mode), ..gtc(Side::Buy, "0.010", "1") };
    assert_eq!(bench.ok(a, &queue(PriceMatch::Queue)).price, d("59000"));
    assert_eq!(bench.refused(a, &queue(PriceMatch::Opponent)), -5041);
    assert_eq!(bench.refused(a, &queue(PriceMatch::Opponent20)), -5037);
}

#[test]
fn a_halted_symbol_takes_cancels_only() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    bench.exchange.set_symbol_status(bench.now, BTC, exchange_sim::types::SymbolStatus::TradingHalt).unwrap();
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000")), -1122);
    assert_eq!(bench.modify(a, &order, "59001", "0.010").unwrap_err().code, -5024);
    assert_eq!(bench.cancel(a, &order).unwrap().status, OrderStatus::Canceled);
}

#[test]
fn each_level_of_a_matched_price_is_counted_from_the_touch() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    for level in 0..20 {
        bench.ok(b, &gtc(Side::Buy, "0.001", &(59_990 - level).to_string()));
        bench.ok(b, &gtc(Side::Sell, "0.001", &(60_010 + level).to_string()));
    }
    let matched = |side, mode| NewOrder { price: None, price_match: Some(mode), ..limit(side, "0.001", "1", TimeInForce::Gtx) };
    for (mode, depth) in [(PriceMatch::Queue, 1), (PriceMatch::Queue5, 5), (PriceMatch::Queue10, 10), (PriceMatch::Queue20, 20)] {
        for (side, price) in [(Side::Buy, 59_991 - depth), (Side::Sell, 60_009 + depth)] {
            let row = bench.ok(a, &matched(side, mode));
            assert_eq!((row.price, row.price_match), (price.into(), mode), "{side}");
            bench.cancel(a, &row).unwrap();
        }
    }
    for (mode, depth) in [(PriceMatch::Opponent, 1), (PriceMatch::Opponent5, 5)] {
        for (side, price) in [(Side::Buy, 60_009 + depth), (Side::Sell, 59_991 - depth)] {
            let order = NewOrder { time_in_force: Some(TimeInForce::Ioc), ..matched(side, mode) };
            assert_eq!(bench.ok(a, &order).price, price.into(), "{side} {mode}");
            let maker = gtc(side.opposite(), "0.001", if side == Side::Buy { "60010" } else { "59990" });
            bench.ok(b, &maker);
        }
    }
    assert_eq!(bench.refused(a, &matched(Side::Buy, PriceMatch::Opponent10)), -5037);
    let priced = NewOrder { price: Some(d("59000")), ..matched(Side::Buy, PriceMatch::Queue) };
    assert_eq!(bench.refused(a, &priced), -1106, "a price and a match exclude each other");
    let at_market = NewOrder { price_match: Some(PriceMatch::Queue), ..market(Side::Buy, "0.001") };
    assert_eq!(bench.refused(a, &at_market), -5038);
    bench.exchange.cancel_all(bench.now, b, BTC).unwrap();
    assert_eq!(bench.refused(a, &matched(Side::Buy, PriceMatch::Queue5)), -5041);
}

#[test]
fn what_prevention_leaves_of_an_ioc_order_has_a_reason_of_its_own() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    bench.ok(a, &gtc(Side::Sell, "0.010", "60000"));
    bench.told(a);
    let taker = NewOrder { stp_mode: Some(StpMode::ExpireTaker), ..limit(Side::Buy, "0.010", "60000", TimeInForce::Ioc) };
    assert_eq!(bench.ok(a, &taker).status, OrderStatus::ExpiredInMatch);
    assert_eq!(bench.order_news(a).last().unwrap().2, ExpiryReason::IocSelfTrade);
    let post_only = NewOrder { stp_mode: Some(StpMode::ExpireBoth), ..limit(Side::Buy, "0.010", "60000", TimeInForce::Gtx) };
    assert_eq!(bench.refused(a, &post_only), -5022, "prevention has no effect on GTX");
    let at_market = NewOrder { stp_mode: Some(StpMode::ExpireBoth), ..market(Side::Buy, "0.010") };
    assert_eq!(bench.ok(a, &at_market).status, OrderStatus::ExpiredInMatch);
    assert!(bench.exchange.open_orders(a, None).unwrap().is_empty(), "both ended");
}

#[test]
fn a_change_has_refusals_of_its_own() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    let eth = |side, quantity, price| NewOrder::limit(ETH, side, d(quantity), d(price), TimeInForce::Gtc);
    bench.ok(c, &eth(Side::Sell, "0.100", "2500"));
    bench.ok(a, &eth(Side::Buy, "0.100", "2500"));
    let plain = bench.ok(a, &eth(Side::Sell, "0.100", "2600"));
    let closing = bench.ok(a, &eth(Side::Sell, "0.100", "2700").reducing());
    let small = |row: &exchange_sim::row::OrderRow, reduce_only| ModifyOrder {
        symbol: ETH.to_owned(),
        order: OrderRef::id(row.order_id),
        side: row.side,
        quantity: Some(d("0.001")),
        price: Some(row.price),
        price_match: None,
        modify_id: None,
        reduce_only,
        signed: None,
    };
    let mut try_it = |change: &ModifyOrder| bench.exchange.modify(bench.now, a, change).map_err(|error| error.code);
    assert_eq!(try_it(&small(&plain, Some(true))), Err(-5047), "it says it reduces, and does not");
    assert_eq!(try_it(&small(&plain, None)), Err(-5029));
    assert_eq!(try_it(&small(&closing, None)), Err(-5029), "only who says so is let off the minimum");
    assert_eq!(try_it(&small(&closing, Some(true))).map(|row| (row.reduce_only, row.orig_qty)), Ok((true, d("0.001"))));
    let turned = ModifyOrder { side: Side::Buy, ..small(&plain, None) };
    assert_eq!(try_it(&turned), Err(-1130));
    let matched = ModifyOrder { price_match: Some(PriceMatch::Queue), ..small(&plain, None) };
    assert_eq!(try_it(&matched), Err(-1106), "a price and a match exclude each other");
    let empty = ModifyOrder { price: None, price_match: Some(PriceMatch::Opponent), ..small(&plain, None) };
    assert_eq!(try_it(&empty), Err(-5041), "nobody bids");
    let late = ModifyOrder { signed: Some(Signed { timestamp: 0, recv_window: 1 }), ..small(&plain, None) };
    assert_eq!(try_it(&late), Err(-5028));
}

#[test]
fn an_order_is_changed_fewer_than_ten_thousand_times() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let change = |price: i64| ModifyOrder {
        symbol: BTC.to_owned(),
        order: OrderRef::id(order.order_id),
        side: Side::Buy,
        quantity: Some(d("0.010")),
        price: Some(price.into()),
        price_match: None,
        modify_id: None,
        reduce_only: None,
        signed: None,
    };
    for number in 1..10_000 {
        bench.exchange.modify(bench.now, a, &change(58_000 + number % 2)).unwrap();
    }
    assert_eq!(bench.exchange.modify(bench.now, a, &change(57_000)).unwrap_err().code, -5026);
    assert_eq!(bench.see(a, &order).price, d("58001"), "it stands as it was");
}
