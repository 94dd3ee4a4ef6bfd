//! The parameters of a request, from query string and form body, and the bytes its signature covers. Knows no endpoint.

use std::collections::BTreeMap;

/// The decoded parameters of one request. On duplicates the query string wins, then the first.
#[derive(Debug, Default)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    signature: Option<String>,
    signed: Vec<u8>,
    signature_last: bool,
}

impl Params {
    /// Reads raw query and body bytes as they were received.
    ///
    /// The signed payload is the query string followed by the body, without a separator and without the
    /// `signature` parameter itself (general info of the USDⓈ-M documentation, "SIGNED Endpoint Security").
    pub(super) fn parse(query: &str, body: &str) -> Self {
        let mut params = Self { signature_last: true, ..Self::default() };
        for part in [query, body] {
            params.add(part);
        }
        params
    }

    fn add(&mut self, part: &str) {
        let mut unsigned_len = part.len();
        let mut seen_signature = false;
        let mut at = 0;
        for piece in part.split('&') {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            if name == "signature" {
                // The separator before it belongs to the signature.
                unsigned_len = at.max(1) - 1;
                seen_signature = true;
                if self.signature.is_none() {
                    self.signature = Some(decode(value, Plus::Literal));
                }
            } else if !piece.is_empty() {
                if seen_signature {
                    self.signature_last = false;
                }
                self.pairs.push((decode(name, Plus::Space), decode(value, Plus::Space)));
            }
            at += piece.len() + 1;
        }
        self.signed.extend_from_slice(part.as_bytes().get(..unsigned_len).unwrap_or_default());
    }

    /// The value of a parameter, when it was sent and is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The signature as sent, when it came last.
    pub(super) fn signature(&self) -> Option<&str> {
        self.signature.as_deref().filter(|_| self.signature_last)
    }

    /// The bytes that the signature covers.
    pub(super) fn signed_bytes(&self) -> &[u8] {
        &self.signed
    }

    /// Makes the parameters of a WebSocket request: the signature covers all others, sorted by name, as they are.
    pub(super) fn from_sorted(mut sorted: BTreeMap<String, String>) -> Self {
        let signature = sorted.remove("signature");
        let text: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signed = text.join("&").into_bytes();
        Self { pairs: sorted.into_iter().collect(), signature, signed, signature_last: true }
    }

    /// Makes parameters of pairs, for the items of a batch.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, ..Self::default() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Space,
    // Base64 signatures arrive unencoded from some clients.
    Literal,
}

fn decode(text: &str, plus: Plus) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|&b| char::from(b).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
                continue;
            }
            (b'+', _, _) if plus == Plus::Space => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-decodes a path segment.
pub(super) fn decode_path(text: &str) -> String {
    decode(text, Plus::Literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(query: &str, body: &str) -> String {
        String::from_utf8_lossy(Params::parse(query, body).signed_bytes()).into_owned()
    }

    #[test]
    fn signature_is_cut_from_query_or_body() {
        assert_eq!(signed("a=1&b=2&signature=ff", ""), "a=1&b=2");
        assert_eq!(signed("", "a=1&b=2&signature=ff"), "a=1&b=2");
        assert_eq!(signed("a=1", "b=2&signature=ff"), "a=1b=2");
        assert_eq!(signed("signature=ff", ""), "");
        assert_eq!(Params::parse("a=1&signature=fF", "").signature(), Some("fF"));
        assert_eq!(Params::parse("signature=ff&a=1", "").signature(), None);
    }

    #[test]
    fn values_are_decoded_but_signed_raw() {
        let raw = "symbol=%E5%B8%81%e5%AE%89&x=a+b&y=%zz&signature=A+b%2F=";
        let params = Params::parse(raw, "symbol=BTCUSDT&empty=");
        assert_eq!(params.get("symbol"), Some("币安"));
        assert_eq!(params.get("x"), Some("a b"));
        assert_eq!(params.get("y"), Some("%zz"));
        assert_eq!(params.signature(), Some("A+b/="));
        assert!(params.get("empty").is_none());
        assert_eq!(params.signed_bytes(), b"symbol=%E5%B8%81%e5%AE%89&x=a+b&y=%zzsymbol=BTCUSDT&empty=");
    }

    #[test]
    fn unencoded_json_survives() {
        let params = Params::parse("", r#"batchOrders=[{"symbol":"BTCUSDT","price":"1.0"}]&timestamp=1"#);
        assert_eq!(params.get("batchOrders"), Some(r#"[{"symbol":"BTCUSDT","price":"1.0"}]"#));
        assert_eq!(params.get("timestamp"), Some("1"));
    }
}
