//! The sessions of the private stream: which one counts, and which older ones still deliver. Not what they say.
//!
//! A successor is opened while the old session delivers, everything is compared on the new one, and then the old one is closed.
//! Facts may come twice; none falls between the two.

use super::Engine;
use crate::{
    conversation::{AlertLevel, Effect},
    ids::SessionId,
};
use alloc::{string::String, vec::Vec};

impl Engine {
    pub(super) fn link_up(&mut self, session: SessionId, out: &mut Vec<Effect>) {
        self.outgoing = self.link.or(self.outgoing);
        self.link = Some(session);
        self.reconciled = false;
        self.recovery = None;
        self.watch_session(out);
        self.cancel_doubtful(out);
        if self.config.reconciliation {
            self.recover(out);
        } else {
            self.alert(out, AlertLevel::Warning, "not_reconciled", "reconciliation is switched off".into());
            self.reconciled = true;
            self.take_over(out);
            self.delay(out);
        }
    }

    pub(super) fn link_down(&mut self, session: SessionId, why: &str, out: &mut Vec<Effect>) {
        if self.outgoing == Some(session) {
            self.outgoing = None;
        }
        if self.link != Some(session) {
            return;
        }
        self.alert(out, AlertLevel::Warning, "stream_lost", String::from(why));
        self.link = None;
        self.reconciled = false;
        self.recovery = None;
    }

    /// Everything was compared. If that was on a session, the one before it has nothing more to tell.
    pub(super) fn take_over(&mut self, out: &mut Vec<Effect>) {
        if self.link.is_some() {
            out.extend(self.outgoing.take().map(Effect::Close));
        }
        self.seen(out);
    }
}
