//! Supervises the price streams, keeps only the newest price of each instrument for the loop, and passes on that the venue announces a
//! change of an instrument. It values nothing.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    venue_calls::question,
};
use exec_core::{
    ids::InstrumentId,
    report::{PriceReport, Quote},
    venue::{MarketNews, PriceSource},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// Prices that the loop has not taken yet: at most one of each instrument, the newest, in the order of their first change.
#[derive(Clone, Default)]
pub(crate) struct PriceBoard(Arc<Shared>);

#[derive(Default)]
struct Shared {
    fresh: Mutex<Fresh>,
    changed: Notify,
}

#[derive(Default)]
struct Fresh {
    quotes: BTreeMap<InstrumentId, Quote>,
    order: VecDeque<InstrumentId>,
}

impl PriceBoard {
    /// Lays a price over what is waiting.
    pub(crate) fn put(&self, report: PriceReport) {
        let mut fresh = self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let Fresh { quotes, order } = &mut *fresh;
        match quotes.get_mut(&report.instrument) {
            Some(waiting) => *waiting = waiting.updated(report.quote),
            None => {
                order.push_back(report.instrument.clone());
                quotes.insert(report.instrument, report.quote);
            }
        }
        drop(fresh);
        self.0.changed.notify_one();
    }
    fn take(&self) -> Option<PriceReport> {
        let mut fresh = self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let instrument = fresh.order.pop_front()?;
        let quote = fresh.quotes.remove(&instrument)?;
        Some(PriceReport { instrument, quote })
    }
    /// Waits for a price. May be dropped and called again.
    pub(crate) async fn next(&self) -> PriceReport {
        loop {
            if let Some(report) = self.take() {
                return report;
            }
            self.0.changed.notified().await;
        }
    }
}

/// Keeps a session of prices open until the loop is gone. `listing_stale` is told when what is known of instruments may be out of date.
pub(crate) async fn supervise(
    source: Arc<dyn PriceSource>,
    instruments: Vec<InstrumentId>,
    config: RuntimeConfig,
    mut backoff: Backoff,
    board: PriceBoard,
    arrivals: Arrivals,
    listing_stale: Arc<Notify>,
) -> Result<(), LoopGone> {
    loop {
        match question(config.open_deadline, source.open_prices(&instruments)).await {
            Ok(mut feed) => {
                let opened = Instant::now();
                // What was announced before it was open, nobody has heard.
                listing_stale.notify_one();
                let error = loop {
                    match feed.next().await {
                        Ok(MarketNews::Price(report)) => board.put(report),
                        Ok(MarketNews::ListingChanged(instrument)) => {
                            tracing::info!(%instrument, "the venue announces a change");
                            listing_stale.notify_one();
                        }
                        Err(error) => break error,
                    }
                };
                arrivals.warn("prices_down", format!("price stream is down: {error}")).await?;
                if opened.elapsed() >= config.steady_after {
                    backoff.reset();
                    continue;
                }
            }
            Err(error) => {
                arrivals.warn("prices_unavailable", format!("price stream cannot be opened: {error}")).await?;
            }
        }
        tokio::time::sleep(backoff.delay()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(instrument: &str, bid: Option<&str>, mark: Option<&str>) -> PriceReport {
        let quote = Quote { bid: bid.map(|p| p.parse().unwrap()), ask: None, mark: mark.map(|p| p.parse().unwrap()) };
        PriceReport { instrument: InstrumentId::new(instrument).unwrap(), quote }
    }

    #[tokio::test]
    async fn the_newest_price_of_each_kind_wins() {
        let board = PriceBoard::default();
        board.put(price("AUSDT-PERP.X", Some("1"), None));
        board.put(price("BUSDT-PERP.X", Some("7"), None));
        board.put(price("AUSDT-PERP.X", Some("2"), None));
        board.put(price("AUSDT-PERP.X", None, Some("3")));
        assert_eq!(board.next().await, price("AUSDT-PERP.X", Some("2"), Some("3")));
        assert_eq!(board.next().await, price("BUSDT-PERP.X", Some("7"), None));
        assert!(board.take().is_none());
    }
}
