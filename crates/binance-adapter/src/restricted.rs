//! What the venue restricts now, as far as its answers show it: locks by rules of conduct, symbols whose risk is controlled or that
//! do not trade. Cooling-off and large positions stand in no answer.
//!
//! Source: USDⓈ-M "Futures Trading Quantitative Rules Indicators" and "Exchange Information", read 2026-11-22;
//! `POSITION_RISK_CONTROL` as live sends it (2026-09-15).

use exec_core::{
    ids::InstrumentId,
    time::VenueTime,
    venue::{QueryError, Restriction},
};

use crate::{endpoint, query::Query, venue::BinanceUsdm, wire};

/// More symbols than this are asked for at once: one by one they would cost as much.
const ONE_BY_ONE_MAX: usize = 9;
/// The key that stands for all symbols.
const ACCOUNT: &str = "ACCOUNT";

impl BinanceUsdm {
    pub(crate) async fn read_restrictions(&self, instruments: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError> {
        let mut found = Vec::new();
        // The answer about one symbol is not said to hold the account's own indicators.
        if instruments.is_empty() || instruments.len() > ONE_BY_ONE_MAX {
            let reply = self.rest.ask_list(&endpoint::TRADING_STATUS, Query::default(), self.asks).await?;
            self.locks(&self.told(&endpoint::TRADING_STATUS, &reply)?, &mut found);
        } else {
            for instrument in instruments {
                let mut query = Query::default();
                query.text("symbol", instrument.symbol());
                let reply = self.rest.ask_list(&endpoint::TRADING_STATUS_OF, query, self.asks).await?;
                self.locks(&self.told(&endpoint::TRADING_STATUS_OF, &reply)?, &mut found);
            }
        }
        if !instruments.is_empty() {
            self.controlled(instruments, &mut found).await?;
        }
        Ok(found)
    }

    fn locks(&self, rules: &wire::TradingRules<'_>, found: &mut Vec<Restriction>) {
        for (key, indicators) in &rules.indicators.rows {
            let Some(lock) = indicators.iter().find(|indicator| indicator.locked) else { continue };
            let instrument = match key.as_str() {
                ACCOUNT => None,
                symbol => match self.symbols.instrument(symbol) {
                    Ok(instrument) => Some(instrument),
                    Err(error) => {
                        tracing::warn!(symbol, %error, "a symbol that is locked cannot be read");
                        continue;
                    }
                },
            };
            let until = indicators.iter().filter(|i| i.locked).filter_map(|i| i.recovers).max().filter(|at| *at > 0);
            let text = format!("trading is locked by the rule {}", lock.indicator);
            add(found, Restriction { instrument, text, until: until.map(VenueTime) });
        }
    }

    async fn controlled(&self, instruments: &[InstrumentId], found: &mut Vec<Restriction>) -> Result<(), QueryError> {
        let reply = self.rest.ask_list(&endpoint::EXCHANGE_INFO, Query::default(), self.asks).await?;
        let info: wire::ExchangeInfo<'_> = self.told(&endpoint::EXCHANGE_INFO, &reply)?;
        for row in &info.symbols {
            let Ok(symbol) = wire::read::<wire::SymbolInfo<'_>>(row.0) else { continue };
            let Some(instrument) = instruments.iter().find(|i| i.symbol() == symbol.symbol.as_str()) else { continue };
            let control = symbol.filters.iter().find_map(|filter| filter.control.as_ref()).map(wire::Text::as_str);
            let text = match (&symbol.status, control) {
                (wire::ContractStatus::Trading, None | Some("NONE" | "")) => continue,
                (wire::ContractStatus::Trading, Some(side)) => format!("position risk control: {side} may only reduce"),
                (_, _) => "the symbol is not in trading status".to_owned(),
            };
            add(found, Restriction { instrument: Some(instrument.clone()), text, until: None });
        }
        Ok(())
    }
}

fn add(found: &mut Vec<Restriction>, restriction: Restriction) {
    if found.iter().all(|known| known.instrument != restriction.instrument) {
        found.push(restriction);
    }
}
