//! Orders of the exchange itself: deleveraging of counterparties, and the settlement of a symbol that ends.

use exchange_sim::request::{ForceOrdersQuery, NewAlgoOrder};
use exchange_sim::row::OrderRow;
use exchange_sim::types::{
    AutoCloseType, ExecType, ExpiryReason, ForcedStatus, OrderStatus, OrderType, PositionSide, Side, SymbolStatus,
};
use exchange_sim::{AccountId, AccountSpec, Backstop, Event, ExchangeConfig, ForcedStyle, UserEvent};

use crate::core_bench::{BTC, Bench, d, gtc, market};

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
    assert_eq!(forced_orders(&bench, b, "adl_autoclose-")[0].status, OrderStatus::Filled, "REST knows no such status");
}
