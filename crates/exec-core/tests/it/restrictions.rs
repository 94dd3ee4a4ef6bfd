//! What the venue restricts: how long it holds, whatever the venue's answers show of it, and what passes meanwhile. In both modes.

use crate::scene::btc;
use exec_core::{
    conversation::{Answer, Input, Query, Request},
    order::status::OrdStatus,
    start_report::Shut,
    terms::{Intention, OrderKind, Terms},
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{CommandError, QueryError, RejectClass, Rejection, Restriction},
};
use exec_testkit::{
    fixtures::{config, limit, price, profile, qty},
    rig::Rig,
};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];
const MINUTE_MS: u64 = 60_000;

fn buy(leg: PositionSide) -> Terms {
    Terms { leg, ..limit(Side::Buy, qty("1"), price("99")) }
}

fn rig(mode: PositionMode) -> Rig {
    let mut rig = at_its_start(mode);
    rig.nothing_restricted();
    rig
}

/// Compared with the venue, and not told yet what the venue restricts.
fn at_its_start(mode: PositionMode) -> Rig {
    let mut config = config(mode, &["BTCUSDT"]);
    config.sweep_interval_ms = 0;
    let mut rig = Rig::new(config, profile());
    rig.connect();
    rig.answer_recovery(rig.flat());
    rig
}

/// An order that the venue refuses.
fn refused(rig: &mut Rig, leg: PositionSide, class: RejectClass) -> OrdStatus {
    let order = rig.submit(buy(leg));
    rig.durable();
    rig.outcome(Err(CommandError::Rejected(Rejection { class, code: -4401, text: "reduce only".into() })));
    rig.durable();
    rig.status(order)
}

fn is_denied(rig: &mut Rig, leg: PositionSide) -> bool {
    let order = rig.submit(buy(leg));
    rig.durable();
    rig.status(order) == OrdStatus::Denied
}

/// Answers what is asked about restrictions; says how often that was.
fn answer(rig: &mut Rig, told: &Result<Vec<Restriction>, QueryError>) -> usize {
    let asked: Vec<_> = rig.asked.iter().filter(|(_, q)| matches!(q, Query::Restrictions(_))).map(|(id, _)| *id).collect();
    for query in &asked {
        rig.asked.remove(query);
        rig.give(Input::Answer { query: *query, answer: Answer::Restrictions(told.clone()) });
    }
    asked.len()
}

/// Minutes until new risk is taken again, each question answered so.
fn minutes_until_open(rig: &mut Rig, told: &Result<Vec<Restriction>, QueryError>, most: u64) -> Option<u64> {
    for minute in 0..most {
        answer(rig, told);
        if rig.engine.may_open(&btc()).is_ok() {
            return Some(minute);
        }
        for _ in 0..4 {
            rig.wait(MINUTE_MS / 4);
            answer(rig, told);
        }
    }
    None
}

#[test]
fn what_no_answer_shows_holds_for_a_while_and_longer_each_time_it_comes_back() {
    for (mode, leg) in MODES {
        let mut rig = rig(mode);
        let mut waits = Vec::new();
        for _ in 0..6 {
            assert_eq!(refused(&mut rig, leg, RejectClass::Restricted), OrdStatus::Rejected);
            assert!(is_denied(&mut rig, leg));
            waits.push(minutes_until_open(&mut rig, &Ok(Vec::new()), 200).unwrap());
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60], "{mode:?}");
    }
}

#[test]
fn what_an_answer_has_shown_ends_when_one_does_not_and_not_before() {
    for (mode, leg) in MODES {
        let mut rig = rig(mode);
        refused(&mut rig, leg, RejectClass::Restricted);
        let until = Some(VenueTime(rig.venue_time().0 + 60_000));
        let shown = Ok(vec![Restriction { instrument: Some(btc()), text: "UFR".into(), until }]);
        assert_eq!(minutes_until_open(&mut rig, &shown, 120), None, "the venue shows it for two hours, whatever it had planned");
        assert_eq!(minutes_until_open(&mut rig, &Ok(Vec::new()), 5), Some(1), "and then no more");
    }
}

#[test]
fn a_question_without_an_answer_lifts_nothing() {
    for (mode, leg) in MODES {
        let mut rig = rig(mode);
        refused(&mut rig, leg, RejectClass::AccountRestricted);
        assert!(rig.engine.gate_shut().iter().any(|why| matches!(why, Shut::Restricted(_))));
        assert_eq!(minutes_until_open(&mut rig, &Err(QueryError::Unavailable("maintenance".into())), 90), None);
        assert_eq!(minutes_until_open(&mut rig, &Ok(Vec::new()), 5), Some(1));
    }
}

