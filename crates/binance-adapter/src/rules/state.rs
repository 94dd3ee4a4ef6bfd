//! Rules about prices, positions, counts and time: the venue may see others than we do. What is not known here breaks none.

use exec_core::{
    report::Quote,
    rules::Case,
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, TimeInForce, TriggerBy},
    units::{PositionMode, Price, Side},
};
use rust_decimal::Decimal;

use super::{
    CONDITIONAL_MAX,
    form::{activation, gtd_ms, limit_at},
};

const GTD_AHEAD_MS: u64 = 600_000;

pub(super) fn gtd_too_soon(case: &Case<'_>) -> bool {
    gtd_ms(case).is_some_and(|until| until <= case.now.plus_ms(GTD_AHEAD_MS).0)
}

/// The lowest and the highest that the watched price can be, as far as they are known. The last trade is not among our prices:
/// in a market that stands still it lies between bid and ask.
fn watched(quote: Quote, by: TriggerBy) -> (Option<Decimal>, Option<Decimal>) {
    match by {
        TriggerBy::Last => (quote.bid.map(Price::get), quote.ask.map(Price::get)),
        TriggerBy::Mark => (quote.mark.map(Price::get), quote.mark.map(Price::get)),
    }
}

pub(super) fn would_trigger(case: &Case<'_>) -> bool {
    let (trigger, rises) = match (&case.terms.kind, case.terms.side) {
        (OrderKind::StopMarket { trigger } | OrderKind::StopLimit { trigger, .. }, side) => (trigger, side == Side::Buy),
        (OrderKind::TakeProfitMarket { trigger } | OrderKind::TakeProfit { trigger, .. }, side) => (trigger, side == Side::Sell),
        (OrderKind::Market | OrderKind::Limit { .. } | OrderKind::TrailingStopMarket { .. }, _) => return false,
    };
    let (lowest, highest) = watched(case.quote, trigger.by);
    let price = trigger.price.get();
    if rises { lowest.is_some_and(|now| now >= price) } else { highest.is_some_and(|now| now <= price) }
}

pub(super) fn activation_passed(case: &Case<'_>) -> bool {
    let OrderKind::TrailingStopMarket { by, .. } = case.terms.kind else { return false };
    let Some(price) = activation(case) else { return false };
    let (lowest, highest) = watched(case.quote, by);
    match case.terms.side {
        Side::Buy => highest.is_some_and(|now| price >= now),
        Side::Sell => lowest.is_some_and(|now| price <= now),
    }
}

/// The price and the time in force of a LIMIT whose price the caller says.
fn limit(case: &Case<'_>) -> Option<(Decimal, TimeInForce)> {
    match case.terms.kind {
        OrderKind::Limit { price: LimitPrice::At(price), tif } => Some((price.get(), tif)),
        OrderKind::Limit { price: LimitPrice::Match(_), .. }
        | OrderKind::Market
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => None,
    }
}

/// The best price of the other side.
fn opposite(case: &Case<'_>) -> Option<Decimal> {
    match case.terms.side {
        Side::Buy => case.quote.ask,
        Side::Sell => case.quote.bid,
    }
    .map(Price::get)
}

/// The best price of the own side.
fn own(case: &Case<'_>) -> Option<Decimal> {
    match case.terms.side {
        Side::Buy => case.quote.bid,
        Side::Sell => case.quote.ask,
    }
    .map(Price::get)
}

/// Whether an order at `price` meets the best price of the other side; `None` while that is not known.
fn takes(case: &Case<'_>, price: Decimal) -> Option<bool> {
    let best = opposite(case)?;
    Some(match case.terms.side {
        Side::Buy => price >= best,
        Side::Sell => price <= best,
    })
}

pub(super) fn post_only_takes(case: &Case<'_>) -> bool {
    limit(case).is_some_and(|(price, tif)| tif == TimeInForce::Gtx && takes(case, price) == Some(true))
}

pub(super) fn fill_or_kill_out_of_reach(case: &Case<'_>) -> bool {
    let OrderKind::Limit { tif: TimeInForce::Fok, .. } = case.terms.kind else { return false };
    let out_of_reach = limit(case).is_some_and(|(price, _)| takes(case, price) == Some(false));
    let clamped = case.mode == PositionMode::Netting && case.terms.intention == Intention::Reduce;
    out_of_reach || (clamped && beyond_position(case))
}

