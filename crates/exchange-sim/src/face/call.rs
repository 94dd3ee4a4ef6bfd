//! The WebSocket API (`/ws-fapi/v1`): requests and answers as JSON frames. The endpoints are those of REST.
//!
//! Source: USDⓈ-M "WebSocket API General Info" and its method pages, 2026-05-28. A request carries its own key and signature, or
//! comes in a session that somebody with an Ed25519 key has logged on to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::http::{Hits, pause};
use super::json::{Obj, array, quoted};
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

/// Weight of a handshake, and of each word about the session itself.
const HANDSHAKE_WEIGHT: u32 = 5;
const SESSION_WEIGHT: u32 = 2;

/// What one socket has said of itself.
#[derive(Debug)]
pub(super) struct Session {
    connected_ms: i64,
    /// Whether answers tell the limits, unless a request asks otherwise.
    told: bool,
    /// Who logged on, and when.
    owner: Mutex<Option<(String, i64)>>,
}

impl Session {
    /// Opens one.
    ///
    /// # Errors
    /// 429 or 418 where the weight of the handshake is too much.
    pub(super) fn open(face: &Face, told: bool) -> Result<Self, Refusal> {
        let mut state = face.lock();
        let now = state.clock.now();
        state.socket_weights.charge(now, HANDSHAKE_WEIGHT)?;
        Ok(Self { connected_ms: now, told, owner: Mutex::new(None) })
    }

    fn owner(&self) -> MutexGuard<'_, Option<(String, i64)>> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self) -> Option<String> {
        self.owner().as_ref().map(|(key, _)| key.clone())
    }

    /// Answers `session.logon`, `session.status` and `session.logout`.
    fn answer(&self, state: &mut State, method: &str, params: BTreeMap<String, String>) -> Result<String, Refusal> {
        let now = state.clock.now();
        state.socket_weights.charge(now, SESSION_WEIGHT)?;
        match method {
            "session.logon" => {
                let key = state.log_on(&Params::from_sorted(params))?;
                *self.owner() = Some((key, now));
            }
            "session.logout" => *self.owner() = None,
            "session.status" => {}
            _ => return Err(unsupported()),
        }
        let owner = self.owner();
        let (key, since) = owner
            .as_ref()
            .map_or_else(|| ("null".to_owned(), "null".to_owned()), |(key, since)| (quoted(key), since.to_string()));
        Ok(Obj::new()
            .raw("apiKey", &key)
            .raw("authorizedSince", &since)
            .num("connectedSince", self.connected_ms)
            .num("returnRateLimits", self.told)
            .num("serverTime", now)
            .end())
    }
}

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
pub(super) async fn answer(face: &Face, session: &Session, text: &str) -> Option<String> {
    let request = match read(text, session.told) {
        Ok(request) => request,
        Err(refusal) => return Some(failure("null", &refusal, None, face.lock().clock.now())),
    };
    let key = request.params.get("apiKey").cloned().or_else(|| session.key());
    let hits = Hits::of(face.lock().faults.on_request("WS", &request.method, key.as_deref()));
    if hits.lost_before {
        return None;
    }
    pause(hits.request_ms).await;
    if let Some(fault) = hits.before {
        return Some(faulty(&request.id, fault.status, &fault.body));
    }
    let Request { id, method, params, told } = request;
    let reply = if method.starts_with("session.") {
        let mut state = face.lock();
        let outcome = session.answer(&mut state, &method, params);
        speak(&mut state, &id, outcome, None, told)
    } else {
        let admitted = admit(face, session, &method, params);
        match admitted {
            Err((refusal, revoked)) => {
                let id = if revoked { "null" } else { &id };
                speak(&mut face.lock(), id, Err(refusal), None, told)
            }
            Ok(admitted) => {
                pause(hits.engine_ms).await;
                let mut state = face.lock();
                let outcome = state.execute(&admitted).map(|reply| reply.body);
                speak(&mut state, &id, outcome, Some(&admitted), told)
            }
        }
    };
    pause(hits.response_ms).await;
    if hits.lost_after {
        return None;
    }
    Some(hits.after.map_or(reply, |fault| faulty(&id, fault.status, &fault.body)))
}

/// Checks a request, and tells of a refusal whether the session lost its key by it.
fn admit(face: &Face, session: &Session, method: &str, params: BTreeMap<String, String>) -> Result<Admitted, (Refusal, bool)> {
    let route = find(method).map_err(|refusal| (refusal, false))?;
    let vouched = session.key().filter(|_| !params.contains_key("apiKey"));
    let admitted = face.lock().admit_socket(route, Params::from_sorted(params), vouched.as_deref());
    admitted.map_err(|refusal| {
        let revoked = vouched.is_some() && refusal.code == Refusal::key_unknown().code;
        if revoked {
            *session.owner() = None;
        }
        (refusal, revoked)
    })
}

/// Prints an answer with the limits it touched: of orders and of weight.
fn speak(state: &mut State, id: &str, outcome: Result<String, Refusal>, admitted: Option<&Admitted>, told: bool) -> String {
    let limits = told.then(|| limits(state, admitted));
    match outcome {
        Ok(body) => {
            let reply = Obj::new().raw("id", id).num("status", 200).raw("result", &body);
            limits.into_iter().fold(reply, |reply, limits| reply.raw("rateLimits", &limits)).end()
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
    let bare = method.strip_prefix("v1/").unwrap_or(method);
    let row = METHODS.iter().find(|(name, _, _)| *name == bare);
    row.and_then(|(_, verb, path)| route(verb, path)).ok_or_else(unsupported)
}

fn unsupported() -> Refusal {
    Refusal::new(400, -1020, "This operation is not supported.")
}

/// On 429 and 418 the error says when to come back: an instant, not a time span.
fn failure(id: &str, refusal: &Refusal, limits: Option<&str>, now: i64) -> String {
    let mut error = Obj::new().num("code", refusal.code).text("msg", &refusal.msg);
    if let Some(retry_after) = refusal.retry_at_ms {
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

fn limits(state: &mut State, admitted: Option<&Admitted>) -> String {
    let (now, most) = (state.clock.now(), state.limits);
    let orders = admitted.and_then(|admitted| state.order_counts(admitted, now)).map(|(ten, minute)| {
        [limit("ORDERS", "SECOND", 10, most.orders_10s, ten), limit("ORDERS", "MINUTE", 1, most.orders_1m, minute)]
    });
    let weight = limit("REQUEST_WEIGHT", "MINUTE", 1, most.weight_1m, state.socket_weights.used(now));
    array(orders.into_iter().flatten().chain([weight]))
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
