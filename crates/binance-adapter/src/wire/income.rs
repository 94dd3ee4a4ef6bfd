//! What the account earned and paid: the income list, and the download of histories. Not the trade list.
//!
//! Source: USDⓈ-M "Get Income History" and the download endpoints of transactions, orders and trades, read 2026-11-22.

use super::{Dec, IncomeKind, Lenient, Text, shape::wire};

wire! {
    /// A row of `GET /fapi/v1/income`.
    pub struct IncomeRow<'a> {
        must {
            /// What it is.
            "incomeType" kind: IncomeKind<'a>,
            /// Amount, below zero where it was paid.
            "income" income: Dec,
            /// Asset.
            "asset" asset: Text<'a>,
            /// When, in milliseconds.
            "time" time: i64,
            /// Unique per kind and user.
            "tranId" transaction_id: Lenient<'a>,
        }
        may {
            /// Symbol; empty where it is about none.
            "symbol" symbol: Text<'a>,
            /// Text beside it.
            "info" info: Text<'a>,
            /// The trade; empty where it is about none.
            "tradeId" trade_id: Lenient<'a>,
        }
    }

    /// The reply that names a download, or tells how far it is.
    pub struct Download<'a> {
        must {
            /// Its id.
            "downloadId" id: Lenient<'a>,
        }
        may {
            /// `completed` or `processing`.
            "status" status: Text<'a>,
            /// Where it lies; whoever has this has the history.
            "url" url: Text<'a>,
            /// When the link ends.
            "expirationTimestamp" expires: Lenient<'a>,
            /// Whether the link has ended.
            "isExpired" expired: bool,
        }
        skip { "avgCostTimestampOfLast30d", "notified" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn income_without_symbol_and_trade_is_read() {
        let text = r#"[{"symbol":"","incomeType":"TRANSFER","income":"-0.37500000","asset":"USDT","info":"TRANSFER","time":1570608000000,"tranId":9689322392,"tradeId":""},{"symbol":"BTCUSDT","incomeType":"MOON_FEE","income":"1","asset":"USDT","info":"x","time":1,"tranId":"96","tradeId":"2059192"}]"#;
        let rows: Vec<IncomeRow<'_>> = crate::wire::read(text).unwrap();
        assert_eq!((rows[0].income.0.to_string(), rows[0].trade_id.as_ref().unwrap().number()), ("-0.37500000".into(), None));
        assert_eq!((rows[1].kind.unknown(), rows[1].transaction_id.number()), (Some("MOON_FEE"), Some(96)));
    }
}
