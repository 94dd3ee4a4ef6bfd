//! The WebSocket side of a connection: the handshake, and a session's task between socket and hub.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, interval_at, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::call;
use super::http::plain;
use super::hub::{Frame, SessionId};
use super::server::Face;
use super::topic::Door;

/// Frames that may wait for a client that does not read; then it is cut.
const QUEUE: usize = 8_192;
/// Messages a client may send in a second (USDⓈ-M "WebSocket Market Streams": 10).
const MESSAGES_PER_SECOND: u32 = 10;

/// What a socket is opened for.
enum Purpose {
    Streams(Door),
    /// Requests and their answers.
    Requests(call::Session),
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a request asks for a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Answers a handshake and starts the session.
pub(super) fn upgrade(face: &Face, request: &mut Request<Incoming>, path: &str, query: &str) -> Response<Full<Bytes>> {
    let told = !query.split('&').any(|pair| pair == "returnRateLimits=false");
    let purpose = match Door::parse(path, query) {
        Some(door) => Purpose::Streams(door),
        None if path.trim_end_matches('/') == call::PATH => match call::Session::open(face, told) {
            Ok(session) => Purpose::Requests(session),
            Err(refusal) => return super::http::refused(&refusal, face.lock().weight_used()),
        },
        None => return plain(StatusCode::NOT_FOUND, "Not Found"),
    };
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return plain(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return plain(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let upgraded = hyper::upgrade::on(request);
    let face = face.clone();
    tokio::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => {
                let config = WebSocketConfig::default().read_buffer_size(8 << 10);
                let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                match purpose {
                    Purpose::Streams(door) => session(face, socket, door).await,
                    Purpose::Requests(session) => requests(face, socket, session).await,
                }
            }
            Err(error) => tracing::debug!(%error, "a handshake came to nothing"),
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

async fn session(face: Face, socket: Socket, door: Door) {
    let (tx, rx) = mpsc::channel(QUEUE);
    let id = {
        let mut state = face.lock();
        let id = state.hub.open(door, tx.clone());
        state.listeners_changed();
        id
    };
    let later = tx.downgrade();
    drop(tx);
    let (sink, source) = socket.split();
    carry(&face, id, sink, source, rx, later).await;
    let mut state = face.lock();
    state.hub.close(id);
    state.listeners_changed();
}

/// Carries frames both ways until either side ends.
async fn carry(
    face: &Face,
    id: SessionId,
    mut sink: SplitSink<Socket, Message>,
    mut source: SplitStream<Socket>,
    mut rx: mpsc::Receiver<Frame>,
    later: mpsc::WeakSender<Frame>,
) {
    let timing = face.timing();
    let every = Duration::from_millis(timing.ping_every_ms.max(1));
    let mut ping = interval_at(Instant::now() + every, every);
    let end = Instant::now() + Duration::from_millis(timing.socket_life_ms);
    let end = tokio::time::sleep_until(end);
    tokio::pin!(end);
    let mut heard = Instant::now();
    let mut pace = Pace::default();
    let stop = face.until_stopped();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            frame = rx.recv() => match frame {
                Some(Frame::Text(text)) => {
                    if sink.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                Some(Frame::Later(ms, text)) => {
                    let later = later.clone();
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(ms)).await;
                        if let Some(tx) = later.upgrade() {
                            // A session that ended meanwhile needs no frame.
                            let _ = tx.send(Frame::Text(text)).await;
                        }
                    });
                }
                // Dropped without a closing handshake: the client sees a broken connection.
                Some(Frame::Cut) | None => return,
            },
            message = source.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if !pace.allows(Instant::now()) {
                        return;
                    }
                    let reply = {
                        let mut state = face.lock();
                        let reply = state.hub.command(id, &text);
                        state.listeners_changed();
                        reply
                    };
                    if sink.send(Message::text(reply)).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Pong(_))) => heard = Instant::now(),
                Some(Ok(Message::Ping(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => {
                    // The reply to it is queued already; a client that is gone needs none.
                    let _ = sink.close().await;
                    return;
                }
                Some(Err(_)) | None => return,
            },
            () = &mut end => {
                // The client has had its day; whether the closing frame arrives is its affair.
                let _ = sink.send(Message::Close(None)).await;
                return;
            }
            now = ping.tick() => {
                if now.duration_since(heard) > Duration::from_millis(timing.pong_within_ms) {
                    return;
                }
                let payload = face.lock().clock.now().to_string();
                if sink.send(Message::Ping(payload.into())).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Answers requests until either side ends. Each is a task of its own: what has arrived takes effect although the client
/// hangs up, and answers come in the order in which they are ready.
async fn requests(face: Face, socket: Socket, session: call::Session) {
    let session = Arc::new(session);
    let (mut sink, mut source) = socket.split();
    let (tx, mut rx) = mpsc::channel::<String>(QUEUE);
    let timing = face.timing();
    let every = Duration::from_millis(timing.ping_every_ms.max(1));
    let mut ping = interval_at(Instant::now() + every, every);
    let end = tokio::time::sleep_until(Instant::now() + Duration::from_millis(timing.socket_life_ms));
    tokio::pin!(end);
    let mut heard = Instant::now();
    let stop = face.until_stopped();
    tokio::pin!(stop);
    loop {
        let out = tokio::select! {
            biased;
            () = &mut stop => return,
            Some(reply) = rx.recv() => Message::text(reply),
            message = source.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let (face, tx, session) = (face.clone(), tx.clone(), session.clone());
                    tokio::spawn(async move {
                        if let Some(reply) = call::answer(&face, &session, &text).await {
                            // A client that has gone needs no reply.
                            let _ = tx.send(reply).await;
                        }
                    });
                    continue;
                }
                Some(Ok(Message::Pong(_))) => {
                    heard = Instant::now();
                    continue;
                }
                Some(Ok(Message::Ping(_) | Message::Binary(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) => {
                    let _ = sink.close().await;
                    return;
                }
                Some(Err(_)) | None => return,
            },
            () = &mut end => {
                let _ = sink.send(Message::Close(None)).await;
                return;
            }
            now = ping.tick() => {
                if now.duration_since(heard) > Duration::from_millis(timing.pong_within_ms) {
                    return;
                }
                Message::Ping(face.lock().clock.now().to_string().into())
            }
        };
        if sink.send(out).await.is_err() {
            return;
        }
    }
}

/// Messages of one second.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    count: u32,
}

impl Pace {
    fn allows(&mut self, now: Instant) -> bool {
        match self.since {
            Some(since) if now.duration_since(since) < Duration::from_secs(1) => self.count += 1,
            Some(_) | None => {
                self.since = Some(now);
                self.count = 1;
            }
        }
        self.count <= MESSAGES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleven_messages_in_a_second_are_too_many() {
        let mut pace = Pace::default();
        let now = Instant::now();
        assert!((0..10).all(|_| pace.allows(now)));
        assert!(!pace.allows(now + Duration::from_millis(999)));
        assert!(pace.allows(now + Duration::from_secs(1)));
    }
}
