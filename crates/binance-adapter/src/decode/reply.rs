//! Replies as facts: which endpoint a REST reply answers, which shape a reply of the WebSocket API has, and what a refusal
//! means by the one table of fates.

use exec_core::{
    instrument::{Instrument, TradingStatus},
    units::PositionMode,
};

use super::{
    DecodeError, Facts, body_text,
    facts::{self, class, names, put, rows, start},
};
use crate::{
    fate::{self, Act, Fate},
    translate::{self, Symbols},
    wire::{self, Raw, Text, Unknowns, shape_of, wire},
};

wire! {
    /// A REST reply as it is piped in.
    pub(crate) struct PipedReply<'a> {
        must {
            /// Path, with or without its query.
            "path" path: Text<'a>,
            /// Body.
            "body" body: Raw<'a>,
        }
        may {
            /// Method; GET if absent.
            "method" method: Text<'a>,
            /// Status; 200 if absent.
            "status" status: u16,
        }
    }
}

/// What a reply is about, as far as its facts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Order,
    Orders,
    Algo,
    Algos,
    Trades,
    Positions,
    Balances,
    Account,
    AccountConfig,
    SymbolConfig,
    PositionMode,
    MultiAssets,
    Leverage,
    Acknowledged,
    ListenKey,
    Info,
    ServerTime,
    Mark,
    Amendments,
}

/// A REST reply.
pub(crate) fn rest(symbols: &Symbols, document: &str) -> Result<Facts, DecodeError> {
    let piped: PipedReply<'_> = wire::read(document)?;
    let method = piped.method.as_ref().map_or("GET", Text::as_str);
    let path = piped.path.as_str().split('?').next().unwrap_or_default();
    let status = piped.status.unwrap_or(200);
    let body = body_text(&piped.body)?;
    let act = act(method, path);
    if !(200..300).contains(&status) {
        return Ok(refusal(fate::judge(act, status, &body), status));
    }
    let subject = subject(method, path).ok_or_else(|| DecodeError::NoDecoder(format!("{method} {path}")))?;
    facts_of(symbols, subject, act, &body)
}

/// A reply of the WebSocket API. It does not say what was asked, so its shape must.
pub(crate) fn websocket(symbols: &Symbols, document: &str) -> Result<Facts, DecodeError> {
    let reply: wire::WebSocketReply<'_> = wire::read(document)?;
    if let Some(error) = &reply.error {
        let text = error.msg.as_ref().map_or("", Text::as_str);
        return Ok(refusal(fate::judge_row(Act::Place, error.code, text), reply.status));
    }
    let Some(result) = reply.result else {
        return Err(DecodeError::NoDecoder("a reply without a result".into()));
    };
    let subject = by_shape(result.0)?.ok_or_else(|| DecodeError::NoDecoder("a result of this shape".into()))?;
    let mut facts = facts_of(symbols, subject, Act::Place, result.0)?;
    put(&mut facts, "request_id", reply.id.as_ref().map(ToString::to_string));
    Ok(facts)
}

fn act(method: &str, path: &str) -> Act {
    let order_entry = path.ends_with("/order") || path.ends_with("/batchOrders") || path.ends_with("/algoOrder");
    match method {
        "POST" if order_entry || path.ends_with("/order/test") => Act::Place,
        "PUT" if order_entry => Act::Replace,
        "DELETE" if order_entry || path.ends_with("OpenOrders") => Act::Cancel,
        "GET" => Act::Query,
        _ => Act::Setup,
    }
}

