//! A bench for the core's tests: an exchange without background flow, a few accounts, short words for orders.

use exchange_sim::request::{ModifyOrder, NewOrder, OrderRef};
use exchange_sim::row::{OrderRow, Placed, TradeRow};
use exchange_sim::types::{ExecType, ExpiryReason, Ms, OrderStatus, PositionSide, Side, TimeInForce};
use exchange_sim::{AccountId, AccountSpec, ApiError, Event, Exchange, ExchangeConfig, UserEvent};
use rust_decimal::Decimal;

pub(crate) const BTC: &str = "BTCUSDT";
pub(crate) const ETH: &str = "ETHUSDT";

/// Reads a decimal.
pub(crate) fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An exchange with its time and three accounts: `a` and `b` of the mode asked for, `c` one-way.
pub(crate) struct Bench {
    pub(crate) exchange: Exchange,
    pub(crate) now: Ms,
    pub(crate) a: AccountId,
    pub(crate) b: AccountId,
    pub(crate) c: AccountId,
}

impl Bench {
    /// Builds one without flow: only its accounts trade.
    pub(crate) fn still(hedge: bool) -> Self {
        let mut config = ExchangeConfig::default();
        config.flow.enabled = false;
        Self::of(config, hedge)
    }

    /// Builds one with flow and a seed.
    pub(crate) fn flowing(seed: u64, hedge: bool) -> Self {
        Self::of(ExchangeConfig { seed, ..ExchangeConfig::default() }, hedge)
    }

    pub(crate) fn of(config: ExchangeConfig, hedge: bool) -> Self {
        let now = config.start_ms;
        let mut exchange = Exchange::new(config).unwrap();
        let mut open = |hedge| exchange.create_account(AccountSpec { hedge, ..AccountSpec::default() });
        let (a, b, c) = (open(hedge), open(hedge), open(false));
        Self { exchange, now, a, b, c }
    }

    /// Places an order and checks every invariant after it.
    pub(crate) fn place(&mut self, account: AccountId, order: &NewOrder) -> Result<Placed, ApiError> {
        let placed = self.exchange.place(self.now, account, order);
        self.exchange.check_invariants().unwrap();
        placed
    }

    /// Places an order that must be accepted, and gives it after it met the book.
    pub(crate) fn ok(&mut self, account: AccountId, order: &NewOrder) -> OrderRow {
        self.place(account, order).unwrap().settled
    }

    /// Places an order that must be refused, and gives the code.
    pub(crate) fn refused(&mut self, account: AccountId, order: &NewOrder) -> i32 {
        self.place(account, order).unwrap_err().code
    }

    pub(crate) fn modify(
        &mut self,
        account: AccountId,
        row: &OrderRow,
        price: &str,
        quantity: &str,
    ) -> Result<OrderRow, ApiError> {
        let change = ModifyOrder {
            symbol: row.symbol.to_string(),
            order: OrderRef::id(row.order_id),
            side: row.side,
            quantity: Some(d(quantity)),
            price: Some(d(price)),
            price_match: None,
            modify_id: Some(77),
            reduce_only: None,
            signed: None,
        };
        let row = self.exchange.modify(self.now, account, &change);
        self.exchange.check_invariants().unwrap();
        row
    }

    pub(crate) fn cancel(&mut self, account: AccountId, row: &OrderRow) -> Result<OrderRow, ApiError> {
        let row = self.exchange.cancel(self.now, account, &row.symbol, &OrderRef::id(row.order_id));
        self.exchange.check_invariants().unwrap();
        row
    }

    /// Gives an order as the venue shows it now.
    pub(crate) fn see(&self, account: AccountId, row: &OrderRow) -> OrderRow {
        self.exchange.order(account, &row.symbol, &OrderRef::id(row.order_id)).unwrap()
    }

    pub(crate) fn status(&self, account: AccountId, row: &OrderRow) -> OrderStatus {
        self.see(account, row).status
    }

    pub(crate) fn amount(&self, account: AccountId, symbol: &str, leg: PositionSide) -> Decimal {
        let rows = self.exchange.positions(account, Some(symbol)).unwrap();
        rows.iter().find(|row| row.position_side == leg).unwrap().position_amt
    }

    pub(crate) fn wallet(&self, account: AccountId) -> Decimal {
        self.exchange.account(account).unwrap().assets[0].wallet_balance
    }

    pub(crate) fn trades(&self, account: AccountId) -> Vec<TradeRow> {
        self.exchange.ledger(account).unwrap().trades
    }

    /// Takes all events of one account.
    pub(crate) fn told(&mut self, account: AccountId) -> Vec<UserEvent> {
        let mine = |event| match event {
            Event::User { account: owner, event, .. } if owner == account => Some(event),
            Event::User { .. } | Event::Market { .. } => None,
        };
        self.exchange.take_events().into_iter().filter_map(mine).collect()
    }

    /// Takes the order updates of one account, as (number, what, reason).
    pub(crate) fn order_news(&mut self, account: AccountId) -> Vec<(i64, ExecType, ExpiryReason)> {
        let orders = self.told(account).into_iter().filter_map(|event| match event {
            UserEvent::Order(update) => Some((update.order.order_id, update.exec_type, update.expiry_reason)),
            _ => None,
        });
        orders.collect()
    }

    /// Gives `a` a position of this signed quantity at this price, with `c` on the other side.
    pub(crate) fn give_position(&mut self, signed: &str, price: &str) {
        let (side, quantity) = if let Some(rest) = signed.strip_prefix('-') { (Side::Sell, rest) } else { (Side::Buy, signed) };
        let c = self.c;
        self.ok(c, &gtc(side.opposite(), quantity, price));
        let a = self.a;
        let filled = self.ok(a, &gtc(side, quantity, price));
        assert_eq!(filled.status, OrderStatus::Filled);
    }
}

pub(crate) fn gtc(side: Side, quantity: &str, price: &str) -> NewOrder {
    limit(side, quantity, price, TimeInForce::Gtc)
}

pub(crate) fn limit(side: Side, quantity: &str, price: &str, time_in_force: TimeInForce) -> NewOrder {
    NewOrder::limit(BTC, side, d(quantity), d(price), time_in_force)
}

pub(crate) fn market(side: Side, quantity: &str) -> NewOrder {
    NewOrder::market(BTC, side, d(quantity))
}
