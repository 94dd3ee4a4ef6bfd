//! The account's past as the venue shows it: retention by creation time, windows, limits, paging. The truth is in the ledger.

use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::request::{
    AllOrdersQuery, AmendmentsQuery, ForceOrdersQuery, IncomeQuery, MarginHistoryQuery, OrderRef, UserTradesQuery,
};
use crate::row::{AmendmentRow, ForceOrderRow, IncomeRow, MarginChangeRow, OrderRow, TradeRow};
use crate::types::{AccountId, Ms, OrderId, OrderStatus};

const DAY: Ms = 24 * 3_600_000;
/// Any order is gone after this, counted from its creation; trades, income and forced orders too.
pub(crate) const KEPT_MS: Ms = 90 * DAY;
/// The longest window, and the default one.
pub(crate) const WINDOW_MS: Ms = 7 * DAY;

impl Exchange {
    /// Gives one order, open or final.
    ///
    /// # Errors
    ///
    /// `-2013` if it is unknown, purged, or not visible yet.
    pub fn order(&self, account: AccountId, symbol: &str, order: &OrderRef) -> Result<OrderRow, ApiError> {
        let market = self.market_index(symbol)?;
        let id = self.known_id(account, market, order)?.ok_or_else(ApiError::no_such_order)?;
        let row = self.row_of(market, id).ok_or_else(ApiError::no_such_order)?;
        let visible = !self.purged(&row) && row.time.saturating_add(self.config.query_lag_ms) <= self.now;
        if visible { Ok(row) } else { Err(ApiError::no_such_order()) }
    }

    /// Gives one open order.
    ///
    /// # Errors
    ///
    /// `-2013` if it is not open.
    pub fn open_order(&self, account: AccountId, symbol: &str, order: &OrderRef) -> Result<OrderRow, ApiError> {
        let market = self.market_index(symbol)?;
        let id = self.open_id(account, market, order)?.ok_or_else(ApiError::no_such_order)?;
        self.row_of(market, id).ok_or_else(ApiError::no_such_order)
    }

