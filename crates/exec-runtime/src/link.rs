//! Supervises the private stream: opens sessions, numbers them, pumps their events, comes back after a loss. It reads no event.
//!
//! Silence is judged elsewhere: a dead connection by the adapter's pings, a stream that says too little by the engine, which
//! then asks for another session.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    venue_calls::question,
};
use exec_core::{
    conversation::Input,
    ids::SessionId,
    venue::{ExecutionVenue, ReportFeed},
};
use std::sync::Arc;
use tokio::{sync::watch, time::Instant};

/// The engine's wish for another session: the one to close, and why.
pub(crate) type Reopen = Option<(SessionId, String)>;

/// Keeps sessions open, one after the other, until the loop is gone.
pub(crate) async fn supervise(
    venue: Arc<dyn ExecutionVenue>,
    config: RuntimeConfig,
    mut backoff: Backoff,
    arrivals: Arrivals,
    mut reopen: watch::Receiver<Reopen>,
) -> Result<(), LoopGone> {
    let mut last = SessionId(0);
    loop {
        match question(config.open_deadline, venue.open_feed()).await {
            Ok(feed) => {
                let session = SessionId(last.0 + 1);
                last = session;
                tracing::info!(session = session.0, "private stream is open");
                arrivals.input(Input::LinkUp(session)).await?;
                let opened = Instant::now();
                let why = pump(feed, session, &arrivals, &mut reopen).await?;
                arrivals.input(Input::LinkDown { session, why }).await?;
                if opened.elapsed() >= config.healthy_after {
                    // Nothing speaks against coming back at once; only failures in a row are spread out.
                    backoff.reset();
                    continue;
                }
            }
            Err(error) => {
                arrivals.warn("stream_unavailable", format!("private stream cannot be opened: {error}")).await?;
            }
        }
        tokio::time::sleep(backoff.delay()).await;
    }
}

/// Carries the events of one session until it ends, and says why.
async fn pump(
    mut feed: Box<dyn ReportFeed>,
    session: SessionId,
    arrivals: &Arrivals,
    reopen: &mut watch::Receiver<Reopen>,
) -> Result<String, LoopGone> {
    loop {
        let event = tokio::select! {
            biased;
            why = unwanted(session, reopen) => return why,
            event = feed.next() => event,
        };
        match event {
            Ok(report) => arrivals.input(Input::Report { session, report }).await?,
            Err(error) => return Ok(error.to_string()),
        }
    }
}

/// Waits until the engine wants this session, not an older one, closed.
async fn unwanted(session: SessionId, reopen: &mut watch::Receiver<Reopen>) -> Result<String, LoopGone> {
    let wish = reopen.wait_for(|wish| wish.as_ref().is_some_and(|(unwanted, _)| *unwanted == session)).await;
    match wish {
        Ok(wish) => Ok(wish.as_ref().map_or_else(String::new, |(_, why)| why.clone())),
        Err(_) => Err(LoopGone),
    }
}