fn subject(method: &str, path: &str) -> Option<Subject> {
    let name = path.strip_prefix("/fapi/")?.split_once('/')?.1;
    Some(match (method, name) {
        ("POST" | "PUT" | "DELETE" | "GET", "order") | ("GET", "openOrder") | ("POST", "order/test") => Subject::Order,
        (_, "batchOrders") | ("GET", "openOrders" | "allOrders" | "forceOrders") => Subject::Orders,
        (_, "algoOrder") => Subject::Algo,
        ("GET", "openAlgoOrders" | "allAlgoOrders") => Subject::Algos,
        ("GET", "userTrades") => Subject::Trades,
        ("GET", "positionRisk") => Subject::Positions,
        ("GET", "balance") => Subject::Balances,
        ("GET", "account") => Subject::Account,
        ("GET", "accountConfig") => Subject::AccountConfig,
        ("GET", "symbolConfig") => Subject::SymbolConfig,
        ("GET", "positionSide/dual") => Subject::PositionMode,
        ("GET", "multiAssetsMargin") => Subject::MultiAssets,
        ("POST", "leverage") => Subject::Leverage,
        ("POST", "positionSide/dual" | "marginType" | "multiAssetsMargin")
        | ("DELETE", "allOpenOrders" | "algoOpenOrders" | "listenKey") => Subject::Acknowledged,
        ("POST" | "PUT", "listenKey") => Subject::ListenKey,
        ("GET", "exchangeInfo") => Subject::Info,
        ("GET", "time") => Subject::ServerTime,
        ("GET", "premiumIndex") => Subject::Mark,
        ("GET", "orderAmendment") => Subject::Amendments,
        _ => return None,
    })
}

fn by_shape(result: &str) -> Result<Option<Subject>, DecodeError> {
    let shape = shape_of(result)?;
    Ok(if shape.is_list() {
        if shape.has("positionAmt") {
            Some(Subject::Positions)
        } else if shape.has("balance") {
            Some(Subject::Balances)
        } else if shape.has("orderId") {
            Some(Subject::Orders)
        } else {
            None
        }
    } else if shape.has("algoId") {
        Some(Subject::Algo)
    } else if shape.has("orderId") {
        Some(Subject::Order)
    } else if shape.has("assets") {
        Some(Subject::Account)
    } else if shape.has("listenKey") {
        Some(Subject::ListenKey)
    } else if shape.is_empty() {
        Some(Subject::Acknowledged)
    } else {
        None
    })
}

fn facts_of(symbols: &Symbols, subject: Subject, act: Act, body: &str) -> Result<Facts, DecodeError> {
    let mut unknown = Vec::new();
    let mut facts = match subject {
        Subject::Order => {
            let order: wire::OrderReply<'_> = wire::read(body)?;
            order.unknown_names("", &mut unknown);
            order_row(symbols, &order, act)?
        }
        Subject::Orders => order_list(symbols, act, body, &mut unknown)?,
        Subject::Algo => {
            let order: wire::AlgoOrder<'_> = wire::read(body)?;
            order.unknown_names("", &mut unknown);
            algo_row(symbols, &order)?
        }
        Subject::Algos => {
            let orders: Vec<wire::AlgoOrder<'_>> = wire::read(body)?;
            orders.unknown_names("", &mut unknown);
            list("orders", orders.iter().map(|order| algo_row(symbols, order)))?
        }
        Subject::Trades => {
            let trades: Vec<wire::UserTrade<'_>> = wire::read(body)?;
            trades.unknown_names("", &mut unknown);
            list("trades", trades.iter().map(|trade| Ok(facts::trade(&translate::user_trade(symbols, trade)?))))?
        }
        Subject::Positions => {
            let positions: Vec<wire::PositionRow<'_>> = wire::read(body)?;
            positions.unknown_names("", &mut unknown);
            list("positions", positions.iter().map(|row| position_row(symbols, row)))?
        }
        Subject::Balances => {
            let balances: Vec<wire::BalanceRow<'_>> = wire::read(body)?;
            balances.unknown_names("", &mut unknown);
            list("balances", balances.iter().map(|row| Ok(facts::balance(&translate::balance(row)?))))?
        }
        Subject::Account => {
            let account: wire::AccountV3<'_> = wire::read(body)?;
            account.unknown_names("", &mut unknown);
            account_facts(symbols, &account)?
        }
        Subject::Amendments => {
            let rows: Vec<wire::Amendment<'_>> = wire::read(body)?;
            rows.unknown_names("", &mut unknown);
            list("amendments", rows.iter().map(|row| amendment_row(symbols, row)))?
        }
        Subject::AccountConfig
        | Subject::SymbolConfig
        | Subject::PositionMode
        | Subject::MultiAssets
        | Subject::Leverage
        | Subject::Acknowledged
        | Subject::ListenKey => setting(symbols, subject, body, &mut unknown)?,
        Subject::Info | Subject::ServerTime | Subject::Mark => public(symbols, subject, body, &mut unknown)?,
    };
    facts.insert("unknown".into(), names(&unknown));
    Ok(facts)
}

