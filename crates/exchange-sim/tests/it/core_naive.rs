//! The matching engine against a matcher that is too simple to be wrong in the same way: one list of orders, searched from its start for
//! each trade. Same refusals, same trades, same book, same end of each order. No money; that is the invariants' business.

use std::collections::BTreeMap;

use exchange_sim::request::{ModifyOrder, NewOrder, OrderRef};
use exchange_sim::types::{OrderStatus, Side, StpMode, TimeInForce};
use exchange_sim::{AccountId, AccountSpec, Exchange, ExchangeConfig};
use exec_testkit::generate::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rust_decimal::Decimal;

use crate::core_bench::{BTC, d};

const OWNERS: usize = 3;

/// What somebody asks for. Prices are ticks from a common one, sizes are lots.
#[derive(Clone, Debug)]
enum Ask {
    New { owner: usize, side: Side, price: Option<i64>, size: i64, tif: TimeInForce, stp: StpMode },
    Change { which: Index, price: i64, size: i64 },
    Cancel { which: Index },
}

fn ask() -> impl Strategy<Value = Ask> {
    let tif =
        select(vec![TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Gtx, TimeInForce::Ioc, TimeInForce::Fok]);
    let price = prop_oneof![6 => (-5..=5_i64).prop_map(Some), 1 => Just(None)];
    let stp = select(vec![StpMode::ExpireMaker, StpMode::ExpireTaker, StpMode::ExpireBoth]);
    let new = (0..OWNERS, select(vec![Side::Buy, Side::Sell]), price, 1..40_i64, tif, stp)
        .prop_map(|(owner, side, price, size, tif, stp)| Ask::New { owner, side, price, size, tif, stp });
    prop_oneof![
        8 => new,
        2 => (any::<Index>(), -5..=5_i64, 1..40_i64).prop_map(|(which, price, size)| Ask::Change { which, price, size }),
        1 => any::<Index>().prop_map(|which| Ask::Cancel { which }),
    ]
}

/// An order of the naive matcher.
#[derive(Clone, Debug)]
struct Order {
    owner: usize,
    side: Side,
    price: Option<i64>,
    size: i64,
    done: i64,
    tif: TimeInForce,
    stp: Option<StpMode>,
    /// Its turn among orders of one price; while it takes it has none.
    turn: Option<u64>,
    status: OrderStatus,
}

/// A trade: taker, maker, price, size.
type Trade = (usize, usize, i64, i64);

#[derive(Default)]
struct Naive {
    orders: Vec<Order>,
    trades: Vec<Trade>,
    turns: u64,
}

