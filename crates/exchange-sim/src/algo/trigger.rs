//! Prices meeting triggers, and the child that comes of it. The only place where a conditional order becomes an ordinary one.

use rust_decimal::Decimal;

use super::{AlgoOrder, Tick};
use crate::config::TriggeredTold;
use crate::entry::Aim;
use crate::error::ApiError;
use crate::event::{Event, UserEvent};
use crate::exchange::Exchange;
use crate::literal::dec;
use crate::margin::reducible;
use crate::order::Order;
use crate::request::NewOrder;
use crate::resting::Ending;
use crate::types::{
    AlgoId, AlgoStatus, ExecType, ExpiryReason, OrderId, OrderType, PositionSide, PriceMatch, Side, TimeInForce, WorkingType,
};

/// Tells whether an order triggers on a price that rises to its trigger (else one that falls to it).
pub(super) fn rises(order_type: OrderType, side: Side) -> bool {
    let takes_profit = match order_type {
        OrderType::TakeProfit | OrderType::TakeProfitMarket => true,
        OrderType::Stop
        | OrderType::StopMarket
        | OrderType::TrailingStopMarket
        | OrderType::Limit
        | OrderType::Market
        | OrderType::Liquidation => false,
    };
    (side == Side::Buy) != takes_profit
}

/// Tells whether a price has reached a trigger.
pub(super) fn crossed(rising: bool, trigger: Decimal, price: Decimal) -> bool {
    if rising { price >= trigger } else { price <= trigger }
}

/// What a triggered order asks of the engine, or why it ends here.
enum Wanted {
    Child(Box<NewOrder>),
    /// Nothing is left to close.
    Nothing,
    Refused(ApiError),
}

impl Exchange {
    /// Notes a price for those who watch it.
    pub(crate) fn note_price(&mut self, market: usize, kind: WorkingType, price: Decimal) {
        if self.algo.waiting_in(market).next().is_some() {
            self.algo.ticks.push_back(Tick { market, kind, price });
        }
    }

    /// Ends the transaction and lets conditional orders hear what it did, until nothing more comes of it.
    pub(crate) fn settle(&mut self) {
        self.commit();
        loop {
            for id in std::mem::take(&mut self.algo.ended) {
                self.finish(id);
            }
            if let Some((account, market)) = self.algo.moved.pop_first() {
                self.expire_orphans(account, market);
            } else if let Some(tick) = self.algo.ticks.pop_front() {
                self.heed(tick);
            } else {
                break;
            }
        }
    }

    /// Compares one price with every order that watches it, oldest first.
    fn heed(&mut self, tick: Tick) {
        let watching: Vec<AlgoId> = self.algo.waiting_in(tick.market).collect();
        for id in watching {
            let Some(order) = self.algo.orders.get(&id) else { continue };
            // An order placed or ended by what an earlier one did is compared as it stands now.
            if order.row.status != AlgoStatus::New || order.row.working_type != tick.kind {
                continue;
            }
            if self.reached(id, tick.price) {
                self.trigger(id);
            }
        }
    }

    /// Lets an order see a price; tells whether that triggers it. A trailing stop may move.
    fn reached(&mut self, id: AlgoId, price: Decimal) -> bool {
        let Some(order) = self.algo.orders.get_mut(&id) else { return false };
        let row = &order.row;
        let Some(rate) = row.callback_rate else {
            return crossed(rises(row.order_type, row.side), row.trigger_price, price);
        };
        if !row.is_activated {
            let activation = row.activate_price.unwrap_or(price);
            // It begins to follow where the price has come as far in its favour as asked.
            if crossed(row.side == Side::Sell, activation, price) {
                self.activate(id, price);
            }
            return false;
        }
        order.extreme = match row.side {
            Side::Buy => order.extreme.min(price),
            Side::Sell => order.extreme.max(price),
        };
        crossed(row.side == Side::Buy, trailing_trigger(row.side, order.extreme, rate), price)
    }

