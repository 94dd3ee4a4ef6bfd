//! What lies between node and venue: requests and questions, each with its delays and faults. The effect at the venue is real;
//! whether the node hears of it is drawn. The private stream stands in `streams`.

use crate::{
    agenda::{Event, Reached},
    broken::Broken,
    fault::Fault,
    standing::Truth,
    words,
    world::World,
};
use exchange_sim::venue::Desk;
use exec_core::{
    conversation::{Answer, Input, Outcome, Query, Request},
    ids::{QueryId, RequestId},
    venue::{Batch, CommandError, QueryError, RejectClass, Rejection},
};

/// Longest that the node waits for an answer.
const DEADLINE_MS: u64 = 1_500;

/// Most trades of one answer: what is learned from them is one group of the journal, and the journals of these worlds are small.
const TRADES_MAX: usize = 100;

impl World {
    pub(crate) fn latency(&mut self) -> u64 {
        let typical = self.plan.latency_ms;
        self.rng.between(1, typical) + if self.rng.chance(20) { typical * 5 } else { 0 }
    }

    /// The node hands a request to the transport.
    pub(crate) fn send(&mut self, life: u32, request: Request) {
        if let Request::Batch { ids, batch } = request {
            // One request on the wire: what becomes of it there becomes of all of them.
            let before = self.rng.clone();
            let together = self.rng.chance(700);
            for request in apart(ids, batch) {
                if together {
                    self.rng = before.clone();
                }
                self.send(life, request);
            }
            return;
        }
        self.requests += 1;
        self.open_requests.insert((life, request.id()));
        if self.fault(Fault::NotSent, self.plan.request_not_sent) {
            let outcome = failed(&request, CommandError::NotSent("no connection".to_owned()));
            self.later(1, Event::Reply { life, id: request.id(), outcome });
            return;
        }
        let unknown = failed(&request, CommandError::Unknown { why: "no answer in time".to_owned(), live: false });
        self.later(DEADLINE_MS, Event::Reply { life, id: request.id(), outcome: unknown });
        if self.fault(Fault::Dropped, self.plan.request_dropped) {
            return;
        }
        let mut delay = self.latency();
        if self.plan.breaks == Some(Broken::Window) && is_submit(&request) && self.fault(Fault::LateAccepted, 100) {
            delay += self.fate().between(3_000, 12_000);
        }
        if self.fault(Fault::Late, self.plan.request_late) {
            delay += self.fate().between(100, 4_000);
        }
        if self.fault(Fault::ConnectionLost, self.plan.connection_lost) {
            // The node knows at once that it does not know, while the request is still on its way.
            let why = "the connection was lost".to_owned();
            let outcome = failed(&request, CommandError::Unknown { why, live: false });
            self.later(1, Event::Reply { life, id: request.id(), outcome });
            delay += self.fate().between(0, 2_500);
        }
        self.later(delay, Event::AtVenue { life, request, reached: Reached::Gateway });
    }

    /// A request has come to the venue, or to its matching engine.
    pub(crate) fn at_venue(&mut self, life: u32, request: Request, reached: Reached) {
        let now = self.venue_ms();
        if reached == Reached::Gateway {
            if self.fault(Fault::FailedBefore, self.plan.failed_before) {
                let text = "Service Unavailable.".to_owned();
                let rejection = Rejection { class: RejectClass::Failed, code: -1008, text };
                self.reply(life, &request, failed(&request, CommandError::Rejected(rejection)));
                return;
            }
            if self.fault(Fault::UnknownBefore, self.plan.unknown_before) {
                let why = "Unknown error, please check your request or try again later.".to_owned();
                self.reply(life, &request, failed(&request, CommandError::Unknown { why, live: false }));
                return;
            }
            if let Request::Submit { attempt, .. } = &request
                && Desk::receive(now, attempt.timestamp, attempt.recv_window_ms).is_ok()
                && self.fault(Fault::Ghost, self.plan.ghosts)
            {
                let delay = self.fate().between(3_000, 12_000);
                self.later(delay, Event::AtVenue { life, request, reached: Reached::Engine });
                return;
            }
            if let Request::Submit { attempt, .. } = &request
                && Desk::receive(now, attempt.timestamp, attempt.recv_window_ms).is_ok()
                && self.fault(Fault::EngineSlow, self.plan.engine_slow)
            {
                let slowest = self.desk.profile().fence.map_or(0, |f| f.engine_margin_ms);
                let delay = self.fate().below(slowest);
                self.later(delay, Event::AtVenue { life, request, reached: Reached::Engine });
                return;
            }
        }
        let outcome = match &request {
            Request::Submit { attempt, .. } => Outcome::Order(match reached {
                // The window is looked at here, and nowhere else.
                Reached::Gateway if self.plan.breaks == Some(Broken::Window) => self.desk.submit_received(now, attempt),
                Reached::Gateway => self.desk.submit(now, attempt),
                Reached::Engine => self.desk.submit_received(now, attempt),
            }),
            Request::Replace(replace) => Outcome::Order(self.desk.replace(now, replace)),
            Request::Cancel(cancel) => Outcome::Order(self.desk.cancel(now, cancel)),
            Request::CancelAll(scope) => Outcome::All(self.desk.cancel_all(now, scope)),
            Request::Countdown(countdown) => Outcome::All(self.desk.count_down(now, countdown)),
            // Taken apart when it was sent.
            Request::Batch { .. } => return,
        };
        let books = self.node.as_ref().map(|n| n.engine.books());
        let judged = self.oracle.venue_answered(books, &Truth::of(&self.desk), &request, &outcome);
        self.judge(judged);
        self.trace.line(self.now, || format!("venue {} -> {}", words::short_request(&request), words::short_outcome(&outcome)));
        self.deliver_pushed();
        if self.fault(Fault::UnknownAfter, self.plan.unknown_after) {
            let why = "Execution status unknown.".to_owned();
            self.reply(life, &request, failed(&request, CommandError::Unknown { why, live: false }));
            return;
        }
        if self.fault(Fault::ReplyLost, self.plan.reply_lost) {
            return;
        }
        self.reply(life, &request, outcome);
    }

