//! From an intent to the wire: checks, the attempt, durability first, one send; and what comes of the answer.

use super::{Engine, InFlight, cancel::is_cancelling, limited::Asking, parked::ParkedWhat};
use crate::{
    cl_ord_id::{ATTEMPTS_MAX, OwnId},
    command::NewOrder,
    conversation::{AlertLevel, Effect, Request, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, RequestId},
    instrument::Instrument,
    order::{
        Order,
        event::{AttemptHeader, GivenUp, NotSent, OrderEvent},
        intent::{Intent, Owner, Provenance},
    },
    plant::{Plant, planted},
    pretrade::{self, Denial},
    record::{LatchCause, Record},
    report::{OrderReport, Source},
    rules::{Case, first_broken},
    start_report::Shut,
    terms::{OrderKind, Terms, TimeInForce},
    units::{PositionMode, Qty, Side, SignedQty},
    venue::{Attempt, CommandError, CommandResult, RejectClass, Rejection},
};
use alloc::{format, string::ToString, vec::Vec};

impl Engine {
    pub(super) fn submit(&mut self, owner: Owner, new: NewOrder, out: &mut Vec<Effect>) {
        if self.books.was_let_go(new.intent) {
            let text = format!("intent {} came again; its order ended long ago", new.intent);
            self.alert(out, AlertLevel::Warning, "intent_reused", text);
            return;
        }
        if let Some(known) = self.books.order(new.intent) {
            // The same intent again is what a restart brings; it was answered then. Other terms under its id are a defect.
            if known.intent().terms != new.terms {
                self.alert(
                    out,
                    AlertLevel::Warning,
                    "intent_reused",
                    format!("intent {} came again with other terms", new.intent),
                );
            }
            return;
        }
        let id = new.intent;
        if let Some(strategy) = owner.strategy() {
            self.watch_asked(strategy, &new.terms);
        }
        let checked = self.check(&owner, &new.terms);
        self.take_in(owner, new, out);
        match checked {
            Ok(qty) => self.attempt(id, qty, None, out),
            Err(denial) => {
                self.learn(id, Source::Engine, OrderEvent::Denied(denial), out);
                self.after_facts(id, out);
            }
        }
    }

    /// Puts what was asked for into the books, before anything comes of it.
    pub(super) fn take_in(&mut self, owner: Owner, new: NewOrder, out: &mut Vec<Effect>) {
        let intent = Intent {
            id: new.intent,
            owner,
            provenance: Provenance::Ours,
            terms: new.terms,
            handling: new.handling,
            list: new.list,
            asked: self.now,
        };
        self.record(Record::Intent(intent), out);
    }

    pub(super) fn check_owner(&self, owner: &Owner, instrument: &InstrumentId) -> Result<(), Denial> {
        match owner {
            Owner::Strategy(id) if !self.config.strategies.iter().any(|s| s.id == *id && s.instruments.contains(instrument)) => {
                Err(Denial::NotYours(instrument.clone()))
            }
            Owner::Strategy(_) | Owner::Operator(_) | Owner::External => Ok(()),
        }
    }

    /// Checks an order and says how much of it to send.
    pub(super) fn check(&self, owner: &Owner, terms: &Terms) -> Result<Option<Qty>, Denial> {
        self.check_owner(owner, &terms.instrument)?;
        if !self.start_is_durable() {
            return Err(Denial::GateClosed(Shut::StartNotDurable.to_string()));
        }
        pretrade::check_form(terms, self.config.mode, &self.profile)?;
        self.may_outlive(owner, terms)?;
        let reference = self.quote(&terms.instrument).reference();
        let Some(instrument) = self.instruments.get(&terms.instrument) else {
            // Before the instruments are known, and when the venue lists one no more, an exit still passes; the venue checks it.
            if terms.is_closing() && (self.instruments.is_empty() || self.is_held(&terms.instrument)) {
                return self.held_to_share(owner, terms, self.held_to_leg(terms)?);
            }
            let hint = crate::nearest::did_you_mean(terms.instrument.as_str(), self.instruments.keys().map(|i| i.as_str()));
            return Err(Denial::UnknownInstrument { instrument: terms.instrument.clone(), hint });
        };
        if terms.is_closing() {
            self.closes_something(owner, terms)?;
        }
        let qty = if terms.is_closing() { self.held_to_leg(terms)? } else { terms.qty };
        let qty = self.held_to_share(owner, terms, qty)?;
        let checked = Terms { qty, ..terms.clone() };
        if terms.is_closing() && instrument.status != crate::instrument::TradingStatus::Trading {
            // Whether an exit is possible now is the venue's word, not ours.
            return Ok(qty);
        }
        pretrade::check_grid(instrument, &checked, reference)?;
        self.check_rules(instrument, &checked, None)?;
        if planted(Plant::ExitDenied) {
            self.permit(&terms.instrument)?;
        }
        if terms.can_add_risk() {
            self.permit_of(owner, &terms.instrument)?;
            let add = qty.unwrap_or_default().get();
            self.within_limits(owner, terms, Asking { qty: add, add, is_new: true })?;
        }
        Ok(qty)
    }

