//! One path from any gap back to books that equal the venue's: first start, reconnect, an event lost, a sweep.
//!
//! Stream first, then the mass status, then what it leaves open: single orders, trades. Then the legs are compared.

use super::{Asked, Engine};
use crate::{
    conversation::{AlertLevel, Answer, Effect, Query, Timer},
    ids::{InstrumentId, QueryId},
    plant::{Plant, planted},
    reconcile,
    record::{Baseline, Record, TradeCursor},
    report::{MassStatus, Report, ReportBody, Source},
    time::VenueTime,
    venue::{Lookup, QueryError, RejectClass, Trades, TradesFrom},
};
use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};

/// How long after a failed question it is asked again.
const AGAIN_MS: u64 = 1_000;
/// How long after an answer in another position mode everything is asked again. Only a person ends that.
const MODE_MS: u64 = 60_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// A recovery under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Recovery {
    mass: Option<QueryId>,
    /// What the question for everything names.
    instruments: Vec<InstrumentId>,
    status: Option<Box<MassStatus>>,
    open: BTreeMap<QueryId, (Query, Option<VenueTime>)>,
    failed: Vec<Query>,
    mass_failed: bool,
    /// Something was lost after everything was asked for: the answer is too old, and it is asked again.
    again: bool,
    /// Instruments whose trades the venue refuses to list, and why.
    refused: BTreeMap<InstrumentId, String>,
    /// Events about instruments whose books have not begun: they are read after the baseline.
    buffered: Vec<ReportBody>,
    /// Nothing is known to be lost: it only looks.
    sweeps: bool,
}

impl Recovery {
    pub(super) const fn is_sweep(&self) -> bool {
        self.sweeps
    }
}

impl Engine {
    /// Begins a recovery; one that is under way is begun anew, because its snapshot may be older than the gap.
    pub(super) fn recover(&mut self, out: &mut Vec<Effect>) {
        // Without a stream the books are kept as near to the venue's as questions allow; the first time they wait for one.
        if !self.begun || (self.link.is_none() && !self.has_seen_once()) {
            return;
        }
        if let Some(recovery) = &mut self.recovery
            && recovery.mass.is_some()
            && recovery.status.is_none()
            && !recovery.mass_failed
        {
            // One question at a time: a storm of reasons must not become a storm of questions.
            recovery.again = true;
            recovery.sweeps = false;
            return;
        }
        let buffered = self.recovery.take().map(|r| r.buffered).unwrap_or_default();
        let mut instruments = self.at_stake();
        instruments.extend(buffered.iter().filter_map(instrument_of).cloned());
        instruments.sort();
        instruments.dedup();
        let mass = self.ask(Asked::Recovery, Query::Mass(instruments.clone()), out);
        self.recovery = Some(Recovery { mass: Some(mass), instruments, buffered, ..Recovery::default() });
    }

    /// Every instrument that is traded, or on which something is open.
    pub(super) fn at_stake(&self) -> Vec<InstrumentId> {
        let mut instruments = self.config.instruments();
        instruments.extend(self.books.open_orders().map(|o| o.intent().terms.instrument.clone()));
        instruments.extend(self.books.positions().filter(|(_, _, p)| !p.qty().is_zero()).map(|(i, ..)| i.clone()));
        instruments.sort();
        instruments.dedup();
        instruments
    }

    pub(super) fn sweep(&mut self, out: &mut Vec<Effect>) {
        if self.recovery.is_none() {
            self.recover(out);
            self.recovery.iter_mut().for_each(|recovery| recovery.sweeps = true);
        }
    }

    fn is_known(&self, body: &ReportBody) -> bool {
        let found = match body {
            ReportBody::Order(order) => {
                let ids = (order.cl_ord_id.as_ref(), order.order_id.as_ref(), order.algo_id.as_ref());
                self.books.find(&order.instrument, ids.0, ids.1, ids.2)
            }
            ReportBody::Trade(trade) => self.books.find(&trade.instrument, trade.cl_ord_id.as_ref(), Some(&trade.order_id), None),
            _ => None,
        };
        found.is_some()
    }