impl Naive {
    /// The resting order that a taker meets first: best price, then earliest turn.
    fn first_against(&self, side: Side, limit: Option<i64>) -> Option<usize> {
        let reaches = |price: i64| match (side, limit) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => price <= limit,
            (Side::Sell, Some(limit)) => price >= limit,
        };
        let mut best: Option<(i64, u64, usize)> = None;
        for (number, order) in self.orders.iter().enumerate() {
            let (Some(turn), Some(price)) = (order.turn, order.price) else { continue };
            if order.side == side || !reaches(price) {
                continue;
            }
            let rank = if side == Side::Buy { price } else { -price };
            if best.is_none_or(|(r, t, _)| (rank, turn) < (r, t)) {
                best = Some((rank, turn, number));
            }
        }
        best.map(|(_, _, number)| number)
    }

    /// How much a limit order could take at once, its owner's own orders included.
    fn within_reach(&self, side: Side, limit: i64) -> i64 {
        let resting = self.orders.iter().filter(|order| order.turn.is_some() && order.side != side);
        let reached = resting.filter(|order| match (side, order.price) {
            (Side::Buy, Some(price)) => price <= limit,
            (Side::Sell, Some(price)) => price >= limit,
            (_, None) => false,
        });
        reached.map(|order| order.size - order.done).sum()
    }

    fn end(&mut self, number: usize, status: OrderStatus) {
        let order = &mut self.orders[number];
        (order.turn, order.status) = (None, status);
    }

    fn execute(&mut self, number: usize, size: i64) {
        let order = &mut self.orders[number];
        order.done += size;
        let whole = order.done == order.size;
        order.status = if whole { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        if whole {
            order.turn = None;
        }
    }

    /// Lets an order take, and rests or ends what is left of it.
    fn take(&mut self, number: usize) {
        while self.orders[number].done < self.orders[number].size {
            let taker = self.orders[number].clone();
            let Some(maker) = self.first_against(taker.side, taker.price) else { break };
            let (own, exempt) =
                (self.orders[maker].owner == taker.owner, matches!(taker.tif, TimeInForce::Fok | TimeInForce::Gtx));
            if let Some(stp) = taker.stp.filter(|_| own && !exempt) {
                if matches!(stp, StpMode::ExpireMaker | StpMode::ExpireBoth) {
                    self.end(maker, OrderStatus::ExpiredInMatch);
                }
                if matches!(stp, StpMode::ExpireTaker | StpMode::ExpireBoth) {
                    return self.end(number, OrderStatus::ExpiredInMatch);
                }
                continue;
            }
            let size = (taker.size - taker.done).min(self.orders[maker].size - self.orders[maker].done);
            let price = self.orders[maker].price.unwrap_or_default();
            self.trades.push((number, maker, price, size));
            self.execute(maker, size);
            self.execute(number, size);
        }
        let order = &self.orders[number];
        if order.done == order.size {
            return;
        }
        if order.price.is_none() || matches!(order.tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return self.end(number, OrderStatus::Expired);
        }
        self.turns += 1;
        self.orders[number].turn = Some(self.turns);
    }

    /// A new order; the code of the refusal where there is one.
    fn place(&mut self, order: Order) -> Result<(), i32> {
        let met = self.first_against(order.side, order.price).is_some();
        match (order.price, order.tif) {
            (Some(limit), TimeInForce::Fok) if self.within_reach(order.side, limit) < order.size => return Err(-5021),
            (Some(_), TimeInForce::Gtx) if met => return Err(-5022),
            (None, _) if !met => return Err(-2020),
            _ => (),
        }
        self.orders.push(order);
        self.take(self.orders.len() - 1);
        Ok(())
    }

    /// A change: the order goes to the end of its new level, and may take on the way. Self-trade rules do not survive it.
    fn change(&mut self, number: usize, price: i64, size: i64) {
        let crossing = {
            let order = &self.orders[number];
            order.tif == TimeInForce::Gtx && self.first_against(order.side, Some(price)).is_some()
        };
        if size <= self.orders[number].done || crossing {
            return self.end(number, OrderStatus::Canceled);
        }
        let order = &mut self.orders[number];
        (order.price, order.size, order.turn, order.stp) = (Some(price), size, None, None);
        self.take(number);
    }

    /// Levels of a side, best first: price and size.
    fn levels(&self, side: Side) -> Vec<(i64, i64)> {
        let mut levels: BTreeMap<i64, i64> = BTreeMap::new();
        for order in self.orders.iter().filter(|order| order.side == side && order.turn.is_some()) {
            *levels.entry(order.price.unwrap_or_default()).or_default() += order.size - order.done;
        }
        let up = levels.into_iter();
        if side == Side::Sell { up.collect() } else { up.rev().collect() }
    }
}

fn price_of(ticks: i64) -> Decimal {
    d("60000") + Decimal::new(ticks, 1)
}

fn lots(size: i64) -> Decimal {
    Decimal::new(size, 3)
}

/// Both matchers side by side, and the names under which they know the same order.
struct Pair {
    exchange: Exchange,
    accounts: Vec<AccountId>,
    numbers: Vec<i64>,
    now: i64,
    naive: Naive,
}

impl Pair {
    fn new() -> Self {
        let mut config = ExchangeConfig::default();
        config.flow.enabled = false;
        let now = config.start_ms;
        let mut exchange = Exchange::new(config).unwrap();
        let spec = AccountSpec { wallets: vec![("USDT".to_owned(), d("1000000000"))], ..AccountSpec::default() };
        let accounts = (0..OWNERS).map(|_| exchange.create_account(spec.clone())).collect();
        Self { exchange, accounts, numbers: Vec::new(), now, naive: Naive::default() }
    }

    /// The orders that rest, by the naive matcher.
    fn resting(&self) -> Vec<usize> {
        (0..self.naive.orders.len()).filter(|number| self.naive.orders[*number].turn.is_some()).collect()
    }

