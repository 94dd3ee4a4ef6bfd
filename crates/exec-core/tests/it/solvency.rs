//! What an account may lose in a day, and how near it may come to its liquidation. Limits of orders: `limits` and `scopes`.

use crate::scene::{btc, buy, closing, fill_of, working};
use exec_core::{
    command::OperatorCommand,
    conversation::{Answer, Input, Query},
    engine::config::{EngineConfig, StreamCare},
    ids::SessionId,
    limits::Solvency,
    order::status::OrdStatus,
    pretrade::Denial,
    record::{LatchCause, Record},
    report::{AccountReport, BalanceReport, Fee, LegMargin, PositionReport, PriceReport, Quote, Report, ReportBody},
    snapshot::Snapshot,
    start_report::Shut,
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{asset, config, decimal, price, profile},
    rig::Rig,
};

const DAY_MS: u64 = 86_400_000;

fn with(solvency: Solvency) -> Rig {
    let stream = StreamCare { look_every_ms: 10_000, ..StreamCare::OFF };
    let config = EngineConfig { solvency, stream, ..config(PositionMode::Netting, &["BTCUSDT"]) };
    let mut rig = Rig::new(config, profile());
    rig.connect();
    let mut flat = rig.flat();
    flat.balances = vec![wallet("1000")];
    rig.answer_recovery(flat);
    rig.wait(1_000);
    rig
}

fn losing(max: &str) -> Rig {
    with(Solvency { daily_loss_max: Some(decimal(max)), ..Solvency::default() })
}

fn wallet(amount: &str) -> BalanceReport {
    BalanceReport { asset: asset("USDT"), wallet: amount.parse().expect("an amount"), available: None }
}

fn mark(rig: &mut Rig, at: &str) {
    let quote = Quote { mark: Some(price(at)), ..Quote::default() };
    rig.give(Input::Price(PriceReport { instrument: btc(), quote }));
}

/// Holds one, bought at 99.
fn holding(rig: &mut Rig) {
    let open = working(rig);
    rig.fill(open, 1, "1", "99", "1");
}

fn told(rig: &mut Rig, reason: &str, amount: &str) {
    let report =
        AccountReport { reason: reason.into(), at: rig.venue_time(), balances: vec![wallet(amount)], positions: Vec::new() };
    let session = SessionId(1);
    rig.give(Input::Report { session, report: Report { sent: None, body: ReportBody::Account(report) } });
}

fn is_latched(rig: &Rig) -> bool {
    rig.engine.books().latches().contains_key(&LatchCause::DailyLoss)
}

fn result(rig: &Rig) -> String {
    rig.engine.day_result().map_or_else(|| "?".into(), |r| r.normalize().to_string())
}

#[test]
fn a_loss_of_open_legs_at_the_limit_stops_new_risk_and_takes_entries_away() {
    let mut rig = losing("10");
    holding(&mut rig);
    let entry = working(&mut rig);
    mark(&mut rig, "89.5");
    rig.wait(3_000);
    assert!(!is_latched(&rig), "{}", result(&rig));
    mark(&mut rig, "89");
    rig.wait(3_000);
    assert!(is_latched(&rig), "{}", result(&rig));
    assert_eq!(rig.status(entry), OrdStatus::PendingCancel);
    let order = rig.submit(buy());
    assert!(matches!(rig.order(order).denial(), Some(Denial::GateClosed(_))));
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert!(rig.order(exit).denial().is_none());
}

#[test]
fn a_price_of_a_moment_is_no_loss_of_the_day() {
    let mut rig = losing("10");
    holding(&mut rig);
    mark(&mut rig, "80");
    rig.wait(900);
    mark(&mut rig, "99");
    rig.wait(5_000);
    assert!(!is_latched(&rig));
}

