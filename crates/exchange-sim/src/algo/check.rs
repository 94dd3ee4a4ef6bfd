//! What must hold for conditional orders after every call. A violation is a defect of this crate, never of a caller.

use std::collections::BTreeMap;

use super::AlgoOrder;
use super::trigger::{crossed, rises, trailing_trigger};
use crate::exchange::Exchange;
use crate::invariants::ensure;
use crate::ledger::Violation;
use crate::types::{AlgoId, AlgoStatus, Side};

impl Exchange {
    pub(crate) fn check_algos(&self) -> Result<(), Violation> {
        let book = &self.algo;
        let idle = book.ticks.is_empty() && book.moved.is_empty() && book.ended.is_empty();
        ensure(idle, || "conditional orders have not heard everything".to_owned())?;
        for (id, order) in &book.orders {
            self.check_algo(*id, order)?;
        }
        for (account, state) in &self.accounts {
            let open: BTreeMap<_, _> = (state.algos.iter())
                .filter_map(|id| book.orders.get(id).map(|order| (id, order)))
                .filter(|(_, order)| order.row.status.is_open())
                .map(|(id, order)| (order.row.client_algo_id.clone(), *id))
                .collect();
            ensure(open == state.open_algos, || format!("{account:?}: open conditional orders are {open:?}"))?;
        }
        Ok(())
    }

    fn check_algo(&self, id: AlgoId, order: &AlgoOrder) -> Result<(), Violation> {
        let row = &order.row;
        let waits = self.algo.waiting.contains(&(order.market, id));
        ensure(waits == (row.status == AlgoStatus::New), || format!("algo {id} is {} and waiting: {waits}", row.status))?;
        let armed = order.alarm.is_some_and(|at| self.algo.alarms.contains(&(at, id)));
        ensure(armed == order.alarm.is_some(), || format!("algo {id} has lost its alarm"))?;
        ensure(row.status != AlgoStatus::Triggering || armed, || format!("algo {id} triggers for ever"))?;
        if row.status == AlgoStatus::New {
            let price = self.watched_price(order.market, row.working_type);
            let missed = match row.callback_rate {
                None => crossed(rises(row.order_type, row.side), row.trigger_price, price),
                Some(rate) => {
                    row.is_activated && crossed(row.side == Side::Buy, trailing_trigger(row.side, order.extreme, rate), price)
                }
            };
            ensure(!missed, || format!("algo {id} waits for {} at {price}", row.trigger_price))?;
        }
        self.check_child(id, order)
    }

    /// An order has a child exactly when it got through the trigger, under its client id, open as long as TRIGGERED says.
    fn check_child(&self, id: AlgoId, order: &AlgoOrder) -> Result<(), Violation> {
        let row = &order.row;
        let through = match row.status {
            AlgoStatus::Triggered | AlgoStatus::Finished => Some(true),
            AlgoStatus::New | AlgoStatus::Canceled | AlgoStatus::Rejected | AlgoStatus::Expired => Some(false),
            AlgoStatus::Triggering => None,
        };
        ensure(through.is_none_or(|through| order.child.is_some() == through), || {
            format!("algo {id} is {} with child {:?}", row.status, order.child)
        })?;
        let told = through.unwrap_or(false);
        ensure(row.actual_order_id == order.child.filter(|_| told), || format!("algo {id} shows another child"))?;
        let Some(child_id) = order.child else { return Ok(()) };
        let child = self.markets[order.market].orders.get(&child_id);
        let child = child.ok_or_else(|| Violation(format!("algo {id}: child {child_id} was forgotten")))?;
        let same = (child.account, &child.row.client_order_id, child.row.side, child.row.position_side)
            == (order.account, &row.client_algo_id, row.side, row.position_side);
        ensure(same, || format!("algo {id} and its child {child_id} differ"))?;
        let over = child.row.status.is_final();
        let finishing = row.status == AlgoStatus::Finished || (over && order.alarm.is_some());
        ensure(!told || over == finishing, || format!("algo {id} is {} and its child {}", row.status, child.row.status))?;
        let linked = self.algo.children.get(&(order.market, child_id)) == Some(&id);
        ensure(linked != over, || format!("algo {id}: child {child_id} is linked: {linked}, over: {over}"))
    }
}