    /// Keeps an event back while the books of its instrument have not begun. Says whether it did.
    pub(super) fn hold_for_baseline(
        &mut self,
        body: impl FnOnce() -> ReportBody,
        instrument: &InstrumentId,
        out: &mut Vec<Effect>,
    ) -> bool {
        if self.books.trade_cursor(instrument).is_some() || !self.config.reconciliation {
            return false;
        }
        if self.link.is_none() {
            // The last words of a session that is over. What they tell of an order of ours is learned; of anybody else's the
            // baseline to come tells all there is, and what is learned of them now would be counted on top of it.
            return !self.is_known(&body());
        }
        let begins = self.recovery.as_ref().is_none_or(|r| r.status.is_some());
        self.recovery.get_or_insert_default().buffered.push(body());
        if begins {
            // Not asked for at the start, and traded by somebody now: its books must begin first.
            self.recover(out);
        }
        true
    }

    pub(super) fn recovery_answer(&mut self, query: QueryId, answer: Answer, out: &mut Vec<Effect>) {
        let Some(recovery) = &mut self.recovery else { return };
        match answer {
            Answer::Mass(result) => {
                if recovery.mass != Some(query) {
                    return;
                }
                match result {
                    Ok(_) if recovery.again => {
                        recovery.mass_failed = true;
                        self.set_timer(Timer::RecoverAgain, AGAIN_MS, out);
                    }
                    Err(_) if planted(Plant::FailedQueryIsFlat) => {
                        let (asked, mode, high_water) = (self.venue_time(), self.config.mode, Vec::new());
                        let (open_orders, positions, balances) = (Vec::new(), Vec::new(), Vec::new());
                        let status = MassStatus { asked, mode, open_orders, positions, balances, high_water };
                        self.take_mass(Box::new(status), out);
                    }
                    Ok(status) => self.take_mass(status, out),
                    Err(error) => {
                        recovery.mass_failed = true;
                        self.alert(out, AlertLevel::Warning, "recovery_question_failed", format!("{error}"));
                        self.set_timer(Timer::RecoverAgain, AGAIN_MS, out);
                    }
                }
            }
            // A recovery asks for everything at once.
            Answer::Positions(_) | Answer::Restrictions(_) => (),
            Answer::Order(result) => {
                let Some((asked, at)) = recovery.open.remove(&query) else { return };
                let waiting = match &asked {
                    Query::Order(r) => r
                        .order_id
                        .filter(|id| self.unplaced.contains_key(&(r.instrument.clone(), *id)))
                        .map(|id| (r.instrument.clone(), id)),
                    Query::Mass(_) | Query::Positions(_) | Query::Restrictions(_) | Query::Trades { .. } => None,
                };
                match (result, waiting) {
                    (Err(_), _) => self.fail(asked, out),
                    // Its trade is too young for this absence to mean anything.
                    (Ok(Lookup::Absent), Some((instrument, order_id))) if !self.must_be_visible(&instrument, order_id, at) => {
                        self.fail(asked, out);
                    }
                    (result, Some((instrument, order_id))) => self.unplaced_answer(&instrument, order_id, at, result, out),
                    (Ok(Lookup::Found(report)), None) => self.take_order_report(&report, Source::Query, out),
                    (Ok(Lookup::Absent), None) => self.absent_in_recovery(&asked, at, out),
                }
                self.finish_if_done(out);
            }
            Answer::Trades(result) => {
                let Some((asked, _)) = recovery.open.remove(&query) else { return };
                match (result, &asked) {
                    (Ok(trades), Query::Trades { instrument, from }) => self.take_trades(instrument, from, &trades, out),
                    (Ok(_), Query::Order(_) | Query::Mass(_) | Query::Positions(_) | Query::Restrictions(_)) => (),
                    (Err(QueryError::Refused(refusal)), Query::Trades { instrument, .. })
                        if refusal.class == RejectClass::Invalid =>
                    {
                        // The venue does not know the instrument any more. That shuts the instrument, not the account.
                        let why = format!("the venue does not list its trades: {} ({})", refusal.text, refusal.code);
                        self.alert(out, AlertLevel::Critical, "trades_refused", format!("{instrument}: {why}"));
                        if let Some(recovery) = &mut self.recovery {
                            recovery.refused.insert(instrument.clone(), why);
                        }
                    }
                    (Err(_), _) => self.fail(asked, out),
                }
                self.finish_if_done(out);
            }
        }
    }

