//! The endpoints of USDⓈ-M as data: method, path, cost, kind of security. Nothing here sends.
//!
//! Source: USDⓈ-M trade and account endpoints, read 2026-11-22; order counts of modify and batch from the same pages.

use http::Method;

use crate::{fate::Act, rate::Cost};

/// What a request has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing.
    Open,
    /// The API key.
    Keyed,
    /// The API key, a timestamp and a signature.
    Signed,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Method.
    pub method: Method,
    /// Path.
    pub path: &'static str,
    /// What it takes from the budgets.
    pub cost: Cost,
    /// What it asks for.
    pub act: Act,
    /// What it has to carry.
    pub security: Security,
}

const fn endpoint(method: Method, path: &'static str, weight: u32, act: Act, security: Security) -> Endpoint {
    let orders = match act {
        Act::Place | Act::PlaceConditional | Act::Replace => 1,
        Act::Cancel | Act::Setup | Act::Query => 0,
    };
    Endpoint { method, path, cost: Cost { weight, orders_10s: orders, orders_1m: orders }, act, security }
}

/// A batch of orders counts five in 10 seconds and one in a minute, however many it holds.
const fn batch(method: Method, act: Act) -> Endpoint {
    let cost = Cost { weight: 5, orders_10s: 5, orders_1m: 1 };
    Endpoint { method, path: "/fapi/v1/batchOrders", cost, act, security: Security::Signed }
}

/// Most orders of one batch of new or changed orders.
pub const BATCH_MAX: usize = 5;
/// Most orders of one batch of cancels.
pub const CANCEL_BATCH_MAX: usize = 10;

