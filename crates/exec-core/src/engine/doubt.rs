//! Attempts of unknown outcome: told, cancelled if they may rest, asked for, and closed by evidence or by the fence. Never resent.

use super::{Asked, Engine, cancel::is_cancelling};
use crate::{
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::{ClOrdId, InstrumentId, IntentId},
    order::{
        event::OrderEvent,
        intent::InDoubt,
        proof::{DeathProof, NotYet, VanishedProof},
    },
    plant::{Plant, planted},
    reconcile::order_refs,
    record::LatchCause,
    report::Source,
    time::{Timestamp, VenueTime},
    venue::{Fence, Lookup, QueryError},
};
use alloc::{format, vec::Vec};

/// When the first question is asked; each of the next ones comes when it is twice as long ago.
const ASK_FIRST_MS: u64 = 1_000;
const ASKS_DOUBLED: u32 = 4;
/// How long after an acknowledged order was not found it is asked for again.
pub(super) const ABSENT_AGAIN_MS: u64 = 5_000;
/// The same, where only a change that has ended waited for it.
const ABSENT_LATER_MS: u64 = 60_000;
/// Cancels of one order that follow a question at once.
const AT_ONCE_MAX: usize = 3;
/// Longest delay between questions where no fence ends them.
const ASK_LONGEST_MS: u64 = 30_000;

/// An attempt of unknown outcome.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) intent: IntentId,
    pub(super) instrument: InstrumentId,
    /// The moment from which on an absence counts; `None` where the venue has no fence.
    fence_at: Option<VenueTime>,
    fence: Option<Fence>,
    /// When it was taken up: questions are counted from here.
    since: Timestamp,
    asks: u32,
    cancelled_at_fence: bool,
    first_absence: Option<VenueTime>,
}

impl Engine {
    /// Marks an attempt as in doubt and begins to look for it.
    pub(super) fn doubt(&mut self, intent: IntentId, cl_ord_id: ClOrdId, out: &mut Vec<Effect>) {
        let since = self.now;
        self.learn(intent, Source::Engine, OrderEvent::Doubted { cl_ord_id, since }, out);
        let Some(order) = self.books.order(intent) else { return };
        let Some(attempt) = order.attempts().get(&cl_ord_id) else { return };
        // A report may have overtaken the lost reply.
        if attempt.is_settled() || self.doubts.contains_key(&cl_ord_id) {
            return;
        }
        let terms = &order.intent().terms;
        let fence = if terms.kind.is_conditional() { self.profile.conditional_fence } else { self.profile.fence };
        let fence_at = self.fence_of(order, &cl_ord_id);
        let may_rest = terms.kind.is_conditional() || terms.kind.time_in_force().is_some_and(|t| t.rests());
        let cancels = may_rest && order.intent().handling.in_doubt == InDoubt::Cancel && terms.can_add_risk();
        let doubt = Doubt {
            intent,
            instrument: terms.instrument.clone(),
            fence_at,
            fence,
            since,
            asks: 0,
            cancelled_at_fence: !cancels,
            first_absence: None,
        };
        self.doubts.insert(cl_ord_id, doubt);
        // A cancel needs no stream. But nothing leaves before the start itself is on disk, or the venue can be heard.
        if cancels && (self.link.is_some() || self.start_is_durable()) && !is_cancelling(order) {
            self.send_cancel(intent, out);
        }
        let at = self.next_question(&cl_ord_id);
        self.set_timer_at(Timer::Doubt(cl_ord_id), at, out);
    }

    /// Something tells what became of an attempt. One that was to be cancelled and stands at the venue is, if nobody could before.
    pub(super) fn end_doubt(&mut self, intent: IntentId, cl_ord_id: &ClOrdId, out: &mut Vec<Effect>) {
        if let Some(why) = self.sent_twice.remove(cl_ord_id) {
            self.latch(LatchCause::AssumptionBroken, why, out);
        }
        let Some(doubt) = self.doubts.remove(cl_ord_id) else { return };
        let Some(order) = self.books.order(intent) else { return };
        let stands = order.attempts().get(cl_ord_id).is_some_and(|a| a.seen_at_venue() && !a.is_over());
        if !doubt.cancelled_at_fence && stands && !order.cancel_wished() && !order.status().is_ended() {
            self.send_cancel(intent, out);
        }
    }

