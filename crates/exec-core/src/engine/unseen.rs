//! What strategies have not handled yet, as far as their cursors tell. It follows from the journal, so a snapshot carries it; what is
//! told without a record is not in it.

use super::Engine;
use crate::{
    books::{Books, BooksError},
    conversation::StrategyEvent,
    ids::{Seq, StrategyId},
    snapshot::{Snapshot, Unseen, UnseenWhat},
};
use alloc::vec::Vec;

impl Engine {
    /// The state behind all records so far: what a replay of them would give.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { books: self.books.image(), unseen: self.unseen.iter().cloned().collect() }
    }

    /// Begins with a snapshot instead of the records that it stands for. Before any record is replayed.
    ///
    /// # Errors
    /// [`BooksError`]: it belongs to another account, or comes too late; do not start.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), BooksError> {
        if snapshot.account() != self.books.account() {
            return Err(BooksError::Account { found: snapshot.account().clone(), expected: self.books.account().clone() });
        }
        if self.books.seq() != Seq(0) {
            return Err(BooksError::Sequence { found: snapshot.seq(), after: self.books.seq() });
        }
        self.books = Books::of_image(snapshot.books, self.config.tag);
        self.unseen = snapshot.unseen.into();
        Ok(())
    }

    /// Remembers an event until its strategy has handled it. One that nobody hosts would be remembered for ever.
    pub(super) fn remember(&mut self, strategy: &StrategyId, seq: Seq, event: &StrategyEvent) {
        if self.config.strategies.iter().any(|s| s.id == *strategy)
            && let Some(what) = UnseenWhat::of(event)
        {
            self.unseen.push_back(Unseen { strategy: strategy.clone(), seq, what });
        }
    }

    /// A strategy's cursor has passed these.
    pub(super) fn forget_seen(&mut self, strategy: &StrategyId, seen: Seq) {
        // They stand in the order of their numbers. A strategy that is far behind must not cost a look at all of them each time.
        let passed = self.unseen.partition_point(|u| u.seq <= seen);
        let others: Vec<Unseen> = self.unseen.drain(..passed).filter(|u| u.strategy != *strategy).collect();
        for other in others.into_iter().rev() {
            self.unseen.push_front(other);
        }
    }

    /// What must be told again at the start.
    pub(super) fn hold_unseen(&mut self) {
        self.held = self.unseen.iter().map(|u| (u.strategy.clone(), Some(u.seq), u.what.event())).collect();
    }
}
