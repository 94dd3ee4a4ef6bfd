//! What the exchange does in the account by itself counts on the right leg, is told, and stops new risk where it happened.

use crate::scene::{btc, buy, fill_of, netting};
use exec_core::{
    conversation::StrategyEvent,
    ids::{IntentId, OrderId},
    order::{
        intent::{ExchangeMade, Owner, Provenance},
        status::OrdStatus,
    },
    report::{ExpiryReason, OrderReport, VenueStatus},
    start_report::Shut,
    terms::{OrderKind, Terms},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{cl_ord_id, config, instrument_id, qty},
    rig::Rig,
};

fn long(rig: &mut Rig, amount: &str, leg: PositionSide) {
    let entry = rig.submit(Terms { qty: Some(qty(amount)), leg, ..buy() });
    rig.durable();
    rig.accept(entry);
    rig.fill(entry, 1, amount, "99", amount);
    rig.wait(10);
}

/// An order of the exchange that sells this much, executed with its first event: no NEW came before.
fn made(rig: &Rig, made_by: ExchangeMade, name: &str, amount: &str, leg: PositionSide) -> OrderReport {
    OrderReport {
        cl_ord_id: Some(cl_ord_id(name)),
        order_id: Some(OrderId::from_number(4_711)),
        algo_id: None,
        instrument: btc(),
        side: Side::Sell,
        leg: Some(leg),
        status: VenueStatus::Filled,
        kind: Some(OrderKind::Market),
        qty: Some(qty(amount)),
        reduce_only: false,
        close_all: false,
        cum_qty: Some(qty(amount)),
        avg_px: None,
        updated: rig.venue_time(),
        created: None,
        fill: Some(fill_of(rig, 50, Side::Sell, amount, Some(leg))),
        replaced_by: None,
        text: None,
        made_by: Some(made_by),
        activated: false,
    }
}

fn told(rig: &Rig) -> Vec<(ExchangeMade, IntentId)> {
    let exchange = |e: &StrategyEvent| if let StrategyEvent::Exchange(x) = e { Some((x.made_by, x.intent)) } else { None };
    rig.told.iter().filter_map(|(_, e)| exchange(e)).collect()
}

#[test]
fn a_deleveraging_is_the_strategys_own_loss_of_position_and_latches_the_instrument() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT", "ETHUSDT"]));
    long(&mut rig, "3", PositionSide::Net);
    let report = made(&rig, ExchangeMade::AutoDeleveraging, "adl_autoclose", "2", PositionSide::Net);
    rig.stream(report.clone());
    rig.stream(report);
    let books = rig.engine.books();
    let owner = Owner::Strategy(exec_testkit::fixtures::strategy_id());
    assert_eq!(books.share(&owner, &btc(), PositionSide::Net).to_string(), "1", "it was this strategy's alone");
    let [(made_by, intent)] = told(&rig)[..] else { panic!("told {:?}", told(&rig)) };
    assert_eq!(made_by, ExchangeMade::AutoDeleveraging);
    assert_eq!(rig.order(intent).intent().provenance, Provenance::Exchange(ExchangeMade::AutoDeleveraging));
    let more = rig.submit(buy());
    assert_eq!(rig.status(more), OrdStatus::Denied);
    let elsewhere = rig.submit(Terms { instrument: instrument_id("ETHUSDT"), ..buy() });
    assert_ne!(rig.status(elsewhere), OrdStatus::Denied, "only the instrument is stopped");
}

#[test]
fn a_liquidation_stops_the_account_at_its_first_sign() {
    let mut rig = netting();
    let resting = crate::scene::working(&mut rig);
    let report = rig.venue_report(resting, VenueStatus::Expired(ExpiryReason::Liquidation), "0");
    rig.stream(report);
    assert!(rig.engine.report().shut.iter().any(|s| matches!(s, Shut::Latched(..))));

    let mut rig = netting();
    long(&mut rig, "3", PositionSide::Net);
    let report = made(&rig, ExchangeMade::Liquidation, "autoclose-1795305600000", "3", PositionSide::Net);
    rig.stream(report);
    assert!(rig.engine.report().shut.iter().any(|s| matches!(s, Shut::Latched(..))));
    assert_eq!(rig.engine.books().position_qty(&btc(), PositionSide::Net).to_string(), "0");
}

#[test]
fn it_counts_on_the_leg_it_names() {
    let mut rig = Rig::live(config(PositionMode::Hedging, &["BTCUSDT"]));
    long(&mut rig, "3", PositionSide::Long);
    let report = made(&rig, ExchangeMade::Settlement, "settlement_autoclose-1", "3", PositionSide::Long);
    rig.stream(report);
    let books = rig.engine.books();
    assert_eq!(books.position_qty(&btc(), PositionSide::Long).to_string(), "0");
    assert_eq!(books.position_qty(&btc(), PositionSide::Short).to_string(), "0");
}

#[test]
fn it_is_told_again_after_a_crash_until_the_strategy_has_seen_it() {
    let mut rig = netting();
    long(&mut rig, "3", PositionSide::Net);
    let report = made(&rig, ExchangeMade::AutoDeleveraging, "adl_autoclose", "3", PositionSide::Net);
    rig.stream(report);
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    let flat = rig.flat();
    rig.answer_recovery(flat);
    rig.no_trades();
    assert_eq!(told(&rig).len(), 1);
}

#[test]
fn nobody_cancels_an_order_of_the_exchange() {
    let mut rig = netting();
    long(&mut rig, "3", PositionSide::Net);
    let mut report = made(&rig, ExchangeMade::Liquidation, "autoclose-1795305600000", "3", PositionSide::Net);
    (report.status, report.cum_qty, report.fill) = (VenueStatus::New, None, None);
    rig.stream(report);
    let intent = told(&rig)[0].1;
    rig.command(exec_core::command::Command::CancelAll(None));
    assert_eq!((rig.cancels_sent(), rig.status(intent)), (0, OrdStatus::New));
}
