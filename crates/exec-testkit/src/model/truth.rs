//! The venue's truth: orders, trades, and what its private stream has to say. It knows nothing of what the node believes.

use exec_core::{
    ids::{ClOrdId, InstrumentId, OrderId, TradeId},
    report::{ExpiryReason, Fill, MassStatus, OrderReport, PositionReport, TradeReport, VenueStatus},
    terms::{OrderKind, Terms, TimeInForce},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Qty, Side, SignedQty},
    venue::{Lookup, OrderRef, Trades, TradesFrom},
};
use rust_decimal::Decimal;

use crate::{fixtures, rig::MIDNIGHT_MS};

/// After this the venue refuses a request at its door.
pub(super) const WINDOW_MS: u64 = 2_000;
/// After this no order that has not arrived ever does: the window, and what the rig's venue may take behind its door.
pub(super) const ARRIVES_WITHIN_MS: u64 = WINDOW_MS + 2_000;

/// Where a request for an order has come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// It is on its way and may still arrive.
    Flying,
    /// It has arrived.
    Here,
    /// The venue said no.
    Refused,
    /// It never arrives.
    Lost,
}

/// How a venue ended an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Cancelled.
    Canceled,
    /// Expired.
    Expired,
}

/// An order that the node has sent. Quantities are lots of 0.1, prices ticks of 0.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VenueOrder {
    /// Its side.
    pub side: Side,
    /// What it asks for.
    pub lots: i64,
    /// Its limit.
    pub ticks: i64,
    /// How far it has come.
    pub way: Way,
    /// What is executed of it.
    pub done: i64,
    /// How it ended, unless it was filled.
    pub end: Option<End>,
    /// Whether the request has been answered, in whatever way, or its answer can never come.
    pub answered: bool,
    /// Whether the node has been told that it is here.
    pub known: bool,
    /// When it was sent.
    pub sent_ms: u64,
    /// The node died before it knew what became of it: so long it sends nothing that adds risk.
    pub orphan: bool,
    /// How often a node with a stream has had a long time to find it.
    pub searched: u32,
    /// How often it was changed.
    pub changes: usize,
    /// The node has not heard what became of its last change.
    pub changing: bool,
}

impl VenueOrder {
    /// Whether it stands in the venue's book.
    pub fn is_open(&self) -> bool {
        self.way == Way::Here && self.end.is_none() && self.done < self.lots
    }
}

/// A trade of the account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VenueTrade {
    /// Whose: an order of the node, or a hand's.
    pub order: Option<usize>,
    /// How much; below zero sold.
    pub lots: i64,
    /// At which price.
    pub ticks: i64,
    /// When.
    pub ms: u64,
}

/// What the stream says about one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fact {
    /// About which order of the node; `None` is a hand's.
    pub order: Option<usize>,
    /// What was executed of it by then.
    pub done: i64,
    /// How it had ended by then.
    pub end: Option<End>,
    /// Its quantity then.
    pub lots: i64,
    /// Its limit then.
    pub ticks: i64,
    /// The change that it confirms, counted from 0 for each order.
    pub change: Option<usize>,
    /// The trade it tells.
    pub trade: Option<usize>,
    /// When.
    pub ms: u64,
    /// Whether it has been delivered.
    pub told: bool,
}

/// What a step came to, with everything it picked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Did {
    /// Nothing: there was nothing to pick.
    #[default]
    Nothing,
    /// The strategy asked for an order, and it must have been sent: its number in [`Truth::orders`].
    Sent(usize),
    /// The strategy asked for an order, and it must not have been sent: side, lots, ticks.
    Shut(Side, i64, i64),
    /// An order arrived, was lost or expired: the node hears of it otherwise.
    AtVenue(usize),
    /// The request of an order is answered with what the venue has done.
    Answered(usize),
    /// The request of an order has no answer, and never will.
    Unanswered(usize),
    /// The strategy cancels an order, the venue does; whether it is answered.
    Cancelled(usize, bool),
    /// The strategy changes an order to what it is now, the venue does; whether it is answered. A millisecond passed before.
    Changed(usize, bool),
    /// A trade was made: its number in [`Truth::trades`].
    Filled(usize),
    /// A fact is delivered: its number in [`Truth::facts`].
    Told(usize),
    /// The stream is over.
    Dropped,
    /// A new stream, and everything is asked for.
    Connected,
    /// The node died and has begun again, without a stream.
    Crashed,
    /// So much time passed.
    Waited(u64),
}

