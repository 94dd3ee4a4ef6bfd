//! Orders that ended long ago and can matter no more leave the books. What they did to positions stays; which ones go stands in the
//! journal, so that a replay lets go of the same.

use super::Books;
use crate::{
    ids::{Asset, IntentId, StrategyId, TradeId},
    order::{Contribution, Order, intent::Owner},
    position::Position,
    time::{Timestamp, VenueTime},
    units::{Amount, SignedQty},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Most orders that are looked at for letting them go, so that those which cannot go stop nobody for long.
const LOOKED_AT_MAX: usize = 10_000;

/// What the orders of a leg that were let go have done to it since its books began. A new baseline makes it history.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(super) struct Gone {
    shares: BTreeMap<Owner, SignedQty>,
    realized: Amount,
    fees: BTreeMap<Asset, Amount>,
    newest: Option<TradeId>,
}

impl Gone {
    fn add(&mut self, order: &Order, did: &Contribution) {
        let share = self.shares.entry(order.intent().owner.clone()).or_default();
        *share = share.plus(did.qty);
        self.realized = self.realized.plus(did.realized);
        for (asset, fee) in &did.fees {
            let total = self.fees.entry(asset.clone()).or_default();
            *total = total.plus(*fee);
        }
        self.newest = self.newest.max(order.fills().map(|(_, f)| f.trade_id).max());
    }

    /// Takes all of it out of a position whose books begin anew behind it; the answer is what it was of each owner's share.
    pub(super) fn become_history(&mut self, cut: Option<&TradeId>, position: &mut Position) -> BTreeMap<Owner, SignedQty> {
        let behind = cut.is_some_and(|cut| self.newest.is_none_or(|newest| newest <= *cut));
        if !behind {
            return BTreeMap::new();
        }
        let all = core::mem::take(self);
        let qty = all.shares.values().fold(SignedQty::ZERO, |sum, share| sum.plus(share.get()));
        let did = Contribution { qty: qty.get(), realized: all.realized, fees: all.fees };
        let zero = |asset: &Asset| (asset.clone(), Amount::default());
        let nothing = Contribution { fees: did.fees.keys().map(zero).collect(), ..Contribution::default() };
        super::settle(position, &did, &nothing, None);
        all.shares
    }
}

/// Who ended when, and what became of those that were let go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Ended {
    /// Orders that have ended, by the time at which something was learned of them last.
    pub(super) by_age: BTreeSet<(Timestamp, IntentId)>,
}

impl Ended {
    pub(super) const fn new() -> Self {
        Self { by_age: BTreeSet::new() }
    }
}

impl Books {
    /// Orders that were let go had all ended before this.
    pub const fn let_go_before(&self) -> Option<VenueTime> {
        self.let_go_before
    }
    /// Whether an operator's order of this name was let go. Names of strategies come again only after a crash, and not of what
    /// their cursors have passed.
    pub fn was_let_go(&self, intent: IntentId) -> bool {
        self.names_let_go.contains(&intent)
    }

    /// Ended orders of which nothing was learned since `before` and that can matter no more, lists as a whole, `most` or a few more.
    pub(crate) fn to_let_go(&self, before: Timestamp, most: usize, hosts: impl Fn(&StrategyId) -> bool) -> Vec<IntentId> {
        let mut chosen: BTreeSet<IntentId> = BTreeSet::new();
        let old = self.ended.by_age.iter().take_while(|(at, _)| *at < before).take(LOOKED_AT_MAX);
        for (_, id) in old {
            if chosen.len() >= most {
                break;
            }
            let list = self.order(*id).and_then(|o| o.intent().list).and_then(|place| self.by_list.get(&place.list));
            let together = list.map_or(core::slice::from_ref(id), Vec::as_slice);
            if !chosen.contains(id) && together.iter().all(|id| self.may_go(*id, before, &hosts)) {
                chosen.extend(together);
            }
        }
        chosen.into_iter().collect()
    }

    fn may_go(&self, id: IntentId, before: Timestamp, hosts: &impl Fn(&StrategyId) -> bool) -> bool {
        let Some(filed) = self.orders.get(&id) else { return true };
        let order = &filed.order;
        let seen = match order.intent().owner.strategy() {
            Some(strategy) if hosts(strategy) => self.strategies.get(strategy).is_some_and(|book| book.seen >= filed.seq),
            Some(_) | None => true,
        };
        let floor = self.recent.floors.get(&order.intent().terms.instrument);
        let settled = order.fills().all(|(_, fill)| floor.is_some_and(|floor| fill.trade_id <= floor.trade));
        filed.at < before && !self.open.contains(&id) && order.unattributed_qty().is_zero() && seen && settled
    }

    pub(super) fn let_go(&mut self, orders: &[IntentId], before: VenueTime) {
        self.let_go_before = self.let_go_before.max(Some(before));
        for id in orders {
            let Some(filed) = self.orders.remove(id) else { continue };
            let (order, terms) = (&filed.order, &filed.order.intent().terms);
            self.open.remove(id);
            self.ended.by_age.remove(&(filed.at, *id));
            self.recent.forget(order);
            for (cl_ord_id, attempt) in order.attempts() {
                self.by_cl_ord_id.forget(cl_ord_id, *id);
                if let Some(order_id) = attempt.order_id() {
                    self.by_order_id.forget(&(terms.instrument.clone(), order_id), *id);
                }
                if let Some(algo_id) = attempt.algo_id() {
                    self.by_algo_id.forget(&algo_id, *id);
                }
            }
            if let Some(place) = order.intent().list {
                self.by_list.remove(&place.list);
            }
            if matches!(order.intent().owner, Owner::Operator(_)) {
                self.names_let_go.insert(*id);
            }
            let leg = (terms.instrument.clone(), terms.leg);
            let cut = self.positions.get(&leg).and_then(|p| p.cut().copied());
            let did = order.contribution(cut.as_ref());
            if did != Contribution::default() {
                self.gone.entry(leg).or_default().add(order, &did);
            }
        }
    }
}
