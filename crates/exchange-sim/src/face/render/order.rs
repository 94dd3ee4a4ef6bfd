//! JSON of orders and trades as REST prints them. The stream's spelling is in `event.rs`.
//!
//! Fields, their order and their padding: production captures of 2026-09-19; place, modify and cancel replies carry no
//! `avgPrice` and `cumQuote` since 2026-06-30 (notice "COIN-M / USDⓈ-M Architecture Integration").

use rust_decimal::Decimal;

use super::super::json::{Obj, padded, trimmed};
use crate::row::{AmendmentRow, ForceOrderRow, OrderRow, TradeRow};
use crate::symbol::SymbolSpec;

/// How many decimals a symbol's figures are padded to.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Grid {
    price: u32,
    qty: u32,
}

impl Grid {
    pub(in super::super) fn of(spec: &SymbolSpec) -> Self {
        Self { price: spec.price_precision, qty: spec.quantity_precision }
    }

    /// No padding at all.
    pub(in super::super) fn plain() -> Self {
        Self { price: 0, qty: 0 }
    }

    pub(super) fn price(self) -> u32 {
        self.price
    }

    pub(super) fn qty(self) -> u32 {
        self.qty
    }

    /// Averages and sums of money have one digit more than prices.
    pub(super) fn fine(self) -> u32 {
        self.price + 1
    }

    fn money(self, value: Decimal) -> String {
        if value.is_zero() { "0".to_owned() } else { padded(value, self.fine()) }
    }
}

/// The reply to place and cancel.
pub(in super::super) fn reply(row: &OrderRow, grid: Grid) -> String {
    let head = Obj::new()
        .num("orderId", row.order_id)
        .text("symbol", &row.symbol)
        .text("status", row.status.as_str())
        .text("clientOrderId", &row.client_order_id);
    reply_tail(head, row, grid)
}

/// The reply to modify; the WebSocket API names no pair.
pub(in super::super) fn modified(row: &OrderRow, pair: Option<&str>, grid: Grid) -> String {
    let mut head = Obj::new()
        .num("orderId", row.order_id)
        .text("symbol", &row.symbol)
        .opt_text("pair", pair)
        .text("status", row.status.as_str())
        .text("clientOrderId", &row.client_order_id);
    if let Some(id) = row.modify_id {
        head = head.num("modifyId", id);
    }
    reply_tail(head, row, grid)
}

fn reply_tail(head: Obj, row: &OrderRow, grid: Grid) -> String {
    head.pad("price", row.price, grid.price)
        .pad("origQty", row.orig_qty, grid.qty)
        .pad("executedQty", row.executed_qty, grid.qty)
        .pad("cumQty", row.executed_qty, grid.qty)
        .text("timeInForce", row.time_in_force.as_str())
        .text("type", row.order_type.as_str())
        .num("reduceOnly", row.reduce_only)
        .num("closePosition", row.close_position)
        .text("side", row.side.as_str())
        .text("positionSide", row.position_side.as_str())
        .pad("stopPrice", row.stop_price, grid.price)
        .text("workingType", row.working_type.as_str())
        .num("priceProtect", row.price_protect)
        .text("origType", row.orig_type.as_str())
        .text("priceMatch", row.price_match.as_str())
        .text("selfTradePreventionMode", row.stp_mode.as_str())
        .num("goodTillDate", row.good_till_date)
        .num("updateTime", row.update_time)
        .end()
}

/// The answer to a query of one order, and a row of the open orders.
pub(in super::super) fn query(row: &OrderRow, grid: Grid) -> String {
    Obj::new()
        .num("orderId", row.order_id)
        .text("symbol", &row.symbol)
        .text("status", row.status.as_str())
        .text("clientOrderId", &row.client_order_id)
        .pad("price", row.price, grid.price)
        .pad("avgPrice", row.avg_price, grid.fine())
        .pad("origQty", row.orig_qty, grid.qty)
        .pad("executedQty", row.executed_qty, grid.qty)
        .text("cumQuote", &grid.money(row.cum_quote))
        .text("timeInForce", row.time_in_force.as_str())
        .text("type", row.order_type.as_str())
        .num("reduceOnly", row.reduce_only)
        .num("closePosition", row.close_position)
        .text("side", row.side.as_str())
        .text("positionSide", row.position_side.as_str())
        .pad("stopPrice", row.stop_price, grid.price)
        .text("workingType", row.working_type.as_str())
        .num("priceProtect", row.price_protect)
        .text("origType", row.orig_type.as_str())
        .text("priceMatch", row.price_match.as_str())
        .text("selfTradePreventionMode", row.stp_mode.as_str())
        .num("goodTillDate", row.good_till_date)
        .num("time", row.time)
        .num("updateTime", row.update_time)
        .end()
}

