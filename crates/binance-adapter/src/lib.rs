//! Speaks Binance USDⓈ-M behind exec-core's ports. It decides nothing about orders: it signs what it is given, sends it
//! once, and says which of the fates the request met.
//!
//! | module | one idea |
//! |---|---|
//! | [`sign`], [`query`] | parameters to signed bytes |
//! | [`wire`] | payloads exactly as documented |
//! | [`fate`] | the one table of statuses and codes |
//! | [`translate`] | the only place that knows both worlds |
//! | [`rate`], [`clock`], [`session`] | budget, venue time and private stream, sans-IO |
//! | [`dialer`], [`transport`], [`entry`], [`inquiry`], [`ws`] | thin shells over the network |

pub mod clock;
pub mod dialer;
pub mod entry;
pub mod fate;
pub mod inquiry;
pub mod query;
pub mod rate;
pub mod session;
pub mod sign;
pub mod translate;
pub mod transport;
pub mod wire;
pub mod ws;
