//! One JSON document of the venue to one JSON line of facts in the core's words, through the same `translate` code as live
//! trading. For people and scripts; it sends nothing and keeps nothing but the count of what it did not know.
//!
//! A document is a stream event (bare or in its envelope), a REST reply `{"method","path","status","body"}`, a reply or a request
//! of the WebSocket API, or the body of a REST reply alone, which is then told by its keys. Decimals are texts equal to the
//! input; what the document has that this build does not know is listed under `unknown`.

mod account;
mod convert;
mod event;
mod facts;
mod market;
mod orders;
mod place;
mod refusal;
mod reply;
mod request;
mod subject;
mod told;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    translate::{Symbols, Tally, TranslateError},
    wire::shape_of,
};
use told::Told;

/// Why a document has no facts.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The document ends in the middle.
    #[error("cut off after {after} bytes{}: {why}", within(.inside))]
    Cut {
        /// How many bytes there are.
        after: usize,
        /// The path of keys to the place.
        inside: String,
        /// The parser's complaint.
        why: String,
    },
    /// Not JSON, or not of the form that the documents give it.
    #[error("unreadable at {}byte {column}{}: {why}", of_line(*line), within(.inside))]
    Unreadable {
        /// Line in the document, from one.
        line: usize,
        /// Bytes of that line before the place.
        column: usize,
        /// The path of keys to the place.
        inside: String,
        /// The parser's complaint.
        why: String,
    },
    /// Readable, but not sayable in the core's words.
    #[error("{0}")]
    Translate(#[from] TranslateError),
    /// A kind of document that this build does not read.
    #[error("no decoder for {0}")]
    NoDecoder(String),
}

fn within(inside: &str) -> String {
    if inside.is_empty() { String::new() } else { format!(", in `{inside}`") }
}

fn of_line(line: usize) -> String {
    if line == 1 { String::new() } else { format!("line {line}, ") }
}

/// An object of facts.
pub(crate) type Facts = Map<String, Value>;

/// Decodes documents, and counts what in them this build does not know.
///
/// ```
/// let decoder = binance_adapter::decode::Decoder::default();
/// decoder.decode(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25,"zz":1}}"#)?;
/// assert_eq!(decoder.drift().into_iter().collect::<Vec<_>>(), [("ACCOUNT_CONFIG_UPDATE.ac.zz".to_owned(), 1)]);
/// # Ok::<(), binance_adapter::decode::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    symbols: Symbols,
    tally: Tally,
}

impl Decoder {
    /// Decodes one document.
    ///
    /// # Errors
    /// [`DecodeError`]: the document says nothing that can be vouched for. The decoder goes on with the next.
    pub fn decode(&self, document: &str) -> Result<String, DecodeError> {
        let mut told = Told::new(document, &self.symbols, &self.tally);
        let shape = shape_of(document).map_err(|error| told.complaint(document, &error))?;
        let facts = if shape.is_list() && shape.has("e") {
            event::events(&mut told)?
        } else if shape.has("e") || shape.has("data") || shape.has("event") {
            event::event(&mut told, document)?
        } else if shape.has("body") && shape.has("path") {
            reply::rest(&mut told)?
        } else if shape.has("status") && (shape.has("result") || shape.has("error")) {
            reply::websocket(&mut told)?
        } else if shape.has("id") && shape.has("method") {
            request::request(&mut told)?
        } else if shape.is_empty() || shape.is_empty_list() {
            return Err(DecodeError::NoDecoder("a document without content".into()));
        } else {
            reply::bare(&mut told, document, "a document")?
        };
        Ok(Value::Object(told.finish(facts)).to_string())
    }

    /// What the documents had that this build does not know: fields and values by path, with how often they came.
    #[must_use]
    pub fn drift(&self) -> BTreeMap<String, u64> {
        self.tally.counts()
    }
}

