//! What a venue says, in our words: about one order, one trade, an account. Adapters make these; the engine turns them into facts.

use crate::{
    ids::{AlgoId, Asset, ClOrdId, InstrumentId, OrderId, RequestId, TradeId},
    instrument::Instrument,
    order::intent::ExchangeMade,
    terms::{OrderKind, Terms},
    time::VenueTime,
    units::{Amount, PositionMode, PositionSide, Price, Qty, Side, SignedQty},
};
use alloc::{string::String, vec::Vec};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// FIX OrdStatus (39) as the venue prints it. Ours is derived, see `status`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum VenueStatus {
    /// On the book (or, for a conditional order, waiting for its trigger).
    New,
    /// On the book, in part executed.
    PartiallyFilled,
    /// Executed in full.
    Filled,
    /// Cancelled by somebody.
    Canceled,
    /// Ended by its own terms or by the venue.
    Expired(ExpiryReason),
    /// Refused after it was taken in.
    Rejected,
    /// A conditional order whose condition is met and which is on its way to the book.
    Triggering,
    /// A conditional order that has become an ordinary one.
    Triggered,
    /// A conditional order whose ordinary order has ended, filled or not.
    Finished,
    /// A word that this build does not know. It proves that the order exists and nothing more.
    Unrecognised,
}

impl VenueStatus {
    /// Whether the venue says that nothing more can execute.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Expired(_) | Self::Rejected)
    }
}

/// Why a venue ended an order by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum ExpiryReason {
    /// Not said, or a code that this build does not know.
    Unstated,
    /// It would have traded with an order of the same owner.
    SelfTrade,
    /// An immediate order's remainder found no counterpart.
    NotFillable,
    /// A post-only order would have taken.
    WouldTake,
    /// Its time was up.
    TimeUp,
    /// A closing order for which no position is left, or that a better one knocked out.
    NothingToClose,
    /// The account is being liquidated.
    Liquidation,
    /// The instrument is being delisted or settled.
    Delisted,
}

/// Where a report comes from. Every fact keeps it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Source {
    /// This engine.
    Engine,
    /// The private stream.
    Stream,
    /// The reply to a command.
    Reply,
    /// The answer to a query.
    Query,
    /// A trade list.
    Trades,
    /// An operator.
    Operator,
}

impl Source {
    /// What people and programs outside are told.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Engine => "us",
            Self::Operator => "operator",
            Self::Reply => "reply",
            Self::Stream => "stream",
            Self::Query => "query",
            Self::Trades => "trades",
        }
    }
}

/// Everything a venue may say about one order at one moment. Absent is not zero.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct OrderReport {
    /// FIX ClOrdID (11).
    pub cl_ord_id: Option<ClOrdId>,
    /// FIX OrderID (37), once it is on the ordinary book.
    pub order_id: Option<OrderId>,
    /// Its id among the conditional orders.
    pub algo_id: Option<AlgoId>,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// FIX Side (54).
    pub side: Side,
    /// Which position, if the venue said so.
    pub leg: Option<PositionSide>,
    /// FIX OrdStatus (39).
    pub status: VenueStatus,
    /// The type and its prices as the venue holds them now, if the report carries them in full.
    pub kind: Option<OrderKind>,
    /// FIX OrderQty (38) as the venue holds it now.
    pub qty: Option<Qty>,
    /// Whether the venue holds it to reducing.
    pub reduce_only: bool,
    /// Whether it closes the whole position.
    pub close_all: bool,
    /// FIX CumQty (14).
    pub cum_qty: Option<Qty>,
    /// FIX AvgPx (6); absent where the venue omits it.
    pub avg_px: Option<Price>,
    /// When the venue changed the order last.
    pub updated: VenueTime,
    /// When the venue took it in.
    pub created: Option<VenueTime>,
    /// The trade that this report is about, if it is about one.
    pub fill: Option<Fill>,
    /// The replace request that this report confirms.
    pub replaced_by: Option<RequestId>,
    /// Text of a refusal after acceptance.
    pub text: Option<String>,
    /// Set where the exchange made the order by itself.
    pub made_by: Option<ExchangeMade>,
    /// Whether a trailing stop has been activated and follows the price now.
    pub activated: bool,
}

