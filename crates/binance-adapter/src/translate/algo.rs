//! Conditional orders as the Algo Service reports them, in the core's words, and the one report of such an order together
//! with the ordinary order that it became. What a payload does not say stays absent.

use exec_core::{
    ids::{AlgoId, OrderId},
    report::{ExpiryReason, OrderReport, VenueStatus},
    time::VenueTime,
    units::Qty,
};

use super::{
    Symbols, ToldTerms, TranslateError,
    order::{cl_ord_id, leg, order_id, positive_price, side},
    told_kind,
};
use crate::wire::{self, Dec, Lenient};

/// An `ALGO_UPDATE`: a conditional order in the Algo Service.
///
/// # Errors
/// [`TranslateError`].
pub fn algo_update(symbols: &Symbols, update: &wire::AlgoUpdate<'_>) -> Result<OrderReport, TranslateError> {
    let order = &update.order;
    let close_all = order.close_position == Some(true);
    Ok(OrderReport {
        cl_ord_id: cl_ord_id(&order.client_algo_id),
        order_id: order.actual_order_id.as_ref().and_then(triggered_id),
        algo_id: Some(AlgoId::from_number(order.algo_id)),
        instrument: symbols.instrument(order.symbol.as_str())?,
        side: side(&order.side)?,
        leg: leg(&order.position_side),
        status: status(&order.status, order.time_in_force.as_ref(), order.good_till_date.as_ref(), update.transaction_time),
        kind: told_kind(&ToldTerms {
            order_type: &order.order_type,
            price: order.price.map(Dec::from),
            time_in_force: order.time_in_force.as_ref(),
            good_till_date: order.good_till_date.as_ref(),
            trigger_price: order.trigger_price.map(Dec::from),
            working_type: order.working_type.as_ref(),
            price_protect: order.price_protect,
            activate_price: order.activate_price.as_ref(),
            callback_rate: order.price_rate.as_ref(),
            price_match: order.price_match.as_ref(),
        }),
        qty: match order.qty {
            Some(qty) if !close_all => Some(Qty::new(qty.0)?),
            _ => None,
        },
        reduce_only: order.reduce_only == Some(true),
        close_all,
        cum_qty: order.executed_qty.map(|qty| Qty::new(qty.0)).transpose()?,
        avg_px: positive_price(order.avg_price.map(Dec::from))?,
        updated: VenueTime(update.transaction_time),
        created: None,
        fill: None,
        replaced_by: None,
        text: order.reason.as_ref().filter(|text| !text.as_str().is_empty()).map(|text| text.as_str().to_owned()),
        made_by: None,
        activated: order.activated == Some(true) && order.order_type == wire::OrderType::TrailingStopMarket,
    })
}

/// A conditional order in a REST reply. `None` for the reply to a cancel, which carries its ids only.
///
/// # Errors
/// [`TranslateError`].
pub fn algo_order(symbols: &Symbols, order: &wire::AlgoOrder<'_>) -> Result<Option<OrderReport>, TranslateError> {
    let (Some(symbol), Some(order_side), Some(told), Some(order_type)) =
        (&order.symbol, &order.side, &order.status, &order.order_type)
    else {
        return Ok(None);
    };
    let close_all = order.close_position == Some(true);
    let updated = order.update_time.or(order.create_time).unwrap_or_default();
    Ok(Some(OrderReport {
        cl_ord_id: cl_ord_id(&order.client_algo_id),
        order_id: order.actual_order_id.as_ref().and_then(triggered_id),
        algo_id: Some(AlgoId::from_number(order.algo_id)),
        instrument: symbols.instrument(symbol.as_str())?,
        side: side(order_side)?,
        leg: order.position_side.as_ref().and_then(leg),
        status: status(told, order.time_in_force.as_ref(), order.good_till_date.as_ref(), updated),
        kind: told_kind(&ToldTerms {
            order_type,
            price: order.price.map(Dec::from),
            time_in_force: order.time_in_force.as_ref(),
            good_till_date: order.good_till_date.as_ref(),
            trigger_price: order.trigger_price.map(Dec::from),
            working_type: order.working_type.as_ref(),
            price_protect: order.price_protect,
            activate_price: order.activate_price.as_ref(),
            callback_rate: order.callback_rate.as_ref(),
            price_match: order.price_match.as_ref(),
        }),
        qty: match order.qty {
            Some(qty) if !close_all => Some(Qty::new(qty.0)?),
            _ => None,
        },
        reduce_only: order.reduce_only == Some(true),
        close_all,
        cum_qty: order.actual_qty.map(|qty| Qty::new(qty.0)).transpose()?,
        avg_px: positive_price(order.actual_price.map(Dec::from))?,
        updated: VenueTime(updated),
        created: order.create_time.map(VenueTime),
        fill: None,
        replaced_by: None,
        text: order.fail_reason.as_ref().filter(|text| !text.as_str().is_empty()).map(|text| text.as_str().to_owned()),
        made_by: None,
        activated: order.activated == Some(true) && *order_type == wire::OrderType::TrailingStopMarket,
    }))
}

