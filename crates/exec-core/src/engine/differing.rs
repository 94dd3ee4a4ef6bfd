//! Legs that books and venue see differently: told, asked for again, explained, settled. How they are found is `recovery`.

use super::{Asked, Engine};
use crate::{
    conversation::{AlertLevel, Answer, Effect, Query, Timer},
    ids::{InstrumentId, QueryId, TradeId},
    order::{
        Order,
        event::OrderEvent,
        intent::{Owner, Provenance},
    },
    reconcile::{self, Difference},
    record::{Adjustment, LatchCause, Record, TradeCursor},
    report::{MassStatus, PositionReport, Source},
    time::VenueTime,
    unequal::{DifferencePolicy, Evidence, Explanation},
    units::{PositionSide, Price, SignedQty},
    venue::{Trades, TradesFrom},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

/// How often what would explain a difference is asked for.
const AGAIN_MS: u64 = 5_000;
/// How often the same figures must be seen before a difference is explained or adopted without being asked.
const SEEN_TWICE: u32 = 2;

type Leg = (InstrumentId, PositionSide);

/// What was looked at, and what is being looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Differing {
    looks: BTreeMap<Leg, Look>,
    reads: BTreeMap<InstrumentId, Read>,
    /// Instruments whose trades the venue refuses to list, and why.
    pub(super) refused: BTreeMap<InstrumentId, String>,
    agreed: BTreeMap<InstrumentId, VenueTime>,
    probes: BTreeMap<InstrumentId, Probe>,
}

/// The last comparison of a leg that differs.
#[derive(Clone, Debug)]
struct Look {
    since: VenueTime,
    looks: u32,
    /// How often in a row with these figures.
    same: u32,
    cut: Option<TradeId>,
    at: VenueTime,
    entry_px: Option<Price>,
    mark_px: Option<Price>,
}

/// What the venue has listed since the legs of an instrument were equal.
#[derive(Clone, Copy, Debug)]
struct Read {
    trades: u32,
    reaches_back: bool,
}

/// One instrument asked for again: trades, then positions, then trades once more. Without news in the last answer the first two
/// are one cut.
#[derive(Clone, Debug)]
struct Probe {
    query: QueryId,
    at: VenueTime,
    cut: Option<TradeId>,
    /// Once it is known.
    rows: Option<Vec<PositionReport>>,
}

impl Differing {
    /// Counts what a list of trades held.
    pub(super) fn read(&mut self, instrument: &InstrumentId, trades: &Trades) {
        let read = self.reads.entry(instrument.clone()).or_insert(Read { trades: 0, reaches_back: true });
        read.trades = read.trades.saturating_add(u32::try_from(trades.trades.len()).unwrap_or(u32::MAX));
        // One that is cut off at its end is read on; what its beginning leaves out nobody tells.
        read.reaches_back &= trades.complete || !trades.trades.is_empty();
    }

    /// Instruments whose trades the venue does not list back to where our books end.
    fn cut_short(&self) -> impl Iterator<Item = &InstrumentId> {
        self.reads.iter().filter(|(_, read)| !read.reaches_back).map(|(instrument, _)| instrument)
    }
}

impl Engine {
    /// Whether a comparison with the venue is under way.
    pub const fn is_comparing(&self) -> bool {
        self.recovery.is_some()
    }
    /// Every leg that differs, with what was looked at, the likely cause, and what would settle it.
    pub fn explanations(&self) -> Vec<Explanation> {
        self.differences.iter().map(|d| self.explanation(d)).collect()
    }

