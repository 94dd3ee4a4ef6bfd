//! What the exchange answers: rows of orders, trades, positions, balances and market data. Numbers only; padding is the face's.

mod algo;
mod market;

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::types::{
    AutoCloseType, IncomeType, MarginType, Ms, OrderId, OrderStatus, OrderType, PositionSide, PriceMatch, RespType, Side,
    StpMode, TimeInForce, TradeId, WorkingType,
};

pub use algo::AlgoRow;
pub use market::{BookTickerRow, ContractRow, DepthRow, FundingRow, KlineRow, PremiumRow, PublicTradeRow, Ticker24hRow};

/// One order with every field any reply needs.
///
/// Replies to place, modify and cancel must not show `avg_price` and `cum_quote`: the venue omits them since 2026-06-30.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow {
    /// Symbol (and, on this product, the pair).
    pub symbol: Arc<str>,
    /// The venue's number.
    pub order_id: OrderId,
    /// Client order id.
    pub client_order_id: String,
    /// Side.
    pub side: Side,
    /// Leg.
    pub position_side: PositionSide,
    /// Type in the engine.
    #[serde(rename = "type")]
    pub order_type: OrderType,
    /// Type as placed.
    pub orig_type: OrderType,
    /// Time in force (GTC for MARKET).
    pub time_in_force: TimeInForce,
    /// Limit price; 0 for MARKET.
    pub price: Decimal,
    /// Trigger price; 0 for ordinary orders.
    pub stop_price: Decimal,
    /// Quantity asked for.
    pub orig_qty: Decimal,
    /// Quantity executed.
    pub executed_qty: Decimal,
    /// Sum of price times quantity of its trades.
    pub cum_quote: Decimal,
    /// Average price of its trades, rounded to one digit more than the price precision; 0 without trades.
    pub avg_price: Decimal,
    /// Status.
    pub status: OrderStatus,
    /// Reduce-only flag.
    pub reduce_only: bool,
    /// Close-position flag (always false for ordinary orders).
    pub close_position: bool,
    /// Watched price.
    pub working_type: WorkingType,
    /// Price protection (always false for ordinary orders).
    pub price_protect: bool,
    /// Price match mode.
    pub price_match: PriceMatch,
    /// Self-trade prevention mode; NONE after a modify.
    #[serde(rename = "selfTradePreventionMode")]
    pub stp_mode: StpMode,
    /// GTD time, 0 otherwise.
    pub good_till_date: Ms,
    /// Creation time.
    pub time: Ms,
    /// Time of the last change.
    pub update_time: Ms,
    /// Tag of the last modify request, if one was sent.
    pub modify_id: Option<i64>,
}

/// The two states of a just placed order that a reply may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The order at acceptance: NEW, nothing executed.
    pub accepted: OrderRow,
    /// The order after it met the book.
    pub settled: OrderRow,
}

impl Placed {
    /// Picks the row for the reply: with RESULT, MARKET, IOC and FOK show their final state; all else shows the first state.
    #[must_use]
    pub fn into_reply(self, resp_type: RespType) -> OrderRow {
        let waits = self.settled.order_type == OrderType::Market
            || matches!(self.settled.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        match resp_type {
            RespType::Result if waits => self.settled,
            RespType::Result | RespType::Ack => self.accepted,
        }
    }
}

/// One side of one trade, as its account sees it (`userTrades`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Trade id; the two sides share it.
    pub id: TradeId,
    /// The order's number.
    pub order_id: OrderId,
    /// The order's client id.
    pub client_order_id: String,
    /// Side of this account.
    pub side: Side,
    /// Leg.
    pub position_side: PositionSide,
    /// Price.
    pub price: Decimal,
    /// Quantity.
    pub qty: Decimal,
    /// Price times quantity.
    pub quote_qty: Decimal,
    /// Realised profit of this side, without fees.
    pub realized_pnl: Decimal,
    /// Fee paid (negative: received).
    pub commission: Decimal,
    /// Asset of the fee.
    pub commission_asset: Arc<str>,
    /// Whether this side rested on the book.
    pub maker: bool,
    /// Time.
    pub time: Ms,
}

/// One change of an order (`orderAmendment`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AmendmentRow {
    /// Number of the amendment, rising.
    pub amendment_id: i64,
    /// Symbol.
    pub symbol: Arc<str>,
    /// The order's number.
    pub order_id: OrderId,
    /// The order's client id.
    pub client_order_id: String,
    /// Time.
    pub time: Ms,
    /// Price before.
    pub price_before: Decimal,
    /// Price after.
    pub price_after: Decimal,
    /// Quantity before.
    pub qty_before: Decimal,
    /// Quantity after.
    pub qty_after: Decimal,
    /// How many times the order has been changed, this one included.
    pub count: u32,
    /// The client's tag.
    pub modify_id: Option<i64>,
}

/// One row of the income history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomeRow {
    /// Symbol; empty for transfers.
    pub symbol: Arc<str>,
    /// Kind.
    pub income_type: IncomeType,
    /// Amount, signed.
    pub income: Decimal,
    /// Asset.
    pub asset: Arc<str>,
    /// Free text (the kind for transfers, the trade id for trades).
    pub info: String,
    /// Time.
    pub time: Ms,
    /// Transaction number, unique per account and kind.
    pub tran_id: i64,
    /// Trade, where one caused it.
    pub trade_id: Option<TradeId>,
}

