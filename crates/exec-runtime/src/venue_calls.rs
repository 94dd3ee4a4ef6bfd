//! Requests and questions on their way to the venue, each one future with a deadline. Nothing here is tried twice.

use crate::config::RuntimeConfig;
use exec_core::{
    conversation::{Answer, Outcome, Query, Request},
    ids::{QueryId, RequestId},
    venue::{Batch, CommandError, ExecutionVenue, QueryError},
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// A call that has come back.
#[derive(Debug)]
pub(crate) enum Done {
    /// Of a request, or of several that went as one.
    Outcomes {
        /// Which, and what became of each.
        all: Vec<(RequestId, Outcome)>,
        /// Whether it was one new order.
        submit: bool,
        /// From the call to here.
        took: Duration,
    },
    /// Of a question.
    Answer {
        /// Which.
        query: QueryId,
        /// What it said.
        answer: Answer,
    },
}

/// Every call that is out.
pub(crate) struct VenueCalls {
    venue: Arc<dyn ExecutionVenue>,
    command_deadline: Duration,
    query_deadline: Duration,
    open: FuturesUnordered<BoxFuture<'static, Done>>,
    done: VecDeque<Done>,
    requests_open: usize,
}

impl VenueCalls {
    pub(crate) fn new(venue: Arc<dyn ExecutionVenue>, config: &RuntimeConfig) -> Self {
        Self {
            venue,
            command_deadline: config.command_deadline,
            query_deadline: config.query_deadline,
            open: FuturesUnordered::new(),
            done: VecDeque::new(),
            requests_open: 0,
        }
    }

    /// Makes the call for a request. Its first byte leaves with [`VenueCalls::start`], in the order of these calls.
    pub(crate) fn send(&mut self, request: Request) {
        let (venue, deadline) = (Arc::clone(&self.venue), self.command_deadline);
        let (id, submit) = (request.id(), matches!(request, Request::Submit { .. }));
        self.requests_open += 1;
        self.open.push(Box::pin(async move {
            let asked = Instant::now();
            let one = |outcome| vec![(id, outcome)];
            let all = match request {
                Request::Submit { attempt, .. } => one(Outcome::Order(command(deadline, venue.submit(attempt)).await)),
                Request::Replace(replace) => one(Outcome::Order(command(deadline, venue.replace(replace)).await)),
                Request::Cancel(cancel) => one(Outcome::Order(command(deadline, venue.cancel(cancel)).await)),
                Request::CancelAll(scope) => one(Outcome::All(command(deadline, venue.cancel_all(scope)).await)),
                Request::Batch { ids, batch } => together(deadline, &*venue, ids, batch).await,
            };
            Done::Outcomes { all, submit, took: asked.elapsed() }
        }));
    }

    /// Makes the call for a question.
    pub(crate) fn ask(&mut self, id: QueryId, query: Query) {
        let (venue, deadline) = (Arc::clone(&self.venue), self.query_deadline);
        self.open.push(Box::pin(async move {
            let answer = match query {
                Query::Order(order) => Answer::Order(question(deadline, venue.order_status(order)).await),
                Query::Mass(instruments) => Answer::Mass(question(deadline, venue.mass_status(&instruments)).await.map(Box::new)),
                Query::Positions(instruments) => Answer::Positions(question(deadline, venue.positions(&instruments)).await),
                Query::Trades { instrument, from } => {
                    Answer::Trades(question(deadline, venue.trades_since(&instrument, from)).await)
                }
            };
            Done::Answer { query: id, answer }
        }));
    }

    /// Gives every new call its first poll, so that its bytes leave before anything else happens. Does not wait.
    pub(crate) async fn start(&mut self) {
        poll_fn(|cx| {
            while let Poll::Ready(Some(done)) = self.open.poll_next_unpin(cx) {
                self.done.push_back(done);
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for a call to come back. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Done {
        let done = match self.done.pop_front() {
            Some(done) => done,
            None => match self.open.next().await {
                Some(done) => done,
                None => return std::future::pending().await,
            },
        };
        if matches!(done, Done::Outcomes { .. }) {
            self.requests_open -= 1;
        }
        done
    }

    /// Requests, not questions, without an outcome.
    pub(crate) const fn requests_open(&self) -> usize {
        self.requests_open
    }
}

/// Sends several commands as one. What comes back without a result of its own is unknown.
async fn together(
    deadline: Duration,
    venue: &dyn ExecutionVenue,
    ids: Vec<RequestId>,
    batch: Batch,
) -> Vec<(RequestId, Outcome)> {
    let mut results = timeout(deadline, venue.batch(batch)).await.unwrap_or_default().into_iter();
    let unknown = || Err(CommandError::Unknown { why: "no answer for this one of a batch".into(), live: false });
    ids.into_iter().map(|id| (id, Outcome::Order(results.next().unwrap_or_else(unknown)))).collect()
}

// The adapter has its own, shorter deadlines; this one only keeps a broken one from hanging the engine. It came after the
// first byte for all that is known here, so the outcome is unknown.
async fn command<T>(deadline: Duration, call: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    match timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(CommandError::Unknown { why: format!("no answer within {} ms", deadline.as_millis()), live: false }),
    }
}

pub(crate) async fn question<T>(deadline: Duration, call: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
    match timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(QueryError::Unavailable(format!("no answer within {} ms", deadline.as_millis()))),
    }
}
