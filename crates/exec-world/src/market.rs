//! The exchange of a world, and the account in it, as the plan wants them. The same for every layer; what only one of them has, it sets itself.

use crate::{plan::Plan, world::BEGINNING_MS};
use exchange_sim::{
    AccountSpec, ExchangeConfig, FenceGuarantees, FlowConfig, IdSpace,
    config::{AlgoConfig, ForcedStyle},
};
use exec_testkit::fixtures::decimal;
use rust_decimal::Decimal;

/// The exchange.
pub(crate) fn exchange(plan: &Plan) -> ExchangeConfig {
    let mut symbols = exchange_sim::symbol::default_symbols();
    symbols.truncate(plan.symbols);
    if plan.protects_much {
        symbols.iter_mut().for_each(|s| s.trigger_protect = Decimal::ZERO);
    }
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(0);
    let styles = [ForcedStyle::Plain, ForcedStyle::Unannounced, ForcedStyle::Legacy];
    let style = usize::try_from(plan.forced_style).unwrap_or(0);
    let algo = AlgoConfig {
        child_delay_ms: ms(plan.algo_pause_ms),
        told_delay_ms: ms(plan.algo_pause_ms),
        finish_delay_ms: ms(plan.algo_pause_ms * 2),
        told_twice: plan.algo_twice,
        varied: true,
        list_lag_ms: ms(plan.algo_lag_ms),
        ..AlgoConfig::default()
    };
    ExchangeConfig {
        seed: plan.seed,
        start_ms: ms(BEGINNING_MS),
        symbols,
        guarantees: FenceGuarantees { engine_margin_ms: 2_000, visibility_ms: 500 },
        query_lag_ms: ms(plan.seed % 4 * 150),
        flow: FlowConfig { interval_ms: 400, levels: 4, touch_notional: decimal("3000"), ..FlowConfig::default() },
        algo,
        forced_style: styles.into_iter().cycle().nth(style).unwrap_or(ForcedStyle::Plain),
        ids: if plan.seed.is_multiple_of(2) { IdSpace::Colliding } else { IdSpace::Spread },
        ..ExchangeConfig::default()
    }
}

/// The account whose node it is.
pub(crate) fn owner(plan: &Plan) -> AccountSpec {
    AccountSpec { wallets: vec![("USDT".to_owned(), decimal("1000000"))], hedge: plan.hedging, leverage: 20 }
}
