//! What the venue restricts: accounts and symbols that may not open positions for a while. It refuses; whether a client may be told by
//! a question stands in each restriction, for the venue has rules that no answer shows.
//!
//! Codes and texts: USDⓈ-M error code page of 2026-05-28; indicators: "Futures Trading Quantitative Rules Indicators".

use std::sync::Arc;

use crate::entry::Aim;
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::types::{AccountId, Ms, Side};

/// One restriction of an account, on one symbol or on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The code that orders are refused with.
    pub code: i32,
    /// When it is lifted by itself.
    pub until: Option<Ms>,
    /// Whether `apiTradingStatus` shows it.
    pub shown: bool,
}

impl Restriction {
    /// The venue's words for the code.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self.code {
            -4087 => "User can only place reduce only order",
            -4088 => "User can not place order currently",
            -4105 => "Symbol is under position risk control, only reduce-only order is allowed.",
            -4106 => "Symbol is under position risk control, buy order can only works with reduce-only.",
            -4107 => "Symbol is under position risk control, sell order can only works with reduce-only.",
            -4189 => "Restricted account permission: can only place reduceOnly order on the symbol.",
            -4192 => "Trade forbidden due to Cooling-off Period.",
            -4400 => "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",
            -4401 => {
                "Futures Trading Risk Control Rules of large position holding violated, only reduceOnly order is allowed, please reduce the position. ."
            }
            _ => "Trading is restricted.",
        }
    }

    const fn refuses(&self, side: Side, aim: Aim) -> bool {
        match (self.code, aim, side) {
            (-4088, _, _) => true,
            (_, Aim::Closes, _) | (-4106, Aim::Opens, Side::Sell) | (-4107, Aim::Opens, Side::Buy) => false,
            (_, Aim::Opens, _) => true,
        }
    }
}

impl Exchange {
    /// Restricts an account on one symbol or on all, or lifts what restricts it there. What rests stays.
    ///
    /// # Errors
    ///
    /// `-1121` for an unknown symbol.
    pub fn restrict(
        &mut self,
        now: Ms,
        account: AccountId,
        symbol: Option<&str>,
        restriction: Option<Restriction>,
    ) -> Result<(), ApiError> {
        self.advance(now);
        let market = symbol.map(|symbol| self.market_index(symbol)).transpose()?;
        match restriction {
            Some(restriction) => self.restrictions.insert((account, market), restriction),
            None => self.restrictions.remove(&(account, market)),
        };
        Ok(())
    }

    /// What restricts an account now, by symbol or as a whole.
    #[must_use]
    pub fn restrictions(&self, account: AccountId) -> Vec<(Option<Arc<str>>, Restriction)> {
        let of = self.restrictions.iter().filter(|((owner, _), r)| *owner == account && self.holds(r));
        of.map(|((_, market), r)| (market.map(|market| self.markets[market].spec.symbol.clone()), *r)).collect()
    }

    /// Which sides of a symbol may only reduce, as the symbol list says it of everybody.
    #[must_use]
    pub fn position_control(&self, symbol: &str) -> &'static str {
        let market = self.by_name.get(symbol).copied();
        let codes = self.restrictions.iter().filter(|((_, of), r)| of.is_some() && *of == market && self.holds(r));
        codes.map(|(_, r)| r.code).fold("NONE", |before, code| match (before, code) {
            (_, -4105) => "BOTH",
            ("NONE", -4106) => "BUY",
            ("NONE", -4107) => "SELL",
            (before, _) => before,
        })
    }

    fn holds(&self, restriction: &Restriction) -> bool {
        restriction.until.is_none_or(|until| self.now < until)
    }

    pub(crate) fn check_restricted(&self, account: AccountId, market: usize, side: Side, aim: Aim) -> Result<(), ApiError> {
        for scope in [None, Some(market)] {
            let found = self.restrictions.get(&(account, scope)).filter(|r| self.holds(r) && r.refuses(side, aim));
            if let Some(restriction) = found {
                return Err(ApiError::new(restriction.code, restriction.text()));
            }
        }
        Ok(())
    }
}
