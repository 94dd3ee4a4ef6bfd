//! Positions per leg, computed from executions on top of a baseline. The venue's own figures are a check, not a source.

use crate::{
    ids::{Asset, IntentId, TradeId},
    order::intent::Owner,
    record::{Adjustment, Baseline},
    report::Fill,
    time::VenueTime,
    units::{Amount, SignedQty},
};
use alloc::{collections::BTreeMap, vec::Vec};
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
    pub(crate) adjustments: Vec<Adjusted>,
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

    /// Differences that were settled here, oldest first, with what of each is still not explained by trades.
    pub fn adjustments(&self) -> &[Adjusted] {
        &self.adjustments
    }
    /// How much of it rests on settled differences alone.
    pub fn adjusted_qty(&self) -> SignedQty {
        self.adjustments.iter().fold(SignedQty::ZERO, |sum, a| sum.plus(a.left.get()))
    }
    /// Whether an adjustment holds what this trade did. It is history for whoever has not heard of its order.
    pub fn is_adjusted_for(&self, trade: &TradeId, at: VenueTime) -> bool {
        self.adjustments.iter().any(|a| a.holds(trade, at))
    }

    pub(crate) fn begin(&mut self, baseline: &Baseline) {
        let shift = baseline.qty.get() - self.baseline.as_ref().map_or(Decimal::ZERO, |b| b.qty.get());
        self.qty = self.qty.plus(shift);
        let price = baseline.entry_px.map_or(Decimal::ZERO, crate::units::Price::get);
        self.cost.0 = self.cost.0.saturating_add(shift.saturating_mul(price));
        self.baseline = Some(baseline.clone());
    }

    /// Takes a settled difference in. `gaps` is what orders of this leg have executed by now without a trade that tells it.
    pub(crate) fn adjust(&mut self, adjustment: &Adjustment, gaps: BTreeMap<IntentId, SignedQty>) {
        self.trade(adjustment.qty.get(), None);
        if let Some(price) = adjustment.entry_px {
            // The venue's own average, which knows what made the difference.
            self.cost.0 = self.qty.get().saturating_mul(price.get());
        }
        self.adjustments.push(Adjusted { record: adjustment.clone(), left: adjustment.qty, gaps });
    }

    /// A trade has become known that an adjustment stood for: what it did is taken off the adjustment, so that it counts once.
    /// Returns what was taken off, and from whose.
    pub(crate) fn explain(&mut self, intent: IntentId, fill: &Fill, traded: Decimal) -> Option<(Owner, Decimal)> {
        let index = self.adjustments.iter().position(|a| a.holds(&fill.trade_id, fill.at))?;
        // What its order was known to have executed was in our books at the cut already.
        let gap = self.adjustments[index].gaps.get(&intent).map_or(Decimal::ZERO, |gap| gap.get());
        let known = if gap.is_sign_negative() == traded.is_sign_negative() {
            if gap.abs() < traded.abs() { gap } else { traded }
        } else {
            Decimal::ZERO
        };
        for adjusted in &mut self.adjustments {
            if let Some(gap) = adjusted.gaps.get_mut(&intent) {
                *gap = gap.plus(-known);
            }
        }
        let news = traded - known;
        if news.is_zero() {
            return None;
        }
        let adjusted = &mut self.adjustments[index];
        adjusted.left = adjusted.left.plus(-news);
        let owner = adjusted.record.owner.clone();
        self.trade(-news, Some(fill.price.get()));
        Some((owner, news))
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

/// A settled difference, and what has become of it since.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    pub(crate) record: Adjustment,
    pub(crate) left: SignedQty,
    /// What orders had executed at that moment without a trade that tells it.
    pub(crate) gaps: BTreeMap<IntentId, SignedQty>,
}

impl Adjusted {
    /// As it was settled.
    pub const fn record(&self) -> &Adjustment {
        &self.record
    }
    /// How much of it no trade has explained since.
    pub const fn left(&self) -> SignedQty {
        self.left
    }
    /// Whether what this trade did is in it.
    fn holds(&self, trade: &TradeId, at: VenueTime) -> bool {
        self.record.cut.map_or(at <= self.record.at, |cut| *trade <= cut)
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
mod rational;

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
