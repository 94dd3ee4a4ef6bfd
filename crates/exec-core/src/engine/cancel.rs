//! Cancels: they pass in every phase, wait for nothing, are repeated until answered, and settle nothing by themselves.

use super::{Asked, Engine, InFlight, doubt::ABSENT_AGAIN_MS, flatten::is_clip, parked::ParkedWhat, protect::is_remedy};
use crate::{
    conversation::{Effect, Query, Request, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, RequestId},
    order::{
        Order,
        attempt::AttemptFacts,
        event::{GivenUp, NotSent, OrderEvent, RequestState},
        intent::{ListRole, Owner, Provenance},
        list::{OrderList, is_held_back},
    },
    plant::{Plant, planted},
    pretrade::Denial,
    reconcile::order_refs,
    report::Source,
    venue::{Cancel, CommandError, CommandResult, OrderRef, RejectClass},
};
use alloc::vec::Vec;

/// First delay before a cancel without an answer is sent again; doubles up to the longest.
const AGAIN_FIRST_MS: u64 = 250;
const AGAIN_LONGEST_MS: u64 = 5_000;

impl Engine {
    pub(super) fn cancel_owned(&mut self, owner: &Owner, intent: IntentId, out: &mut Vec<Effect>) {
        let restored = |o: &Order| o.last().and_then(|(_, a)| a.header()).is_none_or(|h| h.epoch < self.books.epoch());
        let unknown = planted(Plant::RestoredOrder) && self.books.order(intent).is_some_and(restored);
        match self.books.order(intent).filter(|o| o.intent().owner == *owner && !unknown) {
            None => self.deny_change(owner, intent, Denial::NoSuchOrder, out),
            Some(order) if is_clip(order) => self.deny_change(owner, intent, Denial::Flattens, out),
            Some(_) => self.cancel(intent, out),
        }
    }

    /// Cancels every open order of an owner, or of everybody.
    pub(super) fn cancel_all_of(&mut self, owner: Option<&Owner>, instrument: Option<&InstrumentId>, out: &mut Vec<Effect>) {
        let all: Vec<IntentId> = self
            .books
            .open_orders()
            // The exit that replaces a lost stop, and the stop of an entry that may yet execute, go by themselves when nothing
            // is left to close.
            .filter(|o| !is_remedy(o) && !self.awaits_entry(o) && (owner.is_none() || !is_clip(o)))
            .map(|o| o.intent())
            .filter(|i| planted(Plant::CancelAllOwners) || owner.is_none_or(|owner| i.owner == *owner))
            .filter(|i| instrument.is_none_or(|instrument| i.terms.instrument == *instrument))
            .map(|i| i.id)
            .collect();
        for intent in all {
            self.cancel(intent, out);
        }
    }

    fn awaits_entry(&self, order: &Order) -> bool {
        let list = order.intent().list.filter(|_| is_held_back(order)).and_then(|p| OrderList::find(&self.books, p.list));
        list.and_then(|l| l.order(ListRole::Entry)).is_some_and(|entry| !entry.status().is_ended())
    }

