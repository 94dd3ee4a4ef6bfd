//! What a refusal means, as facts, by the one table of fates.

use super::{
    Facts,
    facts::{class, put, start},
};
use crate::fate::Fate;

/// What a reply that is no success means.
pub(crate) fn refusal(fate: Fate, status: u16) -> Facts {
    let mut facts = start("refusal");
    facts.insert("http_status".into(), status.into());
    match fate {
        Fate::Refused { class: what, code, text } => {
            facts.insert("fate".into(), "rejected".into());
            facts.insert("class".into(), class(what).into());
            facts.insert("code".into(), code.into());
            facts.insert("text".into(), text.into());
        }
        Fate::AlreadySo => {
            facts.insert("fate".into(), "already_so".into());
        }
        Fate::Live { code } => {
            facts.insert("fate".into(), "live".into());
            facts.insert("code".into(), code.into());
        }
        Fate::NotThere => {
            facts.insert("fate".into(), "not_there".into());
        }
        Fate::Unknown { code } => {
            facts.insert("fate".into(), "unknown".into());
            put(&mut facts, "code", code);
        }
    }
    facts
}
