//! Orders with a trigger as parameters: of `POST /fapi/v1/algoOrder`, and of `POST /fapi/v1/order` as it took them before
//! 2025-12-09. Which of the two an order goes through is said in `route`.
//!
//! Source: USDⓈ-M "New Algo Order", read 2026-11-22; the older names from "New Order" as it stood until 2025-12-09.

use exec_core::{
    ids::ClOrdId,
    terms::{Intention, OrderKind, Terms, Trigger, TriggerBy},
};

use super::terms::{Place, limit, reducing, self_trade_word, whose};
use crate::{fields::Fields, route::Through};

/// Appends the parameters of a new order with a trigger, without timestamp and signature.
///
/// # Errors
/// [`Place`]: what was appended is to be thrown away.
pub fn conditional_params(query: &mut impl Fields, terms: &Terms, cl_ord_id: &ClOrdId, through: Through) -> Result<(), Place> {
    let (trigger_name, activation_name, id_name) = match through {
        Through::Algo => {
            query.word("algoType", "CONDITIONAL");
            ("triggerPrice", "activatePrice", "clientAlgoId")
        }
        Through::Order => ("stopPrice", "activationPrice", "newClientOrderId"),
    };
    whose(query, terms);
    let closes_all = match terms.kind {
        OrderKind::StopMarket { trigger } => {
            query.word("type", "STOP_MARKET");
            wake(query, trigger_name, trigger);
            true
        }
        OrderKind::TakeProfitMarket { trigger } => {
            query.word("type", "TAKE_PROFIT_MARKET");
            wake(query, trigger_name, trigger);
            true
        }
        OrderKind::StopLimit { trigger, price, tif } => {
            query.word("type", "STOP");
            wake(query, trigger_name, trigger);
            limit(query, price, tif);
            false
        }
        OrderKind::TakeProfit { trigger, price, tif } => {
            query.word("type", "TAKE_PROFIT");
            wake(query, trigger_name, trigger);
            limit(query, price, tif);
            false
        }
        OrderKind::TrailingStopMarket { activation, callback_percent, by } => {
            query.word("type", "TRAILING_STOP_MARKET").decimal("callbackRate", callback_percent);
            if let Some(price) = activation {
                query.decimal(activation_name, price.get());
            }
            query.word("workingType", watched(by));
            false
        }
        OrderKind::Market | OrderKind::Limit { .. } => return Err(Place::Plain),
    };
    match terms.intention {
        Intention::CloseAll if !closes_all => return Err(Place::CloseAll),
        Intention::CloseAll if !terms.is_closing() => return Err(Place::ReduceWithTheLeg),
        // It takes the quantity from the position, and reduces by its nature: the venue refuses both beside it.
        Intention::CloseAll => {
            query.word("closePosition", "true");
        }
        Intention::Open | Intention::Reduce => {
            query.decimal("quantity", terms.qty.ok_or(Place::NoQuantity)?.get());
            reducing(query, terms)?;
        }
    }
    if let Some(rule) = terms.stp {
        query.word("selfTradePreventionMode", self_trade_word(rule));
    }
    query.text(id_name, cl_ord_id.as_str());
    Ok(())
}

fn wake(query: &mut impl Fields, name: &'static str, trigger: Trigger) {
    query.decimal(name, trigger.price.get()).word("workingType", watched(trigger.by));
    if trigger.price_protect {
        query.word("priceProtect", "true");
    }
}

