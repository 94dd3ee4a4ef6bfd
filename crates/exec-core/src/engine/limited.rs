//! Whether an opening order, or a change of one, is within every limit: of the account, its strategy and its instrument. One place
//! for a new order, a further try, a change and a renewal. Exits never ask here.

use super::Engine;
use crate::{
    exposure::{Worth, check_limits, check_money, interval_of_owner, leg_worth, worth},
    ids::InstrumentId,
    limits::{Bound, Scope},
    order::intent::Owner,
    pretrade::{Denial, Figure},
    terms::Terms,
    units::{PositionSide, Side},
};
use alloc::{collections::BTreeSet, string::String};
use rust_decimal::Decimal;

/// What is checked: how much will stand, and how much of that the books do not count yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) qty: Decimal,
    pub(super) add: Decimal,
    /// Whether it takes another place among the open orders.
    pub(super) is_new: bool,
}

impl Engine {
    /// Checks an opening order of these terms against every limit.
    ///
    /// # Errors
    /// [`Denial`]: one of them would be exceeded, or nothing tells what the order is worth.
    pub(super) fn within_limits(&self, owner: &Owner, terms: &Terms, asking: Asking) -> Result<(), Denial> {
        let reference = self.risk_reference(&terms.instrument)?;
        if reference.is_none() && self.config.staleness.quote_max_age_ms > 0 {
            // A price of its own is what a slipped decimal point would be judged by.
            return Err(Denial::NoPrice(terms.instrument.clone()));
        }
        let venue = self.other_figure(&terms.instrument, terms.leg);
        let limits = &self.config.limits;
        if asking.is_new {
            check_limits(&self.books, limits, terms, asking.qty, reference, venue)?;
        } else {
            check_money(&self.books, limits, terms, (asking.qty, asking.add), reference, venue)?;
        }
        self.check_collar(owner, terms, reference)?;
        self.check_pace(owner, &terms.instrument)?;
        let bounds = &self.config.bounds;
        if let Some((strategy, bound)) = owner.strategy().and_then(|s| bounds.strategies.get_key_value(s)) {
            self.check_bound(&Scope::Strategy(strategy.clone()), bound, owner, terms, asking, reference)?;
        }
        if let Some(bound) = bounds.instruments.get(&terms.instrument) {
            self.check_bound(&Scope::Instrument(terms.instrument.clone()), bound, owner, terms, asking, reference)?;
        }
        self.check_gross(terms, asking, reference)
    }

    fn check_bound(
        &self,
        scope: &Scope,
        bound: &Bound,
        owner: &Owner,
        terms: &Terms,
        asking: Asking,
        reference: Option<Decimal>,
    ) -> Result<(), Denial> {
        let of_scope = |o: &Owner, i: &InstrumentId| match scope {
            Scope::Account => true,
            Scope::Strategy(_) => o == owner,
            Scope::Instrument(_) => *i == terms.instrument,
        };
        if let (true, Some(max)) = (asking.is_new, bound.open_orders_max) {
            let open = self.books.open_orders().map(|o| o.intent());
            let count = open.filter(|i| of_scope(&i.owner, &i.terms.instrument)).count();
            held(scope, "number of open orders", Decimal::from(count + 1), Some(Decimal::from(max)))?;
        }
        held(scope, "order quantity", asking.qty, bound.order_qty_max)?;
        let unit = self.unit_worth(terms, reference)?;
        held(scope, "order notional", unit.saturating_mul(asking.qty), bound.order_notional_max)?;
        if bound.position_notional_max.is_some() {
            let reference = reference.unwrap_or(unit);
            let worth = match scope {
                Scope::Strategy(_) => {
                    let position = self.books.share(owner, &terms.instrument, terms.leg).get();
                    interval_of_owner(&self.books, owner, terms, position, asking.add).saturating_mul(unit.max(reference))
                }
                Scope::Account | Scope::Instrument(_) => self.leg_worth_with(terms, asking.add, reference),
            };
            held(scope, "position notional", worth, bound.position_notional_max)?;
        }
        Ok(())
    }

