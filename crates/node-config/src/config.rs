//! A config file as data: complete, checked, every default filled in. Not how it is read, and not what is built from it.

use crate::{
    dead_man::DeadManConfig,
    profile::{Environment, Profile},
    secret::Credentials,
};
use exec_core::{
    cl_ord_id::Tag,
    engine::breaker::Breakers,
    engine::config::{ProtectionPolicy, StreamCare},
    exposure::Limits,
    ids::{AccountId, InstrumentId, StrategyId},
    limits::{Bound, Bounds, Solvency},
    unequal::DifferenceRules,
    units::PositionMode,
    venue::MarginType,
};
use exec_runtime::OnExit;
use std::{collections::BTreeMap, path::PathBuf};

/// Everything that a node is told.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Which defaults, and which refusals.
    pub profile: Profile,
    /// Who trades; in logs.
    pub trader_id: String,
    /// In front of every client order id; one per fleet.
    pub order_tag: Tag,
    /// Where the journals are.
    pub journal: JournalConfig,
    /// What is logged, and how.
    pub logging: LoggingConfig,
    /// What all engines share.
    pub execution: ExecutionConfig,
    /// The accounts, by name. One engine each.
    pub accounts: BTreeMap<AccountId, AccountConfig>,
    /// The strategies, in the order of the file.
    pub strategies: Vec<StrategyEntry>,
}

/// Where the journals are, and what they survive.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// Name of the journal factory.
    pub kind: String,
    /// Folder that holds one folder per account; a relative one is relative to the config file.
    pub directory: PathBuf,
    /// What an acknowledged record survives.
    pub durability: Durability,
    /// The second word that a production node wants for `durability = "os"`.
    pub allow_os_durability: bool,
    /// Why one copy of the journal is enough in production.
    pub single_copy_reason: Option<String>,
    /// After so many records the books are written as a snapshot.
    pub snapshot_every_records: u64,
    /// Closed segments that are kept although no restart needs them.
    pub segments_kept: u32,
    /// Where its copy is, for the kind that has one.
    #[cfg(feature = "redis")]
    pub redis: Option<crate::redis::RedisConfig>,
}

/// What an acknowledged record survives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// A power cut.
    Sync,
    /// A killed process.
    Os,
}

