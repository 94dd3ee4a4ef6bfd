//! Brings to Redis what the local log has made durable: one thread for each journal, which alone waits for Redis. What it does not
//! have in memory any more it reads back from the local log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chain;
use super::compare;
use super::error::CopyError;
use super::halt::{Halt, Pause};
use super::options::RedisOptions;
use super::pending::{Pending, Waiting, Work};
use super::server::{self, Refusal};
use super::source::{Nothing, Source};
use super::start::is_ours;
use super::store::{Batch, Done, Head, Store, Writer};
use crate::error::OpenError;
use crate::port::Told;

/// Records and bytes of one script, unless a single group is larger.
const BATCH_RECORDS: usize = 512;
const BATCH_BYTES: usize = 256 * 1024;
/// How often a server is asked although there is nothing to write: so a take-over is noticed before the next order.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Trouble(trouble) => trouble.into(),
            Refusal::Unfit { what, advice } => Self::Again(format!("{what}; {advice}")),
        }
    }
}

impl From<CopyError> for Halt {
    fn from(error: CopyError) -> Self {
        match error {
            fork @ (CopyError::Fork { .. } | CopyError::Fenced { .. }) => Self::Failed(fork.to_string()),
            other => Self::Again(other.to_string()),
        }
    }
}

/// See the module.
pub(super) struct Follower {
    pub options: RedisOptions,
    pub writer: Writer,
    pub source: Box<dyn Source>,
    pub pending: Arc<Pending>,
    pub told: Arc<Told>,
    /// An open connection, and where the copy is.
    pub store: Option<Store>,
    pub head: Option<Head>,
    pub waiting: Waiting,
    /// Whether it was said that the server does not answer.
    pub troubled: bool,
}

impl Follower {
    /// Follows until the end is asked for, or until it may not write any more.
    pub(super) fn run(mut self) {
        let mut pause = Pause::new();
        loop {
            let work = self.pending.wait(ASK_EVERY);
            let over = work.until.is_some_and(|until| self.is_done(&work) || until <= Instant::now());
            if over {
                break;
            }
            match self.turn(&work) {
                Ok(()) => {
                    pause.over();
                    self.pending.away(false);
                    if std::mem::take(&mut self.troubled) {
                        tracing::info!(account = %self.options.account, "redis takes the journal again");
                    }
                }
                Err(Halt::Local(why)) if self.store.is_some() => {
                    let (rest, lasts) = pause.next_local();
                    if lasts && !std::mem::replace(&mut self.troubled, true) {
                        tracing::warn!(account = %self.options.account, %why, "the copy waits for the local journal; it is read again");
                    }
                    self.pending.rest(rest);
                }
                Err(Halt::Again(why) | Halt::Local(why)) => {
                    self.store = None;
                    self.pending.away(true);
                    if !std::mem::replace(&mut self.troubled, true) {
                        tracing::warn!(account = %self.options.account, %why, "redis does not take the journal; it is tried again");
                    }
                    self.pending.rest(pause.next());
                }
                Err(Halt::Failed(why)) => {
                    tracing::error!(account = %self.options.account, %why, "the copy of the journal failed");
                    self.told.fail(why);
                    return;
                }
            }
        }
        let behind = self.pending.lag(0, Duration::ZERO);
        if behind.records > 0 {
            tracing::warn!(account = %self.options.account, records = behind.records, "redis does not have the last records; the local journal does");
        }
    }

    fn is_done(&self, work: &Work) -> bool {
        self.head.is_some_and(|head| head.seq >= work.durable) && work.snapshot.is_none()
    }

    fn turn(&mut self, work: &Work) -> Result<(), Halt> {
        if self.store.is_none() {
            self.join(work)?;
        }
        let Some(mut head) = self.head else { return Err(Halt::Again(String::from("where redis is, is not known"))) };
        if head.seq >= work.durable && work.snapshot.is_none() {
            return self.send(&head, &Batch::default(), head);
        }
        while head.seq < work.durable {
            self.skip_to(head.seq + 1);
            if self.waiting.get(head.seq + 1).is_some() {
                self.follow_memory(work.durable)?;
            } else {
                self.follow_log(work.durable)?;
            }
            match self.head {
                Some(now) if now.seq > head.seq => head = now,
                _ => return Err(Halt::Local(String::from("the local journal does not have the next record yet"))),
            }
        }
        match work.snapshot {
            Some(seq) if seq <= head.seq => self.keep(seq),
            _ => Ok(()),
        }
    }

