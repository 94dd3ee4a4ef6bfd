//! The strategy of the drills: plays the scenes, and hedges every fill of them on an instrument of its own, exactly once.

use super::killer::ARMED;
use crate::play::scenes::Scenes;
use exec_core::{
    conversation::OrderUpdate,
    ids::InstrumentId,
    order::{event::OrderEvent, intent::Handling, status::OrdStatus},
    report::Fill,
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms},
    time::Timestamp,
    units::{PositionMode, PositionSide, Qty, Side},
};
use node_config::{MakeError, StrategyEntry};
use rust_decimal::Decimal;
use std::{collections::BTreeSet, path::PathBuf};

const TICK: u64 = 1;
/// How many times as fast as its pace a long play makes up for what held it up.
const CATCH_UP: u64 = 4;
/// The variable that names a file: while it is there, nothing is played.
pub(crate) const PAUSE: &str = "EXEC_NODE_DRILL_PAUSE";
/// So many hedged trades of an instrument's side are remembered: more than can be told a second time.
const REMEMBERED: usize = 64;
/// So many of its orders must rest before the node may be killed, so that some fill while it is dead.
const RESTING: usize = 3;
/// A hedge may leave late: a busy machine is no reason to leave one out.
const AGE_MS: u64 = 10_000;
/// Which of the account's instruments the hedges are on.
pub(crate) const HEDGE: usize = 1;

/// How much a trade is hedged with: its number fixes it, so that one hedge is not taken for another.
pub(crate) fn hedge_qty(trade: u64) -> Decimal {
    Decimal::new(20 + i64::try_from(trade % 16).unwrap_or(0), 3)
}

pub(crate) struct DrillStrategy {
    scenes: Scenes,
    hedge: InstrumentId,
    others: Vec<InstrumentId>,
    /// Trades that are hedged: place of the instrument, side, number. A trade is told twice, once without its fee.
    hedged: BTreeSet<(u8, u8, u64)>,
    told: bool,
    pause: Option<PathBuf>,
    /// Time that has not been played yet, and up to when it is counted, where the play must keep its average pace.
    owed_ms: u64,
    counted: Option<Timestamp>,
}

impl DrillStrategy {
    pub(crate) fn new(entry: &StrategyEntry) -> Result<Self, MakeError> {
        let mut others = entry.clone();
        if others.instruments.len() <= HEDGE {
            return Err("a drill needs instruments to trade and one to hedge on".into());
        }
        let hedge = others.instruments.remove(HEDGE);
        let mut scenes = Scenes::new(&others)?;
        scenes.keep = RESTING;
        Ok(Self {
            scenes,
            hedge,
            others: others.instruments,
            hedged: BTreeSet::new(),
            told: false,
            pause: std::env::var_os(PAUSE).map(PathBuf::from),
            owed_ms: 0,
            counted: None,
        })
    }

    /// Its memory: the step, then the trades that are hedged.
    fn save(&self, ctx: &mut Context<'_>) {
        let mut bytes = self.scenes.step.to_le_bytes().to_vec();
        for (place, side, trade) in &self.hedged {
            bytes.extend_from_slice(&[*place, *side]);
            bytes.extend_from_slice(&trade.to_le_bytes());
        }
        ctx.save_state(bytes);
    }

    fn load(&mut self, bytes: &[u8]) {
        let Some((step, rest)) = bytes.split_first_chunk::<4>() else { return };
        self.scenes.step = u32::from_le_bytes(*step);
        let one = |bytes: &[u8]| match bytes {
            [place, side, trade @ ..] => Some((*place, *side, u64::from_le_bytes(trade.try_into().ok()?))),
            _ => None,
        };
        self.hedged = rest.chunks_exact(10).filter_map(one).collect();
    }

    fn hedge(&mut self, ctx: &mut Context<'_>, place: u8, fill: &Fill) {
        let trade = fill.trade_id.to_string().parse().unwrap_or(u64::MAX);
        let buys = u8::from(fill.side == Side::Buy);
        if !self.hedged.insert((place, buys, trade)) {
            return;
        }
        let known: Vec<_> = self.hedged.range((place, buys, 0)..=(place, buys, u64::MAX)).copied().collect();
        known.iter().take(known.len().saturating_sub(REMEMBERED)).for_each(|old| _ = self.hedged.remove(old));
        let side = fill.side.opposite();
        let leg = match (ctx.mode(), side) {
            (PositionMode::Netting, _) => PositionSide::Net,
            (PositionMode::Hedging, Side::Buy) => PositionSide::Long,
            (PositionMode::Hedging, Side::Sell) => PositionSide::Short,
        };
        let qty = Qty::new(hedge_qty(trade)).ok();
        let instrument = self.hedge.clone();
        let terms = Terms { instrument, side, leg, intention: Intention::Open, qty, kind: OrderKind::Market, stp: None };
        ctx.submit_with(terms, Handling { max_age_ms: AGE_MS, ..Handling::default() });
        self.save(ctx);
    }

    /// Tells the drill, once, that enough rests.
    fn tell(&mut self, ctx: &Context<'_>) {
        let rests = |status| matches!(status, OrdStatus::New | OrdStatus::PartiallyFilled);
        if !self.told && ctx.open_orders().filter(|o| rests(o.status()) && !o.is_untriggered()).count() >= RESTING {
            self.told = true;
            tracing::trace!(target: "drill", boundary = ARMED);
        }
    }
}

impl Strategy for DrillStrategy {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        if let Some(bytes) = ctx.state() {
            self.load(bytes);
        }
        ctx.set_timer(TICK, self.scenes.pace_ms);
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        let OrderEvent::Executed { fill, .. } = &update.event else { return };
        let instrument = ctx.order(update.intent).map(|o| o.intent().terms.instrument.clone());
        let place = self.others.iter().position(|i| Some(i) == instrument.as_ref());
        if let Some(place) = place.and_then(|p| u8::try_from(p).ok()) {
            self.hedge(ctx, place, fill);
        }
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        self.tell(ctx);
        let Some(pause) = &self.pause else {
            if self.scenes.go_on(ctx) {
                self.save(ctx);
            }
            return ctx.set_timer(TICK, self.scenes.pace_ms);
        };
        // A long play keeps its average pace, whatever holds it up meanwhile: so its books always hold about as much.
        let (now, paused) = (ctx.now(), pause.exists());
        if let (Some(before), false) = (self.counted, paused) {
            self.owed_ms += now.ms_since(before);
        }
        self.counted = Some(now);
        if !paused && self.scenes.go_on_if(ctx, self.owed_ms >= self.scenes.pace_ms) {
            self.owed_ms -= self.scenes.pace_ms;
            self.save(ctx);
        }
        ctx.set_timer(TICK, self.scenes.pace_ms / CATCH_UP);
    }
}
