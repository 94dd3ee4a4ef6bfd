//! What tests share: one-line scenarios of an order, generators of histories, a reference model of a venue, the suite that every venue
//! must pass, mocks of the ports, ready-made values. No product code depends on it, and it starts no runtime: whatever is async here is
//! polled by the caller. For users: `docs/testing.md`.
//!
//! ```
//! use exec_testkit::check;
//!
//! check("submit 10 | ack v1 | fill e1 4@100 | cancel | fill e2 6@101 | cancel-refused", "Filled cum=10 leaves=0 avg=100.6");
//! ```

/// The page for users; its examples run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
mod page {}

mod conditional;
pub mod conformance;
pub mod fixtures;
pub mod generate;
pub mod keys;
pub mod mocks;
pub mod model;
pub mod redis_server;
pub mod rig;
pub mod scenario;

pub use scenario::{check, run};
