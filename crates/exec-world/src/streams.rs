//! The private stream of a world: its sessions, which may overlap, and what is wrong with each. What an event says is none of its
//! business.

use crate::{agenda::Event, fault::Fault, world::World};
use exchange_sim::venue::Pushed;
use exec_core::{
    conversation::Input,
    ids::{ClOrdId, SessionId},
    order::{CancelFacts, event::RequestState},
    report::{FeedEnd, Report, ReportBody, VenueStatus},
};

/// What is wrong with an event that cannot be read.
pub(crate) const UNREADABLE: &str = "made unreadable";

/// A session that the venue serves.
#[derive(Debug)]
pub(crate) struct Stream {
    life: u32,
    session: SessionId,
    /// When the last event arrives; later ones do not overtake it unless a fault says so.
    last_at: u64,
    /// It looks open and carries nothing.
    silent: bool,
    /// Until when, and by how much, everything on it is late.
    late: Option<(u64, u64)>,
    /// Which ends of attempts it has not told since the faults stopped, and when.
    untold: Vec<(ClOrdId, u64)>,
}

/// By when a session that does not tell what came of an answered cancel is given up.
const GIVEN_UP_MS: u64 = 6_500;

impl World {
    /// Opens a session at the venue; from now on its events go to the node, besides those of the sessions before.
    pub(crate) fn open_stream(&mut self, life: u32, session: SessionId) {
        let Some(node) = self.node.as_mut().filter(|n| n.life == life) else { return };
        if node.session.is_some_and(|newest| newest >= session) {
            // Wanted twice: because its forerunner was to be replaced, and because that was cut.
            return;
        }
        node.session = Some(session);
        self.deliver_pushed();
        let arrives = self.now + self.latency();
        let silent = self.fault(Fault::StreamStillSilent, self.plan.stream_still_silent);
        self.streams.push(Stream { life, session, last_at: arrives, silent, late: None, untold: Vec::new() });
        self.at(arrives, Event::ToNode { life, input: Input::LinkUp(session) });
    }

    fn open_successor(&mut self, of: SessionId, life: u32, after_ms: u64) {
        let back_off = self.rng.between(20, 800);
        self.later(after_ms + back_off, Event::OpenStream { life, session: SessionId(of.0 + 1) });
    }

    /// The node wants another session; the one that it has goes on.
    pub(crate) fn replace_stream(&mut self, life: u32, session: SessionId) {
        self.tally.count("hand-overs");
        self.open_successor(session, life, 0);
    }

    /// The node closes sessions that others have taken over from.
    pub(crate) fn close_streams(&mut self, up_to: SessionId) {
        for gone in self.streams.extract_if(.., |s| s.session <= up_to).collect::<Vec<_>>() {
            let input = Input::LinkDown { session: gone.session, why: "closed".to_owned() };
            self.later(1, Event::ToNode { life: gone.life, input });
        }
    }

    /// Ends every session: what the venue sends from now on is lost. The node notices later and opens another.
    pub(crate) fn cut_streams(&mut self, notice_ms: u64) {
        for stream in std::mem::take(&mut self.streams) {
            let noticed = stream.last_at.max(self.now) + notice_ms;
            let input = Input::LinkDown { session: stream.session, why: "cut".to_owned() };
            self.at(noticed, Event::ToNode { life: stream.life, input });
            self.open_successor(stream.session, stream.life, noticed - self.now);
        }
    }

    /// What may go wrong with a stream at any time.
    pub(crate) fn trouble_streams(&mut self) {
        if self.streams.is_empty() {
            return;
        }
        if self.fault(Fault::StreamCut, self.plan.stream_cut) {
            let notice = self.fate().between(0, 2_000);
            self.cut_streams(notice);
        }
        if self.fault(Fault::StreamSilent, self.plan.stream_silent) {
            // A dead peer is noticed by its pings in the end; a stream that only carries nothing is not.
            self.streams.iter_mut().for_each(|s| s.silent = true);
            if self.fate().chance(300) {
                let notice = self.fate().between(2_000, 12_000);
                self.cut_streams(notice);
            }
        }
        if self.fault(Fault::StreamLate, self.plan.stream_late) {
            let (until, by) = (self.now + self.fate().between(1_000, 10_000), self.fate().between(500, 9_000));
            self.streams.iter_mut().for_each(|s| s.late = Some((until, by)));
        }
        if self.fault(Fault::StreamEnds, self.plan.stream_ends) {
            let reasons = [FeedEnd::KeyExpired, FeedEnd::Shutdown, FeedEnd::Age];
            let reason = self.fate().pick(&reasons).copied().unwrap_or(FeedEnd::Age);
            self.deliver(Report { sent: None, body: ReportBody::Ending { reason } });
            match reason {
                FeedEnd::KeyExpired => self.streams.iter_mut().for_each(|s| s.silent = true),
                FeedEnd::Shutdown | FeedEnd::Age => {
                    let (life, in_ms) = (self.life, self.fate().between(300, 4_000));
                    if let Some(newest) = self.streams.last().map(|s| s.session) {
                        self.later(in_ms, Event::CutStream { life, session: newest });
                    }
                }
            }
        }
    }

