//! Lists of orders in the engine: taken in as a whole, and kept as the facts about their orders demand.

use super::Engine;
use crate::{
    command::{Command, NewOrder},
    conversation::Effect,
    ids::ListId,
    order::intent::Owner,
};
use alloc::vec::Vec;

impl Engine {
    pub(super) fn submit_list(&mut self, owner: &Owner, orders: Vec<NewOrder>, out: &mut Vec<Effect>) {
        for new in orders {
            self.submit(owner.clone(), new, out);
        }
    }

    pub(super) fn batch(&mut self, owner: &Owner, commands: Vec<Command>, out: &mut Vec<Effect>) {
        for command in commands {
            self.command(owner, command, out);
        }
    }

    pub(super) fn keep_list(&mut self, _list: ListId, _out: &mut Vec<Effect>) {}
}
