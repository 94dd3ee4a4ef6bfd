//! The state of an engine after a record, as bytes: what a replay of all records before would give. When one is taken and where it is
//! kept is not its business.

use crate::{
    books::{Books, Image},
    cl_ord_id::Tag,
    conversation::{DoubtNews, ExchangeEvent, OrderUpdate, StrategyEvent},
    ids::{AccountId, Seq, StrategyId},
    record::DayStart,
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The version that this build writes. It rises with every change of what is written below, except for what only grows at its end.
pub const SNAPSHOT_VERSION: u16 = 1;
const MAGIC: &[u8; 8] = b"EXECBOOK";
const HEAD: usize = MAGIC.len() + 2;
const SUM: usize = 8;

/// An event that a strategy has not handled yet, as far as its cursor tells.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unseen {
    pub(crate) strategy: StrategyId,
    pub(crate) seq: Seq,
    pub(crate) what: UnseenWhat,
}

/// What the journal alone can tell a strategy again.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum UnseenWhat {
    Order(OrderUpdate),
    Exchange(ExchangeEvent),
    /// A fact that began or ended a doubt.
    Doubt(OrderUpdate, DoubtNews),
}

impl UnseenWhat {
    /// `None` for an event that no record stands behind.
    pub(crate) fn of(event: &StrategyEvent) -> Option<Self> {
        match event {
            StrategyEvent::Order(update) => Some(match &update.doubt {
                Some(news) => Self::Doubt(OrderUpdate { doubt: None, ..update.clone() }, news.clone()),
                None => Self::Order(update.clone()),
            }),
            StrategyEvent::Exchange(event) => Some(Self::Exchange(event.clone())),
            _ => None,
        }
    }
    pub(crate) fn event(&self) -> StrategyEvent {
        match self {
            Self::Order(update) => StrategyEvent::Order(update.clone()),
            Self::Exchange(event) => StrategyEvent::Exchange(event.clone()),
            Self::Doubt(update, news) => StrategyEvent::Order(OrderUpdate { doubt: Some(news.clone()), ..update.clone() }),
        }
    }
}

/// What stands behind all records up to one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub(crate) books: Image,
    pub(crate) unseen: Vec<Unseen>,
    #[serde(skip)]
    pub(crate) later: Later,
}

/// What came to be kept after the first version. It stands behind everything else, and not at all while there is nothing of it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Later {
    pub(crate) day: Option<DayStart>,
}

/// Bytes that are no snapshot which this build can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by another build.
    #[error(
        "snapshot of the books has version {found}, this build reads version {SNAPSHOT_VERSION}; use the build that wrote it, or a newer one"
    )]
    Version {
        /// Its version.
        found: u16,
    },
    /// Not what a snapshot looks like.
    #[error("snapshot of the books cannot be read: {0}")]
    Malformed(String),
}

impl Snapshot {
    /// The last record in it.
    pub const fn seq(&self) -> Seq {
        self.books.seq
    }
    /// Whose books they are.
    pub const fn account(&self) -> &AccountId {
        &self.books.account
    }

    /// The books in it, for whoever looks at them; an engine is given the whole ([`crate::engine::Engine::restore`]).
    pub fn into_books(self, tag: Tag) -> Books {
        let mut books = Books::of_image(self.books, tag);
        books.day = self.later.day;
        books
    }

    /// Writes it: a mark, the version, the state, and a sum over all of that.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::from(MAGIC.as_slice());
        bytes.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        // Writing to a growing vector fails only where a type refuses to be serialised, and none of ours does.
        let mut bytes = postcard::to_extend(self, bytes).unwrap_or_default();
        if self.later != Later::default() {
            bytes = postcard::to_extend(&self.later, bytes).unwrap_or_default();
        }
        let sum = fnv(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads what [`Snapshot::encode`] wrote.
    ///
    /// # Errors
    /// [`SnapshotError`]: another version, or not whole. Do not guess.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let malformed = |why: &str| SnapshotError::Malformed(why.into());
        if !bytes.starts_with(MAGIC) {
            return Err(malformed("it does not begin like one"));
        }
        let version = bytes.get(MAGIC.len()..HEAD).and_then(|v| v.try_into().ok()).map(u16::from_le_bytes);
        match version {
            Some(SNAPSHOT_VERSION) => (),
            Some(found) => return Err(SnapshotError::Version { found }),
            None => return Err(malformed("it ends in its head")),
        }
        let (body, sum) = bytes.split_last_chunk::<SUM>().ok_or_else(|| malformed("it ends in its head"))?;
        if fnv(body) != u64::from_le_bytes(*sum) {
            return Err(malformed("its sum is wrong"));
        }
        let state = body.get(HEAD..).ok_or_else(|| malformed("it ends in its head"))?;
        let unreadable = |error: postcard::Error| SnapshotError::Malformed(alloc::format!("{error}"));
        let (snapshot, rest) = postcard::take_from_bytes::<Self>(state).map_err(unreadable)?;
        if rest.is_empty() {
            return Ok(snapshot);
        }
        match postcard::take_from_bytes(rest).map_err(unreadable)? {
            (later, []) => Ok(Self { later, ..snapshot }),
            _ => Err(malformed("something stands behind it")),
        }
    }
}

/// FNV-1a, 64 bit: finds accidents; whoever stores it has stronger sums.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
