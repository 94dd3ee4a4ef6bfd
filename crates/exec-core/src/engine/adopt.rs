//! Orders and trades that we did not ask for: recognised by their id, claimed by a strategy, or kept as somebody else's.

use super::{Asked, Engine};
use crate::{
    cl_ord_id::OwnId,
    conversation::{AlertLevel, Effect, Query, Timer},
    ids::{ClOrdId, InstrumentId, IntentId, OrderId, TradeId},
    order::{
        Order,
        attempt::AttemptFacts,
        event::OrderEvent,
        intent::{Handling, Intent, ListRole, Owner, Provenance},
    },
    plant::{Plant, planted},
    position::Position,
    record::{Baseline, Claim, LatchCause, Record},
    report::{OrderReport, Source, TradeReport, VenueStatus},
    strategy::mix,
    terms::{Intention, OrderKind, Terms},
    time::VenueTime,
    units::{PositionMode, PositionSide, Qty},
    venue::{Lookup, OrderRef, QueryError},
};
use alloc::{format, vec::Vec};

/// How long a trade waits for the event of its order before the order is asked for.
const WAIT_MS: u64 = 1_000;
/// How long after its effect an order may be invisible to queries where the venue does not say.
const VISIBLE_MS: u64 = 1_000;

impl Engine {
    /// Takes an unknown order into the books. `cut` is the moment of a baseline: what was executed until then is history.
    pub(super) fn adopt(&mut self, report: &OrderReport, source: Source, cut: Option<VenueTime>, out: &mut Vec<Effect>) {
        let leg = report.leg.or((self.config.mode == PositionMode::Netting).then_some(PositionSide::Net));
        let Some(leg) = leg.filter(|l| self.config.mode.has(*l)) else {
            self.keep_raw("order of a leg that this account does not keep".into(), format!("{report:?}"), out);
            return;
        };
        if planted(Plant::ExternalStop) && report.order_id.is_none() {
            return;
        }
        let Some(cl_ord_id) = report.cl_ord_id.or_else(|| name_for(report)) else { return };
        let mut terms_of = report.clone();
        terms_of.leg = Some(leg);
        // A type that this build does not know still has a side and a quantity, and they count.
        terms_of.kind = terms_of.kind.or(Some(OrderKind::Market));
        let Some(terms) = terms_of.terms(self.config.mode) else { return };
        let (owner, provenance) = match report.made_by {
            Some(made_by) => (self.owner_of_position(&report.instrument), Provenance::Exchange(made_by)),
            None => self.owner_of(&cl_ord_id, report, out),
        };
        let id = adopted_id(report, &cl_ord_id);
        if self.books.order(id).is_some() {
            return;
        }
        if let Some(waiting) = self.armed_without_record(&owner, provenance, &terms) {
            let text = format!("{cl_ord_id} is an attempt of order {waiting} that left and was not recorded");
            self.alert(out, AlertLevel::Warning, "attempt_found", text);
            self.learn(waiting, source, OrderEvent::Adopted { cl_ord_id, history: Qty::ZERO }, out);
            self.learn_report(waiting, cl_ord_id, report, source, out);
            return;
        }
        self.adopted += 1;
        self.alert(out, AlertLevel::Info, "adopted", format!("{cl_ord_id} on {} under {owner:?}", report.instrument));
        let intent = Intent { id, owner, provenance, terms, handling: Handling::default(), list: None, asked: self.now };
        self.record(Record::Intent(intent), out);
        if let Some(made_by) = report.made_by {
            self.exchange_acted(id, made_by, &report.instrument, leg, out);
        }
        let history = match cut {
            Some(cut) if report.updated <= cut => report.cum_qty.unwrap_or_default(),
            Some(_) | None => self.counted_before(report),
        };
        self.learn(id, source, OrderEvent::Adopted { cl_ord_id, history }, out);
        self.learn_report(id, cl_ord_id, report, source, out);
        if let Some(order_id) = report.order_id
            && let Some(trades) = self.unplaced.remove(&(report.instrument.clone(), order_id))
        {
            for trade in trades {
                self.take_trade_report(&trade, Source::Stream, out);
            }
        }
    }

