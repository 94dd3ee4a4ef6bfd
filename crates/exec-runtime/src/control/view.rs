//! Books and engine as JSON for people and scripts. It reads; it changes nothing.

use crate::account_loop::AccountLoop;
use exec_core::{
    conversation::Phase,
    engine::Engine,
    ids::IntentId,
    order::{
        Order,
        intent::{Owner, Provenance},
    },
};
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

pub(super) fn orders(engine: &Engine, all: bool) -> Value {
    let books = engine.books();
    if all { books.orders().map(order).collect() } else { books.open_orders().map(order).collect() }
}

pub(super) fn one_order(engine: &Engine, intent: IntentId) -> Value {
    engine.books().order(intent).map_or(Value::Null, order)
}

fn order(order: &Order) -> Value {
    let intent = order.intent();
    let terms = &intent.terms;
    let text = |value: Option<String>| value.map_or(Value::Null, Value::String);
    let attempts: Vec<Value> = order
        .attempts()
        .iter()
        .map(|(id, attempt)| {
            json!({
                "cl_ord_id": id,
                "order_id": attempt.order_id(),
                "algo_id": attempt.algo_id(),
                "in_doubt_since": attempt.in_doubt(),
                "rejection": attempt.rejection(),
                "not_sent": attempt.not_sent(),
            })
        })
        .collect();
    json!({
        "intent": intent.id.to_string(),
        "owner": owner(&intent.owner),
        "provenance": match intent.provenance {
            Provenance::Ours => "ours",
            Provenance::Recovered => "recovered",
            Provenance::Foreign => "foreign",
            Provenance::Exchange(_) => "exchange",
        },
        "instrument": terms.instrument,
        "side": terms.side,
        "leg": terms.leg,
        "intention": terms.intention,
        "type": terms.kind.name(),
        "tif": terms.kind.time_in_force(),
        "trigger": terms.kind.trigger_price(),
        "status": order.status(),
        "qty": text(order.qty().map(|q| q.to_string())),
        "price": text(order.price().map(|p| p.to_string())),
        "cum_qty": order.cum_qty(),
        "leaves_qty": order.leaves_qty(),
        "avg_px": text(order.avg_px().map(|p| p.to_string())),
        "unattributed_qty": order.unattributed_qty(),
        "in_doubt": order.is_in_doubt(),
        "cancel_wished": order.cancel_wished(),
        "denial": text(order.denial().map(|d| d.to_string())),
        "asked": intent.asked,
        "attempts": attempts,
    })
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Strategy(id) => format!("strategy {id}"),
        Owner::Operator(who) => format!("operator {who}"),
        Owner::External => String::from("external"),
    }
}

pub(super) fn positions(engine: &Engine) -> Value {
    let books = engine.books();
    let legs = books.positions().map(|(instrument, leg, position)| {
        let shares: Vec<Value> = books
            .shares()
            .filter(|((_, i, l), qty)| i == instrument && *l == leg && !qty.is_zero())
            .map(|((who, ..), qty)| json!({ "owner": owner(who), "qty": qty }))
            .collect();
        json!({
            "instrument": instrument,
            "leg": leg,
            "qty": position.qty(),
            "entry_px": position.entry_px().map(|p| p.normalize().to_string()),
            "realized": position.realized(),
            "fees": position.fees(),
            "quote": engine.quote(instrument),
            "shares": shares,
        })
    });
    legs.collect()
}

pub(super) fn balances(engine: &Engine) -> Value {
    let wallets = engine.books().wallets().iter();
    wallets.map(|(asset, wallet)| json!({ "asset": asset, "wallet": wallet.amount, "at_ms": wallet.at })).collect()
}
