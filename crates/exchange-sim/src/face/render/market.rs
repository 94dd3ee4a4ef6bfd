//! JSON of market data, of REST and of the market streams.
//!
//! Fields: USDⓈ-M market data pages of 2026-05-28; rate limits and filters as seen in exchangeInfo of 2026-09.

use rust_decimal::Decimal;

use super::super::json::{Obj, array, padded, quoted, trimmed};
use super::super::limits::Limits;
use super::order::Grid;
use crate::event::DepthChange;
use crate::row::{
    BookTickerRow, ContractRow, DepthRow, FundingRow, KlineRow, OrderRow, PremiumRow, PublicTradeRow, Ticker24hRow,
};
use crate::symbol::{Bracket, SymbolSpec};
use crate::types::{Interval, Ms};

/// `GET /fapi/v1/exchangeInfo`.
/// Each symbol comes with the sides that may only reduce.
pub(in super::super) fn exchange_info<'a>(
    symbols: impl Iterator<Item = (&'a SymbolSpec, &'static str)>,
    limits: &Limits,
    now: Ms,
) -> String {
    let rate = |kind: &str, interval: &str, number: u32, limit: u32| {
        Obj::new().text("rateLimitType", kind).text("interval", interval).num("intervalNum", number).num("limit", limit).end()
    };
    let rates = array([
        rate("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_1m),
        rate("ORDERS", "MINUTE", 1, limits.orders_1m),
        rate("ORDERS", "SECOND", 10, limits.orders_10s),
    ]);
    let asset = |name: &str, exchange: &str| {
        Obj::new().text("asset", name).num("marginAvailable", true).raw("autoAssetExchange", exchange).end()
    };
    Obj::new()
        .text("timezone", "UTC")
        .num("serverTime", now)
        .text("futuresType", "U_MARGINED")
        .raw("rateLimits", &rates)
        .raw("exchangeFilters", "[]")
        .raw("assets", &array([asset("USDT", "\"-10000\""), asset("BNB", "\"-10\"")]))
        .raw("symbols", &array(symbols.map(|(spec, control)| symbol(spec, control))))
        .end()
}

fn symbol(spec: &SymbolSpec, control: &str) -> String {
    let filter = |kind: &str| Obj::new().text("filterType", kind);
    let lot = |kind: &str, min: Decimal, max: Decimal, step: Decimal| {
        filter(kind).dec("maxQty", max).dec("minQty", min).dec("stepSize", step).end()
    };
    let filters = array([
        filter("PRICE_FILTER")
            .pad("maxPrice", spec.max_price, spec.price_precision.min(2))
            .dec("minPrice", spec.min_price)
            .pad("tickSize", spec.tick_size, spec.tick_size.scale())
            .end(),
        lot("LOT_SIZE", spec.min_qty, spec.max_qty, spec.step_size),
        lot("MARKET_LOT_SIZE", spec.market_min_qty, spec.market_max_qty, spec.market_step_size),
        filter("MAX_NUM_ORDERS").num("limit", spec.max_num_orders).end(),
        filter("MIN_NOTIONAL").dec("notional", spec.min_notional).end(),
        filter("PERCENT_PRICE")
            .pad("multiplierUp", spec.multiplier_up, 4)
            .pad("multiplierDown", spec.multiplier_down, 4)
            .text("multiplierDecimal", "4")
            .end(),
        filter("POSITION_RISK_CONTROL").text("positionControlSide", control).end(),
    ]);
    let words = |words: &[&str]| array(words.iter().map(|word| quoted(word)));
    Obj::new()
        .text("symbol", &spec.symbol)
        .text("pair", &spec.symbol)
        .text("contractType", "PERPETUAL")
        .num("deliveryDate", spec.delivery_date)
        .num("onboardDate", spec.onboard_date)
        .text("status", spec.status.as_str())
        .text("maintMarginPercent", "2.5000")
        .text("requiredMarginPercent", "5.0000")
        .text("baseAsset", &spec.base_asset)
        .text("quoteAsset", &spec.quote_asset)
        .text("marginAsset", &spec.quote_asset)
        .num("pricePrecision", spec.price_precision)
        .num("quantityPrecision", spec.quantity_precision)
        .num("baseAssetPrecision", 8)
        .num("quotePrecision", 8)
        .text("underlyingType", "COIN")
        .raw("underlyingSubType", "[\"Layer-1\"]")
        .text("triggerProtect", &padded(spec.trigger_protect, 4))
        .text("liquidationFee", &padded(spec.liquidation_fee, 6))
        .text("marketTakeBound", &padded(spec.market_take_bound, 2))
        .num("maxMoveOrderLimit", 10_000)
        .raw("filters", &filters)
        // The conditional types are still listed although /order refuses them.
        .raw(
            "orderTypes",
            &words(&["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]),
        )
        .raw("timeInForce", &words(&["GTC", "IOC", "FOK", "GTX", "GTD"]))
        .end()
}

fn levels(levels: &[(Decimal, Decimal)], grid: Grid) -> String {
    array(levels.iter().map(|(price, qty)| format!("[\"{}\",\"{}\"]", padded(*price, grid.price()), padded(*qty, grid.qty()))))
}

/// `GET /fapi/v1/depth`.
pub(in super::super) fn depth(row: &DepthRow, grid: Grid) -> String {
    Obj::new()
        .num("lastUpdateId", row.last_update_id)
        .num("E", row.time)
        .num("T", row.time)
        .raw("bids", &levels(&row.bids, grid))
        .raw("asks", &levels(&row.asks, grid))
        .end()
}

/// A row of `GET /fapi/v1/trades`.
pub(in super::super) fn trade(row: &PublicTradeRow, grid: Grid) -> String {
    Obj::new()
        .num("id", row.id)
        .pad("price", row.price, grid.price())
        .pad("qty", row.qty, grid.qty())
        .pad("quoteQty", row.quote_qty, 2)
        .num("time", row.time)
        .num("isBuyerMaker", row.is_buyer_maker)
        .num("isRPITrade", false)
        .end()
}

/// A row of `GET /fapi/v1/aggTrades`: every trade is its own aggregate.
pub(in super::super) fn agg_trade(row: &PublicTradeRow, grid: Grid) -> String {
    Obj::new()
        .num("a", row.id)
        .pad("p", row.price, grid.price())
        .pad("q", row.qty, grid.qty())
        .num("f", row.id)
        .num("l", row.id)
        .num("T", row.time)
        .num("m", row.is_buyer_maker)
        .end()
}

/// A row of `GET /fapi/v1/klines`.
pub(in super::super) fn kline(row: &KlineRow, grid: Grid) -> String {
    let price = |value| quoted(&padded(value, grid.price()));
    array([
        row.open_time.to_string(),
        price(row.open),
        price(row.high),
        price(row.low),
        price(row.close),
        quoted(&padded(row.volume, grid.qty())),
        row.close_time.to_string(),
        quoted(&padded(row.quote_volume, grid.fine())),
        row.trades.to_string(),
        quoted(&padded(row.taker_buy_volume, grid.qty())),
        quoted(&padded(row.taker_buy_quote_volume, grid.fine())),
        quoted("0"),
    ])
}

struct DayFigures {
    change: Decimal,
    percent: Decimal,
    average: Decimal,
}

fn day(row: &Ticker24hRow) -> DayFigures {
    let window = &row.window;
    let change = row.last_price - window.open;
    let percent = if window.open.is_zero() { Decimal::ZERO } else { change / window.open * Decimal::ONE_HUNDRED };
    let average = if window.volume.is_zero() { row.last_price } else { window.quote_volume / window.volume };
    DayFigures { change, percent: percent.round_dp(3), average: average.round_dp(8) }
}

/// `GET /fapi/v1/ticker/24hr`, one symbol.
pub(in super::super) fn ticker_24h(row: &Ticker24hRow, grid: Grid) -> String {
    let window = &row.window;
    let figures = day(row);
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("priceChange", figures.change, grid.price())
        .pad("priceChangePercent", figures.percent, 3)
        .pad("weightedAvgPrice", figures.average.round_dp(grid.price()), grid.price())
        .pad("lastPrice", row.last_price, grid.price())
        .pad("lastQty", row.last_qty, grid.qty())
        .pad("openPrice", window.open, grid.price())
        .pad("highPrice", window.high, grid.price())
        .pad("lowPrice", window.low, grid.price())
        .pad("volume", window.volume, grid.qty())
        .pad("quoteVolume", window.quote_volume, 2)
        .num("openTime", window.open_time)
        .num("closeTime", window.close_time)
        .num("firstId", row.first_id)
        .num("lastId", row.last_id)
        .num("count", window.trades)
        .end()
}

/// `GET /fapi/v1/ticker/bookTicker`, one symbol.
pub(in super::super) fn book_ticker(row: &BookTickerRow, grid: Grid) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("bidPrice", row.bid_price, grid.price())
        .pad("bidQty", row.bid_qty, grid.qty())
        .pad("askPrice", row.ask_price, grid.price())
        .pad("askQty", row.ask_qty, grid.qty())
        .num("time", row.time)
        .num("lastUpdateId", row.update_id)
        .end()
}

/// `GET /fapi/v1/premiumIndex`, one symbol.
pub(in super::super) fn premium(row: &PremiumRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("markPrice", row.mark_price, 8)
        .pad("indexPrice", row.index_price, 8)
        .pad("estimatedSettlePrice", row.estimated_settle_price, 8)
        .pad("lastFundingRate", row.last_funding_rate, 8)
        .pad("interestRate", row.interest_rate, 8)
        .num("nextFundingTime", row.next_funding_time)
        .num("time", row.time)
        .end()
}

/// `GET /fapi/v1/openInterest`.
pub(in super::super) fn open_interest(symbol: &str, open: Decimal, now: Ms, grid: Grid) -> String {
    Obj::new().pad("openInterest", open, grid.qty()).text("symbol", symbol).num("time", now).end()
}

/// A row of `GET /fapi/v1/fundingRate`.
pub(in super::super) fn funding(row: &FundingRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("fundingRate", row.funding_rate, 8)
        .num("fundingTime", row.funding_time)
        .pad("markPrice", row.mark_price, 8)
        .text("rateType", "Regular")
        .end()
}

/// `<symbol>@bookTicker`.
pub(in super::super) fn book_ticker_event(row: &BookTickerRow, time: Ms, grid: Grid) -> String {
    Obj::new()
        .text("e", "bookTicker")
        .num("u", row.update_id)
        .text("s", &row.symbol)
        .pad("b", row.bid_price, grid.price())
        .pad("B", row.bid_qty, grid.qty())
        .pad("a", row.ask_price, grid.price())
        .pad("A", row.ask_qty, grid.qty())
        .num("T", time)
        .num("E", time)
        .end()
}

/// `<symbol>@depth`, and with `top` the best levels only.
pub(in super::super) fn depth_event(change: &DepthChange, time: Ms, grid: Grid) -> String {
    Obj::new()
        .text("e", "depthUpdate")
        .num("E", time)
        .num("T", time)
        .text("s", &change.symbol)
        .num("U", change.first_update_id)
        .num("u", change.last_update_id)
        .num("pu", change.prev_update_id)
        .raw("b", &levels(&change.bids, grid))
        .raw("a", &levels(&change.asks, grid))
        .end()
}

/// `<symbol>@aggTrade`.
pub(in super::super) fn agg_trade_event(row: &PublicTradeRow, time: Ms, grid: Grid) -> String {
    Obj::new()
        .text("e", "aggTrade")
        .num("E", time)
        .num("a", row.id)
        .text("s", &row.symbol)
        .pad("p", row.price, grid.price())
        .pad("q", row.qty, grid.qty())
        .pad("nq", row.qty, grid.qty())
        .num("f", row.id)
        .num("l", row.id)
        .num("T", row.time)
        .num("m", row.is_buyer_maker)
        .end()
}

/// `<symbol>@trade`.
pub(in super::super) fn trade_event(row: &PublicTradeRow, time: Ms, grid: Grid) -> String {
    Obj::new()
        .text("e", "trade")
        .num("E", time)
        .num("T", row.time)
        .text("s", &row.symbol)
        .num("t", row.id)
        .pad("p", row.price, grid.price())
        .pad("q", row.qty, grid.qty())
        .text("X", "MARKET")
        .num("m", row.is_buyer_maker)
        .end()
}

/// `<symbol>@markPrice`.
pub(in super::super) fn mark_price_event(row: &PremiumRow, time: Ms) -> String {
    Obj::new()
        .text("e", "markPriceUpdate")
        .num("E", time)
        .text("s", &row.symbol)
        .pad("p", row.mark_price, 8)
        .pad("ap", row.mark_price, 8)
        .pad("P", row.estimated_settle_price, 8)
        .pad("i", row.index_price, 8)
        .pad("r", row.last_funding_rate, 8)
        .num("T", row.next_funding_time)
        .end()
}

/// `<symbol>@kline_<interval>`.
pub(in super::super) fn kline_event(symbol: &str, interval: Interval, row: &KlineRow, time: Ms, grid: Grid) -> String {
    let candle = Obj::new()
        .num("t", row.open_time)
        .num("T", row.close_time)
        .text("s", symbol)
        .text("i", interval.as_str())
        .num("f", -1)
        .num("L", -1)
        .pad("o", row.open, grid.price())
        .pad("c", row.close, grid.price())
        .pad("h", row.high, grid.price())
        .pad("l", row.low, grid.price())
        .pad("v", row.volume, grid.qty())
        .num("n", row.trades)
        .num("x", time > row.close_time)
        .pad("q", row.quote_volume, grid.fine())
        .pad("V", row.taker_buy_volume, grid.qty())
        .pad("Q", row.taker_buy_quote_volume, grid.fine())
        .text("B", "0")
        .end();
    Obj::new().text("e", "kline").num("E", time).text("s", symbol).raw("k", &candle).end()
}

/// `<symbol>@ticker`.
pub(in super::super) fn ticker_event(row: &Ticker24hRow, time: Ms, grid: Grid) -> String {
    let window = &row.window;
    let figures = day(row);
    Obj::new()
        .text("e", "24hrTicker")
        .num("E", time)
        .text("s", &row.symbol)
        .pad("p", figures.change, grid.price())
        .pad("P", figures.percent, 3)
        .pad("w", figures.average.round_dp(grid.price()), grid.price())
        .pad("c", row.last_price, grid.price())
        .pad("Q", row.last_qty, grid.qty())
        .pad("o", window.open, grid.price())
        .pad("h", window.high, grid.price())
        .pad("l", window.low, grid.price())
        .pad("v", window.volume, grid.qty())
        .pad("q", window.quote_volume, 2)
        .num("O", window.open_time)
        .num("C", window.close_time)
        .num("F", row.first_id)
        .num("L", row.last_id)
        .num("n", window.trades)
        .end()
}

/// `<symbol>@miniTicker`.
pub(in super::super) fn mini_ticker_event(row: &Ticker24hRow, time: Ms, grid: Grid) -> String {
    let window = &row.window;
    Obj::new()
        .text("e", "24hrMiniTicker")
        .num("E", time)
        .text("s", &row.symbol)
        .pad("c", row.last_price, grid.price())
        .pad("o", window.open, grid.price())
        .pad("h", window.high, grid.price())
        .pad("l", window.low, grid.price())
        .pad("v", window.volume, grid.qty())
        .pad("q", window.quote_volume, 2)
        .end()
}

/// `<symbol>@forceOrder`.
pub(in super::super) fn force_order_event(row: &OrderRow, time: Ms) -> String {
    let order = Obj::new()
        .text("s", &row.symbol)
        .text("S", row.side.as_str())
        .text("o", "LIMIT")
        .text("f", "IOC")
        .text("q", &trimmed(row.orig_qty))
        .text("p", &trimmed(row.price))
        .text("ap", &trimmed(row.avg_price))
        .text("X", row.status.as_str())
        .text("l", &trimmed(row.executed_qty))
        .text("z", &trimmed(row.executed_qty))
        .num("T", time)
        .end();
    Obj::new().text("e", "forceOrder").num("E", time).raw("o", &order).end()
}

/// `!contractInfo`. The figures of brackets are numbers here, not strings.
///
/// Source: USDⓈ-M "Contract Info Stream", read 2026-11-23; `mi` of a bracket is one more than what the next one allows.
pub(in super::super) fn contract_event(row: &ContractRow, time: Ms) -> String {
    let event = Obj::new()
        .text("e", "contractInfo")
        .num("E", time)
        .text("s", &row.symbol)
        .text("ct", "PERPETUAL")
        .num("dt", row.delivery_date)
        .num("ot", row.onboard_date)
        .text("cs", row.status.as_str());
    let event = match &row.brackets {
        Some(brackets) => event.raw("bks", &contract_brackets(brackets)),
        None => event,
    };
    event.num("st", 1).end()
}

fn contract_brackets(brackets: &[Bracket]) -> String {
    array(brackets.iter().enumerate().map(|(at, row)| {
        let below = brackets.get(at + 1).map_or(0, |next| next.initial_leverage);
        Obj::new()
            .num("bs", row.bracket)
            .num("bnf", row.notional_floor.normalize())
            .num("bnc", row.notional_cap.normalize())
            .num("mmr", row.maint_margin_ratio.normalize())
            .num("cf", row.cum.normalize())
            .num("mi", below + 1)
            .num("ma", row.initial_leverage)
            .end()
    }))
}
