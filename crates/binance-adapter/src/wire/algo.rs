//! Conditional orders of the Algo Service: the stream event `ALGO_UPDATE` (since 2025-12-09) and the rows of its REST
//! replies. Not the ordinary order that a trigger makes.

use super::{AlgoStatus, Dec, Lenient, OrderType, PositionSide, Side, Text, TimeInForce, WorkingType, shape::wire};

wire! {
    /// `ALGO_UPDATE`.
    pub struct AlgoUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// The conditional order.
            "o" order: AlgoUpdateBody<'a>,
        }
        skip { "e" }
    }

    /// The order inside `ALGO_UPDATE`. Before the trigger the live wire leaves `ap`, `aq`, `act`, `rm` out.
    pub struct AlgoUpdateBody<'a> {
        must {
            /// The client's id; the triggered order carries the same.
            "caid" client_algo_id: Text<'a>,
            /// The service's id.
            "aid" algo_id: u64,
            /// Type.
            "o" order_type: OrderType<'a>,
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Side.
            "S" side: Side<'a>,
            /// Which position it changes.
            "ps" position_side: PositionSide<'a>,
            /// Status.
            "X" status: AlgoStatus<'a>,
        }
        may {
            /// Time in force.
            "f" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "q" qty: Dec,
            /// Id of the triggered order, empty before.
            "ai" actual_order_id: Lenient<'a>,
            /// Average price of the triggered order.
            "ap" avg_price: Dec,
            /// Executed quantity of the triggered order.
            "aq" executed_qty: Dec,
            /// Trigger price.
            "tp" trigger_price: Dec,
            /// Limit price.
            "p" price: Dec,
            /// Whether it closes the whole position.
            "cp" close_position: bool,
            /// Whether it may only reduce.
            "R" reduce_only: bool,
            /// Trigger time, zero before.
            "tt" trigger_time: i64,
            /// Why it failed.
            "rm" reason: Text<'a>,
            /// Whether a trailing stop is active (since 2026-08-21).
            "ia" activated: bool,
            /// Which price it watches.
            "wt" working_type: WorkingType<'a>,
            /// Whether it holds back while mark and last price are apart.
            "pP" price_protect: bool,
            /// Automatic cancel time, zero for none.
            "gtd" good_till_date: Lenient<'a>,
            /// Activation price of a trailing stop.
            "AP" activate_price: Lenient<'a>,
            /// Distance of a trailing stop in percent.
            "cr" price_rate: Lenient<'a>,
        }
        skip { "at", "act", "V", "pm" }
    }

    /// A conditional order in a REST reply.
    pub struct AlgoOrder<'a> {
        must {
            /// The service's id.
            "algoId" algo_id: u64,
            /// The client's id.
            "clientAlgoId" client_algo_id: Text<'a>,
        }
        may {
            /// Type.
            "orderType" order_type: OrderType<'a>,
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Side.
            "side" side: Side<'a>,
            /// Which position it changes.
            "positionSide" position_side: PositionSide<'a>,
            /// Time in force.
            "timeInForce" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "quantity" qty: Dec,
            /// Status.
            "algoStatus" status: AlgoStatus<'a>,
            /// Id of the triggered order, empty before.
            "actualOrderId" actual_order_id: Lenient<'a>,
            /// Average price of the triggered order.
            "actualPrice" actual_price: Dec,
            /// Executed quantity of the triggered order.
            "actualQty" actual_qty: Dec,
            /// Trigger price.
            "triggerPrice" trigger_price: Dec,
            /// Limit price.
            "price" price: Dec,
            /// Whether it closes the whole position.
            "closePosition" close_position: bool,
            /// Whether it may only reduce.
            "reduceOnly" reduce_only: bool,
            /// Creation time.
            "createTime" create_time: i64,
            /// When it last changed.
            "updateTime" update_time: i64,
            /// Trigger time, zero before.
            "triggerTime" trigger_time: i64,
            /// Which price it watches.
            "workingType" working_type: WorkingType<'a>,
            /// Whether it holds back while mark and last price are apart.
            "priceProtect" price_protect: bool,
            /// Automatic cancel time, zero for none.
            "goodTillDate" good_till_date: Lenient<'a>,
            /// Activation price of a trailing stop.
            "activatePrice" activate_price: Lenient<'a>,
            /// Distance of a trailing stop in percent.
            "callbackRate" callback_rate: Lenient<'a>,
            /// Why it failed.
            "failReason" fail_reason: Text<'a>,
            /// `"200"` in the reply to a cancel.
            "code" code: Lenient<'a>,
            /// The text beside that code.
            "msg" msg: Text<'a>,
        }
        skip {
            "algoType", "actualType", "icebergQuantity", "tpOrderType", "selfTradePreventionMode", "priceMatch",
            "isActivated", "tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UserEvent;

    #[test]
    fn the_live_form_before_the_trigger_is_read() {
        let text = r#"{"e":"ALGO_UPDATE","T":1789819033056,"E":1789819033057,"o":{"caid":"d0a8","aid":4000001910058351,"at":"CONDITIONAL","o":"STOP_MARKET","s":"DOTUSDT","S":"BUY","ps":"BOTH","f":"GTC","q":"4.9","X":"NEW","ai":"","tp":"1.1837","p":"0","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":0,"gtd":0,"ia":false}}"#;
        let UserEvent::Algo(update) = UserEvent::read(text).unwrap() else { panic!("not an algo update") };
        assert_eq!(update.order.status, AlgoStatus::New);
        assert_eq!((update.order.avg_price, update.order.reason), (None, None));
        assert!(update.order.unknown.0.is_empty());
    }

    #[test]
    fn the_reply_to_a_cancel_is_read() {
        let reply: AlgoOrder<'_> =
            crate::wire::read(r#"{"algoId":4000001910058351,"clientAlgoId":"d0a8","code":"200","msg":"success"}"#).unwrap();
        assert_eq!(reply.code.unwrap().number(), Some(200));
    }
}
