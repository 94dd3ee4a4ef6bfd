//! Compares books with the exchange's own ledger, one aspect a line. It knows neither how the books were kept nor how the
//! exchange answers: two accounts of what happened, side by side.

use exchange_sim::{
    ledger::Ledger,
    row::{AlgoRow, OrderRow, TradeRow},
    types::{AlgoStatus, OrderStatus, PositionSide as Leg, Side as LedgerSide},
};
use exec_core::{
    books::Books,
    order::{
        Order,
        attempt::{AttemptFacts, VenueEnding},
        status::OrdStatus,
    },
    report::{ExpiryReason, Fill},
    units::{PositionSide, Side},
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What one aspect of the two came to.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// What was compared.
    pub(crate) what: &'static str,
    /// How many things there are on either side.
    pub(crate) count: usize,
    /// What differs, each in words.
    pub(crate) differences: Vec<String>,
}

impl Line {
    pub(crate) fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_equal() { "equal" } else { "DIFFERS" };
        write!(f, "{verdict:<8} {:>4} {}", self.count, self.what)
    }
}

/// Symbol and the venue's or the client's name of a thing.
type Key = (String, String);

/// Compares everything that both sides know about one account. `deposits` is what the wallets began with.
pub(crate) fn compare(books: &Books, ledger: &Ledger, deposits: &BTreeMap<String, Decimal>) -> Vec<Line> {
    let ours = attempts(books);
    let theirs: BTreeMap<Key, &OrderRow> =
        ledger.orders.iter().map(|row| ((row.symbol.to_string(), row.client_order_id.clone()), row)).collect();
    let both: Vec<_> = ours.iter().filter_map(|(key, ours)| Some((key, *ours, *theirs.get(key)?))).collect();
    // A conditional order stands in a book of its own, and under the same id in the ordinary one once it has triggered.
    let conditional: BTreeMap<Key, &AlgoRow> =
        ledger.algo_orders.iter().map(|row| ((row.symbol.to_string(), row.client_algo_id.clone()), row)).collect();
    let held: Vec<_> = ours.iter().filter_map(|(key, ours)| Some((key, *ours, *conditional.get(key)?))).collect();
    let accepted_twice = ledger.orders.len() - theirs.len() + ledger.algo_orders.len() - conditional.len();
    let everywhere = theirs.keys().chain(conditional.keys()).cloned().collect();
    vec![
        ids(&ours, &everywhere, accepted_twice),
        each("conditional orders: status, trigger, quantity", &held, our_condition, their_condition),
        each("final status of each order", &both, status_of, |row| row.status.as_str().to_owned()),
        each(
            "cumulative quantity of each order",
            &both,
            |_, attempt| plain(attempt.cum_qty().get()),
            |row| plain(row.executed_qty),
        ),
        trades(books, &ledger.trades),
        positions(books, ledger),
        wallets(books, ledger),
        earned(books, ledger, deposits),
    ]
}

/// Every attempt that the books say is or was at the venue: also one of which the venue has told only that it refused it at its trigger.
fn attempts(books: &Books) -> BTreeMap<Key, (&Order, &AttemptFacts)> {
    let mut all = BTreeMap::new();
    for order in books.orders() {
        let symbol = order.intent().terms.instrument.symbol();
        for (id, attempt) in
            order.attempts().iter().filter(|(_, a)| a.seen_at_venue() || a.rejection().is_some_and(|r| r.is_reported()))
        {
            all.insert((symbol.to_owned(), id.to_string()), (order, attempt));
        }
    }
    all
}

fn ids(ours: &BTreeMap<Key, (&Order, &AttemptFacts)>, theirs: &BTreeSet<Key>, accepted_twice: usize) -> Line {
    let mut differences = Vec::new();
    for (symbol, id) in ours.keys().filter(|key| !theirs.contains(*key)) {
        differences.push(format!("{symbol} {id}: in the books, unknown to the exchange"));
    }
    for (symbol, id) in theirs.iter().filter(|key| !ours.contains_key(*key)) {
        differences.push(format!("{symbol} {id}: at the exchange, missing in the books"));
    }
    if accepted_twice > 0 {
        differences.push(format!("{accepted_twice} client order ids were accepted twice"));
    }
    Line { what: "client order ids, of both books", count: ours.len().max(theirs.len()), differences }
}

