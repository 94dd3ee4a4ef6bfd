//! A trading node in about thirty lines: a strategy, a venue, a journal, limits. Not a strategy to make money with.
//!
//! Start an exchange beside it with `exec-node sim`, then:
//! `BINANCE_SIM_API_KEY=sim-key BINANCE_SIM_API_SECRET=sim-secret cargo run -p thirty-lines`

use exec_core::strategy::{Context, Strategy};
use exec_core::{ids::InstrumentId, units::PositionSide, units::Qty, units::Side};
use node_config::{NodeFactory, Process, signals};

const CONFIG: &str = r#"
profile = "simulated"
[accounts.main]
venue = "binance"
base_url_http = "http://127.0.0.1:9443"
base_url_ws = "ws://127.0.0.1:9443"
instruments = ["BTCUSDT-PERP.BINANCE"]
limits = { order_notional_max = 500, position_notional_max = 2000, open_orders_max = 5, collar = 0.05 }
[[strategies]]
id = "twap-1"
kind = "twap"
instruments = ["BTCUSDT-PERP.BINANCE"]
"#;

/// Buys ten clips, a second apart; a restart goes on with those that are left.
struct Twap {
    instrument: InstrumentId,
    clip: Qty,
}

impl Strategy for Twap {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(0, 1_000);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        let bought = ctx.share(&self.instrument, PositionSide::Net).magnitude();
        if bought.get() < self.clip.get() * rust_decimal::Decimal::TEN {
            ctx.market(&self.instrument, Side::Buy, PositionSide::Net, self.clip);
            ctx.set_timer(0, 1_000);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let factory = NodeFactory::simulated().strategy("twap", |entry| {
        let instrument = entry.instruments.first().ok_or("a twap needs an instrument")?.clone();
        Ok(Box::new(Twap { instrument, clip: "0.001".parse()? }))
    });
    let config = factory.read(CONFIG, &Process::beside(".".into()))?;
    let ended = factory.build(&config)?.run(signals()?).await?;
    if ended.is_clean() { Ok(()) } else { Err(ended.to_string().into()) }
}
