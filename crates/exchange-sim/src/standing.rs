//! The account's present as the venue shows it: assets, legs, settings, rates.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::account::{Account, MARGIN_ASSET};
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::margin::{account_margin, leg_margin, liquidation_price};
use crate::row::{AccountConfigRow, AccountView, AssetRow, CommissionRow, PositionRow, SymbolConfigRow};
use crate::types::{AccountId, MarginType, PositionSide};

impl Exchange {
    /// Gives the whole account: settings, assets, and a row per leg of every symbol.
    ///
    /// # Errors
    ///
    /// `-1109` for an unknown account.
    pub fn account(&self, account: AccountId) -> Result<AccountView, ApiError> {
        let state = self.client(account)?;
        let mut assets: Vec<_> = state.wallets.keys().map(|asset| self.asset_row(state, asset)).collect();
        assets.sort_by_key(|row| row.asset.as_ref() != MARGIN_ASSET);
        Ok(AccountView { config: self.account_config(account)?, assets, positions: self.positions(account, None)? })
    }

    fn asset_row(&self, state: &Account, asset: &Arc<str>) -> AssetRow {
        let wallet = state.wallet(asset);
        let update_time = state.wallets.get(asset).map_or(0, |wallet| wallet.update_time);
        let mut row = AssetRow {
            asset: asset.clone(),
            wallet_balance: wallet.normalize(),
            unrealized_profit: Decimal::ZERO,
            margin_balance: wallet.normalize(),
            maint_margin: Decimal::ZERO,
            initial_margin: Decimal::ZERO,
            position_initial_margin: Decimal::ZERO,
            open_order_initial_margin: Decimal::ZERO,
            cross_wallet_balance: wallet.normalize(),
            cross_un_pnl: Decimal::ZERO,
            available_balance: wallet.normalize(),
            max_withdraw_amount: wallet.normalize(),
            margin_available: true,
            update_time,
        };
        if asset.as_ref() == MARGIN_ASSET {
            let total = account_margin(state, &self.markets);
            row.unrealized_profit = total.unrealized.normalize();
            row.margin_balance = (total.wallet + total.unrealized).normalize();
            row.maint_margin = total.maintenance.normalize();
            row.initial_margin = (total.position_initial + total.orders_initial).normalize();
            row.position_initial_margin = total.position_initial.normalize();
            row.open_order_initial_margin = total.orders_initial.normalize();
            row.cross_wallet_balance = total.cross_wallet.normalize();
            row.cross_un_pnl = total.cross_unrealized.normalize();
            row.available_balance = total.available().normalize();
            row.max_withdraw_amount = total.withdrawable().normalize();
        }
        row
    }

    /// Gives the settings of the account.
    ///
    /// # Errors
    ///
    /// `-1109` for an unknown account.
    pub fn account_config(&self, account: AccountId) -> Result<AccountConfigRow, ApiError> {
        let state = self.client(account)?;
        Ok(AccountConfigRow {
            dual_side_position: state.hedge,
            multi_assets_margin: state.multi_assets,
            fee_burn: state.fee_burn,
            fee_tier: 0,
            trade_group_id: -1,
            can_trade: true,
            update_time: state.config_time,
        })
    }

    /// Gives one row per leg of one symbol, or of all: BOTH in one-way mode, and LONG and SHORT beside it in hedge mode.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn positions(&self, account: AccountId, symbol: Option<&str>) -> Result<Vec<PositionRow>, ApiError> {
        let only = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        let state = self.client(account)?;
        let legs: &[PositionSide] =
            if state.hedge { &[PositionSide::Both, PositionSide::Long, PositionSide::Short] } else { &[PositionSide::Both] };
        let markets = (0..self.markets.len()).filter(|market| only.is_none_or(|only| only == *market));
        Ok(markets.flat_map(|market| legs.iter().map(move |leg| self.position_row(state, market, *leg))).collect())
    }

    fn position_row(&self, account: &Account, index: usize, side: PositionSide) -> PositionRow {
        let market = &self.markets[index];
        let state = &account.symbols[index];
        let (leg, sums) = (state.leg(side), state.sums(side));
        let values = leg_margin(state, side, market);
        let isolated = state.margin_type == MarginType::Isolated;
        PositionRow {
            symbol: market.spec.symbol.clone(),
            position_side: side,
            position_amt: leg.amount.normalize(),
            entry_price: leg.entry_price(),
            break_even_price: leg.break_even_price(self.config.fees.taker),
            mark_price: market.mark,
            unrealized_profit: values.unrealized.normalize(),
            liquidation_price: liquidation_price(account, &self.markets, index, side),
            leverage: state.leverage,
            max_notional: market.spec.max_notional(state.leverage),
            margin_type: state.margin_type,
            isolated_margin: if isolated { (leg.isolated_wallet + values.unrealized).normalize() } else { Decimal::ZERO },
            isolated_wallet: leg.isolated_wallet.normalize(),
            notional: (leg.amount * market.mark).normalize(),
            initial_margin: (values.position_initial + values.orders_initial).normalize(),
            maint_margin: values.maintenance.normalize(),
            position_initial_margin: values.position_initial.normalize(),
            open_order_initial_margin: values.orders_initial.normalize(),
            adl: u8::from(!leg.amount.is_zero() && values.unrealized > Decimal::ZERO),
            bid_notional: sums.bids.normalize(),
            ask_notional: sums.asks.normalize(),
            margin_asset: self.margin_asset.clone(),
            update_time: leg.update_time,
            has_open_orders: sums.orders > 0,
        }
    }

    /// Gives the settings of one symbol, or of all, for one account.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn symbol_config(&self, account: AccountId, symbol: Option<&str>) -> Result<Vec<SymbolConfigRow>, ApiError> {
        let only = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        let state = self.client(account)?;
        let rows =
            state.symbols.iter().zip(&self.markets).enumerate().filter(|(index, _)| only.is_none_or(|only| only == *index));
        Ok(rows
            .map(|(_, (symbol, market))| SymbolConfigRow {
                symbol: market.spec.symbol.clone(),
                margin_type: symbol.margin_type,
                is_auto_add_margin: false,
                leverage: symbol.leverage,
                max_notional_value: market.spec.max_notional(symbol.leverage),
            })
            .collect())
    }

    /// Gives the fee rates of a symbol for an account.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn commission_rate(&self, account: AccountId, symbol: &str) -> Result<CommissionRow, ApiError> {
        let market = self.market_index(symbol)?;
        self.client(account)?;
        Ok(CommissionRow {
            symbol: self.markets[market].spec.symbol.clone(),
            maker_commission_rate: self.config.fees.maker,
            taker_commission_rate: self.config.fees.taker,
            rpi_commission_rate: self.config.fees.maker,
        })
    }
}
