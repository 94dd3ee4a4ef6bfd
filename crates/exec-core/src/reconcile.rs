//! Compares our books with everything the venue holds. A pure function; applying its plan twice learns nothing the second time.

use crate::{
    books::Books,
    cl_ord_id::OwnId,
    ids::{ClOrdId, InstrumentId, IntentId, TradeId},
    order::{Order, attempt::AttemptFacts, event::OrderEvent, facts, intent::Provenance},
    plant::{Plant, planted},
    position::Position,
    record::Baseline,
    report::{MassStatus, OrderReport},
    time::VenueTime,
    units::{PositionSide, Qty, SignedQty},
    venue::{OrderRef, TradesFrom},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::fmt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// So far an attempt may be dated ahead of the venue's clock and be taken in: the venue refuses more than a second, and some.
const SIGNED_AHEAD_MS: i64 = 5_000;

/// What a mass status teaches, and what must still be asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// Facts about orders we know.
    pub learn: Vec<(IntentId, OrderEvent)>,
    /// Open orders that we do not know.
    pub adopt: Vec<OrderReport>,
    /// Orders of ours that are open here and not there: ask for each, absence from a list proves nothing.
    pub ask: Vec<OrderRef>,
    /// Instruments whose trades must be read, and from where on.
    pub trades: Vec<(InstrumentId, TradesFrom)>,
    /// Legs whose books begin with what the venue holds.
    pub begin: Vec<Baseline>,
}

/// Makes the plan. `instruments` are those that the config names; others are found in books and status.
pub fn plan(books: &Books, status: &MassStatus, instruments: &[InstrumentId]) -> Plan {
    let mut plan = Plan::default();
    let mut shown = BTreeSet::new();
    for report in &status.open_orders {
        let found = books.find(&report.instrument, report.cl_ord_id.as_ref(), report.order_id.as_ref(), report.algo_id.as_ref());
        match found.and_then(|id| books.order(id)) {
            Some(order) => {
                shown.extend(attempt_of(order, report));
                learn(order, report, &mut plan.learn);
            }
            None => plan.adopt.push(report.clone()),
        }
    }
    for order in books.open_orders() {
        // By attempt: while an order is changed one of its attempts may stand and another have ended unheard.
        let unseen = order_refs(order, status.asked).into_iter().filter(|r| r.cl_ord_id.is_none_or(|id| !shown.contains(&id)));
        plan.ask.extend(unseen);
    }
    let high_water: BTreeMap<&InstrumentId, &Option<TradeId>> = status.high_water.iter().map(|(i, t)| (i, t)).collect();
    let mut all: BTreeSet<&InstrumentId> = instruments.iter().chain(status.high_water.iter().map(|(i, _)| i)).collect();
    // What was traded and closed elsewhere since is in the status; a flat leg has nothing more to tell, and may be delisted.
    all.extend(books.positions().filter(|(_, _, p)| !p.qty().is_zero()).map(|(i, ..)| i));
    for instrument in all {
        match books.trade_cursor(instrument) {
            Some(cursor) => {
                let from = cursor.after.map_or(TradesFrom::Time(cursor.at), TradesFrom::After);
                plan.trades.push((instrument.clone(), from));
            }
            None => {
                begin(&mut plan, status, instrument, high_water.get(instrument).copied().copied().flatten());
                // An exit waits for no comparison: what it executed before the books began is in the position already, and its
                // trades must be known as older than the cut.
                let sent =
                    books.orders().filter(|o| o.intent().terms.instrument == *instrument).flat_map(|o| o.attempts().values());
                if let Some(first) = sent.filter_map(AttemptFacts::since).min() {
                    let from = VenueTime(first.0.saturating_sub(SIGNED_AHEAD_MS));
                    plan.trades.push((instrument.clone(), TradesFrom::Time(from)));
                }
            }
        }
    }
    plan
}

fn learn(order: &Order, report: &OrderReport, out: &mut Vec<(IntentId, OrderEvent)>) {
    let Some(id) = attempt_of(order, report) else { return };
    let mut events = Vec::new();
    facts::of_order_report(id, report, &mut events);
    let mut copy = order.clone();
    for event in events {
        // Only what is news; a contradiction is news too, and the engine raises it.
        if copy.apply(&event).map_or(true, |t| t.learned) {
            out.push((order.intent().id, event));
        }
    }
}

/// The attempt of `order` that a report speaks about.
pub(crate) fn attempt_of(order: &Order, report: &OrderReport) -> Option<crate::ids::ClOrdId> {
    let named = report.cl_ord_id.filter(|id| order.attempts().contains_key(id));
    named.or_else(|| {
        let by_venue_id = order.attempts().iter().find(|(_, a)| {
            (report.order_id.is_some() && a.order_id() == report.order_id)
                || (report.algo_id.is_some() && a.algo_id() == report.algo_id)
        });
        by_venue_id.map(|(id, _)| *id)
    })
}

