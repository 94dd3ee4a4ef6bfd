//! Changing an order that waits for its trigger: a new attempt under the same order, in the sequence that its intention demands.
//!
//! One that closes: the new one first, the old one cancelled once the new one stands. One that may add risk: the old one first,
//! and the new one only after it is cancelled with nothing executed. If the old one has triggered, it is the one that counts.

use super::{Engine, limited::Asking, lists::AGAIN_MS};
use crate::{
    conversation::{AlertLevel, Effect, Timer},
    ids::{ClOrdId, IntentId, RequestId},
    order::{
        Order,
        attempt::VenueEnding,
        event::{LiveTerms, OrderEvent, RequestState},
    },
    plant::{Plant, planted},
    pretrade::{self, Denial},
    report::Source,
    terms::{Intention, Terms},
    venue::RejectClass,
};
use alloc::{format, vec::Vec};

/// What a change that is carried out as a new attempt needs now.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    /// Nothing; facts are awaited.
    Wait,
    /// The old attempt must go.
    CancelOld(ClOrdId),
    /// The new attempt may leave.
    SendNew,
    /// It has come to its end.
    Over(RequestState),
}

impl Engine {
    pub(super) fn check_renewal(&self, order: &Order, new: &LiveTerms) -> Result<(), Denial> {
        let asked = &order.intent().terms;
        let qty = (asked.intention != Intention::CloseAll).then_some(new.qty);
        if qty.is_some_and(|q| q.is_zero()) {
            return Err(Denial::Quantity);
        }
        let terms = Terms { qty, ..asked.changed(qty, new.price, new.trigger) };
        let reference = self.quote(&terms.instrument).reference();
        if let Some(instrument) = self.instruments.get(&terms.instrument) {
            pretrade::check_grid(instrument, &terms, reference)?;
            self.check_rules(instrument, &terms, Some(order.intent().id))?;
        }
        if terms.can_add_risk() {
            self.permit_of(&order.intent().owner, &terms.instrument)?;
            let add = new.qty.saturating_sub(order.qty().unwrap_or_default()).get();
            self.within_limits(&order.intent().owner, &terms, Asking { qty: new.qty.get(), add, is_new: false })?;
        }
        Ok(())
    }

    /// Does what the change of an order that waits for its trigger needs now. Called after every fact about the order.
    pub(super) fn renew(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let Some((request, _)) = order.renewal() else { return };
        match next_step(order, request) {
            Step::Wait => (),
            Step::CancelOld(old) => {
                if order.intent().terms.is_protective() {
                    let text = format!("order {intent}: the venue refuses two of its kind, so the old one goes first");
                    self.alert(out, AlertLevel::Warning, "unprotected_gap", text);
                }
                self.send_cancel_of(intent, old, out);
            }
            Step::SendNew => self.send_renewal(intent, request, out),
            Step::Over(state) => {
                let new = order.renewed_by(request).map(|(_, a)| a);
                let last_refusal = new.filter(|_| state != RequestState::Accepted).and_then(|a| a.rejection()).map(|r| r.class);
                let list = order.intent().list.filter(|_| state != RequestState::Accepted).map(|p| p.list);
                self.learn(intent, Source::Engine, OrderEvent::ReplaceAnswered { request, state }, out);
                if let Some(list) = list {
                    // What was just refused is not asked for again at the speed of the network.
                    self.start_timer(Timer::List(list), AGAIN_MS, out);
                }
                self.after_facts(intent, out);
                if last_refusal
                    .is_some_and(|class| !matches!(class, RejectClass::Failed | RejectClass::Throttled | RejectClass::Clock))
                {
                    self.change_refused(intent, out);
                }
            }
        }
    }

    /// What stood for an order was acknowledged, and is nowhere, twice: too young to be forgotten, so nothing says that it will not
    /// execute, and the attempt that a change waits to make is never made. The order itself ends by a fact, or by its age.
    pub(super) fn abandon_change(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let Some((request, _)) = order.renewal() else { return };
        let refused = order.renewed_by(request).map(|(_, new)| new.rejection().map(|r| r.code));
        let state = match refused {
            None => RequestState::NotSent,
            Some(Some(code)) => RequestState::Refused(code),
            // The new attempt has its own questions.
            Some(None) => return,
        };
        let text = format!("order {intent}: the venue neither cancels what stands nor finds it; its change is not sent");
        self.alert(out, AlertLevel::Warning, "change_abandoned", text);
        self.learn(intent, Source::Engine, OrderEvent::ReplaceAnswered { request, state }, out);
        self.after_facts(intent, out);
    }

