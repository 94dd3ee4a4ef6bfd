//! The lease of an account as a config has it: its figures, and what no lease can cover. Where it stands is the journal's; how it is
//! kept is the runtime's.

use crate::config::{AccountConfig, NodeConfig};
use exec_core::{
    ids::{IdError, NodeId},
    lease::{LeaseGuard, LeaseStore, LeaseTerms, LeaseTermsError},
};
use exec_runtime::{Clock, LeaseSettings, WhenHeld};
use std::sync::Arc;

/// How long a lease lasts.
pub(crate) const TTL_MS: u64 = 10_000;
/// The longest window under a lease: what is signed counts for a successor until it has passed.
pub(crate) const WINDOW_MAX_MS: u64 = 2_000;

/// What a file says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) ttl_ms: u64,
    pub(crate) when_held: WhenHeld,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { ttl_ms: TTL_MS, when_held: WhenHeld::Wait }
    }
}

/// A config that cannot be traded under a lease.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseConfigError {
    /// A window is too long.
    #[error("`{key}` is {ms}, and under a lease it is {WINDOW_MAX_MS} at most; write {key} = {WINDOW_MAX_MS}")]
    Window {
        /// Which.
        key: &'static str,
        /// How long.
        ms: u64,
    },
    /// The figures leave no time.
    #[error(transparent)]
    Terms(#[from] LeaseTermsError),
    /// This start has no name.
    #[error(transparent)]
    Name(#[from] IdError),
}

/// The figures of an account's lease.
///
/// # Errors
/// [`LeaseConfigError`].
pub(crate) fn terms(config: &NodeConfig, entry: &AccountConfig, ttl_ms: u64) -> Result<LeaseTerms, LeaseConfigError> {
    for (key, ms) in [("recv_window_ms", entry.recv_window_ms), ("order_recv_window_ms", entry.order_recv_window_ms)] {
        if ms > WINDOW_MAX_MS {
            return Err(LeaseConfigError::Window { key, ms });
        }
    }
    let terms = LeaseTerms {
        ttl_ms,
        recv_window_ms: entry.recv_window_ms.max(entry.order_recv_window_ms),
        clock_error_ms: config.execution.clock_error_max_ms,
        engine_margin_ms: entry.engine_margin_ms.max(entry.conditional_engine_margin_ms),
    };
    terms.check()?;
    Ok(terms)
}

/// What the runtime keeps the lease with.
///
/// # Errors
/// [`LeaseConfigError`].
pub(crate) fn settings(
    config: &NodeConfig,
    entry: &AccountConfig,
    owner: NodeId,
    store: Arc<dyn LeaseStore>,
    guard: Arc<LeaseGuard>,
    wanted: Wanted,
) -> Result<LeaseSettings, LeaseConfigError> {
    Ok(LeaseSettings { store, terms: terms(config, entry, wanted.ttl_ms)?, owner, guard, when_held: wanted.when_held })
}

/// The name of this start: the machine's, the process's number, and the moment, so that no two are the same.
///
/// # Errors
/// [`LeaseConfigError::Name`].
pub(crate) fn owner(clock: Clock) -> Result<NodeId, LeaseConfigError> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let host: String = host.unwrap_or_default().trim().chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
    let host = if host.is_empty() { "host" } else { &host };
    Ok(NodeId::new(&format!("{host}/{}/{}", std::process::id(), clock.now().0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Keys;
    impl crate::secret::Surroundings for Keys {
        fn variable(&self, name: &str) -> Option<String> {
            Some(format!("of-the-built-in-exchange-{name}"))
        }
        fn secret_file(&self, path: &std::path::Path) -> Result<secrecy::SecretString, crate::secret::SecretError> {
            Err(crate::secret::SecretError::Unset(path.display().to_string()))
        }
    }

    fn config(window: &str) -> NodeConfig {
        let text = format!(
            "profile = \"simulated\"\n[accounts.main]\nvenue = \"binance\"\n\
             base_url_http = \"http://127.0.0.1:1\"\nbase_url_ws = \"ws://127.0.0.1:1\"\n\
             instruments = [\"BTCUSDT-PERP.BINANCE\"]\n{window}\n"
        );
        NodeConfig::read(&text, &Keys).unwrap_or_else(|m| panic!("{m:?}"))
    }

    #[test]
    fn a_window_longer_than_a_lease_takes_is_refused_by_its_name() {
        let short = config("recv_window_ms = 2000");
        let entry = short.accounts.values().next().unwrap();
        assert_eq!(terms(&short, entry, TTL_MS).unwrap().engine_margin_ms, 10_000);
        let usual = config("");
        let entry = usual.accounts.values().next().unwrap();
        let error = terms(&usual, entry, TTL_MS).unwrap_err().to_string();
        assert!(error.contains("recv_window_ms = 2000"), "{error}");
        assert!(terms(&short, short.accounts.values().next().unwrap(), 4_000).is_err(), "too short to sign anything");
    }

    #[test]
    fn two_starts_have_two_names() {
        let first = owner(Clock::start()).unwrap();
        assert_ne!(first, owner(Clock::start()).unwrap());
        assert!(first.as_str().contains(&std::process::id().to_string()));
    }
}
