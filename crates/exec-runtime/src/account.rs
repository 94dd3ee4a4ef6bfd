//! Everything that one account of a node is made of, collected before it runs.

use crate::{clock::Clock, config::RuntimeConfig, lease_keeper::LeaseSettings, setup::AccountSettings};
use exec_core::{
    engine::config::EngineConfig,
    ids::{AccountId, StrategyId},
    journal::Journal,
    strategy::Strategy,
    venue::{AccountSetup, DeadMansSwitch, ExecutionVenue, PriceSource, VenueClock},
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// One account: what it cannot do without is given to [`Account::new`], the rest is added.
pub struct Account {
    pub(crate) config: EngineConfig,
    pub(crate) venue: Arc<dyn ExecutionVenue>,
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) prices: Option<Arc<dyn PriceSource>>,
    pub(crate) setup: Option<(Arc<dyn AccountSetup>, AccountSettings)>,
    pub(crate) venue_clock: Option<Arc<dyn VenueClock>>,
    pub(crate) dead_mans_switch: Option<Arc<dyn DeadMansSwitch>>,
    pub(crate) strategies: BTreeMap<StrategyId, Box<dyn Strategy>>,
    pub(crate) strategies_twice: Vec<StrategyId>,
    pub(crate) control_socket: Option<PathBuf>,
    pub(crate) runtime: RuntimeConfig,
    pub(crate) clock: Option<Clock>,
    pub(crate) lease: Option<LeaseSettings>,
}

impl Account {
    /// An account with its engine's config, its venue, and its journal, opened and not yet read.
    pub fn new(config: EngineConfig, venue: Arc<dyn ExecutionVenue>, journal: Box<dyn Journal>) -> Self {
        Self {
            config,
            venue,
            journal,
            prices: None,
            setup: None,
            venue_clock: None,
            dead_mans_switch: None,
            strategies: BTreeMap::new(),
            strategies_twice: Vec::new(),
            control_socket: None,
            runtime: RuntimeConfig::default(),
            clock: None,
            lease: None,
        }
    }
    /// Which account.
    pub const fn id(&self) -> &AccountId {
        &self.config.account
    }
    /// Adds the prices of the strategies' instruments. Without them, orders that need a price to be valued are denied.
    #[must_use]
    pub fn prices(mut self, source: Arc<dyn PriceSource>) -> Self {
        self.prices = Some(source);
        self
    }
    /// Adds the account's settings: they are read, compared, and set where `settings` allows it.
    #[must_use]
    pub fn setup(mut self, setup: Arc<dyn AccountSetup>, settings: AccountSettings) -> Self {
        self.setup = Some((setup, settings));
        self
    }
    /// Adds the venue's clock. Without it, the venue's clock is taken to be ours.
    #[must_use]
    pub fn venue_clock(mut self, clock: Arc<dyn VenueClock>) -> Self {
        self.venue_clock = Some(clock);
        self
    }
    /// Adds the venue's dead-man's switch. Without it, a config that wants one never opens the gate.
    #[must_use]
    pub fn dead_mans_switch(mut self, switch: Arc<dyn DeadMansSwitch>) -> Self {
        self.dead_mans_switch = Some(switch);
        self
    }
    /// Hosts a strategy. The engine's config must name it; one that is named there and not hosted finds the events that
    /// concern it when it is.
    #[must_use]
    pub fn strategy(mut self, id: StrategyId, strategy: Box<dyn Strategy>) -> Self {
        if self.strategies.insert(id.clone(), strategy).is_some() {
            self.strategies_twice.push(id);
        }
        self
    }
    /// Opens a control socket at this path, usually `control.sock` in the journal's directory.
    #[must_use]
    pub fn control_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.control_socket = Some(path.into());
        self
    }
    /// Replaces the shell's deadlines and intervals.
    #[must_use]
    pub fn runtime(mut self, config: RuntimeConfig) -> Self {
        self.runtime = config;
        self
    }
    /// Trades only under a lease, so that nodes on several machines can stand by for one account.
    #[must_use]
    pub fn lease(mut self, settings: LeaseSettings) -> Self {
        self.lease = Some(settings);
        self
    }
    /// Runs on this clock: the one against which the adapter measures the venue's.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }
}
