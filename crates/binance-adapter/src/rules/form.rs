//! Rules about the order and the instrument alone: the venue refuses these whatever the market does. No prices of now.

use exec_core::{
    rules::Case,
    terms::{LimitPrice, OrderKind, PriceMatch, TimeInForce},
    units::Side,
};
use rust_decimal::Decimal;

/// 0.1 percent.
const CALLBACK_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
const CALLBACK_MAX: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
/// 9999-12-31 23:59:59 UTC, as the error text has it.
const GTD_BEFORE_MS: i64 = 253_402_300_799_000;

/// A GTD time as the venue keeps it: whole seconds.
pub(super) fn gtd_ms(case: &Case<'_>) -> Option<i64> {
    match case.terms.kind.time_in_force() {
        Some(TimeInForce::Gtd(until)) => Some(until.0.saturating_sub(until.0.rem_euclid(1_000))),
        Some(TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Gtx) | None => None,
    }
}

/// Where a LIMIT takes its price from the book, and how long it stands. A conditional order does so only at its trigger.
pub(super) fn limit_at(case: &Case<'_>) -> Option<(PriceMatch, TimeInForce)> {
    match case.terms.kind {
        OrderKind::Limit { price: LimitPrice::Match(level), tif } => Some((level, tif)),
        OrderKind::Limit { price: LimitPrice::At(_), .. }
        | OrderKind::Market
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => None,
    }
}

/// Whether a level is one of the other side's.
const fn of_opponent(level: PriceMatch) -> bool {
    match level {
        PriceMatch::Opponent | PriceMatch::Opponent5 | PriceMatch::Opponent10 | PriceMatch::Opponent20 => true,
        PriceMatch::Queue | PriceMatch::Queue5 | PriceMatch::Queue10 | PriceMatch::Queue20 => false,
    }
}

pub(super) fn price_match_switched_off(case: &Case<'_>) -> bool {
    let level = case.terms.kind.limit_price().and_then(LimitPrice::matched);
    matches!(level, Some(PriceMatch::Opponent10 | PriceMatch::Opponent20))
}

pub(super) fn post_only_at_opponent(case: &Case<'_>) -> bool {
    limit_at(case).is_some_and(|(level, tif)| tif == TimeInForce::Gtx && of_opponent(level))
}

pub(super) fn fill_or_kill_in_queue(case: &Case<'_>) -> bool {
    limit_at(case).is_some_and(|(level, tif)| tif == TimeInForce::Fok && !of_opponent(level))
}

pub(super) fn gtd_too_late(case: &Case<'_>) -> bool {
    gtd_ms(case).is_some_and(|until| until >= GTD_BEFORE_MS)
}

// The reference is the order's own trigger price: "Limit price can't be higher than 3.15" for a trigger at 3 and 1.05.
pub(super) fn limit_above_trigger_band(case: &Case<'_>) -> bool {
    trigger_and_limit(case, Side::Buy)
        .zip(case.instrument.percent_price)
        .is_some_and(|((trigger, limit), band)| trigger.checked_mul(band.up).is_some_and(|bound| limit > bound))
}

pub(super) fn limit_below_trigger_band(case: &Case<'_>) -> bool {
    trigger_and_limit(case, Side::Sell)
        .zip(case.instrument.percent_price)
        .is_some_and(|((trigger, limit), band)| trigger.checked_mul(band.down).is_some_and(|bound| limit < bound))
}

fn trigger_and_limit(case: &Case<'_>, side: Side) -> Option<(Decimal, Decimal)> {
    let kind = &case.terms.kind;
    let (trigger, limit) = kind.trigger_price().zip(kind.price())?;
    (case.terms.side == side).then(|| (trigger.get(), limit.get()))
}

pub(super) fn callback_rate_bounds(case: &Case<'_>) -> bool {
    matches!(case.terms.kind, OrderKind::TrailingStopMarket { callback_percent, .. }
        if !(CALLBACK_MIN..=CALLBACK_MAX).contains(&callback_percent))
}

pub(super) fn activation(case: &Case<'_>) -> Option<Decimal> {
    match case.terms.kind {
        OrderKind::TrailingStopMarket { activation, .. } => activation.map(exec_core::units::Price::get),
        OrderKind::Market
        | OrderKind::Limit { .. }
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. } => None,
    }
}

pub(super) fn activation_price_zero(case: &Case<'_>) -> bool {
    activation(case).is_some_and(|price| price.is_zero())
}

pub(super) fn activation_price_above_max(case: &Case<'_>) -> bool {
    let max = case.instrument.price.max;
    !max.is_zero() && activation(case).is_some_and(|price| price > max)
}

pub(super) fn activation_price_below_min(case: &Case<'_>) -> bool {
    activation(case).is_some_and(|price| !price.is_zero() && price < case.instrument.price.min)
}

pub(super) fn activation_price_off_grid(case: &Case<'_>) -> bool {
    let grid = &case.instrument.price;
    activation(case).is_some_and(|price| grid.bounds(price) && !grid.holds(price))
}
