//! The journal's copy on Redis: off this machine, fenced, followed by a thread of its own. The local log stays the first to be written
//! and the only one that is read while the node runs; `docs/operating.md` says what is lost with which setting.
//!
//! - [`SharedJournal`] is a local log and its copy behind one journal port.
//! - [`RedisOptions`] says where the copy is and what an acknowledged record must survive.
//! - [`RedisLease`] is the lease of an account in the same keys.
//! - `store` knows the account's keys and the scripts that change them; each of them is atomic, fenced, and may be run twice.
//! - `publisher` tells consumers, in a stream beside the copy, what the records say.
//! - `follower` brings to Redis what the local log has made durable; `start` compares the two before anything is written.

mod chain;
mod compare;
mod consumer;
mod error;
mod follower;
mod halt;
mod lease;
mod link;
mod options;
mod outlet;
mod pending;
mod publisher;
mod restore;
mod scripts;
mod server;
mod shared;
mod source;
mod start;
mod store;
#[cfg(test)]
mod tests;

pub use consumer::{EventStream, Missed, StreamError, StreamedEvent};
pub use error::{CopyError, UrlError};
pub use lease::RedisLease;
pub use options::{Ack, RedisOptions};
pub use shared::SharedJournal;
