//! A deterministic, seeded exchange in the manner of Binance USDⓈ-M futures; not a client of one, and no model of strategies.
//!
//! The core ([`Exchange`]) does no I/O, reads no clock and draws no random number that its seed does not fix: equal
//! configuration and equal calls give equal answers, equal events and an equal ledger. The [`face`] speaks the venue's
//! HTTP and WebSocket dialect over it.
//!
//! Written from the venue's public documentation; it shares no code with any client in this workspace, so that two
//! readings of one document check each other.

pub mod config;
pub mod error;
pub mod event;
pub mod exchange;
pub mod face;
pub mod ledger;
pub mod request;
pub mod row;
pub mod symbol;
pub mod types;
pub mod venue;

mod account;
mod algo;
mod amend;
mod book;
mod cancel;
mod entry;
mod filters;
mod flow;
mod force;
mod history;
mod invariants;
mod literal;
mod made;
mod margin;
mod market;
mod matching;
mod operator;
mod order;
mod outbox;
mod position;
mod quotes;
mod resting;
mod restrict;
mod rng;
mod settings;
mod settlement;
mod standing;
mod tape;
mod time;

pub use config::{
    AccountSpec, AlgoConfig, Backstop, ExchangeConfig, FeeSchedule, FenceGuarantees, FlowConfig, ForcedStyle, FundingConfig,
    IdSpace, MarketData, TriggeredTold,
};
pub use error::ApiError;
pub use event::{Event, MarketEvent, UserEvent};
pub use exchange::Exchange;
pub use ledger::{Ledger, Violation};
pub use restrict::Restriction;
pub use types::AccountId;
