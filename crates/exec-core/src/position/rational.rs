//! The arithmetic of a position against exact fractions: quantity, average price and profit, through zero and back. Tests only.
//!
//! What is documented: quantities are exact; the average price is right to 17 digits behind the point, whatever was traded before.

use super::Position;
use alloc::{vec, vec::Vec};
use proptest::{collection::vec, prelude::*};
use rust_decimal::Decimal;

/// Digits behind the point to which average prices are compared.
const DIGITS: u32 = 17;

/// A fraction in lowest terms, the denominator above zero.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Fraction {
    over: i128,
    under: i128,
}

/// The greatest common divisor, at least 1.
fn common(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs().max(1)
}

impl Fraction {
    fn new(over: i128, under: i128) -> Self {
        let by = common(over, under) * under.signum();
        Self { over: over / by, under: under / by }
    }
    fn plus(self, other: Self) -> Self {
        let common = common(self.under, other.under);
        Self::new(self.over * (other.under / common) + other.over * (self.under / common), self.under / common * other.under)
    }
    fn times(self, other: i128) -> Self {
        Self::new(self.over * other, self.under)
    }
    fn by(self, other: i128) -> Self {
        Self::new(self.over, self.under * other)
    }
    /// Written out by long division, cut after [`DIGITS`] digits.
    fn written(self) -> Decimal {
        let (mut rest, mut digits) = (self.over.abs() % self.under, self.over.abs() / self.under);
        for _ in 0..DIGITS {
            rest *= 10;
            digits = digits * 10 + rest / self.under;
            rest %= self.under;
        }
        Decimal::from_i128_with_scale(digits * self.over.signum(), DIGITS)
    }
}

/// A position in whole lots and ticks, by the book: the average moves only when it grows, profit is made only when it shrinks.
#[derive(Clone, Copy, Debug)]
struct Reference {
    lots: i128,
    average: Fraction,
    profit: Fraction,
}

impl Reference {
    const FLAT: Self = Self { lots: 0, average: Fraction { over: 0, under: 1 }, profit: Fraction { over: 0, under: 1 } };

    fn trade(&mut self, lots: i128, ticks: i128) {
        let price = Fraction::new(ticks, 1);
        // Closing first, then opening with what is left: a trade through zero is two.
        let closing = if self.lots.signum() == -lots.signum() { lots.abs().min(self.lots.abs()) * lots.signum() } else { 0 };
        self.profit = self.profit.plus(price.plus(self.average.times(-1)).times(-closing));
        self.lots += closing;
        let opening = lots - closing;
        if self.lots == 0 {
            self.average = price;
        } else if opening != 0 {
            self.average = self.average.times(self.lots).plus(price.times(opening)).by(self.lots + opening);
        }
        self.lots += opening;
    }
}

/// Trades of lots of 0.001 at prices of 0.1: signed lots, ticks.
fn trades() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let lots = prop_oneof![-30..=-1_i64, 1..=30_i64];
    vec((lots, 1..2_000_000_i64), 1..9)
}

fn qty(lots: i64) -> Decimal {
    Decimal::new(lots, 3)
}
fn price(ticks: i64) -> Decimal {
    Decimal::new(ticks, 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn promise_p16_quantity_and_average_price_are_those_of_exact_fractions(trades in trades()) {
        let (mut position, mut reference) = (Position::default(), Reference::FLAT);
        let ulp = Decimal::new(2, DIGITS);
        for (lots, ticks) in trades {
            position.trade(qty(lots), Some(price(ticks)));
            reference.trade(lots.into(), ticks.into());
            prop_assert_eq!(position.qty().get(), Decimal::from_i128_with_scale(reference.lots, 3));
            match position.entry_px() {
                None => prop_assert_eq!(reference.lots, 0),
                Some(entry) => {
                    let exact = reference.average.by(10).written();
                    prop_assert!((entry - exact).abs() <= ulp, "{} is not {}", entry, exact);
                }
            }
        }
    }

    /// What trades paid and brought, and what is left at its average, is the profit: no money comes or goes in between.
    #[test]
    fn cash_and_cost_balance_the_profit(trades in trades()) {
        let (mut position, mut reference, mut cash) = (Position::default(), Reference::FLAT, Decimal::ZERO);
        for (lots, ticks) in trades {
            position.trade(qty(lots), Some(price(ticks)));
            reference.trade(lots.into(), ticks.into());
            cash -= qty(lots) * price(ticks);
        }
        let profit = reference.profit.by(10_000).written();
        let made = cash + position.cost.0;
        prop_assert!((made - profit).abs() <= Decimal::new(1, 14), "{} is not {}", made, profit);
    }

    /// Closed in however many pieces, a leg ends flat, with nothing left of its cost but rounding.
    #[test]
    fn a_leg_that_is_closed_in_pieces_is_flat(opened in 1..1_000_i64, at in 1..2_000_000_i64, pieces in vec(1..100_i64, 1..12), long in any::<bool>()) {
        let sign = if long { 1 } else { -1 };
        let (mut position, mut left) = (Position::default(), opened);
        position.trade(qty(sign * opened), Some(price(at)));
        for piece in pieces.into_iter().chain(vec![opened]) {
            let piece = piece.min(left);
            left -= piece;
            if piece > 0 {
                position.trade(qty(-sign * piece), Some(price(at + 7)));
                if left > 0 {
                    let entry = position.entry_px();
                    let near = entry.is_some_and(|entry| (entry - price(at)).abs() <= Decimal::new(1, DIGITS));
                    prop_assert!(near, "{:?} is not {}", entry, price(at));
                }
            }
        }
        prop_assert_eq!((position.qty().get(), position.entry_px()), (Decimal::ZERO, None));
        prop_assert!(position.cost.0.is_zero(), "{}", position.cost.0);
    }
}