/// What is known of a conditional order from its row in the Algo Service and from the ordinary order that it became: the order
/// on the book says where it stands, the row adds its own id and the time it was placed.
#[must_use]
pub fn joined(child: OrderReport, row: &OrderReport) -> OrderReport {
    OrderReport {
        algo_id: child.algo_id.or(row.algo_id),
        cum_qty: child.cum_qty.max(row.cum_qty),
        avg_px: child.avg_px.or(row.avg_px),
        created: row.created.or(child.created),
        reduce_only: child.reduce_only || row.reduce_only,
        text: child.text.or_else(|| row.text.clone()),
        ..child
    }
}

fn status(
    told: &wire::AlgoStatus<'_>,
    tif: Option<&wire::TimeInForce<'_>>,
    good_till_date: Option<&Lenient<'_>>,
    at: i64,
) -> VenueStatus {
    match told {
        wire::AlgoStatus::New => VenueStatus::New,
        wire::AlgoStatus::Canceled => VenueStatus::Canceled,
        wire::AlgoStatus::Triggering => VenueStatus::Triggering,
        wire::AlgoStatus::Triggered => VenueStatus::Triggered,
        wire::AlgoStatus::Finished => VenueStatus::Finished,
        wire::AlgoStatus::Rejected => VenueStatus::Rejected,
        wire::AlgoStatus::Expired => VenueStatus::Expired(expiry(tif, good_till_date, at)),
        wire::AlgoStatus::Other(_) => VenueStatus::Unrecognised,
    }
}

/// The service gives no code. An order that lives with its position ends with it, one with a date at its date; of others the
/// reason is not said.
fn expiry(tif: Option<&wire::TimeInForce<'_>>, good_till_date: Option<&Lenient<'_>>, at: i64) -> ExpiryReason {
    match (tif, good_till_date.and_then(Lenient::number)) {
        (_, Some(until)) if until > 0 && at >= until => ExpiryReason::TimeUp,
        (Some(wire::TimeInForce::GteGtc), _) => ExpiryReason::NothingToClose,
        _ => ExpiryReason::Unstated,
    }
}

