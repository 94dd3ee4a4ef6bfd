//! The words of `cargo xtask`, and what each one starts. Not a build system: cargo builds, this only says what to run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal: what it prints is what it is for")]

mod bench;
mod ci;
mod clients;
mod drill;
mod fuzz;
mod mutants;
mod plants;
mod redis;
mod shell;
mod tidy;
mod worlds;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask WORD: what people and CI run

  test                      all of CI, in order: fmt, tidy, clippy, build, tests, plants, doctests, docs, 10,000 small worlds, 20 kills
  tidy                      what the compiler cannot check: arrows between crates, headers, purity, licences, duplicates
  sim --seeds A..B [...]    worlds under other seeds, with the `sim` profile; everything behind it goes to exec-world
  plants [NAME...|--list]   bugs built in to test the tests: with one on, the test of its name must fail
  plants --worlds [NAME...] the same bugs against worlds: the first seed of 1,000 that finds each
  kill-test [--cycles N]    a real node, killed at every boundary between two effects, compared with the exchange; --from N goes on at cycle N,
                            --jobs N plays N side by side
  split-brain [--rounds N]  two real nodes and a real Redis for one account: the one is parted from its lease while the other takes over;
                            --from N goes on at round N, --jobs N plays N side by side; --plant NAME builds a bug in, which it must find
  fail-over [--rounds N]    a real node is killed and its disk is gone; measured until another trades its account; --full with the real figures
  soak [--minutes M]        a real node while everything around it fails; compared every minute, and its memory watched
  fuzz [--target T] [...]   bytes without end against every reader of bytes, --seconds N for each; needs a nightly and cargo-fuzz
  mutants [--file F] [...]  code changed in one place at a time: which tests notice; --shard K/N is a part; needs cargo-mutants
  bench [FILTER]            the benchmarks of every crate that has some
  clients [NAME...|--write] third-party clients, unmodified, against the simulator, with no network but loopback (needs root)
  help                      this

Nothing needs a key. What is fetched besides the dependencies: the clients of `clients`, once, into target/clients, the one crate of `fuzz`, and
for `test`, as root on Debian and if it is missing, the package redis-server (its service is not started).";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let word = words.next();
    let rest: Vec<String> = words.collect();
    let outcome = match word.as_deref() {
        None | Some("help" | "-h" | "--help") => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some("test") => no_more(&rest).and_then(|()| ci::run()),
        Some("tidy") => no_more(&rest).and_then(|()| tidy::run()),
        Some("sim") => worlds::run(&rest),
        Some("kill-test") => drill::run("kill", &rest),
        Some("split-brain") => drill::run("split-brain", &rest),
        Some("fail-over") => drill::run("fail-over", &rest),
        Some("soak") => drill::run("soak", &rest),
        Some("plants") => plants::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("mutants") => mutants::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("clients") => clients::run(&rest),
        Some(other) => Err(Failure::Usage(format!("there is no `cargo xtask {other}`"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
        Err(Failure::Said(code)) => ExitCode::from(code),
        Err(Failure::Usage(why)) => {
            eprintln!("xtask: {why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Why a word of xtask did not succeed; the kind decides the exit code.
enum Failure {
    /// The work was done and something is wrong: exit 1.
    Failed(String),
    /// The command line was wrong and nothing was done: exit 2.
    Usage(String),
    /// A program that was run has said what is wrong, and ended with this code.
    Said(u8),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Failed(why)
    }
}

fn no_more(rest: &[String]) -> Result<(), Failure> {
    match rest.first() {
        None => Ok(()),
        Some(word) => Err(Failure::Usage(format!("`{word}`: this word takes no arguments"))),
    }
}
