//! Sequences in which an order, a stop or a list went wrong once. Each says in its name or comment what happened then.

use crate::{
    scene::{btc, closing, fill_of, foreign, netting, refused, unknown, working},
    stage::{Stage, long_stop, sell_stop, stop_limit_to_open, stop_to_open, take_profit},
};
use exec_core::{
    command::{ChangeOrder, Command, NewOrder},
    conversation::{Input, Outcome, Request},
    engine::config::ProtectionPolicy,
    ids::{ClOrdId, IntentId, ListId, SessionId},
    order::{
        intent::{Handling, ListPlace, ListRole},
        status::OrdStatus,
    },
    report::{ExpiryReason, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce, TriggerBy},
    units::{PositionSide, Side},
    venue::{CommandResult, Lookup, QueryError, RejectClass},
};
use exec_testkit::{
    fixtures::{decimal, limit, price, qty},
    rig::Rig,
};

fn answer(rig: &mut Rig, attempt: ClOrdId, result: CommandResult) {
    let request = rig.sent.iter().rev().find_map(|r| match r {
        Request::Submit { id, attempt: a } if a.cl_ord_id == attempt => Some(*id),
        _ => None,
    });
    rig.give(Input::Outcome { request: request.expect("sent"), outcome: Outcome::Order(result) });
}
fn refuse_last_of(stage: &mut Stage, intent: IntentId, class: RejectClass, code: i64) {
    let id = stage.rig.cl_ord_id(intent);
    answer(&mut stage.rig, id, Err(refused(class, code)));
}
fn placed(stage: &mut Stage, list: u64, role: ListRole, terms: Terms) -> NewOrder {
    NewOrder { intent: stage.name(), terms, handling: Handling::default(), list: Some(ListPlace { list: ListId(list), role }) }
}
fn tp_limit(amount: &str) -> Terms {
    Terms {
        kind: OrderKind::Limit { price: price("105").into(), tif: TimeInForce::Gtc },
        ..closing(Side::Sell, PositionSide::Net, amount)
    }
}
/// Entry 3@99, stop at 95, profit limit at 105. The entry stands.
fn bracket(stage: &mut Stage, list: u64) -> (IntentId, IntentId, IntentId) {
    let entry = placed(stage, list, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(stage, list, ListRole::StopLoss, sell_stop("3", "95"));
    let profit = placed(stage, list, ListRole::TakeProfit, tp_limit("3"));
    let ids = (entry.intent, stop.intent, profit.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
    stage.rig.durable();
    stage.rig.accept(ids.0);
    ids
}
fn sent_market(stage: &Stage) -> Vec<String> {
    stage
        .rig
        .attempts_sent()
        .iter()
        .filter(|a| a.terms.kind == OrderKind::Market && a.terms.is_closing())
        .map(|a| a.terms.qty.map(|q| q.to_string()).unwrap_or_default())
        .collect()
}
fn market_intent(stage: &Stage) -> IntentId {
    stage
        .rig
        .engine
        .books()
        .open_orders()
        .filter(|o| o.intent().terms.kind == OrderKind::Market)
        .map(|o| o.intent().id)
        .last()
        .expect("an exit")
}
fn trigger(intent: IntentId, to: &str) -> Command {
    Command::Replace(ChangeOrder { intent, qty: None, price: None, trigger: Some(price(to)) })
}

/// a resize of a bracket's stop that is refused comes again at the speed of the network, until no id is left.
#[test]
fn refused_resize_loops() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.rig.fill(entry, 2, "2", "99", "3");
    let before = stage.rig.attempts_sent().len();
    for _ in 0..40 {
        let last = stage.rig.cl_ord_id(stop);
        let order = stage.rig.order(stop);
        let open = order.attempts()[&last].rejection().is_none();
        if !open {
            break;
        }
        if order.attempts()[&last].seen_at_venue() {
            break;
        }
        refuse_last_of(&mut stage, stop, RejectClass::Failed, -1008);
    }
    let burnt = stage.rig.attempts_sent().len() - before;
    assert!(burnt <= 3, "{burnt} attempts in one instant");
}

/// after a refused resize the rest of the position has no stop and no remedy.
#[test]
fn refused_resize_leaves_uncovered() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.rig.fill(entry, 2, "2", "99", "3");
    for _ in 0..60 {
        for _ in 0..40 {
            let last = stage.rig.cl_ord_id(stop);
            let a = &stage.rig.order(stop).attempts()[&last];
            if a.rejection().is_some() || a.seen_at_venue() {
                break;
            }
            refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
        }
        stage.rig.wait(1_000);
        stage.leg_holds("3");
    }
    assert!(
        stage.rig.alerted("protection_lost") || stage.uncovered().is_zero(),
        "uncovered {}, a minute later",
        stage.uncovered()
    );
}

/// a remedy that was not needed once stands in the way of one that is needed later.
#[test]
fn remedy_not_needed_then_needed() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    stage.rig.wait(2_100); // not acknowledged in time: a remedy, and the leg is asked for
    assert!(stage.rig.alerted("protection_lost"));
    stage.accept_algo(stop); // it comes after all
    stage.leg_holds("3"); // nothing is uncovered, the remedy is dropped
    assert!(sent_market(&stage).is_empty());
    stage.algo(stop, VenueStatus::Triggering);
    stage.algo(stop, VenueStatus::Rejected); // now it really dies
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    stage.rig.wait(5_000);
    assert_eq!(stage.uncovered(), qty("3"));
    assert_eq!(sent_market(&stage), ["3"], "no remedy for a dead stop");
}

/// the stop is refused before the entry's fill is heard.
#[test]
fn stop_refused_before_fill_is_heard() {
    let mut stage = Stage::holding("0");
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "2") });
    stage.rig.durable();
    stage.rig.accept(entry);
    let stop = stage.submit(sell_stop("2", "95"));
    refuse_last_of(&mut stage, stop, RejectClass::WouldTrigger, -2021); // the venue has filled the entry already
    stage.rig.fill(entry, 1, "2", "94", "2");
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    assert!(
        stage.rig.alerted("protection_lost") && sent_market(&stage) == ["2"],
        "held {} with a dead stop, nothing done",
        stage.held()
    );
}

/// a stop refused with a try-again code, then a crash: the start gives it up and does not see the loss.
#[test]
fn stop_between_two_tries_at_a_crash() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Failed, -1008);
    let mut stage = stage.restarted();
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    stage.leg_holds("2");
    assert!(
        !stage.rig.attempts_sent().is_empty(),
        "stop is {:?}, uncovered {}, alerted {}",
        stage.rig.status(stop),
        stage.uncovered(),
        stage.rig.alerted("protection_lost")
    );
}