    /// The order of a list that an attempt of ours was made for whose record was lost with the disk: such orders are in the journal
    /// long before they are placed. A second attempt of this start, if there is one, goes as what stands beside it.
    fn armed_without_record(&self, owner: &Owner, provenance: Provenance, found: &Terms) -> Option<IntentId> {
        if provenance != Provenance::Recovered || !found.is_closing() {
            return None;
        }
        let epoch = self.books.epoch();
        let is_it = |order: &&Order| {
            let (intent, terms) = (order.intent(), &order.intent().terms);
            let of = |t: &Terms| (t.leg, t.side, t.kind.name(), t.kind.trigger_price(), t.intention == Intention::CloseAll);
            let same = of(terms) == of(found);
            let later = intent.list.is_some_and(|p| matches!(p.role, ListRole::StopLoss | ListRole::TakeProfit));
            let earlier = intent.asked < self.begun_at;
            let of_this_start = |a: &AttemptFacts| a.header().is_some_and(|h| h.epoch == epoch);
            intent.owner == *owner && same && later && earlier && order.attempts().values().all(of_this_start)
        };
        self.books.open_orders_of(&found.instrument).find(is_it).map(|o| o.intent().id)
    }

    fn owner_of(&mut self, cl_ord_id: &ClOrdId, report: &OrderReport, out: &mut Vec<Effect>) -> (Owner, Provenance) {
        let own = OwnId::decode(&self.config.tag, cl_ord_id).filter(|id| id.account == self.config.account_number);
        if let Some(own) = own {
            let begun = VenueTime(self.venue_time().0.saturating_sub(self.now.ms_since(self.begun_at) as i64));
            let created = report.created.unwrap_or(report.updated);
            // Old words about an order that is over tell nothing new: it may be one that the books have let go.
            let late_ms = self.late_ms().filter(|_| !report.status.is_final());
            let made_here = self.made_now(cl_ord_id);
            // With a lease it is another's account now: nothing is latched for a later start that may hold it.
            let fenced = !made_here && self.saw_epoch(own.epoch);
            if !made_here && !fenced && crate::reconcile::is_second_engine(&self.books, &own, created, begun, late_ms) {
                let text = format!("{cl_ord_id} was made under epoch {}, and this engine has not made it", own.epoch);
                self.latch(LatchCause::SecondEngine, text, out);
            }
            let numbered = self.books.strategy_numbered(own.strategy).cloned();
            let owner = numbered.map_or_else(|| self.owner_of_foreign(&report.instrument), Owner::Strategy);
            return (owner, Provenance::Recovered);
        }
        (self.owner_of_foreign(&report.instrument), Provenance::Foreign)
    }

    /// How long after our start an order of an earlier one may still have been taken in: it was on its way. `None` where nothing
    /// tells, or while not everything is known that may become an order: a conditional one is created again when it triggers.
    fn late_ms(&self) -> Option<u64> {
        let fence = self.profile.conditional_fence.or(self.profile.fence).filter(|_| self.reconciled)?;
        Some(self.config.order_recv_window_ms + fence.engine_margin_ms + fence.visibility_ms)
    }

    /// Whose it is what somebody else does on an instrument: the strategy's that claims it, or nobody's here.
    pub(super) fn owner_of_foreign(&self, instrument: &InstrumentId) -> Owner {
        self.config.claimant(instrument).map_or(Owner::External, |id| Owner::Strategy(id.clone()))
    }

    /// The claim to a position that the books begin with.
    pub(super) fn claim_of(&self, baseline: &Baseline) -> Option<Claim> {
        let strategy = self.config.claimant(&baseline.instrument).filter(|_| !baseline.qty.is_zero())?;
        Some(Claim {
            strategy: strategy.clone(),
            instrument: baseline.instrument.clone(),
            leg: baseline.leg,
            qty: baseline.qty,
            at: self.now,
        })
    }

