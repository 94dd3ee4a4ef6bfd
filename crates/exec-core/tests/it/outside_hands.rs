//! What we did not do ourselves: other starts of ours, other engines, people at the venue's own screen; and what was before us.

use crate::scene::{btc, buy, cl_of, fill_of, foreign, high, netting, position_of, reconcile, refused};
use exec_core::{
    cl_ord_id::OwnId,
    command::OperatorCommand,
    conversation::{Input, Phase, Query, Request},
    ids::{ClOrdId, Epoch, OrderId, SessionId, StrategyId, TradeId},
    kill::{KillLevel, KillScope},
    order::{
        intent::{Owner, Provenance},
        status::OrdStatus,
    },
    record::LatchCause,
    report::{OrderReport, Report, ReportBody, TradeReport, VenueStatus},
    start_report::Shut,
    terms::Terms,
    time::VenueTime,
    units::{PositionMode, PositionSide, Side},
    venue::{InstrumentSetting, Lookup, MarginType, RejectClass},
};
use exec_testkit::{
    fixtures::{self, cl_ord_id, config},
    rig::Rig,
};

const DAY: u64 = 24 * 3_600 * 1_000;
const LEGS: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

#[test]
fn baseline_then_old_trades() {
    for (mode, leg) in LEGS {
        let mut rig = Rig::new(config(mode, &["BTCUSDT"]), fixtures::profile());
        rig.connect();
        let mut status = rig.flat();
        status.positions = vec![position_of("BTCUSDT", leg, "2")];
        status.high_water = vec![high("BTCUSDT", 9)];
        rig.answer_recovery(status.clone());
        rig.no_trades();
        for id in [7, 9] {
            let fill = fill_of(&rig, id, Side::Buy, "1", Some(leg));
            let trade = TradeReport { instrument: btc(), cl_ord_id: None, order_id: OrderId::from_number(70 + id), fill };
            rig.give(Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Trade(trade) } });
        }
        rig.wait(3_000);
        assert_eq!(cl_of(&rig, leg), "2", "{mode:?}: a trade at or below the cursor is history");
        assert_eq!(rig.engine.books().orders().count(), 0);
        let mut again = status;
        again.asked = rig.venue_time();
        reconcile(&mut rig, again);
        assert!(rig.engine.differences().is_empty());
    }
}

#[test]
fn resting_order_cancelled_by_hand_while_down_four_days() {
    for (mode, leg) in LEGS {
        let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
        let intent = rig.submit(Terms { leg, ..buy() });
        rig.durable();
        rig.accept(intent);
        let kept = rig.journal.len();
        let mut rig = rig.restarted(kept);
        rig.ms += 4 * DAY;
        rig.connect();
        // The venue has purged it: it is in no list, and no question finds it.
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        rig.answer_orders(&Ok(Lookup::Absent));
        assert_eq!(rig.status(intent), OrdStatus::New, "one absence proves nothing");
        rig.ms += 60_000;
        reconcile(&mut rig, rig_flat(mode));
        rig.answer_orders(&Ok(Lookup::Absent));
        assert_eq!(rig.status(intent), OrdStatus::Vanished, "{mode:?}");
        assert!(rig.engine.differences().is_empty());
    }
}

fn rig_flat(mode: PositionMode) -> exec_core::report::MassStatus {
    Rig::new(config(mode, &["BTCUSDT"]), fixtures::profile()).flat()
}

/// An order at the venue under an id of ours that the books do not know.
fn of_ours(rig: &Rig, strategy: u16, epoch: Epoch, created_ms: i64) -> OrderReport {
    let config = rig.engine.config();
    let own = OwnId { account: config.account_number, strategy, epoch, intent: 77, attempt: 0 };
    let id: ClOrdId = own.encode(&config.tag).expect("an id");
    let mut report = foreign("11", "1", "0");
    report.cl_ord_id = Some(id);
    report.updated = rig.venue_time();
    report.created = Some(VenueTime(rig.venue_time().0 + created_ms));
    report
}

fn number(rig: &Rig, name: &str) -> u16 {
    rig.engine.books().strategy(&StrategyId::new(name).expect("a name")).expect("a strategy").number
}

