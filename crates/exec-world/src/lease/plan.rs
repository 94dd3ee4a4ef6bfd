//! What a round's seed draws before it begins: who fails, when, and how the clocks err.

use super::TERMS;
use crate::{case::Case, rng::Rng};

/// What happens to the node that holds the account first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blow {
    /// Its process stands still for so long.
    Stop { for_ms: u64 },
    /// It reaches the store no more for so long.
    Cut { for_ms: u64 },
    /// Its process dies, and its disk is gone.
    Death,
    /// It goes on; only the store fails.
    Nothing,
}

/// How the store fails over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FailOver {
    /// To a server that knows nothing.
    Empty,
    /// To one that is so far behind.
    Behind { ms: u64 },
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The first holder's trouble, and when.
    pub(super) blow: (u64, Blow),
    pub(super) fail_over: Option<(u64, FailOver)>,
    /// When the store's clock steps ahead, and by how much.
    pub(super) clock_step: Option<(u64, u64)>,
    /// Of a thousand answers of the store, how many are slow and how many lost.
    pub(super) slow: u32,
    pub(super) lost: u32,
    /// Of a thousand steps of a node, before how many it stands still.
    pub(super) stops: u32,
    /// Of a thousand requests, how many are late in the engine.
    pub(super) late: u32,
    /// How far each node's estimate of the venue's clock is off, milliseconds.
    pub(super) clock_off: [i64; 2],
    /// How much faster than the venue's each clock runs, in parts of a million.
    pub(super) rate_ppm: [i64; 2],
    /// When each node starts.
    pub(super) starts: [u64; 2],
    /// How far the first node's epoch is above the minute that it started in: it was started again and again.
    pub(super) restarts: u32,
    /// Whether the journal outlives a machine.
    pub(super) shared_journal: bool,
    pub(super) ends: u64,
}

impl Plan {
    pub(super) fn of(case: &Case) -> Self {
        let mut rng = Rng::new(case.seed, 0x1EA5E);
        let off = |rng: &mut Rng| {
            let e = TERMS.clock_error_ms;
            i64::try_from(rng.between(0, 2 * e)).unwrap_or(0) - i64::try_from(e).unwrap_or(0)
        };
        let rate = |rng: &mut Rng| i64::try_from(rng.between(0, 400)).unwrap_or(0) - 200;
        // The first holder has waited for a predecessor that nobody knows: it is ready some 21 s after its start.
        let struck = 22_000 + rng.below(15_000);
        let blow = match rng.below(10) {
            0..=4 => Blow::Stop { for_ms: if rng.chance(300) { rng.below(9_000) } else { 8_000 + rng.below(40_000) } },
            5..=7 => Blow::Cut { for_ms: 5_000 + rng.below(40_000) },
            8 => Blow::Death,
            _ => Blow::Nothing,
        };
        let fail_over = rng.chance(400).then(|| {
            let how = if rng.chance(500) { FailOver::Empty } else { FailOver::Behind { ms: rng.below(40_000) } };
            (15_000 + rng.below(40_000), how)
        });
        let clock_step = rng.chance(150).then(|| (rng.below(60_000), rng.below(TERMS.clock_error_ms + 1)));
        Self {
            blow: (struck, blow),
            fail_over,
            clock_step,
            slow: *rng.pick(&[0, 50, 400]).unwrap_or(&0),
            lost: *rng.pick(&[0, 20, 200]).unwrap_or(&0),
            stops: *rng.pick(&[0, 1, 10]).unwrap_or(&0),
            late: *rng.pick(&[50, 300, 700]).unwrap_or(&50),
            clock_off: [off(&mut rng), off(&mut rng)],
            rate_ppm: [rate(&mut rng), rate(&mut rng)],
            starts: [0, rng.between(500, 30_000)],
            restarts: if rng.chance(300) { 1 + u32::try_from(rng.below(4)).unwrap_or(0) } else { 0 },
            shared_journal: rng.chance(500),
            ends: 90_000,
        }
    }
}
