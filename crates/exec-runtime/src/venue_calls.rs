//! Requests and questions on their way to the venue, each one future with a deadline. Nothing here is tried twice.

use crate::config::RuntimeConfig;
use exec_core::{
    conversation::{Answer, Outcome, Query, Request, Urgency},
    ids::{QueryId, RequestId},
    venue::{CommandError, CommandResult, DeadMansSwitch, ExecutionVenue, LimitUse, QueryError, Unrecognised},
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
    switch: Option<Arc<dyn DeadMansSwitch>>,
    /// The same, for questions that can wait.
    leisurely: Arc<dyn ExecutionVenue>,
    /// The same, for questions that an exit waits for.
    exits: Arc<dyn ExecutionVenue>,
    command_deadline: Duration,
    query_deadline: Duration,
    open: FuturesUnordered<BoxFuture<'static, Done>>,
    done: VecDeque<Done>,
    requests_open: usize,
}

impl VenueCalls {
    pub(crate) fn new(venue: Arc<dyn ExecutionVenue>, config: &RuntimeConfig) -> Self {
        Self {
            leisurely: venue.for_questions(Urgency::AtLeisure).unwrap_or_else(|| Arc::clone(&venue)),
            exits: venue.for_questions(Urgency::Exit).unwrap_or_else(|| Arc::clone(&venue)),
            venue,
            switch: None,
            command_deadline: config.command_deadline,
            query_deadline: config.query_deadline,
            open: FuturesUnordered::new(),
            done: VecDeque::new(),
            requests_open: 0,
        }
    }

    /// Adds the venue's countdown.
    pub(crate) fn with_switch(mut self, switch: Option<Arc<dyn DeadMansSwitch>>) -> Self {
        self.switch = switch;
        self
    }

