//! What plays with real processes share: an exchange with faults in this process, a node as a child, scenes for its strategy,
//! and the comparison of journals with the exchange's ledger. Each play's plot stands with the play.

pub(crate) mod child;
pub(crate) mod compare;
pub(crate) mod forgetful;
pub(crate) mod node;
pub(crate) mod scenes;
pub(crate) mod stage;
pub(crate) mod tally;
pub(crate) mod wire;
