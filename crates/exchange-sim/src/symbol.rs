//! What a symbol is: grid, filters, brackets, and the default set. Immutable data; the state of trading is elsewhere.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::config::ConfigError;
use crate::literal::dec;
use crate::types::{Ms, SymbolStatus};

/// One perpetual contract as exchangeInfo describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolSpec {
    /// Symbol, raw Unicode.
    pub symbol: Arc<str>,
    /// Base asset.
    pub base_asset: Arc<str>,
    /// Quote asset, which is also the margin asset.
    pub quote_asset: Arc<str>,
    /// Status.
    pub status: SymbolStatus,
    /// Decimals a price may have; not the tick.
    pub price_precision: u32,
    /// Decimals a quantity may have; not the step.
    pub quantity_precision: u32,
    /// PRICE_FILTER minPrice.
    pub min_price: Decimal,
    /// PRICE_FILTER maxPrice.
    pub max_price: Decimal,
    /// PRICE_FILTER tickSize.
    pub tick_size: Decimal,
    /// LOT_SIZE minQty.
    pub min_qty: Decimal,
    /// LOT_SIZE maxQty.
    pub max_qty: Decimal,
    /// LOT_SIZE stepSize.
    pub step_size: Decimal,
    /// MARKET_LOT_SIZE minQty.
    pub market_min_qty: Decimal,
    /// MARKET_LOT_SIZE maxQty.
    pub market_max_qty: Decimal,
    /// MARKET_LOT_SIZE stepSize.
    pub market_step_size: Decimal,
    /// MAX_NUM_ORDERS limit.
    pub max_num_orders: usize,
    /// MIN_NOTIONAL notional.
    pub min_notional: Decimal,
    /// PERCENT_PRICE multiplierUp, for buys.
    pub multiplier_up: Decimal,
    /// PERCENT_PRICE multiplierDown, for sells.
    pub multiplier_down: Decimal,
    /// triggerProtect.
    pub trigger_protect: Decimal,
    /// marketTakeBound: how far from mark a MARKET order may reach.
    pub market_take_bound: Decimal,
    /// liquidationFee.
    pub liquidation_fee: Decimal,
    /// Price at the beginning.
    pub start_price: Decimal,
    /// Time of listing.
    pub onboard_date: Ms,
    /// Leverage brackets, by rising notional.
    pub brackets: Vec<Bracket>,
    /// Time of delivery or delisting; [`NO_DELIVERY`] where there is none.
    pub delivery_date: Ms,
}

/// What stands for the delivery of a symbol that is never delivered.
pub const NO_DELIVERY: Ms = 4_133_404_800_000;

/// One leverage bracket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// Number, from 1.
    pub bracket: u32,
    /// Largest leverage inside.
    pub initial_leverage: u32,
    /// Upper bound of the notional, inclusive.
    pub notional_cap: Decimal,
    /// Lower bound of the notional, exclusive.
    pub notional_floor: Decimal,
    /// Maintenance margin rate.
    pub maint_margin_ratio: Decimal,
    /// Amount subtracted so that the maintenance margin is continuous.
    pub cum: Decimal,
}

