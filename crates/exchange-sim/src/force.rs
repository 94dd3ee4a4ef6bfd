//! Closing by force: liquidation of an account whose margin no longer covers its maintenance, and deleveraging.
//!
//! Order of things: margin call; open orders expire (`er` 5); a liquidation order (`autoclose-…`, IOC at the bankruptcy
//! price) takes from the book; the insurance fund, or before it the clients on the other side
//! (`adl_autoclose…`), take the rest at that price; a negative wallet is cleared by the fund.
//! Source: Binance FAQ "Liquidation protocols"; the exact sequence on the wire is not documented.

use rust_decimal::Decimal;

use crate::account::{INSURANCE, is_house};
use crate::config::{Backstop, ForcedStyle};
use crate::error::ApiError;
use crate::event::{MarginCall, MarginCallLeg, MarketEvent, UserEvent};
use crate::exchange::Exchange;
use crate::filters::band;
use crate::literal::dec;
use crate::made::Made;
use crate::margin::{account_margin, leg_margin};
use crate::order::Order;
use crate::resting::Ending;
use crate::types::{AccountId, ExecType, ExpiryReason, IncomeType, MarginType, Ms, OrderId, PositionSide, Side, UpdateReason};

/// Share of the margin balance that the maintenance margin may reach before the account is warned.
const MARGIN_CALL_AT: Decimal = dec!(0.8);

impl Exchange {
    /// Liquidates every client's account that is due.
    pub(crate) fn liquidate_all(&mut self) {
        let due: Vec<_> =
            self.accounts.iter().filter(|(id, state)| !is_house(**id) && state.has_positions()).map(|(id, _)| *id).collect();
        for account in due {
            self.liquidate(account);
            self.commit();
        }
    }

    /// Liquidates what is due in one account, leg by leg, the isolated ones first.
    pub(crate) fn liquidate(&mut self, account: AccountId) {
        if !self.accounts.get(&account).is_some_and(crate::account::Account::has_positions) {
            return;
        }
        let isolated: Vec<_> = self.legs_of(account, MarginType::Isolated);
        for (market, leg) in isolated {
            if self.isolated_is_bankrupt(account, market, leg) {
                self.cancel_open(account, market, Ending::Expired(ExpiryReason::Liquidation));
                let price = self.bankruptcy_price(account, market, leg);
                self.close_by_force(account, market, leg, price);
            }
        }
        let mut orders_gone = false;
        for (market, leg) in self.legs_of(account, MarginType::Crossed) {
            let Some(state) = self.accounts.get(&account) else { return };
            if !account_margin(state, &self.markets).cross_is_bankrupt() {
                break;
            }
            if !orders_gone {
                let markets = self.markets.len();
                (0..markets).for_each(|market| {
                    self.cancel_open(account, market, Ending::Expired(ExpiryReason::Liquidation));
                });
                orders_gone = true;
            }
            let price = self.bankruptcy_price(account, market, leg);
            self.close_by_force(account, market, leg, price);
        }
        self.clear_debt(account);
        self.warn(account);
    }

    /// Lists the open legs of a margin type, largest notional first.
    fn legs_of(&self, account: AccountId, margin_type: MarginType) -> Vec<(usize, PositionSide)> {
        let Some(state) = self.accounts.get(&account) else { return Vec::new() };
        let mut legs: Vec<_> = (state.symbols.iter().zip(&self.markets).enumerate())
            .filter(|(_, (symbol, _))| symbol.margin_type == margin_type)
            .flat_map(|(index, (symbol, market))| {
                let open = state.mode_legs().iter().filter(|leg| !symbol.leg(**leg).amount.is_zero());
                open.map(move |leg| (symbol.leg(*leg).notional(market.mark), index, *leg))
            })
            .collect();
        legs.sort_by_key(|(notional, market, leg)| (-*notional, *market, *leg));
        legs.into_iter().map(|(_, market, leg)| (market, leg)).collect()
    }

    fn isolated_is_bankrupt(&self, account: AccountId, market: usize, leg: PositionSide) -> bool {
        self.accounts.get(&account).is_some_and(|state| {
            let symbol = &state.symbols[market];
            let values = leg_margin(symbol, leg, &self.markets[market]);
            symbol.leg(leg).isolated_wallet + values.unrealized <= values.maintenance
        })
    }

    /// Liquidates as the operator orders it, margin or not: all legs of an account, or those of one symbol; gives how many.
    ///
    /// The course is that of any liquidation. Where the margin would reach further, the limit is the bound of PERCENT_PRICE.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-2024` if nothing is held; the orders stand then.
    pub fn liquidate_now(&mut self, now: Ms, account: AccountId, symbol: Option<&str>) -> Result<usize, ApiError> {
        self.liquidate_within(now, account, symbol, 0)
    }

