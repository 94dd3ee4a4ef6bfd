//! Defects that other stacks have shipped, about one order: what became of it, and what a request that failed says about it.

use crate::{
    places::{PLACES, fail_questions, hear, other_strategy, restarted},
    scene::{btc, foreign, refused, unknown},
};
use exec_core::{
    command::{ChangeOrder, Command, NewOrder},
    conversation::{Input, Phase, Request},
    engine::config::StrategyConfig,
    ids::{IntentId, SessionId},
    order::{
        event::OrderEvent,
        intent::{Handling, InDoubt},
        status::OrdStatus,
    },
    report::{ExpiryReason, ReportBody, VenueStatus},
    terms::{OrderKind, TimeInForce},
    venue::{CommandError, Lookup, RejectClass},
};
use exec_testkit::{
    fixtures::{config, price, qty},
    rig::Rig,
};

fn working(rig: &mut Rig, terms: exec_core::terms::Terms) -> IntentId {
    let intent = rig.submit(terms);
    rig.durable();
    rig.accept(intent);
    intent
}

fn told_an_ending(rig: &Rig) -> bool {
    rig.was_told(|e| matches!(e, OrderEvent::Rejected { .. } | OrderEvent::NotSent { .. } | OrderEvent::GivenUp(_)))
        || rig.told_facts().iter().any(|u| u.to.is_ended() && u.to != OrdStatus::Filled)
}

#[test]
fn defect_timed_out_submit_is_declared_rejected() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = rig.submit_with(place.entry("1"), Handling { in_doubt: InDoubt::Keep, ..Handling::default() });
        rig.durable();
        rig.outcome(Err(unknown()));
        for second in 0..90 {
            assert!(!rig.status(intent).is_ended(), "{place:?}: nothing was heard for {second} s, and that ended it");
            assert!(rig.order(intent).is_in_doubt(), "{place:?}");
            fail_questions(&mut rig);
            rig.wait(1_000);
        }
        assert!(rig.was_told(|e| matches!(e, OrderEvent::Doubted { .. })), "{place:?}: doubt is told");
        rig.fill(intent, 7, "0.4", "99", "0.4");
        assert_eq!((rig.status(intent), place.held(&rig).as_str()), (OrdStatus::PartiallyFilled, "0.4"), "{place:?}");
        rig.fill(intent, 8, "0.6", "99", "1");
        assert_eq!((rig.status(intent), place.held(&rig).as_str()), (OrdStatus::Filled, "1"), "{place:?}");
        assert!(!told_an_ending(&rig), "{place:?}: its strategy was told that it had failed");
        assert!(rig.engine.books().latches().is_empty(), "{place:?}: nothing that was assumed has broken");
        assert_eq!(rig.attempts_sent().len(), 1, "{place:?}");
    }
}

#[test]
fn defect_retry_after_1007_although_the_stream_had_accepted_it() {
    let timeout = || CommandError::Unknown { why: "-1007 Timeout waiting for response from backend server".into(), live: false };
    for place in PLACES {
        for terms in [place.entry("1"), place.market("1")] {
            for stream_first in [true, false] {
                let mut rig = place.live();
                let intent = rig.submit_with(terms.clone(), Handling { in_doubt: InDoubt::Keep, ..Handling::default() });
                rig.durable();
                let accepted = rig.venue_report(intent, VenueStatus::New, "0");
                if stream_first {
                    rig.stream(accepted.clone());
                    rig.outcome(Err(timeout()));
                } else {
                    rig.outcome(Err(timeout()));
                    rig.stream(accepted.clone());
                }
                for _ in 0..120 {
                    rig.durable();
                    rig.answer_orders(&Ok(Lookup::Found(Box::new(accepted.clone()))));
                    rig.wait(250);
                }
                assert_eq!(rig.attempts_sent().len(), 1, "{place:?}: the venue has it, and it was sent again");
                assert_eq!(rig.order(intent).attempts().len(), 1, "{place:?}");
                assert_eq!((rig.status(intent), rig.engine.in_doubt()), (OrdStatus::New, 0), "{place:?}");
            }
        }
    }
}

