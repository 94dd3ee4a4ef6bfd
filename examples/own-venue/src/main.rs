//! A node on a venue of one's own, which is as unlike Binance as it could be made, registered under a name that the config says. Nothing
//! else knows it: `docs/adding-a-venue.md` tells how it was written.
//!
//! The adapter is `venue.rs`, `session.rs` and `words.rs`; the little exchange behind it is `exchange.rs` and `door.rs`; what passes
//! between them is `wire.rs`. `suite.rs` is the suite that every venue must pass.
//!
//! `cargo run -p own-venue` opens the exchange, buys ten there, and ends with Ctrl-C.

mod door;
mod exchange;
mod session;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod two_venues;
mod venue;
mod wire;
mod words;

use door::Door;
use exchange::Exchange;
use exec_core::{
    ids::InstrumentId,
    strategy::{Context, Strategy},
    units::{PositionSide, Qty, Side},
};
use node_config::{MakeError, NodeFactory, Process, VenueParts, VenueSeat, signals};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use venue::PaperVenue;

const CONFIG: &str = r#"
profile = "simulated"
[accounts.main]
venue = "paper"
instruments = ["GOLD-SPOT.PAPER"]
[[strategies]]
id = "buyer"
kind = "buy-once"
instruments = ["GOLD-SPOT.PAPER"]
"#;

/// Buys once, as soon as the gate is open and there is a price, unless it holds something already.
struct BuyOnce {
    instrument: InstrumentId,
    qty: Qty,
}

impl BuyOnce {
    fn buy(&self, ctx: &mut Context<'_>) {
        let priced = ctx.quote(&self.instrument).reference().is_some();
        let idle = ctx.open_orders().next().is_none() && ctx.share(&self.instrument, PositionSide::Net).is_zero();
        if priced && idle {
            ctx.market(&self.instrument, Side::Buy, PositionSide::Net, self.qty);
        }
    }
}

impl Strategy for BuyOnce {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.buy(ctx);
    }
    fn on_price(&mut self, ctx: &mut Context<'_>, _instrument: &InstrumentId) {
        self.buy(ctx);
    }
}

fn factory(exchange: SocketAddr) -> NodeFactory {
    NodeFactory::simulated()
        .venue("paper", move |seat: &VenueSeat<'_>| -> Result<VenueParts, MakeError> {
            let venue = Arc::new(PaperVenue::new(InstrumentId::new("GOLD-SPOT.PAPER")?, exchange, seat.clock));
            Ok(VenueParts {
                execution: venue.clone(),
                prices: Some(venue.clone()),
                setup: None,
                clock: Some(venue),
                dead_mans_switch: None,
            })
        })
        .strategy("buy-once", |entry| {
            let instrument = entry.instruments.first().ok_or("it needs an instrument")?.clone();
            Ok(Box::new(BuyOnce { instrument, qty: "10".parse()? }))
        })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let door = Door::open(Exchange::new("GOLD", "2500.00".parse()?)).await?;
    let factory = factory(door.addr);
    let config = factory.read(CONFIG, &Process::beside(".".into()))?;
    let market = async {
        for price in ["2500.10", "2500.00", "2499.90", "2500.00"].iter().cycle() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let price = price.parse()?;
            door.at(|exchange, now| exchange.go(now, price));
        }
        Ok(())
    };
    let node = factory.build(&config)?;
    let ended = tokio::select! {
        biased;
        ended = node.run(signals()?) => ended?,
        stopped = market => return stopped,
    };
    if ended.is_clean() { Ok(()) } else { Err(ended.to_string().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_config::control::{Ask, Reply};

    #[tokio::test(flavor = "current_thread")]
    async fn a_node_trades_on_a_venue_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::open(Exchange::new("GOLD", "2500.00".parse().unwrap())).await.unwrap();
        let factory = factory(door.addr);
        let mut config = factory.read(CONFIG, &Process::beside(".".into())).unwrap();
        config.journal.directory = folder.path().join("journal");
        let node = factory.build(&config).unwrap();
        let handle = node.handle().accounts()[0].clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let bought = async {
            assert!(handle.live().await);
            for _ in 0..500 {
                let Ok(Reply::Ok(positions)) = handle.control().ask("test", Ask::Positions {}).await else { break };
                if positions[0]["qty"] == "10" {
                    let _ = stop.send(());
                    return true;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            let _ = stop.send(());
            false
        };
        let (ended, bought) = tokio::join!(node.run(stopped), bought);
        assert!(bought, "the strategy's order is filled and in the books");
        assert!(ended.unwrap().is_clean());
    }
}
