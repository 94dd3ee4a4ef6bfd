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

/// Builds the log of a machine that has no records, behind the newest snapshot of the copy. `None`: the copy begins with its first
/// record, and the log is not touched.
pub(super) fn build(
    path: &Path,
    options: &LogOptions,
    disk: OsDiskOptions,
    store: &mut Store,
    found: &Found,
    account: &str,
) -> Result<Option<u64>, CopyError> {
    let (Some(head), Some(seq)) = (found.head, found.snapshot) else { return Ok(None) };
    let missing = CopyError::Missing { missing: seq, last: head.seq };
    let Some(snapshot) = store.snapshot(seq)? else { return Err(missing) };
    let begin = Head { seq, chain: chain_behind(store, found, seq, &snapshot, account)? };
    let beside = beside(path);
    remove(&beside)?;
    let mut log = Log::begin_behind(OsDisk::open(&beside, disk)?, options, seq, &snapshot)?;
    let records = catch_up(&mut log, store, begin, &head)?;
    log.close()?;
    // Nothing is lost with what stands there: it has no records.
    remove(path)?;
    std::fs::rename(&beside, path).on("rename", &beside.display().to_string()).map_err(OpenError::from)?;
    sync_parent(path)?;
    Ok(Some(records))
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

fn remove(path: &Path) -> Result<(), OpenError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).on("remove", &path.display().to_string())?,
        _ => Ok(()),
    }
}

fn sync_parent(path: &Path) -> Result<(), OpenError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
    Ok(synced.on("sync", &parent.display().to_string())?)
}
