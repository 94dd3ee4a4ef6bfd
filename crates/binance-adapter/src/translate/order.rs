//! Orders and trades as Binance reports them, in the core's words. What a payload does not say stays absent: an average of
//! zero is no average, a price in a reply to a command does not exist. Conditional orders before their trigger are in `algo`.

use exec_core::{
    ids::{ClOrdId, OrderId, RequestId, TradeId},
    order::intent::ExchangeMade,
    report::{ExpiryReason, Fee, Fill, OrderReport, TradeReport, VenueStatus},
    time::VenueTime,
    units::{Amount, PositionSide, Price, Qty, Side},
};

use super::{Symbols, ToldTerms, TranslateError, told_kind};
use crate::wire::{self, Dec, Lenient, Text};

/// An `ORDER_TRADE_UPDATE`.
///
/// # Errors
/// [`TranslateError`]: the event cannot be said in the core's words; it is raised raw.
pub fn order_update(symbols: &Symbols, update: &wire::OrderTradeUpdate<'_>) -> Result<OrderReport, TranslateError> {
    let order = &update.order;
    let instrument = symbols.instrument(order.symbol.as_str())?;
    let side = side(&order.side)?;
    let leg = leg(&order.position_side);
    let close_all = order.close_position == Some(true);
    let new = order.execution == wire::ExecutionType::New;
    let amendment = order.execution == wire::ExecutionType::Amendment;
    Ok(OrderReport {
        cl_ord_id: cl_ord_id(&order.client_order_id),
        order_id: order_id(order.order_id),
        algo_id: None,
        instrument,
        side,
        leg,
        status: status(&order.status, || expiry(update)),
        kind: told_kind(&ToldTerms {
            order_type: &order.order_type,
            price: Some(order.price),
            time_in_force: Some(&order.time_in_force),
            good_till_date: order.good_till_date.as_ref(),
            trigger_price: order.stop_price,
            working_type: order.working_type.as_ref(),
            price_protect: order.price_protect,
            activate_price: order.activate_price.as_ref(),
            callback_rate: order.price_rate.as_ref(),
            price_match: order.price_match.as_ref(),
        }),
        qty: if close_all { None } else { Some(Qty::new(order.qty.0)?) },
        reduce_only: order.reduce_only == Some(true),
        close_all,
        cum_qty: Some(Qty::new(order.cum_qty.0)?),
        avg_px: positive_price(Some(order.avg_price))?,
        updated: VenueTime(order.trade_time),
        created: new.then_some(VenueTime(order.trade_time)),
        fill: fill_of_update(symbols, order, side, leg)?,
        replaced_by: if amendment { order.modify_id.as_ref().and_then(Lenient::number).and_then(request) } else { None },
        text: None,
        made_by: made_by(&order.client_order_id, &order.order_type, Some(&order.execution), &order.status),
        activated: false,
    })
}

/// A trade in the update, if it is about one: an id and a quantity, whatever the venue calls the execution.
fn fill_of_update(
    symbols: &Symbols,
    order: &wire::OrderUpdateBody<'_>,
    side: Side,
    leg: Option<PositionSide>,
) -> Result<Option<Fill>, TranslateError> {
    if order.trade_id == 0 || order.last_qty.0.is_zero() {
        return Ok(None);
    }
    let fee = match (order.fee, &order.fee_asset) {
        (Some(amount), Some(asset)) => Some(Fee { amount: Amount::new(amount.0)?, asset: symbols.asset(asset.as_str())? }),
        // The documents leave both out when there is no commission; the trade list says it then.
        _ => None,
    };
    Ok(Some(Fill {
        trade_id: TradeId::from_number(order.trade_id),
        price: Price::new(order.last_price.0)?,
        qty: Qty::new(order.last_qty.0)?,
        side,
        maker: order.maker,
        leg,
        fee,
        realized: order.realized_pnl.map(|pnl| Amount::new(pnl.0)).transpose()?,
        at: VenueTime(order.trade_time),
    }))
}

