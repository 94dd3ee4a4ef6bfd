//! What must be true of an account when a drill is over: its journal, replayed, against the exchange's own ledger. It reads, and
//! changes nothing.

use super::strategy::{HEDGE, hedge_qty};
use crate::{
    failure::Failure,
    play::{
        compare::compare,
        forgetful::Forgetful,
        stage::{Exchange, Owner},
        tally::{DoubtWatch, Doubts},
    },
};
use exchange_sim::{
    ledger::Ledger,
    types::{AlgoStatus, OrderStatus, PositionSide as Leg, Side as LedgerSide},
};
use exec_core::{
    books::Books,
    cl_ord_id::Tag,
    ids::AccountId,
    order::{
        Order,
        intent::{ListRole, Provenance},
    },
    record::Record,
    time::Timestamp,
    units::Side,
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The tag of every drill's client order ids.
pub(crate) const TAG: &str = "DRILL";

/// What an audit came to.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// What differs or must not be, each in words; empty is well.
    pub(crate) wrong: Vec<String>,
    pub(crate) doubts: Doubts,
    /// From the first fill of each bracket's entry to the moment when the exchange had its stop.
    pub(crate) unprotected_ms: i64,
    /// The longest of them.
    pub(crate) longest_unprotected_ms: i64,
    /// Brackets whose stop never came to the exchange, by what became of the stop.
    pub(crate) never_protected: BTreeMap<String, usize>,
    /// Closing orders of which the journal had not heard when the node died, because they wait for no disk: they came back by
    /// their id, or had ended without a trade before anybody could see them.
    pub(crate) ahead_of_the_journal: usize,
}

/// A journal, read back.
pub(crate) struct Replayed {
    pub(crate) books: Books,
    doubts: Doubts,
    wrong: Vec<String>,
}

/// Replays a journal into books as a node does at its start, and listens for what must not stand in it.
pub(crate) fn replay(journal: &Path, account: &str, forgetful: &mut Forgetful) -> Result<Replayed, Failure> {
    let refused = |error: String| Failure::Refused(error);
    let id = AccountId::new(account).map_err(|e| refused(e.to_string()))?;
    let tag = Tag::new(TAG).map_err(|e| refused(e.to_string()))?;
    let (mut books, mut watch, mut wrong, mut starts) = (Books::new(id, tag), DoubtWatch::default(), Vec::new(), 0);
    node_config::visit_journal(journal, |seq, mut record| {
        forgetful.pass(&mut record);
        watch.see(&record);
        if let Record::LetGo { .. } = &record {
            // A node forgets what is long over; the comparison does not.
            record = Record::Raw { why: "forgotten by the node".to_owned(), raw: String::new(), at: Timestamp(0) };
        }
        match &record {
            Record::Started { .. } => starts += 1,
            Record::Baseline(baseline) if starts > 1 => {
                wrong.push(format!("{} {:?}: a baseline at start {starts}", baseline.instrument, baseline.leg));
            }
            Record::Raw { why, .. } if !why.starts_with("forgotten") => wrong.push(format!("kept raw: {why}")),
            Record::Latched { text, .. } => wrong.push(format!("latched: {text}")),
            _ => (),
        }
        books.apply(seq, &record).map(|_| ())
    })?;
    let doubts = watch.close(&books);
    Ok(Replayed { books, doubts, wrong })
}

/// Compares an account that is at rest: its node has ended, or nothing of it is on its way.
pub(crate) fn audit(exchange: &Exchange, owner: Owner, account: &str, read: Replayed) -> Result<Audit, Failure> {
    let Replayed { books, doubts, wrong } = read;
    let mut ledger = exchange.ledger(owner)?;
    let ahead_of_the_journal = overlook_unseen(&books, &mut ledger);
    let mut audit = Audit { wrong, doubts, ahead_of_the_journal, ..Audit::default() };
    for line in compare(&books, &ledger, &Exchange::deposits()).iter().filter(|line| !line.is_equal()) {
        audit.wrong.extend(line.differences.iter().map(|d| format!("{}: {d}", line.what)));
    }
    if audit.doubts.open > 0 {
        audit.wrong.push(format!("{} attempts are still in doubt", audit.doubts.open));
    }
    let hedge = exchange.symbols.get(HEDGE).map_or("", String::as_str);
    sent_twice(&books, &ledger, &mut audit);
    audit.wrong.extend(hedges(&books, &ledger, hedge));
    unprotected(&books, &ledger, &mut audit);
    for text in &mut audit.wrong {
        *text = format!("{account}: {text}");
    }
    Ok(audit)
}

/// Whether an order that closes came back by its id, under its strategy, because its record was not yet written at the kill.
fn was_unheard_of(order: &Order) -> bool {
    let intent = order.intent();
    intent.provenance == Provenance::Recovered && !intent.terms.can_add_risk() && intent.owner.strategy().is_some()
}

