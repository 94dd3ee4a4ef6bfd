//! `cargo xtask test`: all of CI, in order, one build for everything. Not the checks themselves: those are cargo's, tidy's and exec-world's.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Failure, drill, plants, redis, shell, tidy, worlds};

const TOTAL_MAX: Duration = Duration::from_secs(20 * 60);
const WORLDS: &str = "0..10000";
/// Worlds of CI are shorter than others.
const STEPS: &str = "400";

/// One step: what it is called in the table, and what runs.
struct Step {
    name: &'static str,
    what: What,
}

enum What {
    Tidy,
    Redis,
    Cargo(Command),
    Plants,
    Worlds,
    Kills,
    SharedKills,
    SplitBrain,
}

/// Runs all steps, stops at the first that fails, and prints the table of times either way.
pub(crate) fn run() -> Result<(), Failure> {
    let nextest = has_nextest();
    let mut times: Vec<(&'static str, Duration)> = Vec::new();
    let mut tests = TestLines::default();
    let started = Instant::now();
    let mut outcome = Ok(());
    for step in steps(nextest) {
        let name = step.name;
        let begun = Instant::now();
        outcome = perform(step, &mut tests);
        times.push((name, begun.elapsed()));
        if outcome.is_err() {
            break;
        }
    }
    let total = started.elapsed();
    print!("\n{}", table(&times, total));
    if let Some(warning) = too_long(total) {
        println!("{warning}");
    }
    println!("{}", tests.closing());
    outcome
}

fn steps(nextest: bool) -> Vec<Step> {
    let cargo = |args: &[&str]| {
        let mut command = shell::command(shell::cargo());
        command.args(args);
        What::Cargo(command)
    };
    let test: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--no-tests", "fail"]
    } else {
        // Only what nextest would run too: doctests are a step of their own.
        &["test", "--workspace", "--lib", "--bins", "--tests", "--examples"]
    };
    let mut docs = shell::command(shell::cargo());
    // Naming examples switches on the features of dev-dependencies, as in clippy's step; without, tokio and all that stands on it
    // would be checked again for their documentation.
    docs.args(["doc", "--no-deps", "--workspace", "--lib", "--bins", "--examples"]).env("RUSTDOCFLAGS", "-D warnings");
    let step = |name, what| Step { name, what };
    vec![
        step("fmt", cargo(&["fmt", "--all", "--check"])),
        step("tidy", What::Tidy),
        step("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
        // The same targets as the tests, so that the features are the same and nothing is compiled a second time; besides
        // the tests it leaves the program the worlds run in.
        step("build", cargo(&["build", "--workspace", "--lib", "--bins", "--tests", "--examples"])),
        step("redis", What::Redis),
        step("tests", cargo(test)),
        step("plants", What::Plants),
        step("doctests", cargo(&["test", "--workspace", "--doc"])),
        step("docs", What::Cargo(docs)),
        step("worlds", What::Worlds),
        step(
            "drill",
            cargo(&["clippy", "--package", "exec-cli", "--all-targets", "--features", "drill", "--", "-D", "warnings"]),
        ),
        step("kills", What::Kills),
        step("shared", What::SharedKills),
        step("split", What::SplitBrain),
    ]
}

fn perform(step: Step, tests: &mut TestLines) -> Result<(), Failure> {
    let mut command = match step.what {
        What::Tidy => {
            println!("\n=== {}: cargo xtask tidy", step.name);
            return tidy::run().map_err(|_| again(step.name, "cargo xtask tidy"));
        }
        What::Redis => {
            println!("\n=== {}: a redis-server for the tests", step.name);
            return redis::ensure().map_err(|why| format!("{why}; without it the tests against Redis fail").into());
        }
        What::Plants => {
            println!("\n=== {}: cargo xtask plants", step.name);
            return plants::run(&[]).map_err(|_| again(step.name, "cargo xtask plants"));
        }
        What::Cargo(command) => command,
        What::Worlds if !worlds::exists() => {
            println!("\n=== {}: skipped, there is no crate exec-world in crates/ yet", step.name);
            return Ok(());
        }
        What::Worlds => {
            let program = shell::target_dir()?.join("debug").join(format!("exec-world{}", std::env::consts::EXE_SUFFIX));
            let mut command = shell::command(program);
            command.args(["--seeds", WORLDS, "--steps", STEPS]);
            command
        }
        What::Kills => {
            shell::run(drill::build_command())?;
            let mut command = shell::command(drill::set_aside()?);
            command.args(["drill", "kill", "--cycles", drill::CYCLES]);
            command
        }
        What::SharedKills => {
            // The program of the step before.
            let mut command = shell::command(drill::set_aside()?);
            command.args(["drill", "kill", "--journal", "redis", "--cycles", drill::CYCLES, "--jobs", "2"]);
            command
        }
        What::SplitBrain => {
            let mut command = shell::command(drill::set_aside()?);
            command.args(["drill", "split-brain", "--rounds", drill::ROUNDS]);
            command
        }
    };
    let line = shell::shown(&command);
    println!("\n=== {}: {line}", step.name);
    // What failed is run again by hand through cargo: the bare name of a program in target/ is nothing one can type.
    let rerun = match step.name {
        "worlds" => format!("cargo run --package exec-world -- --seeds {WORLDS} --steps {STEPS}"),
        "kills" => format!("cargo xtask kill-test --cycles {}", drill::CYCLES),
        "shared" => format!("cargo xtask kill-test --journal redis --cycles {} --jobs 2", drill::CYCLES),
        "split" => format!("cargo xtask split-brain --rounds {}", drill::ROUNDS),
        _ => line.clone(),
    };
    // Behind our pipe cargo sees no terminal; what a person reads keeps its colours.
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    if stream(&mut command, tests).map_err(|e| format!("`{line}` could not be started: {e}"))? {
        Ok(())
    } else {
        Err(again(step.name, &rerun))
    }
}

fn again(step: &str, rerun: &str) -> Failure {
    Failure::Failed(format!("step `{step}` failed; again with: {rerun}"))
}

fn has_nextest() -> bool {
    let mut command = shell::command(shell::cargo());
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs a command, passes its lines on as they come, and keeps those that count tests.
fn stream(command: &mut Command, tests: &mut TestLines) -> std::io::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (lines, kept) = mpsc::channel();
    let out = child.stdout.take().map(|out| tee(out, lines.clone(), std::io::stdout()));
    let err = child.stderr.take().map(|err| tee(err, lines, std::io::stderr()));
    for line in kept {
        tests.read(&line);
    }
    for thread in [out, err].into_iter().flatten() {
        // A reader that panicked has lost output, not the verdict: that is the child's exit status.
        let _ = thread.join();
    }
    Ok(child.wait()?.success())
}

fn tee(
    from: impl Read + Send + 'static,
    kept: mpsc::Sender<String>,
    mut to: impl Write + Send + 'static,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // Nobody reading our output is no reason to stop the child in the middle.
            let _ = to.write_all(&line).and_then(|()| to.flush());
            let _ = kept.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    })
}

