//! A node on a venue of one's own: the adapter is `paper.rs`, registered under a name that the config says. Nothing else knows it.
//!
//! `cargo run -p own-venue` buys ten, and ends with Ctrl-C.

mod paper;
#[cfg(test)]
mod two_venues;

use exec_core::{
    ids::InstrumentId,
    strategy::{Context, Strategy},
    units::{PositionSide, Qty, Side},
};
use node_config::{MakeError, NodeFactory, Process, VenueParts, VenueSeat, signals};
use paper::PaperVenue;
use std::sync::Arc;

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

fn factory() -> NodeFactory {
    NodeFactory::simulated()
        .venue("paper", |seat: &VenueSeat<'_>| -> Result<VenueParts, MakeError> {
            let venue = Arc::new(PaperVenue::new(InstrumentId::new("GOLD-SPOT.PAPER")?, "2500.00".parse()?, seat.clock)?);
            Ok(VenueParts { execution: venue.clone(), prices: Some(venue), setup: None, clock: None })
        })
        .strategy("buy-once", |entry| {
            let instrument = entry.instruments.first().ok_or("it needs an instrument")?.clone();
            Ok(Box::new(BuyOnce { instrument, qty: "10".parse()? }))
        })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let factory = factory();
    let config = factory.read(CONFIG, &Process::beside(".".into()))?;
    let ended = factory.build(&config)?.run(signals()?).await?;
    if ended.is_clean() { Ok(()) } else { Err(ended.to_string().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node_config::control::{Ask, Reply};

    #[tokio::test(flavor = "current_thread")]
    async fn a_node_trades_on_a_venue_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let factory = factory();
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
