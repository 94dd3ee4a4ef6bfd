//! What is journalled: facts, not inputs. Replaying them through `Books::apply` gives the books back.

use crate::{
    conversation::AlertLevel,
    ids::{AccountId, Asset, Epoch, InstrumentId, IntentId, Seq, StrategyId, TradeId},
    kill::{KillLevel, KillScope},
    order::{
        event::OrderEvent,
        intent::{Intent, Owner},
    },
    report::Source,
    time::{Timestamp, VenueTime},
    units::{Amount, PositionMode, PositionSide, Price, SignedQty},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The position that the books began with, read from the venue at a consistent cut.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// How much.
    pub qty: SignedQty,
    /// Average entry price as the venue said it.
    pub entry_px: Option<Price>,
    /// The newest trade at the cut: it and all before it are history.
    pub cut: Option<TradeId>,
    /// Venue time of the cut.
    pub at: VenueTime,
}

/// Up to where an instrument's trades are known to be complete.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TradeCursor {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The newest trade that a complete list held; `None` if there was none yet.
    pub after: Option<TradeId>,
    /// Venue time of the list; trades before it are known.
    pub at: VenueTime,
}

/// A difference between books and venue that was settled without a trade: from here on the leg holds what the venue held at the
/// cut. Not a trade, and never taken for one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// What the books lacked at the cut; below zero what they had too much.
    pub qty: SignedQty,
    /// Average entry price of the leg as the venue said it.
    pub entry_px: Option<Price>,
    /// Under whom it counts.
    pub owner: Owner,
    /// The newest trade at the cut: what it and those before it did is in this, whenever they become known.
    pub cut: Option<TradeId>,
    /// Venue time of the cut.
    pub at: VenueTime,
    /// Who settled it.
    pub who: String,
    /// The likely cause, and what was looked at.
    pub why: String,
}

/// What the account held before its books began went from nobody's share to a strategy's.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose it is from here on.
    pub strategy: StrategyId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// How much.
    pub qty: SignedQty,
    /// When.
    pub at: Timestamp,
}

/// What a day of UTC began with, as far as its result is counted from it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DayStart {
    /// 00:00 UTC.
    pub begins: VenueTime,
    /// Realised profit of all legs until then.
    pub realized: Amount,
    /// Fees of all legs until then, per asset.
    pub fees: BTreeMap<Asset, Amount>,
    /// What open legs had won by then, at the newest prices.
    pub unrealized: Amount,
    /// Funding of this day that is counted already.
    pub funding: Amount,
    /// When it was taken: no earlier than the day began, later where the account was not looked at then.
    pub at: Timestamp,
}

/// Why new risk is refused until somebody, or an explanation, releases it.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum LatchCause {
    /// A second engine trades this account.
    SecondEngine,
    /// An assumption about the venue broke: an attempt presumed dead was seen, or an id was refused as a duplicate.
    AssumptionBroken,
    /// Key, signature or permission was refused.
    Auth,
    /// An operator said so.
    Operator,
    /// The exchange liquidates the account.
    Liquidation,
    /// The exchange has closed a position here by itself: whatever it hedged stands alone.
    Exchange(InstrumentId),
    /// Books and venue differ on an instrument whose policy is to halt.
    Difference(InstrumentId),
    /// A strategy did what a working one does not do: it may only close.
    Breaker(StrategyId),
    /// The account has lost more in a day of UTC than it may. Ends with the day.
    DailyLoss,
    /// The kill switch. One level stands for a scope: the newest.
    Kill {
        /// How much is stopped.
        level: KillLevel,
        /// For whom.
        scope: KillScope,
    },
    /// The node has died again and again.
    CrashLoop,
}

