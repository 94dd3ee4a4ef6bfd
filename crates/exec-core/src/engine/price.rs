//! What opening orders are valued with: prices that are young enough. Exits never ask here.

use super::Engine;
use crate::{
    conversation::Effect,
    ids::InstrumentId,
    pretrade::Denial,
    report::{PriceReport, Quote},
    time::Timestamp,
};
use rust_decimal::Decimal;

/// When the venue last told the parts of a quote.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    mark: Option<Timestamp>,
    book: Option<Timestamp>,
}

impl Engine {
    pub(super) fn priced(&mut self, price: PriceReport, out: &mut alloc::vec::Vec<Effect>) {
        let heard = self.heard.entry(price.instrument.clone()).or_default();
        let Quote { bid, ask, mark } = price.quote;
        heard.mark = mark.map(|_| self.now).or(heard.mark);
        heard.book = bid.or(ask).map(|_| self.now).or(heard.book);
        let quote = self.quotes.entry(price.instrument.clone()).or_default();
        *quote = quote.updated(price.quote);
        self.notify_price(&price.instrument, out);
    }

    /// What new risk is valued with: the mark if it is young enough, else the book. Nothing where no price was ever told; the
    /// order's own price must do then.
    ///
    /// # Errors
    /// [`Denial::StalePrice`]: there were prices, and all of them are too old.
    pub(super) fn risk_reference(&self, instrument: &InstrumentId) -> Result<Option<Decimal>, Denial> {
        let quote = self.quote(instrument);
        let max_age_ms = self.config.staleness.quote_max_age_ms;
        if max_age_ms == 0 {
            return Ok(quote.reference());
        }
        let Some(heard) = self.heard.get(instrument) else { return Ok(None) };
        let age_ms = |at: Option<Timestamp>| at.map(|at| self.now.ms_since(at));
        let is_young = |at| age_ms(at).is_some_and(|age| age <= max_age_ms);
        if is_young(heard.mark) {
            return Ok(quote.mark.map(crate::units::Price::get));
        }
        if is_young(heard.book) {
            return Ok(Quote { mark: None, ..quote }.reference());
        }
        match age_ms(heard.mark).into_iter().chain(age_ms(heard.book)).min() {
            Some(age_ms) => Err(Denial::StalePrice { instrument: instrument.clone(), age_ms }),
            None => Ok(None),
        }
    }

    /// Whether the market is not farther from where it was when an order was checked than the collar, with a price that is young
    /// enough to tell.
    pub(super) fn is_within_collar(&self, instrument: &InstrumentId, checked_at: Option<Decimal>) -> bool {
        match (self.risk_reference(instrument), checked_at) {
            (Ok(Some(now)), Some(then)) => (now - then).abs() <= then.saturating_mul(self.config.limits.collar),
            (Ok(_), _) => true,
            (Err(_), _) => false,
        }
    }
}
