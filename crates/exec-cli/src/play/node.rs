//! The child process of a play: an ordinary node from an ordinary config file. It knows nothing of the play around it.

use crate::{args::PlayNode, failure::Failure, logging, select};
use std::io::Read;
use tokio::sync::oneshot;

pub(crate) async fn run(args: &PlayNode) -> Result<(), Failure> {
    let (factory, config) = select::load(&args.config)?;
    #[cfg(feature = "drill")]
    crate::drill::killer::start();
    logging::start(&config.logging);
    let signals = node_config::signals().map_err(|error| Failure::Refused(format!("cannot listen for signals: {error}")))?;
    let node = factory.build(&config)?;
    let orphaned = orphaned();
    let shutdown = async {
        tokio::select! {
            biased;
            signal = signals => tracing::info!(signal, "asked to end"),
            _ = orphaned => tracing::warn!("the play is gone"),
        }
    };
    let summary = node.run(shutdown).await?;
    tracing::info!("{summary}");
    if summary.is_clean() { Ok(()) } else { Err(Failure::Refused(summary.to_string())) }
}

/// Completes when the parent process is gone: its end of standard input closes with it.
fn orphaned() -> oneshot::Receiver<()> {
    let (gone, orphaned) = oneshot::channel();
    // Waits outside of the runtime; it ends with the process, and touches nothing of the node.
    std::thread::spawn(move || {
        let mut nothing = [0_u8; 64];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        let _ = gone.send(());
    });
    orphaned
}
