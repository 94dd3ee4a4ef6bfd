//! What the venue answers when it says no: HTTP status, code and text. The core's own refusals are turned into these.
//!
//! Texts: USDⓈ-M error code page of 2026-05-28.

use super::json::Obj;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: i32,
    pub(super) msg: String,
    /// When the limit that was hit is free again, milliseconds.
    pub(super) retry_at_ms: Option<i64>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: i32, msg: impl Into<String>) -> Self {
        Self { status, code, msg: msg.into(), retry_at_ms: None }
    }

    fn bad(code: i32, msg: impl Into<String>) -> Self {
        Self::new(400, code, msg)
    }

    /// The error envelope.
    pub(super) fn body(&self) -> String {
        Obj::new().num("code", self.code).text("msg", &self.msg).end()
    }

    pub(super) fn key_format() -> Self {
        Self::new(401, -2014, "API-key format invalid.")
    }

    pub(super) fn key_unknown() -> Self {
        Self::new(401, -2015, "Invalid API-key, IP, or permissions for action.")
    }

    pub(super) fn signature() -> Self {
        Self::bad(-1022, "Signature for this request is not valid.")
    }

    pub(super) fn late() -> Self {
        Self::bad(-1021, "Timestamp for this request is outside of the recvWindow.")
    }

    pub(super) fn early() -> Self {
        Self::bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::bad(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
    }

    pub(super) fn missing_either(one: &str, other: &str) -> Self {
        Self::bad(-1102, format!("Param '{one}' or '{other}' must be sent, but both were empty/null!"))
    }

    pub(super) fn illegal_chars(name: &str, range: &str) -> Self {
        Self::bad(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
    }

    pub(super) fn invalid(name: &str) -> Self {
        Self::bad(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    pub(super) fn side() -> Self {
        Self::bad(-1117, "Invalid side.")
    }

    pub(super) fn order_type() -> Self {
        Self::bad(-1116, "Invalid orderType.")
    }

    pub(super) fn time_in_force() -> Self {
        Self::bad(-1115, "Invalid timeInForce.")
    }

    pub(super) fn interval() -> Self {
        Self::bad(-1120, "Invalid interval.")
    }

    pub(super) fn depth_limit(limit: &str) -> Self {
        Self::bad(-4021, format!("'{limit}' is not valid depth limit."))
    }

    pub(super) fn position_side() -> Self {
        Self::bad(-4060, "Invalid position side.")
    }

    pub(super) fn price_match() -> Self {
        Self::bad(-5037, "Invalid price match")
    }

    pub(super) fn stp_mode() -> Self {
        Self::bad(-5039, "Invalid self trade prevention mode")
    }

    pub(super) fn batch_size(count: usize) -> Self {
        Self::bad(-4082, format!("Invalid number of batch place orders: {count}"))
    }

    pub(super) fn too_many_cancels() -> Self {
        Self::bad(-4032, "Exceed maximum cancel order size.")
    }

    pub(super) fn listen_key() -> Self {
        Self::bad(-1125, "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`")
    }

    pub(super) fn too_much_weight(limit: u32, retry_at_ms: i64) -> Self {
        let refusal = Self::new(
            429,
            -1003,
            format!(
                "Too many requests; current limit is {limit} requests per minute. Please use the websocket for live updates to avoid polling the API."
            ),
        );
        Self { retry_at_ms: Some(retry_at_ms), ..refusal }
    }

    pub(super) fn banned(until_ms: i64) -> Self {
        let refusal = Self::new(
            418,
            -1003,
            format!(
                "Way too many requests; IP banned until {until_ms}. Please use the websocket for live updates to avoid bans."
            ),
        );
        Self { retry_at_ms: Some(until_ms), ..refusal }
    }

    pub(super) fn too_many_orders(limit: u32, window: &str, retry_at_ms: i64) -> Self {
        let refusal = Self::new(429, -1015, format!("Too many new orders; current limit is {limit} orders per {window}."));
        Self { retry_at_ms: Some(retry_at_ms), ..refusal }
    }
}
