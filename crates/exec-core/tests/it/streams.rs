//! The private stream is handed over, late, silent or gone: what is noticed, how soon, and what is done. In both modes.

use crate::{
    scene::{buy, closing},
    stream_desk::Desk,
};
use exec_core::{
    conversation::{Input, Phase, Query, Request, StrategyEvent},
    engine::config::StreamCare,
    order::{event::OrderEvent, intent::ExchangeMade, status::OrdStatus},
    report::{AccountReport, FeedEnd, OrderReport, PositionReport, Report, ReportBody, VenueStatus},
    start_report::Shut,
    terms::Terms,
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::RejectClass,
};
use exec_testkit::fixtures::qty;
use std::collections::VecDeque;

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

#[test]
fn promise_p20_on_a_silently_dead_stream_a_fill_an_adl_and_a_manual_close_reach_the_strategy_within_15_seconds() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        desk.run(7_300);
        desk.fill(entry, 2, false);
        let took = desk.until(15_000, |d| d.status(entry) == OrdStatus::Filled);
        assert!(desk.rig.was_told(|e| matches!(e, OrderEvent::Executed { .. })) && desk.books() == desk.held, "{mode:?} {took}");
        assert_eq!(desk.rig.reopened.len(), 1, "{mode:?}: nothing was heard of it, so another session is opened");

        let (mut desk, ..) = Desk::holding(mode, leg);
        desk.run(3_100);
        desk.closed(Some(ExchangeMade::AutoDeleveraging), "adl_autoclose", 2);
        desk.until(15_000, |d| d.rig.told.iter().any(|(_, e)| matches!(e, StrategyEvent::Exchange(_))));
        assert!(desk.books().is_zero(), "{mode:?}");

        let (mut desk, ..) = Desk::holding(mode, leg);
        desk.run(5_900);
        desk.closed(None, "web_1", 2);
        let before = desk.rig.told_facts().len();
        desk.until(15_000, |d| d.books().is_zero());
        assert!(desk.rig.told_facts().len() > before, "{mode:?}: the strategy claims what others do here");
    }
}

#[test]
fn looks_that_find_every_fill_sooner_than_silence_proves_anything_still_end_a_silent_stream() {
    for (mode, leg) in MODES {
        let mut desk = Desk::with(mode, leg, StreamCare { look_every_ms: 500, ..StreamCare::default() });
        let entry = desk.place(Terms { leg, ..buy() });
        desk.run(1_000);
        desk.fill(entry, 1, false);
        let took = desk.until(2_000, |d| d.books() == d.held);
        assert!(desk.rig.reopened.is_empty(), "{mode:?}: an event may still come after {took} ms");
        desk.until(4_000, |d| d.rig.reopened.len() == 1);

        // One that is only slow is kept.
        let mut desk = Desk::with(mode, leg, StreamCare { look_every_ms: 500, ..StreamCare::default() });
        let entry = desk.place(Terms { leg, ..buy() });
        desk.run(1_000);
        desk.fill(entry, 1, false);
        desk.run(2_000);
        desk.tell(ReportBody::Irrelevant { name: "STRATEGY_UPDATE".into() });
        desk.run(20_000);
        assert!(desk.rig.reopened.is_empty(), "{mode:?}");
    }
}

#[test]
fn blind_entries_are_cancelled_within_a_second_of_blind_cancel_secs_and_stops_stay() {
    for (mode, leg) in MODES {
        let (mut desk, entry, stop) = Desk::holding(mode, leg);
        desk.opens = false;
        desk.rig.link_down();
        desk.run(9_900);
        assert_eq!((desk.status(entry), desk.rig.cancels_sent()), (OrdStatus::New, 0), "{mode:?}: not before");
        desk.until(1_100, |d| d.status(entry) == OrdStatus::Canceled);
        assert_eq!(desk.status(stop), OrdStatus::New, "{mode:?}: what closes stays");
        assert!(desk.rig.alerted("blind") && desk.shut().contains(&Shut::Blind), "{mode:?}");
        let told = |e: &StrategyEvent| matches!(e, StrategyEvent::Phase(change) if change.shut.contains(&Shut::Blind));
        assert!(desk.rig.told.iter().any(|(_, e)| told(e)), "{mode:?}: strategies are told");
        desk.rig.link_up();
        desk.run(1_000);
        assert_eq!((desk.rig.engine.phase(), desk.status(stop)), (Phase::Live, OrdStatus::New), "{mode:?}");
    }
}

