//! What goes out on the market streams, and when. The events themselves come from the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::hub::Hub;
use super::json::array;
use super::render::{Grid, market};
use super::topic::Topic;
use crate::event::{DepthChange, MarketEvent};
use crate::exchange::Exchange;
use crate::request::KlinesQuery;
use crate::types::Ms;

const DEPTH_EVERY_MS: Ms = 100;
const KLINE_EVERY_MS: Ms = 250;
const TICKER_EVERY_MS: Ms = 1_000;
const MARK_PRICE_SLOW_MS: Ms = 3_000;

/// Collects what is sent in steps.
#[derive(Debug, Default)]
pub(super) struct MarketFeed {
    depth: BTreeMap<Arc<str>, Changes>,
    depth_at: Ms,
    kline_at: Ms,
    ticker_at: Ms,
}

/// The changes of one book since the last step.
#[derive(Debug)]
struct Changes {
    first: u64,
    last: u64,
    previous: u64,
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl MarketFeed {
    /// Sends or collects one event.
    pub(super) fn deliver(&mut self, time: Ms, event: MarketEvent, exchange: &Exchange, hub: &mut Hub) {
        let grid = |symbol: &str| exchange.symbol(symbol).map(Grid::of).ok();
        match event {
            MarketEvent::BookTicker(row) => {
                let Some(grid) = grid(&row.symbol) else { return };
                let payload = market::book_ticker_event(&row, time, grid);
                hub.publish(&Topic::BookTicker(Some(row.symbol.to_string())), &payload, |_| true);
                hub.publish(&Topic::BookTicker(None), &payload, |_| true);
            }
            MarketEvent::Depth(change) => self.collect(change),
            MarketEvent::Trade(row) => {
                let Some(grid) = grid(&row.symbol) else { return };
                let symbol = row.symbol.to_string();
                hub.publish(&Topic::AggTrade(symbol.clone()), &market::agg_trade_event(&row, time, grid), |_| true);
                hub.publish(&Topic::Trade(symbol), &market::trade_event(&row, time, grid), |_| true);
            }
            MarketEvent::MarkPrice(row) => {
                let payload = market::mark_price_event(&row, time);
                // Without a speed in its name the stream comes every three seconds.
                let due = |name: &str| name.ends_with("@1s") || time.rem_euclid(MARK_PRICE_SLOW_MS) < 1_000;
                hub.publish(&Topic::MarkPrice(Some(row.symbol.to_string())), &payload, due);
                hub.publish(&Topic::MarkPrice(None), &array([payload]), due);
            }
            MarketEvent::ForceOrder(row) => {
                let payload = market::force_order_event(&row, time);
                hub.publish(&Topic::ForceOrder(Some(row.symbol.to_string())), &payload, |_| true);
                hub.publish(&Topic::ForceOrder(None), &payload, |_| true);
            }
            MarketEvent::Contract(row) => hub.publish(&Topic::Contracts, &market::contract_event(&row, time), |_| true),
        }
    }

    fn collect(&mut self, change: DepthChange) {
        let held = self.depth.entry(change.symbol).or_insert_with(|| Changes {
            first: change.first_update_id,
            last: change.last_update_id,
            previous: change.prev_update_id,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
        });
        held.last = change.last_update_id;
        held.bids.extend(change.bids);
        held.asks.extend(change.asks);
    }

    /// Sends what is due at this time.
    pub(super) fn tick(&mut self, now: Ms, exchange: &Exchange, hub: &mut Hub) {
        if due(&mut self.depth_at, now, DEPTH_EVERY_MS) {
            self.send_depth(now, exchange, hub);
        }
        if due(&mut self.kline_at, now, KLINE_EVERY_MS) {
            send_klines(now, exchange, hub);
        }
        if due(&mut self.ticker_at, now, TICKER_EVERY_MS) {
            send_tickers(now, exchange, hub);
        }
    }

    fn send_depth(&mut self, now: Ms, exchange: &Exchange, hub: &mut Hub) {
        for (symbol, held) in std::mem::take(&mut self.depth) {
            let Ok(grid) = exchange.symbol(&symbol).map(Grid::of) else { continue };
            for levels in hub.depth_tops(&symbol) {
                let Ok(book) = exchange.depth(&symbol, levels) else { continue };
                let top = DepthChange {
                    symbol: Arc::clone(&symbol),
                    first_update_id: held.first,
                    last_update_id: held.last,
                    prev_update_id: held.previous,
                    bids: book.bids,
                    asks: book.asks,
                };
                let payload = market::depth_event(&top, now, grid);
                hub.publish(&Topic::DepthTop(symbol.to_string(), levels), &payload, |_| true);
            }
            let change = DepthChange {
                symbol: Arc::clone(&symbol),
                first_update_id: held.first,
                last_update_id: held.last,
                prev_update_id: held.previous,
                bids: held.bids.into_iter().rev().collect(),
                asks: held.asks.into_iter().collect(),
            };
            let payload = market::depth_event(&change, now, grid);
            hub.publish(&Topic::DepthDiff(symbol.to_string()), &payload, |_| true);
        }
    }
}

fn due(at: &mut Ms, now: Ms, every: Ms) -> bool {
    let due = now >= *at;
    if due {
        *at = now + every;
    }
    due
}

fn send_klines(now: Ms, exchange: &Exchange, hub: &mut Hub) {
    for (symbol, interval) in hub.klines() {
        let query = KlinesQuery { symbol: symbol.clone(), interval, start_time: None, end_time: None, limit: Some(1) };
        let (Ok(rows), Ok(spec)) = (exchange.klines(&query), exchange.symbol(&symbol)) else { continue };
        if let Some(row) = rows.last() {
            let payload = market::kline_event(&symbol, interval, row, now, Grid::of(spec));
            hub.publish(&Topic::Kline(symbol, interval), &payload, |_| true);
        }
    }
}

fn send_tickers(now: Ms, exchange: &Exchange, hub: &mut Hub) {
    let all = hub.wanted(&Topic::Ticker(None));
    let all_mini = hub.wanted(&Topic::MiniTicker(None));
    let mut full = Vec::new();
    let mut mini = Vec::new();
    for spec in exchange.symbols() {
        let symbol = spec.symbol.to_string();
        let one = Topic::Ticker(Some(symbol.clone()));
        let one_mini = Topic::MiniTicker(Some(symbol));
        if !(all || all_mini || hub.wanted(&one) || hub.wanted(&one_mini)) {
            continue;
        }
        let Ok(row) = exchange.ticker_24h(&spec.symbol) else { continue };
        let grid = Grid::of(spec);
        let (payload, payload_mini) = (market::ticker_event(&row, now, grid), market::mini_ticker_event(&row, now, grid));
        hub.publish(&one, &payload, |_| true);
        hub.publish(&one_mini, &payload_mini, |_| true);
        full.push(payload);
        mini.push(payload_mini);
    }
    if all {
        hub.publish(&Topic::Ticker(None), &array(full), |_| true);
    }
    if all_mini {
        hub.publish(&Topic::MiniTicker(None), &array(mini), |_| true);
    }
}
