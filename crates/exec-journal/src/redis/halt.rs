//! Why a thread beside the journal stops its work for now or for good, and how long it rests before it tries again.

use std::time::Duration;

use super::link::Trouble;
use crate::error::OpenError;

/// Waits before a server that did not answer is tried again.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MOST: Duration = Duration::from_secs(1);

/// Why the work stops.
pub(super) enum Halt {
    /// It is tried again.
    Again(String),
    /// Never again in this run.
    Failed(String),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Again(trouble.to_string())
    }
}

// The local log is read beside its writer, so what does not look whole now may in a moment.
impl From<OpenError> for Halt {
    fn from(error: OpenError) -> Self {
        Self::Again(format!("the local journal cannot be read back: {error}"))
    }
}

/// How long to rest: twice as long each time, until the work goes on.
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) const fn new() -> Self {
        Self(WAIT_FIRST)
    }
    pub(super) const fn over(&mut self) {
        self.0 = WAIT_FIRST;
    }
    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = now.saturating_mul(2).min(WAIT_MOST);
        now
    }
}
