//! Stops that do not protect, and what is done about it: the leg is read again, and what no stop covers is closed, or the stop
//! placed once more, as its strategy's policy says.
//!
//! What will be done is an order in the journal from the moment of the loss on, held back until the leg was read, so a crash
//! between the two forgets nothing and repeats nothing. One is under way at a time, and the next follows while the loss is not
//! settled: until the bracket, or the leg, has nothing left that no stop covers.

use super::{Asked, Engine};
use crate::{
    command::NewOrder,
    conversation::{AlertLevel, Effect, ProtectionLost, Query, StrategyEvent, Timer},
    engine::config::ProtectionPolicy,
    ids::{ClOrdId, InstrumentId, IntentId, ListId},
    order::{
        Order,
        event::{GivenUp, OrderEvent},
        intent::{Handling, ListPlace, ListRole},
        list::{OrderList, is_held_back},
        status::OrdStatus,
    },
    plant::{Plant, planted},
    protection::{Protection, protection},
    report::{PositionReport, Source},
    strategy::mix,
    terms::{Intention, OrderKind, Terms},
    time::Timestamp,
    units::{PositionSide, Qty, SignedQty},
    venue::QueryError,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

/// How long a stop that has triggered counts as protection until its order shows what it does.
const TRIGGERED_COUNTS_MS: u64 = 2_000;
/// How long after a failed question about a leg it is asked again, and how often before our own books must do.
const AGAIN_MS: u64 = 500;
const ASKS_MAX: u32 = 3;
/// How long after an exit failed the next one follows.
const EXIT_AGAIN_MS: u64 = 1_000;
/// How long after a stop died a fill may come that it was to protect.
const DEAD_COUNTS_MS: u64 = 5_000;
/// How long the exit that a triggered stop has made way for may take.
const EXIT_TIME_MS: u64 = 3_000;
const REMEDY: u128 = 0x7265_6d65_6479_0000;

/// What is volatile about protection.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// When an attempt was first seen to have triggered.
    triggered: BTreeMap<ClOrdId, Timestamp>,
    legs: BTreeMap<(InstrumentId, PositionSide), Seconds>,
    /// Questions about a leg that failed, by the order that waits for them.
    asks: BTreeMap<IntentId, u32>,
    /// Stops whose loss was told.
    told: BTreeSet<IntentId>,
    /// Stops that were lost and whose position is not settled yet.
    guarded: BTreeSet<IntentId>,
    /// Stops placed once more that were not acknowledged in time.
    late: BTreeSet<IntentId>,
    /// Which lost stop a remedy is for.
    remedies: BTreeMap<IntentId, IntentId>,
    /// Stops that died with nothing to protect, and when: the fill that they were for may be on its way.
    dead: BTreeMap<IntentId, Timestamp>,
    /// Triggered stops that were cancelled to let another exit of the leg pass, and when.
    made_way: BTreeMap<IntentId, Timestamp>,
}

impl Watch {
    /// Whether a stop was lost, or makes good for one, whose position is not settled yet.
    pub(super) fn guards(&self, intent: IntentId) -> bool {
        let lost = self.remedies.get(&intent).unwrap_or(&intent);
        self.guarded.contains(lost)
    }
    /// An order leaves the books.
    pub(super) fn forget(&mut self, intent: IntentId, attempts: &[ClOrdId]) {
        for attempt in attempts {
            self.triggered.remove(attempt);
        }
        self.asks.remove(&intent);
        self.told.remove(&intent);
        self.late.remove(&intent);
        self.remedies.remove(&intent);
        self.dead.remove(&intent);
        self.made_way.remove(&intent);
    }
}

/// How long a leg was uncovered.
#[derive(Clone, Copy, Debug, Default)]
struct Seconds {
    /// What it held when that was last counted.
    held: SignedQty,
    /// Since when something is uncovered.
    since: Option<Timestamp>,
    /// Before that, in milliseconds.
    before: u64,
}

impl Engine {
    /// How much of a leg is protected by stops that stand at the venue.
    pub fn protection(&self, instrument: &InstrumentId, leg: PositionSide) -> Protection {
        let key = (instrument.clone(), leg);
        let mut found = self.covered(instrument, leg, self.leg_qty(&key));
        let seconds = self.watch.legs.get(&key).copied().unwrap_or_default();
        found.unprotected_since = seconds.since;
        found.unprotected_ms = seconds.before + seconds.since.map_or(0, |since| self.now.ms_since(since));
        found
    }

