//! The dead-man's switch: when a sign of life is given, what keeps the gate shut, and what may not outlive a node. What the venue does:
//! `exec-world`.

use crate::{
    scene::{btc, buy, closing},
    stage::{sell_stop, stop_to_open},
};
use exec_core::{
    command::{NewOrder, OperatorCommand},
    conversation::{Input, Outcome, Phase, Request},
    engine::config::{DeadMan, EngineConfig},
    ids::IntentId,
    order::{intent::Handling, status::OrdStatus},
    report::{MassStatus, VenueStatus},
    start_report::Shut,
    units::{PositionMode, PositionSide, Side},
    venue::{CommandError, Countdown},
};
use exec_testkit::{
    fixtures::{self, config, strategy_id},
    rig::Rig,
};

fn covered() -> EngineConfig {
    let dead_man = DeadMan { instruments: vec![btc()], countdown_ms: 120_000, refresh_ms: 30_000, ..DeadMan::default() };
    EngineConfig { dead_man, ..config(PositionMode::Netting, &["BTCUSDT"]) }
}

fn countdowns(rig: &Rig) -> Vec<Countdown> {
    rig.sent.iter().filter_map(|r| if let Request::Countdown(c) = r { Some(c.clone()) } else { None }).collect()
}

fn answer(rig: &mut Rig, result: Result<(), CommandError>) {
    let request = countdowns(rig).last().expect("a countdown").request;
    rig.give(Input::Outcome { request, outcome: Outcome::All(result) });
}

fn connected(config: EngineConfig) -> Rig {
    let mut rig = Rig::new(config, fixtures::profile());
    rig.connect();
    rig.answer_recovery(rig.flat());
    rig
}

/// Live, with every countdown begun.
fn armed(config: EngineConfig) -> Rig {
    let mut rig = connected(config);
    rig.wait(100);
    answer(&mut rig, Ok(()));
    assert_eq!(rig.engine.phase(), Phase::Live, "{}", rig.engine.report());
    rig
}

#[test]
fn the_gate_opens_only_when_the_venue_counts() {
    let mut rig = connected(covered());
    assert_eq!(rig.engine.gate_shut(), [Shut::NotArmed]);
    rig.wait(100);
    assert_eq!(countdowns(&rig).iter().map(|c| (c.instrument.clone(), c.after_ms)).collect::<Vec<_>>(), [(btc(), 120_000)]);
    answer(&mut rig, Err(CommandError::NotSent("no network".into())));
    assert_eq!(rig.engine.gate_shut(), [Shut::NotArmed]);
    rig.wait(1_000);
    assert_eq!(countdowns(&rig).len(), 2, "asked again");
    answer(&mut rig, Ok(()));
    assert_eq!(rig.engine.gate_shut(), []);
}

#[test]
fn promise_p09_signs_of_life_need_neither_journal_nor_stream() {
    let mut rig = armed(covered());
    rig.give(Input::JournalFailed("no space left on device".into()));
    rig.link_down();
    let before = countdowns(&rig).len();
    for number in 1..=4 {
        rig.wait(30_000);
        assert_eq!(countdowns(&rig).len(), before + number);
        answer(&mut rig, Ok(()));
    }
    assert!(!rig.engine.gate_shut().contains(&Shut::NotArmed));
}

#[test]
fn a_countdown_that_cannot_be_begun_anew_shuts_the_gate_when_it_has_ended() {
    let mut rig = armed(covered());
    for _ in 0..125 {
        rig.wait(1_000);
        answer(&mut rig, Err(CommandError::Unknown { why: "no answer".into(), live: false }));
    }
    assert_eq!(rig.engine.gate_shut(), [Shut::NotArmed]);
    assert!(rig.alerted("dead_man_failing"));
    assert_eq!(rig.alerts.iter().filter(|a| a.kind == "dead_man_failing").count(), 1, "told once");
}

