//! Snapshot files: the caller's state up to a record, so that older segments can go. Not interpreted here; two are kept.

use sha2::{Digest, Sha256};

use crate::disk::{Disk, read_file, write_all_at};
use crate::error::{Context, Damage, Failure, OpenError};
use crate::format::{FORMAT, hash_at, u32_at, u64_at};
use crate::scan::{check_account, number_in};

const MAGIC: [u8; 8] = *b"EXECSNAP";
const HEADER: usize = 104;
const SUMMED: usize = 72;
pub(crate) const SNAPSHOT_SUFFIX: &str = ".snap";
pub(crate) const SNAPSHOT_TEMP: &str = "snapshot.tmp";
/// Snapshots kept: the newest, and one to fall back to.
pub(crate) const KEEP: usize = 2;

/// A state that its owner saved, covering all records up to and including `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the last record in it; 0 is a state before any record.
    pub seq: u64,
    /// Epoch of the life that wrote it.
    pub epoch: u64,
    /// The owner's bytes.
    pub bytes: Vec<u8>,
}

pub(crate) fn snapshot_name(seq: u64) -> String {
    // Numbered from 1, because a number of 0 is no name.
    format!("{:020}{SNAPSHOT_SUFFIX}", seq.saturating_add(1))
}

/// The snapshots a directory holds, by record number.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Record numbers of the sound ones, ascending.
    pub sound: Vec<u64>,
    /// File names of the damaged ones.
    pub damaged: Vec<String>,
    pub latest: Option<Snapshot>,
}

/// Reads all snapshots. A damaged one is noted, not fatal: the older one and a longer log may stand in.
pub(crate) fn read_shelf<D: Disk>(disk: &mut D, names: &[String], account: Option<&[u8; 32]>) -> Result<Shelf, OpenError> {
    let mut shelf = Shelf::default();
    for name in names {
        if number_in(name, SNAPSHOT_SUFFIX)?.is_none() {
            continue;
        }
        let file = read_file(disk, name).on("read", name)?;
        match decode(name, &file, account)? {
            Some(snapshot) if snapshot_name(snapshot.seq) == *name => {
                shelf.sound.push(snapshot.seq);
                shelf.latest = Some(snapshot);
            }
            _ => shelf.damaged.push(name.clone()),
        }
    }
    Ok(shelf)
}

/// Reads one snapshot again that was found sound.
pub(crate) fn read_snapshot<D: Disk>(disk: &mut D, seq: u64, account: &[u8; 32]) -> Result<Snapshot, OpenError> {
    let name = snapshot_name(seq);
    let file = read_file(disk, &name).on("read", &name)?;
    let snapshot = decode(&name, &file, Some(account))?;
    snapshot.ok_or(OpenError::Corrupt { file: name, offset: 0, what: Damage::Snapshot })
}

fn decode(name: &str, file: &[u8], account: Option<&[u8; 32]>) -> Result<Option<Snapshot>, OpenError> {
    if !file.starts_with(&MAGIC) {
        return Ok(None);
    }
    if let Some(found) = u32_at(file, 8).filter(|found| *found > FORMAT) {
        return Err(OpenError::NewerFormat { file: name.to_owned(), found, known: FORMAT });
    }
    let Some((snapshot, found)) = decode_sound(file) else {
        return Ok(None);
    };
    check_account(name, &found, account)?;
    Ok(Some(snapshot))
}

fn decode_sound(file: &[u8]) -> Option<(Snapshot, [u8; 32])> {
    let bytes = file.get(HEADER..)?;
    let digest = Sha256::new().chain_update(file.get(..SUMMED)?).chain_update(bytes).finalize();
    if hash_at(file, SUMMED)? != <[u8; 32]>::from(digest) || u64_at(file, 64)? != bytes.len() as u64 {
        return None;
    }
    let snapshot = Snapshot { seq: u64_at(file, 48)?, epoch: u64_at(file, 56)?, bytes: bytes.to_vec() };
    Some((snapshot, hash_at(file, 16)?))
}

pub(crate) fn encode(account: &[u8; 32], seq: u64, epoch: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + bytes.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(account);
    for n in [seq, epoch, bytes.len() as u64] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    let digest = Sha256::new().chain_update(&out).chain_update(bytes).finalize();
    out.extend_from_slice(&digest);
    out.extend_from_slice(bytes);
    out
}

/// Writes the bytes of a snapshot under a temporary name and makes them durable there.
pub(crate) fn write_temp<D: Disk>(disk: &mut D, encoded: &[u8]) -> Result<(), Failure> {
    match disk.remove(SNAPSHOT_TEMP) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::new("remove", SNAPSHOT_TEMP, e));
        }
        _ => {}
    }
    let file = disk.create(SNAPSHOT_TEMP).on("create", SNAPSHOT_TEMP)?;
    write_all_at(disk, &file, 0, encoded).on("write", SNAPSHOT_TEMP)?;
    disk.sync_data(&file).on("sync", SNAPSHOT_TEMP)
}

/// Checks that snapshots and log fit together: no snapshot ahead of the log, no log that begins behind the newest snapshot.
pub(crate) fn check_fit(shelf: &Shelf, first_segment: Option<(&str, u64, u64)>, last_seq: u64) -> Result<(), OpenError> {
    let newest = shelf.sound.last().copied();
    let corrupt = |file: String, what| Err(OpenError::Corrupt { file, offset: 0, what });
    if let Some(seq) = newest.filter(|seq| *seq > last_seq) {
        return corrupt(snapshot_name(seq), Damage::SnapshotAhead);
    }
    match first_segment {
        Some((_, 1, _)) | None => Ok(()),
        Some((_, _, first_seq)) if newest.is_some_and(|seq| seq + 1 >= first_seq) => Ok(()),
        Some((file, _, _)) => match shelf.damaged.last() {
            Some(damaged) => corrupt(damaged.clone(), Damage::Snapshot),
            None => corrupt(file.to_owned(), Damage::Missing),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bit_of_a_snapshot_can_change_unseen() {
        let bytes = encode(&[3; 32], 41, 7, b"state");
        let read = decode("x", &bytes, Some(&[3; 32])).unwrap().unwrap();
        assert_eq!((read.seq, read.epoch, &read.bytes[..]), (41, 7, &b"state"[..]));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(decode("x", &flipped, Some(&[3; 32])), Ok(Some(_))), "bit {bit}");
        }
    }
}
