//! Which symbols were traded lately: what was traded and closed while nobody listened stands in no list of orders and positions,
//! and is found in the income list. Not what was traded: the trade lists tell that.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};

use exec_core::{ids::InstrumentId, time::VenueTime, venue::QueryError};

use crate::{endpoint, query::Query, venue::BinanceUsdm, wire};

/// Rows of a full page of income.
const PAGE: usize = 1000;
/// Most pages of one question: each weighs as much as a quarter of everything else that is asked for.
const PAGES_MAX: u64 = 10;
/// How far back the first question looks, which is also as far as the venue looks by itself.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// A symbol stays of interest for so long: an answer may be thrown away and everything be asked for again.
const OVERLAP_MS: i64 = 10 * 60 * 1000;

/// Up to when the income is known.
#[derive(Debug, Default)]
pub(crate) struct Traded(AtomicI64);

impl Traded {
    /// Everything was read at this moment.
    pub(crate) fn known_until(&self, asked: VenueTime) {
        self.0.store(asked.0, Ordering::Relaxed);
    }
    fn since(&self, now: VenueTime) -> i64 {
        match self.0.load(Ordering::Relaxed) {
            0 => now.0 - WEEK_MS,
            known => (known - OVERLAP_MS).max(now.0 - WEEK_MS),
        }
    }
}

impl BinanceUsdm {
    /// The instruments that were traded since everything was read last, in the last week at the first time.
    pub(crate) async fn traded_lately(&self, now: VenueTime) -> Result<BTreeSet<InstrumentId>, QueryError> {
        let mut found = BTreeSet::new();
        for page in 1..=PAGES_MAX {
            let mut query = Query::default();
            query.signed("startTime", self.traded.since(now));
            query.number("page", page);
            query.number("limit", PAGE as u64);
            let reply = match self.rest.ask_list(&endpoint::INCOME, query, self.asks).await {
                Ok(reply) => reply,
                Err(QueryError::Refused(refusal)) => {
                    // It only adds to what is asked for; orders and positions are read without it.
                    tracing::error!(code = refusal.code, text = refusal.text, "the venue does not tell the account's income");
                    return Ok(found);
                }
                Err(error) => return Err(error),
            };
            let rows: Vec<wire::IncomeRow<'_>> = self.told(&endpoint::INCOME, &reply)?;
            for row in &rows {
                let traded = row.trade_id.as_ref().is_some_and(|id| id.number().is_some());
                let symbol = row.symbol.as_ref().map(wire::Text::as_str).filter(|symbol| traded && !symbol.is_empty());
                match symbol.map(|symbol| self.symbols.instrument(symbol)) {
                    Some(Ok(instrument)) => {
                        found.insert(instrument);
                    }
                    Some(Err(error)) => tracing::warn!(%error, "a symbol of the income list cannot be read"),
                    None => {}
                }
            }
            if rows.len() < PAGE {
                return Ok(found);
            }
        }
        tracing::warn!(
            symbols = found.len(),
            "the income list is longer than is read; a symbol that was traded and closed may be missed"
        );
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_question_goes_back_a_week_and_the_next_ones_overlap() {
        let (traded, now) = (Traded::default(), VenueTime(100 * WEEK_MS));
        assert_eq!(traded.since(now), 99 * WEEK_MS);
        traded.known_until(VenueTime(now.0 - 60_000));
        assert_eq!(traded.since(now), now.0 - 60_000 - OVERLAP_MS);
        traded.known_until(VenueTime(now.0 - 2 * WEEK_MS));
        assert_eq!(traded.since(now), now.0 - WEEK_MS);
    }
}
