//! Supervises the private stream: opens sessions, numbers them, pumps their events, hands over from one to the next, comes back
//! after a loss. It reads no event.
//!
//! Silence is judged elsewhere: a dead connection by the adapter's pings, a stream that says too little by the engine, which
//! then asks for another session. The new one is opened while the old one still delivers, and the engine says when the old one
//! may go: facts may come twice, and none may fall between the two.

use crate::{
    arrival::{Arrivals, LoopGone},
    backoff::Backoff,
    config::RuntimeConfig,
    venue_calls::question,
};
use exec_core::{
    conversation::Input,
    ids::SessionId,
    venue::{ExecutionVenue, QueryError, ReportFeed},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::Instant,
};

/// What the engine wants of sessions. Their numbers only rise, so the newest wish says all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    /// This one, and those before it, are to have a successor.
    pub(crate) replace: SessionId,
    /// This one, and those before it, are to be closed.
    pub(crate) close: SessionId,
}

impl Default for Wishes {
    fn default() -> Self {
        // No session has this number.
        Self { replace: SessionId(0), close: SessionId(0) }
    }
}

type Opened = Result<Box<dyn ReportFeed>, QueryError>;
type Pumped = Result<(SessionId, String), LoopGone>;

/// Keeps a session open until the loop is gone.
pub(crate) async fn supervise(
    venue: Arc<dyn ExecutionVenue>,
    config: RuntimeConfig,
    backoff: Backoff,
    arrivals: Arrivals,
    wishes: watch::Receiver<Wishes>,
) -> Result<(), LoopGone> {
    let (last, newest, opening, running) = (SessionId(0), None, None, JoinSet::new());
    let mut link = Link { venue, config, backoff, arrivals, wishes, last, newest, opening, running, wait: false };
    loop {
        link.open_if_wanted();
        let Link { opening, running, wishes, .. } = &mut link;
        let opened = async {
            match opening {
                Some(opening) => opening.await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(ended) = running.join_next() => link.ended(ended).await?,
            opened = opened => link.opened(opened).await?,
            changed = wishes.changed() => changed.map_err(|_| LoopGone)?,
        }
    }
}

struct Link {
    venue: Arc<dyn ExecutionVenue>,
    config: RuntimeConfig,
    backoff: Backoff,
    arrivals: Arrivals,
    wishes: watch::Receiver<Wishes>,
    last: SessionId,
    /// The newest session, while it is open, and since when; that is forgotten when its successor is wanted.
    newest: Option<(SessionId, Option<Instant>)>,
    opening: Option<BoxFuture<'static, Opened>>,
    running: JoinSet<Pumped>,
    /// Whether the last try, or a session that did not live long, wants a pause before the next.
    wait: bool,
}

impl Link {
    fn open_if_wanted(&mut self) {
        if self.opening.is_some() {
            return;
        }
        if let Some((session, since)) = &mut self.newest {
            if self.wishes.borrow().replace < *session {
                return;
            }
            let since = since.take();
            self.judge(since, self.config.healthy_after);
        }
        let delay = if self.wait { self.backoff.delay() } else { Duration::ZERO };
        let (venue, deadline) = (Arc::clone(&self.venue), self.config.open_deadline);
        let open = async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            question(deadline, venue.open_feed()).await
        };
        self.opening = Some(open.boxed());
    }

    async fn opened(&mut self, opened: Opened) -> Result<(), LoopGone> {
        self.opening = None;
        match opened {
            Ok(feed) => {
                let session = SessionId(self.last.0 + 1);
                self.last = session;
                self.newest = Some((session, Some(Instant::now())));
                tracing::info!(session = session.0, "private stream is open");
                self.arrivals.input(Input::LinkUp(session)).await?;
                self.running.spawn(pump(feed, session, self.arrivals.clone(), self.wishes.clone()));
            }
            Err(error) => {
                self.wait = true;
                self.arrivals.warn("stream_unavailable", format!("private stream cannot be opened: {error}")).await?;
            }
        }
        Ok(())
    }

    async fn ended(&mut self, ended: Result<Pumped, JoinError>) -> Result<(), LoopGone> {
        let (session, why) = match ended {
            Ok(pumped) => pumped?,
            // In a build that unwinds, a dead pump must not look like a quiet venue.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(LoopGone),
        };
        tracing::info!(session = session.0, why, "private stream is over");
        if let Some((_, since)) = self.newest.take_if(|(newest, _)| *newest == session) {
            self.judge(since, self.config.steady_after);
        }
        self.arrivals.input(Input::LinkDown { session, why }).await
    }

    /// Nothing speaks against coming back at once after a session that lived; only failures in a row are spread out.
    fn judge(&mut self, opened: Option<Instant>, enough: Duration) {
        let Some(opened) = opened else { return };
        self.wait = opened.elapsed() < enough;
        if !self.wait {
            self.backoff.reset();
        }
    }
}

/// Carries the events of one session until it ends or is not wanted any more, and says why.
async fn pump(
    mut feed: Box<dyn ReportFeed>,
    session: SessionId,
    arrivals: Arrivals,
    mut wishes: watch::Receiver<Wishes>,
) -> Pumped {
    loop {
        let event = tokio::select! {
            biased;
            wish = wishes.wait_for(|wish| wish.close >= session) => {
                return match wish {
                    Ok(_) => Ok((session, String::from("another has taken over"))),
                    Err(_) => Err(LoopGone),
                };
            }
            event = feed.next() => event,
        };
        match event {
            Ok(report) => arrivals.input(Input::Report { session, report }).await?,
            Err(error) => return Ok((session, error.to_string())),
        }
    }
}
