//! The operator's way to a running account: a Unix socket (mode 0600) that takes one JSON request a line and answers each with
//! one JSON line. Nobody else may speak to it: the peer must be the user that runs the node.
//!
//! # Requests
//!
//! Every request names who asks and a verb: `{"who": "alice", "verb": "status"}`. Unknown fields are refused, because a typo in
//! an order costs money.
//!
//! | verb | fields | result |
//! |---|---|---|
//! | `status` | | gate and reasons, instruments without new risk, doubts, changes of phase, start report, counters, latencies, alerts |
//! | `orders` | `all`: ended ones too (default no) | list of orders, of the ordinary and the conditional book |
//! | `explain` | `order`: an intent, a client order id or an id of the venue | the order, its doubts, the orders of its list |
//! | `positions` | | list of legs, with how much of each a stop covers |
//! | `balances` | | list of wallets |
//! | `submit` | see [`SubmitOrder`] | the order |
//! | `bracket` | see [`BracketText`] | the list and its orders |
//! | `one-cancels-other` | see [`PairText`] | the list and its orders |
//! | `change` | see [`ChangeText`] | the order |
//! | `cancel` | `intent` | the order |
//! | `cancel-all` | `instrument` (default: every one) | which orders were open |
//! | `kill` | `level`: `reduce`, `halt` or `flatten`; `instrument` or `strategy` (default: the account) | throws the kill switch; latched like `latch` |
//! | `latch` | | refuses new risk from here on, also after a restart; exits pass |
//! | `release` | | takes new risk again |
//! | `reconcile` | | reads everything from the venue and compares |
//! | `differences` | | legs that books and venue see differently: both figures, evidence, likely cause, policy, what settles it |
//! | `adopt` | `instrument` (default: every one) | takes the venue's figure where a leg differs; asks the venue for nothing |
//!
//! # Replies
//!
//! `{"ok": true, "result": ...}` or `{"ok": false, "error": "..."}`. Decimals are text, times are nanoseconds since the Unix
//! epoch by the node's clock. A command that changes something is journalled with who asked, together with the user and process
//! at the other end of the socket. Its reply tells what the engine made of it at once; what the venue makes of it is seen with
//! `orders`. The same `submit` with the same `intent` asks once.

mod answer;
mod client;
mod list_text;
mod order_text;
mod orders;
mod positions;
mod row;
mod socket;
mod view;

pub(crate) use answer::answer;
pub use client::{Client, ClientError};
pub use list_text::{BracketText, ChangeText, ListTextError, PairText};
pub use order_text::{OrderTextError, SubmitOrder};
pub use orders::order as order_facts;
pub use row::{Book, OrderRow, position_id};
pub(crate) use row::{leg_word, owner_word, side_word};
pub(crate) use socket::Server;
pub use socket::SocketError;
pub(crate) use view::texts;

use exec_core::{
    ids::{InstrumentId, IntentId, StrategyId},
    kill::KillLevel,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// The longest line that is read, in bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// The longest name of somebody who asks.
const WHO_BYTES_MAX: usize = 64;
/// Calls that wait for the loop before those that make them do.
const CALLS_MAX: usize = 64;

/// A request of an operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Who asks; stands in the journal.
    pub who: String,
    /// What.
    pub ask: Ask,
}

/// What an operator may ask.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// How is it going?
    Status {},
    /// Which orders are there?
    Orders {
        /// Ended ones too.
        #[serde(default)]
        all: bool,
    },
    /// What is known of one order?
    Explain {
        /// Its intent, one of its client order ids, or an id of the venue.
        order: String,
    },
    /// Which positions are there?
    Positions {},
    /// Which balances are there?
    Balances {},
    /// Place an order.
    Submit(SubmitOrder),
    /// Place an entry with the orders that close what it opens.
    Bracket(Box<BracketText>),
    /// Place two orders of which the first to execute or to trigger cancels the other.
    OneCancelsOther(Box<PairText>),
    /// Change a working order.
    Change(ChangeText),
    /// Take an order off the book.
    Cancel {
        /// Which, as `orders` prints it.
        #[serde(with = "hex_intent")]
        intent: IntentId,
    },
    /// Take every order of the account off the book.
    CancelAll {
        /// Only on this instrument.
        #[serde(default)]
        instrument: Option<InstrumentId>,
    },
    /// Throw the kill switch.
    Kill {
        /// How much is stopped.
        level: KillLevel,
        /// Only on this instrument.
        #[serde(default)]
        instrument: Option<InstrumentId>,
        /// Only of this strategy.
        #[serde(default)]
        strategy: Option<StrategyId>,
    },
    /// Refuse new risk.
    Latch {},
    /// Take new risk again.
    Release {},
    /// Compare with the venue now.
    Reconcile {},
    /// Where do books and venue differ, and why?
    Differences {},
    /// Take the venue's figure where they differ.
    Adopt {
        /// Only on this instrument.
        #[serde(default)]
        instrument: Option<InstrumentId>,
    },
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// What was asked for.
    Ok(Value),
    /// Why not, for people.
    Err(String),
}

/// A line that is not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or not of this form.
    #[error("not a request: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Nobody asks, or nobody that fits into a line of the journal.
    #[error("a request is an object that names who asks in `who`, in at most {WHO_BYTES_MAX} bytes without control characters")]
    Who,
}

