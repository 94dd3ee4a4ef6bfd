//! Stops that do not protect, and what is done about it.

use super::Engine;
use crate::{conversation::Effect, ids::IntentId, report::PositionReport, venue::QueryError};
use alloc::vec::Vec;

impl Engine {
    pub(super) fn protect_timer(&mut self, _intent: IntentId, _out: &mut Vec<Effect>) {}

    pub(super) fn protect_answer(
        &mut self,
        _lost: IntentId,
        _result: Result<Vec<PositionReport>, QueryError>,
        _out: &mut Vec<Effect>,
    ) {
    }
}
