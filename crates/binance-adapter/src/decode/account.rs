//! The account as facts: positions, balances, margin, settings, income. Not orders and trades.

use exec_core::units::PositionMode;

use super::{
    DecodeError, Facts,
    facts::{self, list, put, rows, start},
    refusal::refusal,
    told::Told,
};
use crate::{
    fate::{self, Act},
    translate,
    wire::{self, Lenient, Text, shape_of},
};

/// The rows of the position list.
pub(crate) fn positions(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let positions: Vec<wire::PositionRow<'_>> = told.read(body)?;
    list("positions", positions.iter().map(|row| position_row(told, row)))
}

/// One row of the position list.
pub(crate) fn position(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let row: wire::PositionRow<'_> = told.read(body)?;
    position_row(told, &row)
}

fn position_row(told: &Told<'_>, row: &wire::PositionRow<'_>) -> Result<Facts, DecodeError> {
    let mut facts = facts::position(&translate::position(told.symbols, row)?);
    put(&mut facts, "adl_rank", row.adl_rank);
    facts.insert("updated".into(), row.update_time.into());
    Ok(facts)
}

/// One position of the account document.
pub(crate) fn account_position(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let row: wire::PositionV2<'_> = told.read(body)?;
    account_position_row(told, &row)
}

fn account_position_row(told: &Told<'_>, row: &wire::PositionV2<'_>) -> Result<Facts, DecodeError> {
    let mut facts = facts::position(&translate::account_position(told.symbols, row)?);
    put(&mut facts, "leverage", row.leverage.as_ref().and_then(Lenient::number));
    put(&mut facts, "isolated", row.isolated);
    put(&mut facts, "updated", row.update_time);
    Ok(facts)
}

/// The rows of the balance list.
pub(crate) fn balances(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let balances: Vec<wire::BalanceRow<'_>> = told.read(body)?;
    list("balances", balances.iter().map(|row| Ok(facts::balance(&translate::balance(row)?))))
}

/// The account document.
pub(crate) fn account(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let account: wire::AccountV3<'_> = told.read(body)?;
    let mut facts = start("account");
    let balances = account.assets.iter().map(|row| Ok(facts::balance(&translate::account_balance(row)?)));
    facts.insert("balances".into(), rows(balances.collect::<Result<Vec<_>, DecodeError>>()?.into_iter()));
    let positions = account.positions.iter().map(|row| account_position_row(told, row));
    facts.insert("positions".into(), rows(positions.collect::<Result<Vec<_>, DecodeError>>()?.into_iter()));
    put(&mut facts, "wallet", account.wallet_balance.map(|amount| amount.0.to_string()));
    put(&mut facts, "unrealized", account.unrealized_pnl.map(|amount| amount.0.to_string()));
    put(&mut facts, "available", account.available_balance.map(|amount| amount.0.to_string()));
    put(&mut facts, "margin_balance", account.margin_balance.map(|amount| amount.0.to_string()));
    put(&mut facts, "maint_margin", account.maint_margin.map(|amount| amount.0.to_string()));
    put(&mut facts, "can_trade", account.can_trade);
    put(&mut facts, "multi_assets", account.multi_assets);
    Ok(facts)
}

/// What may be withdrawn from a portfolio-margin account.
pub(crate) fn portfolio(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let account: wire::PortfolioAccount<'_> = told.read(body)?;
    let mut facts = start("portfolio_account");
    facts.insert("asset".into(), account.asset.as_str().into());
    facts.insert("withdrawable".into(), account.withdrawable.0.to_string().into());
    put(&mut facts, "withdrawable_usd", account.withdrawable_usd.map(|amount| amount.0.to_string()));
    Ok(facts)
}

/// How margin was moved to or from one position.
pub(crate) fn position_margin(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::PositionMarginReply<'_> = told.read(body)?;
    let text = reply.msg.as_ref().map_or("", Text::as_str);
    if reply.code != 200 {
        return Ok(refusal(fate::judge_row(Act::Setup, reply.code, text), 200));
    }
    let mut facts = start("position_margin");
    facts.insert("amount".into(), reply.amount.to_string().into());
    facts.insert("moved".into(), moved(reply.kind).into());
    Ok(facts)
}

/// How margin was moved before.
pub(crate) fn margin_changes(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let changes: Vec<wire::PositionMarginChange<'_>> = told.read(body)?;
    list(
        "margin_changes",
        changes.iter().map(|row| {
            let mut facts = start("position_margin");
            facts.insert("instrument".into(), told.instrument(row.symbol.as_str())?.into());
            put(&mut facts, "leg", row.position_side.as_ref().map(facts::leg_word));
            facts.insert("amount".into(), row.amount.to_string().into());
            facts.insert("asset".into(), row.asset.as_str().into());
            facts.insert("moved".into(), moved(row.kind).into());
            put(&mut facts, "cause", row.cause.as_ref().map(ToString::to_string));
            facts.insert("time".into(), row.time.into());
            Ok(facts)
        }),
    )
}

