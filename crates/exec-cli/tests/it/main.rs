//! The program as a person or a script meets it: built, called, its output and exit codes read.

mod banned;
mod by_hand;
mod canary;
mod claims;
mod copies;
mod damage;
mod dead_man;
mod decode;
mod demo;
mod ends;
mod keys;
mod loopback;
mod settled;
mod starts;
mod streams;
mod surroundings;
#[cfg(feature = "redis")]
mod tail;
mod told;
mod verbs;
