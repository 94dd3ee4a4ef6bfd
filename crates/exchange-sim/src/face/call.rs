//! The WebSocket API (`/ws-fapi/v1`): requests and answers as JSON frames. The endpoints are those of REST.
//!
//! Source: USDⓈ-M "WebSocket API General Info" and its method pages, 2026-05-28. Logging on needs an Ed25519 key, which this
//! exchange does not issue; every request carries its own key and signature.

use std::collections::BTreeMap;

use serde_json::Value;

use super::http::{Hits, pause};
use super::json::{Obj, array};
use super::params::Params;
use super::refusal::Refusal;
use super::routes::{Route, route};
use super::server::Face;
use super::state::{Admitted, State};

/// Where the API is served.
pub(super) const PATH: &str = "/ws-fapi/v1";

/// Method of the API, and the method and path of the endpoint behind it.
const METHODS: [(&str, &str, &str); 18] = [
    ("order.place", "POST", "/fapi/v1/order"),
    ("order.modify", "PUT", "/fapi/v1/order"),
    ("order.cancel", "DELETE", "/fapi/v1/order"),
    ("order.status", "GET", "/fapi/v1/order"),
    ("algoOrder.place", "POST", "/fapi/v1/algoOrder"),
    ("algoOrder.cancel", "DELETE", "/fapi/v1/algoOrder"),
    ("account.status", "GET", "/fapi/v2/account"),
    ("v2/account.status", "GET", "/fapi/v3/account"),
    ("account.balance", "GET", "/fapi/v2/balance"),
    ("v2/account.balance", "GET", "/fapi/v3/balance"),
    ("account.position", "GET", "/fapi/v2/positionRisk"),
    ("v2/account.position", "GET", "/fapi/v3/positionRisk"),
    ("userDataStream.start", "POST", "/fapi/v1/listenKey"),
    ("userDataStream.ping", "PUT", "/fapi/v1/listenKey"),
    ("userDataStream.stop", "DELETE", "/fapi/v1/listenKey"),
    ("depth", "GET", "/fapi/v1/depth"),
    ("ticker.book", "GET", "/fapi/v1/ticker/bookTicker"),
    ("ticker.price", "GET", "/fapi/v1/ticker/price"),
];

/// A request as it came.
struct Request {
    /// As JSON; echoed.
    id: String,
    method: String,
    params: BTreeMap<String, String>,
    /// Whether the answer tells the limits.
    told: bool,
}

/// Answers one frame; `None` where a fault swallows the answer. To faults the HTTP method is `WS`, the path the method.
pub(super) async fn answer(face: &Face, text: &str, told: bool) -> Option<String> {
    let request = match read(text, told) {
        Ok(request) => request,
        Err(refusal) => return Some(failure("null", &refusal, None, face.lock().clock.now())),
    };
    let key = request.params.get("apiKey").map(String::as_str);
    let hits = Hits::of(face.lock().faults.on_request("WS", &request.method, key));
    if hits.lost_before {
        return None;
    }
    pause(hits.request_ms).await;
    if let Some(fault) = hits.before {
        return Some(faulty(&request.id, fault.status, &fault.body));
    }
    let Request { id, method, params, told } = request;
    let admitted = match find(&method) {
        Ok(route) => face.lock().admit_socket(route, Params::from_sorted(params)),
        Err(refusal) => Err(refusal),
    };
    let reply = match admitted {
        Err(refusal) => {
            let mut state = face.lock();
            let limits = told.then(|| weight(&mut state));
            failure(&id, &refusal, limits.as_deref(), state.clock.now())
        }
        Ok(admitted) => {
            pause(hits.engine_ms).await;
            perform(&mut face.lock(), &id, &admitted, told)
        }
    };
    pause(hits.response_ms).await;
    if hits.lost_after {
        return None;
    }
    Some(hits.after.map_or(reply, |fault| faulty(&id, fault.status, &fault.body)))
}

fn perform(state: &mut State, id: &str, admitted: &Admitted, told: bool) -> String {
    let outcome = state.execute(admitted);
    let counts = outcome.as_ref().ok().and_then(|reply| reply.order_counts);
    let limits = told.then(|| match counts {
        Some(counts) => orders(state, counts),
        None => weight(state),
    });
    match outcome {
        Ok(reply) => {
            let body = Obj::new().raw("id", id).num("status", 200).raw("result", &reply.body);
            limits.into_iter().fold(body, |body, limits| body.raw("rateLimits", &limits)).end()
        }
        Err(refusal) => failure(id, &refusal, limits.as_deref(), state.clock.now()),
    }
}

fn read(text: &str, told: bool) -> Result<Request, Refusal> {
    let malformed = || Refusal::new(400, -1102, "A mandatory parameter was not sent, was empty/null, or malformed.");
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else { return Err(malformed()) };
    let id = match frame.remove("id") {
        None | Some(Value::Null) => "null".to_owned(),
        Some(id @ (Value::String(_) | Value::Number(_))) => id.to_string(),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(malformed()),
    };
    let Some(Value::String(method)) = frame.remove("method") else { return Err(malformed()) };
    let params = match frame.remove("params") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(fields)) => fields.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => return Err(malformed()),
    };
    let told = told && params.get("returnRateLimits").is_none_or(|value| value != "false");
    Ok(Request { id, method, params, told })
}

/// Prints a parameter as it is signed; what is null was not sent.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}

fn find(method: &str) -> Result<Route, Refusal> {
    if method.starts_with("session.") {
        return Err(Refusal::new(400, -4056, "Invalid api key type."));
    }
    let bare = method.strip_prefix("v1/").unwrap_or(method);
    let row = METHODS.iter().find(|(name, _, _)| *name == bare);
    row.and_then(|(_, verb, path)| route(verb, path)).ok_or_else(|| Refusal::new(400, -1020, "This operation is not supported."))
}

/// On 429 and 418 the error says when to come back: an instant, not a time span.
fn failure(id: &str, refusal: &Refusal, limits: Option<&str>, now: i64) -> String {
    let mut error = Obj::new().num("code", refusal.code).text("msg", &refusal.msg);
    if matches!(refusal.status, 418 | 429) {
        let retry_after = now - now.rem_euclid(60_000) + 60_000;
        error = error.raw("data", &Obj::new().num("serverTime", now).num("retryAfter", retry_after).end());
    }
    let body = Obj::new().raw("id", id).num("status", refusal.status).raw("error", &error.end());
    limits.into_iter().fold(body, |body, limits| body.raw("rateLimits", limits)).end()
}

/// Prints the answer of a fault; a body that is no JSON becomes null.
fn faulty(id: &str, status: u16, body: &str) -> String {
    let error = if serde_json::from_str::<Value>(body).is_ok() { body } else { "null" };
    Obj::new().raw("id", id).num("status", status).raw("error", error).end()
}

fn weight(state: &mut State) -> String {
    let now = state.clock.now();
    array([limit("REQUEST_WEIGHT", "MINUTE", 1, state.limits.weight_1m, state.socket_weights.used(now))])
}

fn orders(state: &State, (ten, minute): (u32, u32)) -> String {
    array([
        limit("ORDERS", "SECOND", 10, state.limits.orders_10s, ten),
        limit("ORDERS", "MINUTE", 1, state.limits.orders_1m, minute),
    ])
}

fn limit(kind: &str, interval: &str, number: u32, limit: u32, count: u32) -> String {
    Obj::new()
        .text("rateLimitType", kind)
        .text("interval", interval)
        .num("intervalNum", number)
        .num("limit", limit)
        .num("count", count)
        .end()
}
