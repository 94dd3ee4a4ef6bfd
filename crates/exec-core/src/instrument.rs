//! An instrument and the grid and bounds that the venue holds its orders to. Checks live in `pretrade`.

use crate::{
    ids::{Asset, InstrumentId},
    time::VenueTime,
    units::{Price, Qty, deserialize_decimal, serialize_decimal},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Whether the venue takes orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum TradingStatus {
    /// Orders and cancels.
    Trading,
    /// Cancels only, or nothing at all.
    Halted,
    /// Settling, delivered or closed for good.
    Closed,
}

/// A grid with bounds: `min + n * step`, at most `max`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Grid {
    /// Smallest value.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub min: Decimal,
    /// Largest value; zero means no bound.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub max: Decimal,
    /// Distance of two values; zero means no grid.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub step: Decimal,
}

impl Grid {
    /// Whether `value` lies on the grid (bounds apart).
    pub fn holds(&self, value: Decimal) -> bool {
        self.step.is_zero() || ((value - self.min) % self.step).is_zero()
    }
    /// Whether `value` is inside the bounds.
    pub fn bounds(&self, value: Decimal) -> bool {
        value >= self.min && (self.max.is_zero() || value <= self.max)
    }
    /// The nearest value on the grid at or below `value`.
    pub fn floor(&self, value: Decimal) -> Decimal {
        // A division leaves up to 28 digits behind the point; what is on the grid needs few, and is written with those.
        if self.step.is_zero() { value } else { (value - (value - self.min) % self.step).normalize() }
    }
}

/// How far from the mark price a limit may be, one-sided: a buy not above, a sell not below.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct PercentPrice {
    /// A buy's price is at most mark times this.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub up: Decimal,
    /// A sell's price is at least mark times this.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub down: Decimal,
}

/// What the venue says about an instrument.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Our name for it.
    pub id: InstrumentId,
    /// The venue's name for it, as it is sent.
    pub symbol: String,
    /// What is bought and sold.
    pub base: Asset,
    /// What prices are in.
    pub quote: Asset,
    /// What profit and margin are in.
    pub settle: Asset,
    /// Whether orders are taken.
    pub status: TradingStatus,
    /// Prices of orders and triggers.
    pub price: Grid,
    /// Quantities of limit orders.
    pub lot: Grid,
    /// Quantities of market orders.
    pub market_lot: Grid,
    /// Smallest price times quantity of an order that opens.
    #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
    pub notional_min: Decimal,
    /// Band around the mark price, if the venue has one.
    pub percent_price: Option<PercentPrice>,
    /// Most open orders an account may have here.
    pub open_orders_max: Option<u32>,
    /// When it is delivered or taken off the list, if that is set.
    pub delivery: Option<VenueTime>,
}

/// So long before its end an instrument takes no new risk: it settles what is held then, whatever that hedges.
pub const ENDS_WITHIN_MS: u64 = 7 * 24 * 60 * 60 * 1000;

impl Instrument {
    /// Whether its end is near.
    pub fn ends_soon(&self, now: VenueTime) -> bool {
        self.delivery.is_some_and(|at| at <= now.plus_ms(ENDS_WITHIN_MS))
    }
    /// What is otherwise than before, in words.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let mut words = Vec::new();
        let mut tell = |what: &str, old: String, new: String| {
            if old != new {
                words.push(alloc::format!("{what} {old} -> {new}"));
            }
        };
        let grid = |grid: &Grid| alloc::format!("{}..{} by {}", grid.min, grid.max, grid.step);
        tell("status", alloc::format!("{:?}", before.status), alloc::format!("{:?}", self.status));
        tell("prices", grid(&before.price), grid(&self.price));
        tell("quantities", grid(&before.lot), grid(&self.lot));
        tell("market quantities", grid(&before.market_lot), grid(&self.market_lot));
        tell("least notional", before.notional_min.to_string(), self.notional_min.to_string());
        let band = |band: &Option<PercentPrice>| {
            band.map_or_else(|| String::from("none"), |band| alloc::format!("{}..{}", band.down, band.up))
        };
        tell("price band", band(&before.percent_price), band(&self.percent_price));
        tell("open orders", alloc::format!("{:?}", before.open_orders_max), alloc::format!("{:?}", self.open_orders_max));
        let end = |at: Option<VenueTime>| at.map_or_else(|| String::from("none"), |at| alloc::format!("{at}"));
        tell("end", end(before.delivery), end(self.delivery));
        words
    }
    /// The largest quantity on the grid that is not above `qty`: rounds in the direction of less risk.
    pub fn qty_floor(&self, qty: Decimal, market: bool) -> Option<Qty> {
        let grid = if market && !self.market_lot.step.is_zero() { &self.market_lot } else { &self.lot };
        let floored = grid.floor(qty.max(Decimal::ZERO));
        if floored < grid.min { None } else { Qty::new(floored).ok() }
    }
    /// The most that one order may ask for.
    pub fn qty_max(&self, market: bool) -> Decimal {
        if market && !self.market_lot.step.is_zero() { self.market_lot.max } else { self.lot.max }
    }
    /// The price on the grid at or below `price`.
    pub fn price_floor(&self, price: Decimal) -> Option<Price> {
        Price::new(self.price.floor(price)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_counts_from_its_minimum() {
        let grid = Grid { min: Decimal::new(5, 1), max: Decimal::from(10), step: Decimal::new(2, 1) };
        assert!(grid.holds(Decimal::new(9, 1)));
        assert!(!grid.holds(Decimal::ONE));
        assert_eq!(grid.floor(Decimal::ONE), Decimal::new(9, 1));
        assert!(grid.floor(Decimal::TEN / Decimal::from(3)).scale() <= 1);
        assert!(!grid.bounds(Decimal::from(11)));
    }
}