fn moved(kind: i64) -> String {
    match kind {
        1 => "added".into(),
        2 => "taken away".into(),
        other => format!("type {other}"),
    }
}

/// Ranks in the queue for deleveraging.
pub(crate) fn adl_ranks(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let told_ranks: Vec<wire::AdlQuantile<'_>> = told.read(body)?;
    list(
        "adl_ranks",
        told_ranks.iter().map(|row| {
            let mut facts = start("adl_rank");
            facts.insert("instrument".into(), told.instrument(row.symbol.as_str())?.into());
            put(&mut facts, "net", row.ranks.net);
            put(&mut facts, "long", row.ranks.long);
            put(&mut facts, "short", row.ranks.short);
            put(&mut facts, "hedged", row.ranks.hedge.map(|_| true));
            Ok(facts)
        }),
    )
}

/// Settings of the account.
pub(crate) fn account_config(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let config: wire::AccountConfig<'_> = told.read(body)?;
    let mut facts = start("account_settings");
    facts.insert("position_mode".into(), mode(config.dual_side).into());
    facts.insert("can_trade".into(), config.can_trade.into());
    put(&mut facts, "can_withdraw", config.can_withdraw);
    put(&mut facts, "multi_assets", config.multi_assets);
    put(&mut facts, "fee_tier", config.fee_tier);
    Ok(facts)
}

/// Settings of instruments.
pub(crate) fn symbol_config(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let configs: Vec<wire::SymbolConfig<'_>> = told.read(body)?;
    list(
        "settings",
        configs.iter().map(|config| {
            let mut facts = start("instrument_settings");
            facts.insert("instrument".into(), told.instrument(config.symbol.as_str())?.into());
            facts.insert("leverage".into(), config.leverage.into());
            facts.insert("margin_type".into(), config.margin_type.as_str().into());
            Ok(facts)
        }),
    )
}

/// Netting or hedging.
pub(crate) fn position_mode(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::PositionMode<'_> = told.read(body)?;
    let mut facts = start("position_mode");
    facts.insert("position_mode".into(), mode(reply.dual_side).into());
    Ok(facts)
}

/// Whether margin is shared over assets.
pub(crate) fn multi_assets(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::MultiAssetsMode<'_> = told.read(body)?;
    let mut facts = start("multi_assets");
    facts.insert("multi_assets".into(), reply.on.into());
    Ok(facts)
}

/// Whether fees are paid in BNB.
pub(crate) fn fee_burn(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::FeeBurn<'_> = told.read(body)?;
    let mut facts = start("fee_burn");
    facts.insert("fees_in_bnb".into(), reply.on.into());
    Ok(facts)
}

/// The leverage that was set.
pub(crate) fn leverage(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::LeverageReply<'_> = told.read(body)?;
    let mut facts = start("leverage");
    facts.insert("instrument".into(), told.instrument(reply.symbol.as_str())?.into());
    facts.insert("leverage".into(), reply.leverage.into());
    put(&mut facts, "notional_max", reply.max_notional.as_ref().map(ToString::to_string));
    Ok(facts)
}

/// Brackets by notional, of one symbol or of many.
pub(crate) fn brackets(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    if shape_of(body).map_err(|error| told.complaint(body, &error))?.is_list() {
        let told_brackets: Vec<wire::LeverageBrackets<'_>> = told.read(body)?;
        return list("leverage_brackets", told_brackets.iter().map(|row| bracket_rows(told, row)));
    }
    let row: wire::LeverageBrackets<'_> = told.read(body)?;
    bracket_rows(told, &row)
}

fn bracket_rows(told: &Told<'_>, told_brackets: &wire::LeverageBrackets<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("leverage_brackets");
    facts.insert("instrument".into(), told.instrument(told_brackets.symbol.as_str())?.into());
    put(&mut facts, "notional_coefficient", told_brackets.notional_coefficient.as_ref().map(ToString::to_string));
    let told_rows = told_brackets.brackets.iter().map(|bracket| {
        let mut facts = Facts::new();
        facts.insert("leverage_max".into(), bracket.leverage_max.into());
        facts.insert("notional_from".into(), bracket.notional_floor.to_string().into());
        facts.insert("notional_to".into(), bracket.notional_cap.to_string().into());
        facts.insert("maint_margin_ratio".into(), bracket.maint_margin_ratio.to_string().into());
        facts.insert("maint_margin_less".into(), bracket.cumulative.to_string().into());
        facts
    });
    facts.insert("brackets".into(), rows(told_rows));
    Ok(facts)
}

