//! Worlds: engine, journal, strategies, exchange, network, faults and crashes on one thread under one seed, and what must be true of
//! each. `exec-world --seeds 0..1000`. It proves nothing about sockets, files and processes of a real machine.

mod adversary;
mod agenda;
mod brackets;
mod broken;
mod case;
mod cli;
mod conditional;
mod coverage;
mod end;
mod fault;
mod l2;
mod layer;
mod lease;
mod lists;
mod machine;
mod market;
mod network;
mod node;
mod oracle;
mod outside;
mod plan;
mod planting;
mod promises;
mod regressions;
mod rng;
mod rows;
mod run;
mod shell;
mod shrink;
mod size;
mod standing;
mod strategies;
mod streams;
mod tally;
mod throws;
mod trace;
mod words;
mod world;

use cli::Wish;
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    // Nobody reads any more: what was found so far decides nothing.
    let said = |done: io::Result<()>| done.map_or(ExitCode::from(1), |()| ExitCode::SUCCESS);
    match cli::read(&words) {
        Ok(Wish::Help) => said(writeln!(out, "{}", cli::USAGE)),
        Ok(Wish::ListPlants) => said(planting::list(&mut out)),
        Ok(Wish::ListKinds) => said(list_kinds(&mut out)),
        Ok(Wish::Worlds(asked)) => match run::run(&asked, &mut out) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) | Err(_) => ExitCode::from(1),
        },
        Err(why) => {
            let _nobody_listens = writeln!(io::stderr(), "{why}\n{}", cli::USAGE);
            ExitCode::from(2)
        }
    }
}

fn list_kinds(out: &mut impl Write) -> io::Result<()> {
    for layer in layer::Layer::ALL {
        for kind in layer.kinds() {
            writeln!(out, "{} {kind}", layer.name())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        case::Case,
        layer::{Layer, live},
        plan::Profile::{Bracket, Calm, Conditional, Crash, Mixed, Storm},
        trace::Wanted,
    };
    use std::collections::BTreeSet;

    #[test]
    fn a_world_with_sockets_is_the_same_each_time_and_holds() {
        for (seed, profile) in [(1, Calm), (2, Storm), (3, Crash)] {
            let case = Case { layer: Layer::L2, seed, steps: 100, profile, without: BTreeSet::new(), skip: BTreeSet::new() };
            let first = live(&case, Wanted::Hash);
            let second = live(&case, Wanted::Hash);
            assert_eq!(first.hash, second.hash, "seed {seed}");
            assert_eq!(first.violation, None, "seed {seed}");
        }
    }

    #[test]
    fn promise_p11_of_two_nodes_one_writes() {
        let mut tried = 0;
        for seed in 0..3_000 {
            let skip = BTreeSet::new();
            let case = Case { layer: Layer::Lease, seed, steps: 20_000, profile: Mixed, without: BTreeSet::new(), skip };
            let ended = live(&case, Wanted::Nothing);
            assert_eq!(ended.violation, None, "seed {seed}");
            tried += ended.tally.counts.get("rounds in which a deposed node tried to send").copied().unwrap_or(0);
        }
        assert!(tried >= 900, "a deposed node tried to send in {tried} of 3,000 rounds only");
    }

    #[test]
    fn a_world_is_the_same_each_time_and_holds() {
        for (seed, profile) in [(0, Mixed), (1, Mixed), (2, Mixed), (3, Conditional), (4, Conditional), (6, Bracket)] {
            let case = Case { layer: Layer::L1, seed, steps: 200, profile, without: BTreeSet::new(), skip: BTreeSet::new() };
            let first = live(&case, Wanted::Hash);
            let second = live(&case, Wanted::Hash);
            assert_eq!(first.hash, second.hash, "seed {seed}");
            assert_eq!(first.violation, None, "seed {seed}");
        }
    }
}
