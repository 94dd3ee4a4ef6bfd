//! Wires a node from a config and from what is registered by name: venues, journals, strategies. The only place that knows both
//! a venue and the runtime.

use crate::{
    config::{AccountConfig, NodeConfig, StrategyEntry},
    engine::{DESK, engine_config, settings},
    lease,
    mistake::Mistakes,
    prices::{self, PriceWatch, Prices},
    profile::Profile,
    refusal::{FactoryError, Hindrance, hindrance},
    seat::{JournalSeat, MakeError, VenueParts, VenueSeat},
    secret::{Process, Surroundings},
};
use exec_core::{
    ids::AccountId,
    journal::Journal,
    lease::{LeaseGuard, LeaseStore},
    strategy::Strategy,
};
use exec_runtime::{Account, Clock, Node, RuntimeConfig};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// How often a journal that another process holds is looked at while it is waited for.
const LOCK_LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// The file name of the control socket in an account's journal directory.
pub const CONTROL_SOCKET: &str = "control.sock";

type VenueMaker = Box<dyn Fn(&VenueSeat<'_>) -> Result<VenueParts, MakeError>>;
type JournalMaker = Box<dyn Fn(&JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError>>;
type LeaseMaker = Box<dyn Fn(&JournalSeat<'_>) -> Result<Arc<dyn LeaseStore>, MakeError>>;
type StrategyMaker = Box<dyn Fn(&StrategyEntry) -> Result<Box<dyn Strategy>, MakeError>>;

/// Who acts on a node.
enum Hosting {
    /// The config's strategies.
    Strategies,
    /// The operator alone: orders and positions of the strategies are kept.
    Operator(PriceWatch),
}

/// The names that a file may use, for whoever reads it.
pub(crate) struct Names {
    pub(crate) venues: BTreeSet<String>,
    pub(crate) journals: BTreeSet<String>,
    pub(crate) strategies: BTreeSet<String>,
}

/// Makes nodes from config files.
///
/// ```
/// use exec_core::strategy::Strategy;
/// use node_config::NodeFactory;
///
/// struct Quiet;
/// impl Strategy for Quiet {}
///
/// let factory = NodeFactory::testnet().strategy("quiet", |_entry| Ok(Box::new(Quiet)));
/// let error = factory.load("no-such-file.toml".as_ref()).unwrap_err();
/// assert!(error.to_string().starts_with("config file no-such-file.toml: "));
/// ```
pub struct NodeFactory {
    profile: Option<Profile>,
    venues: BTreeMap<String, VenueMaker>,
    journals: BTreeMap<String, JournalMaker>,
    leases: BTreeMap<String, LeaseMaker>,
    strategies: BTreeMap<String, StrategyMaker>,
}

impl Default for NodeFactory {
    fn default() -> Self {
        Self::new()
    }
}

impl NodeFactory {
    /// A factory for any profile, with the venues and journals that are built in.
    pub fn new() -> Self {
        let empty = Self {
            profile: None,
            venues: BTreeMap::new(),
            journals: BTreeMap::new(),
            leases: BTreeMap::new(),
            strategies: BTreeMap::new(),
        };
        crate::builtin::register(empty)
    }
    /// A factory that refuses any profile but the simulated one.
    pub fn simulated() -> Self {
        Self { profile: Some(Profile::Simulated), ..Self::new() }
    }
    /// A factory that refuses any profile but the testnet one.
    pub fn testnet() -> Self {
        Self { profile: Some(Profile::Testnet), ..Self::new() }
    }
    /// A factory that refuses any profile but the production one.
    pub fn production() -> Self {
        Self { profile: Some(Profile::Production), ..Self::new() }
    }

    /// Registers a venue under the name that an account's `venue` says.
    #[must_use]
    pub fn venue<F>(mut self, name: &str, make: F) -> Self
    where
        F: Fn(&VenueSeat<'_>) -> Result<VenueParts, MakeError> + 'static,
    {
        self.venues.insert(name.to_owned(), Box::new(make));
        self
    }
    /// Registers a journal under the name that `journal.kind` says.
    #[must_use]
    pub fn journal<F>(mut self, name: &str, make: F) -> Self
    where
        F: Fn(&JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError> + 'static,
    {
        self.journals.insert(name.to_owned(), Box::new(make));
        self
    }
    /// Registers the lease store that goes with a kind of journal: accounts with such a journal are traded under a lease, so that nodes
    /// on several machines can stand by for one of them.
    #[must_use]
    pub fn lease<F>(mut self, journal: &str, make: F) -> Self
    where
        F: Fn(&JournalSeat<'_>) -> Result<Arc<dyn LeaseStore>, MakeError> + 'static,
    {
        self.leases.insert(journal.to_owned(), Box::new(make));
        self
    }
    /// Registers a strategy under the name that `kind` says.
    #[must_use]
    pub fn strategy<F>(mut self, name: &str, make: F) -> Self
    where
        F: Fn(&StrategyEntry) -> Result<Box<dyn Strategy>, MakeError> + 'static,
    {
        self.strategies.insert(name.to_owned(), Box::new(make));
        self
    }

    /// Reads a config file; secrets come from the environment of this process and from files beside the config file.
    ///
    /// # Errors
    /// [`FactoryError::File`], or [`FactoryError::Config`] with every mistake.
    pub fn load(&self, path: &Path) -> Result<NodeConfig, FactoryError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let text = std::fs::read_to_string(path).map_err(|error| FactoryError::File { path: path.to_owned(), error })?;
        let config = self.read(&text, &Process::beside(folder.to_owned()));
        let mut config = config.map_err(|mistakes| FactoryError::Config { path: path.to_owned(), mistakes })?;
        config.journal.directory = folder.join(&config.journal.directory);
        #[cfg(feature = "redis")]
        if let Some(ca) = config.journal.redis.as_mut().and_then(|redis| redis.ca_file.as_mut()) {
            *ca = folder.join(&*ca);
        }
        Ok(config)
    }

    /// Reads a config's text, which may use the registered names only.
    ///
    /// # Errors
    /// [`Mistakes`]: all of them.
    pub fn read(&self, text: &str, around: &dyn Surroundings) -> Result<NodeConfig, Mistakes> {
        let names = Names {
            venues: self.venues.keys().cloned().collect(),
            journals: self.journals.keys().cloned().collect(),
            strategies: self.strategies.keys().cloned().collect(),
        };
        NodeConfig::read_with(text, around, self.profile, Some(&names))
    }

    /// Makes the venue of one account, for whoever only wants to ask it something.
    ///
    /// # Errors
    /// [`FactoryError`]: it is unknown, or could not be made.
    pub fn venue_of(&self, config: &NodeConfig, account: &AccountId, clock: Clock) -> Result<VenueParts, FactoryError> {
        self.venue_under(config, account, clock, None)
    }

    fn venue_under(
        &self,
        config: &NodeConfig,
        account: &AccountId,
        clock: Clock,
        lease: Option<Arc<LeaseGuard>>,
    ) -> Result<VenueParts, FactoryError> {
        let entry = account_of(config, account)?;
        let make = known("venue", &self.venues, &entry.venue)?;
        let seat = VenueSeat { account, config: entry, clock, directory: &config.journal.directory, lease };
        make(&seat).map_err(|error| FactoryError::Make {
            what: format!("venue {}", entry.venue),
            account: account.clone(),
            error,
        })
    }

    /// Makes the node that a config describes: every account, every strategy. Takes the journals' locks.
    ///
    /// # Errors
    /// [`FactoryError`]: something is unknown, or could not be made. A journal that is held by another node is one.
    pub fn build(&self, config: &NodeConfig) -> Result<Node, FactoryError> {
        let mut builder = Node::builder();
        for account in config.accounts.keys() {
            builder = builder.account(self.account(config, account, Hosting::Strategies)?);
        }
        Ok(builder.build()?)
    }

    /// As [`NodeFactory::build`], but waits so long for a journal that another process holds: a verb that found no node running
    /// holds it for a moment. `waits` is called once, with who holds it, before the first wait.
    ///
    /// # Errors
    /// As [`NodeFactory::build`].
    pub async fn build_within(
        &self,
        config: &NodeConfig,
        patience: std::time::Duration,
        mut waits: impl FnMut(&FactoryError),
    ) -> Result<Node, FactoryError> {
        let until = tokio::time::Instant::now() + patience;
        let mut builder = Node::builder();
        for id in config.accounts.keys() {
            let mut told = false;
            let account = loop {
                match self.account(config, id, Hosting::Strategies) {
                    Err(held @ FactoryError::Locked { .. }) if tokio::time::Instant::now() < until => {
                        if !told {
                            waits(&held);
                        }
                        told = true;
                        tokio::time::sleep(LOCK_LOOK).await;
                    }
                    other => break other?,
                }
            };
            builder = builder.account(account);
        }
        Ok(builder.build()?)
    }

    /// Makes a node of one account without its strategies, for an operator who acts while no node runs. Takes the journal's
    /// lock.
    ///
    /// # Errors
    /// As [`NodeFactory::build`].
    pub fn build_for_operator(&self, config: &NodeConfig, account: &AccountId) -> Result<(Node, Prices), FactoryError> {
        account_of(config, account)?;
        let (watch, prices) = prices::pair();
        let account = self.account(config, account, Hosting::Operator(watch))?;
        Ok((Node::builder().account(account).build()?, prices))
    }

    fn account(&self, config: &NodeConfig, id: &AccountId, hosting: Hosting) -> Result<Account, FactoryError> {
        let entry = account_of(config, id)?;
        let clock = Clock::start();
        let made = |what: &str, error| FactoryError::Make { what: what.to_owned(), account: id.clone(), error };
        let wanted = lease_wanted(config);
        let leased = self.leases.get(&config.journal.kind).filter(|_| wanted.is_some());
        let owner = leased.map(|_| lease::owner(clock)).transpose().map_err(|error| made("lease", error.into()))?;
        let guard = leased.map(|_| Arc::new(LeaseGuard::default()));
        let parts = self.venue_under(config, id, clock, guard.clone())?;
        let directory = journal_directory(config, id);
        let make_journal = known("journal", &self.journals, &config.journal.kind)?;
        let seat = JournalSeat {
            account: id,
            directory: &directory,
            durability: config.journal.durability,
            profile: config.profile,
            segments_kept: config.journal.segments_kept,
            owner: owner.clone(),
            #[cfg(feature = "redis")]
            redis: config.journal.redis.as_ref(),
        };
        let lease = match (leased, owner, guard, wanted) {
            (Some(make), Some(owner), Some(guard), Some(wanted)) => {
                let store = make(&seat).map_err(|error| made("lease", error))?;
                Some(lease::settings(config, entry, owner, store, guard, wanted).map_err(|error| made("lease", error.into()))?)
            }
            _ => None,
        };
        let journal = make_journal(&seat).map_err(|error| match hindrance(&error) {
            Some(Hindrance::Held) => FactoryError::Locked { account: id.clone(), error },
            #[cfg(feature = "redis")]
            Some(Hindrance::Away) => FactoryError::Away { account: id.clone(), error },
            None => made("journal", error),
        })?;
        let engine = engine_config(config, id, entry, matches!(hosting, Hosting::Operator(_)));
        let mut account = Account::new(engine.clone(), parts.execution, journal)
            .clock(clock)
            .control_socket(directory.join(CONTROL_SOCKET))
            .runtime(RuntimeConfig {
                drain_deadline: std::time::Duration::from_millis(config.execution.drain_deadline_ms),
                on_exit: config.execution.on_exit,
                position_ids: entry.use_position_ids,
                snapshot_every: config.journal.snapshot_every_records,
                #[cfg(feature = "redis")]
                journal_alerts: config.journal.redis.as_ref().is_some_and(|redis| redis.events),
                ..RuntimeConfig::default()
            });
        if let Some(lease) = lease {
            account = account.lease(lease);
        }
        if let Some(prices) = parts.prices {
            account = account.prices(prices);
        }
        if let Some(venue_clock) = parts.clock {
            account = account.venue_clock(venue_clock);
        }
        if let Some(switch) = parts.dead_mans_switch {
            account = account.dead_mans_switch(switch);
        }
        if let Some(setup) = parts.setup {
            account = account.setup(setup, settings(config.profile, entry));
        }
        match hosting {
            Hosting::Operator(watch) => {
                if let Some(desk) = engine.strategies.iter().find(|s| s.id.as_str() == DESK) {
                    account = account.strategy(desk.id.clone(), Box::new(watch));
                }
            }
            Hosting::Strategies => {
                for strategy in config.strategies.iter().filter(|s| s.account == *id) {
                    let make = known("strategy", &self.strategies, &strategy.kind)?;
                    let what = format!("strategy {}", strategy.id);
                    account = account.strategy(strategy.id.clone(), make(strategy).map_err(|error| made(&what, error))?);
                }
            }
        }
        Ok(account)
    }
}

/// Whether accounts are traded under a lease: how long it lasts, and what is done where another holds it. A journal of one's own with
/// a lease store is always under one.
fn lease_wanted(config: &NodeConfig) -> Option<lease::Wanted> {
    #[cfg(feature = "redis")]
    if let Some(redis) = &config.journal.redis {
        return redis.lease.map(|when_held| lease::Wanted { ttl_ms: redis.lease_ttl_ms, when_held });
    }
    let _ = config;
    Some(lease::Wanted::default())
}

/// The directory that holds the journal of an account, its lock and its control socket.
pub fn journal_directory(config: &NodeConfig, account: &AccountId) -> PathBuf {
    config.journal.directory.join(account.as_str())
}

fn known<'m, T>(what: &'static str, all: &'m BTreeMap<String, T>, name: &str) -> Result<&'m T, FactoryError> {
    all.get(name).ok_or_else(|| FactoryError::Unknown { what, name: name.to_owned(), known: all.keys().cloned().collect() })
}

fn account_of<'c>(config: &'c NodeConfig, account: &AccountId) -> Result<&'c AccountConfig, FactoryError> {
    config.accounts.get(account).ok_or_else(|| FactoryError::Account(account.to_string()))
}
