//! One order: an immutable intent and the facts about it. Facts only grow, in any order, with duplicates; the status follows.

pub mod attempt;
pub mod doubt;
pub mod event;
pub mod facts;
pub mod intent;
mod known;
pub mod list;
pub mod proof;
pub mod status;

use crate::{
    ids::{AlgoId, Asset, ClOrdId, OrderId, RequestId, TradeId},
    plant::{Plant, planted},
    pretrade::Denial,
    report::Fill,
    terms::{OrderKind, Terms},
    units::{Amount, PositionSide, Price, Qty},
};
use alloc::collections::BTreeMap;
use attempt::{AttemptFacts, VenueEnding};
use event::{GivenUp, LiveTerms, OrderEvent, ReplaceHow, RequestState};
use intent::Intent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use status::OrdStatus;

/// A fact that cannot be true beside what is known. The first fact stands; the order is unchanged.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Contradiction {
    /// No attempt of this order has this id.
    #[error("no attempt of this order is called {0}")]
    Attempt(ClOrdId),
    /// An attempt was fixed twice, differently.
    #[error("attempt {0} was fixed before with other values")]
    Header(ClOrdId),
    /// One attempt, two ids at the venue.
    #[error("order is {known} at the venue, the report says {reported}")]
    OrderId {
        /// Known before.
        known: OrderId,
        /// Reported now.
        reported: OrderId,
    },
    /// One attempt, two ids among the conditional orders.
    #[error("conditional order is {known} at the venue, the report says {reported}")]
    AlgoId {
        /// Known before.
        known: AlgoId,
        /// Reported now.
        reported: AlgoId,
    },
    /// One trade id, two trades.
    #[error("trade {0} was reported before with other values")]
    Fill(TradeId),
    /// A trade of nothing.
    #[error("trade {0} has no quantity")]
    EmptyFill(TradeId),
    /// A trade on the other side, or on another leg, than the order.
    #[error("trade {0} is on another side or leg than its order")]
    FillSide(TradeId),
    /// Two different refusals of one attempt.
    #[error("attempt {0} was refused before for another reason")]
    Rejection(ClOrdId),
    /// A request that was never made.
    #[error("no request {0} is known for this order")]
    Request(RequestId),
    /// A request made twice, differently.
    #[error("request {0} was made before with other terms")]
    RequestTerms(RequestId),
    /// A denied order cannot have been attempted, nor the other way round.
    #[error("an order cannot both be attempted and be denied")]
    DeniedAfterAttempt,
}

/// What a fact changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Transition {
    /// Status before.
    pub from: OrdStatus,
    /// Status after.
    pub to: OrdStatus,
    /// Whether anything new was learned.
    pub learned: bool,
    /// More is executed than was known at the end.
    pub late: bool,
    /// More is executed than was asked for.
    pub overfilled: bool,
    /// The venue has shown an attempt that was refused, never left, or was presumed dead: an assumption about the venue broke.
    pub presumption_broken: bool,
    /// What it changed about what is not known of the order.
    pub doubt: Option<doubt::DoubtChange>,
}

/// A cancel request and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct CancelFacts {
    /// Absent: it wishes the order off the book. Else it takes this attempt away, because another stands for the order.
    pub only: Option<ClOrdId>,
    /// How far it has come.
    pub state: RequestState,
}

/// A replace request and how far it has come.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ReplaceFacts {
    /// The terms asked for; a quantity of zero for an order that closes all.
    pub terms: LiveTerms,
    /// How it is carried out.
    pub how: ReplaceHow,
    /// How far it has come.
    pub state: RequestState,
}

/// An order and everything known about it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Order {
    intent: Intent,
    attempts: BTreeMap<ClOrdId, AttemptFacts>,
    cancels: BTreeMap<RequestId, CancelFacts>,
    replaces: BTreeMap<RequestId, ReplaceFacts>,
    denied: Option<Denial>,
    given_up: Option<GivenUp>,
}

