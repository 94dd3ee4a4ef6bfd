//! The words of the venue: sides, types, statuses, with their wire text. Nothing here decides anything.

use std::fmt;

use serde::{Serialize, Serializer};

/// Milliseconds since the Unix epoch on the venue's clock.
pub type Ms = i64;

/// The venue's number of an order; unique per symbol and rising, not comparable between symbols.
pub type OrderId = i64;

/// The venue's number of a trade; unique per symbol and rising.
pub type TradeId = i64;

/// The Algo Service's number of a conditional order; rising over all symbols, not comparable with order numbers.
pub type AlgoId = i64;

/// One trading account of the exchange. Keys and secrets belong to the face, not to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AccountId(pub u32);

/// Defines an enum whose variants have a fixed wire text, with `as_str`, `parse`, `Display` and `Serialize`.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* #[doc = concat!("`", $text, "` on the wire.")] $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Gives the venue's text of this value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the venue's text; `None` for anything else (case matters).
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

wire_enum! {
    /// The side of an order or of a trade.
    Side { Buy = "BUY", Sell = "SELL" }
}

wire_enum! {
    /// The leg an order works on: `BOTH` in one-way mode, `LONG` or `SHORT` in hedge mode.
    PositionSide { Both = "BOTH", Long = "LONG", Short = "SHORT" }
}

wire_enum! {
    /// The type of an order. The matching engine itself knows LIMIT, MARKET and (for its own orders) LIQUIDATION.
    OrderType {
        Limit = "LIMIT",
        Market = "MARKET",
        Stop = "STOP",
        StopMarket = "STOP_MARKET",
        TakeProfit = "TAKE_PROFIT",
        TakeProfitMarket = "TAKE_PROFIT_MARKET",
        TrailingStopMarket = "TRAILING_STOP_MARKET",
        Liquidation = "LIQUIDATION",
    }
}

wire_enum! {
    /// How long an order may work. GTE_GTC is for conditional orders only: they live as long as the position does.
    TimeInForce { Gtc = "GTC", Ioc = "IOC", Fok = "FOK", Gtx = "GTX", Gtd = "GTD", Rpi = "RPI", GteGtc = "GTE_GTC" }
}

wire_enum! {
    /// The state of an order as the venue reports it.
    OrderStatus {
        New = "NEW",
        PartiallyFilled = "PARTIALLY_FILLED",
        Filled = "FILLED",
        Canceled = "CANCELED",
        Expired = "EXPIRED",
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }
}

wire_enum! {
    /// A status that the stream gives executions of the exchange's own orders in the legacy style; REST never shows it.
    ForcedStatus { NewInsurance = "NEW_INSURANCE", NewAdl = "NEW_ADL" }
}

wire_enum! {
    /// The state of a conditional order in the Algo Service.
    AlgoStatus {
        New = "NEW",
        Triggering = "TRIGGERING",
        Triggered = "TRIGGERED",
        Finished = "FINISHED",
        Canceled = "CANCELED",
        Rejected = "REJECTED",
        Expired = "EXPIRED",
    }
}

wire_enum! {
    /// What happened to an order (`x` of ORDER_TRADE_UPDATE).
    ExecType {
        New = "NEW",
        Trade = "TRADE",
        Canceled = "CANCELED",
        Expired = "EXPIRED",
        Amendment = "AMENDMENT",
        Calculated = "CALCULATED",
    }
}

wire_enum! {
    /// Self-trade prevention; the taker's mode decides.
    StpMode { None = "NONE", ExpireTaker = "EXPIRE_TAKER", ExpireMaker = "EXPIRE_MAKER", ExpireBoth = "EXPIRE_BOTH" }
}

wire_enum! {
    /// Price taken from the book at entry instead of from the request.
    PriceMatch {
        None = "NONE",
        Opponent = "OPPONENT",
        Opponent5 = "OPPONENT_5",
        Opponent10 = "OPPONENT_10",
        Opponent20 = "OPPONENT_20",
        Queue = "QUEUE",
        Queue5 = "QUEUE_5",
        Queue10 = "QUEUE_10",
        Queue20 = "QUEUE_20",
    }
}

wire_enum! {
    /// `newOrderRespType`: what the reply to a new order shows.
    RespType { Ack = "ACK", Result = "RESULT" }
}

wire_enum! {
    /// Which price a trigger watches; echoed on every order.
    WorkingType { ContractPrice = "CONTRACT_PRICE", MarkPrice = "MARK_PRICE" }
}

wire_enum! {
    /// Margin mode of a symbol, in REST spelling. The stream spells it `cross` / `isolated`: see [`MarginType::stream_str`].
    MarginType { Crossed = "CROSSED", Isolated = "ISOLATED" }
}