    /// Makes the call for a request. Its first byte leaves with [`VenueCalls::start`], in the order of these calls.
    pub(crate) fn send(&mut self, request: Request) {
        let (venue, deadline) = (Arc::clone(&self.venue), self.command_deadline);
        let switch = self.switch.clone();
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
                Request::Countdown(countdown) => one(Outcome::All(match switch {
                    Some(switch) => command(deadline, switch.count_down(countdown)).await,
                    None => Err(CommandError::NotSent(String::from("the venue has no dead-man's switch"))),
                })),
                Request::Batch { ids, batch } => together(deadline, ids, venue.batch(batch)).await,
            };
            Done::Outcomes { all, submit, took: asked.elapsed() }
        }));
    }

    /// Makes the call for a question.
    pub(crate) fn ask(&mut self, id: QueryId, query: Query, urgency: Urgency) {
        let venue = match urgency {
            Urgency::Now => &self.venue,
            Urgency::AtLeisure => &self.leisurely,
            Urgency::Exit => &self.exits,
        };
        let (venue, deadline) = (Arc::clone(venue), self.query_deadline);
        self.open.push(Box::pin(async move {
            let answer = match query {
                Query::Order(order) => Answer::Order(question(deadline, venue.order_status(order)).await),
                Query::Mass(instruments) => Answer::Mass(question(deadline, venue.mass_status(&instruments)).await.map(Box::new)),
                Query::Positions(instruments) => Answer::Positions(question(deadline, venue.positions(&instruments)).await),
                Query::Restrictions(instruments) => {
                    Answer::Restrictions(question(deadline, venue.restrictions(&instruments)).await)
                }
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

    /// What the venue has sent that this build does not know.
    pub(crate) fn unrecognised(&self) -> Vec<Unrecognised> {
        self.venue.unrecognised()
    }

    /// How much is used of the venue's limits.
    pub(crate) fn limits_used(&self) -> Vec<LimitUse> {
        self.venue.limits_used()
    }

    /// Requests, not questions, without an outcome.
    pub(crate) const fn requests_open(&self) -> usize {
        self.requests_open
    }
}

/// Sends several commands as one. An answer of another length does not say which result is whose, so all of them are unknown.
async fn together(
    deadline: Duration,
    ids: Vec<RequestId>,
    call: impl Future<Output = Vec<CommandResult>>,
) -> Vec<(RequestId, Outcome)> {
    let why = match timeout(deadline, call).await {
        Ok(results) if results.len() == ids.len() => {
            return ids.into_iter().zip(results.into_iter().map(Outcome::Order)).collect();
        }
        Ok(results) => format!("{} results for {} commands of a batch", results.len(), ids.len()),
        Err(_) => no_answer(deadline),
    };
    let unknown = || Outcome::Order(Err(CommandError::Unknown { why: why.clone(), live: false }));
    ids.into_iter().map(|id| (id, unknown())).collect()
}

// The adapter has its own, shorter deadlines; this one only keeps a broken one from hanging the engine. It came after the
// first byte for all that is known here, so the outcome is unknown.
async fn command<T>(deadline: Duration, call: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    match timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(CommandError::Unknown { why: no_answer(deadline), live: false }),
    }
}

pub(crate) async fn question<T>(deadline: Duration, call: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
    match timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(QueryError::Unavailable(no_answer(deadline))),
    }
}

fn no_answer(deadline: Duration) -> String {
    format!("no answer within {} ms", deadline.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::{
        ids::Epoch,
        time::VenueTime,
        units::Side,
        venue::{Attempt, Batch, RejectClass, Rejection},
    };
    use exec_testkit::{fixtures, mocks::MockVenue};
    use std::future::{pending, ready};

    const DEADLINE: Duration = Duration::from_secs(15);

    fn refused() -> CommandResult {
        Err(CommandError::Rejected(Rejection { class: RejectClass::Funds, code: -2019, text: "margin".into() }))
    }
    fn not_sent() -> CommandResult {
        Err(CommandError::NotSent("budget".into()))
    }
    fn ids(count: u64) -> Vec<RequestId> {
        (1..=count).map(RequestId).collect()
    }
    /// The number of each and one word for what became of it.
    fn words(all: &[(RequestId, Outcome)]) -> Vec<(u64, &'static str)> {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Order(Err(CommandError::Rejected(_))) => "rejected",
            Outcome::Order(Err(CommandError::NotSent(_))) => "not sent",
            Outcome::Order(Err(CommandError::Unknown { live: false, .. })) => "unknown",
            Outcome::Order(Err(CommandError::Unknown { live: true, .. })) => "unknown, live",
            Outcome::Order(Ok(_)) => "accepted",
            Outcome::All(_) => "all",
        };
        all.iter().map(|(id, outcome)| (id.0, word(outcome))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_of_a_batch_has_its_own_outcome() {
        let all = together(DEADLINE, ids(2), ready(vec![refused(), not_sent()])).await;
        assert_eq!(words(&all), [(1, "rejected"), (2, "not sent")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_answer_of_another_length_leaves_all_unknown() {
        for answers in [vec![], vec![refused()], vec![refused(), not_sent(), refused()]] {
            let count = answers.len();
            let all = together(DEADLINE, ids(2), ready(answers)).await;
            assert_eq!(words(&all), [(1, "unknown"), (2, "unknown")], "{count} answers");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_without_an_answer_is_unknown_at_the_deadline() {
        let began = Instant::now();
        let all = together(DEADLINE, ids(3), pending()).await;
        assert_eq!(words(&all), [(1, "unknown"), (2, "unknown"), (3, "unknown")]);
        assert_eq!(began.elapsed(), DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_one_call_and_one_open_request() {
        let mut venue = MockVenue::new();
        venue.expect_batch().times(1).returning(|batch| match batch {
            Batch::Submit(all) => all.iter().map(|_| refused()).collect(),
            Batch::Replace(_) | Batch::Cancel(_) => Vec::new(),
        });
        let mut calls = VenueCalls::new(Arc::new(venue), &RuntimeConfig::default());
        let attempt = |n: u8| Attempt {
            cl_ord_id: fixtures::cl_ord_id(&format!("a{n}")),
            terms: fixtures::limit(Side::Buy, fixtures::qty("1"), fixtures::price("100")),
            timestamp: VenueTime(0),
            recv_window_ms: 2_000,
            epoch: Epoch(1),
            begin_by: VenueTime(2_000),
        };
        calls.send(Request::Batch { ids: ids(2), batch: Batch::Submit(vec![attempt(1), attempt(2)]) });
        assert_eq!(calls.requests_open(), 1);
        calls.start().await;
        let Done::Outcomes { all, submit: false, .. } = calls.next().await else { panic!("an outcome of one new order") };
        assert_eq!((words(&all), calls.requests_open()), (vec![(1, "rejected"), (2, "rejected")], 0));
    }
}
