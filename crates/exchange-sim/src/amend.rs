//! Changing a working LIMIT order: it keeps its number, loses its place in the queue, and may end by the change.
//!
//! Source: Binance USDⓈ-M "Modify Order" page, 2026-05-28, and change log 2026-07-21 (modifyId) and 2026-09-15 (reduceOnly).

use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::filters::{check_band, check_price, check_quantity};
use crate::margin::{Wish, account_margin, assumed_price, notional_with, order_cost};
use crate::order::Order;
use crate::request::ModifyOrder;
use crate::resting::Ending;
use crate::row::{AmendmentRow, OrderRow};
use crate::types::{AccountId, ExecType, ExpiryReason, Ms, OrderId, OrderType, PriceMatch, StpMode, SymbolStatus, TimeInForce};

/// An order may be changed fewer times than this.
const AMENDMENTS_MAX: u32 = 10_000;

impl Exchange {
    /// Changes price and quantity of a working LIMIT order.
    ///
    /// The order is cancelled, and the row says so, when the new quantity is not above what is executed, or when a GTX
    /// order would take at the new price.
    ///
    /// # Errors
    ///
    /// The venue's refusal; the order is unchanged. `-2013` if it is not open.
    pub fn modify(&mut self, now: Ms, account: AccountId, change: &ModifyOrder) -> Result<OrderRow, ApiError> {
        self.advance(now);
        let row = self.amend(account, change);
        self.commit();
        self.liquidate(account);
        self.settle();
        row
    }

    fn amend(&mut self, account: AccountId, change: &ModifyOrder) -> Result<OrderRow, ApiError> {
        let market = self.market_index(&change.symbol)?;
        if self.markets[market].spec.status != SymbolStatus::Trading {
            return Err(ApiError::modify_symbol_not_trading());
        }
        self.check_not_in_liquidation(account)?;
        self.check_engine_window(change.signed)?;
        let quantity = change.quantity.ok_or_else(|| ApiError::missing("quantity"))?;
        let price_match = change.price_match.unwrap_or(PriceMatch::None);
        let price = match (price_match, change.price) {
            (PriceMatch::None, Some(price)) => price,
            (PriceMatch::None, None) => return Err(ApiError::missing("price")),
            (_, Some(_)) => return Err(ApiError::not_required("price")),
            (_, None) => self.matched_price(market, change.side, price_match)?,
        };
        let id = self.open_id(account, market, &change.order)?.ok_or_else(ApiError::no_such_order)?;
        let order = self.markets[market].orders.get(&id).ok_or_else(ApiError::no_such_order)?.clone();
        self.check_amendment(market, &order, change, price, quantity)?;
        let crossing = order.row.time_in_force == TimeInForce::Gtx && self.markets[market].book.crosses(order.row.side, price);
        if quantity <= order.row.executed_qty || crossing {
            if let Some(order) = self.markets[market].orders.get_mut(&id) {
                order.row.modify_id = change.modify_id;
            }
            self.end_order(market, id, Ending::Canceled);
            return self.row_of(market, id).ok_or_else(ApiError::no_such_order);
        }
        self.check_amended_margin(market, account, &order, price, quantity)?;
        self.apply_amendment(market, id, &order, change.modify_id, price, quantity);
        self.row_of(market, id).ok_or_else(ApiError::no_such_order)
    }

    fn check_amendment(
        &self,
        market: usize,
        order: &Order,
        change: &ModifyOrder,
        price: Decimal,
        quantity: Decimal,
    ) -> Result<(), ApiError> {
        let state = &self.markets[market];
        let row = &order.row;
        if row.order_type != OrderType::Limit {
            return Err(ApiError::limit_order_only());
        }
        if change.side != row.side {
            return Err(ApiError::invalid("side"));
        }
        if change.reduce_only == Some(true) && !row.reduce_only {
            return Err(ApiError::not_reduce_only());
        }
        if order.amendments + 1 >= AMENDMENTS_MAX {
            return Err(ApiError::modify_limit());
        }
        if price == row.price && quantity == row.orig_qty {
            return Err(ApiError::same_order());
        }
        check_quantity(&state.spec, quantity)?;
        check_price(&state.spec, price)?;
        check_band(&state.spec, row.side, price, state.mark)?;
        let exempt = (row.reduce_only && change.reduce_only == Some(true)) || (order.is_closing() && !row.reduce_only);
        if !exempt && price * quantity < state.spec.min_notional {
            return Err(ApiError::modify_min_notional(state.spec.min_notional));
        }
        Ok(())
    }

    /// Checks margin and, for a closing hedge order, the leg, as if the order were new and its old self gone.
    fn check_amended_margin(
        &self,
        market: usize,
        account: AccountId,
        order: &Order,
        price: Decimal,
        quantity: Decimal,
    ) -> Result<(), ApiError> {
        let owner = self.client(account)?;
        let state = &self.markets[market];
        let row = &order.row;
        let mut symbol = owner.symbols[market].clone();
        symbol.sums_mut(row.position_side).shift(row.side, row.position_side, row.reduce_only, row.price, -order.leaves());
        let leaves = quantity - row.executed_qty;
        if order.is_closing() {
            let room = crate::margin::reducible(symbol.leg(row.position_side).amount, row.side);
            let over = !row.reduce_only && leaves > room - symbol.sums(row.position_side).closing_qty;
            return if over { Err(ApiError::reduce_only_reject()) } else { Ok(()) };
        }
        let assumed = |price| assumed_price(row.side, Some(price), None, state.mark);
        let wish = |price, quantity| Wish { side: row.side, leg: row.position_side, quantity, price: assumed(price) };
        let (old, new) = (wish(row.price, order.leaves()), wish(price, leaves));
        let dearer = order_cost(&symbol, state, new) - order_cost(&symbol, state, old);
        if dearer <= Decimal::ZERO {
            return Ok(());
        }
        if notional_with(&symbol, state, new) > state.spec.max_notional(symbol.leverage) {
            return Err(ApiError::max_leverage_ratio());
        }
        if dearer > account_margin(owner, &self.markets).available() {
            return Err(ApiError::margin_not_sufficient());
        }
        Ok(())
    }

    fn apply_amendment(
        &mut self,
        market: usize,
        id: OrderId,
        before: &Order,
        modify_id: Option<i64>,
        price: Decimal,
        quantity: Decimal,
    ) {
        let now = self.now;
        self.unrest(market, id, before.leaves());
        let Some(order) = self.markets[market].orders.get_mut(&id) else { return };
        order.row.price = price;
        order.row.orig_qty = quantity;
        order.row.update_time = now;
        order.row.modify_id = modify_id;
        order.row.stp_mode = StpMode::None;
        order.amendments += 1;
        let order = order.clone();
        let amendment_id = i64::from(order.amendments) + order.row.order_id * 10_000;
        if let Some(owner) = self.accounts.get_mut(&order.account) {
            owner.amendments.push(AmendmentRow {
                amendment_id,
                symbol: order.row.symbol.clone(),
                order_id: id,
                client_order_id: order.row.client_order_id.clone(),
                time: now,
                price_before: before.row.price,
                price_after: price,
                qty_before: before.row.orig_qty,
                qty_after: quantity,
                count: order.amendments,
                modify_id,
            });
        }
        self.tell_order(&order, ExecType::Amendment, None, ExpiryReason::None);
        self.take(market, id, price);
        if self.markets[market].orders.get(&id).is_some_and(|order| !order.leaves().is_zero()) {
            self.rest(market, id);
        }
    }
}
