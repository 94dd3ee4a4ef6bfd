//! What strategies and reports are told of doubt, of the phase and of its reasons. It decides nothing.

use super::Engine;
use crate::{
    conversation::{DoubtEnded, DoubtNews, Effect, InDoubt, OrderUpdate, Phase, PhaseChange, StrategyEvent},
    ids::{ClOrdId, InstrumentId, IntentId, StrategyId},
    instrument::TradingStatus,
    kill::KillScope,
    order::{
        Order, Transition,
        doubt::{DoubtOf, DoubtStep},
        event::{OrderEvent, RequestState},
        intent::Owner,
        proof::fence_time,
    },
    pretrade::Denial,
    record::LatchCause,
    start_report::{InstrumentShut, InstrumentState, Shut},
    time::{Timestamp, VenueTime},
};
use alloc::{collections::BTreeSet, vec::Vec};

impl Engine {
    /// The moment from which on an attempt's absence counts.
    pub(super) fn fence_of(&self, order: &Order, cl_ord_id: &ClOrdId) -> Option<VenueTime> {
        let conditional = order.intent().terms.kind.is_conditional();
        let fence = if conditional { self.profile.conditional_fence } else { self.profile.fence };
        let header = order.attempts().get(cl_ord_id).and_then(|a| a.header());
        fence.zip(header).map(|(f, h)| fence_time(h.timestamp, h.recv_window_ms, &f))
    }

    /// What a strategy is told of a fact that was learned at a moment.
    pub(super) fn order_update(
        &self,
        intent: IntentId,
        event: OrderEvent,
        transition: &Transition,
        at: Timestamp,
    ) -> OrderUpdate {
        let doubt = transition.doubt.and_then(|change| {
            let order = self.books.order(intent)?;
            Some(match change.step {
                // Nothing but what the journal has goes into it: a replay must tell the same.
                DoubtStep::Began => {
                    let fence_at = match change.of {
                        DoubtOf::Attempt(cl_ord_id) => self.fence_of(order, &cl_ord_id),
                        DoubtOf::Change(_) => None,
                    };
                    DoubtNews::Began(in_doubt_of(order, change.of, change.since.unwrap_or(at), fence_at))
                }
                DoubtStep::Ended(how) => DoubtNews::Ended(DoubtEnded { intent, of: change.of, since: change.since, how }),
            })
        });
        OrderUpdate { intent, from: transition.from, to: transition.to, event, late: transition.late, doubt }
    }

    /// Why the account takes no new risk; nothing when the gate is open.
    pub fn gate_shut(&self) -> Vec<Shut> {
        self.shut()
    }

    /// Whether the gate lets an order through that can add risk on this instrument.
    ///
    /// # Errors
    /// The denial that such an order would get.
    pub fn may_open(&self, instrument: &InstrumentId) -> Result<(), Denial> {
        self.permit(instrument)
    }

    /// The same for an order of this strategy.
    ///
    /// # Errors
    /// The denial that such an order would get.
    pub fn may_open_for(&self, strategy: &StrategyId, instrument: &InstrumentId) -> Result<(), Denial> {
        self.permit_of(&Owner::Strategy(strategy.clone()), instrument)
    }

    /// Everything of which nobody knows what became of it: attempts first, each with the moment from which on its absence counts.
    pub fn doubts(&self) -> Vec<InDoubt> {
        let attempts = self.doubts.iter().filter_map(|(cl_ord_id, doubt)| {
            let order = self.books.order(doubt.intent)?;
            let since = order.attempts().get(cl_ord_id)?.in_doubt()?;
            Some(in_doubt_of(order, DoubtOf::Attempt(*cl_ord_id), since, self.fence_of(order, cl_ord_id)))
        });
        let changes = self.change_doubts.keys().filter_map(|intent| self.books.order(*intent)).flat_map(|order| {
            let unknown = order.replaces().iter().filter(|(_, r)| r.state == RequestState::Unknown);
            let unknown = unknown.filter(|_| !order.status().is_ended());
            // A change does not keep since when; it is no longer than the engine has had it in doubt.
            let signed = self.change_doubts.get(&order.intent().id).copied().flatten();
            let window_ms = self.config.order_recv_window_ms;
            let fence_at = signed.zip(self.profile.fence).map(|(at, fence)| fence_time(at, window_ms, &fence));
            unknown.map(move |(request, _)| in_doubt_of(order, DoubtOf::Change(*request), self.now, fence_at))
        });
        attempts.chain(changes).collect()
    }

