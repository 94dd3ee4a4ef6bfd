//! Changing a working order in place: one change at a time, durable first where it can add risk, settled by evidence.

use super::{Asked, Engine, InFlight, limited::Asking, parked::ParkedWhat};
use crate::{
    command::ChangeOrder,
    conversation::{AlertLevel, Effect, Query, Request, StrategyEvent, Timer},
    ids::{IntentId, RequestId},
    order::{
        Order, ReplaceFacts,
        event::{LiveTerms, OrderEvent, ReplaceHow, RequestState},
        intent::Owner,
        proof::fence_time,
        status::OrdStatus,
    },
    pretrade::{self, Denial, Figure},
    reconcile::order_refs,
    report::Source,
    terms::TimeInForce,
    time::VenueTime,
    venue::{CommandError, CommandResult, Lookup, QueryError, RejectClass, Replace},
};
use alloc::{format, vec::Vec};

/// How often a change in doubt is asked for.
const ASK_EVERY_MS: u64 = 1_000;

/// Whether a change may end the order at the venue, where it is known before that it would.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ends {
    /// Such a change is denied.
    Never,
    /// Whoever asked knows it.
    IfItMust,
}

impl Engine {
    pub(super) fn change(&mut self, owner: &Owner, change: ChangeOrder, ends: Ends, out: &mut Vec<Effect>) {
        if let Err(denial) = self.try_change(owner, change, ends, out) {
            self.deny_change(owner, change.intent, denial, out);
        }
    }

    pub(super) fn try_change(
        &mut self,
        owner: &Owner,
        change: ChangeOrder,
        ends: Ends,
        out: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let intent = change.intent;
        let (terms, how) = self.check_change(owner, &change, ends)?;
        let request = self.request_id();
        let event = OrderEvent::ReplaceRequested { request, terms, how };
        let Some(seq) = self.learn(intent, Source::Engine, event, out) else { return Ok(()) };
        if how == ReplaceHow::InPlace {
            self.count_asked(intent);
        }
        let risky = self.books.order(intent).is_some_and(|o| o.intent().terms.can_add_risk());
        match how {
            ReplaceHow::NewAttempt => self.renew(intent, out),
            ReplaceHow::InPlace if risky => {
                self.park(seq, intent, ParkedWhat::Replace(request), out);
            }
            ReplaceHow::InPlace => self.send_change(intent, request, out),
        }
        Ok(())
    }

    pub(super) fn deny_change(&mut self, owner: &Owner, intent: IntentId, denial: Denial, out: &mut Vec<Effect>) {
        match owner.strategy() {
            Some(strategy) => {
                self.watch_denial(strategy, &denial);
                self.notify(strategy.clone(), None, StrategyEvent::ChangeDenied { intent, denial }, out);
            }
            // Nobody else is told of what happens to an operator's order.
            None => {
                self.alert(out, AlertLevel::Info, "change_denied", format!("change of order {intent} was not sent: {denial}"))
            }
        }
    }

