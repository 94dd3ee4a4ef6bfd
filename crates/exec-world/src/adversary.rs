//! A strategy that asks for what makes no sense: nothing, too much, off the grid, on the wrong leg, of others, again and again. None of it
//! may harm anybody.

use crate::strategies::Player;
use exec_core::{
    command::ChangeOrder,
    ids::IntentId,
    strategy::Context,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionSide, Price, Qty, Side},
};
use exec_testkit::fixtures;
use rust_decimal::Decimal;

impl Player {
    pub(crate) fn play_foul(&mut self, ctx: &mut Context<'_>) {
        match self.rng.below(9) {
            0 => self.nonsense(ctx),
            1 => self.of_nobody(ctx),
            2 => self.again_and_again(ctx),
            3 => self.on_any_leg(ctx),
            4 => self.inverted_bracket(ctx),
            5 => self.all_at_once(ctx),
            6 => ctx.save_state(vec![7; 2_000]),
            _ => self.down_to_what_is_filled(ctx),
        }
    }

    /// No quantity, no price, no such instrument, no step of the grid.
    fn nonsense(&mut self, ctx: &mut Context<'_>) {
        let odd = [Decimal::ZERO, Decimal::new(1, 9), Decimal::from(900_000_000), Decimal::new(12_345_678, 7)];
        let of = |n: Option<&Decimal>| n.copied().unwrap_or_default();
        let (qty, price) = (of(self.rng.pick(&odd)), of(self.rng.pick(&odd)));
        let (Ok(qty), Ok(price)) = (Qty::new(qty), Price::new(price)) else { return };
        let foreign = self.rng.chance(300);
        let instrument = if foreign { fixtures::instrument_id("NOPEUSDT") } else { self.instrument.clone() };
        let (side, leg) = self.side_and_leg(ctx);
        let tifs = [TimeInForce::Gtc, TimeInForce::Fok, TimeInForce::Gtx];
        let tif = self.rng.pick(&tifs).copied().unwrap_or(TimeInForce::Gtc);
        ctx.limit(&instrument, side, leg, qty, price, tif);
    }

    /// Orders that do not exist, or are not its own.
    fn of_nobody(&mut self, ctx: &mut Context<'_>) {
        let intent = IntentId(u128::from(self.rng.next()));
        ctx.cancel(intent);
        ctx.change(ChangeOrder { intent, qty: None, price: None, trigger: None });
    }

    fn again_and_again(&mut self, ctx: &mut Context<'_>) {
        if let Some(intent) = self.own_order(ctx) {
            for _ in 0..20 {
                ctx.cancel(intent);
            }
        }
    }

    /// Closing what is not held, on legs that this account may not have.
    fn on_any_leg(&mut self, ctx: &mut Context<'_>) {
        let legs = [PositionSide::Net, PositionSide::Long, PositionSide::Short];
        let Some(leg) = self.rng.pick(&legs).copied() else { return };
        let side = if self.rng.chance(500) { Side::Buy } else { Side::Sell };
        let Some(qty) = self.qty(ctx) else { return };
        let intentions = [Intention::Open, Intention::Reduce, Intention::CloseAll];
        let intention = self.rng.pick(&intentions).copied().unwrap_or(Intention::Reduce);
        let (instrument, kind) = (self.instrument.clone(), OrderKind::Market);
        ctx.submit(Terms { instrument, side, leg, intention, qty: Some(qty), kind, stp: None });
    }

    /// A stop that its own entry would trigger, and one as large again as the entry.
    fn inverted_bracket(&mut self, ctx: &mut Context<'_>) {
        let (side, leg) = self.side_and_leg(ctx);
        let exit = if side == Side::Buy { Side::Sell } else { Side::Buy };
        let (Some(qty), Some(price)) = (self.qty(ctx), self.price(ctx, exit, true)) else { return };
        let terms = |side, intention, qty, kind| Terms {
            instrument: self.instrument.clone(),
            side,
            leg,
            intention,
            qty: Some(qty),
            kind,
            stp: None,
        };
        let trigger = Trigger { price, by: TriggerBy::Last, price_protect: false };
        let entry = terms(side, Intention::Open, qty, OrderKind::Market);
        let stop = terms(exit, Intention::Reduce, qty.plus(qty), OrderKind::StopMarket { trigger });
        ctx.bracket(entry, stop, None);
    }

    fn all_at_once(&mut self, ctx: &mut Context<'_>) {
        for _ in 0..self.rng.between(5, 30) {
            let (side, leg) = self.side_and_leg(ctx);
            if let (Some(price), Some(qty)) = (self.price(ctx, side, false), self.qty(ctx)) {
                ctx.limit(&self.instrument, side, leg, qty, price, TimeInForce::Gtc);
            }
        }
        if self.rng.chance(500) {
            ctx.cancel_all(None);
        }
    }

    /// A change to hardly more than what has executed by now: by the time it arrives it may be less.
    fn down_to_what_is_filled(&mut self, ctx: &mut Context<'_>) {
        let working = |o: &&exec_core::order::Order| !o.leaves_qty().is_zero() && o.price().is_some();
        let all: Vec<(IntentId, Qty, Option<Price>)> =
            ctx.open_orders().filter(working).map(|o| (o.intent().id, o.cum_qty(), o.price())).collect();
        let Some((intent, cum, Some(price))) = self.rng.pick(&all).copied() else { return };
        let side = ctx.order(intent).map_or(Side::Buy, |o| o.intent().terms.side);
        let Some(step) = ctx.instrument(&self.instrument).and_then(|i| i.qty_floor(Decimal::new(2, 3), false)) else { return };
        let crossing = self.price(ctx, side, true).filter(|_| self.rng.chance(500)).unwrap_or(price);
        // First to where it trades, then to what it cannot be any more.
        let (qty, price) = if self.rng.chance(500) { (None, Some(crossing)) } else { (Some(cum.plus(step)), Some(price)) };
        ctx.change(ChangeOrder { intent, qty, price, trigger: None });
    }
}