    /// Checks an order against the venue's own table. `not` is an order that will make room for it.
    pub(super) fn check_rules(&self, instrument: &Instrument, terms: &Terms, not: Option<IntentId>) -> Result<(), Denial> {
        if self.profile.rules.is_empty() {
            return Ok(());
        }
        let others = || self.books.open_orders().filter(|o| not != Some(o.intent().id) && !o.attempts().is_empty());
        let untriggered = others().filter(|o| o.is_untriggered()).count();
        let ordinary = others().filter(|o| o.intent().terms.instrument == terms.instrument && !o.is_untriggered()).count();
        let key = (terms.instrument.clone(), terms.leg);
        let ours = self.books.position(&key.0, key.1).map(crate::position::Position::qty);
        let case = Case {
            terms,
            instrument,
            mode: self.config.mode,
            quote: self.quote(&terms.instrument),
            held: ours.or(self.venue_positions.get(&key).copied()),
            open_orders: ordinary as u32,
            open_conditionals: untriggered as u32,
            notional_max: self.settings.get(&terms.instrument).and_then(|s| s.notional_max),
            now: self.venue_time(),
        };
        match first_broken(self.profile.rules, &case) {
            None => Ok(()),
            Some(rule) => Err(Denial::VenueRule { rule: rule.name.into(), says: rule.says.into(), code: rule.code }),
        }
    }

    /// Whether there is, or may be, something of an instrument to close.
    fn is_held(&self, instrument: &InstrumentId) -> bool {
        let ours = self.books.positions().any(|(i, _, p)| i == instrument && !p.qty().is_zero());
        ours || self.venue_positions.iter().any(|((i, _), qty)| i == instrument && !qty.is_zero())
    }

    /// A strategy whose breaker has opened may close what there is. Where books and venue agree that its order can close nothing, it
    /// would only use up what the exits of others need.
    fn closes_something(&self, owner: &Owner, terms: &Terms) -> Result<(), Denial> {
        if !self.reconciled || owner.strategy().is_none_or(|strategy| self.latch_of(strategy).is_none()) {
            return Ok(());
        }
        let ours = self.books.position_qty(&terms.instrument, terms.leg);
        let venue = self.venue_positions.get(&(terms.instrument.clone(), terms.leg)).copied().unwrap_or_default();
        let closes = |held: SignedQty| !held.is_zero() && (held.get().is_sign_negative() == (terms.side == Side::Buy));
        if closes(ours) || closes(venue) { Ok(()) } else { Err(Denial::NothingToClose) }
    }

    /// In HEDGING the venue refuses a close beyond the leg instead of clamping it, so it is clamped here. Only a leg that is
    /// known to be empty refuses: in our books and in what the venue said last. One that nothing is known of is the venue's to judge.
    fn held_to_leg(&self, terms: &Terms) -> Result<Option<Qty>, Denial> {
        let (PositionMode::Hedging, Some(qty)) = (self.config.mode, terms.qty) else { return Ok(terms.qty) };
        if terms.kind.is_conditional() {
            // The leg counts when it triggers, and may be another then.
            return Ok(terms.qty);
        }
        let differs = self.differences.iter().any(|d| d.instrument == terms.instrument && d.leg == terms.leg);
        let ours = self.books.position(&terms.instrument, terms.leg).map(|p| p.qty());
        let venue = self.venue_positions.get(&(terms.instrument.clone(), terms.leg)).copied();
        let leg = if differs { venue.or(ours) } else { ours.filter(|q| !q.is_zero()).or(venue).or(ours) };
        match leg.map(SignedQty::magnitude) {
            Some(leg) if leg.is_zero() => Err(Denial::NothingToClose),
            Some(leg) => Ok(Some(qty.min(leg))),
            None => Ok(Some(qty)),
        }
    }

