//! Everything durable about an account: orders, positions, shares, balances, cursors. Only records change it, live and in replay.

mod image;
mod let_go;
mod names;
mod recent;

pub(crate) use image::Image;

use crate::{
    cl_ord_id::Tag,
    ids::{AccountId, AlgoId, Asset, ClOrdId, Epoch, InstrumentId, IntentId, ListId, OrderId, Seq, StrategyId},
    order::{Contradiction, Contribution, Order, Transition, event::OrderEvent, intent::Owner},
    plant::{Plant, planted},
    position::Position,
    record::{Adjustment, Baseline, Claim, DayStart, LatchCause, Record, TradeCursor},
    time::{Timestamp, VenueTime},
    units::{Amount, PositionMode, PositionSide, SignedQty},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use let_go::{Ended, Gone};
use names::Names;
use recent::Recent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A record that does not fit the books: only possible with a damaged journal or a defect.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BooksError {
    /// A fact about an order that no intent record stands for.
    #[error("record {seq} speaks of order {intent}, which was never asked for")]
    UnknownOrder {
        /// Where.
        seq: Seq,
        /// Which.
        intent: IntentId,
    },
    /// A fact that contradicts what the journal said before.
    #[error("record {seq}: {contradiction}")]
    Contradiction {
        /// Where.
        seq: Seq,
        /// How.
        contradiction: Contradiction,
    },
    /// The journal belongs to another account.
    #[error("journal belongs to account {found}, not to {expected}")]
    Account {
        /// In the journal.
        found: AccountId,
        /// In the config.
        expected: AccountId,
    },
    /// A number is missing or stands twice.
    #[error("record {found} follows {after}")]
    Sequence {
        /// The number read.
        found: Seq,
        /// The one before it.
        after: Seq,
    },
}

/// A strategy's place in the books.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct StrategyBook {
    /// Its number in client order ids.
    pub number: u16,
    /// Up to where it has seen its events.
    pub seen: Seq,
    /// Its own state, as it gave it last.
    pub state: Option<Vec<u8>>,
}

/// The wallet of one asset.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Wallet {
    /// Deposits + realised profit - fees +- funding.
    pub amount: Amount,
    /// Venue time of the figure.
    pub at: VenueTime,
}

/// An order, and when something was learned of it last. Shared with the snapshots that are being written of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Filed {
    order: Arc<Order>,
    seq: Seq,
    at: Timestamp,
}

/// Everything durable about an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Books {
    account: AccountId,
    tag: Tag,
    pub(crate) seq: Seq,
    pub(crate) epoch: Epoch,
    pub(crate) mode: Option<PositionMode>,
    orders: BTreeMap<IntentId, Filed>,
    open: BTreeSet<IntentId>,
    by_cl_ord_id: Names<ClOrdId>,
    by_order_id: Names<(InstrumentId, OrderId)>,
    by_algo_id: Names<AlgoId>,
    by_list: BTreeMap<ListId, Vec<IntentId>>,
    positions: BTreeMap<(InstrumentId, PositionSide), Position>,
    shares: BTreeMap<(Owner, InstrumentId, PositionSide), SignedQty>,
    claims: Vec<Claim>,
    wallets: BTreeMap<Asset, Wallet>,
    pub(crate) trade_cursors: BTreeMap<InstrumentId, TradeCursor>,
    pub(crate) strategies: BTreeMap<StrategyId, StrategyBook>,
    pub(crate) latches: BTreeMap<LatchCause, String>,
    pub(crate) raw_kept: u64,
    recent: Recent,
    ended: Ended,
    gone: BTreeMap<(InstrumentId, PositionSide), Gone>,
    let_go_before: Option<VenueTime>,
    names_let_go: BTreeSet<IntentId>,
    pub(crate) day: Option<DayStart>,
}

impl Books {
    /// Empty books of an account.
    pub const fn new(account: AccountId, tag: Tag) -> Self {
        Self {
            account,
            tag,
            seq: Seq(0),
            epoch: Epoch(0),
            mode: None,
            orders: BTreeMap::new(),
            open: BTreeSet::new(),
            by_cl_ord_id: Names::new(),
            by_order_id: Names::new(),
            by_algo_id: Names::new(),
            by_list: BTreeMap::new(),
            positions: BTreeMap::new(),
            shares: BTreeMap::new(),
            claims: Vec::new(),
            wallets: BTreeMap::new(),
            trade_cursors: BTreeMap::new(),
            strategies: BTreeMap::new(),
            latches: BTreeMap::new(),
            raw_kept: 0,
            recent: Recent::new(),
            ended: Ended::new(),
            gone: BTreeMap::new(),
            let_go_before: None,
            names_let_go: BTreeSet::new(),
            day: None,
        }
    }

