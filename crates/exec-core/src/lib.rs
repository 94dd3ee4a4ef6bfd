//! The venue-agnostic heart of the execution stack: orders as facts, positions, risk, reconciliation, the engine, and the
//! ports of venues and journals. It has no clock, no socket, no file and no thread to reach for.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod books;
pub mod cl_ord_id;
pub mod command;
pub mod conversation;
pub mod engine;
pub mod explain;
pub mod exposure;
pub mod feed;
pub mod host;
pub mod ids;
pub mod instrument;
pub mod journal;
pub mod kill;
pub mod lease;
pub mod limits;
pub mod nearest;
pub mod order;
pub mod plant;
pub mod position;
pub mod pretrade;
pub mod protection;
pub mod reconcile;
pub mod record;
pub mod report;
pub mod rules;
pub mod snapshot;
pub mod start_report;
pub mod strategy;
pub mod terms;
pub mod time;
pub mod unequal;
pub mod units;
pub mod venue;
