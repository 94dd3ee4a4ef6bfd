//! The store of these worlds: what the script of a real one does, in one step, by a clock of its own. It fails over to servers that
//! know less, and only vouches for what it has seen itself.

use super::plan::FailOver;
use exec_core::{
    ids::{Epoch, NodeId},
    lease::{Acquired, Answer, Ask, Holder, Predecessor, Question, Renewed},
};
use std::collections::VecDeque;

/// Records kept for a server that is behind.
const KEPT: usize = 64;

#[derive(Clone, Debug)]
struct Record {
    owner: NodeId,
    epoch: Epoch,
    /// By the store's clock.
    expires: u64,
    /// The server that wrote it.
    server: u32,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    record: Option<Record>,
    /// What it was before each change, and when.
    past: VecDeque<(u64, Option<Record>)>,
    server: u32,
    /// How far its clock has stepped ahead.
    pub(super) ahead_ms: u64,
}

impl Store {
    fn set(&mut self, now: u64, record: Record) {
        if self.past.len() == KEPT {
            self.past.pop_front();
        }
        self.past.push_back((now, self.record.replace(record)));
    }

    pub(super) fn fail_over(&mut self, now: u64, how: FailOver) {
        self.server += 1;
        match how {
            FailOver::Empty => self.record = None,
            FailOver::Behind { ms } => {
                let at = now.saturating_sub(ms);
                // What it was at that moment is what the first change after it replaced.
                if let Some((_, record)) = self.past.iter().find(|(changed, _)| *changed > at) {
                    self.record = record.clone();
                }
            }
        }
        self.past.clear();
    }

    /// Under which epoch somebody holds the account, for all that it knows.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.record.as_ref().map(|r| r.epoch)
    }

    /// Does what is asked.
    pub(super) fn answer(&mut self, true_now: u64, question: &Question) -> Answer {
        let now = true_now + self.ahead_ms;
        match question {
            Question::Acquire(ask) => Answer::Acquired(Ok(self.acquire(true_now, now, ask))),
            Question::Renew(ask) => Answer::Renewed(Ok(self.renew(true_now, now, ask))),
        }
    }

    fn acquire(&mut self, true_now: u64, now: u64, ask: &Ask) -> Acquired {
        let server = self.server;
        let (known, predecessor) = match &self.record {
            Some(record) if record.owner != ask.owner && record.expires > now => {
                let expires_in_ms = record.expires - now;
                return Acquired::Held(Holder { by: record.owner.clone(), epoch: record.epoch, expires_in_ms });
            }
            Some(record) if record.owner == ask.owner => {
                let own = if record.epoch > ask.epoch { Epoch(record.epoch.0 - 1) } else { record.epoch };
                (own, Predecessor::Unknown)
            }
            Some(record) if record.server == server => (record.epoch, Predecessor::Ended { ago_ms: now - record.expires }),
            Some(record) => (record.epoch, Predecessor::Unknown),
            None => (Epoch(0), Predecessor::Unknown),
        };
        let epoch = Epoch(known.max(ask.epoch).0 + 1);
        self.set(true_now, Record { owner: ask.owner.clone(), epoch, expires: now + ask.ttl_ms, server });
        Acquired::Granted { epoch, predecessor }
    }

    fn renew(&mut self, true_now: u64, now: u64, ask: &Ask) -> Renewed {
        let server = self.server;
        match &self.record {
            Some(record) if record.owner == ask.owner && record.epoch == ask.epoch => {
                let expires = now + ask.ttl_ms;
                self.set(true_now, Record { owner: ask.owner.clone(), epoch: ask.epoch, expires, server });
                Renewed::Renewed
            }
            Some(record) if record.owner != ask.owner => Renewed::Taken(Holder {
                by: record.owner.clone(),
                epoch: record.epoch,
                expires_in_ms: record.expires.saturating_sub(now),
            }),
            Some(_) | None => Renewed::Forgotten,
        }
    }
}
