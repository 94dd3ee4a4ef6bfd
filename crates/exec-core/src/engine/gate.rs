//! When new risk is taken, and where the engine stands. Exits never ask here.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, Phase, StrategyEvent},
    ids::InstrumentId,
    order::event::NotSent,
    pretrade::Denial,
    start_report::{PositionLine, StartReport},
    units::SignedQty,
};
use alloc::{format, string::String, vec::Vec};

impl Engine {
    /// What keeps the account's gate shut; nothing when it is open.
    pub(super) fn shut(&self) -> Vec<String> {
        let mut why = Vec::new();
        let mut add = |shut: bool, text: &str| {
            if shut {
                why.push(String::from(text));
            }
        };
        add(self.draining, "the node is coming to an end");
        add(self.link.is_none(), "the private stream is not open");
        add(self.instruments.is_empty(), "the venue's instruments are not known");
        add(!self.reconciled, "books and venue have not been compared since the stream was opened");
        add(!self.delay_over, "the delay after the first comparison is not over");
        add(!self.started && !self.doubts.is_empty(), "attempts of an earlier start are in doubt");
        match self.clock {
            None => why.push(String::from("the venue's clock is not known")),
            Some(clock) if clock.error_ms > self.config.clock_error_max_ms => {
                why.push(format!("the venue's clock is known only to {} ms", clock.error_ms));
            }
            Some(_) => (),
        }
        if let Some(failure) = &self.journal_failure {
            why.push(format!("the journal failed: {failure}"));
        }
        why.extend(self.books.latches().values().map(|text| format!("latched: {text}")));
        why
    }

    /// Whether an order that can add risk may leave on this instrument.
    pub(super) fn permit(&self, instrument: &InstrumentId) -> Result<(), Denial> {
        if let Some(why) = self.shut().into_iter().next() {
            return Err(Denial::GateClosed(why));
        }
        if let Some(why) = self.restricted.get(instrument) {
            return Err(Denial::GateClosed(why.clone()));
        }
        let count = self.doubts.values().filter(|d| d.instrument == *instrument).count() as u32;
        if count >= self.config.in_doubt_max {
            return Err(Denial::InDoubt { instrument: instrument.clone(), count });
        }
        Ok(())
    }

    pub(super) fn update_phase(&mut self, out: &mut Vec<Effect>) {
        if !self.begun {
            return;
        }
        // A latch does not keep strategies from starting: they may still close.
        if !self.started && self.reconciled && self.delay_over && self.doubts.is_empty() {
            self.started = true;
            self.start_strategies(out);
        }
        let phase = if self.draining {
            Phase::Draining
        } else if self.started {
            if self.shut().is_empty() { Phase::Live } else { Phase::Degraded }
        } else if self.link.is_none() || self.clock.is_none() {
            Phase::Connecting
        } else {
            Phase::Reconciling
        };
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        out.push(Effect::Phase(phase));
        self.push_report(out);
        for strategy in self.config.strategies.clone() {
            self.notify(strategy.id, None, StrategyEvent::Phase(phase), out);
        }
    }

    fn start_strategies(&mut self, out: &mut Vec<Effect>) {
        for strategy in &self.config.strategies {
            out.push(Effect::Notify(strategy.id.clone(), None, StrategyEvent::Start));
        }
        let held = core::mem::take(&mut self.held);
        out.extend(held.into_iter().map(|(strategy, seq, event)| Effect::Notify(strategy, seq, event)));
    }

    /// The disk is gone: no new risk, resting orders that add risk are cancelled, exits go on without the journal.
    pub(super) fn journal_failed(&mut self, why: String, out: &mut Vec<Effect>) {
        if self.journal_failure.is_some() {
            return;
        }
        self.alert(out, AlertLevel::Critical, "journal_failed", why.clone());
        self.journal_failure = Some(why);
        for parked in core::mem::take(&mut self.parked) {
            self.drop_parked(parked, NotSent::GateClosed, out);
        }
        let adding: Vec<_> =
            self.books.open_orders().filter(|o| o.intent().terms.can_add_risk()).map(|o| o.intent().id).collect();
        for intent in adding {
            self.cancel(intent, out);
        }
    }
}

pub(super) fn report(engine: &Engine) -> StartReport {
    let books = engine.books();
    StartReport {
        account: books.account().clone(),
        epoch: books.epoch(),
        phase: engine.phase,
        mode: engine.config.mode,
        shut: engine.shut(),
        open_orders: books.open_count() as usize,
        adopted: engine.adopted,
        in_doubt: engine.doubts.len(),
        positions: books
            .positions()
            .filter(|(_, leg, p)| engine.config.mode.has(*leg) && (!p.qty().is_zero() || p.baseline().is_some()))
            .map(|(instrument, leg, position)| PositionLine {
                instrument: instrument.clone(),
                leg,
                ours: position.qty(),
                venue: engine.venue_positions.get(&(instrument.clone(), leg)).copied(),
                from_baseline: position.baseline().map_or(SignedQty::ZERO, |b| b.qty),
            })
            .collect(),
        differences: engine.differences.clone(),
    }
}
