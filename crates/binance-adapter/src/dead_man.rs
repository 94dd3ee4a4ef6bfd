//! The dead-man's switch of USDⓈ-M. It only carries the wish; when it is due is the engine's.
//!
//! Source: Auto-Cancel All Open Orders (`POST /fapi/v1/countdownCancelAll`), read 2026-11-22: weight 10, one symbol, the server
//! looks every 10 ms or so. Whether conditional orders that wait for their trigger go with the others is not documented, so they
//! count as not covered.

use crate::{endpoint, query::Query, venue::BinanceUsdm, wire};
use async_trait::async_trait;
use exec_core::venue::{CommandError, Countdown, DeadMansSwitch};

#[async_trait]
impl DeadMansSwitch for BinanceUsdm {
    async fn count_down(&self, countdown: Countdown) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.text("symbol", countdown.instrument.symbol()).number("countdownTime", countdown.after_ms);
        let unknown = |why: String| CommandError::Unknown { why, live: false };
        let Some(reply) = self.rest.set(&endpoint::COUNTDOWN, query).await? else { return Ok(()) };
        let told: wire::Countdown<'_> = wire::read(reply.text()).map_err(|error| unknown(error.to_string()))?;
        self.tally.count(endpoint::COUNTDOWN.name(), &told);
        if told.symbol.as_str() == countdown.instrument.symbol() {
            Ok(())
        } else {
            Err(unknown(String::from("the reply is about another symbol")))
        }
    }
}
