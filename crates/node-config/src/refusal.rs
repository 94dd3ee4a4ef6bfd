//! Why there is no node, and which of that may pass by itself.

use crate::{mistake::Mistakes, seat::MakeError};
use exec_core::ids::AccountId;
use exec_runtime::BuildError;
use std::path::PathBuf;

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum FactoryError {
    /// The file cannot be read.
    #[error("config file {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is wrong.
    #[error("{}", mistakes.in_file(&path.display().to_string()))]
    Config {
        /// Which.
        path: PathBuf,
        /// How.
        mistakes: Mistakes,
    },
    /// The config speaks of something that this program does not have.
    #[error("{what} `{name}` is not in this program; it has {}", list(known))]
    Unknown {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Another process trades this account. End it first; two engines must not.
    #[error("account {account}: {error}")]
    Locked {
        /// Which.
        account: AccountId,
        /// Who holds it.
        error: MakeError,
    },
    /// What keeps the journal's copy does not answer. A later start may succeed.
    #[error("account {account}: {error}")]
    Away {
        /// Which.
        account: AccountId,
        /// Why.
        error: MakeError,
    },
    /// No such account in the config.
    #[error("account `{0}` is not in the config")]
    Account(String),
    /// Something could not be made.
    #[error("{what} of account {account}: {error}")]
    Make {
        /// Which kind of thing.
        what: String,
        /// For whom.
        account: AccountId,
        /// Why.
        error: MakeError,
    },
    /// The parts do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

/// What may pass by itself.
pub(crate) enum Hindrance {
    Held,
    #[cfg(feature = "redis")]
    Away,
}

pub(crate) fn hindrance(error: &MakeError) -> Option<Hindrance> {
    #[cfg(feature = "redis")]
    match error.downcast_ref::<exec_journal::CopyError>() {
        Some(exec_journal::CopyError::Local(exec_journal::OpenError::Locked { .. }) | exec_journal::CopyError::Held { .. }) => {
            return Some(Hindrance::Held);
        }
        Some(exec_journal::CopyError::Away(_)) => return Some(Hindrance::Away),
        _ => (),
    }
    match error.downcast_ref::<exec_journal::OpenError>() {
        Some(exec_journal::OpenError::Locked { .. }) => Some(Hindrance::Held),
        _ => None,
    }
}