    /// Wishes an order off the book. The wish stands until the order has ended.
    pub(super) fn cancel(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        if order.status().is_ended() || is_cancelling(order) || matches!(order.intent().provenance, Provenance::Exchange(_)) {
            return;
        }
        if let Some(at) = self.parked.iter().position(|p| p.intent == intent && matches!(p.what, ParkedWhat::Submit(_)))
            && let Some(parked) = self.parked.remove(at)
        {
            // It never left, and now it never will.
            let request = self.request_id();
            self.learn(intent, Source::Engine, OrderEvent::CancelRequested { request, only: None }, out);
            self.learn(intent, Source::Engine, OrderEvent::CancelAnswered { request, state: RequestState::NotSent }, out);
            self.drop_parked(parked, NotSent::Withdrawn, out);
            return;
        }
        let waiting = order.attempts().values().all(|a| a.is_over());
        let renewal = order.renewal().map(|(request, _)| request);
        if waiting {
            // Between two attempts: the wish alone ends it.
            let request = self.request_id();
            self.learn(intent, Source::Engine, OrderEvent::CancelRequested { request, only: None }, out);
            self.learn(intent, Source::Engine, OrderEvent::CancelAnswered { request, state: RequestState::NotSent }, out);
            if let Some(request) = renewal {
                let over = OrderEvent::ReplaceAnswered { request, state: RequestState::NotSent };
                self.learn(intent, Source::Engine, over, out);
            }
            self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::Settled), out);
            self.after_facts(intent, out);
            return;
        }
        self.send_cancel(intent, out);
    }

    /// Cancels one attempt of an order, because another stands for the order. Once at a time.
    pub(super) fn send_cancel_of(&mut self, intent: IntentId, attempt: ClOrdId, out: &mut Vec<Effect>) {
        let now = self.venue_time();
        let Some(order) = self.books.order(intent) else { return };
        if order.cancels().values().any(|c| c.state == RequestState::Open && c.only.is_none_or(|only| only == attempt)) {
            return;
        }
        let Some(reference) = order_refs(order, now).into_iter().find(|r| r.cl_ord_id == Some(attempt)) else { return };
        let request = self.request_id();
        self.learn(intent, Source::Engine, OrderEvent::CancelRequested { request, only: Some(attempt) }, out);
        self.in_flight.insert(request, InFlight::Cancel { intent });
        out.push(Effect::Send(Request::Cancel(Cancel { request, order: reference })));
    }

    pub(super) fn send_cancel(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        self.send_cancels(intent, order_refs(order, self.venue_time()), out);
    }

    /// A fact about an order that was wished off the book: what of it is at the venue and not being asked for is cancelled.
    pub(super) fn cancel_resting(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let rests = |id: &ClOrdId| order.attempts().get(id).is_some_and(|a| a.seen_at_venue() && !a.is_over());
        let mut refs = order_refs(order, self.venue_time());
        refs.retain(|r| r.cl_ord_id.is_none_or(|id| !self.was_missed(intent, &id)));
        if refs.iter().any(|r| r.cl_ord_id.as_ref().is_none_or(rests)) {
            self.send_cancels(intent, refs, out);
        }
    }

    fn send_cancels(&mut self, intent: IntentId, refs: Vec<OrderRef>, out: &mut Vec<Effect>) {
        for reference in refs {
            let request = self.request_id();
            self.learn(intent, Source::Engine, OrderEvent::CancelRequested { request, only: None }, out);
            self.in_flight.insert(request, InFlight::Cancel { intent });
            out.push(Effect::Send(Request::Cancel(Cancel { request, order: reference })));
        }
    }

    pub(super) fn cancel_outcome(&mut self, intent: IntentId, request: RequestId, result: CommandResult, out: &mut Vec<Effect>) {
        let answered = |state| OrderEvent::CancelAnswered { request, state };
        match result {
            Ok(report) => {
                self.learn(intent, Source::Reply, answered(RequestState::Accepted), out);
                self.take_order_report(&report, Source::Reply, out);
                // An acknowledgement never closes an order by itself; if the report did not, ask.
                if self.books.order(intent).is_some_and(|o| self.is_to_go(o)) {
                    self.verify(intent, out);
                }
            }
            Err(CommandError::Rejected(rejection)) => {
                self.learn(intent, Source::Reply, answered(RequestState::Refused(rejection.code)), out);
                match rejection.class {
                    // Filled, ended, not there yet, or never: only a question can tell.
                    RejectClass::NotOnBook if planted(Plant::NotOnBookLoops) => self.send_cancel(intent, out),
                    RejectClass::NotOnBook => self.verify(intent, out),
                    RejectClass::Clock => {
                        self.lose_clock(out);
                        self.cancel_later(intent, out);
                    }
                    RejectClass::Auth => {
                        self.auth_refused(&rejection, out);
                        self.cancel_later(intent, out);
                    }
                    _ => self.cancel_later(intent, out),
                }
            }
            Err(CommandError::NotSent(_)) => {
                self.learn(intent, Source::Engine, answered(RequestState::NotSent), out);
                self.cancel_later(intent, out);
            }
            Err(CommandError::Unknown { .. }) => {
                self.learn(intent, Source::Engine, answered(RequestState::Unknown), out);
                self.cancel_later(intent, out);
            }
        }
    }

    pub(super) fn cancel_later(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let tries = self.books.order(intent).map_or(0, |o| o.cancels().len()).min(16) as u32;
        if planted(Plant::ForcedCancel) && tries > 3 {
            let last = self.books.order(intent).and_then(Order::last).map(|(id, _)| *id);
            if let Some(cl_ord_id) = last {
                self.learn(intent, Source::Engine, OrderEvent::Canceled { cl_ord_id }, out);
            }
            return;
        }
        let delay = (AGAIN_FIRST_MS << tries.saturating_sub(1).min(8)).min(AGAIN_LONGEST_MS);
        self.set_timer(Timer::CancelAgain(intent), delay, out);
    }

    pub(super) fn cancel_again(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        // An attempt that was never seen is the doubt's business: it cancels at the fence itself.
        if !order.status().is_ended() && order.cancel_wished() {
            if !is_cancelling(order) {
                self.send_cancel(intent, out);
            }
            return;
        }
        self.renew(intent, out);
        self.cancel_surplus(intent, out);
    }

    /// Whether something of an order that was to be cancelled may still stand at the venue.
    pub(super) fn is_to_go(&self, order: &Order) -> bool {
        let wished = order.cancel_wished() && !order.status().is_ended();
        let superseded = |id: &ClOrdId| order.attempts().get(id).is_some_and(|a| !a.is_over());
        wished || order.surplus().next().is_some() || order.cancels().values().filter_map(|c| c.only.as_ref()).any(superseded)
    }

    /// Asks for every attempt of an order that is not over, once at a time: an order that was changed often has many, and each of
    /// them may be missed by a cancel of its own.
    pub(super) fn verify(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let (now, at) = (self.venue_time(), self.venue_time_at_least());
        let Some(order) = self.books.order(intent) else { return };
        let is_asked = |r: &OrderRef| r.cl_ord_id.is_some_and(|id| self.verifies(intent, &id).is_some());
        let shown = |r: &OrderRef| r.cl_ord_id.and_then(|id| order.attempts().get(&id)).is_some_and(AttemptFacts::seen_at_venue);
        let (asked, unasked): (Vec<_>, Vec<_>) = order_refs(order, now).into_iter().partition(is_asked);
        let questions: Vec<_> = unasked.into_iter().map(|r| (shown(&r), r)).collect();
        // The answer may tell of a moment before this one, and where nothing waits for it nobody would ask again.
        let asks_again = !asked.is_empty() && !self.is_to_go(order);
        for (seen, reference) in questions {
            self.ask(Asked::Verify { intent, attempt: reference.cl_ord_id, seen, at }, Query::Order(reference), out);
        }
        if asks_again {
            self.start_timer(Timer::Verify(intent), ABSENT_AGAIN_MS, out);
        }
    }
}

/// Whether a cancel of the whole order is on its way. One whose answer was lost is not: nothing will ever come of it.
pub(super) fn is_cancelling(order: &Order) -> bool {
    order.cancels().values().any(|c| c.only.is_none() && c.state == RequestState::Open)
}
