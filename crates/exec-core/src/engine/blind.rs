//! What is done so that nothing happens unseen: positions are looked at although the stream is quiet, and entries that nobody can
//! watch are taken off the books. Whether the stream can be believed is judged in `watchdog`.

use super::{Asked, Engine};
use crate::{
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::InstrumentId,
    report::PositionReport,
    time::Timestamp,
    units::{PositionSide, SignedQty},
    venue::QueryError,
};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

/// How long fills may take to explain a position that was looked at.
const LOOK_AGAIN_MS: u64 = 1_000;
/// How often orders that appear while nothing is seen are looked for.
const CANCEL_AGAIN_MS: u64 = 5_000;
/// A start may take this long to see for the first time before what it found in its journal is taken off the books.
const START_MS: u64 = 60_000;

/// What is volatile about seeing.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// Since when nothing that the account does is surely seen.
    blind: Option<Timestamp>,
    /// Whether entries are being cancelled for that.
    cancels: bool,
    /// Whether a comparison has come to its end in this run.
    seen_once: bool,
    /// Legs that the venue had otherwise at the last look, and by how much.
    suspects: BTreeMap<(InstrumentId, PositionSide), SignedQty>,
    /// When the look that found them began.
    suspected: Option<Timestamp>,
    /// When a look last found everything as our books have it.
    agreed: Option<Timestamp>,
    /// What a look has found and the stream has not told.
    untold: Option<Untold>,
}

/// Something that happened at the venue and of which nothing was heard.
#[derive(Clone, Debug)]
struct Untold {
    /// It happened after this: all was well then.
    well: Timestamp,
    /// Since when it was known.
    since: Timestamp,
    text: String,
}

impl Engine {
    pub(super) fn has_seen_once(&self) -> bool {
        self.sight.seen_once
    }
    pub(super) fn is_cancelling_blind(&self) -> bool {
        self.sight.cancels
    }

    /// Everything was compared.
    pub(super) fn seen(&mut self, out: &mut Vec<Effect>) {
        self.sight.seen_once = true;
        self.sight.agreed = Some(self.now);
        if self.config.stream.look_every_ms > 0 && self.config.reconciliation {
            self.start_timer(Timer::Look, self.config.stream.look_every_ms, out);
        }
    }

    /// Begins or ends blindness, after every input.
    pub(super) fn update_sight(&mut self, out: &mut Vec<Effect>) {
        if !self.begun {
            return;
        }
        // While a successor is compared, the session before it goes on telling.
        let handed_over = self.outgoing.is_some() && self.sight.blind.is_none();
        let sees = self.stream_is_believed() && (self.reconciled || handed_over);
        match (sees, self.sight.blind) {
            (false, None) => self.blind_since(self.now, out),
            (true, Some(since)) => {
                self.sight.blind = None;
                if core::mem::take(&mut self.sight.cancels) {
                    let text = format!("the private stream is back after {} ms", self.now.ms_since(since));
                    self.alert(out, AlertLevel::Warning, "sees_again", text);
                }
            }
            (true, None) | (false, Some(_)) => (),
        }
    }

    pub(super) fn blind_since(&mut self, since: Timestamp, out: &mut Vec<Effect>) {
        let patience = self.config.stream.blind_cancel_ms;
        let since = self.sight.blind.map_or(since, |known| known.min(since));
        self.sight.blind = Some(since);
        if patience > 0 && !self.sight.cancels {
            let patience = if self.sight.seen_once { patience } else { patience.max(START_MS) };
            self.set_timer_at(Timer::Blind, since.plus_ms(patience).max(self.now.plus_ms(1)), out);
        }
    }

    /// Nothing was seen for too long: whatever can add risk goes, on both books; what closes stays.
    pub(super) fn blind_timer(&mut self, out: &mut Vec<Effect>) {
        let Some(since) = self.sight.blind else { return };
        if !core::mem::replace(&mut self.sight.cancels, true) {
            let text = format!(
                "nothing of the account was surely seen for {} ms: orders that can add risk are cancelled",
                self.now.ms_since(since)
            );
            self.alert(out, AlertLevel::Critical, "blind", text);
        }
        self.cancel_entries(|_| true, out);
        self.set_timer(Timer::Blind, CANCEL_AGAIN_MS, out);
    }

