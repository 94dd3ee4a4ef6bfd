//! Exits that are asked for before the venue's clock was read for the first time: they wait for that reading, for a moment. Not for
//! a clock that was read and lost; the old reading dates better than our own clock.

use super::Engine;
use crate::{
    conversation::{Effect, Timer},
    ids::{IntentId, RequestId},
    units::Qty,
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How long after a start the first reading is waited for. Our own clock dates what leaves later: an exit is worth more than its date.
const FIRST_READING_MS: u64 = 1_000;

/// What waits for a date: how much of an order is sent, and the change that the attempt belongs to.
pub(super) type Undated = BTreeMap<IntentId, (Option<Qty>, Option<RequestId>)>;

impl Engine {
    /// Whether an attempt made now would be dated by our own clock although a better one is on its way. If that clock is ahead, the
    /// fence of the attempt lies as far ahead, and should its reply be lost, its doubt lasts until then.
    pub(super) fn is_undated(&self) -> bool {
        self.last_clock.is_none() && self.now.ms_since(self.begun_at) < FIRST_READING_MS
    }

    pub(super) fn wait_for_date(
        &mut self,
        intent: IntentId,
        qty: Option<Qty>,
        replaces: Option<RequestId>,
        out: &mut Vec<Effect>,
    ) {
        self.undated.insert(intent, (qty, replaces));
        self.set_timer_at(Timer::FirstReading, self.begun_at.plus_ms(FIRST_READING_MS), out);
    }

    /// The first reading is there, or was waited for long enough.
    pub(super) fn send_undated(&mut self, out: &mut Vec<Effect>) {
        for (intent, (qty, replaces)) in core::mem::take(&mut self.undated) {
            let Some(order) = self.books.order(intent) else { continue };
            let withdrawn = order.status().is_ended() || order.given_up().is_some() || order.cancel_wished();
            let sent = !order.attempts().values().all(|a| a.is_over());
            if !withdrawn && !sent && order.renewal().map(|(request, _)| request) == replaces {
                self.attempt(intent, qty, replaces, out);
            }
        }
    }
}
