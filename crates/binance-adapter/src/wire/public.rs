//! Public rows that look like the account's own: everybody's trades, everybody's liquidations, the risk of being deleveraged.
//! Trading needs none of them; `decode` tells them, so that nobody takes them for something else.
//!
//! Source: USDⓈ-M "Recent Trades List", "Old Trades Lookup", "Compressed Aggregate Trades List", "ADL Risk", "Liquidation Order
//! Streams", read 2026-11-22.

use super::{AdlRiskWord, Dec, OrderStatus, OrderType, Side, Text, TimeInForce, shape::wire};

wire! {
    /// A row of `GET /fapi/v1/trades` or `/fapi/v1/historicalTrades`.
    pub struct PublicTrade<'a> {
        must {
            /// Trade id.
            "id" id: u64,
            /// Price.
            "price" price: Dec,
            /// Quantity.
            "qty" qty: Dec,
            /// When, in milliseconds.
            "time" time: i64,
            /// Whether the buyer was the maker.
            "isBuyerMaker" buyer_is_maker: bool,
        }
        may {
            /// Whether an RPI order took part.
            "isRPITrade" rpi: bool,
        }
        skip { "quoteQty" }
    }

    /// A row of `GET /fapi/v1/aggTrades`: trades of one taker at one price.
    pub struct AggregateTrade<'a> {
        must {
            /// Id of the row.
            "a" id: u64,
            /// Price.
            "p" price: Dec,
            /// Quantity.
            "q" qty: Dec,
            /// First trade id.
            "f" first_id: u64,
            /// Last trade id.
            "l" last_id: u64,
            /// When, in milliseconds.
            "T" time: i64,
            /// Whether the buyer was the maker.
            "m" buyer_is_maker: bool,
        }
        skip { "nq" }
    }

    /// `forceOrder`: somebody's liquidation, the largest of a symbol in a second.
    pub struct ForcedOrder<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// The order.
            "o" order: ForcedOrderBody<'a>,
        }
        skip { "e" }
    }

    /// The order inside `forceOrder`.
    pub struct ForcedOrderBody<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Side.
            "S" side: Side<'a>,
            /// Type.
            "o" order_type: OrderType<'a>,
            /// Time in force.
            "f" time_in_force: TimeInForce<'a>,
            /// Quantity.
            "q" qty: Dec,
            /// Price.
            "p" price: Dec,
            /// Average price.
            "ap" avg_price: Dec,
            /// Status.
            "X" status: OrderStatus<'a>,
            /// Quantity of the last fill.
            "l" last_qty: Dec,
            /// Cumulative quantity.
            "z" cum_qty: Dec,
            /// When.
            "T" time: i64,
        }
    }

    /// A row of `GET /fapi/v1/symbolAdlRisk`.
    pub struct AdlRisk<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// How likely a deleveraging is.
            "adlRisk" risk: AdlRiskWord<'a>,
            /// When it was told.
            "updateTime" update_time: i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_risk_come_in_lower_case() {
        let rows: Vec<AdlRisk<'_>> = crate::wire::read(
            r#"[{"symbol":"BTCUSDT","adlRisk":"low","updateTime":1},{"symbol":"ETHUSDT","adlRisk":"extreme","updateTime":2}]"#,
        )
        .unwrap();
        assert_eq!((&rows[0].risk, rows[1].risk.unknown()), (&AdlRiskWord::Low, Some("extreme")));
    }
}
