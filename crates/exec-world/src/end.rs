//! What must be true once faults have stopped, and enough time has passed: the books stand as the venue's own ledger stands.

use crate::{
    oracle::{Oracle, leg_of},
    standing::{Standing, Truth},
};
use exchange_sim::{
    Ledger,
    row::{AlgoRow, OrderRow},
};
use exec_core::{
    books::Books,
    cl_ord_id::OwnId,
    ids::{ClOrdId, IntentId, OrderId, TradeId},
    order::{
        Order,
        attempt::AttemptFacts,
        intent::{ExchangeMade, Provenance},
    },
    units::PositionSide,
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

impl Oracle {
    /// What must hold once faults have stopped, and enough time has passed: everything that does not, in words.
    pub(crate) fn in_the_end(&self, node: &Standing<'_>, truth: &Truth<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        let books = node.books;
        let ledger = match truth.exchange.ledger(truth.account) {
            Ok(ledger) => ledger,
            Err(error) => {
                wrong.push(format!("no ledger: {error}"));
                return wrong;
            }
        };
        self.promises.in_the_end(books, &mut wrong);
        self.executed_once(&ledger, &mut wrong);
        self.orders_known(books, &ledger, &mut wrong);
        self.fills_equal(books, &ledger, &mut wrong);
        positions_equal(node, &ledger, &mut wrong);
        wallets_equal(books, &ledger, &mut wrong);
        if let Err(violation) = truth.exchange.check_invariants() {
            wrong.push(format!("the exchange itself: {violation}"));
        }
        wrong
    }

    /// P1: each intent that adds risk was executed by one attempt at most, each client order id was accepted once.
    fn executed_once(&self, ledger: &Ledger, wrong: &mut Vec<String>) {
        let mut accepted: BTreeSet<&str> = BTreeSet::new();
        let mut executed: BTreeMap<IntentId, &str> = BTreeMap::new();
        for row in &ledger.orders {
            let Ok(id) = ClOrdId::new(&row.client_order_id) else { continue };
            let Some(fixed) = self.attempts.get(&id) else { continue };
            if !accepted.insert(&row.client_order_id) {
                wrong.push(format!("P1: the venue accepted {id} twice"));
            }
            if !row.executed_qty.is_zero()
                && fixed.adds_risk
                && let Some(other) = executed.insert(fixed.intent, &row.client_order_id)
            {
                wrong.push(format!("P1: intent {} was executed by {other} and by {id}", fixed.intent));
            }
        }
    }

    /// P2: every order of ours at the venue, on either of its books, is in our books, and stands there as it stands at the venue.
    fn orders_known(&self, books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
        for row in &ledger.orders {
            let Ok(id) = ClOrdId::new(&row.client_order_id) else { continue };
            let made = made_by(&row.client_order_id);
            // Orders of the exchange may share one name: only the venue's number tells them apart.
            let found = if made.is_some() { numbered(books, row) } else { known(books, &id) };
            match found {
                Some((order, attempt)) => stands_equal(&id, row, order, attempt, wrong),
                None if self.is_let_go(&id) => {
                    if !row.status.is_final() {
                        wrong.push(format!("order {id} is {} at the venue, and the books have let it go", row.status));
                    }
                }
                None => {
                    // An exit does not wait for the disk: one that came to nothing before a power loss may be forgotten.
                    let came_to_nothing = row.status.is_final() && row.executed_qty.is_zero();
                    let mut trades = ledger.trades.iter().filter(|t| t.symbol == row.symbol && t.order_id == row.order_id);
                    let old = !row.executed_qty.is_zero() && trades.all(|t| is_history(books, &t.symbol, &trade_id(t.id)));
                    let forgotten = came_to_nothing && self.is_forgettable(books, &id);
                    if !(forgotten || old) {
                        wrong.push(format!("P2: the venue has {id}, the books do not"));
                    }
                }
            }
            if let (Some(made), Some(known)) = (made, found.map(|(order, _)| order.intent().provenance))
                && known != Provenance::Exchange(made)
            {
                wrong.push(format!("{id} was made by the exchange ({made:?}), the books say {known:?}"));
            }
        }
        for row in &ledger.algo_orders {
            let Ok(id) = ClOrdId::new(&row.client_algo_id) else { continue };
            match known(books, &id) {
                Some((order, attempt)) if row.actual_order_id.is_none() => waits_equal(&id, row, order, attempt, wrong),
                // One that has triggered is looked for by its child.
                _ if row.actual_order_id.is_some() => (),
                None if !row.status.is_open() && (self.is_forgettable(books, &id) || self.is_let_go(&id)) => (),
                _ => wrong.push(format!("P2: the venue has the conditional order {id}, the books do not")),
            }
        }
        let ordinary = ledger.orders.iter().filter(|r| !r.status.is_final()).map(|r| r.client_order_id.as_str());
        let waiting = ledger.algo_orders.iter().filter(|r| r.status.is_open()).map(|r| r.client_algo_id.as_str());
        let open: BTreeSet<&str> = ordinary.chain(waiting).collect();
        for order in books.orders() {
            let alive: Vec<&ClOrdId> = order.attempts().keys().filter(|id| open.contains(id.as_str())).collect();
            // What is held back has not been at the venue yet, and says nothing there.
            if order.attempts().is_empty() && order.intent().list.is_some() {
                continue;
            }
            let ended = order.status().is_ended();
            // A stop stands beside its triggered forerunner until that one has executed.
            let triggered = order.attempts().values().any(|a| order.has_triggered(a));
            let beside = alive.len() == 2 && triggered && order.intent().terms.is_closing();
            if (alive.len() > 1 && !beside) || ended != alive.is_empty() {
                let status = order.status();
                wrong
                    .push(format!("order {} is {status:?} in the books, and open at the venue are {alive:?}", order.intent().id));
            }
        }
    }

    /// P4: the trades in the books are the venue's, none lost, none doubled, each with its fee and profit.
    fn fills_equal(&self, books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
        let mut theirs: BTreeMap<(String, OrderId, TradeId), [Decimal; 4]> = BTreeMap::new();
        let let_go = |row: &&OrderRow| ClOrdId::new(&row.client_order_id).is_ok_and(|id| self.is_let_go(&id));
        let let_go: BTreeSet<(&str, i64)> = ledger.orders.iter().filter(let_go).map(|r| (&*r.symbol, r.order_id)).collect();
        // Orders that the exchange makes share one id: of these some may have been let go and others not.
        let is_let_go = |key: &(String, OrderId, TradeId)| let_go.iter().any(|(s, id)| *s == key.0 && order_id(*id) == key.1);
        // What was let go is in the sums, and in them it is judged.
        for row in ledger.trades.iter().filter(|t| !let_go.contains(&(&*t.symbol, t.order_id))) {
            let key = (row.symbol.to_string(), order_id(row.order_id), trade_id(row.id));
            theirs.insert(key, [row.price, row.qty, row.commission, row.realized_pnl]);
        }
        let mut ours = BTreeMap::new();
        for order in books.orders() {
            let symbol = order.intent().terms.instrument.symbol().to_owned();
            for attempt in order.attempts().values() {
                for fill in attempt.fills().values() {
                    let Some(id) = attempt.order_id() else { continue };
                    let fee = fill.fee.as_ref().map_or(Decimal::MAX, |f| f.amount.get());
                    let realized = fill.realized.map_or(Decimal::MAX, |r| r.get());
                    if ours
                        .insert((symbol.clone(), id, fill.trade_id), [fill.price.get(), fill.qty.get(), fee, realized])
                        .is_some()
                    {
                        wrong.push(format!("P4: trade {} of order {id} stands twice in the books", fill.trade_id));
                    }
                }
            }
        }
        for (key, fill) in &theirs {
            match ours.get(key) {
                None if is_history(books, &key.0, &key.2) => (),
                None => wrong.push(format!("P4: trade {key:?} is not in the books")),
                // Before the cut nobody asks what a trade has cost; one that is told late, without that, is history all the same.
                Some(mine) if mine[..2] == fill[..2] && is_history(books, &key.0, &key.2) => (),
                Some(mine) if mine != fill => {
                    wrong.push(format!("P4: trade {key:?} is {fill:?} at the venue, {mine:?} in the books"))
                }
                Some(_) => (),
            }
        }
        wrong.extend(
            ours.keys()
                .filter(|key| !theirs.contains_key(*key) && !is_let_go(key))
                .map(|key| format!("P4: trade {key:?} is not the venue's")),
        );
    }

    fn is_forgettable(&self, books: &Books, id: &ClOrdId) -> bool {
        let ours = OwnId::decode(books.tag(), id).is_some();
        !ours || self.attempts.get(id).is_some_and(|fixed| !fixed.adds_risk)
    }
}

fn known<'a>(books: &'a Books, id: &ClOrdId) -> Option<(&'a Order, &'a AttemptFacts)> {
    let order = books.order(books.by_cl_ord_id(id)?)?;
    Some((order, order.attempts().get(id)?))
}

