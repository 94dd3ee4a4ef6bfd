//! Judges: what must hold after every step, and what must hold once the faults have stopped. It knows the venue's own ledger and
//! every record that the node ever wrote; the node knows neither.

use crate::node::{Node, instrument_ids};
use exchange_sim::{Ledger, venue::Desk};
use exec_core::{
    books::Books,
    cl_ord_id::OwnId,
    conversation::{Outcome, Phase, Request},
    exposure::interval,
    ids::{ClOrdId, IntentId, OrderId, Seq, TradeId},
    order::event::OrderEvent,
    record::Record,
    units::{PositionSide, Qty, Side},
    venue::CommandError,
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What the node fixed about an attempt before it was sent.
#[derive(Clone, Copy, Debug)]
struct Fixed {
    intent: IntentId,
    seq: Seq,
    adds_risk: bool,
}

/// Everything that was ever promised.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    attempts: BTreeMap<ClOrdId, Fixed>,
    sent: BTreeSet<ClOrdId>,
    durable: u64,
    outside_hands: bool,
}

impl Oracle {
    /// With outside hands on the account, or a venue that breaks its word, trades may be unknown for a while.
    pub(crate) fn new(outside_hands: bool) -> Self {
        Self { outside_hands, ..Self::default() }
    }

    /// A record that the node has handed to its journal.
    pub(crate) fn recorded(&mut self, books: &Books, seq: Seq, record: &Record) {
        if let Record::Order { intent, event: OrderEvent::Attempted { cl_ord_id, .. }, .. } = record {
            let adds_risk = books.order(*intent).is_none_or(|o| o.intent().terms.can_add_risk());
            self.attempts.insert(*cl_ord_id, Fixed { intent: *intent, seq, adds_risk });
        }
    }

    /// The journal has promised that everything up to here survives.
    pub(crate) fn durable(&mut self, seq: u64) {
        self.durable = self.durable.max(seq);
    }

    /// What was recovered after a crash must hold all that was promised.
    pub(crate) fn recovered(&mut self, last_seq: u64) -> Result<(), String> {
        if last_seq < self.durable {
            return Err(format!("the journal promised record {} and recovered only {last_seq}", self.durable));
        }
        Ok(())
    }

    /// Promise 3, and ids that are used once: looked at when a request leaves the node.
    pub(crate) fn leaves(&mut self, request: &Request, durable: u64) -> Result<(), String> {
        let Request::Submit { attempt, .. } = request else { return Ok(()) };
        let id = attempt.cl_ord_id;
        if !self.sent.insert(id) {
            return Err(format!("client order id {id} is sent twice"));
        }
        let Some(fixed) = self.attempts.get(&id) else { return Err(format!("{id} is sent, and no record fixed it")) };
        if fixed.adds_risk && fixed.seq.0 > durable {
            return Err(format!("P3: {id} leaves, its record is {}, durable is {durable}", fixed.seq));
        }
        Ok(())
    }

    /// A duplicate id can only be seen at the venue if something was sent twice.
    pub(crate) fn venue_answered(&mut self, request: &Request, outcome: &Outcome) -> Result<(), String> {
        match (request, outcome) {
            (Request::Submit { attempt, .. }, Outcome::Order(Err(CommandError::Unknown { live: true, .. }))) => {
                Err(format!("P1: the venue saw {} twice", attempt.cl_ord_id))
            }
            _ => Ok(()),
        }
    }

    /// What holds at any moment between two steps.
    pub(crate) fn always(&self, node: &Node, desk: &Desk, symbols: usize) -> Result<(), String> {
        let books = node.engine.books();
        for order in books.open_orders() {
            let (cum, leaves) = (order.cum_qty(), order.leaves_qty());
            if let Some(qty) = order.qty()
                && cum.plus(leaves) != qty
            {
                return Err(format!("order {}: {cum} executed and {leaves} left are not {qty}", order.intent().id));
            }
            let alive = order.attempts().values().filter(|a| !a.is_over()).count();
            if alive > 1 && order.intent().terms.can_add_risk() {
                return Err(format!("order {} has {alive} attempts alive", order.intent().id));
            }
        }
        // True exposure lies inside what the books say is possible.
        if self.outside_hands || node.engine.phase() != Phase::Live {
            return Ok(());
        }
        let Ok(rows) = desk.exchange().positions(desk.account(), None) else { return Ok(()) };
        for instrument in instrument_ids(symbols) {
            if books.trade_cursor(&instrument).is_none() {
                continue;
            }
            for row in rows.iter().filter(|r| *r.symbol == *instrument.symbol()) {
                let leg = leg_of(row.position_side);
                if !node.engine.mode().has(leg) {
                    continue;
                }
                let inside = interval(books, &instrument, leg);
                let position = books.position_qty(&instrument, leg);
                // The venue holds an exit to the position it sees, which may be gone before we hear of what made it go.
                let (mut low, mut high) = (inside.low, inside.high);
                for order in books.open_orders_of(&instrument).filter(|o| o.leg() == leg && o.intent().terms.is_closing()) {
                    let asked = order.replaces().values().filter(|r| r.state.is_pending()).map(|r| r.terms.qty).max();
                    let most = order.qty().max(asked).unwrap_or_default().saturating_sub(order.cum_qty()).get();
                    match order.intent().terms.side {
                        Side::Buy => high += most,
                        Side::Sell => low -= most,
                    }
                }
                // The mark moves on after an order was checked; it does not move by a tenth.
                let most = node.engine.config().limits.position_notional_max * Decimal::new(11, 1);
                if row.position_amt.abs() * row.mark_price > most {
                    return Err(format!(
                        "P8: {instrument} {leg:?} is {} at the venue, worth more than the limit of {}",
                        row.position_amt,
                        node.engine.config().limits.position_notional_max
                    ));
                }
                if row.position_amt < low || row.position_amt > high {
                    return Err(format!(
                        "P8: {instrument} {leg:?} is {} at the venue, the books say {low} to {high} (position {position})",
                        row.position_amt
                    ));
                }
            }
        }
        Ok(())
    }