    fn step(&mut self, ask: &Ask) {
        self.now += 1;
        let now = self.now;
        match *ask {
            Ask::New { owner, side, price, size, tif, stp } => {
                let mut order = match price {
                    Some(ticks) => NewOrder::limit(BTC, side, lots(size), price_of(ticks), tif),
                    None => NewOrder::market(BTC, side, lots(size)),
                };
                order.stp_mode = Some(stp);
                let tif = if price.is_some() { tif } else { TimeInForce::Gtc };
                let placed = self.exchange.place(now, self.accounts[owner], &order).map_err(|error| error.code);
                let (stp, status) = (Some(stp), OrderStatus::New);
                let expected = self.naive.place(Order { owner, side, price, size, done: 0, tif, stp, turn: None, status });
                assert_eq!(placed.as_ref().err().copied(), expected.err(), "{ask:?}");
                self.numbers.extend(placed.ok().map(|placed| placed.settled.order_id));
            }
            Ask::Change { which, price, size } => {
                let resting = self.resting();
                if resting.is_empty() {
                    return;
                }
                let number = resting[which.index(resting.len())];
                let order = &self.naive.orders[number];
                if (order.price, order.size) == (Some(price), size) {
                    return;
                }
                let change = ModifyOrder {
                    symbol: BTC.to_owned(),
                    order: OrderRef::id(self.numbers[number]),
                    side: order.side,
                    quantity: Some(lots(size)),
                    price: Some(price_of(price)),
                    price_match: None,
                    modify_id: None,
                    reduce_only: None,
                    signed: None,
                };
                self.exchange.modify(now, self.accounts[order.owner], &change).unwrap();
                self.naive.change(number, price, size);
            }
            Ask::Cancel { which } => {
                let resting = self.resting();
                if resting.is_empty() {
                    return;
                }
                let number = resting[which.index(resting.len())];
                let owner = self.accounts[self.naive.orders[number].owner];
                self.exchange.cancel(now, owner, BTC, &OrderRef::id(self.numbers[number])).unwrap();
                self.naive.end(number, OrderStatus::Canceled);
            }
        }
        self.compare();
    }

    fn compare(&self) {
        let book = self.exchange.depth(BTC, 1_000).unwrap();
        let scaled = |levels: Vec<(i64, i64)>| -> Vec<(Decimal, Decimal)> {
            levels.into_iter().map(|(price, size)| (price_of(price), lots(size))).collect()
        };
        assert_eq!(book.bids, scaled(self.naive.levels(Side::Buy)), "bids");
        assert_eq!(book.asks, scaled(self.naive.levels(Side::Sell)), "asks");
        let ledgers: Vec<_> = self.accounts.iter().map(|account| self.exchange.ledger(*account).unwrap()).collect();
        let rows: BTreeMap<i64, _> = ledgers.iter().flat_map(|ledger| &ledger.orders).map(|row| (row.order_id, row)).collect();
        for (order, number) in self.naive.orders.iter().zip(&self.numbers) {
            let row = rows[number];
            assert_eq!((row.status, row.executed_qty), (order.status, lots(order.done)), "{order:?}\n{row:?}");
        }
        let mut trades: BTreeMap<i64, (i64, i64, Decimal, Decimal)> = BTreeMap::new();
        for row in ledgers.iter().flat_map(|ledger| &ledger.trades) {
            let trade = trades.entry(row.id).or_insert((0, 0, row.price, row.qty));
            *(if row.maker { &mut trade.1 } else { &mut trade.0 }) = row.order_id;
        }
        let expected = self
            .naive
            .trades
            .iter()
            .map(|(taker, maker, price, size)| (self.numbers[*taker], self.numbers[*maker], price_of(*price), lots(*size)));
        assert_eq!(trades.into_values().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "trades");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(200), ..ProptestConfig::default() })]

    /// More by `PROPTEST_CASES`.
    #[test]
    fn the_engine_and_a_naive_matcher_make_the_same_market(asks in vec(ask(), 1..60)) {
        let mut pair = Pair::new();
        asks.iter().for_each(|ask| pair.step(ask));
    }
}