#[test]
fn defect_pending_cancel_is_forced_to_cancelled_in_an_outage() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = working(&mut rig, place.entry("1"));
        rig.command(Command::Cancel(intent));
        rig.outcome(Err(unknown()));
        rig.give(Input::LinkDown { session: SessionId(1), why: "no route to host".into() });
        let mut answered = rig.sent.len();
        for _ in 0..120 {
            rig.wait(1_000);
            fail_questions(&mut rig);
            if rig.sent.len() > answered {
                answered = rig.sent.len();
                rig.outcome(Err(CommandError::NotSent("no route to host".into())));
            }
            assert!(!rig.status(intent).is_ended(), "{place:?}: nobody has said that it is cancelled");
        }
        assert!(rig.cancels_sent() > 5, "{place:?}: a wish is repeated");
        // The venue had filled it in part before anybody could be asked.
        rig.give(Input::LinkUp(SessionId(2)));
        rig.wait(5_000);
        assert_eq!(rig.status(intent), OrdStatus::PendingCancel, "{place:?}: the wish stands");
        rig.fill(intent, 5, "0.4", "99", "0.4");
        let report = rig.venue_report(intent, VenueStatus::Canceled, "0.4");
        rig.outcome(Ok(Box::new(report)));
        assert_eq!((rig.status(intent), place.held(&rig).as_str()), (OrdStatus::Canceled, "0.4"), "{place:?}");
        assert!(!rig.told_facts().iter().any(|u| u.late), "{place:?}: the fill came before the end, as it was told");
    }
}

#[test]
fn defect_fill_after_expired_is_dropped() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = working(&mut rig, place.entry("1"));
        let id = rig.cl_ord_id(intent);
        let expired = rig.venue_report(intent, VenueStatus::Expired(ExpiryReason::TimeUp), "0");
        rig.stream(expired.clone());
        assert_eq!(rig.status(intent), OrdStatus::Expired, "{place:?}");
        let order = expired.order_id.expect("an id");
        // Once in the order's own words, once from the trade event alone, and the first one twice.
        let mut filled = expired.clone();
        filled.fill = Some(place.trade_of(&rig, id, order, 5, "0.3").fill);
        filled.cum_qty = Some(qty("0.3"));
        rig.stream(filled.clone());
        let trade = place.trade_of(&rig, id, order, 6, "0.2");
        hear(&mut rig, 1, ReportBody::Trade(trade));
        rig.stream(filled);
        assert_eq!(place.held(&rig), "0.5", "{place:?}: a fill is a fact whenever it comes");
        assert_eq!((rig.status(intent), rig.order(intent).cum_qty()), (OrdStatus::Expired, qty("0.5")), "{place:?}");
        assert_eq!(rig.told_facts().iter().filter(|u| u.late).count(), 2, "{place:?}: and told as late");
        let rig = restarted(rig);
        assert_eq!(place.held(&rig), "0.5", "{place:?}: also after a restart");
    }
}

#[test]
fn defect_partial_fill_after_a_cancel_reopens_the_order() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = working(&mut rig, place.entry("1"));
        rig.command(Command::Cancel(intent));
        let report = rig.venue_report(intent, VenueStatus::Canceled, "0");
        rig.outcome(Ok(Box::new(report.clone())));
        rig.stream(report);
        assert_eq!(rig.status(intent), OrdStatus::Canceled, "{place:?}");
        let sent = rig.sent.len();
        rig.fill(intent, 5, "0.4", "99", "0.4");
        assert_eq!(rig.status(intent), OrdStatus::Canceled, "{place:?}: it stays cancelled");
        assert_eq!((place.held(&rig).as_str(), rig.order(intent).leaves_qty()), ("0.4", qty("0")), "{place:?}");
        assert_eq!(rig.engine.books().open_count(), 0, "{place:?}: nothing of it is open");
        rig.wait(60_000);
        assert_eq!(rig.sent.len(), sent, "{place:?}: and nothing more is to be cancelled");
        assert_eq!(rig.engine.phase(), Phase::Live, "{place:?}");
    }
}

