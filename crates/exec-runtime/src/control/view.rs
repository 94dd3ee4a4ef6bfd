//! State, gate, balances as JSON for people and scripts. It reads; it changes nothing. Orders and positions: `orders`, `positions`.

use super::positions;
use crate::account_loop::AccountLoop;
use exec_core::{conversation::Phase, engine::Engine};
use serde_json::{Value, json};

pub(super) fn status(this: &AccountLoop) -> Value {
    let report = this.engine.report();
    let (alerts, alerts_total) = this.shared.board.alerts();
    json!({
        "account": this.account,
        "phase": report.phase,
        "gate_open": report.shut.is_empty() && report.phase == Phase::Live,
        "shut": texts(&report.shut),
        "report": report,
        "latches": latches(&this.engine),
        "protection": positions::protection(&this.engine, this.clock.now()),
        "unrecognised": this.calls.unrecognised(),
        "journal": {
            "last": this.engine.books().seq(),
            "durable": this.journal.durable(),
            "dropped": this.journal.dropped(),
            "failure": this.journal.failure(),
            "kept_raw": this.engine.books().raw_kept(),
        },
        "waiting": {
            "requests": this.calls.requests_open(),
            "strategy_events": this.hosted.waiting(),
            "timers": this.timers.len(),
        },
        "counters": this.counters,
        "latencies": this.shared.board.latencies(),
        "alerts": alerts,
        "alerts_total": alerts_total,
        "now": this.clock.now(),
    })
}

/// Each in words.
pub(crate) fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn latches(engine: &Engine) -> Vec<Value> {
    engine.books().latches().iter().map(|(cause, text)| json!({ "cause": cause, "text": text })).collect()
}

pub(super) fn balances(engine: &Engine) -> Value {
    let wallets = engine.books().wallets().iter();
    wallets.map(|(asset, wallet)| json!({ "asset": asset, "wallet": wallet.amount, "at_ms": wallet.at })).collect()
}
