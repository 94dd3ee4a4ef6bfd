//! Where the doubt about an order begins and where it ends: read off what one fact changed. Not what is done about it, which is
//! the engine's.

use super::{
    Order,
    event::{OrderEvent, RequestState},
};
use crate::{
    ids::{ClOrdId, RequestId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What about an order is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtOf {
    /// Whether this attempt has reached the venue.
    Attempt(ClOrdId),
    /// Whether this change of it has taken effect.
    Change(RequestId),
}

/// How a doubt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtEnd {
    /// The venue has it: the attempt stands or has stood there, the change has taken effect.
    Arrived,
    /// The venue said no.
    Refused,
    /// It never left.
    NotSent,
    /// It is proven that it did not arrive and never will.
    ProvenDead,
    /// The order has ended, and whether the change had taken effect makes no difference any more.
    OrderEnded,
}

impl DoubtEnd {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Arrived => "it had arrived",
            Self::Refused => "the venue had refused it",
            Self::NotSent => "it had never left",
            Self::ProvenDead => "proven that it never arrived and never can",
            Self::OrderEnded => "the order has ended without it",
        }
    }
}

/// Which way it went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DoubtStep {
    /// From here on nobody knows.
    Began,
    /// From here on it is known.
    Ended(DoubtEnd),
}

/// What one fact changed about what is not known of an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DoubtChange {
    /// What was or became unknown.
    pub of: DoubtOf,
    /// Since when an attempt is or was in doubt; a change does not keep it.
    pub since: Option<Timestamp>,
    /// Which way it went.
    pub step: DoubtStep,
}

/// What was in doubt before a fact was learned, as far as that fact can change it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Before {
    Attempt(ClOrdId, Option<Timestamp>),
    Change(RequestId, bool),
    Nothing,
}

pub(super) fn before(order: &Order, event: &OrderEvent) -> Before {
    if let Some(id) = event.cl_ord_id() {
        return Before::Attempt(*id, order.attempts.get(id).and_then(|a| a.in_doubt()));
    }
    match event {
        OrderEvent::ReplaceAnswered { request, .. } => {
            Before::Change(*request, order.replaces.get(request).is_some_and(|r| r.state == RequestState::Unknown))
        }
        _ => Before::Nothing,
    }
}

/// Compares with what is in doubt now. `ended`: the fact has ended the order.
pub(super) fn after(order: &Order, before: Before, ended: bool) -> Option<DoubtChange> {
    let change = match before {
        Before::Attempt(id, was) => of_attempt(order, id, was),
        Before::Change(request, was) => of_change(order, request, was, ended),
        Before::Nothing => None,
    };
    change.or_else(|| if ended { moot(order) } else { None })
}

fn of_attempt(order: &Order, id: ClOrdId, was: Option<Timestamp>) -> Option<DoubtChange> {
    let attempt = order.attempts.get(&id)?;
    let of = DoubtOf::Attempt(id);
    match (was, attempt.in_doubt()) {
        (None, Some(since)) => Some(DoubtChange { of, since: Some(since), step: DoubtStep::Began }),
        (Some(since), None) => {
            let how = if attempt.seen_at_venue() {
                DoubtEnd::Arrived
            } else if attempt.rejection().is_some() {
                DoubtEnd::Refused
            } else if attempt.not_sent().is_some() {
                DoubtEnd::NotSent
            } else {
                DoubtEnd::ProvenDead
            };
            Some(DoubtChange { of, since: Some(since), step: DoubtStep::Ended(how) })
        }
        (None, None) | (Some(_), Some(_)) => None,
    }
}

fn of_change(order: &Order, request: RequestId, was: bool, ended: bool) -> Option<DoubtChange> {
    // Of an order that is over nobody waits for a change any more; the end of its doubt was told with the order's own.
    if order.status().is_ended() && !ended {
        return None;
    }
    let step = match (was, &order.replaces.get(&request)?.state) {
        (false, RequestState::Unknown) => DoubtStep::Began,
        (true, RequestState::Accepted) => DoubtStep::Ended(DoubtEnd::Arrived),
        // No answer of the venue has the code 0: it was found with other terms past the fence.
        (true, RequestState::Refused(0)) => DoubtStep::Ended(DoubtEnd::ProvenDead),
        (true, RequestState::Refused(_)) => DoubtStep::Ended(DoubtEnd::Refused),
        (true, RequestState::NotSent) => DoubtStep::Ended(DoubtEnd::NotSent),
        (false, _) | (true, RequestState::Unknown | RequestState::Open) => return None,
    };
    Some(DoubtChange { of: DoubtOf::Change(request), since: None, step })
}

/// A change in doubt of an order that has just ended.
fn moot(order: &Order) -> Option<DoubtChange> {
    let (request, _) = order.replaces.iter().find(|(_, r)| r.state == RequestState::Unknown)?;
    Some(DoubtChange { of: DoubtOf::Change(*request), since: None, step: DoubtStep::Ended(DoubtEnd::OrderEnded) })
}
