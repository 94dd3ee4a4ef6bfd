//! What positions and orders cost in margin. Pure formulas over an account's state; nothing is changed here.
//!
//! Source: Binance FAQ "How to calculate cost required to open a position", "Leverage and margin of USDⓈ-M futures" and
//! "Liquidation protocols" (2026). Orders are valued at their own price.

use rust_decimal::Decimal;

use crate::account::{Account, MARGIN_ASSET, SymbolState};
use crate::literal::dec;
use crate::market::Market;
use crate::position::MONEY_DP;
use crate::types::{MarginType, PositionSide, Side};

/// Margin of one leg with its open orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LegMargin {
    pub(crate) notional: Decimal,
    pub(crate) unrealized: Decimal,
    pub(crate) maintenance: Decimal,
    pub(crate) position_initial: Decimal,
    pub(crate) orders_initial: Decimal,
}

/// Margin of a whole account in the margin asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountMargin {
    pub(crate) wallet: Decimal,
    pub(crate) cross_wallet: Decimal,
    pub(crate) unrealized: Decimal,
    pub(crate) cross_unrealized: Decimal,
    pub(crate) maintenance: Decimal,
    pub(crate) cross_maintenance: Decimal,
    pub(crate) position_initial: Decimal,
    pub(crate) cross_position_initial: Decimal,
    pub(crate) orders_initial: Decimal,
}

impl AccountMargin {
    /// Gives what new orders may use: `max(0, cross wallet + cross profit - initial margins)`.
    pub(crate) fn available(&self) -> Decimal {
        (self.cross_wallet + self.cross_unrealized - self.cross_position_initial - self.orders_initial).max(Decimal::ZERO)
    }

    /// Gives what may be transferred out: unrealised profit cannot leave.
    pub(crate) fn withdrawable(&self) -> Decimal {
        self.available().min(self.cross_wallet).max(Decimal::ZERO)
    }

    /// Tells whether the cross positions are due for liquidation.
    pub(crate) fn cross_is_bankrupt(&self) -> bool {
        !self.cross_maintenance.is_zero() && self.cross_wallet + self.cross_unrealized <= self.cross_maintenance
    }
}

/// Values one leg at mark.
pub(crate) fn leg_margin(state: &SymbolState, side: PositionSide, market: &Market) -> LegMargin {
    let leg = state.leg(side);
    let sums = state.sums(side);
    let leverage = Decimal::from(state.leverage);
    let signed = leg.amount * market.mark;
    let notional = signed.abs();
    LegMargin {
        notional,
        unrealized: leg.unrealized(market.mark),
        maintenance: money(market.spec.maint_margin(notional)),
        position_initial: money(notional / leverage),
        orders_initial: money(added_exposure(side, signed, sums.adding_bids, sums.adding_asks) / leverage),
    }
}

/// Values a whole account.
pub(crate) fn account_margin(account: &Account, markets: &[Market]) -> AccountMargin {
    let mut total = AccountMargin {
        wallet: account.wallet(MARGIN_ASSET),
        cross_wallet: account.cross_wallet(MARGIN_ASSET),
        ..Default::default()
    };
    for (state, market) in account.symbols.iter().zip(markets) {
        if state.is_idle() {
            continue;
        }
        for side in account.mode_legs() {
            let leg = leg_margin(state, *side, market);
            total.unrealized += leg.unrealized;
            total.maintenance += leg.maintenance;
            total.position_initial += leg.position_initial;
            total.orders_initial += leg.orders_initial;
            if state.margin_type == MarginType::Crossed {
                total.cross_unrealized += leg.unrealized;
                total.cross_maintenance += leg.maintenance;
                total.cross_position_initial += leg.position_initial;
            }
        }
    }
    total
}

/// A new order as margin sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) side: Side,
    pub(crate) leg: PositionSide,
    pub(crate) quantity: Decimal,
    /// The price margin assumes.
    pub(crate) price: Decimal,
}

/// Gives the cost of a new order: what it adds to the initial margin, plus the loss it would open with.
///
/// An order that only reduces costs nothing.
pub(crate) fn order_cost(state: &SymbolState, market: &Market, wish: Wish) -> Decimal {
    let leg = state.leg(wish.leg);
    let sums = state.sums(wish.leg);
    let leverage = Decimal::from(state.leverage);
    let signed = leg.amount * market.mark;
    let notional = wish.price * wish.quantity;
    let (bids, asks) = match wish.side {
        Side::Buy => (sums.adding_bids + notional, sums.adding_asks),
        Side::Sell => (sums.adding_bids, sums.adding_asks + notional),
    };
    let before = added_exposure(wish.leg, signed, sums.adding_bids, sums.adding_asks);
    let after = added_exposure(wish.leg, signed, bids, asks);
    if after <= before {
        return Decimal::ZERO;
    }
    let opening = (wish.quantity - reducible(leg.amount, wish.side)).max(Decimal::ZERO);
    let adverse = match wish.side {
        Side::Buy => wish.price - market.mark,
        Side::Sell => market.mark - wish.price,
    };
    money((after - before) / leverage) + money(opening * adverse.max(Decimal::ZERO))
}