type Pair<'a, Row> = (&'a Key, (&'a Order, &'a AttemptFacts), &'a Row);

fn each<Row>(
    what: &'static str,
    both: &[Pair<'_, Row>],
    ours: impl Fn(&Order, &AttemptFacts) -> String,
    theirs: impl Fn(&Row) -> String,
) -> Line {
    let mut differences = Vec::new();
    for ((symbol, id), (order, attempt), row) in both {
        let (ours, theirs) = (ours(order, attempt), theirs(row));
        if ours != theirs {
            differences.push(format!("{symbol} {id}: books {ours}, exchange {theirs}"));
        }
    }
    Line { what, count: both.len(), differences }
}

/// The exchange's word for where an attempt stands, as the books see it.
fn status_of(order: &Order, attempt: &AttemptFacts) -> String {
    let is_last = order.governing().is_some_and(|(_, speaks)| std::ptr::eq(speaks, attempt));
    let word = match (is_last.then(|| order.status()), attempt.ending()) {
        (Some(OrdStatus::Filled), _) => OrderStatus::Filled.as_str(),
        (_, Some(VenueEnding::Canceled)) => OrderStatus::Canceled.as_str(),
        (_, Some(VenueEnding::Expired(ExpiryReason::SelfTrade))) => OrderStatus::ExpiredInMatch.as_str(),
        (_, Some(VenueEnding::Expired(_))) => OrderStatus::Expired.as_str(),
        (_, Some(VenueEnding::Vanished)) => "vanished",
        (_, None) if attempt.cum_qty().is_zero() => OrderStatus::New.as_str(),
        (_, None) => OrderStatus::PartiallyFilled.as_str(),
    };
    word.to_owned()
}

/// Where a conditional order stands, as the books see it: what became of its ordinary order is compared there.
fn our_condition(order: &Order, attempt: &AttemptFacts) -> String {
    let reported = attempt.rejection().is_some_and(|rejection| rejection.is_reported());
    let status = match (order.has_triggered(attempt), attempt.ending()) {
        (true, _) => AlgoStatus::Triggered.as_str(),
        (false, _) if reported => AlgoStatus::Rejected.as_str(),
        (false, Some(VenueEnding::Canceled)) => AlgoStatus::Canceled.as_str(),
        (false, Some(VenueEnding::Expired(_))) => AlgoStatus::Expired.as_str(),
        (false, Some(VenueEnding::Vanished)) => "vanished",
        (false, None) => AlgoStatus::New.as_str(),
    };
    let terms = order.terms_of(attempt);
    let trigger = terms.kind.trigger_price().map_or(Decimal::ZERO, |p| p.get());
    format!("{status} {} at {}", plain(terms.qty.map_or(Decimal::ZERO, |q| q.get())), plain(trigger))
}

fn their_condition(row: &AlgoRow) -> String {
    let status = match row.status {
        AlgoStatus::Triggering | AlgoStatus::Triggered | AlgoStatus::Finished => AlgoStatus::Triggered,
        other => other,
    };
    format!("{} {} at {}", status.as_str(), plain(row.quantity), plain(row.trigger_price))
}

/// Each trade with everything that counts: price, quantity, fee and its asset, side, leg.
fn trades(books: &Books, rows: &[TradeRow]) -> Line {
    let mut ours: BTreeMap<(String, String, String), String> = BTreeMap::new();
    for order in books.orders() {
        let terms = &order.intent().terms;
        for (id, fill) in order.fills() {
            let key = (terms.instrument.symbol().to_owned(), fill.trade_id.to_string(), id.to_string());
            ours.insert(key, our_trade(fill, terms.leg));
        }
    }
    let theirs: BTreeMap<(String, String, String), String> = rows
        .iter()
        .map(|row| ((row.symbol.to_string(), row.id.to_string(), row.client_order_id.clone()), their_trade(row)))
        .collect();
    let mut differences = Vec::new();
    for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let (symbol, trade, id) = key;
        match (ours.get(key), theirs.get(key)) {
            (Some(ours), Some(theirs)) if ours == theirs => (),
            (Some(ours), Some(theirs)) => {
                differences.push(format!("{symbol} trade {trade} of {id}: books {ours}, exchange {theirs}"));
            }
            (Some(ours), None) => {
                differences.push(format!("{symbol} trade {trade} of {id}: books {ours}, unknown to the exchange"))
            }
            (None, Some(theirs)) => {
                differences.push(format!("{symbol} trade {trade} of {id}: missing in the books, exchange {theirs}"));
            }
            (None, None) => (),
        }
    }
    Line { what: "trades: id, price, quantity, fee, side, leg", count: ours.len().max(theirs.len()), differences }
}

