//! Watches brackets at the venue's own ledger: what an entry has opened is covered by a stop or on its way out, in time.

use crate::{
    standing::{Standing, Truth},
    world::World,
};
use exchange_sim::{
    Ledger,
    types::{OrderType, PositionSide as TheirLeg, Side as TheirSide},
};
use exec_core::{
    books::Books,
    conversation::Phase,
    engine::config::ProtectionPolicy,
    ids::{IntentId, ListId},
    order::{Order, intent::ListRole},
    units::{PositionSide, Side},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// How long what is open may be uncovered: the time to protect, and what the policy may take to act.
const UNCOVERED_MAX_MS: u64 = 2_000 + 5_000;
/// How long a stop that has become a limit order still counts as one.
const TRIGGERED_COUNTS_MS: i64 = 2_000;

/// How often that is looked at.
const LOOK_EVERY_MS: u64 = 500;

/// A leg of a symbol, as the venue names it.
type Leg = (String, TheirLeg);

/// What was seen of brackets so far.
#[derive(Debug, Default)]
pub(crate) struct Brackets {
    /// Since when a bracket is not covered: not by its own stops, nor by what else stands on its leg.
    since: BTreeMap<ListId, u64>,
    /// Orders that a strategy or the operator wished off the book; where nobody keeps count, every wish counts as theirs.
    pub(crate) wished: Option<BTreeSet<IntentId>>,
}

/// What brackets hold of a leg at the venue, and what would close it.
#[derive(Debug, Default)]
struct Held {
    need: Decimal,
    cover: Decimal,
    /// Brackets whose own stops would close less than they have opened.
    without: Vec<ListId>,
}

impl Brackets {
    /// Looks at what is open. Where a world is `strict`, what brackets hold must be covered within a bound, and a patience
    /// beyond it.
    pub(crate) fn watch(
        &mut self,
        now: u64,
        (strict, patience): (bool, u64),
        node: &Standing<'_>,
        truth: &Truth<'_>,
    ) -> Result<(), String> {
        let live = node.phase == Phase::Live;
        let looks = strict && now.is_multiple_of(LOOK_EVERY_MS);
        let legs = if looks { held(&open_brackets(node.books, self), truth) } else { BTreeMap::new() };
        let mut judged = Ok(());
        let mut since = BTreeMap::new();
        for (leg, held) in legs.iter().filter(|(_, held)| live && held.need > held.cover) {
            for list in &held.without {
                let from = *since.entry(*list).or_insert_with(|| self.since.get(list).copied().unwrap_or(now));
                if now - from > UNCOVERED_MAX_MS + patience {
                    judged =
                        Err(format!("brackets hold {} of {leg:?} and {} of it is covered, since {from}", held.need, held.cover));
                }
            }
        }
        if looks {
            self.since = since;
        }
        judged
    }

    /// What brackets hold uncovered, in words.
    pub(crate) fn uncovered_in_the_end(&self, node: &Standing<'_>, truth: &Truth<'_>, wrong: &mut Vec<String>) {
        for (leg, held) in held(&open_brackets(node.books, self), truth) {
            if held.need > held.cover {
                wrong.push(format!("brackets hold {} of {leg:?} in the end and {} of it is covered", held.need, held.cover));
            }
        }
    }
}

impl World {
    pub(crate) fn watch_brackets(&mut self) {
        if self.plan.brackets == 0 && self.plan.foul == 0 && !self.plan.only_brackets {
            return;
        }
        let strict = self.plan.is_undisturbed() && !self.healing && self.plan.protection != ProtectionPolicy::Alert;
        // A leg that cannot be read is asked for three times before our books must do.
        let patience = if self.plan.positions_down > 0 { 6_000 } else { 0 };
        let Some(node) = self.node.as_ref() else { return };
        let judged = self.oracle.brackets.watch(self.now, (strict, patience), &node.standing(), &Truth::of(&self.desk));
        self.judge(judged);
    }
}

/// A bracket whose entry has executed, in our books.
struct Open<'a> {
    id: ListId,
    entry: &'a Order,
    others: Vec<&'a Order>,
}

impl Open<'_> {
    fn leg(&self) -> Leg {
        let terms = &self.entry.intent().terms;
        let leg = match terms.leg {
            PositionSide::Net => TheirLeg::Both,
            PositionSide::Long => TheirLeg::Long,
            PositionSide::Short => TheirLeg::Short,
        };
        (terms.instrument.symbol().to_owned(), leg)
    }
    fn buys(&self) -> bool {
        self.entry.intent().terms.side == Side::Buy
    }
    /// What the leg holds in the direction of the entry.
    fn on_leg(&self, truth: &Truth<'_>) -> Decimal {
        let (symbol, leg) = self.leg();
        let rows = truth.exchange.positions(truth.account, Some(&symbol)).unwrap_or_default();
        let amount = rows.iter().find(|r| r.position_side == leg).map(|r| r.position_amt).unwrap_or_default();
        if self.buys() { amount.max(Decimal::ZERO) } else { (-amount).max(Decimal::ZERO) }
    }
    /// Whether the leg held nothing of the entry's direction behind one of its trades since the entry's first: what is held later is
    /// not the bracket's. Read from the trades, because a leg may be flat for a moment only.
    fn was_flat(&self, ledger: &Ledger) -> bool {
        let (symbol, leg) = self.leg();
        let (mut held, mut opened) = (Decimal::ZERO, false);
        let trades: Vec<_> = ledger.trades.iter().filter(|t| *t.symbol == *symbol && t.position_side == leg).collect();
        // A trade with oneself is two rows, and one moment.
        trades.chunk_by(|one, other| one.id == other.id).any(|rows| {
            for row in rows {
                held += if (row.side == TheirSide::Buy) == self.buys() { row.qty } else { -row.qty };
                opened |= is_its(self.entry, &row.client_order_id);
            }
            opened && held <= Decimal::ZERO
        })
    }
}

