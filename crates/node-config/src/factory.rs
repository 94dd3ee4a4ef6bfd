//! Wires a node from a config and from what is registered by name: venues, journals, strategies. The only place that knows both
//! a venue and the runtime.

use crate::{
    config::{AccountConfig, Apply, Durability, NodeConfig, StrategyEntry},
    lease,
    mistake::Mistakes,
    prices::{self, PriceWatch, Prices},
    profile::Profile,
    read::TIME_TO_PROTECT_MAX_MS,
    secret::{Process, Surroundings},
};
use exec_core::{
    engine::config::{DeadMan, EngineConfig, ProtectionPolicy, Sharing, Staleness, StrategyConfig},
    ids::{AccountId, InstrumentId, NodeId, StrategyId},
    journal::Journal,
    lease::{LeaseGuard, LeaseStore},
    limits::Bounds,
    strategy::Strategy,
    venue::{AccountSetup, DeadMansSwitch, ExecutionVenue, PriceSource, VenueClock},
};
use exec_runtime::{Account, AccountSettings, BuildError, Clock, KeyRules, Node, OnDifference, RuntimeConfig};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Owns, in the engine's eyes, the instruments of an account that no strategy trades: so their prices and positions are
/// followed, and an operator can trade them.
const DESK: &str = "desk";

/// How often a journal that another process holds is looked at while it is waited for.
const LOCK_LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// The file name of the control socket in an account's journal directory.
pub const CONTROL_SOCKET: &str = "control.sock";

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

