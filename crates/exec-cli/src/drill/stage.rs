//! What the drills do to the exchange of a play: its faults, one by one. The exchange itself stands in `play`.

use crate::play::stage::{Exchange, Owner};
use exchange_sim::face::{Answer, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter};

/// The faults of a soak, each by the name under which it is counted.
pub(crate) const FAULTS: [&str; 16] = [
    "request lost",
    "answer lost",
    "503 before the effect",
    "503 that failed for sure",
    "503 after the effect",
    "request too late",
    "answer late",
    "question unanswered",
    "event lost",
    "event twice",
    "events out of order",
    "stream late",
    "stream cut",
    "stream silent",
    "listen key expired",
    "all sockets cut",
];

/// One of the three texts that say that nothing was done.
const FAILED: &str = "Internal error; unable to process your request. Please try again.";
const WRITES: [(&str, &str); 5] = [
    ("POST", "/fapi/v1/order"),
    ("PUT", "/fapi/v1/order"),
    ("DELETE", "/fapi/v1/order"),
    ("POST", "/fapi/v1/algoOrder"),
    ("DELETE", "/fapi/v1/algoOrder"),
];

impl Exchange {
    /// Loses a request and an answer of the owner's first new orders, so that doubt is part of the load.
    pub(crate) fn lose_a_few(&self, owner: Owner) {
        self.arm(owner, 9, RequestFault::DropRequest);
        self.arm(owner, 15, RequestFault::DropResponse);
    }

    /// Brings one of [`FAULTS`] about, from the next thing that it can hit; `draw` chooses what that is.
    pub(crate) fn strike(&self, owner: Owner, fault: &str, draw: u64) {
        let unknown = "Unknown error, please check your request or try again later.";
        let stream = |fault, times| self.arm_stream(owner, fault, times);
        match fault {
            "request lost" => self.arm_request(owner, draw, RequestFault::DropRequest),
            "answer lost" => self.arm_request(owner, draw, RequestFault::DropResponse),
            "503 before the effect" => self.arm_request(owner, draw, RequestFault::ErrorBefore(answer(-1000, unknown))),
            "503 that failed for sure" => self.arm_request(owner, draw, RequestFault::ErrorBefore(answer(-1001, FAILED))),
            "503 after the effect" => self.arm_request(owner, draw, RequestFault::ErrorAfter(answer(-1000, unknown))),
            "request too late" => self.arm_request(owner, draw, RequestFault::DelayRequest(900)),
            "answer late" => self.arm_request(owner, draw, RequestFault::DelayResponse(1_500)),
            "question unanswered" => {
                let filter = RequestFilter { method: Some("GET".to_owned()), path: None, key: Some(owner.key.to_owned()) };
                self.arm_any(FaultKind::Request(filter, RequestFault::DropResponse), 2);
            }
            "event lost" => stream(StreamFault::Drop, 1),
            "event twice" => stream(StreamFault::Duplicate, 5),
            "events out of order" => stream(StreamFault::Delay(100 + draw % 400), 1),
            "stream late" => stream(StreamFault::Delay(4_000), 30),
            "stream cut" => stream(StreamFault::Cut, 1),
            "stream silent" => stream(StreamFault::Silence, 1),
            "listen key expired" => self.operate("listenkey/expire", &serde_json::json!({ "key": owner.key })),
            _ => self.operate("cut", &serde_json::json!({ "all": true })),
        }
    }

    /// Takes every fault away, and every socket that one may have silenced with it.
    pub(crate) fn heal(&self) {
        self.server.face().disarm(None);
        self.operate("cut", &serde_json::json!({}));
    }

    /// Lets the market walk, or stand still.
    pub(crate) fn walk(&self, on: bool) {
        self.operate("flow", &serde_json::json!({ "on": on }));
    }

    fn operate(&self, door: &str, body: &serde_json::Value) {
        // A refusal says only that there was nothing to do it to.
        let _ = self.server.face().operate("POST", door, "", &body.to_string());
    }
    fn arm_request(&self, owner: Owner, draw: u64, fault: RequestFault) {
        let (method, path) = WRITES[usize::try_from(draw % WRITES.len() as u64).unwrap_or(0)];
        let filter =
            RequestFilter { method: Some(method.to_owned()), path: Some(path.to_owned()), key: Some(owner.key.to_owned()) };
        self.arm_any(FaultKind::Request(filter, fault), 1);
    }
    fn arm_stream(&self, owner: Owner, fault: StreamFault, times: u64) {
        let filter = StreamFilter { event: None, key: Some(owner.key.to_owned()) };
        self.arm_any(FaultKind::Stream(filter, fault), times);
    }
    fn arm_any(&self, kind: FaultKind, times: u64) {
        self.server.face().arm(Fault { kind, nth: 1, times });
    }
}

fn answer(code: i32, text: &str) -> Answer {
    Answer { status: 503, body: format!(r#"{{"code":{code},"msg":"{text}"}}"#) }
}
