//! Speaks Binance USDⓈ-M behind exec-core's ports. It decides nothing about orders: it signs what it is given, sends it
//! once, and says which of the fates the request met.
//!
//! | module | one idea |
//! |---|---|
//! | [`sign`], [`query`] | parameters to signed bytes |
//! | [`wire`] | payloads exactly as documented |
//! | [`fate`] | the one table of statuses and codes |
//! | [`rate`], [`clock`] | budget and venue time, sans-IO |

pub mod clock;
pub mod fate;
pub mod query;
pub mod rate;
pub mod sign;
pub mod wire;
