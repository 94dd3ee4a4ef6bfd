//! `status`: how a node stands. It changes nothing.

use crate::{args::On, desk::at_the_desk, failure::Failure, screen};
use node_config::control::Ask;
use serde_json::Value;

pub(crate) async fn status(args: &On) -> Result<(), Failure> {
    let as_json = args.json;
    at_the_desk(args, async |desk| {
        let status = desk.ask(Ask::Status {}).await?;
        if as_json {
            screen::json(&status)
        } else {
            show_status(&status)
        }
        Ok(())
    })
    .await
}

fn show_status(status: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let report = &status["report"];
    let gate = if status["gate_open"] == true { "open" } else { "shut" };
    screen::say(format!(
        "account {}: {}, gate {gate}, epoch {}, {} open orders, {} in doubt",
        text(&status["account"]),
        text(&status["phase"]),
        report["epoch"],
        report["open_orders"],
        report["in_doubt"]
    ));
    for reason in report["shut"].as_array().into_iter().flatten() {
        screen::say(format!("  shut: {}", words(reason)));
    }
    for line in report["positions"].as_array().into_iter().flatten() {
        let venue = if line["venue"].is_null() { "?".to_owned() } else { text(&line["venue"]) };
        screen::say(format!(
            "  {} {}: ours {}, venue {venue}",
            text(&line["instrument"]),
            text(&line["leg"]),
            text(&line["ours"])
        ));
    }
    show_protection(&status["protection"]);
    for latch in status["latches"].as_array().into_iter().flatten() {
        screen::say(format!("  latched: {}: {}", text(&latch["cause"]), text(&latch["text"])));
    }
    let journal = &status["journal"];
    screen::say(format!("  journal at record {}, durable to {}", journal["last"], journal["durable"]));
    for (name, what) in [("command_to_wire", "call to wire"), ("ack", "wire to answer")] {
        let figures = &status["latencies"][name];
        if figures["count"].as_u64().unwrap_or(0) > 0 {
            let us = |field: &str| figures[field].as_u64().unwrap_or(0) / 1000;
            screen::say(format!(
                "  {what}: median {} µs, p99 {} µs, longest {} µs ({} times)",
                us("p50_ns"),
                us("p99_ns"),
                us("max_ns"),
                figures["count"]
            ));
        }
    }
    let unknown: Vec<&Value> = status["unrecognised"].as_array().into_iter().flatten().collect();
    if !unknown.is_empty() {
        screen::say(format!("  the venue sends {} things that this build does not know; they are kept raw:", unknown.len()));
        for one in unknown {
            screen::say(format!("    {} {}", text(&one["path"]), times(one["count"].as_u64().unwrap_or(0))));
        }
    }
    for alert in status["alerts"].as_array().into_iter().flatten() {
        screen::say(format!("  alert {}: {}", text(&alert["level"]), text(&alert["text"])));
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What is held without a stop. An account that never has stops is told in one line, too: that is what it has.
fn show_protection(protection: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let legs = protection["legs"].as_u64().unwrap_or(0);
    let uncovered: Vec<&Value> = protection["uncovered"].as_array().into_iter().flatten().collect();
    if legs > 0 && uncovered.is_empty() {
        screen::say(format!(
            "  protection: a stop covers all of {}",
            if legs == 1 { "the one leg".to_owned() } else { format!("{legs} legs") }
        ));
    }
    for leg in uncovered {
        let since =
            leg["unprotected_ms"].as_u64().map_or_else(String::new, |ms| format!(", for {} s", screen::seconds(u128::from(ms))));
        screen::say(format!(
            "  protection: no stop covers {} of {} on {} {}{since}",
            text(&leg["uncovered"]),
            text(&leg["held"]),
            text(&leg["instrument"]),
            text(&leg["leg"])
        ));
    }
}

/// A reason's name, `NotReconciled`, as words; what it says besides stays as it is.
pub(crate) fn words(reason: &Value) -> String {
    let spaced = |name: &str| {
        let mut out = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        out
    };
    match reason {
        Value::String(name) => spaced(name),
        Value::Object(fields) => {
            fields.iter().map(|(name, more)| format!("{} {more}", spaced(name))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