    fn fail(&mut self, query: Query, out: &mut Vec<Effect>) {
        if let Some(recovery) = &mut self.recovery {
            recovery.failed.push(query);
            self.set_timer(Timer::RecoverAgain, AGAIN_MS, out);
        }
    }

    pub(super) fn recover_again(&mut self, out: &mut Vec<Effect>) {
        let Some(recovery) = &mut self.recovery else {
            // Set after what may be a difference: look again.
            if !self.unsettled.is_empty() {
                self.recover(out);
            }
            return;
        };
        if recovery.mass_failed {
            let sweeps = recovery.sweeps && !recovery.again;
            self.recover(out);
            self.recovery.iter_mut().for_each(|recovery| recovery.sweeps = sweeps);
            return;
        }
        for query in core::mem::take(&mut recovery.failed) {
            self.ask_in_recovery(query, out);
        }
    }

    fn ask_in_recovery(&mut self, query: Query, out: &mut Vec<Effect>) {
        let at = self.venue_time_at_least();
        let id = self.ask(Asked::Recovery, query.clone(), out);
        if let Some(recovery) = &mut self.recovery {
            recovery.open.insert(id, (query, at));
        }
    }

    fn take_mass(&mut self, status: Box<MassStatus>, out: &mut Vec<Effect>) {
        if status.mode != self.config.mode {
            if self.other_mode.replace(status.mode) != Some(status.mode) {
                let text = format!("the account keeps positions in {:?}, the config says {:?}", status.mode, self.config.mode);
                self.alert(out, AlertLevel::Critical, "position_mode", text);
                self.push_report(out);
            }
            if let Some(recovery) = &mut self.recovery {
                recovery.mass_failed = true;
                // The next answer is younger than all of these, and this may last.
                recovery.buffered.clear();
            }
            self.set_timer(Timer::RecoverAgain, MODE_MS, out);
            return;
        }
        self.other_mode = None;
        let asked_for = self.recovery.as_mut().map(|r| core::mem::take(&mut r.instruments)).unwrap_or_default();
        let plan = reconcile::plan(&self.books, &status, &asked_for);
        self.end_absences(&status);
        for (intent, event) in plan.learn {
            self.learn(intent, Source::Query, event, out);
            self.after_facts(intent, out);
        }
        let mut begun: Vec<InstrumentId> = Vec::new();
        for baseline in plan.begin {
            if !begun.contains(&baseline.instrument) {
                begun.push(baseline.instrument.clone());
                // Where older trades must be read first, the next start begins with them, too.
                let older = plan.trades.iter().find_map(|(instrument, from)| match from {
                    TradesFrom::Time(at) if *instrument == baseline.instrument => Some(*at),
                    TradesFrom::Time(_) | TradesFrom::After(_) => None,
                });
                let (after, at) = older.map_or((baseline.cut, baseline.at), |at| (None, at));
                self.record(Record::TradeCursor(TradeCursor { instrument: baseline.instrument.clone(), after, at }), out);
            }
            let claim = self.claim_of(&baseline);
            self.record(Record::Baseline(baseline), out);
            if let Some(claim) = claim {
                self.alert(out, AlertLevel::Info, "claimed", format!("{} {} by {}", claim.qty, claim.instrument, claim.strategy));
                self.record(Record::Claim(claim), out);
            }
        }
        for report in plan.adopt {
            let ids = (report.cl_ord_id.as_ref(), report.order_id.as_ref(), report.algo_id.as_ref());
            if self.books.find(&report.instrument, ids.0, ids.1, ids.2).is_some() {
                // Both books of the venue list it, the one of conditional orders lags behind: it was adopted a moment ago.
                self.take_order_report(&report, Source::Query, out);
                continue;
            }
            let cut = begun.contains(&report.instrument).then_some(VenueTime(i64::MAX));
            self.adopt(&report, Source::Query, cut, out);
        }
        self.take_balances(&status.balances, status.asked, Source::Query, out);
        self.venue_positions.clear();
        self.take_margin(&status.positions);
        for row in status.positions.iter().filter(|p| self.config.mode.has(p.leg)) {
            self.venue_positions.insert((row.instrument.clone(), row.leg), row.qty);
            if let Some(price) = row.liquidation_px {
                self.liquidation.insert((row.instrument.clone(), row.leg), price);
            }
        }
        let buffered = match &mut self.recovery {
            Some(recovery) => {
                recovery.status = Some(status);
                core::mem::take(&mut recovery.buffered)
            }
            None => Vec::new(),
        };
        // What was open at the cut is known now; what these events say about the time before it is history.
        if let Some(session) = self.link {
            for body in buffered {
                self.listen(session, Report { sent: None, body }, out);
            }
        }
        let orders = plan.ask.into_iter().map(Query::Order);
        let trades = plan.trades.into_iter().map(|(instrument, from)| Query::Trades { instrument, from });
        let questions: Vec<Query> = orders.chain(trades).collect();
        for query in questions {
            self.ask_in_recovery(query, out);
        }
        self.finish_if_done(out);
    }

