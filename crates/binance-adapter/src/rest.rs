//! One REST exchange from parameters to a fate: budget, timestamp, signature, transport, table. It knows no order; what a
//! success says is read by its callers.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use exec_core::{
    lease::LeaseGuard,
    time::{ClockReading, Timestamp, VenueTime},
    venue::{CommandError, LimitUse, QueryError, RejectClass, Rejection},
};
use http::Method;

use crate::{
    clock::{Sample, VenueClockEstimate},
    endpoint::{self, Endpoint, Security},
    fate::{self, Fate},
    query::Query,
    rate::{Budget, HoldStore, Limits, Priority, Wait},
    sign::Signer,
    transport::{Reply, Request, Transport, TransportError},
    wire,
};

/// The engine's clock: the adapter reads no other.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How many round trips the first reading of the clock takes.
const FIRST_SAMPLES: usize = 5;

/// Which connections a request goes over, so that a cancel waits behind no order, not even one that closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// New orders, changes, the clock.
    Entry,
    /// Orders that close.
    Exit,
    /// Cancels.
    Cancel,
    /// Questions and set-up.
    Inquiry,
    /// Questions to the wallet.
    Wallet,
}

/// The connections that orders and cancels go over.
const LANES: [Lane; 3] = [Lane::Entry, Lane::Exit, Lane::Cancel];

/// The moment and the window that a request is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) timestamp: VenueTime,
    pub(crate) recv_window_ms: u64,
}

/// How one request is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handling {
    pub(crate) lane: Lane,
    pub(crate) priority: Priority,
    pub(crate) begin_within: Duration,
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum NoReply {
    /// Nothing left this process.
    NotSent(String),
    /// It may have arrived.
    Unknown(String),
}

/// A reply that is not a success, and what it says.
struct Refusal {
    status: u16,
    fate: Fate,
}

/// The transports and everything they share.
pub(crate) struct Rest {
    pub(crate) entry: Arc<dyn Transport>,
    pub(crate) exit: Arc<dyn Transport>,
    pub(crate) cancel: Arc<dyn Transport>,
    pub(crate) inquiry: Arc<dyn Transport>,
    pub(crate) wallet: Option<Arc<dyn Transport>>,
    pub(crate) prefix: String,
    pub(crate) signer: Signer,
    pub(crate) budget: Mutex<Budget>,
    pub(crate) holds: Option<Arc<dyn HoldStore>>,
    pub(crate) warn_limits: bool,
    pub(crate) lease: Option<Arc<LeaseGuard>>,
    pub(crate) clock: Mutex<VenueClockEstimate>,
    pub(crate) lane_next: AtomicUsize,
    pub(crate) now: Now,
    pub(crate) recv_window_ms: u64,
    pub(crate) answer_within: Duration,
}

impl Rest {
    /// Our time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// What is known of the venue's clock now.
    pub(crate) fn clock_reading(&self) -> Option<ClockReading> {
        lock(&self.clock).reading(self.now())
    }

    /// The venue's time, if its clock has been read.
    pub(crate) fn venue_now(&self) -> Option<VenueTime> {
        self.clock_reading().map(|reading| reading.venue_time(self.now()))
    }

    /// The budget's time: the venue's as far as it is known.
    fn budget_now(&self) -> VenueTime {
        let now = self.now();
        let last = lock(&self.clock).last(now);
        last.map_or_else(|| VenueTime(i64::try_from(now.as_ms()).unwrap_or(i64::MAX)), |reading| reading.venue_time(now))
    }

