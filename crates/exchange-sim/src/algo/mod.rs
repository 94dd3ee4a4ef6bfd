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

use crate::row::AlgoRow;
use crate::types::{AccountId, AlgoId, Ms, OrderId, WorkingType};

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
}

impl Default for AlgoBook {
    fn default() -> Self {
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
        }
    }
}

impl AlgoBook {
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
