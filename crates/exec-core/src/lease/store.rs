//! The port of a lease store: one record per account, changed in one step each. Whoever asks decides nothing here, and the store
//! knows nothing of orders.

use crate::ids::{Epoch, NodeId};
use alloc::{boxed::Box, string::String};
use async_trait::async_trait;
use core::fmt;
use serde::Serialize;

/// What is asked of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ask {
    /// Who asks.
    pub owner: NodeId,
    /// To acquire: the highest epoch that the asker knows of; its own must be above. To renew or release: its epoch.
    pub epoch: Epoch,
    /// How long the lease is to stand from now, by the store's clock.
    pub ttl_ms: u64,
}

/// Who holds an account.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Holder {
    /// Who.
    pub by: NodeId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// How long still, by the store's clock; 0 when it is over.
    pub expires_in_ms: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (epoch {}", self.by, self.epoch)?;
        match self.expires_in_ms {
            0 => f.write_str(", over)"),
            ms => write!(f, ", for {ms} ms)"),
        }
    }
}

/// What the store knows of the lease before the one that it grants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Predecessor {
    /// It ended so long ago by the store's clock. Only of a store that vouches for it: the same server since it last changed that
    /// lease, not started again and not failed over to since.
    Ended {
        /// How long ago.
        ago_ms: u64,
    },
    /// Nothing that can be relied on: no record, one of a server before this one, or the asker's own. Somebody may hold a lease that
    /// was granted up to this moment.
    Unknown,
}

/// The answer to [`LeaseStore::acquire`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Acquired {
    /// It is the asker's, under this epoch.
    Granted {
        /// Above the asker's, and above every one that the store has granted and not forgotten.
        epoch: Epoch,
        /// Who may still have something on its way.
        predecessor: Predecessor,
    },
    /// Another holds it.
    Held(Holder),
}

/// The answer to [`LeaseStore::renew`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Renewed {
    /// It stands for another term.
    Renewed,
    /// The record is another's.
    Taken(Holder),
    /// There is no record, or one of a lower epoch: the store has forgotten the asker.
    Forgotten,
}

/// Why the store gave no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LeaseError {
    /// Nothing is known: it may have done what was asked, or not. Ask again.
    #[error("lease store could not be asked: {0}")]
    Unavailable(String),
    /// It answered, and did nothing: rights, a replica, memory, a record that it cannot read.
    #[error("lease store refused: {0}")]
    Refused(String),
}

/// Where the lease of one account stands. Each call is one step of the store: nothing happens between its reading and its writing.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes the lease if nobody holds it, by the store's clock. Its epoch is 1 + the highest of [`Ask::epoch`] and the record's, the
    /// record's also where that is over. If the record is the asker's own, because an answer was lost or its epoch was too low, it
    /// is granted again, under its own epoch where that is above [`Ask::epoch`], and the predecessor is [`Predecessor::Unknown`].
    ///
    /// # Errors
    /// [`LeaseError`]: see there. It may have been granted.
    async fn acquire(&self, ask: Ask) -> Result<Acquired, LeaseError>;

    /// Lets the asker's own lease stand for another term from now, if the record is still its own, also if it is over: nobody has
    /// taken it since, for all that the store knows.
    ///
    /// # Errors
    /// [`LeaseError`]: see there. It may have been renewed.
    async fn renew(&self, ask: Ask) -> Result<Renewed, LeaseError>;

    /// Lets the asker's own lease end in `ttl_ms`, if that is sooner than it would. The record stays, with its epoch.
    ///
    /// # Errors
    /// [`LeaseError`]: it ends when its term is over.
    async fn release(&self, ask: Ask) -> Result<(), LeaseError>;

    /// Reads who holds it, or held it last.
    ///
    /// # Errors
    /// [`LeaseError`]: nothing is known.
    async fn look(&self) -> Result<Option<Holder>, LeaseError>;
}
