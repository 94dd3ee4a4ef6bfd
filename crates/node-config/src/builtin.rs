//! What every factory has from the beginning: the venues of the features, the file journal. Nothing here is needed by a factory of one's own.

use crate::{
    config::Durability,
    factory::NodeFactory,
    profile::Profile,
    seat::{JournalSeat, MakeError},
};
use exec_core::{journal::Journal, strategy::Strategy};

/// A strategy that does nothing: the node keeps its books, and the operator acts.
struct Observer;

impl Strategy for Observer {}

pub(crate) fn register(factory: NodeFactory) -> NodeFactory {
    let factory = factory.journal("file", file_journal).strategy("observer", |_| Ok(Box::new(Observer)));
    #[cfg(feature = "redis")]
    let factory = factory.journal(crate::redis::REDIS, redis_journal).lease(crate::redis::REDIS, redis_lease);
    #[cfg(feature = "binance")]
    let factory = factory.venue("binance", crate::binance::maker());
    #[cfg(feature = "sim")]
    let factory = factory.venue("sim", crate::sim::make);
    factory
}

fn file_journal(seat: &JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError> {
    let (log, options) = local(seat)?;
    let (journal, found) = exec_journal::EngineJournal::open_with(seat.directory, &log, options)?;
    tell(seat, &found);
    Ok(Box::new(journal))
}

/// The file journal with a copy on Redis.
#[cfg(feature = "redis")]
fn redis_journal(seat: &JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError> {
    let Some(redis) = seat.redis else { return Err("[journal.redis] is missing".into()) };
    let mut options = redis.options(seat.account.as_str(), seat.profile.word())?;
    let (log, disk) = local(seat)?;
    let directory = seat.directory.to_owned();
    let view = move || exec_journal::OsDisk::open(&directory, disk);
    // Whether client ids are ours does not matter for adding up; any tag does.
    let teller = exec_runtime::EventTeller::new(seat.account.clone(), exec_core::cl_ord_id::Tag::new("X")?);
    // Under a lease nothing is opened before the node has it.
    if let Some(owner) = &seat.owner {
        options.owner = Some(owner.clone());
        let mut journal = exec_journal::SharedJournal::standby(seat.directory, log, disk, options);
        if redis.events {
            journal.publish(view, Box::new(teller), redis.events_max)?;
        }
        return Ok(Box::new(journal));
    }
    let (mut journal, found) = exec_journal::SharedJournal::open(seat.directory, &log, disk, options)?;
    if redis.events {
        journal.publish(view, Box::new(teller), redis.events_max)?;
    }
    tell(seat, &found);
    tracing::info!(account = %seat.account, url = %redis.url, epoch = journal.epoch(), "the journal has a copy: {}", redis.lost_with_machine());
    Ok(Box::new(journal))
}

/// The lease of an account beside its journal on Redis.
#[cfg(feature = "redis")]
fn redis_lease(seat: &JournalSeat<'_>) -> Result<std::sync::Arc<dyn exec_core::lease::LeaseStore>, MakeError> {
    let Some(redis) = seat.redis else { return Err("[journal.redis] is missing".into()) };
    let options = redis.options(seat.account.as_str(), seat.profile.word())?;
    Ok(std::sync::Arc::new(exec_journal::RedisLease::new(options)?))
}

/// What a log in a directory of this machine is opened with.
fn local(seat: &JournalSeat<'_>) -> Result<(exec_journal::LogOptions, exec_journal::OsDiskOptions), MakeError> {
    use exec_journal::{Durability as Kept, LogOptions, OsDiskOptions};

    if let Some(parent) = seat.directory.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // Without money behind it a journal may lie in memory, as it does in tests and demonstrations.
    let options = OsDiskOptions { allow_volatile: seat.profile == Profile::Simulated };
    let kept = match seat.durability {
        Durability::Sync => Kept::Sync,
        Durability::Os => Kept::Os,
    };
    let log = LogOptions {
        durability: kept,
        segments_kept: usize::try_from(seat.segments_kept).unwrap_or(usize::MAX),
        ..LogOptions::new(seat.account.as_str())
    };
    Ok((log, options))
}

/// Logs how a journal was found.
fn tell(seat: &JournalSeat<'_>, found: &exec_journal::Recovery) {
    tracing::info!(
        account = %seat.account,
        records = found.last_seq,
        first = found.first_seq,
        snapshot = found.snapshot.as_ref().map_or(0, |s| s.seq),
        closed_clean = found.closed_clean,
        "journal is open"
    );
    if let Some(cut) = &found.cut {
        tracing::warn!(
            account = %seat.account,
            file = %cut.file,
            offset = cut.offset,
            bytes = cut.bytes,
            groups = cut.groups,
            "the journal ended in an interrupted write; it was never acknowledged and is cut off"
        );
    }
    for file in &found.damaged_snapshots {
        tracing::warn!(account = %seat.account, %file, "a snapshot is damaged; an older one or the whole log stands in for it");
    }
}
