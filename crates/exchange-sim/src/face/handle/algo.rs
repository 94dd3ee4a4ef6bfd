//! Endpoints of conditional orders.

use super::super::ask;
use super::super::ask::opt_integer;
use super::super::json::array;
use super::super::refusal::Refusal;
use super::super::render::Grid;
use super::super::render::algo as render;
use super::trade::all_cancelled;
use super::{Body, Call};
use crate::request::AllAlgoOrdersQuery;
use crate::row::AlgoRow;

pub(super) fn place(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let order = ask::new_algo_order(&call.ask.params)?;
    ask::resp_type(&call.ask.params)?;
    let grid = call.grid(&order.symbol)?;
    let row = call.state.exchange.place_algo(call.now, account, &order)?;
    Ok(render::placed(&row, grid))
}

pub(super) fn cancel(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let order = ask::algo_ref(&call.ask.params)?;
    Ok(render::canceled(&call.state.exchange.cancel_algo(call.now, account, &order)?))
}

pub(super) fn cancel_all(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    call.state.exchange.cancel_all_algos(call.now, account, &symbol)?;
    Ok(all_cancelled())
}

pub(super) fn query(call: &Call<'_>) -> Body {
    let order = ask::algo_ref(&call.ask.params)?;
    let row = call.state.exchange.algo_order(call.account()?, &order)?;
    Ok(render::history(&row, call.grid(&row.symbol)?))
}

pub(super) fn open(call: &Call<'_>) -> Body {
    let symbol = call.opt_symbol()?;
    let algo_id = opt_integer(&call.ask.params, "algoId")?;
    list(call, &call.state.exchange.open_algo_orders(call.account()?, symbol, algo_id)?, render::open)
}

pub(super) fn all(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let query = AllAlgoOrdersQuery {
        symbol: call.symbol()?.to_owned(),
        algo_id: opt_integer(params, "algoId")?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    list(call, &call.state.exchange.all_algo_orders(call.account()?, &query)?, render::history)
}

fn list(call: &Call<'_>, rows: &[AlgoRow], print: fn(&AlgoRow, Grid) -> String) -> Body {
    let rows: Result<Vec<String>, Refusal> = rows.iter().map(|row| Ok(print(row, call.grid(&row.symbol)?))).collect();
    Ok(array(rows?))
}
