//! Orders that belong together: brackets, and pairs that cancel each other. A view over the books; it stores nothing.

use super::{Order, intent::ListRole};
use crate::{books::Books, ids::ListId};
use alloc::vec::Vec;

/// FIX ListOrderStatus (431), as far as it follows from the orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListStatus {
    /// Some order of it may still execute.
    Executing,
    /// Every order of it has ended.
    AllDone,
}

/// The orders of one list.
#[derive(Clone, Debug)]
pub struct OrderList<'a> {
    id: ListId,
    orders: Vec<(ListRole, &'a Order)>,
}

impl<'a> OrderList<'a> {
    /// The list of this id; `None` if no order belongs to it.
    pub fn find(books: &'a Books, id: ListId) -> Option<Self> {
        let place = |order: &'a Order| order.intent().list.filter(|p| p.list == id).map(|p| (p.role, order));
        let orders: Vec<_> = books.orders().filter_map(place).collect();
        (!orders.is_empty()).then_some(Self { id, orders })
    }
    /// FIX ListID (66).
    pub const fn id(&self) -> ListId {
        self.id
    }
    /// Its orders, each with its part.
    pub fn orders(&self) -> impl Iterator<Item = (ListRole, &'a Order)> {
        self.orders.iter().copied()
    }
    /// Whether anything of it may still execute.
    pub fn status(&self) -> ListStatus {
        if self.orders.iter().all(|(_, o)| o.status().is_ended()) { ListStatus::AllDone } else { ListStatus::Executing }
    }
}
