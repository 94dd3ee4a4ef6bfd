//! The engine against the exchange, both in one thread, without faults: every kind of order through every part of its life.

mod brackets;
mod crash_table;
mod dead_man;
mod exits;
mod flatten;
mod forced;
mod held;
mod listing;
mod mad;
mod matrix;
mod pair;
mod processes;
mod races;
mod restricted;
mod shared;
mod storm;
mod told_codes;
mod wired;
mod wired_clock;
mod wired_exits;
mod wired_flatten;
mod wired_mad;
