//! What can go wrong in a world of the core: every kind by name, and whether it strikes. A strike has a number, so that a shorter story
//! of the same world can do without it.

use crate::{rng::Rng, world::World};
use std::collections::BTreeSet;

macro_rules! faults {
    ($($fault:ident = $name:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
        pub(crate) enum Fault {
            $(#[doc = $name] $fault,)*
        }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$fault),*];

            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)*
                }
            }
        }
    };
}

faults! {
    NotSent = "request not sent";
    Dropped = "request dropped";
    Late = "request late";
    ConnectionLost = "connection lost behind a request";
    ReplyLost = "reply lost";
    FailedBefore = "failed before the effect";
    UnknownBefore = "unknown before the effect";
    UnknownAfter = "unknown after the effect";
    EngineSlow = "engine slow";
    QueryUnavailable = "query unavailable";
    QuerySlow = "query slow";
    EventDropped = "event dropped";
    EventTwice = "event twice";
    EventLate = "event late";
    StreamCut = "stream cut";
    StreamSilent = "stream silent";
    StreamStillSilent = "stream silent from its beginning";
    StreamLate = "stream late";
    StreamEnds = "end of the stream announced";
    ClockBad = "clock known badly";
    SyncSlow = "sync slow";
    SyncFails = "sync fails";
    PowerInSnapshot = "power lost in a snapshot";
    PowerInOpen = "power lost while the journal opens";
    Kill = "killed";
    PowerLoss = "power lost";
    CrashRecovering = "crash in recovery";
    HandOrder = "order by hand";
    HandCancel = "order cancelled by hand";
    HandConditional = "conditional order by hand";
    HandConditionalCancel = "conditional order cancelled by hand";
    Deleveraged = "deleveraged";
    Liquidated = "liquidated";
    Settled = "settled";
    EventUnreadable = "event unreadable";
    Suspended = "process stands still";
    ClockJump = "wall clock is another at a start";
    DiskFull = "disk full";
    WriteFails = "write fails";
    ShortWrite = "short write";
    StrategyPanics = "strategy panics";
    PositionsDown = "positions unavailable for a while";
    LongOutage = "down for longer than the venue remembers";
    Ghost = "took effect after the fence";
    LateAccepted = "accepted beyond its window";
    Hidden = "order hidden from questions";
    ClockLies = "clock wrong by more than it says";
    Twin = "order of another node of the same name";
    ListBehind = "list behind what has happened";
}

/// What has struck in a world so far, and what may not.
#[derive(Debug)]
pub(crate) struct Strikes {
    counts: Vec<u64>,
    off: Vec<bool>,
    skip: BTreeSet<u64>,
    number: u64,
    /// Chance for what belongs to the last strike: what it draws shifts nothing else.
    fate: Rng,
}

impl Strikes {
    pub(crate) fn new(without: &BTreeSet<String>, skip: &BTreeSet<u64>) -> Self {
        let off = |fault: &Fault| without.contains(&fault.name().replace(' ', "-"));
        Self {
            counts: vec![0; Fault::ALL.len()],
            off: Fault::ALL.iter().map(off).collect(),
            skip: skip.clone(),
            number: 0,
            fate: Rng::new(0, 0),
        }
    }

    /// A fault's turn has come: whether it strikes. `draw` is its chance for everything that follows from it.
    pub(crate) fn strikes(&mut self, fault: Fault, draw: u64) -> bool {
        self.number += 1;
        if self.off.get(fault as usize) == Some(&true) || self.skip.contains(&self.number) {
            return false;
        }
        self.fate = Rng::new(draw, 3);
        if let Some(count) = self.counts.get_mut(fault as usize) {
            *count += 1;
        }
        true
    }

    /// How often each kind has struck, those that have.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Fault::ALL.iter().zip(&self.counts).filter(|(_, n)| **n > 0).map(|(fault, n)| (fault.name(), *n))
    }

    pub(crate) fn of(&self, fault: Fault) -> u64 {
        self.counts.get(fault as usize).copied().unwrap_or(0)
    }

    /// How many turns came, with those that were left out.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl World {
    /// Whether a fault strikes now, of 1000; counted.
    pub(crate) fn fault(&mut self, fault: Fault, permille: u32) -> bool {
        self.rare_fault(fault, u64::from(permille) * 1_000)
    }

    /// Whether a fault strikes now, of a million; counted. No draw where nothing can come of it.
    pub(crate) fn rare_fault(&mut self, fault: Fault, of_a_million: u64) -> bool {
        if of_a_million == 0 {
            return false;
        }
        let draw = self.rng.next();
        if draw % 1_000_000 >= of_a_million || !self.strikes.strikes(fault, draw) {
            return false;
        }
        let number = self.strikes.number();
        self.trace.line(self.now, || format!("! {} (strike {number})", fault.name()));
        true
    }

    /// Whether what is decided already may happen; counted.
    pub(crate) fn struck(&mut self, fault: Fault) -> bool {
        self.fault(fault, 1_000)
    }

    /// Chance for what belongs to the fault that has just struck.
    pub(crate) fn fate(&mut self) -> &mut Rng {
        &mut self.strikes.fate
    }
}
