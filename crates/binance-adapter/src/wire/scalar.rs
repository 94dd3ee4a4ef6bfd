//! Scalars of the payloads: borrowed text, exact decimals, booleans in both spellings. Not the enumerations.

use std::{borrow::Cow, fmt};

use rust_decimal::Decimal;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A text of the payload, borrowed unless the JSON escaped something in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text without the borrow.
    #[must_use]
    pub fn into_static(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// A decimal that the payload carries as text, exactly, with its scale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dec(pub Decimal);

impl fmt::Debug for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Dec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DecVisitor;
        impl Visitor<'_> for DecVisitor {
            type Value = Dec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a plain decimal in quotes")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Dec, E> {
                parse_decimal(text).map(Dec).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(DecVisitor)
    }
}

/// Reads `-?digits[.digits]` exactly, keeping the scale; `None` for anything else, for exponents, for leading zeros
/// and for more digits than a `Decimal` holds.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    if digits.len() > 19 {
        return parse_long(negative, digits);
    }
    // At most 19 digits fit a u64, so the loop needs no check for overflow.
    let mut mantissa = 0_u64;
    let mut scale = 0;
    let mut point = false;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + u64::from(digit);
            scale += u32::from(point);
        } else if byte == b'.' && !point {
            point = true;
        } else {
            return None;
        }
    }
    well_formed(digits, scale, point)?;
    signed(i128::from(mantissa), negative, scale)
}

fn parse_long(negative: bool, digits: &[u8]) -> Option<Decimal> {
    // 29 digits, the point and a leading zero are the most that could fit.
    if digits.len() > 31 {
        return None;
    }
    let mut mantissa = 0_i128;
    let mut scale = 0;
    let mut point = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i128::from(byte - b'0');
                scale += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    well_formed(digits, scale, point)?;
    signed(mantissa, negative, scale)
}

fn well_formed(digits: &[u8], scale: u32, point: bool) -> Option<()> {
    let whole = digits.len() - scale as usize - usize::from(point);
    let padded = whole > 1 && digits.first() == Some(&b'0');
    (whole > 0 && !padded && point == (scale > 0)).then_some(())
}

fn signed(mantissa: i128, negative: bool, scale: u32) -> Option<Decimal> {
    let mantissa = if negative { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// A decimal that the venue may have passed through a float: its open conditional orders are printed by a service that writes
/// `7.0E-4` for small numbers and `1.0E7` for large ones (seen 2026-09-14). What it writes is read exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Double(pub Decimal);

impl From<Double> for Dec {
    fn from(double: Double) -> Self {
        Self(double.0)
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DoubleVisitor;
        impl Visitor<'_> for DoubleVisitor {
            type Value = Double;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal in quotes, with or without an exponent")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Double, E> {
                parse_double(text).map(Double).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(DoubleVisitor)
    }
}

/// Reads a decimal with or without an exponent, exactly; `None` for anything else and for what a `Decimal` does not hold.
fn parse_double(text: &str) -> Option<Decimal> {
    let Some((digits, power)) = text.split_once(['E', 'e']) else { return parse_decimal(text) };
    let digits = parse_decimal(digits)?.normalize();
    let scale = i64::from(digits.scale()).checked_sub(power.parse().ok()?)?;
    match u32::try_from(scale) {
        Ok(scale) => Decimal::try_from_i128_with_scale(digits.mantissa(), scale).ok(),
        Err(_) => {
            let zeros = 10_i128.checked_pow(u32::try_from(scale.checked_neg()?).ok()?)?;
            Decimal::try_from_i128_with_scale(digits.mantissa().checked_mul(zeros)?, 0).ok()
        }
    }
}

/// A boolean, as JSON or as the text `true` or `false`: the venue uses both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Flag, E> {
                match text {
                    "true" | "TRUE" => Ok(Flag(true)),
                    "false" | "FALSE" => Ok(Flag(false)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// A text or a number: for fields whose JSON type the documents and the wire disagree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lenient<'a> {
    /// It came as a text, or as a number that is not whole, in its own letters.
    Text(Text<'a>),
    /// It came as a whole number.
    Number(i64),
}

impl Lenient<'_> {
    /// The integer that it is or spells.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Text(text) => text.as_str().parse().ok(),
            Self::Number(number) => Some(*number),
        }
    }

    /// The decimal that it is or spells, with or without an exponent.
    #[must_use]
    pub fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Text(text) => parse_double(text.as_str()),
            Self::Number(number) => Some(Decimal::from(*number)),
        }
    }
}

