//! One account's state: wallets, legs, settings, open orders, history. It holds; the rules are elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::position::Leg;
use crate::row::{AmendmentRow, IncomeRow, MarginChangeRow, TradeRow};
use crate::types::{AccountId, AlgoId, AutoCloseType, IncomeType, MarginType, Ms, OrderId, PositionSide, Side, TradeId};

/// The margin asset of every symbol here.
pub(crate) const MARGIN_ASSET: &str = "USDT";

/// The asset that fees may be paid in at a discount.
pub(crate) const FEE_ASSET: &str = "BNB";

/// The number of the first account of the exchange itself; accounts from here on are not clients.
pub(crate) const HOUSE: u32 = 0xF000_0000;

/// The account that quotes.
pub(crate) const MAKER: AccountId = AccountId(HOUSE);
/// The account that takes.
pub(crate) const TAKER: AccountId = AccountId(HOUSE + 1);
/// The insurance fund.
pub(crate) const INSURANCE: AccountId = AccountId(HOUSE + 2);

/// Tells whether an account is the exchange's own: no events, no history, no margin rules.
pub(crate) fn is_house(account: AccountId) -> bool {
    account.0 >= HOUSE
}

/// Everything the exchange holds for one account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) hedge: bool,
    pub(crate) multi_assets: bool,
    pub(crate) fee_burn: bool,
    pub(crate) config_time: Ms,
    pub(crate) margin_called: bool,
    /// Whether a liquidation is under way.
    pub(crate) in_liquidation: bool,
    pub(crate) wallets: BTreeMap<Arc<str>, WalletState>,
    /// By market.
    pub(crate) symbols: Vec<SymbolState>,
    /// Open orders, by market and number.
    pub(crate) open: BTreeSet<(usize, OrderId)>,
    /// Open orders by client id, over all symbols.
    pub(crate) open_client_ids: BTreeMap<String, (usize, OrderId)>,
    /// All orders by market and client id, oldest first.
    pub(crate) by_client_id: BTreeMap<(usize, String), Vec<OrderId>>,
    /// All orders by market and number.
    pub(crate) orders: BTreeSet<(usize, OrderId)>,
    /// All conditional orders.
    pub(crate) algos: BTreeSet<AlgoId>,
    /// Conditional orders the service still holds, by client id.
    pub(crate) open_algos: BTreeMap<String, AlgoId>,
    /// Own trades by market, oldest first.
    pub(crate) trades: Vec<Vec<TradeRow>>,
    pub(crate) income: Vec<IncomeRow>,
    pub(crate) amendments: Vec<AmendmentRow>,
    pub(crate) forced: Vec<(AutoCloseType, usize, OrderId)>,
    pub(crate) margin_changes: Vec<MarginChangeRow>,
    /// When all orders of a market are cancelled.
    pub(crate) countdowns: BTreeMap<usize, Ms>,
    next_tran_id: i64,
}

/// One wallet.
#[derive(Clone, Debug, Default)]
pub(crate) struct WalletState {
    pub(crate) balance: Decimal,
    pub(crate) update_time: Ms,
}

/// One symbol's settings and legs in one account.
#[derive(Clone, Debug)]
pub(crate) struct SymbolState {
    pub(crate) leverage: u32,
    pub(crate) margin_type: MarginType,
    legs: [Leg; 3],
    open: [OpenSums; 3],
}

/// Sums over the open orders of one leg, kept up to date with the book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenSums {
    /// Price times leaves of all buys.
    pub(crate) bids: Decimal,
    /// Price times leaves of all sells.
    pub(crate) asks: Decimal,
    /// The same for buys that can add to the leg.
    pub(crate) adding_bids: Decimal,
    /// The same for sells that can add to the leg.
    pub(crate) adding_asks: Decimal,
    /// Leaves of orders that close a hedge leg.
    pub(crate) closing_qty: Decimal,
    /// Open orders.
    pub(crate) orders: usize,
    /// Open reduce-only orders.
    pub(crate) reduce_only: usize,
}

const fn slot(leg: PositionSide) -> usize {
    match leg {
        PositionSide::Both => 0,
        PositionSide::Long => 1,
        PositionSide::Short => 2,
    }
}

impl SymbolState {
    pub(crate) fn new(leverage: u32) -> Self {
        Self { leverage, margin_type: MarginType::Crossed, legs: Default::default(), open: Default::default() }
    }

    pub(crate) fn leg(&self, leg: PositionSide) -> &Leg {
        &self.legs[slot(leg)]
    }

    pub(crate) fn leg_mut(&mut self, leg: PositionSide) -> &mut Leg {
        &mut self.legs[slot(leg)]
    }

    pub(crate) fn sums(&self, leg: PositionSide) -> &OpenSums {
        &self.open[slot(leg)]
    }

    pub(crate) fn sums_mut(&mut self, leg: PositionSide) -> &mut OpenSums {
        &mut self.open[slot(leg)]
    }