    /// What a leg holds: where our books and the venue differ, the larger of both.
    fn leg_qty(&self, key: &(InstrumentId, PositionSide)) -> SignedQty {
        let ours = self.books.position_qty(&key.0, key.1);
        let differs = self.differences.iter().any(|d| d.instrument == key.0 && d.leg == key.1);
        let venue = self.venue_positions.get(key).copied().filter(|_| differs).unwrap_or(ours);
        if venue.magnitude() > ours.magnitude() { venue } else { ours }
    }

    fn covered(&self, instrument: &InstrumentId, leg: PositionSide, held: SignedQty) -> Protection {
        let liquidation = self.liquidation.get(&(instrument.clone(), leg)).copied();
        let now = self.now;
        protection(&self.books, instrument, leg, held, liquidation, |id| {
            self.watch.triggered.get(id).is_none_or(|at| now.ms_since(*at) < TRIGGERED_COUNTS_MS)
        })
    }

    /// Looks at what facts about an order did to the protection of its leg. Called after every fact.
    pub(super) fn watch_protection(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let terms = &order.intent().terms;
        let key = (terms.instrument.clone(), terms.leg);
        let (protective, ended, why) = (terms.is_protective(), order.status().is_ended(), loss(order));
        if protective {
            let triggered: Vec<ClOrdId> =
                order.attempts().iter().filter(|(_, a)| order.has_triggered(a)).map(|(id, _)| *id).collect();
            for id in triggered {
                if ended {
                    self.watch.triggered.remove(&id);
                } else if !self.watch.triggered.contains_key(&id) {
                    self.watch.triggered.insert(id, self.now);
                    self.set_timer(Timer::Protect(intent), TRIGGERED_COUNTS_MS, out);
                }
            }
        }
        match self.watch.remedies.get(&intent).copied() {
            Some(lost) if ended => self.look(lost, out),
            Some(_) => (),
            None => {
                if let Some(why) = why {
                    self.protection_lost(intent, why, out);
                }
                if protective && ended {
                    // It may have covered what another one left.
                    self.look_at_leg(&key.0, key.1, out);
                }
            }
        }
        // Only a stop, or a leg that has changed, changes how much of it is covered.
        let held = self.leg_qty(&key);
        if protective || self.watch.legs.get(&key).map_or(SignedQty::ZERO, |s| s.held) != held {
            self.count_seconds(key.clone(), held);
            self.raise_dead(&key, out);
        }
    }

    /// A stop may be refused before the fill that it was to protect is heard of.
    fn raise_dead(&mut self, key: &(InstrumentId, PositionSide), out: &mut Vec<Effect>) {
        let now = self.now;
        self.watch.dead.retain(|_, at| now.ms_since(*at) < DEAD_COUNTS_MS);
        let of_leg =
            |id: &IntentId| self.books.order(*id).is_some_and(|o| (&o.intent().terms.instrument, o.leg()) == (&key.0, key.1));
        let dead: Vec<IntentId> = self.watch.dead.keys().copied().filter(of_leg).collect();
        for lost in dead {
            if self.books.order(lost).and_then(|o| self.needed(o)).is_some_and(|qty| !qty.is_zero()) {
                self.watch.dead.remove(&lost);
                self.protection_lost(lost, String::from("it had died before the fill that it was to protect was heard"), out);
            }
        }
    }

    fn count_seconds(&mut self, key: (InstrumentId, PositionSide), held: SignedQty) {
        let uncovered = !self.covered(&key.0, key.1, held).uncovered.is_zero();
        let now = self.now;
        let seconds = self.watch.legs.entry(key).or_default();
        seconds.held = held;
        match (uncovered, seconds.since) {
            (true, None) => seconds.since = Some(now),
            (false, Some(from)) => (seconds.since, seconds.before) = (None, seconds.before + now.ms_since(from)),
            (true, Some(_)) | (false, None) => (),
        }
    }

    /// A bracket's entry is executed: its stop must stand at the venue in time.
    pub(super) fn expect_protection(&mut self, stop: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(stop) else { return };
        if order.status().is_ended() || stands(order) || self.watch.told.contains(&stop) {
            return;
        }
        if let Some((_, within)) = self.policy_of(order) {
            self.start_timer(Timer::Protect(stop), within, out);
        }
    }

