//! The exchange: one struct, every request a method. The rules themselves stand in the modules it calls.

use rust_decimal::Decimal;

use crate::config::{AccountSpec, ConfigError, ExchangeConfig, MarketData};
use crate::error::ApiError;
use crate::event::Event;
use crate::ledger::{Ledger, Violation};
use crate::request::{
    AllOrdersQuery, AmendmentsQuery, ForceOrdersQuery, IncomeQuery, KlinesQuery, MarginHistoryQuery, MarginMove, ModifyOrder,
    NewOrder, OrderRef, UserTradesQuery,
};
use crate::row::{
    AccountConfigRow, AccountView, AmendmentRow, BookTickerRow, CommissionRow, DepthRow, ForceOrderRow, FundingRow, IncomeRow,
    KlineRow, LeverageRow, MarginChangeRow, OrderRow, Placed, PositionRow, PremiumRow, PublicTradeRow, SymbolConfigRow,
    Ticker24hRow, TradeRow,
};
use crate::symbol::SymbolSpec;
use crate::types::{AccountId, MarginType, Ms, PositionSide, SymbolStatus};

/// A seeded exchange.
///
/// Contract: every method that takes `now` first runs all that time owes up to `now` ([`Exchange::advance`]), then does its
/// work in one engine transaction at that time; a `now` before the last one counts as the last one. Methods without `now`
/// are reads as of the last `now`: call `advance` first. What was caused lies in [`Exchange::take_events`], in order.
#[derive(Debug)]
pub struct Exchange {
    config: ExchangeConfig,
}

impl Exchange {
    /// Builds an exchange with its books quoted.
    pub fn new(config: ExchangeConfig) -> Result<Self, ConfigError> {
        Ok(Self { config })
    }
    /// Opens an account; ids count from 1 in the order of opening.
    pub fn create_account(&mut self, _spec: AccountSpec) -> AccountId {
        AccountId(1)
    }
    /// All accounts opened by [`Exchange::create_account`].
    pub fn accounts(&self) -> Vec<AccountId> {
        Vec::new()
    }
    /// The configuration it was built with.
    pub fn config(&self) -> &ExchangeConfig {
        &self.config
    }
    /// Venue time of the last call.
    pub fn now(&self) -> Ms {
        0
    }
    /// When something next happens by itself (flow step, expiry, countdown, funding, mark price); `None` if never.
    pub fn next_wakeup(&self) -> Option<Ms> {
        None
    }
    /// Runs everything that time owes up to `now`, each thing at its own time.
    pub fn advance(&mut self, _now: Ms) {}
    /// Takes the events since the last take.
    pub fn take_events(&mut self) -> Vec<Event> {
        Vec::new()
    }
    /// Chooses which market events are produced from now on (none at the beginning).
    pub fn set_market_data(&mut self, _wanted: MarketData) {}

