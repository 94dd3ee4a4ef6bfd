//! The enumerations of the payloads. A value that this adapter does not know is kept as the text it came as.

use super::{Text, Unknowns};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, Visitor},
};
use std::fmt;

/// A word of an enumeration. What is no text at all becomes an unknown value too: a word of another form must not take the
/// payload with it, it is counted like any other new word.
struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Text<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text::from(text))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text::from(text).into_static())
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Text::from(if value { "true" } else { "false" }))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Text::from(value.to_string().as_str()).into_static())
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Text::from(value.to_string().as_str()).into_static())
    }
    fn visit_f64<E: de::Error>(self, _value: f64) -> Result<Self::Value, E> {
        Ok(Text::from("(a fraction)"))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Text::from("null"))
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::from("(a list)"))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::from("(an object)"))
    }
}

macro_rules! vocabulary {
    ($( $(#[$doc:meta])* $name:ident { $( $variant:ident = $text:literal $(| $also:literal)* ),+ $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the variants are the venue's own words")]
        pub enum $name<'a> {
            $( $variant, )+
            /// A value that is not in the documents this adapter was written from.
            Other(Text<'a>),
        }

        impl $name<'_> {
            /// The venue's word for it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text.as_str(),
                }
            }

            /// The text, if it is not a known value.
            #[must_use]
            pub fn unknown(&self) -> Option<&str> {
                match self {
                    Self::Other(text) => Some(text.as_str()),
                    $( Self::$variant )|+ => None,
                }
            }
        }

        impl Unknowns for $name<'_> {
            fn unknown_count(&self) -> usize {
                usize::from(self.unknown().is_some())
            }

            fn unknown_names(&self, at: &str, out: &mut Vec<String>) {
                if let Some(value) = self.unknown() {
                    out.push(format!("{at}={value}"));
                }
            }
        }

        impl<'a> From<Text<'a>> for $name<'a> {
            fn from(text: Text<'a>) -> Self {
                match text.as_str() {
                    $( $text $(| $also)* => Self::$variant, )+
                    _ => Self::Other(text),
                }
            }
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WordVisitor).map(Self::from)
            }
        }
    )* };
}

