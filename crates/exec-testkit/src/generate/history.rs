//! Histories of one order that a venue could have had, as facts that do not contradict each other, with the truth beside them.

use super::{lots, side, ticks};
use crate::fixtures;
use exec_core::{
    ids::{AlgoId, ClOrdId, OrderId, RequestId, TradeId},
    order::{
        event::{AttemptHeader, GivenUp, LiveTerms, NotSent, OrderEvent, RequestState, TermsVersion},
        intent::Intent,
        proof::DeathProof,
    },
    report::{ExpiryReason, Fee, Fill},
    terms::{OrderKind, Trigger, TriggerBy},
    time::{Timestamp, VenueTime},
    units::{Amount, PositionSide, Qty, Side, notional},
    venue::{Fence, RejectClass, Rejection},
};
use proptest::{collection::vec, prelude::*, sample::Index};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What happened to an order, as the facts that somebody may learn of it, and what it adds up to.
#[derive(Clone, Debug)]
pub struct History {
    /// What was asked for.
    pub intent: Intent,
    /// The facts in the order in which they happened, with duplicates; a fill that came after the end stands there.
    pub facts: Vec<OrderEvent>,
    /// Every trade, as the most talkative source tells it.
    pub fills: BTreeMap<TradeId, Fill>,
    /// Executed in total.
    pub cum_qty: Qty,
    /// Asked for in the end.
    pub qty: Qty,
}

/// A trade to be, and how its reports differ in what they tell: one bit each for leg, fee and profit.
type Piece = (u32, u32, bool, Vec<u8>);
/// New quantity beyond the old one, price, and how the request ended; `Accepted` has an effect.
type Change = (u32, u32, u8);

#[derive(Clone, Debug)]
struct Plan {
    side: Side,
    lots: u32,
    /// Of 1000.
    executed: u32,
    pieces: Vec<Piece>,
    snapshots: Vec<(Index, bool)>,
    cancels: Vec<u8>,
    changes: Vec<Change>,
    earlier: Vec<u8>,
    conditional: bool,
    doubted: bool,
    given_up: bool,
    ending: Option<u8>,
    late: bool,
    duplicates: Vec<Index>,
}

fn plan(ended: bool) -> impl Strategy<Value = Plan> {
    let piece = (1_u32..100, 900_u32..1_100, any::<bool>(), vec(0_u8..8, 0..=2));
    let change = (0_u32..500, 900_u32..1_100, 0_u8..5);
    let executed = if ended { 1_u32..1_000 } else { 0..1_001 };
    let ending = if ended { (0_u8..9).prop_map(Some).boxed() } else { proptest::option::of(0_u8..9).boxed() };
    let what = (side(), 10_u32..5_000, executed, vec(piece, 1..=5), vec((any::<Index>(), any::<bool>()), 1..=3));
    let asked = (vec(0_u8..5, 0..=1), vec(change, 0..=2), vec(0_u8..3, 0..=2));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), ending, vec(any::<Index>(), 1..=2));
    (what, asked, flags).prop_map(
        move |(
            (side, lots, executed, pieces, snapshots),
            (cancels, changes, earlier),
            (conditional, doubted, given_up, ending, duplicates),
        )| Plan {
            side,
            lots,
            executed,
            pieces,
            snapshots,
            cancels,
            changes,
            earlier,
            conditional,
            doubted,
            given_up,
            ending,
            late: ended,
            duplicates,
        },
    )
}

/// Histories of every kind: working, filled, ended; some with earlier attempts that came to nothing.
pub fn history() -> impl Strategy<Value = History> {
    plan(false).prop_map(|plan| build(&plan))
}

/// Histories with an end, with a fill after it, at least one snapshot of the executed quantity and at least one duplicate.
pub fn ended_history() -> impl Strategy<Value = History> {
    plan(true).prop_map(|plan| build(&plan))
}

/// The facts of a history in an order in which they may arrive: any, but nobody hears of an attempt or a request before it was made.
pub fn arrival(history: &History) -> impl Strategy<Value = Vec<OrderEvent>> + use<> {
    let facts = history.facts.clone();
    let count = facts.len();
    (Just(facts), vec(0..count, 0..=3)).prop_flat_map(|(mut facts, again)| {
        let more: Vec<OrderEvent> = again.iter().map(|at| facts[*at].clone()).collect();
        facts.extend(more);
        Just(facts).prop_shuffle().prop_map(made_before_heard)
    })
}

/// What a fact needs to have been made before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Needs {
    Nothing,
    Attempt(ClOrdId),
    Request(RequestId),
}

