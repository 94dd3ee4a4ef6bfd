//! The exchange's own faults in a world with sockets: answers before and after the effect, requests that come late, streams that
//! lose, repeat, delay or end. It arms them by position, and counts those that struck.

use super::{rough::Rough, seat::Seat};
use crate::rng::Rng;
use exchange_sim::face::{Answer, Face, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter};

/// What has been armed, by the face's number.
#[derive(Debug, Default)]
pub(crate) struct Weather {
    armed: Vec<(u64, &'static str)>,
}

/// Answers that prove that nothing happened.
const FAILED: [(u16, &str, &str); 3] = [
    (503, r#"{"code":-1008,"msg":"Service Unavailable."}"#, "venue: 503 Service Unavailable"),
    (
        503,
        r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#,
        "venue: 503 Internal error",
    ),
    (
        503,
        r#"{"code":-1008,"msg":"Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}"#,
        "venue: 503 throttled",
    ),
];

/// Answers that prove nothing, before or after the effect.
const UNKNOWN: [(u16, &str, &str, &str); 6] = [
    (
        503,
        r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#,
        "venue: 503 Unknown error; nothing done",
        "venue: 503 Unknown error; done",
    ),
    (
        408,
        r#"{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; execution status unknown."}"#,
        "venue: -1007; nothing done",
        "venue: -1007; done",
    ),
    (500, "", "venue: 500; nothing done", "venue: 500; done"),
    (502, "<html>502</html>", "venue: 502; nothing done", "venue: 502; done"),
    (504, "<html>504</html>", "venue: 504; nothing done", "venue: 504; done"),
    (200, "<html>soon back</html>", "venue: page with 200; nothing done", "venue: page with 200; done"),
];

/// What most faults are about; the rest hits anything.
const ABOUT: [(&str, &str); 12] = [
    ("POST", "/fapi/v1/order"),
    ("POST", "/fapi/v1/order"),
    ("DELETE", "/fapi/v1/order"),
    ("GET", "/fapi/v1/order"),
    ("PUT", "/fapi/v1/order"),
    ("POST", "/fapi/v1/algoOrder"),
    ("DELETE", "/fapi/v1/algoOrder"),
    ("GET", "/fapi/v1/algoOrder"),
    ("POST", "/fapi/v1/batchOrders"),
    ("GET", "/fapi/v1/userTrades"),
    ("GET", "/fapi/v3/positionRisk"),
    ("POST", "/fapi/v1/listenKey"),
];

/// What happens to events, and to requests on their way.
const OF_EVENTS: [&str; 5] = [
    "venue: event lost",
    "venue: event twice",
    "venue: event late behind others",
    "venue: socket cut before an event",
    "venue: stream silent",
];
const OF_REQUESTS: [&str; 5] =
    ["venue: request lost", "venue: answer lost", "venue: request late", "venue: engine slow", "venue: answer late"];
const KEY_EXPIRES: &str = "venue: listen key expired";
const SOCKETS_CUT: &str = "venue: all sockets cut";

/// Every one of them, as it is counted.
pub(crate) fn faults() -> Vec<&'static str> {
    let failed = FAILED.iter().map(|(_, _, name)| *name);
    let unknown = UNKNOWN.iter().flat_map(|(_, _, before, after)| [*before, *after]);
    failed.chain(unknown).chain(OF_EVENTS).chain(OF_REQUESTS).chain([KEY_EXPIRES, SOCKETS_CUT]).collect()
}

const EVENTS: [&str; 5] = ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "ORDER_TRADE_UPDATE"];

impl Weather {
    /// What a tenth of a second brings.
    pub(crate) fn pass(&mut self, face: &Face, key: &str, rough: &Rough, rng: &mut Rng, seat: &Seat) {
        if rng.chance(rough.exchange_request) {
            let (fault, name) = request_fault(rng);
            let (method, path) = rng.pick(&ABOUT).copied().filter(|_| rng.chance(800)).unzip();
            let filter = RequestFilter { method: method.map(str::to_owned), path: path.map(str::to_owned), key: None };
            let nth = rng.between(1, 3);
            let times = rng.between(1, 2);
            if seat.lock().struck.turn(name) {
                self.arm(face, Fault { kind: FaultKind::Request(filter, fault), nth, times }, name);
            }
        }
        if rng.chance(rough.exchange_stream) {
            let [lost, twice, late, cut, silent] = OF_EVENTS;
            let (fault, name) = match rng.below(10) {
                0..=2 => (StreamFault::Drop, lost),
                3..=5 => (StreamFault::Duplicate, twice),
                6 | 7 => (StreamFault::Delay(rng.between(10, 4_000)), late),
                8 => (StreamFault::Cut, cut),
                _ => (StreamFault::Silence, silent),
            };
            let event = rng.pick(&EVENTS).copied().filter(|_| rng.chance(700)).map(str::to_owned);
            let nth = rng.between(1, 4);
            if seat.lock().struck.turn(name) {
                let kind = FaultKind::Stream(StreamFilter { event, key: None }, fault);
                self.arm(face, Fault { kind, nth, times: 1 }, name);
            }
        }
        let of_key = format!(r#"{{"key":"{key}"}}"#);
        if rng.chance(rough.key_expires) && seat.strikes(KEY_EXPIRES) {
            self.door(face, "listenkey/expire", &of_key);
        }
        if rng.chance(rough.sockets_cut) && seat.strikes(SOCKETS_CUT) {
            self.door(face, "cut", r#"{"all":true}"#);
        }
    }

    fn arm(&mut self, face: &Face, fault: Fault, name: &'static str) {
        self.armed.push((face.arm(fault), name));
    }

    /// One that is refused is no fault: there was nothing to do it to.
    fn door(&self, face: &Face, name: &str, body: &str) {
        let (_status, _text) = face.operate("POST", name, "", body);
    }

    /// Ends all of it, and names what struck, and how often.
    pub(crate) fn end(&mut self, face: &Face) -> Vec<(&'static str, u64)> {
        let struck = self.armed.drain(..).map(|(id, name)| (name, face.fired(id))).filter(|(_, times)| *times > 0).collect();
        face.disarm(None);
        struck
    }
}

fn request_fault(rng: &mut Rng) -> (RequestFault, &'static str) {
    let answer = |status: u16, body: &str| Answer { status, body: body.to_owned() };
    let unknown = rng.pick(&UNKNOWN).copied().unwrap_or((500, "", "venue: 500; nothing done", "venue: 500; done"));
    let [lost, unanswered, late, slow, answer_late] = OF_REQUESTS;
    match rng.below(12) {
        0 => (RequestFault::DropRequest, lost),
        1 => (RequestFault::DropResponse, unanswered),
        2 | 3 => {
            let (status, body, name) = rng.pick(&FAILED).copied().unwrap_or((503, "", "venue: 503 Service Unavailable"));
            (RequestFault::ErrorBefore(answer(status, body)), name)
        }
        4 | 5 => (RequestFault::ErrorBefore(answer(unknown.0, unknown.1)), unknown.2),
        6 | 7 => (RequestFault::ErrorAfter(answer(unknown.0, unknown.1)), unknown.3),
        8 => (RequestFault::DelayRequest(rng.between(100, 4_000)), late),
        9 | 10 => (RequestFault::DelayEngine(rng.between(1, 1_900)), slow),
        _ => (RequestFault::DelayResponse(rng.between(100, 6_000)), answer_late),
    }
}