    // Orders
    pub fn place(&mut self, _now: Ms, _account: AccountId, _order: &NewOrder) -> Result<Placed, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Checks an order as `place` would, without effect (`order/test`).
    pub fn test_order(&mut self, _now: Ms, _account: AccountId, _order: &NewOrder) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn modify(&mut self, _now: Ms, _account: AccountId, _change: &ModifyOrder) -> Result<OrderRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn cancel(&mut self, _now: Ms, _account: AccountId, _symbol: &str, _order: &OrderRef) -> Result<OrderRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Cancels all open orders of a symbol; gives how many.
    pub fn cancel_all(&mut self, _now: Ms, _account: AccountId, _symbol: &str) -> Result<usize, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Arms (or with 0 disarms) the timer that cancels all open orders of a symbol.
    pub fn countdown_cancel_all(
        &mut self,
        _now: Ms,
        _account: AccountId,
        _symbol: &str,
        _countdown_ms: Ms,
    ) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }

    // Settings
    pub fn set_leverage(
        &mut self,
        _now: Ms,
        _account: AccountId,
        _symbol: &str,
        _leverage: u32,
    ) -> Result<LeverageRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn set_margin_type(
        &mut self,
        _now: Ms,
        _account: AccountId,
        _symbol: &str,
        _margin_type: MarginType,
    ) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn set_position_mode(&mut self, _now: Ms, _account: AccountId, _hedge: bool) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn set_multi_assets(&mut self, _now: Ms, _account: AccountId, _enabled: bool) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn set_fee_burn(&mut self, _now: Ms, _account: AccountId, _enabled: bool) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn adjust_position_margin(
        &mut self,
        _now: Ms,
        _account: AccountId,
        _symbol: &str,
        _leg: PositionSide,
        _amount: Decimal,
        _direction: MarginMove,
    ) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }

    // Private reads (retention by creation time applies)
    pub fn order(&self, _account: AccountId, _symbol: &str, _order: &OrderRef) -> Result<OrderRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn open_order(&self, _account: AccountId, _symbol: &str, _order: &OrderRef) -> Result<OrderRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn open_orders(&self, _account: AccountId, _symbol: Option<&str>) -> Result<Vec<OrderRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn all_orders(&self, _account: AccountId, _query: &AllOrdersQuery) -> Result<Vec<OrderRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn user_trades(&self, _account: AccountId, _query: &UserTradesQuery) -> Result<Vec<TradeRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn amendments(&self, _account: AccountId, _query: &AmendmentsQuery) -> Result<Vec<AmendmentRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn income(&self, _account: AccountId, _query: &IncomeQuery) -> Result<Vec<IncomeRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn force_orders(&self, _account: AccountId, _query: &ForceOrdersQuery) -> Result<Vec<ForceOrderRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn margin_history(&self, _account: AccountId, _query: &MarginHistoryQuery) -> Result<Vec<MarginChangeRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn account(&self, _account: AccountId) -> Result<AccountView, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn account_config(&self, _account: AccountId) -> Result<AccountConfigRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// One row per leg, of one symbol or of all.
    pub fn positions(&self, _account: AccountId, _symbol: Option<&str>) -> Result<Vec<PositionRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn symbol_config(&self, _account: AccountId, _symbol: Option<&str>) -> Result<Vec<SymbolConfigRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn commission_rate(&self, _account: AccountId, _symbol: &str) -> Result<CommissionRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }

    // Market reads
    pub fn symbols(&self) -> Vec<&SymbolSpec> {
        Vec::new()
    }
    pub fn symbol(&self, _symbol: &str) -> Result<&SymbolSpec, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn depth(&self, _symbol: &str, _limit: usize) -> Result<DepthRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn book_ticker(&self, _symbol: &str) -> Result<BookTickerRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn premium(&self, _symbol: &str) -> Result<PremiumRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn last_price(&self, _symbol: &str) -> Result<Decimal, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn recent_trades(&self, _symbol: &str, _limit: usize) -> Result<Vec<PublicTradeRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn klines(&self, _query: &KlinesQuery) -> Result<Vec<KlineRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn ticker_24h(&self, _symbol: &str) -> Result<Ticker24hRow, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn funding_rates(&self, _symbol: &str, _limit: usize) -> Result<Vec<FundingRow>, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }

    // The operator's door
    /// Moves the mark price (and with flow the whole book) to a price; orders of users in between are filled.
    pub fn move_price(&mut self, _now: Ms, _symbol: &str, _price: Decimal) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Deposits (or with a negative amount withdraws) money.
    pub fn add_funds(&mut self, _now: Ms, _account: AccountId, _asset: &str, _amount: Decimal) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    pub fn set_symbol_status(&mut self, _now: Ms, _symbol: &str, _status: SymbolStatus) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Replaces a symbol's figures (filters, brackets) at run time; its name stays.
    pub fn update_symbol(&mut self, _now: Ms, _spec: SymbolSpec) -> Result<(), ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Switches the background flow on or off; off, its quotes stay where they are.
    pub fn set_flow(&mut self, _now: Ms, _enabled: bool) {}

    // The truth (not what the venue's REST would show: no retention, no lag)
    pub fn ledger(&self, _account: AccountId) -> Result<Ledger, ApiError> {
        Err(ApiError::new(-1000, "An unknown error occured while processing the request."))
    }
    /// Hash over everything traded so far.
    pub fn ledger_hash(&self) -> u64 {
        0
    }
    pub fn check_invariants(&self) -> Result<(), Violation> {
        Ok(())
    }
}
