//! Making a segment: a file of written zeros under a temporary name, which gets its header, is made durable, and only then its name.
//! So a segment that can be seen is whole, and appending to it allocates nothing.

use std::io;

use crate::disk::{Disk, write_all_at};
use crate::error::{Context, Failure};

pub(crate) const NEXT_TEMP: &str = "next.tmp";
const ZEROS: &[u8] = &[0; 64 * 1024];
/// Bytes zeroed and synced at a time when a segment is prepared ahead.
pub(crate) const STEP: usize = 256 * 1024;

/// A file that becomes the next segment.
#[derive(Debug)]
pub(crate) struct Spare<F> {
    file: F,
    len: usize,
    zeroed: usize,
}

impl<F: Send> Spare<F> {
    pub(crate) fn begin<D: Disk<File = F>>(disk: &mut D, len: usize) -> Result<Self, Failure> {
        remove_if_there(disk, NEXT_TEMP)?;
        let file = disk.create(NEXT_TEMP).on("create", NEXT_TEMP)?;
        Ok(Self { file, len, zeroed: 0 })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.zeroed == self.len
    }

    /// Zeroes one step and makes it durable, so that no step holds up the log for long.
    pub(crate) fn step<D: Disk<File = F>>(&mut self, disk: &mut D) -> Result<(), Failure> {
        self.zero(disk, STEP)?;
        disk.sync_data(&self.file).on("sync", NEXT_TEMP)
    }

    fn zero<D: Disk<File = F>>(&mut self, disk: &mut D, most: usize) -> Result<(), Failure> {
        let end = self.len.min(self.zeroed.saturating_add(most));
        while self.zeroed < end {
            let n = ZEROS.len().min(end - self.zeroed);
            let zeros = ZEROS.get(..n).unwrap_or(ZEROS);
            write_all_at(disk, &self.file, self.zeroed as u64, zeros).on("prepare", NEXT_TEMP)?;
            self.zeroed += n;
        }
        Ok(())
    }

    /// Writes what the segment begins with, makes it durable, then gives it its name, durably.
    pub(crate) fn name_it<D: Disk<File = F>>(mut self, disk: &mut D, start: &[u8], name: &str) -> Result<F, Failure> {
        self.zero(disk, usize::MAX)?;
        write_all_at(disk, &self.file, 0, start).on("write", NEXT_TEMP)?;
        disk.sync_data(&self.file).on("sync", NEXT_TEMP)?;
        disk.rename(NEXT_TEMP, name).on("rename", NEXT_TEMP)?;
        disk.sync_dir().on("sync", "the directory")?;
        Ok(self.file)
    }
}

pub(crate) fn remove_if_there<D: Disk>(disk: &mut D, name: &str) -> Result<(), Failure> {
    match disk.remove(name) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Failure::new("remove", name, e)),
        _ => Ok(()),
    }
}