/// A `TRADE_LITE`: it has neither fee nor profit nor position side.
///
/// # Errors
/// [`TranslateError`].
pub fn trade_lite(symbols: &Symbols, trade: &wire::TradeLite<'_>) -> Result<TradeReport, TranslateError> {
    Ok(TradeReport {
        instrument: symbols.instrument(trade.symbol.as_str())?,
        cl_ord_id: cl_ord_id(&trade.client_order_id),
        order_id: OrderId::from_number(trade.order_id),
        fill: Fill {
            trade_id: TradeId::from_number(trade.trade_id),
            price: Price::new(trade.last_price.0)?,
            qty: Qty::new(trade.last_qty.0)?,
            side: side(&trade.side)?,
            maker: trade.maker,
            leg: None,
            fee: None,
            realized: None,
            at: VenueTime(trade.transaction_time),
        },
    })
}

/// A row of the trade list.
///
/// # Errors
/// [`TranslateError`].
pub fn user_trade(symbols: &Symbols, trade: &wire::UserTrade<'_>) -> Result<TradeReport, TranslateError> {
    Ok(TradeReport {
        instrument: symbols.instrument(trade.symbol.as_str())?,
        cl_ord_id: None,
        order_id: OrderId::from_number(trade.order_id),
        fill: Fill {
            trade_id: TradeId::from_number(trade.id),
            price: Price::new(trade.price.0)?,
            qty: Qty::new(trade.qty.0)?,
            side: side(&trade.side)?,
            maker: trade.maker,
            leg: trade.position_side.as_ref().and_then(leg),
            fee: Some(Fee { amount: Amount::new(trade.commission.0)?, asset: symbols.asset(trade.commission_asset.as_str())? }),
            realized: Some(Amount::new(trade.realized_pnl.0)?),
            at: VenueTime(trade.time),
        },
    })
}

/// An order in a REST reply: to a command, to a query, or a row of a list.
///
/// # Errors
/// [`TranslateError`].
pub fn order_reply(symbols: &Symbols, order: &wire::OrderReply<'_>) -> Result<OrderReport, TranslateError> {
    let close_all = order.close_position == Some(true);
    Ok(OrderReport {
        cl_ord_id: cl_ord_id(&order.client_order_id),
        order_id: order_id(order.order_id),
        algo_id: None,
        instrument: symbols.instrument(order.symbol.as_str())?,
        side: side(&order.side)?,
        leg: order.position_side.as_ref().and_then(leg),
        status: status(&order.status, || ExpiryReason::Unstated),
        kind: told_kind(&ToldTerms {
            order_type: &order.order_type,
            price: Some(order.price),
            time_in_force: order.time_in_force.as_ref(),
            good_till_date: order.good_till_date.as_ref(),
            trigger_price: order.stop_price,
            working_type: order.working_type.as_ref(),
            price_protect: order.price_protect,
            activate_price: order.activate_price.as_ref(),
            callback_rate: order.price_rate.as_ref(),
            price_match: order.price_match.as_ref(),
        }),
        qty: if close_all { None } else { Some(Qty::new(order.orig_qty.0)?) },
        reduce_only: order.reduce_only == Some(true),
        close_all,
        cum_qty: Some(Qty::new(order.executed_qty.0)?),
        avg_px: positive_price(order.avg_price)?,
        updated: VenueTime(order.update_time.or(order.time).unwrap_or_default()),
        created: order.time.map(VenueTime),
        fill: None,
        replaced_by: order.modify_id.as_ref().and_then(Lenient::number).and_then(request),
        text: None,
        made_by: made_by(&order.client_order_id, &order.order_type, None, &order.status),
        activated: false,
    })
}

