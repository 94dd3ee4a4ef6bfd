//! What goes wrong with the machine that a node runs on: its disk, its clock, its scheduler. What goes wrong on the network stands in
//! `network`, crashes in `shell`.

use crate::{agenda::Event, fault::Fault, world::World};
use exec_journal::WriteFault;

impl World {
    /// What may happen to the machine at any time.
    pub(crate) fn trouble_machine(&mut self) {
        if self.node.is_none() {
            return;
        }
        if self.now >= self.suspended_until && self.fault(Fault::Suspended, self.plan.suspended) {
            // The process stands still, the world goes on; then everything comes at once.
            self.suspended_until = self.now + self.fate().between(200, 6_000);
        }
        let refused = if self.fault(Fault::DiskFull, self.plan.disk_fails) {
            Some(WriteFault::NoSpace)
        } else if self.fault(Fault::WriteFails, self.plan.disk_fails) {
            Some(if self.fate().chance(500) { WriteFault::Io } else { WriteFault::ReadOnly })
        } else {
            None
        };
        if refused.is_some() {
            self.disk.faults(|f| f.writes = refused);
            let (life, wait) = (self.life, self.fate().between(500, 6_000));
            self.later(wait, Event::Repair { life });
        }
        if self.fault(Fault::ShortWrite, self.plan.short_writes) {
            self.disk.faults(|f| f.short_write = true);
        }
        if self.fault(Fault::PositionsDown, self.plan.positions_down) {
            self.positions_down_until = self.now + self.fate().between(4_000, 12_000);
        }
    }

    /// Somebody has looked after the disk, and restarts a node whose journal has failed.
    pub(crate) fn repair(&mut self, life: u32) {
        self.disk.faults(|f| f.writes = None);
        if self.node.as_ref().is_some_and(|n| n.life == life && n.journal_failed) {
            self.tally.count("restarts for a journal");
            self.end("restarted for its journal", false);
        }
    }

    /// The wall clock that a start anchors its time to may be any.
    pub(crate) fn set_clock(&mut self) {
        if self.fault(Fault::ClockJump, self.plan.clock_jumps) {
            // What is sent before the clock is measured is dated by it, and stays in doubt as long as it is ahead.
            let near = self.fate().chance(800);
            let ahead = i64::try_from(self.fate().between(0, if near { 5_000 } else { 40_000 })).unwrap_or(0);
            let behind = if near { ahead } else { ahead * 90 };
            self.plan.clock_ahead_ms = if self.fate().chance(500) { ahead } else { -behind };
        }
    }
}