#[test]
fn what_the_switch_took_off_is_told_by_its_cause() {
    for (silent_s, told) in [(5, false), (121, true)] {
        let mut rig = armed(covered());
        let entry = rig.submit(buy());
        rig.durable();
        rig.accept(entry);
        for _ in 0..silent_s {
            rig.wait(1_000);
            let request = countdowns(&rig).last().unwrap().request;
            let lost = Err(CommandError::Unknown { why: "no answer".into(), live: false });
            rig.give(Input::Outcome { request, outcome: Outcome::All(lost) });
        }
        let gone = rig.venue_report(entry, VenueStatus::Canceled, "0");
        rig.stream(gone);
        assert_eq!(rig.status(entry), OrdStatus::Canceled);
        assert_eq!(rig.alerted("dead_man_fired"), told, "silent for {silent_s} s");
    }
}

#[test]
fn an_opening_conditional_order_needs_a_word_and_what_closes_needs_none() {
    for outlives in [false, true] {
        let mut config = covered();
        if outlives {
            config.dead_man.outlive = vec![strategy_id()];
        }
        let mut rig = armed(config);
        let opens = rig.submit(stop_to_open("1", "120"));
        assert_eq!(rig.order(opens).denial().is_none(), outlives, "{:?}", rig.order(opens).denial());
        let closes = rig.submit(sell_stop("1", "90"));
        assert_eq!(rig.order(closes).denial(), None);
        // An operator's has a word of its own.
        let new = NewOrder { intent: IntentId(99), terms: stop_to_open("1", "120"), handling: Handling::default(), list: None };
        rig.give(Input::Operator { who: "alice".into(), command: OperatorCommand::Submit(new) });
        assert_eq!(rig.status(IntentId(99)), OrdStatus::Denied);
    }
}

#[test]
fn orphans_are_swept_before_the_gate_opens() {
    // It was placed without a switch; now there is one.
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    let waits = rig.submit(stop_to_open("1", "120"));
    rig.durable();
    let mut shown = rig.venue_report(waits, VenueStatus::New, "0");
    (shown.order_id, shown.algo_id) = (None, Some(exec_core::ids::AlgoId::from_number(7)));
    rig.outcome(Ok(Box::new(shown.clone())));
    assert_eq!(rig.status(waits), OrdStatus::New);
    let journal = rig.journal.clone();
    let mut engine = exec_core::engine::Engine::new(covered(), fixtures::profile());
    for (seq, record) in &journal {
        engine.replay(*seq, record).unwrap();
    }
    let mut again = Rig::new(covered(), fixtures::profile());
    (again.engine, again.journal, again.ms) = (engine, journal, rig.ms + 60_000);
    again.connect();
    again.wait(100);
    answer(&mut again, Ok(()));
    let open_orders = vec![shown.clone()];
    again.answer_recovery(MassStatus { open_orders, ..again.flat() });
    again.no_trades();
    again.durable();
    assert_eq!(again.engine.gate_shut(), [Shut::Orphans]);
    assert!(again.cancels_sent() > 0 && again.alerted("orphan"));
    again.stream(exec_core::report::OrderReport { status: VenueStatus::Canceled, ..shown });
    assert_eq!(again.engine.gate_shut(), []);
}

#[test]
fn a_node_that_ends_on_purpose_ends_the_countdown() {
    let mut rig = armed(covered());
    rig.give(Input::Drain);
    rig.wait(30_000);
    assert!(countdowns(&rig).iter().all(|c| c.after_ms > 0), "until the last moment it may still die");
    answer(&mut rig, Ok(()));
    rig.give(Input::Disarm);
    assert_eq!(countdowns(&rig).last().map(|c| c.after_ms), Some(0));
    assert_eq!(rig.engine.armed().count(), 1);
    answer(&mut rig, Ok(()));
    assert_eq!(rig.engine.armed().count(), 0);
    let sent = countdowns(&rig).len();
    rig.wait(120_000);
    assert_eq!(countdowns(&rig).len(), sent);
}

#[test]
fn without_covered_instruments_nothing_is_counted() {
    let mut rig = Rig::live(config(PositionMode::Netting, &["BTCUSDT"]));
    rig.wait(300_000);
    rig.give(Input::Disarm);
    assert_eq!(countdowns(&rig), []);
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert_eq!(rig.order(exit).denial(), None);
}