    fn check_change(&self, owner: &Owner, change: &ChangeOrder, ends: Ends) -> Result<(LiveTerms, ReplaceHow), Denial> {
        let order = self.books.order(change.intent).filter(|o| o.intent().owner == *owner).ok_or(Denial::NoSuchOrder)?;
        let terms = &order.intent().terms;
        match order.status() {
            OrdStatus::New | OrdStatus::Triggered | OrdStatus::PartiallyFilled => (),
            OrdStatus::PendingReplace => return Err(Denial::ChangeUnderWay),
            _ => return Err(Denial::NotWorking),
        }
        let qty = change.qty.or(order.qty()).unwrap_or_default();
        let new = LiveTerms { qty, price: change.price.or(order.price()), trigger: change.trigger.or(order.trigger_price()) };
        if order.is_untriggered() {
            self.check_renewal(order, &new)?;
            return Ok((new, ReplaceHow::NewAttempt));
        }
        // What rests on the ordinary book is changed there, also when it was conditional once.
        let new = LiveTerms { trigger: None, ..new };
        if !self.profile.replace || terms.kind.limit_price().is_none() || new.price.is_none() || change.trigger.is_some() {
            return Err(Denial::Unsupported(terms.kind.name().into()));
        }
        if terms.stp.is_some() {
            // A change takes an order's self-trade rule away, silently.
            return Err(Denial::Unsupported("changing an order with a self-trade rule".into()));
        }
        if qty.is_zero() {
            return Err(Denial::Quantity);
        }
        if ends == Ends::Never && qty <= order.cum_qty() {
            return Err(Denial::QtyExecuted);
        }
        if let (Some(TimeInForce::Gtx), Some(price), Ends::Never) = (terms.kind.time_in_force(), new.price, ends)
            && self.quote(&terms.instrument).would_take(terms.side, price)
        {
            return Err(Denial::WouldTake(Figure(price.get())));
        }
        if let Some(instrument) = self.instruments.get(&terms.instrument) {
            pretrade::check_change(instrument, terms, &new, self.quote(&terms.instrument).reference())?;
        }
        if terms.can_add_risk() {
            self.permit_of(owner, &terms.instrument)?;
            let add = qty.saturating_sub(order.qty().unwrap_or_default()).get();
            let priced = terms.changed(Some(qty), new.price, None);
            self.within_limits(owner, &priced, Asking { qty: qty.get(), add, is_new: false })?;
        }
        Ok((new, ReplaceHow::InPlace))
    }

    pub(super) fn send_change(&mut self, intent: IntentId, request: RequestId, out: &mut Vec<Effect>) {
        let (timestamp, recv_window_ms) = (self.venue_time(), self.config.order_recv_window_ms);
        let Some(order) = self.books.order(intent) else { return };
        let Some(LiveTerms { qty, price: Some(price), .. }) = order.replaces().get(&request).map(|r| r.terms) else { return };
        let speaks = order.governing().map(|(id, _)| *id);
        let Some(reference) = order_refs(order, timestamp).into_iter().find(|r| r.cl_ord_id == speaks) else {
            self.change_not_sent(intent, request, out);
            return;
        };
        let side = order.intent().terms.side;
        self.in_flight.insert(request, InFlight::Replace { intent });
        let replace = Replace { request, order: reference, side, qty, price, timestamp, recv_window_ms };
        out.push(Effect::Send(Request::Replace(replace)));
    }

    pub(super) fn change_not_sent(&mut self, intent: IntentId, request: RequestId, out: &mut Vec<Effect>) {
        self.learn(intent, Source::Engine, OrderEvent::ReplaceAnswered { request, state: RequestState::NotSent }, out);
    }

    pub(super) fn change_outcome(&mut self, intent: IntentId, request: RequestId, result: CommandResult, out: &mut Vec<Effect>) {
        let state = match &result {
            Ok(_) => RequestState::Accepted,
            Err(CommandError::Rejected(r)) => RequestState::Refused(r.code),
            Err(CommandError::NotSent(_)) => RequestState::NotSent,
            Err(CommandError::Unknown { .. }) => RequestState::Unknown,
        };
        self.learn(intent, Source::Reply, OrderEvent::ReplaceAnswered { request, state: state.clone() }, out);
        match result {
            Ok(report) => self.take_order_report(&report, Source::Reply, out),
            Err(CommandError::Rejected(rejection)) => match rejection.class {
                RejectClass::Clock => self.lose_clock(out),
                RejectClass::Auth => self.auth_refused(&rejection, out),
                RejectClass::Restricted | RejectClass::AccountRestricted => {
                    if let Some(instrument) = self.books.order(intent).map(|o| o.intent().terms.instrument.clone()) {
                        self.restricted_by(&instrument, &rejection, out);
                    }
                }
                RejectClass::NotOnBook => self.verify(intent, out),
                _ => (),
            },
            Err(CommandError::NotSent(_)) => (),
            Err(CommandError::Unknown { .. }) => self.doubt_change(intent, out),
        }
    }

