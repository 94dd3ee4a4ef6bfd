//! How conditional orders end: by their child, by the user, by time, or with the position they were to close.

use crate::config::AlgoConfig;
use crate::error::ApiError;
use crate::event::{Event, UserEvent};
use crate::exchange::Exchange;
use crate::order::Order;
use crate::request::AlgoRef;
use crate::row::AlgoRow;
use crate::types::{AccountId, AlgoId, AlgoStatus, Ms};

impl Exchange {
    /// Cancels one conditional order that was not triggered, and gives it as CANCELED.
    ///
    /// # Errors
    ///
    /// `-2011` if the service does not hold it (any more), `-4117` while it is TRIGGERING: the child is what can be cancelled then.
    pub fn cancel_algo(&mut self, now: Ms, account: AccountId, order: &AlgoRef) -> Result<AlgoRow, ApiError> {
        self.advance(now);
        let id = self.open_algo_id(account, order)?.ok_or_else(ApiError::cancel_rejected)?;
        if self.algo.orders.get(&id).is_some_and(|order| order.row.status != AlgoStatus::New) {
            return Err(ApiError::stop_triggering());
        }
        self.end_algo(id, AlgoStatus::Canceled, None);
        self.algo.orders.get(&id).map(|order| self.shown(order)).ok_or_else(ApiError::cancel_rejected)
    }

    /// Cancels all conditional orders of a symbol that were not triggered; gives how many there were.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol. Nothing open is success.
    pub fn cancel_all_algos(&mut self, now: Ms, account: AccountId, symbol: &str) -> Result<usize, ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let mine = |id: &AlgoId| self.algo.waiting.contains(&(market, *id));
        let ids: Vec<AlgoId> = self.client(account)?.open_algos.values().copied().filter(mine).collect();
        for id in &ids {
            self.end_algo(*id, AlgoStatus::Canceled, None);
        }
        Ok(ids.len())
    }

    /// Changes how the service behaves from now on, within its bounds; alarms that run already keep their time.
    pub fn set_algo_config(&mut self, config: AlgoConfig) {
        self.config.algo = config.bounded(self.config.guarantees.visibility_ms);
    }

    /// Tells an order as it stands now, at once: after what was committed, before what was not.
    pub(super) fn tell_algo(&mut self, id: AlgoId) {
        let Some(order) = self.algo.orders.get(&id) else { return };
        let (account, time) = (order.account, self.now);
        let event = UserEvent::Algo(Box::new(self.shown(order)));
        let copies = self.algo.draw_copies(self.config.algo);
        self.events.extend(std::iter::repeat_n(Event::User { account, time, event }, copies));
    }

    /// Ends an order without a child and tells it.
    pub(super) fn end_algo(&mut self, id: AlgoId, status: AlgoStatus, reason: Option<String>) {
        let now = self.now;
        self.algo.set_alarm(id, None);
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        order.row.status = status;
        order.row.update_time = now;
        order.row.reason = reason;
        let market = order.market;
        self.algo.waiting.remove(&(market, id));
        self.release(id);
        self.tell_algo(id);
    }

    /// Tells that the child is in the engine; from here on the service holds the order no more.
    pub(super) fn tell_triggered(&mut self, id: AlgoId) {
        let now = self.now;
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        let child = order.child.and_then(|child| self.markets[order.market].orders.get(&child));
        order.row.status = AlgoStatus::Triggered;
        order.row.update_time = now;
        order.row.actual_order_id = order.child;
        order.row.actual_type = child.map(|child| child.row.order_type);
        self.release(id);
        self.tell_algo(id);
    }

    /// Ends a told order whose child has ended, now or later.
    pub(super) fn finish(&mut self, id: AlgoId) {
        let Some(order) = self.algo.orders.get(&id) else { return };
        let child = order.child.and_then(|child| self.markets[order.market].orders.get(&child));
        let over = child.is_some_and(|child| Order::leaves(child).is_zero());
        if !over || order.row.status != AlgoStatus::Triggered || order.alarm.is_some() {
            return;
        }
        match order.pace.finish_delay_ms {
            0 => self.tell_finished(id),
            delay => self.algo.set_alarm(id, Some(self.now.saturating_add(delay))),
        }
    }

    /// Tells that the child has ended.
    pub(super) fn tell_finished(&mut self, id: AlgoId) {
        let now = self.now;
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        order.row.status = AlgoStatus::Finished;
        order.row.update_time = now;
        self.tell_algo(id);
    }

    /// Expires the orders of an account that have no position left to close.
    pub(super) fn expire_orphans(&mut self, account: AccountId, market: usize) {
        let mine = |id: &AlgoId| self.algo.waiting.contains(&(market, *id));
        let Some(state) = self.accounts.get(&account) else { return };
        let ids: Vec<AlgoId> = state.open_algos.values().copied().filter(mine).collect();
        for id in ids {
            let Some(order) = self.algo.orders.get(&id) else { continue };
            if self.closable(account, market, &order.row).is_some_and(|room| room.is_zero()) {
                self.end_algo(id, AlgoStatus::Expired, None);
            }
        }
    }

    /// Expires all orders of an account in a market that were not triggered: the symbol ends.
    pub(crate) fn expire_algos_of(&mut self, account: AccountId, market: usize) {
        let mine = |id: &AlgoId| self.algo.waiting.contains(&(market, *id));
        let Some(state) = self.accounts.get(&account) else { return };
        let ids: Vec<AlgoId> = state.open_algos.values().copied().filter(mine).collect();
        for id in ids {
            self.end_algo(id, AlgoStatus::Expired, None);
        }
    }

    /// Lets the service hold an order no more, and frees its client id.
    fn release(&mut self, id: AlgoId) {
        let now = self.now;
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        order.left = Some(now);
        if let Some(state) = self.accounts.get_mut(&order.account)
            && state.open_algos.get(&order.row.client_algo_id) == Some(&id)
        {
            state.open_algos.remove(&order.row.client_algo_id);
        }
    }
}
