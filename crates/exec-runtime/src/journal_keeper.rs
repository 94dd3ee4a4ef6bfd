//! Appends the engine's groups and listens for what became durable. It never retries, and never waits.

use exec_core::{
    ids::Seq,
    journal::{CopyLag, DurableWatch, Journal, JournalError},
    record::Record,
    snapshot::Snapshot,
};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

/// How often it is asked how far the copy is behind.
const COPY_LOOK: Duration = Duration::from_millis(100);

type Watching = BoxFuture<'static, (Box<dyn DurableWatch>, Result<Seq, JournalError>)>;

/// What the journal tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JournalNotice {
    /// Durable up to here.
    Durable(Seq),
    /// It failed, for the first time.
    Failed(String),
    /// Its copy is too far behind, or is not any more.
    Copy(Option<CopyLag>),
}

/// How a journal was read back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ReadBack {
    /// The last record.
    pub(crate) last: Seq,
    /// The last record of the snapshot that the reading began with, 0 if there was none.
    pub(crate) snapshot: Seq,
}

/// A journal and how far it is.
pub(crate) struct JournalKeeper {
    journal: Box<dyn Journal>,
    watching: Option<Watching>,
    appended: Seq,
    durable: Seq,
    /// How far it was durable when a write took too long.
    hangs_at: Option<Seq>,
    failure: Option<String>,
    dropped: u64,
    snapshot_every: u64,
    /// The last record of the newest snapshot that the journal has or was given.
    snapshot: Seq,
    /// For a journal that has a copy.
    looks: Option<Interval>,
    copy_too_far: bool,
}

impl JournalKeeper {
    /// Takes a journal that was read back.
    pub(crate) fn new(mut journal: Box<dyn Journal>, read: ReadBack, snapshot_every: u64) -> Self {
        let watch = journal.watch();
        let looks = journal.copy().map(|_| {
            let mut looks = interval_at(Instant::now(), COPY_LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            looks
        });
        Self {
            journal,
            watching: Some(wait(watch)),
            appended: read.last,
            durable: read.last,
            hangs_at: None,
            failure: None,
            dropped: 0,
            snapshot_every,
            snapshot: read.snapshot,
            looks,
            copy_too_far: false,
        }
    }

    /// Whether so much was appended since the last snapshot that a restart should not have to read it all.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.snapshot_every > 0 && self.appended.0 - self.snapshot.0 >= self.snapshot_every && self.failure.is_none()
    }
    /// Whether a restart would have anything to read.
    pub(crate) fn is_behind(&self) -> bool {
        self.snapshot_every > 0 && self.appended > self.snapshot && self.failure.is_none()
    }
    /// Gives the journal the state behind the last record that was appended.
    pub(crate) fn keep(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot.seq();
        self.journal.keep(snapshot);
    }

    /// Appends one group. The answer is the journal's failure, the first time only; then the group, and every later one,
    /// is dropped and counted: fsync is never tried again, and the node goes on with exits alone.
    pub(crate) fn append(&mut self, group: &[(Seq, Record)]) -> Option<String> {
        let (last, _) = group.last()?;
        if self.failure.is_some() {
            self.dropped += group.len() as u64;
            return None;
        }
        match self.journal.append(group) {
            Ok(()) => {
                self.appended = *last;
                None
            }
            Err(error) => {
                self.dropped += group.len() as u64;
                self.fail(error)
            }
        }
    }

    /// Waits until everything appended would outlive this process, but not longer than this.
    pub(crate) async fn written(&mut self, within: Duration) {
        // Of a disk that hangs it is said once: the next one does not wait for what the first has waited for in vain.
        if self.failure.is_some() || self.is_flushed() || self.hangs_at == Some(self.durable) {
            return;
        }
        let late = timeout(within, self.journal.written(self.appended)).await.is_err();
        self.hangs_at = late.then_some(self.durable);
    }

    /// Waits for the next notice. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> JournalNotice {
        loop {
            let (watch, told) = tokio::select! {
                biased;
                heard = heard(&mut self.watching) => heard,
                () = tick(&mut self.looks) => {
                    if let Some(notice) = self.copy_moved() {
                        return notice;
                    }
                    continue;
                }
            };
            self.watching = None;
            match told {
                Ok(seq) => {
                    self.watching = Some(wait(watch));
                    if self.failure.is_none() && seq > self.durable {
                        self.durable = seq;
                        return JournalNotice::Durable(seq);
                    }
                }
                Err(error) => {
                    if let Some(text) = self.fail(error) {
                        return JournalNotice::Failed(text);
                    }
                }
            }
        }
    }

    /// Whether the copy has got too far behind, or near enough again.
    fn copy_moved(&mut self) -> Option<JournalNotice> {
        let lag = self.journal.copy()?;
        let moved = lag.too_far != self.copy_too_far;
        self.copy_too_far = lag.too_far;
        moved.then(|| JournalNotice::Copy(lag.too_far.then_some(lag)))
    }

    /// How far the copy is behind, for a journal that has one.
    pub(crate) fn copy(&self) -> Option<CopyLag> {
        self.journal.copy()
    }

    fn fail(&mut self, error: JournalError) -> Option<String> {
        if self.failure.is_some() {
            return None;
        }
        let text = error.to_string();
        tracing::error!(error = %text, durable = self.durable.0, "journal failed; no new risk from here on");
        self.failure = Some(text.clone());
        Some(text)
    }

    /// Whether everything appended is durable.
    pub(crate) fn is_flushed(&self) -> bool {
        self.durable >= self.appended
    }
    /// How far the telling of consumers is behind, if any are told.
    pub(crate) fn events(&self) -> Option<CopyLag> {
        self.journal.events()
    }
    pub(crate) const fn durable(&self) -> Seq {
        self.durable
    }
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

async fn heard(watching: &mut Option<Watching>) -> (Box<dyn DurableWatch>, Result<Seq, JournalError>) {
    match watching {
        Some(watching) => watching.await,
        None => std::future::pending().await,
    }
}

async fn tick(looks: &mut Option<Interval>) {
    match looks {
        Some(looks) => drop(looks.tick().await),
        None => std::future::pending().await,
    }
}

fn wait(mut watch: Box<dyn DurableWatch>) -> Watching {
    Box::pin(async move {
        let told = watch.next().await;
        (watch, told)
    })
}
