//! What the strategies of the plays do: every kind of order, brackets, and every kind of ending, in an order that a seed fixes.
//! They make no money and want none.

use exec_core::{
    command::ChangeOrder,
    conversation::Phase,
    ids::{InstrumentId, IntentId},
    instrument::Instrument,
    order::{
        Order,
        intent::{Handling, ListRole},
        status::OrdStatus,
    },
    report::Quote,
    strategy::Context,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Price, Qty, Side},
};
use node_config::{MakeError, StrategyEntry};
use rust_decimal::Decimal;

/// The pace for which the ages below are written, in milliseconds from step to step; at another one, orders age in proportion.
const PACE_MS: u64 = 90;
/// An order of a play may leave late: a busy machine is no reason to leave out a scene.
const AGE_MS: u64 = 10_000;

/// What it does next, over and over; the last entries end in ways that a market alone seldom brings about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scene {
    /// A market order that opens.
    Market,
    /// A post-only order at the touch: filled in parts.
    AtTouch,
    /// A post-only order behind the market: changed, then cancelled, unless the market comes.
    Behind,
    /// An order that rests far away until it is cancelled.
    Far,
    /// A large immediate order: filled in part, the rest expires.
    Sweep,
    /// An immediate order that nobody meets: expires.
    Miss,
    /// A post-only order that would take, and closes: what closes is not refused here, so the exchange refuses it.
    Crossing,
    /// An order above the money limit: denied before it is sent.
    TooLarge,
    /// Asked for and taken back in one breath: never sent.
    Withdrawn,
    /// A market order that closes half of a position.
    Close,
    /// An entry with a stop and a take-profit; the stop is moved while it waits.
    Bracket,
    /// An entry with a stop that follows the market.
    Trail,
    /// A stop order that would open far away from the market: waits, is cancelled.
    Waiting,
}

const SCENES: [Scene; 16] = [
    Scene::Market,
    Scene::AtTouch,
    Scene::Bracket,
    Scene::Miss,
    Scene::Far,
    Scene::Crossing,
    Scene::Sweep,
    Scene::Waiting,
    Scene::TooLarge,
    Scene::Behind,
    Scene::Trail,
    Scene::Close,
    Scene::Withdrawn,
    Scene::Crossing,
    Scene::Far,
    Scene::Behind,
];
/// How far away the stop and the take-profit of a bracket are, in thousandths.
const STOP_PERMILLE: i64 = 5;
const PROFIT_PERMILLE: i64 = 8;

/// The scenes, and how far they are.
pub(crate) struct Scenes {
    seed: u64,
    steps: u32,
    /// So many orders are left to rest, however old they are.
    pub(crate) keep: usize,
    /// Time from step to step.
    pub(crate) pace_ms: u64,
    /// The next step. After a restart the play goes on where it was.
    pub(crate) step: u32,
    instruments: Vec<InstrumentId>,
    /// The instrument of the brackets: nothing else is traded there, so that it can be seen what they do.
    guarded: Option<InstrumentId>,
}

