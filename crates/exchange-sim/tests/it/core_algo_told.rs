//! How the Algo Service tells what it does: TRIGGERED before, between, after and late, FINISHED late, everything twice, lists that lag.

use std::collections::BTreeSet;

use exchange_sim::request::{AlgoRef, AllAlgoOrdersQuery, OrderRef};
use exchange_sim::types::{AlgoStatus, OrderStatus, Side, TimeInForce};
use exchange_sim::{AlgoConfig, Exchange, ExchangeConfig, TriggeredTold};

use crate::core_algo::{print_at, put, stop, stop_limit, truth, words};
use crate::core_bench::{BTC, Bench, d, gtc};

fn bench(algo: AlgoConfig) -> Bench {
    let mut config = ExchangeConfig { algo, ..ExchangeConfig::default() };
    config.flow.enabled = false;
    Bench::of(config, false)
}

/// Triggers a market stop of `a` and gives what `a` is told of it, now and until much later.
fn told_of_a_trigger(algo: AlgoConfig) -> (Vec<String>, Vec<String>) {
    let mut bench = bench(algo);
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "1", "60200"));
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100"));
    bench.told(a);
    print_at(&mut bench, "60100");
    let at_once = words(&mut bench, a);
    bench.exchange.advance(bench.now + 60_000);
    bench.exchange.check_invariants().unwrap();
    let end = truth(&bench, a, &row);
    assert_eq!((end.status, end.actual_qty), (AlgoStatus::Finished, d("0.010")), "all ways lead there");
    (at_once, words(&mut bench, a))
}

const CHILD: [&str; 4] = ["lite", "order NEW NEW", "account", "order TRADE FILLED"];

#[test]
fn triggered_is_told_before_between_after_or_late() {
    let told = |told| told_of_a_trigger(AlgoConfig { told, ..AlgoConfig::default() }).0;
    let (triggering, triggered, finished) = ("algo TRIGGERING", "algo TRIGGERED", "algo FINISHED");
    let [lite, new, account, trade] = CHILD;
    assert_eq!(told(TriggeredTold::First), [triggering, triggered, lite, new, account, trade, finished]);
    assert_eq!(told(TriggeredTold::Between), [triggering, lite, new, triggered, account, trade, finished]);
    assert_eq!(told(TriggeredTold::Last), [triggering, lite, new, account, trade, triggered, finished]);
    let (now, later) = told_of_a_trigger(AlgoConfig { told_delay_ms: 20, ..AlgoConfig::default() });
    assert_eq!(now, [triggering, lite, new, account, trade]);
    assert_eq!(later, [triggered, finished]);
}

#[test]
fn finished_may_come_late() {
    let mut bench = bench(AlgoConfig { finish_delay_ms: 300, ..AlgoConfig::default() });
    let (a, b) = (bench.a, bench.b);
    bench.ok(b, &gtc(Side::Sell, "1", "60200"));
    let row = put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("f"));
    print_at(&mut bench, "60100");
    bench.told(a);
    let child = bench.exchange.order(a, BTC, &OrderRef::client("f")).unwrap();
    assert_eq!((child.status, truth(&bench, a, &row).status), (OrderStatus::Filled, AlgoStatus::Triggered));
    assert_eq!(bench.exchange.cancel_algo(bench.now, a, &AlgoRef::id(row.algo_id)).unwrap_err().code, -2011);
    put(&mut bench, a, &stop(Side::Buy, "0.010", "60300").with_client_id("f"));
    bench.told(a);
    bench.exchange.advance(bench.now + 299);
    assert!(words(&mut bench, a).is_empty());
    bench.exchange.advance(bench.now + 300);
    assert_eq!(words(&mut bench, a), ["algo FINISHED"]);
}

#[test]
fn everything_may_be_told_twice() {
    let config = AlgoConfig { told_twice: true, told: TriggeredTold::Between, ..AlgoConfig::default() };
    let (now, _) = told_of_a_trigger(config);
    let algo: Vec<&str> = now.iter().map(String::as_str).filter(|word| word.starts_with("algo")).collect();
    assert_eq!(
        algo,
        ["algo TRIGGERING", "algo TRIGGERING", "algo TRIGGERED", "algo TRIGGERED", "algo FINISHED", "algo FINISHED"]
    );
    assert_eq!(now.iter().filter(|word| word.starts_with("order")).count(), 2, "only the service stutters");
}

#[test]
fn a_child_may_be_cancelled_before_its_parent_tells_of_it() {
    let mut bench = bench(AlgoConfig { told_delay_ms: 50, finish_delay_ms: 50, ..AlgoConfig::default() });
    let a = bench.a;
    let row = put(&mut bench, a, &stop_limit(Side::Buy, "0.010", "60100", "60000", TimeInForce::Gtc).with_client_id("kid"));
    print_at(&mut bench, "60100");
    assert_eq!(bench.exchange.cancel_algo(bench.now, a, &AlgoRef::client("kid")).unwrap_err().code, -4117);
    bench.exchange.cancel(bench.now, a, BTC, &OrderRef::client("kid")).unwrap();
    bench.exchange.check_invariants().unwrap();
    bench.told(a);
    bench.exchange.advance(bench.now + 49);
    assert!(words(&mut bench, a).is_empty());
    bench.exchange.advance(bench.now + 50);
    bench.exchange.check_invariants().unwrap();
    assert_eq!(words(&mut bench, a), ["algo TRIGGERED"]);
    bench.exchange.advance(bench.now + 100);
    assert_eq!(words(&mut bench, a), ["algo FINISHED"]);
    assert_eq!(truth(&bench, a, &row).actual_qty, d("0"));
}

