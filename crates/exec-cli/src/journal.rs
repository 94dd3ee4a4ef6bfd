//! `journal verify` and `journal dump`: what stands in a journal, and whether it is sound. Without its lock, without changing it.

use crate::{
    args::{Journal, JournalVerb},
    failure::Failure,
    screen,
};
use exec_core::{cl_ord_id::Tag, record::Record};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

pub(crate) fn run(args: &Journal) -> Result<(), Failure> {
    match &args.verb {
        JournalVerb::Verify { directory, json } => verify(directory, *json),
        JournalVerb::Dump { directory, json } => dump(directory, *json),
    }
}

fn verify(directory: &Path, as_json: bool) -> Result<(), Failure> {
    let found = node_config::verify_journal(directory)?;
    let account = node_config::journal_account(directory)?;
    let mut kinds: BTreeMap<u16, (&str, u64)> = BTreeMap::new();
    // Whether client ids are ours does not matter for adding up; any tag does.
    let tag = Tag::new("X").map_err(|error| Failure::Refused(error.to_string()))?;
    let books = account.as_ref().map(|account| node_config::replay_books(directory, account, tag)).transpose()?;
    node_config::visit_journal(directory, |_, record| {
        kinds.entry(record.kind()).or_insert((name(&record), 0)).1 += 1;
        Ok(())
    })?;
    let account = account.map_or_else(|| "none yet".to_owned(), |a| a.to_string());
    let (orders, open) = books.as_ref().map_or((0, 0), |b| (b.orders().count(), b.open_orders().count()));
    if as_json {
        screen::json(&json!({
            "sound": true,
            "account": account,
            "first": found.first_seq,
            "last": found.last_seq,
            "segments": found.segments,
            "snapshot": found.snapshot.as_ref().map(|s| s.seq),
            "damaged_snapshots": found.damaged_snapshots,
            "epoch": found.last_epoch,
            "closed_clean": found.closed_clean,
            "cut_bytes": found.cut.as_ref().map(|c| c.bytes),
            "orders": orders,
            "open_orders": open,
            "records": kinds.values().map(|(name, count)| ((*name).to_owned(), *count)).collect::<BTreeMap<_, _>>(),
        }));
        return Ok(());
    }
    screen::say(format!("journal of account {account}: sound"));
    screen::say(format!("  records {} to {} in {} segments", found.first_seq, found.last_seq, found.segments));
    match &found.snapshot {
        Some(snapshot) => screen::say(format!("  a start reads the snapshot after record {} and what follows it", snapshot.seq)),
        None => screen::say("  no snapshot: a start reads all records"),
    }
    for file in &found.damaged_snapshots {
        screen::say(format!("  snapshot {file} is damaged; an older one or the whole log stands in for it"));
    }
    screen::say(format!("  {orders} orders, {open} open"));
    for (name, count) in kinds.values() {
        screen::say(format!("  {count:>8} {name}"));
    }
    match (&found.cut, found.closed_clean) {
        (Some(cut), _) => screen::say(format!(
            "  an interrupted write of {} bytes at the end of {}; it was never acknowledged",
            cut.bytes, cut.file
        )),
        (None, true) => screen::say("  closed on purpose"),
        (None, false) => screen::say("  not closed on purpose: in use, or its writer was killed"),
    }
    Ok(())
}

fn dump(directory: &Path, as_json: bool) -> Result<(), Failure> {
    node_config::visit_journal(directory, |seq, record| {
        if as_json {
            match serde_json::to_value(&record) {
                Ok(value) => screen::json(&json!({ "seq": seq, "record": value })),
                Err(error) => screen::complain(&format!("record {seq}: {error}")),
            }
        } else {
            screen::say(format!("{seq:>8} {record:?}"));
        }
        Ok(())
    })?;
    Ok(())
}

const fn name(record: &Record) -> &'static str {
    match record {
        Record::Started { .. } => "starts",
        Record::StrategyNumber { .. } => "numbers of strategies",
        Record::Intent(_) => "intents",
        Record::Order { .. } => "facts about orders",
        Record::Baseline(_) => "baselines of positions",
        Record::TradeCursor(_) => "cursors of trades",
        Record::Balance { .. } => "balances",
        Record::Cursor { .. } => "cursors of strategies",
        Record::Latched { .. } => "latches",
        Record::Released { .. } => "releases",
        Record::Operator { .. } => "commands of operators",
        Record::Raw { .. } => "kept raw",
        Record::Adjustment(_) => "settled differences",
        Record::Claim(_) => "claims of strategies",
        Record::LetGo { .. } => "old orders let go",
        Record::Lifted { .. } => "latches that ended by themselves",
        Record::Day(_) => "days",
        Record::Funding { .. } => "funding",
        Record::InstrumentChanged { .. } => "changes of instruments",
        Record::Alert { .. } => "alerts",
    }
}
