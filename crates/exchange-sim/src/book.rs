//! One order book: price levels with a queue each. It knows quantities and order numbers, not accounts or rules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rust_decimal::Decimal;

use crate::types::{OrderId, Side};

/// Bids and asks in price-time priority.
#[derive(Debug, Default)]
pub(crate) struct Book {
    bids: BTreeMap<Decimal, Level>,
    asks: BTreeMap<Decimal, Level>,
    /// Levels changed since the last take.
    changed: BTreeSet<(Side, Decimal)>,
    /// Number of the last change.
    update_id: u64,
}

/// All orders at one price, first come first served.
#[derive(Debug, Default)]
pub(crate) struct Level {
    /// Sum of the leaves.
    pub(crate) total: Decimal,
    /// Orders, first first.
    pub(crate) queue: VecDeque<OrderId>,
}

impl Book {
    fn levels_mut(&mut self, side: Side) -> &mut BTreeMap<Decimal, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn touch(&mut self, side: Side, price: Decimal) {
        self.update_id += 1;
        self.changed.insert((side, price));
    }

    /// Puts an order at the end of its level.
    pub(crate) fn add(&mut self, side: Side, price: Decimal, id: OrderId, leaves: Decimal) {
        let level = self.levels_mut(side).entry(price).or_default();
        level.total += leaves;
        level.queue.push_back(id);
        self.touch(side, price);
    }

    /// Takes an order with these leaves out of its level.
    pub(crate) fn remove(&mut self, side: Side, price: Decimal, id: OrderId, leaves: Decimal) {
        let levels = self.levels_mut(side);
        if let Some(level) = levels.get_mut(&price) {
            level.total -= leaves;
            level.queue.retain(|other| *other != id);
            if level.queue.is_empty() {
                levels.remove(&price);
            }
            self.touch(side, price);
        }
    }

    /// Lowers a level by an execution; the order keeps its place.
    pub(crate) fn reduce(&mut self, side: Side, price: Decimal, quantity: Decimal) {
        if let Some(level) = self.levels_mut(side).get_mut(&price) {
            level.total -= quantity;
            self.touch(side, price);
        }
    }

    /// Gives the best price of a side.
    pub(crate) fn best(&self, side: Side) -> Option<Decimal> {
        match side {
            Side::Buy => self.bids.last_key_value().map(|(price, _)| *price),
            Side::Sell => self.asks.first_key_value().map(|(price, _)| *price),
        }
    }

    /// Gives the best price of a side, and the quantity there.
    pub(crate) fn best_level(&self, side: Side) -> Option<(Decimal, Decimal)> {
        match side {
            Side::Buy => self.bids.last_key_value().map(|(price, level)| (*price, level.total)),
            Side::Sell => self.asks.first_key_value().map(|(price, level)| (*price, level.total)),
        }
    }

    /// Gives the order first in line on a side.
    pub(crate) fn front(&self, side: Side) -> Option<(Decimal, OrderId)> {
        let (price, level) = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        }?;
        level.queue.front().map(|id| (*price, *id))
    }

    /// Walks the levels of a side from the best price on.
    pub(crate) fn levels(&self, side: Side) -> Box<dyn Iterator<Item = (Decimal, &Level)> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.iter().rev().map(|(price, level)| (*price, level))),
            Side::Sell => Box::new(self.asks.iter().map(|(price, level)| (*price, level))),
        }
    }

    /// Gives the quantity at a price; 0 where there is no level.
    pub(crate) fn quantity_at(&self, side: Side, price: Decimal) -> Decimal {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        levels.get(&price).map_or(Decimal::ZERO, |level| level.total)
    }

    /// Tells whether a limit order of `side` at `price` would trade at once.
    pub(crate) fn crosses(&self, side: Side, price: Decimal) -> bool {
        self.best(side.opposite()).is_some_and(|best| reaches(side, price, best))
    }

    /// Gives the number of the last change.
    pub(crate) fn update_id(&self) -> u64 {
        self.update_id
    }

    /// Takes the levels changed since the last take.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<(Side, Decimal)> {
        std::mem::take(&mut self.changed)
    }
}

/// Tells whether a limit of `side` accepts a trade at `other`.
pub(crate) fn reaches(side: Side, limit: Decimal, other: Decimal) -> bool {
    match side {
        Side::Buy => other <= limit,
        Side::Sell => other >= limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::dec;

    #[test]
    fn price_first_then_time() {
        let mut book = Book::default();
        book.add(Side::Sell, dec!(101), 1, dec!(1));
        book.add(Side::Sell, dec!(100), 2, dec!(2));
        book.add(Side::Sell, dec!(100), 3, dec!(3));
        assert_eq!(book.front(Side::Sell), Some((dec!(100), 2)));
        book.remove(Side::Sell, dec!(100), 2, dec!(2));
        assert_eq!(book.front(Side::Sell), Some((dec!(100), 3)));
        assert_eq!(book.best_level(Side::Sell), Some((dec!(100), dec!(3))));
        book.remove(Side::Sell, dec!(100), 3, dec!(3));
        assert_eq!(book.best(Side::Sell), Some(dec!(101)));
    }

    #[test]
    fn crossing_is_at_or_through_the_best_opposite_price() {
        let mut book = Book::default();
        book.add(Side::Buy, dec!(99.5), 1, dec!(1));
        assert!(book.crosses(Side::Sell, dec!(99.5)));
        assert!(!book.crosses(Side::Sell, dec!(99.6)));
        assert!(!book.crosses(Side::Buy, dec!(99.6)));
    }
}
