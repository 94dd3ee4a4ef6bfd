//! Breakers: a strategy that does what a working one does not do may only close from then on, until somebody releases it. Counts
//! are volatile; the latch is in the journal. It denies nothing by itself.

use super::Engine;
use crate::{
    conversation::Effect, ids::StrategyId, limits::Scope, order::event::OrderEvent, pretrade::Denial, terms::Terms,
    time::Timestamp, venue::RejectClass,
};
use alloc::{
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
/// As many orders of the last second are remembered to find the same among them.
const SAME_KEPT: usize = 64;

/// When a strategy's breaker opens. 0 switches a rule off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Breakers {
    /// Refusals with no accepted order between them.
    pub refusals_in_a_row: u32,
    /// Refusals within a minute.
    pub refusals_per_minute: u32,
    /// Opening orders refused for want of funds, with none accepted between them.
    pub funds_in_a_row: u32,
    /// Post-only orders refused within a minute because they would have taken. Counted apart: a maker lives with some.
    pub would_take_per_minute: u32,
    /// The same order may be asked for this often within a second; 63 at most.
    pub same_order_per_second: u32,
    /// So many slow calls within an hour. What is slow the shell says.
    pub slow_calls: u32,
    /// So many starts of the node within two minutes: it comes up without strategies.
    pub starts: u32,
}

impl Breakers {
    /// None ever opens.
    pub const OFF: Self = Self {
        refusals_in_a_row: 0,
        refusals_per_minute: 0,
        funds_in_a_row: 0,
        would_take_per_minute: 0,
        same_order_per_second: 0,
        slow_calls: 0,
        starts: 0,
    };
}

impl Default for Breakers {
    fn default() -> Self {
        Self {
            refusals_in_a_row: 10,
            refusals_per_minute: 30,
            funds_in_a_row: 5,
            would_take_per_minute: 120,
            same_order_per_second: 10,
            slow_calls: 3,
            starts: 3,
        }
    }
}

/// Moments within a span that ends now, never more of them than it takes to open.
#[derive(Clone, Debug, Default)]
struct Recent(VecDeque<Timestamp>);

impl Recent {
    /// Adds one and says whether there are `most` of them now.
    fn reaches(&mut self, most: u32, span_ms: u64, now: Timestamp) -> bool {
        if most == 0 {
            return false;
        }
        while self.0.front().is_some_and(|at| now.ms_since(*at) >= span_ms) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        let reached = self.0.len() >= most as usize;
        if reached {
            self.0.pop_front();
        }
        reached
    }
}

/// What a strategy did lately.
#[derive(Clone, Debug, Default)]
struct Watched {
    in_a_row: u32,
    funds_in_a_row: u32,
    refused: Recent,
    would_take: Recent,
    slow: Recent,
    asked: VecDeque<(Timestamp, Terms)>,
}

/// What the strategies did lately, and whose breaker opens.
#[derive(Clone, Debug, Default)]
pub(super) struct Watching {
    of: BTreeMap<StrategyId, Watched>,
    opened: Vec<(StrategyId, String)>,
}

impl Engine {
    /// A strategy asks for an order, whatever becomes of it.
    pub(super) fn watch_asked(&mut self, strategy: &StrategyId, terms: &Terms) {
        let most = (self.config.breakers.same_order_per_second as usize).min(SAME_KEPT - 1);
        if most == 0 {
            return;
        }
        let now = self.now;
        let asked = &mut self.watched(strategy).asked;
        if asked.len() == SAME_KEPT {
            asked.pop_front();
        }
        asked.push_back((now, terms.clone()));
        let young = asked.iter().rev().take_while(|(at, _)| now.ms_since(*at) < SECOND_MS);
        let same = young.filter(|(_, other)| other == terms).count();
        if same > most {
            self.open_breaker(strategy, format!("asked for the same order {same} times within a second"));
        }
    }

    /// A fact about an order of a strategy: is it a refusal that a working strategy would not earn over and over, or an end of such?
    pub(super) fn watch_fact(&mut self, strategy: &StrategyId, opens: bool, event: &OrderEvent) {
        match event {
            OrderEvent::Accepted { .. } => {
                let watched = self.watched(strategy);
                watched.in_a_row = 0;
                if opens {
                    watched.funds_in_a_row = 0;
                }
            }
            OrderEvent::Denied(denial) => self.watch_denial(strategy, denial),
            OrderEvent::Rejected { rejection, .. } => self.watch_rejection(strategy, opens, rejection.class, rejection.code),
            _ => (),
        }
    }

    pub(super) fn watch_denial(&mut self, strategy: &StrategyId, denial: &Denial) {
        if is_earned(denial) {
            self.refused(strategy, &format!("{denial}"));
        }
    }

