//! The public record of one symbol's trades: the last trades and one candle a minute. Bounded in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::rng::Rng;
use crate::row::{KlineRow, PublicTradeRow};
use crate::types::{Interval, Ms};

const MINUTE: Ms = 60_000;
const TRADES_MAX: usize = 1_000;
const MINUTES_MAX: usize = 7 * 24 * 60;

/// Trades and candles of one symbol.
#[derive(Debug)]
pub(crate) struct Tape {
    trades: VecDeque<PublicTradeRow>,
    minutes: BTreeMap<Ms, KlineRow>,
    start: Ms,
    start_price: Decimal,
    tick: Decimal,
    seed: u64,
    last_price: Decimal,
}

impl Tape {
    /// Starts an empty record.
    pub(crate) fn new(start: Ms, start_price: Decimal, tick: Decimal, seed: u64) -> Self {
        Self { trades: VecDeque::new(), minutes: BTreeMap::new(), start, start_price, tick, seed, last_price: start_price }
    }

    /// Adds one trade.
    pub(crate) fn record(&mut self, trade: PublicTradeRow) {
        let open_time = trade.time - trade.time.rem_euclid(MINUTE);
        let candle = self.minutes.entry(open_time).or_insert_with(|| empty_candle(open_time, MINUTE, trade.price));
        candle.high = candle.high.max(trade.price);
        candle.low = candle.low.min(trade.price);
        candle.close = trade.price;
        candle.volume += trade.qty;
        candle.quote_volume += trade.quote_qty;
        candle.trades += 1;
        if !trade.is_buyer_maker {
            candle.taker_buy_volume += trade.qty;
            candle.taker_buy_quote_volume += trade.quote_qty;
        }
        self.last_price = trade.price;
        self.trades.push_back(trade);
        if self.trades.len() > TRADES_MAX {
            self.trades.pop_front();
        }
        if self.minutes.len() > MINUTES_MAX {
            self.minutes.pop_first();
        }
    }

    /// Gives the price of the last trade, or the start price.
    pub(crate) fn last_price(&self) -> Decimal {
        self.last_price
    }

    /// Gives the last trades, oldest first.
    pub(crate) fn recent(&self, limit: usize) -> Vec<PublicTradeRow> {
        self.trades.iter().skip(self.trades.len().saturating_sub(limit)).cloned().collect()
    }

    /// Gives the candles of a window, oldest first; the newest are kept.
    ///
    /// Before the exchange began there were no trades; clients that want history get a seeded one that ends at the start price.
    pub(crate) fn candles(&self, interval: Interval, from: Option<Ms>, to: Option<Ms>, limit: usize, now: Ms) -> Vec<KlineRow> {
        let length = interval.ms();
        let count = Ms::try_from(limit.max(1)).unwrap_or(1);
        let (from, to) = (from.map(|from| from.clamp(0, now)), to.map(|to| to.clamp(0, now)));
        let last = align(to.unwrap_or(now), length);
        let first = match (from, to) {
            (Some(from), None) => align_up(from, length),
            (Some(from), Some(_)) => align_up(from, length).max(last - (count - 1) * length),
            (None, _) => last - (count - 1) * length,
        };
        let last = last.min(first + (count - 1) * length);
        let mut rows = Vec::new();
        let mut open_time = first;
        while open_time <= last {
            rows.push(self.candle(open_time, length));
            open_time += length;
        }
        rows
    }

    /// Gives the figures of any window as one candle.
    pub(crate) fn candle(&self, open_time: Ms, length: Ms) -> KlineRow {
        let end = open_time + length;
        if end <= self.start {
            return self.history(open_time, length);
        }
        let mut total: Option<KlineRow> = None;
        for minute in self.minutes.range(open_time..end).map(|(_, minute)| minute) {
            match &mut total {
                None => total = Some(KlineRow { open_time, close_time: end - 1, ..minute.clone() }),
                Some(total) => {
                    total.high = total.high.max(minute.high);
                    total.low = total.low.min(minute.low);
                    total.close = minute.close;
                    total.volume += minute.volume;
                    total.quote_volume += minute.quote_volume;
                    total.trades += minute.trades;
                    total.taker_buy_volume += minute.taker_buy_volume;
                    total.taker_buy_quote_volume += minute.taker_buy_quote_volume;
                }
            }
        }
        total.unwrap_or_else(|| empty_candle(open_time, length, self.price_before(open_time)))
    }

