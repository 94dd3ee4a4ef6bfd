//! A disk in memory that fails on command: power loss with any subset of unsynced sectors, lengths and names surviving, failing and lying
//! syncs, full disks, short writes, flipped bits. Deterministic; what survives a power loss is drawn from the seed of that loss.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, Lock};
use crate::sim_media::{Change, Draw, Inode, NameChange, apply_name};

/// How writes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// `EIO`.
    Io,
    /// `EROFS`: mounted read-only after an error.
    ReadOnly,
    /// `ENOSPC`, as a copy-on-write file system answers even where a file was written before.
    NoSpace,
}

/// What the disk does wrong. All off by default; set through [`SimDisk::faults`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// After this many changing operations the power fails, in the middle of the next one.
    pub power_loss_after: Option<u64>,
    /// After this many good syncs one fails with `EIO`; what it should have saved never will be, although later syncs succeed.
    pub sync_fails_after: Option<u64>,
    /// One of this many syncs does nothing and says that it did. A disk that lies: no log can survive it, a test must notice it.
    pub lying_syncs: Option<u64>,
    /// Every write fails.
    pub writes: Option<WriteFault>,
    /// Files may grow by this many bytes in all; then `ENOSPC`.
    pub space_left: Option<u64>,
    /// The next write takes only half of its bytes.
    pub short_write: bool,
    /// The next write lands this many bytes behind its place, although the disk says otherwise.
    pub misdirect_write: Option<u64>,
    /// Reads of this file fail with `EIO`.
    pub unreadable: Option<String>,
    /// Ticks that a sync takes; see [`SimDisk::ticks`].
    pub sync_ticks: u64,
}

/// A simulated disk with one directory. Clones are handles to the same disk, so that a test keeps one while a log owns another.
///
/// A handle that took the lock dies with [`SimDisk::crash`] and [`SimDisk::kill`]: like a dead process, it changes nothing any more.
#[derive(Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    /// The life in which this handle took the lock.
    life: Option<u64>,
}

impl Clone for SimDisk {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), life: None }
    }
}

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// Names as programs see them, and as the disk would have them after a power loss.
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending_names: Vec<NameChange>,
    faults: Faults,
    dead: bool,
    locked: bool,
    life: u64,
    ticks: u64,
    syncs: u64,
}

impl SimDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the disk does wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock_state().faults);
    }

    /// The faults as they stand; one-shot faults that have fired are off again.
    #[must_use]
    pub fn current_faults(&self) -> Faults {
        self.lock_state().faults.clone()
    }

    /// Has the power failed?
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock_state().dead
    }

    /// Cuts the power, if that has not happened, and brings it back: of what was not synced, a subset drawn from the seed survives, sector
    /// by sector and name by name. All faults are off afterwards, the lock is free.
    pub fn crash(&self, seed: u64) {
        self.lock_state().crash(&mut Draw(seed));
    }

    /// Ends the process but not the machine: what was written is still there, synced or not. The lock is free; faults stay.
    pub fn kill(&self) {
        let mut state = self.lock_state();
        state.locked = false;
        state.life += 1;
    }

    /// A copy of the disk with its own fate, on which nobody holds the lock.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut state = self.lock_state().clone();
        state.locked = false;
        Self { state: Arc::new(Mutex::new(state)), life: None }
    }

    /// The disk for an operation of this handle, if its process still lives.
    fn used(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock_state();
        if self.life.is_some_and(|life| life != state.life) {
            return Err(io::Error::other("the process was killed"));
        }
        state.alive()?;
        Ok(state)
    }

    /// Flips bits of a file on the disk behind everybody's back. Returns whether the byte exists.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) -> bool {
        let mut state = self.lock_state();
        let Some(inode) = state.inode_mut(name) else {
            return false;
        };
        for bytes in [&mut inode.bytes, &mut inode.durable] {
            match bytes.get_mut(offset) {
                Some(byte) => *byte ^= mask,
                None => return false,
            }
        }
        true
    }

    /// Puts a file on the disk, durably, replacing one of that name.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.lock_state();
        let inode = state.add_inode(Inode { bytes: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() });
        state.names.insert(name.to_owned(), inode);
        state.durable_names.insert(name.to_owned(), inode);
    }

    /// The bytes of a file as a program would read them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.lock_state().inode_mut(name).map(|i| i.bytes.clone())
    }

    /// Takes a file away, durably. Returns whether it was there.
    pub fn delete(&self, name: &str) -> bool {
        let mut state = self.lock_state();
        state.durable_names.remove(name);
        state.names.remove(name).is_some()
    }

    /// Ticks that all syncs so far have taken, for a world that keeps its own time.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.lock_state().ticks
    }

    /// Number of syncs so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock_state().syncs
    }
}