#[test]
fn a_short_loss_of_the_stream_costs_no_entry() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        desk.rig.link_down();
        desk.run(9_000);
        desk.rig.link_up();
        desk.run(20_000);
        assert_eq!((desk.status(entry), desk.rig.engine.phase()), (OrdStatus::New, Phase::Live), "{mode:?}");
    }
}

#[test]
fn with_no_stream_at_all_questions_still_tell_what_happens() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        desk.opens = false;
        desk.rig.link_down();
        desk.run(1_000);
        desk.fill(entry, 2, false);
        desk.until(15_000, |d| d.status(entry) == OrdStatus::Filled);
        assert_eq!(desk.books(), desk.held, "{mode:?}");
        assert!(
            desk.shut().contains(&Shut::NoStream) && desk.shut().contains(&Shut::NotReconciled),
            "{mode:?}: and open no gate"
        );
    }
}

#[test]
fn one_lost_fill_on_a_living_stream_is_found_within_a_second_and_without_a_question_before() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        desk.fill(entry, 2, false);
        assert!(desk.rig.asked.is_empty());
        let account = AccountReport {
            reason: "ORDER".into(),
            at: desk.rig.venue_time(),
            balances: Vec::new(),
            positions: vec![desk.row()],
        };
        desk.tell(ReportBody::Account(account));
        desk.rig.wait(999);
        assert!(desk.rig.asked.is_empty(), "{mode:?}");
        desk.rig.wait(1);
        assert!(desk.rig.alerted("position_unexplained"), "{mode:?}");
        desk.answer();
        assert_eq!((desk.status(entry), desk.books()), (OrdStatus::Filled, desk.held), "{mode:?}");
        assert!(desk.rig.reopened.is_empty(), "{mode:?}: the stream lives");
    }
}

#[test]
fn a_position_is_judged_a_second_after_it_was_reported_and_not_with_the_one_before() {
    for (mode, leg) in MODES {
        let (mut desk, ..) = Desk::holding(mode, leg);
        let account = |desk: &Desk, held: &str| {
            let rows = vec![PositionReport { qty: held.parse().unwrap(), ..desk.row() }];
            ReportBody::Account(AccountReport { reason: "ORDER".into(), at: VenueTime(1), balances: Vec::new(), positions: rows })
        };
        let body = account(&desk, "2");
        desk.tell(body);
        desk.rig.wait(900);
        let body = account(&desk, "3");
        desk.tell(body);
        desk.rig.wait(900);
        assert!(!desk.rig.alerted("position_unexplained"), "{mode:?}: it may be explained still");
        desk.rig.wait(100);
        assert!(desk.rig.alerted("position_unexplained"), "{mode:?}");
    }
}

#[test]
fn an_acknowledged_order_of_which_nothing_is_heard_for_three_seconds_and_that_is_there_means_a_dead_stream() {
    for (mode, leg) in MODES {
        let mut desk = Desk::new(mode, leg);
        desk.opens = false;
        let intent = desk.rig.submit(Terms { leg, ..buy() });
        desk.rig.durable();
        desk.acknowledge(intent);
        desk.rig.wait(2_999);
        assert!(desk.rig.asked.is_empty(), "{mode:?}");
        desk.rig.wait(1);
        assert_eq!(desk.rig.asked.values().filter(|q| matches!(q, Query::Order(_))).count(), 1, "{mode:?}: one question");
        assert!(desk.rig.reopened.is_empty(), "{mode:?}: silence alone proves nothing");
        desk.answer();
        assert_eq!(desk.rig.reopened, [desk.rig.session()], "{mode:?}");
        assert!(matches!(desk.shut()[..], [Shut::StreamDead(_)]), "{mode:?} {:?}", desk.shut());
        assert_eq!(desk.rig.engine.phase(), Phase::Degraded, "{mode:?}");
        // Blind since the acknowledgement, of which three seconds are over.
        desk.run(6_800);
        assert_eq!(desk.status(intent), OrdStatus::New, "{mode:?}");
        desk.run(1_000);
        assert_eq!(desk.status(intent), OrdStatus::Canceled, "{mode:?}");
    }
}

#[test]
fn a_cancel_and_a_change_owe_an_event_too() {
    for (mode, leg) in MODES {
        let mut desk = Desk::new(mode, leg);
        let intent = desk.place(Terms { leg, ..buy() });
        desk.rig.command(exec_core::command::Command::Cancel(intent));
        desk.run(3_500);
        assert_eq!((desk.status(intent), desk.rig.reopened.len()), (OrdStatus::Canceled, 1), "{mode:?}");
    }
}

