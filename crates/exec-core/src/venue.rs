//! The ports of a venue: what an adapter implements and the runtime drives. Nothing here decides anything.

use crate::{
    conversation::Urgency,
    ids::{AlgoId, ClOrdId, Epoch, InstrumentId, OrderId, RequestId, TradeId},
    instrument::Instrument,
    report::{MassStatus, OrderReport, PositionReport, PriceReport, Report, TradeReport},
    rules::Rule,
    terms::Terms,
    time::{ClockReading, VenueTime},
    units::{PositionMode, Price, Qty, Side},
};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use async_trait::async_trait;
use core::fmt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One try to place an order, fixed and journalled before it is sent, and sent once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// FIX ClOrdID (11), never used before and never again.
    pub cl_ord_id: ClOrdId,
    /// What it asks for.
    pub terms: Terms,
    /// Signed with exactly this.
    pub timestamp: VenueTime,
    /// Signed with exactly this; after `timestamp + recv_window_ms` the venue refuses it.
    pub recv_window_ms: u64,
    /// The engine's start that made it.
    pub epoch: Epoch,
    /// Its first byte leaves before this, or it does not leave: an opening order is as old as the market it was made for.
    pub begin_by: VenueTime,
}

impl Attempt {
    /// The venue time after which the venue refuses the request.
    pub const fn expires(&self) -> VenueTime {
        self.timestamp.plus_ms(self.recv_window_ms)
    }
}

/// A change of a working order's price or quantity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replace {
    /// Unique per account; the venue echoes it.
    pub request: RequestId,
    /// Which order.
    pub order: OrderRef,
    /// FIX Side (54) of the order.
    pub side: Side,
    /// New FIX OrderQty (38), executed part included.
    pub qty: Qty,
    /// New FIX Price (44).
    pub price: Price,
    /// Signed with exactly this.
    pub timestamp: VenueTime,
    /// Signed with exactly this.
    pub recv_window_ms: u64,
}

/// How a venue finds an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderRef {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// FIX ClOrdID (11); absent where only a trade list names the order.
    pub cl_ord_id: Option<ClOrdId>,
    /// FIX OrderID (37), if known. One of the two is always there.
    pub order_id: Option<OrderId>,
    /// Its id among the conditional orders, if it has one.
    pub algo_id: Option<AlgoId>,
    /// Whether it was placed as a conditional order.
    pub conditional: bool,
    /// Whether a conditional order has become an ordinary one: from then on it is cancelled there.
    pub triggered: bool,
    /// Venue time before which it cannot have existed; the start of any history search.
    pub since: VenueTime,
}

/// A wish to take an order off the book.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cancel {
    /// Names the answer.
    pub request: RequestId,
    /// Which order.
    pub order: OrderRef,
}

/// Several commands of one kind that go in one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Batch {
    /// New orders.
    Submit(Vec<Attempt>),
    /// Changes.
    Replace(Vec<Replace>),
    /// Cancels.
    Cancel(Vec<Cancel>),
}

/// Whose orders a cancel-all takes. A strategy's own are cancelled one by one; this is the operator's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CancelAll {
    /// Names the answer.
    pub request: RequestId,
    /// Everybody's orders of this instrument.
    pub instrument: InstrumentId,
}

/// A countdown at the venue, after which it takes everybody's ordinary orders of an instrument off the book. Each begins anew.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Countdown {
    /// Names the answer.
    pub request: RequestId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// When it ends, from its arrival at the venue; 0 for never.
    pub after_ms: u64,
}

/// Why a venue said no.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// What it means for whoever asked.
    pub class: RejectClass,
    /// The venue's code.
    pub code: i64,
    /// The venue's text.
    pub text: String,
}

impl Rejection {
    /// The code of a refusal that a report of the order tells; a refused request has the venue's own, which is never this.
    pub const REPORTED: i64 = 0;
    /// Whether the venue's report of the order says it, and not the answer to the request that placed it.
    pub const fn is_reported(&self) -> bool {
        self.code == Self::REPORTED
    }
}