    /// Does the same in two steps: the orders expire now, the legs are closed after a time. In between the account can place and
    /// change nothing (`-2023`).
    ///
    /// # Errors
    ///
    /// As [`Exchange::liquidate_now`], and `-2023` while one is under way.
    pub fn liquidate_within(
        &mut self,
        now: Ms,
        account: AccountId,
        symbol: Option<&str>,
        takes_ms: Ms,
    ) -> Result<usize, ApiError> {
        self.advance(now);
        let only = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        self.check_not_in_liquidation(account)?;
        let legs = self.legs_to_liquidate(account, only);
        if legs.is_empty() {
            return Err(ApiError::position_not_sufficient());
        }
        for market in (0..self.markets.len()).filter(|market| only.is_none_or(|only| only == *market)) {
            self.cancel_open(account, market, Ending::Expired(ExpiryReason::Liquidation));
        }
        if takes_ms > 0 {
            self.liquidations.insert((self.now.saturating_add(takes_ms), account), only);
            self.client_mut(account)?.in_liquidation = true;
        } else {
            self.close_legs(account, &legs);
        }
        self.settle();
        Ok(legs.len())
    }

    /// Ends a liquidation that was begun.
    pub(crate) fn liquidation_ends(&mut self, at: Ms, account: AccountId) {
        let Some(only) = self.liquidations.remove(&(at, account)) else { return };
        if let Some(state) = self.accounts.get_mut(&account) {
            state.in_liquidation = false;
        }
        let legs = self.legs_to_liquidate(account, only);
        self.close_legs(account, &legs);
    }

    /// Refuses what an account in liquidation may not do.
    pub(crate) fn check_not_in_liquidation(&self, account: AccountId) -> Result<(), ApiError> {
        if self.client(account)?.in_liquidation { Err(ApiError::in_liquidation()) } else { Ok(()) }
    }

    fn legs_to_liquidate(&self, account: AccountId, only: Option<usize>) -> Vec<(usize, PositionSide)> {
        let mut legs = self.legs_of(account, MarginType::Isolated);
        legs.extend(self.legs_of(account, MarginType::Crossed));
        legs.retain(|(market, _)| only.is_none_or(|only| only == *market));
        legs
    }

    /// Closes legs by force as far as the margin or the bound of PERCENT_PRICE reaches.
    fn close_legs(&mut self, account: AccountId, legs: &[(usize, PositionSide)]) {
        for (market, leg) in legs {
            let price = self.bankruptcy_price(account, *market, *leg);
            let spec = &self.markets[*market].spec;
            let short =
                self.accounts.get(&account).is_some_and(|state| state.symbols[*market].leg(*leg).amount.is_sign_negative());
            let side = if short { Side::Buy } else { Side::Sell };
            let bound = spec.floor_to_tick(band(spec, side, self.markets[*market].mark));
            let price = if short { price.min(bound) } else { price.max(bound + spec.tick_size) };
            self.close_by_force(account, *market, *leg, price);
        }
        self.clear_debt(account);
        self.warn(account);
    }

    /// Changes how orders of the exchange are told from now on.
    pub fn set_forced_style(&mut self, style: ForcedStyle) {
        self.config.forced_style = style;
    }

    /// Changes who takes what the book leaves of a liquidation from now on.
    pub fn set_backstop(&mut self, backstop: Backstop) {
        self.config.backstop = backstop;
    }

