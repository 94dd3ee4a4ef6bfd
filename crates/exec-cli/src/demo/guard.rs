//! Counts what became of brackets and conditional orders, by what the books say. It decides nothing about whether that is good.

use exec_core::{
    books::Books,
    ids::ListId,
    order::{Order, event::RequestState, intent::ListRole},
    terms::OrderKind,
};
use std::{collections::BTreeSet, fmt};

/// Fewer of one kind would prove little.
const LEAST: usize = 2;

/// What became of brackets and conditional orders.
#[derive(Debug, Default)]
pub(super) struct Guards {
    brackets: usize,
    /// Closed by a stop, by a stop that followed the market, by a take-profit, by an exit in place of a stop.
    stopped: usize,
    trailed: usize,
    profited: usize,
    exited: usize,
    /// Conditional orders that the exchange took in, of both books.
    placed: usize,
    triggered: usize,
    changed: usize,
}

impl Guards {
    pub(super) fn of_books(books: &Books) -> Self {
        let mut guards = Self::default();
        let mut lists: BTreeSet<ListId> = BTreeSet::new();
        for order in books.orders() {
            guards.see(order);
            if let Some(place) = order.intent().list.filter(|p| p.role == ListRole::Entry && !order.cum_qty().is_zero()) {
                lists.insert(place.list);
            }
        }
        guards.brackets = lists.len();
        guards
    }

    fn see(&mut self, order: &Order) {
        let kind = &order.intent().terms.kind;
        if kind.is_conditional() && order.attempts().values().any(|a| a.seen_at_venue()) {
            self.placed += 1;
            self.triggered += usize::from(!order.is_untriggered());
            self.changed += usize::from(order.replaces().values().any(|r| r.state == RequestState::Accepted));
        }
        if order.cum_qty().is_zero() {
            return;
        }
        match order.intent().list.map(|p| p.role) {
            Some(ListRole::StopLoss) if matches!(kind, OrderKind::TrailingStopMarket { .. }) => self.trailed += 1,
            Some(ListRole::StopLoss) => self.stopped += 1,
            Some(ListRole::TakeProfit) => self.profited += 1,
            Some(ListRole::Exit) => self.exited += 1,
            Some(ListRole::Entry | ListRole::OneCancelsOther) | None => (),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.brackets += other.brackets;
        self.stopped += other.stopped;
        self.trailed += other.trailed;
        self.profited += other.profited;
        self.exited += other.exited;
        self.placed += other.placed;
        self.triggered += other.triggered;
        self.changed += other.changed;
    }

    /// What was too little to prove anything.
    pub(super) fn too_little(&self) -> Vec<String> {
        let all = [
            (self.brackets, "brackets were opened"),
            (self.stopped + self.trailed, "brackets were closed by a stop"),
            (self.triggered, "conditional orders triggered"),
            (self.changed, "conditional orders were changed"),
        ];
        all.iter()
            .filter(|(count, _)| *count < LEAST)
            .map(|(count, what)| format!("{count} {what}, at least {LEAST} are wanted"))
            .collect()
    }
}

impl fmt::Display for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "brackets: {}; closed by their stop {}, by a stop that followed the market {}, by their take-profit {}",
            self.brackets, self.stopped, self.trailed, self.profited
        )?;
        if self.exited > 0 {
            write!(f, ", at market because a stop did not protect {}", self.exited)?;
        }
        write!(
            f,
            "\nconditional orders at the exchange: {}; triggered {}, changed while they waited {}",
            self.placed, self.triggered, self.changed
        )
    }
}