    /// What must hold once faults have stopped, and enough time has passed: everything that does not, in words.
    pub(crate) fn in_the_end(&self, node: &Node, desk: &Desk) -> Vec<String> {
        let mut wrong = Vec::new();
        let engine = &node.engine;
        let books = engine.books();
        if engine.phase() != Phase::Live {
            wrong.push(format!("P19: the gate is shut: {}", engine.report()));
        }
        if engine.in_doubt() > 0 {
            wrong.push(format!("{} attempts are in doubt", engine.in_doubt()));
        }
        if engine.pending() > 0 {
            wrong.push(format!("{} requests have no outcome", engine.pending()));
        }
        for difference in engine.differences() {
            wrong.push(format!("difference: {difference}"));
        }
        let ledger = match desk.exchange().ledger(desk.account()) {
            Ok(ledger) => ledger,
            Err(error) => {
                wrong.push(format!("no ledger: {error}"));
                return wrong;
            }
        };
        self.executed_once(&ledger, &mut wrong);
        self.orders_known(books, &ledger, &mut wrong);
        fills_equal(books, &ledger, &mut wrong);
        positions_equal(node, &ledger, &mut wrong);
        wallets_equal(books, &ledger, &mut wrong);
        if let Err(violation) = desk.exchange().check_invariants() {
            wrong.push(format!("the exchange itself: {violation}"));
        }
        wrong
    }

    /// P1: each intent that adds risk was executed by one attempt at most, each client order id was accepted once.
    fn executed_once(&self, ledger: &Ledger, wrong: &mut Vec<String>) {
        let mut accepted: BTreeSet<&str> = BTreeSet::new();
        let mut executed: BTreeMap<IntentId, &str> = BTreeMap::new();
        for row in &ledger.orders {
            let Ok(id) = ClOrdId::new(&row.client_order_id) else { continue };
            let Some(fixed) = self.attempts.get(&id) else { continue };
            if !accepted.insert(&row.client_order_id) {
                wrong.push(format!("P1: the venue accepted {id} twice"));
            }
            if !row.executed_qty.is_zero()
                && fixed.adds_risk
                && let Some(other) = executed.insert(fixed.intent, &row.client_order_id)
            {
                wrong.push(format!("P1: intent {} was executed by {other} and by {id}", fixed.intent));
            }
        }
    }

    /// P2: every order of ours at the venue is in the books, and stands there as it stands at the venue.
    fn orders_known(&self, books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
        for row in &ledger.orders {
            let Ok(id) = ClOrdId::new(&row.client_order_id) else { continue };
            let ours = OwnId::decode(books.tag(), &id).is_some();
            let Some(order) = books.by_cl_ord_id(&id).and_then(|intent| books.order(intent)) else {
                // An exit does not wait for the disk: one that came to nothing before a power loss may be forgotten.
                let forgettable = row.status.is_final()
                    && row.executed_qty.is_zero()
                    && (!ours || self.attempts.get(&id).is_some_and(|fixed| !fixed.adds_risk));
                let mut trades = ledger.trades.iter().filter(|t| t.symbol == row.symbol && t.order_id == row.order_id);
                let old = !row.executed_qty.is_zero() && trades.all(|t| is_history(books, &t.symbol, &trade_id(t.id)));
                if !forgettable && !old {
                    wrong.push(format!("P2: the venue has {id}, the books do not"));
                }
                continue;
            };
            let open = !row.status.is_final();
            if open == order.status().is_ended() {
                wrong.push(format!("order {id} is {} at the venue and {:?} in the books", row.status, order.status()));
            }
            let Some(attempt) = order.attempts().get(&id) else { continue };
            if attempt.cum_qty().get() != row.executed_qty {
                wrong.push(format!("order {id}: executed {} at the venue, {} in the books", row.executed_qty, attempt.cum_qty()));
            }
            if open && order.qty().map(Qty::get) != Some(row.orig_qty) {
                wrong.push(format!("order {id}: quantity {} at the venue, {:?} in the books", row.orig_qty, order.qty()));
            }
            if open && !row.price.is_zero() && order.price().map(|p| p.get()) != Some(row.price) {
                wrong.push(format!("order {id}: price {} at the venue, {:?} in the books", row.price, order.price()));
            }
        }
        let open: BTreeSet<&str> =
            ledger.orders.iter().filter(|r| !r.status.is_final()).map(|r| r.client_order_id.as_str()).collect();
        for order in books.open_orders() {
            if !order.attempts().keys().any(|id| open.contains(id.as_str())) {
                wrong.push(format!("order {} is {:?} in the books and not open at the venue", order.intent().id, order.status()));
            }
        }
    }
}