#[test]
fn it_is_told_once_and_entries_go_while_exits_pass() {
    for (mode, leg) in MODES {
        let mut rig = rig(mode);
        let entry = rig.submit(buy(leg));
        rig.durable();
        rig.accept(entry);
        rig.fill(entry, 1, "0.4", "99", "0.4");
        let resting = rig.submit(Terms { qty: Some(qty("2")), ..buy(leg) });
        rig.durable();
        rig.accept(resting);
        refused(&mut rig, leg, RejectClass::AccountRestricted);
        refused(&mut rig, leg, RejectClass::AccountRestricted);
        assert_eq!(rig.alerts.iter().filter(|alert| alert.kind == "venue_restricts").count(), 1);
        assert!(rig.cancels_sent() >= 2, "what can add risk is taken off the book");
        let sent = rig.attempts_sent().len();
        let intention = Intention::Reduce;
        let exit = rig.submit(Terms { side: Side::Sell, intention, qty: Some(qty("0.4")), kind: OrderKind::Market, ..buy(leg) });
        assert_eq!(rig.attempts_sent().len(), sent + 1, "{mode:?}: {:?}", rig.status(exit));
    }
}

#[test]
fn a_question_that_is_refused_because_of_the_key_stops_the_account() {
    for (mode, leg) in MODES {
        let mut rig = rig(mode);
        let order = rig.submit(buy(leg));
        rig.durable();
        rig.outcome(Err(CommandError::Unknown { why: "status 401, code -2017".into(), live: false }));
        rig.wait(1_000);
        let refusal = Rejection { class: RejectClass::Auth, code: -2017, text: "API Keys are locked".into() };
        assert!(rig.answer_orders(&Err(QueryError::Refused(refusal))) > 0);
        let shut = rig.engine.gate_shut();
        assert!(shut.iter().any(|why| why.kind() == "latched" && why.advice().contains("list of addresses")), "{shut:?}");
        assert!(!rig.status(order).is_ended(), "and its fate is as unknown as before");
        assert!(
            rig.sent.iter().all(|r| !matches!(r, Request::Submit { attempt, .. } if attempt.cl_ord_id != rig.cl_ord_id(order)))
        );
    }
}

#[test]
fn what_holds_for_the_whole_account_is_asked_for_at_the_start_and_shuts_the_gate_before_an_order_is_refused() {
    for (mode, leg) in MODES {
        let mut rig = at_its_start(mode);
        let of_account = rig.asked.values().filter(|q| matches!(q, Query::Restrictions(i) if i.is_empty())).count();
        assert_eq!(of_account, 1, "{mode:?}");
        let lock = Restriction { instrument: None, text: "trading is locked by the rule UFR".into(), until: None };
        assert_eq!(answer(&mut rig, &Ok(Vec::from([lock]))), 1);
        assert!(rig.engine.gate_shut().iter().any(|shut| matches!(shut, Shut::Restricted(_))), "{mode:?}");
        assert!(is_denied(&mut rig, leg), "{mode:?}");
        assert!(rig.sent.is_empty(), "{mode:?}: {:?}", rig.sent);
        assert!(minutes_until_open(&mut rig, &Ok(Vec::new()), 2).is_some(), "{mode:?}: an answer that shows it no more ends it");
        rig.wait(MINUTE_MS);
        answer(&mut rig, &Ok(Vec::new()));
        rig.link_up();
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        assert_eq!(answer(&mut rig, &Ok(Vec::new())), 1, "{mode:?}: who was away may have missed something");
    }
}

#[test]
fn a_start_whose_question_about_the_account_fails_is_held_up_by_nothing() {
    for (mode, leg) in MODES {
        let mut rig = at_its_start(mode);
        assert_eq!(answer(&mut rig, &Err(QueryError::Unavailable("no route".into()))), 1);
        assert!(!is_denied(&mut rig, leg), "{mode:?}");
        rig.wait(5_000);
        assert_eq!(answer(&mut rig, &Ok(Vec::new())), 1, "{mode:?}: it is asked again");
        rig.wait(MINUTE_MS);
        assert_eq!(answer(&mut rig, &Ok(Vec::new())), 0, "{mode:?}: nothing is restricted, and that is known");
    }
}
