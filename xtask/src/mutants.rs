//! `cargo xtask mutants`: code changed in one place at a time, against the tests that should notice. Which changes and which tests is
//! said in `.cargo/mutants.toml`; the changes themselves are cargo-mutants'.

use std::process::Stdio;

use crate::{Failure, shell};

/// The packages, and the paths in them, whose mutants must not live: what decides, and what reads and writes the venue's words.
const SCOPE: &[(&str, &[&str])] = &[
    ("exec-core", &["crates/exec-core/src/**/*.rs"]),
    (
        "binance-adapter",
        &[
            "crates/binance-adapter/src/decode/**/*.rs",
            "crates/binance-adapter/src/translate/**/*.rs",
            "crates/binance-adapter/src/rules/**/*.rs",
            "crates/binance-adapter/src/fate.rs",
            "crates/binance-adapter/src/rate.rs",
            "crates/binance-adapter/src/sign.rs",
        ],
    ),
];

/// Runs the mutants of the files that are named, or all of the scope; the rest of the words goes to cargo-mutants as it is.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    installed()?;
    let files = files(words).map_err(Failure::Usage)?;
    let mut survived = Vec::new();
    for (package, all) in SCOPE {
        let here = format!("crates/{package}/");
        let mine: Vec<&str> = files.iter().copied().filter(|file| file.starts_with(&here)).collect();
        if mine.is_empty() && !files.is_empty() {
            continue;
        }
        let mut command = shell::command(shell::cargo());
        let out = shell::target_dir()?.join("mutants").join(package);
        command.args(["mutants", "--package", package, "--output"]).arg(out);
        for file in if mine.is_empty() { all } else { mine.as_slice() } {
            command.args(["--file", file]);
        }
        command.args(others(words));
        if let Err(why) = shell::run(command) {
            survived.push(why);
        }
    }
    if survived.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{}; those that were missed stand in target/mutants/PACKAGE/mutants.out/missed.txt",
        survived.join("; ")
    )))
}

/// The files behind `--file`; every one must be of a package in the scope.
fn files(words: &[String]) -> Result<Vec<&str>, String> {
    let files: Vec<&str> = words.windows(2).filter(|pair| is_file(&pair[0])).map(|pair| pair[1].as_str()).collect();
    let strange = |file: &&&str| !SCOPE.iter().any(|(package, _)| file.starts_with(&format!("crates/{package}/")));
    match files.iter().find(strange) {
        Some(file) => Err(format!("--file {file}: expected a path such as crates/exec-core/src/position.rs")),
        None => Ok(files),
    }
}

fn others(words: &[String]) -> impl Iterator<Item = &String> {
    let value = |at: usize| at > 0 && is_file(&words[at - 1]);
    words.iter().enumerate().filter(move |(at, word)| !is_file(word) && !value(*at)).map(|(_, word)| word)
}

fn is_file(word: &str) -> bool {
    word == "--file" || word == "-f"
}

fn installed() -> Result<(), String> {
    let mut command = shell::command(shell::cargo());
    command.args(["mutants", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err("mutants needs cargo-mutants: cargo install cargo-mutants --locked".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_the_words_that_go_on() {
        let words: Vec<String> = "--file crates/exec-core/src/ids.rs --shard 0/4".split(' ').map(String::from).collect();
        assert_eq!(files(&words), Ok(vec!["crates/exec-core/src/ids.rs"]));
        assert_eq!(others(&words).collect::<Vec<_>>(), ["--shard", "0/4"]);
    }

    #[test]
    fn a_file_outside_of_the_scope_is_refused() {
        let words: Vec<String> = ["--file", "crates/exec-cli/src/main.rs"].map(String::from).to_vec();
        assert!(files(&words).is_err());
    }
}
