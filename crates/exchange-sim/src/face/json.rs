//! A JSON writer that keeps the order of keys and prints decimals as the venue does. It does not parse.

use rust_decimal::Decimal;
use std::fmt::{Display, Write};

/// A JSON object under construction; keys stand in the order in which they were written.
#[derive(Debug)]
pub(super) struct Obj {
    out: String,
}

impl Obj {
    pub(super) fn new() -> Self {
        Self { out: String::from("{") }
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        quote(&mut self.out, key);
        self.out.push(':');
    }

    /// Writes a string.
    pub(super) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        quote(&mut self.out, value);
        self
    }

    /// Writes a number or a boolean as it prints.
    pub(super) fn num(mut self, key: &str, value: impl Display) -> Self {
        self.key(key);
        append(&mut self.out, format_args!("{value}"));
        self
    }

    /// Writes a decimal as a string without trailing zeros.
    pub(super) fn dec(self, key: &str, value: Decimal) -> Self {
        self.text(key, &trimmed(value))
    }

    /// Writes a decimal as a string with at least `scale` decimals.
    pub(super) fn pad(self, key: &str, value: Decimal, scale: u32) -> Self {
        self.text(key, &padded(value, scale))
    }

    /// Writes a value that is JSON already.
    pub(super) fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.out.push_str(json);
        self
    }

    /// Writes a field only when there is a value.
    pub(super) fn opt_text(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    pub(super) fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

/// Joins values that are JSON already into an array.
pub(super) fn array<I>(items: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// Prints a string as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(&mut out, text);
    out
}

/// Prints a decimal without trailing zeros, as the private stream does.
pub(super) fn trimmed(value: Decimal) -> String {
    value.normalize().to_string()
}

/// Prints a decimal with at least `scale` decimals, as REST replies do; never drops a digit that is not zero.
pub(super) fn padded(value: Decimal, scale: u32) -> String {
    let mut value = value.normalize();
    if value.scale() < scale {
        value.rescale(scale);
    }
    value.to_string()
}

/// Prints a decimal as a double of Java's: with a point always, and below 0.001 or from 10 million on with an exponent.
pub(super) fn double(value: Decimal) -> String {
    let value = value.normalize();
    let size = value.abs();
    if size.is_zero() || (size >= Decimal::new(1, 3) && size < Decimal::new(10_000_000, 0)) {
        return padded(value, 1);
    }
    let digits = size.mantissa().to_string();
    let digits = digits.trim_end_matches('0');
    let (first, rest) = digits.split_at(1);
    let power = i64::try_from(size.mantissa().to_string().len()).unwrap_or(0) - 1 - i64::from(size.scale());
    let sign = if value.is_sign_negative() { "-" } else { "" };
    format!("{sign}{first}.{}E{power}", if rest.is_empty() { "0" } else { rest })
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => append(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn append(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(args);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_text_is_escaped() {
        let json = Obj::new().text("z", "a\"b\\\n币").num("a", 5).num("t", true).raw("n", "null").end();
        assert_eq!(json, r#"{"z":"a\"b\\\n币","a":5,"t":true,"n":null}"#);
        assert_eq!(array(["1", "{}"]), "[1,{}]");
        assert_eq!(quoted("\u{1}"), "\"\\u0001\"");
    }

    #[test]
    fn doubles_have_a_point_and_sometimes_an_exponent() {
        let cases = [
            ("0", "0.0"),
            ("5", "5.0"),
            ("4.90", "4.9"),
            ("0.001", "0.001"),
            ("0.0007", "7.0E-4"),
            ("0.00001234", "1.234E-5"),
            ("9999999", "9999999.0"),
            ("10000000", "1.0E7"),
            ("123456789.5", "1.234567895E8"),
            ("-0.0005", "-5.0E-4"),
        ];
        for (value, printed) in cases {
            assert_eq!(double(value.parse().unwrap()), printed);
        }
    }

    #[test]
    fn decimals_trim_and_pad_without_loss() {
        assert_eq!(trimmed(Decimal::new(11_300, 4)), "1.13");
        assert_eq!(trimmed(Decimal::new(0, 8)), "0");
        assert_eq!(padded(Decimal::new(11_300, 4), 6), "1.130000");
        assert_eq!(padded(Decimal::new(0, 0), 2), "0.00");
        assert_eq!(padded(Decimal::new(123_456, 5), 2), "1.23456");
    }
}