/// An order by the venue's number.
fn numbered<'a>(books: &'a Books, row: &OrderRow) -> Option<(&'a Order, &'a AttemptFacts)> {
    let id = order_id(row.order_id);
    let mut orders = books.orders().filter(|o| o.intent().terms.instrument.symbol() == &*row.symbol);
    orders.find_map(|o| o.attempts().values().find(|a| a.order_id() == Some(id)).map(|a| (o, a)))
}

/// Who made an order, by the venue's own naming.
fn made_by(client_order_id: &str) -> Option<ExchangeMade> {
    match client_order_id.split_once("autoclose")?.0 {
        "" => Some(ExchangeMade::Liquidation),
        "adl_" => Some(ExchangeMade::AutoDeleveraging),
        "settlement_" => Some(ExchangeMade::Settlement),
        "delivery_" => Some(ExchangeMade::Delivery),
        _ => None,
    }
}

/// An order on the ordinary book, or one that was there.
fn stands_equal(id: &ClOrdId, row: &OrderRow, order: &Order, attempt: &AttemptFacts, wrong: &mut Vec<String>) {
    let executed = attempt.cum_qty().get();
    if executed != row.executed_qty {
        wrong.push(format!("order {id}: executed {} at the venue, {executed} in the books", row.executed_qty));
    }
    if row.status.is_final() {
        // A change of its quantity that a lost disk has taken with it is not known; what was asked for before it is executed.
        let done = executed >= row.orig_qty || order.qty().is_some_and(|qty| qty.get() <= executed);
        if !attempt.is_over() && !done {
            wrong.push(format!("order {id} is {} at the venue and not over in the books", row.status));
        }
        return;
    }
    if attempt.is_over() {
        wrong.push(format!("order {id} is {} at the venue and over in the books", row.status));
    }
    if order.qty().map(|q| q.get()) != Some(row.orig_qty) {
        wrong.push(format!("order {id}: quantity {} at the venue, {:?} in the books", row.orig_qty, order.qty()));
    }
    if !row.price.is_zero() && order.price().map(|p| p.get()) != Some(row.price) {
        wrong.push(format!("order {id}: price {} at the venue, {:?} in the books", row.price, order.price()));
    }
}