    pub(super) fn doubt_change(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        // It was signed before now, so a fence counted from now is past its own. An earlier doubt does not date this one.
        let signed = self.venue_time_at_most();
        self.change_doubts.insert(intent, signed);
        self.set_timer(Timer::ChangeDoubt(intent), ASK_EVERY_MS, out);
    }

    pub(super) fn change_timer(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let (now, at) = (self.venue_time(), self.venue_time_at_least());
        let Some(order) = self.books.order(intent) else { return };
        if !changes_in_doubt(order) || order.status().is_ended() {
            self.change_doubts.remove(&intent);
            return;
        }
        // Left by an earlier start, and now the clock is known: from here on the fence can be counted.
        let latest = self.venue_time_at_most();
        let signed = self.change_doubts.entry(intent).or_default();
        *signed = signed.or(latest);
        let Some(order) = self.books.order(intent) else { return };
        let speaks = order.governing().map(|(id, _)| *id);
        if let Some(reference) = order_refs(order, now).into_iter().find(|r| r.cl_ord_id == speaks) {
            self.ask(Asked::Change { intent, at }, Query::Order(reference), out);
        }
    }

    pub(super) fn change_answer(
        &mut self,
        intent: IntentId,
        at: Option<VenueTime>,
        result: Result<Lookup, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        if let Ok(Lookup::Found(report)) = &result {
            self.take_order_report(report, Source::Query, out);
            let live = report.kind.as_ref().and_then(|k| k.price()).zip(report.qty);
            let verdicts = self.change_verdicts(intent, live, at);
            let settled = !verdicts.is_empty();
            for (request, state) in verdicts {
                self.learn(intent, Source::Query, OrderEvent::ReplaceAnswered { request, state }, out);
            }
            if settled {
                self.after_facts(intent, out);
            }
        }
        if self.books.order(intent).is_some_and(|o| changes_in_doubt(o) && !o.status().is_ended()) {
            self.set_timer(Timer::ChangeDoubt(intent), ASK_EVERY_MS, out);
        } else {
            self.change_doubts.remove(&intent);
        }
    }

    /// The venue has filled the order: what was not changed by then cannot be changed any more. No fence is needed for that.
    pub(super) fn end_changes(&mut self, intent: IntentId, source: Source, out: &mut Vec<Effect>) -> bool {
        let Some(order) = self.books.order(intent).filter(|o| changes_in_doubt(o)) else { return false };
        let qty = order.qty();
        let doubtful = order.replaces().iter().filter(|(_, r)| r.state == RequestState::Unknown);
        let verdict = |asked: &LiveTerms| if qty == Some(asked.qty) { RequestState::Accepted } else { RequestState::Refused(0) };
        let verdicts: Vec<_> = doubtful.map(|(request, r)| (*request, verdict(&r.terms))).collect();
        let mut news = false;
        for (request, state) in verdicts {
            news |= self.learn(intent, source, OrderEvent::ReplaceAnswered { request, state }, out).is_some();
        }
        news
    }

    /// What the venue's terms say about changes in doubt: the terms asked for prove the change; other terms disprove it
    /// only once the venue refuses the request for its age.
    fn change_verdicts(
        &self,
        intent: IntentId,
        live: Option<(crate::units::Price, crate::units::Qty)>,
        at: Option<VenueTime>,
    ) -> Vec<(RequestId, RequestState)> {
        let (Some(order), Some((price, qty))) = (self.books.order(intent), live) else { return Vec::new() };
        let doubtful = order.replaces().iter().filter(|(_, r)| r.state == RequestState::Unknown);
        doubtful
            .filter_map(|(request, ReplaceFacts { terms: asked, .. })| {
                if asked.price == Some(price) && asked.qty == qty {
                    return Some((*request, RequestState::Accepted));
                }
                let (fence, at) = (self.profile.fence?, at?);
                let signed = (*self.change_doubts.get(&intent)?)?;
                (at >= fence_time(signed, self.config.order_recv_window_ms, &fence))
                    .then_some((*request, RequestState::Refused(0)))
            })
            .collect()
    }
}

fn changes_in_doubt(order: &Order) -> bool {
    order.replaces().values().any(|r| r.state == RequestState::Unknown)
}
