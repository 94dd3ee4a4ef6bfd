//! An order of ours in the exchange's own request types, as the documents have its parameters: a second reading, not the adapter's.

use exchange_sim::{
    request::{NewAlgoOrder, NewOrder},
    types::{
        OrderType, PositionSide as SimLeg, PriceMatch as SimMatch, Side as SimSide, StpMode, TimeInForce as SimTif, WorkingType,
    },
};
use exec_core::{
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionSide, Side},
};

use super::market::SYMBOL;

/// Through which door it goes.
pub(super) enum Said {
    Ordinary(Box<NewOrder>),
    Conditional(Box<NewAlgoOrder>),
}

pub(super) fn said(terms: &Terms) -> Said {
    let side = match terms.side {
        Side::Buy => SimSide::Buy,
        Side::Sell => SimSide::Sell,
    };
    let position_side = match terms.leg {
        PositionSide::Net => None,
        PositionSide::Long => Some(SimLeg::Long),
        PositionSide::Short => Some(SimLeg::Short),
    };
    let quantity = terms.qty.map(exec_core::units::Qty::get);
    // Hedge mode has no reduceOnly: closing is the side against the leg. A reduce with the leg could only be said with it.
    let reduce = terms.intention == Intention::Reduce && (terms.leg == PositionSide::Net || !terms.is_closing());
    let reduce_only = reduce.then_some(true);
    let close_position = (terms.intention == Intention::CloseAll).then_some(true);
    let stp_mode = terms.stp.map(|stp| match stp {
        SelfTrade::ExpireTaker => StpMode::ExpireTaker,
        SelfTrade::ExpireMaker => StpMode::ExpireMaker,
        SelfTrade::ExpireBoth => StpMode::ExpireBoth,
    });
    let price = terms.kind.price().map(exec_core::units::Price::get);
    let price_match = terms.kind.limit_price().and_then(LimitPrice::matched).map(matched);
    let (time_in_force, good_till_date) = match terms.kind.time_in_force() {
        None => (None, None),
        Some(TimeInForce::Gtc) => (Some(SimTif::Gtc), None),
        Some(TimeInForce::Ioc) => (Some(SimTif::Ioc), None),
        Some(TimeInForce::Fok) => (Some(SimTif::Fok), None),
        Some(TimeInForce::Gtx) => (Some(SimTif::Gtx), None),
        Some(TimeInForce::Gtd(until)) => (Some(SimTif::Gtd), Some(until.0)),
    };
    let conditional = |order_type, trigger: Option<Trigger>, by| {
        Said::Conditional(Box::new(NewAlgoOrder {
            position_side,
            time_in_force,
            quantity,
            price,
            price_match,
            trigger_price: trigger.map(|trigger| trigger.price.get()),
            working_type: Some(match by {
                TriggerBy::Last => WorkingType::ContractPrice,
                TriggerBy::Mark => WorkingType::MarkPrice,
            }),
            close_position,
            price_protect: trigger.map(|trigger| trigger.price_protect),
            reduce_only,
            stp_mode,
            good_till_date,
            ..NewAlgoOrder::bare(SYMBOL, side, order_type)
        }))
    };
    let triggered = |order_type, trigger: Trigger| conditional(order_type, Some(trigger), trigger.by);
    let ordinary = |order_type| {
        let bare = NewOrder::market(SYMBOL, side, rust_decimal::Decimal::ZERO);
        Said::Ordinary(Box::new(NewOrder {
            order_type,
            position_side,
            time_in_force,
            quantity,
            price,
            reduce_only,
            close_position,
            price_match,
            stp_mode,
            good_till_date,
            ..bare
        }))
    };
    match terms.kind {
        OrderKind::Market => ordinary(OrderType::Market),
        OrderKind::Limit { .. } => ordinary(OrderType::Limit),
        OrderKind::StopMarket { trigger } => triggered(OrderType::StopMarket, trigger),
        OrderKind::StopLimit { trigger, .. } => triggered(OrderType::Stop, trigger),
        OrderKind::TakeProfitMarket { trigger } => triggered(OrderType::TakeProfitMarket, trigger),
        OrderKind::TakeProfit { trigger, .. } => triggered(OrderType::TakeProfit, trigger),
        OrderKind::TrailingStopMarket { activation, callback_percent, by } => {
            match conditional(OrderType::TrailingStopMarket, None, by) {
                Said::Conditional(mut order) => {
                    order.activate_price = activation.map(exec_core::units::Price::get);
                    order.callback_rate = Some(callback_percent);
                    Said::Conditional(order)
                }
                Said::Ordinary(order) => Said::Ordinary(order),
            }
        }
    }
}

const fn matched(level: PriceMatch) -> SimMatch {
    match level {
        PriceMatch::Opponent => SimMatch::Opponent,
        PriceMatch::Opponent5 => SimMatch::Opponent5,
        PriceMatch::Opponent10 => SimMatch::Opponent10,
        PriceMatch::Opponent20 => SimMatch::Opponent20,
        PriceMatch::Queue => SimMatch::Queue,
        PriceMatch::Queue5 => SimMatch::Queue5,
        PriceMatch::Queue10 => SimMatch::Queue10,
        PriceMatch::Queue20 => SimMatch::Queue20,
    }
}
