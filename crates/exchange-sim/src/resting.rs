//! Orders coming onto and leaving the book, and how they end. The only place that keeps book, sums and indexes in step.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::account::is_house;
use crate::exchange::Exchange;
use crate::margin::reducible;
use crate::order::Order;
use crate::types::{AccountId, ExecType, ExpiryReason, Ms, OrderId, OrderStatus, PositionSide, Side};

/// Milliseconds after which a GTC order expires.
///
/// Source: Binance USDⓈ-M change log: GTC orders are valid for at most one year.
pub(crate) const GTC_LIFE_MS: Ms = 365 * 24 * 3_600_000;

/// How an order ends without being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By the user or his timer.
    Canceled,
    /// By the exchange.
    Expired(ExpiryReason),
}

impl Ending {
    const fn shown(self) -> (OrderStatus, ExecType, ExpiryReason) {
        match self {
            Self::Canceled => (OrderStatus::Canceled, ExecType::Canceled, ExpiryReason::None),
            Self::Expired(reason @ (ExpiryReason::SelfTrade | ExpiryReason::IocSelfTrade)) => {
                (OrderStatus::ExpiredInMatch, ExecType::Expired, reason)
            }
            Self::Expired(reason) => (OrderStatus::Expired, ExecType::Expired, reason),
        }
    }
}

impl Exchange {
    /// Takes a new order into the indexes, as NEW.
    pub(crate) fn accept(&mut self, market: usize, order: Order) {
        let id = order.row.order_id;
        if !is_house(order.account)
            && let Some(account) = self.accounts.get_mut(&order.account)
        {
            let client_id = order.row.client_order_id.clone();
            account.orders.insert((market, id));
            account.by_client_id.entry((market, client_id.clone())).or_default().push(id);
            account.open_client_ids.insert(client_id, (market, id));
        }
        self.markets[market].orders.insert(id, order);
    }

    /// Puts what is left of an order onto the book.
    pub(crate) fn rest(&mut self, market: usize, id: OrderId) {
        let queued = self.markets[market].book.update_id();
        let Some(order) = self.markets[market].orders.get_mut(&id) else { return };
        order.resting = true;
        order.queued = queued;
        let expiry = order.expires_at;
        let order = order.clone();
        self.markets[market].book.add(order.row.side, order.row.price, id, order.leaves());
        self.dirty_books.insert(market);
        self.shift_sums(market, &order, order.leaves(), 1);
        if let Some(account) = self.accounts.get_mut(&order.account) {
            account.open.insert((market, id));
        }
        if let Some(at) = expiry {
            self.expiries.insert((at, market, id));
        }
    }

    /// Takes an order with these leaves off the book.
    pub(crate) fn unrest(&mut self, market: usize, id: OrderId, leaves: Decimal) {
        let Some(order) = self.markets[market].orders.get_mut(&id) else { return };
        if !order.resting {
            return;
        }
        order.resting = false;
        let order = order.clone();
        self.markets[market].book.remove(order.row.side, order.row.price, id, leaves);
        self.dirty_books.insert(market);
        self.shift_sums(market, &order, -leaves, -1);
        if let Some(account) = self.accounts.get_mut(&order.account) {
            account.open.remove(&(market, id));
        }
        if let Some(at) = order.expires_at {
            self.expiries.remove(&(at, market, id));
        }
    }

    /// Books a change of leaves and of the number of open orders into the account's sums.
    pub(crate) fn shift_sums(&mut self, market: usize, order: &Order, quantity: Decimal, orders: isize) {
        if let Some(account) = self.accounts.get_mut(&order.account) {
            let row = &order.row;
            let sums = account.symbols[market].sums_mut(row.position_side);
            sums.shift(row.side, row.position_side, row.reduce_only, row.price, quantity);
            sums.orders = sums.orders.saturating_add_signed(orders);
            if row.reduce_only {
                sums.reduce_only = sums.reduce_only.saturating_add_signed(orders);
            }
        }
    }

    /// Forgets that a final order was open. Orders of the exchange's own accounts leave no trace.
    pub(crate) fn close_out(&mut self, market: usize, id: OrderId) {
        self.unrest(market, id, Decimal::ZERO);
        let Some(order) = self.markets[market].orders.get(&id) else { return };
        if is_house(order.account) {
            self.markets[market].orders.remove(&id);
            return;
        }
        self.algo.note_end(market, id);
        if let Some(account) = self.accounts.get_mut(&order.account)
            && account.open_client_ids.get(&order.row.client_order_id) == Some(&(market, id))
        {
            account.open_client_ids.remove(&order.row.client_order_id);
        }
    }

