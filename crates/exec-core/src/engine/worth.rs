//! What the account is worth at the newest prices, and what it has won or lost. It judges nothing.

use super::Engine;
use crate::{
    ids::{Asset, InstrumentId},
    position::Position,
    units::PositionSide,
};
use alloc::collections::BTreeSet;
use rust_decimal::Decimal;

impl Engine {
    /// The assets that the traded instruments are settled in. Each counts as one unit of the quote.
    pub(super) fn settle_assets(&self) -> BTreeSet<&Asset> {
        let traded = self.config.strategies.iter().flat_map(|s| &s.instruments);
        traded.filter_map(|i| self.instruments.get(i)).map(|i| &i.settle).collect()
    }

    /// What the wallets hold, with what the open legs have won or lost at the newest prices. What is quoted for and settled in
    /// dollars counts one to one.
    pub(super) fn equity(&self) -> Decimal {
        let settles = self.settle_assets();
        let wallets = self.books.wallets().iter().filter(|(asset, _)| settles.contains(asset));
        let held = wallets.fold(Decimal::ZERO, |sum, (_, wallet)| sum.saturating_add(wallet.amount.get()));
        held.saturating_add(self.unrealized())
    }

    /// Whether every open leg has a price.
    pub(super) fn is_priced(&self) -> bool {
        let mut open = self.books.positions().filter(|(_, leg, p)| self.config.mode.has(*leg) && !p.qty().is_zero());
        open.all(|(instrument, ..)| self.quote(instrument).reference().is_some())
    }

    /// What the open legs have won or lost at the newest prices. A leg that no price is known of counts nothing.
    pub(super) fn unrealized(&self) -> Decimal {
        let of = |(instrument, leg, position): (&InstrumentId, PositionSide, &Position)| {
            let mark = self.quote(instrument).reference().filter(|_| self.config.mode.has(leg));
            mark.map_or(Decimal::ZERO, |mark| position.qty().get().saturating_mul(mark).saturating_sub(position.cost.0))
        };
        self.books.positions().map(of).fold(Decimal::ZERO, Decimal::saturating_add)
    }
}
