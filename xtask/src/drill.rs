//! `cargo xtask kill-test` and `cargo xtask soak`: proofs with real processes. The proofs themselves live in exec-cli, behind its
//! feature `drill`; this builds that program aside and passes the words on.

use std::path::PathBuf;

use crate::{Failure, plants, shell};

/// Cycles of the kill test in CI.
pub(crate) const CYCLES: &str = "20";

/// Rounds of two nodes in CI.
pub(crate) const ROUNDS: &str = "3";

/// Builds the program with the boundaries in it and runs one of its drills with the same words. With `--plant NAME` a bug is built in, and
/// the drill is to find it.
pub(crate) fn run(drill: &str, words: &[String]) -> Result<(), Failure> {
    let mut words = words.to_vec();
    let at = words.iter().position(|word| word == "--plant");
    let plant = at.map(|at| words.drain(at..words.len().min(at + 2)).nth(1).ok_or("--plant wants a name"));
    let plant = plant.transpose().map_err(|why| Failure::Usage(why.to_owned()))?;
    let mut build = build_command();
    if plant.is_some() {
        build.args(["--features", plants::FEATURE]);
    }
    shell::run(build)?;
    let mut command = shell::command(set_aside()?);
    command.args(["drill", drill]).args(words);
    // The program refuses a name that it does not know.
    command.envs(plant.map(|name| (plants::VARIABLE, name)));
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