/// The id of the ordinary order, a text that is empty before the trigger.
fn triggered_id(text: &Lenient<'_>) -> Option<OrderId> {
    text.number().and_then(|id| u64::try_from(id).ok()).and_then(order_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UserEvent;
    use exec_core::{
        terms::{LimitPrice, OrderKind, PriceMatch, TimeInForce, TriggerBy},
        units::PositionSide,
    };

    fn update(text: &str) -> OrderReport {
        let UserEvent::Algo(update) = UserEvent::read(text).unwrap() else { panic!("not an algo update") };
        algo_update(&Symbols::default(), &update).unwrap()
    }

    /// The fields that the live wire carries before a trigger, with this state and these in addition.
    fn event(state: &str, tif: &str, gtd: i64, more: &str) -> String {
        format!(
            r#"{{"e":"ALGO_UPDATE","T":2000,"E":2001,"o":{{"caid":"Q5","aid":2148719,"at":"CONDITIONAL","o":"STOP_MARKET","s":"BNBUSDT","S":"SELL","ps":"LONG","f":"{tif}","q":"0.01","X":"{state}","ai":"","tp":"750","p":"0","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":0,"gtd":{gtd}{more}}}}}"#
        )
    }

    #[test]
    fn each_state_has_its_word() {
        for (state, status) in [
            ("NEW", VenueStatus::New),
            ("TRIGGERING", VenueStatus::Triggering),
            ("TRIGGERED", VenueStatus::Triggered),
            ("FINISHED", VenueStatus::Finished),
            ("REJECTED", VenueStatus::Rejected),
            ("CANCELED", VenueStatus::Canceled),
            ("EXPIRED", VenueStatus::Expired(ExpiryReason::Unstated)),
            ("PONDERING", VenueStatus::Unrecognised),
        ] {
            let report = update(&event(state, "GTC", 0, ""));
            assert_eq!((report.status, report.leg), (status, Some(PositionSide::Long)), "{state}");
            assert_eq!((report.order_id, report.cum_qty, report.avg_px), (None, None, None), "absent is not zero");
        }
    }

    #[test]
    fn an_expiry_has_the_reason_that_its_terms_give_it() {
        let reason = |tif, gtd| update(&event("EXPIRED", tif, gtd, "")).status;
        assert_eq!(reason("GTE_GTC", 0), VenueStatus::Expired(ExpiryReason::NothingToClose));
        assert_eq!(reason("GTD", 2000), VenueStatus::Expired(ExpiryReason::TimeUp));
        assert_eq!(reason("GTD", 2001), VenueStatus::Expired(ExpiryReason::Unstated));
    }

    #[test]
    fn a_trailing_stop_is_the_same_order_before_and_after_it_follows() {
        let more = |active: bool| format!(r#","AP":"760","cr":"0.5","ia":{active}"#);
        let of = |active| update(&event("NEW", "GTC", 0, &more(active)).replace("STOP_MARKET", "TRAILING_STOP_MARKET"));
        assert_eq!((of(false).activated, of(true).activated), (false, true));
        assert_eq!(of(false).kind, of(true).kind, "activation changes no terms");
        let Some(OrderKind::TrailingStopMarket { activation, callback_percent, by }) = of(true).kind else { panic!() };
        assert_eq!((activation.unwrap().to_string().as_str(), callback_percent.to_string().as_str()), ("760", "0.5"));
        assert_eq!(by, TriggerBy::Mark);
    }

    #[test]
    fn a_price_from_the_book_is_a_level_until_the_venue_has_taken_it() {
        let waiting = event("NEW", "GTC", 0, "").replace("STOP_MARKET", "STOP").replace(r#""pm":"NONE""#, r#""pm":"QUEUE_5""#);
        let limit = |text: &str| update(text).kind.and_then(|kind| kind.limit_price());
        assert_eq!(limit(&waiting), Some(LimitPrice::Match(PriceMatch::Queue5)));
        let taken = waiting.replace(r#""p":"0""#, r#""p":"748.5""#);
        assert_eq!(limit(&taken), Some(LimitPrice::At("748.5".parse().unwrap())));
    }

    #[test]
    fn a_finished_order_says_what_its_child_did() {
        let text = event("FINISHED", "GTC", 0, r#","ap":"749.1","aq":"0.01","act":"MARKET""#)
            .replace(r#""ai":"""#, r#""ai":"33877541028""#);
        let report = update(&text);
        assert_eq!(report.order_id, Some(OrderId::from_number(33_877_541_028)));
        assert_eq!(
            (report.cum_qty.unwrap().to_string().as_str(), report.avg_px.unwrap().to_string().as_str()),
            ("0.01", "749.1")
        );
    }

    #[test]
    fn the_child_says_where_the_order_stands_and_the_row_what_it_was() {
        let row = update(&event("TRIGGERED", "GTC", 0, r#","ap":"749.1","aq":"0.004","act":"MARKET""#));
        let child: wire::OrderReply<'_> = wire::read(
            r#"{"orderId":77,"symbol":"BNBUSDT","status":"PARTIALLY_FILLED","clientOrderId":"Q5","price":"0","origQty":"0.01","executedQty":"0.006","type":"MARKET","side":"SELL","positionSide":"LONG","updateTime":2100,"time":2050}"#,
        )
        .unwrap();
        let child = super::super::order_reply(&Symbols::default(), &child).unwrap();
        let one = joined(child.clone(), &row);
        assert_eq!((one.algo_id, one.order_id), (Some(AlgoId::from_number(2_148_719)), Some(OrderId::from_number(77))));
        assert_eq!((one.status, one.cum_qty.unwrap().to_string().as_str()), (VenueStatus::PartiallyFilled, "0.006"));
        let later = OrderReport { cum_qty: Some("0.008".parse().unwrap()), ..row };
        assert_eq!(joined(child, &later).cum_qty, later.cum_qty, "what is executed never falls");
    }

    #[test]
    fn a_conditional_order_that_died_at_its_trigger_says_why() {
        let text = r#"{"e":"ALGO_UPDATE","T":5,"E":6,"o":{"caid":"Q5","aid":2148719,"at":"CONDITIONAL","o":"TAKE_PROFIT","s":"BNBUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.01","X":"REJECTED","ai":"","ap":"0.00000","aq":"0.00000","act":"0","tp":"750","p":"751","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":true,"R":true,"tt":0,"gtd":0,"rm":"Reduce Only reject"}}"#;
        let report = update(text);
        assert_eq!((report.status, report.text.as_deref()), (VenueStatus::Rejected, Some("Reduce Only reject")));
        assert_eq!((report.order_id, report.avg_px, report.reduce_only), (None, None, true));
        let Some(OrderKind::TakeProfit { trigger, tif, .. }) = report.kind else { panic!("{:?}", report.kind) };
        assert_eq!((trigger.price.to_string().as_str(), tif, trigger.price_protect), ("750", TimeInForce::Gtc, true));
    }
}
