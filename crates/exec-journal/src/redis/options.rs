//! Where the copy of a journal is, and what an acknowledged record must survive. No connection is made here.

use std::time::Duration;

use exec_core::ids::NodeId;
use secrecy::SecretString;

use super::error::UrlError;

/// When a record counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// When the local log has it. Redis follows; what it does not have yet is lost with this machine.
    #[default]
    Local,
    /// When the local log and Redis have it: nothing that was acknowledged is lost with this machine.
    Shared,
}

/// What a [`SharedJournal`](super::SharedJournal) is opened with.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `redis://HOST:PORT/DB`, or `rediss://` for TLS. Without user and password.
    pub url: String,
    /// Name of the user, if the server asks for one.
    pub user: Option<String>,
    /// Password, if the server asks for one.
    pub password: Option<SecretString>,
    /// Certificates in PEM form that a server of `rediss://` must be signed by, in place of the usual ones.
    pub ca_pem: Option<Vec<u8>>,
    /// What all keys begin with.
    pub key_prefix: String,
    /// Name of the account.
    pub account: String,
    /// What the records are about besides the account: a copy of another environment is refused.
    pub environment: String,
    /// When a record counts as durable.
    pub ack: Ack,
    /// Replicas that must have a record on their disks, too, before it counts as shared. Wants `WAITAOF`, Redis 7.2.
    pub replicas: u32,
    /// So many records that Redis does not have yet close the gate.
    pub lag_max_records: u64,
    /// A record that Redis does not have after so long closes the gate.
    pub lag_max: Duration,
    /// How long a connection, and each answer, may take; and how long the end of a journal waits for its last records to arrive.
    pub timeout: Duration,
    /// How long a start waits for a server that does not answer.
    pub patience: Duration,
    /// Bytes of records that wait in memory for Redis; what is more is read back from the local log.
    pub waiting_bytes_max: usize,
    /// Under whose lease the account is written, in words of [`RedisLease`](super::RedisLease): its epoch is the journal's, also when it
    /// rises. `None`: without a lease, under the next epoch.
    pub owner: Option<NodeId>,
}

impl RedisOptions {
    /// A server without a password, and the defaults of everything else.
    #[must_use]
    pub fn new(url: impl Into<String>, account: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            ca_pem: None,
            key_prefix: String::from("ex"),
            account: account.into(),
            environment: String::new(),
            ack: Ack::Local,
            replicas: 0,
            lag_max_records: 10_000,
            lag_max: Duration::from_secs(2),
            timeout: Duration::from_secs(2),
            patience: Duration::from_secs(5),
            waiting_bytes_max: 4 * 1024 * 1024,
            owner: None,
        }
    }
}

/// A server's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub db: i64,
}

impl Address {
    /// Reads `redis://HOST[:PORT][/DB]` and nothing more: what else a URL may hold is a secret or switches a check off.
    pub(super) fn read(url: &str) -> Result<Self, UrlError> {
        let (tls, rest) = match (url.strip_prefix("redis://"), url.strip_prefix("rediss://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('@') {
            return Err(UrlError::Secret);
        }
        if rest.contains(['?', '#']) {
            return Err(UrlError::Extra);
        }
        let (place, db) = rest.split_once('/').unwrap_or((rest, ""));
        let db = if db.is_empty() { 0 } else { db.parse::<u16>().map_err(|_| UrlError::Database)?.into() };
        // An address of IPv6 stands in brackets.
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.rsplit_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(6379), |port| port.parse().map_err(|_| UrlError::Port))?;
        if host.is_empty() || host.chars().any(char::is_whitespace) || port == 0 {
            return Err(UrlError::Host);
        }
        Ok(Self { tls, host: host.to_owned(), port, db })
    }
}

impl RedisOptions {
    /// Says what is wrong with an address, if anything is.
    ///
    /// # Errors
    /// [`UrlError`]; it repeats nothing of the address, which may hold a password.
    pub fn check_url(url: &str) -> Result<(), UrlError> {
        Address::read(url).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_perhaps_a_port_and_a_database() {
        let read = |url: &str| Address::read(url).map(|a| (a.tls, a.host, a.port, a.db));
        assert_eq!(read("redis://localhost"), Ok((false, "localhost".into(), 6379, 0)));
        assert_eq!(read("rediss://r.example.org:6380/3"), Ok((true, "r.example.org".into(), 6380, 3)));
        assert_eq!(read("redis://[::1]:7000"), Ok((false, "::1".into(), 7000, 0)));
        for (url, wrong) in [
            ("http://x", UrlError::Scheme),
            ("redis://user:pass@x", UrlError::Secret),
            ("redis://:pass@x", UrlError::Secret),
            ("rediss://x#insecure", UrlError::Extra),
            ("redis://x?password=abc", UrlError::Extra),
            ("redis://x/one", UrlError::Database),
            ("redis://x:port", UrlError::Port),
            ("redis://", UrlError::Host),
        ] {
            assert_eq!(Address::read(url), Err(wrong), "{url}");
        }
    }
}
