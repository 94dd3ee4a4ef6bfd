//! The core's background flow: deep enough to trade against, and fixed by its seed.

use exchange_sim::config::MarketData;
use exchange_sim::request::KlinesQuery;
use exchange_sim::symbol::generated_symbols;
use exchange_sim::types::{Interval, Ms, OrderStatus, Side, TimeInForce};
use exchange_sim::{Event, Exchange, ExchangeConfig, MarketEvent, UserEvent};

use crate::core_bench::{BTC, Bench, d, gtc, limit, market};

/// Runs a fixed program of a user against a seed and gives the hash of all that was traded.
fn run(seed: u64) -> u64 {
    let mut bench = Bench::flowing(seed, false);
    let a = bench.a;
    for step in 0_u32..120 {
        bench.now += 173;
        let side = if step % 3 == 0 { Side::Sell } else { Side::Buy };
        let ticker = bench.exchange.book_ticker(BTC).unwrap();
        let order = match step % 4 {
            0 => market(side, "0.020"),
            1 => limit(side, "0.050", &ticker.bid_price.to_string(), TimeInForce::Gtc),
            _ => limit(Side::Sell, "0.030", &ticker.ask_price.to_string(), TimeInForce::Gtx),
        };
        let _ = bench.exchange.place(bench.now, a, &order);
    }
    bench.exchange.check_invariants().unwrap();
    assert!(!bench.trades(a).is_empty());
    bench.exchange.ledger_hash()
}

#[test]
fn one_seed_and_one_program_give_one_ledger() {
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}

#[test]
fn splitting_the_way_there_changes_nothing() {
    let mut whole = Bench::flowing(3, false);
    whole.exchange.advance(whole.now + 20_000);
    let mut split = Bench::flowing(3, false);
    for step in 1..=200 {
        split.exchange.advance(split.now + step * 100);
    }
    assert_eq!(whole.exchange.ledger_hash(), split.exchange.ledger_hash());
}

#[test]
fn market_orders_fill_at_once_and_large_ones_over_several_levels() {
    let mut bench = Bench::flowing(5, false);
    let a = bench.a;
    for symbol in bench.exchange.symbols().iter().map(|spec| spec.symbol.to_string()).collect::<Vec<_>>() {
        let mark = bench.exchange.premium(&symbol).unwrap().mark_price;
        let spec = bench.exchange.symbol(&symbol).unwrap();
        let quantity = (d("30000") / mark / spec.step_size).floor() * spec.step_size;
        let order = exchange_sim::request::NewOrder::market(&symbol, Side::Buy, quantity);
        let row = bench.ok(a, &order);
        assert_eq!(row.status, OrderStatus::Filled, "{symbol}");
    }
    let prices: std::collections::BTreeSet<_> =
        bench.trades(a).iter().filter(|row| row.symbol.as_ref() == BTC).map(|row| row.price).collect();
    assert!(prices.len() > 1, "{prices:?}");
}

#[test]
fn orders_at_the_touch_are_filled_in_parts_within_seconds_and_far_ones_rest() {
    let mut in_parts = 0;
    for seed in 0..10 {
        let mut bench = Bench::flowing(seed, false);
        let a = bench.a;
        bench.exchange.advance(bench.now + 1_000);
        bench.now += 1_000;
        let ticker = bench.exchange.book_ticker(BTC).unwrap();
        let (side, touch) = if seed % 2 == 0 { (Side::Buy, ticker.bid_price) } else { (Side::Sell, ticker.ask_price) };
        let near = bench.ok(a, &limit(side, "0.050", &touch.to_string(), TimeInForce::Gtx));
        let far = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
        let mut filled_after = None;
        for step in 1..=300_i64 {
            bench.exchange.advance(bench.now + step * 100);
            if bench.status(a, &near) == OrderStatus::Filled {
                filled_after = Some(step * 100);
                break;
            }
        }
        bench.exchange.check_invariants().unwrap();
        assert!(filled_after.is_some(), "seed {seed}: {:?}", bench.see(a, &near));
        assert_eq!(bench.status(a, &far), OrderStatus::New);
        in_parts += usize::from(bench.trades(a).len() > 1);
        let lites = bench.told(a).iter().filter(|event| matches!(event, UserEvent::TradeLite(_))).count();
        assert_eq!(lites, bench.trades(a).len());
    }
    assert!(in_parts >= 4, "{in_parts} of 10");
}