/// Decodes one document.
///
/// # Errors
/// [`DecodeError`]: the document says nothing that can be vouched for.
///
/// ```
/// let line = r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#;
/// let facts = binance_adapter::decode::decode(line)?;
/// assert!(facts.contains(r#""instrument":"BTCUSDT-PERP.BINANCE""#) && facts.contains(r#""leverage":25"#));
/// # Ok::<(), binance_adapter::decode::DecodeError>(())
/// ```
pub fn decode(document: &str) -> Result<String, DecodeError> {
    Decoder::default().decode(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(document: &str) -> Value {
        serde_json::from_str(&decode(document).unwrap()).unwrap()
    }

    #[test]
    fn a_fill_is_told_with_its_decimals_as_they_came() {
        let told = facts(
            r#"{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689737,"o":{"s":"币安人生USDT","c":"6e8f","S":"SELL","o":"LIMIT","f":"GTD","q":"4.90","p":"1.1400","ap":"1.1359","sp":"0","x":"TRADE","X":"PARTIALLY_FILLED","i":33878894217,"l":"4.0","z":"4.0","L":"1.13590","n":"0.00000325","N":"BNB","T":1789837689736,"t":1190331610,"b":"0","a":"0","m":true,"R":true,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"SHORT","cp":false,"rp":"-0.10","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":1790000000000,"er":"0","zz":1}}"#,
        );
        let expected = json!({
            "kind": "order", "event": "ORDER_TRADE_UPDATE", "execution": "TRADE", "sent": 1_789_837_689_737_i64,
            "instrument": "币安人生USDT-PERP.BINANCE", "side": "SELL", "leg": "SHORT", "cl_ord_id": "6e8f",
            "order_id": "33878894217", "status": "PARTIALLY_FILLED", "type": "LIMIT", "time_in_force": "GTD",
            "expires": 1_790_000_000_000_i64, "price": "1.1400", "qty": "4.90", "cum_qty": "4.0", "avg_px": "1.1359",
            "reduce_only": true, "close_all": false, "updated": 1_789_837_689_736_i64, "trade_id": "1190331610",
            "last_px": "1.13590", "last_qty": "4.0", "maker": true, "fee": "0.00000325", "fee_asset": "BNB",
            "self_trade_prevention": "EXPIRE_MAKER", "realized": "-0.10", "time": 1_789_837_689_736_i64, "unknown": ["o.zz"],
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn an_account_event_is_told_row_by_row() {
        let told = facts(
            r#"{"e":"ACCOUNT_UPDATE","T":1,"E":2,"a":{"B":[{"a":"USDT","wb":"28.05614361","cw":"28.05","bc":"-1.50"}],"P":[{"s":"DOTUSDT","pa":"4.9","ep":"1.1359","cr":"-0.7","up":"0.10","mt":"cross","iw":"0","ps":"BOTH","ma":"USDT","bep":"1.13646795"}],"m":"PARTY"}}"#,
        );
        assert_eq!(told["balances"], json!([{"kind": "balance", "asset": "USDT", "wallet": "28.05614361", "change": "-1.50"}]));
        assert_eq!(told["positions"][0]["qty"], "4.9");
        assert_eq!((&told["reason"], &told["unknown"]), (&json!("PARTY"), &json!(["a.m=PARTY"])));
    }

    #[test]
    fn a_rest_reply_is_told_by_its_path() {
        let body = r#"[{"symbol":"DOTUSDT","id":1189522420,"orderId":33866374191,"side":"BUY","price":"1.135900","qty":"6.3","realizedPnl":"0","quoteQty":"7.1","commission":"0.00000431","commissionAsset":"BNB","time":1789735342346,"buyer":true,"maker":false,"positionSide":"LONG"}]"#;
        let told =
            facts(&format!(r#"{{"method":"GET","path":"/fapi/v1/userTrades?symbol=DOTUSDT","status":200,"body":{body}}}"#));
        assert_eq!(told["kind"], "trades");
        let trade = &told["trades"][0];
        assert_eq!((&trade["last_px"], &trade["fee"], &trade["leg"]), (&json!("1.135900"), &json!("0.00000431"), &json!("LONG")));
        // The same body as a text, as a shell script would quote it.
        let quoted = serde_json::to_string(body).unwrap();
        assert_eq!(facts(&format!(r#"{{"method":"GET","path":"/fapi/v1/userTrades","body":{quoted}}}"#)), told);
    }

    #[test]
    fn refusals_are_told_with_their_fate() {
        let refusal = |method, status, body: &str| {
            facts(&format!(r#"{{"method":"{method}","path":"/fapi/v1/order","status":{status},"body":{body}}}"#))
        };
        let funds = refusal("POST", 400, r#"{"code":-2019,"msg":"Margin is insufficient."}"#);
        assert_eq!((&funds["fate"], &funds["class"], &funds["code"]), (&json!("rejected"), &json!("funds"), &json!(-2019)));
        assert_eq!(refusal("POST", 503, r#""<html>""#)["fate"], "unknown");
        assert_eq!(refusal("GET", 400, r#"{"code":-2013,"msg":"Order does not exist."}"#)["fate"], "not_there");
        assert_eq!(refusal("DELETE", 400, r#"{"code":-2011,"msg":"Unknown order sent."}"#)["class"], "not_on_book");
    }

    #[test]
    fn rows_of_a_batch_are_orders_or_refusals() {
        let body = r#"[{"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"a","price":"1.0","origQty":"2","executedQty":"0","type":"LIMIT","side":"BUY","timeInForce":"RPI","updateTime":5},{"code":-2022,"msg":"ReduceOnly Order is rejected."}]"#;
        let told = facts(&format!(r#"{{"method":"POST","path":"/fapi/v1/batchOrders","status":200,"body":{body}}}"#));
        assert_eq!((&told["orders"][0]["kind"], &told["orders"][1]["kind"]), (&json!("order"), &json!("refusal")));
        // The core has no word for this time in force, so type and price are told as they came.
        assert_eq!((&told["orders"][0]["type"], &told["orders"][0]["price"]), (&json!("LIMIT"), &json!("1.0")));
    }

    #[test]
    fn a_websocket_reply_is_told_by_its_shape() {
        let told = facts(
            r#"{"id":"3f7d","status":200,"result":{"orderId":325078477,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"iCX","price":"43187.00","origQty":"0.100","executedQty":"0.000","type":"LIMIT","side":"BUY","timeInForce":"GTC","updateTime":1702555534435},"rateLimits":[]}"#,
        );
        assert_eq!((&told["kind"], &told["request_id"], &told["price"]), (&json!("order"), &json!("3f7d"), &json!("43187.00")));
        let refused =
            facts(r#"{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}"#);
        assert_eq!((&refused["kind"], &refused["class"]), (&json!("refusal"), &json!("auth")));
    }

    #[test]
    fn a_listen_key_is_not_printed() {
        let told = decode(r#"{"method":"POST","path":"/fapi/v1/listenKey","status":200,"body":{"listenKey":"CANARY"}}"#).unwrap();
        assert!(!told.contains("CANARY"), "{told}");
    }

    #[test]
    fn what_cannot_be_told_is_an_error() {
        for document in [
            "",
            "1",
            "[]",
            "{}",
            "{\"e\":1}",
            r#"{"e":"NEW_THING","E":1}"#,
            r#"{"method":"GET","path":"/fapi/v1/klines","status":200,"body":[]}"#,
            r#"{"method":"GET","path":"/fapi/v1/order","status":200,"body":{"orderId":1}}"#,
            r#"{"e":"TRADE_LITE","E":1,"T":1,"s":"X","q":"1","p":"0","m":false,"c":"x","S":"BUY","L":"1e5","l":"1","t":1,"i":1}"#,
        ] {
            assert!(decode(document).is_err(), "{document}");
        }
    }
}
