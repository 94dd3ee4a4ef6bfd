//! Public prices: best bid and ask, mark price. Nothing else of the market data.

use super::{Dec, Text, event::named, shape::wire};

/// One frame of the market streams that this adapter subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketEvent<'a> {
    /// Best bid and ask.
    Book(BookTicker<'a>),
    /// Mark price.
    Mark(MarkPrice<'a>),
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
}
