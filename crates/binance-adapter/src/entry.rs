//! Order entry: HTTP/1.1 by hyper over our own dialer, on a few warm connections that are no pool: nothing is resent, a
//! dead connection is replaced before a byte of a request is put on it. Not for large downloads.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue,
    header::{CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    boundary::boundary,
    dialer::{Connector, OpenError, Origin},
    transport::{Incomplete, NeverBegun, REPLY_BYTES_MAX, Reply, Request, Transport, TransportError, usage},
};

/// How long one dial may take, TLS included.
const DIAL_WITHIN: Duration = Duration::from_secs(5);

/// Order entry over `connections` warm connections; each carries one request at a time.
pub struct EntryTransport {
    connector: Connector,
    origin: Origin,
    host: HeaderValue,
    key: HeaderValue,
    free: Semaphore,
    // First in, first out: each request and each clock reading touches the connection that has idled longest.
    idle: Mutex<VecDeque<Line>>,
    connections: usize,
}

/// One connection and the task that drives it; dropping it closes the connection.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl EntryTransport {
    /// A transport that has not dialled yet. `key` is marked sensitive by its maker.
    ///
    /// # Errors
    /// [`NeverBegun::Unbuildable`] if the origin's name cannot stand in a header.
    pub fn new(connector: Connector, origin: Origin, key: HeaderValue, connections: usize) -> Result<Self, NeverBegun> {
        let host = HeaderValue::from_str(&origin.authority()).map_err(|_| NeverBegun::Unbuildable)?;
        let connections = connections.max(1);
        Ok(Self {
            connector,
            origin,
            host,
            key,
            free: Semaphore::new(connections),
            idle: Mutex::new(VecDeque::with_capacity(connections)),
            connections,
        })
    }

    /// Opens the connections that are missing, so that the next request need not. Failing to is no error: the request
    /// will try again.
    pub async fn warm(&self) {
        for _ in 0..self.connections {
            let Ok(_permit) = self.free.try_acquire() else { return };
            if self.idle().iter().filter(|line| !line.sender.is_closed()).count() >= self.connections {
                return;
            }
            match self.dial(Instant::now() + DIAL_WITHIN).await {
                Ok(line) => self.keep(line),
                Err(_) => return,
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Line>> {
        // Nothing in here panics while it holds the lock; if it did, the queue would still be whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, line: Line) {
        if !line.sender.is_closed() {
            let mut idle = self.idle();
            idle.retain(|line| !line.sender.is_closed());
            if idle.len() < self.connections {
                idle.push_back(line);
            }
        }
    }

    /// A line that is ready for a request: an idle one that lives, or a new one.
    async fn line(&self, begin_by: Instant) -> Result<Line, NeverBegun> {
        loop {
            let Some(mut line) = self.idle().pop_front() else { break };
            if let Ok(Ok(())) = timeout_at(begin_by, line.sender.ready()).await {
                return Ok(line);
            }
        }
        self.dial(begin_by.min(Instant::now() + DIAL_WITHIN)).await
    }

    async fn dial(&self, by: Instant) -> Result<Line, NeverBegun> {
        let opened = timeout_at(by, async {
            let stream = self.connector.open(&self.origin).await.map_err(|error| match error {
                OpenError::Io(error) => NeverBegun::Dial(error.kind()),
                OpenError::Name(_) => NeverBegun::Dial(io::ErrorKind::InvalidInput),
            })?;
            let (sender, connection) = http1::Builder::new()
                .handshake(TokioIo::new(stream))
                .await
                .map_err(|_| NeverBegun::Dial(io::ErrorKind::ConnectionAborted))?;
            let driver = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "order entry connection ended");
                }
            });
            let mut line = Line { sender, driver };
            line.sender.ready().await.map_err(|_| NeverBegun::Returned)?;
            Ok(line)
        });
        opened.await.unwrap_or(Err(NeverBegun::Late))
    }

    fn build(&self, request: Request) -> Result<http::Request<Full<Bytes>>, NeverBegun> {
        let mut built = http::Request::builder().method(request.method).uri(request.target).header(HOST, self.host.clone());
        if request.keyed {
            built = built.header("X-MBX-APIKEY", self.key.clone());
        }
        if !request.body.is_empty() {
            built = built.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        built.body(Full::new(request.body)).map_err(|_| NeverBegun::Unbuildable)
    }
}

#[async_trait]
impl Transport for EntryTransport {
    async fn send(&self, request: Request) -> Result<Reply, TransportError> {
        let begin_by = Instant::now() + request.begin_within;
        let answer_within = request.answer_within;
        let built = self.build(request).map_err(TransportError::NeverBegun)?;
        let _permit = match timeout_at(begin_by, self.free.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(TransportError::NeverBegun(NeverBegun::Late)),
        };
        let mut line = self.line(begin_by).await.map_err(TransportError::NeverBegun)?;
        if Instant::now() > begin_by {
            self.keep(line);
            return Err(TransportError::NeverBegun(NeverBegun::Late));
        }
        let answer_by = Instant::now() + answer_within;
        boundary!("request.before-first-byte");
        let mut sent = timeout_at(answer_by, line.sender.try_send_request(built)).await;
        if let Ok(Err(error)) = &mut sent
            && let Some(untouched) = error.take_message()
        {
            // hyper hands a request back only if it has not written a byte of it: the venue had closed an idle connection. It may
            // begin anew on a fresh one, and once: another that dies at once is trouble that the caller shall hear of.
            line = self.dial(begin_by.min(Instant::now() + DIAL_WITHIN)).await.map_err(TransportError::NeverBegun)?;
            boundary!("request.before-first-byte");
            sent = timeout_at(answer_by, line.sender.try_send_request(untouched)).await;
        }
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(mut error)) => {
                return Err(match error.take_message() {
                    Some(_) => TransportError::NeverBegun(NeverBegun::Returned),
                    None => TransportError::Incomplete(Incomplete::Cut),
                });
            }
            Err(_) => return Err(TransportError::Incomplete(Incomplete::Deadline)),
        };
        let (head, body) = response.into_parts();
        let body = match timeout_at(answer_by, whole(body)).await {
            Ok(body) => body.map_err(TransportError::Incomplete)?,
            Err(_) => return Err(TransportError::Incomplete(Incomplete::Deadline)),
        };
        self.keep(line);
        boundary!("answer.at-the-adapter");
        Ok(Reply { status: head.status.as_u16(), usage: usage(&head.headers), body })
    }
}

async fn whole(mut body: Incoming) -> Result<Bytes, Incomplete> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Incomplete::Cut)?.into_data() else { continue };
        if bytes.len() + data.len() > REPLY_BYTES_MAX {
            return Err(Incomplete::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