#[test]
fn what_owes_no_event_arms_nothing() {
    for (mode, leg) in MODES {
        // The event overtook the reply.
        let mut desk = Desk::new(mode, leg);
        let intent = desk.rig.submit(Terms { leg, ..buy() });
        desk.rig.durable();
        let report = desk.rig.venue_report(intent, VenueStatus::New, "0");
        desk.tell(ReportBody::Order(report.clone()));
        desk.rig.outcome(Ok(Box::new(report.clone())));
        desk.orders.push(report.clone());
        desk.rig.wait(9_000);
        assert!(desk.rig.asked.is_empty() && desk.rig.reopened.is_empty(), "{mode:?}");
        // Anything at all is heard.
        let other = desk.rig.submit(Terms { leg, ..buy() });
        desk.rig.durable();
        desk.acknowledge(other);
        desk.tell(ReportBody::Irrelevant { name: "STRATEGY_UPDATE".into() });
        desk.rig.wait(900);
        // The order had ended before the cancel came.
        let mut ended = report;
        ended.status = VenueStatus::Canceled;
        ended.updated = desk.rig.venue_time();
        desk.rig.command(exec_core::command::Command::Cancel(intent));
        desk.tell(ReportBody::Order(ended));
        desk.rig.outcome(Err(crate::scene::refused(RejectClass::NotOnBook, -2011)));
        desk.served = desk.rig.sent.len();
        desk.orders.retain(|o| o.cl_ord_id != Some(desk.rig.cl_ord_id(intent)));
        desk.run(30_000);
        assert!(desk.rig.reopened.is_empty(), "{mode:?}");
    }
}

#[test]
fn a_stream_that_is_dead_after_the_reconnect_is_found_dead_again_and_sessions_in_vain_are_spread() {
    for (mode, leg) in MODES {
        let mut desk = Desk::new(mode, leg);
        for n in 0..60_u32 {
            // Whatever the gate lets through is acknowledged and never told.
            let intent = desk.rig.submit(Terms { leg, qty: Some(qty("0.1")), ..buy() });
            desk.rig.durable();
            if desk.rig.order(intent).last().is_some() && !desk.status(intent).is_ended() {
                desk.acknowledge(intent);
            }
            desk.run(10_000);
            if n == 1 {
                assert!((1..=3).contains(&desk.rig.reopened.len()), "{mode:?}: {:?}", desk.rig.reopened);
            }
        }
        assert!((3..=12).contains(&desk.rig.reopened.len()), "{mode:?}: {} in ten minutes", desk.rig.reopened.len());
    }
}

/// Sessions that the venue closes one after the other are one trial, or an account on which nothing happens would be shut for good.
#[test]
fn a_trial_of_sessions_goes_on_over_their_ends_and_is_over_after_20_seconds() {
    for (mode, leg) in MODES {
        let mut desk = Desk::new(mode, leg);
        while desk.rig.reopened.len() < 2 {
            let intent = desk.rig.submit(Terms { leg, qty: Some(qty("0.1")), ..buy() });
            desk.rig.durable();
            if desk.rig.order(intent).last().is_some() && !desk.status(intent).is_ended() {
                desk.acknowledge(intent);
            }
            desk.run(1_000);
        }
        let begun = desk.rig.ms;
        let on_trial = |desk: &Desk| desk.shut().iter().any(|why| matches!(why, Shut::StreamDead(_)));
        for _ in 0..3 {
            assert!(on_trial(&desk), "{mode:?} {:?} after {}", desk.shut(), desk.rig.ms - begun);
            desk.run(6_000);
            desk.rig.link_down();
            desk.rig.link_up();
        }
        assert!(on_trial(&desk), "{mode:?}");
        desk.run(3_000);
        assert!(!on_trial(&desk), "{mode:?}: {:?}", desk.shut());
        desk.rig.link_down();
        desk.rig.link_up();
        assert!(!on_trial(&desk), "{mode:?}: it was believed");
    }
}

