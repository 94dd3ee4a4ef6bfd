//! The venue's table of refusals in the engine: what it is asked with, what a broken rule does, and whom it spares.

use crate::scene::{buy, closing};
use exec_core::{
    order::status::OrdStatus,
    pretrade::Denial,
    rules::{Depends, Rule},
    terms::Terms,
    units::{PositionMode, PositionSide, Side},
    venue::VenueProfile,
};
use exec_testkit::{
    fixtures::{config, profile},
    rig::Rig,
};

/// An engine that is live on an empty account, at a venue with these rules.
fn live(rules: &'static [Rule]) -> Rig {
    let mut rig = Rig::new(config(PositionMode::Netting, &["BTCUSDT"]), VenueProfile { rules, ..profile() });
    rig.connect();
    rig.answer_recovery(rig.flat());
    rig
}

fn denied_by(rig: &mut Rig, terms: Terms) -> Option<String> {
    let sent = rig.attempts_sent().len();
    let intent = rig.submit(terms);
    rig.durable();
    match rig.order(intent).denial() {
        Some(Denial::VenueRule { rule, says, code }) => {
            assert_eq!((says.as_str(), *code, rig.status(intent)), ("what it says", -4242, OrdStatus::Denied));
            assert_eq!(rig.attempts_sent().len(), sent, "a denied order is not sent");
            Some(rule.clone())
        }
        Some(other) => panic!("{other}"),
        None => None,
    }
}

const fn rule(name: &'static str, depends: Depends, broken: fn(&exec_core::rules::Case<'_>) -> bool) -> Rule {
    Rule { name, says: "what it says", code: -4242, depends, broken }
}

static ALWAYS: &[Rule] = &[rule("state", Depends::State, |_| true), rule("form", Depends::Form, |_| true)];

#[test]
fn a_broken_rule_denies_and_a_state_is_not_held_against_an_exit() {
    let mut rig = live(ALWAYS);
    assert_eq!(denied_by(&mut rig, buy()).as_deref(), Some("state"));
    assert_eq!(denied_by(&mut rig, closing(Side::Sell, PositionSide::Net, "1")).as_deref(), Some("form"));
    let mut rig = live(&ALWAYS[..1]);
    assert_eq!(denied_by(&mut rig, closing(Side::Sell, PositionSide::Net, "1")), None);
    assert_eq!(rig.attempts_sent().len(), 1);
}

static UNKNOWN: &[Rule] = &[rule("unknown", Depends::State, |case| case.held.is_none())];

#[test]
fn a_leg_that_the_venue_does_not_list_is_known_to_be_flat() {
    assert_eq!(denied_by(&mut live(UNKNOWN), buy()), None);
}

static FULL: &[Rule] = &[rule("full", Depends::State, |case| case.open_orders >= 2)];

#[test]
fn open_orders_are_counted_without_the_one_that_is_asked_for() {
    let mut rig = live(FULL);
    assert_eq!(denied_by(&mut rig, buy()), None);
    assert_eq!(denied_by(&mut rig, buy()), None);
    assert_eq!(denied_by(&mut rig, buy()).as_deref(), Some("full"));
}
