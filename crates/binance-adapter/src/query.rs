//! Parameters of requests as bytes: the REST form (percent-encoded once, in the order given, signature last) and the
//! WebSocket-API form (sorted, raw UTF-8). It knows no endpoint and no meaning of a parameter.
//!
//! Source: Binance USDⓈ-M "General Info" and "Websocket API General Info", read 2026-11-22; change log 2025-10-09 for
//! symbols beyond ASCII.

use rust_decimal::Decimal;

use crate::sign::{Signature, Signer};

const UPPER_HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A query string or form body that grows parameter by parameter in one buffer.
///
/// ```
/// use binance_adapter::query::Query;
/// let mut query = Query::default();
/// query.text("symbol", "币安人生USDT").number("recvWindow", 5000);
/// assert_eq!(query.as_str(), "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&recvWindow=5000");
/// ```
#[derive(Default)]
pub struct Query {
    bytes: Vec<u8>,
}

impl Query {
    /// Appends a text, percent-encoded: everything but `A-Za-z0-9-_.~` becomes `%XX`.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        for &byte in value.as_bytes() {
            match encoded(byte) {
                None => self.bytes.push(byte),
                Some(triple) => self.bytes.extend_from_slice(&triple),
            }
        }
        self
    }

    /// Appends a word that needs no encoding: the venue's own enumerations.
    pub fn word(&mut self, name: &str, value: &'static str) -> &mut Self {
        self.name(name);
        self.bytes.extend_from_slice(value.as_bytes());
        self
    }

    /// Appends an integer.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.name(name);
        append_integer(value, &mut self.bytes);
        self
    }

    /// Appends a signed integer, as millisecond timestamps are in this code.
    pub fn signed(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(name);
        if value < 0 {
            self.bytes.push(b'-');
        }
        append_integer(value.unsigned_abs(), &mut self.bytes);
        self
    }

    /// Appends a decimal as plain digits, with the scale it has: never an exponent.
    pub fn decimal(&mut self, name: &str, value: Decimal) -> &mut Self {
        self.name(name);
        append_decimal(value, &mut self.bytes);
        self
    }

    /// Signs everything so far and appends the signature as the last parameter.
    pub fn sign(&mut self, signer: &Signer) {
        match signer.signature(&self.bytes) {
            Signature::Hex(hex) => {
                self.name("signature");
                self.bytes.extend_from_slice(&hex);
            }
            Signature::Base64(text) => {
                self.text("signature", &text);
            }
        }
    }

    /// The bytes as they are sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text as it is sent; always ASCII for parameters whose names are.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// The bytes as they are sent, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Empties the buffer and keeps its capacity.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    fn name(&mut self, name: &str) {
        if !self.bytes.is_empty() {
            self.bytes.push(b'&');
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(b'=');
    }
}

/// A signed request of the WebSocket API as its JSON text: parameters sorted by name, signed as raw UTF-8, and sent raw.
///
/// It encodes only; this adapter does not yet speak over that connection.
#[must_use]
pub fn websocket_request(id: &str, method: &str, params: &[(&str, &str)], signer: &Signer) -> String {
    let mut sorted = params.to_vec();
    sorted.sort_unstable();
    let payload = websocket_payload(&sorted);
    let signature = signer.signature(payload.as_bytes());
    let mut object = serde_json::Map::new();
    for (name, value) in sorted {
        object.insert(name.to_owned(), value.into());
    }
    object.insert("signature".to_owned(), signature.as_str().into());
    serde_json::json!({ "id": id, "method": method, "params": object }).to_string()
}

/// The text that a signature of the WebSocket API covers: `name=value` of the sorted parameters, joined by `&`.
#[must_use]
pub fn websocket_payload(sorted: &[(&str, &str)]) -> String {
    let mut payload = String::new();
    for (name, value) in sorted {
        if !payload.is_empty() {
            payload.push('&');
        }
        payload.push_str(name);
        payload.push('=');
        payload.push_str(value);
    }
    payload
}

/// Appends `text` percent-encoded, as it stands in a URL.
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    for &byte in text.as_bytes() {
        match encoded(byte) {
            None => out.push(char::from(byte)),
            Some(triple) => out.extend(triple.map(char::from)),
        }
    }
}