#[test]
fn orders_better_than_fair_are_taken_in_parts() {
    for side in [Side::Buy, Side::Sell] {
        let mut config = ExchangeConfig { seed: 21, ..ExchangeConfig::default() };
        config.flow.take_percent = 0;
        let mut bench = Bench::of(config, false);
        let a = bench.a;
        let price = if side == Side::Buy { "60001.0" } else { "59999.0" };
        let order = bench.ok(a, &limit(side, "0.100", price, TimeInForce::Gtx));
        bench.exchange.advance(bench.now + 30_000);
        assert_eq!(bench.status(a, &order), OrderStatus::Filled, "{side}");
        assert!(bench.trades(a).iter().all(|trade| trade.maker));
    }
}

#[test]
fn a_moved_price_takes_everything_in_between() {
    let mut bench = Bench::flowing(9, false);
    let (a, now) = (bench.a, bench.now);
    let bid = bench.ok(a, &gtc(Side::Buy, "0.010", "59000"));
    let lower = bench.ok(a, &gtc(Side::Buy, "0.010", "57000"));
    bench.exchange.move_price(now, BTC, d("58000")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(bench.status(a, &bid), OrderStatus::Filled);
    assert_eq!(bench.status(a, &lower), OrderStatus::New);
    assert_eq!(bench.exchange.premium(BTC).unwrap().mark_price, d("58000"));
    let ticker = bench.exchange.book_ticker(BTC).unwrap();
    assert!(ticker.bid_price < d("58000") && ticker.ask_price > d("58000"));
    let ask = bench.ok(a, &gtc(Side::Sell, "0.010", "59000"));
    bench.exchange.move_price(now, BTC, d("59500")).unwrap();
    bench.exchange.check_invariants().unwrap();
    assert_eq!(bench.status(a, &ask), OrderStatus::Filled);
}

#[test]
fn the_price_walks_but_does_not_run_away() {
    let mut bench = Bench::flowing(4, false);
    let mut seen = std::collections::BTreeSet::new();
    for minute in 1..=30_i64 {
        bench.exchange.advance(bench.now + minute * 60_000);
        seen.insert(bench.exchange.premium(BTC).unwrap().mark_price);
    }
    bench.exchange.check_invariants().unwrap();
    assert!(seen.len() > 20);
    assert!(seen.iter().all(|price| (d("58800")..d("61200")).contains(price)), "{seen:?}");
    let candles = bench
        .exchange
        .klines(&KlinesQuery {
            symbol: BTC.to_owned(),
            interval: Interval::M1,
            start_time: None,
            end_time: None,
            limit: Some(10),
        })
        .unwrap();
    assert!(candles.iter().all(|candle| candle.trades > 0 && candle.low <= candle.open && candle.open <= candle.high));
}

#[test]
fn after_a_long_gap_only_the_last_steps_are_made_up_for() {
    let mut bench = Bench::flowing(4, false);
    const DAY: Ms = 24 * 3_600_000;
    bench.exchange.advance(bench.now + 30 * DAY);
    assert_eq!(bench.exchange.now(), bench.now + 30 * DAY);
    let next = bench.exchange.next_wakeup().unwrap();
    assert!(next > bench.exchange.now() && next <= bench.exchange.now() + 400);
}

#[test]
fn market_events_follow_the_book() {
    let mut bench = Bench::flowing(6, false);
    bench.exchange.set_market_data(MarketData { book_ticker: true, depth: true, trades: true, mark_price: true });
    bench.exchange.advance(bench.now + 5_000);
    let mut last_update = None;
    let (mut tickers, mut marks, mut trades) = (0, 0, 0);
    for event in bench.exchange.take_events() {
        let Event::Market { event, .. } = event else { continue };
        match event {
            MarketEvent::BookTicker(row) => {
                tickers += 1;
                assert!(row.bid_price < row.ask_price);
            }
            MarketEvent::Depth(change) if change.symbol.as_ref() == BTC => {
                assert!(last_update.is_none_or(|last| last == change.prev_update_id));
                last_update = Some(change.last_update_id);
            }
            MarketEvent::MarkPrice(_) => marks += 1,
            MarketEvent::Trade(_) => trades += 1,
            MarketEvent::Depth(_) | MarketEvent::ForceOrder(_) | MarketEvent::Contract(_) => {}
        }
    }
    assert!(tickers > 10 && trades > 10, "{tickers} {trades}");
    assert_eq!(marks, 5 * 4);
    assert_eq!(last_update, Some(bench.exchange.depth(BTC, 5).unwrap().last_update_id));
}

#[test]
fn many_symbols_flow_together() {
    let config = ExchangeConfig { symbols: generated_symbols(40), ..ExchangeConfig::default() };
    let now = config.start_ms;
    let mut exchange = Exchange::new(config).unwrap();
    exchange.advance(now + 5_000);
    exchange.check_invariants().unwrap();
    for spec in exchange.symbols() {
        let depth = exchange.depth(&spec.symbol, 5).unwrap();
        assert!(depth.bids.len() == 5 && depth.asks.len() == 5, "{}", spec.symbol);
    }
}