impl SymbolSpec {
    /// Builds a symbol from its grid, with the filters usual on the venue.
    #[must_use]
    pub fn new(base: &str, price_precision: u32, tick_size: Decimal, quantity_precision: u32, start_price: Decimal) -> Self {
        let step = Decimal::new(1, quantity_precision);
        let notional_unit = (dec!(100000000) / start_price).trunc().max(Decimal::ONE);
        Self {
            symbol: format!("{base}USDT").into(),
            base_asset: base.into(),
            quote_asset: "USDT".into(),
            status: SymbolStatus::Trading,
            price_precision,
            quantity_precision,
            min_price: tick_size,
            max_price: (start_price * dec!(100)).trunc().max(Decimal::ONE),
            tick_size,
            min_qty: step,
            max_qty: notional_unit,
            step_size: step,
            market_min_qty: step,
            market_max_qty: (notional_unit / dec!(10)).trunc().max(Decimal::ONE),
            market_step_size: step,
            max_num_orders: 200,
            min_notional: dec!(5),
            multiplier_up: dec!(1.05),
            multiplier_down: dec!(0.95),
            trigger_protect: dec!(0.05),
            market_take_bound: dec!(0.30),
            liquidation_fee: dec!(0.0125),
            start_price,
            onboard_date: 1_569_398_400_000,
            brackets: brackets(&[
                (75, dec!(100000), dec!(0.0065)),
                (50, dec!(500000), dec!(0.01)),
                (25, dec!(2000000), dec!(0.02)),
                (10, dec!(10000000), dec!(0.05)),
                (5, dec!(20000000), dec!(0.1)),
                (2, dec!(50000000), dec!(0.125)),
                (1, dec!(100000000), dec!(0.25)),
            ]),
            delivery_date: NO_DELIVERY,
        }
    }

    /// Tells whether all figures fit together.
    ///
    /// # Errors
    ///
    /// Names the first rule that is broken; the caller corrects the configuration.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |reason| Err(ConfigError::Symbol { symbol: self.symbol.to_string(), reason });
        let positive = [self.tick_size, self.step_size, self.market_step_size, self.min_price, self.min_qty, self.start_price];
        if positive.iter().any(|value| *value <= Decimal::ZERO) {
            return fail("tick, step, minimum and start price must be positive");
        }
        if self.price_precision + self.quantity_precision > 8 {
            return fail("price and quantity precision together may not exceed 8 digits");
        }
        if self.tick_size.normalize().scale() > self.price_precision {
            return fail("tick size is finer than the price precision");
        }
        if self.step_size.normalize().scale() > self.quantity_precision {
            return fail("step size is finer than the quantity precision");
        }
        if self.min_price > self.max_price || self.min_qty > self.max_qty || self.market_min_qty > self.market_max_qty {
            return fail("a minimum is above its maximum");
        }
        if self.start_price < self.min_price || self.start_price > self.max_price {
            return fail("start price is outside the price filter");
        }
        if self.brackets.is_empty() {
            return fail("there are no leverage brackets");
        }
        Ok(())
    }

    /// Gives the bracket of a notional; the last one for anything above all caps.
    #[must_use]
    pub fn bracket_of(&self, notional: Decimal) -> Option<&Bracket> {
        self.brackets.iter().find(|bracket| notional <= bracket.notional_cap).or_else(|| self.brackets.last())
    }

    /// Gives the maintenance margin of a position notional: `notional * rate - cum`.
    #[must_use]
    pub fn maint_margin(&self, notional: Decimal) -> Decimal {
        self.bracket_of(notional)
            .map_or(Decimal::ZERO, |bracket| (notional * bracket.maint_margin_ratio - bracket.cum).max(Decimal::ZERO))
    }

    /// Gives the largest position notional that a leverage allows; 0 if no bracket allows it.
    #[must_use]
    pub fn max_notional(&self, leverage: u32) -> Decimal {
        self.brackets
            .iter()
            .filter(|bracket| bracket.initial_leverage >= leverage)
            .map(|bracket| bracket.notional_cap)
            .max()
            .unwrap_or(Decimal::ZERO)
    }

    /// Gives the largest leverage of any bracket.
    #[must_use]
    pub fn max_leverage(&self) -> u32 {
        self.brackets.iter().map(|bracket| bracket.initial_leverage).max().unwrap_or(1)
    }

    /// Gives the largest multiple of the tick that is not above `price`.
    #[must_use]
    pub fn floor_to_tick(&self, price: Decimal) -> Decimal {
        (price / self.tick_size).floor() * self.tick_size
    }
}

