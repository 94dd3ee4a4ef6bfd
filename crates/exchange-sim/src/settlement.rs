//! The end of a symbol: orders expire, positions are settled at mark by orders of the exchange, and nothing trades any more.
//!
//! Source: Binance USDⓈ-M "Event: Order Update" (client order ids beginning with `settlement_autoclose-`, expiry reason 7) and
//! the delisting notices of 2026; the exact sequence on the wire is not documented.

use rust_decimal::Decimal;

use crate::account::is_house;
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::made::Made;
use crate::resting::Ending;
use crate::types::{AccountId, ExecType, ExpiryReason, Ms, Side, SymbolStatus};

impl Exchange {
    /// Settles a symbol (`settlement_autoclose-…`): its status becomes SETTLING, every order of clients expires, conditional ones too, and every
    /// position of clients is closed at mark against the insurance fund. Settlements are not listed among forced orders.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn settle_symbol(&mut self, now: Ms, symbol: &str) -> Result<(), ApiError> {
        self.end_symbol(now, symbol, Made::Settlement)
    }

    /// Delivers a symbol: as [`Exchange::settle_symbol`], with orders `delivery_autoclose-…`.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn deliver_symbol(&mut self, now: Ms, symbol: &str) -> Result<(), ApiError> {
        self.end_symbol(now, symbol, Made::Delivery)
    }

    fn end_symbol(&mut self, now: Ms, symbol: &str, made: Made) -> Result<(), ApiError> {
        self.advance(now);
        let market = self.market_index(symbol)?;
        self.markets[market].spec.status = SymbolStatus::Settling;
        self.announce(market, false);
        self.flow_steps.retain(|(_, of)| *of != market);
        let spec = self.markets[market].spec.clone();
        self.restart_flow(market, &spec);
        let price = spec.floor_to_tick(self.markets[market].mark);
        let clients: Vec<AccountId> = self.accounts.keys().copied().filter(|id| !is_house(*id)).collect();
        for account in clients {
            self.cancel_open(account, market, Ending::Expired(ExpiryReason::Delisted));
            self.settle();
            self.expire_algos_of(account, market);
            self.settle_legs(account, market, price, made);
            self.settle();
        }
        Ok(())
    }

    fn settle_legs(&mut self, account: AccountId, market: usize, price: Decimal, made: Made) {
        let Some(state) = self.accounts.get(&account) else { return };
        let legs: Vec<_> = state.mode_legs().iter().map(|leg| (*leg, state.symbols[market].leg(*leg).amount)).collect();
        for (leg, amount) in legs {
            if amount.is_zero() {
                continue;
            }
            let side = if amount.is_sign_negative() { Side::Buy } else { Side::Sell };
            let id = self.admit_made(market, account, &made.terms(side, leg, amount.abs(), price));
            self.take_over(market, id, side, price, amount.abs(), ExecType::Trade);
        }
    }
}
