//! Judges: what must hold after every step, and what must hold once the faults have stopped. It knows the venue's own ledger and
//! every record that the node ever wrote; the node knows neither.

use crate::{
    brackets::Brackets,
    node::instrument_ids,
    promises::Promises,
    standing::{Standing, Truth},
};
use exchange_sim::row::AlgoRow;
use exec_core::{
    books::Books,
    conversation::{Alert, Outcome, Phase, Request},
    exposure::interval,
    ids::{ClOrdId, InstrumentId, IntentId, RequestId, Seq},
    order::{Order, event::OrderEvent},
    pretrade::Denial,
    record::Record,
    start_report::Shut,
    terms::{OrderKind, Terms},
    time::Timestamp,
    units::{PositionSide, Qty, Side},
    venue::{Attempt, Batch, CommandError, RejectClass},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// Most orders of one batch request at the venue.
const BATCH_MAX: usize = 5;

/// What the node fixed about an attempt before it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed {
    pub(crate) intent: IntentId,
    seq: Seq,
    pub(crate) adds_risk: bool,
    is_stop: bool,
}

/// Everything that was ever promised.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) attempts: BTreeMap<ClOrdId, Fixed>,
    /// Cancels that take one attempt of an order away because another stands for it.
    pub(crate) takes_away: BTreeMap<RequestId, ClOrdId>,
    /// Orders whose change was refused beside what it was to take the place of.
    pub(crate) overlapped: BTreeSet<IntentId>,
    pub(crate) brackets: Brackets,
    pub(crate) promises: Promises,
    sent: BTreeSet<ClOrdId>,
    /// Orders that were sent, and on which instruments.
    pub(crate) orders_sent: BTreeSet<IntentId>,
    pub(crate) traded: BTreeSet<InstrumentId>,
    durable: u64,
    /// Orders that the books have let go, and by which record; and whose attempts what was adopted is.
    let_go: BTreeMap<IntentId, u64>,
    adopted: BTreeMap<ClOrdId, BTreeSet<IntentId>>,
    /// Legs whose books have begun, and by which record.
    begun: BTreeMap<(InstrumentId, PositionSide), u64>,
    outside_hands: bool,
    breaks_word: bool,
}

impl Oracle {
    /// With outside hands on the account, or a venue that breaks its word, trades may be unknown for a while.
    pub(crate) fn new(outside_hands: bool, breaks_word: bool) -> Self {
        Self { outside_hands: outside_hands || breaks_word, breaks_word, ..Self::default() }
    }

    /// A record that the node has handed to its journal.
    pub(crate) fn recorded(&mut self, books: &Books, seq: Seq, record: &Record) {
        self.promises.recorded(books, seq, record);
        if let Record::Order { intent, event: OrderEvent::Attempted { cl_ord_id, .. }, .. } = record {
            let terms = books.order(*intent).map(|o| &o.intent().terms);
            let adds_risk = terms.is_none_or(Terms::can_add_risk);
            let is_stop = terms.is_some_and(|t| t.kind.is_stop());
            self.attempts.insert(*cl_ord_id, Fixed { intent: *intent, seq, adds_risk, is_stop });
        }
        if let Record::LetGo { orders, .. } = record {
            self.let_go.extend(orders.iter().map(|intent| (*intent, seq.0)));
        }
        if let Record::Order { intent, event: OrderEvent::Adopted { cl_ord_id, .. }, .. } = record {
            // Orders of the exchange share their names.
            self.adopted.entry(*cl_ord_id).or_default().insert(*intent);
        }
        // What a crash has made it forget, it finds again at the venue: from then on it is another order.
        if let Record::Order { intent, event: OrderEvent::Adopted { cl_ord_id, .. }, .. } = record
            && let Some(known) = self.attempts.get_mut(cl_ord_id)
        {
            if self.overlapped.contains(&known.intent) {
                self.overlapped.insert(*intent);
            }
            known.intent = *intent;
        }
    }

