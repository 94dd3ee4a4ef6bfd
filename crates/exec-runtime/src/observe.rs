//! What can be seen of an account from outside of its loop: status, alerts, latencies. Reading it disturbs nothing.

use crate::{
    control::ControlHandle,
    latency::{Figures, Histogram},
};
use exec_core::{
    conversation::{Alert, AlertLevel, Phase, PhaseChange},
    ids::AccountId,
    start_report::StartReport,
    time::Timestamp,
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{broadcast, watch};

/// How many changes of phase are kept.
const PHASES_MAX: usize = 64;

/// Where an account's engine stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountStatus {
    /// The phase.
    pub phase: Phase,
    /// What opened the gate, or keeps it shut; absent before the engine has said so.
    pub report: Option<StartReport>,
}

/// An alert and when it was raised.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RaisedAlert {
    /// By the node's clock.
    pub at: Timestamp,
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
}

/// A change of phase or of its reasons, and when it came.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PhaseMoved {
    /// By the node's clock.
    pub at: Timestamp,
    /// The change.
    #[serde(flatten)]
    pub change: PhaseChange,
}

/// Latencies of an account since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Latencies {
    /// From a strategy's or operator's call to the first poll of the venue's transport, journal included; first attempts only.
    pub command_to_wire: Figures,
    /// From the call of the venue to the outcome of a new order.
    pub ack: Figures,
    /// How long a strategy's callback took.
    pub callback: Figures,
}

/// Watches one account of a node. Cheap to clone.
#[derive(Clone)]
pub struct AccountHandle {
    pub(crate) account: AccountId,
    pub(crate) status: watch::Receiver<AccountStatus>,
    pub(crate) board: Arc<Board>,
    pub(crate) control: ControlHandle,
}

impl AccountHandle {
    /// Which account.
    pub const fn account(&self) -> &AccountId {
        &self.account
    }
    /// Where it stands now.
    pub fn status(&self) -> AccountStatus {
        self.status.borrow().clone()
    }
    /// Follows where it stands.
    pub fn watch_status(&self) -> watch::Receiver<AccountStatus> {
        self.status.clone()
    }
    /// Waits until the gate is open, or until the account has come to its end (`false`).
    pub async fn live(&self) -> bool {
        let mut status = self.status.clone();
        let reached = status.wait_for(|s| matches!(s.phase, Phase::Live | Phase::Halted)).await;
        reached.is_ok_and(|s| s.phase == Phase::Live)
    }
    /// The newest changes of phase and of its reasons, oldest first.
    pub fn phases(&self) -> Vec<PhaseMoved> {
        self.board.phases()
    }
    /// The newest alerts, oldest first, and how many there ever were.
    pub fn alerts(&self) -> (Vec<RaisedAlert>, u64) {
        self.board.alerts()
    }
    /// Follows the alerts. A listener that is slow loses the oldest and is told how many.
    pub fn follow_alerts(&self) -> broadcast::Receiver<RaisedAlert> {
        self.board.follow.subscribe()
    }
    /// Latencies since the start.
    pub fn latencies(&self) -> Latencies {
        self.board.latencies()
    }
    /// Speaks to the account's loop as the control socket does.
    pub const fn control(&self) -> &ControlHandle {
        &self.control
    }
}

/// The loop's side of what can be seen.
pub(crate) struct Board {
    pub(crate) command_to_wire: Histogram,
    pub(crate) ack: Histogram,
    pub(crate) callback: Histogram,
    alerts: Mutex<AlertLog>,
    phases: Mutex<VecDeque<PhaseMoved>>,
    follow: broadcast::Sender<RaisedAlert>,
    alerts_max: usize,
}

#[derive(Default)]
struct AlertLog {
    kept: VecDeque<RaisedAlert>,
    total: u64,
}

impl Board {
    pub(crate) fn new(alerts_max: usize) -> Self {
        let alerts_max = alerts_max.max(1);
        Self {
            command_to_wire: Histogram::default(),
            ack: Histogram::default(),
            callback: Histogram::default(),
            alerts: Mutex::default(),
            phases: Mutex::default(),
            follow: broadcast::Sender::new(alerts_max),
            alerts_max,
        }
    }
    /// Logs an alert, keeps it and tells those who listen.
    pub(crate) fn raise(&self, account: &AccountId, at: Timestamp, alert: Alert) {
        let (kind, text) = (alert.kind, alert.text.as_str());
        match alert.level {
            AlertLevel::Info => tracing::info!(%account, kind, "alert: {text}"),
            AlertLevel::Warning => tracing::warn!(%account, kind, "alert: {text}"),
            AlertLevel::Critical => tracing::error!(%account, kind, "alert: {text}"),
        }
        let raised = RaisedAlert { at, alert };
        let mut log = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        if log.kept.len() == self.alerts_max {
            log.kept.pop_front();
        }
        log.kept.push_back(raised.clone());
        log.total += 1;
        drop(log);
        // Nobody has to listen.
        let _ = self.follow.send(raised);
    }
    /// Keeps a change of phase or of its reasons.
    pub(crate) fn moved(&self, at: Timestamp, change: PhaseChange) {
        let mut kept = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == PHASES_MAX {
            kept.pop_front();
        }
        kept.push_back(PhaseMoved { at, change });
    }
    pub(crate) fn phases(&self) -> Vec<PhaseMoved> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
    pub(crate) fn alerts(&self) -> (Vec<RaisedAlert>, u64) {
        let log = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        (log.kept.iter().cloned().collect(), log.total)
    }
    pub(crate) fn latencies(&self) -> Latencies {
        Latencies { command_to_wire: self.command_to_wire.figures(), ack: self.ack.figures(), callback: self.callback.figures() }
    }
}