    fn absent_in_recovery(&mut self, asked: &Query, at: Option<VenueTime>, out: &mut Vec<Effect>) {
        let Query::Order(reference) = asked else { return };
        let found = self.books.find(
            &reference.instrument,
            reference.cl_ord_id.as_ref(),
            reference.order_id.as_ref(),
            reference.algo_id.as_ref(),
        );
        // An attempt in doubt is closed by its own questions; an acknowledged order has its own rule.
        if let Some(intent) = found {
            self.absent_but_known(intent, reference.cl_ord_id, at, out);
        }
    }

    fn take_trades(&mut self, instrument: &InstrumentId, from: &TradesFrom, trades: &Trades, out: &mut Vec<Effect>) {
        self.differing.read(instrument, trades);
        for trade in &trades.trades {
            self.take_trade_report(trade, Source::Trades, out);
        }
        let newest = trades.trades.iter().map(|t| t.fill.trade_id).max();
        if let (false, Some(newest)) = (trades.complete, newest)
            && !matches!(from, TradesFrom::After(id) if *id >= newest)
        {
            // A list is oldest first, so one that is not complete goes on behind its newest trade.
            let rest = Query::Trades { instrument: instrument.clone(), from: TradesFrom::After(newest) };
            self.ask_in_recovery(rest, out);
        }
        let asked = self.recovery.as_ref().and_then(|r| r.status.as_ref()).map(|s| s.asked);
        if let (true, Some(at)) = (trades.complete, asked) {
            // A trade that waits for its order is only in memory: the durable cursor stays before it, or a crash would lose it.
            let waiting = self.unplaced.iter().filter(|((i, _), _)| i == instrument).flat_map(|(_, waiting)| waiting);
            let first_waiting = waiting.map(|t| t.fill.trade_id).min();
            let placed = trades.trades.iter().map(|t| t.fill.trade_id).filter(|id| first_waiting.is_none_or(|first| *id < first));
            let after = placed.max();
            let known = self.books.trade_cursor(instrument);
            // A day's step keeps the search short on an instrument that never trades.
            let news = known.is_none_or(|k| after > k.after || (first_waiting.is_none() && at.0.saturating_sub(k.at.0) > DAY_MS));
            if news {
                self.record(Record::TradeCursor(TradeCursor { instrument: instrument.clone(), after, at }), out);
            }
        }
    }