    fn reply(&mut self, life: u32, request: &Request, outcome: Outcome) {
        let delay = self.latency();
        self.later(delay, Event::Reply { life, id: request.id(), outcome });
    }

    /// The node asks a question.
    pub(crate) fn ask(&mut self, life: u32, query: QueryId, what: Query) {
        self.tally.count("questions");
        let delay = self.latency();
        let down = matches!(what, Query::Positions(_)) && self.now < self.positions_down_until;
        if down || self.fault(Fault::QueryUnavailable, self.plan.query_unavailable) {
            let answer = answer_of(&what, QueryError::Unavailable("no answer in time".to_owned()));
            let wait = self.fate().between(1, DEADLINE_MS);
            self.later(delay + wait, Event::ToNode { life, input: Input::Answer { query, answer } });
            return;
        }
        let slow = if self.fault(Fault::QuerySlow, self.plan.query_slow) { self.fate().between(100, 1_400) } else { 0 };
        self.later(delay + slow, Event::Asked { life, query, what });
    }

    /// A question has come to the venue.
    pub(crate) fn asked(&mut self, life: u32, query: QueryId, what: &Query) {
        let now = self.venue_ms();
        let mut answer = match what {
            Query::Order(order) => Answer::Order(self.desk.order_status(now, order)),
            Query::Mass(instruments) => Answer::Mass(self.desk.mass_status(now, instruments).map(Box::new)),
            Query::Positions(instruments) => Answer::Positions(self.desk.positions(now, instruments)),
            Query::Trades { instrument, from } => Answer::Trades(self.desk.trades_since(now, instrument, from)),
            Query::Restrictions(_) => Answer::Restrictions(Ok(self.desk.restrictions())),
        };
        if let Answer::Trades(Ok(list)) = &mut answer
            && list.trades.len() > TRADES_MAX
        {
            list.trades.truncate(TRADES_MAX);
            list.complete = false;
        }
        self.hides(what, &mut answer);
        self.lags(&mut answer);
        self.trace.line(self.now, || format!("asked {query} {} -> {}", words::short_query(what), words::short_answer(&answer)));
        self.deliver_pushed();
        let mut delay = self.latency();
        if self.fault(Fault::QuerySlow, self.plan.query_slow) {
            delay += self.fate().between(100, 1_400);
        }
        self.later(delay, Event::ToNode { life, input: Input::Answer { query, answer } });
    }
}

/// The commands of a batch as requests of their own: each has its own fate on this network.
fn apart(ids: Vec<RequestId>, batch: Batch) -> Vec<Request> {
    match batch {
        Batch::Submit(all) => ids.into_iter().zip(all).map(|(id, attempt)| Request::Submit { id, attempt }).collect(),
        Batch::Replace(all) => all.into_iter().map(Request::Replace).collect(),
        Batch::Cancel(all) => all.into_iter().map(Request::Cancel).collect(),
    }
}

fn is_submit(request: &Request) -> bool {
    matches!(request, Request::Submit { .. })
}

fn failed(request: &Request, error: CommandError) -> Outcome {
    match request {
        Request::CancelAll(_) | Request::Countdown(_) => Outcome::All(Err(error)),
        Request::Submit { .. } | Request::Replace(_) | Request::Cancel(_) | Request::Batch { .. } => Outcome::Order(Err(error)),
    }
}

fn answer_of(query: &Query, error: QueryError) -> Answer {
    match query {
        Query::Order(_) => Answer::Order(Err(error)),
        Query::Mass(_) => Answer::Mass(Err(error)),
        Query::Positions(_) => Answer::Positions(Err(error)),
        Query::Trades { .. } => Answer::Trades(Err(error)),
        Query::Restrictions(_) => Answer::Restrictions(Err(error)),
    }
}