/// How to ask for each attempt of an order that is not over.
pub(crate) fn order_refs(order: &Order, now: VenueTime) -> Vec<OrderRef> {
    let open = order.attempts().iter().filter(|(_, a)| !a.is_over());
    open.map(|(id, attempt)| OrderRef {
        instrument: order.intent().terms.instrument.clone(),
        cl_ord_id: Some(*id),
        order_id: attempt.order_id(),
        algo_id: attempt.algo_id(),
        conditional: order.intent().terms.kind.is_conditional(),
        triggered: order.has_triggered(attempt),
        since: attempt.since().unwrap_or(now),
    })
    .collect()
}

fn begin(plan: &mut Plan, status: &MassStatus, instrument: &InstrumentId, cut: Option<TradeId>) {
    let legs: &[PositionSide] = match status.mode {
        crate::units::PositionMode::Netting => &[PositionSide::Net],
        crate::units::PositionMode::Hedging => &[PositionSide::Long, PositionSide::Short],
    };
    for leg in legs {
        let row = status.positions.iter().find(|p| p.instrument == *instrument && p.leg == *leg);
        plan.begin.push(Baseline {
            instrument: instrument.clone(),
            leg: *leg,
            qty: row.map(|p| p.qty).filter(|_| !planted(Plant::TruncatedWindow)).unwrap_or_default(),
            entry_px: row.and_then(|p| p.entry_px),
            cut: cut.filter(|_| !planted(Plant::TruncatedWindow)),
            at: status.asked,
        });
    }
}

/// A leg that our books and the venue see differently after all trades are in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// Our books at the cut.
    pub ours: SignedQty,
    /// The venue at the cut.
    pub venue: SignedQty,
    /// Of ours, what no trade explains.
    pub unattributed: SignedQty,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instrument, leg, ours, venue, unattributed } = self;
        write!(f, "{instrument} {leg:?}: ours {ours}, venue {venue}, unattributed {unattributed}")
    }
}

/// Compares every leg at the cut of a mass status. Call it when the trades up to the cut are in.
pub fn differences(books: &Books, status: &MassStatus) -> Vec<Difference> {
    let mut legs: BTreeSet<(InstrumentId, PositionSide)> = BTreeSet::new();
    legs.extend(books.positions().map(|(i, leg, _)| (i.clone(), leg)));
    legs.extend(status.positions.iter().filter(|p| status.mode.has(p.leg)).map(|p| (p.instrument.clone(), p.leg)));
    legs.into_iter()
        .filter_map(|(instrument, leg)| {
            let row = status.positions.iter().find(|p| p.instrument == instrument && p.leg == leg);
            let venue = row.map(|p| p.qty).unwrap_or_default();
            compare(books, &instrument, leg, venue, cut_of(status, &instrument), status.asked)
        })
        .collect()
}

/// The newest trade of an instrument at the cut of a mass status.
pub fn cut_of<'a>(status: &'a MassStatus, instrument: &InstrumentId) -> Option<&'a TradeId> {
    status.high_water.iter().find(|(i, _)| i == instrument).and_then(|(_, t)| t.as_ref())
}

/// Compares one leg at a cut: what the venue held then with what our books, as they are now, say that it was then.
pub fn compare(
    books: &Books,
    instrument: &InstrumentId,
    leg: PositionSide,
    venue: SignedQty,
    cut: Option<&TradeId>,
    asked: VenueTime,
) -> Option<Difference> {
    let (ours, unattributed) = books.leg_at_cut(instrument, leg, cut, asked);
    (ours != venue).then(|| Difference { instrument: instrument.clone(), leg, ours, venue, unattributed })
}

/// Ended orders that were found at the venue, of which no trade is known, and whose executed quantity is all that makes a leg differ. The
/// venue lists every trade since the books of the leg began, so what it executed of them was executed before. A conditional order
/// ends so: its last event comes after its trades, and does not name them.
pub fn executed_before(books: &Books, difference: &Difference) -> Vec<(IntentId, ClOrdId, Qty)> {
    let Difference { instrument, leg, ours, venue, .. } = difference;
    if books.position(instrument, *leg).and_then(Position::baseline).is_none() {
        return Vec::new();
    }
    let is_found = |o: &&Order| o.intent().provenance != Provenance::Ours && o.status().is_ended() && o.fills().next().is_none();
    let orders: Vec<&Order> = books.unexplained(instrument, *leg).filter(is_found).collect();
    let signed = |o: &&Order| o.unattributed_qty().get() * o.intent().terms.side.sign();
    if orders.iter().map(signed).sum::<Decimal>() != ours.get() - venue.get() {
        return Vec::new();
    }
    let executed = |o: &Order| -> Vec<_> { o.attempts().iter().map(|(id, a)| (o.intent().id, *id, a.cum_qty())).collect() };
    orders.into_iter().flat_map(executed).collect()
}

/// Whether an id under our tag tells of an engine that we are not and never were. A start that lost its record with the disk
/// lends its epoch to the next one; what it sent is older than that. What an earlier one sent may be taken in `late_ms` after we
/// have begun, and not later.
pub fn is_second_engine(books: &Books, id: &OwnId, created: VenueTime, begun: VenueTime, late_ms: Option<u64>) -> bool {
    id.epoch > books.epoch()
        || (id.epoch == books.epoch() && created >= begun)
        || late_ms.is_some_and(|late| created > begun.plus_ms(late))
}
