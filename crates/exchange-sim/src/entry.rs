//! New orders: everything that decides whether one is accepted, and what happens to what the book leaves of it.

use rust_decimal::Decimal;

use crate::account::is_house;
use crate::book::reaches;
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::filters::{band, check_band, check_client_id, check_market_quantity, check_price, check_quantity, market_reach};
use crate::made::Made;
use crate::margin::{Wish, account_margin, assumed_price, notional_with, order_cost, reducible};
use crate::order::{Order, closes};
use crate::request::{NewOrder, Signed};
use crate::resting::{Ending, GTC_LIFE_MS};
use crate::row::{OrderRow, Placed};
use crate::types::{
    AccountId, ExecType, ExpiryReason, Ms, OrderId, OrderStatus, OrderType, PositionSide, PriceMatch, Side, StpMode,
    SymbolStatus, TimeInForce, WorkingType,
};

/// A GTD time must be later than now by more than this.
const GTD_AHEAD_MS: Ms = 600_000;
const GTD_MAX_MS: Ms = 253_402_300_799_000;

/// What an order can do to its leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Add to it.
    Opens,
    /// Only reduce it.
    Closes,
}

/// An order that passed all checks of form, with its terms filled in.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) side: Side,
    pub(crate) leg: PositionSide,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) quantity: Decimal,
    /// 0 for MARKET.
    pub(crate) price: Decimal,
    pub(crate) reduce_only: bool,
    pub(crate) price_match: PriceMatch,
    pub(crate) stp_mode: StpMode,
    pub(crate) good_till_date: Ms,
    /// Who made it.
    pub(crate) made: Made,
}

impl Terms {
    fn closing(&self) -> bool {
        self.reduce_only || closes(self.side, self.leg)
    }

    fn limit(&self) -> Option<Decimal> {
        if self.order_type == OrderType::Limit { Some(self.price) } else { None }
    }
}

impl Exchange {
    /// Places an order.
    ///
    /// # Errors
    ///
    /// The venue's refusal; nothing was executed and no event follows.
    pub fn place(&mut self, now: Ms, account: AccountId, order: &NewOrder) -> Result<Placed, ApiError> {
        self.advance(now);
        let placed = self.admit(account, order).map(|(market, terms, client_id)| self.enter(market, account, terms, client_id));
        self.commit();
        self.liquidate(account);
        self.settle();
        placed
    }

    /// Checks an order as [`Exchange::place`] would, without effect.
    ///
    /// # Errors
    ///
    /// The venue's refusal.
    pub fn test_order(&mut self, now: Ms, account: AccountId, order: &NewOrder) -> Result<(), ApiError> {
        self.advance(now);
        self.admit(account, order).map(|_| ())
    }

    /// Runs all checks: form, filters, account state, book, margin.
    pub(crate) fn admit(&mut self, account: AccountId, order: &NewOrder) -> Result<(usize, Terms, String), ApiError> {
        let market = self.market_index(&order.symbol)?;
        let hedge = self.client(account)?.hedge;
        check_form(order, hedge)?;
        let leg = order.position_side.unwrap_or(PositionSide::Both);
        let closing = order.reduce_only == Some(true) || closes(order.side, leg);
        let aim = if closing { Aim::Closes } else { Aim::Opens };
        self.check_status(market, aim)?;
        self.check_restricted(account, market, order.side, aim)?;
        self.check_not_in_liquidation(account)?;
        self.check_engine_window(order.signed)?;
        let terms = self.fill_in(market, order)?;
        if let Some(id) = &order.new_client_order_id {
            check_client_id(id)?;
        }
        self.check_filters(market, &terms, order.price_match.is_some_and(|mode| mode != PriceMatch::None))?;
        self.check_room(market, account, order.new_client_order_id.as_deref(), &terms)?;
        self.check_position(market, account, &terms)?;
        self.check_book(market, account, &terms)?;
        self.check_margin(market, account, &terms)?;
        let client_id = match &order.new_client_order_id {
            Some(id) => id.clone(),
            None => self.make_client_id(),
        };
        Ok((market, terms, client_id))
    }