    /// Lets a trailing stop follow from a price, and tells NEW again.
    pub(super) fn activate(&mut self, id: AlgoId, price: Decimal) {
        let now = self.now;
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        order.extreme = price;
        order.row.is_activated = true;
        order.row.update_time = now;
        self.tell_algo(id);
    }

    fn trigger(&mut self, id: AlgoId) {
        let now = self.now;
        let pace = self.algo.draw_pace(self.config.algo);
        let Some(order) = self.algo.orders.get_mut(&id) else { return };
        order.pace = pace;
        order.row.status = AlgoStatus::Triggering;
        order.row.trigger_time = now;
        order.row.update_time = now;
        let (market, delay) = (order.market, pace.child_delay_ms);
        self.algo.waiting.remove(&(market, id));
        self.algo.set_alarm(id, (delay > 0).then(|| now.saturating_add(delay)));
        self.tell_algo(id);
        if delay == 0 {
            self.send_child(id);
        }
    }

    /// Runs what an order has waited for: its expiry, its child, or the telling of its child.
    pub(crate) fn algo_alarm(&mut self, id: AlgoId) {
        self.algo.set_alarm(id, None);
        let Some(order) = self.algo.orders.get(&id) else { return };
        match (order.row.status, order.child) {
            (AlgoStatus::New, _) => self.end_algo(id, AlgoStatus::Expired, None),
            (AlgoStatus::Triggering, None) => self.send_child(id),
            (AlgoStatus::Triggering, Some(_)) => {
                self.tell_triggered(id);
                self.finish(id);
            }
            (AlgoStatus::Triggered, _) => self.tell_finished(id),
            (AlgoStatus::Finished | AlgoStatus::Canceled | AlgoStatus::Rejected | AlgoStatus::Expired, _) => {}
        }
    }

    /// Sends the child into the engine, as any other order, in a transaction of its own.
    fn send_child(&mut self, id: AlgoId) {
        let Some(order) = self.algo.orders.get(&id).cloned() else { return };
        let wanted = match self.wanted(&order) {
            Wanted::Child(wanted) => wanted,
            Wanted::Nothing => return self.end_algo(id, AlgoStatus::Expired, None),
            Wanted::Refused(error) => return self.end_algo(id, AlgoStatus::Rejected, Some(reason(&error))),
        };
        self.make_room(&order, &wanted);
        self.commit();
        let (market, mut terms, client_id) = match self.admit(order.account, &wanted) {
            Ok(admitted) => admitted,
            Err(error) => return self.end_algo(id, AlgoStatus::Rejected, Some(reason(&error))),
        };
        if order.row.time_in_force == TimeInForce::Gtd {
            // The ten minutes ahead counted when the conditional order was placed.
            (terms.time_in_force, terms.good_till_date) = (TimeInForce::Gtd, order.row.good_till_date);
        }
        let child = self.enter(market, order.account, terms, client_id).accepted.order_id;
        if let Some(order) = self.algo.orders.get_mut(&id) {
            order.child = Some(child);
        }
        let ended = self.markets[market].orders.get(&child).is_none_or(|order| Order::leaves(order).is_zero());
        if !ended {
            self.algo.children.insert((market, child), id);
        }
        self.tell_entry(id, &order, child);
        self.finish(id);
        self.liquidate(order.account);
        self.commit();
    }

    /// Lets the child's own events go, and TRIGGERED before, between, after or later than them.
    fn tell_entry(&mut self, id: AlgoId, order: &AlgoOrder, child: OrderId) {
        if order.pace.told_delay_ms > 0 {
            self.algo.set_alarm(id, Some(self.now.saturating_add(order.pace.told_delay_ms)));
            return self.commit();
        }
        let begin = self.events.len();
        if order.pace.told != TriggeredTold::First {
            self.commit();
        }
        let end = self.events.len();
        self.tell_triggered(id);
        if order.pace.told == TriggeredTold::Between {
            let new = |event: &Event| match event {
                Event::User { account, event: UserEvent::Order(update), .. } => {
                    (*account, update.order.order_id, update.exec_type) == (order.account, child, ExecType::New)
                }
                Event::User { .. } | Event::Market { .. } => false,
            };
            let place = self.events[begin..end].iter().position(new).map_or(end, |at| begin + at + 1);
            let told = self.events.len() - end;
            self.events[place..].rotate_right(told);
        }
        self.commit();
    }

