//! A server on loopback and the smallest client that can speak to it: raw HTTP, signed requests, WebSockets. No tests here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use exchange_sim::face::{FaceConfig, Server, sign};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

pub(crate) const KEY: &str = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83";
pub(crate) const SECRET: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
pub(crate) const HEDGER: &str = "hedger";
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Status and code of an error.
    pub(crate) fn refusal(&self) -> (u16, i64) {
        (self.status, self.json()["code"].as_i64().unwrap_or_default())
    }

    /// The keys of an object in the order in which they came.
    pub(crate) fn keys(&self) -> Vec<String> {
        keys(&self.text)
    }
}

/// The keys of a flat JSON object in their order; serde_json would sort them.
pub(crate) fn keys(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        match rest.as_bytes()[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                let after = &rest[at + 1..];
                let end = after.find('"').unwrap();
                if depth == 1 && after[end + 1..].starts_with(':') {
                    keys.push(after[..end].to_owned());
                }
                rest = &after[end + 1..];
                continue;
            }
        }
        rest = &rest[at + 1..];
    }
    keys
}

/// A server with an account in one-way mode, one in hedge mode, and books that stand still.
pub(crate) fn quiet() -> FaceConfig {
    let mut config = FaceConfig::new(7).with_key(KEY, SECRET).with_hedge_key(HEDGER, SECRET);
    config.exchange.flow.interval_ms = 3_600_000;
    config
}

pub(crate) async fn start(config: FaceConfig) -> Bench {
    Bench { server: Server::bind(config, ([127, 0, 0, 1], 0).into()).await.unwrap() }
}

pub(crate) fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) struct Bench {
    pub(crate) server: Server,
}

impl Bench {
    pub(crate) async fn stream(&self) -> TcpStream {
        TcpStream::connect(self.server.addr()).await.unwrap()
    }

    /// Sends one request on a connection of its own; `None` when it is dropped without an answer.
    pub(crate) async fn send(&self, method: &str, target: &str, key: Option<&str>, body: &str) -> Option<Answer> {
        let mut stream = self.stream().await;
        timeout(PATIENCE, exchange(&mut stream, method, target, key, body)).await.expect("an answer or an end in time")
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, None, "").await.unwrap()
    }

    /// A signed request with everything in the query string; `None` when it is dropped.
    pub(crate) async fn try_signed(&self, method: &str, path: &str, params: &str) -> Option<Answer> {
        let query = signed_query(params, wall_ms());
        self.send(method, &format!("{path}?{query}"), Some(KEY), "").await
    }

    pub(crate) async fn signed(&self, method: &str, path: &str, params: &str) -> Answer {
        self.try_signed(method, path, params).await.unwrap()
    }

    pub(crate) async fn hedged(&self, method: &str, path: &str, params: &str) -> Answer {
        let query = signed_query(params, wall_ms());
        self.send(method, &format!("{path}?{query}"), Some(HEDGER), "").await.unwrap()
    }

    /// Works through the operator's door.
    pub(crate) async fn door(&self, path: &str, body: &str) -> Answer {
        self.send("POST", &format!("/sim/{path}"), None, body).await.unwrap()
    }

    pub(crate) async fn listen_key(&self) -> String {
        let answer = self.send("POST", "/fapi/v1/listenKey", Some(KEY), "").await.unwrap();
        answer.json()["listenKey"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn socket(&self, target: &str) -> Socket {
        let url = format!("{}{target}", self.server.ws_url());
        let (socket, _) = tokio_tungstenite::client_async(url, self.stream().await).await.unwrap();
        Socket { socket }
    }
}

/// Parameters with time and signature.
pub(crate) fn signed_query(params: &str, timestamp: i64) -> String {
    let separator = if params.is_empty() { "" } else { "&" };
    let query = format!("{params}{separator}timestamp={timestamp}");
    let signature = sign(SECRET, query.as_bytes());
    format!("{query}&signature={signature}")
}

/// One request on an open connection.
pub(crate) async fn exchange(
    stream: &mut TcpStream,
    method: &str,
    target: &str,
    key: Option<&str>,
    body: &str,
) -> Option<Answer> {
    let key = key.map(|key| format!("X-MBX-APIKEY: {key}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: sim\r\n{key}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .and_then(|value| value.parse().ok())
                .unwrap_or(0);
            while bytes.len() < end + 4 + length {
                let read = stream.read(&mut chunk).await.ok().filter(|&read| read > 0)?;
                bytes.extend_from_slice(&chunk[..read]);
            }
            let status = head.split(' ').nth(1)?.parse().ok()?;
            let text = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
            return Some(Answer { status, head, text });
        }
        let read = stream.read(&mut chunk).await.ok().filter(|&read| read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A WebSocket whose messages are JSON.
pub(crate) struct Socket {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Socket {
    /// The next text; `None` at the end of the socket.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a message in time")? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Binary(_) | Message::Frame(_) | Message::Close(_)) | Err(_) => return None,
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await.expect("a message")).unwrap()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        futures_util::SinkExt::send(&mut self.socket, Message::text(text)).await.unwrap();
    }

    /// The names of the next events, up to and including one.
    pub(crate) async fn names_until(&mut self, last: &str) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let name = label(&self.json().await);
            names.push(name.clone());
            if name == last {
                return names;
            }
        }
    }
}

/// An event in a word: its name, and for orders what happened.
pub(crate) fn label(event: &Value) -> String {
    let event = event.get("data").unwrap_or(event);
    match (event["e"].as_str(), event["o"]["x"].as_str()) {
        (Some(name), Some(what)) => format!("{name}:{what}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => event.to_string(),
    }
}