    /// The venue refused an attempt as a duplicate. Ids are used once, so something below us sent it twice, and one of the two is at
    /// the venue: it is asked for and adopted first, and then the account latches.
    pub(super) fn sent_twice(&mut self, intent: IntentId, cl_ord_id: ClOrdId, why: &str, out: &mut Vec<Effect>) {
        let why = format!("order {intent}: {cl_ord_id} was refused as a duplicate: {why}");
        if !self.doubts.contains_key(&cl_ord_id) {
            // A report has overtaken the refusal.
            self.latch(LatchCause::AssumptionBroken, why, out);
            return;
        }
        self.alert(out, AlertLevel::Critical, "sent_twice", why.clone());
        self.sent_twice.insert(cl_ord_id, why);
        self.doubt_timer(cl_ord_id, out);
    }

    /// What may rest at the venue unknown is cancelled as soon as the venue can be reached: doubt from before this session.
    pub(super) fn cancel_doubtful(&mut self, out: &mut Vec<Effect>) {
        let resting = self.doubts.values().filter(|d| !d.cancelled_at_fence).map(|d| d.intent);
        for intent in resting.collect::<Vec<_>>() {
            if self.books.order(intent).is_some_and(|o| !is_cancelling(o)) {
                self.send_cancel(intent, out);
            }
        }
    }

    /// An order is wished off the book: attempts of it in doubt are cancelled at their fence, too, whatever was asked for them.
    pub(super) fn sweep_at_fence(&mut self, intent: IntentId) {
        self.doubts.values_mut().filter(|doubt| doubt.intent == intent).for_each(|doubt| doubt.cancelled_at_fence = false);
    }

    /// At 1, 2, 4, 8, 16 s, at the fence, and once more when the venue must have shown it.
    fn next_question(&self, cl_ord_id: &ClOrdId) -> Timestamp {
        let Some(doubt) = self.doubts.get(cl_ord_id) else { return self.now };
        let moments = (0..=ASKS_DOUBLED).map(|n| doubt.since.plus_ms(ASK_FIRST_MS << n));
        let by_schedule = moments.into_iter().find(|at| *at > self.now).unwrap_or(self.now.plus_ms(ASK_LONGEST_MS));
        let (Some(fence_at), Some(clock), Some(fence)) = (doubt.fence_at, self.clock, doubt.fence) else { return by_schedule };
        let fence_ours = clock.our_time_after(fence_at);
        if self.now < fence_ours {
            by_schedule.min(fence_ours)
        } else if doubt.first_absence.is_some() {
            self.now.plus_ms(fence.visibility_ms.max(1))
        } else {
            self.now.plus_ms(ASK_FIRST_MS.min(fence.visibility_ms.max(1)))
        }
    }

    pub(super) fn doubt_timer(&mut self, cl_ord_id: ClOrdId, out: &mut Vec<Effect>) {
        let at = self.venue_time_at_least();
        let Some(doubt) = self.doubts.get_mut(&cl_ord_id) else { return };
        let intent = doubt.intent;
        doubt.asks += 1;
        let past = matches!((at, doubt.fence_at), (Some(at), Some(fence)) if at >= fence);
        let cancel_now = past && !doubt.cancelled_at_fence;
        doubt.cancelled_at_fence |= past;
        let now = self.venue_time();
        let reference =
            self.books.order(intent).and_then(|o| order_refs(o, now).into_iter().find(|r| r.cl_ord_id == Some(cl_ord_id)));
        let Some(reference) = reference else {
            self.doubts.remove(&cl_ord_id);
            return;
        };
        if cancel_now {
            self.send_cancel(intent, out);
        }
        self.ask(Asked::Doubt { cl_ord_id, at }, Query::Order(reference), out);
    }

    pub(super) fn doubt_answer(
        &mut self,
        cl_ord_id: ClOrdId,
        at: Option<VenueTime>,
        result: Result<Lookup, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        match result {
            Ok(Lookup::Found(report)) => self.take_order_report(&report, Source::Query, out),
            Ok(Lookup::Absent) => self.absent_in_doubt(cl_ord_id, at, out),
            // Not an answer. Nothing is known, and nothing is concluded.
            Err(_) => (),
        }
        if self.doubts.contains_key(&cl_ord_id) {
            let at = self.next_question(&cl_ord_id);
            self.set_timer_at(Timer::Doubt(cl_ord_id), at, out);
        }
    }

