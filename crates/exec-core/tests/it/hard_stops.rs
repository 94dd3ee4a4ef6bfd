//! Lost stops and their remedies in sequences in which they went wrong once.

use crate::hard_words::*;

use crate::{
    scene::{closing, fill_of, foreign, unknown},
    stage::{Stage, long_stop, sell_stop, with_limit},
};
use exec_core::{
    command::Command,
    conversation::Input,
    engine::config::ProtectionPolicy,
    ids::IntentId,
    order::status::OrdStatus,
    report::{ExpiryReason, PositionReport, VenueStatus},
    terms::{Intention, Terms},
    units::{PositionSide, Side},
    venue::{QueryError, RejectClass},
};
use exec_testkit::fixtures::{decimal, limit, price, qty};

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

/// two remedies of one stop are read as a pair that cancels each other.
#[test]
fn remedies_are_taken_for_a_pair() {
    let mut stage = Stage::holding("3");
    let stop = stage.refused(sell_stop("3", "95"));
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
    let stop = stage.refused(sell_stop("2", "95"));
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

/// a further try of a remedy closes the stop's whole quantity, not what is uncovered.
#[test]
fn retry_of_a_remedy_closes_more() {
    let mut stage = Stage::holding("2");
    stage.standing(sell_stop("1", "94"));
    stage.refused(sell_stop("2", "95"));
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["1"]);
    stage.refuse(RejectClass::Failed, -1008);
    stage.rig.wait(2_000);
    assert_eq!(sent_market(&stage), ["1", "1"]);
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
    stage.enter("1", 2);
    stage.refused(sell_stop("1", "95"));
    stage.leg_holds("101");
    assert_eq!(sent_market(&stage), ["1"], "a stop for 1 was lost");
}

/// one failed question about the leg, then one failed exit: no further one.
#[test]
fn no_second_exit_after_a_failed_question() {
    let mut stage = Stage::holding("2");
    stage.refused(sell_stop("2", "95"));
    stage.answer_legs(&Err(QueryError::Unavailable("no answer".into())));
    stage.rig.wait(600);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"]);
    stage.refuse(RejectClass::State, -4131);
    stage.rig.wait(10_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage).len(), 2, "uncovered {}", stage.uncovered());
}

/// an exit beyond the largest market order.
#[test]
fn exit_beyond_the_market_lot() {
    let mut stage = Stage::holding("2");
    let mut instrument = exec_testkit::fixtures::instrument("BTCUSDT");
    instrument.market_lot.max = decimal("1");
    stage.rig.give(Input::Instruments(vec![instrument]));
    stage.refused(with_limit(sell_stop("2", "95"), "94"));
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["1"], "the venue refuses more than 1 at market");
}

/// a stop whose reply is lost ends flat or protected within five seconds.
#[test]
fn lost_reply_of_a_plain_stop_takes_long() {
    let mut stage = Stage::holding("2");
    let stop = stage.submit(sell_stop("2", "95"));
    stage.rig.outcome(Err(unknown()));
    let seconds = seconds_until_closed(&mut stage);
    assert!(seconds <= 5, "{seconds} s without a stop, {:?}", stage.rig.status(stop));
}

/// a strategy that answers the loss with cancel-all calls off its own exit.
#[test]
fn cancel_all_calls_off_the_remedy() {
    let mut stage = Stage::holding("2");
    stage.refused(sell_stop("2", "95"));
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
    stage.refused(sell_stop("2", "95"));
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
    let stop = stage.standing(sell_stop("2", "95"));
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
    let stop = stage.standing(long_stop("3", "95"));
    stage.rig.fill(entry, 2, "2", "99", "3");
    stage.rig.wait(5_000);
    assert!(
        stage.uncovered().is_zero(),
        "asked for 3, stands with {:?}, uncovered {}",
        stage.rig.order(stop).qty(),
        stage.uncovered()
    );
}

/// rearm: the exit of a pair? A re-armed stop and its stop in one list at a restart.
#[test]
fn exit_after_rearm_is_dropped_at_a_restart() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    let stop = stage.refused(sell_stop("2", "95"));
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
    stage.refused(sell_stop("1", "95"));
    stage.leg_holds("5");
    assert_eq!(sent_market(&stage), ["1"]);
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

