//! New conditional orders: what is checked when one is placed. Margin and position are not: they count at the trigger.

use rust_decimal::Decimal;

use super::trigger::{crossed, rises};
use super::{AlgoOrder, Pace};
use crate::entry::{Aim, good_till_date};
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::filters::{band, check_client_id, check_market_quantity, check_price, check_quantity};
use crate::literal::dec;
use crate::margin::reducible;
use crate::order::closes;
use crate::request::NewAlgoOrder;
use crate::row::AlgoRow;
use crate::symbol::SymbolSpec;
use crate::types::{AccountId, AlgoStatus, Ms, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce, WorkingType};

/// Bounds of the callback rate in percent; the upper one was 10 until 2026-10-23.
const CALLBACK_MIN: Decimal = dec!(0.1);
const CALLBACK_MAX: Decimal = dec!(20);

impl Exchange {
    /// Places a conditional order and gives it as NEW.
    ///
    /// A trailing stop without `activatePrice` is activated at once and told twice.
    ///
    /// # Errors
    ///
    /// The venue's refusal; nothing is kept and no event follows. `-2021` if it would trigger at once, `-4045` if the account
    /// holds too many; for what closes the whole leg `-4509` without a position and `-4130` beside another one of its kind.
    pub fn place_algo(&mut self, now: Ms, account: AccountId, order: &NewAlgoOrder) -> Result<AlgoRow, ApiError> {
        self.advance(now);
        let (market, row) = self.admit_algo(account, order)?;
        let shown = row.clone();
        let id = row.algo_id;
        self.algo.next_id += 1;
        let expiry = (row.time_in_force == TimeInForce::Gtd).then_some(row.good_till_date);
        if let Some(state) = self.accounts.get_mut(&account) {
            state.algos.insert(id);
            state.open_algos.insert(row.client_algo_id.clone(), id);
        }
        let placed = AlgoOrder {
            account,
            market,
            row,
            child: None,
            extreme: Decimal::ZERO,
            alarm: None,
            pace: Pace::default(),
            left: None,
        };
        self.algo.orders.insert(id, placed);
        self.algo.waiting.insert((market, id));
        self.algo.set_alarm(id, expiry);
        self.tell_algo(id);
        if order.order_type == OrderType::TrailingStopMarket && order.activate_price.is_none() {
            let price = self.watched_price(market, shown.working_type);
            self.activate(id, price);
        }
        self.settle();
        Ok(shown)
    }

    fn admit_algo(&mut self, account: AccountId, order: &NewAlgoOrder) -> Result<(usize, AlgoRow), ApiError> {
        let market = self.market_index(&order.symbol)?;
        let hedge = self.client(account)?.hedge;
        check_form(order, hedge)?;
        let leg = order.position_side.unwrap_or(PositionSide::Both);
        let closing = order.reduce_only == Some(true) || order.close_position == Some(true) || closes(order.side, leg);
        let aim = if closing { Aim::Closes } else { Aim::Opens };
        self.check_status(market, aim)?;
        self.check_restricted(account, market, order.side, aim)?;
        self.check_not_in_liquidation(account)?;
        if let Some(id) = &order.client_algo_id {
            check_client_id(id)?;
        }
        let row = self.fill_in_algo(market, order)?;
        check_figures(&self.markets[market].spec, order, row.activate_price)?;
        self.check_trigger(market, order, row.working_type)?;
        let state = self.client(account)?;
        if state.open_algos.contains_key(&row.client_algo_id) {
            return Err(ApiError::duplicate_client_id());
        }
        if state.open_algos.len() >= self.config.algo.max_open {
            return Err(ApiError::max_stop_orders());
        }
        if self.closable(account, market, &row).is_some_and(|room| room.is_zero()) {
            return Err(ApiError::gte_without_position());
        }
        if row.close_position && self.closes_already(account, market, &row) {
            return Err(ApiError::close_position_exists());
        }
        Ok((market, row))
    }

    /// Tells whether a leg has a closing order of this kind and direction already; a stop and a take-profit do not disturb each other.
    fn closes_already(&self, account: AccountId, market: usize, new: &AlgoRow) -> bool {
        let Some(state) = self.accounts.get(&account) else { return false };
        let open = state.open_algos.values().filter_map(|id| self.algo.orders.get(id));
        let mut rivals = open.filter(|order| order.market == market && order.row.close_position);
        rivals.any(|order| {
            (order.row.order_type, order.row.side, order.row.position_side) == (new.order_type, new.side, new.position_side)
        })
    }

