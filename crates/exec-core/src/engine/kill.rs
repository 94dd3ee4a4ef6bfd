//! The kill switch: latched in the journal, thrown again at every start until somebody releases it. What closes is never stopped by
//! it, and it waits for nothing: not for the disk, the stream, or a comparison. How legs are closed stands in `flatten`.

use super::Engine;
use crate::{
    command::Command,
    conversation::{AlertLevel, Effect},
    ids::{InstrumentId, IntentId},
    kill::{KillLevel, KillScope},
    order::{
        Order,
        intent::{Owner, Provenance},
    },
    pretrade::Denial,
    record::{LatchCause, Record},
};
use alloc::{format, string::String, vec::Vec};

impl Engine {
    /// What the kill switch says, for whom, and in whose words.
    pub fn kills(&self) -> impl Iterator<Item = (KillLevel, &KillScope, &str)> {
        self.books.latches().iter().filter_map(|(cause, text)| match cause {
            LatchCause::Kill { level, scope } => Some((*level, scope, text.as_str())),
            _ => None,
        })
    }

    /// Throws the switch. A level that stands is never lowered by another command, only by a release.
    pub(super) fn kill(&mut self, who: &str, level: KillLevel, scope: &KillScope, out: &mut Vec<Effect>) {
        let stands = self.kills().any(|(known, of, _)| of == scope && known >= level);
        if !stands {
            let text = format!("{} of {scope} by {who}", level.name());
            self.alert(out, AlertLevel::Critical, "kill_switch", text.clone());
            self.record(Record::Latched { cause: LatchCause::Kill { level, scope: scope.clone() }, text, at: self.now }, out);
        }
        // Once more where it stands already: whoever says it again has seen something that should be gone.
        self.take_entries(|o| scope.covers_order(o), out);
        if level == KillLevel::Flatten && matches!(scope, KillScope::Account) && self.recovery.is_none() {
            // Something may stand where nobody looked.
            self.recover(out);
        }
        if self.kills().any(|(known, of, _)| of == scope && known == KillLevel::Flatten) {
            self.flatten_round(out);
        }
    }

    /// Wishes everything that can add risk off both books. The wish stays on each order, also on one whose fate is not known.
    pub(super) fn take_entries(&mut self, of: impl Fn(&Order) -> bool, out: &mut Vec<Effect>) {
        let adding: Vec<IntentId> =
            self.books.open_orders().filter(|o| o.intent().terms.can_add_risk() && of(o)).map(|o| o.intent().id).collect();
        for intent in adding {
            self.cancel(intent, out);
            self.sweep_at_fence(intent);
        }
    }

    /// After a comparison, and at a start: what the last run had no time for, or what came back without a journal. Orders of others
    /// that came since were placed by somebody who knows better.
    pub(super) fn enforce_kills(&mut self, out: &mut Vec<Effect>) {
        let scopes: Vec<KillScope> = self.kills().map(|(_, scope, _)| scope.clone()).collect();
        if !scopes.is_empty() {
            let ours = |o: &Order| o.intent().provenance != Provenance::Foreign && !o.cancel_wished();
            self.take_entries(|o| ours(o) && scopes.iter().any(|scope| scope.covers_order(o)), out);
        }
    }

    /// Whether the switch lets an order pass that can add risk.
    ///
    /// # Errors
    /// [`Denial::GateClosed`], with what the switch says.
    pub(super) fn permit_killed(&self, owner: &Owner, instrument: &InstrumentId) -> Result<(), Denial> {
        match self.kills().find(|(_, scope, _)| scope.covers(owner, instrument)) {
            Some((_, _, text)) => Err(Denial::GateClosed(String::from(text))),
            None => Ok(()),
        }
    }

    /// Whether a strategy asks for something that a halt forbids: it may close and cancel, and changes nothing.
    pub(super) fn is_halted(&self, owner: &Owner, command: &Command) -> Option<(IntentId, Denial)> {
        let (Command::Replace(change) | Command::ReplaceOrEnd(change)) = command else { return None };
        let order = self.books.order(change.intent).filter(|_| owner.strategy().is_some())?;
        let halts = |(level, scope, _): &(KillLevel, &KillScope, &str)| *level >= KillLevel::Halt && scope.covers_order(order);
        let (_, _, text) = self.kills().find(halts)?;
        Some((change.intent, Denial::GateClosed(String::from(text))))
    }

    /// Why the switch takes no new risk on an instrument, while the account would.
    pub(super) fn killed_here(&self, instrument: &InstrumentId) -> Vec<String> {
        let here = |scope: &KillScope| matches!(scope, KillScope::Instrument(only) if only == instrument);
        self.kills().filter(|(_, scope, _)| here(scope)).map(|(_, _, text)| String::from(text)).collect()
    }
}