/// Takes out of a ledger the closing orders that ended without a trade and that no journal has heard of. Returns how many.
fn overlook_unseen(books: &Books, ledger: &mut Ledger) -> usize {
    let known: BTreeSet<String> = books.orders().flat_map(|o| o.attempts().keys()).map(ToString::to_string).collect();
    let closes = |reduces: bool, side: LedgerSide, leg: Leg| {
        reduces || matches!((leg, side), (Leg::Long, LedgerSide::Sell) | (Leg::Short, LedgerSide::Buy))
    };
    let traded: BTreeSet<String> = ledger.trades.iter().map(|row| row.client_order_id.clone()).collect();
    let unseen = |id: &String| !known.contains(id) && !traded.contains(id);
    let children: BTreeSet<String> = books
        .orders()
        .filter(|o| was_unheard_of(o) && !o.intent().terms.kind.is_conditional())
        .flat_map(|o| o.attempts().keys())
        .map(ToString::to_string)
        .collect();
    // One that was conditional and had triggered by then came back as the ordinary order that it had become.
    ledger.algo_orders.retain(|row| {
        let triggered = matches!(row.status, AlgoStatus::Triggering | AlgoStatus::Triggered | AlgoStatus::Finished);
        !(triggered && children.contains(&row.client_algo_id))
    });
    let before = names(ledger).len();
    ledger.orders.retain(|row| {
        let over = !matches!(row.status, OrderStatus::New | OrderStatus::PartiallyFilled);
        !(over && unseen(&row.client_order_id) && closes(row.reduce_only, row.side, row.position_side))
    });
    ledger.algo_orders.retain(|row| {
        let over = !matches!(row.status, AlgoStatus::New | AlgoStatus::Triggering);
        !(over && unseen(&row.client_algo_id) && closes(row.reduce_only || row.close_position, row.side, row.position_side))
    });
    before - names(ledger).len()
}

/// What one intent has at the exchange more than once, and what the exchange has that nobody here asked for.
fn sent_twice(books: &Books, ledger: &Ledger, audit: &mut Audit) {
    let mut wrong = Vec::new();
    let accepted = names(ledger);
    let executed: BTreeSet<&str> = ledger.trades.iter().map(|row| row.client_order_id.as_str()).collect();
    for order in books.orders() {
        let intent = order.intent();
        if was_unheard_of(order) {
            audit.ahead_of_the_journal += 1;
        } else if intent.provenance != Provenance::Ours {
            wrong.push(format!("order {} came in as {:?}", intent.id, intent.provenance));
        }
        let ids: Vec<String> = order.attempts().keys().map(ToString::to_string).collect();
        let there = ids.iter().filter(|id| accepted.contains(id.as_str())).count();
        // A change of a conditional order is a new attempt by intent; everything else is accepted once.
        let allowed = 1 + order.replaces().len() + remedies(order);
        if there > allowed {
            wrong.push(format!("order {}: {there} attempts were accepted, {allowed} could be", intent.id));
        }
        let had_their_way = ids.iter().filter(|id| executed.contains(id.as_str())).count();
        if intent.terms.can_add_risk() && had_their_way > 1 {
            wrong.push(format!("order {}: {had_their_way} of its attempts executed", intent.id));
        }
    }
    audit.wrong.extend(wrong);
}

/// How often a closing order may be placed anew without being asked for: a list keeps it at what is open.
fn remedies(order: &Order) -> usize {
    if order.intent().terms.is_closing() && order.intent().list.is_some() { order.attempts().len() } else { 0 }
}

/// Every client order id that the exchange has accepted, of both books.
pub(crate) fn names(ledger: &Ledger) -> BTreeSet<&str> {
    let ordinary = ledger.orders.iter().map(|row| row.client_order_id.as_str());
    ordinary.chain(ledger.algo_orders.iter().map(|row| row.client_algo_id.as_str())).collect()
}

/// One hedge for each fill, none twice: side and quantity say whose it is.
fn hedges(books: &Books, ledger: &Ledger, hedge: &str) -> Vec<String> {
    let mut balance: BTreeMap<(bool, Decimal), i64> = BTreeMap::new();
    for row in ledger.trades.iter().filter(|row| *row.symbol != *hedge) {
        *balance.entry((row.side == LedgerSide::Sell, hedge_qty(u64::try_from(row.id).unwrap_or(0)))).or_default() += 1;
    }
    for order in books.orders().filter(|o| o.intent().terms.instrument.symbol() == hedge) {
        let terms = &order.intent().terms;
        let qty = terms.qty.map_or(Decimal::ZERO, |q| q.get().normalize());
        *balance.entry((terms.side == Side::Buy, qty)).or_default() -= 1;
    }
    let word = |buys: bool| if buys { "BUY" } else { "SELL" };
    balance
        .iter()
        .filter(|(_, left)| **left != 0)
        .map(|((buys, qty), left)| match *left > 0 {
            true => format!("hedges {} {qty}: {left} fills have none", word(*buys)),
            false => format!("hedges {} {qty}: {} more than fills", word(*buys), -left),
        })
        .collect()
}

/// How long brackets stood without their stop, by the exchange's own times.
fn unprotected(books: &Books, ledger: &Ledger, audit: &mut Audit) {
    for list in books.lists() {
        let of = |role: ListRole| {
            let all = books.orders_of_list(list).filter(move |o| o.intent().list.is_some_and(|p| p.role == role));
            all.flat_map(|o| o.attempts().keys()).map(ToString::to_string).collect::<BTreeSet<String>>()
        };
        let (entries, stops) = (of(ListRole::Entry), of(ListRole::StopLoss));
        let filled = ledger.trades.iter().filter(|row| entries.contains(&row.client_order_id)).map(|row| row.time).min();
        let guarded =
            ledger.algo_orders.iter().filter(|row| stops.contains(&row.client_algo_id)).map(|row| row.create_time).min();
        match (filled, guarded) {
            (Some(filled), Some(guarded)) => {
                let took = (guarded - filled).max(0);
                audit.unprotected_ms += took;
                audit.longest_unprotected_ms = audit.longest_unprotected_ms.max(took);
            }
            (Some(_), None) => {
                let stop = books.orders_of_list(list).find(|o| o.intent().list.is_some_and(|p| p.role == ListRole::StopLoss));
                let word = stop.map_or_else(|| "none".to_owned(), |o| format!("{:?}", o.status()));
                *audit.never_protected.entry(word).or_default() += 1;
            }
            (None, _) => (),
        }
    }
}