/// The three characters that stand for a byte, unless it stands for itself.
fn encoded(byte: u8) -> Option<[u8; 3]> {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return None;
    }
    Some([b'%', UPPER_HEX[usize::from(byte >> 4)], UPPER_HEX[usize::from(byte & 15)]])
}

fn append_integer(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a decimal as plain digits with the scale it has.
pub(crate) fn append_decimal(value: Decimal, out: &mut Vec<u8>) {
    let mantissa = value.mantissa();
    let scale = value.scale() as usize;
    if mantissa < 0 {
        out.push(b'-');
    }
    let mut rest = mantissa.unsigned_abs();
    // 29 digits of mantissa at most, or a scale of 28 with its leading zero, and the point.
    let mut digits = [b'0'; 32];
    let mut at = digits.len();
    let mut written = 0;
    loop {
        if written == scale && scale > 0 {
            at -= 1;
            digits[at] = b'.';
        }
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
        if rest == 0 && written > scale {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::SecretString;

    fn futures_signer() -> Signer {
        Signer::new(&SecretString::from("2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9")).unwrap()
    }

    #[test]
    fn the_signed_bytes_of_a_chinese_symbol_are_the_bytes_sent() {
        let mut query = Query::default();
        query
            .text("symbol", "币安人生USDT")
            .word("side", "BUY")
            .word("type", "MARKET")
            .decimal("quantity", Decimal::ONE)
            .number("recvWindow", 5000)
            .signed("timestamp", 1_591_702_613_943);
        query.sign(&futures_signer());
        assert_eq!(
            query.as_str(),
            "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=BUY&type=MARKET&quantity=1&recvWindow=5000\
             &timestamp=1591702613943&signature=1c0a5917006e0445b3561a4981dbb11ea25d8dc2917afc79146d88ee5ca167d4"
        );
    }

    #[test]
    fn reserved_characters_are_encoded_once() {
        let mut query = Query::default();
        query.text("a", "x/y:z=1&2 +%~");
        assert_eq!(query.as_str(), "a=x%2Fy%3Az%3D1%262%20%2B%25~");
    }

    #[test]
    fn a_cleared_query_starts_over() {
        let mut query = Query::default();
        query.number("a", 1);
        query.clear();
        query.number("b", 0);
        assert_eq!(query.as_str(), "b=0");
    }

    #[test]
    fn websocket_form_sorts_and_keeps_raw_utf8() {
        let signer =
            Signer::new(&SecretString::from("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")).unwrap();
        let params = [
            ("symbol", "１２３４５６"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "1.00000000"),
            ("price", "0.10000000"),
            ("recvWindow", "5000"),
            ("timestamp", "1645423376532"),
            ("apiKey", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
        ];
        let text = websocket_request("1", "order.place", &params, &signer);
        assert!(text.contains("\"signature\":\"b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd\""), "{text}");
        assert!(text.contains("\"symbol\":\"１２３４５６\""));
    }

    #[test]
    fn websocket_form_of_the_chinese_symbol_is_signed_raw() {
        let sorted = [("quantity", "1"), ("side", "BUY"), ("symbol", "币安人生USDT"), ("timestamp", "1591702613943")];
        assert_eq!(websocket_payload(&sorted), "quantity=1&side=BUY&symbol=币安人生USDT&timestamp=1591702613943");
        let text = websocket_request("1", "order.place", &sorted, &futures_signer());
        // Computed with another implementation of HMAC.
        assert!(text.contains("977ca7145c23e5fdf615bcc79b205faa66ababb4d937a414f9383875cc1039ec"), "{text}");
    }

    proptest! {
        #[test]
        fn decimals_are_written_as_they_display(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let value = Decimal::new(mantissa, scale);
            let mut query = Query::default();
            query.decimal("q", value);
            prop_assert_eq!(query.as_str(), format!("q={value}"));
        }

        #[test]
        fn integers_are_written_as_they_display(value in any::<i64>()) {
            let mut query = Query::default();
            query.signed("t", value);
            prop_assert_eq!(query.as_str(), format!("t={value}"));
        }
    }
}
