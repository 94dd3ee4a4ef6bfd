//! An order as an operator writes it, turned into terms. Whether it may be sent is the engine's matter.

use super::parse_intent;
use exec_core::{
    ids::{IdError, InstrumentId, IntentId},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Qty, Side, UnitError, parse_decimal},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Levels of the book that a limit price may be taken from, in the exchange's words.
pub(crate) const PRICE_MATCHES: [(&str, PriceMatch); 8] = [
    ("OPPONENT", PriceMatch::Opponent),
    ("OPPONENT_5", PriceMatch::Opponent5),
    ("OPPONENT_10", PriceMatch::Opponent10),
    ("OPPONENT_20", PriceMatch::Opponent20),
    ("QUEUE", PriceMatch::Queue),
    ("QUEUE_5", PriceMatch::Queue5),
    ("QUEUE_10", PriceMatch::Queue10),
    ("QUEUE_20", PriceMatch::Queue20),
];

/// What may happen when an order meets one of the same owner, in the exchange's words.
pub(crate) const SELF_TRADES: [(&str, SelfTrade); 3] =
    [("EXPIRE_TAKER", SelfTrade::ExpireTaker), ("EXPIRE_MAKER", SelfTrade::ExpireMaker), ("EXPIRE_BOTH", SelfTrade::ExpireBoth)];

/// The word of a value in such a table.
pub(crate) fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    words.iter().find(|(_, v)| v == value).map(|(word, _)| *word)
}

/// The fields of `submit`. Words are those of the exchange, in capitals; numbers are text.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitOrder {
    /// Such as `BTCUSDT-PERP.BINANCE`.
    pub instrument: String,
    /// `BUY` or `SELL`.
    pub side: String,
    /// `MARKET`, `LIMIT`, `STOP_MARKET`, `STOP_LIMIT`, `TAKE_PROFIT_MARKET`, `TAKE_PROFIT` or `TRAILING_STOP_MARKET`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In base units; absent with the intention `CLOSE_ALL`, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qty: Option<String>,
    /// Limit price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// Instead of a price, the level of the book that the venue takes it from: `OPPONENT`, `OPPONENT_5`, `OPPONENT_10`,
    /// `OPPONENT_20`, `QUEUE`, `QUEUE_5`, `QUEUE_10` or `QUEUE_20`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_match: Option<String>,
    /// `GTC` (default), `IOC`, `FOK`, `GTX`, or `GTD` with `good_till_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tif: Option<String>,
    /// Venue time in milliseconds until which a `GTD` order stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_till_ms: Option<i64>,
    /// Trigger price; of a trailing stop, the price from which on it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// `LAST` (default) or `MARK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_by: Option<String>,
    /// Do not trigger while mark and last price are far apart: `true` or `false` (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_protect: Option<bool>,
    /// Distance of a trailing stop in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_percent: Option<String>,
    /// `LONG` or `SHORT` in HEDGING; absent in NETTING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// `OPEN` (default), `REDUCE` or `CLOSE_ALL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intention: Option<String>,
    /// Which order goes when it would trade with another of this account: `EXPIRE_TAKER`, `EXPIRE_MAKER` or `EXPIRE_BOTH`;
    /// absent, the venue's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stp: Option<String>,
    /// 32 hexadecimal digits that name the order, so that asking again asks once; absent, the node names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
}