#[test]
fn a_late_stream_is_kept_and_takes_no_new_risk() {
    for (mode, leg) in MODES {
        let (mut desk, ..) = Desk::holding(mode, leg);
        let session = desk.rig.session();
        let late = |desk: &mut Desk, ms: i64| {
            let sent = Some(VenueTime(desk.rig.venue_time().0 - ms));
            let body = ReportBody::Irrelevant { name: "STRATEGY_UPDATE".into() };
            desk.rig.give(Input::Report { session, report: Report { sent, body } });
        };
        late(&mut desk, 3_000);
        assert_eq!(desk.rig.engine.phase(), Phase::Live, "{mode:?}");
        late(&mut desk, 7_000);
        assert!(matches!(desk.shut()[..], [Shut::StreamLate(lag)] if lag > 6_900), "{mode:?} {:?}", desk.shut());
        let refused = desk.rig.submit(Terms { leg, ..buy() });
        let exit = desk.rig.submit(closing(Side::Sell, leg, "0.5"));
        assert_eq!((desk.status(refused), desk.status(exit)), (OrdStatus::Denied, OrdStatus::PendingNew), "{mode:?}: exits pass");
        late(&mut desk, 100);
        assert_eq!(desk.rig.engine.phase(), Phase::Live, "{mode:?}");
        late(&mut desk, 7_000);
        desk.run(14_500);
        assert!(
            desk.rig.engine.phase() == Phase::Live && desk.rig.reopened.is_empty(),
            "{mode:?}: a quiet account waits for none"
        );
    }
}

#[test]
fn lateness_ends_in_a_quiet_account_although_an_event_is_still_owed() {
    for (mode, leg) in MODES {
        let (mut desk, ..) = Desk::holding(mode, leg);
        let late = |desk: &mut Desk| {
            let (session, sent) = (desk.rig.session(), Some(VenueTime(desk.rig.venue_time().0 - 4_000)));
            let body = ReportBody::Irrelevant { name: "STRATEGY_UPDATE".into() };
            desk.rig.give(Input::Report { session, report: Report { sent, body } });
        };
        late(&mut desk);
        desk.run(11_000);
        assert_eq!(desk.rig.engine.phase(), Phase::Live, "{mode:?}");
        // On a stream that is known to be late an event may be owed for long.
        let intent = desk.rig.submit(Terms { leg, ..buy() });
        desk.rig.durable();
        desk.acknowledge(intent);
        late(&mut desk);
        assert_eq!(desk.rig.engine.phase(), Phase::Degraded, "{mode:?}");
        desk.run(11_000);
        assert_eq!(desk.rig.engine.phase(), Phase::Live, "{mode:?} {:?}", desk.shut());
    }
}

#[test]
fn events_delayed_by_5_to_60_seconds_for_10_minutes_under_429s_cost_at_most_3_hand_overs_and_books_are_equal() {
    for (mode, leg) in MODES {
        for seed in 0..4_u64 {
            let mut desk = Desk::new(mode, leg);
            desk.answers_one_in = 2;
            let mut queue: VecDeque<(u64, Report)> = VecDeque::new();
            let mut random = seed.wrapping_mul(0x9E37_79B9).wrapping_add(7);
            let mut delay = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if seed == 3 { 60_000 } else { 5_000 + (random >> 33) % 55_000 }
            };
            for n in 0..600_u64 {
                if n % 3 == 0 {
                    let intent = desk.rig.submit(Terms { leg, qty: Some(qty("0.1")), ..buy() });
                    desk.rig.durable();
                    if desk.status(intent) == OrdStatus::PendingNew {
                        let placed = desk.acknowledge(intent);
                        let sent = Some(desk.rig.venue_time());
                        queue.push_back((desk.rig.ms + delay(), Report { sent, body: ReportBody::Order(placed) }));
                        desk.fill(intent, n + 1, false);
                        let (report, trade) = (desk.orders.last().unwrap().clone(), desk.trades.last().unwrap().clone());
                        let body = ReportBody::Order(OrderReport { fill: Some(trade.fill), ..report });
                        queue.push_back((desk.rig.ms + delay(), Report { sent, body }));
                    }
                }
                desk.run(1_000);
                let (due, rest): (Vec<_>, Vec<_>) = queue.into_iter().partition(|(at, _)| *at <= desk.rig.ms);
                queue = rest.into();
                for (_, report) in due {
                    // Every session of the account carries it.
                    desk.rig.give(Input::Report { session: desk.rig.session(), report });
                    desk.rig.durable();
                }
            }
            assert!(desk.trades.len() > 5, "{mode:?} {seed}: {}", desk.trades.len());
            assert!(desk.rig.reopened.len() <= 3, "{mode:?} {seed}: {} hand-overs", desk.rig.reopened.len());
            desk.answers_one_in = 1;
            desk.run(30_000);
            assert_eq!(desk.books(), desk.held, "{mode:?} {seed}");
        }
    }
}

