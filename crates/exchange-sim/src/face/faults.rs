//! Faults by position: which request or which event is hit, and how. It decides; the shell acts.

use super::json::{Obj, array};

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestFault {
    /// The request is lost: no effect, no answer.
    DropRequest,
    /// An error is answered and nothing has happened.
    ErrorBefore(Answer),
    /// It happens, and an error is answered.
    ErrorAfter(Answer),
    /// It happens, and the answer is lost.
    DropResponse,
    /// The request arrives this many milliseconds later.
    DelayRequest(u64),
    /// The request waits this long between its receipt and the matching engine.
    DelayEngine(u64),
    /// The answer leaves this much later.
    DelayResponse(u64),
}

/// An answer put in the place of the true one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body, sent as it is.
    pub body: String,
}

/// What happens to an event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamFault {
    /// The event is lost.
    Drop,
    /// The event is sent twice.
    Duplicate,
    /// The event is sent later, after those that follow it.
    Delay(u64),
    /// The socket is cut before the event.
    Cut,
    /// From this event on the socket carries nothing, but answers pings.
    Silence,
}

/// Which requests a fault looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// HTTP method; any when absent.
    pub method: Option<String>,
    /// Path; any when absent.
    pub path: Option<String>,
    /// API key; any when absent.
    pub key: Option<String>,
}

/// Which events a fault looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamFilter {
    /// Name of the event (`e`); any when absent.
    pub event: Option<String>,
    /// API key of the private stream; any private stream when absent.
    pub key: Option<String>,
}

/// A fault and its position among what it looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens, to whom.
    pub kind: FaultKind,
    /// The first match that is hit, from 1.
    pub nth: u64,
    /// How many matches are hit from there on.
    pub times: u64,
}

/// A fault of either kind with its filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Hits requests.
    Request(RequestFilter, RequestFault),
    /// Hits events of private streams.
    Stream(StreamFilter, StreamFault),
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    seen: u64,
    fired: u64,
}

impl Armed {
    /// Counts a match and tells whether it is hit.
    fn hit(&mut self) -> bool {
        self.seen += 1;
        let hit = self.seen >= self.fault.nth && self.seen - self.fault.nth < self.fault.times;
        self.fired += u64::from(hit);
        hit
    }
}

/// All faults that are armed.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Armed>,
    last_id: u64,
}

impl Faults {
    pub(super) fn arm(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.armed.push(Armed { id: self.last_id, fault, seen: 0, fired: 0 });
        self.last_id
    }

    /// Takes one fault away, or all.
    pub(super) fn clear(&mut self, id: Option<u64>) {
        self.armed.retain(|armed| id.is_some_and(|id| id != armed.id));
    }

    /// What hits this request, in the order of arming.
    pub(super) fn on_request(&mut self, method: &str, path: &str, key: Option<&str>) -> Vec<RequestFault> {
        let is = |want: &Option<String>, have: &str| want.as_deref().is_none_or(|want| want == have);
        self.armed
            .iter_mut()
            .filter_map(|armed| match &armed.fault.kind {
                FaultKind::Request(filter, kind)
                    if is(&filter.method, method)
                        && is(&filter.path, path)
                        && filter.key.as_deref().is_none_or(|want| Some(want) == key) =>
                {
                    let kind = kind.clone();
                    armed.hit().then_some(kind)
                }
                FaultKind::Request(..) | FaultKind::Stream(..) => None,
            })
            .collect()
    }

    /// What hits this event of the account with these keys.
    pub(super) fn on_event(&mut self, event: &str, keys: &[&str]) -> Vec<StreamFault> {
        self.armed
            .iter_mut()
            .filter_map(|armed| match &armed.fault.kind {
                FaultKind::Stream(filter, kind)
                    if filter.event.as_deref().is_none_or(|want| want == event)
                        && filter.key.as_deref().is_none_or(|want| keys.contains(&want)) =>
                {
                    let kind = kind.clone();
                    armed.hit().then_some(kind)
                }
                FaultKind::Request(..) | FaultKind::Stream(..) => None,
            })
            .collect()
    }

    /// How often an armed fault has fired.
    pub(super) fn fired(&self, id: u64) -> u64 {
        self.armed.iter().find(|armed| armed.id == id).map_or(0, |armed| armed.fired)
    }

    /// The armed faults with what they saw and how often they fired.
    pub(super) fn describe(&self) -> String {
        array(self.armed.iter().map(|armed| {
            Obj::new()
                .num("id", armed.id)
                .text("fault", &format!("{:?}", armed.fault.kind))
                .num("nth", armed.fault.nth)
                .num("times", armed.fault.times)
                .num("seen", armed.seen)
                .num("fired", armed.fired)
                .end()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: Option<&str>, nth: u64, times: u64) -> Fault {
        let filter = RequestFilter { path: path.map(str::to_owned), ..RequestFilter::default() };
        Fault { kind: FaultKind::Request(filter, RequestFault::DropRequest), nth, times }
    }

    #[test]
    fn a_fault_hits_by_position() {
        let mut faults = Faults::default();
        faults.arm(request(Some("/order"), 2, 2));
        let hits: Vec<bool> = (0..5).map(|_| !faults.on_request("POST", "/order", None).is_empty()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.on_request("POST", "/other", None).is_empty());
        assert!(faults.on_event("TRADE_LITE", &["k"]).is_empty());
        assert!(faults.describe().contains(r#""seen":5,"fired":2"#));
    }

    #[test]
    fn events_are_counted_by_name_and_key() {
        let mut faults = Faults::default();
        let filter = StreamFilter { event: Some("TRADE_LITE".into()), key: Some("a".into()) };
        let id = faults.arm(Fault { kind: FaultKind::Stream(filter, StreamFault::Duplicate), nth: 1, times: 1 });
        assert!(faults.on_event("TRADE_LITE", &["b"]).is_empty() && faults.on_event("ORDER", &["a"]).is_empty());
        assert_eq!(faults.on_event("TRADE_LITE", &["a"]), [StreamFault::Duplicate]);
        assert!(faults.on_event("TRADE_LITE", &["a"]).is_empty());
        faults.clear(Some(id + 1));
        assert!(faults.describe().contains("TRADE_LITE"));
        faults.clear(None);
        assert_eq!(faults.describe(), "[]");
    }
}
