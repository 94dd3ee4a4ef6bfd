//! Who listens to what: sessions, their subscriptions, and the frames that go to them. It touches no socket.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::faults::StreamFault;
use super::json::{Obj, quoted};
use super::topic::{Door, Route, Topic};
use crate::config::MarketData;
use crate::types::Interval;

/// What a session's task is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Send a text.
    Text(String),
    /// Send a text this many milliseconds later.
    Later(u64, String),
    /// Cut the socket without a closing handshake.
    Cut,
}

/// The number of a session.
pub(super) type SessionId = u64;

#[derive(Debug)]
struct Session {
    route: Route,
    combined: bool,
    tx: Sender<Frame>,
    /// As asked for, in the client's words.
    names: BTreeMap<String, Topic>,
    silenced: bool,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Hub {
    sessions: BTreeMap<SessionId, Session>,
    listeners: BTreeMap<Topic, BTreeSet<(SessionId, String)>>,
    last_id: SessionId,
    legacy_private: bool,
}

impl Hub {
    pub(super) fn new(legacy_private: bool) -> Self {
        Self { sessions: BTreeMap::new(), listeners: BTreeMap::new(), last_id: 0, legacy_private }
    }

    /// Whether sockets on the addresses of before 2026-04-23 carry private data.
    pub(super) fn set_legacy_private(&mut self, on: bool) {
        self.legacy_private = on;
        let names: Vec<(SessionId, String)> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.route == Route::Legacy)
            .flat_map(|(id, session)| session.names.keys().map(|name| (*id, name.clone())))
            .collect();
        for (id, name) in names {
            let topic = self.sessions.get(&id).and_then(|session| session.names.get(&name)).cloned();
            if let Some(topic) = topic {
                self.unlisten(id, &name, &topic);
                self.listen(id, name, topic);
            }
        }
    }

    /// Opens a session with what its URL asked for.
    pub(super) fn open(&mut self, door: Door, tx: Sender<Frame>) -> SessionId {
        self.last_id += 1;
        let id = self.last_id;
        let session = Session { route: door.route, combined: door.combined, tx, names: BTreeMap::new(), silenced: false };
        self.sessions.insert(id, session);
        for (key, events) in door.private {
            self.listen(id, key.clone(), Topic::Private(key, events));
        }
        for name in door.asked {
            let topic = Topic::parse(&name);
            self.listen(id, name, topic);
        }
        id
    }