fn our_trade(fill: &Fill, leg: PositionSide) -> String {
    let side = match fill.side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    };
    let fee = fill.fee.as_ref().map_or_else(|| "unknown".to_owned(), |f| format!("{} {}", plain(f.amount.get()), f.asset));
    format!("{side} {} at {} {} fee {fee}", plain(fill.qty.get()), plain(fill.price.get()), leg_word(leg))
}

fn their_trade(row: &TradeRow) -> String {
    let side = match row.side {
        LedgerSide::Buy => "BUY",
        LedgerSide::Sell => "SELL",
    };
    let fee = format!("{} {}", plain(row.commission), row.commission_asset);
    format!("{side} {} at {} {} fee {fee}", plain(row.qty), plain(row.price), leg_word(leg_of(row.position_side)))
}

fn positions(books: &Books, ledger: &Ledger) -> Line {
    let ours = books.positions().map(|(i, leg, p)| ((i.symbol().to_owned(), leg_word(leg)), p.qty().get()));
    let theirs = ledger.positions.iter().map(|p| ((p.symbol.to_string(), leg_word(leg_of(p.position_side))), p.amount));
    figures("positions, leg by leg", ours.collect(), theirs.collect())
}

fn wallets(books: &Books, ledger: &Ledger) -> Line {
    let ours = books.wallets().iter().map(|(asset, wallet)| (asset.to_string(), wallet.amount.get()));
    let theirs = ledger.wallets.iter().map(|w| (w.asset.to_string(), w.balance));
    figures("wallets, asset by asset", ours.collect(), theirs.collect())
}

/// What the wallets must hold if the books' own trades are all there is: deposits + realised profit - fees.
fn earned(books: &Books, ledger: &Ledger, deposits: &BTreeMap<String, Decimal>) -> Line {
    let mut ours = deposits.clone();
    for (_, fill) in books.orders().flat_map(Order::fills) {
        // All contracts of the demonstration settle in USDT.
        *ours.entry("USDT".to_owned()).or_default() += fill.realized.unwrap_or_default().get();
        if let Some(fee) = &fill.fee {
            *ours.entry(fee.asset.to_string()).or_default() -= fee.amount.get();
        }
    }
    let theirs = ledger.wallets.iter().map(|w| (w.asset.to_string(), w.balance));
    figures("wallets from the books' own trades", ours, theirs.collect())
}

/// Compares figures by name; what is not there is zero.
fn figures<K: Ord + Clone + fmt::Debug>(what: &'static str, ours: BTreeMap<K, Decimal>, theirs: BTreeMap<K, Decimal>) -> Line {
    let mut differences = Vec::new();
    let keys: BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    let of = |side: &BTreeMap<K, Decimal>, key: &K| side.get(key).copied().unwrap_or_default().normalize();
    let mut count = 0;
    for key in keys {
        let (ours, theirs) = (of(&ours, key), of(&theirs, key));
        count += usize::from(!ours.is_zero() || !theirs.is_zero());
        if ours != theirs {
            differences.push(format!("{key:?}: books {ours}, exchange {theirs}"));
        }
    }
    Line { what, count, differences }
}

const fn leg_of(leg: Leg) -> PositionSide {
    match leg {
        Leg::Both => PositionSide::Net,
        Leg::Long => PositionSide::Long,
        Leg::Short => PositionSide::Short,
    }
}

const fn leg_word(leg: PositionSide) -> &'static str {
    match leg {
        PositionSide::Net => "NET",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    }
}

fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

#[cfg(test)]
mod tests;