#[test]
fn promise_p02_after_a_lost_journal_an_order_of_ours_comes_back_under_its_strategy() {
    let mut before = config(PositionMode::Netting, &["BTCUSDT"]);
    let strategy = |id: &str| exec_core::engine::config::StrategyConfig {
        id: StrategyId::new(id).expect("a name"),
        ..config(PositionMode::Netting, &["BTCUSDT"]).strategies[0].clone()
    };
    before.strategies = vec![strategy("carry"), strategy("grid")];
    let first = Rig::live(before.clone());
    let grid = number(&first, "grid");
    let epoch = first.engine.books().epoch();
    // The journal is lost, and the config has changed since: another strategy stands in front.
    before.strategies = vec![strategy("newcomer"), strategy("grid"), strategy("carry")];
    let mut rig = Rig::new(before, fixtures::profile());
    rig.ms += 120_000;
    rig.connect();
    let mut status = rig.flat();
    status.open_orders = vec![of_ours(&rig, grid, epoch, -100_000)];
    rig.answer_recovery(status);
    let found = rig.engine.books().open_orders().next().expect("it is adopted").intent().clone();
    assert_eq!(
        (found.owner, found.provenance),
        (Owner::Strategy(StrategyId::new("grid").expect("a name")), Provenance::Recovered)
    );
    assert!(rig.engine.books().latches().is_empty());
}

/// What an earlier start had sent and no journal tells of: the switch takes it off when a comparison finds it. Orders of other hands that
/// came since were placed by somebody who knows better.
#[test]
fn promise_p12_an_entry_of_ours_that_a_comparison_finds_goes_while_the_kill_switch_stands() {
    for level in [KillLevel::Reduce, KillLevel::Halt] {
        let engine = config(PositionMode::Netting, &["BTCUSDT"]);
        let first = Rig::live(engine.clone());
        let maker = number(&first, engine.strategies[0].id.as_str());
        let epoch = first.engine.books().epoch();
        let mut rig = Rig::new(engine, fixtures::profile());
        rig.ms += 120_000;
        rig.connect();
        let scope = KillScope::Account;
        rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Kill { level, scope } });
        rig.durable();
        let ours = of_ours(&rig, maker, epoch, -100_000);
        let theirs = foreign("12", "1", "0");
        let mut status = rig.flat();
        status.open_orders = vec![ours.clone(), theirs];
        rig.answer_recovery(status);
        let cancelled: Vec<_> = rig
            .sent
            .iter()
            .filter_map(|request| match request {
                Request::Cancel(cancel) => cancel.order.cl_ord_id,
                _ => None,
            })
            .collect();
        assert_eq!(cancelled, ours.cl_ord_id.into_iter().collect::<Vec<_>>(), "{level:?}");
    }
}

#[test]
fn promise_p11_an_id_of_ours_made_after_we_began_or_under_a_higher_epoch_is_a_second_engine() {
    let now = netting().engine.books().epoch();
    for (epoch, created_ms, second) in [
        (now, 0, true),
        (Epoch(now.0 + 1), -1_000_000, true),
        // A start before us: what it had sent may arrive late, but not this late.
        (Epoch(now.0 - 1), 0, true),
        (Epoch(now.0 - 1), -59_000, false),
        (Epoch(now.0 - 1), -1_000_000, false),
    ] {
        let mut rig = netting();
        rig.wait(60_000);
        let report = of_ours(&rig, 5, epoch, created_ms);
        rig.stream(report);
        let fenced = rig.engine.books().latches().contains_key(&LatchCause::SecondEngine);
        assert_eq!(fenced, second, "{epoch:?} {created_ms}");
    }
}

#[test]
fn a_position_mode_changed_by_hand_shuts_the_gate_and_is_read_again_every_60_s() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
        let other = if mode == PositionMode::Netting { PositionMode::Hedging } else { PositionMode::Netting };
        let mut status = rig.flat();
        status.mode = other;
        rig.give(Input::Operator { who: "test".into(), command: exec_core::command::OperatorCommand::Reconcile });
        rig.answer_recovery(status.clone());
        assert_eq!(rig.engine.phase(), Phase::Degraded);
        assert_eq!(rig.engine.report().shut, [Shut::PositionMode { found: other, wanted: mode }]);
        rig.wait(60_000);
        rig.answer_recovery(status);
        assert_eq!(rig.alerts.iter().filter(|a| a.kind == "position_mode").count(), 1, "told once");
        rig.wait(60_000);
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        assert_eq!(rig.engine.phase(), Phase::Live);
    }
}

