//! What strategies have not handled yet, as far as their cursors tell. It follows from the journal, so a snapshot carries it; what is
//! told without a record is not in it.

use super::Engine;
use crate::{
    books::{Books, BooksError},
    conversation::StrategyEvent,
    ids::{Seq, StrategyId},
    snapshot::{Later, Snapshot, Unseen, UnseenWhat},
};

impl Engine {
    /// The state behind all records so far: what a replay of them would give.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            books: self.books.image(),
            unseen: self.unseen.values().flatten().cloned().collect(),
            later: Later { day: self.books.day().cloned() },
        }
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
        self.books.day = snapshot.later.day;
        for unseen in snapshot.unseen {
            self.unseen.entry(unseen.strategy.clone()).or_default().push_back(unseen);
        }
        Ok(())
    }

    /// Remembers an event until its strategy has handled it. One that nobody hosts would be remembered for ever.
    pub(super) fn remember(&mut self, strategy: &StrategyId, seq: Seq, event: &StrategyEvent) {
        if self.config.strategies.iter().any(|s| s.id == *strategy)
            && let Some(what) = UnseenWhat::of(event)
        {
            let unseen = Unseen { strategy: strategy.clone(), seq, what };
            self.unseen.entry(strategy.clone()).or_default().push_back(unseen);
        }
    }

    /// A strategy's cursor has passed these.
    pub(super) fn forget_seen(&mut self, strategy: &StrategyId, seen: Seq) {
        // They come in the order of their numbers, and a strategy that is far behind has many.
        if let Some(waiting) = self.unseen.get_mut(strategy) {
            while waiting.pop_front_if(|unseen| unseen.seq <= seen).is_some() {}
        }
    }

    /// What must be told again at the start.
    pub(super) fn hold_unseen(&mut self) {
        self.held = self.unseen.values().flatten().map(|u| (u.strategy.clone(), Some(u.seq), u.what.event())).collect();
        self.held.sort_by_key(|(_, seq, _)| *seq);
    }
}
