//! What strategies do with conditional orders, brackets, lists and batches. All of it random; sane most of the time.

use crate::strategies::Player;
use exec_core::{
    command::ChangeOrder,
    ids::IntentId,
    order::intent::ListRole,
    strategy::Context,
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use rust_decimal::Decimal;

/// On which side of the present price a trigger stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beyond {
    Above,
    Below,
}

impl Player {
    /// Something with one conditional order.
    pub(crate) fn play_conditional(&mut self, ctx: &mut Context<'_>) {
        match self.rng.below(10) {
            0 | 1 => self.protect(ctx),
            2 => self.take_profit(ctx),
            3 | 4 => self.conditional_entry(ctx),
            5..=7 => self.change_untriggered(ctx),
            8 => {
                if let Some(intent) = self.untriggered(ctx) {
                    ctx.cancel(intent);
                }
            }
            _ => self.flagged(ctx),
        }
    }

    /// Brackets, pairs that cancel each other, and batches.
    pub(crate) fn play_lists(&mut self, ctx: &mut Context<'_>) {
        match self.rng.below(6) {
            0..=2 => self.bracket(ctx),
            3 => self.pair_of_exits(ctx),
            4 => self.pair_of_entries(ctx),
            _ => self.batch(ctx),
        }
    }

    /// Brackets and what belongs to them: their entries may be taken back, their closing orders may be moved.
    pub(crate) fn play_brackets(&mut self, ctx: &mut Context<'_>) {
        let all: Vec<(ListRole, IntentId)> =
            ctx.open_orders().filter_map(|o| o.intent().list.map(|place| (place.role, o.intent().id))).collect();
        match self.rng.below(10) {
            0..=4 => self.bracket(ctx),
            5 | 6 => {
                let entries: Vec<IntentId> = all.iter().filter(|(r, _)| *r == ListRole::Entry).map(|(_, i)| *i).collect();
                if let Some(entry) = self.rng.pick(&entries).copied() {
                    ctx.cancel(entry);
                }
            }
            _ => {
                let children: Vec<IntentId> =
                    all.iter().filter(|(r, _)| matches!(r, ListRole::StopLoss | ListRole::TakeProfit)).map(|(_, i)| *i).collect();
                if let Some(child) = self.rng.pick(&children).copied() {
                    self.move_trigger(ctx, child);
                }
            }
        }
    }

    fn trigger(&mut self, ctx: &Context<'_>, beyond: Beyond) -> Option<Trigger> {
        let mid = ctx.quote(&self.instrument).reference()?;
        // From 0.02 to 1 percent away; seldom on the wrong side.
        let away = Decimal::from(self.rng.between(2, 100)) / Decimal::from(10_000);
        let above = (beyond == Beyond::Above) != self.rng.chance(20);
        let price = mid * if above { Decimal::ONE + away } else { Decimal::ONE - away };
        let price = ctx.instrument(&self.instrument)?.price_floor(price)?;
        let by = if self.rng.chance(500) { TriggerBy::Mark } else { TriggerBy::Last };
        Some(Trigger { price, by, price_protect: self.rng.chance(200) })
    }

    /// A limit price that the market has most likely passed when the trigger comes, and sometimes not.
    fn limit_at(&mut self, ctx: &Context<'_>, side: Side, trigger: Price) -> Option<LimitPrice> {
        if self.rng.chance(100) {
            return Some(LimitPrice::Match(PriceMatch::Opponent));
        }
        let away = Decimal::from(self.rng.below(30)) / Decimal::from(10_000);
        let crossing = self.rng.chance(600);
        let toward = if (side == Side::Buy) == crossing { Decimal::ONE + away } else { Decimal::ONE - away };
        ctx.instrument(&self.instrument)?.price_floor(trigger.get() * toward).map(LimitPrice::At)
    }

    /// Most orders stay when they have triggered; some end at once, filled or not.
    fn child_tif(&mut self) -> TimeInForce {
        let all = [TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx];
        self.rng.pick(&all).copied().unwrap_or(TimeInForce::Gtc)
    }

