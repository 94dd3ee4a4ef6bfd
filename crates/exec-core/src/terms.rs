//! What an order asks for: type, time in force, side, leg and intention. Not what became of it.

use crate::{
    ids::InstrumentId,
    time::VenueTime,
    units::{PositionSide, Price, Qty, Side, deserialize_decimal, serialize_decimal},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// FIX TimeInForce (59).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Good till cancel.
    Gtc,
    /// Immediate or cancel: fills what it can, the rest expires.
    Ioc,
    /// Fill or kill: all at once or nothing.
    Fok,
    /// Post only: never takes (FIX ExecInst 6, Binance GTX).
    Gtx,
    /// Good till the given venue time.
    Gtd(VenueTime),
}

impl TimeInForce {
    /// Whether an order of this kind can rest on the book.
    pub const fn rests(self) -> bool {
        matches!(self, Self::Gtc | Self::Gtx | Self::Gtd(_))
    }
}

/// A level of the book that the venue takes a limit price from when the order enters it. Not followed afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum PriceMatch {
    /// The best price of the other side.
    Opponent,
    /// The fifth price of the other side.
    Opponent5,
    /// The tenth price of the other side.
    Opponent10,
    /// The twentieth price of the other side.
    Opponent20,
    /// The best price of the own side.
    Queue,
    /// The fifth price of the own side.
    Queue5,
    /// The tenth price of the own side.
    Queue10,
    /// The twentieth price of the own side.
    Queue20,
}

/// Where a limit price comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum LimitPrice {
    /// The caller says it: FIX Price (44).
    At(Price),
    /// The venue takes it from its book.
    Match(PriceMatch),
}

impl LimitPrice {
    /// The price, if the caller says it.
    pub const fn at(self) -> Option<Price> {
        match self {
            Self::At(price) => Some(price),
            Self::Match(_) => None,
        }
    }
    /// The level, if the venue takes the price from its book.
    pub const fn matched(self) -> Option<PriceMatch> {
        match self {
            Self::At(_) => None,
            Self::Match(level) => Some(level),
        }
    }
}

impl From<Price> for LimitPrice {
    fn from(price: Price) -> Self {
        Self::At(price)
    }
}

/// Which order goes when an order would trade with another of the same owner. FIX SelfMatchPreventionInstruction (2964).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum SelfTrade {
    /// The one that came last.
    ExpireTaker,
    /// The one that stood there.
    ExpireMaker,
    /// Both.
    ExpireBoth,
}

/// Which price a trigger watches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum TriggerBy {
    /// The last traded price of the contract.
    #[default]
    Last,
    /// The mark price.
    Mark,
}

/// When a conditional order wakes up.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Trigger {
    /// FIX TriggerPrice (1102).
    pub price: Price,
    /// FIX TriggerPriceType (1107).
    pub by: TriggerBy,
    /// Do not trigger while mark and last price are far apart.
    pub price_protect: bool,
}

/// FIX OrdType (40), with the prices that each type needs and no others.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    /// Takes what the book gives.
    Market,
    /// Trades at `price` or better.
    Limit {
        /// FIX Price (44).
        price: LimitPrice,
        /// How long it stands.
        tif: TimeInForce,
    },
    /// Becomes a market order when the price moves against the position.
    StopMarket {
        /// When.
        trigger: Trigger,
    },
    /// Becomes a limit order when the price moves against the position.
    StopLimit {
        /// When.
        trigger: Trigger,
        /// At which price then.
        price: LimitPrice,
        /// How long it stands then.
        tif: TimeInForce,
    },
    /// Becomes a market order when the price moves in favour of the position.
    TakeProfitMarket {
        /// When.
        trigger: Trigger,
    },
    /// Becomes a limit order when the price moves in favour of the position.
    TakeProfit {
        /// When.
        trigger: Trigger,
        /// At which price then.
        price: LimitPrice,
        /// How long it stands then.
        tif: TimeInForce,
    },
    /// A stop that follows the price at a distance, kept by the venue.
    TrailingStopMarket {
        /// Follow only from this price on; the latest price if absent.
        activation: Option<Price>,
        /// Distance in percent.
        #[serde(serialize_with = "serialize_decimal", deserialize_with = "deserialize_decimal")]
        callback_percent: Decimal,
        /// Which price it follows.
        by: TriggerBy,
    },
}