    /// Instruments that take no new risk for reasons of their own.
    pub(super) fn instrument_states(&self) -> Vec<InstrumentState> {
        let traded = self.config.instruments();
        let mut all: BTreeSet<&InstrumentId> =
            traded.iter().chain(self.restricted.keys()).chain(self.restrictions.instruments()).collect();
        all.extend(self.books.latches().keys().filter_map(|cause| match cause {
            LatchCause::Exchange(instrument) | LatchCause::Kill { scope: KillScope::Instrument(instrument), .. } => {
                Some(instrument)
            }
            _ => None,
        }));
        all.extend(self.doubts.values().map(|d| &d.instrument));
        let states = all.into_iter().map(|instrument| InstrumentState {
            instrument: instrument.clone(),
            shut: self.instrument_shut(instrument, traded.contains(instrument)),
        });
        states.filter(|state| !state.shut.is_empty()).collect()
    }

    fn instrument_shut(&self, instrument: &InstrumentId, traded: bool) -> Vec<InstrumentShut> {
        let mut shut = Vec::new();
        let differs = self.differences.iter().filter(|d| d.instrument == *instrument);
        shut.extend(differs.cloned().map(InstrumentShut::Difference));
        if let (true, Some(why)) = (shut.is_empty(), self.restricted.get(instrument)) {
            shut.push(InstrumentShut::Restricted(why.clone()));
        }
        shut.extend(self.restrictions.of(instrument).map(|why| InstrumentShut::Restricted(why.into())));
        if let Some(why) = self.books.latches().get(&LatchCause::Exchange(instrument.clone())) {
            shut.push(InstrumentShut::Latched(why.clone()));
        }
        shut.extend(self.killed_here(instrument).into_iter().map(InstrumentShut::Latched));
        let count = self.doubts_of(instrument);
        if count >= self.config.in_doubt_max {
            shut.push(InstrumentShut::InDoubt { count, max: self.config.in_doubt_max });
        }
        shut.extend(self.end_of(instrument).map(InstrumentShut::EndsSoon));
        match self.instruments.get(instrument).map(|i| i.status) {
            Some(TradingStatus::Trading) => (),
            Some(status) => shut.push(InstrumentShut::NotTrading(status)),
            None if traded && !self.instruments.is_empty() => shut.push(InstrumentShut::NotListed),
            None => (),
        }
        shut
    }

    /// How many attempts of unknown fate an instrument has.
    pub(super) fn doubts_of(&self, instrument: &InstrumentId) -> u32 {
        u32::try_from(self.doubts.values().filter(|d| d.instrument == *instrument).count()).unwrap_or(u32::MAX)
    }

    /// Tells where the engine stands and why, if either has changed.
    pub(super) fn tell_phase(&mut self, to: Phase, out: &mut Vec<Effect>) {
        let shut = self.shut();
        let same_reasons = shut.len() == self.told_shut.len() && shut.iter().zip(&self.told_shut).all(|(a, b)| a.is_like(b));
        if to == self.phase && same_reasons {
            return;
        }
        let change = PhaseChange { from: self.phase, to, shut: shut.clone() };
        (self.phase, self.told_shut) = (to, shut);
        out.push(Effect::Phase(change.clone()));
        self.push_report(out);
        for strategy in self.config.strategies.clone() {
            self.notify(strategy.id, None, StrategyEvent::Phase(change.clone()), out);
        }
    }
}

fn in_doubt_of(order: &Order, of: DoubtOf, since: Timestamp, fence_at: Option<VenueTime>) -> InDoubt {
    let intent = order.intent();
    InDoubt { intent: intent.id, instrument: intent.terms.instrument.clone(), of, since, fence_at }
}
