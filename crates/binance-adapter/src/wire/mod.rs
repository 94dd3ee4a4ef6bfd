//! Payloads exactly as Binance documents them, borrowed from the text they came in. Nothing here knows the core, and
//! nothing is decided: unknown fields are kept by name, unknown enumeration values by text, malformed numbers refuse
//! the payload.
//!
//! Read payloads with [`read`]: `serde_json` over text. From bytes it would check every string a second time.

mod account;
mod algo;
mod event;
mod info;
mod market;
mod order;
mod reply;
mod scalar;
mod scan;
pub(crate) mod shape;
mod vocabulary;

pub use account::{
    AccountConfig, AccountV3, AssetRow, BalanceRow, LeverageReply, MultiAssetsMode, PositionMode, PositionRow, PositionV2,
    SymbolConfig,
};
pub use algo::{AlgoCancelReply, AlgoOrder, AlgoUpdate, AlgoUpdateBody};
pub use event::{
    AccountConfigUpdate, AccountUpdate, AccountUpdateBody, BalanceChange, ConditionalReject, ConditionalRejectBody,
    LeverageChange, ListenKeyExpired, MarginCall, MarginCallPosition, MultiAssetsChange, OrderTradeUpdate, OrderUpdateBody,
    PositionChange, TradeLite, UserEvent,
};
pub use info::{ExchangeInfo, Filter, RateLimit, SymbolInfo};
pub use market::{BookTicker, MarkPrice, MarketEvent, PremiumIndex};
pub use order::{Amendment, AmendmentBody, Change, OrderReply, UserTrade};
pub use reply::{ErrorBody, ListenKey, ServerTime, WebSocketReply};
pub use scalar::{Dec, Flag, Lenient, Raw, Text, parse_decimal};
pub use shape::{Unknown, Unknowns};
pub(crate) use shape::{shape_of, wire};
pub use vocabulary::{
    AlgoStatus, AlgoType, ContractStatus, ContractType, ExecutionType, FilterType, LimitInterval, LimitKind, MarginType,
    OrderStatus, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce, UpdateReason, WorkingType,
};

/// Reads one payload from its text.
///
/// # Errors
/// The parser's complaint with line and column; it names fields, never values that could be secret.
pub fn read<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}