#[test]
fn realised_profit_fees_and_funding_count_and_transfers_do_not() {
    let mut rig = losing("10");
    let open = working(&mut rig);
    let mut report = rig.venue_report(open, exec_core::report::VenueStatus::Filled, "1");
    let mut fill = fill_of(&rig, 1, Side::Buy, "1", Some(PositionSide::Net));
    fill.price = price("100");
    fill.fee = Some(Fee { amount: "0.5".parse().expect("an amount"), asset: asset("USDT") });
    fill.realized = Some("-3".parse().expect("an amount"));
    report.fill = Some(fill);
    rig.stream(report);
    assert_eq!(result(&rig), "-3.5", "realised and fee");
    told(&mut rig, "DEPOSIT", "5000");
    told(&mut rig, "WITHDRAW", "100");
    assert_eq!(result(&rig), "-3.5", "no transfer");
    told(&mut rig, "FUNDING_FEE", "98");
    told(&mut rig, "FUNDING_FEE", "98");
    assert_eq!(result(&rig), "-5.5", "once");
    mark(&mut rig, "95");
    assert_eq!(result(&rig), "-10.5", "and what is open");
    rig.wait(3_000);
    assert!(is_latched(&rig));
}

#[test]
fn a_fee_in_another_asset_counts_at_its_own_price() {
    let mut rig = with(Solvency { daily_loss_max: Some(decimal("1000")), ..Solvency::default() });
    let open = working(&mut rig);
    let mut report = rig.venue_report(open, exec_core::report::VenueStatus::Filled, "1");
    let mut fill = fill_of(&rig, 1, Side::Buy, "1", Some(PositionSide::Net));
    fill.price = price("100");
    fill.fee = Some(Fee { amount: "0.02".parse().expect("an amount"), asset: asset("BTC") });
    report.fill = Some(fill);
    rig.stream(report);
    assert_eq!(result(&rig), "-2");
}

#[test]
fn the_latch_ends_with_the_day_and_the_next_day_counts_anew() {
    let mut rig = losing("10");
    holding(&mut rig);
    mark(&mut rig, "80");
    rig.wait(3_000);
    assert!(is_latched(&rig));
    rig.wait(DAY_MS - rig.ms - 2_000);
    assert!(is_latched(&rig), "before midnight");
    rig.wait(4_000);
    assert!(!is_latched(&rig), "{:?}", rig.engine.books().latches());
    assert!(rig.alerted("latch_lifted"));
    assert_eq!(result(&rig), "0");
    mark(&mut rig, "75");
    rig.wait(3_000);
    assert!(!is_latched(&rig), "five of ten");
}

/// The same account, which holds one, after a crash that kept everything.
fn held_over_a_restart(rig: Rig) -> Rig {
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    rig.answer_recovery({
        let mut status = rig.flat();
        status.positions = vec![crate::scene::position("1")];
        status.high_water = vec![(btc(), Some(exec_core::ids::TradeId::from_number(1)))];
        status
    });
    rig.no_trades();
    rig
}

#[test]
fn the_day_is_kept_over_a_restart_by_journal_and_by_snapshot() {
    let mut rig = losing("10");
    holding(&mut rig);
    mark(&mut rig, "91");
    rig.wait(3_000);
    let before = rig.engine.books().day().cloned();
    assert!(before.is_some() && !is_latched(&rig));
    let bytes = rig.engine.snapshot().encode();
    let restored = Snapshot::decode(&bytes).expect("it is whole").into_books(rig.engine.config().tag);
    assert_eq!(restored.day().cloned(), before);
    let mut rig = held_over_a_restart(rig);
    assert_eq!(rig.engine.books().day().cloned(), before);
    mark(&mut rig, "88");
    rig.wait(3_000);
    assert!(is_latched(&rig), "8 lost before, 3 after: {} {}", result(&rig), rig.engine.report());
}

/// Twelve are lost of ten, and somebody has looked.
fn released() -> Rig {
    let mut rig = losing("10");
    holding(&mut rig);
    mark(&mut rig, "88");
    rig.wait(3_000);
    assert!(is_latched(&rig));
    rig.give(Input::Operator { who: "ada".into(), command: OperatorCommand::Release });
    rig
}

#[test]
fn a_release_lets_the_day_go_on_until_as_much_is_lost_again_also_after_a_restart() {
    for mut rig in [released(), held_over_a_restart(released())] {
        mark(&mut rig, "80");
        rig.wait(3_000);
        assert!(!is_latched(&rig), "eight since the release: {}", rig.engine.report());
        mark(&mut rig, "77");
        rig.wait(3_000);
        assert!(is_latched(&rig), "{}", result(&rig));
    }
}

