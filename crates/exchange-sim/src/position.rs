//! One leg of a position: amount, cost, realised profit. Pure arithmetic; no account, no margin.

use rust_decimal::Decimal;

use crate::literal::dec;
use crate::types::Ms;

/// Digits kept behind the point for money.
pub(crate) const MONEY_DP: u32 = 8;

/// One leg. The cost is kept instead of the entry price, so that money is conserved to the last digit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    /// Signed amount.
    pub(crate) amount: Decimal,
    /// Signed cost of the amount: sum of signed quantity times price, less what was closed.
    pub(crate) cost: Decimal,
    /// Realised profit so far, before fees.
    pub(crate) realized: Decimal,
    /// Margin set aside for this leg in isolated mode.
    pub(crate) isolated_wallet: Decimal,
    /// Time of the last change; 0 when never traded.
    pub(crate) update_time: Ms,
}

/// What one fill did to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegChange {
    /// Profit realised.
    pub(crate) realized: Decimal,
    /// Quantity closed.
    pub(crate) closed: Decimal,
    /// Quantity opened.
    pub(crate) opened: Decimal,
    /// Amount before, without sign.
    pub(crate) before: Decimal,
}

impl Leg {
    /// Books a signed quantity at a price.
    pub(crate) fn fill(&mut self, signed: Decimal, price: Decimal) -> LegChange {
        let before = self.amount.abs();
        let opposite = !self.amount.is_zero() && (self.amount.is_sign_negative() != signed.is_sign_negative());
        let closed = if opposite { signed.abs().min(before) } else { Decimal::ZERO };
        let opened = signed.abs() - closed;
        let mut realized = Decimal::ZERO;
        if !closed.is_zero() {
            let released = if closed == before { self.cost } else { (self.cost * (closed / before)).round_dp(MONEY_DP) };
            let closed_signed = with_sign_of(closed, self.amount);
            realized = closed_signed * price - released;
            self.amount -= closed_signed;
            self.cost -= released;
        }
        if !opened.is_zero() {
            let opened_signed = with_sign_of(opened, signed);
            self.amount += opened_signed;
            self.cost += opened_signed * price;
        }
        self.realized += realized;
        LegChange { realized, closed, opened, before }
    }

    /// Gives the average entry price; 0 when flat.
    pub(crate) fn entry_price(&self) -> Decimal {
        if self.amount.is_zero() { Decimal::ZERO } else { (self.cost / self.amount).round_dp(MONEY_DP).normalize() }
    }

    /// Gives the entry price with the taker fee of one side; 0 when flat.
    pub(crate) fn break_even_price(&self, taker_rate: Decimal) -> Decimal {
        let fee = if self.amount.is_sign_negative() { dec!(1) - taker_rate } else { dec!(1) + taker_rate };
        (self.entry_price() * fee).round_dp(MONEY_DP).normalize()
    }

    /// Gives the unrealised profit at a mark price.
    pub(crate) fn unrealized(&self, mark: Decimal) -> Decimal {
        (self.amount * mark - self.cost).round_dp(MONEY_DP)
    }

    /// Gives the notional at a mark price, without sign.
    pub(crate) fn notional(&self, mark: Decimal) -> Decimal {
        (self.amount * mark).abs()
    }
}

/// Gives `magnitude` the sign of `model`.
fn with_sign_of(magnitude: Decimal, model: Decimal) -> Decimal {
    if model.is_sign_negative() { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increase_averages_reduce_keeps_the_entry() {
        let mut leg = Leg::default();
        leg.fill(dec!(1), dec!(100));
        leg.fill(dec!(3), dec!(104));
        assert_eq!(leg.entry_price(), dec!(103));
        let change = leg.fill(-dec!(1), dec!(110));
        assert_eq!((change.realized, change.closed), (dec!(7), dec!(1)));
        assert_eq!(leg.entry_price(), dec!(103));
    }

    #[test]
    fn short_profits_from_a_fall_and_flips_at_the_new_price() {
        let mut leg = Leg::default();
        leg.fill(-dec!(2), dec!(100));
        let change = leg.fill(dec!(5), dec!(90));
        assert_eq!((change.realized, change.closed, change.opened), (dec!(20), dec!(2), dec!(3)));
        assert_eq!((leg.amount, leg.entry_price(), leg.cost), (dec!(3), dec!(90), dec!(270)));
    }

    #[test]
    fn thirds_lose_no_money() {
        let mut leg = Leg::default();
        leg.fill(dec!(3), dec!(100.01));
        let mut realized = Decimal::ZERO;
        for _ in 0..3 {
            realized += leg.fill(-dec!(1), dec!(100.02)).realized;
        }
        assert_eq!(realized, dec!(0.03));
        assert_eq!((leg.amount, leg.cost), (Decimal::ZERO, Decimal::ZERO));
    }
}
