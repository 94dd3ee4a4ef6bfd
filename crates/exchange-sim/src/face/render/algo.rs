//! JSON of conditional orders: on the stream, and in three spellings of REST. What is not known yet is absent, not zero.
//!
//! Fields, their order and their padding: production captures of 2026-09-19. `activatePrice`, `callbackRate`, `AP` and `cr`
//! stand on trailing stops only; `ap`, `aq`, `act` and `actualType` only once there is a child; `rm` only with a reason.

use super::super::json::{Obj, double, padded};
use super::order::Grid;
use crate::row::AlgoRow;
use crate::types::{AlgoStatus, Ms};

/// ALGO_UPDATE; decimals are trimmed.
pub(in super::super) fn update(row: &AlgoRow, time: Ms) -> String {
    let mut body = Obj::new()
        .text("caid", &row.client_algo_id)
        .num("aid", row.algo_id)
        .text("at", "CONDITIONAL")
        .text("o", row.order_type.as_str())
        .text("s", &row.symbol)
        .text("S", row.side.as_str())
        .text("ps", row.position_side.as_str())
        .text("f", row.time_in_force.as_str())
        .dec("q", row.quantity)
        .text("X", row.status.as_str())
        .text("ai", &order_id(row));
    if let Some(actual) = row.actual_type {
        body = body.dec("ap", row.actual_price).dec("aq", row.actual_qty).text("act", actual.as_str());
    }
    body = body
        .dec("tp", row.trigger_price)
        .dec("p", row.price)
        .text("V", row.stp_mode.as_str())
        .text("wt", row.working_type.as_str())
        .text("pm", row.price_match.as_str())
        .num("cp", row.close_position)
        .num("pP", row.price_protect)
        .num("R", row.reduce_only)
        .num("tt", row.trigger_time)
        .num("gtd", row.good_till_date);
    if let (Some(activation), Some(rate)) = (row.activate_price, row.callback_rate) {
        body = body.dec("AP", activation).dec("cr", rate);
    }
    let body = body.opt_text("rm", row.reason.as_deref()).num("ia", row.is_activated).end();
    Obj::new().text("e", "ALGO_UPDATE").num("T", time).num("E", time).raw("o", &body).end()
}

/// The reply to place.
pub(in super::super) fn placed(row: &AlgoRow, grid: Grid) -> String {
    let body = head(row, &padded(row.quantity, grid.qty())).pad("triggerPrice", row.trigger_price, grid.price()).pad(
        "price",
        row.price,
        grid.price(),
    );
    tail(terms(body.raw("icebergQuantity", "null"), row), row).end()
}

/// The reply to cancel; its `code` is text.
pub(in super::super) fn canceled(row: &AlgoRow) -> String {
    Obj::new()
        .num("algoId", row.algo_id)
        .text("clientAlgoId", &row.client_algo_id)
        .text("code", "200")
        .text("msg", "success")
        .end()
}

/// A row of `openAlgoOrders`: another service, which prints doubles. Testnet showed a quantity of `7.0E-4` (2026-09-14).
pub(in super::super) fn open(row: &AlgoRow, _: Grid) -> String {
    let body = head(row, &double(row.quantity))
        .text("actualOrderId", &order_id(row))
        .text("actualQty", &double(row.actual_qty))
        .text("triggerPrice", &double(row.trigger_price))
        .text("price", &double(row.price))
        .raw("icebergQuantity", "null");
    tail(terms(body, row), row).num("isActivated", row.is_activated).end()
}

/// A row of `allAlgoOrders`, and the reply to the single query.
pub(in super::super) fn history(row: &AlgoRow, grid: Grid) -> String {
    let mut body = head(row, &padded(row.quantity, grid.qty())).text("actualOrderId", &order_id(row)).pad(
        "actualPrice",
        row.actual_price,
        grid.fine(),
    );
    if let Some(actual) = row.actual_type {
        body = body.pad("actualQty", row.actual_qty, grid.qty()).text("actualType", actual.as_str());
    }
    body = body
        .pad("triggerPrice", row.trigger_price, grid.price())
        .pad("price", row.price, grid.price())
        .raw("icebergQuantity", "null")
        .text("tpOrderType", "");
    tail(terms(body, row), row).num("isActivated", row.is_activated).end()
}

fn head(row: &AlgoRow, quantity: &str) -> Obj {
    Obj::new()
        .num("algoId", row.algo_id)
        .text("clientAlgoId", &row.client_algo_id)
        .text("algoType", "CONDITIONAL")
        .text("orderType", row.order_type.as_str())
        .text("symbol", &row.symbol)
        .text("side", row.side.as_str())
        .text("positionSide", row.position_side.as_str())
        .text("timeInForce", row.time_in_force.as_str())
        .text("quantity", quantity)
        .text("algoStatus", row.status.as_str())
}

fn terms(body: Obj, row: &AlgoRow) -> Obj {
    body.text("selfTradePreventionMode", row.stp_mode.as_str())
        .text("workingType", row.working_type.as_str())
        .text("priceMatch", row.price_match.as_str())
        .num("closePosition", row.close_position)
        .num("priceProtect", row.price_protect)
        .num("reduceOnly", row.reduce_only)
}

fn tail(mut body: Obj, row: &AlgoRow) -> Obj {
    if let (Some(activation), Some(rate)) = (row.activate_price, row.callback_rate) {
        body = body.dec("activatePrice", activation).dec("callbackRate", rate);
    }
    body.num("createTime", row.create_time)
        .num("updateTime", row.update_time)
        .num("triggerTime", row.trigger_time)
        .num("goodTillDate", row.good_till_date)
}

/// The child's number as text, empty before TRIGGERED.
fn order_id(row: &AlgoRow) -> String {
    match row.status {
        AlgoStatus::Triggered | AlgoStatus::Finished => row.actual_order_id.map_or_else(String::new, |id| id.to_string()),
        AlgoStatus::New | AlgoStatus::Triggering | AlgoStatus::Canceled | AlgoStatus::Rejected | AlgoStatus::Expired => {
            String::new()
        }
    }
}
