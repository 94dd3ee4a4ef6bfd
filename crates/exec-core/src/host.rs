//! Calls a strategy for an event and turns what it asked for into an input. The one way for all shells, so that ids derive alike.

use crate::{
    conversation::{DoubtNews, Input, StrategyEvent},
    engine::Engine,
    ids::{Seq, StrategyId},
    strategy::{Context, Strategy},
    time::Timestamp,
};

/// Calls `strategy` with `event` and returns the input that must be handled next, before any other.
///
/// `calls` counts the calls of this run for events without a number; a numbered event derives its ids from the number alone,
/// so the same event brings the same intents after a restart.
pub fn call(
    engine: &Engine,
    now: Timestamp,
    id: &StrategyId,
    strategy: &mut dyn Strategy,
    seen: Option<Seq>,
    event: &StrategyEvent,
    calls: &mut u64,
) -> Option<Input> {
    let number = engine.books().strategy(id).map_or(0, |b| u128::from(b.number));
    let basis = match seen {
        Some(seq) => number << 96 | u128::from(seq.0),
        None => {
            *calls += 1;
            number << 96 | 1 << 95 | u128::from(engine.books().epoch().0) << 64 | u128::from(*calls)
        }
    };
    let mut context = Context::new(now, engine, id, basis);
    match event {
        StrategyEvent::Start => strategy.on_start(&mut context),
        StrategyEvent::Phase(change) => strategy.on_phase(&mut context, change),
        StrategyEvent::Order(update) => {
            strategy.on_order(&mut context, update);
            // In the same call: the fact and the doubt that it began or ended are one event with one number.
            match &update.doubt {
                Some(DoubtNews::Began(doubt)) => strategy.on_in_doubt(&mut context, doubt),
                Some(DoubtNews::Ended(ended)) => strategy.on_doubt_ended(&mut context, ended),
                None => (),
            }
        }
        StrategyEvent::Exchange(event) => strategy.on_exchange_order(&mut context, event),
        StrategyEvent::ProtectionLost(lost) => strategy.on_protection_lost(&mut context, lost),
        StrategyEvent::ChangeDenied { intent, denial } => strategy.on_change_denied(&mut context, *intent, denial),
        StrategyEvent::Price(instrument) => strategy.on_price(&mut context, instrument),
        StrategyEvent::Timer(tag) => strategy.on_timer(&mut context, *tag),
    }
    let (commands, state) = context.into_parts();
    if seen.is_none() && commands.is_empty() && state.is_none() {
        return None;
    }
    Some(Input::Commands { strategy: id.clone(), seen, commands, state })
}
