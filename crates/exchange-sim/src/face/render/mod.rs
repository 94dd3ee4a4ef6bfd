//! From the core's rows and events to the venue's JSON. Numbers come in, text goes out; nothing is decided here.

pub(super) mod account;
pub(super) mod algo;
pub(super) mod event;
pub(super) mod market;
pub(super) mod order;

pub(super) use order::Grid;