    /// Gives the identifiers of the first and last kept trade since a time.
    pub(crate) fn ids_since(&self, since: Ms) -> Option<(i64, i64)> {
        let mut inside = self.trades.iter().filter(|trade| trade.time >= since).map(|trade| trade.id);
        let first = inside.next()?;
        Some((first, inside.next_back().unwrap_or(first)))
    }

    fn price_before(&self, time: Ms) -> Decimal {
        self.minutes.range(..time).next_back().map_or(self.start_price, |(_, candle)| candle.close)
    }

    fn history(&self, open_time: Ms, length: Ms) -> KlineRow {
        let open = self.history_price(open_time);
        let close = self.history_price(open_time + length);
        let middle = self.history_price(open_time + length / 2);
        let mut candle = empty_candle(open_time, length, open);
        candle.close = close;
        candle.high = open.max(close).max(middle);
        candle.low = open.min(close).min(middle);
        candle.volume = Decimal::from(length / MINUTE);
        candle.quote_volume = candle.volume * middle;
        candle.trades = u64::try_from(length / MINUTE).unwrap_or(1);
        candle.taker_buy_volume = candle.volume / Decimal::TWO;
        candle.taker_buy_quote_volume = candle.quote_volume / Decimal::TWO;
        candle
    }

    fn history_price(&self, time: Ms) -> Decimal {
        let minutes_ago = (self.start - time).max(0) / MINUTE;
        if minutes_ago == 0 {
            return self.start_price;
        }
        let deviation = Rng::new(self.seed, minutes_ago.unsigned_abs()).spread(2_000);
        let price = self.start_price + self.start_price * Decimal::new(deviation, 6);
        ((price / self.tick).round() * self.tick).max(self.tick)
    }
}

fn empty_candle(open_time: Ms, length: Ms, price: Decimal) -> KlineRow {
    KlineRow {
        open_time,
        close_time: open_time + length - 1,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Decimal::ZERO,
        quote_volume: Decimal::ZERO,
        trades: 0,
        taker_buy_volume: Decimal::ZERO,
        taker_buy_quote_volume: Decimal::ZERO,
    }
}

fn align(time: Ms, length: Ms) -> Ms {
    time - time.rem_euclid(length)
}

fn align_up(time: Ms, length: Ms) -> Ms {
    let down = align(time, length);
    if down == time { time } else { down + length }
}

/// Builds the public row of a trade.
pub(crate) fn public_trade(
    symbol: &Arc<str>,
    id: i64,
    price: Decimal,
    qty: Decimal,
    time: Ms,
    is_buyer_maker: bool,
) -> PublicTradeRow {
    PublicTradeRow { symbol: symbol.clone(), id, price, qty, quote_qty: price * qty, time, is_buyer_maker }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::dec;

    fn tape() -> Tape {
        Tape::new(600_000, dec!(100), dec!(0.1), 5)
    }

    #[test]
    fn minutes_add_up_to_longer_candles() {
        let mut tape = tape();
        let symbol: Arc<str> = "X".into();
        for (id, (price, time)) in [(dec!(101), 600_100), (dec!(99), 650_000), (dec!(105), 661_000)].into_iter().enumerate() {
            tape.record(public_trade(&symbol, i64::try_from(id).unwrap(), price, dec!(2), time, id == 1));
        }
        let one = tape.candles(Interval::M1, Some(600_000), None, 10, 670_000);
        assert_eq!(one.iter().map(|candle| candle.close).collect::<Vec<_>>(), [dec!(99), dec!(105)]);
        let five = tape.candle(600_000, Interval::M5.ms());
        assert_eq!((five.open, five.high, five.low, five.close), (dec!(101), dec!(105), dec!(99), dec!(105)));
        assert_eq!((five.volume, five.taker_buy_volume, five.trades), (dec!(6), dec!(4), 3));
    }

    #[test]
    fn history_before_the_start_is_seeded_and_joined() {
        let rows = tape().candles(Interval::M1, None, None, 8, 659_999);
        assert_eq!(rows.len(), 8);
        assert!(rows.windows(2).all(|pair| pair[0].open_time + MINUTE == pair[1].open_time));
        assert!(rows[..6].windows(2).all(|pair| pair[0].close == pair[1].open));
        assert_eq!(rows.last().unwrap().close, dec!(100));
    }
}