/// What a refusal means for whoever asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum RejectClass {
    /// The request is wrong as built: a defect or a changed instrument.
    Invalid,
    /// Not possible in the present state of order, account or market.
    State,
    /// Not enough balance or margin.
    Funds,
    /// A post-only order would have taken.
    WouldTake,
    /// A closing order with nothing to close.
    NothingToClose,
    /// It would trigger at once.
    WouldTrigger,
    /// Another closing order already stands where this one should: the old one must go first.
    Overlap,
    /// The venue restricts this instrument.
    Restricted,
    /// The venue is liquidating the account.
    Liquidating,
    /// Too many open orders.
    Count,
    /// Too many requests; nothing executed.
    Throttled,
    /// The timestamp was outside of the window; nothing executed.
    Clock,
    /// Key, signature or permission.
    Auth,
    /// A documented failure of the venue that executed nothing.
    Failed,
    /// The order to cancel or change is not on the book: filled, ended, not there yet, or never.
    NotOnBook,
    /// The account keeps positions in another mode than the request says.
    PositionMode,
    /// The venue restricts the whole account.
    AccountRestricted,
    /// A market order would meet prices outside of the venue's band around the mark price.
    OutOfBand,
}

/// What became of a command that did not succeed. An adapter must choose, and when in doubt it is [`CommandError::Unknown`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// The venue said no, and nothing executed.
    #[error("venue refused: {} (code {})", .0.text, .0.code)]
    Rejected(Rejection),
    /// Not one byte left this process.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have taken effect. Only evidence settles it.
    #[error("outcome unknown: {why}")]
    Unknown {
        /// What happened.
        why: String,
        /// The answer itself proves that an order of this id is at the venue.
        live: bool,
    },
}

/// Why a question has no answer. Never to be read as "there is nothing".
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// Ask again later.
    #[error("venue could not be asked: {0}")]
    Unavailable(String),
    /// The venue refuses to answer.
    #[error("venue refused to answer: {} (code {})", .0.text, .0.code)]
    Refused(Rejection),
    /// The answer made no sense.
    #[error("venue answered something unreadable: {0}")]
    Malformed(String),
}

/// The answer to "where is this order?".
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// Here it is.
    Found(Box<OrderReport>),
    /// Every place it could be in was asked, each gave a complete answer, and none has it.
    Absent,
}

/// A limit that the venue sets, and how much of it is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct LimitUse {
    /// Its name, for machines: `weight_1m`, `orders_10s`, ...
    pub name: &'static str,
    /// Used in the present window, as far as known.
    pub used: u32,
    /// What the venue states as the most.
    pub limit: u32,
    /// Until when the venue takes nothing against it, if it said so.
    pub held_until: Option<VenueTime>,
}

/// Something that the venue does not let the account do now: orders that add risk are refused, others pass as far as it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Restriction {
    /// Of which instrument; absent, of the whole account.
    pub instrument: Option<InstrumentId>,
    /// Why, in the venue's words.
    pub text: String,
    /// When the venue plans to lift it.
    pub until: Option<VenueTime>,
}

/// A page of trades, oldest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trades {
    /// The trades.
    pub trades: Vec<TradeReport>,
    /// Whether the list is complete up to the moment of asking.
    pub complete: bool,
}

/// From where on trades are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TradesFrom {
    /// Trades after this one.
    After(TradeId),
    /// Trades at or after this time.
    Time(VenueTime),
}

/// When an attempt that is not visible can never execute any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fence {
    /// How long after the end of its window a request may still reach the matching engine.
    pub engine_margin_ms: u64,
    /// How long after its effect an order may be invisible to queries.
    pub visibility_ms: u64,
}

/// What a venue can do and how it counts. Data; the engine denies what is not here before it is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VenueProfile {
    /// The last part of its instrument ids: `BINANCE`.
    pub name: &'static str,
    /// Where the venue refuses late requests; `None` where it does not, and then an unknown attempt stays unknown.
    pub fence: Option<Fence>,
    /// The same for conditional orders.
    pub conditional_fence: Option<Fence>,
    /// Whether a working order can be changed in place.
    pub replace: bool,
    /// Whether conditional orders can be placed.
    pub conditional: bool,
    /// Position modes that exist.
    pub modes: &'static [PositionMode],
    /// Longest client order id.
    pub cl_ord_id_max: usize,
    /// How old an unfilled, ended order may get before the venue forgets it.
    pub forgets_unfilled_after_ms: u64,
    /// Most orders in one batch request; below two there are none.
    pub batch_max: usize,
    /// What the venue refuses, rule by rule. Checked before anything is sent.
    pub rules: &'static [Rule],
}