type VenueMaker = Box<dyn Fn(&VenueSeat<'_>) -> Result<VenueParts, MakeError>>;
type JournalMaker = Box<dyn Fn(&JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError>>;
type LeaseMaker = Box<dyn Fn(&JournalSeat<'_>) -> Result<Arc<dyn LeaseStore>, MakeError>>;
type StrategyMaker = Box<dyn Fn(&StrategyEntry) -> Result<Box<dyn Strategy>, MakeError>>;

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum FactoryError {
    /// The file cannot be read.
    #[error("config file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is wrong.
    #[error("{}", mistakes.in_file(&path.display().to_string()))]
    Config {
        /// Which.
        path: PathBuf,
        /// How.
        mistakes: Mistakes,
    },
    /// The config speaks of something that this program does not have.
    #[error("{what} `{name}` is not in this program; it has {}", list(known))]
    Unknown {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Another process trades this account. End it first; two engines must not.
    #[error("account {account}: {error}")]
    Locked {
        /// Which.
        account: AccountId,
        /// Who holds it.
        error: MakeError,
    },
    /// What keeps the journal's copy does not answer. A later start may succeed.
    #[error("account {account}: {error}")]
    Away {
        /// Which.
        account: AccountId,
        /// Why.
        error: MakeError,
    },
    /// No such account in the config.
    #[error("account `{0}` is not in the config")]
    Account(String),
    /// Something could not be made.
    #[error("{what} of account {account}: {error}")]
    Make {
        /// Which kind of thing.
        what: String,
        /// For whom.
        account: AccountId,
        /// Why.
        error: MakeError,
    },
    /// The parts do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

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

/// What may pass by itself.
enum Hindrance {
    Held,
    #[cfg(feature = "redis")]
    Away,
}

fn hindrance(error: &MakeError) -> Option<Hindrance> {
    #[cfg(feature = "redis")]
    match error.downcast_ref::<exec_journal::CopyError>() {
        Some(exec_journal::CopyError::Local(exec_journal::OpenError::Locked { .. }) | exec_journal::CopyError::Held { .. }) => {
            return Some(Hindrance::Held);
        }
        Some(exec_journal::CopyError::Away(_)) => return Some(Hindrance::Away),
        _ => (),
    }
    match error.downcast_ref::<exec_journal::OpenError>() {
        Some(exec_journal::OpenError::Locked { .. }) => Some(Hindrance::Held),
        _ => None,
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

/// `desk_has_all`: the desk follows every instrument of the account, not only those that no strategy trades.
/// Nothing is counted down for a node of one command, whose end is no sign of anything: what a dead node has begun goes on.
fn dead_man(config: &NodeConfig, id: &AccountId, entry: &AccountConfig, desk_has_all: bool) -> DeadMan {
    if desk_has_all {
        return DeadMan::default();
    }
    let own = config.strategies.iter().filter(|s| s.account == *id && s.outlives_node);
    DeadMan {
        instruments: entry.dead_man.instruments.clone(),
        countdown_ms: entry.dead_man.countdown_ms,
        refresh_ms: entry.dead_man.refresh_ms,
        outlive: own.map(|s| s.id.clone()).collect(),
        operators_outlive: entry.dead_man.outlives_node,
    }
}

fn engine_config(config: &NodeConfig, id: &AccountId, entry: &AccountConfig, desk_has_all: bool) -> EngineConfig {
    let own = config.strategies.iter().filter(|s| s.account == *id);
    let mut strategies: Vec<StrategyConfig> = own
        .map(|s| StrategyConfig {
            id: s.id.clone(),
            instruments: s.instruments.clone(),
            external_order_claims: s.external_order_claims.clone(),
            protection: s.protection,
            time_to_protect_max_ms: s.time_to_protect_max_ms,
        })
        .collect();
    let traded: BTreeSet<&InstrumentId> = strategies.iter().flat_map(|s| &s.instruments).collect();
    let rest: Vec<InstrumentId> = entry.instruments.iter().filter(|i| desk_has_all || !traded.contains(i)).cloned().collect();
    if !rest.is_empty()
        && let Ok(desk) = StrategyId::new(DESK)
    {
        strategies.push(StrategyConfig {
            id: desk,
            instruments: rest,
            external_order_claims: Vec::new(),
            protection: ProtectionPolicy::Exit,
            time_to_protect_max_ms: TIME_TO_PROTECT_MAX_MS,
        });
    }
    EngineConfig {
        account: id.clone(),
        account_number: entry.number,
        tag: config.order_tag,
        mode: entry.oms_type,
        strategies,
        limits: entry.limits,
        order_recv_window_ms: entry.order_recv_window_ms,
        max_retries: entry.max_retries,
        retry_delay_initial_ms: entry.retry_delay_initial_ms,
        retry_delay_max_ms: entry.retry_delay_max_ms,
        retry_age_ms: config.execution.retry_age_ms,
        in_doubt_max: config.execution.in_doubt_max,
        clock_error_max_ms: config.execution.clock_error_max_ms,
        startup_delay_ms: config.execution.startup_delay_ms,
        sweep_interval_ms: config.execution.sweep_interval_ms,
        reconciliation: config.execution.reconciliation,
        sharing: Sharing { instruments: entry.shared_instruments.clone() },
        staleness: Staleness { quote_max_age_ms: config.execution.quote_max_age_ms },
        differences: entry.differences.clone(),
        memory: exec_core::engine::config::Memory { ended_orders_ms: config.execution.ended_orders_kept_ms },
        stream: config.execution.stream,
        breakers: config.execution.breakers,
        bounds: Bounds {
            strategies: config.strategies.iter().filter(|s| s.account == *id).map(|s| (s.id.clone(), s.limits)).collect(),
            ..entry.bounds.clone()
        },
        solvency: entry.solvency,
        dead_man: dead_man(config, id, entry, desk_has_all),
    }
}

fn settings(profile: Profile, entry: &AccountConfig) -> AccountSettings {
    AccountSettings {
        apply: match entry.apply {
            Apply::Never => exec_runtime::Apply::Never,
            Apply::WhenFlat => exec_runtime::Apply::WhenFlat,
            Apply::Always => exec_runtime::Apply::Always,
        },
        apply_position_mode: entry.apply_position_mode,
        on_difference: if profile == Profile::Production { OnDifference::Stop } else { OnDifference::Warn },
        leverages: entry.leverages.clone(),
        margin_types: entry.margin_types.clone(),
        multi_assets: entry.multi_assets_margin,
        key: KeyRules { strict: profile == Profile::Production, allow_any_ip: entry.allow_any_ip },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_of_protection_reaches_the_engine() {
        let text = "profile = \"simulated\"\n[accounts.main]\nvenue = \"binance\"\nbase_url_http = \"http://127.0.0.1:9\"\n\
             base_url_ws = \"ws://127.0.0.1:9\"\ninstruments = [\"BTCUSDT-PERP.BINANCE\", \"ETHUSDT-PERP.BINANCE\"]\n\
             [[strategies]]\nid = \"a\"\nkind = \"k\"\ninstruments = [\"BTCUSDT-PERP.BINANCE\"]\n\
             protection = \"rearm\"\ntime_to_protect_max_ms = 700\n";
        struct Keys;
        impl Surroundings for Keys {
            fn variable(&self, name: &str) -> Option<String> {
                Some(format!("of-the-built-in-exchange-{name}"))
            }
            fn secret_file(&self, path: &Path) -> Result<secrecy::SecretString, crate::secret::SecretError> {
                Err(crate::secret::SecretError::Unset(path.display().to_string()))
            }
        }
        let config = NodeConfig::read(text, &Keys).unwrap();
        let (id, entry) = config.accounts.first_key_value().unwrap();
        let engine = engine_config(&config, id, entry, false);
        let said: Vec<_> = engine.strategies.iter().map(|s| (s.id.as_str(), s.protection, s.time_to_protect_max_ms)).collect();
        assert_eq!(said, [("a", ProtectionPolicy::Rearm, 700), (DESK, ProtectionPolicy::Exit, 2_000)]);
    }
}
