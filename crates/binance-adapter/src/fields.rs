//! Where the parameters of one order go: the query of a request of its own, or one item of a batch. It knows no parameter.
//!
//! Source: USDⓈ-M "Place Multiple Orders": `batchOrders` is a JSON list of objects whose values are texts, read 2026-11-22.

use rust_decimal::Decimal;

use crate::query::{Query, append_decimal};

/// Takes parameters one by one, in the order in which they are given.
pub trait Fields {
    /// Takes a text of any letters.
    fn text(&mut self, name: &'static str, value: &str) -> &mut Self;
    /// Takes a word that needs no encoding: the venue's own enumerations.
    fn word(&mut self, name: &'static str, value: &'static str) -> &mut Self;
    /// Takes an integer.
    fn number(&mut self, name: &'static str, value: u64) -> &mut Self;
    /// Takes a signed integer.
    fn signed(&mut self, name: &'static str, value: i64) -> &mut Self;
    /// Takes a decimal as plain digits, never with an exponent.
    fn decimal(&mut self, name: &'static str, value: Decimal) -> &mut Self;
}

impl Fields for Query {
    fn text(&mut self, name: &'static str, value: &str) -> &mut Self {
        Self::text(self, name, value)
    }
    fn word(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        Self::word(self, name, value)
    }
    fn number(&mut self, name: &'static str, value: u64) -> &mut Self {
        Self::number(self, name, value)
    }
    fn signed(&mut self, name: &'static str, value: i64) -> &mut Self {
        Self::signed(self, name, value)
    }
    fn decimal(&mut self, name: &'static str, value: Decimal) -> &mut Self {
        Self::decimal(self, name, value)
    }
}

/// One item of a batch: a JSON object that grows field by field.
#[derive(Default)]
pub(crate) struct Item {
    bytes: Vec<u8>,
}

impl Item {
    fn value(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.bytes.extend_from_slice(if self.bytes.is_empty() { b"{\"" } else { b",\"" });
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        write(&mut self.bytes);
        self
    }

    /// The items as the text of a JSON list.
    pub(crate) fn list(items: &[Self]) -> String {
        let mut text = String::from("[");
        for (at, item) in items.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            // What was written is the text of numbers, words and JSON strings.
            text.push_str(std::str::from_utf8(&item.bytes).unwrap_or("{"));
            text.push('}');
        }
        text.push(']');
        text
    }
}

impl Fields for Item {
    fn text(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.value(name, |out| out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes()))
    }
    fn word(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        self.text(name, value)
    }
    fn number(&mut self, name: &'static str, value: u64) -> &mut Self {
        self.value(name, |out| out.extend_from_slice(value.to_string().as_bytes()))
    }
    fn signed(&mut self, name: &'static str, value: i64) -> &mut Self {
        self.value(name, |out| out.extend_from_slice(value.to_string().as_bytes()))
    }
    fn decimal(&mut self, name: &'static str, value: Decimal) -> &mut Self {
        self.value(name, |out| {
            out.push(b'"');
            append_decimal(value, out);
            out.push(b'"');
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_a_list_of_objects_in_the_order_given() {
        let mut first = Item::default();
        first.text("symbol", "币\"X").word("side", "BUY").number("modifyId", 7);
        let mut second = Item::default();
        second.decimal("quantity", Decimal::new(1_230, 3)).signed("goodTillDate", -1);
        assert_eq!(
            Item::list(&[first, second]),
            r#"[{"symbol":"币\"X","side":"BUY","modifyId":7},{"quantity":"1.230","goodTillDate":-1}]"#
        );
        assert_eq!(Item::list(&[]), "[]");
    }
}
