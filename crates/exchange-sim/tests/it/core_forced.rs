//! Orders of the exchange itself, in both modes: liquidation, deleveraging of counterparties, the end of a symbol, and their telling.

use exchange_sim::request::{AlgoRef, ForceOrdersQuery, NewAlgoOrder, NewOrder};
use exchange_sim::row::OrderRow;
use exchange_sim::types::{
    AlgoStatus, AutoCloseType, ExecType, ExpiryReason, ForcedStatus, OrderStatus, OrderType, PositionSide, Side, SymbolStatus,
    TimeInForce,
};
use exchange_sim::{AccountId, AccountSpec, Backstop, Event, ExchangeConfig, ForcedStyle, UserEvent};

use crate::core_bench::{BTC, Bench, ETH, d, gtc, market};

use PositionSide::{Both, Long, Short};

fn forced_orders(bench: &Bench, account: AccountId, prefix: &str) -> Vec<OrderRow> {
    let orders = bench.exchange.ledger(account).unwrap().orders;
    orders.into_iter().filter(|row| row.client_order_id.starts_with(prefix)).collect()
}

#[test]
fn what_a_liquidation_leaves_is_taken_from_the_most_profitable_on_the_other_side() {
    let mut config = ExchangeConfig { backstop: Backstop::Deleverage, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, false);
    let (b, c) = (bench.b, bench.c);
    let poor =
        bench.exchange.create_account(AccountSpec { wallets: vec![("USDT".to_owned(), d("350"))], ..AccountSpec::default() });
    // `c` sold dearer than `b`, so it is the first to give; together they hold what `poor` has.
    bench.ok(c, &gtc(Side::Sell, "0.040", "60010"));
    bench.ok(b, &gtc(Side::Sell, "0.060", "60000"));
    bench.ok(poor, &market(Side::Buy, "0.100"));
    let resting = bench.ok(c, &gtc(Side::Buy, "0.040", "50000").reducing());
    bench.told(poor);
    bench.exchange.move_price(bench.now, BTC, d("56000")).unwrap();
    bench.exchange.check_invariants().unwrap();
    for account in [poor, b, c] {
        assert_eq!(bench.amount(account, BTC, Both), d("0"));
    }
    let (of_c, of_b) = (forced_orders(&bench, c, "adl_autoclose-"), forced_orders(&bench, b, "adl_autoclose-"));
    assert_eq!((of_c[0].executed_qty, of_b[0].executed_qty), (d("0.040"), d("0.060")));
    assert!(bench.trades(c).last().unwrap().id < bench.trades(b).last().unwrap().id, "the more profitable one first");
    assert_eq!(bench.status(c, &resting), OrderStatus::Expired, "nothing is left to reduce");
    let listed = bench.exchange.force_orders(b, &ForceOrdersQuery::default()).unwrap();
    assert_eq!(listed[0].auto_close_type, AutoCloseType::Adl);
    let kinds: Vec<_> = bench.order_news(poor).iter().map(|news| news.1).collect();
    assert_eq!(kinds, [ExecType::New, ExecType::Calculated, ExecType::Calculated]);
}

