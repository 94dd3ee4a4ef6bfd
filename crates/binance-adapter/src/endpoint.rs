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
        Act::Place | Act::Replace => 1,
        Act::Cancel | Act::Setup | Act::Query => 0,
    };
    Endpoint { method, path, cost: Cost { weight, orders }, act, security }
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
/// Cancel all ordinary orders of a symbol.
pub const CANCEL_ALL: Endpoint = endpoint(Method::DELETE, "/fapi/v1/allOpenOrders", 1, Act::Cancel, Security::Signed);
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
/// Positions.
pub const POSITIONS: Endpoint = endpoint(Method::GET, "/fapi/v3/positionRisk", 5, Act::Query, Security::Signed);
/// Balances.
pub const BALANCES: Endpoint = endpoint(Method::GET, "/fapi/v3/balance", 5, Act::Query, Security::Signed);
/// Settings of the account; costs a sixth of asking for the position mode alone.
pub const ACCOUNT_CONFIG: Endpoint = endpoint(Method::GET, "/fapi/v1/accountConfig", 5, Act::Query, Security::Signed);
/// Settings of the symbols.
pub const SYMBOL_CONFIG: Endpoint = endpoint(Method::GET, "/fapi/v1/symbolConfig", 5, Act::Query, Security::Signed);
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
        assert_eq!(PLACE.cost, Cost { weight: 0, orders: 1 });
        assert_eq!(MODIFY.cost, Cost { weight: 0, orders: 1 });
        assert_eq!(CANCEL.cost, Cost { weight: 1, orders: 0 });
        assert_eq!(OPEN_ORDERS.cost.weight, 40);
    }
}
