//! What happens before the first append: is the server fit, are these our keys, may we write, do log and copy agree; then the log is
//! brought up to date. Nothing of a refused start is left behind but, perhaps, that others were fenced.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use super::compare;
use super::error::CopyError;
use super::options::{Address, RedisOptions};
use super::restore;
use super::server::{self, Refusal};
use super::source::LogSource;
use super::store::{Done, Found, Head, Store, Writer};
use crate::disk::Disk;
use crate::log::{Log, LogOptions};
use crate::os_disk::{OsDisk, OsDiskOptions};
use crate::port::open_log;
use crate::recovery::Recovery;

/// How often a server that does not answer is tried while a start waits for it.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// A log, and the connection to a copy that agrees with it.
pub(super) struct Started<D: Disk> {
    pub log: Log<D>,
    pub store: Store,
    /// Where the copy is; `None`: there is none yet.
    pub head: Option<Head>,
    pub writer: Writer,
    pub options: RedisOptions,
}

/// Opens a log in a directory.
pub(super) fn directory(
    path: &Path,
    options: &LogOptions,
    disk: OsDiskOptions,
    redis: RedisOptions,
) -> Result<(Started<OsDisk>, Recovery), CopyError> {
    let (mut store, found) = reach(&redis)?;
    let options = above(options, &found);
    // Its lock comes before the claim: a second start on this machine must not fence the node that runs.
    let (mut log, mut recovery) = open_log(path, &options, disk)?;
    let (writer, found) = claim(&mut store, &redis, &found, log.epoch())?;
    if log.last_seq() == 0
        && let Some(built) = restore::build(path, &options, disk, &mut store, &found, &redis.account)?
    {
        tracing::warn!(account = %redis.account, records = built.records, snapshot = found.snapshot, "the local journal is built from redis");
        drop(log);
        built.put_in_place()?;
        (log, recovery) = open_log(path, &options, disk)?;
    }
    let view = OsDisk::open(path, disk)?;
    finish(log, view, recovery, store, found, writer, redis)
}

/// Opens a log on any disk.
pub(super) fn on_disk<D: Disk + Send>(
    disk: D,
    view: D,
    options: &LogOptions,
    redis: RedisOptions,
) -> Result<(Started<D>, Recovery), CopyError> {
    let (mut store, found) = reach(&redis)?;
    let (log, recovery) = Log::open(disk, &above(options, &found))?;
    let (writer, found) = claim(&mut store, &redis, &found, log.epoch())?;
    finish(log, view, recovery, store, found, writer, redis)
}

/// The local log's epoch is above all that Redis has seen.
fn above(options: &LogOptions, found: &Found) -> LogOptions {
    LogOptions { epoch_floor: options.epoch_floor.max(found.epoch + 1), ..options.clone() }
}

/// Connects, and refuses what must not be written to. Waits for a server that does not answer.
fn reach(options: &RedisOptions) -> Result<(Store, Found), CopyError> {
    Address::read(&options.url)?;
    let until = Instant::now() + options.patience;
    loop {
        let reached = Store::open(options).map_err(Refusal::from).and_then(|mut store| {
            server::check(store.link(), options)?;
            let found = store.look()?;
            Ok((store, found))
        });
        let error = match reached {
            Ok((_, Found { foreign: Some(foreign), .. })) => return Err(CopyError::Foreign(foreign)),
            Ok((_, Found { owner: Some(owner), held_ms, .. })) if held_ms > 0 && !is_ours(options, Some(&owner)) => {
                return Err(CopyError::Held { owner, left_ms: held_ms });
            }
            Ok((_, Found { owner, .. })) if options.owner.is_some() && !is_ours(options, owner.as_deref()) => {
                return Err(CopyError::NotHeld);
            }
            Ok(reached) => return Ok(reached),
            Err(refusal) => CopyError::from(refusal),
        };
        if !matches!(error, CopyError::Away(_)) || Instant::now() >= until {
            return Err(error);
        }
        std::thread::sleep(TRY_EVERY);
    }
}

/// Whether the lease is the one under which we write.
pub(super) fn is_ours(options: &RedisOptions, owner: Option<&str>) -> bool {
    options.owner.as_ref().is_some_and(|ours| owner == Some(ours.as_str()))
}

/// Takes the account: from here on no life before this one writes to Redis.
fn claim(store: &mut Store, options: &RedisOptions, found: &Found, next: u64) -> Result<(Writer, Found), CopyError> {
    let epoch = if options.owner.is_some() { found.epoch } else { next };
    let writer = Writer { epoch, word: word() };
    match store.claim(&writer)? {
        Done::Ok => Ok((writer, store.look()?)),
        Done::Fenced(theirs) => Err(CopyError::Fenced { theirs, ours: epoch }),
        Done::Lost => Err(CopyError::Foreign(String::from("the keys in redis are not a journal's"))),
    }
}

/// A word that no other life has.
fn word() -> String {
    // Keys of the standard hasher are drawn by the system.
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}-{}", random(), random(), std::process::id())
}

/// Compares, and appends what the log lacks.
fn finish<D: Disk + Send>(
    mut log: Log<D>,
    view: D,
    mut recovery: Recovery,
    mut store: Store,
    found: Found,
    writer: Writer,
    options: RedisOptions,
) -> Result<(Started<D>, Recovery), CopyError> {
    let mut source = LogSource::new(view, &options.account);
    let mut head = found.head;
    match compare::agree(&mut store, &mut source, &found, &options.account) {
        Ok(agreed) => {
            if let Some(head) = found.head.filter(|head| head.seq > agreed.seq) {
                let records = restore::catch_up(&mut log, &mut store, agreed, &head)?;
                tracing::warn!(account = %options.account, records, last = head.seq, "the local journal lacked records that redis has");
                recovery.last_seq = head.seq;
            }
        }
        // So long was the copy not followed that the log has let go of where it ends: it begins anew behind a snapshot.
        Err(CopyError::Apart { local_first, redis_last, .. }) if redis_last + 1 < local_first => head = None,
        Err(error) => return Err(error),
    }
    Ok((Started { log, store, head, writer, options }, recovery))
}
