//! A request of the WebSocket API, as somebody has sent it, as facts: what was asked for, in the words of what it makes. Key and
//! signature are not told.

use super::{
    DecodeError, Facts,
    facts::{self, put, start},
    told::Told,
};
use crate::wire::{self, Lenient, Text};

/// A request.
pub(crate) fn request(told: &mut Told<'_>) -> Result<Facts, DecodeError> {
    let request: wire::WebSocketRequest<'_> = told.peek(told.document)?;
    // A name that the document makes up must not become a name of ours.
    told.name(format!("request {}", clip(request.method.as_str())));
    told.note(&request);
    let mut facts = start("request");
    facts.insert("method".into(), request.method.as_str().into());
    put(&mut facts, "request_id", request.id.as_ref().map(ToString::to_string));
    if let Some(params) = &request.params {
        asked(told, params, &mut facts)?;
    }
    Ok(facts)
}

fn asked(told: &Told<'_>, params: &wire::RequestParams<'_>, facts: &mut Facts) -> Result<(), DecodeError> {
    if let Some(symbol) = &params.symbol {
        facts.insert("instrument".into(), told.instrument(symbol.as_str())?.into());
    }
    put(facts, "side", params.side.as_ref().map(|side| side.as_str().to_owned()));
    put(facts, "leg", params.position_side.as_ref().map(facts::leg_word));
    put(facts, "type", params.order_type.as_ref().map(|word| word.as_str().to_owned()));
    put(facts, "time_in_force", params.time_in_force.as_ref().map(|word| word.as_str().to_owned()));
    put(facts, "trigger_by", params.working_type.as_ref().map(facts::trigger_word));
    facts::book_rules(facts, params.stp_mode.as_ref(), params.price_match.as_ref());
    for (name, value) in [
        ("qty", &params.qty),
        ("price", &params.price),
        ("trigger_px", &params.trigger_price),
        ("activation_px", &params.activate_price),
        ("callback_percent", &params.callback_rate),
        ("order_id", &params.order_id),
        ("algo_id", &params.algo_id),
        ("modify_id", &params.modify_id),
    ] {
        put(facts, name, value.as_ref().map(ToString::to_string));
    }
    for (name, value) in
        [("reduce_only", &params.reduce_only), ("close_all", &params.close_position), ("price_protect", &params.price_protect)]
    {
        put(facts, name, value.as_ref().map(|value| value.to_string() == "true"));
    }
    for (name, value) in
        [("expires", &params.good_till_date), ("sent", &params.timestamp), ("recv_window_ms", &params.recv_window)]
    {
        put(facts, name, value.as_ref().and_then(Lenient::number));
    }
    let id = params.new_client_order_id.as_ref().or(params.orig_client_order_id.as_ref()).or(params.client_algo_id.as_ref());
    put(facts, "cl_ord_id", id.map(Text::to_string));
    Ok(())
}

fn clip(name: &str) -> String {
    name.chars().take(40).collect()
}
