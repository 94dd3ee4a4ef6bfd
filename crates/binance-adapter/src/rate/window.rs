//! One fixed window of the UTC clock, and how much is used in it. It knows no limit but the one it is asked about.

use exec_core::time::VenueTime;

pub(super) const SECOND_MS: i64 = 1000;
pub(super) const MINUTE_MS: i64 = 60 * SECOND_MS;
/// So far the venue's clock may be behind our estimate of it: what was sent so early in a window may be of the one before.
const EDGE_MS: i64 = SECOND_MS / 2;
/// So far a better estimate of the venue's clock may step back over the beginning of a window and leave it begun.
const STEP_BACK_MS: i64 = 2 * SECOND_MS;
/// From this share of a limit on its use is worth a word.
const WARN_PERCENT: u32 = 80;

/// One fixed window of the UTC clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    length_ms: i64,
    start: i64,
    pub(super) used: u32,
    /// Whether it was told that much of it is used.
    warned: bool,
}

impl Window {
    pub(super) const fn new(length_ms: i64) -> Self {
        Self { length_ms, start: i64::MIN, used: 0, warned: false }
    }

    pub(super) fn roll(&mut self, now: VenueTime) {
        let start = now.0 - now.0.rem_euclid(self.length_ms);
        // A clock correction may step back a little; a window that has begun is not begun again.
        if start > self.start {
            (self.start, self.used, self.warned) = (start, 0, false);
        } else if now.0 < self.start.saturating_sub(STEP_BACK_MS) {
            // So far back the window was begun by a false clock, as before the venue's is known. What was counted stays counted, but
            // only until the window of now ends.
            self.start = start;
        }
    }

    pub(super) fn end(&self) -> VenueTime {
        VenueTime(self.start.saturating_add(self.length_ms))
    }

    /// The venue counts others on the same address as well, so its number is taken when it is higher. A reply that comes when the
    /// next window has begun tells of the one before, and would spend all of the new one.
    pub(super) fn correct(&mut self, begun: VenueTime, stated: Option<u32>) {
        if let Some(stated) = stated
            && begun.0 >= self.start.saturating_add(EDGE_MS)
        {
            self.used = self.used.max(stated);
        }
    }

    /// Whether much of a limit is used for the first time in this window.
    pub(super) fn warns(&mut self, limit: u32) -> bool {
        let much = self.used.saturating_mul(100) >= limit.saturating_mul(WARN_PERCENT);
        much && !std::mem::replace(&mut self.warned, much)
    }
}
