//! `sim`: the exchange alone on an address, for any Binance client. It prints where it is and with which key, and runs until Ctrl-C.

use crate::{args::Sim, failure::Failure, logging, screen};
use exchange_sim::face::{FaceConfig, Server, StartError};

pub(crate) async fn run(args: &Sim) -> Result<(), Failure> {
    logging::quiet();
    let config = FaceConfig::new(args.seed).with_symbols(args.symbols);
    let config =
        if args.hedge { config.with_hedge_key(&args.key, &args.secret) } else { config.with_key(&args.key, &args.secret) };
    let shutdown = node_config::signals().map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    let server = Server::bind(config, args.listen).await.map_err(|error| match error {
        StartError::Config(_) => Failure::Usage(error.to_string()),
        StartError::Listen(_) => Failure::Refused(format!("{}: {error}; choose another address with --listen", args.listen)),
    })?;
    screen::say(format!("REST        {}", server.rest_url()));
    screen::say(format!("WebSocket   {}", server.ws_url()));
    screen::say(format!("API key     {}", args.key));
    screen::say(format!("API secret  {}", args.secret));
    screen::say(format!("mode        {}", if args.hedge { "hedge" } else { "one-way" }));
    screen::say(format!("operator    {}/sim/state (prices, faults, funds: POST {0}/sim/...)", server.rest_url()));
    screen::say("Ctrl-C ends it.");
    shutdown.await;
    server.shutdown().await;
    Ok(())
}
