//! Somebody at the kill switch: which level, and for whom. What it stops is the engine's.

use crate::rng::Rng;
use exec_core::{
    engine::config::EngineConfig,
    kill::{KillLevel, KillScope},
};

/// A level and a scope, whatever stands.
pub(crate) fn throw(rng: &mut Rng, config: &EngineConfig) -> (KillLevel, KillScope) {
    let level = rng.pick(&[KillLevel::Reduce, KillLevel::Halt, KillLevel::Flatten, KillLevel::Flatten]).copied();
    let instrument = rng.pick(&config.instruments()).cloned().map(KillScope::Instrument);
    let strategy = rng.pick(&config.strategies).map(|s| KillScope::Strategy(s.id.clone()));
    let scope = match rng.below(4) {
        0 => instrument,
        1 => strategy,
        _ => None,
    };
    (level.unwrap_or(KillLevel::Flatten), scope.unwrap_or(KillScope::Account))
}
