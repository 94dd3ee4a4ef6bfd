//! Orders that are executed beyond their quantity: told, once it is sure what their quantity is.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect},
    ids::IntentId,
};
use alloc::{format, vec::Vec};

impl Engine {
    /// The record of a change may have gone with the disk while the change had left: a recovery under way asks for the order's terms
    /// beside its trades, and its answers come in any order.
    pub(super) fn overfilled(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        if self.recovery.is_some() {
            self.overfills.insert(intent);
        } else {
            self.tell_overfill(intent, out);
        }
    }

    /// Everything was answered.
    pub(super) fn tell_overfills(&mut self, out: &mut Vec<Effect>) {
        for intent in core::mem::take(&mut self.overfills) {
            if self.books.order(intent).is_some_and(crate::order::Order::is_overfilled) {
                self.tell_overfill(intent, out);
            }
        }
    }

    fn tell_overfill(&mut self, intent: IntentId, out: &mut Vec<Effect>) {
        let twice = self.books.order(intent).is_some_and(|o| o.intent().terms.is_closing() && o.attempts().len() > 1);
        if twice {
            // Both of its attempts had their way, before one could be cancelled; the venue holds both to closing.
            let text = format!("order {intent} has closed more than it asked for: it triggered while it was changed");
            self.alert(out, AlertLevel::Warning, "closed_twice", text);
        } else {
            self.alert(out, AlertLevel::Critical, "overfill", format!("order {intent} is executed beyond its quantity"));
        }
    }
}
