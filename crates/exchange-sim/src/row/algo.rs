//! The row of a conditional order. Which of its fields a reply shows, and when, is the face's.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::types::{
    AlgoId, AlgoStatus, Ms, OrderId, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce, WorkingType,
};

/// One conditional order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlgoRow {
    /// The service's number.
    pub algo_id: AlgoId,
    /// Client id; the child's client order id.
    pub client_algo_id: String,
    /// Type as placed.
    pub order_type: OrderType,
    /// Symbol.
    pub symbol: Arc<str>,
    /// Side.
    pub side: Side,
    /// Leg.
    pub position_side: PositionSide,
    /// Time in force.
    pub time_in_force: TimeInForce,
    /// Quantity; 0 when it closes the position.
    pub quantity: Decimal,
    /// State.
    #[serde(rename = "algoStatus")]
    pub status: AlgoStatus,
    /// Number of the child, once TRIGGERED was told.
    pub actual_order_id: Option<OrderId>,
    /// Type of the child in the engine.
    pub actual_type: Option<OrderType>,
    /// Average price of the child; 0 without.
    pub actual_price: Decimal,
    /// Executed quantity of the child; 0 without.
    pub actual_qty: Decimal,
    /// Trigger price; 0 for a trailing stop.
    pub trigger_price: Decimal,
    /// Limit price; 0 for the market types.
    pub price: Decimal,
    /// Self-trade prevention mode of the child.
    #[serde(rename = "selfTradePreventionMode")]
    pub stp_mode: StpMode,
    /// Watched price.
    pub working_type: WorkingType,
    /// Price match mode of the child.
    pub price_match: PriceMatch,
    /// Whether it closes the whole leg.
    pub close_position: bool,
    /// Whether it holds back while mark and contract price are apart.
    pub price_protect: bool,
    /// Reduce-only flag.
    pub reduce_only: bool,
    /// Price from which a trailing stop follows.
    pub activate_price: Option<Decimal>,
    /// Distance of a trailing stop, percent.
    pub callback_rate: Option<Decimal>,
    /// Whether a trailing stop follows the price. It does not mean triggered.
    pub is_activated: bool,
    /// Creation time.
    pub create_time: Ms,
    /// Time of the last change.
    pub update_time: Ms,
    /// Time of the trigger, 0 before.
    pub trigger_time: Ms,
    /// GTD time, 0 otherwise.
    pub good_till_date: Ms,
    /// Why it failed (`rm`); REST does not show it.
    pub reason: Option<String>,
}
