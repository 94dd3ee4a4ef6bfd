//! A local log and its copy on Redis behind one journal port. The local log is always first; nothing here waits for Redis.

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use exec_core::feed::Teller;
use exec_core::ids::Seq;
use exec_core::journal::{CopyLag, DurableWatch, Journal, JournalError, Written};
use exec_core::record::Record;
use exec_core::snapshot::Snapshot;

use super::error::CopyError;
use super::follower::Follower;
use super::options::{Ack, RedisOptions};
use super::pending::{Pending, Waiting};
use super::publisher::Publisher;
use super::source::LogSource;
use super::start::{self, Started};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::file_journal::{Notice, QueueLimits};
use crate::log::LogOptions;
use crate::os_disk::{OsDisk, OsDiskOptions};
use crate::port::{EngineJournal, Told};
use crate::recovery::Recovery;

/// The journal of one account, with a copy on Redis.
///
/// What it promises follows from [`Ack`]: under [`Ack::Local`] a record is durable when the local log has it, under [`Ack::Shared`] when
/// Redis has it, too. Either way records reach the local log first, and the thread that appends never waits for Redis.
/// [`Journal::written`] is about the local log alone: what closes a position does not wait for another machine.
///
/// A node that was taken over from can write nothing more: Redis refuses its next batch, and the journal fails for good.
pub struct SharedJournal<D: Disk> {
    stage: Stage<D>,
}

enum Stage<D: Disk> {
    /// Waits to be read; nothing was opened, asked or taken yet.
    Standby(Opener<D>),
    Running(Box<Running<D>>),
    Refused(JournalError),
}

type Opener<D> = Box<dyn FnOnce() -> Result<Running<D>, CopyError> + Send>;

/// A journal that was opened, and its thread.
struct Running<D: Disk> {
    /// `None` while it is being dropped.
    local: Option<EngineJournal<D>>,
    ack: Ack,
    epoch: u64,
    lag_max_records: u64,
    lag_max: Duration,
    last_wait: Duration,
    pending: Arc<Pending>,
    remote: Arc<Told>,
    follower: Option<JoinHandle<()>>,
    options: RedisOptions,
    publisher: Option<JoinHandle<()>>,
}

impl SharedJournal<OsDisk> {
    /// Opens the journal of an account in a directory of this machine and its copy on Redis, and brings the directory up to date with
    /// what the copy has behind it: all of it, on a machine that has nothing.
    ///
    /// Waits for Redis as long as [`RedisOptions::patience`] says. Fences every other writer of the account.
    ///
    /// # Errors
    /// [`CopyError`]: do not start. Only [`CopyError::Away`] and [`CopyError::Held`] may pass by themselves.
    pub fn open(
        path: impl AsRef<Path>,
        options: &LogOptions,
        disk: OsDiskOptions,
        redis: RedisOptions,
    ) -> Result<(Self, Recovery), CopyError> {
        let (running, recovery) = Running::open(path.as_ref(), options, disk, redis)?;
        Ok((Self::of(running), recovery))
    }

    /// Does what [`SharedJournal::open`] does when the journal is first read, and nothing before: for a node that stands by until it
    /// has the lease of the account, and reads what the node before it has written to the last.
    ///
    /// An error is then [`JournalError::Locked`] where another holds the account, else [`JournalError::Unusable`].
    pub fn standby(path: impl Into<PathBuf>, options: LogOptions, disk: OsDiskOptions, redis: RedisOptions) -> Self {
        let path = path.into();
        let open = move || Running::open(&path, &options, disk, redis).map(|(running, _)| running);
        Self { stage: Stage::Standby(Box::new(open)) }
    }
}

impl Running<OsDisk> {
    fn open(path: &Path, options: &LogOptions, disk: OsDiskOptions, redis: RedisOptions) -> Result<(Self, Recovery), CopyError> {
        let (started, recovery) = start::directory(path, options, disk, redis)?;
        let view = OsDisk::open(path, disk)?;
        Ok((Self::begin(started, view)?, recovery))
    }
}

