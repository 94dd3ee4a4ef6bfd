//! Reads the limits of an account, of its instruments and of a strategy. What they hold is said in the core.

use crate::{
    account::instrument,
    profile::{DefaultLimits, Profile},
    read::whole_u32,
    section::{Found, Section},
};
use exec_core::{
    exposure::Limits,
    ids::InstrumentId,
    limits::{Bound, Bounds, Pace, Solvency},
};
use rust_decimal::Decimal;
use std::ops::RangeInclusive;

/// All limits of an account, and the names of instruments among them.
pub(crate) struct AccountLimits {
    pub(crate) limits: Limits,
    pub(crate) bounds: Bounds,
    pub(crate) solvency: Solvency,
}

/// The collars that are taken.
fn collars() -> RangeInclusive<Decimal> {
    Decimal::new(1, 4)..=Decimal::new(5, 1)
}

fn money() -> RangeInclusive<Decimal> {
    Decimal::new(1, 2)..=Decimal::from(1_000_000_000_000_i64)
}

/// The limits of an account. Outside of the simulated profile each limit of money must be there, and each that is missing is named.
pub(crate) fn account(s: &mut Section<'_>, profile: Profile) -> (Option<AccountLimits>, Vec<Found<InstrumentId>>) {
    let default = profile.defaults().limits;
    let mut s = s.section("limits");
    let advice = format!("limits of money have no default in a {profile} node");
    let figure =
        |s: &mut Section<'_>, key: &'static str, range: RangeInclusive<Decimal>, default: Option<Decimal>, what: &str| {
            let value = s.decimal(key, range);
            if value.is_none() && default.is_none() && !s.says(key) {
                s.wrong(key, "is missing", format!("{advice}: write {what}"));
            }
            value.or(default)
        };
    let usual = |of: fn(&DefaultLimits) -> Decimal| default.as_ref().map(of);
    let order = figure(
        &mut s,
        "order_notional_max",
        money(),
        usual(|l| l.limits.order_notional_max),
        "the most that one opening order may be worth, in USDT",
    );
    let position = figure(
        &mut s,
        "position_notional_max",
        money(),
        usual(|l| l.limits.position_notional_max),
        "the most that one leg may be worth with all that is open, in USDT",
    );
    let collar = figure(
        &mut s,
        "collar",
        collars(),
        usual(|l| l.limits.collar),
        "how far a market order may pay from the reference price, as a fraction: 0.05",
    );
    let daily_loss = figure(
        &mut s,
        "daily_loss_max",
        money(),
        usual(|l| l.daily_loss_max),
        "the most that the account may lose in a day of UTC, in USDT",
    );
    let open = whole_u32(&mut s, "open_orders_max", 1, 100_000);
    if open.is_none() && default.is_none() && !s.says("open_orders_max") {
        s.wrong("open_orders_max", "is missing", format!("{advice}: write how many orders may be open at once"));
    }
    let open = open.or(default.map(|l| l.limits.open_orders_max));
    if let (Some(order), Some(position)) = (order, position)
        && order > position
    {
        s.wrong(
            "order_notional_max",
            format!("{order} is more than position_notional_max {position}"),
            "one order may not be worth more than the position it makes",
        );
    }
    let gross_notional_max = s.decimal("gross_notional_max", money());
    let leverage_max = s.decimal("leverage_max", Decimal::new(1, 2)..=Decimal::from(125));
    let pace = pace(&mut s, profile.defaults().account_pace);
    let flatten_on_loss = s.flag("flatten_on_loss", false);
    let share = Decimal::new(1, 3)..=Decimal::ONE;
    let margin_ratio_max = s.decimal("margin_ratio_max", share).unwrap_or(Decimal::new(5, 1));
    let distance = Decimal::ZERO..=Decimal::new(9, 1);
    let liquidation_distance_min = s.decimal("liquidation_distance_min", distance).unwrap_or(Decimal::new(5, 2));
    let mut named = Vec::new();
    let mut instruments = std::collections::BTreeMap::new();
    for (name, mut section) in s.section("instruments").all_named() {
        let Some(found) = instrument(&section, "", name) else { continue };
        instruments.insert(found.value.clone(), bound(&mut section, true, Pace::default()));
        section.finish();
        named.push(found);
    }
    s.finish();
    let all = (|| {
        Some(AccountLimits {
            limits: Limits {
                order_notional_max: order?,
                position_notional_max: position?,
                open_orders_max: open?,
                collar: collar?,
            },
            bounds: Bounds { pace, gross_notional_max, leverage_max, instruments, ..Bounds::default() },
            solvency: Solvency {
                daily_loss_max: Some(daily_loss?),
                flatten_on_loss,
                margin_ratio_max: Some(margin_ratio_max),
                liquidation_distance_min,
            },
        })
    })();
    (all, named)
}

/// The limits of a strategy.
pub(crate) fn strategy(s: &mut Section<'_>, profile: Profile) -> Bound {
    let mut s = s.section("limits");
    let bound = bound(&mut s, false, profile.defaults().strategy_pace);
    s.finish();
    bound
}

fn bound(s: &mut Section<'_>, of_instrument: bool, usual: Pace) -> Bound {
    let quantity = Decimal::new(1, 12)..=Decimal::from(1_000_000_000_000_i64);
    Bound {
        order_notional_max: s.decimal("order_notional_max", money()),
        // Units of different instruments are not alike, so only an instrument has it.
        order_qty_max: if of_instrument { s.decimal("order_qty_max", quantity) } else { None },
        position_notional_max: s.decimal("position_notional_max", money()),
        open_orders_max: whole_u32(s, "open_orders_max", 1, 100_000),
        collar: s.decimal("collar", collars()),
        pace: pace(s, usual),
    }
}

fn pace(s: &mut Section<'_>, usual: Pace) -> Pace {
    Pace {
        per_second: whole_u32(s, "orders_per_second_max", 1, 1_000_000).or(usual.per_second),
        per_minute: whole_u32(s, "orders_per_minute_max", 1, 10_000_000).or(usual.per_minute),
    }
}
