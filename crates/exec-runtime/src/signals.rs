//! The signals that a node listens to, as futures. They only listen, or ask like an operator; the node decides what they mean.

use crate::{control::Ask, node::NodeHandle};
use exec_core::kill::KillLevel;
use std::{convert::Infallible, future::Future, io};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Who asks, for the journal.
const SIGUSR1: &str = "SIGUSR1";

/// Listens from now on, and completes with the name of the first signal that asks the process to end.
///
/// # Errors
/// What the machine says when it refuses to listen.
pub fn signals() -> io::Result<impl Future<Output = &'static str>> {
    nth_signal(1)
}

/// Listens from now on, and completes with the second signal that asks the process to end: somebody does not want to wait for
/// what the first has begun. For [`crate::Node::hurried_by`].
///
/// # Errors
/// What the machine says when it refuses to listen.
pub fn second_signal() -> io::Result<impl Future<Output = &'static str>> {
    nth_signal(2)
}

fn nth_signal(nth: u32) -> io::Result<impl Future<Output = &'static str>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        let mut last = "SIGTERM";
        for _ in 0..nth {
            last = either(&mut terminate, &mut interrupt).await;
        }
        last
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        biased;
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// Listens from now on: every SIGUSR1 throws the kill switch of all accounts to `reduce`. SIGUSR2 is heard, so that it does not end
/// the process, and does nothing: a slip of a digit must not sell a book, so `flatten` takes a word. Never completes.
///
/// # Errors
/// What the machine says when it refuses to listen.
pub fn kill_signals(node: NodeHandle) -> io::Result<impl Future<Output = Infallible>> {
    let (mut first, mut second) = (signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?);
    Ok(async move {
        loop {
            let reduce = tokio::select! {
                biased;
                _ = first.recv() => true,
                _ = second.recv() => false,
            };
            if !reduce {
                tracing::warn!("SIGUSR2 does nothing; `exec-node kill` throws the kill switch");
                continue;
            }
            tracing::warn!("SIGUSR1: the kill switch of every account says reduce");
            for account in node.accounts() {
                let ask = Ask::Kill { level: KillLevel::Reduce, instrument: None, strategy: None };
                if let Err(error) = account.control().ask(SIGUSR1, ask).await {
                    tracing::error!(account = %account.account(), %error, "kill switch");
                }
            }
        }
    })
}