    /// A limit price may not pay much more than the market: a decimal point that slipped.
    fn check_collar(&self, owner: &Owner, terms: &Terms, reference: Option<Decimal>) -> Result<(), Denial> {
        // A conditional one wakes at its trigger, and the market is there then.
        let reference = terms.kind.trigger_price().map(crate::units::Price::get).or(reference);
        let (Some(price), Some(reference)) = (terms.kind.price().map(crate::units::Price::get), reference) else { return Ok(()) };
        let collar = self.collar_of(owner, &terms.instrument);
        let bound = match terms.side {
            Side::Buy => reference.saturating_mul(Decimal::ONE + collar),
            Side::Sell => reference.saturating_mul((Decimal::ONE - collar).max(Decimal::ZERO)),
        };
        let beyond = match terms.side {
            Side::Buy => price > bound,
            Side::Sell => price < bound,
        };
        if beyond {
            return Err(Denial::Collar { price: Figure(price), reference: Figure(reference), bound: Figure(bound) });
        }
        Ok(())
    }

    /// The smallest collar that holds an order.
    fn collar_of(&self, owner: &Owner, instrument: &InstrumentId) -> Decimal {
        let bounds = &self.config.bounds;
        let strategy = owner.strategy().and_then(|s| bounds.strategies.get(s)).and_then(|b| b.collar);
        let instrument = bounds.instruments.get(instrument).and_then(|b| b.collar);
        [strategy, instrument].into_iter().flatten().fold(self.config.limits.collar, Decimal::min)
    }

    /// All legs together, each at its worst, against what is allowed and what the account is worth.
    fn check_gross(&self, terms: &Terms, asking: Asking, reference: Option<Decimal>) -> Result<(), Denial> {
        let bounds = &self.config.bounds;
        if bounds.gross_notional_max.is_none() && bounds.leverage_max.is_none() {
            return Ok(());
        }
        let unit = self.unit_worth(terms, reference)?;
        let mut gross = self.leg_worth_with(terms, asking.add, reference.unwrap_or(unit));
        let held_legs = self.books.positions().filter(|(_, _, p)| !p.qty().is_zero()).map(|(i, leg, _)| (i, leg));
        let open_legs = self.books.open_orders().map(|o| o.intent()).map(|i| (&i.terms.instrument, i.terms.leg));
        let legs: BTreeSet<(&InstrumentId, PositionSide)> = held_legs.chain(open_legs).collect();
        for (instrument, leg) in legs.into_iter().filter(|(i, leg)| **i != terms.instrument || *leg != terms.leg) {
            gross = gross.saturating_add(self.leg_worth(instrument, leg));
        }
        held(&Scope::Account, "notional of all legs", gross, bounds.gross_notional_max)?;
        if let Some(max) = bounds.leverage_max {
            let equity = self.equity();
            // What is worth nothing carries nothing.
            let leverage = gross.checked_div(equity).filter(|_| equity > Decimal::ZERO).unwrap_or(Decimal::MAX);
            held(&Scope::Account, "leverage", leverage.round_dp(4), Some(max))?;
        }
        Ok(())
    }

    fn unit_worth(&self, terms: &Terms, reference: Option<Decimal>) -> Result<Decimal, Denial> {
        worth(terms, self.config.limits.collar, reference).ok_or_else(|| Denial::NoPrice(terms.instrument.clone()))
    }

    fn leg_worth_with(&self, terms: &Terms, add: Decimal, reference: Decimal) -> Decimal {
        let valued = Worth { collar: self.config.limits.collar, reference };
        let venue = self.other_figure(&terms.instrument, terms.leg);
        leg_worth(&self.books, &terms.instrument, terms.leg, venue, &valued, Some((terms, add)))
    }

    /// The worst-case notional of a leg, at the newest price that is known. Where none ever was, at what it was entered for.
    pub(super) fn leg_worth(&self, instrument: &InstrumentId, leg: PositionSide) -> Decimal {
        let entry = || self.books.position(instrument, leg).and_then(crate::position::Position::entry_px).map(|px| px.abs());
        let reference = self.quote(instrument).reference().or_else(entry).unwrap_or_default();
        let valued = Worth { collar: self.config.limits.collar, reference };
        leg_worth(&self.books, instrument, leg, self.other_figure(instrument, leg), &valued, None)
    }
}

fn held(scope: &Scope, what: &str, value: Decimal, max: Option<Decimal>) -> Result<(), Denial> {
    match max {
        Some(max) if value > max => {
            Err(Denial::Scoped { scope: scope.clone(), what: String::from(what), value: Figure(value), max: Figure(max) })
        }
        Some(_) | None => Ok(()),
    }
}