    fn explanation(&self, difference: &Difference) -> Explanation {
        let key = (difference.instrument.clone(), difference.leg);
        let look = self.differing.looks.get(&key);
        let read = self.differing.reads.get(&key.0);
        let agreed = self.differing.agreed.get(&key.0).copied();
        let since = agreed.or_else(|| look.map(|l| l.since)).unwrap_or_default();
        let here = |o: &&Order| (&o.intent().terms.instrument, o.leg()) == (&key.0, key.1);
        let moved = |o: &&Order| o.fills().any(|(_, fill)| fill.at >= since);
        let made = |wanted: fn(Provenance) -> bool| {
            let orders = self.books.orders().filter(here).filter(moved).filter(move |o| wanted(o.intent().provenance));
            orders.map(|o| o.intent().id).collect()
        };
        let gaps = self.books.unexplained(&key.0, key.1);
        let gap = |o: &Order| SignedQty::ZERO.plus(o.unattributed_qty().get() * o.intent().terms.side.sign());
        let evidence = Evidence {
            cut: look.and_then(|l| l.cut),
            at: look.map(|l| l.at).unwrap_or_default(),
            since: look.map(|l| l.since).unwrap_or_default(),
            looks: look.map_or(0, |l| l.looks),
            agreed,
            cursor: self.books.trade_cursor(&key.0).cloned(),
            trades: read.map_or(0, |r| r.trades),
            reaches_back: read.is_none_or(|r| r.reaches_back),
            refused: self.differing.refused.get(&key.0).cloned(),
            gaps: gaps.map(|o| (o.intent().id, gap(o))).collect(),
            foreign: made(|p| p == Provenance::Foreign),
            forced: made(|p| matches!(p, Provenance::Exchange(_))),
        };
        Explanation::new(difference.clone(), evidence, &self.config.differences)
    }