/// What the venue truly holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Truth {
    /// Orders that the node has sent.
    pub orders: Vec<VenueOrder>,
    /// All trades of the account, oldest first.
    pub trades: Vec<VenueTrade>,
    /// What the present session of the stream has to say.
    pub facts: Vec<Fact>,
    /// Whether the node has a stream.
    pub link: bool,
    /// Time passed while this session had something to say and did not: the node may find that it cannot be believed.
    pub silent: bool,
    /// Sessions in a row that were silent: one after them has to tell something before it is believed.
    pub vain: u32,
    /// Milliseconds since the beginning.
    pub ms: u64,
    /// What the last step came to.
    pub did: Did,
}

fn qty(lots: i64) -> Qty {
    Qty::new(Decimal::new(lots.abs(), 1)).unwrap_or_default()
}
fn price(ticks: i64) -> Price {
    Price::new(Decimal::new(ticks, 1)).unwrap_or_default()
}
fn at(ms: u64) -> VenueTime {
    VenueTime(i64::try_from(MIDNIGHT_MS + ms).unwrap_or(i64::MAX))
}
fn side_of(lots: i64) -> Side {
    if lots < 0 { Side::Sell } else { Side::Buy }
}

impl Truth {
    /// The instrument of the model.
    pub fn instrument(&self) -> InstrumentId {
        fixtures::instrument_id("BTCUSDT")
    }
    /// Whether the node has to send what a strategy asks for; `None` where either may be right.
    pub fn is_gate_open(&self) -> Option<bool> {
        // Nobody can know yet what became of these.
        let flying = self.orders.iter().any(|order| order.orphan && order.way == Way::Flying);
        let unclear = self.silent || self.vain > 0 || self.orders.iter().any(|order| order.orphan);
        match (self.link && !flying, unclear) {
            (false, _) => Some(false),
            (true, true) => None,
            (true, false) => Some(true),
        }
    }
    /// What an order asks for now, as the venue has it: quantity and price.
    pub fn asked(&self, order: usize) -> (Qty, Price) {
        (qty(self.orders[order].lots), price(self.orders[order].ticks))
    }
    /// What the account holds, in lots.
    pub fn position(&self) -> i64 {
        self.trades.iter().map(|trade| trade.lots).sum()
    }
    /// The same as a quantity.
    pub fn position_qty(&self) -> SignedQty {
        SignedQty::new(Decimal::new(self.position(), 1)).unwrap_or_default()
    }
    /// What is executed of an order, as a quantity.
    pub fn done(&self, order: usize) -> Qty {
        qty(self.orders[order].done)
    }

    /// What the strategy asks for with these figures.
    pub fn terms(side: Side, lots: i64, ticks: i64) -> Terms {
        fixtures::limit(side, qty(lots), price(ticks))
    }

    /// An order as the venue prints it now, under the id that the node gave it.
    pub fn report(&self, order: usize, cl_ord_id: ClOrdId) -> OrderReport {
        self.said(&self.fact(order, None), Some(cl_ord_id))
    }

    /// What the stream says about an order now.
    pub(super) fn fact(&self, order: usize, trade: Option<usize>) -> Fact {
        let VenueOrder { done, end, lots, ticks, .. } = self.orders[order];
        Fact { order: Some(order), done, end, lots, ticks, change: None, trade, ms: self.ms, told: false }
    }

    /// A fact as the stream says it; `cl_ord_id` is that of the order it is about, if it is the node's.
    pub fn said(&self, fact: &Fact, cl_ord_id: Option<ClOrdId>) -> OrderReport {
        let Fact { lots, ticks, .. } = *fact;
        let (number, side) = match (fact.order, fact.trade) {
            (Some(order), _) => (1_000 + order, self.orders[order].side),
            (None, trade) => {
                let number = trade.unwrap_or_default();
                (900_000 + number, side_of(self.trades[number].lots))
            }
        };
        let status = match fact.end {
            Some(End::Canceled) => VenueStatus::Canceled,
            Some(End::Expired) => VenueStatus::Expired(ExpiryReason::TimeUp),
            None if fact.done >= lots => VenueStatus::Filled,
            None if fact.done > 0 => VenueStatus::PartiallyFilled,
            None => VenueStatus::New,
        };
        OrderReport {
            cl_ord_id: cl_ord_id.or_else(|| ClOrdId::new(&format!("by-hand-{number}")).ok()),
            order_id: Some(OrderId::from_number(number as u64)),
            algo_id: None,
            instrument: self.instrument(),
            side,
            leg: Some(PositionSide::Net),
            status,
            kind: Some(OrderKind::Limit { price: price(ticks).into(), tif: TimeInForce::Gtc }),
            qty: Some(qty(lots)),
            reduce_only: false,
            close_all: false,
            cum_qty: Some(qty(fact.done)),
            avg_px: None,
            updated: at(fact.ms),
            created: None,
            fill: fact.trade.map(|trade| self.fill(trade)),
            replaced_by: None,
            text: None,
            made_by: None,
            activated: false,
        }
    }

