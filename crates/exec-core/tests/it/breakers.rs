//! Breakers: what a strategy may do over and over, and what becomes of one that does more. Whether a limit holds: `limits`.

use crate::scene::{buy, closing, working};
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Input, Request},
    engine::{
        breaker::Breakers,
        config::{EngineConfig, StrategyConfig},
    },
    ids::{IntentId, StrategyId},
    order::{intent::Handling, status::OrdStatus},
    pretrade::Denial,
    record::LatchCause,
    terms::Terms,
    units::{PositionMode, PositionSide, Side},
    venue::{CommandError, RejectClass, Rejection},
};
use exec_testkit::{
    fixtures::{config, limit, price, qty, strategy_id},
    rig::Rig,
};

fn with(breakers: Breakers) -> EngineConfig {
    EngineConfig { breakers, ..config(PositionMode::Netting, &["BTCUSDT"]) }
}

fn is_latched(rig: &Rig) -> bool {
    rig.engine.books().latches().contains_key(&LatchCause::Breaker(strategy_id()))
}

fn refuse(rig: &mut Rig, terms: Terms, class: RejectClass, code: i64) {
    rig.submit(terms);
    rig.durable();
    rig.outcome(Err(CommandError::Rejected(Rejection { class, code, text: "no".into() })));
}

fn at(n: u64) -> Terms {
    limit(Side::Buy, qty("1"), price(&format!("{}", 90 + n % 9)))
}

#[test]
fn ten_refusals_in_a_row_let_a_strategy_only_close() {
    let mut rig = Rig::live(with(Breakers::default()));
    let resting = working(&mut rig);
    for n in 0..9 {
        refuse(&mut rig, at(n), RejectClass::Invalid, -1111);
        rig.wait(500);
    }
    assert!(!is_latched(&rig), "nine are not ten");
    let cancels = rig.cancels_sent();
    refuse(&mut rig, at(9), RejectClass::Invalid, -1111);
    assert!(is_latched(&rig) && rig.alerted("latched"));
    assert_eq!(rig.cancels_sent(), cancels + 1, "its entry goes");
    assert_eq!(rig.status(resting), OrdStatus::PendingCancel);
    assert!(rig.engine.report().shut.is_empty(), "the account trades on");
    assert_eq!(rig.engine.report().strategies.len(), 1);
    let entry = rig.submit(buy());
    assert!(matches!(rig.order(entry).denial(), Some(Denial::GateClosed(_))));
    assert!(rig.engine.may_open_for(&strategy_id(), &crate::scene::btc()).is_err());
}

#[test]
fn a_latched_strategy_closes_and_cancels_and_the_latch_holds_over_a_restart() {
    let mut rig = Rig::live(with(Breakers { refusals_in_a_row: 1, ..Breakers::default() }));
    let open = working(&mut rig);
    rig.fill(open, 1, "1", "99", "1");
    refuse(&mut rig, at(0), RejectClass::Invalid, -1111);
    assert!(is_latched(&rig));
    let sent = rig.sent.len();
    let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
    assert!(rig.order(exit).denial().is_none());
    assert!(matches!(rig.sent[sent..], [Request::Submit { .. }]), "an exit leaves at once");
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    assert!(is_latched(&rig));
    rig.give(Input::Operator { who: "ada".into(), command: exec_core::command::OperatorCommand::Release });
    assert!(!is_latched(&rig));
    assert!(rig.engine.report().strategies.is_empty());
}

#[test]
fn an_accepted_order_ends_the_row_and_thirty_in_a_minute_open_all_the_same() {
    let mut rig = Rig::live(with(Breakers::default()));
    for n in 0..29 {
        if n % 5 == 4 {
            working(&mut rig);
        }
        refuse(&mut rig, at(n), RejectClass::State, -4131);
        rig.wait(1_000);
    }
    assert!(!is_latched(&rig));
    refuse(&mut rig, at(0), RejectClass::State, -4131);
    assert!(is_latched(&rig));
}

#[test]
fn refusals_that_are_a_minute_old_count_no_more() {
    let mut rig = Rig::live(with(Breakers { refusals_in_a_row: 0, ..Breakers::default() }));
    for n in 0..90 {
        refuse(&mut rig, at(n), RejectClass::State, -4131);
        rig.wait(2_100);
    }
    assert!(!is_latched(&rig));
}

#[test]
fn post_only_orders_that_would_have_taken_count_apart() {
    let mut rig = Rig::live(with(Breakers { would_take_per_minute: 40, ..Breakers::default() }));
    for n in 0..39 {
        refuse(&mut rig, at(n), RejectClass::WouldTake, -5022);
        rig.wait(200);
    }
    assert!(!is_latched(&rig), "a maker lives with some");
    refuse(&mut rig, at(0), RejectClass::WouldTake, -5022);
    assert!(is_latched(&rig));
}

#[test]
fn a_loop_on_insufficient_funds_opens_the_breaker_and_one_refusal_does_not() {
    let mut rig = Rig::live(with(Breakers::default()));
    for n in 0..4 {
        refuse(&mut rig, at(n), RejectClass::Funds, -2019);
    }
    assert!(!is_latched(&rig), "the node goes on");
    refuse(&mut rig, at(4), RejectClass::Funds, -2019);
    let text = rig.engine.books().latches().values().next().cloned().unwrap_or_default();
    assert!(text.contains("funds"), "{text}");
}

#[test]
fn what_the_venue_does_to_everybody_opens_no_breaker() {
    for class in [RejectClass::Throttled, RejectClass::Failed, RejectClass::Restricted, RejectClass::Clock] {
        let mut rig = Rig::live(EngineConfig { max_retries: 0, ..with(Breakers::default()) });
        for n in 0..40 {
            rig.give(Input::Clock(exec_core::time::ClockReading { offset_ms: 0, error_ms: 1 }));
            refuse(&mut rig, at(n), class, -1);
            rig.wait(200);
        }
        assert!(!is_latched(&rig), "{class:?}");
    }
}

