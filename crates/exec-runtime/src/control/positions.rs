//! The positions of the books as JSON, with how much of each a stop protects. It reads; it changes nothing.

use super::row::{leg_word, owner_word, position_id};
use exec_core::{engine::Engine, protection::Protection, time::Timestamp, units::Qty};
use serde_json::{Value, json};

/// Every leg that the books know.
pub(super) fn positions(engine: &Engine, now: Timestamp, position_ids: bool) -> Value {
    let books = engine.books();
    let legs = books.positions().map(|(instrument, leg, position)| {
        let shares: Vec<Value> = books
            .shares()
            .filter(|((_, i, l), qty)| i == instrument && *l == leg && !qty.is_zero())
            .map(|((who, ..), qty)| json!({ "owner": owner_word(who), "qty": qty }))
            .collect();
        let adjustments: Vec<Value> = position
            .adjustments()
            .iter()
            .map(|a| {
                let record = a.record();
                json!({
                    "qty": record.qty, "unexplained": a.left(), "owner": owner_word(&record.owner), "cut": record.cut,
                    "at_ms": record.at, "who": record.who, "why": record.why,
                })
            })
            .collect();
        let claims: Vec<Value> = books
            .claims()
            .iter()
            .filter(|c| c.instrument == *instrument && c.leg == leg)
            .map(|c| json!({ "strategy": c.strategy, "qty": c.qty }))
            .collect();
        let mut value = json!({
            "instrument": instrument,
            "leg": leg_word(leg),
            "qty": position.qty(),
            "baseline": position.baseline().map(|b| b.qty),
            "claims": claims,
            "adjusted": position.adjusted_qty(),
            "adjustments": adjustments,
            "entry_px": position.entry_px().map(|p| p.normalize().to_string()),
            "realized": position.realized(),
            "fees": position.fees(),
            "quote": engine.quote(instrument),
            "shares": shares,
            "protection": of_leg(&engine.protection(instrument, leg), now),
            "liquidation_px": engine.liquidation_px(instrument, leg),
            "liquidation_distance": engine.liquidation_distance(instrument, leg).map(|d| d.round_dp(4).normalize().to_string()),
            "maintenance_margin": engine.leg_margin(instrument, leg).maintenance,
            "adl_rank": engine.leg_margin(instrument, leg).adl_rank,
        });
        if let (true, Value::Object(row)) = (position_ids, &mut value) {
            row.insert(String::from("position_id"), Value::String(position_id(instrument, leg)));
        }
        value
    });
    legs.collect()
}

/// What the account holds without a stop: one line for each leg that is not covered in full, and the sum over time of all legs.
pub(super) fn protection(engine: &Engine, now: Timestamp) -> Value {
    let (mut held, mut total, mut uncovered) = (0_u32, 0, Vec::new());
    for (instrument, leg, _) in engine.books().positions() {
        let found = engine.protection(instrument, leg);
        held += u32::from(!found.held.is_zero());
        total += found.unprotected_ms;
        if !found.uncovered.is_zero() {
            let mut line = of_leg(&found, now);
            if let Value::Object(row) = &mut line {
                row.insert(String::from("instrument"), json!(instrument));
                row.insert(String::from("leg"), json!(leg_word(leg)));
            }
            uncovered.push(line);
        }
    }
    json!({ "legs": held, "uncovered": uncovered, "unprotected_ms_total": total })
}

fn of_leg(found: &Protection, now: Timestamp) -> Value {
    let plain = |qty: Qty| qty.get().normalize().to_string();
    json!({
        "held": plain(found.held),
        "covered": plain(found.covered),
        "uncovered": plain(found.uncovered),
        "stops": found.stops,
        // This time, until now; and in this run.
        "unprotected_ms": found.unprotected_since.map(|since| now.ms_since(since)),
        "unprotected_ms_total": found.unprotected_ms,
    })
}
