//! Lists of orders in the engine: taken in as a whole, and kept as the facts about their orders demand.

use super::{Asked, Engine, change::Ends};
use crate::{
    command::{ChangeOrder, NewOrder},
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::{IntentId, ListId, QueryId},
    order::{
        event::{GivenUp, OrderEvent, RequestState},
        intent::{ListRole, Owner},
        list::{ListStep, OrderList, is_held_back, mistake},
    },
    pretrade::{self, Denial},
    report::{PositionReport, Source},
    terms::Terms,
    units::{Qty, Side, SignedQty},
    venue::QueryError,
};
use alloc::{format, string::String, vec::Vec};
use rust_decimal::Decimal;

/// How long after a change of a list's order that was refused it is looked at again.
pub(super) const AGAIN_MS: u64 = 1_000;

/// What the venue was asked, and said, about the leg of a bracket.
#[derive(Clone, Copy, Debug)]
pub(super) struct LegAnswer {
    /// The newest question: an older one may be answered later, and says what was before.
    question: QueryId,
    /// What our books had when it was asked. Where they have something else now, it must be asked again.
    ours: SignedQty,
    /// What the leg holds in the direction of the bracket's entry; `None` while it is asked.
    held: Option<Qty>,
}

impl Engine {
    /// Takes in a list: all of its orders, or none.
    pub(super) fn submit_list(&mut self, owner: &Owner, orders: Vec<NewOrder>, out: &mut Vec<Effect>) {
        let Some(list) = orders.first().and_then(|o| o.list).map(|p| p.list) else {
            self.alert(out, AlertLevel::Warning, "list_refused", String::from("its orders name no list"));
            return;
        };
        let mut wrong = mistake(&orders).map(|why| Denial::List(why.into()));
        let (known, orders): (Vec<NewOrder>, Vec<NewOrder>) =
            orders.into_iter().partition(|o| self.books.order(o.intent).is_some() || self.books.was_let_go(o.intent));
        if orders.is_empty() {
            // The same list again is what a restart brings; it was answered then.
            return;
        }
        if !known.is_empty() {
            self.alert(out, AlertLevel::Warning, "intent_reused", format!("list {list} names orders that are known already"));
            wrong = Some(Denial::IntentReused);
        }
        let wrong = wrong.or_else(|| self.check_held_back(owner, &orders).err());
        // All or none: what one of them would be denied for denies the others.
        let mut at_once = orders.iter().filter(|o| !is_later(o));
        let wrong = wrong.or_else(|| at_once.find_map(|o| self.check(owner, &o.terms).err()));
        let (now, later): (Vec<NewOrder>, Vec<NewOrder>) = orders.into_iter().partition(|o| !is_later(o));
        let entry_qty = now.iter().find(|o| o.list.is_some_and(|p| p.role == ListRole::Entry)).and_then(|o| o.terms.qty);
        // What is held back stands in the journal before anything that could execute.
        for mut new in later {
            if new.terms.qty.is_some() {
                new.terms.qty = entry_qty;
            }
            let id = new.intent;
            self.take_in(owner.clone(), new, out);
            if let Some(denial) = &wrong {
                self.learn(id, Source::Engine, OrderEvent::Denied(denial.clone()), out);
            }
        }
        for new in now {
            match &wrong {
                Some(denial) => {
                    let id = new.intent;
                    self.take_in(owner.clone(), new, out);
                    self.learn(id, Source::Engine, OrderEvent::Denied(denial.clone()), out);
                }
                None => self.submit(owner.clone(), new, out),
            }
        }
        self.keep_list(list, out);
    }

    /// Orders that are held back must be such that they can be placed when their time comes.
    fn check_held_back(&self, owner: &Owner, orders: &[NewOrder]) -> Result<(), Denial> {
        let entry_qty = orders.iter().find(|o| !is_later(o)).and_then(|o| o.terms.qty);
        for order in orders.iter().filter(|o| is_later(o)) {
            let qty = order.terms.qty.and(entry_qty);
            let terms = Terms { qty, ..order.terms.clone() };
            self.check_owner(owner, &terms.instrument)?;
            pretrade::check_form(&terms, self.config.mode, &self.profile)?;
            self.held_to_share(owner, &terms, None).or_else(|denial| match denial {
                // Its share is what the entry will open.
                Denial::NothingToClose => Ok(None),
                other => Err(other),
            })?;
            if let Some(instrument) = self.instruments.get(&terms.instrument) {
                pretrade::check_grid(instrument, &terms, self.quote(&terms.instrument).reference())?;
                self.check_rules(instrument, &terms, None)?;
            }
        }
        Ok(())
    }