fn made_before_heard(facts: Vec<OrderEvent>) -> Vec<OrderEvent> {
    let (mut made, mut waiting, mut out) = (Vec::new(), Vec::<(Needs, OrderEvent)>::new(), Vec::new());
    for fact in facts {
        let (makes, needs) = match &fact {
            OrderEvent::Attempted { cl_ord_id, .. } | OrderEvent::Adopted { cl_ord_id, .. } => {
                (Needs::Attempt(*cl_ord_id), Needs::Nothing)
            }
            OrderEvent::CancelRequested { request, .. } | OrderEvent::ReplaceRequested { request, .. } => {
                (Needs::Request(*request), Needs::Nothing)
            }
            OrderEvent::CancelAnswered { request, .. } | OrderEvent::ReplaceAnswered { request, .. } => {
                (Needs::Nothing, Needs::Request(*request))
            }
            other => (Needs::Nothing, other.cl_ord_id().map_or(Needs::Nothing, |id| Needs::Attempt(*id))),
        };
        if needs != Needs::Nothing && !made.contains(&needs) {
            waiting.push((needs, fact));
            continue;
        }
        out.push(fact);
        if makes != Needs::Nothing {
            made.push(makes);
            let (now, later) = waiting.into_iter().partition(|(needs, _)| *needs == makes);
            waiting = later;
            out.extend(now.into_iter().map(|(_, fact): (Needs, OrderEvent)| fact));
        }
    }
    out
}

fn build(plan: &Plan) -> History {
    let terms = {
        let mut terms = fixtures::limit(plan.side, lots(plan.lots), ticks(1_000));
        if plan.conditional {
            let trigger = Trigger { price: ticks(1_000), by: TriggerBy::Mark, price_protect: false };
            terms.kind = OrderKind::StopMarket { trigger };
        }
        terms
    };
    let mut story = Story { facts: Vec::new(), requests: 0, id: fixtures::cl_ord_id("live") };
    for (number, how) in plan.earlier.iter().enumerate() {
        story.failed_attempt(number as u8, *how);
    }
    story.attempt(plan);
    let (fills, reports) = trades(plan);
    let total = fills.iter().fold(Qty::ZERO, |sum, fill| sum.plus(fill.qty));
    let qty = story.changes(plan, total);
    let last = reports.last().cloned().unwrap_or_default();
    for report in reports.iter().take(reports.len().saturating_sub(1)).flatten() {
        story.executed(report.clone());
    }
    if !plan.late {
        story.all_executed(&last);
    }
    story.cancels(plan);
    if let Some(how) = plan.ending {
        let cl_ord_id = story.id;
        story.facts.push(match how {
            0..=2 => OrderEvent::Canceled { cl_ord_id },
            how => OrderEvent::Expired { cl_ord_id, reason: REASONS[usize::from(how) % REASONS.len()] },
        });
        if plan.given_up {
            story.facts.push(OrderEvent::GivenUp(GivenUp::Settled));
        }
    }
    if plan.late {
        story.all_executed(&last);
    }
    story.snapshots(plan, &fills);
    story.repeat(&plan.duplicates);
    History {
        intent: fixtures::intent(1, terms),
        facts: story.facts,
        fills: fills.into_iter().map(|fill| (fill.trade_id, fill)).collect(),
        cum_qty: total,
        qty,
    }
}

const REASONS: [ExpiryReason; 4] =
    [ExpiryReason::Unstated, ExpiryReason::NotFillable, ExpiryReason::TimeUp, ExpiryReason::SelfTrade];

struct Story {
    facts: Vec<OrderEvent>,
    requests: u64,
    id: ClOrdId,
}

impl Story {
    fn failed_attempt(&mut self, number: u8, how: u8) {
        let cl_ord_id = fixtures::cl_ord_id(&format!("early{number}"));
        let header = header(number);
        self.facts.push(OrderEvent::Attempted { cl_ord_id, header });
        self.facts.push(match how {
            0 => OrderEvent::NotSent { cl_ord_id, why: NotSent::TooOld },
            1 => {
                let rejection = Rejection { class: RejectClass::Failed, code: -1008, text: "overloaded".to_owned() };
                OrderEvent::Rejected { cl_ord_id, rejection }
            }
            _ => match proof(cl_ord_id, &header) {
                Some(proof) => OrderEvent::Dead { cl_ord_id, proof },
                None => OrderEvent::NotSent { cl_ord_id, why: NotSent::Withdrawn },
            },
        });
    }

    fn attempt(&mut self, plan: &Plan) {
        let cl_ord_id = self.id;
        self.facts.push(OrderEvent::Attempted { cl_ord_id, header: header(plan.earlier.len() as u8) });
        if plan.doubted {
            self.facts.push(OrderEvent::Doubted { cl_ord_id, since: Timestamp::from_ms(7) });
        }
        if plan.conditional {
            let algo_id = Some(AlgoId::from_number(70));
            self.facts.push(OrderEvent::Accepted { cl_ord_id, order_id: None, algo_id });
            self.facts.push(OrderEvent::Triggered { cl_ord_id });
        }
        self.facts.push(OrderEvent::Accepted { cl_ord_id, order_id: Some(OrderId::from_number(7)), algo_id: None });
    }

