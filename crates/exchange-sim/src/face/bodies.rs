//! The bodies of requests at the operator's door, as JSON gives them. What they do stands in `door.rs`.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::faults::{Answer, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter};
use super::json::Obj;
use crate::config::{Backstop, ForcedStyle, TriggeredTold};
use crate::types::Ms;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub(super) symbol: String,
    pub(super) price: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adl {
    pub(super) key: String,
    pub(super) symbol: String,
    pub(super) position_side: Option<String>,
    pub(super) quantity: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    pub(super) symbol: String,
    #[serde(default)]
    pub(super) delivery: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Liquidate {
    pub(super) key: String,
    pub(super) symbol: Option<String>,
    #[serde(default)]
    pub(super) takes_ms: Ms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    pub(super) key: String,
    pub(super) public_key: String,
    pub(super) account_of: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rights {
    pub(super) key: String,
    pub(super) flags: std::collections::BTreeMap<String, bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OldKey {
    pub(super) key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forced {
    pub(super) style: Option<ForcedStyle>,
    pub(super) backstop: Option<Backstop>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Algo {
    pub(super) child_delay_ms: Option<Ms>,
    pub(super) told_delay_ms: Option<Ms>,
    pub(super) told: Option<TriggeredTold>,
    pub(super) finish_delay_ms: Option<Ms>,
    pub(super) told_twice: Option<bool>,
    pub(super) varied: Option<bool>,
    pub(super) list_lag_ms: Option<Ms>,
    pub(super) query_denies_live: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Funds {
    pub(super) key: String,
    pub(super) asset: String,
    pub(super) amount: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct As {
    pub(super) key: String,
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) params: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) symbol: String,
    pub(super) status: Option<String>,
    pub(super) tick_size: Option<Decimal>,
    pub(super) step_size: Option<Decimal>,
    pub(super) delivery_date: Option<Ms>,
    /// Whether the stream of contracts tells it; it does unless this says no.
    pub(super) announced: Option<bool>,
}

/// Without a code it is lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Restrict {
    pub(super) key: String,
    pub(super) symbol: Option<String>,
    pub(super) code: Option<i32>,
    pub(super) lasts_ms: Option<Ms>,
    #[serde(default)]
    pub(super) hidden: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    pub(super) on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Skew {
    pub(super) skew_ms: Ms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Streams {
    pub(super) key: Option<String>,
    /// Market streams as well.
    #[serde(default)]
    pub(super) all: bool,
    pub(super) on: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clear {
    pub(super) id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    pub(super) kind: String,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) key: Option<String>,
    pub(super) event: Option<String>,
    pub(super) nth: Option<u64>,
    pub(super) times: Option<u64>,
    pub(super) ms: Option<u64>,
    pub(super) status: Option<u16>,
    pub(super) code: Option<i32>,
    pub(super) msg: Option<String>,
    pub(super) body: Option<String>,
}

/// Reads a fault and its position.
pub(super) fn fault(ask: Ask) -> Result<Fault, String> {
    let ms = || ask.ms.ok_or_else(|| "a delay needs ms".to_owned());
    let answer = || {
        let envelope = Obj::new().num("code", ask.code.unwrap_or(-1000)).text("msg", ask.msg.as_deref().unwrap_or_default());
        let body = match (&ask.body, ask.code, &ask.msg) {
            (Some(body), _, _) => body.clone(),
            (None, None, None) => String::new(),
            (None, _, _) => envelope.end(),
        };
        Answer { status: ask.status.unwrap_or(503), body }
    };
    let on_request = |fault: RequestFault| {
        let filter = RequestFilter { method: ask.method.clone(), path: ask.path.clone(), key: ask.key.clone() };
        FaultKind::Request(filter, fault)
    };
    let on_stream =
        |fault: StreamFault| FaultKind::Stream(StreamFilter { event: ask.event.clone(), key: ask.key.clone() }, fault);
    let kind = match ask.kind.as_str() {
        "drop_request" => on_request(RequestFault::DropRequest),
        "error_before" => on_request(RequestFault::ErrorBefore(answer())),
        "error_after" => on_request(RequestFault::ErrorAfter(answer())),
        "drop_response" => on_request(RequestFault::DropResponse),
        "delay_request" => on_request(RequestFault::DelayRequest(ms()?)),
        "delay_engine" => on_request(RequestFault::DelayEngine(ms()?)),
        "delay_response" => on_request(RequestFault::DelayResponse(ms()?)),
        "drop_event" => on_stream(StreamFault::Drop),
        "duplicate_event" => on_stream(StreamFault::Duplicate),
        "delay_event" => on_stream(StreamFault::Delay(ms()?)),
        "cut_stream" => on_stream(StreamFault::Cut),
        "silence_stream" => on_stream(StreamFault::Silence),
        other => return Err(format!("no fault {other}")),
    };
    Ok(Fault { kind, nth: ask.nth.unwrap_or(1).max(1), times: ask.times.unwrap_or(1) })
}
