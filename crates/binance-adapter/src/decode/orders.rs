//! Orders, conditional orders, their changes and their trades as facts.

use super::{
    DecodeError, Facts,
    facts::{self, list, put, start},
    refusal::refusal,
    told::Told,
};
use crate::{
    fate::{self, Act},
    translate,
    wire::{self, Lenient, Raw, Text, shape_of},
};

/// The single order that a command or a query is answered with.
pub(crate) fn order(told: &mut Told<'_>, act: Act, body: &str) -> Result<Facts, DecodeError> {
    let order: wire::OrderReply<'_> = told.read(body)?;
    order_row(told, &order, act)
}

/// Orders, some of which may be refusals.
pub(crate) fn orders(told: &mut Told<'_>, act: Act, body: &str) -> Result<Facts, DecodeError> {
    let texts: Vec<Raw<'_>> = told.peek(body)?;
    list(
        "orders",
        texts.iter().map(|text| {
            let shape = shape_of(text.0).map_err(|error| told.complaint(text.0, &error))?;
            if shape.has("code") && !shape.has("orderId") {
                let error: wire::ErrorBody<'_> = told.read(text.0)?;
                return Ok(refusal(fate::judge_row(act, error.code, error.msg.as_ref().map_or("", Text::as_str)), 400));
            }
            let order: wire::OrderReply<'_> = told.read(text.0)?;
            order_row(told, &order, act)
        }),
    )
}

fn order_row(told: &Told<'_>, order: &wire::OrderReply<'_>, act: Act) -> Result<Facts, DecodeError> {
    let mut facts = facts::order(&translate::order_reply(told.symbols, order)?);
    facts::told_price(&mut facts, &order.order_type, order.price);
    facts::book_rules(&mut facts, order.stp_mode.as_ref(), order.price_match.as_ref());
    // A row that carries both an order and a refusal was refused, whatever else it repeats.
    if let Some(code) = order.code.filter(|code| *code < 0) {
        let text = order.msg.as_ref().map_or("", Text::as_str);
        facts.extend(refusal(fate::judge_row(act, code, text), 400));
    }
    Ok(facts)
}

/// One conditional order.
pub(crate) fn algo(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let order: wire::AlgoOrder<'_> = told.read(body)?;
    algo_row(told, &order)
}

/// Conditional orders.
pub(crate) fn algos(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let orders: Vec<wire::AlgoOrder<'_>> = told.read(body)?;
    list("orders", orders.iter().map(|order| algo_row(told, order)))
}

fn algo_row(told: &Told<'_>, order: &wire::AlgoOrder<'_>) -> Result<Facts, DecodeError> {
    let Some(report) = translate::algo_order(told.symbols, order)? else {
        return Ok(algo_ids(order.algo_id, &order.client_algo_id));
    };
    let mut facts = facts::order(&report);
    if let (Some(order_type), Some(price)) = (&order.order_type, order.price) {
        facts::told_price(&mut facts, order_type, price.into());
    }
    facts::book_rules(&mut facts, order.stp_mode.as_ref(), order.price_match.as_ref());
    facts::triggered(&mut facts, order.trigger_time, order.actual_type.as_ref(), order.activated);
    facts.insert("conditional".into(), true.into());
    Ok(facts)
}

/// The reply to the cancel of a conditional order: it names the order and does not tell how it stands.
pub(crate) fn algo_cancel(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::AlgoCancelReply<'_> = told.read(body)?;
    let mut facts = algo_ids(reply.algo_id, &reply.client_algo_id);
    put(&mut facts, "text", reply.msg.as_ref().map(ToString::to_string));
    match reply.code.as_ref().map(|code| (code.number(), code.to_string())) {
        Some((Some(200), _)) | None => {}
        Some((Some(code), _)) => {
            let text = reply.msg.as_ref().map_or("", Text::as_str);
            facts.extend(refusal(fate::judge_row(Act::Cancel, code, text), 400));
        }
        Some((None, code)) => return Err(DecodeError::NoDecoder(format!("an acknowledgement with code `{code}`"))),
    }
    Ok(facts)
}

fn algo_ids(algo_id: u64, client_algo_id: &Text<'_>) -> Facts {
    let mut facts = start("acknowledged");
    facts.insert("algo_id".into(), algo_id.to_string().into());
    facts.insert("cl_ord_id".into(), client_algo_id.as_str().into());
    facts.insert("conditional".into(), true.into());
    facts
}

/// What was changed about an order.
pub(crate) fn amendments(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let amendments: Vec<wire::Amendment<'_>> = told.read(body)?;
    list(
        "amendments",
        amendments.iter().map(|row| {
            let mut facts = start("amendment");
            facts.insert("instrument".into(), told.instrument(row.symbol.as_str())?.into());
            facts.insert("order_id".into(), row.order_id.to_string().into());
            facts.insert("cl_ord_id".into(), row.client_order_id.as_str().into());
            facts.insert("time".into(), row.time.into());
            facts.insert("price_before".into(), row.amendment.price.before.0.to_string().into());
            facts.insert("price".into(), row.amendment.price.after.0.to_string().into());
            facts.insert("qty_before".into(), row.amendment.orig_qty.before.0.to_string().into());
            facts.insert("qty".into(), row.amendment.orig_qty.after.0.to_string().into());
            put(&mut facts, "modify_id", row.amendment.modify_id.as_ref().and_then(Lenient::number));
            Ok(facts)
        }),
    )
}

/// When the orders of a symbol will be cancelled.
pub(crate) fn countdown(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::Countdown<'_> = told.read(body)?;
    let mut facts = start("countdown");
    facts.insert("instrument".into(), told.instrument(reply.symbol.as_str())?.into());
    facts.insert(
        "cancel_after_ms".into(),
        reply.countdown.number().map_or_else(|| reply.countdown.to_string().into(), Into::into),
    );
    Ok(facts)
}

/// Trades of the account.
pub(crate) fn trades(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let trades: Vec<wire::UserTrade<'_>> = told.read(body)?;
    list("trades", trades.iter().map(|trade| Ok(facts::trade(&translate::user_trade(told.symbols, trade)?))))
}
