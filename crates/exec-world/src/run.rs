//! Many worlds, some at a time, and what is said about them. A panic in a world is a violation with a seed.

use crate::{
    Asked,
    plan::{Plan, Profile},
    tally::Tally,
    trace::Wanted,
    world::{Ended, World},
};
use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Violations after which no further world is begun.
const ENOUGH: usize = 5;
/// Lines of a violated world's trace that are printed.
const LAST_LINES: usize = 40;

/// What all workers found: counts, and violations by seed, step and text.
type Found = Mutex<(Tally, Vec<(u64, u64, String)>)>;

/// Lives one world through.
pub(crate) fn live(seed: u64, steps: u64, profile: Profile, wanted: Wanted) -> Ended {
    let plan = Plan::new(seed, steps, profile);
    let lived = catch_unwind(AssertUnwindSafe(|| match World::new(plan, wanted) {
        Ok(world) => world.run(),
        Err(why) => ended_at_once(why),
    }));
    lived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        ended_at_once(format!("panic: {}", text.unwrap_or_else(|| "of an unknown kind".to_owned())))
    })
}

fn ended_at_once(why: String) -> Ended {
    Ended { tally: Tally { worlds: 1, ..Tally::default() }, hash: 0, lines: Vec::new(), violation: Some((0, why)) }
}

/// Lives all worlds through and says whether every one held.
pub(crate) fn run(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    if asked.trace {
        return traced(asked, out);
    }
    let begun = Instant::now();
    let next = AtomicU64::new(asked.seeds.0);
    let sum = Found::default();
    std::thread::scope(|scope| {
        for _ in 0..asked.threads {
            scope.spawn(|| worker(asked, &next, &sum));
        }
    });
    let (tally, mut violations) = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    violations.sort();
    table(&tally, violations.len(), begun, out)?;
    for (seed, step, text) in &violations {
        report(asked, *seed, *step, text, out)?;
    }
    Ok(violations.is_empty())
}

fn worker(asked: &Asked, next: &AtomicU64, sum: &Found) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= asked.seeds.1 {
            return;
        }
        let wanted = if asked.twice { Wanted::Hash } else { Wanted::Nothing };
        let mut ended = live(seed, asked.steps, asked.profile, wanted);
        if asked.twice && ended.violation.is_none() {
            let again = live(seed, asked.steps, asked.profile, wanted);
            if again.hash != ended.hash {
                ended.violation = Some((ended.tally.steps, "the same seed gave another world".to_owned()));
            }
        }
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.0.merge(&ended.tally);
        if let Some((step, text)) = ended.violation {
            sum.1.push((seed, step, text));
        }
        if sum.1.len() >= ENOUGH {
            return;
        }
    }
}

fn traced(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    let mut held = true;
    for seed in asked.seeds.0..asked.seeds.1 {
        let plan = Plan::new(seed, asked.steps, asked.profile);
        writeln!(out, "world {seed}: {plan:?}")?;
        let ended = live(seed, asked.steps, asked.profile, Wanted::Lines);
        for line in &ended.lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "world {seed}: hash {:016x}", ended.hash)?;
        if let Some((step, text)) = ended.violation {
            held = false;
            writeln!(out, "world {seed}: violated at step {step}: {text}")?;
        }
    }
    Ok(held)
}

fn table(tally: &Tally, violations: usize, begun: Instant, out: &mut impl Write) -> io::Result<()> {
    let elapsed = begun.elapsed();
    writeln!(out, "{:<34}{:>12}", "worlds", tally.worlds)?;
    writeln!(out, "{:<34}{:>12}", "steps", tally.steps)?;
    writeln!(out, "{:<34}{:>12}", "simulated seconds", tally.virtual_ms / 1_000)?;
    for (what, n) in &tally.counts {
        writeln!(out, "{what:<34}{n:>12}")?;
    }
    writeln!(out, "{:<34}{:>12}", "longest way back, ms", tally.heal_ms_max)?;
    let per_second = u128::from(tally.worlds) * 1_000 / elapsed.as_millis().max(1);
    writeln!(out, "{:<34}{:>12}", "wall time, ms", elapsed.as_millis())?;
    writeln!(out, "{:<34}{:>12}", "worlds a second", per_second)?;
    writeln!(out, "{:<34}{:>12}", "VIOLATIONS", violations)
}

fn report(asked: &Asked, seed: u64, step: u64, text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nseed {seed}, step {step}: {text}")?;
    let ended = live(seed, asked.steps, asked.profile, Wanted::Hash);
    let skip = ended.lines.len().saturating_sub(LAST_LINES);
    for line in ended.lines.iter().skip(skip) {
        writeln!(out, "  {line}")?;
    }
    writeln!(
        out,
        "again: exec-world --seeds {seed}..{} --steps {} --profile {} --trace",
        seed.saturating_add(1),
        asked.steps,
        asked.profile.name()
    )
}
