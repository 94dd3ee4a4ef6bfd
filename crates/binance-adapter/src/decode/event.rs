//! Frames of the streams as facts.

use exec_core::report::ReportBody;

use super::{
    DecodeError, Facts,
    facts::{self, list, put, start},
    market,
    told::Told,
};
use crate::{
    translate,
    wire::{self, Raw, Text, UserEvent, wire},
};

wire! {
    /// What some streams put around an event.
    struct Envelope<'a> {
        may {
            /// Which stream.
            "stream" stream: Text<'a>,
            /// The event.
            "data" data: Raw<'a>,
            /// The event, as the WebSocket API calls it.
            "event" event: Raw<'a>,
        }
        skip { "subscriptionId" }
    }
}

/// Frames in a list, as some of the streams send them.
pub(crate) fn events(told: &mut Told<'_>) -> Result<Facts, DecodeError> {
    let frames: Vec<Raw<'_>> = told.peek(told.document)?;
    list("events", frames.iter().map(|frame| event(told, frame.0)))
}

/// A frame of the private stream, of the two price streams, of the stream of liquidations, or of that of contracts.
pub(crate) fn event(told: &mut Told<'_>, frame: &str) -> Result<Facts, DecodeError> {
    let (_, text) = wire::named(frame).map_err(|error| told.complaint(frame, &error))?;
    if text.len() < frame.len() {
        told.name("envelope");
        told.read::<Envelope<'_>>(frame)?;
    }
    let event = UserEvent::read(text).map_err(|error| told.complaint(text, &error))?;
    if let UserEvent::Other(name) = &event {
        told.name(name.as_str());
        return match name.as_str() {
            "bookTicker" | "markPriceUpdate" => market::price(told, text),
            "forceOrder" => market::liquidation(told, text),
            "contractInfo" => market::contract(told, text),
            other => Err(DecodeError::NoDecoder(format!("event `{other}`"))),
        };
    }
    told.name(event.name());
    told.note(&event);
    let mut facts = match &event {
        UserEvent::Order(update) => order(told, update)?,
        UserEvent::Algo(update) => algo(told, update)?,
        UserEvent::Grid(name) if name.as_str() == "GRID_UPDATE" => grid(told, text)?,
        UserEvent::Grid(_) => strategy(told, text)?,
        UserEvent::ConditionalReject(reject) => trigger_refused(told, reject)?,
        UserEvent::Lite(_)
        | UserEvent::Account(_)
        | UserEvent::Config(_)
        | UserEvent::MarginCall(_)
        | UserEvent::KeyExpired(_)
        | UserEvent::Shutdown(_)
        | UserEvent::Other(_) => match translate::body(told.symbols, &event, text)? {
            ReportBody::Unrecognised { name, .. } => return Err(DecodeError::NoDecoder(format!("`{name}` without its parts"))),
            body => facts::body(&body),
        },
    };
    match &event {
        UserEvent::Account(update) => facts::changes(told, &mut facts, update)?,
        UserEvent::MarginCall(call) => facts::called(&mut facts, call),
        UserEvent::Config(config) => put(&mut facts, "multi_assets", config.multi_assets.as_ref().map(|change| change.on)),
        _ => {}
    }
    facts.insert("event".into(), event.name().into());
    put(&mut facts, "sent", translate::sent(&event).map(|time| time.0));
    Ok(facts)
}

fn order(told: &Told<'_>, update: &wire::OrderTradeUpdate<'_>) -> Result<Facts, DecodeError> {
    let mut facts = facts::order(&translate::order_update(told.symbols, update)?);
    facts::told_price(&mut facts, &update.order.order_type, update.order.price);
    facts::book_rules(&mut facts, update.order.stp_mode.as_ref(), update.order.price_match.as_ref());
    facts.insert("execution".into(), update.order.execution.as_str().into());
    // The venue's own word, where ours says less.
    if facts.get("status").is_some_and(|status| status == "UNRECOGNISED") {
        facts.insert("venue_status".into(), update.order.status.as_str().into());
    }
    Ok(facts)
}

fn algo(told: &Told<'_>, update: &wire::AlgoUpdate<'_>) -> Result<Facts, DecodeError> {
    let order = &update.order;
    let mut facts = facts::order(&translate::algo_update(told.symbols, update)?);
    if let Some(price) = order.price {
        facts::told_price(&mut facts, &order.order_type, price.into());
    }
    facts::book_rules(&mut facts, order.stp_mode.as_ref(), order.price_match.as_ref());
    facts::triggered(&mut facts, order.trigger_time, order.actual_type.as_ref(), order.activated);
    facts.insert("conditional".into(), true.into());
    Ok(facts)
}

/// Since 2025-12-15 the update of the conditional order says this, with ids that name the order.
fn trigger_refused(told: &Told<'_>, reject: &wire::ConditionalReject<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("trigger_refused");
    facts.insert("instrument".into(), told.instrument(reject.refusal.symbol.as_str())?.into());
    facts.insert("order_id".into(), reject.refusal.order_id.to_string().into());
    facts.insert("text".into(), reject.refusal.reason.as_str().into());
    facts.insert("time".into(), reject.transaction_time.into());
    Ok(facts)
}

fn strategy(told: &mut Told<'_>, text: &str) -> Result<Facts, DecodeError> {
    let update: wire::StrategyUpdate<'_> = told.read(text)?;
    let state = &update.strategy;
    let mut facts = start("venue_strategy");
    facts.insert("instrument".into(), told.instrument(state.symbol.as_str())?.into());
    facts.insert("strategy_id".into(), state.id.to_string().into());
    put(&mut facts, "strategy", state.kind.as_ref().map(ToString::to_string));
    put(&mut facts, "status", state.status.as_ref().map(ToString::to_string));
    put(&mut facts, "code", state.op_code.as_ref().map(ToString::to_string));
    put(&mut facts, "updated", state.update_time);
    facts.insert("sent".into(), update.event_time.into());
    Ok(facts)
}

fn grid(told: &mut Told<'_>, text: &str) -> Result<Facts, DecodeError> {
    let update: wire::GridUpdate<'_> = told.read(text)?;
    let state = &update.grid;
    let mut facts = start("venue_strategy");
    facts.insert("instrument".into(), told.instrument(state.symbol.as_str())?.into());
    facts.insert("strategy_id".into(), state.id.to_string().into());
    put(&mut facts, "strategy", state.kind.as_ref().map(ToString::to_string));
    put(&mut facts, "status", state.status.as_ref().map(ToString::to_string));
    for (name, value) in [
        ("realized", state.realized_pnl),
        ("unmatched_px", state.unmatched_price),
        ("unmatched_qty", state.unmatched_qty),
        ("unmatched_fee", state.unmatched_fee),
        ("matched_profit", state.matched_pnl),
    ] {
        put(&mut facts, name, value.map(|value| value.0.to_string()));
    }
    put(&mut facts, "updated", state.update_time);
    facts.insert("sent".into(), update.event_time.into());
    Ok(facts)
}