/// a bracket's entry whose further try is not made leaves its held-back orders for ever.
#[test]
fn entry_given_up_in_retry_leaves_the_list() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    let (e, s) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.give(Input::Operator { who: "op".into(), command: exec_core::command::OperatorCommand::Latch });
    stage.rig.wait(120_000);
    assert_eq!(stage.rig.status(e), OrdStatus::Rejected);
    assert_eq!((stage.rig.status(s), stage.rig.engine.books().open_count()), (OrdStatus::NotSent, 0));
}

/// the same where the entry is cancelled between two tries.
#[test]
fn entry_cancelled_between_tries_leaves_the_list() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    let (e, s) = (entry.intent, stop.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop]));
    stage.rig.durable();
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.command(Command::Cancel(e));
    stage.rig.wait(120_000);
    assert_eq!((stage.rig.status(s), stage.rig.engine.books().open_count()), (OrdStatus::NotSent, 0));
}

/// cancel-all takes the held-back stop at once, and the entry fills before its cancel arrives.
#[test]
fn cancel_all_then_the_entry_fills() {
    let mut stage = Stage::holding("0");
    let (entry, _stop, _) = bracket(&mut stage, 7);
    stage.rig.command(Command::CancelAll(None));
    stage.rig.fill(entry, 1, "3", "99", "3"); // it was faster
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    stage.rig.wait(5_000);
    let stops = stage.rig.attempts_sent().iter().filter(|a| a.terms.is_protective()).count();
    assert!(stops > 0 || !sent_market(&stage).is_empty(), "held {}, uncovered {}, nothing done", stage.held(), stage.uncovered());
}

/// two remedies of one stop are read as a pair that cancels each other.
#[test]
fn remedies_are_taken_for_a_pair() {
    let mut stage = Stage::holding("3");
    let stop = stage.submit(sell_stop("3", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("3");
    let exit = market_intent(&stage);
    assert_ne!(exit, stop);
    let n = stage.rig.attempts_sent().last().and_then(|a| a.terms.qty).expect("qty");
    assert_eq!(n, qty("3"));
    stage.rig.accept(exit);
    stage.rig.fill(exit, 5, "2", "94", "2");
    let report = stage.rig.venue_report(exit, VenueStatus::Expired(ExpiryReason::NotFillable), "2");
    stage.rig.stream(report.clone()); // the rest found nobody
    stage.rig.stream(report); // told twice
    stage.rig.wait(3_000);
    stage.leg_holds("1");
    stage.rig.wait(3_000);
    assert_eq!(
        sent_market(&stage).len(),
        2,
        "{:?}: the second exit is dropped, uncovered {}",
        sent_market(&stage),
        stage.uncovered()
    );
}

/// a re-armed stop that is cancelled by hand, told twice.
#[test]
fn rearmed_stop_cancelled_by_hand_told_twice() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    let again = stage.rig.engine.books().open_orders().map(|o| o.intent().id).find(|id| *id != stop).expect("re-armed");
    stage.accept_algo(again);
    stage.algo(again, VenueStatus::Canceled);
    stage.algo(again, VenueStatus::Canceled);
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    stage.rig.wait(3_000);
    assert_eq!(sent_market(&stage), ["2"], "uncovered {}", stage.uncovered());
}

/// the bracket's stop is executed, and the entry fills once more before its cancel arrives.
#[test]
fn entry_fills_after_the_stop_is_done() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggered);
    stage.child_fill(stop, 2, "1", "95", "1");
    assert_eq!(stage.rig.status(stop), OrdStatus::Filled);
    stage.rig.fill(entry, 3, "2", "99", "3"); // faster than the cancel
    stage.rig.wait(5_000);
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    assert!(
        !sent_market(&stage).is_empty() || stage.uncovered().is_zero(),
        "held {} uncovered {}",
        stage.held(),
        stage.uncovered()
    );
}

/// the stop is refused at the first fill; the entry goes on filling.
#[test]
fn entry_fills_on_after_its_stop_was_refused() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    stage.leg_holds("1"); // read: 1, so an exit for 1 leaves
    assert_eq!(sent_market(&stage), ["1"]);
    stage.rig.fill(entry, 2, "2", "99", "3");
    let exit = market_intent(&stage);
    let id = stage.rig.cl_ord_id(exit);
    let report = stage.rig.venue_report(exit, VenueStatus::New, "0");
    answer(&mut stage.rig, id, Ok(Box::new(report)));
    stage.rig.fill(exit, 3, "1", "98", "1");
    stage.rig.wait(10_000);
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    assert!(
        sent_market(&stage).len() > 1 || stage.uncovered().is_zero(),
        "held {} uncovered {}",
        stage.held(),
        stage.uncovered()
    );
}

/// a venue that finds an order here and not there is asked at the speed of the network.
#[test]
fn cancel_loop() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Cancel(intent));
    for _ in 0..40 {
        if matches!(rig.sent.last(), Some(Request::Cancel(_))) {
            let request = rig.last_request();
            rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
        }
        let report = rig.venue_report(intent, VenueStatus::New, "0");
        rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    }
    assert!(rig.cancels_sent() <= 4, "{} cancels in one instant", rig.cancels_sent());
}

/// a further try of a remedy closes the stop's whole quantity, not what is uncovered.
#[test]
fn retry_of_a_remedy_closes_more() {
    let mut stage = Stage::holding("2");
    let other = stage.submit(sell_stop("1", "94"));
    stage.accept_algo(other);
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["1"]);
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.wait(2_000);
    assert_eq!(sent_market(&stage), ["1", "1"]);
}

/// a stop that was moved is re-armed where it stood first.
#[test]
fn rearmed_at_the_old_trigger() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    stage.accept_algo(stop);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    stage.algo(stop, VenueStatus::Expired(ExpiryReason::Unstated));
    stage.leg_holds("2");
    let last = stage.rig.attempts_sent().last().map(|a| a.terms.kind.trigger_price()).expect("sent");
    assert_eq!(last, Some(price("97")));
}

/// a pair is taken in as a whole or not at all.
#[test]
fn half_a_pair() {
    let mut stage = Stage::holding("0");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, limit(Side::Buy, qty("1"), price("95")));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, stop_to_open("1", "105.05"));
    let ids = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.rig.durable();
    assert_eq!(stage.rig.status(ids.1), OrdStatus::Denied);
    assert_eq!(stage.rig.attempts_sent().len(), 0, "{:?}", stage.rig.status(ids.0));
}

/// the take-profit of a closing pair is cancelled by somebody else (a dead-man's switch, a hand): the stop must stay.
#[test]
fn profit_cancelled_by_hand_takes_the_stop() {
    let mut stage = Stage::holding("3");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, tp_limit("3"));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, sell_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(stop);
    let report = stage.rig.venue_report(profit, VenueStatus::New, "0");
    stage.rig.stream(report);
    let report = stage.rig.venue_report(profit, VenueStatus::Canceled, "0");
    stage.rig.stream(report);
    assert_eq!((stage.rig.status(stop), stage.rig.cancels_sent()), (OrdStatus::New, 0), "the leg holds {}", stage.held());
}