    /// Nothing but trades moves a leg: its books begin once, and nobody settles a difference where there is none to settle.
    pub(crate) fn moved_by_trades(&mut self, seq: Seq, record: &Record) -> Result<(), String> {
        match record {
            Record::Baseline(b) => match self.begun.insert((b.instrument.clone(), b.leg), seq.0) {
                Some(first) => Err(format!("the books of {} {:?} began at record {first} and begin again", b.instrument, b.leg)),
                None => Ok(()),
            },
            Record::Adjustment(a) if !self.outside_hands => {
                Err(format!("the books of {} {:?} are moved by {}, and nobody else has traded", a.instrument, a.leg, a.qty))
            }
            _ => Ok(()),
        }
    }

    /// Exits always pass: only a start that is not on disk yet may refuse one for its state.
    pub(crate) fn exit_passes(&self, books: &Books, record: &Record) -> Result<(), String> {
        let Record::Order { intent, event: OrderEvent::Denied(Denial::GateClosed(why)), .. } = record else { return Ok(()) };
        let Some(order) = books.order(*intent).map(Order::intent) else { return Ok(()) };
        // What is to close what another order of its list opens is refused together with that.
        let mut of_list = order.list.iter().flat_map(|place| books.orders_of_list(place.list));
        let opens = of_list.any(|o| o.intent().terms.can_add_risk());
        if order.terms.is_closing() && !opens && *why != Shut::StartNotDurable.to_string() {
            return Err(format!("exit {intent} was refused: {why}"));
        }
        Ok(())
    }

    /// The first try of an order that can add risk leaves while it is as young as its strategy asked for, or never.
    pub(crate) fn leaves_in_time(&self, books: &Books, request: &Request, now: Timestamp) -> Result<(), String> {
        let attempts: &[Attempt] = match request {
            Request::Submit { attempt, .. } => std::slice::from_ref(attempt),
            Request::Batch { batch: Batch::Submit(all), .. } => all,
            Request::Batch { .. } | Request::Replace(_) | Request::Cancel(_) | Request::CancelAll(_) | Request::Countdown(_) => {
                &[]
            }
        };
        for id in attempts.iter().filter(|a| a.terms.can_add_risk()).map(|a| a.cl_ord_id) {
            let Some(order) = books.by_cl_ord_id(&id).and_then(|intent| books.order(intent)) else { continue };
            let first = order.attempts().get(&id).and_then(|a| a.header()).is_some_and(|h| h.number == 0);
            let (age, most) = (now.ms_since(order.intent().asked), order.intent().handling.max_age_ms);
            if first && age > most {
                return Err(format!("{id} leaves {age} ms after it was asked for, {most} ms were allowed"));
            }
        }
        Ok(())
    }

    /// The journal has promised that everything up to here survives.
    pub(crate) fn durable(&mut self, seq: u64) {
        self.durable = self.durable.max(seq);
    }

    /// What was recovered after a crash must hold all that was promised.
    pub(crate) fn recovered(&mut self, last_seq: u64) -> Result<(), String> {
        self.promises.recovered(last_seq);
        self.let_go.retain(|_, seq| *seq <= last_seq);
        self.begun.retain(|_, seq| *seq <= last_seq);
        if last_seq < self.durable {
            return Err(format!("the journal promised record {} and recovered only {last_seq}", self.durable));
        }
        Ok(())
    }

    /// Whether nobody but the node's own strategies trades.
    pub(crate) fn is_alone(&self) -> bool {
        !self.outside_hands
    }

    /// Whether the books had this order and have let it go.
    pub(crate) fn is_let_go(&self, id: &ClOrdId) -> bool {
        let ours = self.attempts.get(id).map(|fixed| fixed.intent);
        let adopted = self.adopted.get(id).into_iter().flatten().copied();
        ours.into_iter().chain(adopted).any(|intent| self.let_go.contains_key(&intent))
    }

