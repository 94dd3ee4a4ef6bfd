//! Payloads exactly as Binance documents them, borrowed from the text they came in. Nothing here knows the core, and
//! nothing is decided: unknown fields are kept by name, unknown enumeration values by text, malformed numbers refuse
//! the payload.
//!
//! Read payloads with [`read`]: `serde_json` over text. From bytes it would check every string a second time.

mod account;
mod algo;
mod convert;
mod event;
mod grid;
mod income;
mod info;
mod margin;
mod market;
mod order;
mod public;
mod reply;
mod scalar;
mod scan;
pub(crate) mod shape;
mod socket;
mod vocabulary;

pub use account::{
    AccountConfig, AccountV3, AssetRow, BalanceRow, CommissionRate, FeeBurn, LeverageReply, MultiAssetsMode, PortfolioAccount,
    PositionMode, PositionRow, PositionV2, SymbolConfig, TradingRule, TradingRules,
};
pub use algo::{AlgoCancelReply, AlgoOrder, AlgoUpdate, AlgoUpdateBody};
pub use convert::{ConvertOrder, ConvertPair, ConvertQuote};
pub(crate) use event::named;
pub use event::{
    AccountConfigUpdate, AccountUpdate, AccountUpdateBody, BalanceChange, ConditionalReject, ConditionalRejectBody,
    LeverageChange, ListenKeyExpired, MarginCall, MarginCallPosition, MultiAssetsChange, OrderTradeUpdate, OrderUpdateBody,
    PositionChange, TradeLite, UserEvent,
};
pub use grid::{GridState, GridUpdate, StrategyState, StrategyUpdate};
pub use income::{Download, IncomeRow};
pub use info::{ExchangeInfo, Filter, RateLimit, SymbolInfo};
pub use margin::{AdlQuantile, AdlRanks, LeverageBracket, LeverageBrackets, PositionMarginChange, PositionMarginReply};
pub use market::{BookTicker, ContractBracket, ContractInfo, MarkPrice, MarketEvent, PremiumIndex};
pub use order::{Amendment, AmendmentBody, Change, OrderReply, UserTrade};
pub use public::{AdlRisk, AggregateTrade, ForcedOrder, ForcedOrderBody, PublicTrade};
pub use reply::{Countdown, ErrorBody, ListenKey, ServerTime};
pub use scalar::{Dec, Double, Flag, Lenient, Raw, Text, parse_decimal};
pub use shape::{Keyed, Unknown, Unknowns};
pub(crate) use shape::{Shape, shape_of, wire};
pub use socket::{RequestParams, RetryAfter, SessionStatus, WebSocketError, WebSocketReply, WebSocketRequest};
pub use vocabulary::{
    AdlRiskWord, AlgoStatus, AlgoType, ContractStatus, ContractType, ExecutionType, FilterType, IncomeKind, LimitInterval,
    LimitKind, MarginType, OrderStatus, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce, UpdateReason,
    WorkingType,
};

/// Reads one payload from its text.
///
/// # Errors
/// The parser's complaint with line and column; it names fields, never values that could be secret.
pub fn read<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