    pub(super) fn close(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            for (name, topic) in session.names {
                self.forget(id, &name, &topic);
            }
        }
    }

    fn listen(&mut self, id: SessionId, name: String, topic: Topic) {
        let legacy_private = self.legacy_private;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if topic.served_on(session.route, legacy_private) {
            self.listeners.entry(topic.clone()).or_default().insert((id, name.clone()));
        }
        session.names.insert(name, topic);
    }

    fn unlisten(&mut self, id: SessionId, name: &str, topic: &Topic) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.names.remove(name);
        }
        self.forget(id, name, topic);
    }

    fn forget(&mut self, id: SessionId, name: &str, topic: &Topic) {
        if let Some(listeners) = self.listeners.get_mut(topic) {
            listeners.remove(&(id, name.to_owned()));
            if listeners.is_empty() {
                self.listeners.remove(topic);
            }
        }
    }

    /// Answers a message of a client: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY.
    pub(super) fn command(&mut self, id: SessionId, message: &str) -> String {
        let refuse = |code: i32, msg: &str, id: &str| {
            let error = Obj::new().num("code", code).text("msg", msg).end();
            Obj::new().raw("error", &error).raw("id", id).end()
        };
        let Ok(command) = serde_json::from_str::<serde_json::Value>(message) else {
            return refuse(3, "Invalid JSON: expected value at line 1 column 1", "null");
        };
        // The id comes back with the type it was sent with.
        let echo = command.get("id").map_or_else(|| "null".to_owned(), ToString::to_string);
        let names: Vec<String> = command
            .get("params")
            .and_then(|params| params.as_array())
            .map(|params| params.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect())
            .unwrap_or_default();
        let done = |result: &str| Obj::new().raw("result", result).raw("id", &echo).end();
        match command.get("method").and_then(|method| method.as_str()) {
            Some("SUBSCRIBE") => {
                for name in names {
                    let topic = Topic::parse(&name);
                    self.listen(id, name, topic);
                }
                done("null")
            }
            Some("UNSUBSCRIBE") => {
                for name in names {
                    let topic = self.sessions.get(&id).and_then(|session| session.names.get(&name)).cloned();
                    if let Some(topic) = topic {
                        self.unlisten(id, &name, &topic);
                    }
                }
                done("null")
            }
            Some("LIST_SUBSCRIPTIONS") => {
                let names = self.sessions.get(&id).into_iter().flat_map(|session| session.names.keys());
                done(&super::json::array(names.map(|name| quoted(name))))
            }
            Some("SET_PROPERTY") => {
                let on = command.pointer("/params/1").and_then(serde_json::Value::as_bool);
                if let (Some(on), Some(session)) = (on, self.sessions.get_mut(&id)) {
                    session.combined = on;
                }
                done("null")
            }
            Some("GET_PROPERTY") => {
                let on = self.sessions.get(&id).is_some_and(|session| session.combined);
                done(if on { "true" } else { "false" })
            }
            Some(other) => refuse(2, &format!("Invalid request: unknown variant `{other}`"), &echo),
            None => refuse(2, "Invalid request: missing field `method`", &echo),
        }
    }

    /// Whether anybody listens to a topic.
    pub(super) fn wanted(&self, topic: &Topic) -> bool {
        self.listeners.contains_key(topic)
    }

    /// The kinds of market events that somebody listens to.
    pub(super) fn market_data(&self) -> MarketData {
        let any = |is: fn(&Topic) -> bool| self.listeners.keys().any(is);
        MarketData {
            book_ticker: any(|topic| matches!(topic, Topic::BookTicker(_))),
            depth: any(|topic| matches!(topic, Topic::DepthDiff(_) | Topic::DepthTop(..))),
            trades: any(|topic| matches!(topic, Topic::Trade(_) | Topic::AggTrade(_))),
            mark_price: any(|topic| matches!(topic, Topic::MarkPrice(_))),
        }
    }

    /// The candles that somebody listens to.
    pub(super) fn klines(&self) -> Vec<(String, Interval)> {
        self.listeners.keys().filter_map(Topic::candle).map(|(symbol, interval)| (symbol.to_owned(), interval)).collect()
    }

    /// The partial depths that somebody listens to.
    pub(super) fn depth_tops(&self, symbol: &str) -> Vec<usize> {
        [5, 10, 20].into_iter().filter(|&levels| self.wanted(&Topic::DepthTop(symbol.to_owned(), levels))).collect()
    }

    /// Sends a payload to all who listen to a topic and whose name for it passes.
    pub(super) fn publish(&mut self, topic: &Topic, payload: &str, passes: impl Fn(&str) -> bool) {
        let listeners: Vec<(SessionId, String)> = match self.listeners.get(topic) {
            Some(listeners) => listeners.iter().filter(|(_, name)| passes(name)).cloned().collect(),
            None => return,
        };
        for (id, name) in listeners {
            self.send(id, &name, payload, None);
        }
    }

    /// Sends a private event to all sockets of a listen key, as the faults will have it.
    pub(super) fn publish_private(&mut self, key: &str, event: &str, payload: &str, faults: &[StreamFault]) {
        for (id, name) in self.private_listeners(key, event) {
            let mut copies = 1;
            let mut later = None;
            for fault in faults {
                match fault {
                    StreamFault::Drop => copies = 0,
                    StreamFault::Duplicate => copies += 1,
                    StreamFault::Delay(ms) => later = Some(*ms),
                    StreamFault::Cut => {
                        self.cut(id);
                        copies = 0;
                    }
                    StreamFault::Silence => self.silence(id, true),
                }
            }
            for _ in 0..copies {
                self.send(id, &name, payload, later);
            }
        }
    }

    fn private_listeners(&self, key: &str, event: &str) -> Vec<(SessionId, String)> {
        let mine = |topic: &Topic| {
            topic
                .private()
                .is_some_and(|(theirs, events)| theirs == key && (events.is_empty() || events.iter().any(|name| name == event)))
        };
        self.listeners.iter().filter(|(topic, _)| mine(topic)).flat_map(|(_, who)| who.iter().cloned()).collect()
    }

    /// The sessions that use a listen key, or all private ones.
    pub(super) fn private_sessions(&self, key: Option<&str>) -> BTreeSet<SessionId> {
        let uses = |topic: &Topic| topic.private().is_some_and(|(theirs, _)| key.is_none_or(|key| key == theirs));
        self.sessions.iter().filter(|(_, session)| session.names.values().any(uses)).map(|(id, _)| *id).collect()
    }

    /// Every session there is.
    pub(super) fn all_sessions(&self) -> BTreeSet<SessionId> {
        self.sessions.keys().copied().collect()
    }

    /// Cuts a socket without a word.
    pub(super) fn cut(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            // A full queue means that the client does not read; dropping the sender ends the task as well.
            let _ = session.tx.try_send(Frame::Cut);
        }
        self.close(id);
    }

    /// Lets a socket carry nothing, or again everything.
    pub(super) fn silence(&mut self, id: SessionId, on: bool) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.silenced = on;
        }
    }

    fn send(&mut self, id: SessionId, name: &str, payload: &str, later: Option<u64>) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.silenced {
            return;
        }
        let text = if session.combined { Obj::new().text("stream", name).raw("data", payload).end() } else { payload.to_owned() };
        let frame = match later {
            Some(ms) => Frame::Later(ms, text),
            None => Frame::Text(text),
        };
        match session.tx.try_send(frame) {
            Ok(()) => {}
            // The venue cuts clients that do not read.
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.close(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn open(hub: &mut Hub, path: &str, query: &str) -> (SessionId, mpsc::Receiver<Frame>) {
        let (tx, rx) = mpsc::channel(16);
        (hub.open(Door::parse(path, query).unwrap(), tx), rx)
    }

    fn texts(rx: &mut mpsc::Receiver<Frame>) -> Vec<String> {
        let mut texts = Vec::new();
        while let Ok(frame) = rx.try_recv() {
            texts.push(match frame {
                Frame::Text(text) => text,
                Frame::Later(ms, text) => format!("{ms}:{text}"),
                Frame::Cut => "cut".to_owned(),
            });
        }
        texts
    }

    #[test]
    fn frames_are_wrapped_on_combined_sockets_and_filtered_by_event() {
        let mut hub = Hub::new(true);
        let (_, mut raw) = open(&mut hub, "/private/ws", "listenKey=K&events=A");
        let (_, mut wrapped) = open(&mut hub, "/private/stream", "listenKey=K");
        hub.publish_private("K", "A", "1", &[]);
        hub.publish_private("K", "B", "2", &[]);
        hub.publish_private("other", "A", "3", &[]);
        assert_eq!(texts(&mut raw), ["1"]);
        assert_eq!(texts(&mut wrapped), [r#"{"stream":"K","data":1}"#, r#"{"stream":"K","data":2}"#]);
    }

    #[test]
    fn commands_are_answered_with_the_id_they_brought() {
        let mut hub = Hub::new(true);
        let (id, mut rx) = open(&mut hub, "/public/ws", "");
        assert_eq!(
            hub.command(id, r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":"x1"}"#),
            r#"{"result":null,"id":"x1"}"#
        );
        assert!(hub.market_data().book_ticker);
        hub.publish(&Topic::BookTicker(Some("BTCUSDT".into())), "7", |_| true);
        assert_eq!(texts(&mut rx), ["7"]);
        assert_eq!(hub.command(id, r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#), r#"{"result":["btcusdt@bookTicker"],"id":3}"#);
        hub.command(id, r#"{"method":"UNSUBSCRIBE","params":["btcusdt@bookTicker"],"id":4}"#);
        assert!(!hub.market_data().book_ticker);
        assert!(hub.command(id, "{").contains("Invalid JSON"));
        assert!(hub.command(id, r#"{"method":"NONE","id":9}"#).ends_with(r#","id":9}"#));
    }

    #[test]
    fn faults_hit_frames() {
        let mut hub = Hub::new(true);
        let (_, mut rx) = open(&mut hub, "/private/ws/K", "");
        hub.publish_private("K", "A", "1", &[StreamFault::Drop]);
        hub.publish_private("K", "A", "2", &[StreamFault::Duplicate]);
        hub.publish_private("K", "A", "3", &[StreamFault::Delay(5)]);
        hub.publish_private("K", "A", "4", &[StreamFault::Cut]);
        hub.publish_private("K", "A", "5", &[]);
        assert_eq!(texts(&mut rx), ["2", "2", "5:3", "cut"]);
        let (_, mut rx) = open(&mut hub, "/private/ws/K", "");
        hub.publish_private("K", "A", "6", &[StreamFault::Silence]);
        hub.publish_private("K", "A", "7", &[]);
        assert!(texts(&mut rx).is_empty());
    }

    #[test]
    fn legacy_sockets_can_be_made_silent() {
        let mut hub = Hub::new(true);
        let (_, mut rx) = open(&mut hub, "/ws/K", "");
        hub.publish_private("K", "A", "1", &[]);
        hub.set_legacy_private(false);
        hub.publish_private("K", "A", "2", &[]);
        hub.set_legacy_private(true);
        hub.publish_private("K", "A", "3", &[]);
        assert_eq!(texts(&mut rx), ["1", "3"]);
    }
}
