//! Why a journal and its copy cannot be opened, split by what the operator does about it.

use crate::error::OpenError;

/// Why a journal with a copy on Redis was not opened.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The local log was refused.
    #[error(transparent)]
    Local(#[from] OpenError),
    /// The local log failed while it was brought up to date from Redis.
    #[error("the local journal, while it was brought up to date from redis: {0}")]
    Write(#[from] crate::error::JournalError),
    /// The address cannot be used.
    #[error("the address of redis {0}")]
    Url(#[from] UrlError),
    /// The server does not answer, or answers that it cannot serve now. A later start may succeed.
    #[error("redis does not answer ({0}); without it nobody can tell whether another machine has written this account")]
    Away(String),
    /// The server is not set up to keep a journal.
    #[error("redis is not fit to keep this journal: {what}; {advice}")]
    Unfit {
        /// What was found.
        what: String,
        /// What the operator changes.
        advice: &'static str,
    },
    /// The keys belong to something else.
    #[error("{0}; write another `key_prefix`, or the right address")]
    Foreign(String),
    /// Somebody else may write this account now.
    #[error("the account is held by {owner} for another {left_ms} ms; end that node, or wait")]
    Held {
        /// Who.
        owner: String,
        /// For how long by the server's clock.
        left_ms: u64,
    },
    /// The lease under which the journal was to be written is not there.
    #[error("the lease of the account is not this node's, or redis has forgotten it")]
    NotHeld,
    /// Another node has begun to write the account since.
    #[error("another node has taken this account over (its epoch is {theirs}, ours {ours})")]
    Fenced {
        /// Epoch in Redis.
        theirs: u64,
        /// Epoch of this life.
        ours: u64,
    },
    /// Journal and copy both hold records that the other does not.
    #[error(
        "the local journal and redis hold different records behind number {agree}: both were written since they parted. Redis holds what the last node traded on: move the account's journal directory aside and start again, and it is rebuilt from redis; look at what the other one held with `exec-node journal dump`"
    )]
    Fork {
        /// The last record at which they may still agree.
        agree: u64,
    },
    /// They cannot be compared, because they have no record in common.
    #[error(
        "the local journal ({local_first} to {local_last}) and redis ({redis_first} to {redis_last}) have no record in common, so nobody can tell which is right; move the account's journal directory aside to rebuild it from redis"
    )]
    Apart {
        /// First record of the local log.
        local_first: u64,
        /// Last record of the local log.
        local_last: u64,
        /// First record in Redis.
        redis_first: u64,
        /// Last record in Redis.
        redis_last: u64,
    },
    /// Records that should be in Redis are not, and the local log does not have them either.
    #[error(
        "redis says that it holds records up to {last}, and record {missing} is missing or not what was written; somebody has deleted or trimmed its keys. Start from a machine that has the journal"
    )]
    Missing {
        /// Which.
        missing: u64,
        /// The last it should hold.
        last: u64,
    },
}

/// What is wrong with an address. Repeats nothing of it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither `redis` nor `rediss`.
    #[error("begins with neither redis:// nor rediss://")]
    Scheme,
    /// It holds a user or a password.
    #[error("holds a user or a password")]
    Secret,
    /// It holds options.
    #[error("has something behind the database; options are keys of their own")]
    Extra,
    /// The database is no number.
    #[error("has a database that is no number")]
    Database,
    /// The port is no port.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// There is no host.
    #[error("has no host")]
    Host,
}
