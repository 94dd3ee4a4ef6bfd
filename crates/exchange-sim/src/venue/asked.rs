//! From the core to the exchange: orders, references, and what a refusal means. Not what the exchange says of orders: see `told`.

use exec_core::terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy};
use exec_core::units::{PositionSide, Side};
use exec_core::venue as port;
use exec_core::venue::{Attempt, CommandError, QueryError, RejectClass, Rejection};
use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::request::{AlgoRef, NewAlgoOrder, NewOrder, OrderRef};
use crate::types;

/// An attempt as the book that it belongs to takes it.
pub(super) enum Wanted {
    Ordinary(Box<NewOrder>),
    Conditional(Box<NewAlgoOrder>),
}

/// Translates an attempt; what cannot be said to the exchange is not sent.
pub(super) fn wanted(attempt: &Attempt) -> Result<Wanted, CommandError> {
    let terms = &attempt.terms;
    let figures = match (terms.intention, terms.qty) {
        (Intention::CloseAll, _) => None,
        (_, Some(qty)) => Some(qty.get()),
        (_, None) => return Err(CommandError::NotSent("an order without a quantity".to_owned())),
    };
    let conditional = |order_type, trigger: Option<Trigger>| bare_algo(attempt, order_type, figures, trigger);
    let wanted = match terms.kind {
        OrderKind::Market => Wanted::Ordinary(Box::new(ordinary(attempt, types::OrderType::Market, figures)?)),
        OrderKind::Limit { price, tif } => {
            let mut order = ordinary(attempt, types::OrderType::Limit, figures)?;
            let (word, until) = time_in_force(tif);
            (order.time_in_force, order.good_till_date) = (Some(word), until);
            (order.price, order.price_match) = limit_price(price);
            Wanted::Ordinary(Box::new(order))
        }
        OrderKind::StopMarket { trigger } => {
            Wanted::Conditional(Box::new(conditional(types::OrderType::StopMarket, Some(trigger))))
        }
        OrderKind::TakeProfitMarket { trigger } => {
            Wanted::Conditional(Box::new(conditional(types::OrderType::TakeProfitMarket, Some(trigger))))
        }
        OrderKind::StopLimit { trigger, price, tif } => {
            Wanted::Conditional(Box::new(limited(conditional(types::OrderType::Stop, Some(trigger)), price, tif)))
        }
        OrderKind::TakeProfit { trigger, price, tif } => {
            Wanted::Conditional(Box::new(limited(conditional(types::OrderType::TakeProfit, Some(trigger)), price, tif)))
        }
        OrderKind::TrailingStopMarket { activation, callback_percent, by } => {
            let mut order = conditional(types::OrderType::TrailingStopMarket, None);
            order.activate_price = activation.map(|price| price.get());
            order.callback_rate = Some(callback_percent);
            order.working_type = Some(working_type(by));
            Wanted::Conditional(Box::new(order))
        }
    };
    Ok(wanted)
}

fn ordinary(attempt: &Attempt, order_type: types::OrderType, qty: Option<Decimal>) -> Result<NewOrder, CommandError> {
    let terms = &attempt.terms;
    let qty = qty.ok_or_else(|| CommandError::NotSent("only conditional orders close all".to_owned()))?;
    let mut order = NewOrder::market(terms.instrument.symbol(), side_of(terms.side), qty);
    order.order_type = order_type;
    order.stp_mode = terms.stp.map(stp_mode);
    order.new_client_order_id = Some(attempt.cl_ord_id.as_str().to_owned());
    order.position_side = leg_of(terms.leg);
    order.reduce_only = reduces(terms);
    Ok(order)
}

fn bare_algo(
    attempt: &Attempt,
    order_type: types::OrderType,
    quantity: Option<Decimal>,
    trigger: Option<Trigger>,
) -> NewAlgoOrder {
    let terms = &attempt.terms;
    NewAlgoOrder {
        position_side: leg_of(terms.leg),
        quantity,
        trigger_price: trigger.map(|t| t.price.get()),
        working_type: trigger.map(|t| working_type(t.by)),
        price_protect: trigger.map(|t| t.price_protect),
        close_position: (terms.intention == Intention::CloseAll).then_some(true),
        reduce_only: reduces(terms),
        client_algo_id: Some(attempt.cl_ord_id.as_str().to_owned()),
        stp_mode: terms.stp.map(stp_mode),
        ..NewAlgoOrder::bare(terms.instrument.symbol(), side_of(terms.side), order_type)
    }
}

fn limited(order: NewAlgoOrder, price: LimitPrice, tif: TimeInForce) -> NewAlgoOrder {
    let (word, good_till_date) = time_in_force(tif);
    let (price, price_match) = limit_price(price);
    NewAlgoOrder { price, price_match, time_in_force: Some(word), good_till_date, ..order }
}

/// The flag is sent in NETTING only: HEDGING refuses it, and so does what closes all.
fn reduces(terms: &Terms) -> Option<bool> {
    (terms.leg == PositionSide::Net && terms.intention == Intention::Reduce).then_some(true)
}