    /// A stop on `side`: it triggers where the price goes against whoever holds the other side.
    fn stop_kind(&mut self, ctx: &Context<'_>, side: Side) -> Option<OrderKind> {
        let beyond = if side == Side::Sell { Beyond::Below } else { Beyond::Above };
        let trigger = self.trigger(ctx, beyond)?;
        Some(match self.rng.below(6) {
            0 => {
                let price = self.limit_at(ctx, side, trigger.price)?;
                OrderKind::StopLimit { trigger, price, tif: self.child_tif() }
            }
            1 => {
                let favour = if side == Side::Sell { Beyond::Above } else { Beyond::Below };
                let activation = if self.rng.chance(500) { Some(self.trigger(ctx, favour)?.price) } else { None };
                let callback_percent = Decimal::new(i64::try_from(self.rng.between(1, 15)).unwrap_or(1), 1);
                OrderKind::TrailingStopMarket { activation, callback_percent, by: trigger.by }
            }
            _ => OrderKind::StopMarket { trigger },
        })
    }

    fn profit_kind(&mut self, ctx: &Context<'_>, side: Side) -> Option<OrderKind> {
        let beyond = if side == Side::Sell { Beyond::Above } else { Beyond::Below };
        let trigger = self.trigger(ctx, beyond)?;
        if self.rng.chance(400) {
            let price = self.limit_at(ctx, side, trigger.price)?;
            return Some(OrderKind::TakeProfit { trigger, price, tif: self.child_tif() });
        }
        Some(OrderKind::TakeProfitMarket { trigger })
    }

    /// A leg that is held: the side that closes it, and how much there is.
    fn held(&mut self, ctx: &Context<'_>) -> Option<(PositionSide, Side, Qty)> {
        let legs: &[PositionSide] = match ctx.mode() {
            PositionMode::Netting => &[PositionSide::Net],
            PositionMode::Hedging => &[PositionSide::Long, PositionSide::Short],
        };
        let leg = self.rng.pick(legs).copied()?;
        let held = ctx.share(&self.instrument, leg);
        if held.is_zero() {
            return None;
        }
        let side = if held.get().is_sign_negative() { Side::Buy } else { Side::Sell };
        let part = if self.rng.chance(500) { held.magnitude().get() } else { held.magnitude().get() / Decimal::TWO };
        Some((leg, side, ctx.instrument(&self.instrument)?.qty_floor(part, true)?))
    }

    fn terms(&self, side: Side, leg: PositionSide, intention: Intention, qty: Option<Qty>, kind: OrderKind) -> Terms {
        Terms { instrument: self.instrument.clone(), side, leg, intention, qty, kind, stp: None }
    }

    fn protect(&mut self, ctx: &mut Context<'_>) {
        let Some((leg, side, qty)) = self.held(ctx) else { return };
        let Some(kind) = self.stop_kind(ctx, side) else { return };
        let terms = if matches!(kind, OrderKind::StopMarket { .. }) && self.rng.chance(400) {
            self.terms(side, leg, Intention::CloseAll, None, kind)
        } else {
            self.terms(side, leg, Intention::Reduce, Some(qty), kind)
        };
        ctx.submit(terms);
    }

    fn take_profit(&mut self, ctx: &mut Context<'_>) {
        let Some((leg, side, qty)) = self.held(ctx) else { return };
        let Some(kind) = self.profit_kind(ctx, side) else { return };
        let terms = if matches!(kind, OrderKind::TakeProfitMarket { .. }) && self.rng.chance(300) {
            self.terms(side, leg, Intention::CloseAll, None, kind)
        } else {
            self.terms(side, leg, Intention::Reduce, Some(qty), kind)
        };
        ctx.submit(terms);
    }

    fn conditional_entry(&mut self, ctx: &mut Context<'_>) {
        let (side, leg) = self.side_and_leg(ctx);
        let kind = if self.rng.chance(700) { self.stop_kind(ctx, side) } else { self.profit_kind(ctx, side) };
        if let (Some(kind), Some(qty)) = (kind, self.qty(ctx)) {
            ctx.submit(self.terms(side, leg, Intention::Open, Some(qty), kind));
        }
    }

    /// An ordinary order that takes its price from the book, or that minds its owner's other orders.
    fn flagged(&mut self, ctx: &mut Context<'_>) {
        let (side, leg) = self.side_and_leg(ctx);
        let (Some(price), Some(qty)) = (self.price(ctx, side, false), self.qty(ctx)) else { return };
        let levels = [PriceMatch::Queue, PriceMatch::Opponent, PriceMatch::Queue5, PriceMatch::Opponent5];
        let price = match self.rng.pick(&levels) {
            Some(level) if self.rng.chance(500) => LimitPrice::Match(*level),
            _ => LimitPrice::At(price),
        };
        let rules = [SelfTrade::ExpireTaker, SelfTrade::ExpireMaker, SelfTrade::ExpireBoth];
        let stp = self.rng.pick(&rules).copied().filter(|_| self.rng.chance(500));
        let kind = OrderKind::Limit { price, tif: TimeInForce::Gtc };
        ctx.submit(Terms { stp, ..self.terms(side, leg, Intention::Open, Some(qty), kind) });
    }

