//! What every factory has from the beginning: the venues of the features, the file journal. Nothing here is needed by a factory of one's own.

use crate::{
    config::Durability,
    factory::{JournalSeat, MakeError, NodeFactory},
    profile::Profile,
};
use exec_core::{journal::Journal, strategy::Strategy};

/// A strategy that does nothing: the node keeps its books, and the operator acts.
struct Observer;

impl Strategy for Observer {}

pub(crate) fn register(factory: NodeFactory) -> NodeFactory {
    let factory = factory.journal("file", file_journal).strategy("observer", |_| Ok(Box::new(Observer)));
    #[cfg(feature = "binance")]
    let factory = factory.venue("binance", crate::binance::maker());
    #[cfg(feature = "sim")]
    let factory = factory.venue("sim", crate::sim::make);
    factory
}

fn file_journal(seat: &JournalSeat<'_>) -> Result<Box<dyn Journal>, MakeError> {
    use exec_journal::{Durability as Kept, EngineJournal, LogOptions, OsDiskOptions};

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
    let (journal, found) = EngineJournal::open_with(seat.directory, &log, options)?;
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
    Ok(Box::new(journal))
}