    /// Does what the facts about a list's orders demand. Called after every fact about one of them.
    pub(super) fn keep_list(&mut self, id: ListId, out: &mut Vec<Effect>) {
        self.keep(id, false, out);
    }

    /// The same, and a change that was refused is asked for again: the market, or the order, may be another now.
    pub(super) fn keep_list_again(&mut self, id: ListId, out: &mut Vec<Effect>) {
        self.keep(id, true, out);
    }

    fn keep(&mut self, id: ListId, again: bool, out: &mut Vec<Effect>) {
        let held = self.less_held(id, out);
        let Some(list) = OrderList::find(&self.books, id) else { return };
        let entered = list.order(ListRole::Entry).is_some_and(|o| !o.cum_qty().is_zero());
        let stop = list.order(ListRole::StopLoss).map(|o| o.intent().id);
        let steps = list.steps(held);
        if let (true, Some(stop)) = (entered, stop) {
            self.expect_protection(stop, out);
        }
        if let Some(stop) = stop {
            self.note_unstopped(id, stop);
            self.expect_closed(stop, out);
        }
        for step in steps {
            match step {
                ListStep::Arm(intent, qty) => self.attempt(intent, qty, None, out),
                ListStep::Resize(intent, _) if !again && self.was_refused(intent) => {
                    self.start_timer(Timer::List(id), AGAIN_MS, out);
                }
                ListStep::Resize(intent, qty) => self.resize(id, intent, qty, out),
                ListStep::Cancel(intent) => self.cancel(intent, out),
                ListStep::Drop(intent) => {
                    self.learn(intent, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
                }
            }
        }
    }

    /// A leg that was traded, by whomever, may leave less to protect.
    pub(super) fn keep_moved_lists(&mut self, out: &mut Vec<Effect>) {
        for (instrument, leg) in core::mem::take(&mut self.moved) {
            self.keep_lists(|terms| terms.instrument == instrument && terms.leg == leg, out);
            let of_leg = |id: &&ListId| {
                let entry = OrderList::find(&self.books, **id).and_then(|l| l.order(ListRole::Entry));
                entry.is_some_and(|o| o.intent().terms.instrument == instrument && o.leg() == leg)
            };
            let unstopped: Vec<ListId> = self.unstopped.iter().filter(of_leg).copied().collect();
            for list in unstopped {
                self.keep_list(list, out);
            }
            self.look_at_leg(&instrument, leg, out);
        }
    }

    /// Nothing of a bracket is left, and whatever its leg holds later is another position. The end of its stop is wished, in the
    /// journal, so that no later start takes it for a loss.
    fn settle_list(&mut self, id: ListId, out: &mut Vec<Effect>) {
        self.unstopped.remove(&id);
        let stop = OrderList::find(&self.books, id).and_then(|l| l.order(ListRole::StopLoss));
        let Some(stop) = stop.filter(|o| o.status().is_ended() && !o.cancel_wished()).map(|o| o.intent().id) else { return };
        let request = self.request_id();
        self.learn(stop, Source::Engine, OrderEvent::CancelRequested { request, only: None }, out);
        let over = OrderEvent::CancelAnswered { request, state: RequestState::NotSent };
        self.learn(stop, Source::Engine, over, out);
    }

    /// Brackets that an earlier start left open without their stop; they are judged when everything is known.
    pub(super) fn find_unstopped(&mut self) {
        let stop_of = |id: &ListId| OrderList::find(&self.books, *id).and_then(|l| l.order(ListRole::StopLoss));
        let stops: Vec<(ListId, IntentId)> =
            self.books.lists().filter_map(|id| stop_of(&id).map(|stop| (id, stop.intent().id))).collect();
        for (id, stop) in stops {
            self.note_unstopped(id, stop);
        }
    }

    /// Everything is known now: losses that were judged while it was not are judged again.
    pub(super) fn look_again(&mut self, out: &mut Vec<Effect>) {
        for list in self.unstopped.clone() {
            self.keep_list(list, out);
        }
        self.look_at_all(out);
    }

    /// Remembers a bracket that is open and whose stop has ended otherwise than by a wish.
    fn note_unstopped(&mut self, id: ListId, stop: IntentId) {
        let ended = self.books.order(stop).is_some_and(|o| o.status().is_ended() && !o.cancel_wished());
        let open = OrderList::find(&self.books, id).is_some_and(|l| !l.open_qty().is_zero());
        if ended && open {
            self.unstopped.insert(id);
        } else {
            self.unstopped.remove(&id);
        }
    }

    /// Every list with an open order whose terms fit.
    pub(super) fn keep_lists(&mut self, fits: impl Fn(&Terms) -> bool, out: &mut Vec<Effect>) {
        let open = self.books.open_orders().map(|o| o.intent()).filter(|i| fits(&i.terms));
        let mut lists: Vec<ListId> = open.filter_map(|i| i.list.map(|p| p.list)).collect();
        lists.sort_unstable();
        lists.dedup();
        for list in lists {
            self.keep_list(list, out);
        }
    }

    /// What the leg of a bracket holds in the direction of its entry, where that is less than the bracket knows to be open: then
    /// somebody else has closed some of it. Our own books may only lag behind, so the venue says it; until it has, nothing is
    /// known, and the bracket stands for what it has opened.
    fn less_held(&mut self, id: ListId, out: &mut Vec<Effect>) -> Option<Qty> {
        let list = OrderList::find(&self.books, id)?;
        let (open, terms) = (list.open_qty(), &list.order(ListRole::Entry)?.intent().terms);
        let ours = self.books.position_qty(&terms.instrument, terms.leg);
        if along(ours, terms.side) >= open {
            self.leg_answers.remove(&id);
            return None;
        }
        if let Some(answer) = self.leg_answers.get(&id).filter(|a| a.ours == ours) {
            return answer.held;
        }
        let instrument = terms.instrument.clone();
        let question = self.ask(Asked::List { list: id }, Query::Positions(Vec::from([instrument])), out);
        self.leg_answers.insert(id, LegAnswer { question, ours, held: None });
        None
    }

    /// The venue has said what the leg of a bracket holds.
    pub(super) fn list_answer(
        &mut self,
        id: ListId,
        question: QueryId,
        result: Result<Vec<PositionReport>, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        let entry = OrderList::find(&self.books, id).and_then(|l| l.order(ListRole::Entry).map(|o| o.intent().terms.clone()));
        let answer = self.leg_answers.get_mut(&id).filter(|a| a.question == question);
        let (Some(terms), Some(answer)) = (entry, answer) else { return };
        match result {
            Ok(legs) => {
                let leg = legs.iter().find(|l| l.instrument == terms.instrument && l.leg == terms.leg);
                let held = along(leg.map(|l| l.qty).unwrap_or_default(), terms.side);
                answer.held = Some(held);
                if held.is_zero() && along(self.books.position_qty(&terms.instrument, terms.leg), terms.side).is_zero() {
                    self.settle_list(id, out);
                }
                self.keep(id, false, out);
            }
            Err(_) => {
                self.leg_answers.remove(&id);
                self.start_timer(Timer::List(id), AGAIN_MS, out);
            }
        }
    }

    /// Whether the last change of an order was refused, or never left.
    fn was_refused(&self, intent: IntentId) -> bool {
        let last = self.books.order(intent).and_then(|o| o.replaces().values().next_back());
        last.is_some_and(|r| matches!(r.state, RequestState::Refused(_) | RequestState::NotSent))
    }

    fn resize(&mut self, list: ListId, intent: IntentId, qty: Qty, out: &mut Vec<Effect>) {
        let Some(owner) = self.books.order(intent).map(|o| o.intent().owner.clone()) else { return };
        if self.due.contains_key(&Timer::List(list)) {
            return;
        }
        let change = ChangeOrder { intent, qty: Some(qty), price: None, trigger: None };
        match self.try_change(&owner, change, Ends::Never, out) {
            Ok(()) => (),
            Err(denial) => {
                // In NETTING the venue clamps what closes too much; elsewhere it is looked at again.
                self.alert(out, AlertLevel::Info, "list_not_resized", format!("order {intent} to {qty}: {denial}"));
                self.start_timer(Timer::List(list), AGAIN_MS, out);
            }
        }
    }

    /// Orders of a list that a new start finds held back are placed when their time comes, as before.
    pub(super) fn keeps_held_back(&self, intent: IntentId) -> bool {
        let Some(order) = self.books.order(intent) else { return false };
        let later =
            order.intent().list.is_some_and(|p| matches!(p.role, ListRole::StopLoss | ListRole::TakeProfit | ListRole::Exit));
        later && is_held_back(order)
    }
}

/// What a leg holds in the direction in which this side opens.
fn along(qty: SignedQty, side: Side) -> Qty {
    Qty::new((qty.get() * side.sign()).max(Decimal::ZERO)).unwrap_or_default()
}

fn is_later(order: &NewOrder) -> bool {
    order.list.is_some_and(|p| matches!(p.role, ListRole::StopLoss | ListRole::TakeProfit))
}
