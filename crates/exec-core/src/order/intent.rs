//! What somebody asked for, once: the immutable head of an order. Not what was sent, and not what became of it.

use crate::{
    ids::{IntentId, ListId, StrategyId},
    terms::Terms,
    time::Timestamp,
};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Who is behind an order.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A strategy of this node.
    Strategy(StrategyId),
    /// A person or a program at the control socket; the text says who.
    Operator(String),
    /// Somebody else on the same account: by hand, another program, or the exchange itself.
    External,
}

impl Owner {
    /// The strategy, if it is one.
    pub const fn strategy(&self) -> Option<&StrategyId> {
        match self {
            Self::Strategy(id) => Some(id),
            Self::Operator(_) | Self::External => None,
        }
    }
}

/// How the order came into this engine's books.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Provenance {
    /// Asked for through this engine.
    Ours,
    /// Found at the venue under an id of ours that the journal did not know: the journal was lost or is behind.
    Recovered,
    /// Found at the venue under a foreign id.
    Foreign,
    /// Made by the exchange itself.
    Exchange(ExchangeMade),
}

/// Why an exchange makes an order in an account by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum ExchangeMade {
    /// The account's margin ran out.
    Liquidation,
    /// A counterpart's margin ran out, and this account's position was taken for it.
    AutoDeleveraging,
    /// The instrument is settled for good.
    Settlement,
    /// The contract was delivered.
    Delivery,
}

/// What to do with a limit order whose fate is unknown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum InDoubt {
    /// Cancel it by its id, at once and again at the fence.
    #[default]
    Cancel,
    /// Only ask for it.
    Keep,
}

/// How an order is handled on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Handling {
    /// An opening order older than this is not sent any more, in milliseconds from the strategy's call.
    pub max_age_ms: u64,
    /// What to do in doubt.
    pub in_doubt: InDoubt,
    /// Whether a proven non-execution may be tried again under a new id.
    pub retry: bool,
}

impl Default for Handling {
    fn default() -> Self {
        Self { max_age_ms: 200, in_doubt: InDoubt::Cancel, retry: true }
    }
}

/// FIX ContingencyType (1385) of an order list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum ListRole {
    /// The order that opens.
    Entry,
    /// Closes at a loss.
    StopLoss,
    /// Closes at a profit.
    TakeProfit,
    /// One of two that cancel each other.
    OneCancelsOther,
    /// Closes at market what its stop should have covered.
    Exit,
}

/// Which list an order belongs to, and as what.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct ListPlace {
    /// FIX ListID (66).
    pub list: ListId,
    /// Its part in the list.
    pub role: ListRole,
}

/// What somebody asked for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Names it for ever.
    pub id: IntentId,
    /// Who asked.
    pub owner: Owner,
    /// How it came into the books.
    pub provenance: Provenance,
    /// What was asked for.
    pub terms: Terms,
    /// How it is handled.
    pub handling: Handling,
    /// FIX ListID, if it belongs to one.
    pub list: Option<ListPlace>,
    /// When it was asked for.
    pub asked: Timestamp,
}
