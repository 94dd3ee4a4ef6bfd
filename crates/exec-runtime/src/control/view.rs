//! State, gate, balances as JSON for people and scripts. It reads; it changes nothing. Orders and positions: `orders`, `positions`.

use super::positions;
use super::row::owner_word;
use crate::account_loop::AccountLoop;
use exec_core::{
    conversation::{InDoubt, Phase},
    engine::Engine,
    kill::{KillLevel, KillScope},
    order::doubt::DoubtOf,
    start_report::{EndsBy, Shut, StartReport},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn status(this: &AccountLoop) -> Value {
    let report = this.engine.report();
    let (alerts, alerts_total) = this.shared.board.alerts();
    json!({
        "account": this.account,
        "phase": report.phase,
        "gate_open": report.shut.is_empty() && report.phase == Phase::Live,
        "shut": texts(&report.shut),
        "reasons": reasons(&report.shut),
        "needs_a_person": report.shut.iter().any(|why| why.ends_by() == EndsBy::Person),
        "instruments": instruments(&report),
        "doubts": doubts(&this.engine),
        "phases": this.shared.board.phases(),
        "report": report,
        "latches": latches(&this.engine),
        "day_result": this.engine.day_result().map(|result| result.normalize().to_string()),
        "margin_ratio": this.engine.margin_ratio().map(|ratio| ratio.normalize().to_string()),
        "kills": kills(&this.engine),
        "protection": positions::protection(&this.engine, this.clock.now()),
        "unrecognised": this.calls.unrecognised(),
        "venue_limits": this.calls.limits_used(),
        "journal": {
            "last": this.engine.books().seq(),
            "durable": this.journal.durable(),
            "dropped": this.journal.dropped(),
            "failure": this.journal.failure(),
            "copy": this.journal.copy(),
            "kept_raw": this.engine.books().raw_kept(),
            "events": this.journal.events(),
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

/// Why no new risk is taken: name, words, how it ends, and what to do.
pub(super) fn reasons(shut: &[Shut]) -> Value {
    let one =
        |why: &Shut| json!({ "kind": why.kind(), "text": why.to_string(), "ends_by": why.ends_by(), "advice": why.advice() });
    shut.iter().map(one).collect()
}

/// Instruments that take no new risk while the account would, and why.
fn instruments(report: &StartReport) -> Value {
    let of = |state: &exec_core::start_report::InstrumentState| {
        let one = |why: &exec_core::start_report::InstrumentShut| json!({ "kind": why.kind(), "text": why.to_string(), "ends_by": why.ends_by() });
        json!({ "instrument": state.instrument, "reasons": state.shut.iter().map(one).collect::<Vec<_>>() })
    };
    report.instruments.iter().map(of).collect()
}

/// Everything of which nobody knows what became of it.
fn doubts(engine: &Engine) -> Value {
    engine.doubts().iter().map(|one| doubt(engine, one)).collect()
}

/// One doubt, with what it is about and how far it is.
pub(super) fn doubt(engine: &Engine, doubt: &InDoubt) -> Value {
    let order = engine.books().order(doubt.intent);
    let (what, cl_ord_id) = match doubt.of {
        DoubtOf::Attempt(id) => ("order", Some(id)),
        DoubtOf::Change(_) => ("change", None),
    };
    // An attempt's since is a moment of the journal; of a change only the run knows that it lasts.
    let since = cl_ord_id.map(|_| doubt.since);
    json!({
        "intent": doubt.intent.to_string(),
        "instrument": doubt.instrument,
        "what": what,
        "cl_ord_id": cl_ord_id,
        "side": order.map(|o| o.intent().terms.side),
        "qty": order.and_then(|o| o.qty()),
        "type": order.map(|o| o.intent().terms.kind.name()),
        "owner": order.map(|o| owner_word(&o.intent().owner)),
        "since": since,
        "fence_at_ms": doubt.fence_at,
        // Until an absence counts; below zero it does already, and the answers are awaited.
        "fence_in_ms": doubt.fence_at.map(|at| at.0.saturating_sub(engine.venue_time().0)),
    })
}

/// Each in words.
pub(crate) fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// What the kill switch says.
pub(super) fn kills(engine: &Engine) -> Vec<Value> {
    let one = |(level, scope, text): (KillLevel, &KillScope, &str)| {
        let entries = engine.books().open_orders().filter(|o| o.intent().terms.can_add_risk() && scope.covers_order(o)).count();
        let legs: BTreeSet<_> = engine
            .books()
            .shares()
            .filter(|((owner, instrument, _), qty)| !qty.is_zero() && scope.covers(owner, instrument))
            .map(|((_, instrument, leg), _)| (instrument, *leg))
            .collect();
        // Legs by our books; a flattening ends by what the venue says.
        json!({ "level": level, "scope": scope, "text": text, "entries_open": entries, "legs_open": legs.len() })
    };
    engine.kills().map(one).collect()
}

fn latches(engine: &Engine) -> Vec<Value> {
    engine.books().latches().iter().map(|(cause, text)| json!({ "cause": cause, "text": text })).collect()
}

/// Legs that books and venue see differently, with all that is known of each.
pub(super) fn differences(engine: &Engine) -> Value {
    let all = engine.explanations().into_iter().map(|explanation| {
        let mut value = json!(explanation);
        if let Value::Object(row) = &mut value {
            row.insert(String::from("text"), Value::String(explanation.to_string()));
        }
        value
    });
    let compared = engine.phase() != Phase::Replaying && !engine.report().shut.contains(&Shut::NotReconciled);
    json!({ "compared": compared, "comparing": engine.is_comparing(), "differences": all.collect::<Vec<_>>() })
}

pub(super) fn balances(engine: &Engine) -> Value {
    let wallets = engine.books().wallets().iter();
    wallets.map(|(asset, wallet)| json!({ "asset": asset, "wallet": wallet.amount, "at_ms": wallet.at })).collect()
}