/// the remedy of a loss is found again after a crash even if the leg could not be read in time.
#[test]
fn second_restart_of_a_remedy() {
    let mut stage = Stage::holding("2");
    stage.refused(sell_stop("2", "95"));
    let mut stage = stage.restarted();
    stage.leg_holds("2");
    let exit = market_intent(&stage);
    refuse_last_of(&mut stage, exit, RejectClass::Failed, -1008);
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
    let stop = stage.standing(sell_stop("4", "95"));
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
    let stop = stage.standing(with_limit(long_stop("2", "95"), "94"));
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
    let first = stage.standing(sell_stop("2", "95"));
    stage.refused(sell_stop("2", "94"));
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
    stage.refused(sell_stop("2", "95"));
    stage.leg_holds("2");
    let exit = market_intent(&stage);
    stage.rig.accept(exit);
    stage.rig.fill(exit, 5, "2", "94", "2");
    assert_eq!(stage.net(), "0");
    stage.rig.wait(24 * 3_600_000);
    stage.leg_holds("0");
    stage.enter("1", 6);
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
    stage.refused(sell_stop("2", "95"));
    // The strategy answers the loss itself, before the leg is read, and enters anew.
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "2", "94", "2");
    stage.enter("1", 6);
    stage.leg_holds("1"); // read after the new entry
    stage.rig.wait(5_000);
    stage.leg_holds("1");
    let exits = sent_market(&stage);
    assert_eq!(exits, ["2"], "only the strategy's own: the position that the stop protected is gone");
}

/// the reply to a re-armed stop is lost.
#[test]
fn lost_reply_of_a_rearmed_stop() {
    let mut stage = Stage::with_policy("2", ProtectionPolicy::Rearm);
    stage.refused(sell_stop("2", "95"));
    stage.leg_holds("2");
    stage.rig.outcome(Err(unknown()));
    let seconds = seconds_until_closed(&mut stage);
    assert!(seconds <= 5, "{seconds} s without a stop");
}

/// a stop ends because its leg is flat; its strategy enters anew a second later.
#[test]
fn a_stop_that_had_nothing_to_do_closes_the_next_position() {
    let mut stage = Stage::holding("2");
    let stop = stage.standing(sell_stop("2", "95"));
    let own = stage.submit(closing(Side::Sell, PositionSide::Net, "2"));
    stage.rig.accept(own);
    stage.rig.fill(own, 5, "2", "101", "2");
    stage.algo(stop, VenueStatus::Expired(ExpiryReason::NothingToClose));
    stage.rig.wait(1_000);
    stage.enter("2", 6);
    stage.leg_holds("2");
    stage.rig.wait(3_000);
    stage.leg_holds("2");
    assert_eq!(sent_market(&stage), ["2"], "only the strategy's own exit");
}

/// HEDGING, a long of 2 whose stop-limit has triggered and rests; an exit of 1 is refused for what that has taken, and it made way.
fn made_way() -> (Stage, IntentId) {
    let mut stage = Stage::on_leg("2");
    let stop = stage.standing(with_limit(long_stop("2", "95"), "94"));
    stage.algo(stop, VenueStatus::Triggered);
    stage.child(stop, VenueStatus::New, "0");
    let exit = stage.submit(closing(Side::Sell, PositionSide::Long, "1"));
    stage.refuse(RejectClass::NothingToClose, -2022);
    assert_eq!(stage.rig.status(stop), OrdStatus::PendingCancel);
    stage.child(stop, VenueStatus::Canceled, "0");
    (stage, exit)
}

fn compared(stage: Stage, amount: &str, newest: u64) -> Stage {
    let mut stage = stage.restarted();
    let mut status = stage.rig.flat();
    status.positions = vec![PositionReport { leg: stage.leg, ..crate::scene::position(amount) }];
    status.high_water = vec![crate::scene::high("BTCUSDT", newest)];
    stage.rig.answer_recovery(status);
    stage.rig.no_trades();
    stage
}

/// the exit that a stop had made way for was cut short by a crash, and nobody missed the stop: its cancel looked like a wish.
#[test]
fn a_stop_that_made_way_before_a_crash_is_missed_after_it() {
    let (stage, _) = made_way();
    let mut stage = compared(stage, "2", 1);
    stage.rig.wait(3_100);
    stage.leg_holds("2");
    assert!(stage.rig.alerted("protection_lost"));
    assert_eq!(sent_market(&stage), ["2"]);
}

/// the same exit closed all of the leg: what is held later is another position.
#[test]
fn a_stop_that_made_way_long_before_a_crash_is_not_missed() {
    let (mut stage, exit) = made_way();
    stage.rig.wait(1_000);
    stage.leg_holds("2");
    stage.rig.accept(exit);
    stage.rig.fill(exit, 2, "1", "94", "1");
    let rest = stage.submit(closing(Side::Sell, PositionSide::Long, "1"));
    stage.rig.accept(rest);
    stage.rig.fill(rest, 3, "1", "94", "1");
    stage.leg_holds("0");
    stage.rig.wait(20_000);
    stage.enter("1", 4);
    let mut stage = compared(stage, "1", 4);
    stage.rig.wait(10_000);
    stage.leg_holds("1");
    assert!(sent_market(&stage).is_empty() && !stage.rig.alerted("protection_lost"), "{:?}", sent_market(&stage));
}
