//! Positions and balances as Binance reports them, in the core's words.

use exec_core::{
    ids::Asset,
    report::{BalanceReport, LegMargin, PositionReport},
    units::{Amount, Price, SignedQty},
};

use super::{Symbols, TranslateError, order::leg};
use crate::wire::{self, Dec};

/// A row of the position list.
///
/// # Errors
/// [`TranslateError`]: also for a position side that this build does not know, because a position without a leg means
/// nothing.
pub fn position(symbols: &Symbols, row: &wire::PositionRow<'_>) -> Result<PositionReport, TranslateError> {
    Ok(PositionReport {
        instrument: symbols.instrument(row.symbol.as_str())?,
        leg: known_leg(&row.position_side)?,
        qty: SignedQty::new(row.amount.0)?,
        entry_px: positive(Some(row.entry_price))?,
        mark_px: positive(row.mark_price)?,
        liquidation_px: positive(row.liquidation_price)?,
        unrealized: amount(row.unrealized_pnl)?,
        leverage: row.leverage.as_ref().and_then(|leverage| u32::try_from(leverage.number()?).ok()),
        isolated: row.margin_type.as_ref().and_then(isolated),
        margin: LegMargin { maintenance: amount(row.maint_margin)?, adl_rank: row.adl_rank },
    })
}

/// A position of the account document.
///
/// # Errors
/// [`TranslateError`].
pub fn account_position(symbols: &Symbols, row: &wire::PositionV2<'_>) -> Result<PositionReport, TranslateError> {
    Ok(PositionReport {
        instrument: symbols.instrument(row.symbol.as_str())?,
        leg: known_leg(&row.position_side)?,
        qty: SignedQty::new(row.amount.0)?,
        entry_px: positive(row.entry_price)?,
        mark_px: None,
        liquidation_px: None,
        unrealized: amount(row.unrealized_pnl)?,
        leverage: None,
        isolated: None,
        margin: exec_core::report::LegMargin::default(),
    })
}

/// A position of an account update.
///
/// # Errors
/// [`TranslateError`].
pub fn position_change(symbols: &Symbols, change: &wire::PositionChange<'_>) -> Result<PositionReport, TranslateError> {
    Ok(PositionReport {
        instrument: symbols.instrument(change.symbol.as_str())?,
        leg: known_leg(&change.position_side)?,
        qty: SignedQty::new(change.amount.0)?,
        entry_px: positive(Some(change.entry_price))?,
        mark_px: None,
        liquidation_px: None,
        unrealized: amount(change.unrealized_pnl)?,
        leverage: None,
        isolated: change.margin_type.as_ref().and_then(isolated),
        margin: exec_core::report::LegMargin::default(),
    })
}

/// A position of a margin call.
///
/// # Errors
/// [`TranslateError`].
pub fn called_position(symbols: &Symbols, called: &wire::MarginCallPosition<'_>) -> Result<PositionReport, TranslateError> {
    Ok(PositionReport {
        instrument: symbols.instrument(called.symbol.as_str())?,
        leg: known_leg(&called.position_side)?,
        qty: SignedQty::new(called.amount.0)?,
        entry_px: None,
        mark_px: positive(called.mark_price)?,
        liquidation_px: None,
        unrealized: amount(called.unrealized_pnl)?,
        leverage: None,
        isolated: called.margin_type.as_ref().and_then(isolated),
        margin: exec_core::report::LegMargin::default(),
    })
}

/// A row of the balance list.
///
/// # Errors
/// [`TranslateError`].
pub fn balance(row: &wire::BalanceRow<'_>) -> Result<BalanceReport, TranslateError> {
    Ok(BalanceReport {
        asset: Asset::new(row.asset.as_str())?,
        wallet: Amount::new(row.balance.0)?,
        available: amount(row.available)?,
    })
}

/// An asset of the account document.
///
/// # Errors
/// [`TranslateError`].
pub fn account_balance(row: &wire::AssetRow<'_>) -> Result<BalanceReport, TranslateError> {
    Ok(BalanceReport {
        asset: Asset::new(row.asset.as_str())?,
        wallet: Amount::new(row.wallet.0)?,
        available: amount(row.available)?,
    })
}

/// A balance of an account update.
///
/// # Errors
/// [`TranslateError`].
pub fn balance_change(change: &wire::BalanceChange<'_>) -> Result<BalanceReport, TranslateError> {
    Ok(BalanceReport { asset: Asset::new(change.asset.as_str())?, wallet: Amount::new(change.wallet.0)?, available: None })
}

fn known_leg(side: &wire::PositionSide<'_>) -> Result<exec_core::units::PositionSide, TranslateError> {
    leg(side).ok_or_else(|| TranslateError::Unknown { what: "position side", value: side.as_str().chars().take(40).collect() })
}

fn isolated(margin: &wire::MarginType<'_>) -> Option<bool> {
    match margin {
        wire::MarginType::Crossed => Some(false),
        wire::MarginType::Isolated => Some(true),
        wire::MarginType::Other(_) => None,
    }
}

fn positive(price: Option<Dec>) -> Result<Option<Price>, TranslateError> {
    match price {
        Some(price) if !price.0.is_zero() => Ok(Some(Price::new(price.0)?)),
        _ => Ok(None),
    }
}

fn amount(value: Option<Dec>) -> Result<Option<Amount>, TranslateError> {
    Ok(value.map(|value| Amount::new(value.0)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::units::PositionSide;

    #[test]
    fn a_short_leg_is_negative_and_has_its_leg() {
        let row: wire::PositionRow<'_> = wire::read(
            r#"{"symbol":"COMPUSDT","positionSide":"SHORT","positionAmt":"-1.000","entryPrice":"70.92841","breakEvenPrice":"70.900038636","markPrice":"49.72023376","unRealizedProfit":"21.20817624","liquidationPrice":"0","isolatedMargin":"0","notional":"-49.72023376","marginAsset":"USDT","isolatedWallet":"0","initialMargin":"2.48","maintMargin":"0.49","positionInitialMargin":"2.48","openOrderInitialMargin":"0","adl":2,"bidNotional":"0","askNotional":"0","updateTime":1708943511656}"#,
        )
        .unwrap();
        let report = position(&Symbols::default(), &row).unwrap();
        assert_eq!((report.leg, report.qty.to_string().as_str()), (PositionSide::Short, "-1.000"));
        assert_eq!((report.liquidation_px, report.entry_px.unwrap().to_string().as_str()), (None, "70.92841"));
        assert!(row.unknown.0.is_empty());
    }

    #[test]
    fn a_position_without_a_known_leg_is_refused() {
        let change: wire::PositionChange<'_> = wire::read(r#"{"s":"BTCUSDT","pa":"1","ep":"2","ps":"UPWARDS"}"#).unwrap();
        assert!(position_change(&Symbols::default(), &change).is_err());
    }
}
