//! The dead-man's switch: a countdown at the venue that the node keeps from its end for as long as it lives. It stands for death only:
//! a node that lives and sees nothing cancels its entries itself. It needs no journal, and what it does is not ours to undo.

use super::{Engine, InFlight};
use crate::{
    conversation::{AlertLevel, Effect, Request, Timer},
    ids::{InstrumentId, IntentId},
    order::{
        Order,
        intent::{Owner, Provenance},
        status::OrdStatus,
    },
    pretrade::Denial,
    start_report::Shut,
    terms::Terms,
    time::Timestamp,
    venue::{CommandError, Countdown},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

/// How long after a countdown that was not set it is asked for again.
const AGAIN_MS: u64 = 1_000;
/// What a start waits for before it arms.
const BEGIN_MS: u64 = 100;
/// The venue counts from when the request arrives, and we from when it left.
const SLACK_MS: u64 = 1_000;

/// What is volatile about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Switch {
    /// When the countdown of each instrument was surely begun anew: the request that did it left then.
    armed: BTreeMap<InstrumentId, Timestamp>,
    /// When the requests that are out have left.
    asked: BTreeMap<InstrumentId, Timestamp>,
    /// No countdown is wanted any more, and those that have still to be told so.
    disarming: Option<BTreeSet<InstrumentId>>,
    /// Instruments whose countdown cannot be set, and were told.
    failing: BTreeSet<InstrumentId>,
}

impl Engine {
    fn is_covered(&self, instrument: &InstrumentId) -> bool {
        self.config.dead_man.instruments.contains(instrument)
    }

    /// Instruments on which the venue cancels every ordinary order once this node is silent for long.
    pub fn armed(&self) -> impl Iterator<Item = &InstrumentId> {
        self.dead_man.armed.keys()
    }

    pub(super) fn begin_dead_man(&mut self, out: &mut Vec<Effect>) {
        if !self.config.dead_man.instruments.is_empty() {
            self.set_timer(Timer::DeadMan, BEGIN_MS, out);
        }
    }

    /// Begins every countdown anew. The loop runs, or this would not be called.
    pub(super) fn keep_alive(&mut self, out: &mut Vec<Effect>) {
        if self.dead_man.disarming.is_some() {
            return;
        }
        if self.last_clock.is_none() || !self.start_is_durable() {
            self.set_timer(Timer::DeadMan, BEGIN_MS, out);
            return;
        }
        let every_ms = self.config.dead_man.refresh_ms.max(1);
        self.set_timer(Timer::DeadMan, every_ms, out);
        for instrument in self.config.dead_man.instruments.clone() {
            self.count_down(instrument, self.config.dead_man.countdown_ms, out);
        }
        self.sweep_orphans(out);
    }

    fn count_down(&mut self, instrument: InstrumentId, after_ms: u64, out: &mut Vec<Effect>) {
        let request = self.request_id();
        self.dead_man.asked.insert(instrument.clone(), self.now);
        self.in_flight.insert(request, InFlight::Countdown { instrument: instrument.clone(), armed: after_ms > 0 });
        out.push(Effect::Send(Request::Countdown(Countdown { request, instrument, after_ms })));
    }

    /// The venue has set a countdown, or not.
    pub(super) fn counted_down(
        &mut self,
        instrument: InstrumentId,
        armed: bool,
        result: Result<(), CommandError>,
        out: &mut Vec<Effect>,
    ) {
        let asked = self.dead_man.asked.get(&instrument).copied().unwrap_or(self.now);
        match result {
            Ok(()) if armed => {
                if self.dead_man.failing.remove(&instrument) {
                    let text = format!("{instrument}: the venue counts down again");
                    self.alert(out, AlertLevel::Info, "dead_man_armed", text);
                }
                if self.dead_man.disarming.is_none() {
                    self.dead_man.armed.insert(instrument, asked);
                }
            }
            Ok(()) => {
                self.dead_man.armed.remove(&instrument);
                if let Some(left) = &mut self.dead_man.disarming {
                    left.remove(&instrument);
                }
            }
            Err(error) => {
                if self.dead_man.failing.insert(instrument.clone()) {
                    let text = format!("{instrument}: the countdown at the venue cannot be set: {error}");
                    self.alert(out, AlertLevel::Warning, "dead_man_failing", text);
                }
                if self.due.get(&Timer::DeadMan).is_none_or(|at| *at > self.now.plus_ms(AGAIN_MS)) {
                    self.set_timer(Timer::DeadMan, AGAIN_MS, out);
                }
            }
        }
    }

