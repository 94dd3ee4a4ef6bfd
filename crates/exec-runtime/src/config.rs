//! The shell's patience: deadlines, intervals and what a clean end does. What the engine decides by stands in `EngineConfig`.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the shell waits for things, and what it does at the end. Every field has a default that suits a venue across
/// the Internet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuntimeConfig {
    /// A request without an answer for so long has an unknown outcome. Longer than the adapter's own deadline.
    pub command_deadline: Duration,
    /// A question without an answer for so long was not answered.
    pub query_deadline: Duration,
    /// How long the opening of a stream may take.
    pub open_deadline: Duration,
    /// A session that lived so long resets the back-off.
    pub healthy_after: Duration,
    /// The same for a private stream that the other side ended: each such end costs one connection and one comparison, and what
    /// shuts the gate meanwhile should last no longer than it must. One that was not believed is judged by `healthy_after`.
    pub steady_after: Duration,
    /// How often the venue's clock is measured.
    pub clock_interval: Duration,
    /// How often the venue's instruments are read again, besides whenever the venue announces a change; zero never.
    pub instruments_interval: Duration,
    /// How often the settings of the traded instruments are read again, besides whenever the venue reports a change; zero never.
    pub settings_interval: Duration,
    /// How often it is read again what the key may do.
    pub key_audit_interval: Duration,
    /// Whether what is shown of orders and positions carries a position id: `<instrument>-LONG`, `-SHORT` or `-BOTH`.
    pub position_ids: bool,
    /// How long a clean end waits for open requests and doubts.
    pub drain_deadline: Duration,
    /// How long a clean end waits for the journal.
    pub flush_deadline: Duration,
    /// What a clean end does with the orders of this node.
    pub on_exit: OnExit,
    /// Spreads the delays before reconnects; absent, it comes from the wall clock.
    pub jitter_seed: Option<u64>,
    /// How many alerts are kept for whoever looks late.
    pub alerts_max: usize,
    /// After so many records the journal is given the books as a snapshot; zero never, and not at a clean end either.
    pub snapshot_every: u64,
    /// Whether alerts are journalled, too, so that programs outside are told of them from the journal.
    pub journal_alerts: bool,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            command_deadline: Duration::from_secs(15),
            query_deadline: Duration::from_secs(60),
            open_deadline: Duration::from_secs(15),
            healthy_after: Duration::from_secs(60),
            steady_after: Duration::from_secs(10),
            clock_interval: Duration::from_secs(60),
            instruments_interval: Duration::from_secs(300),
            settings_interval: Duration::from_secs(3_600),
            key_audit_interval: Duration::from_secs(3_600),
            position_ids: true,
            drain_deadline: Duration::from_secs(10),
            flush_deadline: Duration::from_secs(5),
            on_exit: OnExit::Leave,
            jitter_seed: None,
            alerts_max: 256,
            snapshot_every: 100_000,
            journal_alerts: false,
        }
    }
}

/// What a clean end does with the open orders of this node. Orders that others placed stay in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExit {
    /// They stay.
    #[default]
    Leave,
    /// Those that can add risk are cancelled; exits and stops stay.
    CancelEntries,
    /// All of them are cancelled, stops too.
    CancelAll,
}