    /// Takes the outcome of a comparison: of everything, or of one instrument.
    pub(super) fn judge(
        &mut self,
        found: Vec<Difference>,
        status: &MassStatus,
        only: Option<&InstrumentId>,
        out: &mut Vec<Effect>,
    ) {
        let (compared, others): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.differences).into_iter().partition(|d| only.is_none_or(|only| d.instrument == *only));
        for difference in &found {
            self.look_closer(difference, compared.contains(difference), status);
        }
        let differs: BTreeSet<InstrumentId> = found.iter().map(|d| d.instrument.clone()).collect();
        for old in compared.iter().filter(|d| found.iter().all(|f| (&f.instrument, f.leg) != (&d.instrument, d.leg))) {
            self.alert(out, AlertLevel::Info, "difference_explained", format!("{} {:?} is equal again", old.instrument, old.leg));
        }
        let fresh: Vec<_> = found.iter().filter(|d| !compared.contains(d)).cloned().collect();
        self.differences = others;
        self.differences.extend(found);
        self.agree(&differs, status, only, out);
        self.recognise_history(out);
        for difference in fresh {
            self.tell_difference(&difference, out);
        }
        self.adopt_by_itself(out);
        self.restrict();
        if self.differences.iter().any(|d| self.is_asked_for(d)) {
            self.start_timer(Timer::Difference, AGAIN_MS, out);
        }
    }

    fn look_closer(&mut self, difference: &Difference, same: bool, status: &MassStatus) {
        let (instrument, leg) = (&difference.instrument, difference.leg);
        let row = status.positions.iter().find(|p| p.instrument == *instrument && p.leg == leg);
        let looks = &mut self.differing.looks;
        let before = looks.get(&(instrument.clone(), leg));
        let look = Look {
            since: before.map_or(status.asked, |l| l.since),
            looks: before.map_or(0, |l| l.looks).saturating_add(1),
            same: before.filter(|_| same).map_or(0, |l| l.same).saturating_add(1),
            cut: reconcile::cut_of(status, instrument).copied(),
            at: status.asked,
            entry_px: row.and_then(|p| p.entry_px),
            mark_px: row.and_then(|p| p.mark_px),
        };
        looks.insert((instrument.clone(), leg), look);
    }

    /// Notes where nothing differs at this cut.
    fn agree(
        &mut self,
        differs: &BTreeSet<InstrumentId>,
        status: &MassStatus,
        only: Option<&InstrumentId>,
        out: &mut Vec<Effect>,
    ) {
        let equal = |i: &InstrumentId| only.is_none_or(|only| i == only) && !differs.contains(i);
        let stands: BTreeSet<Leg> = self.differences.iter().map(|d| (d.instrument.clone(), d.leg)).collect();
        self.differing.looks.retain(|leg, _| stands.contains(leg));
        let cut_short: Vec<InstrumentId> = self.differing.cut_short().filter(|i| equal(i)).cloned().collect();
        for instrument in cut_short {
            // What was traded where no list reaches back to is in a position that is equal: trades are read from here on.
            let after = reconcile::cut_of(status, &instrument).copied();
            if self.books.trade_cursor(&instrument).is_some_and(|known| known.at < status.asked) {
                self.record(Record::TradeCursor(TradeCursor { instrument, after, at: status.asked }), out);
            }
        }
        self.differing.reads.retain(|i, _| !equal(i));
        let held: BTreeSet<InstrumentId> = self.books.positions().map(|(i, ..)| i.clone()).filter(|i| equal(i)).collect();
        self.differing.agreed.extend(held.into_iter().map(|i| (i, status.asked)));
    }

    fn tell_difference(&mut self, difference: &Difference, out: &mut Vec<Effect>) {
        let explanation = self.explanation(difference);
        let text = format!("{difference}; likely cause: {}; policy: {}", explanation.cause, explanation.policy);
        let level = match explanation.policy {
            DifferencePolicy::Reduce | DifferencePolicy::Adopt | DifferencePolicy::Halt => AlertLevel::Critical,
            DifferencePolicy::Ignore => AlertLevel::Warning,
        };
        self.alert(out, level, "difference", text.clone());
        if explanation.policy == DifferencePolicy::Halt {
            self.latch(LatchCause::Difference(difference.instrument.clone()), format!("books and venue differ: {text}"), out);
            self.cancel_entries(|i| i.terms.instrument == difference.instrument, out);
        }
    }

    /// Which instruments take no new risk, and why.
    fn restrict(&mut self) {
        let kept = self.differences.iter().filter(|d| self.config.differences.of(&d.instrument) != DifferencePolicy::Ignore);
        let why = |d: &Difference| (d.instrument.clone(), format!("books and venue differ: {d}"));
        self.restricted = kept.map(why).collect();
        self.restricted.extend(self.differing.refused.clone());
    }

    fn is_asked_for(&self, difference: &Difference) -> bool {
        self.config.differences.of(&difference.instrument) != DifferencePolicy::Ignore
            && !self.differing.refused.contains_key(&difference.instrument)
    }

    /// What the venue says a leg holds, where that is not what the books say: limits count the larger of both.
    pub(super) fn other_figure(&self, instrument: &InstrumentId, leg: PositionSide) -> Option<SignedQty> {
        // Nothing is looked up where nothing differs: this is asked for every order.
        let differs = self.differences.iter().any(|d| d.instrument == *instrument && d.leg == leg);
        if differs { self.venue_positions.get(&(instrument.clone(), leg)).copied() } else { None }
    }

    pub(super) fn ask_for_explanations(&mut self, out: &mut Vec<Effect>) {
        if self.differences.is_empty() {
            return;
        }
        self.start_timer(Timer::Difference, AGAIN_MS, out);
        // A recovery compares everything, and what it finds is newer.
        if self.link.is_none() || !self.reconciled || self.recovery.is_some() {
            return;
        }
        let asked_for: BTreeSet<InstrumentId> =
            self.differences.iter().filter(|d| self.is_asked_for(d)).map(|d| d.instrument.clone()).collect();
        for instrument in asked_for {
            let Some(cursor) = self.books.trade_cursor(&instrument) else { continue };
            let (cut, at) = (cursor.after, self.venue_time());
            let from = cut.map_or(TradesFrom::Time(cursor.at), TradesFrom::After);
            let query = self.ask_differing(&instrument, Query::Trades { instrument: instrument.clone(), from }, out);
            self.differing.probes.insert(instrument, Probe { query, at, cut, rows: None });
        }
    }

    fn ask_differing(&mut self, instrument: &InstrumentId, query: Query, out: &mut Vec<Effect>) -> QueryId {
        self.ask(Asked::Differing { instrument: instrument.clone() }, query, out)
    }

    pub(super) fn differing_answer(&mut self, instrument: &InstrumentId, query: QueryId, answer: Answer, out: &mut Vec<Effect>) {
        let Some(mut probe) = self.differing.probes.remove(instrument).filter(|probe| probe.query == query) else { return };
        match answer {
            Answer::Trades(Ok(trades)) => {
                self.differing.read(instrument, &trades);
                for trade in &trades.trades {
                    self.take_trade_report(trade, Source::Trades, out);
                }
                let newest = trades.trades.iter().map(|t| t.fill.trade_id).max();
                let waiting = self.unplaced.keys().any(|(i, _)| i == instrument);
                match probe.rows.take() {
                    // What is not placed yet, or not read yet, is for the next time.
                    _ if waiting || !trades.complete => (),
                    None => {
                        (probe.cut, probe.at) = (probe.cut.max(newest), self.venue_time());
                        probe.query = self.ask_differing(instrument, Query::Positions(alloc::vec![instrument.clone()]), out);
                        self.differing.probes.insert(instrument.clone(), probe);
                    }
                    Some(rows) if newest <= probe.cut => self.take_probe(instrument, rows, &probe, out),
                    Some(_) => (),
                }
            }
            Answer::Positions(Ok(rows)) => {
                let cursor = self.books.trade_cursor(instrument).map_or(probe.at, |c| c.at);
                let from = probe.cut.map_or(TradesFrom::Time(cursor), TradesFrom::After);
                probe.rows = Some(rows);
                probe.query = self.ask_differing(instrument, Query::Trades { instrument: instrument.clone(), from }, out);
                self.differing.probes.insert(instrument.clone(), probe);
            }
            // It is asked again in any case.
            Answer::Trades(Err(_)) | Answer::Positions(Err(_)) | Answer::Order(_) | Answer::Mass(_) => (),
            Answer::Restrictions(_) => (),
        }
    }

    fn take_probe(&mut self, instrument: &InstrumentId, rows: Vec<PositionReport>, probe: &Probe, out: &mut Vec<Effect>) {
        let mode = self.config.mode;
        let positions: Vec<PositionReport> =
            rows.into_iter().filter(|p| p.instrument == *instrument && mode.has(p.leg)).collect();
        self.venue_positions.retain(|(i, _), _| i != instrument);
        self.venue_positions.extend(positions.iter().map(|p| ((p.instrument.clone(), p.leg), p.qty)));
        let status = MassStatus {
            asked: probe.at,
            mode,
            open_orders: Vec::new(),
            positions,
            balances: Vec::new(),
            high_water: alloc::vec![(instrument.clone(), probe.cut)],
        };
        let found = reconcile::differences(&self.books, &status).into_iter().filter(|d| d.instrument == *instrument).collect();
        let before = self.differences.clone();
        self.judge(found, &status, Some(instrument), out);
        if before != self.differences {
            self.push_report(out);
            self.look_again(out);
        }
    }

    /// What found orders executed before the books began is no difference. Seen twice, or its trades might still be on their way.
    fn recognise_history(&mut self, out: &mut Vec<Effect>) {
        for difference in self.differences.clone() {
            let key = (difference.instrument.clone(), difference.leg);
            if self.differing.looks.get(&key).is_none_or(|look| look.same < SEEN_TWICE) {
                continue;
            }
            let old = reconcile::executed_before(&self.books, &difference);
            if old.is_empty() {
                continue;
            }
            for (intent, cl_ord_id, history) in old {
                self.learn(intent, Source::Trades, OrderEvent::Adopted { cl_ord_id, history }, out);
                let text = format!("{history} of {cl_ord_id} was executed before the books of {} {:?} began", key.0, key.1);
                self.alert(out, AlertLevel::Info, "difference_explained", text);
            }
            self.differences.retain(|d| *d != difference);
            self.differing.looks.remove(&key);
        }
    }

    /// Settles what its policy lets be settled without being asked: seen twice with the same figures, without a gap that a trade
    /// may still fill, and worth little enough.
    fn adopt_by_itself(&mut self, out: &mut Vec<Effect>) {
        let wanted = |d: &&Difference| self.config.differences.of(&d.instrument) == DifferencePolicy::Adopt;
        let ready: Vec<Difference> = self.differences.iter().filter(wanted).filter(|d| self.may_be_adopted(d)).cloned().collect();
        for difference in ready {
            self.settle_difference(&difference, "policy adopt", out);
        }
    }

    fn may_be_adopted(&self, difference: &Difference) -> bool {
        let Some(look) = self.differing.looks.get(&(difference.instrument.clone(), difference.leg)) else { return false };
        let price = look.mark_px.map(Price::get).or_else(|| self.quote(&difference.instrument).reference());
        let qty = (difference.venue.get() - difference.ours.get()).abs();
        look.same >= SEEN_TWICE
            && difference.unattributed.is_zero()
            && !self.differing.refused.contains_key(&difference.instrument)
            && price.is_some_and(|price| price.saturating_mul(qty) <= self.config.differences.adopt_notional_max)
    }

    /// Somebody takes the venue's figure where a leg differs. Asks for nothing.
    pub(super) fn adopt_differences(&mut self, who: &str, instrument: Option<&InstrumentId>, out: &mut Vec<Effect>) {
        let wanted = |d: &&Difference| instrument.is_none_or(|i| d.instrument == *i);
        let all: Vec<Difference> = self.differences.iter().filter(wanted).cloned().collect();
        for difference in &all {
            self.settle_difference(difference, who, out);
        }
        self.restrict();
        if !all.is_empty() {
            self.push_report(out);
            self.look_again(out);
        }
    }

    /// From here on the leg holds what the venue held at the cut, and what trades up to the cut did is in that.
    fn settle_difference(&mut self, difference: &Difference, who: &str, out: &mut Vec<Effect>) {
        let key = (difference.instrument.clone(), difference.leg);
        let explanation = self.explanation(difference);
        let Some(look) = self.differing.looks.remove(&key) else { return };
        self.differences.retain(|d| d != difference);
        // What has become known since the comparison counts.
        let now = reconcile::compare(&self.books, &key.0, key.1, difference.venue, look.cut.as_ref(), look.at);
        let Some(now) = now else {
            let text = format!("{} {:?} was explained before it was settled", key.0, key.1);
            self.alert(out, AlertLevel::Info, "difference_explained", text);
            return;
        };
        let owner = self.owner_of_foreign(&key.0);
        let adjustment = Adjustment {
            instrument: key.0.clone(),
            leg: key.1,
            qty: SignedQty::ZERO.plus(now.venue.get() - now.ours.get()),
            entry_px: look.entry_px,
            owner,
            cut: look.cut,
            at: look.at,
            who: who.to_string(),
            why: format!("{}; {}", explanation.cause, explanation.evidence_text()),
        };
        let whose = match &adjustment.owner {
            Owner::Strategy(id) => format!("of {id}, which claims it"),
            Owner::Operator(_) | Owner::External => String::from("of nobody here"),
        };
        let text = format!("{} {:?}: {} {whose}, by {who}: {}", key.0, key.1, adjustment.qty, adjustment.why);
        self.alert(out, AlertLevel::Warning, "difference_settled", text);
        self.record(Record::Adjustment(adjustment), out);
    }
}
