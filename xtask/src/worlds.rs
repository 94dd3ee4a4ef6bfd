//! `cargo xtask sim`: worlds under chosen seeds. The worlds themselves live in exec-world; this builds it and passes the words on.

use crate::{Failure, shell};

/// Builds exec-world with the `sim` profile and runs it with the same words.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    check(words).map_err(Failure::Usage)?;
    if !exists() {
        return Err(Failure::Failed("there is no crate exec-world in crates/ yet".to_owned()));
    }
    let mut command = shell::command(shell::cargo());
    command.args(["run", "--quiet", "--profile", "sim", "--package", "exec-world"]);
    if words.iter().any(|word| word.split('=').next().is_some_and(|name| ["--plant", "--list-plants"].contains(&name))) {
        command.args(["--features", "plants"]);
    }
    command.arg("--").args(words);
    let line = shell::shown(&command);
    let status = command.status().map_err(|e| format!("`{line}` could not be started: {e}"))?;
    match status.code() {
        Some(0) => Ok(()),
        // It has said what is wrong itself.
        Some(2) => Err(Failure::Said(2)),
        Some(1) => Err(Failure::Said(1)),
        _ => Err(Failure::Failed(format!("`{line}` failed ({status})"))),
    }
}

/// Says whether the crate with the worlds is in the tree.
pub(crate) fn exists() -> bool {
    shell::root().join("crates/exec-world/Cargo.toml").is_file()
}

// Only the seeds are read here: a run without them would answer a question nobody asked, and a build takes minutes.
fn check(words: &[String]) -> Result<(), String> {
    if words.iter().any(|word| ["--list-plants", "--list-kinds", "--help", "-h"].contains(&word.as_str())) {
        return Ok(());
    }
    let seeds = match words.iter().position(|word| word == "--seeds") {
        Some(at) => words.get(at + 1).map(String::as_str),
        None => words.iter().find_map(|word| word.strip_prefix("--seeds=")),
    };
    let seeds = seeds.ok_or("sim needs --seeds A..B, for example --seeds 0..1000")?;
    let range = seeds.split_once("..").and_then(|(a, b)| Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?)));
    match range {
        Some((from, to)) if from < to => Ok(()),
        Some((from, to)) => Err(format!("--seeds {from}..{to} is empty: the end is not part of the range")),
        None => Err(format!("--seeds {seeds}: expected two numbers, for example 0..1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(line: &str) -> Result<(), String> {
        check(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn seeds_are_a_range_that_holds_something() {
        assert_eq!(checked("--seeds 0..10"), Ok(()));
        assert_eq!(checked("--steps 50 --seeds=7..8"), Ok(()));
        assert!(checked("--seeds 10..10").unwrap_err().contains("empty"));
        assert!(checked("--seeds ten").unwrap_err().contains("expected two numbers"));
        assert!(checked("--seeds").unwrap_err().contains("needs --seeds"));
        assert!(checked("").unwrap_err().contains("needs --seeds"));
        assert_eq!(checked("--help"), Ok(()));
        assert_eq!(checked("--layer L1 --seeds 18446744073709551614..18446744073709551615"), Ok(()));
    }
}
