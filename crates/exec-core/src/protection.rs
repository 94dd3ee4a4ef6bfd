//! How much of a leg is protected by stops that stand at the venue. A figure; what is done about it is the engine's.

use crate::{
    books::Books,
    ids::{ClOrdId, InstrumentId},
    order::Order,
    plant::{Plant, planted},
    terms::{Intention, OrderKind},
    time::Timestamp,
    units::{PositionSide, Price, Qty, Side, SignedQty},
};
use serde::Serialize;

/// How much of a leg is protected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Protection {
    /// What the leg holds, without sign.
    pub held: Qty,
    /// What stops at the venue would close of it.
    pub covered: Qty,
    /// What none would close.
    pub uncovered: Qty,
    /// How many stops stand.
    pub stops: u32,
    /// Since when something is uncovered, while it is.
    pub unprotected_since: Option<Timestamp>,
    /// For how long something was uncovered in this run, until the last change.
    pub unprotected_ms: u64,
}

/// Counts the stops of a leg that holds `held` and that the venue would liquidate at `liquidation`. `still_counts` says of a stop that has triggered whether it may yet close.
pub fn protection(
    books: &Books,
    instrument: &InstrumentId,
    leg: PositionSide,
    held: SignedQty,
    liquidation: Option<Price>,
    still_counts: impl Fn(&ClOrdId) -> bool,
) -> Protection {
    let size = held.magnitude();
    let closes = if held.get().is_sign_negative() { Side::Buy } else { Side::Sell };
    let mut found = Protection { held: size, ..Protection::default() };
    for order in books.open_orders_of(instrument) {
        let terms = &order.intent().terms;
        let counts = terms.is_protective() || (planted(Plant::TakeProfitCounts) && terms.is_closing());
        if terms.leg != leg || terms.side != closes || !counts {
            continue;
        }
        let Some(open) = standing(order, &still_counts) else { continue };
        if !order.is_untriggered() || helps(order, closes, liquidation) {
            found.stops += 1;
            found.covered = found.covered.plus(if terms.intention == Intention::CloseAll { size } else { open });
        }
    }
    found.covered = found.covered.min(size);
    found.uncovered = size.saturating_sub(found.covered);
    found
}

/// How much an order that stands at the venue would still execute; `None` if it does not stand there.
fn standing(order: &Order, still_counts: &impl Fn(&ClOrdId) -> bool) -> Option<Qty> {
    let (id, attempt) = order.governing()?;
    let stands = attempt.seen_at_venue() && !attempt.is_over();
    let waits = !order.has_triggered(attempt) || still_counts(id);
    (stands && waits).then(|| order.qty().unwrap_or_default().saturating_sub(order.cum_qty()))
}

/// Whether the trigger comes before the liquidation does.
fn helps(order: &Order, closes: Side, liquidation: Option<Price>) -> bool {
    if matches!(order.intent().terms.kind, OrderKind::TrailingStopMarket { .. }) {
        return true;
    }
    let (Some(trigger), Some(liquidation)) = (order.trigger_price(), liquidation.filter(|p| !p.is_zero())) else {
        return true;
    };
    match closes {
        Side::Sell => trigger > liquidation,
        Side::Buy => trigger < liquidation,
    }
}
