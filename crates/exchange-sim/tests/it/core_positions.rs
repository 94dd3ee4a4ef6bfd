//! Positions and money in the core: both modes, reduce-only, margin, leverage, settings, liquidation.

use exchange_sim::config::FundingConfig;
use exchange_sim::request::{ForceOrdersQuery, IncomeQuery, MarginMove, NewOrder};
use exchange_sim::types::{ExecType, ExpiryReason, IncomeType, MarginType, OrderStatus, PositionSide, Side, TimeInForce};
use exchange_sim::{AccountSpec, ExchangeConfig, UserEvent};

use crate::core_bench::{BTC, Bench, ETH, d, gtc, limit, market};

use PositionSide::{Both, Long, Short};

#[test]
fn a_round_trip_pays_profit_and_fees_and_nothing_else() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.give_position("0.010", "60000");
    bench.ok(c, &gtc(Side::Buy, "0.010", "60500"));
    bench.ok(a, &market(Side::Sell, "0.010").reducing());
    // 5 of profit, 0.05 % of 600 and of 605 as the taker.
    assert_eq!(bench.wallet(a), d("100000") + d("5") - d("0.3") - d("0.3025"));
    assert_eq!(bench.amount(a, BTC, Both), d("0"));
    let kinds: Vec<_> = bench.exchange.income(a, &IncomeQuery::default()).unwrap().iter().map(|row| row.income_type).collect();
    assert_eq!(kinds, [IncomeType::Commission, IncomeType::Commission, IncomeType::RealizedPnl]);
    let UserEvent::Account(update) = bench.told(a).into_iter().rfind(|event| matches!(event, UserEvent::Account(_))).unwrap()
    else {
        panic!("an account update")
    };
    assert_eq!((update.positions[0].amount, update.positions[0].cumulative_realized), (d("0"), d("5")));
}

#[test]
fn reduce_only_needs_an_opposite_position() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    assert_eq!(bench.refused(a, &gtc(Side::Sell, "0.010", "61000").reducing()), -2022);
    bench.give_position("0.010", "60000");
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000").reducing()), -2022);
    bench.ok(a, &gtc(Side::Sell, "0.010", "61000").reducing());
}

#[test]
fn reduce_only_never_turns_the_position_and_the_rest_expires() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.give_position("0.010", "60000");
    bench.ok(c, &gtc(Side::Buy, "0.050", "60000"));
    bench.told(a);
    let order = bench.ok(a, &market(Side::Sell, "0.030").reducing());
    assert_eq!((order.status, order.executed_qty), (OrderStatus::Expired, d("0.010")));
    assert_eq!(bench.order_news(a).last().unwrap().2, ExpiryReason::ReduceOnly);
    assert_eq!(bench.amount(a, BTC, Both), d("0"));
}

#[test]
fn resting_reduce_only_orders_lose_by_priority_as_the_position_shrinks() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.give_position("0.030", "60000");
    let near = bench.ok(a, &gtc(Side::Sell, "0.010", "61000").reducing());
    let middle = bench.ok(a, &gtc(Side::Sell, "0.010", "61100").reducing());
    let far = bench.ok(a, &gtc(Side::Sell, "0.030", "61200").reducing());
    assert_eq!(bench.status(a, &far), OrderStatus::New, "together they may exceed the position");
    bench.ok(c, &gtc(Side::Buy, "0.020", "60000"));
    bench.ok(a, &market(Side::Sell, "0.015").reducing());
    assert_eq!(bench.status(a, &near), OrderStatus::New);
    assert_eq!(bench.status(a, &middle), OrderStatus::New);
    assert_eq!(bench.status(a, &far), OrderStatus::Expired, "nothing is left for it");
    bench.ok(a, &market(Side::Sell, "0.005"));
    assert_eq!(bench.status(a, &middle), OrderStatus::Expired);
    bench.ok(c, &gtc(Side::Buy, "0.010", "61000"));
    assert_eq!(bench.amount(a, BTC, Both), d("0"));
}