fn status(status: &wire::OrderStatus<'_>, reason: impl FnOnce() -> ExpiryReason) -> VenueStatus {
    match status {
        wire::OrderStatus::New => VenueStatus::New,
        wire::OrderStatus::PartiallyFilled => VenueStatus::PartiallyFilled,
        wire::OrderStatus::Filled => VenueStatus::Filled,
        wire::OrderStatus::Canceled => VenueStatus::Canceled,
        wire::OrderStatus::Expired => VenueStatus::Expired(reason()),
        wire::OrderStatus::ExpiredInMatch => VenueStatus::Expired(ExpiryReason::SelfTrade),
        wire::OrderStatus::Rejected => VenueStatus::Rejected,
        // The insurance fund or a counterparty took over: what was executed counts, what the order is now is not said.
        wire::OrderStatus::NewInsurance | wire::OrderStatus::NewAdl | wire::OrderStatus::Other(_) => VenueStatus::Unrecognised,
    }
}

/// Whether the exchange made the order by itself, and why: it says so by the client id, and of a liquidation also by the type,
/// the execution and two old statuses, in case the id comes without its prefix.
fn made_by(
    id: &Text<'_>,
    order_type: &wire::OrderType<'_>,
    execution: Option<&wire::ExecutionType<'_>>,
    status: &wire::OrderStatus<'_>,
) -> Option<ExchangeMade> {
    const PREFIXES: [(&str, ExchangeMade); 4] = [
        ("autoclose-", ExchangeMade::Liquidation),
        ("adl_autoclose", ExchangeMade::AutoDeleveraging),
        ("settlement_autoclose-", ExchangeMade::Settlement),
        ("delivery_autoclose-", ExchangeMade::Delivery),
    ];
    let named = PREFIXES.iter().find(|(prefix, _)| id.as_str().starts_with(prefix)).map(|(_, why)| *why);
    let liquidated = *order_type == wire::OrderType::Liquidation
        || execution == Some(&wire::ExecutionType::Calculated)
        || matches!(status, wire::OrderStatus::NewInsurance | wire::OrderStatus::NewAdl);
    named.or(liquidated.then_some(ExchangeMade::Liquidation))
}

/// `er` of the stream (since 2025-10-23; 10 and 11 from the COIN-M page).
fn expiry(update: &wire::OrderTradeUpdate<'_>) -> ExpiryReason {
    let order = &update.order;
    match order.expiry_reason.as_ref().and_then(Lenient::number) {
        Some(1 | 3) => ExpiryReason::SelfTrade,
        Some(2 | 9 | 10) => ExpiryReason::NotFillable,
        Some(4 | 6) => ExpiryReason::NothingToClose,
        Some(5) => ExpiryReason::Liquidation,
        Some(7) => ExpiryReason::Delisted,
        Some(11) => ExpiryReason::WouldTake,
        _ => match order.good_till_date.as_ref().and_then(Lenient::number) {
            Some(until) if until > 0 && order.trade_time >= until => ExpiryReason::TimeUp,
            _ => ExpiryReason::Unstated,
        },
    }
}

pub(super) fn side(side: &wire::Side<'_>) -> Result<Side, TranslateError> {
    match side {
        wire::Side::Buy => Ok(Side::Buy),
        wire::Side::Sell => Ok(Side::Sell),
        wire::Side::Other(text) => Err(TranslateError::Unknown { what: "side", value: text.as_str().chars().take(40).collect() }),
    }
}

/// The leg comes from the venue's word alone, never from the side.
pub(super) fn leg(side: &wire::PositionSide<'_>) -> Option<PositionSide> {
    match side {
        wire::PositionSide::Both => Some(PositionSide::Net),
        wire::PositionSide::Long => Some(PositionSide::Long),
        wire::PositionSide::Short => Some(PositionSide::Short),
        wire::PositionSide::Other(_) => None,
    }
}

/// A client id that cannot be one of ours stays absent; the venue's own order id names the order.
pub(super) fn cl_ord_id(text: &Text<'_>) -> Option<ClOrdId> {
    ClOrdId::new(text.as_str()).ok()
}

pub(super) fn order_id(number: u64) -> Option<OrderId> {
    (number > 0).then(|| OrderId::from_number(number))
}

fn request(modify_id: i64) -> Option<RequestId> {
    u64::try_from(modify_id).ok().filter(|id| *id > 0).map(RequestId)
}

