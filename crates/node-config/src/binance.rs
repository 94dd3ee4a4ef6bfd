//! Binance USDⓈ-M as a venue of a factory: settings and secrets out of the config, into the adapter.

use crate::{
    config::AccountConfig,
    holds::Hosts,
    profile::Environment,
    seat::{MakeError, VenueParts, VenueSeat},
};
use std::sync::Arc;

/// Makes adapters; those of one host share its weight.
pub(crate) fn maker() -> impl Fn(&VenueSeat<'_>) -> Result<VenueParts, MakeError> {
    let hosts = Hosts::default();
    move |seat| make(seat, &hosts)
}

fn make(seat: &VenueSeat<'_>, hosts: &Hosts) -> Result<VenueParts, MakeError> {
    use binance_adapter::{BinanceUsdm, Credentials, Settings};

    let config = seat.config;
    let credentials = config.credentials.as_ref().ok_or("key and secret are missing")?;
    let credentials = Credentials { key: credentials.key.clone(), secret: credentials.secret.clone() };
    let clock = seat.clock;
    let addresses = addresses(config)?;
    let (pool, holds) = hosts.of(&addresses.rest.authority(), seat.directory, seat.account);
    let settings = Settings {
        pool: Some(pool),
        holds: Some(holds),
        warn_limits: config.warn_rate_limits,
        recv_window_ms: config.recv_window_ms,
        engine_margin_ms: config.engine_margin_ms,
        engine_margin_other_ms: config.conditional_engine_margin_ms,
        visibility_ms: config.visibility_ms,
        lease: seat.lease.clone(),
        ..Settings::new(addresses, credentials, Arc::new(move || clock.now()))
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
