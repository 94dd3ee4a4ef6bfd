//! Settings of an account: leverage, margin type, position mode, asset mode, isolated margin. Each refusal is the venue's.

use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::event::UserEvent;
use crate::exchange::Exchange;
use crate::margin::{account_margin, leg_margin};
use crate::position::MONEY_DP;
use crate::request::MarginMove;
use crate::row::{LeverageRow, MarginChangeRow};
use crate::types::{AccountId, MarginType, Ms, PositionSide, UpdateReason};

impl Exchange {
    /// Sets the leverage of a symbol. The same value again is success.
    ///
    /// # Errors
    ///
    /// `-4028` out of range, `-4161` a reduction with an isolated position, `-2027` the position is too large for it,
    /// `-2028` the margin would not do.
    pub fn set_leverage(&mut self, now: Ms, account: AccountId, symbol: &str, leverage: u32) -> Result<LeverageRow, ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let spec = &self.markets[market].spec;
        if leverage == 0 || leverage > spec.max_leverage() {
            return Err(ApiError::new(-4028, format!("Leverage {leverage} is not valid")));
        }
        let (max_notional_value, name) = (spec.max_notional(leverage), spec.symbol.clone());
        let owner = self.client(account)?;
        let state = &owner.symbols[market];
        let before = state.leverage;
        if before != leverage {
            if state.margin_type == MarginType::Isolated && state.has_position() && leverage < before {
                return Err(ApiError::isolated_leverage_reduction());
            }
            let legs = owner.mode_legs().iter().map(|leg| leg_margin(state, *leg, &self.markets[market]).notional);
            if legs.max().is_some_and(|largest| largest > max_notional_value) {
                return Err(ApiError::max_leverage_ratio());
            }
            self.try_leverage(account, market, leverage)?;
            self.tell_user(account, UserEvent::Leverage { symbol: name.clone(), leverage });
            self.commit();
        }
        Ok(LeverageRow { symbol: name, leverage, max_notional_value })
    }

    fn try_leverage(&mut self, account: AccountId, market: usize, leverage: u32) -> Result<(), ApiError> {
        let owner = self.client_mut(account)?;
        let before = std::mem::replace(&mut owner.symbols[market].leverage, leverage);
        let total = account_margin(self.client(account)?, &self.markets);
        let short = total.cross_wallet + total.cross_unrealized < total.cross_position_initial + total.orders_initial;
        if short && leverage < before {
            self.client_mut(account)?.symbols[market].leverage = before;
            return Err(ApiError::min_leverage_ratio());
        }
        Ok(())
    }

    /// Sets the margin type of a symbol.
    ///
    /// # Errors
    ///
    /// `-4046` the same, `-4168` isolated in multi-assets mode, `-4047` open orders, `-4048` a position.
    pub fn set_margin_type(
        &mut self,
        now: Ms,
        account: AccountId,
        symbol: &str,
        margin_type: MarginType,
    ) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let owner = self.client_mut(account)?;
        let multi_assets = owner.multi_assets;
        let state = &mut owner.symbols[market];
        if state.margin_type == margin_type {
            return Err(ApiError::margin_type_same());
        }
        if multi_assets && margin_type == MarginType::Isolated {
            return Err(ApiError::multi_assets_blocks_isolated());
        }
        if state.open_orders() > 0 {
            return Err(ApiError::margin_type_open_orders());
        }
        if state.has_position() {
            return Err(ApiError::margin_type_position());
        }
        state.margin_type = margin_type;
        let legs = owner.mode_legs();
        for leg in legs {
            self.tell_leg(account, market, *leg, UpdateReason::MarginTypeChange);
        }
        self.commit();
        Ok(())
    }

    /// Sets hedge or one-way mode for all symbols. Nothing is pushed: the venue does not tell it either.
    ///
    /// # Errors
    ///
    /// `-4059` the same, `-4067` open orders (conditional ones too), `-4068` a position, on any symbol.
    pub fn set_position_mode(&mut self, now: Ms, account: AccountId, hedge: bool) -> Result<(), ApiError> {
        self.advance(now);
        let now = self.now;
        let owner = self.client_mut(account)?;
        if owner.hedge == hedge {
            return Err(ApiError::position_side_same());
        }
        if !owner.open.is_empty() || !owner.open_algos.is_empty() {
            return Err(ApiError::mode_open_orders());
        }
        if owner.has_positions() {
            return Err(ApiError::mode_position());
        }
        owner.hedge = hedge;
        owner.config_time = now;
        Ok(())
    }

    /// Sets multi-assets mode. Only the mode itself is modelled, not the shared margin.
    ///
    /// # Errors
    ///
    /// `-4171` the same, `-4170` open orders, `-4167` an isolated symbol.
    pub fn set_multi_assets(&mut self, now: Ms, account: AccountId, enabled: bool) -> Result<(), ApiError> {
        self.advance(now);
        let now = self.now;
        let owner = self.client_mut(account)?;
        if owner.multi_assets == enabled {
            return Err(ApiError::multi_assets_same());
        }
        if !owner.open.is_empty() {
            return Err(ApiError::multi_assets_open_orders());
        }
        if enabled && owner.symbols.iter().any(|state| state.margin_type == MarginType::Isolated) {
            return Err(ApiError::isolated_blocks_multi_assets());
        }
        owner.multi_assets = enabled;
        owner.config_time = now;
        self.tell_user(account, UserEvent::MultiAssets { enabled });
        self.commit();
        Ok(())
    }

    /// Sets whether fees are paid in BNB. Without a BNB price in the configuration it has no effect on fees.
    ///
    /// # Errors
    ///
    /// `-1109` for an unknown account.
    pub fn set_fee_burn(&mut self, now: Ms, account: AccountId, enabled: bool) -> Result<(), ApiError> {
        self.advance(now);
        let now = self.now;
        let owner = self.client_mut(account)?;
        owner.fee_burn = enabled;
        owner.config_time = now;
        Ok(())
    }

    /// Moves margin between the cross wallet and an isolated leg.
    ///
    /// # Errors
    ///
    /// `-4055` amount not positive, `-1111` more than 8 digits, `-4049` not isolated, `-4054` no position, `-4050` too little in the cross wallet,
    /// `-4051` the leg needs its margin.
    pub fn adjust_position_margin(
        &mut self,
        now: Ms,
        account: AccountId,
        symbol: &str,
        leg: PositionSide,
        amount: Decimal,
        direction: MarginMove,
    ) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let owner = self.client(account)?;
        let state = &owner.symbols[market];
        if amount <= Decimal::ZERO {
            return Err(ApiError::amount_not_positive());
        }
        if amount.normalize().scale() > MONEY_DP {
            return Err(ApiError::bad_precision());
        }
        if !owner.mode_legs().contains(&leg) {
            return Err(ApiError::position_side_mismatch());
        }
        if state.margin_type != MarginType::Isolated {
            return Err(ApiError::margin_not_isolated());
        }
        if state.leg(leg).amount.is_zero() {
            return Err(ApiError::margin_no_position());
        }
        let delta = match direction {
            MarginMove::Add if amount > account_margin(owner, &self.markets).withdrawable() => {
                return Err(ApiError::cross_balance_insufficient());
            }
            MarginMove::Add => amount,
            MarginMove::Reduce => {
                let values = leg_margin(state, leg, &self.markets[market]);
                let free = state.leg(leg).isolated_wallet + values.unrealized.min(Decimal::ZERO) - values.position_initial;
                if amount > free {
                    return Err(ApiError::isolated_balance_insufficient());
                }
                -amount
            }
        };
        self.book_margin_move(market, account, leg, amount, delta)
    }

    fn book_margin_move(
        &mut self,
        market: usize,
        account: AccountId,
        leg: PositionSide,
        amount: Decimal,
        delta: Decimal,
    ) -> Result<(), ApiError> {
        let (now, asset) = (self.now, self.margin_asset.clone());
        let symbol = self.markets[market].spec.symbol.clone();
        let owner = self.client_mut(account)?;
        owner.symbols[market].leg_mut(leg).isolated_wallet += delta;
        owner.symbols[market].leg_mut(leg).update_time = now;
        let kind = if delta.is_sign_negative() { 2 } else { 1 };
        owner.margin_changes.push(MarginChangeRow { symbol, kind, amount, asset: asset.clone(), time: now, position_side: leg });
        self.tell_balance(account, &asset, Decimal::ZERO, UpdateReason::MarginTransfer);
        self.tell_leg(account, market, leg, UpdateReason::MarginTransfer);
        self.commit();
        Ok(())
    }
}
