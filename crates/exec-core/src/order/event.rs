//! Facts about one order. Each set of facts only grows; what they add up to is `status`.

use super::proof::{DeathProof, VanishedProof};
use crate::{
    ids::{AlgoId, ClOrdId, Epoch, OrderId, RequestId},
    pretrade::Denial,
    report::{ExpiryReason, Fill},
    time::{Timestamp, VenueTime},
    units::{Price, Qty},
    venue::Rejection,
};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What was fixed about an attempt before it was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct AttemptHeader {
    /// Counts the attempts of one intent from 0.
    pub number: u16,
    /// Signed with this.
    pub timestamp: VenueTime,
    /// Signed with this.
    pub recv_window_ms: u64,
    /// The engine's start that made it.
    pub epoch: Epoch,
    /// The quantity that is sent: that of the terms, or less for a closing order that is held to its leg.
    pub qty: Option<Qty>,
    /// The replace request that it carries out, where a change is a new order; its terms are the request's.
    pub replaces: Option<RequestId>,
}

/// Why an attempt never left.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum NotSent {
    /// It was too old, or the gate had closed, when it could have left.
    TooOld,
    /// The gate was shut when it could have left.
    GateClosed,
    /// The market had moved beyond its bound when it could have left.
    PriceMoved,
    /// The transport gave it back without having sent a byte.
    Transport(String),
    /// Nobody waits for it any more: cancelled before it left, or the engine was started anew.
    Withdrawn,
}

/// How far a cancel or replace request has come. Later in this list is known better; the best stands.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum RequestState {
    /// On its way.
    Open,
    /// It may have taken effect.
    Unknown,
    /// It never left.
    NotSent,
    /// The venue said no, with this code.
    Refused(i64),
    /// The venue said yes.
    Accepted,
}

impl RequestState {
    /// Whether its effect is still to come or not known.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Open | Self::Unknown)
    }
}

/// Quantity and limit price of a working order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct LiveTerms {
    /// FIX OrderQty (38), executed part included.
    pub qty: Qty,
    /// FIX Price (44), if it has one.
    pub price: Option<Price>,
    /// FIX TriggerPrice (1102), if it has one.
    pub trigger: Option<Price>,
}

/// How a change of an order is carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum ReplaceHow {
    /// By the venue, on the order as it stands.
    InPlace,
    /// As a new attempt under the same order; the old one is cancelled after it (an order that closes) or before it (one that
    /// may add risk).
    NewAttempt,
}

/// Which of two reports of terms is newer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct TermsVersion {
    /// The venue's update time.
    pub updated: VenueTime,
    /// Our request that the report confirms, 0 if none.
    pub request: RequestId,
}

/// Why no further attempt follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum GivenUp {
    /// The last attempt's end is the order's end.
    Settled,
    /// It was never attempted: the engine stopped before.
    NeverTried,
}

/// One fact about one order.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum OrderEvent {
    /// Risk said no; nothing was ever sent.
    Denied(Denial),
    /// A try to place it was fixed, before anything was sent.
    Attempted {
        /// Its id.
        cl_ord_id: ClOrdId,
        /// What was fixed.
        header: AttemptHeader,
    },
    /// It was found at the venue; this much of it is older than our books.
    Adopted {
        /// Its id at the venue.
        cl_ord_id: ClOrdId,
        /// Executed before the baseline of the position.
        history: Qty,
    },
    /// The attempt's outcome is not known since this moment.
    Doubted {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// Since when.
        since: Timestamp,
    },
    /// The venue has it.
    Accepted {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// FIX OrderID (37), if said.
        order_id: Option<OrderId>,
        /// Its id among the conditional orders, if said.
        algo_id: Option<AlgoId>,
    },
    /// The venue said no.
    Rejected {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// How.
        rejection: Rejection,
    },
    /// It never left.
    NotSent {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// Why.
        why: NotSent,
    },
    /// It was not at the venue, and can never get there any more.
    Dead {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// Why that is certain.
        proof: DeathProof,
    },
    /// A conditional order's trailing stop began to follow.
    Activated {
        /// Which attempt.
        cl_ord_id: ClOrdId,
    },
    /// A conditional order's condition was met.
    Triggered {
        /// Which attempt.
        cl_ord_id: ClOrdId,
    },
    /// A trade.
    Executed {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// The trade.
        fill: Fill,
    },
    /// At least this much is executed, without saying by which trades.
    CumQty {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// FIX CumQty (14).
        qty: Qty,
        /// FIX AvgPx (6), if said.
        avg_px: Option<Price>,
    },
    /// The venue holds it with these terms.
    Terms {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// How new that is.
        version: TermsVersion,
        /// Quantity and prices.
        terms: LiveTerms,
    },
    /// Somebody took it off the book.
    Canceled {
        /// Which attempt.
        cl_ord_id: ClOrdId,
    },
    /// It ended by its own terms, or the venue ended it.
    Expired {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// Why.
        reason: ExpiryReason,
    },
    /// It was acknowledged, and the venue has purged it.
    Vanished {
        /// Which attempt.
        cl_ord_id: ClOrdId,
        /// Why that is certain.
        proof: VanishedProof,
    },
    /// Somebody asked for its cancel.
    CancelRequested {
        /// Names the request.
        request: RequestId,
        /// Absent: the order is wished off the book. Else only this attempt goes, because another stands for the order.
        only: Option<ClOrdId>,
    },
    /// A cancel request has come this far.
    CancelAnswered {
        /// Which request.
        request: RequestId,
        /// How far.
        state: RequestState,
    },
    /// Somebody asked for other terms.
    ReplaceRequested {
        /// Names the request.
        request: RequestId,
        /// The terms asked for; a quantity of zero for an order that closes all.
        terms: LiveTerms,
        /// How it is carried out.
        how: ReplaceHow,
    },
    /// A replace request has come this far.
    ReplaceAnswered {
        /// Which request.
        request: RequestId,
        /// How far.
        state: RequestState,
    },
    /// No further attempt follows.
    GivenUp(GivenUp),
}

impl OrderEvent {
    /// The attempt that the fact is about, if it is about one.
    pub const fn cl_ord_id(&self) -> Option<&ClOrdId> {
        match self {
            Self::Attempted { cl_ord_id, .. }
            | Self::Adopted { cl_ord_id, .. }
            | Self::Doubted { cl_ord_id, .. }
            | Self::Accepted { cl_ord_id, .. }
            | Self::Rejected { cl_ord_id, .. }
            | Self::NotSent { cl_ord_id, .. }
            | Self::Dead { cl_ord_id, .. }
            | Self::Activated { cl_ord_id }
            | Self::Triggered { cl_ord_id }
            | Self::Executed { cl_ord_id, .. }
            | Self::CumQty { cl_ord_id, .. }
            | Self::Terms { cl_ord_id, .. }
            | Self::Canceled { cl_ord_id }
            | Self::Expired { cl_ord_id, .. }
            | Self::Vanished { cl_ord_id, .. } => Some(cl_ord_id),
            Self::Denied(_)
            | Self::CancelRequested { .. }
            | Self::CancelAnswered { .. }
            | Self::ReplaceRequested { .. }
            | Self::ReplaceAnswered { .. }
            | Self::GivenUp(_) => None,
        }
    }
}