impl Scenes {
    /// Reads the scenes from a strategy's entry in the config: `params = { seed = 7, steps = 60, pace_ms = 90 }`.
    pub(crate) fn new(entry: &StrategyEntry) -> Result<Self, MakeError> {
        let number = |key: &str| {
            let value = entry.params.get(key).and_then(node_config::ParamValue::as_integer);
            value.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| format!("params.{key} must be a whole number"))
        };
        if entry.instruments.is_empty() {
            return Err("a play needs instruments".into());
        }
        let steps = u32::try_from(number("steps")?)?;
        let mut instruments = entry.instruments.clone();
        let guarded = (instruments.len() > 2).then(|| instruments.remove(instruments.len() - 2));
        Ok(Self { seed: number("seed")?, steps, pace_ms: number("pace_ms")?.max(1), keep: 0, step: 0, instruments, guarded })
    }

    /// A number that seed, step and purpose fix.
    fn draw(&self, purpose: u64, below: u64) -> u64 {
        mix(self.seed ^ mix(u64::from(self.step) << 8 | purpose)) % below.max(1)
    }

    /// Changes and cancels what rests, and plays the next scene. Returns whether it was played: then the step is to be saved.
    pub(crate) fn go_on(&mut self, ctx: &mut Context<'_>) -> bool {
        self.go_on_if(ctx, true)
    }

    /// The same, where the next scene waits until it is due.
    pub(crate) fn go_on_if(&mut self, ctx: &mut Context<'_>, due: bool) -> bool {
        self.tend(ctx);
        due && ctx.phase() == Phase::Live && self.act(ctx)
    }

    /// What follows does not depend on when it is called, so a restart in between changes nothing.
    fn act(&mut self, ctx: &mut Context<'_>) -> bool {
        if self.step >= self.steps {
            return false;
        }
        let turn = self.step as usize / self.instruments.len() + self.step as usize;
        let (scene, id) = match (self.scene(ctx.mode()), self.free_guarded(ctx)) {
            (scene @ (Scene::Bracket | Scene::Trail), Some(id)) => (scene, id),
            // One bracket at a time; something else rests meanwhile.
            (Scene::Bracket | Scene::Trail, None) => (Scene::Far, self.instruments[turn % self.instruments.len()].clone()),
            (scene, _) => (scene, self.instruments[turn % self.instruments.len()].clone()),
        };
        let quote = ctx.quote(&id);
        // An order in doubt shuts its instrument for new risk; the scene is played when it is settled.
        let doubted = ctx.open_orders().any(|o| o.intent().terms.instrument == id && o.is_in_doubt());
        let (Some(instrument), Some(bid), Some(ask), false) = (ctx.instrument(&id), quote.bid, quote.ask, doubted) else {
            return false;
        };
        let stage = Stage { instrument, quote, bid: bid.get(), ask: ask.get() };
        self.play(ctx, &stage, scene);
        self.step += 1;
        true
    }

    /// Whether this step still opens a leg: in HEDGING both legs of every instrument are opened first.
    fn is_opening(&self, mode: PositionMode) -> bool {
        mode == PositionMode::Hedging && (self.step as usize) < 2 * self.instruments.len()
    }
    fn scene(&self, mode: PositionMode) -> Scene {
        if self.is_opening(mode) { Scene::Market } else { SCENES[self.step as usize % SCENES.len()] }
    }
    /// The instrument of the brackets, if nothing is held and nothing is open there.
    fn free_guarded(&self, ctx: &Context<'_>) -> Option<InstrumentId> {
        let id = self.guarded.as_ref()?;
        let flat = ctx.books().positions().all(|(i, _, p)| i != id || p.qty().is_zero());
        let quiet = ctx.open_orders().all(|o| o.intent().terms.instrument != *id);
        (flat && quiet).then(|| id.clone())
    }

    fn play(&self, ctx: &mut Context<'_>, stage: &Stage<'_>, scene: Scene) {
        let opening = self.is_opening(ctx.mode());
        let buys = if opening { (self.step as usize) < self.instruments.len() } else { self.draw(1, 2) == 0 };
        let (side, leg) = match (ctx.mode(), buys) {
            (PositionMode::Netting, true) => (Side::Buy, PositionSide::Net),
            (PositionMode::Netting, false) => (Side::Sell, PositionSide::Net),
            (PositionMode::Hedging, true) => (Side::Buy, PositionSide::Long),
            (PositionMode::Hedging, false) => (Side::Sell, PositionSide::Short),
        };
        let worth = Decimal::from(300 + self.draw(2, 500));
        let order = |worth: Decimal, kind: OrderKind| stage.opening(side, leg, worth, kind);
        let limit = |price: Price, tif: TimeInForce| OrderKind::Limit { price: price.into(), tif };
        let behind = |permille: i64| stage.away(side, permille);
        match scene {
            Scene::Market => _ = submit(ctx, order(worth, OrderKind::Market)),
            Scene::AtTouch => _ = submit(ctx, order(worth * Decimal::TWO, limit(stage.touch(side), TimeInForce::Gtx))),
            Scene::Behind => _ = submit(ctx, order(worth, limit(behind(3), TimeInForce::Gtx))),
            Scene::Far => _ = submit(ctx, order(worth, limit(behind(4 + self.draw(3, 5) as i64), TimeInForce::Gtc))),
            Scene::Sweep => {
                let all = Decimal::from(14_000 + self.draw(4, 4_000));
                _ = submit(ctx, order(all, limit(stage.touch(side.opposite()), TimeInForce::Ioc)));
            }
            Scene::Miss => _ = submit(ctx, order(worth, limit(behind(10), TimeInForce::Ioc))),
            Scene::TooLarge => _ = submit(ctx, order(Decimal::from(70_000), limit(stage.touch(side), TimeInForce::Gtc))),
            Scene::Withdrawn => {
                if let Some(intent) = submit(ctx, order(worth, limit(behind(5), TimeInForce::Gtc))) {
                    ctx.cancel(intent);
                }
            }
            Scene::Bracket | Scene::Trail => {
                let Some(entry) = order(worth, OrderKind::Market) else { return };
                let waits =
                    |permille: i64| Trigger { price: stage.away(side, permille), by: TriggerBy::Mark, price_protect: false };
                let closing =
                    |kind: OrderKind| Terms { side: side.opposite(), intention: Intention::Reduce, kind, ..entry.clone() };
                if scene == Scene::Trail {
                    let callback_percent = Decimal::new(3, 1);
                    let stop = OrderKind::TrailingStopMarket { activation: None, callback_percent, by: TriggerBy::Mark };
                    ctx.bracket(entry.clone(), closing(stop), None);
                } else {
                    let stop = OrderKind::StopMarket { trigger: waits(STOP_PERMILLE) };
                    let profit = OrderKind::TakeProfitMarket { trigger: waits(-PROFIT_PERMILLE) };
                    ctx.bracket(entry.clone(), closing(stop), Some(closing(profit)));
                }
            }
            Scene::Waiting => {
                // A stop that opens waits on the far side: a buy above the market, a sell below it.
                let trigger = Trigger { price: stage.away(side, -30), by: TriggerBy::Mark, price_protect: false };
                _ = submit(ctx, order(worth, OrderKind::StopMarket { trigger }));
            }
            Scene::Crossing => {
                let through = |side: Side| limit(stage.away(side, -2), TimeInForce::Gtx);
                self.close_half(ctx, stage, leg, &order(worth, OrderKind::Market), through);
            }
            Scene::Close => self.close_half(ctx, stage, leg, &order(worth, OrderKind::Market), |_| OrderKind::Market),
        }
    }

    /// Closes half of a leg; opens one where there is nothing to close.
    fn close_half(
        &self,
        ctx: &mut Context<'_>,
        stage: &Stage<'_>,
        leg: PositionSide,
        instead: &Option<Terms>,
        kind: impl FnOnce(Side) -> OrderKind,
    ) {
        let held = ctx.books().position_qty(&stage.instrument.id, leg).get();
        let half = stage.instrument.market_lot.floor((held / Decimal::TWO).abs()).normalize();
        let qty = Qty::new(half).ok().filter(|_| half * stage.bid > Decimal::from(100));
        let Some(qty) = qty else {
            submit(ctx, instead.clone());
            return;
        };
        let side = if held.is_sign_positive() { Side::Sell } else { Side::Buy };
        let terms = Terms {
            instrument: stage.instrument.id.clone(),
            side,
            leg,
            intention: Intention::Reduce,
            qty: Some(qty),
            kind: kind(side),
            stp: None,
        };
        submit(ctx, Some(terms));
    }

    /// Changes and cancels what rests, by its age.
    fn tend(&self, ctx: &mut Context<'_>) {
        let now = ctx.now();
        let resting = |o: &&Order| matches!(o.status(), OrdStatus::New | OrdStatus::PartiallyFilled) && !o.cancel_wished();
        let orders: Vec<&Order> = ctx.open_orders().filter(resting).collect();
        let mut kept = 0;
        for order in orders {
            let (intent, age) = (order.intent().id, now.ms_since(order.intent().asked) * PACE_MS / self.pace_ms);
            let fate = mix(self.seed ^ intent.0 as u64);
            if let Some(place) = order.intent().list {
                // What belongs to a bracket comes and goes with its position; only the stop is moved, once.
                if place.role == ListRole::StopLoss && age > 250 && order.replaces().is_empty() {
                    self.tighten(ctx, order);
                }
            } else if age > if self.step < self.steps { 1_500 + fate % 1_500 } else { 400 } {
                kept += usize::from(!order.is_untriggered());
                if kept > self.keep || order.is_untriggered() {
                    ctx.cancel(intent);
                }
            } else if age > 300 && fate & 1 == 0 && order.replaces().is_empty() {
                self.change(ctx, order);
            }
        }
    }

    /// Moves a waiting stop a little nearer to the market.
    fn tighten(&self, ctx: &mut Context<'_>, order: &Order) {
        let terms = &order.intent().terms;
        let (Some(instrument), Some(trigger), Some(mark)) =
            (ctx.instrument(&terms.instrument), order.trigger_price(), ctx.quote(&terms.instrument).mark)
        else {
            return;
        };
        let nearer = trigger.get() + (mark.get() - trigger.get()) / Decimal::from(4);
        if let Ok(nearer) = Price::new(instrument.price.floor(nearer).normalize())
            && nearer != trigger
        {
            ctx.change(ChangeOrder { intent: order.intent().id, qty: None, price: None, trigger: Some(nearer) });
        }
    }

    /// Moves an order a few ticks away from the market, where it is sure to rest.
    fn change(&self, ctx: &mut Context<'_>, order: &Order) {
        let terms = &order.intent().terms;
        let (Some(instrument), Some(qty)) = (ctx.instrument(&terms.instrument), order.qty()) else { return };
        if let (true, Some(trigger)) = (order.is_untriggered(), order.trigger_price()) {
            let farther = Price::new(trigger.get() + instrument.price.step * Decimal::from(3) * terms.side.sign());
            let change = |trigger| ChangeOrder { intent: order.intent().id, qty: None, price: None, trigger: Some(trigger) };
            return farther.map(change).into_iter().for_each(|change| ctx.change(change));
        }
        let Some(price) = order.price() else { return };
        let moved = price.get() - instrument.price.step * Decimal::from(3) * terms.side.sign();
        if let Ok(price) = Price::new(moved) {
            ctx.replace(order.intent().id, qty, price);
        }
    }
}

