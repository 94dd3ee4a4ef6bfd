//! A log on a thread of its own: callers queue groups and go on, the thread writes what waits and syncs it once. Not async, and
//! without any knowledge of a runtime: progress is told through a closure and an atomic.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use crate::disk::Disk;
use crate::error::{Failure, JournalError};
use crate::format::Durability;
use crate::log::{Log, RecordRef, Ticket};
use crate::queue::{Queue, Staged, Taken, Upkeep};

/// Bounds of the queue between callers and the journal thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Most bytes that wait or are being written; beyond, an append answers [`JournalError::Full`].
    pub bytes_max: usize,
    /// Most bytes that are written as one group on the disk, unless a single group of a caller is larger. Bounds how long the first of
    /// a crowd waits.
    pub batch_max: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { bytes_max: 16 * 1024 * 1024, batch_max: 1024 * 1024 }
    }
}

/// What the journal thread tells, in order. The closure that takes it runs on that thread and must not block.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Notice {
    /// All records up to this number are in the hands of the operating system: they outlive the process, perhaps not the machine.
    Written(u64),
    /// All records up to this number are safe, as [`Durability`] says.
    Durable(u64),
    /// The journal failed and takes nothing more. Told once.
    Failed(Failure),
    /// The snapshot up to this record is stored.
    SnapshotStored(u64),
    /// This many segments were dropped behind a snapshot.
    SegmentsDropped(u64),
    /// A snapshot or the dropping of segments failed; the log itself is sound.
    UpkeepFailed(JournalError),
}

/// A handle to a log that runs on one dedicated thread.
///
/// Groups are numbered when they are queued and written in that order; each is atomic. All that wait are written as one group on the disk,
/// with one sync, up to [`QueueLimits::batch_max`]. A state hash is kept only where it belongs to the last group of such a batch.
///
/// The handle is `Sync`: any thread may append. Dropping it closes the journal and waits for the disk.
///
/// ```
/// use exec_journal::{FileJournal, Log, LogOptions, QueueLimits, RecordRef, SimDisk};
///
/// let (log, _) = Log::open(SimDisk::new(), &LogOptions::new("demo"))?;
/// let journal = FileJournal::start(log, QueueLimits::default(), |notice| println!("{notice:?}"))?;
/// let ticket = journal.append(&[RecordRef { kind: 1, version: 1, payload: b"intent" }], None)?;
/// journal.wait_durable(ticket)?;
/// assert_eq!(journal.durable_seq(), ticket.last);
/// journal.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileJournal {
    queue: Arc<Queue>,
    durable: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
}

impl FileJournal {
    /// Moves a log onto its thread.
    ///
    /// # Errors
    /// [`Failure`] if the machine gives no thread.
    pub fn start<D>(log: Log<D>, limits: QueueLimits, notify: impl Fn(Notice) + Send + 'static) -> Result<Self, Failure>
    where
        D: Disk + Send + 'static,
    {
        let queue = Arc::new(Queue::new(log.last_seq() + 1, log.durable_seq(), limits.bytes_max, log.group_max()));
        let worker = Worker { log, queue: Arc::clone(&queue), notify, batch_max: limits.batch_max, gave_up_preparing_in: None };
        let thread = Builder::new()
            .name("journal".to_owned())
            .spawn(move || worker.run())
            .map_err(|e| Failure::new("start", "the journal thread", e))?;
        Ok(Self { durable: queue.durable(), queue, thread: Some(thread) })
    }

    /// Queues one atomic group without waiting and returns the numbers of its records, which fix its place in the log.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::TooLarge`], [`JournalError::EmptyGroup`]: nothing was queued.
    /// [`JournalError::Failed`], [`JournalError::Closed`]: nothing will be queued any more.
    pub fn append(&self, records: &[RecordRef<'_>], state_hash: Option<u64>) -> Result<Ticket, JournalError> {
        self.queue.push(records, state_hash)
    }

    /// Queues a snapshot of the caller's state after record `seq`, which was appended before. Told by [`Notice::SnapshotStored`].
    ///
    /// Groups queued meanwhile wait for it, so a caller chooses a quiet moment.
    ///
    /// # Errors
    /// As [`FileJournal::append`].
    pub fn snapshot(&self, bytes: Vec<u8>, seq: u64) -> Result<(), JournalError> {
        self.queue.push_upkeep(Upkeep::Snapshot { seq, bytes })
    }

    /// Queues the dropping of segments, see [`Log::truncate_before`]. Told by [`Notice::SegmentsDropped`].
    ///
    /// # Errors
    /// As [`FileJournal::append`].
    pub fn truncate_before(&self, seq: u64) -> Result<(), JournalError> {
        self.queue.push_upkeep(Upkeep::TruncateBefore(seq))
    }

    /// Number of the last safe record.
    #[must_use]
    pub fn durable_seq(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The same number to watch from elsewhere; it only rises.
    #[must_use]
    pub fn durable_watch(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.durable)
    }

    /// Blocks the calling thread until a group is safe. Not for async code: that listens to [`Notice::Durable`].
    ///
    /// # Errors
    /// [`JournalError::Failed`] if it never will be.
    pub fn wait_durable(&self, ticket: Ticket) -> Result<(), JournalError> {
        self.queue.wait_for(ticket.last)
    }

    /// The failure that latched the journal, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.queue.failure()
    }

    /// Writes and syncs all that waits, marks the journal as closed on purpose, ends the thread and gives the lock back.
    ///
    /// # Errors
    /// [`JournalError::Failed`], from now or earlier.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.queue.close();
        match thread.join() {
            Ok(done) => done,
            Err(_) => Err(JournalError::Failed(died())),
        }
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!(%error, "the journal was dropped in a failed state");
        }
    }
}

