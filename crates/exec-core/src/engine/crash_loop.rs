//! A node that dies again and again: after so many starts within two minutes it comes up without its strategies and takes no new
//! risk, until somebody has looked. A clean end writes a snapshot, and starts before that count no more.

use super::Engine;
use crate::{conversation::Effect, record::LatchCause, time::Timestamp};
use alloc::{
    collections::VecDeque,
    format,
    string::{String, ToString},
    vec::Vec,
};

const WITHIN_MS: u64 = 120_000;
const STARTS_KEPT: usize = 16;

/// Earlier starts, and whether the strategies are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts {
    at: VecDeque<Timestamp>,
    benched: bool,
}

impl Engine {
    /// The journal tells of an earlier start.
    pub(super) fn remember_start(&mut self, at: Timestamp) {
        if self.starts.at.len() == STARTS_KEPT {
            self.starts.at.pop_front();
        }
        self.starts.at.push_back(at);
    }

    /// Whether strategies are not called until somebody releases what stopped them.
    pub(super) const fn is_benched(&self) -> bool {
        self.starts.benched
    }

    pub(super) fn judge_starts(&mut self, out: &mut Vec<Effect>) {
        let most = self.config.breakers.starts as usize;
        let recent = self.starts.at.iter().filter(|at| self.now.ms_since(**at) < WITHIN_MS).count();
        if most > 0 && recent + 1 >= most {
            // What a strategy dies of it has not handled, and gets again.
            let running: Vec<String> = self.unseen.iter().filter(|(_, u)| !u.is_empty()).map(|(id, _)| id.to_string()).collect();
            let running = match running.as_slice() {
                [] => String::from("no strategy had an event that it has not handled"),
                all => format!("with events that it has not handled: {}", all.join(", ")),
            };
            let text = format!("this is start {} within two minutes; strategies are not called; {running}", recent + 1);
            self.latch(LatchCause::CrashLoop, text, out);
        }
        if self.books.latches().contains_key(&LatchCause::CrashLoop) {
            self.starts.benched = true;
            self.cancel_entries(|_| true, out);
        }
    }

    /// Somebody has looked: the strategies are called from here on.
    pub(super) fn unbench(&mut self, out: &mut Vec<Effect>) {
        if core::mem::take(&mut self.starts.benched) && self.started {
            self.start_strategies(out);
        }
    }
}