    /// Connects, looks where the copy is, and begins it anew where it is not ours any more.
    fn join(&mut self, work: &Work) -> Result<(), Halt> {
        let mut store = Store::open(&self.options)?;
        server::check(store.link(), &self.options)?;
        let seen = store.look()?;
        if let Some(foreign) = seen.foreign {
            return Err(Halt::Again(foreign));
        }
        if seen.epoch < self.writer.epoch {
            tracing::warn!(account = %self.options.account, found = seen.epoch, ours = self.writer.epoch, "redis has lost what it was told");
        }
        match store.claim(&self.writer)? {
            Done::Ok => (),
            Done::Fenced(theirs) => return Err(self.fenced(&mut store, theirs)),
            Done::Lost => return Err(Halt::Again(String::from("the keys in redis belong to something else"))),
        }
        let found = store.look()?;
        let whole = match (found.first, found.snapshot) {
            (Some(first), Some(snapshot)) => first <= snapshot + 1,
            (Some(first), None) => first == 1,
            (None, snapshot) => found.head.is_none_or(|head| head.seq == snapshot.unwrap_or(0)),
        };
        let head = match found.head {
            Some(head) if whole && self.head == Some(head) => head,
            Some(head) if head.seq > work.durable => {
                let why = format!("redis holds records up to {}, and this journal has written {}", head.seq, work.durable);
                return Err(Halt::Failed(why));
            }
            Some(head) if whole => match compare::agree(&mut store, &mut *self.source, &found, &self.options.account) {
                Ok(agreed) if agreed == head => head,
                Ok(_) | Err(CopyError::Apart { .. } | CopyError::Missing { .. }) => self.seed(&mut store, Some(&head))?,
                Err(error) => return Err(error.into()),
            },
            other => self.seed(&mut store, other.as_ref())?,
        };
        self.head = Some(head);
        self.pending.followed(head.seq);
        self.store = Some(store);
        // Also waits for the disks of the server, where that is asked for.
        self.send(&head, &Batch::default(), head)
    }

    /// Begins the copy anew with what the local log has.
    fn seed(&mut self, store: &mut Store, seen: Option<&Head>) -> Result<Head, Halt> {
        let snapshot = self.source.newest_snapshot()?;
        let (seq, bytes) = snapshot.map_or((0, Vec::new()), |snapshot| (snapshot.seq, snapshot.bytes));
        let begin = Head { seq, chain: chain::beginning(&self.options.account, seq, &bytes) };
        if seen.is_some() || self.head.is_some() {
            tracing::warn!(
                account = %self.options.account,
                found = seen.map_or(0, |head| head.seq),
                from = seq,
                "redis does not have what it had; the copy begins anew from the local journal"
            );
        }
        match store.seed(&self.writer, seen, &begin, &bytes)? {
            Done::Ok => {
                self.pending.snapshot_done(seq);
                Ok(begin)
            }
            Done::Fenced(theirs) => Err(self.fenced(store, theirs)),
            Done::Lost => Err(Halt::Again(String::from("the copy has changed while it was looked at"))),
        }
    }

    /// Lets go of what waits in memory before this record, and takes more if there is none.
    fn skip_to(&mut self, seq: u64) {
        if self.waiting.last().is_none_or(|last| last < seq) {
            self.waiting.clear();
            self.pending.take(&mut self.waiting);
        }
    }

