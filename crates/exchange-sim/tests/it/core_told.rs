//! What an account is told is the whole truth: books kept from its events alone end as the exchange's own, whatever was done and
//! in whatever order it was told.

use std::collections::BTreeMap;

use exchange_sim::event::{AccountUpdate, OrderUpdate};
use exchange_sim::row::{AlgoRow, OrderRow, TradeRow};
use exchange_sim::types::{AlgoStatus, ExecType, IncomeType, PositionSide, Side};
use exchange_sim::{AccountId, Event, Exchange, UserEvent};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::core_bench::d;
use crate::core_random::{Deed, WALLETS, deed, live};

type Leg = (String, PositionSide);

/// The books of one account, kept from its events.
#[derive(Debug, Default)]
struct Books {
    orders: BTreeMap<(String, i64), OrderRow>,
    /// By symbol, trade and order: a trade with oneself has two sides.
    fills: BTreeMap<(String, i64, i64), TradeRow>,
    lites: BTreeMap<(String, i64, i64), Decimal>,
    algos: BTreeMap<i64, AlgoRow>,
    legs: BTreeMap<Leg, Decimal>,
    wallets: BTreeMap<String, Decimal>,
    clock: i64,
}

impl Books {
    fn hear(&mut self, time: i64, event: UserEvent) {
        assert!(time >= self.clock, "the engine's time fell from {} to {time}", self.clock);
        self.clock = time;
        match event {
            UserEvent::Order(update) => self.hear_order(time, *update),
            UserEvent::Account(update) => self.hear_account(update),
            UserEvent::Algo(row) => self.hear_algo(*row),
            UserEvent::TradeLite(lite) => {
                let before = self.lites.insert((lite.symbol.to_string(), lite.trade_id, lite.order_id), lite.qty);
                assert_eq!(before, None, "a fill told twice");
            }
            UserEvent::Leverage { .. } | UserEvent::MultiAssets { .. } | UserEvent::MarginCall(_) => {}
        }
    }

    fn hear_order(&mut self, time: i64, update: OrderUpdate) {
        let row = update.order;
        let key = (row.symbol.to_string(), row.order_id);
        if let Some(before) = self.orders.get(&key) {
            assert!(!before.status.is_final(), "{} after {}", row.status, before.status);
            assert!(row.executed_qty >= before.executed_qty, "less is executed than before");
            assert_ne!(update.exec_type, ExecType::New, "NEW is told once, and first");
        }
        if let Some(fill) = update.fill {
            let side = TradeRow {
                symbol: row.symbol.clone(),
                id: fill.trade_id,
                order_id: row.order_id,
                client_order_id: row.client_order_id.clone(),
                side: row.side,
                position_side: row.position_side,
                price: fill.price,
                qty: fill.qty,
                quote_qty: fill.price * fill.qty,
                realized_pnl: fill.realized_pnl,
                commission: fill.commission,
                commission_asset: fill.commission_asset,
                maker: fill.maker,
                time,
            };
            self.fills.insert((key.0.clone(), fill.trade_id, row.order_id), side);
        }
        self.orders.insert(key, row);
    }

    fn hear_account(&mut self, update: AccountUpdate) {
        for balance in update.balances {
            self.wallets.insert(balance.asset.to_string(), balance.wallet_balance);
        }
        for leg in update.positions {
            self.legs.insert((leg.symbol.to_string(), leg.position_side), leg.amount);
        }
    }

    fn hear_algo(&mut self, row: AlgoRow) {
        use AlgoStatus::{Canceled, Expired, Finished, New, Rejected, Triggered, Triggering};
        let before = self.algos.get(&row.algo_id);
        let lawful = match (before.map(|before| before.status), row.status) {
            (None, New) => true,
            (Some(before), after) if before == after => {
                // A trailing stop is NEW twice; everything else may come again only as it was.
                row.status == New || self.algos.get(&row.algo_id) == Some(&row)
            }
            (Some(New), Triggering | Canceled | Expired) => true,
            (Some(Triggering), Triggered | Rejected | Expired) => true,
            (Some(Triggered), Finished) => true,
            (before, _) => panic!("{:?} after {before:?}", row.status),
        };
        assert!(lawful, "{row:?} after {before:?}");
        let child = matches!(row.status, Triggered | Finished);
        assert_eq!((row.actual_order_id.is_some(), row.actual_type.is_some()), (child, child));
        assert_eq!(row.reason.is_some(), row.status == Rejected);
        self.algos.insert(row.algo_id, row);
    }