    /// Checks that a symbol takes orders; before its settlement it takes those that close.
    pub(crate) fn check_status(&self, market: usize, aim: Aim) -> Result<(), ApiError> {
        match (self.markets[market].spec.status, aim) {
            (SymbolStatus::Trading, _) | (SymbolStatus::PreSettle, Aim::Closes) => Ok(()),
            (SymbolStatus::PreSettle, Aim::Opens) => Err(ApiError::new(-4140, "Invalid symbol status for opening position")),
            (SymbolStatus::Settling | SymbolStatus::Close, _) => Err(ApiError::new(-4141, "Symbol is closed")),
            (SymbolStatus::PendingTrading | SymbolStatus::TradingHalt | SymbolStatus::TradingCancelOnly, _) => {
                Err(ApiError::symbol_status())
            }
        }
    }

    /// The matching engine's own check of the signed time, for POST and PUT order and batch orders only.
    pub(crate) fn check_engine_window(&self, signed: Option<Signed>) -> Result<(), ApiError> {
        match signed {
            Some(signed) if signed.timestamp.saturating_add(signed.recv_window) < self.now => Err(ApiError::engine_recv_window()),
            Some(_) | None => Ok(()),
        }
    }

    fn fill_in(&self, market: usize, order: &NewOrder) -> Result<Terms, ApiError> {
        let quantity = order.quantity.ok_or_else(|| ApiError::missing("quantity"))?;
        let price_match = order.price_match.unwrap_or(PriceMatch::None);
        let mut terms = Terms {
            side: order.side,
            leg: order.position_side.unwrap_or(PositionSide::Both),
            order_type: order.order_type,
            time_in_force: TimeInForce::Gtc,
            quantity,
            price: Decimal::ZERO,
            reduce_only: order.reduce_only.unwrap_or(false),
            price_match,
            stp_mode: order.stp_mode.unwrap_or(StpMode::ExpireMaker),
            good_till_date: 0,
            made: Made::Client,
        };
        if order.order_type == OrderType::Limit {
            terms.time_in_force = order.time_in_force.ok_or_else(|| ApiError::missing("timeInForce"))?;
            terms.price = match (price_match, order.price) {
                (PriceMatch::None, Some(price)) => price,
                (PriceMatch::None, None) => return Err(ApiError::missing("price")),
                (_, None) => self.matched_price(market, order.side, price_match)?,
                (_, Some(_)) => return Err(ApiError::not_required("price")),
            };
            if terms.time_in_force == TimeInForce::Gtd {
                terms.good_till_date = good_till_date(order.good_till_date, self.now)?;
            }
        }
        Ok(terms)
    }

    /// Takes a price from the book.
    pub(crate) fn matched_price(&self, market: usize, side: Side, mode: PriceMatch) -> Result<Decimal, ApiError> {
        let (side, depth) = match mode {
            PriceMatch::Opponent => (side.opposite(), 1),
            PriceMatch::Opponent5 => (side.opposite(), 5),
            PriceMatch::Queue => (side, 1),
            PriceMatch::Queue5 => (side, 5),
            PriceMatch::Queue10 => (side, 10),
            PriceMatch::Queue20 => (side, 20),
            PriceMatch::Opponent10 | PriceMatch::Opponent20 | PriceMatch::None => return Err(ApiError::invalid_price_match()),
        };
        let price = self.markets[market].book.levels(side).nth(depth - 1).map(|(price, _)| price);
        price.ok_or_else(ApiError::no_price_match_depth)
    }

    fn check_filters(&self, market: usize, terms: &Terms, price_from_book: bool) -> Result<(), ApiError> {
        let state = &self.markets[market];
        let value = match terms.limit() {
            Some(price) => {
                check_quantity(&state.spec, terms.quantity)?;
                if !price_from_book {
                    check_price(&state.spec, price)?;
                }
                check_band(&state.spec, terms.side, price, state.mark)?;
                price
            }
            None => {
                check_market_quantity(&state.spec, terms.quantity)?;
                state.mark
            }
        };
        // The text exempts reduce-only orders; in hedge mode the closing side is its equivalent.
        if !terms.closing() && value * terms.quantity < state.spec.min_notional {
            return Err(ApiError::min_notional(state.spec.min_notional));
        }
        Ok(())
    }

    fn check_room(&self, market: usize, account: AccountId, client_id: Option<&str>, terms: &Terms) -> Result<(), ApiError> {
        let state = self.client(account)?;
        if client_id.is_some_and(|id| state.open_client_ids.contains_key(id)) {
            return Err(ApiError::duplicate_client_id());
        }
        if terms.order_type == OrderType::Limit && state.symbols[market].open_orders() >= self.markets[market].spec.max_num_orders
        {
            return Err(ApiError::max_open_orders());
        }
        Ok(())
    }

