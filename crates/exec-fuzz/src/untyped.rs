//! A second, slower reading of JSON, to hold the typed one against. It knows no payload.

use serde::de::IgnoredAny;
use serde_json::Value;

/// The document as any JSON parser reads it.
pub(crate) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Whether a text is JSON with a number or a text in it that only a reader can pass over who does not want it.
pub(crate) fn is_beyond(text: &str) -> bool {
    value(text).is_none() && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The event inside its envelope, if it is in one.
pub(crate) fn event(text: &str) -> Option<Value> {
    let whole = value(text)?;
    let inner = ["data", "event"].iter().find_map(|key| whole.get(*key)).cloned();
    Some(match inner {
        Some(inner) if inner.is_object() => inner,
        _ => whole,
    })
}

/// Rows of a list.
pub(crate) fn rows(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}
