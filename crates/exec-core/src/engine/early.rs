//! Exits that are asked for in the first moment of a start, before the venue's clock was read once and the start's own record is on
//! disk: they wait for both, but not for long. Not for a clock that was read and lost; the old reading dates better than our own.

use super::Engine;
use crate::{
    conversation::{Effect, Timer},
    ids::{IntentId, RequestId},
    order::attempt::AttemptFacts,
    time::Timestamp,
    units::Qty,
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How long after a start the first reading is waited for. Our own clock dates what leaves later: an exit is worth more than its date.
const FIRST_READING_MS: u64 = 1_000;

/// How long after a start its record is waited for. An exit is worth more than what becomes of it should this start be forgotten.
const START_RECORD_MS: u64 = 2_000;

/// What waits: how much of an order is sent, and the change that the attempt belongs to.
pub(super) type Early = BTreeMap<IntentId, (Option<Qty>, Option<RequestId>)>;

impl Engine {
    /// Until when an attempt made now has to wait, if it has.
    ///
    /// One dated by our own clock although a better date is on its way has its fence as far ahead as that clock is, and should its reply
    /// be lost, its doubt lasts until then. One of a start that is not on disk bears an epoch that the next start takes again if
    /// this one loses its power: arriving late, it would look like a second engine's.
    pub(super) fn early_until(&self) -> Option<Timestamp> {
        let date = self.last_clock.is_none().then_some(FIRST_READING_MS);
        let record = (!self.start_is_durable()).then_some(START_RECORD_MS);
        let until = self.begun_at.plus_ms(date.max(record)?);
        (self.now < until).then_some(until)
    }

    pub(super) fn wait_a_moment(
        &mut self,
        until: Timestamp,
        intent: IntentId,
        qty: Option<Qty>,
        replaces: Option<RequestId>,
        out: &mut Vec<Effect>,
    ) {
        self.early.insert(intent, (qty, replaces));
        self.set_timer_at(Timer::Early, until, out);
    }

    /// Something that was waited for is there, or was waited for long enough.
    pub(super) fn send_early(&mut self, out: &mut Vec<Effect>) {
        for (intent, (qty, replaces)) in core::mem::take(&mut self.early) {
            let Some(order) = self.books.order(intent) else { continue };
            let withdrawn = order.status().is_ended() || order.given_up().is_some() || order.cancel_wished();
            // What a change takes the place of still stands.
            let is_it = |a: &AttemptFacts| replaces.is_none() || a.header().and_then(|h| h.replaces) == replaces;
            let sent = order.attempts().values().any(|a| is_it(a) && !a.is_over());
            if !withdrawn && !sent && order.renewal().map(|(request, _)| request) == replaces {
                self.attempt(intent, qty, replaces, out);
            }
        }
    }
}