    /// Fixes the next attempt of an order. One that can add risk waits for the disk; an exit leaves at once.
    pub(super) fn attempt(&mut self, intent: IntentId, qty: Option<Qty>, replaces: Option<RequestId>, out: &mut Vec<Effect>) {
        if let Some(until) = self.early_until() {
            return self.wait_a_moment(until, intent, qty, replaces, out);
        }
        let Some((cl_ord_id, number)) = self.next_cl_ord_id(intent) else {
            self.alert(out, AlertLevel::Critical, "no_cl_ord_id", format!("no client order id is left for order {intent}"));
            if replaces.is_none() {
                self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
            }
            return;
        };
        let header = AttemptHeader {
            number,
            timestamp: self.venue_time(),
            recv_window_ms: self.config.order_recv_window_ms,
            epoch: self.books.epoch(),
            qty,
            replaces,
        };
        let Some(seq) = self.learn(intent, Source::Engine, OrderEvent::Attempted { cl_ord_id, header }, out) else { return };
        self.count_asked(intent);
        if self.books.order(intent).is_some_and(|o| o.intent().terms.is_protective()) {
            self.expect_protection(intent, out);
        }
        let risky = self.books.order(intent).is_some_and(|o| o.intent().terms.can_add_risk());
        if risky {
            self.park(seq, intent, ParkedWhat::Submit(cl_ord_id), out);
        } else {
            self.send_submit(intent, cl_ord_id, out);
        }
    }

    /// The id of the next attempt of an order, and its number among them. A further attempt carries the intent's number on, as long
    /// as there is room for it in the id, and only in the start that took the number: a start that left no trace may have made
    /// the further ids of an earlier one's.
    fn next_cl_ord_id(&mut self, intent: IntentId) -> Option<(ClOrdId, u16)> {
        let order = self.books.order(intent)?;
        let number = order.last().map_or(0, |(_, a)| a.header().map_or(0, |h| h.number).saturating_add(1));
        let epoch = self.books.epoch();
        let own = order.last().and_then(|(id, _)| OwnId::decode(&self.config.tag, id));
        let of_this_start = |own: &OwnId| own.intent > self.intents_from && own.intent <= self.intents_made;
        if let Some(own) = own.filter(|own| own.attempt < ATTEMPTS_MAX && of_this_start(own)) {
            let id = OwnId { epoch, attempt: own.attempt + 1, ..own }.encode(&self.config.tag)?;
            if self.books.by_cl_ord_id(&id).is_none() {
                return Some((id, number));
            }
        }
        let strategy = order.intent().owner.strategy().and_then(|s| self.books.strategy(s)).map_or(0, |b| b.number);
        self.intents_made += 1;
        let id = OwnId { account: self.config.account_number, strategy, epoch, intent: self.intents_made, attempt: 0 };
        Some((id.encode(&self.config.tag)?, number))
    }

    pub(super) fn send_submit(&mut self, intent: IntentId, cl_ord_id: ClOrdId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let Some(header) = order.attempts().get(&cl_ord_id).and_then(|a| a.header().copied()) else { return };
        let Some(terms) = order.attempts().get(&cl_ord_id).map(|a| order.terms_of(a)) else { return };
        let AttemptHeader { timestamp, recv_window_ms, epoch, .. } = header;
        let begin_by = self.begin_by(intent, cl_ord_id, timestamp.plus_ms(recv_window_ms));
        let attempt = Attempt { cl_ord_id, terms, timestamp, recv_window_ms, epoch, begin_by };
        let id = self.request_id();
        self.in_flight.insert(id, InFlight::Submit { intent, cl_ord_id });
        out.push(Effect::Send(Request::Submit { id, attempt }));
    }