/// A row of `allOrders`: another service of the venue, which prints zeros without padding.
pub(in super::super) fn history(row: &OrderRow, grid: Grid) -> String {
    let price = if row.price.is_zero() { "0".to_owned() } else { padded(row.price, grid.price) };
    Obj::new()
        .num("orderId", row.order_id)
        .text("symbol", &row.symbol)
        .text("status", row.status.as_str())
        .text("clientOrderId", &row.client_order_id)
        .text("price", &price)
        .pad("avgPrice", row.avg_price, grid.fine())
        .dec("origQty", row.orig_qty)
        .dec("executedQty", row.executed_qty)
        .text("cumQuote", &grid.money(row.cum_quote))
        .text("cumBase", "0")
        .text("timeInForce", row.time_in_force.as_str())
        .text("type", row.order_type.as_str())
        .num("reduceOnly", row.reduce_only)
        .num("closePosition", row.close_position)
        .text("side", row.side.as_str())
        .text("positionSide", row.position_side.as_str())
        .dec("stopPrice", row.stop_price)
        .text("workingType", row.working_type.as_str())
        .text("priceMatch", row.price_match.as_str())
        .text("selfTradePreventionMode", row.stp_mode.as_str())
        .num("goodTillDate", row.good_till_date)
        .num("priceProtect", row.price_protect)
        .text("origType", row.orig_type.as_str())
        .num("time", row.time)
        .num("updateTime", row.update_time)
        .text("pair", &row.symbol)
        .end()
}

/// A row of `forceOrders`.
pub(in super::super) fn forced(force: &ForceOrderRow, grid: Grid) -> String {
    let row = &force.order;
    Obj::new()
        .num("orderId", row.order_id)
        .text("symbol", &row.symbol)
        .text("pair", &row.symbol)
        .text("status", row.status.as_str())
        .text("clientOrderId", &row.client_order_id)
        .pad("price", row.price, grid.price)
        .pad("avgPrice", row.avg_price, grid.fine())
        .dec("origQty", row.orig_qty)
        .dec("executedQty", row.executed_qty)
        .text("cumQuote", &grid.money(row.cum_quote))
        .text("cumBase", "0")
        .text("timeInForce", row.time_in_force.as_str())
        // The list calls the exchange's own orders LIMIT, the stream calls them LIQUIDATION.
        .text("type", "LIMIT")
        .num("reduceOnly", row.reduce_only)
        .num("closePosition", row.close_position)
        .text("side", row.side.as_str())
        .text("positionSide", row.position_side.as_str())
        .dec("stopPrice", row.stop_price)
        .text("workingType", row.working_type.as_str())
        .text("origType", "LIMIT")
        .num("time", row.time)
        .num("updateTime", row.update_time)
        .end()
}

/// A row of `userTrades`.
pub(in super::super) fn trade(row: &TradeRow, margin_asset: &str, grid: Grid) -> String {
    Obj::new()
        .text("symbol", &row.symbol)
        .num("id", row.id)
        .num("orderId", row.order_id)
        .text("pair", &row.symbol)
        .text("side", row.side.as_str())
        .pad("price", row.price, grid.price)
        .dec("qty", row.qty)
        .dec("realizedPnl", row.realized_pnl)
        .pad("quoteQty", row.quote_qty, grid.fine())
        .pad("commission", row.commission, 8)
        .text("commissionAsset", &row.commission_asset)
        .num("time", row.time)
        .num("buyer", row.side == crate::types::Side::Buy)
        .num("maker", row.maker)
        .text("positionSide", row.position_side.as_str())
        .text("baseQty", "0")
        .text("marginAsset", margin_asset)
        .end()
}

/// A row of `orderAmendment`.
pub(in super::super) fn amendment(row: &AmendmentRow) -> String {
    let change =
        |before: Decimal, after: Decimal| Obj::new().text("before", &trimmed(before)).text("after", &trimmed(after)).end();
    let mut amendment = Obj::new()
        .raw("price", &change(row.price_before, row.price_after))
        .raw("origQty", &change(row.qty_before, row.qty_after))
        .num("count", row.count);
    if let Some(id) = row.modify_id {
        amendment = amendment.num("modifyId", id);
    }
    Obj::new()
        .num("amendmentId", row.amendment_id)
        .text("symbol", &row.symbol)
        .text("pair", &row.symbol)
        .num("orderId", row.order_id)
        .text("clientOrderId", &row.client_order_id)
        .num("time", row.time)
        .raw("amendment", &amendment.end())
        .end()
}
