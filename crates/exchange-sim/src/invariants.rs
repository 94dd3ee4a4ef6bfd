//! What must hold after every call, whatever was asked. A violation is a defect of this crate, never of a caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::account::{Account, MARGIN_ASSET, OpenSums, is_house};
use crate::exchange::Exchange;
use crate::ledger::Violation;
use crate::order::Order;
use crate::types::{AccountId, MarginType, PositionSide, Side};

const LEGS: [PositionSide; 3] = [PositionSide::Both, PositionSide::Long, PositionSide::Short];

impl Exchange {
    /// Checks every invariant. The cost grows with all that was ever traded.
    ///
    /// - best bid below best ask; the book holds exactly the open orders, level by level;
    /// - each trade has two sides, and longs equal shorts on each symbol;
    /// - per asset, wallets less the cost of open positions, plus fees, equal what was paid in: no money appears or is lost;
    /// - each order's executed quantity and quote are the sum of its trades, and only final orders have no leaves;
    /// - a hedge leg never turns, and an account has legs of one mode only;
    /// - isolated margin exists only under isolated positions; the running sums equal the open orders;
    /// - a conditional order waits only while its trigger is not reached, and has a child exactly when it was triggered.
    ///
    /// # Errors
    ///
    /// The first violation found.
    pub fn check_invariants(&self) -> Result<(), Violation> {
        self.check_books()?;
        self.check_trades()?;
        self.check_money()?;
        self.check_algos()?;
        for (id, account) in &self.accounts {
            self.check_legs(*id, account)?;
            self.check_sums(*id, account)?;
            if !is_house(*id) {
                self.check_executions(*id, account)?;
            }
        }
        Ok(())
    }

    fn check_books(&self) -> Result<(), Violation> {
        for (index, market) in self.markets.iter().enumerate() {
            let symbol = &market.spec.symbol;
            let (bid, ask) = (market.book.best(Side::Buy), market.book.best(Side::Sell));
            if let (Some(bid), Some(ask)) = (bid, ask) {
                ensure(bid < ask, || format!("{symbol}: bid {bid} is not below ask {ask}"))?;
            }
            let mut resting = 0_usize;
            for side in [Side::Buy, Side::Sell] {
                for (price, level) in market.book.levels(side) {
                    let mut total = Decimal::ZERO;
                    for id in &level.queue {
                        let order = market
                            .orders
                            .get(id)
                            .filter(|order| order.resting && order.row.side == side && order.row.price == price);
                        let order =
                            order.ok_or_else(|| Violation(format!("{symbol}: {id} is on the book but not open there")))?;
                        ensure(!order.leaves().is_zero(), || format!("{symbol}: {id} rests with nothing left"))?;
                        total += order.leaves();
                        resting += 1;
                    }
                    ensure(total == level.total, || format!("{symbol}: level {price} says {} and holds {total}", level.total))?;
                }
            }
            let open = market.orders.values().filter(|order| order.resting).count();
            ensure(open == resting, || format!("{symbol}: {open} orders rest, {resting} are on the book"))?;
            for (id, order) in &market.orders {
                ensure(order.resting != order.row.status.is_final(), || {
                    format!("{symbol}: {id} is {} and resting: {}", order.row.status, order.resting)
                })?;
                let indexed = self.accounts.get(&order.account).is_some_and(|account| account.open.contains(&(index, *id)));
                ensure(indexed == order.resting, || format!("{symbol}: {id} and its account disagree on being open"))?;
            }
        }
        Ok(())
    }

    fn check_trades(&self) -> Result<(), Violation> {
        for (index, market) in self.markets.iter().enumerate() {
            let symbol = &market.spec.symbol;
            ensure(market.sides_booked == 2 * market.trades_made, || {
                format!("{symbol}: {} trades have {} sides", market.trades_made, market.sides_booked)
            })?;
            let net: Decimal =
                self.accounts.values().flat_map(|account| LEGS.map(|leg| account.symbols[index].leg(leg).amount)).sum();
            ensure(net.is_zero(), || format!("{symbol}: longs and shorts differ by {net}"))?;
        }
        Ok(())
    }

    fn check_money(&self) -> Result<(), Violation> {
        let mut held: BTreeMap<Arc<str>, Decimal> = self.fees.clone();
        for account in self.accounts.values() {
            for (asset, wallet) in &account.wallets {
                *held.entry(asset.clone()).or_default() += wallet.balance;
            }
            let costs = account.symbols.iter().flat_map(|symbol| LEGS.map(|leg| symbol.leg(leg).cost));
            *held.entry(MARGIN_ASSET.into()).or_default() -= costs.sum::<Decimal>();
        }
        for (asset, amount) in held {
            let paid_in = self.deposits.get(&asset).copied().unwrap_or_default();
            ensure(amount == paid_in, || format!("{asset}: {amount} is held, {paid_in} was paid in"))?;
        }
        Ok(())
    }

