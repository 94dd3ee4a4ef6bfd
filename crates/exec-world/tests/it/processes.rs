//! The program itself: the same words give the same worlds in whatever process, and its exit codes say what it says.

use std::process::{Command, Output};

fn ran(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_exec-world")).args(words.split_whitespace()).output().unwrap()
}

fn hash(words: &str) -> String {
    let out = String::from_utf8(ran(words).stdout).unwrap();
    out.lines().find_map(|line| line.strip_prefix("hash ")).unwrap_or_else(|| panic!("no hash in {out}")).to_owned()
}

#[test]
fn the_same_seeds_are_the_same_worlds_in_two_processes_and_with_any_number_of_threads() {
    let one = hash("--seeds 40..52 --hash --threads 1");
    assert_eq!(one, hash("--seeds 40..52 --hash --threads 3"));
    assert_ne!(one, hash("--seeds 41..53 --hash"));
}

#[test]
fn exit_codes_tell_help_from_wrong_use() {
    for (words, code) in [("--help", 0), ("--list-plants", 0), ("--seeds 9..3", 2), ("--seeds 0..1 --profile wild", 2), ("", 2)] {
        assert_eq!(ran(words).status.code(), Some(code), "{words}");
    }
}
