//! The operator's door: what an outside hand can do to the exchange. None of it is part of the venue's interface.

use rust_decimal::Decimal;

use crate::error::ApiError;
use crate::event::MarketEvent;
use crate::exchange::Exchange;
use crate::literal::dec;
use crate::position::MONEY_DP;
use crate::row::ContractRow;
use crate::symbol::SymbolSpec;
use crate::types::{AccountId, IncomeType, Ms, SymbolStatus, UpdateReason};

/// More money than this in one movement is a mistake of the hand.
const FUNDS_MAX: Decimal = dec!(1000000000000);

impl Exchange {
    /// Moves the mark price, and with the flow the whole book, to a price; orders of clients in between are filled.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-4002` or `-4013` for a price outside the symbol's price filter.
    pub fn move_price(&mut self, now: Ms, symbol: &str, price: Decimal) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        let spec = &self.markets[market].spec;
        if price > spec.max_price {
            return Err(ApiError::price_above_max());
        }
        if price < spec.min_price {
            return Err(ApiError::price_below_min());
        }
        self.jump(market, price);
        self.commit();
        self.liquidate_all();
        self.settle();
        Ok(())
    }

    /// Deposits, or with a negative amount withdraws, money.
    ///
    /// # Errors
    ///
    /// `-1109` for an unknown account, `-1130` for more than a trillion or more than 8 digits, `-2018` if more is withdrawn than the wallet holds.
    pub fn add_funds(&mut self, now: Ms, account: AccountId, asset: &str, amount: Decimal) -> Result<(), ApiError> {
        self.advance(now);
        let now = self.now;
        let owner = self.client_mut(account)?;
        if amount.abs() > FUNDS_MAX || amount.normalize().scale() > MONEY_DP {
            return Err(ApiError::invalid("amount"));
        }
        if owner.wallet(asset) + amount < Decimal::ZERO {
            return Err(ApiError::new(-2018, "Balance is insufficient."));
        }
        let name = owner.wallets.keys().find(|known| known.as_ref() == asset).cloned().unwrap_or_else(|| asset.into());
        owner.credit(&name, amount, now);
        owner.record_income(&"".into(), IncomeType::Transfer, amount, &name, IncomeType::Transfer.to_string(), now, None);
        *self.deposits.entry(name.clone()).or_default() += amount;
        let reason = if amount.is_sign_negative() { UpdateReason::Withdraw } else { UpdateReason::Deposit };
        self.tell_balance(account, &name, amount, reason);
        self.commit();
        Ok(())
    }

    /// Sets the trading status of a symbol, and announces it. Open orders stay.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn set_symbol_status(&mut self, now: Ms, symbol: &str, status: SymbolStatus) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        self.markets[market].spec.status = status;
        self.announce(market, false);
        Ok(())
    }

    /// Replaces the figures of a symbol (filters, brackets) at run time. Open orders stay as they are. The venue promises to announce
    /// changes of status and brackets and nothing of filters, so that a change may come unannounced.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol, `-1130` for figures that do not fit together.
    pub fn update_symbol(&mut self, now: Ms, spec: SymbolSpec, announced: bool) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(&spec.symbol)?;
        spec.validate().map_err(|_| ApiError::invalid("symbol"))?;
        if spec.tick_size != self.markets[market].spec.tick_size {
            // The flow counts in ticks: with another tick its quotes and its price need another count.
            self.restart_flow(market, &spec);
        }
        let before = std::mem::replace(&mut self.markets[market].spec, spec);
        let now = &self.markets[market].spec;
        if announced && *now != before {
            let brackets = now.brackets != before.brackets;
            self.announce(market, brackets);
        }
        self.settle();
        Ok(())
    }

    /// Tells everybody what a symbol has become.
    pub(crate) fn announce(&mut self, market: usize, brackets: bool) {
        let spec = &self.markets[market].spec;
        let row = ContractRow {
            symbol: spec.symbol.clone(),
            status: spec.status,
            onboard_date: spec.onboard_date,
            delivery_date: spec.delivery_date,
            brackets: brackets.then(|| spec.brackets.clone()),
        };
        self.tell_market(MarketEvent::Contract(row));
        self.commit();
    }
}