    fn watch_rejection(&mut self, strategy: &StrategyId, opens: bool, class: RejectClass, code: i64) {
        match class {
            RejectClass::WouldTake => {
                let (most, now) = (self.config.breakers.would_take_per_minute, self.now);
                if self.watched(strategy).would_take.reaches(most, MINUTE_MS, now) {
                    self.open_breaker(strategy, format!("{most} post-only orders within a minute would have taken"));
                }
            }
            RejectClass::Funds => {
                let most = self.config.breakers.funds_in_a_row;
                let watched = self.watched(strategy);
                if opens {
                    watched.funds_in_a_row += 1;
                }
                if opens && most > 0 && watched.funds_in_a_row >= most {
                    self.open_breaker(
                        strategy,
                        format!("{most} opening orders in a row were refused for want of funds ({code})"),
                    );
                }
                self.refused(strategy, &format!("want of funds ({code})"));
            }
            RejectClass::Invalid
            | RejectClass::State
            | RejectClass::NothingToClose
            | RejectClass::WouldTrigger
            | RejectClass::Overlap
            | RejectClass::Count
            | RejectClass::NotOnBook => self.refused(strategy, &format!("code {code}")),
            // The venue's or the account's doing, which have states and latches of their own.
            RejectClass::Restricted
            | RejectClass::AccountRestricted
            | RejectClass::Liquidating
            | RejectClass::Throttled
            | RejectClass::Clock
            | RejectClass::Auth
            | RejectClass::Failed
            | RejectClass::PositionMode
            | RejectClass::OutOfBand => (),
        }
    }

    fn refused(&mut self, strategy: &StrategyId, last: &str) {
        let (rules, now) = (self.config.breakers, self.now);
        let watched = self.watched(strategy);
        watched.in_a_row += 1;
        let in_a_row = rules.refusals_in_a_row > 0 && watched.in_a_row >= rules.refusals_in_a_row;
        let in_a_minute = watched.refused.reaches(rules.refusals_per_minute, MINUTE_MS, now);
        if in_a_row {
            self.open_breaker(
                strategy,
                format!("{} orders in a row were refused, the last one for: {last}", rules.refusals_in_a_row),
            );
        } else if in_a_minute {
            let count = rules.refusals_per_minute;
            self.open_breaker(strategy, format!("{count} orders were refused within a minute, the last one for: {last}"));
        }
    }

    /// A call of a strategy took longer than it may.
    pub(super) fn watch_slow(&mut self, strategy: &StrategyId, took_ms: u64) {
        let (most, now) = (self.config.breakers.slow_calls, self.now);
        if self.watched(strategy).slow.reaches(most, HOUR_MS, now) {
            let text = format!("{most} of its calls within an hour took too long, the last one {took_ms} ms");
            self.open_breaker(strategy, text);
        }
    }

    fn watched(&mut self, strategy: &StrategyId) -> &mut Watched {
        self.watching.of.entry(strategy.clone()).or_default()
    }

    fn open_breaker(&mut self, strategy: &StrategyId, why: String) {
        if self.latch_of(strategy).is_none() && self.watching.opened.iter().all(|(other, _)| other != strategy) {
            self.watching.opened.push((strategy.clone(), format!("strategy {strategy} may only close: {why}")));
        }
    }

    /// Latches what has opened. Not in the middle of an order's facts, and not in the middle of a batch.
    pub(super) fn open_breakers(&mut self, out: &mut Vec<Effect>) {
        for (strategy, text) in core::mem::take(&mut self.watching.opened) {
            self.latch_strategy(&strategy, text, out);
        }
    }

    /// Somebody has looked: counting begins anew.
    pub(super) fn forget_watched(&mut self) {
        self.watching = Watching::default();
    }
}

/// Whether a denial is the strategy's own doing. What keeps everybody out is not, and neither is a market that moves.
const fn is_earned(denial: &Denial) -> bool {
    match denial {
        Denial::UnknownInstrument { .. }
        | Denial::NotYours(_)
        | Denial::NoSuchOrder
        | Denial::QtyExecuted
        | Denial::Unsupported(_)
        | Denial::Leg { .. }
        | Denial::Intention
        | Denial::Quantity
        | Denial::PriceGrid { .. }
        | Denial::PriceBounds { .. }
        | Denial::QtyGrid { .. }
        | Denial::QtyBounds { .. }
        | Denial::NotionalMin { .. }
        | Denial::PercentPrice { .. }
        | Denial::VenueRule { .. }
        | Denial::List(_)
        | Denial::NothingToClose
        | Denial::Limit { .. }
        | Denial::Collar { .. }
        | Denial::IntentReused => true,
        // What others have used up with it is not its own doing.
        Denial::Scoped { scope, .. } | Denial::Rate { scope, .. } => !matches!(scope, Scope::Account),
        Denial::NotTrading(_)
        | Denial::NotWorking
        | Denial::ChangeUnderWay
        | Denial::GateClosed(_)
        | Denial::InDoubt { .. }
        | Denial::NoPrice(_)
        | Denial::OpenOrders { .. }
        | Denial::NoClOrdId
        | Denial::WouldTake(_)
        | Denial::Flattens
        | Denial::StalePrice { .. } => false,
    }
}
