//! A close that the venue refused in HEDGING for what resting closes have taken: those make way, the leg is read, and what it
//! holds is sent. In NETTING the venue clamps what closes, and nothing of this is needed.

use super::{Asked, Engine};
use crate::{
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::IntentId,
    order::{
        Order,
        attempt::AttemptFacts,
        event::{GivenUp, OrderEvent},
        intent::Intent,
    },
    report::{PositionReport, Source},
    terms::Terms,
    time::Timestamp,
    units::{PositionMode, Qty, SignedQty},
    venue::{QueryError, RejectClass},
};
use alloc::{collections::BTreeMap, format, vec::Vec};

/// How long an exit waits for what makes way before it is tried all the same: the order in its way may not exist any more.
const WAIT_MS: u64 = 2_000;
/// How long between two looks at what makes way, and after a question that failed.
const LOOK_MS: u64 = 100;
const AGAIN_MS: u64 = 500;
/// How often a leg is asked for before our own books must do.
const ASKS_MAX: u32 = 3;
/// How long before the last that is known of a run an exit may have been asked for that its end has cut short.
const CUT_SHORT_MS: u64 = 15_000;

/// Exits that wait for their leg to be read.
pub(super) type Waiting = BTreeMap<IntentId, Wait>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    since: Timestamp,
    asks: u32,
    under_way: bool,
}

impl Engine {
    /// Resting closes of the leg of an exit, which have taken some of it.
    fn competing(&self, exit: IntentId) -> Vec<IntentId> {
        let Some(terms) = self.books.order(exit).map(|o| &o.intent().terms) else { return Vec::new() };
        let rests = |o: &&Order| o.attempts().values().any(|a| a.seen_at_venue() && !a.is_over());
        self.books
            .open_orders_of(&terms.instrument)
            // Only what rests has taken anything; another exit on its way, or between two tries, is as good as this one.
            .filter(rests)
            // An untriggered stop takes nothing of the leg, and protects it.
            .filter(|o| !o.is_untriggered())
            .map(|o| o.intent())
            .filter(|i| i.id != exit && i.terms.leg == terms.leg && i.terms.is_closing())
            .map(|i| i.id)
            .collect()
    }

    /// A close was refused because resting closes of the same leg have taken it: they are cancelled, the exit comes again.
    pub(super) fn make_way(&mut self, exit: IntentId, out: &mut Vec<Effect>) {
        let closes = self.books.order(exit).is_some_and(|o| o.intent().terms.is_closing());
        if self.config.mode != PositionMode::Hedging || !closes {
            return;
        }
        for other in self.competing(exit) {
            self.makes_way(other, out);
            self.cancel(other, out);
        }
    }

    /// Stops that made way in the last moments before a crash, for an exit that the crash may have cut short. Their cancels look like
    /// wishes, so nobody else misses them.
    pub(super) fn find_made_way(&mut self, out: &mut Vec<Effect>) {
        let Some(last) = self.last_heard.filter(|_| self.config.mode == PositionMode::Hedging) else { return };
        let refused = |o: &&Order| {
            let no_leg = |a: &AttemptFacts| a.rejection().is_some_and(|r| r.class == RejectClass::NothingToClose);
            o.intent().terms.is_closing() && o.intent().asked.plus_ms(CUT_SHORT_MS) >= last && o.attempts().values().any(no_leg)
        };
        let exits: Vec<&Intent> = self.books.orders().filter(refused).map(|o| o.intent()).collect();
        let gone = |o: &&Order| o.cancel_wished() && o.intent().terms.is_protective() && !o.is_untriggered();
        let for_an_exit = |stop: &&Intent| {
            let of_leg = |t: &Terms| (&t.instrument, t.leg) == (&stop.terms.instrument, stop.terms.leg);
            exits.iter().any(|exit| exit.id != stop.id && of_leg(&exit.terms))
        };
        let stops = self.books.orders().filter(gone).map(|o| o.intent());
        let made_way: Vec<IntentId> = stops.filter(for_an_exit).map(|stop| stop.id).collect();
        for stop in made_way {
            self.makes_way(stop, out);
        }
    }

