//! What the private stream says, and every other report: matched to an order, turned into facts, learned.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect, Timer},
    ids::{ClOrdId, IntentId, RequestId, SessionId},
    order::{
        event::{OrderEvent, RequestState},
        facts,
    },
    plant::{Plant, planted},
    reconcile::attempt_of,
    record::{LatchCause, Record},
    report::{
        AccountReport, BalanceReport, ExpiryReason, FeedEnd, OrderReport, Report, ReportBody, Source, TradeReport, VenueStatus,
    },
    time::VenueTime,
};
use alloc::{format, vec::Vec};

/// How long the ordinary order of a triggered one may take to tell its end before it is asked for.
const VERIFY_MS: u64 = 1_500;
/// How long fills may take to explain a position that the venue reported.
const WATCH_MS: u64 = 1_000;

impl Engine {
    pub(super) fn listen(&mut self, session: SessionId, report: Report, out: &mut Vec<Effect>) {
        if planted(Plant::LostEvents) && !self.reconciled {
            return;
        }
        match report.body {
            ReportBody::Order(order) => {
                if !self.hold_for_baseline(|| ReportBody::Order(order.clone()), &order.instrument, out) {
                    self.take_order_report(&order, Source::Stream, out);
                }
            }
            ReportBody::Trade(trade) => {
                if !self.hold_for_baseline(|| ReportBody::Trade(trade.clone()), &trade.instrument, out) {
                    self.take_trade_report(&trade, Source::Stream, out);
                }
            }
            ReportBody::Account(account) => self.take_account(account, out),
            ReportBody::Leverage { instrument, leverage } => {
                self.alert(out, AlertLevel::Info, "leverage", format!("{instrument} is at {leverage} now"));
            }
            ReportBody::Setting { text } => self.alert(out, AlertLevel::Warning, "account_setting", text),
            ReportBody::MarginCall { positions } => {
                let names: Vec<_> = positions.iter().map(|p| p.instrument.as_str()).collect();
                self.alert(out, AlertLevel::Critical, "margin_call", names.join(", "));
                self.margin_called(out);
            }
            ReportBody::Ending { reason } => {
                let why = match reason {
                    FeedEnd::KeyExpired => "its key has expired",
                    FeedEnd::Shutdown => "the venue announced a shutdown",
                    FeedEnd::Age => "it reached its age",
                };
                if self.link == Some(session) {
                    if reason == FeedEnd::KeyExpired {
                        self.stream_has_ended(why);
                    }
                    out.push(Effect::Reopen(session, why.into()));
                }
            }
            ReportBody::Irrelevant { .. } => (),
            ReportBody::Unrecognised { name, raw } => {
                self.alert(out, AlertLevel::Info, "unrecognised_event", name.clone());
                self.record(Record::Raw { why: format!("event {name} is not known"), raw, at: self.now }, out);
            }
            ReportBody::Unreadable { why, raw } => {
                // What it said is lost; the venue has it.
                self.keep_raw(why, raw, out);
                if !planted(Plant::DecodeFailure) {
                    self.recover(out);
                }
            }
        }
    }

    /// Learns what a report says about an order, whoever's it is.
    pub(super) fn take_order_report(&mut self, report: &OrderReport, source: Source, out: &mut Vec<Effect>) {
        let found =
            self.books.find(&report.instrument, report.cl_ord_id.as_ref(), report.order_id.as_ref(), report.algo_id.as_ref());
        let Some(intent) = found else {
            if !self.is_past(report) && !self.is_late(report, source, out) {
                self.adopt(report, source, None, out);
            }
            return;
        };
        let Some(cl_ord_id) = self.books.order(intent).and_then(|o| attempt_of(o, report)) else { return };
        self.absences.remove(&cl_ord_id);
        self.learn_report(intent, cl_ord_id, report, source, out);
    }

    pub(super) fn learn_report(
        &mut self,
        intent: IntentId,
        cl_ord_id: ClOrdId,
        report: &OrderReport,
        source: Source,
        out: &mut Vec<Effect>,
    ) {
        let mut events = Vec::new();
        facts::of_order_report(cl_ord_id, report, &mut events);
        if let (Some(history), true) = (report.cum_qty, self.is_old_fill(intent, report)) {
            // What was executed up to a trade from before our books is from before our books, whatever we know of it.
            events.push(OrderEvent::Adopted { cl_ord_id, history });
        }
        let mut news = false;
        for event in events {
            news |= self.learn(intent, source, event, out).is_some();
        }
        if report.status == VenueStatus::Expired(ExpiryReason::Liquidation) {
            self.latch(LatchCause::Liquidation, format!("order {intent} was ended because the account is being liquidated"), out);
        }
        if let Some(request) = report.replaced_by {
            news |= self.confirm_change(intent, request, source, out);
        }
        if report.status == VenueStatus::Filled {
            news |= self.end_changes(intent, source, out);
        }
        if matches!(report.status, VenueStatus::Triggered | VenueStatus::Finished)
            && self.books.order(intent).is_some_and(|o| !o.status().is_ended())
        {
            // What became of it is told by the ordinary order, in an event of its own that may be lost.
            self.start_timer(Timer::Verify(intent), VERIFY_MS, out);
        }
        // What was known before has had its consequences; a venue that repeats itself brings none at the speed of the network.
        if news {
            self.after_facts(intent, out);
        }
    }

