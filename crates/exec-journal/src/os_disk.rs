//! A directory of this machine as a [`Disk`]. Private to its owner, on a file system that keeps what is synced to it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use crate::disk::{Disk, Lock};
use crate::error::{Context, OpenError, Unfit};
use crate::scan::SEGMENT_SUFFIX;
use crate::snapshot::SNAPSHOT_SUFFIX;

const LOCK_FILE: &str = "lock";
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What is meant although it is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OsDiskOptions {
    /// Accepts a file system that forgets at a restart or lies on another machine (tmpfs, NFS and the like). For tests and demonstrations.
    pub allow_volatile: bool,
}

/// A journal directory on this machine. Made with mode 0700 if absent, its files with 0600.
#[derive(Debug)]
pub struct OsDisk {
    path: PathBuf,
    dir: File,
    lock: Option<File>,
}

impl OsDisk {
    /// Opens or makes a directory, and refuses one that is not fit: not ours, open to others, or on a file system that does not keep
    /// its promises.
    ///
    /// # Errors
    /// [`OpenError::Unfit`] says what the operator changes; [`OpenError::Disk`].
    pub fn open(path: impl AsRef<Path>, options: OsDiskOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        make_dir(path).on("make", &shown)?;
        if !path.metadata().on("read", &shown)?.is_dir() {
            return Err(Unfit::NotADirectory { path: shown }.into());
        }
        let dir = File::open(path).on("open", &shown)?;
        check_access(&dir, &shown, DIR_MODE)?;
        if !options.allow_volatile
            && let Some(kind) = volatile_kind(&dir).on("read", &shown)?
        {
            return Err(Unfit::FileSystem { path: shown, kind }.into());
        }
        let mut disk = Self { path: path.to_owned(), dir, lock: None };
        for name in disk.list().on("list", &shown)? {
            if name == LOCK_FILE || name.ends_with(SEGMENT_SUFFIX) || name.ends_with(SNAPSHOT_SUFFIX) {
                let file = disk.options().read(true).open(disk.at(&name));
                let place = disk.at(&name).display().to_string();
                check_access(&file.on("open", &name)?, &place, FILE_MODE)?;
            }
        }
        Ok(disk)
    }

    /// Bytes that this user may still write to the file system of the journal.
    ///
    /// # Errors
    /// What the system says.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        // A link in place of a journal file is nothing we made.
        let no_follow = i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).unwrap_or(0);
        options.mode(FILE_MODE).custom_flags(no_follow);
        options
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIR_MODE).create(path) {
        // The new name must survive a power cut as well.
        Ok(()) => match path.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => File::open(".")?.sync_all(),
        },
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

fn check_access(file: &File, path: &str, want: u32) -> Result<(), OpenError> {
    let meta = file.metadata().on("read", path)?;
    let path = path.to_owned();
    let user = rustix::process::geteuid().as_raw();
    if meta.uid() != user {
        let owner = meta.uid();
        return Err(Unfit::Owner { path, owner, user }.into());
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Unfit::Mode { path, mode, want }.into());
    }
    Ok(())
}

/// Names the file system if it is one that forgets or is remote. Linux `statfs(2)` magic numbers.
#[cfg(target_os = "linux")]
fn volatile_kind(dir: &File) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::fstatfs(dir)?.f_type;
    // The type of the field differs between platforms; all the numbers fit 32 bits.
    let magic = u32::try_from(kind & 0xFFFF_FFFF).unwrap_or(0);
    Ok(match magic {
        0x0102_1994 => Some("tmpfs"),
        0x8584_58f6 => Some("ramfs"),
        0x0000_6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x0000_517b => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    })
}

/// Other systems name their file systems differently; there the operator must know.
#[cfg(not(target_os = "linux"))]
fn volatile_kind(_dir: &File) -> io::Result<Option<&'static str>> {
    Ok(None)
}

impl Disk for OsDisk {
    type File = File;

    fn create(&mut self, name: &str) -> io::Result<File> {
        self.options().read(true).write(true).create_new(true).open(self.at(name))
    }

    fn open(&mut self, name: &str) -> io::Result<File> {
        self.options().read(true).open(self.at(name))
    }

    fn len(&mut self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn read_at(&mut self, file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        file.read_at(into, offset)
    }

    fn write_at(&mut self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    fn sync_data(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        self.dir.sync_all()
    }

    fn set_len(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.options().write(true).open(self.at(name))?.set_len(len)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from), self.at(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(name))
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is not text is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn lock(&mut self) -> io::Result<Lock> {
        let mut options = self.options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(self.at(LOCK_FILE))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let readable = file.read_to_string(&mut pid).is_ok();
                let pid = pid.trim().parse().ok().filter(|_| readable);
                return Ok(Lock::Held { pid });
            }
            Err(e) => return Err(e.into()),
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        self.lock = Some(file);
        Ok(Lock::Taken)
    }

    fn unlock(&mut self) {
        self.lock = None;
    }
}
