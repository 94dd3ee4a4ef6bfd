//! Orders that the exchange makes in the account by itself: whose they are, whom they concern, and what they stop.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, ExchangeEvent, StrategyEvent},
    ids::{InstrumentId, IntentId, StrategyId},
    order::intent::{ExchangeMade, Owner},
    record::LatchCause,
    units::PositionSide,
};
use alloc::{format, string::String, vec::Vec};

impl Engine {
    /// Whose position an order of the exchange changes: the one strategy's that trades the instrument. Where several do, nobody
    /// can tell, and it is kept as somebody else's.
    pub(super) fn owner_of_position(&self, instrument: &InstrumentId) -> Owner {
        let mut trading = self.config.strategies.iter().filter(|s| s.instruments.contains(instrument));
        match (trading.next(), trading.next()) {
            (Some(only), None) => Owner::Strategy(only.id.clone()),
            _ => Owner::External,
        }
    }

    /// Stops new risk where the exchange has acted, and tells every strategy of the instrument.
    pub(super) fn exchange_acted(
        &mut self,
        intent: IntentId,
        made_by: ExchangeMade,
        instrument: &InstrumentId,
        leg: PositionSide,
        out: &mut Vec<Effect>,
    ) {
        // The order's own record names the event, so that it comes again after a crash.
        let seq = self.books.seq();
        let concerned = self.concerned(instrument);
        let alone = self.other_legs(&concerned, instrument, leg);
        let text = format!("{made_by:?} of {instrument} {leg:?} by the exchange{alone}");
        self.alert(out, AlertLevel::Critical, "exchange_order", text.clone());
        let cause = match made_by {
            ExchangeMade::Liquidation => LatchCause::Liquidation,
            ExchangeMade::AutoDeleveraging | ExchangeMade::Settlement | ExchangeMade::Delivery => {
                LatchCause::Exchange(instrument.clone())
            }
        };
        self.latch(cause, text, out);
        for strategy in concerned {
            let event = ExchangeEvent { intent, made_by, instrument: instrument.clone(), leg };
            self.notify(strategy, Some(seq), StrategyEvent::Exchange(event), out);
        }
    }

    pub(super) fn concerned(&self, instrument: &InstrumentId) -> Vec<StrategyId> {
        self.config.strategies.iter().filter(|s| s.instruments.contains(instrument)).map(|s| s.id.clone()).collect()
    }

    /// What else the strategies hold: a hedge of what was taken stands alone now.
    fn other_legs(&self, strategies: &[StrategyId], instrument: &InstrumentId, leg: PositionSide) -> String {
        let others = self.books.shares().filter(|((owner, i, l), qty)| {
            let theirs = owner.strategy().is_some_and(|s| strategies.contains(s));
            theirs && !qty.is_zero() && (i, *l) != (instrument, leg)
        });
        let names: Vec<String> = others.map(|((_, i, l), qty)| format!("{i} {l:?} {qty}")).collect();
        if names.is_empty() { String::new() } else { format!("; what stands alone now: {}", names.join(", ")) }
    }
}
