//! What the crate promises, seen from outside. One binary; the files are its chapters.

mod core_algo;
mod core_algo_entry;
mod core_algo_told;
mod core_bench;
mod core_extremes;
mod core_flow;
mod core_forced;
mod core_history;
mod core_naive;
mod core_orders;
mod core_positions;
mod core_random;
mod core_told;
mod face_algo;
mod face_batch;
mod face_bench;
mod face_call;
mod face_door;
mod face_faults;
mod face_paused;
mod face_rest;
mod face_stream;
mod venue_suite;