    fn untriggered(&mut self, ctx: &Context<'_>) -> Option<IntentId> {
        let all: Vec<IntentId> = ctx.open_orders().filter(|o| o.is_untriggered()).map(|o| o.intent().id).collect();
        self.rng.pick(&all).copied()
    }

    fn change_untriggered(&mut self, ctx: &mut Context<'_>) {
        let Some(intent) = self.untriggered(ctx) else { return };
        if self.rng.chance(700) {
            self.move_trigger(ctx, intent);
        } else if let Some(qty) = self.qty(ctx) {
            ctx.change(ChangeOrder { intent, qty: Some(qty), price: None, trigger: None });
        }
    }

    fn move_trigger(&mut self, ctx: &mut Context<'_>, intent: IntentId) {
        let Some(order) = ctx.order(intent) else { return };
        let terms = order.intent().terms.clone();
        let rises = (terms.side == Side::Buy) == terms.kind.is_stop();
        let Some(trigger) = self.trigger(ctx, if rises { Beyond::Above } else { Beyond::Below }) else { return };
        ctx.change(ChangeOrder { intent, qty: None, price: None, trigger: Some(trigger.price) });
    }

    fn bracket(&mut self, ctx: &mut Context<'_>) {
        let (mut side, mut leg) = self.side_and_leg(ctx);
        if let (Some(only), PositionMode::Netting) = (self.habits.only_brackets, ctx.mode()) {
            (side, leg) = (only, PositionSide::Net);
        }
        let exit = if side == Side::Buy { Side::Sell } else { Side::Buy };
        let Some(qty) = self.qty(ctx) else { return };
        let entry = match self.rng.below(5) {
            0 | 1 => Some(OrderKind::Market),
            2 => self.stop_kind(ctx, side),
            _ => {
                let crossing = self.rng.chance(500);
                self.price(ctx, side, crossing).map(|p| OrderKind::Limit { price: p.into(), tif: TimeInForce::Gtc })
            }
        };
        let (Some(entry), Some(stop)) = (entry, self.stop_kind(ctx, exit)) else { return };
        let profit = if self.rng.chance(600) { self.profit_kind(ctx, exit) } else { None };
        let entry = self.terms(side, leg, Intention::Open, Some(qty), entry);
        let stop = self.terms(exit, leg, Intention::Reduce, Some(qty), stop);
        let profit = profit.map(|kind| self.terms(exit, leg, Intention::Reduce, Some(qty), kind));
        ctx.bracket(entry, stop, profit);
    }

    fn pair_of_exits(&mut self, ctx: &mut Context<'_>) {
        let Some((leg, side, qty)) = self.held(ctx) else { return };
        let (Some(stop), Some(profit)) = (self.stop_kind(ctx, side), self.profit_kind(ctx, side)) else { return };
        let one = self.terms(side, leg, Intention::Reduce, Some(qty), stop);
        let other = self.terms(side, leg, Intention::Reduce, Some(qty), profit);
        ctx.one_cancels_other(one, other);
    }

    fn pair_of_entries(&mut self, ctx: &mut Context<'_>) {
        let (side, leg) = self.side_and_leg(ctx);
        let Some(qty) = self.qty(ctx) else { return };
        let (Some(one), Some(other)) = (self.stop_kind(ctx, side), self.profit_kind(ctx, side)) else { return };
        let one = self.terms(side, leg, Intention::Open, Some(qty), one);
        let other = self.terms(side, leg, Intention::Open, Some(qty), other);
        ctx.one_cancels_other(one, other);
    }

    fn batch(&mut self, ctx: &mut Context<'_>) {
        let mut all = Vec::new();
        for _ in 0..self.rng.between(2, 7) {
            let (side, leg) = self.side_and_leg(ctx);
            let conditional = self.rng.chance(200);
            let kind = if conditional {
                self.stop_kind(ctx, side)
            } else {
                self.price(ctx, side, false).map(|p| OrderKind::Limit { price: p.into(), tif: TimeInForce::Gtc })
            };
            if let (Some(kind), Some(qty)) = (kind, self.qty(ctx)) {
                all.push(self.terms(side, leg, Intention::Open, Some(qty), kind));
            }
        }
        ctx.submit_batch(all);
    }
}
