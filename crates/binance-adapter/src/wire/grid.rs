//! Events about the venue's own grid strategies: `STRATEGY_UPDATE`, and `GRID_UPDATE` (deprecated). Their orders are ordinary
//! ones and come as order updates; live trading only notes these names, `decode` tells what they say.
//!
//! Source: USDⓈ-M user data streams, "Event: STRATEGY_UPDATE" and "Event: GRID_UPDATE", read 2026-11-22.

use super::{Dec, Lenient, Text, shape::wire};

wire! {
    /// `STRATEGY_UPDATE`: a grid was made, ended or changed.
    pub struct StrategyUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// The strategy.
            "su" strategy: StrategyState<'a>,
        }
        skip { "e" }
    }

    /// The strategy of a `STRATEGY_UPDATE`.
    pub struct StrategyState<'a> {
        must {
            /// The venue's id of the strategy.
            "si" id: u64,
            /// Symbol.
            "s" symbol: Text<'a>,
        }
        may {
            /// Kind, `GRID`.
            "st" kind: Text<'a>,
            /// Status: NEW, WORKING, CANCELLED, EXPIRED.
            "ss" status: Text<'a>,
            /// When it changed.
            "ut" update_time: i64,
            /// Why, 8001 to 8015.
            "c" op_code: Lenient<'a>,
        }
    }

    /// `GRID_UPDATE`: a grid's sub-order was filled.
    pub struct GridUpdate<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
            /// The grid.
            "gu" grid: GridState<'a>,
        }
        skip { "e" }
    }

    /// The grid of a `GRID_UPDATE`.
    pub struct GridState<'a> {
        must {
            /// The venue's id of the strategy.
            "si" id: u64,
            /// Symbol.
            "s" symbol: Text<'a>,
        }
        may {
            /// Kind, `GRID`.
            "st" kind: Text<'a>,
            /// Status.
            "ss" status: Text<'a>,
            /// Realised profit.
            "r" realized_pnl: Dec,
            /// Average price of what is unmatched.
            "up" unmatched_price: Dec,
            /// Quantity that is unmatched.
            "uq" unmatched_qty: Dec,
            /// Fee of what is unmatched.
            "uf" unmatched_fee: Dec,
            /// Profit of what is matched.
            "mp" matched_pnl: Dec,
            /// When it changed.
            "ut" update_time: i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_read() {
        let text = r#"{"e":"GRID_UPDATE","T":1,"E":2,"gu":{"si":176057039,"st":"GRID","ss":"WORKING","s":"BTCUSDT","r":"-0.00300716","up":"16720","uq":"-0.001","uf":"-0.00300716","mp":"0.0","ut":1669262908197}}"#;
        let update: GridUpdate<'_> = crate::wire::read(text).unwrap();
        assert_eq!((update.grid.id, update.grid.unmatched_qty.unwrap().0.to_string()), (176_057_039, "-0.001".into()));
        let text =
            r#"{"e":"STRATEGY_UPDATE","T":1,"E":2,"su":{"si":176054594,"st":"GRID","ss":"NEW","s":"BTCUSDT","ut":1,"c":8007}}"#;
        let update: StrategyUpdate<'_> = crate::wire::read(text).unwrap();
        assert_eq!(update.strategy.op_code.unwrap().number(), Some(8007));
    }
}
