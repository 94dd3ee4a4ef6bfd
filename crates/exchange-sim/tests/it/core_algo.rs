//! Conditional orders in the core: admission, triggers, children, ends, and what is told of them in which order.

use exchange_sim::request::{AlgoRef, AllAlgoOrdersQuery, ModifyOrder, NewAlgoOrder, OrderRef};
use exchange_sim::row::AlgoRow;
use exchange_sim::types::{
    AlgoStatus, ExecType, ExpiryReason, OrderStatus, OrderType, PositionSide, PriceMatch, Side, TimeInForce, WorkingType,
};
use exchange_sim::{AccountId, AccountSpec, AlgoConfig, ExchangeConfig, UserEvent};

use crate::core_bench::{BTC, Bench, ETH, d, gtc, limit, market};

const DAY: i64 = 86_400_000;

pub(crate) fn stop(side: Side, quantity: &str, trigger: &str) -> NewAlgoOrder {
    NewAlgoOrder::market(BTC, side, OrderType::StopMarket, d(quantity), d(trigger))
}

pub(crate) fn profit(side: Side, quantity: &str, trigger: &str) -> NewAlgoOrder {
    NewAlgoOrder::market(BTC, side, OrderType::TakeProfitMarket, d(quantity), d(trigger))
}

pub(crate) fn closing(side: Side, trigger: &str) -> NewAlgoOrder {
    NewAlgoOrder::closing(BTC, side, OrderType::StopMarket, d(trigger))
}

pub(crate) fn stop_limit(side: Side, quantity: &str, trigger: &str, price: &str, tif: TimeInForce) -> NewAlgoOrder {
    NewAlgoOrder { order_type: OrderType::Stop, price: Some(d(price)), time_in_force: Some(tif), ..stop(side, quantity, trigger) }
}

pub(crate) fn trailing(side: Side, quantity: &str, rate: &str) -> NewAlgoOrder {
    let bare = NewAlgoOrder::bare(BTC, side, OrderType::TrailingStopMarket);
    NewAlgoOrder { quantity: Some(d(quantity)), callback_rate: Some(d(rate)), ..bare }
}

pub(crate) fn put(bench: &mut Bench, account: AccountId, order: &NewAlgoOrder) -> AlgoRow {
    let row = bench.exchange.place_algo(bench.now, account, order).unwrap();
    bench.exchange.check_invariants().unwrap();
    row
}

pub(crate) fn refused(bench: &mut Bench, account: AccountId, order: &NewAlgoOrder) -> i32 {
    bench.exchange.place_algo(bench.now, account, order).unwrap_err().code
}

/// Makes one trade at a price between `b` and `c`, so that the contract price is there.
pub(crate) fn print_at(bench: &mut Bench, price: &str) {
    let (b, c) = (bench.b, bench.c);
    bench.ok(b, &gtc(Side::Sell, "0.001", price));
    bench.ok(c, &limit(Side::Buy, "0.001", price, TimeInForce::Ioc));
}

