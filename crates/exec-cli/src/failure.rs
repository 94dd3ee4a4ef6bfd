//! How a verb fails, and the exit code for it. The table stands in `--help`, so a code never changes its meaning.

use node_config::{AccountError, FactoryError, NodeError, ViewError, control::ClientError};
use std::process::ExitCode;

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is no: refused, damaged, different. It has been told already if there is no text.
    Refused(String),
    /// The answer has been printed, and it is no.
    Told,
    /// The command line or the config file is wrong.
    Usage(String),
    /// Nobody answered; what was asked for may have been done.
    NoAnswer(String),
    /// Another process holds the journal.
    Held(String),
    /// The node stands, and takes no new risk for reasons that end by themselves. Told already.
    Shut,
    /// The node stands, and takes no new risk until a person acts. Told already.
    ShutForPerson,
    /// The node has ended and left something that its next start settles. Told already.
    Unsettled,
    /// The node has lost the lease of an account.
    Fenced(String),
}

/// What the exit codes mean, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: refused, damaged, different, not translatable
  2  the command line or the config file is wrong
  3  venue or node did not answer; what was asked for may have been done
  4  another process holds the journal, or another node the account
  5  `status`: the node takes no new risk, and that ends by itself
  6  `status`: the node takes no new risk until a person acts
  7  `run`: the node has ended, and left something that its next start settles
  8  `run`: the node has lost the lease of an account, and sends nothing there any more";

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Told => 1,
            Self::Usage(_) => 2,
            Self::NoAnswer(_) => 3,
            Self::Held(_) => 4,
            Self::Shut => 5,
            Self::ShutForPerson => 6,
            Self::Unsettled => 7,
            Self::Fenced(_) => 8,
        })
    }
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::NoAnswer(text) | Self::Held(text) | Self::Fenced(text) => {
                Some(text.clone())
            }
            Self::Told | Self::Shut | Self::ShutForPerson | Self::Unsettled => None,
        }
    }
}

impl From<FactoryError> for Failure {
    fn from(error: FactoryError) -> Self {
        match &error {
            FactoryError::File { .. } | FactoryError::Config { .. } | FactoryError::Unknown { .. } | FactoryError::Account(_) => {
                Self::Usage(error.to_string())
            }
            FactoryError::Locked { .. } => Self::Held(error.to_string()),
            FactoryError::Away { .. } => Self::NoAnswer(error.to_string()),
            FactoryError::Make { .. } | FactoryError::Build(_) => Self::Refused(error.to_string()),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match &error {
            NodeError::Account { error: AccountError::Held(_), .. } => Self::Held(error.to_string()),
            NodeError::Account { error: AccountError::Fenced(_), .. } => Self::Fenced(error.to_string()),
            NodeError::Account { .. } | NodeError::Panicked => Self::Refused(error.to_string()),
        }
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        match &error {
            ViewError::Missing(_) => Self::Usage(error.to_string()),
            ViewError::Open { .. } | ViewError::Record { .. } | ViewError::Snapshot(_) | ViewError::Books(_) => {
                Self::Refused(error.to_string())
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(text) => Self::Refused(text),
            ClientError::NotRunning(_) | ClientError::Broken(_) | ClientError::Silent | ClientError::Unreadable(_) => {
                Self::NoAnswer(error.to_string())
            }
        }
    }
}

impl From<exec_core::venue::QueryError> for Failure {
    fn from(error: exec_core::venue::QueryError) -> Self {
        use exec_core::venue::QueryError;
        match &error {
            QueryError::Refused(_) => Self::Refused(error.to_string()),
            QueryError::Unavailable(_) | QueryError::Malformed(_) => Self::NoAnswer(error.to_string()),
        }
    }
}
