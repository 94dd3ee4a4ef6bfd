//! Positions per leg, computed from executions on top of a baseline. The venue's own figures are a check, not a source.

use crate::{
    ids::{Asset, TradeId},
    record::Baseline,
    units::{Amount, SignedQty},
};
use alloc::collections::BTreeMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One leg of one instrument.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub(crate) qty: SignedQty,
    pub(crate) cost: Cost,
    pub(crate) realized: Amount,
    pub(crate) fees: BTreeMap<Asset, Amount>,
    pub(crate) baseline: Option<Baseline>,
}

impl Position {
    /// How much; a short is negative.
    pub const fn qty(&self) -> SignedQty {
        self.qty
    }
    /// Average entry price by cost, in the order in which the trades became known; `None` when flat.
    pub fn entry_px(&self) -> Option<Decimal> {
        if self.qty.is_zero() { None } else { self.cost.0.checked_div(self.qty.get()) }
    }
    /// Realised profit before fees, as the venue said with each trade.
    pub const fn realized(&self) -> Amount {
        self.realized
    }
    /// Fees of the trades that made it, per asset.
    pub const fn fees(&self) -> &BTreeMap<Asset, Amount> {
        &self.fees
    }
    /// What the books began with.
    pub const fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }
    /// The trade that ends history: it and all before it are in the baseline.
    pub fn cut(&self) -> Option<&TradeId> {
        self.baseline.as_ref().and_then(|b| b.cut.as_ref())
    }

    pub(crate) fn begin(&mut self, baseline: &Baseline) {
        let shift = baseline.qty.get() - self.baseline.as_ref().map_or(Decimal::ZERO, |b| b.qty.get());
        self.qty = self.qty.plus(shift);
        let price = baseline.entry_px.map_or(Decimal::ZERO, crate::units::Price::get);
        self.cost.0 = self.cost.0.saturating_add(shift.saturating_mul(price));
        self.baseline = Some(baseline.clone());
    }

    /// Adds a change of quantity that traded at `price`.
    pub(crate) fn trade(&mut self, change: Decimal, price: Option<Decimal>) {
        let before = self.qty.get();
        let after = before + change;
        let price = price.or_else(|| self.entry_px()).unwrap_or_default();
        let cost = self.cost.0;
        self.cost.0 = if before.is_zero() || (before.is_sign_negative() == change.is_sign_negative()) {
            cost.saturating_add(change.saturating_mul(price))
        } else if after.is_zero() || after.is_sign_negative() == before.is_sign_negative() {
            // Smaller on the same side: the rest keeps its average price. Exact where the product fits.
            let exact = cost.checked_mul(after).and_then(|product| product.checked_div(before));
            exact.or_else(|| after.checked_div(before)?.checked_mul(cost)).unwrap_or(cost)
        } else {
            // Through zero: what is left was opened at this price.
            after.saturating_mul(price)
        };
        self.qty = SignedQty::ZERO.plus(after);
    }
}

/// Quantity times average entry price, with the sign of the quantity.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cost(pub(crate) Decimal);

impl Serialize for Cost {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        crate::units::serialize_decimal(&self.0, s)
    }
}
impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        crate::units::deserialize_decimal(d).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traded(trades: &[(i64, i64)]) -> (Decimal, Option<Decimal>) {
        let mut position = Position::default();
        for (qty, price) in trades {
            position.trade(Decimal::from(*qty), Some(Decimal::from(*price)));
        }
        (position.qty().get(), position.entry_px())
    }

    #[test]
    fn the_average_price_moves_only_when_a_position_grows() {
        assert_eq!(traded(&[(2, 100), (2, 200)]), (Decimal::from(4), Some(Decimal::from(150))));
        assert_eq!(traded(&[(4, 150), (-1, 500)]), (Decimal::from(3), Some(Decimal::from(150))));
        assert_eq!(traded(&[(4, 150), (-4, 500)]), (Decimal::ZERO, None));
        assert_eq!(traded(&[(4, 150), (-6, 500)]), (Decimal::from(-2), Some(Decimal::from(500))));
        assert_eq!(traded(&[(-2, 10), (-2, 20)]), (Decimal::from(-4), Some(Decimal::from(15))));
    }
}
