//! Public market data: book, prices, trades, candles.

use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::outbox::ticker_row;
use crate::request::KlinesQuery;
use crate::row::{BookTickerRow, DepthRow, FundingRow, KlineRow, PremiumRow, PublicTradeRow, Ticker24hRow};
use crate::symbol::SymbolSpec;
use crate::types::{Interval, Side};

impl Exchange {
    /// Lists the symbols in the order of the configuration, with their present figures.
    #[must_use]
    pub fn symbols(&self) -> Vec<&SymbolSpec> {
        self.markets.iter().map(|market| &market.spec).collect()
    }

    /// Gives the figures of a symbol.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, as every read here.
    pub fn symbol(&self, symbol: &str) -> Result<&SymbolSpec, ApiError> {
        self.market_index(symbol).map(|market| &self.markets[market].spec)
    }

    /// Gives the book down to `limit` levels a side.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn depth(&self, symbol: &str, limit: usize) -> Result<DepthRow, ApiError> {
        let market = &self.markets[self.market_index(symbol)?];
        let side = |side| market.book.levels(side).take(limit).map(|(price, level)| (price, level.total)).collect();
        Ok(DepthRow {
            symbol: market.spec.symbol.clone(),
            last_update_id: market.book.update_id(),
            bids: side(Side::Buy),
            asks: side(Side::Sell),
            time: self.now,
        })
    }

    /// Gives the best bid and ask.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn book_ticker(&self, symbol: &str) -> Result<BookTickerRow, ApiError> {
        let market = self.market_index(symbol)?;
        Ok(ticker_row(&self.markets[market], self.now))
    }

    /// Gives mark price and funding.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn premium(&self, symbol: &str) -> Result<PremiumRow, ApiError> {
        self.market_index(symbol).map(|market| self.premium_row(market))
    }

    /// Gives the price of the last trade; the start price before the first.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn last_price(&self, symbol: &str) -> Result<Decimal, ApiError> {
        self.market_index(symbol).map(|market| self.markets[market].tape.last_price())
    }

    /// Gives the last trades, oldest first; at most 1000 are kept.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn recent_trades(&self, symbol: &str, limit: usize) -> Result<Vec<PublicTradeRow>, ApiError> {
        self.market_index(symbol).map(|market| self.markets[market].tape.recent(limit))
    }

    /// Gives candles, oldest first. Before the exchange began they are seeded inventions that end at the start price.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn klines(&self, query: &KlinesQuery) -> Result<Vec<KlineRow>, ApiError> {
        let market = &self.markets[self.market_index(&query.symbol)?];
        let limit = query.limit.unwrap_or(500).min(1_500);
        Ok(market.tape.candles(query.interval, query.start_time, query.end_time, limit, self.now))
    }

    /// Gives the figures of the last 24 hours.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn ticker_24h(&self, symbol: &str) -> Result<Ticker24hRow, ApiError> {
        let market = &self.markets[self.market_index(symbol)?];
        let length = Interval::D1.ms();
        let since = self.now - length + 1;
        let last_qty = market.tape.recent(1).last().map_or(Decimal::ZERO, |trade| trade.qty);
        let (first_id, last_id) = market.tape.ids_since(since).unwrap_or((-1, -1));
        Ok(Ticker24hRow {
            symbol: market.spec.symbol.clone(),
            window: market.tape.candle(since, length),
            last_price: market.tape.last_price(),
            last_qty,
            first_id,
            last_id,
        })
    }

    /// Gives the last fundings, oldest first.
    ///
    /// # Errors
    ///
    /// `-1121`.
    pub fn funding_rates(&self, symbol: &str, limit: usize) -> Result<Vec<FundingRow>, ApiError> {
        let fundings = &self.markets[self.market_index(symbol)?].fundings;
        Ok(fundings.iter().skip(fundings.len().saturating_sub(limit)).cloned().collect())
    }
}