impl Endpoint {
    /// The last part of the path: the name that its documents and its counters go by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// Server time.
pub const TIME: Endpoint = endpoint(Method::GET, "/fapi/v1/time", 1, Act::Query, Security::Open);
/// Symbols, filters and limits.
pub const EXCHANGE_INFO: Endpoint = endpoint(Method::GET, "/fapi/v1/exchangeInfo", 1, Act::Query, Security::Open);
/// New order.
pub const PLACE: Endpoint = endpoint(Method::POST, "/fapi/v1/order", 0, Act::Place, Security::Signed);
/// Change an order.
pub const MODIFY: Endpoint = endpoint(Method::PUT, "/fapi/v1/order", 0, Act::Replace, Security::Signed);
/// Cancel an order.
pub const CANCEL: Endpoint = endpoint(Method::DELETE, "/fapi/v1/order", 1, Act::Cancel, Security::Signed);
/// Several new orders.
pub const PLACE_BATCH: Endpoint = batch(Method::POST, Act::Place);
/// Several changes.
pub const MODIFY_BATCH: Endpoint = batch(Method::PUT, Act::Replace);
/// Several cancels, of one symbol.
pub const CANCEL_BATCH: Endpoint = endpoint(Method::DELETE, "/fapi/v1/batchOrders", 1, Act::Cancel, Security::Signed);
/// New conditional order.
pub const PLACE_ALGO: Endpoint = endpoint(Method::POST, "/fapi/v1/algoOrder", 0, Act::PlaceConditional, Security::Signed);
/// Cancel a conditional order before its trigger.
pub const CANCEL_ALGO: Endpoint = endpoint(Method::DELETE, "/fapi/v1/algoOrder", 1, Act::Cancel, Security::Signed);
/// Cancel all conditional orders of a symbol before their triggers.
pub const CANCEL_ALL_ALGO: Endpoint = endpoint(Method::DELETE, "/fapi/v1/algoOpenOrders", 1, Act::Cancel, Security::Signed);
/// One conditional order. It has denied live ones (2026-09-19): a hint where it finds something, never an absence.
pub const ALGO_ORDER: Endpoint = endpoint(Method::GET, "/fapi/v1/algoOrder", 1, Act::Query, Security::Signed);
/// Conditional orders of a symbol by creation, ended ones included.
pub const ALL_ALGO_ORDERS: Endpoint = endpoint(Method::GET, "/fapi/v1/allAlgoOrders", 5, Act::Query, Security::Signed);
/// Cancel all ordinary orders of a symbol.
pub const CANCEL_ALL: Endpoint = endpoint(Method::DELETE, "/fapi/v1/allOpenOrders", 1, Act::Cancel, Security::Signed);
/// Begin the countdown after which all ordinary orders of a symbol are cancelled, or end it.
pub const COUNTDOWN: Endpoint = endpoint(Method::POST, "/fapi/v1/countdownCancelAll", 10, Act::Setup, Security::Signed);
/// One order.
pub const ORDER: Endpoint = endpoint(Method::GET, "/fapi/v1/order", 1, Act::Query, Security::Signed);
/// Open orders of a symbol.
pub const OPEN_ORDERS_OF: Endpoint = endpoint(Method::GET, "/fapi/v1/openOrders", 1, Act::Query, Security::Signed);
/// Open orders of all symbols.
pub const OPEN_ORDERS: Endpoint = endpoint(Method::GET, "/fapi/v1/openOrders", 40, Act::Query, Security::Signed);
/// Untriggered conditional orders of a symbol.
pub const OPEN_ALGO_ORDERS_OF: Endpoint = endpoint(Method::GET, "/fapi/v1/openAlgoOrders", 1, Act::Query, Security::Signed);
/// Untriggered conditional orders of all symbols.
pub const OPEN_ALGO_ORDERS: Endpoint = endpoint(Method::GET, "/fapi/v1/openAlgoOrders", 40, Act::Query, Security::Signed);
/// The account's trades of a symbol.
pub const USER_TRADES: Endpoint = endpoint(Method::GET, "/fapi/v1/userTrades", 5, Act::Query, Security::Signed);
/// What the account earned and paid, over all symbols.
pub const INCOME: Endpoint = endpoint(Method::GET, "/fapi/v1/income", 30, Act::Query, Security::Signed);
/// Positions.
pub const POSITIONS: Endpoint = endpoint(Method::GET, "/fapi/v3/positionRisk", 5, Act::Query, Security::Signed);
/// Balances.
pub const BALANCES: Endpoint = endpoint(Method::GET, "/fapi/v3/balance", 5, Act::Query, Security::Signed);
/// Settings of the account; costs a sixth of asking for the position mode alone.
pub const ACCOUNT_CONFIG: Endpoint = endpoint(Method::GET, "/fapi/v1/accountConfig", 5, Act::Query, Security::Signed);
/// Settings of the symbols.
pub const SYMBOL_CONFIG: Endpoint = endpoint(Method::GET, "/fapi/v1/symbolConfig", 5, Act::Query, Security::Signed);
/// Which rules of conduct lock trading, of one symbol.
pub const TRADING_STATUS_OF: Endpoint = endpoint(Method::GET, "/fapi/v1/apiTradingStatus", 1, Act::Query, Security::Signed);
/// The same of all symbols.
pub const TRADING_STATUS: Endpoint = endpoint(Method::GET, "/fapi/v1/apiTradingStatus", 10, Act::Query, Security::Signed);
/// The account's own order counts, which may be higher than the ones of everybody.
pub const ORDER_LIMITS: Endpoint = endpoint(Method::GET, "/fapi/v1/rateLimit/order", 1, Act::Query, Security::Signed);
/// What the key may do. It stands on the wallet's host, whose budget is another (12,000 a minute).
pub const KEY_RIGHTS: Endpoint = endpoint(Method::GET, "/sapi/v1/account/apiRestrictions", 0, Act::Query, Security::Signed);
/// Set the position mode.
pub const SET_POSITION_MODE: Endpoint = endpoint(Method::POST, "/fapi/v1/positionSide/dual", 1, Act::Setup, Security::Signed);
/// Set a symbol's leverage.
pub const SET_LEVERAGE: Endpoint = endpoint(Method::POST, "/fapi/v1/leverage", 1, Act::Setup, Security::Signed);
/// Set a symbol's margin type.
pub const SET_MARGIN_TYPE: Endpoint = endpoint(Method::POST, "/fapi/v1/marginType", 1, Act::Setup, Security::Signed);
/// Make the listen key, or extend the one there is.
pub const MAKE_LISTEN_KEY: Endpoint = endpoint(Method::POST, "/fapi/v1/listenKey", 1, Act::Setup, Security::Keyed);
/// Renew the listen key. It is shared by the account, so there is no endpoint here to delete it.
pub const RENEW_LISTEN_KEY: Endpoint = endpoint(Method::PUT, "/fapi/v1/listenKey", 1, Act::Setup, Security::Keyed);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_cost_no_weight_and_cancels_no_count() {
        for one in [PLACE, MODIFY, PLACE_ALGO] {
            assert_eq!(one.cost, Cost { weight: 0, orders_10s: 1, orders_1m: 1 }, "{}", one.path);
        }
        for batch in [PLACE_BATCH, MODIFY_BATCH] {
            assert_eq!(batch.cost, Cost { weight: 5, orders_10s: 5, orders_1m: 1 });
        }
        for cancel in [CANCEL, CANCEL_ALGO, CANCEL_ALL, CANCEL_ALL_ALGO, CANCEL_BATCH] {
            assert_eq!(cancel.cost, Cost { weight: 1, orders_10s: 0, orders_1m: 0 }, "{}", cancel.path);
        }
        assert_eq!(OPEN_ORDERS.cost.weight, 40);
    }
}
