//! An order as an operator writes it, turned into terms. Whether it may be sent is the engine's matter.

use super::parse_intent;
use exec_core::{
    ids::{IdError, InstrumentId, IntentId},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Qty, Side, UnitError, parse_decimal},
};
use serde::{Deserialize, Serialize};

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
    /// In base units; absent only with the intention `CLOSE_ALL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qty: Option<String>,
    /// Limit price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
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
    /// Distance of a trailing stop in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_percent: Option<String>,
    /// `LONG` or `SHORT` in HEDGING; absent in NETTING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// `OPEN` (default), `REDUCE` or `CLOSE_ALL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intention: Option<String>,
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
    /// Not a number.
    #[error(transparent)]
    Number(#[from] UnitError),
    /// A word that does not exist here.
    #[error("`{field}` is `{text}`, expected {expected}")]
    Word {
        /// Of which field.
        field: &'static str,
        /// What was written.
        text: String,
        /// What may be written.
        expected: &'static str,
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
        Ok(Terms {
            instrument: InstrumentId::new(&self.instrument)?,
            side: match self.side.as_str() {
                "BUY" => Side::Buy,
                "SELL" => Side::Sell,
                other => return Err(word("side", Some(other), "BUY or SELL")),
            },
            leg,
            intention: match self.intention.as_deref() {
                None | Some("OPEN") => Intention::Open,
                Some("REDUCE") => Intention::Reduce,
                Some("CLOSE_ALL") => Intention::CloseAll,
                other => return Err(word("intention", other, "OPEN, REDUCE or CLOSE_ALL")),
            },
            qty: self.qty.as_deref().map(str::parse::<Qty>).transpose()?,
            kind: self.kind()?,
            stp: None,
        })
    }

    /// Reads the name that the asker gave the order, if he gave one.
    ///
    /// # Errors
    /// [`OrderTextError::Word`]: it is not 32 hexadecimal digits.
    pub fn intent(&self) -> Result<Option<IntentId>, OrderTextError> {
        let read = |text: &String| parse_intent(text).ok_or_else(|| word("intent", Some(text), "32 hexadecimal digits"));
        self.intent.as_ref().map(read).transpose()
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
            ("tif", self.tif.is_some(), has_price),
            ("good_till_ms", self.good_till_ms.is_some(), self.tif.as_deref() == Some("GTD")),
            ("trigger", self.trigger.is_some(), has_trigger),
            ("trigger_by", self.trigger_by.is_some(), has_trigger),
            ("callback_percent", self.callback_percent.is_some(), trails),
        ] {
            if given && !allowed {
                return Err(OrderTextError::Surplus { field, kind: self.kind.clone() });
            }
        }
        Ok(match self.kind.as_str() {
            "LIMIT" => OrderKind::Limit { price: self.price()?.into(), tif: self.tif()? },
            "STOP_MARKET" => OrderKind::StopMarket { trigger: self.trigger()? },
            "TAKE_PROFIT_MARKET" => OrderKind::TakeProfitMarket { trigger: self.trigger()? },
            "STOP_LIMIT" => OrderKind::StopLimit { trigger: self.trigger()?, price: self.price()?.into(), tif: self.tif()? },
            "TAKE_PROFIT" => OrderKind::TakeProfit { trigger: self.trigger()?, price: self.price()?.into(), tif: self.tif()? },
            "TRAILING_STOP_MARKET" => OrderKind::TrailingStopMarket {
                activation: self.trigger.as_deref().map(str::parse::<Price>).transpose()?,
                callback_percent: parse_decimal(self.need("callback_percent", self.callback_percent.as_ref())?)?,
                by: self.trigger_by()?,
            },
            _ => OrderKind::Market,
        })
    }

    fn price(&self) -> Result<Price, OrderTextError> {
        Ok(self.need("price", self.price.as_ref())?.parse()?)
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
        let price = self.need("trigger", self.trigger.as_ref())?.parse()?;
        Ok(Trigger { price, by: self.trigger_by()?, price_protect: false })
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

fn word(field: &'static str, text: Option<&str>, expected: &'static str) -> OrderTextError {
    OrderTextError::Word { field, text: text.unwrap_or("absent").chars().take(64).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert!(order(json).terms(PositionMode::Netting).is_err(), "{json}");
        }
    }
}
