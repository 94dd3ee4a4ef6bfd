//! Envelopes of the WebSocket API: requests, replies, the state of a session. What a reply holds is read as REST's is.
//!
//! Source: USDⓈ-M "WebSocket API general info", read 2026-11-22.

use super::{
    Lenient, OrderType, PositionSide, PriceMatch, RateLimit, Raw, Side, StpMode, Text, TimeInForce, WorkingType, shape::wire,
};

wire! {
    /// A reply.
    pub struct WebSocketReply<'a> {
        must {
            /// HTTP-like status.
            "status" status: u16,
        }
        may {
            /// Which request.
            "id" id: Lenient<'a>,
            /// The answer.
            "result" result: Raw<'a>,
            /// The refusal.
            "error" error: WebSocketError<'a>,
            /// Limits and their use.
            "rateLimits" rate_limits: Vec<RateLimit<'a>>,
        }
    }

    /// A refusal.
    pub struct WebSocketError<'a> {
        must {
            /// The code.
            "code" code: i64,
        }
        may {
            /// The text.
            "msg" msg: Text<'a>,
            /// With 418 and 429: until when.
            "data" data: RetryAfter<'a>,
        }
    }

    /// Until when the venue wants to be left alone.
    pub struct RetryAfter<'a> {
        may {
            /// The venue's clock.
            "serverTime" server_time: i64,
            /// Milliseconds since the Unix epoch: a time, not a span.
            "retryAfter" retry_after: i64,
        }
    }

    /// The result of `session.logon`, `session.status` and `session.logout`.
    pub struct SessionStatus<'a> {
        must {
            /// Since when the connection stands.
            "connectedSince" connected_since: i64,
        }
        may {
            /// Since when it is authorised; null if it is not.
            "authorizedSince" authorized_since: i64,
            /// The venue's clock.
            "serverTime" server_time: i64,
            /// Whether replies carry their limits.
            "returnRateLimits" return_rate_limits: bool,
        }
        skip { "apiKey" }
    }

    /// A request, as somebody has sent it. Key and signature are not kept.
    pub struct WebSocketRequest<'a> {
        must {
            /// What is asked.
            "method" method: Text<'a>,
        }
        may {
            /// Which request.
            "id" id: Lenient<'a>,
            /// Its parameters.
            "params" params: RequestParams<'a>,
        }
    }

    /// Parameters of a request of this product. Numbers come with and without quotes.
    pub struct RequestParams<'a> {
        may {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Side.
            "side" side: Side<'a>,
            /// Which position.
            "positionSide" position_side: PositionSide<'a>,
            /// Type.
            "type" order_type: OrderType<'a>,
            /// Time in force.
            "timeInForce" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "quantity" qty: Lenient<'a>,
            /// Limit price.
            "price" price: Lenient<'a>,
            /// Trigger price.
            "triggerPrice" trigger_price: Lenient<'a>,
            /// Activation price of a trailing stop.
            "activatePrice" activate_price: Lenient<'a>,
            /// Distance of a trailing stop in percent.
            "callbackRate" callback_rate: Lenient<'a>,
            /// Which price it watches.
            "workingType" working_type: WorkingType<'a>,
            /// Whether it holds back while mark and last price are apart.
            "priceProtect" price_protect: Lenient<'a>,
            /// Whether it may only reduce.
            "reduceOnly" reduce_only: Lenient<'a>,
            /// Whether it closes the whole position.
            "closePosition" close_position: Lenient<'a>,
            /// Automatic cancel time.
            "goodTillDate" good_till_date: Lenient<'a>,
            /// What happens when it meets an order of the same account.
            "selfTradePreventionMode" stp_mode: StpMode<'a>,
            /// Where its price is taken from.
            "priceMatch" price_match: PriceMatch<'a>,
            /// The client's id of a new order.
            "newClientOrderId" new_client_order_id: Text<'a>,
            /// The client's id of a standing order.
            "origClientOrderId" orig_client_order_id: Text<'a>,
            /// The client's id of a conditional order.
            "clientAlgoId" client_algo_id: Text<'a>,
            /// The venue's id of an order.
            "orderId" order_id: Lenient<'a>,
            /// The service's id of a conditional order.
            "algoId" algo_id: Lenient<'a>,
            /// The tag of a modify request.
            "modifyId" modify_id: Lenient<'a>,
            /// When it was signed.
            "timestamp" timestamp: Lenient<'a>,
            /// How long it may be on its way.
            "recvWindow" recv_window: Lenient<'a>,
        }
        skip { "apiKey", "signature", "algoType", "newOrderRespType", "origType", "returnRateLimits", "listenKey" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_key_nor_signature_is_kept() {
        let text = r#"{"id":"9ca1","method":"order.place","params":{"apiKey":"CANARY","signature":"CANARY","symbol":"BTCUSDT","price":"42088.0","quantity":0.1,"side":"BUY","type":"LIMIT","timestamp":1705311512994}}"#;
        let request: WebSocketRequest<'_> = crate::wire::read(text).unwrap();
        assert!(!format!("{request:?}").contains("CANARY"));
        assert_eq!(request.params.unwrap().qty.unwrap().decimal().unwrap().to_string(), "0.1");
        let text = r#"{"id":1,"status":200,"result":{"apiKey":"CANARY","authorizedSince":null,"connectedSince":1,"returnRateLimits":false,"serverTime":2}}"#;
        let reply: WebSocketReply<'_> = crate::wire::read(text).unwrap();
        let session: SessionStatus<'_> = crate::wire::read(reply.result.unwrap().0).unwrap();
        assert!(!format!("{session:?}").contains("CANARY") && session.authorized_since.is_none());
    }

    #[test]
    fn a_refusal_may_tell_until_when() {
        let text = r#"{"id":null,"status":429,"error":{"code":-1003,"msg":"Too many requests","data":{"serverTime":1,"retryAfter":1700000000000}}}"#;
        let reply: WebSocketReply<'_> = crate::wire::read(text).unwrap();
        assert_eq!(reply.error.unwrap().data.unwrap().retry_after, Some(1_700_000_000_000));
    }
}
