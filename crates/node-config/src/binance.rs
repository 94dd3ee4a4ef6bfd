//! Binance USDⓈ-M as a venue of a factory: settings and secrets out of the config, into the adapter.

use crate::{
    config::AccountConfig,
    factory::{MakeError, VenueParts, VenueSeat},
    profile::Environment,
};
use std::sync::Arc;

/// Makes the adapter of one account.
pub(crate) fn make(seat: &VenueSeat<'_>) -> Result<VenueParts, MakeError> {
    use binance_adapter::{BinanceUsdm, Credentials, Settings};

    let config = seat.config;
    let credentials = config.credentials.as_ref().ok_or("key and secret are missing")?;
    let credentials = Credentials { key: credentials.key.clone(), secret: credentials.secret.clone() };
    let clock = seat.clock;
    let settings = Settings {
        recv_window_ms: config.recv_window_ms,
        engine_margin_ms: config.engine_margin_ms,
        engine_margin_other_ms: config.conditional_engine_margin_ms,
        visibility_ms: config.visibility_ms,
        ..Settings::new(addresses(config)?, credentials, Arc::new(move || clock.now()))
    };
    let venue = Arc::new(BinanceUsdm::new(settings)?);
    Ok(VenueParts {
        execution: venue.clone(),
        prices: Some(venue.clone()),
        setup: Some(venue.clone()),
        clock: Some(venue.clone()),
        dead_mans_switch: Some(venue),
    })
}

fn addresses(config: &AccountConfig) -> Result<binance_adapter::environment::Environment, MakeError> {
    use binance_adapter::environment::{Environment as Addresses, LIVE, TESTNET};
    Ok(match config.environment {
        Environment::Live => Addresses::of(LIVE)?,
        Environment::Testnet => Addresses::of(TESTNET)?,
        Environment::Simulated => {
            let (http, ws) = (config.base_url_http.as_deref(), config.base_url_ws.as_deref());
            let addresses = Addresses::routed(http.ok_or("base_url_http is missing")?, ws.ok_or("base_url_ws is missing")?)?;
            // Checked when the file was read; said again where it would cost something.
            if !addresses.is_loopback() {
                return Err("a simulated account speaks to this machine only".into());
            }
            addresses
        }
    })
}
