//! What strategies and operators may ask of an engine.

use crate::{
    ids::{InstrumentId, IntentId},
    kill::{KillLevel, KillScope},
    order::intent::{Handling, ListPlace},
    terms::Terms,
    units::{Price, Qty},
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An order to place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NewOrder {
    /// Named by the caller: saying it twice asks once.
    pub intent: IntentId,
    /// What to ask for.
    pub terms: Terms,
    /// How to handle it.
    pub handling: Handling,
    /// The list it belongs to, if any.
    pub list: Option<ListPlace>,
}

/// New figures for a working order; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ChangeOrder {
    /// Which order.
    pub intent: IntentId,
    /// New FIX OrderQty (38), executed part included.
    pub qty: Option<Qty>,
    /// New FIX Price (44).
    pub price: Option<Price>,
    /// New FIX TriggerPrice (1102) of a conditional order that has not triggered; a trailing stop's activation price.
    pub trigger: Option<Price>,
}

/// What a strategy may ask for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Place an order.
    Submit(NewOrder),
    /// Place a list of orders that belong together: all of them, or none. FIX NewOrderList.
    SubmitList(Vec<NewOrder>),
    /// Place, change or cancel several orders in as few requests as the venue allows. Each has its own outcome.
    Batch(Vec<Command>),
    /// Change a working order.
    Replace(ChangeOrder),
    /// Take an order off the book.
    Cancel(IntentId),
    /// Take all orders of the asker off the book, on one instrument or on all.
    CancelAll(Option<InstrumentId>),
    /// Call back after this many milliseconds. Not kept over a restart.
    SetTimer {
        /// Comes back with the call.
        tag: u64,
        /// From now.
        after_ms: u64,
    },
    /// Change a working order, also where that is known to end it: to a quantity that is executed already, or to a price at which a
    /// post-only order would take. [`Command::Replace`] denies both.
    ReplaceOrEnd(ChangeOrder),
}

/// What an operator may ask for, beyond what a strategy may.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum OperatorCommand {
    /// Place an order under the operator's name.
    Submit(NewOrder),
    /// Place a list of orders under the operator's name.
    SubmitList(Vec<NewOrder>),
    /// Change any working order.
    Replace(ChangeOrder),
    /// Take any order off the book.
    Cancel(IntentId),
    /// Take every order of this account off the book, on one instrument or on all.
    CancelAll(Option<InstrumentId>),
    /// Refuse new risk from here on.
    Latch,
    /// Take new risk again.
    Release,
    /// Read everything from the venue now and compare.
    Reconcile,
    /// Take the venue's figure where a leg differs, on one instrument or on all.
    Adopt(Option<InstrumentId>),
    /// Throw the kill switch. Asked for again, it is thrown as it is.
    Kill {
        /// How much is stopped.
        level: KillLevel,
        /// For whom.
        scope: KillScope,
    },
}
