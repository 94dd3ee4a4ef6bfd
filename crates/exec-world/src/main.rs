//! Worlds: engine, journal, strategies, exchange, network, faults and crashes on one thread under one seed, and what must be true of
//! each. `exec-world --seeds 0..1000`. It proves nothing about sockets, files and processes of a real machine.

mod agenda;
mod brackets;
mod conditional;
mod end;
mod network;
mod node;
mod oracle;
mod outside;
mod plan;
mod planting;
mod promises;
mod rng;
mod run;
mod shell;
mod strategies;
mod streams;
mod tally;
mod trace;
mod words;
mod world;

use std::process::ExitCode;

const USAGE: &str =
    "usage: exec-world --seeds A..B [--steps N] [--profile mixed|calm|storm|crash|hedge|conditional|bracket|blind|ghost] [--trace] [--twice] [--threads N] [--plant NAME]
  --seeds A..B   one world for each seed from A to B, B not included
  --steps N      events of each world before the faults stop (default 400)
  --profile P    which kind of worlds (default mixed)
  --trace        print what happens, line by line (one world after the other)
  --twice        live each world twice, and compare
  --threads N    worlds at a time (default: one for each core)
  --plant NAME   with this bug built in: exit 1 is a bug found, exit 0 one that escaped (needs the feature `plants`)
  --list-plants  all of them";

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    pub(crate) seeds: (u64, u64),
    pub(crate) steps: u64,
    pub(crate) profile: plan::Profile,
    pub(crate) trace: bool,
    pub(crate) twice: bool,
    pub(crate) threads: usize,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    if words.iter().any(|word| word == "--list-plants") {
        return planting::list(&mut out).map_or(ExitCode::from(1), |()| ExitCode::SUCCESS);
    }
    match asked(&words) {
        Ok(asked) => match run::run(&asked, &mut out) {
            Ok(true) => ExitCode::SUCCESS,
            // Nobody reads any more: what was found so far decides nothing.
            Ok(false) | Err(_) => ExitCode::from(1),
        },
        Err(why) => {
            use std::io::Write;
            let _nobody_listens = writeln!(std::io::stderr(), "{why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Reads the words of the command line.
fn asked(words: &[String]) -> Result<Asked, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut asked =
        Asked { seeds: (0, 0), steps: 400, profile: plan::Profile::Mixed, trace: false, twice: false, threads: cores };
    let mut words = words.iter().flat_map(|word| match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => vec![name, value],
        _ => vec![word.as_str()],
    });
    let mut seeds = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word {
            "--seeds" => seeds = Some(range(value()?)?),
            "--steps" => asked.steps = number(value()?)?,
            "--profile" => {
                let name = value()?;
                asked.profile = plan::Profile::named(name).ok_or(format!("`{name}` is not a profile"))?;
            }
            "--threads" => asked.threads = usize::try_from(number(value()?)?.max(1)).unwrap_or(1),
            "--plant" => planting::plant(value()?)?,
            "--trace" => asked.trace = true,
            "--twice" => asked.twice = true,
            other => return Err(format!("`{other}` is not known")),
        }
    }
    asked.seeds = seeds.ok_or("--seeds is missing")?;
    Ok(asked)
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is not a number"))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once("..").ok_or(format!("`{text}` is not a range like 0..1000"))?;
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err(format!("{text} is empty: the end is not part of the range")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, String> {
        asked(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_read_or_refused() {
        let asked = read("--seeds 3..9 --steps=10 --profile crash --twice").unwrap();
        assert_eq!((asked.seeds, asked.steps, asked.profile, asked.twice), ((3, 9), 10, plan::Profile::Crash, true));
        for bad in ["", "--seeds 9..3", "--seeds nine", "--seeds 0..1 --profile wild", "--seeds 0..1 --loud", "--seeds"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_world_is_the_same_each_time_and_holds() {
        use plan::Profile::{Bracket, Conditional, Mixed};
        for (seed, profile) in [(0, Mixed), (1, Mixed), (2, Mixed), (3, Conditional), (4, Conditional), (6, Bracket)] {
            let first = run::live(seed, 200, profile, trace::Wanted::Hash);
            let second = run::live(seed, 200, profile, trace::Wanted::Hash);
            assert_eq!(first.hash, second.hash, "seed {seed}");
            assert_eq!(first.violation, None, "seed {seed}");
        }
    }
}
