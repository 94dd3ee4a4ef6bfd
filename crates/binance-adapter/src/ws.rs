//! One WebSocket over our own stream: text frames in, pings out. It knows no payload; sessions are in `session`.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::dialer::{BoxedStream, Connector, Origin};

/// Largest message that is let in.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// How long the handshake may take, the dial included.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// How long handing over a control frame may take.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// What a socket is read for; it decides the size of the buffer, which is cleared on each read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Few and small messages.
    Private,
    /// Many.
    Market,
}

/// Why a socket cannot be opened or has ended. The path with its key does not stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SocketError {
    /// No connection.
    #[error("no connection")]
    Dial,
    /// The host answered with something else than a WebSocket.
    #[error("no websocket: status {0}")]
    Refused(u16),
    /// The handshake broke.
    #[error("the handshake broke")]
    Handshake,
    /// It took too long.
    #[error("deadline passed")]
    Deadline,
    /// It was closed, with the code if there was one.
    #[error("closed ({0:?})")]
    Closed(Option<u16>),
    /// It broke, or a frame was too large or malformed.
    #[error("broken")]
    Broken,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Text(Utf8Bytes),
    /// A ping, a pong: the other side lives. Pings are answered by themselves.
    Alive,
}

/// An open WebSocket.
pub struct Socket {
    stream: WebSocketStream<BoxedStream>,
}

impl Socket {
    /// Opens a socket. `path` follows the origin's prefix and may hold a key.
    ///
    /// # Errors
    /// [`SocketError`].
    pub async fn open(connector: &Connector, origin: &Origin, path: &str, traffic: Traffic) -> Result<Self, SocketError> {
        timeout(OPEN_WITHIN, Self::shake(connector, origin, path, traffic)).await.unwrap_or(Err(SocketError::Deadline))
    }

    async fn shake(connector: &Connector, origin: &Origin, path: &str, traffic: Traffic) -> Result<Self, SocketError> {
        let stream = connector.open(origin).await.map_err(|_| SocketError::Dial)?;
        let scheme = if origin.is_tls() { "wss" } else { "ws" };
        let request = format!("{scheme}://{}{}{path}", origin.authority(), origin.prefix())
            .into_client_request()
            .map_err(|_| SocketError::Handshake)?;
        let buffer = match traffic {
            Traffic::Private => 8 * 1024,
            Traffic::Market => 128 * 1024,
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX))
            .read_buffer_size(buffer);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(SocketError::Refused(response.status().as_u16())),
            Err(_) => Err(SocketError::Handshake),
        }
    }

    /// Waits for the next frame. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// [`SocketError`]: the socket is over.
    pub async fn next(&mut self) -> Result<Heard, SocketError> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Ok(Heard::Text(text)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Heard::Alive),
            // The venue sends text; a binary frame is not its own.
            Some(Ok(Message::Binary(_)) | Err(_)) => Err(SocketError::Broken),
            Some(Ok(Message::Close(frame))) => Err(SocketError::Closed(frame.map(|frame| frame.code.into()))),
            None => Err(SocketError::Closed(None)),
        }
    }

    /// Sends a ping; its pong is heard as [`Heard::Alive`].
    ///
    /// # Errors
    /// [`SocketError`]: the socket is over.
    pub async fn ping(&mut self) -> Result<(), SocketError> {
        match timeout(WRITE_WITHIN, self.stream.send(Message::Ping(Bytes::new()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SocketError::Broken),
            Err(_) => Err(SocketError::Deadline),
        }
    }
}