    /// Reads the venue's clock: once, or a few times if nothing is known yet.
    ///
    /// # Errors
    /// [`QueryError`].
    pub(crate) async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        // Without a reading no exit can be dated.
        let unread = lock(&self.clock).is_empty();
        let (samples, priority) = if unread { (FIRST_SAMPLES, Priority::Exit) } else { (1, Priority::Recovery) };
        for _ in 0..samples {
            // In turn over the connections that orders and cancels take: it keeps them warm, finds out that one is dead before
            // an order does, and measures what they will meet.
            let lane = LANES[self.lane_next.fetch_add(1, Ordering::Relaxed) % LANES.len()];
            let asked = self.now();
            let reply = self
                .ask_with(&endpoint::TIME, Query::default(), Handling { lane, priority, begin_within: self.answer_within })
                .await?;
            let answered = self.now();
            let venue = VenueTime(read::<wire::ServerTime<'_>>(&reply)?.server_time);
            lock(&self.clock).add(Sample { asked, answered, venue });
        }
        self.clock_reading().ok_or_else(|| QueryError::Malformed("the clock ran backwards".into()))
    }

    /// Asks a question: signed if the endpoint wants it, with a timestamp of now.
    ///
    /// # Errors
    /// [`QueryError`]; "not there" is `Ok(None)`, and what that proves the caller must know.
    pub(crate) async fn ask(&self, endpoint: &Endpoint, query: Query, priority: Priority) -> Result<Option<Reply>, QueryError> {
        let handling = Handling { lane: Lane::Inquiry, priority, begin_within: self.answer_within };
        let query = self.stamped(endpoint, query).await?;
        match self.exchange(endpoint, query, handling).await.map_err(unavailable)? {
            Ok(reply) => Ok(Some(reply)),
            Err(Refusal { fate: Fate::NotThere, .. }) => Ok(None),
            Err(Refusal { status, fate }) => Err(query_error(status, fate)),
        }
    }

    /// Asks the wallet. Its failures are its own: a host that refuses says nothing about the key elsewhere.
    ///
    /// # Errors
    /// [`QueryError`].
    pub(crate) async fn ask_wallet(&self, endpoint: &Endpoint) -> Result<Reply, QueryError> {
        let handling = Handling { lane: Lane::Wallet, priority: Priority::Ordinary, begin_within: self.answer_within };
        let query = self.stamped(endpoint, Query::default()).await?;
        self.ask_with(endpoint, query, handling).await
    }

    /// Asks a question whose subject must exist.
    ///
    /// # Errors
    /// [`QueryError`].
    pub(crate) async fn ask_list(&self, endpoint: &Endpoint, query: Query, priority: Priority) -> Result<Reply, QueryError> {
        match self.ask(endpoint, query, priority).await? {
            Some(reply) => Ok(reply),
            None => Err(QueryError::Malformed(format!("{} answered that there is no such order", endpoint.path))),
        }
    }

    async fn ask_with(&self, endpoint: &Endpoint, query: Query, handling: Handling) -> Result<Reply, QueryError> {
        let answer = self.exchange(endpoint, query, handling).await.map_err(unavailable)?;
        answer.map_err(|Refusal { status, fate }| query_error(status, fate))
    }

