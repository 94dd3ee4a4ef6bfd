//! What tests share: one-line scenarios of an order, generators of histories, mocks of the ports, ready-made values. No product
//! code depends on it, and it starts no runtime: whatever is async here is polled by the caller.
//!
//! ```
//! use exec_testkit::check;
//!
//! check("submit 10 | ack v1 | fill e1 4@100 | cancel | fill e2 6@101 | cancel-refused", "Filled cum=10 leaves=0 avg=100.6");
//! ```

mod conditional;
pub mod conformance;
pub mod fixtures;
pub mod generate;
pub mod mocks;
pub mod rig;
pub mod scenario;

pub use scenario::{check, run};
