//! The shell's promises, against a scripted venue and a journal in memory, on a paused clock.

mod audit;
mod consumers;
mod control;
mod disk;
mod durability;
mod exit;
mod fake;
mod lease;
mod listing;
mod operator;
mod restart;
mod rig;
mod setup;
mod stream;
mod turn;