const fn watched(by: TriggerBy) -> &'static str {
    match by {
        TriggerBy::Last => "CONTRACT_PRICE",
        TriggerBy::Mark => "MARK_PRICE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;
    use exec_core::{
        ids::InstrumentId,
        terms::{LimitPrice, PriceMatch, SelfTrade, TimeInForce},
        time::VenueTime,
        units::{PositionSide, Price, Qty, Side},
    };
    use rust_decimal::Decimal;

    fn trigger() -> Trigger {
        Trigger { price: "60000.10".parse().unwrap(), by: TriggerBy::Mark, price_protect: true }
    }

    fn terms(kind: OrderKind) -> Terms {
        Terms {
            instrument: InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap(),
            side: Side::Sell,
            leg: PositionSide::Net,
            intention: Intention::Reduce,
            qty: Some("0.046".parse::<Qty>().unwrap()),
            kind,
            stp: None,
        }
    }

    fn params(terms: &Terms) -> Result<String, Place> {
        said(terms, Through::Algo)
    }

    fn said(terms: &Terms, through: Through) -> Result<String, Place> {
        let mut query = Query::default();
        conditional_params(&mut query, terms, &ClOrdId::new("N1-1").unwrap(), through)?;
        Ok(query.as_str().to_owned())
    }

    #[test]
    fn each_type_has_its_parameters() {
        let price = LimitPrice::At("59990".parse::<Price>().unwrap());
        let until = TimeInForce::Gtd(VenueTime(1_790_000_000_000));
        let level = LimitPrice::Match(PriceMatch::Queue5);
        let head = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL";
        let mark = "triggerPrice=60000.10&workingType=MARK_PRICE&priceProtect=true";
        let tail = "quantity=0.046&reduceOnly=true&clientAlgoId=N1-1";
        for (kind, middle) in [
            (OrderKind::StopMarket { trigger: trigger() }, format!("type=STOP_MARKET&{mark}")),
            (OrderKind::TakeProfitMarket { trigger: trigger() }, format!("type=TAKE_PROFIT_MARKET&{mark}")),
            (
                OrderKind::StopLimit { trigger: trigger(), price, tif: TimeInForce::Gtc },
                format!("type=STOP&{mark}&timeInForce=GTC&price=59990"),
            ),
            (
                OrderKind::TakeProfit { trigger: trigger(), price: level, tif: until },
                format!("type=TAKE_PROFIT&{mark}&timeInForce=GTD&goodTillDate=1790000000000&priceMatch=QUEUE_5"),
            ),
            (
                OrderKind::TrailingStopMarket {
                    activation: Some("61000".parse().unwrap()),
                    callback_percent: Decimal::new(5, 1),
                    by: TriggerBy::Last,
                },
                "type=TRAILING_STOP_MARKET&callbackRate=0.5&activatePrice=61000&workingType=CONTRACT_PRICE".to_owned(),
            ),
        ] {
            assert_eq!(params(&terms(kind)).unwrap(), format!("{head}&{middle}&{tail}"));
        }
    }

    #[test]
    fn closing_all_sends_neither_quantity_nor_reduce_only() {
        let mut all = terms(OrderKind::StopMarket { trigger: trigger() });
        all.intention = Intention::CloseAll;
        all.stp = Some(SelfTrade::ExpireBoth);
        let text = params(&all).unwrap();
        assert!(text.ends_with("&closePosition=true&selfTradePreventionMode=EXPIRE_BOTH&clientAlgoId=N1-1"), "{text}");
        assert!(!text.contains("quantity") && !text.contains("reduceOnly"), "{text}");
        all.leg = PositionSide::Long;
        assert!(params(&all).unwrap().contains("&positionSide=LONG&"));
        all.leg = PositionSide::Short;
        assert_eq!(params(&all), Err(Place::ReduceWithTheLeg), "a sell opens a short");
        all.kind = OrderKind::TrailingStopMarket { activation: None, callback_percent: Decimal::ONE, by: TriggerBy::Last };
        assert_eq!(params(&all), Err(Place::CloseAll));
    }

    #[test]
    fn hedging_sends_the_leg_and_never_reduce_only() {
        let mut close = terms(OrderKind::StopMarket { trigger: trigger() });
        close.leg = PositionSide::Long;
        let text = params(&close).unwrap();
        assert!(text.contains("&positionSide=LONG&") && !text.contains("reduceOnly"), "{text}");
        close.side = Side::Buy;
        assert_eq!(params(&close), Err(Place::ReduceWithTheLeg));
        close.intention = Intention::Open;
        assert!(params(&close).is_ok());
    }

    #[test]
    fn the_ordinary_endpoint_had_other_names() {
        let mut stop = terms(OrderKind::StopMarket { trigger: trigger() });
        stop.intention = Intention::Open;
        assert_eq!(
            said(&stop, Through::Order).unwrap(),
            "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&stopPrice=60000.10&workingType=MARK_PRICE&priceProtect=true\
             &quantity=0.046&newClientOrderId=N1-1"
        );
    }

    #[test]
    fn an_order_without_a_trigger_is_not_said_here() {
        assert_eq!(params(&terms(OrderKind::Market)), Err(Place::Plain));
        let mut empty = terms(OrderKind::StopMarket { trigger: trigger() });
        empty.qty = None;
        assert_eq!(params(&empty), Err(Place::NoQuantity));
    }
}