impl Order {
    /// An order of which nothing is known but what was asked for.
    pub const fn new(intent: Intent) -> Self {
        Self {
            intent,
            attempts: BTreeMap::new(),
            cancels: BTreeMap::new(),
            replaces: BTreeMap::new(),
            denied: None,
            given_up: None,
        }
    }
    /// What was asked for.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }
    /// The attempts by client order id.
    pub const fn attempts(&self) -> &BTreeMap<ClOrdId, AttemptFacts> {
        &self.attempts
    }
    /// The attempt with the highest number; an order found at the venue has only one.
    pub fn last(&self) -> Option<(&ClOrdId, &AttemptFacts)> {
        self.attempts.iter().max_by_key(|(_, a)| a.header.map(|h| h.number))
    }
    /// The attempt that speaks for the order: the one that has triggered, unless it died of that; or else the newest that stands at
    /// the venue, or else the newest that the venue has shown, or else the newest.
    pub fn governing(&self) -> Option<(&ClOrdId, &AttemptFacts)> {
        let by_number = |(_, a): &(&ClOrdId, &AttemptFacts)| a.header.map(|h| h.number);
        let works = |a: &AttemptFacts| self.has_triggered(a) && (!a.is_over() || !a.cum_qty.is_zero());
        let triggered = self.attempts.iter().filter(|(_, a)| works(a)).min_by_key(by_number);
        let stands = || self.attempts.iter().filter(|(_, a)| a.seen_at_venue() && !a.is_over()).max_by_key(by_number);
        let shown = || self.attempts.iter().filter(|(_, a)| a.seen_at_venue()).max_by_key(by_number);
        triggered.or_else(stands).or_else(shown).or_else(|| self.last())
    }
    /// Whether an attempt's condition is met: the venue said so, or shows the ordinary order that it became.
    pub fn has_triggered(&self, attempt: &AttemptFacts) -> bool {
        let conditional = self.intent.terms.kind.is_conditional() || attempt.algo_id.is_some();
        attempt.triggered || (conditional && (attempt.order_id.is_some() || !attempt.cum_qty.is_zero()))
    }
    /// Whether the order waits at the venue for its trigger, or has not got there yet.
    pub fn is_untriggered(&self) -> bool {
        self.intent.terms.kind.is_conditional() && !self.attempts.values().any(|a| self.has_triggered(a))
    }
    /// What an attempt asks for: the order's terms, or those of the change that it carries out, in the quantity it was fixed with.
    pub fn terms_of(&self, attempt: &AttemptFacts) -> Terms {
        let Some(header) = attempt.header else { return self.intent.terms.clone() };
        let change = header.replaces.and_then(|request| self.replaces.get(&request)).map(|r| r.terms);
        let changed = change.map(|c| self.intent.terms.changed(Some(c.qty), c.price, c.trigger));
        Terms { qty: header.qty, ..changed.unwrap_or_else(|| self.intent.terms.clone()) }
    }
    /// Attempts at the venue that stand beside the one that speaks for the order, or that ask for what is executed already. While
    /// one that closes has triggered, and neither executed nor come to rest on the book, it may still die of that; until then the
    /// newest of those that wait beside it protects.
    pub fn surplus(&self) -> impl Iterator<Item = &ClOrdId> {
        let governing = self.governing();
        let speaks = governing.map(|(id, _)| *id);
        let done = self.intent.terms.qty.is_some() && self.qty().is_some_and(|qty| self.cum_qty() >= qty);
        let closes = self.intent.terms.is_closing();
        let rests = |a: &AttemptFacts| a.order_id.is_some() && self.intent.terms.kind.limit_price().is_some();
        let may_die = |a: &AttemptFacts| self.has_triggered(a) && a.cum_qty.is_zero() && !a.is_over() && !rests(a);
        let live = |a: &AttemptFacts| a.seen_at_venue() && !a.is_over() && !self.is_executed(a);
        let waits = |id: &ClOrdId, a: &AttemptFacts| speaks != Some(*id) && live(a) && !self.has_triggered(a);
        let waiting = self.attempts.iter().filter(|(id, a)| waits(id, a)).max_by_key(|(_, a)| a.header.map(|h| h.number));
        let protects = waiting.map(|(id, _)| *id).filter(|_| closes && governing.is_some_and(|(_, a)| may_die(a)));
        let beside = move |id: &ClOrdId| speaks != Some(*id) && protects != Some(*id);
        self.attempts.iter().filter(move |(id, a)| live(a) && (done || beside(id))).map(|(id, _)| id)
    }
    /// Whether something of it may still stand at the venue, or come to stand there, although it is done.
    pub fn has_loose_ends(&self) -> bool {
        let unsettled = |a: &AttemptFacts| a.header.is_some() && !a.is_settled();
        self.surplus().next().is_some() || self.attempts.values().any(unsettled)
    }
    /// Whether all that an attempt asked for is executed.
    fn is_executed(&self, attempt: &AttemptFacts) -> bool {
        !attempt.cum_qty.is_zero() && self.asked_by(attempt).is_some_and(|asked| attempt.cum_qty >= asked)
    }
    /// The quantity of an attempt as it stands now.
    fn asked_by(&self, attempt: &AttemptFacts) -> Option<Qty> {
        attempt.live_terms().map(|t| t.qty).or(attempt.header.and_then(|h| h.qty)).or(self.intent.terms.qty)
    }
    /// The change that is carried out as a new attempt, while it is under way.
    pub fn renewal(&self) -> Option<(RequestId, &ReplaceFacts)> {
        let under_way = |r: &ReplaceFacts| r.how == ReplaceHow::NewAttempt && r.state.is_pending();
        self.replaces.iter().find(|(_, r)| under_way(r)).map(|(id, r)| (*id, r))
    }
    /// The attempt that carries out a change.
    pub fn renewed_by(&self, request: RequestId) -> Option<(&ClOrdId, &AttemptFacts)> {
        self.attempts
            .iter()
            .filter(|(_, a)| a.header.and_then(|h| h.replaces) == Some(request))
            .max_by_key(|(_, a)| a.header.map(|h| h.number))
    }
    /// Cancel requests.
    pub const fn cancels(&self) -> &BTreeMap<RequestId, CancelFacts> {
        &self.cancels
    }
    /// Replace requests.
    pub const fn replaces(&self) -> &BTreeMap<RequestId, ReplaceFacts> {
        &self.replaces
    }
    /// Why risk said no.
    pub const fn denial(&self) -> Option<&Denial> {
        self.denied.as_ref()
    }
    /// Why no further attempt follows.
    pub const fn given_up(&self) -> Option<GivenUp> {
        self.given_up
    }
    /// FIX OrdStatus (39), derived.
    pub fn status(&self) -> OrdStatus {
        status::derive(self)
    }
    /// FIX OrderQty (38) as it stands now; `None` for an order that closes all and has not been triggered.
    pub fn qty(&self) -> Option<Qty> {
        self.governing().map_or(self.intent.terms.qty, |(_, a)| self.asked_by(a))
    }
    /// The most that may execute: what a change on its way asks for may execute before the change is confirmed.
    fn most_qty(&self) -> Option<Qty> {
        let asked = self.replaces.values().filter(|r| r.state.is_pending()).map(|r| r.terms.qty).max();
        self.qty().map(|qty| asked.map_or(qty, |asked| asked.max(qty)))
    }
    /// Whether more is executed than was ever asked for.
    pub fn is_overfilled(&self) -> bool {
        self.most_qty().is_some_and(|most| self.cum_qty() > most)
    }
    /// FIX Price (44) as it stands now.
    pub fn price(&self) -> Option<Price> {
        let speaks = self.governing().map(|(_, a)| a);
        let live = speaks.and_then(AttemptFacts::live_terms).and_then(|t| t.price);
        live.or_else(|| speaks.and_then(|a| self.terms_of(a).kind.price())).or(self.intent.terms.kind.price())
    }
    /// FIX TriggerPrice (1102) as it stands now.
    pub fn trigger_price(&self) -> Option<Price> {
        let speaks = self.governing().map(|(_, a)| a);
        let live = speaks.and_then(AttemptFacts::live_terms).and_then(|t| t.trigger);
        let asked = |terms: &Terms| match terms.kind {
            OrderKind::TrailingStopMarket { activation, .. } => activation,
            kind => kind.trigger_price(),
        };
        live.or_else(|| speaks.and_then(|a| asked(&self.terms_of(a)))).or_else(|| asked(&self.intent.terms))
    }
    /// FIX CumQty (14).
    pub fn cum_qty(&self) -> Qty {
        self.attempts.values().fold(Qty::ZERO, |sum, a| sum.plus(a.cum_qty))
    }
    /// Executed quantity that no trade explains yet.
    pub fn unattributed_qty(&self) -> Qty {
        self.attempts.values().fold(Qty::ZERO, |sum, a| sum.plus(a.cum_qty.saturating_sub(a.attributed_qty())))
    }
    /// FIX LeavesQty (151): what may still execute.
    pub fn leaves_qty(&self) -> Qty {
        if self.status().is_ended() {
            return Qty::ZERO;
        }
        self.qty().unwrap_or_default().saturating_sub(self.cum_qty())
    }
    /// What all attempts that may still execute ask for and have not executed.
    pub fn alive_qty(&self) -> Qty {
        let left = |a: &AttemptFacts| self.asked_by(a).unwrap_or_default().saturating_sub(a.cum_qty);
        self.attempts.values().filter(|a| !a.is_over()).fold(Qty::ZERO, |sum, a| sum.plus(left(a)))
    }
    /// Every known trade.
    pub fn fills(&self) -> impl Iterator<Item = (&ClOrdId, &Fill)> {
        self.attempts.iter().flat_map(|(id, a)| a.fills.values().map(move |f| (id, f)))
    }
    /// FIX AvgPx (6) over the known trades; `None` before the first.
    pub fn avg_px(&self) -> Option<Decimal> {
        let (qty, value) = self.fills().fold((Decimal::ZERO, Decimal::ZERO), |(qty, value), (_, f)| {
            (qty + f.qty.get(), value.saturating_add(crate::units::notional(f.price, f.qty)))
        });
        value.checked_div(qty)
    }
    /// What its trades did to a position, and cost: quantity with its sign, realised profit, fees per asset.
    pub fn contribution(&self, baseline: Option<&TradeId>) -> Contribution {
        let mut sum = Contribution::default();
        let sign = self.intent.terms.side.sign();
        for attempt in self.attempts.values() {
            sum.qty += attempt.counted_qty(baseline).get() * sign;
            for fill in attempt.fills.values().filter(|f| baseline.is_none_or(|cut| f.trade_id > *cut)) {
                sum.add(fill);
            }
        }
        sum
    }
    /// What its known trades did to a position, with its sign.
    pub fn traded(&self, baseline: Option<&TradeId>) -> Decimal {
        let sum: Decimal = self.attempts.values().map(|attempt| attempt.traded_qty(baseline).get()).sum();
        sum * self.intent.terms.side.sign()
    }
    /// The part of its contribution that a fact can change: what its attempt counts, what its trade brought and cost.
    pub(crate) fn contribution_at(&self, event: &OrderEvent, baseline: Option<&TradeId>) -> Contribution {
        let mut part = Contribution::default();
        let Some(attempt) = event.cl_ord_id().and_then(|id| self.attempts.get(id)) else { return part };
        part.qty = attempt.counted_qty(baseline).get() * self.intent.terms.side.sign();
        if let OrderEvent::Executed { fill, .. } = event
            && let Some(known) = attempt.fills.get(&fill.trade_id)
            && baseline.is_none_or(|cut| known.trade_id > *cut)
        {
            part.add(known);
        }
        part
    }
    /// Whether an attempt's outcome is unknown.
    pub fn is_in_doubt(&self) -> bool {
        self.attempts.values().any(|a| a.in_doubt().is_some())
    }
    /// Whether somebody wants it off the book. A refused cancel does not end the wish; only the order's end does.
    pub fn cancel_wished(&self) -> bool {
        let dropped = |c: &CancelFacts| planted(Plant::CancelWishDropped) && matches!(c.state, RequestState::Refused(_));
        self.cancels.values().any(|c| c.only.is_none() && !dropped(c))
    }
    /// Which position it changes.
    pub const fn leg(&self) -> PositionSide {
        self.intent.terms.leg
    }

