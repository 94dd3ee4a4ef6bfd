//! Conversions of one asset into another at a quoted price: a service of its own beside the order book. It moves balances; its
//! orders are none of the book's.
//!
//! Source: USDⓈ-M convert endpoints, read 2026-11-22.

use super::{Dec, Lenient, Text, shape::wire};

wire! {
    /// A row of `GET /fapi/v1/convert/exchangeInfo`.
    pub struct ConvertPair<'a> {
        must {
            /// What is given.
            "fromAsset" from: Text<'a>,
            /// What is received.
            "toAsset" to: Text<'a>,
            /// Least that may be given.
            "fromAssetMinAmount" from_min: Dec,
            /// Most that may be given.
            "fromAssetMaxAmount" from_max: Dec,
            /// Least that may be received.
            "toAssetMinAmount" to_min: Dec,
            /// Most that may be received.
            "toAssetMaxAmount" to_max: Dec,
        }
    }

    /// The reply to `POST /fapi/v1/convert/getQuote`.
    pub struct ConvertQuote<'a> {
        must {
            /// Price.
            "ratio" ratio: Dec,
            /// What is received.
            "toAmount" to_amount: Dec,
            /// What is given.
            "fromAmount" from_amount: Dec,
        }
        may {
            /// Its id; absent where the balance does not suffice.
            "quoteId" quote_id: Lenient<'a>,
            /// Until when it holds.
            "validTimestamp" valid_until: i64,
        }
        skip { "inverseRatio" }
    }

    /// The reply to `POST /fapi/v1/convert/acceptQuote` and to `GET /fapi/v1/convert/orderStatus`. The id is a text in the one and
    /// a number in the other.
    pub struct ConvertOrder<'a> {
        must {
            /// Its id.
            "orderId" order_id: Lenient<'a>,
            /// Status: PROCESS, ACCEPT_SUCCESS, SUCCESS, FAIL.
            "orderStatus" status: Text<'a>,
            /// When it was made.
            "createTime" create_time: i64,
        }
        may {
            /// What is given.
            "fromAsset" from: Text<'a>,
            /// How much of it.
            "fromAmount" from_amount: Dec,
            /// What is received.
            "toAsset" to: Text<'a>,
            /// How much of it.
            "toAmount" to_amount: Dec,
            /// Price.
            "ratio" ratio: Dec,
        }
        skip { "inverseRatio" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_a_text_or_a_number() {
        let text = r#"{"orderId":"933256278426274426","createTime":1623381330472,"orderStatus":"PROCESS"}"#;
        let order: ConvertOrder<'_> = crate::wire::read(text).unwrap();
        assert_eq!(order.order_id.number(), Some(933_256_278_426_274_426));
        let text = r#"{"orderId":933256278426274400,"orderStatus":"SUCCESS","fromAsset":"BTC","fromAmount":"0.00054414","toAsset":"USDT","toAmount":"20","ratio":"36755","inverseRatio":"0.00002721","createTime":1}"#;
        let order: ConvertOrder<'_> = crate::wire::read(text).unwrap();
        assert_eq!(
            (order.order_id.to_string(), order.to_amount.unwrap().0.to_string()),
            ("933256278426274400".into(), "20".into())
        );
    }
}