fn open_brackets<'a>(books: &'a Books, seen: &Brackets) -> Vec<Open<'a>> {
    let mut lists: BTreeMap<ListId, Vec<(ListRole, &Order)>> = BTreeMap::new();
    for order in books.orders() {
        if let Some(place) = order.intent().list {
            lists.entry(place.list).or_default().push((place.role, order));
        }
    }
    let open = |(id, orders): (ListId, Vec<(ListRole, &'a Order)>)| {
        let (_, entry) = *orders.iter().find(|(role, _)| *role == ListRole::Entry)?;
        if entry.cum_qty().is_zero() {
            return None;
        }
        // Where a stop was taken off the book on purpose nothing is protected any more.
        let is_theirs = |o: &Order| seen.wished.as_ref().is_none_or(|wished| wished.contains(&o.intent().id));
        let protects = |role: ListRole| matches!(role, ListRole::StopLoss | ListRole::Exit);
        if orders.iter().any(|(role, o)| protects(*role) && o.cancel_wished() && is_theirs(o)) {
            return None;
        }
        let others = orders.iter().filter(|(role, _)| *role != ListRole::Entry).map(|(_, o)| *o).collect();
        Some(Open { id, entry, others })
    };
    lists.into_iter().filter_map(open).collect()
}

/// What brackets hold of each leg, by the venue's own ledger.
fn held(lists: &[Open<'_>], truth: &Truth<'_>) -> BTreeMap<Leg, Held> {
    let mut legs: BTreeMap<Leg, Held> = BTreeMap::new();
    if lists.is_empty() {
        return legs;
    }
    let Ok(ledger) = truth.exchange.ledger(truth.account) else { return legs };
    let mut needs = Vec::new();
    let mut executed: BTreeMap<&str, Decimal> = BTreeMap::new();
    for row in &ledger.orders {
        *executed.entry(&row.client_order_id).or_default() += row.executed_qty;
    }
    let executed = |order: &Order| -> Decimal { order.attempts().keys().filter_map(|id| executed.get(id.as_str())).sum() };
    for list in lists.iter().filter(|list| !list.was_flat(&ledger)) {
        let closed: Decimal = list.others.iter().map(|o| executed(o)).sum();
        let need = (executed(list.entry) - closed).max(Decimal::ZERO);
        if need.is_zero() {
            continue;
        }
        // What stands on a leg is the same for each of its brackets.
        let standing = || Held { cover: cover(list, &ledger, truth.exchange.now(), |_| true), ..Held::default() };
        let held = legs.entry(list.leg()).or_insert_with(standing);
        held.need = (held.need + need).min(list.on_leg(truth));
        needs.push((list, need));
    }
    for (list, need) in needs {
        let own = |id: &str| list.others.iter().any(|o| is_its(o, id));
        let Some(held) = legs.get_mut(&list.leg()).filter(|held| held.cover < held.need) else { continue };
        if cover(list, &ledger, truth.exchange.now(), own) < need {
            held.without.push(list.id);
        }
    }
    legs
}

fn is_its(order: &Order, id: &str) -> bool {
    order.attempts().keys().any(|own| own.as_str() == id)
}

/// What stops, and orders on their way to market, would close of a list's leg, as the venue has them now: those that `counts`.
fn cover(list: &Open<'_>, ledger: &Ledger, now: i64, counts: impl Fn(&str) -> bool) -> Decimal {
    let (symbol, leg) = list.leg();
    let side = if list.buys() { TheirSide::Sell } else { TheirSide::Buy };
    let waiting = ledger.algo_orders.iter().filter(|r| {
        let stop = matches!(r.order_type, OrderType::Stop | OrderType::StopMarket | OrderType::TrailingStopMarket);
        let here = *r.symbol == *symbol && (r.position_side, r.side) == (leg, side);
        stop && here && r.status.is_open() && counts(&r.client_algo_id)
    });
    let all = Decimal::from(1_000_000_000);
    let waiting: Decimal = waiting.map(|r| if r.close_position { all } else { r.quantity }).sum();
    let triggered = |id: &str| ledger.algo_orders.iter().any(|r| r.client_algo_id == id);
    let stands = ledger.orders.iter().filter(|r| {
        let mine = *r.symbol == *symbol && (r.position_side, r.side) == (leg, side) && !r.status.is_final();
        mine && triggered(&r.client_order_id) && now - r.time <= TRIGGERED_COUNTS_MS && counts(&r.client_order_id)
    });
    waiting + stands.map(|r| r.orig_qty - r.executed_qty).sum::<Decimal>()
}
