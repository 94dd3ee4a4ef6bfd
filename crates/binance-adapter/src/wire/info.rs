//! `GET /fapi/v1/exchangeInfo`: limits and symbols with their filters. Its `serverTime` is not read: it is stale by days.

use super::{ContractStatus, ContractType, Dec, FilterType, LimitInterval, LimitKind, Raw, Text, shape::wire};

wire! {
    /// The reply.
    pub struct ExchangeInfo<'a> {
        must {
            /// Symbols, each to be read by itself: one odd row must not hide nine hundred good ones.
            "symbols" symbols: Vec<Raw<'a>>,
        }
        may {
            /// Limits of the host and the account.
            "rateLimits" rate_limits: Vec<RateLimit<'a>>,
        }
        skip { "exchangeFilters", "serverTime", "assets", "timezone", "futuresType" }
    }

    /// A rate limit.
    pub struct RateLimit<'a> {
        must {
            /// What it counts.
            "rateLimitType" kind: LimitKind<'a>,
            /// Unit of the window.
            "interval" interval: LimitInterval<'a>,
            /// How many units.
            "intervalNum" interval_num: u32,
            /// How much fits.
            "limit" limit: u32,
        }
        may {
            /// How much is used; only in replies of the WebSocket API.
            "count" count: u32,
        }
    }

    /// A symbol.
    pub struct SymbolInfo<'a> {
        must {
            /// Symbol, any letters.
            "symbol" symbol: Text<'a>,
            /// Kind of contract.
            "contractType" contract_type: ContractType<'a>,
            /// Whether it takes orders.
            "status" status: ContractStatus<'a>,
            /// Base asset.
            "baseAsset" base: Text<'a>,
            /// Quote asset.
            "quoteAsset" quote: Text<'a>,
            /// Asset of margin and profit.
            "marginAsset" margin: Text<'a>,
            /// Filters.
            "filters" filters: Vec<Filter<'a>>,
        }
        may {
            /// When it is delivered or delisted.
            "deliveryDate" delivery_date: i64,
        }
        skip {
            "pair", "onboardDate", "maintMarginPercent", "requiredMarginPercent", "pricePrecision", "quantityPrecision",
            "baseAssetPrecision", "quotePrecision", "underlyingType", "underlyingSubType", "settlePlan", "triggerProtect",
            "orderTypes", "timeInForce", "liquidationFee", "marketTakeBound", "maxMoveOrderLimit", "permissionSets",
            "OrderType",
        }
    }

    /// A filter of a symbol; which fields it has depends on its kind.
    pub struct Filter<'a> {
        must {
            /// Kind.
            "filterType" kind: FilterType<'a>,
        }
        may {
            /// Smallest price.
            "minPrice" min_price: Dec,
            /// Largest price.
            "maxPrice" max_price: Dec,
            /// Step of prices.
            "tickSize" tick_size: Dec,
            /// Smallest quantity.
            "minQty" min_qty: Dec,
            /// Largest quantity.
            "maxQty" max_qty: Dec,
            /// Step of quantities.
            "stepSize" step_size: Dec,
            /// Most open orders.
            "limit" limit: u32,
            /// Smallest notional.
            "notional" notional: Dec,
            /// A buy's price is at most mark times this.
            "multiplierUp" multiplier_up: Dec,
            /// A sell's price is at least mark times this.
            "multiplierDown" multiplier_down: Dec,
            /// Which side may only reduce; `NONE` normally. In no document.
            "positionControlSide" control: Text<'a>,
        }
        skip { "multiplierDecimal" }
    }
}