#[test]
fn a_plain_order_turns_the_position() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.give_position("0.010", "60000");
    bench.ok(c, &gtc(Side::Buy, "0.050", "59900"));
    bench.ok(a, &market(Side::Sell, "0.030"));
    let row = bench.exchange.positions(a, Some(BTC)).unwrap().swap_remove(0);
    assert_eq!((row.position_amt, row.entry_price), (d("-0.020"), d("59900")));
    assert_eq!(bench.trades(a).last().unwrap().realized_pnl, d("-1"));
}

#[test]
fn hedge_legs_stand_apart_and_are_never_over_closed() {
    let mut bench = Bench::still(true);
    let (a, c) = (bench.a, bench.c);
    assert_eq!(bench.refused(a, &market(Side::Buy, "0.010")), -4061);
    assert_eq!(bench.refused(c, &gtc(Side::Buy, "0.010", "59000").on_leg(Long)), -4061);
    bench.ok(c, &gtc(Side::Sell, "0.050", "60000"));
    bench.ok(a, &market(Side::Buy, "0.020").on_leg(Long));
    assert_eq!(bench.refused(a, &market(Side::Sell, "0.010").on_leg(Long).reducing()), -1106);
    bench.ok(c, &gtc(Side::Buy, "0.050", "59990"));
    bench.ok(a, &market(Side::Sell, "0.020").on_leg(Short));
    assert_eq!((bench.amount(a, BTC, Long), bench.amount(a, BTC, Short)), (d("0.020"), d("-0.020")));
    assert_eq!(bench.refused(a, &market(Side::Sell, "0.021").on_leg(Long)), -2022);
    let resting = bench.ok(a, &gtc(Side::Sell, "0.015", "61000").on_leg(Long));
    assert_eq!(bench.refused(a, &market(Side::Sell, "0.006").on_leg(Long)), -2022, "the resting close has its part");
    bench.ok(a, &market(Side::Sell, "0.005").on_leg(Long));
    assert_eq!(bench.modify(a, &resting, "61000", "0.016").unwrap_err().code, -2022);
    bench.cancel(a, &resting).unwrap();
    bench.ok(a, &market(Side::Sell, "0.015").on_leg(Long));
    assert_eq!((bench.amount(a, BTC, Long), bench.amount(a, BTC, Short)), (d("0"), d("-0.020")));
    bench.ok(c, &gtc(Side::Sell, "0.020", "60100"));
    bench.ok(a, &market(Side::Buy, "0.020").on_leg(Short));
    assert_eq!(bench.amount(a, BTC, Short), d("0"));
}

#[test]
fn the_mode_changes_only_when_flat_and_without_orders() {
    let mut bench = Bench::still(false);
    let (a, now) = (bench.a, bench.now);
    let code = |result: Result<(), exchange_sim::ApiError>| result.err().map_or(0, |error| error.code);
    assert_eq!(code(bench.exchange.set_position_mode(now, a, false)), -4059);
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    assert_eq!(code(bench.exchange.set_position_mode(now, a, true)), -4067);
    bench.cancel(a, &order).unwrap();
    bench.give_position("0.010", "60000");
    assert_eq!(code(bench.exchange.set_position_mode(now, a, true)), -4068);
    assert_eq!(code(bench.exchange.set_margin_type(now, a, BTC, MarginType::Isolated)), -4048);
    assert_eq!(code(bench.exchange.set_margin_type(now, a, ETH, MarginType::Crossed)), -4046);
    bench.ok(a, &NewOrder::limit(ETH, Side::Buy, d("0.1"), d("2400"), TimeInForce::Gtc));
    assert_eq!(code(bench.exchange.set_margin_type(now, a, ETH, MarginType::Isolated)), -4047);
    assert_eq!(code(bench.exchange.set_multi_assets(now, a, true)), -4170);
    assert_eq!(code(bench.exchange.set_multi_assets(now, a, false)), -4171);
}