    /// An order that stands in an open list is not absent, whatever was said before.
    fn end_absences(&mut self, status: &MassStatus) {
        if self.absences.is_empty() {
            return;
        }
        for report in &status.open_orders {
            let ids = (report.cl_ord_id.as_ref(), report.order_id.as_ref(), report.algo_id.as_ref());
            let found = self.books.find(&report.instrument, ids.0, ids.1, ids.2).and_then(|id| self.books.order(id));
            if let Some(cl_ord_id) = found.and_then(|order| reconcile::attempt_of(order, report)) {
                self.absences.remove(&cl_ord_id);
            }
        }
    }

    fn finish_if_done(&mut self, out: &mut Vec<Effect>) {
        let done = |r: &Recovery| r.status.is_some() && r.open.is_empty() && r.failed.is_empty();
        // Trades of foreign orders wait for their orders; until then the legs cannot be compared.
        if !self.recovery.as_ref().is_some_and(done) {
            return;
        }
        if !self.unplaced.is_empty() {
            for query in self.unplaced_questions() {
                self.ask_in_recovery(query, out);
            }
            return;
        }
        let Some(Recovery { status: Some(status), refused, .. }) = self.recovery.take() else { return };
        let first = !self.reconciled;
        if planted(Plant::WarmRestart) && first {
            for reconcile::Difference { instrument, leg, venue: qty, .. } in reconcile::differences(&self.books, &status) {
                let cut = self.books.trade_cursor(&instrument).and_then(|c| c.after);
                self.record(Record::Baseline(Baseline { instrument, leg, qty, entry_px: None, cut, at: status.asked }), out);
            }
        }
        let found = self.settled_differences(reconcile::differences(&self.books, &status));
        self.reconciled = self.link.is_some();
        self.take_over(out);
        self.differing.refused = refused;
        self.judge(found, &status, None, out);
        if !self.unsettled.is_empty() {
            self.set_timer(Timer::RecoverAgain, AGAIN_MS, out);
        }
        if first {
            self.delay(out);
            self.ask_restrictions_anew(out);
        }
        if self.config.sweep_interval_ms > 0 {
            self.set_timer(Timer::Sweep, self.config.sweep_interval_ms, out);
        }
        self.tell_overfills(out);
        self.let_go(out);
        self.push_report(out);
        self.look_again(out);
        self.enforce_kills(out);
        self.sweep_orphans(out);
    }

    /// A reply tells an executed quantity before the stream tells its trades, and so it may be newer than the cut. Such a
    /// difference is one only if it is still there when everything was read once more; at the start it always is.
    fn settled_differences(&mut self, found: Vec<reconcile::Difference>) -> Vec<reconcile::Difference> {
        let before = core::mem::take(&mut self.unsettled);
        if !self.reconciled {
            return found;
        }
        let mut settled = Vec::new();
        for difference in found {
            let key = (difference.instrument.clone(), difference.leg);
            let explained = difference.ours.get() - difference.unattributed.get() == difference.venue.get();
            if explained && !before.contains(&key) && !self.differences.contains(&difference) {
                self.unsettled.push(key);
            } else {
                settled.push(difference);
            }
        }
        settled
    }

    pub(super) fn delay(&mut self, out: &mut Vec<Effect>) {
        if self.started || self.delay_over {
            return;
        }
        if self.config.startup_delay_ms == 0 {
            self.delay_over = true;
        } else {
            self.set_timer(Timer::GateDelay, self.config.startup_delay_ms, out);
        }
    }
}

fn instrument_of(body: &ReportBody) -> Option<&InstrumentId> {
    match body {
        ReportBody::Order(order) => Some(&order.instrument),
        ReportBody::Trade(trade) => Some(&trade.instrument),
        ReportBody::Account(_)
        | ReportBody::Leverage { .. }
        | ReportBody::Setting { .. }
        | ReportBody::MarginCall { .. }
        | ReportBody::Ending { .. }
        | ReportBody::Irrelevant { .. }
        | ReportBody::Unrecognised { .. }
        | ReportBody::Unreadable { .. } => None,
    }
}