    pub(super) fn protect_timer(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        if let Some(lost) = self.watch.remedies.get(&intent).copied() {
            if is_held_back(order) {
                self.ask_leg(intent, out);
            } else if order.intent().terms.is_protective() && !order.status().is_ended() {
                // A stop that was placed once more and is not acknowledged in time, or has triggered and rests, is none.
                if !stands(order) {
                    self.watch.late.insert(intent);
                }
                self.look(lost, out);
            }
            return;
        }
        if self.watch.guarded.contains(&intent) {
            self.look(intent, out);
            return;
        }
        if order.status().is_ended() {
            if self.watch.made_way.contains_key(&intent) {
                self.expect_closed(intent, out);
            }
            return;
        }
        if order.attempts().values().any(|a| order.has_triggered(a)) {
            self.protection_lost(intent, String::from("it has triggered and does not execute"), out);
        } else if !stands(order) && self.needed(order).is_some_and(|qty| !qty.is_zero()) {
            self.protection_lost(intent, String::from("it is not acknowledged in time"), out);
        }
    }

    /// A bracket's stop has ended and left something of the entry open, or the entry was executed on behind it.
    pub(super) fn expect_closed(&mut self, stop: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(stop) else { return };
        let tried = !order.attempts().is_empty() || order.denial().is_some();
        let had_its_time = |at: &Timestamp| self.now.ms_since(*at) >= EXIT_TIME_MS;
        let wanted = order.cancel_wished() && !self.watch.made_way.get(&stop).is_some_and(had_its_time);
        let ended = order.status().is_ended() && tried && !wanted;
        if ended && !self.watch.guarded.contains(&stop) && self.needed(order).is_some_and(|qty| !qty.is_zero()) {
            self.protection_lost(stop, String::from("it has closed less than is open"), out);
        }
    }

    /// A triggered stop makes way for another exit of its leg, which may close less than the stop protected: once that exit has had
    /// its time, what is left has no stop.
    pub(super) fn makes_way(&mut self, stop: IntentId, out: &mut Vec<Effect>) {
        if self.books.order(stop).is_some_and(|o| o.intent().terms.is_protective()) {
            self.watch.made_way.insert(stop, self.now);
            self.set_timer(Timer::Protect(stop), EXIT_TIME_MS, out);
        }
    }

    /// A stop could not be made larger: what it does not cover is as good as lost.
    pub(super) fn change_refused(&mut self, stop: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(stop) else { return };
        let open = OrderList::bracket_of(&self.books, order).map(|l| l.open_qty()).unwrap_or_default();
        let small = order.intent().terms.is_protective() && order.intent().terms.qty.is_some() && order.leaves_qty() < open;
        if small && !order.cancel_wished() {
            self.protection_lost(stop, String::from("it could not be made larger"), out);
        }
    }

    fn policy_of(&self, order: &Order) -> Option<(ProtectionPolicy, u64)> {
        let owner = order.intent().owner.strategy()?;
        self.config.strategies.iter().find(|s| s.id == *owner).map(|s| (s.protection, s.time_to_protect_max_ms))
    }

    /// What a stop should close: what is open of its bracket, or its leg; at most what the leg holds. `None` where the leg holds
    /// nothing in the direction that the stop closes.
    fn needed(&self, order: &Order) -> Option<Qty> {
        let terms = &order.intent().terms;
        let held = self.leg_qty(&(terms.instrument.clone(), terms.leg));
        if !(held.get() * terms.side.sign()).is_sign_negative() || held.is_zero() {
            return None;
        }
        let most = match OrderList::bracket_of(&self.books, order) {
            Some(bracket) => bracket.open_qty(),
            // What it did not protect is not its business: somebody may hold more on purpose.
            None => match order.qty().filter(|_| terms.intention != Intention::CloseAll) {
                Some(qty) => qty.saturating_sub(order.cum_qty()).saturating_sub(self.remedied(order.intent().id)),
                None => held.magnitude(),
            },
        };
        Some(most.min(held.magnitude()))
    }

    /// The remedies that a lost stop has had, oldest first.
    fn remedies(&self, lost: IntentId) -> impl Iterator<Item = &Order> {
        remedies_of(lost).map_while(|id| self.books.order(id))
    }

    /// How much the remedies of a lost stop have closed.
    fn remedied(&self, lost: IntentId) -> Qty {
        self.remedies(lost).fold(Qty::ZERO, |sum, o| sum.plus(o.cum_qty()))
    }

