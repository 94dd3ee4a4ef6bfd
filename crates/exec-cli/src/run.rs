//! `run`: a node from a config file, until Ctrl-C or SIGTERM. It only starts and ends; the node does the rest.

use crate::{args::Config, failure::Failure, logging, screen, select};
use node_config::FactoryError;
use std::time::Duration;

/// How long a journal that another process holds is waited for: a verb that found no node running holds it for a moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: &Config) -> Result<(), Failure> {
    let (factory, config) = select::load(&args.config)?;
    logging::start(&config.logging);
    let shutdown = node_config::signals().map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    let hurry = node_config::second_signal().map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    let waits = |held: &FactoryError| tracing::warn!("{held}; waiting for {} s", LOCK_PATIENCE.as_secs());
    let node = factory.build_within(&config, LOCK_PATIENCE, waits).await?;
    tracing::info!(trader = %config.trader_id, profile = %config.profile, accounts = config.accounts.len(), "node starts");
    let node = node.hurried_by(hurry);
    let kills = node_config::kill_signals(node.handle())
        .map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    let summary = tokio::select! {
        biased;
        never = kills => match never {},
        summary = node.run(shutdown) => summary?,
    };
    screen::say(summary.to_string().trim_end());
    if summary.is_clean() { Ok(()) } else { Err(Failure::Unsettled) }
}