    fn check_position(&self, market: usize, account: AccountId, terms: &Terms) -> Result<(), ApiError> {
        if !terms.closing() {
            return Ok(());
        }
        let state = &self.client(account)?.symbols[market];
        let room = reducible(state.leg(terms.leg).amount, terms.side);
        let refused = if terms.leg == PositionSide::Both {
            room.is_zero()
        } else {
            // A hedge leg is never over-closed: open closing orders have already reserved their part.
            terms.quantity > room - state.sums(terms.leg).closing_qty
        };
        if refused { Err(ApiError::reduce_only_reject()) } else { Ok(()) }
    }

    fn check_book(&self, market: usize, account: AccountId, terms: &Terms) -> Result<(), ApiError> {
        let state = &self.markets[market];
        let Some(price) = terms.limit() else {
            let touch = state.book.best(terms.side.opposite()).ok_or_else(ApiError::unable_to_fill)?;
            let inside = reaches(terms.side, band(&state.spec, terms.side, state.mark), touch);
            return if inside { Ok(()) } else { Err(ApiError::market_order_reject()) };
        };
        let refusal = match terms.time_in_force {
            TimeInForce::Gtx => state.book.crosses(terms.side, price).then(ApiError::gtx_rejected),
            TimeInForce::Fok => {
                let mut executable = self.executable_within(market, terms.side, price);
                if terms.reduce_only {
                    let leg = self.client(account)?.symbols[market].leg(terms.leg);
                    executable = executable.min(reducible(leg.amount, terms.side));
                }
                (executable < terms.quantity).then(ApiError::fok_rejected)
            }
            TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Gtd | TimeInForce::Rpi | TimeInForce::GteGtc => None,
        };
        refusal.map_or(Ok(()), Err)
    }

    fn check_margin(&self, market: usize, account: AccountId, terms: &Terms) -> Result<(), ApiError> {
        if terms.closing() {
            return Ok(());
        }
        let owner = self.client(account)?;
        let (state, symbol) = (&self.markets[market], &owner.symbols[market]);
        let touch = state.book.best(terms.side.opposite());
        let price = assumed_price(terms.side, terms.limit(), touch, state.mark);
        let wish = Wish { side: terms.side, leg: terms.leg, quantity: terms.quantity, price };
        let cost = order_cost(symbol, state, wish);
        if cost.is_zero() {
            return Ok(());
        }
        if notional_with(symbol, state, wish) > state.spec.max_notional(symbol.leverage) {
            return Err(ApiError::max_leverage_ratio());
        }
        if cost > account_margin(owner, &self.markets).available() {
            return Err(ApiError::margin_not_sufficient());
        }
        Ok(())
    }

