//! Worlds of two nodes and one account: the real lease code twice, over a model of the store and of the venue. Processes stand still
//! between any two steps, clocks err, the store is slow, loses answers and forgets. No order is modelled, only when requests are
//! dated, signed, written, taken in and done. One world is one round: a lease changes hands at least once, if the plan lets it.

mod node;
mod oracle;
mod plan;
mod round;
mod store;

use crate::{case::Case, trace::Wanted, world::Ended};
use exec_core::lease::LeaseTerms;

/// Steps of a round, most of which end by themselves before.
pub(crate) const STEPS: u64 = 20_000;

/// The figures that are recommended.
const TERMS: LeaseTerms = LeaseTerms { ttl_ms: 10_000, recv_window_ms: 2_000, clock_error_ms: 300, engine_margin_ms: 10_000 };

/// What a long run must bring about.
pub(crate) const FAULTS: &[&str] = &[
    "process stands still",
    "answer of the store lost",
    "store slow",
    "store cut off from a node",
    "fail-over that forgets",
    "fail-over to an older record",
    "store's clock steps",
    "node dies with its disk",
    "request late in the engine",
];

pub(crate) fn live(case: &Case, wanted: Wanted) -> Ended {
    round::Round::new(case, wanted).run()
}

pub(crate) fn plan(case: &Case) -> String {
    format!("{:?}", plan::Plan::of(case))
}