/// What is logged, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoggingConfig {
    /// Least level.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// Least level of what is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// Every level with its word.
    pub const WORDS: [(&'static str, Self); 5] =
        [("error", Self::Error), ("warn", Self::Warn), ("info", Self::Info), ("debug", Self::Debug), ("trace", Self::Trace)];
    /// The word that names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What all engines of a node share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExecutionConfig {
    /// How long an order that has ended is kept in memory; 0 for ever.
    pub ended_orders_kept_ms: u64,
    /// Whether the books are compared with the venue at all.
    pub reconciliation: bool,
    /// How long the gate stays shut after the first complete reconciliation.
    pub startup_delay_ms: u64,
    /// How often everything is compared with the venue; 0 never.
    pub sweep_interval_ms: u64,
    /// Attempts in doubt that an instrument may have and still take new risk.
    pub in_doubt_max: u32,
    /// Largest error of the venue clock's estimate with an open gate.
    pub clock_error_max_ms: u64,
    /// How long an opening limit order may be tried again after a proven non-execution.
    pub retry_age_ms: u64,
    /// New risk is not valued with prices older than this; 0 for prices of any age.
    pub quote_max_age_ms: u64,
    /// What is asked of the private stream.
    pub stream: StreamCare,
    /// When a strategy may only close any more.
    pub breakers: Breakers,
    /// What a clean end does with the open orders of this node.
    pub on_exit: OnExit,
    /// How long a clean end waits for open requests and doubts.
    pub drain_deadline_ms: u64,
}

/// An account at a venue.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Name of the venue factory.
    pub venue: String,
    /// Which of the venue's networks.
    pub environment: Environment,
    /// Where requests go, if it is an address of one's own.
    pub base_url_http: Option<String>,
    /// Where streams come from, if it is an address of one's own.
    pub base_url_ws: Option<String>,
    /// The account's number in the fleet, in client order ids.
    pub number: u16,
    /// How positions are kept.
    pub oms_type: PositionMode,
    /// Whether positions and events carry `<instrument>-LONG|SHORT`.
    pub use_position_ids: bool,
    /// Instruments that may be traded.
    pub instruments: Vec<InstrumentId>,
    /// Instruments that more than one strategy may trade in NETTING.
    pub shared_instruments: Vec<InstrumentId>,
    /// Further attempts after a proven non-execution.
    pub max_retries: u8,
    /// The second word for more than three retries.
    pub allow_many_retries: bool,
    /// Delay before the first further attempt.
    pub retry_delay_initial_ms: u64,
    /// Longest delay between attempts.
    pub retry_delay_max_ms: u64,
    /// Window of queries, cancels and set-up.
    pub recv_window_ms: u64,
    /// Window of new orders and changes.
    pub order_recv_window_ms: u64,
    /// How long after its window an order may still reach the matching engine.
    pub engine_margin_ms: u64,
    /// The same for conditional orders.
    pub conditional_engine_margin_ms: u64,
    /// How long after its effect an order may be invisible to queries.
    pub visibility_ms: u64,
    /// Whether much use of a limit of the venue is logged.
    pub warn_rate_limits: bool,
    /// Leverage per instrument.
    pub leverages: BTreeMap<InstrumentId, u32>,
    /// Margin type per instrument.
    pub margin_types: BTreeMap<InstrumentId, MarginType>,
    /// When the account's settings may be changed.
    pub apply: Apply,
    /// Whether the position mode may be changed; it changes for COIN-M, too.
    pub apply_position_mode: bool,
    /// Whether the account is in multi-assets mode; it is compared and never changed.
    pub multi_assets_margin: bool,
    /// What the venue does when the node is dead.
    pub dead_man: DeadManConfig,
    /// What is done about legs that books and venue see differently.
    pub differences: DifferenceRules,
    /// Money limits.
    pub limits: Limits,
    /// Limits beside those, of the account and of its instruments. Those of a strategy stand with it.
    pub bounds: Bounds,
    /// What the account may lose, and how near it may come to its liquidation.
    pub solvency: Solvency,
    /// Key and secret; a venue inside this process needs none.
    pub credentials: Option<Credentials>,
    /// Whether a production node trades with a key that is taken from any address.
    pub allow_any_ip: bool,
}

/// When the settings of an account may be changed to those of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Apply {
    /// Never: a difference is told.
    Never,
    /// Where no position and no order stands.
    WhenFlat,
    /// Always.
    Always,
}

impl Apply {
    /// Every rule with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("never", Self::Never), ("when_flat", Self::WhenFlat), ("always", Self::Always)];
    /// The word that names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WhenFlat => "when_flat",
            Self::Always => "always",
        }
    }
}

/// A strategy of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyEntry {
    /// Its name.
    pub id: StrategyId,
    /// Name of the strategy factory.
    pub kind: String,
    /// Whose money it trades.
    pub account: AccountId,
    /// What it may trade.
    pub instruments: Vec<InstrumentId>,
    /// Instruments whose foreign orders and positions it takes as its own.
    pub external_order_claims: Vec<InstrumentId>,
    /// What is done when one of its protective orders does not protect.
    pub protection: ProtectionPolicy,
    /// How long after its first fill a bracket's stop may take to be acknowledged.
    pub time_to_protect_max_ms: u64,
    /// Its own limits, beside those of the account.
    pub limits: Bound,
    /// Whether its opening orders may wait for a trigger where a dead-man's switch is on: they survive the node.
    pub outlives_node: bool,
    /// Its own settings, as they stand in the file.
    pub params: toml::Table,
}
