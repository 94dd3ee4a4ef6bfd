//! Whether the private stream can be believed: fresh, late or dead. Judged by what it owes and by what its events are dated, not by
//! sockets; a socket that answers pings may carry nothing.

use super::{Asked, Engine, InFlight};
use crate::{
    conversation::{AlertLevel, Effect, Outcome, Query, Timer},
    ids::{IntentId, RequestId, SessionId},
    order::event::{LiveTerms, RequestState},
    plant::{Plant, planted},
    reconcile::{attempt_of, order_refs},
    report::{OrderReport, Report, ReportBody, Source},
    start_report::Shut,
    time::{Timestamp, VenueTime},
    venue::{Lookup, OrderRef, QueryError},
};
use alloc::{format, string::String, vec::Vec};

/// How long the stream may owe an event without being asked about. From the third session in a row on that brought nothing it is
/// longer: another session does not seem to help, and each costs a comparison of everything.
const OWED_MS: [u64; 4] = [3_000, 3_000, 30_000, 60_000];
/// On a stream that is known to be late silence says little for this long at least, and for twice its worst lag.
const LATE_OWED_MS: u64 = 60_000;
/// How long it is known.
const LATE_KNOWN_MS: u64 = 600_000;
/// How long after its last late event a stream counts as late at least. An account on which nothing happens hears no fresh one.
const LATE_MS: u64 = 10_000;
/// After two sessions in a row that brought nothing the next is believed when it is heard, or after this.
const PROBATION_MS: u64 = 20_000;
/// How long after a question that showed nothing it is asked again; doubles up to half a minute.
const ASK_AGAIN_MS: u64 = 2_000;
const ASK_LONGEST_MS: u64 = 30_000;
const ASKS_MAX: u32 = 8;

/// What is volatile about the judgement.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchdog {
    /// When the session that counts was opened, or heard last.
    pub(super) heard: Timestamp,
    owed: Option<Owed>,
    late: Option<Late>,
    /// When an event was late last, on whichever session, and by how much at most.
    late_known: Option<(Timestamp, u64)>,
    /// Why the session that counts says nothing more.
    dead: Option<String>,
    /// Hand-overs for silence since the stream was heard last.
    in_vain: usize,
    /// Until when a session must be heard to be believed.
    probation: Option<Timestamp>,
    /// After how many hand-overs for silence that trial began: one that ends otherwise leaves it to its successor.
    tried: usize,
}

#[derive(Clone, Copy, Debug)]
struct Late {
    /// By how much, when it began.
    lag_ms: u64,
    until: Timestamp,
}

/// The first acknowledged request of which the stream has not said a word, nor anything else since.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    intent: IntentId,
    order: OrderRef,
    effect: Shown,
    since: Timestamp,
    ask_at: Timestamp,
    asks: u32,
    asked: bool,
}

/// What a query must show for the stream to owe an event.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Placed,
    Ended,
    Changed(LiveTerms),
}

impl Shown {
    fn by(self, report: &OrderReport) -> bool {
        match self {
            Self::Placed => true,
            Self::Ended => report.status.is_final(),
            Self::Changed(terms) => {
                report.status.is_final() || (report.qty == Some(terms.qty) && report.kind.and_then(|k| k.price()) == terms.price)
            }
        }
    }
}

impl Engine {
    /// Every event proves that the stream carries something, and its date how late.
    pub(super) fn hear(&mut self, session: SessionId, report: &Report, out: &mut Vec<Effect>) {
        if matches!(report.body, ReportBody::Ending { .. }) {
            // May be the adapter's own word.
            return;
        }
        let lag_ms = report.sent.and_then(|sent| self.lag_of(sent));
        let late = lag_ms.filter(|lag| self.config.stream.lag_max_ms > 0 && *lag > self.config.stream.lag_max_ms);
        if let Some(lag_ms) = late {
            let worst = self.known_lag_ms().unwrap_or_default().max(lag_ms);
            self.watchdog.late_known = Some((self.now, worst));
        }
        if self.link != Some(session) {
            return;
        }
        self.watchdog.heard = self.now;
        self.watchdog.owed = None;
        self.watchdog.probation = None;
        match late {
            Some(lag_ms) => {
                let until = self.now.plus_ms(LATE_MS.max(2 * lag_ms));
                match &mut self.watchdog.late {
                    Some(known) => known.until = until,
                    None => {
                        self.watchdog.late = Some(Late { lag_ms, until });
                        let text = format!("events of the private stream are {lag_ms} ms late");
                        self.alert(out, AlertLevel::Warning, "stream_late", text);
                        self.wake_watchdog(until, out);
                    }
                }
            }
            None => {
                self.watchdog.in_vain = 0;
                if lag_ms.is_some() {
                    self.end_lateness(out);
                }
            }
        }
    }

