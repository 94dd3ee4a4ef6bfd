//! The background: seeded accounts that quote around a walking price and take from the same book as everybody.
//!
//! One step on a symbol: the fair price (which is the mark price) walks; quotes on the wrong side of it are withdrawn;
//! an order of anybody that is better than fair is taken in part; missing levels are quoted; a taker may come. So a user's
//! order near the touch is filled in parts within seconds, and one far away rests.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::account::{MAKER, TAKER};
use crate::entry::Terms;
use crate::exchange::Exchange;
use crate::made::Made;
use crate::order::Order;
use crate::position::MONEY_DP;
use crate::resting::Ending;
use crate::rng::Rng;
use crate::symbol::SymbolSpec;
use crate::types::{
    AccountId, ExpiryReason, Ms, OrderId, OrderType, PositionSide, PriceMatch, Side, StpMode, SymbolStatus, TimeInForce,
    WorkingType,
};

/// Parts of a tick that the fair price moves in.
const PARTS: i64 = 1_000;

/// The flow's state on one symbol.
#[derive(Debug)]
pub(crate) struct Flow {
    rng: Rng,
    /// Where the fair price is pulled to, in parts of a tick.
    anchor: i64,
    /// Fair price, in parts of a tick.
    fair: i64,
    /// Own quotes by side and price in ticks.
    quotes: BTreeMap<(Side, i64), OrderId>,
}

/// How much of what is better than fair is taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Appetite {
    /// A random part.
    Part,
    /// All of it: the market really moved.
    All,
}

impl Flow {
    /// Starts at the symbol's start price.
    pub(crate) fn new(spec: &SymbolSpec, rng: Rng) -> Self {
        let fair = parts_of(spec, spec.start_price);
        Self { rng, anchor: fair, fair, quotes: BTreeMap::new() }
    }
}

/// Gives a price in parts of a tick.
fn parts_of(spec: &SymbolSpec, price: Decimal) -> i64 {
    (price / spec.tick_size * Decimal::from(PARTS)).round().to_i64().unwrap_or(PARTS)
}

fn ticks_to_price(spec: &SymbolSpec, ticks: i64) -> Decimal {
    Decimal::from(ticks) * spec.tick_size
}

fn ppm(value: i64, millionths: u32) -> i64 {
    value.saturating_mul(i64::from(millionths)) / 1_000_000
}

impl Exchange {
    /// Quotes all books and plans the first steps, spread over one interval.
    pub(crate) fn start_flow(&mut self) {
        if !self.config.flow.enabled {
            return;
        }
        let interval = self.config.flow.interval_ms;
        let count = Ms::try_from(self.markets.len()).unwrap_or(1).max(1);
        for market in 0..self.markets.len() {
            let phase = interval * Ms::try_from(market).unwrap_or(0) / count;
            self.flow_steps.insert((self.now + interval + phase, market));
            self.requote(market, Appetite::All);
        }
    }

    /// Switches the flow on or off; off, its quotes stay where they are.
    pub fn set_flow(&mut self, now: Ms, enabled: bool) {
        self.advance(now);
        if enabled != self.config.flow.enabled {
            self.config.flow.enabled = enabled;
            self.flow_steps.clear();
            self.start_flow();
            self.settle();
        }
    }

    /// Withdraws all quotes of a symbol and begins again from the mark price with other figures.
    pub(crate) fn restart_flow(&mut self, market: usize, spec: &SymbolSpec) {
        let quotes = std::mem::take(&mut self.markets[market].flow.quotes);
        for id in quotes.into_values() {
            self.end_order(market, id, Ending::Canceled);
        }
        let parts = parts_of(spec, self.markets[market].mark);
        let flow = &mut self.markets[market].flow;
        (flow.anchor, flow.fair) = (parts, parts);
    }

