//! Everybody's orders taken off the books of instruments, for an operator: repeated until the venue has done it.

use super::{Engine, InFlight};
use crate::{
    conversation::{AlertLevel, Effect, Request, Timer},
    ids::InstrumentId,
    venue::{CancelAll, CommandError, RejectClass},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};

/// Delay before a sweep that failed is sent again; doubles up to the longest.
const AGAIN_FIRST_MS: u64 = 250;
const AGAIN_LONGEST_MS: u64 = 5_000;
/// After so many the wish is too old: what was placed since would go with it. Our own orders each have a wish of their own.
const TRIES_MAX: u32 = 12;

/// Sweeps that the venue has not done yet, and how often each was sent.
pub(super) type Sweeps = BTreeMap<InstrumentId, u32>;

impl Engine {
    /// Takes whatever else stands on the book of an instrument, or of every instrument with open orders.
    pub(super) fn sweep_book(&mut self, instrument: Option<&InstrumentId>, out: &mut Vec<Effect>) {
        let mut books: BTreeSet<InstrumentId> = instrument.cloned().into_iter().collect();
        if instrument.is_none() {
            books.extend(self.config.instruments());
            books.extend(self.books.open_orders().map(|o| o.intent().terms.instrument.clone()));
        }
        for instrument in books {
            self.sweeps.insert(instrument.clone(), 0);
            self.send_sweep(instrument, out);
        }
    }

    fn send_sweep(&mut self, instrument: InstrumentId, out: &mut Vec<Effect>) {
        if let Some(tries) = self.sweeps.get_mut(&instrument) {
            *tries += 1;
        }
        let request = self.request_id();
        self.in_flight.insert(request, InFlight::CancelAll { instrument: instrument.clone() });
        out.push(Effect::Send(Request::CancelAll(CancelAll { request, instrument })));
    }

    /// The venue has swept a book, or not: then it is asked again.
    pub(super) fn swept(&mut self, instrument: InstrumentId, result: Result<(), CommandError>, out: &mut Vec<Effect>) {
        let Err(error) = result else {
            self.sweeps.remove(&instrument);
            return;
        };
        let tries = self.sweeps.get(&instrument).copied().unwrap_or(TRIES_MAX);
        let hopeless = matches!(&error, CommandError::Rejected(r) if matches!(r.class, RejectClass::Auth | RejectClass::Invalid));
        if hopeless || tries >= TRIES_MAX {
            self.sweeps.remove(&instrument);
            let text = format!("{instrument}: not asked again after {tries} times: {error}");
            self.alert(out, AlertLevel::Critical, "cancel_all_given_up", text);
            return;
        }
        if matches!(&error, CommandError::Rejected(r) if r.class == RejectClass::Clock) {
            self.lose_clock(out);
        }
        self.alert(out, AlertLevel::Warning, "cancel_all_failed", format!("{instrument}: {error}"));
        let delay = (AGAIN_FIRST_MS << tries.saturating_sub(1).min(8)).min(AGAIN_LONGEST_MS);
        self.set_timer(Timer::SweepBook(instrument), delay, out);
    }

    pub(super) fn sweep_again(&mut self, instrument: InstrumentId, out: &mut Vec<Effect>) {
        if self.sweeps.contains_key(&instrument) {
            self.send_sweep(instrument, out);
        }
    }
}
