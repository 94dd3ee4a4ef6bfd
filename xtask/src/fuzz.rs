//! `cargo xtask fuzz`: bytes without end against the entry points of exec-fuzz, for some time each. What must hold is said there; the
//! same entry points run bounded among the tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Failure, shell};

/// How long each target runs where nobody says otherwise.
const SECONDS: u32 = 60;
/// More memory than any input may take.
const MEMORY_MIB: u32 = 2048;
/// One input may take so long before it counts as a hang.
const INPUT_SECONDS: u32 = 10;
/// Longest input: longer than any seed, and short enough to be mutated often.
const INPUT_BYTES: u32 = 16 * 1024;

/// What the command line asks for.
struct Asked {
    target: Option<String>,
    seconds: u32,
}

/// Builds the fuzzers and runs one or all of them, one after another.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let asked = asked(words).map_err(Failure::Usage)?;
    let targets = targets()?;
    let chosen: Vec<&String> = targets.iter().filter(|name| asked.target.as_ref().is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        return Err(Failure::Usage(format!("there is no such target; there are: {}", targets.join(", "))));
    }
    installed()?;
    let folder = shell::target_dir()?.join("fuzz");
    println!("{:<16} {:>12} {:>9} {:>9}  crashes", "target", "executions", "edges", "features");
    let mut crashed = Vec::new();
    for name in chosen {
        let told = fuzz(name, asked.seconds, &folder)?;
        let said = told.crash.as_deref().unwrap_or("none");
        println!("{name:<16} {:>12} {:>9} {:>9}  {said}", told.executions, told.edges, told.features);
        if told.crash.is_some() {
            crashed.push(name.as_str());
        }
    }
    if crashed.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "crashes in {}; an input is run again with: cargo +nightly fuzz run --sanitizer none TARGET FILE. Once mended, it belongs \
         into crates/exec-fuzz/seeds/TARGET",
        crashed.join(", ")
    )))
}

fn asked(words: &[String]) -> Result<Asked, String> {
    let mut asked = Asked { target: None, seconds: SECONDS };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` wants a value; fuzz takes --target NAME and --seconds N"))?;
        match word.as_str() {
            "--target" => asked.target = Some(value.clone()),
            "--seconds" => {
                asked.seconds = value.parse().map_err(|_| format!("--seconds {value}: expected a number above 0"))?;
                if asked.seconds == 0 {
                    return Err("--seconds 0 would run for ever".into());
                }
            }
            other => return Err(format!("`{other}`: fuzz takes --target NAME and --seconds N")),
        }
    }
    Ok(asked)
}

/// The fuzzers in the tree.
fn targets() -> Result<Vec<String>, String> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Says what to install where something is missing.
fn installed() -> Result<(), String> {
    let works =
        |mut command: Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let mut compiler = nightly("rustc");
    compiler.arg("--version");
    if !works(compiler) {
        return Err("fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal".into());
    }
    let mut fuzzer = nightly("cargo");
    fuzzer.args(["fuzz", "--version"]);
    if !works(fuzzer) {
        return Err("fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked".into());
    }
    Ok(())
}

/// A tool of the nightly, whichever toolchain runs us.
fn nightly(tool: &str) -> Command {
    let mut command = shell::command("rustup");
    command.args(["run", "nightly", tool]).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    command
}

/// What a run came to.
#[derive(Debug, Default, PartialEq)]
struct Told {
    executions: u64,
    edges: u64,
    features: u64,
    crash: Option<String>,
}

fn fuzz(name: &str, seconds: u32, folder: &std::path::Path) -> Result<Told, String> {
    let made = |path: PathBuf| {
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok::<_, String>(path)
    };
    let (corpus, crashes) = (made(folder.join("corpus").join(name))?, made(folder.join("crashes").join(name))?);
    let mut command = nightly("cargo");
    // Nothing here is unsafe, so a sanitizer would only cost; what counts is panics, overflows, time and memory.
    command.args(["fuzz", "run", "--sanitizer", "none", "--target-dir"]).arg(folder.join("build")).arg(name).arg(corpus);
    command.arg(shell::root().join("crates/exec-fuzz/seeds").join(name)).arg("--");
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_MIB}"),
        format!("-timeout={INPUT_SECONDS}"),
        format!("-max_len={INPUT_BYTES}"),
        format!("-artifact_prefix={}/", crashes.display()),
        "-print_final_stats=1".to_owned(),
    ]);
    let line = shell::shown(&command);
    let out = command.stdout(Stdio::null()).output().map_err(|error| format!("`{line}` could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&out.stderr);
    let told = read(&said);
    if told.executions == 0 || (!out.status.success() && told.crash.is_none()) {
        let last: Vec<&str> = said.lines().rev().take(20).collect();
        return Err(format!("`{line}` failed:\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n")));
    }
    Ok(told)
}

/// Reads what the fuzzer says of itself.
fn read(said: &str) -> Told {
    let mut told = Told::default();
    let number = |line: &str, word: &str| -> Option<u64> { line.split_once(word)?.1.split_whitespace().next()?.parse().ok() };
    for line in said.lines() {
        told.executions = number(line, "stat::number_of_executed_units:").unwrap_or(told.executions);
        told.edges = number(line, " cov: ").unwrap_or(told.edges);
        told.features = number(line, " ft: ").unwrap_or(told.features);
        if let Some((_, file)) = line.split_once("Test unit written to ") {
            told.crash = Some(file.trim().to_owned());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn the_fuzzers_own_words_are_read() {
        let said = "#2\tINITED cov: 1184 ft: 1300 corp: 1/1b\n#9000\tDONE   cov: 2001 ft: 4002 corp: 70/2Kb\nstat::number_of_executed_units: 9000\n";
        assert_eq!(read(said), Told { executions: 9000, edges: 2001, features: 4002, crash: None });
        let said = format!("{said}artifact_prefix='x/'; Test unit written to x/crash-1\n");
        assert_eq!(read(&said).crash.as_deref(), Some("x/crash-1"));
    }

    #[test]
    fn a_wrong_word_is_told() {
        assert!(asked(&words("--target user_frame --seconds 5")).is_ok_and(|asked| asked.seconds == 5));
        for wrong in ["--seconds 0", "--seconds x", "--targets a", "--target"] {
            assert!(asked(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_fuzzer_is_known_by_its_file() {
        assert!(targets().is_ok_and(|names| names.contains(&"user_frame".to_owned())));
    }
}
