//! The strategies of an account and the events that wait for them. It calls them one at a time, in the order of the events.

use exec_core::{
    conversation::{Alert, AlertLevel, Input, StrategyEvent},
    engine::Engine,
    host,
    ids::{InstrumentId, Seq, StrategyId},
    strategy::Strategy,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Events that may wait for one strategy. Only a strategy that answers every answer with more commands comes here; it is not
/// called any more in this run, and its cursor stays where it is.
const WAITING_MAX: usize = 65_536;

/// The strategies and their events.
#[derive(Default)]
pub(crate) struct Hosted {
    seats: BTreeMap<StrategyId, Seat>,
    waiting: VecDeque<Waiting>,
    prices_waiting: BTreeSet<(StrategyId, InstrumentId)>,
    calls: u64,
}

struct Seat {
    strategy: Box<dyn Strategy>,
    waiting: usize,
    stopped: bool,
}

struct Waiting {
    strategy: StrategyId,
    seen: Option<Seq>,
    event: StrategyEvent,
}

impl Hosted {
    pub(crate) fn new(strategies: BTreeMap<StrategyId, Box<dyn Strategy>>) -> Self {
        let seats = strategies.into_iter().map(|(id, strategy)| (id, Seat { strategy, waiting: 0, stopped: false })).collect();
        Self { seats, ..Self::default() }
    }

    /// Keeps an event for a strategy. One that is not hosted here finds its numbered events again when it is.
    pub(crate) fn notify(&mut self, strategy: StrategyId, seen: Option<Seq>, event: StrategyEvent) -> Option<Alert> {
        let seat = self.seats.get_mut(&strategy)?;
        if seat.stopped {
            return None;
        }
        if let StrategyEvent::Price(instrument) = &event
            && !self.prices_waiting.insert((strategy.clone(), instrument.clone()))
        {
            // The one that waits will read the newest price.
            return None;
        }
        if seat.waiting >= WAITING_MAX {
            seat.stopped = true;
            let text = format!("strategy {strategy} has {WAITING_MAX} events waiting and is not called any more in this run");
            return Some(Alert { level: AlertLevel::Critical, kind: "strategy_stopped", text });
        }
        seat.waiting += 1;
        self.waiting.push_back(Waiting { strategy, seen, event });
        None
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Calls the strategy whose event is next, if it may be called, and names it. The input that it returns must be handled
    /// before anything else.
    pub(crate) fn call_next(&mut self, engine: &Engine, now: Timestamp) -> Option<(StrategyId, Option<Input>)> {
        let Waiting { strategy: id, seen, event } = self.waiting.pop_front()?;
        if let StrategyEvent::Price(instrument) = &event {
            self.prices_waiting.remove(&(id.clone(), instrument.clone()));
        }
        let seat = self.seats.get_mut(&id)?;
        seat.waiting -= 1;
        if seat.stopped {
            return None;
        }
        let input = host::call(engine, now, &id, &mut *seat.strategy, seen, &event, &mut self.calls);
        Some((id, input))
    }
}
