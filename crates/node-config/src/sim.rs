//! The built-in exchange as a venue inside this process. It forgets everything with the process, so the journal of such an account
//! is of no use to the next one.

use crate::seat::{MakeError, VenueParts, VenueSeat};
use exchange_sim::{
    AccountSpec, Exchange, ExchangeConfig,
    venue::{Desk, SimVenue},
};
use exec_core::units::PositionMode;
use std::sync::Arc;

/// Makes an exchange with one account.
pub(crate) fn make(seat: &VenueSeat<'_>) -> Result<VenueParts, MakeError> {
    let clock = seat.clock;
    let now = move || i64::try_from(clock.now().as_ms()).unwrap_or(i64::MAX);
    let mut exchange = Exchange::new(ExchangeConfig { start_ms: now(), ..ExchangeConfig::default() })?;
    let hedge = seat.config.oms_type == PositionMode::Hedging;
    let account = exchange.create_account(AccountSpec { hedge, ..AccountSpec::default() });
    let venue = Arc::new(SimVenue::new(Desk::new(exchange, account), now));
    Ok(VenueParts {
        execution: venue.clone(),
        prices: Some(venue.clone()),
        setup: Some(venue.clone()),
        clock: Some(venue.clone()),
        dead_mans_switch: Some(venue),
    })
}
