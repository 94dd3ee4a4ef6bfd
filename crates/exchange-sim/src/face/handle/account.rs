//! Endpoints of the account: balances, positions, settings, income, listen keys.

use super::super::ask::{flag, integer, opt_decimal, opt_integer, opt_position_side, opt_word, word};
use super::super::json::{Obj, array};
use super::super::refusal::Refusal;
use super::super::render::{Grid, account as render};
use super::{Body, Call, success};
use crate::request::{IncomeQuery, MarginHistoryQuery, MarginMove};
use crate::row::PositionRow;
use crate::types::{IncomeType, MarginType, PositionSide};

/// The padding of a symbol the core has just named.
fn grid(call: &Call<'_>, symbol: &str) -> Grid {
    call.state.exchange.symbol(symbol).map_or_else(|_| Grid::plain(), Grid::of)
}

pub(super) fn v2(call: &Call<'_>) -> Body {
    let view = call.state.exchange.account(call.account()?)?;
    Ok(render::account_v2(&view, |symbol| grid(call, symbol)))
}

pub(super) fn v3(call: &Call<'_>) -> Body {
    let view = call.state.exchange.account(call.account()?)?;
    Ok(render::account_v3(&view, |symbol| grid(call, symbol)))
}

pub(super) fn balance(call: &Call<'_>) -> Body {
    let account = call.account()?;
    Ok(render::balances(&call.state.exchange.account(account)?, &format!("sim{}", account.0)))
}

pub(super) fn config(call: &Call<'_>) -> Body {
    Ok(render::config(&call.state.exchange.account_config(call.account()?)?))
}

pub(super) fn symbol_config(call: &Call<'_>) -> Body {
    let rows = call.state.exchange.symbol_config(call.account()?, call.opt_symbol()?)?;
    Ok(array(rows.iter().map(render::symbol_config)))
}

pub(super) fn position_risk_v2(call: &Call<'_>) -> Body {
    let rows = call.state.exchange.positions(call.account()?, call.opt_symbol()?)?;
    Ok(array(rows.iter().map(|row| render::position_v2(row, grid(call, &row.symbol)))))
}

pub(super) fn position_risk_v3(call: &Call<'_>) -> Body {
    let rows = call.state.exchange.positions(call.account()?, call.opt_symbol()?)?;
    let active = rows.iter().filter(|row| row.is_active());
    Ok(array(active.map(|row| render::position_v3(row, grid(call, &row.symbol)))))
}

pub(super) fn position_mode(call: &Call<'_>) -> Body {
    let hedge = call.state.exchange.account_config(call.account()?)?.dual_side_position;
    Ok(Obj::new().num("dualSidePosition", hedge).end())
}

pub(super) fn set_position_mode(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let hedge = flag(&call.ask.params, "dualSidePosition")?;
    call.state.exchange.set_position_mode(call.now, account, hedge)?;
    Ok(success())
}

pub(super) fn multi_assets(call: &Call<'_>) -> Body {
    let on = call.state.exchange.account_config(call.account()?)?.multi_assets_margin;
    Ok(Obj::new().num("multiAssetsMargin", on).end())
}

pub(super) fn set_multi_assets(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let on = flag(&call.ask.params, "multiAssetsMargin")?;
    call.state.exchange.set_multi_assets(call.now, account, on)?;
    Ok(success())
}

pub(super) fn fee_burn(call: &Call<'_>) -> Body {
    let on = call.state.exchange.account_config(call.account()?)?.fee_burn;
    Ok(Obj::new().num("feeBurn", on).end())
}

pub(super) fn set_fee_burn(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let on = flag(&call.ask.params, "feeBurn")?;
    call.state.exchange.set_fee_burn(call.now, account, on)?;
    Ok(success())
}

pub(super) fn set_leverage(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    let leverage = integer(&call.ask.params, "leverage")?;
    Ok(render::leverage(&call.state.exchange.set_leverage(call.now, account, &symbol, leverage)?))
}

pub(super) fn set_margin_type(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    let margin_type = word(&call.ask.params, "marginType", MarginType::parse, || Refusal::invalid("marginType"))?;
    call.state.exchange.set_margin_type(call.now, account, &symbol, margin_type)?;
    Ok(success())
}

pub(super) fn position_margin(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    let symbol = call.symbol()?.to_owned();
    let params = &call.ask.params;
    let amount = opt_decimal(params, "amount")?.ok_or_else(|| Refusal::missing("amount"))?;
    let leg = opt_position_side(params)?.unwrap_or(PositionSide::Both);
    let (kind, direction) = match integer::<u8>(params, "type")? {
        1 => (1, MarginMove::Add),
        2 => (2, MarginMove::Reduce),
        _ => return Err(Refusal::invalid("type")),
    };
    call.state.exchange.adjust_position_margin(call.now, account, &symbol, leg, amount, direction)?;
    Ok(Obj::new()
        .num("amount", amount.normalize())
        .num("code", 200)
        .text("msg", "Successfully modify position margin.")
        .num("type", kind)
        .end())
}

