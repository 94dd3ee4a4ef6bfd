//! One turn: an input, its records, its other effects, in the order in which the engine says them. What comes next is the loop's.

use super::AccountLoop;
use crate::{boundary::boundary, control};
use exec_core::{
    conversation::{Effect, Input, Request, StrategyEvent},
    record::Record,
    time::{ClockReading, Timestamp},
    venue::{Attempt, Batch},
};
use std::time::Duration;
use tokio::time::Instant;

/// How long an exit waits for its record to be in the hands of the operating system. It leaves sooner or without: an exit never
/// depends on a disk. But killed before that, nobody would know that it was asked for, and it would be asked for again.
const EXIT_WAITS: Duration = Duration::from_millis(20);

impl AccountLoop {
    /// One input and its effects, then whatever the shell learned while doing them.
    pub(super) async fn step(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next {
            self.counters.inputs += 1;
            #[cfg(feature = "drill")]
            let heard = crate::boundary::After::of(&input);
            let mut effects = std::mem::take(&mut self.effects);
            self.engine.handle(self.clock.now(), input, &mut effects);
            if let Some(keeper) = &self.lease {
                keeper.tell(&self.engine, self.clock.now());
            }
            self.append(&mut effects);
            if effects.iter().any(is_exit) {
                self.journal.written(EXIT_WAITS).await;
            }
            let mut sends = false;
            #[cfg(feature = "drill")]
            let on_the_wire = heard.appended(&effects, self.engine.books());
            for effect in effects.drain(..) {
                sends |= matches!(effect, Effect::Send(_) | Effect::Ask(..));
                self.perform(effect);
            }
            self.effects = effects;
            if sends {
                self.calls.start().await;
                #[cfg(feature = "drill")]
                crate::boundary::sent(on_the_wire).await;
                let now = self.clock.now();
                for asked in self.leaving.drain(..) {
                    self.shared.board.command_to_wire.record(Duration::from_nanos(now.0.saturating_sub(asked.0)));
                }
            }
            next = self.urgent.pop_front();
        }
    }

    /// Appends the records of one call of the engine as one group, before any other effect of it is done.
    fn append(&mut self, effects: &mut Vec<Effect>) {
        let mut group = std::mem::take(&mut self.group);
        effects.retain_mut(|effect| match effect {
            Effect::Journal(seq, record) => {
                // A record is moved, not copied; what is left in its place is dropped with the effect.
                let empty = Record::Released { who: String::new(), at: Timestamp(0) };
                group.push((*seq, std::mem::replace(record, empty)));
                false
            }
            _ => true,
        });
        self.counters.records += group.len() as u64;
        if !group.is_empty() {
            boundary!("append.before");
        }
        if let Some(why) = self.journal.append(&group) {
            self.urgent.push_back(Input::JournalFailed(why));
        }
        if !group.is_empty() {
            boundary!("append.after");
        }
        group.clear();
        self.group = group;
        if self.journal.wants_snapshot() {
            self.snapshot();
        }
    }

    /// Gives the journal the books as they are now. Everything in them was appended: this comes between two inputs.
    pub(super) fn snapshot(&mut self) {
        let begun = Instant::now();
        self.journal.keep(self.engine.snapshot());
        tracing::debug!(account = %self.account, seq = self.engine.books().seq().0, took = ?begun.elapsed(), "snapshot is taken");
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            // Taken out before.
            Effect::Journal(..) => (),
            Effect::Send(request) => {
                self.counters.requests += 1;
                let leaving: &[Attempt] = match &request {
                    Request::Submit { attempt, .. } => std::slice::from_ref(attempt),
                    Request::Batch { batch: Batch::Submit(attempts), .. } => attempts,
                    Request::Batch { .. }
                    | Request::Replace(_)
                    | Request::Cancel(_)
                    | Request::CancelAll(_)
                    | Request::Countdown(_) => &[],
                };
                let books = self.engine.books();
                for attempt in leaving {
                    let order = books.by_cl_ord_id(&attempt.cl_ord_id).and_then(|id| books.order(id));
                    if let Some(order) = order.filter(|o| o.attempts().len() == 1) {
                        self.leaving.push(order.intent().asked);
                    }
                }
                self.calls.send(request);
            }
            Effect::Ask(id, query) => {
                self.counters.queries += 1;
                self.calls.ask(id, query, self.engine.urgency(id));
            }
            Effect::SetTimer(timer, at) => self.timers.set(timer, at),
            Effect::Notify(strategy, seen, event) => {
                if let StrategyEvent::ChangeDenied { denial, .. } = &event {
                    self.change_denied = Some(denial.to_string());
                }
                if let Some(alert) = self.hosted.notify(strategy, seen, event) {
                    self.raise(alert);
                }
            }
            Effect::Reopen(session, why) => {
                tracing::info!(account = %self.account, session = session.0, why, "another session of the private stream is wanted");
                self.wishes.send_modify(|wishes| wishes.replace = session);
            }
            Effect::AskLease(question) => {
                if let Some(keeper) = &mut self.lease {
                    keeper.ask(question);
                }
            }
            Effect::Fenced(lost) => self.fenced = Some(lost),
            Effect::Close(session) => self.wishes.send_modify(|wishes| wishes.close = wishes.close.max(session)),
            Effect::ReadClock => {
                if self.has_venue_clock {
                    self.clock_asked.notify_one();
                } else {
                    self.urgent.push_back(Input::Clock(ClockReading { offset_ms: 0, error_ms: 0 }));
                }
            }
            Effect::Phase(change) => {
                tracing::info!(
                    account = %self.account,
                    from = ?change.from,
                    phase = ?change.to,
                    shut = %control::texts(&change.shut).join("; "),
                    epoch = self.engine.books().epoch().0,
                    "phase"
                );
                self.shared.status.send_modify(|status| status.phase = change.to);
                self.shared.board.moved(self.clock.now(), change);
            }
            Effect::Report(report) => {
                tracing::info!(
                    account = %self.account,
                    gate_open = report.shut.is_empty(),
                    open_orders = report.open_orders,
                    in_doubt = report.in_doubt,
                    differences = report.differences.len(),
                    shut = %control::texts(&report.shut).join("; "),
                    "start report"
                );
                self.shared.status.send_modify(|status| status.report = Some(*report));
            }
            Effect::Alert(alert) => self.raise(alert),
        }
    }
}

/// Whether an effect sends an order that waits for no disk.
fn is_exit(effect: &Effect) -> bool {
    match effect {
        Effect::Send(Request::Submit { attempt, .. }) => !attempt.terms.can_add_risk(),
        Effect::Send(Request::Batch { batch: Batch::Submit(attempts), .. }) => {
            attempts.iter().any(|attempt| !attempt.terms.can_add_risk())
        }
        _ => false,
    }
}