/// The lines in which test runners count: nextest's summary as it stands, cargo's own runner summed up over its binaries.
#[derive(Default)]
struct TestLines {
    nextest: Option<String>,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl TestLines {
    fn read(&mut self, line: &str) {
        let line = without_colour(line);
        let line = line.trim();
        if line.starts_with("Summary [") {
            self.nextest = Some(line.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        }
    }

    fn closing(&self) -> String {
        let libtest = (self.passed + self.failed > 0).then(|| {
            let verdict = if self.failed == 0 { "ok" } else { "FAILED" };
            format!("test result: {verdict}. {} passed; {} failed; {} ignored", self.passed, self.failed, self.ignored)
        });
        let lines: Vec<String> = libtest.into_iter().chain(self.nextest.clone()).collect();
        if lines.is_empty() { "no test ran".to_owned() } else { lines.join("\n") }
    }
}

fn count(counts: &str, of: &str) -> u64 {
    let words: Vec<&str> = counts.split([' ', ';', '.', ',']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == of).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour is ESC [ digits m.
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            plain.push(c);
        }
    }
    plain
}

fn table(times: &[(&str, Duration)], total: Duration) -> String {
    let mut text = String::from("step           time\n");
    for (name, time) in times.iter().copied().chain([("total", total)]) {
        text.push_str(&format!("{name:<10} {:>8}\n", shown(time)));
    }
    text
}

fn shown(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// What is said of a run that took too long. It is no failure: the machine may be a slow one, and the tree is sound.
fn too_long(total: Duration) -> Option<String> {
    (total > TOTAL_MAX).then(|| {
        format!(
            "xtask: warning: it took {}, and should take {} on two quiet cores: make the slowest step faster",
            shown(total),
            shown(TOTAL_MAX)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summary_is_kept_without_colour() {
        let mut lines = TestLines::default();
        lines.read("\u{1b}[32;1m     Summary\u{1b}[0m [   1.2s] 3 tests run: 3 passed, 0 skipped\n");
        assert_eq!(lines.closing(), "Summary [   1.2s] 3 tests run: 3 passed, 0 skipped");
    }

    #[test]
    fn results_of_cargo_test_are_summed_up() {
        let mut lines = TestLines::default();
        lines.read("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        lines.read("test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        assert_eq!(lines.closing(), "test result: FAILED. 5 passed; 1 failed; 4 ignored");
    }

    #[test]
    fn a_run_without_tests_says_so() {
        assert_eq!(TestLines::default().closing(), "no test ran");
    }

    #[test]
    fn the_table_names_each_step_and_the_total() {
        let text = table(&[("fmt", Duration::from_millis(1250)), ("tests", Duration::from_secs(125))], Duration::from_secs(127));
        assert_eq!(text, "step           time\nfmt          0:01.2\ntests        2:05.0\ntotal        2:07.0\n");
    }

    #[test]
    fn over_twenty_minutes_is_said() {
        assert_eq!(too_long(TOTAL_MAX), None);
        assert!(too_long(TOTAL_MAX + Duration::from_secs(1)).unwrap().contains("should take 20:00.0"));
    }

    #[test]
    fn output_is_streamed_and_the_verdict_is_the_exit_status() {
        let mut lines = TestLines::default();
        let mut good = Command::new("sh");
        good.args(["-c", "echo 'test result: ok. 7 passed; 0 failed; 0 ignored;' >&2"]);
        assert!(stream(&mut good, &mut lines).unwrap());
        assert_eq!(lines.passed, 7);
        let mut bad = Command::new("sh");
        bad.args(["-c", "exit 3"]);
        assert!(!stream(&mut bad, &mut lines).unwrap());
    }
}
