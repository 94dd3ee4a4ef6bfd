//! `status`: how a node stands; it changes nothing. `latch` and `release`: whether it takes new risk at all.

use crate::{
    args::{On, Status},
    desk::{ask_running, at_the_desk_of, at_the_running_desk},
    failure::Failure,
    logging, screen, select,
};
use node_config::control::Ask;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How often a node that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn status(args: &Status) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(&args.on)?;
    let Some(secs) = args.wait else {
        return at_the_desk_of(&selected, async |desk| tell(&desk.ask(Ask::Status {}).await?, args.on.json)).await;
    };
    // A node that is waited for is not replaced by one of this process, which would take its journal's lock.
    let until = Instant::now() + Duration::from_secs(secs);
    let mut answered = None;
    loop {
        match ask_running(&selected, Ask::Status {}).await {
            Ok(Some(status)) => answered = Some(status),
            // Not there yet, or just about to end.
            Ok(None) | Err(Failure::NoAnswer(_)) => (),
            Err(error) => return Err(error),
        }
        let enough = answered.as_ref().is_some_and(|s| s["gate_open"] == true || s["needs_a_person"] == true);
        if enough || Instant::now() >= until {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    match answered {
        Some(status) => tell(&status, args.on.json),
        None => Err(Failure::NoAnswer(format!("no node of this config has answered within {secs} s"))),
    }
}

/// Refuses new risk from here on, or takes it again.
pub(crate) async fn latch(on: &On, ask: Ask) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(on)?;
    at_the_running_desk(&selected, "the latch", async |desk| {
        let gate = desk.ask(ask).await?;
        if on.json {
            screen::json(&gate);
        } else {
            screen::say(format!("{}: {}", selected.account, text(&gate["phase"])));
            show_reasons(&gate);
        }
        Ok(())
    })
    .await
}

/// Prints a status; the result is the exit code that it means.
fn tell(status: &Value, as_json: bool) -> Result<(), Failure> {
    if as_json {
        screen::json(status);
    } else {
        show_status(status);
    }
    match (&status["gate_open"], &status["needs_a_person"]) {
        (Value::Bool(true), _) => Ok(()),
        (_, Value::Bool(true)) => Err(Failure::ShutForPerson),
        _ => Err(Failure::Shut),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the key may do, in words.
fn powers(key: &serde_json::Map<String, Value>) -> String {
    let is = |name: &str| key.get(name) == Some(&Value::Bool(true));
    let plain = [("read", "read"), ("trade", "trade"), ("withdraw", "WITHDRAW")];
    let mut words: Vec<String> = plain.iter().filter(|(name, _)| is(name)).map(|(_, word)| (*word).to_owned()).collect();
    for list in ["transfers", "others", "unknown"] {
        words.extend(key.get(list).and_then(Value::as_array).into_iter().flatten().map(text));
    }
    let from = if is("bound_to_addresses") { "a list of addresses" } else { "ANY address" };
    format!("may {}; from {from}", words.join(", "))
}

fn show_status(status: &Value) {
    let report = &status["report"];
    let gate = if status["gate_open"] == true { "takes new risk" } else { "takes no new risk; exits pass" };
    screen::say(format!(
        "account {}: {}{}, {gate}; epoch {}, {} open orders, {} in doubt",
        text(&status["account"]),
        text(&status["phase"]),
        since(status),
        report["epoch"],
        report["open_orders"],
        report["in_doubt"]
    ));
    if let Some(key) = report["key"].as_object() {
        screen::say(format!("  key {}", powers(key)));
    }
    show_reasons(status);
    show_doubts(&status["doubts"]);
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
    let journal = &status["journal"];
    screen::say(format!("  journal at record {}, durable to {}", journal["last"], journal["durable"]));
    if let Some(copy) = journal["copy"].as_object() {
        let lacks = copy["records"].as_u64().unwrap_or(0);
        let oldest = if lacks == 0 { String::new() } else { format!(", the oldest for {} ms", copy["age_ms"]) };
        screen::say(format!("  its copy lacks {lacks} records{oldest}"));
    }
    if let Some(events) = journal["events"].as_object() {
        let lack = events["records"].as_u64().unwrap_or(0);
        let oldest = if lack == 0 { String::new() } else { format!(", the oldest for {} ms", events["age_ms"]) };
        screen::say(format!("  consumers have not been told of {lack} records{oldest}"));
    }
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

/// How long it stands where it stands.
fn since(status: &Value) -> String {
    let now = status["now"].as_u64().unwrap_or(0);
    let moved = status["phases"].as_array().into_iter().flatten().rev().find(|p| p["from"] != p["to"]);
    let at = moved.and_then(|p| p["at"].as_u64());
    at.map_or_else(String::new, |at| format!(" for {} s", screen::seconds(u128::from(now.saturating_sub(at) / 1_000_000))))
}

fn show_reasons(status: &Value) {
    for reason in status["reasons"].as_array().into_iter().flatten() {
        screen::say(format!("  because {} ({})", text(&reason["text"]), text(&reason["advice"])));
    }
    for state in status["instruments"].as_array().into_iter().flatten() {
        for reason in state["reasons"].as_array().into_iter().flatten() {
            let ends = if reason["ends_by"] == "person" { "; a person must end this" } else { "" };
            screen::say(format!("  no new risk on {}: {}{ends}", text(&state["instrument"]), text(&reason["text"])));
        }
    }
}

fn show_doubts(doubts: &Value) {
    for doubt in doubts.as_array().into_iter().flatten() {
        screen::say(format!("  {}", doubt_words(doubt)));
    }
}

/// One doubt: what it is about, how long it may last.
pub(crate) fn doubt_words(doubt: &Value) -> String {
    let what = if doubt["what"] == "change" { "a change of order" } else { "order" };
    let until = match doubt["fence_in_ms"].as_i64() {
        Some(ms) if ms > 0 => {
            format!("asked for; cannot arrive any more in {} s", screen::seconds(u128::from(ms.unsigned_abs())))
        }
        Some(_) => "too old to arrive any more; the venue's answers are awaited".to_owned(),
        None => "asked for; only the venue can tell".to_owned(),
    };
    let qty = if doubt["qty"].is_null() { "all".to_owned() } else { text(&doubt["qty"]) };
    format!(
        "in doubt: {what} {} {} {qty} {} {} of {}: {until}",
        text(&doubt["intent"]),
        text(&doubt["side"]).to_uppercase(),
        text(&doubt["instrument"]),
        text(&doubt["type"]),
        text(&doubt["owner"]),
    )
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What is held without a stop. An account that never has stops is told in one line, too: that is what it has.
fn show_protection(protection: &Value) {
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