    /// Puts the fair price to a price at once; everything in between is taken.
    pub(crate) fn jump(&mut self, market: usize, price: Decimal) {
        let parts = parts_of(&self.markets[market].spec, price);
        let flow = &mut self.markets[market].flow;
        (flow.anchor, flow.fair) = (parts, parts);
        self.markets[market].mark = price.round_dp(MONEY_DP);
        self.note_price(market, WorkingType::MarkPrice, self.markets[market].mark);
        if self.config.flow.enabled {
            self.requote(market, Appetite::All);
        }
    }

    /// Runs one step of the flow on a symbol.
    pub(crate) fn flow_step(&mut self, market: usize) {
        let config = &self.config.flow;
        let (volatility, reversion, chance) = (config.volatility_ppm, config.reversion_permille, config.take_percent);
        let state = &mut self.markets[market];
        let flow = &mut state.flow;
        let stride = ppm(flow.fair, volatility).max(1);
        flow.anchor += flow.rng.spread(stride / 8);
        let pull = (flow.anchor - flow.fair) * i64::from(reversion) / 1_000;
        // Never below a hundred ticks: a price of nothing is not a market.
        flow.fair = (flow.fair + flow.rng.spread(stride) + pull).max(100 * PARTS);
        let fair = Decimal::from(flow.fair) / Decimal::from(PARTS);
        state.mark = (fair * state.spec.tick_size).round_dp(MONEY_DP).clamp(state.spec.min_price, state.spec.max_price);
        self.note_price(market, WorkingType::MarkPrice, self.markets[market].mark);
        self.requote(market, Appetite::Part);
        if self.markets[market].flow.rng.chance(chance) && !self.is_over(market) {
            self.noise(market);
        }
    }

    fn requote(&mut self, market: usize, appetite: Appetite) {
        if self.is_over(market) {
            return;
        }
        let spacing = self.spacing(market);
        let levels = i64::from(self.config.flow.levels);
        let fair = self.markets[market].flow.fair;
        let half = spacing * PARTS / 4;
        let best_bid = (fair - half - 1).div_euclid(spacing * PARTS) * spacing;
        let best_ask = ((fair + half).div_euclid(spacing * PARTS) + 1) * spacing;
        self.withdraw(market, best_bid, best_ask, spacing * levels * 3 / 2);
        self.take_mispriced(market, Side::Sell, appetite);
        self.take_mispriced(market, Side::Buy, appetite);
        for level in 0..levels {
            self.quote(market, Side::Buy, best_bid - level * spacing, level);
            self.quote(market, Side::Sell, best_ask + level * spacing, level);
        }
    }

    /// Tells whether nothing trades on a symbol any more.
    fn is_over(&self, market: usize) -> bool {
        matches!(self.markets[market].spec.status, SymbolStatus::Settling | SymbolStatus::Close)
    }

    fn spacing(&self, market: usize) -> i64 {
        (ppm(self.markets[market].flow.fair, self.config.flow.spacing_ppm) / PARTS).max(1)
    }

    /// Withdraws quotes that are better than the new touch or far behind it.
    fn withdraw(&mut self, market: usize, best_bid: i64, best_ask: i64, reach: i64) {
        let stale: Vec<_> = (self.markets[market].flow.quotes.iter())
            .filter(|((side, ticks), _)| match side {
                Side::Buy => *ticks > best_bid || *ticks < best_bid - reach,
                Side::Sell => *ticks < best_ask || *ticks > best_ask + reach,
            })
            .map(|(key, id)| (*key, *id))
            .collect();
        for (key, id) in stale {
            self.markets[market].flow.quotes.remove(&key);
            self.end_order(market, id, Ending::Canceled);
        }
    }

    /// Takes from orders that are better than fair: by now these are only clients'.
    fn take_mispriced(&mut self, market: usize, side: Side, appetite: Appetite) {
        let state = &mut self.markets[market];
        let fair_ticks = match side {
            Side::Sell => state.flow.fair.div_euclid(PARTS) + 1,
            Side::Buy => (state.flow.fair - 1).div_euclid(PARTS),
        };
        let limit = ticks_to_price(&state.spec, fair_ticks);
        if !state.book.crosses(side, limit) {
            return;
        }
        let total: Decimal = (state.book.levels(side.opposite()))
            .take_while(|(price, _)| crate::book::reaches(side, limit, *price))
            .map(|(_, level)| level.total)
            .sum();
        let quantity = match appetite {
            Appetite::All => total,
            Appetite::Part => total * Decimal::new(30 + i64::try_from(state.flow.rng.below(71)).unwrap_or(0), 2),
        };
        self.house_order(market, TAKER, side, limit, quantity, TimeInForce::Ioc);
    }