/// HEDGING, an exit of a part makes way for itself and takes the pair's stop too.
#[test]
fn make_way_takes_the_stop_of_a_pair() {
    let mut stage = Stage::on_leg("3");
    let long = |t: Terms| Terms { leg: PositionSide::Long, ..t };
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, long(tp_limit("3")));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, long_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(stop);
    let report = stage.rig.venue_report(profit, VenueStatus::New, "0");
    stage.rig.stream(report);
    let exit = stage.submit(closing(Side::Sell, PositionSide::Long, "1"));
    refuse_last_of(&mut stage, exit, RejectClass::NothingToClose, -2022);
    let report = stage.rig.venue_report(profit, VenueStatus::Canceled, "0");
    stage.rig.stream(report);
    assert_eq!(stage.rig.status(stop), OrdStatus::New, "2 of the leg stay, and their stop goes");
}

/// the change of a triggered child is sent to the attempt that speaks for the order.
#[test]
fn change_goes_to_the_wrong_attempt() {
    let mut stage = Stage::holding("2");
    let kind = OrderKind::StopLimit {
        trigger: exec_core::terms::Trigger { price: price("95"), by: TriggerBy::Last, price_protect: false },
        price: price("94").into(),
        tif: TimeInForce::Gtc,
    };
    let stop = stage.submit(Terms { kind, ..sell_stop("2", "95") });
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    stage.accept_algo(stop);
    let new = stage.rig.cl_ord_id(stop);
    stage.refuse(RejectClass::Throttled, -1003); // the old one could not be cancelled yet
    stage.algo_of(stop, new, VenueStatus::Triggered);
    stage.child_of(stop, new, VenueStatus::New, "0");
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: None, price: Some(price("93")), trigger: None }));
    let replaced = stage.rig.sent.iter().rev().find_map(|r| if let Request::Replace(r) = r { r.order.cl_ord_id } else { None });
    assert_eq!(replaced, Some(new), "old is {old}");
}

/// the old stop has triggered while the new one was refused for standing beside it.
#[test]
fn overlap_cancels_a_triggered_stop() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    let new = stage.rig.cl_ord_id(stop);
    stage.algo_of(stop, old, VenueStatus::Triggered);
    stage.child_of(stop, old, VenueStatus::New, "0");
    answer(&mut stage.rig, new, Err(refused(RejectClass::Overlap, -4130)));
    assert_eq!(stage.rig.cancels_sent(), 0, "the child of the stop that executes now is cancelled");
}

/// a trailing stop's changed activation is forgotten by the next change.
#[test]
fn trailing_activation_reverts() {
    let mut stage = Stage::holding("2");
    let kind =
        OrderKind::TrailingStopMarket { activation: Some(price("105")), callback_percent: decimal("1"), by: TriggerBy::Last };
    let stop = stage.submit(Terms { kind, ..sell_stop("2", "95") });
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "110"));
    stage.accept_algo(stop);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    stage.rig.command(Command::Replace(ChangeOrder { intent: stop, qty: Some(qty("1")), price: None, trigger: None }));
    let last = stage.rig.attempts_sent().last().map(|a| a.terms.kind).expect("sent");
    assert_eq!(
        last,
        OrderKind::TrailingStopMarket { activation: Some(price("110")), callback_percent: decimal("1"), by: TriggerBy::Last }
    );
}

/// the algo service's last word carries the quantity of the placement, and is newer than the change of the child.
#[test]
fn finished_reopens_a_filled_order() {
    let mut stage = Stage::holding("0");
    let entry = stage.submit(stop_limit_to_open("2", "105", "106"));
    stage.rig.durable();
    stage.accept_algo(entry);
    stage.algo(entry, VenueStatus::Triggered);
    stage.child(entry, VenueStatus::New, "0");
    stage.rig.command(Command::Replace(ChangeOrder { intent: entry, qty: Some(qty("1")), price: None, trigger: None }));
    stage.rig.durable();
    let request = stage.rig.last_request();
    stage.rig.wait(10);
    let mut report = stage.child_report(entry, VenueStatus::New, "0");
    (report.qty, report.replaced_by) = (Some(qty("1")), Some(request));
    stage.rig.stream(report);
    assert_eq!(stage.rig.order(entry).qty(), Some(qty("1")));
    stage.rig.wait(10);
    let mut report = stage.child_report(entry, VenueStatus::Filled, "1");
    report.qty = Some(qty("1"));
    report.fill = Some(fill_of(&stage.rig, 8, Side::Buy, "1", report.leg));
    stage.rig.stream(report.clone());
    assert_eq!(stage.rig.status(entry), OrdStatus::Filled);
    stage.rig.wait(10);
    stage.algo(entry, VenueStatus::Finished);
    stage.rig.wait(2_000);
    stage.rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    assert_eq!((stage.rig.status(entry), stage.rig.order(entry).leaves_qty()), (OrdStatus::Filled, qty("0")));
}

/// an opening order that has no further id: its change cancels the old one and cannot place the new one.
#[test]
fn change_of_an_adopted_opening_order_loses_it() {
    let mut config = exec_testkit::fixtures::config(exec_core::units::PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    let mut rig = Rig::live(config);
    let mut report = foreign("11", "1", "0");
    report.order_id = None;
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(stop_to_open("1", "105").kind);
    rig.wait(10);
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    let intent = rig.engine.books().open_orders().next().expect("adopted").intent().id;
    rig.command(trigger(intent, "106"));
    report.status = VenueStatus::Canceled;
    if rig.cancels_sent() > 0 {
        rig.stream(report);
        rig.durable();
    }
    assert!(
        !(rig.cancels_sent() > 0 && rig.attempts_sent().is_empty()),
        "cancelled, and nothing in its place: {:?}",
        rig.status(intent)
    );
}

/// the 32nd change of a stop of ours.
#[test]
fn a_stop_cannot_be_moved_more_than_31_times() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "50"));
    stage.accept_algo(stop);
    for n in 1..=40 {
        let old = stage.rig.cl_ord_id(stop);
        stage.rig.command(trigger(stop, &format!("{}", 50 + n)));
        if stage.rig.cl_ord_id(stop) == old {
            panic!(
                "change {n} was not made; told: {:?}, stop at {:?}",
                stage.rig.told.last(),
                stage.rig.order(stop).trigger_price()
            );
        }
        stage.accept_algo(stop);
        stage.algo_of(stop, old, VenueStatus::Canceled);
    }
}