    /// Whether a trade is older than the books of its leg, or of both legs where it does not say which; or whether a settled
    /// difference of the leg holds what it did.
    pub(super) fn is_history(&self, report: &TradeReport) -> bool {
        let fill = &report.fill;
        let held = |p: &Position| p.cut().is_some_and(|cut| fill.trade_id <= *cut) || p.is_adjusted_for(&fill.trade_id, fill.at);
        !planted(Plant::BaselinePlusHistory) && self.legs_of(&report.instrument, fill.leg).any(held)
    }

    /// What is known of the legs that a report may speak of.
    fn legs_of<'a>(&'a self, instrument: &'a InstrumentId, leg: Option<PositionSide>) -> impl Iterator<Item = &'a Position> {
        let legs = [PositionSide::Net, PositionSide::Long, PositionSide::Short];
        legs.into_iter()
            .filter(move |l| self.config.mode.has(*l) && leg.is_none_or(|leg| leg == *l))
            .filter_map(|leg| self.books.position(instrument, leg))
    }

    /// Whether a report of an order that we do not know speaks of the time before our books of it began. What was open then is
    /// known, so this order had ended, and the baseline holds what it executed.
    pub(super) fn is_past(&self, report: &OrderReport) -> bool {
        let fill = report.fill.as_ref().map(|f| f.trade_id);
        // A trade is dated by its number; only where there is none the clock must do.
        let before = |cut: Option<TradeId>, at| fill.zip(cut).map_or(report.updated <= at, |(fill, cut)| fill <= cut);
        let mut legs = self.legs_of(&report.instrument, report.leg).filter(|_| !planted(Plant::BaselinePlusHistory));
        legs.any(|position| {
            position.baseline().is_some_and(|b| before(b.cut, b.at))
                || position.adjustments().iter().any(|a| before(a.record().cut, a.record().at))
        })
    }

    pub(super) fn wait_for_order(&mut self, report: &TradeReport, out: &mut Vec<Effect>) {
        let waiting = self.unplaced.entry((report.instrument.clone(), report.order_id)).or_default();
        match waiting.iter_mut().find(|t| t.fill.trade_id == report.fill.trade_id) {
            // The fast trade event does not name the leg; the trade list does.
            Some(known) if known.fill.leg.is_none() => known.clone_from(report),
            Some(_) => (),
            None => waiting.push(report.clone()),
        }
        self.start_timer(Timer::Unplaced, WAIT_MS, out);
    }

    /// A question for each order that trades wait for.
    pub(super) fn unplaced_questions(&self) -> Vec<Query> {
        let since = self.venue_time();
        let reference = |((instrument, order_id), trades): (&(InstrumentId, OrderId), &Vec<TradeReport>)| OrderRef {
            instrument: instrument.clone(),
            cl_ord_id: trades.first().and_then(|t| t.cl_ord_id),
            order_id: Some(*order_id),
            algo_id: None,
            conditional: false,
            triggered: false,
            since,
        };
        self.unplaced.iter().map(reference).map(Query::Order).collect()
    }

    pub(super) fn ask_unplaced(&mut self, out: &mut Vec<Effect>) {
        let at = self.venue_time_at_least();
        for query in self.unplaced_questions() {
            if let Query::Order(OrderRef { instrument, order_id: Some(order_id), .. }) = &query {
                self.ask(Asked::Unplaced { instrument: instrument.clone(), order_id: *order_id, at }, query, out);
            }
        }
    }

    /// Whether a venue that was asked at this moment must know the order behind a waiting trade. Right after its effect an order
    /// may be traded and still be invisible to queries; then an absence means nothing.
    pub(super) fn must_be_visible(&self, instrument: &InstrumentId, order_id: OrderId, asked: Option<VenueTime>) -> bool {
        let visibility_ms = self.profile.fence.map_or(VISIBLE_MS, |fence| fence.visibility_ms);
        let newest = self.unplaced.get(&(instrument.clone(), order_id)).and_then(|trades| trades.iter().map(|t| t.fill.at).max());
        newest.is_none_or(|newest| asked.is_some_and(|asked| asked >= newest.plus_ms(visibility_ms)))
    }