    fn absent_in_doubt(&mut self, cl_ord_id: ClOrdId, at: Option<VenueTime>, out: &mut Vec<Effect>) {
        let Some(doubt) = self.doubts.get_mut(&cl_ord_id) else { return };
        let (Some(asked), Some(fence)) = (at, doubt.fence) else { return };
        let intent = doubt.intent;
        let Some(header) = self.books.order(intent).and_then(|o| o.attempts().get(&cl_ord_id)?.header().copied()) else { return };
        let first = doubt.first_absence.unwrap_or(asked);
        let proof = DeathProof::from_parts(header.timestamp, header.recv_window_ms, &fence, first, asked);
        match (proof, doubt.first_absence) {
            (Ok(proof), Some(_)) => {
                self.learn(intent, Source::Query, OrderEvent::Dead { cl_ord_id, proof }, out);
                self.end_doubt(intent, &cl_ord_id, out);
                self.alert(
                    out,
                    AlertLevel::Info,
                    "doubt_ended",
                    format!("{cl_ord_id} never reached the venue, and cannot any more"),
                );
                self.after_facts(intent, out);
            }
            // The first that counts; the second must come a visibility lag later.
            (_, None) if doubt.fence_at.is_some_and(|fence_at| asked >= fence_at) => doubt.first_absence = Some(asked),
            _ => (),
        }
    }

    pub(super) fn verify_answer(
        &mut self,
        intent: IntentId,
        attempt: Option<ClOrdId>,
        at: Option<VenueTime>,
        result: Result<Lookup, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        match result {
            Ok(Lookup::Found(report)) => {
                self.take_order_report(&report, Source::Query, out);
                let Some(order) = self.books.order(intent) else { return };
                if self.is_to_go(order) && !is_cancelling(order) {
                    // A venue that finds it here and not there must not be asked at the speed of the network.
                    if order.cancels().len() < AT_ONCE_MAX {
                        self.cancel_again(intent, out);
                    } else {
                        self.cancel_later(intent, out);
                    }
                }
            }
            Ok(Lookup::Absent) => self.absent_but_known(intent, attempt, at, out),
            Err(_) => {
                if self.books.order(intent).is_some_and(|o| self.is_to_go(o)) {
                    self.set_timer(Timer::CancelAgain(intent), ASK_FIRST_MS, out);
                }
            }
        }
    }

    /// The venue does not find an order. For one that it acknowledged this means something only when it is old enough to be
    /// forgotten; an attempt in doubt has its own questions.
    pub(super) fn absent_but_known(
        &mut self,
        intent: IntentId,
        asked_for: Option<ClOrdId>,
        at: Option<VenueTime>,
        out: &mut Vec<Effect>,
    ) {
        let Some(order) = self.books.order(intent) else { return };
        let open =
            order.attempts().iter().find(|(id, a)| asked_for.is_none_or(|of| of == **id) && a.seen_at_venue() && !a.is_over());
        let Some((cl_ord_id, attempt)) = open.map(|(id, a)| (*id, a)) else { return };
        // One that was found at the venue stood there at least since it was found.
        let found = VenueTime(order.intent().asked.as_ms() as i64);
        let created = attempt.since().unwrap_or(found);
        // Not shown yet, or ended unheard: asked again before long. Later only where somebody waits for its end; else it is left to the
        // next comparison of everything.
        let soon = order.cancel_wished() || order.renewal().is_some() || !self.absences.contains_key(&cl_ord_id);
        if soon || self.is_to_go(order) {
            let again_ms = if soon { ABSENT_AGAIN_MS } else { ABSENT_LATER_MS };
            self.start_timer(Timer::Verify(intent), again_ms, out);
        }
        let Some(asked) = at else { return };
        let forgets = self.profile.forgets_unfilled_after_ms;
        let first = self.absences.get(&cl_ord_id).copied();
        match first.map(|first| VanishedProof::new(created, forgets, first, asked)) {
            None => {
                self.absences.insert(cl_ord_id, asked);
                let text = format!("{cl_ord_id} was acknowledged, and the venue does not find it");
                self.alert(out, AlertLevel::Warning, "acknowledged_but_absent", text);
            }
            Some(Ok(_)) if planted(Plant::VanishedStays) => (),
            Some(Ok(proof)) => {
                self.absences.remove(&cl_ord_id);
                self.learn(intent, Source::Query, OrderEvent::Vanished { cl_ord_id, proof }, out);
                self.after_facts(intent, out);
            }
            // The first was too young to count; this one may be the first that does.
            Some(Err(NotYet::BeforeFence { .. })) => {
                self.absences.insert(cl_ord_id, asked);
                self.abandon_change(intent, out);
            }
            Some(Err(NotYet::TooClose { .. })) => (),
        }
    }
}
