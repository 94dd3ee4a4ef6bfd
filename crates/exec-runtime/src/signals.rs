//! Ctrl-C and SIGTERM as a future. It only listens; the node decides what they mean.

use std::{future::Future, io};
use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on, and completes with the name of the first signal that asks the process to end.
///
/// # Errors
/// What the machine says when it refuses to listen.
pub fn signals() -> io::Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