/// a bracket whose entry fills in many parts.
#[test]
fn a_bracket_in_forty_parts() {
    let mut stage = Stage::holding("0");
    let entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("40"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("40", "95"));
    let (entry, stop, list) = (entry.intent, stop.intent, vec![entry, stop]);
    stage.rig.command(Command::SubmitList(list));
    stage.rig.durable();
    stage.rig.accept(entry);
    for n in 1..=40_u64 {
        let old = stage.rig.order(stop).last().map(|(id, _)| *id);
        stage.rig.fill(entry, n, "1", "99", &n.to_string());
        if stage.rig.order(stop).last().map(|(id, _)| *id) != old {
            stage.accept_algo(stop);
            if let Some(old) = old {
                stage.algo_of(stop, old, VenueStatus::Canceled);
            }
        }
        stage.rig.wait(100);
    }
    stage.rig.wait(10_000);
    stage.leg_holds("40");
    assert!(
        stage.uncovered().is_zero() || !sent_market(&stage).is_empty(),
        "uncovered {} of {}",
        stage.uncovered(),
        stage.held()
    );
}

/// a small stop is refused on an account with a large position of somebody else.
#[test]
fn remedy_closes_a_position_that_the_stop_never_covered() {
    let mut stage = Stage::holding("0");
    let mut by_hand = foreign("11", "100", "100");
    by_hand.status = VenueStatus::Filled;
    by_hand.fill = Some(fill_of(&stage.rig, 1, Side::Buy, "100", by_hand.leg));
    stage.rig.wait(10);
    by_hand.updated = stage.rig.venue_time();
    stage.rig.stream(by_hand);
    assert_eq!(stage.held(), qty("100"));
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "1") });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 2, "1", "100", "1");
    stage.submit(sell_stop("1", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("101");
    assert_eq!(sent_market(&stage), ["1"], "a stop for 1 was lost");
}

/// one failed question about the leg, then one failed exit: no further one.
#[test]
fn no_second_exit_after_a_failed_question() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.answer_legs(&Err(QueryError::Unavailable("no answer".into())));
    stage.rig.wait(600);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"]);
    stage.refuse(RejectClass::State, -4131);
    stage.rig.wait(10_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage).len(), 2, "uncovered {}", stage.uncovered());
}

/// a closing pair whose quantities were changed.
#[test]
fn a_changed_pair_shrinks_to_the_first_quantity() {
    let mut stage = Stage::holding("5");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, take_profit("3", "105"));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, sell_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(profit);
    stage.accept_algo(stop);
    for id in [profit, stop] {
        let old = stage.rig.cl_ord_id(id);
        stage.rig.command(Command::Replace(ChangeOrder { intent: id, qty: Some(qty("5")), price: None, trigger: None }));
        stage.accept_algo(id);
        stage.algo_of(id, old, VenueStatus::Canceled);
    }
    assert!(stage.uncovered().is_zero());
    stage.algo(profit, VenueStatus::Triggered);
    stage.child_fill(profit, 8, "1", "105", "1");
    stage.accept_algo(stop);
    assert_eq!(stage.rig.order(stop).qty(), Some(qty("4")), "4 are left");
}

/// an exit beyond the largest market order.
#[test]
fn exit_beyond_the_market_lot() {
    let mut stage = Stage::holding("2");
    let mut instrument = exec_testkit::fixtures::instrument("BTCUSDT");
    instrument.market_lot.max = decimal("1");
    stage.rig.give(Input::Instruments(vec![instrument]));
    let kind = OrderKind::StopLimit {
        trigger: exec_core::terms::Trigger { price: price("95"), by: TriggerBy::Last, price_protect: false },
        price: price("94").into(),
        tif: TimeInForce::Gtc,
    };
    stage.submit(Terms { kind, ..sell_stop("2", "95") });
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["1"], "the venue refuses more than 1 at market");
}

/// a stop whose reply is lost ends flat or protected within five seconds.
#[test]
fn lost_reply_of_a_plain_stop_takes_long() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.rig.outcome(Err(unknown()));
    let mut seconds = 0;
    while sent_market(&stage).is_empty() && seconds < 60 {
        stage.rig.wait(1_000);
        seconds += 1;
        stage.rig.answer_orders(&Ok(Lookup::Absent));
        stage.leg_holds("2");
    }
    assert!(seconds <= 5, "{seconds} s without a stop, {:?}", stage.rig.status(stop));
}

/// an absence of one attempt is held against another.
#[test]
fn absence_of_one_attempt_ends_another() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.give(Input::LinkDown { session: SessionId(1), why: "quiet".into() });
    stage.rig.ms += 4 * 24 * 3_600 * 1_000;
    stage.rig.command(trigger(stop, "97"));
    let new = stage.rig.cl_ord_id(stop);
    answer(&mut stage.rig, new, Err(unknown()));
    stage.rig.command(Command::Cancel(stop));
    // Both are asked for: the new one never arrived, the old one stands, and its answer is late.
    for _ in 0..6 {
        let cancels: Vec<_> = stage
            .rig
            .sent
            .iter()
            .filter_map(|r| if let Request::Cancel(c) = r { Some((c.request, c.order.cl_ord_id)) } else { None })
            .collect();
        for (request, of) in cancels {
            if of == Some(old) {
                stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::Throttled, -1003))) });
            }
            if of == Some(new) {
                stage.rig.give(Input::Outcome { request, outcome: Outcome::Order(Err(refused(RejectClass::NotOnBook, -2011))) });
            }
        }
        let open: Vec<_> = stage
            .rig
            .asked
            .iter()
            .filter(|(_, q)| matches!(q, exec_core::conversation::Query::Order(r) if r.cl_ord_id == Some(new)))
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            stage.rig.asked.remove(&id);
            let answer = exec_core::conversation::Answer::Order(Ok(Lookup::Absent));
            stage.rig.give(Input::Answer { query: id, answer });
        }
        stage.rig.wait(3_000);
    }
    assert_eq!(stage.rig.order(stop).attempts()[&old].ending(), None, "only the other attempt was absent");
}

/// two brackets with stops that close all on one leg.
#[test]
fn two_close_all_brackets() {
    let mut stage = Stage::holding("0");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("1", "95") };
    let make = |stage: &mut Stage, list: u64| {
        let entry = placed(stage, list, ListRole::Entry, limit(Side::Buy, qty("1"), price("99")));
        let stop = placed(stage, list, ListRole::StopLoss, all.clone());
        let profit = placed(stage, list, ListRole::TakeProfit, tp_limit("1"));
        let ids = (entry.intent, stop.intent, profit.intent);
        stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
        stage.rig.durable();
        stage.rig.accept(ids.0);
        ids
    };
    let a = make(&mut stage, 1);
    stage.rig.fill(a.0, 1, "1", "99", "1");
    stage.accept_algo(a.1);
    let b = make(&mut stage, 2);
    stage.rig.fill(b.0, 2, "1", "99", "1");
    refuse_last_of(&mut stage, b.1, RejectClass::Overlap, -4130);
    stage.leg_holds("2");
    // A takes its profit: its stop goes, and B has none.
    let report = stage.rig.venue_report(a.2, VenueStatus::New, "0");
    stage.rig.stream(report);
    stage.rig.fill(a.2, 3, "1", "105", "1");
    stage.algo(a.1, VenueStatus::Canceled);
    stage.rig.wait(5_000);
    stage.leg_holds("1");
    stage.rig.wait(5_000);
    assert!(
        stage.uncovered().is_zero() || !sent_market(&stage).is_empty(),
        "held {} uncovered {}",
        stage.held(),
        stage.uncovered()
    );
}