/// An instrument and its market at one moment.
struct Stage<'a> {
    instrument: &'a Instrument,
    quote: Quote,
    bid: Decimal,
    ask: Decimal,
}

impl Stage<'_> {
    /// The best price of one's own side.
    fn touch(&self, side: Side) -> Price {
        self.on_grid(if side == Side::Buy { self.bid } else { self.ask })
    }
    /// A price this many thousandths behind the market; below zero, through it.
    fn away(&self, side: Side, permille: i64) -> Price {
        let reference = self.quote.reference().unwrap_or(self.bid);
        self.on_grid(reference - reference * Decimal::new(permille, 3) * side.sign())
    }
    fn on_grid(&self, price: Decimal) -> Price {
        Price::new(self.instrument.price.floor(price).normalize()).unwrap_or_default()
    }
    /// Terms of an order worth so much; `None` where the market is too small for it.
    fn opening(&self, side: Side, leg: PositionSide, worth: Decimal, kind: OrderKind) -> Option<Terms> {
        let grid = if kind.price().is_some() { self.instrument.lot } else { self.instrument.market_lot };
        let qty = grid.floor(worth.checked_div(self.bid)?).max(grid.min).normalize();
        let qty = Some(Qty::new(qty).ok()?);
        Some(Terms { instrument: self.instrument.id.clone(), side, leg, intention: Intention::Open, qty, kind, stp: None })
    }
}

fn submit(ctx: &mut Context<'_>, terms: Option<Terms>) -> Option<IntentId> {
    terms.map(|terms| ctx.submit_with(terms, Handling { max_age_ms: AGE_MS, ..Handling::default() }))
}

/// SplitMix64: a number that looks like chance and is none.
const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