impl OrderReport {
    /// What the order asks for, as far as the report tells. `None` where the type is not known.
    pub fn terms(&self, mode: PositionMode) -> Option<Terms> {
        use crate::terms::Intention;
        let leg = self.leg.or(match mode {
            PositionMode::Netting => Some(PositionSide::Net),
            PositionMode::Hedging => None,
        })?;
        Some(Terms {
            instrument: self.instrument.clone(),
            side: self.side,
            leg,
            intention: match (self.close_all, self.reduce_only) {
                (true, _) => Intention::CloseAll,
                (false, true) => Intention::Reduce,
                (false, false) => Intention::Open,
            },
            qty: if self.close_all { None } else { self.qty },
            kind: self.kind?,
            stp: None,
        })
    }
}

/// One trade of one order: FIX ExecType=F.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// FIX TrdMatchID (880), unique per instrument.
    pub trade_id: TradeId,
    /// FIX LastPx (31).
    pub price: Price,
    /// FIX LastQty (32).
    pub qty: Qty,
    /// FIX Side (54).
    pub side: Side,
    /// FIX LastLiquidityInd (851): whether it added liquidity.
    pub maker: bool,
    /// Which position it changed, if the source says so.
    pub leg: Option<PositionSide>,
    /// What it cost, if the source says so.
    pub fee: Option<Fee>,
    /// Realised profit before fees, if the source says so.
    pub realized: Option<Amount>,
    /// When it traded.
    pub at: VenueTime,
}

/// FIX Commission (12) and CommCurrency (479).
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fee {
    /// A cost above zero, a rebate below.
    pub amount: Amount,
    /// Paid in.
    pub asset: Asset,
}

/// A trade together with the order it belongs to: a row of the trade list, or the fast trade event.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TradeReport {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// FIX ClOrdID (11), where the source has it.
    pub cl_ord_id: Option<ClOrdId>,
    /// FIX OrderID (37).
    pub order_id: OrderId,
    /// The trade.
    pub fill: Fill,
}

/// One position as the venue sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PositionReport {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Which leg.
    pub leg: PositionSide,
    /// How much; a short is negative, in both modes.
    pub qty: SignedQty,
    /// Average entry price.
    pub entry_px: Option<Price>,
    /// Mark price at that moment.
    pub mark_px: Option<Price>,
    /// Where the venue would liquidate it.
    pub liquidation_px: Option<Price>,
    /// Unrealised profit at mark.
    pub unrealized: Option<Amount>,
    /// Current leverage.
    pub leverage: Option<u32>,
    /// Whether its margin is its own.
    pub isolated: Option<bool>,
    /// How near it is to being taken.
    pub margin: LegMargin,
}

/// How near a leg is to being taken by the venue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct LegMargin {
    /// Margin below which it is liquidated.
    pub maintenance: Option<Amount>,
    /// Its rank in the queue for auto-deleveraging, 0 to 4; 4 is first.
    pub adl_rank: Option<u32>,
}

/// One balance as the venue sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct BalanceReport {
    /// Which asset.
    pub asset: Asset,
    /// Deposits + realised profit - fees +- funding.
    pub wallet: Amount,
    /// What could be used for new orders, if said.
    pub available: Option<Amount>,
}

/// A change of balances and positions, with its cause.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AccountReport {
    /// The venue's word for the cause: `ORDER`, `FUNDING_FEE`, `DEPOSIT`, ...
    pub reason: String,
    /// Engine time of the change; fills with the same time belong to it.
    pub at: VenueTime,
    /// Balances that changed.
    pub balances: Vec<BalanceReport>,
    /// Positions that changed.
    pub positions: Vec<PositionReport>,
}

