//! Two nodes, one account: rounds in which a node is parted from its lease while another takes over, and fail-overs. Both with real
//! processes, a real Redis server, and an exchange that writes down who asked for what.

mod blow;
mod count;
mod failover;
mod judge;
mod pair;
mod round;
mod scale;
mod way;

use super::{AGAIN_MAX, HELD_UP_MAX, jobs, stall};
use crate::{failure::Failure, screen};
use blow::Blow;
use clap::Args as Group;
use count::Count;
use scale::Scale;
use std::{future::Future, ops::ControlFlow, path::Path};

#[derive(Debug, Group)]
pub(super) struct SplitBrain {
    /// How many rounds.
    #[arg(long, value_name = "N", default_value_t = 100)]
    rounds: u64,
    /// The first round's number, which fixes what it does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// How many rounds run side by side; they mostly wait.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
}

#[derive(Debug, Group)]
pub(super) struct FailOver {
    /// How many fail-overs.
    #[arg(long, value_name = "N", default_value_t = 10)]
    rounds: u64,
    /// The first one's number; in even ones the second node stands by from the start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// With the real figures, not a tenth of them.
    #[arg(long)]
    full: bool,
}

pub(super) fn split_brain(args: &SplitBrain) -> Result<(), Failure> {
    let (mut count, mut violated) = (Count::begin(), false);
    jobs::run(
        args.jobs,
        args.from..args.from + args.rounds,
        |number| {
            let wrong = |round: &round::Round| round.wrong.clone();
            played(number, "split-brain", |folder| async move { round::play(number, &folder).await }, wrong)
        },
        |number, played| match played {
            Ok((round, again)) => {
                count.add(Blow::of(number), &round, again);
                ControlFlow::Continue(())
            }
            Err(told) => {
                screen::say(format!("VIOLATION in round {number}: {}", Blow::of(number).word()));
                told.iter().for_each(screen::say);
                violated = true;
                ControlFlow::Break(())
            }
        },
    );
    let short = count.tell(violated);
    if let Some(reason) = &short {
        screen::say(format!("TOO LITTLE: {reason}"));
    }
    if short.is_none() && !violated { Ok(()) } else { Err(Failure::Told) }
}

pub(super) fn fail_over(args: &FailOver) -> Result<(), Failure> {
    let scale = if args.full { Scale::FULL } else { Scale::TENTH };
    let (mut all, mut violated) = (Vec::new(), false);
    jobs::run(
        1,
        args.from..args.from + args.rounds,
        |number| {
            let wrong = |took: &failover::Took| took.wrong.clone();
            played(number, "fail-over", |folder| async move { failover::play(number, &folder, scale).await }, wrong)
        },
        |number, played| match played {
            Ok((took, _)) => {
                all.push(took);
                ControlFlow::Continue(())
            }
            Err(told) => {
                screen::say(format!("VIOLATION in fail-over {number}"));
                told.iter().for_each(screen::say);
                violated = true;
                ControlFlow::Break(())
            }
        },
    );
    if violated {
        return Err(Failure::Told);
    }
    failover::tell(&all);
    Ok(())
}

/// Plays one on the thread it is called on, and again where only the machine was too slow; says how often. An error is a violation,
/// in the lines that tell it.
fn played<T, F: Future<Output = Result<T, Failure>>>(
    number: u64,
    word: &str,
    play: impl Fn(std::path::PathBuf) -> F,
    wrong: impl Fn(&T) -> Vec<String>,
) -> Result<(T, u64), Vec<String>> {
    for again in 0.. {
        let folder = tempfile::Builder::new().prefix(&format!("exec-node-{word}-{number}-")).tempdir();
        let folder = folder.map_err(|error| vec![format!("  no folder for the journals: {error}")])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| vec![format!("  the machine gives no runtime: {error}")])?;
        let (outcome, held_up) = runtime.block_on(stall::measured(play(folder.path().to_owned())));
        runtime.shutdown_background();
        let told = match outcome {
            Ok(one) => match wrong(&one) {
                none if none.is_empty() => return Ok((one, again)),
                wrong => wrong,
            },
            // Something did not come in time, and this program did not get its own time either.
            Err(Failure::NoAnswer(_)) if held_up > HELD_UP_MAX && again < AGAIN_MAX => continue,
            Err(failure) => vec![failure.text().unwrap_or_default()],
        };
        return Err(lines(number, word, told, &folder.keep()));
    }
    Err(Vec::new())
}

fn lines(number: u64, word: &str, wrong: Vec<String>, kept: &Path) -> Vec<String> {
    let mut told: Vec<String> = wrong.iter().take(12).map(|text| format!("  {text}")).collect();
    told.push(format!("  journals and logs are in {}", kept.display()));
    told.push(format!("  again: cargo xtask {word} --rounds 1 --from {number}"));
    told
}