#[test]
fn a_settled_symbol_leaves_no_order_and_no_position() {
    for hedge in [false, true] {
        let mut bench = Bench::still(hedge);
        let (a, c) = (bench.a, bench.c);
        bench.ok(c, &gtc(Side::Sell, "0.010", "60000"));
        let leg = if hedge { Long } else { Both };
        bench.ok(a, &gtc(Side::Buy, "0.010", "60000").on_leg(leg));
        if hedge {
            bench.ok(c, &gtc(Side::Buy, "0.004", "60000"));
            bench.ok(a, &gtc(Side::Sell, "0.004", "60000").on_leg(Short));
        }
        let resting = bench.ok(a, &gtc(Side::Buy, "0.010", "59000").on_leg(leg));
        let stop = NewAlgoOrder::market(BTC, Side::Sell, OrderType::StopMarket, d("0.010"), d("59000")).on_leg(leg);
        bench.exchange.place_algo(bench.now, a, &stop).unwrap();
        bench.told(a);
        bench.exchange.move_price(bench.now, BTC, d("60500")).unwrap();
        bench.exchange.settle_symbol(bench.now, BTC).unwrap();
        bench.exchange.check_invariants().unwrap();
        for (account, leg) in [(a, leg), (a, if hedge { Short } else { Both }), (c, Both)] {
            assert_eq!(bench.amount(account, BTC, leg), d("0"));
        }
        assert_eq!(bench.status(a, &resting), OrderStatus::Expired);
        let told = bench.told(a);
        let expired = told.iter().any(|event| {
            matches!(event, UserEvent::Order(update) if update.expiry_reason == ExpiryReason::Delisted && update.order.order_id == resting.order_id)
        });
        assert!(expired, "{told:?}");
        assert!(told.iter().any(|event| matches!(event, UserEvent::Algo(_))));
        assert!(bench.exchange.open_algo_orders(a, None, None).unwrap().is_empty());
        let settled = forced_orders(&bench, a, "settlement_autoclose-");
        assert_eq!(settled.len(), if hedge { 2 } else { 1 });
        assert!(settled.iter().all(|row| row.avg_price == d("60500") && row.status == OrderStatus::Filled));
        assert!(bench.exchange.force_orders(a, &ForceOrdersQuery::default()).unwrap().is_empty());
        assert_eq!(bench.exchange.symbol(BTC).unwrap().status, SymbolStatus::Settling);
        assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000").on_leg(leg)), -4141);
    }
}

#[test]
fn a_settled_symbol_is_quoted_no_more() {
    let mut bench = Bench::flowing(3, false);
    let a = bench.a;
    bench.ok(a, &market(Side::Buy, "0.010"));
    bench.exchange.settle_symbol(bench.now, BTC).unwrap();
    bench.exchange.advance(bench.now + 5_000);
    bench.exchange.move_price(bench.now + 5_000, BTC, d("61000")).unwrap();
    bench.exchange.set_flow(bench.now + 5_000, false);
    bench.exchange.set_flow(bench.now + 5_000, true);
    bench.exchange.advance(bench.now + 10_000);
    bench.exchange.check_invariants().unwrap();
    let depth = bench.exchange.depth(BTC, 5).unwrap();
    assert!(depth.bids.is_empty() && depth.asks.is_empty());
    assert!(bench.exchange.settle_symbol(bench.now, "NOPE").is_err());
}

#[test]
fn the_legacy_style_hides_new_and_names_who_took_over() {
    let mut config =
        ExchangeConfig { backstop: Backstop::Deleverage, forced_style: ForcedStyle::Legacy, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, false);
    let b = bench.b;
    let poor =
        bench.exchange.create_account(AccountSpec { wallets: vec![("USDT".to_owned(), d("350"))], ..AccountSpec::default() });
    bench.ok(b, &gtc(Side::Sell, "0.100", "60000"));
    bench.ok(poor, &market(Side::Buy, "0.100"));
    bench.exchange.take_events();
    bench.exchange.move_price(bench.now, BTC, d("56000")).unwrap();
    let mut told = [Vec::new(), Vec::new()];
    for event in bench.exchange.take_events() {
        if let Event::User { account, event: UserEvent::Order(update), .. } = event {
            let quantity = update.fill.as_ref().map(|fill| fill.qty);
            told[usize::from(account == b)].push((update.exec_type, update.forced_status, quantity, update.order.status));
        }
    }
    let (zero, all) = ((ExecType::Calculated, None, None, OrderStatus::New), Some(d("0.100")));
    let taken = |status| (ExecType::Calculated, Some(status), all, OrderStatus::Filled);
    assert_eq!(told[0], [zero, taken(ForcedStatus::NewInsurance)]);
    assert_eq!(told[1], [zero, taken(ForcedStatus::NewAdl)]);
    let adl = &forced_orders(&bench, b, "adl_autoclose")[0];
    assert_eq!((adl.status, adl.client_order_id.as_str()), (OrderStatus::Filled, "adl_autoclose"), "REST knows no such status");
}

