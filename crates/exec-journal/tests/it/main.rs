//! The journal's promises, against a disk that fails on command and against the real one. Not the format's details: those stand beside
//! the code.

mod crashes;
mod damage;
mod faults;
mod file_journal;
mod golden;
mod model;
mod os_disk;
mod port;
#[cfg(feature = "redis")]
mod redis;
mod snapshots;
mod state;