/// Text that is not an order. Nothing was done.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OrderTextError {
    /// Not an instrument's name.
    #[error(transparent)]
    Instrument(#[from] IdError),
    /// A word that does not exist here.
    #[error("`{field}` is `{text}`, expected {expected}")]
    Word {
        /// Of which field.
        field: &'static str,
        /// What was written.
        text: String,
        /// What may be written.
        expected: String,
    },
    /// Two fields of which an order has one.
    #[error("`{one}` and `{other}` say the same thing twice: give one of them")]
    Both {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// An order that closes the whole position has no quantity of its own.
    #[error("an order that closes the whole position (`intention` CLOSE_ALL) has no `qty`: leave one of the two out")]
    CloseAllQty,
    /// A number in a field.
    #[error("`{field}`: {error}")]
    Figure {
        /// Of which field.
        field: &'static str,
        /// What is wrong with it.
        error: UnitError,
    },
    /// A field that this type of order needs.
    #[error("an order of type {kind} needs `{field}`")]
    Missing {
        /// Which.
        field: &'static str,
        /// The type.
        kind: String,
    },
    /// A field that means nothing for this type of order.
    #[error("an order of type {kind} has no `{field}`")]
    Surplus {
        /// Which.
        field: &'static str,
        /// The type.
        kind: String,
    },
}

impl SubmitOrder {
    /// Reads the terms for an account that keeps positions in `mode`.
    ///
    /// # Errors
    /// [`OrderTextError`]: the first field that is wrong.
    pub fn terms(&self, mode: PositionMode) -> Result<Terms, OrderTextError> {
        let leg = match (self.leg.as_deref(), mode) {
            (None, PositionMode::Netting) => PositionSide::Net,
            (Some("LONG"), PositionMode::Hedging) => PositionSide::Long,
            (Some("SHORT"), PositionMode::Hedging) => PositionSide::Short,
            (other, PositionMode::Netting) => return Err(word("leg", other, "nothing, because the account is in NETTING")),
            (other, PositionMode::Hedging) => return Err(word("leg", other, "LONG or SHORT, because the account is in HEDGING")),
        };
        let intention = match self.intention.as_deref() {
            None | Some("OPEN") => Intention::Open,
            Some("REDUCE") => Intention::Reduce,
            Some("CLOSE_ALL") => Intention::CloseAll,
            other => return Err(word("intention", other, "OPEN, REDUCE or CLOSE_ALL")),
        };
        match (intention, &self.qty) {
            (Intention::CloseAll, Some(_)) => return Err(OrderTextError::CloseAllQty),
            (Intention::Open | Intention::Reduce, None) => {
                return Err(OrderTextError::Missing { field: "qty", kind: self.kind.clone() });
            }
            _ => (),
        }
        Ok(Terms {
            instrument: InstrumentId::new(&self.instrument)?,
            side: match self.side.as_str() {
                "BUY" => Side::Buy,
                "SELL" => Side::Sell,
                other => return Err(word("side", Some(other), "BUY or SELL")),
            },
            leg,
            intention,
            qty: self.qty.as_deref().map(|text| figure::<Qty>("qty", text)).transpose()?,
            kind: self.kind()?,
            stp: self.stp.as_deref().map(|text| choice("stp", text, &SELF_TRADES)).transpose()?,
        })
    }

    /// Reads the name that the asker gave the order, if he gave one.
    ///
    /// # Errors
    /// [`OrderTextError::Word`]: it is not 32 hexadecimal digits.
    pub fn intent(&self) -> Result<Option<IntentId>, OrderTextError> {
        self.intent.as_deref().map(intent).transpose()
    }

    fn kind(&self) -> Result<OrderKind, OrderTextError> {
        let (has_price, has_trigger, trails) = match self.kind.as_str() {
            "MARKET" => (false, false, false),
            "LIMIT" => (true, false, false),
            "STOP_MARKET" | "TAKE_PROFIT_MARKET" => (false, true, false),
            "STOP_LIMIT" | "TAKE_PROFIT" => (true, true, false),
            "TRAILING_STOP_MARKET" => (false, true, true),
            other => {
                let expected = "MARKET, LIMIT, STOP_MARKET, STOP_LIMIT, TAKE_PROFIT_MARKET, TAKE_PROFIT or TRAILING_STOP_MARKET";
                return Err(word("type", Some(other), expected));
            }
        };
        for (field, given, allowed) in [
            ("price", self.price.is_some(), has_price),
            ("price_match", self.price_match.is_some(), has_price),
            ("tif", self.tif.is_some(), has_price),
            ("good_till_ms", self.good_till_ms.is_some(), self.tif.as_deref() == Some("GTD")),
            ("trigger", self.trigger.is_some(), has_trigger),
            ("trigger_by", self.trigger_by.is_some(), has_trigger),
            ("price_protect", self.price_protect.is_some(), has_trigger && !trails),
            ("callback_percent", self.callback_percent.is_some(), trails),
        ] {
            if given && !allowed {
                return Err(OrderTextError::Surplus { field, kind: self.kind.clone() });
            }
        }
        Ok(match self.kind.as_str() {
            "LIMIT" => OrderKind::Limit { price: self.price()?, tif: self.tif()? },
            "STOP_MARKET" => OrderKind::StopMarket { trigger: self.trigger()? },
            "TAKE_PROFIT_MARKET" => OrderKind::TakeProfitMarket { trigger: self.trigger()? },
            "STOP_LIMIT" => OrderKind::StopLimit { trigger: self.trigger()?, price: self.price()?, tif: self.tif()? },
            "TAKE_PROFIT" => OrderKind::TakeProfit { trigger: self.trigger()?, price: self.price()?, tif: self.tif()? },
            "TRAILING_STOP_MARKET" => OrderKind::TrailingStopMarket {
                activation: self.trigger.as_deref().map(|text| figure::<Price>("trigger", text)).transpose()?,
                callback_percent: parse_decimal(self.need("callback_percent", self.callback_percent.as_ref())?)
                    .map_err(|error| OrderTextError::Figure { field: "callback_percent", error })?,
                by: self.trigger_by()?,
            },
            _ => OrderKind::Market,
        })
    }

    fn price(&self) -> Result<LimitPrice, OrderTextError> {
        match (&self.price, &self.price_match) {
            (Some(_), Some(_)) => Err(OrderTextError::Both { one: "price", other: "price_match" }),
            (None, Some(level)) => Ok(LimitPrice::Match(choice("price_match", level, &PRICE_MATCHES)?)),
            (price, None) => Ok(LimitPrice::At(figure("price", self.need("price", price.as_ref())?)?)),
        }
    }

    fn tif(&self) -> Result<TimeInForce, OrderTextError> {
        Ok(match self.tif.as_deref() {
            None | Some("GTC") => TimeInForce::Gtc,
            Some("IOC") => TimeInForce::Ioc,
            Some("FOK") => TimeInForce::Fok,
            Some("GTX") => TimeInForce::Gtx,
            Some("GTD") => TimeInForce::Gtd(VenueTime(*self.need("good_till_ms", self.good_till_ms.as_ref())?)),
            other => return Err(word("tif", other, "GTC, IOC, FOK, GTX or GTD")),
        })
    }
    fn trigger(&self) -> Result<Trigger, OrderTextError> {
        let price = figure("trigger", self.need("trigger", self.trigger.as_ref())?)?;
        Ok(Trigger { price, by: self.trigger_by()?, price_protect: self.price_protect.unwrap_or(false) })
    }
    fn trigger_by(&self) -> Result<TriggerBy, OrderTextError> {
        Ok(match self.trigger_by.as_deref() {
            None | Some("LAST") => TriggerBy::Last,
            Some("MARK") => TriggerBy::Mark,
            other => return Err(word("trigger_by", other, "LAST or MARK")),
        })
    }
    fn need<'a, T>(&self, field: &'static str, value: Option<&'a T>) -> Result<&'a T, OrderTextError> {
        value.ok_or_else(|| OrderTextError::Missing { field, kind: self.kind.clone() })
    }
}

/// Reads the name of an order.
pub(super) fn intent(text: &str) -> Result<IntentId, OrderTextError> {
    parse_intent(text).ok_or_else(|| word("intent", Some(text), "32 hexadecimal digits"))
}

fn word(field: &'static str, text: Option<&str>, expected: &'static str) -> OrderTextError {
    OrderTextError::Word { field, text: short(text.unwrap_or("absent")), expected: expected.to_owned() }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// One word out of a few.
fn choice<T: Copy>(field: &'static str, text: &str, words: &[(&'static str, T)]) -> Result<T, OrderTextError> {
    let all = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    found.ok_or_else(|| OrderTextError::Word { field, text: short(text), expected: format!("one of {}", all()) })
}

