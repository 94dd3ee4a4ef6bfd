//! The entry points of the fuzzer, bounded: every seed, and a few hundred mutations of the seeds of each kind. What the fuzzer found
//! once stays among the seeds.

mod json;
mod mutate;

use exec_fuzz::{TARGETS, target};
use mutate::mutated;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::{fs, path::PathBuf};

const CASES: u32 = 400;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds in {}", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Targets whose inputs begin with what was asked and how it was answered.
const CHOOSING: [&str; 3] = ["order_reply", "question_reply", "refusal"];

/// Runs the seeds of a target, each under every choice where there are some, then mutations of them.
fn holds(name: &str) {
    let target = target(name).unwrap();
    let seeds = seeds(name);
    for seed in &seeds {
        (target.run)(seed);
        if CHOOSING.contains(&name) {
            for (which, status) in (0..10).flat_map(|which| (0..12).map(move |status| (which, status))) {
                (target.run)(&[&[b'0' + which, b'0' + status], &seed[2..]].concat());
            }
        }
    }
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CASES) });
    let choices = (prop::sample::select(seeds), prop::collection::vec(any::<u64>(), 1..6));
    let inputs = choices.prop_map(|(seed, choices)| mutated(&seed, &choices));
    runner
        .run(&inputs, |input| {
            (target.run)(&input);
            Ok(())
        })
        .unwrap();
}

macro_rules! targets {
    ($($name:ident),*) => {
        $( #[test] fn $name() { holds(stringify!($name)); } )*
        const TESTED: &[&str] = &[$( stringify!($name) ),*];
    };
}

targets!(
    user_frame,
    market_frame,
    order_reply,
    question_reply,
    refusal,
    document,
    segment,
    record,
    snapshot,
    config,
    name,
    decimal
);

#[test]
fn every_target_is_tested_and_has_its_fuzzer() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
    let fuzzers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for name in names {
        assert!(fuzzers.join(format!("{name}.rs")).is_file(), "{name} has no file in fuzz/fuzz_targets");
    }
}

#[test]
fn depth_and_length_do_not_break_anything() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
    let giants = [
        deep("[", "]"),
        deep(r#"{"e":"#, "}"),
        format!(r#"{{"e":"ORDER_TRADE_UPDATE","o":{}}}"#, deep("[", "]")),
        deep(r#"{"data":"#, "}"),
        format!("00{}", deep("[", "]")),
        format!(r#"01{{"code":-2019,"msg":"{}"}}"#, "x".repeat(100_000)),
        format!("a = {}", deep("[", "]")),
        format!("a{} = 1", ".a".repeat(5_000)),
        "9".repeat(100_000),
        format!("\"1E{}\"", "9".repeat(1_000)),
        "币".repeat(50_000),
    ];
    for giant in &giants {
        for target in TARGETS {
            (target.run)(giant.as_bytes());
        }
    }
}