/// a foreign client id is used again for another conditional order.
#[test]
fn foreign_algo_id_reused() {
    let mut rig = netting();
    let mut report = foreign("11", "1", "0");
    report.order_id = None;
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(stop_to_open("1", "105").kind);
    rig.wait(10);
    report.updated = rig.venue_time();
    rig.stream(report.clone());
    report.status = VenueStatus::Canceled;
    rig.stream(report.clone());
    assert_eq!(rig.engine.books().open_count(), 0);
    (report.status, report.algo_id) = (VenueStatus::New, Some(exec_core::ids::AlgoId::from_number(45)));
    rig.stream(report);
    assert_eq!((rig.engine.books().open_count(), rig.alerted("kept_raw")), (1, false));
}

/// a strategy that answers the loss with cancel-all calls off its own exit.
#[test]
fn cancel_all_calls_off_the_remedy() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.rig.command(Command::CancelAll(None));
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"], "uncovered {}", stage.uncovered());
}

/// the venue's position lags behind the fill by its own visibility; the remedy is dropped for good.
#[test]
fn leg_read_too_early() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("0"); // read within the venue's visibility lag; our books have the fills
    assert_eq!(stage.held(), qty("2"));
    for _ in 0..10 {
        stage.rig.wait(1_000);
        stage.leg_holds("2");
    }
    assert_eq!(sent_market(&stage), ["2"], "uncovered {}", stage.uncovered());
}

/// a loss that is found while the books are compared at a start is not told to its strategy.
#[test]
fn loss_at_start_is_not_told() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let attempt = stage.rig.cl_ord_id(stop);
    let mut stage = stage.restarted();
    stage.algo_of(stop, attempt, VenueStatus::Canceled);
    let mut status = stage.rig.flat();
    status.positions = vec![crate::scene::position("2")];
    status.high_water = vec![crate::scene::high("BTCUSDT", 1)];
    stage.rig.answer_recovery(status);
    stage.rig.no_trades();
    stage.leg_holds("2");
    assert!(stage.rig.alerted("protection_lost"));
    let told = stage.rig.told.iter().any(|(_, e)| matches!(e, exec_core::conversation::StrategyEvent::ProtectionLost(_)));
    let started = stage.rig.told.iter().any(|(_, e)| matches!(e, exec_core::conversation::StrategyEvent::Start));
    assert!(started, "{}", stage.rig.engine.report());
    assert!(told, "started, and not told");
}

/// HEDGING, a stop placed while its entry fills is cut to what the leg holds now, for good.
#[test]
fn stop_cut_to_a_leg_that_grows() {
    let mut stage = Stage::on_leg("0");
    let entry = stage.submit(Terms { leg: PositionSide::Long, ..limit(Side::Buy, qty("3"), price("99")) });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 1, "1", "99", "1");
    let stop = stage.submit(long_stop("3", "95"));
    stage.accept_algo(stop);
    stage.rig.fill(entry, 2, "2", "99", "3");
    stage.rig.wait(5_000);
    assert!(
        stage.uncovered().is_zero(),
        "asked for 3, stands with {:?}, uncovered {}",
        stage.rig.order(stop).qty(),
        stage.uncovered()
    );
}

/// the new stop dies while the old one still stands: the old one is cancelled.
#[test]
fn new_stop_dies_and_the_old_one_is_cancelled() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    let new = stage.rig.cl_ord_id(stop);
    // The stream tells the new one's acceptance and its end before our cancel of the old one is answered.
    stage.algo_of(stop, new, VenueStatus::New);
    stage.refuse(RejectClass::Throttled, -1003);
    let before = stage.rig.cancels_sent();
    stage.algo_of(stop, new, VenueStatus::Canceled);
    stage.rig.wait(3_000);
    assert_eq!(stage.rig.order(stop).attempts()[&old].ending(), None);
    assert_eq!(stage.rig.cancels_sent(), before, "the only stop that stands is cancelled; uncovered {}", stage.uncovered());
}

/// rearm: the exit of a pair? A re-armed stop and its stop in one list at a restart.
#[test]
fn exit_after_rearm_is_dropped_at_a_restart() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    let again = stage.rig.engine.books().open_orders().map(|o| o.intent().id).find(|id| *id != stop).expect("re-armed");
    stage.accept_algo(again);
    stage.algo(again, VenueStatus::Canceled); // the exit is held back for a second
    let mut stage = stage.restarted();
    stage.leg_holds("2");
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"], "uncovered {}", stage.uncovered());
}

/// two strategies' stops: a lost one of 1 closes what the other strategy holds too.
#[test]
fn remedy_is_larger_than_its_stop() {
    let mut stage = Stage::holding("5");
    stage.submit(sell_stop("1", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("5");
    assert_eq!(sent_market(&stage), ["1"]);
}

/// a resting profit limit is not resized after a refusal until something else happens.
#[test]
fn profit_is_not_resized_after_a_refusal() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    stage.accept_algo(stop);
    let id = stage.rig.cl_ord_id(profit);
    let report = stage.rig.venue_report(profit, VenueStatus::New, "0");
    answer(&mut stage.rig, id, Ok(Box::new(report)));
    stage.rig.fill(entry, 2, "2", "99", "3");
    let request = stage.rig.sent.iter().rev().find_map(|r| if let Request::Replace(r) = r { Some(r.request) } else { None });
    stage.rig.give(Input::Outcome {
        request: request.expect("a change"),
        outcome: Outcome::Order(Err(refused(RejectClass::Failed, -1008))),
    });
    stage.accept_algo(stop);
    let last = stage.rig.sent.len();
    stage.rig.wait(10_000);
    let replaced = stage.rig.sent[last - 1..].iter().filter(|r| matches!(r, Request::Replace(_))).count();
    assert!(replaced > 0 || stage.rig.order(profit).qty() == Some(qty("3")), "{:?}", stage.rig.order(profit).qty());
}

/// a change to open that is under way when the operator cancels everything, and the cancel of the old one answers late.
#[test]
fn wish_during_an_opening_change() {
    let mut stage = Stage::holding("0");
    let entry = stage.submit(stop_to_open("1", "105"));
    stage.rig.durable();
    stage.accept_algo(entry);
    let old = stage.rig.cl_ord_id(entry);
    stage.rig.command(trigger(entry, "106"));
    stage.rig.command(Command::Cancel(entry));
    stage.algo_of(entry, old, VenueStatus::Canceled);
    stage.rig.durable();
    assert_eq!((stage.rig.status(entry), stage.rig.attempts_sent().len()), (OrdStatus::Canceled, 1));
}

/// both attempts of an opening change execute (the venue's cancel was not true): nothing is hidden.
#[test]
fn both_attempts_of_an_opening_change_live() {
    let mut stage = Stage::holding("0");
    let entry = stage.submit(stop_to_open("1", "105"));
    stage.rig.durable();
    stage.accept_algo(entry);
    let old = stage.rig.cl_ord_id(entry);
    stage.rig.command(trigger(entry, "106"));
    stage.algo_of(entry, old, VenueStatus::Canceled);
    stage.rig.durable();
    stage.accept_algo(entry);
    let new = stage.rig.cl_ord_id(entry);
    stage.child_fill_of(entry, old, 5, "1", "105", "1"); // late: it had triggered
    let interval = exec_core::exposure::interval(stage.rig.engine.books(), &btc(), PositionSide::Net);
    assert_eq!(stage.last_cancel().cl_ord_id, Some(new));
    assert_eq!(interval.high, decimal("2"), "the new one may still execute");
}

/// a stop whose renewal is in doubt with the old one gone (closes all): how long without a stop.
#[test]
fn gap_change_in_doubt() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.submit(all);
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    stage.refuse(RejectClass::Overlap, -4130);
    stage.algo_of(stop, old, VenueStatus::Canceled);
    let new = stage.rig.cl_ord_id(stop);
    answer(&mut stage.rig, new, Err(unknown()));
    let mut seconds = 0;
    while sent_market(&stage).is_empty() && seconds < 60 {
        stage.rig.wait(1_000);
        seconds += 1;
        stage.rig.answer_orders(&Ok(Lookup::Absent));
        stage.leg_holds("2");
    }
    assert!(seconds <= 5, "{seconds} s without a stop, {:?}", stage.rig.status(stop));
}