    fn check_legs(&self, id: AccountId, account: &Account) -> Result<(), Violation> {
        for (symbol, market) in account.symbols.iter().zip(&self.markets) {
            let name = &market.spec.symbol;
            for side in LEGS {
                let leg = symbol.leg(side);
                let (amount, wallet) = (leg.amount, leg.isolated_wallet);
                let lawful = match side {
                    PositionSide::Both => !account.hedge || amount.is_zero(),
                    PositionSide::Long => (account.hedge || amount.is_zero()) && amount >= Decimal::ZERO,
                    PositionSide::Short => (account.hedge || amount.is_zero()) && amount <= Decimal::ZERO,
                };
                ensure(lawful, || format!("{id:?} {name}: {side} holds {amount}, hedge {}", account.hedge))?;
                ensure(!amount.is_zero() || leg.cost.is_zero(), || format!("{id:?} {name}: flat {side} costs {}", leg.cost))?;
                let carries = symbol.margin_type == MarginType::Isolated && !amount.is_zero();
                ensure(carries || wallet.is_zero(), || format!("{id:?} {name}: {side} keeps {wallet} of isolated margin"))?;
            }
        }
        Ok(())
    }

    fn check_sums(&self, id: AccountId, account: &Account) -> Result<(), Violation> {
        let mut counted: BTreeMap<(usize, PositionSide), OpenSums> = BTreeMap::new();
        for (market, order_id) in &account.open {
            let order = self.markets[*market].orders.get(order_id);
            let order = order.ok_or_else(|| Violation(format!("{id:?}: open order {order_id} does not exist")))?;
            let row = &order.row;
            let sums = counted.entry((*market, row.position_side)).or_default();
            sums.shift(row.side, row.position_side, row.reduce_only, row.price, order.leaves());
            sums.orders += 1;
            sums.reduce_only += usize::from(row.reduce_only);
        }
        for (index, symbol) in account.symbols.iter().enumerate() {
            for leg in LEGS {
                let counted = counted.get(&(index, leg)).cloned().unwrap_or_default();
                ensure(*symbol.sums(leg) == counted, || {
                    format!(
                        "{id:?} {}: {leg} sums are {:?}, orders give {counted:?}",
                        self.markets[index].spec.symbol,
                        symbol.sums(leg)
                    )
                })?;
                let over = account.hedge && counted.closing_qty > symbol.leg(leg).amount.abs();
                ensure(!over, || format!("{id:?}: {leg} is closed by {} beyond its amount", counted.closing_qty))?;
            }
        }
        Ok(())
    }

    fn check_executions(&self, id: AccountId, account: &Account) -> Result<(), Violation> {
        for (market, trades) in account.trades.iter().enumerate() {
            let mut done: BTreeMap<i64, (Decimal, Decimal)> = BTreeMap::new();
            for trade in trades {
                let (quantity, quote) = done.entry(trade.order_id).or_default();
                *quantity += trade.qty;
                *quote += trade.quote_qty;
            }
            for (_, order_id) in account.orders.range((market, i64::MIN)..=(market, i64::MAX)) {
                let order = self.markets[market].orders.get(order_id);
                let order = order.ok_or_else(|| Violation(format!("{id:?}: order {order_id} was forgotten")))?;
                let sum = done.get(order_id).copied().unwrap_or_default();
                ensure((order.row.executed_qty, order.row.cum_quote) == sum, || {
                    format!(
                        "{id:?}: order {order_id} executed {} for {}, its trades give {sum:?}",
                        order.row.executed_qty, order.row.cum_quote
                    )
                })?;
                check_limit(order)?;
            }
        }
        Ok(())
    }
}

/// A limit order never executes beyond its quantity, and its average never beyond its price unless it was changed.
fn check_limit(order: &Order) -> Result<(), Violation> {
    let row = &order.row;
    ensure(row.executed_qty <= row.orig_qty, || {
        format!("order {} executed {} of {}", row.order_id, row.executed_qty, row.orig_qty)
    })?;
    let limited = !row.price.is_zero() && !row.executed_qty.is_zero() && order.amendments == 0;
    let worst = row.price * row.executed_qty;
    let kept = match row.side {
        Side::Buy => row.cum_quote <= worst,
        Side::Sell => row.cum_quote >= worst,
    };
    ensure(!limited || kept, || format!("order {} of {} paid {} at {}", row.order_id, row.executed_qty, row.cum_quote, row.price))
}

pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(otherwise())) }
}