    fn wanted(&self, order: &AlgoOrder) -> Wanted {
        let row = &order.row;
        let state = &self.markets[order.market];
        if row.price_protect {
            let apart = (state.mark - state.tape.last_price()).abs();
            if apart > state.mark * state.spec.trigger_protect {
                return Wanted::Refused(ApiError::new(-4131, "Price protection: mark and contract price are too far apart"));
            }
        }
        let Some(account) = self.accounts.get(&order.account) else { return Wanted::Nothing };
        let amount = account.symbols[order.market].leg(row.position_side).amount;
        // What lives with the position ends with it; a mere reduce-only order is left to the engine, which refuses it.
        let bound = row.close_position || row.time_in_force == TimeInForce::GteGtc;
        if bound && amount.is_zero() {
            return Wanted::Nothing;
        }
        let room = reducible(amount, row.side);
        if row.close_position && room.is_zero() {
            return Wanted::Nothing;
        }
        let limited = matches!(row.order_type, OrderType::Stop | OrderType::TakeProfit);
        let time_in_force = match row.time_in_force {
            TimeInForce::Gtd | TimeInForce::GteGtc => TimeInForce::Gtc,
            other @ (TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Gtx | TimeInForce::Rpi) => other,
        };
        let quantity = if row.close_position { room } else { row.quantity };
        let mut child = NewOrder::market(&row.symbol, row.side, quantity);
        if limited {
            child.order_type = OrderType::Limit;
            child.time_in_force = Some(time_in_force);
            child.price = (row.price_match == PriceMatch::None).then_some(row.price);
            child.price_match = Some(row.price_match);
        }
        child.position_side = Some(row.position_side);
        child.reduce_only = Some((row.reduce_only || row.close_position) && row.position_side == PositionSide::Both);
        child.new_client_order_id = Some(row.client_algo_id.clone());
        child.stp_mode = Some(row.stp_mode);
        Wanted::Child(Box::new(child))
    }

    /// Expires resting closing orders of a hedge leg that stand in the way of one that closes all of it.
    fn make_room(&mut self, order: &AlgoOrder, wanted: &NewOrder) {
        let leg = order.row.position_side;
        if !order.row.close_position || leg == PositionSide::Both || self.check_status(order.market, Aim::Closes).is_err() {
            return;
        }
        let Some(state) = self.accounts.get(&order.account).map(|account| &account.symbols[order.market]) else { return };
        let free = state.leg(leg).amount.abs() - state.sums(leg).closing_qty;
        if wanted.quantity.is_some_and(|quantity| quantity <= free) {
            return;
        }
        for id in self.open_of(order.account, order.market) {
            let stands = self.markets[order.market]
                .orders
                .get(&id)
                .is_some_and(|other| other.is_closing() && other.row.position_side == leg);
            if stands {
                self.end_order(order.market, id, Ending::Expired(ExpiryReason::ReduceOnly));
            }
        }
    }
}

/// Gives the price at which a trailing stop triggers.
pub(super) fn trailing_trigger(side: Side, extreme: Decimal, rate: Decimal) -> Decimal {
    match side {
        Side::Buy => extreme * (Decimal::ONE + rate / dec!(100)),
        Side::Sell => extreme * (Decimal::ONE - rate / dec!(100)),
    }
}

/// Gives the text of `rm`. Only the one for reduce-only is documented.
fn reason(error: &ApiError) -> String {
    if error.code == ApiError::reduce_only_reject().code { "Reduce Only reject".to_owned() } else { error.msg.clone() }
}