    fn fill_in_algo(&mut self, market: usize, order: &NewAlgoOrder) -> Result<AlgoRow, ApiError> {
        let closing = order.close_position == Some(true);
        let leg = order.position_side.unwrap_or(PositionSide::Both);
        // What closes the whole leg lives as long as the leg does, whatever was sent.
        let time_in_force = if closing { TimeInForce::GteGtc } else { order.time_in_force.unwrap_or(TimeInForce::Gtc) };
        let good_till_date = if time_in_force == TimeInForce::Gtd { good_till_date(order.good_till_date, self.now)? } else { 0 };
        let working_type = order.working_type.unwrap_or(WorkingType::ContractPrice);
        let trailing = order.order_type == OrderType::TrailingStopMarket;
        let start = self.watched_price(market, working_type);
        let client_algo_id = match &order.client_algo_id {
            Some(id) => id.clone(),
            None => self.make_client_id(),
        };
        Ok(AlgoRow {
            algo_id: self.algo.next_id,
            client_algo_id,
            order_type: order.order_type,
            symbol: self.markets[market].spec.symbol.clone(),
            side: order.side,
            position_side: leg,
            time_in_force,
            quantity: order.quantity.unwrap_or_default(),
            status: AlgoStatus::New,
            actual_order_id: None,
            actual_type: None,
            actual_price: Decimal::ZERO,
            actual_qty: Decimal::ZERO,
            trigger_price: order.trigger_price.unwrap_or_default(),
            price: order.price.unwrap_or_default(),
            stp_mode: order.stp_mode.unwrap_or(StpMode::ExpireMaker),
            working_type,
            price_match: order.price_match.unwrap_or(PriceMatch::None),
            close_position: closing,
            price_protect: order.price_protect.unwrap_or(false),
            reduce_only: order.reduce_only.unwrap_or(false) || (closing && leg == PositionSide::Both),
            activate_price: trailing.then(|| order.activate_price.unwrap_or(start)),
            callback_rate: order.callback_rate,
            is_activated: false,
            create_time: self.now,
            update_time: self.now,
            trigger_time: 0,
            good_till_date,
            reason: None,
        })
    }

    /// Refuses what the present price would trigger at once.
    fn check_trigger(&self, market: usize, order: &NewAlgoOrder, kind: WorkingType) -> Result<(), ApiError> {
        let price = self.watched_price(market, kind);
        let at_once = match (order.trigger_price, order.activate_price, order.side) {
            (Some(trigger), _, side) => crossed(rises(order.order_type, side), trigger, price),
            // A buy waits for a price below, a sell for one above.
            (None, Some(activation), Side::Buy) => activation >= price,
            (None, Some(activation), Side::Sell) => activation <= price,
            // Without one the stop follows from the present price.
            (None, None, _) => false,
        };
        if at_once { Err(ApiError::would_trigger()) } else { Ok(()) }
    }

    /// Gives the price that triggers of a kind are compared with.
    pub(super) fn watched_price(&self, market: usize, kind: WorkingType) -> Decimal {
        match kind {
            WorkingType::ContractPrice => self.markets[market].tape.last_price(),
            WorkingType::MarkPrice => self.markets[market].mark,
        }
    }

    /// Gives how much of its leg an order could close now; `None` if it dies with no position.
    pub(super) fn closable(&self, account: AccountId, market: usize, row: &AlgoRow) -> Option<Decimal> {
        if !row.close_position && row.time_in_force != TimeInForce::GteGtc {
            return None;
        }
        let state = &self.accounts.get(&account)?.symbols[market];
        Some(reducible(state.leg(row.position_side).amount, row.side))
    }
}

/// Checks which parameters belong to which type, in which mode.
fn check_form(order: &NewAlgoOrder, hedge: bool) -> Result<(), ApiError> {
    let (limited, trailing) = match order.order_type {
        OrderType::Stop | OrderType::TakeProfit => (true, false),
        OrderType::StopMarket | OrderType::TakeProfitMarket => (false, false),
        OrderType::TrailingStopMarket => (false, true),
        OrderType::Limit | OrderType::Market | OrderType::Liquidation => {
            return Err(ApiError::new(-1116, "Invalid orderType."));
        }
    };
    let leg = order.position_side.unwrap_or(PositionSide::Both);
    if hedge == (leg == PositionSide::Both) {
        return Err(ApiError::position_side_mismatch());
    }
    if hedge && order.reduce_only == Some(true) {
        return Err(ApiError::not_required("reduceonly"));
    }
    if order.close_position == Some(true) {
        check_closing(order, limited || trailing, hedge, leg)?;
    } else if order.quantity.is_none() {
        return Err(ApiError::missing("quantity"));
    }
    let matched = order.price_match.is_some_and(|mode| mode != PriceMatch::None);
    match (limited, matched, order.price) {
        (true, true, Some(_)) | (false, _, Some(_)) => return Err(ApiError::not_required("price")),
        (true, false, None) => return Err(ApiError::missing("price")),
        (false, true, None) => return Err(ApiError::price_match_type()),
        (true, false, Some(_)) | (true, true, None) | (false, false, None) => {}
    }
    if matched && matches!(order.price_match, Some(PriceMatch::Opponent10 | PriceMatch::Opponent20)) {
        return Err(ApiError::invalid_price_match());
    }
    check_trailing_form(order, trailing)?;
    match order.time_in_force {
        None | Some(TimeInForce::Gtc | TimeInForce::GteGtc) => {}
        Some(TimeInForce::Rpi) => return Err(ApiError::invalid_tif()),
        Some(TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Gtx | TimeInForce::Gtd) if !limited => {
            return Err(ApiError::not_required("timeinforce"));
        }
        Some(TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Gtx | TimeInForce::Gtd) => {}
    }
    if order.good_till_date.is_some_and(|date| date != 0) && order.time_in_force != Some(TimeInForce::Gtd) {
        return Err(ApiError::not_required("goodTillDate"));
    }
    Ok(())
}

