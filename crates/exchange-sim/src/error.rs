//! The venue's refusals: code and text. Which HTTP status carries them is the face's business.
//!
//! Source: Binance USDⓈ-M "Error Code" page, copy of 2026-05-28 with additions to 2026-09-18.

use rust_decimal::Decimal;

/// A refusal. Nothing was executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {msg}")]
pub struct ApiError {
    /// The venue's code, negative.
    pub code: i32,
    /// The venue's text.
    pub msg: String,
}

impl ApiError {
    /// Builds a refusal.
    #[must_use]
    pub fn new(code: i32, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into() }
    }
}

/// Defines constructors for refusals with a fixed text.
macro_rules! refusals {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $msg:literal;)+) => {
        impl ApiError {
            $(
                #[doc = concat!("`", stringify!($code), "` ", $msg)]
                $(#[$meta])*
                #[must_use]
                pub fn $name() -> Self {
                    Self::new($code, $msg)
                }
            )+
        }
    };
}

refusals! {
    bad_precision = -1111, "Precision is over the maximum defined for this asset.";
    tif_not_required = -1114, "TimeInForce parameter sent when not required.";
    invalid_tif = -1115, "Invalid timeInForce.";
    bad_symbol = -1121, "Invalid symbol.";
    symbol_status = -1122, "Invalid symbol status.";
    lookup_too_big = -1127, "Lookup interval is too big.";
    bad_combination = -1128, "Combination of optional parameters invalid.";
    start_after_end = -1023, "Start time is greater than end time.";
    cancel_rejected = -2011, "Unknown order sent.";
    no_such_order = -2013, "Order does not exist.";
    margin_not_sufficient = -2019, "Margin is insufficient.";
    would_trigger = -2021, "Order would immediately trigger.";
    unable_to_fill = -2020, "Unable to fill.";
    reduce_only_reject = -2022, "ReduceOnly Order is rejected.";
    in_liquidation = -2023, "User in liquidation mode now.";
    position_not_sufficient = -2024, "Position is not sufficient.";
    max_open_orders = -2025, "Reach max open order limit.";
    max_leverage_ratio = -2027, "Exceeded the maximum allowable position at current leverage.";
    min_leverage_ratio = -2028, "Leverage is smaller than permitted: insufficient margin balance.";
    price_not_positive = -4001, "Price less than 0.";
    price_above_max = -4002, "Price greater than max price.";
    qty_not_positive = -4003, "Quantity less than zero.";
    qty_below_min = -4004, "Quantity less than min quantity.";
    qty_above_max = -4005, "Quantity greater than max quantity.";
    stop_price_not_positive = -4006, "Stop price less than zero.";
    stop_price_above_max = -4007, "Stop price greater than max price.";
    price_below_min = -4013, "Price less than min price.";
    price_off_tick = -4014, "Price not increased by tick size.";
    client_id_invalid = -4015, "Client order id is not valid.";
    qty_off_step = -4023, "Qty not increased by step size.";
    invalid_leverage = -4028, "Invalid leverage";
    max_stop_orders = -4045, "Reach max stop order limit.";
    margin_type_same = -4046, "No need to change margin type.";
    margin_type_open_orders = -4047, "Margin type cannot be changed if there exists open orders.";
    margin_type_position = -4048, "Margin type cannot be changed if there exists position.";
    margin_not_isolated = -4049, "Add margin only support for isolated position.";
    cross_balance_insufficient = -4050, "Cross balance insufficient.";
    isolated_balance_insufficient = -4051, "Isolated balance insufficient.";
    margin_no_position = -4054, "Cannot add position margin: position is 0.";
    amount_not_positive = -4055, "Amount must be positive.";
    position_side_same = -4059, "No need to change position side.";
    position_side_mismatch = -4061, "Order's position side does not match user's setting.";
    reduce_only_conflict = -4062, "Invalid or improper reduceOnly value.";
    mode_open_orders = -4067, "Position side cannot be changed if there exists open orders.";
    mode_position = -4068, "Position side cannot be changed if there exists position.";
    duplicate_client_id = -4116, "ClientOrderId is duplicated.";
    stop_triggering = -4117, "stop order is triggering";
    use_algo_endpoint = -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.";
    close_position_exists = -4130, "An open stop or take profit order with GTE and closePosition in the direction is existing.";
    market_order_reject = -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.";
    bad_activation_price = -4135, "Invalid activation price.";
    close_position_quantity = -4137, "Quantity must be zero with closePosition equals true.";
    isolated_leverage_reduction = -4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.";
    isolated_blocks_multi_assets = -4167, "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode.";
    multi_assets_blocks_isolated = -4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.";
    multi_assets_open_orders = -4170, "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures.";
    multi_assets_same = -4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.";
    gte_without_position = -4509, "Time in Force (TIF) GTE can only be used with open positions. Please ensure that positions are available.";
    fok_rejected = -5021, "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history.";
    gtx_rejected = -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history.";
    modify_symbol_not_trading = -5024, "Symbol is not in trading status. Order amendment is not permitted.";
    limit_order_only = -5025, "Only limit order is supported.";
    modify_limit = -5026, "Exceed maximum modify order limit.";
    same_order = -5027, "No need to modify the order.";
    engine_recv_window = -5028, "Timestamp for this request is outside of the ME recvWindow.";
    invalid_price_match = -5037, "Invalid price match";
    price_match_type = -5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT";
    invalid_stp = -5039, "Invalid self trade prevention mode";
    good_till_date = -5040, "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000 (UTC 9999-12-31 23:59:59)";
    no_price_match_depth = -5041, "No depth matches this BBO order";
    not_reduce_only = -5047, "The original order is not a reduce-only order";
}

