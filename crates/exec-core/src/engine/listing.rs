//! What the venue says about instruments, as it changes: a changed grid, bound or status is a fact in the journal, and what is not traded, or
//! ends soon, takes no new risk. Its exits and stops stay.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect},
    ids::InstrumentId,
    instrument::{Instrument, TradingStatus},
    record::Record,
    time::VenueTime,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

impl Engine {
    pub(super) fn take_instruments(&mut self, all: Vec<Instrument>, out: &mut Vec<Effect>) {
        let all: BTreeMap<_, _> = all.into_iter().map(|i| (i.id.clone(), i)).collect();
        let before = core::mem::replace(&mut self.instruments, all);
        if !before.is_empty() {
            for id in self.of_interest() {
                let what = match (before.get(&id), self.instruments.get(&id)) {
                    (Some(old), Some(new)) => new.changes(old).join("; "),
                    (Some(_), None) => String::from("the venue lists it no more"),
                    (None, Some(_)) => String::from("the venue lists it"),
                    (None, None) => continue,
                };
                if !what.is_empty() {
                    self.alert(out, AlertLevel::Warning, "instrument_changed", format!("{id}: {what}"));
                    self.record(Record::InstrumentChanged { instrument: id, what, at: self.now }, out);
                }
            }
        }
        self.keep_listing(out);
    }

    /// Takes entries off the books of instruments that take no new risk, once each time it comes to that.
    pub(super) fn keep_listing(&mut self, out: &mut Vec<Effect>) {
        let unlisted = |id: &InstrumentId| {
            // One that is missing from a list is denied new risk, and costs no resting order: a list may be short by mistake.
            let Some(now) = self.instruments.get(id) else { return false };
            now.status != TradingStatus::Trading || self.end_of(id).is_some()
        };
        let shut: BTreeSet<InstrumentId> = self.of_interest().into_iter().filter(unlisted).collect();
        let known = core::mem::replace(&mut self.unlisted, shut);
        if known != self.unlisted {
            self.push_report(out);
        }
        for id in self.unlisted.clone() {
            if !known.contains(&id) {
                self.alert(out, AlertLevel::Warning, "instrument_reduces", format!("{id} takes no new risk; its entries go"));
                self.cancel_entries(|intent| intent.terms.instrument == id, out);
            }
        }
    }

    /// When an instrument ends, where that is near.
    pub(super) fn end_of(&self, instrument: &InstrumentId) -> Option<VenueTime> {
        let listed = self.instruments.get(instrument)?;
        listed.delivery.filter(|_| listed.ends_soon(self.venue_time()))
    }

    /// What is traded here, held, or on the books.
    fn of_interest(&self) -> BTreeSet<InstrumentId> {
        let held = self.books.positions().filter(|(.., position)| !position.qty().is_zero()).map(|(id, ..)| id.clone());
        let open = self.books.open_orders().map(|order| order.intent().terms.instrument.clone());
        self.config.instruments().into_iter().chain(held).chain(open).collect()
    }
}
