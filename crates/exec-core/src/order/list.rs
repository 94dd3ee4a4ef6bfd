//! Orders that belong together: brackets, and pairs that cancel each other. A view over the books that says what their facts
//! demand now; it stores nothing, so a restart sees the same.

use super::{Order, attempt::VenueEnding, event::RequestState, intent::ListRole, status::OrdStatus};
use crate::{
    books::Books,
    command::NewOrder,
    ids::{IntentId, ListId},
    terms::{Intention, Terms},
    units::{PositionSide, Qty},
};
use alloc::vec::Vec;

/// FIX ListOrderStatus (431), as far as it follows from the orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListStatus {
    /// Some order of it may still execute.
    Executing,
    /// Every order of it has ended.
    AllDone,
}

/// What one order of a list needs now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListStep {
    /// It was held back and must be placed in this quantity; `None` closes all.
    Arm(IntentId, Option<Qty>),
    /// It must stand for this quantity in all.
    Resize(IntentId, Qty),
    /// It must go.
    Cancel(IntentId),
    /// It was held back and is not needed any more.
    Drop(IntentId),
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
        let place = |order: &'a Order| order.intent().list.map(|p| (p.role, order));
        let orders: Vec<_> = books.orders_of_list(id).filter_map(place).collect();
        (!orders.is_empty()).then_some(Self { id, orders })
    }
    /// The bracket that an order belongs to; `None` if it belongs to no list, or to one without an entry.
    pub fn bracket_of(books: &'a Books, order: &Order) -> Option<Self> {
        let list = Self::find(books, order.intent().list?.list)?;
        list.order(ListRole::Entry).is_some().then_some(list)
    }
    /// FIX ListID (66).
    pub const fn id(&self) -> ListId {
        self.id
    }
    /// Its orders, each with its part.
    pub fn orders(&self) -> impl Iterator<Item = (ListRole, &'a Order)> {
        self.orders.iter().copied()
    }
    /// Its order with this part.
    pub fn order(&self, role: ListRole) -> Option<&'a Order> {
        self.orders().find(|(r, _)| *r == role).map(|(_, o)| o)
    }
    /// Whether anything of it may still execute.
    pub fn status(&self) -> ListStatus {
        if self.orders.iter().all(|(_, o)| o.status().is_ended()) { ListStatus::AllDone } else { ListStatus::Executing }
    }
    /// How much of a bracket's entry is executed and not closed by the bracket's own orders.
    pub fn open_qty(&self) -> Qty {
        let entered = self.order(ListRole::Entry).map(Order::cum_qty).unwrap_or_default();
        entered.saturating_sub(self.closed_qty())
    }
    fn closed_qty(&self) -> Qty {
        let closing = |role: ListRole| matches!(role, ListRole::StopLoss | ListRole::TakeProfit | ListRole::Exit);
        self.orders().filter(|(role, _)| closing(*role)).fold(Qty::ZERO, |sum, (_, o)| sum.plus(o.cum_qty()))
    }

    /// What the orders need now. `held` is what the leg holds in the direction of the entry, where that is known: a position that
    /// was closed by other means needs no protection. Doing all of it and asking again asks for nothing.
    pub fn steps(&self, held: Option<Qty>) -> Vec<ListStep> {
        if self.order(ListRole::Entry).is_some() {
            self.bracket_steps(held)
        } else if self.orders.iter().all(|(role, _)| *role == ListRole::OneCancelsOther) {
            self.pair_steps()
        } else {
            // Remedies of a stop that stood alone follow each other; they are no pair.
            Vec::new()
        }
    }

    fn bracket_steps(&self, held: Option<Qty>) -> Vec<ListStep> {
        let Some(entry) = self.order(ListRole::Entry) else { return Vec::new() };
        let open = held.map_or(self.open_qty(), |held| held.min(self.open_qty()));
        let mut steps = Vec::new();
        // What was entered is on its way out: the rest of the entry would be a new position without its stop.
        // And without a stop nothing more is entered, unless the stop was wished off.
        let unstopped = self.order(ListRole::StopLoss).is_some_and(|s| s.status().is_ended() && !s.cancel_wished());
        if (!self.closed_qty().is_zero() || unstopped) && is_live(entry) {
            steps.push(ListStep::Cancel(entry.intent().id));
        }
        // On a leg the venue refuses what a resting order has taken: a take-profit makes way for a stop that has triggered.
        let stops_now = |o: &Order| !o.status().is_ended() && o.attempts().values().any(|a| o.has_triggered(a));
        let on_leg = entry.leg() != PositionSide::Net;
        let makes_way = on_leg && self.order(ListRole::StopLoss).is_some_and(stops_now);
        for (role, order) in self.orders() {
            if !matches!(role, ListRole::StopLoss | ListRole::TakeProfit) {
                continue;
            }
            let id = order.intent().id;
            if role == ListRole::TakeProfit && makes_way && !is_held_back(order) && !order.is_untriggered() {
                steps.extend(gone(order));
                continue;
            }
            if open.is_zero() {
                if entry.status().is_ended() {
                    steps.extend(gone(order));
                }
            } else if is_held_back(order) {
                let all = order.intent().terms.intention == Intention::CloseAll;
                steps.push(ListStep::Arm(id, (!all).then_some(open)));
            } else {
                steps.extend(resized(order, order.cum_qty().plus(open)));
            }
        }
        steps
    }

    fn pair_steps(&self) -> Vec<ListStep> {
        let pair: Vec<&Order> = self.orders().map(|(_, o)| o).collect();
        let [one, other] = pair[..] else { return Vec::new() };
        let closes = |order: &Order| order.intent().terms.is_closing();
        let mut steps = Vec::new();
        for (decides, follows) in [(one, other), (other, one)] {
            let called_off = decides.cancel_wished() || ended_by_cancel(decides) || decides.status() == OrdStatus::Denied;
            // A cancel of the take-profit, by whomever, is no wish to hold the position without its stop.
            let keeps = called_off && closes(decides) && follows.intent().terms.is_protective();
            if keeps {
                continue;
            }
            if called_off || decides.status() == OrdStatus::Filled {
                steps.extend(gone(follows));
            } else if closes(decides) && closes(follows) {
                // Both close the same position: the other one stays for what is left of it.
                let changed =
                    follows.replaces().values().filter(|r| r.state == RequestState::Accepted).map(|r| r.terms.qty).max();
                let whole = follows.intent().terms.qty.max(changed).unwrap_or_default();
                let left = whole.saturating_sub(decides.cum_qty());
                if left.is_zero() {
                    steps.extend(gone(follows));
                } else if !decides.cum_qty().is_zero() {
                    steps.extend(resized(follows, left.max(follows.cum_qty())));
                }
            } else if !decides.cum_qty().is_zero() || decides.attempts().values().any(|a| decides.has_triggered(a)) {
                steps.extend(gone(follows));
            }
        }
        steps
    }
}

