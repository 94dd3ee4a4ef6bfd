//! Cancels, changes, refusals and further attempts: what they do to an order, and what they settle.

use exec_testkit::check;

#[test]
fn cancel_reject_after_a_partial_fill_returns_to_partially_filled() {
    check("submit 10 | ack v1 | fill e1 4@100 | cancel", "PendingCancel cum=4 leaves=6");
    check("submit 10 | ack v1 | fill e1 4@100 | cancel | cancel-refused", "PartiallyFilled cum=4 leaves=6");
}

#[test]
fn an_accepted_cancel_settles_nothing_by_itself() {
    check("submit 10 | ack v1 | cancel | cancel-ok", "New leaves=10");
    check("submit 10 | ack v1 | cancel | cancel-ok | canceled", "Canceled leaves=0");
}

#[test]
fn cancel_of_unknown_outcome_is_pending_until_a_fact() {
    check("submit 10 | ack v1 | cancel | cancel-unknown", "PendingCancel");
    check("submit 10 | ack v1 | cancel | cancel-unknown | cancel | cancel-ok", "PendingCancel");
    check("submit 10 | ack v1 | cancel | cancel-unknown | cancel-refused", "New");
    check("submit 10 | ack v1 | cancel | cancel-unknown | canceled", "Canceled");
}

#[test]
fn a_worse_answer_does_not_undo_a_better_one() {
    check("submit 10 | ack v1 | cancel | cancel-ok | cancel-unknown", "New");
    check("submit 10 | ack v1 | replace 12@101 | replace-ok | terms 12@101 | replace-unknown", "New qty=12");
}

#[test]
fn cancel_overtakes_its_order() {
    check("submit 10 | cancel | cancel-refused", "PendingNew leaves=10");
    check("submit 10 | cancel | cancel-refused | ack v1", "New leaves=10");
}

#[test]
fn a_change_counts_when_the_venue_says_so() {
    check("submit 10@100 | ack v1 | replace 12@101", "PendingReplace qty=10 price=100 leaves=10");
    check("submit 10@100 | ack v1 | replace 12@101 | replace-ok", "New qty=10 price=100");
    check("submit 10@100 | ack v1 | replace 12@101 | replace-ok | terms 12@101 at 2", "New qty=12 price=101 leaves=12");
    check("submit 10@100 | ack v1 | replace 12@101 | terms 12@101 at 2 | replace-ok", "New qty=12 price=101 leaves=12");
    check("submit 10@100 | ack v1 | replace 12@101 | replace-refused", "New qty=10 price=100");
}

#[test]
fn a_fill_of_a_change_that_is_not_confirmed_yet_is_no_overfill() {
    check("submit 10@100 | ack v1 | replace 12@101 | fill e1 12@101", "- cum=12 over=0");
    check("submit 10@100 | ack v1 | replace 12@101 | fill e1 12@101 | terms 12@101 at 2 | replace-ok", "Filled cum=12 over=0");
    check("submit 10@100 | ack v1 | replace 12@101 | fill e1 13@101", "- cum=13 over=1");
    check("submit 10@100 | ack v1 | replace 12@101 | replace-refused | fill e1 12@101", "Filled cum=12 over=1");
}

#[test]
fn the_newest_terms_stand_whenever_they_arrive() {
    check("submit 10@100 | ack v1 | terms 12@101 at 2 | terms 11@100 at 1", "New qty=12 price=101");
    check("submit 10@100 | ack v1 | terms 11@100 at 1 | terms 12@101 at 2", "New qty=12 price=101");
}

#[test]
fn a_venue_may_shrink_an_order_to_what_is_executed() {
    check("submit 10@100 | ack v1 | fill e1 4@100 | terms 4@100 at 2", "Filled cum=4 qty=4 leaves=0");
}

#[test]
fn a_refusal_ends_an_order_only_when_nothing_follows() {
    check("submit 10 | reject -1008", "PendingNew leaves=10");
    check("submit 10 | reject -1008 | give-up", "Rejected leaves=0");
    check("submit 10 | reject -1008 | attempt", "PendingNew leaves=10");
    check("submit 10 | reject -1008 | attempt | ack v2 | fill e1 10@100", "Filled cum=10");
    check("submit 10 | not-sent | attempt | not-sent | give-up", "NotSent");
    check("submit 10 | reject -1008 | attempt | doubt | dead | give-up", "Presumed");
}

#[test]
fn an_attempt_may_ask_for_less() {
    check("submit 10 | reject -2022 | attempt 7 | ack v2", "New qty=7 leaves=7");
    check("submit 10 | reject -2022 | attempt 7 | ack v2 | fill e1 7@100", "Filled cum=7");
}

#[test]
fn a_conditional_order_that_is_refused_at_its_trigger_ends() {
    check("submit 10 | algo g1 | trigger", "Triggered");
    check("submit 10 | algo g1 | reject 0", "New");
    check("submit 10 | algo g1 | reject 0 | give-up", "Rejected");
}

#[test]
fn a_conditional_order_and_its_child_are_one() {
    check("submit 10 | algo g1 | fill e1 4@100 | trigger | ack v1 | fill e2 6@100", "Filled cum=10 fills=2");
}

#[test]
fn two_ids_for_one_attempt_contradict() {
    check("submit 10 | ack v1 | ! ack v2", "New");
    check("submit 10 | algo g1 | ! algo g2", "New");
    check("submit 10 | reject -2019 | ! reject -2021", "PendingNew");
}

#[test]
fn facts_about_nothing_that_was_made_are_refused() {
    check("intent 10 | ! ack v1", "Initialized");
    check("submit 10 | ! deny", "PendingNew");
    check("intent 10 | deny | ! attempt", "Denied");
}

#[test]
fn of_two_endings_the_better_known_one_stands() {
    check("submit 10 | ack v1 | expired | canceled", "Canceled");
    check("submit 10 | ack v1 | canceled | expired", "Canceled");
    check("submit 10 | ack v1 | vanished | expired", "Expired");
}

#[test]
fn doubt_ends_with_any_fact_of_the_venue() {
    check("submit 10 | doubt", "PendingNew doubt=1");
    for fact in ["ack v1", "fill e1 1@100", "cum 1", "canceled", "reject -2019", "not-sent", "dead"] {
        check(&format!("submit 10 | doubt | {fact}"), "- doubt=0");
        check(&format!("submit 10 | {fact} | doubt"), "- doubt=0");
    }
}
