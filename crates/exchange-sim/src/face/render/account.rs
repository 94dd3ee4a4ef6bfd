//! JSON of accounts, balances, positions and settings as REST prints them.
//!
//! Fields: USDⓈ-M account and trade pages of 2026-05-28, and a production capture of a v2 account row of 2026-09-19.

use rust_decimal::Decimal;

use super::super::json::{Obj, array, padded, trimmed};
use super::order::Grid;
use crate::row::{
    AccountConfigRow, AccountView, AssetRow, CommissionRow, IncomeRow, LeverageRow, MarginChangeRow, PositionRow, SymbolConfigRow,
};
use crate::symbol::SymbolSpec;
use crate::types::{MarginType, PositionSide};

const MONEY: u32 = 8;

fn money(value: Decimal) -> String {
    padded(value, MONEY)
}

/// Sums of money that are zero are printed bare in position rows.
fn bare(value: Decimal) -> String {
    if value.is_zero() { "0".to_owned() } else { money(value) }
}

fn entry(value: Decimal, grid: Grid) -> String {
    if value.is_zero() { "0.0".to_owned() } else { padded(value, grid.fine()) }
}

/// `GET /fapi/v2/account`: settings, all assets, one row per leg of every symbol.
pub(in super::super) fn account_v2(view: &AccountView, grid: impl Fn(&str) -> Grid) -> String {
    let config = &view.config;
    let head = Obj::new()
        .num("feeTier", config.fee_tier)
        .num("feeBurn", config.fee_burn)
        .num("canTrade", config.can_trade)
        .num("canDeposit", true)
        .num("canWithdraw", true)
        .num("updateTime", config.update_time)
        .num("multiAssetsMargin", config.multi_assets_margin)
        .num("tradeGroupId", config.trade_group_id);
    let assets = array(
        view.assets
            .iter()
            .map(|row| asset(row).num("marginAvailable", row.margin_available).num("updateTime", row.update_time).end()),
    );
    let positions = array(view.positions.iter().map(|row| {
        let grid = grid(&row.symbol);
        Obj::new()
            .text("symbol", &row.symbol)
            .text("initialMargin", &bare(row.initial_margin))
            .text("maintMargin", &bare(row.maint_margin))
            .text("unrealizedProfit", &money(row.unrealized_profit))
            .text("positionInitialMargin", &bare(row.position_initial_margin))
            .text("openOrderInitialMargin", &bare(row.open_order_initial_margin))
            .text("leverage", &row.leverage.to_string())
            .num("isolated", row.margin_type == MarginType::Isolated)
            .text("entryPrice", &entry(row.entry_price, grid))
            .text("breakEvenPrice", &entry(row.break_even_price, grid))
            .dec("maxNotional", row.max_notional)
            .text("positionSide", row.position_side.as_str())
            .pad("positionAmt", row.position_amt, grid.qty())
            .text("notional", &bare(row.notional))
            .text("isolatedWallet", &bare(row.isolated_wallet))
            .num("updateTime", row.update_time)
            .text("bidNotional", &bare(row.bid_notional))
            .text("askNotional", &bare(row.ask_notional))
            .end()
    }));
    totals(head, view).raw("assets", &assets).raw("positions", &positions).end()
}

/// `GET /fapi/v3/account`: no settings, and only legs with a position or open orders.
pub(in super::super) fn account_v3(view: &AccountView, grid: impl Fn(&str) -> Grid) -> String {
    let assets = array(view.assets.iter().map(|row| asset(row).num("updateTime", row.update_time).end()));
    let positions = array(view.positions.iter().filter(|row| row.is_active()).map(|row| {
        Obj::new()
            .text("symbol", &row.symbol)
            .text("positionSide", row.position_side.as_str())
            .pad("positionAmt", row.position_amt, grid(&row.symbol).qty())
            .text("unrealizedProfit", &money(row.unrealized_profit))
            .text("isolatedMargin", &bare(row.isolated_margin))
            .text("notional", &bare(row.notional))
            .text("isolatedWallet", &bare(row.isolated_wallet))
            .text("initialMargin", &bare(row.initial_margin))
            .text("maintMargin", &bare(row.maint_margin))
            .num("updateTime", row.update_time)
            .end()
    }));
    totals(Obj::new(), view).raw("assets", &assets).raw("positions", &positions).end()
}

