//! The world outside: prices that jump, the account's owner, who trades by hand, and an operator at the control socket.

use crate::{
    agenda::Event,
    fault::{Fault, Strikes},
    rng::Rng,
    throws::throw,
    trace::Trace,
    world::World,
};
use exchange_sim::{
    Exchange,
    request::{AlgoRef, NewAlgoOrder, NewOrder},
    types::{self, AccountId},
};
use exec_core::{command::OperatorCommand, conversation::Input, ids::IntentId};
use exec_testkit::fixtures::decimal;
use rust_decimal::Decimal;

/// Those who act at the exchange and are no node of ours. Which layer a world belongs to does not matter to them.
pub(crate) struct Outside<'a> {
    pub(crate) exchange: &'a mut Exchange,
    pub(crate) account: AccountId,
    /// The exchange's time.
    pub(crate) venue: i64,
    /// The world's.
    pub(crate) now: u64,
    pub(crate) hedging: bool,
    pub(crate) rng: &'a mut Rng,
    pub(crate) strikes: &'a mut Strikes,
    pub(crate) trace: &'a mut Trace,
    /// Orders that were asked for by hand.
    pub(crate) orders: &'a mut u64,
}

impl Outside<'_> {
    /// Whether what is decided already may happen; counted.
    fn struck(&mut self, fault: Fault) -> bool {
        let struck = self.strikes.strikes(fault, self.rng.next());
        if struck {
            let number = self.strikes.number();
            self.trace.line(self.now, || format!("! {} (strike {number})", fault.name()));
        }
        struck
    }

    pub(crate) fn jump(&mut self) {
        let venue = self.venue;
        let symbols: Vec<_> = self.exchange.symbols().into_iter().map(|s| (s.symbol.clone(), s.start_price)).collect();
        let Some((symbol, start)) = self.rng.pick(&symbols).cloned() else { return };
        let open = self.exchange.open_algo_orders(self.account, Some(&symbol), None).unwrap_or_default();
        // Half of them go to where some conditional order waits.
        let aimed = self.rng.pick(&open).map(|row| row.trigger_price).filter(|price| !price.is_zero());
        let anywhere = start * Decimal::from(970 + self.rng.below(60)) / Decimal::from(1_000);
        let price = aimed.filter(|_| self.rng.chance(500)).unwrap_or(anywhere);
        let price = self.exchange.symbol(&symbol).map_or(price, |s| s.floor_to_tick(price));
        // A price outside of what the symbol allows is refused; then there is no jump.
        let _refused = self.exchange.move_price(venue, &symbol, price);
    }

    /// The account's owner trades by hand, or takes an order off the book.
    pub(crate) fn hand(&mut self) {
        let (venue, account) = (self.venue, self.account);
        let exchange = &*self.exchange;
        let symbols: Vec<_> =
            exchange.symbols().into_iter().map(|s| (s.symbol.to_string(), s.start_price, s.step_size)).collect();
        let Some((symbol, price, step)) = self.rng.pick(&symbols).cloned() else { return };
        if self.rng.chance(250) {
            self.conditional_hand(&symbol, price, step);
            return;
        }
        if self.rng.chance(300) {
            let open = exchange.open_orders(account, Some(&symbol)).unwrap_or_default();
            if let Some(row) = self.rng.pick(&open)
                && self.struck(Fault::HandCancel)
            {
                let (order, id) = (exchange_sim::request::OrderRef::id(row.order_id), row.order_id);
                let done = self.exchange.cancel(venue, account, &symbol, &order).is_ok();
                self.trace.line(self.now, || format!("! by hand: cancel {id}: {done}"));
            }
            return;
        }
        let buy = self.rng.chance(500);
        let side = if buy { types::Side::Buy } else { types::Side::Sell };
        let notional = Decimal::from(self.rng.between(1, 20) * 100);
        let qty = (notional / price / step).floor() * step;
        let mut order = if self.rng.chance(500) {
            NewOrder::market(&symbol, side, qty)
        } else {
            let away = if buy { decimal("0.999") } else { decimal("1.001") };
            let limit = self.exchange.symbol(&symbol).map_or(price, |s| s.floor_to_tick(price * away));
            NewOrder::limit(&symbol, side, qty, limit, types::TimeInForce::Gtc)
        };
        if self.hedging {
            order = order.on_leg(if buy { types::PositionSide::Long } else { types::PositionSide::Short });
        }
        if !self.struck(Fault::HandOrder) {
            return;
        }
        *self.orders += 1;
        order.new_client_order_id = Some(format!("hand{}", *self.orders));
        let placed = self.exchange.place(venue, account, &order).is_ok();
        self.trace.line(self.now, || format!("! by hand: {order:?}: {placed}"));
    }

    /// The account's owner takes everything off the book.
    pub(crate) fn sweep(&mut self) {
        let (venue, account) = (self.venue, self.account);
        self.exchange.advance(venue);
        for row in self.exchange.open_orders(account, None).unwrap_or_default() {
            if self.struck(Fault::HandCancel) {
                let order = exchange_sim::request::OrderRef::id(row.order_id);
                let _gone_already = self.exchange.cancel(venue, account, &row.symbol, &order);
            }
        }
        for row in self.exchange.open_algo_orders(account, None, None).unwrap_or_default() {
            if self.struck(Fault::HandConditionalCancel) {
                let _gone_already = self.exchange.cancel_algo(venue, account, &AlgoRef::id(row.algo_id));
            }
        }
    }

    /// The account's owner cancels a conditional order by hand, or places one.
    fn conditional_hand(&mut self, symbol: &str, start: Decimal, step: Decimal) {
        let (venue, account) = (self.venue, self.account);
        let open = self.exchange.open_algo_orders(account, Some(symbol), None).unwrap_or_default();
        if let Some(row) = self.rng.pick(&open).filter(|_| open.len() > 1 || venue % 2 == 0) {
            if !self.struck(Fault::HandConditionalCancel) {
                return;
            }
            let done = self.exchange.cancel_algo(venue, account, &AlgoRef::id(row.algo_id)).is_ok();
            self.trace.line(self.now, || format!("! by hand: cancel conditional {}: {done}", row.client_algo_id));
            return;
        }
        let buy = self.rng.chance(500);
        let side = if buy { types::Side::Buy } else { types::Side::Sell };
        let leg = if buy { types::PositionSide::Short } else { types::PositionSide::Long };
        let away = Decimal::from(self.rng.between(1, 20)) / Decimal::from(1_000);
        let trigger = start * if buy { Decimal::ONE + away } else { Decimal::ONE - away };
        let trigger = self.exchange.symbol(symbol).map_or(trigger, |s| s.floor_to_tick(trigger));
        let mut order = if self.rng.chance(500) {
            NewAlgoOrder::closing(symbol, side, types::OrderType::StopMarket, trigger)
        } else {
            let qty = (Decimal::from(self.rng.between(2, 20) * 100) / start / step).floor() * step;
            NewAlgoOrder::market(symbol, side, types::OrderType::StopMarket, qty, trigger)
        };
        if self.hedging {
            order = order.on_leg(leg);
        }
        if !self.struck(Fault::HandConditional) {
            return;
        }
        *self.orders += 1;
        order.client_algo_id = Some(format!("hand{}", *self.orders));
        let placed = self.exchange.place_algo(venue, account, &order).is_ok();
        self.trace.line(self.now, || format!("! by hand: {order:?}: {placed}"));
    }

    /// The exchange takes a part of a leg for a counterpart's debt, or liquidates what is held of a symbol.
    pub(crate) fn force(&mut self) {
        let (venue, account) = (self.venue, self.account);
        let rows = self.exchange.positions(account, None).unwrap_or_default();
        let held: Vec<_> = rows.into_iter().filter(|r| !r.position_amt.is_zero()).collect();
        let Some(row) = self.rng.pick(&held) else { return };
        let (symbol, leg, amount) = (row.symbol.to_string(), row.position_side, row.position_amt.abs());
        if self.rng.chance(700) {
            let step = self.exchange.symbol(&symbol).map_or(Decimal::ONE, |s| s.step_size);
            let part = if self.rng.chance(300) { amount } else { (amount / Decimal::TWO / step).floor() * step };
            if !self.struck(Fault::Deleveraged) {
                return;
            }
            let done = self.exchange.deleverage(venue, account, &symbol, leg, part).is_ok();
            self.trace.line(self.now, || format!("! deleveraged {symbol} {leg} by {part}: {done}"));
        } else if self.struck(Fault::Liquidated) {
            let done = self.exchange.liquidate_now(venue, account, Some(&symbol)).is_ok();
            self.trace.line(self.now, || format!("! liquidated {symbol}: {done}"));
        }
    }

    /// The exchange settles a symbol for good. Says whether it does.
    pub(crate) fn settle(&mut self) -> bool {
        let symbols: Vec<_> = self.exchange.symbols().into_iter().map(|s| s.symbol.clone()).collect();
        let Some(symbol) = symbols.last().filter(|_| self.struck(Fault::Settled)) else { return false };
        let done = self.exchange.settle_symbol(self.venue, symbol).is_ok();
        self.trace.line(self.now, || format!("! settled {symbol}: {done}"));
        true
    }
}

