//! What the exchange pushes: private events per account and market events. Facts with numbers; JSON is the face's.
//!
//! Within one engine transaction the private events of one account come in the order seen on the live wire for a market
//! order (2026-09-19): every TRADE_LITE, then ORDER_TRADE_UPDATE `x=NEW`, then one ACCOUNT_UPDATE, then the other
//! ORDER_TRADE_UPDATEs (TRADE, CANCELED, EXPIRED, AMENDMENT) as they happened, all with equal `E` and `T`.
//! ALGO_UPDATE of a trigger comes before the child's events (TRIGGERING, TRIGGERED) and after them (FINISHED).
//! Across transactions `T` never falls. One transaction gives at most one ACCOUNT_UPDATE per account.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::row::{AlgoRow, BookTickerRow, ContractRow, OrderRow, PremiumRow, PublicTradeRow};
use crate::types::{
    AccountId, ExecType, ExpiryReason, ForcedStatus, MarginType, Ms, OrderId, PositionSide, Side, TradeId, UpdateReason,
};

/// One pushed event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Event {
    /// To one account's private stream.
    User {
        /// Whose.
        account: AccountId,
        /// Event time and engine time (`E` and `T` are equal here).
        time: Ms,
        /// What.
        event: UserEvent,
    },
    /// To market streams.
    Market {
        /// Event time.
        time: Ms,
        /// What.
        event: MarketEvent,
    },
}

/// A private event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum UserEvent {
    /// ORDER_TRADE_UPDATE.
    Order(Box<OrderUpdate>),
    /// TRADE_LITE.
    TradeLite(TradeLite),
    /// ACCOUNT_UPDATE.
    Account(AccountUpdate),
    /// ACCOUNT_CONFIG_UPDATE with `ac`: leverage of a symbol changed.
    Leverage {
        /// Symbol.
        symbol: Arc<str>,
        /// New leverage.
        leverage: u32,
    },
    /// ACCOUNT_CONFIG_UPDATE with `ai`: multi-assets mode changed.
    MultiAssets {
        /// New mode.
        enabled: bool,
    },
    /// MARGIN_CALL.
    MarginCall(MarginCall),
    /// ALGO_UPDATE: the conditional order after the change.
    Algo(Box<AlgoRow>),
}

/// ORDER_TRADE_UPDATE: the order after the change, and the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderUpdate {
    /// The order after this change.
    pub order: OrderRow,
    /// What happened (`x`).
    pub exec_type: ExecType,
    /// What the stream says instead of the order's status (`X`).
    pub forced_status: Option<ForcedStatus>,
    /// The fill of a TRADE or CALCULATED; `None` otherwise (wire: l, L, t are 0).
    pub fill: Option<Fill>,
    /// Why it expired (`er`).
    pub expiry_reason: ExpiryReason,
    /// Tag of the modify request (`M`), only on AMENDMENT and only if one was sent.
    pub modify_id: Option<i64>,
    /// Notional of the account's open buys of the symbol after the transaction (`b`).
    pub bids_notional: Decimal,
    /// Notional of the account's open sells of the symbol after the transaction (`a`).
    pub asks_notional: Decimal,
}

/// The fill inside an order update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// Trade id (`t`).
    pub trade_id: TradeId,
    /// Price (`L`).
    pub price: Decimal,
    /// Quantity (`l`).
    pub qty: Decimal,
    /// Fee (`n`).
    pub commission: Decimal,
    /// Asset of the fee (`N`).
    pub commission_asset: Arc<str>,
    /// Realised profit (`rp`).
    pub realized_pnl: Decimal,
    /// Maker side (`m`).
    pub maker: bool,
}

/// TRADE_LITE: a fill without fee and profit, on the faster path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TradeLite {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Original quantity of the order.
    pub orig_qty: Decimal,
    /// Price of the order.
    pub order_price: Decimal,
    /// Maker side.
    pub maker: bool,
    /// Client order id.
    pub client_order_id: String,
    /// Side.
    pub side: Side,
    /// Fill price.
    pub price: Decimal,
    /// Fill quantity.
    pub qty: Decimal,
    /// Trade id.
    pub trade_id: TradeId,
    /// Order id.
    pub order_id: OrderId,
}

/// ACCOUNT_UPDATE: balances and legs that changed, after the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountUpdate {
    /// Why (`m`).
    pub reason: UpdateReason,
    /// Changed assets.
    pub balances: Vec<BalanceChange>,
    /// Changed legs.
    pub positions: Vec<PositionChange>,
    /// Symbol of a funding fee (`S`).
    pub symbol: Option<Arc<str>>,
}

/// One asset in an ACCOUNT_UPDATE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BalanceChange {
    /// Asset.
    pub asset: Arc<str>,
    /// Wallet balance after (`wb`).
    pub wallet_balance: Decimal,
    /// Cross wallet balance after (`cw`).
    pub cross_wallet_balance: Decimal,
    /// Change except profit and fee (`bc`).
    pub balance_change: Decimal,
}

/// One leg in an ACCOUNT_UPDATE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PositionChange {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Leg (`ps`).
    pub position_side: PositionSide,
    /// Signed amount (`pa`).
    pub amount: Decimal,
    /// Entry price (`ep`).
    pub entry_price: Decimal,
    /// Break-even price (`bep`).
    pub break_even_price: Decimal,
    /// Accumulated realised profit of this leg, before fees (`cr`).
    pub cumulative_realized: Decimal,
    /// Unrealised profit (`up`).
    pub unrealized_profit: Decimal,
    /// Margin mode (`mt`, lower case on the wire).
    pub margin_type: MarginType,
    /// Isolated wallet (`iw`).
    pub isolated_wallet: Decimal,
    /// Margin asset (`ma`).
    pub margin_asset: Arc<str>,
}

/// MARGIN_CALL: the account or a leg comes near liquidation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarginCall {
    /// Cross wallet balance, for cross positions.
    pub cross_wallet_balance: Option<Decimal>,
    /// Legs concerned.
    pub positions: Vec<MarginCallLeg>,
}

/// One leg of a margin call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarginCallLeg {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Leg.
    pub position_side: PositionSide,
    /// Signed amount.
    pub amount: Decimal,
    /// Margin mode (upper case on the wire).
    pub margin_type: MarginType,
    /// Isolated wallet.
    pub isolated_wallet: Decimal,
    /// Mark price.
    pub mark_price: Decimal,
    /// Unrealised profit.
    pub unrealized_profit: Decimal,
    /// Maintenance margin required.
    pub maint_margin: Decimal,
}

/// A market event. Which kinds are produced is chosen with `Exchange::set_market_data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum MarketEvent {
    /// The best bid or ask changed.
    BookTicker(BookTickerRow),
    /// Levels of the book changed.
    Depth(DepthChange),
    /// A trade; stands for `@trade` and `@aggTrade` alike.
    Trade(PublicTradeRow),
    /// The mark price, every second.
    MarkPrice(PremiumRow),
    /// A liquidation order (`forceOrder`).
    ForceOrder(Box<OrderRow>),
    /// A symbol has another status, end or brackets (`contractInfo`). Always produced.
    Contract(ContractRow),
}

/// Changed levels of a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DepthChange {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Number of the first change contained (`U`).
    pub first_update_id: u64,
    /// Number of the last change contained (`u`).
    pub last_update_id: u64,
    /// Number of the last change of the event before (`pu`).
    pub prev_update_id: u64,
    /// Changed bids: price, new quantity (0: gone).
    pub bids: Vec<(Decimal, Decimal)>,
    /// Changed asks: price, new quantity (0: gone).
    pub asks: Vec<(Decimal, Decimal)>,
}