    fn follow_memory(&mut self, durable: u64) -> Result<(), Halt> {
        while let Some(head) = self.head {
            let (mut batch, mut end) = (Batch::default(), head);
            while let Some((record, group_ends)) = self.waiting.get(end.seq + 1).filter(|_| end.seq < durable) {
                batch.push(&mut end, &record, group_ends);
                if group_ends && (batch.records.len() >= BATCH_RECORDS || batch.bytes >= BATCH_BYTES) {
                    break;
                }
            }
            // Durable is told at the ends of groups, and memory holds whole ones.
            if batch.records.is_empty() {
                return Ok(());
            }
            self.send(&head, &batch, end)?;
        }
        Ok(())
    }

    fn follow_log(&mut self, durable: u64) -> Result<(), Halt> {
        let Some(mut head) = self.head else { return Ok(()) };
        let (mut batch, mut end, mut halted) = (Batch::default(), head, None);
        // Taken out, because what is read is sent while it is read.
        let mut source = std::mem::replace(&mut self.source, Box::new(Nothing));
        let read = source.read(head.seq + 1, &mut |seq, record, group_ends| {
            if seq != end.seq + 1 || seq > durable {
                return false;
            }
            batch.push(&mut end, record, group_ends);
            let full = batch.records.len() >= BATCH_RECORDS || batch.bytes >= BATCH_BYTES || seq == durable;
            if full && group_ends {
                match self.send(&head, &batch, end) {
                    Ok(()) => (batch, head) = (Batch::default(), end),
                    Err(halt) => halted = Some(halt),
                }
            }
            halted.is_none() && seq < durable
        });
        self.source = source;
        if let Some(halt) = halted {
            return Err(halt);
        }
        match read {
            Ok(()) => Ok(()),
            // So long was the server away that the local log has let go of what it lacks: a snapshot covers that.
            Err(OpenError::Dropped { .. }) => {
                let Some(mut store) = self.store.take() else { return Ok(()) };
                let seeded = self.seed(&mut store, Some(&head))?;
                self.store = Some(store);
                self.head = Some(seeded);
                self.pending.followed(seeded.seq);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends one batch. Where its outcome is not known the next connection looks how far the copy is: what was done is not done twice.
    fn send(&mut self, before: &Head, batch: &Batch, end: Head) -> Result<(), Halt> {
        // Put back only where it goes on.
        let Some(mut store) = self.store.take() else { return Err(Halt::Again(String::from("there is no connection"))) };
        match store.append(&self.writer, before, batch)? {
            Done::Ok => {
                self.store = Some(store);
                self.head = Some(end);
                self.pending.followed(end.seq);
                self.told.durable(end.seq);
                Ok(())
            }
            Done::Fenced(theirs) => Err(self.fenced(&mut store, theirs)),
            Done::Lost => Err(Halt::Again(String::from("redis is not at the record that was written last"))),
        }
    }

    fn keep(&mut self, seq: u64) -> Result<(), Halt> {
        let snapshot = match self.source.snapshot(seq) {
            Ok(snapshot) => snapshot,
            // Two newer ones have been stored since; the newest of them is told, too.
            Err(error) => {
                tracing::debug!(%error, seq, "a snapshot is gone before it was copied");
                self.pending.snapshot_done(seq);
                return Ok(());
            }
        };
        let Some(mut store) = self.store.take() else { return Ok(()) };
        match store.keep(&self.writer, seq, &snapshot.bytes)? {
            Done::Ok => {
                self.store = Some(store);
                self.pending.snapshot_done(seq);
                Ok(())
            }
            Done::Fenced(theirs) => Err(self.fenced(&mut store, theirs)),
            Done::Lost => Err(Halt::Again(String::from("redis is not at the record that was written last"))),
        }
    }

    /// The epoch in Redis is above ours: another node has taken over, or our own lease has risen.
    fn fenced(&mut self, store: &mut Store, theirs: u64) -> Halt {
        match store.look() {
            Ok(found) if is_ours(&self.options, found.owner.as_deref()) && found.epoch > self.writer.epoch => {
                self.writer.epoch = found.epoch;
                Halt::Again(String::from("the lease has risen to another epoch"))
            }
            Ok(_) => CopyError::Fenced { theirs, ours: self.writer.epoch }.into(),
            Err(trouble) => trouble.into(),
        }
    }
}