/// The single order that a command or a query is answered with.
fn order_row(symbols: &Symbols, order: &wire::OrderReply<'_>, act: Act) -> Result<Facts, DecodeError> {
    let mut facts = facts::order(&translate::order_reply(symbols, order)?);
    facts::told_price(&mut facts, &order.order_type, order.price);
    // A row that carries both an order and a refusal was refused, whatever else it repeats.
    if let Some(code) = order.code.filter(|code| *code < 0) {
        let text = order.msg.as_ref().map_or("", Text::as_str);
        facts.extend(refusal(fate::judge_row(act, code, text), 400));
    }
    Ok(facts)
}

/// Orders, some of which may be refusals.
fn order_list(symbols: &Symbols, act: Act, body: &str, unknown: &mut Vec<String>) -> Result<Facts, DecodeError> {
    let texts: Vec<Raw<'_>> = wire::read(body)?;
    list(
        "orders",
        texts.iter().map(|text| {
            if shape_of(text.0)?.has("orderId") {
                let order: wire::OrderReply<'_> = wire::read(text.0)?;
                order.unknown_names("", unknown);
                return order_row(symbols, &order, act);
            }
            let error: wire::ErrorBody<'_> = wire::read(text.0)?;
            error.unknown_names("", unknown);
            Ok(refusal(fate::judge_row(act, error.code, error.msg.as_ref().map_or("", Text::as_str)), 400))
        }),
    )
}

fn algo_row(symbols: &Symbols, order: &wire::AlgoOrder<'_>) -> Result<Facts, DecodeError> {
    let mut facts = match translate::algo_order(symbols, order)? {
        Some(report) => facts::order(&report),
        None => {
            let mut facts = start("acknowledged");
            facts.insert("algo_id".into(), order.algo_id.to_string().into());
            facts.insert("cl_ord_id".into(), order.client_algo_id.as_str().into());
            put(&mut facts, "code", order.code.as_ref().map(ToString::to_string));
            facts
        }
    };
    facts.insert("conditional".into(), true.into());
    Ok(facts)
}

fn position_row(symbols: &Symbols, row: &wire::PositionRow<'_>) -> Result<Facts, DecodeError> {
    let mut facts = facts::position(&translate::position(symbols, row)?);
    facts.insert("updated".into(), row.update_time.into());
    Ok(facts)
}

fn account_facts(symbols: &Symbols, account: &wire::AccountV3<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("account");
    let balances = account.assets.iter().map(|row| Ok(facts::balance(&translate::account_balance(row)?)));
    facts.insert("balances".into(), rows(balances.collect::<Result<Vec<_>, DecodeError>>()?.into_iter()));
    let positions = account.positions.iter().map(|row| Ok(facts::position(&translate::account_position(symbols, row)?)));
    facts.insert("positions".into(), rows(positions.collect::<Result<Vec<_>, DecodeError>>()?.into_iter()));
    put(&mut facts, "margin_balance", account.margin_balance.map(|amount| amount.0.to_string()));
    put(&mut facts, "maint_margin", account.maint_margin.map(|amount| amount.0.to_string()));
    Ok(facts)
}

