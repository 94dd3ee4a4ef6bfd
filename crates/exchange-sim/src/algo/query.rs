//! Conditional orders as the venue shows them: one, the open ones, the past. The truth is in the ledger.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::AlgoOrder;
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::history::{KEPT_MS, WINDOW_MS, newest};
use crate::request::{AlgoRef, AllAlgoOrdersQuery};
use crate::row::AlgoRow;
use crate::types::{AccountId, AlgoId, AlgoStatus};

impl Exchange {
    /// Gives one conditional order; of several with one client id the newest.
    ///
    /// # Errors
    ///
    /// `-2013` if it is unknown or purged, and for a live one while `AlgoConfig::query_denies_live` holds.
    pub fn algo_order(&self, account: AccountId, order: &AlgoRef) -> Result<AlgoRow, ApiError> {
        let state = self.client(account)?;
        let found = match (order.algo_id, &order.client_algo_id) {
            (Some(id), _) => state.algos.contains(&id).then_some(id),
            (None, Some(client_id)) => (state.algos.iter().rev().copied())
                .find(|id| self.algo.orders.get(id).is_some_and(|order| order.row.client_algo_id == *client_id)),
            (None, None) => return Err(unnamed()),
        };
        let order = found.and_then(|id| self.algo.orders.get(&id)).ok_or_else(ApiError::no_such_order)?;
        let denied = self.config.algo.query_denies_live && order.row.status.is_open();
        let row = self.lately(order).filter(|row| !denied && !self.algo_purged(row));
        row.ok_or_else(ApiError::no_such_order)
    }

    /// Lists the conditional orders the service holds, by number: not triggered, or TRIGGERING. Age does not matter here.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn open_algo_orders(
        &self,
        account: AccountId,
        symbol: Option<&str>,
        algo_id: Option<AlgoId>,
    ) -> Result<Vec<AlgoRow>, ApiError> {
        let only = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        let state = self.client(account)?;
        // Without lag the past need not be looked through.
        let ids: BTreeSet<AlgoId> = match self.config.algo.list_lag_ms {
            0 => state.open_algos.values().copied().collect(),
            _ => state.algos.clone(),
        };
        let orders = ids.iter().filter(|id| algo_id.is_none_or(|only| only == **id));
        let orders = orders.filter_map(|id| self.algo.orders.get(id));
        let orders = orders.filter(|order| only.is_none_or(|only| only == order.market));
        Ok(orders.filter_map(|order| self.lately(order)).filter(|row| row.status.is_open()).collect())
    }

    /// Gives an order as queries see it, which may be behind: not there yet, or as it was before the service let it go.
    fn lately(&self, order: &AlgoOrder) -> Option<AlgoRow> {
        let then = self.now - self.config.algo.list_lag_ms;
        if order.row.create_time > then {
            return None;
        }
        let mut row = self.shown(order);
        if order.left.is_some_and(|left| left > then) {
            let triggered = row.trigger_time != 0 && row.trigger_time <= then;
            row.status = if triggered { AlgoStatus::Triggering } else { AlgoStatus::New };
            row.trigger_time = if triggered { row.trigger_time } else { 0 };
            row.update_time = row.trigger_time.max(row.create_time);
            (row.actual_order_id, row.actual_type, row.reason) = (None, None, None);
            (row.actual_price, row.actual_qty) = (Decimal::ZERO, Decimal::ZERO);
        }
        Some(row)
    }

    /// Lists conditional orders of a symbol by creation, newest first, as production does (2026-09-19).
    ///
    /// From an id on the oldest rows are kept, else the newest of a window of at most 7 days.
    ///
    /// # Errors
    ///
    /// `-1121` unknown symbol, `-1023` and `-4165` for a bad window.
    pub fn all_algo_orders(&self, account: AccountId, query: &AllAlgoOrdersQuery) -> Result<Vec<AlgoRow>, ApiError> {
        let market = self.market_index(&query.symbol)?;
        let limit = query.limit.unwrap_or(500).min(1_000);
        let orders = self.client(account)?.algos.iter().filter_map(|id| self.algo.orders.get(id));
        let rows = orders.filter(|order| order.market == market).map(|order| self.shown(order));
        let then = self.now - self.config.algo.list_lag_ms;
        let rows = rows.filter(|row| row.create_time <= then && !self.algo_purged(row));
        let mut rows: Vec<AlgoRow> = if let Some(from) = query.algo_id {
            rows.filter(|row| row.algo_id >= from).take(limit).collect()
        } else {
            let (start, end) = self.window(query.start_time, query.end_time, WINDOW_MS)?;
            newest(rows.filter(|row| (start..=end).contains(&row.create_time)).collect(), limit)
        };
        rows.reverse();
        Ok(rows)
    }

    /// Lists every conditional order of an account with its child, whatever was told of it.
    pub(crate) fn algo_truth(&self, account: AccountId) -> Vec<AlgoRow> {
        let Some(state) = self.accounts.get(&account) else { return Vec::new() };
        let orders = state.algos.iter().filter_map(|id| self.algo.orders.get(id));
        orders
            .map(|order| {
                let mut row = self.shown(order);
                row.actual_order_id = order.child;
                row
            })
            .collect()
    }

    /// Gives an order's row with what its child has done, once that is told.
    pub(super) fn shown(&self, order: &AlgoOrder) -> AlgoRow {
        let mut row = order.row.clone();
        if let Some(child) = row.actual_order_id.and_then(|child| self.markets[order.market].orders.get(&child)) {
            (row.actual_price, row.actual_qty) = (child.row.avg_price, child.row.executed_qty);
        }
        row
    }

    /// Finds an order of an account that the service holds; the service's number wins over the client id.
    pub(super) fn open_algo_id(&self, account: AccountId, order: &AlgoRef) -> Result<Option<AlgoId>, ApiError> {
        let state = self.client(account)?;
        Ok(match (order.algo_id, &order.client_algo_id) {
            (Some(id), _) => {
                let open = |id: &AlgoId| self.algo.orders.get(id).is_some_and(|order| order.row.status.is_open());
                Some(id).filter(|id| state.algos.contains(id) && open(id))
            }
            (None, Some(client_id)) => state.open_algos.get(client_id).copied(),
            (None, None) => return Err(unnamed()),
        })
    }

    fn algo_purged(&self, row: &AlgoRow) -> bool {
        let age = self.now - row.create_time;
        let unfilled = matches!(row.status, AlgoStatus::Canceled | AlgoStatus::Expired) && row.actual_qty.is_zero();
        age > KEPT_MS || (unfilled && age > self.config.unfilled_kept_ms)
    }
}

fn unnamed() -> ApiError {
    ApiError::new(-1102, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!")
}