#[test]
fn a_refusal_for_the_position_mode_reads_it_at_once() {
    let mut rig = netting();
    rig.submit(buy());
    rig.durable();
    rig.outcome(Err(refused(RejectClass::PositionMode, -4061)));
    assert!(rig.asked.values().any(|q| matches!(q, Query::Mass(_))));
}

#[test]
fn leverage_and_margin_type_changed_by_hand_are_told() {
    let mut rig = netting();
    let setting = |leverage, margin_type| InstrumentSetting {
        instrument: btc(),
        leverage: Some(leverage),
        margin_type: Some(margin_type),
        notional_max: None,
    };
    rig.give(Input::Settings(vec![setting(5, MarginType::Cross)]));
    assert!(!rig.alerted("leverage_changed"), "the first is no change");
    rig.give(Input::Settings(vec![setting(20, MarginType::Isolated)]));
    assert!(rig.alerted("leverage_changed") && rig.alerted("margin_type_changed"));
}

#[test]
fn promise_p20_a_manual_order_is_external_and_is_never_reversed() {
    for (mode, leg) in LEGS {
        let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
        rig.wait(1_000);
        let mut report = foreign("11", "1", "1");
        (report.leg, report.cl_ord_id, report.status) = (Some(leg), Some(cl_ord_id("web_1")), VenueStatus::Filled);
        report.updated = rig.venue_time();
        report.fill = Some(fill_of(&rig, 5, Side::Buy, "1", Some(leg)));
        rig.stream(report);
        assert_eq!(rig.engine.books().share(&Owner::External, &btc(), leg).to_string(), "1");
        assert_eq!((cl_of(&rig, leg).as_str(), rig.sent.len()), ("1", 0));
        let position = rig.engine.books().position(&btc(), leg).expect("a leg");
        assert_eq!(position.cut(), None::<&TradeId>);
    }
}

#[test]
fn equal_opposite_legs_are_two_and_one_that_vanishes_when_flat_is_flat() {
    let mut rig = Rig::new(config(PositionMode::Hedging, &["BTCUSDT"]), fixtures::profile());
    rig.connect();
    let mut status = rig.flat();
    status.positions = vec![position_of("BTCUSDT", PositionSide::Long, "2"), position_of("BTCUSDT", PositionSide::Short, "-2")];
    status.high_water = vec![high("BTCUSDT", 9)];
    rig.answer_recovery(status.clone());
    assert_eq!((cl_of(&rig, PositionSide::Long).as_str(), cl_of(&rig, PositionSide::Short).as_str()), ("2", "-2"));
    // Closed by hand while nobody looked: the venue leaves flat legs out of its list.
    status.positions.pop();
    reconcile(&mut rig, status);
    assert_eq!(rig.engine.differences().len(), 1);
    assert_eq!(rig.engine.differences()[0].leg, PositionSide::Short);
}

#[test]
fn a_dead_journal_takes_entries_of_ours_and_claimed_ones_off_and_nobody_elses() {
    use crate::scene::{btc, by_hand, working};
    for (claims, cancelled) in [(vec![], 1), (vec![btc()], 2)] {
        let mut config = exec_testkit::fixtures::config(exec_core::units::PositionMode::Netting, &["BTCUSDT"]);
        config.strategies[0].external_order_claims = claims;
        let mut rig = exec_testkit::rig::Rig::live(config);
        rig.stream(by_hand("11", "4", "0"));
        let ours = working(&mut rig);
        rig.give(exec_core::conversation::Input::JournalFailed("gone".into()));
        assert_eq!(rig.cancels_sent(), cancelled);
        assert_eq!(rig.status(ours), exec_core::order::status::OrdStatus::PendingCancel);
    }
}