impl Request {
    /// Reads a request from a line of JSON.
    ///
    /// # Errors
    /// [`RequestError`], for whoever wrote the line.
    pub fn from_json(line: &str) -> Result<Self, RequestError> {
        // `who` stands beside the verb's own fields, and unknown ones among those must be seen.
        let Value::Object(mut fields) = serde_json::from_str(line)? else { return Err(RequestError::Who) };
        let Some(Value::String(who)) = fields.remove("who") else { return Err(RequestError::Who) };
        if who.trim().is_empty() || who.len() > WHO_BYTES_MAX || who.chars().any(char::is_control) {
            return Err(RequestError::Who);
        }
        Ok(Self { who, ask: serde_json::from_value(Value::Object(fields))? })
    }
    /// Writes the request as a line of JSON, without the line's end.
    ///
    /// # Errors
    /// [`serde_json::Error`]: cannot happen with the types as they are.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut value = serde_json::to_value(&self.ask)?;
        if let Value::Object(fields) = &mut value {
            fields.insert(String::from("who"), Value::String(self.who.clone()));
        }
        serde_json::to_string(&value)
    }
}

impl Reply {
    /// Reads a reply from a line of JSON.
    ///
    /// # Errors
    /// [`serde_json::Error`]: it is not a reply.
    pub fn from_json(line: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Line {
            ok: bool,
            #[serde(default)]
            result: Value,
            #[serde(default)]
            error: String,
        }
        let line: Line = serde_json::from_str(line)?;
        Ok(if line.ok { Self::Ok(line.result) } else { Self::Err(line.error) })
    }
    /// Writes the reply as a line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        match self {
            Self::Ok(result) => serde_json::json!({ "ok": true, "result": result }).to_string(),
            Self::Err(error) => serde_json::json!({ "ok": false, "error": error }).to_string(),
        }
    }
}

/// A request on its way to the loop.
#[derive(Debug)]
pub(crate) struct ControlCall {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// Speaks to an account's loop from the same process, with the same words as the socket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ControlHandle(mpsc::Sender<ControlCall>);

/// The account's loop does not run any more, or not yet again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the account's loop does not run")]
pub struct NotRunning;

impl ControlHandle {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<ControlCall>) {
        let (sender, receiver) = mpsc::channel(CALLS_MAX);
        (Self(sender), receiver)
    }
    /// Asks, and waits for the loop's answer. Before the node runs, it waits for that.
    ///
    /// # Errors
    /// [`NotRunning`]: nothing was done, or it is not known whether it was; the journal tells.
    pub async fn ask(&self, who: &str, ask: Ask) -> Result<Reply, NotRunning> {
        self.call(Request { who: String::from(who), ask }).await
    }
    pub(crate) async fn call(&self, request: Request) -> Result<Reply, NotRunning> {
        let (reply, answer) = oneshot::channel();
        self.0.send(ControlCall { request, reply }).await.map_err(|_| NotRunning)?;
        answer.await.map_err(|_| NotRunning)
    }
}

mod hex_intent {
    //! An intent id as 32 hexadecimal digits, as it is printed everywhere.
    use super::{Deserialize, IntentId};
    use serde::{Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(id: &IntentId, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(id)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<IntentId, D::Error> {
        let text = String::deserialize(d)?;
        super::parse_intent(&text).ok_or_else(|| D::Error::custom("intent is not 32 hexadecimal digits"))
    }
}

pub(crate) fn parse_intent(text: &str) -> Option<IntentId> {
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(IntentId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_as_they_went() {
        for ask in [
            Ask::Status {},
            Ask::Orders { all: true },
            Ask::Bracket(Box::default()),
            Ask::OneCancelsOther(Box::new(PairText { intent: Some("ab".into()), ..PairText::default() })),
            Ask::Change(ChangeText { trigger: Some("5".into()), ..ChangeText::default() }),
            Ask::Cancel { intent: IntentId(0xAB) },
            Ask::CancelAll { instrument: None },
            Ask::CancelAll { instrument: Some(InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap()) },
            Ask::Latch {},
            Ask::Kill { level: KillLevel::Flatten, instrument: None, strategy: Some(StrategyId::new("maker").unwrap()) },
            Ask::Differences {},
            Ask::Adopt { instrument: None },
            Ask::Explain { order: String::from("x1") },
        ] {
            let request = Request { who: String::from("alice"), ask };
            assert_eq!(Request::from_json(&request.to_json().unwrap()).unwrap(), request);
        }
    }

    #[test]
    fn typos_are_refused() {
        for line in [
            r#"{"verb":"status"}"#,
            r#"{"who":" ","verb":"status"}"#,
            r#"{"who":"a\nb","verb":"status"}"#,
            r#"{"who":"a","verb":"stauts"}"#,
            r#"{"who":"a","verb":"status","all":true}"#,
            r#"{"who":"a","verb":"cancel-all","instument":"BTCUSDT-PERP.BINANCE"}"#,
            r#"{"who":"a","verb":"cancel","intent":"ab"}"#,
            r#"{"who":"a","verb":"kill","level":"flaten"}"#,
            r#"{"who":"a","verb":"kill","level":"reduce","symbol":"BTCUSDT-PERP.BINANCE"}"#,
            r#"{"who":"a","verb":"submit","instrument":"BTCUSDT-PERP.BINANCE","side":"BUY","qty":"1","type":"MARKET","reduceonly":true}"#,
            r#"{"who":"a","verb":"change","intent":"ab","prise":"5"}"#,
            r#"{"who":"a","verb":"bracket","entry":{"instrument":"BTCUSDT-PERP.BINANCE","side":"BUY","type":"MARKET","qty":"1"}}"#,
            "[]",
            "",
        ] {
            assert!(Request::from_json(line).is_err(), "{line}");
        }
    }

    #[test]
    fn replies_come_back_as_they_went() {
        for reply in [Reply::Ok(serde_json::json!({"a": [1, "2"]})), Reply::Err(String::from("no"))] {
            assert_eq!(Reply::from_json(&reply.to_json()).unwrap(), reply);
        }
    }
}
