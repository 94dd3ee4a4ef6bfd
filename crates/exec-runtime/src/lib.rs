//! The tokio shell around `exec-core`: it drives one engine per account, keeps their journals, supervises venue links, hosts
//! strategies and answers the operator. It decides nothing about orders; the engine does.
//!
//! Compose a node from [`Account`]s with [`Node::builder`], run it with [`Node::run`], watch it through [`NodeHandle`], speak
//! to it through its [control socket](control).

mod account;
mod account_loop;
mod arrival;
mod backoff;
mod boundary;
mod clock;
mod clock_keeper;
mod config;
mod connect;
mod consumers;
pub mod control;
mod exit;
mod hosted;
mod instruments_keeper;
mod journal_keeper;
mod key_audit;
mod latency;
mod lease_keeper;
mod link;
mod node;
mod observe;
mod prices;
mod settings_keeper;
mod setup;
mod signals;
mod timers;
mod venue_calls;

pub use account::Account;
pub use account_loop::AccountError;
pub use clock::Clock;
pub use config::{OnExit, RuntimeConfig};
pub use consumers::EventTeller;
pub use exit::{AccountExit, ExitReason, ExitSummary};
pub use key_audit::KeyRules;
pub use latency::Figures;
pub use lease_keeper::{LeaseSettings, WhenHeld};
pub use node::{BuildError, Node, NodeBuilder, NodeError, NodeHandle};
pub use observe::{AccountHandle, AccountStatus, Latencies, PhaseMoved, RaisedAlert};
pub use setup::{AccountSettings, Apply, OnDifference, StartError};
pub use signals::{kill_signals, second_signal, signals};
