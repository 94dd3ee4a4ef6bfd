//! Margin of positions: brackets, isolated margin that was moved, rank for deleveraging. Not the positions themselves.
//!
//! Source: USDⓈ-M "Notional and Leverage Brackets", "Modify Isolated Position Margin", "Get Position Margin Change History",
//! "Position ADL Quantile Estimation", read 2026-11-22.

use super::{Lenient, PositionSide, Text, shape::wire};

wire! {
    /// A row of `GET /fapi/v1/leverageBracket`.
    pub struct LeverageBrackets<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Brackets by notional.
            "brackets" brackets: Vec<LeverageBracket<'a>>,
        }
        may {
            /// The account's own factor on the brackets; absent where there is none.
            "notionalCoef" notional_coefficient: Lenient<'a>,
        }
    }

    /// One bracket. Its numbers come without quotes and are read as they are written.
    pub struct LeverageBracket<'a> {
        must {
            /// Number of the bracket.
            "bracket" number: u32,
            /// Most leverage in it.
            "initialLeverage" leverage_max: u32,
            /// Where it ends.
            "notionalCap" notional_cap: Lenient<'a>,
            /// Where it begins.
            "notionalFloor" notional_floor: Lenient<'a>,
            /// Maintenance margin ratio.
            "maintMarginRatio" maint_margin_ratio: Lenient<'a>,
            /// What is taken off, so that the margin has no jumps.
            "cum" cumulative: Lenient<'a>,
        }
    }

    /// The reply to `POST /fapi/v1/positionMargin`.
    pub struct PositionMarginReply<'a> {
        must {
            /// How much was moved, without quotes.
            "amount" amount: Lenient<'a>,
            /// `200`, or a refusal.
            "code" code: i64,
            /// 1 added, 2 taken away.
            "type" kind: i64,
        }
        may {
            /// The text beside the code.
            "msg" msg: Text<'a>,
        }
    }

    /// A row of `GET /fapi/v1/positionMargin/history`.
    pub struct PositionMarginChange<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// 1 added, 2 taken away.
            "type" kind: i64,
            /// How much.
            "amount" amount: Lenient<'a>,
            /// Asset.
            "asset" asset: Text<'a>,
            /// When, in milliseconds.
            "time" time: i64,
        }
        may {
            /// Who moved it.
            "deltaType" cause: Text<'a>,
            /// Which position.
            "positionSide" position_side: PositionSide<'a>,
        }
    }

    /// A row of `GET /fapi/v1/adlQuantile`.
    pub struct AdlQuantile<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Rank by leg.
            "adlQuantile" ranks: AdlRanks<'a>,
        }
    }

    /// Rank in the queue for deleveraging, 0 to 4; a crossed hedge has `HEDGE` as a mere sign.
    pub struct AdlRanks<'a> {
        may {
            /// One-way mode.
            "BOTH" net: u32,
            /// The long leg.
            "LONG" long: u32,
            /// The short leg.
            "SHORT" short: u32,
            /// A sign and no rank.
            "HEDGE" hedge: u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_quotes_are_exact() {
        let text = r#"{"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[{"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0.0}]}"#;
        let told: LeverageBrackets<'_> = crate::wire::read(text).unwrap();
        assert_eq!(told.brackets[0].maint_margin_ratio.decimal().unwrap().to_string(), "0.0065");
        assert_eq!(told.notional_coefficient.unwrap().decimal().unwrap().to_string(), "1.5");
    }

    #[test]
    fn ranks_may_be_missing() {
        let told: Vec<AdlQuantile<'_>> =
            crate::wire::read(r#"[{"symbol":"A","adlQuantile":{}},{"symbol":"B","adlQuantile":{"LONG":1,"SHORT":2,"BOTH":0}}]"#)
                .unwrap();
        assert_eq!((told[0].ranks.net, told[1].ranks.short), (None, Some(2)));
    }
}
