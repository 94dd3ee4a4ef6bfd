//! A reference model for state-machine tests: what a venue truly holds, and the steps by which a node comes to hear of it, late, twice,
//! out of order or not at all. No engine in the reference; [`Node`] is the real core under it.
//!
//! [`RefModel`] is a [`ReferenceStateMachine`](proptest_state_machine::ReferenceStateMachine) over a [`Truth`]. Each [`Step`] picks by a
//! number among what is possible at that moment, so that everything shrinks towards the first order, the least quantity, no fault; what
//! was picked stands in [`Truth::did`], for whoever has to do the same to a system of their own:
//!
//! ```
//! use exec_testkit::model::{Did, RefModel, Truth};
//! use proptest_state_machine::StateMachineTest;
//!
//! /// Counts what a venue has executed, from its facts alone.
//! struct Counter {
//!     lots: i64,
//! }
//!
//! impl StateMachineTest for Counter {
//!     type SystemUnderTest = Self;
//!     type Reference = RefModel;
//!     fn init_test(_: &Truth) -> Self {
//!         Self { lots: 0 }
//!     }
//!     fn apply(mut self_: Self, truth: &Truth, _step: exec_testkit::model::Step) -> Self {
//!         if let Did::Filled(trade) = truth.did {
//!             self_.lots += truth.trades[trade].lots;
//!         }
//!         self_
//!     }
//!     fn check_invariants(counter: &Self, truth: &Truth) {
//!         assert_eq!(counter.lots, truth.position());
//!     }
//! }
//!
//! proptest_state_machine::prop_state_machine! {
//!     #![proptest_config(proptest::test_runner::Config { cases: 20, failure_persistence: None, ..Default::default() })]
//!     fn what_is_counted_is_what_was_executed(sequential 1..30 => Counter);
//! }
//! # what_is_counted_is_what_was_executed();
//! ```

mod node;
mod step;
mod truth;

pub use node::Node;
pub use step::{RefModel, Step};
pub use truth::{Did, End, Fact, Truth, VenueOrder, VenueTrade, Way};
