//! The last look at the lease, where requests are signed: one figure, set by whoever drives the engine and read by the signer. It
//! decides nothing; the figure is [`super::Lease::windows_end_before`].

use crate::time::VenueTime;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Until when a signer may sign. A process may stand still for any time between the engine's look and the signature; whoever dates a
/// request as late as that asks here, with the date it signs.
#[derive(Debug)]
pub struct LeaseGuard {
    windows_end_before: AtomicI64,
    refused: AtomicU64,
}

impl Default for LeaseGuard {
    /// Nothing may be signed yet.
    fn default() -> Self {
        Self { windows_end_before: AtomicI64::new(i64::MIN), refused: AtomicU64::new(0) }
    }
}

impl LeaseGuard {
    /// Sets the venue time before which every window must end; `None` if nothing may be signed.
    pub fn set(&self, windows_end_before: Option<VenueTime>) {
        self.windows_end_before.store(windows_end_before.map_or(i64::MIN, |end| end.0), Ordering::Relaxed);
    }
    /// Whether a request with this date and window may be signed.
    pub fn covers(&self, timestamp: VenueTime, recv_window_ms: u64) -> bool {
        let covers = timestamp.plus_ms(recv_window_ms).0 < self.windows_end_before.load(Ordering::Relaxed);
        self.refused.fetch_add(u64::from(!covers), Ordering::Relaxed);
        covers
    }
    /// How often the answer was no.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_signed_before_it_is_set_or_when_it_is_taken_back() {
        let guard = LeaseGuard::default();
        assert!(!guard.covers(VenueTime(0), 0));
        guard.set(Some(VenueTime(1_000)));
        assert!(guard.covers(VenueTime(0), 999));
        assert!(!guard.covers(VenueTime(1), 999));
        guard.set(None);
        assert!(!guard.covers(VenueTime(0), 999));
        assert_eq!(guard.refused(), 3);
    }
}