    /// Whose books these are.
    pub const fn account(&self) -> &AccountId {
        &self.account
    }
    /// The number of the last record.
    pub const fn seq(&self) -> Seq {
        self.seq
    }
    /// The last start.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
    /// How the account keeps positions, as of the last start.
    pub const fn mode(&self) -> Option<PositionMode> {
        self.mode
    }
    /// One order.
    pub fn order(&self, intent: IntentId) -> Option<&Order> {
        self.orders.get(&intent).map(|filed| &*filed.order)
    }
    /// Every order, open and ended.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().map(|filed| &*filed.order)
    }
    /// Orders that have not ended.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.open.iter().filter_map(|id| self.order(*id))
    }
    /// Orders of an instrument that have not ended.
    pub fn open_orders_of<'a>(&'a self, instrument: &'a InstrumentId) -> impl Iterator<Item = &'a Order> {
        self.open_orders().filter(move |o| o.intent().terms.instrument == *instrument)
    }
    /// Orders of a list, in the order in which they were asked for.
    pub fn orders_of_list(&self, list: ListId) -> impl Iterator<Item = &Order> {
        self.by_list.get(&list).into_iter().flatten().filter_map(|id| self.order(*id))
    }
    /// Every list that was ever asked for.
    pub fn lists(&self) -> impl Iterator<Item = ListId> {
        self.by_list.keys().copied()
    }
    /// Whether any list was ever asked for.
    pub fn has_lists(&self) -> bool {
        !self.by_list.is_empty()
    }
    /// How many orders have not ended.
    pub fn open_count(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX)
    }
    /// The order that an id of the venue or of a client names. Foreign client ids may be used again, so the venue's id decides.
    pub fn find(
        &self,
        instrument: &InstrumentId,
        cl_ord_id: Option<&ClOrdId>,
        order_id: Option<&OrderId>,
        algo_id: Option<&AlgoId>,
    ) -> Option<IntentId> {
        if let Some(id) = order_id
            && let Some(found) = self.by_order_id.get(&order_key(instrument, id))
        {
            return Some(found);
        }
        if let Some(found) = algo_id.and_then(|id| self.by_algo_id.get(id)) {
            return Some(found);
        }
        let cl_ord_id = cl_ord_id?;
        let found = self.by_cl_ord_id.get(cl_ord_id)?;
        let order = self.order(found)?;
        let attempt = order.attempts().get(cl_ord_id)?;
        let other_instrument = order.intent().terms.instrument != *instrument;
        // Only the id of an attempt of ours is unique for ever.
        let other = (order_id.is_some() && attempt.order_id().is_some()) || (algo_id.is_some() && attempt.algo_id().is_some());
        let reused = attempt.header().is_none() && other;
        if other_instrument || reused { None } else { Some(found) }
    }
    /// The order that has an attempt of this id.
    pub fn by_cl_ord_id(&self, id: &ClOrdId) -> Option<IntentId> {
        self.by_cl_ord_id.get(id)
    }
    /// One leg, if anything is known of it.
    pub fn position(&self, instrument: &InstrumentId, leg: PositionSide) -> Option<&Position> {
        self.positions.get(&(instrument.clone(), leg))
    }
    /// How much one leg holds.
    pub fn position_qty(&self, instrument: &InstrumentId, leg: PositionSide) -> SignedQty {
        self.position(instrument, leg).map(Position::qty).unwrap_or_default()
    }
    /// Every leg that was ever held.
    pub fn positions(&self) -> impl Iterator<Item = (&InstrumentId, PositionSide, &Position)> {
        self.positions.iter().map(|((instrument, leg), p)| (instrument, *leg, p))
    }
    /// An owner's part of a position.
    pub fn share(&self, owner: &Owner, instrument: &InstrumentId, leg: PositionSide) -> SignedQty {
        self.shares.get(&(owner.clone(), instrument.clone(), leg)).copied().unwrap_or_default()
    }
    /// Every owner's part of every position.
    pub fn shares(&self) -> impl Iterator<Item = (&(Owner, InstrumentId, PositionSide), &SignedQty)> {
        self.shares.iter()
    }
    /// What strategies took over of what stood before the books began, oldest first.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }
    /// Wallets by asset, as the venue said last.
    pub const fn wallets(&self) -> &BTreeMap<Asset, Wallet> {
        &self.wallets
    }
    /// A strategy's place.
    pub fn strategy(&self, id: &StrategyId) -> Option<&StrategyBook> {
        self.strategies.get(id)
    }
    /// The strategy that has this number in client order ids.
    pub fn strategy_numbered(&self, number: u16) -> Option<&StrategyId> {
        self.strategies.iter().find(|(_, book)| book.number == number).map(|(id, _)| id)
    }
    /// Why new risk is refused until released.
    pub const fn latches(&self) -> &BTreeMap<LatchCause, String> {
        &self.latches
    }
    /// What the day's result is counted from.
    pub const fn day(&self) -> Option<&DayStart> {
        self.day.as_ref()
    }
    /// Up to where an instrument's trades are known.
    pub fn trade_cursor(&self, instrument: &InstrumentId) -> Option<&TradeCursor> {
        self.trade_cursors.get(instrument)
    }
    /// How many things that did not fit are kept raw in the journal.
    pub const fn raw_kept(&self) -> u64 {
        self.raw_kept
    }
    /// The mark in front of every client order id of ours.
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// Adds one record. The same function serves live and in replay, so both end in the same books.
    ///
    /// # Errors
    /// [`BooksError`]: in replay, do not start; live, the caller has checked before.
    pub fn apply(&mut self, seq: Seq, record: &Record) -> Result<Option<Transition>, BooksError> {
        if seq.0 != self.seq.0 + 1 {
            return Err(BooksError::Sequence { found: seq, after: self.seq });
        }
        let transition = self.learn(seq, record)?;
        self.seq = seq;
        Ok(transition)
    }

    /// Adds one fact about an order if it is news. `None`: known already, and no number is used up.
    pub(crate) fn learn_if_news(
        &mut self,
        id: IntentId,
        at: Timestamp,
        event: &OrderEvent,
    ) -> Result<Option<(Seq, Transition)>, BooksError> {
        if planted(Plant::EqualTradeIds)
            && let OrderEvent::Executed { fill, .. } = event
            && self.orders().any(|o| o.fills().any(|(_, f)| f.trade_id == fill.trade_id))
        {
            return Ok(None);
        }
        let seq = Seq(self.seq.0 + 1);
        let transition = self.learn_order(seq, id, at, event)?;
        if !transition.learned {
            return Ok(None);
        }
        self.seq = seq;
        Ok(Some((seq, transition)))
    }

    fn learn(&mut self, seq: Seq, record: &Record) -> Result<Option<Transition>, BooksError> {
        match record {
            Record::Started { account, epoch, mode, .. } => {
                if *account != self.account {
                    return Err(BooksError::Account { found: account.clone(), expected: self.account.clone() });
                }
                (self.epoch, self.mode) = ((*epoch).max(self.epoch), Some(*mode));
            }
            Record::StrategyNumber { strategy, number } => {
                self.strategies.entry(strategy.clone()).or_default().number = *number;
            }
            Record::Intent(intent) => {
                if let Some(strategy) = intent.owner.strategy() {
                    self.strategies.entry(strategy.clone()).or_default();
                }
                if let (Some(place), false) = (intent.list, self.orders.contains_key(&intent.id)) {
                    self.by_list.entry(place.list).or_default().push(intent.id);
                }
                self.open.insert(intent.id);
                let filed = || Filed { order: Arc::new(Order::new(intent.clone())), seq, at: intent.asked };
                self.orders.entry(intent.id).or_insert_with(filed);
            }
            Record::Order { intent, at, event, .. } => return self.learn_order(seq, *intent, *at, event).map(Some),
            Record::Baseline(baseline) => self.begin(baseline),
            Record::TradeCursor(cursor) => {
                if let Some(known) = self.trade_cursors.get(&cursor.instrument) {
                    self.recent.passed(known);
                }
                let known = self.trade_cursors.entry(cursor.instrument.clone()).or_insert_with(|| cursor.clone());
                known.after = known.after.max(cursor.after);
                known.at = known.at.max(cursor.at);
            }
            Record::Balance { asset, wallet, at } => {
                let newest = self.wallets.entry(asset.clone()).or_insert(Wallet { amount: *wallet, at: *at });
                if *at >= newest.at {
                    *newest = Wallet { amount: *wallet, at: *at };
                }
            }
            Record::Cursor { strategy, seen, state } => {
                let book = self.strategies.entry(strategy.clone()).or_default();
                book.seen = book.seen.max(*seen);
                if state.is_some() {
                    book.state.clone_from(state);
                }
            }
            Record::Latched { cause, text, .. } => {
                if let LatchCause::Kill { scope, .. } = cause {
                    self.latches.retain(|known, _| !matches!(known, LatchCause::Kill { scope: of, .. } if of == scope));
                }
                self.latches.entry(cause.clone()).or_insert_with(|| text.clone());
            }
            Record::Released { .. } => self.latches.clear(),
            Record::Operator { .. } | Record::InstrumentChanged { .. } | Record::Alert { .. } => (),
            Record::Raw { .. } => self.raw_kept += 1,
            Record::Adjustment(adjustment) => self.adjust(adjustment),
            Record::Claim(claim) => {
                self.strategies.entry(claim.strategy.clone()).or_default();
                let from = (Owner::External, claim.instrument.clone(), claim.leg);
                give(&mut self.shares, from, -claim.qty.get());
                give(
                    &mut self.shares,
                    (Owner::Strategy(claim.strategy.clone()), claim.instrument.clone(), claim.leg),
                    claim.qty.get(),
                );
                self.claims.push(claim.clone());
            }
            Record::LetGo { orders, before } => self.let_go(orders, *before),
            Record::Lifted { cause, .. } => {
                self.latches.remove(cause);
            }
            Record::Day(day) => self.day = Some(day.clone()),
            Record::Funding { amount, .. } => {
                if let Some(day) = &mut self.day {
                    day.funding = day.funding.plus(*amount);
                }
            }
        }
        Ok(None)
    }

    fn learn_order(&mut self, seq: Seq, id: IntentId, at: Timestamp, event: &OrderEvent) -> Result<Transition, BooksError> {
        let Some(filed) = self.orders.get_mut(&id) else { return Err(BooksError::UnknownOrder { seq, intent: id }) };
        // Only while a snapshot is being written of it is this a copy.
        let order = Arc::make_mut(&mut filed.order);
        let terms = &order.intent().terms;
        let leg = if planted(Plant::HedgeLegs) && terms.leg == PositionSide::Short { PositionSide::Long } else { terms.leg };
        let key = (terms.instrument.clone(), leg);
        let position = self.positions.get(&key);
        let (cut, adjusted) = (position.and_then(|p| p.cut().copied()), position.is_some_and(|p| !p.adjustments.is_empty()));
        // Only these move a position.
        let moves = matches!(event, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. } | OrderEvent::Adopted { .. });
        let before = moves.then(|| order.contribution_at(event, cut.as_ref()));
        let traded_before = if adjusted { order.traded(cut.as_ref()) } else { Decimal::ZERO };
        let transition = order.apply(event).map_err(|contradiction| BooksError::Contradiction { seq, contradiction })?;
        if let Some(before) = before.filter(|_| transition.learned) {
            let after = order.contribution_at(event, cut.as_ref());
            let price = match event {
                OrderEvent::Executed { fill, .. } => Some(fill.price.get()),
                OrderEvent::CumQty { avg_px, .. } => avg_px.map(crate::units::Price::get),
                _ => None,
            };
            let share = (order.intent().owner.clone(), key.0.clone(), key.1);
            let position = self.positions.entry(key).or_default();
            settle(position, &before, &after, price);
            let explained = match event {
                OrderEvent::Executed { fill, .. } if adjusted => {
                    position.explain(id, fill, order.traded(cut.as_ref()) - traded_before)
                }
                _ => None,
            };
            if let Some((owner, qty)) = explained {
                give(&mut self.shares, (owner, share.1.clone(), share.2), -qty);
            }
            give(&mut self.shares, share, after.qty - before.qty);
        }
        // What is no news is not in the journal either, and must leave no trace that a replay does not.
        if transition.learned {
            self.recent.learned(&filed.order, event);
            let before = core::mem::replace(&mut filed.at, at);
            filed.seq = seq;
            self.index(id, event);
            self.ended.by_age.remove(&(before, id));
            if !self.open.contains(&id) {
                self.ended.by_age.insert((at, id));
            }
        }
        Ok(transition)
    }

    fn index(&mut self, id: IntentId, event: &OrderEvent) {
        if let Some(cl_ord_id) = event.cl_ord_id() {
            self.by_cl_ord_id.learn(*cl_ord_id, id);
        }
        let Some(order) = self.orders.get(&id).map(|filed| &filed.order) else { return };
        if let OrderEvent::Accepted { order_id, algo_id, .. } = event {
            if let Some(order_id) = order_id {
                self.by_order_id.learn(order_key(&order.intent().terms.instrument, order_id), id);
            }
            if let Some(algo_id) = algo_id {
                self.by_algo_id.learn(*algo_id, id);
            }
        }
        // What still stands at the venue beside an order that is done must be taken away.
        if order.status().is_ended() && !order.has_loose_ends() {
            self.open.remove(&id);
        } else {
            self.open.insert(id);
        }
    }

    fn adjust(&mut self, adjustment: &Adjustment) {
        let key = (adjustment.instrument.clone(), adjustment.leg);
        let position = self.positions.entry(key.clone()).or_default();
        let cut = position.cut().copied();
        let mut gaps = BTreeMap::new();
        let orders = self.orders.values().map(|filed| &filed.order);
        for order in orders.filter(|o| o.intent().terms.instrument == key.0 && o.leg() == key.1) {
            let gap = order.contribution(cut.as_ref()).qty - order.traded(cut.as_ref());
            if !gap.is_zero() {
                gaps.insert(order.intent().id, SignedQty::ZERO.plus(gap));
            }
        }
        position.adjust(adjustment, gaps);
        give(&mut self.shares, (adjustment.owner.clone(), key.0, key.1), adjustment.qty.get());
    }

    fn begin(&mut self, baseline: &Baseline) {
        let key = (baseline.instrument.clone(), baseline.leg);
        let position = self.positions.entry(key.clone()).or_default();
        let old = position.baseline.as_ref().map_or(Decimal::ZERO, |b| b.qty.get());
        let cut_before = position.cut().copied();
        position.begin(baseline);
        let external = self.shares.entry((Owner::External, key.0.clone(), key.1)).or_default();
        *external = external.plus(baseline.qty.get() - old);
        // Trades at or before the new cut are history from now on.
        if cut_before != baseline.cut {
            let gone =
                self.gone.get_mut(&key).map(|gone| gone.become_history(baseline.cut.as_ref(), position)).unwrap_or_default();
            for (owner, share) in gone {
                let held = self.shares.entry((owner, key.0.clone(), key.1)).or_default();
                *held = held.plus(-share.get());
            }
            let of_leg = |o: &&Arc<Order>| o.intent().terms.instrument == key.0 && o.leg() == key.1;
            for order in self.orders.values().map(|filed| &filed.order).filter(of_leg) {
                let (before, after) = (order.contribution(cut_before.as_ref()), order.contribution(baseline.cut.as_ref()));
                settle(position, &before, &after, None);
                let held = self.shares.entry((order.intent().owner.clone(), key.0.clone(), key.1)).or_default();
                *held = held.plus(after.qty - before.qty);
            }
        }
    }
}