    /// Promise 3, and ids that are used once: looked at when a request leaves the node.
    pub(crate) fn leaves(&mut self, books: &Books, request: &Request, durable: u64) -> Result<(), String> {
        let attempt = match request {
            Request::Submit { attempt, .. } => attempt,
            Request::Cancel(cancel) => {
                let cancelled = cancel.order.cl_ord_id.and_then(|id| books.order(books.by_cl_ord_id(&id)?));
                let only = cancelled.and_then(|o| o.cancels().get(&cancel.request)?.only);
                if let Some(only) = only.filter(|_| cancelled.is_some_and(|o| !o.cancel_wished())) {
                    self.takes_away.insert(cancel.request, only);
                }
                return Ok(());
            }
            Request::Batch { ids, batch } => return self.batch_leaves(books, ids, batch, durable),
            Request::Replace(_) | Request::CancelAll(_) | Request::Countdown(_) => return Ok(()),
        };
        let id = attempt.cl_ord_id;
        if !self.sent.insert(id) {
            return Err(format!("client order id {id} is sent twice"));
        }
        let Some(fixed) = self.attempts.get(&id) else { return Err(format!("{id} is sent, and no record fixed it")) };
        if self.orders_sent.insert(fixed.intent) && !self.traded.contains(&attempt.terms.instrument) {
            self.traded.insert(attempt.terms.instrument.clone());
        }
        if fixed.adds_risk && fixed.seq.0 > durable {
            return Err(format!("P3: {id} leaves, its record is {}, durable is {durable}", fixed.seq));
        }
        Ok(())
    }

    /// The same of a node whose journal has failed: nobody knows of what it sends, and it can only close.
    pub(crate) fn leaves_unrecorded(&mut self, request: &Request) -> Result<(), String> {
        let attempts: &[Attempt] = match request {
            Request::Submit { attempt, .. } => std::slice::from_ref(attempt),
            Request::Batch { batch: Batch::Submit(all), .. } => all,
            Request::Batch { .. } | Request::Replace(_) | Request::Cancel(_) | Request::CancelAll(_) | Request::Countdown(_) => {
                &[]
            }
        };
        for Attempt { cl_ord_id, terms, .. } in attempts {
            let (adds_risk, is_stop) = (terms.can_add_risk(), terms.kind.is_stop());
            let fixed =
                *self.attempts.entry(*cl_ord_id).or_insert(Fixed { intent: IntentId(0), seq: Seq(0), adds_risk, is_stop });
            if fixed.adds_risk && fixed.seq.0 > self.durable || adds_risk && fixed.seq == Seq(0) {
                return Err(format!("P3: {cl_ord_id} adds risk, and the journal has failed"));
            }
        }
        Ok(())
    }

    fn batch_leaves(&mut self, books: &Books, ids: &[RequestId], batch: &Batch, durable: u64) -> Result<(), String> {
        let size = match batch {
            Batch::Submit(all) => all.len(),
            Batch::Replace(all) => all.len(),
            Batch::Cancel(all) => all.len(),
        };
        if size != ids.len() || !(1..=BATCH_MAX).contains(&size) {
            return Err(format!("a batch of {size} with {} answers", ids.len()));
        }
        match batch {
            Batch::Submit(all) => {
                for (id, attempt) in ids.iter().zip(all) {
                    self.leaves(books, &Request::Submit { id: *id, attempt: attempt.clone() }, durable)?;
                }
            }
            Batch::Replace(_) => (),
            Batch::Cancel(all) => {
                for cancel in all {
                    self.leaves(books, &Request::Cancel(cancel.clone()), durable)?;
                }
            }
        }
        Ok(())
    }

