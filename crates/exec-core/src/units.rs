//! Prices, quantities and money as exact decimals, bounded so that arithmetic on them cannot overflow. No floats.

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A number that cannot be a price, a quantity or an amount.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnitError {
    /// Not a plain decimal number.
    #[error("`{0}` is not a plain decimal number")]
    Malformed(String),
    /// Below zero where nothing below zero exists.
    #[error("{what} {value} is negative")]
    Negative {
        /// Which unit.
        what: &'static str,
        /// The number.
        value: Decimal,
    },
    /// Larger than any that a venue trades.
    #[error("{what} {value} is out of bounds")]
    OutOfBounds {
        /// Which unit.
        what: &'static str,
        /// The number.
        value: Decimal,
    },
}

/// Reads a plain decimal: digits with at most one point and a leading minus; no exponent, no plus, no blank.
///
/// # Errors
/// [`UnitError::Malformed`] for anything else, and for more digits than a [`Decimal`] holds exactly.
pub fn parse_decimal(text: &str) -> Result<Decimal, UnitError> {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let bad = || UnitError::Malformed(text.chars().take(48).collect());
    let (mut mantissa, mut scale, mut seen, mut point) = (0_i128, 0_u32, 0_u32, false);
    for b in digits {
        match b {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i128::from(b - b'0');
                // 28 digits fit any Decimal; a 29th might not.
                if mantissa > 9_999_999_999_999_999_999_999_999_999 {
                    return Err(bad());
                }
                seen += 1;
                scale += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return Err(bad()),
        }
    }
    if seen == 0 || scale > 28 {
        return Err(bad());
    }
    if digits.len() != bytes.len() {
        mantissa = -mantissa;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| bad())
}

pub(crate) fn serialize_decimal<S: Serializer>(value: &Decimal, s: S) -> Result<S::Ok, S::Error> {
    if s.is_human_readable() { s.serialize_str(&value.to_string()) } else { (value.mantissa(), value.scale()).serialize(s) }
}

pub(crate) fn deserialize_decimal<'de, D: Deserializer<'de>>(d: D) -> Result<Decimal, D::Error> {
    if d.is_human_readable() {
        parse_decimal(&String::deserialize(d)?).map_err(D::Error::custom)
    } else {
        let (mantissa, scale) = <(i128, u32)>::deserialize(d)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).map_err(D::Error::custom)
    }
}

macro_rules! unit {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $signed:literal, $bound:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Decimal::ZERO);
            /// Checks a number and wraps it.
            ///
            /// # Errors
            /// [`UnitError`] if the number is out of bounds, or negative where the unit has no sign.
            pub fn new(value: Decimal) -> Result<Self, UnitError> {
                if !$signed && value.is_sign_negative() && !value.is_zero() {
                    return Err(UnitError::Negative { what: $what, value });
                }
                if value.abs() > Decimal::from($bound as i64) {
                    return Err(UnitError::OutOfBounds { what: $what, value });
                }
                Ok(Self(value))
            }
            /// The number itself.
            pub const fn get(self) -> Decimal { self.0 }
            /// Whether it is exactly zero.
            pub const fn is_zero(&self) -> bool { self.0.is_zero() }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> { Self::new(parse_decimal(text)?) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { serialize_decimal(&self.0, s) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(deserialize_decimal(d)?).map_err(D::Error::custom)
            }
        }
    )* };
}

unit! {
    /// A price in quote units, never negative.
    Price = "price", false, 1_000_000_000_000;
    /// A quantity in base units, never negative.
    Qty = "quantity", false, 100_000_000_000_000;
    /// A position in base units: long above zero, short below.
    SignedQty = "position", true, 1_000_000_000_000_000;
    /// Money in some asset: profit above zero, cost below.
    Amount = "amount", true, 1_000_000_000_000_000_000;
}

impl Qty {
    /// What is left after `other` is taken away, zero if that is more.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(Decimal::ZERO))
    }
    /// The sum. Bounded operands cannot overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl SignedQty {
    /// The distance from flat.
    pub fn magnitude(self) -> Qty {
        Qty(self.0.abs())
    }
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Decimal) -> Self {
        Self(self.0 + other)
    }
}

impl Amount {
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// Price times quantity, in quote units.
pub fn notional(price: Price, qty: Qty) -> Decimal {
    price.0 * qty.0
}

/// FIX Side (54).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Takes base, gives quote.
    Buy,
    /// Gives base, takes quote.
    Sell,
}

impl Side {
    /// +1 for a buy, -1 for a sell.
    pub fn sign(self) -> Decimal {
        match self {
            Self::Buy => Decimal::ONE,
            Self::Sell => Decimal::NEGATIVE_ONE,
        }
    }
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// Which of an instrument's positions is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum PositionSide {
    /// The one position of NETTING.
    Net,
    /// The long leg of HEDGING; never below zero.
    Long,
    /// The short leg of HEDGING; never above zero.
    Short,
}

/// How an account keeps positions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum PositionMode {
    /// One net position per instrument (Binance: one-way).
    Netting,
    /// A long and a short leg per instrument (Binance: hedge).
    Hedging,
}

impl PositionMode {
    /// Whether this leg exists in this mode.
    pub const fn has(self, leg: PositionSide) -> bool {
        matches!((self, leg), (Self::Netting, PositionSide::Net) | (Self::Hedging, PositionSide::Long | PositionSide::Short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(parse_decimal("0.10").unwrap(), Decimal::new(1, 1));
        assert_eq!(parse_decimal("-12.5").unwrap(), Decimal::new(-125, 1));
        assert_eq!(parse_decimal("5.").unwrap(), Decimal::new(5, 0));
        for bad in ["", "-", ".", "1e5", "+1", " 1", "1.2.3", "NaN", "1_0", "99999999999999999999999999999"] {
            assert!(parse_decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn units_hold_their_bounds() {
        assert!(Qty::from_str("-1").is_err());
        assert!(Price::from_str("1000000000001").is_err());
        assert!(SignedQty::from_str("-1").is_ok());
        let largest = notional(Price::from_str("1000000000000").unwrap(), Qty::from_str("100000000000000").unwrap());
        assert!(largest.checked_mul(Decimal::from(100)).is_some());
    }

    #[test]
    fn numbers_survive_the_journal() {
        let price = Price::from_str("12345.678900").unwrap();
        let bytes = postcard::to_allocvec(&price).unwrap();
        let back: Price = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((price, price.get().scale()), (back, back.get().scale()));
    }
}
