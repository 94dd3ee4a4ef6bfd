//! When new risk is taken, and where the engine stands. Exits never ask here.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, Phase, StrategyEvent},
    ids::{InstrumentId, StrategyId},
    kill::KillScope,
    order::{
        event::NotSent,
        intent::{Intent, Owner, Provenance},
    },
    plant::{Plant, planted},
    pretrade::Denial,
    record::LatchCause,
    start_report::{InstrumentShut, PositionLine, Shut, StartReport, StrategyState},
    units::SignedQty,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

impl Engine {
    /// What keeps the account's gate shut; nothing when it is open.
    pub(super) fn shut(&self) -> Vec<Shut> {
        // Nothing is allocated while the gate is open: this is asked for every order.
        let conditions = [
            (self.draining, Shut::Draining),
            (!self.start_is_durable(), Shut::StartNotDurable),
            (self.link.is_none(), Shut::NoStream),
            (self.clock.is_none(), Shut::NoClock),
            (self.instruments.is_empty(), Shut::NoInstruments),
            (!self.reconciled, Shut::NotReconciled),
            (!self.delay_over, Shut::Delay),
            (!self.started && !self.doubts.is_empty() && !planted(Plant::NoDoubtBeforeGate), Shut::EarlierDoubt),
        ];
        let mut why: Vec<Shut> = conditions.into_iter().filter(|(shut, _)| *shut).map(|(_, why)| why).collect();
        why.extend(self.clock.map(|c| c.error_ms).filter(|e| *e > self.config.clock_error_max_ms).map(Shut::CoarseClock));
        let wanted = self.config.mode;
        why.extend(self.other_mode.map(|found| Shut::PositionMode { found, wanted }));
        why.extend(self.shut_by_audit());
        why.extend(self.shut_by_stream());
        why.extend(self.is_cancelling_blind().then_some(Shut::Blind));
        why.extend(self.shut_by_margin());
        why.extend(self.shut_by_dead_man());
        why.extend(self.shut_by_lease());
        why.extend(self.journal_failure.clone().map(Shut::Journal));
        why.extend(self.copy_behind.map(|lag| Shut::CopyBehind { records: lag.records, age_ms: lag.age_ms }));
        why.extend(self.restrictions.of_account().map(|text| Shut::Restricted(text.into())));
        // Not latched yet, because what was sent twice is still looked for.
        why.extend(self.sent_twice.values().map(|text| Shut::Latched(LatchCause::AssumptionBroken, text.clone())));
        let account = self.books.latches().iter().filter(|(cause, _)| cause.is_of_account());
        why.extend(account.map(|(cause, text)| Shut::Latched(cause.clone(), text.clone())));
        why
    }

    /// Whether this start's epoch is on disk. Before it is, an id could be made that a next start makes again.
    pub(super) fn start_is_durable(&self) -> bool {
        self.begun && (self.durable >= self.start_seq || self.journal_failure.is_some())
    }

    /// Whether an order of this owner that can add risk may leave on this instrument.
    pub(super) fn permit_of(&self, owner: &Owner, instrument: &InstrumentId) -> Result<(), Denial> {
        if let Some((_, why)) = owner.strategy().and_then(|strategy| self.latch_of(strategy)) {
            return Err(Denial::GateClosed(why.clone()));
        }
        self.permit(instrument)?;
        self.permit_killed(owner, instrument)
    }

    /// What lets a strategy only close, if anything does.
    pub(super) fn latch_of(&self, strategy: &StrategyId) -> Option<(&LatchCause, &String)> {
        let latches = self.books.latches();
        if latches.is_empty() {
            return None;
        }
        latches.get_key_value(&LatchCause::Breaker(strategy.clone()))
    }

    /// Strategies that may only close.
    fn strategy_states(&self) -> Vec<StrategyState> {
        let of = |(cause, why): (&LatchCause, &String)| {
            let (LatchCause::Breaker(strategy) | LatchCause::Kill { scope: KillScope::Strategy(strategy), .. }) = cause else {
                return None;
            };
            Some(StrategyState { strategy: strategy.clone(), cause: cause.clone(), why: why.clone() })
        };
        self.books.latches().iter().filter_map(of).collect()
    }

    /// Lets a strategy only close from here on, and takes its entries off the books.
    pub(super) fn latch_strategy(&mut self, strategy: &StrategyId, text: String, out: &mut Vec<Effect>) {
        if self.latch_of(strategy).is_some() {
            return;
        }
        self.latch(LatchCause::Breaker(strategy.clone()), text, out);
        self.cancel_entries(|intent| intent.owner.strategy() == Some(strategy), out);
    }

    /// Whether an order that can add risk may leave on this instrument, whoever asks.
    pub(super) fn permit(&self, instrument: &InstrumentId) -> Result<(), Denial> {
        if let Some(why) = self.shut().into_iter().next() {
            return Err(Denial::GateClosed(why.to_string()));
        }
        if let Some(why) = self.books.latches().get(&LatchCause::Exchange(instrument.clone())) {
            return Err(Denial::GateClosed(why.clone()));
        }
        if let Some(why) = self.restricted.get(instrument) {
            return Err(Denial::GateClosed(why.clone()));
        }
        if let Some(text) = self.restrictions.of(instrument) {
            return Err(Denial::GateClosed(text.into()));
        }
        if let Some(at) = self.end_of(instrument) {
            return Err(Denial::GateClosed(InstrumentShut::EndsSoon(at).to_string()));
        }
        let count = self.doubts_of(instrument);
        if count >= self.config.in_doubt_max {
            return Err(Denial::InDoubt { instrument: instrument.clone(), count });
        }
        Ok(())
    }

    pub(super) fn update_phase(&mut self, out: &mut Vec<Effect>) {
        if !self.start_is_durable() {
            return;
        }
        // A latch does not keep strategies from starting: they may still close.
        if !self.started && self.reconciled && self.delay_over && (self.doubts.is_empty() || planted(Plant::NoDoubtBeforeGate)) {
            self.started = true;
            if !self.is_benched() {
                self.start_strategies(out);
            }
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
        self.tell_phase(phase, out);
    }

    pub(super) fn start_strategies(&mut self, out: &mut Vec<Effect>) {
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
        self.cancel_entries(|_| true, out);
        self.send_early(out);
    }

    /// Takes what can add risk off the book. Somebody else's orders stand: whoever placed them has a journal of his own.
    pub(super) fn cancel_entries(&mut self, of: impl Fn(&Intent) -> bool, out: &mut Vec<Effect>) {
        let adding: Vec<_> = self
            .books
            .open_orders()
            .map(|o| o.intent())
            .filter(|i| i.terms.can_add_risk() && (i.owner != Owner::External || i.provenance != Provenance::Foreign))
            .filter(|i| of(i))
            .map(|i| i.id)
            .collect();
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
        doubts: engine.doubts(),
        instruments: engine.instrument_states(),
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
        strategies: engine.strategy_states(),
        key: engine.key_rights().cloned(),
    }
}
