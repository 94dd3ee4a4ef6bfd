//! Reads one config file, tells every mistake in it with its place, and wires a node from registered factories. It decides
//! nothing about orders, and knows no venue but through its factories.

mod account;
#[cfg(feature = "binance")]
mod binance;
mod builtin;
mod config;
mod contradiction;
mod dead_man;
mod engine;
mod factory;
#[cfg(feature = "binance")]
mod holds;
mod journal_view;
mod lease;
mod limits;
mod mistake;
mod prices;
mod profile;
mod read;
#[cfg(feature = "redis")]
mod redis;
mod refusal;
mod render;
mod seat;
mod secret;
mod section;
#[cfg(feature = "sim")]
mod sim;

pub use account::{CONDITIONAL_ENGINE_MARGIN_MS, ENGINE_MARGIN_MS, VISIBILITY_MS};
pub use config::{
    AccountConfig, Apply, Durability, ExecutionConfig, JournalConfig, LogFormat, LogLevel, LoggingConfig, NodeConfig,
    StrategyEntry,
};
pub use dead_man::DeadManConfig;
/// What a summary of a sound journal says.
pub use exec_journal::Recovery;
/// What consumers of an account's events use, as `exec-node tail` does.
#[cfg(feature = "redis")]
pub mod events {
    pub use exec_core::feed::EventId;
    pub use exec_journal::{EventStream, RedisOptions, StreamError, StreamedEvent};
}
/// The runtime's face for whoever runs a node or speaks to one.
pub use exec_runtime::{
    AccountError, AccountHandle, AccountStatus, Clock, ExitSummary, Node, NodeError, NodeHandle, OnExit, control, kill_signals,
    second_signal, signals,
};
pub use factory::{CONTROL_SOCKET, NodeFactory, journal_directory};
pub use journal_view::{ViewError, journal_account, replay_books, verify_journal, visit_journal};
pub use mistake::{Mistake, Mistakes};
pub use prices::Prices;
pub use profile::{DefaultLimits, Defaults, Environment, Profile};
pub use read::known_keys;
#[cfg(feature = "redis")]
pub use redis::{Fetched, RedisConfig};
pub use refusal::FactoryError;
pub use seat::{JournalSeat, MakeError, VenueParts, VenueSeat};
pub use secret::{Credentials, Process, SecretError, SecretSource, Surroundings};
/// A value in a strategy's `params`.
pub use toml::Value as ParamValue;
