//! Closing legs until the venue says that they are empty: its own loop, which needs neither stream nor disk nor right books.
//!
//! A round reads the legs. A leg that holds something is closed by one clip at a time, at market, at most what one market order may
//! ask for, and is read again before the next. Where the venue refuses a market order for the prices that it would meet, a limit stands
//! at the bound of its band and moves with it. A leg that was read empty twice, with nothing left that could open it, loses its stops,
//! and not sooner. What is done is in the journal as orders, why it is done as a latch: a start that finds the latch goes on.

use super::{Asked, Engine, protect::is_remedy};
use crate::{
    command::NewOrder,
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::{InstrumentId, IntentId},
    kill::{KillLevel, KillScope},
    order::{
        Order,
        intent::{Handling, InDoubt, Owner, Provenance},
        status::OrdStatus,
    },
    plant::{Plant, planted},
    record::{LatchCause, Record},
    report::PositionReport,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::Timestamp,
    units::{PositionSide, Price, Qty, Side, SignedQty},
    venue::{QueryError, RejectClass},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use rust_decimal::Decimal;

/// How long between two readings while something goes on, and while nothing does.
const READ_MS: u64 = 250;
const READ_IDLE_MS: u64 = 1_000;
/// How long a clip waits for what competes with it to go, and for one of unknown fate.
const WAIT_MS: u64 = 2_000;
/// How long after a clip that came to nothing the next one follows; doubles up to the longest.
const AGAIN_FIRST_MS: u64 = 100;
const AGAIN_LONGEST_MS: u64 = 2_000;
/// The same after one that the book could not fill: thin books fill up again, and orders are counted.
const THIN_FIRST_MS: u64 = 250;
const THIN_LONGEST_MS: u64 = 1_000;
/// Readings that fail before the figures of the books must do. A leg is never called empty by them.
const READS_MAX: u32 = 3;
/// A limit at the bound is moved when the bound is farther from it than this part of its price.
const MOVES_BY: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// In front of the intents that are made here; start and count follow.
const MARK: u128 = 0x0046_4C41_5454_454E;

/// What is volatile about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Flattening {
    legs: BTreeMap<(InstrumentId, PositionSide), Leg>,
    /// Whether a reading is under way.
    reading: bool,
    /// Readings that failed in a row.
    failed: u32,
    /// Readings that succeeded in a row.
    clean: u32,
    /// Clips of this start.
    made: u64,
}

/// How far a leg has come.
#[derive(Clone, Debug, Default)]
struct Leg {
    /// Readings in a row that found it empty.
    zeros: u8,
    /// The newest clip.
    clip: Option<IntentId>,
    /// Clips in a row that came to nothing.
    vain: u32,
    /// The next clip does not leave before this.
    not_before: Timestamp,
    /// Since when something of it competes with a clip.
    competes: Option<Timestamp>,
    /// Whether the venue refuses market orders for their price now.
    at_bound: bool,
    /// Nothing of it has changed since the reading under way began.
    fresh: bool,
    told: bool,
}

impl Engine {
    fn flattened_scopes(&self) -> Vec<KillScope> {
        self.kills().filter(|(level, ..)| *level == KillLevel::Flatten).map(|(_, scope, _)| scope.clone()).collect()
    }

    /// Whether legs are being closed.
    pub fn is_flattening(&self) -> bool {
        self.kills().any(|(level, ..)| level == KillLevel::Flatten)
    }

    /// Sets when legs are looked at next: after each look, and at a start that finds the latch, which goes on where the last one was.
    pub(super) fn resume_flatten(&mut self, out: &mut Vec<Effect>) {
        let mut legs = self.flattening.legs.values();
        let changed = legs.clone().any(|leg| !leg.fresh && leg.clip.is_none());
        let soon = legs.any(|leg| leg.zeros == 1 || leg.competes.is_some()) || self.flattening.clean == 1;
        if self.is_flattening() {
            let next_ms = if changed {
                1
            } else if soon {
                READ_MS
            } else {
                READ_IDLE_MS
            };
            self.flatten_by(self.now.plus_ms(next_ms), out);
        }
    }

    /// Somebody has released it: what is closed stays closed, and the limits at a bound go.
    pub(super) fn stop_flatten(&mut self, out: &mut Vec<Effect>) {
        let clips: Vec<IntentId> = self.books.open_orders().filter(|o| is_clip(o)).map(|o| o.intent().id).collect();
        self.flattening = Flattening::default();
        for clip in clips {
            self.cancel(clip, out);
        }
    }