    /// Compares them with the exchange's own, which no event was needed for.
    fn check(&self, exchange: &Exchange, account: AccountId) {
        let truth = exchange.ledger(account).unwrap();
        for row in &truth.orders {
            assert_eq!(self.orders.get(&(row.symbol.to_string(), row.order_id)), Some(row), "as told to {account:?}");
        }
        assert_eq!(self.orders.len(), truth.orders.len(), "orders of {account:?}");
        let trades = truth.trades.iter().map(|row| ((row.symbol.to_string(), row.id, row.order_id), row.clone()));
        assert_eq!(self.fills, trades.collect(), "fills of {account:?}");
        let lites = self.fills.iter().map(|(key, row)| (key.clone(), row.qty));
        assert_eq!(self.lites, lites.collect(), "TRADE_LITE of {account:?}");
        for row in &truth.algo_orders {
            let told = &self.algos[&row.algo_id];
            // The flow may trigger one more at the very end; of its child nothing is told yet.
            let child = row.actual_order_id.filter(|_| row.status != AlgoStatus::Triggering);
            assert_eq!((told.status, told.actual_order_id), (row.status, child), "{row:?}");
            let ended = row.status == AlgoStatus::Finished;
            assert!(!ended || (told.actual_qty, told.actual_price) == (row.actual_qty, row.actual_price), "{told:?} {row:?}");
        }
        assert_eq!(self.algos.len(), truth.algo_orders.len());
        self.check_sums(account, &truth.positions, &truth.income, &truth.wallets);
    }

    /// Adds up executions, the exchange's own orders included: legs, profits, fees and wallets to the last digit.
    fn check_sums(
        &self,
        account: AccountId,
        positions: &[exchange_sim::ledger::LegTruth],
        income: &[exchange_sim::row::IncomeRow],
        wallets: &[exchange_sim::ledger::Wallet],
    ) {
        let mut legs: BTreeMap<Leg, (Decimal, Decimal)> = BTreeMap::new();
        let mut paid: BTreeMap<String, Decimal> = BTreeMap::new();
        for fill in self.fills.values() {
            let signed = if fill.side == Side::Buy { fill.qty } else { -fill.qty };
            let (amount, profit) = legs.entry((fill.symbol.to_string(), fill.position_side)).or_default();
            *amount += signed;
            *profit += fill.realized_pnl;
            *paid.entry(fill.commission_asset.to_string()).or_default() += fill.commission;
        }
        for leg in positions {
            let key = (leg.symbol.to_string(), leg.position_side);
            let (amount, profit) = legs.get(&key).copied().unwrap_or_default();
            assert_eq!((amount, profit), (leg.amount, leg.realized_pnl), "{key:?} of {account:?}");
            assert_eq!(self.legs.get(&key).copied().unwrap_or_default(), leg.amount, "{key:?} as told to {account:?}");
        }
        let begun: Decimal = WALLETS.get(usize::try_from(account.0 - 1).unwrap()).map(|(wallet, _)| d(wallet)).unwrap();
        for wallet in wallets {
            let asset = wallet.asset.to_string();
            let of = |kinds: fn(IncomeType) -> bool| {
                let rows = income.iter().filter(|row| *row.asset == *asset && kinds(row.income_type));
                rows.map(|row| row.income).sum::<Decimal>()
            };
            let fees = of(|kind| kind == IncomeType::Commission);
            assert_eq!(-fees, paid.get(&asset).copied().unwrap_or_default(), "fees of {account:?} in {asset}");
            let start = if asset == "USDT" { begun } else { Decimal::ZERO };
            assert_eq!(start + of(|_| true), wallet.balance, "{asset} of {account:?}");
            assert_eq!(self.wallets.get(&asset).copied().unwrap_or(start), wallet.balance, "{asset} as told to {account:?}");
        }
    }
}

fn told_is_true(seed: u64, flow: bool, deeds: &[Deed]) {
    let mut exchange = live(seed, flow, deeds).unwrap();
    // Whatever is still on its way arrives.
    let end = exchange.now() + 1_000;
    exchange.advance(end);
    exchange.check_invariants().unwrap();
    let mut books: BTreeMap<AccountId, Books> = exchange.accounts().into_iter().map(|id| (id, Books::default())).collect();
    for event in exchange.take_events() {
        if let Event::User { account, time, event } = event {
            books.get_mut(&account).unwrap().hear(time, event);
        }
    }
    for (account, books) in &books {
        books.check(&exchange, *account);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn books_kept_from_events_end_as_the_exchanges_own(
        seed in 0..10_000_u64,
        flow in any::<bool>(),
        deeds in prop::collection::vec(deed(), 1..100),
    ) {
        told_is_true(seed, flow, &deeds);
    }
}
