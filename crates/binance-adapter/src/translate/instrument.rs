//! A symbol of `exchangeInfo` as an instrument: grids, bounds, status. Precision fields are not used: they are not the grid.

use exec_core::{
    ids::Asset,
    instrument::{Grid, Instrument, PercentPrice, TradingStatus},
    time::VenueTime,
};
use rust_decimal::Decimal;
use thiserror::Error;

use super::{Symbols, TranslateError};
use crate::wire::{ContractStatus, ContractType, Dec, Filter, FilterType, SymbolInfo};

/// A symbol that cannot be traded through this adapter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstrumentError {
    /// A name or number that cannot be one.
    #[error("{0}")]
    Translate(#[from] TranslateError),
    /// A filter without which orders cannot be formed.
    #[error("symbol `{symbol}` has no complete {filter}")]
    Incomplete {
        /// Which symbol.
        symbol: String,
        /// Which filter.
        filter: &'static str,
    },
}

/// The delivery date of what has none: 2100-12-25.
const NO_DELIVERY: i64 = 4_133_404_800_000;

/// Translates a symbol.
///
/// # Errors
/// [`InstrumentError`]: the symbol is left out, so that orders on it are denied.
pub fn instrument(symbols: &Symbols, info: &SymbolInfo<'_>) -> Result<Instrument, InstrumentError> {
    let symbol = info.symbol.as_str();
    let id = symbols.instrument(symbol).map_err(TranslateError::from)?;
    let asset = |text: &str| Asset::new(text).map_err(TranslateError::from);
    let filter = |kind: &FilterType<'_>| info.filters.iter().find(|filter| filter.kind == *kind);
    let missing = |filter| InstrumentError::Incomplete { symbol: symbol.to_owned(), filter };
    let price = filter(&FilterType::Price).and_then(price_grid).ok_or_else(|| missing("PRICE_FILTER"))?;
    let lot = filter(&FilterType::LotSize).and_then(lot_grid).ok_or_else(|| missing("LOT_SIZE"))?;
    Ok(Instrument {
        id,
        symbol: symbol.to_owned(),
        base: asset(info.base.as_str())?,
        quote: asset(info.quote.as_str())?,
        settle: asset(info.margin.as_str())?,
        status: status(&info.status, &info.contract_type),
        price,
        market_lot: filter(&FilterType::MarketLotSize).and_then(lot_grid).unwrap_or(lot),
        lot,
        notional_min: filter(&FilterType::MinNotional)
            .and_then(|filter| filter.notional)
            .map_or(Decimal::ZERO, |notional| notional.0),
        percent_price: filter(&FilterType::PercentPrice)
            .and_then(|filter| Some(PercentPrice { up: filter.multiplier_up?.0, down: filter.multiplier_down?.0 })),
        open_orders_max: filter(&FilterType::MaxNumOrders).and_then(|filter| filter.limit),
        delivery: info.delivery_date.filter(|at| *at < NO_DELIVERY).map(VenueTime),
    })
}

fn price_grid(filter: &Filter<'_>) -> Option<Grid> {
    grid(filter.min_price, filter.max_price, filter.tick_size)
}

fn lot_grid(filter: &Filter<'_>) -> Option<Grid> {
    grid(filter.min_qty, filter.max_qty, filter.step_size)
}

fn grid(min: Option<Dec>, max: Option<Dec>, step: Option<Dec>) -> Option<Grid> {
    Some(Grid { min: min?.0, max: max?.0, step: step?.0 })
}

fn status(status: &ContractStatus<'_>, contract: &ContractType<'_>) -> TradingStatus {
    match (status, contract) {
        // TradFi perpetuals have sessions and need an agreement; without both known, nothing is traded.
        (ContractStatus::Trading, ContractType::TradifiPerpetual | ContractType::Other(_)) => TradingStatus::Halted,
        (ContractStatus::Trading, _) => TradingStatus::Trading,
        (
            ContractStatus::PendingTrading
            | ContractStatus::TradingHalt
            | ContractStatus::TradingCancelOnly
            | ContractStatus::PreDelivering
            | ContractStatus::Other(_),
            _,
        ) => TradingStatus::Halted,
        (
            ContractStatus::Delivering
            | ContractStatus::Delivered
            | ContractStatus::PreSettle
            | ContractStatus::Settling
            | ContractStatus::Close,
            _,
        ) => TradingStatus::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(status: &str, contract: &str, filters: &str) -> Result<Instrument, InstrumentError> {
        let text = format!(
            r#"{{"symbol":"币安人生USDT","pair":"币安人生USDT","contractType":"{contract}","deliveryDate":4133404800000,"status":"{status}","baseAsset":"币安人生","quoteAsset":"USDT","marginAsset":"USDT","filters":[{filters}]}}"#
        );
        instrument(&Symbols::default(), &crate::wire::read(&text).unwrap())
    }

    const FILTERS: &str = r#"{"filterType":"PRICE_FILTER","maxPrice":"300","minPrice":"0.0001","tickSize":"0.0001"},
        {"filterType":"LOT_SIZE","maxQty":"10000000","minQty":"1","stepSize":"1"},
        {"filterType":"MARKET_LOT_SIZE","maxQty":"590119","minQty":"1","stepSize":"1"},
        {"filterType":"MAX_NUM_ORDERS","limit":200},
        {"filterType":"MIN_NOTIONAL","notional":"5.0"},
        {"filterType":"POSITION_RISK_CONTROL","positionControlSide":"NONE"},
        {"filterType":"PERCENT_PRICE","multiplierUp":"1.1500","multiplierDown":"0.8500","multiplierDecimal":"4"}"#;

    #[test]
    fn filters_become_grids() {
        let instrument = symbol("TRADING", "PERPETUAL", FILTERS).unwrap();
        assert_eq!(instrument.id.as_str(), "币安人生USDT-PERP.BINANCE");
        assert_eq!(instrument.price.step.to_string(), "0.0001");
        assert_eq!(
            (instrument.market_lot.max.to_string().as_str(), instrument.lot.max.to_string().as_str()),
            ("590119", "10000000")
        );
        assert_eq!((instrument.notional_min.to_string().as_str(), instrument.open_orders_max), ("5.0", Some(200)));
        assert_eq!(instrument.delivery, None, "2100 stands for never");
        assert_eq!(instrument.percent_price.unwrap().up.to_string(), "1.1500");
        assert_eq!(instrument.status, TradingStatus::Trading);
    }

    #[test]
    fn only_trading_trades() {
        for (status, expected) in [
            ("PENDING_TRADING", TradingStatus::Halted),
            ("TRADING_HALT", TradingStatus::Halted),
            ("SETTLING", TradingStatus::Closed),
            ("CLOSE", TradingStatus::Closed),
            ("SOMETHING_NEW", TradingStatus::Halted),
        ] {
            assert_eq!(symbol(status, "PERPETUAL", FILTERS).unwrap().status, expected, "{status}");
        }
        assert_eq!(symbol("TRADING", "TRADIFI_PERPETUAL", FILTERS).unwrap().status, TradingStatus::Halted);
        assert_eq!(symbol("TRADING", "", FILTERS).unwrap().status, TradingStatus::Halted);
    }

    #[test]
    fn a_symbol_without_a_grid_is_left_out() {
        assert!(matches!(symbol("TRADING", "PERPETUAL", ""), Err(InstrumentError::Incomplete { filter: "PRICE_FILTER", .. })));
    }
}
