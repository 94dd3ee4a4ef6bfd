//! What a config asks of an account's engine, in the engine's own words.

use crate::{
    config::{AccountConfig, Apply, NodeConfig},
    profile::Profile,
    read::TIME_TO_PROTECT_MAX_MS,
};
use exec_core::{
    engine::config::{DeadMan, EngineConfig, Memory, ProtectionPolicy, Sharing, Staleness, StrategyConfig},
    ids::{AccountId, InstrumentId, StrategyId},
    limits::Bounds,
};
use exec_runtime::{AccountSettings, KeyRules, OnDifference};
use std::collections::BTreeSet;

/// Owns, in the engine's eyes, the instruments of an account that no strategy trades: so their prices and positions are
/// followed, and an operator can trade them.
pub(crate) const DESK: &str = "desk";

/// `desk_has_all`: the desk follows every instrument of the account, not only those that no strategy trades.
/// Nothing is counted down for a node of one command, whose end is no sign of anything: what a dead node has begun goes on.
fn dead_man(config: &NodeConfig, id: &AccountId, entry: &AccountConfig, desk_has_all: bool) -> DeadMan {
    if desk_has_all {
        return DeadMan::default();
    }
    let own = config.strategies.iter().filter(|s| s.account == *id && s.outlives_node);
    DeadMan {
        instruments: entry.dead_man.instruments.clone(),
        countdown_ms: entry.dead_man.countdown_ms,
        refresh_ms: entry.dead_man.refresh_ms,
        outlive: own.map(|s| s.id.clone()).collect(),
        operators_outlive: entry.dead_man.outlives_node,
    }
}

pub(crate) fn engine_config(config: &NodeConfig, id: &AccountId, entry: &AccountConfig, desk_has_all: bool) -> EngineConfig {
    let own = config.strategies.iter().filter(|s| s.account == *id);
    let mut strategies: Vec<StrategyConfig> = own
        .map(|s| StrategyConfig {
            id: s.id.clone(),
            instruments: s.instruments.clone(),
            external_order_claims: s.external_order_claims.clone(),
            protection: s.protection,
            time_to_protect_max_ms: s.time_to_protect_max_ms,
        })
        .collect();
    let traded: BTreeSet<&InstrumentId> = strategies.iter().flat_map(|s| &s.instruments).collect();
    let rest: Vec<InstrumentId> = entry.instruments.iter().filter(|i| desk_has_all || !traded.contains(i)).cloned().collect();
    if !rest.is_empty()
        && let Ok(desk) = StrategyId::new(DESK)
    {
        strategies.push(StrategyConfig {
            id: desk,
            instruments: rest,
            external_order_claims: Vec::new(),
            protection: ProtectionPolicy::Exit,
            time_to_protect_max_ms: TIME_TO_PROTECT_MAX_MS,
        });
    }
    EngineConfig {
        account: id.clone(),
        account_number: entry.number,
        tag: config.order_tag,
        mode: entry.oms_type,
        strategies,
        limits: entry.limits,
        order_recv_window_ms: entry.order_recv_window_ms,
        max_retries: entry.max_retries,
        retry_delay_initial_ms: entry.retry_delay_initial_ms,
        retry_delay_max_ms: entry.retry_delay_max_ms,
        retry_age_ms: config.execution.retry_age_ms,
        in_doubt_max: config.execution.in_doubt_max,
        clock_error_max_ms: config.execution.clock_error_max_ms,
        startup_delay_ms: config.execution.startup_delay_ms,
        sweep_interval_ms: config.execution.sweep_interval_ms,
        reconciliation: config.execution.reconciliation,
        sharing: Sharing { instruments: entry.shared_instruments.clone() },
        staleness: Staleness { quote_max_age_ms: config.execution.quote_max_age_ms },
        differences: entry.differences.clone(),
        memory: Memory { ended_orders_ms: config.execution.ended_orders_kept_ms },
        stream: config.execution.stream,
        breakers: config.execution.breakers,
        bounds: Bounds {
            strategies: config.strategies.iter().filter(|s| s.account == *id).map(|s| (s.id.clone(), s.limits)).collect(),
            ..entry.bounds.clone()
        },
        solvency: entry.solvency,
        dead_man: dead_man(config, id, entry, desk_has_all),
    }
}

pub(crate) fn settings(profile: Profile, entry: &AccountConfig) -> AccountSettings {
    AccountSettings {
        apply: match entry.apply {
            Apply::Never => exec_runtime::Apply::Never,
            Apply::WhenFlat => exec_runtime::Apply::WhenFlat,
            Apply::Always => exec_runtime::Apply::Always,
        },
        apply_position_mode: entry.apply_position_mode,
        on_difference: if profile == Profile::Production { OnDifference::Stop } else { OnDifference::Warn },
        leverages: entry.leverages.clone(),
        margin_types: entry.margin_types.clone(),
        multi_assets: entry.multi_assets_margin,
        key: KeyRules { strict: profile == Profile::Production, allow_any_ip: entry.allow_any_ip },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Surroundings;
    use std::path::Path;

    #[test]
    fn what_a_file_says_of_protection_reaches_the_engine() {
        let text = "profile = \"simulated\"\n[accounts.main]\nvenue = \"binance\"\nbase_url_http = \"http://127.0.0.1:9\"\n\
             base_url_ws = \"ws://127.0.0.1:9\"\ninstruments = [\"BTCUSDT-PERP.BINANCE\", \"ETHUSDT-PERP.BINANCE\"]\n\
             [[strategies]]\nid = \"a\"\nkind = \"k\"\ninstruments = [\"BTCUSDT-PERP.BINANCE\"]\n\
             protection = \"rearm\"\ntime_to_protect_max_ms = 700\n";
        struct Keys;
        impl Surroundings for Keys {
            fn variable(&self, name: &str) -> Option<String> {
                Some(format!("of-the-built-in-exchange-{name}"))
            }
            fn secret_file(&self, path: &Path) -> Result<secrecy::SecretString, crate::secret::SecretError> {
                Err(crate::secret::SecretError::Unset(path.display().to_string()))
            }
        }
        let config = NodeConfig::read(text, &Keys).unwrap();
        let (id, entry) = config.accounts.first_key_value().unwrap();
        let engine = engine_config(&config, id, entry, false);
        let said: Vec<_> = engine.strategies.iter().map(|s| (s.id.as_str(), s.protection, s.time_to_protect_max_ms)).collect();
        assert_eq!(said, [("a", ProtectionPolicy::Rearm, 700), (DESK, ProtectionPolicy::Exit, 2_000)]);
    }
}
