//! The port of one HTTP exchange, and its two bad ends: never begun, or begun without a complete answer. It knows no
//! endpoint. Implementors: `entry` (order entry) and `inquiry` (questions and set-up); one test binds both.

use std::{fmt, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use thiserror::Error;

use crate::rate::Usage;

/// Largest body of a reply that is let in.
pub const REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One request, complete and signed. It is moved into the transport and sent at most once.
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path and query as they are sent.
    pub target: String,
    /// Form body; empty for none.
    pub body: Bytes,
    /// Whether the API key goes with it.
    pub keyed: bool,
    /// If its first byte has not been handed over by then, it is not sent at all.
    pub begin_within: Duration,
    /// Counted from the first byte.
    pub answer_within: Duration,
}

/// The path only: the query holds the signature.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("Request").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

/// A complete reply, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// What its headers say about limits.
    pub usage: Usage,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// The body as text; empty if it is not UTF-8, which no reader takes for an answer.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// Whether the status is a success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// Why there is no complete reply. Neither URL, query nor header stands in it.
#[derive(Debug, Error)]
pub enum TransportError {
    /// Not one byte of the request was handed over.
    #[error("never begun: {0}")]
    NeverBegun(NeverBegun),
    /// It may have reached the venue.
    #[error("no complete answer: {0}")]
    Incomplete(Incomplete),
}

/// Why a request was never begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NeverBegun {
    /// No connection could be opened.
    #[error("no connection ({0})")]
    Dial(io::ErrorKind),
    /// No connection was free or open in time.
    #[error("no connection in time")]
    Late,
    /// The connection was dead, and the fresh one too: the request came back untouched.
    #[error("the connection had been closed")]
    Returned,
    /// The request could not be built.
    #[error("the request cannot be built")]
    Unbuildable,
}

/// Why a request that was begun has no complete reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Incomplete {
    /// The deadline passed.
    #[error("deadline passed")]
    Deadline,
    /// The connection broke before the reply was whole.
    #[error("connection lost")]
    Cut,
    /// The reply was too large.
    #[error("reply too large")]
    TooLarge,
}

/// Sends one request and waits for its reply.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` at most once: no redirect is followed, nothing is retried, no proxy is asked.
    ///
    /// # Errors
    /// [`TransportError`]: only [`TransportError::NeverBegun`] proves that nothing left.
    async fn send(&self, request: Request) -> Result<Reply, TransportError>;
}

/// What the headers of a reply say about limits.
pub(crate) fn usage(headers: &HeaderMap) -> Usage {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    Usage {
        weight_1m: number("x-mbx-used-weight-1m"),
        orders_10s: number("x-mbx-order-count-10s"),
        orders_1m: number("x-mbx-order-count-1m"),
        retry_after_s: number("retry-after"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_does_not_print_its_query_or_body() {
        let request = Request {
            method: Method::POST,
            target: "/fapi/v1/order?signature=CANARY".into(),
            body: Bytes::from_static(b"signature=CANARY"),
            keyed: true,
            begin_within: Duration::ZERO,
            answer_within: Duration::ZERO,
        };
        let text = format!("{request:?}");
        assert!(text.contains("/fapi/v1/order") && !text.contains("CANARY"), "{text}");
    }

    #[test]
    fn headers_that_are_not_numbers_are_not_read() {
        let mut headers = HeaderMap::new();
        headers.insert("x-mbx-used-weight-1m", http::HeaderValue::from_static("17"));
        headers.insert("retry-after", http::HeaderValue::from_static("Wed, 21 Oct"));
        assert_eq!(usage(&headers), Usage { weight_1m: Some(17), ..Usage::default() });
    }
}
