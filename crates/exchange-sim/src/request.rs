//! What a caller asks of the exchange: orders, changes and history queries. Parsed values only; text belongs to the face.

use rust_decimal::Decimal;

use crate::types::{
    AlgoId, AutoCloseType, IncomeType, Interval, Ms, OrderId, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce,
    TradeId, WorkingType,
};

/// The signed time of a request, for the matching engine's own recvWindow check (`-5028`, POST and PUT order and batch).
///
/// The check at receipt (`-1021`) is the face's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The client's `timestamp`, milliseconds.
    pub timestamp: Ms,
    /// The client's `recvWindow`, milliseconds (the venue's default is 5000).
    pub recv_window: Ms,
}

/// A new order as sent to `POST /fapi/v1/order`. A parameter that was not sent is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrder {
    /// Symbol, upper case, raw Unicode.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Order type; conditional types are refused with `-4120`.
    pub order_type: OrderType,
    /// Leg; mandatory in hedge mode.
    pub position_side: Option<PositionSide>,
    /// Time in force; mandatory for LIMIT, refused for MARKET except GTC.
    pub time_in_force: Option<TimeInForce>,
    /// Quantity in base units.
    pub quantity: Option<Decimal>,
    /// Limit price.
    pub price: Option<Decimal>,
    /// Reduce-only flag as sent; `Some(false)` is tolerated in hedge mode, `Some(true)` is not.
    pub reduce_only: Option<bool>,
    /// `closePosition` as sent; only conditional types know it.
    pub close_position: Option<bool>,
    /// Client order id; the exchange makes one when it is absent.
    pub new_client_order_id: Option<String>,
    /// Price from the book instead of `price`.
    pub price_match: Option<PriceMatch>,
    /// Self-trade prevention; `EXPIRE_MAKER` when absent.
    pub stp_mode: Option<StpMode>,
    /// Expiry of a GTD order, milliseconds (second precision is kept).
    pub good_till_date: Option<Ms>,
    /// Signed time; `None` for orders that come through no signed request.
    pub signed: Option<Signed>,
}

impl NewOrder {
    /// Builds a LIMIT order with nothing optional set.
    #[must_use]
    pub fn limit(symbol: &str, side: Side, quantity: Decimal, price: Decimal, time_in_force: TimeInForce) -> Self {
        Self { time_in_force: Some(time_in_force), price: Some(price), ..Self::bare(symbol, side, OrderType::Limit, quantity) }
    }

    /// Builds a MARKET order with nothing optional set.
    #[must_use]
    pub fn market(symbol: &str, side: Side, quantity: Decimal) -> Self {
        Self::bare(symbol, side, OrderType::Market, quantity)
    }

    fn bare(symbol: &str, side: Side, order_type: OrderType, quantity: Decimal) -> Self {
        Self {
            symbol: symbol.to_owned(),
            side,
            order_type,
            position_side: None,
            time_in_force: None,
            quantity: Some(quantity),
            price: None,
            reduce_only: None,
            close_position: None,
            new_client_order_id: None,
            price_match: None,
            stp_mode: None,
            good_till_date: None,
            signed: None,
        }
    }

    /// Sets the client order id.
    #[must_use]
    pub fn with_client_id(mut self, id: &str) -> Self {
        self.new_client_order_id = Some(id.to_owned());
        self
    }

    /// Sets the leg.
    #[must_use]
    pub fn on_leg(mut self, leg: PositionSide) -> Self {
        self.position_side = Some(leg);
        self
    }

    /// Sets reduce-only.
    #[must_use]
    pub fn reducing(mut self) -> Self {
        self.reduce_only = Some(true);
        self
    }
}

