//! What waits between the journal and the thread that brings it to Redis: records in memory, as long as they fit; how far each side is;
//! how old the oldest record is that Redis does not have. The order path only ever takes a short lock here.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use exec_core::journal::CopyLag;

use super::outlet::Outlet;
use crate::log::RecordRef;

/// Moments that are kept to tell the age of the oldest record; more are merged, and then the age is told too high, never too low.
const MARKS_MAX: usize = 256;

/// Records in order, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Number of the first.
    first: u64,
    bytes: Vec<u8>,
    records: Vec<Item>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    end: usize,
    kind: u16,
    version: u8,
    group_ends: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Number of the last, if there is any.
    pub(super) fn last(&self) -> Option<u64> {
        self.records.len().checked_sub(1).map(|n| self.first + n as u64)
    }

    /// The record with this number, and whether a group ends with it.
    pub(super) fn get(&self, seq: u64) -> Option<(RecordRef<'_>, bool)> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let item = self.records.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.records.get(before)).map_or(0, |before| before.end);
        let payload = self.bytes.get(start..item.end)?;
        Some((RecordRef { kind: item.kind, version: item.version, payload }, item.group_ends))
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }
}

#[derive(Debug)]
struct State {
    staged: Waiting,
    /// The last record that the local log has made durable.
    durable: u64,
    followed: u64,
    /// When the local log was durable up to where, as far as Redis is not.
    marks: VecDeque<(u64, Instant)>,
    snapshot: Option<u64>,
    closing: Option<Instant>,
    away: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pending {
    state: Mutex<State>,
    work: Condvar,
    bytes_max: usize,
    /// Who is told the same, where consumers are told of the records.
    outlet: OnceLock<Arc<Outlet>>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// Records up to here are to be followed.
    pub durable: u64,
    /// The snapshot behind this record is to be copied, when Redis has that record.
    pub snapshot: Option<u64>,
    /// When the end must have come, if it was asked for.
    pub until: Option<Instant>,
}

impl Pending {
    /// Begins with a log that is durable up to a record.
    pub(super) fn new(durable: u64, bytes_max: usize) -> Self {
        let state = State {
            staged: Waiting::default(),
            durable,
            followed: durable,
            marks: VecDeque::new(),
            snapshot: None,
            closing: None,
            away: false,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), bytes_max, outlet: OnceLock::new() }
    }

    // Every change is complete before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the outlet hears of every record, and of how far it is. Once.
    pub(super) fn open_outlet(&self) -> Arc<Outlet> {
        let state = self.lock();
        Arc::clone(self.outlet.get_or_init(|| Arc::new(Outlet::new(state.durable, state.followed, self.bytes_max))))
    }

    pub(super) fn outlet(&self) -> Option<&Outlet> {
        self.outlet.get().map(|outlet| &**outlet)
    }

