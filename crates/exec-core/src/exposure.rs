//! Worst-case exposure of a leg, and the money limits it is held to. What is in doubt counts as executed and as not executed.

use crate::{
    books::Books,
    ids::InstrumentId,
    order::{Order, intent::Owner},
    pretrade::{Denial, Figure},
    terms::Terms,
    units::{PositionSide, Side, SignedQty},
};
use alloc::string::String;
use rust_decimal::Decimal;

/// Money limits of an account. None has a default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Largest price times quantity of one opening order, in quote units.
    pub order_notional_max: Decimal,
    /// Largest worst-case notional of one leg, in quote units.
    pub position_notional_max: Decimal,
    /// Most open orders of the account.
    pub open_orders_max: u32,
    /// How far an opening order without a limit price may be valued from the reference price, as a fraction.
    pub collar: Decimal,
}

/// From where to where a leg's position may go with everything that is open or in doubt.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Interval {
    /// If all sells execute and no buy does, after whatever is long was closed.
    pub low: Decimal,
    /// If all buys execute and no sell does, after whatever is short was closed.
    pub high: Decimal,
}

impl Interval {
    /// The distance of its farther end from flat.
    pub fn magnitude(&self) -> Decimal {
        self.low.abs().max(self.high.abs())
    }
}

/// The interval of a leg from its position and every order that can still change it.
pub fn interval(books: &Books, instrument: &InstrumentId, leg: PositionSide) -> Interval {
    interval_of(books, instrument, leg, books.position_qty(instrument, leg).get())
}

/// The same for a leg that the books and the venue see differently: it may be the one or the other.
fn interval_of_both(books: &Books, terms: &Terms, venue: Option<SignedQty>) -> Interval {
    let ours = interval(books, &terms.instrument, terms.leg);
    let Some(venue) = venue else { return ours };
    let theirs = interval_of(books, &terms.instrument, terms.leg, venue.get());
    Interval { low: ours.low.min(theirs.low), high: ours.high.max(theirs.high) }
}

fn interval_of(books: &Books, instrument: &InstrumentId, leg: PositionSide, position: Decimal) -> Interval {
    let (mut buys, mut sells) = (Decimal::ZERO, Decimal::ZERO);
    for order in books.open_orders_of(instrument).filter(|o| adds_to(o, leg)) {
        let leaves = may_still_execute(order);
        match order.intent().terms.side {
            Side::Buy => buys += leaves,
            Side::Sell => sells += leaves,
        }
    }
    span(leg, position, buys, sells)
}

/// What an owner's own share of a leg and its own orders can make of it at most, with `add` more of an order of these terms.
pub(crate) fn interval_of_owner(books: &Books, owner: &Owner, terms: &Terms, share: Decimal, add: Decimal) -> Decimal {
    let (mut buys, mut sells) = (Decimal::ZERO, Decimal::ZERO);
    let own = books.open_orders_of(&terms.instrument).filter(|o| o.intent().owner == *owner && adds_to(o, terms.leg));
    for (side, leaves) in own.map(|o| (o.intent().terms.side, may_still_execute(o))).chain([(terms.side, add)]) {
        match side {
            Side::Buy => buys += leaves,
            Side::Sell => sells += leaves,
        }
    }
    span(terms.leg, share, buys, sells).magnitude()
}

/// What orders are valued with.
pub(crate) struct Worth {
    pub(crate) collar: Decimal,
    pub(crate) reference: Decimal,
}

/// The most that a leg may be worth with everything that is open: what is held at the reference price, each order at its own worst.
/// `with` is an order that the books do not count yet, and how much of it.
pub(crate) fn leg_worth(
    books: &Books,
    instrument: &InstrumentId,
    leg: PositionSide,
    venue: Option<SignedQty>,
    valued: &Worth,
    with: Option<(&Terms, Decimal)>,
) -> Decimal {
    let (mut buys, mut sells) = (Decimal::ZERO, Decimal::ZERO);
    let mut count = |terms: &Terms, leaves: Decimal| {
        let unit = worth(terms, valued.collar, Some(valued.reference)).unwrap_or(valued.reference);
        // What is open already may execute at the market, wherever that is now.
        let value = unit.max(valued.reference).saturating_mul(leaves);
        match terms.side {
            Side::Buy => buys = buys.saturating_add(value),
            Side::Sell => sells = sells.saturating_add(value),
        }
    };
    for order in books.open_orders_of(instrument).filter(|o| adds_to(o, leg)) {
        let asked = order.replaces().values().filter(|r| r.state.is_pending()).map(|r| &r.terms);
        let prices = asked.clone().filter_map(|t| t.price).chain(order.price());
        let triggers = asked.filter_map(|t| t.trigger).chain(order.trigger_price());
        // The dearer of both terms, as the larger of both quantities.
        let terms = order.intent().terms.changed(None, prices.max(), triggers.max());
        count(&terms, may_still_execute(order));
    }
    if let Some((terms, add)) = with {
        count(terms, add);
    }
    let position = books.position_qty(instrument, leg).get();
    let worst = |position: Decimal| {
        let value = position.saturating_mul(valued.reference);
        span(leg, value, buys, sells).magnitude()
    };
    worst(position).max(venue.map_or(Decimal::ZERO, |venue| worst(venue.get())))
}

