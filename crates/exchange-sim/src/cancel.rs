//! Ending orders on request: one, all of a symbol, or by a countdown.

use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::request::OrderRef;
use crate::resting::Ending;
use crate::row::OrderRow;
use crate::types::{AccountId, Ms, OrderId};

const COUNTDOWN_MAX_MS: Ms = 365 * 24 * 3_600_000;

impl Exchange {
    /// Cancels one open order and gives it as CANCELED.
    ///
    /// # Errors
    ///
    /// `-2011` if it is unknown or already final: only a query can tell which.
    pub fn cancel(&mut self, now: Ms, account: AccountId, symbol: &str, order: &OrderRef) -> Result<OrderRow, ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let id = self.open_id(account, market, order)?.ok_or_else(ApiError::cancel_rejected)?;
        self.end_order(market, id, Ending::Canceled);
        self.settle();
        self.row_of(market, id).ok_or_else(ApiError::cancel_rejected)
    }

    /// Cancels all open orders of a symbol; gives how many there were.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol. Nothing open is success.
    pub fn cancel_all(&mut self, now: Ms, account: AccountId, symbol: &str) -> Result<usize, ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        self.client(account)?;
        let ended = self.cancel_open(account, market, Ending::Canceled);
        self.settle();
        Ok(ended)
    }

    /// Arms (or with 0 disarms) the timer that cancels all open orders of a symbol. Each call starts it anew.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1130` for a negative time or one beyond a year.
    pub fn countdown_cancel_all(&mut self, now: Ms, account: AccountId, symbol: &str, countdown_ms: Ms) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        if !(0..=COUNTDOWN_MAX_MS).contains(&countdown_ms) {
            return Err(ApiError::invalid("countdownTime"));
        }
        let deadline = self.now.saturating_add(countdown_ms);
        let state = self.client_mut(account)?;
        let before = if countdown_ms == 0 { state.countdowns.remove(&market) } else { state.countdowns.insert(market, deadline) };
        if let Some(before) = before {
            self.countdowns.remove(&(before, account, market));
        }
        if countdown_ms > 0 {
            self.countdowns.insert((deadline, account, market));
        }
        Ok(())
    }

    /// Fires a countdown.
    pub(crate) fn countdown_ends(&mut self, account: AccountId, market: usize) {
        if let Some(state) = self.accounts.get_mut(&account) {
            state.countdowns.remove(&market);
        }
        self.cancel_open(account, market, Ending::Canceled);
    }

    /// Ends all open orders of an account in a market, in one transaction.
    pub(crate) fn cancel_open(&mut self, account: AccountId, market: usize, ending: Ending) -> usize {
        let open = self.open_of(account, market);
        for id in &open {
            self.end_order(market, *id, ending);
        }
        self.commit();
        open.len()
    }

    /// Finds an open order of an account; the venue's number wins over the client id.
    pub(crate) fn open_id(&self, account: AccountId, market: usize, order: &OrderRef) -> Result<Option<OrderId>, ApiError> {
        let state = self.client(account)?;
        Ok(match (order.order_id, &order.client_order_id) {
            (Some(id), _) => state.open.contains(&(market, id)).then_some(id),
            (None, Some(client_id)) => {
                state.open_client_ids.get(client_id).filter(|(home, _)| *home == market).map(|(_, id)| *id)
            }
            (None, None) => {
                return Err(ApiError::new(
                    -1102,
                    "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
                ));
            }
        })
    }
}