    /// Takes one group that was appended. Where too much waits, all of it is forgotten: the local log has it.
    pub(super) fn push(&self, first: u64, records: &[RecordRef<'_>]) {
        if let Some(outlet) = self.outlet() {
            outlet.push(first, records);
        }
        let mut state = self.lock();
        let added: usize = records.iter().map(|record| record.payload.len()).sum();
        let staged = &mut state.staged;
        if staged.bytes.len() + added > self.bytes_max || staged.last().is_some_and(|last| last + 1 != first) {
            staged.clear();
        }
        if staged.is_empty() {
            staged.first = first;
        }
        for (n, record) in records.iter().enumerate() {
            staged.bytes.extend_from_slice(record.payload);
            let item =
                Item { end: staged.bytes.len(), kind: record.kind, version: record.version, group_ends: n + 1 == records.len() };
            staged.records.push(item);
        }
    }

    /// The local log is durable up to here.
    pub(super) fn durable(&self, seq: u64) {
        if let Some(outlet) = self.outlet() {
            outlet.durable(seq);
        }
        let mut state = self.lock();
        state.durable = state.durable.max(seq);
        let full = state.marks.len() >= MARKS_MAX;
        match state.marks.back_mut() {
            Some(newest) if full => newest.0 = seq,
            _ => state.marks.push_back((seq, Instant::now())),
        }
        drop(state);
        self.work.notify_one();
    }

    /// The local log has stored the snapshot behind this record.
    pub(super) fn snapshot(&self, seq: u64) {
        self.lock().snapshot = Some(seq);
        self.work.notify_one();
    }

    /// That snapshot, and all before it, need not be copied any more.
    pub(super) fn snapshot_done(&self, seq: u64) {
        let mut state = self.lock();
        state.snapshot = state.snapshot.filter(|wanted| *wanted > seq);
    }

    /// Redis is behind: it has records up to here. Rises and, where Redis has lost some, falls.
    pub(super) fn followed(&self, seq: u64) {
        let mut state = self.lock();
        if seq < state.followed && state.marks.front().is_none_or(|(marked, _)| *marked > state.followed) {
            let durable = state.durable;
            state.marks.push_front((durable, Instant::now()));
        }
        state.followed = seq;
        while state.marks.front().is_some_and(|(marked, _)| *marked <= seq) {
            state.marks.pop_front();
        }
        drop(state);
        if let Some(outlet) = self.outlet() {
            outlet.release(seq);
        }
    }

    /// Whether the server gave no answer when it was asked last.
    pub(super) fn away(&self, away: bool) {
        self.lock().away = away;
    }

    /// See [`Pending::away`].
    pub(super) fn is_away(&self) -> bool {
        self.lock().away
    }

    pub(super) fn close(&self, until: Instant) {
        self.lock().closing = Some(until);
        self.work.notify_one();
    }

    /// Swaps out all that waits in memory; `into` is empty.
    pub(super) fn take(&self, into: &mut Waiting) {
        std::mem::swap(&mut self.lock().staged, into);
    }

    /// Waits until there is something to do, or so long.
    pub(super) fn wait(&self, most: Duration) -> Work {
        let mut state = self.lock();
        let until = Instant::now() + most;
        loop {
            let idle = state.durable <= state.followed && state.snapshot.is_none() && state.closing.is_none();
            let left = until.saturating_duration_since(Instant::now());
            if !idle || left.is_zero() {
                return Work { durable: state.durable, snapshot: state.snapshot, until: state.closing };
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits before a server is tried again, though not when the end was asked for.
    pub(super) fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closing.is_some_and(|closing| closing <= Instant::now()) {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How far Redis is behind.
    pub(super) fn lag(&self, records_max: u64, age_max: Duration) -> CopyLag {
        let state = self.lock();
        let records = state.durable.saturating_sub(state.followed);
        let oldest = state.marks.front().filter(|_| records > 0);
        let age = oldest.map_or(Duration::ZERO, |(_, since)| since.elapsed());
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        CopyLag { records, age_ms, too_far: records > records_max || age > age_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: RecordRef<'_> = RecordRef { kind: 3, version: 1, payload: &[7; 40] };

    #[test]
    fn what_does_not_fit_is_forgotten_and_what_comes_then_is_kept() {
        let pending = Pending::new(0, 100);
        pending.push(1, &[RECORD]);
        pending.push(2, &[RECORD]);
        pending.push(3, &[RECORD]);
        let mut taken = Waiting::default();
        pending.take(&mut taken);
        assert_eq!((taken.get(2), taken.last()), (None, Some(3)));
        assert_eq!(taken.get(3), Some((RECORD, true)));
        // One that is larger than the bound is still the only thing that waits.
        let large = [7; 500];
        pending.push(4, &[RecordRef { payload: &large, ..RECORD }, RECORD]);
        taken.clear();
        pending.take(&mut taken);
        assert_eq!(taken.get(4).map(|(record, ends)| (record.payload.len(), ends)), Some((500, false)));
        assert_eq!(taken.get(5), Some((RECORD, true)));
    }

    #[test]
    fn the_lag_is_counted_in_records_and_in_the_age_of_the_oldest() {
        let pending = Pending::new(5, 100);
        let lag = |records_max, age_max| pending.lag(records_max, age_max);
        let never = Duration::from_secs(3600);
        assert_eq!(lag(0, Duration::ZERO), CopyLag { records: 0, age_ms: 0, too_far: false });
        pending.durable(8);
        assert_eq!(lag(3, never).records, 3);
        assert!(!lag(3, never).too_far && lag(2, never).too_far);
        std::thread::sleep(Duration::from_millis(5));
        assert!(lag(3, Duration::from_millis(2)).too_far);
        pending.durable(9);
        pending.followed(8);
        assert!(!lag(3, Duration::from_millis(4)).too_far, "the oldest is a new one");
        pending.followed(9);
        assert_eq!(lag(0, Duration::ZERO), CopyLag { records: 0, age_ms: 0, too_far: false });
        // A server that has lost records is behind again.
        pending.followed(4);
        std::thread::sleep(Duration::from_millis(5));
        assert!(lag(100, Duration::from_millis(2)).too_far);
        assert_eq!(lag(100, never).records, 5);
    }

    #[test]
    fn long_outages_cost_no_memory() {
        let pending = Pending::new(0, 100);
        for seq in 1..10_000 {
            pending.durable(seq);
        }
        assert!(pending.lock().marks.len() <= MARKS_MAX);
        pending.followed(9_998);
        assert_eq!(pending.lag(u64::MAX, Duration::from_secs(60)).records, 1);
        pending.followed(9_999);
        assert!(pending.lock().marks.is_empty());
    }
}