/// Takes what one account was told, as short words.
pub(crate) fn words(bench: &mut Bench, account: AccountId) -> Vec<String> {
    bench
        .told(account)
        .into_iter()
        .map(|event| match event {
            UserEvent::Algo(row) => format!("algo {}", row.status),
            UserEvent::Order(update) => format!("order {} {}", update.exec_type, update.order.status),
            UserEvent::TradeLite(_) => "lite".to_owned(),
            UserEvent::Account(_) => "account".to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

fn algo_news(bench: &mut Bench, account: AccountId) -> Vec<AlgoRow> {
    let rows =
        bench.told(account).into_iter().filter_map(|event| if let UserEvent::Algo(row) = event { Some(*row) } else { None });
    rows.collect()
}

pub(crate) fn truth(bench: &Bench, account: AccountId, row: &AlgoRow) -> AlgoRow {
    let rows = bench.exchange.ledger(account).unwrap().algo_orders;
    rows.into_iter().find(|other| other.algo_id == row.algo_id).unwrap()
}

fn with_delays(child_delay_ms: i64, told_delay_ms: i64) -> Bench {
    let mut config = ExchangeConfig::default();
    config.flow.enabled = false;
    config.algo = AlgoConfig { child_delay_ms, told_delay_ms, ..AlgoConfig::default() };
    Bench::of(config, false)
}

#[test]
fn a_stop_lives_in_its_own_book_until_it_triggers() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("s1"));
    assert_eq!((row.status, row.trigger_time, row.actual_order_id), (AlgoStatus::New, 0, None));
    assert!(row.algo_id > 1 << 51);
    assert_eq!(words(&mut bench, a), ["algo NEW"]);
    assert!(bench.exchange.open_orders(a, None).unwrap().is_empty());
    assert_eq!(bench.exchange.open_algo_orders(a, Some(BTC), None).unwrap(), std::slice::from_ref(&row));
    assert!(bench.exchange.open_algo_orders(a, Some(ETH), None).unwrap().is_empty());
    assert!(bench.exchange.open_algo_orders(b, None, None).unwrap().is_empty(), "not of another account");

    print_at(&mut bench, "60099.9");
    assert!(words(&mut bench, a).is_empty());
    bench.ok(b, &gtc(Side::Sell, "0.050", "60200"));
    print_at(&mut bench, "60100");
    assert_eq!(
        words(&mut bench, a),
        ["algo TRIGGERING", "algo TRIGGERED", "lite", "order NEW NEW", "account", "order TRADE FILLED", "algo FINISHED"]
    );
    let child = bench.exchange.order(a, BTC, &OrderRef::client("s1")).unwrap();
    assert_eq!((child.order_type, child.orig_type, child.status), (OrderType::Market, OrderType::Market, OrderStatus::Filled));
    let done = truth(&bench, a, &row);
    assert_eq!(
        (done.status, done.actual_order_id, done.actual_type),
        (AlgoStatus::Finished, Some(child.order_id), Some(OrderType::Market))
    );
    assert_eq!((done.actual_qty, done.actual_price, done.trigger_time), (d("0.010"), d("60200"), bench.now));
    assert!(!done.is_activated, "activated does not mean triggered");
    assert!(bench.exchange.open_algo_orders(a, None, None).unwrap().is_empty());
    let gone = bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(row.algo_id));
    assert_eq!(gone.unwrap_err().code, -2011);
}

#[test]
fn each_type_triggers_on_its_side_and_only_there() {
    // Type, side, trigger, a price that does not trigger, one that does.
    let cases = [
        (OrderType::StopMarket, Side::Buy, "60100", "60099.9", "60100"),
        (OrderType::StopMarket, Side::Sell, "59900", "59900.1", "59900"),
        (OrderType::TakeProfitMarket, Side::Buy, "59900", "59900.1", "59900"),
        (OrderType::TakeProfitMarket, Side::Sell, "60100", "60099.9", "60100"),
    ];
    for (order_type, side, trigger, short_of, there) in cases {
        for limited in [false, true] {
            let mut bench = Bench::still(false);
            let a = bench.a;
            let mut order = NewAlgoOrder::market(BTC, side, order_type, d("0.010"), d(trigger));
            if limited {
                order.order_type = if order_type == OrderType::StopMarket { OrderType::Stop } else { OrderType::TakeProfit };
                order.price = Some(d(if side == Side::Buy { "59000" } else { "61000" }));
            }
            let wrong = NewAlgoOrder { trigger_price: Some(d("60000")), ..order.clone() };
            assert_eq!(refused(&mut bench, a, &wrong), -2021, "{order_type} {side} at the present price");
            let row = put(&mut bench, a, &order);
            print_at(&mut bench, short_of);
            assert_eq!(truth(&bench, a, &row).status, AlgoStatus::New, "{order_type} {side}");
            print_at(&mut bench, there);
            let after = truth(&bench, a, &row);
            if limited {
                assert_eq!((after.status, after.actual_type), (AlgoStatus::Triggered, Some(OrderType::Limit)));
                let resting = bench.exchange.open_orders(a, Some(BTC)).unwrap();
                assert_eq!((resting[0].order_type, resting[0].price), (OrderType::Limit, order.price.unwrap()));
            } else {
                // Nobody is on the book any more: the engine refuses the market order.
                assert_eq!(after.status, AlgoStatus::Rejected, "{order_type} {side}");
            }
        }
    }
}

#[test]
fn the_working_type_chooses_the_price() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    let by_mark = NewAlgoOrder { working_type: Some(WorkingType::MarkPrice), ..stop(Side::Buy, "0.010", "60100") };
    let row = put(&mut bench, a, &by_mark);
    print_at(&mut bench, "60200");
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::New, "the contract price is not what it watches");
    bench.ok(b, &gtc(Side::Sell, "0.050", "60200"));
    bench.exchange.move_price(bench.now, BTC, d("60150")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::Finished);
    let by_last = put(&mut bench, a, &stop(Side::Sell, "0.010", "59900"));
    bench.exchange.move_price(bench.now, BTC, d("59000")).unwrap();
    assert_eq!(truth(&bench, a, &by_last).status, AlgoStatus::New, "mark alone does not move it");
}

