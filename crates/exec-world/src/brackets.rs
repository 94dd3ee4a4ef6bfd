//! Watches brackets at the venue's own ledger: what an entry has opened is covered by a stop or on its way out, in time.

use crate::{node::Node, world::World};
use exchange_sim::{
    Ledger,
    types::{OrderType, PositionSide as TheirLeg},
    venue::Desk,
};
use exec_core::{
    conversation::Phase,
    engine::config::ProtectionPolicy,
    ids::{ClOrdId, ListId},
    order::{Order, intent::ListRole},
    units::{PositionSide, Side},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// How long what is open may be uncovered: the time to protect, and what the policy may take to act.
const UNCOVERED_MAX_MS: u64 = 2_000 + 5_000;
/// How long a stop that has become a limit order still counts as one.
const TRIGGERED_COUNTS_MS: i64 = 2_000;

const STOP_LIMITS_COUNT: bool = true;

/// What was seen of brackets so far.
#[derive(Debug, Default)]
pub(crate) struct Brackets {
    /// Since when what a bracket has opened is not covered.
    since: BTreeMap<ListId, u64>,
    /// Brackets whose leg was flat after they had opened: what is held later is not theirs.
    over: BTreeSet<ListId>,
}

/// One bracket at the venue.
struct Seen {
    list: ListId,
    need: Decimal,
    cover: Decimal,
    flat: bool,
}

impl World {
    pub(crate) fn watch_brackets(&mut self) {
        if self.plan.brackets == 0 && !self.plan.only_brackets {
            return;
        }
        let now = self.now;
        let strict = self.plan.is_undisturbed() && !self.healing;
        let Some(node) = self.node.as_ref() else { return };
        let live = node.engine.phase() == Phase::Live;
        let Ok(ledger) = self.desk.exchange().ledger(self.desk.account()) else { return };
        let watched = seen(node, &self.desk, &ledger, &self.oracle.brackets.over, self.plan.only_brackets);
        let mut wrong = None;
        let brackets = &mut self.oracle.brackets;
        for bracket in watched {
            if bracket.flat {
                brackets.over.insert(bracket.list);
            }
            if bracket.need <= bracket.cover || !live {
                brackets.since.remove(&bracket.list);
                continue;
            }
            let since = *brackets.since.entry(bracket.list).or_insert(now);
            if now - since > UNCOVERED_MAX_MS && strict && self.plan.protection != ProtectionPolicy::Alert {
                wrong = Some(format!(
                    "bracket {}: {} is open and {} of it covered, since {since}",
                    bracket.list, bracket.need, bracket.cover
                ));
            }
        }
        if let Some(text) = wrong {
            self.violate(text);
        }
    }

    /// What brackets hold uncovered, in words.
    pub(crate) fn uncovered_in_the_end(&self, wrong: &mut Vec<String>) {
        if self.plan.protection == ProtectionPolicy::Alert {
            return;
        }
        let Some(node) = &self.node else { return };
        let Ok(ledger) = self.desk.exchange().ledger(self.desk.account()) else { return };
        for bracket in seen(node, &self.desk, &ledger, &self.oracle.brackets.over, self.plan.only_brackets) {
            if bracket.need > bracket.cover {
                wrong.push(format!(
                    "bracket {}: {} is open in the end and {} of it covered",
                    bracket.list, bracket.need, bracket.cover
                ));
            }
        }
    }
}

fn seen(node: &Node, desk: &Desk, ledger: &Ledger, over: &BTreeSet<ListId>, only_brackets: bool) -> Vec<Seen> {
    let mut lists: BTreeMap<ListId, Vec<(ListRole, &Order)>> = BTreeMap::new();
    for order in node.engine.books().orders() {
        if let Some(place) = order.intent().list.filter(|place| !over.contains(&place.list)) {
            lists.entry(place.list).or_default().push((place.role, order));
        }
    }
    let now = desk.exchange().now();
    lists.into_iter().filter_map(|(list, orders)| bracket(list, &orders, desk, ledger, now, only_brackets)).collect()
}

fn bracket(
    list: ListId,
    orders: &[(ListRole, &Order)],
    desk: &Desk,
    ledger: &Ledger,
    now: i64,
    only_brackets: bool,
) -> Option<Seen> {
    let (_, entry) = orders.iter().find(|(role, _)| *role == ListRole::Entry)?;
    // Elsewhere strategies and operators take stops off the book by themselves.
    if !only_brackets && orders.iter().any(|(role, o)| *role == ListRole::StopLoss && o.cancel_wished()) {
        return None;
    }
    let opened = executed(entry, ledger);
    if opened.is_zero() {
        return None;
    }
    let closed: Decimal = orders.iter().filter(|(role, _)| *role != ListRole::Entry).map(|(_, o)| executed(o, ledger)).sum();
    let terms = &entry.intent().terms;
    let rows = desk.exchange().positions(desk.account(), Some(terms.instrument.symbol())).ok()?;
    let held = rows.iter().find(|r| r.position_side == their_leg(terms.leg)).map(|r| r.position_amt).unwrap_or_default();
    let held = if terms.side == Side::Buy { held.max(Decimal::ZERO) } else { (-held).max(Decimal::ZERO) };
    let cover: Decimal = orders
        .iter()
        .filter(|(role, _)| matches!(role, ListRole::StopLoss | ListRole::Exit))
        .map(|(role, o)| covers(*role, o, ledger, now))
        .sum();
    Some(Seen { list, need: (opened - closed).min(held), cover, flat: held.is_zero() })
}

fn their_leg(leg: PositionSide) -> TheirLeg {
    match leg {
        PositionSide::Net => TheirLeg::Both,
        PositionSide::Long => TheirLeg::Long,
        PositionSide::Short => TheirLeg::Short,
    }
}

fn is_of(order: &Order, client_id: &str) -> bool {
    ClOrdId::new(client_id).is_ok_and(|id| order.attempts().contains_key(&id))
}

fn executed(order: &Order, ledger: &Ledger) -> Decimal {
    ledger.orders.iter().filter(|r| is_of(order, &r.client_order_id)).map(|r| r.executed_qty).sum()
}

/// What an order would close of a leg, as the venue has it now.
fn covers(role: ListRole, order: &Order, ledger: &Ledger, now: i64) -> Decimal {
    let waiting = ledger.algo_orders.iter().filter(|r| r.status.is_open() && is_of(order, &r.client_algo_id));
    let waiting: Decimal = waiting.map(|r| if r.close_position { Decimal::MAX / Decimal::TEN } else { r.quantity }).sum();
    let stands = ledger.orders.iter().filter(|r| !r.status.is_final() && is_of(order, &r.client_order_id));
    let stands = stands.filter(|r| {
        role == ListRole::Exit || r.order_type == OrderType::Market || STOP_LIMITS_COUNT || now - r.time <= TRIGGERED_COUNTS_MS
    });
    waiting + stands.map(|r| r.orig_qty - r.executed_qty).sum::<Decimal>()
}