    pub(crate) fn has_position(&self) -> bool {
        self.legs.iter().any(|leg| !leg.amount.is_zero())
    }

    pub(crate) fn open_orders(&self) -> usize {
        self.open.iter().map(|sums| sums.orders).sum()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.open_orders() == 0 && !self.has_position()
    }

    pub(crate) fn isolated_total(&self) -> Decimal {
        self.legs.iter().map(|leg| leg.isolated_wallet).sum()
    }

    /// Gives the notional of all open buys and sells, over all legs.
    pub(crate) fn notionals(&self) -> (Decimal, Decimal) {
        (self.open.iter().map(|sums| sums.bids).sum(), self.open.iter().map(|sums| sums.asks).sum())
    }
}

impl OpenSums {
    /// Books more (or with a negative quantity fewer) leaves of an order with these terms.
    pub(crate) fn shift(&mut self, side: Side, leg: PositionSide, reduce_only: bool, price: Decimal, quantity: Decimal) {
        let notional = price * quantity;
        let closing = crate::order::closes(side, leg);
        match side {
            Side::Buy => self.bids += notional,
            Side::Sell => self.asks += notional,
        }
        if closing {
            self.closing_qty += quantity;
        } else if !reduce_only {
            match side {
                Side::Buy => self.adding_bids += notional,
                Side::Sell => self.adding_asks += notional,
            }
        }
    }
}

impl Account {
    pub(crate) fn new(
        wallets: impl IntoIterator<Item = (Arc<str>, Decimal)>,
        hedge: bool,
        leverages: impl Iterator<Item = u32>,
        now: Ms,
    ) -> Self {
        let symbols: Vec<_> = leverages.map(SymbolState::new).collect();
        Self {
            hedge,
            multi_assets: false,
            fee_burn: false,
            config_time: 0,
            margin_called: false,
            in_liquidation: false,
            wallets: wallets.into_iter().map(|(asset, balance)| (asset, WalletState { balance, update_time: now })).collect(),
            open: BTreeSet::new(),
            open_client_ids: BTreeMap::new(),
            by_client_id: BTreeMap::new(),
            orders: BTreeSet::new(),
            algos: BTreeSet::new(),
            open_algos: BTreeMap::new(),
            trades: vec![Vec::new(); symbols.len()],
            symbols,
            income: Vec::new(),
            amendments: Vec::new(),
            forced: Vec::new(),
            margin_changes: Vec::new(),
            countdowns: BTreeMap::new(),
            next_tran_id: 1,
        }
    }

    /// The legs that exist in this account's mode.
    pub(crate) const fn mode_legs(&self) -> &'static [PositionSide] {
        if self.hedge { &[PositionSide::Long, PositionSide::Short] } else { &[PositionSide::Both] }
    }

    pub(crate) fn has_positions(&self) -> bool {
        self.symbols.iter().any(SymbolState::has_position)
    }

    pub(crate) fn wallet(&self, asset: &str) -> Decimal {
        self.wallets.get(asset).map_or(Decimal::ZERO, |wallet| wallet.balance)
    }

    pub(crate) fn credit(&mut self, asset: &Arc<str>, amount: Decimal, now: Ms) {
        let wallet = self.wallets.entry(asset.clone()).or_default();
        wallet.balance += amount;
        wallet.update_time = now;
    }

    /// Gives the wallet without what isolated legs have set aside.
    pub(crate) fn cross_wallet(&self, asset: &str) -> Decimal {
        let isolated: Decimal =
            if asset == MARGIN_ASSET { self.symbols.iter().map(SymbolState::isolated_total).sum() } else { Decimal::ZERO };
        self.wallet(asset) - isolated
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the income history has this many fields")]
    pub(crate) fn record_income(
        &mut self,
        symbol: &Arc<str>,
        income_type: IncomeType,
        income: Decimal,
        asset: &Arc<str>,
        info: String,
        time: Ms,
        trade_id: Option<TradeId>,
    ) {
        let tran_id = self.next_tran_id;
        self.next_tran_id += 1;
        self.income.push(IncomeRow {
            symbol: symbol.clone(),
            income_type,
            income,
            asset: asset.clone(),
            info,
            time,
            tran_id,
            trade_id,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::dec;

    #[test]
    fn sums_return_to_zero_when_orders_leave() {
        let mut sums = OpenSums::default();
        sums.shift(Side::Buy, PositionSide::Both, false, dec!(10), dec!(3));
        sums.shift(Side::Sell, PositionSide::Both, true, dec!(11), dec!(2));
        assert_eq!((sums.bids, sums.asks, sums.adding_bids, sums.adding_asks), (dec!(30), dec!(22), dec!(30), dec!(0)));
        sums.shift(Side::Buy, PositionSide::Both, false, dec!(10), -dec!(3));
        sums.shift(Side::Sell, PositionSide::Both, true, dec!(11), -dec!(2));
        assert_eq!(sums, OpenSums::default());
    }
}