    fn is_old_fill(&self, intent: IntentId, report: &OrderReport) -> bool {
        let Some(order) = self.books.order(intent) else { return false };
        let cut = self.books.position(&order.intent().terms.instrument, order.leg()).and_then(|p| p.cut());
        report.fill.as_ref().zip(cut).is_some_and(|(fill, cut)| fill.trade_id <= *cut)
    }

    fn confirm_change(&mut self, intent: IntentId, request: RequestId, source: Source, out: &mut Vec<Effect>) -> bool {
        let ours = self.books.order(intent).is_some_and(|o| o.replaces().contains_key(&request));
        let accepted = OrderEvent::ReplaceAnswered { request, state: RequestState::Accepted };
        ours && self.learn(intent, source, accepted, out).is_some()
    }

    /// Learns a trade. One of an unknown order waits for its order; one from before our books is history.
    pub(super) fn take_trade_report(&mut self, report: &TradeReport, source: Source, out: &mut Vec<Effect>) {
        let found = self.books.find(&report.instrument, report.cl_ord_id.as_ref(), Some(&report.order_id), None);
        let attempt = found.and_then(|intent| {
            let order = self.books.order(intent)?;
            let named = report.cl_ord_id.filter(|id| order.attempts().contains_key(id));
            let by_order_id = || order.attempts().iter().find(|(_, a)| a.order_id() == Some(report.order_id)).map(|(id, _)| *id);
            Some((intent, named.or_else(by_order_id)?))
        });
        if let Some((intent, cl_ord_id)) = attempt {
            let mut events = Vec::new();
            facts::of_trade_report(cl_ord_id, report, &mut events);
            for event in events {
                self.learn(intent, source, event, out);
            }
            self.after_facts(intent, out);
            return;
        }
        if !self.is_history(report) && !self.is_counted(&report.instrument, &report.fill.trade_id) {
            self.wait_for_order(report, out);
        }
    }

    fn take_account(&mut self, account: AccountReport, out: &mut Vec<Effect>) {
        if account.reason == "FUNDING_FEE" {
            for row in &account.balances {
                self.take_funding(&row.asset, row.wallet, account.at, out);
            }
        }
        self.take_balances(&account.balances, account.at, Source::Stream, out);
        let mode = self.config.mode;
        for row in account.positions.into_iter().filter(|p| mode.has(p.leg)) {
            let key = (row.instrument, row.leg);
            self.venue_positions.insert(key.clone(), row.qty);
            if self.books.trade_cursor(&key.0).is_some() && self.books.position_qty(&key.0, key.1) != row.qty {
                self.watched.insert(key, (row.qty, self.now));
                self.start_timer(Timer::Watch, WATCH_MS, out);
            } else {
                self.watched.remove(&key);
            }
        }
        match account.reason.as_str() {
            "ORDER" | "FUNDING_FEE" => (),
            reason => self.alert(out, AlertLevel::Info, "account_changed", reason.into()),
        }
    }

    /// `at` is the moment of an event, or the one before which an answer was not asked for: what happened in that millisecond may
    /// be missing in the answer.
    pub(super) fn take_balances(&mut self, balances: &[BalanceReport], at: VenueTime, source: Source, out: &mut Vec<Effect>) {
        let newer = |known: VenueTime| if source == Source::Stream { at >= known } else { at > known };
        for row in balances {
            let known = self.books.wallets().get(&row.asset);
            let news = known.is_none_or(|w| newer(w.at) && w.amount != row.wallet);
            if news && !(known.is_none() && row.wallet.is_zero()) {
                self.record(Record::Balance { asset: row.asset.clone(), wallet: row.wallet, at }, out);
            }
        }
    }

    /// A position that the venue reported is not explained by fills after a second: one was lost on the way.
    pub(super) fn watch(&mut self, out: &mut Vec<Effect>) {
        let (now, books) = (self.now, &self.books);
        self.watched.retain(|(instrument, leg), (qty, _)| books.position_qty(instrument, *leg) != *qty);
        let lost = self
            .watched
            .iter()
            .find(|(_, (_, since))| now.ms_since(*since) >= WATCH_MS)
            .map(|((instrument, leg), (qty, _))| format!("{instrument} {leg:?} is {qty} at the venue and not in the books"));
        if let Some(text) = lost {
            self.watched.clear();
            self.alert(out, AlertLevel::Warning, "position_unexplained", text);
            self.recover(out);
        } else if let Some(first) = self.watched.values().map(|(_, since)| *since).min() {
            self.set_timer_at(Timer::Watch, first.plus_ms(WATCH_MS), out);
        }
    }
}
