//! The orders of the books as JSON, both of the venue's books as one. It reads; it changes nothing.

use super::{
    row::{OrderRow, owner_word, provenance_word, role_word},
    view,
};
use exec_core::{
    conversation::InDoubt,
    engine::Engine,
    ids::{IntentId, ListId},
    order::{Order, list::OrderList},
};
use serde_json::{Value, json};

/// The open orders, or all of them.
pub(super) fn orders(engine: &Engine, all: bool, position_ids: bool) -> Value {
    let books = engine.books();
    let doubts = engine.doubts();
    let show = |o: &Order| with_doubts(engine, &doubts, o, position_ids);
    if all { books.orders().map(show).collect() } else { books.open_orders().map(show).collect() }
}

fn with_doubts(engine: &Engine, doubts: &[InDoubt], of: &Order, position_ids: bool) -> Value {
    let mut value = order(of, position_ids);
    let mine = doubts.iter().filter(|d| d.intent == of.intent().id).map(|d| view::doubt(engine, d));
    if let Value::Object(row) = &mut value {
        row.insert(String::from("doubts"), mine.collect());
    }
    value
}

/// What is known of one order, and of those that stand in one list with it.
pub(super) fn explained(engine: &Engine, of: &Order, position_ids: bool) -> Value {
    let siblings = of.intent().list.map(|place| list(engine, place.list, position_ids));
    json!({ "order": with_doubts(engine, &engine.doubts(), of, position_ids), "list": siblings })
}

/// One order; null if there is none of this name.
pub(super) fn one(engine: &Engine, intent: IntentId, position_ids: bool) -> Value {
    engine.books().order(intent).map_or(Value::Null, |o| order(o, position_ids))
}

/// A list and its orders.
pub(super) fn list(engine: &Engine, id: ListId, position_ids: bool) -> Value {
    let found = OrderList::find(engine.books(), id);
    let mut orders: Vec<&Order> = found.iter().flat_map(OrderList::orders).map(|(_, o)| o).collect();
    // In the order in which they were named, not in that in which they were taken in.
    orders.sort_by_key(|o| o.intent().id);
    json!({ "list": id.to_string(), "orders": orders.into_iter().map(|o| order(o, position_ids)).collect::<Vec<_>>() })
}

/// One order as JSON: what was asked for, what the venue has of it, each attempt. Not what only a running engine knows.
pub fn order(order: &Order, position_ids: bool) -> Value {
    let intent = order.intent();
    let text = |value: Option<String>| value.map_or(Value::Null, Value::String);
    let mut value = json!(OrderRow::of_order(order, position_ids));
    let more = json!({
        "intent": intent.id.to_string(),
        "owner": owner_word(&intent.owner),
        "provenance": provenance_word(intent.provenance),
        // As text: not every reader of JSON holds 64 bits.
        "list": intent.list.map(|place| place.list.to_string()),
        "role": intent.list.map(|place| role_word(place.role)),
        "status": order.status(),
        "leaves_qty": order.leaves_qty(),
        "avg_px": text(order.avg_px().map(|p| p.to_string())),
        "unattributed_qty": order.unattributed_qty(),
        "in_doubt": order.is_in_doubt(),
        "cancel_wished": order.cancel_wished(),
        "change_under_way": order.replaces().values().any(|r| r.state.is_pending()),
        "changes": changes(order),
        "denial": text(order.denial().map(|d| d.to_string())),
        "asked": intent.asked,
        "attempts": attempts(order),
    });
    if let (Value::Object(row), Value::Object(more)) = (&mut value, more) {
        row.extend(more);
    }
    value
}

/// What was asked to be changed, and what became of it, oldest first.
fn changes(order: &Order) -> Vec<Value> {
    let show = order.replaces().values().map(|change| {
        let terms = &change.terms;
        json!({ "qty": terms.qty, "price": terms.price, "trigger": terms.trigger, "how": change.how, "state": change.state })
    });
    show.collect()
}

fn attempts(order: &Order) -> Vec<Value> {
    let attempts = order.attempts().iter();
    let show = attempts.map(|(id, attempt)| {
        json!({
            "cl_ord_id": id,
            "order_id": attempt.order_id(),
            "algo_id": attempt.algo_id(),
            "in_doubt_since": attempt.in_doubt(),
            "rejection": attempt.rejection(),
            "not_sent": attempt.not_sent(),
            "activated": attempt.is_activated(),
            "ending": attempt.ending(),
        })
    });
    show.collect()
}
