//! What the supervising tasks bring to an account's loop, over one bounded channel that waits.

use crate::setup::StartError;
use exec_core::conversation::{Alert, AlertLevel, Input};
use tokio::sync::mpsc;

/// How many arrivals wait before the tasks that bring them do.
pub(crate) const ARRIVALS_MAX: usize = 1024;

/// Something for an account's loop.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// For the engine.
    Input(Input),
    /// For the operator.
    Alert(Alert),
    /// The node must not start like this.
    Fatal(StartError),
}

/// The way into a loop. When the loop is gone, bringing is in vain, and the task ends.
#[derive(Clone)]
pub(crate) struct Arrivals(mpsc::Sender<Arrival>);

/// The loop is gone.
#[derive(Debug)]
pub(crate) struct LoopGone;

impl Arrivals {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Arrival>) {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        (Self(sender), receiver)
    }
    pub(crate) async fn input(&self, input: Input) -> Result<(), LoopGone> {
        self.bring(Arrival::Input(input)).await
    }
    pub(crate) async fn warn(&self, kind: &'static str, text: String) -> Result<(), LoopGone> {
        self.bring(Arrival::Alert(Alert { level: AlertLevel::Warning, kind, text })).await
    }
    pub(crate) async fn bring(&self, arrival: Arrival) -> Result<(), LoopGone> {
        self.0.send(arrival).await.map_err(|_| LoopGone)
    }
}