const fn leg_of(leg: PositionSide) -> Option<types::PositionSide> {
    match leg {
        PositionSide::Net => None,
        PositionSide::Long => Some(types::PositionSide::Long),
        PositionSide::Short => Some(types::PositionSide::Short),
    }
}

const fn time_in_force(tif: TimeInForce) -> (types::TimeInForce, Option<types::Ms>) {
    match tif {
        TimeInForce::Gtc => (types::TimeInForce::Gtc, None),
        TimeInForce::Ioc => (types::TimeInForce::Ioc, None),
        TimeInForce::Fok => (types::TimeInForce::Fok, None),
        TimeInForce::Gtx => (types::TimeInForce::Gtx, None),
        TimeInForce::Gtd(until) => (types::TimeInForce::Gtd, Some(until.0)),
    }
}

fn limit_price(price: LimitPrice) -> (Option<Decimal>, Option<types::PriceMatch>) {
    match price {
        LimitPrice::At(price) => (Some(price.get()), None),
        LimitPrice::Match(level) => (None, Some(price_match(level))),
    }
}

const fn working_type(by: TriggerBy) -> types::WorkingType {
    match by {
        TriggerBy::Last => types::WorkingType::ContractPrice,
        TriggerBy::Mark => types::WorkingType::MarkPrice,
    }
}

const fn price_match(level: PriceMatch) -> types::PriceMatch {
    match level {
        PriceMatch::Opponent => types::PriceMatch::Opponent,
        PriceMatch::Opponent5 => types::PriceMatch::Opponent5,
        PriceMatch::Opponent10 => types::PriceMatch::Opponent10,
        PriceMatch::Opponent20 => types::PriceMatch::Opponent20,
        PriceMatch::Queue => types::PriceMatch::Queue,
        PriceMatch::Queue5 => types::PriceMatch::Queue5,
        PriceMatch::Queue10 => types::PriceMatch::Queue10,
        PriceMatch::Queue20 => types::PriceMatch::Queue20,
    }
}

const fn stp_mode(rule: SelfTrade) -> types::StpMode {
    match rule {
        SelfTrade::ExpireTaker => types::StpMode::ExpireTaker,
        SelfTrade::ExpireMaker => types::StpMode::ExpireMaker,
        SelfTrade::ExpireBoth => types::StpMode::ExpireBoth,
    }
}

pub(super) const fn side_of(side: Side) -> types::Side {
    match side {
        Side::Buy => types::Side::Buy,
        Side::Sell => types::Side::Sell,
    }
}

/// Names an order on the ordinary book.
pub(super) fn reference(order: &port::OrderRef) -> OrderRef {
    let number = order.order_id.and_then(|id| id.as_str().parse().ok());
    OrderRef { order_id: number, client_order_id: order.cl_ord_id.map(|id| id.as_str().to_owned()) }
}

/// Names an order in the Algo Service.
pub(super) fn algo_reference(order: &port::OrderRef) -> AlgoRef {
    let number = order.algo_id.and_then(|id| id.as_str().parse().ok());
    AlgoRef { algo_id: number, client_algo_id: order.cl_ord_id.map(|id| id.as_str().to_owned()) }
}

/// What a refusal of a command means. A duplicate id is evidence that the order is there.
pub(super) fn refusal(error: &ApiError) -> CommandError {
    let class = match error.code {
        -4116 => return CommandError::Unknown { why: error.to_string(), live: true },
        -1000 | -1006 | -1007 => return CommandError::Unknown { why: error.to_string(), live: false },
        -1021 | -5028 => RejectClass::Clock,
        -1008 => RejectClass::Failed,
        -1003 | -1015 => RejectClass::Throttled,
        -2011 | -2013 => RejectClass::NotOnBook,
        -2018 | -2019 | -2027 | -2028 => RejectClass::Funds,
        -2021 => RejectClass::WouldTrigger,
        // The last is of a conditional order that would close a leg which is flat.
        -2022 | -4118 | -4509 => RejectClass::NothingToClose,
        -4130 => RejectClass::Overlap,
        -2025 | -4045 => RejectClass::Count,
        -5022 => RejectClass::WouldTake,
        -2023 => RejectClass::Liquidating,
        -4401..=-4400 | -4141..=-4140 | -4107..=-4105 | -4189 | -1122 => RejectClass::Restricted,
        -4088..=-4087 | -4192 => RejectClass::AccountRestricted,
        -2015 | -2014 | -1022 | -1109 => RejectClass::Auth,
        -2020 | -4117 | -5021 | -5027..=-5024 => RejectClass::State,
        -4131 => RejectClass::OutOfBand,
        -4061 => RejectClass::PositionMode,
        _ => RejectClass::Invalid,
    };
    CommandError::Rejected(Rejection { class, code: i64::from(error.code), text: error.msg.clone() })
}

pub(super) fn refused(error: &ApiError) -> QueryError {
    QueryError::Refused(Rejection { class: RejectClass::Invalid, code: i64::from(error.code), text: error.msg.clone() })
}
