//! Why a thread beside the journal stops its work for now or for good, and how long it rests before it tries again.

use std::time::Duration;

use super::link::Trouble;
use crate::error::OpenError;

/// Waits before a server that did not answer is tried again.
const WAIT_FIRST: Duration = Duration::from_millis(20);
const WAIT_MOST: Duration = Duration::from_secs(1);

/// Waits before the local log is read again: its writer is at most a sync ahead.
const LOCAL_FIRST: Duration = Duration::from_millis(1);
const LOCAL_MOST: Duration = Duration::from_millis(50);

/// Why the work stops.
#[derive(Debug)]
pub(super) enum Halt {
    /// It is tried again, over another connection.
    Again(String),
    /// The local log cannot be read back to here now. The connection is as good as before.
    Local(String),
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
        Self::Local(format!("the local journal cannot be read back: {error}"))
    }
}

/// How long to rest: twice as long each time, until the work goes on.
#[derive(Debug)]
pub(super) struct Pause {
    server: Duration,
    local: Duration,
}

impl Pause {
    pub(super) const fn new() -> Self {
        Self { server: WAIT_FIRST, local: LOCAL_FIRST }
    }
    pub(super) const fn over(&mut self) {
        *self = Self::new();
    }
    /// Before a server is tried again.
    pub(super) fn next(&mut self) -> Duration {
        twice(&mut self.server, WAIT_MOST)
    }
    /// Before the local log is read again, and whether that has lasted so long that somebody should know.
    pub(super) fn next_local(&mut self) -> (Duration, bool) {
        let lasts = self.local == LOCAL_MOST;
        (twice(&mut self.local, LOCAL_MOST), lasts)
    }
}

fn twice(time: &mut Duration, most: Duration) -> Duration {
    let now = *time;
    *time = now.saturating_mul(2).min(most);
    now
}
