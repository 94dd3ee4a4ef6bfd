//! What must hold of a round, judged from outside: by the venue's clock, by what it has done, and by what the store has granted. It
//! asks no node.

use exec_core::ids::Epoch;
use std::collections::BTreeMap;

/// What a request is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Dated by the engine, long before it is signed: orders and changes.
    Order,
    /// Dated when it is signed: cancels, signs of life, settings.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// When the lease of each epoch is over, counted from the store's own step by the venue's clock.
    ends: BTreeMap<Epoch, u64>,
    /// Who wrote under each epoch.
    writers: BTreeMap<Epoch, (usize, u32)>,
    /// The highest epoch of which anything took effect.
    newest: Option<Epoch>,
    pub(super) effects: u64,
}

impl Oracle {
    /// The store has granted or renewed a lease.
    pub(super) fn granted(&mut self, epoch: Epoch, now: u64, ttl_ms: u64) {
        let end = self.ends.entry(epoch).or_default();
        *end = (*end).max(now + ttl_ms);
    }

    /// When the lease of an epoch is over.
    pub(super) fn end(&self, epoch: Epoch) -> u64 {
        self.ends.get(&epoch).copied().unwrap_or(0)
    }

    /// The highest epoch that the venue shows.
    pub(super) const fn shown(&self) -> Option<Epoch> {
        self.newest
    }

    /// The venue's last check of the window has let a request in.
    ///
    /// # Errors
    /// The lease under which it was signed is over.
    pub(super) fn taken_in(&self, epoch: Epoch, kind: Kind, now: u64) -> Result<(), String> {
        match self.end(epoch) {
            end if now < end => Ok(()),
            end => Err(format!("a request ({kind:?}) of epoch {epoch} is taken in {} ms after its lease", now - end)),
        }
    }

    /// A request takes effect.
    ///
    /// # Errors
    /// Something of a higher epoch took effect before, or two nodes write under one epoch.
    pub(super) fn effect(&mut self, epoch: Epoch, kind: Kind, writer: (usize, u32)) -> Result<(), String> {
        self.effects += 1;
        if let Some(newest) = self.newest.filter(|newest| *newest > epoch) {
            return Err(format!("a request ({kind:?}) of epoch {epoch} takes effect after one of epoch {newest}"));
        }
        self.newest = Some(epoch);
        let first = *self.writers.entry(epoch).or_insert(writer);
        if first != writer {
            return Err(format!("two starts write under epoch {epoch}"));
        }
        Ok(())
    }

    /// How many starts have had anything take effect.
    pub(super) fn writers(&self) -> usize {
        self.writers.len()
    }
}
