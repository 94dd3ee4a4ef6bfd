//! What is known about one attempt to place an order, merged so that the order of arrival does not matter.

use super::{
    Contradiction,
    event::{AttemptHeader, LiveTerms, NotSent, TermsVersion},
    proof::{DeathProof, VanishedProof},
};
use crate::{
    ids::{AlgoId, OrderId, TradeId},
    plant::{Plant, planted},
    report::{ExpiryReason, Fill},
    time::{Timestamp, VenueTime},
    units::{Price, Qty},
    venue::Rejection,
};
use alloc::collections::BTreeMap;
use serde::{Deserialize, Serialize};

/// How a venue ended an attempt. When two sources disagree, the one further down stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum VenueEnding {
    /// The venue has purged it.
    Vanished,
    /// Ended by its own terms or by the venue.
    Expired(ExpiryReason),
    /// Taken off the book by somebody.
    Canceled,
}

/// Everything known about one attempt.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct AttemptFacts {
    pub(super) header: Option<AttemptHeader>,
    pub(super) doubted: Option<Timestamp>,
    pub(super) accepted: bool,
    pub(super) rejected: Option<Rejection>,
    pub(super) not_sent: Option<NotSent>,
    pub(super) dead: Option<DeathProof>,
    pub(super) vanished: Option<VanishedProof>,
    pub(super) order_id: Option<OrderId>,
    pub(super) algo_id: Option<AlgoId>,
    pub(super) activated: bool,
    pub(super) triggered: bool,
    pub(super) fills: BTreeMap<TradeId, Fill>,
    /// The sum of the fills.
    pub(super) attributed: Qty,
    /// Known executed quantity: at least the sum of the fills.
    pub(super) cum_qty: Qty,
    /// Average price of `cum_qty`, kept only while fills do not explain it.
    pub(super) floor_px: Option<Price>,
    /// Executed before our books began.
    pub(super) history: Qty,
    pub(super) terms: Option<(TermsVersion, LiveTerms)>,
    pub(super) ending: Option<VenueEnding>,
}

impl AttemptFacts {
    /// What was fixed before it was sent; absent for orders found at the venue.
    pub const fn header(&self) -> Option<&AttemptHeader> {
        self.header.as_ref()
    }
    /// FIX OrderID (37).
    pub const fn order_id(&self) -> Option<OrderId> {
        self.order_id
    }
    /// Its id among the conditional orders.
    pub const fn algo_id(&self) -> Option<AlgoId> {
        self.algo_id
    }
    /// Whether a trailing stop follows the price.
    pub const fn is_activated(&self) -> bool {
        self.activated
    }
    /// Its trades by id.
    pub const fn fills(&self) -> &BTreeMap<TradeId, Fill> {
        &self.fills
    }
    /// The venue's refusal.
    pub const fn rejection(&self) -> Option<&Rejection> {
        self.rejected.as_ref()
    }
    /// Why it never left.
    pub const fn not_sent(&self) -> Option<&NotSent> {
        self.not_sent.as_ref()
    }
    /// How the venue ended it.
    pub const fn ending(&self) -> Option<VenueEnding> {
        self.ending
    }
    /// Why it is presumed dead.
    pub const fn death_proof(&self) -> Option<&DeathProof> {
        self.dead.as_ref()
    }
    /// FIX CumQty (14).
    pub const fn cum_qty(&self) -> Qty {
        self.cum_qty
    }
    /// The part of CumQty that trades explain.
    pub const fn attributed_qty(&self) -> Qty {
        self.attributed
    }
    /// Average price of the whole CumQty as the venue said it, while trades do not explain it.
    pub const fn floor_px(&self) -> Option<Price> {
        self.floor_px
    }
    /// Quantity and prices as the venue holds them.
    pub fn live_terms(&self) -> Option<LiveTerms> {
        self.terms.map(|(_, terms)| terms)
    }
    /// Whether the venue has ever shown it. Overrides any presumption of ours.
    pub fn seen_at_venue(&self) -> bool {
        self.accepted || self.order_id.is_some() || self.algo_id.is_some() || !self.cum_qty.is_zero() || self.ending.is_some()
    }
    /// Whether anything tells what became of it.
    pub fn is_settled(&self) -> bool {
        self.seen_at_venue() || self.rejected.is_some() || self.not_sent.is_some() || self.dead.is_some()
    }
    /// Since when its outcome is not known, while it is not.
    pub fn in_doubt(&self) -> Option<Timestamp> {
        if self.is_settled() { None } else { self.doubted }
    }
    /// Whether nothing more can come of it, as far as we know.
    pub fn is_over(&self) -> bool {
        self.ending.is_some()
            || (!self.seen_at_venue() && (self.rejected.is_some() || self.not_sent.is_some() || self.dead.is_some()))
            // A refusal after acceptance, as conditional orders may get at their trigger. One of the request itself is
            // overridden by the venue's showing the order.
            || self.rejected.as_ref().is_some_and(Rejection::is_reported)
    }
    /// Whether the venue shows an attempt of which it, or our transport, or the fence said that it cannot be there.
    pub(super) fn is_contested(&self) -> bool {
        let refused = self.rejected.as_ref().is_some_and(|r| !r.is_reported());
        self.seen_at_venue() && (refused || self.not_sent.is_some() || self.dead.is_some())
    }
    /// Executed quantity that our position must count: all but what is older than our books.
    pub fn counted_qty(&self, baseline: Option<&TradeId>) -> Qty {
        self.cum_qty.saturating_sub(self.old_qty(baseline))
    }
    /// The part of it that trades explain.
    pub fn traded_qty(&self, baseline: Option<&TradeId>) -> Qty {
        self.attributed_qty().saturating_sub(self.old_qty(baseline))
    }
    fn old_qty(&self, baseline: Option<&TradeId>) -> Qty {
        let old = match baseline {
            None => Qty::ZERO,
            Some(_) if planted(Plant::BaselinePlusHistory) => Qty::ZERO,
            Some(cut) => self.fills.range(..=*cut).fold(Qty::ZERO, |sum, (_, f)| sum.plus(f.qty)),
        };
        old.max(self.history)
    }