    /// Takes the order behind waiting trades. They are newer than the books, so it is not past, however its report is dated.
    fn take_traded(&mut self, report: &OrderReport, source: Source, out: &mut Vec<Effect>) {
        let ids = (report.cl_ord_id.as_ref(), report.order_id.as_ref(), report.algo_id.as_ref());
        if self.books.find(&report.instrument, ids.0, ids.1, ids.2).is_none() {
            self.adopt(report, source, None, out);
        } else {
            self.take_order_report(report, source, out);
        }
    }

    pub(super) fn unplaced_answer(
        &mut self,
        instrument: &InstrumentId,
        order_id: OrderId,
        at: Option<VenueTime>,
        result: Result<Lookup, QueryError>,
        out: &mut Vec<Effect>,
    ) {
        let asked_in_vain = match &result {
            Ok(Lookup::Found(_)) => false,
            Ok(Lookup::Absent) => !self.must_be_visible(instrument, order_id, at),
            Err(_) => true,
        };
        match result {
            Ok(Lookup::Found(report)) => self.take_traded(&report, Source::Query, out),
            Ok(Lookup::Absent) if !asked_in_vain => {
                // The venue has forgotten the order; its trades tell side and quantity.
                if let Some(report) = self.unplaced.get(&(instrument.clone(), order_id)).and_then(|trades| order_of(trades)) {
                    self.take_traded(&report, Source::Trades, out);
                }
            }
            Ok(Lookup::Absent) | Err(_) => self.start_timer(Timer::Unplaced, WAIT_MS, out),
        }
        if let Some(trades) = self.unplaced.remove(&(instrument.clone(), order_id)) {
            if self.books.find(instrument, None, Some(&order_id), None).is_some() {
                for trade in trades {
                    self.take_trade_report(&trade, Source::Trades, out);
                }
            } else if asked_in_vain {
                self.unplaced.insert((instrument.clone(), order_id), trades);
            } else {
                self.keep_raw(format!("trades of order {order_id} that could not be placed"), format!("{trades:?}"), out);
            }
        }
    }
}

/// The order that must have stood behind trades of which nothing else is known.
fn order_of(trades: &[TradeReport]) -> Option<OrderReport> {
    let first = trades.first()?;
    let executed = trades.iter().fold(Qty::ZERO, |sum, trade| sum.plus(trade.fill.qty));
    Some(OrderReport {
        cl_ord_id: first.cl_ord_id,
        order_id: Some(first.order_id),
        algo_id: None,
        instrument: first.instrument.clone(),
        side: first.fill.side,
        leg: first.fill.leg,
        status: VenueStatus::Unrecognised,
        kind: None,
        qty: Some(executed),
        reduce_only: false,
        close_all: false,
        cum_qty: None,
        avg_px: None,
        updated: first.fill.at,
        created: None,
        fill: None,
        replaced_by: None,
        text: None,
        made_by: None,
        activated: false,
    })
}

/// A name for an order that came without a client's: the venue's own id.
fn name_for(report: &OrderReport) -> Option<ClOrdId> {
    let id = report.order_id.as_ref().map(|i| i.as_str()).or(report.algo_id.as_ref().map(|i| i.as_str()))?;
    ClOrdId::new(&format!("venue:{id}")).or_else(|_| ClOrdId::new(id)).ok()
}

/// The same order found twice, also after a restart, gets the same intent id.
fn adopted_id(report: &OrderReport, cl_ord_id: &ClOrdId) -> IntentId {
    let hash = |text: &str| text.bytes().fold(7_u128, |h, b| mix(h, u128::from(b)));
    let venue = report.order_id.as_ref().map(|i| i.as_str()).or(report.algo_id.as_ref().map(|i| i.as_str()));
    let name = hash(venue.unwrap_or(cl_ord_id.as_str()));
    IntentId(mix(hash(report.instrument.as_str()), name))
}