/// A conditional order as sent to `POST /fapi/v1/algoOrder`. A parameter that was not sent is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAlgoOrder {
    /// Symbol, upper case, raw Unicode.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// One of the five conditional types; `-1116` for the others.
    pub order_type: OrderType,
    /// Leg; mandatory in hedge mode.
    pub position_side: Option<PositionSide>,
    /// Time in force of the child; GTC when absent.
    pub time_in_force: Option<TimeInForce>,
    /// Quantity in base units; excludes `close_position`.
    pub quantity: Option<Decimal>,
    /// Limit price of STOP and TAKE_PROFIT.
    pub price: Option<Decimal>,
    /// Price from the book, at the trigger, instead of `price`.
    pub price_match: Option<PriceMatch>,
    /// Price that triggers; all types but the trailing one.
    pub trigger_price: Option<Decimal>,
    /// Which price is watched; the contract's when absent.
    pub working_type: Option<WorkingType>,
    /// Closes whatever the leg holds at the trigger; STOP_MARKET and TAKE_PROFIT_MARKET only.
    pub close_position: Option<bool>,
    /// Refuses to trigger while mark and contract price are apart by more than the symbol's `triggerProtect`.
    pub price_protect: Option<bool>,
    /// Reduce-only flag of the child.
    pub reduce_only: Option<bool>,
    /// Price from which a trailing stop follows; the present price when absent.
    pub activate_price: Option<Decimal>,
    /// Distance of a trailing stop in percent, 0.1 to 20.
    pub callback_rate: Option<Decimal>,
    /// Client id, unique among open conditional orders; the child carries it as its client order id.
    pub client_algo_id: Option<String>,
    /// Self-trade prevention of the child; `EXPIRE_MAKER` when absent.
    pub stp_mode: Option<StpMode>,
    /// Expiry of a GTD order, milliseconds (second precision is kept).
    pub good_till_date: Option<Ms>,
}

impl NewAlgoOrder {
    /// Builds a conditional order of a type with nothing else set.
    #[must_use]
    pub fn bare(symbol: &str, side: Side, order_type: OrderType) -> Self {
        Self {
            symbol: symbol.to_owned(),
            side,
            order_type,
            position_side: None,
            time_in_force: None,
            quantity: None,
            price: None,
            price_match: None,
            trigger_price: None,
            working_type: None,
            close_position: None,
            price_protect: None,
            reduce_only: None,
            activate_price: None,
            callback_rate: None,
            client_algo_id: None,
            stp_mode: None,
            good_till_date: None,
        }
    }

    /// Builds a STOP_MARKET or TAKE_PROFIT_MARKET order.
    #[must_use]
    pub fn market(symbol: &str, side: Side, order_type: OrderType, quantity: Decimal, trigger: Decimal) -> Self {
        Self { quantity: Some(quantity), trigger_price: Some(trigger), ..Self::bare(symbol, side, order_type) }
    }

    /// Builds a STOP_MARKET or TAKE_PROFIT_MARKET order that closes the whole leg.
    #[must_use]
    pub fn closing(symbol: &str, side: Side, order_type: OrderType, trigger: Decimal) -> Self {
        Self { close_position: Some(true), trigger_price: Some(trigger), ..Self::bare(symbol, side, order_type) }
    }

    /// Sets the client id.
    #[must_use]
    pub fn with_client_id(mut self, id: &str) -> Self {
        self.client_algo_id = Some(id.to_owned());
        self
    }

    /// Sets the leg.
    #[must_use]
    pub fn on_leg(mut self, leg: PositionSide) -> Self {
        self.position_side = Some(leg);
        self
    }

    /// Sets reduce-only.
    #[must_use]
    pub fn reducing(mut self) -> Self {
        self.reduce_only = Some(true);
        self
    }
}

/// Names one conditional order of an account. With both ids the service's number wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlgoRef {
    /// The service's number.
    pub algo_id: Option<AlgoId>,
    /// The client id.
    pub client_algo_id: Option<String>,
}

impl AlgoRef {
    /// Names a conditional order by the service's number.
    #[must_use]
    pub fn id(algo_id: AlgoId) -> Self {
        Self { algo_id: Some(algo_id), client_algo_id: None }
    }

    /// Names a conditional order by its client id.
    #[must_use]
    pub fn client(client_algo_id: &str) -> Self {
        Self { algo_id: None, client_algo_id: Some(client_algo_id.to_owned()) }
    }
}

/// Query of `GET /fapi/v1/allAlgoOrders`.
#[derive(Clone, Debug, Default)]
pub struct AllAlgoOrdersQuery {
    /// Symbol.
    pub symbol: String,
    /// Rows with this id and above, the oldest of them kept.
    pub algo_id: Option<AlgoId>,
    /// Start of the window (creation time), inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 500, cap 1000). Without `algo_id` the newest rows are kept.
    pub limit: Option<usize>,
}

