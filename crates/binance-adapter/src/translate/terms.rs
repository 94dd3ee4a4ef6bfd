//! What an order asks for, in both directions: the core's terms to the parameters of `POST /fapi/v1/order`, and a reported
//! type with its prices back to an [`OrderKind`]. Orders with a trigger are said in `conditional`.
//!
//! Source: USDⓈ-M "New Order", read 2026-11-22. Only LIMIT and MARKET go there since 2025-12-09; conditional types are
//! refused with -4120.

use exec_core::{
    ids::ClOrdId,
    plant::{Plant, planted},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionSide, Price, Side},
};
use rust_decimal::Decimal;
use thiserror::Error;

use crate::{
    fields::Fields,
    wire::{self, Dec, Lenient},
};

/// Terms that an endpoint cannot carry. Nothing has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Place {
    /// A conditional order has parameters of its own.
    #[error("an order with a trigger is not placed like one without")]
    Conditional,
    /// An order without a trigger is not held back.
    #[error("an order without a trigger is not placed like one with it")]
    Plain,
    /// Only stop-market and take-profit-market orders close whole positions.
    #[error("an order of this type cannot close the whole position")]
    CloseAll,
    /// No quantity.
    #[error("an order without a quantity")]
    NoQuantity,
    /// HEDGING has no `reduceOnly`: closing is the side against the leg.
    #[error("a reduce of a leg must go against the leg")]
    ReduceWithTheLeg,
}

/// Appends the parameters of a new order without a trigger, without timestamp and signature.
///
/// # Errors
/// [`Place`]: what was appended is to be thrown away.
pub fn place_params(query: &mut impl Fields, terms: &Terms, cl_ord_id: &ClOrdId) -> Result<(), Place> {
    whose(query, terms);
    let immediate = match terms.kind {
        OrderKind::Market => {
            // A MARKET's time in force is not sent: the venue refuses it.
            query.word("type", "MARKET");
            true
        }
        OrderKind::Limit { price, tif } => {
            query.word("type", "LIMIT");
            limit(query, price, tif);
            matches!(tif, TimeInForce::Ioc | TimeInForce::Fok)
        }
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => return Err(Place::Conditional),
    };
    query.decimal("quantity", terms.qty.ok_or(Place::NoQuantity)?.get());
    reducing(query, terms)?;
    if let Some(rule) = terms.stp {
        query.word("selfTradePreventionMode", self_trade_word(rule));
    }
    query.text("newClientOrderId", cl_ord_id.as_str());
    if immediate {
        // These end at once: RESULT waits for their end, so that one reply tells it.
        query.word("newOrderRespType", "RESULT");
    }
    Ok(())
}

/// Which symbol, side and position.
pub(super) fn whose(query: &mut impl Fields, terms: &Terms) {
    query.text("symbol", terms.instrument.symbol()).word("side", side_word(terms.side));
    match terms.leg {
        // One-way mode does not need positionSide; BOTH is its default.
        PositionSide::Net => {}
        PositionSide::Long => {
            query.word("positionSide", "LONG");
        }
        PositionSide::Short => {
            query.word("positionSide", "SHORT");
        }
    }
}

/// Time in force and limit price.
pub(super) fn limit(query: &mut impl Fields, price: LimitPrice, tif: TimeInForce) {
    match tif {
        TimeInForce::Gtc => query.word("timeInForce", "GTC"),
        TimeInForce::Ioc => query.word("timeInForce", "IOC"),
        TimeInForce::Fok => query.word("timeInForce", "FOK"),
        TimeInForce::Gtx => query.word("timeInForce", "GTX"),
        TimeInForce::Gtd(until) => query.word("timeInForce", "GTD").signed("goodTillDate", until.0),
    };
    match price {
        LimitPrice::At(price) => query.decimal("price", price.get()),
        LimitPrice::Match(level) => query.word("priceMatch", price_match_word(level)),
    };
}

/// The venue's own hold on an order that may only reduce, by quantity.
pub(super) fn reducing(query: &mut impl Fields, terms: &Terms) -> Result<(), Place> {
    match (terms.intention, terms.leg) {
        (Intention::Open, _) => {}
        (Intention::Reduce, PositionSide::Net) => {
            query.word("reduceOnly", "true");
        }
        (Intention::Reduce, _) if planted(Plant::HedgeReduceOnly) => {
            query.word("reduceOnly", "true");
        }
        (Intention::Reduce, PositionSide::Long | PositionSide::Short) if terms.is_closing() => {}
        (Intention::Reduce, PositionSide::Long | PositionSide::Short) => return Err(Place::ReduceWithTheLeg),
        (Intention::CloseAll, _) => return Err(Place::CloseAll),
    }
    Ok(())
}

