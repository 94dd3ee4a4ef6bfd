//! What the engine has asked the venue, and to whom each answer goes. What an answer means stands where it was asked for.

use super::{Engine, recovery};
use crate::{
    conversation::{Answer, Effect, Query, Urgency},
    ids::{ClOrdId, InstrumentId, IntentId, ListId, OrderId, QueryId},
    order::{CancelFacts, Order, event::RequestState},
    plant::{Plant, planted},
    time::{Timestamp, VenueTime},
    venue::{Lookup, RejectClass},
};
use alloc::vec::Vec;

/// Why a question was asked, so that its answer finds its way.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// What became of an attempt in doubt; asked when the venue's clock had surely reached this.
    Doubt { cl_ord_id: ClOrdId, at: Option<VenueTime> },
    /// What became of a change in doubt.
    Change { intent: IntentId, at: Option<VenueTime> },
    /// What became of an order that a cancel did not find.
    Verify { intent: IntentId, attempt: Option<ClOrdId>, seen: bool, at: Option<VenueTime> },
    /// Whose trade this is.
    Unplaced { instrument: InstrumentId, order_id: OrderId, at: Option<VenueTime> },
    /// What the leg of a bracket holds.
    List { list: ListId },
    /// What a leg holds whose stop was lost.
    Protect { remedy: IntentId },
    /// Part of a recovery.
    Recovery,
    /// What would explain a difference.
    Differing { instrument: InstrumentId },
    /// What the leg of an exit holds that was refused for want of it.
    Leg { exit: IntentId },
    /// Whether an order is where it was acknowledged to be.
    Owed,
    /// What the legs hold, to see whether something happened unheard.
    Look { begun: Timestamp },
    /// What the venue restricts.
    Restrictions,
    /// What the legs hold that are being closed.
    Flatten,
}

impl Engine {
    pub(super) fn ask(&mut self, asked: Asked, query: Query, out: &mut Vec<Effect>) -> QueryId {
        self.queries_made += 1;
        let id = QueryId(self.queries_made);
        self.asked.insert(id, asked);
        out.push(Effect::Ask(id, query));
        id
    }

    /// Whether what became of an attempt is being asked for, and whether the venue had shown it before that was asked.
    pub(super) fn verifies(&self, intent: IntentId, attempt: &ClOrdId) -> Option<bool> {
        let of = |asked: &Asked| match asked {
            Asked::Verify { intent: i, attempt: Some(a), seen, .. } if *i == intent && a == attempt => Some(*seen),
            _ => None,
        };
        self.asked.values().find_map(of)
    }

    /// Whether a cancel has missed an attempt that the venue had shown, and what became of it is not known yet: no other leaves until
    /// the answer is there, or some time has passed. First sight of one is no such case.
    pub(super) fn was_missed(&self, intent: IntentId, attempt: &ClOrdId) -> bool {
        let refused = |c: &CancelFacts| c.only.is_none_or(|only| only == *attempt) && matches!(c.state, RequestState::Refused(_));
        let missed = |order: &Order| order.cancels().values().any(refused);
        self.verifies(intent, attempt) == Some(true) && self.books.order(intent).is_some_and(missed)
    }

    /// Whether a question that was just asked can wait.
    pub fn urgency(&self, query: QueryId) -> Urgency {
        match self.asked.get(&query) {
            Some(Asked::Look { .. } | Asked::Restrictions | Asked::Differing { .. }) => Urgency::AtLeisure,
            Some(Asked::Recovery) if self.recovery.as_ref().is_some_and(recovery::Recovery::is_sweep) => Urgency::AtLeisure,
            Some(Asked::Flatten | Asked::Leg { .. } | Asked::Protect { .. } | Asked::List { .. }) => Urgency::Exit,
            _ => Urgency::Now,
        }
    }

    pub(super) fn answer(&mut self, query: QueryId, answer: Answer, out: &mut Vec<Effect>) {
        let Some(asked) = self.asked.remove(&query) else { return };
        if let Some(refusal) = answer.refusal().filter(|r| r.class == RejectClass::Auth).cloned() {
            self.auth_refused(&refusal, out);
        }
        let answer = match answer {
            Answer::Positions(Err(_)) if planted(Plant::FailedPositions) => Answer::Positions(Ok(Vec::new())),
            Answer::Order(Err(_)) if planted(Plant::ErrorsAreAbsence) => Answer::Order(Ok(Lookup::Absent)),
            answer => answer,
        };
        match (asked, answer) {
            (Asked::Doubt { cl_ord_id, at }, Answer::Order(result)) => self.doubt_answer(cl_ord_id, at, result, out),
            (Asked::Change { intent, at }, Answer::Order(result)) => self.change_answer(intent, at, result, out),
            (Asked::Verify { intent, attempt, at, .. }, Answer::Order(result)) => {
                self.verify_answer(intent, attempt, at, result, out)
            }
            (Asked::Unplaced { instrument, order_id, at }, Answer::Order(result)) => {
                self.unplaced_answer(&instrument, order_id, at, result, out);
            }
            (Asked::Owed, Answer::Order(result)) => self.owed_answer(result, out),
            (Asked::Look { begun }, Answer::Positions(result)) => self.looked(begun, result, out),
            (Asked::Recovery, answer) => self.recovery_answer(query, answer, out),
            (Asked::Differing { instrument }, answer) => self.differing_answer(&instrument, query, answer, out),
            (Asked::List { list }, Answer::Positions(result)) => self.list_answer(list, query, result, out),
            (Asked::Leg { exit }, Answer::Positions(result)) => self.leg_answer(exit, result, out),
            (Asked::Protect { remedy }, Answer::Positions(result)) => self.protect_answer(remedy, result, out),
            (Asked::Flatten, Answer::Positions(result)) => self.flatten_answer(result, out),
            (Asked::Restrictions, Answer::Restrictions(result)) => self.restrictions_answer(result, out),
            (_, Answer::Mass(_) | Answer::Trades(_) | Answer::Positions(_) | Answer::Order(_) | Answer::Restrictions(_)) => (),
        }
    }
}