    /// How late an event is at least; `None` while the venue's clock is not known.
    fn lag_of(&self, sent: VenueTime) -> Option<u64> {
        let now = self.venue_time_at_least()?;
        Some(u64::try_from(now.0.saturating_sub(sent.0)).unwrap_or(0))
    }

    fn end_lateness(&mut self, out: &mut Vec<Effect>) {
        if self.watchdog.late.take().is_some() {
            self.alert(out, AlertLevel::Info, "stream_fresh", "events of the private stream are in time again".into());
        }
    }

    /// What the stream will owe when this answer is learned. A request that changes nothing owes nothing, nor one whose event has
    /// overtaken the answer.
    pub(super) fn owed_by(&self, request: RequestId, outcome: &Outcome) -> Option<Owed> {
        let Outcome::Order(Ok(report)) = outcome else { return None };
        if self.link.is_none() || self.watchdog.owed.is_some() || self.watchdog.dead.is_some() || planted(Plant::DeadStream) {
            return None;
        }
        let (intent, cl_ord_id, effect) = match self.in_flight.get(&request)? {
            InFlight::Submit { intent, cl_ord_id } => (*intent, *cl_ord_id, Shown::Placed),
            InFlight::Cancel { intent } if report.status.is_final() => {
                (*intent, attempt_of(self.books.order(*intent)?, report)?, Shown::Ended)
            }
            InFlight::Replace { intent } => {
                let order = self.books.order(*intent)?;
                let change = order.replaces().get(&request).filter(|r| r.state != RequestState::Accepted)?;
                let now = (order.qty(), order.price());
                if now == (Some(change.terms.qty), change.terms.price) {
                    return None;
                }
                (*intent, attempt_of(order, report)?, Shown::Changed(change.terms))
            }
            InFlight::Cancel { .. } | InFlight::CancelAll { .. } | InFlight::Countdown { .. } => return None,
        };
        let order = self.books.order(intent)?;
        let attempt = order.attempts().get(&cl_ord_id)?;
        if attempt.is_over() || (matches!(effect, Shown::Placed) && attempt.seen_at_venue()) {
            return None;
        }
        let order = order_refs(order, self.venue_time()).into_iter().find(|r| r.cl_ord_id == Some(cl_ord_id))?;
        let ask_at = self.now.plus_ms(self.patience_ms());
        Some(Owed { intent, order, effect, since: self.now, ask_at, asks: 0, asked: false })
    }

    /// How long silence says nothing.
    pub(super) fn patience_ms(&self) -> u64 {
        let by_vain = OWED_MS.get(self.watchdog.in_vain).or(OWED_MS.last()).copied().unwrap_or(LATE_OWED_MS);
        self.known_lag_ms().map_or(by_vain, |lag| by_vain.max(LATE_OWED_MS).max(2 * lag))
    }

    /// How late the stream was at most, if that was not long ago.
    fn known_lag_ms(&self) -> Option<u64> {
        let (at, worst) = self.watchdog.late_known?;
        (self.now.ms_since(at) < LATE_KNOWN_MS).then_some(worst)
    }

    pub(super) fn expect(&mut self, owed: Option<Owed>, out: &mut Vec<Effect>) {
        let Some(owed) = owed else { return };
        let at = owed.ask_at;
        self.watchdog.owed = Some(owed);
        self.wake_watchdog(at, out);
    }

    fn wake_watchdog(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        if self.due.get(&Timer::Watchdog).is_none_or(|due| *due > at) {
            self.set_timer_at(Timer::Watchdog, at, out);
        }
    }

