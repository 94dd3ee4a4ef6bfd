//! The filters of a symbol, as refusals. Pure checks of one value against the symbol's figures.
//!
//! Source: Binance USDⓈ-M "Common Definition", filters, 2026-05-28.

use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::symbol::SymbolSpec;
use crate::types::Side;

/// Checks a price against precision and PRICE_FILTER.
pub(crate) fn check_price(spec: &SymbolSpec, price: Decimal) -> Result<(), ApiError> {
    if price <= Decimal::ZERO {
        return Err(ApiError::price_not_positive());
    }
    if price.normalize().scale() > spec.price_precision {
        return Err(ApiError::bad_precision());
    }
    if price > spec.max_price {
        return Err(ApiError::price_above_max());
    }
    if price < spec.min_price {
        return Err(ApiError::price_below_min());
    }
    if !((price - spec.min_price) % spec.tick_size).is_zero() {
        return Err(ApiError::price_off_tick());
    }
    Ok(())
}

/// Checks a quantity against precision and LOT_SIZE.
pub(crate) fn check_quantity(spec: &SymbolSpec, quantity: Decimal) -> Result<(), ApiError> {
    check_lot(spec, quantity, spec.min_qty, spec.max_qty, spec.step_size)
}

/// Checks the quantity of a MARKET order against precision, LOT_SIZE's step and MARKET_LOT_SIZE.
pub(crate) fn check_market_quantity(spec: &SymbolSpec, quantity: Decimal) -> Result<(), ApiError> {
    check_lot(spec, quantity, spec.market_min_qty, spec.market_max_qty, spec.market_step_size)
}

fn check_lot(spec: &SymbolSpec, quantity: Decimal, min: Decimal, max: Decimal, step: Decimal) -> Result<(), ApiError> {
    if quantity <= Decimal::ZERO {
        return Err(ApiError::qty_not_positive());
    }
    if quantity.normalize().scale() > spec.quantity_precision {
        return Err(ApiError::bad_precision());
    }
    if quantity < min {
        return Err(ApiError::qty_below_min());
    }
    if quantity > max {
        return Err(ApiError::qty_above_max());
    }
    if !((quantity - min) % step).is_zero() {
        return Err(ApiError::qty_off_step());
    }
    Ok(())
}

/// Checks PERCENT_PRICE, which is one-sided: buys have no floor, sells no ceiling.
pub(crate) fn check_band(spec: &SymbolSpec, side: Side, price: Decimal, mark: Decimal) -> Result<(), ApiError> {
    let limit = band(spec, side, mark);
    match side {
        Side::Buy if price > limit => Err(ApiError::price_above_band(limit.round_dp(spec.price_precision))),
        Side::Sell if price < limit => Err(ApiError::price_below_band(limit.round_dp(spec.price_precision))),
        Side::Buy | Side::Sell => Ok(()),
    }
}

/// Gives the bound of PERCENT_PRICE for a side.
pub(crate) fn band(spec: &SymbolSpec, side: Side, mark: Decimal) -> Decimal {
    match side {
        Side::Buy => mark * spec.multiplier_up,
        Side::Sell => mark * spec.multiplier_down,
    }
}

/// Gives how far a MARKET order may reach: the nearer of PERCENT_PRICE and marketTakeBound.
pub(crate) fn market_reach(spec: &SymbolSpec, side: Side, mark: Decimal) -> Decimal {
    match side {
        Side::Buy => band(spec, side, mark).min(mark * (Decimal::ONE + spec.market_take_bound)),
        Side::Sell => band(spec, side, mark).max(mark * (Decimal::ONE - spec.market_take_bound)),
    }
}

/// Checks a client order id: 1 to 36 of letters, digits and `. : / _ -`.
pub(crate) fn check_client_id(id: &str) -> Result<(), ApiError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-');
    if id.len() > 36 {
        return Err(ApiError::new(-4015, "Client order id length should not be more than 36 chars"));
    }
    if id.is_empty() || !id.bytes().all(legal) {
        return Err(ApiError::client_id_invalid());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::dec;
    use crate::symbol::default_symbols;

    fn btc() -> SymbolSpec {
        default_symbols().swap_remove(0)
    }

    fn code(result: Result<(), ApiError>) -> i32 {
        result.err().map_or(0, |error| error.code)
    }

    #[test]
    fn price_filter() {
        let spec = btc();
        assert_eq!(code(check_price(&spec, dec!(60000.10))), 0);
        assert_eq!(code(check_price(&spec, dec!(60000.15))), -4014);
        assert_eq!(code(check_price(&spec, dec!(60000.105))), -1111);
        assert_eq!(code(check_price(&spec, dec!(0))), -4001);
        assert_eq!(code(check_price(&spec, dec!(0.05))), -4013);
        assert_eq!(code(check_price(&spec, dec!(99999999))), -4002);
    }

    #[test]
    fn lot_filters() {
        let spec = btc();
        assert_eq!(code(check_quantity(&spec, dec!(0.001))), 0);
        assert_eq!(code(check_quantity(&spec, dec!(0.0015))), -1111);
        assert_eq!(code(check_quantity(&spec, dec!(0))), -4003);
        assert_eq!(code(check_quantity(&spec, dec!(5000))), -4005);
        assert_eq!(code(check_market_quantity(&spec, dec!(1000))), -4005);
        let mut coarse = btc();
        coarse.step_size = dec!(0.002);
        coarse.min_qty = dec!(0.002);
        assert_eq!(code(check_quantity(&coarse, dec!(0.001))), -4004);
        assert_eq!(code(check_quantity(&coarse, dec!(0.003))), -4023);
    }

    #[test]
    fn percent_price_is_one_sided() {
        let spec = btc();
        let mark = dec!(60000);
        assert_eq!(code(check_band(&spec, Side::Buy, dec!(63000.1), mark)), -4016);
        assert_eq!(code(check_band(&spec, Side::Buy, dec!(1), mark)), 0);
        assert_eq!(code(check_band(&spec, Side::Sell, dec!(56999.9), mark)), -4024);
        assert_eq!(code(check_band(&spec, Side::Sell, dec!(90000), mark)), 0);
    }

    #[test]
    fn client_ids() {
        assert_eq!(code(check_client_id("x-A.b:c/d_9")), 0);
        assert_eq!(code(check_client_id("")), -4015);
        assert_eq!(code(check_client_id("with space")), -4015);
        assert_eq!(code(check_client_id(&"a".repeat(37))), -4015);
        assert_eq!(code(check_client_id("币")), -4015);
    }
}
