//! The network face: the exchange spoken in Binance's HTTP and WebSocket dialect; it holds no trading rule.
//!
//! [`Server`] listens on an address; [`Face`] serves any byte stream, for simulated networks. Checks at receipt (key,
//! time, signature, form of parameters, limits) are made here, everything about orders and money in the core. Faults
//! are part of the interface: [`Fault`] in process, `POST /sim/fault` over HTTP.

mod ask;
mod bodies;
mod call;
mod clock;
mod config;
mod door;
mod faults;
mod handle;
mod http;
mod hub;
mod json;
mod limits;
mod listen;
mod market;
mod params;
mod refusal;
mod render;
mod requests;
mod routes;
mod server;
mod signature;
mod state;
mod topic;
mod ws;

pub use config::{FaceConfig, Owner, Secret};
pub use faults::{Answer, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter};
pub use limits::Limits;
pub use requests::RequestRow;
pub use server::{Face, Server, StartError};
pub use signature::sign;
