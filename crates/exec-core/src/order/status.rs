//! OrdStatus, derived from the facts about an order. The only place where precedence is written.

use super::{Order, attempt::VenueEnding};
use serde::{Deserialize, Serialize};

/// FIX OrdStatus (39), with the endings told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum OrdStatus {
    /// Asked for; nothing was sent.
    Initialized,
    /// An attempt is on its way.
    PendingNew,
    /// At the venue.
    New,
    /// A conditional order whose condition is met.
    Triggered,
    /// Executed in part.
    PartiallyFilled,
    /// A change is on its way.
    PendingReplace,
    /// A cancel is on its way.
    PendingCancel,
    /// Executed in full.
    Filled,
    /// Ended: risk said no.
    Denied,
    /// Ended: the venue said no.
    Rejected,
    /// Ended: it never left.
    NotSent,
    /// Ended: presumed dead, with proof. A venue fact overrides it.
    Presumed,
    /// Ended: the venue has purged it.
    Vanished,
    /// Ended: by its own terms, or by the venue.
    Expired,
    /// Ended: taken off the book.
    Canceled,
}

impl OrdStatus {
    /// Every status, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::Initialized,
        Self::PendingNew,
        Self::New,
        Self::Triggered,
        Self::PartiallyFilled,
        Self::PendingReplace,
        Self::PendingCancel,
        Self::Filled,
        Self::Denied,
        Self::Rejected,
        Self::NotSent,
        Self::Presumed,
        Self::Vanished,
        Self::Expired,
        Self::Canceled,
    ];

    /// Whether nothing more is expected. A late fill still counts.
    pub const fn is_ended(self) -> bool {
        !matches!(
            self,
            Self::Initialized
                | Self::PendingNew
                | Self::New
                | Self::Triggered
                | Self::PartiallyFilled
                | Self::PendingReplace
                | Self::PendingCancel
        )
    }
}

/// Reads the facts by precedence: filled, ended, cancel pending, replace pending, partly filled, triggered, at the venue, sent, asked for.
pub(super) fn derive(order: &Order) -> OrdStatus {
    let cum = order.cum_qty();
    let ended = ending(order);
    // A change on its way may have left more to execute; until that, or the order, has ended nothing says that this was all.
    let all = if ended.is_some() { order.qty() } else { order.most_qty() };
    if !cum.is_zero() && all.is_some_and(|all| cum >= all) {
        return OrdStatus::Filled;
    }
    if let Some(ended) = ended {
        return ended;
    }
    if order.cancels.values().any(|c| c.only.is_none() && c.state.is_pending()) {
        return OrdStatus::PendingCancel;
    }
    if order.replaces.values().any(|r| r.state.is_pending()) {
        return OrdStatus::PendingReplace;
    }
    if !cum.is_zero() {
        return OrdStatus::PartiallyFilled;
    }
    if order.attempts.values().any(|a| order.has_triggered(a)) {
        return OrdStatus::Triggered;
    }
    if order.attempts.values().any(|a| a.seen_at_venue()) {
        return OrdStatus::New;
    }
    if order.attempts.is_empty() { OrdStatus::Initialized } else { OrdStatus::PendingNew }
}

/// The end of an order is the end of the attempt that speaks for it, once all of them are over and, where the venue left it open, once
/// it is recorded that none follows.
fn ending(order: &Order) -> Option<OrdStatus> {
    if order.denied.is_some() {
        return Some(OrdStatus::Denied);
    }
    // Between the end of an old attempt and the beginning of the new one that a change asked for, the order lives.
    // What one beside the attempt that speaks was asked to do, it has done: no ending of it is ever told.
    let speaks = order.governing().map(|(id, _)| id);
    let alive = |id, a: &super::attempt::AttemptFacts| !a.is_over() && (Some(id) == speaks || !order.is_executed(a));
    if order.attempts.iter().any(|(id, a)| alive(id, a)) || order.renewal().is_some() {
        return None;
    }
    let Some((_, last)) = order.governing() else {
        return order.given_up.map(|_| OrdStatus::NotSent);
    };
    match last.ending {
        Some(VenueEnding::Canceled) => return Some(OrdStatus::Canceled),
        Some(VenueEnding::Expired(_)) => return Some(OrdStatus::Expired),
        Some(VenueEnding::Vanished) => return Some(OrdStatus::Vanished),
        None => (),
    }
    order.given_up?;
    Some(if last.rejected.is_some() {
        OrdStatus::Rejected
    } else if last.not_sent.is_some() {
        OrdStatus::NotSent
    } else {
        OrdStatus::Presumed
    })
}