impl<D: Disk + Send + 'static> SharedJournal<D> {
    /// Opens a log on any disk and its copy. `view` is another handle to the same disk, to read with.
    ///
    /// # Errors
    /// As [`SharedJournal::open`]; besides, a disk without records cannot be built behind a snapshot here.
    pub fn open_on(disk: D, view: D, options: &LogOptions, redis: RedisOptions) -> Result<(Self, Recovery), CopyError>
    where
        D: Clone,
    {
        let (started, recovery) = start::on_disk(disk, view.clone(), options, redis)?;
        Ok((Self::of(Running::begin(started, view)?), recovery))
    }

    /// Tells consumers, in a stream beside the copy, what the records say; once, before the first append. At least the newest
    /// `events_min` events are kept. `view` gives another handle to the local log's disk, to read with; a journal on standby asks for it
    /// when it is opened.
    ///
    /// A thread of its own tells; nothing waits for it. It tells what the copy holds, from where the stream ends on, so what one life
    /// has not told the next one does, and no event stands in the stream twice.
    ///
    /// # Errors
    /// [`CopyError`]: there is no view, or this machine gives no thread.
    pub fn publish(
        &mut self,
        view: impl FnOnce() -> Result<D, OpenError> + Send + 'static,
        teller: Box<dyn Teller>,
        events_min: u64,
    ) -> Result<(), CopyError> {
        match &mut self.stage {
            Stage::Running(running) => return running.publish(view()?, teller, events_min),
            Stage::Refused(_) => return Ok(()),
            Stage::Standby(_) => (),
        }
        if let Stage::Standby(open) = std::mem::replace(&mut self.stage, Stage::Refused(closed())) {
            self.stage = Stage::Standby(Box::new(move || {
                let mut running = open()?;
                running.publish(view()?, teller, events_min)?;
                Ok(running)
            }));
        }
        Ok(())
    }

    fn of(running: Running<D>) -> Self {
        Self { stage: Stage::Running(Box::new(running)) }
    }

    /// Opens it if that was not done.
    fn running(&mut self) -> Result<&mut Running<D>, JournalError> {
        if let Stage::Standby(_) = self.stage
            && let Stage::Standby(open) = std::mem::replace(&mut self.stage, Stage::Refused(closed()))
        {
            self.stage = match open() {
                Ok(running) => Stage::Running(Box::new(running)),
                Err(error) => Stage::Refused(error.into()),
            };
        }
        match &mut self.stage {
            Stage::Running(running) => Ok(running),
            Stage::Refused(error) => Err(error.clone()),
            Stage::Standby(_) => Err(closed()),
        }
    }
}

impl<D: Disk> SharedJournal<D> {
    /// The epoch under which this life has begun to write to Redis; 0 before it has.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        match &self.stage {
            Stage::Running(running) => running.epoch,
            Stage::Standby(_) | Stage::Refused(_) => 0,
        }
    }
}

fn closed() -> JournalError {
    JournalError::Failed(String::from("the journal is closed"))
}

impl From<CopyError> for JournalError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Local(error) => error.into(),
            CopyError::Held { .. } | CopyError::Fenced { .. } | CopyError::NotHeld => Self::Locked(error.to_string()),
            other => Self::Unusable(other.to_string()),
        }
    }
}

impl<D: Disk + Send + 'static> Running<D> {
    fn begin(started: Started<D>, view: D) -> Result<Self, CopyError> {
        let Started { log, store, head, writer, options } = started;
        let mut local = EngineJournal::new(log, QueueLimits::default());
        let last = local.last().0;
        let pending = Arc::new(Pending::new(last, options.waiting_bytes_max));
        pending.followed(head.map_or(0, |head| head.seq));
        let hears = Arc::clone(&pending);
        local.listen(Box::new(move |notice| match notice {
            Notice::Durable(seq) => hears.durable(*seq),
            Notice::SnapshotStored(seq) => hears.snapshot(*seq),
            Notice::Written(_) | Notice::Failed(_) | Notice::SegmentsDropped(_) | Notice::UpkeepFailed(_) => (),
        }));
        let remote = Arc::new(Told::from(head.map_or(0, |head| head.seq)));
        let (ack, epoch) = (options.ack, writer.epoch);
        let (lag_max_records, lag_max, last_wait) = (options.lag_max_records, options.lag_max, options.timeout);
        let kept = options.clone();
        let follower = Follower {
            source: Box::new(LogSource::new(view, &options.account)),
            options,
            writer,
            pending: Arc::clone(&pending),
            told: Arc::clone(&remote),
            store: head.is_some().then_some(store),
            head,
            waiting: Waiting::default(),
            troubled: false,
        };
        let follower = Builder::new()
            .name("journal-copy".to_owned())
            .spawn(move || follower.run())
            .map_err(|error| CopyError::Away(format!("this machine gives no thread to speak to it: {error}")))?;
        Ok(Self {
            local: Some(local),
            ack,
            epoch,
            lag_max_records,
            lag_max,
            last_wait,
            pending,
            remote,
            follower: Some(follower),
            options: kept,
            publisher: None,
        })
    }

    fn publish(&mut self, view: D, teller: Box<dyn Teller>, events_min: u64) -> Result<(), CopyError> {
        let outlet = self.pending.open_outlet();
        let source = Box::new(LogSource::new(view, &self.options.account));
        let publisher = Publisher::new(&self.options, events_min, source, outlet, teller);
        let thread = Builder::new().name("journal-events".to_owned()).spawn(move || publisher.run());
        self.publisher =
            Some(thread.map_err(|error| CopyError::Away(format!("this machine gives no thread to tell events: {error}")))?);
        Ok(())
    }
}