#[test]
fn defect_overfill_disappears() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = working(&mut rig, place.entry("1"));
        let (id, order) = (rig.cl_ord_id(intent), rig.venue_report(intent, VenueStatus::New, "0").order_id.expect("an id"));
        rig.fill(intent, 5, "0.7", "99", "0.7");
        let trade = place.trade_of(&rig, id, order, 6, "0.8");
        hear(&mut rig, 1, ReportBody::Trade(trade));
        assert_eq!(place.held(&rig), "1.5", "{place:?}: the account holds it, whatever was asked for");
        assert_eq!((rig.status(intent), rig.order(intent).cum_qty()), (OrdStatus::Filled, qty("1.5")), "{place:?}");
        assert_eq!(rig.order(intent).fills().count(), 2, "{place:?}");
        assert!(rig.alerted("overfill"), "{place:?}: and somebody must look");
        let mut rig = restarted(rig);
        let status = place.status(&rig, "1.5", Some(6));
        rig.answer_recovery(status);
        rig.no_trades();
        assert!(rig.engine.differences().is_empty(), "{place:?}: {:?}", rig.engine.differences());
    }
}

#[test]
fn defect_not_found_cancel_of_a_filled_order_loops() {
    for place in PLACES {
        let mut rig = place.live();
        let intent = working(&mut rig, place.entry("1"));
        rig.command(Command::Cancel(intent));
        rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
        assert!(!rig.status(intent).is_ended(), "{place:?}: -2011 says where it is not, and no more");
        // The question fails for a while, and every further cancel gets the same answer.
        let mut answered = rig.sent.len();
        for _ in 0..20 {
            rig.wait(1_000);
            fail_questions(&mut rig);
            if rig.sent.len() > answered {
                answered = rig.sent.len();
                rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
            }
        }
        assert!(rig.cancels_sent() <= 25, "{place:?}: {} cancels in 20 s", rig.cancels_sent());
        let filled = rig.venue_report(intent, VenueStatus::Filled, "1");
        for _ in 0..20 {
            rig.wait(1_000);
            rig.answer_orders(&Ok(Lookup::Found(Box::new(filled.clone()))));
            if rig.sent.len() > answered {
                answered = rig.sent.len();
                rig.outcome(Err(refused(RejectClass::NotOnBook, -2011)));
            }
        }
        assert_eq!((rig.status(intent), place.held(&rig).as_str()), (OrdStatus::Filled, "1"), "{place:?}: it was asked for");
        let sent = rig.sent.len();
        rig.wait(60_000);
        assert_eq!(rig.sent.len(), sent, "{place:?}: a filled order is not cancelled");
    }
}

#[test]
fn defect_network_errors_are_counted_as_not_found() {
    for place in PLACES {
        let mut rig = place.live();
        // One that was acknowledged long ago, one in doubt; and nothing can be asked for an hour.
        let resting = working(&mut rig, place.entry("1"));
        rig.ms += 5 * 24 * 3_600_000;
        let doubtful = rig.submit_with(place.entry("2"), Handling { in_doubt: InDoubt::Keep, ..Handling::default() });
        rig.durable();
        rig.outcome(Err(unknown()));
        rig.give(Input::LinkUp(SessionId(2)));
        let status = rig.flat();
        rig.answer_recovery(status);
        let mut asked = 0;
        for _ in 0..3_600 {
            asked += fail_questions(&mut rig);
            rig.wait(1_000);
        }
        assert!(asked > 20, "{place:?}: it is asked again: {asked} times");
        assert_eq!(rig.status(resting), OrdStatus::New, "{place:?}: an error is not an absence");
        assert!(rig.order(doubtful).is_in_doubt() && !rig.status(doubtful).is_ended(), "{place:?}");
        assert!(!told_an_ending(&rig), "{place:?}");
        // Answers end it: absences, each complete.
        for _ in 0..120 {
            rig.answer_orders(&Ok(Lookup::Absent));
            rig.wait(1_000);
        }
        assert_eq!(rig.status(doubtful), OrdStatus::Presumed, "{place:?}");
    }
}

