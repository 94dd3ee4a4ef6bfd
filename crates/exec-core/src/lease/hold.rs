//! The state of one node towards the lease of its account: it waits for it, holds it, or has lost it for good. Times are those of
//! the node's own monotonic clock. It neither asks the store nor signs; it says what to ask, and what may be signed.

use super::{
    LeaseTerms,
    store::{Acquired, Ask, Holder, LeaseError, Predecessor, Renewed},
};
use crate::{
    ids::{Epoch, NodeId},
    plant::{Plant, planted},
    time::{ClockReading, Timestamp, VenueTime},
};
use alloc::string::String;
use serde::Serialize;

/// What to ask the store now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// See [`super::LeaseStore::acquire`].
    Acquire(Ask),
    /// See [`super::LeaseStore::renew`].
    Renew(Ask),
}

/// What the store answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// To [`Question::Acquire`].
    Acquired(Result<Acquired, LeaseError>),
    /// To [`Question::Renew`].
    Renewed(Result<Renewed, LeaseError>),
}

/// Why a lease is lost for good.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// Another has it.
    #[error("another node holds the account: {0}")]
    Taken(Holder),
    /// It was not renewed in time: the store did not answer, or this process stood still.
    #[error("the lease was not renewed in time; the last thing known of the store: {0}")]
    Lapsed(String),
    /// The store knows nothing of it any more.
    #[error("the lease store has forgotten the lease of this node")]
    Forgotten,
    /// An order at the venue tells of another start under this epoch or a higher one.
    #[error("another node writes under epoch {0}, which is not below this one's")]
    Seen(Epoch),
}

/// How a node stands towards the lease.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It has none, and asks. Who held it when it asked last.
    Waiting(Option<Holder>),
    /// It has it.
    Held {
        /// Under which epoch it writes.
        epoch: Epoch,
        /// Nothing may be sent before: a predecessor's requests may take effect until then.
        from: Timestamp,
        /// It is over then, unless it is renewed.
        until: Timestamp,
    },
    /// It had it, and never has it again.
    Lost(Lost),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Lease {
    terms: LeaseTerms,
    owner: NodeId,
    standing: Standing,
    /// The highest epoch that is known of.
    above: Epoch,
    /// The latest end of another's lease that was heard of.
    others_end: Option<Timestamp>,
    next: Timestamp,
    /// When the question that is out was asked.
    asked: Option<Timestamp>,
    /// What the store said last, if it gave no answer.
    trouble: Option<String>,
}

impl Lease {
    /// A node that has no lease yet. `above` is the highest epoch that it knows of, from anywhere.
    pub const fn new(terms: LeaseTerms, owner: NodeId, above: Epoch) -> Self {
        let standing = Standing::Waiting(None);
        Self { terms, owner, standing, above, others_end: None, next: Timestamp(0), asked: None, trouble: None }
    }

