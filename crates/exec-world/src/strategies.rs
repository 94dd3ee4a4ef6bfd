//! Strategies that play with everything a strategy may do: a sane one, and a greedy one that must be stopped by the limits. What
//! they do with conditional orders and lists stands in `conditional`.

use crate::{plan::Plan, rng::Rng};
use exec_core::{
    conversation::OrderUpdate,
    ids::{InstrumentId, IntentId},
    order::Order,
    order::event::OrderEvent,
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use rust_decimal::Decimal;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// What a player likes to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Asks for more than the limits allow.
    pub(crate) greedy: bool,
    /// The pauses between actions are so many times longer.
    pub(crate) slower: u64,
    /// Of 1000 actions, those with conditional orders, and those with lists.
    pub(crate) conditional: u32,
    pub(crate) brackets: u32,
    /// Only brackets, and in NETTING only on this side.
    pub(crate) only_brackets: Option<Side>,
    /// Of 1000 calls, those in which it panics; of 1000 actions, those that make no sense.
    pub(crate) panics: u32,
    pub(crate) busy: bool,
    pub(crate) foul: u32,
}

/// What strategies are to do: nothing more, play, or close what they hold.
pub(crate) const RESTS: u8 = 0;
pub(crate) const ACTS: u8 = 1;
pub(crate) const GETS_FLAT: u8 = 2;

/// What a strategy panics with.
pub(crate) struct Panicked;

impl Habits {
    pub(crate) fn of(plan: &Plan) -> Self {
        let side = if plan.seed.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        Self {
            greedy: plan.greedy,
            slower: plan.slower.max(1),
            conditional: plan.conditional,
            brackets: plan.brackets,
            only_brackets: plan.only_brackets.then_some(side),
            panics: plan.panics,
            busy: plan.busy,
            foul: plan.foul,
        }
    }
}

/// Acts on one instrument, at random, while it may.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) instrument: InstrumentId,
    pub(crate) habits: Habits,
    pub(crate) rng: Rng,
    active: Arc<AtomicU8>,
}

impl Player {
    pub(crate) fn new(instrument: InstrumentId, habits: Habits, rng: Rng, active: Arc<AtomicU8>) -> Self {
        Self { instrument, habits, rng, active }
    }

    fn act(&mut self, ctx: &mut Context<'_>) {
        if self.rng.chance(self.habits.foul) {
            self.play_foul(ctx);
        } else if self.habits.only_brackets.is_some() {
            self.play_brackets(ctx);
        } else if self.habits.brackets > 0 && self.rng.chance(self.habits.brackets) {
            self.play_lists(ctx);
        } else if self.habits.conditional > 0 && self.rng.chance(self.habits.conditional) {
            self.play_conditional(ctx);
        } else {
            self.play(ctx);
        }
    }

    /// Without the message of a panic: the process ends the same.
    fn panics(&mut self) {
        if self.rng.chance(self.habits.panics) {
            std::panic::resume_unwind(Box::new(Panicked));
        }
    }

    fn play(&mut self, ctx: &mut Context<'_>) {
        match self.rng.below(20) {
            0..=5 => self.rest(ctx, TimeInForce::Gtc),
            6 | 7 => self.rest(ctx, TimeInForce::Gtx),
            8 | 9 => self.rest(ctx, TimeInForce::Ioc),
            10 => self.rest(ctx, TimeInForce::Fok),
            11 | 12 => self.market(ctx),
            13 | 14 => self.close(ctx),
            15 | 16 => {
                if let Some(intent) = self.own_order(ctx) {
                    ctx.cancel(intent);
                }
            }
            17 | 18 => self.change(ctx),
            _ => {
                let all = self.rng.chance(500);
                ctx.cancel_all(if all { None } else { Some(&self.instrument) });
            }
        }
    }

    pub(crate) fn own_order(&mut self, ctx: &Context<'_>) -> Option<IntentId> {
        let all: Vec<IntentId> = ctx.open_orders().map(|o| o.intent().id).collect();
        self.rng.pick(&all).copied()
    }

    pub(crate) fn side_and_leg(&mut self, ctx: &Context<'_>) -> (Side, PositionSide) {
        let buy = self.rng.chance(500);
        match ctx.mode() {
            PositionMode::Netting => (if buy { Side::Buy } else { Side::Sell }, PositionSide::Net),
            PositionMode::Hedging if buy => (Side::Buy, PositionSide::Long),
            PositionMode::Hedging => (Side::Sell, PositionSide::Short),
        }
    }

    pub(crate) fn price(&mut self, ctx: &Context<'_>, side: Side, crossing: bool) -> Option<Price> {
        let mid = ctx.quote(&self.instrument).reference()?;
        let away = Decimal::from(self.rng.below(12)) / Decimal::from(20_000);
        let toward = if (side == Side::Buy) == crossing { Decimal::ONE + away } else { Decimal::ONE - away };
        let wild = self.habits.greedy && self.rng.chance(100);
        let price = mid * toward * if wild { Decimal::from(100) } else { Decimal::ONE };
        ctx.instrument(&self.instrument)?.price_floor(price)
    }

