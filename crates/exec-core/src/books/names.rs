//! Which order an id stands for. Ids of others may be used again: the newest order has the id, and the older ones are remembered.

use crate::ids::IntentId;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// An id that more than one order has: which is the newest, and all of them.
pub(super) type Shared<K> = (K, IntentId, Vec<IntentId>);

/// Orders by one kind of id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Names<K> {
    newest: BTreeMap<K, IntentId>,
    shared: BTreeMap<K, BTreeSet<IntentId>>,
}

impl<K: Ord + Clone> Names<K> {
    pub(super) const fn new() -> Self {
        Self { newest: BTreeMap::new(), shared: BTreeMap::new() }
    }
    pub(super) fn get(&self, id: &K) -> Option<IntentId> {
        self.newest.get(id).copied()
    }
    /// The order of this id, from now on.
    pub(super) fn learn(&mut self, id: K, order: IntentId) {
        if let Some(before) = self.newest.insert(id.clone(), order)
            && before != order
        {
            self.shared.entry(id).or_default().extend([before, order]);
        }
    }
    /// An order that was let go has its ids no more.
    pub(super) fn forget(&mut self, id: &K, order: IntentId) {
        let Some(all) = self.shared.get_mut(id) else {
            self.newest.remove(id);
            return;
        };
        all.remove(&order);
        if self.newest.get(id) == Some(&order)
            && let Some(last) = all.last()
        {
            self.newest.insert(id.clone(), *last);
        }
        if all.len() <= 1 {
            self.shared.remove(id);
        }
    }
    /// The ids that more than one order has. All others follow from the orders.
    pub(super) fn shared(&self) -> Vec<Shared<K>> {
        let newest = |id: &K| self.newest.get(id).copied();
        self.shared.iter().filter_map(|(id, all)| Some((id.clone(), newest(id)?, all.iter().copied().collect()))).collect()
    }
    /// Puts back what does not follow from the orders, after all of them were learned.
    pub(super) fn restore(&mut self, shared: Vec<Shared<K>>) {
        self.shared.clear();
        for (id, newest, all) in shared {
            self.newest.insert(id.clone(), newest);
            self.shared.insert(id, all.into_iter().collect());
        }
    }
}