/// the gap change of a stop that closes all, cut by a crash after the old one went.
#[test]
fn gap_change_cut_by_a_crash() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.submit(all);
    stage.accept_algo(stop);
    let old = stage.rig.cl_ord_id(stop);
    stage.rig.command(trigger(stop, "97"));
    stage.refuse(RejectClass::Overlap, -4130); // the old one is being cancelled
    let mut stage = stage.restarted();
    stage.algo_of(stop, old, VenueStatus::Canceled); // while we were down
    stage.rig.wait(2_000);
    stage.leg_holds("2");
    assert!(!stage.rig.attempts_sent().is_empty(), "{:?} uncovered {}", stage.rig.status(stop), stage.uncovered());
}

/// a stop that closes all, changed twice: only the first change may make a gap.
#[test]
fn second_gap_change() {
    let mut stage = Stage::holding("2");
    let all = Terms { intention: Intention::CloseAll, qty: None, ..sell_stop("2", "95") };
    let stop = stage.submit(all);
    stage.accept_algo(stop);
    for to in ["96", "97", "98"] {
        let old = stage.rig.cl_ord_id(stop);
        stage.rig.command(trigger(stop, to));
        refuse_last_of(&mut stage, stop, RejectClass::Overlap, -4130);
        stage.algo_of(stop, old, VenueStatus::Canceled);
        stage.accept_algo(stop);
        assert_eq!(stage.rig.order(stop).trigger_price(), Some(price(to)));
        assert!(stage.uncovered().is_zero());
    }
}

/// a stop that is not ours (adopted) dies, and the operator's.
#[test]
fn change_of_a_recovered_stop() {
    let mut config = exec_testkit::fixtures::config(exec_core::units::PositionMode::Netting, &["BTCUSDT"]);
    config.strategies[0].external_order_claims = vec![btc()];
    let mut rig = Rig::live(config);
    rig.wait(10);
    let mut report = foreign("11", "1", "0");
    (report.order_id, report.side, report.reduce_only) = (None, Side::Sell, true);
    report.algo_id = Some(exec_core::ids::AlgoId::from_number(44));
    report.kind = Some(sell_stop("1", "95").kind);
    report.updated = rig.venue_time();
    rig.stream(report);
    let intent = rig.engine.books().open_orders().next().expect("adopted").intent().id;
    rig.command(trigger(intent, "96"));
    assert_eq!(rig.attempts_sent().len(), 1, "{:?} {:?}", rig.status(intent), rig.alerts.last());
}

/// the venue confirms each cancel without saying that the order has ended (the algo service's reply has no status).
#[test]
fn confirmed_cancels_loop() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    stage.rig.command(Command::Cancel(stop));
    for _ in 0..40 {
        let mut report = stage.rig.venue_report(stop, VenueStatus::Unrecognised, "0");
        (report.order_id, report.cum_qty) = (None, None);
        stage.rig.outcome(Ok(Box::new(report)));
    }
    assert!(stage.rig.cancels_sent() <= 2, "{} cancels in one instant", stage.rig.cancels_sent());
}

/// the 32nd change of an order to open.
#[test]
fn an_order_to_open_is_lost_by_its_32nd_change() {
    let mut stage = Stage::holding("0");
    let entry = stage.submit(stop_to_open("1", "105"));
    stage.rig.durable();
    stage.accept_algo(entry);
    for n in 1..=40 {
        let old = stage.rig.cl_ord_id(entry);
        stage.rig.command(trigger(entry, &format!("{}", 105 + n)));
        if stage.rig.status(entry) != OrdStatus::PendingReplace {
            return; // refused before anything was cancelled: right
        }
        stage.algo_of(entry, old, VenueStatus::Canceled);
        stage.rig.durable();
        assert!(
            !stage.rig.status(entry).is_ended(),
            "change {n}: {:?}, the old one was cancelled, no new one",
            stage.rig.status(entry)
        );
        stage.accept_algo(entry);
    }
}

/// HEDGING, the stop of an entry whose fill is not heard yet.
#[test]
fn hedging_stop_before_the_fill_is_heard() {
    let mut stage = Stage::on_leg("0");
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Long, "2") });
    stage.rig.durable();
    stage.rig.accept(entry);
    let stop = stage.submit(long_stop("2", "95"));
    stage.rig.fill(entry, 1, "2", "94", "2");
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    assert!(
        stage.uncovered().is_zero() || !sent_market(&stage).is_empty() || stage.rig.alerted("protection_lost"),
        "{:?}, uncovered {}",
        stage.rig.order(stop).denial(),
        stage.uncovered()
    );
}

/// a list that names an order which is known already.
#[test]
fn list_with_a_known_name() {
    let mut stage = Stage::holding("0");
    let mut entry = placed(&mut stage, 7, ListRole::Entry, limit(Side::Buy, qty("3"), price("99")));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, sell_stop("3", "95"));
    stage.rig.command(Command::SubmitList(vec![entry.clone(), stop.clone()]));
    stage.rig.durable();
    stage.rig.command(Command::Cancel(entry.intent));
    let report = stage.rig.venue_report(entry.intent, VenueStatus::Canceled, "0");
    stage.rig.stream(report);
    assert_eq!(stage.rig.engine.books().open_count(), 0);
    entry.intent = stage.name(); // a new entry, the old stop's name
    stage.rig.command(Command::SubmitList(vec![entry.clone(), stop]));
    stage.rig.durable();
    let sent = stage.rig.attempts_sent().len();
    assert_eq!(sent, 1, "an entry without its stop has left");
}

