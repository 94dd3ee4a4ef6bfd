//! Endpoints of orders and trades.

use super::super::ask;
use super::super::ask::{integer, opt_integer, opt_word, text};
use super::super::json::{Obj, array};
use super::super::params::Params;
use super::super::refusal::Refusal;
use super::super::render::order as render;
use super::super::state::Via;
use super::{Body, Call};
use crate::request::{AllOrdersQuery, AmendmentsQuery, ForceOrdersQuery, OrderRef, UserTradesQuery};
use crate::types::{AutoCloseType, Ms};

/// Orders in one batch to place or modify.
const ITEMS_MAX: usize = 5;
/// Orders in one batch to cancel.
const CANCELS_MAX: usize = 10;

/// Places one order from its parameters, alone or out of a batch.
fn place_one(call: &mut Call<'_>, params: &Params) -> Body {
    let account = call.account()?;
    let order = ask::new_order(params, call.ask.signed)?;
    let grid = call.grid(&order.symbol)?;
    let resp_type = ask::resp_type(params)?;
    let placed = call.state.exchange.place(call.now, account, &order)?;
    Ok(render::reply(&placed.into_reply(resp_type), grid))
}

pub(super) fn place(call: &mut Call<'_>) -> Body {
    let ask = call.ask;
    place_one(call, &ask.params)
}

/// Zeroed fields, nothing echoed: that is what the demo servers answer (2026-10-03).
pub(super) fn test(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let order = ask::new_order(&call.ask.params, call.ask.signed)?;
    ask::resp_type(&call.ask.params)?;
    call.grid(&order.symbol)?;
    call.state.exchange.test_order(call.now, account, &order)?;
    Ok(Obj::new()
        .num("orderId", 0)
        .text("symbol", "")
        .text("status", "")
        .text("clientOrderId", "")
        .text("price", "0")
        .text("avgPrice", "0.00")
        .text("origQty", "0")
        .text("executedQty", "0")
        .text("cumQty", "0")
        .text("cumQuote", "0")
        .text("timeInForce", "")
        .text("type", "")
        .num("reduceOnly", false)
        .num("closePosition", false)
        .text("side", "")
        .text("positionSide", "")
        .text("stopPrice", "0")
        .text("workingType", "")
        .num("priceProtect", false)
        .text("origType", "")
        .text("priceMatch", "")
        .text("selfTradePreventionMode", "")
        .num("goodTillDate", 0)
        .num("updateTime", 0)
        .end())
}

fn modify_one(call: &mut Call<'_>, params: &Params) -> Body {
    let account = call.account()?;
    let change = ask::modify_order(params, call.ask.signed)?;
    let grid = call.grid(&change.symbol)?;
    let row = call.state.exchange.modify(call.now, account, &change)?;
    let pair = match call.ask.via {
        Via::Rest => Some(row.symbol.as_ref()),
        Via::Socket => None,
    };
    Ok(render::modified(&row, pair, grid))
}

pub(super) fn modify(call: &mut Call<'_>) -> Body {
    let ask = call.ask;
    modify_one(call, &ask.params)
}

fn cancel_one(call: &mut Call<'_>, symbol: &str, order: &OrderRef) -> Body {
    let account = call.account()?;
    let grid = call.grid(symbol)?;
    let row = call.state.exchange.cancel(call.now, account, symbol, order)?;
    Ok(render::reply(&row, grid))
}

pub(super) fn cancel(call: &mut Call<'_>) -> Body {
    let symbol = call.symbol()?.to_owned();
    let order = ask::order_ref(&call.ask.params)?;
    cancel_one(call, &symbol, &order)
}

/// A batch is answered with 200; an item that failed is an error in its place.
fn item(answer: Body) -> String {
    answer.unwrap_or_else(|refusal| refusal.body())
}

pub(super) fn place_batch(call: &mut Call<'_>) -> Body {
    let items = ask::batch(&call.ask.params, ITEMS_MAX)?;
    Ok(array(items.iter().map(|params| item(place_one(call, params)))))
}

pub(super) fn modify_batch(call: &mut Call<'_>) -> Body {
    let items = ask::batch(&call.ask.params, ITEMS_MAX)?;
    Ok(array(items.iter().map(|params| item(modify_one(call, params)))))
}

