//! The layers of the stack that worlds are made of: what each calls its faults, how long its worlds are, which of them count. How one
//! lives stands in the layer's own files.

use crate::{
    case::Case,
    fault::Fault,
    l2, lease, plan,
    size::Size,
    tally::Tally,
    trace::Wanted,
    world::{Ended, World},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How much of the stack is real in a world.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Layer {
    /// Engine and journal; the venue speaks the core's words.
    L1,
    /// The runtime and the adapter, too, whose bytes go through pipes; the venue speaks its own dialect.
    L2,
    /// The lease of an account, between two nodes; store, venue and all that a node sends are made up.
    Lease,
}

impl Layer {
    pub(crate) const ALL: [Self; 3] = [Self::L1, Self::L2, Self::Lease];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::Lease => "lease",
        }
    }
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name().eq_ignore_ascii_case(name))
    }

    /// How long a world is if nobody says.
    pub(crate) const fn steps(self) -> u64 {
        match self {
            Self::L1 => 600,
            Self::L2 => l2::STEPS,
            Self::Lease => lease::STEPS,
        }
    }

    /// Faults that a long run must bring about, as they are counted.
    pub(crate) fn faults(self) -> Vec<&'static str> {
        match self {
            Self::L1 => Fault::ALL.iter().map(|fault| fault.name()).collect(),
            Self::L2 => l2::faults(),
            Self::Lease => lease::FAULTS.to_vec(),
        }
    }

    /// What a world can be without: kinds of faults and habits, as words of a command line.
    pub(crate) fn kinds(self) -> Vec<String> {
        let habits = match self {
            Self::L1 | Self::L2 => plan::HABITS,
            Self::Lease => &[],
        };
        self.faults().iter().map(|name| name.replace(' ', "-")).chain(habits.iter().map(|h| (*h).to_owned())).collect()
    }

    /// What a world's seed has drawn, for people.
    pub(crate) fn plan(self, case: &Case) -> String {
        match self {
            Self::L1 => format!("{:?}", plan::Plan::of(case)),
            Self::L2 => l2::plan(case),
            Self::Lease => lease::plan(case),
        }
    }

    /// What a world had too little of to count.
    pub(crate) fn lacks(self, size: &Size) -> Option<&'static str> {
        let needs: &[(&'static str, u64, u64)] = match self {
            Self::L1 => &[
                ("steps", size.steps, 200),
                ("orders", size.orders, 10),
                ("instruments", size.instruments, 2),
                ("kinds of faults", size.fault_kinds, 3),
                ("crashes", size.crashes, 1),
            ],
            Self::Lease => &[("virtual milliseconds", size.virtual_ms, 60_000), ("requests", size.requests, 20)],
            Self::L2 => &[("virtual milliseconds", size.virtual_ms, 60_000), ("requests", size.requests, 20)],
        };
        needs.iter().find(|(_, has, needed)| has < needed).map(|(what, _, _)| *what)
    }
}

/// Lives one world through. A panic in it is a violation with a seed.
pub(crate) fn live(case: &Case, wanted: Wanted) -> Ended {
    let lived = catch_unwind(AssertUnwindSafe(|| match case.layer {
        Layer::L1 => match World::new(plan::Plan::of(case), wanted) {
            Ok(world) => world.run(),
            Err(why) => ended_at_once(why),
        },
        Layer::L2 => l2::live(case, wanted).unwrap_or_else(ended_at_once),
        Layer::Lease => lease::live(case, wanted),
    }));
    lived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        ended_at_once(format!("panic: {}", text.unwrap_or_else(|| "of an unknown kind".to_owned())))
    })
}

fn ended_at_once(why: String) -> Ended {
    let tally = Tally { worlds: 1, ..Tally::default() };
    Ended { tally, size: Size::default(), hash: 0, lines: Vec::new(), strikes: 0, violation: Some((0, why)) }
}
