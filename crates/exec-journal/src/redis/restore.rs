//! The local log made again from its copy: what it lacks is appended, or, on a machine that has nothing, all of it is built beside its
//! place and moved there at the end.

use std::path::{Path, PathBuf};

use super::chain::{self, Chain};
use super::error::CopyError;
use super::store::{Entry, Found, Head, Store};
use crate::disk::Disk;
use crate::error::{Context, OpenError};
use crate::log::{Log, LogOptions, RecordRef};
use crate::os_disk::{OsDisk, OsDiskOptions};
use crate::scan::SEGMENT_SUFFIX;
use crate::snapshot::SNAPSHOT_SUFFIX;

/// Appends to a log that agrees with the copy up to its own end what the copy has behind it, group by group, and syncs it.
pub(super) fn catch_up<D: Disk>(log: &mut Log<D>, store: &mut Store, from: Head, to: &Head) -> Result<u64, CopyError> {
    let mut at = from;
    let mut group: Vec<Entry> = Vec::new();
    while at.seq < to.seq {
        let entries = store.entries(at.seq + 1)?;
        if entries.is_empty() {
            return Err(CopyError::Missing { missing: at.seq + 1, last: to.seq });
        }
        for entry in entries {
            let expected = Head { seq: at.seq + 1, chain: chain::next(&at.chain, at.seq + 1, &entry.record()) };
            if (Head { seq: entry.seq, chain: entry.chain }) != expected {
                return Err(CopyError::Missing { missing: expected.seq, last: to.seq });
            }
            at = expected;
            let ends = entry.group_ends || at.seq == to.seq;
            group.push(entry);
            if ends {
                let records: Vec<RecordRef<'_>> = group.iter().map(Entry::record).collect();
                log.append(&records, None)?;
                group.clear();
            }
        }
    }
    log.sync()?;
    if at.chain != to.chain {
        return Err(CopyError::Missing { missing: at.seq, last: to.seq });
    }
    Ok(at.seq - from.seq)
}

/// A log that was built, beside its place.
pub(super) struct Built {
    pub records: u64,
    path: PathBuf,
    beside: PathBuf,
}

impl Built {
    /// Puts it where it belongs. What stands there has no records, so nothing is lost with it; a crash on the way leaves nothing there,
    /// and it is built again.
    pub(super) fn put_in_place(self) -> Result<(), OpenError> {
        remove(&self.path)?;
        std::fs::rename(&self.beside, &self.path).on("rename", &self.beside.display().to_string())?;
        sync_parent(&self.path)
    }
}

/// Builds the log of a machine that has no records, behind the newest snapshot of the copy. `None`: the copy begins with its first
/// record, and there is nothing to build behind.
pub(super) fn build(
    path: &Path,
    options: &LogOptions,
    disk: OsDiskOptions,
    store: &mut Store,
    found: &Found,
    account: &str,
) -> Result<Option<Built>, CopyError> {
    let (Some(head), Some(seq)) = (found.head, found.snapshot) else { return Ok(None) };
    let missing = CopyError::Missing { missing: seq, last: head.seq };
    let Some(snapshot) = store.snapshot(seq)? else { return Err(missing) };
    let begin = Head { seq, chain: chain_behind(store, found, seq, &snapshot, account)? };
    let beside = beside(path);
    remove(&beside)?;
    let mut log = Log::begin_behind(OsDisk::open(&beside, disk)?, options, seq, &snapshot)?;
    let records = catch_up(&mut log, store, begin, &head)?;
    log.close()?;
    Ok(Some(Built { records, path: path.to_owned(), beside }))
}

/// The digest behind the snapshot: that of its last record, where the stream still has it; else the copy began with it.
fn chain_behind(store: &mut Store, found: &Found, seq: u64, snapshot: &[u8], account: &str) -> Result<Chain, CopyError> {
    if found.first.is_some_and(|first| first <= seq)
        && let Some(entry) = store.entry(seq)?
    {
        return Ok(entry.chain);
    }
    Ok(chain::beginning(account, seq, snapshot))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".rebuild");
    path.with_file_name(name)
}

/// Removes a journal's directory with the files that a journal and its node make; one that holds anything else stays, and is told.
fn remove(path: &Path) -> Result<(), OpenError> {
    let shown = path.display().to_string();
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).on("list", &shown)?,
    };
    for entry in entries {
        let entry = entry.on("list", &shown)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours =
            [SEGMENT_SUFFIX, SNAPSHOT_SUFFIX, ".tmp", ".sock"].iter().any(|suffix| name.ends_with(suffix)) || name == "lock";
        if ours {
            std::fs::remove_file(entry.path()).on("remove", &name)?;
        }
    }
    Ok(std::fs::remove_dir(path).on("remove", &shown)?)
}

fn sync_parent(path: &Path) -> Result<(), OpenError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
    Ok(synced.on("sync", &parent.display().to_string())?)
}