#[test]
fn a_hand_over_hears_both_sessions_and_closes_the_old_one_when_all_is_compared() {
    for (mode, leg) in MODES {
        for reason in [FeedEnd::KeyExpired, FeedEnd::Shutdown, FeedEnd::Age] {
            let (mut desk, entry, _) = Desk::holding(mode, leg);
            let old = desk.rig.session();
            desk.tell(ReportBody::Ending { reason });
            assert_eq!(desk.rig.reopened, [old], "{mode:?} {reason:?}");
            // A session whose key has expired stays open and says nothing; the others go on until the venue cuts them.
            assert_eq!(desk.rig.engine.phase() == Phase::Degraded, reason == FeedEnd::KeyExpired, "{mode:?} {reason:?}");
            desk.rig.link_up();
            assert!(desk.rig.closed.is_empty() && desk.rig.engine.phase() == Phase::Degraded, "{mode:?}: compared first");
            let status = desk.mass();
            // It happens behind the snapshot and is told by the old session alone, before the snapshot is heard.
            desk.fill(entry, 2, false);
            let (report, trade) = (desk.orders.last().unwrap().clone(), desk.trades.last().unwrap().clone());
            let body = ReportBody::Order(OrderReport { fill: Some(trade.fill), ..report });
            desk.rig.give(Input::Report { session: old, report: Report { sent: None, body: body.clone() } });
            assert_eq!(desk.status(entry), OrdStatus::Filled, "{mode:?} {reason:?}");
            desk.rig.answer_recovery(status);
            desk.answer();
            assert_eq!((desk.rig.closed.as_slice(), desk.rig.engine.phase()), ([old].as_slice(), Phase::Live), "{mode:?}");
            desk.tell(body);
            desk.rig.give(Input::LinkDown { session: old, why: "closed".into() });
            assert_eq!((desk.books(), desk.rig.engine.phase()), (desk.held, Phase::Live), "{mode:?}: told twice, counted once");
            assert!(!desk.rig.alerted("stream_lost"), "{mode:?}");
        }
    }
}

#[test]
fn events_between_the_snapshot_and_the_new_socket_are_not_lost() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        desk.rig.link_down();
        // Nobody tells this one; the snapshot is of after it.
        desk.fill(entry, 2, false);
        desk.rig.link_up();
        let status = desk.mass();
        // And this one is told before the snapshot is heard, which does not know it.
        desk.closed(None, "web_1", 3);
        let (report, trade) = (desk.orders.last().unwrap().clone(), desk.trades.last().unwrap().clone());
        desk.tell(ReportBody::Order(OrderReport { fill: Some(trade.fill), ..report }));
        desk.rig.answer_recovery(status);
        desk.answer();
        desk.run(2_000);
        assert_eq!((desk.status(entry), desk.books()), (OrdStatus::Filled, desk.held), "{mode:?}");
        assert!(desk.rig.engine.differences().is_empty(), "{mode:?}");
        assert_eq!(desk.rig.engine.phase(), Phase::Live, "{mode:?}");
    }
}

#[test]
fn a_successor_that_is_lost_at_once_leaves_the_old_session_open() {
    for (mode, leg) in MODES {
        let (mut desk, entry, _) = Desk::holding(mode, leg);
        let old = desk.rig.session();
        desk.tell(ReportBody::Ending { reason: FeedEnd::Age });
        desk.rig.link_up();
        desk.rig.link_down();
        desk.rig.asked.clear();
        assert!(desk.rig.closed.is_empty(), "{mode:?}");
        desk.rig.link_up();
        desk.run(500);
        assert_eq!(desk.rig.closed, [old], "{mode:?}");
        assert_eq!((desk.status(entry), desk.rig.engine.phase()), (OrdStatus::New, Phase::Live), "{mode:?}");
    }
}

#[test]
fn a_slow_start_does_not_cost_the_entries_that_it_finds() {
    for (mode, leg) in MODES {
        let (desk, entry, _) = Desk::holding(mode, leg);
        let kept = desk.rig.journal.len();
        let mut rig = desk.rig.restarted(kept);
        rig.give(Input::Begin);
        rig.wait(59_000);
        assert_eq!(rig.cancels_sent(), 0, "{mode:?}");
        rig.wait(2_000);
        assert_eq!(rig.cancels_sent(), 1, "{mode:?}: but a node that never sees leaves no entry to itself");
        assert_eq!(rig.sent.len(), 1);
        let Some(Request::Cancel(cancel)) = rig.sent.last() else { panic!("{:?}", rig.sent) };
        assert_eq!(cancel.order.cl_ord_id, Some(rig.cl_ord_id(entry)));
    }
}
