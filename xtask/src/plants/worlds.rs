//! Every plant against worlds: which first seed finds it. The worlds are exec-world's, and know nothing of plants.

use std::process::Command;
use std::time::Instant;

use super::list::Plant;
use crate::{Failure, shell};

/// A plant must be found within so many seeds.
const SEEDS: &str = "0..1000";
/// Which worlds are tried, in this order: the mixture, and the kinds in which one thing is looked at closely.
const KINDS: [(&str, &str); 11] = [
    ("L1", "mixed"),
    ("L1", "bracket"),
    ("L1", "blind"),
    ("L1", "conditional"),
    ("L1", "storm"),
    ("L1", "rough"),
    ("L1", "kill"),
    ("L2", "mixed"),
    ("L2", "storm"),
    ("L2", "kill"),
    ("lease", "mixed"),
];
const WRONG_USE: i32 = 2;

/// Runs the plants of these names, or all.
pub(super) fn run(plants: &[Plant], words: &[String]) -> Result<(), Failure> {
    let chosen: Vec<&Plant> = plants.iter().filter(|p| words.is_empty() || words.contains(&p.name)).collect();
    if let Some(word) = words.iter().find(|word| !plants.iter().any(|p| p.name == **word)) {
        return Err(Failure::Usage(format!("there is no plant `{word}`; `cargo xtask plants --list` names them")));
    }
    let mut build = shell::command(shell::cargo());
    build.args(["build", "--quiet", "--profile", "sim", "--package", "exec-world", "--features", "plants"]);
    shell::run(build)?;
    let program = shell::target_dir()?.join("sim").join(format!("exec-world{}", std::env::consts::EXE_SUFFIX));
    let begun = Instant::now();
    let width = chosen.iter().map(|plant| plant.name.len()).max().unwrap_or(0);
    let mut escaped = Vec::new();
    for plant in &chosen {
        let mut found = None;
        for (layer, profile) in KINDS {
            let mut command = shell::command(&program);
            // One world at a time: with some plants a world grows until it is ended, and two of them are more than a machine has.
            command.args(["--layer", layer, "--profile", profile, "--seeds", SEEDS, "--brief", "--threads", "1"]);
            command.args(["--plant", &plant.name]);
            if let Some(line) = first_violation(command)? {
                found = Some(format!("{layer} {profile}, {line}"));
                break;
            }
        }
        println!("{:<width$}  {}", plant.name, found.as_deref().unwrap_or("ESCAPES"));
        if found.is_none() {
            escaped.push(plant.name.as_str());
        }
    }
    println!("\n{} plants, {} found, in {} s", chosen.len(), chosen.len() - escaped.len(), begun.elapsed().as_secs());
    if escaped.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!("not found within {SEEDS}: {}", escaped.join(", "))))
}

/// What a run of worlds found first, if it found anything. A layer that this build does not have finds nothing.
fn first_violation(mut command: Command) -> Result<Option<String>, String> {
    let line = shell::shown(&command);
    let out = command.output().map_err(|e| format!("`{line}` could not be started: {e}"))?;
    match out.status.code() {
        Some(0 | WRONG_USE) => Ok(None),
        Some(1) => {
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let found = text.lines().find(|line| line.starts_with("seed ")).unwrap_or("a violation without a seed");
            Ok(Some(found.chars().take(120).collect()))
        }
        _ => Err(format!("`{line}` failed ({})", out.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell_that(does: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", does]);
        command
    }

    #[test]
    fn a_plant_is_found_where_worlds_end_with_one() {
        let found = first_violation(shell_that("echo worlds; echo 'seed 7, step 3: P6'; exit 1")).unwrap();
        assert_eq!(found.as_deref(), Some("seed 7, step 3: P6"));
        assert_eq!(first_violation(shell_that("exit 0")), Ok(None));
        assert_eq!(first_violation(shell_that("exit 2")), Ok(None), "a layer that is not there");
        assert!(first_violation(shell_that("exit 3")).is_err());
    }
}