    /// Ends an open order and tells it.
    pub(crate) fn end_order(&mut self, market: usize, id: OrderId, ending: Ending) {
        let (status, exec_type, reason) = ending.shown();
        let now = self.now;
        let Some(leaves) = self.markets[market].orders.get(&id).map(Order::leaves) else { return };
        self.unrest(market, id, leaves);
        let Some(order) = self.markets[market].orders.get_mut(&id) else { return };
        order.row.status = status;
        order.row.update_time = now;
        let order = order.clone();
        self.tell_order(&order, exec_type, None, reason);
        self.close_out(market, id);
    }

    /// Gives how much an order may still execute without turning its leg: unlimited unless it only closes.
    pub(crate) fn closing_room(&self, market: usize, order: &Order) -> Option<Decimal> {
        if !order.is_closing() {
            return None;
        }
        let account = self.accounts.get(&order.account)?;
        Some(reducible(account.symbols[market].leg(order.row.position_side).amount, order.row.side))
    }

    /// Expires closing orders that have nothing left to close, lowest priority first to lose.
    ///
    /// Walks the orders by price and age; each takes what it could close. In one-way mode those left with nothing expire
    /// (`er` 4). In hedge mode no order may reach beyond the leg, which only a forced close can bring about.
    /// Source: Binance USDⓈ-M "Event: Order Update", expiry reason 4, 2025-10-23.
    pub(crate) fn expire_idle_closing(&mut self, market: usize, account: AccountId, leg: PositionSide) {
        let Some(state) = self.accounts.get(&account).map(|account| &account.symbols[market]) else { return };
        let amount = state.leg(leg).amount;
        if state.sums(leg).reduce_only == 0 && state.sums(leg).closing_qty <= amount.abs() {
            return;
        }
        let open = self.open_of(account, market);
        for side in [Side::Buy, Side::Sell] {
            let mut room = reducible(amount, side);
            let orders = &self.markets[market].orders;
            let mut closing: Vec<_> = open
                .iter()
                .filter_map(|id| orders.get(id))
                .filter(|order| order.is_closing() && order.row.side == side && order.row.position_side == leg)
                .map(|order| (order.row.price, order.queued, order.row.order_id, order.leaves()))
                .collect();
            match side {
                Side::Buy => closing.sort_by_key(|(price, queued, _, _)| (-*price, *queued)),
                Side::Sell => closing.sort_by_key(|(price, queued, _, _)| (*price, *queued)),
            }
            for (_, _, id, leaves) in closing {
                let idle = if leg == PositionSide::Both { room.is_zero() } else { leaves > room };
                if idle {
                    self.end_order(market, id, Ending::Expired(ExpiryReason::ReduceOnly));
                } else {
                    room -= leaves.min(room);
                }
            }
        }
    }

    /// Lists an account's open orders of a market, by number.
    pub(crate) fn open_of(&self, account: AccountId, market: usize) -> Vec<OrderId> {
        self.accounts.get(&account).map_or_else(Vec::new, |account| {
            account.open.range((market, OrderId::MIN)..=(market, OrderId::MAX)).map(|(_, id)| *id).collect()
        })
    }

    /// Gives how much of a side's orders within a limit could execute now, counting what reduce-only makers can close.
    pub(crate) fn executable_within(&self, market: usize, taker_side: Side, limit: Decimal) -> Decimal {
        let state = &self.markets[market];
        let mut rooms: BTreeMap<(AccountId, PositionSide), Decimal> = BTreeMap::new();
        let mut total = Decimal::ZERO;
        for (price, level) in state.book.levels(taker_side.opposite()) {
            if !crate::book::reaches(taker_side, limit, price) {
                break;
            }
            for order in level.queue.iter().filter_map(|id| state.orders.get(id)) {
                let leaves = order.leaves();
                total += match self.closing_room(market, order) {
                    None => leaves,
                    Some(room) => {
                        let left = rooms.entry((order.account, order.row.position_side)).or_insert(room);
                        let taken = leaves.min(*left);
                        *left -= taken;
                        taken
                    }
                };
            }
        }
        total
    }
}
