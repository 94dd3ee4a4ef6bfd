//! Proofs that an absence is final. They can only be made from answers that satisfy the fence, and are checked when made.

use crate::{
    plant::{Plant, planted},
    time::VenueTime,
    venue::{Attempt, Fence},
};
use serde::{Deserialize, Serialize};

/// The moment after which an attempt that is not visible can never execute any more.
pub fn fence_time(timestamp: VenueTime, recv_window_ms: u64, fence: &Fence) -> VenueTime {
    if planted(Plant::FenceNoMargin) {
        return timestamp.plus_ms(recv_window_ms);
    }
    timestamp.plus_ms(recv_window_ms).plus_ms(fence.engine_margin_ms).plus_ms(fence.visibility_ms)
}

/// Why an absence proves nothing yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotYet {
    /// A question was asked before the fence.
    #[error("asked at {asked}, before the fence at {fence}")]
    BeforeFence {
        /// When.
        asked: VenueTime,
        /// The fence.
        fence: VenueTime,
    },
    /// The two questions are too close to each other.
    #[error("the second question came {apart_ms} ms after the first, {needed_ms} ms are needed")]
    TooClose {
        /// How far apart they are.
        apart_ms: i64,
        /// How far apart they must be.
        needed_ms: u64,
    },
}

/// An attempt was asked for past its fence, twice, and was absent in two complete answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct DeathProof {
    fence: VenueTime,
    first: VenueTime,
    second: VenueTime,
}

impl DeathProof {
    /// Proves that an attempt is dead from the venue times, surely reached, at which two questions were asked that were
    /// both answered completely with "absent".
    ///
    /// # Errors
    /// [`NotYet`] if a question was asked before the fence, or both within the venue's visibility lag.
    pub fn new(attempt: &Attempt, fence: &Fence, first: VenueTime, second: VenueTime) -> Result<Self, NotYet> {
        Self::from_parts(attempt.timestamp, attempt.recv_window_ms, fence, first, second)
    }

    pub(crate) fn from_parts(
        timestamp: VenueTime,
        recv_window_ms: u64,
        fence: &Fence,
        first: VenueTime,
        second: VenueTime,
    ) -> Result<Self, NotYet> {
        let at = fence_time(timestamp, recv_window_ms, fence);
        if first < at {
            return Err(NotYet::BeforeFence { asked: first, fence: at });
        }
        let apart_ms = second.0 - first.0;
        if apart_ms < fence.visibility_ms as i64 {
            return Err(NotYet::TooClose { apart_ms, needed_ms: fence.visibility_ms });
        }
        Ok(Self { fence: at, first, second })
    }
    /// The fence that both questions were past.
    pub const fn fence(&self) -> VenueTime {
        self.fence
    }
}

/// An acknowledged order that is older than the venue's memory of unfilled orders, and that no open list has.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct VanishedProof {
    created: VenueTime,
    first: VenueTime,
    second: VenueTime,
}

impl VanishedProof {
    /// Proves that the venue has purged an order created at `created`, from two complete absences.
    ///
    /// # Errors
    /// [`NotYet`] if the venue would still remember it at the first question.
    pub const fn new(created: VenueTime, forgets_after_ms: u64, first: VenueTime, second: VenueTime) -> Result<Self, NotYet> {
        let fence = created.plus_ms(forgets_after_ms);
        if first.0 < fence.0 {
            return Err(NotYet::BeforeFence { asked: first, fence });
        }
        if second.0 <= first.0 {
            return Err(NotYet::TooClose { apart_ms: second.0 - first.0, needed_ms: 1 });
        }
        Ok(Self { created, first, second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FENCE: Fence = Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 };

    #[test]
    fn absence_before_the_fence_proves_nothing() {
        let make = |first, second| DeathProof::from_parts(VenueTime(0), 5_000, &FENCE, VenueTime(first), VenueTime(second));
        assert!(make(8_000, 9_000).is_ok());
        assert_eq!(make(7_999, 9_000), Err(NotYet::BeforeFence { asked: VenueTime(7_999), fence: VenueTime(8_000) }));
        assert_eq!(make(8_000, 8_999), Err(NotYet::TooClose { apart_ms: 999, needed_ms: 1_000 }));
    }

    #[test]
    fn an_order_vanishes_only_when_the_venue_has_forgotten_it() {
        assert!(VanishedProof::new(VenueTime(0), 1_000, VenueTime(999), VenueTime(2_000)).is_err());
        assert!(VanishedProof::new(VenueTime(0), 1_000, VenueTime(1_000), VenueTime(1_001)).is_ok());
    }
}