wire_enum! {
    /// Why an ACCOUNT_UPDATE was pushed (`m`).
    UpdateReason {
        Deposit = "DEPOSIT",
        Withdraw = "WITHDRAW",
        Order = "ORDER",
        FundingFee = "FUNDING_FEE",
        Adjustment = "ADJUSTMENT",
        InsuranceClear = "INSURANCE_CLEAR",
        MarginTransfer = "MARGIN_TRANSFER",
        MarginTypeChange = "MARGIN_TYPE_CHANGE",
    }
}

wire_enum! {
    /// Kind of a row of the income history.
    IncomeType {
        Transfer = "TRANSFER",
        RealizedPnl = "REALIZED_PNL",
        FundingFee = "FUNDING_FEE",
        Commission = "COMMISSION",
        InsuranceClear = "INSURANCE_CLEAR",
    }
}

wire_enum! {
    /// Trading status of a symbol in exchangeInfo. Only TRADING accepts new orders.
    SymbolStatus {
        PendingTrading = "PENDING_TRADING",
        Trading = "TRADING",
        PreSettle = "PRE_SETTLE",
        Settling = "SETTLING",
        Close = "CLOSE",
        TradingHalt = "TRADING_HALT",
        TradingCancelOnly = "TRADING_CANCEL_ONLY",
    }
}

wire_enum! {
    /// Why the exchange closed a position by force.
    AutoCloseType { Liquidation = "LIQUIDATION", Adl = "ADL" }
}

wire_enum! {
    /// Interval of a kline.
    Interval {
        M1 = "1m", M3 = "3m", M5 = "5m", M15 = "15m", M30 = "30m",
        H1 = "1h", H2 = "2h", H4 = "4h", H6 = "6h", H8 = "8h", H12 = "12h",
        D1 = "1d", D3 = "3d", W1 = "1w", Mo1 = "1M",
    }
}

impl Side {
    /// Gives the other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl MarginType {
    /// Gives the spelling of ACCOUNT_UPDATE and v2/positionRisk: `cross` or `isolated`.
    #[must_use]
    pub const fn stream_str(self) -> &'static str {
        match self {
            Self::Crossed => "cross",
            Self::Isolated => "isolated",
        }
    }
}

impl OrderStatus {
    /// Tells whether an order in this state can never trade again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::New | Self::PartiallyFilled => false,
            Self::Filled | Self::Canceled | Self::Expired | Self::ExpiredInMatch => true,
        }
    }
}

impl AlgoStatus {
    /// Tells whether the service still holds the order itself: not triggered, or on its way into the engine.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::New | Self::Triggering => true,
            Self::Triggered | Self::Finished | Self::Canceled | Self::Rejected | Self::Expired => false,
        }
    }
}

impl Interval {
    /// Gives the length in milliseconds; a month counts as 30 days.
    #[must_use]
    pub const fn ms(self) -> Ms {
        const MINUTE: Ms = 60_000;
        const HOUR: Ms = 60 * MINUTE;
        const DAY: Ms = 24 * HOUR;
        match self {
            Self::M1 => MINUTE,
            Self::M3 => 3 * MINUTE,
            Self::M5 => 5 * MINUTE,
            Self::M15 => 15 * MINUTE,
            Self::M30 => 30 * MINUTE,
            Self::H1 => HOUR,
            Self::H2 => 2 * HOUR,
            Self::H4 => 4 * HOUR,
            Self::H6 => 6 * HOUR,
            Self::H8 => 8 * HOUR,
            Self::H12 => 12 * HOUR,
            Self::D1 => DAY,
            Self::D3 => 3 * DAY,
            Self::W1 => 7 * DAY,
            Self::Mo1 => 30 * DAY,
        }
    }
}

/// Why an order expired (`er` of ORDER_TRADE_UPDATE).
///
/// Source: Binance USDⓈ-M "Event: Order Update", 2025-10-23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpiryReason {
    /// Not expired, or no reason given (GTD, one year).
    None,
    /// Self-trade prevention.
    SelfTrade,
    /// Remainder of an IOC order.
    IocRemainder,
    /// Remainder of an IOC order, ended by self-trade prevention.
    IocSelfTrade,
    /// A reduce-only order knocked out by a higher-priority one, or that would reverse the position.
    ReduceOnly,
    /// Liquidation of the account.
    Liquidation,
    /// The symbol was delisted.
    Delisted,
    /// Remainder of a market order.
    MarketRemainder,
}

impl ExpiryReason {
    /// Gives the number the venue sends as text in `er`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::SelfTrade => 1,
            Self::IocRemainder => 2,
            Self::IocSelfTrade => 3,
            Self::ReduceOnly => 4,
            Self::Liquidation => 5,
            Self::Delisted => 7,
            Self::MarketRemainder => 9,
        }
    }
}

impl Serialize for ExpiryReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_text_reads_back() {
        for side in Side::ALL {
            assert_eq!(Side::parse(side.as_str()), Some(*side));
        }
        for status in OrderStatus::ALL {
            assert_eq!(OrderStatus::parse(status.as_str()), Some(*status));
        }
        assert_eq!(Side::parse("buy"), None);
    }
}