    /// Deleverages a leg as the operator orders it: the exchange closes a part at mark, unasked (`adl_autoclose…`).
    ///
    /// By itself the exchange does this only with [`Backstop::Deleverage`], to what a liquidation leaves.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-2024` if the leg holds less.
    pub fn deleverage(
        &mut self,
        now: Ms,
        account: AccountId,
        symbol: &str,
        leg: PositionSide,
        quantity: Decimal,
    ) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let amount = self.client(account)?.symbols[market].leg(leg).amount;
        if quantity <= Decimal::ZERO || quantity > amount.abs() {
            return Err(ApiError::position_not_sufficient());
        }
        let price = self.markets[market].spec.floor_to_tick(self.markets[market].mark);
        let side = if amount.is_sign_negative() { Side::Buy } else { Side::Sell };
        let id = self.admit_made(market, account, &Made::Deleveraging.terms(side, leg, quantity, price));
        self.take_over(market, id, side, price, quantity, ExecType::Trade);
        self.expire_idle_closing(market, account, leg);
        self.settle();
        Ok(())
    }

    /// Gives the price at which the margin behind a leg is used up, inside the price filter and on the tick.
    fn bankruptcy_price(&self, account: AccountId, market: usize, leg: PositionSide) -> Decimal {
        let (Some(state), market_state) = (self.accounts.get(&account), &self.markets[market]) else { return Decimal::ZERO };
        let symbol = &state.symbols[market];
        let position = symbol.leg(leg);
        let behind = match symbol.margin_type {
            MarginType::Isolated => position.isolated_wallet + position.unrealized(market_state.mark),
            MarginType::Crossed => {
                let total = account_margin(state, &self.markets);
                total.cross_wallet + total.cross_unrealized
            }
        };
        let spec = &market_state.spec;
        let price = market_state.mark - behind / position.amount;
        let ticks = price / spec.tick_size;
        let ticks = if position.amount.is_sign_negative() { ticks.floor() } else { ticks.ceil() };
        (ticks * spec.tick_size).clamp(spec.min_price, spec.max_price)
    }

    fn close_by_force(&mut self, account: AccountId, market: usize, leg: PositionSide, price: Decimal) {
        let Some(amount) = self.accounts.get(&account).map(|state| state.symbols[market].leg(leg).amount) else { return };
        let side = if amount.is_sign_negative() { Side::Buy } else { Side::Sell };
        let id = self.admit_made(market, account, &Made::Liquidation.terms(side, leg, amount.abs(), price));
        self.take(market, id, price);
        let mut left = self.markets[market].orders.get(&id).map_or(Decimal::ZERO, Order::leaves);
        if self.config.backstop == Backstop::Deleverage {
            left -= self.deleverage_others(market, (account, id), side, price, left);
        }
        if !left.is_zero() {
            self.take_over(market, id, side, price, left, ExecType::Calculated);
        }
        if let Some(row) = self.row_of(market, id) {
            self.tell_market(MarketEvent::ForceOrder(Box::new(row)));
        }
        self.commit();
    }

    /// Closes legs of other clients against a liquidation order, most profitable first; gives how much of it they took.
    fn deleverage_others(
        &mut self,
        market: usize,
        (account, order): (AccountId, OrderId),
        side: Side,
        price: Decimal,
        quantity: Decimal,
    ) -> Decimal {
        let mark = self.markets[market].mark;
        let mut legs: Vec<_> = (self.accounts.iter())
            .filter(|(id, _)| **id != account && !is_house(**id))
            .flat_map(|(id, state)| state.mode_legs().iter().map(move |leg| (*id, *leg, state.symbols[market].leg(*leg))))
            .filter(|(_, _, leg)| !leg.amount.is_zero() && leg.amount.is_sign_negative() == (side == Side::Sell))
            .map(|(id, side, leg)| (leg.unrealized(mark) / leg.notional(mark).max(Decimal::ONE), id, side, leg.amount.abs()))
            .collect();
        legs.sort_by_key(|(profit, id, leg, _)| (-*profit, *id, *leg));
        let mut left = quantity;
        for (_, owner, leg, amount) in legs {
            let part = left.min(amount);
            if part.is_zero() {
                break;
            }
            let other = self.admit_made(market, owner, &Made::Deleveraging.terms(side.opposite(), leg, part, price));
            self.cross(market, order, other, price, part, [ExecType::Calculated, ExecType::Trade]);
            self.expire_idle_closing(market, owner, leg);
            left -= part;
        }
        quantity - left
    }

    /// Pays a negative wallet from the insurance fund, once nothing is open that could make it good.
    fn clear_debt(&mut self, account: AccountId) {
        let asset = self.margin_asset.clone();
        let now = self.now;
        let Some(state) = self.accounts.get_mut(&account) else { return };
        let debt = -state.wallet(&asset);
        if debt <= Decimal::ZERO || state.has_positions() {
            return;
        }
        state.credit(&asset, debt, now);
        state.record_income(
            &"".into(),
            IncomeType::InsuranceClear,
            debt,
            &asset,
            IncomeType::InsuranceClear.to_string(),
            now,
            None,
        );
        if let Some(fund) = self.accounts.get_mut(&INSURANCE) {
            fund.credit(&asset, -debt, now);
        }
        self.tell_balance(account, &asset, debt, UpdateReason::InsuranceClear);
        self.commit();
    }

    /// Warns an account once each time its margin ratio rises above the mark.
    fn warn(&mut self, account: AccountId) {
        let Some(state) = self.accounts.get(&account) else { return };
        let total = account_margin(state, &self.markets);
        let tight = !total.cross_maintenance.is_zero()
            && total.cross_maintenance > (total.cross_wallet + total.cross_unrealized) * MARGIN_CALL_AT;
        let told = state.margin_called;
        if tight && !told {
            let positions = self
                .legs_of(account, MarginType::Crossed)
                .into_iter()
                .map(|(market, leg)| self.margin_call_leg(account, market, leg));
            let call = MarginCall { cross_wallet_balance: Some(total.cross_wallet), positions: positions.flatten().collect() };
            self.tell_user(account, UserEvent::MarginCall(call));
        }
        if let Some(state) = self.accounts.get_mut(&account) {
            state.margin_called = tight;
        }
    }

    fn margin_call_leg(&self, account: AccountId, market: usize, side: PositionSide) -> Option<MarginCallLeg> {
        let symbol = &self.accounts.get(&account)?.symbols[market];
        let state = &self.markets[market];
        let (leg, values) = (symbol.leg(side), leg_margin(symbol, side, state));
        Some(MarginCallLeg {
            symbol: state.spec.symbol.clone(),
            position_side: side,
            amount: leg.amount,
            margin_type: symbol.margin_type,
            isolated_wallet: leg.isolated_wallet,
            mark_price: state.mark,
            unrealized_profit: values.unrealized,
            maint_margin: values.maintenance,
        })
    }
}
