//! Whether a local log and its copy hold the same records where both have some. Reads both, changes neither.

use super::chain::{self, Chain};
use super::error::CopyError;
use super::source::Source;
use super::store::{Found, Head, Store};
use crate::error::OpenError;

/// The last record that both have, up to which they are equal.
pub(super) fn agree(store: &mut Store, source: &mut dyn Source, found: &Found, account: &str) -> Result<Head, CopyError> {
    let Some(head) = found.head else { return Ok(Head { seq: 0, chain: chain::beginning(account, 0, b"") }) };
    let (local_first, local_last) = source.span()?;
    let apart =
        CopyError::Apart { local_first, local_last, redis_first: found.first.unwrap_or(head.seq + 1), redis_last: head.seq };
    let end = head.seq.min(local_last);
    let Some(from) = beginning(store, source, found, &head, account, (local_first, end))? else { return Err(apart) };
    let missing = |seq| CopyError::Missing { missing: seq, last: head.seq };
    let walked = walk(source, from, end)?;
    let (Some(ours), true) = (walked, from.seq <= end) else { return Err(apart) };
    let theirs = match end == head.seq {
        true => head.chain,
        false if end == from.seq => from.chain,
        false => store.entry(end)?.ok_or_else(|| missing(end))?.chain,
    };
    if ours == theirs {
        return Ok(Head { seq: end, chain: ours });
    }
    Err(CopyError::Fork { agree: parted(store, source, from, end)? })
}

/// A record at which the digest is known and up to which, as far as can be seen, both are equal. `None`: there is none in common.
fn beginning(
    store: &mut Store,
    source: &mut dyn Source,
    found: &Found,
    head: &Head,
    account: &str,
    (local_first, end): (u64, u64),
) -> Result<Option<Head>, CopyError> {
    // A copy that begins with the first record, or with a snapshot that the local log has too.
    let base = found.first.map_or(head.seq, |first| first - 1);
    if base >= local_first.saturating_sub(1) && base <= end {
        let snapshot = match (base, source.snapshot(base)) {
            (0, _) => Some(Vec::new()),
            (_, Ok(snapshot)) => Some(snapshot.bytes),
            (_, Err(_)) => None,
        };
        if let Some(snapshot) = snapshot {
            let begin = Head { seq: base, chain: chain::beginning(account, base, &snapshot) };
            let fits = match found.first {
                None => head.chain == begin.chain,
                Some(first) => match store.entry(first)? {
                    Some(entry) => entry.chain == chain::next(&begin.chain, first, &entry.record()),
                    None => return Err(CopyError::Missing { missing: first, last: head.seq }),
                },
            };
            if fits {
                return Ok(Some(begin));
            }
            if base == 0 {
                return Err(CopyError::Fork { agree: 0 });
            }
        }
    }
    let Some(first) = found.first else { return Ok(None) };
    let anchor = first.max(local_first.saturating_sub(1));
    if anchor > end {
        return Ok(None);
    }
    let entry = store.entry(anchor)?.ok_or(CopyError::Missing { missing: anchor, last: head.seq })?;
    if anchor >= local_first {
        let mut same = false;
        source.read(anchor, &mut |seq, record, _| {
            same = seq == anchor && *record == entry.record();
            false
        })?;
        if !same {
            return Err(CopyError::Fork { agree: anchor - 1 });
        }
    }
    Ok(Some(Head { seq: anchor, chain: entry.chain }))
}

/// The digest behind a record of the local log; `None` where it does not have all the records until then.
fn walk(source: &mut dyn Source, from: Head, end: u64) -> Result<Option<Chain>, OpenError> {
    let mut at = from;
    if from.seq < end {
        source.read(from.seq + 1, &mut |seq, record, _| {
            if seq == at.seq + 1 && seq <= end {
                at = Head { seq, chain: chain::next(&at.chain, seq, record) };
            }
            at.seq == seq && seq < end
        })?;
    }
    Ok((at.seq == end).then_some(at.chain))
}

/// The last record at which they are equal, for whoever has to decide.
fn parted(store: &mut Store, source: &mut dyn Source, from: Head, end: u64) -> Result<u64, CopyError> {
    let (mut same, mut differs) = (from.seq, end);
    while differs - same > 1 {
        let middle = same + (differs - same) / 2;
        let theirs = store.entry(middle)?.map(|entry| entry.chain);
        if theirs.is_some() && walk(source, from, middle)? == theirs {
            same = middle;
        } else {
            differs = middle;
        }
    }
    Ok(same)
}
