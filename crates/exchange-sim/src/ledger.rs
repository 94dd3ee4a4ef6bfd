//! The truth about an account, for oracles: no retention window, no lag, nothing the venue's REST would hide.

use std::fmt::Write;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::row::{AlgoRow, IncomeRow, OrderRow, TradeRow};
use crate::types::{AccountId, PositionSide};

/// Everything that ever happened to one account, and what it holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Whose.
    pub account: AccountId,
    /// Every order ever accepted, by symbol and order id.
    pub orders: Vec<OrderRow>,
    /// Every conditional order ever accepted, by number, with its child whether or not that was told.
    pub algo_orders: Vec<AlgoRow>,
    /// Every side of every trade, by symbol and trade id; a trade with oneself has two rows.
    pub trades: Vec<TradeRow>,
    /// Every change of a wallet that is not a trade's price, in order.
    pub income: Vec<IncomeRow>,
    /// Wallet per asset.
    pub wallets: Vec<Wallet>,
    /// Every leg that was ever open, flat ones included.
    pub positions: Vec<LegTruth>,
}

/// One wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wallet {
    /// Asset.
    pub asset: Arc<str>,
    /// Balance.
    pub balance: Decimal,
}

/// One leg of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegTruth {
    /// Symbol.
    pub symbol: Arc<str>,
    /// Leg.
    pub position_side: PositionSide,
    /// Signed amount.
    pub amount: Decimal,
    /// Average entry price; 0 when flat.
    pub entry_price: Decimal,
    /// Realised profit so far, before fees.
    pub realized_pnl: Decimal,
}

/// A broken invariant of the exchange: a defect of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant broken: {0}")]
pub struct Violation(pub String);

impl Exchange {
    /// Gives the truth about an account.
    ///
    /// # Errors
    ///
    /// `-1109` for an unknown account.
    pub fn ledger(&self, account: AccountId) -> Result<Ledger, ApiError> {
        let state = self.client(account)?;
        let legs = [PositionSide::Both, PositionSide::Long, PositionSide::Short];
        let positions = (state.symbols.iter().zip(&self.markets))
            .flat_map(|(symbol, market)| legs.map(|side| (side, symbol.leg(side), &market.spec.symbol)))
            .filter(|(_, leg, _)| leg.update_time != 0)
            .map(|(position_side, leg, symbol)| LegTruth {
                symbol: symbol.clone(),
                position_side,
                amount: leg.amount.normalize(),
                entry_price: leg.entry_price(),
                realized_pnl: leg.realized.normalize(),
            })
            .collect();
        Ok(Ledger {
            account,
            orders: state.orders.iter().filter_map(|(market, id)| self.row_of(*market, *id)).collect(),
            algo_orders: self.algo_truth(account),
            trades: state.trades.iter().flatten().cloned().collect(),
            income: state.income.clone(),
            wallets: state
                .wallets
                .iter()
                .map(|(asset, wallet)| Wallet { asset: asset.clone(), balance: wallet.balance.normalize() })
                .collect(),
            positions,
        })
    }

    /// Gives a hash over everything that was traded so far, the exchange's own accounts included.
    #[must_use]
    pub fn ledger_hash(&self) -> u64 {
        let mut hash = Fnv::default();
        for id in self.accounts.keys() {
            if let Ok(ledger) = self.ledger(*id) {
                let _ = write!(hash, "{ledger:?}");
            }
        }
        for state in self.accounts.values() {
            let legs = state.symbols.iter().map(|symbol| symbol.leg(PositionSide::Both));
            for leg in legs {
                let _ = write!(hash, "{}/{};", leg.amount.normalize(), leg.cost.normalize());
            }
        }
        for market in &self.markets {
            let _ = write!(hash, "{}:{}:{};", market.trades_made, market.book.update_id(), market.mark.normalize());
        }
        hash.0
    }
}

/// FNV-1a, 64 bit.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
