//! Gives bytes without end to the entry point `decimal` of exec-fuzz. What must hold is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exec_fuzz::run("decimal", bytes));
