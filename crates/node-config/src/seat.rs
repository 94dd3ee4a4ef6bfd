//! What the makers of venues and journals are given, and what they give back.

use crate::{
    config::{AccountConfig, Durability},
    profile::Profile,
};
use exec_core::{
    ids::{AccountId, NodeId},
    lease::LeaseGuard,
    venue::{AccountSetup, DeadMansSwitch, ExecutionVenue, PriceSource, VenueClock},
};
use exec_runtime::Clock;
use std::{error::Error, path::Path, sync::Arc};

/// Everything that an adapter brings.
pub struct VenueParts {
    /// Orders and reports.
    pub execution: Arc<dyn ExecutionVenue>,
    /// Prices, if it has any.
    pub prices: Option<Arc<dyn PriceSource>>,
    /// Settings of the account, if it has any.
    pub setup: Option<Arc<dyn AccountSetup>>,
    /// Its clock, if it has one of its own.
    pub clock: Option<Arc<dyn VenueClock>>,
    /// Its countdown, if it keeps one.
    pub dead_mans_switch: Option<Arc<dyn DeadMansSwitch>>,
}

/// What a venue is made for.
pub struct VenueSeat<'a> {
    /// Which account.
    pub account: &'a AccountId,
    /// Its settings.
    pub config: &'a AccountConfig,
    /// The clock of the engine that it will serve.
    pub clock: Clock,
    /// Where what must outlive this process may be kept, beside the accounts' journals. It may not exist yet.
    pub directory: &'a Path,
    /// What is asked before anything is signed that changes something at the venue, where the account is traded under a lease.
    pub lease: Option<Arc<LeaseGuard>>,
}

/// What a journal is made for.
pub struct JournalSeat<'a> {
    /// Which account.
    pub account: &'a AccountId,
    /// The directory that is this account's alone.
    pub directory: &'a Path,
    /// What an acknowledged record must survive.
    pub durability: Durability,
    /// Whether there is money behind it.
    pub profile: Profile,
    /// Closed segments that are kept although no restart needs them.
    pub segments_kept: u32,
    /// This start, where the account is traded under a lease: the lease is taken when the node runs, and before the journal is read.
    pub owner: Option<NodeId>,
    /// Where its copy is, for the kind that has one.
    #[cfg(feature = "redis")]
    pub redis: Option<&'a crate::redis::RedisConfig>,
}

/// What a factory says when it cannot make a thing.
pub type MakeError = Box<dyn Error + Send + Sync>;
