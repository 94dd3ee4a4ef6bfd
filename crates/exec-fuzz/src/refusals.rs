//! Answers that are no success: a refusal is only what the venue itself says with a code that proves it.

use binance_adapter::fate::{Act, Fate, judge};
use serde_json::Value;

use crate::untyped;

const ACTS: [Act; 6] = [Act::Place, Act::PlaceConditional, Act::Cancel, Act::Replace, Act::Query, Act::Setup];
/// Statuses that a venue, its edge or a proxy may give; the second byte of an input chooses.
pub(crate) const STATUSES: [u16; 12] = [200, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504];
/// Codes after which the order may stand, whatever else is said.
pub(crate) const UNKNOWN: [i64; 3] = [-1000, -1006, -1007];

/// Splits an input into its two choices and the body. The choices are digits and what follows them, so that seeds can be read.
pub(crate) fn split(bytes: &[u8]) -> Option<(usize, u16, &[u8])> {
    let (choices, body) = bytes.split_first_chunk::<2>()?;
    let [which, status] = choices.map(|choice| usize::from(choice.wrapping_sub(b'0')));
    Some((which, STATUSES[status % STATUSES.len()], body))
}

/// The code that a body states.
pub(crate) fn code(body: &str) -> Option<i64> {
    untyped::value(body).as_ref().and_then(|value| value.get("code")).and_then(Value::as_i64)
}

/// Whether an answer can prove that nothing executed.
pub(crate) fn can_refuse(status: u16, body: &str, claimed: i64) -> bool {
    let stated = (code(body) == Some(claimed) || untyped::is_beyond(body)) && !UNKNOWN.contains(&claimed);
    // A throttled request says so; any other code beside these statuses is not the venue's.
    let throttle = !matches!(status, 418 | 429) || matches!(claimed, -1003 | -1015);
    stated && throttle && status != 408 && matches!(status, 400..=499 | 503)
}

/// The verdict on one body.
pub(crate) fn judged(bytes: &[u8]) {
    let Some((which, status, body)) = split(bytes) else { return };
    let Ok(body) = std::str::from_utf8(body) else { return };
    let act = ACTS[which % ACTS.len()];
    match judge(act, status, body) {
        Fate::Refused { code, text, .. } => {
            assert!(can_refuse(status, body, code), "{act:?} {status}: a refusal is made up from {body}");
            assert!(text.chars().count() <= 300, "a text without bound");
        }
        Fate::NotThere | Fate::Live { .. } if untyped::is_beyond(body) => (),
        Fate::NotThere => assert!(act == Act::Query && code(body) == Some(-2013), "{status}: an absence is made up"),
        Fate::AlreadySo => assert_eq!(act, Act::Setup),
        Fate::Live { code: live } => assert!((400..500).contains(&status) && code(body) == Some(live)),
        Fate::Unknown { .. } => (),
    }
}