impl World {
    pub(crate) fn outside(&mut self) -> Outside<'_> {
        let (venue, account) = (self.venue_ms(), self.desk.account());
        Outside {
            exchange: self.desk.exchange_mut(),
            account,
            venue,
            now: self.now,
            hedging: self.plan.hedging,
            rng: &mut self.rng,
            strikes: &mut self.strikes,
            trace: &mut self.trace,
            orders: &mut self.outside_orders,
        }
    }

    /// What the owner did before there was a node, and goes on doing while it comes up for the first time.
    pub(crate) fn past(&mut self) {
        if self.plan.manual > 0 {
            for ms in [100, 200, 330, 360, 390, 420, 450] {
                self.later(ms, Event::ByHand);
            }
        }
    }

    /// The exchange settles a symbol, and says so in its list of symbols.
    pub(crate) fn settle(&mut self) {
        if self.outside().settle()
            && let Some(life) = self.node.as_ref().map(|n| n.life)
        {
            let input = Input::Instruments(self.desk.instruments());
            let wait = self.rng.between(1, 3_000);
            self.later(wait, Event::ToNode { life, input });
        }
    }

    /// Somebody at the control socket asks for something.
    pub(crate) fn operator(&mut self) {
        let Some(node) = &self.node else { return };
        let life = node.life;
        let orders: Vec<IntentId> = node.engine.books().open_orders().map(|o| o.intent().id).collect();
        let instruments = node.engine.config().instruments();
        let command = match self.rng.below(6) {
            _ if self.plan.kills > 0 && self.rng.chance(self.plan.kills) => {
                let (level, scope) = throw(&mut self.rng, node.engine.config());
                OperatorCommand::Kill { level, scope }
            }
            0 => OperatorCommand::Latch,
            1 => OperatorCommand::Release,
            2 => OperatorCommand::Reconcile,
            3 => OperatorCommand::CancelAll(self.rng.pick(&instruments).cloned()),
            4 => OperatorCommand::CancelAll(None),
            _ => match self.rng.pick(&orders) {
                Some(intent) => OperatorCommand::Cancel(*intent),
                None => OperatorCommand::Reconcile,
            },
        };
        self.tally.count("operator's commands");
        let input = |command| Event::ToNode { life, input: Input::Operator { who: "operator".to_owned(), command } };
        if matches!(command, OperatorCommand::Kill { .. }) {
            self.tally.count("kill switch thrown");
            let look = self.rng.between(500, 8_000);
            self.later(look, input(OperatorCommand::Release));
        }
        self.later(0, input(command));
    }
}
