//! The dead-man's switch of an account, as a config file says it, and how often the request budget lets it be refreshed.

use crate::{
    read::instruments,
    section::{Found, Section},
};
use exec_core::ids::InstrumentId;

/// One refresh of one instrument (Binance, USDⓈ-M, Auto-Cancel All Open Orders, 2026-11-22).
const WEIGHT: u64 = 10;
/// What an address may use in a minute (USDⓈ-M, exchangeInfo, 2026-11-22), and how much of it, in percent, signs of life may take.
const WEIGHT_A_MINUTE: u64 = 2_400;
const SHARE_PERCENT: u64 = 15;
const COUNTDOWN_MS: u64 = 120_000;
const REFRESH_MS: u64 = 30_000;
/// So many refreshes may be lost before the venue takes a node for dead.
const REFRESHES: u64 = 4;

/// What the venue does when the node is dead. Off without instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadManConfig {
    /// Instruments whose ordinary orders the venue then takes off the book, whoever placed them.
    pub instruments: Vec<InstrumentId>,
    /// How long the venue waits for a sign of life.
    pub countdown_ms: u64,
    /// How often one is given.
    pub refresh_ms: u64,
    /// Whether opening orders of operators may wait for a trigger there: they survive the node.
    pub outlives_node: bool,
}

impl Default for DeadManConfig {
    fn default() -> Self {
        Self { instruments: Vec::new(), countdown_ms: COUNTDOWN_MS, refresh_ms: REFRESH_MS, outlives_node: false }
    }
}

impl DeadManConfig {
    /// What the signs of life of this account take in a minute.
    pub fn weight_a_minute(&self) -> u64 {
        (self.instruments.len() as u64 * WEIGHT * 60_000).div_ceil(self.refresh_ms.max(1))
    }
}

/// Reads the section, and where its instruments stand.
pub(crate) fn read(s: &mut Section<'_>) -> (DeadManConfig, Vec<Found<InstrumentId>>) {
    let usual = DeadManConfig::default();
    let mut s = s.section("dead_mans_switch");
    let covered = instruments(&mut s, "instruments");
    let countdown_ms = s.seconds("countdown_secs", 86_400).unwrap_or(usual.countdown_ms);
    let refresh_ms = s.seconds("refresh_secs", 3_600).unwrap_or(usual.refresh_ms);
    let outlives_node = s.flag("outlives_node", usual.outlives_node);
    if refresh_ms < 1_000 {
        s.wrong("refresh_secs", "is less than a second", "write 30.0, a quarter of countdown_secs");
    } else if countdown_ms < refresh_ms.saturating_mul(2) {
        let what = "is less than two refreshes: one that is lost would take every order of the instruments off the book";
        s.wrong("countdown_secs", what, "write four times refresh_secs");
    }
    s.finish();
    (
        DeadManConfig { instruments: covered.iter().map(|i| i.value.clone()).collect(), countdown_ms, refresh_ms, outlives_node },
        covered,
    )
}

/// Slows the refreshes of all accounts of a file down to their share of the request budget, which they use together, and lets the
/// venue wait longer.
pub(crate) fn fit<'a>(all: impl Iterator<Item = &'a mut DeadManConfig>) {
    let all: Vec<&mut DeadManConfig> = all.filter(|one| !one.instruments.is_empty()).collect();
    let covered: u64 = all.iter().map(|one| one.instruments.len() as u64).sum();
    let least_ms = (covered * WEIGHT * 60_000).div_ceil(WEIGHT_A_MINUTE * SHARE_PERCENT / 100);
    for one in all {
        if one.refresh_ms < least_ms {
            one.refresh_ms = least_ms;
            one.countdown_ms = one.countdown_ms.max(least_ms * REFRESHES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(count: usize) -> DeadManConfig {
        let id = |n: usize| InstrumentId::new(&format!("S{n:04}USDT-PERP.BINANCE")).unwrap();
        DeadManConfig { instruments: (0..count).map(id).collect(), ..DeadManConfig::default() }
    }

    #[test]
    fn signs_of_life_take_at_most_fifteen_percent_of_the_weight() {
        for (counts, refresh_ms, countdown_ms) in [
            (vec![1], 30_000, 120_000),
            (vec![18], 30_000, 120_000),
            (vec![36], 60_000, 240_000),
            (vec![30, 30], 100_000, 400_000),
        ] {
            let mut all: Vec<DeadManConfig> = counts.iter().map(|count| covering(*count)).collect();
            fit(all.iter_mut());
            let weight: u64 = all.iter().map(DeadManConfig::weight_a_minute).sum();
            assert!(weight <= 360, "{counts:?}: {weight}");
            for one in &all {
                assert_eq!((one.refresh_ms, one.countdown_ms), (refresh_ms, countdown_ms), "{counts:?}");
            }
        }
    }
}