    /// Whether so much executed is more than it was fixed with.
    pub(super) fn is_beyond(&self, executed: Qty) -> bool {
        self.header.and_then(|h| h.qty).is_some_and(|qty| executed > qty)
    }

    pub(super) fn merge_ids(&mut self, order_id: Option<OrderId>, algo_id: Option<AlgoId>) -> bool {
        let before = (self.accepted, self.order_id, self.algo_id);
        self.accepted = true;
        self.order_id = self.order_id.or(order_id);
        self.algo_id = self.algo_id.or(algo_id);
        before != (self.accepted, self.order_id, self.algo_id)
    }

    pub(super) fn check_ids(&self, order_id: Option<OrderId>, algo_id: Option<AlgoId>) -> Result<(), Contradiction> {
        if let (Some(known), Some(reported)) = (self.order_id, order_id)
            && known != reported
        {
            return Err(Contradiction::OrderId { known, reported });
        }
        if let (Some(known), Some(reported)) = (self.algo_id, algo_id)
            && known != reported
        {
            return Err(Contradiction::AlgoId { known, reported });
        }
        Ok(())
    }

    /// Whether `fill` can stand beside what is known.
    pub(super) fn check_fill(&self, fill: &Fill) -> Result<(), Contradiction> {
        if fill.qty.is_zero() {
            return Err(Contradiction::EmptyFill(fill.trade_id));
        }
        let Some(known) = self.fills.get(&fill.trade_id) else { return Ok(()) };
        let differs = (known.price, known.qty, known.side, known.maker) != (fill.price, fill.qty, fill.side, fill.maker)
            || both_differ(&known.leg, &fill.leg);
        // Fee and profit are told by some sources and rounded by others: the first that has them stands.
        if differs { Err(Contradiction::Fill(fill.trade_id)) } else { Ok(()) }
    }

    /// Adds a fill, or fills in what an earlier report of it left open. Says whether anything was learned.
    pub(super) fn merge_fill(&mut self, fill: &Fill) -> bool {
        let learned = match self.fills.get_mut(&fill.trade_id) {
            None => {
                self.fills.insert(fill.trade_id, fill.clone());
                self.attributed = self.attributed.plus(fill.qty);
                true
            }
            Some(known) => {
                let before = known.clone();
                known.leg = known.leg.or(fill.leg);
                if known.fee.is_none() {
                    known.fee.clone_from(&fill.fee);
                }
                known.realized = known.realized.or(fill.realized);
                known.at = known.at.min(fill.at);
                *known != before
            }
        };
        if learned {
            let attributed = self.attributed_qty();
            if attributed >= self.cum_qty {
                (self.cum_qty, self.floor_px) = (attributed, None);
            }
        }
        learned
    }

    /// Raises the executed quantity. Says whether anything was learned.
    pub(super) fn merge_cum_qty(&mut self, qty: Qty, avg_px: Option<Price>) -> bool {
        if qty > self.cum_qty {
            (self.cum_qty, self.floor_px) = (qty, avg_px);
            return true;
        }
        // The same quantity, now with a price, and no trades that explain it.
        if qty == self.cum_qty && !qty.is_zero() && qty > self.attributed_qty() {
            let best = self.floor_px.max(avg_px);
            let learned = best != self.floor_px;
            self.floor_px = best;
            return learned;
        }
        false
    }

    pub(super) fn merge_terms(&mut self, version: TermsVersion, terms: LiveTerms) -> bool {
        let newer = Some((version, terms)) > self.terms;
        if newer {
            self.terms = Some((version, terms));
        }
        newer
    }

    /// When the venue may have taken it in at the earliest.
    pub fn since(&self) -> Option<VenueTime> {
        self.header.map(|h| h.timestamp)
    }
}

fn both_differ<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}