fn totals(head: Obj, view: &AccountView) -> Obj {
    // Outside multi-assets mode the totals speak of USDT alone.
    let sum = |pick: fn(&AssetRow) -> Decimal| {
        let total: Decimal = view.assets.iter().filter(|row| &*row.asset == "USDT").map(pick).sum();
        money(total)
    };
    head.text("totalInitialMargin", &sum(|row| row.initial_margin))
        .text("totalMaintMargin", &sum(|row| row.maint_margin))
        .text("totalWalletBalance", &sum(|row| row.wallet_balance))
        .text("totalUnrealizedProfit", &sum(|row| row.unrealized_profit))
        .text("totalMarginBalance", &sum(|row| row.margin_balance))
        .text("totalPositionInitialMargin", &sum(|row| row.position_initial_margin))
        .text("totalOpenOrderInitialMargin", &sum(|row| row.open_order_initial_margin))
        .text("totalCrossWalletBalance", &sum(|row| row.cross_wallet_balance))
        .text("totalCrossUnPnl", &sum(|row| row.cross_un_pnl))
        .text("availableBalance", &sum(|row| row.available_balance))
        .text("maxWithdrawAmount", &sum(|row| row.max_withdraw_amount))
}

fn asset(row: &AssetRow) -> Obj {
    Obj::new()
        .text("asset", &row.asset)
        .text("walletBalance", &money(row.wallet_balance))
        .text("unrealizedProfit", &money(row.unrealized_profit))
        .text("marginBalance", &money(row.margin_balance))
        .text("maintMargin", &money(row.maint_margin))
        .text("initialMargin", &money(row.initial_margin))
        .text("positionInitialMargin", &money(row.position_initial_margin))
        .text("openOrderInitialMargin", &money(row.open_order_initial_margin))
        .text("crossWalletBalance", &money(row.cross_wallet_balance))
        .text("crossUnPnl", &money(row.cross_un_pnl))
        .text("availableBalance", &money(row.available_balance))
        .text("maxWithdrawAmount", &money(row.max_withdraw_amount))
}

/// `GET /fapi/v2/balance` and `v3`.
pub(in super::super) fn balances(view: &AccountView, alias: &str) -> String {
    array(view.assets.iter().map(|row| {
        Obj::new()
            .text("accountAlias", alias)
            .text("asset", &row.asset)
            .text("balance", &money(row.wallet_balance))
            .text("crossWalletBalance", &money(row.cross_wallet_balance))
            .text("crossUnPnl", &money(row.cross_un_pnl))
            .text("availableBalance", &money(row.available_balance))
            .text("maxWithdrawAmount", &money(row.max_withdraw_amount))
            .num("marginAvailable", row.margin_available)
            .num("updateTime", row.update_time)
            .end()
    }))
}

/// A row of `GET /fapi/v2/positionRisk`; every leg of every symbol has one.
pub(in super::super) fn position_v2(row: &PositionRow, grid: Grid) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("positionAmt", row.position_amt, grid.qty())
        .text("entryPrice", &entry(row.entry_price, grid))
        .text("breakEvenPrice", &entry(row.break_even_price, grid))
        .pad("markPrice", row.mark_price, MONEY)
        .text("unRealizedProfit", &money(row.unrealized_profit))
        .text("liquidationPrice", &trimmed(row.liquidation_price))
        .text("leverage", &row.leverage.to_string())
        .dec("maxNotionalValue", row.max_notional)
        .text("marginType", row.margin_type.stream_str())
        .text("isolatedMargin", &money(row.isolated_margin))
        // A string here, and the spelling of the profit differs from the account's.
        .text("isAutoAddMargin", "false")
        .text("positionSide", row.position_side.as_str())
        .text("notional", &bare(row.notional))
        .text("isolatedWallet", &bare(row.isolated_wallet))
        .num("updateTime", row.update_time)
        .end()
}