/// The venue's word for a level of its book.
pub(crate) const fn price_match_word(level: PriceMatch) -> &'static str {
    match level {
        PriceMatch::Opponent => "OPPONENT",
        PriceMatch::Opponent5 => "OPPONENT_5",
        PriceMatch::Opponent10 => "OPPONENT_10",
        PriceMatch::Opponent20 => "OPPONENT_20",
        PriceMatch::Queue => "QUEUE",
        PriceMatch::Queue5 => "QUEUE_5",
        PriceMatch::Queue10 => "QUEUE_10",
        PriceMatch::Queue20 => "QUEUE_20",
    }
}

/// The venue's word for what happens between orders of one owner.
pub(crate) const fn self_trade_word(rule: SelfTrade) -> &'static str {
    match rule {
        SelfTrade::ExpireTaker => "EXPIRE_TAKER",
        SelfTrade::ExpireMaker => "EXPIRE_MAKER",
        SelfTrade::ExpireBoth => "EXPIRE_BOTH",
    }
}

/// The venue's word for a side.
pub(crate) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// What a report tells about an order's type and prices.
#[derive(Clone, Debug)]
pub struct ToldTerms<'t, 'a> {
    /// Type.
    pub order_type: &'t wire::OrderType<'a>,
    /// Limit price.
    pub price: Option<Dec>,
    /// Time in force.
    pub time_in_force: Option<&'t wire::TimeInForce<'a>>,
    /// Automatic cancel time.
    pub good_till_date: Option<&'t Lenient<'a>>,
    /// Trigger price.
    pub trigger_price: Option<Dec>,
    /// Which price the trigger watches.
    pub working_type: Option<&'t wire::WorkingType<'a>>,
    /// Price protection.
    pub price_protect: Option<bool>,
    /// Activation price of a trailing stop.
    pub activate_price: Option<&'t Lenient<'a>>,
    /// Distance of a trailing stop.
    pub callback_rate: Option<&'t Lenient<'a>>,
    /// The level of the book that the limit price is taken from.
    pub price_match: Option<&'t wire::PriceMatch<'a>>,
}

/// The type and its prices, if the report carries them in full; `None` for types that only the exchange makes.
#[must_use]
pub fn told_kind(told: &ToldTerms<'_, '_>) -> Option<OrderKind> {
    let limit = || Some((told_price(told)?, told_tif(told)?));
    match told.order_type {
        wire::OrderType::Market => Some(OrderKind::Market),
        wire::OrderType::Limit => limit().map(|(price, tif)| OrderKind::Limit { price, tif }),
        wire::OrderType::Stop => {
            let trigger = told_trigger(told)?;
            limit().map(|(price, tif)| OrderKind::StopLimit { trigger, price, tif })
        }
        wire::OrderType::TakeProfit => {
            let trigger = told_trigger(told)?;
            limit().map(|(price, tif)| OrderKind::TakeProfit { trigger, price, tif })
        }
        wire::OrderType::StopMarket => told_trigger(told).map(|trigger| OrderKind::StopMarket { trigger }),
        wire::OrderType::TakeProfitMarket => told_trigger(told).map(|trigger| OrderKind::TakeProfitMarket { trigger }),
        wire::OrderType::TrailingStopMarket => Some(OrderKind::TrailingStopMarket {
            activation: told.activate_price.and_then(|text| positive(text)).and_then(|price| Price::new(price).ok()),
            callback_percent: told.callback_rate.and_then(|text| positive(text))?,
            by: told_by(told)?,
        }),
        wire::OrderType::Liquidation | wire::OrderType::Other(_) => None,
    }
}

/// The price once the venue has one, else the level it will take one from.
fn told_price(told: &ToldTerms<'_, '_>) -> Option<LimitPrice> {
    match (told.price, told.price_match.and_then(told_level)) {
        (Some(price), Some(level)) if price.0.is_zero() => Some(LimitPrice::Match(level)),
        (None, Some(level)) => Some(LimitPrice::Match(level)),
        (Some(price), _) => Some(LimitPrice::At(Price::new(price.0).ok()?)),
        (None, None) => None,
    }
}

fn told_level(word: &wire::PriceMatch<'_>) -> Option<PriceMatch> {
    Some(match word {
        wire::PriceMatch::Opponent => PriceMatch::Opponent,
        wire::PriceMatch::Opponent5 => PriceMatch::Opponent5,
        wire::PriceMatch::Opponent10 => PriceMatch::Opponent10,
        wire::PriceMatch::Opponent20 => PriceMatch::Opponent20,
        wire::PriceMatch::Queue => PriceMatch::Queue,
        wire::PriceMatch::Queue5 => PriceMatch::Queue5,
        wire::PriceMatch::Queue10 => PriceMatch::Queue10,
        wire::PriceMatch::Queue20 => PriceMatch::Queue20,
        wire::PriceMatch::Off | wire::PriceMatch::Other(_) => return None,
    })
}