fn died() -> Failure {
    Failure::new("run", "the journal thread", io::Error::other("the thread panicked"))
}

/// Latches the queue if the thread ends by a panic, so that nobody waits for it.
struct Watch(Arc<Queue>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(died());
        }
    }
}

struct Worker<D: Disk, N> {
    log: Log<D>,
    queue: Arc<Queue>,
    notify: N,
    batch_max: usize,
    gave_up_preparing_in: Option<u64>,
}

impl<D: Disk, N: Fn(Notice)> Worker<D, N> {
    fn run(mut self) -> Result<(), JournalError> {
        let _watch = Watch(Arc::clone(&self.queue));
        match self.serve() {
            Ok(()) => self.log.close(),
            Err(error) => {
                if let JournalError::Failed(failure) = &error {
                    tracing::error!(%failure, "the journal failed");
                    self.queue.fail(failure.clone());
                    (self.notify)(Notice::Failed(failure.clone()));
                }
                Err(error)
            }
        }
    }

    fn serve(&mut self) -> Result<(), JournalError> {
        let mut staged = Staged::default();
        let mut more_to_prepare = true;
        loop {
            match self.queue.take(&mut staged, !more_to_prepare) {
                Taken::Work(upkeep) => {
                    self.write(&staged)?;
                    staged.bytes.clear();
                    staged.groups.clear();
                    for task in upkeep {
                        self.keep_up(task)?;
                    }
                    more_to_prepare = true;
                    if self.log.room_is_short() {
                        self.prepare();
                    }
                }
                Taken::Nothing => more_to_prepare = self.prepare(),
                Taken::Closing => return Ok(()),
            }
        }
    }

    /// Writes all staged groups, as few groups on the disk as the batch size allows, one sync each.
    fn write(&mut self, staged: &Staged) -> Result<(), JournalError> {
        let mut start = 0;
        let mut groups = staged.groups.iter().peekable();
        let limit = self.batch_max.min(self.log.group_max());
        while let Some(first) = groups.next() {
            let (mut end, mut count, mut hash) = (first.end, first.count, first.state_hash);
            while let Some(next) = groups.next_if(|g| g.end - start <= limit) {
                (end, hash) = (next.end, next.state_hash);
                count += next.count;
            }
            let body = staged.bytes.get(start..end).unwrap_or(&[]);
            let ticket = self.log.append_encoded(body, count, hash)?;
            (self.notify)(Notice::Written(ticket.last));
            if self.log.durability() == Durability::Sync {
                self.log.sync()?;
            }
            start = end;
            self.queue.is_durable(ticket.last, staged.bytes.len() - end);
            (self.notify)(Notice::Durable(ticket.last));
        }
        Ok(())
    }

    fn keep_up(&mut self, task: Upkeep) -> Result<(), JournalError> {
        let done = match task {
            Upkeep::Snapshot { seq, bytes } => {
                self.log.sync()?;
                self.log.snapshot(&bytes, seq).map(|()| Notice::SnapshotStored(seq))
            }
            Upkeep::TruncateBefore(seq) => self.log.truncate_before(seq).map(Notice::SegmentsDropped),
        };
        match done {
            Ok(notice) => (self.notify)(notice),
            Err(error @ JournalError::Failed(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "upkeep of the journal failed");
                (self.notify)(Notice::UpkeepFailed(error));
            }
        }
        Ok(())
    }

    /// One step towards the next segment; a failure is told once per segment and left to the roll.
    fn prepare(&mut self) -> bool {
        let segment = self.log.segment_number();
        if self.gave_up_preparing_in == Some(segment) {
            return false;
        }
        match self.log.prepare_next() {
            Ok(more) => more,
            Err(error) => {
                self.gave_up_preparing_in = Some(segment);
                tracing::warn!(%error, "the next segment could not be prepared");
                (self.notify)(Notice::UpkeepFailed(error));
                false
            }
        }
    }
}
