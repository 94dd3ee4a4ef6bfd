//! The truth about an account, for oracles: no retention window, no lag, nothing the venue's REST would hide.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::row::{IncomeRow, OrderRow, TradeRow};
use crate::types::{AccountId, PositionSide};

/// Everything that ever happened to one account, and what it holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Whose.
    pub account: AccountId,
    /// Every order ever accepted, by symbol and order id.
    pub orders: Vec<OrderRow>,
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