impl OrderKind {
    /// Where the limit price comes from, if this type has one.
    pub const fn limit_price(&self) -> Option<LimitPrice> {
        match self {
            Self::Limit { price, .. } | Self::StopLimit { price, .. } | Self::TakeProfit { price, .. } => Some(*price),
            Self::Market | Self::StopMarket { .. } | Self::TakeProfitMarket { .. } | Self::TrailingStopMarket { .. } => None,
        }
    }
    /// The limit price, if this type has one and the caller says it.
    pub const fn price(&self) -> Option<Price> {
        match self.limit_price() {
            Some(price) => price.at(),
            None => None,
        }
    }
    /// The time in force, if this type has one.
    pub const fn time_in_force(&self) -> Option<TimeInForce> {
        match self {
            Self::Limit { tif, .. } | Self::StopLimit { tif, .. } | Self::TakeProfit { tif, .. } => Some(*tif),
            Self::Market | Self::StopMarket { .. } | Self::TakeProfitMarket { .. } | Self::TrailingStopMarket { .. } => None,
        }
    }
    /// The trigger price, if this type has one.
    pub const fn trigger_price(&self) -> Option<Price> {
        match self {
            Self::StopMarket { trigger }
            | Self::TakeProfitMarket { trigger }
            | Self::StopLimit { trigger, .. }
            | Self::TakeProfit { trigger, .. } => Some(trigger.price),
            Self::Market | Self::Limit { .. } | Self::TrailingStopMarket { .. } => None,
        }
    }
    /// Whether the venue holds it back until a price is reached.
    pub const fn is_conditional(&self) -> bool {
        !matches!(self, Self::Market | Self::Limit { .. })
    }
    /// Whether it limits a loss: the stops, not the take-profits.
    pub const fn is_stop(&self) -> bool {
        matches!(self, Self::StopMarket { .. } | Self::StopLimit { .. } | Self::TrailingStopMarket { .. })
    }
    /// The plain name of the type, as the documentation has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Market => "MARKET",
            Self::Limit { .. } => "LIMIT",
            Self::StopMarket { .. } => "STOP_MARKET",
            Self::StopLimit { .. } => "STOP_LIMIT",
            Self::TakeProfitMarket { .. } => "TAKE_PROFIT_MARKET",
            Self::TakeProfit { .. } => "TAKE_PROFIT",
            Self::TrailingStopMarket { .. } => "TRAILING_STOP_MARKET",
        }
    }
}

/// What the order may do to the position.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum Intention {
    /// May add risk.
    Open,
    /// May only make the position smaller, and the venue holds it to that.
    Reduce,
    /// Closes whatever the position is when it triggers.
    CloseAll,
}

/// What an order asks for; immutable once it is said.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// FIX Side (54).
    pub side: Side,
    /// Which position it changes: `Net` in NETTING, a leg in HEDGING.
    pub leg: PositionSide,
    /// What it may do to that position.
    pub intention: Intention,
    /// FIX OrderQty (38) in base units; absent only for [`Intention::CloseAll`].
    pub qty: Option<Qty>,
    /// FIX OrdType (40) and its prices.
    pub kind: OrderKind,
    /// What happens when it meets an order of the same owner; the venue's default if absent.
    pub stp: Option<SelfTrade>,
}

impl Terms {
    /// These terms with other figures: a price takes the place of whatever stood there, and what is absent stays.
    #[must_use]
    pub fn changed(&self, qty: Option<Qty>, new_price: Option<Price>, new_trigger: Option<Price>) -> Self {
        let mut terms = self.clone();
        if terms.intention != Intention::CloseAll {
            terms.qty = qty.or(terms.qty);
        }
        match &mut terms.kind {
            OrderKind::Limit { price, .. } | OrderKind::StopLimit { price, .. } | OrderKind::TakeProfit { price, .. } => {
                *price = new_price.map_or(*price, LimitPrice::At);
            }
            OrderKind::Market
            | OrderKind::StopMarket { .. }
            | OrderKind::TakeProfitMarket { .. }
            | OrderKind::TrailingStopMarket { .. } => (),
        }
        match &mut terms.kind {
            OrderKind::StopMarket { trigger }
            | OrderKind::TakeProfitMarket { trigger }
            | OrderKind::StopLimit { trigger, .. }
            | OrderKind::TakeProfit { trigger, .. } => trigger.price = new_trigger.unwrap_or(trigger.price),
            OrderKind::TrailingStopMarket { activation, .. } => *activation = new_trigger.or(*activation),
            OrderKind::Market | OrderKind::Limit { .. } => (),
        }
        terms
    }
    /// Whether the venue itself holds this order to closing: `reduceOnly` or `closePosition` in NETTING, the side against
    /// the leg in HEDGING. A plain opposite order is not an exit.
    pub const fn is_closing(&self) -> bool {
        match self.leg {
            PositionSide::Net => !matches!(self.intention, Intention::Open),
            PositionSide::Long => matches!(self.side, Side::Sell),
            PositionSide::Short => matches!(self.side, Side::Buy),
        }
    }
    /// Whether it limits the loss of a position and can do nothing else: a stop that the venue holds to closing.
    pub const fn is_protective(&self) -> bool {
        self.kind.is_stop() && self.is_closing()
    }
    /// Whether it may make a position larger.
    pub const fn can_add_risk(&self) -> bool {
        !self.is_closing()
    }
}
