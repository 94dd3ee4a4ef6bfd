//! Fills at every moment at which trackers have lost or doubled them.

use exec_testkit::check;

#[test]
fn fill_after_a_cancel_is_counted() {
    check("submit 10 | ack v1 | canceled | fill e1 4@100", "Canceled cum=4 leaves=0 avg=100 late=1");
}

#[test]
fn fill_after_an_expiry_is_counted() {
    check("submit 10 | ack v1 | expired time-up | fill e1 4@100", "Expired cum=4 leaves=0 late=1");
}

#[test]
fn fill_after_a_rejection_is_counted() {
    // The venue takes its word back: the order stands there, and what is left of it may execute.
    check("submit 10 | reject -2019 | give-up | fill e1 4@100", "PartiallyFilled cum=4 leaves=6 late=1 broken=1");
}

#[test]
fn fill_before_the_acknowledgement_is_counted() {
    check("submit 10 | fill e1 4@100", "PartiallyFilled cum=4 leaves=6");
    check("submit 10 | fill e1 4@100 | ack v1", "PartiallyFilled cum=4 leaves=6 fills=1");
}

#[test]
fn fill_told_twice_counts_once() {
    check("submit 10 | ack v1 | fill e1 4@100 | fill e1 4@100", "PartiallyFilled cum=4 leaves=6 fills=1 news=3");
}

#[test]
fn fill_beyond_the_quantity_counts_and_is_marked() {
    check("submit 10 | ack v1 | fill e1 8@100 | fill e2 5@100", "Filled cum=13 leaves=0 over=1 late=0");
    check("submit 10 | ack v1 | fill e1 10@100 | fill e2 1@100", "Filled cum=11 leaves=0 over=1 late=0");
}

#[test]
fn a_late_fill_can_fill_an_ended_order() {
    check("submit 10 | ack v1 | fill e1 4@100 | canceled | fill e2 6@101", "Filled cum=10 late=1");
}

#[test]
fn a_fill_of_a_filled_order_told_again_is_not_late() {
    check("submit 10 | ack v1 | fill e1 10@100 | fill e1 10@100 fee 0.1", "Filled cum=10 fees=0.1 late=0 fills=1");
}

#[test]
fn the_trades_behind_what_was_told_as_executed_before_the_end_are_not_late() {
    check(
        "submit 10 | ack v1 | cum 4@100 | expired time-up | fill e1 4@100 | fill e1 4@100 fee 0.1",
        "Expired cum=4 fees=0.1 late=0",
    );
    check("submit 10 | ack v1 | cum 4@100 | expired time-up | fill e1 3@100 | fill e2 3@100", "Expired cum=6 late=1");
}

#[test]
fn presumed_dead_then_seen_is_alive_and_broken() {
    check("submit 10 | doubt | dead | give-up", "Presumed cum=0 leaves=0 doubt=0");
    check("submit 10 | doubt | dead | give-up | ack v1", "New cum=0 leaves=10 broken=1");
    check("submit 10 | doubt | dead | give-up | fill e1 4@100", "PartiallyFilled cum=4 leaves=6 broken=1 late=1");
    check("submit 10 | doubt | dead | give-up | ack v1 | fill e1 4@100 | canceled", "Canceled cum=4 broken=1 late=0");
}

#[test]
fn both_attempts_count_if_the_first_was_not_dead_after_all() {
    check(
        "submit 10 | doubt | dead | attempt | ack v2 | fill e2 10@100 | fill#1 e1 3@99",
        "Filled cum=13 leaves=0 broken=1 over=1",
    );
}

#[test]
fn snapshot_then_trades_counts_once() {
    check("submit 10 | ack v1 | cum 6@100", "PartiallyFilled cum=6 leaves=4 gap=6 fills=0");
    check("submit 10 | ack v1 | cum 6@100 | fill e1 4@100", "PartiallyFilled cum=6 leaves=4 gap=2 fills=1");
    check("submit 10 | ack v1 | cum 6@100 | fill e1 4@100 | fill e2 2@100", "PartiallyFilled cum=6 gap=0 fills=2");
    check("submit 10 | ack v1 | cum 6@100 | fill e1 4@100 | fill e2 2@100 | fill e3 4@100", "Filled cum=10 gap=0 fills=3");
}

#[test]
fn trade_then_snapshot_counts_once() {
    check("submit 10 | ack v1 | fill e1 4@100 | cum 4@100", "PartiallyFilled cum=4 gap=0");
    check("submit 10 | ack v1 | fill e1 4@100 | cum 6@100", "PartiallyFilled cum=6 gap=2");
    check("submit 10 | ack v1 | fill e1 4@100 | cum 2@100", "PartiallyFilled cum=4 gap=0");
}

#[test]
fn a_gap_that_completes_the_order_fills_it() {
    check("submit 10 | ack v1 | fill e1 4@100 | cum 10@100", "Filled cum=10 leaves=0 gap=6");
    check("submit 10 | ack v1 | canceled | cum 10@100", "Filled cum=10 gap=10 late=1");
}

#[test]
fn fee_and_profit_are_filled_in_once_by_a_later_source() {
    check("submit 10 | ack v1 | fill e1 4@100 | fill e1 4@100 fee 0.02 pnl 3", "PartiallyFilled cum=4 fees=0.02 pnl=3 fills=1");
    check("submit 10 | ack v1 | fill e1 4@100 fee 0.02 pnl 3 | fill e1 4@100", "PartiallyFilled cum=4 fees=0.02 pnl=3 fills=1");
    check("submit 10 | ack v1 | fill e1 4@100 fee 0.02 | fill e1 4@100 fee 0.03", "PartiallyFilled fees=0.02 fills=1");
}

#[test]
fn of_two_contradictory_trades_the_first_stands() {
    check("submit 10 | ack v1 | fill e1 4@100 | ! fill e1 5@100", "PartiallyFilled cum=4");
    check("submit 10 | ack v1 | fill e1 4@100 | ! fill e1 4@101", "PartiallyFilled cum=4 avg=100");
    check("submit 10 | ack v1 | fill e1 4@100 | ! fill e1 4@100 maker", "PartiallyFilled cum=4");
    check("submit 10 | ack v1 | ! fill e1 4@100 sell", "New cum=0");
    check("submit 10 | ack v1 | ! fill e1 0@100", "New cum=0");
}

#[test]
fn trades_of_prices_compare_as_numbers() {
    check("submit 10 | ack v1 | fill e1 4@100 | fill e1 4.000@100.0", "PartiallyFilled cum=4 fills=1");
}

#[test]
fn history_of_an_adopted_order_is_executed_but_not_counted() {
    check("adopt 10@100 history 4 | ack v1 | cum 4@100 | fill e9 2@100", "PartiallyFilled cum=4");
    let outcome = exec_testkit::run("adopt 10@100 history 4 | ack v1 | cum 6@100").unwrap();
    assert_eq!(outcome.order.contribution(None).qty, exec_testkit::fixtures::decimal("2"));
}