    /// Changes a setting, gets or renews a listen key, or gives a sign of life. What is so already is a success. It is served like
    /// a recovery: without it no stream opens and no node trades.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(crate) async fn set(&self, endpoint: &Endpoint, mut query: Query) -> Result<Option<Reply>, CommandError> {
        let handling = Handling { lane: Lane::Inquiry, priority: Priority::Recovery, begin_within: self.answer_within };
        if endpoint.security == Security::Signed {
            let stamp = self.stamp().await.map_err(|error| CommandError::NotSent(error.to_string()))?;
            self.sign_under_lease(&mut query, stamp)?;
        }
        match self.exchange(endpoint, query, handling).await? {
            Ok(reply) => Ok(Some(reply)),
            Err(Refusal { fate: Fate::AlreadySo, .. }) => Ok(None),
            Err(Refusal { status, fate }) => Err(command_error(status, fate)),
        }
    }

    /// Signs with exactly this stamp, sends once, and returns the successful reply.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(crate) async fn command(
        &self,
        endpoint: &Endpoint,
        mut query: Query,
        stamp: Stamp,
        handling: Handling,
    ) -> Result<Reply, CommandError> {
        self.sign_under_lease(&mut query, stamp)?;
        let answer = self.exchange(endpoint, query, handling).await?;
        answer.map_err(|Refusal { status, fate }| command_error(status, fate))
    }

    /// Signs what changes something at the venue, if the lease covers its window. Between here and the wire a process may stand still
    /// for any time: the venue refuses it then.
    fn sign_under_lease(&self, query: &mut Query, stamp: Stamp) -> Result<(), CommandError> {
        if self.lease.as_ref().is_some_and(|lease| !lease.covers(stamp.timestamp, stamp.recv_window_ms)) {
            return Err(CommandError::NotSent("no lease covers it".into()));
        }
        sign(query, stamp, &self.signer);
        Ok(())
    }

    /// A stamp of now with the window of queries and cancels.
    ///
    /// # Errors
    /// [`QueryError`] if the venue's clock is not known and cannot be read.
    pub(crate) async fn stamp(&self) -> Result<Stamp, QueryError> {
        let timestamp = match self.venue_now() {
            Some(now) => now,
            None => self.read_clock().await?.venue_time(self.now()),
        };
        Ok(Stamp { timestamp, recv_window_ms: self.recv_window_ms })
    }

    async fn stamped(&self, endpoint: &Endpoint, mut query: Query) -> Result<Query, QueryError> {
        if endpoint.security == Security::Signed {
            let stamp = self.stamp().await?;
            sign(&mut query, stamp, &self.signer);
        }
        Ok(query)
    }

    /// Takes the budget, sends once, learns from the headers, judges what is not a success.
    async fn exchange(&self, endpoint: &Endpoint, query: Query, handling: Handling) -> Result<Result<Reply, Refusal>, NoReply> {
        let begun = self.budget_now();
        lock(&self.budget)
            .take(begun, endpoint.cost, handling.priority)
            .map_err(|Wait { why, until }| NoReply::NotSent(format!("budget: {why:?} until {until}")))?;
        let mut target = format!("{}{}", self.prefix, endpoint.path);
        let mut body = Bytes::new();
        if !query.as_bytes().is_empty() {
            // Signed parameters of POST and PUT go into the body, where no log of a proxy shows them.
            if endpoint.method == Method::POST || endpoint.method == Method::PUT {
                body = Bytes::from(query.into_bytes());
            } else {
                target.push('?');
                target.push_str(query.as_str());
            }
        }
        let request = Request {
            method: endpoint.method.clone(),
            target,
            body,
            keyed: endpoint.security != Security::Open,
            begin_within: handling.begin_within,
            answer_within: self.answer_within,
        };
        let transport = match handling.lane {
            Lane::Entry => &self.entry,
            Lane::Exit => &self.exit,
            Lane::Cancel => &self.cancel,
            Lane::Inquiry => &self.inquiry,
            Lane::Wallet => self.wallet.as_ref().ok_or_else(|| NoReply::NotSent("there is no wallet here".into()))?,
        };
        match transport.send(request).await {
            Ok(reply) => {
                self.learn_from(begun, &reply);
                tracing::trace!(path = endpoint.path, status = reply.status, "exchange");
                if reply.is_success() {
                    return Ok(Ok(reply));
                }
                let fate = fate::judge(endpoint.act, reply.status, reply.text());
                let blamed = matches!(fate, Fate::Refused { class: RejectClass::Clock, .. });
                if blamed && endpoint.security == Security::Signed {
                    lock(&self.clock).clear(self.now());
                }
                Ok(Err(Refusal { status: reply.status, fate }))
            }
            Err(TransportError::NeverBegun(why)) => Err(NoReply::NotSent(why.to_string())),
            Err(TransportError::Incomplete(why)) => Err(NoReply::Unknown(why.to_string())),
        }
    }

    /// Learns from the headers and the status of a reply; keeps a state that it puts us in.
    fn learn_from(&self, begun: VenueTime, reply: &Reply) {
        let now = self.budget_now();
        let (news, warnings) = {
            let mut budget = lock(&self.budget);
            let news = budget.replied(begun, now, reply.status, reply.usage, reply.text());
            (news, if self.warn_limits { budget.warnings() } else { Vec::new() })
        };
        for (limit, used, most) in warnings {
            tracing::warn!(limit, used, most, "much of a limit of the venue is used in this window");
        }
        if let Some((hold, until)) = news {
            tracing::error!(hold = hold.name(), %until, status = reply.status, "the venue holds us back");
            if let Some(holds) = &self.holds {
                // By our own clock: after a restart the venue's cannot be read before the end of a ban.
                let offset = self.clock_reading().map_or(0, |reading| reading.offset_ms);
                holds.keep(hold, VenueTime(until.0.saturating_sub(offset)));
            }
        }
    }

    /// Whether another stream may be opened; it counts as one.
    ///
    /// # Errors
    /// [`QueryError::Unavailable`]: the address has opened as many as it may, or is banned.
    pub(crate) fn may_connect(&self, priority: Priority) -> Result<(), QueryError> {
        let now = self.budget_now();
        let refused = |Wait { why, until }: Wait| QueryError::Unavailable(format!("budget: {why:?} until {until}"));
        lock(&self.budget).connect(now, priority).map_err(refused)
    }

    /// How much of each limit is used.
    pub(crate) fn limits_used(&self) -> Vec<LimitUse> {
        lock(&self.budget).used(self.budget_now())
    }

    /// Takes the limits that the venue states.
    pub(crate) fn learn_limits(&self, limits: Limits) {
        lock(&self.budget).set_limits(limits);
    }
}

