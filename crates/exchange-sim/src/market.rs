//! One symbol's state: figures, book, orders, prices, tape. It holds; the rules are elsewhere.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::book::Book;
use crate::flow::Flow;
use crate::order::Order;
use crate::row::FundingRow;
use crate::symbol::SymbolSpec;
use crate::tape::Tape;
use crate::types::{OrderId, TradeId};

/// Best bid and ask: price and quantity, where there are any.
pub(crate) type Top = (Option<(Decimal, Decimal)>, Option<(Decimal, Decimal)>);

/// Everything the exchange holds for one symbol.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) spec: SymbolSpec,
    pub(crate) book: Book,
    /// All orders of clients, and the open ones of the exchange's own accounts.
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) mark: Decimal,
    pub(crate) tape: Tape,
    pub(crate) flow: Flow,
    pub(crate) fundings: Vec<FundingRow>,
    pub(crate) next_order_id: OrderId,
    pub(crate) next_trade_id: TradeId,
    /// Sides of trades booked; twice the number of trades.
    pub(crate) sides_booked: u64,
    /// Trades made.
    pub(crate) trades_made: u64,
    /// Best bid and ask last told.
    pub(crate) told_top: Top,
    /// Book change last told.
    pub(crate) told_update_id: u64,
}

impl Market {
    /// Takes the next order number.
    pub(crate) fn take_order_id(&mut self) -> OrderId {
        let id = self.next_order_id;
        self.next_order_id += 1;
        id
    }

    /// Takes the next trade number.
    pub(crate) fn take_trade_id(&mut self) -> TradeId {
        let id = self.next_trade_id;
        self.next_trade_id += 1;
        id
    }

    /// Gives the digits of an average price: one more than a price has.
    pub(crate) fn avg_dp(&self) -> u32 {
        self.spec.price_precision + 1
    }
}
