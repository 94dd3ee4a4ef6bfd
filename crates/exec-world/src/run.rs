//! Many worlds, some at a time, and what is said about them: known failures first, then the table, then the first violation, shrunk.

use crate::{
    case::Case, cli::Asked, coverage, layer::live, plan::Profile, regressions, shrink, size::Sizes, tally::Tally, trace::Wanted,
};
use std::{
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

/// Lines of a violated world's trace that are printed.
const LAST_LINES: usize = 60;

/// A world that was violated: at which step, and what.
type Violation = (Case, u64, String);

/// What workers found.
#[derive(Debug, Default)]
struct Found {
    tally: Tally,
    sizes: Sizes,
    hash: u64,
    violations: Vec<Violation>,
}

impl Found {
    fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        self.sizes.merge(other.sizes);
        self.hash = self.hash.wrapping_add(other.hash);
        self.violations.extend(other.violations);
    }
}

/// Lives all worlds through and says whether every one held.
pub(crate) fn run(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    if asked.trace {
        return traced(asked, out);
    }
    if asked.plant.is_none() && !known_failures_hold(asked, out)? {
        return Ok(false);
    }
    let begun = Instant::now();
    let mut found = all(asked);
    found.violations.sort_by_key(|(case, _, _)| case.seed);
    table(asked, &found, begun, out)?;
    if asked.hash {
        writeln!(out, "hash {:016x}", found.hash)?;
    }
    for violation in &found.violations {
        report(asked, violation, out)?;
    }
    let missing = if found.violations.is_empty() && is_to_cover(asked) {
        coverage::missing(asked.first.layer, &found.tally)
    } else {
        Vec::new()
    };
    for what in &missing {
        writeln!(out, "NOT COVERED: {what}")?;
    }
    Ok(found.violations.is_empty() && missing.is_empty())
}

/// Whether a run is long enough, and whole enough, for nothing to be missing.
fn is_to_cover(asked: &Asked) -> bool {
    let first = &asked.first;
    first.profile == Profile::Mixed
        && first.without.is_empty()
        && first.steps >= first.layer.steps().min(coverage::FROM_STEPS)
        && asked.end - first.seed >= coverage::FROM_WORLDS
}

fn known_failures_hold(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    let known = match regressions::of(asked.first.layer) {
        Ok(known) => known,
        Err(why) => {
            writeln!(out, "{why}")?;
            return Ok(false);
        }
    };
    for known in known {
        if let Some((step, text)) = live(&known.case, Wanted::Nothing).violation {
            writeln!(out, "again, what was found before: {}", known.found)?;
            report(asked, &(known.case, step, text), out)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// All worlds that were asked for, until something is found.
fn all(asked: &Asked) -> Found {
    let next = AtomicU64::new(asked.first.seed);
    let (enough, violated) = (AtomicBool::new(false), AtomicU64::new(0));
    let sum = Mutex::new(Found::default());
    std::thread::scope(|scope| {
        for _ in 0..asked.threads {
            scope.spawn(|| {
                let found = worker(asked, &next, &violated, &enough);
                sum.lock().unwrap_or_else(PoisonError::into_inner).merge(found);
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

// Seeds are handed out in order, and what was begun is finished: the first violation is the one with the lowest seed, whoever is faster.
fn worker(asked: &Asked, next: &AtomicU64, violated: &AtomicU64, enough: &AtomicBool) -> Found {
    let mut found = Found::default();
    let wanted = if asked.twice || asked.hash { Wanted::Hash } else { Wanted::Nothing };
    while !enough.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= asked.end || seed < asked.first.seed {
            break;
        }
        let case = asked.first.seeded(seed);
        let mut ended = live(&case, wanted);
        if asked.twice && ended.violation.is_none() {
            let again = live(&case, wanted);
            if again.hash != ended.hash {
                ended.violation = Some((ended.tally.steps, "the same seed gave another world".to_owned()));
            }
        }
        found.tally.merge(&ended.tally);
        found.sizes.add(&ended.size, case.layer.lacks(&ended.size));
        // A sum does not ask who was first.
        found.hash = found.hash.wrapping_add(ended.hash.rotate_left(u32::try_from(seed % 64).unwrap_or(0)));
        if let Some((step, text)) = ended.violation {
            found.violations.push((case, step, text));
            let before = violated.fetch_add(1, Ordering::Relaxed);
            if usize::try_from(before).unwrap_or(usize::MAX) + 1 >= asked.violations {
                enough.store(true, Ordering::Relaxed);
            }
        }
    }
    found
}

fn traced(asked: &Asked, out: &mut impl Write) -> io::Result<bool> {
    let mut held = true;
    for seed in asked.first.seed..asked.end {
        let case = asked.first.seeded(seed);
        writeln!(out, "world {seed}: {}", case.layer.plan(&case))?;
        let ended = live(&case, Wanted::Lines);
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

fn table(asked: &Asked, found: &Found, begun: Instant, out: &mut impl Write) -> io::Result<()> {
    let (tally, elapsed) = (&found.tally, begun.elapsed());
    let mut line = |what: &str, n: u128| writeln!(out, "{what:<46}{n:>12}");
    line("worlds", tally.worlds.into())?;
    line("steps", tally.steps.into())?;
    line("simulated seconds", (tally.virtual_ms / 1_000).into())?;
    let faults = asked.first.layer.faults();
    let (mut of_faults, mut of_rows, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (what, n) in &tally.counts {
        if faults.contains(what) {
            of_faults.push((*what, *n));
        } else if crate::rows::ROWS.contains(what) {
            of_rows.push((*what, *n));
        } else {
            others.push((*what, *n));
        }
    }
    line("faults", of_faults.iter().map(|(_, n)| u128::from(*n)).sum())?;
    for (indent, group) in [("  ", of_faults), ("", others), ("row: ", of_rows)] {
        for (what, n) in group {
            line(&format!("{indent}{what}"), n.into())?;
        }
    }
    line("longest way back, ms", tally.heal_ms_max.into())?;
    line("wall time, ms", elapsed.as_millis())?;
    line("worlds a second", u128::from(tally.worlds) * 1_000 / elapsed.as_millis().max(1))?;
    found.sizes.print(out)?;
    writeln!(out, "{:<46}{:>12}", "VIOLATIONS", found.violations.len())
}

fn report(asked: &Asked, (case, step, text): &Violation, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nseed {}, step {step}: {text}", case.seed)?;
    writeln!(out, "again: {}", command(asked, case))?;
    if asked.brief {
        return Ok(());
    }
    let (shorter, ended) = shrink::shorter(case, *step, text);
    let skip = ended.lines.len().saturating_sub(LAST_LINES);
    writeln!(out, "\nshrunk from {} steps to {}; the last of {} lines:", case.steps, shorter.steps, ended.lines.len())?;
    for line in ended.lines.iter().skip(skip) {
        writeln!(out, "  {line}")?;
    }
    if let Some((step, text)) = &ended.violation {
        writeln!(out, "seed {}, step {step}: {text}", shorter.seed)?;
    }
    writeln!(out, "shrunk, again: {} --trace", command(asked, &shorter))
}

/// What lives a world again.
fn command(asked: &Asked, case: &Case) -> String {
    let plant = asked.plant.as_ref().map(|name| format!(" --plant {name}")).unwrap_or_default();
    format!("cargo xtask sim {}{plant}", case.words())
}