/// One event of the private stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// When the venue says it sent the event, if it does.
    pub sent: Option<VenueTime>,
    /// What it says.
    pub body: ReportBody,
}

/// What an event of the private stream says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReportBody {
    /// About one order, with or without a trade.
    Order(OrderReport),
    /// About one trade, with little else.
    Trade(TradeReport),
    /// About balances and positions.
    Account(AccountReport),
    /// Leverage of an instrument was changed.
    Leverage {
        /// Which instrument.
        instrument: InstrumentId,
        /// From now on.
        leverage: u32,
    },
    /// Another account setting was changed; told, not interpreted.
    Setting {
        /// The setting and its value, as the venue says it.
        text: String,
    },
    /// The venue warns that margin runs short.
    MarginCall {
        /// The positions it names.
        positions: Vec<PositionReport>,
    },
    /// The session ends soon, or has ended without the connection being cut.
    Ending {
        /// Why.
        reason: FeedEnd,
    },
    /// A known kind of event that says nothing about orders, positions or balances.
    Irrelevant {
        /// The venue's name for it.
        name: String,
    },
    /// A kind of event that this build does not know. Kept raw, counted, raised.
    Unrecognised {
        /// The venue's name for it.
        name: String,
        /// The whole event.
        raw: String,
    },
    /// An event that could not be read. What it said is lost until the next reconciliation.
    Unreadable {
        /// What is wrong with it.
        why: String,
        /// The whole event.
        raw: String,
    },
}

/// Why a session of the private stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum FeedEnd {
    /// Its key has expired: the connection stays open and silent.
    KeyExpired,
    /// The venue announced a shutdown.
    Shutdown,
    /// It reached the age at which the venue cuts it.
    Age,
}

/// Everything the venue holds for an account at a consistent cut.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MassStatus {
    /// Venue time before the first question.
    pub asked: VenueTime,
    /// How the account keeps positions.
    pub mode: PositionMode,
    /// Open orders of both books.
    pub open_orders: Vec<OrderReport>,
    /// Positions that are not flat, and flat ones of the instruments asked for.
    pub positions: Vec<PositionReport>,
    /// Balances.
    pub balances: Vec<BalanceReport>,
    /// Newest trade of each instrument, the same before and after the positions were read; `None` if it has never traded.
    pub high_water: Vec<(InstrumentId, Option<TradeId>)>,
}

/// Best bid and ask, last trade and mark; each as fresh as its own feed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// FIX BidPx (132).
    pub bid: Option<Price>,
    /// FIX OfferPx (133).
    pub ask: Option<Price>,
    /// The price that margin and liquidation go by.
    pub mark: Option<Price>,
}

impl Quote {
    /// The mid of bid and ask, or the mark.
    pub fn reference(&self) -> Option<Decimal> {
        match (self.mark, self.bid, self.ask) {
            (Some(mark), ..) => Some(mark.get()),
            (None, Some(bid), Some(ask)) => Some((bid.get() + ask.get()) / Decimal::TWO),
            (None, bid, ask) => bid.or(ask).map(Price::get),
        }
    }
    /// Whether a limit order at this price would trade at once, as far as is known.
    pub fn would_take(&self, side: Side, price: Price) -> bool {
        match side {
            Side::Buy => self.ask.is_some_and(|ask| price >= ask),
            Side::Sell => self.bid.is_some_and(|bid| price <= bid),
        }
    }
    /// This quote with whatever `newer` knows laid over it.
    #[must_use]
    pub fn updated(self, newer: Self) -> Self {
        Self { bid: newer.bid.or(self.bid), ask: newer.ask.or(self.ask), mark: newer.mark.or(self.mark) }
    }
}

/// A price event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PriceReport {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// What changed.
    pub quote: Quote,
}

/// The venue's instruments at one moment.
pub type Instruments = Vec<Instrument>;