    /// One loss is told once. What is done about it is done until nothing is left to protect.
    fn protection_lost(&mut self, lost: IntentId, why: String, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(lost) else { return };
        // Nothing is held in the direction that it protected: it had nothing to do any more.
        if self.needed(order).is_none_or(|qty| qty.is_zero()) {
            // Or what it was to protect was executed, and nobody has told us yet. One that stood has had its time.
            if order.attempts().values().all(|a| !a.seen_at_venue()) {
                self.watch.dead.insert(lost, self.now);
            }
            return;
        }
        let (policy, strategy) = match self.policy_of(order) {
            Some((policy, _)) => (policy, order.intent().owner.strategy().cloned()),
            // Somebody else's stop, or an operator's: whoever placed it decides.
            None => (ProtectionPolicy::Alert, None),
        };
        if self.watch.told.insert(lost) {
            let key = (order.intent().terms.instrument.clone(), order.intent().terms.leg);
            let uncovered = self.covered(&key.0, key.1, self.leg_qty(&key)).uncovered;
            let text = format!("order {lost} on {} {:?}: {why}; {uncovered} is uncovered, policy {policy:?}", key.0, key.1);
            self.alert(out, AlertLevel::Critical, "protection_lost", text);
            if let Some(strategy) = strategy {
                let event = StrategyEvent::ProtectionLost(ProtectionLost { intent: lost, why, uncovered, policy });
                self.notify(strategy, None, event, out);
            }
        }
        if policy != ProtectionPolicy::Alert {
            self.watch.guarded.insert(lost);
            self.look(lost, out);
        }
    }

    /// Looks at every lost stop of a leg again.
    pub(super) fn look_at_leg(&mut self, instrument: &InstrumentId, leg: PositionSide, out: &mut Vec<Effect>) {
        for stop in self.resting_stops(instrument, leg) {
            self.protection_lost(stop, String::from("it has triggered and does not execute"), out);
        }
        let of_leg =
            |id: &&IntentId| self.books.order(**id).is_some_and(|o| o.intent().terms.instrument == *instrument && o.leg() == leg);
        let lost: Vec<IntentId> = self.watch.guarded.iter().filter(of_leg).copied().collect();
        for lost in lost {
            self.look(lost, out);
        }
    }

    /// Stops of brackets that have triggered and still rest: what was done about one is settled by our own books, and those may hear
    /// only later that the leg was never flat.
    fn resting_stops(&self, instrument: &InstrumentId, leg: PositionSide) -> Vec<IntentId> {
        let had_its_time = |at: &Timestamp| self.now.ms_since(*at) >= TRIGGERED_COUNTS_MS;
        let is_lost = |id: &IntentId| {
            let Some(order) = self.books.order(*id) else { return false };
            let of_leg = order.intent().terms.instrument == *instrument && order.leg() == leg;
            let kept = order.cancel_wished() || is_remedy(order) || self.watch.guarded.contains(id);
            of_leg && !kept && OrderList::bracket_of(&self.books, order).is_some()
        };
        let rests = self.watch.triggered.iter().filter(|(_, at)| had_its_time(at));
        rests.filter_map(|(id, _)| self.books.by_cl_ord_id(id)).filter(is_lost).collect()
    }

    /// Looks at every lost stop again.
    pub(super) fn look_at_all(&mut self, out: &mut Vec<Effect>) {
        for lost in self.watch.guarded.clone() {
            self.look(lost, out);
        }
    }

    /// Whether any lost stop is not settled.
    pub(super) fn is_guarding(&self) -> bool {
        !self.watch.guarded.is_empty()
    }

    /// How many remedies wait for their leg to be read.
    pub(super) fn remedies_held_back(&self) -> usize {
        self.watch.remedies.keys().filter(|id| self.books.order(**id).is_some_and(is_held_back)).count()
    }

