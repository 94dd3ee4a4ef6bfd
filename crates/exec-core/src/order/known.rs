//! What is known of an order, said again as facts: learning them anew gives the same order. For snapshots; not a log of how it came.

use super::{
    Contradiction, Order,
    attempt::{AttemptFacts, VenueEnding},
    event::{OrderEvent, RequestState},
    intent::Intent,
};
use crate::{ids::ClOrdId, units::Qty};
use alloc::vec::Vec;

impl Order {
    /// The facts that teach everything that is known, in an order in which each of them fits.
    pub fn known(&self) -> Vec<OrderEvent> {
        let mut facts = Vec::new();
        facts.extend(self.denied.clone().map(OrderEvent::Denied));
        for (request, replace) in &self.replaces {
            facts.push(OrderEvent::ReplaceRequested { request: *request, terms: replace.terms, how: replace.how });
            if replace.state != RequestState::Open {
                facts.push(OrderEvent::ReplaceAnswered { request: *request, state: replace.state.clone() });
            }
        }
        for (cl_ord_id, attempt) in &self.attempts {
            attempt.known(*cl_ord_id, &mut facts);
        }
        for (request, cancel) in &self.cancels {
            facts.push(OrderEvent::CancelRequested { request: *request, only: cancel.only });
            if cancel.state != RequestState::Open {
                facts.push(OrderEvent::CancelAnswered { request: *request, state: cancel.state.clone() });
            }
        }
        facts.extend(self.given_up.map(OrderEvent::GivenUp));
        facts
    }

    /// The order of which these facts are known.
    ///
    /// # Errors
    /// [`Contradiction`]: no order has ever said this of itself.
    pub(crate) fn of_known(intent: Intent, facts: &[OrderEvent]) -> Result<Self, Contradiction> {
        let mut order = Self::new(intent);
        for fact in facts {
            order.merge(fact)?;
        }
        Ok(order)
    }
}

impl AttemptFacts {
    fn known(&self, cl_ord_id: ClOrdId, facts: &mut Vec<OrderEvent>) {
        match self.header {
            Some(header) => facts.push(OrderEvent::Attempted { cl_ord_id, header }),
            None => facts.push(OrderEvent::Adopted { cl_ord_id, history: Qty::ZERO }),
        }
        if !self.history.is_zero() {
            facts.push(OrderEvent::Adopted { cl_ord_id, history: self.history });
        }
        facts.extend(self.doubted.map(|since| OrderEvent::Doubted { cl_ord_id, since }));
        if self.accepted {
            facts.push(OrderEvent::Accepted { cl_ord_id, order_id: self.order_id, algo_id: self.algo_id });
        }
        facts.extend(self.rejected.clone().map(|rejection| OrderEvent::Rejected { cl_ord_id, rejection }));
        facts.extend(self.not_sent.clone().map(|why| OrderEvent::NotSent { cl_ord_id, why }));
        facts.extend(self.dead.map(|proof| OrderEvent::Dead { cl_ord_id, proof }));
        if self.activated {
            facts.push(OrderEvent::Activated { cl_ord_id });
        }
        if self.triggered {
            facts.push(OrderEvent::Triggered { cl_ord_id });
        }
        facts.extend(self.terms.map(|(version, terms)| OrderEvent::Terms { cl_ord_id, version, terms }));
        facts.extend(self.fills.values().map(|fill| OrderEvent::Executed { cl_ord_id, fill: fill.clone() }));
        if self.cum_qty > self.attributed_qty() {
            facts.push(OrderEvent::CumQty { cl_ord_id, qty: self.cum_qty, avg_px: self.floor_px });
        }
        facts.extend(self.vanished.map(|proof| OrderEvent::Vanished { cl_ord_id, proof }));
        match self.ending {
            Some(VenueEnding::Canceled) => facts.push(OrderEvent::Canceled { cl_ord_id }),
            Some(VenueEnding::Expired(reason)) => facts.push(OrderEvent::Expired { cl_ord_id, reason }),
            // Said by its proof.
            Some(VenueEnding::Vanished) | None => (),
        }
    }
}