fn amendment_row(symbols: &Symbols, row: &wire::Amendment<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("amendment");
    facts.insert("instrument".into(), instrument_id(symbols, row.symbol.as_str())?.into());
    facts.insert("order_id".into(), row.order_id.to_string().into());
    facts.insert("cl_ord_id".into(), row.client_order_id.as_str().into());
    facts.insert("time".into(), row.time.into());
    facts.insert("price_before".into(), row.amendment.price.before.0.to_string().into());
    facts.insert("price".into(), row.amendment.price.after.0.to_string().into());
    facts.insert("qty_before".into(), row.amendment.orig_qty.before.0.to_string().into());
    facts.insert("qty".into(), row.amendment.orig_qty.after.0.to_string().into());
    put(&mut facts, "modify_id", row.amendment.modify_id);
    Ok(facts)
}

fn setting(symbols: &Symbols, subject: Subject, body: &str, unknown: &mut Vec<String>) -> Result<Facts, DecodeError> {
    Ok(match subject {
        Subject::AccountConfig => {
            let config: wire::AccountConfig<'_> = wire::read(body)?;
            config.unknown_names("", unknown);
            let mut facts = start("account_settings");
            facts.insert("position_mode".into(), mode(config.dual_side).into());
            facts.insert("can_trade".into(), config.can_trade.into());
            put(&mut facts, "can_withdraw", config.can_withdraw);
            put(&mut facts, "multi_assets", config.multi_assets);
            facts
        }
        Subject::SymbolConfig => {
            let configs: Vec<wire::SymbolConfig<'_>> = wire::read(body)?;
            configs.unknown_names("", unknown);
            list(
                "settings",
                configs.iter().map(|config| {
                    let mut facts = start("instrument_settings");
                    facts.insert("instrument".into(), instrument_id(symbols, config.symbol.as_str())?.into());
                    facts.insert("leverage".into(), config.leverage.into());
                    facts.insert("margin_type".into(), config.margin_type.as_str().into());
                    Ok(facts)
                }),
            )?
        }
        Subject::PositionMode => {
            let told: wire::PositionMode<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            let mut facts = start("position_mode");
            facts.insert("position_mode".into(), mode(told.dual_side).into());
            facts
        }
        Subject::MultiAssets => {
            let told: wire::MultiAssetsMode<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            let mut facts = start("multi_assets");
            facts.insert("multi_assets".into(), told.on.into());
            facts
        }
        Subject::Leverage => {
            let told: wire::LeverageReply<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            let mut facts = start("leverage");
            facts.insert("instrument".into(), instrument_id(symbols, told.symbol.as_str())?.into());
            facts.insert("leverage".into(), told.leverage.into());
            put(&mut facts, "notional_max", told.max_notional.as_ref().map(ToString::to_string));
            facts
        }
        Subject::ListenKey => {
            let told: wire::ListenKey<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            // Whoever has the key reads the account's stream, so it is not printed.
            let mut facts = start("listen_key");
            facts.insert("withheld".into(), told.key.is_some().into());
            facts
        }
        _ => acknowledged(body, unknown)?,
    })
}

fn acknowledged(body: &str, unknown: &mut Vec<String>) -> Result<Facts, DecodeError> {
    if body.trim() == "{}" {
        return Ok(start("acknowledged"));
    }
    let told: wire::ErrorBody<'_> = wire::read(body)?;
    told.unknown_names("", unknown);
    let text = told.msg.as_ref().map_or("", Text::as_str);
    if told.code != 200 {
        return Ok(refusal(fate::judge_row(Act::Setup, told.code, text), 200));
    }
    let mut facts = start("acknowledged");
    facts.insert("code".into(), told.code.into());
    facts.insert("text".into(), text.into());
    Ok(facts)
}