/// Fee rates.
pub(crate) fn commission(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let rate: wire::CommissionRate<'_> = told.read(body)?;
    let mut facts = start("fee_rates");
    facts.insert("instrument".into(), told.instrument(rate.symbol.as_str())?.into());
    facts.insert("maker".into(), rate.maker.0.to_string().into());
    facts.insert("taker".into(), rate.taker.0.to_string().into());
    put(&mut facts, "rpi", rate.rpi.map(|rate| rate.0.to_string()));
    Ok(facts)
}

/// What was earned and paid.
pub(crate) fn income(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let income: Vec<wire::IncomeRow<'_>> = told.read(body)?;
    list(
        "income",
        income.iter().map(|row| {
            let mut facts = start("income");
            if let Some(symbol) = row.symbol.as_ref().filter(|symbol| !symbol.as_str().is_empty()) {
                facts.insert("instrument".into(), told.instrument(symbol.as_str())?.into());
            }
            facts.insert("reason".into(), row.kind.as_str().into());
            facts.insert("amount".into(), row.income.0.to_string().into());
            facts.insert("asset".into(), row.asset.as_str().into());
            facts.insert("transaction_id".into(), row.transaction_id.to_string().into());
            let trade_id = row.trade_id.as_ref().map(ToString::to_string).filter(|id| !id.is_empty());
            put(&mut facts, "trade_id", trade_id);
            put(&mut facts, "text", row.info.as_ref().map(ToString::to_string));
            facts.insert("time".into(), row.time.into());
            Ok(facts)
        }),
    )
}

/// A history that can be downloaded. Whoever has the link has the history, so it is not printed.
pub(crate) fn download(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::Download<'_> = told.read(body)?;
    let mut facts = start("download");
    facts.insert("download_id".into(), reply.id.to_string().into());
    put(&mut facts, "status", reply.status.as_ref().map(ToString::to_string));
    put(&mut facts, "expires", reply.expires.as_ref().and_then(Lenient::number));
    put(&mut facts, "expired", reply.expired);
    put(&mut facts, "withheld", reply.url.as_ref().map(|_| true));
    Ok(facts)
}

/// Rules of conduct and how near the account comes to them.
pub(crate) fn trading_rules(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::TradingRules<'_> = told.read(body)?;
    let mut found = Vec::new();
    for (scope, rules) in &reply.indicators.rows {
        for rule in rules {
            let mut facts = start("trading_rule");
            if scope.as_str() != "ACCOUNT" {
                facts.insert("instrument".into(), told.instrument(scope.as_str())?.into());
            }
            facts.insert("rule".into(), rule.indicator.as_str().into());
            facts.insert("locked".into(), rule.locked.into());
            put(&mut facts, "value", rule.value.as_ref().map(ToString::to_string));
            put(&mut facts, "locks_at", rule.trigger.as_ref().map(ToString::to_string));
            put(&mut facts, "until", rule.recovers);
            found.push(facts);
        }
    }
    list("trading_rules", found.into_iter().map(Ok))
}

/// How many orders the account may send.
pub(crate) fn order_limits(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let limits: Vec<wire::RateLimit<'_>> = told.read(body)?;
    list(
        "limits",
        limits.iter().map(|limit| {
            let mut facts = start("limit");
            facts.insert("counts".into(), limit.kind.as_str().into());
            facts.insert("window".into(), format!("{} {}", limit.interval_num, limit.interval.as_str()).into());
            facts.insert("limit".into(), limit.limit.into());
            put(&mut facts, "used", limit.count);
            Ok(facts)
        }),
    )
}

/// The key of the private stream. Whoever has it reads the account's stream, so it is not printed.
pub(crate) fn listen_key(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::ListenKey<'_> = told.read(body)?;
    let mut facts = start("listen_key");
    facts.insert("withheld".into(), reply.key.is_some().into());
    Ok(facts)
}

/// A code and a text, or nothing at all: done, or refused.
pub(crate) fn acknowledged(told: &mut Told<'_>, act: Act, body: &str) -> Result<Facts, DecodeError> {
    if shape_of(body).map_err(|error| told.complaint(body, &error))?.is_empty() {
        return Ok(start("acknowledged"));
    }
    let reply: wire::ErrorBody<'_> = told.read(body)?;
    let text = reply.msg.as_ref().map_or("", Text::as_str);
    if reply.code != 200 {
        return Ok(refusal(fate::judge_row(act, reply.code, text), 400));
    }
    let mut facts = start("acknowledged");
    facts.insert("code".into(), reply.code.into());
    facts.insert("text".into(), text.into());
    Ok(facts)
}

const fn mode(dual_side: bool) -> &'static str {
    match if dual_side { PositionMode::Hedging } else { PositionMode::Netting } {
        PositionMode::Netting => "NETTING",
        PositionMode::Hedging => "HEDGING",
    }
}