/// Something the venue has sent that this build does not know.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unrecognised {
    /// Where it stood: endpoint or event, and the path to the field or value.
    pub path: String,
    /// How often.
    pub count: u64,
}

/// What the venue confirms at once when a command succeeds.
pub type CommandResult = Result<Box<OrderReport>, CommandError>;

/// A venue, as the runtime drives it. Commands take `&self` and may run side by side.
#[async_trait]
pub trait ExecutionVenue: Send + Sync {
    /// Name, capabilities, fence.
    fn profile(&self) -> &VenueProfile;

    /// Reads every instrument that can be traded.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known; ask again.
    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError>;

    /// Opens one session of the private stream. Events from this moment on arrive through it.
    ///
    /// # Errors
    /// [`QueryError`]: there is no session; try again with back-off.
    async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError>;

    /// Sends a new order once, signed with the attempt's own timestamp and window.
    ///
    /// # Errors
    /// [`CommandError`]: see there; never retried here.
    async fn submit(&self, attempt: Attempt) -> CommandResult;

    /// Sends several commands of one kind in one request, once. One result for each, in their order; what has none is unknown.
    /// Not called where [`VenueProfile::batch_max`] is below two.
    async fn batch(&self, batch: Batch) -> Vec<CommandResult>;

    /// Changes price and quantity of a working order.
    ///
    /// # Errors
    /// [`CommandError`]: see there; never retried here.
    async fn replace(&self, replace: Replace) -> CommandResult;

    /// Takes an order off the book. An acknowledgement is the venue's report of the order, final or not.
    ///
    /// # Errors
    /// [`CommandError`]: [`RejectClass::NotOnBook`] settles nothing about the order.
    async fn cancel(&self, cancel: Cancel) -> CommandResult;

    /// Takes everybody's orders of an instrument off the book.
    ///
    /// # Errors
    /// [`CommandError`]: see there.
    async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError>;

    /// Looks for one order in every place it could be in.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known; [`Lookup::Absent`] is only returned for complete answers.
    async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError>;

    /// Reads the legs of instruments. One that is not in the answer is flat.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known; a failed query is never "flat".
    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError>;

    /// Reads everything the venue holds, at a consistent cut over `instruments` and whatever else it finds.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known; a failed query is never "flat".
    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError>;

    /// Reads what the venue restricts now, of the account and at least of these instruments. What its answers do not tell is not
    /// in it; a venue without restrictions answers with none.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known, so nothing is lifted.
    async fn restrictions(&self, instruments: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError>;

    /// Reads the account's trades of an instrument, all pages.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known.
    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError>;

    /// Counts what the venue has sent so far that this build does not know.
    fn unrecognised(&self) -> Vec<Unrecognised>;

    /// The same venue for questions of this urgency: where a limit of the venue is near, those that can wait stand behind the others,
    /// and those that an exit waits for before them. `None` where there is no such difference.
    fn for_questions(&self, _urgency: Urgency) -> Option<Arc<dyn ExecutionVenue>> {
        None
    }

    /// How much is used of each limit that the venue sets; nothing where it is not counted.
    fn limits_used(&self) -> Vec<LimitUse> {
        Vec::new()
    }
}

/// One session of a venue's private stream. One reader.
#[async_trait]
pub trait ReportFeed: Send {
    /// Waits for the next event.
    ///
    /// # Errors
    /// [`QueryError`]: the session is over; open another and reconcile.
    async fn next(&mut self) -> Result<Report, QueryError>;
}

/// Best bid and ask and mark prices.
#[async_trait]
pub trait PriceSource: Send + Sync {
    /// Opens one session of prices for these instruments.
    ///
    /// # Errors
    /// [`QueryError`]: there is no session; try again with back-off.
    async fn open_prices(&self, instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError>;
}

/// What a session of prices tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MarketNews {
    /// A price. Newest wins.
    Price(PriceReport),
    /// What the venue says of an instrument may have changed: [`ExecutionVenue::instruments`] knows. A venue that announces nothing
    /// leaves it out; the list is read at intervals in any case.
    ListingChanged(InstrumentId),
}

impl MarketNews {
    /// The price, where it is one.
    #[must_use]
    pub fn price(self) -> Option<PriceReport> {
        match self {
            Self::Price(report) => Some(report),
            Self::ListingChanged(_) => None,
        }
    }
}

/// One session of prices. One reader.
#[async_trait]
pub trait PriceFeed: Send {
    /// Waits for the next price or announcement.
    ///
    /// # Errors
    /// [`QueryError`]: the session is over.
    async fn next(&mut self) -> Result<MarketNews, QueryError>;
}

/// How a position's margin is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum MarginType {
    /// Shares the account's balance.
    Cross,
    /// Its own.
    Isolated,
}