pub(super) fn position_margin_history(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let query = MarginHistoryQuery {
        symbol: call.symbol()?.to_owned(),
        kind: opt_integer(params, "type")?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        limit: opt_integer(params, "limit")?,
    };
    Ok(array(call.state.exchange.margin_history(call.account()?, &query)?.iter().map(render::margin_change)))
}

/// A list, also with a symbol: clients read both forms, and the API catalogue of 2026-08 shows the list.
pub(super) fn leverage_bracket(call: &Call<'_>) -> Body {
    let wanted = call.opt_symbol()?;
    let symbols = call.state.exchange.symbols();
    let rows = symbols.into_iter().filter(|spec| wanted.is_none_or(|symbol| symbol == &*spec.symbol));
    Ok(array(rows.map(render::brackets)))
}

pub(super) fn commission_rate(call: &Call<'_>) -> Body {
    Ok(render::commission(&call.state.exchange.commission_rate(call.account()?, call.symbol()?)?))
}

pub(super) fn order_rate_limit(call: &Call<'_>) -> String {
    let row = |interval: &str, number: u32, limit: u32| {
        Obj::new().text("rateLimitType", "ORDERS").text("interval", interval).num("intervalNum", number).num("limit", limit).end()
    };
    let limits = &call.state.limits;
    array([row("SECOND", 10, limits.orders_10s), row("MINUTE", 1, limits.orders_1m)])
}

/// The rules that lock trading now; one that does not is not told here.
pub(super) fn trading_status(call: &Call<'_>) -> Body {
    let all = call.state.exchange.restrictions(call.account()?);
    let wanted = call.opt_symbol()?;
    let mut indicators = Obj::new();
    for (symbol, restriction) in &all {
        if !restriction.shown || wanted.is_some_and(|wanted| symbol.as_deref().is_some_and(|symbol| symbol != wanted)) {
            continue;
        }
        let row = Obj::new()
            .num("isLocked", true)
            .num("plannedRecoverTime", restriction.until.unwrap_or_default())
            .text("indicator", if symbol.is_some() { "UFR" } else { "TMV" })
            .num("value", "0.05")
            .num("triggerValue", "0.995")
            .end();
        indicators = indicators.raw(symbol.as_deref().unwrap_or("ACCOUNT"), &array([row]));
    }
    Ok(Obj::new().raw("indicators", &indicators.end()).num("updateTime", call.now).end())
}

pub(super) fn adl_quantile(call: &Call<'_>) -> Body {
    let rows = call.state.exchange.positions(call.account()?, call.opt_symbol()?)?;
    let mut answers = Vec::new();
    for legs in rows.chunk_by(|one, other| one.symbol == other.symbol) {
        let Some(first) = legs.first() else { continue };
        if legs.iter().any(|leg| !leg.position_amt.is_zero()) {
            let legs: Vec<&PositionRow> = legs.iter().collect();
            answers.push(render::adl(&first.symbol, &legs));
        }
    }
    Ok(array(answers))
}

pub(super) fn income(call: &Call<'_>) -> Body {
    let params = &call.ask.params;
    let income_type = opt_word(params, "incomeType", IncomeType::parse, || Refusal::invalid("incomeType"));
    let query = IncomeQuery {
        symbol: call.opt_symbol()?.map(str::to_owned),
        income_type: income_type?,
        start_time: opt_integer(params, "startTime")?,
        end_time: opt_integer(params, "endTime")?,
        page: opt_integer(params, "page")?,
        limit: opt_integer(params, "limit")?,
    };
    Ok(array(call.state.exchange.income(call.account()?, &query)?.iter().map(render::income)))
}

fn listen_key(key: &str) -> String {
    Obj::new().text("listenKey", key).end()
}

pub(super) fn start_stream(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    Ok(listen_key(&call.state.listen.start(account, call.now)))
}

/// The key may be named, but it is the account that is asked for.
pub(super) fn keep_stream(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    if let Some(named) = call.ask.params.get("listenKey")
        && call.state.listen.owner(named) != Some(account)
    {
        return Err(Refusal::listen_key());
    }
    call.state.listen.keep(account, call.now).map(|key| listen_key(&key)).ok_or_else(Refusal::listen_key)
}

pub(super) fn close_stream(call: &mut Call<'_>) -> Body {
    let account = call.account()?;
    call.state.listen.close(account);
    Ok("{}".to_owned())
}