/// A conditional order in the Algo Service, or one that was there and has no child.
fn waits_equal(id: &ClOrdId, row: &AlgoRow, order: &Order, attempt: &AttemptFacts, wrong: &mut Vec<String>) {
    if row.status.is_open() == attempt.is_over() {
        wrong.push(format!("conditional order {id} is {} at the venue, over in the books: {}", row.status, attempt.is_over()));
    }
    if !row.status.is_open() || order.governing().map(|(governing, _)| governing) != Some(id) {
        return;
    }
    if !row.close_position && order.qty().map(|q| q.get()) != Some(row.quantity) {
        wrong.push(format!("conditional order {id}: quantity {} at the venue, {:?} in the books", row.quantity, order.qty()));
    }
    if !row.trigger_price.is_zero() && order.trigger_price().map(|p| p.get()) != Some(row.trigger_price) {
        wrong.push(format!(
            "conditional order {id}: trigger {} at the venue, {:?} in the books",
            row.trigger_price,
            order.trigger_price()
        ));
    }
}

pub(crate) fn trade_id(number: i64) -> TradeId {
    TradeId::from_number(u64::try_from(number).unwrap_or(0))
}

/// Whether a trade is older than the books of its instrument.
fn is_history(books: &Books, symbol: &str, id: &TradeId) -> bool {
    books.positions().any(|(i, _, p)| i.symbol() == symbol && p.cut().is_some_and(|cut| id <= cut))
}

fn order_id(number: i64) -> OrderId {
    OrderId::from_number(u64::try_from(number).unwrap_or(0))
}

fn positions_equal(node: &Standing<'_>, ledger: &Ledger, wrong: &mut Vec<String>) {
    let (books, mode) = (node.books, node.mode);
    let mut theirs: BTreeMap<(String, PositionSide), Decimal> = BTreeMap::new();
    for row in ledger.positions.iter() {
        theirs.insert((row.symbol.to_string(), leg_of(row.position_side)), row.amount);
    }
    for (instrument, leg, position) in books.positions() {
        let amount = theirs.remove(&(instrument.symbol().to_owned(), leg)).unwrap_or_default();
        if amount != position.qty().get() {
            wrong.push(format!("P6: {instrument} {leg:?} is {amount} at the venue, {} in the books", position.qty()));
        }
        let shares: Decimal = books.shares().filter(|((_, i, l), _)| i == instrument && *l == leg).map(|(_, q)| q.get()).sum();
        if shares != position.qty().get() {
            wrong.push(format!("{instrument} {leg:?}: the shares add up to {shares}, the position is {}", position.qty()));
        }
    }
    for ((symbol, leg), amount) in theirs {
        if !amount.is_zero() && mode.has(leg) {
            wrong.push(format!("P6: {symbol} {leg:?} is {amount} at the venue, the books know nothing of it"));
        }
    }
}

fn wallets_equal(books: &Books, ledger: &Ledger, wrong: &mut Vec<String>) {
    for wallet in &ledger.wallets {
        let ours = books.wallets().iter().find(|(asset, _)| asset.as_str() == &*wallet.asset).map(|(_, w)| w.amount.get());
        if ours.unwrap_or_default() != wallet.balance {
            wrong.push(format!("wallet {}: {} at the venue, {ours:?} in the books", wallet.asset, wallet.balance));
        }
    }
}