    pub(crate) fn qty(&mut self, ctx: &Context<'_>) -> Option<Qty> {
        let mid = ctx.quote(&self.instrument).reference()?;
        // Between 100 and 4,000 in quote; greedy ones ask for up to thirty times as much.
        let notional = Decimal::from(self.rng.between(1, 40) * 100);
        let factor =
            if self.habits.greedy && self.rng.chance(300) { Decimal::from(self.rng.between(5, 30)) } else { Decimal::ONE };
        ctx.instrument(&self.instrument)?.qty_floor(notional * factor / mid, false)
    }

    fn rest(&mut self, ctx: &mut Context<'_>, tif: TimeInForce) {
        let (side, leg) = self.side_and_leg(ctx);
        let crossing = matches!(tif, TimeInForce::Ioc | TimeInForce::Fok) || self.rng.chance(250);
        if let (Some(price), Some(qty)) = (self.price(ctx, side, crossing), self.qty(ctx)) {
            ctx.limit(&self.instrument, side, leg, qty, price, tif);
        }
    }

    pub(crate) fn market(&mut self, ctx: &mut Context<'_>) {
        let (side, leg) = self.side_and_leg(ctx);
        if let Some(qty) = self.qty(ctx) {
            ctx.market(&self.instrument, side, leg, qty);
        }
    }

    pub(crate) fn close(&mut self, ctx: &mut Context<'_>) {
        let legs: &[PositionSide] = match ctx.mode() {
            PositionMode::Netting => &[PositionSide::Net],
            PositionMode::Hedging => &[PositionSide::Long, PositionSide::Short],
        };
        let Some(leg) = self.rng.pick(legs).copied() else { return };
        let held = ctx.share(&self.instrument, leg);
        if held.is_zero() {
            return;
        }
        let side = if held.get().is_sign_negative() { Side::Buy } else { Side::Sell };
        let part = if self.rng.chance(500) { held.magnitude().get() } else { held.magnitude().get() / Decimal::TWO };
        let Some(qty) = ctx.instrument(&self.instrument).and_then(|i| i.qty_floor(part, true)) else { return };
        if self.rng.chance(700) {
            ctx.close(&self.instrument, side, leg, qty);
        } else if let Some(price) = self.price(ctx, side, false) {
            let kind = OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc };
            let instrument = self.instrument.clone();
            ctx.submit(Terms { instrument, side, leg, intention: Intention::Reduce, qty: Some(qty), kind, stp: None });
        }
    }

    /// Takes its orders off the book, and closes its shares at market, one order at a time.
    fn get_flat(&mut self, ctx: &mut Context<'_>) {
        // What replaces a lost stop stays until nothing is left to close.
        let protects = |o: &&Order| o.intent().terms.is_closing() && o.intent().terms.kind.is_conditional();
        let on_its_way = ctx.open_orders().any(|o| matches!(o.intent().terms.kind, OrderKind::Market));
        if on_its_way || ctx.open_orders().any(|o| !protects(&o)) {
            if !on_its_way {
                ctx.cancel_all(None);
            }
            return;
        }
        let held: Vec<_> = ctx.shares().filter(|(_, _, q)| !q.is_zero()).map(|(i, leg, q)| (i.clone(), leg, q)).collect();
        for (instrument, leg, share) in held {
            let side = if share.get().is_sign_negative() { Side::Buy } else { Side::Sell };
            ctx.close(&instrument, side, leg, share.magnitude());
        }
    }

    fn change(&mut self, ctx: &mut Context<'_>) {
        let Some(intent) = self.own_order(ctx) else { return };
        let Some(order) = ctx.order(intent) else { return };
        let side = order.intent().terms.side;
        let (qty, cum) = (order.qty(), order.cum_qty());
        let Some(price) = self.price(ctx, side, false) else { return };
        let new = if self.rng.chance(500) { qty } else { self.qty(ctx).map(|more| more.plus(cum)) };
        if let Some(qty) = new {
            ctx.replace(intent, qty, price);
        }
    }
}

impl Strategy for Player {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(1, self.rng.between(20, 200));
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        if self.active.load(Ordering::Relaxed) != ACTS {
            return;
        }
        self.panics();
        if matches!(update.event, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. })
            && self.habits.only_brackets.is_none()
            && self.rng.chance(200)
        {
            ctx.save_state(vec![1, 2, 3]);
            self.close(ctx);
        }
    }

    fn on_price(&mut self, ctx: &mut Context<'_>, _instrument: &InstrumentId) {
        if self.active.load(Ordering::Relaxed) == GETS_FLAT {
            self.get_flat(ctx);
        }
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        if self.active.load(Ordering::Relaxed) != ACTS {
            return;
        }
        self.panics();
        let times = if self.habits.greedy { self.rng.between(1, 4) } else { 1 };
        for _ in 0..times {
            self.act(ctx);
        }
        let longest = if self.habits.busy { 200 } else { 400 };
        ctx.set_timer(1, self.rng.between(20, longest) * self.habits.slower);
    }
}