/// Whether the order's quantity is more than it could close.
fn beyond_position(case: &Case<'_>) -> bool {
    closable(case).zip(case.terms.qty).is_some_and(|(room, qty)| qty.get() > room)
}

/// How much of the leg an order of this side can close; `None` while the leg is not known.
fn closable(case: &Case<'_>) -> Option<Decimal> {
    let held = case.held?.get();
    Some(
        match case.terms.side {
            Side::Buy => -held,
            Side::Sell => held,
        }
        .max(Decimal::ZERO),
    )
}

/// The price a LIMIT takes from the book, or what that is at least as far out as; `None` where the touch does not tell.
fn matched(case: &Case<'_>) -> Option<Decimal> {
    let (level, _) = limit_at(case)?;
    match level {
        // Deeper levels of the other side are further out: what the touch breaks, they break.
        PriceMatch::Opponent | PriceMatch::Opponent5 | PriceMatch::Opponent10 | PriceMatch::Opponent20 => opposite(case),
        PriceMatch::Queue => own(case),
        PriceMatch::Queue5 | PriceMatch::Queue10 | PriceMatch::Queue20 => None,
    }
}

/// The band around the mark price: highest of a BUY, lowest of a SELL.
fn band(case: &Case<'_>) -> Option<Decimal> {
    let (band, mark) = case.instrument.percent_price.zip(case.quote.mark)?;
    match case.terms.side {
        Side::Buy => mark.get().checked_mul(band.up),
        Side::Sell => mark.get().checked_mul(band.down),
    }
}

fn outside_of_band(case: &Case<'_>, price: Option<Decimal>) -> bool {
    price.zip(band(case)).is_some_and(|(price, bound)| match case.terms.side {
        Side::Buy => price > bound,
        Side::Sell => price < bound,
    })
}

pub(super) fn matched_price_above_band(case: &Case<'_>) -> bool {
    case.terms.side == Side::Buy && outside_of_band(case, matched(case))
}

pub(super) fn matched_price_below_band(case: &Case<'_>) -> bool {
    case.terms.side == Side::Sell && outside_of_band(case, matched(case))
}

pub(super) fn market_beyond_band(case: &Case<'_>) -> bool {
    case.terms.kind == OrderKind::Market && outside_of_band(case, opposite(case))
}

pub(super) fn open_orders_full(case: &Case<'_>) -> bool {
    // Whether what never rests is counted is not documented; it is left to the venue.
    matches!(case.terms.kind, OrderKind::Limit { tif, .. } if tif.rests())
        && case.instrument.open_orders_max.is_some_and(|max| case.open_orders >= max)
}

pub(super) fn conditional_orders_full(case: &Case<'_>) -> bool {
    case.terms.kind.is_conditional() && case.open_conditionals >= CONDITIONAL_MAX
}

/// What the venue values an order at, at the least. Conditional orders are valued at their trigger.
fn valued(case: &Case<'_>) -> Option<Decimal> {
    let price = match case.terms.kind {
        OrderKind::Market => opposite(case)?,
        OrderKind::Limit { price: LimitPrice::At(price), .. } => price.get(),
        OrderKind::Limit { price: LimitPrice::Match(_), .. } => matched(case)?,
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => return None,
    };
    match case.terms.side {
        Side::Buy => Some(price),
        // A sell is worth the mark price where it asks for less.
        Side::Sell => Some(price.max(case.quote.mark?.get())),
    }
}

pub(super) fn notional_above_bracket(case: &Case<'_>) -> bool {
    if case.terms.is_closing() {
        return false;
    }
    let (Some(max), Some(held), Some(mark), Some(price), Some(qty)) =
        (case.notional_max, case.held, case.quote.mark, valued(case), case.terms.qty)
    else {
        return false;
    };
    let held = held.get() * mark.get();
    let towards = match case.terms.side {
        Side::Buy => held,
        Side::Sell => -held,
    };
    towards + price * qty.get() > max
}

pub(super) fn nothing_to_reduce(case: &Case<'_>) -> bool {
    // The position behind a conditional order counts at its trigger.
    if case.terms.kind.is_conditional() || !case.terms.is_closing() {
        return false;
    }
    match case.mode {
        PositionMode::Netting => closable(case).is_some_and(|room| room.is_zero()),
        PositionMode::Hedging => beyond_position(case),
    }
}

pub(super) fn no_position_to_close(case: &Case<'_>) -> bool {
    case.terms.intention == Intention::CloseAll && closable(case).is_some_and(|room| room.is_zero())
}