/// Names one order of an account on one symbol. With both ids the venue's number wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderRef {
    /// The venue's number.
    pub order_id: Option<OrderId>,
    /// The client order id (`origClientOrderId`).
    pub client_order_id: Option<String>,
}

impl OrderRef {
    /// Names an order by the venue's number.
    #[must_use]
    pub fn id(order_id: OrderId) -> Self {
        Self { order_id: Some(order_id), client_order_id: None }
    }

    /// Names an order by its client order id.
    #[must_use]
    pub fn client(client_order_id: &str) -> Self {
        Self { order_id: None, client_order_id: Some(client_order_id.to_owned()) }
    }
}

/// A change of a working LIMIT order as sent to `PUT /fapi/v1/order`. Price and quantity are both needed.
#[derive(Clone, Debug, PartialEq)]
pub struct ModifyOrder {
    /// Symbol.
    pub symbol: String,
    /// Which order.
    pub order: OrderRef,
    /// Side; must be the order's.
    pub side: Side,
    /// New total quantity (executed part included).
    pub quantity: Option<Decimal>,
    /// New price.
    pub price: Option<Decimal>,
    /// Price from the book instead of `price`.
    pub price_match: Option<PriceMatch>,
    /// Client-chosen tag, echoed as `M` of the AMENDMENT event.
    pub modify_id: Option<i64>,
    /// Skips the minimum-notional check if the order is reduce-only, else `-5047`; never changes the order's flag.
    pub reduce_only: Option<bool>,
    /// Signed time for the engine's recvWindow check.
    pub signed: Option<Signed>,
}

/// Query of `GET /fapi/v1/allOrders`.
#[derive(Clone, Debug, Default)]
pub struct AllOrdersQuery {
    /// Symbol; all symbols when absent.
    pub symbol: Option<String>,
    /// Rows with this id and above, oldest first.
    pub order_id: Option<OrderId>,
    /// Start of the window (creation time), inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 500, cap 1000). Without `order_id` the newest rows are kept.
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/userTrades`.
#[derive(Clone, Debug, Default)]
pub struct UserTradesQuery {
    /// Symbol.
    pub symbol: String,
    /// Only trades of this order.
    pub order_id: Option<OrderId>,
    /// Start of the window, inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Trades with this id and above; excludes times.
    pub from_id: Option<TradeId>,
    /// Rows at most (default 500, cap 1000). The oldest rows are kept, always.
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/orderAmendment`.
#[derive(Clone, Debug, Default)]
pub struct AmendmentsQuery {
    /// Symbol.
    pub symbol: String,
    /// Which order; without any id all amendments of the symbol.
    pub order: OrderRef,
    /// Start of the window, inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 50, cap 100), newest first.
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/income`.
#[derive(Clone, Debug, Default)]
pub struct IncomeQuery {
    /// Symbol; all when absent.
    pub symbol: Option<String>,
    /// Kind; all when absent.
    pub income_type: Option<IncomeType>,
    /// Start of the window, inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Page, from 1.
    pub page: Option<usize>,
    /// Rows at most (default 100, cap 1000), oldest first.
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/forceOrders`.
#[derive(Clone, Debug, Default)]
pub struct ForceOrdersQuery {
    /// Symbol; all when absent.
    pub symbol: Option<String>,
    /// Kind; both when absent.
    pub auto_close_type: Option<AutoCloseType>,
    /// Start of the window, inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 50, cap 100).
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/positionMargin/history`.
#[derive(Clone, Debug, Default)]
pub struct MarginHistoryQuery {
    /// Symbol.
    pub symbol: String,
    /// 1 added, 2 reduced; both when absent.
    pub kind: Option<u8>,
    /// Start of the window, inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 500).
    pub limit: Option<usize>,
}

/// Query of `GET /fapi/v1/klines`.
#[derive(Clone, Debug)]
pub struct KlinesQuery {
    /// Symbol.
    pub symbol: String,
    /// Interval.
    pub interval: Interval,
    /// Start of the window (open time), inclusive.
    pub start_time: Option<Ms>,
    /// End of the window, inclusive.
    pub end_time: Option<Ms>,
    /// Rows at most (default 500, cap 1500).
    pub limit: Option<usize>,
}

/// Which way isolated margin is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginMove {
    /// From the cross wallet to the position (wire `type=1`).
    Add,
    /// From the position to the cross wallet (wire `type=2`).
    Reduce,
}
