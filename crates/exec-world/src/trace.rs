//! What happened in one world, line by line, and the hash of all lines. Lines are only made when somebody wants them.

use std::collections::VecDeque;

/// Lines kept for the end of a world.
const KEPT: usize = 60;

/// Who wants the lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// Nobody: only counts matter.
    Nothing,
    /// The hash, and the last lines.
    Hash,
    /// All of them.
    Lines,
}

/// The trace of one world.
#[derive(Debug)]
pub(crate) struct Trace {
    wanted: Wanted,
    hash: u64,
    lines: VecDeque<String>,
}

impl Trace {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self { wanted, hash: 0xCBF2_9CE4_8422_2325, lines: VecDeque::new() }
    }

    pub(crate) fn line(&mut self, at: u64, make: impl FnOnce() -> String) {
        if self.wanted == Wanted::Nothing {
            return;
        }
        let line = format!("{at:>8} {}", make());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        if self.wanted == Wanted::Hash && self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
    pub(crate) fn lines(self) -> Vec<String> {
        self.lines.into()
    }
}