/// HEDGING, a bracket's stop triggers while the profit limit holds the leg.
#[test]
fn profit_limit_blocks_the_stop_of_a_leg() {
    let mut stage = Stage::on_leg("0");
    let long = |t: Terms| Terms { leg: PositionSide::Long, ..t };
    let entry = placed(&mut stage, 7, ListRole::Entry, long(limit(Side::Buy, qty("3"), price("99"))));
    let stop = placed(&mut stage, 7, ListRole::StopLoss, long_stop("3", "95"));
    let profit = placed(&mut stage, 7, ListRole::TakeProfit, long(tp_limit("3")));
    let (e, s, p) = (entry.intent, stop.intent, profit.intent);
    stage.rig.command(Command::SubmitList(vec![entry, stop, profit]));
    stage.rig.durable();
    stage.rig.accept(e);
    stage.rig.fill(e, 1, "3", "99", "3");
    let report = stage.rig.venue_report(p, VenueStatus::New, "0");
    stage.rig.stream(report);
    stage.accept_algo(s);
    stage.algo(s, VenueStatus::Triggering);
    assert_eq!(stage.rig.status(p), OrdStatus::PendingCancel, "the profit holds the leg: the child of the stop is refused");
}

/// the second exit of a stop whose first one was executed in full while the leg went on growing.
#[test]
fn entry_lives_on_after_protection_is_lost() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "1", "99", "1");
    refuse_last_of(&mut stage, stop, RejectClass::WouldTrigger, -2021);
    assert_eq!(stage.rig.status(entry), OrdStatus::PendingCancel, "an entry without a stop goes on buying");
}

/// two orders of a pair trigger at once: reply and stream of one come late.
#[test]
fn closing_pair_profit_cancelled_by_its_strategy() {
    let mut stage = Stage::holding("3");
    let one = placed(&mut stage, 9, ListRole::OneCancelsOther, tp_limit("3"));
    let other = placed(&mut stage, 9, ListRole::OneCancelsOther, sell_stop("3", "95"));
    let (profit, stop) = (one.intent, other.intent);
    stage.rig.command(Command::SubmitList(vec![one, other]));
    stage.accept_algo(stop);
    let report = stage.rig.venue_report(profit, VenueStatus::New, "0");
    stage.rig.stream(report);
    stage.rig.give(Input::JournalFailed("gone".into()));
    assert_eq!(stage.rig.status(stop), OrdStatus::New);
    stage.rig.give(Input::Drain);
    assert_eq!((stage.rig.status(stop), stage.rig.status(profit)), (OrdStatus::New, OrdStatus::New));
}

/// the remedy of a loss is found again after a crash even if the leg could not be read in time.
#[test]
fn second_restart_of_a_remedy() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    let mut stage = stage.restarted();
    stage.leg_holds("2");
    let exit = market_intent(&stage);
    let id = stage.rig.cl_ord_id(exit);
    answer(&mut stage.rig, id, Err(refused(RejectClass::Failed, -1008)));
    let mut stage = stage.restarted(); // between two tries of the exit
    for _ in 0..10 {
        stage.leg_holds("2");
        stage.rig.wait(1_000);
    }
    assert!(!sent_market(&stage).is_empty(), "{:?} uncovered {}", stage.rig.status(exit), stage.uncovered());
}

/// a draining node with a remedy that waits for the reading of its leg looks as if nothing were left to do.
#[test]
fn drain_forgets_a_remedy() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.rig.give(Input::Drain);
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    stage.refuse(RejectClass::State, -4131); // the next one follows in a second
    assert!(stage.rig.engine.pending() > 0, "pending {}, in doubt {}", stage.rig.engine.pending(), stage.rig.engine.in_doubt());
}

/// a stop and its re-armed one: the strategy moves its stop while the exit is on its way, both directions of one loss.
#[test]
fn expired_in_part_rests_uncovered_under_alert_only_once() {
    let mut stage = Stage::holding("4");
    let stop = stage.submit(sell_stop("4", "95"));
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggered);
    stage.child_fill(stop, 5, "1", "94", "1");
    stage.child(stop, VenueStatus::Expired(ExpiryReason::NotFillable), "1");
    stage.leg_holds("3");
    assert_eq!(sent_market(&stage), ["3"]);
    // The exit itself executes a part and expires.
    let exit = market_intent(&stage);
    stage.rig.accept(exit);
    stage.rig.fill(exit, 6, "1", "93", "1");
    let report = stage.rig.venue_report(exit, VenueStatus::Expired(ExpiryReason::NotFillable), "1");
    stage.rig.stream(report);
    stage.rig.wait(1_100);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["3", "2"]);
    let exit = market_intent(&stage);
    stage.rig.accept(exit);
    stage.rig.fill(exit, 7, "1", "92", "1");
    let report = stage.rig.venue_report(exit, VenueStatus::Expired(ExpiryReason::NotFillable), "1");
    stage.rig.stream(report);
    stage.rig.wait(1_100);
    stage.leg_holds("1");
    assert_eq!(sent_market(&stage), ["3", "2", "1"]);
}

/// the stop-limit that rests: the exit's late twin.
#[test]
fn resting_stop_limit_is_followed_once_in_hedging() {
    let mut stage = Stage::on_leg("2");
    let kind = OrderKind::StopLimit {
        trigger: exec_core::terms::Trigger { price: price("95"), by: TriggerBy::Last, price_protect: false },
        price: price("94").into(),
        tif: TimeInForce::Gtc,
    };
    let stop = stage.submit(Terms { kind, ..long_stop("2", "95") });
    stage.accept_algo(stop);
    stage.algo(stop, VenueStatus::Triggered);
    stage.child(stop, VenueStatus::New, "0");
    stage.rig.wait(2_100);
    stage.leg_holds("2");
    let exit = market_intent(&stage);
    refuse_last_of(&mut stage, exit, RejectClass::NothingToClose, -2022);
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel);
    stage.child(stop, VenueStatus::Canceled, "0");
    for _ in 0..10 {
        stage.rig.wait(1_000);
        stage.leg_holds("2");
    }
    assert_eq!(sent_market(&stage).len(), 2, "{:?}", sent_market(&stage));
}