#[test]
fn margin_is_checked_only_at_the_trigger_and_refusal_is_told_by_the_service_alone() {
    let mut bench = Bench::still(false);
    let poor =
        bench.exchange.create_account(AccountSpec { wallets: vec![("USDT".to_owned(), d("10"))], ..AccountSpec::default() });
    let b = bench.b;
    let row = put(&mut bench, poor, &stop(Side::Buy, "0.100", "60100"));
    bench.ok(b, &gtc(Side::Sell, "1", "60200"));
    bench.told(poor);
    print_at(&mut bench, "60100");
    let news = algo_news(&mut bench, poor);
    assert_eq!(news.iter().map(|row| row.status).collect::<Vec<_>>(), [AlgoStatus::Triggering, AlgoStatus::Rejected]);
    assert_eq!(news[1].reason.as_deref(), Some("Margin is insufficient."));
    let ledger = bench.exchange.ledger(poor).unwrap();
    assert!(ledger.orders.is_empty() && ledger.algo_orders[0].algo_id == row.algo_id);
}

#[test]
fn a_reduce_only_stop_without_position_or_on_the_wrong_side_is_rejected_at_the_trigger() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Buy, "1", "59000"));
    let flat = put(&mut bench, a, &stop(Side::Sell, "0.010", "59900").reducing());
    print_at(&mut bench, "59900");
    let end = truth(&bench, a, &flat);
    assert_eq!(
        (end.status, end.reason.as_deref()),
        (AlgoStatus::Rejected, Some("Reduce Only reject")),
        "seen on demo, 2026-07-30"
    );
    assert_eq!((end.trigger_time, end.actual_order_id), (bench.now, None));
    bench.give_position("-0.010", "59900");
    let wrong = put(&mut bench, a, &stop(Side::Sell, "0.010", "59800").reducing());
    print_at(&mut bench, "59800");
    let end = truth(&bench, a, &wrong);
    assert_eq!((end.status, end.reason.as_deref()), (AlgoStatus::Rejected, Some("Reduce Only reject")));
}

#[test]
fn close_position_takes_all_there_is_and_dies_with_the_position() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.give_position("0.030", "60000");
    let protection = put(&mut bench, a, &closing(Side::Sell, "59900"));
    assert_eq!((protection.quantity, protection.close_position), (d("0"), true));
    bench.give_position("0.020", "60000");
    bench.ok(b, &gtc(Side::Buy, "1", "59800"));
    print_at(&mut bench, "59900");
    assert_eq!(truth(&bench, a, &protection).actual_qty, d("0.050"), "what the leg holds at the trigger");
    assert_eq!(bench.amount(a, BTC, PositionSide::Both), d("0"));

    bench.give_position("0.010", "59900");
    let orphan = put(&mut bench, a, &closing(Side::Sell, "59500"));
    let gte = NewAlgoOrder { time_in_force: Some(TimeInForce::GteGtc), ..profit(Side::Sell, "0.010", "61000") };
    let dependent = put(&mut bench, a, &gte);
    let free = put(&mut bench, a, &profit(Side::Sell, "0.010", "61000"));
    bench.told(a);
    bench.ok(a, &market(Side::Sell, "0.010"));
    assert_eq!(truth(&bench, a, &orphan).status, AlgoStatus::Expired);
    assert_eq!(truth(&bench, a, &dependent).status, AlgoStatus::Expired);
    assert_eq!(truth(&bench, a, &free).status, AlgoStatus::New, "an ordinary one outlives the position");
    let told = words(&mut bench, a);
    assert!(told.ends_with(&["order TRADE FILLED".to_owned(), "algo EXPIRED".to_owned(), "algo EXPIRED".to_owned()]), "{told:?}");
    assert_eq!(refused(&mut bench, a, &gte), -4509);
}