    /// Reads the legs, in quiet times too: the stream that says nothing may have something to say.
    pub(super) fn look_at_legs(&mut self, out: &mut Vec<Effect>) {
        if self.config.stream.look_every_ms > 0 {
            self.set_timer(Timer::Look, self.config.stream.look_every_ms, out);
        }
        let instruments = self.at_stake();
        // A recovery reads them, too.
        if self.recovery.is_none() && !instruments.is_empty() {
            let begun = self.now;
            self.ask(Asked::Look { begun }, Query::Positions(instruments), out);
        }
    }

    pub(super) fn looked(&mut self, begun: Timestamp, result: Result<Vec<PositionReport>, QueryError>, out: &mut Vec<Effect>) {
        // A failed question says nothing about any leg.
        let Ok(rows) = result else { return };
        self.judge_silence(out);
        let found = self.unlike(&rows);
        let before = core::mem::take(&mut self.sight.suspects);
        if found.is_empty() {
            self.sight.agreed = Some(begun);
            return;
        }
        // What is on its way is different a second later; what was lost is not.
        let lost = found.iter().find(|(leg, by)| before.get(*leg) == Some(*by));
        let Some((leg, by)) = lost else {
            self.sight.suspects = found;
            self.sight.suspected = Some(begun);
            self.set_timer(Timer::Look, LOOK_AGAIN_MS.min(self.config.stream.look_every_ms.max(1)), out);
            return;
        };
        let text = format!("{} {:?} is {by} more at the venue than in the books", leg.0, leg.1);
        self.alert(out, AlertLevel::Warning, "position_unexplained", text.clone());
        let (well, since) = (self.sight.agreed.unwrap_or(begun), self.sight.suspected.unwrap_or(begun));
        self.sight.untold.get_or_insert(Untold { well, since, text });
        self.judge_silence(out);
        self.recover(out);
    }

    /// The stream is dead if something happened, and nothing at all was heard from before it until long after. A comparison brings
    /// the books up to it sooner than that; it does not make the stream speak.
    fn judge_silence(&mut self, out: &mut Vec<Effect>) {
        let Some(untold) = self.sight.untold.take() else { return };
        if self.watchdog.heard > untold.well {
            return;
        }
        if self.now.ms_since(untold.well) >= self.patience_ms() {
            self.stream_is_dead(format!("{}, and nothing was heard of it", untold.text), untold.since, out);
        } else {
            self.sight.untold = Some(untold);
        }
    }

    /// The legs that the venue has otherwise than our books, and by how much more.
    fn unlike(&mut self, rows: &[PositionReport]) -> BTreeMap<(InstrumentId, PositionSide), SignedQty> {
        self.take_margin(rows);
        let mode = self.config.mode;
        let mut venue: BTreeMap<(InstrumentId, PositionSide), SignedQty> = BTreeMap::new();
        // A leg that is not in the answer is flat.
        venue.extend(
            self.books.positions().filter(|(_, leg, _)| mode.has(*leg)).map(|(i, leg, _)| ((i.clone(), leg), SignedQty::ZERO)),
        );
        for row in rows.iter().filter(|p| mode.has(p.leg)) {
            venue.insert((row.instrument.clone(), row.leg), row.qty);
            if let Some(price) = row.liquidation_px {
                self.liquidation.insert((row.instrument.clone(), row.leg), price);
            }
        }
        let known = |(instrument, leg): &(InstrumentId, PositionSide)| {
            self.differences.iter().any(|d| d.instrument == *instrument && d.leg == *leg)
        };
        let by = |key: &(InstrumentId, PositionSide), qty: SignedQty| qty.plus(-self.books.position_qty(&key.0, key.1).get());
        venue
            .into_iter()
            .filter(|(key, _)| !known(key))
            .map(|(key, qty)| (by(&key, qty), key))
            .filter(|(by, _)| !by.is_zero())
            .map(|(by, key)| (key, by))
            .collect()
    }
}