#[test]
fn queries_lag_behind_by_what_is_promised() {
    let mut bench = bench(AlgoConfig { list_lag_ms: 1_000, told_delay_ms: 100, ..AlgoConfig::default() });
    let (a, b) = (bench.a, bench.b);
    let start = bench.now;
    bench.ok(b, &gtc(Side::Sell, "1", "60200"));
    let open = |bench: &Bench| {
        let rows = bench.exchange.open_algo_orders(a, Some(BTC), None).unwrap();
        rows.iter().map(|row| (row.client_algo_id.clone(), row.status)).collect::<Vec<_>>()
    };
    let all = |bench: &Bench| {
        let query = AllAlgoOrdersQuery { symbol: BTC.to_owned(), ..AllAlgoOrdersQuery::default() };
        bench.exchange.all_algo_orders(a, &query).unwrap().len()
    };
    put(&mut bench, a, &stop(Side::Buy, "0.010", "60100").with_client_id("one"));
    put(&mut bench, a, &stop(Side::Buy, "0.010", "60300").with_client_id("two"));
    let honest = AlgoConfig { query_denies_live: false, ..bench.exchange.config().algo };
    bench.exchange.set_algo_config(honest);
    let single =
        |bench: &Bench| bench.exchange.algo_order(a, &AlgoRef::client("two")).map(|row| row.status).map_err(|error| error.code);
    bench.exchange.advance(start + 999);
    assert_eq!(single(&bench), Err(-2013));
    assert_eq!((open(&bench).len(), all(&bench)), (0, 0), "placed, acknowledged and not listed yet");
    bench.now = start + 1_000;
    bench.exchange.advance(bench.now);
    assert_eq!((open(&bench).len(), all(&bench)), (2, 2));
    print_at(&mut bench, "60100");
    bench.exchange.cancel_algo(bench.now, a, &AlgoRef::client("two")).unwrap();
    let (new, triggering) = (AlgoStatus::New, AlgoStatus::Triggering);
    bench.exchange.advance(bench.now + 999);
    assert_eq!(open(&bench), [("one".to_owned(), new), ("two".to_owned(), new)], "both have ended and stand there still");
    assert_eq!(single(&bench), Ok(new), "cancelled, acknowledged, and NEW to the query");
    bench.exchange.advance(bench.now + 1_000);
    assert_eq!(open(&bench), [("one".to_owned(), triggering)], "it is TRIGGERING as far as the list has heard");
    assert_eq!(single(&bench), Ok(AlgoStatus::Canceled));
    bench.exchange.advance(bench.now + 1_100);
    assert!(open(&bench).is_empty());
}

#[test]
fn a_lag_beyond_the_promise_is_refused_or_cut() {
    let promised = ExchangeConfig::default().guarantees.visibility_ms;
    let over = AlgoConfig { list_lag_ms: promised + 1, ..AlgoConfig::default() };
    assert!(Exchange::new(ExchangeConfig { algo: over, ..ExchangeConfig::default() }).is_err());
    let early = AlgoConfig { finish_delay_ms: -1, ..AlgoConfig::default() };
    assert!(Exchange::new(ExchangeConfig { algo: early, ..ExchangeConfig::default() }).is_err());
    let mut bench = bench(AlgoConfig::default());
    bench.exchange.set_algo_config(over);
    assert_eq!(bench.exchange.config().algo.list_lag_ms, promised);
}

#[test]
fn the_seed_chooses_among_all_ways() {
    let varied = |seed| {
        let algo = AlgoConfig {
            child_delay_ms: 3,
            told_delay_ms: 3,
            finish_delay_ms: 3,
            told_twice: true,
            varied: true,
            ..AlgoConfig::default()
        };
        let mut config = ExchangeConfig { algo, seed, ..ExchangeConfig::default() };
        config.flow.enabled = false;
        let mut bench = Bench::of(config, false);
        let (a, b) = (bench.a, bench.b);
        bench.ok(b, &gtc(Side::Sell, "1", "60200"));
        put(&mut bench, a, &stop(Side::Buy, "0.010", "60100"));
        bench.told(a);
        print_at(&mut bench, "60100");
        bench.exchange.advance(bench.now + 1_000);
        bench.exchange.check_invariants().unwrap();
        words(&mut bench, a)
    };
    let ways: BTreeSet<Vec<String>> = (0..60).map(varied).collect();
    let place = |way: &[String], word: &str| way.iter().position(|other| other == word).unwrap();
    let (triggered, new, trade) = ("algo TRIGGERED", "order NEW NEW", "order TRADE FILLED");
    assert!(ways.iter().any(|way| place(way, triggered) < place(way, new)));
    assert!(ways.iter().any(|way| place(way, new) < place(way, triggered) && place(way, triggered) < place(way, trade)));
    assert!(ways.iter().any(|way| place(way, trade) < place(way, triggered)));
    for word in ["algo TRIGGERING", triggered, "algo FINISHED"] {
        let count = |way: &Vec<String>| way.iter().filter(|other| *other == word).count();
        assert_eq!(ways.iter().map(count).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]), "{word}");
    }
    assert_eq!(varied(7), varied(7), "equal seeds, equal ways");
}
