//! What the core's history queries keep, hide and page, by the venue's windows.

use exchange_sim::request::{AllOrdersQuery, IncomeQuery, OrderRef, UserTradesQuery};
use exchange_sim::types::{Ms, Side};
use exchange_sim::{ExchangeConfig, IdSpace};

use crate::core_bench::{BTC, Bench, ETH, d, gtc};

const DAY: Ms = 24 * 3_600_000;

#[test]
fn unfilled_endings_are_purged_after_three_days_from_creation_and_all_else_after_ninety() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let canceled = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let resting = bench.ok(a, &gtc(Side::Buy, "0.010", "58000"));
    bench.give_position("0.010", "60000");
    let filled = bench.trades(a)[0].order_id;
    bench.now += 2 * DAY;
    bench.cancel(a, &canceled).unwrap();
    let known = |bench: &Bench, id| bench.exchange.order(a, BTC, &OrderRef::id(id)).is_ok();
    let start = bench.now - 2 * DAY;
    bench.exchange.advance(start + 3 * DAY);
    assert!(known(&bench, canceled.order_id));
    bench.exchange.advance(start + 3 * DAY + 1);
    assert!(!known(&bench, canceled.order_id), "a day after its cancel, three after its birth");
    assert!(known(&bench, filled) && known(&bench, resting.order_id));
    bench.exchange.advance(start + 90 * DAY + 1);
    assert!(!known(&bench, filled) && !known(&bench, resting.order_id));
    assert_eq!(bench.exchange.open_orders(a, Some(BTC)).unwrap().len(), 1, "the open list still has it");
    assert!(bench.exchange.all_orders(a, &AllOrdersQuery { order_id: Some(0), ..Default::default() }).unwrap().is_empty());
    assert_eq!(bench.exchange.ledger(a).unwrap().orders.len(), 3, "the truth forgets nothing");
}

#[test]
fn all_orders_keep_the_newest_and_user_trades_the_oldest() {
    let mut bench = Bench::still(false);
    let (a, c) = (bench.a, bench.c);
    bench.ok(c, &gtc(Side::Sell, "0.100", "60000"));
    let ids: Vec<_> = (0..5)
        .map(|_| {
            bench.now += 1_000;
            bench.ok(a, &gtc(Side::Buy, "0.010", "60000")).order_id
        })
        .collect();
    let orders =
        |query: AllOrdersQuery| bench.exchange.all_orders(a, &query).unwrap().iter().map(|row| row.order_id).collect::<Vec<_>>();
    assert_eq!(orders(AllOrdersQuery { symbol: Some(BTC.to_owned()), limit: Some(2), ..Default::default() }), ids[3..]);
    assert_eq!(orders(AllOrdersQuery { order_id: Some(ids[1]), limit: Some(2), ..Default::default() }), ids[1..3]);
    let trades = |query: UserTradesQuery| bench.exchange.user_trades(a, &query);
    let of = |symbol: &str| UserTradesQuery { symbol: symbol.to_owned(), ..Default::default() };
    let first = trades(UserTradesQuery { limit: Some(2), ..of(BTC) }).unwrap();
    assert_eq!(first.iter().map(|row| row.order_id).collect::<Vec<_>>(), ids[..2]);
    let next = trades(UserTradesQuery { from_id: Some(first[1].id + 1), limit: Some(2), ..of(BTC) }).unwrap();
    assert_eq!(next.iter().map(|row| row.order_id).collect::<Vec<_>>(), ids[2..4]);
    assert!(trades(of(ETH)).unwrap().is_empty());
    let both = UserTradesQuery { from_id: Some(1), start_time: Some(1), ..of(BTC) };
    assert_eq!(trades(both).unwrap_err().code, -1128);
    let long = UserTradesQuery { start_time: Some(bench.now - 8 * DAY), end_time: Some(bench.now), ..of(BTC) };
    assert_eq!(trades(long).unwrap_err().code, -4165);
}

#[test]
fn without_times_only_the_last_seven_days_are_listed() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    bench.give_position("0.010", "60000");
    bench.exchange.advance(bench.now + 8 * DAY);
    let of = || UserTradesQuery { symbol: BTC.to_owned(), ..Default::default() };
    assert!(bench.exchange.user_trades(a, &of()).unwrap().is_empty());
    assert_eq!(bench.exchange.user_trades(a, &UserTradesQuery { from_id: Some(0), ..of() }).unwrap().len(), 1);
    assert!(bench.exchange.income(a, &IncomeQuery::default()).unwrap().is_empty());
    let paged = |page| {
        bench
            .exchange
            .income(a, &IncomeQuery { start_time: Some(bench.now), page: Some(page), limit: Some(1), ..Default::default() })
    };
    assert_eq!((paged(1).unwrap().len(), paged(2).unwrap().len()), (1, 0));
}

#[test]
fn a_new_order_may_stay_invisible_for_the_query_lag() {
    let mut config = ExchangeConfig { query_lag_ms: 400, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, false);
    let a = bench.a;
    let order = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let seen = |bench: &Bench| bench.exchange.order(a, BTC, &OrderRef::id(order.order_id)).is_ok();
    assert!(!seen(&bench));
    bench.exchange.advance(bench.now + 400);
    assert!(seen(&bench));
}

#[test]
fn ids_may_collide_between_symbols() {
    let mut config = ExchangeConfig { ids: IdSpace::Colliding, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    let mut bench = Bench::of(config, false);
    let a = bench.a;
    let btc = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let eth = exchange_sim::request::NewOrder::limit(ETH, Side::Buy, d("0.1"), d("2400"), exchange_sim::types::TimeInForce::Gtc);
    assert_eq!(bench.ok(a, &eth).order_id, btc.order_id);
    assert_eq!(bench.exchange.ledger(a).unwrap().orders.len(), 2);
}