/// A bench where `a` holds long and, in hedge mode, short too, with orders of every kind around, and `c` is on the other side.
fn laden(hedge: bool, config: ExchangeConfig) -> (Bench, Vec<(PositionSide, &'static str)>) {
    let mut config = config;
    config.flow.enabled = false;
    let mut bench = Bench::of(config, hedge);
    let (a, c) = (bench.a, bench.c);
    let long = if hedge { Long } else { Both };
    bench.ok(c, &gtc(Side::Sell, "0.030", "60000"));
    bench.ok(a, &gtc(Side::Buy, "0.030", "60000").on_leg(long));
    let mut legs = vec![(long, "0.030")];
    if hedge {
        bench.ok(c, &gtc(Side::Buy, "0.010", "60000"));
        bench.ok(a, &gtc(Side::Sell, "0.010", "60000").on_leg(Short));
        legs.push((Short, "-0.010"));
    }
    (bench, legs)
}

/// How the stream told `a` of each order of the exchange: what happened, the odd status, the quantity, the status.
type Telling = (ExecType, Option<ForcedStatus>, Option<rust_decimal::Decimal>, OrderStatus);

fn tellings(bench: &mut Bench, account: AccountId, prefix: &str) -> Vec<(PositionSide, Telling)> {
    let updates = bench.told(account).into_iter().filter_map(|event| match event {
        UserEvent::Order(update) if update.order.client_order_id.starts_with(prefix) => Some(update),
        _ => None,
    });
    updates
        .map(|update| {
            let quantity = update.fill.as_ref().map(|fill| fill.qty);
            (update.order.position_side, (update.exec_type, update.forced_status, quantity, update.order.status))
        })
        .collect()
}

#[test]
fn a_liquidation_by_order_ends_orders_and_closes_each_leg_on_its_own_side() {
    for hedge in [false, true] {
        let (mut bench, legs) = laden(hedge, ExchangeConfig::default());
        let (a, b, now) = (bench.a, bench.b, bench.now);
        let long = legs[0].0;
        let resting = bench.ok(a, &gtc(Side::Buy, "0.010", "59000").on_leg(long));
        let elsewhere = NewOrder::limit(ETH, Side::Buy, d("0.1"), d("2000"), TimeInForce::Gtc).on_leg(long);
        let elsewhere = bench.ok(a, &elsewhere);
        let whole = NewAlgoOrder::closing(BTC, Side::Sell, OrderType::StopMarket, d("59000")).on_leg(long);
        let whole = bench.exchange.place_algo(now, a, &whole).unwrap();
        let plain = NewAlgoOrder::market(BTC, Side::Sell, OrderType::StopMarket, d("0.010"), d("59000")).on_leg(long);
        let plain = bench.exchange.place_algo(now, a, &plain).unwrap();
        // The book takes a part of the long leg; the fund takes the rest.
        bench.ok(b, &gtc(Side::Buy, "0.012", "59500").on_leg(long));
        bench.told(a);
        assert_eq!(bench.exchange.liquidate_now(now, a, Some(BTC)).unwrap(), legs.len());
        bench.exchange.check_invariants().unwrap();
        assert_eq!((bench.status(a, &resting), bench.status(a, &elsewhere)), (OrderStatus::Expired, OrderStatus::New));
        let told = tellings(&mut bench, a, "autoclose-");
        let (new, book) = ((ExecType::New, None, None, OrderStatus::New), Some(d("0.012")));
        assert_eq!(told[0], (long, new));
        assert_eq!(told[1], (long, (ExecType::Trade, None, book, OrderStatus::PartiallyFilled)));
        assert_eq!(told[2], (long, (ExecType::Calculated, None, Some(d("0.018")), OrderStatus::Filled)));
        if hedge {
            assert_eq!(told[3..], [(Short, new), (Short, (ExecType::Calculated, None, Some(d("0.010")), OrderStatus::Filled))]);
        }
        for (leg, _) in &legs {
            assert_eq!(bench.amount(a, BTC, *leg), d("0"));
        }
        let listed = bench.exchange.force_orders(a, &ForceOrdersQuery::default()).unwrap();
        assert_eq!(listed.len(), legs.len());
        assert!(listed.iter().all(|row| row.auto_close_type == AutoCloseType::Liquidation));
        let state = |row: &exchange_sim::row::AlgoRow| {
            let rows = bench.exchange.ledger(a).unwrap().algo_orders;
            rows.into_iter().find(|other| other.algo_id == row.algo_id).unwrap().status
        };
        assert_eq!((state(&whole), state(&plain)), (AlgoStatus::Expired, AlgoStatus::New));
        assert_eq!(bench.exchange.liquidate_now(now, a, Some(BTC)).unwrap_err().code, -2024);
        assert_eq!(bench.exchange.liquidate_now(now, a, Some("NOPE")).unwrap_err().code, -1121);
        assert_eq!(bench.status(a, &elsewhere), OrderStatus::New, "nothing was held: nothing was cancelled");
        bench.exchange.cancel_algo(now, a, &AlgoRef::id(plain.algo_id)).unwrap();
    }
}

#[test]
fn each_style_tells_the_same_deeds_in_its_own_way() {
    for hedge in [false, true] {
        for style in [ForcedStyle::Plain, ForcedStyle::Unannounced, ForcedStyle::Legacy] {
            let config = ExchangeConfig { forced_style: style, ..ExchangeConfig::default() };
            let (mut bench, legs) = laden(hedge, config);
            let (a, b, now) = (bench.a, bench.b, bench.now);
            let long = legs[0].0;
            bench.ok(b, &gtc(Side::Buy, "0.002", "59500").on_leg(long));
            bench.told(a);
            bench.exchange.deleverage(now, a, BTC, long, d("0.005")).unwrap();
            bench.exchange.check_invariants().unwrap();
            let adl: Vec<Telling> = tellings(&mut bench, a, "adl_autoclose").into_iter().map(|told| told.1).collect();
            bench.exchange.liquidate_now(now, a, None).unwrap();
            bench.exchange.check_invariants().unwrap();
            let all = tellings(&mut bench, a, "autoclose-");
            let liquidation: Vec<Telling> = all.iter().filter(|told| told.0 == long).map(|told| told.1).collect();
            let (zero, some) = (None, |quantity| Some(d(quantity)));
            let announced = |exec_type| (exec_type, None, zero, OrderStatus::New);
            let book = (ExecType::Trade, None, some("0.002"), OrderStatus::PartiallyFilled);
            let plain_end = (ExecType::Calculated, None, some("0.023"), OrderStatus::Filled);
            let plain_adl = (ExecType::Trade, None, some("0.005"), OrderStatus::Filled);
            match style {
                ForcedStyle::Plain => {
                    assert_eq!(adl, [announced(ExecType::New), plain_adl]);
                    assert_eq!(liquidation, [announced(ExecType::New), book, plain_end]);
                }
                ForcedStyle::Unannounced => {
                    assert_eq!((adl, liquidation), (vec![plain_adl], vec![book, plain_end]), "no NEW");
                }
                ForcedStyle::Legacy => {
                    let (new_adl, insurance) = (Some(ForcedStatus::NewAdl), Some(ForcedStatus::NewInsurance));
                    assert_eq!(
                        adl,
                        [announced(ExecType::Calculated), (ExecType::Calculated, new_adl, some("0.005"), OrderStatus::Filled)]
                    );
                    let end = (ExecType::Calculated, insurance, some("0.023"), OrderStatus::Filled);
                    assert_eq!(liquidation, [announced(ExecType::Calculated), book, end]);
                }
            }
            // Of the end of a symbol the older editions have no word of their own.
            bench.exchange.settle_symbol(now, BTC).unwrap();
            bench.exchange.check_invariants().unwrap();
            let settled: Vec<ExecType> =
                tellings(&mut bench, b, "settlement_autoclose-").into_iter().map(|(_, told)| told.0).collect();
            let announced = style != ForcedStyle::Unannounced;
            assert_eq!(settled, if announced { vec![ExecType::New, ExecType::Trade] } else { vec![ExecType::Trade] });
        }
    }
}

#[test]
fn a_delivery_closes_at_mark_in_both_modes() {
    for hedge in [false, true] {
        let (mut bench, legs) = laden(hedge, ExchangeConfig::default());
        let (a, now) = (bench.a, bench.now);
        bench.told(a);
        bench.exchange.deliver_symbol(now, BTC).unwrap();
        bench.exchange.check_invariants().unwrap();
        let told = tellings(&mut bench, a, "delivery_autoclose-");
        assert_eq!(told.len(), 2 * legs.len(), "NEW and TRADE of each leg");
        for (leg, amount) in legs {
            let quantity = Some(d(amount).abs());
            assert!(told.contains(&(leg, (ExecType::Trade, None, quantity, OrderStatus::Filled))));
            assert_eq!(bench.amount(a, BTC, leg), d("0"));
        }
        assert!(bench.exchange.force_orders(a, &ForceOrdersQuery::default()).unwrap().is_empty());
    }
}

#[test]
fn counterparties_in_hedge_mode_are_deleveraged_on_the_leg_that_stands_against() {
    let mut config = ExchangeConfig { backstop: Backstop::Deleverage, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, true);
    let (a, b, c, now) = (bench.a, bench.b, bench.c, bench.now);
    // `b` holds both legs; only its short one stands against the long leg of `a`.
    bench.ok(c, &gtc(Side::Sell, "0.020", "60000"));
    bench.ok(b, &gtc(Side::Buy, "0.020", "60000").on_leg(Long));
    bench.ok(b, &gtc(Side::Sell, "0.030", "60000").on_leg(Short));
    bench.ok(a, &gtc(Side::Buy, "0.030", "60000").on_leg(Long));
    bench.told(b);
    bench.exchange.liquidate_now(now, a, None).unwrap();
    bench.exchange.check_invariants().unwrap();
    let short_first = [bench.amount(b, BTC, Long), bench.amount(a, BTC, Long)];
    assert_eq!(short_first, [d("0.020"), d("0")]);
    let taken = d("0.030") + bench.amount(b, BTC, Short) + (d("0.020") + bench.amount(c, BTC, Both));
    assert_eq!(taken, d("0.030"), "the shorts gave all of it");
    assert!(forced_orders(&bench, b, "adl_autoclose-").iter().all(|row| row.position_side == Short && row.side == Side::Buy));
}

#[test]
fn a_liquidation_that_takes_its_time_lets_the_account_do_nothing() {
    for hedge in [false, true] {
        let (mut bench, legs) = laden(hedge, ExchangeConfig::default());
        let (a, b, now) = (bench.a, bench.b, bench.now);
        let long = legs[0].0;
        let resting = bench.ok(a, &gtc(Side::Buy, "0.010", "59000").on_leg(long));
        bench.exchange.liquidate_within(now, a, None, 500).unwrap();
        assert_eq!(bench.exchange.liquidate_within(now, a, None, 500).unwrap_err().code, -2023);
        assert_eq!(bench.status(a, &resting), OrderStatus::Expired);
        assert_eq!(bench.amount(a, BTC, long), d("0.030"), "still held");
        assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000").on_leg(long)), -2023);
        let stop = NewAlgoOrder::market(BTC, Side::Sell, OrderType::StopMarket, d("0.010"), d("59000")).on_leg(long);
        assert_eq!(bench.exchange.place_algo(now, a, &stop).unwrap_err().code, -2023);
        bench.ok(b, &gtc(Side::Buy, "0.010", "59000").on_leg(long));
        bench.told(a);
        bench.exchange.advance(now + 499);
        assert!(bench.told(a).is_empty());
        bench.exchange.advance(now + 500);
        bench.exchange.check_invariants().unwrap();
        assert!(!tellings(&mut bench, a, "autoclose-").is_empty());
        for (leg, _) in legs {
            assert_eq!(bench.amount(a, BTC, leg), d("0"));
        }
        bench.now = now + 500;
        bench.ok(a, &gtc(Side::Buy, "0.010", "58000").on_leg(long));
    }
}

#[test]
fn before_its_settlement_a_symbol_takes_only_what_closes() {
    for hedge in [false, true] {
        let (mut bench, legs) = laden(hedge, ExchangeConfig::default());
        let (a, now) = (bench.a, bench.now);
        let long = legs[0].0;
        bench.exchange.set_symbol_status(now, BTC, SymbolStatus::PreSettle).unwrap();
        assert_eq!(bench.refused(a, &gtc(Side::Buy, "0.010", "59000").on_leg(long)), -4140);
        let close = gtc(Side::Sell, "0.010", "61000").on_leg(long);
        bench.ok(a, &if hedge { close } else { close.reducing() });
        let whole = NewAlgoOrder::closing(BTC, Side::Sell, OrderType::StopMarket, d("59000")).on_leg(long);
        bench.exchange.place_algo(now, a, &whole).unwrap();
        let open = NewAlgoOrder::market(BTC, Side::Buy, OrderType::StopMarket, d("0.010"), d("61000")).on_leg(long);
        assert_eq!(bench.exchange.place_algo(now, a, &open).unwrap_err().code, -4140);
    }
}
