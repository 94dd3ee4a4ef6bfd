//! Keeps the engine told of the venue's list of instruments: at intervals, and at once when the venue says that it has changed. What a
//! change means is the engine's business.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    venue_calls::question,
};
use exec_core::{conversation::Input, instrument::Instrument, venue::ExecutionVenue};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A storm of announcements is read at this pace.
const PAUSE: Duration = Duration::from_secs(1);
/// An announcement may come before the list shows what it announces.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Reads the instruments again, and tells them where they differ from what was told last.
pub(crate) struct InstrumentsKeeper {
    pub(crate) venue: Arc<dyn ExecutionVenue>,
    pub(crate) config: RuntimeConfig,
    pub(crate) known: Vec<Instrument>,
    pub(crate) arrivals: Arrivals,
}

/// What comes after a look at the list.
#[derive(Clone, Copy)]
enum Next {
    /// Nothing until somebody says so, or the interval is over.
    Wait,
    /// Once more: it was announced that something has changed, and the list may not show all of it yet.
    LookAgain,
    /// It was announced that something has changed, and the list could not be read.
    Retry,
}

impl InstrumentsKeeper {
    /// Reads again whenever the venue says that something was changed, and at intervals. `stale` is told of what the venue says.
    pub(crate) async fn keep(mut self, stale: Arc<Notify>, mut backoff: Backoff) -> Result<(), LoopGone> {
        let mut next = Next::Wait;
        loop {
            let wait = match next {
                Next::Wait if self.config.instruments_interval.is_zero() => Duration::MAX,
                Next::Wait => self.config.instruments_interval,
                Next::LookAgain => LOOK_AGAIN,
                Next::Retry => backoff.delay(),
            };
            let announced = tokio::time::timeout(wait, stale.notified()).await.is_ok();
            let owed = announced || matches!(next, Next::Retry);
            next = match question(self.config.query_deadline, self.venue.instruments()).await {
                Ok(read) => {
                    if read != self.known {
                        tracing::info!(count = read.len(), "instruments have changed");
                        self.known.clone_from(&read);
                        self.arrivals.input(Input::Instruments(read)).await?;
                    }
                    if owed { Next::LookAgain } else { Next::Wait }
                }
                Err(error) => {
                    self.arrivals.warn("instruments_unknown", format!("instruments cannot be read again: {error}")).await?;
                    if owed || matches!(next, Next::LookAgain) { Next::Retry } else { Next::Wait }
                }
            };
            if !matches!(next, Next::Retry) {
                backoff.reset();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
