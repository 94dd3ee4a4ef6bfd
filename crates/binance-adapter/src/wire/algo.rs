//! Conditional orders of the Algo Service: the stream event `ALGO_UPDATE` (since 2025-12-09), the rows of its REST replies
//! and the reply to a cancel. Not the ordinary order that a trigger makes.
//!
//! Source: USDⓈ-M "New Algo Order", "Cancel Algo Order", "Query Algo Order", "Current All Algo Open Orders", "Query All Algo
//! Orders", "Event: Algo Order Update", read 2026-11-22. Rows differ by endpoint: a reply to a new order has no `actual…`
//! fields, lists have `actualOrderId` (empty before the trigger) and, after it, `actualPrice`, `actualQty`, `actualType`.

use super::{
    AlgoStatus, AlgoType, Double, Lenient, OrderType, PositionSide, PriceMatch, Side, StpMode, Text, TimeInForce, WorkingType,
    shape::wire,
};

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
            /// Kind.
            "at" algo_type: AlgoType<'a>,
            /// Time in force.
            "f" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "q" qty: Double,
            /// Id of the triggered order, empty before.
            "ai" actual_order_id: Lenient<'a>,
            /// Average price of the triggered order.
            "ap" avg_price: Double,
            /// Executed quantity of the triggered order.
            "aq" executed_qty: Double,
            /// Type of the triggered order, `0` before.
            "act" actual_type: Lenient<'a>,
            /// Trigger price.
            "tp" trigger_price: Double,
            /// Limit price.
            "p" price: Double,
            /// Whether it closes the whole position.
            "cp" close_position: bool,
            /// Whether it may only reduce.
            "R" reduce_only: bool,
            /// Trigger time, zero before.
            "tt" trigger_time: i64,
            /// Why it failed.
            "rm" reason: Text<'a>,
            /// Whether a trailing stop follows the price already (since 2026-08-21); not whether it has triggered.
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
            /// What happens when it meets an order of the same account.
            "V" stp_mode: StpMode<'a>,
            /// Where its limit price is taken from.
            "pm" price_match: PriceMatch<'a>,
        }
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
            /// Kind.
            "algoType" algo_type: AlgoType<'a>,
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
            "quantity" qty: Double,
            /// Status.
            "algoStatus" status: AlgoStatus<'a>,
            /// Id of the triggered order, empty before.
            "actualOrderId" actual_order_id: Lenient<'a>,
            /// Average price of the triggered order.
            "actualPrice" actual_price: Double,
            /// Executed quantity of the triggered order.
            "actualQty" actual_qty: Double,
            /// Type of the triggered order; absent before.
            "actualType" actual_type: Lenient<'a>,
            /// Trigger price.
            "triggerPrice" trigger_price: Double,
            /// Limit price.
            "price" price: Double,
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
            /// Whether a trailing stop follows the price already; not whether it has triggered.
            "isActivated" activated: bool,
            /// What happens when it meets an order of the same account.
            "selfTradePreventionMode" stp_mode: StpMode<'a>,
            /// Where its limit price is taken from.
            "priceMatch" price_match: PriceMatch<'a>,
            /// Why it failed.
            "failReason" fail_reason: Text<'a>,
            /// `"200"` in the reply to a cancel.
            "code" code: Lenient<'a>,
            /// The text beside that code.
            "msg" msg: Text<'a>,
        }
        skip { "icebergQuantity", "tpOrderType", "tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice" }
    }

    /// The reply to the cancel of one conditional order. It names the order and says nothing of its state; here `code` is a
    /// text (`"200"`), a number everywhere else.
    pub struct AlgoCancelReply<'a> {
        must {
            /// The service's id.
            "algoId" algo_id: u64,
            /// The client's id.
            "clientAlgoId" client_algo_id: Text<'a>,
        }
        may {
            /// `200`, or a refusal.
            "code" code: Lenient<'a>,
            /// The text beside that code.
            "msg" msg: Text<'a>,
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
    fn the_form_after_the_trigger_is_read() {
        let text = r#"{"e":"ALGO_UPDATE","T":1789826323611,"E":1789826323612,"o":{"caid":"60d0","aid":4000001910368571,"at":"CONDITIONAL","o":"TRAILING_STOP_MARKET","s":"DOTUSDT","S":"SELL","ps":"LONG","f":"GTC","q":"4.9","X":"FINISHED","ai":"33877541028","ap":"1.1325","aq":"4.9","act":"MARKET","tp":"1.1322","p":"0","V":"EXPIRE_BOTH","wt":"MARK_PRICE","pm":"QUEUE_5","cp":false,"pP":true,"R":true,"tt":1789826323607,"gtd":0,"rm":"","AP":"1.14","cr":"0.5","ia":true}}"#;
        let UserEvent::Algo(update) = UserEvent::read(text).unwrap() else { panic!("not an algo update") };
        let order = update.order;
        assert_eq!(order.actual_order_id.unwrap().number(), Some(33_877_541_028));
        assert_eq!(
            (order.avg_price.unwrap().0.to_string(), order.executed_qty.unwrap().0.to_string()),
            ("1.1325".into(), "4.9".into())
        );
        assert_eq!((order.stp_mode, order.price_match), (Some(StpMode::ExpireBoth), Some(PriceMatch::Queue5)));
        assert_eq!((order.actual_type.unwrap().to_string().as_str(), order.activated), ("MARKET", Some(true)));
        assert!(order.unknown.0.is_empty());
    }

    #[test]
    fn figures_with_exponents_are_read() {
        let text = r#"{"e":"ALGO_UPDATE","T":1,"E":1,"o":{"caid":"a","aid":1,"o":"STOP","s":"X","S":"BUY","ps":"BOTH","X":"NEW","q":"1E+2","tp":"7.0E-4","p":"1.0E7"}}"#;
        let UserEvent::Algo(update) = UserEvent::read(text).unwrap() else { panic!("not an algo update") };
        let figures =
            [update.order.qty, update.order.trigger_price, update.order.price].map(|double| double.unwrap().0.to_string());
        assert_eq!(figures, ["100", "0.0007", "10000000"]);
    }

    #[test]
    fn every_status_of_the_service_is_known() {
        for word in ["NEW", "CANCELED", "TRIGGERING", "TRIGGERED", "FINISHED", "REJECTED", "EXPIRED"] {
            let text = format!(
                r#"{{"e":"ALGO_UPDATE","T":1,"E":1,"o":{{"caid":"a","aid":1,"o":"STOP","s":"X","S":"BUY","ps":"BOTH","X":"{word}"}}}}"#
            );
            let UserEvent::Algo(update) = UserEvent::read(&text).unwrap() else { panic!("not an algo update") };
            assert_eq!((update.order.status.as_str(), update.order.status.unknown()), (word, None));
        }
    }

    #[test]
    fn rows_of_a_reply_differ_by_endpoint() {
        let placed = r#"{"algoId":4000001910058351,"clientAlgoId":"d0a8","algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"DOTUSDT","side":"BUY","positionSide":"BOTH","timeInForce":"GTC","quantity":"4.9","algoStatus":"NEW","triggerPrice":"1.183700","price":"0.000000","icebergQuantity":null,"selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":false,"reduceOnly":false,"activatePrice":"","callbackRate":"","createTime":1789819033056,"updateTime":1789819033056,"triggerTime":0,"goodTillDate":0}"#;
        let placed: AlgoOrder<'_> = crate::wire::read(placed).unwrap();
        assert_eq!((placed.actual_order_id, placed.actual_qty, placed.actual_type), (None, None, None));
        assert_eq!((placed.algo_type, placed.stp_mode), (Some(AlgoType::Conditional), Some(StpMode::ExpireMaker)));
        assert_eq!(placed.activate_price.unwrap().decimal(), None);
        assert!(placed.unknown.0.is_empty());
        let listed = r#"[{"algoId":4000001910368571,"clientAlgoId":"60d0","algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"DOTUSDT","side":"BUY","positionSide":"BOTH","timeInForce":"GTC","quantity":"4.9","algoStatus":"FINISHED","actualOrderId":"33877541028","actualPrice":"1.1325000","actualQty":"4.9","actualType":"MARKET","triggerPrice":"1.132200","price":"0.000000","icebergQuantity":null,"tpOrderType":"","tpTriggerPrice":"0.000","tpPrice":"0.000","slTriggerPrice":"0.000","slPrice":"0.000","selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE","closePosition":false,"priceProtect":false,"reduceOnly":false,"createTime":1789826233630,"updateTime":1789826323611,"triggerTime":1789826323607,"goodTillDate":0,"isActivated":false}]"#;
        let listed: Vec<AlgoOrder<'_>> = crate::wire::read(listed).unwrap();
        assert_eq!(listed[0].actual_order_id.as_ref().unwrap().number(), Some(33_877_541_028));
        assert_eq!((listed[0].activated, listed[0].trigger_time), (Some(false), Some(1_789_826_323_607)));
        assert!(listed[0].unknown.0.is_empty());
    }

    #[test]
    fn the_reply_to_a_cancel_is_read() {
        let text = r#"{"algoId":4000001910058351,"clientAlgoId":"d0a8","code":"200","msg":"success"}"#;
        let reply: AlgoCancelReply<'_> = crate::wire::read(text).unwrap();
        assert_eq!((reply.algo_id, reply.code.unwrap().number()), (4_000_001_910_058_351, Some(200)));
        assert_eq!(crate::wire::read::<AlgoOrder<'_>>(text).unwrap().status, None);
    }
}
