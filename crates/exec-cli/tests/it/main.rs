//! The program as a person or a script meets it: built, called, its output and exit codes read.

mod damage;
mod decode;
mod demo;
mod starts;
mod surroundings;
mod told;
mod verbs;
