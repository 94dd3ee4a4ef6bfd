//! Market data endpoints.

use rust_decimal::Decimal;

use super::super::ask::{opt_integer, word};
use super::super::json::{Obj, array};
use super::super::refusal::Refusal;
use super::super::render::{Grid, market as render};
use super::{Body, Call};
use crate::request::KlinesQuery;
use crate::row::PublicTradeRow;
use crate::types::{Interval, Ms, TradeId};

pub(super) fn exchange_info(call: &Call<'_>) -> Body {
    let exchange = &call.state.exchange;
    let symbols = exchange.symbols().into_iter().map(|spec| (spec, exchange.position_control(&spec.symbol)));
    Ok(render::exchange_info(symbols, &call.state.limits, call.now))
}

pub(super) fn depth(call: &Call<'_>) -> Body {
    let symbol = call.symbol()?;
    let limit = call.ask.params.get("limit").unwrap_or("500");
    let levels = match limit.parse() {
        Ok(levels @ (5 | 10 | 20 | 50 | 100 | 500 | 1000)) => levels,
        Ok(_) | Err(_) => return Err(Refusal::depth_limit(limit)),
    };
    Ok(render::depth(&call.state.exchange.depth(symbol, levels)?, call.grid(symbol)?))
}

/// The rows a client asks for: from an id or a time on, else the newest.
fn select(call: &Call<'_>) -> Result<Vec<PublicTradeRow>, Refusal> {
    let params = &call.ask.params;
    let limit = opt_integer::<usize>(params, "limit")?.unwrap_or(500).min(1_000);
    let from_id: Option<TradeId> = opt_integer(params, "fromId")?;
    let start: Option<Ms> = opt_integer(params, "startTime")?;
    let end: Option<Ms> = opt_integer(params, "endTime")?;
    let rows = call.state.exchange.recent_trades(call.symbol()?, usize::MAX)?;
    let mut rows: Vec<PublicTradeRow> = rows
        .into_iter()
        .filter(|row| {
            from_id.is_none_or(|id| row.id >= id)
                && start.is_none_or(|start| row.time >= start)
                && end.is_none_or(|end| row.time <= end)
        })
        .collect();
    if from_id.is_some() || start.is_some() {
        rows.truncate(limit);
    } else {
        rows.drain(..rows.len().saturating_sub(limit));
    }
    Ok(rows)
}

pub(super) fn trades(call: &Call<'_>) -> Body {
    let grid = call.grid(call.symbol()?)?;
    Ok(array(select(call)?.iter().map(|row| render::trade(row, grid))))
}

pub(super) fn agg_trades(call: &Call<'_>) -> Body {
    let grid = call.grid(call.symbol()?)?;
    Ok(array(select(call)?.iter().map(|row| render::agg_trade(row, grid))))
}

pub(super) fn klines(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let symbol = call.symbol()?;
    let query = KlinesQuery {
        symbol: symbol.to_owned(),
        interval: word(params, "interval", Interval::parse, Refusal::interval)?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    let grid = call.grid(symbol)?;
    Ok(array(call.state.exchange.klines(&query)?.iter().map(|row| render::kline(row, grid))))
}

/// One object with a symbol, a list of all without.
fn one_or_all(call: &Call<'_>, one: impl Fn(&str) -> Body) -> Body {
    if let Some(symbol) = call.opt_symbol()? {
        return one(symbol);
    }
    let symbols = call.state.exchange.symbols();
    let rows: Result<Vec<String>, Refusal> = symbols.iter().map(|spec| one(&spec.symbol)).collect();
    Ok(array(rows?))
}

pub(super) fn ticker_24h(call: &Call<'_>) -> Body {
    one_or_all(call, |symbol| Ok(render::ticker_24h(&call.state.exchange.ticker_24h(symbol)?, call.grid(symbol)?)))
}

pub(super) fn ticker_price(call: &Call<'_>) -> Body {
    one_or_all(call, |symbol| {
        let spec = call.state.exchange.symbol(symbol)?;
        Ok(Obj::new()
            .text("symbol", symbol)
            .pad("price", call.state.exchange.last_price(symbol)?, spec.price_precision)
            .num("time", call.now)
            .end())
    })
}

pub(super) fn ticker_book(call: &Call<'_>) -> Body {
    one_or_all(call, |symbol| Ok(render::book_ticker(&call.state.exchange.book_ticker(symbol)?, call.grid(symbol)?)))
}

pub(super) fn premium_index(call: &Call<'_>) -> Body {
    one_or_all(call, |symbol| Ok(render::premium(&call.state.exchange.premium(symbol)?)))
}

pub(super) fn funding_rate(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let limit = opt_integer::<usize>(params, "limit")?.unwrap_or(100).min(1_000);
    let start: Option<Ms> = opt_integer(params, "startTime")?;
    let end: Option<Ms> = opt_integer(params, "endTime")?;
    let symbols: Vec<String> = match call.opt_symbol()? {
        Some(symbol) => vec![symbol.to_owned()],
        None => call.state.exchange.symbols().iter().map(|spec| spec.symbol.to_string()).collect(),
    };
    let mut rows = Vec::new();
    for symbol in symbols {
        rows.extend(call.state.exchange.funding_rates(&symbol, limit)?);
    }
    rows.retain(|row| start.is_none_or(|start| row.funding_time >= start) && end.is_none_or(|end| row.funding_time <= end));
    Ok(array(rows.iter().map(render::funding)))
}

/// The long side of all accounts of clients; what the background flow holds is not counted.
pub(super) fn open_interest(call: &Call<'_>) -> Body {
    let symbol = call.symbol()?;
    let mut open = Decimal::ZERO;
    for account in call.state.exchange.accounts() {
        for row in call.state.exchange.positions(account, Some(symbol))? {
            open += row.position_amt.max(Decimal::ZERO);
        }
    }
    let scale = Grid::of(call.state.exchange.symbol(symbol)?);
    Ok(render::open_interest(symbol, open, call.now, scale))
}