#[test]
fn a_shut_gate_opens_no_breaker() {
    let mut rig = Rig::live(with(Breakers::default()));
    rig.give(Input::Operator { who: "ada".into(), command: exec_core::command::OperatorCommand::Latch });
    for n in 0..40 {
        rig.submit(at(n));
        rig.wait(200);
    }
    assert!(!is_latched(&rig));
}

#[test]
fn the_same_order_more_than_ten_times_in_a_second_opens_the_breaker() {
    let mut rig = Rig::live(with(Breakers::default()));
    for _ in 0..30 {
        rig.submit(buy());
        rig.wait(110);
    }
    assert!(!is_latched(&rig), "nine in a second");
    rig.wait(1_000);
    for _ in 0..11 {
        assert!(!is_latched(&rig));
        rig.submit(buy());
    }
    assert!(is_latched(&rig));
}

#[test]
fn a_latched_strategy_is_not_sent_to_close_what_is_not_there() {
    let mut rig = Rig::live(with(Breakers { refusals_in_a_row: 1, ..Breakers::default() }));
    let open = working(&mut rig);
    rig.fill(open, 1, "1", "99", "1");
    refuse(&mut rig, at(0), RejectClass::Invalid, -1111);
    let denied = |rig: &mut Rig, side| {
        let exit = rig.submit(closing(side, PositionSide::Net, "1"));
        rig.order(exit).denial().cloned()
    };
    assert_eq!(denied(&mut rig, Side::Buy), Some(Denial::NothingToClose), "it is long");
    assert_eq!(denied(&mut rig, Side::Sell), None);
}

#[test]
fn three_slow_calls_within_an_hour_open_the_breaker() {
    let slow = || Input::SlowCall { strategy: strategy_id(), took_ms: 150 };
    let mut rig = Rig::live(with(Breakers::default()));
    for _ in 0..10 {
        rig.give(slow());
        rig.wait(31 * 60_000);
    }
    assert!(!is_latched(&rig), "two an hour");
    rig.wait(3_600_000);
    (0..3).for_each(|_| rig.give(slow()));
    assert!(is_latched(&rig));
}

#[test]
fn what_is_left_of_a_call_after_the_breaker_has_opened_does_not_leave() {
    let mut config = with(Breakers { refusals_in_a_row: 3, ..Breakers::default() });
    let other = StrategyId::new("other").expect("a name");
    let mut strategy: StrategyConfig = config.strategies[0].clone();
    strategy.id = other.clone();
    config.strategies.push(strategy);
    let mut rig = Rig::live(config);
    let order =
        |n: u128, terms| Command::Submit(NewOrder { intent: IntentId(n), terms, handling: Handling::default(), list: None });
    let bad = || limit(Side::Buy, qty("0.0001"), price("99"));
    let commands = vec![order(901, bad()), order(902, bad()), order(903, bad()), order(904, buy())];
    rig.give(Input::Commands { strategy: strategy_id(), seen: None, commands, state: None });
    assert!(matches!(rig.order(IntentId(904)).denial(), Some(Denial::GateClosed(_))));
    rig.give(Input::Commands { strategy: other, seen: None, commands: vec![order(905, buy())], state: None });
    assert!(rig.order(IntentId(905)).denial().is_none(), "another strategy is not held");
}

/// The node dies and starts again; what it was told before is in the journal.
fn dies(rig: Rig) -> Rig {
    let kept = rig.journal.len();
    let mut rig = rig.restarted(kept);
    rig.connect();
    rig.answer_recovery(rig.flat());
    rig.no_trades();
    rig
}

fn in_a_crash_loop(rig: &Rig) -> bool {
    rig.engine.books().latches().contains_key(&LatchCause::CrashLoop)
}

fn was_started(rig: &Rig) -> bool {
    rig.told.iter().any(|(_, event)| matches!(event, exec_core::conversation::StrategyEvent::Start))
}

#[test]
fn the_third_start_within_two_minutes_calls_no_strategy_and_says_which_had_not_handled_its_events() {
    let mut rig = Rig::live(with(Breakers::default()));
    rig.submit(limit(Side::Buy, qty("0.0001"), price("99")));
    let mut rig = dies(rig);
    assert!(!in_a_crash_loop(&rig) && was_started(&rig), "the second");
    rig.wait(1_000);
    let mut rig = dies(rig);
    assert!(in_a_crash_loop(&rig) && !was_started(&rig), "the third");
    let text = rig.engine.books().latches()[&LatchCause::CrashLoop].clone();
    assert!(text.contains("start 3") && text.contains("maker"), "{text}");
    let entry = rig.submit(buy());
    assert!(matches!(rig.order(entry).denial(), Some(Denial::GateClosed(_))));
    rig.told.clear();
    rig.give(Input::Price(exec_core::report::PriceReport {
        instrument: crate::scene::btc(),
        quote: exec_core::report::Quote { mark: Some(price("101")), ..Default::default() },
    }));
    assert!(rig.told.is_empty(), "{:?}", rig.told);
    rig.give(Input::Operator { who: "ada".into(), command: exec_core::command::OperatorCommand::Release });
    assert!(was_started(&rig) && rig.told.len() > 1, "what it missed comes behind its start");
}

#[test]
fn starts_that_are_far_apart_are_no_loop() {
    let mut rig = Rig::live(with(Breakers::default()));
    for _ in 0..4 {
        rig.wait(121_000);
        rig = dies(rig);
        assert!(!in_a_crash_loop(&rig));
    }
}