fn public(symbols: &Symbols, subject: Subject, body: &str, unknown: &mut Vec<String>) -> Result<Facts, DecodeError> {
    Ok(match subject {
        Subject::ServerTime => {
            let told: wire::ServerTime<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            let mut facts = start("venue_time");
            facts.insert("time".into(), told.server_time.into());
            facts
        }
        Subject::Mark if shape_of(body)?.is_list() => {
            let told: Vec<wire::PremiumIndex<'_>> = wire::read(body)?;
            told.unknown_names("", unknown);
            list("prices", told.iter().map(|row| mark(symbols, row)))?
        }
        Subject::Mark => {
            let told: wire::PremiumIndex<'_> = wire::read(body)?;
            told.unknown_names("", unknown);
            mark(symbols, &told)?
        }
        _ => {
            let info: wire::ExchangeInfo<'_> = wire::read(body)?;
            info.unknown_names("", unknown);
            list(
                "instruments",
                info.symbols.iter().map(|row| {
                    let symbol: wire::SymbolInfo<'_> = wire::read(row.0)?;
                    symbol.unknown_names("symbols", unknown);
                    match translate::instrument(symbols, &symbol) {
                        Ok(instrument) => Ok(instrument_facts(&instrument)),
                        Err(error) => Err(DecodeError::NoDecoder(error.to_string())),
                    }
                }),
            )?
        }
    })
}

fn mark(symbols: &Symbols, row: &wire::PremiumIndex<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("price");
    facts.insert("instrument".into(), instrument_id(symbols, row.symbol.as_str())?.into());
    facts.insert("mark".into(), row.mark.0.to_string().into());
    put(&mut facts, "index", row.index.map(|price| price.0.to_string()));
    facts.insert("time".into(), row.time.into());
    Ok(facts)
}

fn instrument_facts(instrument: &Instrument) -> Facts {
    let mut facts = start("instrument");
    facts.insert("instrument".into(), instrument.id.as_str().into());
    facts.insert("base".into(), instrument.base.as_str().into());
    facts.insert("quote".into(), instrument.quote.as_str().into());
    facts.insert("settle".into(), instrument.settle.as_str().into());
    facts.insert(
        "status".into(),
        match instrument.status {
            TradingStatus::Trading => "TRADING",
            TradingStatus::Halted => "HALTED",
            TradingStatus::Closed => "CLOSED",
        }
        .into(),
    );
    for (name, value) in [
        ("price_min", instrument.price.min),
        ("price_max", instrument.price.max),
        ("price_step", instrument.price.step),
        ("qty_min", instrument.lot.min),
        ("qty_max", instrument.lot.max),
        ("qty_step", instrument.lot.step),
        ("market_qty_max", instrument.market_lot.max),
        ("notional_min", instrument.notional_min),
    ] {
        facts.insert(name.into(), value.to_string().into());
    }
    put(&mut facts, "open_orders_max", instrument.open_orders_max);
    facts
}

fn instrument_id(symbols: &Symbols, symbol: &str) -> Result<String, DecodeError> {
    let id = symbols.instrument(symbol).map_err(translate::TranslateError::from)?;
    Ok(id.as_str().to_owned())
}

const fn mode(dual_side: bool) -> &'static str {
    match if dual_side { PositionMode::Hedging } else { PositionMode::Netting } {
        PositionMode::Netting => "NETTING",
        PositionMode::Hedging => "HEDGING",
    }
}

/// What a reply that is no success means.
fn refusal(fate: Fate, status: u16) -> Facts {
    let mut facts = start("refusal");
    facts.insert("http_status".into(), status.into());
    facts.insert("unknown".into(), names(&[]));
    match fate {
        Fate::Refused { class: what, code, text } => {
            facts.insert("fate".into(), "rejected".into());
            facts.insert("class".into(), class(what).into());
            facts.insert("code".into(), code.into());
            facts.insert("text".into(), text.into());
        }
        Fate::AlreadySo => {
            facts.insert("fate".into(), "already_so".into());
        }
        Fate::Live { code } => {
            facts.insert("fate".into(), "live".into());
            facts.insert("code".into(), code.into());
        }
        Fate::NotThere => {
            facts.insert("fate".into(), "not_there".into());
        }
        Fate::Unknown { code } => {
            facts.insert("fate".into(), "unknown".into());
            put(&mut facts, "code", code);
        }
    }
    facts
}

fn list(name: &str, facts: impl Iterator<Item = Result<Facts, DecodeError>>) -> Result<Facts, DecodeError> {
    let found = facts.collect::<Result<Vec<_>, _>>()?;
    let mut facts = start(name);
    facts.insert(name.into(), rows(found.into_iter()));
    Ok(facts)
}
