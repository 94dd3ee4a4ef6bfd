//! What must not be where two nodes had one account, by the exchange's own list of requests and its ledger.

use super::scale::{FIRST, SECOND};
use crate::drill::audit::TAG;
use exchange_sim::{face::RequestRow, ledger::Ledger};
use exec_core::{
    cl_ord_id::{OwnId, Tag},
    ids::{ClOrdId, Epoch},
};
use std::collections::{BTreeMap, BTreeSet};

/// Codes of a request that came after its window: at receipt, and in the engine.
const TOO_LATE: [i32; 2] = [-1021, -5028];

/// When the first node's lease began to end, and was over: times of the exchange, late rather than early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deposed {
    pub(super) from: i64,
    pub(super) by: i64,
}

/// What the list of requests says.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<String>,
    /// Requests of the deposed node that the exchange refused for their time.
    pub(super) late: usize,
    /// Writes that took effect: of the first node, and of the second.
    pub(super) took_effect: (usize, usize),
}

/// Writes of the deposed node: none is taken in after its lease, and none takes effect after one of its successor.
pub(super) fn requests(rows: &[RequestRow], deposed: Deposed) -> Verdict {
    let mut verdict = Verdict::default();
    let mut successor = false;
    for row in rows.iter().filter(|row| row.is_write()) {
        let (first, done) = (row.key == FIRST.key, row.took_effect());
        verdict.took_effect.0 += usize::from(first && done);
        verdict.took_effect.1 += usize::from(row.key == SECOND.key && done);
        successor |= !first && done;
        let what = || format!("{} {} at {}, done at {:?}", row.method, row.path, row.arrived, row.done);
        if first && done && row.arrived > deposed.by {
            verdict.wrong.push(format!("of the deposed node, taken in after its lease ended at {}: {}", deposed.by, what()));
        }
        if first && done && successor {
            verdict.wrong.push(format!("of the deposed node, done after its successor's first: {}", what()));
        }
        if !first && done && row.arrived <= deposed.from {
            verdict.wrong.push(format!("of the successor, before the first node was parted from its lease: {}", what()));
        }
        verdict.late += usize::from(first && row.arrived > deposed.from && TOO_LATE.contains(&row.code));
    }
    verdict
}

/// Orders in the ledger: none of an epoch was accepted after the first of a higher one.
pub(super) fn epochs(ledger: &Ledger) -> Vec<String> {
    let Ok(tag) = Tag::new(TAG) else { return vec!["the drill's tag is none".to_owned()] };
    let epoch = |id: &str| OwnId::decode(&tag, &ClOrdId::new(id).ok()?).map(|own| own.epoch);
    // An ordinary order that a conditional one became has its id: the exchange placed it, and nobody asked.
    let conditional: BTreeSet<&str> = ledger.algo_orders.iter().map(|row| row.client_algo_id.as_str()).collect();
    let ordinary = ledger.orders.iter().map(|row| (row.client_order_id.as_str(), row.time));
    let ordinary = ordinary.filter(|(id, _)| !conditional.contains(id));
    let all = ordinary.chain(ledger.algo_orders.iter().map(|row| (row.client_algo_id.as_str(), row.create_time)));
    let all: Vec<(Epoch, i64, &str)> = all.filter_map(|(id, at)| Some((epoch(id)?, at, id))).collect();
    let mut first: BTreeMap<Epoch, i64> = BTreeMap::new();
    for (epoch, at, _) in &all {
        first.entry(*epoch).and_modify(|first| *first = (*first).min(*at)).or_insert(*at);
    }
    let mut wrong = Vec::new();
    for (epoch, at, id) in all {
        let higher = first.iter().find(|(other, first)| **other > epoch && **first < at);
        wrong.extend(higher.map(|(other, first)| {
            format!("order {id} of epoch {epoch} was accepted at {at}, after the first of epoch {other} at {first}")
        }));
    }
    if first.len() < 2 {
        wrong.push(format!("orders of {} epochs in the ledger: nobody took over", first.len()));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, arrived: i64, done: Option<i64>, code: i32) -> RequestRow {
        let (method, path) = ("DELETE".to_owned(), "/fapi/v1/order".to_owned());
        RequestRow { key: key.to_owned(), method, path, arrived, done, code }
    }

    #[test]
    fn what_a_deposed_node_brings_about_is_wrong_and_what_is_refused_for_its_time_is_an_attempt() {
        let deposed = Deposed { from: 100, by: 200 };
        let fine = [
            row(FIRST.key, 90, Some(91), 0),
            row(FIRST.key, 150, Some(160), 0),
            row(SECOND.key, 400, Some(401), 0),
            row(FIRST.key, 410, None, -1021),
        ];
        let verdict = requests(&fine, deposed);
        assert_eq!((verdict.wrong.len(), verdict.late, verdict.took_effect), (0, 1, (2, 1)));
        assert_eq!(requests(&[row(FIRST.key, 201, Some(202), 0)], deposed).wrong.len(), 1);
        // Taken in under the lease, and carried out by a slow engine behind the successor's first.
        let slow = [row(SECOND.key, 210, Some(211), 0), row(FIRST.key, 199, Some(212), 0)];
        assert_eq!(requests(&slow, deposed).wrong.len(), 1);
        assert_eq!(requests(&[row(SECOND.key, 99, Some(99), 0)], deposed).wrong.len(), 1);
    }
}
