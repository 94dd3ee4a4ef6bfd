//! Measures the venue's clock: several samples at the start, then at intervals and when the venue says that we are off.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    venue_calls::question,
};
use exec_core::{
    conversation::Input,
    time::ClockReading,
    venue::{QueryError, VenueClock},
};
use std::sync::Arc;
use tokio::{sync::Notify, time::timeout};

/// Samples of one measurement.
const SAMPLES: usize = 5;

/// Takes several samples and returns the one with the least error. One good sample is enough.
pub(crate) async fn measure(clock: &dyn VenueClock, config: &RuntimeConfig) -> Result<ClockReading, QueryError> {
    let mut best: Option<ClockReading> = None;
    let mut failure = QueryError::Unavailable(String::from("no sample was taken"));
    for _ in 0..SAMPLES {
        match question(config.open_deadline, clock.read_clock()).await {
            Ok(reading) => {
                if best.is_none_or(|b| reading.error_ms < b.error_ms) {
                    best = Some(reading);
                }
            }
            Err(error) => {
                failure = error;
                // A venue that is gone is not asked five times.
                if best.is_none() {
                    break;
                }
            }
        }
    }
    best.ok_or(failure)
}

/// Measures again at intervals, and at once when `asked`, until the loop is gone.
pub(crate) async fn keep(
    clock: Arc<dyn VenueClock>,
    config: RuntimeConfig,
    mut backoff: Backoff,
    arrivals: Arrivals,
    asked: Arc<Notify>,
) -> Result<(), LoopGone> {
    let mut pause = config.clock_interval;
    loop {
        // Asked or not, the clock is due after this.
        let _ = timeout(pause, asked.notified()).await;
        match measure(&*clock, &config).await {
            Ok(reading) => {
                tracing::debug!(offset_ms = reading.offset_ms, error_ms = reading.error_ms, "venue clock measured");
                arrivals.input(Input::Clock(reading)).await?;
                backoff.reset();
                pause = config.clock_interval;
            }
            Err(error) => {
                arrivals.warn("clock_unknown", format!("venue clock cannot be measured: {error}")).await?;
                pause = backoff.delay().min(config.clock_interval);
            }
        }
    }
}