fn adds_to(order: &Order, leg: PositionSide) -> bool {
    let terms = &order.intent().terms;
    terms.leg == leg && !terms.is_closing()
}

/// As much of an order as may still execute, whatever is in doubt.
fn may_still_execute(order: &Order) -> Decimal {
    // A change in doubt counts with the larger of both quantities.
    let asked = order.replaces().values().filter(|r| r.state.is_pending()).map(|r| r.terms.qty).max();
    let qty = order.qty().unwrap_or_default().max(asked.unwrap_or_default());
    qty.saturating_sub(order.cum_qty()).max(order.alive_qty()).get()
}

fn span(leg: PositionSide, position: Decimal, buys: Decimal, sells: Decimal) -> Interval {
    match leg {
        // An exit always passes, now or later, and may execute first: what is held is no room for orders on the other side.
        PositionSide::Net => Interval { low: position.min(Decimal::ZERO) - sells, high: position.max(Decimal::ZERO) + buys },
        // On a leg only the opening side is counted; a close cannot cross zero.
        PositionSide::Long => Interval { low: Decimal::ZERO, high: position + buys },
        PositionSide::Short => Interval { low: position - sells, high: Decimal::ZERO },
    }
}

/// Checks the limits for a new opening order of `qty`. `venue` is what the venue says of the leg where it differs.
///
/// # Errors
/// [`Denial`]: one limit would be exceeded, or nothing tells what the order is worth.
pub fn check_limits(
    books: &Books,
    limits: &Limits,
    terms: &Terms,
    qty: Decimal,
    reference: Option<Decimal>,
    venue: Option<SignedQty>,
) -> Result<(), Denial> {
    let open = books.open_count();
    if open >= limits.open_orders_max {
        return Err(Denial::OpenOrders { count: open, max: limits.open_orders_max });
    }
    check_money(books, limits, terms, (qty, qty), reference, venue)
}

/// Checks the money limits for an opening order that will stand with `qty`, of which `add` is not counted in the books yet.
/// `venue` is what the venue says of the leg where it differs.
///
/// # Errors
/// [`Denial`]: one limit would be exceeded, or nothing tells what the order is worth.
pub fn check_money(
    books: &Books,
    limits: &Limits,
    terms: &Terms,
    (qty, add): (Decimal, Decimal),
    reference: Option<Decimal>,
    venue: Option<SignedQty>,
) -> Result<(), Denial> {
    let limit_price = terms.kind.price().map(crate::units::Price::get);
    let worth = worth(terms, limits.collar, reference).ok_or_else(|| Denial::NoPrice(terms.instrument.clone()))?;
    let reference = reference.or(limit_price).unwrap_or(worth);
    let notional = worth.saturating_mul(qty);
    if notional > limits.order_notional_max {
        return Err(limit("order notional of the account", notional, limits.order_notional_max));
    }
    let mut interval = interval_of_both(books, terms, venue);
    match terms.side {
        Side::Buy => interval.high = interval.high.saturating_add(add),
        Side::Sell => interval.low = interval.low.saturating_sub(add),
    }
    let alike = interval.magnitude().saturating_mul(worth.max(reference));
    let valued = Worth { collar: limits.collar, reference };
    let position = leg_worth(books, &terms.instrument, terms.leg, venue, &valued, Some((terms, add))).max(alike);
    if position > limits.position_notional_max {
        return Err(limit("position notional of the account", position, limits.position_notional_max));
    }
    Ok(())
}

/// The most that one unit of an opening order may trade for. A buy limit pays its price at most. A sell limit takes its price
/// at least, and the market's if that is higher. Without a limit it is what the market, or the trigger, may have become. Nothing
/// where neither the market nor the order says a price.
pub(crate) fn worth(terms: &Terms, collar: Decimal, reference: Option<Decimal>) -> Option<Decimal> {
    let limit_price = terms.kind.price().map(crate::units::Price::get);
    let reference = reference.or(limit_price)?;
    let trigger = terms.kind.trigger_price().map_or(reference, crate::units::Price::get);
    Some(match (limit_price, terms.side) {
        (Some(price), Side::Buy) => price,
        (Some(price), Side::Sell) => price.max(reference).max(trigger),
        (None, _) => reference.max(trigger).saturating_mul(Decimal::ONE + collar),
    })
}

fn limit(what: &str, value: Decimal, max: Decimal) -> Denial {
    Denial::Limit { what: String::from(what), value: Figure(value), max: Figure(max) }
}