    /// The node ends and leaves orders on purpose: nothing shall take them away.
    pub(super) fn disarm(&mut self, out: &mut Vec<Effect>) {
        let all: BTreeSet<InstrumentId> = self.config.dead_man.instruments.iter().cloned().collect();
        self.dead_man.disarming = Some(all.clone());
        self.due.remove(&Timer::DeadMan);
        for instrument in all {
            self.count_down(instrument, 0, out);
        }
    }

    /// What of it keeps the gate shut.
    pub(super) fn shut_by_dead_man(&self) -> Option<Shut> {
        let wanted = &self.config.dead_man.instruments;
        if wanted.is_empty() {
            return None;
        }
        let lives = |at: &Timestamp| self.now.ms_since(*at) < self.config.dead_man.countdown_ms;
        if !wanted.iter().all(|instrument| self.dead_man.armed.get(instrument).is_some_and(lives)) {
            return Some(Shut::NotArmed);
        }
        self.orphans().next().is_some().then_some(Shut::Orphans)
    }

    /// Opening orders that wait for a trigger survive the node, whatever the venue counts. They need a word.
    ///
    /// # Errors
    /// [`Denial::Unsupported`].
    pub(super) fn may_outlive(&self, owner: &Owner, terms: &Terms) -> Result<(), Denial> {
        let survives = terms.can_add_risk() && terms.kind.is_conditional() && self.is_covered(&terms.instrument);
        if survives && !self.outlives(owner) {
            let what = format!(
                "{} that opens, where a dead-man's switch is on: it survives the node, and `outlives_node` is not set, so it",
                terms.kind.name()
            );
            return Err(Denial::Unsupported(what));
        }
        Ok(())
    }

    fn outlives(&self, owner: &Owner) -> bool {
        let care = &self.config.dead_man;
        match owner {
            Owner::Strategy(id) => care.outlive.contains(id),
            Owner::Operator(_) => care.operators_outlive,
            Owner::External => true,
        }
    }

    /// Opening orders of earlier starts that wait for a trigger and that nobody wanted to survive.
    fn orphans(&self) -> impl Iterator<Item = &Order> {
        let epoch = self.books.epoch();
        self.books.open_orders().filter(move |o| {
            let intent = o.intent();
            let earlier = o.last().and_then(|(_, a)| a.header()).is_none_or(|h| h.epoch < epoch);
            intent.terms.can_add_risk()
                && o.is_untriggered()
                && self.is_covered(&intent.terms.instrument)
                && matches!(intent.provenance, Provenance::Ours | Provenance::Recovered)
                && earlier
                && !self.outlives(&intent.owner)
        })
    }

    /// Takes them off the book. Called at a start and after every comparison.
    pub(super) fn sweep_orphans(&mut self, out: &mut Vec<Effect>) {
        if self.config.dead_man.instruments.is_empty() {
            return;
        }
        let orphans: Vec<IntentId> = self.orphans().filter(|o| !o.cancel_wished()).map(|o| o.intent().id).collect();
        for intent in orphans {
            let text = format!("order {intent} of an earlier start waits for its trigger and is not meant to outlive its node");
            self.alert(out, AlertLevel::Warning, "orphan", text);
            self.cancel(intent, out);
        }
    }

    /// An order was taken off the book that nobody here wished off. Called after every fact about an order.
    pub(super) fn dead_man_saw(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(order) = self.books.order(intent) else { return };
        let terms = &order.intent().terms;
        let taken = order.status() == OrdStatus::Canceled && !order.cancel_wished() && !order.is_untriggered();
        if !taken || !self.is_covered(&terms.instrument) {
            return;
        }
        let countdown_ms = self.config.dead_man.countdown_ms;
        let silent = self.dead_man.armed.get(&terms.instrument).map(|at| self.now.ms_since(*at));
        let cause: Option<String> = match silent {
            // The countdown of the start before this one.
            None if !self.started => Some(String::from("while no node had it in hand")),
            Some(ms) if ms + SLACK_MS >= countdown_ms => Some(format!("nothing was refreshed for {ms} ms")),
            Some(_) | None => None,
        };
        if let Some(cause) = cause {
            let text = format!("order {intent} on {} was taken off by the dead-man's switch: {cause}", terms.instrument);
            self.alert(out, AlertLevel::Warning, "dead_man_fired", text);
        }
    }
}