fn check_closing(order: &NewAlgoOrder, other_type: bool, hedge: bool, leg: PositionSide) -> Result<(), ApiError> {
    if other_type {
        return Err(ApiError::not_required("closePosition"));
    }
    if order.quantity.is_some_and(|quantity| !quantity.is_zero()) {
        return Err(ApiError::close_position_quantity());
    }
    if order.reduce_only.is_some() {
        return Err(ApiError::not_required("reduceonly"));
    }
    // No BUY on LONG and no SELL on SHORT; the page gives the rule and no code.
    if hedge && !closes(order.side, leg) { Err(ApiError::reduce_only_reject()) } else { Ok(()) }
}

fn check_trailing_form(order: &NewAlgoOrder, trailing: bool) -> Result<(), ApiError> {
    match (trailing, order.trigger_price) {
        (true, Some(_)) => return Err(ApiError::not_required("triggerPrice")),
        (false, None) => return Err(ApiError::missing("triggerPrice")),
        (true, None) | (false, Some(_)) => {}
    }
    match (trailing, order.callback_rate) {
        (true, None) => return Err(ApiError::missing("callbackRate")),
        (false, Some(_)) => return Err(ApiError::not_required("callbackRate")),
        // How many decimals it may have is not documented; 0.25 was taken in 2026.
        (true, Some(rate)) if !(CALLBACK_MIN..=CALLBACK_MAX).contains(&rate) => return Err(ApiError::invalid("callbackRate")),
        (true, Some(_)) | (false, None) => {}
    }
    if !trailing && order.activate_price.is_some() { Err(ApiError::not_required("activatePrice")) } else { Ok(()) }
}

/// Checks prices, quantity and notional against the symbol's filters. PERCENT_PRICE counts around the mark at the trigger, and
/// around the trigger price here. `activation` is the price a trailing stop is activated at, sent or not.
fn check_figures(spec: &SymbolSpec, order: &NewAlgoOrder, activation: Option<Decimal>) -> Result<(), ApiError> {
    if let Some(trigger) = order.trigger_price {
        if trigger <= Decimal::ZERO {
            return Err(ApiError::stop_price_not_positive());
        }
        if trigger > spec.max_price {
            return Err(ApiError::stop_price_above_max());
        }
        check_price(spec, trigger)?;
    }
    if let Some(activation) = order.activate_price {
        if activation <= Decimal::ZERO {
            return Err(ApiError::bad_activation_price());
        }
        check_price(spec, activation)?;
    }
    if let Some(price) = order.price {
        check_price(spec, price)?;
        check_trigger_band(spec, order.side, price, order.trigger_price)?;
    }
    let Some(quantity) = order.quantity.filter(|_| order.close_position != Some(true)) else { return Ok(()) };
    match order.order_type {
        OrderType::Stop | OrderType::TakeProfit => check_quantity(spec, quantity)?,
        OrderType::StopMarket
        | OrderType::TakeProfitMarket
        | OrderType::TrailingStopMarket
        | OrderType::Limit
        | OrderType::Market
        | OrderType::Liquidation => check_market_quantity(spec, quantity)?,
    }
    let closing = order.reduce_only == Some(true) || closes(order.side, order.position_side.unwrap_or(PositionSide::Both));
    let value = order.price.or(order.trigger_price).or(activation);
    if !closing && value.is_some_and(|value| value * quantity < spec.min_notional) {
        return Err(ApiError::min_notional(spec.min_notional));
    }
    Ok(())
}

/// Checks that a limit price is no further from its trigger price than the band; one-sided, as the band itself.
fn check_trigger_band(spec: &SymbolSpec, side: Side, price: Decimal, trigger: Option<Decimal>) -> Result<(), ApiError> {
    let Some(bound) = trigger.map(|trigger| band(spec, side, trigger)) else { return Ok(()) };
    match side {
        Side::Buy if price > bound => Err(ApiError::price_above_trigger_band(bound.round_dp(spec.price_precision))),
        Side::Sell if price < bound => Err(ApiError::price_below_trigger_band(bound.round_dp(spec.price_precision))),
        Side::Buy | Side::Sell => Ok(()),
    }
}