    fn quote(&mut self, market: usize, side: Side, ticks: i64, level: i64) {
        let touch = self.config.flow.touch_notional;
        let state = &mut self.markets[market];
        let key = (side, ticks);
        if let Some(id) = state.flow.quotes.get(&key) {
            if state.orders.contains_key(id) {
                return;
            }
            state.flow.quotes.remove(&key);
        }
        let price = ticks_to_price(&state.spec, ticks);
        if price < state.spec.min_price || price > state.spec.max_price || state.book.crosses(side, price) {
            return;
        }
        let wobble = 70 + i64::try_from(state.flow.rng.below(61)).unwrap_or(0);
        let notional = touch * Decimal::new(wobble * (2 + level), 2) / Decimal::TWO;
        let quantity = notional / price;
        if let Some(id) = self.house_order(market, MAKER, side, price, quantity, TimeInForce::Gtc) {
            self.markets[market].flow.quotes.insert(key, id);
        }
    }

    /// A taker of random side and size, from a hundredth of the touch to all of it, and now and then one that sweeps.
    fn noise(&mut self, market: usize) {
        let spacing = self.spacing(market);
        let touch = self.config.flow.touch_notional;
        let state = &mut self.markets[market];
        let rng = &mut state.flow.rng;
        let side = if rng.chance(50) { Side::Buy } else { Side::Sell };
        let halvings = u32::try_from(rng.below(6)).unwrap_or(0);
        let percent = 50 + i64::try_from(rng.below(51)).unwrap_or(0);
        let sweep = if rng.below(12) == 0 { Decimal::from(4) } else { Decimal::ONE };
        let notional = touch * sweep * Decimal::new(percent, 2) / Decimal::from(1_i64 << halvings);
        let reach = match side {
            Side::Buy => state.flow.fair / PARTS + 4 * spacing,
            Side::Sell => state.flow.fair / PARTS - 4 * spacing,
        };
        let limit = ticks_to_price(&state.spec, reach.max(1));
        let quantity = notional / state.mark.max(state.spec.tick_size);
        self.house_order(market, TAKER, side, limit, quantity, TimeInForce::Ioc);
    }

    /// Enters an order of one of the exchange's own accounts; gives its number if it rests.
    fn house_order(
        &mut self,
        market: usize,
        account: AccountId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        tif: TimeInForce,
    ) -> Option<OrderId> {
        let spec = &self.markets[market].spec;
        let steps = (quantity / spec.step_size).floor().max(Decimal::ONE);
        let quantity = (steps * spec.step_size).max(spec.min_qty).min(spec.max_qty);
        let terms = Terms {
            side,
            leg: PositionSide::Both,
            order_type: OrderType::Limit,
            time_in_force: tif,
            quantity,
            price,
            reduce_only: false,
            price_match: PriceMatch::None,
            stp_mode: StpMode::None,
            good_till_date: 0,
            made: Made::Client,
        };
        let id = self.admit_row(market, account, &terms, String::new()).order_id;
        self.take(market, id, price);
        self.markets[market].orders.get(&id).filter(|order| !Order::leaves(order).is_zero())?;
        match tif {
            TimeInForce::Ioc | TimeInForce::Fok => {
                self.end_order(market, id, Ending::Expired(ExpiryReason::IocRemainder));
                None
            }
            TimeInForce::Gtc | TimeInForce::Gtx | TimeInForce::Gtd | TimeInForce::Rpi | TimeInForce::GteGtc => {
                self.rest(market, id);
                Some(id)
            }
        }
    }
}
