//! What the adapter is told at its start: where, with which key, and the times it keeps. Limits of money are not its business.

use std::{sync::Arc, time::Duration};

use exec_core::{
    lease::LeaseGuard,
    units::PositionMode,
    venue::{Fence, VenueProfile},
};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::{
    dialer::{Dialer, TlsError},
    endpoint::BATCH_MAX,
    environment::Environment,
    inquiry::ClientError,
    key::UnusableSecret,
    rate::{HoldStore, Limits, SharedPool},
    rest::Now,
    session::SessionTimes,
    sign::Signer,
    transport::NeverBegun,
};

/// The API key and its secret. It has no `Debug`, `Display`, `Clone` or `Serialize`.
pub struct Credentials {
    /// The key, as the venue shows it.
    pub key: SecretString,
    /// The secret of an HMAC key, or the private key of an Ed25519 or RSA one: PKCS#8 PEM.
    pub secret: SecretString,
}

impl Credentials {
    /// The key as a header that is never printed.
    pub(crate) fn header(&self) -> Result<HeaderValue, StartError> {
        let key = self.key.expose_secret();
        if key.is_empty() {
            return Err(StartError::Key);
        }
        let mut header = HeaderValue::from_str(key).map_err(|_| StartError::Key)?;
        header.set_sensitive(true);
        Ok(header)
    }

    pub(crate) fn signer(&self) -> Result<Signer, StartError> {
        Ok(Signer::new(&self.secret)?)
    }
}

/// Why the adapter cannot be made.
#[derive(Debug, Error)]
pub enum StartError {
    /// The key is empty or cannot stand in a header.
    #[error("the api key is empty or has characters that no key has")]
    Key,
    /// The secret cannot sign.
    #[error("the api secret {0}")]
    Secret(#[from] UnusableSecret),
    /// TLS.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The client for questions.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The host's name.
    #[error("{0}")]
    Host(#[from] NeverBegun),
}

/// How long after the end of its window an order can still reach the matching engine. USDⓈ-M's engine checks the window
/// itself on new and changed orders (-5028, change log 2023-04-17); the bound is ours and not verified.
pub const ENGINE_MARGIN_ORDER_MS: u64 = 2_000;
/// The same where the engine does not check: the documented API timeout.
pub const ENGINE_MARGIN_OTHER_MS: u64 = 10_000;
/// How long after its effect an order may be invisible to queries; not documented.
pub const VISIBILITY_MS: u64 = 1_000;
/// The venue forgets orders that ended unfilled three days after their creation.
pub const FORGETS_UNFILLED_MS: u64 = 3 * 24 * 60 * 60 * 1000;

/// Everything the adapter is told.
pub struct Settings {
    /// Where.
    pub environment: Environment,
    /// With which key.
    pub credentials: Credentials,
    /// The engine's clock; offsets are measured against it.
    pub now: Now,
    /// The network. `None` is the real one; with another, questions take the order-entry transport as well.
    pub dialer: Option<Arc<dyn Dialer>>,
    /// Window of queries, cancels and set-up.
    pub recv_window_ms: u64,
    /// How long an answer is waited for.
    pub answer_within: Duration,
    /// Connections for orders; as many again, but at most two, for cancels, and for orders that close.
    pub entry_connections: usize,
    /// Rows of trades or of conditional orders that are asked for at once: three at least, 1,000 at most.
    pub page_rows: usize,
    /// Fence of new and changed orders.
    pub engine_margin_ms: u64,
    /// Fence of everything else.
    pub engine_margin_other_ms: u64,
    /// How long effects may be invisible.
    pub visibility_ms: u64,
    /// Times of the private stream.
    pub session: SessionTimes,
    /// Limits until the venue has stated its own.
    pub limits: Limits,
    /// What the account's address may ask, where other accounts of this process are behind the same one.
    pub pool: Option<SharedPool>,
    /// Where states that the venue has put us in are kept over a restart.
    pub holds: Option<Arc<dyn HoldStore>>,
    /// Whether much use of a limit is logged.
    pub warn_limits: bool,
    /// What is asked before anything is signed that changes something at the venue, where the account is traded under a lease.
    pub lease: Option<Arc<LeaseGuard>>,
}

impl Settings {
    /// The defaults around what has none.
    #[must_use]
    pub fn new(environment: Environment, credentials: Credentials, now: Now) -> Self {
        Self {
            environment,
            credentials,
            now,
            dialer: None,
            recv_window_ms: 5_000,
            answer_within: Duration::from_secs(10),
            entry_connections: 2,
            page_rows: 1_000,
            engine_margin_ms: ENGINE_MARGIN_ORDER_MS,
            engine_margin_other_ms: ENGINE_MARGIN_OTHER_MS,
            visibility_ms: VISIBILITY_MS,
            session: SessionTimes::default(),
            limits: Limits::default(),
            pool: None,
            holds: None,
            warn_limits: true,
            lease: None,
        }
    }

    /// What the venue can do, with these margins.
    pub(crate) fn profile(&self) -> VenueProfile {
        let fence = |engine_margin_ms| Some(Fence { engine_margin_ms, visibility_ms: self.visibility_ms });
        VenueProfile {
            name: "BINANCE",
            fence: fence(self.engine_margin_ms),
            conditional_fence: fence(self.engine_margin_other_ms),
            replace: true,
            conditional: true,
            modes: &[PositionMode::Netting, PositionMode::Hedging],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: FORGETS_UNFILLED_MS,
            batch_max: BATCH_MAX,
            rules: crate::rules::TABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_says_what_is_spoken_and_when_an_unseen_order_is_dead() {
        let environment = Environment::routed("http://127.0.0.1:1", "ws://127.0.0.1:1").unwrap();
        let credentials = Credentials { key: SecretString::from("k"), secret: SecretString::from("s") };
        let now: Now = Arc::new(|| exec_core::time::Timestamp::from_ms(0));
        let profile = Settings::new(environment, credentials, now).profile();
        assert!(profile.conditional && profile.replace && profile.batch_max == 5);
        assert_eq!(profile.fence, Some(Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 }));
        assert_eq!(profile.conditional_fence, Some(Fence { engine_margin_ms: 10_000, visibility_ms: 1_000 }));
        assert!(!profile.rules.is_empty());
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused() {
        for key in ["", "a\nb", "schlüssel\u{0}"] {
            let credentials = Credentials { key: SecretString::from(key), secret: SecretString::from("s") };
            assert!(credentials.header().is_err(), "{key:?}");
        }
        let credentials = Credentials { key: SecretString::from("CANARY"), secret: SecretString::from("") };
        assert!(!format!("{:?}", credentials.header().unwrap()).contains("CANARY"));
        assert!(credentials.signer().is_err());
    }
}