/// Builds brackets from (largest leverage, notional cap, maintenance rate), with `cum` by the venue's formula.
fn brackets(rows: &[(u32, Decimal, Decimal)]) -> Vec<Bracket> {
    let mut floor = Decimal::ZERO;
    let mut cum = Decimal::ZERO;
    let mut last_rate = None;
    let mut built = Vec::with_capacity(rows.len());
    for (number, (leverage, cap, rate)) in (1..).zip(rows) {
        if let Some(last) = last_rate {
            cum += floor * (*rate - last);
        }
        built.push(Bracket {
            bracket: number,
            initial_leverage: *leverage,
            notional_cap: *cap,
            notional_floor: floor,
            maint_margin_ratio: *rate,
            cum: cum.normalize(),
        });
        floor = *cap;
        last_rate = Some(*rate);
    }
    built
}

/// Builds the four default symbols: BTCUSDT, ETHUSDT, SOLUSDT and 币安人生USDT.
#[must_use]
pub fn default_symbols() -> Vec<SymbolSpec> {
    let deep = brackets(&[
        (125, dec!(300000), dec!(0.004)),
        (100, dec!(800000), dec!(0.005)),
        (75, dec!(3000000), dec!(0.0065)),
        (50, dec!(12000000), dec!(0.01)),
        (25, dec!(70000000), dec!(0.02)),
        (20, dec!(100000000), dec!(0.025)),
        (10, dec!(230000000), dec!(0.05)),
        (5, dec!(480000000), dec!(0.1)),
        (2, dec!(1200000000), dec!(0.25)),
        (1, dec!(1800000000), dec!(0.5)),
    ]);
    let mut btc = SymbolSpec::new("BTC", 2, dec!(0.10), 3, dec!(60000.0));
    btc.min_notional = dec!(50);
    btc.brackets.clone_from(&deep);
    let mut eth = SymbolSpec::new("ETH", 2, dec!(0.01), 3, dec!(2500.00));
    eth.min_notional = dec!(20);
    eth.brackets = deep;
    let sol = SymbolSpec::new("SOL", 4, dec!(0.0100), 2, dec!(150.00));
    let unicode = SymbolSpec::new("币安人生", 5, dec!(0.00010), 0, dec!(0.2500));
    vec![btc, eth, sol, unicode]
}

/// Builds `count` symbols: the default ones first, then `S0005USDT` and so on with varied grids, for load.
#[must_use]
pub fn generated_symbols(count: usize) -> Vec<SymbolSpec> {
    let mut symbols = default_symbols();
    symbols.truncate(count);
    for number in symbols.len()..count {
        let base = format!("S{:04}", number + 1);
        symbols.push(match number % 3 {
            0 => SymbolSpec::new(&base, 4, dec!(0.0010), 1, dec!(12.000)),
            1 => SymbolSpec::new(&base, 2, dec!(0.01), 3, dec!(431.00)),
            _ => SymbolSpec::new(&base, 5, dec!(0.00010), 0, dec!(0.8000)),
        });
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_margin_is_continuous_over_brackets() {
        for spec in default_symbols() {
            for pair in spec.brackets.windows(2) {
                let cap = pair[0].notional_cap;
                let below = cap * pair[0].maint_margin_ratio - pair[0].cum;
                let above = cap * pair[1].maint_margin_ratio - pair[1].cum;
                assert_eq!(below, above, "{} at {cap}", spec.symbol);
            }
        }
    }

    #[test]
    fn generated_symbols_are_valid_and_distinct() {
        let symbols = generated_symbols(50);
        let names: std::collections::BTreeSet<_> = symbols.iter().map(|spec| spec.symbol.clone()).collect();
        assert_eq!(names.len(), 50);
        for spec in &symbols {
            spec.validate().unwrap();
        }
    }

    #[test]
    fn leverage_bounds_the_notional() {
        let spec = &default_symbols()[0];
        assert_eq!(spec.max_notional(125), dec!(300000));
        assert_eq!(spec.max_notional(20), dec!(100000000));
        assert_eq!(spec.max_notional(126), Decimal::ZERO);
    }
}
