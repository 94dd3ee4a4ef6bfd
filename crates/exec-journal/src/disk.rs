//! The seam between the journal and a disk: the few operations a log needs, by file name inside one directory. Not a file system:
//! no paths, no sub-directories, no buffering.

use std::io;

/// The answer to [`Disk::lock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The directory is ours until [`Disk::unlock`] or the end of the process.
    Taken,
    /// Another writer holds it; the process id it left in the lock file, where readable.
    Held {
        /// Process id of the holder.
        pid: Option<u32>,
    },
}

/// One directory of a disk, as a log sees it.
///
/// Names are plain file names. Nothing here is durable by itself: bytes are after [`Disk::sync_data`] of their file, names (created,
/// renamed, removed) after [`Disk::sync_dir`]. A failed sync means that the bytes may be lost although a later sync succeeds; callers must
/// not try again.
///
/// Implementors: [`OsDisk`](crate::OsDisk), [`SimDisk`](crate::SimDisk).
pub trait Disk {
    /// An open file.
    type File: Send;

    /// Creates a file for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists`, or what the disk says.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;

    /// Opens an existing file for reading (and for [`Disk::sync_data`]).
    ///
    /// # Errors
    /// `NotFound`, or what the disk says.
    fn open(&mut self, name: &str) -> io::Result<Self::File>;

    /// Length of an open file in bytes.
    ///
    /// # Errors
    /// What the disk says.
    fn len(&mut self, file: &Self::File) -> io::Result<u64>;

    /// Reads at an offset; returns the number of bytes read, 0 at the end.
    ///
    /// # Errors
    /// What the disk says.
    fn read_at(&mut self, file: &Self::File, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes at an offset; returns the number of bytes written, which may be fewer than asked for.
    ///
    /// # Errors
    /// What the disk says.
    fn write_at(&mut self, file: &Self::File, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes the bytes of a file durable.
    ///
    /// # Errors
    /// What the disk says; then the bytes may be lost for good.
    fn sync_data(&mut self, file: &Self::File) -> io::Result<()>;

    /// Makes the names of the directory durable.
    ///
    /// # Errors
    /// What the disk says; then names may be lost for good.
    fn sync_dir(&mut self) -> io::Result<()>;

    /// Cuts a file to a length.
    ///
    /// # Errors
    /// What the disk says.
    fn set_len(&mut self, name: &str, len: u64) -> io::Result<()>;

    /// Renames a file, replacing the target in one step.
    ///
    /// # Errors
    /// What the disk says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    /// `NotFound`, or what the disk says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Lists the file names, sorted.
    ///
    /// # Errors
    /// What the disk says.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// Takes the directory for one writer, without waiting.
    ///
    /// # Errors
    /// What the disk says; a lock held by another is no error but [`Lock::Held`].
    fn lock(&mut self) -> io::Result<Lock>;

    /// Gives the lock back; nothing happens where it is not held.
    fn unlock(&mut self);
}

/// Writes all of `bytes`, going on after short writes and interruptions.
pub(crate) fn write_all_at<D: Disk>(disk: &mut D, file: &D::File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write_at(file, offset, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                offset += n as u64;
                bytes = bytes.get(n..).unwrap_or(&[]);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads a whole file.
pub(crate) fn read_file<D: Disk>(disk: &mut D, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let len = disk.len(&file)?;
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    read_start(disk, &file, len)
}

/// Reads the first `len` bytes of a file, or all there are.
pub(crate) fn read_start<D: Disk>(disk: &mut D, file: &D::File, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut at = 0;
    while at < len {
        let Some(rest) = bytes.get_mut(at..) else {
            break;
        };
        match disk.read_at(file, at as u64, rest) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(at);
    Ok(bytes)
}