    /// One look at everything: what should go is asked to go, and the legs are read.
    pub(super) fn flatten_round(&mut self, out: &mut Vec<Effect>) {
        let scopes = self.flattened_scopes();
        if scopes.is_empty() {
            return;
        }
        if !self.start_is_durable() {
            // An id could be made that the next start makes again.
            self.set_timer(Timer::Flatten, AGAIN_FIRST_MS, out);
            return;
        }
        self.take_entries(|o| !o.cancel_wished() && scopes.iter().any(|scope| scope.covers_order(o)), out);
        self.seed_legs(&scopes);
        let legs: Vec<_> = self.flattening.legs.keys().cloned().collect();
        for key in &legs {
            self.clear_way(&scopes, key, out);
        }
        if !self.flattening.reading {
            self.flattening.reading = true;
            self.flattening.legs.values_mut().for_each(|leg| leg.fresh = true);
            let mut instruments: BTreeSet<InstrumentId> = self.at_stake().into_iter().collect();
            instruments.extend(legs.into_iter().map(|(instrument, _)| instrument));
            instruments.extend(self.venue_positions.keys().map(|(instrument, _)| instrument.clone()));
            self.ask(Asked::Flatten, Query::Positions(instruments.into_iter().collect()), out);
        }
        self.flatten_by(self.now.plus_ms(READ_IDLE_MS), out);
    }

    /// The next look is at this time, or sooner.
    fn flatten_by(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        if self.due.get(&Timer::Flatten).is_none_or(|due| *due > at) {
            self.set_timer_at(Timer::Flatten, at, out);
        }
    }

    /// Every leg that may hold something, or has orders of ours.
    fn seed_legs(&mut self, scopes: &[KillScope]) {
        let mode = self.config.mode;
        let ours = self.books.positions().filter(|(_, _, p)| !p.qty().is_zero()).map(|(i, leg, _)| (i.clone(), leg));
        let venue = self.venue_positions.iter().filter(|(_, qty)| !qty.is_zero()).map(|(key, _)| key.clone());
        let ordered = self.books.open_orders().map(|o| (o.intent().terms.instrument.clone(), o.leg()));
        let all: Vec<_> = ours.chain(venue).chain(ordered).filter(|(_, leg)| mode.has(*leg)).collect();
        for key in all {
            if self.concerns(scopes, &key.0) {
                self.flattening.legs.entry(key).or_default();
            }
        }
    }

    /// Whether a scope may have something of an instrument.
    fn concerns(&self, scopes: &[KillScope], instrument: &InstrumentId) -> bool {
        scopes.iter().any(|scope| match scope {
            KillScope::Account => true,
            KillScope::Instrument(only) => only == instrument,
            KillScope::Strategy(only) => {
                let share = |((owner, i, _), qty): (&(Owner, InstrumentId, PositionSide), &SignedQty)| {
                    owner.strategy() == Some(only) && i == instrument && !qty.is_zero()
                };
                let orders = || self.books.open_orders_of(instrument).any(|o| o.intent().owner.strategy() == Some(only));
                self.books.shares().any(share) || orders()
            }
        })
    }

    /// Resting orders that would close the leg take it from the clip. Stops that wait for their trigger take nothing.
    fn clear_way(&mut self, scopes: &[KillScope], key: &(InstrumentId, PositionSide), out: &mut Vec<Effect>) {
        let competing: Vec<IntentId> = self.competing_with_clips(scopes, key).map(|o| o.intent().id).collect();
        let now = self.now;
        if let Some(leg) = self.flattening.legs.get_mut(key) {
            leg.competes = if competing.is_empty() { None } else { leg.competes.or(Some(now)) };
        }
        for intent in competing {
            if self.books.order(intent).is_some_and(|o| !o.cancel_wished()) {
                self.cancel(intent, out);
            }
        }
    }