/// Gives the notional a leg would have with this order and all adding orders of its side executed.
pub(crate) fn notional_with(state: &SymbolState, market: &Market, wish: Wish) -> Decimal {
    let signed = state.leg(wish.leg).amount * market.mark;
    let sums = state.sums(wish.leg);
    match wish.side {
        Side::Buy => signed + sums.adding_bids + wish.price * wish.quantity,
        Side::Sell => -signed + sums.adding_asks + wish.price * wish.quantity,
    }
}

/// Gives how much of a leg an order of this side can close.
pub(crate) fn reducible(amount: Decimal, side: Side) -> Decimal {
    match side {
        Side::Buy => (-amount).max(Decimal::ZERO),
        Side::Sell => amount.max(Decimal::ZERO),
    }
}

/// Gives the liquidation price of a leg; 0 where no price liquidates it.
pub(crate) fn liquidation_price(account: &Account, markets: &[Market], index: usize, side: PositionSide) -> Decimal {
    let state = &account.symbols[index];
    let market = &markets[index];
    if state.leg(side).amount.is_zero() {
        return Decimal::ZERO;
    }
    let isolated = state.margin_type == MarginType::Isolated;
    let mut equity = if isolated {
        state.leg(side).isolated_wallet
    } else {
        let total = account_margin(account, markets);
        let own: LegMargin =
            account.mode_legs().iter().map(|leg| leg_margin(state, *leg, market)).fold(LegMargin::default(), |sum, leg| {
                LegMargin { unrealized: sum.unrealized + leg.unrealized, maintenance: sum.maintenance + leg.maintenance, ..sum }
            });
        total.cross_wallet - (total.cross_maintenance - own.maintenance) + (total.cross_unrealized - own.unrealized)
    };
    let legs: &[PositionSide] = if isolated { std::slice::from_ref(&side) } else { account.mode_legs() };
    let mut slope = Decimal::ZERO;
    for leg in legs.iter().map(|leg| state.leg(*leg)).filter(|leg| !leg.amount.is_zero()) {
        if let Some(bracket) = market.spec.bracket_of(leg.notional(market.mark)) {
            equity += bracket.cum - leg.cost;
            slope += leg.amount.abs() * bracket.maint_margin_ratio - leg.amount;
        }
    }
    if slope.is_zero() { Decimal::ZERO } else { (equity / slope).round_dp(MONEY_DP).max(Decimal::ZERO).normalize() }
}

/// Gives the price margin assumes for an order.
///
/// LIMIT buys: the order price; LIMIT sells: the higher of order price and mark; MARKET: the touch with 0.05 % on buys.
pub(crate) fn assumed_price(side: Side, limit: Option<Decimal>, touch: Option<Decimal>, mark: Decimal) -> Decimal {
    match (side, limit) {
        (Side::Buy, Some(price)) => price,
        (Side::Sell, Some(price)) => price.max(mark),
        (Side::Buy, None) => touch.unwrap_or(mark) * dec!(1.0005),
        (Side::Sell, None) => touch.unwrap_or(mark).max(mark),
    }
}

/// Gives the notional that open orders add to a leg in the worse direction.
fn added_exposure(side: PositionSide, signed: Decimal, bids: Decimal, asks: Decimal) -> Decimal {
    match side {
        PositionSide::Both => signed.abs().max(signed + bids).max(asks - signed) - signed.abs(),
        PositionSide::Long => bids,
        PositionSide::Short => asks,
    }
}

fn money(value: Decimal) -> Decimal {
    value.round_dp(MONEY_DP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_share_the_margin_of_the_larger() {
        assert_eq!(added_exposure(PositionSide::Both, dec!(0), dec!(100), dec!(60)), dec!(100));
        assert_eq!(added_exposure(PositionSide::Both, dec!(50), dec!(0), dec!(90)), dec!(0));
        assert_eq!(added_exposure(PositionSide::Both, dec!(50), dec!(0), dec!(120)), dec!(20));
        assert_eq!(added_exposure(PositionSide::Short, -dec!(50), dec!(30), dec!(20)), dec!(20));
    }

    #[test]
    fn sells_are_valued_at_mark_when_they_are_below_it() {
        assert_eq!(assumed_price(Side::Sell, Some(dec!(99)), None, dec!(100)), dec!(100));
        assert_eq!(assumed_price(Side::Buy, Some(dec!(99)), None, dec!(100)), dec!(99));
        assert_eq!(assumed_price(Side::Buy, None, Some(dec!(100)), dec!(99)), dec!(100.05));
    }
}