    /// Lists open orders of a symbol, or of all, by symbol and number. Age does not matter here.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn open_orders(&self, account: AccountId, symbol: Option<&str>) -> Result<Vec<OrderRow>, ApiError> {
        let only = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        let state = self.client(account)?;
        let open = state.open.iter().filter(|(market, _)| only.is_none_or(|only| only == *market));
        Ok(open.filter_map(|(market, id)| self.row_of(*market, *id)).collect())
    }

    /// Lists orders by creation: from an id on the oldest rows, else the newest of a window of at most 7 days, ascending.
    ///
    /// # Errors
    ///
    /// `-1121` unknown symbol, `-1023` and `-4165` for a bad window.
    pub fn all_orders(&self, account: AccountId, query: &AllOrdersQuery) -> Result<Vec<OrderRow>, ApiError> {
        let only = query.symbol.as_deref().map(|symbol| self.market_index(symbol)).transpose()?;
        let state = self.client(account)?;
        let limit = query.limit.unwrap_or(500).min(1_000);
        let rows = state.orders.iter().filter(|(market, _)| only.is_none_or(|only| only == *market));
        let rows = rows.filter_map(|(market, id)| self.row_of(*market, *id)).filter(|row| !self.purged(row));
        if let Some(from) = query.order_id {
            return Ok(rows.filter(|row| row.order_id >= from).take(limit).collect());
        }
        let (start, end) = self.window(query.start_time, query.end_time, WINDOW_MS)?;
        let mut rows: Vec<_> = rows.filter(|row| (start..=end).contains(&row.time)).collect();
        rows.sort_by(|a, b| (a.time, &a.symbol, a.order_id).cmp(&(b.time, &b.symbol, b.order_id)));
        Ok(newest(rows, limit))
    }

    /// Lists own trades of a symbol, ascending; the oldest rows of the window are kept, always.
    ///
    /// # Errors
    ///
    /// `-1121` unknown symbol, `-1128` an id together with times, `-1023` and `-4165` for a bad window.
    pub fn user_trades(&self, account: AccountId, query: &UserTradesQuery) -> Result<Vec<TradeRow>, ApiError> {
        let market = self.market_index(&query.symbol)?;
        let trades = &self.client(account)?.trades[market];
        let limit = query.limit.unwrap_or(500).min(1_000);
        let kept = trades.iter().filter(|row| self.now - row.time <= KEPT_MS);
        let kept = kept.filter(|row| query.order_id.is_none_or(|id| id == row.order_id));
        if let Some(from) = query.from_id {
            if query.start_time.is_some() || query.end_time.is_some() {
                return Err(ApiError::bad_combination());
            }
            return Ok(kept.filter(|row| row.id >= from).take(limit).cloned().collect());
        }
        let (start, end) = self.window(query.start_time, query.end_time, WINDOW_MS)?;
        Ok(kept.filter(|row| (start..=end).contains(&row.time)).take(limit).cloned().collect())
    }

    /// Lists changes of orders in a window of at most 30 days, newest first.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1023` and `-4165` for a bad window.
    pub fn amendments(&self, account: AccountId, query: &AmendmentsQuery) -> Result<Vec<AmendmentRow>, ApiError> {
        let market = self.market_index(&query.symbol)?;
        let symbol = &self.markets[market].spec.symbol;
        let state = self.client(account)?;
        let named = query.order != OrderRef::default();
        let one =
            if named { Some(self.known_id(account, market, &query.order)?.ok_or_else(ApiError::no_such_order)?) } else { None };
        let (start, end) = self.window(query.start_time, query.end_time, 30 * DAY)?;
        let rows = state.amendments.iter().rev().filter(|row| row.symbol == *symbol && self.now - row.time <= KEPT_MS);
        let rows = rows.filter(|row| one.is_none_or(|id| id == row.order_id) && (start..=end).contains(&row.time));
        Ok(rows.take(query.limit.unwrap_or(50).min(100)).cloned().collect())
    }

    /// Lists the income history, oldest first, page by page; without times the last 7 days.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1023` for a bad window.
    pub fn income(&self, account: AccountId, query: &IncomeQuery) -> Result<Vec<IncomeRow>, ApiError> {
        let only = query.symbol.as_deref().map(|symbol| self.market_index(symbol)).transpose()?;
        let only = only.map(|market| self.markets[market].spec.symbol.clone());
        let (start, end) = self.bounds(query.start_time, query.end_time, WINDOW_MS)?;
        let limit = query.limit.unwrap_or(100).min(1_000);
        let skip = query.page.unwrap_or(1).saturating_sub(1).saturating_mul(limit);
        let rows = self.client(account)?.income.iter().filter(|row| self.now - row.time <= KEPT_MS);
        let rows =
            rows.filter(|row| only.as_ref().is_none_or(|symbol| *symbol == row.symbol) && (start..=end).contains(&row.time));
        let rows = rows.filter(|row| query.income_type.is_none_or(|kind| kind == row.income_type));
        Ok(rows.skip(skip).take(limit).cloned().collect())
    }

    /// Lists orders by which the exchange closed positions of the account, newest kept, ascending.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1023` and `-4165` for a bad window.
    pub fn force_orders(&self, account: AccountId, query: &ForceOrdersQuery) -> Result<Vec<ForceOrderRow>, ApiError> {
        let only = query.symbol.as_deref().map(|symbol| self.market_index(symbol)).transpose()?;
        let (start, end) = self.window(query.start_time, query.end_time, WINDOW_MS)?;
        let rows = self.client(account)?.forced.iter().filter(|(_, market, _)| only.is_none_or(|only| only == *market));
        let rows = rows.filter(|(kind, _, _)| query.auto_close_type.is_none_or(|wanted| wanted == *kind));
        let rows = rows
            .filter_map(|(kind, market, id)| Some(ForceOrderRow { auto_close_type: *kind, order: self.row_of(*market, *id)? }));
        let rows = rows.filter(|row| (start..=end).contains(&row.order.time) && self.now - row.order.time <= KEPT_MS).collect();
        Ok(newest(rows, query.limit.unwrap_or(50).min(100)))
    }

    /// Lists changes of isolated margin, ascending.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1023` for a bad window.
    pub fn margin_history(&self, account: AccountId, query: &MarginHistoryQuery) -> Result<Vec<MarginChangeRow>, ApiError> {
        let market = self.market_index(&query.symbol)?;
        let symbol = &self.markets[market].spec.symbol;
        let (start, end) = self.bounds(query.start_time, query.end_time, 30 * DAY)?;
        let rows = self.client(account)?.margin_changes.iter().filter(|row| row.symbol == *symbol);
        let rows = rows.filter(|row| query.kind.is_none_or(|kind| kind == row.kind) && (start..=end).contains(&row.time));
        Ok(rows.take(query.limit.unwrap_or(500)).cloned().collect())
    }

    /// Finds an order of an account, open or final; of several with one client id the newest.
    fn known_id(&self, account: AccountId, market: usize, order: &OrderRef) -> Result<Option<OrderId>, ApiError> {
        let state = self.client(account)?;
        Ok(match (order.order_id, &order.client_order_id) {
            (Some(id), _) => state.orders.contains(&(market, id)).then_some(id),
            (None, Some(client_id)) => state.by_client_id.get(&(market, client_id.clone())).and_then(|ids| ids.last().copied()),
            (None, None) => {
                return Err(ApiError::new(
                    -1102,
                    "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
                ));
            }
        })
    }

    /// Tells whether the venue has forgotten an order. An open order older than 90 days is only in the open list.
    fn purged(&self, row: &OrderRow) -> bool {
        let age = self.now - row.time;
        let unfilled = matches!(row.status, OrderStatus::Canceled | OrderStatus::Expired) && row.executed_qty.is_zero();
        age > KEPT_MS || (unfilled && age > self.config.unfilled_kept_ms)
    }

    /// Completes a window and refuses one longer than 7 days.
    pub(crate) fn window(&self, start: Option<Ms>, end: Option<Ms>, longest: Ms) -> Result<(Ms, Ms), ApiError> {
        let (start, end) = self.bounds(start, end, longest)?;
        if end.saturating_sub(start) > longest { Err(ApiError::interval_days(longest / DAY)) } else { Ok((start, end)) }
    }

    /// Completes a window by a default length.
    fn bounds(&self, start: Option<Ms>, end: Option<Ms>, length: Ms) -> Result<(Ms, Ms), ApiError> {
        let (start, end) = match (start, end) {
            (Some(start), Some(end)) => (start, end),
            (Some(start), None) => (start, start.saturating_add(length)),
            (None, Some(end)) => (end.saturating_sub(length), end),
            (None, None) => (self.now - length, self.now),
        };
        if start > end { Err(ApiError::start_after_end()) } else { Ok((start, end)) }
    }
}

pub(crate) fn newest<T>(mut rows: Vec<T>, limit: usize) -> Vec<T> {
    let surplus = rows.len().saturating_sub(limit);
    rows.drain(..surplus);
    rows
}