#[test]
fn defect_restored_working_order_cannot_be_managed() {
    for place in PLACES {
        let mut rig = place.live();
        let (first, second) = (working(&mut rig, place.entry("1")), working(&mut rig, place.entry("2")));
        let names = [rig.cl_ord_id(first), rig.cl_ord_id(second)];
        let open = [first, second].map(|i| rig.venue_report(i, VenueStatus::New, "0"));
        let mut rig = restarted(rig);
        let mut status = rig.flat();
        status.open_orders = open.to_vec();
        rig.answer_recovery(status);
        rig.no_trades();
        assert_eq!((rig.status(first), rig.status(second)), (OrdStatus::New, OrdStatus::New), "{place:?}");
        rig.command(Command::Cancel(first));
        let cancelled = rig.sent.iter().find_map(|r| if let Request::Cancel(c) = r { Some(c.order.clone()) } else { None });
        let cancelled = cancelled.unwrap_or_else(|| panic!("{place:?}: no cancel left"));
        assert_eq!((cancelled.cl_ord_id, cancelled.order_id), (Some(names[0]), open[0].order_id), "{place:?}");
        let gone = rig.venue_report(first, VenueStatus::Canceled, "0");
        rig.outcome(Ok(Box::new(gone)));
        assert_eq!(rig.status(first), OrdStatus::Canceled, "{place:?}");
        rig.command(Command::Replace(ChangeOrder { intent: second, qty: Some(qty("3")), price: None, trigger: None }));
        rig.durable();
        let changed = rig.sent.last().map(|r| if let Request::Replace(c) = r { c.order.cl_ord_id } else { None });
        assert_eq!(changed, Some(Some(names[1])), "{place:?}: no change left");
        let limit = price("99").into();
        let mut report = rig.venue_report(second, VenueStatus::New, "0");
        (report.qty, report.kind) = (Some(qty("3")), Some(OrderKind::Limit { price: limit, tif: TimeInForce::Gtc }));
        rig.outcome(Ok(Box::new(report)));
        rig.fill(second, 9, "3", "99", "3");
        assert_eq!((rig.status(second), place.held(&rig).as_str()), (OrdStatus::Filled, "3"), "{place:?}");
    }
}

#[test]
fn defect_cancel_all_of_one_strategy_hits_anothers() {
    for place in PLACES {
        let mut config = config(place.mode, &["BTCUSDT"]);
        let other = StrategyConfig { id: other_strategy(), ..config.strategies[0].clone() };
        config.strategies.push(other);
        config.in_doubt_max = 5;
        let mut rig = Rig::live(config);
        let mine = working(&mut rig, place.entry("1"));
        let theirs = IntentId(900);
        let new = NewOrder { intent: theirs, terms: place.entry("2"), handling: Handling::default(), list: None };
        let commands = vec![Command::Submit(new)];
        rig.give(Input::Commands { strategy: other_strategy(), seen: None, commands, state: None });
        rig.durable();
        rig.accept(theirs);
        let mut manual = foreign("77", "4", "0");
        rig.wait(10);
        (manual.side, manual.leg, manual.updated) = (place.in_side(), Some(place.leg), rig.venue_time());
        rig.stream(manual.clone());
        let by_hand = rig.engine.books().find(&btc(), None, manual.order_id.as_ref(), None).expect("it was taken in");
        // One is still on its way when everything is cancelled.
        let late = rig.submit(place.entry("3"));
        rig.durable();
        rig.command(Command::CancelAll(None));
        let wished: Vec<_> = [mine, theirs, by_hand, late].into_iter().filter(|i| rig.order(*i).cancel_wished()).collect();
        assert_eq!(wished, [mine, late], "{place:?}: its own, the one in flight too, and nobody else's");
        let cancels: Vec<_> =
            rig.sent.iter().filter_map(|r| if let Request::Cancel(c) = r { c.order.cl_ord_id } else { None }).collect();
        assert_eq!(cancels, [rig.cl_ord_id(mine), rig.cl_ord_id(late)], "{place:?}");
        assert!(!rig.sent.iter().any(|r| matches!(r, Request::CancelAll(_))), "{place:?}: that would take everybody's");
    }
}
