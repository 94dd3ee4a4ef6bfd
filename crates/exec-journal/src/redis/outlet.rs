//! What waits between the copy of a journal and the thread that tells consumers of it: records in memory, up to which of them may be
//! told, how far behind the telling is. It waits for nobody.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use exec_core::journal::CopyLag;

use super::pending::{Pending, Waiting};
use crate::log::RecordRef;

/// See the module.
#[derive(Debug)]
pub(super) struct Outlet {
    pending: Pending,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug)]
struct State {
    /// The copy has records up to here, and only what it has is told: so nobody is told what a take-over would not find.
    released: u64,
    told: u64,
    closing: Option<Instant>,
}

impl Outlet {
    /// Begins with a log that is durable up to `durable`, and a copy that has records up to `released`.
    pub(super) fn new(durable: u64, released: u64, bytes_max: usize) -> Self {
        let state = State { released, told: 0, closing: None };
        let pending = Pending::new(durable, bytes_max);
        // Until the stream was asked, nothing is known to be told.
        pending.followed(0);
        Self { pending, state: Mutex::new(state), work: Condvar::new() }
    }

    // Every change is complete before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, first: u64, records: &[RecordRef<'_>]) {
        self.pending.push(first, records);
    }

    pub(super) fn durable(&self, seq: u64) {
        self.pending.durable(seq);
    }

    /// The copy has records up to here.
    pub(super) fn release(&self, seq: u64) {
        self.lock().released = seq;
        self.work.notify_one();
    }

    /// All that the records up to here say is in the stream.
    pub(super) fn told(&self, seq: u64) {
        self.lock().told = seq;
        self.pending.followed(seq);
    }

    /// See [`Pending::away`].
    pub(super) fn away(&self, away: bool) {
        self.pending.away(away);
    }

    /// See [`Pending::away`].
    pub(super) fn is_away(&self) -> bool {
        self.pending.is_away()
    }

    pub(super) fn close(&self, until: Instant) {
        self.lock().closing = Some(until);
        self.work.notify_one();
    }

    /// Swaps out all that waits in memory; `into` is empty.
    pub(super) fn take(&self, into: &mut Waiting) {
        self.pending.take(into);
    }

    /// Waits until there is something to tell. `None`: the end was asked for, and all is told or its time is over.
    pub(super) fn wait(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            match state.closing {
                Some(until) if state.told >= state.released || until <= Instant::now() => return None,
                _ if state.told < state.released => return Some(state.released),
                _ => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Whether the end was asked for and its time is over.
    pub(super) fn is_over(&self) -> bool {
        self.lock().closing.is_some_and(|until| until <= Instant::now())
    }

    /// Waits before a server is tried again, though not beyond the end.
    pub(super) fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.lock();
        loop {
            let until = state.closing.map_or(until, |closing| closing.min(until));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How far the telling is behind the local log.
    pub(super) fn lag(&self) -> CopyLag {
        self.pending.lag(u64::MAX, Duration::MAX)
    }
}