fn power_loss() -> io::Error {
    io::Error::other("the power failed")
}

/// `EIO` has no stable kind of its own.
fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

impl State {
    fn inode_mut(&mut self, name: &str) -> Option<&mut Inode> {
        let inode = self.names.get(name)?;
        self.files.get_mut(inode)
    }

    fn add_inode(&mut self, inode: Inode) -> u64 {
        self.next_inode += 1;
        self.files.insert(self.next_inode, inode);
        self.next_inode
    }

    fn find(&self, name: &str) -> io::Result<u64> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(power_loss()) } else { Ok(()) }
    }

    /// Counts a changing operation. `Ok(true)`: the power fails in the middle of this one.
    fn begin(&mut self) -> io::Result<bool> {
        match self.faults.power_loss_after.as_mut() {
            Some(0) => {
                self.dead = true;
                Ok(true)
            }
            Some(left) => {
                *left -= 1;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn end(dying: bool) -> io::Result<()> {
        if dying { Err(power_loss()) } else { Ok(()) }
    }

    fn change_name(&mut self, change: NameChange) -> io::Result<()> {
        if self.faults.writes == Some(WriteFault::ReadOnly) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let dying = self.begin()?;
        apply_name(&mut self.names, &change);
        self.pending_names.push(change);
        Self::end(dying)
    }

    fn write(&mut self, inode: u64, offset: usize, bytes: &[u8]) -> io::Result<usize> {
        match self.faults.writes {
            Some(WriteFault::Io) => return Err(eio()),
            Some(WriteFault::ReadOnly) => return Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Some(WriteFault::NoSpace) => return Err(io::ErrorKind::StorageFull.into()),
            None => {}
        }
        let bytes =
            if std::mem::take(&mut self.faults.short_write) { bytes.get(..bytes.len() / 2).unwrap_or(bytes) } else { bytes };
        let place = offset + self.faults.misdirect_write.take().unwrap_or(0) as usize;
        let file_len = self.files.get(&inode).map_or(0, |i| i.bytes.len());
        let growth = (place + bytes.len()).saturating_sub(file_len) as u64;
        if let Some(left) = self.faults.space_left.as_mut() {
            match left.checked_sub(growth) {
                Some(rest) => *left = rest,
                None => return Err(io::ErrorKind::StorageFull.into()),
            }
        }
        let dying = self.begin()?;
        if let Some(file) = self.files.get_mut(&inode) {
            let change = Change::Write(place, bytes.to_vec());
            change.apply(&mut file.bytes);
            file.pending.push(change);
        }
        Self::end(dying)?;
        Ok(bytes.len())
    }

    /// Counts a sync and says what it does.
    fn sync_outcome(&mut self) -> io::Result<SyncOutcome> {
        if self.begin()? {
            return Err(power_loss());
        }
        self.syncs += 1;
        self.ticks += self.faults.sync_ticks;
        match self.faults.sync_fails_after.as_mut() {
            Some(0) => {
                self.faults.sync_fails_after = None;
                return Ok(SyncOutcome::Fail);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(match self.faults.lying_syncs {
            Some(n) if self.syncs.is_multiple_of(n.max(1)) => SyncOutcome::Lie,
            _ => SyncOutcome::Save,
        })
    }

    fn crash(&mut self, draw: &mut Draw) {
        // Some losses keep all or nothing, as real ones often do; the rest draw for each part.
        let mode = draw.below(4);
        let pending = std::mem::take(&mut self.pending_names);
        for change in &pending {
            if mode == 1 || (mode > 1 && draw.below(2) == 0) {
                apply_name(&mut self.durable_names, change);
            }
        }
        self.names = self.durable_names.clone();
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.files.retain(|inode, _| named.contains(inode));
        for file in self.files.values_mut() {
            file.crash(mode, draw);
        }
        self.dead = false;
        self.locked = false;
        self.life += 1;
        self.faults = Faults::default();
    }
}

enum SyncOutcome {
    Save,
    Lie,
    Fail,
}

impl Disk for SimDisk {
    type File = u64;

    fn create(&mut self, name: &str) -> io::Result<u64> {
        let mut state = self.used()?;
        if state.find(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.add_inode(Inode::default());
        state.change_name(NameChange::Add(name.to_owned(), inode))?;
        Ok(inode)
    }

    fn open(&mut self, name: &str) -> io::Result<u64> {
        let state = self.used()?;
        state.find(name)
    }

    fn len(&mut self, file: &u64) -> io::Result<u64> {
        let state = self.used()?;
        Ok(state.files.get(file).map_or(0, |i| i.bytes.len() as u64))
    }

    fn read_at(&mut self, file: &u64, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let state = self.used()?;
        if let Some(name) = &state.faults.unreadable
            && state.names.get(name) == Some(file)
        {
            return Err(eio());
        }
        let bytes = state.files.get(file).map_or(&[][..], |i| &i.bytes);
        let from = bytes.get(offset as usize..).unwrap_or(&[]);
        let n = from.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), from.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }

    fn write_at(&mut self, file: &u64, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.used()?.write(*file, offset as usize, bytes)
    }

    fn sync_data(&mut self, file: &u64) -> io::Result<()> {
        let mut state = self.used()?;
        let outcome = state.sync_outcome()?;
        let Some(inode) = state.files.get_mut(file) else {
            return Ok(());
        };
        match outcome {
            SyncOutcome::Save => inode.save(),
            SyncOutcome::Lie => {}
            SyncOutcome::Fail => {
                // The pages are clean now although they never reached the disk; programs still read them.
                inode.pending.clear();
                return Err(eio());
            }
        }
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let mut state = self.used()?;
        let outcome = state.sync_outcome()?;
        match outcome {
            SyncOutcome::Save => {
                let pending = std::mem::take(&mut state.pending_names);
                for change in &pending {
                    apply_name(&mut state.durable_names, change);
                }
            }
            SyncOutcome::Lie => {}
            SyncOutcome::Fail => {
                state.pending_names.clear();
                return Err(eio());
            }
        }
        Ok(())
    }

    fn set_len(&mut self, name: &str, len: u64) -> io::Result<()> {
        let mut state = self.used()?;
        let inode = state.find(name)?;
        let dying = state.begin()?;
        if let Some(file) = state.files.get_mut(&inode) {
            let change = Change::Length(len as usize);
            change.apply(&mut file.bytes);
            file.pending.push(change);
        }
        State::end(dying)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.used()?;
        let inode = state.find(from)?;
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned(), inode))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.used()?;
        state.find(name)?;
        state.change_name(NameChange::Remove(name.to_owned()))
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        let state = self.used()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn lock(&mut self) -> io::Result<Lock> {
        let mut state = self.used()?;
        if state.locked {
            return Ok(Lock::Held { pid: None });
        }
        state.locked = true;
        let life = state.life;
        drop(state);
        self.life = Some(life);
        Ok(Lock::Taken)
    }

    fn unlock(&mut self) {
        let life = self.life.take();
        let mut state = self.lock_state();
        if life == Some(state.life) {
            state.locked = false;
        }
    }
}
