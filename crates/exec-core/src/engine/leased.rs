//! The engine under a lease: one place holds back every request that the lease does not cover, whatever asked for it. Without a lease
//! nothing here does anything. What a lease is and when it covers a request stands in `lease`.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, Outcome, Request, Timer},
    ids::{Epoch, RequestId},
    lease::{Answer, Lease, Lost, Standing},
    start_report::Shut,
    time::{Timestamp, VenueTime},
    venue::{Batch, CommandError},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The lease of this run, and what was told of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Leased {
    lease: Option<Lease>,
    fenced: bool,
    held_back: u64,
}

impl Engine {
    /// Lets everything that leaves stand under this lease. After the replay and before [`crate::conversation::Input::Begin`]; it is
    /// ready, and its epoch is above every one in the journal.
    pub fn hold(&mut self, lease: Lease) {
        self.leased.lease = Some(lease);
    }

    /// The lease of this run.
    pub const fn lease(&self) -> Option<&Lease> {
        self.leased.lease.as_ref()
    }

    /// How many requests were held back because the lease did not cover them.
    pub const fn held_back(&self) -> u64 {
        self.leased.held_back
    }

    /// For who signs: the venue time before which the window of everything that is signed now must end. `None` under a lease that
    /// covers nothing now, [`VenueTime`]'s last moment without a lease.
    pub fn windows_end_before(&self, now: Timestamp) -> Option<VenueTime> {
        match &self.leased.lease {
            Some(lease) => lease.windows_end_before(now, self.clock),
            None => Some(VenueTime(i64::MAX)),
        }
    }

    /// The epoch that the lease was granted under.
    pub(super) fn leased_epoch(&self) -> Option<Epoch> {
        self.lease().and_then(Lease::epoch)
    }

    pub(super) fn lease_answered(&mut self, answer: Answer) {
        let now = self.now;
        if let Some(lease) = &mut self.leased.lease {
            lease.answered(now, answer);
        }
    }

    /// An order that this engine has not made has an id of ours with this epoch. With a lease, one that is not below its own ends it in
    /// the same step; says whether it does.
    pub(super) fn saw_epoch(&mut self, epoch: Epoch) -> bool {
        let now = self.now;
        let Some(lease) = &mut self.leased.lease else { return false };
        lease.saw(now, epoch);
        epoch >= self.books.epoch()
    }

    /// Why nothing that could be signed now would be covered.
    pub(super) fn shut_by_lease(&self) -> Option<Shut> {
        let lease = self.lease()?;
        if lease.covers(self.now, self.clock, self.venue_time(), lease.terms().recv_window_ms) {
            return None;
        }
        let coarse = self.clock.is_none_or(|clock| clock.error_ms > lease.terms().clock_error_ms);
        Some(Shut::Lease(match (lease.standing(), lease.trouble()) {
            (Standing::Lost(lost), _) => lost.to_string(),
            _ if coarse => String::from("the venue's clock is not known well enough to date anything under it"),
            (Standing::Waiting(_) | Standing::Held { .. }, Some(trouble)) => trouble.into(),
            (Standing::Waiting(_) | Standing::Held { .. }, None) => String::from("it was not renewed in time"),
        }))
    }

    /// The last thing that is done with every input: what no lease covers does not leave, and is told so; the lease is renewed; and a
    /// lease that is lost ends the run. `from` is where the effects of this input begin.
    pub(super) fn keep_to_lease(&mut self, from: usize, out: &mut Vec<Effect>) {
        let now = self.now;
        let Some(lease) = &mut self.leased.lease else { return };
        lease.pass(now);
        if let Some(question) = lease.ask(now) {
            out.push(Effect::AskLease(question));
        }
        if let Some(next) = lease.next().filter(|at| self.due.get(&Timer::Lease) != Some(at)) {
            self.set_timer_at(Timer::Lease, next, out);
        }
        loop {
            let held_back = self.take_uncovered(from, out);
            if held_back.is_empty() {
                break;
            }
            self.leased.held_back += held_back.len() as u64;
            for (request, outcome) in held_back {
                self.outcome(request, outcome, out);
            }
        }
        if let Some(lost) = self.lost().filter(|_| !self.leased.fenced).cloned() {
            self.leased.fenced = true;
            self.alert(out, AlertLevel::Critical, "fenced", lost.to_string());
            out.push(Effect::Fenced(lost));
        }
    }

    fn lost(&self) -> Option<&Lost> {
        match self.lease()?.standing() {
            Standing::Lost(lost) => Some(lost),
            Standing::Waiting(_) | Standing::Held { .. } => None,
        }
    }

    /// Takes the requests that no lease covers out of what leaves, with the outcome that each has by that.
    fn take_uncovered(&self, from: usize, out: &mut Vec<Effect>) -> Vec<(RequestId, Outcome)> {
        let gone: Vec<Effect> =
            out.extract_if(from.., |e| matches!(e, Effect::Send(r) if !self.is_covered_by_lease(r))).collect();
        let mut held_back = Vec::new();
        for effect in gone {
            let Effect::Send(request) = effect else { continue };
            match request {
                Request::CancelAll(_) | Request::Countdown(_) => held_back.push((request.id(), Outcome::All(Err(not_sent())))),
                Request::Batch { ids, .. } => held_back.extend(ids.into_iter().map(|id| (id, Outcome::Order(Err(not_sent()))))),
                Request::Submit { .. } | Request::Replace(_) | Request::Cancel(_) => {
                    held_back.push((request.id(), Outcome::Order(Err(not_sent()))));
                }
            }
        }
        held_back
    }

    fn is_covered_by_lease(&self, request: &Request) -> bool {
        let Some(lease) = self.lease() else { return true };
        let covers = |timestamp, window| lease.covers(self.now, self.clock, timestamp, window);
        // What has no timestamp yet gets one when it is signed: that is not before now, and is asked again there.
        let covers_now = || covers(self.venue_time(), lease.terms().recv_window_ms);
        match request {
            Request::Submit { attempt, .. } => covers(attempt.timestamp, attempt.recv_window_ms),
            Request::Replace(replace) => covers(replace.timestamp, replace.recv_window_ms),
            Request::Batch { batch: Batch::Submit(attempts), .. } => {
                attempts.iter().all(|attempt| covers(attempt.timestamp, attempt.recv_window_ms))
            }
            Request::Batch { batch: Batch::Replace(changes), .. } => {
                changes.iter().all(|change| covers(change.timestamp, change.recv_window_ms))
            }
            Request::Batch { batch: Batch::Cancel(_), .. }
            | Request::Cancel(_)
            | Request::CancelAll(_)
            | Request::Countdown(_) => covers_now(),
        }
    }
}

fn not_sent() -> CommandError {
    CommandError::NotSent(String::from("no lease covers it"))
}