    /// The venue cuts a session whose end it has announced.
    pub(crate) fn cut_stream(&mut self, life: u32, session: SessionId) {
        if let Some(at) = self.streams.iter().position(|s| (s.life, s.session) == (life, session)) {
            let gone = self.streams.remove(at);
            let input = Input::LinkDown { session, why: "cut as announced".to_owned() };
            let noticed = gone.last_at.max(self.now) + 1;
            self.at(noticed, Event::ToNode { life, input });
            self.open_successor(session, life, noticed - self.now);
        }
    }

    /// Hands on what the exchange has pushed.
    pub(crate) fn deliver_pushed(&mut self) {
        for pushed in self.desk.take_pushed() {
            match pushed {
                Pushed::Private(report) => self.deliver(report),
                Pushed::Price(price) => {
                    if let Some(life) = self.node.as_ref().map(|n| n.life).filter(|_| self.rng.chance(300)) {
                        let delay = self.latency();
                        self.later(delay, Event::ToNode { life, input: Input::Price(price) });
                    }
                }
            }
        }
    }

    /// A session that looks open and does not tell what came of a cancel that was answered is not the only one for long.
    pub(crate) fn silence_is_noticed(&mut self) {
        // After two sessions in vain a third is waited for longer.
        if self.tally.counts.get("hand-overs").is_some_and(|n| *n > 1) {
            return;
        }
        // One that is known to be late is waited for longer.
        let late = [Fault::EventLate, Fault::StreamLate, Fault::EngineSlow, Fault::Suspended];
        let Some(node) = self.node.as_ref().filter(|_| late.iter().all(|fault| self.strikes.of(*fault) == 0)) else { return };
        let own: Vec<&Stream> = self.streams.iter().filter(|s| s.life == node.life).collect();
        if own.iter().any(|s| !s.silent) {
            return;
        }
        let books = node.engine.books();
        let cancelled = |id: &ClOrdId| {
            let order = books.by_cl_ord_id(id).and_then(|intent| books.order(intent));
            let of_it = |c: &CancelFacts| c.state == RequestState::Accepted && c.only.is_none_or(|only| only == *id);
            order.is_some_and(|o| !o.intent().terms.kind.is_conditional() && o.cancels().values().any(of_it))
        };
        let old = |at: &u64| self.now - at > GIVEN_UP_MS;
        let untold = own.iter().flat_map(|s| &s.untold).find(|(id, at)| old(at) && cancelled(id));
        if let Some((id, at)) = untold.copied() {
            self.violate(format!("nothing was told of the end of {id} at {at}, its cancel was answered, and the session stands"));
        }
    }

    fn deliver(&mut self, report: Report) {
        let mut report = report;
        if self.streams.is_empty() {
            self.tally.count("events while the stream was down");
            return;
        }
        if self.fault(Fault::EventDropped, self.plan.event_dropped) {
            self.trace.line(self.now, || format!("dropped {report:?}"));
            return;
        }
        if self.fault(Fault::EventUnreadable, self.plan.unreadable) {
            self.trace.line(self.now, || format!("unreadable {report:?}"));
            report.body = ReportBody::Unreadable { why: UNREADABLE.to_owned(), raw: "{".to_owned() };
        }
        let copies = if self.fault(Fault::EventTwice, self.plan.event_twice) { 2 } else { 1 };
        let late = if self.fault(Fault::EventLate, self.plan.event_late) { self.fate().between(50, 2_500) } else { 0 };
        let mut silent = 0;
        for at in 0..self.streams.len() {
            for _ in 0..copies {
                let latency = self.latency();
                let now = self.now;
                let Some(stream) = self.streams.get_mut(at) else { return };
                if stream.silent {
                    silent += 1;
                    if let (true, Some(id)) = (self.healing, ended(&report)) {
                        stream.untold.push((id, now));
                    }
                    continue;
                }
                let queued = stream.late.filter(|(until, _)| now < *until).map_or(0, |(_, by)| by);
                // An event that is late lets the ones behind it pass; all others keep their order.
                let arrives = (now + latency + queued).max(stream.last_at) + late;
                self.last_words = self.last_words.max(arrives);
                if late == 0 {
                    stream.last_at = arrives;
                }
                let (life, session) = (stream.life, stream.session);
                let report = report.clone();
                self.at(arrives, Event::ToNode { life, input: Input::Report { session, report } });
            }
        }
        self.tally.add("events on silent streams", silent);
        if self.fault(Fault::StreamCut, self.plan.stream_cut) {
            let notice = self.fate().between(0, 2_000);
            self.cut_streams(notice);
        }
    }
}

/// The attempt that a report says was cancelled.
fn ended(report: &Report) -> Option<ClOrdId> {
    let ReportBody::Order(report) = &report.body else { return None };
    report.cl_ord_id.filter(|_| report.status == VenueStatus::Canceled)
}