    pub(super) fn submit_outcome(&mut self, intent: IntentId, cl_ord_id: ClOrdId, result: CommandResult, out: &mut Vec<Effect>) {
        let result = match result {
            Err(CommandError::Unknown { why, .. }) if planted(Plant::TimedOutSubmit) => {
                Err(CommandError::Rejected(Rejection { class: RejectClass::State, code: -1, text: why }))
            }
            result => result,
        };
        match result {
            Ok(report) => self.take_submitted(intent, cl_ord_id, &report, out),
            Err(CommandError::Rejected(rejection)) => {
                match rejection.class {
                    RejectClass::Auth => self.auth_refused(&rejection, out),
                    RejectClass::Clock => self.lose_clock(out),
                    RejectClass::Liquidating => {
                        self.latch(LatchCause::Liquidation, format!("{} ({})", rejection.text, rejection.code), out);
                    }
                    RejectClass::Restricted | RejectClass::AccountRestricted => {
                        if let Some(instrument) = self.books.order(intent).map(|o| o.intent().terms.instrument.clone()) {
                            self.restricted_by(&instrument, &rejection, out);
                        }
                    }
                    RejectClass::NothingToClose => self.make_way(intent, out),
                    // The mode is never pushed: it was changed by hand, and is read again at once.
                    RejectClass::PositionMode => self.recover(out),
                    RejectClass::Funds => {
                        self.alert(
                            out,
                            AlertLevel::Warning,
                            "insufficient_funds",
                            format!("order {intent} skipped: {}", rejection.text),
                        );
                    }
                    _ => (),
                }
                self.learn(intent, Source::Reply, OrderEvent::Rejected { cl_ord_id, rejection }, out);
                self.after_facts(intent, out);
            }
            Err(CommandError::NotSent(why)) => {
                self.learn(intent, Source::Engine, OrderEvent::NotSent { cl_ord_id, why: NotSent::Transport(why) }, out);
                self.after_facts(intent, out);
            }
            Err(CommandError::Unknown { why, live }) => {
                self.alert(out, AlertLevel::Warning, "in_doubt", format!("order {intent} attempt {cl_ord_id}: {why}"));
                self.doubt(intent, cl_ord_id, out);
                if live {
                    self.sent_twice(intent, cl_ord_id, &why, out);
                }
                if planted(Plant::RetryUnknown) {
                    let qty = self.books.order(intent).and_then(Order::qty);
                    self.attempt(intent, qty, None, out);
                }
            }
        }
    }

    /// A success that is about another order, or says nothing that settles the attempt, is no success.
    fn take_submitted(&mut self, intent: IntentId, cl_ord_id: ClOrdId, report: &OrderReport, out: &mut Vec<Effect>) {
        if report.cl_ord_id.is_none_or(|id| id == cl_ord_id) {
            self.learn_report(intent, cl_ord_id, report, Source::Reply, out);
        } else {
            self.keep_raw(format!("the reply to {cl_ord_id} is about another order"), format!("{report:?}"), out);
        }
        let settled = self.books.order(intent).and_then(|o| o.attempts().get(&cl_ord_id)).is_none_or(|a| a.is_settled());
        if !settled {
            self.doubt(intent, cl_ord_id, out);
        }
    }

    /// The venue refuses the key: nothing that could be sent will be taken until a person has looked at it.
    pub(super) fn auth_refused(&mut self, refusal: &Rejection, out: &mut Vec<Effect>) {
        self.latch(LatchCause::Auth, format!("{} ({})", refusal.text, refusal.code), out);
    }

    /// The clock was wrong enough for the venue to refuse: no new risk until it is measured again.
    pub(super) fn lose_clock(&mut self, out: &mut Vec<Effect>) {
        self.clock = None;
        out.push(Effect::ReadClock);
    }

    /// What follows from facts just learned about an order: for itself, for the list it belongs to, for what it protects.
    pub(super) fn after_facts(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        self.settle(intent, out);
        if let Some(place) = self.books.order(intent).and_then(|o| o.intent().list) {
            self.keep_list(place.list, out);
        }
        self.watch_protection(intent, out);
        self.close_share(intent, out);
        self.flatten_facts(intent, out);
        self.dead_man_saw(intent, out);
    }

