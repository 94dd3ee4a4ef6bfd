//! Tells an operator's verb when an instrument has a price. It follows prices and places nothing.

use exec_core::{
    ids::InstrumentId,
    strategy::{Context, Strategy},
};
use std::collections::BTreeSet;
use tokio::sync::watch;

/// Sits where a strategy sits, and notes which instruments have a price.
pub(crate) struct PriceWatch(watch::Sender<BTreeSet<InstrumentId>>);

impl Strategy for PriceWatch {
    fn on_price(&mut self, _ctx: &mut Context<'_>, instrument: &InstrumentId) {
        self.0.send_if_modified(|seen| seen.insert(instrument.clone()));
    }
}

/// Which instruments have a price.
#[derive(Clone, Debug)]
pub struct Prices(watch::Receiver<BTreeSet<InstrumentId>>);

impl Prices {
    /// Waits until the instrument has a price; `false` if the node ends before.
    pub async fn of(&mut self, instrument: &InstrumentId) -> bool {
        self.0.wait_for(|seen| seen.contains(instrument)).await.is_ok()
    }
}

pub(crate) fn pair() -> (PriceWatch, Prices) {
    let (sender, receiver) = watch::channel(BTreeSet::new());
    (PriceWatch(sender), Prices(receiver))
}