pub(super) fn positive_price(price: Option<Dec>) -> Result<Option<Price>, TranslateError> {
    match price {
        Some(price) if !price.0.is_zero() => Ok(Some(Price::new(price.0)?)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UserEvent;
    use exec_core::terms::OrderKind;

    fn update(text: &str) -> OrderReport {
        let UserEvent::Order(update) = UserEvent::read(text).unwrap() else { panic!("not an order update") };
        order_update(&Symbols::default(), &update).unwrap()
    }

    fn event(execution: &str, status: &str, rest: &str) -> String {
        format!(
            r#"{{"e":"ORDER_TRADE_UPDATE","T":1000,"E":1001,"o":{{"s":"BTCUSDT","c":"A-1","S":"SELL","o":"LIMIT","f":"GTC","q":"10","p":"100.50","ap":"0","x":"{execution}","X":"{status}","i":7,"ps":"LONG",{rest}}}}}"#
        )
    }

    #[test]
    fn a_fill_carries_everything_the_stream_says() {
        let report = update(&event(
            "TRADE",
            "PARTIALLY_FILLED",
            r#""l":"4","z":"4","L":"100.60","T":999,"t":55,"m":true,"n":"-0.01","N":"BNB","rp":"1.5""#,
        ));
        assert_eq!(report.status, VenueStatus::PartiallyFilled);
        assert_eq!(report.leg, Some(PositionSide::Long));
        let fill = report.fill.unwrap();
        assert_eq!((fill.trade_id.as_str(), fill.price.to_string().as_str(), fill.maker), ("55", "100.60", true));
        assert_eq!(fill.fee.map(|fee| (fee.amount.to_string(), fee.asset.to_string())), Some(("-0.01".into(), "BNB".into())));
        assert_eq!(fill.realized.unwrap().to_string(), "1.5");
        assert_eq!(report.avg_px, None);
        assert_eq!(fill.at, VenueTime(999));
    }

    #[test]
    fn a_liquidation_execution_is_a_fill_like_any_other() {
        let report = update(&event("CALCULATED", "FILLED", r#""l":"10","z":"10","L":"90","T":999,"t":56,"m":false"#));
        let fill = report.fill.unwrap();
        assert_eq!((fill.qty.to_string().as_str(), fill.fee), ("10", None));
    }

    #[test]
    fn an_execution_without_a_trade_id_counts_by_its_cumulative_quantity_only() {
        let report = update(&event("CALCULATED", "NEW_ADL", r#""l":"3","z":"3","L":"90","T":999,"t":0,"m":false"#));
        assert_eq!((report.fill, report.cum_qty.unwrap().to_string().as_str()), (None, "3"));
        assert_eq!(report.status, VenueStatus::Unrecognised);
    }

    #[test]
    fn expiry_reasons_are_told_apart() {
        let none = r#""l":"0","z":"0","L":"0","T":999,"t":0,"m":false"#;
        for (er, reason) in [
            ("1", ExpiryReason::SelfTrade),
            ("2", ExpiryReason::NotFillable),
            ("4", ExpiryReason::NothingToClose),
            ("5", ExpiryReason::Liquidation),
            ("7", ExpiryReason::Delisted),
            ("11", ExpiryReason::WouldTake),
            ("0", ExpiryReason::Unstated),
            ("99", ExpiryReason::Unstated),
        ] {
            let report = update(&event("EXPIRED", "EXPIRED", &format!(r#"{none},"er":"{er}""#)));
            assert_eq!(report.status, VenueStatus::Expired(reason), "{er}");
        }
        let stp = update(&event("EXPIRED", "EXPIRED_IN_MATCH", none));
        assert_eq!(stp.status, VenueStatus::Expired(ExpiryReason::SelfTrade));
        let gtd = update(&event("EXPIRED", "EXPIRED", &format!(r#"{none},"gtd":900,"er":"0""#)));
        assert_eq!(gtd.status, VenueStatus::Expired(ExpiryReason::TimeUp));
    }

    #[test]
    fn an_amendment_names_its_request() {
        let none = |tag: &str| format!(r#""l":"0","z":"0","L":"0","T":999,"t":0,"m":false,"M":{tag}"#);
        assert_eq!(update(&event("AMENDMENT", "NEW", &none("\"42\""))).replaced_by, Some(RequestId(42)));
        assert_eq!(update(&event("AMENDMENT", "NEW", &none("42"))).replaced_by, Some(RequestId(42)));
        assert_eq!(update(&event("AMENDMENT", "NEW", &none("\"by hand\""))).replaced_by, None);
        assert_eq!(update(&event("NEW", "NEW", &none("42"))).replaced_by, None);
    }

    #[test]
    fn an_unknown_status_proves_that_the_order_exists_and_nothing_more() {
        let report = update(&event("NEW", "PARKED", r#""l":"0","z":"0","L":"0","T":999,"t":0,"m":false"#));
        assert_eq!(report.status, VenueStatus::Unrecognised);
        assert_eq!(report.order_id, Some(OrderId::from_number(7)));
    }

    #[test]
    fn an_unknown_side_is_refused() {
        let text = event("NEW", "NEW", r#""l":"0","z":"0","L":"0","T":999,"t":0,"m":false"#).replace("SELL", "LEFT");
        let UserEvent::Order(update) = UserEvent::read(&text).unwrap() else { panic!("not an order update") };
        assert!(matches!(order_update(&Symbols::default(), &update), Err(TranslateError::Unknown { what: "side", .. })));
    }

    #[test]
    fn a_reply_without_prices_has_no_average() {
        let reply: wire::OrderReply<'_> = wire::read(
            r#"{"orderId":33878894217,"symbol":"DOTUSDT","status":"FILLED","clientOrderId":"x","price":"0.000000","origQty":"4.9","executedQty":"4.9","cumQty":"4.9","timeInForce":"GTC","type":"MARKET","reduceOnly":true,"closePosition":false,"side":"BUY","positionSide":"BOTH","stopPrice":"0.000000","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"MARKET","priceMatch":"NONE","selfTradePreventionMode":"EXPIRE_MAKER","goodTillDate":0,"updateTime":1789837689736}"#,
        )
        .unwrap();
        let report = order_reply(&Symbols::default(), &reply).unwrap();
        assert_eq!((report.avg_px, report.kind, report.reduce_only), (None, Some(OrderKind::Market), true));
        assert_eq!(report.leg, Some(PositionSide::Net));
        assert!(reply.unknown.0.is_empty());
    }

    #[test]
    fn a_trade_row_and_the_fast_event_agree_in_what_both_say() {
        let symbols = Symbols::default();
        let row: wire::UserTrade<'_> = wire::read(
            r#"{"symbol":"DOTUSDT","id":1189522420,"orderId":33866374191,"pair":"DOTUSDT","side":"BUY","price":"1.135900","qty":"6.3","realizedPnl":"0","quoteQty":"7.1561700","commission":"0.00000431","commissionAsset":"BNB","time":1789735342346,"buyer":true,"maker":false,"positionSide":"BOTH","baseQty":"0","marginAsset":"USDT"}"#,
        )
        .unwrap();
        let lite = r#"{"e":"TRADE_LITE","E":1789735342346,"T":1789735342346,"s":"DOTUSDT","q":"6.3","p":"0","m":false,"c":"x","S":"BUY","L":"1.1359","l":"6.3","t":1189522420,"i":33866374191}"#;
        let UserEvent::Lite(lite) = UserEvent::read(lite).unwrap() else { panic!("not a trade") };
        let (slow, fast) = (user_trade(&symbols, &row).unwrap(), trade_lite(&symbols, &lite).unwrap());
        assert_eq!((slow.order_id, slow.fill.trade_id, slow.fill.qty), (fast.order_id, fast.fill.trade_id, fast.fill.qty));
        assert_eq!(slow.fill.price, fast.fill.price);
        assert_eq!((fast.fill.leg, fast.fill.fee, fast.fill.realized), (None, None, None));
        assert_eq!(slow.fill.leg, Some(PositionSide::Net));
    }
}
