//! One writer for one account, over machines: the lease that a node holds while it trades. What is decided stands in [`hold`], what
//! a store has to do in [`store`]. No clock and no I/O is here.
//!
//! A store alone cannot keep a deposed node from writing: a process may be stopped between its check and its socket for any time,
//! and a fail-over of the store may forget the lease. The venue can: it refuses a request once its clock is past `timestamp +
//! recvWindow` (Binance, USDⓈ-M, General Info, "Timing security", 2026-11-22). So:
//!
//! 1. Nothing is signed whose window does not end, by two clock errors, before the lease does. The end is counted on the holder's
//!    own clock, from before the request for it was sent.
//! 2. A successor waits until the venue has surely done, or refused, all that its predecessor has signed, before it sends anything.
//! 3. A holder that loses its lease, for whatever reason, is out for good: another start takes part again, under a higher epoch.

pub mod guard;
pub mod hold;
pub mod store;

pub use guard::LeaseGuard;
pub use hold::{Answer, Lease, Lost, Question, Standing};
pub use store::{Acquired, Ask, Holder, LeaseError, LeaseStore, Predecessor, Renewed};

/// The figures of a lease. Every node of an account has the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LeaseTerms {
    /// How long it lasts from when it was asked for.
    pub ttl_ms: u64,
    /// The longest window that is signed under it.
    pub recv_window_ms: u64,
    /// The largest error of the venue clock's estimate under which anything is signed.
    pub clock_error_ms: u64,
    /// How long after the end of its window a request may still take effect at the venue.
    pub engine_margin_ms: u64,
}

/// Figures under which a lease protects nothing, or nothing can be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a lease of {ttl_ms} ms, renewed every {every} ms, leaves no time to sign windows of {recv_window_ms} ms with a clock error of \
     {clock_error_ms} ms", every = .0.renew_every_ms(), ttl_ms = .0.ttl_ms, recv_window_ms = .0.recv_window_ms,
    clock_error_ms = .0.clock_error_ms
)]
pub struct LeaseTermsError(pub LeaseTerms);

impl LeaseTerms {
    /// How often a holder renews, and how long it waits for the answer.
    pub const fn renew_every_ms(&self) -> u64 {
        self.ttl_ms / 4
    }
    /// From the end of a lease until nothing that was signed under it can take effect any more.
    pub const fn settle_ms(&self) -> u64 {
        self.engine_margin_ms.saturating_add(2 * self.clock_error_ms)
    }
    /// How long a holder that ends leaves its lease standing: what it has signed is refused by then.
    pub const fn linger_ms(&self) -> u64 {
        self.recv_window_ms.saturating_add(2 * self.clock_error_ms)
    }
    /// Whether a holder can sign at all times, also when every second renewal fails.
    ///
    /// # Errors
    /// [`LeaseTermsError`]: use a longer lease or a shorter window.
    pub const fn check(&self) -> Result<(), LeaseTermsError> {
        let needed = self.linger_ms().saturating_add(self.renew_every_ms().saturating_mul(2));
        if needed < self.ttl_ms { Ok(()) } else { Err(LeaseTermsError(*self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_the_lease_cannot_cover_is_refused() {
        let terms = LeaseTerms { ttl_ms: 10_000, recv_window_ms: 2_000, clock_error_ms: 300, engine_margin_ms: 10_000 };
        assert_eq!((terms.check(), terms.renew_every_ms(), terms.settle_ms(), terms.linger_ms()), (Ok(()), 2_500, 10_600, 2_600));
        let wide = LeaseTerms { recv_window_ms: 5_000, ..terms };
        assert_eq!(wide.check(), Err(LeaseTermsError(wide)));
    }
}
