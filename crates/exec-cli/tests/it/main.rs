//! The program as a person or a script meets it: built, called, its output and exit codes read.

mod decode;
mod demo;
mod surroundings;
mod told;
mod verbs;
