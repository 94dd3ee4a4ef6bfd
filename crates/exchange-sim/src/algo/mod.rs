//! The Algo Service: conditional orders, which live outside the engine until their price comes. It holds; the rules are in its files.
//!
//! An order is NEW until a price triggers it, then TRIGGERING until its child is in the engine and told (TRIGGERED), and
//! FINISHED when the child ends, filled or not. The child is an ordinary order of type MARKET or LIMIT that carries the
//! client id. No margin is reserved and no position looked at before the trigger; what the engine refuses then ends the
//! conditional order as REJECTED, and no ORDER_TRADE_UPDATE follows.
//!
//! Source: Binance USDⓈ-M "New Algo Order" and "Event: Algo Order Update", 2025-12-09 to 2026-08-21; production captures of
//! 2026-09-19.

mod check;
mod entry;
mod life;
mod query;
mod trigger;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rust_decimal::Decimal;

use crate::config::{AlgoConfig, TriggeredTold};
use crate::rng::Rng;
use crate::row::AlgoRow;
use crate::types::{AccountId, AlgoId, Ms, OrderId, WorkingType};

/// The stream of chance that is the service's own.
const LANE: u64 = 2;

/// A conditional order, open or final.
#[derive(Clone, Debug)]
pub(crate) struct AlgoOrder {
    /// Whose.
    account: AccountId,
    /// Of which market.
    market: usize,
    /// What everybody sees.
    row: AlgoRow,
    /// The child, from its entry on; the row shows it only once TRIGGERED was told.
    child: Option<OrderId>,
    /// The best price a trailing stop has followed to.
    extreme: Decimal,
    /// When something happens to it by itself.
    alarm: Option<Ms>,
    /// How fast it goes, from its trigger on.
    pace: Pace,
    /// When the service ceased to hold it.
    left: Option<Ms>,
}

/// How fast one order goes from its trigger on, and in which order that is told.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    child_delay_ms: Ms,
    told_delay_ms: Ms,
    told: TriggeredTold,
    finish_delay_ms: Ms,
}

/// A price that triggers are compared with.
#[derive(Clone, Copy, Debug)]
struct Tick {
    market: usize,
    kind: WorkingType,
    price: Decimal,
}

/// All conditional orders, and what has happened that they have not heard of yet.
#[derive(Debug)]
pub(crate) struct AlgoBook {
    orders: BTreeMap<AlgoId, AlgoOrder>,
    /// The ones that watch prices, by market.
    waiting: BTreeSet<(usize, AlgoId)>,
    /// Children that are open.
    children: BTreeMap<(usize, OrderId), AlgoId>,
    alarms: BTreeSet<(Ms, AlgoId)>,
    ticks: VecDeque<Tick>,
    /// Accounts whose legs in a market have moved.
    moved: BTreeSet<(AccountId, usize)>,
    /// Conditional orders whose children have ended.
    ended: Vec<AlgoId>,
    next_id: AlgoId,
    rng: Rng,
}

impl AlgoBook {
    /// Opens the service of an exchange with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            orders: BTreeMap::new(),
            waiting: BTreeSet::new(),
            children: BTreeMap::new(),
            alarms: BTreeSet::new(),
            ticks: VecDeque::new(),
            moved: BTreeSet::new(),
            ended: Vec::new(),
            // Above 2^51, as on the venue: a double still holds it, 32 bits do not.
            next_id: 4_000_001_900_000_001,
            rng: Rng::new(seed, LANE),
        }
    }

    /// Chooses how fast an order goes that triggers now.
    fn draw_pace(&mut self, config: AlgoConfig) -> Pace {
        let AlgoConfig { child_delay_ms, told_delay_ms, told, finish_delay_ms, varied, .. } = config;
        if !varied {
            return Pace { child_delay_ms, told_delay_ms, told, finish_delay_ms };
        }
        let mut upto = |ms: Ms| {
            let steps = u64::try_from(ms).unwrap_or(0).saturating_add(1);
            Ms::try_from(self.rng.below(steps)).unwrap_or(0)
        };
        // Half of the orders are told at once, whatever the longest delay.
        let at_once = upto(1) == 0;
        Pace {
            child_delay_ms: upto(child_delay_ms),
            told_delay_ms: if at_once { 0 } else { upto(told_delay_ms) },
            told: [TriggeredTold::First, TriggeredTold::Between, TriggeredTold::Last][usize::try_from(upto(2)).unwrap_or(0)],
            finish_delay_ms: upto(finish_delay_ms),
        }
    }

    /// Chooses how many times an event is pushed.
    fn draw_copies(&mut self, config: AlgoConfig) -> usize {
        if config.told_twice && (!config.varied || self.rng.below(2) == 0) { 2 } else { 1 }
    }

    /// Notes that legs of an account moved in a market.
    pub(crate) fn note_move(&mut self, account: AccountId, market: usize) {
        self.moved.insert((account, market));
    }

    /// Notes that an order ended, if it is the child of a conditional one.
    pub(crate) fn note_end(&mut self, market: usize, id: OrderId) {
        if let Some(parent) = self.children.remove(&(market, id)) {
            self.ended.push(parent);
        }
    }

    /// Gives the first alarm.
    pub(crate) fn next_alarm(&self) -> Option<(Ms, AlgoId)> {
        self.alarms.first().copied()
    }

    /// Lists the orders of a market that watch prices, by number.
    fn waiting_in(&self, market: usize) -> impl Iterator<Item = AlgoId> {
        self.waiting.range((market, AlgoId::MIN)..=(market, AlgoId::MAX)).map(|(_, id)| *id)
    }

    fn set_alarm(&mut self, id: AlgoId, at: Option<Ms>) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut order.alarm, at) {
            self.alarms.remove(&(before, id));
        }
        if let Some(at) = at {
            self.alarms.insert((at, id));
        }
    }
}