    /// A cancel that waited for the order, a further attempt, or its end.
    fn settle(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let settled: Vec<ClOrdId> = order.attempts().iter().filter(|(_, a)| a.is_settled()).map(|(id, _)| *id).collect();
        for id in &settled {
            self.end_doubt(intent, id, out);
        }
        let Some(order) = self.books.order(intent) else { return };
        if order.renewal().is_some() {
            self.renew(intent, out);
        }
        self.cancel_new_surplus(intent, out);
        let Some(order) = self.books.order(intent) else { return };
        if order.status().is_ended() {
            return;
        }
        let resting = order.attempts().values().any(|a| a.seen_at_venue() && !a.is_over());
        if order.cancel_wished() && resting && !is_cancelling(order) {
            self.cancel_resting(intent, out);
            return;
        }
        let over = !order.attempts().is_empty() && order.attempts().values().all(|a| a.is_over());
        if !over || order.given_up().is_some() || order.renewal().is_some() {
            return;
        }
        match self.may_try_again(order) {
            Some(delay_ms) => self.start_timer(Timer::Retry(intent), delay_ms, out),
            None => {
                self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::Settled), out);
            }
        }
    }

    /// Whether a proven non-execution may be tried again, and after how many milliseconds.
    fn may_try_again(&self, order: &Order) -> Option<u64> {
        let (_, last) = order.last()?;
        let number = last.header()?.number;
        let intent = order.intent();
        let drains = self.draining && intent.terms.can_add_risk();
        if number >= u16::from(self.config.max_retries) || !intent.handling.retry || order.cancel_wished() || drains {
            return None;
        }
        let clock = |a: &crate::order::attempt::AttemptFacts| a.rejection().is_some_and(|r| r.class == RejectClass::Clock);
        let proven = match (last.rejection(), last.not_sent()) {
            (Some(r), _) => match r.class {
                RejectClass::Clock => order.attempts().values().filter(|a| clock(a)).count() == 1,
                RejectClass::Failed => true,
                // Nothing executed, and an exit is worth asking for again.
                RejectClass::Throttled => order.intent().terms.is_closing(),
                // In HEDGING the venue refuses a close for what resting closes have taken; they make way, see `make_way`.
                RejectClass::NothingToClose => self.config.mode == PositionMode::Hedging && order.intent().terms.is_closing(),
                _ => false,
            },
            (None, Some(NotSent::Transport(_))) => true,
            (None, _) => false,
        };
        // Whether the leg is open is what is read before the next try.
        let young = || self.waits_for_leg(order) || self.young_enough(order);
        if !proven || !young() {
            return None;
        }
        let delay = self.config.retry_delay_initial_ms.saturating_mul(1 << number.min(16));
        Some(delay.min(self.config.retry_delay_max_ms))
    }

    fn young_enough(&self, order: &Order) -> bool {
        let terms = &order.intent().terms;
        if terms.is_closing() {
            return !self.books.position_qty(&terms.instrument, terms.leg).is_zero();
        }
        let rests = matches!(terms.kind, OrderKind::Limit { tif: TimeInForce::Gtc | TimeInForce::Gtx, .. });
        rests && self.now.ms_since(order.intent().asked) <= self.config.retry_age_ms
    }

    pub(super) fn retry(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let over = order.attempts().values().all(|a| a.is_over());
        if order.status().is_ended() || order.given_up().is_some() || !over {
            return;
        }
        // Refused for its time: the one further try is for a clock that was read since, while there is time to wait for it.
        let refused = order.last().and_then(|(_, a)| a.rejection()).is_some_and(|r| r.class == RejectClass::Clock);
        if refused && self.clock.is_none() && self.now.ms_since(order.intent().asked) < self.config.retry_age_ms {
            self.start_timer(Timer::Retry(intent), self.config.retry_delay_initial_ms.max(1), out);
            return;
        }
        if self.waits_for_leg(order) {
            self.read_leg(intent, out);
            return;
        }
        let drains = self.draining && order.intent().terms.can_add_risk();
        let checked = if order.cancel_wished() || !self.young_enough(order) || drains {
            Err(Denial::NotWorking)
        } else {
            self.check_again(order)
        };
        match checked {
            Ok(qty) => {
                // A further try of a change is still that change.
                let replaces = self.books.order(intent).and_then(Order::renewal).map(|(request, _)| request);
                self.attempt(intent, qty, replaces, out);
            }
            Err(_) => {
                self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::Settled), out);
                self.after_facts(intent, out);
            }
        }
    }

    fn check_again(&self, order: &Order) -> Result<Option<Qty>, Denial> {
        let terms = &order.intent().terms;
        if terms.is_closing() {
            // As much as the last try: what is asked for may be more than was to be closed.
            let qty = order.last().and_then(|(_, a)| a.header()).map_or(terms.qty, |h| h.qty);
            return self.held_to_leg(&Terms { qty, ..terms.clone() });
        }
        self.permit_of(&order.intent().owner, &terms.instrument)?;
        if let Some(instrument) = self.instruments.get(&terms.instrument) {
            pretrade::check_grid(instrument, terms, self.quote(&terms.instrument).reference())?;
        }
        // Its own leaves are counted as open already.
        let qty = terms.qty.unwrap_or_default().get();
        let asking = Asking { qty, add: rust_decimal::Decimal::ZERO, is_new: false };
        self.within_limits(&order.intent().owner, terms, asking)?;
        Ok(terms.qty)
    }
}
