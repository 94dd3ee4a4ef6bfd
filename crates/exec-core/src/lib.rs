//! The venue-agnostic heart of the execution stack: orders as facts, positions, risk, reconciliation, the engine, and the
//! ports of venues and journals. It has no clock, no socket, no file and no thread to reach for.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod cl_ord_id;
pub mod ids;
pub mod instrument;
pub mod report;
pub mod terms;
pub mod time;
pub mod units;
pub mod venue;