/// What an instrument is set to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InstrumentSetting {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Leverage.
    pub leverage: Option<u32>,
    /// Margin type.
    pub margin_type: Option<MarginType>,
    /// Largest notional of a position at this leverage.
    pub notional_max: Option<Decimal>,
}

/// What a key may do, as the venue says. What stands in lists is in the venue's own words.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct KeyRights {
    /// It may ask.
    pub read: bool,
    /// It may trade here.
    pub trade: bool,
    /// It may take money out.
    pub withdraw: bool,
    /// Ways in which it may move money between accounts.
    pub transfers: Vec<String>,
    /// It is taken from a list of addresses only.
    pub bound_to_addresses: bool,
    /// What else it may do, none of which is needed here.
    pub others: Vec<String>,
    /// What this build does not know.
    pub unknown: Vec<String>,
}

impl fmt::Display for KeyRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let powers = [(self.read, "read"), (self.trade, "trade"), (self.withdraw, "WITHDRAW")];
        let powers = powers.iter().filter(|(has, _)| *has).map(|(_, word)| *word);
        f.write_str("may ")?;
        let named = self.transfers.iter().chain(&self.others).chain(&self.unknown).map(String::as_str);
        for (n, word) in powers.chain(named).enumerate() {
            write!(f, "{}{word}", if n == 0 { "" } else { ", " })?;
        }
        f.write_str(if self.bound_to_addresses { "; from a list of addresses" } else { "; from ANY address" })
    }
}

/// Settings of an account that decide what an order means, and the rights of the key.
#[async_trait]
pub trait AccountSetup: Send + Sync {
    /// Reads what the key may do; `None` where the venue does not tell.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known; also where the venue refuses, which says nothing about the key's rights.
    async fn key_rights(&self) -> Result<Option<KeyRights>, QueryError>;

    /// Reads how the account keeps positions.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known.
    async fn position_mode(&self) -> Result<PositionMode, QueryError>;
    /// Sets how the account keeps positions; what is so already is a success.
    ///
    /// # Errors
    /// [`CommandError`]: the venue refuses with open orders or positions.
    async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError>;
    /// Reads whether all assets of the account are margin for all its positions; `None` where the venue has no such mode.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known.
    async fn multi_assets(&self) -> Result<Option<bool>, QueryError> {
        Ok(None)
    }
    /// Reads leverage and margin type of instruments.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known.
    async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError>;
    /// Sets the leverage; what is so already is a success.
    ///
    /// # Errors
    /// [`CommandError`]: see there.
    async fn set_leverage(&self, instrument: &InstrumentId, leverage: u32) -> Result<(), CommandError>;
    /// Sets the margin type; what is so already is a success.
    ///
    /// # Errors
    /// [`CommandError`]: the venue refuses with open orders or positions.
    async fn set_margin_type(&self, instrument: &InstrumentId, margin_type: MarginType) -> Result<(), CommandError>;
}

/// A countdown that the venue keeps for a node: when it ends, the node is taken for dead.
#[async_trait]
pub trait DeadMansSwitch: Send + Sync {
    /// Begins an instrument's countdown anew, or ends it.
    ///
    /// # Errors
    /// [`CommandError`]: whatever was counted before goes on.
    async fn count_down(&self, countdown: Countdown) -> Result<(), CommandError>;
}

/// The venue's clock.
#[async_trait]
pub trait VenueClock: Send + Sync {
    /// Measures the offset of the venue's clock once.
    ///
    /// # Errors
    /// [`QueryError`]: nothing is known.
    async fn read_clock(&self) -> Result<ClockReading, QueryError>;
}