    pub(super) fn watchdog_timer(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        if self.watchdog.late.is_some_and(|late| late.until <= now) {
            self.end_lateness(out);
        }
        if self.watchdog.probation.is_some_and(|until| until <= now) {
            self.watchdog.probation = None;
        }
        let question = self.watchdog.owed.as_mut().filter(|o| !o.asked && o.ask_at <= now).map(|owed| {
            owed.asked = true;
            owed.asks += 1;
            owed.order.clone()
        });
        if let Some(order) = question {
            self.ask(Asked::Owed, Query::Order(order), out);
        }
        let ask_at = self.watchdog.owed.as_ref().filter(|o| !o.asked).map(|o| o.ask_at);
        let next = [ask_at, self.watchdog.late.map(|l| l.until), self.watchdog.probation].into_iter().flatten().min();
        if let Some(at) = next {
            self.set_timer_at(Timer::Watchdog, at.max(now.plus_ms(1)), out);
        }
    }

    /// Where the order is of which the stream says nothing.
    pub(super) fn owed_answer(&mut self, result: Result<Lookup, QueryError>, out: &mut Vec<Effect>) {
        let shown = match &result {
            Ok(Lookup::Found(report)) => {
                self.take_order_report(report, Source::Query, out);
                self.watchdog.owed.as_ref().is_some_and(|o| o.asked && o.effect.by(report))
            }
            // Neither proves anything.
            Ok(Lookup::Absent) | Err(_) => false,
        };
        let Some(owed) = self.watchdog.owed.as_mut().filter(|o| o.asked) else { return };
        if shown {
            let (intent, since) = (owed.intent, owed.since);
            let text = format!("order {intent} was acknowledged, the venue has it, and nothing was heard since");
            self.stream_is_dead(text, since, out);
        } else if owed.asks < ASKS_MAX {
            let pause = (ASK_AGAIN_MS << owed.asks.saturating_sub(1)).min(ASK_LONGEST_MS);
            let at = self.now.plus_ms(pause);
            (owed.asked, owed.ask_at) = (false, at);
            self.wake_watchdog(at, out);
        } else {
            self.watchdog.owed = None;
        }
    }

    /// The session that counts has said nothing of what has happened since a moment: another one is opened.
    pub(super) fn stream_is_dead(&mut self, why: String, since: Timestamp, out: &mut Vec<Effect>) {
        let Some(session) = self.link.filter(|_| self.watchdog.dead.is_none()) else { return };
        self.alert(out, AlertLevel::Warning, "stream_dead", why.clone());
        self.watchdog.in_vain += 1;
        self.watchdog.owed = None;
        self.watchdog.dead = Some(why.clone());
        self.blind_since(since, out);
        out.push(Effect::Reopen(session, why));
    }

    /// The venue sends nothing more on the session that counts, as it said itself.
    pub(super) fn stream_has_ended(&mut self, why: &str) {
        self.watchdog.dead.get_or_insert_with(|| why.into());
    }

    pub(super) fn watch_session(&mut self, out: &mut Vec<Effect>) {
        let Watchdog { late_known, in_vain, tried, probation, .. } = self.watchdog;
        let goes_on = probation.filter(|_| tried == in_vain);
        let begins = (in_vain >= 2 && tried != in_vain).then(|| self.now.plus_ms(PROBATION_MS));
        let probation = goes_on.or(begins);
        self.watchdog = Watchdog { late_known, in_vain, tried: in_vain, probation, heard: self.now, ..Watchdog::default() };
        if let Some(until) = probation {
            self.wake_watchdog(until, out);
        }
    }

    /// Whether the session that counts is believed to carry what happens.
    pub(super) fn stream_is_believed(&self) -> bool {
        self.link.is_some() && self.watchdog.dead.is_none() && self.watchdog.probation.is_none()
    }

    pub(super) fn shut_by_stream(&self) -> Option<Shut> {
        let Watchdog { late, dead, probation, .. } = &self.watchdog;
        // Without a session there is another reason.
        self.link?;
        match (dead, probation, late) {
            (Some(why), ..) => Some(Shut::StreamDead(why.clone())),
            (None, Some(_), _) => Some(Shut::StreamDead("the sessions before it brought nothing, and nor has this one".into())),
            (None, None, Some(late)) => Some(Shut::StreamLate(late.lag_ms)),
            (None, None, None) => None,
        }
    }
}