fn leg_of(side: exchange_sim::types::PositionSide) -> PositionSide {
    match side {
        exchange_sim::types::PositionSide::Both => PositionSide::Net,
        exchange_sim::types::PositionSide::Long => PositionSide::Long,
        exchange_sim::types::PositionSide::Short => PositionSide::Short,
    }
}

fn trade_id(number: i64) -> TradeId {
    TradeId::from_number(u64::try_from(number).unwrap_or(0))
}

/// Whether a trade is older than the books of its instrument.
fn is_history(books: &Books, symbol: &str, id: &TradeId) -> bool {
    books.positions().any(|(i, _, p)| i.symbol() == symbol && p.cut().is_some_and(|cut| id <= cut))
}

fn order_id(number: i64) -> OrderId {
    OrderId::from_number(u64::try_from(number).unwrap_or(0))
}

/// P4: the trades in the books are the venue's, none lost, none doubled, each with its fee.
fn fills_equal(books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
    let mut theirs: BTreeMap<(String, OrderId, TradeId), (Decimal, Decimal, Decimal)> = BTreeMap::new();
    for row in &ledger.trades {
        let key = (row.symbol.to_string(), order_id(row.order_id), trade_id(row.id));
        theirs.insert(key, (row.price, row.qty, row.commission));
    }
    let mut ours = BTreeMap::new();
    for order in books.orders() {
        let symbol = order.intent().terms.instrument.symbol().to_owned();
        for attempt in order.attempts().values() {
            for fill in attempt.fills().values() {
                let Some(id) = attempt.order_id() else { continue };
                let fee = fill.fee.as_ref().map_or(Decimal::MAX, |f| f.amount.get());
                if ours.insert((symbol.clone(), id, fill.trade_id), (fill.price.get(), fill.qty.get(), fee)).is_some() {
                    wrong.push(format!("P4: trade {} of order {id} stands twice in the books", fill.trade_id));
                }
            }
        }
    }
    for (key, fill) in &theirs {
        match ours.get(key) {
            None if is_history(books, &key.0, &key.2) => (),
            None => wrong.push(format!("P4: trade {key:?} is not in the books")),
            Some(mine) if mine != fill => {
                wrong.push(format!("P4: trade {key:?} is {fill:?} at the venue, {mine:?} in the books"))
            }
            Some(_) => (),
        }
    }
    wrong.extend(ours.keys().filter(|key| !theirs.contains_key(*key)).map(|key| format!("P4: trade {key:?} is not the venue's")));
}

fn positions_equal(node: &Node, ledger: &Ledger, wrong: &mut Vec<String>) {
    let (books, mode) = (node.engine.books(), node.engine.mode());
    let mut theirs: BTreeMap<(String, PositionSide), Decimal> = BTreeMap::new();
    for row in ledger.positions.iter() {
        theirs.insert((row.symbol.to_string(), leg_of(row.position_side)), row.amount);
    }
    for (instrument, leg, position) in books.positions() {
        let amount = theirs.remove(&(instrument.symbol().to_owned(), leg)).unwrap_or_default();
        if amount != position.qty().get() {
            wrong.push(format!("P6: {instrument} {leg:?} is {amount} at the venue, {} in the books", position.qty()));
        }
        let shares: Decimal = books.shares().filter(|((_, i, l), _)| i == instrument && *l == leg).map(|(_, q)| q.get()).sum();
        if shares != position.qty().get() {
            wrong.push(format!("{instrument} {leg:?}: the shares add up to {shares}, the position is {}", position.qty()));
        }
    }
    for ((symbol, leg), amount) in theirs {
        if !amount.is_zero() && mode.has(leg) {
            wrong.push(format!("P6: {symbol} {leg:?} is {amount} at the venue, the books know nothing of it"));
        }
    }
}

fn wallets_equal(books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
    for wallet in &ledger.wallets {
        let ours = books.wallets().iter().find(|(asset, _)| asset.as_str() == &*wallet.asset).map(|(_, w)| w.amount.get());
        if ours.unwrap_or_default() != wallet.balance {
            wrong.push(format!("wallet {}: {} at the venue, {ours:?} in the books", wallet.asset, wallet.balance));
        }
    }
}