impl ApiError {
    /// `-1102` A mandatory parameter is missing.
    #[must_use]
    pub fn missing(parameter: &str) -> Self {
        Self::new(-1102, format!("Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed."))
    }

    /// `-1106` A parameter was sent that this request does not take.
    #[must_use]
    pub fn not_required(parameter: &str) -> Self {
        Self::new(-1106, format!("Parameter '{parameter}' sent when not required."))
    }

    /// `-1130` A parameter has a value out of its range.
    #[must_use]
    pub fn invalid(parameter: &str) -> Self {
        Self::new(-1130, format!("Data sent for parameter '{parameter}' is not valid."))
    }

    /// `-4016` A buy above the band of PERCENT_PRICE.
    #[must_use]
    pub fn price_above_band(limit: Decimal) -> Self {
        Self::new(-4016, format!("Limit price can't be higher than {}.", limit.normalize()))
    }

    /// `-4024` A sell below the band of PERCENT_PRICE.
    #[must_use]
    pub fn price_below_band(limit: Decimal) -> Self {
        Self::new(-4024, format!("Limit price can't be lower than {}.", limit.normalize()))
    }

    /// `-4183` A conditional buy's limit price above the band around its trigger price.
    #[must_use]
    pub fn price_above_trigger_band(limit: Decimal) -> Self {
        Self::new(-4183, format!("Limit price can't be higher than {}.", limit.normalize()))
    }

    /// `-4184` A conditional sell's limit price below the band around its trigger price.
    #[must_use]
    pub fn price_below_trigger_band(limit: Decimal) -> Self {
        Self::new(-4184, format!("Limit price can't be lower than {}.", limit.normalize()))
    }

    /// `-4164` A notional under the minimum.
    #[must_use]
    pub fn min_notional(notional: Decimal) -> Self {
        Self::new(
            -4164,
            format!("Order's notional must be no smaller than {} (unless you choose reduce only).", notional.normalize()),
        )
    }

    /// `-5029` A modify with a notional under the minimum.
    #[must_use]
    pub fn modify_min_notional(notional: Decimal) -> Self {
        Self::new(-5029, format!("Order's notional must be no smaller than {}", notional.normalize()))
    }

    /// `-4165` A window of time too long.
    #[must_use]
    pub fn interval_days(days: i64) -> Self {
        Self::new(-4165, format!("Maximum time interval is {days} days."))
    }
}
