//! Running other programs from the root of the workspace. Not a shell: no quoting, no pipes, no globbing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Returns the root of the workspace: the folder above the one that holds this crate's manifest.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Returns the cargo that started us, so that a toolchain chosen on the command line holds for all steps.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Prepares a program to run at the root, with the environment `cargo run` added for us taken away again:
/// build scripts that watch `CARGO_*` would otherwise run once for us and once for the next plain `cargo build`.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME" {
            command.env_remove(&key);
        }
    }
    command
}

/// Writes a command line as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = String::new();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            line.push_str(&format!("{}={} ", key.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    let program = Path::new(command.get_program());
    line.push_str(&program.file_name().unwrap_or(program.as_os_str()).to_string_lossy());
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&quoted(&arg.to_string_lossy()));
    }
    line
}

fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

/// Runs a command to its end with our own input and output.
///
/// # Errors
/// Says the command line when it cannot be started or ends badly.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    let line = shown(&command);
    let status = command.status().map_err(|e| format!("`{line}` could not be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Runs a command and returns what it printed on standard output; its standard error is ours.
///
/// # Errors
/// As [`run`].
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    let line = shown(&command);
    let out = command.stderr(Stdio::inherit()).output().map_err(|e| format!("`{line}` could not be started: {e}"))?;
    if !out.status.success() {
        return Err(format!("`{line}` failed ({})", out.status));
    }
    String::from_utf8(out.stdout).map_err(|_| format!("`{line}` printed bytes that are not UTF-8"))
}

/// Asks cargo about the workspace; `args` go behind `cargo metadata --format-version 1`.
///
/// # Errors
/// When cargo fails, or answers what is not JSON.
pub(crate) fn metadata(args: &[&str]) -> Result<Value, String> {
    let mut command = command(cargo());
    command.args(["metadata", "--format-version", "1"]).args(args);
    serde_json::from_str(&output(command)?).map_err(|e| format!("cargo metadata: {e}"))
}

/// Returns where cargo puts what it builds.
///
/// # Errors
/// As [`metadata`].
pub(crate) fn target_dir() -> Result<PathBuf, String> {
    let metadata = metadata(&["--no-deps"])?;
    let dir = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(PathBuf::from(dir))
}