    fn competing_with_clips<'a>(
        &'a self,
        scopes: &'a [KillScope],
        key: &'a (InstrumentId, PositionSide),
    ) -> impl Iterator<Item = &'a Order> {
        self.books
            .open_orders_of(&key.0)
            .filter(|o| o.leg() == key.1 && o.intent().terms.is_closing() && !o.attempts().is_empty())
            .filter(|o| !o.is_untriggered() && !is_clip(o) && !is_remedy(o))
            .filter(|o| scopes.iter().any(|scope| scope.covers_order(o)))
    }

    /// The legs were read, or not.
    pub(super) fn flatten_answer(&mut self, result: Result<Vec<PositionReport>, QueryError>, out: &mut Vec<Effect>) {
        self.flattening.reading = false;
        let scopes = self.flattened_scopes();
        if scopes.is_empty() {
            return;
        }
        let rows = match result {
            Ok(rows) => {
                self.flattening.failed = 0;
                self.flattening.clean = self.flattening.clean.saturating_add(1);
                let known: Vec<_> = self.flattening.legs.keys().cloned().collect();
                // A leg that is not in the answer is empty.
                self.venue_positions.extend(known.into_iter().map(|key| (key, SignedQty::ZERO)));
                self.venue_positions.extend(rows.iter().map(|row| ((row.instrument.clone(), row.leg), row.qty)));
                self.seed_legs(&scopes);
                true
            }
            Err(error) => {
                (self.flattening.failed, self.flattening.clean) = (self.flattening.failed + 1, 0);
                if self.flattening.failed < READS_MAX {
                    self.set_timer(Timer::Flatten, READ_MS, out);
                    return;
                }
                if self.flattening.failed == READS_MAX {
                    let text = format!("legs cannot be read: {error}; they are closed by what is known");
                    self.alert(out, AlertLevel::Critical, "flatten_blind", text);
                }
                false
            }
        };
        let legs: Vec<_> = self.flattening.legs.keys().cloned().collect();
        for key in legs {
            self.flatten_leg(&scopes, &key, rows, out);
        }
        for scope in scopes {
            self.flatten_done(scope, out);
        }
        self.resume_flatten(out);
    }

    fn flatten_leg(&mut self, scopes: &[KillScope], key: &(InstrumentId, PositionSide), read: bool, out: &mut Vec<Effect>) {
        let held = self.to_close(scopes, key, read);
        let Some(leg) = self.flattening.legs.get(key).cloned() else { return };
        if held.is_zero() {
            if read && leg.fresh {
                let zeros = leg.zeros.saturating_add(1);
                self.flattening.legs.entry(key.clone()).or_default().zeros = zeros;
                // What may still open it must be gone first: a stop that was taken away too soon is missed then.
                if zeros > 1 && !self.may_reopen(scopes, key) {
                    self.take_the_rest(scopes, key, out);
                }
            }
            return;
        }
        self.flattening.legs.entry(key.clone()).or_default().zeros = 0;
        let waits_for = |at: &Timestamp| self.now.ms_since(*at) < WAIT_MS;
        if !leg.fresh || self.now < leg.not_before || leg.competes.as_ref().is_some_and(waits_for) {
            return;
        }
        if let Some(clip) = leg.clip.and_then(|id| self.books.order(id)).filter(|o| !o.status().is_ended()) {
            self.tend_clip(clip.intent().id, key, out);
            return;
        }
        self.send_clip(key, held, leg.at_bound, out);
    }

    /// How much of a leg is to be closed: what the venue says it holds, and of that a strategy's share, if only strategies go.
    fn to_close(&self, scopes: &[KillScope], key: &(InstrumentId, PositionSide), read: bool) -> SignedQty {
        let ours = self.books.position_qty(&key.0, key.1);
        let venue = self.venue_positions.get(key).copied();
        let leg = if read { venue.unwrap_or_default() } else { venue.filter(|q| !q.is_zero()).unwrap_or(ours) };
        let mut shares = Decimal::ZERO;
        for scope in scopes {
            match scope {
                KillScope::Account => return leg,
                KillScope::Instrument(only) if *only == key.0 => return leg,
                KillScope::Instrument(_) => (),
                KillScope::Strategy(only) => {
                    shares += self.books.share(&Owner::Strategy(only.clone()), &key.0, key.1).get();
                }
            }
        }
        // A share against the leg cannot be closed by an order that only reduces it.
        if (shares * leg.get()).is_sign_negative() || shares.is_zero() {
            return SignedQty::ZERO;
        }
        if shares.abs() < leg.get().abs() { SignedQty::ZERO.plus(shares) } else { leg }
    }

    /// A clip that has not ended: one of unknown fate is waited for, not for long; a limit moves with the bound.
    fn tend_clip(&mut self, clip: IntentId, key: &(InstrumentId, PositionSide), out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(clip) else { return };
        let (side, price, asked) = (order.intent().terms.side, order.price(), order.intent().asked);
        match price {
            Some(price) => {
                let bound = self.bound(&key.0, side);
                let moved = bound.is_some_and(|b| (b.get() - price.get()).abs() > price.get() * MOVES_BY);
                if moved && !order.cancel_wished() {
                    self.cancel(clip, out);
                }
            }
            // Whatever becomes of it, the venue holds both to closing.
            None if self.now.ms_since(asked) >= WAIT_MS => {
                self.flattening.legs.entry(key.clone()).or_default().clip = None;
            }
            None => (),
        }
    }

    /// The price at the bound of the venue's band, on the grid.
    fn bound(&self, instrument: &InstrumentId, side: Side) -> Option<Price> {
        let known = self.instruments.get(instrument)?;
        let (band, mark) = (known.percent_price?, self.quote(instrument));
        let mark = mark.mark.map(Price::get).or_else(|| mark.reference())?;
        let bound = mark.checked_mul(if side == Side::Buy { band.up } else { band.down })?;
        let on_grid = known.price.floor(bound);
        let up = side == Side::Sell && on_grid < bound;
        Price::new(if up { on_grid + known.price.step } else { on_grid }).ok()
    }

    fn send_clip(&mut self, key: &(InstrumentId, PositionSide), held: SignedQty, at_bound: bool, out: &mut Vec<Effect>) {
        let (instrument, leg) = key.clone();
        let side = if held.get().is_sign_negative() { Side::Buy } else { Side::Sell };
        let bound = if at_bound { self.bound(&instrument, side) } else { None };
        let (owner, share) = self.holder(key, held);
        let most = share.unwrap_or(held.magnitude()).min(held.magnitude());
        let qty = match self.instruments.get(&instrument) {
            Some(known) => {
                let max = known.qty_max(bound.is_none());
                let max = if max.is_zero() { most.get() } else { max };
                // What is below the grid is asked for as it is: whether it can be closed is the venue's word.
                known.qty_floor(most.get().min(max), bound.is_none()).unwrap_or(most)
            }
            None => most,
        };
        if planted(Plant::FlattenStopsFirst) {
            let stops = |o: &&Order| o.leg() == leg && o.intent().terms.is_protective();
            let stops: Vec<IntentId> = self.books.open_orders_of(&instrument).filter(stops).map(|o| o.intent().id).collect();
            stops.into_iter().for_each(|stop| self.cancel(stop, out));
        }
        let kind = match bound {
            Some(price) => OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc },
            None => OrderKind::Market,
        };
        self.flattening.made += 1;
        let id = IntentId(MARK << 72 | u128::from(self.books.epoch().0) << 40 | u128::from(self.flattening.made));
        let terms = Terms { instrument, side, leg, intention: Intention::Reduce, qty: Some(qty), kind, stp: None };
        // Each clip is sent once: the leg is read before the next.
        let handling = Handling { retry: false, in_doubt: InDoubt::Cancel, ..Handling::default() };
        let entry = self.flattening.legs.entry(key.clone()).or_default();
        (entry.clip, entry.fresh) = (Some(id), false);
        self.take_in(owner, NewOrder { intent: id, terms, handling, list: None }, out);
        self.attempt(id, Some(qty), None, out);
    }

    /// Whose position a clip closes, and how much of the leg is his: whoever holds most of it.
    fn holder(&self, key: &(InstrumentId, PositionSide), held: SignedQty) -> (Owner, Option<Qty>) {
        let on_leg = self.books.shares().filter(|((_, instrument, leg), qty)| {
            (instrument, *leg) == (&key.0, key.1) && (qty.get() * held.get()).is_sign_positive() && !qty.is_zero()
        });
        let most = on_leg.max_by_key(|(_, qty)| qty.magnitude());
        match most {
            Some(((owner, ..), qty)) => (owner.clone(), Some(qty.magnitude())),
            // The books do not know of it.
            None => (Owner::Operator(String::from("kill switch")), None),
        }
    }

    /// Something became known of a clip. Called after every fact about an order.
    pub(super) fn flatten_facts(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let found = self.flattening.legs.iter().find(|(_, leg)| leg.clip == Some(intent)).map(|(key, _)| key.clone());
        let (Some(key), Some(order)) = (found, self.books.order(intent)) else { return };
        if !order.status().is_ended() {
            return;
        }
        let rejection = order.last().and_then(|(_, a)| a.rejection()).cloned();
        let (some, limit) = (!order.cum_qty().is_zero(), order.price().is_some());
        let whole = order.status() == OrdStatus::Filled;
        let withdrawn = order.cancel_wished();
        let now = self.now;
        let Some(leg) = self.flattening.legs.get_mut(&key) else { return };
        (leg.clip, leg.fresh) = (None, false);
        let out_of_band = rejection.as_ref().is_some_and(|r| r.class == RejectClass::OutOfBand);
        if whole || withdrawn || (out_of_band && !leg.at_bound) {
            (leg.vain, leg.not_before) = (0, now);
        } else {
            let (first, longest) = if some { (THIN_FIRST_MS, THIN_LONGEST_MS) } else { (AGAIN_FIRST_MS, AGAIN_LONGEST_MS) };
            leg.not_before = now.plus_ms((first << leg.vain.min(8)).min(longest));
            leg.vain += 1;
        }
        // A limit that was filled may have brought the market back; one that was moved goes on.
        leg.at_bound = out_of_band || (limit && !some);
        let again = leg.not_before.max(now.plus_ms(1));
        if let (Some(rejection), false) = (rejection, core::mem::replace(&mut leg.told, true)) {
            let text = format!("{} {:?}: {} ({}); it is closed again", key.0, key.1, rejection.text, rejection.code);
            self.alert(out, AlertLevel::Warning, "flatten_refused", text);
        }
        self.flatten_by(again, out);
    }

    /// Whether something may still open a leg: on its way, in doubt, or not yet taken off the book.
    fn may_reopen(&self, scopes: &[KillScope], key: &(InstrumentId, PositionSide)) -> bool {
        let opens = |o: &&Order| o.intent().terms.can_add_risk() && scopes.iter().any(|scope| scope.covers_order(o));
        self.books.open_orders_of(&key.0).filter(opens).any(|o| o.leg() == key.1)
    }

    /// The leg is empty: its stops, and whatever else of ours waits to close it, go.
    fn take_the_rest(&mut self, scopes: &[KillScope], key: &(InstrumentId, PositionSide), out: &mut Vec<Effect>) {
        let rest: Vec<IntentId> =
            self.of_scopes(scopes).filter(|o| on_leg(o, key) && !o.cancel_wished()).map(|o| o.intent().id).collect();
        for intent in rest {
            self.cancel(intent, out);
        }
    }

    fn of_scopes<'a>(&'a self, scopes: &'a [KillScope]) -> impl Iterator<Item = &'a Order> {
        self.books
            .open_orders()
            .filter(|o| o.intent().provenance != Provenance::Foreign)
            .filter(|o| scopes.iter().any(|scope| scope.covers_order(o)))
    }

    /// Every leg of a scope was read empty twice, and nothing of it stands any more: from here on it is halted.
    fn flatten_done(&mut self, scope: KillScope, out: &mut Vec<Effect>) {
        let read = self.flattening.clean > 1 && self.flattening.legs.values().all(|leg| leg.zeros > 1);
        let scopes = [scope];
        if !read || self.recovery.is_some() || self.of_scopes(&scopes).next().is_some() {
            return;
        }
        let count = self.flattening.legs.len();
        let [scope] = scopes;
        let text = format!("{scope} is flat: {count} legs were read empty twice; halted until released");
        self.alert(out, AlertLevel::Critical, "flattened", text.clone());
        let cause = LatchCause::Kill { level: KillLevel::Halt, scope };
        self.record(Record::Latched { cause, text, at: self.now }, out);
        if !self.is_flattening() {
            self.flattening = Flattening { made: self.flattening.made, ..Flattening::default() };
        }
    }
}

fn on_leg(order: &Order, key: &(InstrumentId, PositionSide)) -> bool {
    order.intent().terms.instrument == key.0 && order.leg() == key.1
}

/// Whether an order was made to close a leg here.
pub(super) const fn is_clip(order: &Order) -> bool {
    order.intent().id.0 >> 72 == MARK
}
