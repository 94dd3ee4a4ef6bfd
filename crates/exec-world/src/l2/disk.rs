//! The journal of a world with sockets: the port over the real log on a disk that can fail, with a disk's time. What a group says is
//! read by the seat before it is queued.

use super::seat::{Inner, Seat};
use crate::{fault::Fault, node::Node, world::CRASHES_MAX};
use async_trait::async_trait;
use exec_core::{
    ids::Seq,
    journal::{DurableWatch, Journal, JournalError, Written},
    record::Record,
    snapshot::Snapshot,
};
use exec_journal::SimDisk;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// How far a journal is.
#[derive(Clone, Debug, Default)]
struct Told {
    written: u64,
    durable: u64,
    failure: Option<String>,
}

/// The journal of one life.
pub(crate) struct Kept {
    seat: Arc<Seat>,
    life: u32,
    told: watch::Sender<Told>,
    /// Carries what was queued to the disk; ends with the journal.
    keeper: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Kept {
    /// The journal that the seat's node has opened.
    pub(crate) fn new(seat: Arc<Seat>, life: u32, disk: SimDisk, last: u64) -> Self {
        let told = watch::Sender::new(Told { written: last, durable: last, failure: None });
        let keeper = tokio::spawn(keep(Arc::clone(&seat), life, disk, told.clone()));
        Self { seat, life, told, keeper }
    }
}

fn unusable(error: impl ToString) -> JournalError {
    JournalError::Unusable(error.to_string())
}

impl Journal for Kept {
    fn newest_snapshot(&mut self) -> Result<Option<Snapshot>, JournalError> {
        let mut inner = self.seat.lock();
        let Some(node) = inner.node.as_mut() else { return Ok(None) };
        let stored = node.log.newest_snapshot().map_err(unusable)?;
        stored.map(|stored| Snapshot::decode(&stored.bytes)).transpose().map_err(JournalError::from)
    }

    fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError> {
        let mut inner = self.seat.lock();
        let Some(node) = inner.node.as_mut() else { return Ok(Seq(0)) };
        let from = node.log.newest_snapshot().map_err(unusable)?.map_or(1, |stored| stored.seq + 1);
        for record in node.log.read_from(from).map_err(unusable)? {
            let record = record.map_err(unusable)?;
            visit(Seq(record.seq), Record::decode(record.kind, record.version, &record.payload)?);
        }
        Ok(Seq(node.log.last_seq()))
    }

    fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError> {
        if group.is_empty() || !self.seat.recorded(self.life, group) {
            return Ok(());
        }
        let mut inner = self.seat.lock();
        let Some(node) = inner.node.as_mut() else { return Ok(()) };
        if node.queue(group.to_vec()) {
            write(node, &self.told);
            self.seat.disk_wanted.notify_one();
        }
        Ok(())
    }

    fn written(&mut self, seq: Seq) -> Written {
        let mut told = self.told.subscribe();
        Box::pin(async move {
            // One whose journal is gone never will be.
            let _gone = told.wait_for(|told| told.written >= seq.0 || told.failure.is_some()).await;
        })
    }

    fn keep(&mut self, snapshot: Snapshot) {
        let mut inner = self.seat.lock();
        let equal = inner.node.as_ref().is_none_or(|node| {
            let engine = &node.engine;
            engine.books().seq() != snapshot.seq() || engine.snapshot() == snapshot
        });
        if inner.alive && inner.life == self.life && !equal {
            inner.violate(format!("P15: the books behind record {} are not what the records say", snapshot.seq()));
        }
        inner.tally.count("books compared with their records");
    }

    fn watch(&mut self) -> Box<dyn DurableWatch> {
        let told = self.told.borrow().durable;
        Box::new(Watching { told, news: self.told.subscribe() })
    }
}

struct Watching {
    told: u64,
    news: watch::Receiver<Told>,
}

#[async_trait]
impl DurableWatch for Watching {
    async fn next(&mut self) -> Result<Seq, JournalError> {
        let told = self.told;
        let news = self.news.wait_for(|news| news.durable > told || news.failure.is_some()).await;
        let news = news.map_err(|_| JournalError::Failed("the journal is gone".to_owned()))?.clone();
        match news.failure {
            Some(why) => Err(JournalError::Failed(why)),
            None => {
                self.told = news.durable;
                Ok(Seq(news.durable))
            }
        }
    }
}

/// Hands what waits to the operating system, as one group.
fn write(node: &mut Node, told: &watch::Sender<Told>) {
    match node.write() {
        Ok(true) => told.send_modify(|told| told.written = node.log.last_seq()),
        Ok(false) => (),
        Err(why) => fail(node, told, why),
    }
}

fn fail(node: &mut Node, told: &watch::Sender<Told>, why: String) {
    node.journal_failed = true;
    told.send_modify(|told| {
        told.failure.get_or_insert(why);
    });
}

/// Syncs what was written, one group after the other, and takes the time that a disk takes.
async fn keep(seat: Arc<Seat>, life: u32, disk: SimDisk, told: watch::Sender<Told>) {
    loop {
        seat.disk_wanted.notified().await;
        loop {
            let ms = {
                let mut inner = seat.lock();
                if inner.life != life || !inner.alive || inner.node.as_ref().is_none_or(|node| !node.writing) {
                    break;
                }
                let slow = inner.plan.sync_slow;
                let slow = if inner.fault(Fault::SyncSlow.name(), slow) { inner.rng.between(5, 1_500) } else { 0 };
                slow + inner.rng.below(3)
            };
            sleep(Duration::from_millis(ms)).await;
            let mut inner = seat.lock();
            if inner.life != life || !inner.alive {
                return;
            }
            if !synced(&mut inner, &disk, &told) {
                seat.died.notify_one();
                return;
            }
        }
    }
}

/// The disk has synced, or it says why not. Says whether the process lives.
fn synced(inner: &mut Inner, disk: &SimDisk, told: &watch::Sender<Told>) -> bool {
    let Some(node) = inner.node.as_mut() else { return false };
    node.writing = false;
    if let Err(error) = node.log.sync() {
        inner.tally.count("journal failed");
        fail(node, told, error.to_string());
        return true;
    }
    let durable = node.log.durable_seq();
    inner.oracle.durable(durable);
    if let Some(snapshot) = node.due_snapshot() {
        let loses_power = inner.plan.crash_recovering;
        let fails = inner.crashes < CRASHES_MAX && inner.fault(Fault::PowerInSnapshot.name(), loses_power);
        if fails {
            let after = inner.rng.below(10);
            disk.faults(|f| f.power_loss_after = Some(after));
        }
        let Some(node) = inner.node.as_mut() else { return false };
        let (seq, log) = (snapshot.seq().0, &mut node.log);
        let done = log.snapshot(&snapshot.encode(), seq).and_then(|()| log.truncate_before(seq + 1));
        disk.faults(|f| f.power_loss_after = None);
        if disk.is_dead() {
            (inner.alive, inner.death) = (false, Some(("in a snapshot", true)));
            inner.crashes += 1;
            return false;
        }
        match done {
            Ok(dropped) => {
                inner.tally.count("snapshots");
                inner.tally.add("segments dropped", dropped);
            }
            // The log is sound; the next one is tried in its time.
            Err(exec_journal::JournalError::Upkeep(_)) => inner.tally.count("snapshots that failed"),
            Err(error) => fail(node, told, error.to_string()),
        }
    }
    let Some(node) = inner.node.as_mut() else { return false };
    write(node, told);
    told.send_modify(|told| told.durable = durable);
    true
}
