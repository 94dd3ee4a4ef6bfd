//! A change of a working order is dated, aged and doubted by itself.

use crate::scene::{btc, buy, fill_of, netting, unknown, working};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{Input, Request, StrategyEvent},
    ids::SessionId,
    order::status::OrdStatus,
    report::{Report, ReportBody, TradeReport, VenueStatus},
    terms::{OrderKind, SelfTrade, Terms, TimeInForce},
    time::ClockReading,
    units::{PositionMode, PositionSide, Side},
    venue::Lookup,
};
use exec_testkit::{
    fixtures::{config, price, qty},
    rig::Rig,
};

#[test]
fn the_doubt_of_an_earlier_change_does_not_date_a_later_one() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None }));
    rig.durable();
    let request = rig.last_request();
    rig.outcome(Err(unknown()));
    let mut report = rig.venue_report(intent, VenueStatus::New, "0");
    (report.qty, report.kind) = (Some(qty("2")), Some(OrderKind::Limit { price: price("98").into(), tif: TimeInForce::Gtc }));
    report.replaced_by = Some(request);
    rig.stream(report.clone());
    assert_eq!(rig.status(intent), OrdStatus::New);
    rig.wait(50_000);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("3")), price: Some(price("97")), trigger: None }));
    rig.durable();
    rig.outcome(Err(unknown()));
    rig.wait(1_000);
    report.replaced_by = None;
    assert!(rig.answer_orders(&Ok(Lookup::Found(Box::new(report)))) >= 1);
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace, "one second proves nothing");
}

#[test]
fn a_change_that_would_end_the_order_is_denied() {
    let mut rig = netting();
    let kind = OrderKind::Limit { price: price("99").into(), tif: TimeInForce::Gtx };
    let post_only = rig.submit(Terms { kind, ..buy() });
    rig.durable();
    rig.accept(post_only);
    // The offer stands at 100.1: a post-only order there is cancelled by the change.
    let change = |intent, to: &str| ChangeOrder { intent, qty: None, price: Some(price(to)), trigger: None };
    rig.command(Command::Replace(change(post_only, "100.1")));
    assert_eq!(rig.status(post_only), OrdStatus::New);
    rig.command(Command::Replace(change(post_only, "100")));
    assert_eq!(rig.status(post_only), OrdStatus::PendingReplace);
    // The venue drops the rule with the change.
    let ruled = rig.submit(Terms { stp: Some(SelfTrade::ExpireBoth), ..buy() });
    rig.durable();
    rig.accept(ruled);
    rig.command(Command::Replace(change(ruled, "98")));
    assert_eq!(rig.status(ruled), OrdStatus::New);
    assert_eq!(rig.told.iter().filter(|(_, e)| matches!(e, StrategyEvent::ChangeDenied { .. })).count(), 2);
}

#[test]
fn a_change_of_an_earlier_start_is_dated_by_the_venues_clock() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None }));
    rig.durable();
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    // The venue's clock is ten seconds ahead of ours.
    rig.give(Input::Clock(ClockReading { offset_ms: 10_000, error_ms: 5 }));
    rig.wait(1_000);
    rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace);
}

#[test]
fn an_order_is_not_filled_while_a_larger_change_is_in_doubt() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None }));
    rig.durable();
    rig.outcome(Err(unknown()));
    // the fast trade event does not carry the quantity
    let trade = TradeReport {
        instrument: btc(),
        cl_ord_id: Some(rig.cl_ord_id(intent)),
        order_id: rig.order(intent).last().and_then(|(_, a)| a.order_id()).expect("an id"),
        fill: fill_of(&rig, 5, Side::Buy, "1", None),
    };
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Trade(trade) } });
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace, "one more may still be bought");
    let before = rig.sent.len();
    rig.command(Command::Cancel(intent));
    assert_eq!(rig.sent.len(), before + 1, "and it can be cancelled");
}

#[test]
fn a_change_that_waited_too_long_for_the_disk_is_not_sent() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None }));
    rig.wait(30_000);
    rig.durable();
    assert!(!rig.sent.iter().any(|r| matches!(r, Request::Replace(_))));
    assert_eq!(rig.status(intent), OrdStatus::New);
}

#[test]
fn a_change_in_doubt_ends_when_the_venue_says_that_the_order_is_filled() {
    let mut rig = netting();
    let intent = working(&mut rig);
    rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None }));
    rig.durable();
    rig.outcome(Err(unknown()));
    rig.fill(intent, 5, "1", "99", "1");
    assert_eq!(rig.status(intent), OrdStatus::Filled, "what is filled cannot be changed any more");
    rig.wait(10_000);
    assert!(rig.asked.is_empty());
}

/// Asked for with open eyes, a change that the venue answers with a cancel is sent.
#[test]
fn a_change_that_ends_the_order_is_sent_if_that_is_what_is_asked_for() {
    for (mode, leg) in [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)] {
        let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
        let placed = |rig: &mut Rig, tif, cum: &str| {
            let kind = OrderKind::Limit { price: price("99").into(), tif };
            let intent = rig.submit(Terms { kind, leg, qty: Some(qty("3")), ..buy() });
            rig.durable();
            rig.accept(intent);
            if cum != "0" {
                rig.fill(intent, 1, cum, "99", cum);
            }
            intent
        };
        let executed = placed(&mut rig, TimeInForce::Gtc, "2");
        let crossing = placed(&mut rig, TimeInForce::Gtx, "0");
        let changes = [
            ChangeOrder { intent: executed, qty: Some(qty("2")), price: None, trigger: None },
            ChangeOrder { intent: crossing, qty: None, price: Some(price("100.1")), trigger: None },
        ];
        for change in changes {
            rig.command(Command::Replace(change));
            rig.durable();
            assert!(!rig.sent.iter().any(|r| matches!(r, Request::Replace(_))), "{mode:?}: denied");
        }
        for (sent, change) in changes.into_iter().enumerate() {
            rig.command(Command::ReplaceOrEnd(change));
            rig.durable();
            assert_eq!(rig.sent.iter().filter(|r| matches!(r, Request::Replace(_))).count(), sent + 1, "{mode:?}");
            let intent = change.intent;
            let cum = if intent == executed { "2" } else { "0" };
            let report = rig.venue_report(intent, VenueStatus::Canceled, cum);
            rig.outcome(Ok(Box::new(report)));
            assert_eq!(rig.status(intent), OrdStatus::Canceled, "{mode:?}");
        }
    }
}