#[test]
fn margin_is_checked_against_what_is_available() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    // 100000 at 20x: 2 000 000 of notional; the order at 59000 needs 59000/20 a coin.
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "34", "59000")), -2019);
    bench.ok(a, &gtc(Side::Buy, "33", "59000"));
    let view = bench.exchange.account(a).unwrap();
    assert_eq!(view.assets[0].open_order_initial_margin, d("97350"));
    assert_eq!(view.assets[0].available_balance, d("2650"));
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "1", "59000")), -2019);
    // In one-way mode only the larger side costs.
    bench.ok(a, &gtc(Side::Sell, "30", "61000"));
    assert_eq!(bench.exchange.account(a).unwrap().assets[0].available_balance, d("2650"));
}

#[test]
fn a_reducing_order_costs_no_margin() {
    let mut bench = Bench::still(false);
    let (a, c, now) = (bench.a, bench.c, bench.now);
    bench.exchange.add_funds(now, c, "USDT", d("1000000")).unwrap();
    bench.give_position("30", "60000");
    bench.exchange.add_funds(now, a, "USDT", d("-8000")).unwrap();
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "1", "59999")), -2019);
    bench.ok(a, &gtc(Side::Sell, "30", "61000"));
    bench.ok(a, &gtc(Side::Sell, "30", "61000").reducing());
}

#[test]
fn leverage_is_bounded_by_brackets_and_margin() {
    let mut bench = Bench::still(false);
    let (a, now) = (bench.a, bench.now);
    let set = |bench: &mut Bench, leverage| bench.exchange.set_leverage(now, a, BTC, leverage).map_err(|error| error.code);
    assert_eq!(set(&mut bench, 126).unwrap_err(), -4028);
    assert_eq!(set(&mut bench, 0).unwrap_err(), -4028);
    let row = set(&mut bench, 125).unwrap();
    assert_eq!((row.leverage, row.max_notional_value), (125, d("300000")));
    assert_eq!(bench.refused(a, &gtc(Side::Buy, "6", "59000")), -2027);
    bench.ok(a, &gtc(Side::Buy, "5", "59000"));
    assert_eq!(set(&mut bench, 2).unwrap_err(), -2028);
    bench.told(a);
    set(&mut bench, 10).unwrap();
    set(&mut bench, 10).unwrap();
    assert_eq!(bench.told(a), [UserEvent::Leverage { symbol: BTC.into(), leverage: 10 }], "the same value again says nothing");
}

#[test]
fn isolated_margin_is_set_aside_moved_and_given_back() {
    let mut bench = Bench::still(false);
    let (a, c, now) = (bench.a, bench.c, bench.now);
    bench.exchange.set_margin_type(now, a, BTC, MarginType::Isolated).unwrap();
    bench.give_position("0.100", "60000");
    let row = |bench: &Bench| bench.exchange.positions(a, Some(BTC)).unwrap().swap_remove(0);
    assert_eq!(row(&bench).isolated_wallet, d("300"));
    assert_eq!(bench.exchange.account(a).unwrap().assets[0].cross_wallet_balance, d("100000") - d("3") - d("300"));
    let adjust = |bench: &mut Bench, amount, way| {
        let result = bench.exchange.adjust_position_margin(now, a, BTC, Both, d(amount), way);
        bench.exchange.check_invariants().unwrap();
        result.map_err(|error| error.code)
    };
    adjust(&mut bench, "100", MarginMove::Add).unwrap();
    assert_eq!(row(&bench).isolated_wallet, d("400"));
    assert_eq!(adjust(&mut bench, "101", MarginMove::Reduce), Err(-4051));
    assert_eq!(adjust(&mut bench, "0", MarginMove::Add), Err(-4055));
    assert_eq!(adjust(&mut bench, "1000000", MarginMove::Add), Err(-4050));
    assert_eq!(bench.exchange.set_leverage(now, a, BTC, 10).unwrap_err().code, -4161);
    bench.ok(c, &gtc(Side::Buy, "0.100", "60000"));
    bench.ok(a, &market(Side::Sell, "0.025"));
    assert_eq!(row(&bench).isolated_wallet, d("300"));
    bench.ok(a, &market(Side::Sell, "0.075"));
    assert_eq!(row(&bench).isolated_wallet, d("0"));
    assert_eq!(adjust(&mut bench, "1", MarginMove::Add), Err(-4054));
}

