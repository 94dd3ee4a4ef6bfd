//! What may leave only when its record is durable: it waits for the disk, but not longer than its age allows, and when the
//! disk has it, age, gate and price are asked again. Exits and cancels are never here.

use super::{Engine, batch::coalesce};
use crate::{
    conversation::{Effect, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, RequestId, Seq},
    order::event::{NotSent, OrderEvent},
    plant::{Plant, planted},
    report::Source,
    time::{Timestamp, VenueTime},
};
use alloc::vec::Vec;
use rust_decimal::Decimal;

/// Something that may leave only when its record is durable.
#[derive(Clone, Debug)]
pub(super) struct Parked {
    pub(super) seq: Seq,
    pub(super) intent: IntentId,
    /// Where the market was when it was checked.
    pub(super) checked_at: Option<Decimal>,
    asked: Timestamp,
    /// What was asked for together leaves together.
    pub(super) batch: Option<u64>,
    pub(super) what: ParkedWhat,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ParkedWhat {
    Submit(ClOrdId),
    Replace(RequestId),
}

impl Engine {
    /// Lets something wait for the disk.
    pub(super) fn park(&mut self, seq: Seq, intent: IntentId, what: ParkedWhat, out: &mut Vec<Effect>) {
        let instrument: Option<&InstrumentId> = self.books.order(intent).map(|o| &o.intent().terms.instrument);
        let checked_at = instrument.and_then(|i| self.risk_reference(i).ok()).flatten();
        let parked = Parked { seq, intent, checked_at, asked: self.now, batch: None, what };
        // One timer for all that wait: a disk that is fast enough never lets it find anything.
        let too_old = self.too_old_at(parked.intent, parked.what, parked.asked);
        self.parked.push_back(parked);
        if self.due.get(&Timer::Parked).is_none_or(|at| *at > too_old) {
            self.set_timer_at(Timer::Parked, too_old, out);
        }
    }

    /// By when the first byte of an attempt must have left: an exit within its window, what can add risk before it is too old.
    pub(super) fn begin_by(&self, intent: IntentId, cl_ord_id: ClOrdId, expires: VenueTime) -> VenueTime {
        if !self.books.order(intent).is_some_and(|o| o.intent().terms.can_add_risk()) {
            return expires;
        }
        let left_ms = self.too_old_at(intent, ParkedWhat::Submit(cl_ord_id), self.now).ms_since(self.now);
        self.venue_time().plus_ms(left_ms).min(expires)
    }

    /// When something that can add risk is older than it may leave.
    fn too_old_at(&self, intent: IntentId, what: ParkedWhat, asked: Timestamp) -> Timestamp {
        let Some(order) = self.books.order(intent) else { return self.now };
        let intent = order.intent();
        let max_age_ms = intent.handling.max_age_ms;
        // New terms are as old as the market they were made for, like a new order.
        let since_changed = asked.plus_ms(max_age_ms);
        let last = match what {
            ParkedWhat::Replace(_) => since_changed,
            ParkedWhat::Submit(cl_ord_id) => match order.attempts().get(&cl_ord_id).and_then(|a| a.header()) {
                Some(header) if header.replaces.is_some() => since_changed,
                Some(header) if header.number > 0 => intent.asked.plus_ms(self.config.retry_age_ms),
                Some(_) | None => intent.asked.plus_ms(max_age_ms),
            },
        };
        last.plus_ms(if planted(Plant::SentTooOld) { 60_000 } else { 1 })
    }

    /// The disk was too slow for some of what waits: it is told so now, and not when the disk comes back.
    pub(super) fn drop_too_old(&mut self, out: &mut Vec<Effect>) {
        let late: Vec<Seq> =
            self.parked.iter().filter(|p| self.too_old_at(p.intent, p.what, p.asked) <= self.now).map(|p| p.seq).collect();
        for seq in late {
            let found = self.parked.iter().position(|p| p.seq == seq).and_then(|at| self.parked.remove(at));
            if let Some(parked) = found {
                self.drop_parked(parked, NotSent::TooOld, out);
            }
        }
        if let Some(next) = self.parked.iter().map(|p| self.too_old_at(p.intent, p.what, p.asked)).min() {
            self.set_timer_at(Timer::Parked, next, out);
        }
    }

    pub(super) fn durable_up_to(&mut self, seq: Seq, out: &mut Vec<Effect>) {
        let was_early = !self.start_is_durable();
        self.durable = self.durable.max(seq);
        if was_early && self.start_is_durable() {
            self.send_early(out);
        }
        // The batch that is leaving, and where its requests begin.
        let mut leaving: Option<(u64, usize)> = None;
        while self.parked.front().is_some_and(|p| p.seq <= self.durable) {
            let Some(parked) = self.parked.pop_front() else { break };
            if leaving.map(|(batch, _)| batch) != parked.batch {
                if let Some((_, from)) = leaving {
                    coalesce(self.profile.batch_max, from, out);
                }
                leaving = parked.batch.map(|batch| (batch, out.len()));
            }
            match self.recheck(&parked) {
                Ok(()) => match parked.what {
                    ParkedWhat::Submit(cl_ord_id) => self.send_submit(parked.intent, cl_ord_id, out),
                    ParkedWhat::Replace(request) => self.send_change(parked.intent, request, out),
                },
                Err(why) => self.drop_parked(parked, why, out),
            }
        }
        if let Some((_, from)) = leaving {
            coalesce(self.profile.batch_max, from, out);
        }
    }

    /// Time has passed since the checks: may it still leave?
    fn recheck(&self, parked: &Parked) -> Result<(), NotSent> {
        let Some(order) = self.books.order(parked.intent) else { return Err(NotSent::Withdrawn) };
        if order.cancel_wished() {
            return Err(NotSent::Withdrawn);
        }
        if self.permit_of(&order.intent().owner, &order.intent().terms.instrument).is_err() {
            return Err(NotSent::GateClosed);
        }
        if self.too_old_at(parked.intent, parked.what, parked.asked) <= self.now {
            return Err(NotSent::TooOld);
        }
        if self.is_within_collar(&order.intent().terms.instrument, parked.checked_at) { Ok(()) } else { Err(NotSent::PriceMoved) }
    }

    pub(super) fn drop_parked(&mut self, parked: Parked, why: NotSent, out: &mut Vec<Effect>) {
        match parked.what {
            ParkedWhat::Submit(cl_ord_id) => {
                self.learn(parked.intent, Source::Engine, OrderEvent::NotSent { cl_ord_id, why }, out);
                self.after_facts(parked.intent, out);
            }
            ParkedWhat::Replace(request) => self.change_not_sent(parked.intent, request, out),
        }
    }
}