pub(super) fn cancel_batch(call: &mut Call<'_>) -> Body {
    let symbol = call.symbol()?.to_owned();
    let params = &call.ask.params;
    // Documented in camel case; ccxt and python-binance send lower case, which production takes (python-binance issue 1195).
    let list = |names: [&str; 2]| ask::id_list(params, if params.get(names[0]).is_some() { names[0] } else { names[1] });
    let numbers = list(["orderIdList", "orderidlist"])?;
    let names = list(["origClientOrderIdList", "origclientorderidlist"])?;
    let orders: Vec<OrderRef> = match (numbers, names) {
        (Some(numbers), _) => numbers
            .iter()
            .map(|id| id.parse().map(OrderRef::id).map_err(|_| Refusal::invalid("orderIdList")))
            .collect::<Result<_, _>>()?,
        (None, Some(names)) => names.iter().map(|name| OrderRef::client(name)).collect(),
        (None, None) => return Err(Refusal::missing_either("orderIdList", "origClientOrderIdList")),
    };
    if orders.is_empty() {
        return Err(Refusal::missing_either("orderIdList", "origClientOrderIdList"));
    }
    if orders.len() > CANCELS_MAX {
        return Err(Refusal::too_many_cancels());
    }
    Ok(array(orders.iter().map(|order| item(cancel_one(call, &symbol, order)))))
}

pub(super) fn all_cancelled() -> String {
    Obj::new().num("code", 200).text("msg", "The operation of cancel all open order is done.").end()
}

pub(super) fn cancel_all(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    call.state.exchange.cancel_all(call.now, account, &symbol)?;
    Ok(all_cancelled())
}

pub(super) fn countdown(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    let countdown: Ms = integer(&call.ask.params, "countdownTime")?;
    if countdown < 0 {
        return Err(Refusal::invalid("countdownTime"));
    }
    call.state.exchange.countdown_cancel_all(call.now, account, &symbol, countdown)?;
    Ok(Obj::new().text("symbol", &symbol).text("countdownTime", &countdown.to_string()).end())
}

pub(super) fn query(call: &Call<'_>) -> Body {
    let symbol = call.symbol()?;
    let order = ask::order_ref(&call.ask.params)?;
    Ok(render::query(&call.state.exchange.order(call.account()?, symbol, &order)?, call.grid(symbol)?))
}

pub(super) fn open_order(call: &Call<'_>) -> Body {
    let symbol = call.symbol()?;
    let order = ask::order_ref(&call.ask.params)?;
    Ok(render::query(&call.state.exchange.open_order(call.account()?, symbol, &order)?, call.grid(symbol)?))
}

pub(super) fn open_orders(call: &Call<'_>) -> Body {
    let rows = call.state.exchange.open_orders(call.account()?, call.opt_symbol()?)?;
    let rows: Result<Vec<String>, Refusal> = rows.iter().map(|row| Ok(render::query(row, call.grid(&row.symbol)?))).collect();
    Ok(array(rows?))
}

pub(super) fn all_orders(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let query = AllOrdersQuery {
        symbol: call.opt_symbol()?.map(str::to_owned),
        order_id: opt_integer(params, "orderId")?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    let rows = call.state.exchange.all_orders(call.account()?, &query)?;
    let rows: Result<Vec<String>, Refusal> = rows.iter().map(|row| Ok(render::history(row, call.grid(&row.symbol)?))).collect();
    Ok(array(rows?))
}

pub(super) fn user_trades(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let symbol = call.symbol()?;
    let query = UserTradesQuery {
        symbol: symbol.to_owned(),
        order_id: opt_integer(params, "orderId")?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        from_id: opt_integer(params, "fromId")?,
        limit: opt_integer(params, "limit")?,
    };
    let rows = call.state.exchange.user_trades(call.account()?, &query)?;
    let margin_asset = &call.state.exchange.symbol(symbol)?.quote_asset;
    let grid = call.grid(symbol)?;
    Ok(array(rows.iter().map(|row| render::trade(row, margin_asset, grid))))
}

pub(super) fn amendments(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let query = AmendmentsQuery {
        symbol: text(params, "symbol").and_then(|_| call.symbol())?.to_owned(),
        order: ask::opt_order_ref(params)?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    Ok(array(call.state.exchange.amendments(call.account()?, &query)?.iter().map(render::amendment)))
}

pub(super) fn force_orders(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let query = ForceOrdersQuery {
        symbol: call.opt_symbol()?.map(str::to_owned),
        auto_close_type: opt_word(params, "autoCloseType", AutoCloseType::parse, || Refusal::invalid("autoCloseType"))?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    let rows = call.state.exchange.force_orders(call.account()?, &query)?;
    let rows: Result<Vec<String>, Refusal> =
        rows.iter().map(|row| Ok(render::forced(row, call.grid(&row.order.symbol)?))).collect();
    Ok(array(rows?))
}
