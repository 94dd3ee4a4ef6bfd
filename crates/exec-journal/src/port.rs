//! A log behind the engine's journal port: records in and out, durability told as a future. It knows no runtime and decides nothing.

use std::future::poll_fn;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use exec_core::ids::{AccountId, Seq};
use exec_core::journal::{DurableWatch, Journal, JournalError as PortError, Written};
use exec_core::record::{RECORD_VERSION, Record};
use exec_core::snapshot::Snapshot;

use crate::disk::Disk;
use crate::error::{JournalError, OpenError};
use crate::file_journal::{FileJournal, Notice, QueueLimits};
use crate::format::Durability;
use crate::log::{Log, LogOptions, RecordRef};
use crate::os_disk::{OsDisk, OsDiskOptions};
use crate::recovery::Recovery;

/// How long the end of a journal waits for a disk that is behind before it leaves the rest to the journal's thread.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Closed segments that stay although snapshots cover them, where nobody says otherwise.
pub const SEGMENTS_KEPT: usize = 4;

/// The journal of one account, as the engine's shell wants it.
///
/// Order of calls: [`EngineJournal::open`], [`Journal::newest_snapshot`], [`Journal::replay`], [`Journal::watch`], then appends. The log
/// moves onto its thread with the first of the latter two. After the first failure every append answers it, and nothing is tried
/// again. Dropping it closes the log; of a disk that hangs it lets go after two seconds.
///
/// A snapshot is encoded on a thread of its own and read back before it is stored: records are dropped on the strength of it.
///
/// ```
/// use exec_core::ids::AccountId;
/// use exec_core::journal::Journal;
/// use exec_journal::{Durability, EngineJournal, OsDiskOptions};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("journal");
/// let options = OsDiskOptions { allow_volatile: true };
/// let (mut journal, recovery) = EngineJournal::open(&path, &AccountId::new("main")?, Durability::Sync, options)?;
/// assert_eq!((journal.replay(&mut |_, _| ())?.0, recovery.last_seq), (0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EngineJournal<D: Disk> {
    stage: Stage<D>,
    limits: QueueLimits,
    told: Arc<Told>,
    /// Records are replayed from here on.
    from: u64,
    last: Seq,
    encoding: Option<JoinHandle<()>>,
    failure: Option<PortError>,
    payloads: Vec<u8>,
    listener: Option<Listener>,
}

/// Hears what the journal's thread tells, on that thread; it must not block.
pub(crate) type Listener = Box<dyn Fn(&Notice) + Send>;

enum Stage<D: Disk> {
    Opened(Log<D>),
    Running(Arc<FileJournal>),
    Over,
}

impl EngineJournal<OsDisk> {
    /// Opens the journal of an account in a directory of this machine, or begins one in an empty directory.
    ///
    /// # Errors
    /// [`OpenError`]: the directory is not fit, another process holds it, or what was acknowledged is not whole.
    pub fn open(
        path: impl AsRef<Path>,
        account: &AccountId,
        durability: Durability,
        disk: OsDiskOptions,
    ) -> Result<(Self, Recovery), OpenError> {
        let options = LogOptions { durability, segments_kept: SEGMENTS_KEPT, ..LogOptions::new(account.as_str()) };
        Self::open_with(path, &options, disk)
    }

    /// The same with everything said that a log can be told.
    ///
    /// # Errors
    /// As [`EngineJournal::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &LogOptions, disk: OsDiskOptions) -> Result<(Self, Recovery), OpenError> {
        let (log, recovery) = open_log(path.as_ref(), options, disk)?;
        Ok((Self::new(log, QueueLimits::default()), recovery))
    }
}

/// Opens the log in a directory.
pub(crate) fn open_log(path: &Path, options: &LogOptions, disk: OsDiskOptions) -> Result<(Log<OsDisk>, Recovery), OpenError> {
    // So small that a short life of a node rolls them.
    #[cfg(feature = "drill")]
    let options = &LogOptions { segment_bytes: 32 * 1024, ..options.clone() };
    Log::open(OsDisk::open(path, disk)?, options)
}

impl<D: Disk> EngineJournal<D> {
    /// Takes a log that was opened and not yet appended to.
    pub fn new(log: Log<D>, limits: QueueLimits) -> Self {
        let last = log.last_seq();
        Self {
            told: Arc::new(Told::from(last)),
            stage: Stage::Opened(log),
            limits,
            from: 1,
            last: Seq(last),
            encoding: None,
            failure: None,
            payloads: Vec::new(),
            listener: None,
        }
    }

    /// Before the first append; only one listens.
    #[cfg(feature = "redis")]
    pub(crate) fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    #[cfg(feature = "redis")]
    pub(crate) fn told(&self) -> Arc<Told> {
        Arc::clone(&self.told)
    }

    #[cfg(feature = "redis")]
    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    fn fail(&mut self, why: impl std::fmt::Display) -> PortError {
        let error = PortError::Failed(why.to_string());
        self.told.fail(why.to_string());
        self.failure.insert(error).clone()
    }
}

