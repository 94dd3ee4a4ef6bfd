//! The program as a person or a script meets it: built, called, its output and exit codes read.

mod by_hand;
mod canary;
mod claims;
mod damage;
mod decode;
mod demo;
mod ends;
mod keys;
mod loopback;
mod settled;
mod starts;
mod streams;
mod surroundings;
mod told;
mod verbs;