vocabulary! {
    /// Side of an order or a trade.
    Side { Buy = "BUY", Sell = "SELL" }

    /// Which position an order changes; `BOTH` is the one position of one-way mode.
    PositionSide { Both = "BOTH", Long = "LONG", Short = "SHORT" }

    /// Type of an order. `LIQUIDATION` is made by the exchange only.
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

    /// Time in force. `GTE_GTC` comes from the exchange's own front ends.
    TimeInForce { Gtc = "GTC", Ioc = "IOC", Fok = "FOK", Gtx = "GTX", Gtd = "GTD", Rpi = "RPI", GteGtc = "GTE_GTC" }

    /// Status of an order. `NEW_INSURANCE` and `NEW_ADL` are old and still seen.
    OrderStatus {
        New = "NEW",
        PartiallyFilled = "PARTIALLY_FILLED",
        Filled = "FILLED",
        Canceled = "CANCELED",
        Expired = "EXPIRED",
        ExpiredInMatch = "EXPIRED_IN_MATCH",
        Rejected = "REJECTED",
        NewInsurance = "NEW_INSURANCE",
        NewAdl = "NEW_ADL",
    }

    /// What an order update reports.
    ExecutionType {
        New = "NEW",
        Trade = "TRADE",
        Canceled = "CANCELED",
        Expired = "EXPIRED",
        Amendment = "AMENDMENT",
        Calculated = "CALCULATED",
        Rejected = "REJECTED",
    }

    /// Status of a conditional order in the Algo Service.
    AlgoStatus {
        New = "NEW",
        Canceled = "CANCELED",
        Triggering = "TRIGGERING",
        Triggered = "TRIGGERED",
        Finished = "FINISHED",
        Rejected = "REJECTED",
        Expired = "EXPIRED",
    }

    /// Kind of an order in the Algo Service; the private endpoints take one kind only.
    AlgoType { Conditional = "CONDITIONAL" }

    /// What happens when an order meets another one of the same account. `NONE` stands in samples; the live default is
    /// `EXPIRE_MAKER`.
    StpMode { Off = "NONE", ExpireTaker = "EXPIRE_TAKER", ExpireMaker = "EXPIRE_MAKER", ExpireBoth = "EXPIRE_BOTH" }

    /// A price that the venue takes from the book at entry. `OPPONENT_10` and `OPPONENT_20` are refused since 2025-10-23.
    PriceMatch {
        Off = "NONE",
        Opponent = "OPPONENT",
        Opponent5 = "OPPONENT_5",
        Opponent10 = "OPPONENT_10",
        Opponent20 = "OPPONENT_20",
        Queue = "QUEUE",
        Queue5 = "QUEUE_5",
        Queue10 = "QUEUE_10",
        Queue20 = "QUEUE_20",
    }

    /// Margin of a position. The stream writes it in lower case, set-up replies in upper case, margin calls in upper case.
    MarginType { Crossed = "CROSSED" | "cross" | "crossed" | "CROSS", Isolated = "ISOLATED" | "isolated" }

    /// Why an account update was pushed.
    UpdateReason {
        Deposit = "DEPOSIT",
        Withdraw = "WITHDRAW",
        Order = "ORDER",
        FundingFee = "FUNDING_FEE",
        WithdrawReject = "WITHDRAW_REJECT",
        Adjustment = "ADJUSTMENT",
        InsuranceClear = "INSURANCE_CLEAR",
        AdminDeposit = "ADMIN_DEPOSIT",
        AdminWithdraw = "ADMIN_WITHDRAW",
        MarginTransfer = "MARGIN_TRANSFER",
        MarginTypeChange = "MARGIN_TYPE_CHANGE",
        AssetTransfer = "ASSET_TRANSFER",
        OptionsPremiumFee = "OPTIONS_PREMIUM_FEE",
        OptionsSettleProfit = "OPTIONS_SETTLE_PROFIT",
        AutoExchange = "AUTO_EXCHANGE",
        CoinSwapDeposit = "COIN_SWAP_DEPOSIT",
        CoinSwapWithdraw = "COIN_SWAP_WITHDRAW",
    }

    /// How likely a deleveraging is.
    AdlRiskWord { Low = "low", Medium = "medium", High = "high" }

    /// What a row of the income list is.
    IncomeKind {
        Transfer = "TRANSFER",
        WelcomeBonus = "WELCOME_BONUS",
        RealizedPnl = "REALIZED_PNL",
        FundingFee = "FUNDING_FEE",
        SpecialFundingFee = "SPECIAL_FUNDING_FEE",
        Commission = "COMMISSION",
        InsuranceClear = "INSURANCE_CLEAR",
        ReferralKickback = "REFERRAL_KICKBACK",
        CommissionRebate = "COMMISSION_REBATE",
        ApiRebate = "API_REBATE",
        ContestReward = "CONTEST_REWARD",
        CrossCollateralTransfer = "CROSS_COLLATERAL_TRANSFER",
        OptionsPremiumFee = "OPTIONS_PREMIUM_FEE",
        OptionsSettleProfit = "OPTIONS_SETTLE_PROFIT",
        InternalTransfer = "INTERNAL_TRANSFER",
        AutoExchange = "AUTO_EXCHANGE",
        DeliveredSettlement = "DELIVERED_SETTELMENT" | "DELIVERED_SETTLEMENT",
        CoinSwapDeposit = "COIN_SWAP_DEPOSIT",
        CoinSwapWithdraw = "COIN_SWAP_WITHDRAW",
        PositionLimitIncreaseFee = "POSITION_LIMIT_INCREASE_FEE",
        StrategyUmfuturesTransfer = "STRATEGY_UMFUTURES_TRANSFER",
        FeeReturn = "FEE_RETURN",
        BfusdReward = "BFUSD_REWARD",
    }

    /// Whether a contract takes orders.
    ContractStatus {
        PendingTrading = "PENDING_TRADING",
        Trading = "TRADING",
        PreDelivering = "PRE_DELIVERING",
        Delivering = "DELIVERING",
        Delivered = "DELIVERED",
        PreSettle = "PRE_SETTLE",
        Settling = "SETTLING",
        Close = "CLOSE",
        TradingHalt = "TRADING_HALT",
        TradingCancelOnly = "TRADING_CANCEL_ONLY",
    }

    /// Kind of contract.
    ContractType {
        Perpetual = "PERPETUAL",
        CurrentMonth = "CURRENT_MONTH",
        NextMonth = "NEXT_MONTH",
        CurrentQuarter = "CURRENT_QUARTER",
        NextQuarter = "NEXT_QUARTER",
        PerpetualDelivering = "PERPETUAL_DELIVERING",
        CurrentQuarterDelivering = "CURRENT_QUARTER DELIVERING" | "CURRENT_QUARTER_DELIVERING",
        TradifiPerpetual = "TRADIFI_PERPETUAL",
    }

    /// Kind of a symbol's filter.
    FilterType {
        Price = "PRICE_FILTER",
        LotSize = "LOT_SIZE",
        MarketLotSize = "MARKET_LOT_SIZE",
        MaxNumOrders = "MAX_NUM_ORDERS",
        MaxNumAlgoOrders = "MAX_NUM_ALGO_ORDERS",
        PercentPrice = "PERCENT_PRICE",
        MinNotional = "MIN_NOTIONAL",
        PositionRiskControl = "POSITION_RISK_CONTROL",
    }

    /// Which price a conditional order watches.
    WorkingType { ContractPrice = "CONTRACT_PRICE", MarkPrice = "MARK_PRICE" }

    /// What a rate limit counts.
    LimitKind { RequestWeight = "REQUEST_WEIGHT", Orders = "ORDERS", RawRequests = "RAW_REQUESTS", Connections = "CONNECTIONS" }

    /// Unit of a rate limit's window.
    LimitInterval { Second = "SECOND", Minute = "MINUTE", Hour = "HOUR", Day = "DAY" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_kept() {
        let known: OrderStatus<'_> = serde_json::from_str("\"FILLED\"").unwrap();
        assert_eq!((known.as_str(), known.unknown()), ("FILLED", None));
        let new: OrderStatus<'_> = serde_json::from_str("\"TELEPORTED\"").unwrap();
        assert_eq!((new.as_str(), new.unknown()), ("TELEPORTED", Some("TELEPORTED")));
    }

    #[test]
    fn a_value_that_is_no_word_is_unknown_and_no_failure() {
        for (json, kept) in [
            ("7", "7"),
            ("-7", "-7"),
            ("0.5", "(a fraction)"),
            ("true", "true"),
            ("null", "null"),
            ("[1,{}]", "(a list)"),
            ("{\"a\":[]}", "(an object)"),
        ] {
            assert_eq!(serde_json::from_str::<StpMode<'_>>(json).unwrap().unknown(), Some(kept), "{json}");
        }
        assert!(serde_json::from_str::<StpMode<'_>>("[1").is_err());
    }

    #[test]
    fn margin_type_has_many_spellings() {
        for text in ["cross", "CROSSED", "crossed"] {
            assert_eq!(MarginType::from(Text::from(text)), MarginType::Crossed);
        }
        assert_eq!(MarginType::from(Text::from("isolated")), MarginType::Isolated);
    }
}
