//! Checks of an order before anything is sent: is it well formed, and does it fit the instrument. Money limits live in `exposure`.

use crate::{
    ids::InstrumentId,
    instrument::{Instrument, TradingStatus},
    limits::Scope,
    order::event::LiveTerms,
    terms::{Intention, LimitPrice, OrderKind, Terms},
    units::{PositionMode, PositionSide, notional},
    venue::VenueProfile,
};
use alloc::string::String;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why an order, or a change of one, is not sent. Texts are for people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Denial {
    /// No such instrument at the venue.
    #[error("instrument {instrument} is not known at the venue{hint}")]
    UnknownInstrument {
        /// The name asked for.
        instrument: InstrumentId,
        /// Names that look like it.
        hint: String,
    },
    /// The venue takes no orders for it now.
    #[error("instrument {0} does not trade now")]
    NotTrading(InstrumentId),
    /// The strategy does not own it.
    #[error("instrument {0} is not one of this strategy's")]
    NotYours(InstrumentId),
    /// The order belongs to somebody else, or there is none.
    #[error("no order of this owner has that id")]
    NoSuchOrder,
    /// It has ended, or has not reached the venue.
    #[error("order cannot be changed now")]
    NotWorking,
    /// Another change of it is under way.
    #[error("another change of this order is under way")]
    ChangeUnderWay,
    /// The new quantity is executed already: the venue would cancel it.
    #[error("new quantity is not above what is executed")]
    QtyExecuted,
    /// The venue or this build cannot do it.
    #[error("{0} is not supported here")]
    Unsupported(String),
    /// The leg does not exist in the account's mode.
    #[error("leg {leg:?} does not exist in {mode:?}")]
    Leg {
        /// The leg asked for.
        leg: PositionSide,
        /// The account's mode.
        mode: PositionMode,
    },
    /// A reduce that would open, or the like.
    #[error("intention does not fit side and leg")]
    Intention,
    /// Quantity missing, or given where none belongs.
    #[error("quantity is missing, zero, or given for an order that closes all")]
    Quantity,
    /// Off the price grid.
    #[error("price {price} is not on the grid of {step}")]
    PriceGrid {
        /// The price.
        price: Figure,
        /// The grid's step.
        step: Figure,
    },
    /// Outside of the instrument's prices.
    #[error("price {price} is outside of {min} to {max}")]
    PriceBounds {
        /// The price.
        price: Figure,
        /// Lowest.
        min: Figure,
        /// Highest.
        max: Figure,
    },
    /// Off the quantity grid.
    #[error("quantity {qty} is not on the grid of {step}")]
    QtyGrid {
        /// The quantity.
        qty: Figure,
        /// The grid's step.
        step: Figure,
    },
    /// Outside of the instrument's quantities.
    #[error("quantity {qty} is outside of {min} to {max}")]
    QtyBounds {
        /// The quantity.
        qty: Figure,
        /// Smallest.
        min: Figure,
        /// Largest.
        max: Figure,
    },
    /// Worth too little for the venue.
    #[error("notional {notional} is below the venue's minimum of {min}")]
    NotionalMin {
        /// Price times quantity.
        notional: Figure,
        /// The least.
        min: Figure,
    },
    /// Outside of the venue's band around the mark price.
    #[error("price {price} is beyond the venue's bound of {bound}")]
    PercentPrice {
        /// The price.
        price: Figure,
        /// The bound.
        bound: Figure,
    },
    /// The venue would refuse it.
    #[error("{says} (venue code {code}, rule {rule})")]
    VenueRule {
        /// Which rule of the venue's table.
        rule: String,
        /// What the rule refuses.
        says: String,
        /// The venue's code.
        code: i64,
    },
    /// A list of orders that do not belong together.
    #[error("the list cannot be kept: {0}")]
    List(String),
    /// No position is left to close.
    #[error("there is nothing to close")]
    NothingToClose,
    /// New risk is refused in this state.
    #[error("new risk is refused: {0}")]
    GateClosed(String),
    /// Too many attempts of unknown outcome on the instrument.
    #[error("{count} attempts are in doubt on {instrument}")]
    InDoubt {
        /// Where.
        instrument: InstrumentId,
        /// How many.
        count: u32,
    },
    /// There is no price to value it with.
    #[error("there is no price of {0} to value the order with")]
    NoPrice(InstrumentId),
    /// Beyond a money limit of the config.
    #[error("{what} of {value} would be above the limit of {max}")]
    Limit {
        /// Which limit.
        what: String,
        /// What it would be.
        value: Figure,
        /// The limit.
        max: Figure,
    },
    /// Too many open orders.
    #[error("{count} orders are open, the limit is {max}")]
    OpenOrders {
        /// How many are open.
        count: u32,
        /// The limit.
        max: u32,
    },
    /// No client order ids are left under this epoch, or an id was refused by the venue's rules.
    #[error("no client order id can be made")]
    NoClOrdId,
    /// The intent id was used before for something else.
    #[error("this intent id was used before with other terms")]
    IntentReused,
    /// A post-only order at this price would take: the venue would cancel it for the change.
    #[error("a post-only order at {0} would take")]
    WouldTake(Figure),
    /// The newest price is too old to value new risk with.
    #[error("the newest price of {instrument} is {age_ms} ms old, too old to value the order with")]
    StalePrice {
        /// Which instrument.
        instrument: InstrumentId,
        /// How old it is.
        age_ms: u64,
    },
    /// Beyond a limit of the account as a whole, of a strategy or of an instrument.
    #[error("{what} of {scope} of {value} would be above the limit of {max}")]
    Scoped {
        /// Whom the limit holds.
        scope: Scope,
        /// Which limit.
        what: String,
        /// What it would be.
        value: Figure,
        /// The limit.
        max: Figure,
    },
    /// Asked for too fast.
    #[error("{scope} has asked for {max} orders and changes within {per_secs} s, which is the limit")]
    Rate {
        /// Whom the limit holds.
        scope: Scope,
        /// The length of the window, in seconds.
        per_secs: u32,
        /// How many it takes.
        max: u32,
    },
    /// A limit price that pays much more than the market.
    #[error("price {price} is beyond {bound}, the collar around {reference}")]
    Collar {
        /// The price.
        price: Figure,
        /// Where the market is.
        reference: Figure,
        /// The bound.
        bound: Figure,
    },
    /// The kill switch closes a leg with it: it ends with a release.
    #[error("the kill switch closes the leg with this order; a release ends that, and no strategy does")]
    Flattens,
}

