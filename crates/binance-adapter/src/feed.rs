//! The private stream: one session, run as the machine in `session` says. Its events become reports in `translate`; what they
//! mean is the engine's business.

use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use exec_core::{
    report::{FeedEnd, Report, ReportBody},
    venue::{CommandError, QueryError, ReportFeed},
};
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    dialer::{Connector, Origin},
    endpoint,
    query::Query,
    rest::{Rest, read},
    session::{End, Happened, Session, SessionTimes, Step},
    translate::{self, Symbols, Tally},
    wire,
    ws::{Heard, Socket, SocketError, Traffic},
};

/// One session of the private stream.
pub(crate) struct UserFeed {
    rest: Arc<Rest>,
    symbols: Arc<Symbols>,
    tally: Arc<Tally>,
    socket: Socket,
    session: Session,
    key: SecretString,
    renewal: Option<BoxFuture<'static, Happened>>,
    waiting: VecDeque<Report>,
    over: Option<End>,
}

/// What the loop woke up for.
enum Woke {
    Socket(Result<Heard, SocketError>),
    Renewal(Happened),
    Time,
}

impl UserFeed {
    /// Makes a listen key and opens the stream with it.
    pub(crate) async fn open(
        rest: Arc<Rest>,
        symbols: Arc<Symbols>,
        tally: Arc<Tally>,
        connector: &Connector,
        private: &Origin,
        times: SessionTimes,
    ) -> Result<Self, QueryError> {
        let mut session = Session::new(times);
        session.handle(rest.now(), Happened::Time);
        let key = make_key(&rest).await?;
        session.handle(rest.now(), Happened::KeyMade);
        let mut path = String::from("/ws/");
        path.push_str(key.expose_secret());
        let socket = Socket::open(connector, private, &path, Traffic::Private)
            .await
            .map_err(|error| QueryError::Unavailable(format!("private stream: {error}")))?;
        session.handle(rest.now(), Happened::Opened);
        Ok(Self { rest, symbols, tally, socket, session, key, renewal: None, waiting: VecDeque::new(), over: None })
    }

    async fn wake(&mut self) -> Woke {
        let now = self.rest.now();
        let pause = self.session.wake_at().map_or(Duration::from_secs(60), |at| {
            // A millisecond more, so that the time asked for has come when the sleep ends.
            Duration::from_millis(at.ms_since(now).saturating_add(1))
        });
        let Self { socket, renewal, .. } = self;
        let renewed = async {
            match renewal {
                Some(renewal) => renewal.await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            heard = socket.next() => Woke::Socket(heard),
            happened = renewed => Woke::Renewal(happened),
            () = tokio::time::sleep(pause) => Woke::Time,
        }
    }

    async fn step(&mut self, happened: Happened) {
        let mut next = self.session.handle(self.rest.now(), happened);
        while let Some(step) = next.take() {
            match step {
                Step::Renew => {
                    let rest = Arc::clone(&self.rest);
                    let key = self.key.clone();
                    self.renewal = Some(Box::pin(async move { renew_key(&rest, &key).await }));
                }
                Step::Ping => {
                    if self.socket.ping().await.is_err() {
                        next = self.session.handle(self.rest.now(), Happened::Closed);
                    }
                }
                Step::AnnounceAge => {
                    self.waiting.push_back(Report { sent: None, body: ReportBody::Ending { reason: FeedEnd::Age } });
                }
                Step::AnnounceKeyGone => {
                    self.waiting.push_back(Report { sent: None, body: ReportBody::Ending { reason: FeedEnd::KeyExpired } });
                }
                Step::End(end) => self.over = Some(end),
                // The key and the socket are made before the feed exists.
                Step::MakeKey | Step::Open => self.over = Some(End::NotOpened),
            }
        }
    }
}

#[async_trait]
impl ReportFeed for UserFeed {
    async fn next(&mut self) -> Result<Report, QueryError> {
        loop {
            if let Some(report) = self.waiting.pop_front() {
                return Ok(report);
            }
            if let Some(end) = self.over {
                return Err(QueryError::Unavailable(format!("private stream is over: {end:?}")));
            }
            match self.wake().await {
                Woke::Socket(Ok(Heard::Text(text))) => {
                    let report = translate::report(&self.symbols, &self.tally, &text);
                    let expired = matches!(report.body, ReportBody::Ending { reason: FeedEnd::KeyExpired });
                    self.waiting.push_back(report);
                    self.step(if expired { Happened::KeyExpired } else { Happened::Heard }).await;
                }
                Woke::Socket(Ok(Heard::Alive)) => self.step(Happened::Heard).await,
                Woke::Socket(Err(error)) => {
                    tracing::info!(%error, "private stream");
                    self.step(Happened::Closed).await;
                }
                Woke::Renewal(happened) => {
                    self.renewal = None;
                    self.step(happened).await;
                }
                Woke::Time => {}
            }
            // Frames may come faster than the clock is looked at, so what is due is done after each of them.
            if self.over.is_none() && self.session.wake_at().is_some_and(|at| at <= self.rest.now()) {
                self.step(Happened::Time).await;
            }
        }
    }
}

async fn make_key(rest: &Rest) -> Result<SecretString, QueryError> {
    let reply = rest.set(&endpoint::MAKE_LISTEN_KEY, Query::default()).await.map_err(|error| match error {
        CommandError::Rejected(rejection) => QueryError::Refused(rejection),
        CommandError::NotSent(why) | CommandError::Unknown { why, .. } => QueryError::Unavailable(why),
    })?;
    let reply = reply.ok_or_else(|| QueryError::Malformed("no listen key".into()))?;
    let body: wire::ListenKey<'_> = read(&reply)?;
    match body.key {
        // It becomes part of a URL: nothing but the letters of a key may stand in it.
        Some(key) if !key.as_str().is_empty() && key.as_str().bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Ok(SecretString::from(key.as_str()))
        }
        _ => Err(QueryError::Malformed("no listen key".into())),
    }
}

async fn renew_key(rest: &Rest, key: &SecretString) -> Happened {
    match rest.set(&endpoint::RENEW_LISTEN_KEY, Query::default()).await {
        Ok(Some(reply)) => match read::<wire::ListenKey<'_>>(&reply) {
            // Another key than ours means that ours has been replaced, and this stream with it.
            Ok(body) if body.key.as_ref().is_some_and(|new| new.as_str() != key.expose_secret()) => Happened::KeyUnknown,
            Ok(_) => Happened::Renewed,
            Err(_) => Happened::RenewalFailed,
        },
        Ok(None) => Happened::Renewed,
        Err(CommandError::Unknown { why, .. }) if why.ends_with("code -1125") => Happened::KeyUnknown,
        Err(error) => {
            tracing::warn!(%error, "listen key not renewed");
            Happened::RenewalFailed
        }
    }
}