    /// Learns one fact, all or nothing.
    ///
    /// # Errors
    /// [`Contradiction`]: the fact cannot stand beside what is known; the order is unchanged. Keep it raw and raise.
    pub fn apply(&mut self, event: &OrderEvent) -> Result<Transition, Contradiction> {
        let from = self.status();
        let contested = self.attempts.values().filter(|a| a.is_contested()).count();
        let doubted = doubt::before(self, event);
        let ended_at = (from.is_ended() && from != OrdStatus::Filled).then(|| self.cum_qty());
        let learned = self.merge(event)?;
        let to = self.status();
        let filled_now = learned && matches!(event, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. });
        Ok(Transition {
            from,
            to,
            learned,
            // The trades behind what was told as executed before the end are no news of this kind.
            late: filled_now && ended_at.is_some_and(|before| self.cum_qty() > before),
            overfilled: filled_now && self.is_overfilled(),
            presumption_broken: self.attempts.values().filter(|a| a.is_contested()).count() > contested,
            doubt: if learned { doubt::after(self, doubted, to.is_ended() && !from.is_ended()) } else { None },
        })
    }

    fn merge(&mut self, event: &OrderEvent) -> Result<bool, Contradiction> {
        if planted(Plant::FillAfterExpired)
            && matches!(event, OrderEvent::Executed { .. } | OrderEvent::CumQty { .. })
            && self.status().is_ended()
        {
            return Ok(false);
        }
        if planted(Plant::ModifyBelowFilled)
            && matches!(event, OrderEvent::Canceled { .. })
            && self.cancels.is_empty()
            && self.replaces.values().any(|r| r.terms.qty <= self.cum_qty())
        {
            return Ok(false);
        }
        match event {
            OrderEvent::Denied(denial) => {
                if !self.attempts.is_empty() {
                    return Err(Contradiction::DeniedAfterAttempt);
                }
                Ok(set_once(&mut self.denied, denial))
            }
            OrderEvent::GivenUp(why) => {
                let best = self.given_up.max(Some(*why));
                Ok(core::mem::replace(&mut self.given_up, best) != best)
            }
            OrderEvent::Attempted { .. } | OrderEvent::Adopted { .. } if self.denied.is_some() => {
                Err(Contradiction::DeniedAfterAttempt)
            }
            OrderEvent::Attempted { cl_ord_id, header } => match self.attempts.get_mut(cl_ord_id) {
                Some(known) if known.header.is_some_and(|h| h != *header) => Err(Contradiction::Header(*cl_ord_id)),
                Some(known) => Ok(set_once(&mut known.header, header)),
                None => {
                    self.attempts.insert(*cl_ord_id, AttemptFacts { header: Some(*header), ..AttemptFacts::default() });
                    Ok(true)
                }
            },
            OrderEvent::Adopted { cl_ord_id, history } => {
                let new = !self.attempts.contains_key(cl_ord_id);
                let attempt = self.attempts.entry(*cl_ord_id).or_default();
                let more = *history > attempt.history;
                attempt.history = attempt.history.max(*history);
                Ok(new || more)
            }
            OrderEvent::CancelRequested { request, only } => match self.cancels.get(request) {
                Some(known) if known.only != *only => Err(Contradiction::RequestTerms(*request)),
                Some(_) => Ok(false),
                None => {
                    self.cancels.insert(*request, CancelFacts { only: *only, state: RequestState::Open });
                    Ok(true)
                }
            },
            OrderEvent::CancelAnswered { request, state } => {
                let known = self.cancels.get_mut(request).ok_or(Contradiction::Request(*request))?;
                Ok(raise(&mut known.state, state))
            }
            OrderEvent::ReplaceRequested { request, terms, how } => match self.replaces.get(request) {
                Some(known) if (known.terms, known.how) != (*terms, *how) => Err(Contradiction::RequestTerms(*request)),
                Some(_) => Ok(false),
                None => {
                    self.replaces.insert(*request, ReplaceFacts { terms: *terms, how: *how, state: RequestState::Open });
                    Ok(true)
                }
            },
            OrderEvent::ReplaceAnswered { request, state } => {
                let known = self.replaces.get_mut(request).ok_or(Contradiction::Request(*request))?;
                Ok(raise(&mut known.state, state))
            }
            OrderEvent::Doubted { .. }
            | OrderEvent::Accepted { .. }
            | OrderEvent::Rejected { .. }
            | OrderEvent::NotSent { .. }
            | OrderEvent::Dead { .. }
            | OrderEvent::Activated { .. }
            | OrderEvent::Triggered { .. }
            | OrderEvent::Executed { .. }
            | OrderEvent::CumQty { .. }
            | OrderEvent::Terms { .. }
            | OrderEvent::Canceled { .. }
            | OrderEvent::Expired { .. }
            | OrderEvent::Vanished { .. } => self.merge_attempt(event),
        }
    }

    fn merge_attempt(&mut self, event: &OrderEvent) -> Result<bool, Contradiction> {
        let (side, leg) = (self.intent.terms.side, self.intent.terms.leg);
        let Some(id) = event.cl_ord_id() else { return Ok(false) };
        let attempt = self.attempts.get_mut(id).ok_or(Contradiction::Attempt(*id))?;
        match event {
            OrderEvent::Doubted { since, .. } => {
                let earliest = attempt.doubted.map_or(*since, |known| known.min(*since));
                Ok(attempt.doubted.replace(earliest) != Some(earliest))
            }
            OrderEvent::Accepted { order_id, algo_id, .. } => {
                attempt.check_ids(*order_id, *algo_id)?;
                Ok(attempt.merge_ids(*order_id, *algo_id))
            }
            OrderEvent::Rejected { rejection, .. } => {
                if attempt.rejected.as_ref().is_some_and(|known| known.code != rejection.code) {
                    return Err(Contradiction::Rejection(*id));
                }
                // One refusal told by two sources in different words: the same words stand, whoever was first.
                let better = attempt.rejected.as_ref().is_none_or(|known| rejection.text > known.text);
                if better {
                    attempt.rejected = Some(rejection.clone());
                }
                Ok(better)
            }
            OrderEvent::NotSent { why, .. } => Ok(set_once(&mut attempt.not_sent, why)),
            OrderEvent::Dead { proof, .. } => Ok(set_once(&mut attempt.dead, proof)),
            OrderEvent::Activated { .. } => Ok(!core::mem::replace(&mut attempt.activated, true)),
            OrderEvent::Triggered { .. } => Ok(!core::mem::replace(&mut attempt.triggered, true)),
            OrderEvent::Executed { fill, .. } => {
                if fill.side != side || fill.leg.is_some_and(|l| l != leg) {
                    return Err(Contradiction::FillSide(fill.trade_id));
                }
                attempt.check_fill(fill)?;
                if planted(Plant::SkipFill) && fill.trade_id.as_str().bytes().map(u32::from).sum::<u32>().is_multiple_of(7) {
                    return Ok(false);
                }
                if planted(Plant::Overfill) && attempt.is_beyond(attempt.cum_qty.plus(fill.qty)) {
                    return Ok(false);
                }
                if planted(Plant::FillReopens) {
                    attempt.ending = None;
                }
                Ok(attempt.merge_fill(fill))
            }
            OrderEvent::CumQty { qty, .. } if planted(Plant::Overfill) && attempt.is_beyond(*qty) => Ok(false),
            OrderEvent::CumQty { qty, avg_px, .. } => Ok(attempt.merge_cum_qty(*qty, *avg_px)),
            OrderEvent::Terms { version, terms, .. } => Ok(attempt.merge_terms(*version, *terms)),
            OrderEvent::Canceled { .. } => Ok(raise_option(&mut attempt.ending, VenueEnding::Canceled)),
            OrderEvent::Expired { reason, .. } => Ok(raise_option(&mut attempt.ending, VenueEnding::Expired(*reason))),
            OrderEvent::Vanished { proof, .. } => {
                let new = set_once(&mut attempt.vanished, proof);
                Ok(raise_option(&mut attempt.ending, VenueEnding::Vanished) || new)
            }
            OrderEvent::Denied(_)
            | OrderEvent::Attempted { .. }
            | OrderEvent::Adopted { .. }
            | OrderEvent::CancelRequested { .. }
            | OrderEvent::CancelAnswered { .. }
            | OrderEvent::ReplaceRequested { .. }
            | OrderEvent::ReplaceAnswered { .. }
            | OrderEvent::GivenUp(_) => Ok(false),
        }
    }
}

/// What an order's trades add up to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contribution {
    /// Executed quantity, bought above zero.
    pub qty: Decimal,
    /// Realised profit before fees, as the venue said.
    pub realized: Amount,
    /// Fees per asset.
    pub fees: BTreeMap<Asset, Amount>,
}

impl Contribution {
    /// What a trade brought and cost, but for its quantity: of that more may be known than trades explain.
    fn add(&mut self, fill: &Fill) {
        self.realized = self.realized.plus(fill.realized.unwrap_or_default());
        if let Some(fee) = &fill.fee {
            let total = self.fees.entry(fee.asset.clone()).or_default();
            *total = total.plus(fee.amount);
        }
    }
}

fn set_once<T: Clone>(place: &mut Option<T>, value: &T) -> bool {
    let new = place.is_none();
    if new {
        *place = Some(value.clone());
    }
    new
}

fn raise<T: Ord + Clone>(place: &mut T, value: &T) -> bool {
    let higher = value > place;
    if higher {
        place.clone_from(value);
    }
    higher
}

fn raise_option(place: &mut Option<VenueEnding>, value: VenueEnding) -> bool {
    let higher = Some(value) > *place;
    if higher {
        *place = Some(value);
    }
    higher
}