    /// Requests for other terms and, where one is accepted, the venue's word for it. Never below what is executed in the end.
    fn changes(&mut self, plan: &Plan, total: Qty) -> Qty {
        let mut qty = lots(plan.lots);
        for (number, (more, price, state)) in plan.changes.iter().enumerate() {
            self.requests += 1;
            let request = RequestId(self.requests);
            let new = total.plus(lots(more + 1)).max(qty);
            let terms = LiveTerms { qty: new, price: Some(ticks(*price)), trigger: None };
            self.facts.push(OrderEvent::ReplaceRequested { request, terms, how: exec_core::order::event::ReplaceHow::InPlace });
            let state = request_state(*state);
            if state == RequestState::Accepted {
                qty = new;
                let version = TermsVersion { updated: VenueTime(1_000 + number as i64), request };
                self.facts.push(OrderEvent::Terms { cl_ord_id: self.id, version, terms });
            }
            self.facts.push(OrderEvent::ReplaceAnswered { request, state });
        }
        qty
    }

    fn cancels(&mut self, plan: &Plan) {
        for state in &plan.cancels {
            self.requests += 1;
            let request = RequestId(self.requests);
            self.facts.push(OrderEvent::CancelRequested { request, only: None });
            // The newer of two answers is the better known one.
            self.facts.push(OrderEvent::CancelAnswered { request, state: RequestState::Unknown });
            self.facts.push(OrderEvent::CancelAnswered { request, state: request_state(*state) });
        }
    }

    fn executed(&mut self, fill: Fill) {
        self.facts.push(OrderEvent::Executed { cl_ord_id: self.id, fill });
    }

    fn all_executed(&mut self, reports: &[Fill]) {
        for report in reports {
            self.executed(report.clone());
        }
    }

    /// Order queries and replies: how much was executed after so many trades, with or without the average price.
    fn snapshots(&mut self, plan: &Plan, fills: &[Fill]) {
        for (after, priced) in &plan.snapshots {
            let seen = &fills[..=after.index(fills.len().max(1)).min(fills.len().saturating_sub(1))];
            let qty = seen.iter().fold(Qty::ZERO, |sum, fill| sum.plus(fill.qty));
            let value = seen.iter().fold(Decimal::ZERO, |sum, fill| sum + notional(fill.price, fill.qty));
            let avg_px =
                if *priced { value.checked_div(qty.get()).and_then(|p| exec_core::units::Price::new(p).ok()) } else { None };
            self.facts.push(OrderEvent::CumQty { cl_ord_id: self.id, qty, avg_px });
        }
    }

    fn repeat(&mut self, which: &[Index]) {
        let story = self.facts.clone();
        for at in which {
            self.facts.push(story[at.index(story.len())].clone());
        }
    }
}

/// The trades, and what each report of each says.
fn trades(plan: &Plan) -> (Vec<Fill>, Vec<Vec<Fill>>) {
    let executed = (u64::from(plan.lots) * u64::from(plan.executed) / 1_000).max(1);
    let executed = if plan.late { executed.min(u64::from(plan.lots) - 1) } else { executed };
    let weights: u64 = plan.pieces.iter().map(|(weight, ..)| u64::from(*weight)).sum();
    let (mut fills, mut reports, mut left) = (Vec::new(), Vec::new(), executed);
    for (number, (weight, price, maker, told)) in plan.pieces.iter().enumerate() {
        let last = number + 1 == plan.pieces.len();
        let share = if last { left } else { (executed * u64::from(*weight) / weights).min(left) };
        if share == 0 {
            continue;
        }
        left -= share;
        let whole = Fill {
            trade_id: TradeId::from_number(100 + number as u64),
            price: ticks(*price),
            qty: lots(share as u32),
            side: plan.side,
            maker: *maker,
            leg: Some(PositionSide::Net),
            fee: Amount::new(Decimal::new(i64::from(*weight), 4))
                .ok()
                .map(|amount| Fee { amount, asset: fixtures::asset("USDT") }),
            realized: Amount::new(Decimal::new(i64::from(*price), 3)).ok(),
            at: VenueTime(2_000 + number as i64),
        };
        // Each source leaves out what it does not know; one of them knows all.
        let mut all: Vec<Fill> = told.iter().map(|bits| partly(&whole, *bits)).collect();
        all.push(whole.clone());
        reports.push(all);
        fills.push(whole);
    }
    (fills, reports)
}

fn partly(whole: &Fill, bits: u8) -> Fill {
    let mut fill = whole.clone();
    fill.leg = fill.leg.filter(|_| bits & 1 > 0);
    fill.fee = fill.fee.filter(|_| bits & 2 > 0);
    fill.realized = fill.realized.filter(|_| bits & 4 > 0);
    fill
}

fn header(number: u8) -> AttemptHeader {
    AttemptHeader {
        number: number.into(),
        timestamp: VenueTime(1_000),
        recv_window_ms: 2_000,
        epoch: fixtures::EPOCH,
        qty: None,
        replaces: None,
    }
}

fn proof(cl_ord_id: ClOrdId, header: &AttemptHeader) -> Option<DeathProof> {
    let attempt = fixtures::attempt(cl_ord_id, header);
    let fence = Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 };
    DeathProof::new(&attempt, &fence, VenueTime(6_000), VenueTime(7_000)).ok()
}

fn request_state(which: u8) -> RequestState {
    match which {
        0 => RequestState::Open,
        1 => RequestState::Unknown,
        2 => RequestState::NotSent,
        3 => RequestState::Refused(-2011),
        _ => RequestState::Accepted,
    }
}
