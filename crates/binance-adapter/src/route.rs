//! Through which endpoint an order is placed: a table by product, type and date, and what the venue has taught since. It sends
//! nothing.
//!
//! Source: USDⓈ-M change log of 2025-11-06: from 2025-12-09 on conditional types are refused by `POST /fapi/v1/order` with
//! -4120 and go to `POST /fapi/v1/algoOrder`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use exec_core::{terms::OrderKind, time::VenueTime};

/// A product of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Linear futures.
    UsdM,
}

/// The endpoint that takes a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// `POST /fapi/v1/order`.
    Order,
    /// `POST /fapi/v1/algoOrder`.
    Algo,
}

impl Through {
    const fn other(self) -> Self {
        match self {
            Self::Order => Self::Algo,
            Self::Algo => Self::Order,
        }
    }
}

/// One row: from `since` on, orders of this type go through there.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Of which product.
    pub product: Product,
    /// Whether it speaks of conditional types or of the others.
    pub conditional: bool,
    /// From when on, by the venue's clock.
    pub since: VenueTime,
    /// Through where.
    pub through: Through,
}

/// 2025-12-09 00:00 UTC.
const ALGO_SERVICE: VenueTime = VenueTime(1_765_238_400_000);

/// The table. Of the rows that fit the last one holds.
pub const TABLE: &[Row] = &[
    Row { product: Product::UsdM, conditional: false, since: VenueTime(0), through: Through::Order },
    Row { product: Product::UsdM, conditional: true, since: VenueTime(0), through: Through::Order },
    Row { product: Product::UsdM, conditional: true, since: ALGO_SERVICE, through: Through::Algo },
];

/// The code by which an endpoint says that orders of a type belong to the other one.
pub const BELONGS_ELSEWHERE: i64 = -4120;
/// The same from the Algo Service, which names the type as invalid.
pub const TYPE_NOT_TAKEN: i64 = -1116;

/// The table together with what the venue has taught since the start.
#[derive(Debug)]
pub struct Routes {
    product: Product,
    taught: Mutex<BTreeMap<&'static str, Through>>,
}

impl Routes {
    /// The table for a product; nothing has been taught yet.
    #[must_use]
    pub const fn new(product: Product) -> Self {
        Self { product, taught: Mutex::new(BTreeMap::new()) }
    }

    /// Through where an order of this type goes that is signed with this time.
    #[must_use]
    pub fn through(&self, kind: &OrderKind, at: VenueTime) -> Through {
        let taught = self.taught.lock().unwrap_or_else(PoisonError::into_inner).get(kind.name()).copied();
        taught.unwrap_or_else(|| {
            let fits =
                |row: &&Row| row.product == self.product && row.conditional == kind.is_conditional() && row.since.0 <= at.0;
            TABLE.iter().rev().find(fits).map_or(Through::Order, |row| row.through)
        })
    }

    /// Learns from a refusal; tells whether it said that orders of this type go through the other endpoint from now on.
    pub fn learn(&self, kind: &OrderKind, tried: Through, code: i64) -> bool {
        let says_so = match tried {
            Through::Order => code == BELONGS_ELSEWHERE,
            Through::Algo => code == BELONGS_ELSEWHERE || code == TYPE_NOT_TAKEN,
        };
        // The other endpoint has no words for an order without a trigger.
        if !says_so || !kind.is_conditional() {
            return false;
        }
        self.taught.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.name(), tried.other());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::{
        terms::{Trigger, TriggerBy},
        units::Price,
    };

    fn stop() -> OrderKind {
        OrderKind::StopMarket { trigger: Trigger { price: Price::ZERO, by: TriggerBy::Last, price_protect: false } }
    }

    #[test]
    fn the_date_decides_for_conditional_types_only() {
        let routes = Routes::new(Product::UsdM);
        let day_before = VenueTime(ALGO_SERVICE.0 - 1);
        assert_eq!(routes.through(&stop(), day_before), Through::Order);
        assert_eq!(routes.through(&stop(), ALGO_SERVICE), Through::Algo);
        for at in [VenueTime(0), day_before, ALGO_SERVICE, VenueTime(i64::MAX)] {
            assert_eq!(routes.through(&OrderKind::Market, at), Through::Order);
        }
    }

    #[test]
    fn a_refusal_of_the_type_turns_the_next_of_that_type_and_no_other() {
        let routes = Routes::new(Product::UsdM);
        let early = VenueTime(0);
        assert!(!routes.learn(&stop(), Through::Order, -2021));
        assert_eq!(routes.through(&stop(), early), Through::Order);
        assert!(routes.learn(&stop(), Through::Order, -4120));
        assert_eq!(routes.through(&stop(), early), Through::Algo);
        let trailing =
            OrderKind::TrailingStopMarket { activation: None, callback_percent: rust_decimal::Decimal::ONE, by: TriggerBy::Last };
        assert_eq!(routes.through(&trailing, early), Through::Order);
        for code in [-1116, -4120] {
            assert!(routes.learn(&stop(), Through::Algo, code));
            assert_eq!(routes.through(&stop(), ALGO_SERVICE), Through::Order);
        }
    }

    #[test]
    fn an_order_without_a_trigger_has_no_other_endpoint() {
        let routes = Routes::new(Product::UsdM);
        assert!(!routes.learn(&OrderKind::Market, Through::Order, -4120));
        assert!(!routes.learn(&stop(), Through::Order, -1116));
        assert_eq!(routes.through(&OrderKind::Market, ALGO_SERVICE), Through::Order);
    }
}
