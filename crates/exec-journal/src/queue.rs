//! The queue between callers and the journal thread: numbers groups as they come, bounded, encoded once. Not the writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Failure, JournalError};
use crate::format::{RECORD_HEADER, encode_record};
use crate::log::{RecordRef, Ticket};

/// Groups that wait to be written, already encoded.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub bytes: Vec<u8>,
    pub groups: Vec<StagedGroup>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct StagedGroup {
    /// End of the group in the staged bytes.
    pub end: usize,
    pub count: u32,
    pub state_hash: Option<u64>,
}

/// Work that is not appending.
#[derive(Debug)]
pub(crate) enum Upkeep {
    Snapshot { seq: u64, bytes: Vec<u8> },
    TruncateBefore(u64),
}

/// How a batch was taken.
pub(crate) enum Taken {
    Work(VecDeque<Upkeep>),
    Nothing,
    Closing,
}

#[derive(Debug)]
struct State {
    staged: Staged,
    upkeep: VecDeque<Upkeep>,
    next_seq: u64,
    in_flight: usize,
    durable: u64,
    failed: Option<Failure>,
    closing: bool,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    progress: Condvar,
    durable: Arc<AtomicU64>,
    bytes_max: usize,
    group_max: usize,
}

impl Queue {
    pub(crate) fn new(next_seq: u64, durable_seq: u64, bytes_max: usize, group_max: usize) -> Self {
        Self {
            state: Mutex::new(State {
                staged: Staged::default(),
                upkeep: VecDeque::new(),
                next_seq,
                in_flight: 0,
                durable: durable_seq,
                failed: None,
                closing: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            durable: Arc::new(AtomicU64::new(durable_seq)),
            bytes_max,
            group_max,
        }
    }

    // A panicking caller cannot leave the state half-changed: every change is complete before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.durable)
    }

    pub(crate) fn push(&self, records: &[RecordRef<'_>], state_hash: Option<u64>) -> Result<Ticket, JournalError> {
        let size: usize = records.iter().map(|r| (RECORD_HEADER + r.payload.len()).next_multiple_of(8)).sum();
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        if count == 0 {
            return Err(JournalError::EmptyGroup);
        }
        // Within this bound each payload's length fits its field.
        if size > self.group_max {
            return Err(JournalError::TooLarge { bytes: size, max: self.group_max });
        }
        let mut state = self.lock();
        state.check()?;
        let queued = state.staged.bytes.len() + state.in_flight;
        if queued > 0 && queued + size > self.bytes_max {
            return Err(JournalError::Full { queued });
        }
        for r in records {
            let len = u32::try_from(r.payload.len()).unwrap_or(u32::MAX);
            encode_record(&mut state.staged.bytes, len, r.kind, r.version, r.payload);
        }
        let end = state.staged.bytes.len();
        state.staged.groups.push(StagedGroup { end, count, state_hash });
        let ticket = Ticket { first: state.next_seq, last: state.next_seq + u64::from(count) - 1 };
        state.next_seq = ticket.last + 1;
        drop(state);
        self.work.notify_one();
        Ok(ticket)
    }

    pub(crate) fn push_upkeep(&self, upkeep: Upkeep) -> Result<(), JournalError> {
        let mut state = self.lock();
        state.check()?;
        state.upkeep.push_back(upkeep);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Takes all that waits, swapping buffers with `into` (which must be empty). Waits for work if `wait`.
    pub(crate) fn take(&self, into: &mut Staged, wait: bool) -> Taken {
        let mut state = self.lock();
        loop {
            if !state.staged.groups.is_empty() || !state.upkeep.is_empty() {
                std::mem::swap(&mut state.staged, into);
                state.in_flight = into.bytes.len();
                return Taken::Work(std::mem::take(&mut state.upkeep));
            }
            if state.closing {
                return Taken::Closing;
            }
            if !wait {
                return Taken::Nothing;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn is_durable(&self, seq: u64, left_in_flight: usize) {
        let mut state = self.lock();
        state.durable = seq;
        state.in_flight = left_in_flight;
        self.durable.store(seq, Ordering::Release);
        drop(state);
        self.progress.notify_all();
    }

    pub(crate) fn fail(&self, failure: Failure) {
        let mut state = self.lock();
        state.failed.get_or_insert(failure);
        state.staged = Staged::default();
        state.upkeep.clear();
        state.in_flight = 0;
        drop(state);
        self.progress.notify_all();
    }

    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// Blocks until a record is durable, or never will be.
    pub(crate) fn wait_for(&self, seq: u64) -> Result<(), JournalError> {
        let mut state = self.lock();
        while state.durable < seq {
            if let Some(failure) = &state.failed {
                return Err(JournalError::Failed(failure.clone()));
            }
            if seq >= state.next_seq {
                return Err(JournalError::NotDurable { asked: seq, durable: state.durable });
            }
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        self.lock().failed.clone()
    }
}

impl State {
    fn check(&self) -> Result<(), JournalError> {
        match &self.failed {
            Some(failure) => Err(JournalError::Failed(failure.clone())),
            None if self.closing => Err(JournalError::Closed),
            None => Ok(()),
        }
    }
}