type Share = (Owner, InstrumentId, PositionSide);

fn give(shares: &mut BTreeMap<Share, SignedQty>, share: Share, qty: Decimal) {
    let held = shares.entry(share).or_default();
    *held = held.plus(qty);
}

/// A venue numbers its orders per instrument.
fn order_key(instrument: &InstrumentId, id: &OrderId) -> (InstrumentId, OrderId) {
    if planted(Plant::SymbolMissing)
        && let Ok(any) = InstrumentId::new("ANY-PERP.ANY")
    {
        return (any, *id);
    }
    (instrument.clone(), *id)
}

/// Moves a position by the difference of what an order contributed before and after.
fn settle(position: &mut Position, before: &Contribution, after: &Contribution, price: Option<Decimal>) {
    let change = after.qty - before.qty;
    if !change.is_zero() {
        position.trade(change, price);
    }
    if after.realized != before.realized
        && let Ok(change) = Amount::new(after.realized.get() - before.realized.get())
    {
        position.realized = position.realized.plus(change);
    }
    for (asset, fee) in &after.fees {
        let old = before.fees.get(asset).copied().unwrap_or_default();
        if let Ok(change) = Amount::new(fee.get() - old.get())
            && !change.is_zero()
        {
            let total = position.fees.entry(asset.clone()).or_default();
            *total = total.plus(change);
        }
    }
}
