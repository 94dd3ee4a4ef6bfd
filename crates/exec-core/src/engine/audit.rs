//! What the shell finds out about the account beside the books: the rights of its key, and settings that somebody has changed to
//! other than the config's. Both keep the account from new risk for as long as they are so; neither is a latch.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect},
    start_report::Shut,
    venue::KeyRights,
};
use alloc::{string::String, vec::Vec};

/// What was found out last.
#[derive(Clone, Debug, Default)]
pub(super) struct Audit {
    rights: Option<KeyRights>,
    unwanted: Vec<String>,
}

impl Engine {
    /// What the key may do, where the venue has told it.
    pub const fn key_rights(&self) -> Option<&KeyRights> {
        self.audit.rights.as_ref()
    }

    pub(super) fn take_rights(&mut self, rights: KeyRights, out: &mut Vec<Effect>) {
        if !may_trade(&rights) && self.audit.rights.as_ref().is_none_or(may_trade) {
            let text = String::from("the key may not trade here: give it the right back at the venue, or end the node");
            self.alert(out, AlertLevel::Critical, "key_may_not_trade", text);
        }
        self.audit.rights = Some(rights);
        self.push_report(out);
    }

    /// Entries were asked for under other settings: they go, and exits stay.
    pub(super) fn take_unwanted(&mut self, unwanted: Vec<String>, out: &mut Vec<Effect>) {
        let known = core::mem::replace(&mut self.audit.unwanted, unwanted);
        let new: Vec<String> = self.audit.unwanted.iter().filter(|text| !known.contains(text)).cloned().collect();
        for text in &new {
            self.alert(out, AlertLevel::Critical, "setting_differs", text.clone());
        }
        if !new.is_empty() {
            self.cancel_entries(|_| true, out);
        }
    }

    pub(super) fn shut_by_audit(&self) -> impl Iterator<Item = Shut> + '_ {
        let powerless = self.audit.rights.as_ref().is_some_and(|rights| !may_trade(rights));
        powerless.then_some(Shut::KeyMayNotTrade).into_iter().chain(self.audit.unwanted.iter().cloned().map(Shut::Setting))
    }
}

/// Without reading, a node would trade blind.
const fn may_trade(rights: &KeyRights) -> bool {
    rights.trade && rights.read
}
