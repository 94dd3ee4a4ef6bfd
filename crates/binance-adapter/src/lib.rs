//! Speaks Binance USDⓈ-M behind exec-core's ports. It decides nothing about orders: it signs what it is given, sends it
//! once, and says which of the fates the request met.
//!
//! | module | one idea |
//! |---|---|
//! | [`sign`], [`query`], [`fields`] | parameters to signed bytes |
//! | [`wire`] | payloads exactly as documented |
//! | [`fate`] | the one table of statuses and codes |
//! | [`translate`] | the only place that knows both worlds |
//! | [`rules`] | what the venue refuses, as one table for checks and page |
//! | [`route`] | which endpoint takes an order |
//! | [`rate`], [`clock`], [`session`] | budget, venue time and private stream, sans-IO |
//! | [`endpoint`], [`environment`], [`settings`] | where, at what cost, with which times: data |
//! | [`dialer`], [`transport`], [`entry`], [`inquiry`], [`ws`] | thin shells over the network |
//! | [`BinanceUsdm`] | the venue |
//! | [`decode`] | one document of the venue to one line of facts |

mod batch;
mod boundary;
pub mod clock;
mod commands;
mod dead_man;
pub mod decode;
pub mod dialer;
pub mod endpoint;
pub mod entry;
pub mod environment;
pub mod fate;
mod feed;
pub mod fields;
pub mod inquiry;
pub mod key;
mod lookup;
mod meant;
mod prices;
pub mod query;
mod questions;
pub mod rate;
mod rest;
mod restricted;
mod rights;
pub mod route;
pub mod rules;
pub mod session;
pub mod settings;
mod setup;
pub mod sign;
mod traded;
pub mod translate;
pub mod transport;
mod venue;
pub mod wire;
pub mod ws;

pub use rest::Now;
pub use settings::{Credentials, Settings, StartError};
pub use venue::BinanceUsdm;