#[test]
fn at_half_as_much_again_everything_is_closed_where_the_config_says_so() {
    for (flatten_on_loss, expected) in [(false, false), (true, true)] {
        let mut rig = with(Solvency { daily_loss_max: Some(decimal("10")), flatten_on_loss, ..Solvency::default() });
        holding(&mut rig);
        mark(&mut rig, "85");
        rig.wait(3_000);
        assert!(!rig.alerted("flatten_on_loss"), "14");
        mark(&mut rig, "84");
        rig.wait(3_000);
        assert_eq!(rig.alerted("flatten_on_loss"), expected);
        let flattens = rig.engine.kills().any(|(level, ..)| level == exec_core::kill::KillLevel::Flatten);
        assert_eq!(flattens, expected, "the kill switch is thrown");
    }
}

#[test]
fn without_a_limit_no_day_is_counted() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    rig.wait(5_000);
    assert!(!rig.journal.iter().any(|(_, r)| matches!(r, Record::Day(_))));
}

/// The next look at the legs finds one leg with so much maintenance margin.
fn looked(rig: &mut Rig, maintenance: &str, liquidation: Option<&str>) {
    rig.wait(10_000);
    let looks: Vec<_> = rig.asked.iter().filter(|(_, q)| matches!(q, Query::Positions(_))).map(|(id, _)| *id).collect();
    assert!(!looks.is_empty(), "the legs are looked at");
    let row = PositionReport {
        liquidation_px: liquidation.map(price),
        margin: LegMargin { maintenance: Some(maintenance.parse().expect("an amount")), adl_rank: Some(3) },
        ..crate::scene::position("1")
    };
    for query in looks {
        rig.asked.remove(&query);
        rig.give(Input::Answer { query, answer: Answer::Positions(Ok(vec![row.clone()])) });
    }
    rig.wait(1_000);
}

fn margin() -> Rig {
    let mut rig = with(Solvency {
        margin_ratio_max: Some(decimal("0.5")),
        liquidation_distance_min: decimal("0.05"),
        ..Solvency::default()
    });
    holding(&mut rig);
    rig
}

fn shut_by_margin(rig: &Rig) -> bool {
    rig.engine.report().shut.iter().any(|why| matches!(why, Shut::Margin { .. }))
}

#[test]
fn too_much_maintenance_margin_stops_new_risk_until_it_is_clearly_less() {
    let mut rig = margin();
    let entry = working(&mut rig);
    looked(&mut rig, "499", None);
    assert!(!shut_by_margin(&rig), "1,001 are worth it: {:?}", rig.engine.margin_ratio());
    looked(&mut rig, "510", None);
    assert!(shut_by_margin(&rig) && rig.alerted("margin_ratio"), "{:?}", rig.engine.margin_ratio());
    assert_eq!(rig.status(entry), OrdStatus::PendingCancel);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "0.5"));
    assert!(rig.order(exit).denial().is_none());
    looked(&mut rig, "480", None);
    assert!(shut_by_margin(&rig), "not clearly less");
    looked(&mut rig, "400", None);
    assert!(!shut_by_margin(&rig));
    assert_eq!(rig.engine.leg_margin(&btc(), PositionSide::Net).adl_rank, Some(3));
}

#[test]
fn a_margin_call_stops_new_risk_until_the_legs_were_read_and_are_well() {
    let mut rig = margin();
    looked(&mut rig, "10", None);
    let called = ReportBody::MarginCall { positions: vec![crate::scene::position("1")] };
    rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: called } });
    assert!(shut_by_margin(&rig));
    rig.wait(5_000);
    assert!(shut_by_margin(&rig), "nothing was read since");
    looked(&mut rig, "10", None);
    assert!(!shut_by_margin(&rig));
}

#[test]
fn a_liquidation_that_comes_near_is_told_once() {
    let mut rig = margin();
    let count = |rig: &Rig| rig.alerts.iter().filter(|a| a.kind == "liquidation_near").count();
    looked(&mut rig, "10", Some("90"));
    assert_eq!(count(&rig), 0, "ten per cent");
    looked(&mut rig, "10", Some("96"));
    looked(&mut rig, "10", Some("96"));
    assert_eq!(count(&rig), 1);
    mark(&mut rig, "110");
    rig.wait(2_000);
    mark(&mut rig, "100");
    rig.wait(2_000);
    assert_eq!(count(&rig), 2, "it was far away between");
}