/// One entry of the journal.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The engine was started.
    Started {
        /// Whose books these are.
        account: AccountId,
        /// This start.
        epoch: Epoch,
        /// How the account keeps positions.
        mode: PositionMode,
        /// When.
        at: Timestamp,
    },
    /// A strategy got its number, which stands in client order ids.
    StrategyNumber {
        /// Which strategy.
        strategy: StrategyId,
        /// Its number, from 1.
        number: u16,
    },
    /// Somebody asked for an order.
    Intent(Intent),
    /// A fact about an order.
    Order {
        /// Which order.
        intent: IntentId,
        /// When it was learned.
        at: Timestamp,
        /// From where.
        source: Source,
        /// The fact.
        event: OrderEvent,
    },
    /// The books of a position began.
    Baseline(Baseline),
    /// Trades are complete up to here.
    TradeCursor(TradeCursor),
    /// A wallet has this balance.
    Balance {
        /// Which asset.
        asset: Asset,
        /// Deposits + realised profit - fees +- funding.
        wallet: Amount,
        /// Venue time.
        at: VenueTime,
    },
    /// A strategy has seen everything up to here; the commands it gave in answer follow in the same group.
    Cursor {
        /// Which strategy.
        strategy: StrategyId,
        /// The last event that it has handled.
        seen: Seq,
        /// Its own state, if it gave any.
        state: Option<Vec<u8>>,
    },
    /// New risk is refused from here on.
    Latched {
        /// Why.
        cause: LatchCause,
        /// In words.
        text: String,
        /// When.
        at: Timestamp,
    },
    /// A latch was released by somebody.
    Released {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody at the control socket gave a command.
    Operator {
        /// Who.
        who: String,
        /// The command, in words.
        what: String,
        /// When.
        at: Timestamp,
    },
    /// Something that did not fit or could not be read, kept as it came.
    Raw {
        /// What is wrong with it.
        why: String,
        /// As it came.
        raw: String,
        /// When.
        at: Timestamp,
    },
    /// A difference was settled.
    Adjustment(Adjustment),
    /// A strategy took over what stood before the books began.
    Claim(Claim),
    /// Orders that ended long ago and can matter no more left the books.
    LetGo {
        /// Which.
        orders: Vec<IntentId>,
        /// All of them had ended before this.
        before: VenueTime,
    },
    /// One latch has ended by itself.
    Lifted {
        /// Which.
        cause: LatchCause,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A day of UTC is counted from here.
    Day(DayStart),
    /// Funding was paid, or received.
    Funding {
        /// In which asset.
        asset: Asset,
        /// Received; below zero, paid.
        amount: Amount,
        /// Venue time.
        at: VenueTime,
    },
    /// The venue has changed what it says about an instrument.
    InstrumentChanged {
        /// Which.
        instrument: InstrumentId,
        /// What was and what is, in words.
        what: String,
        /// When it was learned.
        at: Timestamp,
    },
    /// An operator was told something; kept where programs outside are told of it, too.
    Alert {
        /// How bad it is.
        level: AlertLevel,
        /// Which kind, for machines.
        kind: String,
        /// In words.
        text: String,
        /// When.
        at: Timestamp,
    },
}

/// A journal entry that this build cannot read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer build.
    #[error(
        "record kind {kind} version {version} is not known to this build; use the build that wrote the journal, or a newer one"
    )]
    Unknown {
        /// Its kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// Not what a record of this kind looks like.
    #[error("record of kind {kind} cannot be read: {why}")]
    Malformed {
        /// Its kind.
        kind: u16,
        /// What is wrong.
        why: String,
    },
}

/// The version of every record kind that this build writes.
pub const RECORD_VERSION: u8 = 2;
const KIND_MAX: u16 = 20;

impl Record {
    /// The number of the record's kind in the journal. Numbers are never reused.
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Started { .. } => 1,
            Self::StrategyNumber { .. } => 2,
            Self::Intent(_) => 3,
            Self::Order { .. } => 4,
            Self::Baseline(_) => 5,
            Self::TradeCursor(_) => 6,
            Self::Balance { .. } => 7,
            Self::Cursor { .. } => 8,
            Self::Latched { .. } => 9,
            Self::Released { .. } => 10,
            Self::Operator { .. } => 11,
            Self::Raw { .. } => 12,
            Self::Adjustment(_) => 13,
            Self::Claim(_) => 14,
            Self::LetGo { .. } => 15,
            Self::Lifted { .. } => 16,
            Self::Day(_) => 17,
            Self::Funding { .. } => 18,
            Self::InstrumentChanged { .. } => 19,
            Self::Alert { .. } => 20,
        }
    }
    /// Writes the record's payload to the end of `buffer`, keeping its capacity.
    pub fn encode(&self, buffer: Vec<u8>) -> Vec<u8> {
        // Writing to a growing vector fails only where a type refuses to be serialised, and none of ours does.
        postcard::to_extend(self, buffer).unwrap_or_default()
    }
    /// Reads a payload.
    ///
    /// # Errors
    /// [`RecordError`]: the journal is newer than this build, or damaged beyond what checksums see. Do not go on.
    pub fn decode(kind: u16, version: u8, payload: &[u8]) -> Result<Self, RecordError> {
        if kind == 0 || kind > KIND_MAX || version != RECORD_VERSION {
            return Err(RecordError::Unknown { kind, version });
        }
        let record: Self =
            postcard::from_bytes(payload).map_err(|error| RecordError::Malformed { kind, why: alloc::format!("{error}") })?;
        if record.kind() == kind {
            Ok(record)
        } else {
            Err(RecordError::Malformed { kind, why: alloc::format!("its payload is of kind {}", record.kind()) })
        }
    }
}