    /// Its figures.
    pub const fn terms(&self) -> &LeaseTerms {
        &self.terms
    }
    /// Whose it is.
    pub const fn owner(&self) -> &NodeId {
        &self.owner
    }
    /// How it stands.
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }
    /// Under which epoch it writes, while it holds it.
    pub const fn epoch(&self) -> Option<Epoch> {
        match self.standing {
            Standing::Held { epoch, .. } => Some(epoch),
            Standing::Waiting(_) | Standing::Lost(_) => None,
        }
    }
    /// What the store said last, if it gave no answer.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
    /// When [`Lease::ask`] has something to ask; `None` while an answer is still to come, and once it is lost.
    pub const fn next(&self) -> Option<Timestamp> {
        if self.asked.is_some() {
            return None;
        }
        match self.standing {
            Standing::Lost(_) => None,
            Standing::Waiting(_) | Standing::Held { .. } => Some(self.next),
        }
    }

    /// What to ask the store now, if anything. Give up on it after [`LeaseTerms::renew_every_ms`].
    pub fn ask(&mut self, now: Timestamp) -> Option<Question> {
        self.pass(now);
        if self.asked.is_some() || now < self.next {
            return None;
        }
        let above = if planted(Plant::LeaseEpochOfStore) { Epoch(0) } else { self.above };
        let ask = |epoch| Ask { owner: self.owner.clone(), epoch, ttl_ms: self.terms.ttl_ms };
        let question = match self.standing {
            Standing::Waiting(_) => Question::Acquire(ask(above)),
            // The journal knows of a higher epoch than was granted. Nothing has been sent yet.
            Standing::Held { epoch, .. } if epoch <= above => Question::Acquire(ask(above)),
            Standing::Held { epoch, .. } => Question::Renew(ask(epoch)),
            Standing::Lost(_) => return None,
        };
        self.asked = Some(now);
        Some(question)
    }

    /// Takes the answer to the question that is out.
    pub fn answered(&mut self, now: Timestamp, answer: Answer) {
        let Some(asked) = self.asked.take() else { return };
        // What is granted is counted from before it was asked for: the store's own count begins later.
        let granted_at = if planted(Plant::LeaseFromAnswer) { now } else { asked };
        let until = granted_at.plus_ms(self.terms.ttl_ms);
        self.next = asked.plus_ms(self.terms.renew_every_ms()).max(now);
        self.trouble = None;
        match answer {
            Answer::Acquired(Ok(Acquired::Granted { epoch, predecessor })) => self.granted(now, until, epoch, predecessor),
            Answer::Acquired(Ok(Acquired::Held(holder))) => self.held_by(now, holder),
            Answer::Renewed(Ok(Renewed::Renewed)) => self.renewed(now, until),
            Answer::Renewed(Ok(Renewed::Taken(holder))) => self.lose(now, Lost::Taken(holder)),
            Answer::Renewed(Ok(Renewed::Forgotten)) => self.lose(now, Lost::Forgotten),
            Answer::Acquired(Err(error)) | Answer::Renewed(Err(error)) => {
                self.trouble = Some(alloc::format!("{error}"));
                // Sooner than the next renewal: the lease runs.
                self.next = now.plus_ms(self.terms.renew_every_ms() / 5);
            }
        }
        self.pass(now);
    }

    fn granted(&mut self, now: Timestamp, until: Timestamp, epoch: Epoch, predecessor: Predecessor) {
        let (ttl_ms, settle_ms) = (self.terms.ttl_ms, self.terms.settle_ms());
        // A store that has forgotten a lease may have granted it a moment ago.
        let end = match predecessor {
            Predecessor::Ended { ago_ms } => Timestamp(now.0.saturating_sub(Timestamp::from_ms(ago_ms).0)),
            Predecessor::Unknown => now.plus_ms(ttl_ms),
        };
        let end = self.others_end.map_or(end, |heard| heard.max(end));
        let waits = if planted(Plant::LeaseNoWait) { now } else { end.plus_ms(settle_ms) };
        let from = match self.standing {
            // Granted again, under a higher epoch. What was waited for is the same.
            Standing::Held { from, .. } => from,
            Standing::Waiting(_) => waits,
            Standing::Lost(_) => return,
        };
        // A store that grants what the asker knows to be used has not understood the question: it is asked again.
        if epoch > self.above || planted(Plant::LeaseEpochOfStore) {
            self.standing = Standing::Held { epoch, from, until };
        }
    }

    fn held_by(&mut self, now: Timestamp, holder: Holder) {
        let end = now.plus_ms(holder.expires_in_ms);
        self.others_end = self.others_end.max(Some(end));
        self.above = self.above.max(holder.epoch);
        self.next = end.min(now.plus_ms(self.terms.renew_every_ms())).max(now.plus_ms(1));
        match self.standing {
            Standing::Waiting(_) => self.standing = Standing::Waiting(Some(holder)),
            Standing::Held { .. } => self.lose(now, Lost::Taken(holder)),
            Standing::Lost(_) => (),
        }
    }

    fn renewed(&mut self, now: Timestamp, renewed_until: Timestamp) {
        // What is over is not taken up again: the store may have granted it to another meanwhile and forgotten that.
        self.pass(now);
        if let Standing::Held { until, .. } = &mut self.standing {
            *until = renewed_until.max(*until);
        }
    }

    /// A higher epoch than was known before this node sent anything: in its journal. It writes under a still higher one, or not at all.
    pub fn raise(&mut self, epoch: Epoch) {
        if epoch > self.above {
            self.above = epoch;
            self.next = Timestamp(0);
        }
    }

    /// Another start writes, or wrote, under this epoch, as an order at the venue tells. One's own would do as little as a higher one:
    /// a store that forgets may grant an epoch twice.
    pub fn saw(&mut self, now: Timestamp, epoch: Epoch) {
        if planted(Plant::LeaseEpochOfStore) {
            return;
        }
        if self.epoch().is_none_or(|own| own <= epoch) {
            self.above = self.above.max(epoch);
            self.lose(now, Lost::Seen(epoch));
        }
    }

    /// A lease that is over is lost, whatever the store may still answer.
    pub fn pass(&mut self, now: Timestamp) {
        if let Standing::Held { until, .. } = &mut self.standing
            && planted(Plant::LeaseNoEnd)
        {
            *until = now.plus_ms(self.terms.ttl_ms);
        }
        if let Standing::Held { until, .. } = self.standing
            && now >= until
        {
            let last = self.trouble.clone().unwrap_or_else(|| String::from("it granted it"));
            self.lose(now, Lost::Lapsed(last));
        }
    }

    fn lose(&mut self, now: Timestamp, lost: Lost) {
        match &self.standing {
            // Nothing was sent under it: it may be waited for again.
            Standing::Held { from, until, .. } if now.min(*until) < *from => self.standing = Standing::Waiting(None),
            Standing::Held { .. } => self.standing = Standing::Lost(lost),
            Standing::Waiting(_) | Standing::Lost(_) => (),
        }
    }

    /// Whether a node may send under it now: it holds it, and nothing of a predecessor's can take effect any more.
    pub fn is_ready(&self, now: Timestamp) -> bool {
        let Standing::Held { epoch, from, until } = self.standing else { return false };
        (epoch > self.above || planted(Plant::LeaseEpochOfStore)) && from <= now && now < until
    }

    /// The venue time before which the window of everything that is signed now must end; `None` if nothing may be signed. Ask at the
    /// moment of signing: `now` is read there, and no request has a window that ends at this time or later.
    pub fn windows_end_before(&self, now: Timestamp, clock: Option<ClockReading>) -> Option<VenueTime> {
        let Standing::Held { until, .. } = self.standing else { return None };
        if planted(Plant::LeaseBeforePause) {
            return Some(VenueTime(i64::MAX));
        }
        if !self.is_ready(now) {
            return None;
        }
        let clock = clock.filter(|clock| clock.error_ms <= self.terms.clock_error_ms)?;
        let VenueTime(end) = clock.venue_time(until);
        Some(VenueTime(end.saturating_sub_unsigned(2 * self.terms.clock_error_ms)))
    }

    /// Whether a request with this window may be signed now.
    pub fn covers(&self, now: Timestamp, clock: Option<ClockReading>, timestamp: VenueTime, recv_window_ms: u64) -> bool {
        self.windows_end_before(now, clock).is_some_and(|end| timestamp.plus_ms(recv_window_ms) < end)
    }
}
