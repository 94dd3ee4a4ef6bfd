//! Reads one config file, tells every mistake in it with its place, and wires a node from registered factories. It decides
//! nothing about orders, and knows no venue but through its factories.

mod account;
mod config;
mod contradiction;
mod mistake;
mod nearest;
mod profile;
mod read;
mod render;
mod secret;
mod section;

pub use account::{CONDITIONAL_ENGINE_MARGIN_MS, ENGINE_MARGIN_MS, VISIBILITY_MS};
pub use config::{
    AccountConfig, Apply, Durability, ExecutionConfig, JournalConfig, LogFormat, LogLevel, LoggingConfig, NodeConfig,
    StrategyEntry,
};
pub use mistake::{Mistake, Mistakes};
pub use profile::{Defaults, Environment, Profile};
pub use read::known_keys;
pub use secret::{Credentials, Process, SecretError, SecretSource, Surroundings};