#[test]
fn hedge_legs_close_on_their_own_side() {
    let mut bench = Bench::still(true);
    let (a, b, c) = (bench.a, bench.b, bench.c);
    assert_eq!(refused(&mut bench, a, &closing(Side::Sell, "59900")), -4061);
    assert_eq!(refused(&mut bench, a, &closing(Side::Buy, "60100").on_leg(PositionSide::Long)), -2022);
    assert_eq!(refused(&mut bench, a, &stop(Side::Sell, "0.010", "59900").on_leg(PositionSide::Long).reducing()), -1106);
    assert_eq!(refused(&mut bench, c, &closing(Side::Sell, "59900").on_leg(PositionSide::Long)), -4061);
    bench.ok(c, &gtc(Side::Sell, "0.010", "60000"));
    bench.ok(a, &gtc(Side::Buy, "0.010", "60000").on_leg(PositionSide::Long));
    let resting = bench.ok(a, &gtc(Side::Sell, "0.010", "61000").on_leg(PositionSide::Long));
    let part = put(&mut bench, a, &stop(Side::Sell, "0.010", "59950").on_leg(PositionSide::Long));
    let all = put(&mut bench, a, &closing(Side::Sell, "59900").on_leg(PositionSide::Long));
    bench.ok(c, &gtc(Side::Buy, "1", "59800"));
    let print = |bench: &mut Bench, price: &str| {
        bench.ok(b, &gtc(Side::Sell, "0.001", price).on_leg(PositionSide::Short));
        bench.ok(c, &limit(Side::Buy, "0.001", price, TimeInForce::Ioc));
    };
    print(&mut bench, "59950");
    assert_eq!(truth(&bench, a, &part).reason.as_deref(), Some("Reduce Only reject"), "the resting order has reserved the leg");
    print(&mut bench, "59900");
    assert_eq!(truth(&bench, a, &all).status, AlgoStatus::Finished);
    assert_eq!(bench.amount(a, BTC, PositionSide::Long), d("0"));
    assert_eq!(bench.status(a, &resting), OrderStatus::Expired);
    assert!(bench.order_news(a).iter().any(|news| (news.1, news.2) == (ExecType::Expired, ExpiryReason::ReduceOnly)));
}

#[test]
fn cancel_all_of_the_ordinary_book_leaves_conditional_orders() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100"));
    assert_eq!(bench.exchange.cancel_all(bench.now, a, BTC).unwrap(), 0);
    bench.exchange.countdown_cancel_all(bench.now, a, BTC, 100).unwrap();
    bench.exchange.advance(bench.now + 200);
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::New);
}

#[test]
fn a_trailing_stop_is_told_twice_and_follows_the_best_price() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Buy, "1", "58000"));
    let order = NewAlgoOrder { activate_price: Some(d("60200")), ..trailing(Side::Sell, "0.010", "1") };
    let row = put(&mut bench, a, &order);
    assert!(!row.is_activated);
    print_at(&mut bench, "59000");
    assert_eq!(algo_news(&mut bench, a).len(), 1, "a fall before the activation is no reason");
    print_at(&mut bench, "60200");
    let news = algo_news(&mut bench, a);
    assert_eq!((news.len(), news[0].status, news[0].is_activated), (1, AlgoStatus::New, true));
    print_at(&mut bench, "61000");
    print_at(&mut bench, "60390.1");
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::New);
    print_at(&mut bench, "60390");
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::Finished, "one percent under the highest price");

    let at_once = put(&mut bench, a, &trailing(Side::Buy, "0.010", "1"));
    assert!(!at_once.is_activated, "the reply comes before");
    let news = algo_news(&mut bench, a);
    let told: Vec<bool> = news.iter().filter(|row| row.algo_id == at_once.algo_id).map(|row| row.is_activated).collect();
    assert_eq!(told, [false, true]);
    assert_eq!(news.last().unwrap().activate_price, Some(d("58000")));
}

#[test]
fn fills_of_the_child_may_come_before_triggered() {
    let mut bench = with_delays(5, 20);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "1", "60200"));
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("late"));
    bench.told(a);
    print_at(&mut bench, "60100");
    assert_eq!(words(&mut bench, a), ["algo TRIGGERING"]);
    let racing = bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(row.algo_id));
    assert_eq!(racing.unwrap_err().code, -4117);
    assert_eq!(bench.exchange.cancel_all_algos(bench.now, a, BTC).unwrap(), 0);
    assert_eq!(refused(&mut bench, a, &stop(Side::Buy, "0.010", "60300").with_client_id("late")), -4116);

    bench.exchange.advance(bench.now + 5);
    bench.exchange.check_invariants().unwrap();
    assert_eq!(words(&mut bench, a), ["lite", "order NEW NEW", "account", "order TRADE FILLED"]);
    let open = bench.exchange.open_algo_orders(a, None, None).unwrap();
    assert_eq!((open[0].status, open[0].actual_order_id), (AlgoStatus::Triggering, None), "the service has not told it yet");
    assert!(truth(&bench, a, &row).actual_order_id.is_some(), "the ledger knows");
    bench.exchange.advance(bench.now + 25);
    bench.exchange.check_invariants().unwrap();
    assert_eq!(words(&mut bench, a), ["algo TRIGGERED", "algo FINISHED"]);
}