/// Why orders cannot be kept as a list; `None` if they can.
pub fn mistake(orders: &[NewOrder]) -> Option<&'static str> {
    let Some(place) = orders.first().and_then(|o| o.list) else { return Some("its orders name no list") };
    let all = || orders.iter().filter_map(|o| o.list.map(|p| (p.role, &o.terms)));
    if orders.iter().any(|o| o.list.is_none_or(|p| p.list != place.list)) {
        return Some("its orders name different lists");
    }
    let of = |role: ListRole| all().filter(move |(r, _)| *r == role).map(|(_, t)| t);
    let one_place = |a: &Terms, b: &Terms| a.instrument == b.instrument && a.leg == b.leg;
    let pair: Vec<&Terms> = of(ListRole::OneCancelsOther).collect();
    if !pair.is_empty() {
        let [one, other] = pair[..] else { return Some("a pair that cancels each other has two orders") };
        return if orders.len() != 2 {
            Some("a pair that cancels each other has two orders")
        } else if !one_place(one, other) {
            Some("both orders of a pair belong on one leg")
        } else if one.is_closing() != other.is_closing() {
            Some("both orders of a pair open, or both close")
        } else {
            None
        };
    }
    let entries: Vec<&Terms> = of(ListRole::Entry).collect();
    let stops: Vec<&Terms> = of(ListRole::StopLoss).collect();
    let profits: Vec<&Terms> = of(ListRole::TakeProfit).collect();
    let ([entry], [stop]) = (&entries[..], &stops[..]) else { return Some("a bracket has one entry and one stop") };
    if profits.len() > 1 || orders.len() != 2 + profits.len() {
        return Some("a bracket has at most one take-profit and nothing else");
    }
    if entry.is_closing() {
        return Some("the entry of a bracket opens");
    }
    if !stop.is_protective() {
        return Some("the stop of a bracket is a stop that the venue holds to closing");
    }
    let closes = |t: &&Terms| one_place(entry, t) && t.is_closing() && t.side != entry.side;
    if !closes(stop) || !profits.iter().all(closes) {
        return Some("stop and take-profit close what the entry opens");
    }
    None
}

fn is_live(order: &Order) -> bool {
    !order.status().is_ended() && !order.cancel_wished()
}

/// Asked for and not attempted.
pub(crate) fn is_held_back(order: &Order) -> bool {
    order.status() == OrdStatus::Initialized && !order.cancel_wished()
}

fn ended_by_cancel(order: &Order) -> bool {
    order.governing().is_some_and(|(_, a)| a.ending() == Some(VenueEnding::Canceled)) && order.status().is_ended()
}

fn gone(order: &Order) -> Option<ListStep> {
    let id = order.intent().id;
    if is_held_back(order) { Some(ListStep::Drop(id)) } else { is_live(order).then_some(ListStep::Cancel(id)) }
}

/// Only an order that rests and is not being changed already can be given another quantity.
fn resized(order: &Order, qty: Qty) -> Option<ListStep> {
    let rests = matches!(order.status(), OrdStatus::New | OrdStatus::PartiallyFilled);
    // What has triggered and has no price of its own is on its way already.
    let on_its_way = !order.is_untriggered() && order.intent().terms.kind.limit_price().is_none();
    let has_qty = order.intent().terms.qty.is_some();
    let changes = rests && has_qty && !on_its_way && !order.cancel_wished() && order.qty() != Some(qty) && qty > order.cum_qty();
    changes.then_some(ListStep::Resize(order.intent().id, qty))
}
