//! Shares of one NETTING position that several strategies hold. The venue's hold to reducing speaks about the account's net and
//! never about a share, so what it does not execute of a close for want of a net is sent as what it is there: new risk.

use super::Engine;
use crate::{
    command::NewOrder,
    conversation::{AlertLevel, Effect},
    ids::{InstrumentId, IntentId},
    order::{
        Order,
        intent::{Handling, Owner},
    },
    plant::{Plant, planted},
    pretrade::Denial,
    strategy::mix,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionMode, Qty, SignedQty},
};
use alloc::{format, string::String, vec::Vec};
use rust_decimal::Decimal;

const REST: u128 = 0x7368_6172_6500_0000;

impl Engine {
    /// Whether several strategies may hold a share of an instrument's position.
    pub(super) fn is_shared(&self, instrument: &InstrumentId) -> bool {
        self.config.mode == PositionMode::Netting && self.config.sharing.instruments.contains(instrument)
    }

    /// What closes may close a strategy's own share and no more of it, and never the position as a whole.
    ///
    /// # Errors
    /// [`Denial`]: it would close what others hold.
    pub(super) fn held_to_share(&self, owner: &Owner, terms: &Terms, qty: Option<Qty>) -> Result<Option<Qty>, Denial> {
        if owner.strategy().is_none() || !self.is_shared(&terms.instrument) || !terms.is_closing() {
            return Ok(qty);
        }
        if terms.intention == Intention::CloseAll {
            return Err(Denial::Unsupported(String::from("closing all of an instrument that strategies share")));
        }
        if terms.kind.is_conditional() {
            // The share counts when it triggers, and may be another then.
            return Ok(qty);
        }
        let share = against(self.books.share(owner, &terms.instrument, terms.leg), terms);
        if share.is_zero() { Err(Denial::NothingToClose) } else { Ok(qty.map(|qty| qty.min(share))) }
    }

    /// A close that should have executed by now has ended without a net to reduce: what is left of its share is closed by an order
    /// of its own, checked as new risk. Called after every fact about an order.
    pub(super) fn close_share(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        if self.config.sharing.instruments.is_empty() {
            return;
        }
        let Some(order) = self.books.order(intent) else { return };
        let (owner, terms) = (&order.intent().owner, &order.intent().terms);
        let own = owner.strategy().is_some() && terms.is_closing() && self.is_shared(&terms.instrument);
        if !own || !order.status().is_ended() || order.cancel_wished() || !should_have_executed(order) {
            return;
        }
        let net = against(self.books.position_qty(&terms.instrument, terms.leg), terms);
        let share = against(self.books.share(owner, &terms.instrument, terms.leg), terms);
        let left = order.intent().terms.qty.unwrap_or_default().saturating_sub(order.cum_qty()).min(share);
        let rest = IntentId(mix(intent.0, REST));
        // With a net left it has ended for another reason, and whoever placed it decides.
        if !net.is_zero() || left.is_zero() || self.books.order(rest).is_some() {
            return;
        }
        let intention = if planted(Plant::ShareBeyondNet) { Intention::Reduce } else { Intention::Open };
        let (owner, terms) = (owner.clone(), Terms { intention, kind: OrderKind::Market, qty: Some(left), ..terms.clone() });
        let text = format!(
            "order {intent}: the account has no net to reduce, so {left} of its share are closed as new risk by order {rest}"
        );
        self.alert(out, AlertLevel::Info, "share_closed_as_new_risk", text);
        self.submit(owner, NewOrder { intent: rest, terms, handling: Handling::default(), list: None }, out);
    }
}

/// What is held in the direction that an order closes.
fn against(held: SignedQty, terms: &Terms) -> Qty {
    Qty::new((-held.get() * terms.side.sign()).max(Decimal::ZERO)).unwrap_or_default()
}

/// Whether an order takes what there is at once: it does not rest, or its condition was met.
fn should_have_executed(order: &Order) -> bool {
    let sent = order
        .attempts()
        .values()
        .any(|a| a.seen_at_venue() || a.rejection().is_some_and(|r| r.class == crate::venue::RejectClass::NothingToClose));
    let at_once = match order.intent().terms.kind {
        OrderKind::Market => true,
        OrderKind::Limit { tif, .. } => matches!(tif, TimeInForce::Ioc | TimeInForce::Fok),
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => order.attempts().values().any(|a| {
            // A refusal that a report tells is one at its trigger.
            order.has_triggered(a) || a.rejection().is_some_and(|r| r.is_reported())
        }),
    };
    sent && at_once
}