impl<D: Disk> Running<D> {
    fn local(&mut self) -> Result<&mut EngineJournal<D>, JournalError> {
        self.local.as_mut().ok_or_else(closed)
    }
}

impl<D: Disk + Send + 'static> Journal for SharedJournal<D> {
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, JournalError> {
        self.running()?.local()?.newest_snapshot()
    }

    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError> {
        self.running()?.local()?.replay(visit)
    }

    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError> {
        let running = self.running()?;
        if let Some(why) = running.remote.failure() {
            return Err(JournalError::Failed(why));
        }
        let pending = Arc::clone(&running.pending);
        running.local()?.append_and(group, &mut |first, records| pending.push(first.0, records))
    }

    fn written(&mut self, seq: Seq) -> Written {
        match self.running().and_then(Running::local) {
            Ok(local) => local.written(seq),
            Err(_) => Box::pin(std::future::ready(())),
        }
    }

    fn keep(&mut self, snapshot: Snapshot) {
        if let Ok(local) = self.running().and_then(Running::local) {
            local.keep(snapshot);
        }
    }

    fn copy(&self) -> Option<CopyLag> {
        match &self.stage {
            Stage::Running(running) => Some(running.pending.lag(running.lag_max_records, running.lag_max)),
            Stage::Standby(_) | Stage::Refused(_) => Some(CopyLag::default()),
        }
    }

    fn events(&self) -> Option<CopyLag> {
        match &self.stage {
            Stage::Running(running) => running.pending.outlet().map(super::outlet::Outlet::lag),
            Stage::Standby(_) | Stage::Refused(_) => None,
        }
    }

    fn watch(&mut self) -> Box<dyn DurableWatch> {
        match self.running() {
            Ok(running) => running.watch(),
            Err(error) => {
                let told = Arc::new(Told::from(0));
                told.fail(error.to_string());
                Box::new(Watch { local: Arc::clone(&told), remote: told, ack: Ack::Local, last: 0 })
            }
        }
    }
}

impl<D: Disk + Send + 'static> Running<D> {
    fn watch(&mut self) -> Box<dyn DurableWatch> {
        let remote = Arc::clone(&self.remote);
        let (told, last) = match &mut self.local {
            Some(local) => {
                let last = local.last().0;
                // Sets its thread going; the watch of both is ours.
                drop(local.watch());
                (local.told(), last)
            }
            None => (Arc::clone(&remote), 0),
        };
        Box::new(Watch { local: told, remote, ack: self.ack, last })
    }
}

impl<D: Disk> Drop for Running<D> {
    fn drop(&mut self) {
        // First, so that what it makes durable in its last moment is followed, too.
        drop(self.local.take());
        // One that did not answer before is not waited for as one that does: its last records are in the local log.
        let (grace, away) = (self.last_wait / 8, self.pending.is_away());
        let until = Instant::now() + if away { grace } else { self.last_wait };
        self.pending.close(until);
        end(self.follower.take(), until + grace);
        // Behind the follower, because it tells what that has brought to the copy.
        if let Some(outlet) = self.pending.outlet() {
            let until = Instant::now() + if away || outlet.is_away() { grace } else { self.last_wait / 4 };
            outlet.close(until);
            end(self.publisher.take(), until + grace);
        }
    }
}

fn end(thread: Option<JoinHandle<()>>, until: Instant) {
    let Some(thread) = thread else { return };
    while !thread.is_finished() {
        if Instant::now() > until {
            // It hangs in the network, and nothing that was said to be durable is lost.
            tracing::warn!("redis hangs; the thread that speaks to it is left behind");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if thread.join().is_err() {
        tracing::error!("a thread that speaks to redis has panicked");
    }
}

struct Watch {
    local: Arc<Told>,
    remote: Arc<Told>,
    ack: Ack,
    last: u64,
}

#[async_trait]
impl DurableWatch for Watch {
    async fn next(&mut self) -> Result<Seq, JournalError> {
        poll_fn(|cx| {
            let (local, local_failure) = self.local.look(cx.waker());
            let (remote, remote_failure) = self.remote.look(cx.waker());
            let durable = match self.ack {
                Ack::Local => local,
                Ack::Shared => local.min(remote),
            };
            // Whoever was taken over from is told that first.
            if let Some(why) = remote_failure {
                return Poll::Ready(Err(JournalError::Failed(why)));
            }
            if durable > self.last {
                self.last = durable;
                return Poll::Ready(Ok(Seq(durable)));
            }
            local_failure.map_or(Poll::Pending, |why| Poll::Ready(Err(JournalError::Failed(why))))
        })
        .await
    }
}