    /// Does what a lost stop needs now: nothing while a remedy is under way, or while another stop covers what it should.
    fn look(&mut self, lost: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(lost).filter(|_| self.watch.guarded.contains(&lost)) else { return };
        let need = self.needed(order).unwrap_or_default();
        if need.is_zero() {
            // Settled; a remedy that still waits for the leg to be read would close what comes next.
            let waiting: Vec<IntentId> = self.remedies(lost).filter(|o| is_held_back(o)).map(|o| o.intent().id).collect();
            self.watch.guarded.remove(&lost);
            for id in waiting {
                self.learn(id, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
            }
            return;
        }
        let under_way = |o: &Order| !o.status().is_ended() && !is_standing_stop(o) && !self.watch.late.contains(&o.intent().id);
        if self.remedies(lost).any(under_way) {
            return;
        }
        let made = self.remedies(lost).count();
        let terms = order.intent().terms.clone();
        let key = (terms.instrument.clone(), terms.leg);
        if self.covered(&key.0, key.1, self.leg_qty(&key)).uncovered.is_zero() {
            if OrderList::bracket_of(&self.books, order).is_none() {
                // Another stop does what this one should: what becomes of that one is its own matter.
                self.watch.guarded.remove(&lost);
            }
            return;
        }
        let (owner, list) = (order.intent().owner.clone(), order.intent().list.map(|p| p.list));
        // As it stood last, not as it was asked for first.
        let terms = terms.changed(order.qty(), order.price(), order.trigger_price());
        let rearms = made == 0 && self.policy_of(order).is_some_and(|(policy, _)| policy == ProtectionPolicy::Rearm);
        let terms = if rearms {
            Terms { qty: terms.qty.map(|_| need), ..terms }
        } else {
            Terms { intention: Intention::Reduce, qty: Some(need), kind: OrderKind::Market, ..terms }
        };
        let Some(id) = remedies_of(lost).nth(made) else { return };
        let place = Some(ListPlace { list: list.unwrap_or(ListId((lost.0 >> 64) as u64)), role: ListRole::Exit });
        self.watch.remedies.insert(id, lost);
        self.take_in(owner, NewOrder { intent: id, terms, handling: Handling::default(), list: place }, out);
        if made == 0 {
            self.ask_leg(id, out);
        } else {
            // What has just been refused, or was not needed, is not asked for again at the speed of the network.
            self.set_timer(Timer::Protect(id), EXIT_AGAIN_MS, out);
        }
    }

    fn ask_leg(&mut self, remedy: IntentId, out: &mut Vec<Effect>) {
        let Some(instrument) = self.books.order(remedy).map(|o| o.intent().terms.instrument.clone()) else { return };
        self.ask(Asked::Protect { remedy }, Query::Positions(Vec::from([instrument])), out);
    }

    /// The leg was read: the remedy leaves in the quantity that no stop covers, or is not needed.
    pub(super) fn protect_answer(
        &mut self,
        remedy: IntentId,
        result: Result<Vec<PositionReport>, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        let Some(order) = self.books.order(remedy).filter(|o| is_held_back(o)) else { return };
        let terms = order.intent().terms.clone();
        let key = (terms.instrument.clone(), terms.leg);
        let held = match result {
            Ok(legs) => legs.iter().find(|l| l.instrument == key.0 && l.leg == key.1).map(|l| l.qty).unwrap_or_default(),
            Err(error) => {
                let asks = self.watch.asks.entry(remedy).or_default();
                *asks += 1;
                if *asks < ASKS_MAX {
                    self.set_timer(Timer::Protect(remedy), AGAIN_MS, out);
                    return;
                }
                self.alert(
                    out,
                    AlertLevel::Warning,
                    "leg_not_read",
                    format!("{} {:?}: {error}; our books must do", key.0, key.1),
                );
                self.leg_qty(&key)
            }
        };
        let closes = (held.get() * terms.side.sign()).is_sign_negative();
        let uncovered = if closes { self.covered(&key.0, key.1, held).uncovered } else { Qty::ZERO };
        let lost = self.watch.remedies.get(&remedy).copied();
        let need = lost.and_then(|lost| self.books.order(lost)).and_then(|o| self.needed(o)).unwrap_or_default();
        let qty = self.on_grid(&terms, uncovered.min(need));
        if qty.is_zero() {
            self.learn(remedy, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
            // Events may be on their way that say otherwise.
            if let Some(lost) = lost {
                self.set_timer(Timer::Protect(lost), EXIT_AGAIN_MS, out);
            }
            return;
        }
        if planted(Plant::FlattenStopsFirst) {
            let stops = |o: &&Order| o.leg() == key.1 && o.intent().terms.kind.is_stop() && o.intent().terms.is_closing();
            let stops: Vec<IntentId> = self.books.open_orders_of(&key.0).filter(stops).map(|o| o.intent().id).collect();
            stops.into_iter().for_each(|stop| self.cancel(stop, out));
        }
        let qty = if terms.intention == Intention::CloseAll { None } else { Some(qty) };
        self.attempt(remedy, qty, None, out);
    }

    fn on_grid(&self, terms: &Terms, qty: Qty) -> Qty {
        let market = terms.kind.limit_price().is_none();
        match self.instruments.get(&terms.instrument) {
            Some(instrument) => instrument.qty_floor(qty.get().min(instrument.qty_max(market)), market).unwrap_or_default(),
            None => qty,
        }
    }

    /// The remedies that a crash found under way. Ask before anything is settled.
    pub(super) fn open_remedies(&self) -> BTreeSet<IntentId> {
        self.books.open_orders().filter(|o| is_remedy(o)).map(|o| o.intent().id).collect()
    }

    /// What was lost and is not settled is taken up again by a new start, with the remedies that a crash found under way. A loss
    /// whose remedies had all ended was settled: what the leg holds now is another position.
    pub(super) fn resume_remedies(&mut self, open: &BTreeSet<IntentId>, out: &mut Vec<Effect>) {
        let lost =
            |o: &&Order| o.intent().terms.is_protective() && !is_remedy(o) && self.remedies(o.intent().id).next().is_some();
        let lost: Vec<IntentId> = self.books.orders().filter(lost).map(|o| o.intent().id).collect();
        for lost in lost {
            let remedies: Vec<IntentId> = self.remedies(lost).map(|o| o.intent().id).collect();
            self.watch.remedies.extend(remedies.iter().map(|id| (*id, lost)));
            let held_back = remedies.iter().copied().find(|id| self.books.order(*id).is_some_and(is_held_back));
            let needs = |lost: IntentId| self.books.order(lost).and_then(|o| self.needed(o)).is_some_and(|qty| !qty.is_zero());
            // One that was held back waits for its leg to be read, whatever our books say of it before anything was compared.
            if held_back.is_none() && !(needs(lost) && remedies.iter().any(|id| open.contains(id))) {
                continue;
            }
            self.watch.told.insert(lost);
            self.watch.guarded.insert(lost);
            match held_back {
                Some(remedy) => self.ask_leg(remedy, out),
                None => self.look(lost, out),
            }
        }
    }
}

/// The names that remedies of a lost stop have, one after the other: the same after a crash.
fn remedies_of(lost: IntentId) -> impl Iterator<Item = IntentId> {
    (0..u128::from(u16::MAX)).map(move |n| IntentId(mix(lost.0, REMEDY + n)))
}

/// Whether an order does what a lost stop should have done.
pub(super) fn is_remedy(order: &Order) -> bool {
    order.intent().list.is_some_and(|p| p.role == ListRole::Exit)
}

/// Whether a remedy is a stop that stands: it does what it can, and the rest is for the next one.
fn is_standing_stop(order: &Order) -> bool {
    order.intent().terms.is_protective() && stands(order)
}

/// Whether the venue has shown an attempt of an order that is not over.
fn stands(order: &Order) -> bool {
    order.attempts().values().any(|a| a.seen_at_venue() && !a.is_over())
}

/// Why an order does not protect any more, if it should and does not. An end that was wished is none.
fn loss(order: &Order) -> Option<String> {
    let terms = &order.intent().terms;
    if !terms.is_protective() || order.cancel_wished() {
        return None;
    }
    match order.status() {
        OrdStatus::Denied => Some(order.denial().map_or_else(String::new, |d| format!("denied: {d}"))),
        OrdStatus::Rejected => {
            let text = order.last().and_then(|(_, a)| a.rejection()).map(|r| format!("refused: {} ({})", r.text, r.code));
            Some(text.unwrap_or_default())
        }
        OrdStatus::NotSent if order.attempts().is_empty() => None,
        OrdStatus::NotSent => Some(String::from("it never left")),
        OrdStatus::Presumed => Some(String::from("it never reached the venue")),
        OrdStatus::Vanished => Some(String::from("the venue does not know it any more")),
        OrdStatus::Expired => Some(String::from("it expired")),
        OrdStatus::Canceled => Some(String::from("somebody else cancelled it")),
        OrdStatus::Initialized
        | OrdStatus::PendingNew
        | OrdStatus::New
        | OrdStatus::Triggered
        | OrdStatus::PartiallyFilled
        | OrdStatus::PendingReplace
        | OrdStatus::PendingCancel
        | OrdStatus::Filled => None,
    }
}