    fn fill(&self, number: usize) -> Fill {
        let trade = &self.trades[number];
        Fill {
            trade_id: TradeId::from_number(number as u64 + 1),
            price: price(trade.ticks),
            qty: qty(trade.lots),
            side: side_of(trade.lots),
            maker: true,
            leg: Some(PositionSide::Net),
            fee: None,
            realized: None,
            at: at(trade.ms),
        }
    }

    /// The answer to "where is this order?"; `numbered` gives the number of the node's order with an id.
    pub fn lookup(&self, asked: &OrderRef, numbered: impl Fn(&ClOrdId) -> Option<usize>) -> Lookup {
        let ours = (0..self.orders.len()).find(|order| asked.order_id == Some(OrderId::from_number(1_000 + *order as u64)));
        let ours =
            ours.or_else(|| asked.cl_ord_id.as_ref().and_then(numbered)).filter(|order| self.orders[*order].way == Way::Here);
        let hand = (0..self.trades.len()).find(|trade| asked.order_id == Some(OrderId::from_number(900_000 + *trade as u64)));
        let report = match (ours, hand) {
            (Some(order), _) => asked.cl_ord_id.map(|id| self.report(order, id)),
            (None, Some(trade)) => Some(OrderReport { fill: None, ..self.said(&self.by_hand(trade), None) }),
            (None, None) => None,
        };
        report.map_or(Lookup::Absent, |report| Lookup::Found(Box::new(report)))
    }

    /// What the stream says about a hand's trade.
    pub(super) fn by_hand(&self, trade: usize) -> Fact {
        let VenueTrade { lots, ms, ticks, .. } = self.trades[trade];
        let lots = lots.abs();
        Fact { order: None, done: lots, end: None, lots, ticks, change: None, trade: Some(trade), ms, told: false }
    }

    /// The legs, of which there is one.
    pub fn positions(&self) -> Vec<PositionReport> {
        let qty = self.position_qty();
        vec![PositionReport {
            instrument: self.instrument(),
            leg: PositionSide::Net,
            qty,
            entry_px: (!qty.is_zero()).then(|| price(1_000)),
            mark_px: None,
            liquidation_px: None,
            unrealized: None,
            leverage: None,
            isolated: None,
            margin: exec_core::report::LegMargin::default(),
        }]
    }

    /// Everything at once; `named` gives the id of the node's order with a number.
    pub fn mass_status(&self, named: impl Fn(usize) -> ClOrdId) -> MassStatus {
        let open = (0..self.orders.len()).filter(|order| self.orders[*order].is_open());
        MassStatus {
            asked: at(self.ms),
            mode: PositionMode::Netting,
            open_orders: open.map(|order| self.report(order, named(order))).collect(),
            positions: self.positions(),
            balances: Vec::new(),
            high_water: vec![(self.instrument(), self.trades.len().checked_sub(1).map(|newest| self.fill(newest).trade_id))],
        }
    }

    /// The list of trades from there on; `named` gives the id of the node's order with a number.
    pub fn trades_since(&self, from: &TradesFrom, named: impl Fn(usize) -> ClOrdId) -> Trades {
        let row = |number: usize| {
            let order = self.trades[number].order;
            let venue_number = order.map_or(900_000 + number, |order| 1_000 + order);
            TradeReport {
                instrument: self.instrument(),
                cl_ord_id: order.map(&named),
                order_id: OrderId::from_number(venue_number as u64),
                fill: self.fill(number),
            }
        };
        let wanted = |row: &TradeReport| match from {
            TradesFrom::After(id) => row.fill.trade_id > *id,
            TradesFrom::Time(time) => row.fill.at >= *time,
        };
        Trades { trades: (0..self.trades.len()).map(row).filter(wanted).collect(), complete: true }
    }
}
