//! What became of the orders that were on the wire when the node was killed, as its journal tells it. It knows nothing of the exchange.

use exec_core::{
    books::Books,
    ids::{ClOrdId, IntentId},
    order::{Order, event::OrderEvent},
    record::Record,
    units::Side,
};
use std::collections::BTreeMap;

/// Watches the records of a journal for attempts that one life began and another had to settle.
#[derive(Debug, Default)]
pub(crate) struct WireWatch {
    life: u32,
    /// Attempts without an outcome, with the life that made them.
    out: BTreeMap<ClOrdId, (IntentId, u32)>,
    left_behind: Vec<(IntentId, ClOrdId)>,
}

impl WireWatch {
    pub(crate) fn see(&mut self, record: &Record) {
        match record {
            Record::Started { .. } => {
                self.life += 1;
                let (life, out) = (self.life, &self.out);
                self.left_behind
                    .extend(out.iter().filter(|(_, (_, made))| made + 1 == life).map(|(id, (intent, _))| (*intent, *id)));
            }
            Record::Order { intent, event: OrderEvent::Attempted { cl_ord_id, .. }, .. } => {
                self.out.insert(*cl_ord_id, (*intent, self.life));
            }
            Record::Order { event: OrderEvent::Doubted { .. }, .. } => (),
            Record::Order { event, .. } => {
                if let Some(id) = event.cl_ord_id() {
                    self.out.remove(id);
                }
            }
            _ => (),
        }
    }

    /// One line for each order that was on the wire, with how it ended.
    pub(crate) fn close(self, books: &Books) -> Vec<String> {
        let told = self.left_behind.iter().filter_map(|(intent, id)| {
            let order = books.order(*intent)?;
            let attempt = order.attempts().get(id)?;
            let fate = match (attempt.seen_at_venue(), attempt.rejection(), attempt.death_proof()) {
                (true, ..) => "it had arrived",
                (false, Some(_), _) => "it was refused",
                (false, None, Some(_)) => "it never arrived",
                (false, None, None) => "nobody knows",
            };
            Some(format!("on the wire at the kill: {}: {fate}, and ended {:?}", describe(order), order.status()))
        });
        told.collect()
    }
}

fn describe(order: &Order) -> String {
    let terms = &order.intent().terms;
    let side = match terms.side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let qty = order.qty().map_or_else(String::new, |q| format!(" {q}"));
    let price = order.price().map_or_else(String::new, |p| format!(" at {}", p.get().normalize()));
    format!("{side}{qty} {} {}{price}", terms.instrument.symbol(), terms.kind.name())
}