#[test]
fn a_limit_child_rests_and_its_cancel_finishes_the_parent() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let row = put(&mut bench, a, &stop_limit(Side::Buy, "0.010", "60100", "60000", TimeInForce::Gtc).with_client_id("kid"));
    print_at(&mut bench, "60100");
    assert_eq!(truth(&bench, a, &row).status, AlgoStatus::Triggered);
    assert!(bench.exchange.open_algo_orders(a, None, None).unwrap().is_empty());
    assert_eq!(bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(row.algo_id)).unwrap_err().code, -2011);
    bench.told(a);
    let change = ModifyOrder {
        symbol: BTC.to_owned(),
        order: OrderRef::client("kid"),
        side: Side::Buy,
        quantity: Some(d("0.010")),
        price: Some(d("59990")),
        price_match: None,
        modify_id: None,
        reduce_only: None,
        signed: None,
    };
    bench.exchange.modify(bench.now, a, &change).unwrap();
    bench.exchange.cancel(bench.now, a, BTC, &OrderRef::client("kid")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(words(&mut bench, a), ["order AMENDMENT NEW", "order CANCELED CANCELED", "algo FINISHED"]);
    assert_eq!(truth(&bench, a, &row).actual_qty, d("0"), "finished without a fill");
}

#[test]
fn times_in_force_of_the_child_end_as_the_engine_ends_them() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "0.005", "60100"));
    let order = |tif| stop_limit(Side::Buy, "0.010", "60050", "60100", tif);
    let fok = put(&mut bench, a, &order(TimeInForce::Fok));
    let gtx = put(&mut bench, a, &order(TimeInForce::Gtx));
    let ioc = put(&mut bench, a, &order(TimeInForce::Ioc));
    print_at(&mut bench, "60050");
    assert_eq!(truth(&bench, a, &fok).status, AlgoStatus::Rejected);
    assert_eq!(truth(&bench, a, &gtx).status, AlgoStatus::Rejected);
    let ended = truth(&bench, a, &ioc);
    assert_eq!((ended.status, ended.actual_qty), (AlgoStatus::Finished, d("0.005")));
}

#[test]
fn a_good_till_date_ends_the_parent_and_stays_with_the_child() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let until = bench.now + 700_000;
    let gtd = NewAlgoOrder { good_till_date: Some(until), ..stop_limit(Side::Buy, "0.010", "60100", "60000", TimeInForce::Gtd) };
    let waiting = put(&mut bench, a, &NewAlgoOrder { trigger_price: Some(d("61000")), ..gtd.clone() });
    let soon = put(&mut bench, a, &gtd);
    bench.now = until - 1_000;
    print_at(&mut bench, "60100");
    let child = bench.exchange.open_orders(a, Some(BTC)).unwrap();
    assert_eq!((child[0].time_in_force, child[0].good_till_date), (TimeInForce::Gtd, until));
    bench.exchange.advance(until);
    bench.exchange.check_invariants().unwrap();
    assert_eq!(truth(&bench, a, &waiting).status, AlgoStatus::Expired);
    assert_eq!(truth(&bench, a, &soon).status, AlgoStatus::Finished);
}

#[test]
fn price_protection_holds_back_while_the_prices_are_apart() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "1", "60100"));
    let plain = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100"));
    let guarded = put(&mut bench, a, &NewAlgoOrder { price_protect: Some(true), ..stop(Side::Buy, "0.010", "60100") });
    bench.exchange.move_price(bench.now, BTC, d("64000")).unwrap();
    bench.ok(bench.c, &market(Side::Buy, "0.010"));
    assert_eq!(truth(&bench, a, &plain).status, AlgoStatus::Finished);
    assert_eq!(truth(&bench, a, &guarded).status, AlgoStatus::Rejected);
}

#[test]
fn a_price_match_is_made_at_the_trigger() {
    let mut bench = Bench::still(false);
    let (a, b) = (bench.a, bench.b);
    let order =
        NewAlgoOrder { order_type: OrderType::Stop, price_match: Some(PriceMatch::Queue), ..stop(Side::Buy, "0.010", "60100") };
    let row = put(&mut bench, a, &order);
    bench.ok(b, &gtc(Side::Buy, "0.010", "59700"));
    print_at(&mut bench, "60100");
    assert_eq!(truth(&bench, a, &row).actual_type, Some(OrderType::Limit));
    assert_eq!(bench.exchange.open_orders(a, Some(BTC)).unwrap()[0].price, d("59700"));
}