/// One order of the exchange against the account (`forceOrders`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForceOrderRow {
    /// Why.
    pub auto_close_type: AutoCloseType,
    /// The order.
    pub order: OrderRow,
}

/// One change of isolated margin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginChangeRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// 1 added, 2 reduced.
    pub kind: u8,
    /// Amount, positive.
    pub amount: Decimal,
    /// Asset.
    pub asset: Arc<str>,
    /// Time.
    pub time: Ms,
    /// Leg.
    pub position_side: PositionSide,
}

/// Reply to a change of leverage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverageRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Leverage now set.
    pub leverage: u32,
    /// Largest position notional at this leverage.
    pub max_notional_value: Decimal,
}

/// One leg of one symbol with everything v2 and v3 position replies need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Leg.
    pub position_side: PositionSide,
    /// Signed amount.
    pub position_amt: Decimal,
    /// Average entry price; 0 when flat.
    pub entry_price: Decimal,
    /// Break-even price (entry with the taker fee of one side); 0 when flat.
    pub break_even_price: Decimal,
    /// Mark price.
    pub mark_price: Decimal,
    /// Unrealised profit at mark.
    pub unrealized_profit: Decimal,
    /// Liquidation price; 0 when there is none.
    pub liquidation_price: Decimal,
    /// Leverage of the symbol.
    pub leverage: u32,
    /// Largest notional at this leverage.
    pub max_notional: Decimal,
    /// Margin mode of the symbol.
    pub margin_type: MarginType,
    /// Isolated wallet plus unrealised profit; 0 when crossed.
    pub isolated_margin: Decimal,
    /// Isolated wallet; 0 when crossed.
    pub isolated_wallet: Decimal,
    /// Signed notional at mark.
    pub notional: Decimal,
    /// Initial margin of position and open orders.
    pub initial_margin: Decimal,
    /// Maintenance margin.
    pub maint_margin: Decimal,
    /// Initial margin of the position.
    pub position_initial_margin: Decimal,
    /// Initial margin of the open orders.
    pub open_order_initial_margin: Decimal,
    /// Rank in the deleveraging queue, 0 to 4.
    pub adl: u8,
    /// Sum of price times leaves of all open buys of this leg, reduce-only ones included.
    pub bid_notional: Decimal,
    /// Sum of price times leaves of all open sells of this leg, reduce-only ones included.
    pub ask_notional: Decimal,
    /// Margin asset.
    pub margin_asset: Arc<str>,
    /// Time of the last change; 0 when never traded.
    pub update_time: Ms,
    /// Whether any order of this leg is open (v3 lists rows with a position or open orders only).
    pub has_open_orders: bool,
}

impl PositionRow {
    /// Tells whether v3 replies list this row: a position or open orders.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.position_amt.is_zero() || self.has_open_orders
    }
}

/// One asset of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetRow {
    /// Asset.
    pub asset: Arc<str>,
    /// Wallet balance.
    pub wallet_balance: Decimal,
    /// Unrealised profit of all positions in this asset.
    pub unrealized_profit: Decimal,
    /// Wallet plus unrealised profit.
    pub margin_balance: Decimal,
    /// Maintenance margin.
    pub maint_margin: Decimal,
    /// Initial margin of positions and orders.
    pub initial_margin: Decimal,
    /// Initial margin of positions.
    pub position_initial_margin: Decimal,
    /// Initial margin of orders.
    pub open_order_initial_margin: Decimal,
    /// Wallet without isolated wallets.
    pub cross_wallet_balance: Decimal,
    /// Unrealised profit of cross positions.
    pub cross_un_pnl: Decimal,
    /// What new orders may use.
    pub available_balance: Decimal,
    /// What may be transferred out.
    pub max_withdraw_amount: Decimal,
    /// Whether the asset counts as margin in multi-assets mode.
    pub margin_available: bool,
    /// Time of the last change.
    pub update_time: Ms,
}

/// Settings of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountConfigRow {
    /// Hedge mode.
    pub dual_side_position: bool,
    /// Multi-assets mode.
    pub multi_assets_margin: bool,
    /// Fees in BNB.
    pub fee_burn: bool,
    /// Fee tier.
    pub fee_tier: u8,
    /// Group for self-trade prevention; -1 is none.
    pub trade_group_id: i64,
    /// Trading allowed.
    pub can_trade: bool,
    /// Time of the last change; 0 when never changed.
    pub update_time: Ms,
}

/// The whole account: settings, assets, and one row per leg of every symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Settings.
    pub config: AccountConfigRow,
    /// Assets, in name order of the configuration (USDT first).
    pub assets: Vec<AssetRow>,
    /// One row per leg: BOTH in one-way mode; BOTH (zero), LONG and SHORT in hedge mode.
    pub positions: Vec<PositionRow>,
}

/// Settings of one symbol for one account (`symbolConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolConfigRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Margin mode.
    pub margin_type: MarginType,
    /// Automatic adding of isolated margin (always false).
    pub is_auto_add_margin: bool,
    /// Leverage.
    pub leverage: u32,
    /// Largest notional at this leverage.
    pub max_notional_value: Decimal,
}

/// Fee rates of one symbol for one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRow {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Maker rate.
    pub maker_commission_rate: Decimal,
    /// Taker rate.
    pub taker_commission_rate: Decimal,
    /// Rate of RPI orders.
    pub rpi_commission_rate: Decimal,
}
