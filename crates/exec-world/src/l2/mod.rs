//! Worlds with sockets: the adapter's own bytes over pipes in memory, the runtime that drives a real node, and a clock that jumps to
//! where something happens. It proves nothing about sockets, files and processes of a real machine.
//!
//! ```text
//! exec-runtime's node --Request--> watched --> binance-adapter --bytes--> pipes --bytes--> exchange-sim's face --> the exchange
//!    |        ^                      |              (sign, HTTP, WebSocket, session, rate, clock, fate)   ^          |
//!    |        +--- reports, outcomes +                  faults by chunk: rough, bytes          faults: weather       |
//!    +--records--> disk --> the real log on a disk that fails                                                        |
//!                    +--> seat: books made of records alone, oracles <------------- the exchange's own ledger --------+
//! ```

mod bytes;
mod disk;
mod heal;
mod life;
mod pipes;
mod rough;
mod seat;
mod watched;
mod weather;
mod world;

use crate::{case::Case, fault::Fault, plan::Plan, trace::Wanted, world::Ended};

/// How long everything goes wrong if nobody says, in tenths of a second.
pub(crate) const STEPS: u64 = 600;

/// Faults of others than pipes and exchange.
const OTHERS: [Fault; 14] = [
    Fault::SyncSlow,
    Fault::SyncFails,
    Fault::Kill,
    Fault::PowerLoss,
    Fault::PowerInSnapshot,
    Fault::PowerInOpen,
    Fault::HandOrder,
    Fault::HandCancel,
    Fault::HandConditional,
    Fault::HandConditionalCancel,
    Fault::Deleveraged,
    Fault::Liquidated,
    Fault::Settled,
    Fault::CrashRecovering,
];

/// Every fault of the layer, as it is counted.
pub(crate) fn faults() -> Vec<&'static str> {
    let others = OTHERS.iter().map(|fault| fault.name());
    pipes::FAULTS
        .iter()
        .copied()
        .chain(bytes::Spoilt::ALL.map(bytes::Spoilt::name))
        .chain(weather::faults())
        .chain(others)
        .collect()
}

/// What a case's seed has drawn, for people.
pub(crate) fn plan(case: &Case) -> String {
    let plan = Plan::of(case);
    let rough = rough::Rough::new(&plan);
    format!("{plan:?} {rough:?}")
}

/// Lives one world through, on a runtime of its own whose clock is simulated.
pub(crate) fn live(case: &Case, wanted: Wanted) -> Result<Ended, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let world = world::World::new(case, wanted)?;
        Ok(world.run().await)
    })
}