/// A number in a denial; printed, never calculated with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Figure(pub Decimal);

impl core::fmt::Display for Figure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.normalize().fmt(f)
    }
}
impl Serialize for Figure {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        crate::units::serialize_decimal(&self.0, s)
    }
}
impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        crate::units::deserialize_decimal(d).map(Self)
    }
}

/// Checks the form of an order against what the venue can do and how the account keeps positions.
///
/// # Errors
/// [`Denial`]: the venue would refuse it, whatever the market does.
pub fn check_form(terms: &Terms, mode: PositionMode, profile: &VenueProfile) -> Result<(), Denial> {
    if !mode.has(terms.leg) {
        return Err(Denial::Leg { leg: terms.leg, mode });
    }
    if terms.kind.is_conditional() && !profile.conditional {
        return Err(Denial::Unsupported(String::from(terms.kind.name())));
    }
    let may_close_all = matches!(terms.kind, OrderKind::StopMarket { .. } | OrderKind::TakeProfitMarket { .. });
    let fits = match (terms.intention, terms.qty) {
        (Intention::CloseAll, qty) => qty.is_none() && may_close_all,
        (Intention::Open | Intention::Reduce, qty) => qty.is_some_and(|q| !q.is_zero()),
    };
    if !fits {
        return Err(Denial::Quantity);
    }
    // In HEDGING the side against the leg is what closes; asking to reduce with the other side would open.
    let closes = terms.is_closing();
    match (mode, terms.intention) {
        (PositionMode::Hedging, Intention::Open) if closes => Err(Denial::Intention),
        (PositionMode::Hedging, Intention::Reduce | Intention::CloseAll) if !closes => Err(Denial::Intention),
        _ => Ok(()),
    }
}