#[test]
fn fees_are_paid_in_bnb_where_that_is_switched_on() {
    let mut config = ExchangeConfig::default();
    config.flow.enabled = false;
    config.fees.bnb_price = Some(d("600"));
    let mut bench = Bench::of(config, false);
    let (a, now) = (bench.a, bench.now);
    bench.exchange.add_funds(now, a, "BNB", d("1")).unwrap();
    bench.exchange.set_fee_burn(now, a, true).unwrap();
    bench.give_position("0.010", "60000");
    let trade = bench.trades(a).swap_remove(0);
    assert_eq!((trade.commission_asset.as_ref(), trade.commission), ("BNB", d("0.00045")));
    assert_eq!(bench.wallet(a), d("100000"));
}

#[test]
fn funding_moves_money_from_longs_to_shorts() {
    let mut config =
        ExchangeConfig { funding: Some(FundingConfig { interval_ms: 3_600_000, rate: d("0.0001") }), ..Default::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, false);
    let (a, c) = (bench.a, bench.c);
    bench.give_position("0.010", "60000");
    let (before_a, before_c) = (bench.wallet(a), bench.wallet(c));
    bench.exchange.advance(bench.now + 3_600_000);
    bench.exchange.check_invariants().unwrap();
    assert_eq!((bench.wallet(a), bench.wallet(c)), (before_a - d("0.06"), before_c + d("0.06")));
}

#[test]
fn a_cross_account_is_liquidated_when_its_margin_is_gone() {
    let mut bench = Bench::still(false);
    let (c, now) = (bench.c, bench.now);
    let poor =
        bench.exchange.create_account(AccountSpec { wallets: vec![("USDT".to_owned(), d("400"))], ..AccountSpec::default() });
    bench.ok(c, &gtc(Side::Sell, "0.100", "60000"));
    bench.ok(poor, &market(Side::Buy, "0.100"));
    let resting = bench.ok(poor, &gtc(Side::Sell, "0.100", "62000").reducing());
    let price = bench.exchange.positions(poor, Some(BTC)).unwrap()[0].liquidation_price;
    assert!(price > d("56000") && price < d("60000"), "{price}");
    bench.told(poor);
    bench.exchange.move_price(now, BTC, price.ceil() + d("20")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(bench.amount(poor, BTC, Both), d("0.1"), "not yet");
    bench.exchange.move_price(now, BTC, price.floor() - d("1")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(bench.amount(poor, BTC, Both), d("0"));
    assert_eq!(bench.status(poor, &resting), OrderStatus::Expired);
    let forced = bench.exchange.force_orders(poor, &ForceOrdersQuery::default()).unwrap();
    assert!(forced[0].order.client_order_id.starts_with("autoclose-"));
    let events = bench.told(poor);
    assert!(matches!(events[0], UserEvent::MarginCall(_)), "warned before");
    let news: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            UserEvent::Order(update) => Some((update.exec_type, update.expiry_reason)),
            _ => None,
        })
        .collect();
    assert_eq!(news[0], (ExecType::Expired, ExpiryReason::Liquidation));
    assert_eq!(news[1].0, ExecType::New);
    assert_eq!(news.last().unwrap().0, ExecType::Calculated, "nobody bids, so the fund takes it");
    assert!(bench.wallet(poor) >= d("0"));
}

