//! What a comparison with the venue needs of the books, kept ready: the newest trades of each leg, and orders of which some executed
//! quantity is not explained. It follows from the orders, and costs what is recent, not what ever was.

use super::Books;
use crate::{
    ids::{ClOrdId, InstrumentId, IntentId, TradeId},
    order::{Order, event::OrderEvent},
    record::TradeCursor,
    time::VenueTime,
    units::{PositionSide, SignedQty},
};
use alloc::collections::{BTreeMap, BTreeSet};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

type Leg = (InstrumentId, PositionSide);
/// A venue gives a number once; if it does not, each order counts its own.
type Trade = (TradeId, IntentId, ClOrdId);

/// Trades up to here are settled: complete lists have gone beyond them, twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(super) struct Floor {
    pub(super) trade: TradeId,
    /// The latest venue time of a trade at or below it.
    at: VenueTime,
}

/// The newest trades, and what no trade explains.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Recent {
    trades: BTreeMap<Leg, BTreeMap<Trade, (VenueTime, Decimal)>>,
    unexplained: BTreeMap<Leg, BTreeSet<IntentId>>,
    pub(super) floors: BTreeMap<InstrumentId, Floor>,
}

impl Recent {
    pub(super) const fn new() -> Self {
        Self { trades: BTreeMap::new(), unexplained: BTreeMap::new(), floors: BTreeMap::new() }
    }

    /// A fact was learned about an order.
    pub(super) fn learned(&mut self, order: &Order, event: &OrderEvent) {
        match event {
            OrderEvent::Executed { cl_ord_id, fill } => {
                // The earliest time that was told stands, and that is the order's to know.
                let known = order.attempts().get(cl_ord_id).and_then(|a| a.fills().get(&fill.trade_id));
                let at = known.map_or(fill.at, |known| known.at);
                self.add(order, *cl_ord_id, fill.trade_id, at, fill.qty.get());
            }
            OrderEvent::CumQty { .. } => (),
            _ => return,
        }
        self.look(order);
    }

    /// Takes in an order as it is.
    pub(super) fn take(&mut self, order: &Order) {
        for (cl_ord_id, fill) in order.fills() {
            self.add(order, *cl_ord_id, fill.trade_id, fill.at, fill.qty.get());
        }
        self.look(order);
    }

    fn add(&mut self, order: &Order, attempt: ClOrdId, trade: TradeId, at: VenueTime, qty: Decimal) {
        let terms = &order.intent().terms;
        if let Some(floor) = self.floors.get_mut(&terms.instrument).filter(|floor| trade <= floor.trade) {
            floor.at = floor.at.max(at);
            return;
        }
        let leg = (terms.instrument.clone(), terms.leg);
        self.trades.entry(leg).or_default().insert((trade, order.intent().id, attempt), (at, qty * terms.side.sign()));
    }

    /// An order leaves the books; its trades are settled, or the books are not those of an engine.
    pub(super) fn forget(&mut self, order: &Order) {
        let leg = (order.intent().terms.instrument.clone(), order.leg());
        if let Some(trades) = self.trades.get_mut(&leg) {
            for (cl_ord_id, fill) in order.fills() {
                trades.remove(&(fill.trade_id, order.intent().id, *cl_ord_id));
            }
            if trades.is_empty() {
                self.trades.remove(&leg);
            }
        }
        self.explained(&leg, order.intent().id);
    }

    fn explained(&mut self, leg: &Leg, order: IntentId) {
        if let Some(orders) = self.unexplained.get_mut(leg) {
            orders.remove(&order);
            if orders.is_empty() {
                self.unexplained.remove(leg);
            }
        }
    }

    fn look(&mut self, order: &Order) {
        let leg = (order.intent().terms.instrument.clone(), order.leg());
        if !order.unattributed_qty().is_zero() {
            self.unexplained.entry(leg).or_default().insert(order.intent().id);
        } else {
            self.explained(&leg, order.intent().id);
        }
    }

    /// A complete list has gone beyond `known`. A comparison that is under way may look at what lies between that and the new cursor,
    /// so only what the cursor before has passed is settled.
    pub(super) fn passed(&mut self, known: &TradeCursor) {
        let Some(trade) = known.after else { return };
        let floor = self.floors.entry(known.instrument.clone()).or_insert(Floor { trade, at: VenueTime(i64::MIN) });
        floor.trade = floor.trade.max(trade);
        for (_, trades) in self.trades.iter_mut().filter(|((instrument, _), _)| *instrument == known.instrument) {
            trades.retain(|(id, ..), (at, _)| {
                let settled = *id <= trade;
                if settled {
                    floor.at = floor.at.max(*at);
                }
                !settled
            });
        }
        self.trades.retain(|_, trades| !trades.is_empty());
    }
}

impl Books {
    /// Orders of a leg of whose executed quantity no trade explains all.
    pub(crate) fn unexplained(&self, instrument: &InstrumentId, leg: PositionSide) -> impl Iterator<Item = &Order> {
        let ids = self.recent.unexplained.get(&(instrument.clone(), leg));
        ids.into_iter().flatten().filter_map(|id| self.order(*id))
    }

    /// A leg as it was when `cut` was the newest trade, and how much of it no trade explains. A venue that names no trade (none in the
    /// window that it lists, or it was not asked) has had none since `asked`, and what is older is in its position.
    pub(crate) fn leg_at_cut(
        &self,
        instrument: &InstrumentId,
        leg: PositionSide,
        cut: Option<&TradeId>,
        asked: VenueTime,
    ) -> (SignedQty, SignedQty) {
        let mut qty = self.position_qty(instrument, leg);
        let mut unexplained = SignedQty::ZERO;
        let key = (instrument.clone(), leg);
        let of = |order: &Order| (order.unattributed_qty().get(), order.intent().terms.side.sign());
        for order in self.unexplained(instrument, leg) {
            let (part, sign) = of(order);
            unexplained = unexplained.plus(part * sign);
        }
        let behind = |floor: &Floor| cut.map_or(floor.at > asked, |cut| *cut < floor.trade);
        if self.recent.floors.get(instrument).is_some_and(behind) {
            // An answer from before what is settled: the long way.
            for order in self.orders().filter(|o| o.intent().terms.instrument == *instrument && o.leg() == leg) {
                let sign = order.intent().terms.side.sign();
                for (_, fill) in order.fills().filter(|(_, f)| cut.map_or(f.at > asked, |cut| f.trade_id > *cut)) {
                    qty = qty.plus(-fill.qty.get() * sign);
                }
            }
            return (qty, unexplained);
        }
        for ((trade, ..), (at, change)) in self.recent.trades.get(&key).into_iter().flatten() {
            if cut.map_or(*at > asked, |cut| trade > cut) {
                qty = qty.plus(-*change);
            }
        }
        (qty, unexplained)
    }
}