fn told_tif(told: &ToldTerms<'_, '_>) -> Option<TimeInForce> {
    Some(match told.time_in_force? {
        wire::TimeInForce::Gtc => TimeInForce::Gtc,
        wire::TimeInForce::Ioc => TimeInForce::Ioc,
        wire::TimeInForce::Fok => TimeInForce::Fok,
        wire::TimeInForce::Gtx => TimeInForce::Gtx,
        wire::TimeInForce::Gtd => TimeInForce::Gtd(VenueTime(told.good_till_date?.number()?)),
        wire::TimeInForce::Rpi | wire::TimeInForce::GteGtc | wire::TimeInForce::Other(_) => return None,
    })
}

fn told_trigger(told: &ToldTerms<'_, '_>) -> Option<Trigger> {
    Some(Trigger {
        price: Price::new(told.trigger_price?.0).ok()?,
        by: told_by(told)?,
        price_protect: told.price_protect.unwrap_or(false),
    })
}

fn told_by(told: &ToldTerms<'_, '_>) -> Option<TriggerBy> {
    match told.working_type? {
        wire::WorkingType::ContractPrice => Some(TriggerBy::Last),
        wire::WorkingType::MarkPrice => Some(TriggerBy::Mark),
        wire::WorkingType::Other(_) => None,
    }
}

fn positive(text: &Lenient<'_>) -> Option<Decimal> {
    text.decimal().filter(|value| !value.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;
    use exec_core::{ids::InstrumentId, units::Qty};

    fn terms(side: Side, leg: PositionSide, intention: Intention, kind: OrderKind) -> Terms {
        Terms {
            instrument: InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap(),
            side,
            leg,
            intention,
            qty: Some(Qty::new(Decimal::new(46, 3)).unwrap()),
            kind,
            stp: None,
        }
    }

    fn limit(tif: TimeInForce) -> OrderKind {
        OrderKind::Limit { price: Price::new(Decimal::new(11_939_440, 2)).unwrap().into(), tif }
    }

    fn params(terms: &Terms) -> Result<String, Place> {
        let mut query = Query::default();
        place_params(&mut query, terms, &ClOrdId::new("N1-1").unwrap())?;
        Ok(query.as_str().to_owned())
    }

    #[test]
    fn a_market_order_sends_no_time_in_force_and_asks_for_the_result() {
        let text = params(&terms(Side::Buy, PositionSide::Net, Intention::Open, OrderKind::Market)).unwrap();
        assert_eq!(text, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.046&newClientOrderId=N1-1&newOrderRespType=RESULT");
    }

    #[test]
    fn each_time_in_force_has_its_parameters() {
        let of = |tif| params(&terms(Side::Sell, PositionSide::Net, Intention::Open, limit(tif))).unwrap();
        let gtc = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&price=119394.40&quantity=0.046&newClientOrderId=N1-1";
        assert_eq!(of(TimeInForce::Gtc), gtc);
        assert_eq!(of(TimeInForce::Gtx), gtc.replace("GTC", "GTX"));
        for (tif, word) in [(TimeInForce::Ioc, "IOC"), (TimeInForce::Fok, "FOK")] {
            assert_eq!(of(tif), format!("{}&newOrderRespType=RESULT", gtc.replace("GTC", word)));
        }
        let gtd = of(TimeInForce::Gtd(VenueTime(1_790_000_000_000)));
        assert!(gtd.contains("timeInForce=GTD&goodTillDate=1790000000000&price="), "{gtd}");
    }

    #[test]
    fn hedging_sends_the_leg_and_never_reduce_only() {
        let close = params(&terms(Side::Sell, PositionSide::Long, Intention::Reduce, OrderKind::Market)).unwrap();
        assert!(close.contains("&positionSide=LONG&") && !close.contains("reduceOnly"), "{close}");
        let open = params(&terms(Side::Sell, PositionSide::Short, Intention::Open, OrderKind::Market)).unwrap();
        assert!(open.contains("&positionSide=SHORT&"));
        let wrong = params(&terms(Side::Buy, PositionSide::Long, Intention::Reduce, OrderKind::Market));
        assert_eq!(wrong, Err(Place::ReduceWithTheLeg));
    }

    #[test]
    fn netting_sends_reduce_only_and_no_leg() {
        let text = params(&terms(Side::Sell, PositionSide::Net, Intention::Reduce, limit(TimeInForce::Gtc))).unwrap();
        assert!(text.contains("&reduceOnly=true&") && !text.contains("positionSide"), "{text}");
    }

    #[test]
    fn what_the_endpoint_cannot_carry_is_not_encoded() {
        let trigger = Trigger { price: Price::ZERO, by: TriggerBy::Last, price_protect: false };
        let stop = terms(Side::Sell, PositionSide::Net, Intention::Reduce, OrderKind::StopMarket { trigger });
        assert_eq!(params(&stop), Err(Place::Conditional));
        let all = terms(Side::Sell, PositionSide::Net, Intention::CloseAll, OrderKind::Market);
        assert_eq!(params(&all), Err(Place::CloseAll));
        let mut empty = terms(Side::Sell, PositionSide::Net, Intention::Open, OrderKind::Market);
        empty.qty = None;
        assert_eq!(params(&empty), Err(Place::NoQuantity));
    }
}
