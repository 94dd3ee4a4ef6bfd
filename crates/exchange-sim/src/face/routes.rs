//! The table of paths: which method and path is which endpoint, what it needs and what it weighs. No handler is called here.
//!
//! Weights: USDⓈ-M API pages of 2026-05-28 to 2026-08-21.

use super::limits::OrderCost;
use super::params::Params;

/// What a request must carry to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// Nothing.
    Open,
    /// The key header.
    Key,
    /// The key header, a timestamp and a signature.
    Signed,
}

/// Everything a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    Trades,
    AggTrades,
    Klines,
    Ticker24h,
    TickerPrice,
    TickerBook,
    PremiumIndex,
    FundingRate,
    FundingInfo,
    OpenInterest,
    PlaceOrder,
    TestOrder,
    ModifyOrder,
    CancelOrder,
    QueryOrder,
    OpenOrder,
    PlaceBatch,
    ModifyBatch,
    CancelBatch,
    CancelAll,
    CountdownCancelAll,
    OpenOrders,
    AllOrders,
    UserTrades,
    OrderAmendment,
    ForceOrders,
    Income,
    AccountV2,
    AccountV3,
    Balance,
    AccountConfig,
    SymbolConfig,
    PositionRiskV2,
    PositionRiskV3,
    PositionMode,
    SetPositionMode,
    MultiAssets,
    SetMultiAssets,
    SetLeverage,
    SetMarginType,
    PositionMargin,
    PositionMarginHistory,
    LeverageBracket,
    CommissionRate,
    OrderRateLimit,
    TradingStatus,
    AdlQuantile,
    FeeBurn,
    SetFeeBurn,
    StartStream,
    KeepStream,
    CloseStream,
    AlgoOpen,
    AlgoAll,
    AlgoQuery,
    AlgoPlace,
    AlgoCancel,
    AlgoCancelAll,
    SapiCoins,
    SapiMarginPairs,
    SapiRestrictions,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    pub(super) security: Security,
    weight: Weight,
}

#[derive(Debug, Clone, Copy)]
enum Weight {
    Flat(u32),
    /// With a symbol, without.
    BySymbol(u32, u32),
    Depth,
    Klines,
}

impl Route {
    /// The request weight, which for some endpoints depends on parameters.
    pub(super) fn weight(&self, params: &Params) -> u32 {
        let limit = |default: u32| params.get("limit").and_then(|v| v.parse().ok()).unwrap_or(default);
        match self.weight {
            Weight::Flat(weight) => weight,
            Weight::BySymbol(with, without) => {
                if params.get("symbol").is_some() {
                    with
                } else {
                    without
                }
            }
            Weight::Depth => match limit(500) {
                0..=50 => 2,
                51..=100 => 5,
                101..=500 => 10,
                _ => 20,
            },
            Weight::Klines => match limit(500) {
                0..=99 => 1,
                100..=499 => 2,
                500..=1000 => 5,
                _ => 10,
            },
        }
    }

    /// Whether the weight of the request counts for the WebSocket API as well: orders placed, changed and cancelled do.
    pub(super) fn counts_for_sockets(&self) -> bool {
        matches!(
            self.endpoint,
            Endpoint::PlaceOrder
                | Endpoint::ModifyOrder
                | Endpoint::CancelOrder
                | Endpoint::PlaceBatch
                | Endpoint::ModifyBatch
                | Endpoint::CancelBatch
        )
    }

    /// What the request takes from the account's order counts.
    pub(super) fn order_cost(&self) -> Option<OrderCost> {
        match self.endpoint {
            Endpoint::PlaceOrder | Endpoint::TestOrder | Endpoint::ModifyOrder | Endpoint::AlgoPlace => {
                Some(OrderCost { per_10s: 1, per_1m: 1 })
            }
            Endpoint::PlaceBatch | Endpoint::ModifyBatch => Some(OrderCost { per_10s: 5, per_1m: 1 }),
            _ => None,
        }
    }
}

/// Finds the row of a request; `None` is a 404.
pub(super) fn route(method: &str, path: &str) -> Option<Route> {
    TABLE.iter().find(|row| row.0 == method && row.1 == path).map(|&(_, _, endpoint, security, weight)| Route {
        endpoint,
        security,
        weight,
    })
}

/// Whether a path exists with another method, which the venue answers differently from an unknown one.
pub(super) fn known_path(path: &str) -> bool {
    TABLE.iter().any(|row| row.1 == path)
}

