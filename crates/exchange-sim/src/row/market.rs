//! Rows of public market data: book, prices, trades, candles. Nothing of any account.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::symbol::Bracket;
use crate::types::{Ms, SymbolStatus, TradeId};

/// Best bid and ask. A side without orders has price and quantity 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookTickerRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Best bid.
    pub bid_price: Decimal,
    /// Quantity at the best bid.
    pub bid_qty: Decimal,
    /// Best ask.
    pub ask_price: Decimal,
    /// Quantity at the best ask.
    pub ask_qty: Decimal,
    /// Number of the last change of the book.
    pub update_id: u64,
    /// Time.
    pub time: Ms,
}

/// What a symbol has become, as it is announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Status.
    pub status: SymbolStatus,
    /// Time of listing.
    pub onboard_date: Ms,
    /// Time of delivery or delisting.
    pub delivery_date: Ms,
    /// The leverage brackets, where they are what changed.
    pub brackets: Option<Vec<Bracket>>,
}

/// A snapshot of the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DepthRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Number of the last change contained.
    pub last_update_id: u64,
    /// Bids, best first: price, quantity.
    pub bids: Vec<(Decimal, Decimal)>,
    /// Asks, best first: price, quantity.
    pub asks: Vec<(Decimal, Decimal)>,
    /// Time.
    pub time: Ms,
}

/// Mark price and funding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PremiumRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Mark price.
    pub mark_price: Decimal,
    /// Index price.
    pub index_price: Decimal,
    /// Estimated settlement price.
    pub estimated_settle_price: Decimal,
    /// Funding rate.
    pub last_funding_rate: Decimal,
    /// Interest rate.
    pub interest_rate: Decimal,
    /// Next funding time.
    pub next_funding_time: Ms,
    /// Time.
    pub time: Ms,
}

/// One public trade; also one aggregate trade, since every trade here is its own aggregate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicTradeRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Trade id.
    pub id: TradeId,
    /// Price.
    pub price: Decimal,
    /// Quantity.
    pub qty: Decimal,
    /// Price times quantity.
    pub quote_qty: Decimal,
    /// Time.
    pub time: Ms,
    /// Whether the buyer was the maker.
    pub is_buyer_maker: bool,
}

/// One candle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KlineRow {
    /// Open time.
    pub open_time: Ms,
    /// Close time, inclusive.
    pub close_time: Ms,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Base volume.
    pub volume: Decimal,
    /// Quote volume.
    pub quote_volume: Decimal,
    /// Trades.
    pub trades: u64,
    /// Base volume bought by takers.
    pub taker_buy_volume: Decimal,
    /// Quote volume bought by takers.
    pub taker_buy_quote_volume: Decimal,
}

/// Figures of the last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticker24hRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Open, high, low, close and volumes over the window, as one candle.
    pub window: KlineRow,
    /// Last price.
    pub last_price: Decimal,
    /// Quantity of the last trade.
    pub last_qty: Decimal,
    /// First trade of the window; -1 without trades.
    pub first_id: TradeId,
    /// Last trade of the window; -1 without trades.
    pub last_id: TradeId,
}

/// One funding of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Rate.
    pub funding_rate: Decimal,
    /// Time.
    pub funding_time: Ms,
    /// Mark price used.
    pub mark_price: Decimal,
}
