//! Stops that do not protect, and what is done about it: the leg is read again, and what no stop covers is closed, or the stop
//! placed once more, as its strategy's policy says.
//!
//! What will be done is an order in the journal from the moment of the loss on, held back until the leg was read, so a crash
//! between the two forgets nothing and repeats nothing.

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
    protection::{LegMarks, Protection, protection},
    report::{PositionReport, Source},
    strategy::mix,
    terms::{Intention, OrderKind, Terms},
    time::Timestamp,
    units::{PositionSide, Qty, SignedQty},
    venue::QueryError,
};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

/// How long a stop that has triggered counts as protection until its order shows what it does.
const TRIGGERED_COUNTS_MS: u64 = 2_000;
/// How long after a failed question about a leg it is asked again, and how often before our own books must do.
const AGAIN_MS: u64 = 500;
const ASKS_MAX: u32 = 3;
/// How long after an exit failed the next one follows.
const EXIT_AGAIN_MS: u64 = 1_000;
const EXIT: u128 = 0x6578_6974;
const REARM: u128 = 0x7265_6172_6d;

/// What is volatile about protection.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// When an attempt was first seen to have triggered.
    triggered: BTreeMap<ClOrdId, Timestamp>,
    legs: BTreeMap<(InstrumentId, PositionSide), Seconds>,
    /// Questions about a leg that failed, by the order that waits for them.
    asks: BTreeMap<IntentId, u32>,
    /// Stops that came too late, once each.
    late: Vec<IntentId>,
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
        let marks = LegMarks {
            mark: self.quote(instrument).mark,
            liquidation: self.liquidation.get(&(instrument.clone(), leg)).copied(),
        };
        let now = self.now;
        protection(&self.books, instrument, leg, held, marks, |id| {
            self.watch.triggered.get(id).is_none_or(|at| now.ms_since(*at) < TRIGGERED_COUNTS_MS)
        })
    }

    /// Looks at what facts about an order did to the protection of its leg. Called after every fact.
    pub(super) fn watch_protection(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let terms = &order.intent().terms;
        let key = (terms.instrument.clone(), terms.leg);
        let protective = terms.is_protective();
        if protective {
            let triggered: Vec<ClOrdId> =
                order.attempts().iter().filter(|(_, a)| order.has_triggered(a)).map(|(id, _)| *id).collect();
            let ended = order.status().is_ended();
            for id in triggered {
                if ended {
                    self.watch.triggered.remove(&id);
                } else if !self.watch.triggered.contains_key(&id) {
                    self.watch.triggered.insert(id, self.now);
                    self.set_timer(Timer::Protect(intent), TRIGGERED_COUNTS_MS, out);
                }
            }
        }
        let why = self.books.order(intent).and_then(loss);
        if let Some(why) = why {
            self.protection_lost(intent, why, out);
        }
        // Only a stop, or a leg that has changed, changes how much of it is covered.
        let held = self.leg_qty(&key);
        if protective || self.watch.legs.get(&key).map_or(SignedQty::ZERO, |s| s.held) != held {
            self.count_seconds(key, held);
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
        if order.status().is_ended() || stands(order) || self.watch.late.contains(&stop) {
            return;
        }
        let within = self.policy_of(order).map_or(u64::MAX, |(_, within)| within);
        if within < u64::MAX {
            self.start_timer(Timer::Protect(stop), within, out);
        }
    }

    pub(super) fn protect_timer(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        if is_remedy(order) && is_held_back(order) {
            self.ask_leg(intent, out);
            return;
        }
        if !order.status().is_ended() && order.attempts().values().any(|a| order.has_triggered(a)) {
            self.protection_lost(intent, String::from("it has triggered and does not execute"), out);
            return;
        }
        let list = order.intent().list.map(|p| p.list);
        let open = list.and_then(|id| OrderList::find(&self.books, id)).map(|l| l.open_qty()).unwrap_or_default();
        if !stands(order) && !order.status().is_ended() && !open.is_zero() {
            self.watch.late.push(intent);
            self.protection_lost(intent, String::from("it is not acknowledged in time"), out);
        }
    }

    fn policy_of(&self, order: &Order) -> Option<(ProtectionPolicy, u64)> {
        let owner = order.intent().owner.strategy()?;
        self.config.strategies.iter().find(|s| s.id == *owner).map(|s| (s.protection, s.time_to_protect_max_ms))
    }

    /// One loss, one alert, one remedy.
    fn protection_lost(&mut self, lost: IntentId, why: String, out: &mut Vec<Effect>) {
        let (exit, rearm) = (IntentId(mix(lost.0, EXIT)), IntentId(mix(lost.0, REARM)));
        if self.books.order(exit).is_some() || self.books.order(rearm).is_some() || self.watch.asks.contains_key(&lost) {
            return;
        }
        let Some(order) = self.books.order(lost) else { return };
        let terms = order.intent().terms.clone();
        let key = (terms.instrument.clone(), terms.leg);
        let held = self.leg_qty(&key);
        let closes = (held.get() * terms.side.sign()).is_sign_negative();
        // Nothing is held in the direction that it protected: it had nothing to do any more.
        if held.is_zero() || !closes {
            return;
        }
        let (list, owner) = (order.intent().list.map(|p| p.list), order.intent().owner.clone());
        let (once_more, again) = (self.is_rearmed(order), is_remedy(order));
        let policy = match self.policy_of(order) {
            Some((ProtectionPolicy::Rearm, _)) if once_more || again => ProtectionPolicy::Exit,
            Some((policy, _)) => policy,
            // Somebody else's stop, or an operator's: whoever placed it decides.
            None => ProtectionPolicy::Alert,
        };
        let uncovered = self.covered(&key.0, key.1, held).uncovered;
        let text = format!("order {lost} on {} {:?}: {why}; {uncovered} is uncovered, policy {policy:?}", key.0, key.1);
        self.alert(out, AlertLevel::Critical, "protection_lost", text);
        if let Some(strategy) = owner.strategy().cloned() {
            let event = StrategyEvent::ProtectionLost(ProtectionLost { intent: lost, why, uncovered, policy });
            self.notify(strategy, None, event, out);
        }
        let (id, terms) = match policy {
            ProtectionPolicy::Alert => {
                // Told once in this run.
                self.watch.asks.insert(lost, 0);
                return;
            }
            ProtectionPolicy::Exit => {
                let qty = Some(terms.qty.unwrap_or(held.magnitude()));
                (exit, Terms { intention: Intention::Reduce, qty, kind: OrderKind::Market, ..terms })
            }
            ProtectionPolicy::Rearm => (rearm, terms),
        };
        let list = list.unwrap_or(ListId((lost.0 >> 64) as u64));
        let place = Some(ListPlace { list, role: ListRole::Exit });
        self.take_in(owner, NewOrder { intent: id, terms, handling: Handling::default(), list: place }, out);
        if again {
            // What has just been refused is not asked for again at the speed of the network.
            self.set_timer(Timer::Protect(id), EXIT_AGAIN_MS, out);
        } else {
            self.ask_leg(id, out);
        }
    }

    /// Whether an order is itself the second try of a stop.
    fn is_rearmed(&self, order: &Order) -> bool {
        let id = order.intent().id;
        self.books.orders().any(|other| mix(other.intent().id.0, REARM) == id.0)
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
        let qty = self.on_grid(&terms, uncovered);
        if qty.is_zero() {
            self.learn(remedy, Source::Engine, OrderEvent::GivenUp(GivenUp::NeverTried), out);
            return;
        }
        let qty = if terms.intention == Intention::CloseAll { None } else { Some(qty) };
        self.attempt(remedy, qty, None, out);
    }

    fn on_grid(&self, terms: &Terms, qty: Qty) -> Qty {
        let market = terms.kind.limit_price().is_none();
        match self.instruments.get(&terms.instrument) {
            Some(instrument) => instrument.qty_floor(qty.get(), market).unwrap_or_default(),
            None => qty,
        }
    }

    /// Remedies that a crash held back go on from where they were.
    pub(super) fn resume_remedies(&mut self, out: &mut Vec<Effect>) {
        let waiting = self.books.open_orders().filter(|o| is_remedy(o) && is_held_back(o));
        let waiting: Vec<IntentId> = waiting.map(|o| o.intent().id).collect();
        for remedy in waiting {
            self.ask_leg(remedy, out);
        }
    }
}

fn is_remedy(order: &Order) -> bool {
    order.intent().list.is_some_and(|p| p.role == ListRole::Exit)
}

/// Whether the venue has shown an attempt of an order that is not over.
fn stands(order: &Order) -> bool {
    order.attempts().values().any(|a| a.seen_at_venue() && !a.is_over())
}

/// Why an order does not protect any more, if it should and does not. An end that was wished is none.
fn loss(order: &Order) -> Option<String> {
    let terms = &order.intent().terms;
    if !terms.is_protective() && !is_remedy(order) || order.cancel_wished() {
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
