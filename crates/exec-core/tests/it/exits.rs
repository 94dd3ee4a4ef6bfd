//! An exit is not stopped by what we know wrongly, late or not at all.

use crate::scene::{buy, closing, fill_of, netting, position_of, refused, working};
use exec_core::{
    conversation::{Answer, Input, Query},
    ids::SessionId,
    order::status::OrdStatus,
    report::{Report, ReportBody, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::ClockReading,
    units::{PositionMode, PositionSide, Side},
    venue::RejectClass,
};
use exec_testkit::{
    fixtures::{self, config, price, qty},
    rig::Rig,
};

const DAY: u64 = 24 * 3_600 * 1_000;

#[test]
fn a_filled_close_all_ends() {
    let mut rig = netting();
    let open = working(&mut rig);
    rig.fill(open, 5, "1", "99", "1");
    let kind = OrderKind::StopMarket { trigger: Trigger { price: price("90"), by: TriggerBy::Last, price_protect: false } };
    let stop = rig.submit(Terms { side: Side::Sell, intention: Intention::CloseAll, qty: None, kind, ..buy() });
    rig.accept(stop);
    let mut report = rig.venue_report(stop, VenueStatus::Filled, "1");
    (report.qty, report.close_all) = (None, true);
    report.fill = Some(fill_of(&rig, 6, Side::Sell, "1", Some(PositionSide::Net)));
    rig.stream(report);
    assert_eq!(rig.status(stop), OrdStatus::Filled);
}

#[test]
fn an_exit_passes_although_the_venue_lists_the_instrument_no_more() {
    let mut rig = netting();
    let open = working(&mut rig);
    rig.fill(open, 5, "1", "99", "1");
    rig.give(Input::Instruments(vec![fixtures::instrument("ETHUSDT")]));
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert_eq!(rig.order(exit).denial(), None);
}

#[test]
fn an_exit_is_not_held_to_a_band_around_an_old_price() {
    let mut rig = netting();
    let open = working(&mut rig);
    rig.fill(open, 5, "1", "99", "1");
    let mut instrument = fixtures::instrument("BTCUSDT");
    instrument.percent_price =
        Some(exec_core::instrument::PercentPrice { up: fixtures::decimal("1.05"), down: fixtures::decimal("0.95") });
    rig.give(Input::Instruments(vec![instrument]));
    rig.ms += DAY;
    let kind = OrderKind::Limit { price: price("80").into(), tif: TimeInForce::Ioc };
    let exit = rig.submit(Terms { kind, ..closing(Side::Sell, PositionSide::Net, "1") });
    assert_eq!(rig.order(exit).denial(), None);
}

#[test]
fn in_hedging_an_exit_passes_before_the_books_begin() {
    let mut rig = Rig::new(config(PositionMode::Hedging, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    assert_eq!(rig.order(exit).denial(), None);
    assert_eq!(rig.attempts_sent().len(), 1);
}

#[test]
fn in_hedging_an_exit_is_sized_on_the_venues_leg_when_ours_is_empty() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    let account = exec_core::report::AccountReport {
        reason: "ORDER".into(),
        at: rig.venue_time(),
        balances: vec![],
        positions: vec![position_of("BTCUSDT", PositionSide::Long, "2")],
    };
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Account(account) } });
    let exit = rig.submit(closing(Side::Sell, PositionSide::Long, "5"));
    assert_eq!(rig.order(exit).denial(), None);
    assert_eq!(rig.attempts_sent().last().and_then(|a| a.terms.qty), Some(qty("2")));
}

#[test]
fn an_exit_refused_for_its_time_is_not_tried_again_with_our_own_clock() {
    let mut rig = netting();
    rig.give(Input::Clock(ClockReading { offset_ms: 10_000, error_ms: 5 }));
    let open = working(&mut rig);
    rig.fill(open, 5, "1", "99", "1");
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    rig.outcome(Err(refused(RejectClass::Clock, -1021)));
    rig.wait(5_000);
    let last = rig.attempts_sent().last().map(|a| a.timestamp.0).expect("sent");
    assert!(last >= rig.venue_time().0 - 5_000 + 9_000, "{last} against {}", rig.venue_time());
    let _ = exit;
}

#[test]
fn an_exit_is_tried_again_while_the_node_comes_to_its_end() {
    let mut rig = netting();
    let open = working(&mut rig);
    rig.fill(open, 5, "1", "99", "1");
    rig.give(Input::Drain);
    rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    rig.outcome(Err(refused(RejectClass::Failed, -1001)));
    rig.wait(1_000);
    assert_eq!(rig.attempts_sent().len(), 3);
}

#[test]
fn an_exit_does_not_end_another_that_is_about_to_be_tried_again() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    let open = rig.submit(Terms { leg: PositionSide::Long, ..buy() });
    rig.durable();
    rig.accept(open);
    rig.fill(open, 5, "1", "99", "1");
    let first = rig.submit(closing(Side::Sell, PositionSide::Long, "1"));
    rig.outcome(Err(refused(RejectClass::Failed, -1001)));
    let second = rig.submit(closing(Side::Sell, PositionSide::Long, "0.4"));
    rig.outcome(Err(refused(RejectClass::NothingToClose, -2022)));
    assert!(!rig.status(first).is_ended(), "{:?}", rig.status(first));
    rig.wait(150);
    let asked = rig.asked.iter().find(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).expect("the leg is read");
    let leg = position_of("BTCUSDT", PositionSide::Long, "1");
    rig.give(Input::Answer { query: asked, answer: Answer::Positions(Ok(vec![leg])) });
    assert_eq!(rig.attempts_sent().len(), 5);
    assert!(!rig.status(second).is_ended());
}