impl<D: Disk + Send + 'static> EngineJournal<D> {
    /// Moves the log onto its thread, once.
    fn running(&mut self) -> Result<&Arc<FileJournal>, PortError> {
        if let Stage::Opened(_) = self.stage
            && let Stage::Opened(log) = std::mem::replace(&mut self.stage, Stage::Over)
        {
            let (told, listener) = (Arc::clone(&self.told), self.listener.take());
            let notify = move |notice| {
                if let Some(listener) = &listener {
                    listener(&notice);
                }
                match notice {
                    Notice::Written(seq) => told.written(seq),
                    Notice::Durable(seq) => told.durable(seq),
                    Notice::Failed(failure) => told.fail(failure.to_string()),
                    Notice::SnapshotStored(seq) => tracing::debug!(seq, "a snapshot is stored"),
                    Notice::SegmentsDropped(0) => (),
                    Notice::SegmentsDropped(count) => tracing::info!(count, "old segments of the journal are dropped"),
                    // Logged where it happens; the log itself is sound.
                    Notice::UpkeepFailed(_) => (),
                }
            };
            match FileJournal::start(log, self.limits, notify) {
                Ok(journal) => self.stage = Stage::Running(Arc::new(journal)),
                Err(failure) => return Err(self.fail(failure)),
            }
        }
        match &self.stage {
            Stage::Running(journal) => Ok(journal),
            Stage::Opened(_) | Stage::Over => Err(PortError::Failed(String::from("the journal's thread does not run"))),
        }
    }

    /// `also` sees the records as bytes, before they are queued: whoever hears that they are durable finds them with it.
    fn push(&mut self, group: &[(Seq, Record)], also: &mut dyn FnMut(Seq, &[RecordRef<'_>])) -> Result<(), PortError> {
        let mut payloads = std::mem::take(&mut self.payloads);
        payloads.clear();
        let mut ends = Vec::with_capacity(group.len());
        for (_, record) in group {
            payloads = record.encode(payloads);
            ends.push(payloads.len());
        }
        let mut start = 0;
        let records: Vec<RecordRef<'_>> = group
            .iter()
            .zip(ends)
            .map(|((_, record), end)| {
                let payload = payloads.get(start..end).unwrap_or(&[]);
                start = end;
                RecordRef { kind: record.kind(), version: RECORD_VERSION, payload }
            })
            .collect();
        // A full queue is a disk that has hung for megabytes; a gap cannot be left and a wait cannot be afforded, so it is a failure.
        self.running()?;
        also(Seq(self.last.0 + 1), &records);
        let queued = self.running()?.append(&records, None);
        drop(records);
        self.payloads = payloads;
        match queued {
            Ok(ticket) => {
                self.last = Seq(ticket.last);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// [`Journal::append`], and lets `also` see the records as bytes before they can become durable. Where the append fails, they never do.
    pub(crate) fn append_and(
        &mut self,
        group: &[(Seq, Record)],
        also: &mut dyn FnMut(Seq, &[RecordRef<'_>]),
    ) -> Result<(), PortError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let follows = group.iter().zip(self.last.0 + 1..).all(|((seq, _), next)| seq.0 == next);
        if !follows {
            let first = group.first().map_or(0, |(seq, _)| seq.0);
            let last = self.last;
            return Err(self.fail(format_args!("record {first} does not follow record {last}")));
        }
        if group.is_empty() {
            return Ok(());
        }
        self.push(group, also)
    }
}

impl<D: Disk + Send + 'static> Journal for EngineJournal<D> {
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, PortError> {
        let Stage::Opened(log) = &mut self.stage else {
            return Err(PortError::Unusable(String::from("its snapshot is read before the first append")));
        };
        let Some(stored) = log.newest_snapshot()? else { return Ok(None) };
        // What is stored was read back before, so this is the work of another build.
        let snapshot = Snapshot::decode(&stored.bytes)?;
        if snapshot.seq() != Seq(stored.seq) {
            let (says, named) = (snapshot.seq(), stored.seq);
            return Err(PortError::Unusable(format!("the snapshot after record {named} says that it was taken after {says}")));
        }
        self.from = stored.seq + 1;
        Ok(Some(snapshot))
    }

    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, PortError> {
        let Stage::Opened(log) = &mut self.stage else {
            return Err(PortError::Unusable(String::from("it is read before the first append, once")));
        };
        for record in log.read_from(self.from)? {
            let record = record?;
            visit(Seq(record.seq), Record::decode(record.kind, record.version, &record.payload)?);
        }
        Ok(self.last)
    }

    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), PortError> {
        self.append_and(group, &mut |_, _| ())
    }

    fn written(&mut self, seq: Seq) -> Written {
        let told = Arc::clone(&self.told);
        Box::pin(poll_fn(move |cx| {
            let mut state = told.lock();
            if state.written >= seq.0 || state.failure.is_some() {
                return Poll::Ready(());
            }
            state.waits_for_write = Some(cx.waker().clone());
            Poll::Pending
        }))
    }

    fn keep(&mut self, snapshot: Snapshot) {
        if self.failure.is_some() || self.encoding.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        if snapshot.seq() != self.last {
            tracing::error!(
                snapshot = snapshot.seq().0,
                last = self.last.0,
                "a snapshot is not of the last record; it is not kept"
            );
            return;
        }
        let Ok(journal) = self.running().cloned() else { return };
        let encoding = Builder::new().name("snapshot".to_owned()).spawn(move || store(&snapshot, &journal));
        match encoding {
            Ok(thread) => self.encoding = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread for a snapshot; it is not kept"),
        }
    }

    fn watch(&mut self) -> Box<dyn DurableWatch> {
        // If the thread cannot start, the watch tells.
        let _ = self.running();
        Box::new(Watch { told: Arc::clone(&self.told), last: self.last.0 })
    }
}

/// Encodes a snapshot, reads it back, and queues it behind what was appended before.
fn store(snapshot: &Snapshot, journal: &FileJournal) {
    let begun = Instant::now();
    let (seq, bytes) = (snapshot.seq().0, snapshot.encode());
    if Snapshot::decode(&bytes).as_ref() != Ok(snapshot) {
        tracing::error!(seq, "a snapshot does not read back as it was; it is not kept, and no record is dropped");
        return;
    }
    tracing::debug!(seq, bytes = bytes.len(), took = ?begun.elapsed(), "a snapshot is encoded");
    // What fails here has been told by the journal itself.
    if journal.snapshot(bytes, seq).is_ok() {
        let _ = journal.truncate_before(seq + 1);
    }
}

impl<D: Disk> Drop for EngineJournal<D> {
    fn drop(&mut self) {
        if let Some(encoding) = self.encoding.take() {
            // It touches no disk, so it comes to its end; a panic in it cost a snapshot, no record.
            let _ = encoding.join();
        }
        let Stage::Running(journal) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let begun = Instant::now();
        while journal.durable_seq() < self.last.0 && journal.failure().is_none() {
            if begun.elapsed() > LAST_WAIT {
                tracing::error!(
                    durable = journal.durable_seq(),
                    last = self.last.0,
                    "the journal's disk hangs; it is left behind"
                );
                // Joining the thread would hang with it. Nothing that was said to be durable is lost.
                std::mem::forget(journal);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl From<OpenError> for PortError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Locked { .. } => Self::Locked(error.to_string()),
            other => Self::Unusable(other.to_string()),
        }
    }
}

impl From<JournalError> for PortError {
    fn from(error: JournalError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What the journal's thread has told, and who waits for it.
#[derive(Debug)]
pub(crate) struct Told(Mutex<State>);

#[derive(Debug)]
struct State {
    written: u64,
    durable: u64,
    failure: Option<String>,
    waits_for_write: Option<Waker>,
    waits_for_sync: Option<Waker>,
}

impl Told {
    pub(crate) const fn from(durable: u64) -> Self {
        Self(Mutex::new(State { written: durable, durable, failure: None, waits_for_write: None, waits_for_sync: None }))
    }
    // Every change is complete before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn written(&self, seq: u64) {
        let mut state = self.lock();
        state.written = state.written.max(seq);
        let waiting = state.waits_for_write.take();
        drop(state);
        wake(waiting);
    }
    pub(crate) fn durable(&self, seq: u64) {
        let mut state = self.lock();
        state.durable = state.durable.max(seq);
        let waiting = state.waits_for_sync.take();
        drop(state);
        wake(waiting);
    }
    /// How far it is durable and why it never will be further; whoever looks is woken when either changes. One looks.
    pub(crate) fn look(&self, waker: &Waker) -> (u64, Option<String>) {
        let mut state = self.lock();
        state.waits_for_sync = Some(waker.clone());
        (state.durable, state.failure.clone())
    }
    #[cfg(feature = "redis")]
    pub(crate) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }
    pub(crate) fn fail(&self, why: String) {
        let mut state = self.lock();
        state.failure.get_or_insert(why);
        let waiting = [state.waits_for_write.take(), state.waits_for_sync.take()];
        drop(state);
        waiting.into_iter().for_each(wake);
    }
}

/// Outside of the lock, which whoever wakes up takes first.
fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

struct Watch {
    told: Arc<Told>,
    last: u64,
}

#[async_trait]
impl DurableWatch for Watch {
    async fn next(&mut self) -> Result<Seq, PortError> {
        poll_fn(|cx| {
            let (durable, failure) = self.told.look(cx.waker());
            if durable > self.last {
                self.last = durable;
                return Poll::Ready(Ok(Seq(durable)));
            }
            failure.map_or(Poll::Pending, |why| Poll::Ready(Err(PortError::Failed(why))))
        })
        .await
    }
}