impl fmt::Display for Lenient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => fmt::Display::fmt(text, f),
            Self::Number(number) => fmt::Display::fmt(number, f),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Lenient<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As it is written: a number with a fraction must not pass through a float.
        let raw = Raw::deserialize(deserializer)?.0;
        if raw.starts_with('"') {
            return serde_json::from_str(raw).map(Self::Text).map_err(de::Error::custom);
        }
        if raw.starts_with(['{', '[']) {
            return Err(de::Error::custom("a list or an object where a text or a number belongs"));
        }
        Ok(raw.parse().map_or(Self::Text(Text(Cow::Borrowed(raw))), Self::Number))
    }
}

/// A nested document as its text, to be read once its kind is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(pub &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de serde_json::value::RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_keep_their_scale() {
        for text in
            ["0", "0.000000", "-12.50", "1135900", "0.00000325", "99999999999999999999.12345678", "79228162514264337593543950335"]
        {
            assert_eq!(parse_decimal(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_decimals_are_refused() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e5",
            "1E-7",
            " 1",
            "1 ",
            "00",
            "007.1",
            "1.2.3",
            "NaN",
            "0x1",
            "1_0",
            "--1",
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
            "1000000000000000000000000000000000000",
        ] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_without_quotes_are_refused() {
        assert!(serde_json::from_str::<Dec>("1.5").is_err());
        assert!(serde_json::from_str::<Dec>("null").is_err());
    }

    #[test]
    fn escaped_text_is_owned_and_equal() {
        let plain: Text<'_> = serde_json::from_str(r#""币安""#).unwrap();
        let escaped: Text<'_> = serde_json::from_str(r#""\u5e01\u5b89""#).unwrap();
        assert_eq!(plain, escaped);
    }

    #[test]
    fn a_number_of_any_form_keeps_its_letters() {
        let read = |json| serde_json::from_str::<Lenient<'_>>(json);
        assert_eq!(read("1790000000000").unwrap().number(), Some(1_790_000_000_000));
        assert_eq!(read("\"-42\"").unwrap().number(), Some(-42));
        assert_eq!(read("0.10").unwrap().decimal().unwrap().to_string(), "0.10");
        assert_eq!(read("99999999999999999999").unwrap().to_string(), "99999999999999999999");
        assert_eq!(read("\"\\u0031\"").unwrap().number(), Some(1));
        assert_eq!((read("1e5").unwrap().number(), read("true").unwrap().to_string()), (None, "true".into()));
        assert!(read("{}").is_err() && read("[1]").is_err() && read("\"1").is_err());
    }

    #[test]
    fn flags_come_in_two_spellings() {
        assert_eq!(serde_json::from_str::<Flag>("true").unwrap(), Flag(true));
        assert_eq!(serde_json::from_str::<Flag>("\"false\"").unwrap(), Flag(false));
        assert!(serde_json::from_str::<Flag>("\"yes\"").is_err());
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let value = Decimal::new(mantissa, scale);
            prop_assert_eq!(parse_decimal(&value.to_string()), Some(value));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = parse_decimal(&text);
        }
    }

    #[test]
    fn doubles_are_read_exactly() {
        let read = |text: &str| serde_json::from_str::<Double>(&format!("\"{text}\"")).map(|double| double.0.to_string()).ok();
        for (text, value) in [
            ("5.0", "5.0"),
            ("7.0E-4", "0.0007"),
            ("1.234E-5", "0.00001234"),
            ("1.0E7", "10000000"),
            ("1.234567895E8", "123456789.5"),
            ("-5.0E-4", "-0.0005"),
            ("0.0", "0.0"),
            ("0.0E5", "0"),
            ("1.0e2", "100"),
        ] {
            assert_eq!(read(text).as_deref(), Some(value), "{text}");
        }
        for text in
            ["", "E", "1E", "E5", "1.0E", "1.0E+", "1.0E1.5", "1.0E99", "1.0E-99", "1.0E-29", "1.0E99999999999999999999", "NaN"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(serde_json::from_str::<Double>("7.0E-4").is_err(), "a number of JSON is no text");
        assert_eq!(Lenient::Text(Text::from("1.234E-5")).decimal(), Some(Decimal::new(1_234, 8)));
    }
}
