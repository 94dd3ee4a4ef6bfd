//! What a venue refuses, as a table: one rule, one reason, one check. The tables are the venues'; nothing here knows one.

use crate::{
    instrument::Instrument,
    report::Quote,
    terms::Terms,
    time::VenueTime,
    units::{PositionMode, SignedQty},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One order against one state of account and market.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is asked for.
    pub terms: &'a Terms,
    /// Its instrument.
    pub instrument: &'a Instrument,
    /// How the account keeps positions.
    pub mode: PositionMode,
    /// The newest prices.
    pub quote: Quote,
    /// What the leg holds; `None` while it is not known.
    pub held: Option<SignedQty>,
    /// Ordinary orders that are open on the instrument.
    pub open_orders: u32,
    /// Conditional orders of the account that have not triggered.
    pub open_conditionals: u32,
    /// Largest notional of a position at the present leverage.
    pub notional_max: Option<Decimal>,
    /// The venue's time.
    pub now: VenueTime,
}

/// What a rule depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum Depends {
    /// The order, the instrument and the account's mode alone: the venue refuses it always.
    Form,
    /// Prices, positions, counts or funds: the venue may see others than we do. Never held against an order that closes.
    State,
}

/// One thing that a venue refuses.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, for machines: lower case with underscores.
    pub name: &'static str,
    /// What is refused, in one sentence.
    pub says: &'static str,
    /// The venue's code for it, as it documents it.
    pub code: i64,
    /// What it depends on.
    pub depends: Depends,
    /// Whether a case breaks it. What is not known breaks nothing.
    pub broken: fn(&Case<'_>) -> bool,
}

impl core::fmt::Debug for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).field("code", &self.code).field("depends", &self.depends).finish()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Rule {}

/// Every rule that a case breaks, in the table's order: what the venue would say if it sees what we see.
pub fn all_broken<'r>(rules: &'r [Rule], case: &Case<'_>) -> impl Iterator<Item = &'r Rule> {
    rules.iter().filter(|rule| (rule.broken)(case))
}

/// The first rule that a case breaks. A rule about a state is not held against an order that closes: whether an exit passes is
/// the venue's word.
pub fn first_broken<'r>(rules: &'r [Rule], case: &Case<'_>) -> Option<&'r Rule> {
    let closing = case.terms.is_closing();
    all_broken(rules, case).find(|rule| !(closing && rule.depends == Depends::State))
}
