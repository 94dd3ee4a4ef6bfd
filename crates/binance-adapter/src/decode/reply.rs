//! Replies as facts: the envelope of REST as it is piped in, the envelope of the WebSocket API, and a body without either. What
//! they are about stands in `subject`, what they say in the files of the subjects.

use super::{
    DecodeError, Facts, account, convert,
    facts::{put, start},
    market, orders,
    refusal::refusal,
    subject::{self, Subject},
    told::Told,
};
use crate::{
    fate::{self, Act},
    wire::{self, Raw, Text, shape_of, wire},
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

/// A REST reply in its envelope.
pub(crate) fn rest(told: &mut Told<'_>) -> Result<Facts, DecodeError> {
    let piped: PipedReply<'_> = told.peek(told.document)?;
    let method = piped.method.as_ref().map_or("GET", Text::as_str);
    let path = piped.path.as_str().split('?').next().unwrap_or_default();
    told.name(format!("{} {}", clip(method), clip(path)));
    told.note(&piped);
    // A body that was no JSON comes as a text with the body inside.
    let quoted: Option<String> = if piped.body.0.starts_with('"') { Some(told.peek(piped.body.0)?) } else { None };
    let body = quoted.as_deref().unwrap_or(piped.body.0);
    let act = act(method, path);
    let status = piped.status.unwrap_or(200);
    if !(200..300).contains(&status) {
        if let Ok(error) = wire::read::<wire::ErrorBody<'_>>(body) {
            told.note(&error);
        }
        return Ok(refusal(fate::judge(act, status, body), status));
    }
    let subject = subject::by_path(method, path).ok_or_else(|| DecodeError::NoDecoder(format!("{method} {path}")))?;
    // The envelope may have left its status out.
    if piped.status.is_none() && is_refusal(told, body)? {
        return account::acknowledged(told, act, body);
    }
    facts_of(told, subject, act, body)
}

fn is_refusal(told: &Told<'_>, body: &str) -> Result<bool, DecodeError> {
    let shape = shape_of(body).map_err(|error| told.complaint(body, &error))?;
    Ok(!shape.is_list() && shape.is_only(&["code", "msg"]) && wire::read::<wire::ErrorBody<'_>>(body).is_ok_and(|e| e.code < 0))
}

/// A reply of the WebSocket API. It does not say what was asked, so its shape must.
pub(crate) fn websocket(told: &mut Told<'_>) -> Result<Facts, DecodeError> {
    let reply: wire::WebSocketReply<'_> = told.peek(told.document)?;
    told.name("reply");
    told.note(&reply);
    let mut facts = if let Some(error) = &reply.error {
        // What was asked is not known: an order is the case in which least may be concluded.
        let text = error.msg.as_ref().map_or("", Text::as_str);
        let body = fate::judge_row(Act::Place, error.code, text);
        let mut facts = match reply.status {
            400..=499 => refusal(body, reply.status),
            status => refusal(fate::Fate::Unknown { code: Some(error.code) }, status),
        };
        put(&mut facts, "retry_at", error.data.as_ref().and_then(|data| data.retry_after));
        facts
    } else {
        let Some(result) = reply.result else {
            return Err(DecodeError::NoDecoder("a reply without a result".into()));
        };
        bare(told, result.0, "a result")?
    };
    put(&mut facts, "request_id", reply.id.as_ref().map(ToString::to_string));
    Ok(facts)
}

/// A body without an envelope, by its shape.
pub(crate) fn bare(told: &mut Told<'_>, body: &str, what: &str) -> Result<Facts, DecodeError> {
    let shape = shape_of(body).map_err(|error| told.complaint(body, &error))?;
    if shape.is_list() && shape.is_empty_list() {
        let mut facts = start("rows");
        facts.insert("rows".into(), serde_json::json!([]));
        return Ok(facts);
    }
    let subject =
        subject::by_shape(&shape).ok_or_else(|| DecodeError::NoDecoder(format!("{what} with {}", shape.keys_told())))?;
    told.name(subject.word());
    facts_of(told, subject, Act::Place, body)
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

fn facts_of(told: &mut Told<'_>, subject: Subject, act: Act, body: &str) -> Result<Facts, DecodeError> {
    match subject {
        Subject::Order => orders::order(told, act, body),
        Subject::Orders => orders::orders(told, act, body),
        Subject::Algo => orders::algo(told, body),
        Subject::Algos => orders::algos(told, body),
        Subject::AlgoCancel => orders::algo_cancel(told, body),
        Subject::Amendments => orders::amendments(told, body),
        Subject::Countdown => orders::countdown(told, body),
        Subject::Trades => orders::trades(told, body),
        Subject::Positions => account::positions(told, body),
        Subject::Position => account::position(told, body),
        Subject::AccountPosition => account::account_position(told, body),
        Subject::PositionMargin => account::position_margin(told, body),
        Subject::MarginChanges => account::margin_changes(told, body),
        Subject::AdlRanks => account::adl_ranks(told, body),
        Subject::Balances => account::balances(told, body),
        Subject::Account => account::account(told, body),
        Subject::PortfolioAccount => account::portfolio(told, body),
        Subject::AccountConfig => account::account_config(told, body),
        Subject::SymbolConfig => account::symbol_config(told, body),
        Subject::PositionMode => account::position_mode(told, body),
        Subject::MultiAssets => account::multi_assets(told, body),
        Subject::Leverage => account::leverage(told, body),
        Subject::Brackets => account::brackets(told, body),
        Subject::FeeBurn => account::fee_burn(told, body),
        Subject::Commission => account::commission(told, body),
        Subject::Income => account::income(told, body),
        Subject::Download => account::download(told, body),
        Subject::TradingRules => account::trading_rules(told, body),
        Subject::OrderLimits => account::order_limits(told, body),
        Subject::Acknowledged => account::acknowledged(told, act, body),
        Subject::ListenKey => account::listen_key(told, body),
        Subject::Session => session(told, body),
        Subject::Info => market::info(told, body),
        Subject::ServerTime => market::server_time(told, body),
        Subject::Mark => market::mark(told, body),
        Subject::PublicTrades => market::public_trades(told, body),
        Subject::AggregateTrades => market::aggregate_trades(told, body),
        Subject::AdlRisk => market::adl_risk(told, body),
        Subject::ConvertPairs => convert::pairs(told, body),
        Subject::ConvertQuote => convert::quote(told, body),
        Subject::ConvertOrder => convert::order(told, body),
    }
}

/// How a session of the WebSocket API stands.
fn session(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let session: wire::SessionStatus<'_> = told.read(body)?;
    let mut facts = start("session");
    facts.insert("authorized".into(), session.authorized_since.is_some().into());
    put(&mut facts, "authorized_since", session.authorized_since);
    facts.insert("connected_since".into(), session.connected_since.into());
    put(&mut facts, "time", session.server_time);
    Ok(facts)
}

/// What is counted by name must not become a name without end.
fn clip(name: &str) -> String {
    name.chars().take(80).collect()
}
