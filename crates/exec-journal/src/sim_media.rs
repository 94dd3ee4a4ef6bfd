//! What a simulated disk keeps of a file and of its names when the power fails. No operations and no faults: those stand in
//! `sim_disk.rs`.

use std::collections::BTreeMap;

use crate::format::SECTOR;

#[derive(Debug, Clone, Default)]
pub(crate) struct Inode {
    pub(crate) bytes: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    pub(crate) pending: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Clone)]
pub(crate) enum NameChange {
    Add(String, u64),
    Rename(String, String, u64),
    Remove(String),
}

/// splitmix64: enough to draw faults, and the same everywhere.
#[derive(Debug)]
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

impl Change {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(len) => bytes.resize(*len, 0),
            Self::Write(offset, new) => {
                let end = offset + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if let Some(place) = bytes.get_mut(*offset..end) {
                    place.copy_from_slice(new);
                }
            }
        }
    }

    fn end(&self) -> usize {
        match self {
            Self::Write(offset, new) => offset + new.len(),
            Self::Length(len) => *len,
        }
    }

    /// The part of a write that falls into a sector, applied to that sector.
    fn apply_to_sector(&self, sector: usize, bytes: &mut [u8]) {
        let Self::Write(offset, new) = self else {
            return;
        };
        let start = (*offset).max(sector * SECTOR);
        let end = (offset + new.len()).min((sector + 1) * SECTOR);
        if start >= end {
            return;
        }
        let to = bytes.get_mut(start - sector * SECTOR..end - sector * SECTOR);
        if let (Some(to), Some(from)) = (to, new.get(start - offset..end - offset)) {
            to.copy_from_slice(from);
        }
    }

    fn touches(&self, sector: usize) -> bool {
        match self {
            Self::Write(offset, new) => {
                !new.is_empty() && *offset < (sector + 1) * SECTOR && sector * SECTOR < offset + new.len()
            }
            Self::Length(_) => false,
        }
    }
}

impl Inode {
    pub(crate) fn save(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Each sector keeps one of the versions it had since the last sync, the length one of its own.
    pub(crate) fn crash(&mut self, mode: u64, draw: &mut Draw) {
        let pending = std::mem::take(&mut self.pending);
        if mode == 1 {
            for change in &pending {
                change.apply(&mut self.durable);
            }
        } else if mode > 1 {
            self.crash_by_sector(&pending, mode, draw);
        }
        self.bytes = self.durable.clone();
    }

    fn crash_by_sector(&mut self, pending: &[Change], mode: u64, draw: &mut Draw) {
        let mut len = self.durable.len();
        let mut image = self.durable.clone();
        for change in pending {
            let longer = match change {
                Change::Length(_) => change.end(),
                Change::Write(..) => change.end().max(len),
            };
            if longer != len && draw.below(2) == 0 {
                len = longer;
            }
        }
        let most = pending.iter().map(Change::end).max().unwrap_or(0);
        image.resize(image.len().max(most).next_multiple_of(SECTOR), 0);
        for (sector, bytes) in image.chunks_mut(SECTOR).enumerate() {
            let touching: Vec<&Change> = pending.iter().filter(|c| c.touches(sector)).collect();
            if touching.is_empty() {
                continue;
            }
            let versions = touching.len() as u64;
            // Mode 2 loses half, mode 3 nearly nothing: a single hole is the hardest case.
            let keep = match mode {
                2 => draw.below(versions + 1),
                _ if draw.below(10) == 0 => draw.below(versions + 1),
                _ => versions,
            };
            for change in touching.iter().take(keep as usize) {
                change.apply_to_sector(sector, bytes);
            }
        }
        image.resize(len, 0);
        self.durable = image;
    }
}

pub(crate) fn apply_name(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Add(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Rename(from, to, inode) => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
        NameChange::Remove(name) => {
            names.remove(name);
        }
    }
}
