//! What happens by itself: flow steps, expiries, countdowns, mark prices, funding. The only place that moves venue time.

use rust_decimal::Decimal;

use crate::account::is_house;
use crate::event::MarketEvent;
use crate::exchange::Exchange;
use crate::literal::dec;
use crate::position::MONEY_DP;
use crate::resting::Ending;
use crate::row::{FundingRow, PremiumRow};
use crate::types::{AccountId, AlgoId, ExpiryReason, IncomeType, MarginType, Ms, OrderId, UpdateReason};

const SECOND: Ms = 1_000;
/// Mark prices older than this are not made up for.
const MARK_CATCH_UP_MS: Ms = 10 * SECOND;
const DEFAULT_FUNDING_INTERVAL_MS: Ms = 8 * 3_600_000;

/// Something due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Expiry(usize, OrderId),
    Countdown(AccountId, usize),
    Algo(AlgoId),
    Liquidation(AccountId),
    Funding,
    Flow(usize),
    Mark,
}

impl Exchange {
    /// Runs everything that time owes up to `now`, each thing at its own time.
    ///
    /// After a long gap only the last steps of the flow are made up for (`FlowConfig::catch_up_steps`).
    pub fn advance(&mut self, now: Ms) {
        self.settle();
        self.drop_old_steps(now);
        while let Some((at, due)) = self.next_due()
            && at <= now
        {
            self.now = self.now.max(at);
            self.run_due(at, due);
            self.settle();
        }
        self.now = self.now.max(now);
    }

    /// Gives the time when something next happens by itself; `None` if never.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Ms> {
        self.next_due().map(|(at, _)| at)
    }

    fn next_due(&self) -> Option<(Ms, Due)> {
        let expiry = self.expiries.first().map(|(at, market, id)| (*at, Due::Expiry(*market, *id)));
        let countdown = self.countdowns.first().map(|(at, account, market)| (*at, Due::Countdown(*account, *market)));
        let algo = self.algo.next_alarm().map(|(at, id)| (at, Due::Algo(id)));
        let liquidation = self.liquidations.first_key_value().map(|((at, account), _)| (*at, Due::Liquidation(*account)));
        let funding = (self.next_funding < Ms::MAX).then_some((self.next_funding, Due::Funding));
        let flow = self.flow_steps.first().map(|(at, market)| (*at, Due::Flow(*market)));
        let mark = self.wanted.mark_price.then_some((self.next_mark, Due::Mark));
        [expiry, countdown, algo, liquidation, funding, flow, mark].into_iter().flatten().min()
    }

    fn run_due(&mut self, at: Ms, due: Due) {
        match due {
            Due::Expiry(market, id) => {
                self.expiries.remove(&(at, market, id));
                self.end_order(market, id, Ending::Expired(ExpiryReason::None));
            }
            Due::Countdown(account, market) => {
                self.countdowns.remove(&(at, account, market));
                self.countdown_ends(account, market);
            }
            Due::Algo(id) => self.algo_alarm(id),
            Due::Liquidation(account) => self.liquidation_ends(at, account),
            Due::Funding => self.pay_funding(at),
            Due::Flow(market) => {
                self.flow_steps.remove(&(at, market));
                self.flow_steps.insert((at + self.config.flow.interval_ms, market));
                self.flow_step(market);
                self.commit();
                self.liquidate_all();
            }
            Due::Mark => {
                self.next_mark = at + SECOND;
                for market in 0..self.markets.len() {
                    let row = self.premium_row(market);
                    self.tell_market(MarketEvent::MarkPrice(row));
                }
            }
        }
    }

    fn drop_old_steps(&mut self, now: Ms) {
        let interval = self.config.flow.interval_ms;
        let reach = interval.saturating_mul(Ms::from(self.config.flow.catch_up_steps));
        let oldest = now.saturating_sub(reach);
        while let Some((at, market)) = self.flow_steps.first().copied()
            && at < oldest
        {
            self.flow_steps.remove(&(at, market));
            let skipped = (oldest - at + interval - 1) / interval;
            self.flow_steps.insert((at + skipped * interval, market));
        }
        if !self.wanted.mark_price || now - self.next_mark > MARK_CATCH_UP_MS {
            self.next_mark = self.next_mark.max(now - now.rem_euclid(SECOND));
        }
    }

    fn pay_funding(&mut self, at: Ms) {
        let Some(funding) = self.config.funding else {
            self.next_funding = Ms::MAX;
            return;
        };
        self.next_funding = at + funding.interval_ms;
        for market in 0..self.markets.len() {
            let (mark, symbol) = (self.markets[market].mark, self.markets[market].spec.symbol.clone());
            self.markets[market].fundings.push(FundingRow {
                symbol,
                funding_rate: funding.rate,
                funding_time: at,
                mark_price: mark,
            });
            self.pay_funding_of(market, mark, funding.rate);
            self.commit();
        }
    }

    /// Moves money between longs and shorts; what rounding leaves goes to the fees.
    fn pay_funding_of(&mut self, market: usize, mark: Decimal, rate: Decimal) {
        let (now, asset) = (self.now, self.margin_asset.clone());
        let symbol = self.markets[market].spec.symbol.clone();
        let mut left = Decimal::ZERO;
        let ids: Vec<AccountId> = self.accounts.keys().copied().collect();
        for id in ids {
            let Some(account) = self.accounts.get_mut(&id) else { continue };
            let isolated = account.symbols[market].margin_type == MarginType::Isolated;
            let mut paid = Vec::new();
            for side in account.mode_legs() {
                let leg = account.symbols[market].leg_mut(*side);
                let payment = -(leg.amount * mark * rate).round_dp(MONEY_DP);
                if payment.is_zero() {
                    continue;
                }
                if isolated {
                    leg.isolated_wallet += payment;
                }
                account.credit(&asset, payment, now);
                paid.push((*side, payment));
                if !is_house(id) {
                    let info = IncomeType::FundingFee.to_string();
                    account.record_income(&symbol, IncomeType::FundingFee, payment.normalize(), &asset, info, now, None);
                }
            }
            for (side, payment) in paid {
                left -= payment;
                self.tell_balance(id, &asset, payment, UpdateReason::FundingFee);
                self.tell_funding_symbol(id, &symbol);
                if isolated {
                    self.tell_leg(id, market, side, UpdateReason::FundingFee);
                }
            }
        }
        *self.fees.entry(asset).or_default() += left;
    }

    /// Builds mark price and funding of a market.
    pub(crate) fn premium_row(&self, market: usize) -> PremiumRow {
        let state = &self.markets[market];
        let interval = self.config.funding.map_or(DEFAULT_FUNDING_INTERVAL_MS, |funding| funding.interval_ms);
        PremiumRow {
            symbol: state.spec.symbol.clone(),
            mark_price: state.mark,
            index_price: state.mark,
            estimated_settle_price: state.mark,
            last_funding_rate: self.config.funding.map_or(Decimal::ZERO, |funding| funding.rate),
            interest_rate: dec!(0.0001),
            next_funding_time: self.now - self.now.rem_euclid(interval) + interval,
            time: self.now,
        }
    }
}