#[test]
fn one_trigger_sets_off_the_next() {
    let mut bench = Bench::still(false);
    let (a, b, c) = (bench.a, bench.b, bench.c);
    bench.ok(c, &gtc(Side::Sell, "0.010", "60300"));
    bench.ok(c, &gtc(Side::Sell, "0.010", "60500"));
    let first = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100"));
    let second = put(&mut bench, b, &stop(Side::Buy, "0.010", "60300"));
    print_at(&mut bench, "60100");
    bench.exchange.check_invariants().unwrap();
    assert_eq!(truth(&bench, a, &first).actual_price, d("60300"));
    assert_eq!(truth(&bench, b, &second).actual_price, d("60500"));
}

#[test]
fn the_single_query_denies_live_orders_unless_told_to_be_honest() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("q"));
    for name in [AlgoRef::id(row.algo_id), AlgoRef::client("q")] {
        assert_eq!(bench.exchange.algo_order(a, &name).unwrap_err().code, -2013);
    }
    let honest = AlgoConfig { query_denies_live: false, ..bench.exchange.config().algo };
    bench.exchange.set_algo_config(honest);
    assert_eq!(bench.exchange.algo_order(a, &AlgoRef::client("q")).unwrap(), row);
    assert_eq!(bench.exchange.algo_order(a, &AlgoRef::default()).unwrap_err().code, -1102);
    assert_eq!(bench.exchange.algo_order(bench.b, &AlgoRef::id(row.algo_id)).unwrap_err().code, -2013);
    bench.exchange.set_algo_config(AlgoConfig::default());
    bench.exchange.cancel_algo(bench.now, a, &AlgoRef::client("q")).unwrap();
    assert_eq!(bench.exchange.algo_order(a, &AlgoRef::client("q")).unwrap().status, AlgoStatus::Canceled);
}

#[test]
fn the_past_is_paged_and_forgotten() {
    let mut bench = Bench::still(false);
    let a = bench.a;
    let start = bench.now;
    let mut ids = Vec::new();
    for _ in 0..5 {
        bench.now += 1_000;
        ids.push(put(&mut bench, a, &stop(Side::Buy, "0.010", "60100")).algo_id);
    }
    put(&mut bench, a, &NewAlgoOrder::market(ETH, Side::Buy, OrderType::StopMarket, d("0.010"), d("60100")));
    let all = |bench: &Bench, query: AllAlgoOrdersQuery| {
        let query = AllAlgoOrdersQuery { symbol: BTC.to_owned(), ..query };
        bench.exchange.all_algo_orders(a, &query).map(|rows| rows.iter().map(|row| row.algo_id).collect::<Vec<_>>())
    };
    let none = AllAlgoOrdersQuery::default;
    let newest_first: Vec<i64> = ids.iter().rev().copied().collect();
    assert_eq!(all(&bench, none()).unwrap(), newest_first);
    assert_eq!(all(&bench, AllAlgoOrdersQuery { limit: Some(2), ..none() }).unwrap(), newest_first[..2]);
    let from = AllAlgoOrdersQuery { algo_id: Some(ids[1]), limit: Some(2), ..none() };
    assert_eq!(all(&bench, from).unwrap(), [ids[2], ids[1]]);
    let window = AllAlgoOrdersQuery { start_time: Some(start + 2_000), end_time: Some(start + 3_000), ..none() };
    assert_eq!(all(&bench, window).unwrap(), [ids[2], ids[1]]);
    let long = AllAlgoOrdersQuery { start_time: Some(start), end_time: Some(start + 8 * DAY), ..none() };
    assert_eq!(all(&bench, long).unwrap_err().code, -4165);
    bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(ids[0])).unwrap();
    bench.exchange.advance(start + 3 * DAY + 2_000);
    assert_eq!(all(&bench, none()).unwrap().len(), 4, "three days after its creation an unfilled one is gone");
    assert_eq!(bench.exchange.algo_order(a, &AlgoRef::id(ids[0])).unwrap_err().code, -2013);
    assert_eq!(bench.exchange.ledger(a).unwrap().algo_orders.len(), 6, "the ledger forgets nothing");
}