    /// Whether the next try of an order waits for its leg to be read: it was refused for want of one.
    pub(super) fn waits_for_leg(&self, order: &Order) -> bool {
        let refused = order.last().and_then(|(_, a)| a.rejection()).map(|r| r.class);
        self.config.mode == PositionMode::Hedging
            && order.intent().terms.is_closing()
            && refused == Some(RejectClass::NothingToClose)
            && !order.cancel_wished()
    }

    /// The time of the next try has come: once nothing is in its way any more, the leg is read.
    pub(super) fn read_leg(&mut self, exit: IntentId, out: &mut Vec<Effect>) {
        let now = self.now;
        let wait = *self.exits_waiting.entry(exit).or_insert(Wait { since: now, asks: 0, under_way: false });
        if wait.under_way {
            return;
        }
        if !self.competing(exit).is_empty() && now.ms_since(wait.since) < WAIT_MS {
            self.start_timer(Timer::Retry(exit), LOOK_MS, out);
            return;
        }
        let Some(instrument) = self.books.order(exit).map(|o| o.intent().terms.instrument.clone()) else { return };
        self.exits_waiting.insert(exit, Wait { asks: wait.asks + 1, under_way: true, ..wait });
        self.ask(Asked::Leg { exit }, Query::Positions(Vec::from([instrument])), out);
    }

    /// The leg was read: what it holds of the exit is sent.
    pub(super) fn leg_answer(&mut self, exit: IntentId, result: Result<Vec<PositionReport>, QueryError>, out: &mut Vec<Effect>) {
        let Some(wait) = self.exits_waiting.get_mut(&exit) else { return };
        wait.under_way = false;
        let asks = wait.asks;
        let Some(order) = self.books.order(exit) else { return };
        let over = order.attempts().values().all(|a| a.is_over());
        if order.status().is_ended() || order.given_up().is_some() || order.cancel_wished() || !over {
            self.exits_waiting.remove(&exit);
            return;
        }
        let terms = order.intent().terms.clone();
        let asked = order.last().and_then(|(_, a)| a.header()).map_or(terms.qty, |h| h.qty);
        let read = match result {
            Ok(legs) => Some(self.leg_of(&terms, &legs)),
            Err(_) if asks < ASKS_MAX => {
                self.start_timer(Timer::Retry(exit), AGAIN_MS, out);
                return;
            }
            Err(error) => {
                let text = format!("{} {:?}: {error}; our books must do", terms.instrument, terms.leg);
                self.alert(out, AlertLevel::Warning, "leg_not_read", text);
                None
            }
        };
        self.exits_waiting.remove(&exit);
        let held = match read {
            Some(leg) => {
                self.venue_positions.insert((terms.instrument.clone(), terms.leg), leg);
                if closes_some(&terms, leg) { leg.magnitude() } else { Qty::ZERO }
            }
            None => self.books.position_qty(&terms.instrument, terms.leg).magnitude(),
        };
        if held.is_zero() {
            self.learn(exit, Source::Engine, OrderEvent::GivenUp(GivenUp::Settled), out);
            self.after_facts(exit, out);
            return;
        }
        let replaces = self.books.order(exit).and_then(Order::renewal).map(|(request, _)| request);
        self.attempt(exit, asked.map(|qty| qty.min(held)), replaces, out);
    }

    fn leg_of(&self, terms: &Terms, legs: &[PositionReport]) -> SignedQty {
        let is = |l: &&PositionReport| (&l.instrument, l.leg) == (&terms.instrument, terms.leg);
        legs.iter().find(is).map(|l| l.qty).unwrap_or_default()
    }
}

/// Whether a leg holds something in the direction that an order closes.
fn closes_some(terms: &Terms, leg: SignedQty) -> bool {
    (leg.get() * terms.side.sign()).is_sign_negative() && !leg.is_zero()
}