impl From<NoReply> for CommandError {
    fn from(none: NoReply) -> Self {
        match none {
            NoReply::NotSent(why) => Self::NotSent(why),
            NoReply::Unknown(why) => Self::Unknown { why, live: false },
        }
    }
}

/// Appends window and timestamp, signs, appends the signature: the last three parameters of every signed request.
pub(crate) fn sign(query: &mut Query, stamp: Stamp, signer: &Signer) {
    query.number("recvWindow", stamp.recv_window_ms).signed("timestamp", stamp.timestamp.0);
    query.sign(signer);
}

/// Reads the answer to a question.
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(reply: &'a Reply) -> Result<T, QueryError> {
    wire::read(reply.text()).map_err(|error| QueryError::Malformed(error.to_string()))
}

/// Nothing here panics while it holds a lock; if it did, the counters would still be whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(none: NoReply) -> QueryError {
    match none {
        NoReply::NotSent(why) | NoReply::Unknown(why) => QueryError::Unavailable(why),
    }
}

/// The fate of a command that was not a success.
pub(crate) fn command_error(status: u16, fate: Fate) -> CommandError {
    match fate {
        Fate::Refused { class, code, text } => CommandError::Rejected(Rejection { class, code, text }),
        Fate::Live { code } => {
            CommandError::Unknown { why: format!("code {code}: an order of this id is at the venue"), live: true }
        }
        // "Already so" and "not there" are answers to other questions than a command of an order.
        Fate::AlreadySo | Fate::NotThere => CommandError::Unknown { why: format!("status {status}"), live: false },
        Fate::Unknown { code: Some(code) } => CommandError::Unknown { why: format!("status {status}, code {code}"), live: false },
        Fate::Unknown { code: None } => {
            CommandError::Unknown { why: format!("status {status} without a readable verdict"), live: false }
        }
    }
}

fn query_error(status: u16, fate: Fate) -> QueryError {
    match fate {
        Fate::Refused { class: RejectClass::Throttled | RejectClass::Failed, code, .. } => {
            QueryError::Unavailable(format!("status {status}, code {code}"))
        }
        Fate::Refused { class, code, text } => QueryError::Refused(Rejection { class, code, text }),
        Fate::Live { code } | Fate::Unknown { code: Some(code) } => {
            QueryError::Unavailable(format!("status {status}, code {code}"))
        }
        Fate::AlreadySo | Fate::NotThere | Fate::Unknown { code: None } => QueryError::Unavailable(format!("status {status}")),
    }
}
