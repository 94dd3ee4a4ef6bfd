//! One order inside the engine: the row everybody sees, and the little that only the engine knows.

use rust_decimal::Decimal;

use crate::made::Made;
use crate::row::OrderRow;
use crate::types::{AccountId, Ms, OrderStatus, PositionSide, Side};

/// An order, open or final.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Whose.
    pub(crate) account: AccountId,
    /// What everybody sees.
    pub(crate) row: OrderRow,
    /// Whether it rests on the book now.
    pub(crate) resting: bool,
    /// Its place in time among the orders at its price: the book's change number when it came to rest.
    pub(crate) queued: u64,
    /// When it expires by itself.
    pub(crate) expires_at: Option<Ms>,
    /// Who made it.
    pub(crate) made: Made,
    /// How many times it was changed.
    pub(crate) amendments: u32,
}

impl Order {
    /// Gives the quantity not executed yet; 0 when the order is final.
    pub(crate) fn leaves(&self) -> Decimal {
        if self.row.status.is_final() { Decimal::ZERO } else { self.row.orig_qty - self.row.executed_qty }
    }

    /// Books an execution into the row.
    pub(crate) fn execute(&mut self, price: Decimal, quantity: Decimal, avg_dp: u32, now: Ms) {
        let row = &mut self.row;
        row.executed_qty += quantity;
        row.cum_quote += price * quantity;
        row.avg_price = (row.cum_quote / row.executed_qty).round_dp(avg_dp);
        row.status = if row.executed_qty == row.orig_qty { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        row.update_time = now;
    }

    /// Tells whether the order can only reduce its leg: reduce-only, or the side against a hedge leg.
    pub(crate) fn is_closing(&self) -> bool {
        self.row.reduce_only || closes(self.row.side, self.row.position_side)
    }
}

/// Tells whether a side works against a hedge leg.
pub(crate) fn closes(side: Side, leg: PositionSide) -> bool {
    matches!((side, leg), (Side::Sell, PositionSide::Long) | (Side::Buy, PositionSide::Short))
}

/// Gives a quantity the sign of its side.
pub(crate) fn signed(side: Side, quantity: Decimal) -> Decimal {
    match side {
        Side::Buy => quantity,
        Side::Sell => -quantity,
    }
}
