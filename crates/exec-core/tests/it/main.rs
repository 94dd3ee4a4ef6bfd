//! The promises of this crate, by topic. Rules of one file are tested in that file.

mod conservation;
mod convergence;
mod engine;
mod fills;
mod found;
mod lifecycle;
mod records;
mod requests;