type Row = (&'static str, &'static str, Endpoint, Security, Weight);

use Endpoint as E;
use Security::{Key, Open, Signed};
use Weight::{BySymbol, Flat};

const TABLE: &[Row] = &[
    // Market data.
    ("GET", "/fapi/v1/ping", E::Ping, Open, Flat(1)),
    ("GET", "/fapi/v1/time", E::Time, Open, Flat(1)),
    ("GET", "/fapi/v1/exchangeInfo", E::ExchangeInfo, Open, Flat(1)),
    ("GET", "/fapi/v1/depth", E::Depth, Open, Weight::Depth),
    ("GET", "/fapi/v1/trades", E::Trades, Open, Flat(5)),
    ("GET", "/fapi/v1/historicalTrades", E::Trades, Key, Flat(20)),
    ("GET", "/fapi/v1/aggTrades", E::AggTrades, Open, Flat(20)),
    ("GET", "/fapi/v1/klines", E::Klines, Open, Weight::Klines),
    ("GET", "/fapi/v1/ticker/24hr", E::Ticker24h, Open, BySymbol(1, 40)),
    ("GET", "/fapi/v1/ticker/price", E::TickerPrice, Open, BySymbol(1, 2)),
    ("GET", "/fapi/v2/ticker/price", E::TickerPrice, Open, BySymbol(1, 2)),
    ("GET", "/fapi/v1/ticker/bookTicker", E::TickerBook, Open, BySymbol(2, 5)),
    ("GET", "/fapi/v1/premiumIndex", E::PremiumIndex, Open, BySymbol(1, 10)),
    ("GET", "/fapi/v1/fundingRate", E::FundingRate, Open, Flat(0)),
    ("GET", "/fapi/v1/fundingInfo", E::FundingInfo, Open, Flat(0)),
    ("GET", "/fapi/v1/openInterest", E::OpenInterest, Open, Flat(1)),
    // Orders.
    ("POST", "/fapi/v1/order", E::PlaceOrder, Signed, Flat(0)),
    ("POST", "/fapi/v1/order/test", E::TestOrder, Signed, Flat(0)),
    ("PUT", "/fapi/v1/order", E::ModifyOrder, Signed, Flat(0)),
    ("DELETE", "/fapi/v1/order", E::CancelOrder, Signed, Flat(1)),
    ("GET", "/fapi/v1/order", E::QueryOrder, Signed, Flat(1)),
    ("POST", "/fapi/v1/batchOrders", E::PlaceBatch, Signed, Flat(5)),
    ("PUT", "/fapi/v1/batchOrders", E::ModifyBatch, Signed, Flat(5)),
    ("DELETE", "/fapi/v1/batchOrders", E::CancelBatch, Signed, Flat(1)),
    ("DELETE", "/fapi/v1/allOpenOrders", E::CancelAll, Signed, Flat(1)),
    ("POST", "/fapi/v1/countdownCancelAll", E::CountdownCancelAll, Signed, Flat(10)),
    ("GET", "/fapi/v1/openOrder", E::OpenOrder, Signed, Flat(1)),
    ("GET", "/fapi/v1/openOrders", E::OpenOrders, Signed, BySymbol(1, 40)),
    ("GET", "/fapi/v1/allOrders", E::AllOrders, Signed, Flat(5)),
    ("GET", "/fapi/v1/userTrades", E::UserTrades, Signed, Flat(5)),
    ("GET", "/fapi/v1/orderAmendment", E::OrderAmendment, Signed, Flat(1)),
    ("GET", "/fapi/v1/forceOrders", E::ForceOrders, Signed, BySymbol(20, 50)),
    ("GET", "/fapi/v1/income", E::Income, Signed, Flat(30)),
    // The account.
    ("GET", "/fapi/v2/account", E::AccountV2, Signed, Flat(5)),
    ("GET", "/fapi/v3/account", E::AccountV3, Signed, Flat(5)),
    ("GET", "/fapi/v2/balance", E::Balance, Signed, Flat(5)),
    ("GET", "/fapi/v3/balance", E::Balance, Signed, Flat(5)),
    ("GET", "/fapi/v1/accountConfig", E::AccountConfig, Signed, Flat(5)),
    ("GET", "/fapi/v1/symbolConfig", E::SymbolConfig, Signed, Flat(5)),
    ("GET", "/fapi/v2/positionRisk", E::PositionRiskV2, Signed, Flat(5)),
    ("GET", "/fapi/v3/positionRisk", E::PositionRiskV3, Signed, Flat(5)),
    ("GET", "/fapi/v1/positionSide/dual", E::PositionMode, Signed, Flat(30)),
    ("POST", "/fapi/v1/positionSide/dual", E::SetPositionMode, Signed, Flat(1)),
    ("GET", "/fapi/v1/multiAssetsMargin", E::MultiAssets, Signed, Flat(30)),
    ("POST", "/fapi/v1/multiAssetsMargin", E::SetMultiAssets, Signed, Flat(1)),
    ("POST", "/fapi/v1/leverage", E::SetLeverage, Signed, Flat(1)),
    ("POST", "/fapi/v1/marginType", E::SetMarginType, Signed, Flat(1)),
    ("POST", "/fapi/v1/positionMargin", E::PositionMargin, Signed, Flat(1)),
    ("GET", "/fapi/v1/positionMargin/history", E::PositionMarginHistory, Signed, Flat(1)),
    ("GET", "/fapi/v1/leverageBracket", E::LeverageBracket, Signed, Flat(1)),
    ("GET", "/fapi/v1/commissionRate", E::CommissionRate, Signed, Flat(20)),
    ("GET", "/fapi/v1/rateLimit/order", E::OrderRateLimit, Signed, Flat(1)),
    ("GET", "/fapi/v1/apiTradingStatus", E::TradingStatus, Signed, BySymbol(1, 10)),
    ("GET", "/fapi/v1/adlQuantile", E::AdlQuantile, Signed, Flat(5)),
    ("GET", "/fapi/v1/feeBurn", E::FeeBurn, Signed, Flat(30)),
    ("POST", "/fapi/v1/feeBurn", E::SetFeeBurn, Signed, Flat(1)),
    // The private stream's key: the header alone is enough, a signature does not harm.
    ("POST", "/fapi/v1/listenKey", E::StartStream, Key, Flat(1)),
    ("PUT", "/fapi/v1/listenKey", E::KeepStream, Key, Flat(1)),
    ("DELETE", "/fapi/v1/listenKey", E::CloseStream, Key, Flat(1)),
    // Conditional orders.
    ("POST", "/fapi/v1/algoOrder", E::AlgoPlace, Signed, Flat(0)),
    ("DELETE", "/fapi/v1/algoOrder", E::AlgoCancel, Signed, Flat(1)),
    ("GET", "/fapi/v1/algoOrder", E::AlgoQuery, Signed, Flat(1)),
    ("DELETE", "/fapi/v1/algoOpenOrders", E::AlgoCancelAll, Signed, Flat(1)),
    ("GET", "/fapi/v1/openAlgoOrders", E::AlgoOpen, Signed, BySymbol(1, 40)),
    ("GET", "/fapi/v1/allAlgoOrders", E::AlgoAll, Signed, Flat(5)),
    // The hosts of wallet and spot, for clients that are given one address for everything.
    ("GET", "/api/v3/ping", E::Ping, Open, Flat(1)),
    ("GET", "/api/v3/time", E::Time, Open, Flat(1)),
    ("GET", "/sapi/v1/capital/config/getall", E::SapiCoins, Signed, Flat(0)),
    ("GET", "/sapi/v1/margin/allPairs", E::SapiMarginPairs, Key, Flat(0)),
    ("GET", "/sapi/v1/account/apiRestrictions", E::SapiRestrictions, Signed, Flat(0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(method: &str, path: &str, query: &str) -> Option<u32> {
        route(method, path).map(|route| route.weight(&Params::parse(query, "")))
    }

    #[test]
    fn weights_depend_on_parameters_where_the_venue_says_so() {
        assert_eq!(weight("GET", "/fapi/v1/openOrders", ""), Some(40));
        assert_eq!(weight("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT"), Some(1));
        assert_eq!(weight("GET", "/fapi/v1/depth", "limit=1000"), Some(20));
        assert_eq!(weight("GET", "/fapi/v1/depth", ""), Some(10));
        assert_eq!(weight("GET", "/fapi/v1/klines", "limit=99"), Some(1));
        assert_eq!(weight("POST", "/fapi/v1/order", ""), Some(0));
        assert_eq!(weight("PATCH", "/fapi/v1/order", ""), None);
        assert!(known_path("/fapi/v1/order") && !known_path("/fapi/v1/orders"));
    }

    #[test]
    fn no_row_stands_twice() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|other| other.0 == row.0 && other.1 == row.1), "{} {}", row.0, row.1);
        }
    }
}