/// Checks an order against the instrument's grids and bounds. `mark` is needed only for the bounds around it.
///
/// # Errors
/// [`Denial`]: the venue would refuse it.
pub fn check_grid(instrument: &Instrument, terms: &Terms, reference: Option<Decimal>) -> Result<(), Denial> {
    if instrument.status != TradingStatus::Trading {
        return Err(Denial::NotTrading(instrument.id.clone()));
    }
    for price in [terms.kind.price(), terms.kind.trigger_price()].into_iter().flatten() {
        check_price(instrument, price.get())?;
    }
    if let Some(qty) = terms.qty {
        let market = terms.kind.limit_price().is_none() && !instrument.market_lot.step.is_zero();
        check_qty(if market { &instrument.market_lot } else { &instrument.lot }, qty.get())?;
        let price = terms.kind.price().or_else(|| wakes_at(&terms.kind)).map(crate::units::Price::get).or(reference);
        if let Some(price) = price
            && !terms.is_closing()
            && price * qty.get() < instrument.notional_min
        {
            return Err(Denial::NotionalMin { notional: Figure(price * qty.get()), min: Figure(instrument.notional_min) });
        }
    }
    if let OrderKind::Limit { price: LimitPrice::At(price), .. } = &terms.kind {
        check_band(instrument, terms, price.get(), reference)?;
    }
    Ok(())
}

/// Checks a limit price against the venue's band around the mark price, which bounds one side only.
fn check_band(instrument: &Instrument, terms: &Terms, price: Decimal, reference: Option<Decimal>) -> Result<(), Denial> {
    // Our price may be old. What opens waits until it is not; whether an exit is inside the band is the venue's word.
    let (Some(band), Some(mark), false) = (&instrument.percent_price, reference, terms.is_closing()) else { return Ok(()) };
    let (times, beyond): (_, fn(&Decimal, &Decimal) -> bool) = match terms.side {
        crate::units::Side::Buy => (band.up, Decimal::gt),
        crate::units::Side::Sell => (band.down, Decimal::lt),
    };
    match mark.checked_mul(times) {
        Some(bound) if beyond(&price, &bound) => Err(Denial::PercentPrice { price: Figure(price), bound: Figure(bound) }),
        Some(_) | None => Ok(()),
    }
}

/// The price near which a conditional order becomes an ordinary one.
const fn wakes_at(kind: &OrderKind) -> Option<crate::units::Price> {
    match kind {
        OrderKind::TrailingStopMarket { activation, .. } => *activation,
        OrderKind::Market
        | OrderKind::Limit { .. }
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. } => kind.trigger_price(),
    }
}

/// Checks new terms of a working order. `reference` is needed only for the bounds around the mark price.
///
/// # Errors
/// [`Denial`]: the venue would refuse them.
pub fn check_change(instrument: &Instrument, terms: &Terms, new: &LiveTerms, reference: Option<Decimal>) -> Result<(), Denial> {
    if let Some(price) = new.price {
        check_price(instrument, price.get())?;
        check_band(instrument, terms, price.get(), reference)?;
        if !terms.is_closing() && notional(price, new.qty) < instrument.notional_min {
            return Err(Denial::NotionalMin { notional: Figure(notional(price, new.qty)), min: Figure(instrument.notional_min) });
        }
    }
    check_qty(&instrument.lot, new.qty.get())
}

fn check_price(instrument: &Instrument, price: Decimal) -> Result<(), Denial> {
    let grid = &instrument.price;
    if !grid.bounds(price) {
        return Err(Denial::PriceBounds { price: Figure(price), min: Figure(grid.min), max: Figure(grid.max) });
    }
    if !grid.holds(price) {
        return Err(Denial::PriceGrid { price: Figure(price), step: Figure(grid.step) });
    }
    Ok(())
}

fn check_qty(grid: &crate::instrument::Grid, qty: Decimal) -> Result<(), Denial> {
    if !grid.bounds(qty) {
        return Err(Denial::QtyBounds { qty: Figure(qty), min: Figure(grid.min), max: Figure(grid.max) });
    }
    if !grid.holds(qty) {
        return Err(Denial::QtyGrid { qty: Figure(qty), step: Figure(grid.step) });
    }
    Ok(())
}
