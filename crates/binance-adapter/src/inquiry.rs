//! Questions and account set-up: reqwest, with everything taken away that could send a request twice or elsewhere. In
//! simulation the order-entry transport stands in, because reqwest cannot run over our dialer.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use http::{HeaderValue, header::CONTENT_TYPE};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::{
    dialer::{Connector, Origin},
    transport::{Incomplete, NeverBegun, REPLY_BYTES_MAX, Reply, Request, Transport, TransportError, usage},
};

/// How long a connection may idle; below the venue's own keep-alive, so that it is not the venue that closes.
const IDLE: Duration = Duration::from_secs(20);
/// How long one dial may take, TLS included.
const DIAL_WITHIN: Duration = Duration::from_secs(5);

/// The client could not be made.
#[derive(Debug, Error)]
#[error("the http client for queries cannot be made")]
pub struct ClientError;

/// Questions and set-up over reqwest.
pub struct InquiryTransport {
    client: reqwest::Client,
    base: String,
    key: HeaderValue,
}

impl InquiryTransport {
    /// A client for one origin. `key` is marked sensitive by its maker.
    ///
    /// # Errors
    /// [`ClientError`] if the TLS configuration is refused.
    pub fn new(connector: &Connector, origin: &Origin, key: HeaderValue) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(DIAL_WITHIN)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(4)
            .tls_backend_preconfigured((**connector.tls()).clone())
            .build()
            .map_err(|_| ClientError)?;
        let scheme = if origin.is_tls() { "https" } else { "http" };
        Ok(Self { client, base: format!("{scheme}://{}", origin.authority()), key })
    }
}

#[async_trait]
impl Transport for InquiryTransport {
    async fn send(&self, request: Request) -> Result<Reply, TransportError> {
        // reqwest does not tell when it begins, so both deadlines together bound the whole exchange.
        let by = Instant::now() + request.begin_within + request.answer_within;
        let mut built = self.client.request(request.method, format!("{}{}", self.base, request.target));
        if request.keyed {
            built = built.header("X-MBX-APIKEY", self.key.clone());
        }
        if !request.body.is_empty() {
            built = built.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(request.body);
        }
        let built = built.build().map_err(|_| TransportError::NeverBegun(NeverBegun::Unbuildable))?;
        let mut response = match timeout_at(by, self.client.execute(built)).await {
            Ok(Ok(response)) => response,
            // Its own text holds the URL with the signature, so nothing of the error is kept but its kind.
            Ok(Err(error)) if error.is_connect() => {
                return Err(TransportError::NeverBegun(NeverBegun::Dial(kind(&error))));
            }
            Ok(Err(_)) => return Err(TransportError::Incomplete(Incomplete::Cut)),
            Err(_) => return Err(TransportError::Incomplete(Incomplete::Deadline)),
        };
        let status = response.status().as_u16();
        let usage = usage(response.headers());
        let mut body = BytesMut::new();
        loop {
            match timeout_at(by, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > REPLY_BYTES_MAX => {
                    return Err(TransportError::Incomplete(Incomplete::TooLarge));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(Reply { status, usage, body: body.freeze() }),
                Ok(Err(_)) => return Err(TransportError::Incomplete(Incomplete::Cut)),
                Err(_) => return Err(TransportError::Incomplete(Incomplete::Deadline)),
            }
        }
    }
}

fn kind(error: &reqwest::Error) -> io::ErrorKind {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return io.kind();
        }
        source = inner.source();
    }
    io::ErrorKind::Other
}
