//! The program as a person or a script meets it: built, called, its output and exit codes read.

mod demo;
mod verbs;
