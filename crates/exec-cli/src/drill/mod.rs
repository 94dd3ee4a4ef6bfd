//! `drill`: proofs with real processes, run by `cargo xtask kill-test` and `cargo xtask soak`. Only in builds with the feature `drill`.

mod audit;
mod boundary;
mod count;
mod cycle;
mod jobs;
pub(crate) mod killer;
mod memory;
mod shared;
mod soak;
mod split;
mod stage;
mod stall;
mod strategy;

use crate::{failure::Failure, screen};
use boundary::{Aim, Boundary};
use clap::{Args as Group, Subcommand, ValueEnum};
use count::Count;
use cycle::Cycle;
use node_config::NodeFactory;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

/// A machine that holds the drill itself up for longer in one cycle is no measure of what a node does in time.
const HELD_UP_MAX: Duration = Duration::from_secs(2);
/// How often one cycle is played again for that.
const AGAIN_MAX: u64 = 3;

/// The words of `drill`.
#[derive(Debug, Group)]
pub(crate) struct Drill {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Kill a node at every boundary between two effects, and compare.
    Kill(Kill),
    /// Let everything around a node fail for a long time, and compare every minute.
    Soak(Soak),
    /// Part a node from its lease while another takes the account over, and see that nothing of it counts any more.
    SplitBrain(split::SplitBrain),
    /// Kill a node and delete its disk, and measure until another trades its account.
    FailOver(split::FailOver),
}

#[derive(Debug, Group)]
struct Soak {
    /// How long.
    #[arg(long, value_name = "M", default_value_t = 30)]
    minutes: u64,
    /// Fixes the exchange's flow, the strategy's choices and the faults.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Forget this fill when the books are replayed, to see that the comparison finds it.
    #[arg(long, value_name = "N")]
    forget_fill: Option<usize>,
}

#[derive(Debug, Group)]
struct Kill {
    /// How many cycles.
    #[arg(long, value_name = "N", default_value_t = 100)]
    cycles: u64,
    /// The first cycle's number, which fixes what it does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// How many cycles run side by side; they mostly wait.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Which journal the nodes keep: `redis` is one that is shared, whose server is killed too, and half of the restarts have lost
    /// the local log.
    #[arg(long, value_enum, default_value_t = Journal::File)]
    journal: Journal,
    /// Only this boundary.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Keep the folder of every cycle here.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Forget this fill when the books are replayed, to see that the comparison finds it.
    #[arg(long, value_name = "N")]
    forget_fill: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Journal {
    File,
    Redis,
}

/// Adds the drills' strategy to a factory.
pub(crate) fn register(factory: NodeFactory) -> NodeFactory {
    factory.strategy("drill", |entry| Ok(Box::new(strategy::DrillStrategy::new(entry)?)))
}

pub(crate) async fn run(drill: &Drill) -> Result<(), Failure> {
    match &drill.verb {
        Verb::Kill(args) => kill(args).await,
        Verb::Soak(args) => soaked(args).await,
        Verb::SplitBrain(args) => split::split_brain(args),
        Verb::FailOver(args) => split::fail_over(args),
    }
}

async fn soaked(args: &Soak) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("exec-node-soak-").tempdir();
    let folder = folder.map_err(|error| Failure::Refused(format!("no folder for the journals: {error}")))?;
    let outcome = soak::run(args.minutes, args.seed, folder.path(), args.forget_fill).await;
    if outcome.is_err() {
        screen::say(format!("journals and log are in {}", folder.keep().display()));
    }
    outcome
}

async fn kill(args: &Kill) -> Result<(), Failure> {
    let only = match &args.only {
        Some(name) => Some(boundary::all().find(|b| b.name == name).ok_or_else(|| {
            let all: Vec<&str> = boundary::all().map(|b| b.name).collect();
            Failure::Usage(format!("there is no boundary `{name}`; there are {}", all.join(", ")))
        })?),
        None => None,
    };
    let mut count = Count::begin(args.from, args.cycles, args.jobs);
    let mut violated = false;
    jobs::run(
        args.jobs,
        args.from..args.from + args.cycles,
        |number| play(args, number, only),
        |number, played| match played {
            Ok((cycle, again)) => {
                count.add(number, cycle, again);
                ControlFlow::Continue(())
            }
            Err(told) => {
                told.iter().for_each(screen::say);
                violated = true;
                ControlFlow::Break(())
            }
        },
    );
    let short = count.tell(violated);
    for reason in &short {
        screen::say(format!("TOO LITTLE: {reason}"));
    }
    if short.is_empty() && !violated { Ok(()) } else { Err(Failure::Told) }
}

/// Plays one cycle on the thread it is called on, and again where only the machine was too slow; says how often. An error is a
/// violation, in the lines that tell it.
fn play(args: &Kill, number: u64, only: Option<&'static Boundary>) -> Result<(Cycle, u64), Vec<String>> {
    let mut aim = Aim::of(number);
    if let Some(boundary) = only {
        aim = Aim { boundary, passing: 1 + boundary::mix(number) % boundary.passings };
    }
    let how = (args.forget_fill, args.journal == Journal::Redis);
    for again in 0.. {
        let refused = |text: String| vec![format!("cycle {number}: {text}")];
        let folder = folder(args, number).map_err(|failure| refused(failure.text().unwrap_or_default()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refused(format!("the machine gives no runtime: {error}")))?;
        let (played, held_up) = runtime.block_on(stall::measured(cycle::play(number, aim, folder.path(), how)));
        runtime.shutdown_background();
        let (wrong, late) = match &played {
            Ok(cycle) => (cycle.wrong.iter().chain(&cycle.short).cloned().collect(), cycle.wrong.is_empty()),
            Err(failure) => (vec![failure.text().unwrap_or_default()], matches!(failure, Failure::NoAnswer(_))),
        };
        match played {
            Ok(cycle) if wrong.is_empty() => {
                if args.keep.is_some() {
                    let _ = folder.keep();
                }
                return Ok((cycle, again));
            }
            // Something did not come in time, and this program did not get its own time either.
            _ if late && held_up > HELD_UP_MAX && again < AGAIN_MAX => (),
            _ => return Err(violation(args, (number, aim), &wrong, held_up, &folder.keep())),
        }
    }
    Err(Vec::new())
}

fn violation(args: &Kill, (number, aim): (u64, Aim), wrong: &[String], held_up: Duration, kept: &Path) -> Vec<String> {
    let (name, passing) = (aim.boundary.name, aim.passing);
    let mut told = vec![format!("VIOLATION in cycle {number} (seed {number}): killed at {name}, passing {passing}")];
    told.extend(wrong.iter().take(12).map(|text| format!("  {text}")));
    if wrong.len() > 12 {
        told.push(format!("  and {} more", wrong.len() - 12));
    }
    told.push(format!("  the machine held this program up for {} s", screen::seconds(held_up.as_millis())));
    told.push(format!("  journals and log are in {}", kept.display()));
    let journal = if args.journal == Journal::Redis { " --journal redis" } else { "" };
    told.push(format!("  again: cargo xtask kill-test --cycles 1 --from {number}{journal}"));
    told
}

fn folder(args: &Kill, number: u64) -> Result<tempfile::TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    let prefix = format!("exec-node-kill-{number}-");
    let made = match &args.keep {
        Some(path) => std::fs::create_dir_all(path).and_then(|()| builder.prefix(&prefix).tempdir_in(path)),
        None => builder.prefix(&prefix).tempdir(),
    };
    made.map_err(|error| Failure::Refused(format!("no folder for the journals: {error}")))
}
