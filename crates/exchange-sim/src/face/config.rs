//! How the face is set up: keys, limits, the lives of listen keys and sockets. Data only.

use super::limits::Limits;
use crate::config::{AccountSpec, ExchangeConfig};
use crate::symbol::generated_symbols;
use crate::types::Ms;

/// The owner of an account: the key it is asked for with, and what it begins with.
#[derive(Debug, Clone)]
pub struct Owner {
    /// API key.
    pub key: String,
    /// How requests of the key are signed.
    pub secret: Secret,
    /// What the account begins with.
    pub spec: AccountSpec,
}

/// How the requests of a key are signed.
#[derive(Debug, Clone)]
pub enum Secret {
    /// HMAC SHA-256 with this shared secret.
    Hmac(String),
    /// Ed25519; this is the public key, PEM or the base64 in it. Only such a key may log on to the WebSocket API.
    Ed25519(String),
    /// RSA with SHA-256, PKCS#1 v1.5; this is the public key, PEM or the base64 in it.
    Rsa(String),
}

/// Everything that fixes a face.
#[derive(Debug, Clone)]
pub struct FaceConfig {
    /// The exchange behind it; its `start_ms` is set from the clock.
    pub exchange: ExchangeConfig,
    /// Accounts and their keys.
    pub accounts: Vec<Owner>,
    /// Rate limits.
    pub limits: Limits,
    /// Venue time at the start; the wall's when absent. From there on it follows tokio's clock.
    pub start_ms: Option<Ms>,
    /// How far the venue's clock is ahead of that.
    pub skew_ms: Ms,
    /// How long a listen key lives after the last word; the venue's is an hour.
    pub listen_key_life_ms: Ms,
    /// Time between the server's pings on a socket; the venue's is three minutes.
    pub ping_every_ms: u64,
    /// How long a socket may leave pings unanswered; the venue's is ten minutes.
    pub pong_within_ms: u64,
    /// How long a socket lives; the venue's is a day.
    pub socket_life_ms: u64,
    /// Whether sockets on the addresses of before 2026-04-23 still carry private data, as older clients expect.
    pub legacy_private: bool,
    /// Further keys: whose account each speaks for, the key, and how it signs.
    pub further_keys: Vec<(String, String, Secret)>,
    /// Whether requests are written down, for [`super::Face::requests`].
    pub keep_requests: bool,
}

impl FaceConfig {
    /// A face with the default symbols, no accounts and the venue's own figures.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            exchange: ExchangeConfig { seed, ..ExchangeConfig::default() },
            accounts: Vec::new(),
            limits: Limits::default(),
            start_ms: None,
            skew_ms: 0,
            listen_key_life_ms: 3_600_000,
            ping_every_ms: 180_000,
            pong_within_ms: 600_000,
            socket_life_ms: 86_400_000,
            legacy_private: true,
            further_keys: Vec::new(),
            keep_requests: false,
        }
    }

    /// Lets another key speak for the account of one.
    #[must_use]
    pub fn with_further_key(mut self, of: &str, key: &str, secret: &str) -> Self {
        self.further_keys.push((of.to_owned(), key.to_owned(), Secret::Hmac(secret.to_owned())));
        self
    }

    /// Adds an account in one-way mode.
    #[must_use]
    pub fn with_key(self, key: &str, secret: &str) -> Self {
        self.with_account(key, secret, AccountSpec::default())
    }

    /// Adds an account in hedge mode.
    #[must_use]
    pub fn with_hedge_key(self, key: &str, secret: &str) -> Self {
        self.with_account(key, secret, AccountSpec { hedge: true, ..AccountSpec::default() })
    }

    /// Adds an account.
    #[must_use]
    pub fn with_account(mut self, key: &str, secret: &str, spec: AccountSpec) -> Self {
        self.accounts.push(Owner { key: key.to_owned(), secret: Secret::Hmac(secret.to_owned()), spec });
        self
    }

    /// Adds an account in one-way mode whose key is an Ed25519 one.
    #[must_use]
    pub fn with_ed25519_key(mut self, key: &str, public_key: &str) -> Self {
        let secret = Secret::Ed25519(public_key.to_owned());
        self.accounts.push(Owner { key: key.to_owned(), secret, spec: AccountSpec::default() });
        self
    }

    /// Adds an account in one-way mode whose key is an RSA one.
    #[must_use]
    pub fn with_rsa_key(mut self, key: &str, public_key: &str) -> Self {
        let secret = Secret::Rsa(public_key.to_owned());
        self.accounts.push(Owner { key: key.to_owned(), secret, spec: AccountSpec::default() });
        self
    }

    /// Lists this many symbols: the default ones first, then generated ones.
    #[must_use]
    pub fn with_symbols(mut self, count: usize) -> Self {
        self.exchange.symbols = generated_symbols(count);
        self
    }
}