/// a loss that another stop covered; much later its strategy takes that stop away on purpose.
#[test]
fn an_old_loss_makes_a_wished_cancel_an_exit() {
    let mut stage = Stage::holding("2");
    let first = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(first);
    stage.submit(sell_stop("2", "94"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    stage.rig.wait(3_600_000); // an hour, and nothing was uncovered
    stage.leg_holds("2");
    stage.rig.command(Command::Cancel(first));
    stage.algo(first, VenueStatus::Canceled);
    stage.rig.wait(5_000);
    stage.leg_holds("2");
    stage.rig.wait(5_000);
    assert!(sent_market(&stage).is_empty(), "{:?}: its strategy wished the stop off, and nothing was lost", sent_market(&stage));
}

/// a loss that was settled long ago; a start beside a new position that has no stop on purpose.
#[test]
fn a_settled_loss_closes_a_new_position_at_a_restart() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    let exit = market_intent(&stage);
    stage.rig.accept(exit);
    stage.rig.fill(exit, 5, "2", "94", "2");
    assert_eq!(stage.net(), "0");
    stage.rig.wait(24 * 3_600_000);
    stage.leg_holds("0");
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "1") });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 6, "1", "100", "1");
    stage.rig.wait(60_000);
    stage.leg_holds("1");
    let before = sent_market(&stage).len();
    assert_eq!(before, 1);
    let mut stage = stage.restarted();
    stage.leg_holds("1");
    stage.rig.wait(5_000);
    stage.leg_holds("1");
    stage.rig.wait(5_000);
    assert!(sent_market(&stage).is_empty(), "{:?}: yesterday's loss closes today's position", sent_market(&stage));
}

/// the same without a restart: the leg turns in one fill, or is flat only between two events.
#[test]
fn a_guard_ends_when_the_leg_was_flat() {
    let mut stage = Stage::holding("2");
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    // The strategy answers the loss itself, before the leg is read, and enters anew.
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "2", "94", "2");
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "1") });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 6, "1", "100", "1");
    stage.leg_holds("1"); // read after the new entry
    stage.rig.wait(5_000);
    stage.leg_holds("1");
    let exits = sent_market(&stage);
    assert_eq!(exits, ["2"], "only the strategy's own: the position that the stop protected is gone");
}

/// an entry's change in doubt is settled by an answer that teaches nothing else: the list is not looked at.
#[test]
fn settled_change_is_news_too() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.command(Command::Replace(ChangeOrder {
        intent: entry,
        qty: Some(qty("5")),
        price: Some(price("99")),
        trigger: None,
    }));
    stage.rig.durable();
    stage.rig.outcome(Err(unknown()));
    let mut report = stage.rig.venue_report(entry, VenueStatus::Filled, "3");
    report.fill = Some(fill_of(&stage.rig, 1, Side::Buy, "3", report.leg));
    let mut partial = report.clone();
    partial.status = VenueStatus::PartiallyFilled; // an event that does not say that it is the last
    stage.rig.stream(partial);
    stage.accept_algo(stop);
    let id = stage.rig.cl_ord_id(profit);
    let shown = stage.rig.venue_report(profit, VenueStatus::New, "0");
    answer(&mut stage.rig, id, Ok(Box::new(shown)));
    stage.rig.fill(profit, 2, "3", "105", "3");
    assert_eq!(stage.net(), "0");
    report.fill = None;
    for _ in 0..5 {
        stage.rig.wait(1_000);
        stage.rig.answer_orders(&Ok(Lookup::Found(Box::new(report.clone()))));
    }
    assert_eq!(stage.rig.status(entry), OrdStatus::Filled);
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel, "the stop of a closed bracket stays at the venue");
}

/// the reply to a re-armed stop is lost.
#[test]
fn lost_reply_of_a_rearmed_stop() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    stage.submit(sell_stop("2", "95"));
    stage.refuse(RejectClass::Count, -4045);
    stage.leg_holds("2");
    stage.rig.outcome(Err(unknown()));
    let mut seconds = 0;
    while sent_market(&stage).is_empty() && seconds < 60 {
        stage.rig.wait(1_000);
        seconds += 1;
        stage.rig.answer_orders(&Ok(Lookup::Absent));
        stage.leg_holds("2");
    }
    assert!(seconds <= 5, "{seconds} s without a stop");
}

/// a stop ends because its leg is flat; its strategy enters anew a second later.
#[test]
fn a_stop_that_had_nothing_to_do_closes_the_next_position() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.accept_algo(stop);
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "2", "101", "2");
    stage.algo(stop, VenueStatus::Expired(ExpiryReason::NothingToClose));
    stage.rig.wait(1_000);
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "2") });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 6, "2", "100", "2");
    stage.leg_holds("2");
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"], "only the strategy's own exit");
}

/// flat and re-entered: the guard of a bracket's lost stop and the next bracket on the leg.
#[test]
fn the_guard_of_one_bracket_leaves_the_next_alone() {
    let mut stage = Stage::holding("0");
    let (entry, stop, _) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "3"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "3", "98", "3");
    stage.leg_holds("0");
    stage.rig.wait(2_000);
    stage.leg_holds("0");
    let (entry, stop, _) = bracket(&mut stage, 8);
    stage.rig.fill(entry, 6, "3", "99", "3");
    stage.leg_holds("3");
    stage.accept_algo(stop);
    stage.rig.wait(5_000);
    stage.leg_holds("3");
    assert_eq!(sent_market(&stage), ["3"], "only the strategy's own exit");
}

/// the same over a restart, with the new bracket's stop standing.
#[test]
fn an_old_bracket_is_not_guarded_again_at_a_restart() {
    let mut stage = Stage::holding("0");
    let (entry, stop, profit) = bracket(&mut stage, 7);
    stage.rig.fill(entry, 1, "3", "99", "3");
    let shown = stage.rig.venue_report(profit, VenueStatus::Canceled, "0");
    stage.rig.stream(shown);
    refuse_last_of(&mut stage, stop, RejectClass::Count, -4045);
    stage.leg_holds("3");
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "3")); // faster than the remedy
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "3", "98", "3");
    let exit = market_intent(&stage);
    let id = stage.rig.cl_ord_id(exit);
    answer(&mut stage.rig, id, Err(refused(RejectClass::NothingToClose, -2022)));
    stage.rig.wait(5_000);
    stage.leg_holds("0");
    // Tomorrow: a position without a stop, on purpose.
    stage.rig.wait(24 * 3_600_000);
    let entry = stage.submit(Terms { intention: Intention::Open, ..closing(Side::Buy, PositionSide::Net, "1") });
    stage.rig.durable();
    stage.rig.accept(entry);
    stage.rig.fill(entry, 6, "1", "100", "1");
    stage.rig.wait(60_000);
    stage.leg_holds("1");
    stage.rig.wait(60_000);
    stage.leg_holds("1");
    assert_eq!(sent_market(&stage).len(), 2, "live: {:?}", sent_market(&stage));
    let mut stage = stage.restarted();
    for _ in 0..5 {
        stage.leg_holds("1");
        stage.rig.wait(2_000);
    }
    assert!(sent_market(&stage).is_empty(), "restart: {:?}", sent_market(&stage));
}