    /// A duplicate id can only be seen at the venue if something was sent twice; two attempts of one order are never open
    /// together if it can add risk; and a stop is taken away only where another stands.
    pub(crate) fn venue_answered(
        &mut self,
        books: Option<&Books>,
        truth: &Truth<'_>,
        request: &Request,
        outcome: &Outcome,
    ) -> Result<(), String> {
        match (request, outcome) {
            (Request::Submit { attempt, .. }, Outcome::Order(Err(CommandError::Unknown { live: true, .. }))) => {
                Err(format!("P1: the venue saw {} twice", attempt.cl_ord_id))
            }
            (Request::Submit { attempt, .. }, Outcome::Order(Err(CommandError::Rejected(rejection)))) => {
                if let Some(fixed) = self.attempts.get(&attempt.cl_ord_id).filter(|_| rejection.class == RejectClass::Overlap) {
                    self.overlapped.insert(fixed.intent);
                }
                Ok(())
            }
            (Request::Submit { attempt, .. }, Outcome::Order(Ok(_))) if attempt.terms.can_add_risk() => {
                let others = self.others_at(truth, &attempt.cl_ord_id);
                if others.is_empty() || self.breaks_word {
                    return Ok(());
                }
                Err(format!("P1: the venue takes {} in while it has {others:?}", attempt.cl_ord_id))
            }
            (Request::Cancel(cancel), Outcome::Order(Ok(_))) => match self.takes_away.get(&cancel.request).copied() {
                // By now the whole order may be wished off the book.
                Some(id) if !is_wished_off(books, &id) => self.stop_taken_away(truth, &id),
                Some(_) | None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The same for an answer that comes when it comes: where what it says is over by now, what stands there now is no sign.
    pub(crate) fn answered_late(&mut self, truth: &Truth<'_>, request: &Request, outcome: &Outcome) -> Result<(), String> {
        // What is asked for in the wrong form was never asked for.
        if let Outcome::Order(Err(CommandError::Rejected(refusal))) = outcome
            && (-1130..=-1100).contains(&refusal.code)
        {
            return Err(format!("the venue calls a request ill-formed: {} {}", refusal.code, refusal.text));
        }
        let Request::Submit { attempt, .. } = request else { return Ok(()) };
        if matches!(outcome, Outcome::Order(Ok(_))) {
            if !self.has_others(&attempt.cl_ord_id) {
                return Ok(());
            }
            let Ok(ledger) = truth.exchange.ledger(truth.account) else { return Ok(()) };
            let id = attempt.cl_ord_id.as_str();
            let works = ledger.orders.iter().any(|r| r.client_order_id == id && !r.status.is_final());
            let waits = ledger.algo_orders.iter().any(|r| r.client_algo_id == id && r.status.is_open());
            if !works && !waits {
                return Ok(());
            }
        }
        self.venue_answered(None, truth, request, outcome)
    }

    /// Whether an attempt is not its order's only one. Most are, and nobody need look at the ledger for them.
    fn has_others(&self, id: &ClOrdId) -> bool {
        let Some(intent) = self.attempts.get(id).map(|fixed| fixed.intent) else { return false };
        self.attempts.iter().any(|(other, fixed)| other != id && fixed.intent == intent)
    }

    /// The other attempts of an order that are open at the venue, or have executed there.
    fn others_at(&self, truth: &Truth<'_>, id: &ClOrdId) -> Vec<String> {
        let Some(intent) = self.attempts.get(id).map(|fixed| fixed.intent) else { return Vec::new() };
        if !self.has_others(id) {
            return Vec::new();
        }
        let other =
            |text: &str| ClOrdId::new(text).is_ok_and(|o| o != *id && self.attempts.get(&o).is_some_and(|f| f.intent == intent));
        let Ok(ledger) = truth.exchange.ledger(truth.account) else { return Vec::new() };
        let ordinary = ledger.orders.iter().filter(|r| !r.status.is_final() || !r.executed_qty.is_zero());
        let waiting = ledger.algo_orders.iter().filter(|r| r.status.is_open());
        let all = ordinary.map(|r| &r.client_order_id).chain(waiting.map(|r| &r.client_algo_id));
        all.filter(|text| other(text)).cloned().collect()
    }

    /// A change of a stop leaves no moment without one, but where the venue refused the two beside each other.
    fn stop_taken_away(&self, truth: &Truth<'_>, id: &ClOrdId) -> Result<(), String> {
        let Some(fixed) = self.attempts.get(id) else { return Ok(()) };
        // Somebody else may have taken the other one.
        if self.outside_hands
            || fixed.adds_risk
            || !fixed.is_stop
            || self.overlapped.contains(&fixed.intent)
            || !self.others_at(truth, id).is_empty()
        {
            return Ok(());
        }
        let Ok(rows) = truth.exchange.positions(truth.account, None) else { return Ok(()) };
        if rows.iter().all(|r| r.position_amt.is_zero()) {
            return Ok(());
        }
        // One that has triggered was the order's word, whatever has become of it since. After a crash the other one may have been
        // found again as an order of its own.
        let Ok(ledger) = truth.exchange.ledger(truth.account) else { return Ok(()) };
        let its = |text: &str| ClOrdId::new(text).is_ok_and(|o| self.attempts.get(&o).is_some_and(|f| f.intent == fixed.intent));
        let Some(gone) = ledger.algo_orders.iter().find(|r| r.client_algo_id == id.as_str()) else { return Ok(()) };
        let stands = |r: &AlgoRow| {
            r.status.is_open() && (&r.symbol, r.side, r.position_side) == (&gone.symbol, gone.side, gone.position_side)
        };
        if ledger.algo_orders.iter().any(|r| stands(r) || (r.trigger_time > 0 && its(&r.client_algo_id))) {
            return Ok(());
        }
        Err(format!("the stop {id} was taken away for a change, and no other attempt of its order is at the venue"))
    }

    /// What holds at any moment between two steps.
    pub(crate) fn always(&self, node: &Standing<'_>, truth: &Truth<'_>, symbols: usize) -> Result<(), String> {
        let books = node.books;
        for order in books.open_orders() {
            let (cum, leaves) = (order.cum_qty(), order.leaves_qty());
            // Two attempts of a change that closes may both execute, held to the leg by the venue.
            let twice = order.intent().terms.is_closing() && order.attempts().len() > 1 && leaves.is_zero();
            // A trade may be heard before the change that made it possible.
            let changing = leaves.is_zero() && order.replaces().values().any(|r| r.state.is_pending());
            if let Some(qty) = order.qty()
                && cum.plus(leaves) != qty
                && !((twice || changing) && cum > qty)
            {
                return Err(format!("order {}: {cum} executed and {leaves} left are not {qty}", order.intent().id));
            }
            let alive = order.attempts().values().filter(|a| !a.is_over()).count();
            if alive > 1 && order.intent().terms.can_add_risk() {
                return Err(format!("order {} has {alive} attempts alive", order.intent().id));
            }
        }
        // True exposure lies inside what the books say is possible.
        if self.outside_hands || node.phase != Phase::Live {
            return Ok(());
        }
        let Ok(rows) = truth.exchange.positions(truth.account, None) else { return Ok(()) };
        for instrument in instrument_ids(symbols) {
            if books.trade_cursor(&instrument).is_none() {
                continue;
            }
            for row in rows.iter().filter(|r| *r.symbol == *instrument.symbol()) {
                let leg = leg_of(row.position_side);
                if !node.mode.has(leg) {
                    continue;
                }
                let inside = interval(books, &instrument, leg);
                let position = books.position_qty(&instrument, leg);
                // The venue holds an exit to the position it sees, which may be gone before we hear of what made it go.
                let (mut low, mut high) = (inside.low, inside.high);
                for order in books.open_orders_of(&instrument).filter(|o| o.leg() == leg && o.intent().terms.is_closing()) {
                    let asked = order.replaces().values().filter(|r| r.state.is_pending()).map(|r| r.terms.qty).max();
                    // One that closes all may have closed whatever was there.
                    let all = order.intent().terms.qty.is_none();
                    let most = order.qty().max(asked).unwrap_or_default().saturating_sub(order.cum_qty()).get();
                    match order.intent().terms.side {
                        Side::Buy => high = if all { Decimal::MAX } else { high.saturating_add(most) },
                        Side::Sell => low = if all { Decimal::MIN } else { low.saturating_sub(most) },
                    }
                }
                // The mark moves on after an order was checked; it does not move by a tenth.
                let most = node.position_notional_max * Decimal::new(11, 1);
                if row.position_amt.abs() * row.mark_price > most {
                    return Err(format!(
                        "P8: {instrument} {leg:?} is {} at the venue, worth more than the limit of {}",
                        row.position_amt, node.position_notional_max
                    ));
                }
                let is_outside = |low, high| row.position_amt < low || row.position_amt > high;
                if is_outside(low, high) {
                    let (buys, sells) = closed_unknown(books, instrument.symbol(), truth);
                    (low, high) = (low.saturating_sub(sells), high.saturating_add(buys));
                }
                if is_outside(low, high) {
                    return Err(format!(
                        "P8: {instrument} {leg:?} is {} at the venue, the books say {low} to {high} (position {position})",
                        row.position_amt
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What exits of ours have bought and sold of which the books know nothing: an exit does not wait for the disk, so a crash may forget
/// it while it is on its way.
fn closed_unknown(books: &Books, symbol: &str, truth: &Truth<'_>) -> (Decimal, Decimal) {
    let Ok(ledger) = truth.exchange.ledger(truth.account) else { return Default::default() };
    let is_unknown = |id: &str| ClOrdId::new(id).is_ok_and(|id| books.by_cl_ord_id(&id).is_none());
    let of = |side| {
        let unknown = ledger.orders.iter().filter(|r| *r.symbol == *symbol && r.reduce_only && r.side == side);
        unknown.filter(|r| is_unknown(&r.client_order_id)).map(|r| r.executed_qty).sum()
    };
    (of(exchange_sim::types::Side::Buy), of(exchange_sim::types::Side::Sell))
}

/// What a correct engine never has to say, unless the venue breaks its word or the account's owner acts.
pub(crate) fn must_not_be_said(alert: &Alert, books: &Books, venue_breaks_word: bool) -> bool {
    let (kind, text) = (alert.kind, alert.text.as_str());
    let never = ["books_refused", "latched", "intent_reused", "overfill", "no_cl_ord_id", "kept_raw"];
    let outside = ["latched by", "by the exchange", "is being liquidated"];
    // What a fault has made unreadable is kept as it must be.
    let made_so = kind == "kept_raw" && text.contains(crate::streams::UNREADABLE);
    if !never.contains(&kind)
        || made_so
        || (kind == "latched" && (venue_breaks_word || outside.iter().any(|words| text.contains(words))))
    {
        return false;
    }
    // A change of an order that closes has two attempts at the venue for a moment, both held to closing; and an order has only so
    // many ids.
    let order = books.orders().find(|o| text.contains(&o.intent().id.to_string()));
    !order.is_some_and(|o| match kind {
        "overfill" => o.intent().terms.is_closing() && o.attempts().len() > 1,
        "no_cl_ord_id" => o.attempts().len() > 30 || o.attempts().values().any(|a| a.header().is_none()),
        _ => false,
    })
}

fn is_wished_off(books: Option<&Books>, id: &ClOrdId) -> bool {
    let order = books.and_then(|books| books.order(books.by_cl_ord_id(id)?));
    order.is_none_or(|o| o.cancel_wished())
}

/// Whether, in HEDGING, what is on its way to close a leg at once is not more than the leg, by all that the node knows of it.
pub(crate) fn exits_fit(books: &Books, attempt: &Attempt) -> bool {
    let terms = &attempt.terms;
    let at_once = |kind: &OrderKind| match kind {
        OrderKind::Market => true,
        OrderKind::Limit { tif, .. } => !tif.rests(),
        _ => false,
    };
    if terms.leg == PositionSide::Net || !terms.is_closing() || !at_once(&terms.kind) {
        return true;
    }
    let held = books.position_qty(&terms.instrument, terms.leg).magnitude();
    let others = books.open_orders_of(&terms.instrument).filter(|o| {
        let theirs = &o.intent().terms;
        theirs.leg == terms.leg && theirs.is_closing() && at_once(&theirs.kind) && !o.attempts().contains_key(&attempt.cl_ord_id)
    });
    let others = others.fold(Qty::ZERO, |sum, o| sum.plus(o.leaves_qty()));
    let all = others.plus(terms.qty.unwrap_or_default());
    held.is_zero() || all <= held
}

pub(crate) fn leg_of(side: exchange_sim::types::PositionSide) -> PositionSide {
    match side {
        exchange_sim::types::PositionSide::Both => PositionSide::Net,
        exchange_sim::types::PositionSide::Long => PositionSide::Long,
        exchange_sim::types::PositionSide::Short => PositionSide::Short,
    }
}
