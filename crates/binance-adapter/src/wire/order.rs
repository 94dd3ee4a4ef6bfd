//! Orders and trades as REST (and the WebSocket API) reports them: replies to place, cancel and modify, rows of queries
//! and of the exchange's own orders, rows of the trade list. Not stream events.
//!
//! Source: USDⓈ-M trade endpoints, read 2026-11-22. Since 2026-06-30 replies to place, modify and cancel carry no
//! `avgPrice` and no `cumQuote`; queries still do.

use super::{
    Dec, Lenient, OrderStatus, OrderType, PositionSide, PriceMatch, Side, StpMode, Text, TimeInForce, WorkingType, shape::wire,
};

wire! {
    /// One order.
    pub struct OrderReply<'a> {
        must {
            /// The venue's id, increasing per symbol.
            "orderId" order_id: u64,
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Status.
            "status" status: OrderStatus<'a>,
            /// The client's id.
            "clientOrderId" client_order_id: Text<'a>,
            /// Side.
            "side" side: Side<'a>,
            /// Type.
            "type" order_type: OrderType<'a>,
            /// Quantity asked for.
            "origQty" orig_qty: Dec,
            /// Limit price; zero when there is none.
            "price" price: Dec,
            /// Cumulative executed quantity.
            "executedQty" executed_qty: Dec,
        }
        may {
            /// When the order last changed, in milliseconds.
            "updateTime" update_time: i64,
            /// Which position it changes.
            "positionSide" position_side: PositionSide<'a>,
            /// Time in force; a market order shows `GTC`.
            "timeInForce" time_in_force: TimeInForce<'a>,
            /// Whether it may only reduce.
            "reduceOnly" reduce_only: bool,
            /// Whether it closes the whole position.
            "closePosition" close_position: bool,
            /// Average price; only in queries.
            "avgPrice" avg_price: Dec,
            /// Creation time in milliseconds; only in queries.
            "time" time: i64,
            /// Type before a trigger.
            "origType" orig_type: OrderType<'a>,
            /// Trigger price of the old conditional orders.
            "stopPrice" stop_price: Dec,
            /// Automatic cancel time, milliseconds, zero for none; samples print a text `null` as well.
            "goodTillDate" good_till_date: Lenient<'a>,
            /// Which price the old conditional orders watch.
            "workingType" working_type: WorkingType<'a>,
            /// Whether an old conditional order holds back while mark and last price are apart.
            "priceProtect" price_protect: bool,
            /// Activation price of an old trailing stop.
            "activatePrice" activate_price: Lenient<'a>,
            /// Distance of an old trailing stop in percent.
            "priceRate" price_rate: Lenient<'a>,
            /// What happens when it meets an order of the same account.
            "selfTradePreventionMode" stp_mode: StpMode<'a>,
            /// Where its price is taken from.
            "priceMatch" price_match: PriceMatch<'a>,
            /// The tag of a modify request; a number here, a text on the stream.
            "modifyId" modify_id: Lenient<'a>,
            /// A refusal, in rows of batch replies.
            "code" code: i64,
            /// The text of that refusal.
            "msg" msg: Text<'a>,
        }
        skip { "cumQty", "cumQuote", "cumBase", "pair", "baseAsset", "quoteAsset" }
    }

    /// One row of the account's trade list.
    pub struct UserTrade<'a> {
        must {
            /// Trade id, unique per symbol.
            "id" id: u64,
            /// The order it belongs to.
            "orderId" order_id: u64,
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Side.
            "side" side: Side<'a>,
            /// Price.
            "price" price: Dec,
            /// Quantity.
            "qty" qty: Dec,
            /// Time in milliseconds.
            "time" time: i64,
            /// Whether it was the maker.
            "maker" maker: bool,
            /// Fee, below zero for a rebate.
            "commission" commission: Dec,
            /// The fee's asset.
            "commissionAsset" commission_asset: Text<'a>,
            /// Realised profit without fees.
            "realizedPnl" realized_pnl: Dec,
        }
        may {
            /// Which position it changed.
            "positionSide" position_side: PositionSide<'a>,
            /// The asset that margin and profit are in.
            "marginAsset" margin_asset: Text<'a>,
        }
        skip { "quoteQty", "baseQty", "pair", "buyer" }
    }

    /// One row of an order's modification history.
    pub struct Amendment<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// The order.
            "orderId" order_id: u64,
            /// The client's id of the order.
            "clientOrderId" client_order_id: Text<'a>,
            /// When, in milliseconds.
            "time" time: i64,
            /// What changed.
            "amendment" amendment: AmendmentBody<'a>,
        }
        skip { "amendmentId", "pair" }
    }

    /// What one modification changed.
    pub struct AmendmentBody<'a> {
        must {
            /// Price.
            "price" price: Change<'a>,
            /// Quantity.
            "origQty" orig_qty: Change<'a>,
        }
        may {
            /// The tag of the modify request; a number here, a text on the stream.
            "modifyId" modify_id: Lenient<'a>,
        }
        skip { "count" }
    }

    /// A value before and after.
    pub struct Change<'a> {
        must {
            /// Before.
            "before" before: Dec,
            /// After.
            "after" after: Dec,
        }
    }
}