    fn send_renewal(&mut self, intent: IntentId, request: RequestId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let Some(new) = order.replaces().get(&request).map(|r| r.terms) else { return };
        // Time may have passed while the old one was cancelled.
        if order.cancel_wished() || self.check_renewal(order, &new).is_err() {
            let over = OrderEvent::ReplaceAnswered { request, state: RequestState::NotSent };
            self.learn(intent, Source::Engine, over, out);
            self.after_facts(intent, out);
            return;
        }
        let qty = (order.intent().terms.intention != Intention::CloseAll).then_some(new.qty);
        self.attempt(intent, qty, Some(request), out);
        // No id was left; but in the first moment of a start it only waits.
        let tried = self.books.order(intent).is_some_and(|o| o.renewed_by(request).is_some());
        if !tried && !self.early.contains_key(&intent) {
            let over = OrderEvent::ReplaceAnswered { request, state: RequestState::NotSent };
            self.learn(intent, Source::Engine, over, out);
            self.after_facts(intent, out);
        }
    }

    /// A fact about an order: what stands beside the attempt that speaks for it goes, but for what is being asked for.
    pub(super) fn cancel_new_surplus(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        self.cancel_surplus_of(intent, |engine, attempt| !engine.was_missed(intent, attempt), out);
    }

    /// Takes away what stands beside the attempt that speaks for an order.
    pub(super) fn cancel_surplus(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        self.cancel_surplus_of(intent, |_, _| true, out);
    }

    fn cancel_surplus_of(&mut self, intent: IntentId, goes: impl Fn(&Self, &ClOrdId) -> bool, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent).filter(|_| !planted(Plant::SurplusStays)) else { return };
        let surplus: Vec<ClOrdId> = order.surplus().filter(|id| goes(self, id)).copied().collect();
        for attempt in surplus {
            self.send_cancel_of(intent, attempt, out);
        }
    }
}

fn next_step(order: &Order, request: RequestId) -> Step {
    let closes = order.intent().terms.is_closing();
    let old = order
        .attempts()
        .iter()
        .find(|(_, a)| a.seen_at_venue() && a.header().and_then(|h| h.replaces) != Some(request) && !a.is_over());
    if let Some((_, new)) = order.renewed_by(request) {
        if new.seen_at_venue() {
            return Step::Over(RequestState::Accepted);
        }
        let refused = new.rejection().map(|r| (r.class, r.code));
        return match (refused, old) {
            // The venue takes only one of this kind: once, the old one makes room.
            // One that has triggered is executing what it protects; it stays.
            (Some((RejectClass::Overlap, _)), Some((id, old))) if closes && !order.has_triggered(old) => Step::CancelOld(*id),
            (Some((RejectClass::Overlap, _)), None) if closes && tries(order, request) == 1 && is_canceled_unfilled(order) => {
                Step::SendNew
            }
            (Some((_, code)), _) => Step::Over(RequestState::Refused(code)),
            (None, _) if new.not_sent().is_some() || new.death_proof().is_some() => Step::Over(RequestState::NotSent),
            (None, _) => Step::Wait,
        };
    }
    if order.attempts().values().any(|a| order.has_triggered(a)) {
        return Step::Over(RequestState::Refused(0));
    }
    match old {
        Some(_) if closes || planted(Plant::EntryStopNewFirst) => Step::SendNew,
        Some((id, _)) => Step::CancelOld(*id),
        None if is_canceled_unfilled(order) => Step::SendNew,
        // It ended in another way, so there is nothing left to change.
        None => Step::Over(RequestState::Refused(0)),
    }
}

fn tries(order: &Order, request: RequestId) -> usize {
    order.attempts().values().filter(|a| a.header().and_then(|h| h.replaces) == Some(request)).count()
}

/// Whether what stood at the venue was cancelled with nothing executed.
fn is_canceled_unfilled(order: &Order) -> bool {
    let canceled = order.attempts().values().any(|a| a.ending() == Some(VenueEnding::Canceled));
    canceled && order.cum_qty().is_zero()
}
