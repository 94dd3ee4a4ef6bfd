//! One test program, one plant, one verdict. A plant is found where every test of its name fails with it and passes without.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::VARIABLE;
use super::list::Plant;

/// After this a test hangs; with a plant on, that is a failure like another.
const PATIENCE: Duration = Duration::from_secs(60);
/// How a test program ends in which a test has failed. Any other end is not a verdict.
const FAILED: i32 = 101;

/// A test program that was built.
pub(crate) struct Program {
    path: PathBuf,
    folder: PathBuf,
}

/// What became of one plant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Its tests pass without it and fail with it.
    Found,
    /// A test of its name passes although it is on.
    Escaped,
    /// A test of its name fails although it is off.
    FailsAnyway,
    /// No test has its name.
    Untested,
}

impl Verdict {
    pub(crate) const fn off(self) -> &'static str {
        match self {
            Self::Found | Self::Escaped => "passes",
            Self::FailsAnyway => "FAILS",
            Self::Untested => "no test",
        }
    }
    pub(crate) const fn on(self) -> &'static str {
        match self {
            Self::Found => "fails, as it must",
            Self::Escaped => "PASSES: the plant escapes",
            Self::FailsAnyway | Self::Untested => "-",
        }
    }
}

/// Reads which programs cargo has built from its messages.
pub(crate) fn programs(messages: &str) -> Vec<Program> {
    let program = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message["executable"].as_str()?);
        let folder = PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_path_buf();
        Some(Program { path, folder })
    };
    messages.lines().filter_map(program).collect()
}

/// Runs the tests of a plant's name without it and with it.
pub(crate) fn judge(plant: &Plant, programs: &[Program]) -> Result<Verdict, String> {
    let mut tests = 0;
    let mut verdict = Verdict::Found;
    for program in programs {
        for test in program.tests(&plant.name)? {
            tests += 1;
            if !program.passes(&test, None)? {
                return Ok(Verdict::FailsAnyway);
            }
            if program.passes(&test, Some(&plant.name))? {
                verdict = Verdict::Escaped;
            }
        }
    }
    Ok(if tests == 0 { Verdict::Untested } else { verdict })
}

impl Program {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).args(args).env_remove(VARIABLE).env("RUST_BACKTRACE", "0");
        command
    }

    /// The tests whose function has this name, in whatever module.
    fn tests(&self, name: &str) -> Result<Vec<String>, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", self.path.display());
        let listed = self.command(&["--list", "--format", "terse", name]).output().map_err(failed)?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(tests.filter(|test| test.rsplit("::").next() == Some(name)).map(str::to_owned).collect())
    }

    fn passes(&self, test: &str, plant: Option<&str>) -> Result<bool, String> {
        let failed = |e: std::io::Error| format!("{}: {e}", self.path.display());
        let mut command = self.command(&["--exact", test]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(plant) = plant {
            command.env(VARIABLE, plant);
        }
        let mut child = command.spawn().map_err(failed)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return match status.code() {
                    Some(0) => Ok(true),
                    Some(FAILED) => Ok(false),
                    _ => Err(format!("{test}: its program ended with {status}")),
                };
            }
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().and_then(|()| child.wait()).map_err(failed)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_what_cargo_says() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null,\"manifest_path\":\"/a/Cargo.toml\"}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/it-1\",\"manifest_path\":\"/a/Cargo.toml\"}\n\
                        no json\n";
        let found = programs(messages);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.to_str(), found[0].folder.to_str()), (Some("/t/it-1"), Some("/a")));
    }

    /// A shell that stands for a test program with one test.
    fn program(folder: &std::path::Path, body: &str) -> Program {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join(format!("p{}", body.len()));
        std::fs::write(&path, format!("#!/bin/sh\nif [ \"$1\" = --list ]; then echo 'm::defect_a: test'; exit 0; fi\n{body}\n"))
            .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Program { path, folder: folder.to_owned() }
    }

    #[test]
    fn a_plant_is_found_where_its_test_fails_only_with_it() {
        let folder = std::env::temp_dir().join(format!("xtask-plants-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let plant = |name: &str| Plant { name: name.to_owned(), says: String::new() };
        let judged = |name: &str, body: &str| judge(&plant(name), &[program(&folder, body)]);
        let found = "if [ -n \"$EXEC_PLANT\" ]; then exit 101; fi";
        assert_eq!(judged("defect_a", found), Ok(Verdict::Found));
        assert_eq!(judged("defect_a", "exit 0"), Ok(Verdict::Escaped));
        assert_eq!(judged("defect_a", "exit 101"), Ok(Verdict::FailsAnyway));
        assert_eq!(judged("defect_b", "exit 0 # b"), Ok(Verdict::Untested));
        assert!(judged("defect_a", "if [ -n \"$EXEC_PLANT\" ]; then exit 2; fi").is_err(), "that says nothing of the test");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