    pub(crate) fn make_client_id(&mut self) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..22)
            .map(|_| {
                let index = usize::try_from(self.rng.below(62)).unwrap_or(0);
                char::from(ALPHABET[index])
            })
            .collect()
    }

    /// Accepts an order, lets it take, and rests or ends what is left.
    pub(crate) fn enter(&mut self, market: usize, account: AccountId, terms: Terms, client_id: String) -> Placed {
        let limit = match terms.limit() {
            Some(price) => price,
            None => market_reach(&self.markets[market].spec, terms.side, self.markets[market].mark),
        };
        let accepted = self.admit_row(market, account, &terms, client_id);
        let id = accepted.order_id;
        self.take(market, id, limit);
        let left = self.markets[market].orders.get(&id).map_or(Decimal::ZERO, Order::leaves);
        if !left.is_zero() {
            match (terms.limit(), terms.time_in_force) {
                (None, _) => self.end_order(market, id, Ending::Expired(ExpiryReason::MarketRemainder)),
                (Some(_), TimeInForce::Gtc | TimeInForce::Gtx | TimeInForce::Gtd | TimeInForce::Rpi | TimeInForce::GteGtc) => {
                    self.rest(market, id)
                }
                (Some(_), TimeInForce::Ioc | TimeInForce::Fok) => {
                    self.end_order(market, id, Ending::Expired(ExpiryReason::IocRemainder));
                }
            }
        }
        let settled = self.row_of(market, id).unwrap_or_else(|| accepted.clone());
        Placed { accepted, settled }
    }

    /// Makes the order's row, takes it into the indexes, and tells NEW.
    pub(crate) fn admit_row(&mut self, market: usize, account: AccountId, terms: &Terms, client_id: String) -> OrderRow {
        let now = self.now;
        let id = self.markets[market].take_order_id();
        let expires_at = match terms.time_in_force {
            TimeInForce::Gtd => Some(terms.good_till_date),
            TimeInForce::Gtc | TimeInForce::Gtx if !is_house(account) => Some(now + GTC_LIFE_MS),
            TimeInForce::Gtc
            | TimeInForce::Gtx
            | TimeInForce::Ioc
            | TimeInForce::Fok
            | TimeInForce::Rpi
            | TimeInForce::GteGtc => None,
        };
        let row = OrderRow {
            symbol: self.markets[market].spec.symbol.clone(),
            order_id: id,
            client_order_id: client_id,
            side: terms.side,
            position_side: terms.leg,
            order_type: terms.order_type,
            orig_type: terms.order_type,
            time_in_force: terms.time_in_force,
            price: terms.price,
            stop_price: Decimal::ZERO,
            orig_qty: terms.quantity,
            executed_qty: Decimal::ZERO,
            cum_quote: Decimal::ZERO,
            avg_price: Decimal::ZERO,
            status: OrderStatus::New,
            reduce_only: terms.reduce_only,
            close_position: false,
            working_type: WorkingType::ContractPrice,
            price_protect: false,
            price_match: terms.price_match,
            stp_mode: terms.stp_mode,
            good_till_date: terms.good_till_date,
            time: now,
            update_time: now,
            modify_id: None,
        };
        let order = Order { account, row, resting: false, queued: 0, expires_at, made: terms.made, amendments: 0 };
        self.tell_order(&order, ExecType::New, None, ExpiryReason::None);
        let row = order.row.clone();
        self.accept(market, order);
        row
    }

    /// Gives an order's row as it stands.
    pub(crate) fn row_of(&self, market: usize, id: OrderId) -> Option<OrderRow> {
        self.markets[market].orders.get(&id).map(|order| order.row.clone())
    }
}

/// Checks what needs neither book nor account but its mode.
fn check_form(order: &NewOrder, hedge: bool) -> Result<(), ApiError> {
    match order.order_type {
        OrderType::Limit | OrderType::Market => {}
        OrderType::Stop
        | OrderType::StopMarket
        | OrderType::TakeProfit
        | OrderType::TakeProfitMarket
        | OrderType::TrailingStopMarket => return Err(ApiError::use_algo_endpoint()),
        OrderType::Liquidation => return Err(ApiError::new(-1116, "Invalid orderType.")),
    }
    let leg = order.position_side.unwrap_or(PositionSide::Both);
    if hedge == (leg == PositionSide::Both) {
        return Err(ApiError::position_side_mismatch());
    }
    if hedge && order.reduce_only == Some(true) {
        return Err(ApiError::not_required("reduceonly"));
    }
    if order.close_position == Some(true) {
        return Err(ApiError::not_required("closePosition"));
    }
    let price_match = order.price_match.unwrap_or(PriceMatch::None);
    if order.order_type == OrderType::Market {
        if order.time_in_force.is_some() {
            return Err(ApiError::not_required("timeinforce"));
        }
        if order.price.is_some() {
            return Err(ApiError::not_required("price"));
        }
        if price_match != PriceMatch::None {
            return Err(ApiError::price_match_type());
        }
    }
    if order.time_in_force == Some(TimeInForce::GteGtc) {
        return Err(ApiError::invalid_tif());
    }
    if order.time_in_force == Some(TimeInForce::Rpi) {
        // Retail price improvement trades only with retail flow, which this exchange does not have.
        return Err(ApiError::new(-4084, "Method is not allowed currently. Upcoming soon."));
    }
    if order.good_till_date.is_some_and(|date| date != 0) && order.time_in_force != Some(TimeInForce::Gtd) {
        return Err(ApiError::not_required("goodTillDate"));
    }
    Ok(())
}

/// Checks a GTD time and cuts it to whole seconds.
pub(crate) fn good_till_date(date: Option<Ms>, now: Ms) -> Result<Ms, ApiError> {
    let date = date.ok_or_else(|| ApiError::missing("goodTillDate"))?.clamp(0, GTD_MAX_MS);
    let date = date - date.rem_euclid(1_000);
    if date > now + GTD_AHEAD_MS && date < GTD_MAX_MS { Ok(date) } else { Err(ApiError::good_till_date()) }
}