/// A number in a field.
pub(super) fn figure<T: FromStr<Err = UnitError>>(field: &'static str, text: &str) -> Result<T, OrderTextError> {
    text.parse().map_err(|error| OrderTextError::Figure { field, error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn order(json: &str) -> SubmitOrder {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn orders_are_read_in_both_modes() {
        let limit = order(r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"0.10","price":"5","tif":"GTX"}"#);
        let terms = limit.terms(PositionMode::Netting).unwrap();
        assert_eq!((terms.leg, terms.intention, terms.side), (PositionSide::Net, Intention::Open, Side::Buy));
        assert_eq!(terms.kind, OrderKind::Limit { price: "5".parse::<Price>().unwrap().into(), tif: TimeInForce::Gtx });
        assert_eq!(terms.qty, Some("0.10".parse().unwrap()));
        assert!(limit.terms(PositionMode::Hedging).is_err());
        let close = order(
            r#"{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"STOP_MARKET","trigger":"4","trigger_by":"MARK","leg":"LONG","intention":"CLOSE_ALL"}"#,
        );
        let terms = close.terms(PositionMode::Hedging).unwrap();
        assert_eq!((terms.leg, terms.intention, terms.qty), (PositionSide::Long, Intention::CloseAll, None));
        assert_eq!(terms.kind.trigger_price(), Some("4".parse().unwrap()));
    }

    #[test]
    fn what_does_not_fit_its_type_is_refused() {
        for json in [
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"1"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1","price":"5"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1","tif":"GTC"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"1","price":"5","tif":"GTD"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"1","price":"5","good_till_ms":5}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1e3"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"buy","type":"MARKET","qty":"1"}"#,
            r#"{"instrument":"BTCUSDT","side":"BUY","type":"MARKET","qty":"1"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1","leg":"LONG"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"TRAILING_STOP_MARKET","qty":"1"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"TRAILING_STOP_MARKET","qty":"1","callback_percent":"1","price_protect":true}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"1","price":"5","price_match":"QUEUE"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"1","price_match":"QUEUE_7"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1","price_match":"QUEUE"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET","qty":"1","stp":"NONE"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"MARKET"}"#,
            r#"{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"STOP_MARKET","trigger":"5","qty":"1","intention":"CLOSE_ALL"}"#,
        ] {
            assert!(order(json).terms(PositionMode::Netting).is_err(), "{json}");
        }
    }

    #[test]
    fn a_mistake_names_its_field_and_what_may_stand_there() {
        let told = |json: &str| order(json).terms(PositionMode::Netting).unwrap_err().to_string();
        let base = r#""instrument":"BTCUSDT-PERP.X","side":"BUY","qty":"1""#;
        let stp = told(&format!(r#"{{{base},"type":"MARKET","stp":"TAKER"}}"#));
        assert_eq!(stp, "`stp` is `TAKER`, expected one of EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH");
        let price = told(&format!(r#"{{{base},"type":"LIMIT","price":"5,0"}}"#));
        assert!(price.starts_with("`price`: ") && price.contains("5,0"), "{price}");
        let none = told(&format!(r#"{{{base},"type":"STOP_MARKET"}}"#));
        assert_eq!(none, "an order of type STOP_MARKET needs `trigger`");
    }

    #[test]
    fn every_flag_of_a_conditional_order_is_read() {
        let json = r#"{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"STOP_LIMIT","qty":"1","trigger":"90","trigger_by":"MARK",
            "price_protect":true,"price_match":"OPPONENT_5","tif":"GTD","good_till_ms":1800000000000,"stp":"EXPIRE_BOTH","intention":"REDUCE"}"#;
        let terms = order(json).terms(PositionMode::Netting).unwrap();
        let OrderKind::StopLimit { trigger, price, tif } = terms.kind else { panic!("{:?}", terms.kind) };
        assert_eq!((trigger.by, trigger.price_protect, price.matched()), (TriggerBy::Mark, true, Some(PriceMatch::Opponent5)));
        assert_eq!((tif, terms.stp), (TimeInForce::Gtd(VenueTime(1_800_000_000_000)), Some(SelfTrade::ExpireBoth)));
        let trail = r#"{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"TRAILING_STOP_MARKET","qty":"1","trigger":"120","callback_percent":"0.5"}"#;
        let kind = order(trail).terms(PositionMode::Netting).unwrap().kind;
        assert!(
            matches!(kind, OrderKind::TrailingStopMarket { activation: Some(_), callback_percent, .. } if callback_percent == Decimal::new(5, 1))
        );
    }
}
