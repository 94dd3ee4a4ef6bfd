//! How a byte stream to a host comes about: the one seam between the adapter and the network. A simulation puts pipes in
//! its place. TLS is laid over whatever the dialer returns; names are resolved by the dialer alone.

use std::{io, sync::Arc};

use async_trait::async_trait;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{InvalidDnsNameError, ServerName},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A connection, whatever it runs over.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A connection of a kind that is chosen at run time.
pub type BoxedStream = Box<dyn ByteStream>;

/// Opens connections.
#[async_trait]
pub trait Dialer: Send + Sync {
    /// Opens one connection to a host and port, without TLS.
    ///
    /// # Errors
    /// The operating system's error; not one byte of a request has been handed over.
    async fn dial(&self, host: &str, port: u16) -> io::Result<BoxedStream>;
}

/// The real network: TCP without Nagle's delay.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDialer;

#[async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, host: &str, port: u16) -> io::Result<BoxedStream> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// Where a service lives: scheme, host, port and the prefix of its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    host: String,
    port: u16,
    tls: bool,
    prefix: String,
}

/// A text that is not the address of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("not a url")]
    NotAUrl,
    /// A scheme that nobody here speaks.
    #[error("the scheme must be https, http, wss or ws")]
    Scheme,
    /// It has a query or a user in it.
    #[error("a base url has neither a query nor a user")]
    Extra,
}

impl Origin {
    /// Reads `https://host[:port][/prefix]`, or the same with `http`, `wss`, `ws`.
    ///
    /// # Errors
    /// [`OriginError`]; the text is not repeated in it, since a wrongly pasted one may hold a secret.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        let uri: http::Uri = url.parse().map_err(|_| OriginError::NotAUrl)?;
        let (tls, default_port) = match uri.scheme_str() {
            Some("https" | "wss") => (true, 443),
            Some("http" | "ws") => (false, 80),
            _ => return Err(OriginError::Scheme),
        };
        let authority = uri.authority().ok_or(OriginError::NotAUrl)?;
        if uri.query().is_some() || authority.as_str().contains('@') {
            return Err(OriginError::Extra);
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(OriginError::NotAUrl);
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(default_port),
            tls,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What stands in front of every path, without a slash at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// `host` or `host:port`, as the `Host` header has it.
    #[must_use]
    pub fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// A dialer and the TLS that is laid over its streams.
#[derive(Clone)]
pub struct Connector {
    dialer: Arc<dyn Dialer>,
    tls: Arc<ClientConfig>,
}

/// The TLS configuration could not be made.
#[derive(Debug, Error)]
#[error("tls: {0}")]
pub struct TlsError(#[from] rustls::Error);

/// A connection could not be opened. Nothing of a request has left.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The dialer failed, or the TLS handshake did.
    #[error("no connection: {0}")]
    Io(#[from] io::Error),
    /// The host's name cannot be in a certificate.
    #[error("not a host name: {0}")]
    Name(#[from] InvalidDnsNameError),
}

impl Connector {
    /// A connector over a dialer, with the fixed set of web roots.
    ///
    /// # Errors
    /// [`TlsError`] if the cryptography refuses its own defaults.
    pub fn new(dialer: Arc<dyn Dialer>) -> Result<Self, TlsError> {
        Ok(Self { dialer, tls: Arc::new(web_tls()?) })
    }

    /// The TLS configuration, to share with other clients.
    #[must_use]
    pub fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// Opens a connection to an origin. The caller sets the deadline.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(&self, origin: &Origin) -> Result<BoxedStream, OpenError> {
        let plain = self.dialer.dial(&origin.host, origin.port).await?;
        if !origin.tls {
            return Ok(plain);
        }
        let name = ServerName::try_from(origin.host.clone())?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, plain).await?;
        Ok(Box::new(stream))
    }
}

/// TLS 1.2 and 1.3 by aws-lc-rs, named here and not taken from the process, with the roots of the web in the binary.
fn web_tls() -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read() {
        let live = Origin::parse("https://fapi.binance.com").unwrap();
        assert_eq!(
            (live.host(), live.is_tls(), live.prefix(), live.authority().as_str()),
            ("fapi.binance.com", true, "", "fapi.binance.com")
        );
        let local = Origin::parse("ws://127.0.0.1:9001/private/").unwrap();
        assert_eq!((local.authority().as_str(), local.prefix(), local.is_loopback()), ("127.0.0.1:9001", "/private", true));
        assert!(!live.is_loopback());
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        assert_eq!(Origin::parse("ftp://x"), Err(OriginError::Scheme));
        assert_eq!(Origin::parse("fapi.binance.com"), Err(OriginError::Scheme));
        assert_eq!(Origin::parse("https://x/?key=1"), Err(OriginError::Extra));
        assert_eq!(Origin::parse("https://user@x"), Err(OriginError::Extra));
        assert_eq!(Origin::parse(""), Err(OriginError::NotAUrl));
    }

    #[test]
    fn tls_can_be_made_without_a_process_default() {
        assert!(web_tls().is_ok());
    }
}
