//! A journal in memory that outlives a node, and does what a test tells it. Not a file: what files do is tested where they are.

use async_trait::async_trait;
use exec_core::{
    ids::Seq,
    journal::{CopyLag, DurableWatch, Journal, JournalError, Written},
    record::Record,
    snapshot::Snapshot,
};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// How the disk behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DiskMood {
    /// Everything is durable at once.
    Sound,
    /// Takes groups, and nothing becomes durable.
    Stuck,
    /// Refuses the next group.
    Broken,
    /// The power fails just before a group with a strategy's cursor would be kept; nothing is kept from then on.
    PowerCutAtCursor,
}

/// A journal in memory that outlives the node: what is durable is there at the next start. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Disk(Arc<DiskState>);

struct DiskState {
    groups: Mutex<Vec<Vec<(Seq, Record)>>>,
    mood: Mutex<DiskMood>,
    durable: watch::Sender<Result<Seq, String>>,
    cut: watch::Sender<bool>,
    appends: Mutex<u64>,
    snapshots: Mutex<Vec<Snapshot>>,
    /// Records that the last reading gave.
    read: Mutex<usize>,
    copy: Mutex<Option<CopyLag>>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self(Arc::new(DiskState {
            groups: Mutex::default(),
            mood: Mutex::new(DiskMood::Sound),
            durable: watch::Sender::new(Ok(Seq(0))),
            cut: watch::Sender::new(false),
            appends: Mutex::new(0),
            snapshots: Mutex::default(),
            read: Mutex::new(0),
            copy: Mutex::new(None),
        }))
    }
    pub(crate) fn mood(&self, mood: DiskMood) {
        *self.0.mood.lock().unwrap() = mood;
        if mood == DiskMood::Sound {
            self.0.cut.send_replace(false);
            self.sync();
        }
    }
    fn sync(&self) {
        if let Some(last) = self.last() {
            let _ = self.0.durable.send_replace(Ok(last));
        }
    }
    fn last(&self) -> Option<Seq> {
        self.0.groups.lock().unwrap().last().and_then(|g| g.last()).map(|(seq, _)| *seq)
    }
    /// A copy that lacks so many records, which is too many or not.
    pub(crate) fn copy_lacks(&self, records: u64, too_far: bool) {
        *self.0.copy.lock().unwrap() = Some(CopyLag { records, age_ms: records * 10, too_far });
    }
    /// A sync fails.
    pub(crate) fn fail(&self) {
        let _ = self.0.durable.send_replace(Err("EIO".into()));
    }
    pub(crate) fn groups(&self) -> Vec<Vec<Record>> {
        let groups = self.0.groups.lock().unwrap();
        groups.iter().map(|g| g.iter().map(|(_, r)| r.clone()).collect()).collect()
    }
    pub(crate) fn records(&self) -> Vec<Record> {
        self.groups().into_iter().flatten().collect()
    }
    /// Where snapshots were taken.
    pub(crate) fn snapshots(&self) -> Vec<Seq> {
        self.0.snapshots.lock().unwrap().iter().map(Snapshot::seq).collect()
    }
    /// How many records the last start had to read.
    pub(crate) fn records_read(&self) -> usize {
        *self.0.read.lock().unwrap()
    }
    pub(crate) fn appends(&self) -> u64 {
        *self.0.appends.lock().unwrap()
    }
    pub(crate) async fn power_is_cut(&self) {
        self.0.cut.subscribe().wait_for(|cut| *cut).await.unwrap();
    }
}

impl Journal for Disk {
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, JournalError> {
        // What it stands for must have been kept.
        let last = self.last().unwrap_or_default();
        Ok(self.0.snapshots.lock().unwrap().iter().rev().find(|s| s.seq() <= last).cloned())
    }
    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError> {
        let from = self.newest_snapshot()?.map_or(Seq(0), |s| s.seq());
        let mut read = 0;
        for (seq, record) in self.0.groups.lock().unwrap().iter().flatten().filter(|(seq, _)| *seq > from) {
            visit(*seq, record.clone());
            read += 1;
        }
        *self.0.read.lock().unwrap() = read;
        Ok(self.last().unwrap_or_default())
    }
    fn keep(&mut self, snapshot: Snapshot) {
        if !*self.0.cut.borrow() {
            self.0.snapshots.lock().unwrap().push(snapshot);
        }
    }
    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError> {
        *self.0.appends.lock().unwrap() += 1;
        let mood = *self.0.mood.lock().unwrap();
        if mood == DiskMood::Broken {
            return Err(JournalError::Failed("ENOSPC".into()));
        }
        let cursor = group.iter().any(|(_, r)| matches!(r, Record::Cursor { .. }));
        if mood == DiskMood::PowerCutAtCursor && cursor {
            self.0.cut.send_replace(true);
        }
        if *self.0.cut.borrow() {
            return Ok(());
        }
        let next = self.last().unwrap_or_default().0 + 1;
        assert_eq!(group.first().unwrap().0.0, next, "records are numbered without gaps");
        self.0.groups.lock().unwrap().push(group.to_vec());
        if mood != DiskMood::Stuck {
            self.sync();
        }
        Ok(())
    }
    fn copy(&self) -> Option<CopyLag> {
        *self.0.copy.lock().unwrap()
    }
    fn written(&mut self, _: Seq) -> Written {
        // Behind a sync that hangs nothing more is written.
        let hangs = *self.0.mood.lock().unwrap() == DiskMood::Stuck;
        Box::pin(async move {
            if hangs {
                std::future::pending().await
            }
        })
    }
    fn watch(&mut self) -> Box<dyn DurableWatch> {
        let mut watch = self.0.durable.subscribe();
        watch.mark_changed();
        Box::new(Watch(watch))
    }
}

struct Watch(watch::Receiver<Result<Seq, String>>);

#[async_trait]
impl DurableWatch for Watch {
    async fn next(&mut self) -> Result<Seq, JournalError> {
        self.0.changed().await.map_err(|_| JournalError::Failed("gone".into()))?;
        self.0.borrow_and_update().clone().map_err(JournalError::Failed)
    }
}
