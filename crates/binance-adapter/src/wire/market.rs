//! Public prices: best bid and ask, mark price; and what the venue announces of contracts. Nothing else of the market data.
//!
//! Source: USDⓈ-M "Contract Info Stream" and its note on the merged streams, read 2026-11-22.

use super::{ContractStatus, ContractType, Dec, Lenient, Raw, Text, event::named, shape::wire};

/// `st` of what is margined in coins.
const COIN_MARGINED: i64 = 2;

/// One frame of the market streams that this adapter subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketEvent<'a> {
    /// Best bid and ask.
    Book(BookTicker<'a>),
    /// Mark price.
    Mark(MarkPrice<'a>),
    /// What is known of a contract has changed.
    Contract(ContractInfo<'a>),
    /// Something else, or the answer to a subscription.
    Other,
}

impl<'a> MarketEvent<'a> {
    /// Reads one frame; also out of the combined form, once.
    ///
    /// # Errors
    /// The parser's complaint.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let (name, text) = named(text)?;
        Self::read_named(name.as_ref().map_or("", Text::as_str), text)
    }

    fn read_named(name: &str, text: &'a str) -> Result<Self, serde_json::Error> {
        Ok(match name {
            "bookTicker" => Self::Book(super::read(text)?),
            "markPriceUpdate" => Self::Mark(super::read(text)?),
            "contractInfo" => Self::Contract(super::read(text)?),
            _ => Self::Other,
        })
    }
}

wire! {
    /// `bookTicker`.
    pub struct BookTicker<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Best bid.
            "b" bid: Dec,
            /// Quantity at the best bid.
            "B" bid_qty: Dec,
            /// Best ask.
            "a" ask: Dec,
            /// Quantity at the best ask.
            "A" ask_qty: Dec,
        }
        may {
            /// Event time.
            "E" event_time: i64,
            /// Engine time.
            "T" transaction_time: i64,
        }
        skip { "e", "u", "ps" }
    }

    /// `markPriceUpdate`.
    pub struct MarkPrice<'a> {
        must {
            /// Event time.
            "E" event_time: i64,
            /// Symbol.
            "s" symbol: Text<'a>,
            /// Mark price.
            "p" mark: Dec,
        }
        may {
            /// Index price.
            "i" index: Dec,
            /// Funding rate.
            "r" funding_rate: Text<'a>,
            /// Time of the next funding.
            "T" next_funding: i64,
        }
        skip { "e", "P", "ap" }
    }

    /// `contractInfo`: a contract is listed, halted, settled or taken off the list, or its brackets change.
    pub struct ContractInfo<'a> {
        must {
            /// Symbol.
            "s" symbol: Text<'a>,
        }
        may {
            /// Event time.
            "E" event_time: Lenient<'a>,
            /// Kind of contract.
            "ct" contract_type: ContractType<'a>,
            /// When it is delivered.
            "dt" delivery: Lenient<'a>,
            /// When it was listed.
            "ot" onboard: Lenient<'a>,
            /// Status.
            "cs" status: ContractStatus<'a>,
            /// The [brackets](ContractBracket), where they are what changed; as text, for nothing here trades by them.
            "bks" brackets: Raw<'a>,
            /// Whose symbol it is: 1 USDⓈ-M, 2 COIN-M. The stream carries both.
            "st" product: Lenient<'a>,
        }
        skip { "e", "ps" }
    }

    /// One bracket of `contractInfo`. Its numbers come without quotes and are read as they are written.
    pub struct ContractBracket<'a> {
        must {
            /// Most leverage in it.
            "ma" leverage_max: Lenient<'a>,
            /// Where it begins.
            "bnf" notional_floor: Lenient<'a>,
            /// Where it ends.
            "bnc" notional_cap: Lenient<'a>,
            /// Maintenance margin ratio.
            "mmr" maint_margin_ratio: Lenient<'a>,
            /// What is taken off, so that the margin has no jumps.
            "cf" cumulative: Lenient<'a>,
        }
        skip { "bs", "mi" }
    }

    /// `GET /fapi/v1/premiumIndex` of one symbol.
    pub struct PremiumIndex<'a> {
        must {
            /// Symbol.
            "symbol" symbol: Text<'a>,
            /// Mark price.
            "markPrice" mark: Dec,
            /// When.
            "time" time: i64,
        }
        may {
            /// Index price.
            "indexPrice" index: Dec,
        }
        skip { "estimatedSettlePrice", "lastFundingRate", "interestRate", "nextFundingTime" }
    }
}

impl ContractInfo<'_> {
    /// Whether it is of the venue's other product, which nothing here trades.
    #[must_use]
    pub fn is_coin_margined(&self) -> bool {
        self.product.as_ref().and_then(Lenient::number) == Some(COIN_MARGINED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_read_plain_and_combined() {
        let book = r#"{"stream":"bnbusdt@bookTicker","data":{"e":"bookTicker","u":400900217,"E":2,"T":1,"s":"BNBUSDT","b":"25.35190000","B":"31.21","a":"25.3652","A":"40.66"}}"#;
        let MarketEvent::Book(book) = MarketEvent::read(book).unwrap() else { panic!("not a book") };
        assert_eq!(book.bid.0.to_string(), "25.35190000");
        let mark = r#"{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15","ap":"11794.15","i":"11784.6","P":"11784.2","r":"0.00038167","T":1562306400000}"#;
        assert!(matches!(MarketEvent::read(mark).unwrap(), MarketEvent::Mark(_)));
        assert_eq!(MarketEvent::read(r#"{"result":null,"id":1}"#).unwrap(), MarketEvent::Other);
    }

    #[test]
    fn a_change_of_a_contract_is_read_with_what_it_does_not_know_and_without_what_it_need_not_have() {
        let whole = r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,"ot":1569398400000,"cs":"PRE_SETTLE","zz":[1],"bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50}],"st":1}}"#;
        let MarketEvent::Contract(info) = MarketEvent::read(whole).unwrap() else { panic!("not a contract") };
        assert_eq!((info.symbol.as_str(), info.is_coin_margined()), ("IOTAUSDT", false));
        assert_eq!(info.unknown.0, ["zz"]);
        let MarketEvent::Contract(bare) = MarketEvent::read(r#"{"e":"contractInfo","s":"BTCUSDT"}"#).unwrap() else {
            panic!("not a contract")
        };
        assert!(bare.status.is_none() && !bare.is_coin_margined());
        for st in ["2", "\"2\""] {
            let coin = format!(r#"{{"e":"contractInfo","E":1,"s":"APTUSD_PERP","cs":"TRADING","st":{st}}}"#);
            assert!(matches!(MarketEvent::read(&coin).unwrap(), MarketEvent::Contract(info) if info.is_coin_margined()), "{st}");
        }
        assert!(MarketEvent::read(r#"{"e":"contractInfo","cs":"TRADING"}"#).is_err());
    }
}
