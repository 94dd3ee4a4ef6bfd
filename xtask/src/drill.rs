//! `cargo xtask kill-test` and `cargo xtask soak`: proofs with real processes. The proofs themselves live in exec-cli, behind its
//! feature `drill`; this builds that program aside and passes the words on.

use std::path::PathBuf;

use crate::{Failure, shell};

/// Cycles of the kill test in CI.
pub(crate) const CYCLES: &str = "20";

/// Rounds of two nodes in CI.
pub(crate) const ROUNDS: &str = "3";

/// Builds the program with the boundaries in it and runs one of its drills with the same words.
pub(crate) fn run(drill: &str, words: &[String]) -> Result<(), Failure> {
    shell::run(build_command())?;
    let mut command = shell::command(set_aside()?);
    command.args(["drill", drill]).args(words);
    Ok(shell::run(command)?)
}

/// The build of the program with the boundaries in it.
pub(crate) fn build_command() -> std::process::Command {
    let mut command = shell::command(shell::cargo());
    command.args(["build", "--quiet", "--package", "exec-cli", "--features", "drill"]);
    command
}

/// Copies the program out of the way: the next ordinary build puts its own in the same place, and cycles start it again and again.
pub(crate) fn set_aside() -> Result<PathBuf, String> {
    let name = format!("exec-node{}", std::env::consts::EXE_SUFFIX);
    let target = shell::target_dir()?;
    let (from, folder) = (target.join("debug").join(&name), target.join("drill"));
    let to = folder.join(&name);
    let broken = |error: std::io::Error| format!("{}: {error}", to.display());
    std::fs::create_dir_all(&folder).map_err(broken)?;
    // A drill that still runs keeps the file it was started from.
    let fresh = folder.join(format!("{name}.{}", std::process::id()));
    std::fs::copy(&from, &fresh).map_err(broken)?;
    std::fs::rename(&fresh, &to).map_err(broken)?;
    Ok(to)
}