/// A row of `GET /fapi/v3/positionRisk`.
pub(in super::super) fn position_v3(row: &PositionRow, grid: Grid) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .text("positionSide", row.position_side.as_str())
        .pad("positionAmt", row.position_amt, grid.qty())
        .text("entryPrice", &entry(row.entry_price, grid))
        .text("breakEvenPrice", &entry(row.break_even_price, grid))
        .pad("markPrice", row.mark_price, MONEY)
        .text("unRealizedProfit", &money(row.unrealized_profit))
        .text("liquidationPrice", &trimmed(row.liquidation_price))
        .text("isolatedMargin", &bare(row.isolated_margin))
        .text("notional", &bare(row.notional))
        .text("marginAsset", &row.margin_asset)
        .text("isolatedWallet", &bare(row.isolated_wallet))
        .text("initialMargin", &bare(row.initial_margin))
        .text("maintMargin", &bare(row.maint_margin))
        .text("positionInitialMargin", &bare(row.position_initial_margin))
        .text("openOrderInitialMargin", &bare(row.open_order_initial_margin))
        .num("adl", row.adl)
        .text("bidNotional", &bare(row.bid_notional))
        .text("askNotional", &bare(row.ask_notional))
        .num("updateTime", row.update_time)
        .end()
}

/// `GET /fapi/v1/accountConfig`.
pub(in super::super) fn config(row: &AccountConfigRow) -> String {
    Obj::new()
        .num("feeTier", row.fee_tier)
        .num("canTrade", row.can_trade)
        .num("canDeposit", true)
        .num("canWithdraw", true)
        .num("dualSidePosition", row.dual_side_position)
        .num("updateTime", row.update_time)
        .num("multiAssetsMargin", row.multi_assets_margin)
        .num("tradeGroupId", row.trade_group_id)
        .end()
}

/// A row of `GET /fapi/v1/symbolConfig`.
pub(in super::super) fn symbol_config(row: &SymbolConfigRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .text("marginType", row.margin_type.as_str())
        .num("isAutoAddMargin", row.is_auto_add_margin)
        .num("leverage", row.leverage)
        .dec("maxNotionalValue", row.max_notional_value)
        .end()
}

/// The reply to a change of leverage.
pub(in super::super) fn leverage(row: &LeverageRow) -> String {
    Obj::new().num("leverage", row.leverage).dec("maxNotionalValue", row.max_notional_value).text("symbol", &row.symbol).end()
}

/// `GET /fapi/v1/commissionRate`.
pub(in super::super) fn commission(row: &CommissionRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .pad("makerCommissionRate", row.maker_commission_rate, 6)
        .pad("takerCommissionRate", row.taker_commission_rate, 6)
        .pad("rpiCommissionRate", row.rpi_commission_rate, 6)
        .end()
}

/// A row of `GET /fapi/v1/leverageBracket`. The figures are numbers here, not strings.
pub(in super::super) fn brackets(spec: &SymbolSpec) -> String {
    let rows = array(spec.brackets.iter().map(|row| {
        Obj::new()
            .num("bracket", row.bracket)
            .num("initialLeverage", row.initial_leverage)
            .num("notionalCap", row.notional_cap.normalize())
            .num("notionalFloor", row.notional_floor.normalize())
            .num("maintMarginRatio", row.maint_margin_ratio.normalize())
            .num("cum", row.cum.normalize())
            .end()
    }));
    Obj::new().text("symbol", &spec.symbol).num("notionalCoef", "1.0").raw("brackets", &rows).end()
}

/// A row of `GET /fapi/v1/income`.
pub(in super::super) fn income(row: &IncomeRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .text("incomeType", row.income_type.as_str())
        .text("income", &money(row.income))
        .text("asset", &row.asset)
        .text("info", &row.info)
        .num("time", row.time)
        .num("tranId", row.tran_id)
        .text("tradeId", &row.trade_id.map(|id| id.to_string()).unwrap_or_default())
        .end()
}

/// A row of `GET /fapi/v1/positionMargin/history`.
pub(in super::super) fn margin_change(row: &MarginChangeRow) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .num("type", row.kind)
        .text("deltaType", "USER_ADJUST")
        .text("amount", &money(row.amount))
        .text("asset", &row.asset)
        .num("time", row.time)
        .text("positionSide", row.position_side.as_str())
        .end()
}

/// A row of `GET /fapi/v1/adlQuantile` from the legs of one symbol.
pub(in super::super) fn adl(symbol: &str, legs: &[&PositionRow]) -> String {
    let mut quantile = Obj::new();
    let hedged = legs.iter().any(|leg| leg.position_side != PositionSide::Both);
    for leg in legs {
        match leg.position_side {
            // In hedge mode a cross position has the key HEDGE in the place of BOTH.
            PositionSide::Both if hedged => quantile = quantile.num("HEDGE", 0),
            side => quantile = quantile.num(side.as_str(), leg.adl),
        }
    }
    Obj::new().text("symbol", symbol).raw("adlQuantile", &quantile.end()).end()
}
