//! Several commands of one callback as few requests: what would leave side by side leaves together.

use super::Engine;
use crate::{
    command::Command,
    conversation::{Effect, Request},
    order::intent::Owner,
    venue::Batch,
};
use alloc::vec::Vec;

impl Engine {
    pub(super) fn batch(&mut self, owner: &Owner, commands: Vec<Command>, out: &mut Vec<Effect>) {
        let (from, parked) = (out.len(), self.parked.len());
        for command in commands {
            self.command(owner, command, out);
        }
        self.batches_made += 1;
        let number = self.batches_made;
        for waiting in self.parked.iter_mut().skip(parked) {
            waiting.batch = Some(number);
        }
        coalesce(self.profile.batch_max, from, out);
    }
}

/// Takes the requests of one kind behind `from` together. They leave behind everything else, so whatever must come before a
/// request still does.
pub(super) fn coalesce(batch_max: usize, from: usize, out: &mut Vec<Effect>) {
    if batch_max < 2 {
        return;
    }
    let (mut submits, mut replaces, mut cancels, mut rest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for effect in out.drain(from.min(out.len())..) {
        match effect {
            Effect::Send(Request::Submit { id, attempt }) => submits.push((id, attempt)),
            Effect::Send(Request::Replace(replace)) => replaces.push(replace),
            Effect::Send(Request::Cancel(cancel)) => cancels.push(cancel),
            other => rest.push(other),
        }
    }
    out.append(&mut rest);
    // What takes risk away leaves first.
    for chunk in cancels.chunks(batch_max) {
        out.push(Effect::Send(match chunk {
            [one] => Request::Cancel(one.clone()),
            many => Request::Batch { ids: many.iter().map(|c| c.request).collect(), batch: Batch::Cancel(many.to_vec()) },
        }));
    }
    for chunk in replaces.chunks(batch_max) {
        out.push(Effect::Send(match chunk {
            [one] => Request::Replace(one.clone()),
            many => Request::Batch { ids: many.iter().map(|r| r.request).collect(), batch: Batch::Replace(many.to_vec()) },
        }));
    }
    for chunk in submits.chunks(batch_max) {
        out.push(Effect::Send(match chunk {
            [(id, attempt)] => Request::Submit { id: *id, attempt: attempt.clone() },
            many => Request::Batch {
                ids: many.iter().map(|(id, _)| *id).collect(),
                batch: Batch::Submit(many.iter().map(|(_, attempt)| attempt.clone()).collect()),
            },
        }));
    }
}