#[test]
fn an_isolated_leg_dies_alone() {
    let mut bench = Bench::still(false);
    let (a, now) = (bench.a, bench.now);
    bench.exchange.set_margin_type(now, a, BTC, MarginType::Isolated).unwrap();
    bench.give_position("0.100", "60000");
    let before = bench.wallet(a);
    bench.exchange.move_price(now, BTC, d("56000")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(bench.amount(a, BTC, Both), d("0"));
    let lost = before - bench.wallet(a);
    assert!(lost >= d("299") && lost < d("400"), "about its own margin and the liquidation fee: {lost}");
}

#[test]
fn an_operator_moves_money_and_the_wallet_tells() {
    let mut bench = Bench::still(false);
    let (a, now) = (bench.a, bench.now);
    bench.exchange.add_funds(now, a, "USDT", d("50")).unwrap();
    assert_eq!(bench.exchange.add_funds(now, a, "USDT", d("-100051")).unwrap_err().code, -2018);
    bench.exchange.check_invariants().unwrap();
    let UserEvent::Account(update) = bench.told(a).swap_remove(0) else { panic!("an account update") };
    assert_eq!((update.balances[0].wallet_balance, update.balances[0].balance_change), (d("100050"), d("50")));
}

#[test]
fn a_fill_or_kill_counts_only_what_reduce_only_makers_can_give() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.give_position("0.010", "60000");
    bench.ok(a, &gtc(Side::Sell, "0.008", "61000").reducing());
    bench.ok(a, &gtc(Side::Sell, "0.008", "61000").reducing());
    assert_eq!(bench.refused(b, &limit(Side::Buy, "0.016", "61000", TimeInForce::Fok)), -5021);
    assert_eq!(bench.ok(b, &limit(Side::Buy, "0.010", "61000", TimeInForce::Fok)).status, OrderStatus::Filled);
    assert_eq!(bench.amount(a, BTC, Both), d("0"));
    assert!(bench.exchange.open_orders(a, None).unwrap().is_empty(), "the idle one expired");
}

#[test]
fn deleveraging_takes_a_part_unasked_and_closing_orders_give_way() {
    for (hedge, leg) in [(false, Both), (true, Long)] {
        let mut bench = Bench::still(hedge);
        let (a, c, now) = (bench.a, bench.c, bench.now);
        bench.ok(c, &gtc(Side::Sell, "0.030", "60000"));
        bench.ok(a, &market(Side::Buy, "0.030").on_leg(leg));
        let close = |price| {
            let order = gtc(Side::Sell, "0.015", price).on_leg(leg);
            if hedge { order } else { order.reducing() }
        };
        let near = bench.ok(a, &close("61000"));
        let far = bench.ok(a, &close("62000"));
        bench.told(a);
        assert_eq!(bench.exchange.deleverage(now, a, BTC, leg, d("0.031")).unwrap_err().code, -2024);
        bench.exchange.deleverage(now, a, BTC, leg, d("0.016")).unwrap();
        bench.exchange.check_invariants().unwrap();
        assert_eq!(bench.amount(a, BTC, leg), d("0.014"));
        let forced = bench.exchange.force_orders(a, &ForceOrdersQuery::default()).unwrap();
        assert!(forced[0].order.client_order_id.starts_with("adl_autoclose-"));
        assert_eq!((forced[0].order.status, bench.order_news(a)[0].1), (OrderStatus::Filled, ExecType::New));
        assert_eq!(bench.status(a, &far), OrderStatus::Expired);
        // One-way mode lets an order reach beyond the position; a hedge leg is never over-closed.
        assert_eq!(bench.status(a, &near), if hedge { OrderStatus::Expired } else { OrderStatus::New });
    }
}

#[test]
fn an_order_update_carries_the_open_notionals_it_leaves_behind() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    bench.ok(a, &gtc(Side::Sell, "0.010", "61000"));
    let updates: Vec<_> = bench
        .told(a)
        .into_iter()
        .filter_map(|event| match event {
            UserEvent::Order(update) => Some((update.bids_notional, update.asks_notional)),
            _ => None,
        })
        .collect();
    assert_eq!(updates, [(d("590"), d("0")), (d("590"), d("610"))]);
}
