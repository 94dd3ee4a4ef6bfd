//! What oracles look at: the exchange's own books, and what a node says of itself. It judges nothing, and knows no layer.

use crate::node::Node;
use exchange_sim::{Exchange, types::AccountId, venue::Desk};
use exec_core::{books::Books, conversation::Phase, engine::Engine, units::PositionMode};
use rust_decimal::Decimal;

/// The exchange's own books of the account.
#[derive(Clone, Copy)]
pub(crate) struct Truth<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) account: AccountId,
}

impl<'a> Truth<'a> {
    pub(crate) fn of(desk: &'a Desk) -> Self {
        Self { exchange: desk.exchange(), account: desk.account() }
    }
}

/// A node's books, and what its config makes of them.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) books: &'a Books,
    pub(crate) phase: Phase,
    pub(crate) mode: PositionMode,
    pub(crate) position_notional_max: Decimal,
}

impl<'a> Standing<'a> {
    /// Of books that an engine holds which may not be the one that trades; that one's phase is said besides.
    pub(crate) fn of(engine: &'a Engine, phase: Phase) -> Self {
        let position_notional_max = engine.config().limits.position_notional_max;
        Self { books: engine.books(), phase, mode: engine.mode(), position_notional_max }
    }
}

impl Node {
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing::of(&self.engine, self.engine.phase())
    }
}

/// Everything that a node has left open, in words: nothing, once it has come to rest.
pub(crate) fn left_open(engine: &Engine) -> Vec<String> {
    let mut wrong = Vec::new();
    if engine.phase() != Phase::Live {
        wrong.push(format!("P19: the gate is shut: {}", engine.report()));
    }
    if engine.in_doubt() > 0 {
        wrong.push(format!("{} attempts are in doubt", engine.in_doubt()));
    }
    if engine.pending() > 0 {
        wrong.push(format!("{} requests have no outcome", engine.pending()));
    }
    wrong.extend(engine.differences().iter().map(|difference| format!("difference: {difference}")));
    wrong
}
