//! How fast the account asks: attempts and changes counted in fixed windows, per account, strategy and instrument. What closes
//! counts and is never held back; the venue's own budgets are the adapter's.

use super::Engine;
use crate::{
    ids::{InstrumentId, IntentId, StrategyId},
    limits::{Pace, Scope},
    order::intent::Owner,
    pretrade::Denial,
    time::Timestamp,
};
use alloc::collections::BTreeMap;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;

/// One scope's counts, each with the number of its window.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    second: (u64, u32),
    minute: (u64, u32),
}

impl Count {
    fn add(&mut self, now: Timestamp) {
        for (window, span_ms) in [(&mut self.second, SECOND_MS), (&mut self.minute, MINUTE_MS)] {
            let number = now.as_ms() / span_ms;
            let before = if window.0 == number { window.1 } else { 0 };
            *window = (number, before.saturating_add(1));
        }
    }
    /// The window that is full, in seconds, and how many it takes.
    fn full(&self, pace: Pace, now: Timestamp) -> Option<(u32, u32)> {
        let full = |window: (u64, u32), span_ms, max: Option<u32>| {
            max.filter(|max| (if window.0 == now.as_ms() / span_ms { window.1 } else { 0 }) >= *max)
        };
        full(self.second, SECOND_MS, pace.per_second)
            .map(|max| (1, max))
            .or_else(|| full(self.minute, MINUTE_MS, pace.per_minute).map(|max| (60, max)))
    }
}

/// What was asked for lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Paces {
    account: Count,
    strategies: BTreeMap<StrategyId, Count>,
    instruments: BTreeMap<InstrumentId, Count>,
}

impl Engine {
    /// Counts an attempt, or a change, of an order.
    pub(super) fn count_asked(&mut self, intent: IntentId) {
        let Some(asked) = self.books.order(intent).map(|o| o.intent()) else { return };
        let now = self.now;
        // What a strategy closes beyond its own pace is never held back, and must not hold the others back.
        let pace = asked.owner.strategy().and_then(|s| self.config.bounds.strategies.get(s)).map(|b| b.pace).unwrap_or_default();
        let own = asked.owner.strategy().and_then(|s| self.paces.strategies.get(s));
        if own.and_then(|own| own.full(pace, now)).is_none() {
            self.paces.account.add(now);
        }
        if let Some(strategy) = asked.owner.strategy() {
            match self.paces.strategies.get_mut(strategy) {
                Some(count) => count.add(now),
                None => self.paces.strategies.entry(strategy.clone()).or_default().add(now),
            }
        }
        let instrument = &asked.terms.instrument;
        match self.paces.instruments.get_mut(instrument) {
            Some(count) => count.add(now),
            None => self.paces.instruments.entry(instrument.clone()).or_default().add(now),
        }
    }

    /// Whether one more order that can add risk may be asked for now.
    ///
    /// # Errors
    /// [`Denial::Rate`]: a window is full.
    pub(super) fn check_pace(&self, owner: &Owner, instrument: &InstrumentId) -> Result<(), Denial> {
        let bounds = &self.config.bounds;
        let denied = |scope: Scope, full: Option<(u32, u32)>| match full {
            Some((per_secs, max)) => Err(Denial::Rate { scope, per_secs, max }),
            None => Ok(()),
        };
        if let Some(strategy) = owner.strategy()
            && let Some(bound) = bounds.strategies.get(strategy)
            && let Some(count) = self.paces.strategies.get(strategy)
        {
            denied(Scope::Strategy(strategy.clone()), count.full(bound.pace, self.now))?;
        }
        if let (Some(bound), Some(count)) = (bounds.instruments.get(instrument), self.paces.instruments.get(instrument)) {
            denied(Scope::Instrument(instrument.clone()), count.full(bound.pace, self.now))?;
        }
        denied(Scope::Account, self.paces.account.full(bounds.pace, self.now))
    }
}
